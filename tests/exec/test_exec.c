/* SPDX-License-Identifier: MIT */
/*
 * The executor instruction by instruction: results against references written here from the
 * rules of the ISA document in another form (wide integers, exact sums, truth tables).
 */
#include "rig.h"

#include <math.h>

typedef uint64_t ref_fn(uint64_t a, uint64_t b, uint64_t c);

static uint64_t state = 99;

static uint32_t random32(void)
{
	static const uint32_t edges[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x7f800000,
		0xff800000, 0x7fc00001, 0x00800000, 0x007fffff, 0x80000001, 0x3f800000, 0xbf800000,
		0x4f000000, 0xcf000001, 0x7c003c00, 31, 32, 63, 0x00ffffff, 0x5f000000 };
	uint32_t r;

	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	r = (uint32_t)(state >> 33);
	if (r % 4 == 0)
		return edges[r / 4 % RP_ARRAY_SIZE(edges)];
	if (r % 4 == 1)
		return (r & 0x807fffffu) | (110u + (r >> 8) % 36u) << 23;
	return r * 2654435761u ^ r >> 3;
}

#define R(name, expr)                                                \
	static uint64_t r_##name(uint64_t a, uint64_t b, uint64_t c) \
	{                                                            \
		(void)a, (void)b, (void)c;                           \
		return (uint64_t)(expr);                             \
	}
#define SA ((int64_t)(int32_t)a)
#define SB ((int64_t)(int32_t)b)
#define SC ((int64_t)(int32_t)c)
#define UA ((uint64_t)(uint32_t)a)
#define UB ((uint64_t)(uint32_t)b)
#define UC ((uint64_t)(uint32_t)c)

static double fl(uint64_t u)
{
	uint32_t w = (uint32_t)u;
	float f;

	memcpy(&f, &w, 4);
	return (double)f;
}
/* Bits of a float; NaN as one value. */
static uint64_t fb(double d)
{
	float f = (float)d;
	uint32_t w;

	memcpy(&w, &f, 4);
	return d != d ? 0x7fc00000u : w;
}
static uint64_t sext_bits(uint64_t v, unsigned int bits)
{
	uint64_t sign = UINT64_C(1) << (bits - 1);

	v &= (UINT64_C(1) << bits) - 1;
	return (v ^ sign) - sign;
}
static uint64_t field(uint64_t v, unsigned int at, unsigned int bits)
{
	uint64_t r = 0;

	for (unsigned int i = 0; i < bits; i++)
		if (at + i < 32)
			r |= (v >> (at + i) & 1) << i;
	return r;
}
static uint64_t reversed(uint64_t v)
{
	uint64_t r = 0;

	for (unsigned int i = 0; i < 32; i++)
		r |= (v >> i & 1) << (31 - i);
	return r;
}
static uint64_t first_set(uint64_t v, bool from_top)
{
	for (unsigned int i = 0; i < 32; i++)
		if (v >> (from_top ? 31 - i : i) & 1)
			return i;
	return UINT32_MAX;
}
static uint64_t permute(uint64_t a, uint64_t b, uint64_t sel)
{
	uint64_t bytes = UA << 32 | UB, r = 0;

	for (unsigned int i = 0; i < 4; i++) {
		unsigned int s = sel >> (8 * i) & 0xff, v;

		if (s < 8)
			v = bytes >> (8 * s) & 0xff;
		else if (s < 12)
			v = bytes >> (16 * (s - 8) + 8) & 0x80 ? 0xff : 0;
		else
			v = s == 12 ? 0 : 0xff;
		r |= (uint64_t)v << (8 * i);
	}
	return r;
}
static uint64_t median(int64_t x, int64_t y, int64_t z)
{
	return (uint64_t)((x >= y) == (x <= z) ? x : (y >= x) == (y <= z) ? y : z);
}
/* The order of floats as MODE.IEEE's minimum and maximum see it. */
static uint64_t fpick(uint64_t a, uint64_t b, bool max)
{
	bool na = fl(a) != fl(a), nb = fl(b) != fl(b);

	if ((na && !(a & 0x400000)) || (nb && !(b & 0x400000)))
		return 0x7fc00000u; /* a signalling NaN wins */
	if (na || nb)
		return na && nb ? 0x7fc00000u : na ? UB : UA;
	if (fl(a) == 0 && fl(b) == 0)
		return max ? UA & UB : UA | UB;
	return (fl(a) < fl(b)) != max ? UA : UB;
}
static uint64_t integer_of(double d, double lo, double hi)
{
	return d != d	 ? 0
	       : d <= lo ? (uint64_t)(int64_t)lo
	       : d >= hi ? (uint64_t)(int64_t)hi
			 : (uint64_t)(int64_t)d;
}

