/* SPDX-License-Identifier: MIT */
/*
 * Text of an instruction in LLVM 19's syntax: mnemonic and operands. The modifiers behind them
 * are in modifiers.c.
 */
#include "isa/print.h"

static void put_tuple(struct out *o, const char *prefix, unsigned int first, unsigned int n)
{
	put(o, prefix);
	if (n <= 1) {
		put_u(o, first);
		return;
	}
	put_c(o, '[');
	put_u(o, first);
	put_c(o, ':');
	put_u(o, first + n - 1);
	put_c(o, ']');
}

static void put_scalar(struct out *o, unsigned int reg, unsigned int n)
{
	static const char *const one[] = { "m0", "null", "exec_lo", "exec_hi" };

	if (n > 1 && reg != RP_ISA_NULL)
		reg &= n > 2 ? ~3u : ~1u;
	if (reg < RP_ISA_VCC_LO)
		put_tuple(o, "s", reg, n);
	else if (reg < RP_ISA_TTMP0)
		put(o, n > 1 ? "vcc" : reg == RP_ISA_VCC_LO ? "vcc_lo" : "vcc_hi");
	else if (reg < RP_ISA_M0)
		put_tuple(o, "ttmp", reg - RP_ISA_TTMP0, n);
	else if (n > 1 && reg >= RP_ISA_EXEC_LO)
		put(o, "exec");
	else
		put(o, one[reg - RP_ISA_M0]);
}

/* Constants 240..248 by index, and the bits that they stand for. */
static const char *const float_text[] = { "0.5", "-0.5", "1.0", "-1.0", "2.0", "-2.0", "4.0",
	"-4.0", "0.15915494" };
static const uint32_t float_bits[] = { 0x3f000000, 0xbf000000, 0x3f800000, 0xbf800000, 0x40000000,
	0xc0000000, 0x40800000, 0xc0800000, 0x3e22f983 };
static const uint16_t half_bits[] = { 0x3800, 0xb800, 0x3c00, 0xbc00, 0x4000, 0xc000, 0x4400,
	0xc400, 0x3118 };

static bool put_float(struct out *o, uint32_t v)
{
	for (size_t i = 0; i < RP_ARRAY_SIZE(float_bits); i++)
		if (v == float_bits[i]) {
			put(o, float_text[i]);
			return true;
		}
	return false;
}

static bool put_half(struct out *o, uint32_t v)
{
	for (size_t i = 0; i < RP_ARRAY_SIZE(half_bits); i++)
		if (v == half_bits[i]) {
			put(o, float_text[i]);
			return true;
		}
	return false;
}

static bool put_small(struct out *o, int32_t v)
{
	if (v < -16 || v > 64)
		return false;
	put_d(o, v);
	return true;
}

/* LLVM shows a literal as the constant that has the same value, if there is one. */
static void put_literal(struct out *o, unsigned int type, uint32_t v)
{
	switch (type) {
	case RP_ISA_TYPE_F16:
	case RP_ISA_TYPE_I16S:
		if (!put_small(o, (int16_t)(uint16_t)v) && !put_half(o, v & 0xffff))
			put_x(o, v & 0xffff);
		break;
	case RP_ISA_TYPE_I16:
		if (!put_small(o, (int32_t)v) && !put_float(o, v))
			put_x(o, v & 0xffff);
		break;
	case RP_ISA_TYPE_V2F16:
		if (!put_small(o, (int32_t)v) && !put_half(o, v))
			put_x(o, v);
		break;
	case RP_ISA_TYPE_I64:
		if (v > 64 || !put_small(o, (int32_t)v))
			put_x(o, v);
		break;
	case RP_ISA_TYPE_F64:
		put_x(o, v);
		break;
	default:
		if (!put_small(o, (int32_t)v) && !put_float(o, v))
			put_x(o, v);
		break;
	}
}

