/* SPDX-License-Identifier: MIT */
/*
 * One dispatch: initial state of its waves, and work-groups over threads.
 *
 * Waiting: a group runs on one thread; its waves take turns, so that waves may wait for each
 * other. A group that has not finished after its slice is put back and another one is started or
 * resumed, so that groups may wait for each other (spin-waits, look-back, grid barriers), as long
 * as max_groups and the scratch memory allow the groups to be in flight together.
 *
 * Initial state: AMDGPUUsage, "Initial Kernel Execution State". A work-group at the edge of the
 * grid is as large as what is left of the grid.
 */
#include "vgpu/exec/internal.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FIRST_SLICE (1u << 18) /* instructions of a group before others get a turn */
#define LAST_SLICE  (1u << 24)
#define WAVE_TURN   (1u << 14) /* instructions of a wave before the next of its group */
#define MAX_GROUPS  1024u
#define MAX_ITEMS   1024u

struct shared {
	struct rp_exec *x;
	const struct rp_exec_dispatch *d;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t next, total, in_flight, max_in_flight;
	uint32_t counts[3]; /* groups of the grid */
	struct group *waiting, **last; /* suspended groups, first in first out */
	struct group *trapped; /* whose wave traps when all others have stopped */
	uint8_t *slot_used; /* per group in flight: which part of scratch it has */
	bool stop;
	struct rp_exec_fault fault; /* the first */
	int64_t deadline_ns; /* 0: none */
	uint32_t n_waves; /* of a full group */
	unsigned int n_sgprs;
	uint64_t epoch;
	struct rp_exec_report *report;
};

static int64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void free_group(struct group *g)
{
	if (!g)
		return;
	if (g->waves)
		for (uint32_t i = 0; i < g->n_alloc; i++)
			free(g->waves[i].hazard);
	free(g->waves);
	free(g->vgprs);
	free(g->lds);
	free(g);
}

static struct group *new_group(const struct shared *s)
{
	const struct rp_exec_dispatch *d = s->d;
	size_t halves = rp_descriptor_is_wave32(&d->descriptor) ? 1 : 2;
	size_t vgpr_bytes = s->n_waves * halves * VGPR_ROWS * RP_LANES * 4;
	struct group *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->n_alloc = s->n_waves;
	g->waves = calloc(s->n_waves, sizeof(*g->waves));
	g->vgprs = aligned_alloc(64, vgpr_bytes);
	g->lds_bytes = d->lds_bytes;
	g->lds = aligned_alloc(64, ((size_t)d->lds_bytes + 127) / 64 * 64);
	if (!g->waves || !g->vgprs || !g->lds)
		goto fail;
	memset(g->vgprs, 0, vgpr_bytes);
	for (uint32_t i = 0; s->x->config.hazards != RP_EXEC_HAZARDS_OFF && i < s->n_waves; i++) {
		g->waves[i].hazard = calloc(1, rp_exec_hazard_bytes());
		if (!g->waves[i].hazard)
			goto fail;
	}
	return g;
fail:
	free_group(g);
	return NULL;
}

/* User SGPRs in the order of AMDGPUUsage; returns how many. out may be NULL. */
static unsigned int user_sgprs(const struct rp_exec_dispatch *d, uint32_t *out)
{
	uint16_t has = d->descriptor.properties;
	const uint64_t pairs[5] = { d->packet, d->queue, d->kernarg, d->dispatch_id,
		d->flat_scratch };
	unsigned int n = 0;

	if (has & 1) {
		if (out)
			memcpy(out, d->private_srd, 16);
		n += 4;
	}
	for (unsigned int i = 0; i < 5; i++) {
		if (!(has >> (i + 1) & 1))
			continue;
		if (out) {
			out[n] = (uint32_t)pairs[i];
			out[n + 1] = (uint32_t)(pairs[i] >> 32);
		}
		n += 2;
	}
	if (has >> 6 & 1) {
		if (out)
			out[n] = d->private_bytes;
		n++;
	}
	return n;
}