R(mov, a)
R(not, ~a)
R(bfrev, reversed(a))
R(ffbh, first_set(a, true))
R(ffbl, first_set(a, false))
R(add, UA + UB)
R(sub, UA - UB)
R(subrev, UB - UA)
R(and, a &b)
R(or, a | b)
R(xor, a ^ b)
R(xnor, ~(a ^ b))
R(lshl, UB << (a % 32))
R(lshr, UB >> (a % 32))
R(ashr, (uint64_t)(SB >> (a % 32)))
R(mini, SA < SB ? a : b)
R(maxi, SA > SB ? a : b)
R(minu, UA < UB ? a : b)
R(maxu, UA > UB ? a : b)
R(muli24, sext_bits(a, 24) * sext_bits(b, 24))
R(mulu24, (a & 0xffffff) * (b & 0xffffff))
R(mulhi24, (sext_bits(a, 24) * sext_bits(b, 24)) >> 32)
R(mulhu24, ((a & 0xffffff) * (b & 0xffffff)) >> 32)
R(mullo, UA *UB)
R(mulhiu, (UA * UB) >> 32)
R(mulhii, (uint64_t)(SA *SB) >> 32)
R(bfm, ((UINT64_C(1) << (a % 32)) - 1) << (b % 32))
R(bcnt, (uint64_t)__builtin_popcountll(UA) + UB)
R(madi24, sext_bits(a, 24) * sext_bits(b, 24) + c)
R(madu24, (a & 0xffffff) * (b & 0xffffff) + c)
R(bfeu, field(UA, b % 32, c % 32))
R(bfei, c % 32 ? sext_bits(
			 field(UA, b % 32, c % 32), (b % 32) + (c % 32) > 32 ? 32 - b % 32 : c % 32)
	       : 0)
R(bfi, (a & b) | (~a & c))
R(alignbit, (UA << 32 | UB) >> (c % 32))
R(alignbyte, (UA << 32 | UB) >> (8 * (c % 4)))
R(xor3, a ^ b ^ c)
R(xad, (UA ^ UB) + UC)
R(lshladd, (UA << (b % 32)) + UC)
R(addlshl, ((UA + UB) & UINT32_MAX) << (c % 32))
R(add3, UA + UB + UC)
R(lshlor, (UA << (b % 32)) | UC)
R(andor, (a & b) | c)
R(or3, a | b | c)
R(perm, permute(a, b, c))
R(med3i, median(SA, SB, SC))
R(med3u, median((int64_t)UA, (int64_t)UB, (int64_t)UC))
R(min3i, SA < SB ? (SA < SC ? a : c) : (SB < SC ? b : c))
R(max3u, UA > UB ? (UA > UC ? a : c) : (UB > UC ? b : c))
R(madu64, UA *UB + c)
R(madi64, (uint64_t)(SA *SB) + c)
R(lshl64, b << (a % 64))
R(lshr64, b >> (a % 64))
R(ashr64, (uint64_t)((int64_t)b >> (a % 64)))
R(addf, fb(fl(a) + fl(b)))
R(subf, fb(fl(a) - fl(b)))
R(subrevf, fb(fl(b) - fl(a)))
R(mulf, fb(fl(a) * fl(b)))
R(minf, fpick(a, b, false))
R(maxf, fpick(a, b, true))
R(truncf, fb(trunc(fl(a))))
R(ceilf, fb(ceil(fl(a))))
R(floorf, fb(floor(fl(a))))
R(rndne, fb(rint(fl(a))))
R(sqrtf, fb(sqrt(fabs(fl(a)) < 0x1p-126 ? copysign(0, fl(a)) : fl(a))))
R(cvtif, integer_of(fl(a), -2147483648.0, 2147483647.0))
R(cvtuf, integer_of(fl(a), 0, 4294967295.0))
R(cvtfi, fb((double)SA))
R(cvtfu, fb((double)UA))
R(ub0, fb((double)(a & 0xff)))
R(ub3, fb((double)(UA >> 24)))
R(u16add, (a + b) & 0xffff)
R(u16mul, (a * b) & 0xffff)
R(u16shl, (b << (a % 16)) & 0xffff)
R(u16max, (a & 0xffff) > (b & 0xffff) ? a & 0xffff : b & 0xffff)
R(i16min, (int16_t)(uint16_t)a < (int16_t)(uint16_t)b ? a & 0xffff : b & 0xffff)
R(i16ashr, (uint64_t)((int16_t)(uint16_t)b >> (a % 16)) & 0xffff)
R(pkadd, ((a + b) & 0xffff) | (((a >> 16) + (b >> 16)) & 0xffff) << 16)
R(pkmul, ((a * b) & 0xffff) | (((UA >> 16) * (UB >> 16)) & 0xffff) << 16)
R(pkmaxi, (((int16_t)(uint16_t)a > (int16_t)(uint16_t)b ? a : b) & 0xffff) |
		  (((int32_t)a >> 16) > ((int32_t)b >> 16) ? UA : UB) >> 16 << 16)
