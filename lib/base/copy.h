/* SPDX-License-Identifier: MIT */
/* Copying a tree: files, directories and links; modes reduced to 0644 and 0755, times kept. */
#ifndef RP_BASE_COPY_H
#define RP_BASE_COPY_H

#include "base/error.h"
#include "base/event.h"

/*
 * Copies the tree at from_dir/from into the existing directory to_fd. skip (may be
 * NULL) tells which relative paths are left out. -EBADMSG: a special file.
 * Links are copied as they are. -EEXIST: something of that name is there.
 */
RP_MUST_CHECK int rp_copy_tree(const struct rp_ctx *ctx, int from_dir, const char *from, int to_fd,
	bool (*skip)(const char *rel), struct rp_error *err);

#endif
