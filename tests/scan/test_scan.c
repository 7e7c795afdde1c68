/* SPDX-License-Identifier: MIT */
/*
 * The forward solution of lib/scan against a plain backward search, written from LLVM's
 * getWaitStatesSince (GCNHazardRecognizer.cpp), on random code with random branches; and the corners
 * of lib/flow and lib/scan that real code does not have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "hazard/hazard.h"
#include "scan/scan.h"

#define MAX_INSTS 64

static const struct rp_isa_target w32 = { RP_ISA_GFX1030, false };

/* One of each kind that a rule speaks of; few registers, so that they meet. */
static const uint32_t words[][2] = {
	{ 0xbe800380, 0 }, /* s_mov_b32 s0, 0 */
	{ 0xbefe0380, 0 }, /* s_mov_b32 exec_lo, 0 */
	{ 0xbe81037e, 0 }, /* s_mov_b32 s1, exec_lo */
	{ 0xbefd0380, 0 }, /* s_mov_b32 null, 0 */
	{ 0xf4000000, 0xfa000000 }, /* s_load_dword s0, s[0:1], 0x0 */
	{ 0xe0300000, 0x00000000 }, /* buffer_load_dword v0, off, s[0:3], s0 */
	{ 0xdc308000, 0x007d0000 }, /* global_load_dword v0, v[0:1], off */
	{ 0xdc300000, 0x007d0000 }, /* flat_load_dword v0, v[0:1] */
	{ 0xd8d80000, 0x00000000 }, /* ds_read_b32 v0, v0 */
	{ 0x7e000500, 0 }, /* v_readfirstlane_b32 s0, v0 */
	{ 0x7e000300, 0 }, /* v_mov_b32 v0, v0 */
	{ 0x7da40100, 0 }, /* v_cmpx_eq_u32 v0, v0 */
	{ 0xd7770000, 0x00000100 }, /* v_permlane16_b32 v0, v0, s0, s0 */
	{ 0x7e000000, 0 }, /* v_nop */
	{ 0xbf800000, 0 }, /* s_nop 0 */
	{ 0xbf8c0000, 0 }, /* s_waitcnt 0 */
	{ 0xbf8cc07f, 0 }, /* s_waitcnt lgkmcnt(0) */
	{ 0xbf8c3f70, 0 }, /* s_waitcnt vmcnt(0) */
	{ 0xbfa3ffe3, 0 }, /* s_waitcnt_depctr 0xffe3 */
	{ 0xbfa3fffe, 0 }, /* s_waitcnt_depctr 0xfffe */
	{ 0xbbfd0000, 0 }, /* s_waitcnt_vscnt null, 0x0 */
	{ 0xbbfd0001, 0 }, /* s_waitcnt_vscnt null, 0x1 */
	{ 0xbe803c6a, 0 }, /* s_and_saveexec_b32 s0, vcc_lo */
	/* branches; the offset is filled in */
	{ 0xbf840000, 0 }, /* s_cbranch_scc0 */
	{ 0xbf880000, 0 }, /* s_cbranch_execz */
	{ 0xbf820000, 0 }, /* s_branch */
	{ 0xbf810000, 0 }, /* s_endpgm */
};
enum { FIRST_BRANCH = 23, SECOND_TO_LAST = 26 };

struct program {
	uint8_t code[8 * MAX_INSTS];
	size_t n_bytes;
	uint32_t n;
	struct rp_isa_inst insts[MAX_INSTS];
	struct rp_isa_regs regs[MAX_INSTS];
	uint32_t offs[MAX_INSTS];
	int taken[MAX_INSTS]; /* instruction, -1: none */
	bool falls[MAX_INSTS];
};

static uint32_t next_random(uint32_t *seed)
{
	return *seed = *seed * 1664525u + 1013904223u, *seed >> 8;
}

static void put(struct program *p, uint32_t w)
{
	for (int i = 0; i < 4; i++)
		p->code[p->n_bytes++] = (uint8_t)(w >> (8 * i));
}

