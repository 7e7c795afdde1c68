/* SPDX-License-Identifier: MIT */
/*
 * A whole tree (a ROCm prefix, an installed Python package or virtual environment, a folder of code objects)
 * for another card, with a way back.
 *
 * Plan, then write all new files below DIR/.rocm-patch-retarget/staged, then record them, then put
 * each in its place by a link that keeps the original and a rename. At every moment each file is the old or the new one, whole. A
 * run that was killed is taken back by the next apply or undo. Links are not followed; nothing
 * outside of DIR is written. Two runs on one tree exclude each other by a lock on DIR.
 */
#ifndef RP_RETARGET_TREE_H
#define RP_RETARGET_TREE_H

#include <sys/types.h>

#include "retarget/retarget.h"

#define RP_RETARGET_TREE_STATE ".rocm-patch-retarget"

enum rp_tree_content {
	RP_TREE_CODE, /* rp_retarget_file of source */
	RP_TREE_DATA, /* Tensile data of source with names changed */
	RP_TREE_NAME, /* one more name (hard link) of the file that item `same` replaces */
};

/* A file that is written. */
struct rp_tree_item {
	enum rp_tree_content content;
	char *source; /* owned; below DIR */
	char *path; /* owned; below DIR; equal to source: it is replaced */
	bool is_new; /* nothing is at path now */
	bool is_library; /* part of a Tensile library: one refusal leaves out all of its folder */
	size_t same;
	char chip[16]; /* in the name of source; "": none */
	uint64_t dev, ino;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t old_bytes,
		code_bytes; /* of source; of the code objects that are taken (0: not known) */
	size_t n_objects;
	/* after apply: */
	uint64_t new_bytes;
	char old_sha[RP_SHA256_HEX],
		new_sha[RP_SHA256_HEX]; /* old: of what is at path; "-": nothing */
	int result; /* 0; -ENOTSUP and others: left out, reason says why */
	char reason[512];
	char from[64];
};

/* A file that is not written although it has code that the card cannot run. */
struct rp_tree_note {
	char *path; /* owned */
	char *reason; /* owned */
};

struct rp_tree_plan {
	int dirfd; /* borrowed */
	int lock_fd; /* owned: other runs wait for their turn until the plan is freed */
	struct rp_retarget_options options;
	bool tuned;
	struct rp_tree_item *items; /* owned */
	size_t n_items, cap_items;
	struct rp_tree_note *notes; /* owned */
	size_t n_notes, cap_notes;
	uint64_t n_files, n_native; /* looked at; with code for the card */
	uint64_t code_bytes; /* that is rewritten, as far as known */
	uint64_t disk_bytes; /* about what apply needs: new files, and room for the largest code */
	uint64_t free_bytes;
	/* after apply: */
	size_t n_written, n_left_out;
	uint64_t new_bytes;
	struct rp_retarget_report report;
	struct rp_retarget_verified verified;
};

/*
 * What apply would do. tuned: tuned Tensile kernels of other chips, too, where the library has own (slower) code for the
 * card. -EWOULDBLOCK: another run; -EUCLEAN: an interrupted one, apply or undo takes it back first (not if recover is set: it
 * is done here). ret is empty before and owned after.
 */
RP_MUST_CHECK int rp_retarget_tree_plan(const struct rp_ctx *ctx, int dirfd,
	const struct rp_retarget_options *options, bool tuned, bool recover,
	struct rp_tree_plan *ret, struct rp_error *err);
void rp_tree_plan_free(struct rp_tree_plan *plan);

/*
 * Carries it out. Files that cannot be fixed are left out: item->result. -EEXIST: a plan was carried out here before
 * (undo it first). On another failure nothing has changed, or the next run takes back what has.
 */
RP_MUST_CHECK int rp_retarget_tree_apply(const struct rp_ctx *ctx, struct rp_tree_plan *plan,
	unsigned int n_threads, struct rp_error *err);

/* What undo did or would do. */
struct rp_tree_undone {
	bool interrupted; /* the run that is undone had not ended */
	char card[16];
	size_t n_restored, n_removed;
	struct rp_tree_note *changed; /* owned: files that are neither the new nor the old ones */
	size_t n_changed, cap_changed;
};
void rp_tree_undone_free(struct rp_tree_undone *undone);

/*
 * Every file as it was before. -ENOENT: nothing to undo; -EWOULDBLOCK: another run; -ESTALE: files were changed since
 * (ret->changed; filled in that case, too) and keep_changed is not set: nothing is touched. With it these stay as they are, and
 * their originals go.
 */
RP_MUST_CHECK int rp_retarget_tree_undo(const struct rp_ctx *ctx, int dirfd, bool keep_changed,
	bool dry_run, struct rp_tree_undone *ret, struct rp_error *err);

/* What rp_retarget_file would do, by tables and headers alone. */
struct rp_retarget_look {
	bool is_object; /* the file is a code object */
	const struct rp_chip *chip; /* of it */
	size_t n_new, n_native, n_unknown; /* unknown: compressed bundles */
	uint64_t code_bytes; /* objects that would be taken */
};
RP_MUST_CHECK int rp_retarget_look(struct rp_span bytes, const struct rp_retarget_options *options,
	struct rp_retarget_look *ret, struct rp_error *err);

/*
 * Writes an output, in parts; clean pages of the mapped input are given back, so that a large library is not
 * all in memory. sha (may be NULL) gets what is written.
 */
RP_MUST_CHECK int rp_retarget_output_write(const struct rp_retarget_output *out,
	const struct rp_map *map, struct rp_tmpfile *tmp, struct rp_sha256 *sha,
	struct rp_error *err);

#define RP_IN_PLACE_SUFFIX ".rocm-patch-undo"

/*
 * Replaces dirfd/name (was: its bytes now) by an output of the same size, made with options->in_place, and
 * records the way back beside it. -EEXIST: there is a record already.
 */
RP_MUST_CHECK int rp_retarget_in_place_write(int dirfd, const char *name, mode_t mode,
	struct rp_span was, const struct rp_retarget_output *out, struct rp_error *err);

/* -ENOENT: no record; -ESTALE: the file was changed since. */
RP_MUST_CHECK int rp_retarget_in_place_undo(
	int dirfd, const char *name, bool dry_run, struct rp_error *err);

#endif
