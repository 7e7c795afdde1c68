/* SPDX-License-Identifier: MIT */
/*
 * The checker of rewritten code can fail: a right object passes, and whatever bit of its code, symbols,
 * descriptors or relocations is turned over, it does not. And the rewriter: what it counts in data/cases.s,
 * that it does nothing twice, that damaged objects are refused or come out right.
 * test_verify SOURCE_ROOT
 */
#include "unit.h"

#include "retarget/retarget.h"

static const char *root;

struct fixture {
	struct rp_map map;
	struct rp_codeobj object;
	struct rp_buf made;
	struct rp_retarget_report report;
	struct rp_retarget_options options;
};

static int open_fixture(struct fixture *f, const char *name)
{
	RP_CLEANUP(rp_free_p) char *path = rp_path_join(root, name);

	*f = (struct fixture){ .map = RP_MAP_INIT, .made = RP_BUF_INIT };
	f->options.chip = rp_chip_by_name(rp_span_str("gfx1010"));
	assert_int_equal(rp_map_open(AT_FDCWD, path, &f->map, NULL), 0);
	assert_int_equal(rp_codeobj_open(f->map.span, &f->object, NULL), 0);
	return rp_retarget_object(&f->object, &f->options, &f->made, &f->report, NULL);
}

static void close_fixture(struct fixture *f)
{
	rp_codeobj_close(&f->object);
	rp_buf_free(&f->made);
	rp_retarget_report_free(&f->report);
	rp_map_close(&f->map);
}

/* 0: new bytes pass; else the error. */
static int verify(const struct fixture *f, struct rp_span bytes, struct rp_error *err)
{
	struct rp_codeobj made = { 0 };
	struct rp_retarget_verified v;
	int r = rp_codeobj_open(bytes, &made, err);

	if (r == 0)
		r = rp_retarget_verify(&f->object, &made, &f->options, &v, err);
	rp_codeobj_close(&made);
	return r;
}

static void test_counts(void **state)
{
	static const uint64_t want[RP_RETARGET_RULE_MAX] = {
		[RP_RETARGET_FLAT_TO_GLOBAL] = 4,
		[RP_RETARGET_FLAT_ADD] =
			9, /* 8 beside a pointer into LDS, 1 in a function that such code may call */
		[RP_RETARGET_WAIT] = 3,
		[RP_RETARGET_CLAUSE] = 1,
		[RP_RETARGET_PREFETCH] = 2,
		[RP_RETARGET_NULL_SDST] = 6,
		[RP_RETARGET_DOT] = 15,
		[RP_RETARGET_BRANCH_3F] = 1,
		[RP_RETARGET_VMEM_TO_SCALAR] = 1,
		[RP_RETARGET_SMEM_TO_VECTOR] = 1,
		[RP_RETARGET_VCMPX_EXEC_WAR] = 1,
		[RP_RETARGET_VCMPX_PERMLANE] = 1,
		[RP_RETARGET_LDS_BRANCH_VMEM] = 2,
		[RP_RETARGET_PC_CONSTANT] = 2,
		[RP_RETARGET_CU_MODE] = 2, /* kernel wide; callee has none */
		[RP_RETARGET_MORE_VGPRS] = 1,
	};
	struct fixture f;

	(void)state;
	assert_int_equal(open_fixture(&f, "tests/retarget/data/cases-gfx1030.co"), 0);
	for (unsigned int k = 0; k < RP_RETARGET_RULE_MAX; k++)
		if (f.report.rules[k] != want[k])
			fail_msg("%s: %llu", rp_retarget_rule_info(k)->name,
				(unsigned long long)f.report.rules[k]);
	assert_int_equal(f.report.n_functions, 10);
	assert_int_equal(f.report.n_notes, 0);
	close_fixture(&f);
}

static void test_twice(void **state)
{
	struct rp_retarget_report report = { 0 };
	struct rp_buf again = RP_BUF_INIT;
	struct rp_codeobj made = { 0 };
	struct fixture f;

	(void)state;
	assert_int_equal(open_fixture(&f, "tests/retarget/data/cases-gfx1030.co"), 0);
	assert_int_equal(rp_codeobj_open(rp_buf_span(&f.made), &made, NULL), 0);
	assert_int_equal(rp_retarget_object(&made, &f.options, &again, &report, NULL), 0);
	assert_true(rp_span_eq(rp_buf_span(&again), rp_buf_span(&f.made)));
	rp_codeobj_close(&made);
	rp_buf_free(&again);
	close_fixture(&f);
}

/* Bits of [from, to) that can be turned over without the checker minding. */
static unsigned int unnoticed(const struct fixture *f, struct rp_buf *copy, size_t from, size_t to)
{
	unsigned int n = 0;

	for (size_t at = from; at < to; at++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			copy->p[at] = (char)(copy->p[at] ^ (1 << bit));
			n += verify(f, rp_buf_span(copy), NULL) == 0;
			copy->p[at] = (char)(copy->p[at] ^ (1 << bit));
		}
	}
	return n;
}

