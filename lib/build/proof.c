/* SPDX-License-Identifier: MIT */
/*
 * What can be shown about a staged library without a card: it exports the same
 * symbols as the unpatched build, it carries the notes of exactly the selected patches, and it
 * loads with all symbols bound, in a child. Then its way into the store.
 */
#include "build/internal.h"

#include <fcntl.h>
#include <unistd.h>

#define LOAD_TIMEOUT_MS 30000

void rp_proof_free(struct rp_proof *p)
{
	rp_strv_free(&p->lost);
	rp_strv_free(&p->gained);
	rp_strv_free(&p->notes);
	free(p->load_text);
	*p = (struct rp_proof){ .n_symbols = 0 };
}

bool rp_proof_ok(const struct rp_proof *p)
{
	return p->n_symbols > 0 && p->lost.n == 0 && p->gained.n == 0 && p->notes_match && p->loads;
}

static char *library_path(const struct rp_build_plan *plan, const char *tree)
{
	return rp_asprintf("%s/%s/%s", plan->work, tree, plan->recipe.library);
}

static int read_exports(const struct rp_build_plan *plan, const char *tree, struct rp_strv *ret,
	struct rp_error *err)
{
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	RP_CLEANUP(rp_free_p) char *path = library_path(plan, tree);
	int r;

	if (!path)
		return RP_NOMEM(err);
	r = rp_map_open(AT_FDCWD, path, &map, err);
	if (r == 0)
		r = rp_elf_exports(map.span, ret, err);
	return r < 0 ? rp_error_prefix(err, r, "%s", path) : 0;
}

/* Both lists are sorted. */
static int compare_exports(const struct rp_strv *before, const struct rp_strv *after,
	struct rp_proof *p, struct rp_error *err)
{
	size_t i = 0, k = 0;
	int r = 0;

	while (r == 0 && (i < before->n || k < after->n)) {
		int c = i == before->n ? 1 : k == after->n ? -1 : strcmp(before->v[i], after->v[k]);

		if (c < 0)
			r = rp_strv_add(&p->lost, before->v[i++], err);
		else if (c > 0)
			r = rp_strv_add(&p->gained, after->v[k++], err);
		else {
			p->n_symbols++;
			i++;
			k++;
		}
	}
	return r;
}

static int check_notes(const struct rp_build_plan *plan, struct rp_proof *p, struct rp_error *err)
{
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	RP_CLEANUP(rp_free_p) char *path = library_path(plan, WORK_STAGE);
	int r;

	if (!path)
		return RP_NOMEM(err);
	r = rp_map_open(AT_FDCWD, path, &map, err);
	if (r == 0)
		r = rp_elf_patch_notes(map.span, &p->notes, err);
	if (r < 0)
		return rp_error_prefix(err, r, "%s", path);
	p->notes_match = p->notes.n == plan->n_selected;
	for (size_t i = 0; i < plan->n_selected; i++)
		p->notes_match &= rp_strv_has(&p->notes, plan->selected[i]->id);
	return 0;
}