static void make_program(struct program *p, uint32_t *seed)
{
	uint32_t kind[MAX_INSTS], at[MAX_INSTS + 1] = { 0 };

	memset(p, 0, sizeof(*p));
	p->n = 4 + next_random(seed) % (MAX_INSTS - 4);
	for (uint32_t i = 0; i < p->n; i++) {
		kind[i] = next_random(seed) % RP_ARRAY_SIZE(words);
		at[i + 1] = at[i] + (words[kind[i]][0] >= 0xd4000000u ? 2 : 1);
	}
	for (uint32_t i = 0; i < p->n; i++) {
		uint32_t w = words[kind[i]][0];

		p->taken[i] = -1;
		p->falls[i] = kind[i] < SECOND_TO_LAST - 1;
		if (kind[i] >= FIRST_BRANCH && kind[i] < SECOND_TO_LAST) {
			uint32_t to = next_random(seed) % p->n;

			p->taken[i] = (int)to;
			w |= (at[to] - at[i] - 1) & 0xffff;
		}
		p->offs[i] = 4 * at[i];
		put(p, w);
		if (at[i + 1] - at[i] == 2)
			put(p, words[kind[i]][1]);
	}
	for (uint32_t i = 0; i < p->n; i++) {
		assert_int_equal(rp_isa_decode(&w32, rp_span_of(p->code, p->n_bytes), p->offs[i],
					 &p->insts[i]),
			RP_ISA_OK);
		rp_isa_regs(&w32, &p->insts[i], &p->regs[i]);
	}
}

static bool has(const struct rp_isa_sset *s, unsigned int r)
{
	return rp_isa_sset_has(s, r);
}

static bool is_valu(const struct program *p, uint32_t j)
{
	return p->insts[j].klass == RP_ISA_CLASS_VALU;
}

static bool is_memory(const struct program *p, uint32_t j)
{
	uint8_t k = p->insts[j].klass;

	return k == RP_ISA_CLASS_DS || k == RP_ISA_CLASS_FLAT || k == RP_ISA_CLASS_VMEM;
}

static int type_of(const struct program *p, uint32_t j)
{
	if (p->insts[j].klass == RP_ISA_CLASS_DS)
		return 1;
	return p->insts[j].klass == RP_ISA_CLASS_VMEM || p->insts[j].encoding == RP_ISA_GLOBAL ? 2
											       : 0;
}

static bool is_vscnt0(const struct program *p, uint32_t j)
{
	return p->insts[j].w[0] == 0xbbfd0000u;
}

typedef bool (*predicate)(const struct program *p, uint32_t i, uint32_t j);

/* Is there a path backwards from i to some j with h(j) that no x stops? First h, then x. */
static bool reach_from(
	const struct program *p, uint32_t i, uint32_t j, predicate h, predicate x, bool *seen);

static bool reach_before(
	const struct program *p, uint32_t i, uint32_t at, predicate h, predicate x, bool *seen)
{
	for (uint32_t j = 0; j < p->n; j++) {
		bool precedes = (j + 1 == at && p->falls[j]) || p->taken[j] == (int)at;

		if (precedes && reach_from(p, i, j, h, x, seen))
			return true;
	}
	return false;
}

static bool reach_from(
	const struct program *p, uint32_t i, uint32_t j, predicate h, predicate x, bool *seen)
{
	if (seen[j])
		return false;
	seen[j] = true;
	if (h(p, i, j))
		return true;
	return !x(p, i, j) && reach_before(p, i, j, h, x, seen);
}

static bool reach(const struct program *p, uint32_t i, predicate h, predicate x)
{
	bool seen[MAX_INSTS] = { false };

	return reach_before(p, i, i, h, x, seen);
}

static struct rp_isa_sset all_read(const struct program *p, uint32_t j)
{
	return rp_isa_sset_or(p->regs[j].read, p->regs[j].read_implicit);
}

static bool h_vmem(const struct program *p, uint32_t i, uint32_t j)
{
	struct rp_isa_sset read = all_read(p, j);

	return is_memory(p, j) && rp_isa_sset_meets(&read, &p->regs[i].write);
}

static bool x_vmem(const struct program *p, uint32_t i, uint32_t j)
{
	uint32_t w = p->insts[j].w[0];

	(void)i;
	return is_valu(p, j) || w == 0xbf8c0000u || (w >> 16 == 0xbfa3 && (w >> 2 & 7) == 0);
}

static bool h_smem(const struct program *p, uint32_t i, uint32_t j)
{
	struct rp_isa_sset read = all_read(p, j);

	return p->insts[j].klass == RP_ISA_CLASS_SMEM &&
	       rp_isa_sset_meets(&read, &p->regs[i].write);
}

static bool x_smem(const struct program *p, uint32_t i, uint32_t j)
{
	(void)i;
	if (p->insts[j].klass != RP_ISA_CLASS_SALU)
		return false;
	if (p->insts[j].encoding == RP_ISA_SOPP)
		return p->insts[j].w[0] >> 16 == 0xbf8c && (p->insts[j].w[0] >> 8 & 0x3f) == 0;
	return p->insts[j].w[0] >> 16 != 0xbbfd;
}

