/* SPDX-License-Identifier: MIT */
/* SDMA and AQL queues and events, driven as ROCR drives them. */
#include "device.h"

#include <pthread.h>

static uint32_t create_event(struct device *d, uint32_t type, bool auto_reset, uint64_t page)
{
	struct kfd_create_event e = { .page_offset = page, .type = type, .auto_reset = auto_reset };

	assert_int_equal(KFD(d, KFD_CREATE_EVENT, &e), 0);
	if (type == KFD_EVENT_SIGNAL)
		assert_true(e.page_offset != 0);
	return e.event_id;
}

static int wait_events(struct device *d, struct kfd_event_data *v, uint32_t n, bool all,
	uint32_t ms, uint32_t *ret_result)
{
	struct kfd_wait_events w = { (uint64_t)(uintptr_t)v, n, all, ms, 99 };
	int r = KFD(d, KFD_WAIT_EVENTS, &w);

	*ret_result = w.result;
	return r;
}

static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

static void test_sdma_packets(void **state)
{
	struct device d;
	struct ring r;
	uint8_t *data, *vram;
	uint64_t va;

	(void)state;
	device_open(&d, "rx-5600-xt");
	ring_open(&d, &r, KFD_QUEUE_SDMA, 1024);
	data = (uint8_t *)user_memory(&d, 8 * PAGE, NULL);
	va = address(data);
	(void)card_memory(&d, KFD_MEM_VRAM, 0x600000, 8 * PAGE, &vram);
	for (unsigned int i = 0; i < 8 * PAGE; i++)
		data[i] = (uint8_t)(i * 13 + i / 251);
	/* round and round a small ring: packets cross its end */
	for (uint32_t i = 1; i < 200; i++) {
		const uint32_t copy[] = { 1, i * 41 - 1, 0, lo(va + i), hi(va + i),
			lo(0x600000 + i * 2), hi(0x600000) };
		const uint32_t gcr[] = { 17, 0, 0, 0, 0 };

		sdma_put(&r, gcr, 5);
		sdma_put(&r, copy, 7);
		assert_true(wait_for(r.rptr, *r.wptr));
		assert_memory_equal(vram + i * 2, data + i, i * 41);
	}
	{
		const uint32_t fill8[] = { 11, lo(va), hi(va), 0xab, 99 };
		const uint32_t fill32[] = { 11 | 2u << 30, lo(va + 100), hi(va), 0x01020304, 7 };
		const uint32_t fence[] = { 5, lo(va + 512), hi(va), 0xcafe };
		const uint32_t stamp[] = { 13 | 2 << 8, lo(va + 520), hi(va) };
		const uint32_t add[] = { 10 | 47u << 25, lo(va + 528), hi(va), UINT32_MAX,
			UINT32_MAX, 0, 0, 0 };
		const uint32_t nop[] = { 2 << 16, 0xffffffff, 0xffffffff };
		uint64_t value = 5;

		memcpy(data + 528, &value, 8);
		memset(data + 520, 0, 8);
		sdma_put(&r, fill8, 5);
		sdma_put(&r, nop, 3);
		sdma_put(&r, fill32, 5);
		sdma_put(&r, fence, 4);
		sdma_put(&r, stamp, 3);
		sdma_put(&r, add, 8);
		assert_true(wait_for(r.rptr, *r.wptr));
		assert_int_equal(data[99], 0xab);
		assert_memory_equal(data + 100, "\4\3\2\1\4\3\2\1", 8);
		assert_memory_equal(data + 512, "\xfe\xca\0\0", 4);
		memcpy(&value, data + 520, 8);
		assert_true(value > 0);
		memcpy(&value, data + 528, 8);
		assert_int_equal(value, 4);
	}
}

/* ROCR splits copies at 4 MiB for gfx10.1 and does not for gfx10.3: the count has 30 bits. */
static void test_sdma_count(void **state)
{
	const size_t size = 8u << 20;
	const uint32_t copy[] = { 1, (uint32_t)size - 1, 0, 0x10000000, 0, 0x20000000, 0 };
	uint8_t *a, *b;
	struct device d;
	struct ring r;

	(void)state;
	device_open(&d, "rx-6800-xt");
	ring_open(&d, &r, KFD_QUEUE_SDMA, 4096);
	(void)card_memory(&d, KFD_MEM_VRAM, 0x10000000, size, &a);
	(void)card_memory(&d, KFD_MEM_VRAM, 0x20000000, size, &b);
	memset(a, 7, size);
	sdma_put(&r, copy, 7);
	assert_true(wait_for(r.rptr, *r.wptr));
	assert_int_equal(b[4u << 20], 7);
	assert_int_equal(b[size - 1], 7);
}

