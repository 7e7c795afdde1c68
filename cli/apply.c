/* SPDX-License-Identifier: MIT */
/* Verb apply: retarget for every file of a tree, with a way back. */
#include "cli.h"

#include <fcntl.h>
#include <stdio.h>

#include "retarget.h"
#include "retarget/tree.h"

struct run {
	struct rp_cli *cli;
	const char *dir;
	int dirfd;
	struct rp_retarget_options options;
	struct rp_tree_plan plan;
	bool done;
};

static void free_run(struct run *x)
{
	rp_tree_plan_free(&x->plan);
	rp_close_fd(&x->dirfd);
}

static const char *what_is(const struct rp_tree_item *item)
{
	if (item->content == RP_TREE_NAME)
		return "replace (one more name of a file above)";
	if (item->content == RP_TREE_DATA)
		return item->is_new ? "new file: Tensile data" : "replace: Tensile data";
	return item->is_new ? "new file" : "replace";
}

static void show_items(struct run *x)
{
	const struct rp_tree_plan *p = &x->plan;
	size_t shown = 0, limit = x->cli->verbosity > 0 ? SIZE_MAX : 20;

	for (size_t i = 0; i < p->n_items; i++) {
		char size[RP_HUMAN];

		if (shown++ >= limit)
			continue;
		rp_cli_out(x->cli, "  %s\n    %s", p->items[i].path, what_is(&p->items[i]));
		if (p->items[i].content == RP_TREE_CODE && p->items[i].code_bytes)
			rp_cli_out(x->cli, ", %zu code objects of %s", p->items[i].n_objects,
				rp_cli_size(p->items[i].code_bytes, size));
		rp_cli_out(x->cli, "\n");
	}
	if (shown > limit)
		rp_cli_out(x->cli, "  ... and %zu more (-v lists all)\n", shown - limit);
	for (size_t i = 0; i < p->n_notes; i++)
		rp_cli_out(x->cli, "  %s\n    cannot be done: %s\n", p->notes[i].path,
			p->notes[i].reason);
}

static void show_plan(struct run *x)
{
	const struct rp_tree_plan *p = &x->plan;
	char code[RP_HUMAN], disk[RP_HUMAN], left[RP_HUMAN];
	size_t n_new = 0;

	for (size_t i = 0; i < p->n_items; i++)
		n_new += p->items[i].is_new;
	rp_cli_out(x->cli, "%s: %llu files, %llu with code for %s already\n", x->dir,
		(unsigned long long)p->n_files, (unsigned long long)p->n_native,
		x->options.chip->name);
	show_items(x);
	if (p->n_items == 0) {
		rp_cli_out(x->cli, "  Nothing to do.\n");
		return;
	}
	rp_cli_out(x->cli, "  %zu files are replaced, %zu are new; %s of code objects\n",
		p->n_items - n_new, n_new, rp_cli_size(p->code_bytes, code));
	rp_cli_out(x->cli,
		"  disk: up to %s are needed, %s are free; originals are kept for undo\n",
		rp_cli_size(p->disk_bytes, disk), rp_cli_size(p->free_bytes, left));
}

static void show_end(struct run *x)
{
	const struct rp_tree_plan *p = &x->plan;
	char size[RP_HUMAN];

	for (size_t i = 0; i < p->n_items; i++)
		if (p->items[i].result)
			rp_cli_out(x->cli, "  left as it is: %s\n    %s\n", p->items[i].source,
				p->items[i].reason);
	rp_cli_out(x->cli,
		"  %zu files written (%s), %zu left out; %llu kernels, %llu functions changed\n",
		p->n_written, rp_cli_size(p->new_bytes, size), p->n_left_out,
		(unsigned long long)p->report.n_kernels, (unsigned long long)p->report.n_changed);
	rp_cli_out(x->cli,
		"  Checked: %llu instructions paired, %llu branches and %llu constants lead to "
		"the same code; scan finds nothing left.\n",
		(unsigned long long)p->verified.n_instructions,
		(unsigned long long)p->verified.n_branches,
		(unsigned long long)p->verified.n_constants);
	rp_cli_out(x->cli,
		"  Nothing of this was tried on a card. The way back: rocm-patch undo %s\n",
		x->dir);
}

static void json_item(struct rp_json *json, const struct rp_tree_item *item, bool done)
{
	static const char *const contents[] = { "code", "tensile-data", "name" };

	rp_json_begin(json, '{');
	rp_json_kstr(json, "path", item->path);
	rp_json_kstr(json, "source", item->source);
	rp_json_kstr(json, "content", contents[item->content]);
	rp_json_kbool(json, "new", item->is_new);
	rp_json_kuint(json, "objects", item->n_objects);
	rp_json_kuint(json, "code_bytes", item->code_bytes);
	rp_json_kstr(json, "from", item->from[0] ? item->from : NULL);
	rp_json_kbool(json, "written", done && item->result == 0);
	rp_json_kuint(json, "bytes", item->new_bytes);
	rp_json_kstr(json, "sha256", item->new_sha[0] && !item->result ? item->new_sha : NULL);
	rp_json_kstr(json, "reason", item->reason[0] ? item->reason : NULL);
	rp_json_end(json, '}');
}

