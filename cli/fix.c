/* SPDX-License-Identifier: MIT */
/* Verb fix: the whole road, with one plan shown first: fetch, patch, build, prove, install, switch. */
#include "builder.h"

static int activate(
	struct rp_cli *cli, struct rp_builder *b, struct rp_store *st, struct rp_error *err)
{
	struct rp_json *j = rp_cli_json(cli);
	int r = rp_store_activate(&cli->ctx, st, b->plan.id, err);

	if (r < 0)
		return r;
	rp_cli_out(cli, "%s is active. The system's ROCm was not touched.\n", b->plan.id);
	rp_cli_out(cli, "  use it    rocm-patch --prefix %s run -- PROGRAM\n", cli->prefix);
	rp_cli_out(cli, "  go back   rocm-patch --prefix %s rollback\n", cli->prefix);
	if (j)
		rp_json_kstr(j, "active", b->plan.id);
	return 0;
}

static int go(struct rp_cli *cli, struct rp_builder *b, struct rp_error *err)
{
	RP_CLEANUP(rp_store_close) struct rp_store st = RP_STORE_INIT;
	int r;

	if (!b->in_store) {
		r = rp_builder_build(cli, b, err);
		if (r < 0)
			return r;
		rp_builder_show_proof(cli, b);
	} else {
		rp_cli_out(cli,
			"%s was built and proven by an earlier run; verify-store checks its "
			"files\n",
			b->plan.id);
	}
	r = rp_store_open(&cli->ctx, cli->prefix, RP_STORE_CREATE, &st, err);
	if (r == 0 && !b->in_store)
		r = rp_builder_publish(cli, b, &st, err);
	return r < 0 ? r : activate(cli, b, &st, err);
}

static int fix_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_builder_free) struct rp_builder b = { .plan = { .lock = RP_LOCK_INIT } };
	struct rp_error err = RP_ERROR_INIT;
	int r, code;

	(void)argc;
	(void)argv;
	if (!rp_builder_begin(cli, "rocr", &b, &code))
		return code;
	rp_builder_show_plan(cli, &b);
	if (cli->dry_run)
		return RP_EXIT_OK;
	r = rp_builder_check_store(cli, &err);
	if (r == 0 && !b.in_store && (b.plan.missing.n > 0 || b.plan.shortages.n > 0))
		r = rp_build_run(&cli->ctx, &b.host, &b.plan, RP_STAGE_STAGE,
			&err); /* refuses, with the reason */
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (!rp_cli_confirm(cli, "Do this?"))
		return rp_cli_usage(cli, "not confirmed: nothing was done");
	r = go(cli, &b, &err);
	return r < 0 ? rp_cli_fail(cli, r, &err) : RP_EXIT_OK;
}

static const struct rp_option options[] = {
	RP_BUILDER_OPTIONS,
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_fix = {
	.name = "fix",
	.summary = "build a patched ROCm runtime, install it beside the system's, and switch to it",
	.description = "Shows one plan and asks; then fetches, patches, builds, checks, installs "
		       "into the store and "
		       "activates. This version does it for ROCR. What it ends with is what was "
		       "checked on this "
		       "machine without a card; that the patches help is a hypothesis.",
	.options = options,
	.flags = RP_VERB_WRITES | RP_VERB_READS_SYSTEM,
	.exit_codes = RP_EXITS(0, 2, 65, 66, 69, 70, 73, 74, 75, 77, 78, 124),
	.run = fix_run,
};
