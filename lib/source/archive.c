/* SPDX-License-Identifier: MIT */
/*
 * Unpacking archives. libarchive reads, we write: every member is created below
 * the new directory by walking its path without following links, so nothing can be
 * written outside even through links that the archive made itself. Anything
 * unusual is refused, with archive and member, and nothing stays behind.
 */
#include "source/internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_MEMBERS   500000u
#define MAX_BYTES     ((uint64_t)16 << 30)
#define MAX_PATH_LEN  4000u
#define MAX_DEB_BYTES ((size_t)1 << 30)
#define BLOCK	      65536

struct unpack {
	const struct rp_ctx *ctx;
	const char *label; /* of the archive, for messages */
	int root; /* directory that is filled */
	int strip;
	uint64_t bytes;
	uint32_t members;
	struct rp_error *err;
};

static void reader_free(struct archive **a)
{
	if (*a)
		(void)archive_read_free(*a); /* nothing to do about it at the end of reading */
}

/* Only what is built into libarchive: its other filters start programs. */
static struct archive *new_reader(void)
{
	struct archive *a = archive_read_new();

	if (!a)
		return NULL;
	if (archive_read_support_filter_gzip(a) != ARCHIVE_OK ||
		archive_read_support_filter_bzip2(a) != ARCHIVE_OK ||
		archive_read_support_filter_xz(a) != ARCHIVE_OK ||
		archive_read_support_filter_lzma(a) != ARCHIVE_OK ||
		archive_read_support_filter_zstd(a) != ARCHIVE_OK ||
		archive_read_support_format_tar(a) != ARCHIVE_OK ||
		archive_read_support_format_zip(a) != ARCHIVE_OK) {
		reader_free(&a);
		return NULL;
	}
	return a;
}

static int bad_archive(const struct unpack *u, struct archive *a)
{
	const char *text = archive_error_string(a);

	return RP_FAIL(
		u->err, -EBADMSG, "%s: %s", u->label, text ? text : "not a readable archive");
}

static int refuse(const struct unpack *u, const char *member, const char *why)
{
	bool cut = strlen(member) > 200; /* the reason must fit behind it */

	return RP_FAIL(u->err, -EBADMSG, "%s: member \"%.200s%s\" refused: %s", u->label, member,
		cut ? "..." : "", why);
}

/* "./a//b/" -> "a/b", owned; "" for the top itself. -EBADMSG: not a path below the top. */
static int clean_path(const struct unpack *u, const char *raw, char **ret)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	const char *p = raw;

	if (!raw || !raw[0])
		return refuse(u, "", "no name");
	if (raw[0] == '/')
		return refuse(u, raw, "absolute path");
	if (strlen(raw) > MAX_PATH_LEN)
		return refuse(u, raw, "path too long");
	while (*p) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return refuse(u, raw, "\"..\" in its path");
		if (n > 0 && !(n == 1 && p[0] == '.')) {
			if (b.n > 0)
				rp_buf_addc(&b, '/');
			rp_buf_add(&b, p, n);
		}
		p += n + (p[n] == '/');
	}
	*ret = rp_buf_steal(&b);
	return *ret ? 0 : RP_NOMEM(u->err);
}

/* Drops leading components; NULL: nothing is left. */
static const char *stripped(const char *path, int strip)
{
	for (; strip > 0; strip--) {
		const char *slash = strchr(path, '/');

		if (!slash)
			return NULL;
		path = slash + 1;
	}
	return path[0] ? path : NULL;
}

