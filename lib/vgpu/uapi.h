/* SPDX-License-Identifier: MIT */
/*
 * The driver interface as bytes: KFD and amdgpu DRM calls, AQL queue and signal layouts.
 * Own declarations, because Debian 12's headers stop at KFD 1.11 and the DRM one needs libdrm.
 * Sources: linux/kfd_ioctl.h (KFD 1.17), libdrm amdgpu_drm.h 2.4.114, ROCR's amd_hsa_queue.h,
 * amd_hsa_signal.h, hsa.h, hsa_ven_amd packets. tests/vgpu compares with the headers that are installed.
 */
#ifndef RP_VGPU_UAPI_H
#define RP_VGPU_UAPI_H

#include <stdint.h>

enum {
	KFD_GET_VERSION = 0x01,
	KFD_CREATE_QUEUE = 0x02,
	KFD_DESTROY_QUEUE = 0x03,
	KFD_SET_MEMORY_POLICY = 0x04,
	KFD_GET_CLOCK_COUNTERS = 0x05,
	KFD_GET_PROCESS_APERTURES = 0x06,
	KFD_UPDATE_QUEUE = 0x07,
	KFD_CREATE_EVENT = 0x08,
	KFD_DESTROY_EVENT = 0x09,
	KFD_SET_EVENT = 0x0a,
	KFD_RESET_EVENT = 0x0b,
	KFD_WAIT_EVENTS = 0x0c,
	KFD_DBG_REGISTER = 0x0d,
	KFD_DBG_UNREGISTER = 0x0e,
	KFD_DBG_ADDRESS_WATCH = 0x0f,
	KFD_DBG_WAVE_CONTROL = 0x10,
	KFD_SET_SCRATCH_BACKING_VA = 0x11,
	KFD_GET_TILE_CONFIG = 0x12,
	KFD_SET_TRAP_HANDLER = 0x13,
	KFD_GET_PROCESS_APERTURES_NEW = 0x14,
	KFD_ACQUIRE_VM = 0x15,
	KFD_ALLOC_MEMORY = 0x16,
	KFD_FREE_MEMORY = 0x17,
	KFD_MAP_MEMORY = 0x18,
	KFD_UNMAP_MEMORY = 0x19,
	KFD_SET_CU_MASK = 0x1a,
	KFD_GET_QUEUE_WAVE_STATE = 0x1b,
	KFD_GET_DMABUF_INFO = 0x1c,
	KFD_IMPORT_DMABUF = 0x1d,
	KFD_ALLOC_QUEUE_GWS = 0x1e,
	KFD_SMI_EVENTS = 0x1f,
	KFD_SVM = 0x20,
	KFD_SET_XNACK_MODE = 0x21,
	KFD_CRIU_OP = 0x22,
	KFD_AVAILABLE_MEMORY = 0x23,
	KFD_EXPORT_DMABUF = 0x24,
	KFD_RUNTIME_ENABLE = 0x25,
	KFD_DBG_TRAP = 0x26,
};

#define KFD_QUEUE_COMPUTE	0u
#define KFD_QUEUE_SDMA		1u
#define KFD_QUEUE_AQL		2u
#define KFD_QUEUE_SDMA_XGMI	3u

#define KFD_MEM_VRAM		(1u << 0)
#define KFD_MEM_GTT		(1u << 1)
#define KFD_MEM_USERPTR		(1u << 2)
#define KFD_MEM_DOORBELL	(1u << 3)
#define KFD_MEM_MMIO		(1u << 4)
#define KFD_MEM_CONTIGUOUS	(1u << 23)
#define KFD_MEM_EXT_COHERENT	(1u << 24)
#define KFD_MEM_UNCACHED	(1u << 25)
#define KFD_MEM_COHERENT	(1u << 26)
#define KFD_MEM_AQL_QUEUE	(1u << 27)
#define KFD_MEM_NO_SUBSTITUTE	(1u << 28)
#define KFD_MEM_PUBLIC		(1u << 29)
#define KFD_MEM_EXECUTABLE	(1u << 30)
#define KFD_MEM_WRITABLE	(1u << 31)

#define KFD_EVENT_SIGNAL	0u
#define KFD_EVENT_HW_EXCEPTION	3u
#define KFD_EVENT_DEBUG		5u
#define KFD_EVENT_MEMORY	8u
#define KFD_SIGNAL_EVENTS	4096u /* slots of the events page, 8 bytes each */
#define KFD_FIRST_OTHER_EVENT	0x80000000u /* ids of events that are no signals */
#define KFD_WAIT_COMPLETE	0u
#define KFD_WAIT_TIMEOUT	1u
#define KFD_WAIT_FAIL		2u
#define KFD_FOREVER		0xfffffffeu /* and 0xffffffff */
#define KFD_EVENT_PAGE_TYPE	(UINT64_C(2) << 62) /* mmap type EVENTS: what the kernel returns */

