/* SPDX-License-Identifier: MIT */
/*
 * Addresses of one function. Items only grow: a branch gets an s_nop behind it or becomes a long one and
 * stays so, so that it ends. A branch to an instruction lands before what was put before that.
 */
#include "retarget/internal.h"

enum { SOPP_BRANCH = 2, SOPP_SCC0 = 4, SOPP_EXECNZ = 9 };
#define LONG_BYTES 24u /* wait, s_getpc, s_add_u32 with literal, s_addc_u32, s_setpc */

static uint32_t size_of(const struct rp_rt_item *item)
{
	uint32_t bytes = item->inst.bytes;

	if (item->is_far) /* a conditional one stays, inverted, and jumps over the rest */
		bytes = LONG_BYTES + (item->inst.opcode == SOPP_BRANCH ? 0 : 4);
	return bytes + (item->has_nop ? 4 : 0);
}

static uint32_t offset_of(const struct rp_rt *rt, uint32_t source)
{
	size_t k = rt->heads[source];

	if (k < rt->out.n)
		return rt->out.v[k].off;
	return rt->out.n ? rt->out.v[rt->out.n - 1].off + size_of(&rt->out.v[rt->out.n - 1]) : 0;
}

static int make_far(struct rp_rt *rt, struct rp_rt_item *item, struct rp_error *err)
{
	int r;

	if (item->inst.encoding != RP_ISA_SOPP || item->inst.opcode > SOPP_EXECNZ)
		return rp_rt_refuse(rt, item->source, "does not reach its target any more");
	r = rp_rt_need_live(rt, err);
	if (r < 0)
		return r;
	if (rp_rt_needs_scc(rt, item->target))
		return rp_rt_refuse(rt, item->source,
			"does not reach its target any more, where SCC is needed");
	item->is_far = item->is_changed = true;
	item->has_nop = false;
	rt->counts[RP_RETARGET_FAR_BRANCH]++;
	return 0;
}

/* One round: addresses, then what does not fit. *ret_again: something grew. */
static int round_once(struct rp_rt *rt, bool *ret_again, struct rp_error *err)
{
	bool card_3f = rp_chip_has(rt->o->options->chip, RP_CHIP_BRANCH_3F);
	uint32_t off = 0;

	for (size_t k = 0; k < rt->out.n; k++) {
		rt->out.v[k].off = off;
		off += size_of(&rt->out.v[k]);
	}
	*ret_again = false;
	for (size_t k = 0; k < rt->out.n; k++) {
		struct rp_rt_item *item = &rt->out.v[k];
		int64_t words;
		int r;

		if (item->fix != RP_RT_FIX_BRANCH || item->is_far)
			continue;
		words = ((int64_t)offset_of(rt, item->target) - item->off - 4) / 4;
		if (words < INT16_MIN || words > INT16_MAX) {
			r = make_far(rt, item, err);
			if (r)
				return r;
			*ret_again = true;
		} else if (words == 0x3f && card_3f && !item->has_nop) {
			item->has_nop = true;
			rt->counts[RP_RETARGET_BRANCH_3F]++;
			*ret_again = true;
		}
	}
	return 0;
}

static void put(struct rp_rt_function *f, uint32_t word)
{
	f->words[f->n_words++] = word;
}

static int put_far(struct rp_rt *rt, struct rp_rt_function *f, const struct rp_rt_item *item,
	struct rp_error *err)
{
	uint32_t op = item->inst.opcode, reg = 0, skip = op == SOPP_BRANCH ? 0 : 4;
	int64_t distance = (int64_t)offset_of(rt, item->target) - (item->off + skip + 8);
	int r = rp_rt_free_scalar(rt, item->source, true, true, NULL, &reg, err);

	if (r == RP_RT_REFUSED)
		return rp_rt_refuse(rt, item->source,
			"does not reach its target any more, and no pair of scalar registers is "
			"free");
	if (r < 0)
		return r;
	if (skip) /* the opposite condition is the neighbour: scc0/1, vccz/nz, execz/nz */
		put(f, UINT32_C(0xbf800000) | (op ^ 1) << 16 | LONG_BYTES / 4);
	/* The pair may be one that memory instructions still read: vmem-to-scalar. */
	put(f, RP_RT_DEPCTR_VM_VSRC);
	put(f, UINT32_C(0xbe801f00) | reg << 16); /* s_getpc_b64 */
	put(f, UINT32_C(0x8000ff00) | reg << 16 | reg); /* s_add_u32 reg, reg, literal */
	put(f, (uint32_t)(uint64_t)distance);
	put(f, UINT32_C(0x82000000) | (reg + 1) << 16 | (distance < 0 ? 193u : 128u) << 8 |
			(reg + 1)); /* s_addc_u32 reg+1, reg+1, 0 or -1 */
	put(f, UINT32_C(0xbe802000) | reg); /* s_setpc_b64 */
	return 0;
}

