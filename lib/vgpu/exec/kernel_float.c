/* SPDX-License-Identifier: MIT */
/*
 * Vector kernels: single and double precision.
 *
 * The caller sets the host's rounding mode to MODE's for kernels with RP_K_ROUND and leaves it at
 * nearest-even for all others; it flushes denormals of sources and results as MODE says.
 * NaN: the first NaN operand in order, quieted, else the default NaN. The documents leave the
 * payload open; one fixed rule makes all compiled forms equal.
 * Source: "RDNA 2" instruction set document.
 */
#include "vgpu/exec/lanes.h"

#define ARITH(name, n, expr)                                                           \
	static void k_##name(struct rp_vargs *x)                                       \
	{                                                                              \
		uint32_t r[RP_LANES] __attribute__((aligned(64))), *d = x->d, bad = 0; \
		const uint32_t *pa = x->a, *pb = x->b, *pc = x->c;                     \
                                                                                       \
		LANES                                                                  \
		{                                                                      \
			float a = bits_f(pa[i]), b = (n) > 1 ? bits_f(pb[i]) : 0;      \
			float c = (n) > 2 ? bits_f(pc[i]) : 0;                         \
                                                                                       \
			(void)b;                                                       \
			(void)c;                                                       \
			r[i] = f_bits(expr);                                           \
			bad |= f32_nan(r[i]);                                          \
		}                                                                      \
		if (bad)                                                               \
			fix_nans(r, x, n);                                             \
		memcpy(d, r, sizeof(r));                                               \
	}

static inline float flush1(float f)
{
	uint32_t u = f_bits(f);

	return bits_f((u & 0x7f800000u) ? u : u & 0x80000000u);
}
/* Two roundings, the product flushed. */
static inline float mad(float a, float b, float c)
{
	float p = flush1(a * b);

	return p + c;
}
/* 0 times anything is 0 (DX9 rule). */
static inline float legacy(float a, float b)
{
	return a == 0 || b == 0 ? 0.0f : a * b;
}

ARITH(add, 2, a + b)
ARITH(sub, 2, a - b)
ARITH(subrev, 2, b - a)
ARITH(mul, 2, a *b)
ARITH(mul_legacy, 2, legacy(a, b))
ARITH(fma, 3, fmaf(a, b, c))
ARITH(mad, 3, mad(a, b, c))
ARITH(mad_legacy, 3, flush1(legacy(a, b)) + c)
ARITH(fma_legacy, 3, a == 0 || b == 0 ? c : fmaf(a, b, c))
ARITH(trunc, 1, truncf(a))
ARITH(ceil, 1, ceilf(a))
ARITH(floor, 1, floorf(a))
ARITH(rndne, 1, rintf(a))
ARITH(sqrt, 1, sqrtf(a))

static inline float fract(float a)
{
	float f = a - floorf(a);

	return f >= 1.0f ? 0x1.fffffep-1f : f;
}
ARITH(fract, 1, fract(a))

/* min and max: sNaN first if MODE.IEEE, then the operand that is no NaN; -0 is below +0. */
static inline uint32_t minmax(uint32_t a, uint32_t b, bool max, bool ieee)
{
	int32_t ka, kb;

	if (ieee && f32_snan(a))
		return a | F32_QUIET;
	if (ieee && f32_snan(b))
		return b | F32_QUIET;
	if (f32_nan(a))
		return f32_nan(b) ? b | F32_QUIET : b;
	if (f32_nan(b))
		return a;
	ka = (int32_t)a < 0 ? (int32_t)(a ^ 0x7fffffffu) : (int32_t)a;
	kb = (int32_t)b < 0 ? (int32_t)(b ^ 0x7fffffffu) : (int32_t)b;
	return (ka < kb) != max ? a : b;
}
static void k_min(struct rp_vargs *x)
{
	bool ieee = x->ieee;

	LANES
	x->d[i] = minmax(x->a[i], x->b[i], false, ieee);
}
static void k_max(struct rp_vargs *x)
{
	bool ieee = x->ieee;

	LANES
	x->d[i] = minmax(x->a[i], x->b[i], true, ieee);
}
static void k_min3(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		x->d[i] = minmax(minmax(x->a[i], x->b[i], false, x->ieee), x->c[i], false, x->ieee);
}
static void k_max3(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		x->d[i] = minmax(minmax(x->a[i], x->b[i], true, x->ieee), x->c[i], true, x->ieee);
}
static void k_med3(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++) {
		uint32_t a = x->a[i], b = x->b[i], c = x->c[i], m;

		if (f32_nan(a) || f32_nan(b) || f32_nan(c)) {
			x->d[i] = minmax(minmax(a, b, false, x->ieee), c, false, x->ieee);
			continue;
		}
		m = minmax(minmax(a, b, true, false), c, true, false);
		if (bits_f(m) == bits_f(a))
			x->d[i] = minmax(b, c, true, false);
		else if (bits_f(m) == bits_f(b))
			x->d[i] = minmax(a, c, true, false);
		else
			x->d[i] = minmax(a, b, true, false);
	}
}

