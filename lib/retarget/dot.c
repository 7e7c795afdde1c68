/* SPDX-License-Identifier: MIT */
/*
 * Dot products for chips that have none (gfx1010, gfx1013). The integer forms are exact. The f16 form
 * becomes two v_fma_mix_f32: one more rounding step than is known of the instruction, and
 * denormals by the MODE register instead of always flushed (docs/retarget.md).
 * Encodings: "RDNA 1.0" ISA, VOP2, VOP3P, SDWA; checked with llvm-mc.
 */
#include "retarget/internal.h"

enum { DOT2C = 0x02, DOT4C = 0x0d }; /* VOP2 */
enum { DOT2_F32_F16 = 0x13, DOT4_I32_I8 = 0x16, DOT4_U32_U8 = 0x17 }; /* VOP3P */

#define VGPR(code) ((code) >= 256)

static bool is_register(uint32_t code)
{
	return VGPR(code) || code <= RP_ISA_VCC_HI;
}

struct dot {
	uint32_t d; /* VGPR number */
	uint32_t a, b, c; /* source codes */
	uint32_t sel_lo, sel_hi, neg_lo,
		neg_hi; /* of the halves of a and b (bits 0, 1), c (bit 2) */
};

/* v_fma_mix_f32 dst, a, b, c: a, b are halves of packed f16, c is f32. */
static int put_mix(struct rp_rt *rt, uint32_t i, const struct dot *x, uint32_t dst, uint32_t sel,
	uint32_t neg, uint32_t c, struct rp_error *err)
{
	return rp_rt_put2(rt, i, UINT32_C(0xcc200000) | dst | (sel & 3) << 11,
		x->a | x->b << 9 | c << 18 | UINT32_C(3) << 27 | neg << 29, err);
}

static int dot2(struct rp_rt *rt, uint32_t i, const struct dot *x, struct rp_error *err)
{
	uint32_t t = x->d;
	int r;

	if (!is_register(x->a) || !is_register(x->b) || (!is_register(x->c) && x->c != 128))
		return rp_rt_refuse(rt, i, "no sequence for constants as its sources");
	if (x->a == 256 + x->d || x->b == 256 + x->d) {
		r = rp_rt_need_temps(rt, i, 1, err);
		if (r)
			return r;
		t = rt->temps[0];
	}
	r = put_mix(rt, i, x, t, x->sel_lo, x->neg_lo, x->c, err);
	return r ? r : put_mix(rt, i, x, x->d, x->sel_hi, x->neg_hi & 3, 256 + t, err);
}

/* v_mov_b32 dst, src [, literal] */
static int put_mov(struct rp_rt *rt, uint32_t i, uint32_t dst, uint32_t src, uint32_t literal,
	struct rp_error *err)
{
	const uint32_t words[2] = { UINT32_C(0x7e000200) | dst << 17 | src, literal };

	return rp_rt_put(rt, i, words, src == 255 ? 2 : 1, err);
}

/* v_add_nc_u32 dst, src, vgpr */
static int put_sum(struct rp_rt *rt, uint32_t i, uint32_t dst, uint32_t src, uint32_t vgpr,
	struct rp_error *err)
{
	return rp_rt_put1(rt, i, UINT32_C(0x4a000000) | dst << 17 | (vgpr & 0xff) << 9 | src, err);
}

/* Product k into t: bytes k of a and b, sign-extended or not, by SDWA. */
static int put_product(struct rp_rt *rt, uint32_t i, const struct dot *x, bool is_signed,
	uint32_t t, uint32_t k, struct rp_error *err)
{
	uint32_t op = is_signed ? UINT32_C(0x12000000) : UINT32_C(0x16000000);
	uint32_t sel = k | (is_signed ? 8 : 0), scalar = VGPR(x->a) ? 0 : UINT32_C(1) << 23;

	return rp_rt_put2(rt, i, op | t << 17 | (x->b & 0xff) << 9 | 0xf9,
		(x->a & 0xff) | 0x600 | sel << 16 | sel << 24 | scalar, err);
}

static int dot4(struct rp_rt *rt, uint32_t i, struct dot *x, bool is_signed, uint32_t literal,
	struct rp_error *err)
{
	bool overlaps = x->a == 256 + x->d || x->b == 256 + x->d;
	unsigned int n = 1 + overlaps, acc = x->d;
	int r;