static void show_json(struct run *x, struct rp_json *json)
{
	const struct rp_tree_plan *p = &x->plan;

	rp_json_kstr(json, "to", x->options.chip->name);
	rp_json_kstr(json, "dir", x->dir);
	rp_json_kbool(json, "applied", x->done);
	rp_json_kuint(json, "files", p->n_files);
	rp_json_kuint(json, "native", p->n_native);
	rp_json_kuint(json, "code_bytes", p->code_bytes);
	rp_json_kuint(json, "disk_bytes", p->disk_bytes);
	rp_json_kuint(json, "free_bytes", p->free_bytes);
	rp_json_kuint(json, "written", p->n_written);
	rp_json_kuint(json, "left_out", p->n_left_out);
	rp_json_kuint(json, "bytes", p->new_bytes);
	rp_json_kbegin(json, "items", '[');
	for (size_t i = 0; i < p->n_items; i++)
		json_item(json, &p->items[i], x->done);
	rp_json_end(json, ']');
	rp_json_kbegin(json, "impossible", '[');
	for (size_t i = 0; i < p->n_notes; i++) {
		rp_json_begin(json, '{');
		rp_json_kstr(json, "path", p->notes[i].path);
		rp_json_kstr(json, "reason", p->notes[i].reason);
		rp_json_end(json, '}');
	}
	rp_json_end(json, ']');
	rp_cli_retarget_json(json, &p->report, &p->verified);
}

/* The plan is shown; whether it is carried out. *ret_code: the exit code if not. */
static bool go_on(struct run *x, int *ret_code)
{
	const struct rp_tree_plan *p = &x->plan;
	struct rp_error err = RP_ERROR_INIT;

	*ret_code = p->n_notes ? RP_EXIT_PROBLEMS : RP_EXIT_OK;
	if (x->cli->dry_run || p->n_items == 0)
		return false;
	if (p->disk_bytes > p->free_bytes) {
		char need[RP_HUMAN], left[RP_HUMAN];
		int r = RP_FAIL(&err, -ENOSPC, "%s: up to %s are needed, %s are free", x->dir,
			rp_cli_size(p->disk_bytes, need), rp_cli_size(p->free_bytes, left));

		*ret_code = rp_cli_fail(x->cli, r, &err);
		return false;
	}
	if (!rp_cli_confirm(x->cli, "Write these files?")) {
		*ret_code = rp_cli_usage(x->cli, "not confirmed: nothing was written");
		return false;
	}
	return true;
}

static int apply_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(free_run) struct run x = { .cli = cli, .dir = argv[0], .dirfd = -1 };
	struct rp_error err = RP_ERROR_INIT;
	uint64_t threads = 0;
	int code, r;

	(void)argc;
	code = rp_cli_retarget_options(cli, &x.options);
	if (code == 0)
		code = rp_cli_opt_number(cli, "jobs", 1, 0, &threads);
	if (code)
		return code;
	x.dirfd = open(x.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = x.dirfd < 0 ? RP_FAIL_ERRNO(&err, -errno, "%s", x.dir)
			: rp_retarget_tree_plan(&cli->ctx, x.dirfd, &x.options,
				  rp_cli_flag(cli, "tuned"), !cli->dry_run, &x.plan, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	show_plan(&x);
	if (go_on(&x, &code)) {
		r = rp_retarget_tree_apply(&cli->ctx, &x.plan, (unsigned int)threads, &err);
		if (r < 0)
			return rp_cli_fail(cli, rp_error_prefix(&err, r, "%s", x.dir), &err);
		x.done = true;
		show_end(&x);
		if (x.plan.n_left_out)
			code = RP_EXIT_PROBLEMS;
	}
	if (rp_cli_json(cli) && code <= RP_EXIT_PROBLEMS)
		show_json(&x, rp_cli_json(cli));
	return code;
}

static const struct rp_option apply_options[] = {
	{ "to", 0, "CHIP", "the card to write code for (default: gfx1010)",
		"gfx1010 gfx1011 gfx1012 gfx1013" },
	{ "tuned", 0, NULL,
		"Tensile libraries with code for the card get the other chip's tuned kernels, too",
		NULL },
	{ "cu-mode", 0, "MODE",
		"kernels with wide LDS accesses in CU mode: auto (where the work-group fits), on, "
		"off",
		"auto on off" },
	{ "trap", 0, NULL,
		"a function that cannot be fixed traps when it is called; else its file is left "
		"out",
		NULL },
	{ "jobs", 'j', "N", "number of threads (default: one a processor)", NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_apply = {
	.name = "apply",
	.summary = "retarget all GPU code of an installed tree for a card",
	.operands = "DIR",
	.description =
		"Takes a folder: a ROCm prefix, an installed Python package or virtual "
		"environment, "
		"code objects. Every library and code object with gfx10 code and none for the card "
		"gets some, Tensile libraries with their file names and data. Originals are kept; "
		"\"rocm-patch undo\" puts them back. Nothing was tried on a card.",
	.options = apply_options,
	.flags = RP_VERB_WRITES,
	.min_operands = 1,
	.max_operands = 1,
	.exit_codes = RP_EXITS(0, 1, 2, 65, 66, 70, 71, 73, 74, 75, 77, 78),
	.run = apply_run,
};
