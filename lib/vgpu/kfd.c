/* SPDX-License-Identifier: MIT */
/*
 * The calls of /dev/kfd: a table of all numbers of KFD 1.17, the small handlers, and what is said of
 * each in the log. Answers and errors are those of Linux 6.12 amdkfd/kfd_chardev.c; a number that
 * the profile's KFD version does not have is ENOTTY.
 */
#include "vgpu/internal.h"

#include <inttypes.h>
#include <sys/ioctl.h>

#define MAX_ARGS 512

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t rp_gpu_clock(void)
{
	return clock_ns(CLOCK_MONOTONIC_RAW) / 10;
}

static int get_version(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	struct kfd_version *a = (struct kfd_version *)args;

	a->major = 1;
	a->minor = vgpu->profile.kfd_minor;
	rp_buf_addf(text, "-> 1.%" PRIu32, a->minor);
	return 0;
}

/* Says the GPU; -EINVAL: unknown id. */
static int which_gpu(struct rp_vgpu *vgpu, uint32_t gpu_id, struct rp_buf *text)
{
	int gpu = rp_vgpu_gpu_index(vgpu, gpu_id);

	rp_buf_addf(text, "gpu=%d", gpu + 1);
	return gpu < 0 ? -EINVAL : gpu;
}

static int set_memory_policy(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	const struct kfd_memory_policy *a = (const struct kfd_memory_policy *)args;
	int gpu = which_gpu(vgpu, a->gpu_id, text);

	rp_buf_addf(text, " default=%s alternate=%s",
		a->default_policy ? "noncoherent" : "coherent",
		a->alternate_policy ? "noncoherent" : "coherent");
	return a->default_policy > 1 || a->alternate_policy > 1 ? -EINVAL : gpu < 0 ? gpu : 0;
}

static int get_clock_counters(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	struct kfd_clock_counters *a = (struct kfd_clock_counters *)args;

	/* the kernel answers for an unknown GPU too, with a GPU counter of 0 */
	a->gpu = which_gpu(vgpu, a->gpu_id, text) < 0 ? 0 : rp_gpu_clock();
	a->cpu = clock_ns(CLOCK_MONOTONIC_RAW);
	a->system = clock_ns(CLOCK_BOOTTIME);
	a->system_freq = 1000000000;
	return 0;
}

/* Addresses with which gfx9 and later see LDS and scratch: kfd_flat_memory.c, and 47 bits of user space. */
static struct kfd_apertures apertures_of(const struct rp_vgpu *vgpu, uint32_t gpu)
{
	return (struct kfd_apertures){
		.lds_base = UINT64_C(1) << 48,
		.lds_limit = (UINT64_C(1) << 48) + UINT32_MAX,
		.scratch_base = UINT64_C(2) << 48,
		.scratch_limit = (UINT64_C(2) << 48) + UINT32_MAX,
		.gpuvm_base = 0x10000,
		.gpuvm_limit = (UINT64_C(1) << 47) - 1,
		.gpu_id = vgpu->gpu[gpu].id,
	};
}

static int get_apertures(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	struct kfd_apertures_old *a = (struct kfd_apertures_old *)args;

	memset(a, 0, sizeof(*a));
	for (a->n = 0; a->n < vgpu->profile.gpus; a->n++)
		a->v[a->n] = apertures_of(vgpu, a->n);
	rp_buf_addf(text, "-> nodes=%" PRIu32, a->n);
	return 0;
}

static int get_apertures_new(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	struct kfd_apertures_new *a = (struct kfd_apertures_new *)args;
	struct kfd_apertures v[RP_VGPU_MAX_GPUS];
	uint32_t n = vgpu->profile.gpus;

	if (a->n == 0) { /* asks how many */
		a->n = n;
		rp_buf_addf(text, "-> nodes=%" PRIu32, n);
		return 0;
	}
	n = a->n < n ? a->n : n;
	for (uint32_t i = 0; i < n; i++)
		v[i] = apertures_of(vgpu, i);
	a->n = n;
	rp_buf_addf(text, "-> nodes=%" PRIu32, n);
	return rp_user_write(a->array, v, n * sizeof(v[0]));
}

