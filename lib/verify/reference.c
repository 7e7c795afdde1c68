/* SPDX-License-Identifier: MIT */
/*
 * The judge: plain loops in double, one plane of the output at a time, planes over threads. Beside
 * the sum of products it keeps the sum of their magnitudes, which is what the error of any order
 * of float additions is bounded by.
 */
#include <math.h>
#include <stdatomic.h>

#include "verify/verify.h"

#define UNIT	  0x1p-24 /* unit roundoff of float */
#define HALF_UNIT 0x1p-11 /* ... of half */
#define HALF_TINY 0x1p-25 /* half of half's smallest number */
#define EPSILON	  1e-5 /* of batch norm */

struct job {
	const struct rp_verify_case *c;
	struct rp_verify_sizes s;
	const float *a, *b;
	double *out, *bound;
	size_t n_planes;
	atomic_size_t next;
};

/* Error of a float sum of n products whose magnitudes sum up to m; 4 more for what happens around it. */
static double sum_bound(uint64_t n, double m)
{
	double nu = (double)(n + 4) * UNIT;

	return nu / (1 - nu) * m;
}

/* The bound of a sum, and of rounding it to the output's type. */
static double output_bound(enum rp_verify_type type, uint64_t n, double value, double m)
{
	double e = sum_bound(n, m) + 0x1p-149;

	return type == RP_VERIFY_F16 ? e + HALF_UNIT * (fabs(value) + e) + HALF_TINY : e;
}

/* Outputs along w for which input column x * stride + shift is inside [0, width). */
static void column_range(const struct rp_verify_case *c, uint32_t width, uint32_t out_w,
	int64_t shift, uint32_t *ret_first, uint32_t *ret_end)
{
	int64_t st = c->stride, first = shift < 0 ? (-shift + st - 1) / st : 0;
	int64_t end = (int64_t)width - 1 - shift < 0 ? 0 : ((int64_t)width - 1 - shift) / st + 1;

	if (end > out_w)
		end = out_w;
	*ret_first = (uint32_t)(first < end ? first : end);
	*ret_end = (uint32_t)end;
}

/* Plane = (n, k): y[n][k][.][.] */
static void conv_forward(struct job *j, size_t plane, double *sum, double *mag)
{
	const struct rp_verify_case *c = j->c;
	uint32_t k = (uint32_t)(plane % c->k), n = (uint32_t)(plane / c->k), cg = c->c / c->groups;
	uint32_t group = k / (c->k / c->groups), oh = j->s.out_h, ow = j->s.out_w;

	for (uint32_t ci = 0; ci < cg; ci++) {
		const float *in = j->a + ((size_t)n * c->c + group * cg + ci) * c->h * c->w;

		for (uint32_t f = 0; f < c->r * c->s; f++) {
			double w = j->b[((size_t)k * cg + ci) * c->r * c->s + f], aw = fabs(w);
			int64_t dy = (int64_t)(f / c->s) * c->dilation - c->pad;
			int64_t dx = (int64_t)(f % c->s) * c->dilation - c->pad;
			uint32_t x0, x1;

			column_range(c, c->w, ow, dx, &x0, &x1);
			for (uint32_t y = 0; y < oh; y++) {
				int64_t iy = (int64_t)y * c->stride + dy;
				int64_t row = iy * c->w + dx;

				if (iy < 0 || iy >= c->h)
					continue;
				for (uint32_t x = x0; x < x1; x++) {
					double v = in[row + (int64_t)x * c->stride];

					sum[(size_t)y * ow + x] += w * v;
					mag[(size_t)y * ow + x] += aw * fabs(v);
				}
			}
		}
	}
}

