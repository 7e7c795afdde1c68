/* SPDX-License-Identifier: MIT */
/* Labels of listings, fields of descriptors, names in mangled names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codeobj/demangle.h"
#include "disasm/disasm.h"

#define S_NOP	 0xbf800000u
#define S_ENDPGM 0xbf810000u
#define S_BRANCH 0xbf820000u

static const struct rp_isa_target gfx1030 = { RP_ISA_GFX1030, false };

static struct rp_span code_of(uint8_t *bytes, const uint32_t *words, size_t n)
{
	for (size_t i = 0; i < 4 * n; i++)
		bytes[i] = (uint8_t)(words[i / 4] >> (8 * (i % 4)));
	return rp_span_of(bytes, 4 * n);
}

/* The whole listing as "L0: s_nop 0|s_branch L0|". */
static void list(struct rp_disasm *d, struct rp_span code, struct rp_buf *ret)
{
	struct rp_disasm_line line;
	size_t off = 0;

	rp_buf_clear(ret);
	assert_int_equal(rp_disasm_start(d, &gfx1030, code, NULL), 0);
	while (rp_disasm_next(d, &line)) {
		assert_int_equal(line.off, off);
		assert_int_equal(strlen(line.text), line.length);
		off += line.inst.bytes;
		if (line.label != RP_DISASM_NONE)
			rp_buf_addf(ret, "L%u: ", (unsigned int)line.label);
		rp_buf_addf(ret, "%s|", line.text);
	}
	assert_int_equal(off, code.n);
}

static void test_labels(void **state)
{
	/* forward, backward, to itself, to the end, outside at both sides, into an instruction */
	static const uint32_t words[] = { S_BRANCH | 1, S_BRANCH | 0xfffe, S_BRANCH | 0xffff,
		S_BRANCH | 5, S_BRANCH | 0x7fff, S_BRANCH | 0x8000, S_BRANCH | 1, 0xbe8003ff,
		0x12345678 };
	RP_CLEANUP(rp_disasm_free) struct rp_disasm d = RP_DISASM_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	uint8_t bytes[sizeof(words)];

	(void)state;
	list(&d, code_of(bytes, words, RP_ARRAY_SIZE(words)), &text);
	assert_string_equal(rp_buf_cstr(&text),
		"L0: s_branch L1|s_branch L0|L1: s_branch L1|s_branch 5|s_branch 32767|"
		"s_branch 32768|s_branch 1|s_mov_b32 s0, 0x12345678|");
	list(&d, rp_span_of(bytes, 0), &text);
	assert_string_equal(rp_buf_cstr(&text), "");
	/* a cut word is shown, too */
	list(&d, rp_span_of(bytes, 6), &text);
	assert_string_equal(rp_buf_cstr(&text), "s_branch 1|.byte 0xfffe|");
}

/* A label at every word over several groups of 64: each branch goes to the next word. */
static void test_many_labels(void **state)
{
	enum { N = 300 };
	RP_CLEANUP(rp_disasm_free) struct rp_disasm d = RP_DISASM_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT, want = RP_BUF_INIT;
	uint32_t words[N];
	uint8_t bytes[sizeof(words)];

	(void)state;
	for (int i = 0; i < N - 1; i++) {
		words[i] = S_BRANCH;
		if (i > 0)
			rp_buf_addf(&want, "L%d: ", i - 1);
		rp_buf_addf(&want, "s_branch L%d|", i);
	}
	words[N - 1] = S_ENDPGM;
	rp_buf_addf(&want, "L%d: s_endpgm|", N - 2);
	list(&d, code_of(bytes, words, N), &text);
	assert_string_equal(rp_buf_cstr(&text), rp_buf_cstr(&want));
	rp_buf_free(&want);
	/* a shorter one after it */
	words[0] = S_NOP;
	list(&d, code_of(bytes, words, 1), &text);
	assert_string_equal(rp_buf_cstr(&text), "s_nop 0|");
}

