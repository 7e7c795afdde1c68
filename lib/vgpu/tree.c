/* SPDX-License-Identifier: MIT */
/*
 * The files that ROCm programs look at, made from a profile: KFD topology, DRM class, the module.
 * They are written once as a read-only tree whose name is the hash of its contents, and shared by
 * all processes; nothing is written while a program runs. Which files and names are read was
 * recorded on ROCm 5.2.3 and 6.4.3; what values mean: Linux 6.12 amdkfd/kfd_topology.c, kfd_crat.c.
 */
#include "vgpu/internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define TOPOLOGY "sys/devices/virtual/kfd/kfd/topology"

/* HSA_CAP_*: kfd_topology.h. */
#define CAP_WATCH_POINTS   (0x80u | 2u << 8) /* supported; log2 of their number, 4 */
#define CAP_DOORBELL_64BIT (2u << 12) /* without it ROCR rings 32-bit doorbells */
#define CAP_TRAP_DEBUG	   (7u << 15)
#define CAP_SVM		   (1u << 27)
#define CAP_DEBUG_FIRMWARE (1u << 29)

void rp_vgpu_files_free(struct rp_vgpu_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->v[i].path);
		free(files->v[i].text);
	}
	free(files->v);
	*files = (struct rp_vgpu_files)RP_VGPU_FILES_INIT;
}

struct maker {
	struct rp_vgpu_files files;
	int r;
};

static void add(struct maker *m, bool link, char *path, char *text)
{
	struct rp_vgpu_files *f = &m->files;

	if (m->r == 0 && path && text && rp_array_grow(&f->v, &f->cap, f->n, sizeof(*f->v)) == 0) {
		f->v[f->n++] = (struct rp_vgpu_file){ path, text, link };
		return;
	}
	free(path);
	free(text);
	m->r = -ENOMEM;
}

/* file(m, text, path...), link(m, target, path...) */
static void file(struct maker *m, char *text, const char *fmt, ...) RP_PRINTF(3, 4);
static void file(struct maker *m, char *text, const char *fmt, ...)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	rp_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	add(m, false, rp_buf_steal(&b), text);
}

static void cpu_node(struct maker *m, const struct rp_vgpu_profile *p, unsigned int n_cpus)
{
	uint32_t links = p->large_bar ? p->gpus : 0;

	file(m, strdup("0\n"), TOPOLOGY "/nodes/0/gpu_id");
	file(m, strdup("\n"), TOPOLOGY "/nodes/0/name");
	file(m,
		rp_asprintf(
			"cpu_cores_count %u\nsimd_count 0\nmem_banks_count 1\ncaches_count 0\n"
			"io_links_count %" PRIu32 "\np2p_links_count 0\ncpu_core_id_base 0\n"
			"simd_id_base 0\nmax_waves_per_simd 0\nlds_size_in_kb 0\ngds_size_in_kb 0\n"
			"num_gws 0\nwave_front_size 0\narray_count 0\nsimd_arrays_per_engine 0\n"
			"cu_per_simd_array 0\nsimd_per_cu 0\nmax_slots_scratch_cu 0\n"
			"gfx_target_version 0\nvendor_id 0\ndevice_id 0\nlocation_id 0\ndomain 0\n"
			"drm_render_minor 0\nhive_id 0\nnum_sdma_engines 0\nnum_sdma_xgmi_engines "
			"0\n"
			"num_sdma_queues_per_engine 0\nnum_cp_queues 0\nmax_engine_clk_ccompute "
			"3000\n",
			n_cpus, links),
		TOPOLOGY "/nodes/0/properties");
	file(m,
		rp_asprintf("heap_type 0\nsize_in_bytes %" PRIu64
			    "\nflags 0\nwidth 64\nmem_clk_max 3200\n",
			UINT64_C(16) << 30),
		TOPOLOGY "/nodes/0/mem_banks/0/properties");
	for (uint32_t i = 0; i < links; i++)
		file(m,
			rp_asprintf("type 2\nversion_major 0\nversion_minor 0\nnode_from "
				    "0\nnode_to %" PRIu32 "\nweight 20\nmin_latency 0\nmax_latency "
				    "0\nmin_bandwidth 0\nmax_bandwidth 0\n"
				    "recommended_transfer_size 0\nflags %u\n",
				i + 1, p->atomics ? 1u : 13u),
			TOPOLOGY "/nodes/0/io_links/%" PRIu32 "/properties", i);
}

