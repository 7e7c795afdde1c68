/* SPDX-License-Identifier: MIT */
/*
 * The manifest of a generation and checking a tree against it.
 * MANIFEST.sha256 has the form of sha256sum(1), so that "sha256sum -c" checks a
 * generation without this program; names with control characters or backslashes,
 * which that form would have to escape, are refused when a generation is made.
 */
#include "store/internal.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST       RP_STORE_META "/MANIFEST.sha256"
#define LINKS	       RP_STORE_META "/links"
#define MAX_LIST_BYTES ((size_t)64 << 20)
#define LINK_ARROW     " -> "

struct lister {
	const struct rp_ctx *ctx;
	struct rp_buf files, links;
	uint64_t n_files, n_bytes;
	bool hash;
};

static bool plain_name(const char *rel)
{
	for (; *rel; rel++)
		if ((unsigned char)*rel < 0x20 || *rel == 0x7f || *rel == '\\')
			return false;
	return true;
}

static int list_entry(void *data, int dirfd, const char *name, const char *rel,
	const struct stat *st, struct rp_error *err)
{
	char sha[RP_SHA256_HEX], target[PATH_MAX];
	struct lister *l = data;
	int r;

	if (rp_cancelled(l->ctx))
		return RP_FAIL(err, -ECANCELED, "cancelled");
	if (!plain_name(rel) || strstr(rel, LINK_ARROW))
		return RP_FAIL(err, -EBADMSG,
			"staged file has a name that a manifest cannot hold: %s", rel);
	if (S_ISDIR(st->st_mode))
		return 0;
	if (S_ISLNK(st->st_mode)) {
		r = rp_read_link(dirfd, name, rel, target, err);
		if (r < 0)
			return r;
		if (!plain_name(target))
			return RP_FAIL(
				err, -EBADMSG, "%s: link text that a manifest cannot hold", rel);
		rp_buf_addf(&l->links, "%s%s%s\n", rel, LINK_ARROW, target);
		return 0;
	}
	if (!S_ISREG(st->st_mode))
		return RP_FAIL(err, -EBADMSG, "staged tree has a special file: %s", rel);
	l->n_files++;
	l->n_bytes += (uint64_t)st->st_size;
	if (!l->hash || strcmp(rel, MANIFEST) == 0)
		return 0;
	r = rp_sha256_file(dirfd, name, sha, err);
	if (r < 0)
		return r;
	rp_buf_addf(&l->files, "%s  %s\n", sha, rel);
	return 0;
}

int rp_manifest_measure(int dir_fd, uint64_t *ret_files, uint64_t *ret_bytes, struct rp_error *err)
{
	struct lister l = { .hash = false };
	int r;

	r = rp_walk(dir_fd, ".", list_entry, &l, err);
	rp_buf_free(&l.links);
	if (r < 0)
		return r;
	*ret_files = l.n_files;
	*ret_bytes = l.n_bytes;
	return 0;
}

int rp_manifest_write(const struct rp_ctx *ctx, int dir_fd, struct rp_error *err)
{
	struct lister l = { .ctx = ctx };
	RP_CLEANUP(rp_close_fd) int meta_fd = -1;
	int r;

	meta_fd = openat(dir_fd, RP_STORE_META, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (meta_fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", RP_STORE_META);
	/* The list of links first: the manifest then covers it too. */
	r = rp_walk(dir_fd, ".", list_entry, &l, err);
	if (r == 0)
		r = rp_buf_check(&l.links, err);
	if (r == 0)
		r = rp_publish_file(meta_fd, "links", 0644, rp_buf_span(&l.links), err);
	rp_buf_free(&l.links);
	if (r < 0)
		return r;
	l = (struct lister){ .ctx = ctx, .hash = true };
	r = rp_walk(dir_fd, ".", list_entry, &l, err);
	if (r == 0)
		r = rp_buf_check(&l.files, err);
	if (r == 0)
		r = rp_publish_file(meta_fd, "MANIFEST.sha256", 0644, rp_buf_span(&l.files), err);
	rp_buf_free(&l.files);
	rp_buf_free(&l.links);
	return r;
}

/* A line of one of the two lists: what must be at path. */
struct expected {
	char *path;
	char *value; /* checksum, or link text */
	bool link;
	bool seen;
};

struct checker {
	const struct rp_ctx *ctx;
	struct expected *v;
	size_t n, cap;
	struct rp_store_check *out;
};

static int by_path(const void *a, const void *b)
{
	const struct expected *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void checker_free(struct checker *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].path);
		free(c->v[i].value);
	}
	free(c->v);
}

static int add_expected(struct checker *c, struct rp_span path, struct rp_span value, bool link,
	struct rp_error *err)
{
	struct expected *e;

	if (rp_array_grow(&c->v, &c->cap, c->n, sizeof(*c->v)) < 0)
		return RP_NOMEM(err);
	e = &c->v[c->n];
	*e = (struct expected){ rp_span_dup(path), rp_span_dup(value), link, false };
	c->n++;
	return e->path && e->value ? 0 : RP_FAIL(err, -EBADMSG, "malformed manifest");
}

