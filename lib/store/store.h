/* SPDX-License-Identifier: MIT */
/*
 * The store: PREFIX/<version>-<key>/ per generation, and the link PREFIX/current
 * that is switched atomically. A generation is written under "<name>.partial",
 * synced and renamed; the link before the last switch is kept for rollback. The system's
 * own ROCm is never touched.
 *
 * In a generation: the installed tree, and .rocm-patch/ with
 *   MANIFEST.sha256   "sha256  path" of every file (sha256sum -c reads it)
 *   links             "path -> target" of every symbolic link
 *   generation.ini    version, key, components, sources with checksums, patches with ids, compiler
 *   build.log         of the build
 */
#ifndef RP_STORE_H
#define RP_STORE_H

#include "base/base.h"

#define RP_STORE_DEFAULT_PREFIX "/opt/rocm-patched"
#define RP_STORE_META		".rocm-patch"

struct rp_store {
	char *prefix; /* owned, absolute */
	int fd; /* the prefix; -1 if it does not exist (yet) */
	struct rp_lock lock;
	bool writable;
};

#define RP_STORE_INIT                         \
	{                                     \
		NULL, -1, RP_LOCK_INIT, false \
	}

enum rp_store_mode {
	RP_STORE_READ, /* a prefix that does not exist is an empty store */
	RP_STORE_WRITE, /* it must exist: -ENOENT */
	RP_STORE_CREATE, /* it is created */
};

/*
 * Opens a store. For writing: takes the lock (one RP_EV_WAIT event while it waits), and finishes or removes
 * what a killed run left. -EACCES/-EROFS: no permission, the text says what to do.
 */
RP_MUST_CHECK int rp_store_open(const struct rp_ctx *ctx, const char *prefix,
	enum rp_store_mode mode, struct rp_store *ret, struct rp_error *err);
void rp_store_close(struct rp_store *st);

struct rp_generation {
	char *id; /* "6.4.3-1a2b3c4d5e6f": folder name */
	char *version;
	char *key; /* full content key */
	char *created; /* RFC 3339, UTC */
	bool active;
	bool previous; /* what rollback would activate */
	struct rp_strv components; /* "rocr 6.4.3" */
	struct rp_strv patches; /* ids */
	uint64_t size_bytes;
	uint64_t n_files;
	char *damage; /* NULL, or why its metadata cannot be read */
};

struct rp_generation_list {
	struct rp_generation *v;
	size_t n, cap;
};

#define RP_GENERATION_LIST_INIT \
	{                       \
		NULL, 0, 0      \
	}

RP_MUST_CHECK int rp_store_list(
	const struct rp_store *st, struct rp_generation_list *ret, struct rp_error *err);
void rp_generation_list_free(struct rp_generation_list *list);
/* By full id, or by a prefix of it that fits one generation only. -ENOENT, -ENOTUNIQ. */
RP_MUST_CHECK int rp_store_find(const struct rp_generation_list *list, const char *id,
	const struct rp_generation **ret, struct rp_error *err);

/* Where a build installs to before it is published: absolute path of "<id>.partial", empty and new. */
RP_MUST_CHECK int rp_store_stage(
	struct rp_store *st, const char *id, char **ret_path, struct rp_error *err);

/*
 * Writes the manifest over what lies in "<id>.partial", adds info (the text of
 * generation.ini) and the log, publishes the tree. -EEXIST: that generation is there already.
 */
RP_MUST_CHECK int rp_store_publish(const struct rp_ctx *ctx, struct rp_store *st, const char *id,
	struct rp_span info, const char *log_path, struct rp_error *err);

RP_MUST_CHECK int rp_store_activate(
	const struct rp_ctx *ctx, struct rp_store *st, const char *id, struct rp_error *err);
/* Back to the generation before the last switch, or to none. ret_id: owned, NULL: none is active now. */
RP_MUST_CHECK int rp_store_rollback(
	const struct rp_ctx *ctx, struct rp_store *st, char **ret_id, struct rp_error *err);
/* What rollback would go back to: an id, or "-" for none; owned, NULL: nothing is recorded. */
RP_MUST_CHECK int rp_store_previous(const struct rp_store *st, char **ret, struct rp_error *err);
/* -EBUSY: active. The folder is renamed away first, so a kill leaves it whole or gone. */
RP_MUST_CHECK int rp_store_remove(
	const struct rp_ctx *ctx, struct rp_store *st, const char *id, struct rp_error *err);

struct rp_store_problem {
	char *path;
	char *what; /* "changed", "missing", "extra", "wrong link", ... */
};

struct rp_store_check {
	struct rp_store_problem *v;
	size_t n, cap;
	uint64_t n_files, n_bytes; /* checked */
};

#define RP_STORE_CHECK_INIT      \
	{                        \
		NULL, 0, 0, 0, 0 \
	}

/* Every file and link against the manifest, and nothing besides. 0 also with problems found. */
RP_MUST_CHECK int rp_store_verify(const struct rp_ctx *ctx, const struct rp_store *st,
	const char *id, struct rp_store_check *ret, struct rp_error *err);
void rp_store_check_free(struct rp_store_check *check);

/*
 * Environment under which a program sees the generation (or the active one,
 * through PREFIX/current): LD_LIBRARY_PATH, PATH, ROCM_PATH... on top of base. The list of
 * names that it sets is documented in the env man page.
 */
RP_MUST_CHECK int rp_store_env(const struct rp_store *st, const char *id_or_null,
	const struct rp_strv *base, struct rp_strv *ret_changed, struct rp_error *err);

#endif
