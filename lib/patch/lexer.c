/* SPDX-License-Identifier: MIT */
/*
 * The lexer of the patch engine. C and C++: the phases of translation that
 * matter here (ISO C 5.1.1.2: line splicing, comments), pp-numbers, raw strings
 * (C++11), digit separators (C++14). CMake: cmake-language(7).
 */
#include "patch/lexer.h"

#include <ctype.h>

#include "base/file.h"

struct lexer {
	struct rp_span s;
	size_t i;
	uint32_t line;
	bool in_directive;
	bool line_start; /* only blanks since the last newline that was not spliced */
	struct rp_tokens *out;
	struct rp_error *err;
};

enum rp_language rp_language_of(const char *path)
{
	const char *base = rp_path_base(path);
	size_t n = strlen(base);

	if (strcmp(base, "CMakeLists.txt") == 0)
		return RP_LANG_CMAKE;
	return n > 6 && strcmp(base + n - 6, ".cmake") == 0 ? RP_LANG_CMAKE : RP_LANG_C;
}

void rp_tokens_free(struct rp_tokens *t)
{
	free(t->v);
	*t = (struct rp_tokens)RP_TOKENS_INIT;
}

static int peek(const struct lexer *l, size_t ahead)
{
	return l->i + ahead < l->s.n ? l->s.p[l->i + ahead] : -1;
}

/* Length of a backslash-newline at i + ahead, 0 if there is none. */
static size_t splice(const struct lexer *l, size_t ahead)
{
	if (peek(l, ahead) != '\\')
		return 0;
	if (peek(l, ahead + 1) == '\n')
		return 2;
	return peek(l, ahead + 1) == '\r' && peek(l, ahead + 2) == '\n' ? 3 : 0;
}

static int add(struct lexer *l, enum rp_token_kind kind, size_t start, uint32_t line)
{
	if (rp_array_grow(&l->out->v, &l->out->cap, l->out->n, sizeof(*l->out->v)) < 0)
		return RP_NOMEM(l->err);
	l->out->v[l->out->n++] = (struct rp_token){ .off = (uint32_t)start,
		.len = (uint32_t)(l->i - start),
		.line = line,
		.match = RP_TOKEN_NO_MATCH,
		.kind = (uint8_t)kind,
		.in_directive = l->in_directive };
	return 0;
}

static bool word_start(int c)
{
	return isalpha(c) || c == '_' || c == '$' || c >= 0x80;
}

static bool word_part(int c)
{
	return word_start(c) || isdigit(c);
}

static void skip_line_comment(struct lexer *l)
{
	while (l->i < l->s.n && l->s.p[l->i] != '\n') {
		size_t n = splice(l, 0);

		if (n > 0)
			l->line++;
		l->i += n > 0 ? n : 1;
	}
}

static int skip_block_comment(struct lexer *l)
{
	uint32_t line = l->line;

	for (l->i += 2; l->i < l->s.n; l->i++) {
		if (l->s.p[l->i] == '\n')
			l->line++;
		if (l->s.p[l->i] == '*' && peek(l, 1) == '/') {
			l->i += 2;
			return 0;
		}
	}
	return RP_FAIL(l->err, -EBADMSG, "line %u: comment without end", line);
}

/* A literal ends at its quote or, malformed, at the end of the line ("#error don't"). */
static int quoted(struct lexer *l, size_t start, int quote)
{
	uint32_t line = l->line;

	l->i++;
	while (l->i < l->s.n) {
		int c = l->s.p[l->i];

		if (c == '\n')
			break;
		if (c == '\\') {
			size_t n = splice(l, 0);

			if (n > 0)
				l->line++;
			l->i += n > 0 ? n : 2;
			continue;
		}
		l->i++;
		if (c == quote)
			break;
	}
	if (l->i > l->s.n)
		l->i = l->s.n;
	return add(l, quote == '"' ? RP_TOK_STRING : RP_TOK_CHAR, start, line);
}

/* R"delimiter( ... )delimiter": l->i is at the quote. */
static int raw_string(struct lexer *l, size_t start)
{
	uint32_t line = l->line;
	size_t d = l->i + 1, n = 0;

	while (d + n < l->s.n && n < 17 && l->s.p[d + n] != '(')
		n++;
	if (n > 16 || d + n >= l->s.n)
		return RP_FAIL(l->err, -EBADMSG, "line %u: malformed raw string", line);
	for (l->i = d + n; l->i < l->s.n; l->i++) {
		if (l->s.p[l->i] == '\n')
			l->line++;
		if (l->s.p[l->i] == ')' && l->s.n - l->i >= n + 2 &&
			memcmp(l->s.p + l->i + 1, l->s.p + d, n) == 0 &&
			l->s.p[l->i + 1 + n] == '"') {
			l->i += n + 2;
			return add(l, RP_TOK_STRING, start, line);
		}
	}
	return RP_FAIL(l->err, -EBADMSG, "line %u: raw string without end", line);
}

