/* SPDX-License-Identifier: MIT */
/* The parts of the virtual GPU as they see each other; vgpu.h is the public face. */
#ifndef RP_VGPU_INTERNAL_H
#define RP_VGPU_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "vgpu/exec/exec.h"
#include "vgpu/uapi.h"
#include "vgpu/vgpu.h"

#define PAGE 4096u

/*
 * The memory file of the KFD node: for each GPU two pages of doorbells and a register page. Of a
 * DRM node: VRAM, then system memory of the driver (GTT). Sparse; only touched pages cost. The parts
 * of two GPUs in the KFD file are far apart because libhsakmt takes all 32 low bits of a doorbell offset
 * for the place in the page when it maps a GPU's first queue (the driver has the GPU above bit 46).
 */
#define KFD_STRIDE	 (UINT64_C(1) << 32)
#define KFD_FILE_BYTES	 (UINT64_C(16) << 30)
#define DOORBELLS	 1024u /* of 8 bytes; one process has two pages of them a GPU */
#define DOORBELL_BYTES	 (DOORBELLS * 8u)
#define MMIO_OFFSET	 0x10000u /* in a GPU's part */
#define DRM_FILE_BYTES	 (UINT64_C(64) << 30)
#define GTT_OFFSET	 (UINT64_C(48) << 30)
#define GTT_BYTES	 (UINT64_C(15) << 30)
#define GPU_ID(index)	 (0x1234u + (index))
#define DRM_RENDER_MINOR 128u
#define MAX_FD_BASE	 900 /* our own descriptors stay out of the way of programs */

/* ---- page table ---- */

enum rp_vgpu_rights {
	RP_GPU_READ = 1 << 0,
	RP_GPU_WRITE = 1 << 1,
	RP_GPU_EXEC = 1 << 2,
};

struct rp_gpu_map {
	uint64_t va, size;
	uint8_t *host; /* where the CPU has it */
	int64_t file_offset; /* in the DRM memory file; -1: memory of the program (USERPTR, SVM) */
	int file_fd; /* that file; borrowed */
	uint32_t flags; /* KFD_MEM_* */
	uint32_t mem; /* number of the allocation, for messages; 0: SVM */
	uint8_t rights;
	bool poisoned; /* strict_mtype: every access faults */
};

struct rp_page_table {
	pthread_rwlock_t
		lock; /* held for reading while memory is touched, for writing by map and unmap */
	struct rp_gpu_map *v; /* by va, without overlap */
	size_t n, cap;
	_Atomic uint64_t generation; /* counts changes */
};

void rp_pt_init(struct rp_page_table *pt);
/* -EINVAL: overlaps (as amdgpu_vm_bo_map), empty or wraps. */
RP_MUST_CHECK int rp_pt_map(struct rp_page_table *pt, const struct rp_gpu_map *map);
/* Takes out what lies in [va, va + size), cutting mappings; waits for accesses under the lock. */
RP_MUST_CHECK int rp_pt_unmap(struct rp_page_table *pt, uint64_t va, uint64_t size);
/*
 * Takes out SVM mappings in the range. The kernel learns from the MMU when a program unmaps such
 * memory, we do not: a new allocation at the same address is how it shows.
 */
RP_MUST_CHECK int rp_pt_drop_svm(struct rp_page_table *pt, uint64_t va, uint64_t size);
/* The mapping at va; NULL: none. Under the lock, and valid until it is released. */
const struct rp_gpu_map *rp_pt_find(const struct rp_page_table *pt, uint64_t va);

/* ---- faults and memory access of the GPU ---- */

struct rp_vgpu_fault {
	uint64_t va; /* of the access that failed */
	uint8_t need; /* rights that were asked for */
	bool present, poisoned;
};

/* Host address of len bytes at va that lie in one mapping, with rights; NULL: ret_fault is filled. Under the lock. */
uint8_t *rp_gpu_host(const struct rp_page_table *pt, uint64_t va, uint64_t len, uint8_t need,
	struct rp_vgpu_fault *ret_fault);
