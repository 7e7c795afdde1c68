/* SPDX-License-Identifier: MIT */
/* Operands of a decoded instruction, from its bits and the table's description of them. */
#include "isa/internal.h"

bool rp_isa_glc(const struct rp_isa_inst *i)
{
	switch (i->encoding) {
	case RP_ISA_SMEM:
	case RP_ISA_FLAT:
	case RP_ISA_SCRATCH:
	case RP_ISA_GLOBAL:
		return i->w[0] >> 16 & 1;
	case RP_ISA_MUBUF:
	case RP_ISA_MTBUF:
		return i->w[0] >> 14 & 1;
	case RP_ISA_MIMG:
		return i->w[0] >> 13 & 1;
	default:
		return false;
	}
}

/* Table of image dimensions (field dim): coordinates and gradients; LLVM MIMGInstructions.td, MIMGDim. */
static const struct {
	uint8_t coords, gradients;
} image_dims[8] = { { 1, 2 }, { 2, 4 }, { 3, 6 }, { 3, 4 }, { 2, 2 }, { 3, 4 }, { 3, 4 },
	{ 4, 4 } };

/* Bits of rp_isa_row.image, as tools/gen-isa.py sets them. */
enum {
	IMAGE_EXTRA = 3,
	IMAGE_COORDS = 4,
	IMAGE_LOD = 8,
	IMAGE_GRAD = 16,
	IMAGE_G16 = 32,
	IMAGE_GATHER4 = 64,
	IMAGE_CMPSWAP = 128,
};

unsigned int rp_isa_image_address_dwords(const struct rp_isa_inst *i)
{
	uint8_t image = rp_isa_row_of(i)->image;
	unsigned int dim = i->w[0] >> 3 & 7, a16 = i->w[1] >> 30 & 1;
	unsigned int words = image & IMAGE_EXTRA, parts = 0;

	if (i->flags &
		RP_ISA_F_BVH) /* node pointer (1 or 2), extent, and 9 components of 3 vectors */
		return (a16 ? 8u : 11u) + (i->opcode & 1);
	parts += image & IMAGE_COORDS ? image_dims[dim].coords : 0;
	parts += image & IMAGE_LOD ? 1 : 0;
	words += a16 ? (parts + 1) / 2 : parts;
	if (image & IMAGE_GRAD) {
		unsigned int g = image_dims[dim].gradients;

		words += image & IMAGE_G16 ? (g / 2 + 1) / 2 * 2 : g;
	}
	return words;
}

unsigned int rp_isa_image_max_address(const struct rp_isa_inst *i)
{
	const struct rp_isa_row *row = rp_isa_row_of(i);
	uint8_t image = row->image;
	unsigned int words = image & IMAGE_EXTRA;

	if (i->flags & RP_ISA_F_BVH)
		return rp_isa_image_address_dwords(i);
	if (image &
		IMAGE_COORDS) /* four only where multi-sampled images are: load, store, atomic */
		words += row->n_operands > 3 || image & IMAGE_LOD ? 3 : 4;
	words += image & IMAGE_LOD ? 1 : 0;
	if (image & IMAGE_GRAD)
		words += image & IMAGE_G16 ? 4 : 6;
	return words;
}

unsigned int rp_isa_image_data_dwords(const struct rp_isa_target *t, const struct rp_isa_inst *i)
{
	unsigned int dmask = i->w[0] >> 8 & 0xf, n;
	bool d16 = i->w[1] >> 31;

	(void)t;
	if (rp_isa_row_of(i)->image & IMAGE_GATHER4)
		n = 4;
	else
		n = dmask ? (unsigned int)__builtin_popcount(dmask) : 1;
	if (d16)
		n = (n + 1) / 2;
	return n + (i->w[0] >> 16 & 1); /* tfe: one more for the status */
}

unsigned int rp_isa_nsa(const struct rp_isa_inst *inst, uint8_t ret_vgpr[13])
{
	unsigned int slots, max, n;

	if (inst->encoding != RP_ISA_MIMG || !(inst->w[0] >> 1 & 3))
		return 0;
	slots = 1 + 4 * (inst->w[0] >> 1 & 3);
	max = rp_isa_image_max_address(inst);
	if (slots > max)
		slots = max;
	n = rp_isa_image_address_dwords(inst);
	if (n < 2 || n > slots) /* as LLVM shows it: all that there are */
		n = slots;
	if (n > 13)
		n = 13;
	ret_vgpr[0] = (uint8_t)inst->w[1];
	for (unsigned int a = 1; a < n; a++)
		ret_vgpr[a] = (uint8_t)(inst->w[2 + (a - 1) / 4] >> (8 * ((a - 1) % 4)));
	return n;
}

