/* SPDX-License-Identifier: MIT */
/*
 * Token patterns. A pattern is lexed like the file; "..." in it matches any
 * run of tokens whose brackets balance, also an empty one, the shortest first. A
 * string literal that ends in ...") matches every string with that beginning.
 */
#ifndef RP_PATCH_PATTERN_H
#define RP_PATCH_PATTERN_H

#include "patch/lexer.h"

struct rp_pattern {
	char *text; /* owned */
	struct rp_tokens tokens;
};

#define RP_PATTERN_INIT              \
	{                            \
		NULL, RP_TOKENS_INIT \
	}

RP_MUST_CHECK int rp_pattern_compile(
	const char *text, enum rp_language lang, struct rp_pattern *ret, struct rp_error *err);
void rp_pattern_free(struct rp_pattern *p);

struct rp_match {
	size_t first, end; /* token indexes: [first, end) */
};

struct rp_match_list {
	struct rp_match *v;
	size_t n, cap;
};

#define RP_MATCH_LIST_INIT \
	{                  \
		NULL, 0, 0 \
	}

/*
 * Appends every match that lies inside tokens [from, to). -E2BIG: the pattern has
 * so many wildcards that the search was given up; the list is then incomplete.
 */
RP_MUST_CHECK int rp_pattern_find(const struct rp_pattern *p, struct rp_span text,
	const struct rp_tokens *tokens, size_t from, size_t to, struct rp_match_list *ret,
	struct rp_error *err);
void rp_match_list_free(struct rp_match_list *l);

/* For messages: the place in [from, to) where most leading tokens match. False: not even one. */
bool rp_pattern_nearest(const struct rp_pattern *p, struct rp_span text,
	const struct rp_tokens *tokens, size_t from, size_t to, size_t *ret_token,
	size_t *ret_matched);

#endif
