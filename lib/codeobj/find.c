/* SPDX-License-Identifier: MIT */
/*
 * The walk over files and folders: links below the path are counted, not followed;
 * a file with several names is looked at once; what cannot be read is told as
 * damage, and the walk goes on. Files are mapped: one that is cut while it is
 * read ends the process with SIGBUS, as for any program that maps files.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codeobj/internal.h"

#define MAX_FOLDERS 256 /* below each other */

/* A file with more than one link that was looked at; open addressing, at most half full. */
struct inode {
	uint64_t dev, ino;
	bool used;
};

struct walk {
	struct rp_find find;
	struct inode *seen;
	size_t n_seen, n_slots; /* n_slots: 0 or a power of 2 */
};

static struct inode *slot_of(struct inode *slots, size_t n_slots, uint64_t dev, uint64_t ino)
{
	/* Multiplicative hashing with 2^64 / golden ratio (Knuth, TAOCP 6.4). */
	size_t i = (size_t)(((ino ^ dev << 32) * UINT64_C(0x9e3779b97f4a7c15)) >> 20);

	for (i &= n_slots - 1; slots[i].used; i = (i + 1) & (n_slots - 1))
		if (slots[i].dev == dev && slots[i].ino == ino)
			break;
	return &slots[i];
}

static int remember(struct walk *w, const struct stat *st, bool *ret_new, struct rp_error *err)
{
	struct inode *slot;

	if (2 * (w->n_seen + 1) > w->n_slots) {
		size_t n = w->n_slots ? 2 * w->n_slots : 64;
		struct inode *more = calloc(n, sizeof(*more));

		if (!more)
			return RP_NOMEM(err);
		for (size_t i = 0; i < w->n_slots; i++)
			if (w->seen[i].used)
				*slot_of(more, n, w->seen[i].dev, w->seen[i].ino) = w->seen[i];
		free(w->seen);
		w->seen = more;
		w->n_slots = n;
	}
	slot = slot_of(w->seen, w->n_slots, st->st_dev, st->st_ino);
	*ret_new = !slot->used;
	w->n_seen += !slot->used;
	*slot = (struct inode){ st->st_dev, st->st_ino, true };
	return 0;
}

static int look_at_file(
	struct walk *w, int dirfd, const char *name, const char *path, struct rp_error *err)
{
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	struct rp_error why = RP_ERROR_INIT;
	int r;

	w->find.path = path;
	r = rp_map_open(dirfd, name, &map, &why);
	if (r == -ENOMEM)
		return RP_NOMEM(err);
	if (r < 0)
		return rp_find_file_damage(&w->find, &why, err);
	w->find.mapped = map.span;
	r = rp_find_in_file(&w->find, map.span, err);
	w->find.mapped = rp_span_of(NULL, 0);
	return r;
}

static int compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Sorted names of the folder fd, which is taken over. */
static int names_of(int fd, struct rp_strv *ret, struct rp_error *why, struct rp_error *err)
{
	struct dirent *e;
	DIR *d = fdopendir(fd);
	int r = 0;

	if (!d) {
		r = RP_FAIL_ERRNO(why, -errno, "list");
		close(fd);
		return r;
	}
	while (r == 0) {
		errno = 0;
		e = readdir(d);
		if (!e) {
			r = errno ? RP_FAIL_ERRNO(why, -errno, "list") : 0;
			break;
		}
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
			rp_strv_add(ret, e->d_name, err) < 0) {
			(void)closedir(d);
			return RP_NOMEM(why);
		}
	}
	(void)closedir(d); /* only read */
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_names);
	return r;
}

static int look_at_folder(struct walk *w, int dirfd, const char *name, const char *path,
	unsigned int depth, struct rp_error *err);

