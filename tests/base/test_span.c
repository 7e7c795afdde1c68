/* SPDX-License-Identifier: MIT */
/* The bounded reader never reads outside and never accepts a wrapped sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/span.h"

static void test_sub_refuses_what_is_outside(void **state)
{
	static const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct rp_span s = rp_span_of(bytes, sizeof(bytes)), r = { NULL, 77 };

	(void)state;
	assert_false(rp_span_sub(s, 9, 0, &r));
	assert_false(rp_span_sub(s, 4, 5, &r));
	assert_false(rp_span_sub(s, 4, UINT64_MAX, &r));
	assert_false(rp_span_sub(s, UINT64_MAX, 2, &r));
	assert_int_equal(r.n, 77);
	assert_true(rp_span_sub(s, 8, 0, &r));
	assert_int_equal(r.n, 0);
	assert_true(rp_span_sub(s, 4, 4, &r));
	assert_ptr_equal(r.p, bytes + 4);
}

static void test_integers(void **state)
{
	static const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 0x88 };
	struct rp_span s = rp_span_of(bytes, sizeof(bytes));
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	(void)state;
	assert_true(rp_span_le16(s, 1, &v16));
	assert_int_equal(v16, 0x0302);
	assert_true(rp_span_be32(s, 0, &v32));
	assert_int_equal(v32, 0x01020304);
	assert_true(rp_span_le64(s, 0, &v64));
	assert_true(v64 == 0x8807060504030201);
	assert_true(rp_span_be64(s, 0, &v64));
	assert_true(v64 == 0x0102030405060788);
	assert_false(rp_span_le32(s, 5, &v32));
	assert_false(rp_span_le64(s, 1, &v64));
	assert_false(rp_span_le16(s, UINT64_MAX, &v16));
}

static void test_numbers(void **state)
{
	uint64_t v = 5;

	(void)state;
	assert_true(rp_span_number(rp_span_str("18446744073709551615"), &v));
	assert_true(v == UINT64_MAX);
	assert_false(rp_span_number(rp_span_str("18446744073709551616"), &v));
	assert_true(rp_span_number(rp_span_str("0xfF"), &v));
	assert_true(v == 255);
	assert_false(rp_span_number(rp_span_str("0x"), &v));
	assert_false(rp_span_number(rp_span_str(""), &v));
	assert_false(rp_span_number(rp_span_str("12a"), &v));
	assert_false(rp_span_number(rp_span_str("-1"), &v));
	assert_true(v == 255);
}

static void test_lines_and_strings(void **state)
{
	struct rp_span s = rp_span_str("a\r\n\nlast"), line;
	char *dup;

	(void)state;
	assert_true(rp_span_line(&s, &line));
	assert_true(rp_span_eq_str(rp_span_trim(line), "a"));
	assert_true(rp_span_line(&s, &line));
	assert_int_equal(line.n, 0);
	assert_true(rp_span_line(&s, &line));
	assert_true(rp_span_eq_str(line, "last"));
	assert_false(rp_span_line(&s, &line));
	assert_false(rp_span_cstr(rp_span_of("abc", 3), 0, &line));
	assert_true(rp_span_cstr(rp_span_of("abc", 4), 1, &line));
	assert_true(rp_span_eq_str(line, "bc"));
	assert_null(rp_span_dup(rp_span_of("a\0b", 3)));
	dup = rp_span_dup(rp_span_of("ab", 2));
	assert_string_equal(dup, "ab");
	free(dup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sub_refuses_what_is_outside),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_lines_and_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
