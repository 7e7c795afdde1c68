/* SPDX-License-Identifier: MIT */
/* Verb list: the generations in the store. */
#include "cli.h"

#include "store/store.h"

static void out_words(struct rp_cli *cli, const struct rp_strv *sv)
{
	for (size_t i = 0; i < sv->n; i++)
		rp_cli_out(cli, "%s%s", i ? ", " : "", sv->v[i]);
}

static void json_words(struct rp_json *j, const char *key, const struct rp_strv *sv)
{
	rp_json_kbegin(j, key, '[');
	for (size_t i = 0; i < sv->n; i++)
		rp_json_str(j, sv->v[i]);
	rp_json_end(j, ']');
}

static void show(struct rp_cli *cli, const struct rp_generation *g)
{
	struct rp_json *j = rp_cli_json(cli);
	char size[RP_HUMAN];

	rp_cli_out(cli, "%c %-22s ", g->active ? '*' : g->previous ? '-' : ' ', g->id);
	if (g->damage) {
		rp_cli_out(cli, "DAMAGED: %s\n", g->damage);
	} else {
		rp_cli_out(cli, "%-20s  %8s  ", g->created, rp_cli_size(g->size_bytes, size));
		out_words(cli, &g->components);
		rp_cli_out(cli, "; patches ");
		out_words(cli, &g->patches);
		rp_cli_out(cli, "%s\n", g->patches.n ? "" : "none");
	}
	if (!j)
		return;
	rp_json_begin(j, '{');
	rp_json_kstr(j, "id", g->id);
	rp_json_kbool(j, "active", g->active);
	rp_json_kbool(j, "previous", g->previous);
	rp_json_kstr(j, "damage", g->damage);
	rp_json_kstr(j, "version", g->version);
	rp_json_kstr(j, "key", g->key);
	rp_json_kstr(j, "created", g->created);
	rp_json_kuint(j, "bytes", g->size_bytes);
	rp_json_kuint(j, "files", g->n_files);
	json_words(j, "components", &g->components);
	json_words(j, "patches", &g->patches);
	rp_json_end(j, '}');
}

static int list_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_generation_list_free)
	struct rp_generation_list list = RP_GENERATION_LIST_INIT;
	RP_CLEANUP(rp_store_close) struct rp_store st = RP_STORE_INIT;
	struct rp_json *j = rp_cli_json(cli);
	struct rp_error err = RP_ERROR_INIT;
	bool damaged = false;
	int r;

	(void)argc;
	(void)argv;
	r = rp_store_open(&cli->ctx, cli->prefix, RP_STORE_READ, &st, &err);
	if (r == 0)
		r = rp_store_list(&st, &list, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (j) {
		rp_json_kstr(j, "prefix", st.prefix);
		rp_json_kbegin(j, "generations", '[');
	}
	for (size_t i = 0; i < list.n; i++) {
		show(cli, &list.v[i]);
		damaged |= list.v[i].damage != NULL;
	}
	if (j)
		rp_json_end(j, ']');
	if (list.n == 0)
		rp_cli_out(cli, "no generation in %s\n", st.prefix);
	return damaged ? RP_EXIT_PROBLEMS : RP_EXIT_OK;
}

const struct rp_verb rp_verb_list = {
	.name = "list",
	.summary = "list the patched runtimes in the store",
	.description = "Newest first. \"*\" is active, \"-\" is what rollback would activate.",
	.exit_codes = RP_EXITS(0, 1, 2, 65, 77),
	.run = list_run,
};
