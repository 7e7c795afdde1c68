/* SPDX-License-Identifier: MIT */
/* The virtual card as verbs give it to a program; see virtual.h. */
#include "virtual.h"

#include <fcntl.h>
#include <unistd.h>

#include "vgpu/vgpu.h"

#define PRELOAD "librocm-patch-vgpu.so"

void rp_virtual_free(struct rp_virtual *v)
{
	free(v->library);
	free(v->tree);
	free(v->log);
	free(v->report);
	*v = (struct rp_virtual)RP_VIRTUAL_INIT;
}

bool rp_virtual_wanted(const struct rp_cli *cli)
{
	const char *gpu = rp_cli_opt(cli, "gpu");

	return rp_cli_opt(cli, "profile") || (gpu && strcmp(gpu, "real") != 0);
}

int rp_virtual_check(struct rp_cli *cli)
{
	static const char *const only_virtual[] = { "log", "strict-mtype", "execute", "hazards",
		"defects", "report" };
	const char *gpu = rp_cli_opt(cli, "gpu"), *execute = rp_cli_opt(cli, "execute"),
		   *hazards = rp_cli_opt(cli, "hazards");

	if (rp_cli_opt(cli, "profile") && gpu && strcmp(gpu, "real") == 0)
		return rp_cli_usage(
			cli, "--profile describes a virtual card, --gpu real is the machine's");
	for (size_t i = 0; i < RP_ARRAY_SIZE(only_virtual) && !rp_virtual_wanted(cli); i++)
		if (rp_cli_flag(cli, only_virtual[i]))
			return rp_cli_usage(cli,
				"--%s needs a virtual card: --gpu CHIP or --profile NAME",
				only_virtual[i]);
	if (execute && strcmp(execute, "off") != 0 && strcmp(execute, "on") != 0)
		return rp_cli_usage(cli, "--execute=%s: on or off", execute);
	if (hazards && rp_exec_hazards_by_name(hazards) == RP_EXEC_HAZARDS_MAX)
		return rp_cli_usage(cli, "--hazards=%s: off, warn or corrupt", hazards);
	return 0;
}

static int choose_profile(struct rp_cli *cli, struct rp_vgpu_profile *ret, struct rp_error *err)
{
	const char *gpu = rp_cli_opt(cli, "gpu"), *spec = rp_cli_opt(cli, "profile"),
		   *changes = rp_cli_opt(cli, "defects");
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
	return changes ? rp_vgpu_defects(ret, changes, err) : 0;
}

/* -v: what the card will do wrong. */
static void show_card(struct rp_cli *cli, const struct rp_vgpu_profile *p)
{
	const char *hazards = rp_cli_opt(cli, "hazards");

	rp_cli_note(cli, "virtual card %s: %s; timing hazards: %s", p->name, p->chip->name,
		hazards ? hazards : "off");
	for (unsigned int f = 0; f < RP_CHIP_FEATURE_MAX; f++) {
		const struct rp_chip_feature_info *info = rp_chip_feature_info(f);
		bool on = p->features >> f & 1, of_chip = p->chip->features >> f & 1;

		if ((rp_exec_switchable() >> f & 1) && (on || of_chip))
			rp_cli_note(cli, "  %-24s %s: %s", info->name,
				on && of_chip ? "on"
				: on	      ? "on (not of this chip)"
					      : "switched off",
				info->what);
	}
}

/* Starts a recording or a report: an empty one, by its absolute path, so that children find it from anywhere. */
static int start_file(
	const char *what, const char *path, const char *header, char **ret, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r;

	if (strcmp(path, "-") == 0) {
		*ret = strdup("-");
		return *ret ? 0 : RP_NOMEM(err);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return RP_FAIL_ERRNO(
			err, errno == ENOENT ? -EEXIST : -errno, "create the %s %s", what, path);
	r = rp_write_all(fd, rp_span_str(header), err);
	if (r < 0)
		return r;
	*ret = realpath(path, NULL);
	return *ret ? 0 : RP_FAIL_ERRNO(err, -errno, "where the %s %s is", what, path);
}

static int make_tree(struct rp_cli *cli, char **ret, struct rp_error *err)
{
	RP_CLEANUP(rp_vgpu_files_free) struct rp_vgpu_files files = RP_VGPU_FILES_INIT;
	RP_CLEANUP(rp_free_p) char *cache = NULL;
	RP_CLEANUP(rp_free_p) char *dir = NULL;
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct rp_vgpu_profile profile;
	int r = choose_profile(cli, &profile, err);

	if (r == 0 && cli->verbosity > 0)
		show_card(cli, &profile);
	if (r == 0)
		r = rp_cli_cache_dir(cli, &cache, err);
	if (r == 0) {
		dir = rp_path_join(cache, "vgpu");
		r = dir ? 0 : RP_NOMEM(err);
	}
	if (r == 0)
		r = rp_vgpu_files(&profile, n_cpus > 0 ? (unsigned int)n_cpus : 1, &files, err);
	return r == 0 ? rp_vgpu_tree(&files, dir, ret, err) : r;
}

int rp_virtual_prepare(struct rp_cli *cli, struct rp_virtual *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_virtual_free) struct rp_virtual v = RP_VIRTUAL_INIT;
	static const char log_header[] = "# rocm-patch driver log 1\n";
	const char *log = rp_cli_opt(cli, "log"), *report = rp_cli_opt(cli, "report");
	int r;

	if (!rp_virtual_wanted(cli)) {
		*ret = (struct rp_virtual)RP_VIRTUAL_INIT;
		return 0;
	}
	v.on = true;
	v.execute = rp_cli_opt(cli, "execute");
	v.hazards = rp_cli_opt(cli, "hazards");
	v.library = rp_path_join(cli->preload_dir, PRELOAD);
	if (!v.library)
		return RP_NOMEM(err);
	if (access(v.library, R_OK) < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", v.library);
	if (strpbrk(v.library, ": "))
		return RP_FAIL(err, -EINVAL, "%s: LD_PRELOAD takes no path with a colon or blank",
			v.library);
	r = make_tree(cli, &v.tree, err);
	if (r == 0 && log && !cli->dry_run && strcmp(log, "-") == 0)
		r = rp_write_all(STDERR_FILENO, rp_span_str(log_header), err);
	if (r == 0 && log && !cli->dry_run)
		r = start_file("log", log, log_header, &v.log, err);
	if (r == 0 && report && !cli->dry_run)
		r = start_file("report", report, rp_vgpu_report_empty(), &v.report, err);
	if (r < 0)
		return r;
	*ret = v;
	v = (struct rp_virtual)RP_VIRTUAL_INIT;
	return 0;
}
