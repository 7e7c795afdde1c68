/* SPDX-License-Identifier: MIT */
/*
 * Atomics of every encoding against their definition in the "RDNA 2" instruction set document (its pseudocode, written
 * here once more), each lane on its own address and all lanes on one; DPP8; SDWA of compares and halves.
 */
#include "rig.h"

static uint64_t state = 5;

static uint64_t random64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}

enum kind {
	SWAP,
	CMPSWAP,
	ADD,
	SUB,
	RSUB,
	SMIN,
	SMAX,
	UMIN,
	UMAX,
	AND,
	OR,
	XOR,
	INC,
	DEC,
	MSKOR,
	FCMPSWAP,
	FMIN,
	FMAX,
	CSUB
};

/* Memory's new value. a: the data; b: the second datum (compare of memory atomics and of cmpst, mask). */
static uint64_t after(enum kind k, unsigned int bits, uint64_t m, uint64_t a, uint64_t b)
{
	int64_t sm = bits == 32 ? (int32_t)(uint32_t)m : (int64_t)m,
		sa = bits == 32 ? (int32_t)(uint32_t)a : (int64_t)a;
	double fm, fa, fb;

	if (bits == 32) {
		float f[3];
		const uint32_t u[3] = { (uint32_t)m, (uint32_t)a, (uint32_t)b };

		memcpy(f, u, sizeof(f));
		fm = (double)f[0], fa = (double)f[1], fb = (double)f[2];
	} else {
		memcpy(&fm, &m, 8);
		memcpy(&fa, &a, 8);
		memcpy(&fb, &b, 8);
	}
	switch (k) {
	case SWAP:
		return a;
	case CMPSWAP:
		return m == b ? a : m;
	case ADD:
		return m + a;
	case SUB:
		return m - a;
	case RSUB:
		return a - m;
	case CSUB:
		return m >= a ? m - a : 0;
	case SMIN:
		return sm < sa ? m : a;
	case SMAX:
		return sm > sa ? m : a;
	case UMIN:
		return m < a ? m : a;
	case UMAX:
		return m > a ? m : a;
	case AND:
		return m & a;
	case OR:
		return m | a;
	case XOR:
		return m ^ a;
	case INC:
		return m >= a ? 0 : m + 1;
	case DEC:
		return m == 0 || m > a ? a : m - 1;
	case MSKOR:
		return (m & ~b) | a;
	case FCMPSWAP:
		return fm == fb ? a : m;
	case FMIN:
		return fa < fm ? a : m;
	default:
		return fa > fm ? a : m;
	}
}

/* Finite numbers where a float is meant, small ones often, so that equal values meet. */
static uint64_t datum(enum kind k, unsigned int bits)
{
	uint64_t r = random64();

	if (k >= FCMPSWAP && k != CSUB) {
		double d = (double)((int64_t)(r % 9) - 4) * 0.75;
		float f = (float)d;
		uint32_t u;

		memcpy(&u, &f, 4);
		memcpy(&r, &d, 8);
		return bits == 32 ? u : r;
	}
	if (r % 3 == 0)
		r >>= 60;
	return bits == 32 ? r & UINT32_MAX : r;
}

static void put(struct rig *r, unsigned int reg, unsigned int lane, uint64_t v)
{
	vgpr(&r->wave, 0, reg)[lane] = (uint32_t)v;
	vgpr(&r->wave, 0, reg + 1)[lane] = (uint32_t)(v >> 32);
}

static uint64_t get(struct rig *r, unsigned int reg, unsigned int lane, unsigned int bits)
{
	return vgpr(&r->wave, 0, reg)[lane] |
	       (bits == 64 ? (uint64_t)vgpr(&r->wave, 0, reg + 1)[lane] << 32 : 0);
}

enum where { GLOBAL, FLAT, FLAT_LDS, BUFFER, DS };

