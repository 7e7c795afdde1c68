/* SPDX-License-Identifier: MIT */
/* The table of source kinds, their text forms, and the checked calls. */
#include "source/internal.h"

#include <fcntl.h>

const struct rp_source_kind *const rp_source_kinds[] = { &rp_source_kind_deb,
	&rp_source_kind_deb_binary, &rp_source_kind_git, &rp_source_kind_dir,
	&rp_source_kind_tarball, NULL };

void rp_source_free(struct rp_source *src)
{
	free(src->location);
	free(src->suite);
	free(src->version);
	free(src->rev);
	free(src->sha256);
	free(src->subdir);
	*src = (struct rp_source)RP_SOURCE_INIT;
}

void rp_source_state_free(struct rp_source_state *st)
{
	free(st->identity);
	free(st->description);
	free(st->version);
	free(st->choice);
	free(st->object);
	*st = (struct rp_source_state)RP_SOURCE_STATE_INIT;
}

static const struct rp_source_kind *find_kind(struct rp_span name)
{
	for (const struct rp_source_kind *const *k = rp_source_kinds; *k; k++)
		if (rp_span_eq_str(name, (*k)->name))
			return *k;
	return NULL;
}

/* What a kind cannot do without. */
static int check_whole(const struct rp_source *src, struct rp_error *err)
{
	const char *kind = src->kind->name;

	if (!src->location || !src->location[0])
		return RP_FAIL(err, -EBADMSG, "source of kind %s: no %s is given", kind,
			strncmp(kind, "deb", 3) == 0 ? "package"
			: strcmp(kind, "git") == 0   ? "url"
						     : "path");
	if (strncmp(kind, "deb", 3) == 0 && !src->suite)
		return RP_FAIL(err, -EBADMSG, "source of kind %s: no suite is given", kind);
	if (strcmp(kind, "git") == 0 && !src->rev)
		return RP_FAIL(err, -EBADMSG,
			"source of kind git: no rev (tag, branch or commit) is given");
	if (src->sha256 &&
		(strlen(src->sha256) != 64 || strspn(src->sha256, "0123456789abcdef") != 64))
		return RP_FAIL(err, -EBADMSG, "sha256 is not 64 lower-case hexadecimal digits");
	if (src->subdir && !rp_path_is_safe(src->subdir))
		return RP_FAIL(
			err, -EBADMSG, "subdir \"%s\" is not a path inside the tree", src->subdir);
	return 0;
}

int rp_source_from_ini(
	const struct rp_ini *ini, const char *section, struct rp_source *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_source_free) struct rp_source src = RP_SOURCE_INIT;
	const struct {
		const char *key;
		char **field;
	} map[] = { { "package", &src.location }, { "url", &src.location },
		{ "path", &src.location }, { "suite", &src.suite }, { "version", &src.version },
		{ "rev", &src.rev }, { "sha256", &src.sha256 }, { "subdir", &src.subdir } };
	const char *kind;
	int r;

	r = rp_ini_need(ini, section, "kind", &kind, err);
	if (r < 0)
		return r;
	src.kind = find_kind(rp_span_str(kind));
	if (!src.kind)
		return RP_FAIL(err, -EBADMSG, "%s: section [%s]: unknown kind \"%s\"", ini->name,
			section, kind);
	r = rp_ini_only(ini, section, src.kind->keys, err);
	for (size_t i = 0; r == 0 && i < RP_ARRAY_SIZE(map); i++) {
		const char *v = rp_ini_get(ini, section, map[i].key);

		if (!v || !v[0])
			continue;
		if (*map[i].field)
			return RP_FAIL(err, -EBADMSG, "%s: section [%s]: both path and url",
				ini->name, section);
		*map[i].field = strdup(v);
		if (!*map[i].field)
			return RP_NOMEM(err);
	}
	if (r == 0)
		r = check_whole(&src, err);
	if (r < 0)
		return rp_error_prefix(err, r, "%s: section [%s]", ini->name, section);
	*ret = src;
	src = (struct rp_source)RP_SOURCE_INIT;
	return 0;
}

/* "PACKAGE[/SUITE][=VERSION]" */
static int parse_deb(struct rp_span s, struct rp_source *src, struct rp_error *err)
{
	const uint8_t *eq = memchr(s.p, '=', s.n), *slash;

	if (eq) {
		src->version = rp_span_dup(rp_span_of(eq + 1, s.n - (size_t)(eq + 1 - s.p)));
		s.n = (size_t)(eq - s.p);
	}
	slash = memchr(s.p, '/', s.n);
	src->suite = slash ? rp_span_dup(rp_span_of(slash + 1, s.n - (size_t)(slash + 1 - s.p)))
			   : strdup("sid");
	if (slash)
		s.n = (size_t)(slash - s.p);
	src->location = rp_span_dup(s);
	return src->location && src->suite && (!eq || src->version) ? 0 : RP_NOMEM(err);
}

