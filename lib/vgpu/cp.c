/* SPDX-License-Identifier: MIT */
/*
 * The command processor: AQL packets of a compute queue, in order. Sources: HSA system architecture
 * ("Architected Queuing Language"), ROCR amd_aql_queue.cpp (scratch and errors by the inactive
 * signal), ROCR's vendor packets, recordings.
 */
#include "vgpu/internal.h"

#include <inttypes.h>

#define PM4_NOP		0x10u
#define PM4_ACQUIRE_MEM 0x58u

/* Codes in the inactive signal: ROCR AqlQueue::DynamicScratchHandler. */
#define INACTIVE_SCRATCH_WAVE32 0x400
#define INACTIVE_SCRATCH_WAVE64 1
#define INACTIVE_INVALID_PACKET 32

#define INACTIVE_SCRATCH_UNUSED 512 /* the dispatch that had it alone is over */

#define KD_PROPERTIES		56 /* byte offset in the kernel descriptor; bit 10: wave32 */
#define AQL_QUEUE_TMPRING \
	140 /* amd_queue_t.compute_tmpring_size: WAVES 11:0, WAVESIZE 24:12 in KiB */
#define AQL_QUEUE_PROPERTIES 180
#define USE_SCRATCH_ONCE     (1u << 4)

static struct rp_page_table *table(struct rp_vgpu_queue *q)
{
	return &q->vgpu->gpu[q->gpu].pt;
}

/* Writes an amd_signal_t: value = value + add, or set; then its interrupt. */
static int signal_write(struct rp_vgpu_queue *q, uint64_t va, bool set, int64_t value,
	uint64_t start, struct rp_vgpu_fault *fault)
{
	struct rp_page_table *pt = table(q);
	uint64_t mailbox = 0;
	uint32_t event = 0;
	uint8_t *s;

	(void)pthread_rwlock_rdlock(&pt->lock);
	s = rp_gpu_host(pt, va, 64, RP_GPU_WRITE, fault);
	if (s) {
		if (start) {
			__atomic_store_n(
				(uint64_t *)(void *)(s + SIGNAL_START), start, __ATOMIC_RELAXED);
			__atomic_store_n((uint64_t *)(void *)(s + SIGNAL_END), rp_gpu_clock(),
				__ATOMIC_RELAXED);
		}
		/* read before the value changes: its owner may free the signal then */
		mailbox =
			__atomic_load_n((uint64_t *)(void *)(s + SIGNAL_MAILBOX), __ATOMIC_RELAXED);
		event = __atomic_load_n(
			(uint32_t *)(void *)(s + SIGNAL_EVENT_ID), __ATOMIC_RELAXED);
		if (set)
			__atomic_store_n(
				(int64_t *)(void *)(s + SIGNAL_VALUE), value, __ATOMIC_RELEASE);
		else
			__atomic_fetch_add(
				(int64_t *)(void *)(s + SIGNAL_VALUE), value, __ATOMIC_ACQ_REL);
		if (mailbox) {
			uint8_t *m = rp_gpu_host(pt, mailbox, 8, RP_GPU_WRITE, fault);

			if (m)
				__atomic_store_n((uint64_t *)(void *)m, event, __ATOMIC_RELEASE);
			else
				s = NULL;
		}
	}
	(void)pthread_rwlock_unlock(&pt->lock);
	if (!s)
		return -EFAULT;
	if (mailbox)
		rp_events_interrupt(&q->vgpu->events, event);
	return 0;
}

static int read_u64(
	struct rp_vgpu_queue *q, uint64_t va, uint64_t *ret, struct rp_vgpu_fault *fault)
{
	struct rp_page_table *pt = table(q);
	uint8_t *p;

	(void)pthread_rwlock_rdlock(&pt->lock);
	p = rp_gpu_host(pt, va, 8, RP_GPU_READ, fault);
	if (p)
		*ret = __atomic_load_n((uint64_t *)(void *)p, __ATOMIC_ACQUIRE);
	(void)pthread_rwlock_unlock(&pt->lock);
	return p ? 0 : -EFAULT;
}

/* The packet is done: slot free, index moved, then its signal. */
static enum rp_step retire(struct rp_vgpu_queue *q, uint64_t completion, uint64_t start)
{
	struct rp_page_table *pt = table(q);
	struct rp_vgpu_fault fault;
	uint8_t *header, *index;

