/* SPDX-License-Identifier: MIT */
/* Verb remove: deletes generations that are not active. */
#include "cli.h"

#include "store/store.h"

static int remove_one(struct rp_cli *cli, struct rp_store *st, const char *id, struct rp_error *err)
{
	RP_CLEANUP(rp_generation_list_free)
	struct rp_generation_list list = RP_GENERATION_LIST_INIT;
	const struct rp_generation *g = NULL;
	struct rp_json *j = rp_cli_json(cli);
	char size[RP_HUMAN];
	int r;

	r = rp_store_list(st, &list, err);
	if (r == 0)
		r = rp_store_find(&list, id, &g, err);
	if (r == 0 && g->active)
		r = RP_FAIL(err, -EBUSY, "%s is active: activate another one or roll back first",
			g->id);
	if (r == 0 && !cli->dry_run)
		r = rp_store_remove(&cli->ctx, st, g->id, err);
	if (r < 0)
		return r;
	rp_cli_out(cli, "%s %s (%s)\n", g->id, cli->dry_run ? "would be removed" : "removed",
		rp_cli_size(g->size_bytes, size));
	if (j)
		rp_json_str(j, g->id);
	return 0;
}

static int remove_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_store_close) struct rp_store st = RP_STORE_INIT;
	RP_CLEANUP(rp_free_p) char *question = NULL;
	struct rp_json *j = rp_cli_json(cli);
	struct rp_error err = RP_ERROR_INIT;
	int r;

	if (!cli->dry_run) {
		question = rp_asprintf(
			"Remove %d generation%s from %s?", argc, argc > 1 ? "s" : "", cli->prefix);
		if (!question || !rp_cli_confirm(cli, question))
			return rp_cli_usage(cli, "not confirmed: nothing was removed");
	}
	r = rp_store_open(
		&cli->ctx, cli->prefix, cli->dry_run ? RP_STORE_READ : RP_STORE_WRITE, &st, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (j)
		rp_json_kbegin(j, "removed", '[');
	for (int i = 0; r == 0 && i < argc; i++)
		r = remove_one(cli, &st, argv[i], &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (j)
		rp_json_end(j, ']');
	return RP_EXIT_OK;
}

const struct rp_verb rp_verb_remove = {
	.name = "remove",
	.summary = "delete patched runtimes that are not active",
	.operands = "ID...",
	.flags = RP_VERB_WRITES,
	.min_operands = 1,
	.max_operands = RP_ANY,
	.exit_codes = RP_EXITS(0, 2, 65, 66, 73, 74, 77),
	.run = remove_run,
};
