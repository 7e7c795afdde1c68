/* SPDX-License-Identifier: MIT */
/*
 * Level 2 of BLAS. A stored matrix (general, band, symmetric, packed, triangular ...) is read through one
 * function, entry(), so that all products are the same double loop and all rank updates another; solvers
 * are checked by putting their result back in: A x must be b within n epsilon |A| |x|.
 */
#include "blas.h"

#include <math.h>

struct vector {
	struct array *a;
	int n, inc;
};

static struct vector make_vector(struct run *r, enum type t, int n, int inc)
{
	return (struct vector){ array_new(r, t, vector_elements(n, inc)), n, inc };
}

static num at(const struct vector *v, int b, int i)
{
	return wanted(v->a, b, vector_at(v->n, v->inc, i));
}

/* y = alpha op(A) x + beta y */
static void expect_product(struct run *r, const struct matrix *m, int op, num alpha,
	const struct vector *x, num beta, const struct vector *y)
{
	enum type t = m->a->type;

	for (int b = 0; b < r->batches; b++)
		for (int i = 0; i < y->n; i++) {
			size_t where = vector_at(y->n, y->inc, i);
			num sum = 0, old = wanted(y->a, b, where);
			long double size = mag(beta) * mag(old);

			for (int j = 0; j < x->n; j++) {
				num e = entry_of(m, b, op, i, j), v = at(x, b, j);

				sum += mul(e, v);
				size += mag(alpha) * mag(e) * mag(v);
			}
			expect(y->a, b, where, mul(alpha, sum) + mul(beta, old),
				(x->n + 8) * type_eps(t) * size + slack(t));
		}
}

static const struct {
	int n, incx, incy;
	bool device_mode;
} shapes[] = { { 1, 1, 1, false }, { 70, 2, -1, true }, { 195, 1, 1, false } };

#define N_SHAPES 3

static bool general(struct verdict *v, enum kind kind, enum type t, bool band)
{
	for (size_t s = 0; s < N_SHAPES; s++)
		for (int op = OP_N; op <= OP_C; op++) {
			struct run *r = run_new(v->name, kind, shapes[s].device_mode, s);
			struct matrix m = { .store = band ? GENERAL_BAND : GENERAL,
				.layout = band ? BAND : FULL,
				.m = shapes[s].n + (int)s * 20,
				.n = shapes[s].n,
				.kl = 5,
				.ku = 9 };
			int nx = op == OP_N ? m.n : m.m, ny = op == OP_N ? m.m : m.n;
			struct vector x = make_vector(r, t, nx, shapes[s].incx);
			struct vector y = make_vector(r, t, ny, shapes[s].incy);
			num alpha = random_num(r, t), beta = random_num(r, t);

			make_matrix(r, t, &m);
			arg_int(r, op);
			arg_int(r, m.m);
			arg_int(r, m.n);
			if (band) {
				arg_int(r, m.kl);
				arg_int(r, m.ku);
			}
			arg_scalar(r, t, alpha);
			matrix_args(r, &m);
			arg_vector(r, x.a, x.inc);
			arg_scalar(r, t, beta);
			arg_vector(r, y.a, y.inc);
			arg_batches(r);
			expect_product(r, &m, op, alpha, &x, beta, &y);
			if (!run_call(r, v))
				return false;
		}
	return true;
}

static bool gemv(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	return general(v, kind, t, false);
}

static bool gbmv(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	return general(v, kind, t, true);
}

