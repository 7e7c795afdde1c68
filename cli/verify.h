/* SPDX-License-Identifier: MIT */
/* A run of verify's cases, for the verbs verify and fix: what runs where, and what came out. */
#ifndef RP_CLI_VERIFY_H
#define RP_CLI_VERIFY_H

#include "cli.h"

#include "verify/verify.h"

struct verify_session {
	struct rp_cli *cli;
	/* set by the caller before verify_prepare; borrowed */
	const char *gpu, *profile, *runtime; /* words of the options, or NULL */
	const char *const *env; /* of the children */
	uint64_t seed;
	int64_t deadline_ms; /* of one case */
	struct rp_verify_list cases;
	size_t n_own; /* so many cases run on our own kernels; those behind them on rocBLAS */
	struct rp_strv code_objects; /* none: those of this build */
	/* called after each case; may be NULL */
	void (*each)(const struct verify_session *s, size_t i);
	/* the rest is verify_prepare's and verify_cases' */
	struct rp_strv prefix;
	char *helper; /* owned */
	bool is_virtual; /* asked for, or this program itself runs on a virtual card */
	struct rp_verify_result *results; /* owned; [i] is of case i */
	size_t n_results;
	size_t n[RP_VERIFY_VERDICT_MAX];
};

void verify_session_free(struct verify_session *s);

/* Appends the cases of the table whose operation is in what (bits of enum verify_what). */
enum verify_what { VERIFY_CONV = 1, VERIFY_BN = 2, VERIFY_GEMM = 4, VERIFY_COPY = 8 };
RP_MUST_CHECK int verify_read_cases(
	struct verify_session *s, unsigned int what, bool full, struct rp_error *err);

/* Path of the kernels of this build for a chip; owned, NULL if there are none (or no memory). */
char *verify_kernels(const struct rp_cli *cli, const char *chip);

/* Once all cases are there: own or not, and whether the matrix products run on rocBLAS (as well). */
RP_MUST_CHECK int verify_choose_backends(
	struct verify_session *s, bool own, bool rocblas, struct rp_error *err);
const char *verify_backend(
	const struct verify_session *s, size_t i); /* of case i: "hip", "rocblas" */

RP_MUST_CHECK int verify_prepare(struct verify_session *s, struct rp_error *err);
/* All cases; the first that finds no card ends it. 0 whatever the verdicts. */
RP_MUST_CHECK int verify_cases(struct verify_session *s, struct rp_error *err);

/* What the verdicts are worth: "virtual-gpu", "silicon"; NULL: no case ran on a card. */
const char *verify_evidence(const struct verify_session *s);
const char *verify_evidence_text(const struct verify_session *s);
/* "12 right 3 wrong", of those that there are; owned. */
char *verify_counts(const struct verify_session *s);
/* Everything was checked, and all of it is right. */
bool verify_all_right(const struct verify_session *s);

/* Members of the open JSON object: "results", "evidence", "seed", "cases", "count". */
void verify_json(const struct verify_session *s, struct rp_json *j);
/* One or two lines on a result, without the verdict; owned. */
char *verify_detail(const struct verify_session *s, const struct rp_verify_result *res);

#endif
