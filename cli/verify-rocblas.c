/* SPDX-License-Identifier: MIT */
/*
 * rocBLAS as a backend, for matrix products: rocblas_gemm_ex with sums in float, as frameworks call it. Constants and order of arguments
 * as in rocBLAS's documentation of rocblas_gemm_ex and rocblas_datatype.
 */
#include <stdio.h>

#include "verify-hip.h"

enum { NO_TRANSPOSE = 111, F16_R = 150, F32_R = 151, ALGO_STANDARD = 0 };

static struct {
	int (*create_handle)(void **);
	const char *(*status_to_string)(int);
	int (*gemm_ex)(void *handle, int trans_a, int trans_b, int m, int n, int k,
		const void *alpha, const void *a, int a_type, int lda, const void *b, int b_type,
		int ldb, const void *beta, const void *c, int c_type, int ldc, void *d, int d_type,
		int ldd, int compute_type, int algo, int32_t solution_index, uint32_t flags);
} blas;

static void *handle;

static int blas_failed(const char *what, int r)
{
	printf("error %s: %d %s\n", what, r, blas.status_to_string(r));
	return 4;
}

static int prepare(struct data *d, int n_files, char **files)
{
	static const char *const names[] = { "librocblas.so.5", "librocblas.so.4",
		"librocblas.so.3", "librocblas.so.0", "librocblas.so", NULL };
	static const char *const functions[] = { "rocblas_create_handle",
		"rocblas_status_to_string", "rocblas_gemm_ex" };
	int r;

	(void)n_files;
	(void)files;
	if (d->c.op != RP_VERIFY_GEMM) {
		printf("error rocBLAS has matrix products only\n");
		return 2;
	}
	stage("module");
	r = load_library(names, functions, RP_ARRAY_SIZE(functions), &blas);
	if (r)
		return r;
	d->taken = "librocblas";
	r = blas.create_handle(&handle);
	return r ? blas_failed("rocblas_create_handle", r) : 0;
}

/* Matrices are stored by columns there: y = a b by rows is y' = b' a' by columns. */
static int run(struct data *d)
{
	const float one = 1, zero = 0;
	int type = d->c.type == RP_VERIFY_F16 ? F16_R : F32_R, r;
	int m = (int)d->c.k, n = (int)d->c.n, k = (int)d->c.c;
	void *out = (void *)(uintptr_t)d->dev_out;

	stage("kernel");
	r = blas.gemm_ex(handle, NO_TRANSPOSE, NO_TRANSPOSE, m, n, k, &one,
		(void *)(uintptr_t)d->dev_b, type, m, (void *)(uintptr_t)d->dev_a, type, k, &zero,
		out, type, m, out, type, m, F32_R, ALGO_STANDARD, 0, 0);
	return r ? blas_failed("rocblas_gemm_ex", r) : 0;
}

const struct backend backend_rocblas = { "rocblas", prepare, run };
