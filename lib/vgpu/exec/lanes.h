/* SPDX-License-Identifier: MIT */
/* What the kernel sources share: the loop over lanes, bit casts, half precision. Included by kernels only. */
#ifndef RP_VGPU_EXEC_LANES_H
#define RP_VGPU_EXEC_LANES_H

#include <math.h>
#include <string.h>

#include "vgpu/exec/kernel.h"

/* Each compiled form has its own names: RP_LEVEL is portable, avx2 or avx512. */
#define RP_CAT2(a, b)	 a##b
#define RP_CAT(a, b)	 RP_CAT2(a, b)
#define RP_LEVELED(name) RP_CAT(name, RP_LEVEL)

extern const struct rp_kernel_set RP_LEVELED(rp_kernels_int_), RP_LEVELED(rp_kernels_float_),
	RP_LEVELED(rp_kernels_divide_), RP_LEVELED(rp_kernels_half_), RP_LEVELED(rp_kernels_cmp_);

/* Lanes are independent of each other: d overlaps sources only lane by lane. */
#if defined(__clang__)
#define LANES _Pragma("clang loop vectorize(assume_safety)") for (int i = 0; i < RP_LANES; i++)
#else
#define LANES _Pragma("GCC ivdep") for (int i = 0; i < RP_LANES; i++)
#endif

static inline float bits_f(uint32_t u)
{
	float f;

	memcpy(&f, &u, 4);
	return f;
}

static inline uint32_t f_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, 4);
	return u;
}

static inline double bits_d(uint64_t u)
{
	double d;

	memcpy(&d, &u, 8);
	return d;
}

static inline uint64_t d_bits(double d)
{
	uint64_t u;

	memcpy(&u, &d, 8);
	return u;
}

#define U64(p) ((uint64_t)(p)[i] | (uint64_t)(p)[RP_LANES + i] << 32)
#define PUT64(p, v)                                         \
	do {                                                \
		uint64_t put_ = (v);                        \
		(p)[i] = (uint32_t)put_;                    \
		(p)[RP_LANES + i] = (uint32_t)(put_ >> 32); \
	} while (0)

static inline bool f32_nan(uint32_t u)
{
	return (u & 0x7fffffffu) > 0x7f800000u;
}

static inline bool f32_snan(uint32_t u)
{
	return f32_nan(u) && !(u & 0x400000u);
}

static inline bool f64_nan(uint64_t u)
{
	return (u & UINT64_C(0x7fffffffffffffff)) > UINT64_C(0x7ff0000000000000);
}

#define F32_QUIET 0x400000u
#define F32_NAN	  0x7fc00000u
#define F64_QUIET UINT64_C(0x8000000000000)
#define F64_NAN	  UINT64_C(0x7ff8000000000000)
#define F16_INF	  0x7c00u

/* Exact: every half is a float. */
static inline uint32_t half_to_bits(uint32_t h)
{
	uint32_t sign = (h & 0x8000u) << 16, mag = h & 0x7fffu;
	/* normal: rebias; denormal: the float of the integer mantissa, scaled by 2^-24 */
	uint32_t normal = (mag << 13) + 0x38000000u;
	uint32_t special = (mag << 13) | 0x7f800000u;
	uint32_t tiny = f_bits((float)(int32_t)mag * 0x1p-24f);

	return sign | (mag >= F16_INF ? special : mag < 0x400u ? tiny : normal);
}

static inline float half_to_f(uint32_t h)
{
	return bits_f(half_to_bits(h & 0xffffu));
}

/* round: MODE.FP_ROUND's numbers. base is the truncated half, rest what was cut off, in units of 2 * half. */
static inline uint32_t half_round(
	uint32_t sign, uint32_t base, bool above, bool tie, bool any, unsigned int round)
{
	bool up = round == 0   ? (above || (tie && base & 1))
		  : round == 1 ? any && !sign
		  : round == 2 ? any && sign
			       : false;
	uint32_t h = base + up;

	return sign | h;
}

