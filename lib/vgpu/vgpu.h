/* SPDX-License-Identifier: MIT */
/*
 * A virtual Radeon: what /dev/kfd, /dev/dri and the KFD topology of one machine with RDNA1/2 cards
 * answer, for unmodified ROCm programs (preload/vgpu.c puts it under them).
 *
 * A profile describes the card and the driver (data/profiles). rp_vgpu_files makes the file tree of
 * it; rp_vgpu_open makes the device of one process: memory files for the two device nodes, page
 * tables, queues with a thread each, events. Everything belongs to the struct rp_vgpu and may be
 * called from any thread. It is never freed: the kernel's side of a process goes with the process.
 *
 * Nothing here was compared with a real card. docs/virtual-gpu.md says what is modelled.
 */
#ifndef RP_VGPU_H
#define RP_VGPU_H

#include "base/base.h"
#include "chip/chip.h"
#include "vgpu/exec/exec.h"

#define RP_VGPU_MAX_GPUS 4
#define RP_VGPU_NAME	 48

struct rp_vgpu_profile {
	char name[RP_VGPU_NAME]; /* file name without ".ini" */
	char product[RP_VGPU_NAME];
	const struct rp_chip *chip;
	uint64_t
		features; /* bits of enum rp_chip_feature that act: the chip's, changed by rp_vgpu_defects */
	uint32_t device, revision; /* PCI */
	uint32_t family, gb_addr_config; /* as DRM reports them */
	uint32_t engines, arrays_per_engine, cus_per_array, cus; /* cus: that are active */
	uint32_t engine_mhz, memory_mhz, bus_bits, vram_mib;
	uint32_t l1_kib, l2_kib, l3_kib; /* l3 0: none */
	uint32_t mec_firmware, sdma_firmware;
	uint32_t sdma_count_bits; /* width of the byte count in copy and fill packets */
	/* of the driver and the machine; these can be overridden by name */
	uint32_t kfd_minor; /* KFD 1.x */
	uint32_t gpus;
	uint32_t large_bar; /* 0, 1: CPU can see all VRAM */
	uint32_t atomics; /* PCIe atomics between CPU and card */
	uint32_t svm; /* shared virtual memory is offered */
	uint32_t gws; /* global wave sync, for cooperative launches */
	uint32_t
		exceptions; /* firmware supports the debugger: exceptions through KFD (from 1.13 on) */
	uint32_t strict_mtype; /* hypothesis: access to coherent or uncached VRAM faults */
};

/*
 * Reads data/profiles/NAME.ini below dirfd; spec is "NAME" or "NAME,key=value,...", with the keys
 * kfd (1.11 ... 1.17), gpus, vram_mib, mec_firmware, large_bar, atomics, svm, gws, exceptions, strict_mtype, defects.
 * -ENOENT: no such profile, err lists them; -EINVAL: bad override; -EBADMSG: bad file.
 */
RP_MUST_CHECK int rp_vgpu_profile_load(int dirfd, const char *dir, const char *spec,
	struct rp_vgpu_profile *ret, struct rp_error *err);
/* The profile that stands first (by its key "default") for a chip name like "gfx1010". ret: spec, owned. */
RP_MUST_CHECK int rp_vgpu_profile_for_chip(
	int dirfd, const char *dir, const char *chip, char **ret, struct rp_error *err);
/* The text form that a tree carries and rp_vgpu_profile_parse reads. */
void rp_vgpu_profile_write(const struct rp_vgpu_profile *p, struct rp_buf *ret);
RP_MUST_CHECK int rp_vgpu_profile_parse(
	struct rp_span text, const char *name, struct rp_vgpu_profile *ret, struct rp_error *err);

/*
 * Switches defects and timing hazards of the chip table on and off: "-NAME" and "+NAME" one behind the other,
 * as in "-inst_prefetch_hang+branch_3f", or "none", also before these. Names: data/chips/features.tsv. -EINVAL: a name
 * that is not there or that the executor has no switch for.
 */
RP_MUST_CHECK int rp_vgpu_defects(
	struct rp_vgpu_profile *p, const char *changes, struct rp_error *err);
/* The changes against the chip, in the same form; "" if there are none. */
void rp_vgpu_defects_text(const struct rp_vgpu_profile *p, struct rp_buf *ret);

/* gfx_target_version of the KFD topology: gfx1030 is 100300. */
uint32_t rp_vgpu_gfx_version(const struct rp_vgpu_profile *p);

