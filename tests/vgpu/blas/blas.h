/* SPDX-License-Identifier: MIT */
/*
 * What the parts of blas_values share: typed arrays with the wanted value and its error bound beside
 * each element, and calls of rocBLAS by name, without its headers.
 *
 * A case makes a run, fills arrays, tells its arguments in the order of rocblas.h, changes want and tol
 * as the function should change the array, and calls. Everything that a case does not expect to change must not.
 */
#ifndef TEST_BLAS_H
#define TEST_BLAS_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef long double complex num;

enum type { T_H, T_B, T_S, T_D, T_C, T_Z, T_I32, T_I8, T_MAX };

enum kind { KIND_PLAIN, KIND_BATCHED, KIND_STRIDED, KIND_MAX };

struct array {
	enum type type;
	size_t n, stride; /* elements of one batch, and from one batch to the next */
	size_t total;
	bool on_host; /* a result for pointer mode host */
	uint8_t *host, *dev;
	void **pointers; /* on the device: one for each batch */
	num *want;
	long double *tol;
	struct array *next;
};

#define MAX_SLOTS 28

struct run {
	enum kind kind;
	int batches;
	bool device_mode; /* scalars lie in device memory */
	uint64_t rng;
	struct array *arrays;
	int64_t slot[MAX_SLOTS];
	int n_slots;
	uint8_t scalar[8][16];
	int n_scalars;
};

/* What one function's cases have shown so far. */
struct verdict {
	const char *name;
	unsigned int calls, refused;
	int status; /* of the first refused call */
	size_t values, bad;
	long double worst; /* error through bound */
};

extern bool verbose; /* a line on stderr for each call */

size_t type_size(enum type t);
bool type_is_complex(enum type t);
enum type type_real(enum type t);
/* Distance of 1 to the next number. */
long double type_eps(enum type t);
num get(enum type t, const uint8_t *base, size_t i);
void put(enum type t, uint8_t *base, size_t i, num value);
/* As the type holds it. */
num rounded(enum type t, num value);
static inline num complex_of(long double re, long double im)
{
	num v;

	((long double *)&v)[0] = re;
	((long double *)&v)[1] = im;
	return v;
}
static inline num mul(num a, num b)
{
	long double x = creall(a), y = cimagl(a), u = creall(b), v = cimagl(b);

	return complex_of(x * u - y * v, x * v + y * u);
}
/* |re| + |im|, at least the absolute value. */
long double mag(num a);
/* Results below the smallest normal number may be flushed. */
long double slack(enum type t);

struct run *run_new(const char *name, enum kind kind, bool device_mode, uint64_t seed);
/* Random numbers in [-1, 1] (complex: both parts); integers in [-8, 8]. */
struct array *array_new(struct run *r, enum type t, size_t n);
/* One element for each batch, side by side, where the pointer mode wants it. */
struct array *result_new(struct run *r, enum type t);
void set(struct array *a, int batch, size_t i, num value);
num wanted(const struct array *a, int batch, size_t i);
void expect(struct array *a, int batch, size_t i, num value, long double tol);
num random_num(struct run *r, enum type t);

void arg_int(struct run *r, int64_t value);
void arg_array(struct run *r, const struct array *a); /* pointer, or pointers */
void arg_stride(struct run *r, const struct array *a); /* only if strided */
void arg_vector(struct run *r, const struct array *a, int inc); /* pointer, increment, stride */
void arg_scalar(struct run *r, enum type t, num value);
void arg_batches(struct run *r); /* only if batched or strided */
void arg_result(struct run *r, const struct array *a);

/* Calls, compares, frees r. False: the function is not in the library, or a bug of the test. */
bool run_call(struct run *r, struct verdict *v);
/* Calls without comparing or freeing: ms of the fastest of n, or a negative number. */
double run_time(struct run *r, const char *name, int n);
void run_free(struct run *r);
/* Copies an array back into host. */
bool array_fetch(struct array *a);

/* Operand i of a vector of n, as BLAS counts with negative increments. */
static inline size_t vector_at(int n, int inc, int i)
{
	return inc < 0 ? (size_t)(n - 1 - i) * (size_t)-inc : (size_t)i * (size_t)inc;
}
static inline size_t vector_elements(int n, int inc)
{
	return (size_t)(n - 1) * (size_t)(inc < 0 ? -inc : inc) + 1;
}

enum store { GENERAL, GENERAL_BAND, SYMMETRIC, HERMITIAN, TRIANGULAR };
enum layout { FULL, BAND, PACKED };

struct matrix {
	struct array *a;
	enum store store;
	enum layout layout;
	int m, n, ld, kl, ku;
	int uplo, diag; /* of those that have it */
};

bool stored(const struct matrix *m, int i, int j);
size_t place(const struct matrix *m, int i, int j); /* of a stored element */
/* Element of the matrix that is meant, and of op(matrix). */
num entry(const struct matrix *m, int batch, int i, int j);
num entry_of(const struct matrix *m, int batch, int op, int i, int j);
void make_matrix(struct run *r, enum type t, struct matrix *m);
/* Makes triangular systems well conditioned: small off the diagonal, near 2 on it. */
void tame(struct run *r, struct matrix *m);
void matrix_args(struct run *r, const struct matrix *m); /* pointer, leading dimension, stride */

/* Families: format of the name, prefixes with blanks between, whether there are batched forms. */
struct family {
	const char *format; /* %s: the prefix */
	const char *prefixes;
	int level;
	bool batched;
	/* All cases of one function. x: of the data; s: of what is real where the data is complex. */
	bool (*cases)(struct verdict *v, enum kind kind, enum type x, enum type s);
};

extern const struct family level1[], level2[], level3[];

/* rocblas.h, enum rocblas_operation and others. */
enum { OP_N = 111, OP_T, OP_C };
enum { UPPER = 121, LOWER };
enum { NON_UNIT = 131, UNIT };
enum { LEFT = 141, RIGHT };

#endif
