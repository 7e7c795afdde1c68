/* SPDX-License-Identifier: MIT */
/*
 * Control flow of one function of gfx10 machine code: decoded instructions, basic
 * blocks and their successors, constants that are computed from the program counter.
 * Nothing here knows what an instruction does to a card: that is lib/hazard and
 * lib/scan; lib/retarget edits what is found here.
 *
 * Calls (s_swappc_b64, s_call_b64) fall through: what a callee does is not looked at.
 * Sources: "RDNA 1.0" and "RDNA 2" ISA documents, "Program Flow Control"; the
 * two shapes of position-dependent constants are those of LLVM's and Tensile's output.
 */
#ifndef RP_FLOW_H
#define RP_FLOW_H

#include "base/base.h"
#include "isa/isa.h"

#define RP_FLOW_NONE UINT32_MAX

struct rp_flow_inst {
	struct rp_isa_inst inst;
	uint32_t off; /* byte offset in the function's code */
};

/* For each 64 words of code: where instructions and blocks start. */
struct rp_flow_words {
	uint64_t insts, leaders;
	uint32_t n_insts, n_leaders; /* before these words */
};

struct rp_flow_block {
	uint32_t first, n; /* instructions */
	uint32_t next; /* the block that follows by falling through, or RP_FLOW_NONE */
	uint32_t taken; /* the block that its branch goes to, or RP_FLOW_NONE */
};

/*
 * s_getpc_b64 and the additions behind it. Shape A (LLVM): s_add_u32 lo, lo, literal;
 * s_addc_u32 hi, hi, literal or inline. Shape B (Tensile): s_add_i32 sX, literal, inline;
 * s_add_u32 lo, lo, sX; s_addc_u32 hi, hi, 0.
 */
struct rp_flow_pc {
	uint32_t getpc; /* instructions */
	uint32_t low; /* the one with the low literal: s_add_u32 (A) or s_add_i32 (B) */
	uint32_t add, addc;
	uint8_t reg; /* the pair is s[reg:reg+1] */
	bool is_known; /* false: not one of the shapes; only getpc and reg are set */
	bool is_tensile; /* shape B */
	int64_t target; /* byte offset from the start of the function's code */
};

/* Memory is kept and used again by the next rp_flow_read. */
struct rp_flow {
	struct rp_span code;
	struct rp_isa_target target;
	struct rp_flow_inst *insts; /* owned; by address */
	uint32_t n_insts;
	struct rp_flow_block *blocks; /* owned; by address; block 0 is the entry */
	uint32_t n_blocks;
	struct rp_flow_pc *pcs; /* owned */
	uint32_t n_pcs;
	uint32_t n_bad; /* words that are no instruction */
	uint32_t n_outside; /* branches to no instruction of this function */
	uint32_t n_setpc_unknown; /* s_setpc_b64 (returns, too) without a known target here */
	/* internal: */
	struct rp_flow_words *words; /* owned */
	uint32_t *ends; /* owned; instructions that end a block */
	size_t cap_insts, cap_blocks, cap_pcs, cap_words, cap_ends;
};

#define RP_FLOW_INIT                \
	{                           \
		.code = { NULL, 0 } \
	}

void rp_flow_free(struct rp_flow *flow);

/*
 * Reads code, a whole number of words of one function, entered at its start. -ENOMEM;
 * -EFBIG: 4 GiB or more. Words that are no instruction are kept as such
 * (status RP_ISA_BAD) and fall through.
 */
RP_MUST_CHECK int rp_flow_read(struct rp_flow *flow, const struct rp_isa_target *target,
	struct rp_span code, struct rp_error *err);

/* The instruction that starts at byte off, or RP_FLOW_NONE. */
uint32_t rp_flow_at(const struct rp_flow *flow, int64_t off);

/* The block that instruction inst is in. */
uint32_t rp_flow_block_of(const struct rp_flow *flow, uint32_t inst);

/* True for a branch that stays in the function: s_branch, s_cbranch_*, s_subvector_loop_*. */
static inline bool rp_flow_is_branch(const struct rp_isa_inst *i)
{
	return (i->flags & (RP_ISA_F_BRANCH | RP_ISA_F_CALL)) == RP_ISA_F_BRANCH;
}

#endif