/* "URL[#REV]" or "PATH|URL[#sha256=HEX]" */
static int parse_located(struct rp_span s, bool git, struct rp_source *src, struct rp_error *err)
{
	const uint8_t *hash = s.n > 0 ? memrchr(s.p, '#', s.n) : NULL;
	struct rp_span tail =
		hash ? rp_span_of(hash + 1, s.n - (size_t)(hash + 1 - s.p)) : rp_span_of("", 0);

	if (hash)
		s.n = (size_t)(hash - s.p);
	src->location = rp_span_dup(s);
	if (git) {
		src->rev = hash ? rp_span_dup(tail) : strdup("HEAD");
		return src->location && src->rev ? 0 : RP_NOMEM(err);
	}
	if (hash && !rp_span_starts(tail, "sha256="))
		return RP_FAIL(err, -EINVAL, "expected #sha256=HEX behind the tarball's name");
	if (hash)
		src->sha256 = rp_span_dup(rp_span_of(tail.p + 7, tail.n - 7));
	return src->location && (!hash || src->sha256) ? 0 : RP_NOMEM(err);
}

static const struct rp_source_kind *kind_of_path(const char *path, struct rp_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		(void)RP_FAIL_ERRNO(err, -errno, "source %s", path);
		return NULL;
	}
	return S_ISDIR(st.st_mode) ? &rp_source_kind_dir : &rp_source_kind_tarball;
}

int rp_source_from_text(const char *text, struct rp_source *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_source_free) struct rp_source src = RP_SOURCE_INIT;
	const char *colon = strchr(text, ':');
	struct rp_span rest = rp_span_str(text);
	int r;

	if (colon)
		src.kind = find_kind(rp_span_of(text, (size_t)(colon - text)));
	if (src.kind) {
		rest = rp_span_str(colon + 1);
	} else if (strstr(text, "://")) {
		src.kind = &rp_source_kind_tarball;
	} else {
		RP_CLEANUP(rp_free_p) char *path = strndup(text, strcspn(text, "#"));

		if (!path)
			return RP_NOMEM(err);
		src.kind = kind_of_path(path, err);
		if (!src.kind)
			return err && err->code ? err->code : -ENOENT;
	}
	if (strncmp(src.kind->name, "deb", 3) == 0)
		r = parse_deb(rest, &src, err);
	else if (src.kind == &rp_source_kind_dir)
		r = (src.location = rp_span_dup(rest)) ? 0 : RP_NOMEM(err);
	else
		r = parse_located(rest, src.kind == &rp_source_kind_git, &src, err);
	if (r == 0)
		r = check_whole(&src, err);
	if (r < 0)
		return rp_error_prefix(err, r == -EBADMSG ? -EINVAL : r, "source \"%s\"", text);
	*ret = src;
	src = (struct rp_source)RP_SOURCE_INIT;
	return 0;
}

typedef int (*state_fn)(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err);

static int into_state(state_fn fn, const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_source_state_free) struct rp_source_state st = RP_SOURCE_STATE_INIT;
	int r = fn(ctx, env, src, &st, err);

	if (r < 0)
		return r;
	*ret = st;
	st = (struct rp_source_state)RP_SOURCE_STATE_INIT;
	return 0;
}

int rp_source_plan(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	return into_state(src->kind->plan, ctx, env, src, ret, err);
}

int rp_source_fetch(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	return into_state(src->kind->fetch, ctx, env, src, ret, err);
}

int rp_source_verify(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, struct rp_error *err)
{
	return src->kind->verify(ctx, env, src, st, err);
}

int rp_source_unpack(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, int dirfd, const char *name,
	struct rp_error *err)
{
	struct rp_error ignored = RP_ERROR_INIT;
	struct stat there;
	int r;

	/* Looked at before, so that nothing is removed below that was not made by unpack. */
	if (fstatat(dirfd, name, &there, AT_SYMLINK_NOFOLLOW) == 0)
		return RP_FAIL(err, -EEXIST, "unpack: %s is there already", name);
	r = src->kind->unpack(ctx, env, src, st, dirfd, name, err);
	/* A tree that is not whole must not be taken for one. */
	if (r < 0 && r != -EEXIST && rp_remove_tree(dirfd, name, &ignored) < 0)
		(void)rp_error_prefix(err, r, "%s could not be removed again", name);
	return r;
}
