/* SPDX-License-Identifier: MIT */
/* Verb rollback: back to what was active before the last switch. */
#include "cli.h"

#include "store/store.h"

static int dry(struct rp_cli *cli, struct rp_store *st, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *to = NULL;
	struct rp_json *j = rp_cli_json(cli);
	int r = rp_store_previous(st, &to, err);

	if (r < 0)
		return r;
	if (!to)
		return RP_FAIL(
			err, -ENOENT, "nothing to go back to: no earlier switch is recorded");
	if (strcmp(to, "-") == 0)
		rp_cli_out(cli, "no generation would be active any more\n");
	else
		rp_cli_out(cli, "%s would be active again\n", to);
	if (j)
		rp_json_kstr(j, "would_be", strcmp(to, "-") == 0 ? NULL : to);
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
