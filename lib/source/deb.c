/* SPDX-License-Identifier: MIT */
/*
 * Source kinds deb (the orig tarball of a Debian source package: the .dsc is not
 * needed, its checksum is in the signed index) and deb-binary (the files of a
 * Debian package, unpacked without installing it).
 */
#include "source/internal.h"

static int locate(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, bool binary, struct rp_apt *apt, struct rp_apt_file *f,
	struct rp_error *err)
{
	int r;

	r = rp_apt_open(env, src->suite, binary, apt, err);
	if (r == 0)
		r = rp_apt_update(ctx, env, apt, false, err);
	if (r == 0)
		r = rp_apt_find(ctx, env, apt, src->location, src->version, f, err);
	/* Not there, or not that version: perhaps the index is old. */
	if (!env->offline && (r == -ENOENT || (r == 0 && src->version &&
						      strcmp(f->version, src->version) != 0))) {
		rp_apt_file_free(f);
		r = rp_apt_update(ctx, env, apt, true, err);
		if (r == 0)
			r = rp_apt_find(ctx, env, apt, src->location, src->version, f, err);
	}
	return r;
}

static int fill_state(const struct rp_source_env *env, const struct rp_source *src,
	const struct rp_apt_file *f, struct rp_source_state *ret, struct rp_error *err)
{
	int r;

	r = rp_cache_object(env, f->sha256, &ret->object, &ret->cached, err);
	if (r < 0)
		return r;
	ret->download_bytes = ret->cached ? 0 : f->size_bytes;
	ret->identity = rp_asprintf("sha256:%s", f->sha256);
	ret->version = strdup(f->version);
	ret->description = rp_asprintf("%s %s (Debian %s), %s", src->location, f->version,
		src->suite, rp_path_base(f->path));
	if (!ret->identity || !ret->version || !ret->description)
		return RP_NOMEM(err);
	if (src->version && strcmp(src->version, f->version) != 0) {
		ret->choice = rp_asprintf("%s %s has gone from %s: the newest there, %s, is taken",
			src->location, src->version, src->suite, f->version);
		if (!ret->choice)
			return RP_NOMEM(err);
	}
	return 0;
}

static int plan(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, bool binary, bool download, struct rp_source_state *ret,
	struct rp_error *err)
{
	RP_CLEANUP(rp_apt_free) struct rp_apt apt = { .dir = NULL };
	RP_CLEANUP(rp_apt_file_free) struct rp_apt_file f = { .version = NULL };
	int r;

	r = locate(ctx, env, src, binary, &apt, &f, err);
	if (r == 0)
		r = fill_state(env, src, &f, ret, err);
	if (r < 0)
		return r;
	if (!ret->cached && env->offline)
		return RP_FAIL(err, -ENETUNREACH, "%s is not in the cache, and this run is offline",
			ret->description);
	if (ret->cached || !download)
		return 0;
	r = rp_apt_download(ctx, env, &apt, &f, err);
	if (r < 0)
		return r;
	ret->cached = true;
	ret->download_bytes = 0;
	return 0;
}

static int deb_plan(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	return plan(ctx, env, src, false, false, ret, err);
}

static int deb_fetch(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	return plan(ctx, env, src, false, true, ret, err);
}

static int binary_plan(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	return plan(ctx, env, src, true, false, ret, err);
}

static int binary_fetch(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	return plan(ctx, env, src, true, true, ret, err);
}

static int deb_verify(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, struct rp_error *err)
{
	(void)ctx;
	(void)src;
	return rp_cache_verify(env, st->identity + strlen("sha256:"), err);
}

static int deb_unpack(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, int dirfd, const char *name,
	struct rp_error *err)
{
	(void)env;
	(void)src;
	return rp_archive_unpack(ctx, st->object, dirfd, name, -1, err);
}

static int binary_unpack(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, int dirfd, const char *name,
	struct rp_error *err)
{
	(void)env;
	(void)src;
	return rp_deb_unpack(ctx, st->object, dirfd, name, err);
}

static char *deb_describe(const struct rp_source *src)
{
	return rp_asprintf("Debian package %s%s%s of %s", src->location, src->version ? " " : "",
		src->version ? src->version : "", src->suite);
}

static const char *const keys[] = { "kind", "package", "suite", "version", "subdir", NULL };

const struct rp_source_kind rp_source_kind_deb = {
	.name = "deb",
	.keys = keys,
	.plan = deb_plan,
	.fetch = deb_fetch,
	.verify = deb_verify,
	.unpack = deb_unpack,
	.describe = deb_describe,
};

const struct rp_source_kind rp_source_kind_deb_binary = {
	.name = "deb-binary",
	.keys = keys,
	.plan = binary_plan,
	.fetch = binary_fetch,
	.verify = deb_verify,
	.unpack = binary_unpack,
	.describe = deb_describe,
};
