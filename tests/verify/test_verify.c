/* SPDX-License-Identifier: MIT */
/* Cases, half, the reference against sums written otherwise, the comparison, what a child's end means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "verify/verify.h"

static struct rp_verify_case parse(const char *text)
{
	struct rp_error err = RP_ERROR_INIT;
	struct rp_verify_case c;

	assert_int_equal(rp_verify_parse(rp_span_str(text), &c, &err), 0);
	return c;
}

static void test_names(void **state)
{
	static const char *const good[] = { "conv f32 c3 h32 w32 k64 r3 s3 pad1",
		"conv-weights f16 n2 c4 h9 w7 k8 r3 s5 stride2 pad2 dilation2 groups4",
		"gemm f32 n5 c6 k7", "batch-norm f16 n2 c3 h4 w5", "copy f32 w100" };
	static const char *const bad[] = { "", "conv", "conv f64 c3", "conv f32 x3", "conv f32 c",
		"conv f32 c3x", "conv f32 c0", "conv f32 h2 w2 r3 s3", "conv-struct f32 h9 w9",
		"conv f32 c3 k4 groups2", "conv f32 stride0", "gemm f32 n99999999999",
		"copy f32 n70000 c70000", "pool f32" };
	char name[RP_VERIFY_NAME];
	struct rp_verify_case c;

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(good); i++) {
		c = parse(good[i]);
		assert_string_equal(rp_verify_name(&c, name), good[i]);
	}
	for (size_t i = 0; i < RP_ARRAY_SIZE(bad); i++) {
		struct rp_error err = RP_ERROR_INIT;

		assert_true(rp_verify_parse(rp_span_str(bad[i]), &c, &err) < 0);
		assert_true(err.text[0]);
	}
}

static void test_half(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 0x10000; h++) {
		float f = rp_float_of_half((uint16_t)h);

		if ((h & 0x7fff) > 0x7c00)
			assert_true(isnan(f));
		else
			assert_int_equal(rp_half_of_float(f), h);
	}
	assert_true(rp_float_of_half(0x3555) == 0x1.554p-2f);
	assert_true(rp_float_of_half(1) == 0x1p-24f);
	assert_int_equal(rp_half_of_float(1 + 0x1p-11f), 0x3c00); /* ties to even */
	assert_int_equal(rp_half_of_float(1 + 0x3p-11f), 0x3c02);
	assert_int_equal(rp_half_of_float(1 + 0x1.02p-11f), 0x3c01);
	assert_int_equal(rp_half_of_float(65519.0f), 0x7bff);
	assert_int_equal(rp_half_of_float(65520.0f), 0x7c00);
	assert_int_equal(rp_half_of_float(-1e30f), 0xfc00);
	assert_int_equal(rp_half_of_float(0x1p-25f), 0);
	assert_int_equal(rp_half_of_float(0x1.8p-25f), 1);
}

/* The three convolutions by their definition: one sum over all tuples (n, k, c, y, x, r, s). */
static void by_definition(
	const struct rp_verify_case *c, const float *a, const float *b, double *out)
{
	struct rp_verify_sizes s;
	struct rp_error err = RP_ERROR_INIT;
	uint32_t cg = c->c / c->groups;

	assert_int_equal(rp_verify_sizes(c, &s, &err), 0);
	for (size_t i = 0; i < s.out; i++)
		out[i] = 0;
	for (uint32_t n = 0; n < c->n; n++)
		for (uint32_t k = 0; k < c->k; k++)
			for (uint32_t ci = 0; ci < cg; ci++)
				for (uint32_t y = 0; y < s.out_h; y++)
					for (uint32_t x = 0; x < s.out_w; x++)
						for (uint32_t f = 0; f < c->r * c->s; f++) {
							int64_t iy = (int64_t)y * c->stride +
								     f / c->s * c->dilation -
								     c->pad;
							int64_t ix = (int64_t)x * c->stride +
								     f % c->s * c->dilation -
								     c->pad;
							uint32_t ch =
								k / (c->k / c->groups) * cg + ci;
							size_t xi, yi, wi;

							if (iy < 0 || ix < 0 || iy >= c->h ||
								ix >= c->w)
								continue;
							xi = ((size_t)(n * c->c + ch) * c->h +
								     (size_t)iy) *
								     c->w +
							     (size_t)ix;
							yi = ((size_t)(n * c->k + k) * s.out_h +
								     y) *
								     s.out_w +
							     x;
							wi = (size_t)(k * cg + ci) * c->r * c->s +
							     f;
							if (c->op == RP_VERIFY_CONV_FORWARD ||
								c->op == RP_VERIFY_CONV_STRUCT)
								out[yi] += (double)a[xi] * b[wi];
							else if (c->op == RP_VERIFY_CONV_DATA)
								out[xi] += (double)a[yi] * b[wi];
							else
								out[wi] += (double)a[xi] * b[yi];
						}
}

