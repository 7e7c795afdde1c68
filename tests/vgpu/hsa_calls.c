/* SPDX-License-Identifier: MIT */
/*
 * What an HSA program may ask of the driver, one call after the other, each announced on stderr:
 * every pool, pinned memory, a signal, a queue, an asynchronous copy. For comparing recordings of
 * two runtimes. With the argument "fault": a copy from memory that the card cannot reach.
 */
#include <hsa/hsa.h>
#include <hsa/hsa_ext_amd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(call)                                                                          \
	do {                                                                                 \
		hsa_status_t s_ = (call);                                                    \
		if (s_ != HSA_STATUS_SUCCESS) {                                              \
			fprintf(stderr, "%s:%d: %s: 0x%x\n", __FILE__, __LINE__, #call, s_); \
			exit(1);                                                             \
		}                                                                            \
	} while (0)

#define SIZE (8u << 20)

static hsa_agent_t cpu, gpu;
static hsa_amd_memory_pool_t host_pool, card_pool;

static hsa_status_t agent(hsa_agent_t a, void *data)
{
	hsa_device_type_t type;

	(void)data;
	CHECK(hsa_agent_get_info(a, HSA_AGENT_INFO_DEVICE, &type));
	if (type == HSA_DEVICE_TYPE_CPU)
		cpu = a;
	else if (type == HSA_DEVICE_TYPE_GPU && !gpu.handle)
		gpu = a;
	return HSA_STATUS_SUCCESS;
}

static hsa_status_t pool(hsa_amd_memory_pool_t p, void *data)
{
	bool may = false, card = ((const hsa_agent_t *)data)->handle == gpu.handle;
	hsa_amd_segment_t segment;
	uint32_t flags = 0;
	void *memory;

	CHECK(hsa_amd_memory_pool_get_info(p, HSA_AMD_MEMORY_POOL_INFO_SEGMENT, &segment));
	CHECK(hsa_amd_memory_pool_get_info(
		p, HSA_AMD_MEMORY_POOL_INFO_RUNTIME_ALLOC_ALLOWED, &may));
	if (segment != HSA_AMD_SEGMENT_GLOBAL || !may)
		return HSA_STATUS_SUCCESS;
	CHECK(hsa_amd_memory_pool_get_info(p, HSA_AMD_MEMORY_POOL_INFO_GLOBAL_FLAGS, &flags));
	printf("pool %s flags=%u\n", card ? "card" : "host", flags);
	fprintf(stderr, "allocate: pool %s flags=%u\n", card ? "card" : "host", flags);
	CHECK(hsa_amd_memory_pool_allocate(p, SIZE, 0, &memory));
	if (!card)
		CHECK(hsa_amd_agents_allow_access(1, &gpu, NULL, memory));
	CHECK(hsa_amd_memory_pool_free(memory));
	if (card && flags == HSA_AMD_MEMORY_POOL_GLOBAL_FLAG_COARSE_GRAINED)
		card_pool = p;
	if (!card && (flags & HSA_AMD_MEMORY_POOL_GLOBAL_FLAG_FINE_GRAINED) && !host_pool.handle)
		host_pool = p;
	return HSA_STATUS_SUCCESS;
}

/* A copy by the card, there and back. */
static void copies(void)
{
	unsigned char *a, *b;
	hsa_signal_t done;
	void *card;

	CHECK(hsa_amd_memory_pool_allocate(host_pool, SIZE, 0, (void **)&a));
	CHECK(hsa_amd_memory_pool_allocate(host_pool, SIZE, 0, (void **)&b));
	CHECK(hsa_amd_memory_pool_allocate(card_pool, SIZE, 0, &card));
	CHECK(hsa_amd_agents_allow_access(1, &gpu, NULL, a));
	CHECK(hsa_amd_agents_allow_access(1, &gpu, NULL, b));
	for (size_t i = 0; i < SIZE; i++)
		a[i] = (unsigned char)(i * 31 + i / 4093);
	memset(b, 0, SIZE);
	CHECK(hsa_signal_create(1, 0, NULL, &done));
	CHECK(hsa_amd_memory_async_copy(card, gpu, a, cpu, SIZE, 0, NULL, done));
	while (hsa_signal_wait_scacquire(
		done, HSA_SIGNAL_CONDITION_LT, 1, UINT64_MAX, HSA_WAIT_STATE_BLOCKED))
		;
	hsa_signal_store_relaxed(done, 1);
	CHECK(hsa_amd_memory_async_copy(b, cpu, card, gpu, SIZE, 0, NULL, done));
	while (hsa_signal_wait_scacquire(
		done, HSA_SIGNAL_CONDITION_LT, 1, UINT64_MAX, HSA_WAIT_STATE_BLOCKED))
		;
	if (memcmp(a, b, SIZE) != 0) {
		fprintf(stderr, "wrong bytes\n");
		exit(1);
	}
	CHECK(hsa_signal_destroy(done));
	CHECK(hsa_amd_memory_pool_free(card));
	CHECK(hsa_amd_memory_pool_free(a));
	CHECK(hsa_amd_memory_pool_free(b));
}

/* The runtime reports the card's fault and ends the program; a minute is far more than it takes. */
static void fault(void)
{
	hsa_signal_t done;
	void *card;

	CHECK(hsa_amd_memory_pool_allocate(card_pool, SIZE, 0, &card));
	CHECK(hsa_signal_create(1, 0, NULL, &done));
	/* an address that no allocation has, copied as if the card had it */
	CHECK(hsa_amd_memory_async_copy(
		card, gpu, (void *)0x123456789000, gpu, 4096, 0, NULL, done));
	(void)hsa_signal_wait_scacquire(done, HSA_SIGNAL_CONDITION_LT, 1, UINT64_C(60) * 1000000000,
		HSA_WAIT_STATE_BLOCKED);
	fprintf(stderr, "no fault was reported\n");
	exit(3);
}

int main(int argc, char **argv)
{
	hsa_queue_t *queue;
	hsa_signal_t signal;
	void *pinned, *memory;

	CHECK(hsa_init());
	CHECK(hsa_iterate_agents(agent, NULL));
	if (!gpu.handle) {
		fprintf(stderr, "no GPU\n");
		return 1;
	}
	CHECK(hsa_amd_agent_iterate_memory_pools(cpu, pool, &cpu));
	CHECK(hsa_amd_agent_iterate_memory_pools(gpu, pool, &gpu));
	if (argc > 1 && strcmp(argv[1], "fault") == 0)
		fault();
	fprintf(stderr, "memory_lock\n");
	memory = aligned_alloc(4096, SIZE);
	memset(memory, 1, SIZE);
	CHECK(hsa_amd_memory_lock(memory, SIZE, &gpu, 1, &pinned));
	CHECK(hsa_amd_memory_unlock(memory));
	free(memory);
	fprintf(stderr, "signal_create\n");
	CHECK(hsa_signal_create(1, 0, NULL, &signal));
	CHECK(hsa_signal_destroy(signal));
	fprintf(stderr, "queue_create\n");
	CHECK(hsa_queue_create(
		gpu, 1024, HSA_QUEUE_TYPE_MULTI, NULL, NULL, UINT32_MAX, UINT32_MAX, &queue));
	CHECK(hsa_queue_destroy(queue));
	fprintf(stderr, "copies\n");
	copies();
	CHECK(hsa_shut_down());
	printf("all calls returned\n");
	return 0;
}