/* One entry of the tree, by path without leading slash; parents are implied. */
struct rp_vgpu_file {
	char *path; /* owned */
	char *text; /* owned; contents, or the target of a link */
	bool link;
};

struct rp_vgpu_files {
	struct rp_vgpu_file *v;
	size_t n, cap;
};

#define RP_VGPU_FILES_INIT \
	{                  \
		NULL, 0, 0 \
	}

/* The files that a program would find; n_cpus: of the CPU node. "profile" is the profile's text. */
RP_MUST_CHECK int rp_vgpu_files(const struct rp_vgpu_profile *p, unsigned int n_cpus,
	struct rp_vgpu_files *ret, struct rp_error *err);
void rp_vgpu_files_free(struct rp_vgpu_files *files);

/*
 * Writes them as a tree below dir/KEY, KEY from their contents, read-only and in one rename;
 * nothing is done if it is there. ret_path: dir/KEY, owned.
 */
RP_MUST_CHECK int rp_vgpu_tree(
	const struct rp_vgpu_files *files, const char *dir, char **ret_path, struct rp_error *err);

/* True if a path of the system belongs to the tree ("/sys/class/kfd/...", "/dev/kfd"). */
bool rp_vgpu_owns_path(const char *path);

/* Device nodes. */
enum rp_vgpu_node { RP_VGPU_NOT, RP_VGPU_KFD, RP_VGPU_DRM };
/* What path is; ret_gpu: index of the card, for DRM. */
enum rp_vgpu_node rp_vgpu_node_of_path(const char *path, unsigned int *ret_gpu);

struct rp_vgpu;

struct rp_vgpu_options {
	const struct rp_vgpu_profile *profile;
	const char *log; /* path, "-" for stderr, NULL: none */
	const char *
		report; /* of fidelity: path of a file with rp_vgpu_report_empty, "-" for stderr, NULL: none */
	bool execute; /* kernels run; false: they are consumed */
	enum rp_exec_hazards hazards;
	/*
	 * What a user should know at once: why a kernel stopped. Text of one or more lines without
	 * a newline at its end. From any thread; may be NULL.
	 */
	void (*say)(void *data, const char *text);
	void *say_data;
};

RP_MUST_CHECK int rp_vgpu_open(
	const struct rp_vgpu_options *options, struct rp_vgpu **ret, struct rp_error *err);

/* A new descriptor of a device node; flags: O_CLOEXEC counts. -errno or the descriptor. */
RP_MUST_CHECK int rp_vgpu_node_open(
	struct rp_vgpu *vgpu, enum rp_vgpu_node node, unsigned int gpu, int flags);

/*
 * What a descriptor is, by its file: also for one that another process made (then *ret_foreign).
 * vgpu may be NULL. Cheap for everything that is no memory file.
 */
enum rp_vgpu_node rp_vgpu_node_of_fd(
	const struct rp_vgpu *vgpu, int fd, unsigned int *ret_gpu, bool *ret_foreign);
struct stat;
/* Makes a character device of a stat result that is one of our memory files. False: it is not ours. */
bool rp_vgpu_fix_stat(const struct rp_vgpu *vgpu, int fd, struct stat *st);
void rp_vgpu_node_stat(enum rp_vgpu_node node, unsigned int gpu, struct stat *st);

/*
 * A call on a device node; arg is the caller's pointer, and may be bad. 0 or -errno. A foreign KFD
 * descriptor is answered as the kernel does (-EBADF).
 */
int rp_vgpu_ioctl(struct rp_vgpu *vgpu, enum rp_vgpu_node node, unsigned int gpu, bool foreign,
	unsigned long request, void *arg);

/* The text of a report without a process: what the file must have to begin with. */
const char *rp_vgpu_report_empty(void);
/* Puts this process into the report, or replaces what it has put there before. complete: it is about to end. */
RP_MUST_CHECK int rp_vgpu_report(struct rp_vgpu *vgpu, bool complete, struct rp_error *err);

/* Everything that a user should know at the end: unmodelled calls, kernels not executed. Lines. */
void rp_vgpu_summary(struct rp_vgpu *vgpu, struct rp_buf *ret);

/* ---- recordings ---- */

/*
 * The comparable form of a recording: grouped by process and thread, calls whose number depends on
 * timing left out (unless all), numbers of handles replaced by "#". -EBADMSG: not a recording.
 */
RP_MUST_CHECK int rp_vgpu_log_normalise(
	struct rp_span text, const char *name, bool all, struct rp_buf *ret, struct rp_error *err);

#endif