static int set_scratch(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	const struct kfd_va_gpu *a = (const struct kfd_va_gpu *)args;
	int gpu = which_gpu(vgpu, a->gpu_id, text);

	if (gpu < 0)
		return gpu;
	(void)pthread_mutex_lock(&vgpu->lock);
	vgpu->gpu[gpu].scratch_va = a->va;
	(void)pthread_mutex_unlock(&vgpu->lock);
	return 0;
}

static int set_trap_handler(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	const struct kfd_trap_handler *a = (const struct kfd_trap_handler *)args;
	int gpu = which_gpu(vgpu, a->gpu_id, text);

	rp_buf_addf(text, " tba=%s tma=%s", a->tba ? "set" : "0", a->tma ? "set" : "0");
	if (gpu < 0)
		return gpu;
	(void)pthread_mutex_lock(&vgpu->lock);
	vgpu->gpu[gpu].tba = a->tba;
	vgpu->gpu[gpu].tma = a->tma;
	(void)pthread_mutex_unlock(&vgpu->lock);
	return 0;
}

static int get_tile_config(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	struct kfd_tile_config *a = (struct kfd_tile_config *)args;
	int gpu = which_gpu(vgpu, a->gpu_id, text);

	if (gpu < 0)
		return gpu;
	a->n_tiles = a->n_macro_tiles = 0; /* gfx9 and later have no such tables */
	a->gb_addr_config = vgpu->profile.gb_addr_config;
	a->banks = a->ranks = 0;
	return 0;
}

static int acquire_vm(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	const struct kfd_acquire_vm *a = (const struct kfd_acquire_vm *)args;
	int gpu = which_gpu(vgpu, a->gpu_id, text);
	unsigned int node_gpu = 0;
	bool foreign = false;

	if (gpu < 0)
		return gpu;
	if (rp_vgpu_node_of_fd(vgpu, (int)a->drm_fd, &node_gpu, &foreign) != RP_VGPU_DRM ||
		foreign || node_gpu != (unsigned int)gpu)
		return -EINVAL;
	(void)pthread_mutex_lock(&vgpu->lock);
	vgpu->gpu[gpu].vm_acquired = true;
	(void)pthread_mutex_unlock(&vgpu->lock);
	return 0;
}

static int smi_events(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	(void)which_gpu(vgpu, ((struct kfd_smi *)args)->gpu_id, text);
	rp_vgpu_note(vgpu, "SMI events");
	return -EINVAL;
}

static int set_xnack_mode(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	int32_t *mode = (int32_t *)args;

	(void)vgpu;
	rp_buf_addf(text, "mode=%" PRId32, *mode);
	if (*mode > 0)
		return -EPERM; /* gfx10 has no retry of faults */
	*mode = 0;
	return 0;
}

static int runtime_enable(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	struct kfd_runtime_enable *a = (struct kfd_runtime_enable *)args;
	bool enable = a->mode & 1;
	int r = 0;

	rp_buf_addf(text, "mode=%s%s", enable ? "enable" : "disable", a->mode & 2 ? "|ttmp" : "");
	(void)pthread_mutex_lock(&vgpu->lock);
	if (enable == vgpu->runtime_enabled) /* kfd_ioctl_runtime_enable */
		r = enable ? -EBUSY : -EINVAL;
	else
		vgpu->runtime_enabled = enable;
	(void)pthread_mutex_unlock(&vgpu->lock);
	a->capabilities = 0;
	return r;
}

/* What the number of calls, or their place among others, depends on is when things happen. */
#define TIMING true

