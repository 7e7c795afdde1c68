/* SPDX-License-Identifier: MIT */
/*
 * Scalar ALU: SOP1, SOP2, SOPC, SOPK. Source: "RDNA 2" instruction set document, chapter
 * "Scalar ALU Operations". 64-bit operands: a literal is zero-extended, an inline integer
 * sign-extended, an inline float the bits of a double.
 */
#include "vgpu/exec/internal.h"

uint32_t rp_exec_scalar(const struct wave *w, unsigned int code)
{
	if (code < 128)
		return code == RP_ISA_NULL ? 0 : w->s[code];
	switch (code) {
	case 251: /* vccz */
		return w->s[VCC] == 0 && (w->n_halves == 1 || w->s[VCC + 1] == 0);
	case 252: /* execz */
		return exec_mask(w) == 0;
	case 253:
		return w->scc;
	default: /* apertures: a 32-bit read gives the low half (LLVM, SILowerI1Copies and getSegmentAperture) */
		return code == 236 || code == 238 ? UINT32_MAX : 0;
	}
}

uint32_t rp_exec_scalar_high(const struct wave *w, unsigned int code)
{
	switch (code) {
	case 235:
	case 236:
		return w->t->shared_hi;
	case 237:
	case 238:
		return w->t->private_hi;
	default:
		return 0;
	}
}

static uint32_t a32(const struct wave *w, const struct pinst *p, unsigned int n)
{
	return p->s.src[n] == NO_REG ? (uint32_t)p->s.k[n] : rp_exec_scalar(w, p->s.src[n]);
}

static uint64_t a64(const struct wave *w, const struct pinst *p, unsigned int n)
{
	unsigned int code = p->s.src[n];

	if (code == NO_REG)
		return p->s.k[n];
	if (code == RP_ISA_NULL)
		return 0;
	if (code < 128)
		return (uint64_t)w->s[code + 1] << 32 | w->s[code];
	return (uint64_t)rp_exec_scalar_high(w, code) << 32 | rp_exec_scalar(w, code);
}

#define UNUSED_OPERANDS (void)a, (void)b
/* dst 32 bits. scc: expression of r and the operands, or the old one. */
#define S2(name, ta, tb, expr, flag)                               \
	static int s_##name(struct wave *w, const struct pinst *p) \
	{                                                          \
		ta a = (ta)a32(w, p, 0);                           \
		tb b = (tb)a32(w, p, 1);                           \
		uint32_t scc = w->scc, r = (uint32_t)(expr);       \
                                                                   \
		(void)scc;                                         \
		UNUSED_OPERANDS;                                   \
		w->scc = (flag);                                   \
		put_s32(w, p->s.sdst, r);                          \
		return STEP_NEXT;                                  \
	}
#define S2L(name, ta, expr, flag)                                  \
	static int s_##name(struct wave *w, const struct pinst *p) \
	{                                                          \
		ta a = (ta)a64(w, p, 0);                           \
		uint64_t b = a64(w, p, 1);                         \
		uint32_t scc = w->scc;                             \
		uint64_t r = (uint64_t)(expr);                     \
                                                                   \
		(void)scc;                                         \
		UNUSED_OPERANDS;                                   \
		w->scc = (flag);                                   \
		put_s64(w, p->s.sdst, r);                          \
		return STEP_NEXT;                                  \
	}
typedef int32_t i32;
typedef uint32_t u32;
typedef int64_t i64;
typedef uint64_t u64;