	if (!VGPR(x->b) && VGPR(x->a)) { /* products of bytes: either way round */
		uint32_t b = x->b;

		x->b = x->a;
		x->a = b;
	}
	if (!VGPR(x->b) || !is_register(x->c))
		return rp_rt_refuse(rt, i, "no sequence for these sources");
	if (!is_register(x->a))
		n++;
	r = rp_rt_need_temps(rt, i, n, err);
	if (r)
		return r;
	if (overlaps)
		acc = rt->temps[1];
	if (!is_register(x->a)) {
		r = put_mov(rt, i, rt->temps[n - 1], x->a, literal, err);
		x->a = 256u + rt->temps[n - 1];
	}
	for (uint32_t k = 0; r == 0 && k < 4; k++) {
		r = put_product(rt, i, x, is_signed, rt->temps[0], k, err);
		/* sum = (k == 0 ? c : sum) + product; the last one into d, when a and b are done */
		if (r == 0)
			r = put_sum(rt, i, k == 3 ? x->d : acc, k == 0 ? x->c : 256 + acc,
				256u + rt->temps[0], err);
	}
	return r;
}

static int vop3p(struct rp_rt *rt, uint32_t i, struct rp_error *err)
{
	const struct rp_isa_inst *inst = &rt->flow.insts[i].inst;
	uint32_t w0 = inst->w[0], w1 = inst->w[1];
	struct dot x = { .d = w0 & 0xff,
		.a = w1 & 0x1ff,
		.b = w1 >> 9 & 0x1ff,
		.c = w1 >> 18 & 0x1ff,
		.sel_lo = w0 >> 11 & 7,
		.sel_hi = w1 >> 27 & 3,
		.neg_lo = w1 >> 29,
		.neg_hi = w0 >> 8 & 7 };

	if (w0 >> 15 & 1)
		return rp_rt_refuse(rt, i, "no sequence with clamp");
	if (inst->opcode == DOT2_F32_F16) {
		if (x.sel_lo & 4 || x.neg_hi & 4)
			return rp_rt_refuse(rt, i, "no sequence for modifiers of its third source");
		return dot2(rt, i, &x, err);
	}
	if (inst->opcode != DOT4_I32_I8 && inst->opcode != DOT4_U32_U8)
		return rp_rt_refuse(rt, i,
			"the card has no such instruction, and no sequence for it is known here");
	if (x.sel_lo || x.sel_hi != 3 || x.neg_lo || x.neg_hi)
		return rp_rt_refuse(rt, i, "no sequence for its modifiers");
	return dot4(rt, i, &x, inst->opcode == DOT4_I32_I8,
		inst->literal ? inst->w[inst->literal] : 0, err);
}

int rp_rt_dot(struct rp_rt *rt, uint32_t i, bool *ret_done, struct rp_error *err)
{
	const struct rp_isa_inst *inst = &rt->flow.insts[i].inst;
	uint32_t d = inst->w[0] >> 17 & 0xff;
	struct dot x = { .d = d,
		.a = inst->w[0] & 0x1ff,
		.b = 256 + (inst->w[0] >> 9 & 0xff),
		.c = 256 + d,
		.sel_hi = 3 };
	uint32_t literal = inst->literal ? inst->w[inst->literal] : 0;
	int r;

	*ret_done = true;
	if (inst->encoding == RP_ISA_VOP3P && inst->opcode >= 0x13 && inst->opcode <= 0x19) {
		r = vop3p(rt, i, err);
	} else if (inst->encoding == RP_ISA_VOP2 &&
		   (inst->opcode == DOT2C || inst->opcode == DOT4C)) {
		if (inst->form != RP_ISA_FORM_NATIVE)
			return rp_rt_refuse(rt, i, "no sequence for its DPP form");
		r = inst->opcode == DOT2C ? dot2(rt, i, &x, err)
					  : dot4(rt, i, &x, true, literal, err);
	} else {
		*ret_done = false;
		return 0;
	}
	rt->counts[RP_RETARGET_DOT] += r == 0;
	return r;
}
