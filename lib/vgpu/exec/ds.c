/* SPDX-License-Identifier: MIT */
/*
 * LDS. A work-group runs on one thread at a time, so its LDS needs no host atomics (FLAT atomics
 * on LDS use them, which does no harm). Accesses behind the allocated size read 0 and write
 * nothing (RDNA 2 ISA, "LDS out of range"); the kernel's size counts, not the allocation granule.
 */
#include "vgpu/exec/internal.h"

#include <string.h>

/* Wide accesses that are not naturally aligned give wrong data in WGP mode on chips with the defect. */
static uint32_t misaligned(struct wave *w, const struct pinst *p, uint32_t addr)
{
	const struct memop *op = p->m.op;
	unsigned int align = op->bytes == 12 ? 16 : op->bytes;

	if (op->bytes < 8 || op->kind == MEM_ATOMIC || op->two || !w->g->wgp ||
		!(addr & (align - 1)) || !defect(w, RP_CHIP_LDS_MISALIGNED_WGP))
		return addr;
	/* which wrong data is not documented: that at the aligned address */
	acted(w, p, RP_CHIP_LDS_MISALIGNED_WGP, 1);
	return addr & ~(align - 1);
}

/* LDS of [addr, addr + n), or NULL if any of it is outside. */
static uint8_t *at(const struct wave *w, uint32_t addr, unsigned int n)
{
	return addr < w->g->lds_bytes && n <= w->g->lds_bytes - addr ? w->g->lds + addr : NULL;
}

static void load(const struct wave *w, const struct memop *op, uint32_t addr, uint32_t *d)
{
	if (op->bytes < 4) {
		const uint8_t *p = at(w, addr, op->bytes);

		d[0] = p ? rp_exec_load_small(p, op) : 0;
		return;
	}
	for (unsigned int k = 0; k < op->dwords; k++) {
		const uint8_t *p = at(w, addr + 4 * k, 4);

		d[k] = 0;
		if (p)
			memcpy(&d[k], p, 4);
	}
}

static void store(const struct wave *w, const struct memop *op, uint32_t addr, const uint32_t *d)
{
	for (unsigned int k = 0; k < op->dwords; k++) {
		unsigned int n = op->bytes < 4 ? op->bytes : 4;
		uint32_t v = op->d16 == 2 ? d[k] >> 16 : d[k];
		uint8_t *p = at(w, addr + 4 * k, n);

		if (p)
			memcpy(p, &v, n);
	}
}

static uint64_t pair(
	const struct wave *w, unsigned int h, unsigned int i, unsigned int reg, unsigned int n)
{
	uint64_t v = vgpr(w, h, reg)[i];

	return n == 2 ? v | (uint64_t)vgpr(w, h, reg + 1)[i] << 32 : v;
}

static void atomic(const struct wave *w, const struct pmem *m, unsigned int h, unsigned int i,
	uint32_t addr, uint32_t *d)
{
	const struct memop *op = m->op;
	unsigned int n = op->bytes / 4;
	uint64_t data = pair(w, h, i, m->data, n), compare = 0, old = 0, value;
	uint8_t *p = at(w, addr, op->bytes);

	if (op->atomic == AT_CMPSWAP || op->atomic == AT_FCMPSWAP || op->atomic == AT_MSKOR ||
		op->atomic == AT_WRAP) {
		compare = data;
		data = pair(w, h, i, m->data1, n);
	}
	if (p) {
		memcpy(&old, p, op->bytes);
		value = rp_exec_atomic_value(op->atomic, op->bytes, old, data, compare);
		memcpy(p, &value, op->bytes);
	}
	d[0] = (uint32_t)old;
	d[1] = (uint32_t)(old >> 32);
}

