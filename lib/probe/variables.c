/* SPDX-License-Identifier: MIT */
/*
 * Environment variables that change what ROCm does: those of the user's process, and where files
 * set them. Keys: env.NAME, file.NAME. A value in a file only is what a shell may get and an IDE not.
 */
#include "probe/internal.h"

static const char *const prefixes[] = { "HSA_", "HIP_", "ROCR_", "ROCM_", "ROCBLAS_", "MIOPEN_",
	"AMD_", "GPU_", "PYTORCH_", "TORCH_BLAS_", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH",
	"LD_PRELOAD", "GLIBC_TUNABLES", "HCC_", "TENSILE_", "VIRTUAL_ENV", "CONDA_PREFIX" };

static bool is_ours(struct rp_span name)
{
	for (size_t i = 0; i < RP_ARRAY_SIZE(prefixes); i++)
		if (rp_span_starts(name, prefixes[i]))
			return true;
	return false;
}

static bool is_name(struct rp_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
			    s.p[i] == '_'))
			return false;
	return s.n > 0;
}

/* "NAME=value" in shell, environment.d, systemd and fish forms; comments are no setting. */
static void one_line(struct probe *p, const char *path, unsigned int number, struct rp_span line)
{
	static const char *const words[] = { "export ", "Environment=", "set -gx ", "set -x ",
		"setenv ", "\"", "'" };
	struct rp_span s = rp_span_trim(line), name, value;
	char key[80], source[PATH_MAX];
	size_t n = 0;

	if (s.n == 0 || s.p[0] == '#')
		return;
	for (size_t i = 0; i < RP_ARRAY_SIZE(words); i++)
		if (rp_span_starts(s, words[i]))
			s = rp_span_trim(
				rp_span_of(s.p + strlen(words[i]), s.n - strlen(words[i])));
	while (n < s.n && s.p[n] != '=' && s.p[n] != ' ')
		n++;
	name = rp_span_of(s.p, n);
	if (n + 1 >= s.n || n > 60 || !is_name(name) || !is_ours(name))
		return;
	value = rp_span_trim(rp_span_of(s.p + n + 1, s.n - n - 1));
	while (value.n && (value.p[0] == '"' || value.p[0] == '\''))
		value = rp_span_of(value.p + 1, value.n - 1);
	while (value.n && (value.p[value.n - 1] == '"' || value.p[value.n - 1] == '\''))
		value.n--;
	if (memchr(value.p, '\0', value.n))
		return;
	(void)snprintf(key, sizeof(key), "file.%.*s", (int)name.n, (const char *)name.p);
	(void)snprintf(source, sizeof(source), "%s:%u", path, number);
	rp_fact_set(p->facts, MACHINE, key, source, "%.*s", (int)value.n, (const char *)value.p);
}

static void one_file(struct probe *p, const char *path)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf kept = RP_BUF_INIT;
	struct rp_span rest, line;
	unsigned int number = 0;
	size_t before;

	if (probe_read_start(p, path, TEXT_BYTES, &text) < 0)
		return;
	rest = rp_buf_span(&text);
	while (rp_span_line(&rest, &line)) {
		before = p->facts->n;
		one_line(p, path, ++number, line);
		/* a capture keeps the lines that matter and the numbers of lines, nothing else of a shell's file */
		if (p->facts->n != before)
			rp_buf_add(&kept, line.p, line.n);
		rp_buf_addc(&kept, '\n');
	}
	if (p->o->recorder)
		probe_record(p, path, rp_buf_span(&kept));
}

static void folder(struct probe *p, const char *path, const char *ending)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	size_t n_ending = strlen(ending), n = 0;

	if (probe_list(p, path, &names) < 0)
		return;
	RP_STRV_FOREACH (name, &names) {
		size_t len = strlen(*name);
		RP_CLEANUP(rp_free_p) char *file = NULL;

		if (len < n_ending || strcmp(*name + len - n_ending, ending) != 0 || n++ > 400)
			continue;
		file = rp_asprintf("%s/%s", path, *name);
		if (file)
			one_file(p, file);
	}
}

/* NAME.service.d of units that people override. */
static void unit_drop_ins(struct probe *p)
{
	static const char units[] = "/etc/systemd/system";
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;

	folder(p, units, ".service");
	if (probe_list(p, units, &names) < 0)
		return;
	RP_STRV_FOREACH (name, &names) {
		RP_CLEANUP(rp_free_p) char *path = NULL;

		if (!strstr(*name, ".service.d"))
			continue;
		path = rp_asprintf("%s/%s", units, *name);
		if (path)
			folder(p, path, ".conf");
	}
}

void probe_variables(struct probe *p)
{
	static const char *const in_home[] = { ".profile", ".bash_profile", ".bashrc", ".zshrc",
		".zshenv", ".zprofile", ".config/fish/config.fish" };

	RP_STRV_FOREACH (e, &p->env) {
		size_t n = strcspn(*e, "=");
		char key[80];

		if ((*e)[n] != '=' || n > 60 || !is_ours(rp_span_of(*e, n)) ||
			!is_name(rp_span_of(*e, n)))
			continue;
		(void)snprintf(key, sizeof(key), "env.%.*s", (int)n, *e);
		rp_fact_set(p->facts, MACHINE, key, "environment", "%s", *e + n + 1);
	}
	if (p->has_env)
		rp_fact_set(p->facts, MACHINE, "environment", "environment", "read");
	else
		rp_fact_unknown(p->facts, MACHINE, "environment", RP_PROBE_MACHINE_INI,
			"the tree does not say");
	one_file(p, "/etc/environment");
	one_file(p, "/etc/profile");
	one_file(p, "/etc/bash.bashrc");
	folder(p, "/etc/environment.d", ".conf");
	folder(p, "/etc/profile.d", ".sh");
	unit_drop_ins(p);
	for (size_t i = 0; p->home && i < RP_ARRAY_SIZE(in_home); i++) {
		RP_CLEANUP(rp_free_p) char *path = rp_path_join(p->home, in_home[i]);

		if (path)
			one_file(p, path);
	}
	if (p->home) {
		RP_CLEANUP(rp_free_p) char *path = rp_path_join(p->home, ".config/environment.d");

		if (path)
			folder(p, path, ".conf");
	}
}
