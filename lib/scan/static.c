/* SPDX-License-Identifier: MIT */
/*
 * What one instruction tells by itself. Opcode numbers are the same on all gfx10 chips; which
 * card minds is in job->classes.
 */
#include "scan/internal.h"

enum {
	SOPP_INST_PREFETCH = 0x20,
	SOPK_GETREG = 0x12,
	HWREG_SHADER_CYCLES = 29,
	NSA_WORDS_SHORT = 5, /* address words that every gfx10 chip takes */
};

/* No such instruction on the card, or another one with the same bits. */
static uint32_t absent(const struct rp_scan_job *job, const struct rp_isa_inst *i)
{
	if (rp_isa_row_of(i)->chips & job->chip->isa)
		return 0;
	if (rp_isa_find_row((enum rp_isa_encoding)i->encoding, i->opcode, job->chip->isa))
		return RP_SCAN_BIT(RP_SCAN_OTHER_INSTRUCTION);
	return RP_SCAN_BIT(RP_SCAN_ILLEGAL);
}

static uint32_t salu(const struct rp_isa_inst *i)
{
	uint32_t found = 0;

	if (i->encoding == RP_ISA_SOPP && i->opcode == SOPP_INST_PREFETCH)
		found |= RP_SCAN_BIT(RP_SCAN_PREFETCH);
	if (i->flags & RP_ISA_F_BRANCH && (i->w[0] & 0xffff) == 0x3f)
		found |= RP_SCAN_BIT(RP_SCAN_BRANCH_3F);
	if (i->encoding == RP_ISA_SOPK && i->opcode == SOPK_GETREG &&
		(i->w[0] & 0x3f) == HWREG_SHADER_CYCLES)
		found |= RP_SCAN_BIT(RP_SCAN_SHADER_CYCLES);
	return found;
}

/* Could a scalar destination field be null (0x7d)? Cheap, and never no where it is. */
static bool may_have_null(const struct rp_isa_inst *i)
{
	switch (i->encoding) {
	case RP_ISA_VOP3:
		return (i->w[0] >> 8 & 0x7f) == RP_ISA_NULL || (i->w[0] & 0xff) == RP_ISA_NULL;
	case RP_ISA_VOP1: /* v_readfirstlane_b32 */
		return (i->w[0] >> 17 & 0xff) == RP_ISA_NULL;
	case RP_ISA_VOPC:
		return i->form == RP_ISA_FORM_SDWA && (i->w[1] >> 8 & 0x7f) == RP_ISA_NULL;
	default:
		return false;
	}
}

static uint32_t null_destination(const struct rp_isa_target *t, const struct rp_isa_inst *i)
{
	const struct rp_isa_row *row = rp_isa_row_of(i);
	struct rp_isa_operand op;

	for (unsigned int n = 0; n < row->n_operands; n++) {
		rp_isa_operand(t, i, n, &op);
		if (op.kind == RP_ISA_OP_SCALAR && op.reg == RP_ISA_NULL &&
			op.access & RP_ISA_OP_WRITE)
			return RP_SCAN_BIT(RP_SCAN_NULL_SDST);
	}
	return 0;
}

/* Bytes that the address of a wide DS instruction should be a multiple of. */
static uint32_t ds_alignment(const struct rp_isa_target *t, const struct rp_isa_inst *i)
{
	const struct rp_isa_row *row = rp_isa_row_of(i);
	struct rp_isa_operand op;

	for (unsigned int n = 0; n < row->n_operands; n++) {
		rp_isa_operand(t, i, n, &op);
		if (op.kind == RP_ISA_OP_VGPR && op.dwords > 2)
			return 16;
	}
	return 8;
}

static uint32_t wide_ds(
	const struct rp_scan_job *job, const struct rp_isa_target *t, const struct rp_isa_inst *i)
{
	uint32_t offset = i->w[0] & 0xffff;

	if (!job->wgp || !(i->flags & RP_ISA_F_WIDE) || i->w[0] >> 17 & 1)
		return 0;
	if (offset & 15 && offset % ds_alignment(t, i) != 0)
		return RP_SCAN_BIT(RP_SCAN_LDS_MISALIGNED);
	return RP_SCAN_BIT(RP_SCAN_LDS_WIDE);
}

static uint32_t flat(const struct rp_isa_inst *i)
{
	uint32_t offset = i->w[0] & 0xfff, saddr = i->w[1] >> 16 & 0x7f;

	if (i->encoding == RP_ISA_FLAT && offset)
		return RP_SCAN_BIT(RP_SCAN_FLAT_OFFSET);
	if (i->encoding == RP_ISA_SCRATCH && offset & 0x800 && offset & 3 && saddr == RP_ISA_NULL)
		return RP_SCAN_BIT(RP_SCAN_SCRATCH_OFFSET);
	return 0;
}

static uint32_t image(const struct rp_isa_inst *i)
{
	uint8_t vgpr[13];

	if (i->encoding != RP_ISA_MIMG || rp_isa_nsa(i, vgpr) <= NSA_WORDS_SHORT)
		return 0;
	return RP_SCAN_BIT(RP_SCAN_NSA_LENGTH);
}

uint32_t rp_scan_static(
	const struct rp_scan_job *job, const struct rp_isa_target *t, const struct rp_isa_inst *i)
{
	uint32_t found;

	if (!i->row)
		return RP_SCAN_BIT(RP_SCAN_UNDECODABLE) & job->classes;
	found = absent(job, i);
	switch (i->klass) {
	case RP_ISA_CLASS_SALU:
		found |= salu(i);
		break;
	case RP_ISA_CLASS_VALU:
		if (may_have_null(i))
			found |= null_destination(t, i);
		break;
	case RP_ISA_CLASS_DS:
		if (i->flags & RP_ISA_F_WIDE)
			found |= wide_ds(job, t, i);
		break;
	case RP_ISA_CLASS_FLAT:
		found |= flat(i);
		break;
	case RP_ISA_CLASS_VMEM:
		found |= image(i);
		break;
	default:
		break;
	}
	return found & job->classes;
}
