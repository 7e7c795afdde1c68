/* SPDX-License-Identifier: MIT */
/* Verb verify-store: every file of a generation against its manifest. */
#include "cli.h"

#include "store/store.h"

static int verify_one(struct rp_cli *cli, const struct rp_store *st, const char *id,
	size_t *problems, struct rp_error *err)
{
	RP_CLEANUP(rp_store_check_free) struct rp_store_check check = RP_STORE_CHECK_INIT;
	struct rp_json *j = rp_cli_json(cli);
	char size[RP_HUMAN];
	int r;

	r = rp_store_verify(&cli->ctx, st, id, &check, err);
	if (r < 0)
		return r;
	rp_cli_out(cli, "%s: %llu files, %s: %s\n", id, (unsigned long long)check.n_files,
		rp_cli_size(check.n_bytes, size), check.n ? "PROBLEMS" : "as in the manifest");
	for (size_t i = 0; i < check.n; i++)
		rp_cli_out(cli, "  %s: %s\n", check.v[i].path, check.v[i].what);
	if (j) {
		rp_json_begin(j, '{');
		rp_json_kstr(j, "id", id);
		rp_json_kuint(j, "files", check.n_files);
		rp_json_kuint(j, "bytes", check.n_bytes);
		rp_json_kbegin(j, "problems", '[');
		for (size_t i = 0; i < check.n; i++) {
			rp_json_begin(j, '{');
			rp_json_kstr(j, "path", check.v[i].path);
			rp_json_kstr(j, "what", check.v[i].what);
			rp_json_end(j, '}');
		}
		rp_json_end(j, ']');
		rp_json_end(j, '}');
	}
	*problems += check.n;
	return 0;
}

static int verify_store_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_generation_list_free)
	struct rp_generation_list list = RP_GENERATION_LIST_INIT;
	RP_CLEANUP(rp_store_close) struct rp_store st = RP_STORE_INIT;
	struct rp_json *j = rp_cli_json(cli);
	struct rp_error err = RP_ERROR_INIT;
	const struct rp_generation *g = NULL;
	size_t problems = 0;
	int r;

	r = rp_store_open(&cli->ctx, cli->prefix, RP_STORE_READ, &st, &err);
	if (r == 0)
		r = rp_store_list(&st, &list, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (j)
		rp_json_kbegin(j, "generations", '[');
	for (int i = 0; r == 0 && i < argc; i++) {
		r = rp_store_find(&list, argv[i], &g, &err);
		if (r == 0)
			r = verify_one(cli, &st, g->id, &problems, &err);
	}
	for (size_t i = 0; r == 0 && argc == 0 && i < list.n; i++)
		r = verify_one(cli, &st, list.v[i].id, &problems, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (j)
		rp_json_end(j, ']');
	if (list.n == 0)
		rp_cli_out(cli, "no generation in %s: nothing was checked\n", st.prefix);
	return problems ? RP_EXIT_PROBLEMS : RP_EXIT_OK;
}

const struct rp_verb rp_verb_verify_store = {
	.name = "verify-store",
	.summary = "check every file of the store against its manifest",
	.operands = "[ID...]",
	.max_operands = RP_ANY,
	.exit_codes = RP_EXITS(0, 1, 2, 65, 66, 77),
	.run = verify_store_run,
};
