/* SPDX-License-Identifier: MIT */
/*
 * The patch engine. A patch is a short text file (docs/patch-format.md): what
 * it is for, and edits that anchor on tokens inside a function, so that one
 * definition serves every version of a component. All edits of all selected
 * patches are planned in memory; then they are published together or not at all.
 */
#ifndef RP_PATCH_H
#define RP_PATCH_H

#include "base/base.h"

enum rp_patch_evidence {
	RP_EVIDENCE_HYPOTHESIS, /* nobody has shown that it helps */
	RP_EVIDENCE_DOCUMENTED, /* the vendor's own source or manual says so */
	RP_EVIDENCE_MEASURED, /* its effect was measured; text says where and how */
	RP_EVIDENCE_MAX,
};

struct rp_patch_edit; /* lib/patch/definition.h */

struct rp_patch {
	char *id; /* "R1": unique over all definitions */
	char *component; /* "rocr", "hip", "kernel" */
	char *set; /* "rdna" (the fix) or "toolchain" (needed to compile here) */
	char *title; /* one line */
	char *why; /* paragraphs, plain words; says what was proven how */
	char *effect; /* what changes for which allocation */
	enum rp_patch_evidence evidence;
	bool by_default;
	struct rp_strv requires; /* ids */
	struct rp_strv conflicts; /* ids */
	char *file; /* the definition file, for messages */
	char sha256[RP_SHA256_HEX]; /* of the definition's bytes: part of content keys */
	struct rp_patch_edit *edits;
	size_t n_edits;
};

struct rp_patch_list {
	struct rp_patch *v;
	size_t n, cap;
};

#define RP_PATCH_LIST_INIT \
	{                  \
		NULL, 0, 0 \
	}

/* All *.rpatch below dirfd/path, sorted by component, then id. -EBADMSG names file and line. */
RP_MUST_CHECK int rp_patch_load(
	int dirfd, const char *path, struct rp_patch_list *ret, struct rp_error *err);
void rp_patch_list_free(struct rp_patch_list *list);

struct rp_patch_choice {
	const char *component; /* NULL: any */
	const char *set; /* NULL: any */
	const struct rp_strv *only; /* ids or NULL: the defaults */
	const struct rp_strv *without;
	const struct rp_strv
		*beside; /* components that get their patches in the same runtime; NULL: none */
	struct rp_strv *
		left_out; /* gets "R3: requires H2 (hip), ..." for defaults left out; may be NULL */
};

/*
 * The selected patches in an order that satisfies `requires` (members are
 * pulled in). A requirement in another component cannot be pulled in: unless
 * that component is in `beside`, the patch is left out, or kept if it was named. -ENOENT: unknown id; -EINVAL: a conflict, or a required one is in `without`. ret: array of
 * pointers into list, owned by the caller.
 */
RP_MUST_CHECK int rp_patch_select(const struct rp_patch_list *list,
	const struct rp_patch_choice *choice, const struct rp_patch ***ret, size_t *ret_n,
	struct rp_error *err);

enum rp_patch_outcome {
	RP_PATCH_APPLIES, /* planned */
	RP_PATCH_ALREADY, /* all its edits are in the tree: nothing to do */
	RP_PATCH_NOT_FOR, /* no file of it is in this tree, or a condition says not needed: text tells */
	RP_PATCH_REFUSED, /* an anchor matches no place or several: text has file, function, candidates */
	RP_PATCH_OUTCOME_MAX,
};

struct rp_patch_result {
	const struct rp_patch *patch;
	enum rp_patch_outcome outcome;
	size_t n_edits_done, n_edits_skipped; /* skipped: by since/until conditions */
	char *text; /* owned: reason or notes; "" if none */
};

struct rp_patch_plan; /* opaque: new contents of files, results */

/*
 * Plans all given patches over the tree at dirfd. 0 also when some are
 * RP_PATCH_REFUSED: see rp_patch_plan_ok. Reads only.
 */
RP_MUST_CHECK int rp_patch_plan(const struct rp_ctx *ctx, int tree_fd,
	const struct rp_patch *const *patches, size_t n, struct rp_patch_plan **ret,
	struct rp_error *err);
void rp_patch_plan_free(struct rp_patch_plan *plan);
void rp_patch_plan_freep(struct rp_patch_plan **plan); /* for RP_CLEANUP */
bool rp_patch_plan_ok(const struct rp_patch_plan *plan); /* nothing refused */
const struct rp_patch_result *rp_patch_plan_results(
	const struct rp_patch_plan *plan, size_t *ret_n);
size_t rp_patch_plan_n_files(const struct rp_patch_plan *plan); /* that would change */

/*
 * Publishes a plan: first the record of the original bytes (".rocm-patch/" in
 * the tree), then every file. Killed in between, the next apply or revert finishes or undoes. -ESTALE:
 * a file changed since the plan, or was edited between two applies (a revert would lose
 * that). A plan with refusals is -EINVAL.
 */
RP_MUST_CHECK int rp_patch_publish(const struct rp_ctx *ctx, int tree_fd,
	const struct rp_patch_plan *plan, struct rp_error *err);

/* For a dry run: -ESTALE where publishing would refuse because of what the record says. */
RP_MUST_CHECK int rp_patch_check_record(
	int tree_fd, const struct rp_patch_plan *plan, struct rp_error *err);

/* Restores the original bytes. -ENOENT: nothing applied; -ESTALE: edited since, nothing done. */
RP_MUST_CHECK int rp_patch_revert(
	const struct rp_ctx *ctx, int tree_fd, size_t *ret_n_files, struct rp_error *err);

/* Brings a tree out of a killed apply (files put back) or revert (finished). Nothing to do: 0. */
RP_MUST_CHECK int rp_patch_recover(const struct rp_ctx *ctx, int tree_fd, struct rp_error *err);

/* Ids that the tree's record says are applied; none without a record. -ESTALE: a run was killed. */
RP_MUST_CHECK int rp_patch_applied(int tree_fd, struct rp_strv *ret, struct rp_error *err);

/* Unified diff of the plan (a/ and b/ prefixes), accepted by git apply and patch -p1. */
RP_MUST_CHECK int rp_patch_plan_diff(
	const struct rp_patch_plan *plan, struct rp_buf *ret, struct rp_error *err);

/* Unified diff of one file, appended. Nothing if equal. -ENOMEM. */
RP_MUST_CHECK int rp_diff_file(const char *path, struct rp_span before, struct rp_span after,
	struct rp_buf *ret, struct rp_error *err);

/* One diff per patch, in order, as a quilt series: calls fn(name, text) for each, then "series". */
typedef int (*rp_patch_quilt_fn)(
	void *data, const char *name, struct rp_span text, struct rp_error *err);
RP_MUST_CHECK int rp_patch_quilt(const struct rp_ctx *ctx, int tree_fd,
	const struct rp_patch *const *patches, size_t n, rp_patch_quilt_fn fn, void *data,
	struct rp_error *err);

/* The content key of a selection: ids and definition bytes, in order. */
void rp_patch_key(const struct rp_patch *const *patches, size_t n, char ret[RP_SHA256_HEX]);

const char *rp_patch_evidence_name(enum rp_patch_evidence e);
const char *rp_patch_outcome_name(enum rp_patch_outcome o);

#endif
