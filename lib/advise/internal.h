/* SPDX-License-Identifier: MIT */
/* Between the files of lib/advise. */
#ifndef RP_ADVISE_INTERNAL_H
#define RP_ADVISE_INTERNAL_H

#include "advise/advise.h"

/* Where a key is looked for: the subject, then the card, then the machine. */
struct scope {
	const struct rp_facts *facts;
	const char *subject, *card;
	const struct rp_verdict *verdict; /* "found.ID" asks for findings so far */
};

const char *scope_get(const struct scope *s, const char *key); /* or NULL */
bool scope_holds(const struct scope *s, const struct rp_term *when, size_t n_when,
	const struct rp_term *any, size_t n_any);
/* text with each {key} replaced; owned; NULL: out of memory. */
char *scope_fill(const struct scope *s, const char *text);

/* Versions and numbers: "6.17" > "6.8", "123" < "145". <0, 0, >0. */
int compare_versions(const char *a, const char *b);

RP_MUST_CHECK int parse_terms(const struct rp_ini_item *item, const char *file,
	struct rp_term **ret, size_t *ret_n, struct rp_error *err);
void free_terms(struct rp_term *terms, size_t n);

#endif
