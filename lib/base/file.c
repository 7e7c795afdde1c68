/* SPDX-License-Identifier: MIT */
/* Whole files and trees; see base/file.h. */
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strv.h"

#define MAX_DEPTH 256 /* of a tree; deeper is refused, not a stack overflow */

/* Opens a regular file. O_NONBLOCK: a fifo must not stop us before fstat refuses it. */
static int open_regular(
	int dirfd, const char *path, int *ret_fd, struct stat *ret_st, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;

	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", path);
	if (fstat(fd, ret_st) < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", path);
	if (S_ISDIR(ret_st->st_mode))
		return RP_FAIL(err, -EISDIR, "%s: is a directory", path);
	if (!S_ISREG(ret_st->st_mode))
		return RP_FAIL(err, -EINVAL, "%s: not a regular file", path);
	*ret_fd = rp_steal_fd(&fd);
	return 0;
}

/* Appends all of fd; the size that stat gave is only a hint. */
static int read_fd(int fd, const char *path, size_t max_bytes, size_t hint, struct rp_buf *ret,
	struct rp_error *err)
{
	size_t start = ret->n;
	ssize_t got;

	(void)rp_buf_reserve(ret, hint < max_bytes ? hint + 1 : 4096);
	for (;;) {
		size_t room;

		if (ret->cap < ret->n + 2 && !rp_buf_reserve(ret, 65536))
			return RP_NOMEM(err);
		room = ret->cap - ret->n - 1;
		got = read(fd, ret->p + ret->n, room);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return RP_FAIL_ERRNO(err, -errno, "read %s", path);
		if (got == 0)
			return 0;
		ret->n += (size_t)got;
		ret->p[ret->n] = '\0';
		if (ret->n - start > max_bytes)
			return RP_FAIL(err, -EFBIG, "%s: larger than %zu bytes", path, max_bytes);
	}
}

int rp_file_read(
	int dirfd, const char *path, size_t max_bytes, struct rp_buf *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct stat st;
	int r;

	r = open_regular(dirfd, path, &fd, &st, err);
	if (r < 0)
		return r;
	return read_fd(fd, path, max_bytes, st.st_size > 0 ? (size_t)st.st_size : 0, ret, err);
}

int rp_map_open(int dirfd, const char *path, struct rp_map *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct stat st;
	void *p;
	int r;

	r = open_regular(dirfd, path, &fd, &st, err);
	if (r < 0)
		return r;
	if (st.st_size == 0) {
		*ret = (struct rp_map)RP_MAP_INIT;
		return 0;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return RP_FAIL_ERRNO(err, -errno, "map %s", path);
	*ret = (struct rp_map){ rp_span_of(p, (size_t)st.st_size), p };
	return 0;
}

void rp_map_close(struct rp_map *map)
{
	if (map->addr)
		(void)munmap(map->addr, map->span.n); /* fails for bad arguments only */
	*map = (struct rp_map)RP_MAP_INIT;
}

int rp_mkdirs(int dirfd, const char *path, mode_t mode, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *copy = strdup(path);
	struct stat st;

	if (!copy)
		return RP_NOMEM(err);
	for (char *p = copy + 1; copy[0]; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST)
			return RP_FAIL_ERRNO(err, -errno, "create directory %s", copy);
		*p = c;
		if (c == '\0')
			break;
	}
	if (fstatat(dirfd, path, &st, 0) < 0)
		return RP_FAIL_ERRNO(err, -errno, "create directory %s", path);
	if (!S_ISDIR(st.st_mode))
		return RP_FAIL(err, -ENOTDIR, "%s: not a directory", path);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

int rp_list_dir(int fd, const char *what, struct rp_strv *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	struct dirent *e;
	int r = 0, dup_fd;
	DIR *d;

	dup_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dup_fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "list %s", what);
	d = fdopendir(dup_fd);
	if (!d) {
		r = -errno;
		close(dup_fd);
		return RP_FAIL_ERRNO(err, r, "list %s", what);
	}
	errno = 0;
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = rp_strv_add(&names, e->d_name, err);
		errno = 0;
	}
	if (r == 0 && errno != 0)
		r = RP_FAIL_ERRNO(err, -errno, "list %s", what);
	closedir(d);
	if (r < 0)
		return r;
	if (names.n > 1)
		qsort(names.v, names.n, sizeof(*names.v), compare_names);
	return rp_strv_add_all(ret, (const char *const *)names.v, err);
}

