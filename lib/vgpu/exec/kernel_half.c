/* SPDX-License-Identifier: MIT */
/*
 * Vector kernels: half precision, packed half precision, mixed precision, and the helpers on lane
 * arrays. A half result is the low 16 bits of d; the caller merges it.
 *
 * add, mul: in single precision, then rounded to half; 24 >= 2 * 11 + 2 bits, so the second
 * rounding changes nothing. fma: in double precision; the sum is exact wherever its rounding to
 * half could be close to a tie. Source of the rules: "RDNA 2" instruction set document.
 */
#include "vgpu/exec/lanes.h"

#define HNAN(h) (((h)&0x7fffu) > F16_INF)
#define HQUIET	0x200u

/* NaN result: first NaN operand, quieted, else the default. */
static inline uint32_t half_nan(uint32_t r, uint32_t a, uint32_t b, uint32_t c)
{
	if (!HNAN(r))
		return r;
	return (HNAN(a) ? a : HNAN(b) ? b : HNAN(c) ? c : 0x7e00u) | HQUIET;
}

static inline uint32_t h_add(uint32_t a, uint32_t b, unsigned int round)
{
	return half_nan(f_to_half(half_to_f(a) + half_to_f(b), round), a, b, 0);
}
static inline uint32_t h_mul(uint32_t a, uint32_t b, unsigned int round)
{
	return half_nan(f_to_half(half_to_f(a) * half_to_f(b), round), a, b, 0);
}
static inline uint32_t h_fma(uint32_t a, uint32_t b, uint32_t c, unsigned int round)
{
	return half_nan(
		d_to_half(
			(double)half_to_f(a) * (double)half_to_f(b) + (double)half_to_f(c), round),
		a, b, c);
}
static inline uint32_t h_minmax(uint32_t a, uint32_t b, bool max, bool ieee)
{
	int32_t ka, kb;

	if (ieee && HNAN(a) && !(a & HQUIET))
		return a | HQUIET;
	if (ieee && HNAN(b) && !(b & HQUIET))
		return b | HQUIET;
	if (HNAN(a))
		return HNAN(b) ? b | HQUIET : b;
	if (HNAN(b))
		return a;
	ka = a & 0x8000u ? -(int32_t)(a & 0x7fffu) - 1 : (int32_t)a;
	kb = b & 0x8000u ? -(int32_t)(b & 0x7fffu) - 1 : (int32_t)b;
	return (ka < kb) != max ? a : b;
}

#define H(p) ((p)[i] & 0xffffu)
#define H1(name, expr)                                 \
	static void k_##name(struct rp_vargs *x)       \
	{                                              \
		const unsigned int round = x->round16; \
                                                       \
		(void)round;                           \
		for (int i = 0; i < RP_LANES; i++) {   \
			uint32_t a = H(x->a);          \
			float f = half_to_f(a);        \
                                                       \
			(void)f;                       \
			x->d[i] = (expr);              \
		}                                      \
	}
#define H2(name, expr)                                     \
	static void k_##name(struct rp_vargs *x)           \
	{                                                  \
		const unsigned int round = x->round16;     \
		const bool ieee = x->ieee;                 \
                                                           \
		(void)round;                               \
		(void)ieee;                                \
		for (int i = 0; i < RP_LANES; i++) {       \
			uint32_t a = H(x->a), b = H(x->b); \
                                                           \
			x->d[i] = (expr);                  \
		}                                          \
	}
#define H3(name, expr)                                                  \
	static void k_##name(struct rp_vargs *x)                        \
	{                                                               \
		const unsigned int round = x->round16;                  \
		const bool ieee = x->ieee;                              \
                                                                        \
		(void)round;                                            \
		(void)ieee;                                             \
		for (int i = 0; i < RP_LANES; i++) {                    \
			uint32_t a = H(x->a), b = H(x->b), c = H(x->c); \
                                                                        \
			x->d[i] = (expr);                               \
		}                                                       \
	}
