/* SPDX-License-Identifier: MIT */
/*
 * MUBUF: buffers described by four SGPRs. Bounds and swizzling by the "RDNA 2" instruction set
 * document, chapter "Buffer Addressing", and the field layout of LLVM's and Mesa's gfx10 tables:
 * word 0, 1[15:0] base, 1[29:16] stride, 1[31] swizzle, 2 num_records, 3[22:21] index stride,
 * 3[23] add thread id, 3[29:28] how bounds are checked. Typed formats are not modelled.
 */
#include "vgpu/exec/internal.h"

#include <string.h>

struct buffer {
	uint64_t base;
	uint32_t stride, records, index_stride, check;
	bool swizzle, add_tid;
};

static void describe(const struct wave *w, unsigned int reg, struct buffer *b)
{
	const uint32_t *s = &w->s[reg];

	b->base = s[0] | (uint64_t)(s[1] & 0xffff) << 32;
	b->base = (uint64_t)((int64_t)(b->base << 16) >> 16);
	b->stride = s[1] >> 16 & 0x3fff;
	b->swizzle = s[1] >> 31;
	b->records = s[2];
	b->index_stride = 8u << (s[3] >> 21 & 3);
	b->add_tid = s[3] >> 23 & 1;
	b->check = s[3] >> 28 & 3;
	/* scratch descriptors leave the index stride to the dispatcher: one wave */
	if (b->swizzle && b->add_tid)
		b->index_stride = RP_LANES * w->n_halves;
}

/* Offset of byte `offset` of record `index`. */
static uint64_t place(const struct buffer *b, uint64_t index, uint64_t offset)
{
	if (!b->swizzle)
		return index * b->stride + offset;
	return (index / b->index_stride * b->stride + (offset & ~UINT64_C(3))) * b->index_stride +
	       index % b->index_stride * 4 + (offset & 3);
}

static bool out_of_bounds(
	const struct buffer *b, uint64_t index, uint64_t offset, unsigned int bytes)
{
	switch (b->check) {
	case 0:
		return index >= b->records || (b->stride && offset + bytes > b->stride);
	case 1:
		return index >= b->records;
	case 2:
		return b->records == 0;
	default:
		if (b->swizzle && b->stride)
			return index >= b->records / b->stride;
		return index * b->stride + offset + bytes > b->records;
	}
}

struct access {
	uint64_t index, offset, soffset;
	unsigned int lane;
};

static uint64_t address(const struct buffer *b, const struct access *a, unsigned int byte)
{
	return b->base + a->soffset + place(b, a->index, a->offset + byte);
}

/* One dword or part of it at byte `byte` of the access. NULL: a fault was reported. */
static uint8_t *host_at(struct wave *w, const struct pinst *p, const struct buffer *b,
	const struct access *a, unsigned int byte, unsigned int n, uint32_t access)
{
	uint64_t va = address(b, a, byte);
	uint8_t *host = rp_exec_translate(w->t, va, n, access);

	if (!host)
		(void)rp_exec_bad_address(w, p, (int)a->lane, va, (access & RP_EXEC_WRITE) != 0);
	return host;
}

/* Bytes of one lane; parts of 4 bytes, split where swizzled dwords are not contiguous. */
static int move_lane(struct wave *w, const struct pinst *p, const struct buffer *b,
	const struct access *a, uint8_t *data, unsigned int bytes, bool store)
{
	unsigned int step;

	for (unsigned int k = 0; k < bytes; k += step) {
		uint8_t *host;

		step = bytes - k < 4 ? bytes - k : 4;
		if (b->swizzle && ((a->offset + k) & 3) + step > 4)
			step = 4 - (unsigned int)((a->offset + k) & 3);
		/* every dword is checked by itself (RDNA 2 ISA, range checking) */
		if (out_of_bounds(b, a->index, a->offset + k, step)) {
			if (!store)
				memset(data + k, 0, step);
			continue;
		}
		host = host_at(w, p, b, a, k, step, store ? RP_EXEC_WRITE : RP_EXEC_READ);
		if (!host)
			return STEP_FAULT;
		if (store)
			memcpy(host, data + k, step);
		else
			memcpy(data + k, host, step);
	}
	return STEP_NEXT;
}

static int atomic_lane(struct wave *w, const struct pinst *p, const struct buffer *b,
	const struct access *a, unsigned int h, unsigned int i, uint32_t *ret_old)
{
	const struct memop *op = p->m.op;
	unsigned int n = op->bytes / 4, reg = p->m.data;
	uint64_t data = vgpr(w, h, reg)[i], compare = 0, old;
	uint8_t *host;

	ret_old[0] = ret_old[1] = 0;
	if (n == 2)
		data |= (uint64_t)vgpr(w, h, reg + 1)[i] << 32;
	if (op->atomic == AT_CMPSWAP || op->atomic == AT_FCMPSWAP) {
		compare = vgpr(w, h, reg + n)[i];
		if (n == 2)
			compare |= (uint64_t)vgpr(w, h, reg + 3)[i] << 32;
	}
	if (out_of_bounds(b, a->index, a->offset, op->bytes))
		return STEP_NEXT;
	host = host_at(w, p, b, a, 0, op->bytes, RP_EXEC_READ | RP_EXEC_WRITE);
	if (!host)
		return STEP_FAULT;
	if (address(b, a, 0) % op->bytes || (uintptr_t)host % op->bytes)
		return rp_exec_fault(w, p, RP_EXEC_APERTURE, (int)a->lane, address(b, a, 0), true,
			"an atomic on %u bytes is not aligned", op->bytes);
	old = rp_exec_atomic(host, op->atomic, op->bytes, data, compare);
	ret_old[0] = (uint32_t)old;
	ret_old[1] = (uint32_t)(old >> 32);
	return STEP_NEXT;
}

