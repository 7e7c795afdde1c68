/* SPDX-License-Identifier: MIT */
/*
 * Verb fix: the whole road. doctor; what the card computes now; one plan; fetch, patch, build, prove, install, switch;
 * the kernels that failed rewritten; what the card computes then.
 */
#include "builder.h"
#include "notify.h"
#include "story.h"
#include "virtual.h"

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

/* Before the user is asked: the plan, and what would make it fail. 0 or -errno. */
static int check(struct rp_cli *cli, struct rp_builder *b, struct rp_error *err)
{
	int r = rp_builder_check_store(cli, err);

	if (r == 0 && !b->in_store && (b->plan.missing.n > 0 || b->plan.shortages.n > 0))
		r = rp_build_run(&cli->ctx, &b->host, &b->plan, RP_STAGE_STAGE,
			err); /* refuses, with the reason */
	return r;
}

static int work(struct story *s, struct rp_builder *b, bool verify, struct rp_error *err)
{
	int r = verify ? story_before(s, err) : 0;

	if (r == 0)
		r = go(s->cli, b, err);
	if (r < 0)
		return r;
	s->active = b->plan.id;
	r = story_rewrite_trees(s, err);
	if (r == 0)
		r = story_act(s, err);
	if (r == 0 && s->has_before)
		r = story_after(s, err);
	return r == 0 ? story_end(s, err) : r;
}

static int fix_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_builder_free) struct rp_builder b = { .plan = { .lock = RP_LOCK_INIT } };
	RP_CLEANUP(story_free) struct story s = { .cli = cli, .doctor = DOCTOR_INIT };
	struct rp_error err = RP_ERROR_INIT;
	int64_t started_ms = rp_now_ms();
	bool verify;
	int r, code;

	r = story_begin(&s);
	if (r)
		return r;
	verify = s.has_card && cli->root.is_host && !rp_cli_flag(cli, "no-verify");
	if (!rp_builder_begin(cli, "rocr", &b, &code))
		return code;
	rp_builder_show_plan(cli, &b);
	r = story_plan_trees(&s, argc, argv, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	rp_cli_out(cli, "  check      %s\n",
		verify ? "what the card computes, before and after, each case in a child with a "
			 "deadline"
		       : "nothing is checked by value");
	if (verify && !rp_virtual_wanted(cli))
		rp_cli_out(cli,
			"             (kernels that this card may not stand: it can hang or reset; "
			"--no-verify leaves them out)\n");
	if (cli->dry_run)
		return RP_EXIT_OK;
	r = check(cli, &b, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (!rp_cli_confirm(cli, "Do this?"))
		return rp_cli_usage(cli, "not confirmed: nothing was done");
	r = work(&s, &b, verify, &err);
	code = r < 0 ? rp_cli_fail(cli, r, &err) : story_exit(&s);
	rp_cli_notify(cli, rp_cli_opt(cli, "notify"), started_ms, "rocm-patch fix",
		code == RP_EXIT_OK ? "done" : "ended with a problem");
	return code;
}

static const struct rp_option options[] = {
	RP_BUILDER_OPTIONS,
	STORY_OPTIONS,
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_fix = {
	.name = "fix",
	.operands = "[DIR...]",
	.summary = "the whole road: examine, check, build and switch to a patched runtime, "
		   "rewrite, check again",
	.description = "Says what doctor sees, shows one plan and asks. Then: checks by value what "
		       "the card computes; fetches, patches, builds, checks and installs ROCR into "
		       "the store and activates it; rewrites the kernels that ran for another "
		       "chip; checks again; writes a report. DIR: a ROCm prefix, an installed "
		       "Python package or another folder whose GPU code is rewritten for the card, "
		       "as verb apply does. That the patches of ROCR help is a "
		       "hypothesis.",
	.options = options,
	.flags = RP_VERB_WRITES | RP_VERB_READS_SYSTEM,
	.exit_codes = RP_EXITS(0, 1, 2, 65, 66, 69, 70, 73, 74, 75, 77, 78, 124),
	.max_operands = RP_ANY,
	.run = fix_run,
};
