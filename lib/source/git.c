/* SPDX-License-Identifier: MIT */
/*
 * Source kind git: a tag, branch or commit of a repository, fetched shallow into
 * a bare repository of the cache. The commit is the identity. git is run
 * without prompting and without hooks. Only fetching sees the user's configuration
 * (proxies, certificates); what is unpacked must not depend on it.
 */
#include "source/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FETCH_TIMEOUT_MS (30 * 60 * 1000)
#define LOCAL_TIMEOUT_MS (5 * 60 * 1000)

struct git {
	const struct rp_ctx *ctx;
	const struct rp_source_env *env;
	struct rp_strv remote; /* for fetching */
	struct rp_strv local; /* for everything else: no configuration but the repository's */
	char *url; /* as given, but a relative path is made absolute */
	char *dir;
	char *ref; /* where the commit of src->rev is kept */
};

static void git_free(struct git *g)
{
	rp_strv_free(&g->remote);
	rp_strv_free(&g->local);
	free(g->url);
	free(g->dir);
	free(g->ref);
}

/* Options and transports that run programs are refused; so is what looks like an option. */
static int check_names(const struct rp_source *src, struct rp_error *err)
{
	if (src->location[0] == '-' || strstr(src->location, "::"))
		return RP_FAIL(err, -EINVAL, "\"%s\" is no acceptable git URL", src->location);
	for (const char *c = src->rev; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("~^:?*[\\", *c))
			return RP_FAIL(
				err, -EINVAL, "\"%s\" is no tag, branch or commit", src->rev);
	if (src->rev[0] == '-' || strstr(src->rev, ".."))
		return RP_FAIL(err, -EINVAL, "\"%s\" is no tag, branch or commit", src->rev);
	return 0;
}

static void hash_name(const char *s, char ret[RP_SHA256_HEX])
{
	uint8_t d[RP_SHA256_BYTES];
	struct rp_sha256 sha;

	rp_sha256_init(&sha);
	rp_sha256_field_str(&sha, s);
	rp_sha256_final(&sha, d);
	rp_sha256_hex(d, ret);
}

/* Variables that would lead git to another repository (git rev-parse --local-env-vars). */
static bool leads_elsewhere(const char *var)
{
	static const char *const names[] = { "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR",
		"GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE",
		"GIT_INTERNAL_SUPER_PREFIX", "GIT_NAMESPACE", "GIT_NO_REPLACE_OBJECTS",
		"GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_REPLACE_REF_BASE",
		"GIT_SHALLOW_FILE", "GIT_WORK_TREE" };
	size_t n = strcspn(var, "=");

	for (size_t i = 0; i < RP_ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == n && strncmp(var, names[i], n) == 0)
			return true;
	return false;
}

static int set_environment(const struct rp_source_env *env, struct git *g, struct rp_error *err)
{
	int r = 0;

	for (const char *const *v = env->env; r == 0 && v && *v; v++) {
		if (leads_elsewhere(*v))
			continue;
		r = rp_strv_add(&g->remote, *v, err);
		if (r == 0 && strncmp(*v, "GIT_CONFIG", 10) != 0)
			r = rp_strv_add(&g->local, *v, err);
	}
	if (r == 0)
		r = rp_strv_setenv(&g->remote, "GIT_TERMINAL_PROMPT", "0", err);
	if (r == 0)
		r = rp_strv_setenv(&g->remote, "LC_ALL", "C", err);
	if (r == 0)
		r = rp_strv_setenv(&g->local, "LC_ALL", "C", err);
	if (r == 0)
		r = rp_strv_setenv(&g->local, "GIT_CONFIG_GLOBAL", "/dev/null", err);
	if (r == 0)
		r = rp_strv_setenv(&g->local, "GIT_CONFIG_SYSTEM", "/dev/null", err);
	return r < 0 ? r : rp_strv_setenv(&g->local, "GIT_ATTR_NOSYSTEM", "1", err);
}