static void gpu_caches(struct maker *m, const struct rp_vgpu_profile *p, uint32_t node)
{
	const uint32_t kib[] = { p->l1_kib, p->l2_kib, p->l3_kib };
	const uint32_t line[] = { 128, 128, 64 };

	for (unsigned int i = 0; i < RP_ARRAY_SIZE(kib) && kib[i] > 0; i++)
		file(m,
			rp_asprintf("processor_id_low 2147487744\nlevel %u\nsize %" PRIu32
				    "\ncache_line_size %" PRIu32
				    "\ncache_lines_per_tag 1\nassociation 16\nlatency 1\ntype "
				    "9\nsibling_map "
				    "1\n",
				i + 1, kib[i], line[i]),
			TOPOLOGY "/nodes/%" PRIu32 "/caches/%u/properties", node, i);
}

static void gpu_node(struct maker *m, const struct rp_vgpu_profile *p, uint32_t i)
{
	uint32_t node = i + 1;
	uint32_t cap = CAP_WATCH_POINTS | CAP_DOORBELL_64BIT | CAP_TRAP_DEBUG |
		       (p->svm ? CAP_SVM : 0) | (p->exceptions ? CAP_DEBUG_FIRMWARE : 0);

	file(m, rp_asprintf("%u\n", GPU_ID(i)), TOPOLOGY "/nodes/%" PRIu32 "/gpu_id", node);
	/* The kernel's asic name; ROCR takes the marketing name from libdrm. */
	file(m, rp_asprintf("%s\n", p->chip->codename ? p->chip->codename : p->chip->name),
		TOPOLOGY "/nodes/%" PRIu32 "/name", node);
	file(m,
		rp_asprintf(
			"cpu_cores_count 0\nsimd_count %" PRIu32
			"\nmem_banks_count 1\ncaches_count %u\n"
			"io_links_count 1\np2p_links_count 0\ncpu_core_id_base 0\nsimd_id_base "
			"2147487744\n"
			"max_waves_per_simd %u\nlds_size_in_kb 64\ngds_size_in_kb 0\nnum_gws %u\n"
			"wave_front_size 32\narray_count %" PRIu32
			"\nsimd_arrays_per_engine %" PRIu32 "\n"
			"cu_per_simd_array %" PRIu32 "\nsimd_per_cu 2\nmax_slots_scratch_cu 32\n"
			"gfx_target_version %" PRIu32 "\nvendor_id 4098\ndevice_id %" PRIu32 "\n"
			"location_id %" PRIu32 "\ndomain 0\ndrm_render_minor %" PRIu32
			"\nhive_id 0\n"
			"num_sdma_engines 2\nnum_sdma_xgmi_engines 0\nnum_sdma_queues_per_engine "
			"8\n"
			"num_cp_queues 8\nmax_engine_clk_fcompute %" PRIu32 "\nlocal_mem_size 0\n"
			"fw_version %" PRIu32 "\ncapability %" PRIu32
			"\ndebug_prop 0\nsdma_fw_version %" PRIu32
			"\nunique_id 0\nnum_xcc 1\nmax_engine_clk_ccompute 3000\n",
			p->cus * 2, p->l3_kib ? 3u : 2u, (unsigned int)p->chip->waves_per_simd,
			p->gws ? 64u : 0u, p->engines * p->arrays_per_engine, p->arrays_per_engine,
			p->cus_per_array, rp_vgpu_gfx_version(p), p->device, (i + 3) << 8,
			DRM_RENDER_MINOR + i, p->engine_mhz, p->mec_firmware, cap,
			p->sdma_firmware),
		TOPOLOGY "/nodes/%" PRIu32 "/properties", node);
	file(m,
		rp_asprintf("heap_type %u\nsize_in_bytes %" PRIu64 "\nflags 0\nwidth %" PRIu32
			    "\nmem_clk_max %" PRIu32 "\n",
			p->large_bar ? 1u : 2u, (uint64_t)p->vram_mib << 20, p->bus_bits,
			p->memory_mhz),
		TOPOLOGY "/nodes/%" PRIu32 "/mem_banks/0/properties", node);
	gpu_caches(m, p, node);
	/* The link to the CPU is always there; the one from the CPU means a large BAR to ROCR. */
	file(m,
		rp_asprintf(
			"type 2\nversion_major 0\nversion_minor 0\nnode_from %" PRIu32
			"\nnode_to 0\nweight 20\nmin_latency 0\nmax_latency 0\nmin_bandwidth 312\n"
			"max_bandwidth 15753\nrecommended_transfer_size 0\nflags %u\n",
			node, p->atomics ? 1u : 13u),
		TOPOLOGY "/nodes/%" PRIu32 "/io_links/0/properties", node);
}

