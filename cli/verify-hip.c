/* SPDX-License-Identifier: MIT */
/*
 * rocm-patch-verify-hip BACKEND SEED CASE FILE...: runs one case on the GPU through the HIP runtime and compares it.
 * BACKEND: hip, our own kernels; rocblas.
 * A program of its own, started in a child with a deadline: a GPU that hangs, a runtime that
 * aborts or memory that is overwritten ends this process, not rocm-patch. FILE: code objects for hip, the first one that
 * the runtime takes is used. Lines on standard output: "stage NAME" before each step, then one
 * "result ..." line (lib/verify/run.c reads them). Exit status: 0 compared (right or wrong), 3 the backend is
 * not available, 4 the runtime returned an error, 2 wrong use.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "verify-hip.h"

#define GUARD_BYTES 65536u /* on both sides of the output */
#define GUARD	    0xa5

struct hip hip;

void stage(const char *name)
{
	printf("stage %s\n", name);
	(void)fflush(stdout);
}

int load_library(const char *const *names, const char *const *functions, size_t n, void *table)
{
	void *lib = NULL, *f;

	for (size_t i = 0; names[i] && !lib; i++)
		lib = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
	if (!lib) {
		printf("unavailable %s\n", dlerror());
		return 3;
	}
	for (size_t i = 0; i < n; i++) {
		f = dlsym(lib, functions[i]);
		if (!f) {
			printf("unavailable %s: no %s\n", names[0], functions[i]);
			return 3;
		}
		memcpy((char *)table + i * sizeof(f), &f, sizeof(f));
	}
	return 0;
}

static int load_runtime(void)
{
	static const char *const names[] = { "libamdhip64.so.7", "libamdhip64.so.6",
		"libamdhip64.so.5", "libamdhip64.so", NULL };
	static const char *const functions[] = { "hipGetDeviceCount", "hipModuleLoadData",
		"hipModuleGetFunction", "hipMalloc", "hipMemcpy", "hipModuleLaunchKernel",
		"hipDeviceSynchronize", "hipGetErrorString" };

	return load_library(names, functions, RP_ARRAY_SIZE(functions), &hip);
}

int failed(const char *what, int r)
{
	printf("error %s: %d %s\n", what, r, hip.GetErrorString(r));
	return 4;
}

/* Bytes of n floats in the case's type. Owned. */
static void *encode(const struct data *d, const float *v, size_t n)
{
	uint8_t *p = malloc(n * d->bytes + 1);

	for (size_t i = 0; p && i < n; i++) {
		if (d->c.type == RP_VERIFY_F16) {
			uint16_t h = rp_half_of_float(v[i]);

			memcpy(p + 2 * i, &h, 2);
		} else {
			memcpy(p + 4 * i, &v[i], 4);
		}
	}
	return p;
}

static void poison(struct data *d)
{
	memset(d->got, GUARD, d->s.out * d->bytes + 2 * GUARD_BYTES);
	for (size_t i = 0; i < d->s.out; i++) {
		uint32_t f32 = RP_VERIFY_POISON;
		uint16_t f16 = RP_VERIFY_POISON_HALF;

		memcpy(d->got + GUARD_BYTES + i * d->bytes,
			d->bytes == 2 ? (const void *)&f16 : (const void *)&f32, d->bytes);
	}
}

int upload(const void *bytes, size_t n, uint64_t *ret)
{
	void *p = NULL;
	int r = hip.Malloc(&p, n ? n : 1);

	if (r)
		return failed("hipMalloc", r);
	r = n ? hip.Memcpy(p, bytes, n, TO_DEVICE) : 0;
	if (r)
		return failed("hipMemcpy to the device", r);
	*ret = (uint64_t)(uintptr_t)p;
	return 0;
}

