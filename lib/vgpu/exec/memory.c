/* SPDX-License-Identifier: MIT */
/*
 * GPU addresses to host pointers, and atomics. A worker keeps the last ranges it used; they are
 * dropped when the caller's generation changes (looked at between time slices).
 */
#include "vgpu/exec/internal.h"

#include <string.h>

/* Bits 63:47 are a sign extension (AMDGPUUsage: 48-bit virtual addresses). */
bool rp_exec_canonical(uint64_t va)
{
	int64_t s = (int64_t)(va << 16) >> 16;

	return (uint64_t)s == va;
}

static uint8_t *in_range(const struct rp_exec_range *r, uint64_t va, uint64_t size, uint32_t access)
{
	if (va - r->va < r->size && size <= r->size - (va - r->va) &&
		(r->access & access) == access)
		return r->host + (va - r->va);
	return NULL;
}

uint8_t *rp_exec_translate(struct worker *t, uint64_t va, uint64_t size, uint32_t access)
{
	struct rp_exec_range r;
	uint8_t *p;

	for (unsigned int i = 0; i < N_LAST; i++) {
		p = in_range(&t->last[i], va, size, access);
		if (p)
			return p;
	}
	if (!rp_exec_canonical(va) || !t->x->config.memory.find(t->x->config.memory.data, va, &r))
		return NULL;
	p = in_range(&r, va, size, access);
	if (p) {
		t->last[t->next_last] = r;
		t->next_last = (t->next_last + 1) % N_LAST;
	}
	return p;
}

int rp_exec_bad_address(struct wave *w, const struct pinst *p, int lane, uint64_t va, bool is_store)
{
	struct rp_exec_range r;

	if (!rp_exec_canonical(va))
		return rp_exec_fault(w, p, RP_EXEC_APERTURE, lane, va, is_store,
			"the address is in no aperture");
	if (!w->t->x->config.memory.find(w->t->x->config.memory.data, va, &r))
		return rp_exec_fault(
			w, p, RP_EXEC_PAGE, lane, va, is_store, "nothing is mapped at the address");
	return rp_exec_fault(w, p, RP_EXEC_PAGE, lane, va, is_store,
		"the mapping at the address is not %s, or ends inside of the access",
		is_store ? "writable" : "readable");
}

static float as_float(uint64_t v)
{
	uint32_t u = (uint32_t)v;
	float f;

	memcpy(&f, &u, 4);
	return f;
}

static double as_double(uint64_t v)
{
	double d;

	memcpy(&d, &v, 8);
	return d;
}

static uint64_t float_value(
	enum atomic_op op, unsigned int bytes, uint64_t old, uint64_t data, uint64_t compare)
{
	bool take;

	if (op == AT_FADD) {
		float sum = as_float(old) + as_float(data);
		uint32_t u;

		memcpy(&u, &sum, 4);
		return u;
	}
	if (bytes == 4) {
		float o = as_float(old), d = as_float(data);

		take = op == AT_FMIN ? d < o : op == AT_FMAX ? d > o : o == as_float(compare);
	} else {
		double o = as_double(old), d = as_double(data);

		take = op == AT_FMIN ? d < o : op == AT_FMAX ? d > o : o == as_double(compare);
	}
	return take ? data : old;
}

uint64_t rp_exec_atomic_value(
	enum atomic_op op, unsigned int bytes, uint64_t old, uint64_t data, uint64_t compare)
{
	uint64_t mask = bytes == 4 ? UINT32_MAX : UINT64_MAX;
	int64_t so = bytes == 4 ? (int32_t)(uint32_t)old : (int64_t)old;
	int64_t sd = bytes == 4 ? (int32_t)(uint32_t)data : (int64_t)data;

	switch (op) {
	case AT_SWAP:
		return data;
	case AT_CMPSWAP:
		return old == compare ? data : old;
	case AT_ADD:
		return (old + data) & mask;
	case AT_SUB:
		return (old - data) & mask;
	case AT_RSUB:
		return (data - old) & mask;
	case AT_CSUB:
		return old < data ? 0 : old - data;
	case AT_SMIN:
		return sd < so ? data : old;
	case AT_SMAX:
		return sd > so ? data : old;
	case AT_UMIN:
		return data < old ? data : old;
	case AT_UMAX:
		return data > old ? data : old;
	case AT_AND:
		return old & data;
	case AT_OR:
		return old | data;
	case AT_XOR:
		return old ^ data;
	case AT_INC: /* wraps to 0 at data */
		return old >= data ? 0 : old + 1;
	case AT_DEC: /* wraps to data at 0 and above it */
		return old == 0 || old > data ? data : old - 1;
	case AT_MSKOR: /* compare carries the mask, data the value */
		return (old & ~compare) | data;
	case AT_WRAP:
		return (old >= compare ? old - compare : old + data) & mask;
	default:
		return float_value(op, bytes, old, data, compare);
	}
}

