/* SPDX-License-Identifier: MIT */
/* What build and fix share: the host of a build, the plan shown, the proof shown. */
#ifndef RP_CLI_BUILDER_H
#define RP_CLI_BUILDER_H

#include "cli.h"

#include "build/build.h"

struct rp_builder {
	struct rp_source_env sources;
	struct rp_build_host host;
	struct rp_strv only, without;
	struct rp_source source; /* --source */
	bool has_source;
	char *cache_dir, *load_helper;
	struct rp_build_plan plan;
	struct rp_proof proof;
	bool in_store; /* the generation exists already */
	int64_t started_ms;
};

#define RP_BUILDER_OPTIONS                                                                        \
	{ "only", 0, "ID", "only this patch and what it requires (repeatable)", NULL },           \
		{ "without", 0, "ID", "not this patch (repeatable)", NULL },                      \
		{ "source", 0, "SOURCE",                                                          \
			"deb:PACKAGE/SUITE[=VERSION], git:URL#REV, a tarball or a directory",     \
			"@file" },                                                                \
		{ "patches", 0, "DIR", "patch definitions from DIR instead of the built-in ones", \
			"@dir" },                                                                 \
		{ "offline", 0, NULL, "use the cache only, no network", NULL },                   \
	{                                                                                         \
		"jobs", 'j', "N", "parallel jobs (default: number of processors)", NULL           \
	}

void rp_builder_free(struct rp_builder *b);
/* Options, host and plan for one component. 0, or the exit code + 1 is in *ret_exit and false. */
RP_MUST_CHECK bool rp_builder_begin(
	struct rp_cli *cli, const char *component, struct rp_builder *b, int *ret_exit);
/* The plan as text and JSON member "plan". */
void rp_builder_show_plan(struct rp_cli *cli, struct rp_builder *b);
/* Runs all stages and the proof; a proof that fails is -EPROTO. */
RP_MUST_CHECK int rp_builder_build(struct rp_cli *cli, struct rp_builder *b, struct rp_error *err);
/* What was proven and what not, as text and JSON member "proof". */
void rp_builder_show_proof(struct rp_cli *cli, const struct rp_builder *b);
/* Into the store, if it is not there. */
RP_MUST_CHECK int rp_builder_publish(
	struct rp_cli *cli, struct rp_builder *b, struct rp_store *st, struct rp_error *err);
/* Before the work: can the store be written? Names what to do if not. */
RP_MUST_CHECK int rp_builder_check_store(struct rp_cli *cli, struct rp_error *err);

#endif
