/* SPDX-License-Identifier: MIT */
/* Between cli/scan.c, which collects, cli/scan-out.c and cli/scan-opcodes.c, which render. */
#ifndef RP_CLI_SCAN_H
#define RP_CLI_SCAN_H

#include "cli.h"

#include "probe/probe.h"
#include "scan/scan.h"

/* The code for one target in a unit. */
struct scan_target {
	char target[64];
	const struct rp_chip *chip; /* NULL: not in the table */
	bool is_native, is_scanned;
	uint64_t n_files;
	struct rp_scan_result result;
};

enum scan_verdict {
	SCAN_NATIVE_CLEAN,
	SCAN_NATIVE_AFFECTED,
	SCAN_OTHER_CLEAN, /* gfx10 code of another chip, nothing found in it */
	SCAN_OTHER_AFFECTED,
	SCAN_NO_CODE, /* nothing that gfx10 could run */
	SCAN_VERDICT_MAX
};

/* What one program would load: a file with bundles, or the code objects of one folder. */
struct scan_unit {
	char *name; /* owned */
	char *last_path; /* owned: the file that was counted last */
	uint64_t n_files;
	bool is_folder;
	struct scan_target *targets; /* owned */
	size_t n_targets, cap_targets;
};

struct scan_run {
	struct rp_cli *cli;
	struct rp_scan_options options;
	const struct rp_card *card; /* NULL: --for */
	struct scan_unit *units; /* owned */
	size_t n_units, cap_units;
	struct rp_codeobj_stats stats;
	uint64_t n_damaged, n_bitcode, n_relocatable;
	uint32_t listed; /* classes that --kernels lists; 0: no list */
	struct rp_scanner scanner; /* for the list */
	bool count_opcodes;
	struct scan_opcodes *opcodes; /* a list, by target; owned, as is rows */
	struct rp_exec_row *rows;
	bool argument_is_folder;
};

enum scan_verdict scan_verdict_of(const struct scan_unit *unit);
const char *scan_verdict_name(enum scan_verdict verdict);
bool scan_verdict_is_problem(enum scan_verdict verdict);

/* Sums over all units per gfx10 target, native ones first; owned by the caller. -ENOMEM. */
RP_MUST_CHECK int scan_totals(
	const struct scan_run *run, struct scan_unit *ret, struct rp_error *err);
/* The code that the card would run: native, else that of another chip with the fewest findings; or NULL. */
const struct scan_target *scan_best(const struct scan_unit *unit);

/* --opcodes, cli/scan-opcodes.c. */
struct scan_opcodes;
int scan_opcodes_add(struct scan_run *run, const struct rp_scan_found *found, struct rp_error *err);
RP_MUST_CHECK int scan_opcodes_render(struct scan_run *run, struct rp_error *err);
void scan_opcodes_free(struct scan_run *run);

/* A code object's functions with something in run->listed. */
int scan_list(struct scan_run *run, const struct rp_scan_found *found, struct rp_error *err);

RP_MUST_CHECK int scan_render(struct scan_run *run, struct rp_error *err);
void scan_explain(struct rp_cli *cli, unsigned int class, bool in_array);

#endif
