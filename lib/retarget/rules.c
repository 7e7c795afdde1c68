/* SPDX-License-Identifier: MIT */
/*
 * What is done to each source instruction. A rule applies because the card has the defect (or lacks
 * the instruction) by the chip and instruction tables; no chip is asked for by name.
 */
#include "retarget/internal.h"

static const struct rp_retarget_rule_info infos[RP_RETARGET_RULE_MAX] = {
	[RP_RETARGET_FLAT_TO_GLOBAL] = { "flat-to-global", "flat-offset",
		"GLOBAL with the same offset: no pointer into LDS or scratch is made in this code",
		"LLVM 19 SIInstrInfo::isLegalFLATOffset; FLAT and GLOBAL have the same opcodes" },
	[RP_RETARGET_FLAT_ADD] = { "flat-add", "flat-offset",
		"the offset is added to the address before the access and taken off behind it",
		"LLVM 19 SIInstrInfo::isLegalFLATOffset" },
	[RP_RETARGET_WAIT] = { "wait-all", NULL,
		"waits for lgkmcnt become 0 where a FLAT became GLOBAL, which does not count there",
		"\"RDNA 1.0\" ISA, Data Dependency Resolution" },
	[RP_RETARGET_CLAUSE] = { "clause", NULL,
		"s_nop 0: a clause that got another instruction, or mixes FLAT and GLOBAL",
		"\"RDNA 1.0\" ISA, s_clause; LLVM 19 AMDGPU.td nsa-clause-bug" },
	[RP_RETARGET_PREFETCH] = { "inst-prefetch", "inst-prefetch", "s_nop 0",
		"LLVM 19 AMDGPU.td inst-fwd-prefetch-bug" },
	[RP_RETARGET_NULL_SDST] = { "null-sdst", "null-sdst", "a scalar register that nobody reads",
		"LLVM 19 SIShrinkInstructions::tryReplaceDeadSDST" },
	[RP_RETARGET_DOT] = { "dot", "illegal-opcode",
		"two v_fma_mix_f32, or four products and sums of bytes",
		"LLVM 19 AMDGPU.td dot1-insts, dot5-insts, dot6-insts" },
	[RP_RETARGET_BRANCH_3F] = { "branch-3f", "branch-3f", "s_nop 0 behind it",
		"LLVM 19 AMDGPU.td offset-3f-bug; AMDGPUAsmBackend" },
	[RP_RETARGET_FAR_BRANCH] = { "far-branch", NULL,
		"s_getpc, two additions, s_setpc: a branch that does not reach any more",
		"LLVM 19 SIInstrInfo::insertIndirectBranch" },
	[RP_RETARGET_VMEM_TO_SCALAR] = { "vmem-to-scalar", "vmem-to-scalar",
		"s_waitcnt_depctr 0xffe3 before it",
		"LLVM 19 GCNHazardRecognizer.cpp fixVMEMtoScalarWriteHazards" },
	[RP_RETARGET_SMEM_TO_VECTOR] = { "smem-to-vector", "smem-to-vector",
		"s_mov_b32 null, 0 before it",
		"LLVM 19 GCNHazardRecognizer.cpp fixSMEMtoVectorWriteHazards" },
	[RP_RETARGET_VCMPX_EXEC_WAR] = { "vcmpx-exec-war", "vcmpx-exec-war",
		"s_waitcnt_depctr 0xfffe before it",
		"LLVM 19 GCNHazardRecognizer.cpp fixVcmpxExecWARHazard" },
	[RP_RETARGET_VCMPX_PERMLANE] = { "vcmpx-permlane", "vcmpx-permlane",
		"v_mov_b32 of its first source to itself before it",
		"LLVM 19 GCNHazardRecognizer.cpp fixVcmpxPermlaneHazards" },
	[RP_RETARGET_LDS_BRANCH_VMEM] = { "lds-branch-vmem", "lds-branch-vmem",
		"s_waitcnt_vscnt null, 0 before it",
		"LLVM 19 GCNHazardRecognizer.cpp fixLdsBranchVmemWARHazard" },
	[RP_RETARGET_NSA_TO_VMEM] = { "nsa-to-vmem", "nsa-to-vmem", "s_nop 0 before it",
		"LLVM 19 GCNHazardRecognizer.cpp checkNSAtoVMEMHazard" },
	[RP_RETARGET_PC_CONSTANT] = { "pc-constant", NULL,
		"the distance to the same instruction or datum as before",
		"LLVM 19 SI_PC_ADD_REL_OFFSET; Tensile KernelWriterAssembly" },
	[RP_RETARGET_CU_MODE] = { "cu-mode", "lds-wide", "the kernel runs in CU mode",
		"LLVM 19 AMDGPU.td lds-misaligned-bug" },
	[RP_RETARGET_MORE_VGPRS] = { "more-vgprs", NULL, "the kernel gets more VGPRs",
		"LLVM AMDGPUUsage, Kernel Descriptor, GRANULATED_WORKITEM_VGPR_COUNT" },
	[RP_RETARGET_TRAP] = { "trap", NULL, "s_trap 2: a function that cannot be fixed",
		"LLVM AMDGPUUsage, Trap Handler ABI" },
};

