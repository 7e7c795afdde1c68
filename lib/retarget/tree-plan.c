/* SPDX-License-Identifier: MIT */
/*
 * Which files of a tree are written anew. By tables and headers: nothing is rewritten here.
 *
 * Libraries and programs are replaced: code for the card stands beside the old code. A file that is code
 * itself is opened by its name: with a chip in its name ("Kernels.so-000-gfx1030.hsaco") it stays, and
 * one with the card's name is made; without one it is replaced.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "codeobj/bundle.h"
#include "retarget/tensile.h"
#include "retarget/tree-internal.h"

#define HEAD_BYTES 24u /* enough for each magic */

struct planner {
	const struct rp_ctx *ctx;
	struct rp_tree_plan *plan;
	uint64_t dev;
};

void rp_tree_plan_free(struct rp_tree_plan *plan)
{
	for (size_t i = 0; i < plan->n_items; i++) {
		free(plan->items[i].source);
		free(plan->items[i].path);
	}
	for (size_t i = 0; i < plan->n_notes; i++) {
		free(plan->notes[i].path);
		free(plan->notes[i].reason);
	}
	free(plan->items);
	free(plan->notes);
	rp_retarget_report_free(&plan->report);
	if (plan->lock_fd > 0)
		rp_close_fd(&plan->lock_fd);
	*plan = (struct rp_tree_plan){ 0 };
}

int rp_tree_lock(int dirfd, int *ret_fd, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "open the directory");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? RP_FAIL(err, -EWOULDBLOCK, "another run is at work on this tree")
			       : RP_FAIL_ERRNO(err, -errno, "lock the directory");
	*ret_fd = rp_steal_fd(&fd);
	return 0;
}

int rp_tree_add_note(struct rp_tree_note **notes, size_t *n, size_t *cap, const char *path,
	const char *reason, struct rp_error *err)
{
	struct rp_tree_note note = { rp_span_dup(rp_span_str(path)),
		rp_span_dup(rp_span_str(reason)) };

	if (!note.path || !note.reason || rp_array_grow(notes, cap, *n, sizeof(note)) < 0) {
		free(note.path);
		free(note.reason);
		return RP_NOMEM(err);
	}
	(*notes)[(*n)++] = note;
	return 0;
}

static int tell(struct planner *p, const char *path, const char *reason, struct rp_error *err)
{
	return rp_tree_add_note(
		&p->plan->notes, &p->plan->n_notes, &p->plan->cap_notes, path, reason, err);
}

/* The first chip that a file name has as a word; NULL: none. */
static const struct rp_chip *chip_in_name(const char *name, char ret_word[16])
{
	for (const char *p = strstr(name, "gfx"); p; p = strstr(p + 1, "gfx")) {
		const struct rp_chip *chip;
		size_t n = 0;

		if (p > name && isalnum((unsigned char)p[-1]))
			continue;
		while (isalnum((unsigned char)p[n]))
			n++;
		chip = n < 16 ? rp_chip_by_name(rp_span_of(p, n)) : NULL;
		if (chip) {
			memcpy(ret_word, p, n);
			ret_word[n] = '\0';
			return chip;
		}
	}
	return NULL;
}

/* rel with word in its last component replaced; NULL: out of memory. */
static char *renamed(const char *rel, const char *word, const char *to)
{
	const char *base = rp_path_base(rel);
	size_t at = 0;

	if (!rp_tensile_find_word(rp_span_str(base), word, &at))
		return NULL;
	at += (size_t)(base - rel);
	return rp_asprintf("%.*s%s%s", (int)at, rel, to, rel + at + strlen(word));
}