static int run_on_gpu(struct data *d, const struct backend *backend)
{
	RP_CLEANUP(rp_free_p) void *a = encode(d, d->a, d->s.a);
	RP_CLEANUP(rp_free_p) void *b = encode(d, d->b, d->s.b);
	size_t n_out = d->s.out * d->bytes + 2 * GUARD_BYTES;
	uint64_t out = 0;
	int r;

	if (!a || !b)
		return 4;
	stage("copy-in");
	r = upload(a, d->s.a * d->bytes, &d->dev_a);
	if (!r)
		r = upload(b, d->s.b * d->bytes, &d->dev_b);
	if (!r)
		r = upload(d->got, n_out, &out);
	if (r)
		return r;
	d->dev_out = out + GUARD_BYTES;
	r = backend->run(d);
	if (r)
		return r;
	r = hip.DeviceSynchronize();
	if (r)
		return failed("hipDeviceSynchronize", r);
	stage("copy-out");
	r = hip.Memcpy(d->got, (const void *)(uintptr_t)out, n_out, TO_HOST);
	return r ? failed("hipMemcpy to the host", r) : 0;
}

/* Bytes of the guards that are not what they were. */
static size_t damaged_guards(const struct data *d)
{
	size_t n = 0, end = GUARD_BYTES + d->s.out * d->bytes;

	for (size_t i = 0; i < GUARD_BYTES; i++) {
		n += d->got[i] != GUARD;
		n += d->got[end + i] != GUARD;
	}
	return n;
}

static void report(const struct data *d)
{
	struct rp_verify_comparison c;
	size_t beyond = damaged_guards(d);

	rp_verify_compare(d->c.type, d->got + GUARD_BYTES, d->want, d->bound, d->s.out, &c);
	printf("result n=%zu wrong=%zu nan=%zu unwritten=%zu beyond=%zu first=%zu got=%.9g "
	       "want=%.9g "
	       "max_error=%.9g max_ratio=%.9g pattern=%d stride=%zu object=%s\n",
		c.n, c.n_wrong, c.n_nan, c.n_unwritten, beyond, c.first_wrong, c.first_got,
		c.first_want, c.max_error, c.max_ratio, (int)c.pattern, c.stride, d->taken);
	printf("bins");
	for (size_t i = 0; i < RP_VERIFY_BINS; i++)
		printf(" %u", c.bins[i]);
	printf("\n");
}

static int prepare(struct data *d, const char *text, uint64_t seed, struct rp_error *err)
{
	int r = rp_verify_parse(rp_span_str(text), &d->c, err);

	if (r == 0)
		r = rp_verify_sizes(&d->c, &d->s, err);
	if (r < 0)
		return r;
	d->bytes = d->c.type == RP_VERIFY_F16 ? 2 : 4;
	d->a = calloc(d->s.a + 1, sizeof(*d->a));
	d->b = calloc(d->s.b + 1, sizeof(*d->b));
	d->want = calloc(d->s.out, sizeof(*d->want));
	d->bound = calloc(d->s.out, sizeof(*d->bound));
	d->got = calloc(1, d->s.out * d->bytes + (size_t)2 * GUARD_BYTES);
	if (!d->a || !d->b || !d->want || !d->bound || !d->got)
		return RP_NOMEM(err);
	rp_verify_fill(d->c.type, seed, d->a, d->s.a);
	rp_verify_fill(d->c.type, seed + 1, d->b, d->s.b);
	poison(d);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct backend *const backends[] = { &backend_own, &backend_rocblas };
	const struct backend *backend = NULL;
	struct rp_error err = RP_ERROR_INIT;
	struct data d = { .bytes = 4 };
	uint64_t seed = 0;
	int r, count = 0;

	for (size_t i = 0; argc >= 4 && i < RP_ARRAY_SIZE(backends); i++)
		if (strcmp(argv[1], backends[i]->name) == 0)
			backend = backends[i];
	if (!backend || !rp_span_number(rp_span_str(argv[2]), &seed))
		return 2;
	if (prepare(&d, argv[3], seed, &err) < 0) {
		printf("error %s\n", err.text);
		return 2;
	}
	stage("load");
	r = load_runtime();
	if (r)
		return r;
	r = hip.GetDeviceCount(&count);
	if (r || count < 1) {
		printf("unavailable no GPU for the HIP runtime: %d %s\n", r, hip.GetErrorString(r));
		return 3;
	}
	r = backend->prepare(&d, argc - 4, argv + 4);
	if (r == 0)
		r = run_on_gpu(&d, backend);
	if (r)
		return r;
	stage("compare");
	r = rp_verify_reference(&d.c, d.a, d.b, d.want, d.bound, 0, &err);
	if (r < 0) {
		printf("error %s\n", err.text);
		return 4;
	}
	report(&d);
	return fflush(stdout) == 0 ? 0 : 4;
}