R(satu, UA + UB > UINT32_MAX ? UINT32_MAX : UA + UB)
R(sati, SA + SB > INT32_MAX ? INT32_MAX : SA + SB < INT32_MIN ? INT32_MIN : SA + SB)
R(dot2i, (uint64_t)((int64_t)(int16_t)(uint16_t)a *(int16_t)(uint16_t)b +
		    (int64_t)((int32_t)a >> 16) * ((int32_t)b >> 16)) +
		 UC)
R(sad16, (uint64_t)llabs((int64_t)(a & 0xffff) - (int64_t)(b & 0xffff)) +
		 (uint64_t)llabs((int64_t)(UA >> 16) - (int64_t)(UB >> 16)) + UC)

static const struct {
	const char *name;
	ref_fn *fn;
	char out; /* w: 32 bits, h: low 16, l: 64, f: float */
	uint32_t w0; /* further bits: clamp */
} ops[] = {
	{ "v_mov_b32", r_mov, 'w', 0 },
	{ "v_not_b32", r_not, 'w', 0 },
	{ "v_bfrev_b32", r_bfrev, 'w', 0 },
	{ "v_ffbh_u32", r_ffbh, 'w', 0 },
	{ "v_ffbl_b32", r_ffbl, 'w', 0 },
	{ "v_add_nc_u32", r_add, 'w', 0 },
	{ "v_sub_nc_u32", r_sub, 'w', 0 },
	{ "v_subrev_nc_u32", r_subrev, 'w', 0 },
	{ "v_and_b32", r_and, 'w', 0 },
	{ "v_or_b32", r_or, 'w', 0 },
	{ "v_xor_b32", r_xor, 'w', 0 },
	{ "v_xnor_b32", r_xnor, 'w', 0 },
	{ "v_lshlrev_b32", r_lshl, 'w', 0 },
	{ "v_lshrrev_b32", r_lshr, 'w', 0 },
	{ "v_ashrrev_i32", r_ashr, 'w', 0 },
	{ "v_min_i32", r_mini, 'w', 0 },
	{ "v_max_i32", r_maxi, 'w', 0 },
	{ "v_min_u32", r_minu, 'w', 0 },
	{ "v_max_u32", r_maxu, 'w', 0 },
	{ "v_mul_i32_i24", r_muli24, 'w', 0 },
	{ "v_mul_u32_u24", r_mulu24, 'w', 0 },
	{ "v_mul_hi_i32_i24", r_mulhi24, 'w', 0 },
	{ "v_mul_hi_u32_u24", r_mulhu24, 'w', 0 },
	{ "v_mul_lo_u32", r_mullo, 'w', 0 },
	{ "v_mul_hi_u32", r_mulhiu, 'w', 0 },
	{ "v_mul_hi_i32", r_mulhii, 'w', 0 },
	{ "v_bfm_b32", r_bfm, 'w', 0 },
	{ "v_bcnt_u32_b32", r_bcnt, 'w', 0 },
	{ "v_mad_i32_i24", r_madi24, 'w', 0 },
	{ "v_mad_u32_u24", r_madu24, 'w', 0 },
	{ "v_bfe_u32", r_bfeu, 'w', 0 },
	{ "v_bfe_i32", r_bfei, 'w', 0 },
	{ "v_bfi_b32", r_bfi, 'w', 0 },
	{ "v_alignbit_b32", r_alignbit, 'w', 0 },
	{ "v_alignbyte_b32", r_alignbyte, 'w', 0 },
	{ "v_xor3_b32", r_xor3, 'w', 0 },
	{ "v_xad_u32", r_xad, 'w', 0 },
	{ "v_lshl_add_u32", r_lshladd, 'w', 0 },
	{ "v_add_lshl_u32", r_addlshl, 'w', 0 },
	{ "v_add3_u32", r_add3, 'w', 0 },
	{ "v_lshl_or_b32", r_lshlor, 'w', 0 },
	{ "v_and_or_b32", r_andor, 'w', 0 },
	{ "v_or3_b32", r_or3, 'w', 0 },
	{ "v_perm_b32", r_perm, 'w', 0 },
	{ "v_med3_i32", r_med3i, 'w', 0 },
	{ "v_med3_u32", r_med3u, 'w', 0 },
	{ "v_min3_i32", r_min3i, 'w', 0 },
	{ "v_max3_u32", r_max3u, 'w', 0 },
	{ "v_mad_u64_u32", r_madu64, 'l', 0 },
	{ "v_mad_i64_i32", r_madi64, 'l', 0 },
	{ "v_lshlrev_b64", r_lshl64, 'l', 0 },
	{ "v_lshrrev_b64", r_lshr64, 'l', 0 },
	{ "v_ashrrev_i64", r_ashr64, 'l', 0 },
	{ "v_add_f32", r_addf, 'f', 0 },
	{ "v_sub_f32", r_subf, 'f', 0 },
	{ "v_subrev_f32", r_subrevf, 'f', 0 },
	{ "v_mul_f32", r_mulf, 'f', 0 },
	{ "v_min_f32", r_minf, 'f', 0 },
	{ "v_max_f32", r_maxf, 'f', 0 },
	{ "v_trunc_f32", r_truncf, 'f', 0 },
	{ "v_ceil_f32", r_ceilf, 'f', 0 },
	{ "v_floor_f32", r_floorf, 'f', 0 },
	{ "v_rndne_f32", r_rndne, 'f', 0 },
	{ "v_sqrt_f32", r_sqrtf, 'f', 0 },
	{ "v_cvt_i32_f32", r_cvtif, 'w', 0 },
	{ "v_cvt_u32_f32", r_cvtuf, 'w', 0 },
	{ "v_cvt_f32_i32", r_cvtfi, 'f', 0 },
	{ "v_cvt_f32_u32", r_cvtfu, 'f', 0 },
	{ "v_cvt_f32_ubyte0", r_ub0, 'f', 0 },
	{ "v_cvt_f32_ubyte3", r_ub3, 'f', 0 },
	{ "v_add_nc_u16", r_u16add, 'h', 0 },
	{ "v_mul_lo_u16", r_u16mul, 'h', 0 },
	{ "v_lshlrev_b16", r_u16shl, 'h', 0 },
	{ "v_max_u16", r_u16max, 'h', 0 },
	{ "v_min_i16", r_i16min, 'h', 0 },
	{ "v_ashrrev_i16", r_i16ashr, 'h', 0 },
	{ "v_pk_add_u16", r_pkadd, 'w', 0 },
	{ "v_pk_mul_lo_u16", r_pkmul, 'w', 0 },
	{ "v_pk_max_i16", r_pkmaxi, 'w', 0 },
	{ "v_add_nc_u32", r_satu, 'w', 0x8000 },
	{ "v_add_nc_i32", r_sati, 'w', 0x8000 },
	{ "v_dot2_i32_i16", r_dot2i, 'w', 0 },
	{ "v_sad_u16", r_sad16, 'w', 0 },
};