static void init_wave(struct wave *w, const struct shared *s, struct group *g, uint32_t index,
	const uint32_t size[3])
{
	const struct rp_exec_dispatch *d = s->d;
	const struct rp_kernel_descriptor *k = &d->descriptor;
	unsigned int lanes = RP_LANES * w->n_halves, r = k->rsrc2 >> 1 & 31;
	uint32_t rsrc1 = k->rsrc1, n_vgprs = rp_descriptor_vgprs(k, s->x->config.chip);
	uint64_t items = (uint64_t)size[0] * size[1] * size[2];

	memset(w->s, 0, sizeof(w->s));
	(void)user_sgprs(d, w->s);
	for (unsigned int i = 0; i < 3; i++)
		if (k->rsrc2 >> (7 + i) & 1)
			w->s[r++] = g->id[i];
	if (k->rsrc2 >> 10 & 1) /* work-group info: not modelled */
		w->s[r++] = 0;
	if (k->rsrc2 & 1)
		w->s[r++] = w->slot * d->scratch_wave_bytes;
	w->scc = 0;
	w->pc = d->entry;
	w->index = index;
	w->state = WAVE_READY;
	w->sleeping = 0;
	w->gws_waits = 0;
	w->priv = w->halt = 0;
	w->n_polls = 0;
	w->n_instructions = 0;
	w->trap_status = 0;
	w->flat_scratch[0] = w->flat_scratch[1] = 0;
	rp_exec_set_mode(w, (rsrc1 >> 12 & 0xff) | (rsrc1 >> 21 & 1) << 8 | (rsrc1 >> 23 & 1) << 9 |
				    (rsrc1 >> 26 & 1) << 23);
	for (unsigned int h = 0; h < w->n_halves; h++)
		memset(vgpr(w, h, 0), 0, (size_t)(n_vgprs > 3 ? n_vgprs : 3) * RP_LANES * 4);
	for (unsigned int l = 0; l < lanes; l++) {
		uint64_t item = (uint64_t)index * lanes + l;
		unsigned int h = l / RP_LANES, i = l % RP_LANES;

		if (item >= items)
			break;
		w->s[EXEC + h] |= 1u << i;
		vgpr(w, h, 0)[i] = (uint32_t)(item % size[0]);
		vgpr(w, h, 1)[i] = (uint32_t)(item / size[0] % size[1]);
		vgpr(w, h, 2)[i] = (uint32_t)(item / size[0] / size[1]);
	}
	if (w->hazard)
		rp_exec_hazard_reset(w);
}

static void init_group(struct group *g, const struct shared *s, struct worker *t, uint64_t number)
{
	const struct rp_exec_dispatch *d = s->d;
	unsigned int halves = rp_descriptor_is_wave32(&d->descriptor) ? 1 : 2;
	uint32_t size[3];
	uint64_t items = 1;

	g->id[0] = (uint32_t)(number % s->counts[0]);
	g->id[1] = (uint32_t)(number / s->counts[0] % s->counts[1]);
	g->id[2] = (uint32_t)(number / s->counts[0] / s->counts[1]);
	for (unsigned int i = 0; i < 3; i++) {
		uint32_t grid = d->grid[i] ? d->grid[i] : 1, full = d->group[i] ? d->group[i] : 1;
		uint32_t left = grid - g->id[i] * full;

		size[i] = left < full ? left : full;
		items *= size[i];
	}
	g->wgp = rp_descriptor_is_wgp(&d->descriptor);
	g->n_waves = (uint32_t)((items + RP_LANES * halves - 1) / (RP_LANES * halves));
	g->n_done = g->n_barrier = 0;
	g->slice = FIRST_SLICE;
	memset(g->lds, 0, g->lds_bytes);
	for (uint32_t i = 0; i < g->n_waves; i++) {
		struct wave *w = &g->waves[i];

		w->g = g;
		w->t = t;
		w->ops = s->x->level->ops;
		w->n_halves = (uint8_t)halves;
		w->v = g->vgprs + (size_t)i * halves * VGPR_ROWS * RP_LANES;
		w->slot = g->first_slot + i;
		init_wave(w, s, g, i, size);
	}
}

static void release_barrier(struct group *g)
{
	if (g->n_barrier != g->n_waves - g->n_done || !g->n_barrier)
		return;
	for (uint32_t i = 0; i < g->n_waves; i++)
		if (g->waves[i].state == WAVE_BARRIER)
			g->waves[i].state = WAVE_READY;
	g->n_barrier = 0;
}

