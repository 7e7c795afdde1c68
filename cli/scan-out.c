/* SPDX-License-Identifier: MIT */
/* Verb scan: its one screen, its list of kernels, its JSON. */
#include "scan.h"

#include <stdio.h>

#define MAX_ROWS 12 /* units on the screen */

static const char by_reading[] =
	"By reading: what LLVM, AMD's own compiler, avoids on this chip. No card was touched.";

/* A name for the terminal: no control characters; long ones lose their beginning. */
static const char *shown(const char *name, size_t width, char *buf, size_t size)
{
	size_t n = strlen(name), from = n > width ? n - width + 3 : 0, k = 0;

	if (from)
		for (; k < 3 && k + 1 < size; k++)
			buf[k] = '.';
	for (; from < n && k + 1 < size; from++, k++)
		buf[k] = (unsigned char)name[from] < 0x20 || name[from] == 0x7f ? '?' : name[from];
	buf[k] = '\0';
	return buf;
}

/* s behind a number: "1 kernel", "2 kernels". */
static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void json_count(struct rp_json *j, const char *key, const struct rp_scan_count *c)
{
	rp_json_kbegin(j, key, '{');
	rp_json_kuint(j, "instructions", c->instructions);
	rp_json_kuint(j, "functions", c->functions);
	rp_json_kuint(j, "kernels", c->kernels);
	rp_json_end(j, '}');
}

static void json_result(struct rp_json *j, const struct rp_scan_result *r)
{
	rp_json_kuint(j, "kernels", r->n_kernels);
	rp_json_kuint(j, "functions", r->n_functions);
	rp_json_kuint(j, "instructions", r->n_instructions);
	rp_json_kuint(j, "code_bytes", r->code_bytes);
	json_count(j, "affected", &r->affected);
	json_count(j, "hard", &r->hard);
	json_count(j, "faults_or_hangs", &r->severities[RP_SCAN_FAULT]);
	json_count(j, "wrong_data", &r->severities[RP_SCAN_WRONG]);
	json_count(j, "cannot_tell", &r->severities[RP_SCAN_UNKNOWN]);
	rp_json_kbegin(j, "classes", '{');
	for (unsigned int c = 0; c < RP_SCAN_CLASS_MAX; c++)
		if (r->classes[c].functions)
			json_count(j, rp_scan_class_info(c)->name, &r->classes[c]);
	rp_json_end(j, '}');
}

static void json_target(struct rp_json *j, const struct scan_target *t)
{
	rp_json_begin(j, '{');
	rp_json_kstr(j, "target", t->target);
	rp_json_kbool(j, "native", t->is_native);
	rp_json_kbool(j, "scanned", t->is_scanned);
	rp_json_kuint(j, "objects", t->result.n_objects);
	if (t->is_scanned)
		json_result(j, &t->result);
	rp_json_end(j, '}');
}

static void json_unit(struct rp_json *j, const struct scan_unit *u)
{
	enum scan_verdict verdict = scan_verdict_of(u);

	rp_json_begin(j, '{');
	rp_json_kstr(j, "path", u->name);
	rp_json_kbool(j, "is_folder", u->is_folder);
	rp_json_kuint(j, "files", u->n_files);
	rp_json_kstr(j, "verdict", scan_verdict_name(verdict));
	rp_json_kbool(j, "problem", scan_verdict_is_problem(verdict));
	rp_json_kbegin(j, "targets", '[');
	for (size_t i = 0; i < u->n_targets; i++)
		json_target(j, &u->targets[i]);
	rp_json_end(j, ']');
	rp_json_end(j, '}');
}

static void render_json(struct scan_run *run, struct rp_json *j, const struct scan_unit *totals)
{
	rp_json_kstr(j, "for", run->options.chip->name);
	rp_json_kbool(j, "strict", run->options.strict);
	rp_json_kstr(j, "evidence", "reading");
	rp_json_key(j, "card");
	if (run->card) {
		rp_json_begin(j, '{');
		rp_json_kstr(j, "slot", run->card->slot);
		rp_json_kuint(j, "device", run->card->device);
		rp_json_kuint(j, "revision", run->card->revision);
		rp_json_kstr(j, "product", run->card->product);
		rp_json_end(j, '}');
	} else {
		rp_json_null(j);
	}
	rp_json_kbegin(j, "units", '[');
	for (size_t u = 0; u < run->n_units; u++)
		json_unit(j, &run->units[u]);
	rp_json_end(j, ']');
	rp_json_kbegin(j, "totals", '[');
	for (size_t i = 0; i < totals->n_targets; i++)
		json_target(j, &totals->targets[i]);
	rp_json_end(j, ']');
	rp_json_kuint(j, "files", run->stats.n_files);
	rp_json_kuint(j, "damaged", run->n_damaged);
	rp_json_kuint(j, "bitcode", run->n_bitcode);
	rp_json_kuint(j, "relocatable", run->n_relocatable);
}

