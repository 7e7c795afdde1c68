/* SPDX-License-Identifier: MIT */
/*
 * The judge before a library that knows nothing of it: oneDNN's convolutions, batch norm and matrix product in float
 * must lie within the reference's own bound, for the cases of the table and for random ones. oneDNN 2 is asked for
 * direct algorithms (no Winograd: its error has another bound).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dnnl.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "verify/verify.h"

#define DNNL(call) assert_int_equal((call), dnnl_success)
#define EPSILON	   1e-5f /* of batch norm, as in lib/verify/reference.c */

static dnnl_engine_t engine;
static dnnl_stream_t stream;

static dnnl_memory_desc_t plain(int n_dims, const dnnl_dims_t dims)
{
	static const dnnl_format_tag_t tags[] = { dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc,
		dnnl_abcd, dnnl_abcde };
	dnnl_memory_desc_t d;

	DNNL(dnnl_memory_desc_init_by_tag(&d, n_dims, dims, dnnl_f32, tags[n_dims]));
	return d;
}

/* Runs a primitive over plain arrays; ends it. */
static void execute(dnnl_primitive_desc_t pd, int n, const int *names,
	const dnnl_memory_desc_t *descs, void *const *data)
{
	dnnl_exec_arg_t args[6];
	dnnl_primitive_t p;

	DNNL(dnnl_primitive_create(&p, pd));
	for (int i = 0; i < n; i++) {
		args[i].arg = names[i];
		DNNL(dnnl_memory_create(&args[i].memory, &descs[i], engine, data[i]));
	}
	DNNL(dnnl_primitive_execute(p, stream, n, args));
	DNNL(dnnl_stream_wait(stream));
	for (int i = 0; i < n; i++)
		DNNL(dnnl_memory_destroy(args[i].memory));
	DNNL(dnnl_primitive_destroy(p));
	DNNL(dnnl_primitive_desc_destroy(pd));
}

static void conv(const struct rp_verify_case *c, const struct rp_verify_sizes *s, const float *a,
	const float *b, float *out)
{
	const dnnl_dims_t xs = { c->n, c->c, c->h, c->w }, ys = { c->n, c->k, s->out_h, s->out_w };
	const dnnl_dims_t ws = { c->groups, c->k / c->groups, c->c / c->groups, c->r, c->s };
	const dnnl_dims_t stride = { c->stride, c->stride }, pad = { c->pad, c->pad };
	const dnnl_dims_t dilation = { c->dilation - 1, c->dilation - 1 };
	dnnl_memory_desc_t x = plain(4, xs), w = plain(5, ws), y = plain(4, ys);
	dnnl_primitive_desc_t hint, pd;
	dnnl_convolution_desc_t d;

	DNNL(dnnl_dilated_convolution_forward_desc_init(&d, dnnl_forward_training,
		dnnl_convolution_direct, &x, &w, NULL, &y, stride, dilation, pad, pad));
	DNNL(dnnl_primitive_desc_create(&hint, &d, NULL, engine, NULL));
	if (c->op == RP_VERIFY_CONV_DATA) {
		const int names[] = { DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC };
		const dnnl_memory_desc_t descs[] = { y, w, x };
		void *const data[] = { (void *)(uintptr_t)a, (void *)(uintptr_t)b, out };

		DNNL(dnnl_dilated_convolution_backward_data_desc_init(
			&d, dnnl_convolution_direct, &x, &w, &y, stride, dilation, pad, pad));
		DNNL(dnnl_primitive_desc_create(&pd, &d, NULL, engine, hint));
		execute(pd, 3, names, descs, data);
	} else if (c->op == RP_VERIFY_CONV_WEIGHTS) {
		const int names[] = { DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS };
		const dnnl_memory_desc_t descs[] = { x, y, w };
		void *const data[] = { (void *)(uintptr_t)a, (void *)(uintptr_t)b, out };

		DNNL(dnnl_dilated_convolution_backward_weights_desc_init(
			&d, dnnl_convolution_direct, &x, &w, NULL, &y, stride, dilation, pad, pad));
		DNNL(dnnl_primitive_desc_create(&pd, &d, NULL, engine, hint));
		execute(pd, 3, names, descs, data);
	} else {
		const int names[] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST };
		const dnnl_memory_desc_t descs[] = { x, w, y };
		void *const data[] = { (void *)(uintptr_t)a, (void *)(uintptr_t)b, out };

		execute(hint, 3, names, descs, data);
		return;
	}
	DNNL(dnnl_primitive_desc_destroy(hint));
}

