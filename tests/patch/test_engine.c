/* SPDX-License-Identifier: MIT */
/* Lexer, patterns, function finder, definitions and selection, with the traps of real source files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "patch/definition.h"
#include "patch/function.h"
#include "patch/pattern.h"

/* The tokens of text, joined by one blank. */
static char *lexed(const char *text, enum rp_language lang)
{
	RP_CLEANUP(rp_tokens_free) struct rp_tokens t = RP_TOKENS_INIT;
	struct rp_buf b = RP_BUF_INIT;

	assert_int_equal(rp_lex(rp_span_str(text), lang, &t, NULL), 0);
	for (size_t i = 0; i < t.n; i++)
		rp_buf_addf(&b, "%s%.*s", i ? " " : "", (int)t.v[i].len, text + t.v[i].off);
	return rp_buf_steal(&b);
}

static void check_tokens(const char *text, const char *want)
{
	char *got = lexed(text, RP_LANG_C);

	assert_string_equal(got, want);
	free(got);
}

static void test_c_tokens(void **state)
{
	(void)state;
	check_tokens("a /* b\n */ c // d\n e", "a c e");
	check_tokens("a // comment \\\n goes on\n b", "a b");
	check_tokens("ab\\\n cd", "ab cd");
	check_tokens("x->y::z+=1'000'000u; 0x1.8p-3f .5e+3",
		"x -> y :: z += 1'000'000u ; 0x1.8p-3f .5e+3");
	check_tokens("vector<vector<int>> v", "vector < vector < int > > v");
	check_tokens("f(\"a\\\"b\", 'c', '\\'', L\"w\", u8\"x\")",
		"f ( \"a\\\"b\" , 'c' , '\\'' , L\"w\" , u8\"x\" )");
	check_tokens("R\"(no \" end ) here)\" x", "R\"(no \" end ) here)\" x");
	check_tokens("u8R\"d(a)\" )d\" y", "u8R\"d(a)\" )d\" y");
	check_tokens("#error don't\nint x;", "# error don 't int x ;");
	check_tokens("a\r\n/* c */\r\nb\r\n", "a b");
	check_tokens("int no_newline", "int no_newline");
	check_tokens("", "");
}

static void test_c_lexer_refuses(void **state)
{
	static const char *const broken[] = { "a /* no end", "R\"x(no end)\"",
		"R\"too_long_delimiter_x(\"", NULL };
	RP_CLEANUP(rp_tokens_free) struct rp_tokens t = RP_TOKENS_INIT;
	struct rp_error err;

	(void)state;
	for (const char *const *b = broken; *b; b++) {
		err = (struct rp_error)RP_ERROR_INIT;
		assert_int_equal(rp_lex(rp_span_str(*b), RP_LANG_C, &t, &err), -EBADMSG);
		assert_non_null(strstr(err.text, "line 1"));
	}
	assert_int_equal(rp_lex(rp_span_of("a\0b", 3), RP_LANG_C, &t, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "NUL byte at offset 1"));
	assert_int_equal(t.n, 0);
}

static void test_directives_are_marked(void **state)
{
	const char *text = "int a;\n#define B { \\\n (\nint c;\n  #include <x>\n";
	RP_CLEANUP(rp_tokens_free) struct rp_tokens t = RP_TOKENS_INIT;
	size_t in = 0;

	(void)state;
	assert_int_equal(rp_lex(rp_span_str(text), RP_LANG_C, &t, NULL), 0);
	for (size_t i = 0; i < t.n; i++)
		in += t.v[i].in_directive;
	/* # define B { (   and   # include < x > */
	assert_int_equal(in, 5 + 5);
}

static void test_cmake_tokens(void **state)
{
	char *got;

	(void)state;
	got = lexed("set (A \"x;y\" -mcpu=${T} [[raw ]=] ]]) # comment\n#[[ long\ncomment ]] if(B)",
		RP_LANG_CMAKE);
	assert_string_equal(got, "set ( A \"x;y\" -mcpu=${T} [[raw ]=] ]] ) if ( B )");
	free(got);
	got = lexed("x(-DA=\"b c\" \\\"q)", RP_LANG_CMAKE);
	assert_string_equal(got, "x ( -DA=\"b c\" \\\"q )");
	free(got);
}

