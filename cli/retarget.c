/* SPDX-License-Identifier: MIT */
/* Verb retarget: prebuilt GPU code for another card. */
#include "cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "retarget.h"
#include "retarget/tree.h"

struct job {
	struct rp_cli *cli;
	struct rp_retarget_options options;
	const char *input, *output;
	struct rp_map map;
	struct rp_retarget_output out;
	struct rp_retarget_report report;
	struct rp_retarget_verified verified;
	mode_t mode;
	bool written;
	bool overwrites; /* the input itself */
	/* --diff */
	const struct rp_function *function; /* of the last line; NULL: none */
	bool has_head, in_json; /* its name stands; it is a JSON object that is open */
	struct rp_buf before; /* unchanged lines that may become context */
	unsigned int n_before, behind; /* lines in it; unchanged lines still to be shown */
};

#define CONTEXT 2u /* unchanged lines around changed ones */

static void free_job(struct job *j)
{
	rp_buf_free(&j->before);
	rp_retarget_output_free(&j->out);
	rp_retarget_report_free(&j->report);
	rp_map_close(&j->map);
}

int rp_cli_retarget_options(struct rp_cli *cli, struct rp_retarget_options *ret)
{
	const char *name = rp_cli_opt(cli, "to"), *mode = rp_cli_opt(cli, "cu-mode");

	name = name ? name : "gfx1010";
	ret->chip = rp_chip_by_name(rp_span_str(name));
	if (!ret->chip)
		return rp_cli_usage(cli, "--to=%s: no such chip", name);
	if (!ret->chip->isa || ret->chip->is_generic)
		return rp_cli_usage(cli, "--to=%s: only gfx10 chips (gfx1010 to gfx1036)", name);
	if (!mode || strcmp(mode, "auto") == 0)
		ret->cu_mode = RP_RETARGET_CU_AUTO;
	else if (strcmp(mode, "on") == 0)
		ret->cu_mode = RP_RETARGET_CU_ON;
	else if (strcmp(mode, "off") == 0)
		ret->cu_mode = RP_RETARGET_CU_OFF;
	else
		return rp_cli_usage(cli, "--cu-mode=%s: auto, on or off", mode);
	ret->trap = rp_cli_flag(cli, "trap");
	return 0;
}

/* Options, and where the output goes. 0 or the exit code. */
static int choose(struct job *j)
{
	int r = rp_cli_retarget_options(j->cli, &j->options);

	if (r)
		return r;
	j->output = rp_cli_opt(j->cli, "output");
	j->options.in_place = rp_cli_flag(j->cli, "in-place");
	if (j->options.in_place && j->options.trap)
		return rp_cli_usage(j->cli, "--in-place and --trap do not go together");
	j->overwrites = j->options.in_place && !j->output && !j->cli->dry_run;
	if (j->overwrites)
		j->output = j->input;
	if (!j->output && !j->cli->dry_run && !rp_cli_flag(j->cli, "diff"))
		return rp_cli_usage(
			j->cli, "-o FILE is missing (-n, --diff: only show what would be done)");
	return 0;
}