/*
 * One atomic by all lanes: address in v2 (pair), data from v4 on, result in v20 (data register of a buffer).
 * stride 0: all lanes on one address, in any order: the sum of what happened is checked by the caller.
 */
/* A wave that loads past the caches may be asked to let others run. */
static void finish(struct rig *r, int step)
{
	while (step == STEP_YIELD)
		step = rp_exec_run_wave(&r->wave, 1000);
	if (step != STEP_END)
		fail_msg("%s", r->worker.fault.why);
}

static void run_atomic(struct rig *r, enum where where, unsigned int opcode, unsigned int stride,
	bool rtn, bool two)
{
	for (unsigned int i = 0; i < RP_LANES; i++) {
		uint64_t va = where == FLAT_LDS ? (UINT64_C(0x10000) << 32) + stride * i
			      : where == DS || where == BUFFER ? stride * i
							       : r->data + stride * i;

		put(r, 2, i, va);
	}
	r->wave.s[4] = (uint32_t)r->data;
	r->wave.s[5] = (uint32_t)(r->data >> 32);
	r->wave.s[6] = 65536;
	r->wave.s[7] = 3u << 28;
	if (where == DS) {
		finish(r, RUN(r, 0x36u << 26 | opcode << 18,
				  2 | 4u << 8 | (two ? 6u : 0u) << 16 | (rtn ? 20u : 0u) << 24));
	} else if (where == BUFFER) {
		if (rtn)
			memcpy(vgpr(&r->wave, 0, 20), vgpr(&r->wave, 0, 4), 4 * 4 * RP_LANES);
		finish(r, RUN(r, 0x38u << 26 | opcode << 18 | 1u << 12 | (uint32_t)rtn << 14,
				  128u << 24 | 1u << 16 | (rtn ? 20u : 4u) << 8 | 2));
	} else {
		finish(r, RUN(r,
				  0x37u << 26 | opcode << 18 | (where == GLOBAL ? 2u : 0u) << 14 |
					  (uint32_t)rtn << 16,
				  2 | 4u << 8 | 125u << 16 | 20u << 24));
	}
}

static void check(struct rig *r, enum where where, const char *name, enum rp_isa_encoding encoding,
	enum kind k, unsigned int bits, bool rtn)
{
	unsigned int row = rig_row(encoding, name, RP_ISA_GFX1030), step = bits / 8;
	uint8_t *memory = where == DS || where == FLAT_LDS ? r->group.lds : r->data_host;

	for (unsigned int round = 0; round < 12; round++) {
		uint64_t m[RP_LANES], a[RP_LANES], b[RP_LANES];

		r->wave.s[EXEC] = round ? (uint32_t)random64() | 1 : UINT32_MAX;
		for (unsigned int i = 0; i < RP_LANES; i++) {
			m[i] = datum(k, bits), a[i] = datum(k, bits), b[i] = datum(k, bits);
			memcpy(memory + step * i, &m[i], step);
			put(r, 20, i, UINT64_C(0x1111111122222222));
			if (where == DS && (k == CMPSWAP || k == FCMPSWAP || k == MSKOR)) {
				/* DS: data0 is the compare value or the mask */
				put(r, 4, i, b[i]);
				put(r, 6, i, a[i]);
			} else {
				put(r, 4, i, a[i]);
				put(r, bits == 64 ? 6 : 5, i, b[i]);
			}
		}
		run_atomic(r, where, rp_isa_rows[row].opcode, step, rtn,
			k == CMPSWAP || k == FCMPSWAP || k == MSKOR);
		for (unsigned int i = 0; i < RP_LANES; i++) {
			bool on = r->wave.s[EXEC] >> i & 1;
			uint64_t now = 0, want = on ? after(k, bits, m[i], a[i], b[i]) : m[i],
				 old = get(r, 20, i, bits);

			if (bits == 32)
				want &= UINT32_MAX;
			memcpy(&now, memory + step * i, step);
			if (now != want)
				fail_msg("%s where %u (%llx, %llx, %llx): %llx, expected %llx",
					name, where, (unsigned long long)m[i],
					(unsigned long long)a[i], (unsigned long long)b[i],
					(unsigned long long)now, (unsigned long long)want);
			if (on && rtn)
				assert_true(old == m[i]);
			else if (where != BUFFER)
				assert_true(old == (bits == 64 ? UINT64_C(0x1111111122222222)
							       : 0x22222222));
		}
	}
	r->wave.s[EXEC] = UINT32_MAX;
}