S2(add_u32, u32, u32, a + b, r < a)
S2(sub_u32, u32, u32, a - b, a < b)
S2(add_i32, u32, u32, a + b, ((a ^ r) & (b ^ r)) >> 31)
S2(sub_i32, u32, u32, a - b, ((a ^ b) & (a ^ r)) >> 31)
S2(addc_u32, u32, u32, a + b + scc, ((u64)a + b + scc) >> 32 != 0)
S2(subb_u32, u32, u32, a - b - scc, (u64)a < (u64)b + scc)
S2(min_i32, i32, i32, a < b ? a : b, a < b)
S2(min_u32, u32, u32, a < b ? a : b, a < b)
S2(max_i32, i32, i32, a > b ? a : b, a > b)
S2(max_u32, u32, u32, a > b ? a : b, a > b)
S2(cselect_b32, u32, u32, scc ? a : b, scc)
S2L(cselect_b64, u64, scc ? a : b, scc)
#define LOGIC(name, expr)                      \
	S2(name##_b32, u32, u32, expr, r != 0) \
	S2L(name##_b64, u64, expr, r != 0)
LOGIC(and, a &b)
LOGIC(or, a | b)
LOGIC(xor, a ^ b)
LOGIC(andn2, a & ~b)
LOGIC(orn2, a | ~b)
LOGIC(nand, ~(a &b))
LOGIC(nor, ~(a | b))
LOGIC(xnor, ~(a ^ b))
S2(lshl_b32, u32, u32, a << (b & 31), r != 0)
S2L(lshl_b64, u64, a << (b & 63), r != 0)
S2(lshr_b32, u32, u32, a >> (b & 31), r != 0)
S2L(lshr_b64, u64, a >> (b & 63), r != 0)
S2(ashr_i32, i32, u32, a >> (b & 31), r != 0)
S2L(ashr_i64, i64, a >> (b & 63), r != 0)
S2(bfm_b32, u32, u32, ((1u << (a & 31)) - 1) << (b & 31), scc)
S2L(bfm_b64, u64, ((UINT64_C(1) << (a & 63)) - 1) << (b & 63), scc)
S2(mul_i32, u32, u32, a *b, scc)
S2(mul_hi_u32, u32, u32, ((u64)a * b) >> 32, scc)
S2(mul_hi_i32, i32, i32, ((i64)a * b) >> 32, scc)

static u64 bfe(u64 v, u32 control, unsigned int bits, bool sext)
{
	u32 offset = control & (bits - 1), width = control >> 16 & 0x7f;
	u64 r;

	if (!width)
		return 0;
	r = v >> offset;
	if (width >= bits)
		width = bits;
	if (sext && offset + width >
			    bits) /* the field reaches over the top: bits there are the sign's */
		width = bits - offset;
	if (width >= 64)
		return r;
	r &= (UINT64_C(1) << width) - 1;
	if (sext && r >> (width - 1) & 1)
		r |= ~UINT64_C(0) << width;
	return r;
}
S2(bfe_u32, u32, u32, bfe(a, b, 32, false), r != 0)
S2(bfe_i32, u32, u32, bfe(a, b, 32, true), r != 0)
S2L(bfe_u64, u64, bfe(a, (u32)b, 64, false), r != 0)
S2L(bfe_i64, u64, bfe(a, (u32)b, 64, true), r != 0)
S2(absdiff_i32, u32, u32, (i32)(a - b) < 0 ? b - a : a - b, r != 0)
S2(lshl1_add_u32, u32, u32, (a << 1) + b, (((u64)a << 1) + b) >> 32 != 0)
S2(lshl2_add_u32, u32, u32, (a << 2) + b, (((u64)a << 2) + b) >> 32 != 0)
S2(lshl3_add_u32, u32, u32, (a << 3) + b, (((u64)a << 3) + b) >> 32 != 0)
S2(lshl4_add_u32, u32, u32, (a << 4) + b, (((u64)a << 4) + b) >> 32 != 0)
S2(pack_ll_b32_b16, u32, u32, (a & 0xffff) | b << 16, scc)
S2(pack_lh_b32_b16, u32, u32, (a & 0xffff) | (b & 0xffff0000u), scc)
S2(pack_hh_b32_b16, u32, u32, a >> 16 | (b & 0xffff0000u), scc)

/* SOP1: b is the constant 0. */
static u32 brev(u32 v)
{
	u32 r = 0;

	for (unsigned int i = 0; i < 32; i++)
		r |= (v >> i & 1) << (31 - i);
	return r;
}
static u64 wqm(u64 v)
{
	u64 r = 0;

	for (unsigned int i = 0; i < 64; i += 4)
		r |= v >> i & 15 ? UINT64_C(15) << i : 0;
	return r;
}
static u64 quads(u64 v)
{
	u64 r = 0;

	for (unsigned int i = 0; i < 64; i += 4)
		r |= (u64)((v >> i & 15) != 0) << (i / 4);
	return r;
}
static u32 flbit_signed(u64 v, unsigned int bits)
{
	u64 sign = v >> (bits - 1) & 1 ? ~v : v;

	if (bits == 32)
		sign &= UINT32_MAX;
	return sign ? (u32)__builtin_clzll(sign) - (64 - bits) : UINT32_MAX;
}
S2(mov_b32, u32, u32, a, scc)
S2L(mov_b64, u64, a, scc)
S2(not_b32, u32, u32, ~a, r != 0)
S2L(not_b64, u64, ~a, r != 0)
S2(wqm_b32, u32, u32, wqm(a), r != 0)
S2L(wqm_b64, u64, wqm(a), r != 0)
S2(quadmask_b32, u32, u32, quads(a), r != 0)
S2L(quadmask_b64, u64, quads(a), r != 0)
S2(brev_b32, u32, u32, brev(a), scc)
S2L(brev_b64, u64, (u64)brev((u32)a) << 32 | brev((u32)(a >> 32)), scc)
S2(bcnt0_b32, u32, u32, 32 - __builtin_popcount(a), r != 0)
S2(bcnt1_b32, u32, u32, __builtin_popcount(a), r != 0)
S2(ff0_b32, u32, u32, ~a ? (u32)__builtin_ctz(~a) : UINT32_MAX, scc)
S2(ff1_b32, u32, u32, a ? (u32)__builtin_ctz(a) : UINT32_MAX, scc)
S2(flbit_b32, u32, u32, a ? (u32)__builtin_clz(a) : UINT32_MAX, scc)
S2(flbit_i32, u32, u32, flbit_signed(a, 32), scc)
S2(sext_i8, u32, u32, (i32)(int8_t)(uint8_t)a, scc)
S2(sext_i16, u32, u32, (i32)(int16_t)(uint16_t)a, scc)
S2(abs_i32, u32, u32, (i32)a < 0 ? 0 - a : a, r != 0)
/* 64-bit source, 32-bit result */
#define S1N(name, expr, flag)                                      \
	static int s_##name(struct wave *w, const struct pinst *p) \
	{                                                          \
		u64 a = a64(w, p, 0);                              \
		u32 scc = w->scc, r = (u32)(expr);                 \
                                                                   \
		(void)scc;                                         \
		w->scc = (flag);                                   \
		put_s32(w, p->s.sdst, r);                          \
		return STEP_NEXT;                                  \
	}
S1N(bcnt0_b64, 64 - __builtin_popcountll(a), r != 0)
S1N(bcnt1_b64, __builtin_popcountll(a), r != 0)
S1N(ff0_b64, ~a ? (u32)__builtin_ctzll(~a) : UINT32_MAX, scc)
S1N(ff1_b64, a ? (u32)__builtin_ctzll(a) : UINT32_MAX, scc)
S1N(flbit_b64, a ? (u32)__builtin_clzll(a) : UINT32_MAX, scc)
S1N(flbit_i64, flbit_signed(a, 64), scc)

/* Instructions that keep the destination, or do more than one thing. */
static u32 d32(const struct wave *w, const struct pinst *p)
{
	return rp_exec_scalar(w, p->s.sdst);
}
static u64 d64(const struct wave *w, const struct pinst *p)
{
	return p->s.sdst == RP_ISA_NULL ? 0 : (u64)w->s[p->s.sdst + 1] << 32 | w->s[p->s.sdst];
}
#define STEP(name) static int s_##name(struct wave *w, const struct pinst *p)
STEP(cmov_b32)
{
	if (w->scc)
		put_s32(w, p->s.sdst, a32(w, p, 0));
	return STEP_NEXT;
}
STEP(cmov_b64)
{
	if (w->scc)
		put_s64(w, p->s.sdst, a64(w, p, 0));
	return STEP_NEXT;
}
STEP(bitset0_b32)
{
	put_s32(w, p->s.sdst, d32(w, p) & ~(1u << (a32(w, p, 0) & 31)));
	return STEP_NEXT;
}
STEP(bitset1_b32)
{
	put_s32(w, p->s.sdst, d32(w, p) | 1u << (a32(w, p, 0) & 31));
	return STEP_NEXT;
}
STEP(bitset0_b64)
{
	put_s64(w, p->s.sdst, d64(w, p) & ~(UINT64_C(1) << (a32(w, p, 0) & 63)));
	return STEP_NEXT;
}
STEP(bitset1_b64)
{
	put_s64(w, p->s.sdst, d64(w, p) | UINT64_C(1) << (a32(w, p, 0) & 63));
	return STEP_NEXT;
}
STEP(bitreplicate)
{
	u32 a = a32(w, p, 0);
	u64 r = 0;

	for (unsigned int i = 0; i < 32; i++)
		r |= a >> i & 1 ? UINT64_C(3) << (2 * i) : 0;
	put_s64(w, p->s.sdst, r);
	return STEP_NEXT;
}
STEP(movrels_b32)
{
	put_s32(w, p->s.sdst, rp_exec_scalar(w, (p->s.src[0] + w->s[M0]) & 127));
	return STEP_NEXT;
}
STEP(movrels_b64)
{
	unsigned int r = (p->s.src[0] + w->s[M0]) & 126;

	put_s64(w, p->s.sdst, (u64)w->s[r + 1] << 32 | w->s[r]);
	return STEP_NEXT;
}
STEP(movreld_b32)
{
	put_s32(w, (p->s.sdst + w->s[M0]) & 127, a32(w, p, 0));
	return STEP_NEXT;
}
STEP(movreld_b64)
{
	put_s64(w, (p->s.sdst + w->s[M0]) & 126, a64(w, p, 0));
	return STEP_NEXT;
}
STEP(movrelsd_2)
{
	u32 m0 = w->s[M0], v = rp_exec_scalar(w, (p->s.src[0] + (m0 & 0x3ff)) & 127);

	put_s32(w, (p->s.sdst + (m0 >> 16 & 0x3ff)) & 127, v);
	return STEP_NEXT;
}

/* EXEC = f(source, EXEC), the old EXEC (saveexec) or the new one (wrexec) to the destination. */
#define SAVE(name, expr, result)                                                              \
	STEP(name##_b32)                                                                      \
	{                                                                                     \
		u32 a = a32(w, p, 0), e = w->s[EXEC], n = (expr);                             \
                                                                                              \
		put_s32(w, p->s.sdst, (result));                                              \
		w->s[EXEC] = n;                                                               \
		w->scc = n != 0;                                                              \
		return STEP_NEXT;                                                             \
	}                                                                                     \
	STEP(name##_b64)                                                                      \
	{                                                                                     \
		u64 a = a64(w, p, 0), e = (u64)w->s[EXEC + 1] << 32 | w->s[EXEC], n = (expr); \
                                                                                              \
		put_s64(w, p->s.sdst, (result));                                              \
		w->s[EXEC] = (u32)n;                                                          \
		w->s[EXEC + 1] = (u32)(n >> 32);                                              \
		w->scc = n != 0;                                                              \
		return STEP_NEXT;                                                             \
	}
SAVE(and_saveexec, a &e, e)
SAVE(or_saveexec, a | e, e)
SAVE(xor_saveexec, a ^ e, e)
SAVE(andn2_saveexec, a & ~e, e)
SAVE(orn2_saveexec, a | ~e, e)
SAVE(nand_saveexec, ~(a &e), e)
SAVE(nor_saveexec, ~(a | e), e)
SAVE(xnor_saveexec, ~(a ^ e), e)
SAVE(andn1_saveexec, ~a &e, e)
SAVE(orn1_saveexec, ~a | e, e)
SAVE(andn1_wrexec, ~a &e, n)
SAVE(andn2_wrexec, a & ~e, n)

#define CMP(name, type, load, expr)                                    \
	STEP(name)                                                     \
	{                                                              \
		type a = (type)load(w, p, 0), b = (type)load(w, p, 1); \
                                                                       \
		w->scc = (expr);                                       \
		return STEP_NEXT;                                      \
	}
CMP(cmp_eq, u32, a32, a == b)
CMP(cmp_lg, u32, a32, a != b)
CMP(cmp_gt_i, i32, a32, a > b)
CMP(cmp_ge_i, i32, a32, a >= b)
CMP(cmp_lt_i, i32, a32, a < b)
CMP(cmp_le_i, i32, a32, a <= b)
CMP(cmp_gt_u, u32, a32, a > b)
CMP(cmp_ge_u, u32, a32, a >= b)
CMP(cmp_lt_u, u32, a32, a < b)
CMP(cmp_le_u, u32, a32, a <= b)
CMP(cmp_eq_64, u64, a64, a == b)
CMP(cmp_lg_64, u64, a64, a != b)
CMP(bitcmp0, u32, a32, !(a >> (b & 31) & 1))
CMP(bitcmp1, u32, a32, a >> (b & 31) & 1)
STEP(bitcmp0_64)
{
	w->scc = !(a64(w, p, 0) >> (a32(w, p, 1) & 63) & 1);
	return STEP_NEXT;
}
STEP(bitcmp1_64)
{
	w->scc = a64(w, p, 0) >> (a32(w, p, 1) & 63) & 1;
	return STEP_NEXT;
}

STEP(movk)
{
	put_s32(w, p->s.sdst, (u32)p->s.imm);
	return STEP_NEXT;
}
STEP(cmovk)
{
	if (w->scc)
		put_s32(w, p->s.sdst, (u32)p->s.imm);
	return STEP_NEXT;
}
STEP(addk)
{
	u32 a = d32(w, p), b = (u32)p->s.imm, r = a + b;

	w->scc = ((a ^ r) & (b ^ r)) >> 31;
	put_s32(w, p->s.sdst, r);
	return STEP_NEXT;
}
STEP(mulk)
{
	put_s32(w, p->s.sdst, d32(w, p) * (u32)p->s.imm);
	return STEP_NEXT;
}
#define CMPK(name, type, conv, expr)                                \
	STEP(name)                                                  \
	{                                                           \
		type a = (type)d32(w, p), b = (type)(conv)p->s.imm; \
                                                                    \
		w->scc = (expr);                                    \
		return STEP_NEXT;                                   \
	}
CMPK(cmpk_eq_i, i32, i32, a == b)
CMPK(cmpk_lg_i, i32, i32, a != b)
CMPK(cmpk_gt_i, i32, i32, a > b)
CMPK(cmpk_ge_i, i32, i32, a >= b)
CMPK(cmpk_lt_i, i32, i32, a < b)
CMPK(cmpk_le_i, i32, i32, a <= b)
CMPK(cmpk_eq_u, u32, uint16_t, a == b)
CMPK(cmpk_lg_u, u32, uint16_t, a != b)
CMPK(cmpk_gt_u, u32, uint16_t, a > b)
CMPK(cmpk_ge_u, u32, uint16_t, a >= b)
CMPK(cmpk_lt_u, u32, uint16_t, a < b)
CMPK(cmpk_le_u, u32, uint16_t, a <= b)

#define E(name, fn)                              \
	{                                        \
		"s_" name, s_##fn, RP_EXEC_EXACT \
	}
#define E2(name) E(#name "_b32", name##_b32), E(#name "_b64", name##_b64)
const struct step_entry rp_exec_salu[] = {
	E("add_u32", add_u32),
	E("sub_u32", sub_u32),
	E("add_i32", add_i32),
	E("sub_i32", sub_i32),
	E("addc_u32", addc_u32),
	E("subb_u32", subb_u32),
	E("min_i32", min_i32),
	E("min_u32", min_u32),
	E("max_i32", max_i32),
	E("max_u32", max_u32),
	E2(cselect),
	E2(and),
	E2(or),
	E2(xor),
	E2(andn2),
	E2(orn2),
	E2(nand),
	E2(nor),
	E2(xnor),
	E2(lshl),
	E2(lshr),
	E("ashr_i32", ashr_i32),
	E("ashr_i64", ashr_i64),
	E2(bfm),
	E("mul_i32", mul_i32),
	E("mul_hi_u32", mul_hi_u32),
	E("mul_hi_i32", mul_hi_i32),
	E("bfe_u32", bfe_u32),
	E("bfe_i32", bfe_i32),
	E("bfe_u64", bfe_u64),
	E("bfe_i64", bfe_i64),
	E("absdiff_i32", absdiff_i32),
	E("lshl1_add_u32", lshl1_add_u32),
	E("lshl2_add_u32", lshl2_add_u32),
	E("lshl3_add_u32", lshl3_add_u32),
	E("lshl4_add_u32", lshl4_add_u32),
	E("pack_ll_b32_b16", pack_ll_b32_b16),
	E("pack_lh_b32_b16", pack_lh_b32_b16),
	E("pack_hh_b32_b16", pack_hh_b32_b16),
	E2(mov),
	E2(not ),
	E2(wqm),
	E2(quadmask),
	E2(brev),
	E("bcnt0_i32_b32", bcnt0_b32),
	E("bcnt0_i32_b64", bcnt0_b64),
	E("bcnt1_i32_b32", bcnt1_b32),
	E("bcnt1_i32_b64", bcnt1_b64),
	E("ff0_i32_b32", ff0_b32),
	E("ff0_i32_b64", ff0_b64),
	E("ff1_i32_b32", ff1_b32),
	E("ff1_i32_b64", ff1_b64),
	E("flbit_i32_b32", flbit_b32),
	E("flbit_i32_b64", flbit_b64),
	E("flbit_i32", flbit_i32),
	E("flbit_i32_i64", flbit_i64),
	E("sext_i32_i8", sext_i8),
	E("sext_i32_i16", sext_i16),
	E("abs_i32", abs_i32),
	E2(cmov),
	E2(bitset0),
	E2(bitset1),
	E("bitreplicate_b64_b32", bitreplicate),
	E2(movrels),
	E2(movreld),
	E("movrelsd_2_b32", movrelsd_2),
	E2(and_saveexec),
	E2(or_saveexec),
	E2(xor_saveexec),
	E2(andn2_saveexec),
	E2(orn2_saveexec),
	E2(nand_saveexec),
	E2(nor_saveexec),
	E2(xnor_saveexec),
	E2(andn1_saveexec),
	E2(orn1_saveexec),
	E2(andn1_wrexec),
	E2(andn2_wrexec),
	E("cmp_eq_i32", cmp_eq),
	E("cmp_lg_i32", cmp_lg),
	E("cmp_gt_i32", cmp_gt_i),
	E("cmp_ge_i32", cmp_ge_i),
	E("cmp_lt_i32", cmp_lt_i),
	E("cmp_le_i32", cmp_le_i),
	E("cmp_eq_u32", cmp_eq),
	E("cmp_lg_u32", cmp_lg),
	E("cmp_gt_u32", cmp_gt_u),
	E("cmp_ge_u32", cmp_ge_u),
	E("cmp_lt_u32", cmp_lt_u),
	E("cmp_le_u32", cmp_le_u),
	E("cmp_eq_u64", cmp_eq_64),
	E("cmp_lg_u64", cmp_lg_64),
	E("bitcmp0_b32", bitcmp0),
	E("bitcmp1_b32", bitcmp1),
	E("bitcmp0_b64", bitcmp0_64),
	E("bitcmp1_b64", bitcmp1_64),
	E("movk_i32", movk),
	E("cmovk_i32", cmovk),
	E("addk_i32", addk),
	E("mulk_i32", mulk),
	E("cmpk_eq_i32", cmpk_eq_i),
	E("cmpk_lg_i32", cmpk_lg_i),
	E("cmpk_gt_i32", cmpk_gt_i),
	E("cmpk_ge_i32", cmpk_ge_i),
	E("cmpk_lt_i32", cmpk_lt_i),
	E("cmpk_le_i32", cmpk_le_i),
	E("cmpk_eq_u32", cmpk_eq_u),
	E("cmpk_lg_u32", cmpk_lg_u),
	E("cmpk_gt_u32", cmpk_gt_u),
	E("cmpk_ge_u32", cmpk_ge_u),
	E("cmpk_lt_u32", cmpk_lt_u),
	E("cmpk_le_u32", cmpk_le_u),
	{ NULL, NULL, 0 },
};
