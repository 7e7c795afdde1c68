/* SPDX-License-Identifier: MIT */
/* The growable buffer of base/buf.h. */
#include "base/buf.h"

#include <stdio.h>

void rp_buf_free(struct rp_buf *b)
{
	free(b->p);
	*b = (struct rp_buf)RP_BUF_INIT;
}

void rp_buf_clear(struct rp_buf *b)
{
	b->n = 0;
	if (b->p)
		b->p[0] = '\0';
}

bool rp_buf_reserve(struct rp_buf *b, size_t extra)
{
	size_t need, cap;
	char *p;

	if (b->failed)
		return false;
	if (!rp_size_add(b->n, extra, &need) || !rp_size_add(need, 1, &need))
		goto fail;
	if (need <= b->cap)
		return true;
	cap = b->cap ? b->cap : 64;
	while (cap < need) {
		if (cap > SIZE_MAX / 2) {
			cap = need;
			break;
		}
		cap *= 2;
	}
	p = realloc(b->p, cap);
	if (!p)
		goto fail;
	b->p = p;
	b->cap = cap;
	b->p[b->n] = '\0';
	return true;
fail:
	b->failed = true;
	return false;
}

void rp_buf_add(struct rp_buf *b, const void *p, size_t n)
{
	if (n == 0 || !rp_buf_reserve(b, n))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void rp_buf_addc(struct rp_buf *b, char c)
{
	rp_buf_add(b, &c, 1);
}

void rp_buf_adds(struct rp_buf *b, const char *s)
{
	rp_buf_add(b, s, strlen(s));
}

void rp_buf_vaddf(struct rp_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		b->failed = true;
	else if (rp_buf_reserve(b, (size_t)n)) {
		(void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void rp_buf_addf(struct rp_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	rp_buf_vaddf(b, fmt, ap);
	va_end(ap);
}

const char *rp_buf_cstr(const struct rp_buf *b)
{
	return b->p ? b->p : "";
}

int rp_buf_check(const struct rp_buf *b, struct rp_error *err)
{
	return b->failed ? RP_NOMEM(err) : 0;
}

char *rp_buf_steal(struct rp_buf *b)
{
	char *p;

	if (!rp_buf_reserve(b, 0)) {
		rp_buf_free(b);
		return NULL;
	}
	p = b->p;
	*b = (struct rp_buf)RP_BUF_INIT;
	return p;
}

char *rp_asprintf(const char *fmt, ...)
{
	struct rp_buf b = RP_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	rp_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	return rp_buf_steal(&b);
}