static void put_inline(struct out *o, const struct rp_isa_operand *op)
{
	if (op->reg <= 208)
		put_d(o, (int32_t)op->value);
	else if (op->type == RP_ISA_TYPE_I16)
		put_x(o, half_bits[op->value]);
	else if (op->reg == 248 && (op->type == RP_ISA_TYPE_I64 || op->type == RP_ISA_TYPE_F64))
		put(o, "0.15915494309189532");
	else
		put(o, float_text[op->value]);
}

static void put_special(struct out *o, unsigned int reg)
{
	static const char *const apertures[] = { "src_shared_base", "src_shared_limit",
		"src_private_base", "src_private_limit", "src_pops_exiting_wave_id" };
	static const char *const others[] = { "src_vccz", "src_execz", "src_scc",
		"src_lds_direct" };

	if (reg >= 235 && reg <= 239)
		put(o, apertures[reg - 235]);
	else if (reg >= 251 && reg <= 254)
		put(o, others[reg - 251]);
	else
		put(o, "reserved");
}

static void put_waitcnt(struct out *o, uint32_t v)
{
	uint32_t vm = (v & 15) | (v >> 14 & 3) << 4, exp = v >> 4 & 7, lgkm = v >> 8 & 63;
	bool all = vm == 63 && exp == 7 && lgkm == 63;
	size_t start = o->n;

	if (all || vm != 63) {
		put(o, "vmcnt(");
		put_u(o, vm);
		put_c(o, ')');
	}
	if (all || exp != 7) {
		put(o, o->n > start ? " expcnt(" : "expcnt(");
		put_u(o, exp);
		put_c(o, ')');
	}
	if (all || lgkm != 63) {
		put(o, o->n > start ? " lgkmcnt(" : "lgkmcnt(");
		put_u(o, lgkm);
		put_c(o, ')');
	}
}

/* Counters of s_waitcnt_depctr; the field hold_cnt is RDNA 2's. */
static void put_depctr(struct out *o, uint32_t v, unsigned int chip)
{
	static const struct {
		uint8_t shift, bits;
		const char *name;
	} fields[] = { { 7, 1, "hold_cnt" }, { 0, 1, "sa_sdst" }, { 12, 4, "va_vdst" },
		{ 9, 3, "va_sdst" }, { 8, 1, "va_ssrc" }, { 1, 1, "va_vcc" }, { 2, 3, "vm_vsrc" } };
	size_t first = chip & RP_ISA_GFX1030 ? 0 : 1;
	bool all = v == (first ? 0xff1fu : 0xff9fu);
	const char *between = "";

	if (v & (first ? 0xe0u : 0x60u)) {
		put_x(o, v);
		return;
	}
	for (size_t k = first; k < RP_ARRAY_SIZE(fields); k++) {
		uint32_t max = (1u << fields[k].bits) - 1, f = v >> fields[k].shift & max;

		if (f == max && !all)
			continue;
		put(o, between);
		put(o, "depctr_");
		put(o, fields[k].name);
		put_c(o, '(');
		put_u(o, f);
		put_c(o, ')');
		between = " ";
	}
}

/* s_version: a code generation in bits 7:0 and three bits of options. */
static void put_version(struct out *o, uint32_t v)
{
	static const char *const options[] = { "|UC_VERSION_W64_BIT", "|UC_VERSION_W32_BIT",
		"|UC_VERSION_MDP_BIT" };
	static const char *const generations[] = { [0] = "7", [4] = "10", [6] = "11", [9] = "12" };
	uint32_t generation = v & 0xff, bits = v >> 13;

	if (v & 0x1f00) {
		put_x(o, v);
		return;
	}
	for (int k = 1; k < __builtin_popcount(bits); k++)
		put_c(o, '(');
	if (generation < RP_ARRAY_SIZE(generations) && generations[generation]) {
		put(o, "UC_VERSION_GFX");
		put(o, generations[generation]);
	} else {
		put_u(o, generation);
	}
	for (unsigned int k = 0, n = 0; k < RP_ARRAY_SIZE(options); k++)
		if (bits >> k & 1) {
			if (n++)
				put_c(o, ')');
			put(o, options[k]);
		}
}

