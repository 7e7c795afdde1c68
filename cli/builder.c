/* SPDX-License-Identifier: MIT */
/* What build and fix share; see builder.h. */
#include "builder.h"

#include <fcntl.h>
#include <pwd.h>
#include <time.h>
#include <unistd.h>

void rp_builder_free(struct rp_builder *b)
{
	rp_proof_free(&b->proof);
	rp_build_plan_free(&b->plan);
	rp_strv_free(&b->only);
	rp_strv_free(&b->without);
	rp_source_free(&b->source);
	free(b->cache_dir);
	free(b->load_helper);
}

/* Builds never run as root: as the user behind sudo, else as nobody. */
static int set_build_user(struct rp_cli *cli, struct rp_builder *b, struct rp_error *err)
{
	const char *uid = rp_strv_getenv(&cli->env, "SUDO_UID"),
		   *gid = rp_strv_getenv(&cli->env, "SUDO_GID");
	uint64_t u = 0, g = 0;
	struct passwd *pw;

	if (geteuid() != 0)
		return 0;
	b->host.drop = true;
	if (uid && gid && rp_span_number(rp_span_str(uid), &u) &&
		rp_span_number(rp_span_str(gid), &g) && u > 0 && u < UINT32_MAX && g < UINT32_MAX) {
		b->host.uid = (uid_t)u;
		b->host.gid = (gid_t)g;
		return 0;
	}
	pw = getpwnam("nobody");
	if (!pw || pw->pw_uid == 0)
		return RP_FAIL(err, -EUCLEAN,
			"builds do not run as root, and there is no user \"nobody\" to run them "
			"as");
	b->host.uid = pw->pw_uid;
	b->host.gid = pw->pw_gid;
	return 0;
}

static int set_up(struct rp_cli *cli, struct rp_builder *b, struct rp_error *err)
{
	const char *source = rp_cli_opt(cli, "source");
	int r = 0;

	for (size_t i = 0; r == 0 && rp_cli_opt_nth(cli, "only", i); i++)
		r = rp_strv_split(&b->only, rp_span_str(rp_cli_opt_nth(cli, "only", i)), err);
	for (size_t i = 0; r == 0 && rp_cli_opt_nth(cli, "without", i); i++)
		r = rp_strv_split(&b->without, rp_span_str(rp_cli_opt_nth(cli, "without", i)), err);
	if (r == 0)
		r = rp_cli_cache_dir(cli, &b->cache_dir, err);
	if (r == 0 && source) {
		r = rp_source_from_text(source, &b->source, err);
		b->has_source = r == 0;
	}
	if (r == 0)
		r = set_build_user(cli, b, err);
	if (r < 0)
		return r;
	b->load_helper = rp_path_join(cli->libexec_dir, "rocm-patch-load");
	if (!b->load_helper)
		return RP_NOMEM(err);
	b->sources = (struct rp_source_env){ .root = &cli->root,
		.cache_dir = b->cache_dir,
		.offline = rp_cli_flag(cli, "offline"),
		.env = (const char *const *)cli->env.v };
	b->host.sources = &b->sources;
	b->host.data_dir = cli->data_dir;
	b->host.patch_dir = rp_cli_opt(cli, "patches");
	b->host.load_helper = b->load_helper;
	b->host.env = (const char *const *)cli->env.v;
	b->host.root = &cli->root;
	return 0;
}

static bool exists_in_store(struct rp_cli *cli, const char *id)
{
	RP_CLEANUP(rp_generation_list_free)
	struct rp_generation_list list = RP_GENERATION_LIST_INIT;
	RP_CLEANUP(rp_store_close) struct rp_store st = RP_STORE_INIT;

	if (rp_store_open(&cli->ctx, cli->prefix, RP_STORE_READ, &st, NULL) < 0 ||
		rp_store_list(&st, &list, NULL) < 0)
		return false; /* whatever is wrong with it is told when it is opened for writing */
	for (size_t i = 0; i < list.n; i++)
		if (strcmp(list.v[i].id, id) == 0 && !list.v[i].damage)
			return true;
	return false;
}

bool rp_builder_begin(
	struct rp_cli *cli, const char *component, struct rp_builder *b, int *ret_exit)
{
	struct rp_build_request req = { .component = component };
	struct rp_error err = RP_ERROR_INIT;
	uint64_t jobs;
	int r;

	*ret_exit = rp_cli_opt_number(cli, "jobs", 1, 0, &jobs);
	if (*ret_exit)
		return false;
	b->host.jobs = jobs > 1024 ? 1024 : (unsigned int)jobs;
	b->started_ms = rp_now_ms();
	r = set_up(cli, b, &err);
	if (r == 0) {
		req.source = b->has_source ? &b->source : NULL;
		req.only = b->only.n > 0 ? &b->only : NULL;
		req.without = &b->without;
		r = rp_build_plan(&cli->ctx, &b->host, &req, &b->plan, &err);
	}
	if (r < 0) {
		*ret_exit = rp_cli_fail(cli, r, &err);
		return false;
	}
	b->in_store = exists_in_store(cli, b->plan.id);
	return true;
}