static bool symmetric(
	struct verdict *v, enum kind kind, enum type t, enum store store, enum layout layout)
{
	for (size_t s = 0; s < N_SHAPES; s++)
		for (int uplo = UPPER; uplo <= LOWER; uplo++) {
			struct run *r = run_new(v->name, kind, shapes[s].device_mode, s);
			int n = shapes[s].n;
			struct matrix m = { .store = store,
				.layout = layout,
				.m = n,
				.n = n,
				.ku = 7,
				.uplo = uplo };
			struct vector x = make_vector(r, t, n, shapes[s].incx);
			struct vector y = make_vector(r, t, n, shapes[s].incy);
			num alpha = random_num(r, t), beta = random_num(r, t);

			make_matrix(r, t, &m);
			arg_int(r, uplo);
			arg_int(r, n);
			if (layout == BAND)
				arg_int(r, m.ku);
			arg_scalar(r, t, alpha);
			matrix_args(r, &m);
			arg_vector(r, x.a, x.inc);
			arg_scalar(r, t, beta);
			arg_vector(r, y.a, y.inc);
			arg_batches(r);
			expect_product(r, &m, OP_N, alpha, &x, beta, &y);
			if (!run_call(r, v))
				return false;
		}
	return true;
}

#define SYMMETRIC_CASES(name, store, layout)                                          \
	static bool name(struct verdict *v, enum kind kind, enum type t, enum type u) \
	{                                                                             \
		(void)u;                                                              \
		return symmetric(v, kind, t, store, layout);                          \
	}

SYMMETRIC_CASES(symv, SYMMETRIC, FULL)
SYMMETRIC_CASES(hemv, HERMITIAN, FULL)
SYMMETRIC_CASES(sbmv, SYMMETRIC, BAND)
SYMMETRIC_CASES(hbmv, HERMITIAN, BAND)
SYMMETRIC_CASES(spmv, SYMMETRIC, PACKED)
SYMMETRIC_CASES(hpmv, HERMITIAN, PACKED)

/* x = op(A) x */
static void expect_in_place(struct run *r, const struct matrix *m, int op, const struct vector *x)
{
	num old[256];
	enum type t = m->a->type;

	for (int b = 0; b < r->batches; b++) {
		for (int i = 0; i < x->n; i++)
			old[i] = at(x, b, i);
		for (int i = 0; i < x->n; i++) {
			num sum = 0;
			long double size = 0;

			for (int j = 0; j < x->n; j++) {
				num e = entry_of(m, b, op, i, j);

				sum += mul(e, old[j]);
				size += mag(e) * mag(old[j]);
			}
			expect(x->a, b, vector_at(x->n, x->inc, i), sum,
				(x->n + 8) * type_eps(t) * size + slack(t));
		}
	}
}

/* b = op(A) x for the x that is wanted; the solver starts from b rounded. */
static void expect_solution(struct run *r, const struct matrix *m, int op, const struct vector *x)
{
	enum type t = m->a->type;

	for (int b = 0; b < r->batches; b++) {
		num want[256];

		for (int i = 0; i < x->n; i++)
			want[i] = at(x, b, i);
		for (int i = 0; i < x->n; i++) {
			num sum = 0;

			for (int j = 0; j < x->n; j++)
				sum += mul(entry_of(m, b, op, i, j), want[j]);
			set(x->a, b, vector_at(x->n, x->inc, i), sum);
		}
		/* |A^-1| |A| |x| is below 6 for tamed matrices and |x| <= 2: both parts of 1 */
		for (int i = 0; i < x->n; i++)
			expect(x->a, b, vector_at(x->n, x->inc, i), want[i],
				(x->n + 8) * type_eps(t) * 12);
	}
}

static bool triangular(
	struct verdict *v, enum kind kind, enum type t, enum layout layout, bool solve)
{
	for (size_t c = 0; c < N_SHAPES * 12; c++) {
		size_t s = c / 12;
		int uplo = c & 1 ? UPPER : LOWER, diag = c & 2 ? UNIT : NON_UNIT;
		int op = OP_N + (int)(c / 4 % 3), n = shapes[s].n;
		struct run *r = run_new(v->name, kind, shapes[s].device_mode, c);
		struct matrix m = { .store = TRIANGULAR,
			.layout = layout,
			.m = n,
			.n = n,
			.ku = 6,
			.uplo = uplo,
			.diag = diag };
		struct vector x = make_vector(r, t, n, c % 5 ? shapes[s].incx : -1);

		make_matrix(r, t, &m);
		arg_int(r, uplo);
		arg_int(r, op);
		arg_int(r, diag);
		arg_int(r, n);
		if (layout == BAND)
			arg_int(r, m.ku);
		matrix_args(r, &m);
		arg_vector(r, x.a, x.inc);
		arg_batches(r);
		if (solve) {
			tame(r, &m);
			expect_solution(r, &m, op, &x);
		} else {
			expect_in_place(r, &m, op, &x);
		}
		if (!run_call(r, v))
			return false;
	}
	return true;
}

