/* SPDX-License-Identifier: MIT */
/*
 * Vector instructions around their kernels: fetching sources (broadcasts, SDWA, DPP, op_sel,
 * modifiers, denormal flushing), and merging results under EXEC.
 *
 * The order for a source: select lane (DPP) or part (SDWA, op_sel), sign-extend, absolute value,
 * negation, flush; for a result: round (kernel), flush, output modifier, clamp, select (SDWA).
 * Sources: "RDNA 2" instruction set document, chapters "Vector ALU Operations", "SDWA", "DPP".
 */
#include "vgpu/exec/internal.h"

#include <fenv.h>
#include <string.h>

#define TMP (4 * RP_LANES)

struct flow {
	uint32_t tmp[3][TMP] __attribute__((aligned(64)));
	uint32_t out[2 * RP_LANES] __attribute__((aligned(64)));
};

static bool is_float16(unsigned int type)
{
	return type == RP_ISA_TYPE_F16;
}

/* Which lane a DPP16 control reads for lane i of a half; -1: outside of the row. */
static int dpp_lane(unsigned int ctrl, int i)
{
	int row = i & ~15, c = i & 15, n = (int)(ctrl & 15);

	if (ctrl < 0x100) /* quad_perm */
		return (i & ~3) | (int)(ctrl >> (2 * (i & 3)) & 3);
	switch (ctrl >> 4) {
	case 0x10: /* row_shl */
		return c + n < 16 ? row + c + n : -1;
	case 0x11: /* row_shr */
		return c - n >= 0 ? row + c - n : -1;
	case 0x12: /* row_ror */
		return row + ((c - n) & 15);
	case 0x14:
		return ctrl == 0x140 ? row + 15 - c
				     : (i & ~7) + 7 - (i & 7); /* row_mirror, row_half_mirror */
	case 0x15: /* row_share */
		return row + n;
	case 0x16: /* row_xmask */
		return row + (c ^ n);
	default:
		return -2;
	}
}

/* Lanes that the instruction may write are left in *exec; false: a control that gfx10 does not have. */
static bool dpp_fetch(const struct pvalu *v, const uint32_t *s, unsigned int n_arrays, uint32_t *d,
	uint32_t *exec)
{
	uint32_t w1 = v->dpp, active = *exec, write = active;
	bool fi, bound = true;

	fi = v->form == RP_ISA_FORM_DPP8 ? v->dpp8_fi != 0 : w1 >> 18 & 1;
	if (v->form == RP_ISA_FORM_DPP16)
		bound = w1 >> 19 & 1;
	for (int i = 0; i < RP_LANES; i++) {
		int from;
		bool valid;

		if (v->form == RP_ISA_FORM_DPP8) {
			from = (i & ~7) + (int)(w1 >> (8 + 3 * (i & 7)) & 7);
		} else {
			from = dpp_lane(w1 >> 8 & 0x1ff, i);
		}
		if (from == -2)
			return false;
		valid = from >= 0 && (fi || active >> from & 1);
		for (unsigned int k = 0; k < n_arrays; k++)
			d[k * RP_LANES + (unsigned int)i] =
				valid ? s[k * RP_LANES + (unsigned int)from] : 0;
		if (!valid && !bound)
			write &= ~(1u << i);
	}
	*exec = write;
	return true;
}

/* row_mask has a bit per 16 lanes of the wave, bank_mask one per 4 lanes of a row. */
static uint32_t dpp_rows(const struct pvalu *v, unsigned int half)
{
	uint32_t rows = v->dpp >> 28 & 15, banks = v->dpp >> 24 & 15, m = 0;

	for (unsigned int i = 0; i < RP_LANES; i++)
		if (rows >> (2 * half + i / 16) & 1 && banks >> (i / 4 % 4) & 1)
			m |= 1u << i;
	return m;
}

static const uint32_t *raw_source(
	struct wave *w, unsigned int half, const struct vsrc *s, uint32_t *tmp)
{
	switch (s->kind) {
	case SRC_VGPR:
		return vgpr(w, half, s->reg);
	case SRC_CONST:
		return s->k;
	case SRC_SGPR:
		w->ops->fill(tmp, s->reg == RP_ISA_NULL ? 0 : w->s[s->reg]);
		if (s->dwords == 2)
			w->ops->fill(tmp + RP_LANES, s->reg == RP_ISA_NULL ? 0 : w->s[s->reg + 1]);
		return tmp;
	default: /* apertures, vccz, execz, scc */
		w->ops->fill(tmp, s->dwords == 2 ? 0 : rp_exec_scalar(w, s->reg));
		if (s->dwords == 2)
			w->ops->fill(tmp + RP_LANES, rp_exec_scalar_high(w, s->reg));
		return tmp;
	}
}

