/* SPDX-License-Identifier: MIT */
/*
 * Finding function definitions without a parser: name, parameter list, what may
 * stand between it and the body, body. Preprocessor lines are no part of it;
 * in #if branches with unequal braces each branch starts from the depth of the #if.
 */
#include "patch/function.h"

#define NOT_FOUND SIZE_MAX

void rp_function_list_free(struct rp_function_list *l)
{
	free(l->v);
	*l = (struct rp_function_list)RP_FUNCTION_LIST_INIT;
}

static bool is(struct rp_span text, const struct rp_tokens *t, size_t i, const char *s)
{
	return i < t->n && rp_token_is(text, &t->v[i], s);
}

/* Next token at or behind i that is in no preprocessor line. */
static size_t code(const struct rp_tokens *t, size_t i)
{
	while (i < t->n && t->v[i].in_directive)
		i++;
	return i;
}

/* Behind the bracket at i, or NOT_FOUND. */
static size_t behind(const struct rp_tokens *t, size_t i)
{
	uint32_t m = t->v[i].match;

	return m == RP_TOKEN_NO_MATCH || m <= i ? NOT_FOUND : (size_t)m + 1;
}

/* Behind the tokens of a name "A::B" at i, or NOT_FOUND. */
static size_t match_name(struct rp_span text, const struct rp_tokens *t, size_t i, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ":");

		if (n > 0) {
			if (i >= t->n || t->v[i].kind != RP_TOK_WORD ||
				!rp_span_eq(rp_token_text(text, &t->v[i]), rp_span_of(name, n)))
				return NOT_FOUND;
			name += n;
		} else {
			if (!is(text, t, i, "::"))
				return NOT_FOUND;
			name += 2;
		}
		i++;
	}
	return i;
}

/* The "#" of a preprocessor line (not one of its operators). */
static bool is_directive(struct rp_span text, const struct rp_tokens *t, size_t i)
{
	return t->v[i].in_directive && rp_token_is(text, &t->v[i], "#") &&
	       !(i > 0 && t->v[i - 1].in_directive && t->v[i - 1].line == t->v[i].line);
}

static bool opens_branches(struct rp_span text, const struct rp_tokens *t, size_t hash)
{
	return is(text, t, hash + 1, "if") || is(text, t, hash + 1, "ifdef") ||
	       is(text, t, hash + 1, "ifndef");
}

/* The "#" of the #endif that closes the branches in which i stands; t->n: there is none. */
static size_t closing_endif(struct rp_span text, const struct rp_tokens *t, size_t i)
{
	size_t depth = 1;

	for (; i < t->n; i++) {
		if (!is_directive(text, t, i))
			continue;
		if (opens_branches(text, t, i))
			depth++;
		else if (is(text, t, i + 1, "endif") && --depth == 0)
			break;
	}
	return i;
}

/*
 * The closing brace of the body that opens at i. Bracket matching is right when
 * braces balance; where #if branches open or close unequally, depths are counted
 * branch by branch. Branches beside the one in which the body opens have a head of
 * their own and are passed over.
 */
static size_t body_end(struct rp_span text, const struct rp_tokens *t, size_t open)
{
	size_t saved[32], n_saved = 0, depth = 0;

	for (size_t i = open; i < t->n; i++) {
		const struct rp_token *k = &t->v[i];

		if (k->in_directive) {
			if (!is_directive(text, t, i))
				continue;
			if (opens_branches(text, t, i)) {
				if (n_saved == RP_ARRAY_SIZE(saved))
					return NOT_FOUND;
				saved[n_saved++] = depth;
			} else if (is(text, t, i + 1, "else") || is(text, t, i + 1, "elif")) {
				if (n_saved > 0)
					depth = saved[n_saved - 1];
				else
					i = closing_endif(text, t, i + 1);
			} else if (is(text, t, i + 1, "endif") && n_saved > 0)
				n_saved--;
			continue;
		}
		if (k->kind != RP_TOK_PUNCT || k->len != 1)
			continue;
		if (text.p[k->off] == '{')
			depth++;
		else if (text.p[k->off] == '}' && depth > 0 && --depth == 0 && n_saved == 0)
			return i + 1;
	}
	return NOT_FOUND;
}

/* A constructor's member initialisers behind ":"; the "{" of the body, or NOT_FOUND. */
static size_t skip_initialisers(struct rp_span text, const struct rp_tokens *t, size_t i)
{
	for (;;) {
		i = code(t, i);
		while (i < t->n && (t->v[i].kind == RP_TOK_WORD || is(text, t, i, "::") ||
					   is(text, t, i, "<") || is(text, t, i, ">") ||
					   (is(text, t, i, ",") && !is(text, t, i - 1, ")") &&
						   !is(text, t, i - 1, "}"))))
			i = code(t, i + 1);
		if (!is(text, t, i, "(") && !is(text, t, i, "{"))
			return NOT_FOUND;
		i = behind(t, i);
		if (i == NOT_FOUND)
			return NOT_FOUND;
		i = code(t, i);
		if (is(text, t, i, "..."))
			i = code(t, i + 1);
		if (is(text, t, i, "{"))
			return i;
		if (!is(text, t, i, ","))
			return NOT_FOUND;
		i++;
	}
}