/* Copies; take the lock themselves, and never raise a signal for program memory that is gone. 0 or -EFAULT. */
RP_MUST_CHECK int rp_gpu_read(struct rp_page_table *pt, uint64_t va, void *dst, uint64_t len,
	struct rp_vgpu_fault *ret_fault);
RP_MUST_CHECK int rp_gpu_copy(struct rp_page_table *pt, uint64_t dst, uint64_t src, uint64_t len,
	struct rp_vgpu_fault *ret_fault);
RP_MUST_CHECK int rp_gpu_fill(struct rp_page_table *pt, uint64_t dst, uint32_t value, uint64_t len,
	struct rp_vgpu_fault *ret_fault);

/* Memory of the caller: 0 or -EFAULT instead of a signal. */
RP_MUST_CHECK int rp_user_read(void *dst, uint64_t user, size_t n);
RP_MUST_CHECK int rp_user_write(uint64_t user, const void *src, size_t n);

/* ---- log ---- */

struct rp_vgpu_log {
	pthread_mutex_t lock;
	int fd; /* -1: none yet or none at all */
	bool to_stderr;
	char *path; /* owned; NULL: no log */
	char label[48]; /* "1:rocminfo" */
	unsigned int n_threads;
	atomic_bool failed;
};

RP_MUST_CHECK int rp_log_open(struct rp_vgpu_log *log, const char *path_or_dash,
	const struct rp_vgpu_profile *profile, struct rp_error *err);
/* "NUMBER:NAME" of this process. */
void rp_log_process_label(unsigned int number, char *buf, size_t size);
/* One line "LABEL tN TEXT"; timing: how often and when it comes depends on timing. */
void rp_log_line(struct rp_vgpu_log *log, bool timing, const char *text);
void rp_log_linef(struct rp_vgpu_log *log, bool timing, const char *fmt, ...) RP_PRINTF(3, 4);
static inline bool rp_log_on(const struct rp_vgpu_log *log)
{
	return log->path != NULL && !log->failed;
}

/* "VRAM|WRITABLE|..." */
void rp_log_mem_flags(struct rp_buf *b, uint32_t flags);
const char *rp_log_errno(int r); /* "0", "EINVAL", ... */
/* Lines of this thread are of queue number ("qN"), not of a thread of the program. */
void rp_log_actor(unsigned int queue);

/* ---- events ---- */

struct rp_vgpu_event {
	uint32_t id, type;
	unsigned int number; /* in order of creation, for the log */
	bool auto_reset, signaled;
	uint64_t age;
	unsigned int n_waiters;
	struct kfd_memory_exception memory;
};

struct rp_vgpu_waiter {
	struct rp_vgpu_waiter *next;
	struct rp_vgpu_wait_entry {
		struct rp_vgpu_event *event; /* NULL: destroyed while waited for */
		bool activated;
	} * v;
	size_t n;
};

struct rp_vgpu_events {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* monotonic clock */
	struct rp_vgpu_event **v;
	size_t n, cap;
	struct rp_vgpu_event *slots[KFD_SIGNAL_EVENTS]; /* signal events by id */
	struct rp_vgpu_waiter *waiters;
	uint64_t *page; /* host address of the events page; NULL: not set */
	unsigned int n_created;
	uint32_t next_other;
};

void rp_events_init(struct rp_vgpu_events *ev);
/* What an interrupt with this event id does; id 0 or unknown: looks through the events page. */
void rp_events_interrupt(struct rp_vgpu_events *ev, uint32_t id);
void rp_events_memory_fault(struct rp_vgpu_events *ev, const struct kfd_memory_exception *x);

/* ---- memory ---- */

struct rp_vgpu_mem {
	unsigned int number; /* handle low half, and name in the log */
	uint64_t va, size, file_offset;
	uint64_t user; /* USERPTR: the program's address */
	uint32_t flags, gpu;
	uint32_t mapped; /* bit per GPU */
};

