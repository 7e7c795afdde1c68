/* SPDX-License-Identifier: MIT */
/* At the end of a long job: tells who has gone away. */
#ifndef RP_CLI_NOTIFY_H
#define RP_CLI_NOTIFY_H

#include "cli.h"

/*
 * command (of --notify) is started with "TITLE: TEXT" as its only argument. Without one: notify-send if there is a
 * desktop, else the terminal's bell; both only if the job took longer than RP_NOTIFY_AFTER_MS. What goes
 * wrong is a warning.
 */
#define RP_NOTIFY_AFTER_MS 30000
void rp_cli_notify(struct rp_cli *cli, const char *command, int64_t started_ms, const char *title,
	const char *text);

#endif