/* From behind the parameter list to the "{" of the body; NOT_FOUND: a declaration or a call. */
static size_t find_body(struct rp_span text, const struct rp_tokens *t, size_t i)
{
	for (i = code(t, i); i < t->n; i = code(t, i)) {
		const struct rp_token *k = &t->v[i];

		if (rp_token_is(text, k, "{"))
			return i;
		if (rp_token_is(text, k, ":"))
			return skip_initialisers(text, t, i + 1);
		if (rp_token_is(text, k, "(") || rp_token_is(text, k, "[")) {
			i = behind(t, i);
			if (i == NOT_FOUND)
				return NOT_FOUND;
			continue;
		}
		if (k->kind == RP_TOK_WORD || rp_token_is(text, k, "&") ||
			rp_token_is(text, k, "&&") || rp_token_is(text, k, "*") ||
			rp_token_is(text, k, "->") || rp_token_is(text, k, "::") ||
			rp_token_is(text, k, "<") || rp_token_is(text, k, ">")) {
			i++;
			continue;
		}
		return NOT_FOUND;
	}
	return NOT_FOUND;
}

/* First token of the definition whose name starts at i: behind the last ; } { or directive. */
static size_t definition_start(struct rp_span text, const struct rp_tokens *t, size_t i)
{
	while (i > 0) {
		const struct rp_token *k = &t->v[i - 1];

		if (k->in_directive || rp_token_is(text, k, ";") || rp_token_is(text, k, "}") ||
			rp_token_is(text, k, "{"))
			break;
		if (rp_token_is(text, k, ":") && i > 1 &&
			(is(text, t, i - 2, "public") || is(text, t, i - 2, "private") ||
				is(text, t, i - 2, "protected")))
			break;
		i--;
	}
	return i;
}

static int add(struct rp_function_list *ret, struct rp_function f, struct rp_error *err)
{
	if (rp_array_grow(&ret->v, &ret->cap, ret->n, sizeof(*ret->v)) < 0)
		return RP_NOMEM(err);
	ret->v[ret->n++] = f;
	return 0;
}

static int find_c(struct rp_span text, const struct rp_tokens *t, const char *name,
	struct rp_function_list *ret, struct rp_error *err)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t after, params, body, end;
		int r;

		if (t->v[i].in_directive ||
			(i > 0 && (is(text, t, i - 1, ".") || is(text, t, i - 1, "->"))))
			continue;
		after = match_name(text, t, i, name);
		if (after == NOT_FOUND || !is(text, t, after, "("))
			continue;
		params = behind(t, after);
		if (params == NOT_FOUND)
			continue;
		body = find_body(text, t, params);
		if (body == NOT_FOUND)
			continue;
		end = body_end(text, t, body);
		if (end == NOT_FOUND)
			return RP_FAIL(err, -EBADMSG, "line %u: %s: end of the function not found",
				t->v[i].line, name);
		r = add(ret, (struct rp_function){ definition_start(text, t, i), i, body, end },
			err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* CMake command names do not distinguish case. */
static bool is_command(struct rp_span text, const struct rp_token *t, const char *name)
{
	return t->kind == RP_TOK_WORD && t->len == strlen(name) &&
	       strncasecmp((const char *)text.p + t->off, name, t->len) == 0;
}

static int find_cmake(struct rp_span text, const struct rp_tokens *t, const char *name,
	struct rp_function_list *ret, struct rp_error *err)
{
	for (size_t i = 0; i + 2 < t->n; i++) {
		bool macro = is_command(text, &t->v[i], "macro");
		const char *closing = macro ? "endmacro" : "endfunction";
		size_t body, end;
		int r;

		if ((!macro && !is_command(text, &t->v[i], "function")) ||
			!is(text, t, i + 1, "(") || !rp_token_is(text, &t->v[i + 2], name))
			continue;
		body = behind(t, i + 1);
		for (end = body; end != NOT_FOUND && end < t->n; end++)
			if (is_command(text, &t->v[end], closing))
				break;
		if (end == NOT_FOUND || end >= t->n)
			return RP_FAIL(
				err, -EBADMSG, "line %u: %s: no %s", t->v[i].line, name, closing);
		if (is(text, t, end + 1, "(") && behind(t, end + 1) != NOT_FOUND)
			end = behind(t, end + 1);
		r = add(ret, (struct rp_function){ i, i + 2, body, end }, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int rp_function_find(struct rp_span text, const struct rp_tokens *tokens, enum rp_language lang,
	const char *name, struct rp_function_list *ret, struct rp_error *err)
{
	return lang == RP_LANG_CMAKE ? find_cmake(text, tokens, name, ret, err)
				     : find_c(text, tokens, name, ret, err);
}
