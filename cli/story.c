/* SPDX-License-Identifier: MIT */
/* The story around fix: examine, check, rewrite, check again, report. See story.h. */
#include "page.h"
#include "story.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "virtual.h"

#define OVERRIDE	 "HSA_OVERRIDE_GFX_VERSION"
#define DEADLINE_SECONDS 60

void story_free(struct story *s)
{
	doctor_free(&s->doctor);
	verify_session_free(&s->before);
	verify_session_free(&s->after);
	rp_strv_free(&s->env_after);
	rp_retarget_report_free(&s->report);
	story_trees_free(s);
	free(s->from);
	free(s->rewritten);
}

/* What doctor sees: with a virtual card as a program on it would. */
static int examine(struct story *s, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv changed = RP_STRV_INIT, env = RP_STRV_INIT;
	struct rp_strv saved = s->cli->env;
	int r = rp_strv_add_all(&env, (const char *const *)saved.v, err);

	if (r == 0)
		r = rp_virtual_env(s->cli, &changed, err);
	RP_STRV_FOREACH (e, &changed) {
		char *eq = strchr(*e, '=');

		*eq = '\0';
		if (r == 0)
			r = rp_strv_setenv(&env, *e, eq + 1, err);
	}
	if (r < 0)
		return r;
	s->cli->env = env;
	r = doctor_examine(s->cli, -1, NULL, &s->doctor, err);
	s->cli->env = saved;
	return r;
}

int story_begin(struct story *s)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf screen = RP_BUF_INIT;
	struct rp_cli *cli = s->cli;
	struct rp_error err = RP_ERROR_INIT;
	const char *chip;
	int r = rp_virtual_check(cli);

	if (r)
		return r;
	if (rp_cli_opt(cli, "html")) {
		r = rp_page_check(rp_cli_opt(cli, "html"), &err);
		if (r < 0)
			return rp_cli_fail(cli, r, &err);
	}
	r = examine(s, &err);
	s->has_card = r == 0;
	if (r == -ENODEV) {
		rp_cli_out(cli,
			"%s: nothing will be checked by value (--gpu gfx1010 checks on a virtual "
			"card)\n\n",
			err.text);
		return 0;
	}
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	/* of the card that doctor speaks of */
	chip = rp_fact_get(&s->doctor.facts, s->doctor.verdict.card, "chip");
	s->chip = chip ? rp_chip_by_name(rp_span_str(chip)) : NULL;
	doctor_render(&s->doctor, true, cli->utf8, &screen);
	rp_cli_out(cli, "%s\n", rp_buf_cstr(&screen));
	return 0;
}

static int run(struct story *s, struct verify_session *v, struct rp_error *err)
{
	int r;

	v->cli = s->cli;
	v->gpu = rp_cli_opt(s->cli, "gpu");
	v->profile = rp_cli_opt(s->cli, "profile");
	v->seed = 1;
	v->deadline_ms = DEADLINE_SECONDS * 1000;
	r = verify_read_cases(v, VERIFY_CONV | VERIFY_BN | VERIFY_GEMM | VERIFY_COPY, false, err);
	if (r == 0)
		r = verify_choose_backends(v, true, false, err);
	if (r == 0)
		r = verify_prepare(v, err);
	return r == 0 ? verify_cases(v, err) : r;
}

int story_before(struct story *s, struct rp_error *err)
{
	int r;

	s->before.env = (const char *const *)s->cli->env.v;
	r = run(s, &s->before, err);
	s->has_before = r == 0 && verify_evidence(&s->before);
	if (r == 0 && !s->has_before && s->before.n_results)
		rp_cli_warn(
			s->cli, "nothing could be checked by value: %s", s->before.results[0].text);
	return r;
}

/* The code object that the runtime took; NULL: it came to that in no case. */
static const char *taken(const struct verify_session *v)
{
	for (size_t i = 0; i < v->n_results; i++)
		if (v->results[i].code_object[0])
			return v->results[i].code_object;
	return NULL;
}

static int on_found(void *data, const struct rp_scan_found *found, struct rp_error *err)
{
	(void)err;
	rp_scan_add(data, found->result);
	return 0;
}

static int on_damage(void *data, const struct rp_codeobj_place *place,
	const struct rp_error *damage, struct rp_error *err)
{
	(void)data;
	return RP_FAIL(err, -EBADMSG, "%s: %s", place->path, damage->text);
}