static void test_reference_conv(void **state)
{
	RP_CLEANUP(rp_verify_list_free) struct rp_verify_list list = { 0 };
	struct rp_error err = RP_ERROR_INIT;
	size_t n_conv = 0;

	(void)state;
	assert_int_equal(rp_verify_random_cases(&list, 400, 7, 2e5, &err), 0);
	for (size_t i = 0; i < list.n; i++) {
		const struct rp_verify_case *c = &list.v[i];
		struct rp_verify_sizes s;
		float *a, *b;
		double *want, *out, *bound;

		if (c->op > RP_VERIFY_CONV_WEIGHTS)
			continue;
		n_conv++;
		assert_int_equal(rp_verify_sizes(c, &s, &err), 0);
		a = calloc(s.a, sizeof(*a));
		b = calloc(s.b, sizeof(*b));
		want = calloc(s.out, sizeof(*want));
		out = calloc(s.out, sizeof(*out));
		bound = calloc(s.out, sizeof(*bound));
		rp_verify_fill(c->type, i, a, s.a);
		rp_verify_fill(c->type, i + 1, b, s.b);
		by_definition(c, a, b, want);
		assert_int_equal(rp_verify_reference(c, a, b, out, bound, i % 3, &err), 0);
		for (size_t k = 0; k < s.out; k++) {
			assert_true(fabs(out[k] - want[k]) <= 1e-12 * (1 + fabs(want[k])));
			assert_true(bound[k] > 0 && bound[k] < 0.05);
		}
		free(a);
		free(b);
		free(want);
		free(out);
		free(bound);
	}
	assert_true(n_conv > 150);
}

/* The bound holds for float sums in three orders, and is not loose beyond use. */
static void test_bound(void **state)
{
	struct rp_verify_case c = parse("gemm f32 n8 c1000 k8");
	struct rp_error err = RP_ERROR_INIT;
	static float a[8000], b[8000];
	static double out[64], bound[64];
	double worst = 0;

	(void)state;
	rp_verify_fill(c.type, 1, a, 8000);
	rp_verify_fill(c.type, 2, b, 8000);
	assert_int_equal(rp_verify_reference(&c, a, b, out, bound, 1, &err), 0);
	for (uint32_t i = 0; i < 8; i++) {
		for (uint32_t k = 0; k < 8; k++) {
			volatile float forward = 0, backward = 0, parts[10] = { 0 };

			for (uint32_t j = 0; j < 1000; j++) {
				forward += a[i * 1000 + j] * b[j * 8 + k];
				backward += a[i * 1000 + 999 - j] * b[(999 - j) * 8 + k];
				parts[j % 10] += a[i * 1000 + j] * b[j * 8 + k];
			}
			for (int j = 1; j < 10; j++)
				parts[0] += parts[j];
			assert_true(fabs(forward - out[i * 8 + k]) <= bound[i * 8 + k]);
			assert_true(fabs(backward - out[i * 8 + k]) <= bound[i * 8 + k]);
			assert_true(fabs(parts[0] - out[i * 8 + k]) <= bound[i * 8 + k]);
			if (fabs(forward - out[i * 8 + k]) > worst)
				worst = fabs(forward - out[i * 8 + k]);
		}
	}
	assert_true(worst > 1e-7 && bound[0] < 0.05);
}