/* Conversions. Out of range saturates, NaN is 0, the fraction is cut off. */
static inline uint32_t to_i32(double a)
{
	return a != a		    ? 0
	       : a >= 2147483647.0  ? 0x7fffffffu
	       : a <= -2147483648.0 ? 0x80000000u
				    : (uint32_t)(int32_t)a;
}
static inline uint32_t to_u32(double a)
{
	return a > 0 ? a >= 4294967295.0 ? UINT32_MAX : (uint32_t)(int64_t)a : 0;
}
#define CVT(name, expr)                          \
	static void k_##name(struct rp_vargs *x) \
	{                                        \
		uint32_t *d = x->d;              \
		const uint32_t *pa = x->a;       \
                                                 \
		LANES                            \
		{                                \
			uint32_t a = pa[i];      \
			d[i] = (expr);           \
		}                                \
	}
CVT(cvt_i32_f32, to_i32((double)bits_f(a)))
CVT(cvt_u32_f32, to_u32((double)bits_f(a)))
CVT(cvt_rpi, to_i32(floor((double)bits_f(a) + 0.5)))
CVT(cvt_flr, to_i32(floor((double)bits_f(a))))
CVT(cvt_f32_i32, f_bits((float)(int32_t)a))
CVT(cvt_f32_ubyte0, f_bits((float)(int32_t)(a & 0xff)))
CVT(cvt_f32_ubyte1, f_bits((float)(int32_t)(a >> 8 & 0xff)))
CVT(cvt_f32_ubyte2, f_bits((float)(int32_t)(a >> 16 & 0xff)))
CVT(cvt_f32_ubyte3, f_bits((float)(int32_t)(a >> 24)))
CVT(cvt_off_f32_i4, f_bits((float)((int32_t)(a << 28) >> 28) * 0.0625f))

/* Through double: the compiler's own sequence for uint32 rounds twice on some levels. */
static void k_cvt_f32_u32(struct rp_vargs *x)
{
	uint32_t *d = x->d;
	const uint32_t *a = x->a;

	LANES
	{
		double wide = (double)(int32_t)(a[i] ^ 0x80000000u) + 2147483648.0;

		d[i] = f_bits((float)wide);
	}
}
static void k_cvt_pkrtz(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		x->d[i] = bits_to_half(x->a[i], 3) | bits_to_half(x->b[i], 3) << 16;
}
static uint32_t norm16(double v, double scale, double low)
{
	if (v != v)
		return 0;
	v = v < low ? low : v > 1 ? 1 : v;
	return (uint32_t)(int32_t)rint(v * scale) & 0xffffu;
}
static void k_pknorm_i16(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		x->d[i] = norm16((double)bits_f(x->a[i]), 32767, -1) |
			  norm16((double)bits_f(x->b[i]), 32767, -1) << 16;
}
static void k_pknorm_u16(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		x->d[i] = norm16((double)bits_f(x->a[i]), 65535, 0) |
			  norm16((double)bits_f(x->b[i]), 65535, 0) << 16;
}
/* Byte number b[1:0] of c becomes a as an integer in 0..255. */
static void k_pk_u8(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++) {
		double v = (double)bits_f(x->a[i]);
		uint32_t byte = v != v || v < 0 ? 0 : v > 255 ? 255 : (uint32_t)rint(v);
		unsigned int shift = 8 * (x->b[i] & 3);

		x->d[i] = (x->c[i] & ~(0xffu << shift)) | byte << shift;
	}
}