static void batch_norm(const struct rp_verify_case *c, const float *a, const float *b, float *out)
{
	const int names[] = { DNNL_ARG_SRC, DNNL_ARG_SCALE_SHIFT, DNNL_ARG_DST, DNNL_ARG_MEAN,
		DNNL_ARG_VARIANCE };
	const dnnl_dims_t xs = { c->n, c->c, c->h, c->w }, ps = { 2, c->c }, ms = { c->c };
	const dnnl_memory_desc_t descs[] = { plain(4, xs), plain(2, ps), plain(4, xs), plain(1, ms),
		plain(1, ms) };
	float *statistics = calloc(2 * (size_t)c->c, sizeof(*statistics));
	void *const data[] = { (void *)(uintptr_t)a, (void *)(uintptr_t)b, out, statistics,
		statistics + c->c };
	dnnl_batch_normalization_desc_t d;
	dnnl_primitive_desc_t pd;

	assert_non_null(statistics);
	DNNL(dnnl_batch_normalization_forward_desc_init(
		&d, dnnl_forward_training, &descs[0], EPSILON, dnnl_use_scaleshift));
	DNNL(dnnl_primitive_desc_create(&pd, &d, NULL, engine, NULL));
	execute(pd, 5, names, descs, data);
	free(statistics);
}

/* One case; how much of the bound its worst element takes. */
static double judge(const struct rp_verify_case *wanted, uint64_t seed)
{
	struct rp_verify_case c = *wanted;
	struct rp_verify_comparison result;
	struct rp_error err = RP_ERROR_INIT;
	struct rp_verify_sizes s;
	double *want, *bound;
	float *a, *b, *got;

	c.type = RP_VERIFY_F32;
	assert_int_equal(rp_verify_sizes(&c, &s, &err), 0);
	a = calloc(s.a, sizeof(*a));
	b = calloc(s.b + 1, sizeof(*b));
	got = calloc(s.out, sizeof(*got));
	want = calloc(s.out, sizeof(*want));
	bound = calloc(s.out, sizeof(*bound));
	assert_true(a && b && got && want && bound);
	rp_verify_fill(wanted->type, seed, a, s.a);
	rp_verify_fill(wanted->type, seed + 1, b, s.b);
	for (size_t i = 0; i < s.out; i++)
		got[i] = NAN;
	if (c.op <= RP_VERIFY_CONV_WEIGHTS)
		conv(&c, &s, a, b, got);
	else if (c.op == RP_VERIFY_BATCH_NORM)
		batch_norm(&c, a, b, got);
	else
		DNNL(dnnl_sgemm('N', 'N', c.n, c.k, c.c, 1, a, c.c, b, c.k, 0, got, c.k));
	assert_int_equal(rp_verify_reference(&c, a, b, want, bound, 0, &err), 0);
	rp_verify_compare(RP_VERIFY_F32, got, want, bound, s.out, &result);
	if (result.n_wrong) {
		char name[RP_VERIFY_NAME];

		fail_msg("%s: %zu of %zu differ, first %zu: %g, reference %g, bound %g",
			rp_verify_name(&c, name), result.n_wrong, result.n, result.first_wrong,
			result.first_got, result.first_want, bound[result.first_wrong]);
	}
	free(a);
	free(b);
	free(got);
	free(want);
	free(bound);
	return result.max_ratio;
}

static void judge_all(const struct rp_verify_list *list, double max_macs)
{
	size_t n[RP_VERIFY_OP_MAX] = { 0 };
	double worst[RP_VERIFY_OP_MAX] = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		enum rp_verify_op op = list->v[i].op;
		struct rp_error err = RP_ERROR_INIT;
		struct rp_verify_sizes s;
		double ratio;

		assert_int_equal(rp_verify_sizes(&list->v[i], &s, &err), 0);
		if (op == RP_VERIFY_COPY || s.macs > max_macs)
			continue;
		ratio = judge(&list->v[i], 2 * i + 1);
		n[op]++;
		worst[op] = ratio > worst[op] ? ratio : worst[op];
	}
	for (unsigned int op = 0; op < RP_VERIFY_OP_MAX; op++) {
		if (op == RP_VERIFY_COPY)
			continue;
		printf("%-13s %4zu cases, at most %.3f of the bound\n",
			rp_verify_op_name((enum rp_verify_op)op), n[op], worst[op]);
		assert_true(n[op] > 0);
		/* float does differ from double: a comparison that sees nothing would give 0 */
		assert_true(worst[op] > 0 && worst[op] <= 1);
	}
}

static void test_table(void **state)
{
	RP_CLEANUP(rp_verify_list_free) struct rp_verify_list list = { 0 };
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct rp_error err = RP_ERROR_INIT;

	(void)state;
	assert_int_equal(rp_file_read(AT_FDCWD, CASES, 1 << 20, &text, &err), 0);
	assert_int_equal(rp_verify_read_cases(rp_buf_span(&text), CASES, &list, &err), 0);
	judge_all(&list, 1e8);
}

static void test_random(void **state)
{
	RP_CLEANUP(rp_verify_list_free) struct rp_verify_list list = { 0 };
	struct rp_error err = RP_ERROR_INIT;

	(void)state;
	assert_int_equal(rp_verify_random_cases(&list, 600, 11, 2e6, &err), 0);
	judge_all(&list, 1e300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_random),
	};
	int r;

	if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success ||
		dnnl_stream_create(&stream, engine, dnnl_stream_default_flags) != dnnl_success) {
		fprintf(stderr, "oneDNN has no CPU engine here\n");
		return 1;
	}
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)dnnl_stream_destroy(stream);
	(void)dnnl_engine_destroy(engine);
	return r;
}
