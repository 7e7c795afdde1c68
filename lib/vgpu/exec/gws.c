/* SPDX-License-Identifier: MIT */
/*
 * Global wave sync: barriers over all waves of a grid (cooperative launch). 64 counters of the GPU that
 * stay as they are from one dispatch to the next, because a small kernel sets them before the one
 * that uses them. Semaphores are not modelled: no compiler or library of ROCm emits them.
 *
 * Sources: "RDNA 1.0" instruction set document, DS_GWS_INIT and DS_GWS_BARRIER; LLVM 19
 * AMDGPUInstructionSelector.cpp (selectDSGWSIntrinsic): resource = (base + M0[21:16] + offset) % 64. The base
 * of a process is 0 here.
 */
#include "vgpu/exec/internal.h"

/* The value that the first active lane gives, and the counter that is meant. */
static struct gws_counter *counter_of(struct wave *w, const struct pinst *p, uint32_t *ret_value)
{
	unsigned int lane = 0;

	for (unsigned int h = w->n_halves; h-- > 0;)
		if (w->s[EXEC + h])
			lane = h * RP_LANES + (unsigned int)__builtin_ctz(w->s[EXEC + h]);
	*ret_value = vgpr(w, lane / RP_LANES, p->m.addr)[lane % RP_LANES];
	return &w->t->x->gws[((w->s[M0] >> 16 & 63) + (uint32_t)p->m.offset) % GWS_COUNTERS];
}

static int g_init(struct wave *w, const struct pinst *p)
{
	uint32_t value;
	struct gws_counter *c = counter_of(w, p, &value);

	pthread_mutex_lock(&w->t->x->gws_lock);
	c->left = value;
	c->phase = 0;
	pthread_mutex_unlock(&w->t->x->gws_lock);
	return STEP_NEXT;
}

/* The last wave to arrive turns the phase; the others wait until it is no longer the one they came in. */
static int g_barrier(struct wave *w, const struct pinst *p)
{
	uint32_t value;
	struct gws_counter *c = counter_of(w, p, &value);
	bool open;

	pthread_mutex_lock(&w->t->x->gws_lock);
	if (!w->gws_waits) {
		w->gws_phase = c->phase;
		if (c->left == 0) {
			c->phase ^= 1;
			c->left = value;
		} else {
			c->left--;
		}
	}
	open = w->gws_phase != c->phase;
	pthread_mutex_unlock(&w->t->x->gws_lock);
	w->gws_waits = !open;
	w->sleeping = w->gws_waits;
	return open ? STEP_NEXT : STEP_AGAIN;
}

const struct step_entry rp_exec_gws[] = {
	{ "ds_gws_init", g_init, RP_EXEC_UNVERIFIED },
	{ "ds_gws_barrier", g_barrier, RP_EXEC_UNVERIFIED },
	{ NULL, NULL, 0 },
};