/* A relative path means another repository in another folder: the cache must not mix them up. */
static int set_url(const char *location, struct git *g, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *cwd = NULL;

	if (location[0] == '/' || strchr(location, ':')) {
		g->url = strdup(location);
		return g->url ? 0 : RP_NOMEM(err);
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return RP_FAIL_ERRNO(err, -errno, "current directory");
	g->url = rp_path_join(cwd, location);
	return g->url ? 0 : RP_NOMEM(err);
}

static int open_git(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct git *ret, struct rp_error *err)
{
	RP_CLEANUP(git_free) struct git g = { .ctx = ctx, .env = env };
	char url[RP_SHA256_HEX], rev[RP_SHA256_HEX];
	int r;

	r = check_names(src, err);
	if (r == 0)
		r = set_environment(env, &g, err);
	if (r == 0)
		r = set_url(src->location, &g, err);
	if (r < 0)
		return r;
	hash_name(g.url, url);
	hash_name(src->rev, rev);
	g.dir = rp_asprintf("%s/git/%s.git", env->cache_dir, url);
	g.ref = rp_asprintf("refs/rocm-patch/%s", rev);
	if (!g.dir || !g.ref)
		return RP_NOMEM(err);
	*ret = g;
	g = (struct git){ .ctx = NULL };
	return 0;
}

/* git --git-dir DIR ARGS...; standard output to capture if it is not NULL. */
static int run_git(const struct git *g, const struct rp_strv *vars, const char *const *args,
	int64_t timeout_ms, struct rp_buf *capture, struct rp_error *err)
{
	static const char *const fixed[] = { "git", "-c", "core.hooksPath=/dev/null", "-c",
		"protocol.ext.allow=never", "-c", "advice.detachedHead=false", "-c", "gc.auto=0",
		"-c", "core.attributesFile=/dev/null", NULL };
	RP_CLEANUP(rp_strv_free) struct rp_strv argv = RP_STRV_INIT;
	struct rp_spawn spawn = RP_SPAWN_INIT;
	int r;

	r = rp_strv_add_all(&argv, fixed, err);
	if (r == 0)
		r = rp_strv_addf(&argv, err, "--git-dir=%s", g->dir);
	if (r == 0)
		r = rp_strv_add_all(&argv, args, err);
	if (r < 0)
		return r;
	spawn.argv = (const char *const *)argv.v;
	spawn.env = (const char *const *)vars->v;
	spawn.timeout_ms = timeout_ms;
	spawn.split_stderr = capture != NULL;
	spawn.capture = capture;
	r = rp_spawn_check(g->ctx, &spawn, NULL, err);
	return r == -ENOENT ? RP_FAIL(err, -ENODEV, "git is not on this machine (package git)") : r;
}

/* The commit that a name in the cache stands for. -ENOENT: none. */
static int resolve(const struct git *g, const char *name, char **ret, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *spec = rp_asprintf("%s^{commit}", name);
	RP_CLEANUP(rp_buf_free) struct rp_buf out = RP_BUF_INIT;
	const char *const args[] = { "rev-parse", "--verify", "--quiet", "--end-of-options", spec,
		NULL };
	struct rp_span line, rest;
	struct stat st;
	int r;

	if (!spec)
		return RP_NOMEM(err);
	if (stat(g->dir, &st) < 0)
		return RP_FAIL(err, -ENOENT, "not in the cache");
	r = run_git(g, &g->local, args, LOCAL_TIMEOUT_MS, &out, err);
	if (r == -EPROTO)
		return RP_FAIL(err, -ENOENT, "not in the cache");
	if (r < 0)
		return r;
	rest = rp_buf_span(&out);
	if (!rp_span_line(&rest, &line) || (line.n != 40 && line.n != 64))
		return RP_FAIL(err, -EBADMSG, "git rev-parse printed something else than a commit");
	*ret = rp_span_dup(line);
	return *ret ? 0 : RP_NOMEM(err);
}

static int fill_state(const struct rp_source *src, const struct git *g, const char *commit,
	struct rp_source_state *ret, struct rp_error *err)
{
	ret->cached = commit != NULL;
	ret->identity = rp_asprintf("git:%s", commit ? commit : "unknown until it is fetched");
	ret->version = strdup(src->version ? src->version : src->rev);
	ret->object = strdup(g->dir);
	ret->description =
		commit ? rp_asprintf("git %s at %s, commit %.12s", src->location, src->rev, commit)
		       : rp_asprintf("git %s at %s", src->location, src->rev);
	return ret->identity && ret->version && ret->object && ret->description ? 0 : RP_NOMEM(err);
}

static int git_plan(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	RP_CLEANUP(git_free) struct git g = { .ctx = NULL };
	RP_CLEANUP(rp_free_p) char *commit = NULL;
	int r;

	r = open_git(ctx, env, src, &g, err);
	if (r < 0)
		return r;
	r = resolve(&g, g.ref, &commit, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!commit && env->offline)
		return RP_FAIL(err, -ENETUNREACH,
			"git %s at %s is not in the cache, and this run is offline", src->location,
			src->rev);
	return fill_state(src, &g, commit, ret, err);
}

/* A branch may move, so without --offline it is fetched again; a full commit that is there is not. */
static bool is_commit(const char *rev)
{
	size_t n = strlen(rev);

	return (n == 40 || n == 64) && strspn(rev, "0123456789abcdef") == n;
}

/*
 * The repository exists and nobody's lock is in it. A killed git leaves its lock files
 * or half a repository; "init" completes one that is there, and we hold the cache's lock.
 */
static int make_repository(const struct git *g, struct rp_error *err)
{
	static const char *const left[] = { "shallow.lock", "config.lock", "HEAD.lock",
		"packed-refs.lock" };
	RP_CLEANUP(rp_free_p) char *parent = rp_asprintf("%s/git", g->env->cache_dir);
	RP_CLEANUP(rp_free_p) char *ref = rp_asprintf("%s/%s.lock", g->dir, g->ref);
	const char *const init[] = { "init", "--bare", "--quiet", g->dir, NULL };
	int r;

	if (!parent || !ref)
		return RP_NOMEM(err);
	for (size_t i = 0; i < RP_ARRAY_SIZE(left); i++) {
		RP_CLEANUP(rp_free_p) char *path = rp_path_join(g->dir, left[i]);

		if (!path)
			return RP_NOMEM(err);
		(void)unlink(path); /* mostly absent; if it stays, git names it */
	}
	(void)unlink(ref);
	r = rp_mkdirs(AT_FDCWD, parent, 0755, err);
	return r < 0 ? r : run_git(g, &g->local, init, LOCAL_TIMEOUT_MS, NULL, err);
}

static int fetch_rev(const struct git *g, const struct rp_source *src, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *spec = rp_asprintf("+%s:%s", src->rev, g->ref);
	const char *const shallow[] = { "fetch", "--quiet", "--depth=1", "--no-tags",
		"--no-write-fetch-head", "--end-of-options", g->url, spec, NULL };
	int r;

	if (!spec)
		return RP_NOMEM(err);
	r = make_repository(g, err);
	if (r < 0)
		return r;
	RP_EVENT(g->ctx, RP_EV_STEP, RP_STR("step", "fetch"), RP_STR("object", src->location));
	r = run_git(g, &g->remote, shallow, FETCH_TIMEOUT_MS, NULL, err);
	if (r < 0)
		return rp_error_prefix(err, r == -EPROTO ? -ENETUNREACH : r, "git %s at %s",
			src->location, src->rev);
	RP_EVENT(g->ctx, RP_EV_DONE, RP_STR("step", "fetch"), RP_STR("object", src->location));
	return 0;
}

static int git_fetch(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_lock_drop) struct rp_lock lock = RP_LOCK_INIT;
	RP_CLEANUP(git_free) struct git g = { .ctx = NULL };
	RP_CLEANUP(rp_free_p) char *commit = NULL;
	int r;

	r = rp_cache_lock(ctx, env, &lock, err);
	if (r == 0)
		r = open_git(ctx, env, src, &g, err);
	if (r < 0)
		return r;
	r = resolve(&g, g.ref, &commit, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!commit && env->offline)
		return RP_FAIL(err, -ENETUNREACH,
			"git %s at %s is not in the cache, and this run is offline", src->location,
			src->rev);
	if (!env->offline && !(commit && is_commit(src->rev))) {
		free(RP_STEAL(commit));
		r = fetch_rev(&g, src, err);
		if (r == 0)
			r = resolve(&g, g.ref, &commit, err);
		if (r < 0)
			return r;
	}
	return fill_state(src, &g, commit, ret, err);
}

