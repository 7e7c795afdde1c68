/* SPDX-License-Identifier: MIT */
/* Between the files of lib/codeobj. */
#ifndef RP_CODEOBJ_INTERNAL_H
#define RP_CODEOBJ_INTERNAL_H

#include "codeobj/bundle.h"
#include "codeobj/codeobj.h"

/* Sets chip to target of object by the ELF header alone; false if it is cut. */
RP_MUST_CHECK bool rp_codeobj_read_header(struct rp_span image, struct rp_codeobj *object);

/* Reads the metadata notes into object and its kernels. */
RP_MUST_CHECK int rp_codeobj_read_metadata(struct rp_codeobj *object, struct rp_error *err);

/*
 * Exactly n_out bytes of raw deflate (is_raw) or zlib data. -EBADMSG: malformed, or
 * more or fewer bytes. ret_used: bytes of packed that were read; may be NULL.
 */
RP_MUST_CHECK int rp_unpack_zlib(struct rp_span packed, bool is_raw, size_t n_out,
	struct rp_unpacked *ret, size_t *ret_used, struct rp_error *err);
/* The same for one zstd frame at the start of packed. */
RP_MUST_CHECK int rp_unpack_zstd(struct rp_span packed, size_t n_out, struct rp_unpacked *ret,
	size_t *ret_used, struct rp_error *err);

/* The first bytes of raw deflate data, at most n_out; fewer if the data is cut or malformed. */
size_t rp_unpack_start(struct rp_span packed, uint8_t *out, size_t n_out);

/* Archives: fn gets each member's name and stored bytes. method 8: deflate, n_raw bytes when unpacked. */
struct rp_member {
	struct rp_span name;
	struct rp_span data;
	uint64_t offset; /* of data in the archive */
	uint64_t n_raw;
	uint16_t method;
};
typedef int (*rp_member_fn)(void *data, const struct rp_member *member, struct rp_error *err);
/* A member that cannot be read: damage says why; at is its place in the archive. */
typedef int (*rp_member_damage_fn)(void *data, struct rp_span name, uint64_t at,
	const struct rp_error *damage, struct rp_error *err);

bool rp_ar_is(struct rp_span bytes);
bool rp_zip_is(struct rp_span bytes);
RP_MUST_CHECK int rp_ar_members(struct rp_span bytes, rp_member_fn fn, rp_member_damage_fn damage,
	void *data, struct rp_error *err);
RP_MUST_CHECK int rp_zip_members(struct rp_span bytes, rp_member_fn fn, rp_member_damage_fn damage,
	void *data, struct rp_error *err);

#define RP_FIND_DRAIN_BYTES (UINT64_C(64) << 20) /* handed out between two drains */

/* A search: what is the same for all bytes of it. */
struct rp_find {
	const struct rp_ctx *ctx;
	struct rp_codeobj_options options;
	const struct rp_codeobj_visitor *visitor;
	struct rp_codeobj_stats stats;
	/* Of the file that is looked at now: */
	const char *path;
	struct rp_span mapped; /* its whole mapping; empty: memory of somebody else */
	uint64_t pending_bytes; /* handed out since the last drain */
	uint64_t unpack_budget;
};

/* Looks at the bytes of a file. 0; what the visitor returned; -ECANCELED; -ENOMEM. */
RP_MUST_CHECK int rp_find_in_file(struct rp_find *f, struct rp_span bytes, struct rp_error *err);
/* Tells the visitor of damage to the whole file at f->path. */
RP_MUST_CHECK int rp_find_file_damage(
	struct rp_find *f, const struct rp_error *damage, struct rp_error *err);

#endif
