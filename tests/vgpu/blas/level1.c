/* SPDX-License-Identifier: MIT */
/*
 * Level 1 of BLAS: what each function has to give, and how far rounding may take it. The bounds are
 * operations times the type's epsilon (twice its rounding error) times the sum of what is added.
 */
#include "blas.h"

#include <math.h>

/* Sizes: one element, part of a group, strides with both signs, several groups. */
static const struct shape {
	int n, incx, incy;
	bool device_mode;
} shapes[] = { { 1, 1, 1, false }, { 257, 1, 1, true }, { 1000, 2, -3, false },
	{ 5000, 1, 1, true }, { 5000, 1, 1, false } };

#define N_SHAPES 5

struct vectors {
	struct run *r;
	struct array *x, *y;
	int n, incx, incy;
	enum type t;
};

/* positive: functions of one vector, which do nothing for a negative increment. */
static struct vectors make(
	struct verdict *v, enum kind kind, enum type t, size_t shape, bool two, bool positive)
{
	const struct shape *s = &shapes[shape];
	struct vectors c = { .n = s->n, .incx = s->incx, .incy = s->incy, .t = t };

	if ((t == T_H || t == T_B) && c.n > 257)
		c.n = 200; /* the bound of long sums would say nothing */
	if (positive && c.incx < 0)
		c.incx = -c.incx;
	c.r = run_new(v->name, kind, s->device_mode, shape);
	arg_int(c.r, c.n);
	c.x = array_new(c.r, t, vector_elements(c.n, c.incx));
	if (two)
		c.y = array_new(c.r, t, vector_elements(c.n, c.incy));
	return c;
}

static size_t at_x(const struct vectors *c, int i)
{
	return vector_at(c->n, c->incx, i);
}

static size_t at_y(const struct vectors *c, int i)
{
	return vector_at(c->n, c->incy, i);
}

static void args_xy(struct vectors *c)
{
	arg_vector(c->r, c->x, c->incx);
	if (c->y)
		arg_vector(c->r, c->y, c->incy);
}

static bool copy_or_swap(struct verdict *v, enum kind kind, enum type t, bool swap)
{
	for (size_t s = 0; s < N_SHAPES; s++) {
		struct vectors c = make(v, kind, t, s, true, false);

		args_xy(&c);
		arg_batches(c.r);
		for (int b = 0; b < c.r->batches; b++)
			for (int i = 0; i < c.n; i++) {
				num x = wanted(c.x, b, at_x(&c, i)),
				    y = wanted(c.y, b, at_y(&c, i));

				expect(c.y, b, at_y(&c, i), x, 0);
				if (swap)
					expect(c.x, b, at_x(&c, i), y, 0);
			}
		if (!run_call(c.r, v))
			return false;
	}
	return true;
}

static bool copy(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	return copy_or_swap(v, kind, t, false);
}

static bool swap(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	return copy_or_swap(v, kind, t, true);
}

static bool scal(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	for (size_t s = 0; s < N_SHAPES; s++) {
		struct vectors c = make(v, kind, t, s, false, true);
		num alpha = random_num(c.r, u);

		arg_scalar(c.r, u, alpha);
		args_xy(&c);
		arg_batches(c.r);
		for (int b = 0; b < c.r->batches; b++)
			for (int i = 0; i < c.n; i++) {
				num x = wanted(c.x, b, at_x(&c, i));

				expect(c.x, b, at_x(&c, i), mul(alpha, x),
					4 * type_eps(t) * mag(alpha) * mag(x) + slack(t));
			}
		if (!run_call(c.r, v))
			return false;
	}
	return true;
}

static bool axpy(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	for (size_t s = 0; s < N_SHAPES; s++) {
		struct vectors c = make(v, kind, t, s, true, false);
		num alpha = random_num(c.r, u);

		arg_scalar(c.r, u, alpha);
		args_xy(&c);
		arg_batches(c.r);
		for (int b = 0; b < c.r->batches; b++)
			for (int i = 0; i < c.n; i++) {
				num x = wanted(c.x, b, at_x(&c, i)),
				    y = wanted(c.y, b, at_y(&c, i));

				expect(c.y, b, at_y(&c, i), mul(alpha, x) + y,
					4 * type_eps(t) * (mag(alpha) * mag(x) + mag(y)) +
						slack(t));
			}
		if (!run_call(c.r, v))
			return false;
	}
	return true;
}

