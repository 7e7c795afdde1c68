/* SPDX-License-Identifier: MIT */
/* Between the verbs retarget and apply. */
#ifndef RP_CLI_RETARGET_H
#define RP_CLI_RETARGET_H

#include "cli.h"
#include "retarget/retarget.h"

/* --to, --cu-mode, --trap. 0 or the exit code. */
RP_MUST_CHECK int rp_cli_retarget_options(struct rp_cli *cli, struct rp_retarget_options *ret);

/* Members "kernels" to "verified" of the JSON object. */
void rp_cli_retarget_json(struct rp_json *json, const struct rp_retarget_report *report,
	const struct rp_retarget_verified *verified);

#endif
