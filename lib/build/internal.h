/* SPDX-License-Identifier: MIT */
/* Between the files of the build domain. */
#ifndef RP_BUILD_INTERNAL_H
#define RP_BUILD_INTERNAL_H

#include "build/build.h"

/* Names in the work folder. */
#define WORK_SOURCE   "source"
#define WORK_BUILD    "build"
#define WORK_STAGE    "stage"
#define WORK_BASELINE "baseline" /* the unpatched build, installed */
#define WORK_STATE    "state.ini" /* keys of the stages that are done */
#define WORK_LOG      "log"

/* preflight.c: fills plan->missing and plan->shortages. */
RP_MUST_CHECK int rp_build_preflight(
	const struct rp_build_host *host, struct rp_build_plan *plan, struct rp_error *err);

/* Text with ${work}, ${source} and ${input.NAME} replaced; owned. -EBADMSG: unknown variable. */
RP_MUST_CHECK int rp_build_expand(
	const struct rp_build_plan *plan, const char *text, char **ret, struct rp_error *err);

/* Keys and id from what the plan knows now: a git revision is known only after its fetch. */
RP_MUST_CHECK int rp_build_rekey(struct rp_build_plan *plan, struct rp_error *err);

/* plan->first from what state.ini says now. */
RP_MUST_CHECK int rp_build_find_first(struct rp_build_plan *plan, struct rp_error *err);

/* state.ini: n stages from the first on are done, with the plan's keys; also remembers the source. */
RP_MUST_CHECK int rp_build_state_write(
	const struct rp_build_plan *plan, enum rp_stage n_done, struct rp_error *err);

#endif