static bool dot_of(struct verdict *v, enum kind kind, enum type t, bool conjugate)
{
	for (size_t s = 0; s < N_SHAPES; s++) {
		struct vectors c = make(v, kind, t, s, true, false);
		struct array *result = result_new(c.r, t);

		args_xy(&c);
		arg_batches(c.r);
		arg_result(c.r, result);
		for (int b = 0; b < c.r->batches; b++) {
			long double sum = 0;
			num total = 0;

			for (int i = 0; i < c.n; i++) {
				num x = wanted(c.x, b, at_x(&c, i)),
				    y = wanted(c.y, b, at_y(&c, i));

				total += mul(conjugate ? conjl(x) : x, y);
				sum += mag(x) * mag(y);
			}
			expect(result, b, 0, total, (c.n + 4) * type_eps(t) * sum + slack(t));
		}
		if (!run_call(c.r, v))
			return false;
	}
	return true;
}

static bool dot(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	return dot_of(v, kind, t, false);
}

static bool dotc(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	return dot_of(v, kind, t, true);
}

static bool norm(struct verdict *v, enum kind kind, enum type t, bool root)
{
	for (size_t s = 0; s < N_SHAPES; s++) {
		struct vectors c = make(v, kind, t, s, false, true);
		struct array *result = result_new(c.r, type_real(t));

		args_xy(&c);
		arg_batches(c.r);
		arg_result(c.r, result);
		for (int b = 0; b < c.r->batches; b++) {
			long double sum = 0;

			for (int i = 0; i < c.n; i++) {
				num x = wanted(c.x, b, at_x(&c, i));

				sum += root ? creall(mul(x, conjl(x))) : mag(x);
			}
			if (root)
				sum = sqrtl(sum);
			expect(result, b, 0, sum, (c.n + 4) * type_eps(t) * sum + slack(t));
		}
		if (!run_call(c.r, v))
			return false;
	}
	return true;
}

static bool nrm2(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	return norm(v, kind, t, true);
}

static bool asum(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	return norm(v, kind, t, false);
}

/* One element is clearly the largest or smallest; in every other case there are two, the first counts. */
static bool extreme(struct verdict *v, enum kind kind, enum type t, bool max)
{
	for (size_t s = 0; s < N_SHAPES; s++) {
		struct vectors c = make(v, kind, t, s, false, true);
		struct array *result = result_new(c.r, T_I32);

		args_xy(&c);
		arg_batches(c.r);
		arg_result(c.r, result);
		for (int b = 0; b < c.r->batches; b++) {
			int where = (int)((unsigned int)creall(mul(random_num(c.r, T_I8), 131)) +
					    5000) %
				    c.n;
			int again = where + (c.n - where) / 2;

			for (int i = 0; i < c.n; i++) {
				num x = wanted(c.x, b, at_x(&c, i));

				/* nothing is as small as what is put below */
				set(c.x, b, at_x(&c, i), x + (creall(x) < 0 ? -0.25L : 0.25L));
			}
			set(c.x, b, at_x(&c, where), max ? -16 : 0.125);
			if (s % 2)
				set(c.x, b, at_x(&c, again), max ? 16 : -0.125);
			expect(result, b, 0, where + 1, 0);
		}
		if (!run_call(c.r, v))
			return false;
	}
	return true;
}

static bool iamax(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	return extreme(v, kind, t, true);
}

static bool iamin(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	return extreme(v, kind, t, false);
}

