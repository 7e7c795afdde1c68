/* SPDX-License-Identifier: MIT */
/*
 * The patch engine's readers: bytes as C and CMake source, as a definition, and, split at the first
 * form feed, as a pattern that is looked for in the rest.
 */
#include "patch/definition.h"
#include "patch/function.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tokens(struct rp_span text, const struct rp_tokens *t)
{
	size_t end = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i].off < end || t->v[i].len == 0 ||
			(size_t)t->v[i].off + t->v[i].len > text.n)
			__builtin_trap(); /* tokens are in order, not empty, and inside the text */
		end = (size_t)t->v[i].off + t->v[i].len;
		if (t->v[i].match != RP_TOKEN_NO_MATCH && t->v[t->v[i].match].match != i)
			__builtin_trap();
	}
}

static void try_language(struct rp_span text, struct rp_span pattern, enum rp_language lang)
{
	RP_CLEANUP(rp_tokens_free) struct rp_tokens t = RP_TOKENS_INIT;
	RP_CLEANUP(rp_pattern_free) struct rp_pattern p = RP_PATTERN_INIT;
	RP_CLEANUP(rp_match_list_free) struct rp_match_list m = RP_MATCH_LIST_INIT;
	RP_CLEANUP(rp_function_list_free) struct rp_function_list f = RP_FUNCTION_LIST_INIT;
	RP_CLEANUP(rp_free_p) char *s = rp_span_dup(pattern);
	struct rp_error err = RP_ERROR_INIT;

	if (rp_lex(text, lang, &t, &err) < 0) {
		if (!err.text[0])
			__builtin_trap();
		return;
	}
	check_tokens(text, &t);
	if (rp_function_find(text, &t, lang, "f", &f, &err) == 0)
		for (size_t i = 0; i < f.n; i++)
			if (f.v[i].start > f.v[i].name || f.v[i].name >= f.v[i].end ||
				f.v[i].end > t.n)
				__builtin_trap();
	if (!s || pattern.n > 200 || t.n > 2000 || rp_pattern_compile(s, lang, &p, &err) < 0)
		return;
	if (rp_pattern_find(&p, text, &t, 0, t.n, &m, &err) == 0)
		for (size_t i = 0; i < m.n; i++)
			if (m.v[i].first >= m.v[i].end || m.v[i].end > t.n)
				__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RP_CLEANUP(rp_patch_list_free) struct rp_patch_list list = RP_PATCH_LIST_INIT;
	struct rp_span all = rp_span_of(data, size), pattern = rp_span_of(data, 0), text = all;
	const uint8_t *cut = size > 0 ? memchr(data, '\f', size) : NULL;
	struct rp_error err = RP_ERROR_INIT;

	if (cut) {
		pattern = rp_span_of(data, (size_t)(cut - data));
		text = rp_span_of(cut + 1, size - pattern.n - 1);
	}
	try_language(text, pattern, RP_LANG_C);
	try_language(text, pattern, RP_LANG_CMAKE);
	if (rp_patch_parse(all, "fuzz", &list, &err) < 0 && !err.text[0])
		__builtin_trap();
	return 0;
}
