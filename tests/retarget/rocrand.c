/* SPDX-License-Identifier: MIT */
/*
 * Numbers of all kinds from each generator of rocRAND, as hashes: test_runtime.py compares what two virtual cards
 * make. Declared here so that no development package is needed; numbers as in rocrand.h and hip_runtime_api.h.
 */
#include <stdio.h>
#include <stdlib.h>
typedef void *rocrand_generator;
extern int rocrand_create_generator(rocrand_generator *, int);
extern int rocrand_set_seed(rocrand_generator, unsigned long long);
extern int rocrand_generate(rocrand_generator, unsigned int *, size_t);
extern int rocrand_generate_uniform(rocrand_generator, float *, size_t);
extern int rocrand_generate_normal(rocrand_generator, float *, size_t, float, float);
extern int rocrand_generate_poisson(rocrand_generator, unsigned int *, size_t, double);
extern int rocrand_destroy_generator(rocrand_generator);
extern int hipMalloc(void **, size_t);
extern int hipMemcpy(void *, const void *, size_t, int);
extern int hipMemset(void *, int, size_t);
#define N 10000
static unsigned int host[N];
#define CHECK(call)                                    \
	do {                                           \
		int r_ = (call);                       \
		if (r_) {                              \
			printf("%s: %d\n", #call, r_); \
			exit(1);                       \
		}                                      \
	} while (0)
static void show(const char *name, int type, void *dev)
{
	unsigned long long h = 1469598103934665603ull;
	CHECK(hipMemcpy(host, dev, sizeof(host), 2));
	for (int i = 0; i < N; i++)
		h = (h ^ host[i]) * 1099511628211ull;
	printf("%d %s %016llx %08x %08x\n", type, name, h, host[0], host[N - 1]);
}
int main(void)
{
	static const int types[] = { 401, 402, 403, 404, 405, 501 };
	void *dev;
	CHECK(hipMalloc(&dev, N * 4));
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		rocrand_generator g;
		int r = rocrand_create_generator(&g, types[i]);
		if (r) {
			printf("%d create %d\n", types[i], r);
			continue;
		}
		r = rocrand_set_seed(g, 1234567); /* quasi ones have none */
		CHECK(hipMemset(dev, 0, N * 4));
		CHECK(rocrand_generate(g, dev, N));
		show("uint", types[i], dev);
		CHECK(rocrand_generate_uniform(g, dev, N));
		show("uniform", types[i], dev);
		CHECK(rocrand_generate_normal(g, dev, N, 1.5f, 0.25f));
		show("normal", types[i], dev);
		CHECK(rocrand_generate_poisson(g, dev, N, 12.5));
		show("poisson", types[i], dev);
		CHECK(rocrand_destroy_generator(g));
	}
	return 0;
}