static void set_scalar_code(uint32_t code, struct rp_isa_operand *op)
{
	op->reg = (uint16_t)code;
	if (code < 128) {
		op->kind = RP_ISA_OP_SCALAR;
	} else if (code <= 208) {
		op->kind = RP_ISA_OP_INLINE;
		op->value = code <= 192 ? code - 128 : 192 - code;
	} else if (code == SRC_LITERAL) {
		op->kind = RP_ISA_OP_LITERAL;
	} else if (code >= 240 && code <= 248) {
		op->kind = RP_ISA_OP_INLINE;
		op->value = code - 240;
	} else {
		op->kind = RP_ISA_OP_SPECIAL;
	}
}

static void set_vgpr(uint32_t reg, struct rp_isa_operand *op)
{
	op->kind = RP_ISA_OP_VGPR;
	op->reg = (uint16_t)reg;
}

/* Sources and destinations of the SDWA and DPP forms; false: as in the native form. */
static bool form_operand(
	const struct rp_isa_inst *i, const struct rp_isa_opdesc *d, struct rp_isa_operand *op)
{
	uint32_t w1 = i->w[1];
	bool sdwa = i->form == RP_ISA_FORM_SDWA;

	if (d->field == RP_ISA_FIELD_SRC0) {
		if (sdwa && w1 >> 23 & 1)
			set_scalar_code(w1 & 0xff, op);
		else
			set_vgpr(w1 & 0xff, op);
		return true;
	}
	if (d->field == RP_ISA_FIELD_SRC1 && sdwa && w1 >> 31) {
		set_scalar_code(i->w[0] >> 9 & 0xff, op);
		return true;
	}
	if (d->field == RP_ISA_FIELD_VCC && sdwa && i->encoding == RP_ISA_VOPC && w1 >> 15 & 1) {
		set_scalar_code(w1 >> 8 & 0x7f, op);
		return true;
	}
	return false;
}

static bool is_float(unsigned int type)
{
	return type >= RP_ISA_TYPE_F16 && type <= RP_ISA_TYPE_V2F16;
}

static uint8_t modifiers(const struct rp_isa_inst *i, const struct rp_isa_opdesc *d)
{
	bool real = is_float(d->type);
	uint8_t neg = 0, abs = 0;

	if (d->field < RP_ISA_FIELD_SRC0 || d->field > RP_ISA_FIELD_SRC2 ||
		d->type < RP_ISA_TYPE_I16 || d->type > RP_ISA_TYPE_I32S)
		return 0;
	switch (i->form) {
	case RP_ISA_FORM_SDWA: {
		uint32_t bits = i->w[1] >> (d->slot ? 24 : 16);

		if (!real)
			return bits >> 3 & 1 ? RP_ISA_MOD_SEXT : 0;
		neg = bits >> 4 & 1;
		abs = bits >> 5 & 1;
		break;
	}
	case RP_ISA_FORM_DPP16:
		neg = i->w[1] >> (20 + 2 * d->slot) & 1;
		abs = i->w[1] >> (21 + 2 * d->slot) & 1;
		break;
	case RP_ISA_FORM_NATIVE:
		if (i->encoding == RP_ISA_VOP3P && d->type != RP_ISA_TYPE_F16)
			return 0; /* neg_lo and neg_hi are printed for the whole instruction */
		if (i->encoding != RP_ISA_VOP3 && i->encoding != RP_ISA_VOP3P)
			return 0;
		neg = i->w[1] >> (29 + d->slot) & 1;
		abs = i->w[0] >> (8 + d->slot) & 1;
		if (i->row &&
			rp_isa_opdescs[rp_isa_row_of(i)->operands + 1].field == RP_ISA_FIELD_SDST)
			abs = 0; /* VOP3B has sdst there */
		break;
	default:
		return 0;
	}
	if (d->type == RP_ISA_TYPE_I16S || d->type == RP_ISA_TYPE_I32S)
		return neg ? RP_ISA_MOD_SEXT : 0;
	if (!real)
		return 0;
	return (uint8_t)((neg ? RP_ISA_MOD_NEG : 0) | (abs ? RP_ISA_MOD_ABS : 0));
}

