/* SPDX-License-Identifier: MIT */
/* Every ROCm on the machine: AMD's packages, the distribution's, wheels, our store; and what LD_LIBRARY_PATH mixes. */
#include "probe/internal.h"

#define HSA "libhsa-runtime64.so.1"

/* The libraries that a ROCm for PyTorch has; a missing or dangling one is half an installation. */
static const char *const libraries[] = { "libhsa-runtime64.so", "libamdhip64.so", "libhiprtc.so",
	"librocblas.so", "libMIOpen.so" };

/* "1.14.60403" of a file name's end is ROCm 6.4.3: HSA and HIP carry the ROCm version in their own. */
static bool version_of_name(const char *name, char ret[32])
{
	const char *dot = strrchr(name, '.');
	unsigned int v = dot ? (unsigned int)strtoul(dot + 1, NULL, 10) : 0;

	if (v < 30000 || v > 999999)
		return false;
	(void)snprintf(ret, 32, "%u.%u.%u", v / 10000, v / 100 % 100, v % 100);
	return true;
}

/*
 * "5.2" of libamdhip64.so.5.2.21153: HIP has the version of its ROCm. Debian's libhsa-runtime64.so.1.5.0 does not.
 */
static bool version_of_hip(struct probe *p, const char *libdir, char ret[32])
{
	for (unsigned int major = 5; major <= 9; major++) {
		RP_CLEANUP(rp_free_p)
		char *path = rp_asprintf("%s/libamdhip64.so.%u", libdir, major);
		char target[PATH_MAX];
		unsigned int of_name, minor;

		if (path && probe_link(p, path, target) == 0 &&
			sscanf(rp_path_base(target), "libamdhip64.so.%u.%u.", &of_name, &minor) ==
				2 &&
			of_name == major && minor < 100) {
			(void)snprintf(ret, 32, "%u.%u", major, minor);
			return true;
		}
	}
	return false;
}

/* ROCm version of the runtime in a library folder, by its file names. */
static bool version_of_folder(struct probe *p, const char *libdir, char ret[32])
{
	RP_CLEANUP(rp_free_p) char *path = rp_asprintf("%s/" HSA, libdir);
	char target[PATH_MAX];

	if (path && probe_link(p, path, target) == 0 && version_of_name(rp_path_base(target), ret))
		return true;
	return version_of_hip(p, libdir, ret);
}

static void add_word(struct rp_buf *list, const char *word)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv words = RP_STRV_INIT;

	if (rp_strv_split(&words, rp_buf_span(list), NULL) == 0 && !rp_strv_has(&words, word))
		rp_buf_addf(list, "%s%s", list->n ? " " : "", word);
}

/* Chips in the names of rocBLAS's kernel files: TensileLibrary_gfx1010.co, Kernels.so-000-gfx1010.hsaco. */
static void tensile(struct probe *p, const char *subject, const char *folder)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf targets = RP_BUF_INIT;

	if (probe_list(p, folder, &names) < 0)
		return;
	RP_STRV_FOREACH (name, &names) {
		const char *gfx = strstr(*name, "gfx");
		char word[16];
		size_t n = 3, before = targets.n;

		while (gfx && n < sizeof(word) - 1 && gfx[n] && strchr("0123456789abcdef", gfx[n]))
			n++;
		if (!gfx || n < 6)
			continue;
		(void)snprintf(word, sizeof(word), "%.*s", (int)n, gfx);
		add_word(&targets, word);
		if (targets.n != before) {
			RP_CLEANUP(rp_free_p) char *one = rp_asprintf("%s/%s", folder, *name);

			if (one) /* a capture needs one name for each chip */
				(void)probe_exists(p, one);
		}
	}
	rp_fact_set(p->facts, subject, "rocblas_targets", folder, "%s", rp_buf_cstr(&targets));
}

/* AMD: LIB/rocblas/library. Debian: LIB/rocblas/VERSION/library. */
void probe_tensile(struct probe *p, const char *subject, const char *libdir)
{
	RP_CLEANUP(rp_free_p) char *folder = rp_asprintf("%s/rocblas", libdir);
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;

	if (!folder || probe_list(p, folder, &names) < 0)
		return;
	if (rp_strv_has(&names, "library")) {
		RP_CLEANUP(rp_free_p) char *path = rp_asprintf("%s/library", folder);

		if (path)
			tensile(p, subject, path);
		return;
	}
	RP_STRV_FOREACH (name, &names) {
		RP_CLEANUP(rp_free_p) char *path = rp_asprintf("%s/%s/library", folder, *name);

		if (path && probe_exists(p, path))
			tensile(p, subject, path);
	}
}

