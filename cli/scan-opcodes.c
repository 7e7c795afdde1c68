/* SPDX-License-Identifier: MIT */
/*
 * Verb scan, --opcodes: how often each instruction occurs in the code that was scanned, and whether
 * the virtual card (lib/vgpu/exec) has semantics for it.
 */
#include "scan.h"

#include "vgpu/exec/exec.h"

#include <stdio.h>

/* Code for one target: plain[row], and refused[row] in forms that the executor refuses. */
struct scan_opcodes {
	struct scan_opcodes *next;
	char target[64];
	uint64_t total, undecodable;
	uint64_t *plain, *refused; /* one allocation, owned */
};

struct line {
	uint64_t n;
	uint16_t row;
	bool refused;
};

void scan_opcodes_free(struct scan_run *run)
{
	while (run->opcodes) {
		struct scan_opcodes *o = run->opcodes;

		run->opcodes = o->next;
		free(o->plain);
		free(o);
	}
	free(run->rows);
	run->rows = NULL;
}

/* What the executor knows of each row, worked out once. */
static int rows_of(struct scan_run *run, struct rp_error *err)
{
	if (run->rows)
		return 0;
	run->rows = calloc(rp_isa_n_rows, sizeof(*run->rows));
	if (!run->rows)
		return RP_NOMEM(err);
	for (unsigned int row = 1; row < rp_isa_n_rows; row++)
		rp_exec_row_info(row, &run->rows[row]);
	return 0;
}

static int of_target(
	struct scan_run *run, const char *target, struct scan_opcodes **ret, struct rp_error *err)
{
	struct scan_opcodes **at = &run->opcodes, *o;

	for (; *at; at = &(*at)->next)
		if (strcmp((*at)->target, target) == 0) {
			*ret = *at;
			return 0;
		}
	o = calloc(1, sizeof(*o));
	if (!o)
		return RP_NOMEM(err);
	o->plain = calloc(2 * (size_t)rp_isa_n_rows, sizeof(*o->plain));
	if (!o->plain) {
		free(o);
		return RP_NOMEM(err);
	}
	o->refused = o->plain + rp_isa_n_rows;
	(void)snprintf(o->target, sizeof(o->target), "%s", target);
	*at = *ret = o;
	return 0;
}

int scan_opcodes_add(struct scan_run *run, const struct rp_scan_found *found, struct rp_error *err)
{
	const struct rp_codeobj *object = found->object;
	struct rp_isa_target t = { .chip = object->chip->isa };
	struct scan_opcodes *o = NULL;
	struct rp_isa_inst inst;
	int r = rows_of(run, err);

	if (r == 0)
		r = of_target(run, object->target, &o, err);
	if (r < 0)
		return r;
	for (size_t f = 0; f < object->n_functions; f++) {
		struct rp_span code = object->functions[f].code;

		for (size_t off = 0; off < code.n; off += inst.bytes) {
			bool ok = rp_isa_decode(&t, code, off, &inst) == RP_ISA_OK;

			o->total++;
			if (!ok)
				o->undecodable++;
			else if (rp_exec_refuses(&inst, &run->rows[inst.row]))
				o->refused[inst.row]++;
			else
				o->plain[inst.row]++;
		}
	}
	return 0;
}

static int by_count(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return x->row != y->row ? (x->row < y->row ? -1 : 1) : (int)x->refused - (int)y->refused;
}

/* All that occurs, the most frequent first; owned by the caller. NULL: out of memory. */
static struct line *lines_of(const struct scan_opcodes *o, size_t *ret_n)
{
	struct line *v = calloc(2 * (size_t)rp_isa_n_rows, sizeof(*v));
	size_t n = 0;

	for (unsigned int row = 1; v && row < rp_isa_n_rows; row++) {
		if (o->plain[row])
			v[n++] = (struct line){ o->plain[row], (uint16_t)row, false };
		if (o->refused[row])
			v[n++] = (struct line){ o->refused[row], (uint16_t)row, true };
	}
	if (v)
		qsort(v, n, sizeof(*v), by_count);
	*ret_n = n;
	return v;
}

