/* SPDX-License-Identifier: MIT */
/*
 * The table of classes. Whether a card has a defect is the table of chips' business
 * (data/chips/features.tsv); here is what a finding means and what a compiler does about it.
 */
#include "scan/internal.h"

#define NO_FEATURE (-1)

struct class_row {
	struct rp_scan_class_info info;
	int feature; /* enum rp_chip_feature; NO_FEATURE: on every card */
	bool if_absent; /* found on cards that lack the feature */
	int hazard; /* enum rp_hazard, or -1 */
};

#define RECOGNIZER "LLVM 19 GCNHazardRecognizer.cpp "

static const struct class_row rows[RP_SCAN_CLASS_MAX] = {
	[RP_SCAN_ILLEGAL] = { { "illegal-opcode", RP_SCAN_FAULT,
				      "The card has no such instruction: the wave stops with an "
				      "illegal-instruction exception.",
				      "every opcode of every encoding through LLVM 19.1.7 for each "
				      "chip (data/isa/gfx10.tsv)",
				      "another instruction sequence: v_fma_mix_f32 for v_dot2, "
				      "multiplications of bytes for v_dot4",
				      false },
		NO_FEATURE, false, -1 },
	[RP_SCAN_PREFETCH] = { { "inst-prefetch", RP_SCAN_FAULT,
				       "s_inst_prefetch can hang the shader. How often is not "
				       "documented.",
				       "LLVM 19 AMDGPU.td inst-fwd-prefetch-bug; "
				       "SITargetLowering::getPrefLoopAlignment",
				       "nothing: s_inst_prefetch is not emitted; s_nop in its "
				       "place",
				       false },
		RP_CHIP_INST_PREFETCH_HANG, false, -1 },
	[RP_SCAN_BRANCH_3F] = { { "branch-3f", RP_SCAN_FAULT,
					"A branch whose 16-bit offset is 0x3f jumps to the wrong "
					"place.",
					"LLVM 19 AMDGPU.td offset-3f-bug; AMDGPUAsmBackend",
					"s_nop behind the branch, so that the offset is 0x40",
					false },
		RP_CHIP_BRANCH_3F, false, -1 },
	[RP_SCAN_SMEM_TO_VECTOR] = { { "smem-to-vector", RP_SCAN_FAULT,
					     "A VALU instruction writes an SGPR that an earlier "
					     "scalar memory instruction still reads as "
					     "address: it may load from anywhere.",
					     RECOGNIZER "fixSMEMtoVectorWriteHazards",
					     "s_mov_b32 null, 0 before it", false },
		RP_CHIP_HAZARD_SMEM_TO_VECTOR, false, RP_HAZARD_SMEM_TO_VECTOR },
	[RP_SCAN_NSA_LENGTH] = { { "nsa-length", RP_SCAN_FAULT,
					 "An image instruction has more address words than the "
					 "card can take (5).",
					 "LLVM 19 AMDGPU.td nsa-max-size-5",
					 "the addresses in consecutive registers", false },
		RP_CHIP_NSA_13, true, -1 },
	[RP_SCAN_OTHER_INSTRUCTION] = { { "other-instruction", RP_SCAN_WRONG,
						"The same bits are another instruction on the card "
						"(v_mac_legacy_f32 for v_fmac_legacy_f32): no "
						"exception, another result.",
						"every opcode of every encoding through LLVM "
						"19.1.7 for each chip (data/isa/gfx10.tsv)",
						"another instruction sequence", false },
		NO_FEATURE, false, -1 },
	[RP_SCAN_FLAT_OFFSET] = { { "flat-offset", RP_SCAN_WRONG,
					  "The offset of a FLAT instruction is ignored when the "
					  "address is in global memory: it reads or "
					  "writes the wrong place, silently or with a fault.",
					  "LLVM 19 AMDGPU.td flat-segment-offset-bug; "
					  "SIInstrInfo::isLegalFLATOffset",
					  "a 64-bit addition before a FLAT instruction without "
					  "offset, or a GLOBAL instruction",
					  false },
		RP_CHIP_FLAT_OFFSET_IGNORED, false, -1 },
	[RP_SCAN_VMEM_TO_SCALAR] = { { "vmem-to-scalar", RP_SCAN_WRONG,
					     "A scalar instruction writes a register that an "
					     "earlier memory instruction has not read yet.",
					     RECOGNIZER "fixVMEMtoScalarWriteHazards",
					     "s_waitcnt_depctr 0xffe3 before it", false },
		RP_CHIP_HAZARD_VMEM_TO_SCALAR, false, RP_HAZARD_VMEM_TO_SCALAR },
	[RP_SCAN_VCMPX_EXEC_WAR] = { { "vcmpx-exec-war", RP_SCAN_WRONG,
					     "v_cmpx writes EXEC while an earlier instruction that "
					     "is no VALU instruction still reads it.",
					     RECOGNIZER "fixVcmpxExecWARHazard",
					     "s_waitcnt_depctr 0xfffe before it", false },
		RP_CHIP_HAZARD_VCMPX_EXEC_WAR, false, RP_HAZARD_VCMPX_EXEC_WAR },
	[RP_SCAN_VCMPX_PERMLANE] = { { "vcmpx-permlane", RP_SCAN_WRONG,
					     "v_permlane follows v_cmpx without a VALU instruction "
					     "between.",
					     RECOGNIZER "fixVcmpxPermlaneHazards",
					     "v_mov_b32 of a register to itself before it", false },
		RP_CHIP_HAZARD_VCMPX_PERMLANE, false, RP_HAZARD_VCMPX_PERMLANE },
	[RP_SCAN_LDS_BRANCH_VMEM] = { { "lds-branch-vmem", RP_SCAN_WRONG,
					      "LDS and vector memory instructions stand on two "
					      "sides of a branch: a VGPR can be overwritten "
					      "before it was read.",
					      RECOGNIZER "fixLdsBranchVmemWARHazard",
					      "s_waitcnt_vscnt null, 0 between them", false },
		RP_CHIP_HAZARD_LDS_BRANCH_VMEM, false, RP_HAZARD_LDS_BRANCH_VMEM },
	[RP_SCAN_NSA_TO_VMEM] = { { "nsa-to-vmem", RP_SCAN_WRONG,
					  "A buffer instruction with offset bit 1 or 2 directly "
					  "follows an image instruction with a long "
					  "NSA address.",
					  RECOGNIZER "checkNSAtoVMEMHazard", "s_nop between them",
					  false },
		RP_CHIP_HAZARD_NSA_TO_VMEM, false, RP_HAZARD_NSA_TO_VMEM },
	[RP_SCAN_NSA_CLAUSE] = { { "nsa-clause", RP_SCAN_WRONG,
					 "An image instruction with an NSA address stands in an "
					 "s_clause: not predictable.",
					 "LLVM 19 AMDGPU.td nsa-clause-bug; SIInsertHardClauses",
					 "no s_clause around it", false },
		RP_CHIP_NSA_CLAUSE, false, -1 },
	[RP_SCAN_SCRATCH_OFFSET] = { { "scratch-offset", RP_SCAN_WRONG,
					     "A scratch instruction with a VGPR address and a "
					     "negative offset that is no multiple of 4 uses a "
					     "wrong address.",
					     "LLVM 19 AMDGPU.td "
					     "negative-unaligned-scratch-offset-bug; "
					     "SIInstrInfo::isLegalFLATOffset",
					     "an addition before it", false },
		RP_CHIP_SCRATCH_NEGATIVE_OFFSET, false, -1 },
	[RP_SCAN_LDS_MISALIGNED] = { { "lds-misaligned", RP_SCAN_WRONG,
					     "A wide LDS access in WGP mode whose own offset is "
					     "not aligned: wrong data, if its address is "
					     "aligned.",
					     "LLVM 19 AMDGPU.td lds-misaligned-bug; "
					     "SITargetLowering::allowsMisalignedMemoryAccessesImpl",
					     "narrower accesses, or CU mode", false },
		RP_CHIP_LDS_MISALIGNED_WGP, false, -1 },
	[RP_SCAN_LDS_WIDE] = { { "lds-wide", RP_SCAN_UNKNOWN,
				       "A wide LDS access (8, 12 or 16 bytes) in WGP mode: wrong "
				       "data if its address is not naturally "
				       "aligned, which the code alone does not tell. Rare: 115 of "
				       "58,750 kernels of Debian's libraries "
				       "have fewer of them when compiled for gfx1010.",
				       "LLVM 19 AMDGPU.td lds-misaligned-bug; "
				       "SITargetLowering::allowsMisalignedMemoryAccessesImpl",
				       "narrower accesses, or CU mode", false },
		RP_CHIP_LDS_MISALIGNED_WGP, false, -1 },
	[RP_SCAN_NULL_SDST] = { { "null-sdst", RP_SCAN_UNKNOWN,
					"A VALU instruction with the null register as scalar "
					"destination: LLVM makes it for gfx10.3 and "
					"later only; the reason is not documented.",
					"LLVM 19 SIShrinkInstructions::tryReplaceDeadSDST",
					"an SGPR that nobody reads", false },
		RP_CHIP_NO_NULL_SDST, false, -1 },
	[RP_SCAN_SHADER_CYCLES] = { { "shader-cycles", RP_SCAN_UNKNOWN,
					    "s_getreg_b32 of the hardware register SHADER_CYCLES, "
					    "which the card does not have.",
					    "LLVM 19 AMDGPU.td shader-cycles-register", "s_memtime",
					    false },
		RP_CHIP_SHADER_CYCLES, true, -1 },
	[RP_SCAN_UNDECODABLE] = { { "undecodable", RP_SCAN_UNKNOWN,
					  "A word in a function that is no gfx10 instruction: "
					  "data, or code this tool does not know.",
					  "data/isa/gfx10.tsv", "-", false },
		NO_FEATURE, false, -1 },
	[RP_SCAN_SAVEEXEC] = { { "saveexec-exec", RP_SCAN_WRONG,
				       "As vmem-to-scalar, for the EXEC that s_and_saveexec and "
				       "its like write without naming it. Mesa's "
				       "compiler guards it, LLVM does not; so code that LLVM made "
				       "for the card has it, too.",
				       "Mesa ACO insert_NOPs (README-ISA, "
				       "\"VMEMtoScalarWriteHazard\")",
				       "s_waitcnt_depctr 0xffe3 before it", true },
		RP_CHIP_HAZARD_VMEM_TO_SCALAR, false, RP_HAZARD_SAVEEXEC },
};

