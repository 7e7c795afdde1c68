/* SPDX-License-Identifier: MIT */
/* Decoding a function and cutting it into basic blocks. */
#include "flow/internal.h"

void rp_flow_free(struct rp_flow *flow)
{
	free(flow->insts);
	free(flow->blocks);
	free(flow->pcs);
	free(flow->words);
	free(flow->ends);
	*flow = (struct rp_flow)RP_FLOW_INIT;
}

static inline uint32_t bits_below(uint64_t set, unsigned int bit)
{
	return (uint32_t)__builtin_popcountll(set & ((UINT64_C(1) << bit) - 1));
}

uint32_t rp_flow_at(const struct rp_flow *flow, int64_t off)
{
	const struct rp_flow_words *w;
	unsigned int bit;

	if (off < 0 || (uint64_t)off >= flow->code.n || off & 3)
		return RP_FLOW_NONE;
	w = &flow->words[off / 256];
	bit = (unsigned int)(off / 4 % 64);
	return w->insts >> bit & 1 ? w->n_insts + bits_below(w->insts, bit) : RP_FLOW_NONE;
}

static void mark_leader(struct rp_flow *flow, uint32_t inst)
{
	uint32_t off = flow->insts[inst].off;

	flow->words[off / 256].leaders |= UINT64_C(1) << (off / 4 % 64);
}

uint32_t rp_flow_block_of(const struct rp_flow *flow, uint32_t inst)
{
	uint32_t off = flow->insts[inst].off;
	const struct rp_flow_words *w = &flow->words[off / 256];
	unsigned int bit = off / 4 % 64;

	return w->n_leaders + bits_below(w->leaders, bit) + (uint32_t)(w->leaders >> bit & 1) - 1;
}

static inline bool ends_block(const struct rp_isa_inst *i)
{
	return i->flags & (RP_ISA_F_BRANCH | RP_ISA_F_JUMP) &&
	       (rp_flow_is_branch(i) || i->flags & RP_ISA_F_JUMP);
}

/* s_getpc_b64, s_setpc_b64: SOP1 0x1f and 0x20 on all gfx10. */
static inline bool is_getpc(const struct rp_isa_inst *i)
{
	return i->opcode == 0x1f && i->encoding == RP_ISA_SOP1;
}

static bool is_setpc(const struct rp_isa_inst *i)
{
	return i->opcode == 0x20 && i->encoding == RP_ISA_SOP1;
}

static int add_pc(struct rp_flow *flow, uint32_t getpc, struct rp_error *err)
{
	if (flow->n_pcs == flow->cap_pcs &&
		rp_array_grow(&flow->pcs, &flow->cap_pcs, flow->n_pcs, sizeof(*flow->pcs)) < 0)
		return RP_NOMEM(err);
	flow->pcs[flow->n_pcs++] = (struct rp_flow_pc){ .getpc = getpc };
	return 0;
}

static int make_words(struct rp_flow *flow, struct rp_error *err)
{
	size_t n = flow->code.n / 256 + 1;

	if (n > flow->cap_words &&
		rp_array_grow(&flow->words, &flow->cap_words, n - 1, sizeof(*flow->words)) < 0)
		return RP_NOMEM(err);
	for (size_t i = 0; i < n; i++)
		flow->words[i] = (struct rp_flow_words){ 0 };
	return 0;
}

/* Decodes everything; finds the ends of blocks and the s_getpc_b64. */
static int decode(struct rp_flow *flow, uint32_t *ret_n_ends, struct rp_error *err)
{
	uint32_t n = 0, n_ends = 0;
	size_t off = 0;

	while (off < flow->code.n) {
		struct rp_flow_inst *f;

		if (n == flow->cap_insts &&
			rp_array_grow(&flow->insts, &flow->cap_insts, n, sizeof(*flow->insts)) < 0)
			return RP_NOMEM(err);
		f = &flow->insts[n];
		(void)rp_isa_decode(&flow->target, flow->code, off, &f->inst);
		f->off = (uint32_t)off;
		flow->words[off / 256].insts |= UINT64_C(1) << (off / 4 % 64);
		off += f->inst.bytes;
		if (!f->inst.row) {
			flow->n_bad++;
		} else if (ends_block(&f->inst)) {
			if (n_ends == flow->cap_ends && rp_array_grow(&flow->ends, &flow->cap_ends,
								n_ends, sizeof(*flow->ends)) < 0)
				return RP_NOMEM(err);
			flow->ends[n_ends++] = n;
		} else if (is_getpc(&f->inst) && add_pc(flow, n, err) < 0) {
			return -ENOMEM;
		}
		n++;
	}
	flow->n_insts = n;
	*ret_n_ends = n_ends;
	return 0;
}