static int word(struct lexer *l)
{
	size_t start = l->i, n;
	struct rp_span w;

	while (l->i < l->s.n && word_part(l->s.p[l->i]))
		l->i++;
	n = l->i - start;
	w = rp_span_of(l->s.p + start, n);
	if (peek(l, 0) == '"' && n <= 3 && w.p[n - 1] == 'R' &&
		(n == 1 || rp_span_eq_str(w, "LR") || rp_span_eq_str(w, "uR") ||
			rp_span_eq_str(w, "UR") || rp_span_eq_str(w, "u8R")))
		return raw_string(l, start);
	if ((peek(l, 0) == '"' || peek(l, 0) == '\'') &&
		(rp_span_eq_str(w, "L") || rp_span_eq_str(w, "u") || rp_span_eq_str(w, "U") ||
			rp_span_eq_str(w, "u8")))
		return quoted(l, start, peek(l, 0));
	return add(l, RP_TOK_WORD, start, l->line);
}

/* A pp-number (ISO C 6.4.8), with C++14's digit separators. */
static int number(struct lexer *l)
{
	size_t start = l->i;

	while (l->i < l->s.n) {
		int c = l->s.p[l->i];

		if ((c == 'e' || c == 'E' || c == 'p' || c == 'P') &&
			(peek(l, 1) == '+' || peek(l, 1) == '-'))
			l->i += 2;
		else if (c == '.' || word_part(c) ||
			 (c == '\'' && l->i > start && word_part(peek(l, 1))))
			l->i++;
		else
			break;
	}
	return add(l, RP_TOK_NUMBER, start, l->line);
}

