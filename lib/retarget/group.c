/* SPDX-License-Identifier: MIT */
/*
 * Sequences that stand for one instruction: dot products, FLAT with an added offset, long
 * branches. They are told by what they do, field by field, not by making them again.
 */
#include "retarget/verify.h"

static const struct rp_isa_inst *new_at(const struct rp_vf_pair *p, uint32_t j)
{
	static const struct rp_isa_inst none;

	return j < p->new_code.n ? &p->new_code.v[j] : &none;
}

static bool is_op(const struct rp_isa_inst *i, enum rp_isa_encoding encoding, const char *name)
{
	return i->encoding == encoding && strcmp(rp_isa_name(i->row), name) == 0;
}

struct mix {
	uint32_t d, a, b, c, sel, sel_hi, neg, abs;
	bool clamp;
};

static bool read_mix(const struct rp_isa_inst *i, struct mix *m)
{
	if (!is_op(i, RP_ISA_VOP3P, "v_fma_mix_f32") || i->bytes != 8)
		return false;
	*m = (struct mix){ i->w[0] & 0xff, i->w[1] & 0x1ff, i->w[1] >> 9 & 0x1ff,
		i->w[1] >> 18 & 0x1ff, i->w[0] >> 11 & 7,
		(i->w[1] >> 27 & 3) | (i->w[0] >> 14 & 1) << 2, i->w[1] >> 29, i->w[0] >> 8 & 7,
		i->w[0] >> 15 & 1 };
	return m->sel_hi == 3 && !m->abs && !m->clamp; /* a, b: halves; c: f32 */
}

/* d = a.x * b.x + c; d = a.y * b.y + d */
static bool dot2(struct rp_vf *v, size_t function, const struct rp_isa_inst *old, uint32_t *j)
{
	const struct rp_vf_pair *p = &v->pairs[function];
	struct mix one, two;
	uint32_t d, a, b, c, lo = 0, hi = 3, neg_lo = 0, neg_hi = 0;

	if (old->encoding == RP_ISA_VOP2) {
		d = old->w[0] >> 17 & 0xff;
		a = old->w[0] & 0x1ff;
		b = 256 + (old->w[0] >> 9 & 0xff);
		c = 256 + d;
	} else {
		d = old->w[0] & 0xff;
		a = old->w[1] & 0x1ff;
		b = old->w[1] >> 9 & 0x1ff;
		c = old->w[1] >> 18 & 0x1ff;
		lo = old->w[0] >> 11 & 7;
		hi = old->w[1] >> 27 & 3;
		neg_lo = old->w[1] >> 29;
		neg_hi = old->w[0] >> 8 & 7;
		if (old->w[0] >> 15 & 1 || lo & 4 || neg_hi & 4)
			return false;
	}
	/* scalar sources and VGPRs only: constants mean other things in the two instructions; 0 does not */
	if ((a >= 108 && a < 256) || (b >= 108 && b < 256) || (c >= 108 && c < 256 && c != 128))
		return false;
	if (!read_mix(new_at(p, *j), &one) || !read_mix(new_at(p, *j + 1), &two))
		return false;
	if (one.a != a || one.b != b || one.c != c || two.a != a || two.b != b || two.d != d ||
		two.c != 256 + one.d || one.sel != lo || two.sel != hi || one.neg != neg_lo ||
		two.neg != neg_hi)
		return false;
	if (one.d == d ? a == 256 + d || b == 256 + d : !rp_vf_vgpr_is_free(v, function, one.d))
		return false;
	*j += 1;
	return true;
}

struct product {
	uint32_t d, b, a, k;
	bool is_signed;
};

/* v_mul_{i,u}32_{i,u}24_sdwa with byte k of both sources, whole destination. */
static bool read_product(const struct rp_isa_inst *i, struct product *m)
{
	uint32_t w1 = i->w[1], sel = w1 >> 16 & 7;

	if (i->encoding != RP_ISA_VOP2 || i->form != RP_ISA_FORM_SDWA)
		return false;
	m->is_signed = is_op(i, RP_ISA_VOP2, "v_mul_i32_i24");
	if (!m->is_signed && !is_op(i, RP_ISA_VOP2, "v_mul_u32_u24"))
		return false;
	m->d = i->w[0] >> 17 & 0xff;
	m->b = 256 + (i->w[0] >> 9 & 0xff);
	m->a = (w1 & 0xff) + (w1 >> 23 & 1 ? 0 : 256);
	m->k = sel;
	return sel < 4 && (w1 >> 24 & 7) == sel && (w1 >> 8 & 0xff) == 6 && !(w1 >> 31) &&
	       (w1 >> 19 & 1) == m->is_signed && (w1 >> 27 & 1) == m->is_signed &&
	       !(w1 & UINT32_C(0x70700000));
}

