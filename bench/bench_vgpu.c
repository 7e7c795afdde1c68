/* SPDX-License-Identifier: MIT */
/*
 * Speed of the virtual card's copy path, as a ratio to memcpy of the same bytes in the same run: program
 * memory to VRAM and back, through an SDMA queue; and the time from a doorbell to the fence of an idle queue.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "vgpu/internal.h"

#define TOTAL (UINT64_C(1) << 30)
#define PIECE (UINT64_C(4) << 20)

static struct rp_vgpu *vgpu;
static uint64_t *wptr, *rptr;
static uint32_t *ring, *fence;

static double now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int kfd(unsigned int nr, void *args, size_t size)
{
	return rp_vgpu_ioctl(
		vgpu, RP_VGPU_KFD, 0, false, _IOC(_IOC_READ | _IOC_WRITE, 'K', nr, size), args);
}

static uint64_t allocate(uint32_t flags, uint64_t va, uint64_t size)
{
	uint32_t id = vgpu->gpu[0].id;
	struct kfd_alloc_memory a = { va, size, 0, va, id, flags | KFD_MEM_WRITABLE };
	struct kfd_map_memory m = { 0, (uint64_t)(uintptr_t)&id, 1, 0 };

	if (kfd(KFD_ALLOC_MEMORY, &a, sizeof(a)) < 0)
		return 0;
	m.handle = a.handle;
	return kfd(KFD_MAP_MEMORY, &m, sizeof(m)) < 0 ? 0 : va;
}

static void *user(uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && allocate(KFD_MEM_USERPTR, (uint64_t)(uintptr_t)p, size) ? p
											  : NULL;
}

static void put(const uint32_t *packet, size_t dwords)
{
	uint64_t at = *wptr;

	for (size_t i = 0; i < dwords; i++)
		ring[(at / 4 + i) % 65536] = packet[i];
	__atomic_store_n(wptr, at + dwords * 4, __ATOMIC_RELEASE);
}

static double copy(uint64_t dst, uint64_t src)
{
	double start = now_s();

	for (uint64_t at = 0; at < TOTAL; at += PIECE) {
		const uint32_t p[] = { 1, (uint32_t)PIECE - 1, 0, (uint32_t)(src + at),
			(uint32_t)((src + at) >> 32), (uint32_t)(dst + at),
			(uint32_t)((dst + at) >> 32) };

		put(p, 7);
	}
	rp_vgpu_kick(vgpu);
	while (__atomic_load_n(rptr, __ATOMIC_ACQUIRE) != *wptr)
		(void)usleep(50);
	return now_s() - start;
}

static double latency(unsigned int rest_ms)
{
	double sum = 0;

	for (uint32_t i = 1; i <= 20; i++) {
		uint64_t va = (uint64_t)(uintptr_t)fence;
		const uint32_t p[] = { 5, (uint32_t)va, (uint32_t)(va >> 32), i };
		double start;

		(void)usleep(rest_ms * 1000);
		start = now_s();
		put(p, 4);
		while (__atomic_load_n(fence, __ATOMIC_ACQUIRE) != i)
			;
		sum += now_s() - start;
	}
	return sum / 20;
}

static int start(const char *profiles)
{
	struct rp_vgpu_profile profile;
	struct rp_vgpu_options options = { &profile, NULL };
	struct kfd_create_queue q = {
		.ring_size = 65536 * 4, .queue_type = KFD_QUEUE_SDMA, .percentage = 100
	};
	struct kfd_acquire_vm vm;

	if (rp_vgpu_profile_load(AT_FDCWD, profiles, "rx-5600-xt", &profile, NULL) < 0 ||
		rp_vgpu_open(&options, &vgpu, NULL) < 0)
		return 1;
	vm = (struct kfd_acquire_vm){ (uint32_t)rp_vgpu_node_open(vgpu, RP_VGPU_DRM, 0, O_CLOEXEC),
		vgpu->gpu[0].id };
	if (kfd(KFD_ACQUIRE_VM, &vm, sizeof(vm)) < 0)
		return 1;
	ring = (uint32_t *)user(65536 * 4);
	wptr = (uint64_t *)user(4096);
	fence = (uint32_t *)user(4096);
	if (!ring || !wptr || !fence)
		return 1;
	rptr = wptr + 1;
	q.gpu_id = vgpu->gpu[0].id;
	q.ring_base = (uint64_t)(uintptr_t)ring;
	q.write_pointer = (uint64_t)(uintptr_t)wptr;
	q.read_pointer = (uint64_t)(uintptr_t)rptr;
	return kfd(KFD_CREATE_QUEUE, &q, sizeof(q)) < 0;
}

int main(int argc, char **argv)
{
	double best[3] = { 1e9, 1e9, 1e9 };
	const uint64_t vram = UINT64_C(1) << 40;
	uint8_t *a, *b;

	if (argc < 2 || start(argv[1]))
		return 1;
	a = (uint8_t *)user(TOTAL);
	b = (uint8_t *)user(TOTAL);
	if (!a || !b || !allocate(KFD_MEM_VRAM, vram, TOTAL))
		return 1;
	memset(a, 1, TOTAL);
	memset(b, 2, TOTAL);
	for (int i = 0; i < 4; i++) {
		double t[3], begin = now_s();

		memcpy(b, a, TOTAL);
		t[0] = now_s() - begin;
		t[1] = copy(vram, (uint64_t)(uintptr_t)a);
		t[2] = copy((uint64_t)(uintptr_t)b, vram);
		for (int k = 0; k < 3; k++)
			best[k] = t[k] < best[k] ? t[k] : best[k];
	}
	printf("1 GiB by SDMA: to VRAM %.2f, from VRAM %.2f of memcpy's speed (%.1f GB/s)\n",
		best[0] / best[1], best[0] / best[2], (double)TOTAL / best[0] / 1e9);
	printf("doorbell to fence: %.0f us after 1 ms, %.0f us after 50 ms, %.0f us after 400 ms "
	       "without work\n",
		latency(1) * 1e6, latency(50) * 1e6, latency(400) * 1e6);
	return 0;
}
