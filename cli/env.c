/* SPDX-License-Identifier: MIT */
/* Verb env: shell settings of a runtime; also --runtime for run. */
#include "runtime.h"

#include <stdio.h>

#include "store/store.h"

int rp_runtime_env(struct rp_cli *cli, struct rp_strv *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_generation_list_free)
	struct rp_generation_list list = RP_GENERATION_LIST_INIT;
	RP_CLEANUP(rp_store_close) struct rp_store st = RP_STORE_INIT;
	const char *which = rp_cli_opt(cli, "runtime");
	const struct rp_generation *g = NULL;
	int r;

	if (which && strcmp(which, "stock") == 0)
		return 0;
	r = rp_store_open(&cli->ctx, cli->prefix, RP_STORE_READ, &st, err);
	if (r < 0)
		return r;
	if (!which || strcmp(which, "active") == 0)
		return rp_store_env(&st, NULL, &cli->env, ret, err);
	r = rp_store_list(&st, &list, err);
	if (r == 0)
		r = rp_store_find(&list, which, &g, err);
	return r < 0 ? r : rp_store_env(&st, g->id, &cli->env, ret, err);
}

/* A word that sh, bash and zsh read as it is. */
static void out_quoted(struct rp_cli *cli, const char *s)
{
	rp_cli_out(cli, "'");
	for (; *s; s++)
		rp_cli_out(cli, *s == '\'' ? "'\\''" : "%c", *s);
	rp_cli_out(cli, "'");
}

/* fish: only backslash and quote are special inside single quotes. */
static void out_quoted_fish(struct rp_cli *cli, const char *s)
{
	rp_cli_out(cli, "'");
	for (; *s; s++)
		rp_cli_out(cli, "%s%c", *s == '\'' || *s == '\\' ? "\\" : "", *s);
	rp_cli_out(cli, "'");
}

static int env_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv changed = RP_STRV_INIT;
	const char *shell = rp_cli_opt(cli, "shell");
	struct rp_json *j = rp_cli_json(cli);
	struct rp_error err = RP_ERROR_INIT;
	bool fish = shell && strcmp(shell, "fish") == 0;
	int r;

	(void)argc;
	(void)argv;
	if (shell && !fish && strcmp(shell, "sh") != 0)
		return rp_cli_usage(
			cli, "--shell=%s: only sh (also for bash and zsh) and fish exist", shell);
	r = rp_runtime_env(cli, &changed, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (j)
		rp_json_kbegin(j, "environment", '{');
	RP_STRV_FOREACH (entry, &changed) {
		char *eq = strchr(*entry, '=');

		*eq = '\0';
		rp_cli_out(cli, fish ? "set -gx %s " : "export %s=", *entry);
		(fish ? out_quoted_fish : out_quoted)(cli, eq + 1);
		rp_cli_out(cli, "\n");
		if (j)
			rp_json_kstr(j, *entry, eq + 1);
		*eq = '=';
	}
	if (j)
		rp_json_end(j, '}');
	return RP_EXIT_OK;
}

static const struct rp_option options[] = {
	RP_RUNTIME_OPTION,
	{ "shell", 0, "SHELL", "syntax: sh (default; bash and zsh too) or fish", "sh fish" },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_env = {
	.name = "env",
	.summary = "print the shell settings that switch this shell to a patched runtime",
	.description = "Use it as: eval \"$(rocm-patch env)\". LD_LIBRARY_PATH and PATH get the "
		       "runtime's folders "
		       "in front, if it has them; ROCM_PATH is set only if the runtime holds HIP.",
	.options = options,
	.exit_codes = RP_EXITS(0, 2, 65, 66, 77),
	.run = env_run,
};
