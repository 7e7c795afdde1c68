/* SPDX-License-Identifier: MIT */
/*
 * Carrying a plan out: all new files are written and synced first, then recorded in the manifest, then put in
 * their places. Until the manifest is there, nothing in the tree has changed.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "retarget/internal.h"
#include "retarget/tensile.h"
#include "retarget/tree-internal.h"

#define CHUNK_BYTES    ((size_t)16 << 20)
#define MAX_DATA_BYTES ((size_t)1 << 30)

struct worker {
	const struct rp_ctx *ctx;
	struct rp_tree_plan *plan;
	int staged_fd;
	unsigned int n_threads;
	int64_t started_ms;
	uint64_t total; /* bytes of files to read */
	_Atomic uint64_t done;
	atomic_size_t next;
	atomic_int failed; /* first error that ends the run; 0: none */
	pthread_mutex_t lock; /* of report, verified and error */
	struct rp_error error;
};

/* A file that is read, its share of the progress so far. */
struct share {
	struct worker *w;
	uint64_t bytes;
	_Atomic uint64_t told;
	struct rp_ctx ctx;
};

static void progress(struct worker *w, uint64_t more)
{
	uint64_t done = atomic_fetch_add(&w->done, more) + more;
	int64_t spent = rp_now_ms() - w->started_ms, eta = -1;

	if (done && spent > 500)
		eta = (int64_t)((double)spent * (double)(w->total - done) / (double)done / 1000 +
				1);
	RP_EVENT(w->ctx, RP_EV_PROGRESS, RP_STR("step", "retarget"), RP_INT("done", done),
		RP_INT("total", w->total), RP_STR("unit", "bytes"), RP_INT("eta_s", eta));
}

/* Objects of one file that are done become bytes of all. */
static void inner_event(void *data, const struct rp_event *ev)
{
	struct share *s = data;
	int64_t done = rp_event_int(ev, "done", 0), total = rp_event_int(ev, "total", 0);
	uint64_t now, before;

	if (ev->kind != RP_EV_PROGRESS || total <= 0 || done > total)
		return;
	now = (uint64_t)((double)s->bytes * 0.9 * (double)done / (double)total);
	before = atomic_load(&s->told);
	while (now > before && !atomic_compare_exchange_weak(&s->told, &before, now))
		;
	if (now > before)
		progress(s->w, now - before);
}

/* An open file for item number i, with mode and owner of its source. */
static int open_staged(struct worker *w, const struct rp_tree_item *item, struct rp_tmpfile *tmp,
	struct rp_error *err)
{
	int r = rp_tmpfile_open(w->staged_fd, 0600, tmp, err);

	if (r < 0)
		return r;
	if ((item->uid != geteuid() || item->gid != getegid()) &&
		fchown(tmp->fd, item->uid, item->gid) < 0)
		return RP_FAIL_ERRNO(err, -errno, "owner of %s", item->path);
	if (fchmod(tmp->fd, item->mode) < 0)
		return RP_FAIL_ERRNO(err, -errno, "mode of %s", item->path);
	return 0;
}

/* Under its number, not synced yet: the disk writes while other files are made. */
static int close_staged(struct worker *w, size_t i, struct rp_tmpfile *tmp, struct rp_error *err)
{
	char name[24];

	(void)snprintf(name, sizeof(name), "%zu", i);
	if (renameat(w->staged_fd, tmp->name, w->staged_fd, name) < 0)
		return RP_FAIL_ERRNO(err, -errno, "stage %s", w->plan->items[i].path);
	tmp->name[0] = '\0';
	return 0;
}

/* All that is staged is on the disk when this returns. */
static int sync_staged(struct worker *w, struct rp_error *err)
{
	for (size_t i = 0; i < w->plan->n_items; i++) {
		const struct rp_tree_item *item = &w->plan->items[i];
		RP_CLEANUP(rp_close_fd) int fd = -1;
		char name[24];

		if (item->result || item->content == RP_TREE_NAME)
			continue;
		(void)snprintf(name, sizeof(name), "%zu", i);
		fd = openat(w->staged_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0 || fsync(fd) < 0)
			return RP_FAIL_ERRNO(err, -errno, "sync %s", item->path);
	}
	return rp_fsync_dir(w->staged_fd, err);
}

