/* SPDX-License-Identifier: MIT */
/*
 * PyTorch installations, by their files: version.py says which ROCm they were built with. Nothing is
 * imported and no Python runs.
 */
#include "probe/internal.h"

#define MAX_FOLDERS 400 /* of a home, looked at for environments */

/* "NAME: Optional[str] = '5.2.21151'" or "NAME = '1.13.1+rocm5.2'"; "" for None. */
static bool python_value(struct rp_span text, const char *name, char ret[64])
{
	struct rp_span line;
	size_t n = strlen(name);

	while (rp_span_line(&text, &line)) {
		const uint8_t *eq, *open, *end = line.p + line.n;
		const uint8_t *close;

		if (!rp_span_starts(line, name) || line.n <= n || !strchr(" :=", line.p[n]))
			continue;
		eq = memchr(line.p, '=', line.n);
		if (!eq)
			continue;
		ret[0] = '\0';
		for (open = eq; open < end && *open != '\'' && *open != '"'; open++) {}
		close = open < end ? memchr(open + 1, *open, (size_t)(end - open - 1)) : NULL;
		if (close)
			(void)snprintf(
				ret, 64, "%.*s", (int)(close - open - 1), (const char *)open + 1);
		return true;
	}
	return false;
}

static void one_torch(struct probe *p, const char *site)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *path = rp_asprintf("%s/torch/version.py", site);
	RP_CLEANUP(rp_free_p) char *subject = rp_asprintf("torch %s/torch", site);
	RP_CLEANUP(rp_free_p) char *libdir = rp_asprintf("%s/torch/lib", site);
	RP_CLEANUP(rp_free_p) char *library = rp_asprintf("%s/torch/lib/libtorch_hip.so", site);
	RP_CLEANUP(rp_free_p) char *sdk = rp_asprintf("%s/_rocm_sdk_core", site);
	char why[128], value[64];
	unsigned int major, minor;

	if (!path || !subject || !libdir || !library || rp_fact_find(p->facts, subject, "path") ||
		probe_read(p, path, TEXT_BYTES, &text, why) < 0)
		return;
	rp_fact_set(p->facts, subject, "path", path, "%s/torch", site);
	if (python_value(rp_buf_span(&text), "__version__", value) && value[0])
		rp_fact_set(p->facts, subject, "torch_version", path, "%s", value);
	if (python_value(rp_buf_span(&text), "hip", value)) {
		rp_fact_set(p->facts, subject, "torch_hip", path, "%s", value[0] ? value : "none");
		if (sscanf(value, "%3u.%3u", &major, &minor) == 2)
			rp_fact_set(p->facts, subject, "torch_rocm", path, "%u.%u", major, minor);
	}
	if (python_value(rp_buf_span(&text), "cuda", value) && value[0])
		rp_fact_set(p->facts, subject, "torch_cuda", path, "%s", value);
	if (!rp_fact_get(p->facts, subject, "torch_rocm"))
		return;
	if (sdk &&
		probe_exists(p, sdk)) /* TheRock's wheels keep device code in packages of its own */
		rp_fact_set(p->facts, subject, "rocm_sdk", sdk, "yes");
	probe_tensile(p, subject, libdir);
	probe_execstack_facts(p, subject, libdir);
	if (probe_exists(p, library))
		probe_library_targets(p, subject, "torch_code", library);
}

/* base/lib/python3.X/{site,dist}-packages, and python3/dist-packages of Debian. */
static void python_below(struct probe *p, const char *base)
{
	RP_CLEANUP(rp_free_p) char *lib = rp_asprintf("%s/lib", base);
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;

	if (!lib || probe_list(p, lib, &names) < 0)
		return;
	RP_STRV_FOREACH (name, &names) {
		static const char *const folders[] = { "site-packages", "dist-packages" };

		if (strncmp(*name, "python3", 7) != 0)
			continue;
		for (size_t i = 0; i < RP_ARRAY_SIZE(folders); i++) {
			RP_CLEANUP(rp_free_p)
			char *site = rp_asprintf("%s/%s/%s", lib, *name, folders[i]);

			if (site)
				one_torch(p, site);
		}
	}
}

static void conda(struct probe *p, const char *home, const char *name)
{
	RP_CLEANUP(rp_free_p) char *base = rp_path_join(home, name);
	RP_CLEANUP(rp_free_p) char *envs = rp_asprintf("%s/%s/envs", home, name);
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	size_t n = 0;

	if (!base || !envs || !probe_exists(p, base))
		return;
	python_below(p, base);
	if (probe_list(p, envs, &names) < 0)
		return;
	RP_STRV_FOREACH (e, &names) {
		RP_CLEANUP(rp_free_p) char *path = rp_path_join(envs, *e);

		if (path && n++ < MAX_FOLDERS)
			python_below(p, path);
	}
}

/* ~/venv, ~/ComfyUI/.venv and the like. */
static void environments(struct probe *p, const char *home)
{
	static const char *const names[] = { "venv", ".venv", "env" };
	RP_CLEANUP(rp_strv_free) struct rp_strv folders = RP_STRV_INIT;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	size_t n = 0;

	/* not probe_list: names in a home are nobody's business but those that have a torch */
	if (probe_openat(p, home, O_RDONLY | O_DIRECTORY, &fd) < 0 ||
		rp_list_dir(fd, home, &folders, NULL) < 0)
		return;
	for (size_t i = 0; i < RP_ARRAY_SIZE(names); i++) {
		RP_CLEANUP(rp_free_p) char *path = rp_path_join(home, names[i]);

		if (path)
			python_below(p, path);
	}
	RP_STRV_FOREACH (f, &folders) {
		for (size_t i = 0; i < RP_ARRAY_SIZE(names) && n < MAX_FOLDERS; i++) {
			RP_CLEANUP(rp_free_p)
			char *path = rp_asprintf("%s/%s/%s", home, *f, names[i]);

			if ((*f)[0] != '.' && path)
				python_below(p, path);
		}
		n++;
	}
}

void probe_torch(struct probe *p)
{
	static const char *const active[] = { "env.VIRTUAL_ENV", "env.CONDA_PREFIX" };
	size_t n = 0;

	for (size_t i = 0; i < RP_ARRAY_SIZE(active); i++) {
		const char *base = rp_fact_get(p->facts, MACHINE, active[i]);
		RP_CLEANUP(rp_free_p) char *copy = base && base[0] == '/' ? strdup(base) : NULL;

		if (copy)
			python_below(p, copy);
	}
	if (p->home) {
		RP_CLEANUP(rp_free_p) char *local = rp_path_join(p->home, ".local");

		if (local)
			python_below(p, local);
		environments(p, p->home);
		conda(p, p->home, "miniconda3");
		conda(p, p->home, "miniforge3");
		conda(p, p->home, "anaconda3");
	}
	python_below(p, "/usr/local");
	python_below(p, "/usr");
	while (rp_facts_subject(p->facts, "torch", n))
		n++;
	rp_fact_set(p->facts, MACHINE, "n_torch", "Python folders", "%zu", n);
}