static void lane_access(const struct wave *w, const struct pmem *m, const struct buffer *b,
	unsigned int h, unsigned int i, uint64_t soffset, struct access *a)
{
	a->lane = h * RP_LANES + i;
	a->soffset = soffset;
	a->index = m->idxen ? vgpr(w, h, m->addr)[i] : 0;
	a->offset = (uint64_t)(uint32_t)m->offset +
		    (m->offen ? vgpr(w, h, m->addr + (unsigned int)m->idxen)[i] : 0);
	if (b->add_tid)
		a->index += a->lane;
}

static void put_result(struct wave *w, unsigned int h, const struct pmem *m,
	uint32_t (*tmp)[RP_LANES], uint32_t mask, unsigned int n)
{
	uint32_t *d = vgpr(w, h, m->data);

	if (!m->op->d16) {
		w->ops->blend(d, tmp[0], mask, n);
		return;
	}
	for (unsigned int i = 0; i < RP_LANES; i++)
		if (mask >> i & 1)
			d[i] = m->op->d16 == 2 ? (d[i] & 0xffffu) | tmp[0][i] << 16
					       : (d[i] & 0xffff0000u) | tmp[0][i];
}

/*
 * Every lane inside of the bounds and in one mapping of an unswizzled buffer: no checks per lane.
 * False: not so.
 */
static bool fast_half(struct wave *w, const struct pmem *m, const struct buffer *b, unsigned int h,
	uint32_t mask, uint64_t soffset)
{
	const struct memop *op = m->op;
	uint32_t tmp[4][RP_LANES] __attribute__((aligned(64)));
	uint32_t off[RP_LANES] __attribute__((aligned(64))), zero[RP_LANES] = { 0 };
	uint64_t least, most;
	uint8_t *host;
	bool store = op->kind == MEM_STORE;

	if (b->swizzle || b->add_tid || m->idxen || b->check == 0 || b->check == 1 ||
		op->kind == MEM_ATOMIC)
		return false;
	if (m->offen)
		memcpy(off, vgpr(w, h, m->addr), sizeof(off));
	else
		w->ops->fill(off, 0);
	w->ops->range(off, zero, mask, &least, &most);
	least += (uint32_t)m->offset;
	most += (uint32_t)m->offset;
	if (b->check == 3 ? most + op->bytes > b->records : b->records == 0)
		return false;
	host = rp_exec_translate(w->t, b->base + soffset + least, most - least + op->bytes,
		store ? RP_EXEC_WRITE : RP_EXEC_READ);
	if (!host)
		return false;
	for (uint32_t rest = mask; rest; rest &= rest - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(rest);
		uint8_t *at = host + ((uint64_t)off[i] + (uint32_t)m->offset - least);

		if (store && op->bytes < 4) {
			uint32_t v = vgpr(w, h, m->data)[i] >> (op->d16 == 2 ? 16 : 0);

			memcpy(at, &v, op->bytes);
		} else if (store) {
			for (unsigned int k = 0; k < op->dwords; k++)
				memcpy(at + 4 * k, &vgpr(w, h, m->data + k)[i], 4);
		} else if (op->bytes < 4) {
			tmp[0][i] = rp_exec_load_small(at, op);
		} else {
			for (unsigned int k = 0; k < op->dwords; k++)
				memcpy(&tmp[k][i], at + 4 * k, 4);
		}
	}
	if (!store)
		put_result(w, h, m, tmp, mask, op->dwords);
	return true;
}

/* Lane i's place in scratch, from the dword row of the least offset on. NULL: it crosses a dword, or is not aligned. */
static uint8_t *scratch_at(uint8_t *row, const struct buffer *b, const struct memop *op,
	uint32_t off, uint64_t least, unsigned int lane)
{
	if (op->bytes < 4 ? (off & 3) + op->bytes > 4 : (off & 3) != 0)
		return NULL;
	return row + (uint64_t)((off & ~3u) - (uint32_t)(least & ~UINT64_C(3))) * b->index_stride +
	       (size_t)lane * 4 + (off & 3);
}

/*
 * Scratch, as its descriptor is made by ROCR: dword rows of the wave, without bounds. One translation for all lanes; if
 * they have one offset, a row is one copy. False: not so.
 */