static int git_verify(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, struct rp_error *err)
{
	RP_CLEANUP(git_free) struct git g = { .ctx = NULL };
	const char *const args[] = { "fsck", "--no-dangling", "--no-progress",
		st->identity + strlen("git:"), NULL };
	int r;

	r = open_git(ctx, env, src, &g, err);
	if (r < 0)
		return r;
	r = run_git(&g, &g.local, args, LOCAL_TIMEOUT_MS, NULL, err);
	return r == -EPROTO ? rp_error_prefix(err, -EBADMSG, "cached repository of %s is damaged",
				      src->location)
			    : r;
}

static int git_unpack(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, int dirfd, const char *name,
	struct rp_error *err)
{
	RP_CLEANUP(rp_lock_drop) struct rp_lock lock = RP_LOCK_INIT;
	RP_CLEANUP(git_free) struct git g = { .ctx = NULL };
	RP_CLEANUP(rp_free_p) char *tar = NULL;
	RP_CLEANUP(rp_free_p) char *output = NULL;
	int r;

	r = rp_cache_lock(ctx, env, &lock, err);
	if (r == 0)
		r = open_git(ctx, env, src, &g, err);
	if (r < 0)
		return r;
	tar = rp_asprintf("%s/partial/git-archive.tar", env->cache_dir);
	output = tar ? rp_asprintf("--output=%s", tar) : NULL;
	if (!output)
		return RP_NOMEM(err);
	{
		const char *const args[] = { "archive", "--format=tar", output,
			st->identity + strlen("git:"), NULL };

		r = run_git(&g, &g.local, args, LOCAL_TIMEOUT_MS, NULL, err);
	}
	if (r == 0)
		r = rp_archive_unpack(ctx, tar, dirfd, name, 0, err);
	(void)unlink(tar); /* a stray one is overwritten by the next unpack */
	return r;
}

static char *git_describe(const struct rp_source *src)
{
	return rp_asprintf("git %s at %s", src->location, src->rev);
}

static const char *const keys[] = { "kind", "url", "rev", "version", "subdir", NULL };

const struct rp_source_kind rp_source_kind_git = {
	.name = "git",
	.keys = keys,
	.plan = git_plan,
	.fetch = git_fetch,
	.verify = git_verify,
	.unpack = git_unpack,
	.describe = git_describe,
};
