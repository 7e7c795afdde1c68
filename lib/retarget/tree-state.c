/* SPDX-License-Identifier: MIT */
/*
 * The manifest of what apply did, and the way back. A file is put back only over what apply wrote, known by
 * its SHA-256, and only from an original that still is what it was. Each step can be done twice.
 *
 * The manifest comes from the tree, which others may have written to: its paths are checked and reached without links.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "retarget/tree-internal.h"

#define MAX_MANIFEST_BYTES ((size_t)64 << 20)

static const char *const state_names[] = { "applying", "applied", "undoing" };

void rp_tree_manifest_free(struct rp_tree_manifest *m)
{
	for (size_t i = 0; i < m->n_files; i++)
		free(m->files[i].path);
	free(m->files);
	*m = (struct rp_tree_manifest){ 0 };
}

void rp_tree_undone_free(struct rp_tree_undone *u)
{
	for (size_t i = 0; i < u->n_changed; i++) {
		free(u->changed[i].path);
		free(u->changed[i].reason);
	}
	free(u->changed);
	*u = (struct rp_tree_undone){ 0 };
}

int rp_tree_parent(
	int dirfd, const char *rel, int *ret_fd, const char **ret_base, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *at = rel, *slash;

	if (!rp_path_is_safe(rel))
		return RP_FAIL(err, -EBADMSG, "unsafe path \"%s\"", rel);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "the directory");
	while ((slash = strchr(at, '/')) != NULL) {
		RP_CLEANUP(rp_free_p)
		char *part = rp_span_dup(rp_span_of(at, (size_t)(slash - at)));
		int next;

		if (!part)
			return RP_NOMEM(err);
		next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (next < 0)
			return RP_FAIL_ERRNO(err, -errno, "folder of %s", rel);
		rp_close_fd(&fd);
		fd = next;
		at = slash + 1;
	}
	*ret_fd = rp_steal_fd(&fd);
	*ret_base = at;
	return 0;
}

int rp_tree_open_state(int dirfd, int *ret_state_fd, struct rp_error *err)
{
	*ret_state_fd = openat(
		dirfd, RP_RETARGET_TREE_STATE, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (*ret_state_fd < 0 && errno != ENOENT)
		return RP_FAIL_ERRNO(err, -errno, "%s", RP_RETARGET_TREE_STATE);
	return 0;
}

static bool is_sha(const char *s)
{
	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

/* One section [file]. */
static int read_file(struct rp_tree_manifest *m, struct rp_error *err)
{
	const struct rp_tree_file *f = &m->files[m->n_files - 1];

	if (!f->path || !rp_path_is_safe(f->path) || !is_sha(f->new_sha) ||
		(!f->is_new && !is_sha(f->old_sha)))
		return RP_FAIL(err, -EBADMSG, MANIFEST ": section [file] number %zu is malformed",
			m->n_files);
	return 0;
}

static int read_key(
	struct rp_tree_manifest *m, const struct rp_ini_item *item, struct rp_error *err)
{
	struct rp_tree_file *f = &m->files[m->n_files - 1];
	uint64_t number = 0;

	if (strcmp(item->key, "path") == 0) {
		f->path = rp_span_dup(rp_span_str(item->value));
		return f->path ? 0 : RP_NOMEM(err);
	}
	if (strcmp(item->key, "number") == 0 && rp_span_number(rp_span_str(item->value), &number)) {
		f->number = (size_t)number;
	} else if (strcmp(item->key, "old") == 0 && strlen(item->value) < RP_SHA256_HEX) {
		memcpy(f->old_sha, item->value, strlen(item->value) + 1);
		f->is_new = strcmp(item->value, "-") == 0;
	} else if (strcmp(item->key, "new") == 0 && strlen(item->value) < RP_SHA256_HEX) {
		memcpy(f->new_sha, item->value, strlen(item->value) + 1);
	} else {
		return RP_FAIL(err, -EBADMSG, MANIFEST ":%u: %s", item->line, item->key);
	}
	return 0;
}

static int read_files(const struct rp_ini *ini, struct rp_tree_manifest *m, struct rp_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ini->n; i++) {
		const struct rp_ini_item *item = &ini->items[i];

		if (strcmp(item->section, "file") != 0)
			continue;
		if (item->key) {
			r = read_key(m, item, err);
			continue;
		}
		if (m->n_files)
			r = read_file(m, err);
		if (r == 0 &&
			rp_array_grow(&m->files, &m->cap_files, m->n_files, sizeof(*m->files)) < 0)
			return RP_NOMEM(err);
		if (r == 0)
			m->files[m->n_files++] = (struct rp_tree_file){ .path = NULL };
	}
	return r == 0 && m->n_files ? read_file(m, err) : r;
}