const struct rp_retarget_rule_info *rp_retarget_rule_info(unsigned int rule)
{
	return rule < RP_RETARGET_RULE_MAX ? &infos[rule] : NULL;
}

static bool has(const struct rp_rt *rt, enum rp_chip_feature feature)
{
	return rp_chip_has(rt->o->options->chip, feature);
}

/* As it is. */
static int keep(struct rp_rt *rt, uint32_t i, struct rp_error *err)
{
	struct rp_rt_item item = { .inst = rt->flow.insts[i].inst, .source = i };

	return rp_rt_push(&rt->items, &item, err);
}

/* The instruction with w[word] changed. */
static int keep_with(
	struct rp_rt *rt, uint32_t i, unsigned int word, uint32_t value, struct rp_error *err)
{
	const struct rp_isa_inst *inst = &rt->flow.insts[i].inst;
	uint32_t words[RP_ISA_MAX_WORDS];

	memcpy(words, inst->w, sizeof(words));
	words[word] = value;
	return rp_rt_put(rt, i, words, inst->bytes / 4u, err);
}

static int branch(struct rp_rt *rt, uint32_t i, struct rp_error *err)
{
	const struct rp_flow_inst *f = &rt->flow.insts[i];
	int64_t to = rp_isa_branch_target(&f->inst, f->off);
	struct rp_rt_item item = { .inst = f->inst, .source = i };

	if (f->inst.flags & RP_ISA_F_CALL) {
		item.fix = RP_RT_FIX_CALL;
		item.target = (uint32_t)(int32_t)to;
		return rp_rt_push(&rt->items, &item, err);
	}
	item.fix = RP_RT_FIX_BRANCH;
	item.target = rp_flow_at(&rt->flow, to);
	if (item.target == RP_FLOW_NONE)
		return rp_rt_refuse(rt, i, "branch to no instruction of this function");
	return rp_rt_push(&rt->items, &item, err);
}

/* s_waitcnt and s_waitcnt_lgkmcnt where a FLAT no longer counts in lgkmcnt. */
static int wait(struct rp_rt *rt, uint32_t i, struct rp_error *err)
{
	const struct rp_isa_inst *inst = &rt->flow.insts[i].inst;
	uint32_t w = inst->w[0];

	if (inst->encoding == RP_ISA_SOPP) {
		uint32_t lgkmcnt = w >> 8 & 0x3f;

		if (lgkmcnt == 0 || lgkmcnt == 63)
			return keep(rt, i, err);
		w &= ~UINT32_C(0x3f00);
	} else {
		if ((w & 0xffff) == 0 || (w & 0xffff) >= 63)
			return keep(rt, i, err);
		if ((w >> 16 & 0x7f) != RP_ISA_NULL)
			return rp_rt_refuse(rt, i, "waits for a number in a register");
		w &= ~UINT32_C(0xffff);
	}
	rt->counts[RP_RETARGET_WAIT]++;
	return keep_with(rt, i, 0, w, err);
}

