/* SPDX-License-Identifier: MIT */
/* One edit of a patch definition; docs/patch-format.md describes the text form. */
#ifndef RP_PATCH_DEFINITION_H
#define RP_PATCH_DEFINITION_H

#include "patch/patch.h"
#include "patch/pattern.h"

enum rp_action {
	RP_ACT_INSERT_BEFORE, /* whole lines before the line of the anchor */
	RP_ACT_INSERT_AFTER, /* whole lines behind the line on which the anchor ends */
	RP_ACT_PREFIX, /* text directly before the anchor, on its line */
	RP_ACT_REPLACE, /* text instead of the anchor; $0 in it is what stood there */
	RP_ACT_GUARD, /* if (text) { anchor } */
	RP_ACT_SUBSTITUTE, /* inside the anchor: from -> to, exactly once */
	RP_ACT_APPEND, /* whole lines at the end of the file; no anchor */
	RP_ACT_MAX,
};

struct rp_condition {
	char *file; /* path suffix */
	char *symbol; /* identifier in that file */
	bool until; /* true: the edit is for trees that do not have it */
	bool file_only; /* the file's presence is the condition */
};

struct rp_patch_edit {
	unsigned int line; /* in the definition, for messages */
	char *file; /* path suffix */
	struct rp_strv functions; /* alternatives; empty: the whole file */
	bool at_definition; /* anchor "@definition": the function itself */
	struct rp_pattern anchor;
	enum rp_action action;
	char *text; /* what is inserted; NULL for SUBSTITUTE */
	char *from, *to; /* SUBSTITUTE */
	struct rp_condition *conditions;
	size_t n_conditions;
};

const char *rp_action_name(enum rp_action a);

/* Parses one definition and appends it to list; file is for messages. -EBADMSG names the line. */
RP_MUST_CHECK int rp_patch_parse(
	struct rp_span text, const char *file, struct rp_patch_list *list, struct rp_error *err);

#endif
