/* SPDX-License-Identifier: MIT */
/*
 * Constants that are computed from the program counter. The instructions need not be
 * neighbours; between s_getpc_b64 and the last addition nothing else may write the registers,
 * enter or leave. Shapes as in LLVM (SIInstrInfo::insertIndirectBranch, expanded
 * SI_PC_ADD_REL_OFFSET) and in Tensile's long branches (KernelWriterAssembly, "longBranch").
 */
#include "flow/internal.h"

#define MAX_DISTANCE 64u /* instructions between s_getpc_b64 and s_addc_u32 */

enum { OP_ADD_U32 = 0x00, OP_ADD_I32 = 0x02, OP_ADDC_U32 = 0x04 }; /* SOP2, all gfx10 */

/* What the scalar source code of i stands for; false: not a constant. */
static bool constant(const struct rp_isa_inst *i, uint32_t code, uint32_t *ret)
{
	if (code == 255 && i->literal)
		*ret = i->w[i->literal];
	else if (code >= 128 && code <= 192)
		*ret = code - 128;
	else if (code >= 193 && code <= 208)
		*ret = (uint32_t)(192 - (int32_t)code);
	else
		return false;
	return true;
}

struct search {
	struct rp_flow_pc pc;
	uint32_t low_value, high_value;
	uint32_t offset_reg; /* shape B: sX; else RP_FLOW_NONE */
	uint32_t offset_value;
	bool has_low;
};

/* Takes i into the search. 1: complete; 0: goes on; -1: not one of the shapes. */
static int step(struct search *s, const struct rp_isa_target *t, const struct rp_isa_inst *i,
	uint32_t index)
{
	uint32_t dst = i->w[0] >> 16 & 0x7f, src0 = i->w[0] & 0xff, src1 = i->w[0] >> 8 & 0xff;
	uint32_t lo = s->pc.reg, hi = lo + 1, value, value1;
	struct rp_isa_regs regs;

	if (i->encoding == RP_ISA_SOP2 && i->opcode == OP_ADD_I32 && !s->has_low && dst != lo &&
		dst != hi && constant(i, src0, &value) && constant(i, src1, &value1)) {
		s->offset_reg = dst;
		s->offset_value = value + value1;
		s->pc.low = index;
		return 0;
	}
	if (i->encoding == RP_ISA_SOP2 && i->opcode == OP_ADD_U32 && !s->has_low && dst == lo &&
		src0 == lo) {
		s->has_low = true;
		s->pc.add = index;
		if (constant(i, src1, &s->low_value)) {
			s->pc.low = index;
			s->pc.is_tensile = false;
			return 0;
		}
		s->low_value = s->offset_value;
		s->pc.is_tensile = true;
		return src1 == s->offset_reg ? 0 : -1;
	}
	if (i->encoding == RP_ISA_SOP2 && i->opcode == OP_ADDC_U32 && s->has_low && dst == hi &&
		src0 == hi) {
		s->pc.addc = index;
		return constant(i, src1, &s->high_value) ? 1 : -1;
	}
	rp_isa_scalar_regs(t, i, &regs);
	regs.write = rp_isa_sset_or(regs.write, regs.write_implicit);
	if (rp_isa_sset_has(&regs.write, lo) || rp_isa_sset_has(&regs.write, hi) ||
		(s->offset_reg < 128 && rp_isa_sset_has(&regs.write, s->offset_reg)))
		return -1;
	/* the carry of s_add_u32 must survive until s_addc_u32 */
	return s->has_low && regs.scc_write ? -1 : 0;
}

void rp_flow_read_pc(const struct rp_flow *flow, struct rp_flow_pc *pc)
{
	uint32_t getpc = pc->getpc;
	const struct rp_isa_inst *first = &flow->insts[getpc].inst;
	struct search s = { .pc = { .getpc = getpc, .reg = first->w[0] >> 16 & 0x7e },
		.offset_reg = RP_FLOW_NONE };
	int r = 0;

	for (uint32_t i = getpc + 1; r == 0 && i < flow->n_insts && i - getpc <= MAX_DISTANCE;
		i++) {
		const struct rp_isa_inst *inst = &flow->insts[i].inst;

		if (!inst->row || inst->flags & (RP_ISA_F_BRANCH | RP_ISA_F_JUMP | RP_ISA_F_CALL))
			break;
		r = step(&s, &flow->target, inst, i);
	}
	s.pc.is_known = r == 1;
	if (s.pc.is_known) {
		uint64_t from = (uint64_t)flow->insts[getpc].off + first->bytes;
		uint64_t add = s.low_value | (uint64_t)s.high_value << 32;

		s.pc.target = (int64_t)(from + add);
	}
	*pc = s.pc;
}

bool rp_flow_setpc_target(const struct rp_flow *flow, uint32_t setpc, int64_t *ret_off)
{
	uint32_t reg = flow->insts[setpc].inst.w[0] & 0xff;
	const struct rp_flow_pc *pc = NULL;
	struct rp_isa_regs regs;

	for (uint32_t i = flow->n_pcs; i-- > 0 && !pc;)
		if (flow->pcs[i].getpc < setpc)
			pc = &flow->pcs[i];
	if (!pc || !pc->is_known || pc->reg != reg || pc->addc > setpc)
		return false;
	for (uint32_t i = pc->addc + 1; i < setpc; i++) {
		const struct rp_isa_inst *inst = &flow->insts[i].inst;

		if (!inst->row || inst->flags & (RP_ISA_F_BRANCH | RP_ISA_F_JUMP | RP_ISA_F_CALL))
			return false;
		rp_isa_scalar_regs(&flow->target, inst, &regs);
		if (rp_isa_sset_has(&regs.write, reg) || rp_isa_sset_has(&regs.write, reg + 1))
			return false;
	}
	*ret_off = pc->target;
	return true;
}