static bool scratch_half(struct wave *w, const struct pmem *m, const struct buffer *b,
	unsigned int h, uint32_t mask, uint64_t soffset)
{
	const struct memop *op = m->op;
	uint32_t tmp[4][RP_LANES] __attribute__((aligned(64)));
	uint32_t off[RP_LANES] __attribute__((aligned(64))), zero[RP_LANES] = { 0 };
	uint32_t row_bytes = 4 * b->index_stride;
	bool store = op->kind == MEM_STORE;
	uint64_t least, most;
	uint8_t *row;

	if (!b->swizzle || !b->add_tid || b->stride || b->check != 2 || !b->records || m->idxen ||
		op->kind == MEM_ATOMIC)
		return false;
	if (m->offen)
		memcpy(off, vgpr(w, h, m->addr), sizeof(off));
	else
		w->ops->fill(off, 0);
	for (unsigned int i = 0; i < RP_LANES; i++)
		off[i] += (uint32_t)m->offset;
	w->ops->range(off, zero, mask, &least, &most);
	row = rp_exec_translate(w->t, b->base + soffset + (least & ~UINT64_C(3)) * b->index_stride,
		(most / 4 - least / 4 + (op->dwords ? op->dwords : 1u)) * row_bytes,
		store ? RP_EXEC_WRITE : RP_EXEC_READ);
	if (!row)
		return false;
	if (least == most && mask == UINT32_MAX && op->bytes >= 4 && least % 4 == 0) {
		row += (size_t)h * RP_LANES * 4;
		for (unsigned int k = 0; k < op->dwords; k++) {
			uint32_t *v = vgpr(w, h, m->data + k);

			if (store)
				memcpy(row + (size_t)k * row_bytes, v, 4 * RP_LANES);
			else
				memcpy(v, row + (size_t)k * row_bytes, 4 * RP_LANES);
		}
		return true;
	}
	for (uint32_t rest = mask; rest; rest &= rest - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(rest);

		if (!scratch_at(row, b, op, off[i], least, h * RP_LANES + i))
			return false;
	}
	for (uint32_t rest = mask; rest; rest &= rest - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(rest);
		uint8_t *at = scratch_at(row, b, op, off[i], least, h * RP_LANES + i);

		if (store && op->bytes < 4) {
			uint32_t v = vgpr(w, h, m->data)[i] >> (op->d16 == 2 ? 16 : 0);

			memcpy(at, &v, op->bytes);
		} else if (!store && op->bytes < 4) {
			tmp[0][i] = rp_exec_load_small(at, op);
		}
		for (unsigned int k = 0; op->bytes >= 4 && k < op->dwords; k++, at += row_bytes) {
			if (store)
				memcpy(at, &vgpr(w, h, m->data + k)[i], 4);
			else
				memcpy(&tmp[k][i], at, 4);
		}
	}
	if (!store)
		put_result(w, h, m, tmp, mask, op->dwords);
	return true;
}

static int slow_half(struct wave *w, const struct pinst *p, const struct buffer *b, unsigned int h,
	uint32_t mask, uint64_t soffset)
{
	const struct pmem *m = &p->m;
	const struct memop *op = m->op;
	uint32_t tmp[4][RP_LANES] __attribute__((aligned(64)));

	for (uint32_t rest = mask; rest; rest &= rest - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(rest);
		uint32_t d[4] = { 0, 0, 0, 0 };
		struct access a;
		int r;

		lane_access(w, m, b, h, i, soffset, &a);
		if (op->kind == MEM_ATOMIC) {
			r = atomic_lane(w, p, b, &a, h, i, d);
		} else {
			bool store = op->kind == MEM_STORE;

			for (unsigned int k = 0; store && k < op->dwords; k++)
				d[k] = vgpr(w, h, m->data + k)[i];
			if (store && op->d16 == 2)
				d[0] >>= 16;
			r = move_lane(w, p, b, &a, (uint8_t *)d, op->bytes, store);
		}
		if (r != STEP_NEXT)
			return r;
		for (unsigned int k = 0; k < op->dwords; k++)
			tmp[k][i] = op->bytes < 4 && op->kind == MEM_LOAD
					    ? rp_exec_load_small((const uint8_t *)d, op)
					    : d[k];
	}
	if (op->kind == MEM_LOAD || (op->kind == MEM_ATOMIC && m->glc))
		put_result(w, h, m, tmp, mask, op->dwords);
	return STEP_NEXT;
}

int rp_exec_step_buffer(struct wave *w, const struct pinst *p)
{
	const struct pmem *m = &p->m;
	uint64_t soffset = m->soffset == NO_REG ? m->k : rp_exec_scalar(w, m->soffset);
	struct buffer b;

	describe(w, m->saddr, &b);
	for (unsigned int h = 0; h < w->n_halves; h++) {
		uint32_t mask = w->s[EXEC + h];
		int r;

		if (!mask || fast_half(w, m, &b, h, mask, soffset) ||
			scratch_half(w, m, &b, h, mask, soffset))
			continue;
		r = slow_half(w, p, &b, h, mask, soffset);
		if (r != STEP_NEXT)
			return r;
	}
	return m->glc && m->op->kind != MEM_STORE
		       ? polled(w, m->op->kind == MEM_LOAD ? POLL_LOAD : POLL_ATOMIC)
		       : STEP_NEXT;
}
