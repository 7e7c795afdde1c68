/* SPDX-License-Identifier: MIT */
/* Verb doctor: why this machine's card fails, and the shortest way that works. */
#include "doctor.h"
#include "virtual.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void doctor_free(struct doctor *d)
{
	rp_verdict_free(&d->verdict);
	rp_advice_free(&d->advice);
	rp_facts_free(&d->facts);
}

static bool has_verb(const char *name)
{
	for (size_t i = 0; rp_verbs[i]; i++)
		if (strcmp(rp_verbs[i]->name, name) == 0)
			return true;
	return false;
}

int doctor_facts(struct rp_cli *cli, const struct rp_probe_recorder *recorder, struct rp_facts *ret,
	struct rp_error *err)
{
	/* set by "run --gpu": the tree that its preload shows to programs; we read by other calls */
	const char *tree = rp_strv_getenv(&cli->env, RP_VIRTUAL_VARIABLE);
	RP_CLEANUP(rp_root_close) struct rp_root overlay = RP_ROOT_INIT;
	RP_CLEANUP(rp_free_p)
	char *touch = rp_asprintf("%s/rocm-patch-touch", cli->libexec_dir);
	RP_CLEANUP(rp_free_p) char *cache = NULL;
	struct rp_probe_options options = { .env = &cli->env, .recorder = recorder };
	int r;

	if (!touch)
		return RP_NOMEM(err);
	if (cli->root.is_host && tree && tree[0]) {
		r = rp_root_open(tree, &overlay, err);
		if (r < 0)
			return rp_error_prefix(err, r, RP_VIRTUAL_VARIABLE);
		options.overlay = &overlay;
	}
	if (access(touch, X_OK) == 0)
		options.touch_program = touch;
	if (rp_cli_cache_dir(cli, &cache, NULL) == 0)
		options.cache_dir = cache;
	return rp_probe_facts(&cli->ctx, &cli->root, &options, ret, err);
}

int doctor_examine(struct rp_cli *cli, int gpu, const struct rp_probe_recorder *recorder,
	struct doctor *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *dir = rp_path_join(cli->data_dir, "advice");
	const char *card;
	int r = dir ? doctor_facts(cli, recorder, &ret->facts, err) : RP_NOMEM(err);

	if (r == 0)
		r = rp_advice_load(AT_FDCWD, dir, &ret->advice, err);
	if (r < 0)
		return r;
	card = rp_advise_card(&ret->facts, gpu);
	if (!card && gpu >= 0)
		return RP_FAIL(err, -ENODEV,
			"--gpu=%d: this machine has %s AMD cards, counted from 0", gpu,
			rp_fact_get(&ret->facts, "machine", "n_cards"));
	r = rp_advise(&ret->advice, &ret->facts, card, has_verb, &ret->verdict, err);
	if (r == 0 && !card) {
		const char *nvidia = rp_fact_get(&ret->facts, "machine", "nvidia_cards");
		const char *bad = rp_fact_get(&ret->facts, "machine", "unreadable_devices");
		const char *pci = rp_fact_get(&ret->facts, "machine", "pci");

		return RP_FAIL(err, -ENODEV, "no AMD card found%s%s%s%s",
			nvidia ? "; there is one of NVIDIA, which ROCm does not use" : "",
			pci ? "; this machine shows no PCI devices (virtual machine, container)"
			    : "",
			bad ? "; unreadable PCI devices: " : "", bad ? bad : "");
	}
	return r;
}

static int doctor_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(doctor_free) struct doctor d = DOCTOR_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct rp_error err = RP_ERROR_INIT;
	struct rp_json *j = rp_cli_json(cli);
	uint64_t gpu = UINT64_MAX;
	int r = rp_cli_opt_number(cli, "gpu", 0, UINT64_MAX, &gpu), no_card;

	(void)argc;
	(void)argv;
	if (r)
		return r;
	if (gpu != UINT64_MAX && gpu > 1000)
		return rp_cli_usage(cli, "--gpu: too large");
	no_card = doctor_examine(cli, gpu == UINT64_MAX ? -1 : (int)gpu, NULL, &d, &err);
	if (no_card < 0 && no_card != -ENODEV)
		return rp_cli_fail(cli, no_card, &err);
	if (j)
		doctor_json(&d, j);
	else if (rp_cli_flag(cli, "facts"))
		doctor_render_facts(&d.facts, cli->utf8, &text);
	else if (no_card == 0)
		doctor_render(&d, rp_cli_flag(cli, "brief"), cli->utf8, &text);
	r = rp_buf_check(&text, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	rp_cli_out_raw(cli, rp_buf_span(&text));
	if (no_card < 0)
		return rp_cli_fail(cli, no_card, &err);
	return d.verdict.problems ? RP_EXIT_PROBLEMS : RP_EXIT_OK;
}

static const struct rp_option doctor_options[] = {
	{ "gpu", 'g', "N", "the card to speak about, from 0 (default: the first gfx10 card)",
		NULL },
	{ "brief", 'b', NULL, "only the verdict and the shortest path", NULL },
	{ "facts", 0, NULL, "list every fact with where it was read, instead", NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_doctor = {
	.name = "doctor",
	.summary = "say why this machine's card fails under ROCm, and the shortest way that works",
	.description =
		"Reads the system (never more than that), needs no ROCm, no root and no card that "
		"answers. Every finding says what was seen, which explanation it speaks of and "
		"where that is known from; nothing of it was proven on a card by this project.",
	.options = doctor_options,
	.flags = RP_VERB_READS_SYSTEM,
	.exit_codes = RP_EXITS(0, 1, 2, 65, 69),
	.run = doctor_run,
};
