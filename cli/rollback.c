/* SPDX-License-Identifier: MIT */
/* Verb rollback: back to what was active before the last switch. */
#include "cli.h"

#include "store/store.h"

static int dry(struct rp_cli *cli, struct rp_store *st, struct rp_error *err)
{
	RP_CLEANUP(rp_generation_list_free)
	struct rp_generation_list list = RP_GENERATION_LIST_INIT;
	const char *to = NULL;
	int r = rp_store_list(st, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++)
		if (list.v[i].previous)
			to = list.v[i].id;
	rp_cli_out(cli,
		to ? "%s would be active\n"
		   : "no generation would be active (or nothing to go back to)\n",
		to);
	return 0;
}

static int rollback_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_store_close) struct rp_store st = RP_STORE_INIT;
	RP_CLEANUP(rp_free_p) char *id = NULL;
	struct rp_json *j = rp_cli_json(cli);
	struct rp_error err = RP_ERROR_INIT;
	int r;

	(void)argc;
	(void)argv;
	r = rp_store_open(
		&cli->ctx, cli->prefix, cli->dry_run ? RP_STORE_READ : RP_STORE_WRITE, &st, &err);
	if (r == 0 && cli->dry_run)
		r = dry(cli, &st, &err);
	else if (r == 0)
		r = rp_store_rollback(&cli->ctx, &st, &id, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (cli->dry_run)
		return RP_EXIT_OK;
	if (id)
		rp_cli_out(cli, "%s is active again\n", id);
	else
		rp_cli_out(
			cli, "no generation is active any more: programs use the system's ROCm\n");
	if (j)
		rp_json_kstr(j, "id", id);
	return RP_EXIT_OK;
}

const struct rp_verb rp_verb_rollback = {
	.name = "rollback",
	.summary = "go back to what was active before the last switch",
	.flags = RP_VERB_WRITES,
	.exit_codes = RP_EXITS(0, 2, 65, 66, 73, 74, 77),
	.run = rollback_run,
};
