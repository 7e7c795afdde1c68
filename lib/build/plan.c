/* SPDX-License-Identifier: MIT */
/*
 * Planning a build: recipe, source, patches, the keys of all stages, and which
 * stage is the first that has to run. The inputs of each key are named at enum
 * rp_stage in build.h; tests/build checks each of them.
 */
#include "build/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define VERSION_TIMEOUT_MS 20000
#define MAX_STATE_BYTES	   ((size_t)1 << 20)

const char *rp_stage_name(enum rp_stage s)
{
	static const char *const names[RP_STAGE_MAX] = {
		[RP_STAGE_FETCH] = "fetch",
		[RP_STAGE_UNPACK] = "unpack",
		[RP_STAGE_CONFIGURE] = "configure",
		[RP_STAGE_BASELINE] = "baseline",
		[RP_STAGE_PATCH] = "patch",
		[RP_STAGE_BUILD] = "build",
		[RP_STAGE_STAGE] = "stage",
	};

	return s < RP_STAGE_MAX ? names[s] : "done";
}

void rp_build_plan_free(struct rp_build_plan *plan)
{
	for (size_t i = 0; plan->inputs && i < plan->recipe.n_inputs; i++)
		rp_source_state_free(&plan->inputs[i]);
	free(plan->inputs);
	free(plan->toolchain);
	free(plan->selected);
	rp_patch_list_free(&plan->patches);
	rp_strv_free(&plan->left_out);
	rp_source_state_free(&plan->source);
	rp_strv_free(&plan->compiler_ids);
	free(plan->id);
	free(plan->work);
	free(plan->log);
	rp_strv_free(&plan->missing);
	rp_strv_free(&plan->shortages);
	rp_lock_drop(&plan->lock);
	rp_recipe_free(&plan->recipe);
	*plan = (struct rp_build_plan){ .lock = RP_LOCK_INIT };
}

int rp_build_expand(
	const struct rp_build_plan *plan, const char *text, char **ret, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	const char *mark;

	while ((mark = strstr(text, "${")) != NULL) {
		size_t n = strcspn(mark, "}");
		struct rp_span name = rp_span_of(mark + 2, n - 2);
		size_t i = 0;

		if (mark[n] != '}')
			return RP_FAIL(err, -EBADMSG, "recipe: \"${\" without \"}\"");
		rp_buf_add(&b, text, (size_t)(mark - text));
		if (rp_span_eq_str(name, "work")) {
			rp_buf_adds(&b, plan->work);
		} else if (rp_span_eq_str(name, "source")) {
			rp_buf_addf(&b, "%s/%s", plan->work, WORK_SOURCE);
		} else if (rp_span_starts(name, "input.")) {
			name = rp_span_of(name.p + 6, name.n - 6);
			while (i < plan->recipe.n_inputs &&
				!rp_span_eq_str(name, plan->recipe.inputs[i].name))
				i++;
			if (i == plan->recipe.n_inputs)
				return RP_FAIL(err, -EBADMSG, "recipe: no input \"%.*s\"",
					(int)name.n, (const char *)name.p);
			rp_buf_addf(&b, "%s/input-%s", plan->work, plan->recipe.inputs[i].name);
		} else {
			return RP_FAIL(err, -EBADMSG, "recipe: unknown variable \"%.*s\"",
				(int)name.n, (const char *)name.p);
		}
		text = mark + n + 1;
	}
	rp_buf_adds(&b, text);
	*ret = rp_buf_steal(&b);
	return *ret ? 0 : RP_NOMEM(err);
}

/* What makes two source requests the same; not their bytes. */
static void request_key(const struct rp_source *src, char ret[RP_SHA256_HEX])
{
	const char *const fields[] = { src->kind->name, src->location, src->suite, src->version,
		src->rev, src->sha256 };
	uint8_t digest[RP_SHA256_BYTES];
	struct rp_sha256 sha;

	rp_sha256_init(&sha);
	for (size_t i = 0; i < RP_ARRAY_SIZE(fields); i++)
		rp_sha256_field_str(&sha, fields[i] ? fields[i] : "");
	rp_sha256_final(&sha, digest);
	rp_sha256_hex(digest, ret);
}

