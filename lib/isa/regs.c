/* SPDX-License-Identifier: MIT */
/* Sets of registers that an instruction reads and writes. */
#include "isa/internal.h"

/* n (1, 2, 4, 8 or 16) registers from first on; null is not a register. */
static inline void sset_add(struct rp_isa_sset *s, unsigned int first, unsigned int n)
{
	unsigned int shift = first & 63;
	uint64_t bits = (UINT64_C(1) << n) - 1;

	if (first == RP_ISA_NULL || first >= 128)
		return;
	s->b[first >> 6] |= bits << shift;
	if (first < 64 && shift + n > 64)
		s->b[1] |= bits >> (64 - shift);
}

static void vset_add(struct rp_isa_vset *s, unsigned int first, unsigned int n)
{
	for (unsigned int r = first; r < first + n && r < 256; r++)
		s->b[r / 64] |= UINT64_C(1) << (r % 64);
}

static inline void add_operand(const struct rp_isa_operand *op, struct rp_isa_regs *r, bool vgprs)
{
	switch (op->kind) {
	case RP_ISA_OP_SCALAR: {
		/* LLVM ignores the low bits of a misaligned tuple; a tuple with null is null. */
		unsigned int n = op->type == RP_ISA_TYPE_SMEM ? 1 : op->dwords;
		unsigned int first = n > 1 ? op->reg & ~(n > 2 ? 3u : 1u) : op->reg;

		if (op->reg == RP_ISA_NULL)
			return;
		if (op->access & RP_ISA_OP_READ)
			sset_add(&r->read, first, n);
		if (op->access & RP_ISA_OP_WRITE)
			sset_add(&r->write, first, n);
		break;
	}
	case RP_ISA_OP_VGPR:
		if (!vgprs)
			return;
		if (op->access & RP_ISA_OP_READ)
			vset_add(&r->vread, op->reg, op->dwords);
		if (op->access & RP_ISA_OP_WRITE)
			vset_add(&r->vwrite, op->reg, op->dwords);
		break;
	case RP_ISA_OP_SPECIAL:
		if (op->reg == 251) /* vccz */
			sset_add(&r->read_implicit, RP_ISA_VCC_LO, 2);
		else if (op->reg == 252) /* execz */
			sset_add(&r->read_implicit, RP_ISA_EXEC_LO, 2);
		else if (op->reg == 253)
			r->scc_read = true;
		else if (op->reg == 254) /* lds_direct takes its address and type from M0 */
			sset_add(&r->read_implicit, RP_ISA_M0, 1);
		break;
	default:
		break;
	}
}

static inline void add_implicit(
	const struct rp_isa_target *t, const struct rp_isa_inst *i, struct rp_isa_regs *r)
{
	unsigned int mask = t->wave64 ? 2 : 1, exec = mask;
	uint32_t f = i->flags;

	if (i->encoding == RP_ISA_SOP1) /* saveexec, wrexec: as wide as their destination */
		exec = rp_isa_opdescs[rp_isa_row_of(i)->operands].dwords;
	if (f & RP_ISA_F_REXEC)
		sset_add(&r->read_implicit, RP_ISA_EXEC_LO, exec);
	if (f & RP_ISA_F_WEXEC)
		sset_add(&r->write_implicit, RP_ISA_EXEC_LO, exec);
	if (f & RP_ISA_F_RVCC)
		sset_add(&r->read_implicit, RP_ISA_VCC_LO, mask);
	if (f & RP_ISA_F_RM0)
		sset_add(&r->read_implicit, RP_ISA_M0, 1);
	if ((i->encoding == RP_ISA_DS && i->w[0] >> 17 & 1) /* gds: base and size */
		|| (i->encoding == RP_ISA_MUBUF && f & RP_ISA_F_LDS && i->w[0] >> 16 & 1) ||
		(i->klass == RP_ISA_CLASS_FLAT && f & RP_ISA_F_LDS && i->w[0] >> 13 & 1))
		sset_add(&r->read_implicit, RP_ISA_M0, 1);
	r->scc_read |= (f & RP_ISA_F_RSCC) != 0;
	r->scc_write |= (f & RP_ISA_F_WSCC) != 0;
}

void rp_isa_regs(
	const struct rp_isa_target *t, const struct rp_isa_inst *inst, struct rp_isa_regs *ret)
{
	const struct rp_isa_row *row = rp_isa_row_of(inst);
	struct rp_isa_operand op;
	uint8_t nsa[13];
	unsigned int n;

	*ret = (struct rp_isa_regs){ 0 };
	if (!inst->row)
		return;
	for (unsigned int i = 0; i < row->n_operands; i++) {
		rp_isa_operand(t, inst, i, &op);
		if (op.field == RP_ISA_FIELD_VADDR) {
			n = rp_isa_nsa(inst, nsa);
			for (unsigned int a = 0; a < n; a++)
				vset_add(&ret->vread, nsa[a], 1);
			if (n)
				continue;
		}
		add_operand(&op, ret, true);
	}
	add_implicit(t, inst, ret);
}

/* The scalar part of one operand of a native form, without building the operand. */
static inline void add_native(const struct rp_isa_target *t, const struct rp_isa_inst *inst,
	const struct rp_isa_opdesc *d, struct rp_isa_regs *r)
{
	uint32_t bits = rp_isa_bits(inst, d->shift, d->bits);
	struct rp_isa_operand op = {
		.access = d->access & 3, .type = d->type, .dwords = d->dwords
	};

	switch (d->how) {
	case HOW_SRC:
		if (bits >= 256)
			return;
		break;
	case HOW_SBASE:
		bits *= 2;
		break;
	case HOW_SRSRC:
		bits *= 4;
		break;
	case HOW_VCC:
		bits = RP_ISA_VCC_LO;
		break;
	default:
		break;
	}
	if (d->type == RP_ISA_TYPE_OFF && bits == 127 && inst->encoding == RP_ISA_SCRATCH &&
		t->chip & RP_ISA_GFX1030)
		return;
	if (d->access & OPDESC_IF_GLC && !rp_isa_glc(inst))
		op.access &= RP_ISA_OP_READ;
	if (d->type == RP_ISA_TYPE_M)
		op.dwords = t->wave64 ? 2 : 1;
	op.kind = bits < 128	? RP_ISA_OP_SCALAR
		  : bits >= 251 ? RP_ISA_OP_SPECIAL
				: RP_ISA_OP_INLINE;
	op.reg = (uint16_t)bits;
	add_operand(&op, r, false);
}

void rp_isa_scalar_regs(
	const struct rp_isa_target *t, const struct rp_isa_inst *inst, struct rp_isa_regs *ret)
{
	const struct rp_isa_row *row = rp_isa_row_of(inst);
	const struct rp_isa_opdesc *d = &rp_isa_opdescs[row->operands];
	struct rp_isa_operand op;

	/* member by member: clearing the whole struct was half of the time */
	ret->read = ret->read_implicit = (struct rp_isa_sset){ { 0, 0 } };
	ret->write = ret->write_implicit = (struct rp_isa_sset){ { 0, 0 } };
	ret->scc_read = ret->scc_write = false;
	if (!inst->row)
		return;
	for (unsigned int i = 0; i < row->n_operands; i++, d++) {
		if (inst->form != RP_ISA_FORM_NATIVE || d->type == RP_ISA_TYPE_SMEM) {
			rp_isa_operand(t, inst, i, &op);
			add_operand(&op, ret, false);
		} else if (d->how != HOW_VGPR && d->how != HOW_IMM && d->how != HOW_LIT) {
			add_native(t, inst, d, ret);
		}
	}
	add_implicit(t, inst, ret);
}