static unsigned int flush_type(unsigned int type)
{
	return type == RP_ISA_TYPE_F32	   ? RP_D_F32
	       : type == RP_ISA_TYPE_F64   ? RP_D_F64
	       : type == RP_ISA_TYPE_F16   ? RP_D_F16
	       : type == RP_ISA_TYPE_V2F16 ? RP_D_PKF16
					   : RP_D_U32;
}

/* MODE.FP_DENORM: bit 4 and 5 for f32, 6 and 7 for f64 and f16: keep denormals of sources, of results. */
static bool flushes(const struct wave *w, const struct pvalu *v, unsigned int type, bool result)
{
	unsigned int bit = (type == RP_D_F32 ? 4u : 6u) + (result ? 1u : 0u);

	if (v->kflags & RP_K_NOFLUSH || type == RP_D_U32)
		return false;
	if (v->kflags & RP_K_FLUSH && type == RP_D_F32)
		return true;
	return !(w->mode >> bit & 1);
}

static void sdwa_select(struct wave *w, const struct vsrc *s, const uint32_t **p, uint32_t *tmp)
{
	unsigned int bits = s->sel < 4 ? 8 : s->sel < 6 ? 16 : 32;
	unsigned int shift = s->sel < 4 ? 8u * s->sel : s->sel == 5 ? 16 : 0;

	if (s->sel >= 6)
		return;
	w->ops->field(tmp, *p, shift, bits, s->sext);
	*p = tmp;
}

static void signs(struct wave *w, const struct vsrc *s, const uint32_t **p, uint32_t *tmp)
{
	uint32_t bit = is_float16(s->type) ? 0x8000u : 0x80000000u;
	unsigned int high = s->type == RP_ISA_TYPE_F64 ? RP_LANES : 0;

	if (!s->neg && !s->abs)
		return;
	if (high && *p != tmp)
		memcpy(tmp, *p, 4 * RP_LANES);
	w->ops->sign(tmp + high, *p + high, s->abs ? ~bit : UINT32_MAX, s->neg ? bit : 0);
	*p = tmp;
}

/* VOP3P: pairs of halves, or for v_fma_mix one single-precision value. */
static void packed_source(struct wave *w, const struct pvalu *v, const struct vsrc *s,
	unsigned int index, const uint32_t **p, uint32_t *tmp)
{
	bool real = s->type == RP_ISA_TYPE_V2F16;

	if (v->packed == 2) {
		struct rp_vargs x = { .d = tmp, .a = *p };

		if (s->high_hi) {
			if (s->high) {
				w->ops->field(tmp, *p, 16, 16, false);
				x.a = tmp;
			}
			w->t->x->cvt_f32_f16(&x);
			*p = tmp;
		}
		if (s->neg || s->neg_hi) {
			w->ops->sign(tmp, *p, s->neg_hi ? 0x7fffffffu : UINT32_MAX,
				s->neg ? 0x80000000u : 0);
			*p = tmp;
		}
		return;
	}
	if (v->packed == 3 && index == 2) {
		if (v->dst == RP_D_F32 && s->neg) {
			w->ops->sign(tmp, *p, UINT32_MAX, 0x80000000u);
			*p = tmp;
		}
		return;
	}
	if (!s->high && s->high_hi && !(real && (s->neg || s->neg_hi)))
		return;
	w->ops->pack(tmp, *p, s->high, s->high_hi,
		real ? (s->neg ? 0x8000u : 0) | (s->neg_hi ? 0x80000000u : 0) : 0);
	*p = tmp;
}

