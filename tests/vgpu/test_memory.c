/* SPDX-License-Identifier: MIT */
/* Page table and heaps, and KFD's memory calls: rights, edges, errors, memory that vanished. */
#include "device.h"

static void test_page_table(void **state)
{
	struct rp_vgpu_fault fault;
	struct rp_page_table pt;
	uint8_t host[4 * PAGE];
	struct rp_gpu_map m = { .va = 0x10000,
		.size = 4 * PAGE,
		.host = host,
		.file_offset = -1,
		.rights = RP_GPU_READ | RP_GPU_WRITE };

	(void)state;
	rp_pt_init(&pt);
	assert_int_equal(rp_pt_map(&pt, &m), 0);
	m.va += 3 * PAGE;
	assert_int_equal(rp_pt_map(&pt, &m), -EINVAL); /* overlaps */
	m.va = UINT64_MAX - PAGE + 1;
	assert_int_equal(rp_pt_map(&pt, &m), -EINVAL); /* wraps */
	assert_ptr_equal(rp_gpu_host(&pt, 0x10000 + PAGE, 8, RP_GPU_WRITE, &fault), host + PAGE);
	assert_null(rp_gpu_host(&pt, 0x10000, 8, RP_GPU_EXEC, &fault));
	assert_true(fault.present);
	assert_null(rp_gpu_host(
		&pt, 0x10000 + 4 * PAGE - 4, 8, RP_GPU_READ, &fault)); /* over the end */
	assert_int_equal(fault.va, 0x10000 + 4 * PAGE);
	/* a hole in the middle */
	assert_int_equal(rp_pt_unmap(&pt, 0x10000 + PAGE, PAGE), 0);
	assert_int_equal(pt.n, 2);
	assert_ptr_equal(rp_gpu_host(&pt, 0x10000, 8, RP_GPU_READ, &fault), host);
	assert_null(rp_gpu_host(&pt, 0x10000 + PAGE, 8, RP_GPU_READ, &fault));
	assert_false(fault.present);
	assert_ptr_equal(
		rp_gpu_host(&pt, 0x10000 + 2 * PAGE, 8, RP_GPU_READ, &fault), host + 2 * PAGE);
	/* ends on both sides */
	assert_int_equal(rp_pt_unmap(&pt, 0x10000 + 3 * PAGE, 100 * PAGE), 0);
	assert_null(rp_gpu_host(&pt, 0x10000 + 3 * PAGE, 8, RP_GPU_READ, &fault));
	assert_int_equal(rp_pt_unmap(&pt, 0, UINT64_MAX), 0);
	assert_int_equal(pt.n, 0);
	free(pt.v);
}

/* Against a model of one byte a page, random requests. */
static void test_heap(void **state)
{
	enum { PAGES = 512, ROUNDS = 20000 };
	static uint8_t used[PAGES];
	struct {
		uint64_t start, size;
	} live[64];
	struct rp_vgpu_heap h;
	size_t n = 0;
	uint32_t seed = 1;

	(void)state;
	assert_int_equal(rp_heap_init(&h, 0, PAGES * PAGE), 0);
	for (int round = 0; round < ROUNDS; round++) {
		seed = seed * 1664525 + 1013904223;
		if (n < 64 && (seed >> 16 & 1)) {
			uint64_t size = (1 + (seed >> 20) % 30) * PAGE, start = 0;
			uint64_t align = seed >> 17 & 1 ? 16 * PAGE : PAGE;

			if (rp_heap_take(&h, size, align, &start) < 0)
				continue;
			assert_int_equal(start % align, 0);
			assert_true(start + size <= PAGES * PAGE);
			for (uint64_t p = start / PAGE; p < (start + size) / PAGE; p++) {
				assert_int_equal(used[p], 0);
				used[p] = 1;
			}
			live[n].start = start;
			live[n++].size = size;
		} else if (n > 0) {
			size_t i = (seed >> 20) % n;

			memset(used + live[i].start / PAGE, 0, live[i].size / PAGE);
			rp_heap_give(&h, live[i].start, live[i].size);
			live[i] = live[--n];
		}
	}
	while (n > 0) {
		n--;
		rp_heap_give(&h, live[n].start, live[n].size);
	}
	assert_int_equal(h.n, 1); /* all joined again */
	assert_int_equal(h.v[0].size, PAGES * PAGE);
	assert_int_equal(h.used, 0);
	free(h.v);
}