int rp_tree_read_manifest(int state_fd, struct rp_tree_manifest *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_tree_manifest_free) struct rp_tree_manifest m = { 0 };
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_ini_free) struct rp_ini ini = RP_INI_INIT;
	const char *state = NULL, *card = NULL, *version = NULL;
	struct stat st;
	size_t k = 0;
	int r;

	if (fstatat(state_fd, MANIFEST, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return RP_FAIL_ERRNO(err, -errno, MANIFEST);
	if (!S_ISREG(st.st_mode))
		return RP_FAIL(err, -EBADMSG, MANIFEST " is no file");
	r = rp_file_read(state_fd, MANIFEST, MAX_MANIFEST_BYTES, &text, err);
	if (r == 0)
		r = rp_ini_parse(rp_buf_span(&text), MANIFEST, &ini, err);
	if (r == 0)
		r = rp_ini_need(&ini, "apply", "version", &version, err);
	if (r == 0)
		r = rp_ini_need(&ini, "apply", "state", &state, err);
	if (r == 0)
		r = rp_ini_need(&ini, "apply", "card", &card, err);
	if (r < 0)
		return r;
	while (k < RP_ARRAY_SIZE(state_names) && strcmp(state, state_names[k]) != 0)
		k++;
	if (strcmp(version, "1") != 0 || k == RP_ARRAY_SIZE(state_names))
		return RP_FAIL(err, -EBADMSG,
			MANIFEST ": version %.20s, state %.20s: not known here", version, state);
	m.state = (enum rp_tree_state)k;
	(void)snprintf(m.card, sizeof(m.card), "%s", card);
	r = read_files(&ini, &m, err);
	if (r < 0)
		return r;
	*ret = m;
	m = (struct rp_tree_manifest){ 0 };
	return 0;
}

int rp_tree_write_manifest(int state_fd, const struct rp_tree_manifest *m, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	int r;

	rp_buf_addf(&text,
		"# What \"rocm-patch apply\" did in the folder above; \"rocm-patch undo\" reads "
		"it.\n"
		"[apply]\nversion = 1\nstate = %s\ncard = %s\n",
		state_names[m->state], m->card);
	for (size_t i = 0; i < m->n_files; i++)
		rp_buf_addf(&text,
			"\n[file]\npath = %s\n"
			"number = %zu\nold = %s\nnew = %s\n",
			m->files[i].path, m->files[i].number, m->files[i].old_sha,
			m->files[i].new_sha);
	r = rp_buf_check(&text, err);
	return r < 0 ? r : rp_publish_file(state_fd, MANIFEST, 0644, rp_buf_span(&text), err);
}

/* Where one file stands. */
enum standing {
	IS_OLD, /* nothing to do; its original may be linked already */
	IS_NEW,
	IS_OTHER,
};

/* SHA-256 of the file; "-": there is none; "": something else than a file, or not readable. */
static int sha_of(int dir, const char *name, char ret[RP_SHA256_HEX], struct rp_error *err)
{
	struct stat st;

	ret[0] = '\0';
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return RP_FAIL_ERRNO(err, -errno, "%s", name);
		memcpy(ret, "-", 2);
		return 0;
	}
	return S_ISREG(st.st_mode) ? rp_sha256_file(dir, name, ret, err) : 0;
}

static int standing(int dirfd, int state_fd, const struct rp_tree_file *f, enum standing *ret,
	const char **ret_why, struct rp_error *err)
{
	char sha[RP_SHA256_HEX], kept[RP_SHA256_HEX] = "-", original[48];
	RP_CLEANUP(rp_close_fd) int dir = -1;
	const char *base;
	int r = rp_tree_parent(dirfd, f->path, &dir, &base, NULL);

	*ret = IS_OTHER;
	*ret_why = "its folder is gone";
	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
		return 0;
	if (r < 0)
		return RP_FAIL_ERRNO(err, r, "folder of %s", f->path);
	r = sha_of(dir, base, sha, err);
	(void)snprintf(original, sizeof(original), ORIGINALS "/%zu", f->number);
	if (r == 0 && !f->is_new)
		r = sha_of(state_fd, original, kept, err);
	if (r < 0)
		return r;
	*ret_why = strcmp(sha, "-") == 0 ? "it is gone" : "it was changed";
	if (strcmp(sha, f->old_sha) == 0) {
		*ret = IS_OLD;
	} else if (strcmp(sha, f->new_sha) == 0) {
		*ret = f->is_new || strcmp(kept, f->old_sha) == 0 ? IS_NEW : IS_OTHER;
		*ret_why = "its original was changed";
	}
	return 0;
}

static int restore(int dirfd, int state_fd, const struct rp_tree_file *f, enum standing where,
	struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int dir = -1;
	char original[48];
	const char *base;
	int r;

	(void)snprintf(original, sizeof(original), ORIGINALS "/%zu", f->number);
	if (where != IS_NEW) /* the original goes with the state directory */
		return 0;
	r = rp_tree_parent(dirfd, f->path, &dir, &base, err);
	if (r < 0)
		return r;
	if (f->is_new ? unlinkat(dir, base, 0) < 0 : renameat(state_fd, original, dir, base) < 0)
		return RP_FAIL_ERRNO(err, -errno, "put back %s", f->path);
	return rp_fsync_dir(dir, err);
}

