/* SPDX-License-Identifier: MIT */
/*
 * From bytes to length, encoding, table row and form. Operands are looked at on demand
 * (operand.c); here only what decides about the length or about "no instruction".
 * Identification: "RDNA 1.0" ISA document, chapter 13 (microcode formats), checked against LLVM.
 */
#include "isa/internal.h"

static inline uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Source codes that change the length or that no instruction may have. */
enum { CODE_LITERAL = 1, CODE_RESERVED = 2 };

static inline unsigned int source_code(uint32_t code)
{
	if (code < 209 || code >= 256)
		return 0;
	if (code == SRC_LITERAL)
		return CODE_LITERAL;
	/* 209..234 are reserved or announce DPP8; 249 and 250 announce SDWA and DPP. */
	return code <= SRC_DPP8_FI || code == SRC_SDWA || code == SRC_DPP ? CODE_RESERVED : 0;
}

static inline enum rp_isa_encoding identify_scalar(uint32_t w0, uint32_t *ret_op)
{
	switch (w0 >> 23) {
	case 0x17d:
		*ret_op = w0 >> 8 & 0xff;
		return RP_ISA_SOP1;
	case 0x17e:
		*ret_op = w0 >> 16 & 0x7f;
		return RP_ISA_SOPC;
	case 0x17f:
		*ret_op = w0 >> 16 & 0x7f;
		return RP_ISA_SOPP;
	default:
		break;
	}
	if (w0 >> 28 == 0xb) {
		*ret_op = w0 >> 23 & 0x1f;
		return RP_ISA_SOPK;
	}
	*ret_op = w0 >> 23 & 0x7f;
	return RP_ISA_SOP2;
}

static inline enum rp_isa_encoding identify_vop(uint32_t w0, uint32_t *ret_op)
{
	uint32_t op = w0 >> 25;

	if (op == 0x3f) {
		*ret_op = w0 >> 9 & 0xff;
		return RP_ISA_VOP1;
	}
	if (op == 0x3e) {
		*ret_op = w0 >> 17 & 0xff;
		return RP_ISA_VOPC;
	}
	*ret_op = op;
	return RP_ISA_VOP2;
}

static inline enum rp_isa_encoding identify_flat(uint32_t w0, uint32_t *ret_op)
{
	*ret_op = w0 >> 18 & 0x7f;
	switch (w0 >> 14 & 3) {
	case 0:
		return RP_ISA_FLAT;
	case 1:
		return RP_ISA_SCRATCH;
	case 2:
		return RP_ISA_GLOBAL;
	default:
		return RP_ISA_NONE;
	}
}

static inline enum rp_isa_encoding identify(uint32_t w0, uint32_t w1, uint32_t *ret_op)
{
	if (!(w0 >> 31))
		return identify_vop(w0, ret_op);
	if (w0 >> 30 == 2)
		return identify_scalar(w0, ret_op);
	switch (w0 >> 26) {
	case 0x32:
		*ret_op = w0 >> 16 & 3;
		return RP_ISA_VINTRP;
	case 0x33:
		*ret_op = w0 >> 16 & 0x7f;
		return w0 >> 23 & 7 ? RP_ISA_NONE : RP_ISA_VOP3P;
	case 0x35:
		*ret_op = w0 >> 16 & 0x3ff;
		return RP_ISA_VOP3;
	case 0x36:
		*ret_op = w0 >> 18 & 0xff;
		return RP_ISA_DS;
	case 0x37:
		return identify_flat(w0, ret_op);
	case 0x38:
		*ret_op = w0 >> 18 & 0xff;
		return RP_ISA_MUBUF;
	case 0x3a:
		*ret_op = (w0 >> 16 & 7) | (w1 >> 21 & 1) << 3;
		return RP_ISA_MTBUF;
	case 0x3c:
		*ret_op = (w0 >> 18 & 0x7f) | (w0 & 1) << 7;
		return RP_ISA_MIMG;
	case 0x3d:
		*ret_op = w0 >> 18 & 0xff;
		return RP_ISA_SMEM;
	case 0x3e:
		*ret_op = 0;
		return RP_ISA_EXP;
	default:
		return RP_ISA_NONE;
	}
}

/* Words and form of VOP1, VOP2, VOPC; 0: not an instruction. */
static unsigned int vop_words(
	const struct rp_isa_row *row, uint32_t w0, uint32_t w1, struct rp_isa_inst *ret)
{
	uint32_t src0 = w0 & 0x1ff;

	if (row->flags & RP_ISA_F_LITERAL) {
		ret->literal = 1;
		return source_code(src0) & CODE_RESERVED ? 0 : 2;
	}
	if (src0 >= 256 || src0 < 209)
		return 1;
	switch (src0) {
	case SRC_SDWA:
		if (row->flags & RP_ISA_F_SDWA) {
			ret->form = RP_ISA_FORM_SDWA;
			return 2;
		}
		break;
	case SRC_DPP:
	case SRC_DPP8:
	case SRC_DPP8_FI:
		/* v_nop has no operands: with any in word 1 it is not the DPP form */
		if (row->flags & RP_ISA_F_DPP && (row->n_operands || !(w1 & 0xff))) {
			ret->form = src0 == SRC_DPP ? RP_ISA_FORM_DPP16 : RP_ISA_FORM_DPP8;
			return 2;
		}
		break;
	default:
		break;
	}
	if (!row->n_operands)
		return 1; /* v_nop and its like do not look at src0 */
	if (src0 == SRC_LITERAL && row->sources) {
		ret->literal = 1;
		return 2;
	}
	return source_code(src0) & CODE_RESERVED ? 0 : 1;
}

