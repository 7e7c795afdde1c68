/* SPDX-License-Identifier: MIT */
/* Inside of a plan; shared by plan.c, record.c and diff.c. */
#ifndef RP_PATCH_PLAN_H
#define RP_PATCH_PLAN_H

#include <sys/types.h>

#include "patch/definition.h"

struct rp_plan_file {
	char *path; /* relative to the tree, owned */
	mode_t mode;
	struct rp_buf before; /* what is in the tree */
	struct rp_buf now; /* after the patches planned so far */
	char before_sha256[RP_SHA256_HEX];
	struct rp_tokens tokens; /* of now; empty while dirty */
	bool lexed;
};

/* One patch's own change of one file, for the quilt series. */
struct rp_plan_step {
	size_t patch; /* index into results */
	char *path;
	char *before, *after; /* owned texts */
	size_t before_n, after_n;
};

struct rp_patch_plan {
	struct rp_strv tree; /* relative paths of all files, sorted */
	struct rp_plan_file *files;
	size_t n_files, files_cap;
	struct rp_patch_result *results;
	size_t n_results;
	struct rp_plan_step *steps;
	size_t n_steps, steps_cap;
	int tree_fd; /* borrowed */
};

#endif
