/* SPDX-License-Identifier: MIT */
/* The parts of the bounded reader that are too long to inline. */
#include "base/span.h"

bool rp_span_cstr(struct rp_span s, uint64_t off, struct rp_span *ret)
{
	struct rp_span rest;
	const uint8_t *end;

	if (!rp_span_from(s, off, &rest) || rest.n == 0)
		return false;
	end = memchr(rest.p, 0, rest.n);
	if (!end)
		return false;
	*ret = rp_span_of(rest.p, (size_t)(end - rest.p));
	return true;
}

bool rp_span_line(struct rp_span *s, struct rp_span *ret_line)
{
	const uint8_t *end;
	size_t n;

	if (s->n == 0)
		return false;
	end = memchr(s->p, '\n', s->n);
	n = end ? (size_t)(end - s->p) : s->n;
	*ret_line = rp_span_of(s->p, n);
	if (end)
		n++;
	*s = rp_span_of(s->p + n, s->n - n);
	return true;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct rp_span rp_span_trim(struct rp_span s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool rp_span_number(struct rp_span s, uint64_t *ret)
{
	unsigned int base = 10;
	uint64_t v = 0;

	if (s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X')) {
		base = 16;
		s.p += 2;
		s.n -= 2;
	}
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned int c = s.p[i], d;

		if (c >= '0' && c <= '9')
			d = c - '0';
		else if (c >= 'a' && c <= 'f')
			d = c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			d = c - 'A' + 10;
		else
			return false;
		if (d >= base || __builtin_mul_overflow(v, base, &v) ||
			__builtin_add_overflow(v, d, &v))
			return false;
	}
	*ret = v;
	return true;
}

char *rp_span_dup(struct rp_span s)
{
	char *p;

	if (s.n > 0 && memchr(s.p, 0, s.n))
		return NULL;
	p = malloc(s.n + 1);
	if (!p)
		return NULL;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}
