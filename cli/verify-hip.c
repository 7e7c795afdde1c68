/* SPDX-License-Identifier: MIT */
/*
 * rocm-patch-verify-hip SEED CASE FILE...: runs one case on the GPU through the HIP runtime and compares it.
 * A program of its own, started in a child with a deadline: a GPU that hangs, a runtime that
 * aborts or memory that is overwritten ends this process, not rocm-patch. FILE: code objects, the first one that the
 * runtime takes is used. Lines on standard output: "stage NAME" before each step, then one
 * "result ..." line (lib/verify/run.c reads them). Exit status: 0 compared (right or wrong), 3 the backend is
 * not available, 4 the runtime returned an error, 2 wrong use.
 *
 * The HIP functions are declared here as the HIP programming guide has them: the tool needs no headers.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "verify/gpu_job.h"

#define GUARD_BYTES  65536u /* on both sides of the output */
#define GUARD	     0xa5
#define BEGIN_BUFFER ((void *)1) /* HIP_LAUNCH_PARAM_BUFFER_POINTER, _SIZE, _END */
#define BUFFER_SIZE  ((void *)2)
#define END_BUFFER   ((void *)3)
enum { TO_DEVICE = 1, TO_HOST = 2 }; /* hipMemcpyKind */

static struct {
	int (*GetDeviceCount)(int *);
	int (*ModuleLoadData)(void **, const void *);
	int (*ModuleGetFunction)(void **, void *, const char *);
	int (*Malloc)(void **, size_t);
	int (*Memcpy)(void *, const void *, size_t, int);
	int (*ModuleLaunchKernel)(void *, unsigned int, unsigned int, unsigned int, unsigned int,
		unsigned int, unsigned int, unsigned int, void *, void **, void **);
	int (*DeviceSynchronize)(void);
	const char *(*GetErrorString)(int);
} hip;

static void stage(const char *name)
{
	printf("stage %s\n", name);
	(void)fflush(stdout);
}

static int load_runtime(void)
{
	static const char *const names[] = { "libamdhip64.so.7", "libamdhip64.so.6",
		"libamdhip64.so.5", "libamdhip64.so" };
	static const char *const functions[] = { "hipGetDeviceCount", "hipModuleLoadData",
		"hipModuleGetFunction", "hipMalloc", "hipMemcpy", "hipModuleLaunchKernel",
		"hipDeviceSynchronize", "hipGetErrorString" };
	void *lib = NULL, *f;

	for (size_t i = 0; i < RP_ARRAY_SIZE(names) && !lib; i++)
		lib = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
	if (!lib) {
		printf("unavailable %s\n", dlerror());
		return 3;
	}
	for (size_t i = 0; i < RP_ARRAY_SIZE(functions); i++) {
		f = dlsym(lib, functions[i]);
		if (!f) {
			printf("unavailable libamdhip64 has no %s\n", functions[i]);
			return 3;
		}
		memcpy((char *)&hip + i * sizeof(f), &f, sizeof(f));
	}
	return 0;
}

static int failed(const char *what, int r)
{
	printf("error %s: %d %s\n", what, r, hip.GetErrorString(r));
	return 4;
}

struct data {
	struct rp_verify_case c;
	struct rp_verify_sizes s;
	float *a, *b;
	double *want, *bound;
	uint8_t *got; /* guard, output, guard */
	size_t bytes; /* of an element */
};

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

/* A buffer on the device with these bytes; 0 or the exit status. */
static int upload(const void *bytes, size_t n, uint64_t *ret)
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

/* The first code object that the runtime takes. */
static int load_module(int argc, char **argv, void **ret, const char **ret_name)
{
	struct rp_error err = RP_ERROR_INIT;
	int r = -1;

	for (int i = 0; i < argc; i++) {
		RP_CLEANUP(rp_buf_free) struct rp_buf file = RP_BUF_INIT;

		if (rp_file_read(-100 /* AT_FDCWD */, argv[i], (size_t)64 << 20, &file, &err) < 0) {
			printf("unavailable %s\n", err.text);
			return 3;
		}
		r = hip.ModuleLoadData(ret, file.p);
		if (r == 0) {
			*ret_name = argv[i];
			return 0;
		}
	}
	printf("unavailable the runtime takes none of %d code objects: %d %s\n", argc, r,
		hip.GetErrorString(r));
	return 3;
}