/* Plane = (n, c): gradient of x[n][c][.][.] from that of y (a) and the weights (b). */
static void conv_data(struct job *j, size_t plane, double *sum, double *mag)
{
	const struct rp_verify_case *c = j->c;
	uint32_t ch = (uint32_t)(plane % c->c), n = (uint32_t)(plane / c->c), cg = c->c / c->groups;
	uint32_t kg = c->k / c->groups, group = ch / cg, oh = j->s.out_h, ow = j->s.out_w;

	for (uint32_t ki = 0; ki < kg; ki++) {
		uint32_t k = group * kg + ki;
		const float *gy = j->a + ((size_t)n * c->k + k) * oh * ow;

		for (uint32_t f = 0; f < c->r * c->s; f++) {
			double w = j->b[((size_t)k * cg + ch % cg) * c->r * c->s + f], aw = fabs(w);
			int64_t dy = (int64_t)(f / c->s) * c->dilation - c->pad;
			int64_t dx = (int64_t)(f % c->s) * c->dilation - c->pad;
			uint32_t x0, x1;

			column_range(c, c->w, ow, dx, &x0, &x1);
			for (uint32_t y = 0; y < oh; y++) {
				int64_t iy = (int64_t)y * c->stride + dy;
				int64_t row = iy * c->w + dx;

				if (iy < 0 || iy >= c->h)
					continue;
				for (uint32_t x = x0; x < x1; x++) {
					double v = gy[(size_t)y * ow + x];
					size_t at = (size_t)(row + (int64_t)x * c->stride);

					sum[at] += w * v;
					mag[at] += aw * fabs(v);
				}
			}
		}
	}
}

/* Plane = k: gradient of w[k][.][.][.] from x (a) and the gradient of y (b). */
static void conv_weights(struct job *j, size_t k, double *sum, double *mag)
{
	const struct rp_verify_case *c = j->c;
	uint32_t cg = c->c / c->groups, group = (uint32_t)k / (c->k / c->groups);
	uint32_t oh = j->s.out_h, ow = j->s.out_w;

	for (size_t e = 0; e < (size_t)c->n * cg * c->r * c->s; e++) {
		uint32_t f = (uint32_t)(e % (c->r * c->s)), ci = (uint32_t)(e / (c->r * c->s) % cg);
		uint32_t n = (uint32_t)(e / ((size_t)c->r * c->s * cg)), x0, x1;
		const float *in = j->a + ((size_t)n * c->c + group * cg + ci) * c->h * c->w;
		const float *gy = j->b + ((size_t)n * c->k + k) * oh * ow;
		int64_t dy = (int64_t)(f / c->s) * c->dilation - c->pad;
		int64_t dx = (int64_t)(f % c->s) * c->dilation - c->pad;
		double total = 0, magnitude = 0;

		column_range(c, c->w, ow, dx, &x0, &x1);
		for (uint32_t y = 0; y < oh; y++) {
			int64_t iy = (int64_t)y * c->stride + dy;
			int64_t row = iy * c->w + dx;

			if (iy < 0 || iy >= c->h)
				continue;
			for (uint32_t x = x0; x < x1; x++) {
				double v = (double)in[row + (int64_t)x * c->stride] *
					   gy[(size_t)y * ow + x];

				total += v;
				magnitude += fabs(v);
			}
		}
		sum[(size_t)ci * c->r * c->s + f] += total;
		mag[(size_t)ci * c->r * c->s + f] += magnitude;
	}
}

static void gemm(struct job *j, size_t row, double *sum, double *mag)
{
	const struct rp_verify_case *c = j->c;

	for (uint32_t i = 0; i < c->c; i++) {
		double v = j->a[row * c->c + i], av = fabs(v);
		const float *b = j->b + (size_t)i * c->k;

		for (uint32_t k = 0; k < c->k; k++) {
			sum[k] += v * b[k];
			mag[k] += av * fabs((double)b[k]);
		}
	}
}

/*
 * y = (x - mean) / sqrt(var + eps) * scale + shift; b: all scales, then all shifts. The bound follows the errors
 * of float through: the mean, the differences, the variance, the reciprocal root (4 units), the rest.
 */