static void test_sdma_rect(void **state)
{
	struct device d;
	struct ring r;
	uint32_t *src, *dst;

	(void)state;
	device_open(&d, "rx-5600-xt");
	ring_open(&d, &r, KFD_QUEUE_SDMA, 4096);
	src = (uint32_t *)user_memory(&d, 64 * PAGE, NULL);
	dst = (uint32_t *)user_memory(&d, 64 * PAGE, NULL);
	for (uint32_t i = 0; i < 64 * PAGE / 4; i++)
		src[i] = i;
	{ /* 5 x 4 x 3 dwords from (2,3,1) of rows of 40 and slices of 400 to (1,2,0) of 50 and 600 */
		const uint32_t rect[] = { 1 | 4 << 8 | 2u << 29, lo(address(src)), hi(address(src)),
			2 | 3 << 16, 1 | 39 << 13, 399, lo(address(dst)), hi(address(dst)),
			1 | 2 << 16, 0 | 49 << 13, 599, 4 | 3 << 16, 2 };

		sdma_put(&r, rect, 13);
	}
	assert_true(wait_for(r.rptr, *r.wptr));
	for (uint32_t z = 0; z < 3; z++)
		for (uint32_t y = 0; y < 4; y++)
			for (uint32_t x = 0; x < 5; x++)
				assert_int_equal(dst[(1 + x) + (2 + y) * 50 + z * 600],
					(2 + x) + (3 + y) * 40 + (1 + z) * 400);
	assert_int_equal(dst[6 + 2 * 50], 0);
}

static void test_sdma_poll_and_trap(void **state)
{
	struct kfd_event_data wait = { .event_id = 0 };
	uint32_t result, event;
	struct device d;
	struct ring r;
	uint8_t *page;
	uint32_t *flag;

	(void)state;
	device_open(&d, "rx-5600-xt");
	ring_open(&d, &r, KFD_QUEUE_SDMA, 4096);
	flag = (uint32_t *)user_memory(&d, PAGE, NULL);
	event = create_event(&d, KFD_EVENT_SIGNAL, true,
		card_memory(&d, KFD_MEM_GTT, 0x900000, KFD_SIGNAL_EVENTS * 8, &page));
	assert_int_equal(page[event * 8], 0xff);
	{
		const uint32_t poll[] = { 8 | 1u << 31 | 3u << 28, lo(address(flag)),
			hi(address(flag)), 7, 0xff, 0 };
		const uint32_t trap[] = { 6, event };

		sdma_put(&r, poll, 6);
		sdma_put(&r, trap, 2);
	}
	wait.event_id = event;
	assert_int_equal(wait_events(&d, &wait, 1, false, 50, &result), 0);
	assert_int_equal(result, KFD_WAIT_TIMEOUT);
	assert_int_equal(*r.rptr, 0); /* stands at the poll */
	__atomic_store_n(flag, 0x107, __ATOMIC_RELEASE);
	assert_int_equal(wait_events(&d, &wait, 1, false, 5000, &result), 0);
	assert_int_equal(result, KFD_WAIT_COMPLETE);
	assert_int_equal(wait.last_event_age, 2);
	assert_int_equal(wait_events(&d, &wait, 1, false, 0, &result), 0);
	assert_int_equal(result, KFD_WAIT_TIMEOUT); /* auto reset */
	wait.last_event_age = 1; /* older than what happened */
	assert_int_equal(wait_events(&d, &wait, 1, false, 0, &result), 0);
	assert_int_equal(result, KFD_WAIT_COMPLETE);
}