static void one_op(struct rig *r, unsigned int n)
{
	uint32_t w[2];

	rig_vop3(ops[n].name, RP_ISA_GFX1030, w);
	w[0] |= ops[n].w0;
	for (unsigned int round = 0; round < 20; round++) {
		r->wave.s[EXEC] = random32() | 1;
		for (unsigned int reg = 2; reg < 8; reg++)
			for (unsigned int i = 0; i < RP_LANES; i++)
				vgpr(&r->wave, 0, reg)[i] = random32();
		for (unsigned int i = 0; i < RP_LANES; i++)
			vgpr(&r->wave, 0, 20)[i] = vgpr(&r->wave, 0, 21)[i] = 0xabcd1234;
		if (RUN(r, w[0], w[1]) != STEP_END)
			fail_msg("%s: %s", ops[n].name, r->worker.fault.why);
		for (unsigned int i = 0; i < RP_LANES; i++) {
			uint64_t s[3], want, got = vgpr(&r->wave, 0, 20)[i];

			for (unsigned int k = 0; k < 3; k++)
				s[k] = vgpr(&r->wave, 0, 2 + 2 * k)[i] |
				       (uint64_t)vgpr(&r->wave, 0, 3 + 2 * k)[i] << 32;
			want = ops[n].fn(s[0], s[1], s[2]);
			if (ops[n].out == 'l')
				got |= (uint64_t)vgpr(&r->wave, 0, 21)[i] << 32;
			else if (ops[n].out == 'h')
				want = (want & 0xffff) | 0xabcd0000;
			else
				want &= UINT32_MAX;
			if (ops[n].out == 'f' && (got & 0x7fffffff) > 0x7f800000)
				got = 0x7fc00000;
			if (!(r->wave.s[EXEC] >> i & 1))
				want = ops[n].out == 'l' ? UINT64_C(0xabcd1234abcd1234)
							 : 0xabcd1234;
			if (!(r->wave.s[EXEC] >> i & 1))
				got = vgpr(&r->wave, 0, 20)[i] |
				      (ops[n].out == 'l' ? (uint64_t)vgpr(&r->wave, 0, 21)[i] << 32
							 : 0);
			if (got != want)
				fail_msg("%s(%llx, %llx, %llx): %llx, expected %llx", ops[n].name,
					(unsigned long long)s[0], (unsigned long long)s[1],
					(unsigned long long)s[2], (unsigned long long)got,
					(unsigned long long)want);
		}
	}
}

