/* SPDX-License-Identifier: MIT */
/*
 * A growable byte buffer that is always NUL-terminated (the NUL does not count).
 * Appending never fails visibly: a failed allocation sets `failed`, later
 * appends do nothing, and the owner asks once, with rp_buf_check, at the end.
 */
#ifndef RP_BASE_BUF_H
#define RP_BASE_BUF_H

#include "base/error.h"
#include "base/macro.h"
#include "base/span.h"

struct rp_buf {
	char *p; /* owned; NULL while empty: use rp_buf_cstr for text */
	size_t n;
	size_t cap;
	bool failed;
};

#define RP_BUF_INIT               \
	{                         \
		NULL, 0, 0, false \
	}

void rp_buf_free(struct rp_buf *b);
void rp_buf_clear(struct rp_buf *b); /* n = 0, memory kept */
void rp_buf_add(struct rp_buf *b, const void *p, size_t n);
void rp_buf_addc(struct rp_buf *b, char c);
void rp_buf_adds(struct rp_buf *b, const char *s);
void rp_buf_addf(struct rp_buf *b, const char *fmt, ...) RP_PRINTF(2, 3);
void rp_buf_vaddf(struct rp_buf *b, const char *fmt, va_list ap) RP_PRINTF(2, 0);
bool rp_buf_reserve(struct rp_buf *b, size_t extra); /* room for extra more bytes */
const char *rp_buf_cstr(const struct rp_buf *b); /* "" while empty, never NULL */
RP_MUST_CHECK int rp_buf_check(const struct rp_buf *b, struct rp_error *err); /* 0 or -ENOMEM */
RP_MUST_CHECK char *rp_buf_steal(struct rp_buf *b); /* owned text; NULL: out of memory */

static inline struct rp_span rp_buf_span(const struct rp_buf *b)
{
	return (struct rp_span){ (const uint8_t *)b->p, b->n };
}

/* printf into new memory; NULL: out of memory. */
RP_MUST_CHECK char *rp_asprintf(const char *fmt, ...) RP_PRINTF(1, 2);

#endif
