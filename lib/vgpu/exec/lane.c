/* SPDX-License-Identifier: MIT */
/*
 * Vector instructions that look across lanes or at registers by number: readlane, permlane,
 * movrel, swap. They work on the whole wave and take their operands from the instruction word.
 */
#include "vgpu/exec/internal.h"

#include <string.h>

#define STEP(name) static int l_##name(struct wave *w, const struct pinst *p)

/* A lane of a wave64 is in the half that its number says. */
static uint32_t *lane_at(const struct wave *w, unsigned int reg, unsigned int lane)
{
	return vgpr(w, lane / RP_LANES, reg) + lane % RP_LANES;
}

static uint32_t scalar(const struct wave *w, const struct pinst *p, unsigned int code)
{
	static const uint32_t f32[] = { 0x3f000000, 0xbf000000, 0x3f800000, 0xbf800000, 0x40000000,
		0xc0000000, 0x40800000, 0xc0800000, 0x3e22f983 };

	if (code >= 128 && code <= 208)
		return code <= 192 ? code - 128 : 192 - code;
	if (code >= 240 && code <= 248)
		return f32[code - 240];
	return code == 255 ? p->literal : rp_exec_scalar(w, code);
}

static unsigned int src(const struct pinst *p, unsigned int n)
{
	return p->w[1] >> (9 * n) & 0x1ff;
}

static int refuse(struct wave *w, const struct pinst *p)
{
	return rp_exec_fault(w, p, RP_EXEC_UNIMPLEMENTED, -1, 0, false,
		"no semantics for this form of %s", rp_isa_name(p->row));
}

STEP(nop)
{
	(void)w;
	(void)p;
	return STEP_NEXT;
}
STEP(readfirstlane)
{
	unsigned int code = p->w[0] & 0x1ff;
	uint64_t exec = exec_mask(w);
	unsigned int lane = exec ? (unsigned int)__builtin_ctzll(exec) : 0;

	put_s32(w, p->w[0] >> 17 & 0x7f,
		code >= 256 ? *lane_at(w, code - 256, lane) : scalar(w, p, code));
	return STEP_NEXT;
}
STEP(readlane)
{
	unsigned int code = src(p, 0),
		     lane = scalar(w, p, src(p, 1)) & (RP_LANES * w->n_halves - 1u);

	put_s32(w, p->w[0] & 0x7f,
		code >= 256 ? *lane_at(w, code - 256, lane) : scalar(w, p, code));
	return STEP_NEXT;
}
STEP(writelane)
{
	unsigned int lane = scalar(w, p, src(p, 1)) & (RP_LANES * w->n_halves - 1u);

	*lane_at(w, p->w[0] & 0xff, lane) = scalar(w, p, src(p, 0));
	return STEP_NEXT;
}

/*
 * Within rows of 16 lanes, lane i reads the lane that nibble i of {src2, src1} names; x16: of the
 * other row of its half. op_sel[0] (FI): inactive lanes are read, too; op_sel[1] (bound_ctrl):
 * lanes that read nothing get 0 instead of keeping their value.
 */
static int permlane(struct wave *w, const struct pinst *p, unsigned int other)
{
	uint64_t select = (uint64_t)scalar(w, p, src(p, 2)) << 32 | scalar(w, p, src(p, 1));
	bool fi = p->w[0] >> 11 & 1, bound = p->w[0] >> 12 & 1;
	unsigned int code = src(p, 0);

	if (code < 256)
		return refuse(w, p);
	for (unsigned int h = 0; h < w->n_halves; h++) {
		const uint32_t *s = vgpr(w, h, code - 256);
		uint32_t r[RP_LANES], exec = w->s[EXEC + h], mask = exec;

		for (unsigned int i = 0; i < RP_LANES; i++) {
			unsigned int from =
				((i & 16) ^ other) + (unsigned int)(select >> (4 * (i & 15)) & 15);
			bool valid = fi || exec >> from & 1;

			r[i] = valid ? s[from] : 0;
			if (!valid && !bound)
				mask &= ~(1u << i);
		}
		w->ops->blend(vgpr(w, h, p->w[0] & 0xff), r, mask, 1);
	}
	return STEP_NEXT;
}
STEP(permlane16)
{
	return permlane(w, p, 0);
}
STEP(permlanex16)
{
	return permlane(w, p, 16);
}