static inline uint32_t bits_to_half(uint32_t f, unsigned int round)
{
	uint32_t sign = f >> 16 & 0x8000u, mag = f & 0x7fffffffu;
	uint32_t exponent = mag >> 23, mantissa = mag & 0x7fffffu;
	uint32_t shift, whole, base, rest, half;
	bool huge = exponent >= 143, denormal = exponent < 113;

	/* below 2^-14 the mantissa is shifted out; more than 25 bits change nothing but "something is left" */
	shift = denormal ? 126u - exponent : 13u;
	shift = shift > 25 ? 25 : shift;
	whole = denormal ? (mantissa | (exponent ? 0x800000u : 0)) : mantissa;
	base = (whole >> shift) + (denormal ? 0 : (exponent - 112u) << 10);
	rest = whole & ((1u << shift) - 1);
	half = 1u << (shift - 1);
	if (huge) {
		bool max = round == 3 || (round == 1 && sign) || (round == 2 && !sign);

		if (mag > 0x7f800000u)
			return sign | 0x7e00u | (mantissa >> 13);
		return sign | (mag == 0x7f800000u || !max ? F16_INF : 0x7bffu);
	}
	return half_round(sign, base, rest > half, rest == half, rest != 0, round);
}

static inline uint32_t f_to_half(float f, unsigned int round)
{
	return bits_to_half(f_bits(f), round);
}

/* As above from a double: one rounding. */
static inline uint32_t d_to_half(double d, unsigned int round)
{
	uint64_t u = d_bits(d), mag = u & UINT64_C(0x7fffffffffffffff);
	uint32_t sign = (uint32_t)(u >> 48) & 0x8000u;
	uint32_t exponent = (uint32_t)(mag >> 52);
	uint64_t mantissa = mag & UINT64_C(0xfffffffffffff);
	uint32_t shift, base;
	uint64_t rest, half;

	if (exponent >= 1039) {
		bool max = round == 3 || (round == 1 && sign) || (round == 2 && !sign);

		if (f64_nan(u))
			return sign | 0x7e00u | (uint32_t)(mantissa >> 42);
		return sign | (exponent == 2047 || !max ? F16_INF : 0x7bffu);
	}
	if (exponent < 1009) {
		shift = 1051 - exponent;
		if (shift > 54)
			shift = 54;
		mantissa |= exponent ? UINT64_C(1) << 52 : 0;
		base = (uint32_t)(mantissa >> shift);
	} else {
		shift = 42;
		base = (uint32_t)(mantissa >> 42) + ((exponent - 1008) << 10);
	}
	rest = mantissa & ((UINT64_C(1) << shift) - 1);
	half = UINT64_C(1) << (shift - 1);
	return half_round(sign, base, rest > half, rest == half, rest != 0, round);
}

/* Replaces NaN results: lane by lane, only if there is one. n: number of operands. */
static inline void fix_nans(uint32_t *r, const struct rp_vargs *x, unsigned int n)
{
	for (int i = 0; i < RP_LANES; i++) {
		if (!f32_nan(r[i]))
			continue;
		if (f32_nan(x->a[i]))
			r[i] = x->a[i] | F32_QUIET;
		else if (n > 1 && f32_nan(x->b[i]))
			r[i] = x->b[i] | F32_QUIET;
		else if (n > 2 && f32_nan(x->c[i]))
			r[i] = x->c[i] | F32_QUIET;
		else
			r[i] = F32_NAN;
	}
}

static inline void fix_nans64(uint64_t *r, const struct rp_vargs *x, unsigned int n)
{
	for (int i = 0; i < RP_LANES; i++) {
		if (!f64_nan(r[i]))
			continue;
		if (f64_nan(U64(x->a)))
			r[i] = U64(x->a) | F64_QUIET;
		else if (n > 1 && f64_nan(U64(x->b)))
			r[i] = U64(x->b) | F64_QUIET;
		else if (n > 2 && f64_nan(U64(x->c)))
			r[i] = U64(x->c) | F64_QUIET;
		else
			r[i] = F64_NAN;
	}
}

#endif
