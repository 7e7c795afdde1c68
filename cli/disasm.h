/* SPDX-License-Identifier: MIT */
/* Between the two files of the verb disasm: disasm.c chooses, disasm-show.c prints. */
#ifndef RP_CLI_DISASM_H
#define RP_CLI_DISASM_H

#include "cli.h"
#include "codeobj/demangle.h"
#include "disasm/disasm.h"
#include "scan/scan.h"

#define RP_DISASM_STOPPED 1 /* what a visitor returns when nobody reads any more */

struct rp_disasm_work {
	struct rp_cli *cli;
	const struct rp_chip *target; /* --target; NULL: all gfx10 */
	struct rp_scan_options scan; /* --for, --strict; chip NULL: no defects are looked for */
	struct rp_scanner scanner;
	struct rp_demangler demangler;
	struct rp_disasm listing;
	struct rp_buf out, name; /* name: scratch */
	struct rp_strv others; /* targets that are no gfx10 chip, or not asked for */
	uint64_t n_objects, n_functions, n_damaged;
	bool colour;

	/* of the function at hand, if scan.chip is set */
	struct rp_scan_function found;
	uint32_t cursor; /* instruction of scanner.flow at or behind the line */

	/* of the object at hand */
	const struct rp_codeobj *object;
	uint32_t *
		first_kernel; /* owned; by function: index of its first kernel, or RP_DISASM_NONE */
	uint32_t *next_kernel; /* owned; by kernel: the next one with the same entry */
	bool *selected; /* owned; by function */
	uint32_t section; /* whose head stands above */
};

/* Text of an untrusted file for a terminal: control characters and what is not ASCII become "?". */
void rp_disasm_add_safe(struct rp_buf *b, struct rp_span s);

/* Hands finished text on, if it is at_least so much; RP_DISASM_STOPPED: nobody reads it. */
RP_MUST_CHECK int rp_disasm_flush(struct rp_disasm_work *w, size_t at_least, struct rp_error *err);

/* The selected functions of the object at hand. As a visitor: 0, an error, RP_DISASM_STOPPED. */
RP_MUST_CHECK int rp_disasm_show(
	struct rp_disasm_work *w, const struct rp_codeobj_place *place, struct rp_error *err);

/* The list around all objects of --json. */
void rp_disasm_list(struct rp_disasm_work *w, const char *key);
void rp_disasm_list_end(struct rp_disasm_work *w);

#endif
