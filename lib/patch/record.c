/* SPDX-License-Identifier: MIT */
/*
 * Publishing a plan and taking it back. The tree carries its own record:
 *
 *   .rocm-patch/state.ini       phase, patches, and of each file the path, mode and
 *                               checksums "orig", "prev" (before this run) and "new"
 *   .rocm-patch/orig/<sha256>   every orig and prev text
 *
 * apply:  save texts; state "applying"; files; state "applied".
 * revert: state "reverting"; files; the record is removed.
 * A run that finds "applying" puts every file back to prev, one that finds
 * "reverting" goes on; both are repeatable. So a kill at any point leaves the
 * old or the new tree after the next start. The lock is flock on the tree itself.
 */
#include "patch/plan.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_DIR	".rocm-patch"
#define STATE_NAME	"state.ini"
#define MAX_STATE_BYTES ((size_t)16 << 20)
#define MAX_TEXT_BYTES	((size_t)64 << 20)

struct record_file {
	char *path;
	mode_t mode;
	char orig[RP_SHA256_HEX], prev[RP_SHA256_HEX], now[RP_SHA256_HEX];
};

struct record {
	char phase[16];
	struct rp_strv patches; /* ids that are applied (phase applying: will be) */
	struct rp_strv prev_patches; /* before this run */
	struct record_file *files;
	size_t n, cap;
};

static void record_free(struct record *rec)
{
	rp_strv_free(&rec->patches);
	rp_strv_free(&rec->prev_patches);
	for (size_t i = 0; i < rec->n; i++)
		free(rec->files[i].path);
	free(rec->files);
	*rec = (struct record){ .n = 0 };
}

static struct record_file *record_find(const struct record *rec, const char *path)
{
	for (size_t i = 0; i < rec->n; i++)
		if (strcmp(rec->files[i].path, path) == 0)
			return &rec->files[i];
	return NULL;
}

static int record_add(
	struct record *rec, const char *path, struct record_file **ret, struct rp_error *err)
{
	if (rp_array_grow(&rec->files, &rec->cap, rec->n, sizeof(*rec->files)) < 0)
		return RP_NOMEM(err);
	rec->files[rec->n] = (struct record_file){ .path = strdup(path) };
	if (!rec->files[rec->n].path)
		return RP_NOMEM(err);
	*ret = &rec->files[rec->n++];
	return 0;
}

/* Only what we write is accepted: the record decides which files are overwritten. */
static int parse_file_section(
	const struct rp_ini *ini, size_t header, struct record *rec, struct rp_error *err)
{
	struct record_file f = { .path = NULL }, *added;
	uint64_t mode = 0;
	int r;

	for (size_t i = header + 1;
		i < ini->n && ini->items[i].section_no == ini->items[header].section_no; i++) {
		const char *key = ini->items[i].key, *v = ini->items[i].value;
		char *sha = strcmp(key, "orig") == 0   ? f.orig
			    : strcmp(key, "prev") == 0 ? f.prev
			    : strcmp(key, "new") == 0  ? f.now
						       : NULL;

		if (sha && strlen(v) == RP_SHA256_HEX - 1 &&
			strspn(v, "0123456789abcdef") == RP_SHA256_HEX - 1)
			memcpy(sha, v, RP_SHA256_HEX);
		else if (strcmp(key, "path") == 0 && rp_path_is_safe(v))
			f.path = ini->items[i].value;
		else if (strcmp(key, "mode") != 0 || !rp_span_number(rp_span_str(v), &mode) ||
			 mode > 07777)
			return RP_FAIL(err, -EBADMSG, "%s:%u: malformed record", ini->name,
				ini->items[i].line);
	}
	if (!f.path || !f.orig[0] || !f.prev[0] || !f.now[0])
		return RP_FAIL(err, -EBADMSG, "%s:%u: incomplete record", ini->name,
			ini->items[header].line);
	f.mode = (mode_t)mode;
	r = record_add(rec, f.path, &added, err);
	if (r < 0)
		return r;
	f.path = added->path;
	*added = f;
	return 0;
}