/* A copy from memory that was unmapped: the memory event, the place, and a stopped queue. */
static void test_sdma_fault(void **state)
{
	struct kfd_event_data wait = { .event_id = 0 };
	struct rp_buf text = RP_BUF_INIT;
	struct device d;
	struct ring r;
	uint64_t handle, end;
	uint32_t result;
	uint8_t *data;

	(void)state;
	device_open(&d, "rx-5600-xt");
	ring_open(&d, &r, KFD_QUEUE_SDMA, 4096);
	data = (uint8_t *)user_memory(&d, PAGE, NULL);
	handle = card_memory(&d, KFD_MEM_VRAM, 0x600000, 4 * PAGE, NULL);
	wait.event_id = create_event(&d, KFD_EVENT_MEMORY, false, 0);
	assert_true(wait.event_id >= KFD_FIRST_OTHER_EVENT);
	{
		const uint32_t copy[] = { 1, 99, 0, lo(0x602010), 0, lo(address(data)),
			hi(address(data)) };

		sdma_put(&r, copy, 7);
		assert_true(wait_for(r.rptr, 28));
		assert_int_equal(map_handle(&d, KFD_UNMAP_MEMORY, handle), 0);
		sdma_put(&r, copy, 7);
		end = *r.wptr;
		sdma_put(&r, copy, 7);
	}
	assert_int_equal(wait_events(&d, &wait, 1, false, 5000, &result), 0);
	assert_int_equal(result, KFD_WAIT_COMPLETE);
	assert_int_equal(wait.memory.va, 0x602000);
	assert_int_equal(wait.memory.gpu_id, d.gpu_id);
	assert_int_equal(wait.memory.not_present, 1);
	assert_int_equal(wait.memory.read_only, 0);
	(void)usleep(20000);
	assert_true(*r.rptr < end);
	rp_vgpu_summary(d.vgpu, &text);
	assert_string_equal(rp_buf_cstr(&text), "1 memory access fault by the virtual GPU\n");
	rp_buf_free(&text);
}

struct signal { /* amd_signal_t */
	int64_t kind, value;
	uint64_t mailbox;
	uint32_t event, pad;
	uint64_t start, end, more[2];
};

/* A descriptor that nobody executes, completion with an interrupt, and the barrier packets. */
static void test_aql(void **state)
{
	struct aql_dispatch k = {
		.header = AQL_TYPE_DISPATCH, .setup = 1, .wg = { 64, 1, 1 }, .grid = { 64, 1, 1 }
	};
	struct aql_barrier b = { .header = AQL_TYPE_BARRIER_AND };
	struct kfd_event_data wait = { .event_id = 0 };
	struct rp_buf text = RP_BUF_INIT;
	struct signal *s;
	struct device d;
	struct ring r, other;
	uint32_t result;
	uint8_t *page;

	(void)state;
	device_open(&d, "rx-5600-xt");
	ring_open(&d, &r, KFD_QUEUE_AQL, 4 * AQL_PACKET);
	ring_open(&d, &other, KFD_QUEUE_AQL, 4 * AQL_PACKET);
	s = (struct signal *)user_memory(&d, PAGE, NULL);
	wait.event_id = create_event(&d, KFD_EVENT_SIGNAL, true,
		card_memory(&d, KFD_MEM_GTT, 0x900000, KFD_SIGNAL_EVENTS * 8, &page));
	s[0] = (struct signal){
		.value = 1, .mailbox = 0x900000 + wait.event_id * 8, .event = wait.event_id
	};
	s[1].value = 1;
	s[2].value = 1;
	k.kernel_object = address(s + 8);
	k.completion = address(s);
	aql_put(&r, &k);
	assert_int_equal(wait_events(&d, &wait, 1, false, 5000, &result), 0);
	assert_int_equal(result, KFD_WAIT_COMPLETE);
	assert_int_equal(s[0].value, 0);
	assert_true(s[0].end >= s[0].start && s[0].start > 0);
	assert_int_equal(r.ring[0], AQL_TYPE_INVALID);
	/* this queue waits for the other one, which is not held up */
	b.dep[0] = address(s + 1);
	b.dep[3] = address(s); /* 0 already */
	b.completion = address(s + 2);
	aql_put(&r, &b);
	(void)usleep(20000);
	assert_int_equal(s[2].value, 1);
	k.completion = address(s + 1);
	aql_put(&other, &k);
	assert_true(wait_for((const uint64_t *)&s[2].value, 0));
	/* or: one of two is enough */
	s[3].value = s[4].value = 1;
	b.header = AQL_TYPE_BARRIER_OR;
	b.dep[0] = address(s + 3);
	b.completion = address(s + 4);
	aql_put(&r, &b);
	assert_true(wait_for((const uint64_t *)&s[4].value, 0));
	for (int i = 0; i < 20; i++) { /* around the ring */
		k.completion = 0;
		aql_put(&r, &k);
		assert_true(wait_for(r.rptr, *r.wptr));
	}
	rp_vgpu_summary(d.vgpu, &text);
	assert_string_equal(rp_buf_cstr(&text), "22 kernels were consumed without being executed: "
						"their effects on memory are missing\n");
	rp_buf_free(&text);
}

