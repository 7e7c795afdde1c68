/* SPDX-License-Identifier: MIT */
/* Matching token patterns; see patch/pattern.h. */
#include "patch/pattern.h"

/* Steps of one search. Planning real patches takes some thousands. */
#define MAX_STEPS 50000000u

struct search {
	const struct rp_pattern *p;
	struct rp_span pt; /* text of the pattern */
	struct rp_span text;
	const struct rp_tokens *tokens;
	size_t to;
	size_t steps;
	size_t best; /* most pattern tokens matched so far, for rp_pattern_nearest */
};

int rp_pattern_compile(
	const char *text, enum rp_language lang, struct rp_pattern *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_pattern_free) struct rp_pattern p = RP_PATTERN_INIT;
	const struct rp_token *first, *last;
	int r;

	p.text = strdup(text);
	if (!p.text)
		return RP_NOMEM(err);
	r = rp_lex(rp_span_str(p.text), lang, &p.tokens, err);
	if (r < 0)
		return rp_error_prefix(err, r, "anchor");
	if (p.tokens.n == 0)
		return RP_FAIL(err, -EBADMSG, "anchor: no token");
	first = &p.tokens.v[0];
	last = &p.tokens.v[p.tokens.n - 1];
	if (rp_token_is(rp_span_str(p.text), first, "...") ||
		rp_token_is(rp_span_str(p.text), last, "..."))
		return RP_FAIL(err, -EBADMSG, "anchor: \"...\" cannot be its first or last token");
	*ret = p;
	p = (struct rp_pattern)RP_PATTERN_INIT;
	return 0;
}

void rp_pattern_free(struct rp_pattern *p)
{
	free(p->text);
	rp_tokens_free(&p->tokens);
	*p = (struct rp_pattern)RP_PATTERN_INIT;
}

void rp_match_list_free(struct rp_match_list *l)
{
	free(l->v);
	*l = (struct rp_match_list)RP_MATCH_LIST_INIT;
}

static bool token_matches(
	const struct search *s, const struct rp_token *want, const struct rp_token *t)
{
	struct rp_span w = rp_token_text(s->pt, want), h = rp_token_text(s->text, t);

	if (rp_span_eq(w, h))
		return true;
	/* "begin..." */
	if (want->kind == RP_TOK_STRING && t->kind == RP_TOK_STRING && w.n >= 5 &&
		memcmp(w.p + w.n - 4, "...\"", 4) == 0)
		return h.n >= w.n - 4 && memcmp(h.p, w.p, w.n - 4) == 0;
	return false;
}

static bool is_close(struct rp_span text, const struct rp_token *t)
{
	return t->kind == RP_TOK_PUNCT && t->len == 1 && strchr(")]}", text.p[t->off]) != NULL;
}

static bool is_open(struct rp_span text, const struct rp_token *t)
{
	return t->kind == RP_TOK_PUNCT && t->len == 1 && strchr("([{", text.p[t->off]) != NULL;
}

/* Matches pattern tokens from pi on at token ti. 1: yes, *ret_end set; 0: no; -E2BIG. */
static int match_at(struct search *s, size_t pi, size_t ti, size_t *ret_end)
{
	for (; pi < s->p->tokens.n; pi++, ti++) {
		const struct rp_token *want = &s->p->tokens.v[pi];

		if (++s->steps > MAX_STEPS)
			return -E2BIG;
		if (want->kind == RP_TOK_PUNCT || want->kind == RP_TOK_WORD) {
			if (rp_token_is(s->pt, want, "...")) {
				for (;;) {
					const struct rp_token *t;
					int r = match_at(s, pi + 1, ti, ret_end);

					if (r != 0)
						return r;
					if (ti >= s->to)
						return 0;
					t = &s->tokens->v[ti];
					if (is_close(s->text, t))
						return 0;
					if (is_open(s->text, t)) {
						if (t->match == RP_TOKEN_NO_MATCH || t->match < ti)
							return 0;
						ti = t->match;
					}
					ti++;
				}
			}
		}
		if (ti >= s->to || !token_matches(s, want, &s->tokens->v[ti]))
			return 0;
		if (pi + 1 > s->best)
			s->best = pi + 1;
	}
	*ret_end = ti;
	return 1;
}

int rp_pattern_find(const struct rp_pattern *p, struct rp_span text, const struct rp_tokens *tokens,
	size_t from, size_t to, struct rp_match_list *ret, struct rp_error *err)
{
	struct search s = {
		.p = p, .pt = rp_span_str(p->text), .text = text, .tokens = tokens, .to = to
	};
	size_t end;
	int r;

	for (size_t i = from; i < to; i++) {
		r = match_at(&s, 0, i, &end);
		if (r < 0)
			return RP_FAIL(err, r, "anchor has too many \"...\": search given up");
		if (r == 0)
			continue;
		if (rp_array_grow(&ret->v, &ret->cap, ret->n, sizeof(*ret->v)) < 0)
			return RP_NOMEM(err);
		ret->v[ret->n++] = (struct rp_match){ i, end };
	}
	return 0;
}

bool rp_pattern_nearest(const struct rp_pattern *p, struct rp_span text,
	const struct rp_tokens *tokens, size_t from, size_t to, size_t *ret_token,
	size_t *ret_matched)
{
	struct search s = {
		.p = p, .pt = rp_span_str(p->text), .text = text, .tokens = tokens, .to = to
	};
	size_t best = 0, where = 0, end;

	for (size_t i = from; i < to; i++) {
		s.best = 0;
		if (match_at(&s, 0, i, &end) < 0)
			break;
		if (s.best > best) {
			best = s.best;
			where = i;
		}
	}
	if (best == 0)
		return false;
	*ret_token = where;
	*ret_matched = best;
	return true;
}