static void test_batch_norm(void **state)
{
	struct rp_verify_case c = parse("batch-norm f32 n2 c3 h5 w7");
	struct rp_error err = RP_ERROR_INIT;
	static float a[210], p[6];
	static double out[210], bound[210];

	(void)state;
	rp_verify_fill(c.type, 3, a, 210);
	rp_verify_fill(c.type, 4, p, 6);
	assert_int_equal(rp_verify_reference(&c, a, p, out, bound, 2, &err), 0);
	for (uint32_t ch = 0; ch < 3; ch++) {
		double mean = 0, var = 0;

		for (uint32_t i = 0; i < 70; i++)
			mean += out[(i / 35 * 3 + ch) * 35 + i % 35] / 70;
		for (uint32_t i = 0; i < 70; i++)
			var += pow(out[(i / 35 * 3 + ch) * 35 + i % 35] - mean, 2) / 70;
		/* normalised: mean is the shift, deviation the scale but for epsilon */
		assert_true(fabs(mean - p[3 + ch]) < 1e-12);
		assert_true(fabs(sqrt(var) - fabs(p[ch])) < 1e-4);
	}
	for (uint32_t i = 0; i < 210; i++)
		assert_true(bound[i] > 0 && bound[i] < 1e-3);
}

static struct rp_verify_comparison compare(const float *got, const double *want, size_t n)
{
	static double bound[4096];
	struct rp_verify_comparison c;

	for (size_t i = 0; i < n; i++)
		bound[i] = 1e-6;
	rp_verify_compare(RP_VERIFY_F32, got, want, bound, n, &c);
	return c;
}

static void test_compare(void **state)
{
	static float got[4096];
	static double want[4096];
	struct rp_verify_comparison c;
	uint32_t poison = RP_VERIFY_POISON;

	(void)state;
	for (size_t i = 0; i < 4096; i++)
		got[i] = (float)(want[i] = 0.5);
	c = compare(got, want, 4096);
	assert_int_equal(c.n_wrong, 0);
	assert_int_equal(c.pattern, RP_VERIFY_PATTERN_NONE);
	got[7] += 9e-7f;
	assert_int_equal(compare(got, want, 4096).n_wrong, 0);
	got[7] = 0.5f + 2e-6f;
	c = compare(got, want, 4096);
	assert_int_equal(c.n_wrong, 1);
	assert_int_equal(c.first_wrong, 7);
	assert_int_equal(c.bins[0], 1);
	assert_int_equal(c.pattern, RP_VERIFY_PATTERN_ONE);
	got[7] = 0.5f;
	for (size_t i = 5; i < 4096; i += 32)
		got[i] = NAN;
	c = compare(got, want, 4096);
	assert_int_equal(c.n_nan, 128);
	assert_int_equal(c.pattern, RP_VERIFY_PATTERN_STRIDE);
	assert_int_equal(c.stride, 32);
	for (size_t i = 0; i < RP_VERIFY_BINS; i++)
		assert_int_equal(c.bins[i], 2);
	for (size_t i = 0; i < 4096; i++)
		got[i] = 0.5f;
	for (size_t i = 4000; i < 4096; i++)
		memcpy(&got[i], &poison, 4);
	c = compare(got, want, 4096);
	assert_int_equal(c.n_unwritten, 96);
	assert_int_equal(c.n_nan, 0);
	assert_int_equal(c.pattern, RP_VERIFY_PATTERN_TAIL);
	want[0] = NAN; /* where no number is due, none is right, but an unwritten one is not */
	got[0] = NAN;
	assert_int_equal(compare(got, want, 1).n_wrong, 0);
	memcpy(&got[0], &poison, 4);
	assert_int_equal(compare(got, want, 1).n_wrong, 1);
	want[0] = INFINITY;
	got[0] = INFINITY;
	assert_int_equal(compare(got, want, 1).n_wrong, 0);
	got[0] = 1;
	assert_int_equal(compare(got, want, 1).n_wrong, 1);
	want[0] = 1;
	got[0] = INFINITY;
	assert_int_equal(compare(got, want, 1).n_wrong, 1);
}

static struct rp_verify_result child(
	const char *out, const char *tail, int status, int sig, bool late)
{
	struct rp_exit ex = { .status = status, .signal = sig, .elapsed_ms = 5 };
	struct rp_verify_result r;

	(void)snprintf(ex.tail, sizeof(ex.tail), "%s", tail);
	rp_verify_read_child(rp_span_str(out), &ex, late, &r);
	return r;
}