/* ">>" stays two tokens: it may close two template lists. */
static int punct(struct lexer *l)
{
	static const char *const longer[] = { "...", "->*", "<<=", "->", "++", "--", "<<",
		"<=", ">=", "==", "!=", "&&", "||",
		"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "::", "##" };
	struct rp_span rest = rp_span_of(l->s.p + l->i, l->s.n - l->i);
	size_t start = l->i;

	l->i++;
	if (rest.n < 2 || !strchr("=+-<>&|:#.*", rest.p[1]))
		return add(l, RP_TOK_PUNCT, start, l->line);
	for (size_t k = 0; k < RP_ARRAY_SIZE(longer); k++) {
		if (rp_span_starts(rest, longer[k])) {
			l->i = start + strlen(longer[k]);
			break;
		}
	}
	return add(l, RP_TOK_PUNCT, start, l->line);
}

/* True if something that is no token was skipped. */
static int skip_c(struct lexer *l, bool *ret_skipped)
{
	int c = l->s.p[l->i];
	size_t n = splice(l, 0);

	*ret_skipped = true;
	if (n > 0) {
		l->i += n;
		l->line++;
	} else if (c == '\n') {
		l->i++;
		l->line++;
		l->in_directive = false;
		l->line_start = true;
	} else if (c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v') {
		l->i++;
	} else if (c == '/' && peek(l, 1) == '/') {
		skip_line_comment(l);
	} else if (c == '/' && peek(l, 1) == '*') {
		return skip_block_comment(l);
	} else if (l->i == 0 && c == 0xef && peek(l, 1) == 0xbb && peek(l, 2) == 0xbf) {
		l->i += 3; /* byte order mark */
	} else {
		*ret_skipped = false;
	}
	return 0;
}

static int lex_c(struct lexer *l)
{
	bool skipped;
	int r;

	while (l->i < l->s.n) {
		int c;

		r = skip_c(l, &skipped);
		if (r < 0)
			return r;
		if (skipped)
			continue;
		c = l->s.p[l->i];
		if (c == '#' && l->line_start)
			l->in_directive = true;
		l->line_start = false;
		if (word_start(c))
			r = word(l);
		else if (isdigit(c) || (c == '.' && isdigit(peek(l, 1))))
			r = number(l);
		else if (c == '"' || c == '\'')
			r = quoted(l, l->i, c);
		else
			r = punct(l);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Length of "[", n times "=", "[" at l->i; 0 if there is none. */
static size_t bracket_open(const struct lexer *l)
{
	size_t n = 1;

	if (peek(l, 0) != '[')
		return 0;
	while (peek(l, n) == '=')
		n++;
	return peek(l, n) == '[' ? n + 1 : 0;
}

/* Behind a bracket argument or comment whose opening has len bytes. */
static int skip_bracket(struct lexer *l, size_t len)
{
	uint32_t line = l->line;

	for (l->i += len; l->i < l->s.n; l->i++) {
		size_t k = 1;

		if (l->s.p[l->i] == '\n')
			l->line++;
		if (l->s.p[l->i] != ']')
			continue;
		while (k < len - 1 && peek(l, k) == '=')
			k++;
		if (k == len - 1 && peek(l, k) == ']') {
			l->i += len;
			return 0;
		}
	}
	return RP_FAIL(l->err, -EBADMSG, "line %u: bracket argument without end", line);
}

static int cmake_quoted(struct lexer *l)
{
	size_t start = l->i;
	uint32_t line = l->line;

	for (l->i++; l->i < l->s.n; l->i++) {
		int c = l->s.p[l->i];

		if (c == '\n')
			l->line++;
		if (c == '\\' && l->i + 1 < l->s.n) {
			l->i++;
			if (l->s.p[l->i] == '\n')
				l->line++;
		} else if (c == '"') {
			l->i++;
			return add(l, RP_TOK_STRING, start, line);
		}
	}
	return RP_FAIL(l->err, -EBADMSG, "line %u: quoted argument without end", line);
}

static int cmake_word(struct lexer *l)
{
	size_t start = l->i;

	while (l->i < l->s.n && !strchr(" \t\r\n()#\"", l->s.p[l->i]))
		l->i += l->s.p[l->i] == '\\' && l->i + 1 < l->s.n && l->s.p[l->i + 1] != '\n' ? 2
											      : 1;
	/* -DNAME="value" is one argument (the legacy form of cmake-language(7)) */
	if (peek(l, 0) == '"' && l->s.p[l->i - 1] == '=') {
		size_t end = l->i + 1;

		while (end < l->s.n && l->s.p[end] != '"' && l->s.p[end] != '\n')
			end += l->s.p[end] == '\\' ? 2 : 1;
		if (end < l->s.n && l->s.p[end] == '"')
			l->i = end + 1;
	}
	return add(l, RP_TOK_WORD, start, l->line);
}

static int lex_cmake(struct lexer *l)
{
	int r = 0;

	while (l->i < l->s.n && r == 0) {
		int c = l->s.p[l->i];
		size_t n;

		if (c == '\n') {
			l->i++;
			l->line++;
		} else if (c == ' ' || c == '\t' || c == '\r') {
			l->i++;
		} else if (c == '#') {
			l->i++;
			n = bracket_open(l);
			if (n > 0)
				r = skip_bracket(l, n);
			else
				while (l->i < l->s.n && l->s.p[l->i] != '\n')
					l->i++;
		} else if (c == '"') {
			r = cmake_quoted(l);
		} else if (c == '(' || c == ')') {
			l->i++;
			r = add(l, RP_TOK_PUNCT, l->i - 1, l->line);
		} else if ((n = bracket_open(l)) > 0) {
			size_t start = l->i;
			uint32_t line = l->line;

			r = skip_bracket(l, n);
			if (r == 0)
				r = add(l, RP_TOK_STRING, start, line);
		} else {
			r = cmake_word(l);
		}
	}
	return r;
}

/*
 * Pairs brackets. Those of preprocessor lines are paired within their own line;
 * a closing bracket takes the nearest open one of its kind, so that branches of
 * #if with unequal braces spoil as little as possible.
 */
static int match_brackets(struct rp_span text, struct rp_tokens *t, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) uint32_t *stack = NULL;
	size_t depth = 0, cap = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct rp_token *k = &t->v[i];
		char c = k->kind == RP_TOK_PUNCT && k->len == 1 ? (char)text.p[k->off] : ' ';
		char open = c == ')' ? '(' : c == ']' ? '[' : c == '}' ? '{' : '\0';

		if (c == '(' || c == '[' || c == '{') {
			if (rp_array_grow(&stack, &cap, depth, sizeof(*stack)) < 0)
				return RP_NOMEM(err);
			stack[depth++] = (uint32_t)i;
		}
		if (!open)
			continue;
		for (size_t d = depth; d > 0; d--) {
			const struct rp_token *o = &t->v[stack[d - 1]];

			if (o->in_directive != k->in_directive) {
				if (k->in_directive)
					break;
				continue;
			}
			if ((char)text.p[o->off] != open)
				break;
			k->match = stack[d - 1];
			t->v[stack[d - 1]].match = (uint32_t)i;
			depth = d - 1;
			break;
		}
	}
	return 0;
}

int rp_lex(struct rp_span text, enum rp_language lang, struct rp_tokens *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_tokens_free) struct rp_tokens t = RP_TOKENS_INIT;
	struct lexer l = { .s = text, .line = 1, .line_start = true, .out = &t, .err = err };
	const uint8_t *nul = text.n > 0 ? memchr(text.p, 0, text.n) : NULL;
	int r;

	if (text.n >= UINT32_MAX)
		return RP_FAIL(err, -EFBIG, "file of 4 GiB or more");
	if (nul)
		return RP_FAIL(err, -EBADMSG, "NUL byte at offset %zu: not a source file",
			(size_t)(nul - text.p));
	r = lang == RP_LANG_CMAKE ? lex_cmake(&l) : lex_c(&l);
	if (r < 0)
		return r;
	r = match_brackets(text, &t, err);
	if (r < 0)
		return r;
	*ret = t;
	t = (struct rp_tokens)RP_TOKENS_INIT;
	return 0;
}
