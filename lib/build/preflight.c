/* SPDX-License-Identifier: MIT */
/* What the machine lacks, found before the first byte is downloaded. */
#include "build/internal.h"

#include <stdio.h>
#include <sys/statvfs.h>

static bool present(const struct rp_build_host *host, const char *what)
{
	RP_CLEANUP(rp_free_p) char *path = NULL;
	const char *path_env = NULL;

	if (what[0] == '/')
		return rp_root_exists(host->root, what);
	for (const char *const *v = host->env; v && *v; v++)
		if (strncmp(*v, "PATH=", 5) == 0)
			path_env = *v + 5;
	return rp_find_program(what, path_env, &path, NULL) == 0;
}

static int check_tools(
	const struct rp_build_host *host, struct rp_build_plan *plan, struct rp_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->recipe.n_requirements; i++) {
		const struct rp_requirement *q = &plan->recipe.requirements[i];

		if (!present(host, q->what) && !rp_strv_has(&plan->missing, q->package))
			r = rp_strv_add(&plan->missing, q->package, err);
	}
	return r;
}

/* Free bytes where path is, or will be. */
static int free_bytes(const char *path, uint64_t *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *p = strdup(path);
	struct statvfs v;

	if (!p)
		return RP_NOMEM(err);
	while (statvfs(p, &v) < 0) {
		char *slash = strrchr(p, '/');

		if ((errno != ENOENT && errno != ENOTDIR) || !slash || strcmp(p, "/") == 0)
			return RP_FAIL_ERRNO(err, -errno, "free space of %s", path);
		slash[slash == p ? 1 : 0] = '\0';
	}
	*ret = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

static int check_disk(struct rp_build_plan *plan, struct rp_error *err)
{
	uint64_t have = 0, need = plan->recipe.disk_bytes + plan->download_bytes;
	int r = free_bytes(plan->work, &have, err);

	if (r < 0 || have >= need)
		return r;
	return rp_strv_addf(&plan->shortages, err,
		"disk: %llu MB are free at %s, %llu MB are needed",
		(unsigned long long)(have / 1000000), plan->work,
		(unsigned long long)(need / 1000000));
}

/* MemAvailable of /proc/meminfo, in kB there; a machine that does not tell is not refused. */
static int check_memory(
	const struct rp_build_host *host, struct rp_build_plan *plan, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct rp_span rest, line;
	uint64_t kb;

	if (rp_root_read(host->root, "/proc/meminfo", 65536, &text, NULL) < 0)
		return 0;
	rest = rp_buf_span(&text);
	while (rp_span_line(&rest, &line)) {
		if (!rp_span_starts(line, "MemAvailable:"))
			continue;
		line = rp_span_trim(rp_span_of(line.p + 13, line.n - 13));
		if (line.n < 3 || memcmp(line.p + line.n - 3, " kB", 3) != 0 ||
			!rp_span_number(rp_span_of(line.p, line.n - 3), &kb))
			return 0;
		if (kb * 1024 >= plan->recipe.memory_bytes)
			return 0;
		return rp_strv_addf(&plan->shortages, err,
			"memory: %llu MB are available, %llu MB are needed",
			(unsigned long long)(kb * 1024 / 1000000),
			(unsigned long long)(plan->recipe.memory_bytes / 1000000));
	}
	return 0;
}

int rp_build_preflight(
	const struct rp_build_host *host, struct rp_build_plan *plan, struct rp_error *err)
{
	int r = check_tools(host, plan, err);

	if (r == 0)
		r = check_disk(plan, err);
	return r < 0 ? r : check_memory(host, plan, err);
}