static void test_mutations(void **state)
{
	struct rp_error err = RP_ERROR_INIT;
	struct rp_buf copy = RP_BUF_INIT;
	struct rp_codeobj made = { 0 };
	struct fixture f;

	(void)state;
	assert_int_equal(open_fixture(&f, "tests/retarget/data/cases-gfx1030.co"), 0);
	if (verify(&f, rp_buf_span(&f.made), &err) != 0)
		fail_msg("%s", err.text);
	rp_buf_add(&copy, f.made.p, f.made.n);
	assert_int_equal(rp_codeobj_open(rp_buf_span(&f.made), &made, NULL), 0);
	for (size_t i = 0; i < made.n_functions; i++) {
		const struct rp_function *fn = &made.functions[i];
		unsigned int n = unnoticed(&f, &copy, fn->offset, fn->offset + fn->code.n);
		unsigned int most = 0;

		/*
		 * Another free register is as good in place of null and as second carry: 7 bits each. And a
		 * branch may land behind a wait that this path does not need.
		 */
		if (rp_span_eq_str(fn->name, "nulls"))
			most = 4 * 7;
		else if (rp_span_eq_str(fn->name, "caller"))
			most = 7;
		else if (rp_span_eq_str(fn->name, "callee"))
			most = 2 * 7;
		else if (rp_span_eq_str(fn->name, "flat_add"))
			most = 8 * 7;
		else if (rp_span_eq_str(fn->name, "hazards"))
			most = 1;
		if (n > most)
			fail_msg("%.*s: %u changed bits are not noticed", (int)fn->name.n,
				(const char *)fn->name.p, n);
	}
	for (size_t k = 0; k < made.n_kernels; k++) {
		size_t at = made.kernels[k].descriptor_offset;
		/* more VGPRs than needed, CU mode instead of WGP mode: right, too */
		unsigned int n = unnoticed(&f, &copy, at, at + 64);

		if (n > 7)
			fail_msg("descriptor %zu: %u changed bits are not noticed", k, n);
	}
	rp_codeobj_close(&made);
	rp_buf_free(&copy);
	close_fixture(&f);
}

static void test_other_parts(void **state)
{
	struct rp_buf copy = RP_BUF_INIT;
	struct rp_codeobj made = { 0 };
	struct fixture f;

	(void)state;
	assert_int_equal(open_fixture(&f, "tests/retarget/data/cases-gfx1030.co"), 0);
	rp_buf_add(&copy, f.made.p, f.made.n);
	assert_int_equal(rp_codeobj_open(rp_buf_span(&f.made), &made, NULL), 0);
	for (size_t i = 0; i < made.elf.n_sections; i++) {
		const struct rp_elf_section *s = &made.elf.sections[i];
		unsigned int n;

		if (s->type != RP_SHT_RELA && s->type != RP_SHT_DYNSYM && s->type != RP_SHT_SYMTAB)
			continue;
		n = unnoticed(&f, &copy, s->offset, s->offset + s->size);
		if (n != 0)
			fail_msg("%.*s: %u changed bits are not noticed", (int)s->name.n,
				(const char *)s->name.p, n);
	}
	assert_int_not_equal(unnoticed(&f, &copy, 48, 49), 8); /* the chip in e_flags */
	rp_codeobj_close(&made);
	rp_buf_free(&copy);
	close_fixture(&f);
}

/* Damaged objects: an error, or a result that is right. Never a crash, and the input stays. */
static void test_damage(void **state)
{
	struct rp_buf copy = RP_BUF_INIT;
	struct fixture f;

	(void)state;
	assert_int_equal(open_fixture(&f, "tests/retarget/data/cases-gfx1030.co"), 0);
	rp_buf_add(&copy, f.map.span.p, f.map.span.n);
	for (size_t at = 0; at < copy.n; at++) {
		char old = copy.p[at];
		struct rp_retarget_report report = { 0 };
		struct rp_codeobj object = { 0 }, made = { 0 };
		struct rp_buf out = RP_BUF_INIT;
		struct rp_error err = RP_ERROR_INIT;
		struct rp_retarget_verified v;

		copy.p[at] = (char)(old ^ (1 << (at * 7 % 8)));
		f.options.trap = at % 2;
		if (rp_codeobj_open(rp_buf_span(&copy), &object, NULL) == 0 &&
			rp_retarget_object(&object, &f.options, &out, &report, NULL) == 0 &&
			rp_retarget_can(f.options.chip, object.chip)) {
			assert_int_equal(rp_codeobj_open(rp_buf_span(&out), &made, NULL), 0);
			if (rp_retarget_verify(&object, &made, &f.options, &v, &err) != 0)
				fail_msg("byte %zu: %s", at, err.text);
		}
		rp_codeobj_close(&object);
		rp_codeobj_close(&made);
		rp_buf_free(&out);
		rp_retarget_report_free(&report);
		copy.p[at] = old;
	}
	rp_buf_free(&copy);
	close_fixture(&f);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_other_parts),
		cmocka_unit_test(test_damage),
	};

	if (argc != 2)
		return 2;
	root = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
