/* SPDX-License-Identifier: MIT */
/*
 * Timing hazards on the executed path. An instruction here never overlaps another one, so a
 * hazard has no effect by itself: the path is followed with the rules of lib/hazard, which scan and
 * retarget use as well, and places where a mitigation is missing are counted.
 *
 * HAZARDS_CORRUPT changes the register that the hazard endangers after the instruction; what
 * hardware would make of it is not known.
 *
 * The facts of an instruction are worked out when it is first met and kept beside its code page.
 */
#include "vgpu/exec/internal.h"

#include <string.h>

struct hazard_state {
	struct rp_hazard_state path;
	uint64_t random;
	int corrupt; /* scalar register to change before the next instruction; -1: none */
	int corrupt_vgpr;
};

/* Invariant: known[i] is published last (release); facts[i] is written under the machine's lock, once. */
struct hazard_page {
	uint8_t known[PAGE_SLOTS];
	uint8_t data[PAGE_SLOTS]; /* VGPR of a memory instruction's data */
	struct rp_hazard_facts facts[PAGE_SLOTS];
};

/* SAVEEXEC: what Mesa guards and LLVM does not; no chip is described as having it. */
static const int features[RP_HAZARD_MAX] = {
	[RP_HAZARD_VMEM_TO_SCALAR] = RP_CHIP_HAZARD_VMEM_TO_SCALAR,
	[RP_HAZARD_SMEM_TO_VECTOR] = RP_CHIP_HAZARD_SMEM_TO_VECTOR,
	[RP_HAZARD_VCMPX_EXEC_WAR] = RP_CHIP_HAZARD_VCMPX_EXEC_WAR,
	[RP_HAZARD_VCMPX_PERMLANE] = RP_CHIP_HAZARD_VCMPX_PERMLANE,
	[RP_HAZARD_LDS_BRANCH_VMEM] = RP_CHIP_HAZARD_LDS_BRANCH_VMEM,
	[RP_HAZARD_NSA_TO_VMEM] = RP_CHIP_HAZARD_NSA_TO_VMEM,
	[RP_HAZARD_SAVEEXEC] = -1,
};

size_t rp_exec_hazard_bytes(void)
{
	return sizeof(struct hazard_state);
}