static void test_calls(void **state)
{
	struct kfd_alloc_memory a = { .va = 0x200000, .size = 0x100000 };
	struct kfd_available_memory left = { 0 };
	struct kfd_map_memory m = { 0 };
	struct device d;
	uint64_t before, free_handle;

	(void)state;
	device_open(&d, "rx-5600-xt");
	a.gpu_id = 99;
	a.flags = KFD_MEM_VRAM | KFD_MEM_WRITABLE;
	assert_int_equal(KFD(&d, KFD_ALLOC_MEMORY, &a), -EINVAL);
	a.gpu_id = d.gpu_id;
	a.flags |= KFD_MEM_PUBLIC; /* the CPU does not see all of it on a small BAR */
	assert_int_equal(KFD(&d, KFD_ALLOC_MEMORY, &a), -EINVAL);
	a.flags &= ~KFD_MEM_PUBLIC;
	a.size = 0;
	assert_int_equal(KFD(&d, KFD_ALLOC_MEMORY, &a), -EINVAL);
	a.size = UINT64_C(7) << 30; /* the card has 6 GB */
	assert_int_equal(KFD(&d, KFD_ALLOC_MEMORY, &a), -ENOMEM);
	left.gpu_id = d.gpu_id;
	assert_int_equal(KFD(&d, KFD_AVAILABLE_MEMORY, &left), 0);
	before = left.available;
	a.size = 0x100000;
	assert_int_equal(KFD(&d, KFD_ALLOC_MEMORY, &a), 0);
	assert_int_equal(KFD(&d, KFD_AVAILABLE_MEMORY, &left), 0);
	assert_int_equal(left.available, before - 0x100000);
	m.handle = a.handle;
	assert_int_equal(KFD(&d, KFD_MAP_MEMORY, &m), -EINVAL); /* to no GPU */
	m.n = 1;
	m.devices = 8; /* a bad pointer */
	assert_int_equal(KFD(&d, KFD_MAP_MEMORY, &m), -EFAULT);
	assert_int_equal(map_handle(&d, KFD_MAP_MEMORY, a.handle + 1), -ENOMEM);
	assert_int_equal(map_handle(&d, KFD_MAP_MEMORY, a.handle), 0);
	free_handle = a.handle;
	assert_int_equal(kfd_call(&d, KFD_FREE_MEMORY, 8, &free_handle), -EBUSY);
	assert_int_equal(map_handle(&d, KFD_UNMAP_MEMORY, a.handle), 0);
	assert_int_equal(kfd_call(&d, KFD_FREE_MEMORY, 8, &free_handle), 0);
	assert_int_equal(kfd_call(&d, KFD_FREE_MEMORY, 8, &free_handle), -EINVAL);
	assert_int_equal(KFD(&d, KFD_AVAILABLE_MEMORY, &left), 0);
	assert_int_equal(left.available, before);
}

static void test_freed_is_zero(void **state)
{
	struct device d;
	uint64_t handle;
	uint8_t *cpu;

	(void)state;
	device_open(&d, "rx-6800-xt");
	handle = card_memory(&d, KFD_MEM_VRAM, 0x400000, PAGE, &cpu);
	memset(cpu, 0xaa, PAGE);
	assert_int_equal(map_handle(&d, KFD_UNMAP_MEMORY, handle), 0);
	assert_int_equal(kfd_call(&d, KFD_FREE_MEMORY, 8, &handle), 0);
	(void)card_memory(&d, KFD_MEM_VRAM, 0x400000, PAGE, &cpu);
	assert_int_equal(cpu[0], 0);
}

