/* SPDX-License-Identifier: MIT */
/*
 * The modifiers behind the operands of an instruction, in LLVM 19's syntax: op_sel and clamp of VOP3,
 * selections of SDWA and DPP, offsets and cache bits of memory instructions.
 */
#include "isa/print.h"

/* " name:[a,b,c]" of the low n bits */
static void put_bits(struct out *o, const char *name, uint32_t bits, unsigned int n)
{
	put(o, name);
	for (unsigned int k = 0; k < n; k++) {
		put_c(o, k ? ',' : '[');
		put_c(o, bits >> k & 1 ? '1' : '0');
	}
	put_c(o, ']');
}

static void put_clamp_omod(struct out *o, bool clamp, uint32_t omod)
{
	static const char *const omods[] = { "", " mul:2", " mul:4", " div:2" };

	if (clamp)
		put(o, " clamp");
	put(o, omods[omod & 3]);
}

static unsigned int count_sources(const struct rp_isa_row *row)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < row->n_operands; i++) {
		unsigned int f = rp_isa_opdescs[row->operands + i].field;

		n += f >= RP_ISA_FIELD_SRC0 && f <= RP_ISA_FIELD_SRC2;
	}
	return n;
}

static void put_vop3_tail(struct out *o, const struct rp_isa_inst *i, const struct rp_isa_row *row)
{
	uint32_t sel = i->w[0] >> 11 & 15;

	if (row->flags & RP_ISA_F_OPSEL) {
		unsigned int n = count_sources(row);

		/* Two-source forms keep the destination's bit in bit 14, too; permlane has none. */
		if (!(row->flags & RP_ISA_F_CLAMP)) {
			if (sel & 3)
				put_bits(o, " op_sel:", sel & 3, 2);
		} else if (sel) {
			put_bits(o, " op_sel:", n == 2 ? (sel & 3) | (sel >> 3) << 2 : sel, n + 1);
		}
	}
	if (row->n_operands > 2 && rp_isa_opdescs[row->operands + 2].type == RP_ISA_TYPE_ATTR &&
		i->w[1] >> 8 & 1)
		put(o, " high");
	put_clamp_omod(o, row->flags & RP_ISA_F_CLAMP && i->w[0] >> 15 & 1,
		row->flags & RP_ISA_F_OMOD ? i->w[1] >> 27 : 0);
}

static void put_vop3p_tail(struct out *o, const struct rp_isa_inst *i, const struct rp_isa_row *row)
{
	bool mix = rp_isa_opdescs[row->operands + 1].type == RP_ISA_TYPE_F16;
	unsigned int n = count_sources(row);
	uint32_t mask = (1u << n) - 1, sel = i->w[0] >> 11 & mask;
	uint32_t sel_hi = ((i->w[1] >> 27 & 3) | (i->w[0] >> 14 & 1) << 2) & mask;
	uint32_t neg_lo = i->w[1] >> 29 & mask, neg_hi = i->w[0] >> 8 & mask;

	if (sel)
		put_bits(o, " op_sel:", sel, n);
	if (sel_hi != (mix ? 0 : mask))
		put_bits(o, " op_sel_hi:", sel_hi, n);
	if (!mix && neg_lo)
		put_bits(o, " neg_lo:", neg_lo, n);
	if (!mix && neg_hi)
		put_bits(o, " neg_hi:", neg_hi, n);
	put_clamp_omod(o, i->w[0] >> 15 & 1, 0);
}

static void put_dpp_control(struct out *o, uint32_t c)
{
	static const struct {
		uint16_t first, last;
		const char *name;
		uint8_t base;
	} ranges[] = { { 0x101, 0x10f, "row_shl:", 1 }, { 0x111, 0x11f, "row_shr:", 1 },
		{ 0x121, 0x12f, "row_ror:", 1 }, { 0x150, 0x15f, "row_share:", 0 },
		{ 0x160, 0x16f, "row_xmask:", 0 } };

	if (c < 0x100) {
		put(o, " quad_perm:[");
		for (unsigned int k = 0; k < 4; k++) {
			if (k)
				put_c(o, ',');
			put_u(o, c >> (2 * k) & 3);
		}
		put_c(o, ']');
		return;
	}
	put_c(o, ' ');
	for (size_t k = 0; k < RP_ARRAY_SIZE(ranges); k++)
		if (c >= ranges[k].first && c <= ranges[k].last) {
			put(o, ranges[k].name);
			put_u(o, c - ranges[k].first + ranges[k].base);
			return;
		}
	if (c == 0x140 || c == 0x141)
		put(o, c == 0x140 ? "row_mirror" : "row_half_mirror");
	else if (c == 0x142 || c == 0x143)
		put(o, "/* row_bcast is not supported starting from GFX10 */");
	else if (c == 0x130 || c == 0x134 || c == 0x138 || c == 0x13c) {
		static const char *const waves[] = { "shl", "rol", "shr", "ror" };

		put(o, "/* wave_");
		put(o, waves[(c - 0x130) / 4]);
		put(o, " is not supported starting from GFX10 */");
	} else
		put(o, "/* Invalid dpp_ctrl value */");
}

