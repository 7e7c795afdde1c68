/* SPDX-License-Identifier: MIT */
/* Verb build: fetch, patch, build and prove components, and put them into the store. */
#include "builder.h"

static bool stop_stage(struct rp_cli *cli, enum rp_stage *ret, int *ret_exit)
{
	const char *name = rp_cli_opt(cli, "stop-at");

	*ret = RP_STAGE_MAX;
	if (!name)
		return true;
	for (int s = 0; s < RP_STAGE_MAX; s++) {
		if (strcmp(rp_stage_name((enum rp_stage)s), name) == 0) {
			*ret = (enum rp_stage)s;
			return true;
		}
	}
	*ret_exit = rp_cli_usage(cli, "--stop-at=%s: no such stage", name);
	return false;
}

static int build_whole(struct rp_cli *cli, struct rp_builder *b, struct rp_error *err)
{
	RP_CLEANUP(rp_store_close) struct rp_store st = RP_STORE_INIT;
	int r;

	r = rp_builder_check_store(cli, err);
	if (r == 0)
		r = rp_builder_build(cli, b, err);
	if (r < 0)
		return r;
	rp_builder_show_proof(cli, b);
	r = rp_store_open(&cli->ctx, cli->prefix, RP_STORE_CREATE, &st, err);
	if (r == 0)
		r = rp_builder_publish(cli, b, &st, err);
	if (r < 0)
		return r;
	rp_cli_out(cli, "%s is in the store; \"rocm-patch activate %s\" switches to it\n",
		b->plan.id, b->plan.id);
	return 0;
}

static int build_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_builder_free) struct rp_builder b = { .plan = { .lock = RP_LOCK_INIT } };
	struct rp_error err = RP_ERROR_INIT;
	enum rp_stage stop;
	int r, code;

	if (!stop_stage(cli, &stop, &code) ||
		!rp_builder_begin(cli, argc > 0 ? argv[0] : "rocr", &b, &code))
		return code;
	rp_builder_show_plan(cli, &b);
	if (cli->dry_run)
		return RP_EXIT_OK;
	if (stop != RP_STAGE_MAX) {
		r = rp_build_run(&cli->ctx, &b.host, &b.plan, stop, &err);
		if (r == 0)
			rp_cli_out(cli, "stopped behind the stage \"%s\"; work folder: %s\n",
				rp_stage_name(stop), b.plan.work);
	} else if (b.in_store) {
		rp_cli_out(cli, "%s is in the store already: nothing to do\n", b.plan.id);
		r = 0;
	} else {
		r = build_whole(cli, &b, &err);
	}
	return r < 0 ? rp_cli_fail(cli, r, &err) : RP_EXIT_OK;
}

static const struct rp_option options[] = {
	RP_BUILDER_OPTIONS,
	{ "stop-at", 0, "STAGE", "stop behind this stage; nothing goes into the store",
		"fetch unpack configure baseline patch build stage" },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_build = {
	.name = "build",
	.summary = "build a patched component and put it into the store",
	.operands = "[COMPONENT]",
	.description =
		"COMPONENT is the name of a recipe (rocr, the default) or the path of one. An "
		"unchanged "
		"rerun does nothing; an interrupted one goes on. Tools run without privileges.",
	.options = options,
	.flags = RP_VERB_WRITES | RP_VERB_READS_SYSTEM,
	.max_operands = 1,
	.exit_codes = RP_EXITS(0, 2, 65, 66, 69, 70, 73, 74, 75, 77, 78, 124),
	.run = build_run,
};
