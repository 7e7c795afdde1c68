/* SPDX-License-Identifier: MIT */
/* What LLVM's disassembler refuses beyond what the table says: tuples and reserved bits of forms. */
#include "isa/internal.h"

/* Registers that exist as the first of n: LLVM's register classes end at s105, ttmp15 and v255. */
static bool scalar_exists(unsigned int reg, unsigned int n)
{
	if (n <= 1)
		return true;
	if (reg == RP_ISA_NULL)
		return true;
	if (n == 2)
		return reg != RP_ISA_VCC_HI && reg != RP_ISA_M0 && reg != RP_ISA_EXEC_HI;
	reg &= ~3u;
	if (reg < RP_ISA_VCC_LO)
		return reg + n <= RP_ISA_VCC_LO;
	return reg >= RP_ISA_TTMP0 && reg + n <= RP_ISA_M0;
}

static bool operand_exists(const struct rp_isa_operand *op)
{
	switch (op->kind) {
	case RP_ISA_OP_VGPR:
		return op->reg + op->dwords <= 256;
	case RP_ISA_OP_SCALAR:
		return scalar_exists(op->reg, op->type == RP_ISA_TYPE_SMEM ? 1 : op->dwords);
	case RP_ISA_OP_SPECIAL:
		if (op->reg == 254) /* lds_direct is 32 bits */
			return op->dwords == 1;
		return (op->reg >= 235 && op->reg <= 239) || (op->reg >= 251 && op->reg <= 253);
	default:
		return true;
	}
}

/* No more address words than the instruction can have; the ray instructions: exactly theirs. */
static bool nsa_exists(const struct rp_isa_inst *i)
{
	unsigned int words = i->w[0] >> 1 & 3, max = rp_isa_image_max_address(i);

	if (i->flags & RP_ISA_F_BVH)
		return words == (max + 2) / 4;
	return max > 1 && words <= (max + 2) / 4;
}

enum { SEL_DWORD = 6 };

/* Bits of a source in SDWA's word 1 (from bit 16 or 24 on): sel, sext, neg, abs. */
static bool sdwa_source_exists(uint32_t bits, unsigned int type)
{
	bool real = type >= RP_ISA_TYPE_F16 && type <= RP_ISA_TYPE_V2F16;

	return (bits & 7) <= SEL_DWORD && !(bits & (real ? 1u << 3 : 3u << 4));
}

static bool sdwa_exists(const struct rp_isa_inst *i, const struct rp_isa_row *row)
{
	bool second = false;
	uint32_t w = i->w[1];

	for (unsigned int n = 0; n < row->n_operands; n++) {
		const struct rp_isa_opdesc *d = &rp_isa_opdescs[row->operands + n];

		if (d->field == RP_ISA_FIELD_SRC0 &&
			(!sdwa_source_exists(w >> 16, d->type) ||
				(w >> 23 & 1 && (w & 0xff) == SRC_LITERAL)))
			return false;
		if (d->field == RP_ISA_FIELD_SRC1) {
			second = true;
			if (!sdwa_source_exists(w >> 24, d->type))
				return false;
		}
	}
	if (!second && w & 0xbf000000)
		return false;
	if (i->encoding == RP_ISA_VOPC) /* v_cmpx has no destination */
		return !(row->flags & RP_ISA_F_CMPX) || !(w >> 15 & 1);
	return (w >> 8 & 7) <= SEL_DWORD && (w >> 11 & 3) != 3 &&
	       (row->flags & RP_ISA_F_OMOD || !(w >> 14 & 3));
}

static bool dpp_exists(const struct rp_isa_inst *i, const struct rp_isa_row *row)
{
	uint32_t allowed = 0;
	bool real = false;

	if (row->encoding == RP_ISA_VOP2 && !(row->flags & RP_ISA_F_E32))
		return true; /* v_dot2c, v_dot4c: modifier bits are not looked at */
	for (unsigned int n = 0; n < row->n_operands; n++) {
		const struct rp_isa_opdesc *d = &rp_isa_opdescs[row->operands + n];

		if (d->field != RP_ISA_FIELD_SRC0 && d->field != RP_ISA_FIELD_SRC1)
			continue;
		real |= d->type >= RP_ISA_TYPE_F16 && d->type <= RP_ISA_TYPE_V2F16;
		if (real)
			allowed |= 3u << (20 + 2 * d->slot);
	}
	return !(i->w[1] & 0xf00000 & ~allowed);
}

static bool form_exists(const struct rp_isa_inst *i)
{
	const struct rp_isa_row *row = rp_isa_row_of(i);

	if (i->form == RP_ISA_FORM_SDWA)
		return sdwa_exists(i, row);
	return i->form != RP_ISA_FORM_DPP16 || dpp_exists(i, row);
}

enum rp_isa_status rp_isa_decode_strict(
	const struct rp_isa_target *t, struct rp_span code, size_t off, struct rp_isa_inst *ret)
{
	enum rp_isa_status status = rp_isa_decode(t, code, off, ret);
	bool good = status == RP_ISA_OK;
	struct rp_isa_operand op;

	if (status != RP_ISA_OK && status != RP_ISA_FOREIGN)
		return status;
	for (unsigned int n = 0; good && n < rp_isa_row_of(ret)->n_operands; n++) {
		rp_isa_operand(t, ret, n, &op);
		if (op.field == RP_ISA_FIELD_VADDR && ret->encoding == RP_ISA_MIMG &&
			ret->w[0] >> 1 & 3)
			good = nsa_exists(ret);
		else
			good = operand_exists(&op);
	}
	/* a buffer load to LDS has no place for tfe's status */
	if (ret->encoding == RP_ISA_MUBUF && ret->w[0] >> 16 & 1 && ret->w[1] >> 23 & 1)
		good = false;
	if (good && form_exists(ret))
		return status;
	ret->bytes = 4;
	if (status == RP_ISA_OK)
		ret->status = RP_ISA_BAD;
	return (enum rp_isa_status)ret->status;
}
