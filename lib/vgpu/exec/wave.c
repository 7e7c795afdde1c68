/* SPDX-License-Identifier: MIT */
/* The interpreter's loop over one wave, and how a wave stops with a fault. */
#include "vgpu/exec/internal.h"

#include <stdio.h>
#include <string.h>

static void named_vgprs(
	const struct wave *w, const struct rp_isa_inst *inst, int lane, struct rp_exec_fault *f)
{
	struct rp_isa_regs regs;
	unsigned int l = lane < 0 ? 0 : (unsigned int)lane;

	rp_isa_regs(&w->t->x->target, inst, &regs);
	for (unsigned int r = 0; r < 256 && f->n_vgprs < RP_EXEC_FAULT_VGPRS; r++) {
		if (!rp_isa_vset_has(&regs.vread, r) && !rp_isa_vset_has(&regs.vwrite, r))
			continue;
		f->vgpr[f->n_vgprs] = (uint8_t)r;
		f->vgpr_value[f->n_vgprs++] = vgpr(w, l / RP_LANES, r)[l % RP_LANES];
	}
}

/* The words at pc, from the page that runs. */
static void instruction_words(const struct wave *w, uint64_t pc, struct rp_exec_fault *f)
{
	struct rp_isa_inst inst;
	const struct cpage *page = NULL;

	for (unsigned int i = 0; i < RP_ARRAY_SIZE(w->t->pages); i++)
		if (w->t->pages[i] && w->t->pages[i]->slot == w->slots)
			page = w->t->pages[i];
	if (!page || pc - page->va >= PAGE_BYTES)
		return;
	(void)rp_isa_decode(
		&w->t->x->target, rp_span_of(page->text, page->n_bytes), pc - page->va, &inst);
	f->n_words = inst.bytes / 4;
	memcpy(f->w, inst.w, sizeof(f->w));
	f->row = inst.row;
	named_vgprs(w, &inst, f->lane, f);
}

int rp_exec_fault(struct wave *w, const struct pinst *p, enum rp_exec_fault_kind kind, int lane,
	uint64_t address, bool is_store, const char *fmt, ...)
{
	struct rp_exec_fault *f = &w->t->fault;
	va_list ap;

	memset(f, 0, sizeof(*f));
	f->kind = kind;
	f->lane = lane;
	f->pc = p ? pc_of(w, p) : w->pc;
	memcpy(f->group, w->g->id, sizeof(f->group));
	f->wave = w->index;
	f->address = address;
	f->is_store = is_store;
	f->wave64 = w->n_halves == 2;
	memcpy(f->sgpr, w->s, sizeof(f->sgpr)); /* the first 128 */
	f->scc = w->scc;
	f->mode = w->mode;
	if (p)
		instruction_words(w, f->pc, f);
	va_start(ap, fmt);
	(void)vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	return STEP_FAULT;
}

/* MODE (hwreg 1): FP_ROUND 3:0, FP_DENORM 7:4, DX10_CLAMP 8, IEEE 9. */
void rp_exec_set_mode(struct wave *w, uint32_t mode)
{
	w->mode = mode;
	w->plain = (mode & 0xff) == 0xf0;
}

static int run_page(struct wave *w, const struct cpage *page, uint64_t budget)
{
	const struct pinst *p, *end = page->slot + PAGE_SLOTS;
	uint64_t *count = w->t->count, n = w->n_instructions, limit = n + budget;
	int r = STEP_NEXT;

	w->page_va = page->va;
	w->slots = page->slot;
	p = page->slot + (w->pc - page->va) / 4;
	while (p < end) {
		step_fn *fn = __atomic_load_n(&p->fn, __ATOMIC_ACQUIRE);

		n++;
		if (w->hazard && !w->priv && rp_exec_hazard_check(w, p) != STEP_NEXT) {
			r = STEP_FAULT;
			break;
		}
		r = fn(w, p);
		if (count && r != STEP_FAULT && r != STEP_AGAIN)
			count[p->row]++;
		if (r == STEP_NEXT) {
			p += p->words;
			continue;
		}
		if (r == STEP_RETURN)
			goto out; /* pc is set */
		if (r != STEP_BRANCH)
			break;
		if (n >= limit) {
			r = STEP_YIELD;
			goto out; /* pc is set */
		}
		if (w->pc - page->va >= PAGE_BYTES)
			goto out;
		p = page->slot + (w->pc - page->va) / 4;
	}
	w->pc = pc_of(w, p);
	if (r == STEP_BARRIER || r == STEP_YIELD)
		w->pc += 4u * p->words;
out:
	w->n_instructions = n;
	return r;
}

int rp_exec_run_wave(struct wave *w, uint64_t budget)
{
	uint64_t limit = w->n_instructions + budget;

	for (;;) {
		struct cpage *page;
		int r;

		w->pc &= ~UINT64_C(3);
		page = rp_exec_page(w->t, w->pc);
		if (!page) {
			w->slots = NULL;
			return rp_exec_fault(w, NULL,
				rp_exec_canonical(w->pc) ? RP_EXEC_PAGE : RP_EXEC_APERTURE, -1,
				w->pc, false, "the program counter is not in executable memory");
		}
		r = run_page(w, page, limit > w->n_instructions ? limit - w->n_instructions : 0);
		if (r != STEP_NEXT && r != STEP_BRANCH)
			return r;
	}
}