static const struct {
	const char *name;
	enum kind kind;
} memory_ops[] = { { "swap", SWAP }, { "cmpswap", CMPSWAP }, { "add", ADD }, { "sub", SUB },
	{ "smin", SMIN }, { "umin", UMIN }, { "smax", SMAX }, { "umax", UMAX }, { "and", AND },
	{ "or", OR }, { "xor", XOR }, { "inc", INC }, { "dec", DEC }, { "fcmpswap", FCMPSWAP },
	{ "fmin", FMIN }, { "fmax", FMAX } };

static void test_memory(void **unused)
{
	static const struct {
		const char *prefix;
		enum rp_isa_encoding encoding;
		enum where where;
	} forms[] = { { "global", RP_ISA_GLOBAL, GLOBAL }, { "flat", RP_ISA_FLAT, FLAT },
		{ "flat", RP_ISA_FLAT, FLAT_LDS }, { "buffer", RP_ISA_MUBUF, BUFFER } };
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1030", 1);
	for (unsigned int f = 0; f < RP_ARRAY_SIZE(forms); f++)
		for (unsigned int i = 0; i < RP_ARRAY_SIZE(memory_ops); i++)
			for (unsigned int n = 0; n < 4; n++) {
				char name[64];

				(void)snprintf(name, sizeof(name), "%s_atomic_%s%s",
					forms[f].prefix, memory_ops[i].name, n & 1 ? "_x2" : "");
				check(&r, forms[f].where, name, forms[f].encoding,
					memory_ops[i].kind, n & 1 ? 64 : 32, n >> 1);
			}
	check(&r, GLOBAL, "global_atomic_csub", RP_ISA_GLOBAL, CSUB, 32, true);
	rig_close(&r);
}

static void test_lds(void **unused)
{
	static const struct {
		const char *name, *suffix;
		enum kind kind;
	} ops[] = { { "add", "u", ADD }, { "sub", "u", SUB }, { "rsub", "u", RSUB },
		{ "inc", "u", INC }, { "dec", "u", DEC }, { "min", "i", SMIN },
		{ "max", "i", SMAX }, { "min", "u", UMIN }, { "max", "u", UMAX },
		{ "and", "b", AND }, { "or", "b", OR }, { "xor", "b", XOR },
		{ "mskor", "b", MSKOR }, { "cmpst", "b", CMPSWAP }, { "cmpst", "f", FCMPSWAP },
		{ "min", "f", FMIN }, { "max", "f", FMAX }, { "wrxchg", "b", SWAP } };
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	for (unsigned int i = 0; i < RP_ARRAY_SIZE(ops); i++)
		for (unsigned int n = ops[i].kind == SWAP ? 2 : 0; n < 4; n++) {
			unsigned int bits = n & 1 ? 64 : 32;
			char name[64];

			(void)snprintf(name, sizeof(name), "ds_%s%s_%s%u", ops[i].name,
				n >> 1 ? "_rtn" : "", ops[i].suffix, bits);
			check(&r, DS, name, RP_ISA_DS, ops[i].kind, bits, n >> 1);
		}
	rig_close(&r);
}