/* The output must not be the input: what is mapped may not change. */
static int check_files(struct job *j, struct rp_error *err)
{
	struct stat in, out;

	if (stat(j->input, &in) < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", j->input);
	j->mode = in.st_mode & 0777;
	if (j->output && !j->overwrites && stat(j->output, &out) == 0 && in.st_dev == out.st_dev &&
		in.st_ino == out.st_ino)
		return RP_FAIL(err, -EINVAL, "%s is the input; it is never changed", j->output);
	return 0;
}

static int publish(struct job *j, struct rp_error *err)
{
	RP_CLEANUP(rp_tmpfile_drop) struct rp_tmpfile tmp = RP_TMPFILE_INIT;
	RP_CLEANUP(rp_free_p) char *dir = rp_span_dup(rp_span_str(j->output));
	RP_CLEANUP(rp_close_fd) int fd = -1;
	char *slash = dir ? strrchr(dir, '/') : NULL;
	int r;

	if (!dir)
		return RP_NOMEM(err);
	if (slash)
		slash[slash == dir ? 1 : 0] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", slash ? dir : ".");
	if (j->overwrites) {
		r = j->out.n_new ? rp_retarget_in_place_write(fd, rp_path_base(j->output), j->mode,
					   j->map.span, &j->out, err)
				 : 0;
		j->written = r == 0 && j->out.n_new;
		return r;
	}
	r = rp_tmpfile_open(fd, j->mode, &tmp, err);
	if (r == 0)
		r = rp_retarget_output_write(&j->out, &j->map, &tmp, NULL, err);
	if (r == 0)
		r = rp_tmpfile_publish(&tmp, rp_path_base(j->output), err);
	j->written = r == 0;
	return r;
}

static void diff_head(struct job *j, const struct rp_function *f)
{
	struct rp_json *json = rp_cli_json(j->cli);
	RP_CLEANUP(rp_free_p) char *name = rp_span_dup(f->name);
	const char *kind = f->kernel != RP_CODEOBJ_NO_KERNEL ? "kernel" : "function";

	j->has_head = true;
	if (json) {
		rp_json_begin(json, '{');
		rp_json_kstr(json, "name", name);
		rp_json_kstr(json, "kind", kind);
		rp_json_kbegin(json, "lines", '[');
		j->in_json = true;
	} else {
		rp_cli_out(j->cli, "%s %s\n", kind, name ? name : "?");
	}
}

/* The function at hand has no more lines. */
static void diff_end(struct job *j)
{
	struct rp_json *json = rp_cli_json(j->cli);

	if (json && j->in_json) {
		rp_json_end(json, ']');
		rp_json_end(json, '}');
	} else if (j->has_head) {
		rp_cli_out(j->cli, "\n");
	}
	j->has_head = j->in_json = false;
	rp_buf_clear(&j->before);
	j->n_before = j->behind = 0;
}

static void diff_json(struct rp_json *json, const struct rp_retarget_diff_line *l)
{
	rp_json_begin(json, '{');
	if (l->has_old) {
		rp_json_kuint(json, "old_offset", l->old_off);
		rp_json_kstr(json, "old", l->old_text);
	}
	if (l->has_new) {
		rp_json_kuint(json, "new_offset", l->new_off);
		rp_json_kstr(json, "new", l->new_text);
	}
	rp_json_end(json, '}');
}

static void add_text_line(struct rp_buf *b, const struct rp_retarget_diff_line *l)
{
	if (l->has_old)
		rp_buf_addf(b, "  %6x  %-52s", l->old_off, l->old_text);
	else
		rp_buf_addf(b, "  %6s  %-52s", "", "");
	if (l->has_new)
		rp_buf_addf(b, " %c %6x  %s", l->is_same ? ' ' : '|', l->new_off, l->new_text);
	else
		rp_buf_adds(b, " |");
	rp_buf_addc(b, '\n');
}

/* An unchanged line: shown with -v, or near a changed one. */
static void diff_same(struct job *j, const struct rp_retarget_diff_line *l)
{
	if (j->behind) {
		j->behind--;
	} else if (j->n_before == CONTEXT) {
		const char *rest = strchr(rp_buf_cstr(&j->before), '\n');
		RP_CLEANUP(rp_free_p) char *kept = rest ? strdup(rest + 1) : NULL;

		rp_buf_clear(&j->before);
		rp_buf_adds(&j->before, kept ? kept : "");
		j->n_before--;
	}
	add_text_line(&j->before, l);
	j->n_before++;
	if (j->behind || j->cli->verbosity > 0) {
		if (!j->has_head)
			diff_head(j, l->function);
		rp_cli_out_raw(j->cli, rp_buf_span(&j->before));
		rp_buf_clear(&j->before);
		j->n_before = 0;
	}
}

static int diff_line(void *data, const struct rp_retarget_diff_line *l, struct rp_error *err)
{
	struct job *j = data;
	struct rp_json *json = rp_cli_json(j->cli);

	if (l->function != j->function)
		diff_end(j);
	j->function = l->function;
	if (rp_cli_out_failed(j->cli))
		return RP_FAIL(err, -ECANCELED, "nobody reads the output");
	if (json && !l->is_same) {
		if (!j->has_head)
			diff_head(j, l->function);
		diff_json(json, l);
	} else if (!json && l->is_same) {
		diff_same(j, l);
	} else if (!json) {
		if (!j->has_head)
			diff_head(j, l->function);
		add_text_line(&j->before, l);
		rp_cli_out_raw(j->cli, rp_buf_span(&j->before));
		rp_buf_clear(&j->before);
		j->n_before = 0;
		j->behind = CONTEXT + 1;
	}
	return rp_buf_check(&j->before, err);
}

static void show_notes(struct job *j)
{
	size_t n_left = 0;

	for (size_t i = 0; i < j->report.n_notes; i++) {
		const struct rp_retarget_note *n = &j->report.notes[i];

		if (!n->is_refusal && j->cli->verbosity < 1) {
			n_left++;
			continue;
		}
		rp_cli_out(j->cli, "  %s %s%s%s%s\n    %s\n",
			!n->is_refusal	  ? "in doubt:"
			: j->options.trap ? "traps now:"
					  : "refused:",
			n->object ? n->object : "", n->object ? ": " : "", n->name,
			n->is_kernel ? "" : " (device function)", n->reason);
	}
	if (n_left)
		rp_cli_out(j->cli,
			"  in doubt: %zu kernels with wide LDS accesses stay in WGP mode (-v lists "
			"them)\n",
			n_left);
}

static void show(struct job *j)
{
	const struct rp_retarget_report *r = &j->report;
	char size[RP_HUMAN], more[RP_HUMAN];

	rp_cli_out(j->cli, "%s: %s code for %s\n", j->input, j->out.from[0] ? j->out.from : "gfx10",
		j->options.chip->name);
	if (!j->out.is_object)
		rp_cli_out(j->cli, "  %llu bundles get code for it, %llu have some (no change)\n",
			(unsigned long long)j->out.n_new, (unsigned long long)j->out.n_native);
	if (!r->n_functions) {
		rp_cli_out(j->cli, "  It has code for this card already.\n");
		return;
	}
	rp_cli_out(j->cli,
		"  %llu kernels, %llu functions, %llu instructions; %llu functions changed\n",
		(unsigned long long)r->n_kernels, (unsigned long long)r->n_functions,
		(unsigned long long)r->n_instructions, (unsigned long long)r->n_changed);
	rp_cli_out(j->cli, "  code %s, now %s\n\n", rp_cli_size(r->old_code_bytes, size),
		rp_cli_size(r->new_code_bytes, more));
	for (unsigned int k = 0; k < RP_RETARGET_RULE_MAX; k++)
		if (r->rules[k])
			rp_cli_out(j->cli, "  %-16s %10llu  %s\n", rp_retarget_rule_info(k)->name,
				(unsigned long long)r->rules[k], rp_retarget_rule_info(k)->what);
	rp_cli_out(j->cli, "\n");
	show_notes(j);
}

static void show_end(struct job *j)
{
	const struct rp_retarget_verified *v = &j->verified;

	if (j->out.n_new)
		rp_cli_out(j->cli,
			"  Checked: %llu instructions paired, %llu branches and %llu constants "
			"lead "
			"to the same code; scan finds nothing left.\n",
			(unsigned long long)v->n_instructions, (unsigned long long)v->n_branches,
			(unsigned long long)v->n_constants);
	rp_cli_out(j->cli, "  Nothing of this was tried on a card.\n");
	if (j->written)
		rp_cli_out(j->cli, "  Written: %s%s\n", j->output,
			j->overwrites ? " (the way back: rocm-patch undo FILE)" : "");
}

void rp_cli_retarget_json(struct rp_json *json, const struct rp_retarget_report *r,
	const struct rp_retarget_verified *v)
{
	rp_json_kuint(json, "kernels", r->n_kernels);
	rp_json_kuint(json, "functions", r->n_functions);
	rp_json_kuint(json, "instructions", r->n_instructions);
	rp_json_kuint(json, "changed", r->n_changed);
	rp_json_kuint(json, "refused", r->n_refused);
	rp_json_kuint(json, "refused_kernels", r->n_refused_kernels);
	rp_json_kuint(json, "old_code_bytes", r->old_code_bytes);
	rp_json_kuint(json, "new_code_bytes", r->new_code_bytes);
	rp_json_kbegin(json, "rules", '{');
	for (unsigned int k = 0; k < RP_RETARGET_RULE_MAX; k++)
		if (r->rules[k])
			rp_json_kuint(json, rp_retarget_rule_info(k)->name, r->rules[k]);
	rp_json_end(json, '}');
	rp_json_kbegin(json, "notes", '[');
	for (size_t i = 0; i < r->n_notes; i++) {
		const struct rp_retarget_note *n = &r->notes[i];

		rp_json_begin(json, '{');
		rp_json_kstr(json, "object", n->object);
		rp_json_kstr(json, "name", n->name);
		rp_json_kstr(json, "kind", n->is_kernel ? "kernel" : "function");
		rp_json_kbool(json, "refused", n->is_refusal);
		rp_json_kstr(json, "reason", n->reason);
		rp_json_end(json, '}');
	}
	rp_json_end(json, ']');
	rp_json_kbegin(json, "verified", '{');
	rp_json_kuint(json, "functions", v->n_functions);
	rp_json_kuint(json, "instructions", v->n_instructions);
	rp_json_kuint(json, "branches", v->n_branches);
	rp_json_kuint(json, "constants", v->n_constants);
	rp_json_kuint(json, "added", v->n_added);
	rp_json_kuint(json, "traps", v->n_traps);
	rp_json_end(json, '}');
}

static void show_json(struct job *j, struct rp_json *json)
{
	rp_json_kstr(json, "to", j->options.chip->name);
	rp_json_kstr(json, "input", j->input);
	rp_json_kstr(json, "from", j->out.from[0] ? j->out.from : NULL);
	rp_json_kstr(json, "output", j->written ? j->output : NULL);
	rp_json_kbool(json, "written", j->written);
	rp_json_kuint(json, "objects", j->out.n_new);
	rp_json_kuint(json, "native", j->out.n_native);
	rp_json_kuint(json, "bytes", j->out.bytes);
	rp_cli_retarget_json(json, &j->report, &j->verified);
}

static int retarget_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(free_job) struct job j = { .cli = cli, .input = argv[0], .map = RP_MAP_INIT };
	const struct rp_retarget_differ differ = { diff_line, &j };
	struct rp_error err = RP_ERROR_INIT;
	uint64_t threads = 0;
	bool refused;
	int r = choose(&j);

	(void)argc;
	if (r == 0)
		r = rp_cli_opt_number(cli, "jobs", 1, 0, &threads);
	if (r)
		return r;
	r = check_files(&j, &err);
	if (r == 0)
		r = rp_map_open(AT_FDCWD, j.input, &j.map, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (rp_cli_flag(cli, "diff")) {
		j.options.differ = &differ;
		if (rp_cli_json(cli))
			rp_json_kbegin(rp_cli_json(cli), "diff", '[');
	}
	r = rp_retarget_file(&cli->ctx, j.map.span, &j.options, (unsigned int)threads, &j.out,
		&j.report, &j.verified, &err);
	if (j.options.differ) {
		diff_end(&j);
		if (rp_cli_json(cli))
			rp_json_end(rp_cli_json(cli), ']');
	}
	if (r == -ECANCELED && rp_cli_out_failed(cli))
		return RP_EXIT_OK; /* main tells of the output */
	if (r == -ENOEXEC || (r == -ENOTSUP && !j.report.n_functions))
		r = -EBADMSG; /* not a file for this verb */
	refused = r == -ENOTSUP;
	if (r < 0 && !refused)
		return rp_cli_fail(cli, rp_error_prefix(&err, r, "%s", j.input), &err);
	show(&j);
	if (r == 0 && !cli->dry_run && j.output)
		r = publish(&j, &err);
	if (r < 0 && !refused)
		return rp_cli_fail(cli, r, &err);
	if (refused)
		rp_cli_warn(cli, "%s: %s; nothing is written%s", j.input, err.text,
			j.options.in_place ? "" : " (--trap: such functions trap)");
	else
		show_end(&j);
	if (rp_cli_json(cli))
		show_json(&j, rp_cli_json(cli));
	return refused || j.report.n_refused ? RP_EXIT_PROBLEMS : RP_EXIT_OK;
}

static const struct rp_option retarget_options[] = {
	{ "to", 0, "CHIP", "the card to write code for (default: gfx1010)",
		"gfx1010 gfx1011 gfx1012 gfx1013" },
	{ "output", 'o', "FILE", "the file to write; the input is not changed", "@file" },
	{ "cu-mode", 0, "MODE",
		"kernels with wide LDS accesses in CU mode: auto (where the work-group fits), on, "
		"off",
		"auto on off" },
	{ "trap", 0, NULL,
		"a function that cannot be fixed traps when it is called; else nothing is written",
		NULL },
	{ "in-place", 0, NULL,
		"only edits that move no code, else nothing; without -o in FILE itself, undo takes "
		"it back",
		NULL },
	{ "diff", 0, NULL,
		"old and new instructions side by side, where they differ (-v: all of them)",
		NULL },
	{ "jobs", 'j', "N", "number of threads (default: one a processor)", NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_retarget = {
	.name = "retarget",
	.summary = "write prebuilt GPU code anew for another card",
	.operands = "FILE",
	.description =
		"Takes gfx10 code that was made for another chip, mostly gfx1030, and writes a "
		"file with the same code for the card: what the card lacks or does wrongly is "
		"replaced by what LLVM, AMD's own compiler, emits for it. The result is checked "
		"instruction by instruction before it is written. Nothing was tried on a card.",
	.options = retarget_options,
	.flags = RP_VERB_WRITES,
	.min_operands = 1,
	.max_operands = 1,
	.exit_codes = RP_EXITS(0, 1, 2, 65, 66, 70, 73, 74, 77),
	.run = retarget_run,
};
