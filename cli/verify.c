/* SPDX-License-Identifier: MIT */
/* Verb verify: is what this card computes right? Each case in a child with a deadline. */
#include "runtime.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "verify/verify.h"
#include "virtual.h"

#define MAX_RANDOM_MACS	 2e6 /* of a random case: a virtual card needs a second for ten million */
#define DEADLINE_SECONDS 60

struct verify_run {
	struct rp_cli *cli;
	struct rp_verify_list cases;
	struct rp_strv code_objects;
	struct rp_strv prefix;
	struct rp_verify_runner runner;
	char *helper; /* owned */
	uint64_t seed;
	bool is_virtual; /* asked for, or this program itself runs on a virtual card */
	size_t n[RP_VERIFY_VERDICT_MAX];
};

static void free_run(struct verify_run *v)
{
	rp_verify_list_free(&v->cases);
	rp_strv_free(&v->code_objects);
	rp_strv_free(&v->prefix);
	free(v->helper);
}

static const char *const what_names[] = { "conv", "bn", "gemm", "copy" };

/* Index in what_names. */
static unsigned int what_of(enum rp_verify_op op)
{
	switch (op) {
	case RP_VERIFY_BATCH_NORM:
		return 1;
	case RP_VERIFY_GEMM:
		return 2;
	case RP_VERIFY_COPY:
		return 3;
	default:
		return 0;
	}
}

/* --what as bits; 0 or an exit code. */
static int read_what(struct rp_cli *cli, unsigned int *ret)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv words = RP_STRV_INIT;
	const char *text = rp_cli_opt(cli, "what");
	struct rp_error err = RP_ERROR_INIT;
	unsigned int set = 0;
	int r;

	if (!text) {
		*ret = 15;
		return 0;
	}
	r = rp_strv_split(&words, rp_span_str(text), &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	RP_STRV_FOREACH (w, &words) {
		unsigned int i = 0;

		while (i < RP_ARRAY_SIZE(what_names) && strcmp(*w, what_names[i]) != 0)
			i++;
		if (i == RP_ARRAY_SIZE(what_names))
			return rp_cli_usage(cli, "--what=%s: only conv, bn, gemm, copy", *w);
		set |= 1u << i;
	}
	if (!set)
		return rp_cli_usage(cli, "--what is empty");
	*ret = set;
	return 0;
}

static int read_cases(struct verify_run *v, unsigned int what, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *path = rp_path_join(v->cli->data_dir, "verify/cases.txt");
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	bool full = rp_cli_flag(v->cli, "full");
	size_t n = 0;
	int r;

	if (!path)
		return RP_NOMEM(err);
	r = rp_file_read(AT_FDCWD, path, (size_t)1 << 20, &text, err);
	if (r == 0)
		r = rp_verify_read_cases(rp_buf_span(&text), path, &v->cases, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < v->cases.n; i++)
		if (what >> what_of(v->cases.v[i].op) & 1 && (full || v->cases.v[i].quick))
			v->cases.v[n++] = v->cases.v[i];
	v->cases.n = n;
	return 0;
}

/* --case and --random add to (or stand for) the table. 0 or an exit code. */
static int choose_cases(struct verify_run *v)
{
	struct rp_error err = RP_ERROR_INIT;
	uint64_t n_random = 0;
	unsigned int what = 0;
	const char *text;
	int r = read_what(v->cli, &what);

	if (r == 0)
		r = rp_cli_opt_number(v->cli, "random", 0, 0, &n_random);
	if (r)
		return r;
	if (n_random > 100000)
		return rp_cli_usage(v->cli, "--random: at most 100000");
	if (!rp_cli_opt(v->cli, "case"))
		r = read_cases(v, what, &err);
	for (size_t i = 0; r == 0 && (text = rp_cli_opt_nth(v->cli, "case", i)); i++) {
		struct rp_verify_case c;

		r = rp_verify_parse(rp_span_str(text), &c, &err);
		if (r < 0)
			return rp_cli_usage(v->cli, "--case: %s", err.text);
		if (rp_array_grow(&v->cases.v, &v->cases.cap, v->cases.n, sizeof(c)) < 0)
			r = RP_NOMEM(&err);
		else
			v->cases.v[v->cases.n++] = c;
	}
	if (r == 0)
		r = rp_verify_random_cases(
			&v->cases, (size_t)n_random, v->seed, MAX_RANDOM_MACS, &err);
	return r < 0 ? rp_cli_fail(v->cli, r, &err) : 0;
}

