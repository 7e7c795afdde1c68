/* SPDX-License-Identifier: MIT */
/* Verb scan: what a card cannot run, or runs wrongly, in files with GPU code. */
#include "scan.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static void free_run(struct scan_run *run)
{
	for (size_t u = 0; u < run->n_units; u++) {
		free(run->units[u].name);
		free(run->units[u].last_path);
		free(run->units[u].targets);
	}
	free(run->units);
	scan_opcodes_free(run);
	rp_scanner_free(&run->scanner);
}

/* The name of the unit that an object belongs to: its file, or the folder of bare code objects. */
static char *unit_name(
	const struct scan_run *run, const struct rp_codeobj_place *p, bool *ret_folder)
{
	RP_CLEANUP(rp_free_p)
	char *name = p->member ? rp_asprintf("%s!%s", p->path, p->member)
			       : rp_span_dup(rp_span_str(p->path));
	char *slash = name ? strrchr(name, '/') : NULL;

	*ret_folder = p->entry_id.n == 0 && slash && (run->argument_is_folder || p->member);
	if (*ret_folder)
		slash[1] = '\0';
	return RP_STEAL(name);
}

static int unit_of(struct scan_run *run, const struct rp_codeobj_place *place,
	struct scan_unit **ret, struct rp_error *err)
{
	bool is_folder = false;
	RP_CLEANUP(rp_free_p) char *name = unit_name(run, place, &is_folder);
	struct scan_unit *u;

	if (!name)
		return RP_NOMEM(err);
	for (size_t i = run->n_units; i-- > 0;) { /* the last one, mostly */
		if (strcmp(run->units[i].name, name) == 0) {
			*ret = &run->units[i];
			return 0;
		}
	}
	if (run->n_units == run->cap_units &&
		rp_array_grow(&run->units, &run->cap_units, run->n_units, sizeof(*run->units)) < 0)
		return RP_NOMEM(err);
	u = &run->units[run->n_units++];
	*u = (struct scan_unit){ .name = RP_STEAL(name), .is_folder = is_folder };
	*ret = u;
	return 0;
}

static int target_of(
	struct scan_unit *u, const char *name, struct scan_target **ret, struct rp_error *err)
{
	struct scan_target *t;

	for (size_t i = 0; i < u->n_targets; i++) {
		if (strcmp(u->targets[i].target, name) == 0) {
			*ret = &u->targets[i];
			return 0;
		}
	}
	if (u->n_targets == u->cap_targets &&
		rp_array_grow(&u->targets, &u->cap_targets, u->n_targets, sizeof(*u->targets)) < 0)
		return RP_NOMEM(err);
	t = &u->targets[u->n_targets++];
	*t = (struct scan_target){ 0 };
	(void)snprintf(t->target, sizeof(t->target), "%s", name); /* as long as its source */
	*ret = t;
	return 0;
}

static int on_found(void *data, const struct rp_scan_found *found, struct rp_error *err)
{
	struct scan_run *run = data;
	struct scan_unit *unit = NULL;
	struct scan_target *target = NULL;
	int r = unit_of(run, found->place, &unit, err);

	if (r == 0)
		r = target_of(unit, found->object->target, &target, err);
	if (r < 0)
		return r;
	if (!unit->last_path || strcmp(unit->last_path, found->place->path) != 0) {
		free(unit->last_path);
		unit->last_path = rp_span_dup(rp_span_str(found->place->path));
		if (!unit->last_path)
			return RP_NOMEM(err);
		unit->n_files++;
	}
	target->chip = found->object->chip;
	target->is_native = found->is_native;
	target->is_scanned |= found->is_scanned;
	target->n_files++;
	rp_scan_add(&target->result, found->result);
	if (run->count_opcodes && found->is_scanned) {
		r = scan_opcodes_add(run, found, err);
		if (r < 0)
			return r;
	}
	return run->listed && found->is_scanned ? scan_list(run, found, err) : 0;
}

static int on_damage(void *data, const struct rp_codeobj_place *place,
	const struct rp_error *damage, struct rp_error *err)
{
	struct scan_run *run = data;

	(void)err;
	run->n_damaged++;
	rp_cli_warn(run->cli, "%s%s%s: offset 0x%llx: %s", place->path, place->member ? "!" : "",
		place->member ? place->member : "", (unsigned long long)place->offset,
		damage->text);
	return 0;
}

const struct scan_target *scan_best(const struct scan_unit *unit)
{
	const struct scan_target *best = NULL;

	for (size_t i = 0; i < unit->n_targets; i++) {
		const struct scan_target *t = &unit->targets[i];

		if (!t->is_scanned)
			continue;
		if (!best || (t->is_native && !best->is_native) ||
			(t->is_native == best->is_native &&
				t->result.affected.functions < best->result.affected.functions))
			best = t;
	}
	return best;
}

enum scan_verdict scan_verdict_of(const struct scan_unit *unit)
{
	const struct scan_target *best = scan_best(unit);

