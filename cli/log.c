/* SPDX-License-Identifier: MIT */
/* Verb log: recordings of the virtual card, compared. */
#include "cli.h"

#include <fcntl.h>

#include "patch/patch.h"
#include "vgpu/vgpu.h"

#define MAX_LOG (UINT32_C(1) << 30)

static int read_log(const char *path, bool all, struct rp_buf *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf raw = RP_BUF_INIT;
	int r = rp_file_read(AT_FDCWD, path, MAX_LOG, &raw, err);

	return r < 0 ? r : rp_vgpu_log_normalise(rp_buf_span(&raw), path, all, ret, err);
}

static int diff_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf a = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf diff = RP_BUF_INIT;
	struct rp_json *j = rp_cli_json(cli);
	struct rp_error err = RP_ERROR_INIT;
	uint64_t removed = 0, added = 0;
	struct rp_span rest, line;
	int r;

	(void)argc;
	r = read_log(argv[0], rp_cli_flag(cli, "all"), &a, &err);
	if (r == 0)
		r = read_log(argv[1], rp_cli_flag(cli, "all"), &b, &err);
	if (r == 0)
		r = rp_diff_file("log", rp_buf_span(&a), rp_buf_span(&b), &diff, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (j)
		rp_json_kbegin(j, "lines", '[');
	rest = rp_buf_span(&diff);
	for (size_t n = 0; rp_span_line(&rest, &line); n++) {
		if (n < 2) { /* the names of the files, not of what they were made of */
			rp_cli_out(cli, "%s %s\n", n ? "+++" : "---", argv[n]);
			continue;
		}
		removed += rp_span_starts(line, "-");
		added += rp_span_starts(line, "+");
		if (j)
			rp_json_span(j, line);
		rp_cli_out_raw(cli, line);
		rp_cli_out(cli, "\n");
	}
	if (j) {
		rp_json_end(j, ']');
		rp_json_kbool(j, "same", diff.n == 0);
		rp_json_kuint(j, "removed", removed);
		rp_json_kuint(j, "added", added);
	}
	return diff.n ? RP_EXIT_PROBLEMS : RP_EXIT_OK;
}

static const struct rp_option diff_options[] = {
	{ "all", 0, NULL, "also calls whose number depends on timing (marked ~)", NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

static const struct rp_verb verb_diff = {
	.name = "diff",
	.summary = "compare two recordings of driver calls",
	.operands = "FILE FILE",
	.description =
		"Prints what differs as a unified diff; nothing and exit status 0 if nothing does.",
	.options = diff_options,
	.min_operands = 2,
	.max_operands = 2,
	.exit_codes = RP_EXITS(0, 1, 2, 65, 66, 77),
	.run = diff_run,
};

static const struct rp_verb *const subs[] = { &verb_diff, NULL };

const struct rp_verb rp_verb_log = {
	.name = "log",
	.summary = "work with recordings of the virtual card's driver calls",
	.subs = subs,
};
