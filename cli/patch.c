/* SPDX-License-Identifier: MIT */
/* Verb patch: list, show, check, apply, revert and diff of source patches on a source tree. */
#include "cli.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "patch/patch.h"

/* What every sub-verb works on; set up by begin, released by end. */
struct work {
	struct rp_patch_list list;
	struct rp_strv only, without, left_out;
	const struct rp_patch **selected;
	size_t n_selected;
	int tree_fd;
	struct rp_patch_plan *plan;
};

static void work_end(struct work *w)
{
	rp_patch_plan_free(w->plan);
	free(w->selected);
	rp_patch_list_free(&w->list);
	rp_strv_free(&w->only);
	rp_strv_free(&w->without);
	rp_strv_free(&w->left_out);
	rp_close_fd(&w->tree_fd);
}

#define WORK_INIT             \
	{                     \
		.tree_fd = -1 \
	}

static int load(struct rp_cli *cli, struct work *w, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *dir = NULL;
	const char *own = rp_cli_opt(cli, "patches");
	int r = 0;

	dir = own ? strdup(own) : rp_asprintf("%s/patches", cli->data_dir);
	if (!dir)
		return RP_NOMEM(err);
	for (size_t i = 0; r == 0 && rp_cli_opt_nth(cli, "only", i); i++)
		r = rp_strv_split(&w->only, rp_span_str(rp_cli_opt_nth(cli, "only", i)), err);
	for (size_t i = 0; r == 0 && rp_cli_opt_nth(cli, "without", i); i++)
		r = rp_strv_split(&w->without, rp_span_str(rp_cli_opt_nth(cli, "without", i)), err);
	return r < 0 ? r : rp_patch_load(AT_FDCWD, dir, &w->list, err);
}

static int append_selection(
	struct work *w, const struct rp_patch **more, size_t n, struct rp_error *err)
{
	const struct rp_patch **v = reallocarray(w->selected, w->n_selected + n + 1, sizeof(*v));

	if (!v)
		return RP_NOMEM(err);
	w->selected = v;
	for (size_t i = 0; i < n; i++)
		v[w->n_selected++] = more[i];
	return 0;
}

/* Components of which the tree has files, so that "requires" across components can be judged. */
static int tree_components(
	struct rp_cli *cli, struct work *w, struct rp_strv *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_patch_plan_freep) struct rp_patch_plan *plan = NULL;
	RP_CLEANUP(rp_free_p) const struct rp_patch **all = calloc(w->list.n + 1, sizeof(*all));
	const struct rp_patch_result *res;
	size_t n;
	int r;

	if (!all)
		return RP_NOMEM(err);
	for (size_t i = 0; i < w->list.n; i++)
		all[i] = &w->list.v[i];
	r = rp_patch_plan(&cli->ctx, w->tree_fd, all, w->list.n, &plan, err);
	if (r < 0)
		return r;
	res = rp_patch_plan_results(plan, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (res[i].outcome != RP_PATCH_NOT_FOR &&
			!rp_strv_has(ret, res[i].patch->component))
			r = rp_strv_add(ret, res[i].patch->component, err);
	return r;
}

/* --only may name patches of any component; each selection takes its own. */
static int only_of(
	const struct work *w, const char *component, struct rp_strv *ret, struct rp_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->list.n; i++)
		if (strcmp(w->list.v[i].component, component) == 0 &&
			rp_strv_has(&w->only, w->list.v[i].id))
			r = rp_strv_add(ret, w->list.v[i].id, err);
	return r;
}

static int check_known_ids(const struct work *w, const struct rp_strv *ids, struct rp_error *err)
{
	RP_STRV_FOREACH (id, ids) {
		size_t i = 0;

		while (i < w->list.n && strcmp(w->list.v[i].id, *id) != 0)
			i++;
		if (i == w->list.n)
			return RP_FAIL(err, -ENOENT,
				"no patch is called %s (\"rocm-patch patch list\" shows all)", *id);
	}
	return 0;
}