/* Which libraries are there, and which of their links lead nowhere. */
static void parts(struct probe *p, const char *subject, const char *libdir)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf dangling = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf missing = RP_BUF_INIT;

	if (probe_list(p, libdir, &names) < 0)
		return;
	for (size_t i = 0; i < RP_ARRAY_SIZE(libraries); i++) {
		size_t n = strlen(libraries[i]);
		bool found = false;

		RP_STRV_FOREACH (name, &names) {
			RP_CLEANUP(rp_free_p) char *path = NULL;
			char target[PATH_MAX];

			/* "libX.so" itself belongs to the development package */
			if (strncmp(*name, libraries[i], n) != 0 ||
				((*name)[n] != '.' && (*name)[n] != '\0'))
				continue;
			path = rp_asprintf("%s/%s", libdir, *name);
			if (!path)
				return;
			(void)probe_link(p, path, target);
			if (probe_exists(p, path))
				found = true;
			else
				rp_buf_addf(&dangling, "%s%s", dangling.n ? " " : "", *name);
		}
		if (!found)
			rp_buf_addf(&missing, "%s%s", missing.n ? " " : "", libraries[i]);
	}
	if (dangling.n)
		rp_fact_set(p->facts, subject, "dangling", libdir, "%s", rp_buf_cstr(&dangling));
	rp_fact_set(p->facts, subject, "missing", libdir, "%s",
		missing.n ? rp_buf_cstr(&missing) : "none");
}

static void execstack(struct probe *p, const char *subject, const char *libdir)
{
	static const char *const names[] = { "libamdhip64.so", "libamdhip64.so.5",
		"libamdhip64.so.6", "libamdhip64.so.7", "libhiprtc.so", "libhiprtc.so.5",
		"libhiprtc.so.6", "libhiprtc.so.7" };

	for (size_t i = 0; i < RP_ARRAY_SIZE(names); i++) {
		RP_CLEANUP(rp_free_p) char *path = rp_asprintf("%s/%s", libdir, names[i]);
		const char *state = path ? probe_execstack(p, path) : NULL;

		if (state && strcmp(state, "yes") == 0) {
			rp_fact_set(p->facts, subject, "execstack", path, "%s", names[i]);
			return;
		}
	}
}

void probe_execstack_facts(struct probe *p, const char *subject, const char *libdir)
{
	execstack(p, subject, libdir);
}

static bool known_already(const struct probe *p, const char *libdir)
{
	for (size_t i = 0; i < p->facts->n; i++)
		if (strcmp(p->facts->v[i].key, "libdir") == 0 && p->facts->v[i].value &&
			strcmp(p->facts->v[i].value, libdir) == 0)
			return true;
	return false;
}

static void one_rocm(struct probe *p, const char *prefix, const char *libdir, const char *kind)
{
	RP_CLEANUP(rp_free_p) char *subject = rp_asprintf("rocm %s", prefix);
	RP_CLEANUP(rp_free_p) char *info = rp_asprintf("%s/.info/version", prefix);
	RP_CLEANUP(rp_free_p) char *library = rp_asprintf("%s/librocblas.so", libdir);
	RP_CLEANUP(rp_free_p) char *version = NULL;
	char by_name[32];

	if (!subject || !info || !library || known_already(p, libdir))
		return;
	version = probe_word(p, "%s", info);
	rp_fact_set(p->facts, subject, "path", prefix, "%s", prefix);
	rp_fact_set(p->facts, subject, "kind", prefix, "%s", kind);
	rp_fact_set(p->facts, subject, "libdir", prefix, "%s", libdir);
	if (version && version[0]) {
		version[strcspn(version, "-")] = '\0';
		rp_fact_set(p->facts, subject, "rocm_version", info, "%s", version);
	} else if (version_of_folder(p, libdir, by_name)) {
		rp_fact_set(p->facts, subject, "rocm_version", libdir, "%s", by_name);
	}
	parts(p, subject, libdir);
	probe_tensile(p, subject, libdir);
	execstack(p, subject, libdir);
	for (unsigned int v = 5; v >= 3; v--) { /* rocBLAS's own major version */
		RP_CLEANUP(rp_free_p) char *path = rp_asprintf("%s.%u", library, v);

		if (path && probe_exists(p, path)) {
			probe_library_targets(p, subject, "rocblas_code", path);
			break;
		}
	}
}

