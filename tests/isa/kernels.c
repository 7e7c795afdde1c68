/* SPDX-License-Identifier: MIT */
/*
 * Small kernels for the comparison with llvm-objdump: compiled for amdgcn by clang-19 when it is
 * there. No headers and no device library: only what the compiler itself knows.
 */
#define KERNEL __attribute__((amdgpu_kernel))
#define LDS    __attribute__((address_space(3)))
#define GLOBAL __attribute__((address_space(1)))

typedef _Float16 half2 __attribute__((ext_vector_type(2)));

static int id(void)
{
	return (int)(__builtin_amdgcn_workgroup_id_x() * 256u + __builtin_amdgcn_workitem_id_x());
}

KERNEL void axpy(GLOBAL float *y, GLOBAL const float *x, float a, int n)
{
	if (id() < n)
		y[id()] += a * x[id()];
}

KERNEL void axpy_double(GLOBAL double *y, GLOBAL const double *x, double a, int n)
{
	for (int i = id(); i < n; i += 4096)
		y[i] = y[i] / (a + x[i]) + __builtin_sqrt(x[i]);
}

KERNEL void half_math(GLOBAL half2 *y, GLOBAL const half2 *x, GLOBAL const half2 *z)
{
	int i = id();

	y[i] = x[i] * z[i] + y[i];
	y[i + 1].x = (_Float16)((float)x[i].y * (float)z[i].x + 1.5f);
}

KERNEL void integer(
	GLOBAL long *y, GLOBAL const unsigned *x, GLOBAL const signed char *b, GLOBAL short *s)
{
	int i = id();
	unsigned v = x[i];

	y[i] = (long)v * (long)(int)x[i + 1] + (long)(v / 7u) - (long)(v % x[i + 2]);
	y[i + 1] = (long)__builtin_popcount(v) << (v & 63);
	s[i] = (short)(s[i] * b[i] + b[i + 3] - (short)(v >> 16));
}

KERNEL void branches(GLOBAL int *y, int n, GLOBAL const int *x)
{
	int i = id(), sum = 0;

	while (x[i] > n) {
		switch (x[i] & 7) {
		case 0:
			sum += x[i + 1];
			break;
		case 3:
			sum *= x[i + 2];
			break;
		case 5:
			sum ^= 0x12345;
			break;
		default:
			if (sum > 100)
				goto out;
			sum++;
			break;
		}
		i += x[i] & 15;
	}
out:
	y[id()] = sum;
}

KERNEL void reduce(GLOBAL float *y, GLOBAL const float *x)
{
	static LDS float part[256] __attribute__((loader_uninitialized));
	unsigned t = __builtin_amdgcn_workitem_id_x();

	part[t] = x[id()];
	for (unsigned k = 128; k; k >>= 1) {
		__builtin_amdgcn_s_barrier();
		if (t < k)
			part[t] += part[t + k];
	}
	__builtin_amdgcn_s_barrier();
	if (t == 0)
		y[__builtin_amdgcn_workgroup_id_x()] = part[0];
}

KERNEL void lanes(GLOBAL int *y, GLOBAL const int *x)
{
	int v = x[id()];

	v += __builtin_amdgcn_mov_dpp(v, 0x111, 15, 15, 1);
	v += __builtin_amdgcn_update_dpp(0, v, 0x143 & 0xff, 15, 15, 0);
	v ^= __builtin_amdgcn_ds_bpermute(v * 4, v);
	v += __builtin_amdgcn_readfirstlane(v) + __builtin_amdgcn_readlane(v, 3);
	v += __builtin_amdgcn_ds_swizzle(v, 0x401f);
	y[id()] = v;
}

KERNEL void atomics(GLOBAL int *y, GLOBAL unsigned long *z, int *flat)
{
	int i = id();

	__atomic_fetch_add(&y[i & 3], i, __ATOMIC_RELAXED);
	z[i] = __atomic_fetch_or(&z[i + 1], 5ul, __ATOMIC_ACQ_REL);
	__atomic_exchange_n(&flat[i], 3, __ATOMIC_SEQ_CST);
	flat[i + 5] = flat[i + 7] + 1;
}

KERNEL void stack(GLOBAL int *y, int k)
{
	int a[64];

	for (int i = 0; i < 64; i++)
		a[i] = y[i + id()];
	y[id()] = a[k & 63] + a[y[0] & 63];
}