/* The child gets the names that it must find as lines of a file. */
static int write_names(const struct rp_build_plan *plan, const struct rp_strv *exports, char **ret,
	struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = open(plan->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	int r;

	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", plan->work);
	for (size_t i = 0; i < exports->n; i++) {
		size_t n = strcspn(exports->v[i], "@");

		rp_buf_addf(&b, "%.*s\n", (int)n, exports->v[i]);
	}
	r = rp_buf_check(&b, err);
	if (r == 0)
		r = rp_publish_file(fd, "exports.txt", 0644, rp_buf_span(&b), err);
	if (r < 0)
		return r;
	*ret = rp_path_join(plan->work, "exports.txt");
	return *ret ? 0 : RP_NOMEM(err);
}

/* Our program may lie where the build user cannot reach it (a clone below root's home): it gets a copy. */
static int copy_helper(const struct rp_build_host *host, const struct rp_build_plan *plan,
	char **ret, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = open(plan->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	int r;

	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", plan->work);
	r = rp_map_open(AT_FDCWD, host->load_helper, &map, err);
	if (r == 0)
		r = rp_publish_file(fd, "load-check", 0755, map.span, err);
	if (r < 0)
		return r;
	*ret = rp_path_join(plan->work, "load-check");
	return *ret ? 0 : RP_NOMEM(err);
}

static int check_load(const struct rp_ctx *ctx, const struct rp_build_host *host,
	const struct rp_build_plan *plan, const struct rp_strv *exports, struct rp_proof *p,
	struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *path = library_path(plan, WORK_STAGE);
	RP_CLEANUP(rp_free_p) char *names = NULL;
	RP_CLEANUP(rp_buf_free) struct rp_buf out = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *helper = NULL;
	const char *argv[] = { NULL, path, NULL, NULL };
	struct rp_spawn spawn = RP_SPAWN_INIT;
	struct rp_exit ex = { 0 };
	int r;

	if (!path)
		return RP_NOMEM(err);
	r = write_names(plan, exports, &names, err);
	if (r == 0)
		r = copy_helper(host, plan, &helper, err);
	if (r < 0)
		return r;
	argv[0] = helper;
	argv[2] = names;
	spawn.argv = argv;
	spawn.timeout_ms = LOAD_TIMEOUT_MS;
	spawn.capture = &out;
	spawn.run_as = host->drop;
	spawn.run_as_uid = host->uid;
	spawn.run_as_gid = host->gid;
	r = rp_spawn_run(ctx, &spawn, &ex, err);
	if (r < 0 && r != -ETIMEDOUT)
		return r;
	p->loads = r == 0 && ex.status == 0;
	p->load_text =
		r == -ETIMEDOUT ? strdup("loading it did not end in time") : rp_buf_steal(&out);
	return p->load_text ? 0 : RP_NOMEM(err);
}

int rp_build_prove(const struct rp_ctx *ctx, const struct rp_build_host *host,
	const struct rp_build_plan *plan, struct rp_proof *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_proof_free) struct rp_proof p = { .n_symbols = 0 };
	RP_CLEANUP(rp_strv_free) struct rp_strv before = RP_STRV_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv after = RP_STRV_INIT;
	int r;

	if (plan->first != RP_STAGE_MAX)
		return RP_FAIL(err, -EINVAL, "the build is not staged: nothing to prove");
	r = read_exports(plan, WORK_BASELINE, &before, err);
	if (r == 0)
		r = read_exports(plan, WORK_STAGE, &after, err);
	if (r == 0)
		r = compare_exports(&before, &after, &p, err);
	if (r == 0)
		r = check_notes(plan, &p, err);
	if (r == 0)
		r = check_load(ctx, host, plan, &after, &p, err);
	if (r < 0)
		return r;
	*ret = p;
	p = (struct rp_proof){ .n_symbols = 0 };
	return 0;
}

static void add_source_info(struct rp_buf *b, const char *name, const struct rp_source_state *st)
{
	rp_buf_addf(b, "[source]\nname = %s\ndescription = %s\nidentity = %s\n", name,
		st->description, st->identity);
}

static int make_info(const struct rp_build_plan *plan, const char *created, struct rp_buf *b,
	struct rp_error *err)
{
	rp_buf_addf(b,
		"# Written by rocm-patch: what this generation is made of.\n[generation]\nversion "
		"= %s\nkey = %s\n",
		plan->recipe.version, plan->keys[RP_STAGE_STAGE]);
	rp_buf_addf(b, "created = %s\npatches =", created);
	for (size_t i = 0; i < plan->n_selected; i++)
		rp_buf_addf(b, " %s", plan->selected[i]->id);
	rp_buf_addf(b, "\n\n[component]\nname = %s %s\ntitle = %s\nlibrary = %s\n\n",
		plan->recipe.name, plan->recipe.version, plan->recipe.title, plan->recipe.library);
	add_source_info(b, plan->recipe.name, &plan->source);
	for (size_t i = 0; i < plan->recipe.n_inputs; i++)
		add_source_info(b, plan->recipe.inputs[i].name, &plan->inputs[i]);
	for (size_t i = 0; i < plan->n_toolchain; i++)
		rp_buf_addf(b, "[patch]\nid = %s\nset = %s\nsha256 = %s\n", plan->toolchain[i]->id,
			plan->toolchain[i]->set, plan->toolchain[i]->sha256);
	for (size_t i = 0; i < plan->n_selected; i++)
		rp_buf_addf(b, "[patch]\nid = %s\nset = %s\nsha256 = %s\n", plan->selected[i]->id,
			plan->selected[i]->set, plan->selected[i]->sha256);
	RP_STRV_FOREACH (c, &plan->compiler_ids)
		rp_buf_addf(b, "[compiler]\nidentity = %s\n", *c);
	for (int s = 0; s < RP_STAGE_MAX; s++)
		rp_buf_addf(b, "%s%s = %s\n", s == 0 ? "[keys]\n" : "",
			rp_stage_name((enum rp_stage)s), plan->keys[s]);
	return rp_buf_check(b, err);
}

/* All stage logs, one behind the other. */
static int join_logs(const struct rp_build_plan *plan, char **ret, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = open(plan->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	RP_CLEANUP(rp_buf_free) struct rp_buf all = RP_BUF_INIT;
	int r;

	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", plan->work);
	for (int s = 0; s < RP_STAGE_MAX; s++) {
		RP_CLEANUP(rp_free_p)
		char *name = rp_asprintf("%s/%s.log", WORK_LOG, rp_stage_name((enum rp_stage)s));

		if (!name)
			return RP_NOMEM(err);
		rp_buf_addf(&all, "== %s\n", rp_stage_name((enum rp_stage)s));
		r = rp_file_read(fd, name, (size_t)256 << 20, &all, err);
		if (r < 0 && r != -ENOENT) /* not every stage runs a tool */
			return r;
	}
	r = rp_buf_check(&all, err);
	if (r == 0)
		r = rp_publish_file(fd, "build.log", 0644, rp_buf_span(&all), err);
	if (r < 0)
		return r;
	*ret = rp_path_join(plan->work, "build.log");
	return *ret ? 0 : RP_NOMEM(err);
}

int rp_build_publish(const struct rp_ctx *ctx, const struct rp_build_plan *plan,
	const char *created, struct rp_store *st, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf info = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *staged = NULL;
	RP_CLEANUP(rp_free_p) char *partial = NULL;
	RP_CLEANUP(rp_free_p) char *log = NULL;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r;

	if (plan->first != RP_STAGE_MAX)
		return RP_FAIL(err, -EINVAL, "the build is not staged: nothing to publish");
	r = make_info(plan, created, &info, err);
	if (r == 0)
		r = join_logs(plan, &log, err);
	if (r == 0)
		r = rp_store_stage(st, plan->id, &partial, err);
	if (r < 0)
		return r;
	staged = rp_path_join(plan->work, WORK_STAGE);
	fd = open(partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (!staged)
		return RP_NOMEM(err);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", partial);
	r = rp_copy_tree(ctx, AT_FDCWD, staged, fd, NULL, err);
	return r < 0 ? r : rp_store_publish(ctx, st, plan->id, rp_buf_span(&info), log, err);
}
