/* SPDX-License-Identifier: MIT */
/*
 * Memory of a HIP program without kernels: every way to allocate, copies of odd sizes and overlaps,
 * streams, events, a pool of threads. Exits 0 if every byte is right. hip_copies PART: all, quick,
 * unchecked (the calls only: what is copied by kernels is not copied here), memset (the same), idle (CPU
 * time of a process that does nothing), speed (against memcpy).
 */
#include <hip/hip_runtime.h>

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#define CHECK(call)                                                                          \
	do {                                                                                 \
		hipError_t e_ = (call);                                                      \
		if (e_ != hipSuccess) {                                                      \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call,        \
				hipGetErrorString(e_));                                      \
			exit(1);                                                             \
		}                                                                            \
	} while (0)

static void fill(unsigned char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)((i * 2654435761u + seed) >> 13);
}

static bool checked = true;

static void same(const void *a, const void *b, size_t n, const char *what)
{
	if (checked && memcmp(a, b, n) != 0) {
		fprintf(stderr, "wrong bytes: %s, %zu\n", what, n);
		exit(1);
	}
}

static void device_query()
{
	hipDeviceProp_t p;
	int n = 0;
	size_t free_bytes = 0, total = 0;

	CHECK(hipGetDeviceCount(&n));
	CHECK(hipGetDeviceProperties(&p, 0));
	CHECK(hipMemGetInfo(&free_bytes, &total));
	printf("devices=%d name=%s arch=%s multiprocessors=%d total=%zu\n", n, p.name, p.gcnArchName,
		p.multiProcessorCount, total);
}

static void copies()
{
	const size_t sizes[] = { 1, 3, 4, 63, 64, 255, 4095, 4096, 4097, 65537, 400000, (1 << 20) + 1, (4 << 20) - 1,
		(16 << 20) + 13 };

	for (size_t n : sizes) {
		std::vector<unsigned char> in(n), out(n, 0);
		unsigned char *a, *b;

		fill(in.data(), n, (unsigned)n);
		CHECK(hipMalloc((void **)&a, n));
		CHECK(hipMalloc((void **)&b, n));
		CHECK(hipMemcpy(a, in.data(), n, hipMemcpyHostToDevice));
		CHECK(hipMemcpy(out.data(), a, n, hipMemcpyDeviceToHost));
		same(in.data(), out.data(), n, "to the device and back");
		(void)b;
		CHECK(hipFree(a));
		CHECK(hipFree(b));
	}
}

static void kinds()
{
	const size_t n = 3 << 20;
	unsigned char *d, *pinned, *managed, *registered;
	std::vector<unsigned char> out(n);

	CHECK(hipMalloc((void **)&d, n));
	CHECK(hipHostMalloc((void **)&pinned, n));
	CHECK(hipMallocManaged((void **)&managed, n));
	registered = (unsigned char *)aligned_alloc(4096, n);
	CHECK(hipHostRegister(registered, n, hipHostRegisterDefault));
	fill(pinned, n, 1);
	fill(managed, n, 2);
	fill(registered, n, 3);
	CHECK(hipMemcpy(d, pinned, n, hipMemcpyHostToDevice));
	CHECK(hipMemcpy(out.data(), d, n, hipMemcpyDeviceToHost));
	same(out.data(), pinned, n, "pinned");
	CHECK(hipMemcpy(d, managed, n, hipMemcpyDefault));
	CHECK(hipMemcpy(out.data(), d, n, hipMemcpyDeviceToHost));
	same(out.data(), managed, n, "managed");
	CHECK(hipMemcpy(d, registered, n, hipMemcpyHostToDevice));
	CHECK(hipMemcpy(pinned, d, n, hipMemcpyDeviceToHost));
	same(pinned, registered, n, "registered to pinned");
	CHECK(hipHostUnregister(registered));
	free(registered);
	CHECK(hipFree(managed));
	CHECK(hipHostFree(pinned));
	CHECK(hipFree(d));
}

/* Offsets, and ranges of one allocation that overlap each other's in time. */
static void pieces()
{
	const size_t n = 1 << 20;
	std::vector<unsigned char> model(n, 0), out(n);
	unsigned char *d;
	unsigned seed = 7;

	CHECK(hipMalloc((void **)&d, n));
	CHECK(hipMemcpy(d, model.data(), n, hipMemcpyHostToDevice));
	for (int i = 0; i < 60; i++) {
		std::vector<unsigned char> in;
		size_t at, len;

		seed = seed * 1103515245u + 12345u;
		at = seed % (n - 1);
		seed = seed * 1103515245u + 12345u;
		len = 1 + seed % (n - at);
		in.resize(len);
		fill(in.data(), len, seed);
		memcpy(model.data() + at, in.data(), len);
		CHECK(hipMemcpy(d + at, in.data(), len, hipMemcpyHostToDevice));
	}
	CHECK(hipMemcpy(out.data(), d, n, hipMemcpyDeviceToHost));
	same(out.data(), model.data(), n, "pieces");
	CHECK(hipFree(d));
}

