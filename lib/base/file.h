/* SPDX-License-Identifier: MIT */
/*
 * Whole files and trees below a directory descriptor. For the tool's own state
 * and for paths that the user named; system facts go through base/root.h.
 * dirfd may be AT_FDCWD.
 */
#ifndef RP_BASE_FILE_H
#define RP_BASE_FILE_H

#include <limits.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

/* Appends the whole regular file to ret; -EFBIG if larger than max_bytes, -EINVAL if not regular. */
RP_MUST_CHECK int rp_file_read(
	int dirfd, const char *path, size_t max_bytes, struct rp_buf *ret, struct rp_error *err);

/* A read-only private mapping of a regular file; an empty file gives an empty span. */
struct rp_map {
	struct rp_span span;
	void *addr; /* NULL: nothing mapped */
};

#define RP_MAP_INIT               \
	{                         \
		{ NULL, 0 }, NULL \
	}

RP_MUST_CHECK int rp_map_open(
	int dirfd, const char *path, struct rp_map *ret, struct rp_error *err);
void rp_map_close(struct rp_map *map);

/* mkdir -p; existing directories are fine. mode is subject to the umask. */
RP_MUST_CHECK int rp_mkdirs(int dirfd, const char *path, mode_t mode, struct rp_error *err);

/* rm -r of a file or tree, never through links, never across ".." ; absent is fine. */
RP_MUST_CHECK int rp_remove_tree(int dirfd, const char *path, struct rp_error *err);

/*
 * Calls fn for every entry below path in byte order of names, parents first.
 * rel is relative to path. A non-zero return of fn ends the walk and is returned.
 * Links are reported, never followed. What vanishes during the walk is passed over.
 */
struct stat;
typedef int (*rp_walk_fn)(void *data, int dirfd, const char *name, const char *rel,
	const struct stat *st, struct rp_error *err);
RP_MUST_CHECK int rp_walk(
	int dirfd, const char *path, rp_walk_fn fn, void *data, struct rp_error *err);

/* The text of a symbolic link; -EINVAL: not a link. what is for messages. */
RP_MUST_CHECK int rp_read_link(
	int dirfd, const char *name, const char *what, char ret[PATH_MAX], struct rp_error *err);

/* Names in the directory that fd stands for (which stays open) but "." and "..", sorted by byte value. */
RP_MUST_CHECK int rp_list_dir(int fd, const char *what, struct rp_strv *ret, struct rp_error *err);

/* "a/b", with exactly one slash between; NULL: out of memory. */
RP_MUST_CHECK char *rp_path_join(const char *a, const char *b);

/* True if rel is not empty, not absolute, and has no "", "." or ".." component. */
bool rp_path_is_safe(const char *rel);

/* The text behind the last slash. */
const char *rp_path_base(const char *path);

#endif
