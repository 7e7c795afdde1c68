/* SPDX-License-Identifier: MIT */
/*
 * Source kind dir: a tree on this machine. Its identity is a digest over names, types,
 * the executable bit, link texts and contents; .git and our own record do not count.
 */
#include "source/internal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct digest {
	const struct rp_ctx *ctx;
	struct rp_sha256 sha;
};

static bool is_left_out(const char *rel)
{
	return strcmp(rel, ".git") == 0 || strncmp(rel, ".git/", 5) == 0 ||
	       strcmp(rel, ".rocm-patch") == 0 || strncmp(rel, ".rocm-patch/", 12) == 0;
}

static int hash_entry(void *data, int dirfd, const char *name, const char *rel,
	const struct stat *st, struct rp_error *err)
{
	struct digest *c = data;
	char text[PATH_MAX];
	int r = 0;

	if (is_left_out(rel))
		return 0;
	if (rp_cancelled(c->ctx))
		return RP_FAIL(err, -ECANCELED, "cancelled");
	rp_sha256_field_str(&c->sha, rel);
	if (S_ISREG(st->st_mode)) {
		rp_sha256_field_str(&c->sha, st->st_mode & 0111 ? "executable" : "file");
		r = rp_sha256_file(dirfd, name, text, err);
	} else if (S_ISLNK(st->st_mode)) {
		rp_sha256_field_str(&c->sha, "link");
		r = rp_read_link(dirfd, name, rel, text, err);
		if (r == 0 && !rp_link_stays(rel, text))
			return RP_FAIL(err, -EBADMSG,
				"%s: a link that leaves the tree (to %.100s): remove it or put a "
				"copy in its place",
				rel, text);
	} else if (S_ISDIR(st->st_mode)) {
		rp_sha256_field_str(&c->sha, "directory");
		return 0;
	} else {
		return RP_FAIL(err, -EBADMSG, "%s: neither file, directory nor link", rel);
	}
	if (r == 0)
		rp_sha256_field_str(&c->sha, text);
	return r;
}

static int digest(
	const struct rp_ctx *ctx, const char *path, char ret[RP_SHA256_HEX], struct rp_error *err)
{
	struct digest c = { .ctx = ctx };
	uint8_t d[RP_SHA256_BYTES];
	int r;

	rp_sha256_init(&c.sha);
	r = rp_walk(AT_FDCWD, path, hash_entry, &c, err);
	if (r < 0)
		return rp_error_prefix(err, r, "source %s", path);
	rp_sha256_final(&c.sha, d);
	rp_sha256_hex(d, ret);
	return 0;
}

static int dir_fetch(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	char hex[RP_SHA256_HEX];
	int r;

	(void)env;
	r = digest(ctx, src->location, hex, err);
	if (r < 0)
		return r;
	ret->identity = rp_asprintf("dir:%s", hex);
	ret->description = rp_asprintf("directory %s", src->location);
	ret->version = strdup(src->version ? src->version : "local");
	ret->object = realpath(src->location, NULL);
	ret->cached = true;
	return ret->identity && ret->description && ret->version && ret->object ? 0 : RP_NOMEM(err);
}

static int dir_verify(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, struct rp_error *err)
{
	char hex[RP_SHA256_HEX];
	int r;

	(void)env;
	r = digest(ctx, src->location, hex, err);
	if (r < 0)
		return r;
	return strcmp(st->identity + 4, hex) == 0
		       ? 0
		       : RP_FAIL(err, -ESTALE, "source %s changed in the meantime", src->location);
}

/* Copying a tree into itself would never end. */
static int check_outside(const char *tree, int newfd, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = openat(newfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat top, here, above;

	if (fd < 0 || stat(tree, &top) < 0 || fstat(fd, &here) < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", tree);
	for (;;) {
		int up;

		if (here.st_dev == top.st_dev && here.st_ino == top.st_ino)
			return RP_FAIL(err, -EINVAL,
				"source %s: the place where it is to be unpacked is inside it",
				tree);
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return RP_FAIL_ERRNO(err, -errno, "%s", tree);
		rp_close_fd(&fd);
		fd = up;
		if (fstat(fd, &above) < 0)
			return RP_FAIL_ERRNO(err, -errno, "%s", tree);
		if (above.st_dev == here.st_dev && above.st_ino == here.st_ino)
			return 0; /* the root is its own parent */
		here = above;
	}
}

static int dir_unpack(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, int dirfd, const char *name,
	struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r;

	(void)env;
	(void)src;
	if (mkdirat(dirfd, name, 0755) < 0)
		return RP_FAIL_ERRNO(err, -errno, "create %s", name);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", name);
	r = check_outside(st->object, fd, err);
	return r < 0 ? r : rp_copy_tree(ctx, AT_FDCWD, st->object, fd, is_left_out, err);
}

static char *dir_describe(const struct rp_source *src)
{
	return rp_asprintf("directory %s", src->location);
}

static const char *const keys[] = { "kind", "path", "version", "subdir", NULL };

const struct rp_source_kind rp_source_kind_dir = {
	.name = "dir",
	.keys = keys,
	.plan = dir_fetch, /* there is nothing to bring: planning tells all */
	.fetch = dir_fetch,
	.verify = dir_verify,
	.unpack = dir_unpack,
	.describe = dir_describe,
};
