/* SPDX-License-Identifier: MIT */
/* ini, json, strings, buffers, errors, events. */
#include "unit.h"

static void ini_fails(const char *text, size_t n, const char *message)
{
	struct rp_ini ini = RP_INI_INIT;
	struct rp_error err = RP_ERROR_INIT;

	assert_int_equal(rp_ini_parse(rp_span_of(text, n), "x.ini", &ini, &err), -EBADMSG);
	assert_non_null(strstr(err.text, message));
	assert_null(ini.items);
}

static void test_ini_errors_name_the_line(void **state)
{
	static const char nul[] = "a = 1\nb\0 = 2\n";

	(void)state;
#define BAD(t, m) ini_fails((t), strlen(t), (m))
	BAD("a = 1\nnothing\n", "x.ini:2:");
	BAD("[s]\na = 1\n\na = 2\n", "x.ini:4: key \"a\" stands again (first: line 2)");
	BAD("[s\n", "x.ini:1: malformed section");
	BAD("[]\n", "x.ini:1: malformed section");
	BAD("\n  goes on\n", "x.ini:2: a continuation");
	BAD("[s]\n  goes on\n", "x.ini:2: a continuation");
	BAD("= 3\n", "x.ini:1:");
#undef BAD
	ini_fails(nul, sizeof(nul) - 1, "NUL");
}

static void test_ini_values(void **state)
{
	static const char *const keys[] = { "a", "long", NULL };
	static const char *const other[] = { "a", NULL };
	RP_CLEANUP(rp_ini_free) struct rp_ini ini = RP_INI_INIT;
	struct rp_error err = RP_ERROR_INIT;
	const char *v = "untouched";

	(void)state;
	assert_int_equal(rp_ini_parse(rp_span_str("# c\ntop=0\r\n[s]\na = x = y # no comment\n"
						  "long = one\n\ttwo\n\n  three\n[s]\na = second\n"
						  "empty =\n[t]\nlast = end"),
				 "x", &ini, NULL),
		0);
	assert_string_equal(rp_ini_get(&ini, "", "top"), "0");
	assert_string_equal(rp_ini_get(&ini, "s", "a"), "x = y # no comment");
	assert_string_equal(rp_ini_get(&ini, "s", "long"), "one\ntwo\nthree");
	assert_string_equal(rp_ini_get(&ini, "t", "last"), "end");
	assert_null(rp_ini_get(&ini, "s", "empty")); /* only the first section of a name */
	assert_int_equal(rp_ini_need(&ini, "s", "none", &v, &err), -EBADMSG);
	assert_string_equal(v, "untouched");
	assert_int_equal(rp_ini_only(&ini, "s", keys, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "\"empty\""));
	assert_int_equal(rp_ini_only(&ini, "t", other, &err), -EBADMSG);
	assert_int_equal(rp_ini_only(&ini, "absent", other, NULL), 0);
}

static void expect_json(struct rp_span s, const char *want)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	struct rp_json j;

	rp_json_init(&j, &b, false);
	rp_json_span(&j, s);
	assert_string_equal(rp_buf_cstr(&b), want);
}

