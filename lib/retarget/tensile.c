/* SPDX-License-Identifier: MIT */
/* Tensile's data files; see tensile.h. Bytes that name no chip are copied as they are. */
#include "retarget/tensile.h"

#include <ctype.h>

#include "codeobj/msgpack.h"

static bool is_word(uint8_t c)
{
	return isalnum(c) != 0;
}

bool rp_tensile_find_word(struct rp_span text, const char *word, size_t *ret_at)
{
	size_t n = strlen(word), at = 0;

	while (at + n <= text.n) {
		const uint8_t *p = memmem(text.p + at, text.n - at, word, n);
		size_t i;

		if (!p)
			return false;
		i = (size_t)(p - text.p);
		if ((i == 0 || !is_word(p[-1])) && (i + n == text.n || !is_word(p[n]))) {
			*ret_at = i;
			return true;
		}
		at = i + 1;
	}
	return false;
}

bool rp_tensile_is_data_name(const char *name)
{
	size_t n = strlen(name);

	return strncmp(name, "TensileLibrary", 14) == 0 && n > 18 &&
	       strcmp(name + n - 4, ".dat") == 0;
}

/* MessagePack specification, "str format family". */
static void add_string_head(struct rp_buf *b, size_t n)
{
	if (n < 32) {
		rp_buf_addc(b, (char)(uint8_t)(0xa0 | n));
	} else if (n < 256) {
		rp_buf_addc(b, (char)(uint8_t)0xd9);
		rp_buf_addc(b, (char)(uint8_t)n);
	} else {
		rp_buf_addc(b, (char)(uint8_t)0xda);
		rp_buf_addc(b, (char)(uint8_t)(n >> 8));
		rp_buf_addc(b, (char)(uint8_t)n);
	}
}

/* A string with one word replaced. Longer ones than 64 KiB do not occur. */
static int add_renamed(struct rp_span s, size_t at, const char *from, const char *to,
	struct rp_buf *ret, struct rp_error *err)
{
	size_t n_from = strlen(from), n_to = strlen(to), n = s.n - n_from + n_to, again = 0;
	struct rp_span rest = { s.p + at + n_from, s.n - at - n_from };

	if (n > UINT16_MAX || rp_tensile_find_word(rest, from, &again))
		return RP_FAIL(err, -EBADMSG, "Tensile data: a string that names %s twice", from);
	add_string_head(ret, n);
	rp_buf_add(ret, s.p, at);
	rp_buf_add(ret, to, n_to);
	rp_buf_add(ret, rest.p, rest.n);
	return 0;
}

/* The value of a key of the map at m, which is left behind its head. -ENOENT: no such key. */
static int find_key(
	struct rp_msgpack *m, const char *key, struct rp_msgpack *ret, struct rp_error *err)
{
	struct rp_msgpack_item map, name;
	int r = rp_msgpack_expect(m, RP_MSGPACK_MAP, &map, err);

	for (uint32_t i = 0; r == 0 && i < map.v.n; i++) {
		r = rp_msgpack_expect(m, RP_MSGPACK_STR, &name, err);
		if (r == 0 && rp_span_eq_str(name.v.s, key)) {
			*ret = *m;
			return 0;
		}
		if (r == 0)
			r = rp_msgpack_skip(m, err);
	}
	return r < 0 ? r : RP_FAIL(err, -ENOENT, "Tensile data: no \"%s\"", key);
}

static int check_shape(struct rp_span data, struct rp_error *err)
{
	struct rp_msgpack m = { data, 0 }, found;
	int r = find_key(&m, "solutions", &found, err);

	m = (struct rp_msgpack){ data, 0 };
	if (r == 0)
		r = find_key(&m, "library", &found, err);
	m = (struct rp_msgpack){ data, 0 };
	if (r == 0)
		r = rp_msgpack_skip(&m, err);
	if (r == 0 && m.offset != data.n)
		r = RP_FAIL(
			err, -EBADMSG, "Tensile data: %zu bytes behind the end", data.n - m.offset);
	return r == -ENOENT ? -EBADMSG : r;
}

int rp_tensile_rename(struct rp_span data, const char *from, const char *to, struct rp_buf *ret,
	struct rp_error *err)
{
	struct rp_msgpack m = { data, 0 };
	size_t copied = 0;
	int r = check_shape(data, err);

	while (r == 0 && m.offset < data.n) {
		struct rp_msgpack_item item;
		size_t at;

		r = rp_msgpack_next(&m, &item, err);
		if (r < 0 || item.type != RP_MSGPACK_STR ||
			!rp_tensile_find_word(item.v.s, from, &at))
			continue;
		rp_buf_add(ret, data.p + copied, item.offset - copied);
		copied = m.offset;
		r = add_renamed(item.v.s, at, from, to, ret, err);
	}
	if (r < 0)
		return r;
	rp_buf_add(ret, data.p + copied, data.n - copied);
	return rp_buf_check(ret, err);
}

/* The rows of the Hardware library: bytes of the last n_last ones (all: UINT32_MAX) and how many there are. */
static int rows(struct rp_span data, uint32_t n_last, struct rp_span *ret, uint32_t *ret_n,
	struct rp_error *err)
{
	struct rp_msgpack m = { data, 0 }, library, value;
	struct rp_msgpack_item item;
	size_t start;
	int r = find_key(&m, "library", &library, err);

	m = library;
	if (r == 0)
		r = find_key(&m, "type", &value, err);
	if (r == 0)
		r = rp_msgpack_expect(&value, RP_MSGPACK_STR, &item, err);
	if (r == 0 && !rp_span_eq_str(item.v.s, "Hardware"))
		r = RP_FAIL(err, -ENOTSUP, "Tensile data: not chosen by hardware");
	m = library;
	if (r == 0)
		r = find_key(&m, "rows", &value, err);
	if (r == 0)
		r = rp_msgpack_expect(&value, RP_MSGPACK_ARRAY, &item, err);
	start = value.offset;
	for (uint32_t i = 0; r == 0 && i < item.v.n; i++) {
		if (n_last < item.v.n && i == item.v.n - n_last)
			start = value.offset;
		r = rp_msgpack_skip(&value, err);
	}
	if (r < 0)
		return r;
	*ret = rp_span_of(data.p + start, value.offset - start);
	*ret_n = item.v.n;
	return 0;
}

int rp_tensile_covers(struct rp_span data, struct rp_span other, struct rp_error *err)
{
	struct rp_span theirs, ours;
	uint32_t n_theirs = 0, n_ours = 0;
	int r = rows(other, UINT32_MAX, &theirs, &n_theirs, err);

	if (r == 0)
		r = rows(data, n_theirs, &ours, &n_ours, err);
	if (r < 0)
		return r;
	if (n_ours < n_theirs || !rp_span_eq(ours, theirs))
		return RP_FAIL(err, -ENOTSUP,
			"Tensile data: the library for the card has rows that the other has not");
	return 0;
}
