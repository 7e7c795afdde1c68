/* SPDX-License-Identifier: MIT */
/*
 * Traps: a wave that met s_trap, an illegal instruction or a memory violation goes into the trap handler
 * that the runtime installed, runs it, and is halted by it or returns to its code.
 *
 * The handler of a runtime is the second level. What the driver's first level leaves it in TTMP registers is
 * made here. Sources: Linux 6.12 cwsr_trap_handler_gfx10.asm; the comments of ROCR's trap_handler.s ("ABI between
 * first and second level trap handler"); "RDNA 1.0" instruction set document, "Trap and Exception registers";
 * ROCR 5.2.3's handler as it is in memory. Assumed: TTMP7 is 0 at the first trap of a wave, and the program
 * counter is that of the instruction itself (hardware may report a memory violation later).
 */
#include "vgpu/exec/internal.h"

#include <string.h>

#define TRAPSTS_MEM_VIOL     (1u << 8)
#define TRAPSTS_ILLEGAL_INST (1u << 11)
#define TRAP_ABORT	     2u /* s_trap 2: llvm.trap */
#define HANDLER_TURN	     (1u << 14) /* instructions */
#define HANDLER_TURNS	     256u /* a handler that takes longer waits for what never comes */

static void enter(struct wave *w, const struct rp_exec_fault *f, uint64_t handler)
{
	const struct rp_exec_dispatch *d = w->t->d;
	uint32_t *ttmp = &w->s[RP_ISA_TTMP0];
	uint32_t trap_id = f->kind == RP_EXEC_TRAP ? f->trap_id : 0;

	w->trap_status |= f->kind == RP_EXEC_APERTURE  ? TRAPSTS_MEM_VIOL
			  : f->kind == RP_EXEC_ILLEGAL ? TRAPSTS_ILLEGAL_INST
						       : 0;
	ttmp[0] = (uint32_t)f->pc;
	ttmp[1] = (uint32_t)(f->pc >> 32 & 0xffff) | trap_id << 16;
	ttmp[6] = (uint32_t)d->packet;
	memcpy(&ttmp[8], w->g->id, sizeof(w->g->id));
	ttmp[11] = w->index & 0x3f; /* no debugger: bit 23 is 0 */
	ttmp[12] = rp_exec_status(w);
	ttmp[14] = (uint32_t)d->tma;
	ttmp[15] = (uint32_t)(d->tma >> 32);
	w->pc = handler;
	w->priv = 1;
}

/* Runs until s_rfe_b64. */
static enum rp_exec_handler run_handler(struct wave *w)
{
	for (unsigned int i = 0; i < HANDLER_TURNS; i++) {
		int r = rp_exec_run_wave(w, HANDLER_TURN);

		if (r == STEP_RETURN)
			return w->halt ? RP_EXEC_HANDLER_HALTED : RP_EXEC_HANDLER_RETURNED;
		if (r == STEP_FAULT || r == STEP_END || r == STEP_BARRIER)
			break;
	}
	return RP_EXEC_HANDLER_FAILED;
}

bool rp_exec_traps(const struct rp_exec_fault *f, bool *ret_ends)
{
	*ret_ends = f->kind != RP_EXEC_TRAP || f->trap_id == TRAP_ABORT;
	return f->kind == RP_EXEC_ILLEGAL || f->kind == RP_EXEC_APERTURE || f->kind == RP_EXEC_TRAP;
}

bool rp_exec_trap(struct wave *w, bool last)
{
	const struct rp_exec_dispatch *d = w->t->d;
	struct rp_exec_fault f = w->t->fault;
	uint64_t handler = 0;

	if (d->trap_handler)
		handler = d->trap_handler(d->data, &f, last);
	if (!handler)
		return false;
	enter(w, &f, handler);
	f.handler = run_handler(w);
	w->priv = 0;
	if (f.handler == RP_EXEC_HANDLER_RETURNED && !last) {
		memset(&w->t->fault, 0, sizeof(w->t->fault));
		return true;
	}
	w->t->fault = f;
	return false;
}

/* Return from exception. Outside of a trap handler there is no such instruction. */
static int t_rfe(struct wave *w, const struct pinst *p)
{
	unsigned int reg = p->s.src[0];

	if (!w->priv)
		return rp_exec_fault(
			w, p, RP_EXEC_ILLEGAL, -1, 0, false, "s_rfe_b64 outside of a trap handler");
	w->pc = (uint64_t)(int64_t)((int64_t)((uint64_t)w->s[reg + 1] << 48 | (uint64_t)w->s[reg]
										      << 16) >>
				    16);
	w->priv = 0;
	return STEP_RETURN;
}

const struct step_entry rp_exec_trap_steps[] = {
	{ "s_rfe_b64", t_rfe, RP_EXEC_UNVERIFIED },
	{ NULL, NULL, 0 },
};
