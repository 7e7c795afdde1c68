/* SPDX-License-Identifier: MIT */
/* One case in a child with a deadline, and what its output and its end mean. */
#include <inttypes.h>
#include <stdio.h>

#include "verify/verify.h"

#define MAX_OUTPUT (1u << 20)

const char *rp_verify_verdict_name(enum rp_verify_verdict verdict)
{
	static const char *const names[RP_VERIFY_VERDICT_MAX] = { "right", "wrong", "crashed",
		"hung", "error", "unavailable" };

	return verdict < RP_VERIFY_VERDICT_MAX ? names[verdict] : NULL;
}

static void keep(char *to, size_t size, struct rp_span s)
{
	size_t n = s.n < size - 1 ? s.n : size - 1;

	memcpy(to, s.p, n);
	to[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)to[i] < 0x20)
			to[i] = ' ';
}

/* Place of needle in s, or NULL. */
static const char *find(struct rp_span s, const char *needle)
{
	return s.n ? memmem(s.p, s.n, needle, strlen(needle)) : NULL;
}

/* ROCR and HIP name the error: "HSA_STATUS_ERROR_X: text code: 0x29"; page faults have a text only. */
static void read_hsa_code(struct rp_span tail, struct rp_verify_result *ret)
{
	const char *name = find(tail, "HSA_STATUS_ERROR"), *end = (const char *)tail.p + tail.n;
	const char *code = find(tail, "code: 0x"), *fault = find(tail, "Memory access fault");
	char number[16] = "";
	size_t n = 0;

	if (code) {
		for (code += 6; n < sizeof(number) - 1 && code < end &&
				strchr("0123456789abcdefxABCDEF", *code) && *code;)
			number[n++] = *code++;
		number[n] = '\0';
	}
	if (name) {
		for (n = 0;
			name + n < end && (name[n] == '_' || (name[n] >= 'A' && name[n] <= 'Z'));)
			n++;
		(void)snprintf(ret->hsa_code, sizeof(ret->hsa_code), "%.*s%s%s%s",
			(int)(n < 48 ? n : 48), name, number[0] ? " (" : "", number,
			number[0] ? ")" : "");
	} else if (fault) {
		(void)snprintf(ret->hsa_code, sizeof(ret->hsa_code), "memory access fault");
	}
}

static void last_line(struct rp_span tail, struct rp_verify_result *ret)
{
	struct rp_span line, last = { NULL, 0 };

	while (rp_span_line(&tail, &line)) {
		line = rp_span_trim(line);
		if (line.n && !rp_span_starts(line, "stage "))
			last = line;
	}
	if (last.n)
		keep(ret->text, sizeof(ret->text), last);
}

static bool read_result(const char *line, struct rp_verify_result *ret)
{
	struct rp_verify_comparison *c = &ret->comparison;
	unsigned long long beyond;
	int pattern, n = 0;

	if (sscanf(line,
		    "n=%zu wrong=%zu nan=%zu unwritten=%zu beyond=%llu first=%zu got=%lf want=%lf "
		    "max_error=%lf max_ratio=%lf pattern=%d stride=%zu object=%n",
		    &c->n, &c->n_wrong, &c->n_nan, &c->n_unwritten, &beyond, &c->first_wrong,
		    &c->first_got, &c->first_want, &c->max_error, &c->max_ratio, &pattern,
		    &c->stride, &n) != 12 ||
		n == 0)
		return false;
	if (pattern < RP_VERIFY_PATTERN_NONE || pattern > RP_VERIFY_PATTERN_SCATTERED)
		return false;
	c->pattern = (enum rp_verify_pattern)pattern;
	ret->n_beyond = beyond;
	keep(ret->code_object, sizeof(ret->code_object), rp_span_str(line + n));
	return true;
}

static bool read_bins(const char *line, struct rp_verify_comparison *c)
{
	for (size_t i = 0; i < RP_VERIFY_BINS; i++) {
		int n = 0;

		if (sscanf(line, " %" SCNu32 "%n", &c->bins[i], &n) != 1)
			return false;
		line += n;
	}
	return *line == '\0';
}

/* What the virtual card says of the instruction that stopped a kernel; false: nothing. */
static bool virtual_card(struct rp_span tail, struct rp_verify_result *ret)
{
	static const char prefix[] = "rocm-patch: virtual GPU: ";
	struct rp_span line;

	while (rp_span_line(&tail, &line)) {
		struct rp_span text;

		if (!rp_span_starts(line, prefix) ||
			!rp_span_from(line, sizeof(prefix) - 1, &text) || !find(text, " at pc "))
			continue;
		keep(ret->text, sizeof(ret->text), text);
		return true;
	}
	return false;
}