static int scan_kernels(struct story *s, struct rp_error *err)
{
	const struct rp_scan_options options = { .chip = s->chip };
	const struct rp_scan_visitor visitor = {
		.found = on_found, .damage = on_damage, .data = &s->scan
	};

	return rp_scan_find(&s->cli->ctx, AT_FDCWD, s->from, &options, 0, &visitor, NULL, err);
}

static int rewrite(struct story *s, struct rp_error *err)
{
	const struct rp_retarget_options options = { .chip = s->chip };
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	RP_CLEANUP(rp_retarget_output_free) struct rp_retarget_output out = { 0 };
	RP_CLEANUP(rp_buf_free) struct rp_buf bytes = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *dir = NULL;
	struct rp_retarget_verified verified;
	int r = rp_map_open(AT_FDCWD, s->from, &map, err);

	if (r == 0)
		r = rp_retarget_file(
			&s->cli->ctx, map.span, &options, 0, &out, &s->report, &verified, err);
	if (r == 0)
		r = rp_cli_state_dir(s->cli, &dir, err);
	if (r == 0)
		r = rp_mkdirs(AT_FDCWD, dir, 0755, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < out.n_pieces; i++)
		rp_buf_add(&bytes, out.pieces[i].p, out.pieces[i].n);
	s->rewritten = rp_asprintf("%s/verify-%s-from-%s.co", dir, s->chip->name, out.from);
	if (bytes.failed || !s->rewritten)
		return RP_NOMEM(err);
	return rp_publish_file(AT_FDCWD, s->rewritten, 0644, rp_buf_span(&bytes), err);
}

int story_act(struct story *s, struct rp_error *err)
{
	const char *from = s->has_before ? taken(&s->before) : NULL;
	RP_CLEANUP(rp_free_p) char *own = NULL;
	int r;

	if (!from || !s->chip)
		return 0;
	own = verify_kernels(s->cli, s->chip->name);
	if (own && strcmp(own, from) == 0)
		return 0; /* the card's own code ran: nothing to rewrite */
	s->from = rp_span_dup(rp_span_str(from));
	if (!s->from)
		return RP_NOMEM(err);
	r = scan_kernels(s, err);
	return r == 0 ? rewrite(s, err) : r;
}

int story_after(struct story *s, struct rp_error *err)
{
	int r = 0;

	for (char **e = s->cli->env.v; r == 0 && e && *e; e++)
		if (strncmp(*e, OVERRIDE "=", sizeof(OVERRIDE)) != 0)
			r = rp_strv_add(&s->env_after, *e, err);
	if (r == 0 && s->rewritten)
		r = rp_strv_add(&s->after.code_objects, s->rewritten, err);
	if (r < 0)
		return r;
	s->after.env = (const char *const *)s->env_after.v;
	r = run(s, &s->after, err);
	s->has_after = r == 0 && verify_evidence(&s->after);
	return r;
}

/* Verdicts of the operations in ops, as "3 right, 2 wrong"; returns the number of cases. */
static size_t count(const struct verify_session *v, unsigned int ops, struct rp_buf *ret)
{
	size_t n[RP_VERIFY_VERDICT_MAX] = { 0 }, total = 0;

	for (size_t i = 0; i < v->n_results; i++)
		if (ops >> v->cases.v[i].op & 1) {
			n[v->results[i].verdict]++;
			total++;
		}
	for (unsigned int k = 0; k < RP_VERIFY_VERDICT_MAX; k++)
		if (n[k])
			rp_buf_addf(ret, "%s%zu %s", ret->n ? ", " : "", n[k],
				rp_verify_verdict_name((enum rp_verify_verdict)k));
	return total;
}

