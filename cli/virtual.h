/* SPDX-License-Identifier: MIT */
/* The virtual card for verbs that start programs: options, and what a program needs to find it. */
#ifndef RP_CLI_VIRTUAL_H
#define RP_CLI_VIRTUAL_H

#include "cli.h"

#define RP_VIRTUAL_VARIABLE "ROCM_PATCH_VGPU" /* in the environment of who runs on a virtual card */

/* members of an array of struct rp_option */
#define RP_CARD_OPTIONS                                                                     \
	{ "gpu", 0, "CHIP",                                                                 \
		"real: the machine's card (default); gfx1010, gfx1030, ...: a virtual one", \
		"real gfx1010 gfx1012 gfx1030 gfx1031 gfx1032" },                           \
	{                                                                                   \
		"profile", 0, "NAME[,KEY=VALUE...]",                                        \
			"which virtual card and machine, see rocm-patch-run(1)",            \
			"rx-5500-xt rx-5600-xt rx-5700-xt pro-w5500 rx-6600 rx-6700-xt "    \
			"rx-6800-xt"                                                        \
	}

#define RP_VIRTUAL_OPTIONS                                                                        \
	RP_CARD_OPTIONS,                                                                          \
		{ "log", 0, "FILE", "record every driver call of the virtual card; -: on stderr", \
			"@file" },                                                                \
		{ "execute", 0, "HOW",                                                            \
			"on (default): kernels run; off: they are consumed, only driver calls "   \
			"are real",                                                               \
			"on off" },                                                               \
		{ "hazards", 0, "HOW",                                                            \
			"timing hazards on the executed path: off (default); warn: count; "       \
			"corrupt: spoil what they endanger",                                      \
			"off warn corrupt" },                                                     \
		{ "defects", 0, "CHANGES",                                                        \
			"switch defects of the chip off and on: -NAME, +NAME, none; see below",   \
			NULL },                                                                   \
		{ "report", 0, "FILE",                                                            \
			"write what was executed, how exactly, and what acted, as JSON; -: on "   \
			"stderr",                                                                 \
			"@file" },                                                                \
	{                                                                                         \
		"strict-mtype", 0, NULL,                                                          \
			"model a hypothesis: access to coherent memory of the card faults", NULL  \
	}

struct rp_virtual {
	bool on;
	char *library; /* owned: the preload library */
	char *tree; /* owned: what ROCM_PATCH_VGPU names */
	char *log; /* owned: absolute path of the recording, "-", or NULL */
	char *report; /* owned: of the fidelity report, the same */
	const char *execute, *hazards; /* the options' words, or NULL */
};

#define RP_VIRTUAL_INIT                                   \
	{                                                 \
		false, NULL, NULL, NULL, NULL, NULL, NULL \
	}

void rp_virtual_free(struct rp_virtual *v);

/* Checks the options against each other: 0, or an exit code with its message printed. */
RP_MUST_CHECK int rp_virtual_check(struct rp_cli *cli);

bool rp_virtual_wanted(const struct rp_cli *cli);

/* Makes the tree, and the recording (not with -n). Only if one is wanted, else ret->on is false. */
RP_MUST_CHECK int rp_virtual_prepare(
	struct rp_cli *cli, struct rp_virtual *ret, struct rp_error *err);

/* Appends the variables (NAME=VALUE) that put a program on it; none if none is wanted. */
RP_MUST_CHECK int rp_virtual_env(struct rp_cli *cli, struct rp_strv *changed, struct rp_error *err);

#endif