	(void)pthread_rwlock_rdlock(&pt->lock);
	header = rp_gpu_host(
		pt, q->ring + q->rptr * AQL_PACKET % q->ring_bytes, 2, RP_GPU_WRITE, &fault);
	index = rp_gpu_host(pt, q->rptr_va, 8, RP_GPU_WRITE, &fault);
	if (header && index) {
		__atomic_store_n((uint16_t *)(void *)header, AQL_TYPE_INVALID, __ATOMIC_RELEASE);
		q->rptr++;
		__atomic_store_n((uint64_t *)(void *)index, q->rptr, __ATOMIC_RELEASE);
	}
	(void)pthread_rwlock_unlock(&pt->lock);
	if (!header || !index) {
		rp_queue_fault(q, "aql_ring", &fault);
		return RP_STEP_STOPPED;
	}
	if (completion && signal_write(q, completion, false, -1, start, &fault) < 0) {
		rp_queue_fault(q, "aql_completion", &fault);
		return RP_STEP_STOPPED;
	}
	return RP_STEP_RAN;
}

static enum rp_step fault_stop(
	struct rp_vgpu_queue *q, const char *what, struct rp_vgpu_fault *fault)
{
	rp_queue_fault(q, what, fault);
	return RP_STEP_STOPPED;
}

/* Tells ROCR through the queue's inactive signal. */
int rp_cp_inactive(struct rp_vgpu_queue *q, int64_t code, struct rp_vgpu_fault *fault)
{
	uint64_t signal = 0;

	if (read_u64(q, q->amd_queue + AQL_QUEUE_INACTIVE_SIGNAL, &signal, fault) < 0)
		return -EFAULT;
	return signal ? signal_write(q, signal, true, code, 0, fault) : 0;
}

int rp_cp_inactive_value(struct rp_vgpu_queue *q, int64_t *ret)
{
	struct rp_vgpu_fault fault;
	uint64_t signal = 0, value = 0;

	if (read_u64(q, q->amd_queue + AQL_QUEUE_INACTIVE_SIGNAL, &signal, &fault) < 0 || !signal ||
		read_u64(q, signal + SIGNAL_VALUE, &value, &fault) < 0)
		return -EFAULT;
	*ret = (int64_t)value;
	return 0;
}

static int read_u32(
	struct rp_vgpu_queue *q, uint64_t va, uint32_t *ret, struct rp_vgpu_fault *fault)
{
	uint64_t pair;

	if (read_u64(q, va & ~UINT64_C(7), &pair, fault) < 0)
		return -EFAULT;
	*ret = (uint32_t)(va & 4 ? pair >> 32 : pair);
	return 0;
}

/* Whether the queue's scratch memory has room for a wave of the kernel; ret_wave32: its width. */
static int scratch_fits(struct rp_vgpu_queue *q, const struct aql_dispatch *d, bool *ret_fits,
	bool *ret_wave32, struct rp_vgpu_fault *fault)
{
	uint16_t properties = 0;
	uint64_t location = 0, bytes;
	uint32_t tmpring = 0;

	if (rp_gpu_read(table(q), d->kernel_object + KD_PROPERTIES, &properties, 2, fault) < 0 ||
		read_u64(q, q->amd_queue + AQL_QUEUE_SCRATCH_ADDRESS, &location, fault) < 0 ||
		read_u32(q, q->amd_queue + AQL_QUEUE_TMPRING, &tmpring, fault) < 0)
		return -EFAULT;
	*ret_wave32 = properties >> 10 & 1;
	bytes = (uint64_t)d->private_bytes * (*ret_wave32 ? 32 : 64);
	*ret_fits = location != 0 && bytes <= (uint64_t)(tmpring >> 12 & 0x1fff) * 1024;
	return 0;
}

/*
 * A kernel that needs more scratch than the queue has: the queue halts and asks ROCR, which
 * allocates and clears the signal. BLOCKED while that lasts, RAN: scratch is there.
 */
static enum rp_step need_scratch(
	struct rp_vgpu_queue *q, const struct aql_dispatch *d, struct rp_vgpu_fault *fault)
{
	uint64_t signal = 0, value = 0;
	bool fits = false, wave32 = false;

	if (d->private_bytes == 0)
		return RP_STEP_RAN;
	if (q->scratch_asked) {
		if (read_u64(q, q->amd_queue + AQL_QUEUE_INACTIVE_SIGNAL, &signal, fault) < 0 ||
			(signal && read_u64(q, signal + SIGNAL_VALUE, &value, fault) < 0))
			return RP_STEP_STOPPED;
		if (value != 0)
			return RP_STEP_BLOCKED;
		q->scratch_asked = false;
		return RP_STEP_RAN;
	}
	if (scratch_fits(q, d, &fits, &wave32, fault) < 0)
		return RP_STEP_STOPPED;
	if (fits)
		return RP_STEP_RAN;
	q->scratch_asked = true;
	if (rp_cp_inactive(q, wave32 ? INACTIVE_SCRATCH_WAVE32 : INACTIVE_SCRATCH_WAVE64, fault) <
		0)
		return RP_STEP_STOPPED;
	return RP_STEP_BLOCKED;
}

