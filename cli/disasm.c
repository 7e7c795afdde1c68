/* SPDX-License-Identifier: MIT */
/*
 * Verb disasm: the machine code of code objects as llvm-objdump shows it, from any file that holds
 * some. Here: options, which functions are shown, what the search calls.
 */
#include "disasm.h"

#include <fcntl.h>
#include <fnmatch.h>

static void work_end(struct rp_disasm_work *w)
{
	rp_scanner_free(&w->scanner);
	rp_demangler_close(&w->demangler);
	rp_disasm_free(&w->listing);
	rp_buf_free(&w->out);
	rp_buf_free(&w->name);
	rp_strv_free(&w->others);
	free(w->first_kernel);
	free(w->next_kernel);
	free(w->selected);
}

/* ---- which functions ---- */

static bool has_part(const char *name, const char *part)
{
	return name && strstr(name, part);
}

static const char *scratch_name(struct rp_disasm_work *w, struct rp_span name)
{
	rp_buf_clear(&w->name);
	rp_buf_add(&w->name, name.p, name.n);
	return rp_buf_cstr(&w->name);
}

static bool name_matches(struct rp_disasm_work *w, struct rp_span name, const char *wanted)
{
	const char *symbol = scratch_name(w, name);
	const char *demangled = rp_demangle(&w->demangler, name);

	if (strpbrk(wanted, "*?["))
		return fnmatch(wanted, symbol, 0) == 0 ||
		       (demangled && fnmatch(wanted, demangled, 0) == 0);
	if (has_part(symbol, wanted) || has_part(demangled, wanted))
		return true;
	rp_buf_clear(&w->name);
	rp_mangled_names(name, &w->name);
	return has_part(rp_buf_cstr(&w->name), wanted);
}

/* Every name of a function: its own and those of the kernels that enter there. */
static bool function_matches(struct rp_disasm_work *w, size_t f, const char *wanted, bool exact)
{
	const struct rp_codeobj *o = w->object;

	if (exact ? rp_span_eq_str(o->functions[f].name, wanted)
		  : name_matches(w, o->functions[f].name, wanted))
		return true;
	for (uint32_t k = w->first_kernel[f]; k != RP_DISASM_NONE; k = w->next_kernel[k])
		if (exact ? rp_span_eq_str(o->kernels[k].name, wanted)
			  : name_matches(w, o->kernels[k].name, wanted))
			return true;
	return false;
}

/* A name that is somebody's in full stands for that one only. */
static size_t select_wanted(struct rp_disasm_work *w, const char *wanted)
{
	size_t n = 0;

	for (int exact = 1; exact >= 0 && n == 0; exact--)
		for (size_t f = 0; f < w->object->n_functions; f++)
			if (function_matches(w, f, wanted, exact)) {
				w->selected[f] = true;
				n++;
			}
	return n;
}

/* Fills the tables of the object at hand; ret: how many functions are to be shown. */
static int select_functions(struct rp_disasm_work *w, size_t *ret, struct rp_error *err)
{
	const struct rp_codeobj *o = w->object;
	size_t n = 0;

	free(w->first_kernel);
	free(w->next_kernel);
	free(w->selected);
	w->first_kernel = calloc(o->n_functions + 1, sizeof(*w->first_kernel));
	w->next_kernel = calloc(o->n_kernels + 1, sizeof(*w->next_kernel));
	w->selected = calloc(o->n_functions + 1, sizeof(*w->selected));
	if (!w->first_kernel || !w->next_kernel || !w->selected)
		return RP_NOMEM(err);
	for (size_t f = 0; f < o->n_functions; f++)
		w->first_kernel[f] = RP_DISASM_NONE;
	for (size_t k = o->n_kernels; k-- > 0;) {
		uint32_t *first = &w->first_kernel[o->kernels[k].function];

		w->next_kernel[k] = *first;
		*first = (uint32_t)k;
	}
	for (size_t i = 0; rp_cli_opt_nth(w->cli, "kernel", i); i++)
		n += select_wanted(w, rp_cli_opt_nth(w->cli, "kernel", i));
	if (!rp_cli_opt(w->cli, "kernel")) {
		n = o->n_functions;
		memset(w->selected, 1, n);
	}
	*ret = n;
	return 0;
}

