/* SPDX-License-Identifier: MIT */
/*
 * Timing hazards on the executed path. An instruction here never overlaps another one, so a
 * hazard has no effect by itself: this follows the rules by which LLVM decides where to put its
 * mitigations (GCNHazardRecognizer.cpp, fixVMEMtoScalarWriteHazards, fixSMEMtoVectorWriteHazards,
 * fixVcmpxExecWARHazard, fixVcmpxPermlaneHazards, fixLdsBranchVmemWARHazard), forwards along one
 * path instead of backwards along all, and counts the places where a mitigation is missing.
 *
 * HAZARDS_CORRUPT changes the register that the hazard endangers after the instruction; what
 * hardware would make of it is not known.
 */
#include "vgpu/exec/internal.h"

#include <string.h>

struct hazard_state {
	struct rp_isa_sset vmem_reads, smem_reads;
	bool exec_read, cmpx; /* since the last instruction that ends the hazard */
	bool armed[3], pending[3]; /* by type: 1 LDS, 2 vector memory */
	uint64_t random;
	int corrupt; /* scalar register to change before the next instruction; -1: none */
	int corrupt_vgpr;
};

size_t rp_exec_hazard_bytes(void)
{
	return sizeof(struct hazard_state);
}

void rp_exec_hazard_reset(struct wave *w)
{
	struct hazard_state *h = w->hazard;

	memset(h, 0, sizeof(*h));
	h->corrupt = h->corrupt_vgpr = -1;
	/* every wave its own sequence, the same in every run */
	h->random = w->t->x->config.seed + 1 +
		    ((uint64_t)w->g->id[0] << 32 | w->g->id[1] << 16 | w->index) *
			    UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t random32(struct hazard_state *h)
{
	h->random ^= h->random << 13;
	h->random ^= h->random >> 7;
	h->random ^= h->random << 17;
	return (uint32_t)(h->random >> 16) | 1;
}

static void seen(
	struct wave *w, const struct pinst *p, enum rp_exec_hazard hazard, unsigned int reg)
{
	static const enum rp_chip_feature features[RP_EXEC_HAZARD_MAX] = {
		RP_CHIP_HAZARD_VMEM_TO_SCALAR, RP_CHIP_HAZARD_SMEM_TO_VECTOR,
		RP_CHIP_HAZARD_VCMPX_EXEC_WAR, RP_CHIP_HAZARD_VCMPX_PERMLANE,
		RP_CHIP_HAZARD_LDS_BRANCH_VMEM
	};
	struct worker *t = w->t;
	uint64_t pc = pc_of(w, p);

	if (!defect(w, features[hazard]))
		return;
	t->hazards[hazard]++;
	if (t->x->config.hazards == RP_EXEC_HAZARDS_CORRUPT) {
		if (hazard == RP_EXEC_HAZARD_LDS_BRANCH_VMEM)
			w->hazard->corrupt_vgpr = (int)reg;
		else
			w->hazard->corrupt = (int)reg;
	}
	for (uint32_t i = 0; i < t->n_sites; i++)
		if (t->sites[i].pc == pc && t->sites[i].hazard == hazard)
			return;
	if (t->n_sites < RP_EXEC_MAX_HAZARD_SITES)
		t->sites[t->n_sites++] = (struct rp_exec_hazard_site){
			.hazard = (uint8_t)hazard, .reg = (uint8_t)reg, .pc = pc
		};
}

static unsigned int first_common(const struct rp_isa_sset *a, const struct rp_isa_sset *b)
{
	for (unsigned int i = 0; i < 2; i++)
		if (a->b[i] & b->b[i])
			return 64 * i + (unsigned int)__builtin_ctzll(a->b[i] & b->b[i]);
	return 0;
}

static void add(struct rp_isa_sset *s, const struct rp_isa_sset *b)
{
	s->b[0] |= b->b[0];
	s->b[1] |= b->b[1];
}

static const struct rp_isa_sset empty;

/* Is it s_waitcnt_<name> null, 0? */
static bool waits_for(const struct rp_isa_inst *inst, unsigned int opcode)
{
	return inst->encoding == RP_ISA_SOPK && inst->opcode == opcode &&
	       (inst->w[0] >> 16 & 0x7f) == RP_ISA_NULL && (inst->w[0] & 0xffff) == 0;
}

static void scalar_hazards(struct wave *w, const struct pinst *p, const struct rp_isa_inst *inst,
	const struct rp_isa_regs *r)
{
	struct hazard_state *h = w->hazard;
	bool waitcnt = inst->encoding == RP_ISA_SOPP && inst->opcode == 0x0c,
	     depctr = inst->encoding == RP_ISA_SOPP && inst->opcode == 0x23;

	if ((inst->klass == RP_ISA_CLASS_SALU || inst->klass == RP_ISA_CLASS_SMEM) &&
		rp_isa_sset_meets(&r->write, &h->vmem_reads))
		seen(w, p, RP_EXEC_HAZARD_VMEM_TO_SCALAR, first_common(&r->write, &h->vmem_reads));
	if (inst->klass == RP_ISA_CLASS_VALU) {
		struct rp_isa_sset d = r->write;

		add(&d, &r->write_implicit);
		d.b[1] &= ~(UINT64_C(3) << (EXEC - 64));
		if (rp_isa_sset_meets(&d, &h->smem_reads))
			seen(w, p, RP_EXEC_HAZARD_SMEM_TO_VECTOR, first_common(&d, &h->smem_reads));
		h->vmem_reads = empty;
	}
	if ((waitcnt && (inst->w[0] & 0xffff) == 0) || (depctr && !(inst->w[0] >> 2 & 7)))
		h->vmem_reads = empty;
	if ((inst->klass == RP_ISA_CLASS_SALU && inst->encoding != RP_ISA_SOPP &&
		    !(inst->encoding == RP_ISA_SOPK &&
			    (inst->opcode == 1 ||
				    (inst->opcode >= 0x17 && inst->opcode <= 0x1a)))) ||
		(waitcnt && !(inst->w[0] >> 8 & 0x3f)) || waits_for(inst, 0x1a))
		h->smem_reads = empty;
	if (inst->klass == RP_ISA_CLASS_DS || inst->klass == RP_ISA_CLASS_FLAT ||
		inst->klass == RP_ISA_CLASS_VMEM) {
		add(&h->vmem_reads, &r->read);
		add(&h->vmem_reads, &r->read_implicit);
	}
	if (inst->klass == RP_ISA_CLASS_SMEM)
		add(&h->smem_reads, &r->read);
}

static void exec_hazards(struct wave *w, const struct pinst *p, const struct rp_isa_inst *inst,
	const struct rp_isa_regs *r)
{
	struct hazard_state *h = w->hazard;
	bool valu = inst->klass == RP_ISA_CLASS_VALU, cmpx = (inst->flags & RP_ISA_F_CMPX) != 0;
	bool permlane =
		inst->encoding == RP_ISA_VOP3 && (inst->opcode == 0x377 || inst->opcode == 0x378);

	if (cmpx && h->exec_read)
		seen(w, p, RP_EXEC_HAZARD_VCMPX_EXEC_WAR, EXEC);
	if (permlane && h->cmpx)
		seen(w, p, RP_EXEC_HAZARD_VCMPX_PERMLANE, EXEC);
	if (valu &&
		(r->write.b[0] | r->write.b[1] | r->write_implicit.b[0] | r->write_implicit.b[1]))
		h->exec_read = false;
	if (inst->encoding == RP_ISA_SOPP && inst->opcode == 0x23 && !(inst->w[0] & 1))
		h->exec_read = false;
	if (!valu && (rp_isa_sset_has(&r->read, EXEC) || rp_isa_sset_has(&r->read_implicit, EXEC) ||
			     rp_isa_sset_has(&r->read, EXEC + 1)))
		h->exec_read = true;
	if (valu && !(inst->encoding == RP_ISA_VOP1 && inst->opcode == 0))
		h->cmpx = cmpx;
}

static void branch_hazard(struct wave *w, const struct pinst *p, const struct rp_isa_inst *inst)
{
	struct hazard_state *h = w->hazard;
	bool vscnt = waits_for(inst, 0x17);
	unsigned int type = inst->klass == RP_ISA_CLASS_DS ? 1
			    : inst->klass == RP_ISA_CLASS_VMEM || inst->encoding == RP_ISA_GLOBAL ||
					    inst->encoding == RP_ISA_SCRATCH
				    ? 2
				    : 0;

	if (type && h->pending[type])
		seen(w, p, RP_EXEC_HAZARD_LDS_BRANCH_VMEM,
			type == 1			   ? inst->w[1] >> 24
			: inst->klass == RP_ISA_CLASS_VMEM ? inst->w[1] >> 8 & 0xff
							   : inst->w[1] >> 24);
	if (type || vscnt)
		memset(h->pending, 0, sizeof(h->pending));
	if (vscnt)
		memset(h->armed, 0, sizeof(h->armed));
	if (type) {
		h->armed[type] = true;
		h->armed[3 - type] = false;
	}
	if (inst->flags & (RP_ISA_F_BRANCH | RP_ISA_F_JUMP)) {
		h->pending[1] = h->pending[1] || h->armed[2];
		h->pending[2] = h->pending[2] || h->armed[1];
	}
}

void rp_exec_hazard_check(struct wave *w, const struct pinst *p)
{
	struct hazard_state *h = w->hazard;
	struct rp_isa_target target = { .chip = w->t->x->target.chip, .wave64 = w->n_halves == 2 };
	const struct cpage *page =
		(const struct cpage *)(const void *)((const uint8_t *)w->slots -
						     offsetof(struct cpage, slot));
	struct rp_isa_inst inst;
	struct rp_isa_regs regs;

	if (h->corrupt >= 0 && h->corrupt != RP_ISA_NULL)
		w->s[h->corrupt] ^= random32(h);
	if (h->corrupt_vgpr >= 0)
		vgpr(w, 0, (unsigned int)h->corrupt_vgpr)[random32(h) % RP_LANES] ^= random32(h);
	h->corrupt = h->corrupt_vgpr = -1;
	if (rp_isa_decode(&target, rp_span_of(page->text, page->n_bytes),
		    (size_t)(p - w->slots) * 4, &inst) != RP_ISA_OK)
		return;
	rp_isa_scalar_regs(&target, &inst, &regs);
	scalar_hazards(w, p, &inst, &regs);
	exec_hazards(w, p, &inst, &regs);
	branch_hazard(w, p, &inst);
}