/* Deadline and cancellation, looked at between turns. */
static bool must_stop(struct shared *s, struct wave *w)
{
	const struct rp_exec_dispatch *d = s->d;

	if (__atomic_load_n(&s->stop, __ATOMIC_RELAXED))
		return true;
	if (d->cancel && *d->cancel) {
		(void)rp_exec_fault(w, NULL, RP_EXEC_CANCELED, -1, 0, false, "canceled");
		return true;
	}
	if (s->deadline_ns && now_ns() > s->deadline_ns) {
		(void)rp_exec_fault(w, NULL, RP_EXEC_DEADLINE, -1, 0, false,
			"not finished after %lld ms", (long long)d->deadline_ms);
		return true;
	}
	return false;
}

static void refresh_memory(struct worker *t)
{
	uint64_t g = t->x->config.memory.generation(t->x->config.memory.data);

	if (g == t->generation)
		return;
	t->generation = g;
	memset(t->last, 0, sizeof(t->last));
}

/* A trap that may return is handled at once. */
static bool goes_on(struct worker *t, struct wave *w)
{
	bool ends;

	return rp_exec_traps(&t->fault, &ends) && !ends && rp_exec_trap(w, false);
}

enum outcome { GROUP_DONE, GROUP_WAITS, GROUP_FAILED };

static enum outcome run_group(struct worker *t, struct group *g)
{
	uint64_t done = 0;
	unsigned int idle = 0;

	while (g->n_done < g->n_waves) {
		bool slept_only = true;

		for (uint32_t i = 0; i < g->n_waves; i++) {
			struct wave *w = &g->waves[i];
			uint64_t before = w->n_instructions;
			int r;

			if (w->state != WAVE_READY)
				continue;
			w->t = t;
			w->sleeping = 0;
			refresh_memory(t);
			r = rp_exec_run_wave(w, g->n_waves == 1 ? g->slice : WAVE_TURN);
			t->n_instructions += w->n_instructions - before;
			done += w->n_instructions - before;
			slept_only =
				slept_only && (r == STEP_YIELD || r == STEP_AGAIN) && w->sleeping;
			if (r == STEP_FAULT && !goes_on(t, w))
				return GROUP_FAILED;
			if (r == STEP_END) {
				w->state = WAVE_DONE;
				g->n_done++;
			} else if (r == STEP_BARRIER) {
				w->state = WAVE_BARRIER;
				g->n_barrier++;
			}
			release_barrier(g);
			if (must_stop(t->shared, w))
				return GROUP_FAILED;
		}
		idle = slept_only ? idle + 1 : 0;
		if (g->n_done < g->n_waves && (done >= g->slice || idle > 8)) {
			if (!idle && g->slice < LAST_SLICE)
				g->slice *= 2;
			if (idle)
				(void)sched_yield(); /* what it waits for may be in another queue */
			return GROUP_WAITS;
		}
	}
	return GROUP_DONE;
}

/* Scratch of a group: the parts are numbered; under the lock. */
static uint32_t take_slot(struct shared *s)
{
	for (uint64_t i = 0; i < s->max_in_flight; i++)
		if (!s->slot_used[i]) {
			s->slot_used[i] = 1;
			return (uint32_t)i;
		}
	return 0; /* not reached: in_flight < max_in_flight */
}

static void put_waiting(struct shared *s, struct group *g)
{
	g->next = NULL;
	*s->last = g;
	s->last = &g->next;
}

static struct group *take_waiting(struct shared *s)
{
	struct group *g = s->waiting;

	if (!g)
		return NULL;
	s->waiting = g->next;
	if (!s->waiting)
		s->last = &s->waiting;
	return g;
}

/* The first fault, if it ends the wave: its trap handler runs at the end. True: g is kept for that. */
static bool keep_trapped(struct shared *s, struct group *g, const struct rp_exec_fault *f)
{
	bool ends;

	if (s->stop || !rp_exec_traps(f, &ends) || !ends)
		return false;
	s->trapped = g;
	return true;
}

/* After everything has stopped. */
static void run_trapped(struct shared *s)
{
	struct wave *w;

	if (!s->trapped)
		return;
	w = &s->trapped->waves[s->fault.wave];
	w->t->fault = s->fault;
	(void)rp_exec_trap(w, true);
	s->fault = w->t->fault;
	free_group(s->trapped);
}