struct rp_vgpu_heap { /* extents of a memory file, first fit */
	struct rp_extent {
		uint64_t start, size;
	} * v; /* free ones, by start */
	size_t n, cap;
	uint64_t used, total;
};

RP_MUST_CHECK int rp_heap_init(struct rp_vgpu_heap *h, uint64_t start, uint64_t size);
RP_MUST_CHECK int rp_heap_take(
	struct rp_vgpu_heap *h, uint64_t size, uint64_t align, uint64_t *ret_start);
void rp_heap_give(struct rp_vgpu_heap *h, uint64_t start, uint64_t size);

/* ---- queues ---- */

enum rp_step { RP_STEP_RAN, RP_STEP_IDLE, RP_STEP_BLOCKED, RP_STEP_STOPPED };

struct rp_vgpu_queue {
	struct rp_vgpu *vgpu;
	unsigned int id, number; /* number: in order of creation, for the log */
	uint32_t gpu, type;
	uint64_t ring, ring_bytes, rptr_va, wptr_va;
	uint64_t amd_queue; /* GPU address of the amd_queue_t; AQL only */
	uint64_t save_area; /* the program's address of the context save area; 0: none */
	atomic_uint percentage; /* 0: suspended */
	uint32_t priority;
	uint32_t doorbell; /* slot */
	_Atomic uint64_t rptr; /* what we consumed: bytes (SDMA), packets (AQL) */
	bool scratch_asked, scratch_given_back;
	bool gws; /* global wave sync was asked for */
	atomic_bool stopped; /* after a fault or an error: nothing runs any more */
	atomic_bool die;
	volatile int cancel; /* a running kernel ends */
	pthread_t thread;
	pthread_mutex_t lock; /* of wake */
	pthread_cond_t wake;
	bool kicked;
	atomic_bool parked;
};

/* True if there is something that step could do. Any thread. */
bool rp_queue_pending(struct rp_vgpu_queue *q);
enum rp_step rp_sdma_step(struct rp_vgpu_queue *q);
enum rp_step rp_aql_step(struct rp_vgpu_queue *q);
/* A GPU access failed: reports it as the driver does and stops the queue. */
void rp_queue_fault(struct rp_vgpu_queue *q, const char *what, const struct rp_vgpu_fault *fault);
/* The queue met something that is not modelled: named at the end, the queue stops. */
void rp_queue_unmodelled(struct rp_vgpu_queue *q, const char *what, uint64_t value);

/* ---- dispatch ---- */

struct rp_vgpu_dispatch {
	struct rp_vgpu_queue *queue;
	const struct aql_dispatch *packet;
	uint64_t packet_va; /* for the dispatch_ptr user SGPRs */
};

/* Runs one kernel, or consumes it (execute off). RP_STEP_RAN, or RP_STEP_STOPPED after a fault. */
enum rp_step rp_cp_dispatch(struct rp_vgpu_dispatch *d);
/* Sets the queue's inactive signal: the runtime's error handler runs. 0 or -EFAULT. */
int rp_cp_inactive(struct rp_vgpu_queue *q, int64_t code, struct rp_vgpu_fault *fault);
/* Its value; 0: nothing is wrong. 0 or -EFAULT. */
int rp_cp_inactive_value(struct rp_vgpu_queue *q, int64_t *ret);
enum rp_step rp_execute(struct rp_vgpu_dispatch *d);
void rp_execute_summary(struct rp_vgpu *vgpu, struct rp_buf *ret);
/* Name of the kernel whose code starts at entry, by the ELF image in GPU memory; owned; NULL: not found. */
char *rp_loaded_kernel_name(struct rp_page_table *pt, uint64_t entry);

/* ---- the device ---- */

