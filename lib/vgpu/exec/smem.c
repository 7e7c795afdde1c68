/* SPDX-License-Identifier: MIT */
/*
 * Scalar memory: loads, and on gfx10.1 stores and atomics. Addresses are in dwords: the low two
 * bits are ignored. Buffer loads behind num_records give 0 (RDNA 2 ISA, "Scalar Memory Operations").
 */
#include "vgpu/exec/internal.h"

#include <string.h>
#include <time.h>

static bool is_buffer(const struct pinst *p)
{
	unsigned int op = rp_isa_rows[p->row].opcode;

	return (op >= 0x08 && op <= 0x0c) || (op >= 0x18 && op <= 0x1a) ||
	       (op >= 0x40 && op < 0x80);
}

static uint64_t offset_of(const struct wave *w, const struct pmem *m)
{
	uint64_t off = (uint64_t)(int64_t)m->offset;

	if (m->soffset != RP_ISA_NULL)
		off += rp_exec_scalar(w, m->soffset);
	return off;
}

static int atomic(struct wave *w, const struct pinst *p, uint64_t va)
{
	const struct memop *op = p->m.op;
	unsigned int reg = p->m.vdst, n = op->bytes / 4;
	uint64_t data = w->s[reg], compare = 0, old;
	uint8_t *host;

	if (n == 2)
		data |= (uint64_t)w->s[reg + 1] << 32;
	if (op->atomic == AT_CMPSWAP)
		compare = n == 2 ? w->s[reg + 2] | (uint64_t)w->s[reg + 3] << 32 : w->s[reg + 1];
	if (va % op->bytes)
		return rp_exec_fault(w, p, RP_EXEC_APERTURE, -1, va, true,
			"an atomic on %u bytes is not aligned", op->bytes);
	host = rp_exec_translate(w->t, va, op->bytes, RP_EXEC_READ | RP_EXEC_WRITE);
	if (!host || (uintptr_t)host % op->bytes)
		return rp_exec_bad_address(w, p, -1, va, true);
	old = rp_exec_atomic(host, op->atomic, op->bytes, data, compare);
	if (p->m.glc) {
		put_s32(w, reg, (uint32_t)old);
		if (n == 2)
			put_s32(w, reg + 1, (uint32_t)(old >> 32));
	}
	return STEP_NEXT;
}

int rp_exec_step_smem(struct wave *w, const struct pinst *p)
{
	const struct pmem *m = &p->m;
	const struct memop *op = m->op;
	uint64_t base = (uint64_t)w->s[m->saddr + 1] << 32 | w->s[m->saddr], off = offset_of(w, m),
		 limit = UINT64_MAX, va;
	bool store = op->kind == MEM_STORE;
	uint32_t data[16];
	uint8_t *host;

	if (is_buffer(p)) {
		uint32_t stride = w->s[m->saddr + 1] >> 16 & 0x3fff;

		base = (uint64_t)((int64_t)(base << 16) >> 16);
		limit = (uint64_t)w->s[m->saddr + 2] * (stride ? stride : 1);
	}
	off &= ~UINT64_C(3);
	va = (base & ~UINT64_C(3)) + off;
	if (op->kind == MEM_ATOMIC)
		return atomic(w, p, va);
	if (m->vdst == RP_ISA_NULL)
		return STEP_NEXT;
	host = rp_exec_translate(w->t, va, 4u * op->dwords, store ? RP_EXEC_WRITE : RP_EXEC_READ);
	if (host && (limit == UINT64_MAX || off + 4u * op->dwords <= limit)) {
		if (store)
			memcpy(host, &w->s[m->vdst], 4u * op->dwords);
		else
			memcpy(&w->s[m->vdst], host, 4u * op->dwords);
		return STEP_NEXT;
	}
	for (unsigned int k = 0; k < op->dwords; k++) {
		data[k] = 0;
		if (limit != UINT64_MAX && off + 4u * k + 4 > limit)
			continue;
		host = rp_exec_translate(
			w->t, va + 4u * k, 4, store ? RP_EXEC_WRITE : RP_EXEC_READ);
		if (!host)
			return rp_exec_bad_address(w, p, -1, va + 4u * k, store);
		if (store)
			memcpy(host, &w->s[m->vdst + k], 4);
		else
			memcpy(&data[k], host, 4);
	}
	if (!store)
		memcpy(&w->s[m->vdst], data, 4u * op->dwords);
	return STEP_NEXT;
}

static uint64_t nanoseconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int m_memtime(struct wave *w, const struct pinst *p)
{
	put_s64(w, p->m.vdst, nanoseconds()); /* as if the shader clock were 1 GHz */
	return STEP_NEXT;
}
static int m_memrealtime(struct wave *w, const struct pinst *p)
{
	put_s64(w, p->m.vdst, nanoseconds() / 10); /* 100 MHz */
	return STEP_NEXT;
}
static int m_nothing(struct wave *w, const struct pinst *p)
{
	(void)w;
	(void)p;
	return STEP_NEXT;
}
static int m_waveid(struct wave *w, const struct pinst *p)
{
	put_s32(w, p->m.vdst, w->index);
	return STEP_NEXT;
}

/* Caches are not modelled: their instructions do nothing. */
const struct step_entry rp_exec_memory_control[] = {
	{ "s_memtime", m_memtime, RP_EXEC_UNVERIFIED },
	{ "s_memrealtime", m_memrealtime, RP_EXEC_EXACT },
	{ "s_gl1_inv", m_nothing, RP_EXEC_EXACT },
	{ "s_dcache_inv", m_nothing, RP_EXEC_EXACT },
	{ "s_dcache_wb", m_nothing, RP_EXEC_EXACT },
	{ "s_dcache_discard", m_nothing, RP_EXEC_EXACT },
	{ "s_dcache_discard_x2", m_nothing, RP_EXEC_EXACT },
	{ "s_atc_probe", m_nothing, RP_EXEC_EXACT },
	{ "s_atc_probe_buffer", m_nothing, RP_EXEC_EXACT },
	{ "s_get_waveid_in_workgroup", m_waveid, RP_EXEC_EXACT },
	{ "buffer_gl0_inv", m_nothing, RP_EXEC_EXACT },
	{ "buffer_gl1_inv", m_nothing, RP_EXEC_EXACT },
	{ NULL, NULL, 0 },
};