/* Opens (and makes) the directory that holds path; no link is followed. *ret_base: the last name. */
static int open_parent(const struct unpack *u, const char *path, int *ret_fd, const char **ret_base)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	const char *p = path;

	fd = openat(u->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(u->err, -errno, "%s: %s", u->label, path);
	for (;;) {
		const char *slash = strchr(p, '/');
		char name[256];
		int next;

		if (!slash)
			break;
		if ((size_t)(slash - p) >= sizeof(name))
			return refuse(u, path, "name too long");
		(void)snprintf(name, sizeof(name), "%.*s", (int)(slash - p), p);
		if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
			return RP_FAIL_ERRNO(u->err, -errno, "%s: %s", u->label, path);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (next < 0 && (errno == ELOOP || errno == ENOTDIR))
			return refuse(u, path, "its folder is a link or a file");
		if (next < 0)
			return RP_FAIL_ERRNO(u->err, -errno, "%s: %s", u->label, path);
		rp_close_fd(&fd);
		fd = next;
		p = slash + 1;
	}
	*ret_fd = rp_steal_fd(&fd);
	*ret_base = p;
	return 0;
}

static int make_dir(const struct unpack *u, const char *path)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	const char *base;
	struct stat st;
	int r;

	r = open_parent(u, path, &fd, &base);
	if (r < 0)
		return r;
	if (mkdirat(fd, base, 0755) == 0)
		return 0;
	if (errno == EEXIST && fstatat(fd, base, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISDIR(st.st_mode))
		return 0;
	return refuse(u, path, "something else of that name is in the archive");
}

static int too_much(const struct unpack *u, const char *path)
{
	return refuse(u, path, "the archive unpacks to more than 16 GiB");
}

/* Counts holes too: a sparse file costs nothing here, but whoever reads the tree. */
static int write_data(
	struct unpack *u, struct archive *a, int fd, const char *path, uint64_t *ret_end)
{
	uint64_t end = 0;

	for (;;) {
		const void *p;
		la_int64_t off;
		size_t n;
		int r = archive_read_data_block(a, &p, &n, &off);

		if (r == ARCHIVE_EOF)
			break;
		if (r != ARCHIVE_OK)
			return bad_archive(u, a);
		if (rp_cancelled(u->ctx))
			return RP_FAIL(
				u->err, -ECANCELED, "cancelled while unpacking %s", u->label);
		if (off < 0 || (uint64_t)off > MAX_BYTES || n > MAX_BYTES - (uint64_t)off)
			return too_much(u, path);
		if ((uint64_t)off + n > end)
			end = (uint64_t)off + n;
		if (end > MAX_BYTES - u->bytes)
			return too_much(u, path);
		while (n > 0) {
			ssize_t w = pwrite(fd, p, n, off);

			if (w < 0 && errno == EINTR)
				continue;
			if (w < 0)
				return RP_FAIL_ERRNO(
					u->err, -errno, "write %s of %s", path, u->label);
			p = (const char *)p + w;
			off += w;
			n -= (size_t)w;
		}
	}
	*ret_end = end;
	return 0;
}

/* What the header says, before anything is uncompressed for it. 0 if it says nothing. */
static int check_size(
	const struct unpack *u, struct archive_entry *e, const char *path, uint64_t *ret)
{
	la_int64_t size = archive_entry_size_is_set(e) ? archive_entry_size(e) : 0;

	if (size < 0)
		return refuse(u, path, "a size below zero");
	if ((uint64_t)size > MAX_BYTES - u->bytes)
		return too_much(u, path);
	*ret = (uint64_t)size;
	return 0;
}

