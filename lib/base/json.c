/* SPDX-License-Identifier: MIT */
/* The streaming JSON writer of base/json.h. */
#include "base/json.h"

#include <assert.h>
#include <inttypes.h>

void rp_json_init(struct rp_json *j, struct rp_buf *out, bool pretty)
{
	*j = (struct rp_json){ .out = out, .pretty = pretty };
}

static void new_line(struct rp_json *j)
{
	if (!j->pretty)
		return;
	rp_buf_addc(j->out, '\n');
	for (unsigned int i = 0; i < j->depth; i++)
		rp_buf_adds(j->out, "  ");
}

/* What stands before a value or a key: comma, line break, nothing behind a key. */
static void lead(struct rp_json *j, bool is_key)
{
	if (j->after_key) {
		assert(!is_key);
		j->after_key = false;
		return;
	}
	if (j->depth == 0)
		return;
	assert(j->is_object[j->depth - 1] == is_key);
	if (j->has_member[j->depth - 1])
		rp_buf_addc(j->out, ',');
	j->has_member[j->depth - 1] = true;
	new_line(j);
}

void rp_json_begin(struct rp_json *j, char kind)
{
	assert(kind == '{' || kind == '[');
	assert(j->depth < RP_JSON_DEPTH);
	lead(j, false);
	rp_buf_addc(j->out, kind);
	j->is_object[j->depth] = kind == '{';
	j->has_member[j->depth] = false;
	j->depth++;
}

void rp_json_end(struct rp_json *j, char kind)
{
	bool any;

	assert(j->depth > 0 && !j->after_key);
	j->depth--;
	assert(j->is_object[j->depth] == (kind == '}'));
	any = j->has_member[j->depth];
	if (any)
		new_line(j);
	rp_buf_addc(j->out, kind);
}

/* Length of the valid UTF-8 sequence at p (RFC 3629), 0 if there is none. */
static size_t utf8_len(const uint8_t *p, size_t n)
{
	static const struct {
		uint8_t lo, hi, second_lo, second_hi, len;
	} forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < RP_ARRAY_SIZE(forms); i++) {
		if (p[0] < forms[i].lo || p[0] > forms[i].hi)
			continue;
		if (forms[i].len > n)
			return 0;
		if (forms[i].len > 1 && (p[1] < forms[i].second_lo || p[1] > forms[i].second_hi))
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

static void add_escaped(struct rp_buf *out, struct rp_span s)
{
	size_t i = 0, len;

	rp_buf_addc(out, '"');
	while (i < s.n) {
		uint8_t c = s.p[i];

		if (c == '"' || c == '\\') {
			rp_buf_addc(out, '\\');
			rp_buf_addc(out, (char)c);
			i++;
		} else if (c == '\n') {
			rp_buf_adds(out, "\\n");
			i++;
		} else if (c == '\t') {
			rp_buf_adds(out, "\\t");
			i++;
		} else if (c < 0x20 || c == 0x7f) {
			rp_buf_addf(out, "\\u%04x", c);
			i++;
		} else {
			len = utf8_len(s.p + i, s.n - i);
			if (len == 0) {
				rp_buf_adds(out, "\xef\xbf\xbd");
				i++;
			} else {
				rp_buf_add(out, s.p + i, len);
				i += len;
			}
		}
	}
	rp_buf_addc(out, '"');
}

void rp_json_key(struct rp_json *j, const char *key)
{
	lead(j, true);
	add_escaped(j->out, rp_span_str(key));
	rp_buf_adds(j->out, j->pretty ? ": " : ":");
	j->after_key = true;
}

void rp_json_span(struct rp_json *j, struct rp_span s)
{
	lead(j, false);
	add_escaped(j->out, s);
}

void rp_json_str(struct rp_json *j, const char *s)
{
	if (s)
		rp_json_span(j, rp_span_str(s));
	else
		rp_json_null(j);
}

void rp_json_int(struct rp_json *j, int64_t v)
{
	lead(j, false);
	rp_buf_addf(j->out, "%" PRId64, v);
}

void rp_json_uint(struct rp_json *j, uint64_t v)
{
	lead(j, false);
	rp_buf_addf(j->out, "%" PRIu64, v);
}

void rp_json_bool(struct rp_json *j, bool v)
{
	lead(j, false);
	rp_buf_adds(j->out, v ? "true" : "false");
}

void rp_json_null(struct rp_json *j)
{
	lead(j, false);
	rp_buf_adds(j->out, "null");
}

void rp_json_kstr(struct rp_json *j, const char *key, const char *s)
{
	rp_json_key(j, key);
	rp_json_str(j, s);
}

void rp_json_kint(struct rp_json *j, const char *key, int64_t v)
{
	rp_json_key(j, key);
	rp_json_int(j, v);
}

void rp_json_kuint(struct rp_json *j, const char *key, uint64_t v)
{
	rp_json_key(j, key);
	rp_json_uint(j, v);
}

void rp_json_kbool(struct rp_json *j, const char *key, bool v)
{
	rp_json_key(j, key);
	rp_json_bool(j, v);
}

void rp_json_kbegin(struct rp_json *j, const char *key, char kind)
{
	rp_json_key(j, key);
	rp_json_begin(j, kind);
}
