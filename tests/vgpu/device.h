/* SPDX-License-Identifier: MIT */
/* A virtual card for unit tests, driven by the calls that ROCR would make. */
#ifndef RP_TESTS_VGPU_DEVICE_H
#define RP_TESTS_VGPU_DEVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vgpu/internal.h"

struct device {
	struct rp_vgpu_profile profile;
	struct rp_vgpu *vgpu;
	int kfd, drm;
	uint32_t gpu_id;
};

/* A device lives as long as its process: kept reachable for the leak check. */
static struct rp_vgpu *opened[64];
static size_t n_opened;

static inline int kfd_call(struct device *d, unsigned int nr, size_t size, void *args)
{
	return rp_vgpu_ioctl(
		d->vgpu, RP_VGPU_KFD, 0, false, _IOC(_IOC_READ | _IOC_WRITE, 'K', nr, size), args);
}

#define KFD(d, nr, args) kfd_call((d), (nr), sizeof(*(args)), (args))

static inline void device_open_with(
	struct device *d, const char *spec, const struct rp_vgpu_options *o)
{
	struct rp_error err = RP_ERROR_INIT;
	struct rp_vgpu_options options = *o;
	struct kfd_acquire_vm vm;

	options.profile = &d->profile;
	if (rp_vgpu_profile_load(AT_FDCWD, PROFILES, spec, &d->profile, &err) < 0)
		fail_msg("%s", err.text);
	if (rp_vgpu_open(&options, &d->vgpu, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(n_opened < RP_ARRAY_SIZE(opened));
	opened[n_opened++] = d->vgpu;
	d->kfd = rp_vgpu_node_open(d->vgpu, RP_VGPU_KFD, 0, O_CLOEXEC);
	d->drm = rp_vgpu_node_open(d->vgpu, RP_VGPU_DRM, 0, O_CLOEXEC);
	assert_true(d->kfd >= 0 && d->drm >= 0);
	d->gpu_id = d->vgpu->gpu[0].id;
	vm = (struct kfd_acquire_vm){ (uint32_t)d->drm, d->gpu_id };
	assert_int_equal(KFD(d, KFD_ACQUIRE_VM, &vm), 0);
}

static inline void device_open(struct device *d, const char *spec)
{
	const struct rp_vgpu_options options = { .execute = false };

	device_open_with(d, spec, &options);
}

static inline int map_handle(struct device *d, unsigned int nr, uint64_t handle)
{
	struct kfd_map_memory m = { handle, (uint64_t)(uintptr_t)&d->gpu_id, 1, 0 };

	return KFD(d, nr, &m);
}

/* Program memory, mapped at the same address. */
static inline void *user_memory(struct device *d, size_t size, uint64_t *ret_handle)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kfd_alloc_memory a = { .va = (uint64_t)(uintptr_t)p,
		.size = size,
		.mmap_offset = (uint64_t)(uintptr_t)p,
		.gpu_id = d->gpu_id,
		.flags = KFD_MEM_USERPTR | KFD_MEM_WRITABLE | KFD_MEM_EXECUTABLE |
			 KFD_MEM_COHERENT };

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(KFD(d, KFD_ALLOC_MEMORY, &a), 0);
	assert_int_equal(map_handle(d, KFD_MAP_MEMORY, a.handle), 0);
	if (ret_handle)
		*ret_handle = a.handle;
	return p;
}

/* VRAM or GTT at va; ret_cpu: where the program maps it, as libhsakmt does. */
static inline uint64_t card_memory(
	struct device *d, uint32_t flags, uint64_t va, size_t size, uint8_t **ret_cpu)
{
	struct kfd_alloc_memory a = {
		.va = va, .size = size, .gpu_id = d->gpu_id, .flags = flags | KFD_MEM_WRITABLE
	};

	assert_int_equal(KFD(d, KFD_ALLOC_MEMORY, &a), 0);
	assert_int_equal(map_handle(d, KFD_MAP_MEMORY, a.handle), 0);
	if (ret_cpu) {
		*ret_cpu = (uint8_t *)mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, d->drm,
			(off_t)a.mmap_offset);
		assert_ptr_not_equal(*ret_cpu, MAP_FAILED);
	}
	return a.handle;
}

struct ring {
	uint8_t *ring;
	uint64_t *rptr, *wptr; /* SDMA: bytes; AQL: packets */
	volatile uint64_t *doorbell;
	uint32_t bytes, id;
	uint8_t *queue; /* AQL: amd_queue_t */
};

static inline void ring_open(struct device *d, struct ring *r, uint32_t type, uint32_t bytes)
{
	struct kfd_create_queue c = { .ring_size = bytes,
		.gpu_id = d->gpu_id,
		.queue_type = type,
		.percentage = 100,
		.priority = 7 };
	uint8_t *page = (uint8_t *)user_memory(d, 4096, NULL);

	r->ring = (uint8_t *)user_memory(d, bytes < 4096 ? 4096 : bytes, NULL);
	r->bytes = bytes;
	r->queue = page;
	r->wptr = (uint64_t *)(void *)(page + AQL_QUEUE_WRITE_INDEX);
	r->rptr = (uint64_t *)(void *)(page + AQL_QUEUE_READ_INDEX);
	for (uint32_t i = 0; type == KFD_QUEUE_AQL && i < bytes; i += AQL_PACKET)
		r->ring[i] = AQL_TYPE_INVALID;
	c.ring_base = (uint64_t)(uintptr_t)r->ring;
	c.write_pointer = (uint64_t)(uintptr_t)r->wptr;
	c.read_pointer = (uint64_t)(uintptr_t)r->rptr;
	assert_int_equal(KFD(d, KFD_CREATE_QUEUE, &c), 0);
	r->id = c.queue_id;
	r->doorbell = (volatile uint64_t *)mmap(NULL, DOORBELL_BYTES, PROT_READ | PROT_WRITE,
		MAP_SHARED, d->kfd, (off_t)(c.doorbell_offset & ~(uint64_t)(DOORBELL_BYTES - 1)));
	assert_ptr_not_equal(r->doorbell, MAP_FAILED);
	r->doorbell += c.doorbell_offset % DOORBELL_BYTES / 8;
}

static inline void sdma_put(struct ring *r, const uint32_t *packet, size_t dwords)
{
	uint64_t at = *r->wptr;

	for (size_t i = 0; i < dwords; i++, at += 4)
		memcpy(r->ring + at % r->bytes, &packet[i], 4);
	__atomic_store_n(r->wptr, at, __ATOMIC_RELEASE);
	*r->doorbell = at;
}

static inline void aql_put(struct ring *r, const void *packet)
{
	uint64_t index = __atomic_fetch_add(r->wptr, 1, __ATOMIC_ACQ_REL);
	uint8_t *slot = r->ring + index * AQL_PACKET % r->bytes;
	uint16_t header;

	memcpy(&header, packet, 2);
	memcpy(slot + 2, (const uint8_t *)packet + 2, AQL_PACKET - 2);
	__atomic_store_n((uint16_t *)(void *)slot, header, __ATOMIC_RELEASE);
	*r->doorbell = index;
}

/* Waits (5 s) until *p is value. */
static inline bool wait_for(const uint64_t *p, uint64_t value)
{
	for (int i = 0; i < 50000; i++) {
		if (__atomic_load_n(p, __ATOMIC_ACQUIRE) == value)
			return true;
		(void)usleep(100);
	}
	return false;
}

static inline uint32_t lo(uint64_t v)
{
	return (uint32_t)v;
}

static inline uint32_t hi(uint64_t v)
{
	return (uint32_t)(v >> 32);
}

#endif
