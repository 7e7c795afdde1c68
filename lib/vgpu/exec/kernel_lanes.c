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

static uint32_t offsets(
	uint32_t *d, const uint32_t *a, uint32_t low, uint32_t mask, uint32_t *ret_bits)
{
	uint32_t any = a[__builtin_ctz(mask)] - low, most = 0, bits = 0;

	for (int i = 0; i < RP_LANES; i++) {
		uint32_t v = mask >> i & 1 ? a[i] - low : any;

		d[i] = v;
		most = v > most ? v : most;
		bits |= v;
	}
	*ret_bits = bits;
	return most;
}

typedef uint32_t four __attribute__((vector_size(16)));

static inline four load_four(const uint8_t *p)
{
	four v;

	memcpy(&v, p, 16);
	return v;
}

/* d[k] of four lanes from their four dwords, or the other way round. */
static inline void transpose(four t[4])
{
	four a = __builtin_shufflevector(t[0], t[1], 0, 4, 1, 5);
	four b = __builtin_shufflevector(t[2], t[3], 0, 4, 1, 5);
	four c = __builtin_shufflevector(t[0], t[1], 2, 6, 3, 7);
	four d = __builtin_shufflevector(t[2], t[3], 2, 6, 3, 7);

	t[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
	t[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
	t[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
	t[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

static void gather(uint32_t *d, const uint8_t *base, const uint32_t *off, unsigned int n)
{
	for (int i = 0; n == 4 && i < RP_LANES; i += 4) {
		four t[4] = { load_four(base + off[i]), load_four(base + off[i + 1]),
			load_four(base + off[i + 2]), load_four(base + off[i + 3]) };

		transpose(t);
		for (int k = 0; k < 4; k++)
			memcpy(d + k * RP_LANES + i, &t[k], 16);
	}
	for (int i = 0; n == 2 && i < RP_LANES; i++) {
		uint64_t v;

		memcpy(&v, base + off[i], 8);
		PUT64(d, v);
	}
	for (int i = 0; n == 1 && i < RP_LANES; i++)
		memcpy(&d[i], base + off[i], 4);
	for (int i = 0; n == 3 && i < RP_LANES; i++)
		for (unsigned int k = 0; k < 3; k++)
			memcpy(&d[k * RP_LANES + (unsigned int)i], base + off[i] + 4 * k, 4);
}

static void scatter(
	uint8_t *base, const uint32_t *off, const uint32_t *s, uint32_t mask, unsigned int n)
{
	if (n == 4 && mask == UINT32_MAX) {
		for (int i = 0; i < RP_LANES; i += 4) {
			four t[4];

			for (int k = 0; k < 4; k++)
				t[k] = load_four((const uint8_t *)(s + k * RP_LANES + i));
			transpose(t);
			for (int k = 0; k < 4; k++)
				memcpy(base + off[i + k], &t[k], 16);
		}
		return;
	}
	for (; mask; mask &= mask - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(mask);

		for (unsigned int k = 0; k < n; k++)
			memcpy(base + off[i] + 4 * k, &s[k * RP_LANES + i], 4);
	}
}

static const struct rp_lane_ops ops = { blend, fill, sign, field, flush, result, pack, range, add64,
	linear, offsets, gather, scatter };

#define RP_LEVEL_TABLE RP_LEVELED(rp_kernels_)
const struct rp_kernel_level RP_LEVEL_TABLE = {
	{ &RP_LEVELED(rp_kernels_int_), &RP_LEVELED(rp_kernels_float_),
		&RP_LEVELED(rp_kernels_divide_), &RP_LEVELED(rp_kernels_half_),
		&RP_LEVELED(rp_kernels_cmp_) },
	&ops,
};
