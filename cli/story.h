/* SPDX-License-Identifier: MIT */
/*
 * What fix tells around its work: what doctor sees, what the card computes before, the same kernels rewritten for the card,
 * what it computes after, and a report of all that.
 */
#ifndef RP_CLI_STORY_H
#define RP_CLI_STORY_H

#include "doctor.h"
#include "retarget/retarget.h"
#include "retarget/tree.h"
#include "scan/scan.h"
#include "verify.h"
#include "virtual.h"

/* A folder to be rewritten for the card, as verb apply does. */
struct story_tree {
	const char *dir; /* borrowed */
	int fd;
	struct rp_tree_plan plan;
	bool done;
};

struct story {
	struct rp_cli *cli;
	struct doctor doctor;
	bool has_card; /* one was found, real or virtual */
	const struct rp_chip *chip; /* its; NULL: not known */
	struct verify_session before, after;
	bool has_before, has_after;
	struct rp_strv env_after;
	char *from,
		*rewritten; /* owned: the kernels that ran before, and what retarget made of them */
	struct rp_retarget_report report;
	struct rp_scan_result scan; /* of from, for the card */
	struct story_tree *trees; /* owned */
	size_t n_trees;
	const char *
		active; /* generation that is active after the work, borrowed; NULL: none was made */
};

/* members of an array of struct rp_option */
#define STORY_OPTIONS                                                                            \
	RP_CARD_OPTIONS,                                                                         \
		{ "no-verify", 0, NULL, "do not let the card compute, neither before nor after", \
			NULL },                                                                  \
		{ "html", 0, "FILE",                                                             \
			"write the report to FILE, and as JSON beside it (default: "             \
			"fix-report.html in the state folder)",                                  \
			"@file" },                                                               \
	{                                                                                        \
		"notify", 0, "CMD", "run CMD with one argument, what came out, at the end", NULL \
	}

void story_free(struct story *s);

/* Options, doctor, and its screen in brief. 0, or an exit code (told). */
RP_MUST_CHECK int story_begin(struct story *s);
/* The quick cases as this environment is. 0 or -errno. */
RP_MUST_CHECK int story_before(struct story *s, struct rp_error *err);
/* Rewrites the kernels that ran, if they were made for another chip. 0 or -errno. */
RP_MUST_CHECK int story_act(struct story *s, struct rp_error *err);
RP_MUST_CHECK int story_after(struct story *s, struct rp_error *err);
/* The table, and the report's files. 0 or -errno. */
RP_MUST_CHECK int story_end(struct story *s, struct rp_error *err);
/* RP_EXIT_PROBLEMS if something was checked afterwards and is not right; else 0. */
int story_exit(const struct story *s);

/* Folders (story-trees.c): a line of the plan each; the work; its result. */
RP_MUST_CHECK int story_plan_trees(struct story *s, int n, char **dirs, struct rp_error *err);
RP_MUST_CHECK int story_rewrite_trees(struct story *s, struct rp_error *err);
bool story_trees_left_out(const struct story *s); /* something could not be done */
void story_trees_json(const struct story *s, struct rp_json *j);
void story_trees_free(struct story *s);

/* The page (story-page.c). */
void story_page(const struct story *s, struct rp_buf *page);

#endif