/* The card's own code first; code for gfx1030 is what a runtime takes under the override. */
static int find_code_objects(struct verify_run *v, struct rp_error *err)
{
	static const char *const chips[] = { "gfx1010", "gfx1011", "gfx1012", "gfx1030" };
	bool own_given = rp_cli_opt(v->cli, "code-object") != NULL;
	const char *own;
	int r = 0;

	for (size_t i = 0; r == 0 && (own = rp_cli_opt_nth(v->cli, "code-object", i)); i++)
		r = rp_strv_add(&v->code_objects, own, err);
	/* installed, and in a build tree */
	for (size_t i = 0; r == 0 && i < 2 * RP_ARRAY_SIZE(chips) && !own_given; i++) {
		RP_CLEANUP(rp_free_p)
		char *path = rp_asprintf("%s/%s/verify-%s.co", v->cli->libexec_dir,
			i % 2 ? "data/kernels" : "kernels", chips[i / 2]);

		if (!path)
			return RP_NOMEM(err);
		if (access(path, R_OK) == 0)
			r = rp_strv_add(&v->code_objects, path, err);
	}
	if (r == 0 && v->code_objects.n == 0)
		r = RP_FAIL(err, -ENOPKG,
			"this build has no GPU kernels (clang and lld were missing when it was "
			"built)");
	return r;
}

/* What stands before the helper: this program's verb run puts it on a virtual card or a patched runtime. */
static int make_prefix(struct verify_run *v, struct rp_error *err)
{
	const char *gpu = rp_cli_opt(v->cli, "gpu"), *profile = rp_cli_opt(v->cli, "profile");
	const char *runtime = rp_cli_opt(v->cli, "runtime");
	int r;

	bool wants_virtual = profile || (gpu && strcmp(gpu, "real") != 0);
	v->is_virtual = wants_virtual || rp_strv_getenv(&v->cli->env, RP_VIRTUAL_VARIABLE) != NULL;
	if (!wants_virtual && !runtime)
		return 0;
	r = rp_strv_add(&v->prefix, v->cli->self, err);
	if (r == 0)
		r = rp_strv_addf(&v->prefix, err, "--prefix=%s", v->cli->prefix);
	if (r == 0)
		r = rp_strv_add(&v->prefix, "-q", err);
	if (r == 0)
		r = rp_strv_add(&v->prefix, "run", err);
	if (r == 0 && gpu)
		r = rp_strv_addf(&v->prefix, err, "--gpu=%s", gpu);
	if (r == 0 && profile)
		r = rp_strv_addf(&v->prefix, err, "--profile=%s", profile);
	if (r == 0 && (runtime || wants_virtual))
		r = rp_strv_addf(&v->prefix, err, "--runtime=%s", runtime ? runtime : "stock");
	return r == 0 ? rp_strv_add(&v->prefix, "--", err) : r;
}

static void show_text(struct verify_run *v, const char *name, const struct rp_verify_result *res)
{
	const struct rp_verify_comparison *c = &res->comparison;
	struct rp_cli *cli = v->cli;

	rp_cli_out(cli, "%-11s %s\n", rp_verify_verdict_name(res->verdict), name);
	switch (res->verdict) {
	case RP_VERIFY_RIGHT:
		break;
	case RP_VERIFY_WRONG:
		if (c->n_wrong) {
			char pattern[64];

			(void)snprintf(pattern, sizeof(pattern),
				c->pattern == RP_VERIFY_PATTERN_STRIDE ? "%s of %zu" : "%s",
				rp_verify_pattern_name(c->pattern), c->stride);
			rp_cli_out(cli,
				"            %zu of %zu elements (%s): %zu unwritten, %zu NaN; "
				"first at "
				"%zu: %g, not %g\n",
				c->n_wrong, c->n, pattern, c->n_unwritten, c->n_nan, c->first_wrong,
				c->first_got, c->first_want);
		}
		if (res->n_beyond)
			rp_cli_out(cli,
				"            %llu bytes next to the output were overwritten\n",
				(unsigned long long)res->n_beyond);
		break;
	case RP_VERIFY_CRASHED:
		rp_cli_out(cli, "            at %s: signal %d%s%s\n", res->stage, res->signal,
			res->hsa_code[0] ? ", " : "", res->hsa_code);
		rp_cli_out(cli, "            %s\n", res->text);
		break;
	case RP_VERIFY_HUNG:
		if (res->signal)
			rp_cli_out(cli, "            at %s: %s\n", res->stage, res->text);
		else
			rp_cli_out(cli, "            at %s: did not end in %lld s\n", res->stage,
				(long long)(v->runner.deadline_ms / 1000));
		break;
	default:
		rp_cli_out(cli, "            %s%s%s\n", res->stage, res->stage[0] ? ": " : "",
			res->text);
		break;
	}
}