static uint32_t field(const struct rp_disasm_field *f, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(f[i].name, name) == 0)
			return f[i].value;
	return UINT32_MAX;
}

static void test_descriptor(void **state)
{
	struct rp_kernel_descriptor d = {
		.lds_bytes = 1024, .rsrc1 = 0x60af0105, .properties = 0x400
	};
	const struct rp_chip *chip = rp_chip_by_name(rp_span_str("gfx1030"));
	struct rp_disasm_field f[RP_DISASM_MAX_FIELDS];
	size_t n = rp_disasm_descriptor(&d, chip, f), all;

	(void)state;
	assert_int_equal(field(f, n, "group_segment_fixed_size"), 1024);
	assert_int_equal(field(f, n, "next_free_vgpr"), 48);
	assert_int_equal(field(f, n, "next_free_sgpr"), 40);
	assert_int_equal(field(f, n, "workgroup_processor_mode"), 1);
	assert_int_equal(field(f, n, "priv"), UINT32_MAX);
	assert_int_equal(field(f, n, "user_sgpr_kernarg_preload_length"), UINT32_MAX);
	/* all bits: every field is there, the reserved ones, too */
	memset(&d, 0xff, sizeof(d));
	all = rp_disasm_descriptor(&d, chip, f);
	assert_true(all > n && all <= RP_DISASM_MAX_FIELDS);
	assert_int_equal(field(f, all, "priv"), 1);
	assert_int_equal(field(f, all, "rsrc3_reserved"), 0xfffffff);
	assert_int_equal(field(f, all, "properties_reserved"), 7);
	assert_int_equal(field(f, all, "user_sgpr_kernarg_preload_length"), 127);
	for (size_t i = 0; i < all; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(f[i].name, f[k].name);
}

static void test_mangled_names(void **state)
{
	static const struct {
		const char *mangled, *names;
	} tests[] = {
		{ "first", "" },
		{ "_Z3fooi", "foo" },
		{ "_ZN3abc4defgE", "abc::defg" },
		{ "_ZN2aa2bbILj256ELb1EEEvPT0_S1_3ccc", "aa::bb ccc" },
		{ "_ZN2aa2bbITnDaXadL_ZNS_4host3xyzEEEvDv4_fDF16_A12_c", "aa::bb host::xyz" },
		{ "_ZNK2aa2bbILin5EEE2ccEv", "aa::bb cc" },
		{ "_Z99999999999999999999x", "" }, /* a length beyond the end */
		{ "_Z5ab", "" },
		{ "_Z", "" },
	};
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(tests); i++) {
		rp_buf_clear(&b);
		rp_mangled_names(rp_span_str(tests[i].mangled), &b);
		assert_string_equal(rp_buf_cstr(&b), tests[i].names);
	}
}

static void test_demangler(void **state)
{
	RP_CLEANUP(rp_demangler_close) struct rp_demangler d = RP_DEMANGLER_INIT;

	(void)state;
	assert_null(rp_demangle(&d, rp_span_str("_Z3fooi"))); /* not open */
	if (!rp_demangler_open(&d)) {
		print_message("SKIP: libstdc++.so.6 is not installed\n");
		skip();
	}
	assert_string_equal(rp_demangle(&d, rp_span_str("_Z3fooi")), "foo(int)");
	assert_string_equal(
		rp_demangle(&d, rp_span_str("_ZN3abc4defgIfEEvv")), "void abc::defg<float>()");
	assert_null(rp_demangle(&d, rp_span_str("foo")));
	assert_null(rp_demangle(&d, rp_span_str("_Zjunk")));
	assert_null(rp_demangle(&d, rp_span_of("_Z3f\0oi", 7)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_many_labels),
		cmocka_unit_test(test_descriptor),
		cmocka_unit_test(test_mangled_names),
		cmocka_unit_test(test_demangler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
