/* SPDX-License-Identifier: MIT */
/*
 * The text format of recipes, configuration and recorded state:
 *   # comment            ; at the start of a line only
 *   [section]            a section may repeat; order is kept
 *   key = value          blanks around both are cut
 *     more of the value  a line that starts with a blank goes on, joined by "\n"
 * Keys before the first section belong to section "". Errors name the line.
 */
#ifndef RP_BASE_INI_H
#define RP_BASE_INI_H

#include "base/buf.h"
#include "base/error.h"

struct rp_ini_item {
	char *section; /* owned */
	char *key; /* owned; NULL: the section header itself */
	char *value; /* owned; "" for a header */
	unsigned int line; /* 1-based */
	unsigned int section_no; /* 0: before the first header, then 1, 2, ... */
};

struct rp_ini {
	char *name; /* owned: what messages call it */
	struct rp_ini_item *items;
	size_t n;
	size_t cap;
};

#define RP_INI_INIT              \
	{                        \
		NULL, NULL, 0, 0 \
	}

/* -EBADMSG with "name:line: reason" for malformed text, NUL bytes or duplicate keys in one section. */
RP_MUST_CHECK int rp_ini_parse(
	struct rp_span text, const char *name, struct rp_ini *ret, struct rp_error *err);
void rp_ini_free(struct rp_ini *ini);

/* First value of key in the first section of that name; NULL: absent. Borrowed from ini. */
const char *rp_ini_get(const struct rp_ini *ini, const char *section, const char *key);

/* As rp_ini_get, but absence or an empty value is -EBADMSG with a line that says so. */
RP_MUST_CHECK int rp_ini_need(const struct rp_ini *ini, const char *section, const char *key,
	const char **ret, struct rp_error *err);

/* -EBADMSG if section has a key that is not in the NULL-terminated list: typos are errors. */
RP_MUST_CHECK int rp_ini_only(const struct rp_ini *ini, const char *section,
	const char *const *keys, struct rp_error *err);

#endif
