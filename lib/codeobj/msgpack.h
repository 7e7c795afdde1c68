/* SPDX-License-Identifier: MIT */
/*
 * A pull reader of MessagePack over untrusted bytes: no recursion, no allocation;
 * a container's count is only believed if the bytes left could hold it.
 * Source: the MessagePack specification (msgpack/spec.md).
 */
#ifndef RP_CODEOBJ_MSGPACK_H
#define RP_CODEOBJ_MSGPACK_H

#include "base/base.h"

enum rp_msgpack_type {
	RP_MSGPACK_NIL,
	RP_MSGPACK_BOOL,
	RP_MSGPACK_UINT,
	RP_MSGPACK_INT, /* negative numbers only */
	RP_MSGPACK_FLOAT,
	RP_MSGPACK_STR,
	RP_MSGPACK_BIN,
	RP_MSGPACK_EXT,
	RP_MSGPACK_ARRAY, /* n values follow */
	RP_MSGPACK_MAP, /* n pairs of values follow */
};

struct rp_msgpack_item {
	enum rp_msgpack_type type;
	union {
		bool b;
		uint64_t u;
		int64_t i;
		uint64_t bits; /* FLOAT: the raw bits, 4 or 8 bytes of them */
		struct rp_span s; /* STR, BIN, EXT */
		uint32_t n; /* ARRAY, MAP */
	} v;
	size_t offset; /* of its first byte */
};

struct rp_msgpack {
	struct rp_span data;
	size_t offset;
};

/* 0; -EBADMSG: malformed or cut, err names the offset; -ENODATA: at the end. */
RP_MUST_CHECK int rp_msgpack_next(
	struct rp_msgpack *m, struct rp_msgpack_item *ret, struct rp_error *err);
/* Passes over one whole value with everything in it. */
RP_MUST_CHECK int rp_msgpack_skip(struct rp_msgpack *m, struct rp_error *err);

/* As rp_msgpack_next; another type is -EBADMSG. */
RP_MUST_CHECK int rp_msgpack_expect(struct rp_msgpack *m, enum rp_msgpack_type type,
	struct rp_msgpack_item *ret, struct rp_error *err);

const char *rp_msgpack_type_name(enum rp_msgpack_type type);

#endif