/* One source, ready for the kernel. */
static const uint32_t *fetch(struct wave *w, unsigned int half, const struct pvalu *v,
	unsigned int index, uint32_t *tmp, uint32_t *exec, bool *ok)
{
	const struct vsrc *s = &v->src[index];
	const uint32_t *p = raw_source(w, half, s, tmp);
	unsigned int type = flush_type(s->type);

	if (index == 0 && (v->form == RP_ISA_FORM_DPP16 || v->form == RP_ISA_FORM_DPP8)) {
		uint32_t copy[2 * RP_LANES];

		memcpy(copy, p, 4u * RP_LANES * s->dwords);
		*ok = dpp_fetch(v, copy, s->dwords, tmp, exec);
		p = tmp;
	}
	if (v->form == RP_ISA_FORM_SDWA && index < 2)
		sdwa_select(w, s, &p, tmp);
	if (v->packed) {
		packed_source(w, v, s, index, &p, tmp);
	} else {
		if (s->high) {
			w->ops->field(tmp, p, 16, 16, false);
			p = tmp;
		}
		signs(w, s, &p, tmp);
	}
	if (v->packed == 2 || (v->packed == 3 && index == 2 && v->dst == RP_D_F32))
		type = RP_D_F32;
	if (flushes(w, v, type, false)) {
		w->ops->flush(tmp, p, type);
		p = tmp;
	}
	return p;
}

static void merge_half(uint32_t *d, const uint32_t *r, uint32_t mask, bool high)
{
	for (int i = 0; i < RP_LANES; i++) {
		uint32_t v = high ? (d[i] & 0xffffu) | r[i] << 16
				  : (d[i] & 0xffff0000u) | (r[i] & 0xffffu);

		d[i] = mask >> i & 1 ? v : d[i];
	}
}

static void merge_sdwa(uint32_t *d, const uint32_t *r, uint32_t mask, const struct pvalu *v)
{
	unsigned int bits = v->dst_sel < 4 ? 8 : 16, shift = v->dst_sel < 4    ? 8u * v->dst_sel
							     : v->dst_sel == 5 ? 16
									       : 0;
	uint32_t field = (bits == 8 ? 0xffu : 0xffffu) << shift;

	for (int i = 0; i < RP_LANES; i++) {
		uint32_t put = r[i] << shift & field, keep = 0;

		if (v->dst_unused == 2) {
			keep = d[i] & ~field;
		} else if (v->dst_unused == 1 && put >> (shift + bits - 1) & 1) {
			keep = (uint32_t)(~UINT64_C(0) << (shift + bits));
		}
		d[i] = mask >> i & 1 ? put | keep : d[i];
	}
}

static void finish(
	struct wave *w, unsigned int half, const struct pvalu *v, uint32_t *out, uint32_t mask)
{
	uint32_t *d = vgpr(w, half, v->vdst);
	bool real = v->dst == RP_D_F32 || v->dst == RP_D_F64 || v->dst == RP_D_F16 ||
		    v->dst == RP_D_PKF16;

	if (real && flushes(w, v, v->dst, true))
		w->ops->flush(out, out, v->dst);
	if (real && (v->omod || v->clamp)) {
		/* output modifiers exist only where denormals are flushed and IEEE is off */
		unsigned int bit = v->dst == RP_D_F32 ? 5 : 7;
		bool omod = !(w->mode >> bit & 1) && !(w->mode >> 9 & 1);

		w->ops->result(out, v->dst, omod ? v->omod : 0, v->clamp, w->mode >> 8 & 1,
			w->mode >> 2 & 3);
		if (omod && v->omod)
			w->ops->flush(out, out, v->dst);
	}
	if (v->form == RP_ISA_FORM_SDWA && v->dst_sel < 6)
		merge_sdwa(d, out, mask, v);
	else if (v->form == RP_ISA_FORM_SDWA && (v->dst == RP_D_F16 || v->dst == RP_D_U16)) {
		w->ops->field(out, out, 0, 16, false);
		w->ops->blend(d, out, mask, 1);
	} else if (v->dst == RP_D_F16 || v->dst == RP_D_U16)
		merge_half(d, out, mask, v->dst_high);
	else
		w->ops->blend(d, out, mask, v->dst == RP_D_F64 || v->dst == RP_D_U64 ? 2 : 1);
}

static const int host_round[4] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };

static unsigned int round_of(const struct wave *w, const struct pvalu *v)
{
	return w->mode >> (v->dst == RP_D_F32 ? 0 : 2) & 3;
}

