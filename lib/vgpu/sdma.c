/* SPDX-License-Identifier: MIT */
/*
 * The copy engine: SDMA 5.0/5.2 packets as ROCR writes them. Sources: ROCR core/inc/sdma_registers.h
 * (layouts), recordings of ROCR 5.2.3 and 6.4.3 (which packets there are).
 */
#include "vgpu/internal.h"

#define MAX_DWORDS 14

enum {
	OP_NOP = 0,
	OP_COPY = 1,
	OP_FENCE = 5,
	OP_TRAP = 6,
	OP_POLL = 8,
	OP_ATOMIC = 10,
	OP_FILL = 11,
	OP_TIMESTAMP = 13,
	OP_GCR = 17,
};

#define COPY_LINEAR  0u
#define COPY_RECT    4u
#define ATOMIC_ADD64 47u

/* Dwords of the packet with this header; 0: not modelled. */
static uint32_t packet_dwords(uint32_t header)
{
	uint32_t op = header & 0xff, sub = header >> 8 & 0xff;

	switch (op) {
	case OP_NOP:
		return 1 + (header >> 16 & 0x3fff);
	case OP_COPY:
		return sub == COPY_LINEAR ? 7 : sub == COPY_RECT ? 13 : 0;
	case OP_FENCE:
		return 4;
	case OP_TRAP:
		return 2;
	case OP_POLL:
		return 6;
	case OP_ATOMIC:
		return header >> 25 == ATOMIC_ADD64 ? 8 : 0;
	case OP_FILL:
	case OP_GCR:
		return 5;
	case OP_TIMESTAMP:
		return 3;
	default:
		return 0;
	}
}

static uint64_t address(const uint32_t *p)
{
	return p[0] | (uint64_t)p[1] << 32;
}

static bool compare(uint32_t function, uint32_t a, uint32_t b)
{
	switch (function) {
	case 0:
		return true;
	case 1:
		return a < b;
	case 2:
		return a <= b;
	case 3:
		return a == b;
	case 4:
		return a != b;
	case 5:
		return a >= b;
	case 6:
		return a > b;
	default:
		return true; /* 7 is reserved; the engine's behaviour is not documented */
	}
}

/* One access to a word that others read or write at the same time. */
static int with_word(struct rp_page_table *pt, uint64_t va, const uint32_t *packet,
	uint32_t *ret_old, struct rp_vgpu_fault *fault)
{
	uint32_t op = packet[0] & 0xff, bytes = op == OP_ATOMIC || op == OP_TIMESTAMP ? 8 : 4;
	uint8_t need = op == OP_POLL ? RP_GPU_READ : RP_GPU_WRITE;
	uint8_t *host;

	va &= ~(uint64_t)(bytes - 1); /* the engine drops the low bits */
	(void)pthread_rwlock_rdlock(&pt->lock);
	host = rp_gpu_host(pt, va, bytes, need, fault);
	if (host && op == OP_POLL)
		*ret_old = __atomic_load_n((uint32_t *)(void *)host, __ATOMIC_ACQUIRE);
	else if (host && op == OP_FENCE)
		__atomic_store_n((uint32_t *)(void *)host, packet[3], __ATOMIC_RELEASE);
	else if (host && op == OP_ATOMIC)
		__atomic_fetch_add((uint64_t *)(void *)host, address(packet + 3), __ATOMIC_ACQ_REL);
	else if (host)
		__atomic_store_n((uint64_t *)(void *)host, rp_gpu_clock(), __ATOMIC_RELEASE);
	(void)pthread_rwlock_unlock(&pt->lock);
	return host ? 0 : -EFAULT;
}

/*
 * A box of a linear image to another. Pitches, coordinates and sizes are in elements; the fields of
 * pitches and sizes hold the value less one. Source: ROCR SDMA_PKT_COPY_LINEAR_RECT.
 */
static int copy_rect(struct rp_page_table *pt, const uint32_t *p, struct rp_vgpu_fault *fault)
{
	uint32_t shift = p[0] >> 29;
	uint64_t src = address(p + 1), dst = address(p + 6);
	uint64_t src_pitch = (p[4] >> 13) + 1, src_slice = (p[5] & 0xfffffff) + 1;
	uint64_t dst_pitch = (p[9] >> 13) + 1, dst_slice = (p[10] & 0xfffffff) + 1;
	uint64_t w = (p[11] & 0x3fff) + 1, h = (p[11] >> 16 & 0x3fff) + 1, d = (p[12] & 0x7ff) + 1;
	uint64_t s0 =
		(p[3] & 0x3fff) + (p[3] >> 16 & 0x3fff) * src_pitch + (p[4] & 0x7ff) * src_slice;
	uint64_t d0 =
		(p[8] & 0x3fff) + (p[8] >> 16 & 0x3fff) * dst_pitch + (p[9] & 0x7ff) * dst_slice;

	for (uint64_t z = 0; z < d; z++)
		for (uint64_t y = 0; y < h; y++)
			if (rp_gpu_copy(pt, dst + ((d0 + y * dst_pitch + z * dst_slice) << shift),
				    src + ((s0 + y * src_pitch + z * src_slice) << shift),
				    w << shift, fault) < 0)
				return -EFAULT;
	return 0;
}

static int fill(struct rp_page_table *pt, const uint32_t *p, uint32_t count_mask,
	struct rp_vgpu_fault *fault)
{
	static const uint32_t repeat[] = { 0x01010101, 0x00010001, 1, 1 };
	static const uint32_t mask[] = { 0xff, 0xffff, UINT32_MAX, UINT32_MAX };
	uint32_t size = p[0] >> 30;

	return rp_gpu_fill(pt, address(p + 1), (p[3] & mask[size]) * repeat[size],
		(uint64_t)(p[4] & count_mask) + 1, fault);
}