static bool h_exec(const struct program *p, uint32_t i, uint32_t j)
{
	struct rp_isa_sset read = all_read(p, j);

	(void)i;
	return !is_valu(p, j) && has(&read, RP_ISA_EXEC_LO);
}

static bool x_exec(const struct program *p, uint32_t i, uint32_t j)
{
	struct rp_isa_sset w = rp_isa_sset_or(p->regs[j].write, p->regs[j].write_implicit);

	(void)i;
	return (is_valu(p, j) && !rp_isa_sset_empty(&w)) ||
	       (p->insts[j].w[0] >> 16 == 0xbfa3 && !(p->insts[j].w[0] & 1));
}

static bool h_cmpx(const struct program *p, uint32_t i, uint32_t j)
{
	(void)i;
	return (p->insts[j].flags & RP_ISA_F_CMPX) != 0;
}

static bool x_permlane(const struct program *p, uint32_t i, uint32_t j)
{
	(void)i;
	return is_valu(p, j) && p->insts[j].w[0] != 0x7e000000u;
}

static bool h_other_type(const struct program *p, uint32_t i, uint32_t j)
{
	return type_of(p, j) == 3 - type_of(p, i);
}

static bool x_own_type(const struct program *p, uint32_t i, uint32_t j)
{
	return type_of(p, j) == type_of(p, i) || is_vscnt0(p, j);
}

/* i is carried through: the search from the branch is for i's types. */
static bool h_branch(const struct program *p, uint32_t i, uint32_t j)
{
	bool seen[MAX_INSTS] = { false };

	return p->taken[j] >= 0 && reach_before(p, i, j, h_other_type, x_own_type, seen);
}

static bool x_typed(const struct program *p, uint32_t i, uint32_t j)
{
	(void)i;
	return type_of(p, j) || is_vscnt0(p, j);
}

static uint32_t expected(const struct program *p, uint32_t i)
{
	uint8_t k = p->insts[i].klass;
	uint32_t found = 0;

	if ((k == RP_ISA_CLASS_SALU || k == RP_ISA_CLASS_SMEM) && reach(p, i, h_vmem, x_vmem))
		found |= RP_SCAN_BIT(RP_SCAN_VMEM_TO_SCALAR);
	if (k == RP_ISA_CLASS_VALU && reach(p, i, h_smem, x_smem))
		found |= RP_SCAN_BIT(RP_SCAN_SMEM_TO_VECTOR);
	if (p->insts[i].flags & RP_ISA_F_CMPX && reach(p, i, h_exec, x_exec))
		found |= RP_SCAN_BIT(RP_SCAN_VCMPX_EXEC_WAR);
	if (p->insts[i].w[0] >> 16 == 0xd777 && reach(p, i, h_cmpx, x_permlane))
		found |= RP_SCAN_BIT(RP_SCAN_VCMPX_PERMLANE);
	if (type_of(p, i) && reach(p, i, h_branch, x_typed))
		found |= RP_SCAN_BIT(RP_SCAN_LDS_BRANCH_VMEM);
	return found;
}

#define TIMING                                                                              \
	(RP_SCAN_BIT(RP_SCAN_VMEM_TO_SCALAR) | RP_SCAN_BIT(RP_SCAN_SMEM_TO_VECTOR) |        \
		RP_SCAN_BIT(RP_SCAN_VCMPX_EXEC_WAR) | RP_SCAN_BIT(RP_SCAN_VCMPX_PERMLANE) | \
		RP_SCAN_BIT(RP_SCAN_LDS_BRANCH_VMEM))

static void test_reach(void **state)
{
	RP_CLEANUP(rp_scanner_free) struct rp_scanner s = RP_SCANNER_INIT;
	struct rp_scan_options options = { .chip = rp_chip_by_name(rp_span_str("gfx1010")) };
	const struct rp_chip *code = rp_chip_by_name(rp_span_str("gfx1030"));
	struct rp_scan_mode mode = { .wgp = true };
	unsigned long found[RP_SCAN_CLASS_MAX] = { 0 };
	struct rp_error err = RP_ERROR_INIT;
	struct rp_scan_function fn;
	struct program p;
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		uint32_t start = seed;

		make_program(&p, &seed);
		assert_int_equal(rp_scan_code(&s, &options, code, rp_span_of(p.code, p.n_bytes),
					 mode, &fn, &err),
			0);
		assert_int_equal(s.flow.n_insts, p.n);
		for (uint32_t i = 0; i < p.n; i++) {
			uint32_t want = expected(&p, i), got = s.marks[i] & TIMING;

			if (want != got)
				print_error("seed %u, instruction %u of %u: want %x, got %x\n",
					start, i, p.n, want, got);
			assert_int_equal(want, got);
			for (; got; got &= got - 1)
				found[__builtin_ctz(got)]++;
		}
	}
	/* the programs do have each hazard, often */
	for (unsigned int c = 0; c < RP_SCAN_CLASS_MAX; c++)
		if (TIMING & RP_SCAN_BIT(c))
			assert_true(found[c] > 500);
}

