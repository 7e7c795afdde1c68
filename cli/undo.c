/* SPDX-License-Identifier: MIT */
/* Verb undo: what apply replaced is put back. */
#include "cli.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "retarget/tree.h"

static void show(struct rp_cli *cli, const char *dir, const struct rp_tree_undone *u)
{
	const char *would = cli->dry_run ? "would be " : "";

	rp_cli_out(cli, "%s: %zu files %sput back, %zu new ones %sremoved%s\n", dir, u->n_restored,
		would, u->n_removed, would,
		u->interrupted ? " (the run had been interrupted)" : "");
	for (size_t i = 0; i < u->n_changed; i++)
		rp_cli_out(cli, "  %s\n    stays as it is: %s\n", u->changed[i].path,
			u->changed[i].reason);
}

static void show_json(
	struct rp_json *json, const char *dir, const struct rp_tree_undone *u, bool done)
{
	rp_json_kstr(json, "dir", dir);
	rp_json_kbool(json, "undone", done);
	rp_json_kstr(json, "to", u->card[0] ? u->card : NULL);
	rp_json_kbool(json, "interrupted", u->interrupted);
	rp_json_kuint(json, "restored", u->n_restored);
	rp_json_kuint(json, "removed", u->n_removed);
	rp_json_kbegin(json, "changed", '[');
	for (size_t i = 0; i < u->n_changed; i++) {
		rp_json_begin(json, '{');
		rp_json_kstr(json, "path", u->changed[i].path);
		rp_json_kstr(json, "reason", u->changed[i].reason);
		rp_json_end(json, '}');
	}
	rp_json_end(json, ']');
}

/* FILE: what retarget --in-place changed. */
static int undo_file(struct rp_cli *cli, const char *path)
{
	RP_CLEANUP(rp_free_p) char *dir = strdup(path);
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct rp_error err = RP_ERROR_INIT;
	char *slash = dir ? strrchr(dir, '/') : NULL;
	int r;

	if (!dir)
		return rp_cli_fail(cli, RP_NOMEM(&err), &err);
	if (slash)
		slash[slash == dir ? 1 : 0] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? RP_FAIL_ERRNO(&err, -errno, "%s", slash ? dir : ".")
		   : rp_retarget_in_place_undo(fd, rp_path_base(path), cli->dry_run, &err);
	if (r < 0)
		return rp_cli_fail(cli, rp_error_prefix(&err, r, "%s", path), &err);
	rp_cli_out(cli, "%s: %s as it was\n", path, cli->dry_run ? "would be" : "is");
	if (rp_cli_json(cli)) {
		rp_json_kstr(rp_cli_json(cli), "file", path);
		rp_json_kbool(rp_cli_json(cli), "undone", !cli->dry_run);
	}
	return RP_EXIT_OK;
}

static int undo_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_tree_undone_free) struct rp_tree_undone undone = { 0 };
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct rp_error err = RP_ERROR_INIT;
	const char *dir = argv[0];
	struct stat st;
	int r;

	(void)argc;
	if (stat(dir, &st) == 0 && S_ISREG(st.st_mode))
		return undo_file(cli, dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? RP_FAIL_ERRNO(&err, -errno, "%s", dir)
		   : rp_retarget_tree_undo(&cli->ctx, fd, rp_cli_flag(cli, "keep-changed"),
			     cli->dry_run, &undone, &err);
	if (r == -ESTALE) {
		for (size_t i = 0; i < undone.n_changed; i++)
			rp_cli_out(
				cli, "%s: %s\n", undone.changed[i].path, undone.changed[i].reason);
		rp_cli_warn(cli,
			"%s: %zu files are not what apply wrote; nothing is touched "
			"(--keep-changed: they stay, all others are put back)",
			dir, undone.n_changed);
	} else if (r < 0) {
		return rp_cli_fail(cli, rp_error_prefix(&err, r, "%s", dir), &err);
	} else {
		show(cli, dir, &undone);
	}
	if (rp_cli_json(cli))
		show_json(rp_cli_json(cli), dir, &undone, r == 0 && !cli->dry_run);
	return r == -ESTALE ? RP_EXIT_PROBLEMS : RP_EXIT_OK;
}

static const struct rp_option undo_options[] = {
	{ "keep-changed", 0, NULL,
		"files that were changed since stay as they are; their originals are removed",
		NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_undo = {
	.name = "undo",
	.summary = "put back what apply replaced in a tree",
	.operands = "DIR|FILE",
	.description = "Every file of the folder is again the one that it was before \"rocm-patch "
		       "apply\", "
		       "with its times and owner; new files are removed. If a file was changed "
		       "since, nothing "
		       "is touched. A run of apply or undo that was killed is taken back, too. A "
		       "FILE that "
		       "\"retarget --in-place\" changed is as before, by the record beside it.",
	.options = undo_options,
	.flags = RP_VERB_WRITES,
	.min_operands = 1,
	.max_operands = 1,
	.exit_codes = RP_EXITS(0, 1, 2, 65, 66, 71, 73, 74, 75, 77),
	.run = undo_run,
};