/* All lanes add to one place: no addition is lost, and every lane gets another old value. */
static void test_one_address(void **unused)
{
	static const enum where places[] = { GLOBAL, FLAT, FLAT_LDS, BUFFER, DS };
	static const char *const names[] = { "global_atomic_add", "flat_atomic_add",
		"flat_atomic_add", "buffer_atomic_add", "ds_add_rtn_u32" };
	static const enum rp_isa_encoding encodings[] = { RP_ISA_GLOBAL, RP_ISA_FLAT, RP_ISA_FLAT,
		RP_ISA_MUBUF, RP_ISA_DS };
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	for (unsigned int p = 0; p < RP_ARRAY_SIZE(places); p++) {
		uint8_t *memory =
			places[p] == DS || places[p] == FLAT_LDS ? r.group.lds : r.data_host;
		uint32_t value = 7, seen = 0;

		memcpy(memory, &value, 4);
		for (unsigned int i = 0; i < RP_LANES; i++)
			put(&r, 4, i, 1);
		run_atomic(&r, places[p],
			rp_isa_rows[rig_row(encodings[p], names[p], RP_ISA_GFX1010)].opcode, 0,
			true, false);
		memcpy(&value, memory, 4);
		assert_int_equal(value, 7 + RP_LANES);
		for (unsigned int i = 0; i < RP_LANES; i++)
			seen |= 1u << (get(&r, 20, i, 32) - 7);
		assert_int_equal(seen, UINT32_MAX);
	}
	rig_close(&r);
}

/* v_add_f32_dpp8 v20, v2, v4: each lane takes source 0 from a lane of its eight; inactive lanes count as 0 unless FI. */
static void test_dpp8(void **unused)
{
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 2);
	for (unsigned int n = 0; n < 200; n++) {
		uint32_t select = (uint32_t)random64() & 0xffffff, fi = n & 1;
		uint64_t exec = random64() | random64();

		r.wave.s[EXEC] = (uint32_t)exec;
		r.wave.s[EXEC + 1] = (uint32_t)(exec >> 32);
		for (unsigned int l = 0; l < 64; l++) {
			float a = (float)(100 + l), b = 1000;

			memcpy(&vgpr(&r.wave, l / 32, 2)[l % 32], &a, 4);
			memcpy(&vgpr(&r.wave, l / 32, 4)[l % 32], &b, 4);
			vgpr(&r.wave, l / 32, 20)[l % 32] = 7;
		}
		assert_int_equal(
			RUN(&r, 3u << 25 | 20u << 17 | 4u << 9 | (233 + fi), 2 | select << 8),
			STEP_END);
		for (unsigned int l = 0; l < 64; l++) {
			unsigned int from = (l & ~7u) | (select >> (3 * (l & 7)) & 7);
			float want = 1000 + (fi || exec >> from & 1 ? (float)(100 + from) : 0), got;

			memcpy(&got, &vgpr(&r.wave, l / 32, 20)[l % 32], 4);
			if (exec >> l & 1)
				assert_true(got == want);
			else
				assert_int_equal(vgpr(&r.wave, l / 32, 20)[l % 32], 7);
		}
	}
	rig_close(&r);
}

/* v_sub_f32_dpp with |src0| and -src1, row_ror, bank masks: modifiers act behind the exchange of lanes. */
static void test_dpp_modifiers(void **unused)
{
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	for (unsigned int n = 0; n < 64; n++) {
		unsigned int rotate = 1 + n % 15, banks = n % 16;

		for (unsigned int l = 0; l < RP_LANES; l++) {
			float a = l & 1 ? -(float)(l + 1) : (float)(l + 1), b = (float)(l * 64);

			memcpy(&vgpr(&r.wave, 0, 2)[l], &a, 4);
			memcpy(&vgpr(&r.wave, 0, 4)[l], &b, 4);
			vgpr(&r.wave, 0, 20)[l] = 7;
		}
		/* v_sub_f32: VOP2 4; DPP word: src0, control, src0_abs bit 21, src1_neg bit 22 */
		assert_int_equal(RUN(&r, 4u << 25 | 20u << 17 | 4u << 9 | 250,
					 2 | (0x120u + rotate) << 8 | 1u << 21 | 1u << 22 |
						 banks << 24 | 15u << 28),
			STEP_END);
		for (unsigned int l = 0; l < RP_LANES; l++) {
			unsigned int from = (l & 16) | ((l - rotate) & 15);
			float want = (float)(from + 1) + (float)(l * 64), got;

			memcpy(&got, &vgpr(&r.wave, 0, 20)[l], 4);
			if (banks >> (l / 4 % 4) & 1)
				assert_true(got == want);
			else
				assert_int_equal(vgpr(&r.wave, 0, 20)[l], 7);
		}
	}
	rig_close(&r);
}