#define KFD_SVM_PREFERRED_LOC	0u
#define KFD_SVM_PREFETCH_LOC	1u
#define KFD_SVM_ACCESS		2u
#define KFD_SVM_ACCESS_IN_PLACE 3u
#define KFD_SVM_NO_ACCESS	4u
#define KFD_SVM_SET_FLAGS	5u
#define KFD_SVM_CLR_FLAGS	6u
#define KFD_SVM_GRANULARITY	7u

struct kfd_version {
	uint32_t major, minor;
};

struct kfd_create_queue {
	uint64_t ring_base, write_pointer, read_pointer, doorbell_offset;
	uint32_t ring_size, gpu_id, queue_type, percentage, priority, queue_id;
	uint64_t eop_address, eop_size, save_address;
	uint32_t save_size, ctl_stack_size;
};

struct kfd_queue_id {
	uint32_t queue_id, pad;
};

struct kfd_update_queue {
	uint64_t ring_base;
	uint32_t queue_id, ring_size, percentage, priority;
};

struct kfd_cu_mask {
	uint32_t queue_id, num_cu_mask;
	uint64_t mask;
};

struct kfd_memory_policy {
	uint64_t alternate_base, alternate_size;
	uint32_t gpu_id, default_policy, alternate_policy, pad;
};

struct kfd_clock_counters {
	uint64_t gpu, cpu, system, system_freq;
	uint32_t gpu_id, pad;
};

struct kfd_apertures {
	uint64_t lds_base, lds_limit, scratch_base, scratch_limit, gpuvm_base, gpuvm_limit;
	uint32_t gpu_id, pad;
};

struct kfd_apertures_old {
	struct kfd_apertures v[7];
	uint32_t n, pad;
};

struct kfd_apertures_new {
	uint64_t array;
	uint32_t n, pad;
};

struct kfd_create_event {
	uint64_t page_offset;
	uint32_t trigger_data, type, auto_reset, node_id, event_id, slot;
};

struct kfd_event_id {
	uint32_t event_id, pad;
};

struct kfd_memory_exception {
	uint32_t not_present, read_only, no_execute, imprecise;
	uint64_t va;
	uint32_t gpu_id, error_type;
};

struct kfd_event_data {
	union {
		struct kfd_memory_exception memory;
		uint64_t last_event_age; /* KFD 1.14: signal events */
	};
	uint64_t ext;
	uint32_t event_id, pad;
};

struct kfd_wait_events {
	uint64_t events;
	uint32_t n, all, timeout_ms, result;
};

struct kfd_va_gpu {
	uint64_t va;
	uint32_t gpu_id, pad;
};

struct kfd_tile_config {
	uint64_t tiles, macro_tiles;
	uint32_t n_tiles, n_macro_tiles, gpu_id, gb_addr_config, banks, ranks;
};

struct kfd_trap_handler {
	uint64_t tba, tma;
	uint32_t gpu_id, pad;
};

struct kfd_acquire_vm {
	uint32_t drm_fd, gpu_id;
};

struct kfd_alloc_memory {
	uint64_t va, size, handle, mmap_offset;
	uint32_t gpu_id, flags;
};

struct kfd_map_memory { /* MAP and UNMAP */
	uint64_t handle, devices;
	uint32_t n, n_success;
};

struct kfd_gws {
	uint32_t queue_id, n, first, pad;
};

struct kfd_smi {
	uint32_t gpu_id, fd;
};

struct kfd_svm_attribute {
	uint32_t type, value;
};

struct kfd_svm {
	uint64_t start, size;
	uint32_t op, n; /* n attributes follow */
};

struct kfd_available_memory {
	uint64_t available;
	uint32_t gpu_id, pad;
};

struct kfd_runtime_enable {
	uint64_t r_debug;
	uint32_t mode, capabilities;
};

enum {
	DRM_VERSION = 0x00,
	DRM_GET_CLIENT = 0x05,
	DRM_AMDGPU_INFO = 0x45,
};

struct drm_version_args {
	int32_t major, minor, patch, pad;
	uint64_t name_len, name, date_len, date, desc_len, desc;
};

