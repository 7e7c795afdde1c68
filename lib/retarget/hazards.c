/* SPDX-License-Identifier: MIT */
/*
 * Puts LLVM's mitigations into the new stream. As in lib/scan, a block is a function from the state at its
 * entry to the state at its end. First the states at all entries without any mitigation; then block
 * after block in the order of addresses, where what was put into earlier blocks counts. A state can only lose by what is
 * put in, so entries that are computed from blocks not yet visited hold too much at worst, never too little.
 */
#include "retarget/internal.h"

struct rp_rt_block {
	struct rp_hazard_state in, local, out;
	uint32_t open, open_at_branch;
	bool dirty;
};

/* What is put in for each hazard; in this order if there are several. */
static const struct {
	enum rp_hazard hazard;
	enum rp_chip_feature feature;
	enum rp_retarget_rule rule;
	uint32_t word; /* 0: made of the instruction */
} guards[] = {
	{ RP_HAZARD_VCMPX_PERMLANE, RP_CHIP_HAZARD_VCMPX_PERMLANE, RP_RETARGET_VCMPX_PERMLANE, 0 },
	{ RP_HAZARD_VMEM_TO_SCALAR, RP_CHIP_HAZARD_VMEM_TO_SCALAR, RP_RETARGET_VMEM_TO_SCALAR,
		RP_RT_DEPCTR_VM_VSRC },
	{ RP_HAZARD_SMEM_TO_VECTOR, RP_CHIP_HAZARD_SMEM_TO_VECTOR, RP_RETARGET_SMEM_TO_VECTOR,
		RP_RT_S_MOV_NULL },
	{ RP_HAZARD_VCMPX_EXEC_WAR, RP_CHIP_HAZARD_VCMPX_EXEC_WAR, RP_RETARGET_VCMPX_EXEC_WAR,
		RP_RT_DEPCTR_SA_SDST },
	{ RP_HAZARD_LDS_BRANCH_VMEM, RP_CHIP_HAZARD_LDS_BRANCH_VMEM, RP_RETARGET_LDS_BRANCH_VMEM,
		RP_RT_S_WAITCNT_VSCNT },
	{ RP_HAZARD_NSA_TO_VMEM, RP_CHIP_HAZARD_NSA_TO_VMEM, RP_RETARGET_NSA_TO_VMEM, RP_RT_S_NOP },
};

static size_t end_of_block(const struct rp_rt *rt, uint32_t b)
{
	return rt->heads[rt->flow.blocks[b].first + rt->flow.blocks[b].n];
}

static void summarize(struct rp_rt *rt, uint32_t b)
{
	struct rp_hazard_state state = { 0 };
	struct rp_hazard_facts facts;
	uint32_t open = RP_HAZARD_PART_ALL, open_at_branch = 0;

	for (size_t k = rt->heads[rt->flow.blocks[b].first]; k < end_of_block(rt, b); k++) {
		const struct rp_isa_inst *i = &rt->items.v[k].inst;

		if (rp_hazard_is_plain(i)) {
			rp_hazard_step_plain(&state, &open);
			continue;
		}
		rp_hazard_facts(&rt->target, i, &facts);
		if (rp_hazard_is_branch(&facts))
			open_at_branch = open;
		rp_hazard_step(&state, &facts, &open);
	}
	rt->blocks[b] = (struct rp_rt_block){
		.local = state, .open = open, .open_at_branch = open_at_branch, .dirty = true
	};
}

static void flow_into(struct rp_rt *rt, uint32_t to, const struct rp_hazard_state *out)
{
	if (to != RP_FLOW_NONE && rp_hazard_join(&rt->blocks[to].in, out))
		rt->blocks[to].dirty = true;
}

static void solve(struct rp_rt *rt)
{
	bool again = true;

	while (again) {
		again = false;
		for (uint32_t b = 0; b < rt->flow.n_blocks; b++) {
			struct rp_rt_block *block = &rt->blocks[b];

			if (!block->dirty)
				continue;
			block->dirty = false;
			again = true;
			block->out = rp_hazard_through(
				&block->in, &block->local, block->open, block->open_at_branch);
			flow_into(rt, rt->flow.blocks[b].next, &block->out);
			flow_into(rt, rt->flow.blocks[b].taken, &block->out);
		}
	}
}

/* Puts what is needed before item into rt->out; state is then that before item. */
static int guard(struct rp_rt *rt, const struct rp_rt_item *item,
	const struct rp_hazard_facts *facts, struct rp_hazard_state *state, struct rp_error *err)
{
	for (size_t g = 0; g < RP_ARRAY_SIZE(guards); g++) {
		struct rp_rt_item put = { .source = item->source, .is_changed = true };
		struct rp_hazard_facts put_facts;
		uint32_t word = guards[g].word, src = item->inst.w[1] & 0x1ff;
		uint8_t bytes[4];
		int r;

		if (!(rp_hazard_met(state, facts) & RP_HAZARD_BIT(guards[g].hazard)) ||
			!rp_chip_has(rt->o->options->chip, guards[g].feature))
			continue;
		if (!word) { /* v_mov_b32 vN, vN */
			if (src < 256)
				return rp_rt_refuse(rt, item->source, "first source is no VGPR");
			word = UINT32_C(0x7e000200) | (src & 0xff) << 17 | src;
		}
		rp_rt_put_le32(bytes, word);
		(void)rp_isa_decode(&rt->target, rp_span_of(bytes, 4), 0, &put.inst);
		r = rp_rt_push(&rt->out, &put, err);
		if (r < 0)
			return r;
		rp_hazard_facts(&rt->target, &put.inst, &put_facts);
		rp_hazard_step(state, &put_facts, NULL);
		rt->counts[guards[g].rule]++;
	}
	return 0;
}

