/* SPDX-License-Identifier: MIT */
/*
 * The timing hazards of gfx10.1: two instructions that the hardware does not keep apart, so that
 * a compiler must. One instruction becomes facts (rp_hazard_facts), a path of instructions a state
 * (rp_hazard_step); lib/scan joins states over a control-flow graph, the virtual GPU steps
 * along the path that runs, lib/retarget inserts what clears them.
 *
 * Source of every rule: LLVM 19 GCNHazardRecognizer.cpp, the functions fixVMEMtoScalarWriteHazards,
 * fixSMEMtoVectorWriteHazards, fixVcmpxExecWARHazard, fixVcmpxPermlaneHazards,
 * fixLdsBranchVmemWARHazard, checkNSAtoVMEMHazard. LLVM looks back from an instruction along all
 * paths until one that clears the hazard; looked at from the front that is a gen-kill problem: an
 * instruction first clears, then arms.
 */
#ifndef RP_HAZARD_H
#define RP_HAZARD_H

#include "base/span.h"
#include "isa/isa.h"

enum rp_hazard {
	RP_HAZARD_VMEM_TO_SCALAR, /* SALU or SMEM writes a scalar register that VMEM, DS, FLAT still reads */
	RP_HAZARD_SMEM_TO_VECTOR, /* VALU writes an SGPR that SMEM still reads */
	RP_HAZARD_VCMPX_EXEC_WAR, /* v_cmpx after a non-VALU instruction that reads EXEC */
	RP_HAZARD_VCMPX_PERMLANE, /* v_permlane after v_cmpx */
	RP_HAZARD_LDS_BRANCH_VMEM, /* DS and VMEM on two sides of a branch */
	RP_HAZARD_NSA_TO_VMEM, /* buffer instruction directly after a long NSA image instruction */
	/*
	 * As VMEM_TO_SCALAR, for the EXEC that s_*_saveexec and s_*_wrexec write without naming it. ACO
	 * (Mesa) guards it, LLVM does not.
	 */
	RP_HAZARD_SAVEEXEC,
	RP_HAZARD_MAX
};

#define RP_HAZARD_BIT(h) (1u << (h))

/* What one instruction means for all hazards. */
struct rp_hazard_facts {
	struct rp_isa_sset read; /* scalar registers, implicit ones, too */
	struct rp_isa_sset write; /* explicit destinations only */
	uint32_t arms, clears, asks; /* internal: hazard.c */
};

/* The bits of rp_hazard_state.bits and of the open mask of a block. */
enum rp_hazard_part {
	RP_HAZARD_PART_VMEM = 1u << 0,
	RP_HAZARD_PART_SMEM = 1u << 1,
	RP_HAZARD_PART_EXEC = 1u << 2, /* a non-VALU instruction read EXEC */
	RP_HAZARD_PART_CMPX = 1u << 3,
	RP_HAZARD_PART_NSA = 1u << 4,
	RP_HAZARD_PART_LDS = 1u << 5, /* a DS instruction, no VMEM, no wait since */
	RP_HAZARD_PART_VM = 1u << 6,
	RP_HAZARD_PART_LDS_BRANCH = 1u << 7, /* ... and a branch after it */
	RP_HAZARD_PART_VM_BRANCH = 1u << 8,
	RP_HAZARD_PART_ALL = (1u << 9) - 1,
};

/* Zero: nothing in flight, as at the entry of a kernel. */
struct rp_hazard_state {
	struct rp_isa_sset vmem; /* registers that VMEM, DS, FLAT instructions may still read */
	struct rp_isa_sset smem; /* the same for SMEM */
	uint32_t bits; /* enum rp_hazard_part but VMEM and SMEM */
};

/* inst: RP_ISA_OK or RP_ISA_FOREIGN; anything else has no facts. */
void rp_hazard_facts(
	const struct rp_isa_target *t, const struct rp_isa_inst *inst, struct rp_hazard_facts *ret);

/* Hazards (RP_HAZARD_BIT) that an instruction with these facts meets in this state. */
uint32_t rp_hazard_met(const struct rp_hazard_state *state, const struct rp_hazard_facts *facts);

/* The same, were all parts in open armed with every register: what could be met at best. */
uint32_t rp_hazard_possible(uint32_t open, const struct rp_hazard_facts *facts);

/* The state behind the instruction. open (may be NULL) loses the parts that it cleared. */
void rp_hazard_step(
	struct rp_hazard_state *state, const struct rp_hazard_facts *facts, uint32_t *open);

/*
 * True for a VALU instruction that writes no scalar register and of which no rule speaks by
 * name: most of all code, and rp_hazard_step_plain does the same as facts and step.
 */
static inline bool rp_hazard_is_plain(const struct rp_isa_inst *i)
{
	if (i->klass != RP_ISA_CLASS_VALU || rp_isa_row_of(i)->writes_scalar)
		return false;
	/* v_permlane(x)16; v_nop */
	return !(i->encoding == RP_ISA_VOP3 && (i->opcode | 15) == 0x37f) &&
	       !(i->encoding <= RP_ISA_VOP3 && (i->opcode & 0x7f) == 0);
}

static inline void rp_hazard_step_plain(struct rp_hazard_state *state, uint32_t *open)
{
	const uint32_t clears = RP_HAZARD_PART_VMEM | RP_HAZARD_PART_CMPX | RP_HAZARD_PART_NSA;

	state->vmem = (struct rp_isa_sset){ { 0, 0 } };
	state->bits &= ~clears;
	*open &= ~clears;
}

/* Adds everything of other to state: two paths meet. Returns whether state changed. */
bool rp_hazard_join(struct rp_hazard_state *state, const struct rp_hazard_state *other);

/* Forgets all parts of state that are not in open. */
void rp_hazard_restrict(struct rp_hazard_state *state, uint32_t open);

/*
 * A path through a whole block: behind it is what the block leaves armed
 * (local) and what came in and was open to its end. open_at_branch: what was open before the branch
 * that ends the block; 0: it ends without one.
 */
struct rp_hazard_state rp_hazard_through(const struct rp_hazard_state *in,
	const struct rp_hazard_state *local, uint32_t open, uint32_t open_at_branch);

/* True for facts of a branch (LLVM's isBranch: s_setpc_b64, too). */
bool rp_hazard_is_branch(const struct rp_hazard_facts *facts);

/* "vmem-to-scalar", ...; NULL: no such hazard. */
const char *rp_hazard_name(unsigned int hazard);

#endif