/* The other constant of shape B: s_add_i32 sX, literal, inline. */
static int32_t other_constant(const struct rp_isa_inst *i)
{
	uint32_t code = (i->w[0] & 0xff) == 255 ? i->w[0] >> 8 & 0xff : i->w[0] & 0xff;

	return code <= 192 ? (int32_t)code - 128 : 192 - (int32_t)code;
}

static int add_fixup(struct rp_rt *rt, struct rp_rt_function *f, const struct rp_rt_item *item,
	struct rp_error *err)
{
	struct rp_rt_fixup fix = { .kind = item->fix, .word = (uint32_t)f->n_words };
	size_t cap = f->n_fixups;

	if (item->fix == RP_RT_FIX_CALL) {
		fix.base = item->off + 4;
		fix.target = (int32_t)item->target;
	} else {
		const struct rp_flow_pc *pc = &rt->flow.pcs[item->target];

		fix.base = rt->out.v[rt->heads[pc->getpc + 1] - 1].off + 4;
		fix.target = pc->target;
		if (pc->is_tensile && item->fix == RP_RT_FIX_PC_LOW)
			fix.bias = other_constant(&item->inst);
		if (item->fix == RP_RT_FIX_PC_LOW)
			fix.word += item->inst.literal;
	}
	/* few a function: grown one by one, from a capacity that is the count */
	if (rp_array_grow(&f->fixups, &cap, f->n_fixups, sizeof(*f->fixups)) < 0)
		return RP_NOMEM(err);
	f->fixups[f->n_fixups++] = fix;
	return 0;
}

static int put_item(struct rp_rt *rt, struct rp_rt_function *f, const struct rp_rt_item *item,
	struct rp_error *err)
{
	size_t first = f->n_words;

	if (item->is_far)
		return put_far(rt, f, item, err);
	if (item->fix > RP_RT_FIX_BRANCH) {
		int r = add_fixup(rt, f, item, err);

		if (r < 0)
			return r;
	}
	for (unsigned int w = 0; w < item->inst.bytes / 4u; w++)
		put(f, item->inst.w[w]);
	if (item->fix == RP_RT_FIX_BRANCH) {
		int64_t words = ((int64_t)offset_of(rt, item->target) - item->off - 4) / 4;

		f->words[first] = (f->words[first] & ~UINT32_C(0xffff)) |
				  ((uint32_t)(uint64_t)words & 0xffff);
	}
	if (item->has_nop)
		put(f, RP_RT_S_NOP);
	return 0;
}

int rp_rt_emit(struct rp_rt *rt, struct rp_rt_function *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_rt_function_free) struct rp_rt_function f = { .n_insts = rt->flow.n_insts };
	uint32_t end = (uint32_t)rt->flow.code.n;
	bool again = true;
	int r = 0;

	while (r == 0 && again)
		r = round_once(rt, &again, err);
	if (r)
		return r;
	f.words = calloc((size_t)offset_of(rt, f.n_insts) / 4 + 1, sizeof(*f.words));
	f.olds = calloc((size_t)f.n_insts + 1, sizeof(*f.olds));
	f.news = calloc((size_t)f.n_insts + 1, sizeof(*f.news));
	if (!f.words || !f.olds || !f.news)
		return RP_NOMEM(err);
	for (size_t k = 0; r == 0 && k < rt->out.n; k++)
		r = put_item(rt, &f, &rt->out.v[k], err);
	if (r)
		return r;
	for (uint32_t i = 0; i <= f.n_insts; i++) {
		f.olds[i] = i < f.n_insts ? rt->flow.insts[i].off : end;
		f.news[i] = offset_of(rt, i);
	}
	*ret = f;
	f = (struct rp_rt_function){ 0 };
	return 0;
}