static const char *op_name(uint32_t op)
{
	switch (op) {
	case OP_COPY:
		return "sdma_copy";
	case OP_FENCE:
		return "sdma_fence";
	case OP_POLL:
		return "sdma_poll";
	case OP_ATOMIC:
		return "sdma_atomic";
	case OP_FILL:
		return "sdma_fill";
	default:
		return "sdma_timestamp";
	}
}

static enum rp_step run_packet(struct rp_vgpu_queue *q, const uint32_t *p)
{
	struct rp_page_table *pt = &q->vgpu->gpu[q->gpu].pt;
	struct rp_vgpu_fault fault = { 0, 0, false, false };
	uint32_t count_mask = (UINT32_C(1) << q->vgpu->profile.sdma_count_bits) - 1;
	uint32_t op = p[0] & 0xff, old = 0;
	int r = 0;

	switch (op) {
	case OP_COPY:
		if ((p[0] >> 8 & 0xff) == COPY_RECT)
			r = copy_rect(pt, p, &fault);
		else
			r = rp_gpu_copy(pt, address(p + 5), address(p + 3),
				(uint64_t)(p[1] & count_mask) + 1, &fault);
		break;
	case OP_FILL:
		r = fill(pt, p, count_mask, &fault);
		break;
	case OP_POLL:
		if (p[0] >> 26 & 1 || !(p[0] >> 31))
			break; /* flush of the host data path; registers: nothing to wait for */
		r = with_word(pt, address(p + 1), p, &old, &fault);
		if (r == 0 && !compare(p[0] >> 28 & 7, old & p[4], p[3]))
			return RP_STEP_BLOCKED;
		break;
	case OP_FENCE:
	case OP_ATOMIC:
	case OP_TIMESTAMP:
		r = with_word(pt, address(p + 1), p, &old, &fault);
		break;
	case OP_TRAP:
		rp_events_interrupt(&q->vgpu->events, p[1] & 0xfffffff);
		break;
	default: /* NOP; GCR: there is no cache */
		break;
	}
	if (r < 0) {
		rp_queue_fault(q, op_name(op), &fault);
		return RP_STEP_STOPPED;
	}
	return RP_STEP_RAN;
}

/* Bytes of the ring from q->rptr on, around its end. */
static int read_ring(
	struct rp_vgpu_queue *q, uint32_t *buf, uint64_t bytes, struct rp_vgpu_fault *fault)
{
	struct rp_page_table *pt = &q->vgpu->gpu[q->gpu].pt;
	uint64_t at = q->rptr % q->ring_bytes, n = q->ring_bytes - at;

	if (bytes <= n)
		return rp_gpu_read(pt, q->ring + at, buf, bytes, fault);
	if (rp_gpu_read(pt, q->ring + at, buf, n, fault) < 0)
		return -EFAULT;
	return rp_gpu_read(pt, q->ring, (uint8_t *)buf + n, bytes - n, fault);
}

static int pointers(
	struct rp_vgpu_queue *q, bool publish, uint64_t *ret_wptr, struct rp_vgpu_fault *fault)
{
	struct rp_page_table *pt = &q->vgpu->gpu[q->gpu].pt;
	uint8_t *p;

	(void)pthread_rwlock_rdlock(&pt->lock);
	p = rp_gpu_host(pt, publish ? q->rptr_va : q->wptr_va, 8,
		publish ? RP_GPU_WRITE : RP_GPU_READ, fault);
	if (p && publish)
		__atomic_store_n((uint64_t *)(void *)p, q->rptr, __ATOMIC_RELEASE);
	else if (p)
		*ret_wptr = __atomic_load_n((uint64_t *)(void *)p, __ATOMIC_ACQUIRE);
	(void)pthread_rwlock_unlock(&pt->lock);
	return p ? 0 : -EFAULT;
}

enum rp_step rp_sdma_step(struct rp_vgpu_queue *q)
{
	struct rp_vgpu_fault fault = { 0, 0, false, false };
	uint32_t packet[MAX_DWORDS] = { 0 };
	uint64_t wptr = 0, bytes;
	enum rp_step step;
	uint32_t dwords;

	if (pointers(q, false, &wptr, &fault) < 0)
		return RP_STEP_IDLE; /* not mapped (yet): there is no pointer to follow */
	if (wptr == q->rptr)
		return RP_STEP_IDLE;
	bytes = wptr - q->rptr;
	if (bytes > q->ring_bytes || bytes % 4 != 0) {
		rp_queue_unmodelled(q, "sdma_write_pointer", wptr);
		return RP_STEP_STOPPED;
	}
	if (read_ring(q, packet, 4, &fault) < 0) {
		rp_queue_fault(q, "sdma_ring", &fault);
		return RP_STEP_STOPPED;
	}
	dwords = packet_dwords(packet[0]);
	if (dwords == 0) {
		rp_queue_unmodelled(q, "sdma_packet", packet[0]);
		return RP_STEP_STOPPED;
	}
	if ((uint64_t)dwords * 4 > bytes)
		return RP_STEP_BLOCKED; /* the rest is not written yet */
	if ((packet[0] & 0xff) != OP_NOP &&
		read_ring(q, packet, (uint64_t)dwords * 4, &fault) < 0) {
		rp_queue_fault(q, "sdma_ring", &fault);
		return RP_STEP_STOPPED;
	}
	step = run_packet(q, packet);
	if (step != RP_STEP_RAN)
		return step;
	q->rptr += (uint64_t)dwords * 4;
	if (pointers(q, true, NULL, &fault) < 0) {
		rp_queue_fault(q, "sdma_read_pointer", &fault);
		return RP_STEP_STOPPED;
	}
	return RP_STEP_RAN;
}
