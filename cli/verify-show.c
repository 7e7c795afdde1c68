/* SPDX-License-Identifier: MIT */
/* Results of verify, as a line of text and as JSON. */
#include "verify.h"

#include <stdio.h>

static void add_wrong(struct rp_buf *b, const struct rp_verify_result *res)
{
	const struct rp_verify_comparison *c = &res->comparison;

	if (c->n_wrong) {
		rp_buf_addf(b, "%zu of %zu elements (%s", c->n_wrong, c->n,
			rp_verify_pattern_name(c->pattern));
		if (c->pattern == RP_VERIFY_PATTERN_STRIDE)
			rp_buf_addf(b, " of %zu", c->stride);
		rp_buf_addf(b, "): %zu unwritten, %zu NaN; first at %zu: %g, not %g",
			c->n_unwritten, c->n_nan, c->first_wrong, c->first_got, c->first_want);
	}
	if (res->n_beyond)
		rp_buf_addf(b, "%s%llu bytes next to the output were overwritten",
			c->n_wrong ? "; " : "", (unsigned long long)res->n_beyond);
}

char *verify_detail(const struct verify_session *s, const struct rp_verify_result *res)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;

	switch (res->verdict) {
	case RP_VERIFY_RIGHT:
		break;
	case RP_VERIFY_WRONG:
		add_wrong(&b, res);
		break;
	case RP_VERIFY_CRASHED:
		rp_buf_addf(&b, "at %s: signal %d%s%s: %s", res->stage, res->signal,
			res->hsa_code[0] ? ", " : "", res->hsa_code, res->text);
		break;
	case RP_VERIFY_HUNG:
		if (res->signal)
			rp_buf_addf(&b, "at %s: %s", res->stage, res->text);
		else
			rp_buf_addf(&b, "at %s: did not end in %lld s", res->stage,
				(long long)(s->deadline_ms / 1000));
		break;
	default:
		rp_buf_addf(&b, "%s%s%s", res->stage, res->stage[0] ? ": " : "", res->text);
		break;
	}
	return b.failed ? NULL : rp_span_dup(rp_buf_span(&b));
}

static void comparison_json(struct rp_json *j, const struct rp_verify_result *res)
{
	const struct rp_verify_comparison *c = &res->comparison;

	rp_json_kuint(j, "elements", c->n);
	rp_json_kuint(j, "wrong", c->n_wrong);
	rp_json_kuint(j, "nan", c->n_nan);
	rp_json_kuint(j, "unwritten", c->n_unwritten);
	rp_json_kuint(j, "beyond", res->n_beyond);
	rp_json_kstr(j, "pattern", rp_verify_pattern_name(c->pattern));
	if (c->n_wrong) {
		rp_json_kuint(j, "first_wrong", c->first_wrong);
		rp_json_kbegin(j, "where", '[');
		for (size_t i = 0; i < RP_VERIFY_BINS; i++)
			rp_json_uint(j, c->bins[i]);
		rp_json_end(j, ']');
	}
	rp_json_key(j, "max_error");
	if (c->max_error <= 1e300) {
		char number[40];

		(void)snprintf(number, sizeof(number), "%.9g", c->max_error);
		rp_json_str(j, number);
	} else {
		rp_json_null(j);
	}
}

static void result_json(struct rp_json *j, const struct verify_session *s, size_t i)
{
	const struct rp_verify_result *res = &s->results[i];
	char name[RP_VERIFY_NAME];

	rp_json_begin(j, '{');
	rp_json_kstr(j, "case", rp_verify_name(&s->cases.v[i], name));
	rp_json_kstr(j, "backend", verify_backend(s, i));
	rp_json_kstr(j, "verdict", rp_verify_verdict_name(res->verdict));
	rp_json_kstr(j, "stage", res->stage);
	rp_json_kint(j, "elapsed_ms", res->elapsed_ms);
	rp_json_kstr(j, "code_object", res->code_object[0] ? rp_path_base(res->code_object) : NULL);
	if (res->verdict == RP_VERIFY_RIGHT || res->verdict == RP_VERIFY_WRONG) {
		comparison_json(j, res);
	} else {
		rp_json_kint(j, "signal", res->signal);
		rp_json_kstr(j, "hsa", res->hsa_code[0] ? res->hsa_code : NULL);
		rp_json_kstr(j, "text", res->text);
	}
	rp_json_end(j, '}');
}

void verify_json(const struct verify_session *s, struct rp_json *j)
{
	rp_json_kbegin(j, "results", '[');
	for (size_t i = 0; i < s->n_results; i++)
		result_json(j, s, i);
	rp_json_end(j, ']');
	rp_json_kstr(j, "evidence", verify_evidence(s));
	rp_json_kuint(j, "seed", s->seed);
	rp_json_kuint(j, "cases", s->cases.n);
	rp_json_kbegin(j, "count", '{');
	for (unsigned int i = 0; i < RP_VERIFY_VERDICT_MAX; i++)
		rp_json_kuint(j, rp_verify_verdict_name((enum rp_verify_verdict)i), s->n[i]);
	rp_json_end(j, '}');
}