static void batch_norm(struct job *j, size_t ch)
{
	const struct rp_verify_case *c = j->c;
	size_t hw = (size_t)c->h * c->w, m = c->n * hw;
	double mean = 0, mean_mag = 0, var = 0, diff_mag = 0, e_mean, e_var, rstd, rel;
	double scale = j->b[ch], shift = j->b[c->c + ch];

	for (size_t i = 0; i < m; i++) {
		double x = j->a[(i / hw * c->c + ch) * hw + i % hw];

		mean += x;
		mean_mag += fabs(x);
	}
	mean /= (double)m;
	mean_mag /= (double)m;
	for (size_t i = 0; i < m; i++) {
		double d = j->a[(i / hw * c->c + ch) * hw + i % hw] - mean;

		var += d * d;
		diff_mag += fabs(d);
	}
	var /= (double)m;
	diff_mag /= (double)m;
	e_mean = sum_bound(m, mean_mag);
	e_var = sum_bound(m, var) + 2 * (e_mean + 2 * UNIT * diff_mag) * diff_mag + e_mean * e_mean;
	rstd = 1 / sqrt(var + EPSILON);
	rel = e_var / (2 * (var + EPSILON - e_var > EPSILON ? var + EPSILON - e_var : EPSILON)) +
	      6 * UNIT;
	for (size_t i = 0; i < m; i++) {
		size_t at = (i / hw * c->c + ch) * hw + i % hw;
		double d = j->a[at] - mean, y = d * rstd * scale + shift;
		double e_d = e_mean + UNIT * (fabs(d) + e_mean);
		double e = fabs(scale) * rstd * (e_d * (1 + rel) + fabs(d) * rel) +
			   4 * UNIT * (fabs(d * rstd * scale) + fabs(shift) + fabs(y));

		j->out[at] = y;
		j->bound[at] =
			j->c->type == RP_VERIFY_F16 ? e + HALF_UNIT * (fabs(y) + e) + HALF_TINY : e;
	}
}

static void one_plane(struct job *j, size_t plane)
{
	size_t n = j->s.out / j->n_planes;
	double *sum = j->out + plane * n, *mag = j->bound + plane * n;

	switch (j->c->op) {
	case RP_VERIFY_CONV_FORWARD:
	case RP_VERIFY_CONV_STRUCT:
		conv_forward(j, plane, sum, mag);
		break;
	case RP_VERIFY_CONV_DATA:
		conv_data(j, plane, sum, mag);
		break;
	case RP_VERIFY_CONV_WEIGHTS:
		conv_weights(j, plane, sum, mag);
		break;
	case RP_VERIFY_GEMM:
		gemm(j, plane, sum, mag);
		break;
	case RP_VERIFY_BATCH_NORM:
		batch_norm(j, plane);
		return;
	default:
		for (size_t i = 0; i < n; i++)
			sum[i] = j->a[plane * n + i]; /* a copy must be exact: bound 0 */
		return;
	}
	for (size_t i = 0; i < n; i++)
		mag[i] = output_bound(j->c->type, j->s.terms, sum[i], mag[i]);
}

static void work(void *data, unsigned int thread)
{
	struct job *j = data;
	size_t plane;

	(void)thread;
	while ((plane = atomic_fetch_add(&j->next, 1)) < j->n_planes)
		one_plane(j, plane);
}

static size_t planes_of(const struct rp_verify_case *c)
{
	switch (c->op) {
	case RP_VERIFY_CONV_FORWARD:
	case RP_VERIFY_CONV_STRUCT:
		return (size_t)c->n * c->k;
	case RP_VERIFY_CONV_DATA:
		return (size_t)c->n * c->c;
	case RP_VERIFY_CONV_WEIGHTS:
		return c->k;
	case RP_VERIFY_GEMM:
		return c->n;
	case RP_VERIFY_BATCH_NORM:
		return c->c;
	default:
		return c->n;
	}
}

int rp_verify_reference(const struct rp_verify_case *c, const float *a, const float *b,
	double *ret_out, double *ret_bound, unsigned int n_threads, struct rp_error *err)
{
	struct job j = { .c = c, .a = a, .b = b, .out = ret_out, .bound = ret_bound };
	int r = rp_verify_sizes(c, &j.s, err);

	if (r < 0)
		return r;
	if (!n_threads)
		n_threads = rp_cpu_count();
	j.n_planes = planes_of(c);
	for (size_t i = 0; i < j.s.out; i++)
		ret_out[i] = ret_bound[i] = 0;
	if (j.s.macs <= 1e5) /* not worth waking another thread */
		n_threads = 1;
	rp_parallel(j.n_planes < n_threads ? (unsigned int)j.n_planes : n_threads, work, &j);
	return 0;
}
