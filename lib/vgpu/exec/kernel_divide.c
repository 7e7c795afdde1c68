/* SPDX-License-Identifier: MIT */
/*
 * Vector kernels: the helpers of the division that LLVM emits, cube maps, trigonometric reduction.
 *
 * v_div_scale, v_div_fmas: the exponents 64/-64 and 128/-128 are those of AMD's later documents;
 * with the 32 and 64 printed for RDNA the division would not be correctly rounded. v_div_fixup
 * makes a NaN quotient an overflow for the same reason. The division as a whole is proven by the
 * random kernels (tests/exec/test_diff.py).
 */
#include "vgpu/exec/lanes.h"

/* Helpers of the division that LLVM emits. a: S0, b: S1 (denominator), c: S2 (numerator). */
static uint32_t scale1(uint32_t s0, uint32_t s1, uint32_t s2, bool *vcc)
{
	double den = (double)bits_f(s1), num = (double)bits_f(s2);
	int e1 = (int)(s1 >> 23 & 0xff), e2 = (int)(s2 >> 23 & 0xff);
	bool rcp_tiny = fabs(1 / den) < 0x1p-126, quotient_tiny = fabs(num / den) < 0x1p-126;
	float up = (float)((double)bits_f(s0) * 0x1p64),
	      down = (float)((double)bits_f(s0) * 0x1p-64);

	*vcc = false;
	if (num == 0 || den == 0)
		return F32_NAN;
	if (e2 - e1 >= 96) {
		*vcc = true;
		return s0 == s1 ? f_bits(up) : s0;
	}
	if (e1 == 0)
		return f_bits(up);
	if (rcp_tiny && quotient_tiny) {
		*vcc = true;
		return s0 == s1 ? f_bits(down) : s0;
	}
	if (rcp_tiny)
		return f_bits(down);
	if (quotient_tiny) {
		*vcc = true;
		return s0 == s2 ? f_bits(up) : s0;
	}
	return e2 <= 23 ? f_bits(up) : s0;
}
static void k_div_scale(struct rp_vargs *x)
{
	uint32_t m = 0;

	for (int i = 0; i < RP_LANES; i++) {
		bool vcc;
		uint32_t r = scale1(x->a[i], x->b[i], x->c[i], &vcc);

		x->d[i] = r;
		m |= (uint32_t)vcc << i;
	}
	x->mask_out = m;
}
static uint64_t scale1_64(uint64_t s0, uint64_t s1, uint64_t s2, bool *vcc)
{
	double den = bits_d(s1), num = bits_d(s2);
	int e1 = (int)(s1 >> 52 & 0x7ff), e2 = (int)(s2 >> 52 & 0x7ff);
	bool rcp_tiny = fabs(1 / den) < 0x1p-1022, quotient_tiny = fabs(num / den) < 0x1p-1022;
	double up = bits_d(s0) * 0x1p128, down = bits_d(s0) * 0x1p-128;

	*vcc = false;
	if (num == 0 || den == 0)
		return F64_NAN;
	if (e2 - e1 >= 768) {
		*vcc = true;
		return s0 == s1 ? d_bits(up) : s0;
	}
	if (e1 == 0)
		return d_bits(up);
	if (rcp_tiny && quotient_tiny) {
		*vcc = true;
		return s0 == s1 ? d_bits(down) : s0;
	}
	if (rcp_tiny)
		return d_bits(down);
	if (quotient_tiny) {
		*vcc = true;
		return s0 == s2 ? d_bits(up) : s0;
	}
	return e2 <= 53 ? d_bits(up) : s0;
}
static void k_div_scale64(struct rp_vargs *x)
{
	uint32_t m = 0;

	for (int i = 0; i < RP_LANES; i++) {
		bool vcc;
		uint64_t r = scale1_64(U64(x->a), U64(x->b), U64(x->c), &vcc);

		PUT64(x->d, r);
		m |= (uint32_t)vcc << i;
	}
	x->mask_out = m;
}
/*
 * fma and the scaling are one operation with one rounding: where the scaled result is denormal,
 * rounding twice would be wrong by an ulp. Single: the sum rounded to odd in double has bits to
 * spare. Double: a tie that the first rounding made is decided by the sign of what it cut off.
 */
static float scaled_fma(float a, float b, float c, double scale)
{
	double p = (double)a * (double)b, s = p + (double)c, t = s - p,
	       rest = (p - (s - t)) + ((double)c - t);
	uint64_t u = d_bits(s);

	if (rest != 0 && rest == rest && s != 0 && isfinite(s)) {
		if ((rest < 0) != (s < 0))
			u--;
		u |= 1;
	}
	return (float)(bits_d(u) * scale);
}