#define TRIANGULAR_CASES(name, layout, solve)                                         \
	static bool name(struct verdict *v, enum kind kind, enum type t, enum type u) \
	{                                                                             \
		(void)u;                                                              \
		return triangular(v, kind, t, layout, solve);                         \
	}

TRIANGULAR_CASES(trmv, FULL, false)
TRIANGULAR_CASES(tbmv, BAND, false)
TRIANGULAR_CASES(tpmv, PACKED, false)
TRIANGULAR_CASES(trsv, FULL, true)
TRIANGULAR_CASES(tbsv, BAND, true)
TRIANGULAR_CASES(tpsv, PACKED, true)

/* A += alpha x y^T, and its kin: what is added to (i, j). two: + the same with x and y changed. */
static void expect_update(struct run *r, const struct matrix *m, num alpha, const struct vector *x,
	const struct vector *y, bool conjugate, bool two)
{
	enum type t = m->a->type;

	for (int b = 0; b < r->batches; b++)
		for (int j = 0; j < m->n; j++)
			for (int i = 0; i < m->m; i++) {
				num old, sum, xi = at(x, b, i), yj = at(y, b, j);
				long double size;

				if (!stored(m, i, j))
					continue;
				old = entry(m, b, i, j);
				sum = mul(alpha, mul(xi, conjugate ? conjl(yj) : yj));
				size = mag(old) + mag(alpha) * mag(xi) * mag(yj);
				if (two) {
					num yi = at(y, b, i), xj = at(x, b, j);

					sum += mul(conjugate ? conjl(alpha) : alpha,
						mul(yi, conjugate ? conjl(xj) : xj));
					size += mag(alpha) * mag(yi) * mag(xj);
				}
				if (m->store == HERMITIAN && i == j)
					sum = creall(sum); /* and the imaginary part becomes 0 */
				expect(m->a, b, place(m, i, j), old + sum,
					10 * type_eps(t) * size + slack(t));
			}
}

static bool general_update(struct verdict *v, enum kind kind, enum type t, bool conjugate)
{
	for (size_t s = 0; s < N_SHAPES; s++) {
		struct run *r = run_new(v->name, kind, shapes[s].device_mode, s);
		struct matrix m = { .store = GENERAL,
			.layout = FULL,
			.m = shapes[s].n + (int)s * 20,
			.n = shapes[s].n };
		struct vector x = make_vector(r, t, m.m, shapes[s].incx);
		struct vector y = make_vector(r, t, m.n, shapes[s].incy);
		num alpha = random_num(r, t);

		make_matrix(r, t, &m);
		arg_int(r, m.m);
		arg_int(r, m.n);
		arg_scalar(r, t, alpha);
		arg_vector(r, x.a, x.inc);
		arg_vector(r, y.a, y.inc);
		matrix_args(r, &m);
		arg_batches(r);
		expect_update(r, &m, alpha, &x, &y, conjugate, false);
		if (!run_call(r, v))
			return false;
	}
	return true;
}

static bool ger(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	return general_update(v, kind, t, false);
}

static bool gerc(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	return general_update(v, kind, t, true);
}