H2(add, h_add(a, b, round))
H2(sub, h_add(a, b ^ (HNAN(b) ? 0 : 0x8000u), round))
H2(subrev, h_add(a ^ (HNAN(a) ? 0 : 0x8000u), b, round))
H2(mul, h_mul(a, b, round))
H3(fma, h_fma(a, b, c, round))
H2(min, h_minmax(a, b, false, ieee))
H2(max, h_minmax(a, b, true, ieee))
H3(min3, h_minmax(h_minmax(a, b, false, ieee), c, false, ieee))
H3(max3, h_minmax(h_minmax(a, b, true, ieee), c, true, ieee))

static inline uint32_t h_med3(uint32_t a, uint32_t b, uint32_t c, bool ieee)
{
	uint32_t m;

	if (HNAN(a) || HNAN(b) || HNAN(c))
		return h_minmax(h_minmax(a, b, false, ieee), c, false, ieee);
	m = h_minmax(h_minmax(a, b, true, false), c, true, false);
	if (half_to_f(m) == half_to_f(a))
		return h_minmax(b, c, true, false);
	if (half_to_f(m) == half_to_f(b))
		return h_minmax(a, c, true, false);
	return h_minmax(a, b, true, false);
}
H3(med3, h_med3(a, b, c, ieee))

static inline uint32_t h_ldexp(uint32_t a, int32_t e, unsigned int round)
{
	/* the exact product fits double */
	double f = (double)half_to_f(a) * bits_d((uint64_t)((e < -100	      ? -100
								    : e > 100 ? 100
									      : e) +
							    1023)
						  << 52);

	return half_nan(d_to_half(f, round), a, 0, 0);
}
H2(ldexp, h_ldexp(a, (int16_t)(uint16_t)b, round))

static inline uint32_t h_round(float f, uint32_t a)
{
	return half_nan(f_to_half(f, 0), a, 0, 0);
}
H1(trunc, h_round(truncf(f), a))
H1(ceil, h_round(ceilf(f), a))
H1(floor, h_round(floorf(f), a))
H1(rndne, h_round(rintf(f), a))
/* below 1 after rounding, too */
static inline uint32_t h_fract(float f, uint32_t a)
{
	uint32_t r = h_round(f - floorf(f), a);

	return r == 0x3c00u ? 0x3bffu : r;
}
H1(fract, h_fract(f, a))
H1(frexp_exp, (a & F16_INF) == F16_INF || !(a & 0x7fffu) ? 0 : (uint32_t)(ilogbf(f) + 1) & 0xffffu)
H1(frexp_mant, (a & F16_INF) == F16_INF ? half_nan(a, a, 0, 0)
	       : !(a & 0x7fffu)		? a
					: h_round(ldexpf(f, -ilogbf(f) - 1), a))

/* Approximate on the hardware (0.51 ulp by the document); here the rounded true value. */
static double h_turns(double a, bool cosine)
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
#define HD(name, expr) H1(name, half_nan(d_to_half(expr, 0), a, 0, 0))
HD(rcp, 1 / (double)f)
HD(sqrt, sqrt((double)f))
HD(rsq, 1 / sqrt((double)f))
HD(log, log2((double)f))
HD(exp, exp2((double)f))
HD(sin, h_turns((double)f, false))
HD(cos, h_turns((double)f, true))

static void k_cvt_f16_f32(struct rp_vargs *x)
{
	const unsigned int round = x->round16;

	for (int i = 0; i < RP_LANES; i++)
		x->d[i] = bits_to_half(x->a[i], round);
}
static void k_cvt_f32_f16(struct rp_vargs *x)
{
	uint32_t *d = x->d;
	const uint32_t *a = x->a;

	LANES
	{
		uint32_t r = half_to_bits(a[i] & 0xffffu);

		d[i] = r | (f32_nan(r) ? F32_QUIET : 0);
	}
}
H1(cvt_f16_u16, f_to_half((float)(int32_t)a, round))
H1(cvt_f16_i16, f_to_half((float)(int16_t)(uint16_t)a, round))
H1(cvt_u16_f16, f != f || f < 0 ? 0 : f > 65535 ? 65535 : (uint32_t)f)
H1(cvt_i16_f16, f != f ? 0
		       : (uint32_t)(int32_t)(f > 32767	  ? 32767
					     : f < -32768 ? -32768
							  : f) &
				 0xffffu)