static void test_ops(void **unused)
{
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1030", 1);
	for (unsigned int i = 0; i < RP_ARRAY_SIZE(ops); i++)
		one_op(&r, i);
	rig_close(&r);
}

/* Condition c of a float compare as a truth table over less, equal, greater, unordered. */
static void test_compares(void **unused)
{
	static const char *const names[16] = { "f", "lt", "eq", "le", "gt", "lg", "ge", "o", "u",
		"nge", "nlg", "ngt", "nle", "neq", "nlt", "tru" };
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	for (unsigned int c = 0; c < 16; c++) {
		char name[32];
		uint32_t w[2];

		(void)snprintf(name, sizeof(name), "v_cmp_%s_f32", names[c]);
		rig_vop3(name, RP_ISA_GFX1010, w);
		r.wave.s[EXEC] = 0xf0ffffff;
		for (unsigned int i = 0; i < RP_LANES; i++) {
			vgpr(&r.wave, 0, 2)[i] = random32();
			vgpr(&r.wave, 0, 4)[i] = i % 3 ? random32() : vgpr(&r.wave, 0, 2)[i];
		}
		assert_int_equal(RUN(&r, w[0], w[1]), STEP_END);
		for (unsigned int i = 0; i < RP_LANES; i++) {
			double a = fl(vgpr(&r.wave, 0, 2)[i]), b = fl(vgpr(&r.wave, 0, 4)[i]);
			unsigned int relation = a < b ? 1 : a == b ? 2 : a > b ? 4 : 0;
			bool want = c < 8 ? (c & relation) != 0 : !((15 - c) & relation);

			assert_int_equal(r.wave.s[VCC] >> i & 1, want && (r.wave.s[EXEC] >> i & 1));
		}
	}
	rig_close(&r);
}

/* v_add_nc_u32_sdwa v20, v2, v4: every part of the sources, every part and rule of the destination. */
static void test_sdwa(void **unused)
{
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	for (unsigned int n = 0; n < 7 * 7 * 7 * 3 * 4; n++) {
		unsigned int s0 = n % 7, s1 = n / 7 % 7, d = n / 49 % 7, unused_rule = n / 343 % 3,
			     sext = n / 1029;
		uint32_t w0 = 0x25u << 25 | 20u << 17 | 4u << 9 | 249;
		uint32_t w1 = 2 | d << 8 | unused_rule << 11 | s0 << 16 | (sext & 1) << 19 |
			      s1 << 24 | (sext >> 1) << 27;
		uint32_t a = random32(), b = random32(), old = random32(), want, v[2] = { a, b };

		vgpr(&r.wave, 0, 2)[5] = a;
		vgpr(&r.wave, 0, 4)[5] = b;
		vgpr(&r.wave, 0, 20)[5] = old;
		assert_int_equal(RUN(&r, w0, w1), STEP_END);
		for (unsigned int k = 0; k < 2; k++) {
			unsigned int sel = k ? s1 : s0;
			bool s = sext >> k & 1;

			if (sel < 4)
				v[k] = s ? (uint32_t)(int8_t)(v[k] >> 8 * sel)
					 : (uint8_t)(v[k] >> 8 * sel);
			else if (sel < 6)
				v[k] = s ? (uint32_t)(int16_t)(v[k] >> 16 * (sel - 4))
					 : (uint16_t)(v[k] >> 16 * (sel - 4));
		}
		want = v[0] + v[1];
		if (d < 6) {
			unsigned int at = d < 4 ? 8 * d : 16 * (d - 4), bits = d < 4 ? 8 : 16;
			uint64_t part = want & ((1u << bits) - 1),
				 mask = ((UINT64_C(1) << bits) - 1) << at;

			if (unused_rule == 0)
				want = (uint32_t)(part << at);
			else if (unused_rule == 1)
				want = (uint32_t)(sext_bits(part, bits) << at);
			else
				want = (uint32_t)((old & ~mask) | part << at);
		}
		if (vgpr(&r.wave, 0, 20)[5] != want)
			fail_msg("sdwa %08x %08x: %08x, expected %08x", w0, w1,
				vgpr(&r.wave, 0, 20)[5], want);
	}
	rig_close(&r);
}

