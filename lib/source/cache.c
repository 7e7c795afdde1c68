/* SPDX-License-Identifier: MIT */
/* The download cache: objects by checksum, partial files beside them. */
#include "source/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_sha256(const char *s)
{
	return strlen(s) == RP_SHA256_HEX - 1 && strspn(s, "0123456789abcdef") == RP_SHA256_HEX - 1;
}

int rp_cache_open(
	const struct rp_source_env *env, const char *sub, int *ret_fd, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *path = rp_path_join(env->cache_dir, sub);
	int fd, r;

	if (!path)
		return RP_NOMEM(err);
	r = rp_mkdirs(AT_FDCWD, path, 0755, err);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "cache %s", path);
	*ret_fd = fd;
	return 0;
}

int rp_cache_object(const struct rp_source_env *env, const char *sha256, char **ret,
	bool *ret_there, struct rp_error *err)
{
	struct stat st;
	char *path;

	if (!is_sha256(sha256))
		return RP_FAIL(err, -EINVAL, "\"%s\" is no SHA-256 checksum", sha256);
	path = rp_asprintf("%s/objects/%s", env->cache_dir, sha256);
	if (!path)
		return RP_NOMEM(err);
	*ret = path;
	*ret_there = lstat(path, &st) == 0 && S_ISREG(st.st_mode);
	return 0;
}

int rp_cache_partial(
	const struct rp_source_env *env, const char *sha256, char **ret, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r;

	r = rp_cache_open(env, "partial", &fd, err);
	if (r < 0)
		return r;
	*ret = rp_asprintf("%s/partial/%s", env->cache_dir, sha256);
	return *ret ? 0 : RP_NOMEM(err);
}

int rp_cache_commit(const struct rp_source_env *env, const char *sha256, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int objects = -1;
	RP_CLEANUP(rp_close_fd) int partial = -1;
	RP_CLEANUP(rp_close_fd) int file = -1;
	char found[RP_SHA256_HEX];
	int r;

	r = rp_cache_open(env, "objects", &objects, err);
	if (r == 0)
		r = rp_cache_open(env, "partial", &partial, err);
	if (r == 0)
		r = rp_sha256_file(partial, sha256, found, err);
	if (r < 0)
		return r;
	if (strcmp(found, sha256) != 0) {
		(void)unlinkat(partial, sha256, 0); /* if it stays, the next fetch finds the same */
		return RP_FAIL(err, -EBADMSG,
			"downloaded file has SHA-256 %s, expected %s: removed", found, sha256);
	}
	file = openat(partial, sha256, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (file < 0 || fchmod(file, 0644) < 0 || fsync(file) < 0)
		return RP_FAIL_ERRNO(err, -errno, "cache object %s", sha256);
	if (renameat(partial, sha256, objects, sha256) < 0)
		return RP_FAIL_ERRNO(err, -errno, "cache object %s", sha256);
	return rp_fsync_dir(objects, err);
}

int rp_cache_verify(const struct rp_source_env *env, const char *sha256, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int objects = -1;
	char found[RP_SHA256_HEX];
	int r;

	r = rp_cache_open(env, "objects", &objects, err);
	if (r == 0)
		r = rp_sha256_file(objects, sha256, found, err);
	if (r < 0)
		return r;
	if (strcmp(found, sha256) == 0)
		return 0;
	(void)unlinkat(objects, sha256, 0); /* a damaged object must not be used again */
	return RP_FAIL(err, -EBADMSG,
		"cache object %s is damaged (it has %s): removed, fetch again", sha256, found);
}

int rp_cache_lock(const struct rp_ctx *ctx, const struct rp_source_env *env, struct rp_lock *ret,
	struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r = rp_cache_open(env, "partial", &fd, err);

	return r < 0 ? r : rp_lock_take(ctx, fd, ".lock", -1, ret, err);
}