static void show_sources(struct rp_cli *cli, const struct rp_build_plan *p)
{
	char size[RP_HUMAN];

	rp_cli_out(cli, "  source     %s\n", p->source.description);
	if (p->source.choice)
		rp_cli_out(cli, "             %s\n", p->source.choice);
	for (size_t i = 0; i < p->recipe.n_inputs; i++) {
		rp_cli_out(cli, "  input      %s\n", p->inputs[i].description);
		if (p->inputs[i].choice)
			rp_cli_out(cli, "             %s\n", p->inputs[i].choice);
	}
	if (p->download_bytes > 0)
		rp_cli_out(cli, "  download   %s\n", rp_cli_size(p->download_bytes, size));
	else
		rp_cli_out(cli, "  download   nothing: it is in the cache\n");
}

static void show_patches(struct rp_cli *cli, const struct rp_build_plan *p)
{
	for (size_t i = 0; i < p->n_toolchain; i++)
		rp_cli_out(cli, "  %-10s %s (to compile here) %s\n", i == 0 ? "patches" : "",
			p->toolchain[i]->id, p->toolchain[i]->title);
	for (size_t i = 0; i < p->n_selected; i++)
		rp_cli_out(cli, "  %-10s %s (%s) %s\n", i + p->n_toolchain == 0 ? "patches" : "",
			p->selected[i]->id, rp_patch_evidence_name(p->selected[i]->evidence),
			p->selected[i]->title);
	for (size_t i = 0; i < p->left_out.n; i++)
		rp_cli_out(cli, "  left out   %s\n", p->left_out.v[i]);
}

static void json_state(struct rp_json *j, const char *name, const struct rp_source_state *st)
{
	rp_json_begin(j, '{');
	rp_json_kstr(j, "name", name);
	rp_json_kstr(j, "description", st->description);
	rp_json_kstr(j, "identity", st->identity);
	rp_json_kstr(j, "choice", st->choice);
	rp_json_kbool(j, "cached", st->cached);
	rp_json_end(j, '}');
}

static void json_words(struct rp_json *j, const char *key, const struct rp_strv *sv)
{
	rp_json_kbegin(j, key, '[');
	for (size_t i = 0; i < sv->n; i++)
		rp_json_str(j, sv->v[i]);
	rp_json_end(j, ']');
}

static void json_plan(struct rp_cli *cli, const struct rp_builder *b)
{
	struct rp_json *j = rp_cli_json(cli);
	const struct rp_build_plan *p = &b->plan;

	if (!j)
		return;
	rp_json_kbegin(j, "plan", '{');
	rp_json_kstr(j, "component", p->recipe.name);
	rp_json_kstr(j, "version", p->recipe.version);
	rp_json_kstr(j, "id", p->id);
	rp_json_kbool(j, "in_store", b->in_store);
	rp_json_kstr(j, "first_stage", p->first == RP_STAGE_MAX ? NULL : rp_stage_name(p->first));
	rp_json_kbegin(j, "sources", '[');
	json_state(j, p->recipe.name, &p->source);
	for (size_t i = 0; i < p->recipe.n_inputs; i++)
		json_state(j, p->recipe.inputs[i].name, &p->inputs[i]);
	rp_json_end(j, ']');
	rp_json_kuint(j, "download_bytes", p->download_bytes);
	rp_json_kbegin(j, "patches", '[');
	for (size_t i = 0; i < p->n_toolchain + p->n_selected; i++) {
		const struct rp_patch *patch =
			i < p->n_toolchain ? p->toolchain[i] : p->selected[i - p->n_toolchain];

		rp_json_begin(j, '{');
		rp_json_kstr(j, "id", patch->id);
		rp_json_kstr(j, "set", patch->set);
		rp_json_kstr(j, "evidence", rp_patch_evidence_name(patch->evidence));
		rp_json_end(j, '}');
	}
	rp_json_end(j, ']');
	json_words(j, "left_out", &p->left_out);
	json_words(j, "missing_packages", &p->missing);
	json_words(j, "shortages", &p->shortages);
	rp_json_kbegin(j, "keys", '{');
	for (int s = 0; s < RP_STAGE_MAX; s++)
		rp_json_kstr(j, rp_stage_name((enum rp_stage)s), p->keys[s]);
	rp_json_end(j, '}');
	rp_json_kstr(j, "work", p->work);
	rp_json_kstr(j, "prefix", cli->prefix);
	rp_json_end(j, '}');
}

