/* SPDX-License-Identifier: MIT */
/*
 * Queues: creation and change by KFD calls, a thread for each, and one that watches doorbells.
 *
 * A doorbell is plain memory: nothing tells us of a store. The watcher looks at the queues' indices
 * and naps in between, longer the longer nothing happened; every WAIT_EVENTS call wakes it, because
 * whoever waits has rung. A queue's own thread runs its packets and no lock is held meanwhile: a
 * kernel that waits for another queue must not stop that queue or CREATE_QUEUE.
 */
#include "vgpu/internal.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

/* After so long without work: naps of so long. Measured for CPU use: tests/vgpu, "idle". */
static const struct {
	int64_t idle_us, nap_us;
} naps[] = { { 500, 20 }, { 20000, 100 }, { 200000, 500 }, { 1000000, 4000 },
	{ INT64_MAX, 10000 } };

#define SPIN_US 200 /* a queue's thread goes on looking before it parks */

static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void nap_us(int64_t us)
{
	struct timespec ts = { us / 1000000, (long)(us % 1000000) * 1000 };

	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

static int64_t nap_for(int64_t idle_us)
{
	size_t i = 0;

	while (naps[i].idle_us < idle_us)
		i++;
	return naps[i].nap_us;
}

bool rp_queue_pending(struct rp_vgpu_queue *q)
{
	struct rp_page_table *pt = &q->vgpu->gpu[q->gpu].pt;
	struct rp_vgpu_fault fault;
	bool pending = false;
	const uint8_t *wptr;

	if (q->stopped || atomic_load_explicit(&q->percentage, memory_order_relaxed) == 0)
		return false;
	(void)pthread_rwlock_rdlock(&pt->lock);
	wptr = rp_gpu_host(pt, q->wptr_va, 8, RP_GPU_READ, &fault);
	if (wptr) {
		uint64_t w =
			__atomic_load_n((const uint64_t *)(const void *)wptr, __ATOMIC_ACQUIRE);

		pending = q->type == KFD_QUEUE_AQL ? w > q->rptr : w != q->rptr;
	}
	if (pending && q->type == KFD_QUEUE_AQL) {
		const uint8_t *p = rp_gpu_host(pt, q->ring + q->rptr * AQL_PACKET % q->ring_bytes,
			AQL_PACKET, RP_GPU_READ, &fault);

		pending = !p ||
			  (__atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_ACQUIRE) &
				  0xff) != AQL_TYPE_INVALID;
	}
	(void)pthread_rwlock_unlock(&pt->lock);
	return pending;
}

static void park(struct rp_vgpu_queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	atomic_store(&q->parked, true);
	while (!q->kicked && !atomic_load(&q->die))
		(void)pthread_cond_wait(&q->wake, &q->lock);
	q->kicked = false;
	atomic_store(&q->parked, false);
	(void)pthread_mutex_unlock(&q->lock);
}

static void kick_queue(struct rp_vgpu_queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	q->kicked = true;
	(void)pthread_cond_signal(&q->wake);
	(void)pthread_mutex_unlock(&q->lock);
}

static void *queue_main(void *data)
{
	struct rp_vgpu_queue *q = (struct rp_vgpu_queue *)data;
	int64_t worked = now_us();

	rp_log_actor(q->number);
	while (!atomic_load(&q->die)) {
		enum rp_step step = RP_STEP_STOPPED;

		if (!q->stopped && atomic_load_explicit(&q->percentage, memory_order_relaxed) > 0)
			step = q->type == KFD_QUEUE_AQL ? rp_aql_step(q) : rp_sdma_step(q);
		if (step == RP_STEP_RAN) {
			worked = now_us();
			continue;
		}
		if (step == RP_STEP_BLOCKED) { /* waits for memory that anybody may write */
			nap_us(nap_for(now_us() - worked) / 2);
			continue;
		}
		if (step == RP_STEP_IDLE && now_us() - worked < SPIN_US) {
			nap_us(1);
			continue;
		}
		park(q);
		worked = now_us();
	}
	return NULL;
}

