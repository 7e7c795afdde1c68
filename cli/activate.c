/* SPDX-License-Identifier: MIT */
/* Verb activate: switches PREFIX/current to a generation. */
#include "cli.h"

#include "store/store.h"

static int activate_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_generation_list_free)
	struct rp_generation_list list = RP_GENERATION_LIST_INIT;
	RP_CLEANUP(rp_store_close) struct rp_store st = RP_STORE_INIT;
	struct rp_json *j = rp_cli_json(cli);
	const struct rp_generation *g = NULL;
	struct rp_error err = RP_ERROR_INIT;
	bool changed;
	int r;

	(void)argc;
	r = rp_store_open(
		&cli->ctx, cli->prefix, cli->dry_run ? RP_STORE_READ : RP_STORE_WRITE, &st, &err);
	if (r == 0)
		r = rp_store_list(&st, &list, &err);
	if (r == 0)
		r = rp_store_find(&list, argv[0], &g, &err);
	if (r == 0 && g->damage)
		r = RP_FAIL(&err, -EBADMSG, "%s is damaged: %s", g->id, g->damage);
	changed = r == 0 && !g->active;
	if (r == 0 && !cli->dry_run)
		r = rp_store_activate(&cli->ctx, &st, g->id, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	rp_cli_out(cli, "%s %s\n", g->id,
		!changed       ? "is active already"
		: cli->dry_run ? "would be activated"
			       : "is active now");
	if (j) {
		rp_json_kstr(j, "id", g->id);
		rp_json_kbool(j, "changed", changed && !cli->dry_run);
	}
	return RP_EXIT_OK;
}

const struct rp_verb rp_verb_activate = {
	.name = "activate",
	.summary = "switch to a patched runtime of the store",
	.operands = "ID",
	.description =
		"ID is an id as \"list\" shows it, or a beginning of it or of its key that fits "
		"one only. "
		"One rename switches; programs that run keep what they loaded. rollback goes back.",
	.flags = RP_VERB_WRITES,
	.min_operands = 1,
	.max_operands = 1,
	.exit_codes = RP_EXITS(0, 2, 65, 66, 73, 74, 77),
	.run = activate_run,
};
