/* SPDX-License-Identifier: MIT */
/* Our own kernels (data/kernels/verify.hip) as a backend: a code object, a job structure in device memory, one launch. */
#include <stdio.h>

#include "verify-hip.h"

#define BEGIN_BUFFER ((void *)1) /* HIP_LAUNCH_PARAM_BUFFER_POINTER, _SIZE, _END */
#define BUFFER_SIZE  ((void *)2)
#define END_BUFFER   ((void *)3)

static struct rp_verify_gpu_job own;
static void *function;
static uint32_t groups;

/* The first code object that the runtime takes. */
static int load_module(struct data *d, int argc, char **argv, void **ret)
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
			d->taken = argv[i];
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

static int prepare(struct data *d, int n_files, char **files)
{
	void *module = NULL;
	const char *name;
	int r;

	stage("module");
	r = load_module(d, n_files, files, &module);
	if (r)
		return r;
	name = rp_verify_gpu_job_of(&d->c, &d->s, &own, &groups);
	r = hip.ModuleGetFunction(&function, module, name);
	return r ? failed(name, r) : 0;
}

static int run(struct data *d)
{
	uint64_t device_job = 0;
	size_t size = sizeof(device_job);
	void *extra[] = { BEGIN_BUFFER, &device_job, BUFFER_SIZE, &size, END_BUFFER };
	int r = 0;

	own.a = d->dev_a;
	own.b = d->dev_b;
	own.out = d->dev_out;
	if (d->c.op == RP_VERIFY_CONV_STRUCT)
		r = upload_tensors(d, &own);
	if (!r)
		r = upload(&own, sizeof(own), &device_job);
	if (r)
		return r;
	stage("kernel");
	r = hip.ModuleLaunchKernel(
		function, groups, 1, 1, RP_VERIFY_GROUP, 1, 1, 0, NULL, NULL, extra);
	return r ? failed("hipModuleLaunchKernel", r) : 0;
}

const struct backend backend_own = { "hip", prepare, run };
