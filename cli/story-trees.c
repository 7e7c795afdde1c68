/* SPDX-License-Identifier: MIT */
/* The folders that fix shall rewrite: planned before the question, written after it. */
#include "story.h"

#include <fcntl.h>

void story_trees_free(struct story *s)
{
	for (size_t i = 0; i < s->n_trees; i++) {
		rp_tree_plan_free(&s->trees[i].plan);
		rp_close_fd(&s->trees[i].fd);
	}
	free(s->trees);
}

/* A plan of one folder, and whether there is room for it. 0 or -errno. */
static int plan_one(struct story *s, struct story_tree *t, const char *dir, struct rp_error *err)
{
	const struct rp_retarget_options options = { .chip = s->chip };
	char code[RP_HUMAN], disk[RP_HUMAN], left[RP_HUMAN];
	int r;

	t->dir = dir;
	t->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = t->fd < 0 ? RP_FAIL_ERRNO(err, -errno, "%s", dir)
		      : rp_retarget_tree_plan(&s->cli->ctx, t->fd, &options, false,
				!s->cli->dry_run, &t->plan, err);
	if (r < 0)
		return r;
	rp_cli_out(s->cli,
		"  rewrite    %s: %zu of %llu files, %s of code objects, for %s; up to %s of disk, "
		"%s are "
		"free\n",
		dir, t->plan.n_items, (unsigned long long)t->plan.n_files,
		rp_cli_size(t->plan.code_bytes, code), s->chip->name,
		rp_cli_size(t->plan.disk_bytes, disk), rp_cli_size(t->plan.free_bytes, left));
	for (size_t i = 0; i < t->plan.n_notes; i++)
		rp_cli_out(s->cli, "             cannot be done: %s: %s\n", t->plan.notes[i].path,
			t->plan.notes[i].reason);
	if (t->plan.n_items && t->plan.disk_bytes > t->plan.free_bytes)
		return RP_FAIL(
			err, -ENOSPC, "%s: up to %s are needed, %s are free", dir, disk, left);
	return 0;
}

int story_plan_trees(struct story *s, int n, char **dirs, struct rp_error *err)
{
	int r = 0;

	if (n == 0)
		return 0;
	if (!s->chip || !s->chip->isa)
		return RP_FAIL(err, -ENODEV, "%s: no gfx10 card to rewrite it for", dirs[0]);
	s->trees = calloc((size_t)n, sizeof(*s->trees));
	if (!s->trees)
		return RP_NOMEM(err);
	for (int i = 0; r == 0 && i < n; i++) {
		s->trees[i] = (struct story_tree){ .fd = -1 };
		s->n_trees++;
		r = plan_one(s, &s->trees[i], dirs[i], err);
	}
	return r;
}

int story_rewrite_trees(struct story *s, struct rp_error *err)
{
	for (size_t i = 0; i < s->n_trees; i++) {
		struct story_tree *t = &s->trees[i];
		int r;

		if (t->plan.n_items == 0)
			continue;
		r = rp_retarget_tree_apply(&s->cli->ctx, &t->plan, 0, err);
		if (r < 0)
			return rp_error_prefix(err, r, "%s", t->dir);
		t->done = true;
		rp_cli_out(s->cli,
			"%s: %zu files written, %zu left out; checked against their sources, not "
			"on a "
			"card. Undo: rocm-patch undo %s\n",
			t->dir, t->plan.n_written, t->plan.n_left_out, t->dir);
	}
	return 0;
}

bool story_trees_left_out(const struct story *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_trees; i++)
		n += s->trees[i].plan.n_left_out + s->trees[i].plan.n_notes;
	return n > 0;
}

void story_trees_json(const struct story *s, struct rp_json *j)
{
	rp_json_kbegin(j, "rewritten", '[');
	for (size_t i = 0; i < s->n_trees; i++) {
		const struct story_tree *t = &s->trees[i];

		rp_json_begin(j, '{');
		rp_json_kstr(j, "dir", t->dir);
		rp_json_kbool(j, "applied", t->done);
		rp_json_kuint(j, "files", t->plan.n_items);
		rp_json_kuint(j, "written", t->plan.n_written);
		rp_json_kuint(j, "left_out", t->plan.n_left_out + t->plan.n_notes);
		rp_json_end(j, '}');
	}
	rp_json_end(j, ']');
}