/* sum = c + a.0 * b.0; sum += a.k * b.k; d gets the last sum. */
static bool dot4(struct rp_vf *v, size_t function, const struct rp_isa_inst *old, uint32_t *j)
{
	const struct rp_vf_pair *p = &v->pairs[function];
	bool vop2 = old->encoding == RP_ISA_VOP2;
	bool is_signed = !is_op(old, RP_ISA_VOP3P, "v_dot4_u32_u8");
	uint32_t d = vop2 ? old->w[0] >> 17 & 0xff : old->w[0] & 0xff;
	uint32_t a = vop2 ? old->w[0] & 0x1ff : old->w[1] & 0x1ff;
	uint32_t b = vop2 ? 256 + (old->w[0] >> 9 & 0xff) : old->w[1] >> 9 & 0x1ff;
	uint32_t c = vop2 ? 256 + d : old->w[1] >> 18 & 0x1ff, sum = c, moved = 256;
	uint32_t n = *j;

	if (!vop2 && ((old->w[0] & 0xbf00) || (old->w[1] >> 27) != 3))
		return false;
	if (b < 256 && a >= 256) { /* a product is the same the other way round */
		uint32_t other = a;

		a = b;
		b = other;
	}
	if (b < 256)
		return false;
	if (a >= 108 && a < 256) { /* a constant goes through a VGPR */
		const struct rp_isa_inst *i = new_at(p, n++);

		if (!is_op(i, RP_ISA_VOP1, "v_mov_b32") || (i->w[0] & 0x1ff) != a ||
			(a == 255 && (!i->literal || i->w[1] != old->w[old->literal])))
			return false;
		moved = i->w[0] >> 17 & 0xff;
		a = 256 + moved;
		if (!rp_vf_vgpr_is_free(v, function, moved))
			return false;
	}
	for (uint32_t k = 0; k < 4; k++) {
		const struct rp_isa_inst *add = new_at(p, n + 1);
		struct product m;
		uint32_t to;

		if (!read_product(new_at(p, n), &m) || !is_op(add, RP_ISA_VOP2, "v_add_nc_u32") ||
			add->form != RP_ISA_FORM_NATIVE || add->literal)
			return false;
		to = add->w[0] >> 17 & 0xff;
		if (m.a != a || m.b != b || m.k != k || m.is_signed != is_signed || m.d == moved ||
			!rp_vf_vgpr_is_free(v, function, m.d) || (add->w[0] & 0x1ff) != sum ||
			256 + (add->w[0] >> 9 & 0xff) != 256 + m.d || to == m.d || to == moved)
			return false;
		/* before the last step the sum may be in d only if a and b are not */
		if (k < 3 && (to == d ? a == 256 + d || b == 256 + d
				      : !rp_vf_vgpr_is_free(v, function, to)))
			return false;
		if (k == 3 && to != d)
			return false;
		sum = 256 + to;
		n += 2;
	}
	*j = n - 1;
	return true;
}

/* Addition or subtraction with carry, VOP3B. */
struct carry_op {
	uint32_t d, sdst, src0, src1, src2, literal;
};

static bool read_carry(const struct rp_isa_inst *i, const char *name, struct carry_op *c)
{
	if (!is_op(i, RP_ISA_VOP3, name) || i->w[0] >> 15 & 1 || i->w[1] >> 27)
		return false;
	*c = (struct carry_op){ i->w[0] & 0xff, i->w[0] >> 8 & 0x7f, i->w[1] & 0x1ff,
		i->w[1] >> 9 & 0x1ff, i->w[1] >> 18 & 0x1ff, i->literal ? i->w[i->literal] : 0 };
	return true;
}

static bool is_offset(uint32_t code, uint32_t literal, uint32_t offset)
{
	return code == 255 ? literal == offset : code >= 128 && code <= 192 && code - 128 == offset;
}

struct touched {
	bool lo, hi, odd;
};

static struct touched touched_by(
	const struct rp_isa_target *t, const struct rp_isa_inst *i, uint32_t lo)
{
	struct touched x = { false, false, false };
	struct rp_isa_operand op;

	for (unsigned int n = 0; n < rp_isa_row_of(i)->n_operands; n++) {
		rp_isa_operand(t, i, n, &op);
		if (op.kind != RP_ISA_OP_VGPR || op.field == RP_ISA_FIELD_ADDR)
			continue;
		for (uint32_t r = op.reg; r < (uint32_t)op.reg + op.dwords; r++) {
			if (r != lo && r != lo + 1)
				continue;
			x.odd |= (op.access & RP_ISA_OP_READ) != 0;
			if (op.access & RP_ISA_OP_WRITE)
				*(r == lo ? &x.lo : &x.hi) = true;
		}
	}
	return x;
}