uint64_t rp_exec_atomic(
	uint8_t *host, enum atomic_op op, unsigned int bytes, uint64_t data, uint64_t compare)
{
	if (bytes == 4) {
		uint32_t *p = (uint32_t *)(void *)host, old = __atomic_load_n(p, __ATOMIC_SEQ_CST);

		while (!__atomic_compare_exchange_n(p, &old,
			(uint32_t)rp_exec_atomic_value(op, 4, old, data, compare), false,
			__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			;
		return old;
	} else {
		uint64_t *p = (uint64_t *)(void *)host, old = __atomic_load_n(p, __ATOMIC_SEQ_CST);

		while (!__atomic_compare_exchange_n(p, &old,
			rp_exec_atomic_value(op, 8, old, data, compare), false, __ATOMIC_SEQ_CST,
			__ATOMIC_SEQ_CST))
			;
		return old;
	}
}

uint32_t rp_exec_load_small(const uint8_t *p, const struct memop *op)
{
	uint32_t v = p[0];

	if (op->bytes == 2) {
		uint16_t h;

		memcpy(&h, p, 2);
		v = op->sext ? (uint32_t)(int32_t)(int16_t)h : h;
	} else if (op->sext) {
		v = (uint32_t)(int32_t)(int8_t)p[0];
	}
	return op->d16 ? v & 0xffffu : v;
}

#define LOADS                                                                                      \
	{ "load_ubyte", MEM_LOAD, 1, 1, false, 0, 0, false, 0, false, RP_EXEC_EXACT },             \
		{ "load_sbyte", MEM_LOAD, 1, 1, true, 0, 0, false, 0, false, RP_EXEC_EXACT },      \
		{ "load_ushort", MEM_LOAD, 2, 1, false, 0, 0, false, 0, false, RP_EXEC_EXACT },    \
		{ "load_sshort", MEM_LOAD, 2, 1, true, 0, 0, false, 0, false, RP_EXEC_EXACT },     \
		{ "load_dword", MEM_LOAD, 4, 1, false, 0, 0, false, 0, false, RP_EXEC_EXACT },     \
		{ "load_dwordx2", MEM_LOAD, 8, 2, false, 0, 0, false, 0, false, RP_EXEC_EXACT },   \
		{ "load_dwordx3", MEM_LOAD, 12, 3, false, 0, 0, false, 0, false, RP_EXEC_EXACT },  \
		{ "load_dwordx4", MEM_LOAD, 16, 4, false, 0, 0, false, 0, false, RP_EXEC_EXACT },  \
		{ "load_ubyte_d16", MEM_LOAD, 1, 1, false, 1, 0, false, 0, false, RP_EXEC_EXACT }, \
		{ "load_ubyte_d16_hi", MEM_LOAD, 1, 1, false, 2, 0, false, 0, false,               \
			RP_EXEC_EXACT },                                                           \
		{ "load_sbyte_d16", MEM_LOAD, 1, 1, true, 1, 0, false, 0, false, RP_EXEC_EXACT },  \
		{ "load_sbyte_d16_hi", MEM_LOAD, 1, 1, true, 2, 0, false, 0, false,                \
			RP_EXEC_EXACT },                                                           \
		{ "load_short_d16", MEM_LOAD, 2, 1, false, 1, 0, false, 0, false, RP_EXEC_EXACT }, \
	{                                                                                          \
		"load_short_d16_hi", MEM_LOAD, 2, 1, false, 2, 0, false, 0, false, RP_EXEC_EXACT   \
	}
#define STORES                                                                                     \
	{ "store_byte", MEM_STORE, 1, 1, false, 0, 0, false, 0, false, RP_EXEC_EXACT },            \
		{ "store_byte_d16_hi", MEM_STORE, 1, 1, false, 2, 0, false, 0, false,              \
			RP_EXEC_EXACT },                                                           \
		{ "store_short", MEM_STORE, 2, 1, false, 0, 0, false, 0, false, RP_EXEC_EXACT },   \
		{ "store_short_d16_hi", MEM_STORE, 2, 1, false, 2, 0, false, 0, false,             \
			RP_EXEC_EXACT },                                                           \
		{ "store_dword", MEM_STORE, 4, 1, false, 0, 0, false, 0, false, RP_EXEC_EXACT },   \
		{ "store_dwordx2", MEM_STORE, 8, 2, false, 0, 0, false, 0, false, RP_EXEC_EXACT }, \
		{ "store_dwordx3", MEM_STORE, 12, 3, false, 0, 0, false, 0, false,                 \
			RP_EXEC_EXACT },                                                           \
	{                                                                                          \
		"store_dwordx4", MEM_STORE, 16, 4, false, 0, 0, false, 0, false, RP_EXEC_EXACT     \
	}
#define ATOMIC1(n, op, fid)                                                             \
	{ "atomic_" n, MEM_ATOMIC, 4, 1, false, 0, op, false, 0, false, fid },          \
	{                                                                               \
		"atomic_" n "_x2", MEM_ATOMIC, 8, 2, false, 0, op, false, 0, false, fid \
	}
#define ATOMICS                                                                                   \
	ATOMIC1("swap", AT_SWAP, RP_EXEC_EXACT), ATOMIC1("cmpswap", AT_CMPSWAP, RP_EXEC_EXACT),   \
		ATOMIC1("add", AT_ADD, RP_EXEC_EXACT), ATOMIC1("sub", AT_SUB, RP_EXEC_EXACT),     \
		ATOMIC1("smin", AT_SMIN, RP_EXEC_EXACT), ATOMIC1("umin", AT_UMIN, RP_EXEC_EXACT), \
		ATOMIC1("smax", AT_SMAX, RP_EXEC_EXACT), ATOMIC1("umax", AT_UMAX, RP_EXEC_EXACT), \
		ATOMIC1("and", AT_AND, RP_EXEC_EXACT), ATOMIC1("or", AT_OR, RP_EXEC_EXACT),       \
		ATOMIC1("xor", AT_XOR, RP_EXEC_EXACT), ATOMIC1("inc", AT_INC, RP_EXEC_EXACT),     \
		ATOMIC1("dec", AT_DEC, RP_EXEC_EXACT),                                            \
		ATOMIC1("fcmpswap", AT_FCMPSWAP,                                                  \
			RP_EXEC_UNVERIFIED), /* denormals and NaN: assumed */                     \
		ATOMIC1("fmin", AT_FMIN, RP_EXEC_UNVERIFIED),                                     \
		ATOMIC1("fmax", AT_FMAX, RP_EXEC_UNVERIFIED)

const struct memop rp_exec_vmem_ops[] = {
	LOADS,
	STORES,
	ATOMICS,
	{ "atomic_csub", MEM_ATOMIC, 4, 1, false, 0, AT_CSUB, false, 0, false, RP_EXEC_EXACT },
	{ "load_dword_addtid", MEM_LOAD, 4, 1, false, 0, 0, false, 0, true, RP_EXEC_EXACT },
	{ "store_dword_addtid", MEM_STORE, 4, 1, false, 0, 0, false, 0, true, RP_EXEC_EXACT },
	{ NULL, 0, 0, 0, false, 0, 0, false, 0, false, 0 },
};

#define SLOAD(n, dw)                                                            \
	{                                                                       \
		n, MEM_LOAD, 4, dw, false, 0, 0, false, 0, false, RP_EXEC_EXACT \
	}
#define SSTORE(n, dw)                                                            \
	{                                                                        \
		n, MEM_STORE, 4, dw, false, 0, 0, false, 0, false, RP_EXEC_EXACT \
	}
const struct memop rp_exec_smem_ops[] = {
	SLOAD("load_dword", 1),
	SLOAD("load_dwordx2", 2),
	SLOAD("load_dwordx4", 4),
	SLOAD("load_dwordx8", 8),
	SLOAD("load_dwordx16", 16),
	SSTORE("store_dword", 1),
	SSTORE("store_dwordx2", 2),
	SSTORE("store_dwordx4", 4),
	ATOMICS,
	{ NULL, 0, 0, 0, false, 0, 0, false, 0, false, 0 },
};

#define DS_AT(n, s, op, bytes, dw, fid)                                               \
	{ n "_" s, MEM_ATOMIC, bytes, dw, false, 0, op, false, 0, false, fid },       \
	{                                                                             \
		n "_rtn_" s, MEM_ATOMIC, bytes, dw, false, 0, op, true, 0, false, fid \
	}
#define DS_AT2(n, b, u, op) \
	DS_AT(n, b "32", op, 4, 1, RP_EXEC_EXACT), DS_AT(n, u "64", op, 8, 2, RP_EXEC_EXACT)
#define DS_LOAD(n, bytes, dw, sext, d16, two)                                          \
	{                                                                              \
		n, MEM_LOAD, bytes, dw, sext, d16, 0, false, two, false, RP_EXEC_EXACT \
	}
#define DS_STORE(n, bytes, dw, d16, two)                                                 \
	{                                                                                \
		n, MEM_STORE, bytes, dw, false, d16, 0, false, two, false, RP_EXEC_EXACT \
	}
const struct memop rp_exec_ds_ops[] = {
	DS_AT2("add", "u", "u", AT_ADD),
	DS_AT2("sub", "u", "u", AT_SUB),
	DS_AT2("rsub", "u", "u", AT_RSUB),
	DS_AT2("inc", "u", "u", AT_INC),
	DS_AT2("dec", "u", "u", AT_DEC),
	DS_AT2("min", "i", "i", AT_SMIN),
	DS_AT2("max", "i", "i", AT_SMAX),
	DS_AT2("min", "u", "u", AT_UMIN),
	DS_AT2("max", "u", "u", AT_UMAX),
	DS_AT2("and", "b", "b", AT_AND),
	DS_AT2("or", "b", "b", AT_OR),
	DS_AT2("xor", "b", "b", AT_XOR),
	DS_AT2("mskor", "b", "b", AT_MSKOR),
	DS_AT2("cmpst", "b", "b", AT_CMPSWAP),
	DS_AT("cmpst", "f32", AT_FCMPSWAP, 4, 1, RP_EXEC_UNVERIFIED),
	DS_AT("cmpst", "f64", AT_FCMPSWAP, 8, 2, RP_EXEC_UNVERIFIED),
	DS_AT("min", "f32", AT_FMIN, 4, 1, RP_EXEC_UNVERIFIED),
	DS_AT("max", "f32", AT_FMAX, 4, 1, RP_EXEC_UNVERIFIED),
	DS_AT("min", "f64", AT_FMIN, 8, 2, RP_EXEC_UNVERIFIED),
	DS_AT("max", "f64", AT_FMAX, 8, 2, RP_EXEC_UNVERIFIED),
	DS_AT("add", "f32", AT_FADD, 4, 1, RP_EXEC_UNVERIFIED),
	{ "wrxchg_rtn_b32", MEM_ATOMIC, 4, 1, false, 0, AT_SWAP, true, 0, false, RP_EXEC_EXACT },
	{ "wrxchg_rtn_b64", MEM_ATOMIC, 8, 2, false, 0, AT_SWAP, true, 0, false, RP_EXEC_EXACT },
	{ "wrap_rtn_b32", MEM_ATOMIC, 4, 1, false, 0, AT_WRAP, true, 0, false, RP_EXEC_UNVERIFIED },
	DS_LOAD("read_b32", 4, 1, false, 0, 0),
	DS_LOAD("read_b64", 8, 2, false, 0, 0),
	DS_LOAD("read_b96", 12, 3, false, 0, 0),
	DS_LOAD("read_b128", 16, 4, false, 0, 0),
	DS_LOAD("read2_b32", 4, 1, false, 0, 1),
	DS_LOAD("read2st64_b32", 4, 1, false, 0, 64),
	DS_LOAD("read2_b64", 8, 2, false, 0, 1),
	DS_LOAD("read2st64_b64", 8, 2, false, 0, 64),
	DS_LOAD("read_i8", 1, 1, true, 0, 0),
	DS_LOAD("read_u8", 1, 1, false, 0, 0),
	DS_LOAD("read_i16", 2, 1, true, 0, 0),
	DS_LOAD("read_u16", 2, 1, false, 0, 0),
	DS_LOAD("read_u8_d16", 1, 1, false, 1, 0),
	DS_LOAD("read_u8_d16_hi", 1, 1, false, 2, 0),
	DS_LOAD("read_i8_d16", 1, 1, true, 1, 0),
	DS_LOAD("read_i8_d16_hi", 1, 1, true, 2, 0),
	DS_LOAD("read_u16_d16", 2, 1, false, 1, 0),
	DS_LOAD("read_u16_d16_hi", 2, 1, false, 2, 0),
	DS_STORE("write_b8", 1, 1, 0, 0),
	DS_STORE("write_b16", 2, 1, 0, 0),
	DS_STORE("write_b8_d16_hi", 1, 1, 2, 0),
	DS_STORE("write_b16_d16_hi", 2, 1, 2, 0),
	DS_STORE("write_b32", 4, 1, 0, 0),
	DS_STORE("write_b64", 8, 2, 0, 0),
	DS_STORE("write_b96", 12, 3, 0, 0),
	DS_STORE("write_b128", 16, 4, 0, 0),
	DS_STORE("write2_b32", 4, 1, 0, 1),
	DS_STORE("write2st64_b32", 4, 1, 0, 64),
	DS_STORE("write2_b64", 8, 2, 0, 1),
	DS_STORE("write2st64_b64", 8, 2, 0, 64),
	{ "read_addtid_b32", MEM_LOAD, 4, 1, false, 0, 0, false, 0, true, RP_EXEC_UNVERIFIED },
	{ "write_addtid_b32", MEM_STORE, 4, 1, false, 0, 0, false, 0, true, RP_EXEC_UNVERIFIED },
	{ NULL, 0, 0, 0, false, 0, 0, false, 0, false, 0 },
};