/* Whole dwords, all of them inside of the LDS and without a defect that acts. False: not so. */
static bool fast_half(struct wave *w, const struct pmem *m, unsigned int h, uint32_t mask)
{
	const struct memop *op = m->op;
	uint32_t off[RP_LANES] __attribute__((aligned(64)));
	uint32_t tmp[4 * RP_LANES] __attribute__((aligned(64)));
	uint32_t first = (uint32_t)m->offset, second = (uint32_t)m->offset1, bits, last, *d = tmp;
	unsigned int stride = op->two * op->bytes, n_out = op->dwords * (op->two ? 2u : 1u);

	if (op->kind == MEM_ATOMIC || op->bytes < 4 || op->addtid)
		return false;
	last = w->ops->offsets(off, vgpr(w, h, m->addr), 0, mask, &bits);
	if (op->two) {
		first *= stride;
		second *= stride;
	} else if (op->bytes >= 8 && w->g->wgp &&
		   (bits | first) & (op->bytes == 12 ? 15u : op->bytes - 1u)) {
		return false;
	}
	if ((uint64_t)last + (op->two && second > first ? second : first) + op->bytes >
		w->g->lds_bytes)
		return false;
	if (op->kind == MEM_STORE) {
		w->ops->scatter(w->g->lds + first, off, vgpr(w, h, m->data), mask, op->dwords);
		if (op->two)
			w->ops->scatter(
				w->g->lds + second, off, vgpr(w, h, m->data1), mask, op->dwords);
		return true;
	}
	if (mask == UINT32_MAX)
		d = vgpr(w, h, m->vdst);
	w->ops->gather(d, w->g->lds + first, off, op->dwords);
	if (op->two)
		w->ops->gather(d + op->dwords * RP_LANES, w->g->lds + second, off, op->dwords);
	if (d == tmp)
		w->ops->blend(vgpr(w, h, m->vdst), tmp, mask, n_out);
	return true;
}

static int plain_half(struct wave *w, const struct pinst *p, unsigned int h, uint32_t mask)
{
	const struct pmem *m = &p->m;
	const struct memop *op = m->op;
	const uint32_t *addr = vgpr(w, h, m->addr);
	uint32_t tmp[4][RP_LANES] __attribute__((aligned(64)));
	unsigned int n_out = op->dwords * (op->two ? 2u : 1u), stride = op->two * op->bytes;

	for (uint32_t rest = mask; rest; rest &= rest - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(rest);
		uint32_t a = op->addtid ? (w->s[M0] & 0xffff) + 4 * (h * RP_LANES + i) : addr[i],
			 d[4] = { 0, 0, 0, 0 };

		if (op->two) {
			uint32_t first = a + (uint32_t)m->offset * stride,
				 second = a + (uint32_t)m->offset1 * stride;

			if (op->kind == MEM_LOAD) {
				load(w, op, first, d);
				load(w, op, second, d + op->dwords);
			} else {
				uint32_t v[2];

				for (unsigned int k = 0; k < op->dwords; k++)
					v[k] = vgpr(w, h, m->data + k)[i];
				store(w, op, first, v);
				for (unsigned int k = 0; k < op->dwords; k++)
					v[k] = vgpr(w, h, m->data1 + k)[i];
				store(w, op, second, v);
			}
		} else {
			a = misaligned(w, p, a + (uint32_t)m->offset);
			if (op->kind == MEM_LOAD) {
				load(w, op, a, d);
			} else if (op->kind == MEM_STORE) {
				for (unsigned int k = 0; k < op->dwords; k++)
					d[k] = vgpr(w, h, m->data + k)[i];
				store(w, op, a, d);
			} else {
				atomic(w, m, h, i, a, d);
			}
		}
		for (unsigned int k = 0; k < n_out; k++)
			tmp[k][i] = d[k];
	}
	if (op->kind == MEM_STORE || (op->kind == MEM_ATOMIC && !op->rtn))
		return STEP_NEXT;
	if (op->d16) {
		uint32_t *d = vgpr(w, h, m->vdst);

		for (unsigned int i = 0; i < RP_LANES; i++)
			if (mask >> i & 1)
				d[i] = op->d16 == 2 ? (d[i] & 0xffffu) | tmp[0][i] << 16
						    : (d[i] & 0xffff0000u) | tmp[0][i];
		return STEP_NEXT;
	}
	w->ops->blend(vgpr(w, h, m->vdst), tmp[0], mask, n_out);
	return STEP_NEXT;
}