static bool exists(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether the folder has a Tensile library for the card. */
static bool has_own_library(int dirfd, const char *card)
{
	char lazy[64], whole[64];

	(void)snprintf(lazy, sizeof(lazy), "TensileLibrary_lazy_%s.dat", card);
	(void)snprintf(whole, sizeof(whole), "TensileLibrary_%s.dat", card);
	return exists(dirfd, lazy) || exists(dirfd, whole);
}

static bool is_tensile_name(const char *name)
{
	return strncmp(name, "TensileLibrary", 14) == 0 || strncmp(name, "Kernels.so-", 11) == 0;
}

/* Of two files for the same new one the nearer chip is taken: gfx1030's, then the first by name. */
static bool is_taken(struct planner *p, const struct rp_tree_item *item, size_t *ret)
{
	for (size_t i = 0; i < p->plan->n_items; i++) {
		if (strcmp(p->plan->items[i].path, item->path) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static int add_item(struct planner *p, struct rp_tree_item *item, struct rp_error *err)
{
	struct rp_tree_plan *plan = p->plan;
	size_t i;

	if (is_taken(p, item, &i)) {
		if (strcmp(item->chip, "gfx1030") != 0) {
			free(item->source);
			free(item->path);
			return 0;
		}
		free(plan->items[i].source);
		free(plan->items[i].path);
		plan->items[i] = *item;
		return 0;
	}
	if (rp_array_grow(&plan->items, &plan->cap_items, plan->n_items, sizeof(*item)) < 0) {
		free(item->source);
		free(item->path);
		return RP_NOMEM(err);
	}
	plan->items[plan->n_items++] = *item;
	return 0;
}

/* A file whose name has a chip: made anew under the card's name. */
static int named_file(struct planner *p, int dirfd, const char *name, const char *rel,
	struct rp_tree_item *item, struct rp_error *err)
{
	const char *card = p->plan->options.chip->name;
	bool own = is_tensile_name(name) && has_own_library(dirfd, card);

	item->path = renamed(rel, item->chip, card);
	item->source = rp_span_dup(rp_span_str(rel));
	item->is_library = is_tensile_name(name);
	if (!item->path || !item->source) {
		free(item->path);
		free(item->source);
		return RP_NOMEM(err);
	}
	item->is_new = !exists(dirfd, rp_path_base(item->path));
	/* the index of a library that is there is replaced only to offer the tuned kernels beside */
	if ((own && !p->plan->tuned) ||
		(!item->is_new && !(own && item->content == RP_TREE_DATA))) {
		p->plan->n_native++;
		free(item->path);
		free(item->source);
		return 0;
	}
	return add_item(p, item, err);
}

static int data_file(struct planner *p, int dirfd, const char *name, const char *rel,
	struct rp_tree_item *item, struct rp_error *err)
{
	const struct rp_chip *chip = chip_in_name(name, item->chip);

	if (!chip || !rp_retarget_can(p->plan->options.chip, chip))
		return 0;
	item->content = RP_TREE_DATA;
	return named_file(p, dirfd, name, rel, item, err);
}

/* One more name of a file that is replaced already. */
static bool same_file(struct planner *p, struct rp_tree_item *item)
{
	for (size_t i = 0; i < p->plan->n_items; i++) {
		const struct rp_tree_item *o = &p->plan->items[i];

		if (o->content == RP_TREE_CODE && !o->is_new && o->ino == item->ino &&
			o->dev == item->dev) {
			item->content = RP_TREE_NAME;
			item->same = i;
			return true;
		}
	}
	return false;
}

static int replaced_file(
	struct planner *p, const char *rel, struct rp_tree_item *item, struct rp_error *err)
{
	item->chip[0] = '\0';
	item->path = rp_span_dup(rp_span_str(rel));
	item->source = rp_span_dup(rp_span_str(rel));
	if (!item->path || !item->source) {
		free(item->path);
		free(item->source);
		return RP_NOMEM(err);
	}
	return add_item(p, item, err);
}

static int code_file(struct planner *p, int dirfd, const char *name, const char *rel,
	struct rp_tree_item *item, struct rp_error *err)
{
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	struct rp_retarget_look look = { 0 };
	struct rp_error why = RP_ERROR_INIT;
	const struct rp_chip *named;
	int r;

	if (item->content == RP_TREE_CODE && same_file(p, item))
		return replaced_file(p, rel, item, err);
	r = rp_map_open(dirfd, name, &map, err);
	if (r < 0)
		return rp_error_prefix(err, r, "%s", rel);
	r = rp_retarget_look(map.span, &p->plan->options, &look, &why);
	if (r == -ENOEXEC)
		return 0;
	if (r == -ENOMEM)
		return RP_NOMEM(err);
	if (r < 0)
		return tell(p, rel, why.text, err);
	p->plan->n_native += look.n_native && !look.n_new && !look.n_unknown;
	if (!look.n_new && !look.n_unknown)
		return 0;
	item->code_bytes = look.code_bytes;
	item->n_objects = look.n_new + look.n_unknown;
	named = rp_elf_is(map.span) && !look.is_object ? NULL : chip_in_name(name, item->chip);
	if (named && !rp_retarget_can(p->plan->options.chip, named))
		return 0; /* for another card, or for this one already */
	return named ? named_file(p, dirfd, name, rel, item, err)
		     : replaced_file(p, rel, item, err);
}

static bool plain_name(const char *rel)
{
	size_t n = strlen(rel);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)rel[i] < 0x20 || rel[i] == 0x7f)
			return false;
	return n && rel[0] != ' ' && rel[n - 1] != ' ';
}

static bool is_state(const char *rel)
{
	const char *base = rp_path_base(rel);
	size_t n = strlen(RP_RETARGET_TREE_STATE);

	return strcmp(base, RP_RETARGET_TREE_STATE) == 0 ||
	       (strncmp(rel, RP_RETARGET_TREE_STATE, n) == 0 && rel[n] == '/');
}

static int entry(void *data, int dirfd, const char *name, const char *rel, const struct stat *st,
	struct rp_error *err)
{
	struct planner *p = data;
	struct rp_tree_item item = { .dev = st->st_dev,
		.ino = st->st_ino,
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.old_bytes = (uint64_t)st->st_size };
	RP_CLEANUP(rp_close_fd) int fd = -1;
	uint8_t head[HEAD_BYTES] = { 0 };
	ssize_t n;

	if (rp_cancelled(p->ctx))
		return RP_FAIL(err, -ECANCELED, "cancelled");
	if (is_state(rel) && strchr(rel, '/') &&
		strcmp(rp_path_base(rel), RP_RETARGET_TREE_STATE) == 0)
		return RP_FAIL(err, -EEXIST,
			"%s: apply was run on that part by itself; undo it there first", rel);
	if (!S_ISREG(st->st_mode) || is_state(rel) || st->st_size < (off_t)HEAD_BYTES)
		return 0;
	p->plan->n_files++;
	if (rp_tensile_is_data_name(name))
		return plain_name(rel) && st->st_dev == p->dev
			       ? data_file(p, dirfd, name, rel, &item, err)
			       : 0;
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : tell(p, rel, "it cannot be read", err);
	n = pread(fd, head, sizeof(head), 0);
	if (n < (ssize_t)sizeof(head) || (!rp_elf_is(rp_span_of(head, sizeof(head))) &&
						 !rp_bundle_is(rp_span_of(head, sizeof(head))) &&
						 !rp_ccob_is(rp_span_of(head, sizeof(head)))))
		return 0;
	if (st->st_dev != p->dev || !plain_name(rel))
		return tell(p, rel,
			plain_name(rel) ? "it is on another file system than the tree"
					: "its name cannot be written down",
			err);
	return code_file(p, dirfd, name, rel, &item, err);
}

/* Code first, then data, the index of a library last: it makes the others visible. */
static unsigned int order(const struct rp_tree_item *item)
{
	if (item->content != RP_TREE_DATA)
		return 0;
	return strstr(item->path, "_lazy_") ? 2 : 1;
}

static int sort_items(struct rp_tree_plan *plan, struct rp_error *err)
{
	struct rp_tree_item *sorted;
	size_t *to, n = 0;

	if (plan->n_items == 0)
		return 0;
	sorted = calloc(plan->n_items, sizeof(*sorted));
	to = calloc(plan->n_items, sizeof(*to));
	if (!sorted || !to) {
		free(sorted);
		free(to);
		return RP_NOMEM(err);
	}
	for (unsigned int k = 0; k < 3; k++) {
		for (size_t i = 0; i < plan->n_items; i++) {
			if (order(&plan->items[i]) != k)
				continue;
			to[i] = n;
			sorted[n++] = plan->items[i];
		}
	}
	for (size_t i = 0; i < n; i++)
		if (sorted[i].content == RP_TREE_NAME)
			sorted[i].same = to[sorted[i].same];
	free(plan->items);
	free(to);
	plan->items = sorted;
	plan->cap_items = plan->n_items;
	return 0;
}

/* Disk: new files and grown copies; code grows by up to about a third (docs/retarget.md), its old bytes stay in it. */
static int measure(struct rp_tree_plan *plan, struct rp_error *err)
{
	struct statvfs fs;

	for (size_t i = 0; i < plan->n_items; i++) {
		const struct rp_tree_item *item = &plan->items[i];

		plan->code_bytes += item->code_bytes;
		if (item->content != RP_TREE_NAME)
			plan->disk_bytes += item->old_bytes + item->code_bytes * 5 / 2 +
					    4096 * (1 + item->n_objects);
	}
	if (fstatvfs(plan->dirfd, &fs) < 0)
		return RP_FAIL_ERRNO(err, -errno, "free space");
	plan->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return 0;
}

int rp_retarget_tree_plan(const struct rp_ctx *ctx, int dirfd,
	const struct rp_retarget_options *options, bool tuned, bool recover,
	struct rp_tree_plan *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_tree_plan_free)
	struct rp_tree_plan plan = {
		.dirfd = dirfd, .lock_fd = -1, .options = *options, .tuned = tuned
	};
	RP_CLEANUP(rp_tree_manifest_free) struct rp_tree_manifest manifest = { 0 };
	RP_CLEANUP(rp_close_fd) int state_fd = -1;
	struct planner p = { .ctx = ctx, .plan = &plan };
	struct stat st;
	int r = rp_tree_lock(dirfd, &plan.lock_fd, err);

	if (r == 0 && recover) {
		r = rp_tree_recover(ctx, dirfd, NULL, err);
	} else if (r == 0) {
		r = rp_tree_open_state(dirfd, &state_fd, err);
		if (r == 0 && state_fd >= 0)
			r = rp_tree_read_manifest(state_fd, &manifest, err);
		if (r == 0 && state_fd >= 0 && manifest.state != RP_TREE_APPLIED)
			r = RP_FAIL(err, -EUCLEAN,
				"a run was interrupted here: apply or undo takes it back first");
		r = r == -ENOENT ? 0 : r;
	}
	if (r == 0 && fstat(dirfd, &st) < 0)
		r = RP_FAIL_ERRNO(err, -errno, "the directory");
	if (r < 0)
		return r;
	p.dev = st.st_dev;
	r = rp_walk(dirfd, ".", entry, &p, err);
	if (r == 0)
		r = sort_items(&plan, err);
	if (r == 0)
		r = measure(&plan, err);
	if (r < 0)
		return r;
	*ret = plan;
	plan = (struct rp_tree_plan){ .lock_fd = -1 };
	return 0;
}