/* Operands whose extent or presence depends on other bits. */
static void adjust(const struct rp_isa_target *t, const struct rp_isa_inst *i,
	const struct rp_isa_opdesc *d, struct rp_isa_operand *op)
{
	uint32_t saddr = i->w[1] >> 16 & 0x7f;

	switch (d->type) {
	case RP_ISA_TYPE_M:
		op->dwords = t->wave64 ? 2 : 1;
		break;
	case RP_ISA_TYPE_SMEM:
		op->value = (uint32_t)((int32_t)(i->w[1] << 11) >> 11);
		op->reg = (uint16_t)(i->w[1] >> 25);
		op->kind = op->reg == RP_ISA_NULL ? RP_ISA_OP_IMMEDIATE : RP_ISA_OP_SCALAR;
		op->access = op->kind == RP_ISA_OP_SCALAR ? RP_ISA_OP_READ : 0;
		break;
	case RP_ISA_TYPE_OFF:
		/* 127 is "off" of scratch on RDNA 2 only, where it means no address at all */
		if (op->reg == RP_ISA_NULL || (i->encoding == RP_ISA_SCRATCH && op->reg == 127 &&
						      t->chip & RP_ISA_GFX1030)) {
			op->kind = RP_ISA_OP_OFF;
			op->access = 0;
		}
		break;
	case RP_ISA_TYPE_BUF:
		op->dwords = (uint8_t)((i->w[0] >> 12 & 1) + (i->w[0] >> 13 & 1));
		if (!op->dwords) {
			op->kind = RP_ISA_OP_OFF;
			op->access = 0;
		}
		break;
	case RP_ISA_TYPE_IMG:
		op->dwords =
			(uint8_t)(d->field == RP_ISA_FIELD_VDATA ? rp_isa_image_data_dwords(t, i)
								 : rp_isa_image_address_dwords(i));
		break;
	default:
		break;
	}
	if (d->field == RP_ISA_FIELD_ADDR && i->encoding == RP_ISA_GLOBAL && saddr != RP_ISA_NULL)
		op->dwords = 1;
	if (d->field == RP_ISA_FIELD_ADDR && i->encoding == RP_ISA_SCRATCH &&
		saddr != RP_ISA_NULL) {
		op->kind = RP_ISA_OP_OFF;
		op->access = 0;
	}
	if (d->field == RP_ISA_FIELD_VDATA && i->encoding == RP_ISA_MUBUF) {
		if (i->flags & RP_ISA_F_TFE && i->w[1] >> 23 & 1)
			op->dwords++;
		if (i->flags & RP_ISA_F_LDS && i->w[0] >> 16 & 1)
			op->kind = RP_ISA_OP_NONE, op->access = 0;
	}
	if (d->field == RP_ISA_FIELD_VDST && i->flags & RP_ISA_F_LDS && i->w[0] >> 13 & 1 &&
		(i->encoding == RP_ISA_GLOBAL || i->encoding == RP_ISA_SCRATCH))
		op->kind = RP_ISA_OP_NONE, op->access = 0;
	if (i->encoding == RP_ISA_EXP)
		op->access = op->field == RP_ISA_FIELD_VSRC && i->w[0] >> d->slot & 1
				     ? RP_ISA_OP_READ
				     : 0;
}

void rp_isa_operand(const struct rp_isa_target *t, const struct rp_isa_inst *inst, unsigned int n,
	struct rp_isa_operand *ret)
{
	const struct rp_isa_row *row = rp_isa_row_of(inst);
	const struct rp_isa_opdesc *d = &rp_isa_opdescs[row->operands + n];
	uint32_t bits;

	*ret = (struct rp_isa_operand){ 0 };
	if (n >= row->n_operands)
		return;
	ret->type = d->type;
	ret->field = d->field;
	ret->dwords = d->dwords;
	ret->access = d->access & (RP_ISA_OP_READ | RP_ISA_OP_WRITE);
	bits = rp_isa_bits(inst, d->shift, d->bits);
	if (d->access & OPDESC_IF_GLC && !rp_isa_glc(inst)) {
		ret->access &= RP_ISA_OP_READ;
		if (!ret->access)
			return; /* kind stays NONE: the operand is not there */
	}
	if (inst->form == RP_ISA_FORM_NATIVE || !form_operand(inst, d, ret)) {
		switch (d->how) {
		case HOW_SRC:
			if (bits >= 256) {
				set_vgpr(bits - 256, ret);
				break;
			}
			set_scalar_code(bits, ret);
			break;
		case HOW_SSRC:
		case HOW_SREG:
			set_scalar_code(bits, ret);
			break;
		case HOW_VGPR:
			set_vgpr(bits, ret);
			break;
		case HOW_SBASE:
			set_scalar_code(bits * 2, ret);
			break;
		case HOW_SRSRC:
			set_scalar_code(bits * 4, ret);
			break;
		case HOW_VCC:
			set_scalar_code(RP_ISA_VCC_LO, ret);
			break;
		case HOW_LIT:
			set_scalar_code(SRC_LITERAL, ret);
			break;
		default:
			ret->kind = RP_ISA_OP_IMMEDIATE;
			ret->value = bits;
			break;
		}
	}
	if (ret->kind == RP_ISA_OP_LITERAL && inst->literal)
		ret->value = inst->w[inst->literal];
	ret->mods = modifiers(inst, d);
	adjust(t, inst, d, ret);
	/* SDWA and DPP keep what they do not write of the destination. */
	if (inst->form != RP_ISA_FORM_NATIVE && ret->field == RP_ISA_FIELD_VDST)
		ret->access |= RP_ISA_OP_READ;
}