/* Scratch is asked for by the inactive signal; then the kernel goes on. */
static void test_scratch(void **state)
{
	struct aql_dispatch k = { .header = AQL_TYPE_DISPATCH,
		.wg = { 64, 1, 1 },
		.grid = { 64, 1, 1 },
		.private_bytes = 64 };
	struct signal *s;
	struct device d;
	struct ring r;
	uint64_t va;

	(void)state;
	device_open(&d, "rx-5600-xt");
	ring_open(&d, &r, KFD_QUEUE_AQL, 4 * AQL_PACKET);
	s = (struct signal *)user_memory(&d, PAGE, NULL);
	va = address(s);
	memcpy(r.queue + AQL_QUEUE_INACTIVE_SIGNAL, &va, 8);
	((uint8_t *)(s + 8))[57] = 4; /* wave32 */
	k.kernel_object = address(s + 8);
	aql_put(&r, &k);
	assert_true(wait_for((const uint64_t *)&s[0].value, 0x400));
	(void)usleep(5000);
	assert_int_equal(*r.rptr, 0);
	va = 0x123000;
	memcpy(r.queue + AQL_QUEUE_SCRATCH_ADDRESS, &va, 8);
	__atomic_store_n(&s[0].value, 0, __ATOMIC_RELEASE);
	assert_true(wait_for(r.rptr, 1));
	assert_int_equal(s[0].value, 0);
}

/* One queue of a process may have it, and only where Linux would offer it. */
static void test_gws(void **state)
{
	struct kfd_gws gws = { .n = 1 };
	struct device d;
	struct ring a, b;

	(void)state;
	device_open(&d, "rx-5600-xt");
	ring_open(&d, &a, KFD_QUEUE_AQL, 4 * AQL_PACKET);
	gws.queue_id = a.id;
	assert_int_equal(KFD(&d, KFD_ALLOC_QUEUE_GWS, &gws), -ENODEV);
	device_open(&d, "rx-6800-xt");
	ring_open(&d, &a, KFD_QUEUE_AQL, 4 * AQL_PACKET);
	ring_open(&d, &b, KFD_QUEUE_AQL, 4 * AQL_PACKET);
	gws.queue_id = 99;
	assert_int_equal(KFD(&d, KFD_ALLOC_QUEUE_GWS, &gws), -EINVAL);
	gws.queue_id = a.id;
	assert_int_equal(KFD(&d, KFD_ALLOC_QUEUE_GWS, &gws), 0);
	assert_int_equal(KFD(&d, KFD_ALLOC_QUEUE_GWS, &gws), -EINVAL);
	gws.queue_id = b.id;
	assert_int_equal(KFD(&d, KFD_ALLOC_QUEUE_GWS, &gws), -EBUSY);
	gws.queue_id = a.id;
	gws.n = 0;
	assert_int_equal(KFD(&d, KFD_ALLOC_QUEUE_GWS, &gws), 0);
	gws.queue_id = b.id;
	gws.n = 1;
	assert_int_equal(KFD(&d, KFD_ALLOC_QUEUE_GWS, &gws), 0);
}

