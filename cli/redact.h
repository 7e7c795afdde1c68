/* SPDX-License-Identifier: MIT */
/* Home, user and host names of this machine, and what stands for them in a report or a capture. */
#ifndef RP_CLI_REDACT_H
#define RP_CLI_REDACT_H

#include "cli.h"

struct redact {
	char *home, *user; /* owned; NULL: nothing to replace. user with its slashes */
	char host[256];
};

/* For a tree (--root) nothing is replaced: it is redacted already. */
RP_MUST_CHECK int redact_init(const struct rp_cli *cli, struct redact *ret, struct rp_error *err);
void redact_free(struct redact *r);
/* In place; text->failed if memory ran out. */
void redact(const struct redact *r, struct rp_buf *text);

#endif
