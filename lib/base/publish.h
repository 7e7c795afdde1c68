/* SPDX-License-Identifier: MIT */
/*
 * The only ways in which the program makes a file, link or tree visible.
 * File: temp in the same directory, write, fchmod, fsync, renameat, fsync of
 * the directory. Tree: everything in it synced, then one rename. At any
 * point a kill or a full disk leaves the old or the new state, and at most a
 * stray temp whose name starts with RP_TMP_PREFIX (the next start may remove it).
 */
#ifndef RP_BASE_PUBLISH_H
#define RP_BASE_PUBLISH_H

#include <sys/types.h>

#include "base/error.h"
#include "base/span.h"

#define RP_TMP_PREFIX ".rp-tmp-"

struct rp_tmpfile {
	int fd;
	int dirfd; /* borrowed */
	char name[64];
};

#define RP_TMPFILE_INIT    \
	{                  \
		-1, -1, "" \
	}

RP_MUST_CHECK int rp_tmpfile_open(
	int dirfd, mode_t mode, struct rp_tmpfile *ret, struct rp_error *err);
RP_MUST_CHECK int rp_tmpfile_write(
	struct rp_tmpfile *tmp, struct rp_span data, struct rp_error *err);
/* fsync, rename over name, fsync of the directory; tmp is empty afterwards. */
RP_MUST_CHECK int rp_tmpfile_publish(
	struct rp_tmpfile *tmp, const char *name, struct rp_error *err);
void rp_tmpfile_drop(struct rp_tmpfile *tmp); /* unlinks what was not published */

/* For folders without a lock of ours: removes temporary files whose process is gone. */
RP_MUST_CHECK int rp_tmpfile_sweep(int dirfd, struct rp_error *err);

/* The three steps at once. name must have no slash; dirfd is its directory. */
RP_MUST_CHECK int rp_publish_file(
	int dirfd, const char *name, mode_t mode, struct rp_span data, struct rp_error *err);

/* A symbolic link, renamed over an earlier one. */
RP_MUST_CHECK int rp_publish_symlink(
	int dirfd, const char *name, const char *target, struct rp_error *err);

/* fsync of every file and directory below dirfd/from, then rename to dirfd/to (-EEXIST if there). */
RP_MUST_CHECK int rp_publish_tree(
	int dirfd, const char *from, const char *to, struct rp_error *err);

/* Writes all of data; -ENOSPC, -EIO, ... */
RP_MUST_CHECK int rp_write_all(int fd, struct rp_span data, struct rp_error *err);
RP_MUST_CHECK int rp_fsync_dir(int dirfd, struct rp_error *err);

#endif