static int salu(struct rp_rt *rt, uint32_t i, struct rp_error *err)
{
	const struct rp_isa_inst *inst = &rt->flow.insts[i].inst;

	if (inst->flags & RP_ISA_F_BRANCH)
		return branch(rt, i, err);
	if (inst->encoding == RP_ISA_SOPP && inst->opcode == RP_RT_SOPP_PREFETCH &&
		has(rt, RP_CHIP_INST_PREFETCH_HANG)) {
		rt->counts[RP_RETARGET_PREFETCH]++;
		return rp_rt_put1(rt, i, RP_RT_S_NOP, err);
	}
	if (rt->converts &&
		((inst->encoding == RP_ISA_SOPP && inst->opcode == RP_RT_SOPP_WAITCNT) ||
			(inst->encoding == RP_ISA_SOPK &&
				inst->opcode == RP_RT_SOPK_WAITCNT_LGKMCNT)))
		return wait(rt, i, err);
	if (inst->encoding == RP_ISA_SOPK && inst->opcode == RP_RT_SOPK_GETREG &&
		(inst->w[0] & 0x3f) == 29 && !has(rt, RP_CHIP_SHADER_CYCLES))
		return rp_rt_refuse(rt, i, "the card has no SHADER_CYCLES register");
	return keep(rt, i, err);
}

static bool writes_null(const struct rp_rt *rt, const struct rp_isa_inst *inst)
{
	struct rp_isa_operand op;

	for (unsigned int n = 0; n < rp_isa_row_of(inst)->n_operands; n++) {
		rp_isa_operand(&rt->flow.target, inst, n, &op);
		if (op.kind == RP_ISA_OP_SCALAR && op.reg == RP_ISA_NULL &&
			op.access & RP_ISA_OP_WRITE)
			return true;
	}
	return false;
}

/* Where a VALU instruction may have a scalar destination. */
static const struct place {
	uint8_t encoding, form, word, shift;
} places[] = {
	{ RP_ISA_VOP3, RP_ISA_FORM_NATIVE, 0, 8 }, /* VOP3B: carry */
	{ RP_ISA_VOP3, RP_ISA_FORM_NATIVE, 0, 0 }, /* v_cmp, v_readlane */
	{ RP_ISA_VOPC, RP_ISA_FORM_SDWA, 1, 8 },
	{ RP_ISA_VOP1, RP_ISA_FORM_NATIVE, 0, 17 }, /* v_readfirstlane */
};

static int null_sdst(struct rp_rt *rt, uint32_t i, struct rp_error *err)
{
	const struct rp_isa_inst *inst = &rt->flow.insts[i].inst;
	uint32_t reg = 0;
	int r = rp_rt_free_scalar(rt, i, false, true, NULL, &reg, err);

	if (r == RP_RT_REFUSED)
		return rp_rt_refuse(rt, i, "no free scalar register in place of null");
	if (r < 0)
		return r;
	for (size_t p = 0; p < RP_ARRAY_SIZE(places); p++) {
		const struct place *at = &places[p];
		struct rp_isa_inst changed = *inst;
		uint32_t *w = &changed.w[at->word];

		if (at->encoding != inst->encoding || at->form != inst->form ||
			(*w >> at->shift & 0x7f) != RP_ISA_NULL)
			continue;
		*w = (*w & ~(UINT32_C(0x7f) << at->shift)) | reg << at->shift;
		if (writes_null(rt, &changed))
			continue; /* it was the other field */
		rt->counts[RP_RETARGET_NULL_SDST]++;
		return keep_with(rt, i, at->word, *w, err);
	}
	return rp_rt_refuse(rt, i, "null destination in an unknown field");
}

static bool may_write_null(const struct rp_isa_inst *i)
{
	for (size_t p = 0; p < RP_ARRAY_SIZE(places); p++)
		if (places[p].encoding == i->encoding && places[p].form == i->form &&
			(i->w[places[p].word] >> places[p].shift & 0x7f) == RP_ISA_NULL)
			return true;
	return false;
}