static void test_json_strings(void **state)
{
	(void)state;
	expect_json(rp_span_str("a\"b\\c\n\t\x01\x7f"), "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\"");
	expect_json(rp_span_of("a\0b", 3), "\"a\\u0000b\"");
	expect_json(rp_span_str("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
		"\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
#define BAD "\xef\xbf\xbd"
	expect_json(rp_span_str("\xff"), "\"" BAD "\"");
	expect_json(rp_span_str("\xc3"), "\"" BAD "\""); /* cut off */
	expect_json(rp_span_str("\xc0\x80"), "\"" BAD BAD "\""); /* overlong */
	expect_json(rp_span_str("\xe0\x80\x80"), "\"" BAD BAD BAD "\"");
	expect_json(rp_span_str("\xed\xa0\x80"), "\"" BAD BAD BAD "\""); /* surrogate */
	expect_json(rp_span_str("\xf4\x90\x80\x80"), "\"" BAD BAD BAD BAD "\""); /* > 10FFFF */
	expect_json(rp_span_str("\xe2\x82x"), "\"" BAD BAD "x\"");
#undef BAD
}

static void test_json_structure(void **state)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	struct rp_json j;

	(void)state;
	rp_json_init(&j, &b, false);
	rp_json_begin(&j, '{');
	rp_json_kbegin(&j, "list", '[');
	rp_json_int(&j, INT64_MIN);
	rp_json_uint(&j, UINT64_MAX);
	rp_json_null(&j);
	rp_json_begin(&j, '[');
	rp_json_end(&j, ']');
	rp_json_end(&j, ']');
	rp_json_kstr(&j, "s", NULL);
	rp_json_kbool(&j, "b", true);
	rp_json_end(&j, '}');
	assert_string_equal(rp_buf_cstr(&b), "{\"list\":[-9223372036854775808,18446744073709551615,"
					     "null,[]],\"s\":null,\"b\":true}");
}

static void test_strv(void **state)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv sv = RP_STRV_INIT;

	(void)state;
	assert_int_equal(rp_strv_split(&sv, rp_span_str(" a, b\tc\n,,d "), NULL), 0);
	assert_int_equal(sv.n, 4);
	assert_string_equal(sv.v[3], "d");
	assert_null(sv.v[4]);
	assert_true(rp_strv_has(&sv, "b"));
	assert_false(rp_strv_has(&sv, "bb"));
	assert_int_equal(rp_strv_split(&sv, rp_span_of("x\0y", 3), NULL), -EBADMSG);
	rp_strv_free(&sv);
	assert_int_equal(rp_strv_setenv(&sv, "A", "1", NULL), 0);
	assert_int_equal(rp_strv_setenv(&sv, "AB", "2", NULL), 0);
	assert_int_equal(rp_strv_setenv(&sv, "A", "3=4", NULL), 0);
	assert_int_equal(sv.n, 2);
	assert_string_equal(rp_strv_getenv(&sv, "A"), "3=4");
	assert_null(rp_strv_getenv(&sv, "B"));
}

static void test_buf(void **state)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	char *p;

	(void)state;
	assert_string_equal(rp_buf_cstr(&b), "");
	for (int i = 0; i < 1000; i++)
		rp_buf_addf(&b, "%d,", i);
	assert_int_equal(b.n, 3890);
	assert_int_equal(strlen(rp_buf_cstr(&b)), 3890);
	assert_false(rp_buf_reserve(&b, SIZE_MAX));
	rp_buf_adds(&b, "lost");
	assert_int_equal(rp_buf_check(&b, NULL), -ENOMEM);
	assert_int_equal(b.n, 3890);
	p = rp_buf_steal(&b); /* a failed buffer is never taken for a whole one */
	assert_null(p);
	p = rp_asprintf("%s", "");
	assert_string_equal(p, "");
	free(p);
}

static void test_error(void **state)
{
	struct rp_error err = RP_ERROR_INIT;
	char big[2000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(RP_FAIL(NULL, -EIO, "nobody listens"), -EIO);
	assert_int_equal(RP_FAIL(&err, -EIO, "a\nb%c", 27), -EIO);
	assert_string_equal(err.text, "a b "); /* one line, no escape sequences */
	assert_int_equal(rp_error_prefix(&err, -EIO, "f\n"), -EIO);
	assert_string_equal(err.text, "f : a b ");
	assert_int_equal(RP_FAIL_ERRNO(&err, -ENOENT, "%s", "f"), -ENOENT);
	assert_string_equal(err.text, "f: No such file or directory");
	assert_int_equal(RP_FAIL_ERRNO(&err, -ENOENT, "%s", big), -ENOENT);
	assert_int_equal(rp_error_prefix(&err, -ENOENT, "%s", big), -ENOENT);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void on_event(void *data, const struct rp_event *ev)
{
	assert_int_equal(ev->kind, RP_EV_PROGRESS);
	assert_string_equal(rp_event_str(ev, "step"), "hash");
	assert_int_equal(rp_event_int(ev, "done", -1), 7);
	assert_int_equal(rp_event_int(ev, "step", -1), -1); /* of another type */
	assert_null(rp_event_str(ev, "absent"));
	*(int *)data += 1;
}

static void test_event(void **state)
{
	int n = 0;
	struct rp_ctx ctx = { .event = on_event, .data = &n };

	(void)state;
	RP_EVENT(&ctx, RP_EV_PROGRESS, RP_STR("step", "hash"), RP_INT("done", 7));
	RP_EVENT(NULL, RP_EV_PROGRESS, RP_STR("step", "hash"));
	assert_int_equal(n, 1);
	for (int k = 0; k < RP_EV_MAX; k++)
		assert_non_null(rp_event_kind_name((enum rp_event_kind)k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ini_errors_name_the_line),
		cmocka_unit_test(test_ini_values),
		cmocka_unit_test(test_json_strings),
		cmocka_unit_test(test_json_structure),
		cmocka_unit_test(test_strv),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