static inline uint32_t h_norm(float f, float scale, float low)
{
	if (f != f)
		return 0;
	f = f < low ? low : f > 1 ? 1 : f;
	return (uint32_t)(int32_t)rint((double)f * (double)scale) & 0xffffu;
}
H1(norm_i16, h_norm(f, 32767, -1))
H1(norm_u16, h_norm(f, 65535, 0))
H2(pknorm_i16, h_norm(half_to_f(a), 32767, -1) | h_norm(half_to_f(b), 32767, -1) << 16)
H2(pknorm_u16, h_norm(half_to_f(a), 65535, 0) | h_norm(half_to_f(b), 65535, 0) << 16)

static inline uint32_t h_fixup(uint32_t q, uint32_t den, uint32_t num)
{
	uint32_t sign = (den ^ num) & 0x8000u, aden = den & 0x7fffu, anum = num & 0x7fffu;

	if (HNAN(num))
		return num | HQUIET;
	if (HNAN(den))
		return den | HQUIET;
	if ((!aden && !anum) || (aden == F16_INF && anum == F16_INF))
		return 0xfe00u;
	if (!aden || anum == F16_INF)
		return sign | F16_INF;
	if (aden == F16_INF || !anum)
		return sign;
	return sign | (q & 0x7fffu);
}
H3(fixup, h_fixup(a, b, c))

#define PK2(name, f)                                                                       \
	static void k_pk_##name(struct rp_vargs *x)                                        \
	{                                                                                  \
		const unsigned int round = x->round16;                                     \
		const bool ieee = x->ieee;                                                 \
                                                                                           \
		(void)round;                                                               \
		(void)ieee;                                                                \
		for (int i = 0; i < RP_LANES; i++) {                                       \
			uint32_t a = x->a[i], b = x->b[i];                                 \
                                                                                           \
			x->d[i] = f(a & 0xffffu, b & 0xffffu) | f(a >> 16, b >> 16) << 16; \
		}                                                                          \
	}
#define P_ADD(p, q) h_add(p, q, round)
#define P_MUL(p, q) h_mul(p, q, round)
#define P_MIN(p, q) h_minmax(p, q, false, ieee)
#define P_MAX(p, q) h_minmax(p, q, true, ieee)
PK2(add, P_ADD)
PK2(mul, P_MUL)
PK2(min, P_MIN)
PK2(max, P_MAX)
static void k_pk_fma(struct rp_vargs *x)
{
	const unsigned int round = x->round16;

	for (int i = 0; i < RP_LANES; i++) {
		uint32_t a = x->a[i], b = x->b[i], c = x->c[i];

		x->d[i] = h_fma(a & 0xffffu, b & 0xffffu, c & 0xffffu, round) |
			  h_fma(a >> 16, b >> 16, c >> 16, round) << 16;
	}
}

/* fma_mix: the caller made all sources single precision. */
static uint32_t mix(const struct rp_vargs *x, int i)
{
	uint32_t a = x->a[i], b = x->b[i], c = x->c[i];
	uint32_t r = f_bits(fmaf(bits_f(a), bits_f(b), bits_f(c)));

	if (f32_nan(r))
		r = (f32_nan(a) ? a : f32_nan(b) ? b : f32_nan(c) ? c : F32_NAN) | F32_QUIET;
	return r;
}
static void k_mix(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		x->d[i] = mix(x, i);
}
/*
 * Rounded to single, then to half: LLVM emits it for a half made of a single-precision fma (VOP3PInstructions.td,
 * MadFmaMixPats: fpround of fma). The document does not say.
 */
static void k_mixlo(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++)
		x->d[i] = bits_to_half(mix(x, i), x->round16);
}

/*
 * v_dot2: c + a.lo * b.lo + a.hi * b.hi. Order and rounding are not documented: two fma, low half
 * first, denormals flushed (LLVM, "v_dot2_f32_f16 always flushes").
 */