#define ZEROS8 "0 0 0 0 0 0 0 0 "
#define BINS   "bins 7 " ZEROS8 ZEROS8 ZEROS8 ZEROS8 ZEROS8 ZEROS8 ZEROS8 "0 0 0 0 0 0 3\n"
#define RESULT                                                                                \
	"result n=10 wrong=%d nan=0 unwritten=0 beyond=%d first=10 got=0 want=0 max_error=0 " \
	"max_ratio=0 pattern=%d stride=0 object=/x/y.co\n" BINS

static void test_child(void **state)
{
	struct rp_verify_result r;
	char line[512];

	(void)state;
	(void)snprintf(line, sizeof(line), "stage kernel\nstage compare\n" RESULT, 0, 0, 0);
	r = child(line, "", 0, 0, false);
	assert_int_equal(r.verdict, RP_VERIFY_RIGHT);
	assert_string_equal(r.code_object, "/x/y.co");
	assert_int_equal(r.comparison.bins[0], 7);
	assert_int_equal(r.comparison.bins[63], 3);
	*strstr(line, "bins") = '\0'; /* cut off before its end */
	assert_int_equal(child(line, "", 0, 0, false).verdict, RP_VERIFY_ERROR);
	(void)snprintf(line, sizeof(line), "stage kernel\nstage compare\n" RESULT, 0, 0, 0);
	/* the same words from a child that then died are not a result */
	assert_int_equal(child(line, "", 139, 11, false).verdict, RP_VERIFY_CRASHED);
	assert_int_equal(child(line, "", 1, 0, false).verdict, RP_VERIFY_ERROR);
	assert_int_equal(child(line, "", 0, 0, true).verdict, RP_VERIFY_HUNG);
	(void)snprintf(line, sizeof(line), RESULT, 3, 0, 5);
	assert_int_equal(child(line, "", 0, 0, false).verdict, RP_VERIFY_WRONG);
	(void)snprintf(line, sizeof(line), RESULT, 0, 4, 0);
	r = child(line, "", 0, 0, false);
	assert_int_equal(r.verdict, RP_VERIFY_WRONG);
	assert_int_equal(r.n_beyond, 4);
	/* silence and half a line */
	assert_int_equal(child("", "", 0, 0, false).verdict, RP_VERIFY_ERROR);
	assert_int_equal(child("stage kernel\nresult n=10 wrong=0\n", "", 0, 0, false).verdict,
		RP_VERIFY_ERROR);
	r = child("stage load\nunavailable no GPU\n", "", 3, 0, false);
	assert_int_equal(r.verdict, RP_VERIFY_UNAVAILABLE);
	assert_string_equal(r.text, "no GPU");
	assert_int_equal(child("", "", 3, 0, false).verdict, RP_VERIFY_ERROR);
	r = child("stage kernel\n",
		":0:rocdevice.cpp:2652: Device::callbackQueue aborting with error : "
		"HSA_STATUS_ERROR_MEMORY_APERTURE_VIOLATION: The agent attempted to access memory "
		"beyond the largest "
		"legal address. code: 0x29\n",
		134, 6, false);
	assert_int_equal(r.verdict, RP_VERIFY_CRASHED);
	assert_string_equal(r.hsa_code, "HSA_STATUS_ERROR_MEMORY_APERTURE_VIOLATION (0x29)");
	assert_string_equal(r.stage, "kernel");
	r = child("stage kernel\n",
		"rocm-patch: virtual GPU: hang at pc 0x10: s_inst_prefetch 0x1, group 0,0,0 wave "
		"0: it can hang\n",
		134, 6, false);
	assert_int_equal(r.verdict, RP_VERIFY_HUNG);
	assert_non_null(strstr(r.text, "s_inst_prefetch"));
	r = child("stage kernel\n", "Memory access fault by GPU node-1 on address 0x1000\n", 134, 6,
		false);
	assert_string_equal(r.hsa_code, "memory access fault");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_half),
		cmocka_unit_test(test_reference_conv),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_batch_norm),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