static int make_file(struct unpack *u, struct archive *a, struct archive_entry *e, const char *path)
{
	mode_t mode = archive_entry_perm(e);
	RP_CLEANUP(rp_close_fd) int dir = -1;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct timespec times[2];
	uint64_t size = 0, end = 0;
	const char *base;
	int r;

	if (mode & (S_ISUID | S_ISGID))
		return refuse(u, path, "set-user-id or set-group-id");
	r = check_size(u, e, path, &size);
	if (r == 0)
		r = open_parent(u, path, &dir, &base);
	if (r < 0)
		return r;
	fd = openat(dir, base, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		return refuse(u, path, "it stands in the archive twice");
	if (fd < 0)
		return RP_FAIL_ERRNO(u->err, -errno, "create %s of %s", path, u->label);
	r = write_data(u, a, fd, path, &end);
	if (r < 0)
		return r;
	/* Sparse tails: the size counts, not the last block. */
	if (archive_entry_size_is_set(e) && ftruncate(fd, (off_t)size) < 0)
		return RP_FAIL_ERRNO(u->err, -errno, "write %s of %s", path, u->label);
	u->bytes += end > size ? end : size;
	if (fchmod(fd, mode & 0111 ? 0755 : 0644) < 0)
		return RP_FAIL_ERRNO(u->err, -errno, "set mode of %s", path);
	times[0] = times[1] = (struct timespec){ archive_entry_mtime(e), 0 };
	if (archive_entry_mtime_is_set(e) && futimens(fd, times) < 0)
		return RP_FAIL_ERRNO(u->err, -errno, "set time of %s", path);
	return 0;
}

/*
 * True if a link at path with this text stays below the top, whatever other links are
 * there: ".." only in front, and not more than path has folders, which are real ones
 * (open_parent). Behind a name, ".." would count from where that name leads: with
 * a/b/up -> "../..", "a/b/up/.." is outside though it does not look so.
 */
bool rp_link_stays(const char *path, const char *target)
{
	bool named = false;
	long depth = 0;

	if (target[0] == '/' || target[0] == '\0')
		return false;
	for (const char *p = path; (p = strchr(p, '/')) != NULL; p++)
		depth++;
	for (const char *p = target; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (named || --depth < 0)
				return false;
		} else if (n > 0 && !(n == 1 && p[0] == '.')) {
			named = true;
		}
		p += n + (p[n] == '/');
	}
	return true;
}

static int make_link(const struct unpack *u, const char *path, const char *target)
{
	RP_CLEANUP(rp_close_fd) int dir = -1;
	const char *base;
	int r;

	if (!target || !rp_link_stays(path, target))
		return refuse(u, path, "a link that leaves the tree");
	r = open_parent(u, path, &dir, &base);
	if (r < 0)
		return r;
	if (symlinkat(target, dir, base) < 0)
		return errno == EEXIST
			       ? refuse(u, path, "it stands in the archive twice")
			       : RP_FAIL_ERRNO(u->err, -errno, "link %s of %s", path, u->label);
	return 0;
}