static void test_dpp(void **unused)
{
	static const uint32_t controls[] = { 0x1b, 0xe4, 0x101, 0x10f, 0x111, 0x11f, 0x121, 0x12f,
		0x140, 0x141, 0x150, 0x15a, 0x160, 0x165 };
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 2);
	for (unsigned int n = 0; n < RP_ARRAY_SIZE(controls) * 8; n++) {
		uint32_t ctrl = controls[n % RP_ARRAY_SIZE(controls)],
			 fi = n / RP_ARRAY_SIZE(controls) & 1;
		uint32_t bc = n / RP_ARRAY_SIZE(controls) >> 1 & 1,
			 rows = n / RP_ARRAY_SIZE(controls) >> 2 ? 0x6 : 0xf;
		uint64_t exec = UINT64_C(0xf0f3ffffa5ffff77);

		r.wave.s[EXEC] = (uint32_t)exec;
		r.wave.s[EXEC + 1] = (uint32_t)(exec >> 32);
		for (unsigned int l = 0; l < 64; l++) {
			vgpr(&r.wave, l / 32, 2)[l % 32] = 100 + l;
			vgpr(&r.wave, l / 32, 20)[l % 32] = 7;
		}
		/* v_mov_b32_dpp v20, v2 */
		assert_int_equal(
			RUN(&r, 0x7e000200 | 20 << 17 | 250,
				2 | ctrl << 8 | fi << 18 | bc << 19 | 0xfu << 24 | rows << 28),
			STEP_END);
		for (unsigned int l = 0; l < 64; l++) {
			unsigned int row = l / 16 * 16, c = l % 16, k = ctrl & 15;
			int from = -1;
			uint32_t want = 7;

			if (ctrl < 0x100)
				from = (int)(l / 4 * 4 + (ctrl >> 2 * (l % 4) & 3));
			else if (ctrl < 0x110)
				from = c + k <= 15 ? (int)(row + c + k) : -1;
			else if (ctrl < 0x120)
				from = c >= k ? (int)(row + c - k) : -1;
			else if (ctrl < 0x130)
				from = (int)(row + (c + 16 - k) % 16);
			else if (ctrl == 0x140)
				from = (int)(row + 15 - c);
			else if (ctrl == 0x141)
				from = (int)(row + c / 8 * 8 + 7 - c % 8);
			else if (ctrl < 0x160)
				from = (int)(row + k);
			else
				from = (int)(row + (c ^ k));
			if (exec >> l & 1 && rows >> (l / 16) & 1) {
				if (from >= 0 && (fi || exec >> from & 1))
					want = 100 + (uint32_t)from;
				else if (bc)
					want = 0;
			}
			if (vgpr(&r.wave, l / 32, 20)[l % 32] != want)
				fail_msg("dpp %x fi %u bc %u lane %u: %u, expected %u", ctrl, fi,
					bc, l, vgpr(&r.wave, l / 32, 20)[l % 32], want);
		}
	}
	rig_close(&r);
}