static bool rot(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	for (size_t s = 0; s < N_SHAPES; s++) {
		struct vectors c = make(v, kind, t, s, true, false);
		num co = random_num(c.r, type_real(t)), si = random_num(c.r, u);

		args_xy(&c);
		arg_scalar(c.r, type_real(t), co);
		arg_scalar(c.r, u, si);
		arg_batches(c.r);
		for (int b = 0; b < c.r->batches; b++)
			for (int i = 0; i < c.n; i++) {
				num x = wanted(c.x, b, at_x(&c, i)),
				    y = wanted(c.y, b, at_y(&c, i));
				long double tol = 6 * type_eps(t) * (mag(x) + mag(y)) + slack(t);

				expect(c.x, b, at_x(&c, i), mul(co, x) + mul(si, y), tol);
				expect(c.y, b, at_y(&c, i), mul(co, y) - mul(conjl(si), x), tol);
			}
		if (!run_call(c.r, v))
			return false;
	}
	return true;
}

/* H by the flag, as the reference BLAS defines it. */
static void rotm_matrix(int flag, const num p[5], num h[4])
{
	h[0] = flag == -1 || flag == 1 ? p[1] : 1; /* h11 */
	h[1] = flag == -1 || flag == 0 ? p[2] : flag == 1 ? -1 : 0; /* h21 */
	h[2] = flag == -1 || flag == 0 ? p[3] : flag == 1 ? 1 : 0; /* h12 */
	h[3] = flag == -1 || flag == 1 ? p[4] : 1; /* h22 */
}

static bool rotm(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	for (size_t s = 0; s < 2 * N_SHAPES; s++) {
		struct vectors c = make(v, kind, t, s % N_SHAPES, true, false);
		struct array *param = array_new(c.r, t, 5);
		int flag = (int)(s % 4) - 2;

		/* parameters for each batch lie on the device */
		c.r->device_mode = true;
		args_xy(&c);
		arg_array(c.r, param);
		arg_stride(c.r, param);
		arg_batches(c.r);
		for (int b = 0; b < c.r->batches; b++) {
			num p[5], h[4];

			set(param, b, 0, flag);
			for (size_t i = 0; i < 5; i++)
				p[i] = wanted(param, b, i);
			rotm_matrix(flag, p, h);
			for (int i = 0; i < c.n; i++) {
				num x = wanted(c.x, b, at_x(&c, i)),
				    y = wanted(c.y, b, at_y(&c, i));
				long double tol = 4 * type_eps(t) * (mag(x) + mag(y));

				expect(c.x, b, at_x(&c, i), mul(h[0], x) + mul(h[2], y), tol);
				expect(c.y, b, at_y(&c, i), mul(h[1], x) + mul(h[3], y), tol);
			}
		}
		if (!run_call(c.r, v))
			return false;
	}
	return true;
}

/* What the reference BLAS's rotg gives: r, z, c, s. */
static void rotg_wanted(num a, num b, bool is_complex, num out[4])
{
	long double roe = fabsl(creall(a)) > fabsl(creall(b)) ? creall(a) : creall(b);
	long double r = copysignl(hypotl(creall(a), creall(b)), roe);

	if (is_complex) {
		long double n = hypotl(cabsl(a), cabsl(b));
		num phase = a / cabsl(a);

		out[0] = phase * n;
		out[1] = b;
		out[2] = cabsl(a) / n;
		out[3] = mul(phase, conjl(b)) / n;
		return;
	}
	out[0] = r;
	out[2] = creall(a) / r;
	out[3] = creall(b) / r;
	out[1] = fabsl(creall(a)) > fabsl(creall(b)) ? out[3] : 1 / out[2];
}

static bool rotg(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	for (size_t s = 0; s < 4; s++) {
		/* on the device: in host mode the library computes on the CPU */
		struct run *r = run_new(v->name, kind, true, s);
		struct array *p[4];

		for (int i = 0; i < 4; i++) {
			p[i] = array_new(r, i == 2 ? type_real(t) : t, 1);
			arg_array(r, p[i]);
			arg_stride(r, p[i]);
		}
		arg_batches(r);
		for (int b = 0; b < r->batches; b++) {
			num out[4];

			rotg_wanted(
				wanted(p[0], b, 0), wanted(p[1], b, 0), type_is_complex(t), out);
			for (int i = 0; i < 4; i++)
				expect(p[i], b, 0, out[i],
					type_is_complex(t) && i == 1
						? 0
						: 16 * type_eps(t) * mag(out[i]));
		}
		if (!run_call(r, v))
			return false;
	}
	return true;
}

