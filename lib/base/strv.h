/* SPDX-License-Identifier: MIT */
/*
 * NULL-terminated vectors of owned strings (argv, environ, lists in recipes).
 */
#ifndef RP_BASE_STRV_H
#define RP_BASE_STRV_H

#include "base/error.h"
#include "base/span.h"

struct rp_strv {
	char **v; /* n strings and a NULL behind them; NULL while empty */
	size_t n;
	size_t cap;
};

#define RP_STRV_INIT       \
	{                  \
		NULL, 0, 0 \
	}

#define RP_STRV_FOREACH(it, sv) for (char **it = (sv)->v; it && it < (sv)->v + (sv)->n; it++)

void rp_strv_free(struct rp_strv *sv);
RP_MUST_CHECK int rp_strv_add(struct rp_strv *sv, const char *s, struct rp_error *err);
RP_MUST_CHECK int rp_strv_addf(struct rp_strv *sv, struct rp_error *err, const char *fmt, ...)
	RP_PRINTF(3, 4);
RP_MUST_CHECK int rp_strv_add_all(struct rp_strv *sv, const char *const *v, struct rp_error *err);
bool rp_strv_has(const struct rp_strv *sv, const char *s);

/* Appends the blank- or comma-separated words of s. */
RP_MUST_CHECK int rp_strv_split(struct rp_strv *sv, struct rp_span s, struct rp_error *err);

/* Sets NAME=value in a vector of environment strings, in place of an earlier one. */
RP_MUST_CHECK int rp_strv_setenv(
	struct rp_strv *env, const char *name, const char *value, struct rp_error *err);
const char *rp_strv_getenv(const struct rp_strv *env, const char *name);

#endif
