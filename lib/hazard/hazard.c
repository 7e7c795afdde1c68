/* SPDX-License-Identifier: MIT */
/* The rules of hazard.h; the function of LLVM that a rule follows is named at it. */
#include "hazard/hazard.h"

/* Further bits of the masks in rp_hazard_facts, beside enum rp_hazard_part. */
#define ASK_SAVEEXEC (1u << 16) /* writes EXEC without naming it */
#define ARM_BRANCH   (1u << 17)
#define LDS_PARTS    (RP_HAZARD_PART_LDS | RP_HAZARD_PART_LDS_BRANCH)
#define VM_PARTS     (RP_HAZARD_PART_VM | RP_HAZARD_PART_VM_BRANCH)
#define BRANCH_PARTS (RP_HAZARD_PART_LDS_BRANCH | RP_HAZARD_PART_VM_BRANCH)

enum { /* opcodes, the same on all gfx10 */
	SOPP_WAITCNT = 0x0c,
	SOPP_WAITCNT_DEPCTR = 0x23,
	SOPK_VERSION = 0x01,
	SOPK_WAITCNT_VSCNT = 0x17,
	SOPK_WAITCNT_VMCNT = 0x18,
	SOPK_WAITCNT_EXPCNT = 0x19,
	SOPK_WAITCNT_LGKMCNT = 0x1a,
	VOP1_NOP = 0x00,
	VOP3_NOP = 0x180,
	VOP3_PERMLANE16 = 0x377,
	VOP3_PERMLANEX16 = 0x378,
};

/* s_waitcnt_*: counter register field null and nothing may be outstanding. */
static bool waits_for_zero(const struct rp_isa_inst *i)
{
	return (i->w[0] >> 16 & 0x7f) == RP_ISA_NULL && (i->w[0] & 0xffff) == 0;
}

/* fixSMEMtoVectorWriteHazards: which SALU instructions clear it. */
static bool salu_clears_smem(const struct rp_isa_inst *i)
{
	if (i->encoding == RP_ISA_SOPP)
		return i->opcode == SOPP_WAITCNT && (i->w[0] >> 8 & 0x3f) == 0;
	if (i->encoding != RP_ISA_SOPK)
		return true;
	switch (i->opcode) {
	case SOPK_VERSION:
	case SOPK_WAITCNT_VSCNT:
	case SOPK_WAITCNT_VMCNT:
	case SOPK_WAITCNT_EXPCNT:
		return false;
	case SOPK_WAITCNT_LGKMCNT:
		return waits_for_zero(i);
	default:
		return true;
	}
}

static bool reads_exec(const struct rp_hazard_facts *f)
{
	return rp_isa_sset_has(&f->read, RP_ISA_EXEC_LO) ||
	       rp_isa_sset_has(&f->read, RP_ISA_EXEC_HI);
}

static void salu_facts(const struct rp_isa_inst *i, struct rp_hazard_facts *f)
{
	f->asks = RP_HAZARD_PART_VMEM;
	if (i->flags & RP_ISA_F_WEXEC)
		f->asks |= ASK_SAVEEXEC;
	if (salu_clears_smem(i))
		f->clears |= RP_HAZARD_PART_SMEM;
	if (reads_exec(f))
		f->arms |= RP_HAZARD_PART_EXEC;
	if ((i->flags & (RP_ISA_F_BRANCH | RP_ISA_F_CALL)) == RP_ISA_F_BRANCH ||
		(i->flags & (RP_ISA_F_JUMP | RP_ISA_F_END)) == RP_ISA_F_JUMP)
		f->arms |= ARM_BRANCH;
	if (i->encoding == RP_ISA_SOPP && i->opcode == SOPP_WAITCNT && !(i->w[0] & 0xffff))
		f->clears |= RP_HAZARD_PART_VMEM;
	if (i->encoding == RP_ISA_SOPP && i->opcode == SOPP_WAITCNT_DEPCTR) {
		if ((i->w[0] >> 2 & 7) == 0) /* vm_vsrc */
			f->clears |= RP_HAZARD_PART_VMEM;
		if ((i->w[0] & 1) == 0) /* sa_sdst */
			f->clears |= RP_HAZARD_PART_EXEC;
	}
	if (i->encoding == RP_ISA_SOPK && i->opcode == SOPK_WAITCNT_VSCNT && waits_for_zero(i))
		f->clears |= LDS_PARTS | VM_PARTS;
}

