/* SPDX-License-Identifier: MIT */
/*
 * Opening a store, recovering what a killed run left, staging and publishing a
 * generation, removing one. Only names of our own patterns are ever touched, and
 * only below a directory that carries the store's mark.
 */
#include "store/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool rp_store_is_id(const char *name)
{
	size_t n = strlen(name);

	return n > 13 && n < 200 && name[0] != '.' && !strchr(name, '/') && name[n - 13] == '-' &&
	       strspn(name + n - 12, "0123456789abcdef") == 12;
}

/* "<id>.partial" */
static bool is_partial(const char *name)
{
	size_t n = strlen(name), m = strlen(STORE_PARTIAL);
	char id[256];

	if (n <= m || n >= sizeof(id) || strcmp(name + n - m, STORE_PARTIAL) != 0)
		return false;
	(void)snprintf(id, sizeof(id), "%.*s", (int)(n - m), name);
	return rp_store_is_id(id);
}

static bool is_litter(const char *name)
{
	return is_partial(name) || strncmp(name, RP_TMP_PREFIX, strlen(RP_TMP_PREFIX)) == 0 ||
	       (strncmp(name, STORE_TRASH, strlen(STORE_TRASH)) == 0 &&
		       rp_store_is_id(name + strlen(STORE_TRASH)));
}

/* Removes what a killed run left behind. The lock is held: nobody is at work on it. */
static int recover(const struct rp_ctx *ctx, const struct rp_store *st, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	int r;

	r = rp_list_dir(st->fd, st->prefix, &names, err);
	RP_STRV_FOREACH (name, &names) {
		if (r < 0)
			break;
		if (!is_litter(*name))
			continue;
		rp_event_text(ctx, RP_EV_DETAIL, "removing %s, left by an interrupted run", *name);
		r = rp_remove_tree(st->fd, *name, err);
	}
	return r;
}