static void *watch_main(void *data)
{
	struct rp_vgpu *vgpu = (struct rp_vgpu *)data;
	int64_t busy = now_us();
	unsigned int kicks = 0;

	for (;;) {
		struct timespec until;
		int64_t nap;
		bool any = false;

		(void)pthread_mutex_lock(&vgpu->lock);
		for (size_t i = 0; i < vgpu->n_queues; i++) {
			struct rp_vgpu_queue *q = vgpu->queues[i];

			if (!atomic_load(&q->parked)) {
				any = true;
			} else if (rp_queue_pending(q)) {
				kick_queue(q);
				any = true;
			}
		}
		(void)pthread_mutex_unlock(&vgpu->lock);
		if (any)
			busy = now_us();
		nap = nap_for(now_us() - busy);
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (long)nap * 1000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		(void)pthread_mutex_lock(&vgpu->watch_lock);
		/* without queues there is nothing to watch: CREATE_QUEUE kicks */
		while (kicks == atomic_load(&vgpu->kicks)) {
			if (atomic_load(&vgpu->n_live) == 0)
				(void)pthread_cond_wait(&vgpu->watch_wake, &vgpu->watch_lock);
			else if (pthread_cond_timedwait(
					 &vgpu->watch_wake, &vgpu->watch_lock, &until) == ETIMEDOUT)
				break;
		}
		if (kicks != atomic_load(&vgpu->kicks))
			busy = now_us();
		kicks = atomic_load(&vgpu->kicks);
		(void)pthread_mutex_unlock(&vgpu->watch_lock);
	}
	return NULL;
}

void rp_vgpu_kick(struct rp_vgpu *vgpu)
{
	(void)pthread_mutex_lock(&vgpu->watch_lock);
	atomic_fetch_add(&vgpu->kicks, 1);
	(void)pthread_cond_signal(&vgpu->watch_wake);
	(void)pthread_mutex_unlock(&vgpu->watch_lock);
}

/* The program's signals are none of our threads' business. */
static int start_thread(pthread_t *ret, void *(*fn)(void *), void *data, const char *name)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(ret, NULL, fn, data);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		(void)pthread_setname_np(*ret, name);
	return -r;
}

static int take_doorbell(struct rp_vgpu_gpu *g, uint32_t *ret)
{
	for (uint32_t i = 0; i < DOORBELLS; i++)
		if (!g->doorbell_used[i]) {
			*ret = i;
			return 0;
		}
	return -ENOSPC;
}

static int check_create(const struct rp_vgpu *vgpu, const struct kfd_create_queue *a, int gpu)
{
	if (a->percentage > 100 || a->priority > 15)
		return -EINVAL;
	if (a->ring_size != 0 && (a->ring_size & (a->ring_size - 1)) != 0)
		return -EINVAL;
	if (a->queue_type > KFD_QUEUE_SDMA_XGMI)
		return -ENOTSUP;
	if (gpu < 0 || !vgpu->gpu[gpu].vm_acquired)
		return gpu < 0 ? -EINVAL : -ESRCH;
	return a->ring_size == 0 ? -EINVAL : 0;
}

static struct rp_vgpu_queue *new_queue(
	struct rp_vgpu *vgpu, const struct kfd_create_queue *a, uint32_t gpu)
{
	struct rp_vgpu_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->vgpu = vgpu;
	q->gpu = gpu;
	q->type = a->queue_type == KFD_QUEUE_SDMA_XGMI ? KFD_QUEUE_SDMA : a->queue_type;
	q->ring = a->ring_base;
	q->ring_bytes = a->ring_size;
	q->rptr_va = a->read_pointer;
	q->wptr_va = a->write_pointer;
	q->save_area = a->save_address;
	if (q->type == KFD_QUEUE_AQL)
		q->amd_queue = a->read_pointer - AQL_QUEUE_READ_INDEX;
	atomic_init(&q->percentage, a->percentage);
	q->priority = a->priority;
	(void)pthread_mutex_init(&q->lock, NULL);
	(void)pthread_cond_init(&q->wake, NULL);
	return q;
}

static const char *type_name(uint32_t type)
{
	static const char *const names[] = { "PM4", "SDMA", "AQL", "SDMA_XGMI" };

	return type < RP_ARRAY_SIZE(names) ? names[type] : "unknown";
}

/* What the hardware finds behind the pointers at the start: both at 0, and no old doorbell. */
static void reset_pointers(struct rp_vgpu_queue *q)
{
	struct rp_page_table *pt = &q->vgpu->gpu[q->gpu].pt;
	struct rp_vgpu_fault fault;

	(void)pthread_rwlock_rdlock(&pt->lock);
	for (int i = 0; i < 2 && q->type == KFD_QUEUE_SDMA; i++) {
		uint8_t *p = rp_gpu_host(pt, i ? q->wptr_va : q->rptr_va, 8, RP_GPU_WRITE, &fault);

		if (p)
			memset(p, 0, 8);
	}
	(void)pthread_rwlock_unlock(&pt->lock);
	memset(q->vgpu->kfd_base + (size_t)q->gpu * KFD_STRIDE + (size_t)q->doorbell * 8, 0, 8);
}