/* The manifest first: what is left then is only to be cleared. */
static int clear(int dirfd, int state_fd, struct rp_error *err)
{
	int r;

	if (unlinkat(state_fd, MANIFEST, 0) < 0 && errno != ENOENT)
		return RP_FAIL_ERRNO(err, -errno, "remove " MANIFEST);
	r = rp_fsync_dir(state_fd, err);
	return r < 0 ? r : rp_remove_tree(dirfd, RP_RETARGET_TREE_STATE, err);
}

/* All standings, before anything is touched. */
static int judge(const struct rp_ctx *ctx, int dirfd, int state_fd,
	const struct rp_tree_manifest *m, enum standing *where, struct rp_tree_undone *ret,
	struct rp_error *err)
{
	for (size_t i = 0; i < m->n_files; i++) {
		const char *why = "";
		int r = rp_cancelled(ctx)
				? RP_FAIL(err, -ECANCELED, "cancelled")
				: standing(dirfd, state_fd, &m->files[i], &where[i], &why, err);

		if (r == 0 && where[i] == IS_OTHER)
			r = rp_tree_add_note(&ret->changed, &ret->n_changed, &ret->cap_changed,
				m->files[i].path, why, err);
		if (r < 0)
			return r;
		ret->n_restored += where[i] == IS_NEW && !m->files[i].is_new;
		ret->n_removed += where[i] == IS_NEW && m->files[i].is_new;
		RP_EVENT(ctx, RP_EV_PROGRESS, RP_STR("step", "check"), RP_INT("done", i + 1),
			RP_INT("total", m->n_files), RP_STR("unit", "files"));
	}
	return 0;
}

int rp_tree_roll_back(const struct rp_ctx *ctx, int dirfd, int state_fd, struct rp_tree_manifest *m,
	bool keep_changed, bool dry_run, struct rp_tree_undone *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) enum standing *where = calloc(m->n_files + 1, sizeof(*where));
	int r;

	if (!where)
		return RP_NOMEM(err);
	ret->interrupted = m->state != RP_TREE_APPLIED;
	memcpy(ret->card, m->card, sizeof(ret->card));
	r = judge(ctx, dirfd, state_fd, m, where, ret, err);
	if (r < 0)
		return r;
	if (ret->n_changed && !keep_changed)
		return RP_FAIL(err, -ESTALE, "%zu files were changed since, the first: %.200s (%s)",
			ret->n_changed, ret->changed[0].path, ret->changed[0].reason);
	if (dry_run)
		return 0;
	m->state = RP_TREE_UNDOING;
	r = rp_tree_write_manifest(state_fd, m, err);
	for (size_t i = m->n_files; r == 0 && i-- > 0;) /* the index of a library first */
		r = restore(dirfd, state_fd, &m->files[i], where[i], err);
	return r < 0 ? r : clear(dirfd, state_fd, err);
}

int rp_tree_recover(const struct rp_ctx *ctx, int dirfd, bool *ret_applied, struct rp_error *err)
{
	RP_CLEANUP(rp_tree_manifest_free) struct rp_tree_manifest m = { 0 };
	RP_CLEANUP(rp_tree_undone_free) struct rp_tree_undone undone = { 0 };
	RP_CLEANUP(rp_close_fd) int state_fd = -1;
	int r = rp_tree_open_state(dirfd, &state_fd, err);

	if (ret_applied)
		*ret_applied = false;
	if (r < 0 || state_fd < 0)
		return r;
	r = rp_tree_read_manifest(state_fd, &m, err);
	if (r ==
		-ENOENT) /* killed before anything was put in its place, or behind the last file put back */
		return rp_remove_tree(dirfd, RP_RETARGET_TREE_STATE, err);
	if (r < 0)
		return r;
	if (m.state == RP_TREE_APPLIED) {
		if (ret_applied)
			*ret_applied = true;
		return 0;
	}
	rp_event_text(ctx, RP_EV_INFO, "taking back a run that was interrupted");
	return rp_tree_roll_back(ctx, dirfd, state_fd, &m, false, false, &undone, err);
}

int rp_retarget_tree_undo(const struct rp_ctx *ctx, int dirfd, bool keep_changed, bool dry_run,
	struct rp_tree_undone *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_tree_manifest_free) struct rp_tree_manifest m = { 0 };
	RP_CLEANUP(rp_close_fd) int state_fd = -1;
	RP_CLEANUP(rp_close_fd) int lock_fd = -1;
	int r = rp_tree_lock(dirfd, &lock_fd, err);

	if (r == 0)
		r = rp_tree_open_state(dirfd, &state_fd, err);
	if (r < 0)
		return r;
	if (state_fd < 0)
		return RP_FAIL(err, -ENOENT, "apply was not run here: nothing to undo");
	r = rp_tree_read_manifest(state_fd, &m, err);
	if (r == -ENOENT) { /* nothing was put in its place */
		ret->interrupted = true;
		return dry_run ? 0 : rp_remove_tree(dirfd, RP_RETARGET_TREE_STATE, err);
	}
	return r < 0 ? r
		     : rp_tree_roll_back(ctx, dirfd, state_fd, &m, keep_changed, dry_run, ret, err);
}