static void table(struct story *s)
{
	static const struct {
		const char *name;
		unsigned int ops;
	} rows[] = {
		{ "convolution", 1u << RP_VERIFY_CONV_FORWARD | 1u << RP_VERIFY_CONV_STRUCT },
		{ "convolution, gradients",
			1u << RP_VERIFY_CONV_DATA | 1u << RP_VERIFY_CONV_WEIGHTS },
		{ "batch norm", 1u << RP_VERIFY_BATCH_NORM },
		{ "matrix product", 1u << RP_VERIFY_GEMM },
		{ "copy", 1u << RP_VERIFY_COPY },
	};
	const char *override = rp_strv_getenv(&s->cli->env, OVERRIDE);

	rp_cli_out(s->cli, "\n%s:\n  %-22s %5s  %-34s  %s\n", verify_evidence_text(&s->after), "",
		"cases", "before", "after");
	for (size_t i = 0; i < RP_ARRAY_SIZE(rows); i++) {
		RP_CLEANUP(rp_buf_free) struct rp_buf before = RP_BUF_INIT, after = RP_BUF_INIT;
		size_t n = count(&s->before, rows[i].ops, &before);

		(void)count(&s->after, rows[i].ops, &after);
		rp_cli_out(s->cli, "  %-22s %5zu  %-34s  %s\n", rows[i].name, n,
			rp_buf_cstr(&before), rp_buf_cstr(&after));
	}
	if (s->from)
		rp_cli_out(s->cli,
			"  before: %s, which the runtime took (" OVERRIDE " %s)\n"
			"  after: the same kernels rewritten by retarget, without that variable\n",
			rp_path_base(s->from), override ? override : "is not set");
	rp_cli_out(s->cli,
		"  Both with the system's HIP and ROCR: the patched ROCR takes no part yet.\n");
}

static void story_json(const struct story *s, struct rp_json *j)
{
	rp_json_kstr(j, "chip", s->chip ? s->chip->name : NULL);
	rp_json_kstr(j, "active", s->active);
	rp_json_kstr(j, "kernels_before", s->from ? rp_path_base(s->from) : NULL);
	rp_json_kstr(j, "kernels_after", s->rewritten);
	story_trees_json(s, j);
	if (s->has_before) {
		rp_json_kbegin(j, "before", '{');
		verify_json(&s->before, j);
		rp_json_end(j, '}');
	}
	if (s->has_after) {
		rp_json_kbegin(j, "after", '{');
		verify_json(&s->after, j);
		rp_json_end(j, '}');
	}
}

/* The page, and the same as JSON beside it. */
static int write_report(struct story *s, const char *html, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf page = RP_BUF_INIT, text = RP_BUF_INIT;
	size_t n = strlen(html);
	bool suffix = n > 5 && strcmp(html + n - 5, ".html") == 0;
	RP_CLEANUP(rp_free_p)
	char *json = rp_asprintf("%.*s.json", (int)(suffix ? n - 5 : n), html);
	struct rp_json j;
	int r;

	story_page(s, &page);
	rp_json_init(&j, &text, true);
	rp_json_begin(&j, '{');
	rp_json_kuint(&j, "schema", 1);
	story_json(s, &j);
	if (s->has_card)
		doctor_json(&s->doctor, &j);
	rp_json_end(&j, '}');
	rp_buf_addc(&text, '\n');
	if (page.failed || text.failed || !json)
		return RP_NOMEM(err);
	r = rp_publish_file(AT_FDCWD, html, 0644, rp_buf_span(&page), err);
	if (r == 0)
		r = rp_publish_file(AT_FDCWD, json, 0644, rp_buf_span(&text), err);
	if (r == 0)
		rp_cli_out(s->cli, "  report    %s, %s\n", html, json);
	return r;
}

int story_end(struct story *s, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *dir = NULL;
	RP_CLEANUP(rp_free_p) char *html = NULL;
	const char *given = rp_cli_opt(s->cli, "html");
	int r = 0;

	if (s->has_before && s->has_after)
		table(s);
	if (rp_cli_json(s->cli))
		story_json(s, rp_cli_json(s->cli));
	if (!given) {
		r = rp_cli_state_dir(s->cli, &dir, err);
		if (r == 0)
			r = rp_mkdirs(AT_FDCWD, dir, 0755, err);
		if (r < 0)
			return r;
	}
	html = given ? rp_span_dup(rp_span_str(given)) : rp_path_join(dir, "fix-report.html");
	return html ? write_report(s, html, err) : RP_NOMEM(err);
}

int story_exit(const struct story *s)
{
	if (story_trees_left_out(s))
		return RP_EXIT_PROBLEMS;
	return s->has_after && !verify_all_right(&s->after) ? RP_EXIT_PROBLEMS : RP_EXIT_OK;
}
