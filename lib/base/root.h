/* SPDX-License-Identifier: MIT */
/*
 * System reads under a root descriptor (--root DIR): the real machine or a
 * captured tree. Paths are given as on the machine ("/sys/class/drm"); links
 * inside the tree resolve inside it and can never leave it (openat2 with
 * RESOLVE_IN_ROOT, or a checked walk where the kernel lacks the call).
 */
#ifndef RP_BASE_ROOT_H
#define RP_BASE_ROOT_H

#include <dirent.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

struct rp_root {
	int fd; /* O_PATH directory */
	bool is_host; /* true: "/" itself */
	char *label; /* owned: the path as the user gave it, for messages */
	bool no_openat2; /* set by tests, or once the kernel said ENOSYS */
};

#define RP_ROOT_INIT                   \
	{                              \
		-1, false, NULL, false \
	}

RP_MUST_CHECK int rp_root_open(const char *path, struct rp_root *ret, struct rp_error *err);
void rp_root_close(struct rp_root *root);

/* A descriptor below the root; flags as for open(2), O_CLOEXEC is added. -ENOENT, -EACCES, ... */
RP_MUST_CHECK int rp_root_openat(
	struct rp_root *root, const char *path, int flags, int *ret_fd, struct rp_error *err);

/*
 * The whole file, at most max_bytes (-EFBIG beyond). For /proc and /sys files
 * too: the size is not trusted, the file is read to its end. Refuses anything but regular files.
 */
RP_MUST_CHECK int rp_root_read(struct rp_root *root, const char *path, size_t max_bytes,
	struct rp_buf *ret, struct rp_error *err);

/* Names in a directory but "." and "..", sorted by byte value. */
RP_MUST_CHECK int rp_root_list(
	struct rp_root *root, const char *path, struct rp_strv *ret, struct rp_error *err);

/* True if the path exists below the root (links followed inside it). */
bool rp_root_exists(struct rp_root *root, const char *path);

#endif