static void show_json(struct rp_json *j, const char *name, const struct rp_verify_result *res)
{
	const struct rp_verify_comparison *c = &res->comparison;

	rp_json_begin(j, '{');
	rp_json_kstr(j, "case", name);
	rp_json_kstr(j, "backend", "hip");
	rp_json_kstr(j, "verdict", rp_verify_verdict_name(res->verdict));
	rp_json_kstr(j, "stage", res->stage);
	rp_json_kint(j, "elapsed_ms", res->elapsed_ms);
	rp_json_kstr(j, "code_object", res->code_object[0] ? rp_path_base(res->code_object) : NULL);
	if (res->verdict == RP_VERIFY_RIGHT || res->verdict == RP_VERIFY_WRONG) {
		rp_json_kuint(j, "elements", c->n);
		rp_json_kuint(j, "wrong", c->n_wrong);
		rp_json_kuint(j, "nan", c->n_nan);
		rp_json_kuint(j, "unwritten", c->n_unwritten);
		rp_json_kuint(j, "beyond", res->n_beyond);
		rp_json_kstr(j, "pattern", rp_verify_pattern_name(c->pattern));
		if (c->n_wrong)
			rp_json_kuint(j, "first_wrong", c->first_wrong);
		rp_json_key(j, "max_error");
		if (c->max_error <= 1e300) {
			char number[40];

			(void)snprintf(number, sizeof(number), "%.9g", c->max_error);
			rp_json_str(j, number);
		} else {
			rp_json_null(j);
		}
	} else {
		rp_json_kint(j, "signal", res->signal);
		rp_json_kstr(j, "hsa", res->hsa_code[0] ? res->hsa_code : NULL);
		rp_json_kstr(j, "text", res->text);
	}
	rp_json_end(j, '}');
}

static int run_cases(struct verify_run *v, struct rp_error *err)
{
	struct rp_json *j = rp_cli_json(v->cli);
	char name[RP_VERIFY_NAME];
	int r = 0;

	if (j)
		rp_json_kbegin(j, "results", '[');
	for (size_t i = 0; r == 0 && i < v->cases.n; i++) {
		struct rp_verify_result res;

		(void)rp_verify_name(&v->cases.v[i], name);
		RP_EVENT(&v->cli->ctx, RP_EV_PROGRESS, RP_STR("step", "verify"),
			RP_STR("object", name), RP_INT("done", i), RP_INT("total", v->cases.n),
			RP_STR("unit", "cases"));
		r = rp_verify_run(
			&v->cli->ctx, &v->runner, &v->cases.v[i], v->seed + 2 * i, &res, err);
		if (r < 0)
			break;
		v->n[res.verdict]++;
		if (res.verdict != RP_VERIFY_RIGHT || v->cli->verbosity > 0)
			show_text(v, name, &res);
		if (j)
			show_json(j, name, &res);
		if (res.verdict == RP_VERIFY_UNAVAILABLE)
			break; /* no other case would find a card either */
	}
	if (j)
		rp_json_end(j, ']');
	return r;
}

/* What the verdicts are worth; NULL: no case ran on a card. */
static const char *evidence_of(const struct verify_run *v)
{
	size_t n = v->n[RP_VERIFY_RIGHT] + v->n[RP_VERIFY_WRONG] + v->n[RP_VERIFY_CRASHED] +
		   v->n[RP_VERIFY_HUNG];

	return n == 0 ? NULL : v->is_virtual ? "virtual-gpu" : "silicon";
}

static void show_summary(struct verify_run *v)
{
	struct rp_json *j = rp_cli_json(v->cli);
	const char *evidence = evidence_of(v);
	size_t total = 0;

	for (unsigned int i = 0; i < RP_VERIFY_VERDICT_MAX; i++)
		total += v->n[i];
	rp_cli_out(v->cli, "%zu of %zu cases run:", total, v->cases.n);
	for (unsigned int i = 0; i < RP_VERIFY_VERDICT_MAX; i++)
		if (v->n[i])
			rp_cli_out(v->cli, " %zu %s", v->n[i],
				rp_verify_verdict_name((enum rp_verify_verdict)i));
	rp_cli_out(v->cli, ". %s; seed %llu\n",
		!evidence	? "Nothing ran on a card"
		: v->is_virtual ? "On the virtual card, not on silicon"
				: "On this machine's card",
		(unsigned long long)v->seed);
	if (!j)
		return;
	rp_json_kstr(j, "evidence", evidence);
	rp_json_kuint(j, "seed", v->seed);
	rp_json_kuint(j, "cases", v->cases.n);
	rp_json_kbegin(j, "count", '{');
	for (unsigned int i = 0; i < RP_VERIFY_VERDICT_MAX; i++)
		rp_json_kuint(j, rp_verify_verdict_name((enum rp_verify_verdict)i), v->n[i]);
	rp_json_end(j, '}');
}