/* What a path gives step by step is what its blocks give as a whole. */
static void test_through(void **state)
{
	struct program p;
	uint32_t seed = 77;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct rp_hazard_state in = { 0 }, straight, local = { 0 }, out;
		uint32_t open = RP_HAZARD_PART_ALL, open_at_branch = 0, cut;
		struct rp_hazard_facts f;

		make_program(&p, &seed);
		cut = next_random(&seed) % p.n;
		for (uint32_t i = 0; i < cut; i++) {
			rp_hazard_facts(&w32, &p.insts[i], &f);
			rp_hazard_step(&in, &f, NULL);
		}
		straight = in;
		for (uint32_t i = cut; i < p.n; i++) {
			rp_hazard_facts(&w32, &p.insts[i], &f);
			open_at_branch = rp_hazard_is_branch(&f) ? open : 0;
			rp_hazard_step(&straight, &f, NULL);
			if (rp_hazard_is_plain(&p.insts[i]))
				rp_hazard_step_plain(&local, &open);
			else
				rp_hazard_step(&local, &f, &open);
			if (rp_hazard_is_branch(&f))
				break;
		}
		out = rp_hazard_through(&in, &local, open, open_at_branch);
		assert_memory_equal(&out, &straight, sizeof(out));
	}
}

static struct rp_flow flow_of(const uint32_t *w, size_t n)
{
	struct rp_flow f = RP_FLOW_INIT;
	static uint8_t code[64];
	struct rp_error err = RP_ERROR_INIT;

	for (size_t i = 0; i < 4 * n; i++)
		code[i] = (uint8_t)(w[i / 4] >> (8 * (i % 4)));
	assert_int_equal(rp_flow_read(&f, &w32, rp_span_of(code, 4 * n), &err), 0);
	return f;
}

static void test_flow(void **state)
{
	/* s_cbranch_scc0 +1; s_nop; s_branch -3; s_endpgm */
	struct rp_flow f =
		flow_of((const uint32_t[]){ 0xbf840001, 0xbf800000, 0xbf82fffd, 0xbf810000 }, 4);

	(void)state;
	assert_int_equal(f.n_insts, 4);
	assert_int_equal(f.n_blocks, 4);
	assert_int_equal(f.blocks[0].next, 1);
	assert_int_equal(f.blocks[0].taken, 2);
	assert_int_equal(f.blocks[1].next, 2);
	assert_int_equal(f.blocks[1].taken, RP_FLOW_NONE);
	assert_int_equal(f.blocks[2].next, RP_FLOW_NONE);
	assert_int_equal(f.blocks[2].taken, 0);
	assert_int_equal(f.blocks[3].next, RP_FLOW_NONE);
	assert_int_equal(f.n_outside, 0);
	assert_int_equal(rp_flow_at(&f, 8), 2);
	assert_int_equal(rp_flow_at(&f, 6), RP_FLOW_NONE);
	assert_int_equal(rp_flow_at(&f, -4), RP_FLOW_NONE);
	assert_int_equal(rp_flow_at(&f, 16), RP_FLOW_NONE);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(rp_flow_block_of(&f, i), i);
	rp_flow_free(&f);

	/* a branch into a literal, one before the start, a word that is nothing, a cut instruction */
	f = flow_of((const uint32_t[]){ 0xbf840001, 0x801030ff, 0x12345678, 0xbf82ff00, 0xffffffff,
			    0x801030ff },
		6);
	assert_int_equal(f.n_outside, 2);
	assert_int_equal(f.n_bad, 2);
	assert_int_equal(f.n_insts, 5);
	assert_int_equal(f.n_blocks, 3);
	rp_flow_free(&f);

	f = flow_of(NULL, 0);
	assert_int_equal(f.n_insts, 0);
	assert_int_equal(f.n_blocks, 0);
	rp_flow_free(&f);
}

