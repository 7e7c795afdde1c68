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
		return op->reg != 254 || op->dwords == 1; /* lds_direct is 32 bits */
	default:
		return true;
	}
}

static bool form_exists(const struct rp_isa_inst *i)
{
	(void)i;
	return true;
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
			good = 1 + 4 * (ret->w[0] >> 1 & 3) >= op.dwords;
		else
			good = operand_exists(&op);
	}
	if (good && form_exists(ret))
		return status;
	ret->bytes = 4;
	if (status == RP_ISA_OK)
		ret->status = RP_ISA_BAD;
	return (enum rp_isa_status)ret->status;
}