/* v_cmp_lt_i16_sdwa and v_cmp_gt_u32_sdwa into a register, v_mul_f16_sdwa with modifiers. */
static void test_sdwa(void **unused)
{
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	for (unsigned int n = 0; n < 7 * 7 * 4; n++) {
		unsigned int s0 = n % 7, s1 = n / 7 % 7, sext = n / 49;
		uint32_t got, want = 0;

		r.wave.s[EXEC] = (uint32_t)random64();
		for (unsigned int l = 0; l < RP_LANES; l++) {
			vgpr(&r.wave, 0, 2)[l] = (uint32_t)random64();
			vgpr(&r.wave, 0, 4)[l] = (uint32_t)random64();
		}
		/* v_cmp_gt_i32_sdwa s20, v2, v4: VOPC 0x84; sdst in bits 14:8 with bit 15 */
		assert_int_equal(RUN(&r, 0x3eu << 25 | 0x84u << 17 | 4u << 9 | 249,
					 2 | 20u << 8 | 1u << 15 | s0 << 16 | (sext & 1) << 19 |
						 s1 << 24 | (sext >> 1) << 27),
			STEP_END);
		got = r.wave.s[20];
		for (unsigned int l = 0; l < RP_LANES; l++) {
			int64_t v[2] = { 0, 0 };

			for (unsigned int k = 0; k < 2; k++) {
				uint32_t u = vgpr(&r.wave, 0, 2 + 2 * k)[l];
				unsigned int sel = k ? s1 : s0;
				bool s = sext >> k & 1;

				if (sel < 4)
					v[k] = s ? (int8_t)(uint8_t)(u >> 8 * sel)
						 : (uint8_t)(u >> 8 * sel);
				else if (sel < 6)
					v[k] = s ? (int16_t)(uint16_t)(u >> 16 * (sel - 4))
						 : (uint16_t)(u >> 16 * (sel - 4));
				else
					v[k] = (int32_t)u;
			}
			want |= (uint32_t)(v[0] > v[1]) << l;
		}
		assert_int_equal(got, want & r.wave.s[EXEC]);
	}
	r.wave.s[EXEC] = 1;
	vgpr(&r.wave, 0, 2)[0] = 0xc0003c00; /* -2, 1 */
	vgpr(&r.wave, 0, 4)[0] = 0x42003800; /* 3, 0.5 */
	vgpr(&r.wave, 0, 20)[0] = 0xaaaaaaaa;
	/* v_mul_f16_sdwa v20, |v2|, -v4 dst_sel:WORD_1 dst_unused:UNUSED_PRESERVE src0_sel:WORD_1 src1_sel:WORD_1 */
	assert_int_equal(
		RUN(&r, 0x35u << 25 | 20u << 17 | 4u << 9 | 249,
			2 | 5u << 8 | 2u << 11 | 5u << 16 | 1u << 21 | 5u << 24 | 1u << 28),
		STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 20)[0], 0xc600aaaa); /* |-2| * -3 = -6 */
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_lds),
		cmocka_unit_test(test_one_address),
		cmocka_unit_test(test_dpp8),
		cmocka_unit_test(test_dpp_modifiers),
		cmocka_unit_test(test_sdwa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
