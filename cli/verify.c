/* SPDX-License-Identifier: MIT */
/* Verb verify: is what this card computes right? Each case in a child with a deadline. */
#include "page.h"
#include "runtime.h"
#include "verify.h"
#include "virtual.h"

#include <fcntl.h>

#define MAX_RANDOM_MACS	 2e6 /* of a random case: a virtual card needs a second for ten million */
#define DEADLINE_SECONDS 60

/* --what as bits; 0 or an exit code. */
static int read_what(struct rp_cli *cli, unsigned int *ret)
{
	static const char *const names[] = { "conv", "bn", "gemm", "copy" };
	RP_CLEANUP(rp_strv_free) struct rp_strv words = RP_STRV_INIT;
	const char *text = rp_cli_opt(cli, "what");
	struct rp_error err = RP_ERROR_INIT;
	unsigned int set = 0;
	int r;

	if (!text) {
		*ret = VERIFY_CONV | VERIFY_BN | VERIFY_GEMM | VERIFY_COPY;
		return 0;
	}
	r = rp_strv_split(&words, rp_span_str(text), &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	RP_STRV_FOREACH (w, &words) {
		unsigned int i = 0;

		while (i < RP_ARRAY_SIZE(names) && strcmp(*w, names[i]) != 0)
			i++;
		if (i == RP_ARRAY_SIZE(names))
			return rp_cli_usage(cli, "--what=%s: only conv, bn, gemm, copy", *w);
		set |= 1u << i; /* as enum verify_what */
	}
	if (!set)
		return rp_cli_usage(cli, "--what is empty");
	*ret = set;
	return 0;
}

/* --case and --random add to (or stand for) the table. 0 or an exit code. */
static int choose_cases(struct verify_session *s)
{
	struct rp_error err = RP_ERROR_INIT;
	uint64_t n_random = 0;
	unsigned int what = 0;
	const char *text;
	int r = read_what(s->cli, &what);

	if (r == 0)
		r = rp_cli_opt_number(s->cli, "random", 0, 0, &n_random);
	if (r)
		return r;
	if (n_random > 100000)
		return rp_cli_usage(s->cli, "--random: at most 100000");
	if (!rp_cli_opt(s->cli, "case"))
		r = verify_read_cases(s, what, rp_cli_flag(s->cli, "full"), &err);
	for (size_t i = 0; r == 0 && (text = rp_cli_opt_nth(s->cli, "case", i)); i++) {
		struct rp_verify_case c;

		r = rp_verify_parse(rp_span_str(text), &c, &err);
		if (r < 0)
			return rp_cli_usage(s->cli, "--case: %s", err.text);
		if (rp_array_grow(&s->cases.v, &s->cases.cap, s->cases.n, sizeof(c)) < 0)
			r = RP_NOMEM(&err);
		else
			s->cases.v[s->cases.n++] = c;
	}
	if (r == 0)
		r = rp_verify_random_cases(
			&s->cases, (size_t)n_random, s->seed, MAX_RANDOM_MACS, &err);
	return r < 0 ? rp_cli_fail(s->cli, r, &err) : 0;
}

static void show(const struct verify_session *s, size_t i)
{
	const struct rp_verify_result *res = &s->results[i];
	RP_CLEANUP(rp_free_p) char *detail = verify_detail(s, res);
	char name[RP_VERIFY_NAME];

	if (res->verdict == RP_VERIFY_RIGHT && s->cli->verbosity < 1)
		return;
	rp_cli_out(s->cli, "%-11s %s%s\n", rp_verify_verdict_name(res->verdict),
		rp_verify_name(&s->cases.v[i], name), i < s->n_own ? "" : " on rocBLAS");
	if (detail && *detail)
		rp_cli_out(s->cli, "            %s\n", detail);
}

/* --backend. 0 or an exit code. */
static int choose_backends(struct verify_session *s)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv words = RP_STRV_INIT;
	const char *text = rp_cli_opt(s->cli, "backend");
	struct rp_error err = RP_ERROR_INIT;
	bool own = false, rocblas = false;
	int r = rp_strv_split(&words, rp_span_str(text ? text : "hip"), &err);

	RP_STRV_FOREACH (w, &words) {
		if (strcmp(*w, "hip") == 0)
			own = true;
		else if (strcmp(*w, "rocblas") == 0)
			rocblas = true;
		else
			return rp_cli_usage(s->cli, "--backend=%s: only hip, rocblas", *w);
	}
	if (r == 0)
		r = verify_choose_backends(s, own, rocblas, &err);
	if (r < 0)
		return rp_cli_fail(s->cli, r, &err);
	return s->cases.n ? 0 : rp_cli_usage(s->cli, "no case is left: rocBLAS has gemm only");
}