static inline double power2(int e)
{
	return bits_d((uint64_t)(e + 1023) << 52);
}
static void k_ldexp(struct rp_vargs *x)
{
	uint32_t r[RP_LANES], bad = 0;

	for (int i = 0; i < RP_LANES; i++) {
		int32_t e = (int32_t)x->b[i];

		e = e < -400 ? -400 : e > 400 ? 400 : e;
		r[i] = f_bits((float)((double)bits_f(x->a[i]) * power2(e)));
		bad |= f32_nan(r[i]);
	}
	if (bad)
		fix_nans(r, x, 1);
	memcpy(x->d, r, sizeof(r));
}
static void k_frexp_exp(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++) {
		int e = 0;

		if ((x->a[i] & 0x7f800000u) != 0x7f800000u)
			(void)frexpf(bits_f(x->a[i]), &e);
		x->d[i] = (uint32_t)e;
	}
}
static void k_frexp_mant(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++) {
		uint32_t a = x->a[i];
		int e;

		if (f32_nan(a))
			x->d[i] = a | F32_QUIET;
		else if ((a & 0x7fffffffu) == 0x7f800000u)
			x->d[i] = a;
		else
			x->d[i] = f_bits(frexpf(bits_f(a), &e));
	}
}

/*
 * Transcendental functions: the hardware's tables are not public. Computed in double and rounded
 * once, so within half a unit in the last place of the true value; the documents promise 1.
 */
#define APPROX(name, expr)                                  \
	static void k_##name(struct rp_vargs *x)            \
	{                                                   \
		uint32_t r[RP_LANES], bad = 0;              \
                                                            \
		for (int i = 0; i < RP_LANES; i++) {        \
			double a = (double)bits_f(x->a[i]); \
                                                            \
			r[i] = f_bits((float)(expr));       \
			bad |= f32_nan(r[i]);               \
		}                                           \
		if (bad)                                    \
			fix_nans(r, x, 1);                  \
		memcpy(x->d, r, sizeof(r));                 \
	}
static double turns(double a, bool cosine)
{
	const double pi2 = 6.283185307179586477;
	double f, m;

	if (isinf(a))
		return NAN;
	if (fabs(a) > 256) /* outside of the range that the document allows */
		return cosine ? 1 : 0;
	/* the nearest whole turn off, exactly; sines of a quarter turn at most, so that 0 comes out as 0 */
	f = a - rint(a);
	m = fabs(f);
	if (!cosine)
		return sin(pi2 * (m > 0.25 ? copysign(0.5 - m, f) : f));
	return m > 0.125 ? sin(pi2 * (0.25 - m)) : cos(pi2 * m);
}
APPROX(exp, exp2(a))
APPROX(log, log2(a))
APPROX(rsq, 1 / sqrt(a))
APPROX(sin, turns(a, false))
APPROX(cos, turns(a, true))
ARITH(rcp, 1, 1.0f / a)

/* Double precision. */
#define ARITH64(name, n, expr)                                                         \
	static void k_##name(struct rp_vargs *x)                                       \
	{                                                                              \
		uint64_t r[RP_LANES] __attribute__((aligned(64))), bad = 0;            \
		const uint32_t *pa = x->a, *pb = x->b, *pc = x->c;                     \
		uint32_t *d = x->d;                                                    \
                                                                                       \
		LANES                                                                  \
		{                                                                      \
			double a = bits_d(U64(pa)), b = (n) > 1 ? bits_d(U64(pb)) : 0; \
			double c = (n) > 2 ? bits_d(U64(pc)) : 0;                      \
                                                                                       \
			(void)b;                                                       \
			(void)c;                                                       \
			r[i] = d_bits(expr);                                           \
			bad |= f64_nan(r[i]);                                          \
		}                                                                      \
		if (bad)                                                               \
			fix_nans64(r, x, n);                                           \
		LANES                                                                  \
		PUT64(d, r[i]);                                                        \
	}
static inline double fract64(double a)
{
	double f = a - floor(a);

	return f >= 1.0 ? 0x1.fffffffffffffp-1 : f;
}
ARITH64(add64, 2, a + b)
ARITH64(mul64, 2, a *b)
ARITH64(fma64, 3, fma(a, b, c))
ARITH64(trunc64, 1, trunc(a))
ARITH64(ceil64, 1, ceil(a))
ARITH64(floor64, 1, floor(a))
ARITH64(rndne64, 1, rint(a))
ARITH64(fract64, 1, fract64(a))
ARITH64(sqrt64, 1, sqrt(a))
ARITH64(rcp64, 1, 1.0 / a)
ARITH64(rsq64, 1, 1.0 / sqrt(a))