/* Scalar results of all halves, written when no source can be overwritten any more. */
static void put_masks(struct wave *w, const struct pvalu *v, const uint32_t *mask)
{
	for (unsigned int h = 0; h < w->n_halves; h++) {
		if (v->cmpx)
			w->s[EXEC + h] = mask[h];
		else if (v->mask_out != NO_REG && v->mask_out != RP_ISA_NULL)
			w->s[v->mask_out + h] = mask[h];
	}
}

int rp_exec_step_valu(struct wave *w, const struct pinst *p)
{
	const struct pvalu *v = &p->v;
	struct rp_vargs x = {
		.clamp = v->clamp, .ieee = w->mode >> 9 & 1, .round16 = w->mode >> 2 & 3
	};
	const uint32_t **args[3] = { &x.a, &x.b, &x.c };
	unsigned int round = v->kflags & RP_K_ROUND ? round_of(w, v) : 0;
	uint32_t masks[2] = { 0, 0 };
	struct flow f;
	bool ok = true;

	for (unsigned int h = 0; h < w->n_halves; h++) {
		uint32_t exec = w->s[EXEC + h], mask = exec;

		x.half = (uint8_t)h;
		x.d = f.out;
		x.mask_in = v->mask_in == NO_REG || v->mask_in == RP_ISA_NULL
				    ? 0
				    : w->s[v->mask_in + h];
		for (unsigned int i = 0; i < v->n_src; i++)
			/* cppcheck-suppress uninitvar ; only where fetch puts its result */
			*args[i] = fetch(w, h, v, i, f.tmp[i], &mask, &ok);
		if (!ok)
			return rp_exec_fault(w, p, RP_EXEC_UNIMPLEMENTED, -1, 0, false,
				"DPP control 0x%x is not one of gfx10", v->dpp >> 8 & 0x1ff);
		if (v->form == RP_ISA_FORM_DPP16)
			mask &= dpp_rows(v, h);
		if (round)
			(void)fesetround(host_round[round]);
		v->kernel(&x);
		if (round)
			(void)fesetround(FE_TONEAREST);
		masks[h] = x.mask_out & exec;
		if (v->dst != RP_D_MASK && mask)
			finish(w, h, v, f.out, mask);
	}
	put_masks(w, v, masks);
	return STEP_NEXT;
}

/* No modifiers, no forms, and a MODE that asks for nothing: the common case. */
int rp_exec_step_valu_plain(struct wave *w, const struct pinst *p)
{
	const struct pvalu *v = &p->v;
	uint32_t tmp[3][2 * RP_LANES] __attribute__((aligned(64)));
	uint32_t out[2 * RP_LANES] __attribute__((aligned(64)));
	uint32_t masks[2] = { 0, 0 };
	struct rp_vargs x;

	if (!w->plain)
		return rp_exec_step_valu(w, p);
	x.clamp = 0;
	x.ieee = w->mode >> 9 & 1;
	x.round16 = 0;
	for (unsigned int h = 0; h < w->n_halves; h++) {
		uint32_t exec = w->s[EXEC + h];

		x.half = (uint8_t)h;
		x.mask_in = v->mask_in == NO_REG || v->mask_in == RP_ISA_NULL
				    ? 0
				    : w->s[v->mask_in + h];
		x.a = v->src[0].kind == SRC_VGPR ? vgpr(w, h, v->src[0].reg)
						 : raw_source(w, h, &v->src[0], tmp[0]);
		if (v->n_src > 1)
			x.b = v->src[1].kind == SRC_VGPR ? vgpr(w, h, v->src[1].reg)
							 : raw_source(w, h, &v->src[1], tmp[1]);
		if (v->n_src > 2)
			x.c = v->src[2].kind == SRC_VGPR ? vgpr(w, h, v->src[2].reg)
							 : raw_source(w, h, &v->src[2], tmp[2]);
		if (v->dst == RP_D_MASK) {
			x.d = out;
			v->kernel(&x);
		} else if (exec == UINT32_MAX) {
			x.d = vgpr(w, h, v->vdst);
			v->kernel(&x);
		} else {
			x.d = out;
			v->kernel(&x);
			w->ops->blend(vgpr(w, h, v->vdst), out, exec,
				v->dst == RP_D_F64 || v->dst == RP_D_U64 ? 2 : 1);
		}
		masks[h] = x.mask_out & exec;
	}
	if (v->cmpx || v->mask_out != NO_REG)
		put_masks(w, v, masks);
	return STEP_NEXT;
}