static void test_ten_megabytes(void **state)
{
	RP_CLEANUP(rp_tokens_free) struct rp_tokens t = RP_TOKENS_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;

	(void)state;
	while (b.n < 10u << 20)
		rp_buf_adds(&b, "static int f(int a) { return a + 1; } /* comment */\n");
	assert_int_equal(rp_lex(rp_buf_span(&b), RP_LANG_C, &t, NULL), 0);
	assert_int_equal(t.n, b.n / 52 * 14);
}

static size_t matches(const char *text, const char *pattern)
{
	RP_CLEANUP(rp_tokens_free) struct rp_tokens t = RP_TOKENS_INIT;
	RP_CLEANUP(rp_pattern_free) struct rp_pattern p = RP_PATTERN_INIT;
	RP_CLEANUP(rp_match_list_free) struct rp_match_list m = RP_MATCH_LIST_INIT;

	assert_int_equal(rp_lex(rp_span_str(text), RP_LANG_C, &t, NULL), 0);
	assert_int_equal(rp_pattern_compile(pattern, RP_LANG_C, &p, NULL), 0);
	assert_int_equal(rp_pattern_find(&p, rp_span_str(text), &t, 0, t.n, &m, NULL), 0);
	return m.n;
}

static void test_patterns(void **state)
{
	(void)state;
	assert_int_equal(matches("f ( a , /* x */ b ) ;", "f(a, b);"), 1);
	assert_int_equal(matches("f(a); f(a);", "f(a)"), 2);
	assert_int_equal(matches("f(a, g(b, (c)), d);", "f(a, ...);"), 1);
	assert_int_equal(matches("f(a);", "f(a ... );"), 1);
	assert_int_equal(
		matches("f(a); x(b);", "f(a ... b)"), 0); /* the run may not leave the brackets */
	assert_int_equal(matches("f({ a; ) }", "f(...)"), 0);
	assert_int_equal(matches("log(\"ptr=0x%zx\", p);", "log(\"ptr=...\", ...);"), 1);
	assert_int_equal(matches("log(\"size=0x%zx\", p);", "log(\"ptr=...\", ...);"), 0);
	assert_int_equal(
		matches("int printf(const char *f, ...);", "printf(const char *f, ...)"), 1);
}

static void test_pattern_limits(void **state)
{
	RP_CLEANUP(rp_pattern_free) struct rp_pattern p = RP_PATTERN_INIT;
	RP_CLEANUP(rp_match_list_free) struct rp_match_list m = RP_MATCH_LIST_INIT;
	RP_CLEANUP(rp_tokens_free) struct rp_tokens t = RP_TOKENS_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	struct rp_error err = RP_ERROR_INIT;

	(void)state;
	assert_int_equal(rp_pattern_compile("... a", RP_LANG_C, &p, &err), -EBADMSG);
	assert_int_equal(rp_pattern_compile("a ...", RP_LANG_C, &p, &err), -EBADMSG);
	assert_int_equal(rp_pattern_compile(" /* nothing */ ", RP_LANG_C, &p, &err), -EBADMSG);
	/* many wildcards over many tokens end with an error, not with hours */
	for (int i = 0; i < 3000; i++)
		rp_buf_adds(&b, "a ");
	assert_int_equal(rp_lex(rp_buf_span(&b), RP_LANG_C, &t, NULL), 0);
	assert_int_equal(
		rp_pattern_compile("a ... a ... a ... a ... a ... z", RP_LANG_C, &p, NULL), 0);
	assert_int_equal(rp_pattern_find(&p, rp_buf_span(&b), &t, 0, t.n, &m, &err), -E2BIG);
}

