/* SPDX-License-Identifier: MIT */
/* Distribution, kernel, amdgpu module, glibc, container and virtual machine. */
#include "probe/internal.h"

static void os_release(struct probe *p)
{
	static const char *const paths[] = { "/etc/os-release", "/usr/lib/os-release" };

	for (size_t i = 0; i < RP_ARRAY_SIZE(paths); i++) {
		RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
		RP_CLEANUP(rp_free_p) char *name = NULL, *id = NULL;
		char why[128];

		if (probe_read(p, paths[i], TEXT_BYTES, &text, why) < 0)
			continue;
		name = probe_assignment(rp_buf_span(&text), "PRETTY_NAME");
		id = probe_assignment(rp_buf_span(&text), "ID");
		if (name)
			rp_fact_set(p->facts, MACHINE, "os", paths[i], "%s", name);
		if (id)
			rp_fact_set(p->facts, MACHINE, "os_id", paths[i], "%s", id);
		return;
	}
}

/* Words of the command line that change what the driver or PCI does; the rest names disks. */
static void command_line(struct probe *p)
{
	static const char *const starts[] = { "amdgpu.", "radeon.", "iommu", "amd_iommu",
		"intel_iommu", "nomodeset", "pci=", "pcie_",
		"modprobe.blacklist=", "module_blacklist=", "amdkfd." };
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf kept = RP_BUF_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv words = RP_STRV_INIT;
	static const char path[] = "/proc/cmdline";

	if (probe_read_start(p, path, LINE_BYTES, &text) < 0 ||
		rp_strv_split(&words, rp_buf_span(&text), NULL) < 0)
		return;
	RP_STRV_FOREACH (w, &words) {
		for (size_t i = 0; i < RP_ARRAY_SIZE(starts); i++) {
			if (strncmp(*w, starts[i], strlen(starts[i])) != 0)
				continue;
			rp_buf_addf(&kept, "%s%s", kept.n ? " " : "", *w);
			break;
		}
		if (strcmp(*w, "nomodeset") == 0)
			rp_fact_set(p->facts, MACHINE, "nomodeset", path, "yes");
	}
	rp_fact_set(p->facts, MACHINE, "cmdline", path, "%s", rp_buf_cstr(&kept));
	probe_record(p, path, rp_buf_span(&kept));
}

static void kernel(struct probe *p)
{
	const char *release = probe_line(p, MACHINE, "kernel", "/proc/sys/kernel/osrelease");
	unsigned int major, minor;

	if (release && sscanf(release, "%3u.%3u", &major, &minor) == 2)
		rp_fact_set(p->facts, MACHINE, "kernel_series", "/proc/sys/kernel/osrelease",
			"%u.%u", major, minor);
	command_line(p);
}

/* EFI variable: 4 bytes of attributes, 1 byte of value (UEFI specification, 3.3 Global Variables). */
static void secure_boot(struct probe *p)
{
	static const char path[] =
		"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	char why[128];
	uint8_t on;
	int r = probe_read(p, path, 16, &text, why);

	if (r == 0 && rp_span_u8(rp_buf_span(&text), 4, &on))
		rp_fact_set(p->facts, MACHINE, "secure_boot", path, "%s", on ? "yes" : "no");
	else if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		rp_fact_unknown(p->facts, MACHINE, "secure_boot", path, why);
}

/* "blacklist amdgpu" and "options amdgpu ..." of modprobe.d. */
static void modprobe(struct probe *p)
{
	static const char *const folders[] = { "/etc/modprobe.d", "/usr/lib/modprobe.d",
		"/run/modprobe.d" };

	for (size_t d = 0; d < RP_ARRAY_SIZE(folders); d++) {
		RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;

		if (probe_list(p, folders[d], &names) < 0)
			continue;
		RP_STRV_FOREACH (name, &names) {
			RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
			RP_CLEANUP(rp_free_p) char *path = rp_asprintf("%s/%s", folders[d], *name);
			struct rp_span rest, line;
			char why[128];

			if (!path || !strstr(*name, ".conf") ||
				probe_read(p, path, TEXT_BYTES, &text, why) < 0)
				continue;
			rest = rp_buf_span(&text);
			while (rp_span_line(&rest, &line)) {
				RP_CLEANUP(rp_strv_free) struct rp_strv w = RP_STRV_INIT;

				if (rp_strv_split(&w, line, NULL) < 0 || w.n < 2 ||
					strcmp(w.v[1], "amdgpu") != 0)
					continue;
				if (strcmp(w.v[0], "blacklist") == 0)
					rp_fact_set(p->facts, MACHINE, "amdgpu_blacklisted", path,
						"yes");
				else if (strcmp(w.v[0], "options") == 0)
					rp_fact_set(p->facts, MACHINE, "amdgpu_options", path,
						"%.*s", (int)line.n, (const char *)line.p);
			}
		}
	}
}

