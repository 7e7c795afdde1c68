/* SPDX-License-Identifier: MIT */
/*
 * The bounded reader: borrowed bytes, never owned. All untrusted input (ELF,
 * bundles, msgpack, archives, sysfs, logs) is read through these functions:
 * no cast of file bytes to a struct, explicit width and endianness.
 */
#ifndef RP_BASE_SPAN_H
#define RP_BASE_SPAN_H

#include <string.h>

#include "base/macro.h"

struct rp_span {
	const uint8_t *p;
	size_t n;
};

static inline struct rp_span rp_span_of(const void *p, size_t n)
{
	return (struct rp_span){ (const uint8_t *)p, n };
}

static inline struct rp_span rp_span_str(const char *s)
{
	return rp_span_of(s, strlen(s));
}

/* False if [off, off + len) is not inside s; ret is then untouched. */
RP_MUST_CHECK static inline bool rp_span_sub(
	struct rp_span s, uint64_t off, uint64_t len, struct rp_span *ret)
{
	if (off > s.n || len > s.n - off)
		return false;
	/* an empty span may have no address, to which not even 0 may be added */
	*ret = (struct rp_span){ off ? s.p + off : s.p, (size_t)len };
	return true;
}

/* Everything from off on. */
RP_MUST_CHECK static inline bool rp_span_from(struct rp_span s, uint64_t off, struct rp_span *ret)
{
	return off <= s.n && rp_span_sub(s, off, s.n - off, ret);
}

/* Fixed-width integers at byte offset off; false if they do not fit. */
RP_MUST_CHECK static inline bool rp_span_u8(struct rp_span s, uint64_t off, uint8_t *ret)
{
	if (off >= s.n)
		return false;
	*ret = s.p[off];
	return true;
}

#define RP_SPAN_INT_(name, type, bytes, shift)                                           \
	RP_MUST_CHECK static inline bool name(struct rp_span s, uint64_t off, type *ret) \
	{                                                                                \
		struct rp_span v;                                                        \
		type r = 0;                                                              \
                                                                                         \
		if (!rp_span_sub(s, off, (bytes), &v))                                   \
			return false;                                                    \
		for (unsigned int i = 0; i < (bytes); i++)                               \
			r = (type)(r | (type)((type)v.p[i] << (shift)));                 \
		*ret = r;                                                                \
		return true;                                                             \
	}

RP_SPAN_INT_(rp_span_le16, uint16_t, 2u, 8u * i)
RP_SPAN_INT_(rp_span_le32, uint32_t, 4u, 8u * i)
RP_SPAN_INT_(rp_span_le64, uint64_t, 8u, 8u * i)
RP_SPAN_INT_(rp_span_be16, uint16_t, 2u, 8u * (1u - i))
RP_SPAN_INT_(rp_span_be32, uint32_t, 4u, 8u * (3u - i))
RP_SPAN_INT_(rp_span_be64, uint64_t, 8u, 8u * (7u - i))

static inline bool rp_span_eq(struct rp_span a, struct rp_span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool rp_span_eq_str(struct rp_span a, const char *s)
{
	return rp_span_eq(a, rp_span_str(s));
}

static inline bool rp_span_starts(struct rp_span a, const char *s)
{
	size_t n = strlen(s);

	return a.n >= n && memcmp(a.p, s, n) == 0;
}

/* The bytes before the NUL at or after off; false if there is no NUL inside s. */
RP_MUST_CHECK bool rp_span_cstr(struct rp_span s, uint64_t off, struct rp_span *ret);

/* Cuts the next line (without "\n") off *s; false at the end. A last line needs no newline. */
bool rp_span_line(struct rp_span *s, struct rp_span *ret_line);

/* Without blanks (space, tab, CR) at both ends. */
struct rp_span rp_span_trim(struct rp_span s);

/* Decimal or 0x-hexadecimal number that fills all of s; false otherwise or on overflow. */
RP_MUST_CHECK bool rp_span_number(struct rp_span s, uint64_t *ret);

/* Owned NUL-terminated copy; NULL: out of memory, or a NUL inside s. */
RP_MUST_CHECK char *rp_span_dup(struct rp_span s);

#endif