static void hash(struct rp_span bytes, char ret[RP_SHA256_HEX])
{
	uint8_t digest[RP_SHA256_BYTES];
	struct rp_sha256 s;

	rp_sha256_init(&s);
	rp_sha256_add(&s, bytes);
	rp_sha256_final(&s, digest);
	rp_sha256_hex(digest, ret);
}

/* The same for a mapped file, whose clean pages are given back part by part. */
static void hash_map(const struct rp_map *map, char ret[RP_SHA256_HEX])
{
	uint8_t digest[RP_SHA256_BYTES];
	struct rp_span rest = map->span;
	struct rp_sha256 s;

	rp_sha256_init(&s);
	while (rest.n) {
		struct rp_span part = { rest.p, rest.n < CHUNK_BYTES ? rest.n : CHUNK_BYTES };

		rp_sha256_add(&s, part);
		rest = (struct rp_span){ rest.p + part.n, rest.n - part.n };
		(void)madvise(map->addr, map->span.n, MADV_DONTNEED); /* a hint */
	}
	rp_sha256_final(&s, digest);
	rp_sha256_hex(digest, ret);
}

/* Opens the source of an item; it must still be the file that was planned for. */
static int open_source(
	struct worker *w, const struct rp_tree_item *item, struct rp_map *map, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int dir = -1;
	const char *base;
	struct stat st;
	int r = rp_tree_parent(w->plan->dirfd, item->source, &dir, &base, err);

	if (r < 0)
		return r;
	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", item->source);
	if (!S_ISREG(st.st_mode) || st.st_ino != item->ino || st.st_dev != item->dev ||
		(uint64_t)st.st_size != item->old_bytes)
		return RP_FAIL(err, -ESTALE, "%s has changed during the run", item->source);
	return rp_map_open(dir, base, map, err);
}

static int write_code(struct worker *w, size_t i, const struct rp_map *map,
	const struct rp_retarget_output *out, struct rp_error *err)
{
	RP_CLEANUP(rp_tmpfile_drop) struct rp_tmpfile tmp = RP_TMPFILE_INIT;
	struct rp_tree_item *item = &w->plan->items[i];
	uint8_t digest[RP_SHA256_BYTES];
	struct rp_sha256 sha;
	int r = open_staged(w, item, &tmp, err);

	rp_sha256_init(&sha);
	if (r == 0)
		r = rp_retarget_output_write(out, map, &tmp, &sha, err);
	if (r == 0)
		r = close_staged(w, i, &tmp, err);
	if (r < 0)
		return r;
	rp_sha256_final(&sha, digest);
	rp_sha256_hex(digest, item->new_sha);
	item->new_bytes = out->bytes;
	return 0;
}

/* Errors of the code, not of the machine: the file is left out, the run goes on. */
static bool is_refusal(int r)
{
	return r == -ENOTSUP || r == -EBADMSG || r == -ENOEXEC || r == -EFBIG || r == -EPROTO;
}

static int do_code(struct worker *w, size_t i, unsigned int n_threads, struct rp_error *err)
{
	struct rp_tree_item *item = &w->plan->items[i];
	struct share share = { .w = w, .bytes = item->old_bytes };
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	RP_CLEANUP(rp_retarget_output_free) struct rp_retarget_output out = { 0 };
	RP_CLEANUP(rp_retarget_report_free) struct rp_retarget_report report = { 0 };
	struct rp_retarget_verified verified = { 0 };
	int r = open_source(w, item, &map, err);

	if (r < 0)
		return r;
	share.ctx = (struct rp_ctx){ inner_event, &share, w->ctx ? w->ctx->cancel : NULL };
	r = rp_retarget_file(
		&share.ctx, map.span, &w->plan->options, n_threads, &out, &report, &verified, err);
	if (is_refusal(r)) {
		item->result = r;
		(void)snprintf(item->reason, sizeof(item->reason), "%s", err ? err->text : "");
		r = 0;
	} else if (r == 0 && out.n_new) {
		(void)snprintf(item->from, sizeof(item->from), "%s", out.from);
		r = write_code(w, i, &map, &out, err);
		if (r == 0 && !item->is_new)
			hash_map(&map, item->old_sha);
	} else if (r == 0) { /* a compressed bundle that has code for the card */
		item->result = -EALREADY;
		(void)snprintf(item->reason, sizeof(item->reason), "it has code for the card");
	}
	if (r == 0) {
		(void)pthread_mutex_lock(&w->lock);
		r = rp_retarget_report_add(&w->plan->report, &report, item->source, err);
		if (item->result == 0)
			rp_rt_add_verified(&w->plan->verified, &verified);
		(void)pthread_mutex_unlock(&w->lock);
	}
	progress(w, item->old_bytes - atomic_load(&share.told));
	return r;
}

