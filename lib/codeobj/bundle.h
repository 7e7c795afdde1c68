/* SPDX-License-Identifier: MIT */
/*
 * Offload bundles, plain and compressed, for those that look into them themselves (lib/retarget);
 * rp_codeobj_find is the way to the code objects in them.
 */
#ifndef RP_CODEOBJ_BUNDLE_H
#define RP_CODEOBJ_BUNDLE_H

#include "base/base.h"

/* Owned memory for decompressed bytes. */
struct rp_unpacked {
	uint8_t *p;
	size_t n;
};
void rp_unpacked_free(struct rp_unpacked *u);

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
	uint64_t hash; /* low half of the MD5 of the raw bytes; rp_ccob_unpack does not check it */
};

bool rp_ccob_is(struct rp_span bytes);
RP_MUST_CHECK int rp_ccob_open(struct rp_span bytes, struct rp_ccob *ret, struct rp_error *err);
/* ret_used: bytes of the compressed bundle with its header. */
RP_MUST_CHECK int rp_ccob_unpack(struct rp_span bytes, const struct rp_ccob *header,
	uint64_t max_bytes, struct rp_unpacked *ret, size_t *ret_used, struct rp_error *err);

/* First half of the MD5 of bytes, little endian: what a header's hash must be. */
uint64_t rp_md5_low(struct rp_span bytes);

/*
 * Appends raw, compressed and with a header of the same version and method as like. -EFBIG: versions 1 and
 * 2 have 32 bits for sizes. ret has undefined bytes behind its old end after a failure.
 */
RP_MUST_CHECK int rp_ccob_pack(
	struct rp_span raw, const struct rp_ccob *like, struct rp_buf *ret, struct rp_error *err);

#endif