static int select_patches(struct rp_cli *cli, struct work *w, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv components = RP_STRV_INIT;
	const char *set = rp_cli_opt(cli, "set"), *wanted = rp_cli_opt(cli, "component");
	int r;

	r = check_known_ids(w, &w->only, err);
	if (r == 0)
		r = check_known_ids(w, &w->without, err);
	if (r == 0)
		r = tree_components(cli, w, &components, err);
	if (r == 0 && components.n == 0)
		r = RP_FAIL(err, -EBADMSG,
			"no file that a patch edits is in this tree: is it a ROCR or HIP source "
			"tree?");
	RP_STRV_FOREACH (component, &components) {
		RP_CLEANUP(rp_strv_free) struct rp_strv only = RP_STRV_INIT;
		RP_CLEANUP(rp_free_p) const struct rp_patch **v = NULL;
		struct rp_patch_choice choice = { .component = *component,
			.set = w->only.n > 0 ? NULL
			       : set	     ? set
					     : "rdna",
			.only = w->only.n > 0 ? &only : NULL,
			.without = &w->without,
			.beside = &components,
			.left_out = &w->left_out };
		size_t n = 0;

		if (r == 0 && wanted && strcmp(wanted, *component) != 0)
			continue;
		if (r == 0)
			r = only_of(w, *component, &only, err);
		if (r == 0)
			r = rp_patch_select(&w->list, &choice, &v, &n, err);
		if (r == 0)
			r = append_selection(w, v, n, err);
		if (r < 0)
			return r;
	}
	return r;
}

/* A half patched tree is no base for a check or a diff. */
static int refuse_interrupted(const struct work *w, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv ids = RP_STRV_INIT;

	return rp_patch_applied(w->tree_fd, &ids, err);
}

/* Opens the tree, finishes a killed run if it may write, selects and plans. */
static int plan_tree(
	struct rp_cli *cli, struct work *w, const char *dir, bool write, struct rp_error *err)
{
	int r;

	w->tree_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->tree_fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "source tree %s", dir);
	r = load(cli, w, err);
	if (r == 0)
		r = write ? rp_patch_recover(&cli->ctx, w->tree_fd, err)
			  : refuse_interrupted(w, err);
	if (r == 0)
		r = select_patches(cli, w, err);
	if (r < 0)
		return r;
	RP_STRV_FOREACH (line, &w->left_out)
		rp_cli_note(cli, "left out: %s", *line);
	if (w->n_selected == 0)
		return RP_FAIL(err, -EBADMSG, "no patch is selected for this tree");
	return rp_patch_plan(&cli->ctx, w->tree_fd, w->selected, w->n_selected, &w->plan, err);
}

static void json_patch(struct rp_json *j, const struct rp_patch *p, bool long_form)
{
	rp_json_kstr(j, "id", p->id);
	rp_json_kstr(j, "component", p->component);
	rp_json_kstr(j, "set", p->set);
	rp_json_kstr(j, "title", p->title);
	rp_json_kstr(j, "evidence", rp_patch_evidence_name(p->evidence));
	rp_json_kbool(j, "default", p->by_default);
	rp_json_kbegin(j, "requires", '[');
	RP_STRV_FOREACH (id, &p->requires)
		rp_json_str(j, *id);
	rp_json_end(j, ']');
	rp_json_kstr(j, "sha256", p->sha256);
	if (long_form) {
		rp_json_kstr(j, "why", p->why);
		rp_json_kstr(j, "effect", p->effect);
	}
}