/* Replaces a by the list of the images and the weights. */
static int upload_tensors(const struct data *d, struct rp_verify_gpu_job *job)
{
	size_t image = (size_t)d->c.c * d->c.h * d->c.w * d->bytes;
	struct rp_verify_gpu_tensor *list = calloc(d->c.n + 1u, sizeof(*list));
	int r;

	if (!list)
		return 4;
	for (uint32_t i = 0; i <= d->c.n; i++)
		list[i] = (struct rp_verify_gpu_tensor){ { (uint16_t)d->c.c, (uint16_t)d->c.h,
								 (uint16_t)d->c.w, 1 },
			i < d->c.n ? job->a + i * image : job->b };
	r = upload(list, (d->c.n + 1u) * sizeof(*list), &job->a);
	free(list);
	return r;
}

static int run_on_gpu(
	struct data *d, void *function, struct rp_verify_gpu_job *job, uint32_t groups)
{
	RP_CLEANUP(rp_free_p) void *a = encode(d, d->a, d->s.a);
	RP_CLEANUP(rp_free_p) void *b = encode(d, d->b, d->s.b);
	size_t n_out = d->s.out * d->bytes + 2 * GUARD_BYTES;
	uint64_t out = 0, device_job = 0;
	size_t size = sizeof(device_job);
	void *extra[] = { BEGIN_BUFFER, &device_job, BUFFER_SIZE, &size, END_BUFFER };
	int r;

	if (!a || !b)
		return 4;
	stage("copy-in");
	r = upload(a, d->s.a * d->bytes, &job->a);
	if (!r)
		r = upload(b, d->s.b * d->bytes, &job->b);
	if (!r)
		r = upload(d->got, n_out, &out);
	if (r)
		return r;
	if (d->c.op == RP_VERIFY_CONV_STRUCT)
		r = upload_tensors(d, job);
	if (r)
		return r;
	job->out = out + GUARD_BYTES;
	r = upload(job, sizeof(*job), &device_job);
	if (r)
		return r;
	stage("kernel");
	r = hip.ModuleLaunchKernel(
		function, groups, 1, 1, RP_VERIFY_GROUP, 1, 1, 0, NULL, NULL, extra);
	if (r)
		return failed("hipModuleLaunchKernel", r);
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

static void report(const struct data *d, const char *code_object)
{
	struct rp_verify_comparison c;
	size_t beyond = damaged_guards(d);

	rp_verify_compare(d->c.type, d->got + GUARD_BYTES, d->want, d->bound, d->s.out, &c);
	printf("result n=%zu wrong=%zu nan=%zu unwritten=%zu beyond=%zu first=%zu got=%.9g "
	       "want=%.9g "
	       "max_error=%.9g max_ratio=%.9g pattern=%d stride=%zu object=%s\n",
		c.n, c.n_wrong, c.n_nan, c.n_unwritten, beyond, c.first_wrong, c.first_got,
		c.first_want, c.max_error, c.max_ratio, (int)c.pattern, c.stride, code_object);
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
	struct rp_error err = RP_ERROR_INIT;
	struct rp_verify_gpu_job job;
	struct data d = { .bytes = 4 };
	const char *object = NULL, *name;
	void *module = NULL, *function = NULL;
	uint32_t groups = 0;
	uint64_t seed = 0;
	int r, count = 0;

	if (argc < 4 || !rp_span_number(rp_span_str(argv[1]), &seed))
		return 2;
	if (prepare(&d, argv[2], seed, &err) < 0) {
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
	stage("module");
	r = load_module(argc - 3, argv + 3, &module, &object);
	if (r)
		return r;
	name = rp_verify_gpu_job_of(&d.c, &d.s, &job, &groups);
	r = hip.ModuleGetFunction(&function, module, name);
	if (r)
		return failed(name, r);
	r = run_on_gpu(&d, function, &job, groups);
	if (r)
		return r;
	stage("compare");
	r = rp_verify_reference(&d.c, d.a, d.b, d.want, d.bound, 0, &err);
	if (r < 0) {
		printf("error %s\n", err.text);
		return 4;
	}
	report(&d, object);
	return fflush(stdout) == 0 ? 0 : 4;
}