static inline uint64_t minmax64(uint64_t a, uint64_t b, bool max, bool ieee)
{
	int64_t ka, kb;

	if (ieee && f64_nan(a) && !(a & F64_QUIET))
		return a | F64_QUIET;
	if (ieee && f64_nan(b) && !(b & F64_QUIET))
		return b | F64_QUIET;
	if (f64_nan(a))
		return f64_nan(b) ? b | F64_QUIET : b;
	if (f64_nan(b))
		return a;
	ka = (int64_t)a < 0 ? (int64_t)(a ^ UINT64_C(0x7fffffffffffffff)) : (int64_t)a;
	kb = (int64_t)b < 0 ? (int64_t)(b ^ UINT64_C(0x7fffffffffffffff)) : (int64_t)b;
	return (ka < kb) != max ? a : b;
}
static void k_min64(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		PUT64(x->d, minmax64(U64(x->a), U64(x->b), false, x->ieee));
}
static void k_max64(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		PUT64(x->d, minmax64(U64(x->a), U64(x->b), true, x->ieee));
}
static void k_cvt_i32_f64(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		x->d[i] = to_i32(bits_d(U64(x->a)));
}
static void k_cvt_u32_f64(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		x->d[i] = to_u32(bits_d(U64(x->a)));
}
static void k_cvt_f64_i32(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		PUT64(x->d, d_bits((double)(int32_t)x->a[i]));
}
static void k_cvt_f64_u32(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		PUT64(x->d, d_bits((double)x->a[i]));
}
static void k_cvt_f32_f64(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++) {
		uint64_t a = U64(x->a);

		if (f64_nan(a))
			x->d[i] = (uint32_t)(a >> 32 & 0x80000000u) | 0x7fc00000u |
				  (uint32_t)(a >> 29 & 0x3fffff);
		else
			x->d[i] = f_bits((float)bits_d(a));
	}
}
static void k_cvt_f64_f32(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++) {
		uint32_t a = x->a[i];

		if (f32_nan(a))
			PUT64(x->d, (uint64_t)(a & 0x80000000u) << 32 | F64_NAN |
					    (uint64_t)(a & 0x3fffffu) << 29);
		else
			PUT64(x->d, d_bits((double)bits_f(a)));
	}
}
static void k_ldexp64(struct rp_vargs *x)
{
	uint64_t r[RP_LANES];

	for (int i = 0; i < RP_LANES; i++) {
		int32_t e = (int32_t)x->b[i];

		e = e < -4000 ? -4000 : e > 4000 ? 4000 : e;
		r[i] = d_bits(ldexp(bits_d(U64(x->a)), e));
	}
	fix_nans64(r, x, 1);
	for (int i = 0; i < RP_LANES; i++)
		PUT64(x->d, r[i]);
}
static void k_frexp_exp64(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++) {
		double a = bits_d(U64(x->a));
		int e = 0;

		if (isfinite(a))
			(void)frexp(a, &e);
		x->d[i] = (uint32_t)e;
	}
}
static void k_frexp_mant64(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++) {
		uint64_t a = U64(x->a);
		int e;

		if (f64_nan(a))
			a |= F64_QUIET;
		else if (isfinite(bits_d(a)))
			a = d_bits(frexp(bits_d(a), &e));
		PUT64(x->d, a);
	}
}

#define E(name, fn, dst, flags)                        \
	{                                              \
		"v_" name, k_##fn, RP_D_##dst, (flags) \
	}