static double scaled_fma64(double a, double b, double c, double scale)
{
	double r = fma(a, b, c), q = r * scale, back = q / scale, p, pe, s, t, rest;

	if (!isfinite(r) || !(fabs(q) < 0x1p-1022) || scale > 1 || fabs(r - back) != 0x1p-947)
		return q;
	p = a * b;
	pe = fma(a, b, -p);
	s = p + c;
	t = s - p;
	rest = ((p - (s - t)) + (c - t) + pe) + (s - r);
	if (rest == 0)
		return q;
	if ((rest > 0) == (r > back)) /* the true value is beyond the tie, away from q */
		q += rest > 0 ? 0x1p-1074 : -0x1p-1074;
	return q;
}

static void k_div_fmas(struct rp_vargs *x)
{
	uint32_t r[RP_LANES];

	for (int i = 0; i < RP_LANES; i++) {
		float a = bits_f(x->a[i]), b = bits_f(x->b[i]), c = bits_f(x->c[i]);

		if (x->mask_in >> i & 1)
			r[i] = f_bits(scaled_fma(
				a, b, c, (x->c[i] >> 23 & 0xff) > 127 ? 0x1p64 : 0x1p-64));
		else
			r[i] = f_bits(fmaf(a, b, c));
	}
	fix_nans(r, x, 3);
	memcpy(x->d, r, sizeof(r));
}
static void k_div_fmas64(struct rp_vargs *x)
{
	uint64_t r[RP_LANES];

	for (int i = 0; i < RP_LANES; i++) {
		double a = bits_d(U64(x->a)), b = bits_d(U64(x->b)), c = bits_d(U64(x->c));

		if (x->mask_in >> i & 1)
			r[i] = d_bits(scaled_fma64(a, b, c,
				(x->c[RP_LANES + i] >> 20 & 0x7ff) > 1023 ? 0x1p128 : 0x1p-128));
		else
			r[i] = d_bits(fma(a, b, c));
	}
	fix_nans64(r, x, 3);
	for (int i = 0; i < RP_LANES; i++)
		PUT64(x->d, r[i]);
}
static void k_div_fixup(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++) {
		uint32_t q = x->a[i], den = x->b[i], num = x->c[i],
			 sign = (den ^ num) & 0x80000000u;
		uint32_t aden = den & 0x7fffffffu, anum = num & 0x7fffffffu, r;

		if (f32_nan(num))
			r = num | F32_QUIET;
		else if (f32_nan(den))
			r = den | F32_QUIET;
		else if ((aden == 0 && anum == 0) || (aden == 0x7f800000u && anum == 0x7f800000u))
			r = 0xffc00000u;
		else if (aden == 0 || anum == 0x7f800000u)
			r = sign | 0x7f800000u;
		else if (aden == 0x7f800000u || anum == 0)
			r = sign;
		else if ((int)(anum >> 23) - (int)(aden >> 23) < -150)
			r = sign; /* "underflow": 0 when rounding to nearest */
		else if (f32_nan(q)) /* "overflow": the iteration met inf - inf */
			r = sign | 0x7f800000u;
		else
			r = sign | (q & 0x7fffffffu);
		x->d[i] = r;
	}
}
static void k_div_fixup64(struct rp_vargs *x)
{
	const uint64_t inf = UINT64_C(0x7ff0000000000000), top = UINT64_C(0x8000000000000000);

	for (int i = 0; i < RP_LANES; i++) {
		uint64_t q = U64(x->a), den = U64(x->b), num = U64(x->c), sign = (den ^ num) & top,
			 r;
		uint64_t aden = den & ~top, anum = num & ~top;

		if (f64_nan(num))
			r = num | F64_QUIET;
		else if (f64_nan(den))
			r = den | F64_QUIET;
		else if ((aden == 0 && anum == 0) || (aden == inf && anum == inf))
			r = UINT64_C(0xfff8000000000000);
		else if (aden == 0 || anum == inf)
			r = sign | inf;
		else if (aden == inf || anum == 0)
			r = sign;
		else if ((int)(anum >> 52) - (int)(aden >> 52) < -1075)
			r = sign;
		else if (f64_nan(q))
			r = sign | inf;
		else
			r = sign | (q & ~top);
		PUT64(x->d, r);
	}
}