static void test_queue_calls(void **state)
{
	struct kfd_create_queue c = {
		.ring_size = 4096, .queue_type = KFD_QUEUE_SDMA, .percentage = 100
	};
	struct kfd_update_queue u = { 0 };
	struct kfd_queue_id id = { 0 };
	struct device d;
	struct ring r;
	const uint32_t nop[] = { 0 };

	(void)state;
	device_open(&d, "rx-5600-xt");
	c.gpu_id = d.gpu_id + 1;
	assert_int_equal(KFD(&d, KFD_CREATE_QUEUE, &c), -EINVAL);
	c.gpu_id = d.gpu_id;
	c.percentage = 101;
	assert_int_equal(KFD(&d, KFD_CREATE_QUEUE, &c), -EINVAL);
	c.percentage = 100;
	c.ring_size = 5000;
	assert_int_equal(KFD(&d, KFD_CREATE_QUEUE, &c), -EINVAL);
	id.queue_id = 7;
	assert_int_equal(KFD(&d, KFD_DESTROY_QUEUE, &id), -EINVAL);
	u.queue_id = 7;
	assert_int_equal(KFD(&d, KFD_UPDATE_QUEUE, &u), -EFAULT);
	ring_open(&d, &r, KFD_QUEUE_SDMA, 4096);
	u.queue_id = r.id;
	u.ring_base = address(r.ring);
	u.ring_size = 4096;
	assert_int_equal(KFD(&d, KFD_UPDATE_QUEUE, &u), 0); /* percentage 0: suspended */
	sdma_put(&r, nop, 1);
	(void)usleep(20000);
	assert_int_equal(*r.rptr, 0);
	u.percentage = 100;
	assert_int_equal(KFD(&d, KFD_UPDATE_QUEUE, &u), 0);
	assert_true(wait_for(r.rptr, 4));
	id.queue_id = r.id;
	assert_int_equal(KFD(&d, KFD_DESTROY_QUEUE, &id), 0);
	for (int i = 0; i < 200; i++) { /* ids and doorbells come back */
		ring_open(&d, &r, i & 1 ? KFD_QUEUE_AQL : KFD_QUEUE_SDMA, 4096);
		id.queue_id = r.id;
		assert_int_equal(KFD(&d, KFD_DESTROY_QUEUE, &id), 0);
	}
}

static void test_unmodelled(void **state)
{
	struct rp_buf text = RP_BUF_INIT;
	struct device d;
	struct ring r;
	const uint32_t bad[] = { 0x7e };

	(void)state;
	device_open(&d, "rx-5600-xt");
	ring_open(&d, &r, KFD_QUEUE_SDMA, 4096);
	sdma_put(&r, bad, 1);
	for (int i = 0; i < 500 && text.n == 0; i++) {
		(void)usleep(1000);
		rp_vgpu_summary(d.vgpu, &text);
	}
	assert_non_null(strstr(
		rp_buf_cstr(&text), "not modelled: sdma_packet 0x7e (its queue stopped), 1 time"));
	assert_int_equal(*r.rptr, 0);
	rp_buf_free(&text);
}

static void *set_later(void *data)
{
	struct device *d = (struct device *)data;
	struct kfd_event_id id = { 2, 0 };

	(void)usleep(30000);
	assert_int_equal(KFD(d, KFD_SET_EVENT, &id), 0);
	id.event_id = 3;
	(void)usleep(30000);
	assert_int_equal(KFD(d, KFD_SET_EVENT, &id), 0);
	id.event_id = 1;
	(void)usleep(30000);
	assert_int_equal(KFD(d, KFD_DESTROY_EVENT, &id), 0);
	return NULL;
}

