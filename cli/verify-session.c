/* SPDX-License-Identifier: MIT */
/* A run of verify's cases: which ones, on which card, with which kernels. */
#include "verify.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "virtual.h"

void verify_session_free(struct verify_session *s)
{
	rp_verify_list_free(&s->cases);
	rp_strv_free(&s->code_objects);
	rp_strv_free(&s->prefix);
	free(s->helper);
	free(s->results);
}

static unsigned int what_of(enum rp_verify_op op)
{
	switch (op) {
	case RP_VERIFY_BATCH_NORM:
		return VERIFY_BN;
	case RP_VERIFY_GEMM:
		return VERIFY_GEMM;
	case RP_VERIFY_COPY:
		return VERIFY_COPY;
	default:
		return VERIFY_CONV;
	}
}

int verify_read_cases(struct verify_session *s, unsigned int what, bool full, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *path = rp_path_join(s->cli->data_dir, "verify/cases.txt");
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	size_t n = s->cases.n;
	int r;

	if (!path)
		return RP_NOMEM(err);
	r = rp_file_read(AT_FDCWD, path, (size_t)1 << 20, &text, err);
	if (r == 0)
		r = rp_verify_read_cases(rp_buf_span(&text), path, &s->cases, err);
	if (r < 0)
		return r;
	for (size_t i = n; i < s->cases.n; i++)
		if (what & what_of(s->cases.v[i].op) && (full || s->cases.v[i].quick))
			s->cases.v[n++] = s->cases.v[i];
	s->cases.n = n;
	return 0;
}

char *verify_kernels(const struct rp_cli *cli, const char *chip)
{
	/* installed, and in a build tree */
	static const char *const folders[] = { "kernels", "data/kernels" };

	for (size_t i = 0; i < RP_ARRAY_SIZE(folders); i++) {
		RP_CLEANUP(rp_free_p)
		char *path = rp_asprintf("%s/%s/verify-%s.co", cli->libexec_dir, folders[i], chip);

		if (path && access(path, R_OK) == 0)
			return RP_STEAL(path);
	}
	return NULL;
}

/* The card's own code first; code for gfx1030 is what a runtime takes under the override. */
static int default_kernels(struct verify_session *s, struct rp_error *err)
{
	static const char *const chips[] = { "gfx1010", "gfx1011", "gfx1012", "gfx1030" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < RP_ARRAY_SIZE(chips); i++) {
		RP_CLEANUP(rp_free_p) char *path = verify_kernels(s->cli, chips[i]);

		if (path)
			r = rp_strv_add(&s->code_objects, path, err);
	}
	if (r == 0 && s->code_objects.n == 0)
		r = RP_FAIL(err, -ENOPKG,
			"this build has no GPU kernels (clang and lld were missing when it was "
			"built)");
	return r;
}

/* What stands before the helper: this program's verb run puts it on a virtual card or a patched runtime. */
static int make_prefix(struct verify_session *s, struct rp_error *err)
{
	bool wants_virtual = s->profile || (s->gpu && strcmp(s->gpu, "real") != 0);
	struct rp_cli *cli = s->cli;
	int r;

	s->is_virtual = wants_virtual || rp_strv_getenv(&cli->env, RP_VIRTUAL_VARIABLE) != NULL;
	if (!wants_virtual && !s->runtime)
		return 0;
	r = rp_strv_add(&s->prefix, cli->self, err);
	if (r == 0)
		r = rp_strv_addf(&s->prefix, err, "--prefix=%s", cli->prefix);
	if (r == 0)
		r = rp_strv_add(&s->prefix, "-q", err);
	if (r == 0)
		r = rp_strv_add(&s->prefix, "run", err);
	if (r == 0 && s->gpu)
		r = rp_strv_addf(&s->prefix, err, "--gpu=%s", s->gpu);
	if (r == 0 && s->profile)
		r = rp_strv_addf(&s->prefix, err, "--profile=%s", s->profile);
	if (r == 0)
		r = rp_strv_addf(
			&s->prefix, err, "--runtime=%s", s->runtime ? s->runtime : "stock");
	return r == 0 ? rp_strv_add(&s->prefix, "--", err) : r;
}

