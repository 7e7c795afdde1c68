/* SPDX-License-Identifier: MIT */
/*
 * Scalar instructions that are not arithmetic: branches, calls, waits, barriers, messages,
 * hardware registers. Waits do nothing: every instruction is complete before the next starts.
 */
#include "vgpu/exec/internal.h"

#define STEP(name) static int c_##name(struct wave *w, const struct pinst *p)

static uint64_t pair(const struct wave *w, unsigned int reg)
{
	return reg == RP_ISA_NULL ? 0 : (uint64_t)w->s[reg + 1] << 32 | w->s[reg];
}

static int branch(struct wave *w, const struct pinst *p)
{
	uint64_t next = pc_of(w, p) + 4;
	int64_t words = p->s.imm;

	if (words == 0x3f && defect(w, RP_CHIP_BRANCH_3F)) {
		/* where to is not documented: the instruction behind the target, like a lost carry */
		acted(w, p, RP_CHIP_BRANCH_3F, 1);
		words = 0x40;
	}
	w->pc = next + (uint64_t)(4 * words);
	return STEP_BRANCH;
}
#define BRANCH(name, condition)                                \
	STEP(name)                                             \
	{                                                      \
		return (condition) ? branch(w, p) : STEP_NEXT; \
	}
BRANCH(branch, true)
BRANCH(scc0, !w->scc)
BRANCH(scc1, w->scc)
BRANCH(vccz, rp_exec_scalar(w, 251))
BRANCH(vccnz, !rp_exec_scalar(w, 251))
BRANCH(execz, exec_mask(w) == 0)
BRANCH(execnz, exec_mask(w) != 0)
/* No debugger: the four cbranch_cdbg* never branch. */
BRANCH(never, false)

STEP(nothing)
{
	(void)w;
	(void)p;
	return STEP_NEXT;
}
STEP(endpgm)
{
	(void)w;
	(void)p;
	return STEP_END;
}
STEP(barrier)
{
	(void)p;
	return w->g->n_waves > 1 ? STEP_BARRIER : STEP_NEXT;
}
STEP(sleep)
{
	(void)p;
	w->sleeping = 1;
	return STEP_YIELD;
}
STEP(prefetch)
{
	if (!defect(w, RP_CHIP_INST_PREFETCH_HANG))
		return STEP_NEXT;
	acted(w, p, RP_CHIP_INST_PREFETCH_HANG, 1);
	return rp_exec_fault(w, p, RP_EXEC_HANG, -1, 0, false,
		"s_inst_prefetch can hang %s (inst_prefetch_hang)", w->t->x->config.chip->name);
}
STEP(trap)
{
	int r = rp_exec_fault(w, p, RP_EXEC_TRAP, -1, 0, false, "s_trap %u", p->w[0] & 0xff);

	w->t->fault.trap_id = p->w[0] & 0xff;
	return r;
}
static int message(struct wave *w, const struct pinst *p, bool halt)
{
	const struct rp_exec_dispatch *d = w->t->d;
	struct rp_exec_message m = { .simm16 = p->w[0] & 0xffff,
		.m0 = w->s[M0],
		.halt = halt,
		.in_handler = w->priv,
		.exec_lo = w->s[EXEC] };

	if (d->message) {
		d->message(d->data, &m);
		w->s[EXEC] = m.exec_lo;
	}
	return halt ? STEP_END : STEP_NEXT;
}
STEP(sendmsg)
{
	return message(w, p, false);
}
STEP(sendmsghalt)
{
	return message(w, p, true);
}
STEP(round_mode)
{
	rp_exec_set_mode(w, (w->mode & ~0xfu) | (p->w[0] & 0xf));
	return STEP_NEXT;
}
STEP(denorm_mode)
{
	rp_exec_set_mode(w, (w->mode & ~0xf0u) | (p->w[0] & 0xf) << 4);
	return STEP_NEXT;
}