static void drm_files(struct maker *m, const struct rp_vgpu_profile *p, uint32_t i)
{
	const uint32_t minors[] = { i, DRM_RENDER_MINOR + i };
	const char *const names[] = { "card", "renderD" };

	for (unsigned int k = 0; k < 2; k++) {
		RP_CLEANUP(rp_free_p)
		char *dir = rp_asprintf("sys/dev/char/226:%" PRIu32 "/device", minors[k]);

		file(m, strdup(""), "dev/dri/%s%" PRIu32, names[k], minors[k]);
		if (!dir) {
			m->r = -ENOMEM;
			return;
		}
		file(m, strdup("0x1002\n"), "%s/vendor", dir);
		file(m, rp_asprintf("0x%04" PRIx32 "\n", p->device), "%s/device", dir);
		file(m, rp_asprintf("0x%02" PRIx32 "\n", p->revision), "%s/revision", dir);
		file(m, strdup("0x1002\n"), "%s/subsystem_vendor", dir);
		file(m, strdup("0x0b36\n"), "%s/subsystem_device", dir);
		file(m,
			rp_asprintf("DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_ID=1002:%04" PRIX32
				    "\nPCI_SUBSYS_ID=1002:0B36\nPCI_SLOT_NAME=0000:%02" PRIx32
				    ":00.0\n",
				p->device, i + 3),
			"%s/uevent", dir);
		file(m, strdup(""), "%s/drm/card%" PRIu32 "/dev", dir, i);
		file(m, strdup(""), "%s/drm/renderD%" PRIu32 "/dev", dir, DRM_RENDER_MINOR + i);
		add(m, true, rp_asprintf("%s/subsystem", dir), strdup("../../../../bus/pci"));
		file(m, rp_asprintf("226:%" PRIu32 "\n", minors[k]),
			"sys/class/drm/%s%" PRIu32 "/dev", names[k], minors[k]);
		add(m, true, rp_asprintf("sys/class/drm/%s%" PRIu32 "/device", names[k], minors[k]),
			rp_asprintf("../../../dev/char/226:%" PRIu32 "/device", minors[k]));
	}
}

static int by_path(const void *a, const void *b)
{
	return strcmp(
		((const struct rp_vgpu_file *)a)->path, ((const struct rp_vgpu_file *)b)->path);
}

int rp_vgpu_files(const struct rp_vgpu_profile *p, unsigned int n_cpus, struct rp_vgpu_files *ret,
	struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct maker m = { RP_VGPU_FILES_INIT, 0 };

	rp_vgpu_profile_write(p, &text);
	file(&m, rp_buf_steal(&text), "profile");
	/* What /proc/modules has before the machine's own lines. */
	file(&m, strdup("amdgpu 1 0 - Live 0x0000000000000000\n"), "proc/modules");
	file(&m, strdup("0\n"), "sys/module/amdgpu/refcnt");
	file(&m, strdup("live\n"), "sys/module/amdgpu/initstate");
	file(&m, strdup(""), "sys/module/amdgpu/holders/.keep");
	file(&m, strdup("1\n"), TOPOLOGY "/generation_id");
	file(&m, strdup("platform_oem 0\nplatform_id 0\nplatform_rev 0\n"),
		TOPOLOGY "/system_properties");
	add(&m, true, strdup("sys/class/kfd/kfd"), strdup("../../devices/virtual/kfd/kfd"));
	file(&m, strdup(""), "dev/kfd");
	cpu_node(&m, p, n_cpus);
	for (uint32_t i = 0; i < p->gpus; i++) {
		gpu_node(&m, p, i);
		drm_files(&m, p, i);
	}
	if (m.r < 0) {
		rp_vgpu_files_free(&m.files);
		return RP_NOMEM(err);
	}
	qsort(m.files.v, m.files.n, sizeof(*m.files.v), by_path);
	*ret = m.files;
	return 0;
}

