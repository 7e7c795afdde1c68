/* SPDX-License-Identifier: MIT */
/* Between the files of the store domain. */
#ifndef RP_STORE_INTERNAL_H
#define RP_STORE_INTERNAL_H

#include "store/store.h"

#define STORE_MARK    ".rocm-patch-store" /* says that a directory is a store of ours */
#define STORE_LOCK    ".lock"
#define STORE_CURRENT "current"
#define STORE_HISTORY ".history" /* ids that were active before, oldest first; "-": none */
#define STORE_TRASH   ".trash-"
#define STORE_PARTIAL ".partial"

/* "<version>-<12 hex digits>": the only folder names that the store ever touches. */
bool rp_store_is_id(const char *name);

/* The id that current points to, owned; *ret NULL: none. -EBADMSG: the link is not ours. */
RP_MUST_CHECK int rp_store_current(const struct rp_store *st, char **ret, struct rp_error *err);

/* manifest.c: writes links and MANIFEST.sha256 of the tree at dir_fd; counts what it lists. */
RP_MUST_CHECK int rp_manifest_write(const struct rp_ctx *ctx, int dir_fd, struct rp_error *err);
/* Files and bytes of the tree without its metadata; refuses what a manifest cannot name. */
RP_MUST_CHECK int rp_manifest_measure(
	int dir_fd, uint64_t *ret_files, uint64_t *ret_bytes, struct rp_error *err);

#endif