static void module(struct probe *p)
{
	/* Parameters that a thread of docs/doctor.md speaks of, and those of our kernel patch. */
	static const char *const parameters[] = { "cwsr_enable", "noretry", "mtype_local",
		"vm_fragment_size", "ppfeaturemask", "gpu_recovery", "sched_policy", "mes",
		"rdna_force_nc", "rdna_noretry" };
	const char *version;
	bool loaded = probe_exists(p, "/sys/module/amdgpu");

	rp_fact_set(p->facts, MACHINE, "amdgpu_loaded", "/sys/module/amdgpu", "%s",
		loaded ? "yes" : "no");
	modprobe(p);
	if (!loaded)
		return;
	/* The kernel's own module has no MODULE_VERSION, AMD's DKMS package and ours have one. */
	version = probe_line(p, MACHINE, "amdgpu_version", "/sys/module/amdgpu/version");
	rp_fact_set(p->facts, MACHINE, "amdgpu_origin", "/sys/module/amdgpu/version", "%s",
		version ? "other" : "kernel");
	for (size_t i = 0; i < RP_ARRAY_SIZE(parameters); i++) {
		char key[64];

		(void)snprintf(key, sizeof(key), "amdgpu.%s", parameters[i]);
		(void)probe_line(
			p, MACHINE, key, "/sys/module/amdgpu/parameters/%s", parameters[i]);
	}
}

static void surroundings(struct probe *p)
{
	static const struct {
		const char *path, *what;
	} containers[] = {
		{ "/.dockerenv", "docker" },
		{ "/run/.containerenv", "podman" },
		{ "/run/systemd/container", "systemd-nspawn or the like" },
	};
	static const char *const vendors[] = { "QEMU", "VMware", "innotek", "Xen", "Amazon EC2",
		"Google", "Parallels", "Microsoft Corporation" };
	RP_CLEANUP(rp_free_p) char *vendor = probe_word(p, "/sys/class/dmi/id/sys_vendor");
	RP_CLEANUP(rp_free_p) char *product = probe_word(p, "/sys/class/dmi/id/product_name");
	const char *kernel_release = rp_fact_get(p->facts, MACHINE, "kernel");

	for (size_t i = 0; i < RP_ARRAY_SIZE(containers); i++)
		if (probe_exists(p, containers[i].path))
			rp_fact_set(p->facts, MACHINE, "container", containers[i].path, "%s",
				containers[i].what);
	if (kernel_release && strcasestr(kernel_release, "microsoft"))
		rp_fact_set(p->facts, MACHINE, "wsl", "/proc/sys/kernel/osrelease", "yes");
	for (size_t i = 0; vendor && i < RP_ARRAY_SIZE(vendors); i++) {
		/* Microsoft sells machines too; only its virtual ones are called so. */
		if (strncmp(vendor, vendors[i], strlen(vendors[i])) == 0 &&
			(strncmp(vendor, "Micro", 5) != 0 ||
				(product && strcmp(product, "Virtual Machine") == 0)))
			rp_fact_set(p->facts, MACHINE, "hypervisor", "/sys/class/dmi/id/sys_vendor",
				"%s", vendor);
	}
}

/* The banner that every libc.so.6 carries: "... stable release version 2.41." */
static void glibc(struct probe *p)
{
	static const char *const paths[] = { "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6",
		"/usr/lib/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6" };
	static const char banner[] = "GNU C Library", mark[] = "release version ";

	for (size_t i = 0; i < RP_ARRAY_SIZE(paths); i++) {
		RP_CLEANUP(rp_buf_free) struct rp_buf bytes = RP_BUF_INIT;
		const char *at, *end;
		unsigned int major, minor;

		if (probe_read_start(p, paths[i], 8u << 20, &bytes) < 0)
			continue;
		at = memmem(rp_buf_cstr(&bytes), bytes.n, banner, sizeof(banner) - 1);
		end = at ? memchr(at, '\n', bytes.n - (size_t)(at - bytes.p)) : NULL;
		if (end) {
			char line[256];
			const char *version;

			(void)snprintf(line, sizeof(line), "%.*s", (int)(end - at), at);
			version = strstr(line, mark);
			if (version &&
				sscanf(version + sizeof(mark) - 1, "%4u.%4u", &major, &minor) == 2)
				rp_fact_set(p->facts, MACHINE, "glibc", paths[i], "%u.%u", major,
					minor);
			/* of 2 MB, a capture needs this line */
			probe_record(p, paths[i], rp_span_of(at, (size_t)(end - at) + 1));
		}
		return;
	}
}

void probe_system(struct probe *p)
{
	os_release(p);
	kernel(p);
	secure_boot(p);
	module(p);
	surroundings(p);
	glibc(p);
	if (p->o->overlay)
		rp_fact_set(p->facts, MACHINE, "virtual_card", "run --gpu", "yes");
}