static void amd_packages(struct probe *p)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	char target[PATH_MAX] = "";
	size_t n = 0;

	if (probe_list(p, "/opt", &names) < 0)
		return;
	if (probe_link(p, "/opt/rocm", target) == 0 && !probe_exists(p, "/opt/rocm"))
		rp_fact_set(p->facts, MACHINE, "opt_rocm_dangling", "/opt/rocm", "%s", target);
	RP_STRV_FOREACH (name, &names) {
		RP_CLEANUP(rp_free_p) char *prefix = rp_asprintf("/opt/%s", *name);
		RP_CLEANUP(rp_free_p) char *libdir = rp_asprintf("/opt/%s/lib", *name);
		char link[PATH_MAX];

		/* /opt/rocm is mostly a link to /opt/rocm-VERSION, directly or by /etc/alternatives */
		if (strncmp(*name, "rocm", 4) != 0 || strcmp(*name, "rocm-patched") == 0 ||
			!prefix || !libdir || n++ >= MAX_SUBJECTS ||
			probe_link(p, prefix, link) == 0)
			continue;
		if (probe_exists(p, libdir))
			one_rocm(p, prefix, libdir, "AMD packages");
	}
}

static void distribution(struct probe *p)
{
	static const char *const folders[] = { "/usr/lib/x86_64-linux-gnu", "/usr/lib64",
		"/usr/lib" };

	for (size_t i = 0; i < RP_ARRAY_SIZE(folders); i++) {
		RP_CLEANUP(rp_free_p) char *hsa = rp_asprintf("%s/" HSA, folders[i]);

		if (hsa && probe_exists(p, hsa)) {
			one_rocm(p, "/usr", folders[i], "distribution packages");
			return;
		}
	}
}

/* Libraries that the dynamic linker finds before a program's own ones. */
static void library_path(struct probe *p)
{
	const char *path = rp_fact_get(p->facts, MACHINE, "env.LD_LIBRARY_PATH");
	RP_CLEANUP(rp_free_p) char *copy = path ? strdup(path) : NULL;
	RP_CLEANUP(rp_buf_free) struct rp_buf found = RP_BUF_INIT;
	char first[32] = "", *save = NULL;
	bool mixed = false;

	for (char *dir = copy ? strtok_r(copy, ":", &save) : NULL; dir;
		dir = strtok_r(NULL, ":", &save)) {
		RP_CLEANUP(rp_free_p) char *hsa = rp_asprintf("%s/" HSA, dir);
		char version[32] = "unknown version";

		if (dir[0] != '/' || !hsa || !probe_exists(p, hsa))
			continue;
		(void)version_of_folder(p, dir, version);
		rp_buf_addf(&found, "%s%s (%s)", found.n ? ", " : "", dir, version);
		mixed |= first[0] && strcmp(first, version) != 0;
		if (!first[0])
			(void)snprintf(first, sizeof(first), "%s", version);
	}
	if (!found.n)
		return;
	rp_fact_set(p->facts, MACHINE, "ld_rocm", "LD_LIBRARY_PATH", "%s", rp_buf_cstr(&found));
	rp_fact_set(p->facts, MACHINE, "ld_rocm_version", "LD_LIBRARY_PATH", "%s", first);
	rp_fact_set(
		p->facts, MACHINE, "ld_rocm_mixed", "LD_LIBRARY_PATH", "%s", mixed ? "yes" : "no");
}

void probe_rocm(struct probe *p)
{
	size_t n = 0;

	amd_packages(p);
	distribution(p);
	if (probe_exists(p, "/opt/rocm-patched/current/lib"))
		one_rocm(p, "/opt/rocm-patched/current", "/opt/rocm-patched/current/lib",
			"store of rocm-patch");
	library_path(p);
	while (rp_facts_subject(p->facts, "rocm", n))
		n++;
	rp_fact_set(p->facts, MACHINE, "n_rocm", "folders of ROCm", "%zu", n);
}