static void valu_facts(const struct rp_isa_inst *i, bool writes_scalar, struct rp_hazard_facts *f)
{
	bool nop = (i->encoding == RP_ISA_VOP1 && i->opcode == VOP1_NOP) ||
		   (i->encoding == RP_ISA_VOP3 && i->opcode == VOP3_NOP);

	f->clears = RP_HAZARD_PART_VMEM;
	if (writes_scalar) {
		f->asks = RP_HAZARD_PART_SMEM;
		f->clears |= RP_HAZARD_PART_EXEC;
	}
	if (!nop)
		f->clears |= RP_HAZARD_PART_CMPX;
	if (i->flags & RP_ISA_F_CMPX) {
		f->asks |= RP_HAZARD_PART_EXEC;
		f->arms |= RP_HAZARD_PART_CMPX;
	}
	if (i->encoding == RP_ISA_VOP3 &&
		(i->opcode == VOP3_PERMLANE16 || i->opcode == VOP3_PERMLANEX16))
		f->asks |= RP_HAZARD_PART_CMPX;
}

/*
 * fixLdsBranchVmemWARHazard. Type 1 is DS, type 2 buffer, image and segment-specific FLAT. An
 * instruction of a type ends every search for the branch and that for the other type.
 */
static void lds_branch_facts(const struct rp_isa_inst *i, struct rp_hazard_facts *f)
{
	if (i->klass == RP_ISA_CLASS_DS) {
		f->arms |= RP_HAZARD_PART_LDS;
		f->clears |= RP_HAZARD_PART_VM | BRANCH_PARTS;
		f->asks |= RP_HAZARD_PART_VM_BRANCH;
	} else if (i->klass == RP_ISA_CLASS_VMEM || i->encoding == RP_ISA_GLOBAL ||
		   i->encoding == RP_ISA_SCRATCH) {
		f->arms |= RP_HAZARD_PART_VM;
		f->clears |= RP_HAZARD_PART_LDS | BRANCH_PARTS;
		f->asks |= RP_HAZARD_PART_LDS_BRANCH;
	}
}

static void memory_facts(const struct rp_isa_inst *i, struct rp_hazard_facts *f)
{
	f->arms = RP_HAZARD_PART_VMEM;
	if (reads_exec(f))
		f->arms |= RP_HAZARD_PART_EXEC;
	lds_branch_facts(i, f);
	/* checkNSAtoVMEMHazard: 16 bytes and more; offset bits 1 and 2 */
	if (i->encoding == RP_ISA_MIMG && (i->w[0] >> 1 & 3) != 0 && i->bytes >= 16)
		f->arms |= RP_HAZARD_PART_NSA;
	if ((i->encoding == RP_ISA_MUBUF || i->encoding == RP_ISA_MTBUF) && i->w[0] & 6)
		f->asks |= RP_HAZARD_PART_NSA;
}

