/* SPDX-License-Identifier: MIT */
/* Between the files of lib/scan. */
#ifndef RP_SCAN_INTERNAL_H
#define RP_SCAN_INTERNAL_H

#include "hazard/hazard.h"
#include "scan/scan.h"

struct rp_scan_block {
	struct rp_hazard_state in, local;
	uint32_t open, open_at_branch;
	bool dirty;
};

/* An instruction that would meet a hazard if its block were entered in a state that arms it. */
struct rp_scan_candidate {
	uint32_t inst, block;
	uint32_t open; /* what of the state at the block's entry is still there */
	struct rp_hazard_facts facts;
};

/* What is looked for in one function. */
struct rp_scan_job {
	const struct rp_chip *chip; /* the card */
	uint32_t classes; /* that can be found */
	bool wgp;
};

/* Classes of one instruction that can be told without the ones around it; but RP_SCAN_NSA_CLAUSE. */
uint32_t rp_scan_static(
	const struct rp_scan_job *job, const struct rp_isa_target *t, const struct rp_isa_inst *i);

/* The class of a hazard. */
enum rp_scan_class rp_scan_class_of_hazard(unsigned int hazard);

#endif