static int read_state(const struct rp_build_plan *plan, struct rp_ini *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *path = rp_path_join(plan->work, WORK_STATE);
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	int r;

	if (!path)
		return RP_NOMEM(err);
	r = rp_file_read(AT_FDCWD, path, MAX_STATE_BYTES, &text, err);
	return r < 0 ? r : rp_ini_parse(rp_buf_span(&text), path, ret, err);
}

static char *dup_or_null(const char *s)
{
	return s ? strdup(s) : NULL;
}

/*
 * What an earlier run found for the same request of a Debian package: saves
 * asking apt again. Only if the object is in the cache; its bytes are named by the identity.
 */
static bool recall(const struct rp_ini *state, const char *section, const struct rp_source *src,
	struct rp_source_state *ret)
{
	const char *request = rp_ini_get(state, section, "request"),
		   *object = rp_ini_get(state, section, "object");
	const char *identity = rp_ini_get(state, section, "identity");
	char want[RP_SHA256_HEX];
	struct stat st;

	request_key(src, want);
	if (strncmp(src->kind->name, "deb", 3) != 0 || !request || strcmp(request, want) != 0 ||
		!identity || !object || lstat(object, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	ret->identity = strdup(identity);
	ret->object = strdup(object);
	ret->version = dup_or_null(rp_ini_get(state, section, "version"));
	ret->description = dup_or_null(rp_ini_get(state, section, "description"));
	ret->choice = dup_or_null(rp_ini_get(state, section, "choice"));
	ret->cached = true;
	if (ret->identity && ret->object && ret->version && ret->description)
		return true;
	rp_source_state_free(ret);
	return false;
}

static int plan_source(const struct rp_ctx *ctx, const struct rp_build_host *host,
	const struct rp_ini *state, const char *section, const struct rp_source *src,
	struct rp_source_state *ret, struct rp_error *err)
{
	if (recall(state, section, src, ret))
		return 0;
	return rp_source_plan(ctx, host->sources, src, ret, err);
}

static int plan_sources(const struct rp_ctx *ctx, const struct rp_build_host *host,
	const struct rp_ini *state, struct rp_build_plan *plan, struct rp_error *err)
{
	int r;

	plan->inputs = calloc(plan->recipe.n_inputs + 1, sizeof(*plan->inputs));
	if (!plan->inputs)
		return RP_NOMEM(err);
	r = plan_source(ctx, host, state, "source", &plan->recipe.source, &plan->source, err);
	plan->download_bytes = plan->source.download_bytes;
	for (size_t i = 0; r == 0 && i < plan->recipe.n_inputs; i++) {
		RP_CLEANUP(rp_free_p)
		char *section = rp_asprintf("input.%s", plan->recipe.inputs[i].name);

		if (!section)
			return RP_NOMEM(err);
		r = plan_source(ctx, host, state, section, &plan->recipe.inputs[i].source,
			&plan->inputs[i], err);
		plan->download_bytes += plan->inputs[i].download_bytes;
	}
	return r;
}

/* Patches of some sets, all of them (toolchain) or as the user chose. */
static int select_sets(struct rp_build_plan *plan, const struct rp_strv *sets,
	const struct rp_build_request *req, const struct rp_patch ***ret, size_t *ret_n,
	struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) const struct rp_patch **all = NULL;
	size_t n = 0;
	int r;

	RP_STRV_FOREACH (set, sets) {
		RP_CLEANUP(rp_free_p) const struct rp_patch **v = NULL;
		struct rp_patch_choice choice = { .component = plan->recipe.name,
			.set = *set,
			.only = req ? req->only : NULL,
			.without = req ? req->without : NULL,
			.beside = req ? req->beside : NULL,
			.left_out = req ? &plan->left_out : NULL };
		const struct rp_patch **more;
		size_t m = 0;

		r = rp_patch_select(&plan->patches, &choice, &v, &m, err);
		if (r < 0)
			return r;
		more = reallocarray(all, n + m + 1, sizeof(*more));
		if (!more)
			return RP_NOMEM(err);
		all = more;
		for (size_t i = 0; i < m; i++)
			all[n++] = v[i];
	}
	if (!all) {
		all = calloc(1, sizeof(*all));
		if (!all)
			return RP_NOMEM(err);
	}
	*ret = RP_STEAL(all);
	*ret_n = n;
	return 0;
}

/* Path, first line of --version, size and time of a compiler: what decides about the bytes it makes. */
static int identify_compiler(const struct rp_ctx *ctx, const struct rp_build_host *host,
	const char *name, struct rp_strv *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf out = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *path = NULL;
	const char *path_env = NULL;
	struct rp_spawn spawn = RP_SPAWN_INIT;
	struct rp_span rest, line;
	struct stat st;
	int r;

	for (const char *const *v = host->env; v && *v; v++)
		if (strncmp(*v, "PATH=", 5) == 0)
			path_env = *v + 5;
	r = rp_find_program(name, path_env, &path, NULL);
	if (r == -ENOENT) /* the preflight names the package */
		return rp_strv_addf(ret, err, "%s: not installed", name);
	if (r < 0)
		return RP_FAIL_ERRNO(err, r, "%s", name);
	{
		const char *const argv[] = { path, "--version", NULL };

		spawn.argv = argv;
		spawn.env = host->env;
		spawn.timeout_ms = VERSION_TIMEOUT_MS;
		spawn.capture = &out;
		r = rp_spawn_check(ctx, &spawn, NULL, err);
	}
	if (r < 0)
		return r;
	if (stat(path, &st) < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", path);
	rest = rp_buf_span(&out);
	if (!rp_span_line(&rest, &line))
		return RP_FAIL(err, -EPROTO, "%s --version printed nothing", path);
	return rp_strv_addf(ret, err, "%s, %.*s, %lld bytes, %lld", path, (int)line.n,
		(const char *)line.p, (long long)st.st_size, (long long)st.st_mtime);
}

static void add_list(struct rp_sha256 *sha, const struct rp_strv *sv)
{
	rp_sha256_field_str(sha, "list");
	for (size_t i = 0; i < sv->n; i++)
		rp_sha256_field_str(sha, sv->v[i]);
}

/* The inputs of one stage's own, as enum rp_stage lists them. */
static void add_inputs(const struct rp_build_plan *plan, enum rp_stage s, struct rp_sha256 *sha)
{
	const struct rp_recipe *rec = &plan->recipe;
	char key[RP_SHA256_HEX];

	switch (s) {
	case RP_STAGE_FETCH:
		rp_sha256_field_str(sha, plan->source.identity);
		rp_sha256_field_str(sha, rec->source.subdir ? rec->source.subdir : "");
		for (size_t i = 0; i < rec->n_inputs; i++) {
			rp_sha256_field_str(sha, rec->inputs[i].name);
			rp_sha256_field_str(sha, plan->inputs[i].identity);
			rp_sha256_field_str(sha,
				rec->inputs[i].source.subdir ? rec->inputs[i].source.subdir : "");
		}
		break;
	case RP_STAGE_UNPACK:
		rp_patch_key(plan->toolchain, plan->n_toolchain, key);
		rp_sha256_field_str(sha, key);
		break;
	case RP_STAGE_CONFIGURE:
		add_list(sha, &rec->options);
		add_list(sha, &rec->environment);
		add_list(sha, &rec->links);
		add_list(sha, &plan->compiler_ids);
		break;
	case RP_STAGE_PATCH:
		rp_patch_key(plan->selected, plan->n_selected, key);
		rp_sha256_field_str(sha, key);
		break;
	case RP_STAGE_STAGE:
		rp_sha256_field_str(sha, rec->name);
		rp_sha256_field_str(sha, rec->version);
		rp_sha256_field_str(sha, rec->library);
		break;
	case RP_STAGE_BASELINE:
	case RP_STAGE_BUILD:
	case RP_STAGE_MAX:
		break;
	}
}

static void compute_keys(struct rp_build_plan *plan)
{
	uint8_t digest[RP_SHA256_BYTES];
	struct rp_sha256 sha;

	for (int s = 0; s < RP_STAGE_MAX; s++) {
		rp_sha256_init(&sha);
		rp_sha256_field_str(&sha, rp_stage_name((enum rp_stage)s));
		rp_sha256_field_str(&sha, s > 0 ? plan->keys[s - 1] : "rocm-patch 1");
		add_inputs(plan, (enum rp_stage)s, &sha);
		rp_sha256_final(&sha, digest);
		rp_sha256_hex(digest, plan->keys[s]);
	}
}

int rp_build_rekey(struct rp_build_plan *plan, struct rp_error *err)
{
	char *id;

	compute_keys(plan);
	id = rp_asprintf("%s-%.12s", plan->recipe.version, plan->keys[RP_STAGE_STAGE]);
	if (!id)
		return RP_NOMEM(err);
	free(plan->id);
	plan->id = id;
	return 0;
}

/* Stages are done one after the other: the first whose recorded key is another one has to run. */
static enum rp_stage first_stage(const struct rp_build_plan *plan, const struct rp_ini *state)
{
	int s = 0;

	for (; s < RP_STAGE_MAX; s++) {
		const char *key = rp_ini_get(state, "done", rp_stage_name((enum rp_stage)s));

		if (!key || strcmp(key, plan->keys[s]) != 0)
			break;
	}
	return (enum rp_stage)s;
}

int rp_build_find_first(struct rp_build_plan *plan, struct rp_error *err)
{
	RP_CLEANUP(rp_ini_free) struct rp_ini state = RP_INI_INIT;
	int r = read_state(plan, &state, err);

	if (r < 0 && r != -ENOENT && r != -EBADMSG) /* unreadable: as if nothing was done */
		return r;
	plan->first = first_stage(plan, &state);
	return 0;
}

static void add_source_section(struct rp_buf *b, const char *section, const struct rp_source *src,
	const struct rp_source_state *st)
{
	char request[RP_SHA256_HEX];

	request_key(src, request);
	rp_buf_addf(b,
		"[%s]\nrequest = %s\nidentity = %s\nobject = %s\nversion = %s\ndescription = %s\n",
		section, request, st->identity, st->object, st->version, st->description);
	if (st->choice)
		rp_buf_addf(b, "choice = %s\n", st->choice);
}

int rp_build_state_write(
	const struct rp_build_plan *plan, enum rp_stage n_done, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	RP_CLEANUP(rp_close_fd) int fd = open(plan->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", plan->work);
	rp_buf_adds(&b, "# Written by rocm-patch: which stages of this build are done, with their "
			"keys.\n[done]\n");
	for (int s = 0; s < (int)n_done; s++)
		rp_buf_addf(&b, "%s = %s\n", rp_stage_name((enum rp_stage)s), plan->keys[s]);
	if (n_done > RP_STAGE_FETCH) {
		add_source_section(&b, "source", &plan->recipe.source, &plan->source);
		for (size_t i = 0; i < plan->recipe.n_inputs; i++) {
			RP_CLEANUP(rp_free_p)
			char *section = rp_asprintf("input.%s", plan->recipe.inputs[i].name);

			if (!section)
				return RP_NOMEM(err);
			add_source_section(
				&b, section, &plan->recipe.inputs[i].source, &plan->inputs[i]);
		}
	}
	r = rp_buf_check(&b, err);
	return r < 0 ? r : rp_publish_file(fd, WORK_STATE, 0644, rp_buf_span(&b), err);
}

static int copy_source(const struct rp_source *src, struct rp_source *ret, struct rp_error *err)
{
	struct rp_source s = { .kind = src->kind,
		.location = dup_or_null(src->location),
		.suite = dup_or_null(src->suite),
		.version = dup_or_null(src->version),
		.rev = dup_or_null(src->rev),
		.sha256 = dup_or_null(src->sha256),
		.subdir = dup_or_null(src->subdir) };

	if ((src->location && !s.location) || (src->suite && !s.suite) ||
		(src->version && !s.version) || (src->rev && !s.rev) ||
		(src->sha256 && !s.sha256) || (src->subdir && !s.subdir)) {
		rp_source_free(&s);
		return RP_NOMEM(err);
	}
	rp_source_free(ret);
	*ret = s;
	return 0;
}

/* A source of the user's own gets a work folder of its own, so that it does not undo the recipe's. */
static int set_work(const struct rp_build_host *host, const struct rp_build_request *req,
	struct rp_build_plan *plan, struct rp_error *err)
{
	char own[RP_SHA256_HEX] = "";

	if (req->source) {
		request_key(req->source, own);
		own[12] = '\0';
	}
	plan->work = rp_asprintf("%s/build/%s-%s%s%s", host->sources->cache_dir, plan->recipe.name,
		plan->recipe.version, own[0] ? "-" : "", own);
	return plan->work ? 0 : RP_NOMEM(err);
}

static int plan_all(const struct rp_ctx *ctx, const struct rp_build_host *host,
	const struct rp_build_request *req, struct rp_build_plan *plan, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p)
	char *patch_dir = host->patch_dir ? strdup(host->patch_dir)
					  : rp_asprintf("%s/patches", host->data_dir);
	RP_CLEANUP(rp_ini_free) struct rp_ini state = RP_INI_INIT;
	int r;

	if (!patch_dir)
		return RP_NOMEM(err);
	r = rp_recipe_load(host->data_dir, req->component, &plan->recipe, err);
	if (r == 0 && req->source)
		r = copy_source(req->source, &plan->recipe.source, err);
	if (r == 0)
		r = set_work(host, req, plan, err);
	if (r == 0)
		r = rp_patch_load(AT_FDCWD, patch_dir, &plan->patches, err);
	if (r == 0)
		r = select_sets(plan, &plan->recipe.toolchain_sets, NULL, &plan->toolchain,
			&plan->n_toolchain, err);
	if (r == 0)
		r = select_sets(plan, &plan->recipe.patch_sets, req, &plan->selected,
			&plan->n_selected, err);
	if (r < 0)
		return r;
	r = read_state(plan, &state, err);
	if (r < 0 && r != -ENOENT && r != -EBADMSG) /* unreadable: as if nothing was done */
		return r;
	r = plan_sources(ctx, host, &state, plan, err);
	for (size_t i = 0; r == 0 && i < plan->recipe.compilers.n; i++)
		r = identify_compiler(
			ctx, host, plan->recipe.compilers.v[i], &plan->compiler_ids, err);
	if (r < 0)
		return r;
	r = rp_build_rekey(plan, err);
	if (r < 0)
		return r;
	plan->first = first_stage(plan, &state);
	return plan->first == RP_STAGE_MAX ? 0 : rp_build_preflight(host, plan, err);
}

int rp_build_plan(const struct rp_ctx *ctx, const struct rp_build_host *host,
	const struct rp_build_request *req, struct rp_build_plan *ret, struct rp_error *err)
{
	struct rp_build_plan plan = { .lock = RP_LOCK_INIT };
	int r = plan_all(ctx, host, req, &plan, err);

	if (r < 0) {
		rp_build_plan_free(&plan);
		return r;
	}
	*ret = plan;
	return 0;
}