/* ---- what the search calls ---- */

static bool is_wanted(
	void *data, const struct rp_codeobj_place *place, const struct rp_codeobj *header)
{
	struct rp_disasm_work *w = data;

	(void)place;
	if (header->chip && header->chip->isa != 0 && (!w->target || header->chip == w->target))
		return true;
	if (!rp_strv_has(&w->others, header->target) &&
		rp_strv_add(&w->others, header->target, NULL) < 0)
		return false; /* they are for a message only */
	return false;
}

static int on_object(void *data, const struct rp_codeobj_place *place, struct rp_codeobj *object,
	struct rp_error *err)
{
	struct rp_disasm_work *w = data;
	size_t n = 0;
	int r;

	w->object = object;
	r = select_functions(w, &n, err);
	if (r < 0 || (n == 0 && rp_cli_opt(w->cli, "kernel")))
		return r;
	w->n_objects++;
	return rp_disasm_show(w, place, err);
}

static int on_damage(void *data, const struct rp_codeobj_place *place,
	const struct rp_error *damage, struct rp_error *err)
{
	struct rp_disasm_work *w = data;
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	int r = rp_disasm_flush(w, 0, err);

	w->n_damaged++;
	rp_disasm_add_safe(&b, rp_span_str(place->path));
	if (place->member) {
		rp_buf_adds(&b, ": ");
		rp_disasm_add_safe(&b, rp_span_str(place->member));
	}
	rp_buf_addf(&b, ": offset 0x%llx: ", (unsigned long long)place->offset);
	rp_disasm_add_safe(&b, rp_span_str(damage->text));
	if (w->cli->json_mode == RP_JSON_LINES)
		rp_event_text(&w->cli->ctx, RP_EV_WARN, "%s", rp_buf_cstr(&b));
	else
		rp_cli_warn(w->cli, "%s", rp_buf_cstr(&b));
	return r;
}

/* Nothing was shown: which of the wishes is to blame. */
static int nothing_shown(
	struct rp_disasm_work *w, const char *path, uint64_t n_read, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf others = RP_BUF_INIT;

	RP_STRV_FOREACH (name, &w->others)
		rp_buf_addf(&others, "%s%s", others.n ? ", " : "", *name);
	if (n_read > 0)
		return RP_FAIL(err, -ENOENT, "%s: no kernel or function matches \"%s\"", path,
			rp_cli_opt(w->cli, "kernel") ? rp_cli_opt(w->cli, "kernel") : "");
	if (w->others.n > 0)
		return RP_FAIL(err, -EBADMSG, "%s has no code for %s, only for %s", path,
			w->target ? w->target->name : "a gfx10 chip", rp_buf_cstr(&others));
	return RP_FAIL(err, -EBADMSG, "%s: no AMDGPU code object in it%s", path,
		w->n_damaged > 0 ? " that can be read" : "");
}

static int show_path(struct rp_disasm_work *w, const char *path, struct rp_error *err)
{
	const struct rp_codeobj_visitor visitor = {
		.want = is_wanted, .object = on_object, .damage = on_damage, .data = w
	};
	const struct rp_codeobj_options options = { .max_unpacked_bytes = 0 };
	uint64_t before = w->n_objects;
	struct rp_codeobj_stats stats;
	int r;

	r = rp_codeobj_find(&w->cli->ctx, AT_FDCWD, path, &options, &visitor, &stats, err);
	if (r == 0)
		r = rp_disasm_flush(w, 0, err);
	if (r == 0 && w->n_objects == before)
		r = nothing_shown(w, path, stats.n_objects, err);
	return r;
}