/* Cube maps: the face is the largest of |x|, |y|, |z|, z before y before x if equal. */
static void cube(struct rp_vargs *x, unsigned int what)
{
	for (int i = 0; i < RP_LANES; i++) {
		float vx = bits_f(x->a[i]), vy = bits_f(x->b[i]), vz = bits_f(x->c[i]), r;
		float ax = fabsf(vx), ay = fabsf(vy), az = fabsf(vz);
		bool z = az >= ax && az >= ay, y = !z && ay >= ax;

		switch (what) {
		case 0: /* face */
			r = z	? (vz < 0 ? 5.0f : 4.0f)
			    : y ? (vy < 0 ? 3.0f : 2.0f)
				: (vx < 0 ? 1.0f : 0.0f);
			break;
		case 1: /* s */
			r = z ? (vz < 0 ? -vx : vx) : y ? vx : (vx < 0 ? vz : -vz);
			break;
		case 2: /* t */
			r = z ? -vy : y ? (vy < 0 ? -vz : vz) : -vy;
			break;
		default: /* major axis */
			r = 2.0f * (z ? vz : y ? vy : vx);
			break;
		}
		x->d[i] = f_bits(r);
	}
}
static void k_cubeid(struct rp_vargs *x)
{
	cube(x, 0);
}
static void k_cubesc(struct rp_vargs *x)
{
	cube(x, 1);
}
static void k_cubetc(struct rp_vargs *x)
{
	cube(x, 2);
}
static void k_cubema(struct rp_vargs *x)
{
	cube(x, 3);
}

/* 2/pi to 1216 bits, high word first: the digits of the mathematical constant. */
static const uint32_t two_over_pi[38] = {
	0xa2f9836e,
	0x4e441529,
	0xfc2757d1,
	0xf534ddc0,
	0xdb629599,
	0x3c439041,
	0xfe5163ab,
	0xdebbc561,
	0xb7246e3a,
	0x424dd2e0,
	0x06492eea,
	0x09d1921c,
	0xfe1deb1c,
	0xb129a73e,
	0xe88235f5,
	0x2ebb4484,
	0xe99c7026,
	0xb45f7e41,
	0x3991d639,
	0x835339f4,
	0x9c845f8b,
	0xbdf9283b,
	0x1ff897ff,
	0xde05980f,
	0xef2f118b,
	0x5a0a6d1f,
	0x6d367ecf,
	0x27cb09b7,
	0x4f463f66,
	0x9e5fea2d,
	0x7527bac7,
	0xebe5f17b,
	0x3d0739f7,
	0x8a5292ea,
	0x6bfb5fb1,
	0x1f8d5d08,
	0x56033046,
	0xfc7b6bab,
};
static void k_trig_preop(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++) {
		int exponent = (int)(x->a[RP_LANES + i] >> 20 & 0x7ff);
		int shift = (int)(x->b[i] & 31) * 53 + (exponent > 1077 ? exponent - 1077 : 0),
		    scale = -53 - shift;
		uint64_t bits = 0;

		for (int k = 0; k < 53; k++) {
			int bit = shift + k;

			bits = bits << 1 |
			       (bit < 1201 ? two_over_pi[bit / 32] >> (31 - bit % 32) & 1 : 0);
		}
		if (exponent >= 1968)
			scale += 128;
		PUT64(x->d, d_bits(ldexp((double)bits, scale)));
	}
}

#define E(name, fn, dst, flags)                        \
	{                                              \
		"v_" name, k_##fn, RP_D_##dst, (flags) \
	}
#define R RP_K_ROUND
static const struct rp_vkernel kernels[] = {
	E("div_scale_f32", div_scale, F32, RP_K_CARRYOUT | RP_K_NOFLUSH),
	E("div_fmas_f32", div_fmas, F32, R | RP_K_CARRYIN),
	E("div_fixup_f32", div_fixup, F32, 0),
	E("cubeid_f32", cubeid, F32, RP_K_UNSURE),
	E("cubesc_f32", cubesc, F32, RP_K_UNSURE),
	E("cubetc_f32", cubetc, F32, RP_K_UNSURE),
	E("cubema_f32", cubema, F32, RP_K_UNSURE),
	E("div_scale_f64", div_scale64, F64, RP_K_CARRYOUT | RP_K_NOFLUSH),
	E("div_fmas_f64", div_fmas64, F64, R | RP_K_CARRYIN),
	E("div_fixup_f64", div_fixup64, F64, 0),
	E("trig_preop_f64", trig_preop, F64, RP_K_UNSURE),
};

const struct rp_kernel_set RP_LEVELED(
	rp_kernels_divide_) = { kernels, sizeof(kernels) / sizeof(kernels[0]) };