static size_t definitions(
	const char *text, enum rp_language lang, const char *name, uint32_t *ret_line)
{
	RP_CLEANUP(rp_tokens_free) struct rp_tokens t = RP_TOKENS_INIT;
	RP_CLEANUP(rp_function_list_free) struct rp_function_list f = RP_FUNCTION_LIST_INIT;

	assert_int_equal(rp_lex(rp_span_str(text), lang, &t, NULL), 0);
	assert_int_equal(rp_function_find(rp_span_str(text), &t, lang, name, &f, NULL), 0);
	if (f.n > 0 && ret_line)
		*ret_line = t.v[f.v[0].start].line;
	return f.n;
}

static void test_functions(void **state)
{
	const char *text = "int f(int a = 0);\n" /* 1 */
			   "static bool\nA::B::f(int a, g<int> b) const\n" /* 2, 3 */
			   "{ if (a) { f(a); } return x.f(a); }\n"
			   "A::A(int n)\n : m_(n), k_{n} { }\n"
			   "auto g() -> std::vector<int> { return {}; }\n"
			   "template <class T> void h(T) noexcept { while (f(1)) { } }\n"
			   "#define f(x) { x\n";
	uint32_t line = 0;

	(void)state;
	assert_int_equal(definitions(text, RP_LANG_C, "f", &line), 1);
	assert_int_equal(line, 2);
	assert_int_equal(definitions(text, RP_LANG_C, "B::f", NULL), 1);
	assert_int_equal(definitions(text, RP_LANG_C, "C::f", NULL), 0);
	assert_int_equal(definitions(text, RP_LANG_C, "A::A", NULL), 1);
	assert_int_equal(definitions(text, RP_LANG_C, "g", NULL), 1);
	assert_int_equal(definitions(text, RP_LANG_C, "h", NULL), 1);
	assert_int_equal(definitions("function(a X)\nfoo()\nendfunction(a)\nMACRO(b)\nendmacro()",
				 RP_LANG_CMAKE, "a", NULL),
		1);
	assert_int_equal(definitions("function(a X)\nfoo()\nendfunction(a)\nMACRO(b)\nendmacro()",
				 RP_LANG_CMAKE, "b", NULL),
		1);
}

static void test_branches_with_unequal_braces(void **state)
{
	const char *text = "int f(int a)\n{\n#ifdef X\n\tif (a) {\n#else\n\tif (!a) "
			   "{\n#endif\n\t\treturn 1;\n\t}\n"
			   "\treturn 0;\n}\nint f2(void) { return 2; }\n";
	RP_CLEANUP(rp_tokens_free) struct rp_tokens t = RP_TOKENS_INIT;
	RP_CLEANUP(rp_function_list_free) struct rp_function_list f = RP_FUNCTION_LIST_INIT;

	(void)state;
	assert_int_equal(rp_lex(rp_span_str(text), RP_LANG_C, &t, NULL), 0);
	assert_int_equal(rp_function_find(rp_span_str(text), &t, RP_LANG_C, "f", &f, NULL), 0);
	assert_int_equal(f.n, 1);
	assert_int_equal(t.v[f.v[0].end - 1].line, 11);
	assert_int_equal(definitions(text, RP_LANG_C, "f2", NULL), 1);
}

#define HEAD "id A\ncomponent c\nset s\ntitle t\nevidence hypothesis\ndefault on\nwhy w\neffect e\n"
#define TWO_FUNCTIONS                                                                            \
	"id A2\ncomponent c\nset s\ntitle t\nevidence hypothesis\ndefault on\nwhy w\neffect e\n" \
	"edit\nfile a.c\nfunction f\nanchor x\nprefix y\n"                                       \
	"edit\nfile a.c\nfunction g\nanchor x\nprefix y\n"
#define EDIT "edit\nfile a.c\nanchor x\nprefix y\n"