static int exit_of(const struct verify_run *v)
{
	if (v->n[RP_VERIFY_WRONG] + v->n[RP_VERIFY_CRASHED] + v->n[RP_VERIFY_HUNG] +
		v->n[RP_VERIFY_ERROR])
		return RP_EXIT_PROBLEMS;
	return v->n[RP_VERIFY_UNAVAILABLE] ? RP_EXIT_UNAVAILABLE : RP_EXIT_OK;
}

static int verify_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(free_run)
	struct verify_run v = { .cli = cli, .seed = 1 };
	const char *gpu = rp_cli_opt(cli, "gpu");
	struct rp_error err = RP_ERROR_INIT;
	uint64_t deadline = 0;
	int r;

	(void)argc;
	(void)argv;
	if (rp_cli_flag(cli, "full") && rp_cli_flag(cli, "quick"))
		return rp_cli_usage(cli, "--quick and --full exclude each other");
	if (gpu && strcmp(gpu, "real") == 0 && rp_strv_getenv(&cli->env, RP_VIRTUAL_VARIABLE))
		return rp_cli_usage(
			cli, "--gpu=real inside of 'run --gpu': only the virtual card is here");
	r = rp_cli_opt_number(cli, "deadline", 1, DEADLINE_SECONDS, &deadline);
	if (r == 0)
		r = rp_cli_opt_number(cli, "seed", 0, 1, &v.seed);
	if (r == 0)
		r = choose_cases(&v);
	if (r)
		return r;
	r = find_code_objects(&v, &err);
	if (r == 0)
		r = make_prefix(&v, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	v.helper = rp_path_join(cli->libexec_dir, "rocm-patch-verify-hip");
	if (!v.helper)
		return rp_cli_fail(cli, RP_NOMEM(&err), &err);
	v.runner = (struct rp_verify_runner){ (const char *const *)v.prefix.v, v.helper,
		(const char *const *)v.code_objects.v, (const char *const *)cli->env.v,
		(int64_t)deadline * 1000 };
	r = run_cases(&v, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	show_summary(&v);
	return exit_of(&v);
}

static const struct rp_option options[] = {
	RP_RUNTIME_OPTION,
	{ "gpu", 0, "CHIP",
		"real: the machine's card (default); gfx1010, gfx1030, ...: a virtual one",
		"real gfx1010 gfx1012 gfx1030 gfx1031 gfx1032" },
	{ "profile", 0, "NAME[,KEY=VALUE...]", "which virtual card and machine, as for run",
		"rx-5500-xt rx-5600-xt rx-5700-xt pro-w5500 rx-6600 rx-6700-xt rx-6800-xt" },
	{ "what", 0, "LIST", "conv, bn, gemm, copy (default: all)", "conv bn gemm copy" },
	{ "quick", 0, NULL, "the small cases (default)", NULL },
	{ "full", 0, NULL, "all cases of the table", NULL },
	{ "case", 0, "CASE",
		"this case instead of the table (may be repeated), as a result names it", NULL },
	{ "random", 0, "N", "also N small random cases", NULL },
	{ "seed", 0, "N", "of the inputs and the random cases (default 1)", NULL },
	{ "deadline", 0, "S", "seconds for one case (default 60)", NULL },
	{ "code-object", 0, "FILE", "kernels to use in place of our own (may be repeated)",
		"@file" },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_verify = {
	.name = "verify",
	.summary = "check by value what the card computes: convolution, batch norm, gemm, copies",
	.description = "Each case runs in a child with a deadline, so a hang or a crash is a "
		       "result. Every output element is "
		       "compared with a reference in double precision and its own error bound.",
	.options = options,
	.flags = RP_VERB_NEEDS_GPU,
	.exit_codes = RP_EXITS(0, 1, 2, 69, 71),
	.run = verify_run,
};