/* Classes of one severity, those with the most functions first. */
static void show_severity(
	struct rp_cli *cli, const struct rp_scan_result *r, enum rp_scan_severity severity)
{
	uint32_t set = rp_scan_classes_of(severity);

	if (!r->severities[severity].functions)
		return;
	rp_cli_out(cli, "  %-22s %9llu\n", rp_scan_severity_name(severity),
		(unsigned long long)r->severities[severity].functions);
	while (set) {
		unsigned int best = (unsigned int)__builtin_ctz(set);

		for (uint32_t left = set; left; left &= left - 1) {
			unsigned int i = (unsigned int)__builtin_ctz(left);

			if (r->classes[i].functions > r->classes[best].functions)
				best = i;
		}
		set &= ~RP_SCAN_BIT(best);
		if (!r->classes[best].functions)
			break;
		rp_cli_out(cli, "    %-20s %9llu %13llu\n", rp_scan_class_info(best)->name,
			(unsigned long long)r->classes[best].functions,
			(unsigned long long)r->classes[best].instructions);
	}
}

static void show_target(struct scan_run *run, const struct scan_target *t)
{
	const struct rp_scan_result *r = &t->result;
	struct rp_cli *cli = run->cli;
	bool any = r->affected.functions || r->severities[RP_SCAN_UNKNOWN].functions;

	rp_cli_out(cli,
		"\n%s code%s: %llu function%s (%llu kernel%s), %llu with a fault or wrong data\n",
		t->target, t->is_native ? " (native)" : ", if this card runs it",
		(unsigned long long)r->n_functions, plural(r->n_functions),
		(unsigned long long)r->n_kernels, plural(r->n_kernels),
		(unsigned long long)r->affected.functions);
	if (any)
		rp_cli_out(cli, "                           functions  instructions\n");
	for (unsigned int s = 0; s < RP_SCAN_SEVERITY_MAX; s++)
		show_severity(cli, r, (enum rp_scan_severity)s);
}

/* "gfx906 gfx1030 (3 targets)" without the native ones. */
static void other_targets(const struct scan_unit *u, char *buf, size_t size)
{
	size_t n = 0, left = 0;

	buf[0] = '\0';
	for (int gfx10 = 1; gfx10 >= 0; gfx10--) {
		for (size_t i = 0; i < u->n_targets; i++) {
			const struct scan_target *t = &u->targets[i];

			if (t->is_native || t->is_scanned != (gfx10 == 1))
				continue;
			if (n && (!gfx10 || n + strlen(t->target) + 12 >= size))
				left++;
			else
				n += (size_t)snprintf(
					buf + n, size - n, "%s%s", n ? " " : "", t->target);
		}
	}
	if (left)
		(void)snprintf(buf + n, size - n, " +%zu", left);
}

static void show_row(struct scan_run *run, const struct scan_unit *u)
{
	const struct scan_target *best = scan_best(u);
	char name[64], targets[32];

	other_targets(u, targets, sizeof(targets));
	rp_cli_out(run->cli, "  %-30s %-7s %-19s", shown(u->name, 30, name, sizeof(name)),
		best && best->is_native ? "yes" : "no", targets);
	if (best)
		rp_cli_out(run->cli, "%8llu %7llu", (unsigned long long)best->result.n_functions,
			(unsigned long long)best->result.affected.functions);
	rp_cli_out(run->cli, "\n");
}

/* Problems first, then by the functions affected. */
static uint64_t weight(const struct scan_unit *u)
{
	uint64_t n = 0;

	for (size_t i = 0; i < u->n_targets; i++)
		n += u->targets[i].result.affected.functions;
	return n + (scan_verdict_is_problem(scan_verdict_of(u)) ? UINT64_C(1) << 40 : 0);
}

static int compare_units(const void *a, const void *b)
{
	const struct scan_unit *x = a, *y = b;
	uint64_t wx = weight(x), wy = weight(y);

	return wx != wy ? (wx < wy ? 1 : -1) : strcmp(x->name, y->name);
}

/* The value of HSA_OVERRIDE_GFX_VERSION that makes a runtime take code for chip: "10.3.0"; "" if there is none. */
static const char *override_of(const struct rp_chip *chip, char buf[16])
{
	size_t n = chip ? strlen(chip->name) : 0;

	buf[0] = '\0';
	if (n == 7 && !chip->is_generic) /* "gfx1030": 10, 3, 0 */
		(void)snprintf(buf, 16, "%.2s.%c.%c", chip->name + 3, chip->name[5], chip->name[6]);
	return buf;
}