static int exit_of(const struct verify_session *s)
{
	if (s->n[RP_VERIFY_WRONG] + s->n[RP_VERIFY_CRASHED] + s->n[RP_VERIFY_HUNG] +
		s->n[RP_VERIFY_ERROR])
		return RP_EXIT_PROBLEMS;
	return s->n[RP_VERIFY_UNAVAILABLE] ? RP_EXIT_UNAVAILABLE : RP_EXIT_OK;
}

/* The options' words. 0 or an exit code. */
static int read_options(struct verify_session *s)
{
	struct rp_cli *cli = s->cli;
	struct rp_error err = RP_ERROR_INIT;
	uint64_t deadline = 0;
	const char *own;
	int r;

	s->gpu = rp_cli_opt(cli, "gpu");
	s->profile = rp_cli_opt(cli, "profile");
	s->runtime = rp_cli_opt(cli, "runtime");
	s->env = (const char *const *)cli->env.v;
	if (rp_cli_flag(cli, "full") && rp_cli_flag(cli, "quick"))
		return rp_cli_usage(cli, "--quick and --full exclude each other");
	if (s->gpu && strcmp(s->gpu, "real") == 0 && rp_strv_getenv(&cli->env, RP_VIRTUAL_VARIABLE))
		return rp_cli_usage(
			cli, "--gpu=real inside of 'run --gpu': only the virtual card is here");
	r = rp_cli_opt_number(cli, "deadline", 1, DEADLINE_SECONDS, &deadline);
	if (r == 0)
		r = rp_cli_opt_number(cli, "seed", 0, 1, &s->seed);
	if (r == 0)
		r = choose_cases(s);
	if (r == 0)
		r = choose_backends(s);
	if (r)
		return r;
	s->deadline_ms = (int64_t)deadline * 1000;
	for (size_t i = 0; (own = rp_cli_opt_nth(cli, "code-object", i)); i++)
		if (rp_strv_add(&s->code_objects, own, &err) < 0)
			return rp_cli_fail(cli, -ENOMEM, &err);
	return 0;
}

/* --html: the same results as a page. */
static int write_page(const struct verify_session *s, const char *path, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf page = RP_BUF_INIT;
	const struct verify_session *runs[] = { s };
	RP_CLEANUP(rp_free_p) char *counts = verify_counts(s);

	rp_page_begin(&page, "rocm-patch verify");
	rp_page_element(&page, "p", "%zu cases: %s. %s; seed %llu.", s->cases.n,
		counts ? counts : "", verify_evidence_text(s), (unsigned long long)s->seed);
	verify_page(&page, runs, NULL, 1);
	rp_page_end(&page);
	if (page.failed)
		return RP_NOMEM(err);
	return rp_publish_file(AT_FDCWD, path, 0644, rp_buf_span(&page), err);
}

static int verify_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(verify_session_free)
	struct verify_session s = { .cli = cli, .each = show };
	RP_CLEANUP(rp_free_p) char *counts = NULL;
	const char *html = rp_cli_opt(cli, "html");
	struct rp_error err = RP_ERROR_INIT;
	int r;

	(void)argc;
	(void)argv;
	r = read_options(&s);
	if (r)
		return r;
	r = html ? rp_page_check(html, &err) : 0;
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	r = verify_prepare(&s, &err);
	if (r == 0)
		r = verify_cases(&s, &err);
	counts = verify_counts(&s);
	if (r == 0 && !counts)
		r = RP_NOMEM(&err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	rp_cli_out(cli, "%zu of %zu cases run: %s. %s; seed %llu\n", s.n_results, s.cases.n, counts,
		verify_evidence_text(&s), (unsigned long long)s.seed);
	if (rp_cli_json(cli))
		verify_json(&s, rp_cli_json(cli));
	if (html) {
		r = write_page(&s, html, &err);
		if (r < 0)
			return rp_cli_fail(cli, r, &err);
	}
	return exit_of(&s);
}

static const struct rp_option options[] = {
	RP_RUNTIME_OPTION,
	RP_CARD_OPTIONS,
	{ "backend", 0, "LIST",
		"what computes: hip: our own kernels (default); rocblas: its matrix products",
		"hip rocblas" },
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
	{ "html", 0, "FILE", "write the results as one self-contained page", "@file" },
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
	.exit_codes = RP_EXITS(0, 1, 2, 66, 69, 71, 73, 77),
	.run = verify_run,
};
