/* SPDX-License-Identifier: MIT */
/*
 * FLAT, GLOBAL and SCRATCH. FLAT addresses with bits 63:32 of an aperture are LDS or scratch
 * (AMDGPUUsage, "Flat"); scratch is swizzled: dword d of lane l is at d * wave size + l dwords.
 *
 * The chip's defect flat_offset_ignored acts on segment 0 for addresses in global memory only,
 * as LLVM describes it; scratch_negative_offset rounds the offset to a multiple of 4.
 */
#include "vgpu/exec/internal.h"

#include <string.h>

struct lanes64 {
	uint32_t a[2 * RP_LANES] __attribute__((aligned(64)));
};

static uint64_t lane_address(const struct lanes64 *l, unsigned int i)
{
	return (uint64_t)l->a[RP_LANES + i] << 32 | l->a[i];
}

/* Address of scratch byte off of a lane, with what is left of its dword. */
static uint64_t swizzled(const struct wave *w, uint32_t off, unsigned int lane)
{
	uint64_t base = (uint64_t)w->flat_scratch[1] << 32 | w->flat_scratch[0];

	return base + (uint64_t)(off & ~3u) * (RP_LANES * w->n_halves) + 4u * lane + (off & 3);
}

/* Moves bytes between data and one lane's scratch or LDS or global memory; byte-wise where dwords are not contiguous. */
static int move_scratch(struct wave *w, const struct pinst *p, unsigned int lane, uint32_t off,
	uint8_t *data, unsigned int bytes, bool store)
{
	unsigned int step;

	for (unsigned int b = 0; b < bytes; b += step) {
		uint64_t va = swizzled(w, off + b, lane);
		uint8_t *host;

		step = 4 - ((off + b) & 3);
		if (step > bytes - b)
			step = bytes - b;
		host = rp_exec_translate(w->t, va, step, store ? RP_EXEC_WRITE : RP_EXEC_READ);
		if (!host)
			return rp_exec_bad_address(w, p, (int)lane, va, store);
		if (store)
			memcpy(host, data + b, step);
		else
			memcpy(data + b, host, step);
	}
	return STEP_NEXT;
}

static int move_lds(struct wave *w, const struct pinst *p, unsigned int lane, uint64_t va,
	uint8_t *data, unsigned int bytes, bool store)
{
	uint32_t off = (uint32_t)va;

	if (off >= w->g->lds_bytes || bytes > w->g->lds_bytes - off)
		return rp_exec_fault(w, p, RP_EXEC_APERTURE, (int)lane, va, store,
			"byte %u is behind the %u bytes of LDS that the work-group has", off,
			w->g->lds_bytes);
	if (store)
		memcpy(w->g->lds + off, data, bytes);
	else
		memcpy(data, w->g->lds + off, bytes);
	return STEP_NEXT;
}

static int move_global(struct wave *w, const struct pinst *p, unsigned int lane, uint64_t va,
	uint8_t *data, unsigned int bytes, bool store)
{
	unsigned int step = bytes;
	uint32_t access = store ? RP_EXEC_WRITE : RP_EXEC_READ;

	if (!rp_exec_translate(w->t, va, bytes, access) && bytes > 4)
		step = 4; /* may reach over two mappings */
	for (unsigned int b = 0; b < bytes; b += step) {
		uint8_t *host = rp_exec_translate(w->t, va + b, step, access);

		if (!host)
			return rp_exec_bad_address(w, p, (int)lane, va + b, store);
		if (store)
			memcpy(host, data + b, step);
		else
			memcpy(data + b, host, step);
	}
	return STEP_NEXT;
}

/* Registers that a lane's bytes come from or go to. */
static void get_data(const struct wave *w, unsigned int h, unsigned int i, unsigned int reg,
	const struct memop *op, uint32_t *d)
{
	for (unsigned int k = 0; k < op->dwords; k++)
		d[k] = vgpr(w, h, reg + k)[i];
	if (op->d16 == 2)
		d[0] >>= 16;
}

static uint32_t loaded(const struct memop *op, const uint32_t *d, unsigned int k)
{
	return op->bytes < 4 ? rp_exec_load_small((const uint8_t *)d, op) : d[k];
}

static void put_loaded(struct wave *w, unsigned int h, const struct pmem *m,
	uint32_t (*tmp)[RP_LANES], uint32_t mask)
{
	uint32_t *d = vgpr(w, h, m->vdst);

	if (m->op->d16) {
		bool high = m->op->d16 == 2;

		for (unsigned int i = 0; i < RP_LANES; i++)
			if (mask >> i & 1)
				d[i] = high ? (d[i] & 0xffffu) | tmp[0][i] << 16
					    : (d[i] & 0xffff0000u) | tmp[0][i];
		return;
	}
	w->ops->blend(d, tmp[0], mask, m->op->dwords);
}