static int run_list(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(work_end) struct work w = WORK_INIT;
	struct rp_json *j = rp_cli_json(cli);
	struct rp_error err = RP_ERROR_INIT;
	int r;

	(void)argc;
	(void)argv;
	r = load(cli, &w, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	rp_cli_out(cli, "%-4s %-9s %-17s %-8s %-11s %s\n", "ID", "COMPONENT", "SET", "DEFAULT",
		"EVIDENCE", "TITLE");
	if (j)
		rp_json_kbegin(j, "patches", '[');
	for (size_t i = 0; i < w.list.n; i++) {
		const struct rp_patch *p = &w.list.v[i];

		rp_cli_out(cli, "%-4s %-9s %-17s %-8s %-11s %s\n", p->id, p->component, p->set,
			p->by_default ? "on" : "off", rp_patch_evidence_name(p->evidence),
			p->title);
		if (j) {
			rp_json_begin(j, '{');
			json_patch(j, p, false);
			rp_json_end(j, '}');
		}
	}
	if (j)
		rp_json_end(j, ']');
	return RP_EXIT_OK;
}

static void out_indented(struct rp_cli *cli, const char *head, const char *text)
{
	struct rp_span rest = rp_span_str(text), line;

	rp_cli_out(cli, "%s:\n", head);
	while (rp_span_line(&rest, &line))
		rp_cli_out(cli, "  %.*s\n", (int)line.n, (const char *)line.p);
}

static void show_one(struct rp_cli *cli, const struct rp_patch *p)
{
	rp_cli_out(cli, "%s  %s\n", p->id, p->title);
	rp_cli_out(cli, "component: %s   set: %s   default: %s   evidence: %s\n", p->component,
		p->set, p->by_default ? "on" : "off", rp_patch_evidence_name(p->evidence));
	if (p->requires.n > 0) {
		rp_cli_out(cli, "requires:");
		RP_STRV_FOREACH (id, &p->requires)
			rp_cli_out(cli, " %s", *id);
		rp_cli_out(cli, "\n");
	}
	out_indented(cli, "what changes", p->effect);
	out_indented(cli, "why", p->why);
	rp_cli_out(cli, "definition: %s, sha256 %s\n", p->file, p->sha256);
}

static int run_show(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(work_end) struct work w = WORK_INIT;
	struct rp_json *j = rp_cli_json(cli);
	struct rp_error err = RP_ERROR_INIT;
	int r;

	r = load(cli, &w, &err);
	for (int a = 0; r == 0 && a < argc; a++) {
		RP_CLEANUP(rp_strv_free) struct rp_strv one = RP_STRV_INIT;

		r = rp_strv_add(&one, argv[a], &err);
		if (r == 0)
			r = check_known_ids(&w, &one, &err);
	}
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (j)
		rp_json_kbegin(j, "patches", '[');
	for (int a = 0; a < argc; a++) {
		for (size_t i = 0; i < w.list.n; i++) {
			if (strcmp(w.list.v[i].id, argv[a]) != 0)
				continue;
			if (a > 0)
				rp_cli_out(cli, "\n");
			show_one(cli, &w.list.v[i]);
			if (j) {
				rp_json_begin(j, '{');
				json_patch(j, &w.list.v[i], true);
				rp_json_end(j, '}');
			}
		}
	}
	if (j)
		rp_json_end(j, ']');
	return RP_EXIT_OK;
}

static void report(struct rp_cli *cli, const struct work *w)
{
	struct rp_json *j = rp_cli_json(cli);
	const struct rp_patch_result *res;
	size_t n;

	res = rp_patch_plan_results(w->plan, &n);
	if (j)
		rp_json_kbegin(j, "results", '[');
	for (size_t i = 0; i < n; i++) {
		rp_cli_out(cli, "%-4s %-18s %s\n", res[i].patch->id,
			rp_patch_outcome_name(res[i].outcome),
			res[i].text[0] ? res[i].text : res[i].patch->title);
		if (!j)
			continue;
		rp_json_begin(j, '{');
		rp_json_kstr(j, "id", res[i].patch->id);
		rp_json_kstr(j, "outcome", rp_patch_outcome_name(res[i].outcome));
		rp_json_kuint(j, "edits", res[i].n_edits_done);
		rp_json_kuint(j, "edits_skipped", res[i].n_edits_skipped);
		rp_json_kstr(j, "text", res[i].text);
		rp_json_end(j, '}');
	}
	if (!j)
		return;
	rp_json_end(j, ']');
	rp_json_kbegin(j, "left_out", '[');
	RP_STRV_FOREACH (line, &w->left_out)
		rp_json_str(j, *line);
	rp_json_end(j, ']');
	rp_json_kuint(j, "files_changed", rp_patch_plan_n_files(w->plan));
}

static int run_check(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(work_end) struct work w = WORK_INIT;
	struct rp_error err = RP_ERROR_INIT;
	int r;

	(void)argc;
	r = plan_tree(cli, &w, argv[0], false, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	report(cli, &w);
	if (!rp_patch_plan_ok(w.plan))
		return RP_EXIT_PROBLEMS;
	r = rp_patch_check_record(w.tree_fd, w.plan, &err);
	return r < 0 ? rp_cli_fail(cli, r, &err) : RP_EXIT_OK;
}

static int run_apply(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(work_end) struct work w = WORK_INIT;
	struct rp_error err = RP_ERROR_INIT;
	size_t n_files;
	int r;

	(void)argc;
	r = plan_tree(cli, &w, argv[0], !cli->dry_run, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	report(cli, &w);
	n_files = rp_patch_plan_n_files(w.plan);
	if (!rp_patch_plan_ok(w.plan))
		return rp_cli_fail(cli, -EBADMSG,
			&(struct rp_error){
				-EBADMSG, __func__, "a patch is refused: nothing was written" });
	if (cli->dry_run) {
		r = rp_patch_check_record(w.tree_fd, w.plan, &err);
		if (r < 0)
			return rp_cli_fail(cli, r, &err);
	}
	if (cli->dry_run || n_files == 0) {
		rp_cli_note(cli,
			n_files ? "%zu files would change; nothing was written"
				: "nothing to do: all of it is in the tree already",
			n_files);
		return RP_EXIT_OK;
	}
	r = rp_patch_publish(&cli->ctx, w.tree_fd, w.plan, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	rp_cli_note(cli, "%zu files changed; \"rocm-patch patch revert %s\" puts them back",
		n_files, argv[0]);
	return RP_EXIT_OK;
}

static int run_revert(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv ids = RP_STRV_INIT;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct rp_json *j = rp_cli_json(cli);
	struct rp_error err = RP_ERROR_INIT;
	size_t n = 0;
	int r;

	(void)argc;
	fd = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return rp_cli_fail(
			cli, RP_FAIL_ERRNO(&err, -errno, "source tree %s", argv[0]), &err);
	if (cli->dry_run) {
		r = rp_patch_applied(fd, &ids, &err);
		if (r < 0)
			return rp_cli_fail(cli, r, &err);
		rp_cli_out(cli, ids.n ? "would take back:" : "nothing is applied");
		RP_STRV_FOREACH (id, &ids)
			rp_cli_out(cli, " %s", *id);
		rp_cli_out(cli, "\n");
	} else {
		r = rp_patch_revert(&cli->ctx, fd, &n, &err);
		if (r < 0)
			return rp_cli_fail(cli, r, &err);
		rp_cli_out(cli, "%zu files have their original bytes again\n", n);
	}
	if (j) {
		rp_json_kuint(j, "files_restored", n);
		rp_json_kbegin(j, "would_revert", '[');
		RP_STRV_FOREACH (id, &ids)
			rp_json_str(j, *id);
		rp_json_end(j, ']');
	}
	return RP_EXIT_OK;
}

static int write_quilt(void *data, const char *name, struct rp_span text, struct rp_error *err)
{
	return rp_publish_file(*(int *)data, name, 0644, text, err);
}

static int quilt(struct rp_cli *cli, struct work *w, const char *dir, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r;

	r = rp_mkdirs(AT_FDCWD, dir, 0777, err);
	if (r < 0)
		return r;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", dir);
	if (faccessat(fd, "series", F_OK, 0) == 0)
		return RP_FAIL(
			err, -EEXIST, "%s/series is there already: choose an empty directory", dir);
	return rp_patch_quilt(
		&cli->ctx, w->tree_fd, w->selected, w->n_selected, write_quilt, &fd, err);
}

static int run_diff(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(work_end) struct work w = WORK_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	const char *quilt_dir = rp_cli_opt(cli, "quilt");
	struct rp_json *j = rp_cli_json(cli);
	struct rp_error err = RP_ERROR_INIT;
	int r;

	(void)argc;
	r = plan_tree(cli, &w, argv[0], false, &err);
	if (r == 0 && !rp_patch_plan_ok(w.plan)) {
		report(cli, &w);
		r = RP_FAIL(&err, -EBADMSG, "a patch is refused: no diff");
	}
	if (r == 0 && quilt_dir && !cli->dry_run)
		r = quilt(cli, &w, quilt_dir, &err);
	else if (r == 0)
		r = rp_patch_plan_diff(w.plan, &text, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	rp_cli_out_raw(cli, rp_buf_span(&text));
	if (j) {
		rp_json_kstr(j, "diff", rp_buf_cstr(&text));
		rp_json_kstr(j, "quilt", quilt_dir);
	}
	if (quilt_dir && !cli->dry_run)
		rp_cli_note(cli, "series written to %s", quilt_dir);
	return RP_EXIT_OK;
}

#define SELECTION                                                                                \
	{ "only", 0, "ID", "only this patch and what it requires (repeatable)", NULL },          \
		{ "without", 0, "ID", "not this patch (repeatable)", NULL },                     \
		{ "component", 0, "NAME", "only patches of this component", "rocr hip" },        \
		{ "set", 0, "NAME", "another set than rdna, as \"list\" names it", NULL },       \
	{                                                                                        \
		"patches", 0, "DIR", "definitions from DIR instead of the built-in ones", "@dir" \
	}

static const struct rp_option tree_options[] = { SELECTION, { NULL, 0, NULL, NULL, NULL } };
static const struct rp_option list_options[] = {
	{ "patches", 0, "DIR", "definitions from DIR instead of the built-in ones", "@dir" },
	{ NULL, 0, NULL, NULL, NULL },
};
static const struct rp_option diff_options[] = {
	SELECTION,
	{ "quilt", 0, "DIR", "write a quilt series there instead (one file a patch)", "@dir" },
	{ NULL, 0, NULL, NULL, NULL },
};

static const struct rp_verb verb_list = {
	.name = "list",
	.summary = "list the patch definitions",
	.options = list_options,
	.exit_codes = RP_EXITS(0, 2, 65, 66),
	.run = run_list,
};

static const struct rp_verb verb_show = {
	.name = "show",
	.summary = "tell what a patch changes, why, and what is known about it",
	.operands = "ID...",
	.options = list_options,
	.min_operands = 1,
	.max_operands = RP_ANY,
	.exit_codes = RP_EXITS(0, 2, 65, 66),
	.run = run_show,
};

static const struct rp_verb verb_check = {
	.name = "check",
	.summary = "say which patches would apply to a source tree",
	.operands = "DIR",
	.options = tree_options,
	.min_operands = 1,
	.max_operands = 1,
	.exit_codes = RP_EXITS(0, 1, 2, 65, 66, 77),
	.run = run_check,
};

static const struct rp_verb verb_apply = {
	.name = "apply",
	.summary = "apply patches to a source tree, all or none",
	.operands = "DIR",
	.options = tree_options,
	.flags = RP_VERB_WRITES,
	.min_operands = 1,
	.max_operands = 1,
	.exit_codes = RP_EXITS(0, 2, 65, 66, 73, 74, 75, 77),
	.run = run_apply,
};

static const struct rp_verb verb_revert = {
	.name = "revert",
	.summary = "put the original bytes of a patched source tree back",
	.operands = "DIR",
	.flags = RP_VERB_WRITES,
	.min_operands = 1,
	.max_operands = 1,
	.exit_codes = RP_EXITS(0, 2, 65, 66, 74, 75, 77),
	.run = run_revert,
};

static const struct rp_verb verb_diff = {
	.name = "diff",
	.summary = "print the change as a unified diff, or write a quilt series",
	.operands = "DIR",
	.options = diff_options,
	.flags = RP_VERB_WRITES,
	.min_operands = 1,
	.max_operands = 1,
	.exit_codes = RP_EXITS(0, 2, 65, 66, 73, 77),
	.run = run_diff,
};

static const struct rp_verb *const subs[] = { &verb_list, &verb_show, &verb_check, &verb_apply,
	&verb_revert, &verb_diff, NULL };

const struct rp_verb rp_verb_patch = {
	.name = "patch",
	.summary = "patch a ROCm source tree, or see what the patches are",
	.description =
		"A patch is a definition that anchors on tokens inside a function, so that one "
		"serves "
		"every version of a component. An anchor that matches no place or several is "
		"refused "
		"with the candidates; then nothing is written. Patches of the set rdna implement a "
		"hypothesis (memory types); none of them was proven on silicon.",
	.subs = subs,
	.exit_codes = RP_EXITS(0, 1, 2, 65, 66, 73, 74, 75, 77),
};