static const struct call {
	const char *name;
	uint16_t size;
	bool timing;
	uint8_t since; /* KFD 1.x */
	int fails; /* no handler: this error, named at the end unless the driver gives it as well */
	bool as_driver;
	rp_kfd_handler fn;
} calls[] = {
	[KFD_GET_VERSION] = { "get_version", sizeof(struct kfd_version), .fn = get_version },
	[KFD_CREATE_QUEUE] = { "create_queue", sizeof(struct kfd_create_queue),
		.fn = rp_kfd_create_queue },
	[KFD_DESTROY_QUEUE] = { "destroy_queue", sizeof(struct kfd_queue_id),
		.fn = rp_kfd_destroy_queue },
	[KFD_SET_MEMORY_POLICY] = { "set_memory_policy", sizeof(struct kfd_memory_policy),
		.fn = set_memory_policy },
	[KFD_GET_CLOCK_COUNTERS] = { "get_clock_counters", sizeof(struct kfd_clock_counters),
		TIMING, .fn = get_clock_counters },
	[KFD_GET_PROCESS_APERTURES] = { "get_process_apertures", sizeof(struct kfd_apertures_old),
		.fn = get_apertures },
	[KFD_UPDATE_QUEUE] = { "update_queue", sizeof(struct kfd_update_queue),
		.fn = rp_kfd_update_queue },
	[KFD_CREATE_EVENT] = { "create_event", sizeof(struct kfd_create_event),
		.fn = rp_kfd_create_event },
	[KFD_DESTROY_EVENT] = { "destroy_event", sizeof(struct kfd_event_id),
		.fn = rp_kfd_destroy_event },
	[KFD_SET_EVENT] = { "set_event", sizeof(struct kfd_event_id), TIMING,
		.fn = rp_kfd_set_event },
	[KFD_RESET_EVENT] = { "reset_event", sizeof(struct kfd_event_id), TIMING,
		.fn = rp_kfd_reset_event },
	[KFD_WAIT_EVENTS] = { "wait_events", sizeof(struct kfd_wait_events), TIMING,
		.fn = rp_kfd_wait_events },
	[KFD_DBG_REGISTER] = { "dbg_register", 8, .fails = -EPERM, .as_driver = true },
	[KFD_DBG_UNREGISTER] = { "dbg_unregister", 8, .fails = -EPERM, .as_driver = true },
	[KFD_DBG_ADDRESS_WATCH] = { "dbg_address_watch", 16, .fails = -EPERM, .as_driver = true },
	[KFD_DBG_WAVE_CONTROL] = { "dbg_wave_control", 16, .fails = -EPERM, .as_driver = true },
	[KFD_SET_SCRATCH_BACKING_VA] = { "set_scratch_backing_va", sizeof(struct kfd_va_gpu),
		.fn = set_scratch },
	[KFD_GET_TILE_CONFIG] = { "get_tile_config", sizeof(struct kfd_tile_config),
		.fn = get_tile_config },
	[KFD_SET_TRAP_HANDLER] = { "set_trap_handler", sizeof(struct kfd_trap_handler),
		.fn = set_trap_handler },
	[KFD_GET_PROCESS_APERTURES_NEW] = { "get_process_apertures_new",
		sizeof(struct kfd_apertures_new), .fn = get_apertures_new },
	[KFD_ACQUIRE_VM] = { "acquire_vm", sizeof(struct kfd_acquire_vm), .fn = acquire_vm },
	[KFD_ALLOC_MEMORY] = { "alloc_memory", sizeof(struct kfd_alloc_memory),
		.fn = rp_kfd_alloc },
	[KFD_FREE_MEMORY] = { "free_memory", 8, .fn = rp_kfd_free },
	[KFD_MAP_MEMORY] = { "map_memory", sizeof(struct kfd_map_memory), .fn = rp_kfd_map },
	[KFD_UNMAP_MEMORY] = { "unmap_memory", sizeof(struct kfd_map_memory), .fn = rp_kfd_unmap },
	[KFD_SET_CU_MASK] = { "set_cu_mask", sizeof(struct kfd_cu_mask), .fn = rp_kfd_cu_mask },
	[KFD_GET_QUEUE_WAVE_STATE] = { "get_queue_wave_state", 24, .fails = -EINVAL },
	[KFD_GET_DMABUF_INFO] = { "get_dmabuf_info", 32, .fails = -EINVAL },
	[KFD_IMPORT_DMABUF] = { "import_dmabuf", 24, .fails = -EINVAL },
	[KFD_ALLOC_QUEUE_GWS] = { "alloc_queue_gws", sizeof(struct kfd_gws),
		.fn = rp_kfd_alloc_gws },
	[KFD_SMI_EVENTS] = { "smi_events", sizeof(struct kfd_smi), .fn = smi_events },
	[KFD_SVM] = { "svm", sizeof(struct kfd_svm) },
	[KFD_SET_XNACK_MODE] = { "set_xnack_mode", 4, .fn = set_xnack_mode },
	[KFD_CRIU_OP] = { "criu_op", 56, .fails = -EPERM },
	[KFD_AVAILABLE_MEMORY] = { "available_memory", sizeof(struct kfd_available_memory),
		.fn = rp_kfd_available },
	[KFD_EXPORT_DMABUF] = { "export_dmabuf", 16, .since = 12, .fails = -EINVAL },
	[KFD_RUNTIME_ENABLE] = { "runtime_enable", sizeof(struct kfd_runtime_enable), .since = 13,
		.fn = runtime_enable },
	[KFD_DBG_TRAP] = { "dbg_trap", 32, .since = 13, .fails = -EPERM },
};