void rp_builder_show_plan(struct rp_cli *cli, struct rp_builder *b)
{
	const struct rp_build_plan *p = &b->plan;
	char size[RP_HUMAN];

	rp_cli_out(cli, "Plan: %s %s\n", p->recipe.title, p->recipe.version);
	show_sources(cli, p);
	show_patches(cli, p);
	if (b->in_store || p->first == RP_STAGE_MAX)
		rp_cli_out(cli, "  build      nothing to do: it is built already\n");
	else
		rp_cli_out(cli, "  build      from the stage \"%s\"; %s, %s of disk below %s\n",
			rp_stage_name(p->first), p->recipe.time,
			rp_cli_size(p->recipe.disk_bytes, size), p->work);
	if (b->host.drop)
		rp_cli_out(cli, "             tools run without privileges, as user id %u\n",
			(unsigned int)b->host.uid);
	if (p->missing.n > 0) {
		rp_cli_out(cli, "  missing    apt-get install --no-install-recommends");
		for (size_t i = 0; i < p->missing.n; i++)
			rp_cli_out(cli, " %s", p->missing.v[i]);
		rp_cli_out(cli, "\n");
	}
	for (size_t i = 0; i < p->shortages.n; i++)
		rp_cli_out(cli, "  shortage   %s\n", p->shortages.v[i]);
	rp_cli_out(cli, "  result     %s/%s%s\n", cli->prefix, p->id,
		b->in_store ? " (there already)" : "");
	json_plan(cli, b);
}

static int check_proof(const struct rp_builder *b, struct rp_error *err)
{
	const struct rp_proof *p = &b->proof;

	if (rp_proof_ok(p))
		return 0;
	if (p->lost.n + p->gained.n > 0)
		return RP_FAIL(err, -EPROTO,
			"the patched library exports other symbols: %zu lost, %zu gained (%s)",
			p->lost.n, p->gained.n, p->lost.n ? p->lost.v[0] : p->gained.v[0]);
	if (!p->notes_match)
		return RP_FAIL(err, -EPROTO,
			"the library does not carry the notes of exactly the selected patches");
	return RP_FAIL(
		err, -EPROTO, "the library does not load: %s", p->load_text ? p->load_text : "");
}

int rp_builder_build(struct rp_cli *cli, struct rp_builder *b, struct rp_error *err)
{
	int r;

	r = rp_build_run(&cli->ctx, &b->host, &b->plan, RP_STAGE_STAGE, err);
	if (r == 0)
		r = rp_build_prove(&cli->ctx, &b->host, &b->plan, &b->proof, err);
	return r < 0 ? r : check_proof(b, err);
}

void rp_builder_show_proof(struct rp_cli *cli, const struct rp_builder *b)
{
	const struct rp_proof *p = &b->proof;
	struct rp_json *j = rp_cli_json(cli);
	struct rp_span text = rp_span_trim(rp_span_str(p->load_text ? p->load_text : ""));

	while (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	rp_cli_out(cli, "Proven:\n");
	rp_cli_out(cli,
		"  the patched library exports the same %llu symbols as the unpatched build\n",
		(unsigned long long)p->n_symbols);
	rp_cli_out(cli, "  it loads with all symbols bound, in a child: %.*s\n", (int)text.n,
		(const char *)text.p);
	rp_cli_out(cli, "  it carries the notes of exactly these patches:");
	for (size_t i = 0; i < p->notes.n; i++)
		rp_cli_out(cli, " %s", p->notes.v[i]);
	rp_cli_out(cli, "%s\n", p->notes.n ? "" : " none");
	rp_cli_out(cli,
		"Not proven: that it helps. No card was involved; that memory types cause the "
		"crash is a\n"
		"hypothesis (\"rocm-patch patch show %s\").\n",
		p->notes.n ? p->notes.v[p->notes.n - 1] : "R2");
	if (!j)
		return;
	rp_json_kbegin(j, "proof", '{');
	rp_json_kuint(j, "same_symbols", p->n_symbols);
	json_words(j, "lost", &p->lost);
	json_words(j, "gained", &p->gained);
	json_words(j, "notes", &p->notes);
	rp_json_kbool(j, "loads", p->loads);
	rp_json_key(j, "load_text");
	rp_json_span(j, text);
	rp_json_kbool(j, "silicon", false);
	rp_json_end(j, '}');
}

int rp_builder_publish(
	struct rp_cli *cli, struct rp_builder *b, struct rp_store *st, struct rp_error *err)
{
	time_t now = time(NULL);
	char created[32];
	struct tm tm;
	int r;

	if (!gmtime_r(&now, &tm) ||
		strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return RP_FAIL(err, -EINVAL, "clock out of range");
	r = rp_build_publish(&cli->ctx, &b->plan, created, st, err);
	return r == -EEXIST ? 0 : r; /* another run was first: the same key means the same inputs */
}

int rp_builder_check_store(struct rp_cli *cli, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *p = strdup(cli->prefix);

	if (!p)
		return RP_NOMEM(err);
	/* the nearest folder that exists decides */
	while (faccessat(AT_FDCWD, p, F_OK, AT_EACCESS) < 0) {
		char *slash = strrchr(p, '/');

		if (errno != ENOENT || !slash) {
			if (errno == ENOENT)
				(void)strcpy(p, ".");
			break;
		}
		slash[slash == p ? 1 : 0] = '\0';
	}
	if (faccessat(AT_FDCWD, p, W_OK | X_OK, AT_EACCESS) < 0)
		return RP_FAIL(err, errno == EROFS ? -EROFS : -EACCES,
			"the store %s cannot be written: run as root, or choose another one with "
			"--prefix DIR",
			cli->prefix);
	return 0;
}