int rp_exec_step_ds(struct wave *w, const struct pinst *p)
{
	for (unsigned int h = 0; h < w->n_halves; h++)
		if (w->s[EXEC + h] && !fast_half(w, &p->m, h, w->s[EXEC + h]))
			(void)plain_half(w, p, h, w->s[EXEC + h]);
	return STEP_NEXT;
}

#define STEP(name) static int d_##name(struct wave *w, const struct pinst *p)

/* Lanes push (permute) or pull (bpermute) a dword within their half; the address is in bytes. */
STEP(bpermute)
{
	for (unsigned int h = 0; h < w->n_halves; h++) {
		const uint32_t *a = vgpr(w, h, p->m.addr), *s = vgpr(w, h, p->m.data);
		uint32_t r[RP_LANES], exec = w->s[EXEC + h];

		for (unsigned int i = 0; i < RP_LANES; i++) {
			unsigned int from = (a[i] + (uint32_t)p->m.offset) / 4 % RP_LANES;

			r[i] = exec >> from & 1 ? s[from] : 0;
		}
		w->ops->blend(vgpr(w, h, p->m.vdst), r, exec, 1);
	}
	return STEP_NEXT;
}
STEP(permute)
{
	for (unsigned int h = 0; h < w->n_halves; h++) {
		const uint32_t *a = vgpr(w, h, p->m.addr), *s = vgpr(w, h, p->m.data);
		uint32_t r[RP_LANES] = { 0 }, exec = w->s[EXEC + h];

		for (unsigned int i = 0; i < RP_LANES; i++)
			if (exec >> i & 1)
				r[(a[i] + (uint32_t)p->m.offset) / 4 % RP_LANES] = s[i];
		w->ops->blend(vgpr(w, h, p->m.vdst), r, exec, 1);
	}
	return STEP_NEXT;
}

/* Bit 15: quad permutation; else and, or, xor masks of 5 bits on the lane number. */
static unsigned int swizzle_lane(unsigned int pattern, unsigned int i, bool *ok)
{
	if (pattern >= 0xe000) {
		*ok = pattern ==
		      0xe000; /* rotate and FFT modes are not of gfx10 LDS in compilers' use */
		return i;
	}
	if (pattern >= 0xc000) { /* rotate within 32: bit 10 direction, 9:5 amount */
		unsigned int n = pattern >> 5 & 31;

		return (pattern >> 10 & 1 ? i - n : i + n) & 31;
	}
	if (pattern & 0x8000)
		return (i & ~3u) | (pattern >> (2 * (i & 3)) & 3);
	return (((i & (pattern & 31)) | (pattern >> 5 & 31)) ^ (pattern >> 10 & 31)) & 31;
}
STEP(swizzle)
{
	bool ok = true;

	for (unsigned int h = 0; h < w->n_halves; h++) {
		const uint32_t *s = vgpr(w, h, p->m.addr);
		uint32_t r[RP_LANES], exec = w->s[EXEC + h];

		for (unsigned int i = 0; i < RP_LANES; i++) {
			unsigned int from = swizzle_lane((uint32_t)p->m.offset, i, &ok);

			r[i] = exec >> from & 1 ? s[from] : 0;
		}
		if (!ok)
			return rp_exec_fault(w, p, RP_EXEC_UNIMPLEMENTED, -1, 0, false,
				"ds_swizzle_b32 pattern 0x%x", (unsigned int)p->m.offset);
		w->ops->blend(vgpr(w, h, p->m.vdst), r, exec, 1);
	}
	return STEP_NEXT;
}