/* All active lanes in one mapping of global memory: no checks per lane. */
static bool fast_global(struct wave *w, unsigned int h, const struct pmem *m,
	const struct lanes64 *l, uint32_t mask, uint64_t least, uint64_t most)
{
	const struct memop *op = m->op;
	bool store = op->kind == MEM_STORE;
	uint8_t *host = rp_exec_translate(
		w->t, least, most - least + op->bytes, store ? RP_EXEC_WRITE : RP_EXEC_READ);
	uint32_t tmp[4][RP_LANES] __attribute__((aligned(64)));
	uint32_t off[RP_LANES] __attribute__((aligned(64)));
	uint32_t low = (uint32_t)least, bits;

	if (!host || most - least > UINT32_MAX)
		return false;
	if (op->bytes == 4 && mask == UINT32_MAX && l->a[0] == low &&
		w->ops->linear(l->a, mask, 4)) {
		if (store)
			memcpy(host, vgpr(w, h, m->data), sizeof(tmp[0]));
		else
			memcpy(vgpr(w, h, m->vdst), host, sizeof(tmp[0]));
		return true;
	}
	(void)w->ops->offsets(off, l->a, low, mask, &bits);
	if (op->bytes >= 4) {
		if (store)
			w->ops->scatter(host, off, vgpr(w, h, m->data), mask, op->dwords);
		else if (mask == UINT32_MAX)
			w->ops->gather(vgpr(w, h, m->vdst), host, off, op->dwords);
		else
			w->ops->gather(tmp[0], host, off, op->dwords);
	} else {
		for (uint32_t rest = mask; rest; rest &= rest - 1) {
			unsigned int i = (unsigned int)__builtin_ctz(rest);
			uint32_t d[4];

			if (store) {
				get_data(w, h, i, m->data, op, d);
				memcpy(host + off[i], d, op->bytes);
			} else {
				tmp[0][i] = rp_exec_load_small(host + off[i], op);
			}
		}
	}
	if (!store && (op->bytes < 4 || mask != UINT32_MAX))
		put_loaded(w, h, m, tmp, mask);
	return true;
}

enum where { GLOBAL, LDS, SCRATCH };

/* Where a lane goes and its final address (LDS, scratch: offset). */
static enum where place(struct wave *w, const struct pinst *p, uint64_t *va)
{
	const struct pmem *m = &p->m;
	uint32_t hi = (uint32_t)(*va >> 32);

	if (m->segment == RP_ISA_FLAT) {
		if (hi == w->t->shared_hi || hi == w->t->private_hi) {
			*va += (uint64_t)(int64_t)m->offset;
			return hi == w->t->shared_hi ? LDS : SCRATCH;
		}
		if (m->offset && defect(w, RP_CHIP_FLAT_OFFSET_IGNORED))
			acted(w, p, RP_CHIP_FLAT_OFFSET_IGNORED, 1);
		else
			*va += (uint64_t)(int64_t)m->offset;
		return GLOBAL;
	}
	if (m->segment == RP_ISA_SCRATCH && m->offset < 0 && m->offset & 3 && m->has_vaddr &&
		defect(w, RP_CHIP_SCRATCH_NEGATIVE_OFFSET)) {
		acted(w, p, RP_CHIP_SCRATCH_NEGATIVE_OFFSET, 1);
		*va += (uint64_t)(int64_t)(m->offset & ~3);
		return SCRATCH;
	}
	*va += (uint64_t)(int64_t)m->offset;
	return m->segment == RP_ISA_SCRATCH ? SCRATCH : GLOBAL;
}

static int atomic_lane(struct wave *w, const struct pinst *p, unsigned int h, unsigned int i,
	enum where where, uint64_t va, uint64_t *ret_old)
{
	const struct pmem *m = &p->m;
	const struct memop *op = m->op;
	unsigned int lane = h * RP_LANES + i, n = op->bytes / 4;
	uint64_t data = vgpr(w, h, m->data)[i], compare = 0;
	uint8_t *host;

	if (n == 2)
		data |= (uint64_t)vgpr(w, h, m->data + 1u)[i] << 32;
	if (op->atomic == AT_CMPSWAP || op->atomic == AT_FCMPSWAP) {
		compare = vgpr(w, h, m->data + n)[i];
		if (n == 2)
			compare |= (uint64_t)vgpr(w, h, m->data + 3u)[i] << 32;
	}
	if (va % op->bytes)
		return rp_exec_fault(w, p, RP_EXEC_APERTURE, (int)lane, va, true,
			"an atomic on %u bytes is not aligned", op->bytes);
	if (where == LDS) {
		if ((uint32_t)va + op->bytes > w->g->lds_bytes)
			return rp_exec_fault(w, p, RP_EXEC_APERTURE, (int)lane, va, true,
				"the address is behind the work-group's LDS");
		host = w->g->lds + (uint32_t)va;
	} else {
		if (where == SCRATCH) {
			if (op->bytes == 8)
				return rp_exec_fault(w, p, RP_EXEC_UNIMPLEMENTED, (int)lane, va,
					true, "64-bit atomic on scratch memory");
			va = swizzled(w, (uint32_t)va, lane);
		}
		host = rp_exec_translate(w->t, va, op->bytes, RP_EXEC_READ | RP_EXEC_WRITE);
		if (!host)
			return rp_exec_bad_address(w, p, (int)lane, va, true);
	}
	if ((uintptr_t)host % op->bytes)
		return rp_exec_fault(w, p, RP_EXEC_UNIMPLEMENTED, (int)lane, va, true,
			"the host memory of an atomic is not aligned");
	*ret_old = rp_exec_atomic(host, op->atomic, op->bytes, data, compare);
	return STEP_NEXT;
}