static void put_hwreg(struct out *o, uint32_t v, unsigned int chip)
{
	const char *name = rp_isa_hwreg_name(v & 63, chip);

	put(o, "hwreg(");
	if (name) {
		put(o, "HW_REG_");
		put(o, name);
	} else {
		put_u(o, v & 63);
	}
	if (v >> 6 != 31 << 5) { /* not all 32 bits from bit 0 */
		put(o, ", ");
		put_u(o, v >> 6 & 31);
		put(o, ", ");
		put_u(o, (v >> 11) + 1);
	}
	put_c(o, ')');
}

static void put_message(struct out *o, uint32_t v)
{
	uint32_t id = v & 15, op = v >> 4 & 7, stream = v >> 8 & 3;
	struct rp_isa_message m;

	if (rp_isa_message_names(id, op, stream, &m)) {
		put(o, "sendmsg(");
		put(o, m.id);
		if (m.op) {
			put(o, ", ");
			put(o, m.op);
		}
		if (m.stream) {
			put(o, ", ");
			put_u(o, stream);
		}
		put_c(o, ')');
	} else if (v == (id | op << 4 | stream << 8)) {
		put(o, "sendmsg(");
		put_u(o, id);
		put(o, ", ");
		put_u(o, op);
		put(o, ", ");
		put_u(o, stream);
		put_c(o, ')');
	} else {
		put_u(o, v);
	}
}

static void put_target(struct out *o, const struct rp_isa_inst *i, const struct rp_isa_print *p)
{
	size_t n = 0;

	if (p && p->label) {
		n = p->label(p->user, rp_isa_branch_target(i, p->off), o->text + o->n,
			sizeof(o->text) - o->n);
		if (n < sizeof(o->text) - o->n)
			o->n += n;
		else
			n = 0;
	}
	if (!n)
		put_u(o, i->w[0] & 0xffff);
}

static void put_export_target(struct out *o, uint32_t t)
{
	static const struct {
		uint8_t first, last;
		const char *name;
	} ranges[] = { { 0, 7, "mrt" }, { 12, 16, "pos" }, { 32, 63, "param" } };

	for (size_t i = 0; i < RP_ARRAY_SIZE(ranges); i++)
		if (t >= ranges[i].first && t <= ranges[i].last) {
			put(o, ranges[i].name);
			put_u(o, t - ranges[i].first);
			return;
		}
	if (t == 8 || t == 9 || t == 20) {
		put(o, t == 8 ? "mrtz" : t == 9 ? "null" : "prim");
		return;
	}
	put(o, "invalid_target_");
	put_u(o, t);
}

static void put_attribute(struct out *o, uint32_t attr, uint32_t channel)
{
	put(o, "attr");
	put_u(o, attr);
	put_c(o, '.');
	put_c(o, "xyzw"[channel & 3]);
}

static void put_parameter(struct out *o, uint32_t v)
{
	static const char *const names[] = { "p10", "p20", "p0" };

	if (v < RP_ARRAY_SIZE(names)) {
		put(o, names[v]);
		return;
	}
	put(o, "invalid_param_");
	put_u(o, v);
}