static enum rp_exec_fidelity fidelity_of(const struct scan_run *run, const struct line *l)
{
	return l->refused ? RP_EXEC_NONE : (enum rp_exec_fidelity)run->rows[l->row].fidelity;
}

static void render_text(
	struct scan_run *run, const struct scan_opcodes *o, const struct line *v, size_t n)
{
	uint64_t sums[RP_EXEC_UNVERIFIED + 1] = { 0 };
	size_t rows[RP_EXEC_UNVERIFIED + 1] = { 0 };
	struct rp_cli *cli = run->cli;

	rp_cli_out(cli, "\nOpcodes of %s code\n  %12s  %-8s %-30s %s\n", o->target, "count",
		"encoding", "mnemonic", "virtual card");
	for (size_t i = 0; i < n; i++) {
		enum rp_exec_fidelity f = fidelity_of(run, &v[i]);

		sums[f] += v[i].n;
		rows[f]++;
		rp_cli_out(cli, "  %12llu  %-8s %-30s %s%s\n", (unsigned long long)v[i].n,
			rp_isa_encoding_name(rp_isa_rows[v[i].row].encoding), rp_isa_name(v[i].row),
			f == RP_EXEC_NONE ? "no" : "yes, ",
			f == RP_EXEC_NONE ? (v[i].refused ? " (in this form)" : "")
					  : rp_exec_fidelity_name(f));
	}
	for (unsigned int f = 0; f <= RP_EXEC_UNVERIFIED; f++)
		if (rows[f])
			rp_cli_out(cli, "  %12llu  in %zu opcodes: %s\n",
				(unsigned long long)sums[f], rows[f],
				f == RP_EXEC_NONE
					? "no semantics, a kernel stops there"
					: rp_exec_fidelity_name((enum rp_exec_fidelity)f));
	if (o->undecodable)
		rp_cli_out(cli, "  %12llu  words that are no instruction\n",
			(unsigned long long)o->undecodable);
}

static void render_json(struct scan_run *run, struct rp_json *j, const struct scan_opcodes *o,
	const struct line *v, size_t n)
{
	rp_json_begin(j, '{');
	rp_json_kstr(j, "target", o->target);
	rp_json_kuint(j, "instructions", o->total);
	rp_json_kuint(j, "undecodable", o->undecodable);
	rp_json_kbegin(j, "opcodes", '[');
	for (size_t i = 0; i < n; i++) {
		enum rp_exec_fidelity f = fidelity_of(run, &v[i]);

		rp_json_begin(j, '{');
		rp_json_kstr(j, "mnemonic", rp_isa_name(v[i].row));
		rp_json_kstr(j, "encoding", rp_isa_encoding_name(rp_isa_rows[v[i].row].encoding));
		rp_json_kuint(j, "count", v[i].n);
		rp_json_kbool(j, "semantics", f != RP_EXEC_NONE);
		rp_json_kstr(j, "fidelity", rp_exec_fidelity_name(f));
		rp_json_end(j, '}');
	}
	rp_json_end(j, ']');
	rp_json_end(j, '}');
}

int scan_opcodes_render(struct scan_run *run, struct rp_error *err)
{
	struct rp_json *j = rp_cli_json(run->cli);

	if (!run->count_opcodes)
		return 0;
	if (j)
		rp_json_kbegin(j, "opcodes", '[');
	for (const struct scan_opcodes *o = run->opcodes; o; o = o->next) {
		size_t n;
		RP_CLEANUP(rp_free_p) void *lines = lines_of(o, &n);

		if (!lines)
			return RP_NOMEM(err);
		if (j)
			render_json(run, j, o, (const struct line *)lines, n);
		else
			render_text(run, o, (const struct line *)lines, n);
	}
	if (j)
		rp_json_end(j, ']');
	return 0;
}