static void put_form_tail(struct out *o, const struct rp_isa_inst *i, const struct rp_isa_row *row)
{
	static const char *const sels[] = { "BYTE_0", "BYTE_1", "BYTE_2", "BYTE_3", "WORD_0",
		"WORD_1", "DWORD", "" };
	static const char *const unused[] = { "UNUSED_PAD", "UNUSED_SEXT", "UNUSED_PRESERVE", "" };
	uint32_t w = i->w[1];

	if (i->form == RP_ISA_FORM_SDWA) {
		if (i->encoding != RP_ISA_VOPC) {
			put_clamp_omod(o, w >> 13 & 1, w >> 14);
			put(o, " dst_sel:");
			put(o, sels[w >> 8 & 7]);
			put(o, " dst_unused:");
			put(o, unused[w >> 11 & 3]);
		}
		put(o, " src0_sel:");
		put(o, sels[w >> 16 & 7]);
		if (count_sources(row) > 1) {
			put(o, " src1_sel:");
			put(o, sels[w >> 24 & 7]);
		}
		return;
	}
	if (i->form == RP_ISA_FORM_DPP8) {
		put(o, " dpp8:[");
		for (unsigned int k = 0; k < 8; k++) {
			if (k)
				put_c(o, ',');
			put_u(o, w >> (8 + 3 * k) & 7);
		}
		put_c(o, ']');
		if ((i->w[0] & 0x1ff) == SRC_DPP8_FI)
			put(o, " fi:1");
		return;
	}
	put_dpp_control(o, w >> 8 & 0x1ff);
	put(o, " row_mask:");
	put_x(o, w >> 28);
	put(o, " bank_mask:");
	put_x(o, w >> 24 & 15);
	if (w >> 19 & 1)
		put(o, " bound_ctrl:1");
	if (w >> 18 & 1)
		put(o, " fi:1");
}

static void put_offset(struct out *o, const char *name, int32_t v)
{
	if (v) {
		put(o, name);
		put_d(o, v);
	}
}

/* Patterns of ds_swizzle_b32: RDNA ISA document, "DS_SWIZZLE_B32"; names of LLVM. */
static void put_swizzle(struct out *o, uint32_t v)
{
	uint32_t and = v & 31, or = v >> 5 & 31, xor = v >> 10 & 31, group = 32 - and;

	if (!v)
		return;
	put(o, " offset:");
	if ((v & 0xff00) == 0x8000) {
		put(o, "swizzle(QUAD_PERM");
		for (unsigned int k = 0; k < 4; k++) {
			put_c(o, ',');
			put_u(o, v >> (2 * k) & 3);
		}
		put_c(o, ')');
		return;
	}
	if (v & 0x8000) {
		put_u(o, v);
		return;
	}
	if (and == 31 && ! or &&xor&&!(xor&(xor-1))) {
		put(o, "swizzle(SWAP,");
		put_u(o, xor);
	} else if (and == 31 && ! or &&xor&&!(xor&(xor+1))) {
		put(o, "swizzle(REVERSE,");
		put_u(o, xor+1);
	} else if (group > 1 && !(group & (group - 1)) && or < group && !xor) {
		put(o, "swizzle(BROADCAST,");
		put_u(o, group);
		put_c(o, ',');
		put_u(o, or);
	} else {
		put(o, "swizzle(BITMASK_PERM,\"");
		for (int k = 4; k >= 0; k--) {
			uint32_t a = and >> k & 1, r = or >> k & 1, x = xor >> k & 1;

			/* what bit k of the lane number becomes: constant, kept or inverted */
			put_c(o, !a ? (r ^ x ? '1' : '0') : r ? (x ? '0' : '1') : x ? 'i' : 'p');
		}
		put_c(o, '"');
	}
	put_c(o, ')');
}

static void put_flag(struct out *o, uint32_t bit, const char *text)
{
	if (bit & 1)
		put(o, text);
}

static void put_ds_tail(struct out *o, const struct rp_isa_inst *i, const struct rp_isa_row *row)
{
	uint32_t w = i->w[0];

	if (row->flags & RP_ISA_F_SWIZZLE) {
		put_swizzle(o, w & 0xffff);
	} else if (row->flags & RP_ISA_F_OFFSET01) {
		put_offset(o, " offset0:", (int32_t)(w & 0xff));
		put_offset(o, " offset1:", (int32_t)(w >> 8 & 0xff));
	} else {
		put_offset(o, " offset:", (int32_t)(w & 0xffff));
	}
	put_flag(o, w >> 17, " gds");
}