const struct rp_scan_class_info *rp_scan_class_info(unsigned int class)
{
	return class < RP_SCAN_CLASS_MAX ? &rows[class].info : NULL;
}

int rp_scan_class_by_name(struct rp_span name)
{
	for (int c = 0; c < RP_SCAN_CLASS_MAX; c++)
		if (rp_span_eq_str(name, rows[c].info.name))
			return c;
	return -1;
}

const char *rp_scan_severity_name(enum rp_scan_severity severity)
{
	switch (severity) {
	case RP_SCAN_FAULT:
		return "faults or hangs";
	case RP_SCAN_WRONG:
		return "wrong data";
	default:
		return "cannot tell";
	}
}

uint32_t rp_scan_classes_of(enum rp_scan_severity severity)
{
	uint32_t set = 0;

	for (unsigned int c = 0; c < RP_SCAN_CLASS_MAX; c++)
		if (rows[c].info.severity == severity)
			set |= RP_SCAN_BIT(c);
	return set;
}

uint32_t rp_scan_classes_for(const struct rp_chip *chip, bool strict)
{
	uint32_t set = 0;

	for (unsigned int c = 0; c < RP_SCAN_CLASS_MAX; c++) {
		if (rows[c].feature != NO_FEATURE &&
			rp_chip_has(chip, (enum rp_chip_feature)rows[c].feature) ==
				rows[c].if_absent)
			continue;
		if (!rows[c].info.strict || strict)
			set |= RP_SCAN_BIT(c);
	}
	return set;
}

enum rp_scan_class rp_scan_class_of_hazard(unsigned int hazard)
{
	for (unsigned int c = 0; c < RP_SCAN_CLASS_MAX; c++)
		if (rows[c].hazard == (int)hazard)
			return (enum rp_scan_class)c;
	return RP_SCAN_CLASS_MAX;
}