int rp_kfd_create_queue(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	struct kfd_create_queue *a = (struct kfd_create_queue *)args;
	int gpu = rp_vgpu_gpu_index(vgpu, a->gpu_id);
	struct rp_vgpu_queue *q;
	char name[16];
	int r;

	rp_buf_addf(text,
		"gpu=%d type=%s ring=%" PRIu32 " percentage=%" PRIu32 " priority=%" PRIu32
		" eop=%" PRIu64 " save=%" PRIu32 " ctl_stack=%" PRIu32,
		gpu + 1, type_name(a->queue_type), a->ring_size, a->percentage, a->priority,
		a->eop_size, a->save_size, a->ctl_stack_size);
	r = check_create(vgpu, a, gpu);
	if (r < 0)
		return r;
	if (a->queue_type == KFD_QUEUE_COMPUTE) {
		rp_vgpu_note(vgpu, "a PM4 compute queue");
		return -EINVAL;
	}
	q = new_queue(vgpu, a, (uint32_t)gpu);
	if (!q)
		return -ENOMEM;
	(void)pthread_mutex_lock(&vgpu->lock);
	r = rp_array_grow(&vgpu->queues, &vgpu->cap_queues, vgpu->n_queues, sizeof(*vgpu->queues));
	if (r == 0)
		r = take_doorbell(&vgpu->gpu[gpu], &q->doorbell);
	if (r == 0 && !vgpu->watcher_runs) {
		r = start_thread(&vgpu->watcher, watch_main, vgpu, "rp-doorbells");
		vgpu->watcher_runs = r == 0;
	}
	if (r == 0) {
		q->number = ++vgpu->n_queues_created;
		q->id = q->number;
		reset_pointers(q);
		(void)snprintf(name, sizeof(name), "rp-queue-%u", q->number);
		r = start_thread(&q->thread, queue_main, q, name);
	}
	if (r == 0) {
		vgpu->gpu[gpu].doorbell_used[q->doorbell] = true;
		vgpu->queues[vgpu->n_queues++] = q;
		atomic_fetch_add(&vgpu->n_live, 1);
		a->queue_id = q->id;
		a->doorbell_offset = (uint64_t)gpu * KFD_STRIDE + (uint64_t)q->doorbell * 8;
		rp_buf_addf(text, " -> queue=%u", q->number);
	} else {
		free(q);
	}
	(void)pthread_mutex_unlock(&vgpu->lock);
	if (r == 0)
		rp_vgpu_kick(vgpu);
	return r;
}

/* Caller holds the lock. n_queues: no such queue. */
static size_t find(const struct rp_vgpu *vgpu, uint32_t id)
{
	size_t i = 0;

	while (i < vgpu->n_queues && vgpu->queues[i]->id != id)
		i++;
	return i;
}

int rp_kfd_destroy_queue(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	const struct kfd_queue_id *a = (const struct kfd_queue_id *)args;
	struct rp_vgpu_queue *q = NULL;
	size_t i;

	rp_buf_addf(text, "queue=%" PRIu32, a->queue_id);
	(void)pthread_mutex_lock(&vgpu->lock);
	i = find(vgpu, a->queue_id);
	if (i < vgpu->n_queues) {
		q = vgpu->queues[i];
		memmove(&vgpu->queues[i], &vgpu->queues[i + 1],
			(vgpu->n_queues - i - 1) * sizeof(struct rp_vgpu_queue *));
		vgpu->n_queues--;
		atomic_fetch_sub(&vgpu->n_live, 1);
		vgpu->gpu[q->gpu].doorbell_used[q->doorbell] = false;
	}
	(void)pthread_mutex_unlock(&vgpu->lock);
	if (!q)
		return -EINVAL;
	atomic_store(&q->die, true);
	q->cancel = 1;
	kick_queue(q);
	(void)pthread_join(q->thread, NULL);
	(void)pthread_mutex_destroy(&q->lock);
	(void)pthread_cond_destroy(&q->wake);
	free(q);
	return 0;
}

int rp_kfd_update_queue(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	const struct kfd_update_queue *a = (const struct kfd_update_queue *)args;
	int r = -EFAULT; /* pqm_update_queue_properties: no such queue */
	size_t i;

	rp_buf_addf(text,
		"queue=%" PRIu32 " ring=%" PRIu32 " percentage=%" PRIu32 " priority=%" PRIu32,
		a->queue_id, a->ring_size, a->percentage, a->priority);
	if (a->percentage > 100 || a->priority > 15 || (a->ring_size & (a->ring_size - 1)) != 0)
		return -EINVAL;
	(void)pthread_mutex_lock(&vgpu->lock);
	i = find(vgpu, a->queue_id);
	if (i < vgpu->n_queues) {
		struct rp_vgpu_queue *q = vgpu->queues[i];

		/* A suspended queue may get another ring; one that runs keeps the ring it has. */
		atomic_store(&q->percentage, a->ring_base && a->ring_size ? a->percentage : 0);
		q->priority = a->priority;
		r = 0;
	}
	(void)pthread_mutex_unlock(&vgpu->lock);
	rp_vgpu_kick(vgpu);
	return r;
}