static void test_pc(void **state)
{
	/* s_getpc_b64 s[4:5]; s_add_u32 s4, s4, 0xfffffff0; s_addc_u32 s5, s5, -1; s_setpc_b64 s[4:5] */
	struct rp_flow f = flow_of((const uint32_t[]){ 0xbf800000, 0xbe841f00, 0x8004ff04,
					   0xfffffff8, 0x8205c105, 0xbe802004 },
		6);

	(void)state;
	assert_int_equal(f.n_pcs, 1);
	assert_true(f.pcs[0].is_known);
	assert_false(f.pcs[0].is_tensile);
	assert_int_equal(f.pcs[0].target, 0);
	assert_int_equal(f.blocks[0].taken, 0);
	rp_flow_free(&f);

	/* Tensile: s_getpc_b64 s[4:5]; s_add_i32 s6, 8, 4; s_add_u32 s4, s4, s6; s_addc_u32 s5, s5, 0; s_setpc */
	f = flow_of((const uint32_t[]){ 0xbe841f00, 0x81068488, 0x80040604, 0x82058005, 0xbe802004,
			    0xbf810000 },
		6);
	assert_int_equal(f.n_pcs, 1);
	assert_true(f.pcs[0].is_known);
	assert_true(f.pcs[0].is_tensile);
	assert_int_equal(f.pcs[0].target, 16);
	assert_int_equal(f.n_setpc_unknown, 0);
	rp_flow_free(&f);

	/* the carry is overwritten between: not one of the shapes */
	f = flow_of(
		(const uint32_t[]){ 0xbe841f00, 0x80048404, 0x80088408, 0x82058005, 0xbe802004 },
		5);
	assert_int_equal(f.n_pcs, 1);
	assert_false(f.pcs[0].is_known);
	assert_int_equal(f.n_setpc_unknown, 1);
	rp_flow_free(&f);
}

static void test_undecodable(void **state)
{
	RP_CLEANUP(rp_scanner_free) struct rp_scanner s = RP_SCANNER_INIT;
	struct rp_scan_options options = { .chip = rp_chip_by_name(rp_span_str("gfx1010")) };
	static const uint8_t code[] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x81, 0xbf, 0xff };
	struct rp_error err = RP_ERROR_INIT;
	struct rp_scan_function fn;

	(void)state;
	assert_int_equal(rp_scan_code(&s, &options, options.chip, rp_span_of(code, sizeof(code)),
				 (struct rp_scan_mode){ 0 }, &fn, &err),
		0);
	assert_int_equal(fn.n_instructions, 3);
	assert_int_equal(fn.n[RP_SCAN_UNDECODABLE], 2);
	assert_int_equal(fn.classes, RP_SCAN_BIT(RP_SCAN_UNDECODABLE));
	assert_int_equal(rp_scan_code(&s, &options, options.chip, rp_span_of(code, 0),
				 (struct rp_scan_mode){ 0 }, &fn, &err),
		0);
	assert_int_equal(fn.n_instructions, 0);
	assert_int_equal(fn.classes, 0);
}

static void test_classes(void **state)
{
	const struct rp_chip *navi10 = rp_chip_by_name(rp_span_str("gfx1010"));
	const struct rp_chip *navi21 = rp_chip_by_name(rp_span_str("gfx1030"));
	uint32_t all = 0;

	(void)state;
	for (unsigned int c = 0; c < RP_SCAN_CLASS_MAX; c++) {
		const struct rp_scan_class_info *info = rp_scan_class_info(c);

		assert_int_equal(rp_scan_class_by_name(rp_span_str(info->name)), c);
		assert_true(info->what[0] && info->source[0] && info->mitigation[0]);
	}
	assert_null(rp_scan_class_info(RP_SCAN_CLASS_MAX));
	assert_int_equal(rp_scan_class_by_name(rp_span_str("flat")), -1);
	for (unsigned int v = 0; v < RP_SCAN_SEVERITY_MAX; v++)
		all |= rp_scan_classes_of((enum rp_scan_severity)v);
	assert_int_equal(all, (1u << RP_SCAN_CLASS_MAX) - 1);
	assert_int_equal(rp_scan_classes_for(navi10, true), all);
	assert_int_equal(rp_scan_classes_for(navi10, false), all & ~RP_SCAN_BIT(RP_SCAN_SAVEEXEC));
	assert_int_equal(rp_scan_classes_for(navi21, true),
		RP_SCAN_BIT(RP_SCAN_ILLEGAL) | RP_SCAN_BIT(RP_SCAN_OTHER_INSTRUCTION) |
			RP_SCAN_BIT(RP_SCAN_UNDECODABLE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_through),
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_pc),
		cmocka_unit_test(test_undecodable),
		cmocka_unit_test(test_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