static void stop_with(struct shared *s, const struct rp_exec_fault *f)
{
	if (!s->stop && f->kind != RP_EXEC_OK)
		s->fault = *f;
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&s->changed);
}

/* The next group to run: a new one, else one that waits. NULL: all done, or stop. Called and returns with the lock held. */
static struct group *next_group(struct shared *s, struct worker *t, struct group **spare)
{
	for (;;) {
		struct group *g;

		if (s->stop)
			return NULL;
		if (s->next < s->total && s->in_flight < s->max_in_flight) {
			uint64_t number = s->next++;
			uint32_t slot;

			s->in_flight++;
			slot = take_slot(s);
			pthread_mutex_unlock(&s->lock);
			g = *spare ? *spare : new_group(s);
			*spare = NULL;
			if (g) {
				g->part = slot;
				g->first_slot = slot * s->n_waves;
				init_group(g, s, t, number);
			}
			pthread_mutex_lock(&s->lock);
			if (!g) {
				t->fault.kind = RP_EXEC_NO_MEMORY;
				(void)snprintf(t->fault.why, sizeof(t->fault.why),
					"no memory for a work-group");
				stop_with(s, &t->fault);
			}
			return g;
		}
		g = take_waiting(s);
		if (g)
			return g;
		if (s->next >= s->total && !s->in_flight)
			return NULL;
		pthread_cond_wait(&s->changed, &s->lock);
	}
}

