/* SPDX-License-Identifier: MIT */
/* Vector helpers of the wave interpreter (merging, modifiers, address ranges), and the table of a level. */
#include "vgpu/exec/lanes.h"

static void blend(uint32_t *d, const uint32_t *t, uint32_t mask, unsigned int n)
{
	for (; n; n--, d += RP_LANES, t += RP_LANES)
		LANES
	d[i] = mask >> i & 1 ? t[i] : d[i];
}

static void fill(uint32_t *d, uint32_t value)
{
	LANES
	d[i] = value;
}

static void sign(uint32_t *d, const uint32_t *s, uint32_t and_mask, uint32_t xor_mask)
{
	LANES
	d[i] = (s[i] & and_mask) ^ xor_mask;
}

static void field(uint32_t *d, const uint32_t *s, unsigned int shift, unsigned int bits, bool sext)
{
	unsigned int up = 32 - bits - shift, down = 32 - bits;

	if (sext)
		LANES
	d[i] = (uint32_t)((int32_t)(s[i] << up) >> down);
	else LANES d[i] = s[i] << up >> down;
}

static inline uint32_t flush_half(uint32_t h)
{
	return h & F16_INF ? h : h & 0x8000u;
}

static void flush(uint32_t *d, const uint32_t *s, unsigned int type)
{
	if (type == RP_D_F32)
		LANES
	d[i] = s[i] & 0x7f800000u ? s[i] : s[i] & 0x80000000u;
	else if (type == RP_D_F64) LANES
	{
		uint32_t lo = s[i], hi = s[RP_LANES + i], keep = hi & 0x7ff00000u ? UINT32_MAX : 0;

		d[i] = lo & keep;
		d[RP_LANES + i] = hi & (keep | 0x80000000u);
	}
	else LANES d[i] = flush_half(s[i] & 0xffffu) |
			  (type == RP_D_PKF16 ? flush_half(s[i] >> 16) << 16 : s[i] & 0xffff0000u);
}

static inline double scale_clamp(double v, unsigned int omod, bool clamp, bool dx10)
{
	v *= omod == 1 ? 2.0 : omod == 2 ? 4.0 : omod == 3 ? 0.5 : 1.0;
	if (!clamp)
		return v;
	if (v != v)
		return dx10 ? 0 : v;
	return v <= 0 ? 0 : v > 1 ? 1 : v;
}

static void result(uint32_t *d, unsigned int type, unsigned int omod, bool clamp, bool dx10,
	unsigned int round16)
{
	for (int i = 0; i < RP_LANES; i++) {
		if (type == RP_D_F32) {
			double v = scale_clamp((double)bits_f(d[i]), omod, clamp, dx10);

			if (v == v)
				d[i] = f_bits((float)v);
		} else if (type == RP_D_F64) {
			double v = scale_clamp(bits_d(U64(d)), omod, clamp, dx10);

			if (v == v)
				PUT64(d, d_bits(v));
		} else {
			double lo = scale_clamp((double)half_to_f(d[i]), omod, clamp, dx10);
			double hi = scale_clamp((double)half_to_f(d[i] >> 16), omod, clamp, dx10);
			uint32_t r = lo == lo ? d_to_half(lo, round16) : d[i] & 0xffffu;

			if (type == RP_D_PKF16)
				r |= (hi == hi ? d_to_half(hi, round16) : d[i] >> 16) << 16;
			d[i] = r;
		}
	}
}

static void pack(uint32_t *d, const uint32_t *s, bool lo, bool hi, uint32_t xor_mask)
{
	unsigned int sl = lo ? 16 : 0, sh = hi ? 16 : 0;

	LANES
	d[i] = ((s[i] >> sl & 0xffffu) | (s[i] >> sh & 0xffffu) << 16) ^ xor_mask;
}

static void range(
	const uint32_t *lo, const uint32_t *hi, uint32_t mask, uint64_t *ret_min, uint64_t *ret_max)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (int i = 0; i < RP_LANES; i++) {
		uint64_t a = (uint64_t)lo[i] | (uint64_t)hi[i] << 32;
		bool on = mask >> i & 1;

		least = on && a < least ? a : least;
		most = on && a > most ? a : most;
	}
	*ret_min = least;
	*ret_max = most;
}

static void add64(uint32_t *d, const uint32_t *a, uint64_t value)
{
	LANES
	{
		uint64_t r = U64(a) + value;

		PUT64(d, r);
	}
}

static bool linear(const uint32_t *lo, uint32_t mask, uint32_t step)
{
	uint32_t bad = 0, first = lo[0];

	if (mask != UINT32_MAX)
		return false;
	LANES
	bad |= lo[i] ^ (first + step * (uint32_t)i);
	return !bad;
}

static const struct rp_lane_ops ops = { blend, fill, sign, field, flush, result, pack, range, add64,
	linear };

#define RP_LEVEL_TABLE RP_LEVELED(rp_kernels_)
const struct rp_kernel_level RP_LEVEL_TABLE = {
	{ &RP_LEVELED(rp_kernels_int_), &RP_LEVELED(rp_kernels_float_),
		&RP_LEVELED(rp_kernels_divide_), &RP_LEVELED(rp_kernels_half_),
		&RP_LEVELED(rp_kernels_cmp_) },
	&ops,
};
