/* SPDX-License-Identifier: MIT */
/*
 * The device of one process: memory files behind the nodes, the whole files mapped once, and what
 * recognises a descriptor. A node's descriptor is a duplicate of its memory file, so it can be
 * duplicated, inherited and sent like any other; it is recognised by the file's number, and one of
 * another process by the file's name.
 */
#include "vgpu/internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define KFD_NAME  "rocm-patch-kfd"
#define DRM_NAME  "rocm-patch-drm-"
#define KFD_MAJOR 234 /* dynamic on real machines; nobody may rely on it */
#define DRM_MAJOR 226 /* libdrm does */

static int memory_file(const char *name, uint64_t size, int *ret_fd, uint8_t **ret_base,
	struct stat *ret_st, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int low = memfd_create(name, MFD_CLOEXEC);
	RP_CLEANUP(rp_close_fd) int fd = -1;
	void *base;

	if (low < 0)
		return RP_FAIL_ERRNO(err, -errno, "make the memory file %s", name);
	/* a program that counts or closes low descriptors does not meet ours */
	fd = fcntl(low, F_DUPFD_CLOEXEC, MAX_FD_BASE);
	if (fd < 0)
		fd = fcntl(low, F_DUPFD_CLOEXEC, 3); /* low descriptor limit */
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "memory file %s", name);
	if (ftruncate(fd, (off_t)size) < 0 || fstat(fd, ret_st) < 0)
		return RP_FAIL_ERRNO(err, -errno, "size of the memory file %s", name);
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (base == MAP_FAILED)
		return RP_FAIL_ERRNO(err, -errno, "map the memory file %s", name);
	(void)madvise(base, size, MADV_DONTDUMP);
	(void)madvise(base, size, MADV_DONTFORK); /* as the driver's mappings */
	*ret_base = (uint8_t *)base;
	*ret_fd = rp_steal_fd(&fd);
	return 0;
}

static int open_gpu(struct rp_vgpu *vgpu, unsigned int i, struct rp_error *err)
{
	struct rp_vgpu_gpu *g = &vgpu->gpu[i];
	struct stat st;
	char name[32];
	int r;

	(void)snprintf(name, sizeof(name), DRM_NAME "%u", i);
	r = memory_file(name, DRM_FILE_BYTES, &g->fd, &g->base, &st, err);
	if (r < 0)
		return r;
	g->dev = st.st_dev;
	g->ino = st.st_ino;
	g->id = GPU_ID(i);
	rp_pt_init(&g->pt);
	if (rp_heap_init(&g->vram, 0, (uint64_t)vgpu->profile.vram_mib << 20) < 0 ||
		rp_heap_init(&g->gtt, GTT_OFFSET, GTT_BYTES) < 0)
		return RP_NOMEM(err);
	return 0;
}

