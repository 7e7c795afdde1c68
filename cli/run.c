/* SPDX-License-Identifier: MIT */
/* Verb run: replaces this process by a program under a runtime's environment, on a virtual card if asked. */
#include "runtime.h"

#include <fcntl.h>
#include <unistd.h>

#include "vgpu/vgpu.h"

#define PRELOAD "librocm-patch-vgpu.so"

static int choose_profile(struct rp_cli *cli, struct rp_vgpu_profile *ret, struct rp_error *err)
{
	const char *gpu = rp_cli_opt(cli, "gpu"), *spec = rp_cli_opt(cli, "profile");
	RP_CLEANUP(rp_free_p) char *dir = rp_path_join(cli->data_dir, "profiles");
	RP_CLEANUP(rp_free_p) char *of_chip = NULL;
	int r = 0;

	if (!dir)
		return RP_NOMEM(err);
	if (!spec)
		r = rp_vgpu_profile_for_chip(AT_FDCWD, dir, gpu, &of_chip, err);
	if (r == 0)
		r = rp_vgpu_profile_load(AT_FDCWD, dir, spec ? spec : of_chip, ret, err);
	if (r < 0)
		return r;
	if (gpu && strcmp(gpu, ret->chip->name) != 0)
		return RP_FAIL(err, -EINVAL, "--gpu %s, but profile %s is a %s", gpu, ret->name,
			ret->chip->name);
	if (rp_cli_flag(cli, "strict-mtype"))
		ret->strict_mtype = 1;
	return 0;
}

/* Starts a recording: an empty one, by its absolute path, so that children find it from anywhere. */
static int start_log(const char *path, struct rp_strv *changed, struct rp_error *err)
{
	static const char header[] = "# rocm-patch driver log 1\n";
	RP_CLEANUP(rp_free_p) char *absolute = NULL;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r;

	if (strcmp(path, "-") == 0) {
		r = rp_write_all(STDERR_FILENO, rp_span_str(header), err);
		return r < 0 ? r : rp_strv_add(changed, "ROCM_PATCH_VGPU_LOG=-", err);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return RP_FAIL_ERRNO(
			err, errno == ENOENT ? -EEXIST : -errno, "create the log %s", path);
	r = rp_write_all(fd, rp_span_str(header), err);
	if (r < 0)
		return r;
	absolute = realpath(path, NULL);
	if (!absolute)
		return RP_FAIL_ERRNO(err, -errno, "where the log %s is", path);
	return rp_strv_addf(changed, err, "ROCM_PATCH_VGPU_LOG=%s", absolute);
}

/* Adds what puts a program on the virtual card. */
static int virtual_env(struct rp_cli *cli, struct rp_strv *changed, struct rp_error *err)
{
	RP_CLEANUP(rp_vgpu_files_free) struct rp_vgpu_files files = RP_VGPU_FILES_INIT;
	RP_CLEANUP(rp_free_p) char *cache = NULL;
	RP_CLEANUP(rp_free_p) char *dir = NULL;
	RP_CLEANUP(rp_free_p) char *tree = NULL;
	RP_CLEANUP(rp_free_p) char *library = rp_path_join(cli->preload_dir, PRELOAD);
	const char *log = rp_cli_opt(cli, "log"), *others = rp_strv_getenv(&cli->env, "LD_PRELOAD");
	struct rp_vgpu_profile profile;
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int r;

	if (!library)
		return RP_NOMEM(err);
	if (access(library, R_OK) < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", library);
	if (strpbrk(library, ": "))
		return RP_FAIL(err, -EINVAL, "%s: LD_PRELOAD takes no path with a colon or blank",
			library);
	r = choose_profile(cli, &profile, err);
	if (r == 0)
		r = rp_cli_cache_dir(cli, &cache, err);
	if (r == 0) {
		dir = rp_path_join(cache, "vgpu");
		r = dir ? 0 : RP_NOMEM(err);
	}
	if (r == 0)
		r = rp_vgpu_files(&profile, n_cpus > 0 ? (unsigned int)n_cpus : 1, &files, err);
	if (r == 0)
		r = rp_vgpu_tree(&files, dir, &tree, err);
	if (r == 0)
		r = rp_strv_addf(changed, err, "LD_PRELOAD=%s%s%s", library,
			others && others[0] ? ":" : "", others ? others : "");
	if (r == 0)
		r = rp_strv_addf(changed, err, "ROCM_PATCH_VGPU=%s", tree);
	if (r == 0 && log && !cli->dry_run)
		r = start_log(log, changed, err);
	return r;
}

static bool is_virtual(const struct rp_cli *cli)
{
	const char *gpu = rp_cli_opt(cli, "gpu");

	return rp_cli_opt(cli, "profile") || (gpu && strcmp(gpu, "real") != 0);
}

/* Options that mean nothing without a virtual card; 0 or an exit code. */
static int check_options(struct rp_cli *cli)
{
	static const char *const only_virtual[] = { "log", "strict-mtype", "execute" };
	const char *gpu = rp_cli_opt(cli, "gpu"), *execute = rp_cli_opt(cli, "execute");

	if (rp_cli_opt(cli, "profile") && gpu && strcmp(gpu, "real") == 0)
		return rp_cli_usage(
			cli, "--profile describes a virtual card, --gpu real is the machine's");
	for (size_t i = 0; i < RP_ARRAY_SIZE(only_virtual) && !is_virtual(cli); i++)
		if (rp_cli_flag(cli, only_virtual[i]))
			return rp_cli_usage(cli,
				"--%s needs a virtual card: --gpu CHIP or --profile NAME",
				only_virtual[i]);
	if (execute && strcmp(execute, "off") != 0)
		return rp_cli_fail(cli, -EOPNOTSUPP,
			&(struct rp_error){ -EOPNOTSUPP, __func__,
				"this version executes no kernels: only --execute off exists" });
	return 0;
}

static int environment(struct rp_cli *cli, struct rp_strv *changed, struct rp_error *err)
{
	int r = rp_runtime_env(cli, changed, err);

	/* on a virtual card the system's runtime is as good as a patched one */
	if (r == -ENOENT && is_virtual(cli) && !rp_cli_opt(cli, "runtime")) {
		rp_cli_note(cli, "no patched runtime is active: the system's is used");
		*err = (struct rp_error)RP_ERROR_INIT;
		r = 0;
	}
	return r == 0 && is_virtual(cli) ? virtual_env(cli, changed, err) : r;
}

static int run_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv changed = RP_STRV_INIT;
	RP_CLEANUP(rp_free_p) char *path = NULL;
	struct rp_error err = RP_ERROR_INIT;
	int r;

	(void)argc;
	r = check_options(cli);
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
	{ "gpu", 0, "CHIP",
		"real: the machine's card (default); gfx1010, gfx1030, ...: a virtual one",
		"real gfx1010 gfx1012 gfx1030 gfx1031 gfx1032" },
	{ "profile", 0, "NAME[,KEY=VALUE...]", "which virtual card and machine, see below",
		"rx-5500-xt rx-5600-xt rx-5700-xt pro-w5500 rx-6600 rx-6700-xt rx-6800-xt" },
	{ "log", 0, "FILE", "record every driver call of the virtual card; -: on stderr", "@file" },
	{ "execute", 0, "HOW",
		"off: kernels are consumed, not executed (this version knows no other way)",
		"off" },
	{ "strict-mtype", 0, NULL,
		"model a hypothesis: access to coherent memory of the card faults", NULL },
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
