/* SPDX-License-Identifier: MIT */
/*
 * Where the source of a component comes from. A source kind (deb, git, dir,
 * tarball) is one file that fills one struct rp_source_kind. The cache holds
 * whole, verified objects only, by checksum; partial downloads live under
 * other names and are resumed or removed, never used.
 */
#ifndef RP_SOURCE_H
#define RP_SOURCE_H

#include "base/base.h"

/* What every operation needs from outside; filled by the caller, borrowed. */
struct rp_source_env {
	struct rp_root *root; /* the machine's apt configuration is read below it */
	const char *cache_dir; /* absolute; created when needed */
	bool offline; /* only the cache; -ENETUNREACH when that is not enough */
	const char *const *env; /* environment for spawned programs (apt-get, git) */
};

struct rp_source_kind;

/* One source, as a recipe or an option describes it. All strings owned. */
struct rp_source {
	const struct rp_source_kind *kind;
	char *location; /* deb: package name; git: URL; dir: path; tarball: path or URL */
	char *suite; /* deb */
	char *version; /* deb: wanted version; NULL: the newest */
	char *rev; /* git: tag, branch or commit */
	char *sha256; /* tarball: required for URLs */
	char *subdir; /* the part of the tree that is wanted; NULL: all */
};

#define RP_SOURCE_INIT                                   \
	{                                                \
		NULL, NULL, NULL, NULL, NULL, NULL, NULL \
	}

/* What plan and fetch found out. All strings owned; see rp_source_state_free. */
struct rp_source_state {
	char *identity; /* what the bytes are: "sha256:...", "git:<commit>", "dir:<digest>" */
	char *description; /* one line for people: "rocr-runtime 6.4.3+dfsg-5 (sid), orig tarball" */
	char *version; /* the version that was chosen */
	char *choice; /* why another than the catalogued one; NULL: it is the catalogued one */
	char *object; /* after fetch: absolute path in the cache, or the directory itself */
	uint64_t download_bytes; /* plan: still to be fetched; 0 if cached or unknown */
	bool cached;
};

#define RP_SOURCE_STATE_INIT                           \
	{                                              \
		NULL, NULL, NULL, NULL, NULL, 0, false \
	}

struct rp_source_kind {
	const char *name; /* "deb", "git", "dir", "tarball" */
	const char *const *keys; /* of the [source] section that it takes, NULL-terminated */
	/* Says what fetch would do; may read indexes, fetches no source. */
	int (*plan)(const struct rp_ctx *ctx, const struct rp_source_env *env,
		const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err);
	/* Brings the object into the cache and verifies it. */
	int (*fetch)(const struct rp_ctx *ctx, const struct rp_source_env *env,
		const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err);
	/* Checks an object of the cache again (its checksum, its commit). */
	int (*verify)(const struct rp_ctx *ctx, const struct rp_source_env *env,
		const struct rp_source *src, const struct rp_source_state *st,
		struct rp_error *err);
	/* Writes the tree to dirfd/name, which must not exist; an interrupted one is removed by the caller. */
	int (*unpack)(const struct rp_ctx *ctx, const struct rp_source_env *env,
		const struct rp_source *src, const struct rp_source_state *st, int dirfd,
		const char *name, struct rp_error *err);
	/* One line about the wanted source, without any access: "git URL at TAG". Owned, NULL: no memory. */
	char *(*describe)(const struct rp_source *src);
};

extern const struct rp_source_kind *const rp_source_kinds[]; /* NULL-terminated */

void rp_source_free(struct rp_source *src);
void rp_source_state_free(struct rp_source_state *st);

/* From section [section] of a recipe ("kind = deb", ...). -EBADMSG names file, line and key. */
RP_MUST_CHECK int rp_source_from_ini(
	const struct rp_ini *ini, const char *section, struct rp_source *ret, struct rp_error *err);

/*
 * From the command line: "deb:PACKAGE[/SUITE][=VERSION]", "git:URL[#REV]",
 * "tarball:PATH|URL[#sha256=HEX]", "dir:PATH", or a path to a directory or tarball.
 */
RP_MUST_CHECK int rp_source_from_text(
	const char *text, struct rp_source *ret, struct rp_error *err);

/* The kind's functions with their checks. state must be freed by the caller also after failures. */
RP_MUST_CHECK int rp_source_plan(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err);
RP_MUST_CHECK int rp_source_fetch(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err);
RP_MUST_CHECK int rp_source_verify(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, struct rp_error *err);
RP_MUST_CHECK int rp_source_unpack(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, int dirfd, const char *name,
	struct rp_error *err);

/*
 * Unpacks an archive (tar with any compression libarchive knows, zip) below
 * dirfd/name. Refused with archive, member and reason, and nothing left behind:
 * absolute paths, "..", links that leave the tree, hard links outside it, devices,
 * fifos, sockets, set-id bits kept, more than the limits. strip: leading components to drop;
 * -1: drop one if all members share it.
 */
RP_MUST_CHECK int rp_archive_unpack(const struct rp_ctx *ctx, const char *archive_path, int dirfd,
	const char *name, int strip, struct rp_error *err);

#endif