struct drm_client_args {
	int32_t idx, auth;
	uint64_t pid, uid, magic, iocs;
};

struct drm_info_args {
	uint64_t pointer;
	uint32_t size, query;
	uint32_t rest[4];
};

#define DRM_INFO_ACCEL_WORKING 0x00u
#define DRM_INFO_HW_IP_COUNT   0x03u
#define DRM_INFO_READ_MMR_REG  0x15u
#define DRM_INFO_DEV_INFO      0x16u
#define DRM_INFO_MEMORY	       0x19u
#define DRM_INFO_VRAM_GTT      0x14u

/* struct drm_amdgpu_info_device up to tcc_disabled_mask (368 bytes), as libdrm 2.4.114 has it. */
struct drm_dev_info {
	uint32_t device_id, chip_rev, external_rev, pci_rev, family, engines, arrays_per_engine;
	uint32_t counter_khz;
	uint64_t max_engine_khz, max_memory_khz;
	uint32_t cu_active, cu_ao_mask, cu_bitmap[4][4];
	uint32_t rb_mask, rb_pipes, hw_contexts, pad;
	uint64_t ids_flags, va_offset, va_max;
	uint32_t va_alignment, pte_fragment_size, gart_page_size, ce_ram_size, vram_type, vram_bits;
	uint32_t vce_harvest, gc_double_offchip;
	uint64_t ngg_addr[4];
	uint32_t ngg_size[4], wave_size, visible_vgprs, cus_per_array, tcc_blocks;
	uint32_t gs_vgt_depth, gs_prim_depth, gs_waves, pad1, cu_ao_bitmap[4][4];
	uint64_t high_va_offset, high_va_max;
	uint32_t tile_steering, pad2;
	uint64_t tcc_disabled_mask;
};

/* amd_queue_t: byte offsets. CREATE_QUEUE passes the addresses of the two indices. */
#define AQL_QUEUE_WRITE_INDEX	  0x38
#define AQL_QUEUE_READ_INDEX	  0x80
#define AQL_QUEUE_SCRATCH_ADDRESS 160
#define AQL_QUEUE_INACTIVE_SIGNAL 192

/* amd_signal_t: byte offsets. */
#define SIGNAL_VALUE		 8
#define SIGNAL_MAILBOX		 16
#define SIGNAL_EVENT_ID		 24
#define SIGNAL_START		 32
#define SIGNAL_END		 40

#define AQL_PACKET		 64
#define AQL_TYPE_VENDOR		 0u
#define AQL_TYPE_INVALID	 1u
#define AQL_TYPE_DISPATCH	 2u
#define AQL_TYPE_BARRIER_AND	 3u
#define AQL_TYPE_AGENT		 4u
#define AQL_TYPE_BARRIER_OR	 5u
#define AQL_FORMAT_PM4_IB	 1u
#define AQL_FORMAT_BARRIER_VALUE 2u

struct aql_dispatch {
	uint16_t header, setup, wg[3], pad;
	uint32_t grid[3], private_bytes, group_bytes;
	uint64_t kernel_object, kernarg, pad2, completion;
};

struct aql_barrier {
	uint16_t header, pad[3];
	uint64_t dep[5], pad2, completion;
};

struct aql_barrier_value {
	uint16_t header;
	uint8_t format, pad;
	uint32_t pad1;
	uint64_t signal;
	int64_t value, mask;
	uint32_t condition, pad2;
	uint64_t pad3, pad4, completion;
};

struct aql_pm4_ib {
	uint16_t header;
	uint8_t format, pad;
	uint32_t ib_packet[4], dw_count;
	uint32_t pad1[8];
	uint64_t completion;
};

_Static_assert(sizeof(struct kfd_create_queue) == 88, "layout");
_Static_assert(sizeof(struct kfd_event_data) == 48, "layout");
_Static_assert(sizeof(struct kfd_alloc_memory) == 40, "layout");
_Static_assert(sizeof(struct kfd_tile_config) == 40, "layout");
_Static_assert(sizeof(struct drm_dev_info) == 368, "layout");
_Static_assert(sizeof(struct drm_info_args) == 32, "layout");
_Static_assert(sizeof(struct aql_dispatch) == AQL_PACKET, "layout");
_Static_assert(sizeof(struct aql_barrier) == AQL_PACKET, "layout");
_Static_assert(sizeof(struct aql_barrier_value) == AQL_PACKET, "layout");
_Static_assert(sizeof(struct aql_pm4_ib) == AQL_PACKET, "layout");

#endif