STEP(getpc)
{
	put_s64(w, p->s.sdst, pc_of(w, p) + 4);
	return STEP_NEXT;
}
STEP(setpc)
{
	w->pc = pair(w, p->s.src[0]);
	return STEP_BRANCH;
}
STEP(swappc)
{
	uint64_t to = p->s.src[0] == NO_REG ? p->s.k[0] : pair(w, p->s.src[0]);

	put_s64(w, p->s.sdst, pc_of(w, p) + 4);
	w->pc = to;
	return STEP_BRANCH;
}
STEP(call)
{
	put_s64(w, p->s.sdst, pc_of(w, p) + 4);
	w->pc = pc_of(w, p) + 4 + (uint64_t)(4 * (int64_t)p->s.imm);
	return STEP_BRANCH;
}

/* SCC 0, EXECZ 9, VCCZ 10, IN_TG 11, VALID 16. */
uint32_t rp_exec_status(const struct wave *w)
{
	return w->scc | (uint32_t)(exec_mask(w) == 0) << 9 | rp_exec_scalar(w, 251) << 10 |
	       (uint32_t)(w->g->n_waves > 1) << 11 | 1u << 16;
}

/* Hardware registers, by id (RDNA 2 ISA, "S_GETREG"; LLVM SIDefines.h, Hwreg). */
static bool read_hwreg(const struct wave *w, unsigned int id, uint32_t *ret)
{
	switch (id) {
	case 1:
		*ret = w->mode;
		return true;
	case 2:
		*ret = rp_exec_status(w);
		return true;
	case 3:
		*ret = w->trap_status;
		return true;
	case 4: /* HW_ID of older chips */
	case 23: /* HW_ID1 */
		*ret = w->slot & 0x1f;
		return true;
	case 24: /* HW_ID2 */
		*ret = 0;
		return true;
	case 5: /* GPR_ALLOC */
	case 6: /* LDS_ALLOC */
	case 7: /* IB_STS */
		*ret = 0;
		return true;
	case 15: /* SH_MEM_BASES: bits 63:48 of the apertures */
		*ret = w->t->private_hi >> 16 | (w->t->shared_hi >> 16) << 16;
		return true;
	case 20:
	case 21:
		*ret = w->flat_scratch[id - 20];
		return true;
	case 22: /* XNACK_MASK, gfx10.1 */
		*ret = 0;
		return true;
	case 29: /* SHADER_CYCLES: 20 bits */
		*ret = (uint32_t)w->n_instructions & 0xfffff;
		return true;
	default:
		return false;
	}
}

static bool write_hwreg(struct wave *w, unsigned int id, uint32_t value)
{
	switch (id) {
	case 1:
		rp_exec_set_mode(w, value);
		return true;
	case 2:
		w->scc = value & 1;
		if (w->priv)
			w->halt = value >> 13 & 1;
		return true;
	case 3:
		w->trap_status = value;
		return true;
	case 7: /* IB_STS: a trap handler restores it; it holds counters of what is outstanding, nothing here */
		return w->priv != 0;
	case 20:
	case 21:
		w->flat_scratch[id - 20] = value;
		return true;
	default:
		return false;
	}
}

static uint32_t field_mask(const struct pinst *p)
{
	unsigned int size = (p->w[0] >> 11 & 31) + 1;

	return (uint32_t)((UINT64_C(1) << size) - 1);
}

STEP(getreg)
{
	unsigned int id = p->w[0] & 63, offset = p->w[0] >> 6 & 31;
	uint32_t v;

	if (id == 29 && !rp_chip_has(w->t->x->config.chip, RP_CHIP_SHADER_CYCLES))
		return rp_exec_fault(w, p, RP_EXEC_ILLEGAL, -1, 0, false,
			"SHADER_CYCLES does not exist on %s", w->t->x->config.chip->name);
	if (!read_hwreg(w, id, &v))
		return rp_exec_fault(w, p, RP_EXEC_UNIMPLEMENTED, -1, 0, false,
			"s_getreg_b32 of hardware register %u", id);
	put_s32(w, p->s.sdst, v >> offset & field_mask(p));
	return STEP_NEXT;
}
static int setreg(struct wave *w, const struct pinst *p, uint32_t value)
{
	unsigned int id = p->w[0] & 63, offset = p->w[0] >> 6 & 31;
	uint32_t old, mask = field_mask(p) << offset;

	if (!read_hwreg(w, id, &old) ||
		!write_hwreg(w, id, (old & ~mask) | (value << offset & mask)))
		return rp_exec_fault(w, p, RP_EXEC_UNIMPLEMENTED, -1, 0, false,
			"s_setreg of hardware register %u", id);
	return STEP_NEXT;
}
STEP(setreg)
{
	return setreg(w, p, rp_exec_scalar(w, p->s.sdst));
}
STEP(setreg_imm)
{
	return setreg(w, p, p->literal);
}

