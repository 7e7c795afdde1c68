/* SPDX-License-Identifier: MIT */
/* Verb run: replaces this process by a program under a runtime's environment, on a virtual card if asked. */
#include "runtime.h"
#include "virtual.h"

#include <unistd.h>

int rp_virtual_env(struct rp_cli *cli, struct rp_strv *changed, struct rp_error *err)
{
	const char *others = rp_strv_getenv(&cli->env, "LD_PRELOAD");
	RP_CLEANUP(rp_virtual_free) struct rp_virtual v = RP_VIRTUAL_INIT;
	int r = rp_virtual_prepare(cli, &v, err);

	if (r < 0 || !v.on)
		return r;
	r = rp_strv_addf(changed, err, "LD_PRELOAD=%s%s%s", v.library,
		others && others[0] ? ":" : "", others ? others : "");
	if (r == 0)
		r = rp_strv_addf(changed, err, RP_VIRTUAL_VARIABLE "=%s", v.tree);
	if (r == 0 && v.log)
		r = rp_strv_addf(changed, err, "ROCM_PATCH_VGPU_LOG=%s", v.log);
	if (r == 0 && v.report)
		r = rp_strv_addf(changed, err, "ROCM_PATCH_VGPU_REPORT=%s", v.report);
	if (r == 0 && v.execute)
		r = rp_strv_addf(changed, err, "ROCM_PATCH_VGPU_EXECUTE=%s", v.execute);
	if (r == 0 && v.hazards)
		r = rp_strv_addf(changed, err, "ROCM_PATCH_VGPU_HAZARDS=%s", v.hazards);
	return r;
}

static int environment(struct rp_cli *cli, struct rp_strv *changed, struct rp_error *err)
{
	int r = rp_runtime_env(cli, changed, err);

	/* on a virtual card the system's runtime is as good as a patched one */
	if (r == -ENOENT && rp_virtual_wanted(cli) && !rp_cli_opt(cli, "runtime")) {
		rp_cli_note(cli, "no patched runtime is active: the system's is used");
		*err = (struct rp_error)RP_ERROR_INIT;
		r = 0;
	}
	return r == 0 ? rp_virtual_env(cli, changed, err) : r;
}

static int run_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv changed = RP_STRV_INIT;
	RP_CLEANUP(rp_free_p) char *path = NULL;
	struct rp_error err = RP_ERROR_INIT;
	int r;

	(void)argc;
	r = rp_virtual_check(cli);
	if (r != 0)
		return r;
	r = environment(cli, &changed, &err);
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
	RP_VIRTUAL_OPTIONS,
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_run = {
	.name = "run",
	.summary = "run a program with a patched runtime, or on a virtual card",
	.operands = "COMMAND [ARGUMENT...]",
	.description =
		"Options of rocm-patch end at the command. The program's exit status is passed on.",
	.options = options,
	.flags = RP_VERB_COMMAND,
	.min_operands = 1,
	.max_operands = RP_ANY,
	.exit_codes = RP_EXITS(2, 65, 66, 69, 71, 73, 77),
	.run = run_run,
};