/* The number of active lanes is added or subtracted once for the wave; the address is M0[15:0] plus the offset. */
static int append(struct wave *w, const struct pinst *p, bool add)
{
	uint32_t addr = (w->s[M0] & 0xffff) + (uint32_t)p->m.offset, old = 0, n;
	uint8_t *m = at(w, addr, 4);

	n = (uint32_t)__builtin_popcountll(exec_mask(w));
	if (m) {
		uint32_t value;

		memcpy(&old, m, 4);
		value = add ? old + n : old - n;
		memcpy(m, &value, 4);
	}
	for (unsigned int h = 0; h < w->n_halves; h++) {
		uint32_t r[RP_LANES];

		w->ops->fill(r, old);
		w->ops->blend(vgpr(w, h, p->m.vdst), r, w->s[EXEC + h], 1);
	}
	return STEP_NEXT;
}
STEP(append)
{
	return append(w, p, true);
}
STEP(consume)
{
	return append(w, p, false);
}
STEP(nop)
{
	(void)w;
	(void)p;
	return STEP_NEXT;
}

/* Two exchanges of a lane; on the same address the second sees the first's value. */
static int exchange2(struct wave *w, const struct pinst *p, unsigned int n, unsigned int unit)
{
	const struct pmem *m = &p->m;
	const uint32_t stride = unit * 4 * n;

	for (unsigned int h = 0; h < w->n_halves; h++) {
		uint32_t tmp[4][RP_LANES] __attribute__((aligned(64)));

		for (uint32_t rest = w->s[EXEC + h]; rest; rest &= rest - 1) {
			unsigned int i = (unsigned int)__builtin_ctz(rest);

			for (unsigned int k = 0; k < 2; k++) {
				uint32_t offset = k ? (p->w[0] >> 8 & 0xff) : (p->w[0] & 0xff);
				uint8_t *host =
					at(w, vgpr(w, h, m->addr)[i] + offset * stride, 4 * n);
				uint64_t value = pair(w, h, i, k ? m->data1 : m->data, n), old = 0;

				if (host) {
					memcpy(&old, host, 4 * (size_t)n);
					memcpy(host, &value, 4 * (size_t)n);
				}
				for (unsigned int b = 0; b < n; b++)
					tmp[k * n + b][i] = (uint32_t)(old >> (32 * b));
			}
		}
		w->ops->blend(vgpr(w, h, m->vdst), tmp[0], w->s[EXEC + h], 2 * n);
	}
	return STEP_NEXT;
}
STEP(wrxchg2_b32)
{
	return exchange2(w, p, 1, 1);
}
STEP(wrxchg2st64_b32)
{
	return exchange2(w, p, 1, 64);
}
STEP(wrxchg2_b64)
{
	return exchange2(w, p, 2, 1);
}
STEP(wrxchg2st64_b64)
{
	return exchange2(w, p, 2, 64);
}

#define E(name, fn, f)                          \
	{                                       \
		"ds_" name, d_##fn, RP_EXEC_##f \
	}
const struct step_entry rp_exec_special_ds[] = {
	E("bpermute_b32", bpermute, EXACT),
	E("permute_b32", permute, EXACT),
	E("swizzle_b32", swizzle, UNVERIFIED),
	E("append", append, UNVERIFIED),
	E("consume", consume, UNVERIFIED),
	E("nop", nop, EXACT),
	E("wrxchg2_rtn_b32", wrxchg2_b32, UNVERIFIED),
	E("wrxchg2st64_rtn_b32", wrxchg2st64_b32, UNVERIFIED),
	E("wrxchg2_rtn_b64", wrxchg2_b64, UNVERIFIED),
	E("wrxchg2st64_rtn_b64", wrxchg2st64_b64, UNVERIFIED),
	{ NULL, NULL, 0 },
};
