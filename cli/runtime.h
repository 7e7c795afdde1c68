/* SPDX-License-Identifier: MIT */
/* The runtime that env and run work with: --runtime stock|active|ID. */
#ifndef RP_CLI_RUNTIME_H
#define RP_CLI_RUNTIME_H

#include "cli.h"

#define RP_RUNTIME_OPTION                                                                \
	{                                                                                \
		"runtime", 0, "WHICH",                                                   \
			"stock (the system's), active (default), or an id of the store", \
			"stock active"                                                   \
	}

/* Environment entries NAME=VALUE that differ from cli->env; none for stock. */
RP_MUST_CHECK int rp_runtime_env(struct rp_cli *cli, struct rp_strv *ret, struct rp_error *err);

#endif
