/* SPDX-License-Identifier: MIT */
/*
 * Verb root: an unpacked Debian system of another suite beside this one, for the ROCm that it has.
 * create unpacks it with mmdebstrap; run starts a program inside it through bubblewrap, without any
 * right, the root read-only and the current folder at /mnt/cwd.
 */
#include "virtual.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CREATE_TIMEOUT_MS (INT64_C(60) * 60 * 1000)

static void create_line(void *data, const char *line, size_t n)
{
	rp_event_text((const struct rp_ctx *)data, RP_EV_DETAIL, "mmdebstrap: %.*s", (int)n, line);
}

/* Packages as apt takes them: names, with a version or suite behind "=" or "/". */
static bool packages_ok(const char *list)
{
	return list[0] != '\0' && list[0] != '-' &&
	       strspn(list,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.:~=/,") ==
		       strlen(list);
}

static int create_plan(struct rp_cli *cli, const char *suite, const char *dir, struct rp_strv *argv,
	struct rp_error *err)
{
	const char *packages = rp_cli_opt(cli, "packages"), *mirror = rp_cli_opt(cli, "mirror");
	const char *const head[] = { "mmdebstrap", "--variant=minbase",
		"--aptopt=APT::Install-Recommends \"false\"",
		/* a mirror's copy of a moving suite may be older than its own expiry date */
		"--aptopt=Acquire::Check-Valid-Until \"false\"", NULL };
	int r;

	if (!packages)
		packages = "rocminfo";
	if (!packages_ok(packages))
		return RP_FAIL(err, -EINVAL, "--packages %s: expected names with commas between",
			packages);
	if (strspn(suite, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(suite) ||
		suite[0] == '-')
		return RP_FAIL(err, -EINVAL, "\"%s\" is no name of a suite", suite);
	r = rp_strv_add_all(argv, head, err);
	if (r == 0)
		r = rp_strv_addf(argv, err, "--include=%s", packages);
	if (r == 0)
		r = rp_strv_add(argv, suite, err);
	if (r == 0)
		r = rp_strv_addf(argv, err, "%s.partial", dir);
	return r == 0 && mirror ? rp_strv_add(argv, mirror, err) : r;
}

static int create_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv plan = RP_STRV_INIT;
	RP_CLEANUP(rp_free_p) char *partial = rp_asprintf("%s.partial", argv[1]);
	RP_CLEANUP(rp_free_p) char *tool = NULL;
	struct rp_spawn spawn = RP_SPAWN_INIT;
	struct rp_error err = RP_ERROR_INIT;
	struct rp_json *j = rp_cli_json(cli);
	int r;

	(void)argc;
	r = partial ? create_plan(cli, argv[0], argv[1], &plan, &err) : RP_NOMEM(&err);
	if (r == 0 && faccessat(AT_FDCWD, argv[1], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		r = RP_FAIL(&err, -EEXIST, "%s is there already", argv[1]);
	if (r == 0 &&
		rp_find_program("mmdebstrap", rp_strv_getenv(&cli->env, "PATH"), &tool, &err) < 0)
		r = RP_FAIL(&err, -ENODEV,
			"the program mmdebstrap is needed (Debian package mmdebstrap)");
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (cli->dry_run) {
		RP_STRV_FOREACH (word, &plan)
			rp_cli_out(cli, "%s%s", word == plan.v ? "" : " ", *word);
		rp_cli_out(cli, "\n");
		return RP_EXIT_OK;
	}
	/* what an earlier, ended run left */
	r = rp_remove_tree(AT_FDCWD, partial, &err);
	spawn.argv = (const char *const *)plan.v;
	spawn.env = (const char *const *)cli->env.v;
	spawn.timeout_ms = CREATE_TIMEOUT_MS;
	spawn.line = create_line;
	spawn.line_data = &cli->ctx;
	if (r == 0)
		r = rp_spawn_check(&cli->ctx, &spawn, NULL, &err);
	if (r == 0 && renameat(AT_FDCWD, partial, AT_FDCWD, argv[1]) < 0)
		r = RP_FAIL_ERRNO(&err, -errno, "rename %s to %s", partial, argv[1]);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (j)
		rp_json_kstr(j, "root", argv[1]);
	rp_cli_out(cli, "%s\n", argv[1]);
	return RP_EXIT_OK;
}

/* Words for bwrap, by format; stops at the first failure. */
static int words(struct rp_strv *argv, struct rp_error *err, const char *const *v)
{
	return rp_strv_add_all(argv, v, err);
}

/* Everything of ours lies below /mnt: a mount point has to exist in a root that is read-only. */
static int card_args(const struct rp_virtual *v, struct rp_strv *argv, struct rp_error *err)
{
	const char *const card[] = { "--ro-bind", v->library, "/mnt/librocm-patch-vgpu.so",
		"--ro-bind", v->tree, "/mnt/vgpu", "--setenv", "LD_PRELOAD",
		"/mnt/librocm-patch-vgpu.so", "--setenv", RP_VIRTUAL_VARIABLE, "/mnt/vgpu", NULL };
	const char *const file[] = { "--bind", v->log, "/mnt/driver.log", "--setenv",
		"ROCM_PATCH_VGPU_LOG", "/mnt/driver.log", NULL };
	const char *const execute[] = { "--setenv", "ROCM_PATCH_VGPU_EXECUTE",
		v->execute ? v->execute : "on", "--setenv", "ROCM_PATCH_VGPU_HAZARDS",
		v->hazards ? v->hazards : "off", NULL };
	const char *const on_stderr[] = { "--setenv", "ROCM_PATCH_VGPU_LOG", "-", NULL };
	const char *const report[] = { "--bind", v->report, "/mnt/report.json", "--setenv",
		"ROCM_PATCH_VGPU_REPORT", "/mnt/report.json", NULL };
	const char *const report_on_stderr[] = { "--setenv", "ROCM_PATCH_VGPU_REPORT", "-", NULL };
	int r = words(argv, err, card);

	if (r == 0)
		r = words(argv, err, execute);
	if (r == 0 && v->log)
		r = words(argv, err, strcmp(v->log, "-") == 0 ? on_stderr : file);
	if (r == 0 && v->report)
		r = words(argv, err, strcmp(v->report, "-") == 0 ? report_on_stderr : report);
	return r;
}

static int bwrap_args(struct rp_cli *cli, char **operands, const struct rp_virtual *v,
	struct rp_strv *argv, struct rp_error *err)
{
	const char *const box[] = { "bwrap", "--ro-bind", operands[0], "/", "--dev", "/dev",
		"--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/mnt", "--bind", ".", "/mnt/cwd",
		"--chdir", "/mnt/cwd", "--unshare-user", "--setenv", "HOME", "/tmp", "--setenv",
		"PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "--unsetenv",
		"LD_LIBRARY_PATH", "--unsetenv", "LD_PRELOAD", "--unsetenv", "ROCM_PATH", NULL };
	int r = words(argv, err, box);

	if (r == 0 && rp_virtual_wanted(cli))
		r = card_args(v, argv, err);
	else if (r == 0 && faccessat(AT_FDCWD, "/dev/kfd", F_OK, 0) == 0)
		r = words(argv, err,
			(const char *const[]){ "--dev-bind", "/dev/kfd", "/dev/kfd", "--dev-bind",
				"/dev/dri", "/dev/dri", "--ro-bind", "/sys", "/sys", NULL });
	if (r == 0)
		r = rp_strv_add(argv, "--", err);
	for (char **word = operands + 1; r == 0 && *word; word++)
		r = rp_strv_add(argv, *word, err);
	return r;
}

static int root_run_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_virtual_free) struct rp_virtual v = RP_VIRTUAL_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv words_v = RP_STRV_INIT;
	RP_CLEANUP(rp_free_p) char *path = NULL;
	struct rp_error err = RP_ERROR_INIT;
	struct stat st;
	int r;

	(void)argc;
	r = rp_virtual_check(cli);
	if (r != 0)
		return r;
	if (stat(argv[0], &st) < 0)
		r = RP_FAIL_ERRNO(&err, -errno, "%s", argv[0]);
	else if (!S_ISDIR(st.st_mode))
		r = RP_FAIL(&err, -ENOTDIR, "%s is no directory", argv[0]);
	if (r == 0 && rp_find_program("bwrap", rp_strv_getenv(&cli->env, "PATH"), &path, &err) < 0)
		r = RP_FAIL(
			&err, -ENODEV, "the program bwrap is needed (Debian package bubblewrap)");
	if (r == 0)
		r = rp_virtual_prepare(cli, &v, &err);
	if (r == 0)
		r = bwrap_args(cli, argv, &v, &words_v, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (cli->dry_run) {
		RP_STRV_FOREACH (word, &words_v)
			rp_cli_out(cli, "%s%s", word == words_v.v ? "" : " ", *word);
		rp_cli_out(cli, "\n");
		return RP_EXIT_OK;
	}
	execve(path, words_v.v, cli->env.v);
	return rp_cli_fail(cli, RP_FAIL_ERRNO(&err, -errno, "start %s", path), &err);
}

static const struct rp_option create_options[] = {
	{ "packages", 0, "LIST",
		"what it holds beside a minimal system, with commas (default: rocminfo)", NULL },
	{ "mirror", 0, "URL", "where packages come from (default: mmdebstrap's)", NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

static const struct rp_verb verb_create = {
	.name = "create",
	.summary = "unpack a Debian system of another suite with mmdebstrap",
	.operands = "SUITE DIR",
	.options = create_options,
	.flags = RP_VERB_WRITES,
	.min_operands = 2,
	.max_operands = 2,
	.exit_codes = RP_EXITS(0, 2, 69, 70, 73, 77, 124),
	.run = create_run,
};

static const struct rp_option run_options[] = {
	RP_VIRTUAL_OPTIONS,
	{ NULL, 0, NULL, NULL, NULL },
};

static const struct rp_verb verb_run = {
	.name = "run",
	.summary = "start a program inside such a system, through bubblewrap",
	.operands = "DIR COMMAND [ARGUMENT...]",
	.description = "The system is read-only; the current folder is at /mnt/cwd.",
	.options = run_options,
	.flags = RP_VERB_COMMAND,
	.min_operands = 2,
	.max_operands = RP_ANY,
	.exit_codes = RP_EXITS(2, 65, 66, 69, 71, 73, 77),
	.run = root_run_run,
};

static const struct rp_verb *const subs[] = { &verb_create, &verb_run, NULL };

const struct rp_verb rp_verb_root = {
	.name = "root",
	.summary = "another Debian suite's ROCm in an unpacked system",
	.subs = subs,
};