void rp_exec_hazard_reset(struct wave *w)
{
	struct hazard_state *h = w->hazard;

	memset(h, 0, sizeof(*h));
	h->corrupt = h->corrupt_vgpr = -1;
	/* every wave its own sequence, the same in every run */
	h->random = w->t->x->config.seed + 1 +
		    ((uint64_t)w->g->id[0] << 32 | w->g->id[1] << 16 | w->index) *
			    UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t random32(struct hazard_state *h)
{
	h->random ^= h->random << 13;
	h->random ^= h->random >> 7;
	h->random ^= h->random << 17;
	return (uint32_t)(h->random >> 16) | 1;
}

static struct hazard_page *page_facts(struct rp_exec *x, struct cpage *page, bool wave64)
{
	struct hazard_page **at = &page->hazard[wave64];
	struct hazard_page *f = __atomic_load_n(at, __ATOMIC_ACQUIRE);

	if (f)
		return f;
	pthread_mutex_lock(&x->lock);
	f = __atomic_load_n(at, __ATOMIC_RELAXED);
	if (!f) {
		f = calloc(1, sizeof(*f));
		__atomic_store_n(at, f, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&x->lock);
	return f;
}

static void learn(struct rp_exec *x, const struct cpage *page, bool wave64, size_t slot,
	struct hazard_page *f)
{
	struct rp_isa_target target = { .chip = x->target.chip, .wave64 = wave64 };
	struct rp_isa_inst inst;

	pthread_mutex_lock(&x->lock);
	/* what is no instruction of the chip has no facts: it stops the kernel */
	if (!f->known[slot] && rp_isa_decode(&target, rp_span_of(page->text, page->n_bytes),
				       4 * slot, &inst) == RP_ISA_OK) {
		rp_hazard_facts(&target, &inst, &f->facts[slot]);
		/* DS and FLAT have vdst there; buffers and images their data two bytes lower */
		f->data[slot] = (uint8_t)(inst.klass == RP_ISA_CLASS_VMEM ? inst.w[1] >> 8
									  : inst.w[1] >> 24);
	}
	__atomic_store_n(&f->known[slot], 1, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&x->lock);
}

static unsigned int first_common(const struct rp_isa_sset *a, const struct rp_isa_sset *b)
{
	for (unsigned int i = 0; i < 2; i++)
		if (a->b[i] & b->b[i])
			return 64 * i + (unsigned int)__builtin_ctzll(a->b[i] & b->b[i]);
	return RP_ISA_NULL;
}

/* The register that a hazard endangers: scalar, or for the two of vector memory the data's VGPR. */
static unsigned int endangered(const struct hazard_state *h, const struct rp_hazard_facts *f,
	uint8_t data, unsigned int hazard)
{
	switch (hazard) {
	case RP_HAZARD_VMEM_TO_SCALAR:
		return first_common(&f->write, &h->path.vmem);
	case RP_HAZARD_SMEM_TO_VECTOR:
		return first_common(&f->write, &h->path.smem);
	case RP_HAZARD_LDS_BRANCH_VMEM:
	case RP_HAZARD_NSA_TO_VMEM:
		return data;
	default:
		return EXEC;
	}
}

static void seen(struct wave *w, const struct pinst *p, unsigned int hazard, unsigned int reg)
{
	struct worker *t = w->t;
	uint64_t pc = pc_of(w, p);

	t->hazards[hazard]++;
	if (t->x->config.hazards == RP_EXEC_HAZARDS_CORRUPT) {
		if (hazard == RP_HAZARD_LDS_BRANCH_VMEM || hazard == RP_HAZARD_NSA_TO_VMEM)
			w->hazard->corrupt_vgpr = (int)reg;
		else
			w->hazard->corrupt = (int)reg;
	}
	for (uint32_t i = 0; i < t->n_sites; i++)
		if (t->sites[i].pc == pc && t->sites[i].hazard == hazard)
			return;
	if (t->n_sites < RP_EXEC_MAX_HAZARD_SITES)
		t->sites[t->n_sites++] = (struct rp_exec_hazard_site){
			.hazard = (uint8_t)hazard, .reg = (uint8_t)reg, .pc = pc
		};
}

static void corrupt(struct wave *w)
{
	struct hazard_state *h = w->hazard;

	if (h->corrupt >= 0 && h->corrupt != RP_ISA_NULL)
		w->s[h->corrupt] ^= random32(h);
	if (h->corrupt_vgpr >= 0)
		vgpr(w, 0, (unsigned int)h->corrupt_vgpr)[random32(h) % RP_LANES] ^= random32(h);
	h->corrupt = h->corrupt_vgpr = -1;
}

int rp_exec_hazard_check(struct wave *w, const struct pinst *p)
{
	struct hazard_state *h = w->hazard;
	struct rp_exec *x = w->t->x;
	struct cpage *page = page_of_slots(w->slots);
	size_t slot = (size_t)(p - w->slots);
	bool wave64 = w->n_halves == 2;
	struct hazard_page *f = page_facts(x, page, wave64);
	uint32_t met;

	if (!f)
		return rp_exec_fault(
			w, p, RP_EXEC_NO_MEMORY, -1, 0, false, "out of memory for hazard checks");
	if (!__atomic_load_n(&f->known[slot], __ATOMIC_ACQUIRE))
		learn(x, page, wave64, slot, f);
	if (h->corrupt >= 0 || h->corrupt_vgpr >= 0)
		corrupt(w);
	met = rp_hazard_met(&h->path, &f->facts[slot]);
	for (; met; met &= met - 1) {
		unsigned int hazard = (unsigned int)__builtin_ctz(met);

		if (features[hazard] >= 0 && defect(w, (enum rp_chip_feature)features[hazard]))
			seen(w, p, hazard, endangered(h, &f->facts[slot], f->data[slot], hazard));
	}
	rp_hazard_step(&h->path, &f->facts[slot], NULL);
	return STEP_NEXT;
}