/*
 * The record decides what is overwritten, and a tree from elsewhere may bring one: a path of it
 * must not lead through a link. What is missing is left to the checks of the contents.
 */
static int refuse_links(int tree_fd, const char *path, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *copy = strdup(path);
	struct stat st;

	if (!copy)
		return RP_NOMEM(err);
	for (char *p = copy;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (fstatat(tree_fd, copy, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? 0 : RP_FAIL_ERRNO(err, -errno, "%s", copy);
		if (S_ISLNK(st.st_mode))
			return RP_FAIL(err, -EBADMSG,
				"%s is a symbolic link: nothing is read or written through it",
				copy);
		if (c == '\0')
			return 0;
		*p = c;
	}
}

/* -ENOENT: no record. */
static int record_read(int tree_fd, struct record *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_ini_free) struct rp_ini ini = RP_INI_INIT;
	RP_CLEANUP(record_free) struct record rec = { .n = 0 };
	const char *phase, *ids;
	int r;

	r = refuse_links(tree_fd, RECORD_DIR "/orig", err);
	if (r < 0)
		return r;
	r = rp_file_read(tree_fd, RECORD_DIR "/" STATE_NAME, MAX_STATE_BYTES, &text, err);
	if (r < 0)
		return r;
	r = rp_ini_parse(rp_buf_span(&text), RECORD_DIR "/" STATE_NAME, &ini, err);
	if (r == 0)
		r = rp_ini_need(&ini, "record", "phase", &phase, err);
	if (r < 0)
		return r;
	if (strcmp(phase, "applying") != 0 && strcmp(phase, "applied") != 0 &&
		strcmp(phase, "reverting") != 0)
		return RP_FAIL(err, -EBADMSG, "%s: unknown phase \"%s\"", ini.name, phase);
	(void)snprintf(rec.phase, sizeof(rec.phase), "%s", phase);
	ids = rp_ini_get(&ini, "record", "patches");
	r = ids ? rp_strv_split(&rec.patches, rp_span_str(ids), err) : 0;
	ids = rp_ini_get(&ini, "record", "prev-patches");
	if (r == 0 && ids)
		r = rp_strv_split(&rec.prev_patches, rp_span_str(ids), err);
	for (size_t i = 0; r == 0 && i < ini.n; i++)
		if (!ini.items[i].key && strcmp(ini.items[i].section, "file") == 0)
			r = parse_file_section(&ini, i, &rec, err);
	for (size_t i = 0; r == 0 && i < rec.n; i++)
		r = refuse_links(tree_fd, rec.files[i].path, err);
	if (r < 0)
		return r;
	*ret = rec;
	rec = (struct record){ .n = 0 };
	return 0;
}

static void add_ids(struct rp_buf *b, const char *key, const struct rp_strv *ids)
{
	rp_buf_addf(b, "%s =", key);
	for (size_t i = 0; i < ids->n; i++)
		rp_buf_addf(b, " %s", ids->v[i]);
	rp_buf_addc(b, '\n');
}

static int record_write(
	int dir_fd, const struct record *rec, const char *phase, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	int r;

	rp_buf_addf(&b,
		"# Written by rocm-patch: what \"patch revert\" puts back. Do not "
		"edit.\n[record]\nphase = %s\n",
		phase);
	add_ids(&b, "patches", &rec->patches);
	add_ids(&b, "prev-patches", &rec->prev_patches);
	for (size_t i = 0; i < rec->n; i++) {
		const struct record_file *f = &rec->files[i];

		rp_buf_addf(&b, "[file]\npath = %s\nmode = %u\norig = %s\nprev = %s\nnew = %s\n",
			f->path, (unsigned int)f->mode, f->orig, f->prev, f->now);
	}
	r = rp_buf_check(&b, err);
	return r < 0 ? r : rp_publish_file(dir_fd, STATE_NAME, 0644, rp_buf_span(&b), err);
}

/* Publishes text as tree/path, keeping the mode. */
static int write_text(
	int tree_fd, const char *path, mode_t mode, struct rp_span text, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *dir = strdup(path);
	RP_CLEANUP(rp_close_fd) int fd = -1;
	char *slash;

	if (!dir)
		return RP_NOMEM(err);
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	fd = openat(tree_fd, slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", path);
	return rp_publish_file(fd, rp_path_base(path), mode, text, err);
}

/* Removes temps that a killed run left beside the files of the record. */
static int remove_strays(int tree_fd, const struct record *rec, struct rp_error *err)
{
	for (size_t i = 0; i < rec->n; i++) {
		RP_CLEANUP(rp_free_p) char *dir = strdup(rec->files[i].path);
		RP_CLEANUP(rp_close_fd) int fd = -1;
		struct dirent *e;
		char *slash;
		DIR *d;

		if (!dir)
			return RP_NOMEM(err);
		slash = strrchr(dir, '/');
		if (slash)
			*slash = '\0';
		fd = openat(tree_fd, slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue; /* the directory is gone: no stray in it */
		d = fdopendir(fd);
		if (!d)
			return RP_FAIL_ERRNO(err, -errno, "%s", rec->files[i].path);
		fd = -1; /* d owns it */
		while ((e = readdir(d)) != NULL)
			if (strncmp(e->d_name, RP_TMP_PREFIX, strlen(RP_TMP_PREFIX)) == 0)
				(void)unlinkat(dirfd(d), e->d_name, 0); /* a stray does no harm */
		closedir(d);
	}
	return 0;
}

/* Puts the saved text with that checksum back, unless it is there already. */
static int restore(int tree_fd, int dir_fd, const struct record_file *f, const char *want,
	struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	char name[8 + RP_SHA256_HEX], sha[RP_SHA256_HEX];
	int r;

	r = rp_sha256_file(tree_fd, f->path, sha, err);
	if (r < 0)
		return r;
	if (strcmp(sha, want) == 0)
		return 0;
	if (strcmp(sha, f->now) != 0 && strcmp(sha, f->prev) != 0 && strcmp(sha, f->orig) != 0)
		return RP_FAIL(err, -ESTALE,
			"%s was edited since it was patched: nothing is overwritten", f->path);
	(void)snprintf(name, sizeof(name), "orig/%s", want);
	r = rp_file_read(dir_fd, name, MAX_TEXT_BYTES, &text, err);
	if (r < 0)
		return rp_error_prefix(err, r, "saved text of %s", f->path);
	r = rp_sha256_file(dir_fd, name, sha, err);
	if (r < 0)
		return r;
	if (strcmp(sha, want) != 0)
		return RP_FAIL(err, -EBADMSG, "saved text of %s is damaged", f->path);
	return write_text(tree_fd, f->path, f->mode, rp_buf_span(&text), err);
}

/* True if all files are in a state that the record knows. Nothing is written before that is sure. */
static int check_known(int tree_fd, const struct record *rec, bool strict, struct rp_error *err)
{
	char sha[RP_SHA256_HEX];
	int r;

	for (size_t i = 0; i < rec->n; i++) {
		const struct record_file *f = &rec->files[i];

		r = rp_sha256_file(tree_fd, f->path, sha, err);
		if (r < 0)
			return rp_error_prefix(err, r == -ENOENT ? -ESTALE : r, "patched file");
		if (strcmp(sha, f->now) == 0 ||
			(!strict && (strcmp(sha, f->prev) == 0 || strcmp(sha, f->orig) == 0)))
			continue;
		return RP_FAIL(err, -ESTALE,
			"%s was edited since it was patched: nothing is overwritten", f->path);
	}
	return 0;
}

static int finish_revert(int tree_fd, int dir_fd, const struct record *rec, struct rp_error *err)
{
	int r;

	for (size_t i = 0; i < rec->n; i++) {
		r = restore(tree_fd, dir_fd, &rec->files[i], rec->files[i].orig, err);
		if (r < 0)
			return r;
	}
	r = remove_strays(tree_fd, rec, err);
	if (r < 0)
		return r;
	if (unlinkat(dir_fd, STATE_NAME, 0) < 0)
		return RP_FAIL_ERRNO(err, -errno, "remove the record");
	return rp_remove_tree(tree_fd, RECORD_DIR, err);
}

/* Undoes a killed apply: prev becomes what is there. */
static int undo_apply(int tree_fd, int dir_fd, struct record *rec, struct rp_error *err)
{
	bool any = false;
	int r;

	r = check_known(tree_fd, rec, false, err);
	for (size_t i = 0; r == 0 && i < rec->n; i++)
		r = restore(tree_fd, dir_fd, &rec->files[i], rec->files[i].prev, err);
	if (r == 0)
		r = remove_strays(tree_fd, rec, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rec->n; i++) {
		memcpy(rec->files[i].now, rec->files[i].prev, RP_SHA256_HEX);
		any |= strcmp(rec->files[i].now, rec->files[i].orig) != 0;
	}
	if (!any && rec->prev_patches.n == 0) {
		if (unlinkat(dir_fd, STATE_NAME, 0) < 0)
			return RP_FAIL_ERRNO(err, -errno, "remove the record");
		return rp_remove_tree(tree_fd, RECORD_DIR, err);
	}
	rp_strv_free(&rec->patches);
	r = rp_strv_add_all(&rec->patches, (const char *const *)rec->prev_patches.v, err);
	return r < 0 ? r : record_write(dir_fd, rec, "applied", err);
}

/*
 * Brings the tree out of a killed run. *ret_rec is then "applied" or, with
 * -ENOENT as result, there is no record.
 */
static int recover(const struct rp_ctx *ctx, int tree_fd, struct record *ret, struct rp_error *err)
{
	RP_CLEANUP(record_free) struct record rec = { .n = 0 };
	RP_CLEANUP(rp_close_fd) int dir_fd = -1;
	int r;

	r = record_read(tree_fd, &rec, err);
	if (r < 0)
		return r;
	if (strcmp(rec.phase, "applied") != 0) {
		dir_fd = openat(tree_fd, RECORD_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir_fd < 0)
			return RP_FAIL_ERRNO(err, -errno, "%s", RECORD_DIR);
		rp_event_text(ctx, RP_EV_INFO, "an earlier run was interrupted while %s: %s first",
			rec.phase,
			strcmp(rec.phase, "applying") == 0 ? "putting the files back"
							   : "finishing it");
		r = strcmp(rec.phase, "applying") == 0 ? undo_apply(tree_fd, dir_fd, &rec, err)
						       : finish_revert(tree_fd, dir_fd, &rec, err);
		if (r < 0)
			return r;
		record_free(&rec);
		return recover(ctx, tree_fd, ret, err);
	}
	*ret = rec;
	rec = (struct record){ .n = 0 };
	return 0;
}

static int lock_tree(int tree_fd, int *ret_fd, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = openat(tree_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "source tree");
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EWOULDBLOCK)
			return RP_FAIL(err, -EWOULDBLOCK, "another run works on this source tree");
		return RP_FAIL_ERRNO(err, -errno, "lock the source tree");
	}
	*ret_fd = rp_steal_fd(&fd);
	return 0;
}

static int save_text(int dir_fd, const char *sha, struct rp_span text, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct stat st;

	fd = openat(dir_fd, "orig", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s/orig", RECORD_DIR);
	if (fstatat(fd, sha, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		(size_t)st.st_size == text.n)
		return 0;
	return rp_publish_file(fd, sha, 0444, text, err);
}

static void sha_of(struct rp_span text, char ret[RP_SHA256_HEX])
{
	uint8_t digest[RP_SHA256_BYTES];
	struct rp_sha256 sha;

	rp_sha256_init(&sha);
	rp_sha256_add(&sha, text);
	rp_sha256_final(&sha, digest);
	rp_sha256_hex(digest, ret);
}

/* Fills rec with what the plan changes, on top of what is applied; saves the texts. */
static int prepare(
	int dir_fd, const struct rp_patch_plan *plan, struct record *rec, struct rp_error *err)
{
	int r;

	rp_strv_free(&rec->prev_patches);
	r = rp_strv_add_all(&rec->prev_patches, (const char *const *)rec->patches.v, err);
	for (size_t i = 0; r == 0 && i < rec->n; i++)
		memcpy(rec->files[i].prev, rec->files[i].now, RP_SHA256_HEX);
	for (size_t i = 0; r == 0 && i < plan->n_results; i++)
		if (plan->results[i].outcome == RP_PATCH_APPLIES &&
			!rp_strv_has(&rec->patches, plan->results[i].patch->id))
			r = rp_strv_add(&rec->patches, plan->results[i].patch->id, err);
	for (size_t i = 0; r == 0 && i < plan->n_files; i++) {
		const struct rp_plan_file *f = &plan->files[i];
		struct record_file *rf = record_find(rec, f->path);

		if (rp_span_eq(rp_buf_span(&f->before), rp_buf_span(&f->now)))
			continue;
		if (!rf) {
			r = record_add(rec, f->path, &rf, err);
			if (r < 0)
				break;
			rf->mode = f->mode;
			memcpy(rf->orig, f->before_sha256, RP_SHA256_HEX);
		}
		memcpy(rf->prev, f->before_sha256, RP_SHA256_HEX);
		sha_of(rp_buf_span(&f->now), rf->now);
		r = save_text(dir_fd, f->before_sha256, rp_buf_span(&f->before), err);
	}
	return r;
}

static int check_unchanged(int tree_fd, const struct rp_patch_plan *plan, struct rp_error *err)
{
	char sha[RP_SHA256_HEX];
	int r;

	for (size_t i = 0; i < plan->n_files; i++) {
		r = rp_sha256_file(tree_fd, plan->files[i].path, sha, err);
		if (r < 0)
			return r;
		if (strcmp(sha, plan->files[i].before_sha256) != 0)
			return RP_FAIL(err, -ESTALE, "%s changed since the plan was made",
				plan->files[i].path);
	}
	return 0;
}

/*
 * A file that was patched, then edited, must not be patched again: its original is
 * the one from before the edit, and a revert would lose the edit without a word. One that
 * somebody put back to its original (git checkout) has nothing to lose.
 */
static int check_not_edited(
	const struct record *rec, const struct rp_patch_plan *plan, struct rp_error *err)
{
	for (size_t i = 0; i < plan->n_files; i++) {
		const struct rp_plan_file *f = &plan->files[i];
		const struct record_file *rf = record_find(rec, f->path);

		if (!rf || strcmp(rf->now, f->before_sha256) == 0 ||
			strcmp(rf->orig, f->before_sha256) == 0 ||
			rp_span_eq(rp_buf_span(&f->before), rp_buf_span(&f->now)))
			continue;
		return RP_FAIL(err, -ESTALE,
			"%s was edited since it was patched: a revert would lose the edit. Take it "
			"back, or remove " RECORD_DIR " to give up reverting",
			f->path);
	}
	return 0;
}

/* The step between "applying" and "applied": every file. */
static int publish_files(int tree_fd, const struct rp_patch_plan *plan, struct rp_error *err)
{
	int r;

	for (size_t i = 0; i < plan->n_files; i++) {
		const struct rp_plan_file *f = &plan->files[i];

		if (rp_span_eq(rp_buf_span(&f->before), rp_buf_span(&f->now)))
			continue;
		r = write_text(tree_fd, f->path, f->mode, rp_buf_span(&f->now), err);
		if (r < 0)
			return rp_error_prefix(err, r, "%s", f->path);
	}
	return 0;
}

int rp_patch_publish(const struct rp_ctx *ctx, int tree_fd, const struct rp_patch_plan *plan,
	struct rp_error *err)
{
	RP_CLEANUP(record_free) struct record rec = { .n = 0 };
	RP_CLEANUP(rp_close_fd) int lock = -1;
	RP_CLEANUP(rp_close_fd) int dir_fd = -1;
	int r;

	if (!rp_patch_plan_ok(plan))
		return RP_FAIL(err, -EINVAL, "a patch is refused: nothing is written");
	if (rp_patch_plan_n_files(plan) == 0)
		return 0;
	r = lock_tree(tree_fd, &lock, err);
	if (r < 0)
		return r;
	r = recover(ctx, tree_fd, &rec, err);
	if (r < 0 && r != -ENOENT)
		return r;
	r = check_unchanged(tree_fd, plan, err);
	if (r == 0)
		r = check_not_edited(&rec, plan, err);
	if (r == 0)
		r = rp_mkdirs(tree_fd, RECORD_DIR "/orig", 0755, err);
	if (r < 0)
		return r;
	dir_fd = openat(tree_fd, RECORD_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", RECORD_DIR);
	r = prepare(dir_fd, plan, &rec, err);
	if (r == 0)
		r = record_write(dir_fd, &rec, "applying", err);
	if (r < 0)
		return r;
	r = publish_files(tree_fd, plan, err);
	if (r == 0)
		r = record_write(dir_fd, &rec, "applied", err);
	if (r < 0) {
		struct rp_error ignored = RP_ERROR_INIT;

		/* The first error is the one to tell; if this fails too, the next run goes on with it. */
		if (undo_apply(tree_fd, dir_fd, &rec, &ignored) < 0)
			(void)rp_error_prefix(
				err, r, "interrupted, to be finished by the next run");
	}
	return r;
}

int rp_patch_check_record(int tree_fd, const struct rp_patch_plan *plan, struct rp_error *err)
{
	RP_CLEANUP(record_free) struct record rec = { .n = 0 };
	int r = record_read(tree_fd, &rec, err);

	return r == -ENOENT ? 0 : r < 0 ? r : check_not_edited(&rec, plan, err);
}

int rp_patch_recover(const struct rp_ctx *ctx, int tree_fd, struct rp_error *err)
{
	RP_CLEANUP(record_free) struct record rec = { .n = 0 };
	RP_CLEANUP(rp_close_fd) int lock = -1;
	int r;

	r = record_read(tree_fd, &rec, NULL);
	if (r == -ENOENT || (r == 0 && strcmp(rec.phase, "applied") == 0))
		return 0;
	record_free(&rec);
	r = lock_tree(tree_fd, &lock, err);
	if (r == 0)
		r = recover(ctx, tree_fd, &rec, err);
	return r == -ENOENT ? 0 : r;
}

int rp_patch_revert(
	const struct rp_ctx *ctx, int tree_fd, size_t *ret_n_files, struct rp_error *err)
{
	RP_CLEANUP(record_free) struct record rec = { .n = 0 };
	RP_CLEANUP(rp_close_fd) int lock = -1;
	RP_CLEANUP(rp_close_fd) int dir_fd = -1;
	size_t n;
	int r;

	r = lock_tree(tree_fd, &lock, err);
	if (r == 0)
		r = recover(ctx, tree_fd, &rec, err);
	if (r == -ENOENT)
		return RP_FAIL(err, r, "nothing is applied to this tree by rocm-patch");
	if (r == 0)
		r = check_known(tree_fd, &rec, true, err);
	if (r < 0)
		return r;
	dir_fd = openat(tree_fd, RECORD_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", RECORD_DIR);
	n = rec.n;
	r = record_write(dir_fd, &rec, "reverting", err);
	if (r == 0)
		r = finish_revert(tree_fd, dir_fd, &rec, err);
	if (r < 0)
		return r;
	*ret_n_files = n;
	return 0;
}

int rp_patch_applied(int tree_fd, struct rp_strv *ret, struct rp_error *err)
{
	RP_CLEANUP(record_free) struct record rec = { .n = 0 };
	int r = record_read(tree_fd, &rec, err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (strcmp(rec.phase, "applied") != 0)
		return RP_FAIL(err, -ESTALE,
			"a run was interrupted while %s; the next apply or revert finishes it",
			rec.phase);
	return rp_strv_add_all(ret, (const char *const *)rec.patches.v, err);
}