int rp_read_link(
	int dirfd, const char *name, const char *what, char ret[PATH_MAX], struct rp_error *err)
{
	ssize_t n = readlinkat(dirfd, name, ret, PATH_MAX - 1);

	if (n < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", what);
	ret[n] = '\0';
	return 0;
}

struct walk {
	rp_walk_fn fn;
	void *data;
};

static int walk_dir(const struct walk *w, int dirfd, const char *name, const char *rel,
	unsigned int depth, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r;

	if (depth > MAX_DEPTH)
		return RP_FAIL(err, -ELOOP, "%s: deeper than %d directories", rel, MAX_DEPTH);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth > 0 ? O_NOFOLLOW : 0));
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", rel[0] ? rel : name);
	r = rp_list_dir(fd, rel[0] ? rel : name, &names, err);
	if (r < 0)
		return r;
	RP_STRV_FOREACH (it, &names) {
		RP_CLEANUP(rp_free_p) char *sub = NULL;
		struct stat st;

		sub = rel[0] ? rp_path_join(rel, *it) : strdup(*it);
		if (!sub)
			return RP_NOMEM(err);
		if (fstatat(fd, *it, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno ==
				ENOENT) /* gone since the folder was listed, as temporary files are */
				continue;
			return RP_FAIL_ERRNO(err, -errno, "%s", sub);
		}
		r = w->fn(w->data, fd, *it, sub, &st, err);
		if (r != 0)
			return r;
		if (S_ISDIR(st.st_mode)) {
			r = walk_dir(w, fd, *it, sub, depth + 1, err);
			if (r != 0)
				return r;
		}
	}
	return 0;
}

int rp_walk(int dirfd, const char *path, rp_walk_fn fn, void *data, struct rp_error *err)
{
	struct walk w = { fn, data };

	return walk_dir(&w, dirfd, path, "", 0, err);
}

static int remove_below(int dirfd, const char *name, unsigned int depth, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct stat st;
	int r;

	if (depth > MAX_DEPTH)
		return RP_FAIL(err, -ELOOP, "%s: deeper than %d directories", name, MAX_DEPTH);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : RP_FAIL_ERRNO(err, -errno, "remove %s", name);
	if (!S_ISDIR(st.st_mode)) {
		if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
			return RP_FAIL_ERRNO(err, -errno, "remove %s", name);
		return 0;
	}
	if ((st.st_mode & 0700) != 0700)
		(void)fchmodat(dirfd, name, 0700, 0); /* if this fails, the next call says why */
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "remove %s", name);
	r = rp_list_dir(fd, name, &names, err);
	if (r < 0)
		return r;
	RP_STRV_FOREACH (it, &names) {
		r = remove_below(fd, *it, depth + 1, err);
		if (r < 0)
			return r;
	}
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return RP_FAIL_ERRNO(err, -errno, "remove %s", name);
	return 0;
}

int rp_remove_tree(int dirfd, const char *path, struct rp_error *err)
{
	return remove_below(dirfd, path, 0, err);
}

char *rp_path_join(const char *a, const char *b)
{
	size_t n = strlen(a);

	while (n > 0 && a[n - 1] == '/')
		n--;
	while (*b == '/')
		b++;
	return rp_asprintf("%.*s/%s", (int)n, a, b);
}

bool rp_path_is_safe(const char *rel)
{
	if (rel[0] == '\0' || rel[0] == '/')
		return false;
	while (rel) {
		const char *slash = strchr(rel, '/');
		size_t n = slash ? (size_t)(slash - rel) : strlen(rel);

		if (n == 0 || (n == 1 && rel[0] == '.') ||
			(n == 2 && rel[0] == '.' && rel[1] == '.'))
			return false;
		rel = slash ? slash + 1 : NULL;
	}
	return true;
}

const char *rp_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