static int memory(struct rp_rt *rt, uint32_t i, struct rp_error *err)
{
	const struct rp_isa_inst *inst = &rt->flow.insts[i].inst;
	uint32_t offset = inst->w[0] & 0xfff;
	uint8_t vgpr[13];

	if (inst->encoding == RP_ISA_FLAT && offset && has(rt, RP_CHIP_FLAT_OFFSET_IGNORED))
		return rp_rt_flat(rt, i, err);
	if (inst->encoding == RP_ISA_SCRATCH && offset & 0x800 && offset & 3 &&
		(inst->w[1] >> 16 & 0x7f) == RP_ISA_NULL &&
		has(rt, RP_CHIP_SCRATCH_NEGATIVE_OFFSET))
		return rp_rt_refuse(rt, i, "scratch access with a negative, unaligned offset");
	if (inst->encoding == RP_ISA_SCRATCH && (inst->w[1] >> 16 & 0x7f) == 127)
		return rp_rt_refuse(rt, i, "scratch access without any address register");
	if (inst->encoding == RP_ISA_MIMG && !has(rt, RP_CHIP_NSA_13) && rp_isa_nsa(inst, vgpr) > 5)
		return rp_rt_refuse(rt, i, "more than 5 separate address words");
	return keep(rt, i, err);
}

static int lift(struct rp_rt *rt, uint32_t i, struct rp_error *err)
{
	const struct rp_isa_inst *inst = &rt->flow.insts[i].inst;
	bool done = false;
	int r;

	if (!inst->row)
		return rp_rt_refuse(rt, i, "0x%08x", inst->w[0]);
	if (!(rp_isa_row_of(inst)->chips & rt->target.chip)) {
		r = rp_rt_dot(rt, i, &done, err);
		return done || r ? r
				 : rp_rt_refuse(rt, i,
					   "the card has no such instruction, and no "
					   "sequence for it is known here");
	}
	switch (inst->klass) {
	case RP_ISA_CLASS_SALU:
		return salu(rt, i, err);
	case RP_ISA_CLASS_VALU:
		if (has(rt, RP_CHIP_NO_NULL_SDST) && may_write_null(inst) && writes_null(rt, inst))
			return null_sdst(rt, i, err);
		return keep(rt, i, err);
	case RP_ISA_CLASS_FLAT:
	case RP_ISA_CLASS_VMEM:
		return memory(rt, i, err);
	default:
		return keep(rt, i, err);
	}
}

/* The two instructions of each pc constant that change with addresses. */
static int mark_constants(struct rp_rt *rt, struct rp_error *err)
{
	for (uint32_t p = 0; p < rt->flow.n_pcs; p++) {
		const struct rp_flow_pc *pc = &rt->flow.pcs[p];
		struct rp_rt_item *low, *high;

		(void)err;
		if (!pc->is_known)
			return rp_rt_refuse(rt, pc->getpc,
				"what is computed from the program counter is not known");
		low = &rt->items.v[rt->heads[pc->low]];
		high = &rt->items.v[rt->heads[pc->addc]];
		if (low->fix || high->fix || !low->inst.literal ||
			(low->inst.w[0] & 0xffff) == 0xffff)
			return rp_rt_refuse(rt, pc->low, "a pc constant of unknown form");
		low->fix = RP_RT_FIX_PC_LOW;
		high->fix = RP_RT_FIX_PC_HIGH;
		low->target = high->target = p;
		rt->counts[RP_RETARGET_PC_CONSTANT]++;
	}
	return 0;
}

int rp_rt_lift(struct rp_rt *rt, struct rp_error *err)
{
	int r = 0;

	if (rt->flow.n_insts >= rt->cap_heads &&
		rp_array_grow(&rt->heads, &rt->cap_heads, rt->flow.n_insts, sizeof(*rt->heads)) < 0)
		return RP_NOMEM(err);
	rt->items.n = 0;
	rt->converts = false;
	if (has(rt, RP_CHIP_FLAT_OFFSET_IGNORED) && !rt->scope->uses_apertures)
		for (uint32_t i = 0; i < rt->flow.n_insts && !rt->converts; i++)
			rt->converts = rt->flow.insts[i].inst.encoding == RP_ISA_FLAT &&
				       rt->flow.insts[i].inst.w[0] & 0xfff;
	for (uint32_t i = 0; r == 0 && i < rt->flow.n_insts; i++) {
		rt->heads[i] = (uint32_t)rt->items.n;
		r = lift(rt, i, err);
	}
	rt->heads[rt->flow.n_insts] = (uint32_t)rt->items.n;
	return r ? r : mark_constants(rt, err);
}