int rp_vgpu_open(const struct rp_vgpu_options *options, struct rp_vgpu **ret, struct rp_error *err)
{
	struct rp_vgpu *vgpu = calloc(1, sizeof(*vgpu));
	pthread_condattr_t attr;
	struct stat st;
	int r;

	if (!vgpu)
		return RP_NOMEM(err);
	vgpu->profile = *options->profile;
	vgpu->kfd_fd = -1;
	vgpu->execute = options->execute;
	vgpu->hazards = options->hazards;
	vgpu->say = options->say;
	vgpu->say_data = options->say_data;
	(void)pthread_mutex_init(&vgpu->lock, NULL);
	(void)pthread_mutex_init(&vgpu->watch_lock, NULL);
	(void)pthread_mutex_init(&vgpu->notes_lock, NULL);
	(void)pthread_mutex_init(&vgpu->report_lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&vgpu->watch_wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	rp_events_init(&vgpu->events);
	r = rp_log_open(&vgpu->log, options->log, &vgpu->profile, err);
	if (r == 0 && options->report) {
		vgpu->report_path = strdup(options->report);
		vgpu->report.count = calloc(rp_isa_n_rows, sizeof(*vgpu->report.count));
		if (!vgpu->report_path || !vgpu->report.count)
			r = RP_NOMEM(err);
	}
	if (r == 0)
		r = memory_file(KFD_NAME, KFD_FILE_BYTES, &vgpu->kfd_fd, &vgpu->kfd_base, &st, err);
	if (r == 0) {
		vgpu->kfd_dev = st.st_dev;
		vgpu->kfd_ino = st.st_ino;
	}
	for (unsigned int i = 0; r == 0 && i < vgpu->profile.gpus; i++)
		r = open_gpu(vgpu, i, err);
	if (r == 0)
		r = rp_vgpu_report(vgpu, false, err);
	if (r < 0) {
		/* descriptors and mappings of a half-made device: the caller will not come again */
		for (unsigned int i = 0; i < RP_VGPU_MAX_GPUS; i++)
			if (vgpu->gpu[i].base) {
				(void)munmap(vgpu->gpu[i].base, DRM_FILE_BYTES);
				(void)close(vgpu->gpu[i].fd);
			}
		if (vgpu->kfd_base)
			(void)munmap(vgpu->kfd_base, KFD_FILE_BYTES);
		rp_close_fd(&vgpu->kfd_fd);
		free(vgpu->report_path);
		free(vgpu->report.count);
		free(vgpu);
		return r;
	}
	*ret = vgpu;
	return 0;
}

int rp_vgpu_node_open(struct rp_vgpu *vgpu, enum rp_vgpu_node node, unsigned int gpu, int flags)
{
	int master, fd;
	bool foreign;
	unsigned int of = 0;

	if (node == RP_VGPU_DRM && gpu >= vgpu->profile.gpus)
		return -ENOENT;
	master = node == RP_VGPU_KFD ? vgpu->kfd_fd : vgpu->gpu[gpu].fd;
	fd = fcntl(master, flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
	if (fd < 0)
		return -errno;
	/* a program that closed every descriptor it did not know may have another file there */
	if (rp_vgpu_node_of_fd(vgpu, fd, &of, &foreign) != node || foreign || of != gpu) {
		(void)close(fd);
		return -ENODEV;
	}
	rp_log_linef(&vgpu->log, false, "open %s", node == RP_VGPU_KFD ? "kfd" : "drm");
	return fd;
}

/* The node that a file's name tells: "/memfd:NAME (deleted)". */
static enum rp_vgpu_node node_of_name(int fd, unsigned int *ret_gpu)
{
	static const char prefix[] = "/memfd:";
	char path[48], name[64];
	const char *s = name + sizeof(prefix) - 1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	if (n < (ssize_t)sizeof(prefix))
		return RP_VGPU_NOT;
	name[n] = '\0';
	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return RP_VGPU_NOT;
	if (strncmp(s, KFD_NAME " ", sizeof(KFD_NAME)) == 0) {
		*ret_gpu = 0;
		return RP_VGPU_KFD;
	}
	if (strncmp(s, DRM_NAME, sizeof(DRM_NAME) - 1) == 0 && s[sizeof(DRM_NAME) - 1] >= '0' &&
		s[sizeof(DRM_NAME) - 1] < '0' + RP_VGPU_MAX_GPUS) {
		*ret_gpu = (unsigned int)(s[sizeof(DRM_NAME) - 1] - '0');
		return RP_VGPU_DRM;
	}
	return RP_VGPU_NOT;
}

static enum rp_vgpu_node node_of_stat(const struct rp_vgpu *vgpu, int fd, const struct stat *st,
	unsigned int *ret_gpu, bool *ret_foreign)
{
	*ret_gpu = 0;
	*ret_foreign = false;
	if (!S_ISREG(st->st_mode) || st->st_nlink != 0 ||
		(st->st_size != (off_t)KFD_FILE_BYTES && st->st_size != (off_t)DRM_FILE_BYTES))
		return RP_VGPU_NOT;
	if (vgpu && st->st_dev == vgpu->kfd_dev && st->st_ino == vgpu->kfd_ino)
		return RP_VGPU_KFD;
	for (unsigned int i = 0; vgpu && i < vgpu->profile.gpus; i++)
		if (st->st_dev == vgpu->gpu[i].dev && st->st_ino == vgpu->gpu[i].ino) {
			*ret_gpu = i;
			return RP_VGPU_DRM;
		}
	*ret_foreign = true;
	return node_of_name(fd, ret_gpu);
}

enum rp_vgpu_node rp_vgpu_node_of_fd(
	const struct rp_vgpu *vgpu, int fd, unsigned int *ret_gpu, bool *ret_foreign)
{
	struct stat st;

	*ret_gpu = 0;
	*ret_foreign = false;
	/* the call itself: inside the preload library fstat is one of its own functions */
	if (syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) < 0)
		return RP_VGPU_NOT;
	return node_of_stat(vgpu, fd, &st, ret_gpu, ret_foreign);
}

void rp_vgpu_node_stat(enum rp_vgpu_node node, unsigned int gpu, struct stat *st)
{
	st->st_mode = S_IFCHR | 0666;
	st->st_nlink = 1;
	st->st_size = 0;
	st->st_blocks = 0;
	st->st_rdev = node == RP_VGPU_KFD ? makedev(KFD_MAJOR, 0)
					  : makedev(DRM_MAJOR, DRM_RENDER_MINOR + gpu);
}

bool rp_vgpu_fix_stat(const struct rp_vgpu *vgpu, int fd, struct stat *st)
{
	unsigned int gpu = 0;
	bool foreign;
	enum rp_vgpu_node node = node_of_stat(vgpu, fd, st, &gpu, &foreign);

	if (node == RP_VGPU_NOT)
		return false;
	rp_vgpu_node_stat(node, gpu, st);
	return true;
}

int rp_vgpu_gpu_index(const struct rp_vgpu *vgpu, uint32_t gpu_id)
{
	for (unsigned int i = 0; i < vgpu->profile.gpus; i++)
		if (vgpu->gpu[i].id == gpu_id)
			return (int)i;
	return -1;
}

int rp_vgpu_ioctl(struct rp_vgpu *vgpu, enum rp_vgpu_node node, unsigned int gpu, bool foreign,
	unsigned long request, void *arg)
{
	if (node == RP_VGPU_DRM)
		return gpu < vgpu->profile.gpus
			       ? rp_drm_ioctl(vgpu, gpu, request, (uint64_t)(uintptr_t)arg)
			       : -ENODEV;
	if (foreign) { /* kfd_ioctl: the file belongs to the process that opened it */
		rp_log_linef(
			&vgpu->log, false, "kfd call on another process's descriptor failed=EBADF");
		return -EBADF;
	}
	return rp_kfd_ioctl(vgpu, request, (uint64_t)(uintptr_t)arg);
}

void rp_vgpu_note(struct rp_vgpu *vgpu, const char *fmt, ...)
{
	char what[sizeof(vgpu->notes[0].what)];
	va_list ap;
	size_t i = 0;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	(void)pthread_mutex_lock(&vgpu->notes_lock);
	while (i < vgpu->n_notes && strcmp(vgpu->notes[i].what, what) != 0)
		i++;
	if (i < MAX_NOTES) {
		if (i == vgpu->n_notes) {
			memcpy(vgpu->notes[i].what, what, sizeof(what));
			vgpu->n_notes++;
		}
		vgpu->notes[i].n++;
	}
	(void)pthread_mutex_unlock(&vgpu->notes_lock);
}

void rp_vgpu_summary(struct rp_vgpu *vgpu, struct rp_buf *ret)
{
	unsigned long kernels = atomic_load(&vgpu->n_unexecuted),
		      faults = atomic_load(&vgpu->n_faults);

	if (kernels)
		rp_buf_addf(ret,
			"%lu kernel%s consumed without being executed: %s effects on memory are "
			"missing\n",
			kernels, kernels == 1 ? " was" : "s were", kernels == 1 ? "its" : "their");
	rp_execute_summary(vgpu, ret);
	if (faults)
		rp_buf_addf(ret, "%lu memory access fault%s by the virtual GPU%s\n", faults,
			faults == 1 ? "" : "s",
			vgpu->profile.strict_mtype
				? " (under strict_mtype, which is a hypothesis about the card)"
				: "");
	(void)pthread_mutex_lock(&vgpu->notes_lock);
	for (size_t i = 0; i < vgpu->n_notes; i++)
		rp_buf_addf(ret, "not modelled: %s, %lu time%s\n", vgpu->notes[i].what,
			vgpu->notes[i].n, vgpu->notes[i].n == 1 ? "" : "s");
	(void)pthread_mutex_unlock(&vgpu->notes_lock);
}