/* VOP1 and its VOP3 form: source code and destination. */
static void vop1(const struct pinst *p, unsigned int *ret_src, unsigned int *ret_dst)
{
	if (p->w[0] >> 31) {
		*ret_src = src(p, 0);
		*ret_dst = p->w[0] & 0xff;
	} else {
		*ret_src = p->w[0] & 0x1ff;
		*ret_dst = p->w[0] >> 17 & 0xff;
	}
}

static int movrel(struct wave *w, const struct pinst *p, uint32_t add_src, uint32_t add_dst)
{
	unsigned int s, d;

	vop1(p, &s, &d);
	d = (d + add_dst) & 255;
	for (unsigned int h = 0; h < w->n_halves; h++) {
		uint32_t tmp[RP_LANES];

		if (s >= 256)
			memcpy(tmp, vgpr(w, h, (s - 256 + add_src) & 255), sizeof(tmp));
		else
			w->ops->fill(tmp, scalar(w, p, s));
		w->ops->blend(vgpr(w, h, d), tmp, w->s[EXEC + h], 1);
	}
	return STEP_NEXT;
}
STEP(movreld)
{
	return movrel(w, p, 0, w->s[M0]);
}
STEP(movrels)
{
	return movrel(w, p, w->s[M0], 0);
}
STEP(movrelsd)
{
	return movrel(w, p, w->s[M0], w->s[M0]);
}
STEP(movrelsd_2)
{
	return movrel(w, p, w->s[M0] & 0x3ff, w->s[M0] >> 16 & 0x3ff);
}

static int swap(struct wave *w, const struct pinst *p, uint32_t add_src, uint32_t add_dst)
{
	unsigned int s = p->w[0] & 0x1ff, d = p->w[0] >> 17 & 0xff;

	if (s < 256)
		return refuse(w, p);
	s = (s - 256 + add_src) & 255;
	d = (d + add_dst) & 255;
	for (unsigned int h = 0; h < w->n_halves; h++) {
		uint32_t tmp[RP_LANES];

		memcpy(tmp, vgpr(w, h, s), sizeof(tmp));
		w->ops->blend(vgpr(w, h, s), vgpr(w, h, d), w->s[EXEC + h], 1);
		w->ops->blend(vgpr(w, h, d), tmp, w->s[EXEC + h], 1);
	}
	return STEP_NEXT;
}
STEP(swap)
{
	return swap(w, p, 0, 0);
}
STEP(swaprel)
{
	return swap(w, p, w->s[M0] & 0x3ff, w->s[M0] >> 16 & 0x3ff);
}

#define E(name, fn, f)                         \
	{                                      \
		"v_" name, l_##fn, RP_EXEC_##f \
	}
const struct step_entry rp_exec_lane[] = {
	E("nop", nop, EXACT),
	E("pipeflush", nop, EXACT),
	E("clrexcp", nop, EXACT),
	E("readfirstlane_b32", readfirstlane, EXACT),
	E("readlane_b32", readlane, EXACT),
	E("writelane_b32", writelane, EXACT),
	E("permlane16_b32", permlane16, UNVERIFIED),
	E("permlanex16_b32", permlanex16, UNVERIFIED),
	E("movreld_b32", movreld, EXACT),
	E("movrels_b32", movrels, EXACT),
	E("movrelsd_b32", movrelsd, UNVERIFIED),
	E("movrelsd_2_b32", movrelsd_2, UNVERIFIED),
	E("swap_b32", swap, EXACT),
	E("swaprel_b32", swaprel, UNVERIFIED),
	{ NULL, NULL, 0 },
};