static void put_immediate(struct out *o, const struct rp_isa_target *t, const struct rp_isa_inst *i,
	const struct rp_isa_print *p, const struct rp_isa_operand *op)
{
	switch (op->type) {
	case RP_ISA_TYPE_DEC:
		if (!put_small(o, (int32_t)op->value))
			put_x(o, op->value);
		break;
	case RP_ISA_TYPE_HEX:
		put_x(o, op->value);
		break;
	case RP_ISA_TYPE_VERSION:
		put_version(o, op->value);
		break;
	case RP_ISA_TYPE_DEPCTR:
		put_depctr(o, op->value, t->chip);
		break;
	case RP_ISA_TYPE_HWREG:
		put_hwreg(o, op->value, t->chip);
		break;
	case RP_ISA_TYPE_MSG:
		put_message(o, op->value);
		break;
	case RP_ISA_TYPE_REL:
		put_target(o, i, p);
		break;
	case RP_ISA_TYPE_WAIT:
		put_waitcnt(o, op->value);
		break;
	case RP_ISA_TYPE_SMEM:
		if (!op->value) {
			put(o, "null");
			break;
		}
		if ((int32_t)op->value < 0)
			put_c(o, '-');
		put_x(o, (int32_t)op->value < 0 ? 0u - op->value : op->value);
		break;
	case RP_ISA_TYPE_ATTR:
		if (i->encoding == RP_ISA_VINTRP)
			put_attribute(o, op->value >> 2, op->value);
		else
			put_attribute(o, op->value & 63, op->value >> 6);
		break;
	case RP_ISA_TYPE_PARAM:
		put_parameter(o, op->value);
		break;
	case RP_ISA_TYPE_TGT:
		put_export_target(o, op->value);
		break;
	default:
		put_u(o, op->value);
		break;
	}
}

static void put_plain_operand(struct out *o, const struct rp_isa_target *t,
	const struct rp_isa_inst *i, const struct rp_isa_print *p, const struct rp_isa_operand *op)
{
	switch (op->kind) {
	case RP_ISA_OP_SCALAR:
		put_scalar(o, op->reg, op->type == RP_ISA_TYPE_SMEM ? 1 : op->dwords);
		if (op->type == RP_ISA_TYPE_SMEM && op->value) {
			put(o, " offset:");
			if ((int32_t)op->value < 0)
				put_c(o, '-');
			put_x(o, (int32_t)op->value < 0 ? 0u - op->value : op->value);
		}
		break;
	case RP_ISA_OP_VGPR:
		put_tuple(o, "v", op->reg, op->dwords);
		break;
	case RP_ISA_OP_INLINE:
		put_inline(o, op);
		break;
	case RP_ISA_OP_LITERAL:
		if (op->field == RP_ISA_FIELD_LIT && op->type != RP_ISA_TYPE_I32)
			put_x(o, op->value); /* the constant of the mk and ak instructions */
		else
			put_literal(o, op->type, op->value);
		break;
	case RP_ISA_OP_SPECIAL:
		put_special(o, op->reg);
		break;
	case RP_ISA_OP_IMMEDIATE:
		put_immediate(o, t, i, p, op);
		break;
	default:
		put(o, "off");
		break;
	}
}

static void put_operand(struct out *o, const struct rp_isa_target *t, const struct rp_isa_inst *i,
	const struct rp_isa_print *p, const struct rp_isa_operand *op)
{
	/* "-1" is the constant -1: a negated constant is neg(1) */
	bool constant = op->kind == RP_ISA_OP_INLINE || op->kind == RP_ISA_OP_LITERAL;
	bool call = op->mods & RP_ISA_MOD_SEXT || (op->mods == RP_ISA_MOD_NEG && constant);

	if (call)
		put(o, op->mods & RP_ISA_MOD_SEXT ? "sext(" : "neg(");
	else if (op->mods & RP_ISA_MOD_NEG)
		put_c(o, '-');
	if (op->mods & RP_ISA_MOD_ABS)
		put_c(o, '|');
	put_plain_operand(o, t, i, p, op);
	if (op->mods & RP_ISA_MOD_ABS)
		put_c(o, '|');
	if (call)
		put_c(o, ')');
}

static void put_nsa(struct out *o, const uint8_t *vgpr, unsigned int n)
{
	for (unsigned int a = 0; a < n; a++) {
		put(o, a ? ", " : "[");
		put_tuple(o, "v", vgpr[a], 1);
	}
	put_c(o, ']');
}