	if (!best)
		return SCAN_NO_CODE;
	if (best->is_native)
		return best->result.affected.functions ? SCAN_NATIVE_AFFECTED : SCAN_NATIVE_CLEAN;
	return best->result.affected.functions ? SCAN_OTHER_AFFECTED : SCAN_OTHER_CLEAN;
}

const char *scan_verdict_name(enum scan_verdict verdict)
{
	static const char *const names[SCAN_VERDICT_MAX] = { "native-clean", "native-affected",
		"other-clean", "other-affected", "no-code" };

	return names[verdict];
}

bool scan_verdict_is_problem(enum scan_verdict verdict)
{
	return verdict != SCAN_NATIVE_CLEAN && verdict != SCAN_OTHER_CLEAN;
}

int scan_totals(const struct scan_run *run, struct scan_unit *ret, struct rp_error *err)
{
	*ret = (struct scan_unit){ 0 };
	for (int native = 1; native >= 0; native--) {
		for (size_t u = 0; u < run->n_units; u++) {
			for (size_t i = 0; i < run->units[u].n_targets; i++) {
				const struct scan_target *t = &run->units[u].targets[i];
				struct scan_target *to = NULL;

				if (!t->is_scanned || t->is_native != (native == 1))
					continue;
				if (target_of(ret, t->target, &to, err) < 0) {
					free(ret->targets);
					return -ENOMEM;
				}
				to->chip = t->chip;
				to->is_native = t->is_native;
				to->is_scanned = true;
				to->n_files += t->n_files;
				rp_scan_add(&to->result, &t->result);
			}
		}
	}
	return 0;
}

static int no_card(struct rp_cli *cli, const struct rp_card *other, size_t n_unreadable)
{
	static const char hint[] = "--for=CHIP asks for a chip";
	struct rp_error err = RP_ERROR_INIT;
	int r;

	if (other)
		r = RP_FAIL(&err, -ENODEV, "no gfx10 card: %s is PCI id 1002:%04x%s%s; %s",
			other->slot, (unsigned int)other->device, other->chip ? ", " : "",
			other->chip ? other->chip->name : "", hint);
	else if (n_unreadable)
		r = RP_FAIL(&err, -ENODEV, "no AMD card found; %zu devices are not readable; %s",
			n_unreadable, hint);
	else
		r = RP_FAIL(&err, -ENODEV, "this machine has no AMD card; %s", hint);
	return rp_cli_fail(cli, r, &err);
}

/* The card that --for names, or the machine's. 0 or the exit code. */
static int choose_chip(struct scan_run *run, const struct rp_card_list *cards, size_t n_unreadable)
{
	const char *name = rp_cli_opt(run->cli, "for");
	const struct rp_card *other = NULL;

	if (name) {
		run->options.chip = rp_chip_by_name(rp_span_str(name));
		if (!run->options.chip)
			return rp_cli_usage(run->cli, "--for=%s: no such chip", name);
		if (!run->options.chip->isa)
			return rp_cli_usage(
				run->cli, "--for=%s: only gfx10 chips (gfx1010 to gfx1036)", name);
		return 0;
	}
	for (size_t i = 0; i < cards->n; i++) {
		const struct rp_card *c = &cards->v[i];

		if (!c->chip || !c->chip->isa || run->card) {
			other = c;
			continue;
		}
		run->card = c;
		run->options.chip = c->chip;
	}
	if (run->card) {
		if (other)
			rp_cli_note(run->cli,
				"note: this machine has %zu AMD cards; this is about %s", cards->n,
				run->card->slot);
		return 0;
	}
	return no_card(run->cli, other, n_unreadable);
}

/* --class and --kernels. 0 or the exit code. */
static int choose_listed(struct scan_run *run)
{
	uint32_t possible = rp_scan_classes_for(run->options.chip, run->options.strict);
	const char *name;

	for (size_t i = 0; (name = rp_cli_opt_nth(run->cli, "class", i)); i++) {
		int c = rp_scan_class_by_name(rp_span_str(name));

		if (c < 0)
			return rp_cli_usage(run->cli, "--class=%s: no such class", name);
		if (!(possible & RP_SCAN_BIT(c)))
			rp_cli_warn(run->cli, "%s does not exist on %s%s", name,
				run->options.chip->name,
				rp_scan_class_info((unsigned int)c)->strict ? " without --strict"
									    : "");
		run->listed |= RP_SCAN_BIT(c);
	}
	if (run->listed && !rp_cli_flag(run->cli, "kernels"))
		return rp_cli_usage(run->cli, "--class needs --kernels");
	if (!run->listed && rp_cli_flag(run->cli, "kernels"))
		run->listed = rp_scan_classes_of(RP_SCAN_FAULT) | rp_scan_classes_of(RP_SCAN_WRONG);
	return 0;
}

