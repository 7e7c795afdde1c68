/* SPDX-License-Identifier: MIT */
/* Making files, links and trees visible; see base/publish.h. */
#include "base/publish.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* A name that no other process of this machine uses at the same time; see mkostemp(3) for why not it. */
static void temp_name(char name[64], unsigned int try)
{
	(void)snprintf(name, 64, RP_TMP_PREFIX "%ld-%u", (long)getpid(), try);
}

int rp_write_all(int fd, struct rp_span data, struct rp_error *err)
{
	while (data.n > 0) {
		ssize_t n = write(fd, data.p, data.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return RP_FAIL_ERRNO(err, -errno, "write");
		data = rp_span_of(data.p + n, data.n - (size_t)n);
	}
	return 0;
}

int rp_fsync_dir(int dirfd, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;

	/* dirfd may be O_PATH or AT_FDCWD, which fsync does not take */
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "open directory to sync it");
	if (fsync(fd) < 0)
		return RP_FAIL_ERRNO(err, -errno, "sync directory");
	return 0;
}

int rp_tmpfile_open(int dirfd, mode_t mode, struct rp_tmpfile *ret, struct rp_error *err)
{
	struct rp_tmpfile t = RP_TMPFILE_INIT;
	int r;

	t.dirfd = dirfd;
	for (unsigned int try = 0; try < 1000; try++) {
		temp_name(t.name, try);
		t.fd = openat(
			dirfd, t.name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (t.fd >= 0 || errno != EEXIST)
			break;
	}
	if (t.fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "create temporary file");
	if (fchmod(t.fd, mode) < 0) {
		r = RP_FAIL_ERRNO(err, -errno, "set mode of temporary file");
		rp_tmpfile_drop(&t);
		return r;
	}
	*ret = t;
	return 0;
}

int rp_tmpfile_write(struct rp_tmpfile *tmp, struct rp_span data, struct rp_error *err)
{
	return rp_write_all(tmp->fd, data, err);
}

int rp_tmpfile_publish(struct rp_tmpfile *tmp, const char *name, struct rp_error *err)
{
	if (fsync(tmp->fd) < 0)
		return RP_FAIL_ERRNO(err, -errno, "sync %s", name);
	if (renameat(tmp->dirfd, tmp->name, tmp->dirfd, name) < 0)
		return RP_FAIL_ERRNO(err, -errno, "publish %s", name);
	tmp->name[0] = '\0';
	rp_close_fd(&tmp->fd);
	return rp_fsync_dir(tmp->dirfd, err);
}

void rp_tmpfile_drop(struct rp_tmpfile *tmp)
{
	rp_close_fd(&tmp->fd);
	if (tmp->name[0])
		(void)unlinkat(tmp->dirfd, tmp->name, 0); /* best effort: the prefix marks strays */
	*tmp = (struct rp_tmpfile)RP_TMPFILE_INIT;
}

/* True for a name of temp_name() whose process is gone. */
static bool is_stray(const char *name)
{
	unsigned int try;
	long pid;

	if (strncmp(name, RP_TMP_PREFIX, strlen(RP_TMP_PREFIX)) != 0 ||
		sscanf(name + strlen(RP_TMP_PREFIX), "%ld-%u", &pid, &try) != 2 || pid <= 0)
		return false;
	return kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

int rp_tmpfile_sweep(int dirfd, struct rp_error *err)
{
	struct dirent *e;
	int fd, r = 0;
	DIR *d;

	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "look for left temporary files");
	d = fdopendir(fd);
	if (!d) {
		r = RP_FAIL_ERRNO(err, -errno, "look for left temporary files");
		rp_close_fd(&fd);
		return r;
	}
	while (r == 0 && (e = readdir(d)) != NULL)
		if (is_stray(e->d_name) && unlinkat(dirfd, e->d_name, 0) < 0 && errno != ENOENT)
			r = RP_FAIL_ERRNO(err, -errno, "remove %s", e->d_name);
	closedir(d);
	return r;
}

int rp_publish_file(
	int dirfd, const char *name, mode_t mode, struct rp_span data, struct rp_error *err)
{
	RP_CLEANUP(rp_tmpfile_drop) struct rp_tmpfile tmp = RP_TMPFILE_INIT;
	int r;

	r = rp_tmpfile_open(dirfd, mode, &tmp, err);
	if (r < 0)
		return rp_error_prefix(err, r, "%s", name);
	r = rp_tmpfile_write(&tmp, data, err);
	if (r < 0)
		return rp_error_prefix(err, r, "%s", name);
	return rp_tmpfile_publish(&tmp, name, err);
}

int rp_publish_symlink(int dirfd, const char *name, const char *target, struct rp_error *err)
{
	char tmp[64] = "";
	int r = -1;

	for (unsigned int try = 0; try < 1000; try++) {
		temp_name(tmp, try);
		r = symlinkat(target, dirfd, tmp);
		if (r == 0 || errno != EEXIST)
			break;
	}
	if (r < 0)
		return RP_FAIL_ERRNO(err, -errno, "create link %s", name);
	if (renameat(dirfd, tmp, dirfd, name) < 0) {
		r = RP_FAIL_ERRNO(err, -errno, "publish link %s", name);
		(void)unlinkat(dirfd, tmp, 0);
		return r;
	}
	return rp_fsync_dir(dirfd, err);
}

static int sync_entry(void *data, int dirfd, const char *name, const char *rel,
	const struct stat *st, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;

	(void)data;
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return 0;
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "sync %s", rel);
	if (fsync(fd) < 0)
		return RP_FAIL_ERRNO(err, -errno, "sync %s", rel);
	return 0;
}

int rp_publish_tree(int dirfd, const char *from, const char *to, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r;

	r = rp_walk(dirfd, from, sync_entry, NULL, err);
	if (r < 0)
		return r;
	fd = openat(dirfd, from, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", from);
	if (fsync(fd) < 0)
		return RP_FAIL_ERRNO(err, -errno, "sync %s", from);
	if (renameat2(dirfd, from, dirfd, to, RENAME_NOREPLACE) < 0)
		return RP_FAIL_ERRNO(err, -errno, "publish %s as %s", from, to);
	return rp_fsync_dir(dirfd, err);
}
