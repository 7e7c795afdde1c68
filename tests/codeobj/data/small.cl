/* SPDX-License-Identifier: MIT */
/*
 * The source of small-CHIP.co, made with LLVM 19.1.7 for CHIP gfx1010, gfx1030, gfx90a:xnack- and
 * gfx10-3-generic (this one with -mcode-object-version=6):
 *   clang-19 -x cl -target amdgcn-amd-amdhsa -mcpu=CHIP -nogpulib -O1 small.cl -o small-CHIP.co
 * Two kernels, and a device function that one of them calls.
 */
__attribute__((noinline)) int twice(int x)
{
	return x * 2 + 1;
}

__kernel void first(__global int *p, int n)
{
	p[0] = twice(n);
}

__kernel void second(__global int *p, __local int *q)
{
	q[0] = p[1];
	p[2] = q[1];
}
