/* SPDX-License-Identifier: MIT */
/* Between tree-plan.c, tree-apply.c and tree-state.c. */
#ifndef RP_RETARGET_TREE_INTERNAL_H
#define RP_RETARGET_TREE_INTERNAL_H

#include "retarget/tree.h"

#define STAGED	  "staged" /* new files, by number */
#define ORIGINALS "originals" /* hard links to what is replaced, by number */
#define MANIFEST  "manifest"

/* What the manifest says of the run. */
enum rp_tree_state {
	RP_TREE_APPLYING, /* from before the first file is put in its place */
	RP_TREE_APPLIED,
	RP_TREE_UNDOING,
};

struct rp_tree_file {
	char *path; /* owned */
	size_t number; /* names its staged file and its original */
	bool is_new;
	char old_sha[RP_SHA256_HEX], new_sha[RP_SHA256_HEX]; /* old: "-" if is_new */
};

struct rp_tree_manifest {
	enum rp_tree_state state;
	char card[16];
	struct rp_tree_file *files; /* owned */
	size_t n_files, cap_files;
};

/* flock on the directory itself. -EWOULDBLOCK. */
RP_MUST_CHECK int rp_tree_lock(int dirfd, int *ret_fd, struct rp_error *err);

/* The directory that holds rel, reached without following a link; *ret_base borrows from rel. */
RP_MUST_CHECK int rp_tree_parent(
	int dirfd, const char *rel, int *ret_fd, const char **ret_base, struct rp_error *err);

/* state_fd: the state directory; -1 with 0: there is none. */
RP_MUST_CHECK int rp_tree_open_state(int dirfd, int *ret_state_fd, struct rp_error *err);
/* -ENOENT: there is none. */
RP_MUST_CHECK int rp_tree_read_manifest(
	int state_fd, struct rp_tree_manifest *ret, struct rp_error *err);
RP_MUST_CHECK int rp_tree_write_manifest(
	int state_fd, const struct rp_tree_manifest *manifest, struct rp_error *err);
void rp_tree_manifest_free(struct rp_tree_manifest *manifest);

/* Takes back what an interrupted run has done, and what it left; an applied tree stays. *ret_applied may be NULL. */
RP_MUST_CHECK int rp_tree_recover(
	const struct rp_ctx *ctx, int dirfd, bool *ret_applied, struct rp_error *err);

/* Puts every file back; the manifest is read already. */
RP_MUST_CHECK int rp_tree_roll_back(const struct rp_ctx *ctx, int dirfd, int state_fd,
	struct rp_tree_manifest *manifest, bool keep_changed, bool dry_run,
	struct rp_tree_undone *ret, struct rp_error *err);

RP_MUST_CHECK int rp_tree_add_note(struct rp_tree_note **notes, size_t *n, size_t *cap,
	const char *path, const char *reason, struct rp_error *err);

#endif