/* Behind the access: address as before it, as far as the access has not overwritten it. */
static bool undone(struct rp_vf *v, size_t function, uint32_t *j, uint32_t lo, uint32_t offset,
	const struct carry_op *added, struct touched x)
{
	const struct rp_vf_pair *p = &v->pairs[function];
	const struct rp_isa_inst *one = new_at(p, *j + 1), *two = new_at(p, *j + 2);
	struct carry_op sub, sub_hi;

	if (x.lo && x.hi)
		return true;
	if (x.hi) { /* lo = lo - offset */
		*j += 1;
		return is_op(one, RP_ISA_VOP2, "v_subrev_nc_u32") &&
		       (one->w[0] >> 17 & 0xff) == lo && (one->w[0] >> 9 & 0xff) == lo &&
		       is_offset(one->w[0] & 0x1ff, one->literal ? one->w[1] : 0, offset);
	}
	if (x.lo) { /* hi = hi - the carry of the addition, which must still be there */
		*j += 1;
		return read_carry(one, "v_sub_co_ci_u32", &sub_hi) && sub_hi.d == lo + 1 &&
		       sub_hi.src0 == 256 + lo + 1 && sub_hi.src1 == 128 &&
		       sub_hi.src2 == added[0].sdst && added[1].sdst != added[0].sdst;
	}
	*j += 2;
	return read_carry(one, "v_sub_co_u32", &sub) &&
	       read_carry(two, "v_sub_co_ci_u32", &sub_hi) && sub.d == lo && sub.src0 == 256 + lo &&
	       is_offset(sub.src1, sub.literal, offset) && sub_hi.d == lo + 1 &&
	       sub_hi.src0 == 256 + lo + 1 && sub_hi.src1 == 128 && sub_hi.src2 == sub.sdst &&
	       sub.sdst == added[0].sdst && sub_hi.sdst == sub.sdst;
}

static bool flat_add(struct rp_vf *v, size_t function, uint32_t i, uint32_t *j)
{
	const struct rp_vf_pair *p = &v->pairs[function];
	const struct rp_isa_inst *old = &p->old_code.v[i], *access = new_at(p, *j + 2);
	uint32_t lo = old->w[1] & 0xff, offset = old->w[0] & 0xfff, n = *j + 2;
	struct touched x = touched_by(&p->old_code.target, old, lo);
	struct carry_op added[2];

	if (x.odd || !read_carry(new_at(p, *j), "v_add_co_u32", &added[0]) ||
		!read_carry(new_at(p, *j + 1), "v_add_co_ci_u32", &added[1]))
		return false;
	if (added[0].d != lo || !is_offset(added[0].src0, added[0].literal, offset) ||
		added[0].src1 != 256 + lo || added[1].d != lo + 1 || added[1].src0 != 128 ||
		added[1].src1 != 256 + lo + 1 || added[1].src2 != added[0].sdst)
		return false;
	if (access->encoding != RP_ISA_FLAT || access->w[0] != (old->w[0] & ~UINT32_C(0xfff)) ||
		access->w[1] != old->w[1])
		return false;
	if (!rp_vf_scalar_is_free(v, function, i, added[0].sdst) ||
		!rp_vf_scalar_is_free(v, function, i, added[1].sdst))
		return false;
	if (x.lo && !x.hi) { /* the last subtraction writes one of the two again */
		struct carry_op last;

		if (!read_carry(new_at(p, n + 1), "v_sub_co_ci_u32", &last) ||
			(last.sdst != added[0].sdst && last.sdst != added[1].sdst))
			return false;
	}
	if (!undone(v, function, &n, lo, offset, added, x))
		return false;
	*j = n;
	return true;
}

bool rp_vf_group(struct rp_vf *v, size_t function, uint32_t i, uint32_t *j)
{
	const struct rp_isa_inst *old = &v->pairs[function].old_code.v[i];

	if (old->encoding == RP_ISA_FLAT && old->w[0] & 0xfff)
		return flat_add(v, function, i, j);
	if (old->form != RP_ISA_FORM_NATIVE)
		return false;
	if (is_op(old, RP_ISA_VOP2, "v_dot2c_f32_f16") ||
		is_op(old, RP_ISA_VOP3P, "v_dot2_f32_f16"))
		return dot2(v, function, old, j);
	if (is_op(old, RP_ISA_VOP2, "v_dot4c_i32_i8") ||
		is_op(old, RP_ISA_VOP3P, "v_dot4_i32_i8") ||
		is_op(old, RP_ISA_VOP3P, "v_dot4_u32_u8"))
		return dot4(v, function, old, j);
	return false;
}