/* Scalar: add with carry chains, bit fields, 64-bit shifts, saveexec, against wide arithmetic. */
static void test_scalar(void **unused)
{
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	for (unsigned int n = 0; n < 200; n++) {
		uint64_t a = (uint64_t)random32() << 32 | random32(),
			 b = (uint64_t)random32() << 32 | random32(), sum = a + b;
		unsigned int at = random32() % 64, width = 1 + random32() % 63;

		r.wave.s[2] = (uint32_t)a, r.wave.s[3] = (uint32_t)(a >> 32),
		r.wave.s[4] = (uint32_t)b, r.wave.s[5] = (uint32_t)(b >> 32);
		r.wave.s[6] = at | width << 16;
		/* s_add_u32 s8,s2,s4; s_addc_u32 s9,s3,s5; s_bfe_u64 s[10:11],s[2:3],s6; s_bfe_i64 s[12:13]; s_ashr_i64 s[14:15] */
		assert_int_equal(
			RUN(&r, 0x80080402, 0x82090503, 0x948a0602, 0x950c0602, 0x918e0602),
			STEP_END);
		assert_int_equal(r.wave.s[8] | (uint64_t)r.wave.s[9] << 32, sum);
		{
			uint64_t f = a >> at & (UINT64_MAX >> (64 - width)),
				 i = r.wave.s[10] | (uint64_t)r.wave.s[11] << 32;

			assert_int_equal(i, f);
			i = r.wave.s[14] | (uint64_t)r.wave.s[15] << 32;
			assert_int_equal(i, (uint64_t)((int64_t)a >> (r.wave.s[6] & 63)));
		}
		/* s_and_saveexec_b32 s20, s2 */
		r.wave.s[EXEC] = (uint32_t)b;
		assert_int_equal(RUN(&r, 0xbe943c02), STEP_END);
		assert_int_equal(r.wave.s[20], (uint32_t)b);
		assert_int_equal(r.wave.s[EXEC], (uint32_t)a & (uint32_t)b);
		assert_int_equal(r.wave.scc, r.wave.s[EXEC] != 0);
		r.wave.s[EXEC] = UINT32_MAX;
	}
	rig_close(&r);
}

/* Output modifiers, clamp and denormal modes of v_add_f32 and v_mul_f32. */
static void test_modes(void **unused)
{
	const uint32_t half = 0x3f000000, tiny = 0x00000001, nan = 0x7fc00000;
	uint32_t add[2], mul[2];
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	rig_vop3("v_add_f32", RP_ISA_GFX1010, add);
	rig_vop3("v_mul_f32", RP_ISA_GFX1010, mul);
	vgpr(&r.wave, 0, 2)[0] = 0x40000000; /* 2 */
	vgpr(&r.wave, 0, 4)[0] = half;
	assert_int_equal(RUN(&r, add[0] | 0x8000, add[1]), STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 20)[0], 0x3f800000); /* clamped to 1 */
	assert_int_equal(RUN(&r, mul[0], mul[1] | 1u << 27), STEP_END);
	assert_int_equal(
		vgpr(&r.wave, 0, 20)[0], 0x3f800000); /* omod is ignored while denormals are kept */
	rp_exec_set_mode(&r.wave, 0x1c0); /* f32 denormals flushed, IEEE off */
	assert_int_equal(RUN(&r, mul[0], mul[1] | 1u << 27), STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 20)[0], 0x40000000); /* 1 * 2 */
	vgpr(&r.wave, 0, 2)[0] = tiny;
	vgpr(&r.wave, 0, 4)[0] = 0x3f800000;
	assert_int_equal(RUN(&r, mul[0], mul[1]), STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 20)[0], 0);
	rp_exec_set_mode(&r.wave, 0x2f0);
	assert_int_equal(RUN(&r, mul[0], mul[1]), STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 20)[0], tiny);
	vgpr(&r.wave, 0, 2)[0] = nan;
	assert_int_equal(RUN(&r, add[0] | 0x8000, add[1]), STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 20)[0], nan); /* DX10_CLAMP off */
	rp_exec_set_mode(&r.wave, 0x3f0);
	assert_int_equal(RUN(&r, add[0] | 0x8000, add[1]), STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 20)[0], 0);
	/* toward zero: 1 + 2^-30 is 1, toward +inf it is more */
	vgpr(&r.wave, 0, 2)[0] = 0x3f800000;
	vgpr(&r.wave, 0, 4)[0] = 0x30800000;
	rp_exec_set_mode(&r.wave, 0x2f1);
	assert_int_equal(RUN(&r, add[0], add[1]), STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 20)[0], 0x3f800001);
	rp_exec_set_mode(&r.wave, 0x2f3);
	assert_int_equal(RUN(&r, add[0], add[1]), STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 20)[0], 0x3f800000);
	rig_close(&r);
}

