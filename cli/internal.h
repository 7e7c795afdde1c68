/* SPDX-License-Identifier: MIT */
/* Between the files of the program's core; verbs include cli.h only. */
#ifndef RP_CLI_INTERNAL_H
#define RP_CLI_INTERNAL_H

#include "cli.h"

/* opts.c: fills cli from argv. 0, or an exit code + 1 when the program should stop. */
struct rp_parsed {
	const struct rp_verb *verb; /* NULL: none given */
	bool help, version;
	int argc;
	char **argv; /* operands */
};
RP_MUST_CHECK bool rp_opts_parse(
	struct rp_cli *cli, int argc, char **argv, struct rp_parsed *ret, int *ret_exit);

/* output.c */
void rp_output_init(struct rp_cli *cli, const char *colour_mode);
void rp_output_event(void *data, const struct rp_event *ev); /* data: struct rp_cli */
int rp_output_finish(struct rp_cli *cli, int exit_code); /* closes JSON, flushes; exit code */
void rp_output_clear_progress(struct rp_cli *cli);

/* help.c */
void rp_cli_version(FILE *f);
const struct rp_verb *rp_cli_nearest(
	const struct rp_verb *const *verbs, const char *name); /* NULL: nothing near */

#endif
