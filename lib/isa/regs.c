/* SPDX-License-Identifier: MIT */
/* Sets of registers that an instruction reads and writes. */
#include "isa/internal.h"

static void sset_add(struct rp_isa_sset *s, unsigned int first, unsigned int n)
{
	for (unsigned int r = first; r < first + n && r < 128; r++)
		if (r != RP_ISA_NULL)
			s->b[r / 64] |= UINT64_C(1) << (r % 64);
}

static void vset_add(struct rp_isa_vset *s, unsigned int first, unsigned int n)
{
	for (unsigned int r = first; r < first + n && r < 256; r++)
		s->b[r / 64] |= UINT64_C(1) << (r % 64);
}

static void add_operand(const struct rp_isa_operand *op, struct rp_isa_regs *r, bool vgprs)
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

static void add_implicit(
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

static void collect(const struct rp_isa_target *t, const struct rp_isa_inst *inst,
	struct rp_isa_regs *ret, bool vgprs)
{
	const struct rp_isa_row *row = rp_isa_row_of(inst);
	struct rp_isa_operand op;
	uint8_t nsa[13];
	unsigned int n;

	*ret = (struct rp_isa_regs){ 0 };
	if (!inst->row)
		return;
	for (unsigned int i = 0; i < row->n_operands; i++) {
		const struct rp_isa_opdesc *d = &rp_isa_opdescs[row->operands + i];

		if (!vgprs && d->how == HOW_VGPR && inst->form != RP_ISA_FORM_SDWA)
			continue;
		rp_isa_operand(t, inst, i, &op);
		if (vgprs && op.field == RP_ISA_FIELD_VADDR) {
			n = rp_isa_nsa(inst, nsa);
			for (unsigned int a = 0; a < n; a++)
				vset_add(&ret->vread, nsa[a], 1);
			if (n)
				continue;
		}
		add_operand(&op, ret, vgprs);
	}
	add_implicit(t, inst, ret);
}

void rp_isa_regs(
	const struct rp_isa_target *t, const struct rp_isa_inst *inst, struct rp_isa_regs *ret)
{
	collect(t, inst, ret, true);
}

void rp_isa_scalar_regs(
	const struct rp_isa_target *t, const struct rp_isa_inst *inst, struct rp_isa_regs *ret)
{
	collect(t, inst, ret, false);
}