static void bad_definition(const char *text, const char *part)
{
	RP_CLEANUP(rp_patch_list_free) struct rp_patch_list list = RP_PATCH_LIST_INIT;
	struct rp_error err = RP_ERROR_INIT;

	assert_int_equal(rp_patch_parse(rp_span_str(text), "file", &list, &err), -EBADMSG);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" lacks \"%s\"", err.text, part);
	assert_int_equal(list.n, 0);
}

static void test_definitions_are_strict(void **state)
{
	RP_CLEANUP(rp_patch_list_free) struct rp_patch_list list = RP_PATCH_LIST_INIT;

	(void)state;
	assert_int_equal(rp_patch_parse(rp_span_str(HEAD EDIT), "file", &list, NULL), 0);
	assert_int_equal(list.v[0].n_edits, 1);
	bad_definition(HEAD, "no edit");
	bad_definition("id A\n" EDIT, "component is missing");
	bad_definition(HEAD "id B\n" EDIT, "file:9: id is given twice");
	bad_definition(HEAD "frob x\n" EDIT, "file:9: unknown key \"frob\"");
	bad_definition(HEAD "edit\nfile a.c\nprefix y\n", "file:9: edit without an anchor");
	bad_definition(HEAD "edit\nanchor x\nprefix y\n", "edit without file");
	bad_definition(HEAD "edit\nfile a.c\nanchor x\n", "edit without an action");
	bad_definition(HEAD EDIT "replace z\n", "a second action");
	bad_definition(HEAD "edit\nfile a.c\nanchor ... x\nprefix y\n", "cannot be its first");
	bad_definition(HEAD "edit\nfile a.c\nanchor x\nsubstitute\nfrom a\n", "needs from and to");
	bad_definition(HEAD "edit\nfile a.c\nanchor @definition\ninsert-before y\n",
		"@definition needs a function");
	bad_definition(HEAD "edit\nfile a.c\nanchor <<END\nx\n", "without its end line \"END\"");
	bad_definition(HEAD "requires B\nrequires C\n" EDIT, "file:10: requires is given twice");
	bad_definition(HEAD "conflicts B\nconflicts C\n" EDIT, "file:10: conflicts is given twice");
	bad_definition(HEAD "edit\nfile a.c\nfunction f\nfunction g\nanchor x\nprefix y\n",
		"file:12: function is given twice");
	bad_definition(HEAD "edit\nfile a.c\nanchor x\ninsert-before /* y */\n",
		"file:9: the text of insert-before has no token");
	bad_definition(HEAD "edit\nfile a.c\nanchor x\ninsert-before /* y\n", "without end");
	bad_definition(
		HEAD "edit\nfile a.c\nanchor x\nsubstitute\nfrom a\nto bab\n", "to contains from");
	/* each edit has a function of its own */
	assert_int_equal(rp_patch_parse(rp_span_str(TWO_FUNCTIONS), "file", &list, NULL), 0);
	bad_definition("id A\nevidence rumour\n", "file:2: evidence is");
	bad_definition("id A\ndefault yes\n", "file:2: expected on or off");
}

static int load_two(struct rp_patch_list *list, const char *second_head)
{
	RP_CLEANUP(rp_free_p)
	char *b = rp_asprintf("id B\ncomponent c\nset s\ntitle t\nevidence hypothesis\n"
			      "default on\nwhy w\neffect e\n%s" EDIT,
		second_head);

	assert_int_equal(rp_patch_parse(rp_span_str(HEAD EDIT), "a", list, NULL), 0);
	return rp_patch_parse(rp_span_str(b), "b", list, NULL);
}