/* ROCR may lend a large piece of scratch for one dispatch only: it is told when that is over, and takes it back. */
static enum rp_step give_scratch_back(struct rp_vgpu_queue *q)
{
	struct rp_vgpu_fault fault = { 0, 0, false, false };
	uint32_t properties = 0;

	if (read_u32(q, q->amd_queue + AQL_QUEUE_PROPERTIES, &properties, &fault) < 0)
		return fault_stop(q, "aql_scratch", &fault);
	if (!(properties & USE_SCRATCH_ONCE))
		return RP_STEP_RAN;
	if (rp_cp_inactive(q, INACTIVE_SCRATCH_UNUSED, &fault) < 0)
		return fault_stop(q, "aql_scratch", &fault);
	q->scratch_given_back = true;
	return RP_STEP_RAN;
}

/* BLOCKED while ROCR takes scratch back: it clears the property last. */
static enum rp_step taken_back(struct rp_vgpu_queue *q)
{
	struct rp_vgpu_fault fault = { 0, 0, false, false };
	uint32_t properties = 0;

	if (!q->scratch_given_back)
		return RP_STEP_RAN;
	if (read_u32(q, q->amd_queue + AQL_QUEUE_PROPERTIES, &properties, &fault) < 0)
		return fault_stop(q, "aql_scratch", &fault);
	if (properties & USE_SCRATCH_ONCE)
		return RP_STEP_BLOCKED;
	q->scratch_given_back = false;
	return RP_STEP_RAN;
}

/* The one place where a kernel runs. With execute off it is looked up and consumed, which the summary tells. */
enum rp_step rp_cp_dispatch(struct rp_vgpu_dispatch *d)
{
	struct rp_vgpu_fault fault;
	uint8_t descriptor[64];

	if (d->queue->vgpu->execute)
		return rp_execute(d);
	if (rp_gpu_read(table(d->queue), d->packet->kernel_object, descriptor, sizeof(descriptor),
		    &fault) < 0)
		return fault_stop(d->queue, "kernel_descriptor", &fault);
	atomic_fetch_add(&d->queue->vgpu->n_unexecuted, 1);
	return RP_STEP_RAN;
}

static enum rp_step dispatch(struct rp_vgpu_queue *q, const struct aql_dispatch *d)
{
	struct rp_vgpu_dispatch run = { q, d, q->ring + q->rptr * AQL_PACKET % q->ring_bytes };
	struct rp_vgpu_fault fault = { 0, 0, false, false };
	uint64_t start = rp_gpu_clock();
	enum rp_step step = need_scratch(q, d, &fault);

	if (step == RP_STEP_STOPPED)
		return fault_stop(q, "aql_scratch", &fault);
	if (step != RP_STEP_RAN)
		return step;
	step = rp_cp_dispatch(&run);
	if (step == RP_STEP_RAN)
		step = retire(q, d->completion, start);
	return step == RP_STEP_RAN && d->private_bytes ? give_scratch_back(q) : step;
}

static enum rp_step barrier(struct rp_vgpu_queue *q, const struct aql_barrier *b, bool all)
{
	unsigned int n = 0, open = 0;
	struct rp_vgpu_fault fault;
	uint64_t value = 0;

	for (size_t i = 0; i < RP_ARRAY_SIZE(b->dep); i++) {
		if (!b->dep[i])
			continue;
		if (read_u64(q, b->dep[i] + SIGNAL_VALUE, &value, &fault) < 0)
			return fault_stop(q, "aql_barrier", &fault);
		n++;
		open += value == 0;
	}
	if (all ? open < n : n > 0 && open == 0)
		return RP_STEP_BLOCKED;
	return retire(q, b->completion, rp_gpu_clock());
}

static enum rp_step barrier_value(struct rp_vgpu_queue *q, const struct aql_barrier_value *b)
{
	struct rp_vgpu_fault fault;
	uint64_t raw = 0;
	int64_t value;
	bool open;