static int do_data(struct worker *w, size_t i, struct rp_error *err)
{
	RP_CLEANUP(rp_tmpfile_drop) struct rp_tmpfile tmp = RP_TMPFILE_INIT;
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	RP_CLEANUP(rp_map_close) struct rp_map own = RP_MAP_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf made = RP_BUF_INIT;
	RP_CLEANUP(rp_close_fd) int dir = -1;
	struct rp_tree_item *item = &w->plan->items[i];
	const char *base;
	int r = open_source(w, item, &map, err);

	if (r < 0)
		return r;
	r = map.span.n > MAX_DATA_BYTES
		    ? RP_FAIL(err, -EFBIG, "Tensile data of %zu bytes", map.span.n)
		    : rp_tensile_rename(
			      map.span, item->chip, w->plan->options.chip->name, &made, err);
	if (r == 0 && !item->is_new) {
		r = rp_tree_parent(w->plan->dirfd, item->path, &dir, &base, err);
		if (r == 0)
			r = rp_map_open(dir, base, &own, err);
		if (r == 0)
			r = rp_tensile_covers(rp_buf_span(&made), own.span, err);
		if (r == 0)
			hash(own.span, item->old_sha);
	}
	progress(w, item->old_bytes);
	if (is_refusal(r)) {
		item->result = r;
		(void)snprintf(item->reason, sizeof(item->reason), "%s", err ? err->text : "");
		return 0;
	}
	if (r == 0)
		r = open_staged(w, item, &tmp, err);
	if (r == 0)
		r = rp_tmpfile_write(&tmp, rp_buf_span(&made), err);
	if (r == 0)
		r = close_staged(w, i, &tmp, err);
	hash(rp_buf_span(&made), item->new_sha);
	item->new_bytes = made.n;
	return r;
}

/* A further name: a link to the staged file. */
static int do_name(struct worker *w, size_t i, struct rp_error *err)
{
	struct rp_tree_item *item = &w->plan->items[i];
	const struct rp_tree_item *first = &w->plan->items[item->same];
	char from[24], to[24];

	item->result = first->result;
	memcpy(item->reason, first->reason, sizeof(item->reason));
	if (item->result)
		return 0;
	memcpy(item->old_sha, first->old_sha, sizeof(item->old_sha));
	memcpy(item->new_sha, first->new_sha, sizeof(item->new_sha));
	(void)snprintf(from, sizeof(from), "%zu", item->same);
	(void)snprintf(to, sizeof(to), "%zu", i);
	if (linkat(w->staged_fd, from, w->staged_fd, to, 0) < 0)
		return RP_FAIL_ERRNO(err, -errno, "link for %s", item->path);
	return 0;
}

static void end_with(struct worker *w, int r, const struct rp_error *err)
{
	(void)pthread_mutex_lock(&w->lock);
	if (!atomic_load(&w->failed)) {
		w->error = *err;
		atomic_store(&w->failed, r);
	}
	(void)pthread_mutex_unlock(&w->lock);
}

/* Files with one object, each by one thread. */
static void single_files(void *data, unsigned int thread)
{
	struct worker *w = data;
	size_t i;

	(void)thread;
	while (!atomic_load(&w->failed) && (i = atomic_fetch_add(&w->next, 1)) < w->plan->n_items) {
		struct rp_tree_item *item = &w->plan->items[i];
		struct rp_error err = RP_ERROR_INIT;
		int r = 0;

		if (rp_cancelled(w->ctx))
			r = RP_FAIL(&err, -ECANCELED, "cancelled");
		else if (item->content == RP_TREE_DATA)
			r = do_data(w, i, &err);
		else if (item->content == RP_TREE_CODE && item->n_objects <= 1)
			r = do_code(w, i, 1, &err);
		if (r < 0)
			end_with(w, r, &err);
	}
}