#define R RP_K_ROUND
static const struct rp_vkernel kernels[] = {
	E("add_f32", add, F32, R),
	E("sub_f32", sub, F32, R),
	E("subrev_f32", subrev, F32, R),
	E("mul_f32", mul, F32, R),
	E("mul_legacy_f32", mul_legacy, F32, R),
	E("fma_f32", fma, F32, R),
	E("fmac_f32", fma, F32, R),
	E("fmamk_f32", fma, F32, R),
	E("fmaak_f32", fma, F32, R),
	E("fma_legacy_f32", fma_legacy, F32, R),
	E("fmac_legacy_f32", fma_legacy, F32, R),
	/* LLVM selects mad and mac only where denormals are flushed; that they always do is assumed */
	E("mad_f32", mad, F32, R | RP_K_FLUSH | RP_K_UNSURE),
	E("mac_f32", mad, F32, R | RP_K_FLUSH | RP_K_UNSURE),
	E("madmk_f32", mad, F32, R | RP_K_FLUSH | RP_K_UNSURE),
	E("madak_f32", mad, F32, R | RP_K_FLUSH | RP_K_UNSURE),
	E("mad_legacy_f32", mad_legacy, F32, R | RP_K_FLUSH | RP_K_UNSURE),
	E("mac_legacy_f32", mad_legacy, F32, R | RP_K_FLUSH | RP_K_UNSURE),
	E("trunc_f32", trunc, F32, 0),
	E("ceil_f32", ceil, F32, 0),
	E("floor_f32", floor, F32, 0),
	E("rndne_f32", rndne, F32, 0),
	E("fract_f32", fract, F32, 0),
	E("min_f32", min, F32, 0),
	E("max_f32", max, F32, 0),
	E("min3_f32", min3, F32, 0),
	E("max3_f32", max3, F32, 0),
	E("med3_f32", med3, F32, 0),
	E("cvt_i32_f32", cvt_i32_f32, U32, 0),
	E("cvt_u32_f32", cvt_u32_f32, U32, 0),
	E("cvt_rpi_i32_f32", cvt_rpi, U32, 0),
	E("cvt_flr_i32_f32", cvt_flr, U32, 0),
	E("cvt_f32_i32", cvt_f32_i32, F32, R),
	E("cvt_f32_u32", cvt_f32_u32, F32, R),
	E("cvt_f32_ubyte0", cvt_f32_ubyte0, F32, 0),
	E("cvt_f32_ubyte1", cvt_f32_ubyte1, F32, 0),
	E("cvt_f32_ubyte2", cvt_f32_ubyte2, F32, 0),
	E("cvt_f32_ubyte3", cvt_f32_ubyte3, F32, 0),
	E("cvt_off_f32_i4", cvt_off_f32_i4, F32, 0),
	E("cvt_pkrtz_f16_f32", cvt_pkrtz, PKF16, 0),
	E("cvt_pknorm_i16_f32", pknorm_i16, U32, RP_K_UNSURE),
	E("cvt_pknorm_u16_f32", pknorm_u16, U32, RP_K_UNSURE),
	E("cvt_pk_u8_f32", pk_u8, U32, RP_K_UNSURE),
	E("ldexp_f32", ldexp, F32, R),
	E("frexp_exp_i32_f32", frexp_exp, U32, 0),
	E("frexp_mant_f32", frexp_mant, F32, 0),
	E("exp_f32", exp, F32, RP_K_APPROX | RP_K_FLUSH),
	E("log_f32", log, F32, RP_K_APPROX | RP_K_FLUSH),
	E("rcp_f32", rcp, F32, RP_K_APPROX | RP_K_FLUSH),
	E("rcp_iflag_f32", rcp, F32, RP_K_APPROX | RP_K_FLUSH),
	E("rsq_f32", rsq, F32, RP_K_APPROX | RP_K_FLUSH),
	E("sqrt_f32", sqrt, F32, RP_K_APPROX | RP_K_FLUSH),
	E("sin_f32", sin, F32, RP_K_APPROX),
	E("cos_f32", cos, F32, RP_K_APPROX),
	E("add_f64", add64, F64, R),
	E("mul_f64", mul64, F64, R),
	E("fma_f64", fma64, F64, R),
	E("trunc_f64", trunc64, F64, 0),
	E("ceil_f64", ceil64, F64, 0),
	E("floor_f64", floor64, F64, 0),
	E("rndne_f64", rndne64, F64, 0),
	E("fract_f64", fract64, F64, 0),
	E("min_f64", min64, F64, 0),
	E("max_f64", max64, F64, 0),
	E("cvt_i32_f64", cvt_i32_f64, U32, 0),
	E("cvt_u32_f64", cvt_u32_f64, U32, 0),
	E("cvt_f64_i32", cvt_f64_i32, F64, 0),
	E("cvt_f64_u32", cvt_f64_u32, F64, 0),
	E("cvt_f32_f64", cvt_f32_f64, F32, R),
	E("cvt_f64_f32", cvt_f64_f32, F64, 0),
	E("ldexp_f64", ldexp64, F64, R),
	E("frexp_exp_i32_f64", frexp_exp64, U32, 0),
	E("frexp_mant_f64", frexp_mant64, F64, 0),
	E("rcp_f64", rcp64, F64, RP_K_APPROX),
	E("rsq_f64", rsq64, F64, RP_K_APPROX),
	E("sqrt_f64", sqrt64, F64, RP_K_APPROX),
};

const struct rp_kernel_set RP_LEVELED(
	rp_kernels_float_) = { kernels, sizeof(kernels) / sizeof(kernels[0]) };
