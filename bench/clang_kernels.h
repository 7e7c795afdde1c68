/* SPDX-License-Identifier: MIT */
/*
 * Two kernels as clang 19.1.7 compiles them ("-x c -O3 -target amdgcn-amd-amdhsa -mcpu=gfx1010"), for bench_exec.c:
 *
 * #define KERNEL __attribute__((amdgpu_kernel, visibility("protected")))
 * typedef __attribute__((address_space(1))) float gfloat;
 * KERNEL void fma_loop(gfloat *p, int n)
 * {
 * 	int i = __builtin_amdgcn_workgroup_id_x() * 32 + __builtin_amdgcn_workitem_id_x();
 * 	float a = p[i], b = a + 1, x[8];
 * 	for (int k = 0; k < 8; k++) x[k] = (float)k;
 * 	for (int k = 0; k < n; k++)
 * 		for (int j = 0; j < 8; j++) x[j] = __builtin_fmaf(x[j], a, b);
 * 	p[i] = ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]));
 * }
 * KERNEL void axpy(gfloat *p, int n)
 * {
 * 	int i = __builtin_amdgcn_workgroup_id_x() * 32 + __builtin_amdgcn_workitem_id_x();
 * 	for (int k = 0; k < n; k++, i += 32)
 * 		p[i + 1048576] = __builtin_fmaf(p[i], 1.5f, p[i + 1048576]);
 * }
 *
 * One turn of the loop is 8 vector instructions in both; in axpy 4 of them compute addresses.
 */
#ifndef BENCH_CLANG_KERNELS_H
#define BENCH_CLANG_KERNELS_H

#include <stdint.h>

static const uint32_t clang_fma_loop[] = {
	0xbfa10001,
	0xf4040082,
	0xfa000000,
	0xf4000002,
	0xfa000008,
	0xd7460000,
	0x04010a06,
	0x3002009f,
	0xd6ff0000,
	0x00020082,
	0xbf8cc07f,
	0xd70f6a00,
	0x00020002,
	0x50020203,
	0xbf048100,
	0xbf850024,
	0xdc308000,
	0x0a7d0000,
	0x7e120280,
	0x7e1002f2,
	0x7e0e02f4,
	0x7e0c02ff,
	0x40400000,
	0x7e0a02f6,
	0x7e0802ff,
	0x40a00000,
	0x7e0402ff,
	0x40c00000,
	0x7e0602ff,
	0x40e00000,
	0xbf8c3f70,
	0x061614f2,
	0xd54b0009,
	0x042e1509,
	0xd54b0008,
	0x042e1508,
	0xd54b0007,
	0x042e1507,
	0xd54b0006,
	0x042e1506,
	0xd54b0005,
	0x042e1505,
	0xd54b0004,
	0x042e1504,
	0xd54b0002,
	0x042e1502,
	0xd54b0003,
	0x042e1503,
	0x8100c100,
	0xbf078000,
	0xbf85ffed,
	0xbf82000c,
	0x7e0602ff,
	0x40e00000,
	0x7e0402ff,
	0x40c00000,
	0x7e0802ff,
	0x40a00000,
	0x7e0a02f6,
	0x7e0c02ff,
	0x40400000,
	0x7e0e02f4,
	0x7e1002f2,
	0x7e120280,
	0x06101109,
	0x060c0d07,
	0x06080905,
	0x06040702,
	0x06060d08,
	0x06040504,
	0x06040503,
	0xdc708000,
	0x007d0200,
	0xbf810000,
};

static const uint32_t clang_axpy[] = {
	0xf4000002,
	0xfa000008,
	0xbf8cc07f,
	0xbf048100,
	0xbf850020,
	0xf4040082,
	0xfa000000,
	0xd7460000,
	0x04010a06,
	0x3002009f,
	0xd6ff0000,
	0x00020082,
	0xbf8cc07f,
	0xd70f6a00,
	0x00020002,
	0x50020203,
	0xd70f6a02,
	0x000200ff,
	0x00400000,
	0x50060280,
	0x8100c100,
	0xbfa10001,
	0xdc308000,
	0x047d0000,
	0xdc308000,
	0x057d0002,
	0xd70f6a00,
	0x000200ff,
	0x00000080,
	0x50020280,
	0xbf068000,
	0xbf8c3f70,
	0x560a08ff,
	0x3fc00000,
	0xdc708000,
	0x007d0502,
	0xbf84ffeb,
	0xbf810000,
};

#endif