void rp_hazard_facts(
	const struct rp_isa_target *t, const struct rp_isa_inst *inst, struct rp_hazard_facts *ret)
{
	struct rp_isa_regs regs;

	if (inst->klass == RP_ISA_CLASS_VALU && !rp_isa_row_of(inst)->writes_scalar) {
		/* most of all code; what it reads does not matter */
		*ret = (struct rp_hazard_facts){ 0 };
		valu_facts(inst, false, ret);
		ret->clears |= RP_HAZARD_PART_NSA;
		return;
	}
	rp_isa_scalar_regs(t, inst, &regs);
	ret->read = rp_isa_sset_or(regs.read, regs.read_implicit);
	ret->write = regs.write;
	ret->arms = ret->clears = ret->asks = 0;
	switch (inst->klass) {
	case RP_ISA_CLASS_SALU:
		salu_facts(inst, ret);
		break;
	case RP_ISA_CLASS_SMEM:
		ret->arms = RP_HAZARD_PART_SMEM;
		if (reads_exec(ret))
			ret->arms |= RP_HAZARD_PART_EXEC;
		ret->asks = RP_HAZARD_PART_VMEM;
		break;
	case RP_ISA_CLASS_VALU: {
		struct rp_isa_sset all = rp_isa_sset_or(regs.write, regs.write_implicit);

		valu_facts(inst, !rp_isa_sset_empty(&all), ret);
		break;
	}
	case RP_ISA_CLASS_DS:
	case RP_ISA_CLASS_FLAT:
	case RP_ISA_CLASS_VMEM:
		memory_facts(inst, ret);
		break;
	case RP_ISA_CLASS_EXP:
		if (reads_exec(ret))
			ret->arms = RP_HAZARD_PART_EXEC;
		break;
	default:
		break;
	}
	ret->clears |= RP_HAZARD_PART_NSA; /* one instruction of distance is enough */
}

static uint32_t met_bits(uint32_t armed, const struct rp_hazard_facts *f)
{
	uint32_t met = 0, hit = armed & f->asks;

	if (!hit)
		return 0;
	if (hit & RP_HAZARD_PART_EXEC)
		met |= RP_HAZARD_BIT(RP_HAZARD_VCMPX_EXEC_WAR);
	if (hit & RP_HAZARD_PART_CMPX)
		met |= RP_HAZARD_BIT(RP_HAZARD_VCMPX_PERMLANE);
	if (hit & BRANCH_PARTS)
		met |= RP_HAZARD_BIT(RP_HAZARD_LDS_BRANCH_VMEM);
	if (hit & RP_HAZARD_PART_NSA)
		met |= RP_HAZARD_BIT(RP_HAZARD_NSA_TO_VMEM);
	return met;
}

uint32_t rp_hazard_met(const struct rp_hazard_state *state, const struct rp_hazard_facts *f)
{
	uint32_t met = met_bits(state->bits, f);

	if (f->asks & RP_HAZARD_PART_VMEM && rp_isa_sset_meets(&state->vmem, &f->write))
		met |= RP_HAZARD_BIT(RP_HAZARD_VMEM_TO_SCALAR);
	if (f->asks & RP_HAZARD_PART_SMEM && rp_isa_sset_meets(&state->smem, &f->write))
		met |= RP_HAZARD_BIT(RP_HAZARD_SMEM_TO_VECTOR);
	/* every VMEM, DS and FLAT instruction reads EXEC */
	if (f->asks & ASK_SAVEEXEC && rp_isa_sset_has(&state->vmem, RP_ISA_EXEC_LO))
		met |= RP_HAZARD_BIT(RP_HAZARD_SAVEEXEC);
	return met;
}

uint32_t rp_hazard_possible(uint32_t open, const struct rp_hazard_facts *f)
{
	uint32_t met = met_bits(open, f), hit = open & f->asks;
	bool writes = !rp_isa_sset_empty(&f->write);

	if (hit & RP_HAZARD_PART_VMEM && writes)
		met |= RP_HAZARD_BIT(RP_HAZARD_VMEM_TO_SCALAR);
	if (hit & RP_HAZARD_PART_SMEM && writes)
		met |= RP_HAZARD_BIT(RP_HAZARD_SMEM_TO_VECTOR);
	if (f->asks & ASK_SAVEEXEC && open & RP_HAZARD_PART_VMEM)
		met |= RP_HAZARD_BIT(RP_HAZARD_SAVEEXEC);
	return met;
}

/* A branch passes on which of the two types came before it. */
static uint32_t behind_branch(uint32_t before)
{
	return (before & RP_HAZARD_PART_LDS ? RP_HAZARD_PART_LDS_BRANCH : 0) |
	       (before & RP_HAZARD_PART_VM ? RP_HAZARD_PART_VM_BRANCH : 0);
}

