/* SPDX-License-Identifier: MIT */
/*
 * Running the stages. Each may be killed at any time: its key is recorded only
 * when it is whole, and it starts over from what the stage before left (ninja
 * goes on where it was). Tools run as the build user when we are root.
 */
#include "build/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LAST_LINES 15

struct run {
	const struct rp_ctx *ctx;
	const struct rp_build_host *host;
	struct rp_build_plan *plan;
	int work_fd;
	enum rp_stage stage;
	struct rp_strv environ;
	int64_t started_ms;
	struct rp_error *err;
};

static char *work_path(const struct run *u, const char *name)
{
	return rp_path_join(u->plan->work, name);
}

/* An empty folder of the work folder that the build user may write to. */
static int fresh_dir(const struct run *u, const char *name)
{
	int r = rp_remove_tree(u->work_fd, name, u->err);

	if (r < 0)
		return r;
	if (mkdirat(u->work_fd, name, 0755) < 0)
		return RP_FAIL_ERRNO(u->err, -errno, "create %s/%s", u->plan->work, name);
	if (u->host->drop &&
		fchownat(u->work_fd, name, u->host->uid, u->host->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return RP_FAIL_ERRNO(
			u->err, -errno, "give %s/%s to the build user", u->plan->work, name);
	return 0;
}

/* The environment of all tools: what the recipe says, and nothing that depends on who started us. */
static int make_environ(struct run *u)
{
	const char *path = "/usr/local/bin:/usr/bin:/bin";
	int r;

	for (const char *const *v = u->host->env; v && *v; v++)
		if (strncmp(*v, "PATH=", 5) == 0)
			path = *v + 5;
	r = rp_strv_setenv(&u->environ, "PATH", path, u->err);
	if (r == 0)
		r = rp_strv_setenv(&u->environ, "LC_ALL", "C.UTF-8", u->err);
	if (r == 0)
		r = rp_strv_setenv(&u->environ, "HOME", u->plan->work, u->err);
	if (r == 0)
		r = rp_strv_setenv(&u->environ, "SOURCE_DATE_EPOCH", "0", u->err);
	if (r == 0)
		r = rp_strv_setenv(&u->environ, "NINJA_STATUS", "[%f/%t] ", u->err);
	RP_STRV_FOREACH (entry, &u->plan->recipe.environment) {
		RP_CLEANUP(rp_free_p) char *value = NULL;
		char *eq;

		if (r < 0)
			return r;
		r = rp_build_expand(u->plan, *entry, &value, u->err);
		if (r < 0)
			return r;
		eq = strchr(value, '=');
		if (!eq)
			return RP_FAIL(u->err, -EBADMSG,
				"recipe: environment \"%s\" is not NAME=VALUE", *entry);
		*eq = '\0';
		r = rp_strv_setenv(&u->environ, value, eq + 1, u->err);
	}
	return r;
}

/* "[12/345] ..." of ninja becomes a progress event. */
static void on_line(void *data, const char *line, size_t n)
{
	struct run *u = data;
	const char *slash = memchr(line, '/', n), *end = memchr(line, ']', n);
	uint64_t done, total;
	int64_t spent = rp_now_ms() - u->started_ms;

	if (n < 5 || line[0] != '[' || !slash || !end || slash > end ||
		!rp_span_number(rp_span_of(line + 1, (size_t)(slash - line - 1)), &done) ||
		!rp_span_number(rp_span_of(slash + 1, (size_t)(end - slash - 1)), &total) ||
		done == 0 || total < done)
		return;
	RP_EVENT(u->ctx, RP_EV_PROGRESS, RP_STR("step", rp_stage_name(u->stage)),
		RP_STR("object", u->plan->recipe.name), RP_STR("unit", "jobs"),
		RP_INT("done", done), RP_INT("total", total),
		RP_INT("eta_s", spent * (int64_t)(total - done) / (int64_t)done / 1000));
}

/* The last lines of a failed tool, for whoever reads along. */
static void show_tail(const struct run *u, const char *tail)
{
	size_t n = strlen(tail), lines = 0;

	while (n > 0) {
		if (tail[n - 1] == '\n' && ++lines > LAST_LINES)
			break;
		n--;
	}
	rp_event_text(u->ctx, RP_EV_WARN, "last lines of the %s stage:\n%s",
		rp_stage_name(u->stage), tail + n);
}

static int open_log(struct run *u, int *ret_fd)
{
	RP_CLEANUP(rp_free_p)
	char *name = rp_asprintf("%s/%s.log", WORK_LOG, rp_stage_name(u->stage));
	int fd;

	if (!name)
		return RP_NOMEM(u->err);
	free(u->plan->log);
	u->plan->log = work_path(u, name);
	if (!u->plan->log)
		return RP_NOMEM(u->err);
	fd = openat(u->work_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return RP_FAIL_ERRNO(u->err, -errno, "log %s", u->plan->log);
	*ret_fd = fd;
	return 0;
}

/* One tool, in the work folder, its output to the stage's log. */
static int tool(struct run *u, const char *const *argv)
{
	RP_CLEANUP(rp_close_fd) int log = -1;
	struct rp_spawn spawn = RP_SPAWN_INIT;
	struct rp_exit ex = { 0 };
	int r;

	r = open_log(u, &log);
	if (r < 0)
		return r;
	for (const char *const *a = argv; *a; a++)
		(void)dprintf(log, "%s%s", a == argv ? "+ " : " ", *a);
	(void)dprintf(
		log, "\n"); /* if the log is full, the tool's own output fails with an error */
	spawn.argv = argv;
	spawn.env = (const char *const *)u->environ.v;
	spawn.cwd = u->plan->work;
	spawn.log_fd = log;
	/* killed with -9 we leave tools behind that still clean up: the next run waits for them */
	spawn.keep_fd = u->plan->lock.fd;
	spawn.line = on_line;
	spawn.line_data = u;
	spawn.run_as = u->host->drop;
	spawn.run_as_uid = u->host->uid;
	spawn.run_as_gid = u->host->gid;
	u->started_ms = rp_now_ms();
	r = rp_spawn_check(u->ctx, &spawn, &ex, u->err);
	if (r == -EPROTO) {
		show_tail(u, ex.tail);
		(void)RP_FAIL(u->err, r,
			"%s stage of %s failed: %s ended with status %d; full log: %s",
			rp_stage_name(u->stage), u->plan->recipe.name, argv[0], ex.status,
			u->plan->log);
	}
	return r;
}

static int fetch_one(const struct run *u, const struct rp_source *src, struct rp_source_state *st)
{
	RP_CLEANUP(rp_source_state_free) struct rp_source_state got = RP_SOURCE_STATE_INIT;
	int r;

	r = rp_source_fetch(u->ctx, u->host->sources, src, &got, u->err);
	if (r == 0)
		r = rp_source_verify(u->ctx, u->host->sources, src, &got, u->err);
	if (r < 0)
		return r;
	/* A branch may have moved since the plan: the keys are computed again after this stage. */
	if (strcmp(got.identity, st->identity) != 0 && strcmp(src->kind->name, "git") != 0)
		return RP_FAIL(
			u->err, -ESTALE, "%s changed since the plan was made", got.description);
	rp_source_state_free(st);
	*st = got;
	got = (struct rp_source_state)RP_SOURCE_STATE_INIT;
	return 0;
}

static int stage_fetch(struct run *u)
{
	struct rp_build_plan *p = u->plan;
	int r;

	r = fetch_one(u, &p->recipe.source, &p->source);
	for (size_t i = 0; r == 0 && i < p->recipe.n_inputs; i++)
		r = fetch_one(u, &p->recipe.inputs[i].source, &p->inputs[i]);
	return r < 0 ? r : rp_build_rekey(p, u->err);
}

static int unpack_one(const struct run *u, const struct rp_source *src,
	const struct rp_source_state *st, const char *name)
{
	RP_CLEANUP(rp_free_p) char *whole = rp_asprintf("%s.whole", name);
	RP_CLEANUP(rp_free_p) char *part = NULL;
	int r;

	if (!whole)
		return RP_NOMEM(u->err);
	r = rp_remove_tree(u->work_fd, name, u->err);
	if (r == 0)
		r = rp_remove_tree(u->work_fd, whole, u->err);
	if (r == 0)
		r = rp_source_unpack(u->ctx, u->host->sources, src, st, u->work_fd,
			src->subdir ? whole : name, u->err);
	if (r < 0 || !src->subdir)
		return r;
	part = rp_path_join(whole, src->subdir);
	if (!part)
		return RP_NOMEM(u->err);
	if (renameat(u->work_fd, part, u->work_fd, name) < 0)
		return RP_FAIL_ERRNO(
			u->err, -errno, "subdir %s of %s", src->subdir, st->description);
	return rp_remove_tree(u->work_fd, whole, u->err);
}

/* Applies patches to the tree; all must apply (or be there, or say that they are not for it). */
static int apply(struct run *u, const struct rp_patch *const *patches, size_t n)
{
	RP_CLEANUP(rp_patch_plan_freep) struct rp_patch_plan *plan = NULL;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	const struct rp_patch_result *res;
	size_t n_res;
	int r;

	if (n == 0)
		return 0;
	fd = openat(u->work_fd, WORK_SOURCE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(u->err, -errno, "%s/%s", u->plan->work, WORK_SOURCE);
	r = rp_patch_recover(u->ctx, fd, u->err);
	if (r == 0)
		r = rp_patch_plan(u->ctx, fd, patches, n, &plan, u->err);
	if (r < 0)
		return r;
	res = rp_patch_plan_results(plan, &n_res);
	for (size_t i = 0; i < n_res; i++) {
		if (res[i].outcome == RP_PATCH_REFUSED)
			return RP_FAIL(u->err, -EBADMSG, "patch %s is refused: %s",
				res[i].patch->id, res[i].text);
		if (res[i].outcome == RP_PATCH_NOT_FOR)
			rp_event_text(u->ctx, RP_EV_WARN, "patch %s is not for this source: %s",
				res[i].patch->id, res[i].text);
	}
	return rp_patch_publish(u->ctx, fd, plan, u->err);
}

/* Takes everything back that is applied; none is fine. */
static int unapply(struct run *u)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	size_t n;
	int r;

	fd = openat(u->work_fd, WORK_SOURCE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(u->err, -errno, "%s/%s", u->plan->work, WORK_SOURCE);
	r = rp_patch_revert(u->ctx, fd, &n, u->err);
	return r == -ENOENT ? 0 : r;
}

static int stage_unpack(struct run *u)
{
	struct rp_build_plan *p = u->plan;
	int r;

	r = unpack_one(u, &p->recipe.source, &p->source, WORK_SOURCE);
	for (size_t i = 0; r == 0 && i < p->recipe.n_inputs; i++) {
		RP_CLEANUP(rp_free_p)
		char *name = rp_asprintf("input-%s", p->recipe.inputs[i].name);

		r = name ? unpack_one(u, &p->recipe.inputs[i].source, &p->inputs[i], name)
			 : RP_NOMEM(u->err);
	}
	return r < 0 ? r : apply(u, p->toolchain, p->n_toolchain);
}

/* "path -> target" below the work folder. */
static int make_links(const struct run *u)
{
	RP_STRV_FOREACH (line, &u->plan->recipe.links) {
		RP_CLEANUP(rp_free_p) char *text = NULL;
		RP_CLEANUP(rp_free_p) char *dir = NULL;
		char *arrow, *slash;
		int r;

		r = rp_build_expand(u->plan, *line, &text, u->err);
		if (r < 0)
			return r;
		arrow = strstr(text, " -> ");
		if (!arrow)
			return RP_FAIL(u->err, -EBADMSG,
				"recipe: link \"%s\" is not \"path -> target\"", *line);
		*arrow = '\0';
		if (!rp_path_is_safe(text))
			return RP_FAIL(u->err, -EBADMSG,
				"recipe: link \"%s\" is not below the work folder", text);
		dir = strdup(text);
		if (!dir)
			return RP_NOMEM(u->err);
		slash = strrchr(dir, '/');
		if (slash) {
			*slash = '\0';
			r = rp_mkdirs(u->work_fd, dir, 0755, u->err);
			if (r < 0)
				return r;
		}
		(void)unlinkat(
			u->work_fd, text, 0); /* of an earlier run; if it stays, symlinkat tells */
		if (symlinkat(arrow + 4, u->work_fd, text) < 0)
			return RP_FAIL_ERRNO(u->err, -errno, "link %s", text);
	}
	return 0;
}

static int stage_configure(struct run *u)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv argv = RP_STRV_INIT;
	int r;

	r = make_links(u);
	if (r == 0)
		r = fresh_dir(u, WORK_BUILD);
	if (r == 0)
		r = rp_strv_add(&argv, "cmake", u->err);
	if (r == 0)
		r = rp_strv_addf(&argv, u->err, "-S%s/%s", u->plan->work, WORK_SOURCE);
	if (r == 0)
		r = rp_strv_addf(&argv, u->err, "-B%s/%s", u->plan->work, WORK_BUILD);
	if (r == 0)
		r = rp_strv_add(&argv, "-GNinja", u->err);
	RP_STRV_FOREACH (option, &u->plan->recipe.options) {
		RP_CLEANUP(rp_free_p) char *text = NULL;

		if (r == 0)
			r = rp_build_expand(u->plan, *option, &text, u->err);
		if (r == 0)
			r = rp_strv_add(&argv, text, u->err);
	}
	return r < 0 ? r : tool(u, (const char *const *)argv.v);
}

static int ninja(struct run *u)
{
	RP_CLEANUP(rp_free_p) char *dir = work_path(u, WORK_BUILD);
	char jobs[32];
	const char *argv[] = { "ninja", "-C", dir, jobs, NULL };
	long n = u->host->jobs > 0 ? (long)u->host->jobs : sysconf(_SC_NPROCESSORS_ONLN);

	if (!dir)
		return RP_NOMEM(u->err);
	(void)snprintf(jobs, sizeof(jobs), "-j%ld", n > 0 ? n : 1);
	return tool(u, argv);
}

static int install_to(struct run *u, const char *name)
{
	RP_CLEANUP(rp_free_p) char *build = work_path(u, WORK_BUILD);
	RP_CLEANUP(rp_free_p) char *prefix = work_path(u, name);
	const char *argv[] = { "cmake", "--install", build, "--prefix", prefix, NULL };
	int r;

	if (!build || !prefix)
		return RP_NOMEM(u->err);
	r = fresh_dir(u, name);
	return r < 0 ? r : tool(u, argv);
}

/* Whether the tree carries a patch that is not one of the toolchain's. */
static int carries_others(struct run *u, int fd, bool *ret)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv applied = RP_STRV_INIT;
	bool others = false;
	int r;

	r = rp_patch_recover(u->ctx, fd, u->err);
	if (r == 0)
		r = rp_patch_applied(fd, &applied, u->err);
	if (r < 0)
		return r;
	RP_STRV_FOREACH (id, &applied) {
		bool mine = false;

		for (size_t k = 0; k < u->plan->n_toolchain; k++)
			mine |= strcmp(u->plan->toolchain[k]->id, *id) == 0;
		others |= !mine;
	}
	*ret = others;
	return 0;
}

/*
 * The tree with the toolchain patches and no others, whatever is in it now: also
 * nothing, if a run was killed between taking back and applying. Applying what
 * is there already writes nothing, so that ninja sees no change.
 */
static int only_toolchain(struct run *u)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	bool others = false;
	int r;

	fd = openat(u->work_fd, WORK_SOURCE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(u->err, -errno, "%s/%s", u->plan->work, WORK_SOURCE);
	r = carries_others(u, fd, &others);
	if (r == 0 && others)
		r = unapply(u);
	return r < 0 ? r : apply(u, u->plan->toolchain, u->plan->n_toolchain);
}

/* The build without our patches: what the proof compares with. */
static int stage_baseline(struct run *u)
{
	int r = only_toolchain(u);

	if (r == 0)
		r = ninja(u);
	return r < 0 ? r : install_to(u, WORK_BASELINE);
}

/* From whatever selection is in the tree to the wanted one. */
static int stage_patch(struct run *u)
{
	int r = only_toolchain(u);

	return r < 0 ? r : apply(u, u->plan->selected, u->plan->n_selected);
}

static int stage_build(struct run *u)
{
	return ninja(u);
}

static int stage_stage(struct run *u)
{
	return install_to(u, WORK_STAGE);
}

static int run_stage(struct run *u, enum rp_stage s)
{
	static int (*const stages[RP_STAGE_MAX])(struct run * u) = {
		[RP_STAGE_FETCH] = stage_fetch,
		[RP_STAGE_UNPACK] = stage_unpack,
		[RP_STAGE_CONFIGURE] = stage_configure,
		[RP_STAGE_BASELINE] = stage_baseline,
		[RP_STAGE_PATCH] = stage_patch,
		[RP_STAGE_BUILD] = stage_build,
		[RP_STAGE_STAGE] = stage_stage,
	};
	int64_t started = rp_now_ms();
	char took[32];
	int r;

	u->stage = s;
	RP_EVENT(u->ctx, RP_EV_STEP, RP_STR("step", rp_stage_name(s)),
		RP_STR("object", u->plan->recipe.name));
	/* From here on this stage and all behind it are not done. */
	r = rp_build_state_write(u->plan, s, u->err);
	if (r == 0)
		r = stages[s](u);
	if (r == 0)
		r = rp_build_state_write(u->plan, (enum rp_stage)(s + 1), u->err);
	if (r < 0)
		return r;
	(void)snprintf(took, sizeof(took), "%.1f s", (double)(rp_now_ms() - started) / 1000);
	RP_EVENT(u->ctx, RP_EV_DONE, RP_STR("step", rp_stage_name(s)),
		RP_STR("object", u->plan->recipe.name), RP_STR("result", took),
		RP_INT("elapsed_ms", rp_now_ms() - started));
	return 0;
}

static int open_work(struct run *u)
{
	RP_CLEANUP(rp_free_p) char *logs = work_path(u, WORK_LOG);
	int r;

	if (!logs)
		return RP_NOMEM(u->err);
	r = rp_mkdirs(AT_FDCWD, logs, 0755, u->err);
	if (r < 0)
		return r;
	u->work_fd = open(u->plan->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (u->work_fd < 0)
		return RP_FAIL_ERRNO(u->err, -errno, "%s", u->plan->work);
	if (u->plan->lock.fd >= 0)
		return 0;
	return rp_lock_take(u->ctx, u->work_fd, ".lock", -1, &u->plan->lock, u->err);
}

static int refuse(struct run *u)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;

	if (u->plan->missing.n > 0) {
		rp_buf_adds(&b, "packages are missing: apt-get install --no-install-recommends");
		RP_STRV_FOREACH (p, &u->plan->missing)
			rp_buf_addf(&b, " %s", *p);
	}
	RP_STRV_FOREACH (p, &u->plan->shortages)
		rp_buf_addf(&b, "%s%s", b.n ? "; " : "", *p);
	return RP_FAIL(u->err, -ENOPKG, "%s", rp_buf_cstr(&b));
}

/*
 * The plan was made without the lock: another run may have done more since, or
 * something else. What is done counts from here on. If all was done before, the
 * preflight has not looked yet.
 */
static int look_again(struct run *u, enum rp_stage last)
{
	struct rp_build_plan *p = u->plan;
	bool unchecked = p->first == RP_STAGE_MAX;
	int r = rp_build_find_first(p, u->err);

	if (r == 0 && unchecked && p->first <= last)
		r = rp_build_preflight(u->host, p, u->err);
	if (r == 0 && p->first <= last && (p->missing.n > 0 || p->shortages.n > 0))
		r = refuse(u);
	return r;
}

int rp_build_run(const struct rp_ctx *ctx, const struct rp_build_host *host,
	struct rp_build_plan *plan, enum rp_stage last, struct rp_error *err)
{
	struct run u = { .ctx = ctx,
		.host = host,
		.plan = plan,
		.work_fd = -1,
		.environ = RP_STRV_INIT,
		.err = err };
	int r = 0;

	if (plan->first <= last && (plan->missing.n > 0 || plan->shortages.n > 0))
		return refuse(&u);
	r = open_work(&u);
	if (r == 0)
		r = look_again(&u, last);
	if (r == 0)
		r = make_environ(&u);
	for (int s = (int)plan->first; r == 0 && s <= (int)last; s++) {
		r = run_stage(&u, (enum rp_stage)s);
		if (r == 0)
			plan->first = (enum rp_stage)(s + 1);
	}
	rp_close_fd(&u.work_fd);
	rp_strv_free(&u.environ);
	return r;
}