static int scan_paths(struct scan_run *run, int argc, char **argv)
{
	struct rp_scan_visitor v = { on_found, on_damage, run };
	struct rp_json *j = rp_cli_json(run->cli);
	struct rp_error err = RP_ERROR_INIT;
	struct rp_codeobj_stats stats;
	uint64_t threads = 0;
	struct stat st;
	int r = rp_cli_opt_number(run->cli, "jobs", 1, 0, &threads);

	if (r)
		return r;
	if (j && run->listed)
		rp_json_kbegin(j, "kernels", '[');
	for (int i = 0; i < argc && r == 0; i++) {
		run->argument_is_folder = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
		r = rp_scan_find(&run->cli->ctx, AT_FDCWD, argv[i], &run->options,
			(unsigned int)threads, &v, &stats, &err);
		run->stats.n_files += stats.n_files;
		run->stats.n_links += stats.n_links;
		run->n_bitcode += stats.n_bitcode;
		run->n_relocatable += stats.n_relocatable;
	}
	if (j && run->listed)
		rp_json_end(j, ']');
	return r < 0 ? rp_cli_fail(run->cli, r, &err) : 0;
}

static int explain(struct rp_cli *cli, const char *name)
{
	int c = rp_scan_class_by_name(rp_span_str(name));

	if (c < 0)
		return rp_cli_usage(
			cli, "--explain=%s: no such class (\"--explain=all\" shows all)", name);
	scan_explain(cli, (unsigned int)c, false);
	return RP_EXIT_OK;
}

static int explain_all(struct rp_cli *cli)
{
	struct rp_json *j = rp_cli_json(cli);

	if (j)
		rp_json_kbegin(j, "classes", '[');
	for (unsigned int c = 0; c < RP_SCAN_CLASS_MAX; c++)
		scan_explain(cli, c, true);
	if (j)
		rp_json_end(j, ']');
	return RP_EXIT_OK;
}

static int scan_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(free_run)
	struct scan_run run = { .cli = cli, .scanner = RP_SCANNER_INIT };
	RP_CLEANUP(rp_card_list_free) struct rp_card_list cards = { 0 };
	const char *class = rp_cli_opt(cli, "explain");
	struct rp_error err = RP_ERROR_INIT;
	size_t n_unreadable = 0;
	bool problem = false;
	int r;

	if (class)
		return strcmp(class, "all") == 0 ? explain_all(cli) : explain(cli, class);
	if (argc == 0)
		return rp_cli_usage(cli, "a PATH is missing");
	run.options.strict = rp_cli_flag(cli, "strict");
	run.count_opcodes = rp_cli_flag(cli, "opcodes");
	r = rp_probe_cards(&cli->root, &cards, &n_unreadable, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	r = choose_chip(&run, &cards, n_unreadable);
	if (r == 0)
		r = choose_listed(&run);
	if (r == 0)
		r = scan_paths(&run, argc, argv);
	if (r)
		return r;
	r = scan_render(&run, &err);
	if (r == 0)
		r = scan_opcodes_render(&run, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	for (size_t u = 0; u < run.n_units; u++)
		problem |= scan_verdict_is_problem(scan_verdict_of(&run.units[u]));
	return problem ? RP_EXIT_PROBLEMS : run.n_damaged ? RP_EXIT_DATA : RP_EXIT_OK;
}

/* for completion; tests/scan/test_verb.py holds it against lib/scan's table */
#define SCAN_CLASSES                                                                             \
	"illegal-opcode inst-prefetch branch-3f smem-to-vector nsa-length other-instruction "    \
	"flat-offset vmem-to-scalar vcmpx-exec-war vcmpx-permlane lds-branch-vmem nsa-to-vmem "  \
	"nsa-clause scratch-offset lds-misaligned lds-wide null-sdst shader-cycles undecodable " \
	"saveexec-exec"

static const struct rp_option scan_options[] = {
	{ "for", 0, "CHIP", "the card to ask for (default: the card of this machine)",
		"gfx1010 gfx1011 gfx1012 gfx1030 gfx1031 gfx1032 gfx1033 gfx1034 gfx1035 gfx1036" },
	{ "kernels", 'k', NULL, "list every kernel with its instructions: offset, class, text",
		NULL },
	{ "class", 'c', "CLASS", "with --kernels: only this class (may be repeated)",
		SCAN_CLASSES },
	{ "explain", 0, "CLASS",
		"say what a class means, where it is known from, what a compiler does; all: all "
		"classes",
		"all " SCAN_CLASSES },
	{ "opcodes", 0, NULL, "count each opcode, and say whether the virtual card can execute it",
		NULL },
	{ "strict", 0, NULL, "also count what Mesa's compiler guards and LLVM does not", NULL },
	{ "jobs", 'j', "N", "number of threads (default: one a processor)", NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_scan = {
	.name = "scan",
	.summary = "find the instructions in GPU code that a card cannot run or runs wrongly",
	.operands = "PATH...",
	.description = "PATH: a library or program, a code object (.co, .hsaco), an offload "
		       "bundle, an ar archive, a "
		       "Python wheel, or a folder with any of these. Everything is by reading: the "
		       "rules are those of "
		       "LLVM, AMD's own compiler, for the card's chip; no card is touched.",
	.options = scan_options,
	.flags = RP_VERB_READS_SYSTEM,
	.max_operands = RP_ANY,
	.exit_codes = RP_EXITS(0, 1, 2, 65, 66, 69, 77),
	.run = scan_run,
};
