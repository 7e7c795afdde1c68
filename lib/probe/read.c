/* SPDX-License-Identifier: MIT */
/*
 * How a probe reads: below the root (or the overlay that hides parts of it), bounded, and told to the
 * recorder. Files of /sys and /proc are data of strangers here as well: a tree may come from anybody.
 */
#include "probe/internal.h"

#include <unistd.h>

static bool is_denied(const struct probe *p, const char *path)
{
	return rp_strv_has(&p->denied, path);
}

/* An overlay hides what it has; below /sys/class/kfd and its kind it is asked first. */
int probe_openat(struct probe *p, const char *path, int flags, int *ret_fd)
{
	if (is_denied(p, path))
		return -EACCES;
	if (p->o->overlay && rp_root_openat(p->o->overlay, path, flags, ret_fd, NULL) == 0)
		return 0;
	return rp_root_openat(p->root, path, flags, ret_fd, NULL);
}

static void failed(struct probe *p, int r)
{
	if (r < 0 && p->r == 0)
		p->r = r;
}

void probe_record(struct probe *p, const char *path, struct rp_span bytes)
{
	if (p->o->recorder && p->r == 0)
		failed(p, p->o->recorder->file(p->o->recorder->data, path, bytes, p->err));
}

int probe_read_start(struct probe *p, const char *path, size_t n, struct rp_buf *ret)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct stat st;
	size_t done = 0;
	int r = probe_openat(p, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd);

	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	while (done < n) {
		char chunk[4096];
		size_t want = n - done < sizeof(chunk) ? n - done : sizeof(chunk);
		ssize_t got = read(fd, chunk, want);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		rp_buf_add(ret, chunk, (size_t)got);
		done += (size_t)got;
	}
	if (rp_buf_check(ret, p->err) < 0) {
		failed(p, -ENOMEM);
		return -ENOMEM;
	}
	return 0;
}

int probe_read(struct probe *p, const char *path, size_t max, struct rp_buf *ret, char why[128])
{
	int r = probe_read_start(p, path, max + 1, ret);

	if (r == 0 && ret->n > max) {
		(void)snprintf(why, 128, "larger than %zu bytes", max);
		rp_buf_clear(ret);
		return -EFBIG;
	}
	if (r < 0)
		(void)snprintf(why, 128, "%s", r == -EINVAL ? "not a regular file" : strerror(-r));
	else
		probe_record(p, path, rp_buf_span(ret));
	return r;
}

int probe_list(struct probe *p, const char *path, struct rp_strv *ret)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r = probe_openat(p, path, O_RDONLY | O_DIRECTORY, &fd);

	if (r < 0)
		return r;
	r = rp_list_dir(fd, path, ret, NULL);
	if (r == 0 && p->o->recorder && p->r == 0)
		failed(p, p->o->recorder->folder(p->o->recorder->data, path, p->err));
	return r;
}

bool probe_exists(struct probe *p, const char *path)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct stat st;

	if (probe_openat(p, path, O_PATH, &fd) < 0 || fstat(fd, &st) < 0)
		return false;
	if (p->o->recorder && p->r == 0) {
		if (S_ISDIR(st.st_mode))
			failed(p, p->o->recorder->folder(p->o->recorder->data, path, p->err));
		else if (S_ISREG(st.st_mode)) /* that it is there is all that was asked */
			probe_record(p, path, (struct rp_span){ NULL, 0 });
	}
	return true;
}

int probe_link(struct probe *p, const char *path, char ret[PATH_MAX])
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r = probe_openat(p, path, O_PATH | O_NOFOLLOW, &fd);
	ssize_t n;

	if (r < 0)
		return r;
	n = readlinkat(fd, "", ret, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	if (p->o->recorder && p->r == 0)
		failed(p, p->o->recorder->link(p->o->recorder->data, path, ret, p->err));
	return 0;
}

static char *first_line(struct rp_buf *b)
{
	struct rp_span rest = rp_buf_span(b), line;

	if (!rp_span_line(&rest, &line))
		return strdup("");
	return rp_span_dup(rp_span_trim(line)); /* NULL for a NUL inside: binary, not a line */
}

const char *probe_line(
	struct probe *p, const char *subject, const char *key, const char *path_fmt, ...)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf path = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *line = NULL;
	char why[128];
	va_list ap;
	int r;

	va_start(ap, path_fmt);
	rp_buf_vaddf(&path, path_fmt, ap);
	va_end(ap);
	r = probe_read(p, rp_buf_cstr(&path), LINE_BYTES, &text, why);
	if (r == -ENOENT || r == -ENOTDIR)
		return NULL;
	if (r == 0) {
		line = first_line(&text);
		if (line)
			rp_fact_set(p->facts, subject, key, rp_buf_cstr(&path), "%s", line);
		else
			rp_fact_unknown(p->facts, subject, key, rp_buf_cstr(&path), "not text");
	} else {
		rp_fact_unknown(p->facts, subject, key, rp_buf_cstr(&path), why);
	}
	return rp_fact_get(p->facts, subject, key);
}

static char *vword(struct probe *p, const char *path_fmt, va_list ap) RP_PRINTF(2, 0);
static char *vword(struct probe *p, const char *path_fmt, va_list ap)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf path = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	char why[128];

	rp_buf_vaddf(&path, path_fmt, ap);
	return probe_read(p, rp_buf_cstr(&path), LINE_BYTES, &text, why) == 0 ? first_line(&text)
									      : NULL;
}