/* Modified Givens: the cases without scaling, which random numbers of size 1 never need. */
static void rotmg_wanted(num in[4], num param[5])
{
	long double d1 = creall(in[0]), d2 = creall(in[1]), x = creall(in[2]), y = creall(in[3]);
	long double q1 = d1 * x * x, q2 = d2 * y * y;

	if (fabsl(q1) > fabsl(q2)) {
		long double h21 = -y / x, h12 = d2 * y / (d1 * x), u = 1 - h12 * h21;

		param[0] = 0;
		param[2] = h21;
		param[3] = h12;
		in[0] = d1 / u;
		in[1] = d2 / u;
		in[2] = x * u;
	} else {
		long double h11 = d1 * x / (d2 * y), h22 = x / y, u = 1 + h11 * h22;

		param[0] = 1;
		param[1] = h11;
		param[4] = h22;
		in[0] = d2 / u;
		in[1] = d1 / u;
		in[2] = y * u;
	}
}

static bool rotmg(struct verdict *v, enum kind kind, enum type t, enum type u)
{
	(void)u;
	for (size_t s = 0; s < 4; s++) {
		struct run *r = run_new(v->name, kind, true, s);
		struct array *p[5];

		for (int i = 0; i < 5; i++) {
			p[i] = array_new(r, t, i == 4 ? 5 : 1);
			arg_array(r, p[i]);
			arg_stride(r, p[i]);
		}
		arg_batches(r);
		for (int b = 0; b < r->batches; b++) {
			num in[4], param[5];

			for (int i = 0; i < 4; i++) { /* d1, d2 > 0, all between 1 and 2 */
				in[i] = 1 + fabsl(creall(wanted(p[i], b, 0)));
				set(p[i], b, 0, in[i]);
				in[i] = wanted(p[i], b, 0);
			}
			for (size_t i = 0; i < 5; i++)
				param[i] = wanted(p[4], b, i);
			rotmg_wanted(in, param);
			for (int i = 0; i < 3; i++)
				expect(p[i], b, 0, in[i], 16 * type_eps(t) * mag(in[i]));
			for (size_t i = 0; i < 5; i++)
				if (param[i] != wanted(p[4], b, i))
					expect(p[4], b, i, param[i],
						16 * type_eps(t) * mag(param[i]));
		}
		if (!run_call(r, v))
			return false;
	}
	return true;
}

const struct family level1[] = {
	{ "rocblas_%scopy", "s d c z", 1, true, copy },
	{ "rocblas_%sswap", "s d c z", 1, true, swap },
	{ "rocblas_%sscal", "s d c z cs zd", 1, true, scal },
	{ "rocblas_%saxpy", "h s d c z", 1, true, axpy },
	{ "rocblas_%sdot", "h bf s d", 1, true, dot },
	{ "rocblas_%sdotu", "c z", 1, true, dot },
	{ "rocblas_%sdotc", "c z", 1, true, dotc },
	{ "rocblas_%snrm2", "s d sc dz", 1, true, nrm2 },
	{ "rocblas_%sasum", "s d sc dz", 1, true, asum },
	{ "rocblas_i%samax", "s d c z", 1, true, iamax },
	{ "rocblas_i%samin", "s d c z", 1, true, iamin },
	{ "rocblas_%srot", "s d c z cs zd", 1, true, rot },
	{ "rocblas_%srotg", "s d c z", 1, true, rotg },
	{ "rocblas_%srotm", "s d", 1, true, rotm },
	{ "rocblas_%srotmg", "s d", 1, true, rotmg },
	{ NULL, NULL, 0, false, NULL },
};