	if (b->signal && read_u64(q, b->signal + SIGNAL_VALUE, &raw, &fault) < 0)
		return fault_stop(q, "aql_barrier", &fault);
	value = (int64_t)raw & b->mask;
	switch (b->condition) { /* hsa_signal_condition_t */
	case 0:
		open = value == b->value;
		break;
	case 1:
		open = value != b->value;
		break;
	case 2:
		open = value < b->value;
		break;
	default:
		open = value >= b->value;
		break;
	}
	if (b->signal && !open)
		return RP_STEP_BLOCKED;
	return retire(q, b->completion, rp_gpu_clock());
}

/* Commands in an indirect buffer: cache invalidations are all that ROCR sends for gfx10. */
static enum rp_step pm4(struct rp_vgpu_queue *q, const struct aql_pm4_ib *p)
{
	uint64_t va = (p->ib_packet[1] & ~UINT32_C(3)) | (uint64_t)p->ib_packet[2] << 32;
	uint32_t n = p->ib_packet[3] & 0xfffff;
	struct rp_vgpu_fault fault;
	uint32_t ib[256];

	if (n > RP_ARRAY_SIZE(ib)) {
		rp_queue_unmodelled(q, "pm4_ib_dwords", n);
		return RP_STEP_STOPPED;
	}
	if (rp_gpu_read(table(q), va, ib, (uint64_t)n * 4, &fault) < 0)
		return fault_stop(q, "pm4_ib", &fault);
	for (uint32_t i = 0; i < n;) {
		uint32_t op = ib[i] >> 8 & 0xff;

		if (ib[i] >> 30 != 3 || (op != PM4_ACQUIRE_MEM && op != PM4_NOP)) {
			rp_queue_unmodelled(q, "pm4_packet", ib[i]);
			return RP_STEP_STOPPED;
		}
		i += (ib[i] >> 16 & 0x3fff) + 2;
	}
	return retire(q, p->completion, rp_gpu_clock());
}

static enum rp_step vendor(struct rp_vgpu_queue *q, const uint8_t packet[AQL_PACKET])
{
	struct aql_pm4_ib ib;
	struct aql_barrier_value b;

	memcpy(&ib, packet, sizeof(ib));
	memcpy(&b, packet, sizeof(b));
	if (ib.format == AQL_FORMAT_PM4_IB)
		return pm4(q, &ib);
	if (ib.format == AQL_FORMAT_BARRIER_VALUE)
		return barrier_value(q, &b);
	rp_queue_unmodelled(q, "aql_vendor_format", ib.format);
	return RP_STEP_STOPPED;
}

enum rp_step rp_aql_step(struct rp_vgpu_queue *q)
{
	struct rp_page_table *pt = table(q);
	struct rp_vgpu_fault fault = { 0, 0, false, false };
	uint8_t packet[AQL_PACKET];
	struct aql_dispatch d;
	struct aql_barrier b;
	uint64_t windex = 0;
	enum rp_step step = taken_back(q);
	uint8_t *p;

	if (step != RP_STEP_RAN)
		return step;
	if (read_u64(q, q->wptr_va, &windex, &fault) < 0 || q->rptr >= windex)
		return RP_STEP_IDLE;
	(void)pthread_rwlock_rdlock(&pt->lock);
	p = rp_gpu_host(pt, q->ring + q->rptr * AQL_PACKET % q->ring_bytes, AQL_PACKET, RP_GPU_READ,
		&fault);
	if (p) {
		/* the header is written last: nothing else counts before it */
		uint16_t header = __atomic_load_n((uint16_t *)(void *)p, __ATOMIC_ACQUIRE);

		memcpy(packet, p, sizeof(packet));
		memcpy(packet, &header, sizeof(header));
	}
	(void)pthread_rwlock_unlock(&pt->lock);
	if (!p)
		return fault_stop(q, "aql_ring", &fault);
	memcpy(&d, packet, sizeof(d));
	memcpy(&b, packet, sizeof(b));
	switch (d.header & 0xff) {
	case AQL_TYPE_INVALID:
		return RP_STEP_IDLE; /* reserved, not filled yet */
	case AQL_TYPE_DISPATCH:
		return dispatch(q, &d);
	case AQL_TYPE_BARRIER_AND:
	case AQL_TYPE_BARRIER_OR:
		return barrier(q, &b, (d.header & 0xff) == AQL_TYPE_BARRIER_AND);
	case AQL_TYPE_VENDOR:
		return vendor(q, packet);
	default: /* agent dispatch is for other agents than a GPU */
		if (rp_cp_inactive(q, INACTIVE_INVALID_PACKET, &fault) < 0)
			return fault_stop(q, "aql_inactive_signal", &fault);
		rp_queue_unmodelled(q, "aql_packet_type", d.header & 0xff);
		return RP_STEP_STOPPED;
	}
}
