/* SPDX-License-Identifier: MIT */
/* Between fat.c, compressed.c and wrappers.c: bundles, and libraries and programs with bundles. */
#ifndef RP_RETARGET_FAT_H
#define RP_RETARGET_FAT_H

#include <stdatomic.h>

#include "codeobj/bundle.h"
#include "retarget/internal.h"
#include "retarget/tree.h"

#define RP_RT_PAGE 4096u

/* One bundle that gets an entry. */
struct rp_rt_job {
	uint64_t offset; /* of the bundle in the file */
	struct rp_span packed; /* all of a compressed bundle; empty: a plain one */
	struct rp_span image; /* of a plain one: the code object that is taken */
	char id[160]; /* of the new entry */
	struct rp_span old_id; /* of the entry that is taken */
	uint64_t header_bytes, count; /* of a plain bundle now */
	struct rp_buf
		made; /* owned: the new code object, or the new compressed bundle; may be empty */
	bool is_native; /* of a compressed one: it has code for the card already */
	char from[64];
	struct rp_retarget_report report;
	struct rp_retarget_verified verified;
	struct rp_error err;
	int result;
};

/* Bytes that are not those of the input. */
struct rp_rt_patch {
	uint64_t offset;
	struct rp_buf bytes; /* owned */
};

struct rp_rt_patches {
	struct rp_rt_patch *v; /* owned */
	size_t n, cap;
};

struct rp_rt_fat {
	const struct rp_ctx *ctx;
	const struct rp_retarget_options *options;
	struct rp_span bytes;
	struct rp_rt_job *jobs; /* owned */
	size_t n_jobs, cap_jobs;
	size_t n_native, n_compressed, n_plain;
	atomic_size_t next, done;
};

/* What a bundle has for the card, and what could be taken for it. */
struct rp_rt_choice {
	bool is_native;
	struct rp_bundle_entry best; /* size 0: none */
	uint64_t first; /* smallest offset of an entry with bytes */
};
void rp_rt_choose(const struct rp_retarget_options *options, const struct rp_bundle *b,
	struct rp_rt_choice *ret);

/* The id of the entry for the card, made of that of other (of the same length in place: else -ENOTSUP). -EBADMSG. */
RP_MUST_CHECK int rp_rt_entry_id(const struct rp_retarget_options *options, struct rp_span other,
	char ret[160], struct rp_error *err);

/* By tables alone, see rp_retarget_look. */
RP_MUST_CHECK int rp_rt_fat_look(struct rp_span bytes, const struct rp_retarget_options *options,
	struct rp_retarget_look *ret, struct rp_error *err);

/* Empty bytes at offset, to be filled by the caller; NULL: out of memory. */
struct rp_buf *rp_rt_patch_at(struct rp_rt_patches *patches, uint64_t offset);
void rp_rt_add_le64(struct rp_buf *b, uint64_t v);

/* compressed.c: fills job->made (or job->is_native), made from job->packed. */
RP_MUST_CHECK int rp_rt_compressed(
	struct rp_rt_job *job, const struct rp_retarget_options *options, struct rp_error *err);

/*
 * wrappers.c: patches for the pointers in .hipFatBinSegment to the bundles of all jobs, which move to new_addr
 * (as jobs). -ENOTSUP: a pointer that cannot be changed, or a bundle without one.
 */
RP_MUST_CHECK int rp_rt_wrappers(const struct rp_rt_fat *f, const struct rp_elf *elf,
	const struct rp_elf_section *fatbin, const uint64_t *new_addr,
	struct rp_rt_patches *patches, struct rp_error *err);

#endif