static void test_lanes(void **unused)
{
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 2);
	for (unsigned int l = 0; l < 64; l++)
		vgpr(&r.wave, l / 32, 2)[l % 32] = 1000 + l;
	r.wave.s[4] = 45;
	/* v_readlane_b32 s8, v2, s4; v_readfirstlane_b32 s9, v2 with EXEC = bit 40 */
	r.wave.s[EXEC] = 0;
	r.wave.s[EXEC + 1] = 1u << 8;
	assert_int_equal(RUN(&r, 0xd7600008, 256 + 2 + (4 << 9), 0x7e120502), STEP_END);
	assert_int_equal(r.wave.s[8], 1045);
	assert_int_equal(r.wave.s[9], 1040);
	/* v_writelane_b32 v3, s8, 63 (inline 63) */
	assert_int_equal(RUN(&r, 0xd7610003, 8 + ((128 + 63) << 9)), STEP_END);
	assert_int_equal(vgpr(&r.wave, 1, 3)[31], 1045);
	r.wave.s[EXEC] = r.wave.s[EXEC + 1] = UINT32_MAX;
	/* ds_bpermute_b32 v5, v4, v2: lane i reads lane 31 - i of its half */
	for (unsigned int l = 0; l < 64; l++)
		vgpr(&r.wave, l / 32, 4)[l % 32] = 4 * (31 - l % 32);
	assert_int_equal(RUN(&r, 0xdacc0000, 0x05000204), STEP_END);
	for (unsigned int l = 0; l < 64; l++)
		assert_int_equal(
			vgpr(&r.wave, l / 32, 5)[l % 32], 1000 + l / 32 * 32 + 31 - l % 32);
	/* ds_swizzle_b32 v5, v2: xor 1; v_permlanex16: the same lane of the other row */
	assert_int_equal(RUN(&r, 0xd8d4041f, 0x05000002), STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 5)[6], 1007);
	r.wave.s[6] = 0x76543210;
	r.wave.s[7] = 0xfedcba98;
	assert_int_equal(RUN(&r, 0xd7780005, 256 + 2 + (6 << 9) + (7 << 18)), STEP_END);
	for (unsigned int l = 0; l < 64; l++)
		assert_int_equal(vgpr(&r.wave, l / 32, 5)[l % 32], 1000 + (l ^ 16));
	/* v_mbcnt_lo v5, -1, 0; v_mbcnt_hi v5, -1, v5: the number of the lane */
	assert_int_equal(RUN(&r, 0xd7650005, 193 + (128 << 9), 0xd7660005, 193 + ((256 + 5) << 9)),
		STEP_END);
	for (unsigned int l = 0; l < 64; l++)
		assert_int_equal(vgpr(&r.wave, l / 32, 5)[l % 32], l);
	rig_close(&r);
}

/* Which rows have no semantics: images, exports, interpolation, typed buffers, GWS semaphores and a few more, nothing else. */
static void test_rows(void **unused)
{
	static const char *const expected[] = { "image_", "exp", "v_interp_", "tbuffer_",
		"buffer_load_format", "buffer_store_format", "ds_gws_sema", "s_scratch_",
		"s_endpgm_ordered", "v_mullit_f32", "v_mqsad_u32_u8", "ds_condxchg32_rtn_b64",
		"ds_ordered_count" };
	unsigned int n[RP_EXEC_UNVERIFIED + 1] = { 0 };

	(void)unused;
	for (unsigned int row = 1; row < rp_isa_n_rows; row++) {
		const char *name = rp_isa_name(row);
		bool known = false;

		struct rp_exec_row info;

		rp_exec_row_info(row, &info);
		n[info.fidelity]++;
		if (info.fidelity != RP_EXEC_NONE)
			continue;
		for (unsigned int i = 0; i < RP_ARRAY_SIZE(expected); i++)
			known = known || strncmp(name, expected[i], strlen(expected[i])) == 0;
		known = known || (strncmp(name, "ds_", 3) == 0 && strstr(name, "_src2_"));
		if (!known)
			fail_msg("%s has no semantics", name);
	}
	print_message("rows: %u exact, %u approximate, %u unverified, %u without semantics\n",
		n[RP_EXEC_EXACT], n[RP_EXEC_APPROXIMATE], n[RP_EXEC_UNVERIFIED], n[RP_EXEC_NONE]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ops),
		cmocka_unit_test(test_compares),
		cmocka_unit_test(test_sdwa),
		cmocka_unit_test(test_dpp),
		cmocka_unit_test(test_scalar),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