struct rp_vgpu_gpu {
	uint32_t id; /* gpu_id */
	int fd; /* DRM memory file */
	dev_t dev;
	ino_t ino;
	uint8_t *base; /* the whole file */
	struct rp_page_table pt;
	struct rp_vgpu_heap vram, gtt;
	uint64_t tba, tma, scratch_va;
	struct rp_exec *exec; /* NULL: no kernel came yet */
	bool vm_acquired;
	bool doorbell_used[DOORBELLS];
};

#define MAX_NOTES 64
#define MAX_STOPS 16

/* Where something happened first. */
struct rp_vgpu_place {
	char *kernel; /* owned; NULL: the name was not found */
	int64_t offset; /* of the instruction from the kernel's entry */
};

struct rp_vgpu {
	struct rp_vgpu_profile profile;
	struct rp_vgpu_log log;
	int kfd_fd;
	dev_t kfd_dev;
	ino_t kfd_ino;
	uint8_t *kfd_base;
	struct rp_vgpu_gpu gpu[RP_VGPU_MAX_GPUS];
	struct rp_vgpu_events events;
	pthread_mutex_t lock; /* of everything below, heaps and mem */
	struct rp_vgpu_mem **mem; /* by number, from 1; NULL: freed */
	size_t n_mem, cap_mem;
	struct rp_vgpu_queue **queues;
	size_t n_queues, cap_queues;
	unsigned int n_queues_created;
	atomic_uint n_live; /* queues */
	bool runtime_enabled;
	bool execute;
	enum rp_exec_hazards hazards;
	void (*say)(void *data, const char *text); /* may be NULL */
	void *say_data;
	/* of all kernels; under notes_lock */
	struct rp_exec_report report; /* count: owned; NULL: no report is wanted */
	uint64_t n_executed;
	struct rp_vgpu_place first_defect[RP_CHIP_FEATURE_MAX], first_hazard[RP_HAZARD_MAX];
	char *stops[MAX_STOPS]; /* what stopped kernels, a text each; owned */
	unsigned int n_stops;
	char *report_path; /* owned; NULL: none */
	char report_label[48];
	pthread_mutex_t report_lock;
	/* the thread that watches doorbells */
	pthread_t watcher;
	bool watcher_runs;
	pthread_mutex_t watch_lock;
	pthread_cond_t watch_wake;
	atomic_uint kicks;
	/* what is told at the end */
	atomic_ulong n_unexecuted, n_faults;
	pthread_mutex_t notes_lock;
	struct rp_note {
		char what[80];
		unsigned long n;
	} notes[MAX_NOTES];
	size_t n_notes;
};

/* Counts something unmodelled; what is told at the end. Takes no other lock while it holds its own. */
void rp_vgpu_note(struct rp_vgpu *vgpu, const char *fmt, ...) RP_PRINTF(2, 3);
/* Index of a gpu_id, or -1. */
int rp_vgpu_gpu_index(const struct rp_vgpu *vgpu, uint32_t gpu_id);
uint64_t rp_gpu_clock(void); /* the card's 100 MHz counter */
/* Something may have happened: the watcher looks at once. */
void rp_vgpu_kick(struct rp_vgpu *vgpu);

/* Handlers: args is the kernel's copy of the argument. 0 or -errno; text: what the log says of it. */
typedef int (*rp_kfd_handler)(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_alloc(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_free(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_map(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_unmap(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_available(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_svm(struct rp_vgpu *vgpu, uint64_t user, void *args, struct rp_buf *text);
int rp_kfd_create_queue(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_destroy_queue(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_update_queue(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_alloc_gws(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_cu_mask(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_create_event(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_destroy_event(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_set_event(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_reset_event(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_wait_events(struct rp_vgpu *vgpu, void *args, struct rp_buf *text);
int rp_kfd_ioctl(struct rp_vgpu *vgpu, unsigned long request, uint64_t user);
int rp_drm_ioctl(struct rp_vgpu *vgpu, unsigned int gpu, unsigned long request, uint64_t user);

#endif