/* The lines on the child's standard output. Returns whether there was a result. */
static bool read_lines(struct rp_span output, struct rp_verify_result *ret, bool *ret_unavailable)
{
	bool result = false, bins = false;
	struct rp_span line;

	while (rp_span_line(&output, &line)) {
		RP_CLEANUP(rp_free_p) char *text = rp_span_dup(line);

		if (!text)
			continue;
		if (strncmp(text, "stage ", 6) == 0)
			keep(ret->stage, sizeof(ret->stage), rp_span_str(text + 6));
		else if (strncmp(text, "result ", 7) == 0)
			result = read_result(text + 7, ret);
		else if (strncmp(text, "bins ", 5) == 0)
			bins = read_bins(text + 4, &ret->comparison);
		else if (strncmp(text, "unavailable ", 12) == 0)
			keep(ret->text, sizeof(ret->text), rp_span_str(text + 12));
		else if (strncmp(text, "error ", 6) == 0)
			keep(ret->text, sizeof(ret->text), rp_span_str(text + 6));
		*ret_unavailable |= strncmp(text, "unavailable ", 12) == 0;
	}
	return result && bins;
}

void rp_verify_read_child(struct rp_span output, const struct rp_exit *ex, bool timed_out,
	struct rp_verify_result *ret)
{
	struct rp_span tail = rp_span_str(ex->tail);
	bool unavailable = false, result;

	*ret = (struct rp_verify_result){ .elapsed_ms = ex->elapsed_ms };
	result = read_lines(output, ret, &unavailable);
	if (timed_out) {
		ret->verdict = RP_VERIFY_HUNG;
		last_line(tail, ret);
	} else if (ex->signal) {
		ret->verdict = RP_VERIFY_CRASHED;
		ret->signal = ex->signal;
		read_hsa_code(tail, ret);
		if (!virtual_card(tail, ret))
			last_line(tail, ret);
		else if (strncmp(ret->text, "hang", 4) == 0)
			ret->verdict = RP_VERIFY_HUNG; /* it says so at once instead of hanging */
	} else if (ex->status == 0 && result) {
		bool right = ret->comparison.n_wrong == 0 && ret->n_beyond == 0;

		ret->verdict = right ? RP_VERIFY_RIGHT : RP_VERIFY_WRONG;
	} else if (ex->status == 3 && unavailable) {
		ret->verdict = RP_VERIFY_UNAVAILABLE;
	} else {
		/* also a child that ended early without a word: never taken for right */
		ret->verdict = RP_VERIFY_ERROR;
		read_hsa_code(tail, ret);
		if (!ret->text[0])
			last_line(tail, ret);
		if (!ret->text[0])
			(void)snprintf(ret->text, sizeof(ret->text),
				"the child ended with status %d and no result", ex->status);
	}
}

int rp_verify_run(const struct rp_ctx *ctx, const struct rp_verify_runner *runner,
	const struct rp_verify_case *c, uint64_t seed, struct rp_verify_result *ret,
	struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf output = RP_BUF_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv argv = RP_STRV_INIT;
	char name[RP_VERIFY_NAME];
	struct rp_spawn spawn = RP_SPAWN_INIT;
	struct rp_exit ex = { 0 };
	int r = 0;

	for (const char *const *p = runner->prefix; r == 0 && p && *p; p++)
		r = rp_strv_add(&argv, *p, err);
	if (r == 0)
		r = rp_strv_add(&argv, runner->helper, err);
	if (r == 0)
		r = rp_strv_add(&argv, runner->backend, err);
	if (r == 0)
		r = rp_strv_addf(&argv, err, "%llu", (unsigned long long)seed);
	if (r == 0)
		r = rp_strv_add(&argv, rp_verify_name(c, name), err);
	for (const char *const *p = runner->code_objects; r == 0 && *p; p++)
		r = rp_strv_add(&argv, *p, err);
	if (r < 0)
		return r;
	spawn.argv = (const char *const *)argv.v;
	spawn.env = runner->env;
	spawn.timeout_ms = runner->deadline_ms;
	spawn.grace_ms = 500;
	spawn.capture = &output;
	spawn.capture_max = MAX_OUTPUT;
	spawn.split_stderr = true;
	r = rp_spawn_run(ctx, &spawn, &ex, err);
	if (r < 0 && r != -ETIMEDOUT)
		return r;
	rp_verify_read_child(rp_buf_span(&output), &ex, r == -ETIMEDOUT, ret);
	return 0;
}