static void test_selection(void **state)
{
	RP_CLEANUP(rp_patch_list_free) struct rp_patch_list list = RP_PATCH_LIST_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv only = RP_STRV_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv without = RP_STRV_INIT;
	struct rp_patch_choice choice = { .component = "c" };
	const struct rp_patch **v = NULL;
	struct rp_error err = RP_ERROR_INIT;
	size_t n = 0;

	(void)state;
	assert_int_equal(load_two(&list, "requires A\n"), 0);
	assert_int_equal(rp_strv_add(&only, "B", NULL), 0);
	choice.only = &only;
	assert_int_equal(rp_patch_select(&list, &choice, &v, &n, NULL), 0);
	assert_int_equal(n, 2); /* A is pulled in, and comes first */
	assert_string_equal(v[0]->id, "A");
	free(v);
	assert_int_equal(rp_strv_add(&without, "A", NULL), 0);
	choice.without = &without;
	assert_int_equal(rp_patch_select(&list, &choice, &v, &n, &err), -EINVAL);
	assert_non_null(strstr(err.text, "A is left out"));
	choice.only = NULL;
	assert_int_equal(rp_patch_select(&list, &choice, &v, &n, &err), -EINVAL);
}

static void test_conflict_and_circle(void **state)
{
	RP_CLEANUP(rp_patch_list_free) struct rp_patch_list list = RP_PATCH_LIST_INIT;
	RP_CLEANUP(rp_patch_list_free) struct rp_patch_list self = RP_PATCH_LIST_INIT;
	struct rp_patch_choice choice = { .component = "c" };
	const struct rp_patch **v = NULL;
	struct rp_error err = RP_ERROR_INIT;
	size_t n = 0;

	(void)state;
	assert_int_equal(load_two(&list, "conflicts A\n"), 0);
	assert_int_equal(rp_patch_select(&list, &choice, &v, &n, &err), -EINVAL);
	assert_non_null(strstr(err.text, "exclude each other"));
	assert_int_equal(load_two(&self, "requires B\n"), 0);
	assert_int_equal(rp_patch_select(&self, &choice, &v, &n, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "circle"));
}

static void test_requirement_of_another_component(void **state)
{
	static const char other[] =
		"id H\ncomponent hip\nset s\ntitle t\nevidence hypothesis\ndefault on\nwhy w\n"
		"effect e\n" EDIT;
	static const char needs[] =
		"id R\ncomponent rocr\nset s\ntitle t\nevidence hypothesis\ndefault on\nwhy w\n"
		"effect e\nrequires H\n" EDIT;
	RP_CLEANUP(rp_patch_list_free) struct rp_patch_list list = RP_PATCH_LIST_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv left_out = RP_STRV_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv list_of_one = RP_STRV_INIT;
	struct rp_patch_choice choice = { .component = "rocr", .left_out = &left_out };
	const struct rp_patch **v = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(rp_patch_parse(rp_span_str(other), "h", &list, NULL), 0);
	assert_int_equal(rp_patch_parse(rp_span_str(needs), "r", &list, NULL), 0);
	assert_int_equal(rp_patch_select(&list, &choice, &v, &n, NULL), 0);
	assert_int_equal(n, 0);
	free(v);
	assert_int_equal(left_out.n, 1);
	assert_non_null(strstr(left_out.v[0], "R: requires H (hip)"));
	/* built along: taken */
	assert_int_equal(rp_strv_add(&list_of_one, "hip", NULL), 0);
	choice.beside = &list_of_one;
	assert_int_equal(rp_patch_select(&list, &choice, &v, &n, NULL), 0);
	assert_int_equal(n, 1);
	free(v);
	/* named: taken */
	rp_strv_free(&list_of_one);
	assert_int_equal(rp_strv_add(&list_of_one, "R", NULL), 0);
	choice.beside = NULL;
	choice.only = &list_of_one;
	assert_int_equal(rp_patch_select(&list, &choice, &v, &n, NULL), 0);
	assert_int_equal(n, 1);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_c_tokens),
		cmocka_unit_test(test_c_lexer_refuses),
		cmocka_unit_test(test_directives_are_marked),
		cmocka_unit_test(test_cmake_tokens),
		cmocka_unit_test(test_ten_megabytes),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_pattern_limits),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_branches_with_unequal_braces),
		cmocka_unit_test(test_definitions_are_strict),
		cmocka_unit_test(test_selection),
		cmocka_unit_test(test_conflict_and_circle),
		cmocka_unit_test(test_requirement_of_another_component),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