/* One line a verdict: how many units, and what to do. */
static void show_verdict(struct scan_run *run)
{
	const char *chip = run->options.chip->name;
	const struct scan_target *clean = NULL;
	size_t n[SCAN_VERDICT_MAX] = { 0 };
	struct rp_cli *cli = run->cli;
	char version[16];

	for (size_t u = 0; u < run->n_units; u++) {
		enum scan_verdict v = scan_verdict_of(&run->units[u]);

		n[v]++;
		if (v == SCAN_OTHER_CLEAN)
			clean = scan_best(&run->units[u]);
	}
	rp_cli_out(cli, "\nVerdict\n");
	if (n[SCAN_NATIVE_CLEAN])
		rp_cli_out(cli,
			"  %zu of %zu: native %s code, nothing found in it.\n"
			"    Run it without HSA_OVERRIDE_GFX_VERSION.\n",
			n[SCAN_NATIVE_CLEAN], run->n_units, chip);
	if (n[SCAN_NATIVE_AFFECTED])
		rp_cli_out(cli,
			"  %zu of %zu: native %s code with findings (hand-written parts, mostly).\n"
			"    rocm-patch scan --kernels lists them.\n",
			n[SCAN_NATIVE_AFFECTED], run->n_units, chip);
	if (n[SCAN_OTHER_AFFECTED])
		rp_cli_out(cli,
			"  %zu of %zu: no code for %s; HSA_OVERRIDE_GFX_VERSION makes the card run "
			"what is\n"
			"    counted above. Do not set it: use a build that has %s code.\n",
			n[SCAN_OTHER_AFFECTED], run->n_units, chip, chip);
	if (clean)
		rp_cli_out(cli,
			"  %zu of %zu: no code for %s, but nothing found in the %s code. The card "
			"takes\n"
			"    it with HSA_OVERRIDE_GFX_VERSION=%s; no documented difference speaks "
			"against it.\n",
			n[SCAN_OTHER_CLEAN], run->n_units, chip, clean->target,
			override_of(clean->chip, version));
	if (n[SCAN_NO_CODE])
		rp_cli_out(cli, "  %zu of %zu: no gfx10 code: nothing in it that %s could run.\n",
			n[SCAN_NO_CODE], run->n_units, chip);
	if (run->n_damaged)
		rp_cli_out(cli,
			"  %llu part%s could not be read (see the warnings): not checked.\n",
			(unsigned long long)run->n_damaged, plural(run->n_damaged));
	if (run->n_bitcode)
		rp_cli_out(cli, "  %llu entr%s with LLVM IR: compiled at run time, not checked.\n",
			(unsigned long long)run->n_bitcode, run->n_bitcode == 1 ? "y" : "ies");
	rp_cli_out(cli, "  What a class means: rocm-patch scan --explain=CLASS\n");
}

static void render_text(struct scan_run *run, const struct scan_unit *totals)
{
	struct rp_cli *cli = run->cli;

	rp_cli_out(cli, "%sScan for %s%s%s%s%s\n%s\n", run->listed ? "\n" : "",
		run->options.chip->name, run->card ? " (" : "",
		run->card ? (run->card->product ? run->card->product : run->card->slot) : "",
		run->card ? ")" : "", run->options.strict ? ", strict" : "", by_reading);
	if (run->n_units == 0) {
		rp_cli_out(cli, "\nNo code for AMD GPUs found in %llu file%s.\n",
			(unsigned long long)run->stats.n_files, plural(run->stats.n_files));
		if (run->stats.n_links)
			rp_cli_out(cli, "%llu symbolic link%s not followed.\n",
				(unsigned long long)run->stats.n_links,
				run->stats.n_links == 1 ? " was" : "s were");
		return;
	}
	rp_cli_out(cli, "\n  %-30s %-7s %-19s%s\n", "", "native", "other targets",
		"functions  affected");
	for (size_t u = 0; u < run->n_units && u < MAX_ROWS; u++)
		show_row(run, &run->units[u]);
	if (run->n_units > MAX_ROWS)
		rp_cli_out(cli, "  and %zu more (--json lists all)\n", run->n_units - MAX_ROWS);
	for (size_t i = 0; i < totals->n_targets; i++)
		show_target(run, &totals->targets[i]);
	show_verdict(run);
}