static void work(void *workers, unsigned int thread)
{
	struct worker *t = (struct worker *)workers + thread;
	struct shared *s = t->shared;
	struct group *g, *spare = NULL;

	pthread_mutex_lock(&s->lock);
	while ((g = next_group(s, t, &spare))) {
		enum outcome r;
		bool keep;

		pthread_mutex_unlock(&s->lock);
		r = run_group(t, g);
		pthread_mutex_lock(&s->lock);
		if (r == GROUP_WAITS) {
			put_waiting(s, g);
			pthread_cond_signal(&s->changed);
			continue;
		}
		keep = r == GROUP_FAILED && keep_trapped(s, g, &t->fault);
		if (r == GROUP_FAILED)
			stop_with(s, &t->fault);
		s->in_flight--;
		s->slot_used[g->part] = 0;
		if (s->report && r == GROUP_DONE) {
			s->report->n_groups++;
			s->report->n_waves += g->n_waves;
		}
		if (spare)
			free_group(spare);
		spare = keep ? NULL : g;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	free_group(spare);
}

static void add_report(struct rp_exec_report *report, const struct worker *t)
{
	report->n_instructions += t->n_instructions;
	for (unsigned int i = 0; report->count && t->count && i < rp_isa_n_rows; i++)
		report->count[i] += t->count[i];
	for (unsigned int i = 0; i < RP_CHIP_FEATURE_MAX; i++) {
		if (!report->defects[i])
			report->defect_pc[i] = t->defect_pc[i];
		report->defects[i] += t->defects[i];
	}
	for (unsigned int i = 0; i < RP_HAZARD_MAX; i++)
		report->hazards[i] += t->hazards[i];
	for (uint32_t i = 0; i < t->n_sites; i++) {
		bool known = false;

		for (uint32_t k = 0; k < report->n_sites; k++)
			known = known || (report->sites[k].pc == t->sites[i].pc &&
						 report->sites[k].hazard == t->sites[i].hazard);
		if (!known && report->n_sites < RP_EXEC_MAX_HAZARD_SITES)
			report->sites[report->n_sites++] = t->sites[i];
	}
}

static void free_workers(struct worker *t, unsigned int n)
{
	for (unsigned int i = 0; t && i < n; i++)
		free(t[i].count);
	free(t);
}

static int check(const struct rp_exec_dispatch *d, struct shared *s, struct rp_error *err)
{
	const struct rp_kernel_descriptor *k = &d->descriptor;
	uint64_t items = 1;
	unsigned int lanes = rp_descriptor_is_wave32(k) ? 32 : 64, n = user_sgprs(d, NULL);

	s->total = 1;
	for (unsigned int i = 0; i < 3; i++) {
		uint32_t grid = d->grid[i] ? d->grid[i] : 1, full = d->group[i] ? d->group[i] : 1;

		items *= full;
		if (full > MAX_ITEMS || items > MAX_ITEMS)
			return RP_FAIL(err, -EINVAL,
				"a work-group of %u x %u x %u items has more than %u", d->group[0],
				d->group[1], d->group[2], MAX_ITEMS);
		s->counts[i] = grid / full + (grid % full != 0);
		if (__builtin_mul_overflow(s->total, s->counts[i], &s->total))
			return RP_FAIL(
				err, -EINVAL, "the grid has more work-groups than 64 bits count");
	}
	if (d->lds_bytes > 65536)
		return RP_FAIL(err, -EINVAL, "%u bytes of LDS, a work-group has at most 65536",
			d->lds_bytes);
	if (n > (k->rsrc2 >> 1 & 31) || (k->rsrc2 >> 1 & 31) > 16)
		return RP_FAIL(err, -EINVAL, "the descriptor asks for %u user SGPRs and counts %u",
			n, k->rsrc2 >> 1 & 31);
	s->n_waves = (uint32_t)((items + lanes - 1) / lanes);
	s->max_in_flight = d->max_groups ? d->max_groups : MAX_GROUPS;
	if (d->scratch_waves) {
		uint64_t fit = d->scratch_waves / s->n_waves;

		if (!fit)
			return RP_FAIL(err, -EINVAL,
				"scratch memory for %u waves, a work-group has %u",
				d->scratch_waves, s->n_waves);
		if (fit < s->max_in_flight)
			s->max_in_flight = fit;
	}
	return 0;
}

int rp_exec_dispatch(struct rp_exec *x, const struct rp_exec_dispatch *d,
	struct rp_exec_report *report, struct rp_exec_fault *ret_fault, struct rp_error *err)
{
	struct shared s = { .x = x, .d = d, .report = report };
	unsigned int n = x->config.n_threads;
	struct worker *t = NULL;
	int r;

	r = check(d, &s, err);
	if (r < 0)
		return r;
	if (s.total < n)
		n = (unsigned int)s.total;
	s.last = &s.waiting;
	s.deadline_ns = d->deadline_ms ? now_ns() + d->deadline_ms * 1000000 : 0;
	s.epoch = __atomic_add_fetch(&x->epoch, 1, __ATOMIC_SEQ_CST);
	s.slot_used = calloc(s.max_in_flight, 1);
	t = aligned_alloc(64, (n * sizeof(*t) + 63) / 64 * 64);
	if (!t || !s.slot_used) {
		r = RP_NOMEM(err);
		free(t);
		free(s.slot_used);
		return r;
	}
	memset(t, 0, n * sizeof(*t));
	for (unsigned int i = 0; i < n; i++) {
		t[i].x = x;
		t[i].d = d;
		t[i].shared = &s;
		t[i].epoch = s.epoch;
		t[i].generation = x->config.memory.generation(x->config.memory.data);
		t[i].shared_hi = d->shared_aperture_hi ? d->shared_aperture_hi : 0x10000;
		t[i].private_hi = d->private_aperture_hi ? d->private_aperture_hi : 0x20000;
		if (report && report->count)
			t[i].count = calloc(rp_isa_n_rows, sizeof(*t[i].count));
	}
	(void)pthread_mutex_init(&s.lock, NULL);
	(void)pthread_cond_init(&s.changed, NULL);
	(void)pthread_mutex_lock(&x->lock);
	x->n_running++;
	(void)pthread_mutex_unlock(&x->lock);
	rp_parallel(n, work, t);
	(void)pthread_mutex_lock(&x->lock);
	if (--x->n_running == 0)
		rp_exec_free_retired(x);
	(void)pthread_mutex_unlock(&x->lock);
	while (s.waiting) {
		struct group *g = s.waiting;

		s.waiting = g->next;
		free_group(g);
	}
	for (unsigned int i = 0; report && i < n; i++)
		add_report(report, &t[i]);
	run_trapped(&s);
	if (s.stop) {
		char text[400];

		(void)rp_exec_fault_text(&s.fault, text, sizeof(text));
		if (ret_fault)
			*ret_fault = s.fault;
		r = RP_FAIL(err, -EIO, "%s", text);
	}
	(void)pthread_cond_destroy(&s.changed);
	(void)pthread_mutex_destroy(&s.lock);
	free(s.slot_used);
	free_workers(t, n);
	return r;
}