/* A gfx10 chip by an option's value; *ret stays where the option is not given. 0 or the exit code. */
static int chip_option(struct rp_cli *cli, const char *option, const struct rp_chip **ret)
{
	const char *name = rp_cli_opt(cli, option);
	const struct rp_chip *chip;

	if (!name)
		return 0;
	chip = rp_chip_by_name(rp_span_str(name));
	if (!chip || chip->isa == 0)
		return rp_cli_usage(cli, "--%s: \"%s\" is no gfx10 chip", option, name);
	*ret = chip;
	return 0;
}

static int disasm_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(work_end)
	struct rp_disasm_work w = { .cli = cli,
		.scanner = RP_SCANNER_INIT,
		.demangler = RP_DEMANGLER_INIT,
		.listing = RP_DISASM_INIT,
		.colour = rp_cli_out_colour(cli) };
	struct rp_error err = RP_ERROR_INIT;
	struct rp_json *j;
	int r;

	r = chip_option(cli, "target", &w.target);
	if (r == 0)
		r = chip_option(cli, "for", &w.scan.chip);
	if (r != 0)
		return r;
	w.scan.strict = rp_cli_flag(cli, "strict");
	if (w.scan.strict && !w.scan.chip)
		return rp_cli_usage(cli, "--strict needs --for");
	if (!rp_demangler_open(&w.demangler))
		rp_event_text(
			&cli->ctx, RP_EV_DETAIL, "no libstdc++.so.6 here: names are not demangled");
	rp_disasm_list(&w, "objects");
	for (int i = 0; r == 0 && i < argc; i++)
		r = show_path(&w, argv[i], &err);
	if (r < 0) {
		struct rp_error ignored = RP_ERROR_INIT;

		/* what is finished stands before the error, which is the one to tell */
		if (rp_disasm_flush(&w, 0, &ignored) < 0)
			rp_buf_clear(&w.out);
		return rp_cli_fail(cli, r, &err);
	}
	rp_disasm_list_end(&w);
	j = rp_cli_json(cli);
	if (j) {
		rp_json_kuint(j, "objects_shown", w.n_objects);
		rp_json_kuint(j, "functions_shown", w.n_functions);
		rp_json_kuint(j, "damaged", w.n_damaged);
	}
	return r == 0 && w.n_damaged > 0 ? RP_EXIT_DATA : RP_EXIT_OK;
}

static const struct rp_option disasm_options[] = {
	{ "kernel", 'k', "NAME",
		"only kernels and functions of this name: exact, a glob, or a part of the "
		"demangled name (repeatable)",
		NULL },
	{ "target", 't', "CHIP", "only code objects that were made for this chip",
		"gfx1010 gfx1011 gfx1012 gfx1013 gfx1030 gfx1031 gfx1032 gfx1033 gfx1034 gfx1035 "
		"gfx1036 gfx10-1-generic gfx10-3-generic" },
	{ "for", 0, "CHIP", "mark what this card cannot run or runs wrongly",
		"gfx1010 gfx1011 gfx1012 gfx1013 gfx1030 gfx1031 gfx1032 gfx1033 gfx1034 gfx1035 "
		"gfx1036" },
	{ "strict", 0, NULL, "with --for: also what Mesa's compiler guards and LLVM does not",
		NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_disasm = {
	.name = "disasm",
	.summary = "show the machine code in a library, as llvm-objdump does",
	.operands = "FILE...",
	.description = "Finds gfx10 code objects in shared libraries, programs, bundles "
		       "(compressed, too), "
		       ".co and .hsaco files, archives, wheels and folders, and prints each kernel "
		       "with its "
		       "descriptor and instructions. Nothing else is needed: no LLVM, no ROCm.",
	.options = disasm_options,
	.min_operands = 1,
	.max_operands = RP_ANY,
	.exit_codes = RP_EXITS(0, 2, 65, 66, 71, 74, 77),
	.run = disasm_run,
};