/* Copies between all kinds of memory, in pieces that cross mappings. */
static void test_copies(void **state)
{
	const size_t n = 3 * PAGE;
	uint8_t *user[2], *vram, *gtt;
	struct rp_vgpu_fault fault;
	struct rp_page_table *pt;
	struct device d;
	uint64_t va[4];

	(void)state;
	device_open(&d, "rx-5600-xt");
	pt = &d.vgpu->gpu[0].pt;
	user[0] = (uint8_t *)user_memory(&d, n, NULL);
	user[1] = (uint8_t *)user_memory(&d, n, NULL);
	(void)card_memory(&d, KFD_MEM_VRAM, 0x600000, n, &vram);
	(void)card_memory(&d, KFD_MEM_GTT, 0x600000 + n, n, &gtt); /* directly behind */
	va[0] = (uint64_t)(uintptr_t)user[0];
	va[1] = (uint64_t)(uintptr_t)user[1];
	va[2] = 0x600000;
	va[3] = 0x600000 + n;
	for (size_t i = 0; i < n; i++)
		user[0][i] = (uint8_t)(i * 7 + i / 256);
	for (unsigned int to = 1; to < 4; to++) {
		uint8_t *const host[] = { user[0], user[1], vram, gtt };

		assert_int_equal(rp_gpu_copy(pt, va[to] + 5, va[0] + 3, n - 9, &fault), 0);
		assert_memory_equal(host[to] + 5, user[0] + 3, n - 9);
	}
	/* over the seam of VRAM and GTT, and back */
	assert_int_equal(rp_gpu_copy(pt, va[2] + n - 100, va[0], 200, &fault), 0);
	assert_memory_equal(vram + n - 100, user[0], 100);
	assert_memory_equal(gtt, user[0] + 100, 100);
	assert_int_equal(rp_gpu_copy(pt, va[1], va[2] + n - 100, 200, &fault), 0);
	assert_memory_equal(user[1], user[0], 200);
	assert_int_equal(rp_gpu_fill(pt, va[2] + n - 8, 0x11223344, 16, &fault), 0);
	assert_int_equal(gtt[7], 0x11);
	/* behind the end */
	assert_int_equal(rp_gpu_copy(pt, va[3] + n - 4, va[0], 8, &fault), -EFAULT);
	assert_int_equal(fault.va, va[3] + n);
	assert_int_equal(fault.need, RP_GPU_WRITE);
	/* program memory that is gone without a word: a fault, no signal */
	assert_int_equal(munmap(user[1], n), 0);
	assert_int_equal(rp_gpu_copy(pt, va[2], va[1], n, &fault), -EFAULT);
	assert_int_equal(fault.va, va[1]);
	assert_int_equal(rp_gpu_copy(pt, va[1], va[2], n, &fault), -EFAULT);
	assert_int_equal(rp_gpu_copy(pt, va[0], va[1], n, &fault), -EFAULT);
	assert_int_equal(fault.va, va[1]);
	assert_int_equal(rp_gpu_fill(pt, va[1], 0, n, &fault), -EFAULT);
}

/* Large pieces take another way: the same bytes, and a fault where memory or a right is missing. */
static void test_large_copies(void **state)
{
	const size_t n = (5u << 20) + 3 * PAGE;
	struct rp_vgpu_fault fault;
	struct rp_page_table *pt;
	uint8_t *user[2], *vram;
	struct device d;
	uint64_t va[2];

	(void)state;
	device_open(&d, "rx-5600-xt");
	pt = &d.vgpu->gpu[0].pt;
	user[0] = (uint8_t *)user_memory(&d, n, NULL);
	user[1] = (uint8_t *)user_memory(&d, n, NULL);
	va[0] = (uint64_t)(uintptr_t)user[0];
	va[1] = (uint64_t)(uintptr_t)user[1];
	(void)card_memory(&d, KFD_MEM_VRAM, UINT64_C(0x10000000), n, &vram);
	for (size_t i = 0; i < n; i++)
		user[0][i] = (uint8_t)(i * 11 + i / 65521);
	assert_int_equal(rp_gpu_copy(pt, 0x10000000 + 1, va[0] + 2, n - 2, &fault), 0);
	assert_memory_equal(vram + 1, user[0] + 2, n - 2);
	assert_int_equal(rp_gpu_copy(pt, va[1] + 7, 0x10000000 + 1, n - 7, &fault), 0);
	assert_memory_equal(user[1] + 7, user[0] + 2, n - 9);
	assert_int_equal(rp_gpu_copy(pt, va[1], va[0], n, &fault), 0);
	assert_memory_equal(user[1], user[0], n);
	/* a hole, and a page that may not be written */
	assert_int_equal(munmap(user[1] + (3u << 20), PAGE), 0);
	assert_int_equal(rp_gpu_copy(pt, va[1], va[0], n, &fault), -EFAULT);
	assert_int_equal(fault.va, va[1] + (3u << 20));
	assert_int_equal(rp_gpu_copy(pt, 0x10000000, va[1], n, &fault), -EFAULT);
	assert_int_equal(fault.va, va[1] + (3u << 20));
	assert_int_equal(mprotect(user[0], n, PROT_READ), 0);
	assert_int_equal(rp_gpu_copy(pt, va[0], 0x10000000, n, &fault), -EFAULT);
	assert_int_equal(fault.need, RP_GPU_WRITE);
	assert_int_equal(rp_gpu_copy(pt, 0x10000000, va[0], n, &fault), 0);
}

