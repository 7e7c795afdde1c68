/* SPDX-License-Identifier: MIT */
/*
 * Vector kernels: integers, bits, moves, packed 16-bit integers, integer dot products.
 * Source: "RDNA 2" instruction set document, chapter "Instructions" (the same text as RDNA 1's
 * where both have the instruction).
 */
#include "vgpu/exec/lanes.h"

#define K1(name, expr)                           \
	static void k_##name(struct rp_vargs *x) \
	{                                        \
		uint32_t *d = x->d;              \
		const uint32_t *pa = x->a;       \
                                                 \
		LANES                            \
		{                                \
			uint32_t a = pa[i];      \
			d[i] = (uint32_t)(expr); \
		}                                \
	}
#define K2(name, expr)                                 \
	static void k_##name(struct rp_vargs *x)       \
	{                                              \
		uint32_t *d = x->d;                    \
		const uint32_t *pa = x->a, *pb = x->b; \
                                                       \
		LANES                                  \
		{                                      \
			uint32_t a = pa[i], b = pb[i]; \
			d[i] = (uint32_t)(expr);       \
		}                                      \
	}
#define K3(name, expr)                                             \
	static void k_##name(struct rp_vargs *x)                   \
	{                                                          \
		uint32_t *d = x->d;                                \
		const uint32_t *pa = x->a, *pb = x->b, *pc = x->c; \
                                                                   \
		LANES                                              \
		{                                                  \
			uint32_t a = pa[i], b = pb[i], c = pc[i];  \
			d[i] = (uint32_t)(expr);                   \
		}                                                  \
	}