static int slow_half(struct wave *w, const struct pinst *p, unsigned int h, const struct lanes64 *l,
	uint32_t mask)
{
	const struct pmem *m = &p->m;
	const struct memop *op = m->op;
	uint32_t tmp[4][RP_LANES] __attribute__((aligned(64)));
	bool store = op->kind == MEM_STORE;

	for (uint32_t rest = mask; rest; rest &= rest - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(rest), lane = h * RP_LANES + i;
		uint64_t va = lane_address(l, i), old = 0;
		enum where where = place(w, p, &va);
		uint32_t d[4] = { 0, 0, 0, 0 };
		int r;

		if (op->kind == MEM_ATOMIC) {
			r = atomic_lane(w, p, h, i, where, va, &old);
			d[0] = (uint32_t)old;
			d[1] = (uint32_t)(old >> 32);
		} else {
			if (store)
				get_data(w, h, i, m->data, op, d);
			r = where == LDS ? move_lds(w, p, lane, va, (uint8_t *)d, op->bytes, store)
			    : where == SCRATCH
				    ? move_scratch(w, p, lane, (uint32_t)va, (uint8_t *)d,
					      op->bytes, store)
				    : move_global(w, p, lane, va, (uint8_t *)d, op->bytes, store);
		}
		if (r != STEP_NEXT)
			return r;
		for (unsigned int k = 0; k < op->dwords; k++)
			tmp[k][i] = op->kind == MEM_LOAD ? loaded(op, d, k) : d[k];
	}
	if (op->kind == MEM_LOAD || (op->kind == MEM_ATOMIC && m->glc))
		put_loaded(w, h, m, tmp, mask);
	return STEP_NEXT;
}

/* The 64-bit address of each lane, without the instruction's offset. */
static void addresses(struct wave *w, const struct pmem *m, unsigned int h, struct lanes64 *l)
{
	uint64_t base =
		m->saddr == NO_REG ? 0 : (uint64_t)w->s[m->saddr + 1] << 32 | w->s[m->saddr];

	if (m->op->addtid) {
		for (unsigned int i = 0; i < RP_LANES; i++) {
			uint64_t va = base + 4u * (h * RP_LANES + i);

			l->a[i] = (uint32_t)va;
			l->a[RP_LANES + i] = (uint32_t)(va >> 32);
		}
	} else if (m->segment == RP_ISA_SCRATCH) {
		if (m->has_vaddr)
			memcpy(l->a, vgpr(w, h, m->addr), 4 * RP_LANES);
		else
			w->ops->fill(l->a, m->saddr == NO_REG ? 0 : w->s[m->saddr]);
		w->ops->fill(l->a + RP_LANES, 0);
	} else if (m->saddr != NO_REG) {
		memcpy(l->a, vgpr(w, h, m->addr), 4 * RP_LANES);
		w->ops->fill(l->a + RP_LANES, 0);
		w->ops->add64(l->a, l->a, base);
	} else {
		memcpy(l->a, vgpr(w, h, m->addr), 8 * RP_LANES);
	}
}

int rp_exec_step_flat(struct wave *w, const struct pinst *p)
{
	const struct pmem *m = &p->m;

	for (unsigned int h = 0; h < w->n_halves; h++) {
		uint32_t mask = w->s[EXEC + h];
		struct lanes64 l;
		uint64_t least, most;
		int r;

		if (!mask)
			continue;
		addresses(w, m, h, &l);
		if (m->segment != RP_ISA_SCRATCH && m->op->kind != MEM_ATOMIC) {
			w->ops->range(l.a, l.a + RP_LANES, mask, &least, &most);
			/* below every aperture: global memory, one offset for all */
			if (most >> 32 < w->t->shared_hi && most >> 32 < w->t->private_hi) {
				int64_t offset = m->offset;
				struct lanes64 moved = l;

				if (offset && m->segment == RP_ISA_FLAT &&
					defect(w, RP_CHIP_FLAT_OFFSET_IGNORED))
					offset = 0;
				if (offset)
					w->ops->add64(moved.a, l.a, (uint64_t)offset);
				if (fast_global(w, h, m, &moved, mask, least + (uint64_t)offset,
					    most + (uint64_t)offset)) {
					if (m->offset && m->segment == RP_ISA_FLAT && !offset)
						acted(w, p, RP_CHIP_FLAT_OFFSET_IGNORED,
							(uint64_t)__builtin_popcount(mask));
					continue;
				}
			}
		}
		r = slow_half(w, p, h, &l, mask);
		if (r != STEP_NEXT)
			return r;
	}
	return m->glc && m->op->kind != MEM_STORE
		       ? polled(w, m->op->kind == MEM_LOAD ? POLL_LOAD : POLL_ATOMIC)
		       : STEP_NEXT;
}
