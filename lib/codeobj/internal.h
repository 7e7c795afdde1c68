/* SPDX-License-Identifier: MIT */
/* Between the files of lib/codeobj. */
#ifndef RP_CODEOBJ_INTERNAL_H
#define RP_CODEOBJ_INTERNAL_H

#include "codeobj/codeobj.h"

/* Sets chip to target of object by the ELF header alone; false if it is cut. */
RP_MUST_CHECK bool rp_codeobj_read_header(struct rp_span image, struct rp_codeobj *object);

/* Reads the metadata notes into object and its kernels. */
RP_MUST_CHECK int rp_codeobj_read_metadata(struct rp_codeobj *object, struct rp_error *err);

/* Owned memory for decompressed bytes. */
struct rp_unpacked {
	uint8_t *p;
	size_t n;
};
void rp_unpacked_free(struct rp_unpacked *u);

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

/* An entry of a bundle; data and id borrow. */
struct rp_bundle_entry {
	struct rp_span id;
	uint64_t offset, size; /* from the start of the bundle */
};

#define RP_BUNDLE_MAGIC	      "__CLANG_OFFLOAD_BUNDLE__"
#define RP_BUNDLE_MAGIC_BYTES 24u
#define RP_BUNDLE_MAX_ENTRIES 4096u

struct rp_bundle {
	struct rp_span bytes; /* from the magic on */
	uint64_t n_entries;
	uint64_t header_bytes; /* magic, count and entry table */
	uint64_t end; /* largest end of an entry; may be behind bytes if the bundle is cut */
};

/* True if bytes start with the magic of a bundle. */
bool rp_bundle_is(struct rp_span bytes);
/* Checks the entry table. -EBADMSG: not a bundle, or cut. */
RP_MUST_CHECK int rp_bundle_open(struct rp_span bytes, struct rp_bundle *ret, struct rp_error *err);
/* *at starts at 0 and is moved behind the entry; false at the end. */
bool rp_bundle_next(const struct rp_bundle *bundle, uint64_t *at, struct rp_bundle_entry *ret);

struct rp_ccob {
	uint16_t version, method; /* 0 zlib, 1 zstd */
	uint32_t header_bytes;
	uint64_t total_bytes; /* with the header; 0: version 1 does not say */
	uint64_t raw_bytes;
	uint64_t hash; /* low half of the MD5 of the raw bytes; not checked */
};

bool rp_ccob_is(struct rp_span bytes);
RP_MUST_CHECK int rp_ccob_open(struct rp_span bytes, struct rp_ccob *ret, struct rp_error *err);
/* ret_used: bytes of the compressed bundle with its header. */
RP_MUST_CHECK int rp_ccob_unpack(struct rp_span bytes, const struct rp_ccob *header,
	uint64_t max_bytes, struct rp_unpacked *ret, size_t *ret_used, struct rp_error *err);

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