static void test_events(void **state)
{
	struct kfd_event_data v[3] = { 0 };
	struct kfd_event_id unknown = { 77, 0 };
	struct device d;
	uint32_t result;
	pthread_t thread;

	(void)state;
	device_open(&d, "rx-5600-xt,kfd=1.11");
	for (int i = 0; i < 3; i++)
		v[i].event_id = create_event(&d, KFD_EVENT_SIGNAL, i != 2, 0);
	assert_int_equal(v[0].event_id, 1);
	assert_int_equal(KFD(&d, KFD_SET_EVENT, &unknown), -EINVAL);
	assert_int_equal(pthread_create(&thread, NULL, set_later, &d), 0);
	assert_int_equal(wait_events(&d, v + 1, 2, true, KFD_FOREVER, &result), 0); /* both */
	assert_int_equal(result, KFD_WAIT_COMPLETE);
	assert_int_equal(v[1].last_event_age, 0); /* 1.11 has no event age */
	assert_int_equal(wait_events(&d, v + 2, 1, false, 0, &result), 0);
	assert_int_equal(result, KFD_WAIT_COMPLETE); /* the third does not reset itself */
	assert_int_equal(wait_events(&d, v, 1, false, KFD_FOREVER, &result), -EIO); /* destroyed */
	assert_int_equal(result, KFD_WAIT_FAIL);
	assert_int_equal(wait_events(&d, v, 1, false, 0, &result), -EINVAL);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/*
 * Two threads of ROCR wait for one event that resets itself (a queue's inactive signal, in ~AqlQueue). Before event
 * ages the first one in consumes what was meant for the second.
 */
static void test_event_age(void **state)
{
	static const struct {
		const char *profile;
		uint32_t second;
	} cases[] = { { "rx-5600-xt,kfd=1.13", KFD_WAIT_TIMEOUT },
		{ "rx-5600-xt,kfd=1.14", KFD_WAIT_COMPLETE } };

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(cases); i++) {
		struct kfd_event_data first = { .last_event_age = 1 },
				      second = { .last_event_age = 1 };
		struct kfd_event_id id = { 0, 0 };
		struct device d;
		uint32_t result;

		device_open(&d, cases[i].profile);
		id.event_id = first.event_id = second.event_id =
			create_event(&d, KFD_EVENT_SIGNAL, true, 0);
		assert_int_equal(KFD(&d, KFD_SET_EVENT, &id), 0); /* nobody waits yet */
		assert_int_equal(wait_events(&d, &first, 1, false, 0, &result), 0);
		assert_int_equal(result, KFD_WAIT_COMPLETE);
		assert_int_equal(wait_events(&d, &second, 1, false, 20, &result), 0);
		assert_int_equal(result, cases[i].second);
	}
}

static void test_answers(void **state)
{
	struct kfd_version version = { 0, 0 };
	struct kfd_runtime_enable enable = { 0, 3, 9 };
	struct kfd_acquire_vm vm = { 0, 0 };
	struct device d;
	int32_t xnack = -1;

	(void)state;
	device_open(&d, "rx-5600-xt,kfd=1.11");
	assert_int_equal(KFD(&d, KFD_GET_VERSION, &version), 0);
	assert_int_equal(version.minor, 11);
	assert_int_equal(KFD(&d, KFD_RUNTIME_ENABLE, &enable), -ENOTTY); /* came with 1.13 */
	assert_int_equal(kfd_call(&d, 0x82, 40, &d), -ENOTTY);
	assert_int_equal(kfd_call(&d, 0x00, 0, NULL), -ENOTTY);
	assert_int_equal(kfd_call(&d, KFD_GET_VERSION, 8, NULL), -EFAULT);
	assert_int_equal(kfd_call(&d, KFD_GET_VERSION, 8, (void *)16), -EFAULT);
	assert_int_equal(KFD(&d, KFD_SET_XNACK_MODE, &xnack), 0);
	assert_int_equal(xnack, 0);
	xnack = 1;
	assert_int_equal(KFD(&d, KFD_SET_XNACK_MODE, &xnack), -EPERM);
	vm.drm_fd = (uint32_t)d.kfd;
	vm.gpu_id = d.gpu_id;
	assert_int_equal(KFD(&d, KFD_ACQUIRE_VM, &vm), -EINVAL); /* not a DRM node */
	assert_int_equal(
		rp_vgpu_ioctl(d.vgpu, RP_VGPU_KFD, 0, true, _IOR('K', 1, version), &version),
		-EBADF);
	device_open(&d, "rx-5600-xt");
	assert_int_equal(KFD(&d, KFD_RUNTIME_ENABLE, &enable), 0);
	assert_int_equal(enable.capabilities, 0);
	assert_int_equal(KFD(&d, KFD_RUNTIME_ENABLE, &enable), -EBUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sdma_packets),
		cmocka_unit_test(test_sdma_count),
		cmocka_unit_test(test_sdma_rect),
		cmocka_unit_test(test_sdma_poll_and_trap),
		cmocka_unit_test(test_sdma_fault),
		cmocka_unit_test(test_aql),
		cmocka_unit_test(test_scratch),
		cmocka_unit_test(test_gws),
		cmocka_unit_test(test_queue_calls),
		cmocka_unit_test(test_unmodelled),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_event_age),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
