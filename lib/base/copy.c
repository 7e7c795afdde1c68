/* SPDX-License-Identifier: MIT */
/* Copying trees; see base/copy.h. */
#include "base/copy.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/publish.h"

struct copy {
	const struct rp_ctx *ctx;
	int to;
	bool (*skip)(const char *rel);
};

static int copy_file(int from_dir, const char *name, int to, const char *rel, const struct stat *st,
	struct rp_error *err)
{
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	struct timespec times[2] = { st->st_mtim, st->st_mtim };
	RP_CLEANUP(rp_close_fd) int fd = -1;
	mode_t mode = st->st_mode & 0111 ? 0755 : 0644;
	int r;

	r = rp_map_open(from_dir, name, &map, err);
	if (r < 0)
		return r;
	fd = openat(to, rel, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "copy %s", rel);
	r = rp_write_all(fd, map.span, err);
	if (r < 0)
		return rp_error_prefix(err, r, "copy %s", rel);
	if (fchmod(fd, mode) < 0 || futimens(fd, times) < 0)
		return RP_FAIL_ERRNO(err, -errno, "copy %s", rel);
	return 0;
}

static int copy_link(int from_dir, const char *name, int to, const char *rel, struct rp_error *err)
{
	char text[PATH_MAX];
	int r = rp_read_link(from_dir, name, rel, text, err);

	if (r < 0)
		return r;
	return symlinkat(text, to, rel) < 0 ? RP_FAIL_ERRNO(err, -errno, "copy %s", rel) : 0;
}

static int copy_entry(void *data, int dirfd, const char *name, const char *rel,
	const struct stat *st, struct rp_error *err)
{
	const struct copy *c = data;

	if (c->skip && c->skip(rel))
		return 0;
	if (rp_cancelled(c->ctx))
		return RP_FAIL(err, -ECANCELED, "cancelled");
	if (S_ISREG(st->st_mode))
		return copy_file(dirfd, name, c->to, rel, st, err);
	if (S_ISDIR(st->st_mode))
		return mkdirat(c->to, rel, 0755) < 0 ? RP_FAIL_ERRNO(err, -errno, "copy %s", rel)
						     : 0;
	if (S_ISLNK(st->st_mode))
		return copy_link(dirfd, name, c->to, rel, err);
	return RP_FAIL(err, -EBADMSG, "%s: neither file, directory nor link", rel);
}

int rp_copy_tree(const struct rp_ctx *ctx, int from_dir, const char *from, int to_fd,
	bool (*skip)(const char *rel), struct rp_error *err)
{
	struct copy c = { ctx, to_fd, skip };

	return rp_walk(from_dir, from, copy_entry, &c, err);
}