int verify_choose_backends(struct verify_session *s, bool own, bool rocblas, struct rp_error *err)
{
	size_t n = s->cases.n, n_kept = 0;

	for (size_t i = 0; rocblas && i < n; i++) {
		if (s->cases.v[i].op != RP_VERIFY_GEMM)
			continue;
		if (rp_array_grow(&s->cases.v, &s->cases.cap, s->cases.n, sizeof(*s->cases.v)) < 0)
			return RP_NOMEM(err);
		s->cases.v[s->cases.n++] = s->cases.v[i];
	}
	s->n_own = own ? n : 0;
	if (own)
		return 0;
	for (size_t i = n; i < s->cases.n; i++)
		s->cases.v[n_kept++] = s->cases.v[i];
	s->cases.n = n_kept;
	return 0;
}

const char *verify_backend(const struct verify_session *s, size_t i)
{
	return i < s->n_own ? "hip" : "rocblas";
}

int verify_prepare(struct verify_session *s, struct rp_error *err)
{
	int r = s->code_objects.n ? 0 : default_kernels(s, err);

	if (r == 0)
		r = make_prefix(s, err);
	if (r < 0)
		return r;
	s->helper = rp_path_join(s->cli->libexec_dir, "rocm-patch-verify-hip");
	s->results = calloc(s->cases.n + 1, sizeof(*s->results));
	return s->helper && s->results ? 0 : RP_NOMEM(err);
}

int verify_cases(struct verify_session *s, struct rp_error *err)
{
	struct rp_verify_runner runner = { .prefix = (const char *const *)s->prefix.v,
		.helper = s->helper,
		.code_objects = (const char *const *)s->code_objects.v,
		.env = s->env,
		.deadline_ms = s->deadline_ms };
	char name[RP_VERIFY_NAME];

	for (size_t i = 0; i < s->cases.n; i++) {
		struct rp_verify_result *res = &s->results[i];
		int r;

		(void)rp_verify_name(&s->cases.v[i], name);
		RP_EVENT(&s->cli->ctx, RP_EV_PROGRESS, RP_STR("step", "verify"),
			RP_STR("object", name), RP_INT("done", i), RP_INT("total", s->cases.n),
			RP_STR("unit", "cases"));
		runner.backend = verify_backend(s, i);
		r = rp_verify_run(&s->cli->ctx, &runner, &s->cases.v[i], s->seed + 2 * i, res, err);
		if (r < 0)
			return r;
		s->n_results++;
		s->n[res->verdict]++;
		if (s->each)
			s->each(s, i);
		if (res->verdict == RP_VERIFY_UNAVAILABLE)
			return 0; /* no other case would find the card or the library either */
	}
	return 0;
}

const char *verify_evidence(const struct verify_session *s)
{
	size_t n = s->n[RP_VERIFY_RIGHT] + s->n[RP_VERIFY_WRONG] + s->n[RP_VERIFY_CRASHED] +
		   s->n[RP_VERIFY_HUNG];

	return n == 0 ? NULL : s->is_virtual ? "virtual-gpu" : "silicon";
}

const char *verify_evidence_text(const struct verify_session *s)
{
	if (!verify_evidence(s))
		return "Nothing ran on a card";
	return s->is_virtual ? "On the virtual card, not on silicon" : "On this machine's card";
}

char *verify_counts(const struct verify_session *s)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;

	for (unsigned int i = 0; i < RP_VERIFY_VERDICT_MAX; i++)
		if (s->n[i])
			rp_buf_addf(&text, "%s%zu %s", text.n ? " " : "", s->n[i],
				rp_verify_verdict_name((enum rp_verify_verdict)i));
	return text.failed ? NULL : rp_span_dup(rp_buf_span(&text));
}

bool verify_all_right(const struct verify_session *s)
{
	return s->cases.n > 0 && s->n[RP_VERIFY_RIGHT] == s->cases.n;
}
