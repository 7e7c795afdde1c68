/* SPDX-License-Identifier: MIT */
/*
 * FLAT with an offset, which the card ignores for addresses in global memory. Where no pointer into LDS or
 * scratch can be made it becomes GLOBAL; else the offset is added to the address before the access and
 * taken off again behind it. v_add_co and its kin are VOP3B, so that the carry may be in any SGPR.
 */
#include "retarget/internal.h"

struct access {
	uint32_t lo; /* VGPRs of the address: lo, lo + 1 */
	uint32_t offset;
	bool writes_lo, writes_hi; /* by the access itself */
	bool is_odd; /* data overlaps the address, or part of a destination register is kept */
};

static bool meets(const struct rp_isa_operand *op, uint32_t reg)
{
	return op->kind == RP_ISA_OP_VGPR && reg >= op->reg && reg < (uint32_t)op->reg + op->dwords;
}

static struct access access_of(const struct rp_rt *rt, const struct rp_isa_inst *i)
{
	struct access a = { .lo = i->w[1] & 0xff, .offset = i->w[0] & 0xfff };
	struct rp_isa_operand op;

	for (unsigned int n = 0; n < rp_isa_row_of(i)->n_operands; n++) {
		bool lo, hi;

		rp_isa_operand(&rt->flow.target, i, n, &op);
		if (op.field == RP_ISA_FIELD_ADDR)
			continue;
		lo = meets(&op, a.lo);
		hi = meets(&op, a.lo + 1);
		if ((lo || hi) && op.access & RP_ISA_OP_READ)
			a.is_odd = true;
		if (op.access & RP_ISA_OP_WRITE) {
			a.writes_lo |= lo;
			a.writes_hi |= hi;
		}
	}
	return a;
}

/* w0, w1 and, if the offset is no inline constant, the literal. */
static int put_lit(struct rp_rt *rt, uint32_t source, uint32_t w0, uint32_t w1, uint32_t offset,
	struct rp_error *err)
{
	const uint32_t words[3] = { w0, w1, offset };

	return rp_rt_put(rt, source, words, offset > 64 ? 3 : 2, err);
}

/* v_sub_co_ci_u32 hi, sdst, hi, 0, borrow */
static int put_hi_back(struct rp_rt *rt, uint32_t source, uint32_t hi, uint32_t sdst,
	uint32_t borrow, struct rp_error *err)
{
	return rp_rt_put2(rt, source, UINT32_C(0xd5290000) | sdst << 8 | hi,
		(0x100 + hi) | UINT32_C(0x80) << 9 | borrow << 18, err);
}

static int put_add(struct rp_rt *rt, uint32_t i, const struct access *a, uint32_t carry,
	uint32_t carry2, struct rp_error *err)
{
	uint32_t src = a->offset <= 64 ? 0x80 + a->offset : 0xff, hi = a->lo + 1;
	int r;

	/* v_add_co_u32 lo, carry, offset, lo; v_add_co_ci_u32 hi, carry2, 0, hi, carry */
	r = put_lit(rt, i, UINT32_C(0xd70f0000) | carry << 8 | a->lo, src | (0x100 + a->lo) << 9,
		a->offset, err);
	return r ? r
		 : rp_rt_put2(rt, i, UINT32_C(0xd5280000) | carry2 << 8 | hi,
			   0x80 | (0x100 + hi) << 9 | carry << 18, err);
}

static int put_undo(struct rp_rt *rt, uint32_t i, const struct access *a, uint32_t carry,
	uint32_t carry2, struct rp_error *err)
{
	uint32_t src = a->offset <= 64 ? 0x80 + a->offset : 0xff, hi = a->lo + 1;
	int r;

	if (a->writes_lo && a->writes_hi)
		return 0;
	if (a->writes_lo) /* the carry of the addition is still in carry */
		return put_hi_back(rt, i, hi, carry2, carry, err);
	if (a->writes_hi) {
		/* v_subrev_nc_u32 lo, offset, lo */
		const uint32_t words[2] = { UINT32_C(0x4e000000) | a->lo << 17 | a->lo << 9 | src,
			a->offset };

		return rp_rt_put(rt, i, words, a->offset > 64 ? 2 : 1, err);
	}
	/* v_sub_co_u32 lo, carry, lo, offset */
	r = put_lit(rt, i, UINT32_C(0xd7100000) | carry << 8 | a->lo, (0x100 + a->lo) | src << 9,
		a->offset, err);
	return r ? r : put_hi_back(rt, i, hi, carry, carry, err);
}

static int add_around(struct rp_rt *rt, uint32_t i, struct rp_error *err)
{
	const struct rp_isa_inst *inst = &rt->flow.insts[i].inst;
	struct access a = access_of(rt, inst);
	uint32_t carry = 0, carry2;
	struct rp_isa_sset taken = { { 0, 0 } };
	int r;

	if (a.is_odd)
		return rp_rt_refuse(rt, i, "its data overlaps its address, which has an offset");
	if (a.lo == 255)
		return rp_rt_refuse(rt, i, "address in v255 and beyond");
	r = rp_rt_free_scalar(rt, i, false, true, NULL, &carry, err);
	carry2 = carry;
	if (r == 0 && a.writes_lo && !a.writes_hi) {
		taken.b[carry / 64] |= UINT64_C(1) << (carry % 64);
		r = rp_rt_free_scalar(rt, i, false, true, &taken, &carry2, err);
	}
	if (r == RP_RT_REFUSED)
		return rp_rt_refuse(rt, i, "no free scalar register for the carry of its offset");
	if (r == 0)
		r = put_add(rt, i, &a, carry, carry2, err);
	if (r == 0)
		r = rp_rt_put2(rt, i, inst->w[0] & ~UINT32_C(0xfff), inst->w[1], err);
	if (r == 0)
		r = put_undo(rt, i, &a, carry, carry2, err);
	rt->counts[RP_RETARGET_FLAT_ADD] += r == 0;
	return r;
}

int rp_rt_flat(struct rp_rt *rt, uint32_t i, struct rp_error *err)
{
	const struct rp_isa_inst *inst = &rt->flow.insts[i].inst;
	int r;

	/* saddr, lds and bit 11 of the offset have no meaning in segment 0: no compiler sets them */
	if ((inst->w[1] >> 16 & 0x7f) != RP_ISA_NULL || inst->w[0] & 0x2800)
		return rp_rt_refuse(rt, i, "FLAT with fields that segment 0 has not");
	if (!rt->converts)
		return add_around(rt, i, err);
	r = rp_rt_put2(rt, i, inst->w[0] | 0x8000, inst->w[1], err);
	rt->counts[RP_RETARGET_FLAT_TO_GLOBAL] += r == 0;
	return r;
}