/* The hypothesis: only VRAM with a coherent or uncached mapping, and only when asked for. */
static void test_strict_mtype(void **state)
{
	static const char *const specs[] = { "rx-5600-xt", "rx-5600-xt,strict_mtype=1" };
	struct rp_vgpu_fault fault;
	uint32_t word;

	(void)state;
	for (int strict = 0; strict < 2; strict++) {
		struct device d;
		int expected = strict ? -EFAULT : 0;

		device_open(&d, specs[strict]);
		(void)card_memory(&d, KFD_MEM_VRAM, 0x600000, PAGE, NULL);
		(void)card_memory(&d, KFD_MEM_VRAM | KFD_MEM_COHERENT, 0x700000, PAGE, NULL);
		(void)card_memory(&d, KFD_MEM_GTT | KFD_MEM_COHERENT, 0x800000, PAGE, NULL);
		assert_int_equal(rp_gpu_read(&d.vgpu->gpu[0].pt, 0x600000, &word, 4, &fault), 0);
		assert_int_equal(
			rp_gpu_read(&d.vgpu->gpu[0].pt, 0x700000, &word, 4, &fault), expected);
		assert_int_equal(rp_gpu_read(&d.vgpu->gpu[0].pt, 0x800000, &word, 4, &fault), 0);
	}
}

static void test_svm(void **state)
{
	struct {
		struct kfd_svm svm;
		struct kfd_svm_attribute at[2];
	} a;
	struct rp_vgpu_fault fault;
	struct device d;
	uint8_t *p = (uint8_t *)mmap(
		NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t word;

	(void)state;
	device_open(&d, "rx-5600-xt");
	memset(&a, 0, sizeof(a));
	a.svm = (struct kfd_svm){ (uint64_t)(uintptr_t)p, 2 * PAGE, 0, 1 };
	a.at[0] = (struct kfd_svm_attribute){ KFD_SVM_ACCESS, d.gpu_id };
	assert_int_equal(KFD(&d, KFD_SVM, &a), -EPERM); /* not offered */
	device_open(&d, "rx-5600-xt,svm=1");
	assert_int_equal(KFD(&d, KFD_SVM, &a), 0);
	p[PAGE] = 42;
	assert_int_equal(rp_gpu_read(&d.vgpu->gpu[0].pt, a.svm.start + PAGE, &word, 4, &fault), 0);
	assert_int_equal(word, 42);
	a.at[0].type = KFD_SVM_NO_ACCESS;
	a.svm.size = PAGE;
	assert_int_equal(KFD(&d, KFD_SVM, &a), 0);
	assert_int_equal(rp_gpu_read(&d.vgpu->gpu[0].pt, a.svm.start, &word, 4, &fault), -EFAULT);
	assert_int_equal(rp_gpu_read(&d.vgpu->gpu[0].pt, a.svm.start + PAGE, &word, 4, &fault), 0);
	/* the program unmapped it, and its addresses came to an allocation */
	(void)card_memory(&d, KFD_MEM_VRAM, a.svm.start + PAGE, PAGE, NULL);
	assert_int_equal(rp_gpu_read(&d.vgpu->gpu[0].pt, a.svm.start + PAGE, &word, 4, &fault), 0);
	assert_int_equal(word, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_table),
		cmocka_unit_test(test_heap),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_freed_is_zero),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_large_copies),
		cmocka_unit_test(test_strict_mtype),
		cmocka_unit_test(test_svm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
