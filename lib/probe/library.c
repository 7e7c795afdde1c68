/* SPDX-License-Identifier: MIT */
/* What libraries say by their own bytes: an executable stack, the targets of their GPU code. */
#include <sys/mman.h>

#include "codeobj/codeobj.h"
#include "probe/internal.h"

#define HEAD_BYTES   8192u
#define PT_GNU_STACK 0x6474e551u
#define PF_X	     1u
#define CACHE_NAME   "doctor-libraries.tsv"
#define CACHE_BYTES  (1u << 20)

const char *probe_execstack(struct probe *p, const char *path)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf head = RP_BUF_INIT;
	struct rp_span s;
	uint64_t phoff;
	uint16_t size, n;

	if (probe_read_start(p, path, HEAD_BYTES, &head) < 0)
		return NULL;
	s = rp_buf_span(&head);
	/* ELF64 header: e_phoff 32, e_phentsize 54, e_phnum 56 (System V gABI) */
	if (!rp_span_starts(s, "\177ELF\2\1") || !rp_span_le64(s, 32, &phoff) ||
		!rp_span_le16(s, 54, &size) || !rp_span_le16(s, 56, &n) || size < 56)
		return NULL;
	probe_record(p, path, s);
	for (uint16_t i = 0; i < n; i++) {
		uint64_t at = phoff + (uint64_t)i * size;
		uint32_t type, flags;

		if (!rp_span_le32(s, at, &type) || !rp_span_le32(s, at + 4, &flags))
			return NULL;
		if (type == PT_GNU_STACK)
			return flags & PF_X ? "yes" : "no";
	}
	return NULL; /* without the header the kernel's default counts */
}

static const char *recorded(const struct probe *p, const char *path)
{
	for (size_t i = 0; i < p->machine.n; i++) {
		const struct rp_ini_item *it = &p->machine.items[i];

		if (!it->key || strcmp(it->section, "library") != 0 ||
			strcmp(it->key, "path") != 0 || strcmp(it->value, path) != 0)
			continue;
		for (size_t k = 0; k < p->machine.n; k++)
			if (p->machine.items[k].section_no == it->section_no &&
				p->machine.items[k].key &&
				strcmp(p->machine.items[k].key, "targets") == 0)
				return p->machine.items[k].value;
	}
	return NULL;
}

/* "DEVICE INODE TIME SIZE" of a file, the key of the cache. */
static void stamp(const struct stat *st, char ret[96])
{
	(void)snprintf(ret, 96, "%llu %llu %lld.%09ld %lld", (unsigned long long)st->st_dev,
		(unsigned long long)st->st_ino, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		(long long)st->st_size);
}

void probe_cache_load(struct probe *p)
{
	RP_CLEANUP(rp_free_p) char *path = NULL;

	if (!p->o->cache_dir || !p->root->is_host)
		return;
	path = rp_path_join(p->o->cache_dir, CACHE_NAME);
	/* no cache, or one that cannot be read, is an empty one */
	if (path && rp_file_read(AT_FDCWD, path, CACHE_BYTES, &p->cache, NULL) < 0)
		rp_buf_clear(&p->cache);
}

/* A cache that cannot be written costs time only. */
void probe_cache_save(struct probe *p)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;

	if (!p->cache_changed || p->cache.n > CACHE_BYTES ||
		rp_mkdirs(AT_FDCWD, p->o->cache_dir, 0755, NULL) < 0)
		return;
	fd = open(p->o->cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)!rp_publish_file(fd, CACHE_NAME, 0644, rp_buf_span(&p->cache), NULL);
}

/* The targets behind a stamp; owned or NULL. */
static char *cached(struct probe *p, const char *key)
{
	struct rp_span rest = rp_buf_span(&p->cache), line;
	size_t n = strlen(key);

	while (rp_span_line(&rest, &line))
		if (line.n > n && rp_span_starts(line, key) && line.p[n] == '\t')
			return rp_span_dup(rp_span_of(line.p + n + 1, line.n - n - 1));
	return NULL;
}

static int read_targets(int fd, const struct stat *st, struct rp_buf *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv targets = RP_STRV_INIT;
	size_t n = (size_t)st->st_size;
	void *bytes = n ? mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	int r;

	if (bytes == MAP_FAILED)
		return RP_FAIL(err, -EBADMSG, "empty, or cannot be mapped");
	r = rp_codeobj_targets(rp_span_of(bytes, n), &targets, err);
	(void)munmap(bytes, n); /* fails for bad arguments only */
	RP_STRV_FOREACH (t, &targets)
		rp_buf_addf(ret, "%s%s", ret->n ? " " : "", *t);
	return r == 0 ? rp_buf_check(ret, err) : r;
}

void probe_library_targets(struct probe *p, const char *subject, const char *key, const char *path)
{
	const char *targets = recorded(p, path);
	RP_CLEANUP(rp_close_fd) int fd = -1;
	RP_CLEANUP(rp_buf_free) struct rp_buf found = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *known = NULL;
	struct rp_error err = RP_ERROR_INIT;
	struct stat st;
	char mark[96];
	int r;

	if (targets) {
		rp_fact_set(p->facts, subject, key, path, "%s", targets);
		return;
	}
	r = p->o->skip_libraries ? -ENOENT : probe_openat(p, path, O_RDONLY | O_NONBLOCK, &fd);
	if (r < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	stamp(&st, mark);
	known = cached(p, mark);
	if (known) {
		rp_fact_set(p->facts, subject, key, path, "%s", known);
		return;
	}
	r = read_targets(fd, &st, &found, &err);
	if (r < 0) {
		rp_fact_unknown(p->facts, subject, key, path, err.text);
		return;
	}
	rp_fact_set(p->facts, subject, key, path, "%s", rp_buf_cstr(&found));
	rp_buf_addf(&p->cache, "%s\t%s\n", mark, rp_buf_cstr(&found));
	p->cache_changed = p->root->is_host && p->o->cache_dir;
}