static bool update(struct verdict *v, enum kind kind, enum type t, enum store store,
	enum layout layout, bool two)
{
	for (size_t c = 0; c < N_SHAPES * 2; c++) {
		size_t s = c / 2;
		int n = shapes[s].n, uplo = c & 1 ? UPPER : LOWER;
		struct run *r = run_new(v->name, kind, shapes[s].device_mode, c);
		struct matrix m = {
			.store = store, .layout = layout, .m = n, .n = n, .uplo = uplo
		};
		struct vector x = make_vector(r, t, n, shapes[s].incx);
		struct vector y = two ? make_vector(r, t, n, shapes[s].incy) : x;
		enum type u = store == HERMITIAN && !two ? type_real(t) : t;
		num alpha = random_num(r, u);

		make_matrix(r, t, &m);
		arg_int(r, uplo);
		arg_int(r, n);
		arg_scalar(r, u, alpha);
		arg_vector(r, x.a, x.inc);
		if (two)
			arg_vector(r, y.a, y.inc);
		matrix_args(r, &m);
		arg_batches(r);
		expect_update(r, &m, alpha, &x, &y, store == HERMITIAN, two);
		if (!run_call(r, v))
			return false;
	}
	return true;
}

#define UPDATE_CASES(name, store, layout, two)                                        \
	static bool name(struct verdict *v, enum kind kind, enum type t, enum type u) \
	{                                                                             \
		(void)u;                                                              \
		return update(v, kind, t, store, layout, two);                        \
	}

UPDATE_CASES(syr, SYMMETRIC, FULL, false)
UPDATE_CASES(her, HERMITIAN, FULL, false)
UPDATE_CASES(spr, SYMMETRIC, PACKED, false)
UPDATE_CASES(hpr, HERMITIAN, PACKED, false)
UPDATE_CASES(syr2, SYMMETRIC, FULL, true)
UPDATE_CASES(her2, HERMITIAN, FULL, true)
UPDATE_CASES(spr2, SYMMETRIC, PACKED, true)
UPDATE_CASES(hpr2, HERMITIAN, PACKED, true)

const struct family level2[] = {
	{ "rocblas_%sgemv", "s d c z", 2, true, gemv },
	{ "rocblas_%sgbmv", "s d c z", 2, true, gbmv },
	{ "rocblas_%ssymv", "s d c z", 2, true, symv },
	{ "rocblas_%shemv", "c z", 2, true, hemv },
	{ "rocblas_%ssbmv", "s d", 2, true, sbmv },
	{ "rocblas_%shbmv", "c z", 2, true, hbmv },
	{ "rocblas_%sspmv", "s d", 2, true, spmv },
	{ "rocblas_%shpmv", "c z", 2, true, hpmv },
	{ "rocblas_%strmv", "s d c z", 2, true, trmv },
	{ "rocblas_%stbmv", "s d c z", 2, true, tbmv },
	{ "rocblas_%stpmv", "s d c z", 2, true, tpmv },
	{ "rocblas_%strsv", "s d c z", 2, true, trsv },
	{ "rocblas_%stbsv", "s d c z", 2, true, tbsv },
	{ "rocblas_%stpsv", "s d c z", 2, true, tpsv },
	{ "rocblas_%sger", "s d", 2, true, ger },
	{ "rocblas_%sgeru", "c z", 2, true, ger },
	{ "rocblas_%sgerc", "c z", 2, true, gerc },
	{ "rocblas_%ssyr", "s d c z", 2, true, syr },
	{ "rocblas_%sher", "c z", 2, true, her },
	{ "rocblas_%sspr", "s d c z", 2, true, spr },
	{ "rocblas_%shpr", "c z", 2, true, hpr },
	{ "rocblas_%ssyr2", "s d c z", 2, true, syr2 },
	{ "rocblas_%sher2", "c z", 2, true, her2 },
	{ "rocblas_%sspr2", "s d", 2, true, spr2 },
	{ "rocblas_%shpr2", "c z", 2, true, hpr2 },
	{ NULL, NULL, 0, false, NULL },
};