int rp_kfd_cu_mask(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	const struct kfd_cu_mask *a = (const struct kfd_cu_mask *)args;
	bool known;

	rp_buf_addf(text, "queue=%" PRIu32 " bits=%" PRIu32, a->queue_id, a->num_cu_mask);
	if (a->num_cu_mask == 0 || a->num_cu_mask % 32 != 0)
		return -EINVAL;
	(void)pthread_mutex_lock(&vgpu->lock);
	known = find(vgpu, a->queue_id) < vgpu->n_queues;
	(void)pthread_mutex_unlock(&vgpu->lock);
	return known ? 0 : -EFAULT;
}

/* Global wave sync for one queue of a process. Linux 6.12 kfd_chardev.c, kfd_process_queue_manager.c (pqm_set_gws). */
int rp_kfd_alloc_gws(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	struct kfd_gws *a = (struct kfd_gws *)args;
	bool taken = false;
	size_t i;
	int r = 0;

	rp_buf_addf(text, "queue=%" PRIu32 " n=%" PRIu32, a->queue_id, a->n);
	if (!vgpu->profile.gws)
		return -ENODEV;
	(void)pthread_mutex_lock(&vgpu->lock);
	i = find(vgpu, a->queue_id);
	for (size_t k = 0; i < vgpu->n_queues && k < vgpu->n_queues; k++)
		taken = taken || (k != i && vgpu->queues[k]->gws &&
					 vgpu->queues[k]->gpu == vgpu->queues[i]->gpu);
	if (i >= vgpu->n_queues)
		r = -EINVAL;
	else if (taken)
		r = -EBUSY;
	else if (vgpu->queues[i]->gws == (a->n != 0))
		r = -EINVAL;
	else
		vgpu->queues[i]->gws = a->n != 0;
	(void)pthread_mutex_unlock(&vgpu->lock);
	a->first = 0;
	return r;
}

/* "mem=7+0x1000": addresses of a program differ from run to run, this does not. */
static void describe(struct rp_vgpu *vgpu, uint64_t va, char *buf, size_t n)
{
	(void)snprintf(buf, n, "of no allocation");
	(void)pthread_mutex_lock(&vgpu->lock);
	for (size_t i = 0; i < vgpu->n_mem; i++) {
		const struct rp_vgpu_mem *m = vgpu->mem[i];

		if (m && va >= m->va && va - m->va < m->size)
			(void)snprintf(buf, n, "mem=%u+0x%" PRIx64, m->number, va - m->va);
	}
	(void)pthread_mutex_unlock(&vgpu->lock);
}

void rp_queue_fault(struct rp_vgpu_queue *q, const char *what, const struct rp_vgpu_fault *fault)
{
	struct rp_vgpu *vgpu = q->vgpu;
	struct kfd_memory_exception x = {
		.not_present = !fault->present,
		.read_only = fault->present && !fault->poisoned && (fault->need & RP_GPU_WRITE),
		.no_execute = fault->present && !fault->poisoned && (fault->need & RP_GPU_EXEC),
		.va = fault->va & ~(uint64_t)(PAGE - 1),
		.gpu_id = vgpu->gpu[q->gpu].id,
	};
	char place[64];

	q->stopped = true;
	atomic_fetch_add(&vgpu->n_faults, 1);
	describe(vgpu, fault->va, place, sizeof(place));
	rp_log_linef(&vgpu->log, false,
		"fault gpu=%u queue=%u by=%s access=%s address=%s reason=%s", q->gpu + 1, q->number,
		what,
		fault->need & RP_GPU_WRITE  ? "write"
		: fault->need & RP_GPU_EXEC ? "execute"
					    : "read",
		place,
		fault->poisoned	 ? "strict_mtype(hypothesis)"
		: fault->present ? "rights"
				 : "not_mapped");
	rp_events_memory_fault(&vgpu->events, &x);
}

void rp_queue_unmodelled(struct rp_vgpu_queue *q, const char *what, uint64_t value)
{
	q->stopped = true;
	rp_vgpu_note(q->vgpu, "%s 0x%" PRIx64 " (its queue stopped)", what, value);
	rp_log_linef(
		&q->vgpu->log, false, "unmodelled queue=%u %s=0x%" PRIx64, q->number, what, value);
}
