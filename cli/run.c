/* SPDX-License-Identifier: MIT */
/* Verb run: replaces this process by a program under a runtime's environment. */
#include "runtime.h"

#include <unistd.h>

static int run_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv changed = RP_STRV_INIT;
	RP_CLEANUP(rp_free_p) char *path = NULL;
	struct rp_error err = RP_ERROR_INIT;
	const char *gpu = rp_cli_opt(cli, "gpu");
	int r;

	(void)argc;
	if (gpu && strcmp(gpu, "real") != 0)
		return rp_cli_fail(cli, -EOPNOTSUPP,
			&(struct rp_error){ -EOPNOTSUPP, __func__,
				"this version has no virtual GPU: only --gpu real exists" });
	r = rp_runtime_env(cli, &changed, &err);
	for (size_t i = 0; r == 0 && i < changed.n; i++) {
		char *eq = strchr(changed.v[i], '=');

		*eq = '\0';
		r = rp_strv_setenv(&cli->env, changed.v[i], eq + 1, &err);
	}
	if (r == 0)
		r = rp_find_program(argv[0], rp_strv_getenv(&cli->env, "PATH"), &path, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (cli->dry_run) {
		RP_STRV_FOREACH (entry, &changed)
			rp_cli_out(cli, "%s=%s\n", *entry, *entry + strlen(*entry) + 1);
		rp_cli_out(cli, "%s\n", path);
		return RP_EXIT_OK;
	}
	execve(path, argv, cli->env.v);
	return rp_cli_fail(cli, RP_FAIL_ERRNO(&err, -errno, "start %s", path), &err);
}

static const struct rp_option options[] = {
	RP_RUNTIME_OPTION,
	{ "gpu", 0, "CHIP", "real: the machine's card (this version has no virtual one)", "real" },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_run = {
	.name = "run",
	.summary = "run a program with a patched runtime",
	.operands = "COMMAND [ARGUMENT...]",
	.description =
		"Options of rocm-patch end at the command. The program's exit status is passed on.",
	.options = options,
	.flags = RP_VERB_COMMAND,
	.min_operands = 1,
	.max_operands = RP_ANY,
	.exit_codes = RP_EXITS(2, 65, 66, 69, 71, 77),
	.run = run_run,
};