static int make_hard_link(const struct unpack *u, const char *path, const char *raw_target)
{
	RP_CLEANUP(rp_free_p) char *clean = NULL;
	RP_CLEANUP(rp_close_fd) int from = -1;
	RP_CLEANUP(rp_close_fd) int to = -1;
	const char *from_base, *to_base, *target;
	struct stat st;
	int r;

	r = clean_path(u, raw_target, &clean);
	if (r < 0)
		return r;
	target = stripped(clean, u->strip);
	if (!target)
		return refuse(u, path, "a hard link to the top");
	r = open_parent(u, target, &from, &from_base);
	if (r == 0)
		r = open_parent(u, path, &to, &to_base);
	if (r < 0)
		return r;
	if (fstatat(from, from_base, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return refuse(u, path, "a hard link to something that is no file of the archive");
	if (linkat(from, from_base, to, to_base, 0) < 0)
		return errno == EEXIST
			       ? refuse(u, path, "it stands in the archive twice")
			       : RP_FAIL_ERRNO(u->err, -errno, "link %s of %s", path, u->label);
	return 0;
}

static int one_member(struct unpack *u, struct archive *a, struct archive_entry *e)
{
	const char *raw = archive_entry_pathname(e), *hard = archive_entry_hardlink(e);
	RP_CLEANUP(rp_free_p) char *clean = NULL;
	const char *path;
	int r;

	if (rp_cancelled(u->ctx))
		return RP_FAIL(u->err, -ECANCELED, "cancelled while unpacking %s", u->label);
	if (++u->members > MAX_MEMBERS)
		return refuse(u, raw ? raw : "", "too many members");
	r = clean_path(u, raw, &clean);
	if (r < 0)
		return r;
	path = stripped(clean, u->strip);
	if (!path)
		return archive_entry_filetype(e) == AE_IFDIR
			       ? 0
			       : refuse(u, raw, "no name is left of its path");
	if (hard)
		return make_hard_link(u, path, hard);
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return make_file(u, a, e, path);
	case AE_IFDIR:
		return make_dir(u, path);
	case AE_IFLNK:
		return make_link(u, path, archive_entry_symlink(e));
	default:
		return refuse(u, raw, "neither file, folder nor link");
	}
}

static int open_reader(
	const struct unpack *u, const char *path, struct rp_span memory, struct archive **ret)
{
	RP_CLEANUP(reader_free) struct archive *a = new_reader();
	int r;

	if (!a)
		return RP_NOMEM(u->err);
	if (path)
		r = archive_read_open_filename(a, path, BLOCK);
	else
		r = archive_read_open_memory(a, memory.p, memory.n);
	if (r != ARCHIVE_OK)
		return bad_archive(u, a);
	*ret = RP_STEAL(a);
	return 0;
}

/* Whether all members share the first component, and more than that component is there. */
static int shared_top(const struct unpack *u, const char *path, struct rp_span memory, bool *ret)
{
	RP_CLEANUP(reader_free) struct archive *a = NULL;
	RP_CLEANUP(rp_free_p) char *top = NULL;
	struct archive_entry *e;
	uint64_t bytes = 0;
	uint32_t members = 0;
	bool below = false;
	int r, h;

	r = open_reader(u, path, memory, &a);
	if (r < 0)
		return r;
	*ret = false;
	while ((h = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
		RP_CLEANUP(rp_free_p) char *clean = NULL;
		size_t n;

		if (rp_cancelled(u->ctx))
			return RP_FAIL(u->err, -ECANCELED, "cancelled while reading %s", u->label);
		if (++members > MAX_MEMBERS)
			return refuse(u, "", "too many members");
		r = clean_path(u, archive_entry_pathname(e), &clean);
		if (r < 0)
			return r;
		/* Going on means to uncompress the member. */
		if (archive_entry_size(e) > 0) {
			if ((uint64_t)archive_entry_size(e) > MAX_BYTES - bytes)
				return too_much(u, clean);
			bytes += (uint64_t)archive_entry_size(e);
		}
		if (!clean[0])
			continue;
		n = strcspn(clean, "/");
		if (!top) {
			top = strndup(clean, n);
			if (!top)
				return RP_NOMEM(u->err);
		}
		if (strlen(top) != n || strncmp(top, clean, n) != 0)
			return 0;
		if (!clean[n] && archive_entry_filetype(e) != AE_IFDIR)
			return 0;
		below |= clean[n] != '\0';
	}
	if (h != ARCHIVE_EOF)
		return bad_archive(u, a);
	*ret = below;
	return 0;
}

static int unpack_all(struct unpack *u, const char *path, struct rp_span memory)
{
	RP_CLEANUP(reader_free) struct archive *a = NULL;
	struct archive_entry *e;
	int r, h;

	r = open_reader(u, path, memory, &a);
	if (r < 0)
		return r;
	while ((h = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
		r = one_member(u, a, e);
		if (r < 0)
			return r;
	}
	/* A warning is about something that we cannot represent: refused too. */
	if (h != ARCHIVE_EOF)
		return bad_archive(u, a);
	/*
	 * libarchive takes a tar file that was cut between two members for whole: it
	 * then has read nothing behind the place where it looked for the next header.
	 */
	if ((archive_format(a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR &&
		archive_filter_bytes(a, 0) <= archive_read_header_position(a))
		return RP_FAIL(u->err, -EBADMSG,
			"%s: no end mark behind the last member: the archive was cut", u->label);
	if (u->members == 0)
		return RP_FAIL(u->err, -EBADMSG, "%s: no member", u->label);
	return 0;
}

/*
 * Names are bytes to us. libarchive converts those of pax headers (UTF-8) to the thread's
 * character set, and fails where that is ASCII; so the thread gets UTF-8 meanwhile.
 */
struct utf8 {
	locale_t mine;
	locale_t before;
};

static void utf8_begin(struct utf8 *l)
{
	l->mine = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	l->before = l->mine ? uselocale(l->mine) : (locale_t)0; /* else: ASCII names only */
}

static void utf8_end(struct utf8 *l)
{
	if (!l->mine)
		return;
	(void)uselocale(l->before);
	freelocale(l->mine);
}

static int unpack_to(const struct rp_ctx *ctx, const char *label, const char *path,
	struct rp_span memory, int dirfd, const char *name, int strip, struct rp_error *err)
{
	struct unpack u = { .ctx = ctx, .label = label, .root = -1, .strip = strip, .err = err };
	RP_CLEANUP(utf8_end) struct utf8 names = { NULL, NULL };
	struct rp_error ignored = RP_ERROR_INIT;
	bool top = false;
	int r = 0;

	utf8_begin(&names);
	if (strip < 0) {
		r = shared_top(&u, path, memory, &top);
		u.strip = top ? 1 : 0;
	}
	if (r < 0)
		return r;
	if (mkdirat(dirfd, name, 0755) < 0)
		return RP_FAIL_ERRNO(err, -errno, "create %s", name);
	u.root = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (u.root < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", name);
	r = unpack_all(&u, path, memory);
	rp_close_fd(&u.root);
	if (r < 0 && rp_remove_tree(dirfd, name, &ignored) < 0)
		(void)rp_error_prefix(err, r, "%s could not be removed again", name);
	return r;
}

int rp_archive_unpack(const struct rp_ctx *ctx, const char *archive_path, int dirfd,
	const char *name, int strip, struct rp_error *err)
{
	return unpack_to(ctx, rp_path_base(archive_path), archive_path, rp_span_of(NULL, 0), dirfd,
		name, strip, err);
}

/* The bytes of the member data.tar.* of a .deb (deb(5): an ar archive). */
static int read_data_member(const struct unpack *u, const char *deb_path, struct rp_buf *ret)
{
	RP_CLEANUP(reader_free) struct archive *a = archive_read_new();
	struct archive_entry *e;
	int h;

	if (!a || archive_read_support_format_ar(a) != ARCHIVE_OK)
		return RP_NOMEM(u->err);
	if (archive_read_open_filename(a, deb_path, BLOCK) != ARCHIVE_OK)
		return bad_archive(u, a);
	while ((h = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(e);
		char chunk[BLOCK];
		la_ssize_t n;

		if (!name || strncmp(name, "data.tar", 8) != 0)
			continue;
		while ((n = archive_read_data(a, chunk, sizeof(chunk))) > 0) {
			rp_buf_add(ret, chunk, (size_t)n);
			if (ret->n > MAX_DEB_BYTES)
				return refuse(u, name, "larger than 1 GiB");
		}
		return n < 0 ? bad_archive(u, a) : rp_buf_check(ret, u->err);
	}
	return h == ARCHIVE_EOF ? RP_FAIL(u->err, -EBADMSG, "%s: no data.tar: not a Debian package",
					  u->label)
				: bad_archive(u, a);
}

int rp_deb_unpack(const struct rp_ctx *ctx, const char *deb_path, int dirfd, const char *name,
	struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf data = RP_BUF_INIT;
	struct unpack u = { .ctx = ctx, .label = rp_path_base(deb_path), .err = err };
	int r;

	r = read_data_member(&u, deb_path, &data);
	return r < 0 ? r : unpack_to(ctx, u.label, NULL, rp_buf_span(&data), dirfd, name, 0, err);
}