/* With a second expression for the clamp bit. */
#define K2C(name, expr, clamped)                 \
	K2(name##_wrap, expr)                    \
	K2(name##_sat, clamped)                  \
	static void k_##name(struct rp_vargs *x) \
	{                                        \
		if (x->clamp)                    \
			k_##name##_sat(x);       \
		else                             \
			k_##name##_wrap(x);      \
	}
#define K3C(name, expr, clamped)                 \
	K3(name##_wrap, expr)                    \
	K3(name##_sat, clamped)                  \
	static void k_##name(struct rp_vargs *x) \
	{                                        \
		if (x->clamp)                    \
			k_##name##_sat(x);       \
		else                             \
			k_##name##_wrap(x);      \
	}

static inline int32_t s32(uint32_t v)
{
	return (int32_t)v;
}
static inline int32_t s16(uint32_t v)
{
	return (int16_t)(uint16_t)v;
}
static inline int32_t s24(uint32_t v)
{
	return (int32_t)(v << 8) >> 8;
}
static inline int32_t s8(uint32_t v)
{
	return (int8_t)(uint8_t)v;
}
static inline uint32_t u24(uint32_t v)
{
	return v & 0xffffffu;
}
static inline uint32_t u16(uint32_t v)
{
	return v & 0xffffu;
}
static inline int64_t clamp64(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}
static inline uint32_t sat_i32(int64_t v)
{
	return (uint32_t)clamp64(v, INT32_MIN, INT32_MAX);
}
static inline uint32_t sat_u32(int64_t v)
{
	return (uint32_t)clamp64(v, 0, UINT32_MAX);
}
static inline int32_t clamp32(int32_t v, int32_t lo, int32_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}
static inline uint32_t sat_i16(int32_t v)
{
	return (uint32_t)clamp32(v, INT16_MIN, INT16_MAX) & 0xffffu;
}
static inline uint32_t sat_u16(int32_t v)
{
	return (uint32_t)clamp32(v, 0, UINT16_MAX);
}
#define MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MAX(a, b)    ((a) > (b) ? (a) : (b))
#define MED(a, b, c) MAX(MIN(a, b), MIN(MAX(a, b), c))

static inline uint32_t reverse(uint32_t v)
{
	v = (v >> 1 & 0x55555555u) | (v & 0x55555555u) << 1;
	v = (v >> 2 & 0x33333333u) | (v & 0x33333333u) << 2;
	v = (v >> 4 & 0x0f0f0f0fu) | (v & 0x0f0f0f0fu) << 4;
	v = (v >> 8 & 0x00ff00ffu) | (v & 0x00ff00ffu) << 8;
	return v >> 16 | v << 16;
}
static inline uint32_t popcount(uint32_t v)
{
	v = v - (v >> 1 & 0x55555555u);
	v = (v & 0x33333333u) + (v >> 2 & 0x33333333u);
	v = (v + (v >> 4)) & 0x0f0f0f0fu;
	return v * 0x01010101u >> 24;
}
static inline uint32_t leading(uint32_t v)
{
	return v ? (uint32_t)__builtin_clz(v) : UINT32_MAX;
}
static inline uint32_t trailing(uint32_t v)
{
	return v ? (uint32_t)__builtin_ctz(v) : UINT32_MAX;
}
/* Bits behind the sign that are equal to it; -1 if all are. */
static inline uint32_t leading_signed(uint32_t v)
{
	uint32_t w = s32(v) < 0 ? ~v : v;

	return w ? (uint32_t)__builtin_clz(w) : UINT32_MAX;
}

K1(mov, a)
K1(not, ~a)
K1(bfrev, reverse(a))
K1(ffbh_u32, leading(a))
K1(ffbl, trailing(a))
K1(ffbh_i32, leading_signed(a))
K1(sat_pk_u8_i16, (uint32_t)clamp32(s16(a), 0, 255) | (uint32_t)clamp32(s16(a >> 16), 0, 255) << 8)

K2C(add_nc_u32, a + b, MIN((uint64_t)a + b, UINT32_MAX))
K2C(sub_nc_u32, a - b, a > b ? a - b : 0)
K2C(subrev_nc_u32, b - a, b > a ? b - a : 0)
K2C(add_nc_i32, a + b, sat_i32((int64_t)s32(a) + s32(b)))
K2C(sub_nc_i32, a - b, sat_i32((int64_t)s32(a) - s32(b)))
K2(and, a &b)
K2(or, a | b)
K2(xor, a ^ b)
K2(xnor, ~(a ^ b))
K2(lshlrev, b << (a & 31))
K2(lshrrev, b >> (a & 31))
K2(ashrrev, s32(b) >> (a & 31))
K2(min_i32, MIN(s32(a), s32(b)))
K2(max_i32, MAX(s32(a), s32(b)))
K2(min_u32, MIN(a, b))
K2(max_u32, MAX(a, b))
K2C(mul_i32_i24, (int64_t)s24(a) * s24(b), sat_i32((int64_t)s24(a) * s24(b)))
K2(mul_hi_i32_i24, ((int64_t)s24(a) * s24(b)) >> 32)
K2C(mul_u32_u24, u24(a) * u24(b), MIN((uint64_t)u24(a) * u24(b), UINT32_MAX))
K2(mul_hi_u32_u24, ((uint64_t)u24(a) * u24(b)) >> 32)
K2(mul_lo_u32, a *b)
K2(mul_hi_u32, ((uint64_t)a * b) >> 32)
K2(mul_hi_i32, ((int64_t)s32(a) * s32(b)) >> 32)
K2(bfm, ((1u << (a & 31)) - 1) << (b & 31))
K2(bcnt, popcount(a) + b)
K2(cvt_pk_u16_u32, MIN(a, 65535u) | MIN(b, 65535u) << 16)
K2(cvt_pk_i16_i32, sat_i16(clamp32(s32(a), -32768, 32767)) | sat_i16(clamp32(s32(b), -32768, 32767))
								     << 16)
K2(pack_b32_f16, u16(a) | b << 16)

K3C(mad_i32_i24, (uint32_t)((int64_t)s24(a) * s24(b)) + c,
	sat_i32((int64_t)s24(a) * s24(b) + s32(c)))
K3C(mad_u32_u24, u24(a) * u24(b) + c, MIN((uint64_t)u24(a) * u24(b) + c, UINT32_MAX))
K3(bfe_u32, (c & 31) ? (a >> (b & 31)) & (UINT32_MAX >> (32 - (c & 31))) : 0)
K3(bfe_i32,
	(c & 31) ? s32((uint32_t)(s32(a) >> (b & 31)) << (32 - (c & 31))) >> (32 - (c & 31)) : 0)
K3(bfi, (a & b) | (~a & c))
K3(alignbit, ((uint64_t)a << 32 | b) >> (c & 31))
K3(alignbyte, ((uint64_t)a << 32 | b) >> (8 * (c & 3)))
K3(min3_i32, MIN(MIN(s32(a), s32(b)), s32(c)))
K3(min3_u32, MIN(MIN(a, b), c))
K3(max3_i32, MAX(MAX(s32(a), s32(b)), s32(c)))
K3(max3_u32, MAX(MAX(a, b), c))
K3(med3_i32, MED(s32(a), s32(b), s32(c)))
K3(med3_u32, MED(a, b, c))
K3(xor3, a ^ b ^ c)
K3(xad, (a ^ b) + c)
K3(lshl_add, (a << (b & 31)) + c)
K3(add_lshl, (a + b) << (c & 31))
K3(add3, a + b + c)
K3(lshl_or, (a << (b & 31)) | c)
K3(and_or, (a & b) | c)
K3(or3, a | b | c)
K3C(mad_u32_u16, u16(a) * u16(b) + c, MIN((uint64_t)(u16(a) * u16(b)) + c, UINT32_MAX))
K3C(mad_i32_i16, (uint32_t)(s16(a) * s16(b)) + c, sat_i32((int64_t)(s16(a) * s16(b)) + s32(c)))

static inline uint32_t lerp8(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t r = 0;

	for (unsigned int k = 0; k < 32; k += 8)
		r |= (((a >> k & 0xff) + (b >> k & 0xff) + (c >> k & 1)) >> 1) << k;
	return r;
}
K3(lerp_u8, lerp8(a, b, c))

static inline uint32_t sad8(uint32_t a, uint32_t b)
{
	uint32_t r = 0;

	for (unsigned int k = 0; k < 32; k += 8) {
		uint32_t p = a >> k & 0xff, q = b >> k & 0xff;

		r += p > q ? p - q : q - p;
	}
	return r;
}
static inline uint32_t msad8(uint32_t a, uint32_t ref)
{
	uint32_t r = 0;

	for (unsigned int k = 0; k < 32; k += 8) {
		uint32_t p = a >> k & 0xff, q = ref >> k & 0xff;

		r += q == 0 ? 0 : p > q ? p - q : q - p;
	}
	return r;
}
static inline uint32_t sad16(uint32_t a, uint32_t b)
{
	uint32_t lo = u16(a) > u16(b) ? u16(a) - u16(b) : u16(b) - u16(a);
	uint32_t hi = a >> 16 > b >> 16 ? (a >> 16) - (b >> 16) : (b >> 16) - (a >> 16);

	return lo + hi;
}
#define ADD_SAT(v, c) MIN((uint64_t)(v) + (c), UINT32_MAX)
K3C(sad_u8, sad8(a, b) + c, ADD_SAT(sad8(a, b), c))
K3C(sad_hi_u8, (sad8(a, b) << 16) + c, ADD_SAT(sad8(a, b) << 16, c))
K3C(sad_u16, sad16(a, b) + c, ADD_SAT(sad16(a, b), c))
K3C(sad_u32, (a > b ? a - b : b - a) + c, ADD_SAT(a > b ? a - b : b - a, c))
K3C(msad_u8, msad8(a, b) + c, ADD_SAT(msad8(a, b), c))

/* Four sums of the 4-byte windows at byte 0..3 of the 8 bytes of a. */
static void quad_sad(struct rp_vargs *x, bool masked)
{
	for (int i = 0; i < RP_LANES; i++) {
		uint64_t a = U64(x->a), c = U64(x->c), r = 0;

		for (unsigned int k = 0; k < 4; k++) {
			uint32_t window = (uint32_t)(a >> (8 * k));
			uint32_t v = (masked ? msad8(window, x->b[i]) : sad8(window, x->b[i])) +
				     (uint32_t)(c >> (16 * k) & 0xffff);

			if (x->clamp && v > 0xffff)
				v = 0xffff;
			r |= (uint64_t)(v & 0xffff) << (16 * k);
		}
		PUT64(x->d, r);
	}
}
static void k_qsad(struct rp_vargs *x)
{
	quad_sad(x, false);
}
static void k_mqsad_pk(struct rp_vargs *x)
{
	quad_sad(x, true);
}

static inline uint32_t perm_byte(uint64_t bytes, uint32_t sel)
{
	if (sel >= 13)
		return 0xff;
	if (sel == 12)
		return 0;
	if (sel >= 8) /* sign of byte 1, 3, 5, 7 */
		return bytes >> (16 * (sel - 8) + 15) & 1 ? 0xff : 0;
	return (uint32_t)(bytes >> (8 * sel)) & 0xff;
}
static void k_perm(struct rp_vargs *x)
{
	for (int i = 0; i < RP_LANES; i++) {
		uint64_t bytes = (uint64_t)x->a[i] << 32 | x->b[i];
		uint32_t sel = x->c[i], r = 0;

		for (unsigned int k = 0; k < 32; k += 8)
			r |= perm_byte(bytes, sel >> k & 0xff) << k;
		x->d[i] = r;
	}
}

static void k_cndmask(struct rp_vargs *x)
{
	uint32_t *d = x->d, m = x->mask_in;
	const uint32_t *a = x->a, *b = x->b;

	LANES
	d[i] = m >> i & 1 ? b[i] : a[i];
}

#define CARRY(name, sum, out, saturated)                                \
	static void k_##name(struct rp_vargs *x)                        \
	{                                                               \
		uint32_t *d = x->d, m = x->mask_in, carry = 0;          \
		const uint32_t *pa = x->a, *pb = x->b;                  \
		bool clamp = x->clamp;                                  \
                                                                        \
		LANES                                                   \
		{                                                       \
			uint32_t a = pa[i], b = pb[i], in = m >> i & 1; \
			uint32_t r = (sum), o = (out);                  \
                                                                        \
			(void)in;                                       \
			d[i] = clamp && o ? (saturated) : r;            \
			carry |= o << i;                                \
		}                                                       \
		x->mask_out = carry;                                    \
	}
CARRY(add_co, a + b, r < a, UINT32_MAX)
CARRY(sub_co, a - b, a < b, 0)
CARRY(subrev_co, b - a, b < a, 0)
CARRY(add_co_ci, a + b + in, (uint32_t)(((uint64_t)a + b + in) >> 32), UINT32_MAX)
CARRY(sub_co_ci, a - b - in, (uint64_t)a < (uint64_t)b + in, 0)
CARRY(subrev_co_ci, b - a - in, (uint64_t)b < (uint64_t)a + in, 0)

static void k_mad_u64_u32(struct rp_vargs *x)
{
	uint32_t *d = x->d, carry = 0;
	const uint32_t *a = x->a, *b = x->b, *c = x->c;
	bool clamp = x->clamp;

	LANES
	{
		uint64_t add = U64(c), r = (uint64_t)a[i] * b[i] + add;
		uint32_t o = r < add;

		carry |= o << i;
		PUT64(d, clamp && o ? UINT64_MAX : r);
	}
	x->mask_out = carry;
}
static void k_mad_i64_i32(struct rp_vargs *x)
{
	uint32_t carry = 0;

	for (int i = 0; i < RP_LANES; i++) {
		int64_t r, add = (int64_t)U64(x->c);
		uint32_t o = __builtin_add_overflow((int64_t)s32(x->a[i]) * s32(x->b[i]), add, &r);

		carry |= o << i;
		if (x->clamp && o)
			r = add < 0 ? INT64_MIN : INT64_MAX;
		PUT64(x->d, (uint64_t)r);
	}
	x->mask_out = carry;
}

#define K64(name, expr)                               \
	static void k_##name(struct rp_vargs *x)      \
	{                                             \
		uint32_t *d = x->d;                   \
		const uint32_t *a = x->a, *pb = x->b; \
                                                      \
		LANES                                 \
		{                                     \
			uint32_t s = a[i] & 63;       \
			uint64_t b = U64(pb);         \
			PUT64(d, (uint64_t)(expr));   \
		}                                     \
	}
K64(lshlrev_b64, b << s)
K64(lshrrev_b64, b >> s)
K64(ashrrev_i64, (int64_t)b >> s)

/* Lanes of the wave below this one: lo counts in the first 32 of the mask, hi in the second. */
static void mbcnt(struct rp_vargs *x, unsigned int word)
{
	uint32_t *d = x->d;
	const uint32_t *a = x->a, *b = x->b;
	uint32_t all = word < x->half ? UINT32_MAX : 0;
	bool same = word == x->half;

	LANES
	{
		uint32_t below = same ? (1u << i) - 1 : all;

		d[i] = popcount(a[i] & below) + b[i];
	}
}
static void k_mbcnt_lo(struct rp_vargs *x)
{
	mbcnt(x, 0);
}
static void k_mbcnt_hi(struct rp_vargs *x)
{
	mbcnt(x, 1);
}

/* 16-bit: the caller keeps the other half of the register. */
K2C(add_nc_u16, u16(a + b), sat_u16((int32_t)(u16(a) + u16(b))))
K2C(sub_nc_u16, u16(a - b), sat_u16((int32_t)u16(a) - (int32_t)u16(b)))
K2C(add_nc_i16, u16(a + b), sat_i16(s16(a) + s16(b)))
K2C(sub_nc_i16, u16(a - b), sat_i16(s16(a) - s16(b)))
K2(mul_lo_u16, u16(a *b))
K2(lshlrev_b16, u16(b << (a & 15)))
K2(lshrrev_b16, u16(b) >> (a & 15))
K2(ashrrev_i16, u16((uint32_t)(s16(b) >> (a & 15))))
K2(max_u16, MAX(u16(a), u16(b)))
K2(min_u16, MIN(u16(a), u16(b)))
K2(max_i16, u16((uint32_t)MAX(s16(a), s16(b))))
K2(min_i16, u16((uint32_t)MIN(s16(a), s16(b))))
K3C(mad_u16, u16(u16(a) * u16(b) + c), MIN((uint64_t)(u16(a) * u16(b)) + u16(c), UINT16_MAX))
K3C(mad_i16, u16(a *b + c),
	sat_i16((int32_t)clamp64((int64_t)(s16(a) * s16(b)) + s16(c), INT16_MIN, INT16_MAX)))
K3(min3_i16, u16((uint32_t)MIN(MIN(s16(a), s16(b)), s16(c))))
K3(max3_i16, u16((uint32_t)MAX(MAX(s16(a), s16(b)), s16(c))))
K3(med3_i16, u16((uint32_t)MED(s16(a), s16(b), s16(c))))
K3(min3_u16, MIN(MIN(u16(a), u16(b)), u16(c)))
K3(max3_u16, MAX(MAX(u16(a), u16(b)), u16(c)))
K3(med3_u16, MED(u16(a), u16(b), u16(c)))

/* Packed: the same twice. */
#define PK2(name, expr)                                    \
	K2(pk_##name, (u16((uint32_t)PKX(expr, a, b, 0)) | \
			      (uint32_t)PKX(expr, a >> 16, b >> 16, 0) << 16))
#define PKX(f, p, q, r) f((p), (q), (r))
#define PK2C(name, f, g)                                                                   \
	K2C(pk_##name, u16((uint32_t)f(a, b, 0)) | (uint32_t)f(a >> 16, b >> 16, 0) << 16, \
		u16((uint32_t)g(a, b, 0)) | (uint32_t)g(a >> 16, b >> 16, 0) << 16)
#define PK3C(name, f, g)                                                                         \
	K3C(pk_##name, u16((uint32_t)f(a, b, c)) | (uint32_t)f(a >> 16, b >> 16, c >> 16) << 16, \
		u16((uint32_t)g(a, b, c)) | (uint32_t)g(a >> 16, b >> 16, c >> 16) << 16)
#define P_ADD(p, q, r)	((p) + (q))
#define P_ADDI(p, q, r) sat_i16(s16(p) + s16(q))
#define P_ADDU(p, q, r) sat_u16((int32_t)(u16(p) + u16(q)))
#define P_SUB(p, q, r)	((p) - (q))
#define P_SUBI(p, q, r) sat_i16(s16(p) - s16(q))
#define P_SUBU(p, q, r) sat_u16((int32_t)u16(p) - (int32_t)u16(q))
#define P_MUL(p, q, r)	((p) * (q))
#define P_SHL(p, q, r)	((q) << ((p)&15))
#define P_SHR(p, q, r)	(u16(q) >> ((p)&15))
#define P_ASR(p, q, r)	(s16(q) >> ((p)&15))
#define P_MAXI(p, q, r) MAX(s16(p), s16(q))
#define P_MINI(p, q, r) MIN(s16(p), s16(q))
#define P_MAXU(p, q, r) MAX(u16(p), u16(q))
#define P_MINU(p, q, r) MIN(u16(p), u16(q))
#define P_MAD(p, q, r)	((p) * (q) + (r))
#define P_MADI(p, q, r) \
	sat_i16((int32_t)clamp64((int64_t)(s16(p) * s16(q)) + s16(r), INT16_MIN, INT16_MAX))
#define P_MADU(p, q, r) MIN((uint64_t)(u16(p) * u16(q)) + u16(r), UINT16_MAX)
PK2C(add_i16, P_ADD, P_ADDI)
PK2C(add_u16, P_ADD, P_ADDU)
PK2C(sub_i16, P_SUB, P_SUBI)
PK2C(sub_u16, P_SUB, P_SUBU)
PK2(mul_lo_u16, P_MUL)
PK2(lshlrev_b16, P_SHL)
PK2(lshrrev_b16, P_SHR)
PK2(ashrrev_i16, P_ASR)
PK2(max_i16, P_MAXI)
PK2(min_i16, P_MINI)
PK2(max_u16, P_MAXU)
PK2(min_u16, P_MINU)
PK3C(mad_i16, P_MAD, P_MADI)
PK3C(mad_u16, P_MAD, P_MADU)

/* Dot products: exact sums, then wrap or saturate. */
static inline int64_t dot(uint32_t a, uint32_t b, unsigned int bits, bool is_signed)
{
	int64_t r = 0;

	for (unsigned int k = 0; k < 32; k += bits) {
		uint32_t p = a >> k & (UINT32_MAX >> (32 - bits)),
			 q = b >> k & (UINT32_MAX >> (32 - bits));

		if (is_signed)
			r += (int64_t)((int32_t)(p << (32 - bits)) >> (32 - bits)) *
			     ((int32_t)(q << (32 - bits)) >> (32 - bits));
		else
			r += (int64_t)((uint64_t)p * q);
	}
	return r;
}
K3(dot4c_i32_i8, (uint32_t)(s8(a) * s8(b) + s8(a >> 8) * s8(b >> 8) + s8(a >> 16) * s8(b >> 16) +
			    s8(a >> 24) * s8(b >> 24)) +
			 c)
K3C(dot2_i32_i16, (uint32_t)dot(a, b, 16, true) + c, sat_i32(dot(a, b, 16, true) + s32(c)))
K3C(dot2_u32_u16, (uint32_t)dot(a, b, 16, false) + c, sat_u32(dot(a, b, 16, false) + c))
K3C(dot4_i32_i8, (uint32_t)dot(a, b, 8, true) + c, sat_i32(dot(a, b, 8, true) + s32(c)))
K3C(dot4_u32_u8, (uint32_t)dot(a, b, 8, false) + c, sat_u32(dot(a, b, 8, false) + c))
K3C(dot8_i32_i4, (uint32_t)dot(a, b, 4, true) + c, sat_i32(dot(a, b, 4, true) + s32(c)))
K3C(dot8_u32_u4, (uint32_t)dot(a, b, 4, false) + c, sat_u32(dot(a, b, 4, false) + c))

#define E(name, fn, dst, flags)                        \
	{                                              \
		"v_" name, k_##fn, RP_D_##dst, (flags) \
	}
#define C RP_K_CLAMP
static const struct rp_vkernel kernels[] = {
	E("mov_b32", mov, U32, 0),
	E("not_b32", not, U32, 0),
	E("bfrev_b32", bfrev, U32, 0),
	E("ffbh_u32", ffbh_u32, U32, 0),
	E("ffbl_b32", ffbl, U32, 0),
	E("ffbh_i32", ffbh_i32, U32, 0),
	E("sat_pk_u8_i16", sat_pk_u8_i16, U32,
		RP_K_UNSURE), /* upper half of the result: assumed 0 */
	E("cndmask_b32", cndmask, U32, RP_K_CARRYIN | RP_K_NOFLUSH),
	E("add_nc_u32", add_nc_u32, U32, C),
	E("sub_nc_u32", sub_nc_u32, U32, C),
	E("subrev_nc_u32", subrev_nc_u32, U32, C),
	E("add_nc_i32", add_nc_i32, U32, C),
	E("sub_nc_i32", sub_nc_i32, U32, C),
	E("and_b32", and, U32, 0),
	E("or_b32", or, U32, 0),
	E("xor_b32", xor, U32, 0),
	E("xnor_b32", xnor, U32, 0),
	E("lshlrev_b32", lshlrev, U32, 0),
	E("lshrrev_b32", lshrrev, U32, 0),
	E("ashrrev_i32", ashrrev, U32, 0),
	E("min_i32", min_i32, U32, 0),
	E("max_i32", max_i32, U32, 0),
	E("min_u32", min_u32, U32, 0),
	E("max_u32", max_u32, U32, 0),
	E("mul_i32_i24", mul_i32_i24, U32, C),
	E("mul_hi_i32_i24", mul_hi_i32_i24, U32, 0),
	E("mul_u32_u24", mul_u32_u24, U32, C),
	E("mul_hi_u32_u24", mul_hi_u32_u24, U32, 0),
	E("mul_lo_u32", mul_lo_u32, U32, 0),
	E("mul_lo_i32", mul_lo_u32, U32, 0),
	E("mul_hi_u32", mul_hi_u32, U32, 0),
	E("mul_hi_i32", mul_hi_i32, U32, 0),
	E("bfm_b32", bfm, U32, 0),
	E("bcnt_u32_b32", bcnt, U32, 0),
	E("mbcnt_lo_u32_b32", mbcnt_lo, U32, 0),
	E("mbcnt_hi_u32_b32", mbcnt_hi, U32, 0),
	E("cvt_pk_u16_u32", cvt_pk_u16_u32, U32, 0),
	E("cvt_pk_i16_i32", cvt_pk_i16_i32, U32, 0),
	E("pack_b32_f16", pack_b32_f16, U32, 0),
	E("mad_i32_i24", mad_i32_i24, U32, C),
	E("mad_u32_u24", mad_u32_u24, U32, C),
	E("bfe_u32", bfe_u32, U32, 0),
	E("bfe_i32", bfe_i32, U32, 0),
	E("bfi_b32", bfi, U32, 0),
	E("alignbit_b32", alignbit, U32, 0),
	E("alignbyte_b32", alignbyte, U32, 0),
	E("min3_i32", min3_i32, U32, 0),
	E("min3_u32", min3_u32, U32, 0),
	E("max3_i32", max3_i32, U32, 0),
	E("max3_u32", max3_u32, U32, 0),
	E("med3_i32", med3_i32, U32, 0),
	E("med3_u32", med3_u32, U32, 0),
	E("xor3_b32", xor3, U32, 0),
	E("xad_u32", xad, U32, 0),
	E("lshl_add_u32", lshl_add, U32, 0),
	E("add_lshl_u32", add_lshl, U32, 0),
	E("add3_u32", add3, U32, 0),
	E("lshl_or_b32", lshl_or, U32, 0),
	E("and_or_b32", and_or, U32, 0),
	E("or3_b32", or3, U32, 0),
	E("mad_u32_u16", mad_u32_u16, U32, C),
	E("mad_i32_i16", mad_i32_i16, U32, C),
	E("lerp_u8", lerp_u8, U32, 0),
	E("sad_u8", sad_u8, U32, C),
	E("sad_hi_u8", sad_hi_u8, U32, C),
	E("sad_u16", sad_u16, U32, C),
	E("sad_u32", sad_u32, U32, C),
	E("msad_u8", msad_u8, U32, C),
	E("qsad_pk_u16_u8", qsad, U64, C),
	E("mqsad_pk_u16_u8", mqsad_pk, U64, C),
	E("perm_b32", perm, U32, 0),
	E("add_co_u32", add_co, U32, C | RP_K_CARRYOUT),
	E("sub_co_u32", sub_co, U32, C | RP_K_CARRYOUT),
	E("subrev_co_u32", subrev_co, U32, C | RP_K_CARRYOUT),
	E("add_co_ci_u32", add_co_ci, U32, C | RP_K_CARRYIN | RP_K_CARRYOUT),
	E("sub_co_ci_u32", sub_co_ci, U32, C | RP_K_CARRYIN | RP_K_CARRYOUT),
	E("subrev_co_ci_u32", subrev_co_ci, U32, C | RP_K_CARRYIN | RP_K_CARRYOUT),
	E("mad_u64_u32", mad_u64_u32, U64, C | RP_K_CARRYOUT),
	E("mad_i64_i32", mad_i64_i32, U64,
		C | RP_K_CARRYOUT | RP_K_UNSURE), /* carry: assumed signed overflow */
	E("lshlrev_b64", lshlrev_b64, U64, 0),
	E("lshrrev_b64", lshrrev_b64, U64, 0),
	E("ashrrev_i64", ashrrev_i64, U64, 0),
	E("add_nc_u16", add_nc_u16, U16, C),
	E("sub_nc_u16", sub_nc_u16, U16, C),
	E("add_nc_i16", add_nc_i16, U16, C),
	E("sub_nc_i16", sub_nc_i16, U16, C),
	E("mul_lo_u16", mul_lo_u16, U16, 0),
	E("lshlrev_b16", lshlrev_b16, U16, 0),
	E("lshrrev_b16", lshrrev_b16, U16, 0),
	E("ashrrev_i16", ashrrev_i16, U16, 0),
	E("max_u16", max_u16, U16, 0),
	E("min_u16", min_u16, U16, 0),
	E("max_i16", max_i16, U16, 0),
	E("min_i16", min_i16, U16, 0),
	E("mad_u16", mad_u16, U16, C),
	E("mad_i16", mad_i16, U16, C),
	E("min3_i16", min3_i16, U16, 0),
	E("max3_i16", max3_i16, U16, 0),
	E("med3_i16", med3_i16, U16, 0),
	E("min3_u16", min3_u16, U16, 0),
	E("max3_u16", max3_u16, U16, 0),
	E("med3_u16", med3_u16, U16, 0),
	E("pk_add_i16", pk_add_i16, PK16, C),
	E("pk_add_u16", pk_add_u16, PK16, C),
	E("pk_sub_i16", pk_sub_i16, PK16, C),
	E("pk_sub_u16", pk_sub_u16, PK16, C),
	E("pk_mul_lo_u16", pk_mul_lo_u16, PK16, 0),
	E("pk_lshlrev_b16", pk_lshlrev_b16, PK16, 0),
	E("pk_lshrrev_b16", pk_lshrrev_b16, PK16, 0),
	E("pk_ashrrev_i16", pk_ashrrev_i16, PK16, 0),
	E("pk_max_i16", pk_max_i16, PK16, 0),
	E("pk_min_i16", pk_min_i16, PK16, 0),
	E("pk_max_u16", pk_max_u16, PK16, 0),
	E("pk_min_u16", pk_min_u16, PK16, 0),
	E("pk_mad_i16", pk_mad_i16, PK16, C),
	E("pk_mad_u16", pk_mad_u16, PK16, C),
	E("dot4c_i32_i8", dot4c_i32_i8, U32, 0),
	E("dot2_i32_i16", dot2_i32_i16, U32, C),
	E("dot2_u32_u16", dot2_u32_u16, U32, C),
	E("dot4_i32_i8", dot4_i32_i8, U32, C),
	E("dot4_u32_u8", dot4_u32_u8, U32, C),
	E("dot8_i32_i4", dot8_i32_i4, U32, C),
	E("dot8_u32_u4", dot8_u32_u4, U32, C),
};

const struct rp_kernel_set RP_LEVELED(
	rp_kernels_int_) = { kernels, sizeof(kernels) / sizeof(kernels[0]) };