static int write_file(int dirfd, const struct rp_vgpu_file *f, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *parent = strdup(f->path);
	RP_CLEANUP(rp_close_fd) int fd = -1;
	char *slash;
	int r;

	if (!parent)
		return RP_NOMEM(err);
	slash = strrchr(parent, '/');
	if (slash) {
		*slash = '\0';
		r = rp_mkdirs(dirfd, parent, 0755, err);
		if (r < 0)
			return r;
	}
	if (f->link)
		return symlinkat(f->text, dirfd, f->path) == 0
			       ? 0
			       : RP_FAIL_ERRNO(err, -errno, "link %s", f->path);
	fd = openat(dirfd, f->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "create %s", f->path);
	return rp_write_all(fd, rp_span_str(f->text), err);
}

int rp_vgpu_tree(
	const struct rp_vgpu_files *files, const char *dir, char **ret_path, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int top = -1;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	RP_CLEANUP(rp_free_p) char *path = NULL;
	uint8_t digest[RP_SHA256_BYTES];
	char hex[RP_SHA256_HEX], tmp[64];
	struct rp_sha256 sha;
	int r;

	rp_sha256_init(&sha);
	for (size_t i = 0; i < files->n; i++) {
		rp_sha256_field_str(&sha, files->v[i].path);
		rp_sha256_field_str(&sha, files->v[i].text);
	}
	rp_sha256_final(&sha, digest);
	rp_sha256_hex(digest, hex);
	hex[32] = '\0';
	path = rp_asprintf("%s/%s", dir, hex);
	if (!path)
		return RP_NOMEM(err);
	if (access(path, R_OK | X_OK) == 0) {
		*ret_path = RP_STEAL(path);
		return 0;
	}
	r = rp_mkdirs(AT_FDCWD, dir, 0755, err);
	if (r < 0)
		return r;
	top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", dir);
	(void)snprintf(tmp, sizeof(tmp), RP_TMP_PREFIX "%d-vgpu", (int)getpid());
	r = rp_remove_tree(top, tmp, err);
	if (r == 0)
		r = rp_mkdirs(top, tmp, 0755, err);
	if (r == 0) {
		fd = openat(top, tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			r = RP_FAIL_ERRNO(err, -errno, "%s/%s", dir, tmp);
	}
	for (size_t i = 0; r == 0 && i < files->n; i++)
		r = write_file(fd, &files->v[i], err);
	if (r == 0)
		r = rp_publish_tree(top, tmp, hex, err);
	if (r == -EEXIST) /* somebody was faster, with the same contents */
		r = rp_remove_tree(top, tmp, err);
	else if (r < 0 && rp_remove_tree(top, tmp, NULL) < 0)
		return r; /* what stays has a name that the next start clears */
	if (r < 0)
		return r;
	*ret_path = RP_STEAL(path);
	return 0;
}

static const char *const prefixes[] = {
	"/dev/kfd",
	"/dev/dri",
	"/sys/devices/virtual/kfd",
	"/sys/class/kfd",
	"/sys/class/drm",
	"/sys/dev/char/226:",
	"/sys/module/amdgpu",
	"/proc/modules",
};

bool rp_vgpu_owns_path(const char *path)
{
	if (path[0] != '/' || (path[1] != 's' && path[1] != 'd' && path[1] != 'p'))
		return false;
	for (size_t i = 0; i < RP_ARRAY_SIZE(prefixes); i++) {
		size_t n = strlen(prefixes[i]);

		if (strncmp(path, prefixes[i], n) != 0)
			continue;
		if (prefixes[i][n - 1] == ':' || path[n] == '\0' || path[n] == '/')
			return true;
	}
	return false;
}

enum rp_vgpu_node rp_vgpu_node_of_path(const char *path, unsigned int *ret_gpu)
{
	uint64_t minor;

	*ret_gpu = 0;
	if (strcmp(path, "/dev/kfd") == 0)
		return RP_VGPU_KFD;
	if (strncmp(path, "/dev/dri/card", 13) == 0 &&
		rp_span_number(rp_span_str(path + 13), &minor) && minor < RP_VGPU_MAX_GPUS) {
		*ret_gpu = (unsigned int)minor;
		return RP_VGPU_DRM;
	}
	if (strncmp(path, "/dev/dri/renderD", 16) == 0 &&
		rp_span_number(rp_span_str(path + 16), &minor) && minor >= DRM_RENDER_MINOR &&
		minor < DRM_RENDER_MINOR + RP_VGPU_MAX_GPUS) {
		*ret_gpu = (unsigned int)minor - DRM_RENDER_MINOR;
		return RP_VGPU_DRM;
	}
	return RP_VGPU_NOT;
}