/* Files with many objects: all threads for one after the other. Then the single ones, then further names. */
static int stage_all(struct worker *w, struct rp_error *err)
{
	struct rp_tree_plan *plan = w->plan;
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n_items; i++)
		if (plan->items[i].content == RP_TREE_CODE && plan->items[i].n_objects > 1)
			r = rp_cancelled(w->ctx) ? RP_FAIL(err, -ECANCELED, "cancelled")
						 : do_code(w, i, w->n_threads, err);
	if (r < 0)
		return r;
	rp_parallel(w->n_threads, single_files, w);
	if (atomic_load(&w->failed)) {
		if (err)
			*err = w->error;
		return atomic_load(&w->failed);
	}
	for (size_t i = 0; r == 0 && i < plan->n_items; i++)
		if (plan->items[i].content == RP_TREE_NAME)
			r = do_name(w, i, err);
	return r < 0 ? r : sync_staged(w, err);
}

static bool same_folder(const char *a, const char *b)
{
	size_t n = (size_t)(rp_path_base(a) - a);

	return n == (size_t)(rp_path_base(b) - b) && memcmp(a, b, n) == 0;
}

/* A Tensile library is whole or not there: its index must not name what could not be made. */
static void leave_out_libraries(struct rp_tree_plan *plan)
{
	for (size_t i = 0; i < plan->n_items; i++) {
		const struct rp_tree_item *bad = &plan->items[i];

		if (!bad->is_library || bad->result == 0 || bad->result == -ECANCELED)
			continue;
		for (size_t k = 0; k < plan->n_items; k++) {
			struct rp_tree_item *item = &plan->items[k];

			if (!item->is_library || item->result ||
				!same_folder(item->path, bad->path))
				continue;
			item->result = -ECANCELED; /* because of another */
			(void)snprintf(item->reason, sizeof(item->reason),
				"left out: %.200s of the same library cannot be fixed",
				rp_path_base(bad->source));
		}
	}
}

static int add_file(
	struct rp_tree_manifest *m, const struct rp_tree_item *item, size_t i, struct rp_error *err)
{
	struct rp_tree_file *f;

	if (rp_array_grow(&m->files, &m->cap_files, m->n_files, sizeof(*f)) < 0)
		return RP_NOMEM(err);
	f = &m->files[m->n_files];
	*f = (struct rp_tree_file){
		.path = rp_span_dup(rp_span_str(item->path)), .number = i, .is_new = item->is_new
	};
	if (!f->path)
		return RP_NOMEM(err);
	m->n_files++;
	(void)snprintf(f->old_sha, sizeof(f->old_sha), "%s", item->is_new ? "-" : item->old_sha);
	(void)snprintf(f->new_sha, sizeof(f->new_sha), "%s", item->new_sha);
	return 0;
}

static int make_manifest(
	struct rp_tree_plan *plan, struct rp_tree_manifest *m, struct rp_error *err)
{
	int r = 0;

	(void)snprintf(m->card, sizeof(m->card), "%s", plan->options.chip->name);
	for (size_t i = 0; r == 0 && i < plan->n_items; i++) {
		if (plan->items[i].result) {
			plan->n_left_out++;
			continue;
		}
		r = add_file(m, &plan->items[i], i, err);
		plan->n_written++;
		plan->new_bytes += plan->items[i].new_bytes;
	}
	return r;
}

/* One file in its place. What is there must be what was read. */
static int put(int dirfd, int state_fd, const struct rp_tree_file *f, struct rp_error *err)
{
	char staged[48], original[48];
	RP_CLEANUP(rp_close_fd) int dir = -1;
	const char *base;
	struct stat st;
	int r = rp_tree_parent(dirfd, f->path, &dir, &base, err);

	if (r < 0)
		return r;
	(void)snprintf(staged, sizeof(staged), STAGED "/%zu", f->number);
	(void)snprintf(original, sizeof(original), ORIGINALS "/%zu", f->number);
	if (f->is_new) {
		if (renameat2(state_fd, staged, dir, base, RENAME_NOREPLACE) < 0)
			return RP_FAIL_ERRNO(err, -errno, "put %s in its place", f->path);
		return rp_fsync_dir(dir, err);
	}
	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return RP_FAIL(err, -ESTALE, "%s has changed during the run", f->path);
	if (linkat(dir, base, state_fd, original, 0) < 0)
		return RP_FAIL_ERRNO(err, -errno, "keep the original of %s", f->path);
	r = rp_fsync_dir(state_fd, err);
	if (r < 0)
		return r;
	if (renameat(state_fd, staged, dir, base) < 0)
		return RP_FAIL_ERRNO(err, -errno, "put %s in its place", f->path);
	return rp_fsync_dir(dir, err);
}

