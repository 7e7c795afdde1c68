/* SPDX-License-Identifier: MIT */
/*
 * A streaming JSON writer (RFC 8259) into a buffer. Bytes that are not valid
 * UTF-8 become U+FFFD, so the output is always valid. Nesting errors are bugs
 * and assert. Depth is limited to RP_JSON_DEPTH.
 */
#ifndef RP_BASE_JSON_H
#define RP_BASE_JSON_H

#include "base/buf.h"

#define RP_JSON_DEPTH 32

struct rp_json {
	struct rp_buf *out; /* borrowed */
	bool pretty; /* two blanks of indentation, else one line */
	uint8_t depth;
	bool has_member[RP_JSON_DEPTH];
	bool is_object[RP_JSON_DEPTH];
	bool after_key;
};

void rp_json_init(struct rp_json *j, struct rp_buf *out, bool pretty);
void rp_json_begin(struct rp_json *j, char kind); /* '{' or '[' */
void rp_json_end(struct rp_json *j, char kind); /* '}' or ']' */
void rp_json_key(struct rp_json *j, const char *key);
void rp_json_str(struct rp_json *j, const char *s); /* NULL: null */
void rp_json_span(struct rp_json *j, struct rp_span s);
void rp_json_int(struct rp_json *j, int64_t v);
void rp_json_uint(struct rp_json *j, uint64_t v);
void rp_json_bool(struct rp_json *j, bool v);
void rp_json_null(struct rp_json *j);

/* "key": value in one call. */
void rp_json_kstr(struct rp_json *j, const char *key, const char *s);
void rp_json_kint(struct rp_json *j, const char *key, int64_t v);
void rp_json_kuint(struct rp_json *j, const char *key, uint64_t v);
void rp_json_kbool(struct rp_json *j, const char *key, bool v);
void rp_json_kbegin(struct rp_json *j, const char *key, char kind);

#endif