static void k_dot2(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++) {
		uint32_t a = x->a[i], b = x->b[i];
		float r = fmaf(half_to_f(a), half_to_f(b), bits_f(x->c[i]));

		r = fmaf(half_to_f(a >> 16), half_to_f(b >> 16), r);
		x->d[i] = f32_nan(f_bits(r)) ? F32_NAN : f_bits(r);
	}
}

#define E(name, fn, dst, flags)                        \
	{                                              \
		"v_" name, k_##fn, RP_D_##dst, (flags) \
	}
#define R RP_K_ROUND
static const struct rp_vkernel kernels[] = {
	E("add_f16", add, F16, R),
	E("sub_f16", sub, F16, R),
	E("subrev_f16", subrev, F16, R),
	E("mul_f16", mul, F16, R),
	E("fma_f16", fma, F16, R),
	E("fmac_f16", fma, F16, R),
	E("fmamk_f16", fma, F16, R),
	E("fmaak_f16", fma, F16, R),
	E("min_f16", min, F16, 0),
	E("max_f16", max, F16, 0),
	E("min3_f16", min3, F16, 0),
	E("max3_f16", max3, F16, 0),
	E("med3_f16", med3, F16, 0),
	E("ldexp_f16", ldexp, F16, R),
	E("trunc_f16", trunc, F16, 0),
	E("ceil_f16", ceil, F16, 0),
	E("floor_f16", floor, F16, 0),
	E("rndne_f16", rndne, F16, 0),
	E("fract_f16", fract, F16, 0),
	E("frexp_exp_i16_f16", frexp_exp, U16, 0),
	E("frexp_mant_f16", frexp_mant, F16, 0),
	E("rcp_f16", rcp, F16, RP_K_APPROX),
	E("sqrt_f16", sqrt, F16, RP_K_APPROX),
	E("rsq_f16", rsq, F16, RP_K_APPROX),
	E("log_f16", log, F16, RP_K_APPROX),
	E("exp_f16", exp, F16, RP_K_APPROX),
	E("sin_f16", sin, F16, RP_K_APPROX),
	E("cos_f16", cos, F16, RP_K_APPROX),
	E("cvt_f16_f32", cvt_f16_f32, F16, 0),
	E("cvt_f32_f16", cvt_f32_f16, F32, 0),
	E("cvt_f16_u16", cvt_f16_u16, F16, 0),
	E("cvt_f16_i16", cvt_f16_i16, F16, 0),
	E("cvt_u16_f16", cvt_u16_f16, U16, 0),
	E("cvt_i16_f16", cvt_i16_f16, U16, 0),
	E("cvt_norm_i16_f16", norm_i16, U16, RP_K_UNSURE),
	E("cvt_norm_u16_f16", norm_u16, U16, RP_K_UNSURE),
	E("cvt_pknorm_i16_f16", pknorm_i16, U32, RP_K_UNSURE),
	E("cvt_pknorm_u16_f16", pknorm_u16, U32, RP_K_UNSURE),
	E("div_fixup_f16", fixup, F16, 0),
	E("pk_add_f16", pk_add, PKF16, R),
	E("pk_mul_f16", pk_mul, PKF16, R),
	E("pk_min_f16", pk_min, PKF16, 0),
	E("pk_max_f16", pk_max, PKF16, 0),
	E("pk_fma_f16", pk_fma, PKF16, R),
	E("pk_fmac_f16", pk_fma, PKF16, R),
	E("fma_mix_f32", mix, F32, R),
	E("fma_mixlo_f16", mixlo, F16, R | RP_K_UNSURE),
	E("fma_mixhi_f16", mixlo, F16, R | RP_K_UNSURE),
	E("dot2_f32_f16", dot2, F32, RP_K_FLUSH | RP_K_UNSURE),
	E("dot2c_f32_f16", dot2, F32, RP_K_FLUSH | RP_K_UNSURE),
};

const struct rp_kernel_set RP_LEVELED(
	rp_kernels_half_) = { kernels, sizeof(kernels) / sizeof(kernels[0]) };