int scan_render(struct scan_run *run, struct rp_error *err)
{
	struct rp_json *j = rp_cli_json(run->cli);
	struct scan_unit totals;
	int r;

	if (run->n_units)
		qsort(run->units, run->n_units, sizeof(*run->units), compare_units);
	r = scan_totals(run, &totals, err);
	if (r < 0)
		return r;
	if (j)
		render_json(run, j, &totals);
	else
		render_text(run, &totals);
	free(totals.targets);
	return 0;
}

static void list_text(struct scan_run *run, const struct rp_flow_inst *f, uint32_t marks)
{
	char text[RP_ISA_TEXT_MAX];
	struct rp_isa_print p = { .off = f->off };

	(void)rp_isa_print(&run->scanner.flow.target, &f->inst, &p, text, sizeof(text));
	for (; marks; marks &= marks - 1)
		rp_cli_out(run->cli, "  +0x%05x  %-17s %s\n", f->off,
			rp_scan_class_info((unsigned int)__builtin_ctz(marks))->name, text);
}

static void list_json(
	struct scan_run *run, struct rp_json *j, const struct rp_flow_inst *f, uint32_t marks)
{
	char text[RP_ISA_TEXT_MAX];
	struct rp_isa_print p = { .off = f->off };

	(void)rp_isa_print(&run->scanner.flow.target, &f->inst, &p, text, sizeof(text));
	for (; marks; marks &= marks - 1) {
		rp_json_begin(j, '{');
		rp_json_kuint(j, "offset", f->off);
		rp_json_kstr(
			j, "class", rp_scan_class_info((unsigned int)__builtin_ctz(marks))->name);
		rp_json_kstr(j, "text", text);
		rp_json_end(j, '}');
	}
}

static void list_head(struct scan_run *run, struct rp_json *j, const struct rp_scan_found *found,
	const struct rp_function *fn)
{
	const struct rp_codeobj_place *p = found->place;
	const char *kind = fn->kernel == RP_CODEOBJ_NO_KERNEL ? "function" : "kernel";

	if (j) {
		rp_json_begin(j, '{');
		rp_json_kstr(j, "path", p->path);
		rp_json_kstr(j, "member", p->member);
		rp_json_kuint(j, "object_offset", p->offset);
		rp_json_kuint(j, "bundle", p->bundle);
		rp_json_kstr(j, "target", found->object->target);
		rp_json_kstr(j, "kind", kind);
		rp_json_key(j, "name");
		rp_json_span(j, fn->name);
		rp_json_kuint(j, "address", fn->addr);
		rp_json_kbegin(j, "findings", '[');
	} else {
		rp_cli_out(run->cli, "%s%s%s @0x%llx %s, %s ", p->path, p->member ? "!" : "",
			p->member ? p->member : "", (unsigned long long)p->offset,
			found->object->target, kind);
		rp_cli_out_raw(run->cli, fn->name);
		rp_cli_out(run->cli, "\n");
	}
}

int scan_list(struct scan_run *run, const struct rp_scan_found *found, struct rp_error *err)
{
	struct rp_json *j = rp_cli_json(run->cli);
	struct rp_scan_function fn;

	for (size_t i = 0; i < found->object->n_functions; i++) {
		int r;

		if (!(found->functions[i] & run->listed))
			continue;
		r = rp_scan_function(&run->scanner, &run->options, found->object, i, &fn, err);
		if (r < 0)
			return r;
		list_head(run, j, found, &found->object->functions[i]);
		for (uint32_t k = 0; k < run->scanner.flow.n_insts; k++) {
			uint32_t marks = run->scanner.marks[k] & run->listed;

			if (marks && j)
				list_json(run, j, &run->scanner.flow.insts[k], marks);
			else if (marks)
				list_text(run, &run->scanner.flow.insts[k], marks);
		}
		if (j) {
			rp_json_end(j, ']');
			rp_json_end(j, '}');
		}
	}
	return 0;
}

void scan_explain(struct rp_cli *cli, unsigned int class, bool in_array)
{
	const struct rp_scan_class_info *info = rp_scan_class_info(class);
	struct rp_json *j = rp_cli_json(cli);

	rp_cli_out(cli, "%s (%s%s)\n  %s\n  source      %s\n  instead     %s\n", info->name,
		rp_scan_severity_name(info->severity), info->strict ? "; only with --strict" : "",
		info->what, info->source, info->mitigation);
	if (!j)
		return;
	if (in_array)
		rp_json_begin(j, '{');
	rp_json_kstr(j, "class", info->name);
	rp_json_kstr(j, "severity", rp_scan_severity_name(info->severity));
	rp_json_kstr(j, "what", info->what);
	rp_json_kstr(j, "source", info->source);
	rp_json_kstr(j, "mitigation", info->mitigation);
	rp_json_kbool(j, "strict", info->strict);
	if (in_array)
		rp_json_end(j, '}');
}