static int look_at_name(struct walk *w, int fd, const char *name, const char *folder,
	unsigned int depth, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *path = rp_path_join(folder, name);
	struct rp_error why = RP_ERROR_INIT;
	bool is_new = true;
	struct stat st;

	if (!path)
		return RP_NOMEM(err);
	if (rp_cancelled(w->find.ctx))
		return RP_FAIL(err, -ECANCELED, "cancelled");
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		w->find.path = path;
		(void)RP_FAIL_ERRNO(&why, -errno, "%s", path);
		return rp_find_file_damage(&w->find, &why, err);
	}
	if (S_ISLNK(st.st_mode))
		w->find.stats.n_links++;
	if (S_ISDIR(st.st_mode))
		return look_at_folder(w, fd, name, path, depth + 1, err);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (st.st_nlink > 1) {
		int r = remember(w, &st, &is_new, err);

		if (r < 0)
			return r;
	}
	if (!is_new) {
		w->find.stats.n_same_inode++;
		return 0;
	}
	return look_at_file(w, fd, name, path, err);
}

static int look_at_folder(struct walk *w, int dirfd, const char *name, const char *path,
	unsigned int depth, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct rp_error why = RP_ERROR_INIT;
	int list_fd, r;

	w->find.path = path;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth ? O_NOFOLLOW : 0));
	list_fd = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (list_fd < 0)
		r = RP_FAIL_ERRNO(&why, -errno, "%s", path);
	else if (depth > MAX_FOLDERS) {
		close(list_fd);
		r = RP_FAIL(&why, -ELOOP, "deeper than %d folders", MAX_FOLDERS);
	} else {
		r = names_of(list_fd, &names, &why, err);
	}
	if (r == -ENOMEM)
		return RP_NOMEM(err);
	if (r < 0)
		return rp_find_file_damage(&w->find, &why, err);
	RP_STRV_FOREACH (it, &names) {
		r = look_at_name(w, fd, *it, path, depth, err);
		if (r != 0)
			return r;
	}
	return 0;
}

static void start(struct walk *w, const struct rp_ctx *ctx,
	const struct rp_codeobj_options *options, const struct rp_codeobj_visitor *visitor)
{
	*w = (struct walk){ .find = { .ctx = ctx, .visitor = visitor } };
	if (options)
		w->find.options = *options;
	if (w->find.options.max_unpacked_bytes == 0)
		w->find.options.max_unpacked_bytes = UINT64_C(1) << 30;
}

int rp_codeobj_find(const struct rp_ctx *ctx, int dirfd, const char *path,
	const struct rp_codeobj_options *options, const struct rp_codeobj_visitor *visitor,
	struct rp_codeobj_stats *ret_stats, struct rp_error *err)
{
	struct walk w;
	struct stat st;
	int r;

	start(&w, ctx, options, visitor);
	if (fstatat(dirfd, path, &st, 0) < 0)
		r = RP_FAIL_ERRNO(err, -errno, "%s", path);
	else if (S_ISDIR(st.st_mode))
		r = faccessat(dirfd, path, R_OK | X_OK, 0) < 0
			    ? RP_FAIL_ERRNO(err, -errno, "%s", path)
			    : look_at_folder(&w, dirfd, path, path, 0, err);
	else if (!S_ISREG(st.st_mode))
		r = RP_FAIL(err, -EINVAL, "%s: neither a file nor a folder", path);
	else
		r = faccessat(dirfd, path, R_OK, 0) < 0 ? RP_FAIL_ERRNO(err, -errno, "%s", path)
							: look_at_file(&w, dirfd, path, path, err);
	free(w.seen);
	if (ret_stats)
		*ret_stats = w.find.stats;
	return r;
}

int rp_codeobj_find_span(const struct rp_ctx *ctx, struct rp_span bytes, const char *name,
	const struct rp_codeobj_options *options, const struct rp_codeobj_visitor *visitor,
	struct rp_codeobj_stats *ret_stats, struct rp_error *err)
{
	struct walk w;
	int r;

	start(&w, ctx, options, visitor);
	w.find.path = name;
	r = rp_find_in_file(&w.find, bytes, err);
	if (ret_stats)
		*ret_stats = w.find.stats;
	return r;
}