/* Instruction that the block end at instruction i jumps to, or RP_FLOW_NONE. */
static uint32_t jump_of(struct rp_flow *flow, uint32_t i, bool count)
{
	const struct rp_flow_inst *f = &flow->insts[i];
	uint32_t to = RP_FLOW_NONE;
	int64_t off;

	if (rp_flow_is_branch(&f->inst)) {
		to = rp_flow_at(flow, rp_isa_branch_target(&f->inst, f->off));
		flow->n_outside += count && to == RP_FLOW_NONE;
	} else if (is_setpc(&f->inst)) {
		if (rp_flow_setpc_target(flow, i, &off))
			to = rp_flow_at(flow, off);
		flow->n_setpc_unknown += count && to == RP_FLOW_NONE;
	}
	return to;
}

static void mark_leaders(struct rp_flow *flow, uint32_t n_ends)
{
	uint32_t n = 0;

	mark_leader(flow, 0);
	for (uint32_t e = 0; e < n_ends; e++) {
		uint32_t i = flow->ends[e], to = jump_of(flow, i, true);

		if (to != RP_FLOW_NONE)
			mark_leader(flow, to);
		if (i + 1 < flow->n_insts)
			mark_leader(flow, i + 1);
	}
	for (size_t w = 0; w < flow->code.n / 256 + 1; w++) {
		flow->words[w].n_leaders = n;
		n += (uint32_t)__builtin_popcountll(flow->words[w].leaders);
	}
	flow->n_blocks = n;
}

static void make_blocks(struct rp_flow *flow)
{
	uint32_t b = 0;

	for (size_t w = 0; w < flow->code.n / 256 + 1; w++) {
		const struct rp_flow_words *words = &flow->words[w];

		for (uint64_t left = words->leaders; left; left &= left - 1) {
			uint32_t first =
				words->n_insts +
				bits_below(words->insts, (unsigned int)__builtin_ctzll(left));

			flow->blocks[b++] =
				(struct rp_flow_block){ first, 0, RP_FLOW_NONE, RP_FLOW_NONE };
		}
	}
	for (b = 0; b < flow->n_blocks; b++) {
		struct rp_flow_block *block = &flow->blocks[b];
		uint32_t end = b + 1 < flow->n_blocks ? block[1].first : flow->n_insts, to;
		const struct rp_isa_inst *i = &flow->insts[end - 1].inst;

		block->n = end - block->first;
		if (!(i->flags & RP_ISA_F_JUMP) && b + 1 < flow->n_blocks)
			block->next = b + 1;
		if (!ends_block(i))
			continue;
		to = jump_of(flow, end - 1, false);
		if (to != RP_FLOW_NONE)
			block->taken = rp_flow_block_of(flow, to);
	}
}

/* Instructions before each 64 words. */
static void number_insts(struct rp_flow *flow)
{
	uint32_t n = 0;

	for (size_t w = 0; w < flow->code.n / 256 + 1; w++) {
		flow->words[w].n_insts = n;
		n += (uint32_t)__builtin_popcountll(flow->words[w].insts);
	}
}

int rp_flow_read(struct rp_flow *flow, const struct rp_isa_target *target, struct rp_span code,
	struct rp_error *err)
{
	uint32_t n_ends = 0;
	int r;

	flow->code = code;
	flow->target = *target;
	flow->n_insts = flow->n_blocks = flow->n_pcs = 0;
	flow->n_bad = flow->n_outside = flow->n_setpc_unknown = 0;
	if (code.n >= UINT32_MAX)
		return RP_FAIL(err, -EFBIG, "a function of %zu bytes", code.n);
	r = make_words(flow, err);
	if (r == 0)
		r = decode(flow, &n_ends, err);
	if (r < 0 || flow->n_insts == 0)
		return r;
	number_insts(flow);
	for (uint32_t i = 0; i < flow->n_pcs; i++)
		rp_flow_read_pc(flow, &flow->pcs[i]);
	mark_leaders(flow, n_ends);
	if (flow->n_blocks > flow->cap_blocks &&
		rp_array_grow(&flow->blocks, &flow->cap_blocks, flow->n_blocks - 1,
			sizeof(*flow->blocks)) < 0)
		return RP_NOMEM(err);
	make_blocks(flow);
	return 0;
}