/* The four sources of EXP: "off" where en is 0; compr has two registers of packed pairs. */
static void export_source(const struct rp_isa_inst *i, unsigned int n, struct rp_isa_operand *op)
{
	bool compr = i->w[0] >> 10 & 1;
	unsigned int source = n - 1;

	if (compr)
		op->reg = (uint16_t)(i->w[1] >> (8 * (source / 2)) & 0xff);
	op->kind = i->w[0] >> source & 1 ? RP_ISA_OP_VGPR : RP_ISA_OP_OFF;
}

static void put_operands(struct out *o, const struct rp_isa_target *t, const struct rp_isa_inst *i,
	const struct rp_isa_row *row, const struct rp_isa_print *p)
{
	struct rp_isa_operand op;
	uint8_t nsa[13];
	unsigned int n_nsa = rp_isa_nsa(i, nsa);
	bool first = true;

	for (unsigned int n = 0; n < row->n_operands; n++) {
		rp_isa_operand(t, i, n, &op);
		if (op.kind == RP_ISA_OP_NONE || (op.type == RP_ISA_TYPE_OPT && !op.value))
			continue;
		if (first) /* LLVM has two blanks in sample and gather with NSA */
			put(o, n_nsa && row->n_operands > 3 ? "  " : " ");
		else if (i->encoding == RP_ISA_EXP && n == 1)
			put_c(o, ' ');
		else
			put(o, ", ");
		first = false;
		if (i->encoding == RP_ISA_EXP && n)
			export_source(i, n, &op);
		if (n_nsa && op.field == RP_ISA_FIELD_VADDR)
			put_nsa(o, nsa, n_nsa);
		else
			put_operand(o, t, i, p, &op);
	}
}

static void put_mnemonic(struct out *o, const struct rp_isa_inst *i, const struct rp_isa_row *row)
{
	put_n(o, rp_isa_name_pool + row->name, row->name_length);
	if (i->form == RP_ISA_FORM_SDWA)
		put(o, "_sdwa");
	else if (i->form != RP_ISA_FORM_NATIVE)
		put(o, row->n_operands ? "_dpp" : "");
	else if (row->flags & RP_ISA_F_E32)
		put(o, "_e32");
	else if (row->flags & RP_ISA_F_E64)
		put(o, "_e64");
}

size_t rp_isa_print(const struct rp_isa_target *t, const struct rp_isa_inst *inst,
	const struct rp_isa_print *p, char *buf, size_t size)
{
	const struct rp_isa_row *row = rp_isa_row_of(inst);
	struct out o;
	size_t n;

	o.n = 0;
	if (inst->status == RP_ISA_OK) {
		put_mnemonic(&o, inst, row);
		put_operands(&o, t, inst, row, p);
		rp_isa_put_modifiers(&o, inst, row);
	} else if (inst->bytes >= 4 && !inst->w[0]) {
		put(&o, "v_illegal"); /* LLVM's name of the word 0 on gfx10 */
	} else {
		static const char digits[] = "0123456789abcdef";

		put(&o, inst->bytes >= 4 ? ".long 0x" : ".byte 0x");
		for (int k = inst->bytes >= 4 ? 28 : 8 * inst->bytes - 4; k >= 0; k -= 4)
			put_c(&o, digits[inst->w[0] >> k & 15]);
	}
	if (size) {
		n = o.n < size ? o.n : size - 1;
		memcpy(buf, o.text, n);
		buf[n] = '\0';
	}
	return o.n;
}

const char *rp_isa_encoding_name(unsigned int encoding)
{
	static const char *const names[RP_ISA_ENCODING_MAX] = { "", "SOP1", "SOP2", "SOPC", "SOPK",
		"SOPP", "SMEM", "VOP1", "VOP2", "VOPC", "VOP3", "VOP3P", "VINTRP", "DS", "FLAT",
		"SCRATCH", "GLOBAL", "MUBUF", "MTBUF", "MIMG", "EXP" };

	return encoding < RP_ISA_ENCODING_MAX ? names[encoding] : "";
}

const char *rp_isa_name(unsigned int row)
{
	return rp_isa_name_pool + (row < rp_isa_n_rows ? rp_isa_rows[row].name : 0);
}