void rp_hazard_step(struct rp_hazard_state *state, const struct rp_hazard_facts *f, uint32_t *open)
{
	uint32_t before = state->bits;

	state->bits = (before & ~f->clears) | (f->arms & RP_HAZARD_PART_ALL);
	if (f->arms & ARM_BRANCH)
		state->bits |= behind_branch(before);
	if (f->clears & RP_HAZARD_PART_VMEM)
		state->vmem = (struct rp_isa_sset){ { 0, 0 } };
	if (f->clears & RP_HAZARD_PART_SMEM)
		state->smem = (struct rp_isa_sset){ { 0, 0 } };
	if (f->arms & RP_HAZARD_PART_VMEM)
		state->vmem = rp_isa_sset_or(state->vmem, f->read);
	if (f->arms & RP_HAZARD_PART_SMEM)
		state->smem = rp_isa_sset_or(state->smem, f->read);
	state->bits &= ~(uint32_t)(RP_HAZARD_PART_VMEM | RP_HAZARD_PART_SMEM);
	if (open)
		*open &= ~f->clears;
}

bool rp_hazard_join(struct rp_hazard_state *state, const struct rp_hazard_state *other)
{
	struct rp_isa_sset vmem = rp_isa_sset_or(state->vmem, other->vmem);
	struct rp_isa_sset smem = rp_isa_sset_or(state->smem, other->smem);
	uint32_t bits = state->bits | other->bits;
	bool changed = ((vmem.b[0] ^ state->vmem.b[0]) | (vmem.b[1] ^ state->vmem.b[1]) |
			       (smem.b[0] ^ state->smem.b[0]) | (smem.b[1] ^ state->smem.b[1]) |
			       (bits ^ state->bits)) != 0;

	state->vmem = vmem;
	state->smem = smem;
	state->bits = bits;
	return changed;
}

void rp_hazard_restrict(struct rp_hazard_state *state, uint32_t open)
{
	if (!(open & RP_HAZARD_PART_VMEM))
		state->vmem = (struct rp_isa_sset){ { 0, 0 } };
	if (!(open & RP_HAZARD_PART_SMEM))
		state->smem = (struct rp_isa_sset){ { 0, 0 } };
	state->bits &= open;
}

struct rp_hazard_state rp_hazard_through(const struct rp_hazard_state *in,
	const struct rp_hazard_state *local, uint32_t open, uint32_t open_at_branch)
{
	struct rp_hazard_state out = *local;

	out.bits |= (in->bits & open) | behind_branch(in->bits & open_at_branch);
	if (open & RP_HAZARD_PART_VMEM)
		out.vmem = rp_isa_sset_or(out.vmem, in->vmem);
	if (open & RP_HAZARD_PART_SMEM)
		out.smem = rp_isa_sset_or(out.smem, in->smem);
	return out;
}

bool rp_hazard_is_branch(const struct rp_hazard_facts *facts)
{
	return (facts->arms & ARM_BRANCH) != 0;
}

const char *rp_hazard_name(unsigned int hazard)
{
	static const char *const names[RP_HAZARD_MAX] = {
		[RP_HAZARD_VMEM_TO_SCALAR] = "vmem-to-scalar",
		[RP_HAZARD_SMEM_TO_VECTOR] = "smem-to-vector",
		[RP_HAZARD_VCMPX_EXEC_WAR] = "vcmpx-exec-war",
		[RP_HAZARD_VCMPX_PERMLANE] = "vcmpx-permlane",
		[RP_HAZARD_LDS_BRANCH_VMEM] = "lds-branch-vmem",
		[RP_HAZARD_NSA_TO_VMEM] = "nsa-to-vmem",
		[RP_HAZARD_SAVEEXEC] = "saveexec-exec",
	};

	return hazard < RP_HAZARD_MAX ? names[hazard] : NULL;
}
