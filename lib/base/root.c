/* SPDX-License-Identifier: MIT */
/* Reads below a root descriptor; see base/root.h. */
#include "base/root.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

#define MAX_LINKS 40 /* as the kernel's MAXSYMLINKS */

int rp_root_open(const char *path, struct rp_root *ret, struct rp_error *err)
{
	struct rp_root root = RP_ROOT_INIT;

	root.label = strdup(path);
	if (!root.label)
		return RP_NOMEM(err);
	root.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root.fd < 0) {
		int r = RP_FAIL_ERRNO(err, -errno, "root %s", path);

		free(root.label);
		return r;
	}
	root.is_host = strcmp(path, "/") == 0;
	*ret = root;
	return 0;
}

void rp_root_close(struct rp_root *root)
{
	rp_close_fd(&root->fd);
	free(root->label);
	*root = (struct rp_root)RP_ROOT_INIT;
}

/* The text of link name in dir; -EINVAL if it is not a link. */
static int read_link(int dirfd, const char *name, char buf[PATH_MAX])
{
	ssize_t n = readlinkat(dirfd, name, buf, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

/*
 * The walk of kernels without openat2 (before 5.6): one component at a time,
 * links replaced by their text, ".." never above the root. stack[] holds the
 * open directories from the root down.
 */
struct walk_state {
	int stack[64];
	unsigned int depth;
	unsigned int links;
};

static void close_walk(struct walk_state *w)
{
	while (w->depth > 0)
		close(w->stack[--w->depth]);
}

static int walk_open(const struct rp_root *root, const char *path, int flags)
{
	RP_CLEANUP(close_walk) struct walk_state w = { .depth = 0 };
	RP_CLEANUP(rp_free_p) char *todo = strdup(path);
	char link[PATH_MAX], *name;
	int fd, dir, r;

	if (!todo)
		return -ENOMEM;
	for (;;) {
		char *rest = todo + strspn(todo, "/");
		size_t n = strcspn(rest, "/");
		bool last = rest[n + strspn(rest + n, "/")] == '\0';

		dir = w.depth > 0 ? w.stack[w.depth - 1] : root->fd;
		if (n == 0) {
			fd = openat(dir, ".", flags | O_CLOEXEC);
			return fd < 0 ? -errno : fd;
		}
		name = rest;
		if (n == 1 && name[0] == '.') {
			memmove(todo, rest + n, strlen(rest + n) + 1);
			continue;
		}
		if (n == 2 && name[0] == '.' && name[1] == '.') {
			if (w.depth > 0)
				close(w.stack[--w.depth]);
			memmove(todo, rest + n, strlen(rest + n) + 1);
			continue;
		}
		{
			RP_CLEANUP(rp_free_p) char *one = strndup(name, n);

			if (!one)
				return -ENOMEM;
			r = last && (flags & O_NOFOLLOW) ? -EINVAL : read_link(dir, one, link);
			if (r == 0) {
				char *joined;

				if (++w.links > MAX_LINKS)
					return -ELOOP;
				joined = rp_asprintf("%s/%s", link, rest + n);
				if (!joined)
					return -ENOMEM;
				free(todo);
				todo = joined;
				if (link[0] == '/')
					close_walk(&w);
				continue;
			}
			if (last) {
				fd = openat(dir, one, flags | O_CLOEXEC | O_NOFOLLOW);
				return fd < 0 ? -errno : fd;
			}
			if (w.depth >= RP_ARRAY_SIZE(w.stack))
				return -ELOOP;
			fd = openat(dir, one, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (fd < 0)
				return -errno;
			w.stack[w.depth++] = fd;
			memmove(todo, rest + n, strlen(rest + n) + 1);
		}
	}
}

int rp_root_openat(
	struct rp_root *root, const char *path, int flags, int *ret_fd, struct rp_error *err)
{
	struct open_how how = { .flags = (unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	bool walk = false;
	long fd = -1;

	if (!root->no_openat2) {
		fd = syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
		/* EPERM: seccomp filters of older container engines answer so */
		if (fd < 0 && (errno == ENOSYS || errno == EPERM))
			root->no_openat2 = true;
		/* a rename anywhere while it stepped over "..": openat2(2) leaves what to do to us */
		else if (fd < 0 && errno == EAGAIN)
			walk = true;
		else if (fd < 0)
			fd = -errno;
	}
	if (root->no_openat2 || walk)
		fd = walk_open(root, path, flags);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, (int)fd, "%s%s", root->is_host ? "" : root->label, path);
	*ret_fd = (int)fd;
	return 0;
}

int rp_root_read(struct rp_root *root, const char *path, size_t max_bytes, struct rp_buf *ret,
	struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct stat st;
	char chunk[4096];
	size_t total = 0;
	ssize_t n;
	int r;

	r = rp_root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, err);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return RP_FAIL(err, S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL,
			"%s: not a regular file", path);
	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return RP_FAIL_ERRNO(err, -errno, "read %s", path);
		if (n == 0)
			break;
		total += (size_t)n;
		if (total > max_bytes)
			return RP_FAIL(err, -EFBIG, "%s: larger than %zu bytes", path, max_bytes);
		rp_buf_add(ret, chunk, (size_t)n);
	}
	return rp_buf_check(ret, err);
}

int rp_root_list(struct rp_root *root, const char *path, struct rp_strv *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r;

	r = rp_root_openat(root, path, O_RDONLY | O_DIRECTORY, &fd, err);
	return r < 0 ? r : rp_list_dir(fd, path, ret, err);
}

bool rp_root_exists(struct rp_root *root, const char *path)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;

	return rp_root_openat(root, path, O_PATH, &fd, NULL) == 0;
}
