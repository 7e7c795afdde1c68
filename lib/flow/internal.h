/* SPDX-License-Identifier: MIT */
/* Between the files of lib/flow. */
#ifndef RP_FLOW_INTERNAL_H
#define RP_FLOW_INTERNAL_H

#include "flow/flow.h"

/* Looks from pc->getpc on for the rest of pc. */
void rp_flow_read_pc(const struct rp_flow *flow, struct rp_flow_pc *pc);

/* Target of the s_setpc_b64 at instruction setpc by the constants found so far; false: unknown. */
RP_MUST_CHECK bool rp_flow_setpc_target(
	const struct rp_flow *flow, uint32_t setpc, int64_t *ret_off);

#endif