static int read_manifest(struct checker *c, int dir_fd, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct rp_span rest, line;
	unsigned int n = 0;
	int r;

	r = rp_file_read(dir_fd, MANIFEST, MAX_LIST_BYTES, &text, err);
	if (r < 0)
		return r;
	rest = rp_buf_span(&text);
	while (rp_span_line(&rest, &line)) {
		n++;
		if (line.n < RP_SHA256_HEX + 2 || line.p[64] != ' ' || line.p[65] != ' ')
			return RP_FAIL(err, -EBADMSG, "%s:%u: malformed line", MANIFEST, n);
		r = add_expected(c, rp_span_of(line.p + 66, line.n - 66), rp_span_of(line.p, 64),
			false, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_links(struct checker *c, int dir_fd, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct rp_span rest, line;
	unsigned int n = 0;
	int r;

	r = rp_file_read(dir_fd, LINKS, MAX_LIST_BYTES, &text, err);
	if (r < 0)
		return r;
	rest = rp_buf_span(&text);
	while (rp_span_line(&rest, &line)) {
		const uint8_t *arrow = line.n > 0 ? memmem(line.p, line.n, LINK_ARROW, 4) : NULL;

		n++;
		if (!arrow)
			return RP_FAIL(err, -EBADMSG, "%s:%u: malformed line", LINKS, n);
		r = add_expected(c, rp_span_of(line.p, (size_t)(arrow - line.p)),
			rp_span_of(arrow + 4, line.n - (size_t)(arrow - line.p) - 4), true, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int problem(struct checker *c, const char *path, const char *what, struct rp_error *err)
{
	struct rp_store_check *o = c->out;

	if (rp_array_grow(&o->v, &o->cap, o->n, sizeof(*o->v)) < 0)
		return RP_NOMEM(err);
	o->v[o->n] = (struct rp_store_problem){ strdup(path), strdup(what) };
	o->n++;
	return o->v[o->n - 1].path && o->v[o->n - 1].what ? 0 : RP_NOMEM(err);
}

static int check_entry(void *data, int dirfd, const char *name, const char *rel,
	const struct stat *st, struct rp_error *err)
{
	char sha[RP_SHA256_HEX], target[PATH_MAX];
	struct checker *c = data;
	struct expected key = { .path = (char *)(uintptr_t)rel }, *e;
	int r;

	if (rp_cancelled(c->ctx))
		return RP_FAIL(err, -ECANCELED, "cancelled");
	if (S_ISDIR(st->st_mode) || strcmp(rel, MANIFEST) == 0)
		return 0;
	e = c->n > 0 ? bsearch(&key, c->v, c->n, sizeof(*c->v), by_path) : NULL;
	if (!e)
		return problem(c, rel, "extra: not in the manifest", err);
	e->seen = true;
	if (e->link) {
		if (!S_ISLNK(st->st_mode))
			return problem(c, rel, "changed: was a link", err);
		r = rp_read_link(dirfd, name, rel, target, err);
		if (r < 0)
			return r;
		return strcmp(target, e->value) == 0
			       ? 0
			       : problem(c, rel, "changed: the link points elsewhere", err);
	}
	if (!S_ISREG(st->st_mode))
		return problem(c, rel, "changed: was a file", err);
	r = rp_sha256_file(dirfd, name, sha, err);
	if (r == -EACCES)
		return problem(c, rel, "not readable: no permission", err);
	if (r < 0)
		return r;
	c->out->n_files++;
	c->out->n_bytes += (uint64_t)st->st_size;
	return strcmp(sha, e->value) == 0 ? 0 : problem(c, rel, "changed: other contents", err);
}

int rp_store_verify(const struct rp_ctx *ctx, const struct rp_store *st, const char *id,
	struct rp_store_check *ret, struct rp_error *err)
{
	struct rp_store_check out = RP_STORE_CHECK_INIT;
	RP_CLEANUP(checker_free) struct checker c = { .ctx = ctx, .out = &out };
	RP_CLEANUP(rp_close_fd) int dir_fd = -1;
	int r;

	if (!rp_store_is_id(id) || st->fd < 0)
		return RP_FAIL(err, -ENOENT, "no generation is called \"%s\"", id);
	dir_fd = openat(st->fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir_fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "generation %s", id);
	r = read_manifest(&c, dir_fd, err);
	if (r == 0)
		r = read_links(&c, dir_fd, err);
	if (r < 0)
		return r;
	if (c.n > 1)
		qsort(c.v, c.n, sizeof(*c.v), by_path);
	r = rp_walk(dir_fd, ".", check_entry, &c, err);
	for (size_t i = 0; r == 0 && i < c.n; i++)
		if (!c.v[i].seen)
			r = problem(&c, c.v[i].path, "missing", err);
	if (r < 0) {
		rp_store_check_free(&out);
		return r;
	}
	*ret = out;
	return 0;
}

void rp_store_check_free(struct rp_store_check *check)
{
	for (size_t i = 0; i < check->n; i++) {
		free(check->v[i].path);
		free(check->v[i].what);
	}
	free(check->v);
	*check = (struct rp_store_check)RP_STORE_CHECK_INIT;
}