static int make_state(
	struct rp_tree_plan *plan, int *ret_state, int *ret_staged, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int state = -1;
	struct stat st;

	if (fstat(plan->dirfd, &st) < 0)
		return RP_FAIL_ERRNO(err, -errno, "the directory");
	if (mkdirat(plan->dirfd, RP_RETARGET_TREE_STATE, 0755) < 0 && errno != EEXIST)
		return RP_FAIL_ERRNO(err, -errno, "make %s", RP_RETARGET_TREE_STATE);
	state = openat(plan->dirfd, RP_RETARGET_TREE_STATE,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (state < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", RP_RETARGET_TREE_STATE);
	/* root at work in a user's folder: the user may undo */
	if ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
		fchown(state, st.st_uid, st.st_gid) < 0 && errno != EPERM)
		return RP_FAIL_ERRNO(err, -errno, "owner of %s", RP_RETARGET_TREE_STATE);
	for (unsigned int i = 0; i < 2; i++) {
		const char *name = i ? ORIGINALS : STAGED;

		if (mkdirat(state, name, 0755) < 0 && errno != EEXIST)
			return RP_FAIL_ERRNO(err, -errno, "make %s", name);
		if ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
			fchownat(state, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
			errno != EPERM)
			return RP_FAIL_ERRNO(err, -errno, "owner of %s", name);
	}
	*ret_staged = openat(state, STAGED, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (*ret_staged < 0)
		return RP_FAIL_ERRNO(err, -errno, STAGED);
	*ret_state = rp_steal_fd(&state);
	return 0;
}

/* Everything is staged. A failure is taken back here; if that fails, too, by the next run. */
static int commit(const struct rp_ctx *ctx, struct rp_tree_plan *plan, int state_fd,
	struct rp_tree_manifest *m, struct rp_error *err)
{
	struct rp_tree_undone undone = { 0 };
	int r = rp_tree_write_manifest(state_fd, m, err);

	for (size_t i = 0; r == 0 && i < m->n_files; i++)
		r = put(plan->dirfd, state_fd, &m->files[i], err);
	if (r == 0)
		r = rp_remove_tree(state_fd, STAGED, err);
	m->state = RP_TREE_APPLIED;
	if (r == 0)
		r = rp_tree_write_manifest(state_fd, m, err);
	if (r == 0)
		return 0;
	m->state = RP_TREE_APPLYING;
	if (rp_tree_roll_back(ctx, plan->dirfd, state_fd, m, false, false, &undone, NULL) < 0)
		(void)rp_error_prefix(
			err, r, "interrupted (the next apply or undo takes back what was done)");
	rp_tree_undone_free(&undone);
	return r;
}

int rp_retarget_tree_apply(const struct rp_ctx *ctx, struct rp_tree_plan *plan,
	unsigned int n_threads, struct rp_error *err)
{
	struct worker w = { .ctx = ctx, .plan = plan, .staged_fd = -1, .n_threads = n_threads };
	RP_CLEANUP(rp_tree_manifest_free) struct rp_tree_manifest m = { 0 };
	RP_CLEANUP(rp_close_fd) int state_fd = -1;
	bool applied = false;
	int r = rp_tree_recover(ctx, plan->dirfd, &applied, err);

	if (r < 0 || plan->n_items == 0)
		return r;
	if (applied)
		return RP_FAIL(
			err, -EEXIST, "apply was run here before: undo it first, then apply again");
	if (!n_threads)
		w.n_threads = rp_cpu_count();
	for (size_t i = 0; i < plan->n_items; i++)
		w.total += plan->items[i].content == RP_TREE_NAME ? 0 : plan->items[i].old_bytes;
	if (pthread_mutex_init(&w.lock, NULL) != 0)
		return RP_NOMEM(err);
	w.started_ms = rp_now_ms();
	r = make_state(plan, &state_fd, &w.staged_fd, err);
	if (r == 0)
		r = stage_all(&w, err);
	rp_close_fd(&w.staged_fd);
	(void)pthread_mutex_destroy(&w.lock);
	leave_out_libraries(plan);
	if (r == 0)
		r = make_manifest(plan, &m, err);
	if (r == 0 && m.n_files)
		r = commit(ctx, plan, state_fd, &m, err);
	if ((r < 0 || m.n_files == 0) && rp_tree_recover(ctx, plan->dirfd, NULL, NULL) < 0 &&
		r == 0)
		r = RP_FAIL(err, -EIO, "%s cannot be cleared", RP_RETARGET_TREE_STATE);
	return r;
}