/* Number of words of an instruction whose row is known; 0: not an instruction. */
static inline unsigned int count_words(
	const struct rp_isa_row *row, uint32_t w0, uint32_t w1, struct rp_isa_inst *ret)
{
	unsigned int code = 0, words;

	switch (ret->encoding) {
	case RP_ISA_SOP1:
	case RP_ISA_SOP2:
	case RP_ISA_SOPC:
		words = 1;
		if (row->sources & 1)
			code = source_code(w0 & 0xff);
		if (row->sources & 2)
			code |= source_code(w0 >> 8 & 0xff);
		break;
	case RP_ISA_SOPK:
		ret->literal = row->flags & RP_ISA_F_LITERAL ? 1 : 0;
		return 1u + ret->literal;
	case RP_ISA_SOPP:
	case RP_ISA_VINTRP:
		return 1;
	case RP_ISA_VOP1:
	case RP_ISA_VOP2:
	case RP_ISA_VOPC:
		return vop_words(row, w0, w1, ret);
	case RP_ISA_VOP3:
	case RP_ISA_VOP3P:
		words = 2;
		if (row->sources & 1)
			code = source_code(w1 & 0x1ff);
		if (row->sources & 2)
			code |= source_code(w1 >> 9 & 0x1ff);
		if (row->sources & 4)
			code |= source_code(w1 >> 18 & 0x1ff);
		break;
	case RP_ISA_MUBUF:
	case RP_ISA_MTBUF:
		/* soffset: no literal in a buffer instruction (LLVM takes one). */
		return row->sources && source_code(w1 >> 24) ? 0 : 2;
	case RP_ISA_MIMG:
		return 2 + (w0 >> 1 & 3);
	default:
		return 2;
	}
	if (code & CODE_RESERVED)
		return 0;
	if (code & CODE_LITERAL)
		ret->literal = (uint8_t)words++;
	return words;
}

static enum rp_isa_status refuse(struct rp_isa_inst *ret, enum rp_isa_status status)
{
	ret->status = (uint8_t)status;
	ret->row = 0;
	ret->flags = 0;
	ret->encoding = RP_ISA_NONE;
	ret->klass = RP_ISA_CLASS_NONE;
	ret->form = RP_ISA_FORM_NATIVE;
	ret->literal = 0;
	return status;
}

static enum rp_isa_status truncated(struct rp_span code, size_t off, struct rp_isa_inst *ret)
{
	size_t left = off < code.n ? code.n - off : 0;

	*ret = (struct rp_isa_inst){ 0 };
	ret->bytes = (uint8_t)(left < 4 ? left : 4);
	for (size_t i = 0; i < ret->bytes; i++)
		ret->w[0] |= (uint32_t)code.p[off + i] << (8 * i);
	return refuse(ret, RP_ISA_TRUNCATED);
}

enum rp_isa_status rp_isa_decode(
	const struct rp_isa_target *t, struct rp_span code, size_t off, struct rp_isa_inst *ret)
{
	uint32_t w0, w1 = 0, op = 0;
	const struct rp_isa_row *row;
	unsigned int number, words;
	size_t left;

	if (off >= code.n || code.n - off < 4)
		return truncated(code, off, ret);
	left = (code.n - off) / 4;
	w0 = le32(code.p + off);
	if (left > 1)
		w1 = le32(code.p + off + 4);
	ret->w[0] = w0;
	ret->w[1] = 0;
	ret->w[2] = 0;
	ret->w[3] = 0;
	ret->w[4] = 0;
	ret->bytes = 4;
	ret->form = RP_ISA_FORM_NATIVE;
	ret->literal = 0;
	ret->encoding = (uint8_t)identify(w0, w1, &op);
	ret->opcode = (uint16_t)op;
	number = op < rp_isa_index_size[ret->encoding]
			 ? rp_isa_index[rp_isa_index_start[ret->encoding] + op]
			 : 0;
	row = &rp_isa_rows[number];
	if (!(row->chips & t->chip) && row->other && (rp_isa_rows[row->other].chips & t->chip)) {
		number = row->other;
		row = &rp_isa_rows[number];
	}
	words = number ? count_words(row, w0, w1, ret) : 0;
	if (!words)
		return refuse(ret, RP_ISA_BAD);
	if (words > left)
		return refuse(ret, RP_ISA_TRUNCATED);
	if (words > 1)
		ret->w[1] = w1;
	for (unsigned int i = 2; i < words; i++)
		ret->w[i] = le32(code.p + off + 4 * (size_t)i);
	if (((w0 | (uint64_t)w1 << 32) & row->zero_mask) != row->zero_value)
		return refuse(ret, RP_ISA_BAD);
	ret->row = (uint16_t)number;
	ret->flags = row->flags;
	ret->klass = row->klass;
	ret->bytes = (uint8_t)(4 * words);
	ret->status = row->chips & t->chip ? RP_ISA_OK : RP_ISA_FOREIGN;
	return (enum rp_isa_status)ret->status;
}
