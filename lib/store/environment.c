/* SPDX-License-Identifier: MIT */
/*
 * The environment under which a program finds a generation. Only what the
 * generation really holds is set: a runtime without HIP must not claim
 * ROCM_PATH, or hipcc and MIOpen would look for their parts in it.
 */
#include "store/internal.h"

#include <fcntl.h>
#include <unistd.h>

/* NAME=dir[:what base has]. */
static int prepend(struct rp_strv *ret, const struct rp_strv *base, const char *name,
	const char *dir, struct rp_error *err)
{
	const char *old = base ? rp_strv_getenv(base, name) : NULL;

	if (!old || !old[0])
		return rp_strv_addf(ret, err, "%s=%s", name, dir);
	return rp_strv_addf(ret, err, "%s=%s:%s", name, dir, old);
}

static bool has(const struct rp_store *st, const char *id, const char *what)
{
	RP_CLEANUP(rp_free_p) char *path = rp_asprintf("%s/%s", id, what);

	return path && faccessat(st->fd, path, F_OK, 0) == 0;
}

int rp_store_env(const struct rp_store *st, const char *id_or_null, const struct rp_strv *base,
	struct rp_strv *ret_changed, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv out = RP_STRV_INIT;
	RP_CLEANUP(rp_free_p) char *active = NULL;
	RP_CLEANUP(rp_free_p) char *lib = NULL;
	RP_CLEANUP(rp_free_p) char *bin = NULL;
	const char *id = id_or_null ? id_or_null : STORE_CURRENT;
	int r;

	r = rp_store_current(st, &active, err);
	if (r < 0)
		return r;
	if (!id_or_null && !active)
		return RP_FAIL(err, -ENOENT, "no generation is active in %s", st->prefix);
	if (!has(st, id, "."))
		return RP_FAIL(err, -ENOENT, "generation %s is not in %s",
			id_or_null ? id_or_null : active, st->prefix);
	lib = rp_asprintf("%s/%s/lib", st->prefix, id);
	bin = rp_asprintf("%s/%s/bin", st->prefix, id);
	if (!lib || !bin)
		return RP_NOMEM(err);
	if (strchr(lib, ':'))
		return RP_FAIL(err, -EINVAL,
			"%s: a store with a colon in its path cannot be in LD_LIBRARY_PATH", lib);
	if (has(st, id, "lib"))
		r = prepend(&out, base, "LD_LIBRARY_PATH", lib, err);
	if (r == 0 && has(st, id, "bin"))
		r = prepend(&out, base, "PATH", bin, err);
	if (r == 0 && has(st, id, "lib/libamdhip64.so"))
		r = rp_strv_addf(&out, err, "ROCM_PATH=%s/%s", st->prefix, id);
	if (r < 0)
		return r;
	if (out.n == 0)
		return RP_FAIL(err, -EBADMSG, "generation %s has neither lib/ nor bin/",
			id_or_null ? id_or_null : active);
	*ret_changed = out;
	out = (struct rp_strv)RP_STRV_INIT;
	return 0;
}
