/* SPDX-License-Identifier: MIT */
/*
 * Between the files of rocm-patch-verify-hip. The functions of HIP and of the libraries above it are declared here as their
 * documentation has them: the tool needs no headers.
 */
#ifndef RP_CLI_VERIFY_HIP_H
#define RP_CLI_VERIFY_HIP_H

#include "verify/gpu_job.h"

enum { TO_DEVICE = 1, TO_HOST = 2 }; /* hipMemcpyKind */

struct hip {
	int (*GetDeviceCount)(int *);
	int (*ModuleLoadData)(void **, const void *);
	int (*ModuleGetFunction)(void **, void *, const char *);
	int (*Malloc)(void **, size_t);
	int (*Memcpy)(void *, const void *, size_t, int);
	int (*ModuleLaunchKernel)(void *, unsigned int, unsigned int, unsigned int, unsigned int,
		unsigned int, unsigned int, unsigned int, void *, void **, void **);
	int (*DeviceSynchronize)(void);
	const char *(*GetErrorString)(int);
};
extern struct hip hip;

/* A case on its way through a backend. */
struct data {
	struct rp_verify_case c;
	struct rp_verify_sizes s;
	float *a, *b;
	double *want, *bound;
	uint8_t *got; /* guard, output, guard */
	size_t bytes; /* of an element */
	const char *taken; /* code object or library that computed it; for the result line */
	/* on the device: inputs in the case's type, output (behind its guard) */
	uint64_t dev_a, dev_b, dev_out;
};

/* Lines of the protocol. failed: "error ..." with the runtime's words, returns the exit status. */
void stage(const char *name);
int failed(const char *what, int r);

/* The first of the libraries (NULL-terminated) that loads, and its functions, in order, to table. 0 or the exit status. */
int load_library(const char *const *names, const char *const *functions, size_t n, void *table);

/* A buffer on the device with these bytes. 0 or the exit status. */
int upload(const void *bytes, size_t n, uint64_t *ret);

/*
 * Backends: prepare finds what it needs, run computes dev_out. 0 or the exit status ("unavailable ..." or
 * "error ..." was printed). files: code objects, for our own kernels.
 */
struct backend {
	const char *name;
	int (*prepare)(struct data *d, int n_files, char **files);
	int (*run)(struct data *d);
};
extern const struct backend backend_own, backend_rocblas;

#endif