char *probe_word(struct probe *p, const char *path_fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, path_fmt);
	s = vword(p, path_fmt, ap);
	va_end(ap);
	return s;
}

bool probe_number(struct probe *p, uint64_t *ret, const char *path_fmt, ...)
{
	RP_CLEANUP(rp_free_p) char *s = NULL;
	va_list ap;

	va_start(ap, path_fmt);
	s = vword(p, path_fmt, ap);
	va_end(ap);
	return s && rp_span_number(rp_span_str(s), ret);
}

char *probe_assignment(struct rp_span text, const char *key)
{
	struct rp_span line;
	size_t n = strlen(key);

	while (rp_span_line(&text, &line)) {
		struct rp_span v;

		line = rp_span_trim(line);
		if (!rp_span_starts(line, key) || line.n <= n || line.p[n] != '=')
			continue;
		v = rp_span_of(line.p + n + 1, line.n - n - 1);
		if (v.n >= 2 && (v.p[0] == '"' || v.p[0] == '\'') && v.p[v.n - 1] == v.p[0])
			v = rp_span_of(v.p + 1, v.n - 2);
		return rp_span_dup(v);
	}
	return NULL;
}

/* A section of machine.ini for a path: [node] path=... mode=... uid=... gid=... */
static const char *node_value(const struct rp_ini *ini, const char *path, const char *key)
{
	for (size_t i = 0; i < ini->n; i++) {
		const struct rp_ini_item *it = &ini->items[i];

		if (!it->key || strcmp(it->section, "node") != 0 || strcmp(it->key, "path") != 0 ||
			strcmp(it->value, path) != 0)
			continue;
		for (size_t k = 0; k < ini->n; k++) {
			const struct rp_ini_item *v = &ini->items[k];

			if (v->section_no == it->section_no && v->key && strcmp(v->key, key) == 0)
				return v->value;
		}
	}
	return NULL;
}

struct probe_node probe_device_node(struct probe *p, const char *path)
{
	struct probe_node node = { 0 };

	if (p->machine.n > 0) {
		const char *mode = node_value(&p->machine, path, "mode");
		const char *uid = node_value(&p->machine, path, "uid");
		const char *gid = node_value(&p->machine, path, "gid");

		node.known = true;
		node.present = mode != NULL;
		node.mode = mode ? (unsigned int)strtoul(mode, NULL, 8) & 07777 : 0;
		node.uid = uid ? strtoul(uid, NULL, 10) : 0;
		node.gid = gid ? strtoul(gid, NULL, 10) : 0;
	} else if (p->o->overlay) {
		/* the virtual card's nodes exist for programs with its preload only: a child finds out */
		node = (struct probe_node){ .known = true, .present = true, .mode = 0666 };
	} else if (p->root->is_host) {
		RP_CLEANUP(rp_close_fd) int fd = -1;
		struct stat st;

		node.known = true;
		if (rp_root_openat(p->root, path, O_PATH, &fd, NULL) == 0 && fstat(fd, &st) == 0 &&
			S_ISCHR(st.st_mode)) {
			node.present = true;
			node.mode = st.st_mode & 07777;
			node.uid = st.st_uid;
			node.gid = st.st_gid;
		}
	}
	return node;
}

/* name:x:gid:members. Members are never looked at, so that a capture need not name people. */
char *probe_group_name(struct probe *p, unsigned long gid)
{
	struct rp_span rest = rp_buf_span(&p->groups), line;
	char want[32];

	(void)snprintf(want, sizeof(want), "%lu", gid);
	while (rp_span_line(&rest, &line)) {
		const uint8_t *a = memchr(line.p, ':', line.n);
		const uint8_t *b = a ? memchr(a + 1, ':', line.n - (size_t)(a + 1 - line.p)) : NULL;
		const uint8_t *c = b ? memchr(b + 1, ':', line.n - (size_t)(b + 1 - line.p)) : NULL;

		if (c && rp_span_eq_str(rp_span_of(b + 1, (size_t)(c - b - 1)), want))
			return rp_span_dup(rp_span_of(line.p, (size_t)(a - line.p)));
	}
	return NULL;
}

/* Keeps the lines of system groups (below 1000: login.defs SYS_GID_MAX is 999), without members. */
void probe_load_groups(struct probe *p)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct rp_span rest, line;

	if (probe_read_start(p, "/etc/group", TEXT_BYTES, &text) < 0)
		return;
	rest = rp_buf_span(&text);
	while (rp_span_line(&rest, &line)) {
		const uint8_t *end = line.n ? memrchr(line.p, ':', line.n) : NULL;
		const uint8_t *colon = end ? memrchr(line.p, ':', (size_t)(end - line.p)) : NULL;
		uint64_t gid;

		if (!colon ||
			!rp_span_number(rp_span_of(colon + 1, (size_t)(end - colon - 1)), &gid) ||
			gid >= 1000)
			continue;
		rp_buf_add(&p->groups, line.p, (size_t)(end - line.p));
		rp_buf_adds(&p->groups, ":\n");
	}
	probe_record(p, "/etc/group", rp_buf_span(&p->groups));
}