static int guard_block(
	struct rp_rt *rt, uint32_t b, struct rp_hazard_state *state, struct rp_error *err)
{
	struct rp_hazard_facts facts;
	size_t end = end_of_block(rt, b);
	uint32_t ignored = 0;
	int r;

	for (size_t k = rt->heads[rt->flow.blocks[b].first]; k < end; k++) {
		const struct rp_rt_item *item = &rt->items.v[k];

		if (rp_hazard_is_plain(&item->inst)) {
			rp_hazard_step_plain(state, &ignored);
		} else {
			rp_hazard_facts(&rt->target, &item->inst, &facts);
			r = guard(rt, item, &facts, state, err);
			if (r)
				return r;
			rp_hazard_step(state, &facts, NULL);
		}
		r = rp_rt_push(&rt->out, item, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* heads of rt->items become those of rt->out, in which items are in the same order. */
static void move_heads(struct rp_rt *rt)
{
	size_t k = 0;

	for (uint32_t i = 0; i < rt->flow.n_insts; i++) {
		while (k < rt->out.n && rt->out.v[k].source < i)
			k++;
		rt->heads[i] = (uint32_t)k;
	}
	rt->heads[rt->flow.n_insts] = (uint32_t)rt->out.n;
}

/* A clause stays only if its instructions are as they were. */
static int check_clauses(struct rp_rt *rt)
{
	bool nsa = rp_chip_has(rt->o->options->chip, RP_CHIP_NSA_CLAUSE);

	for (uint32_t i = 0; i < rt->flow.n_insts; i++) {
		const struct rp_isa_inst *inst = &rt->flow.insts[i].inst;
		struct rp_rt_item *clause = &rt->out.v[rt->heads[i + 1] - 1];
		uint32_t n = (inst->w[0] & 0x3f) + 1;
		bool broken = false;

		if (inst->encoding != RP_ISA_SOPP || inst->opcode != RP_RT_SOPP_CLAUSE)
			continue;
		for (uint32_t k = i + 1; k <= i + n && k < rt->flow.n_insts; k++) {
			const struct rp_rt_item *in = &rt->out.v[rt->heads[k]];

			broken |= rt->heads[k + 1] - rt->heads[k] != 1 || in->is_changed ||
				  (nsa && in->inst.encoding == RP_ISA_MIMG &&
					  (in->inst.w[0] >> 1 & 3) != 0);
		}
		if (!broken)
			continue;
		clause->inst.w[0] = RP_RT_S_NOP;
		clause->inst.opcode = 0;
		clause->is_changed = true;
		rt->counts[RP_RETARGET_CLAUSE]++;
	}
	return 0;
}

int rp_rt_guard(struct rp_rt *rt, struct rp_error *err)
{
	int r = 0;

	if (rt->flow.n_blocks > rt->cap_blocks &&
		rp_array_grow(&rt->blocks, &rt->cap_blocks, rt->flow.n_blocks - 1,
			sizeof(*rt->blocks)) < 0)
		return RP_NOMEM(err);
	for (uint32_t b = 0; b < rt->flow.n_blocks; b++)
		summarize(rt, b);
	solve(rt);
	/* From here on in is gathered anew: from what earlier blocks became and what later ones were. */
	for (uint32_t b = 0; b < rt->flow.n_blocks; b++)
		rt->blocks[b].in = (struct rp_hazard_state){ 0 };
	for (uint32_t b = 0; b < rt->flow.n_blocks; b++) {
		const struct rp_flow_block *block = &rt->flow.blocks[b];

		if (block->taken != RP_FLOW_NONE && block->taken <= b)
			(void)rp_hazard_join(&rt->blocks[block->taken].in, &rt->blocks[b].out);
	}
	rt->out.n = 0;
	for (uint32_t b = 0; r == 0 && b < rt->flow.n_blocks; b++) {
		const struct rp_flow_block *block = &rt->flow.blocks[b];
		struct rp_hazard_state state = rt->blocks[b].in;

		r = guard_block(rt, b, &state, err);
		if (block->next != RP_FLOW_NONE)
			(void)rp_hazard_join(&rt->blocks[block->next].in, &state);
		if (block->taken != RP_FLOW_NONE && block->taken > b)
			(void)rp_hazard_join(&rt->blocks[block->taken].in, &state);
	}
	if (r)
		return r;
	move_heads(rt);
	return check_clauses(rt);
}