/* The mark says that this directory is ours; a foreign one that is not empty is refused. */
static int claim(const struct rp_store *st, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	struct stat s;
	int r;

	if (fstatat(st->fd, STORE_MARK, &s, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	r = rp_list_dir(st->fd, st->prefix, &names, err);
	if (r < 0)
		return r;
	RP_STRV_FOREACH (name, &names)
		if (strcmp(*name, STORE_LOCK) != 0 &&
			strncmp(*name, RP_TMP_PREFIX, strlen(RP_TMP_PREFIX)) != 0)
			return RP_FAIL(err, -ENOTEMPTY,
				"%s is not empty and not a store of rocm-patch (it has \"%s\")",
				st->prefix, *name);
	return rp_publish_file(st->fd, STORE_MARK, 0644,
		rp_span_str("This directory is a store of rocm-patch; see rocm-patch(1).\n"), err);
}

static int open_for_write(
	const struct rp_ctx *ctx, struct rp_store *st, bool create, struct rp_error *err)
{
	int r = 0;

	if (create)
		r = rp_mkdirs(AT_FDCWD, st->prefix, 0755, err);
	if (r == -EACCES || r == -EROFS)
		return RP_FAIL(err, r,
			"cannot create %s: run as root, or choose another store with --prefix",
			st->prefix);
	if (r < 0)
		return r;
	st->fd = open(st->prefix, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (st->fd < 0 && errno == ENOENT)
		return RP_FAIL(err, -ENOENT, "there is no store at %s", st->prefix);
	if (st->fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "store %s", st->prefix);
	if (faccessat(st->fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return RP_FAIL(err, -errno,
			"no permission to write to %s: run as root, or choose another store with "
			"--prefix",
			st->prefix);
	r = rp_lock_take(ctx, st->fd, STORE_LOCK, -1, &st->lock, err);
	if (r == 0)
		r = claim(st, err);
	if (r == 0)
		r = recover(ctx, st, err);
	st->writable = r == 0;
	return r;
}

int rp_store_open(const struct rp_ctx *ctx, const char *prefix, enum rp_store_mode mode,
	struct rp_store *ret, struct rp_error *err)
{
	struct rp_store st = RP_STORE_INIT;
	RP_CLEANUP(rp_free_p) char *cwd = NULL;
	int r = 0;

	if (prefix[0] == '/') {
		st.prefix = strdup(prefix);
	} else {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return RP_FAIL_ERRNO(err, -errno, "current directory");
		st.prefix = rp_path_join(cwd, prefix);
	}
	if (!st.prefix)
		return RP_NOMEM(err);
	if (mode != RP_STORE_READ) {
		r = open_for_write(ctx, &st, mode == RP_STORE_CREATE, err);
	} else {
		st.fd = open(st.prefix, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (st.fd < 0 && errno != ENOENT)
			r = RP_FAIL_ERRNO(err, -errno, "store %s", st.prefix);
	}
	if (r < 0) {
		rp_store_close(&st);
		return r;
	}
	*ret = st;
	return 0;
}

void rp_store_close(struct rp_store *st)
{
	rp_lock_drop(&st->lock);
	rp_close_fd(&st->fd);
	free(st->prefix);
	*st = (struct rp_store)RP_STORE_INIT;
}

int rp_store_stage(struct rp_store *st, const char *id, char **ret_path, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *name = NULL;
	struct stat s;
	char *path;
	int r;

	if (!rp_store_is_id(id))
		return RP_FAIL(err, -EINVAL, "\"%s\" is no generation id", id);
	if (fstatat(st->fd, id, &s, AT_SYMLINK_NOFOLLOW) == 0)
		return RP_FAIL(err, -EEXIST, "generation %s exists", id);
	name = rp_asprintf("%s%s", id, STORE_PARTIAL);
	if (!name)
		return RP_NOMEM(err);
	r = rp_remove_tree(st->fd, name, err);
	if (r < 0)
		return r;
	if (mkdirat(st->fd, name, 0755) < 0)
		return RP_FAIL_ERRNO(err, -errno, "create %s/%s", st->prefix, name);
	path = rp_path_join(st->prefix, name);
	if (!path)
		return RP_NOMEM(err);
	*ret_path = path;
	return 0;
}

static int copy_log(int meta_fd, const char *log_path, struct rp_error *err)
{
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	int r;

	if (!log_path)
		return 0;
	r = rp_map_open(AT_FDCWD, log_path, &map, err);
	return r < 0 ? r : rp_publish_file(meta_fd, "build.log", 0644, map.span, err);
}

static int write_meta(const struct rp_ctx *ctx, int dir_fd, struct rp_span info,
	const char *log_path, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_close_fd) int meta_fd = -1;
	uint64_t files, bytes;
	int r;

	r = rp_manifest_measure(dir_fd, &files, &bytes, err);
	if (r < 0)
		return r;
	if (files == 0)
		return RP_FAIL(err, -EBADMSG, "the staged tree has no file");
	r = rp_mkdirs(dir_fd, RP_STORE_META, 0755, err);
	if (r < 0)
		return r;
	meta_fd = openat(dir_fd, RP_STORE_META, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (meta_fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", RP_STORE_META);
	rp_buf_add(&text, info.p, info.n);
	rp_buf_addf(&text, "\n[tree]\nfiles = %llu\nbytes = %llu\n", (unsigned long long)files,
		(unsigned long long)bytes);
	r = rp_buf_check(&text, err);
	if (r == 0)
		r = rp_publish_file(meta_fd, "generation.ini", 0644, rp_buf_span(&text), err);
	if (r == 0)
		r = copy_log(meta_fd, log_path, err);
	return r < 0 ? r : rp_manifest_write(ctx, dir_fd, err);
}

int rp_store_publish(const struct rp_ctx *ctx, struct rp_store *st, const char *id,
	struct rp_span info, const char *log_path, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *name = NULL;
	RP_CLEANUP(rp_close_fd) int dir_fd = -1;
	int r;

	if (!rp_store_is_id(id))
		return RP_FAIL(err, -EINVAL, "\"%s\" is no generation id", id);
	name = rp_asprintf("%s%s", id, STORE_PARTIAL);
	if (!name)
		return RP_NOMEM(err);
	dir_fd = openat(st->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir_fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s/%s", st->prefix, name);
	r = write_meta(ctx, dir_fd, info, log_path, err);
	return r < 0 ? r : rp_publish_tree(st->fd, name, id, err);
}

int rp_store_remove(
	const struct rp_ctx *ctx, struct rp_store *st, const char *id, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *active = NULL;
	RP_CLEANUP(rp_free_p) char *trash = NULL;
	int r;

	if (!rp_store_is_id(id))
		return RP_FAIL(err, -EINVAL, "\"%s\" is no generation id", id);
	r = rp_store_current(st, &active, err);
	if (r < 0)
		return r;
	if (active && strcmp(active, id) == 0)
		return RP_FAIL(err, -EBUSY,
			"generation %s is active: activate another one or roll back first", id);
	trash = rp_asprintf("%s%s", STORE_TRASH, id);
	if (!trash)
		return RP_NOMEM(err);
	if (renameat(st->fd, id, st->fd, trash) < 0)
		return RP_FAIL_ERRNO(err, -errno, "generation %s", id);
	r = rp_fsync_dir(st->fd, err);
	if (r < 0)
		return r;
	rp_event_text(ctx, RP_EV_DETAIL, "deleting the files of %s", id);
	return rp_remove_tree(st->fd, trash, err);
}