static void put_flat_tail(struct out *o, const struct rp_isa_inst *i)
{
	uint32_t w = i->w[0];
	int32_t offset = (int32_t)(w & 0xfff);

	if (i->encoding != RP_ISA_FLAT)
		offset = (int32_t)(w << 20) >> 20;
	put_offset(o, " offset:", offset);
	put_flag(o, w >> 16, " glc");
	put_flag(o, w >> 17, " slc");
	put_flag(o, w >> 12, " dlc");
	put_flag(o, w >> 13, " lds");
}

static void put_buffer_format(struct out *o, uint32_t f)
{
	if (f == 1)
		return;
	put(o, " format:");
	if (f >= RP_ISA_BUFFER_FORMATS) {
		put_u(o, f);
		return;
	}
	put(o, "[BUF_FMT_");
	put(o, rp_isa_buffer_formats[f]);
	put_c(o, ']');
}

static void put_buffer_tail(
	struct out *o, const struct rp_isa_inst *i, const struct rp_isa_row *row)
{
	uint32_t w = i->w[0];

	if (!row->n_operands)
		return;
	if (i->encoding == RP_ISA_MTBUF)
		put_buffer_format(o, w >> 19 & 0x7f);
	put_flag(o, w >> 13, " idxen");
	put_flag(o, w >> 12, " offen");
	put_offset(o, " offset:", (int32_t)(w & 0xfff));
	put_flag(o, w >> 14, " glc");
	put_flag(o, i->w[1] >> 22, " slc");
	put_flag(o, w >> 15, " dlc");
	if (i->encoding == RP_ISA_MUBUF) {
		put_flag(o, i->w[1] >> 23, " tfe");
		put_flag(o, w >> 16, " lds");
	}
}

static void put_image_tail(struct out *o, const struct rp_isa_inst *i)
{
	static const char *const dims[] = { "1D", "2D", "3D", "CUBE", "1D_ARRAY", "2D_ARRAY",
		"2D_MSAA", "2D_MSAA_ARRAY" };
	uint32_t w = i->w[0];

	if (!(i->flags & RP_ISA_F_BVH)) {
		if (w >> 8 & 15) {
			put(o, " dmask:");
			put_x(o, w >> 8 & 15);
		}
		put(o, " dim:SQ_RSRC_IMG_");
		put(o, dims[w >> 3 & 7]);
		put_flag(o, w >> 12, " unorm");
		put_flag(o, w >> 13, " glc");
		put_flag(o, w >> 25, " slc");
		put_flag(o, w >> 7, " dlc");
		put_flag(o, w >> 15, " r128");
	}
	put_flag(o, i->w[1] >> 30, " a16");
	if (!(i->flags & RP_ISA_F_BVH)) {
		put_flag(o, w >> 16, " tfe");
		put_flag(o, w >> 17, " lwe");
		put_flag(o, i->w[1] >> 31, " d16");
	}
}

void rp_isa_put_modifiers(struct out *o, const struct rp_isa_inst *i, const struct rp_isa_row *row)
{
	uint32_t w = i->w[0];

	if (i->form != RP_ISA_FORM_NATIVE) {
		put_form_tail(o, i, row);
		return;
	}
	switch (i->encoding) {
	case RP_ISA_VOP3:
		put_vop3_tail(o, i, row);
		break;
	case RP_ISA_VOP3P:
		put_vop3p_tail(o, i, row);
		break;
	case RP_ISA_DS:
		put_ds_tail(o, i, row);
		break;
	case RP_ISA_FLAT:
	case RP_ISA_GLOBAL:
	case RP_ISA_SCRATCH:
		put_flat_tail(o, i);
		break;
	case RP_ISA_MUBUF:
	case RP_ISA_MTBUF:
		put_buffer_tail(o, i, row);
		break;
	case RP_ISA_MIMG:
		put_image_tail(o, i);
		break;
	case RP_ISA_SMEM:
		if (row->flags & (RP_ISA_F_LOAD | RP_ISA_F_STORE | RP_ISA_F_ATOMIC)) {
			put_flag(o, w >> 16, " glc");
			put_flag(o, w >> 14, " dlc");
		}
		break;
	case RP_ISA_EXP:
		put_flag(o, w >> 11, " done");
		put_flag(o, w >> 10, " compr");
		put_flag(o, w >> 12, " vm");
		break;
	default:
		break;
	}
}