/* wave64 only: the loop runs the low half of EXEC, then the high half. */
STEP(subvector_begin)
{
	if (w->n_halves == 1)
		return rp_exec_fault(w, p, RP_EXEC_UNIMPLEMENTED, -1, 0, false,
			"s_subvector_loop_begin in wave32");
	if (exec_mask(w) == 0)
		return branch(w, p);
	if (w->s[EXEC] == 0) {
		put_s32(w, p->s.sdst, w->s[EXEC]);
	} else {
		put_s32(w, p->s.sdst, w->s[EXEC + 1]);
		w->s[EXEC + 1] = 0;
	}
	return STEP_NEXT;
}
STEP(subvector_end)
{
	if (w->n_halves == 1)
		return rp_exec_fault(w, p, RP_EXEC_UNIMPLEMENTED, -1, 0, false,
			"s_subvector_loop_end in wave32");
	if (w->s[EXEC + 1] != 0) {
		w->s[EXEC] = rp_exec_scalar(w, p->s.sdst);
	} else if (rp_exec_scalar(w, p->s.sdst) == 0) {
		;
	} else {
		w->s[EXEC + 1] = rp_exec_scalar(w, p->s.sdst);
		put_s32(w, p->s.sdst, w->s[EXEC]);
		w->s[EXEC] = 0;
		return branch(w, p);
	}
	return STEP_NEXT;
}

#define E(name, fn)                         \
	{                                   \
		name, c_##fn, RP_EXEC_EXACT \
	}
#define EU(name, fn)                             \
	{                                        \
		name, c_##fn, RP_EXEC_UNVERIFIED \
	}
const struct step_entry rp_exec_control[] = {
	E("s_nop", nothing),
	E("s_endpgm", endpgm),
	E("s_branch", branch),
	E("s_wakeup", nothing),
	E("s_cbranch_scc0", scc0),
	E("s_cbranch_scc1", scc1),
	E("s_cbranch_vccz", vccz),
	E("s_cbranch_vccnz", vccnz),
	E("s_cbranch_execz", execz),
	E("s_cbranch_execnz", execnz),
	E("s_barrier", barrier),
	EU("s_setkill", nothing),
	E("s_waitcnt", nothing),
	EU("s_sethalt", nothing),
	E("s_sleep", sleep),
	E("s_setprio", nothing),
	E("s_sendmsg", sendmsg),
	EU("s_sendmsghalt", sendmsghalt),
	E("s_trap", trap),
	E("s_icache_inv", nothing),
	E("s_incperflevel", nothing),
	E("s_decperflevel", nothing),
	E("s_ttracedata", nothing),
	E("s_ttracedata_imm", nothing),
	E("s_cbranch_cdbgsys", never),
	E("s_cbranch_cdbguser", never),
	E("s_cbranch_cdbgsys_or_user", never),
	E("s_cbranch_cdbgsys_and_user", never),
	E("s_endpgm_saved", endpgm),
	E("s_code_end", nothing),
	E("s_inst_prefetch", prefetch),
	E("s_clause", nothing),
	E("s_wait_idle", nothing),
	E("s_waitcnt_depctr", nothing),
	E("s_round_mode", round_mode),
	E("s_denorm_mode", denorm_mode),
	E("s_version", nothing),
	E("s_waitcnt_vscnt", nothing),
	E("s_waitcnt_vmcnt", nothing),
	E("s_waitcnt_expcnt", nothing),
	E("s_waitcnt_lgkmcnt", nothing),
	E("s_getpc_b64", getpc),
	E("s_setpc_b64", setpc),
	E("s_swappc_b64", swappc),
	E("s_call_b64", call),
	EU("s_getreg_b32", getreg),
	E("s_setreg_b32", setreg),
	E("s_setreg_imm32_b32", setreg_imm),
	EU("s_subvector_loop_begin", subvector_begin),
	EU("s_subvector_loop_end", subvector_end),
	{ NULL, NULL, 0 },
};