static void say(struct rp_vgpu *vgpu, const char *name, bool timing, struct rp_buf *text, int r)
{
	if (!rp_log_on(&vgpu->log))
		return;
	rp_log_linef(&vgpu->log, timing, "kfd %s%s%s%s%s", name, text->n ? " " : "",
		rp_buf_cstr(text), r < 0 ? " failed=" : "", r < 0 ? rp_log_errno(r) : "");
}

int rp_kfd_ioctl(struct rp_vgpu *vgpu, unsigned long request, uint64_t user)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	uint64_t args[MAX_ARGS / 8] = { 0 };
	unsigned int nr = _IOC_NR(request);
	size_t user_size = _IOC_SIZE(request), n;
	const struct call *c = nr < RP_ARRAY_SIZE(calls) && calls[nr].name ? &calls[nr] : NULL;
	int r;

	if (!c || c->since > vgpu->profile.kfd_minor) {
		if (c)
			rp_buf_addf(&text, "call=%s", c->name);
		else
			rp_buf_addf(&text, "nr=0x%02x size=%zu", nr, user_size);
		if (!c)
			rp_vgpu_note(vgpu,
				"KFD call number 0x%02x, which upstream drivers do not have either",
				nr);
		say(vgpu, "unknown", false, &text, -ENOTTY);
		return -ENOTTY;
	}
	_Static_assert(sizeof(struct kfd_apertures_old) <= MAX_ARGS, "room for every argument");
	n = user_size < c->size ? user_size : c->size;
	if (n > 0 && rp_user_read(args, user, n) < 0) {
		r = -EFAULT;
	} else if (nr == KFD_SVM) {
		r = rp_kfd_svm(vgpu, user, args, &text);
	} else if (c->fn) {
		r = c->fn(vgpu, args, &text);
	} else {
		r = c->fails;
		if (!c->as_driver)
			rp_vgpu_note(vgpu, "KFD call %s", c->name);
	}
	/* as the kernel: written back even after an error, for n_success */
	if (n > 0 && r != -EFAULT && (_IOC_DIR(request) & _IOC_READ) &&
		rp_user_write(user, args, n) < 0)
		r = -EFAULT;
	say(vgpu, c->name, c->timing, &text, r);
	return r;
}