static void streams(unsigned seed)
{
	const size_t n = 700001;
	const int count = 4;
	unsigned char *d[count], *in[count], *out[count];
	hipStream_t s[count];
	hipEvent_t start, stop;
	float ms = -1;

	CHECK(hipEventCreate(&start));
	CHECK(hipEventCreate(&stop));
	for (int i = 0; i < count; i++) {
		CHECK(hipStreamCreate(&s[i]));
		CHECK(hipMalloc((void **)&d[i], n));
		CHECK(hipHostMalloc((void **)&in[i], n));
		CHECK(hipHostMalloc((void **)&out[i], n));
		fill(in[i], n, seed + (unsigned)i);
	}
	CHECK(hipEventRecord(start, s[0]));
	for (int i = 0; i < count; i++) {
		CHECK(hipMemcpyAsync(d[i], in[i], n, hipMemcpyHostToDevice, s[i]));
		CHECK(hipMemcpyAsync(out[i], d[i], n, hipMemcpyDeviceToHost, s[i]));
	}
	CHECK(hipEventRecord(stop, s[0]));
	CHECK(hipEventSynchronize(stop));
	CHECK(hipEventElapsedTime(&ms, start, stop));
	if (ms < 0) {
		fprintf(stderr, "an event before its start\n");
		exit(1);
	}
	CHECK(hipDeviceSynchronize());
	for (int i = 0; i < count; i++) {
		same(in[i], out[i], n, "streams");
		CHECK(hipStreamDestroy(s[i]));
		CHECK(hipFree(d[i]));
		CHECK(hipHostFree(in[i]));
		CHECK(hipHostFree(out[i]));
	}
	CHECK(hipEventDestroy(start));
	CHECK(hipEventDestroy(stop));
}

static double now()
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double cpu_seconds()
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void idle()
{
	double start, cpu;

	streams(5);
	sleep(1);
	start = now();
	cpu = cpu_seconds();
	sleep(4);
	printf("idle: %.3f %% of a core\n", (cpu_seconds() - cpu) / (now() - start) * 100);
}

static void speed()
{
	const size_t n = 1 << 30;
	double best[3] = { 1e9, 1e9, 1e9 }, start;
	unsigned char *a, *b, *d;

	CHECK(hipHostMalloc((void **)&a, n));
	CHECK(hipHostMalloc((void **)&b, n));
	CHECK(hipMalloc((void **)&d, n));
	memset(a, 1, n);
	memset(b, 2, n);
	for (int i = 0; i < 4; i++) {
		double t[3];

		start = now();
		memcpy(b, a, n);
		t[0] = now() - start;
		start = now();
		CHECK(hipMemcpy(d, a, n, hipMemcpyHostToDevice));
		t[1] = now() - start;
		start = now();
		CHECK(hipMemcpy(b, d, n, hipMemcpyDeviceToHost));
		t[2] = now() - start;
		for (int k = 0; k < 3; k++)
			best[k] = t[k] < best[k] ? t[k] : best[k];
	}
	printf("speed: memcpy %.2f GB/s, to the card %.2f, from it %.2f; ratio %.2f %.2f\n", (double)n / best[0] / 1e9,
		(double)n / best[1] / 1e9, (double)n / best[2] / 1e9, best[0] / best[1], best[0] / best[2]);
}

static void memsets()
{
	const size_t n = 1 << 20;
	unsigned char *d;
	std::vector<unsigned char> out(n);

	CHECK(hipMalloc((void **)&d, n));
	CHECK(hipMemset(d, 0x5a, n));
	CHECK(hipMemsetAsync(d, 0x5b, n, 0));
	CHECK(hipDeviceSynchronize());
	CHECK(hipMemcpy(out.data(), d, n, hipMemcpyDeviceToHost));
	CHECK(hipFree(d));
}

int main(int argc, char **argv)
{
	const char *part = argc > 1 ? argv[1] : "all";

	device_query();
	if (strcmp(part, "idle") == 0) {
		idle();
		return 0;
	}
	if (strcmp(part, "speed") == 0) {
		speed();
		return 0;
	}
	if (strcmp(part, "memset") == 0) {
		memsets();
		printf("all calls returned\n");
		return 0;
	}
	checked = strcmp(part, "unchecked") != 0;
	copies();
	if (strcmp(part, "quick") != 0) {
		std::vector<std::thread> pool;

		kinds();
		pieces();
		streams(1);
		for (unsigned i = 0; i < 6; i++)
			pool.emplace_back([i] {
				streams(100 + i);
				copies();
			});
		for (auto &t : pool)
			t.join();
	}
	printf(checked ? "all bytes are right\n" : "all calls returned\n");
	return 0;
}
