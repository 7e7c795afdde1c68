/* SPDX-License-Identifier: MIT */
/*
 * What disasm prints, as text (the lines of llvm-objdump) and as JSON. Text goes out as it is made:
 * the listing of a library is gigabytes.
 */
#include "disasm.h"

#define FLUSH_BYTES 65536u
#define TEXT_COLUMN 60 /* of the comment, as LLVM has it; the tab counts one */

void rp_disasm_add_safe(struct rp_buf *b, struct rp_span s)
{
	for (size_t i = 0; i < s.n; i++)
		rp_buf_addc(b, s.p[i] < 0x20 || s.p[i] >= 0x7f ? '?' : (char)s.p[i]);
}

static void add_colour(struct rp_disasm_work *w, const char *sgr)
{
	if (w->colour)
		rp_buf_adds(&w->out, sgr);
}

int rp_disasm_flush(struct rp_disasm_work *w, size_t at_least, struct rp_error *err)
{
	int r = rp_buf_check(&w->out, err);

	if (r < 0)
		return r;
	if (rp_cli_out_failed(w->cli))
		return RP_DISASM_STOPPED;
	if (w->out.n < at_least || w->out.n == 0)
		return 0;
	rp_cli_out_raw(w->cli, rp_buf_span(&w->out));
	rp_buf_clear(&w->out);
	return rp_cli_out_failed(w->cli) ? RP_DISASM_STOPPED : 0;
}

/* ---- JSON: the same records as events (--json=lines) and as members of one object ---- */

static void json_open(struct rp_disasm_work *w, const struct rp_field *fields)
{
	struct rp_json *j;

	if (w->cli->json_mode == RP_JSON_LINES) {
		rp_event_emit(&w->cli->ctx, RP_EV_FINDING, fields);
		return;
	}
	j = rp_cli_json(w->cli);
	if (!j)
		return;
	rp_json_begin(j, '{');
	for (const struct rp_field *f = fields; f->type != RP_FIELD_END; f++) {
		if (f->type == RP_FIELD_STR)
			rp_json_kstr(j, f->key, f->v.s);
		else if (f->type == RP_FIELD_INT)
			rp_json_kint(j, f->key, f->v.i);
		else
			rp_json_kbool(j, f->key, f->v.b);
	}
}

static void json_close(struct rp_disasm_work *w)
{
	if (w->cli->json_mode == RP_JSON_OBJECT)
		rp_json_end(rp_cli_json(w->cli), '}');
}

void rp_disasm_list(struct rp_disasm_work *w, const char *key)
{
	if (w->cli->json_mode == RP_JSON_OBJECT)
		rp_json_kbegin(rp_cli_json(w->cli), key, '[');
}

void rp_disasm_list_end(struct rp_disasm_work *w)
{
	if (w->cli->json_mode == RP_JSON_OBJECT)
		rp_json_end(rp_cli_json(w->cli), ']');
}

static bool is_text(const struct rp_disasm_work *w)
{
	return w->cli->json_mode == RP_JSON_OFF;
}

/* ---- defects ---- */

/* "flat-offset nsa-length", with the word between. */
static void add_classes(struct rp_buf *b, uint32_t classes, const char *between)
{
	const char *before = "";

	for (; classes; classes &= classes - 1) {
		rp_buf_adds(b, before);
		rp_buf_adds(b, rp_scan_class_info((unsigned int)__builtin_ctz(classes))->name);
		before = between;
	}
}

/* Scans a function for --for. */
static int find_defects(struct rp_disasm_work *w, size_t index, struct rp_error *err)
{
	w->found = (struct rp_scan_function){ 0 };
	w->cursor = 0;
	return w->scan.chip
		       ? rp_scan_function(&w->scanner, &w->scan, w->object, index, &w->found, err)
		       : 0;
}

/* Classes of the instruction at byte off of the function; lines come in order. */
static uint32_t defects_at(struct rp_disasm_work *w, size_t off)
{
	const struct rp_flow *flow = &w->scanner.flow;

	if (!w->found.classes)
		return 0;
	while (w->cursor < flow->n_insts && flow->insts[w->cursor].off < off)
		w->cursor++;
	return w->cursor < flow->n_insts && flow->insts[w->cursor].off == off
		       ? w->scanner.marks[w->cursor]
		       : 0;
}

/* "; for gfx1010: 2 flat-offset, 1 nsa-length" */
static void text_defects(struct rp_disasm_work *w)
{
	const char *before = "";

	if (!w->found.classes)
		return;
	rp_buf_addf(&w->out, "; for %s: ", w->scan.chip->name);
	for (unsigned int c = 0; c < RP_SCAN_CLASS_MAX; c++)
		if (w->found.n[c] > 0) {
			rp_buf_addf(&w->out, "%s%u %s", before, (unsigned int)w->found.n[c],
				rp_scan_class_info(c)->name);
			before = ", ";
		}
	rp_buf_addc(&w->out, '\n');
}

/* ---- one object ---- */

static void text_place(struct rp_disasm_work *w, const struct rp_codeobj_place *place)
{
	struct rp_buf *b = &w->out;

	add_colour(w, "\033[1m");
	rp_buf_adds(b, "; ");
	rp_disasm_add_safe(b, rp_span_str(place->path));
	if (place->member) {
		rp_buf_adds(b, ", member ");
		rp_disasm_add_safe(b, rp_span_str(place->member));
	}
	if (place->entry_id.n > 0) {
		rp_buf_addf(b, ", bundle %u, entry ", place->bundle);
		rp_disasm_add_safe(b, place->entry_id);
	}
	rp_buf_addf(b, ", offset 0x%llx%s", (unsigned long long)place->offset,
		place->unpacked ? " of the unpacked bytes" : "");
	add_colour(w, "\033[0m");
	rp_buf_addc(b, '\n');
}

static void show_object(struct rp_disasm_work *w, const struct rp_codeobj_place *place)
{
	RP_CLEANUP(rp_free_p) char *entry = rp_span_dup(place->entry_id);
	const struct rp_codeobj *o = w->object;

	w->section = 0;
	if (is_text(w)) {
		if (w->n_objects > 1)
			rp_buf_addc(&w->out, '\n');
		text_place(w, place);
		rp_buf_addf(&w->out,
			"; target %s, e_flags 0x%08x, code object version %u: %zu kernels, %zu "
			"functions, %llu bytes of code\n\n",
			o->target, (unsigned int)o->elf.flags, o->cov, o->n_kernels, o->n_functions,
			(unsigned long long)o->text_bytes);
		rp_buf_addf(&w->out,
			"\t.amdgcn_target \"amdgcn-amd-amdhsa--%s\"\n"
			"\t.amdhsa_code_object_version %u\n",
			o->target, o->cov);
		return;
	}
	json_open(
		w, (const struct rp_field[]){ RP_STR("type", "object"), RP_STR("path", place->path),
			   RP_STR("member", place->member),
			   RP_STR("entry", place->entry_id.n > 0 ? entry : NULL),
			   RP_INT("bundle", place->bundle), RP_INT("offset", place->offset),
			   RP_BOOL("unpacked", place->unpacked), RP_STR("target", o->target),
			   RP_INT("e_flags", o->elf.flags), RP_INT("version", o->cov),
			   RP_INT("n_kernels", o->n_kernels), RP_INT("n_functions", o->n_functions),
			   RP_INT("code_bytes", o->text_bytes), { 0 } });
	rp_disasm_list(w, "functions");
}

static void text_descriptor(struct rp_disasm_work *w, const struct rp_kernel *k,
	const struct rp_disasm_field *fields, size_t n)
{
	struct rp_buf *b = &w->out;

	rp_buf_adds(b, "\n.amdhsa_kernel ");
	rp_disasm_add_safe(b, k->name);
	rp_buf_addc(b, '\n');
	for (size_t i = 0; i < n; i++) {
		if (fields[i].is_directive) {
			rp_buf_addf(b, "\t.amdhsa_%s %u\n", fields[i].name,
				(unsigned int)fields[i].value);
			continue;
		}
		rp_buf_adds(b, "\t; ");
		for (const char *c = fields[i].name; *c; c++)
			rp_buf_addc(b, *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
		rp_buf_addf(b, " %u\n", (unsigned int)fields[i].value);
	}
	rp_buf_adds(b, ".end_amdhsa_kernel\n");
	if (k->metadata.present)
		rp_buf_addf(b,
			"; metadata: vgpr_count %u, sgpr_count %u, vgpr_spill_count %u, "
			"sgpr_spill_count %u, max_flat_workgroup_size %u\n",
			(unsigned int)k->metadata.vgpr_count, (unsigned int)k->metadata.sgpr_count,
			(unsigned int)k->metadata.vgpr_spill_count,
			(unsigned int)k->metadata.sgpr_spill_count,
			(unsigned int)k->metadata.max_flat_workgroup_size);
}

static int show_kernel(struct rp_disasm_work *w, const struct rp_kernel *k, struct rp_error *err)
{
	struct rp_disasm_field fields[RP_DISASM_MAX_FIELDS];
	struct rp_field members[RP_DISASM_MAX_FIELDS + 8] = { RP_STR("type", "kernel") };
	size_t n = rp_disasm_descriptor(&k->descriptor, w->object->chip, fields), m = 1;
	RP_CLEANUP(rp_free_p) char *name = NULL;

	if (is_text(w)) {
		text_descriptor(w, k, fields, n);
		return 0;
	}
	name = rp_span_dup(k->name);
	if (!name)
		return RP_NOMEM(err);
	members[m++] = RP_STR("name", name);
	members[m++] = RP_INT("descriptor_address", k->descriptor_addr);
	for (size_t i = 0; i < n; i++)
		members[m++] = RP_INT(fields[i].name, fields[i].value);
	if (k->metadata.present) {
		members[m++] = RP_INT("metadata_vgpr_count", k->metadata.vgpr_count);
		members[m++] = RP_INT("metadata_sgpr_count", k->metadata.sgpr_count);
		members[m++] = RP_INT("metadata_vgpr_spill_count", k->metadata.vgpr_spill_count);
		members[m++] = RP_INT("metadata_sgpr_spill_count", k->metadata.sgpr_spill_count);
	}
	members[m] = (struct rp_field){ 0 };
	json_open(w, members);
	json_close(w);
	return 0;
}

/* ---- one instruction ---- */

static char *put_hex(char *p, uint64_t v, int digits)
{
	for (int k = digits - 1; k >= 0; k--)
		*p++ = "0123456789ABCDEF"[v >> (4 * k) & 15];
	return p;
}

static char *put_words(char *p, const struct rp_isa_inst *i)
{
	if (i->bytes < 4) {
		for (unsigned int k = 0; k < i->bytes; k++) {
			*p++ = ' ';
			p = put_hex(p, i->w[0] >> (8 * k) & 0xff, 2);
		}
		return p;
	}
	for (unsigned int k = 0; k < i->bytes / 4u; k++) {
		*p++ = ' ';
		p = put_hex(p, i->w[k], 8);
	}
	return p;
}

/* " <name+0x10>": where a branch goes that has no label. */
static void text_outside(struct rp_disasm_work *w, int64_t addr)
{
	const struct rp_codeobj *o = w->object;
	size_t lo = 0, hi = o->n_functions;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if ((int64_t)o->functions[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return;
	rp_buf_adds(&w->out, " <");
	rp_disasm_add_safe(&w->out, o->functions[lo - 1].name);
	if ((uint64_t)addr != o->functions[lo - 1].addr)
		rp_buf_addf(
			&w->out, "+0x%llx", (unsigned long long)addr - o->functions[lo - 1].addr);
	rp_buf_addc(&w->out, '>');
}

/* Behind the words of a marked line. */
static void text_marks(struct rp_disasm_work *w, uint32_t defects)
{
	if (!defects)
		return;
	add_colour(w, "\033[0m\033[31m");
	rp_buf_adds(&w->out, " ! ");
	add_classes(&w->out, defects, ", ");
}

static void text_line(struct rp_disasm_work *w, const struct rp_disasm_line *l, uint64_t base)
{
	uint32_t defects = defects_at(w, l->off);
	struct rp_buf *b = &w->out;
	uint64_t addr = base + l->off;
	char *p;

	if (l->label != RP_DISASM_NONE)
		rp_buf_addf(
			b, "\n%016llx <L%u>:\n", (unsigned long long)addr, (unsigned int)l->label);
	if (!rp_buf_reserve(b, RP_ISA_TEXT_MAX + 256))
		return; /* flush says so */
	p = b->p + b->n;
	if (defects)
		*p++ = defects & ~rp_scan_classes_of(RP_SCAN_UNKNOWN) ? '!' : '?';
	*p++ = '\t';
	memcpy(p, l->text, l->length);
	p += l->length;
	for (size_t column = l->length + 1; column < TEXT_COLUMN; column++)
		*p++ = ' ';
	if (l->length + 1 >= TEXT_COLUMN)
		*p++ = ' ';
	if (w->colour)
		p = mempcpy(p, "\033[2m", 4);
	p = mempcpy(p, "// ", 3);
	p = put_hex(p, addr, addr >> 48 ? 16 : 12);
	*p++ = ':';
	p = put_words(p, &l->inst);
	b->n = (size_t)(p - b->p);
	if (l->is_branch && l->target_label == RP_DISASM_NONE)
		text_outside(w, (int64_t)base + l->target);
	text_marks(w, defects);
	add_colour(w, "\033[0m");
	rp_buf_addc(b, '\n');
}

static void json_line(struct rp_disasm_work *w, const struct rp_disasm_line *l, uint64_t base)
{
	struct rp_field members[8] = { RP_STR("type", "instruction") };
	RP_CLEANUP(rp_buf_free) struct rp_buf defects = RP_BUF_INIT;
	char words[RP_ISA_MAX_WORDS * 9 + 1], label[16];
	uint32_t classes = defects_at(w, l->off);
	size_t m = 1;

	*put_words(words, &l->inst) = '\0';
	members[m++] = RP_INT("address", base + l->off);
	members[m++] = RP_STR("words", words + 1);
	members[m++] = RP_STR("text", l->text);
	if (l->label != RP_DISASM_NONE) {
		(void)snprintf(label, sizeof(label), "L%u", (unsigned int)l->label);
		members[m++] = RP_STR("label", label);
	}
	if (l->is_branch)
		members[m++] = RP_INT("branch_to", (int64_t)base + l->target);
	if (classes) {
		add_classes(&defects, classes, " ");
		members[m++] = RP_STR("defects", rp_buf_cstr(&defects));
	}
	members[m] = (struct rp_field){ 0 };
	json_open(w, members);
	json_close(w);
}

static int show_code(struct rp_disasm_work *w, const struct rp_function *f,
	const struct rp_isa_target *t, struct rp_error *err)
{
	struct rp_disasm_line line;
	int r = rp_disasm_start(&w->listing, t, f->code, err);

	if (r < 0)
		return r;
	while (rp_disasm_next(&w->listing, &line)) {
		if (is_text(w))
			text_line(w, &line, f->addr);
		else
			json_line(w, &line, f->addr);
		r = rp_disasm_flush(w, FLUSH_BYTES, err);
		if (r != 0)
			return r;
	}
	return 0;
}

/* The name in C++ as a comment; where it cannot be had, the qualified name at its start and "...". */
static void text_demangled(struct rp_disasm_work *w, struct rp_span symbol, const char *demangled)
{
	const char *end;

	rp_buf_clear(&w->name);
	if (demangled) {
		rp_buf_adds(&w->name, demangled);
	} else {
		rp_mangled_names(symbol, &w->name);
		end = strchr(rp_buf_cstr(&w->name), ' ');
		if (end)
			w->name.n = (size_t)(end - w->name.p);
		if (w->name.n > 0)
			rp_buf_adds(&w->name, "...");
	}
	if (w->name.n == 0)
		return;
	rp_buf_adds(&w->out, "; ");
	rp_disasm_add_safe(&w->out, rp_buf_span(&w->name));
	rp_buf_addc(&w->out, '\n');
}

static void text_function(
	struct rp_disasm_work *w, const struct rp_function *f, const char *demangled)
{
	struct rp_buf *b = &w->out;

	rp_buf_addc(b, '\n');
	text_demangled(w, f->name, demangled);
	text_defects(w);
	add_colour(w, "\033[1m");
	rp_buf_addf(b, "%016llx <", (unsigned long long)f->addr);
	rp_disasm_add_safe(b, f->name);
	rp_buf_adds(b, ">:");
	add_colour(w, "\033[0m");
	rp_buf_addc(b, '\n');
}

static void text_section(struct rp_disasm_work *w, const struct rp_function *f)
{
	if (f->section == w->section)
		return;
	rp_buf_adds(&w->out, "\nDisassembly of section ");
	rp_disasm_add_safe(&w->out, w->object->elf.sections[f->section].name);
	rp_buf_adds(&w->out, ":\n");
	w->section = f->section;
}

static int show_kernels(struct rp_disasm_work *w, size_t index, struct rp_error *err)
{
	int r = 0;

	for (uint32_t k = w->first_kernel[index]; r == 0 && k != RP_DISASM_NONE;
		k = w->next_kernel[k])
		r = show_kernel(w, &w->object->kernels[k], err);
	return r;
}

static int show_function(struct rp_disasm_work *w, size_t index, struct rp_error *err)
{
	const struct rp_function *f = &w->object->functions[index];
	struct rp_isa_target t = rp_disasm_target_of(w->object, index);
	const char *demangled = rp_demangle(&w->demangler, f->name);
	RP_CLEANUP(rp_buf_free) struct rp_buf defects = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *name = rp_span_dup(f->name);
	int r;

	if (!name)
		return RP_NOMEM(err);
	r = find_defects(w, index, err);
	if (r < 0)
		return r;
	w->n_functions++;
	if (is_text(w)) {
		text_section(w, f);
		r = show_kernels(w, index, err);
		if (r == 0)
			text_function(w, f, demangled);
		return r == 0 ? show_code(w, f, &t, err) : r;
	}
	add_classes(&defects, w->found.classes, " ");
	json_open(
		w, (const struct rp_field[]){ RP_STR("type", "function"), RP_STR("name", name),
			   RP_STR("demangled", demangled), RP_INT("address", f->addr),
			   RP_INT("bytes", f->code.n),
			   RP_BOOL("kernel", f->kernel != RP_CODEOBJ_NO_KERNEL),
			   RP_INT("wave", t.wave64 ? 64 : 32),
			   RP_STR("defects", w->scan.chip ? rp_buf_cstr(&defects) : NULL), { 0 } });
	rp_disasm_list(w, "kernels");
	r = show_kernels(w, index, err);
	rp_disasm_list_end(w);
	rp_disasm_list(w, "instructions");
	if (r == 0)
		r = show_code(w, f, &t, err);
	rp_disasm_list_end(w);
	json_close(w);
	return r;
}

int rp_disasm_show(
	struct rp_disasm_work *w, const struct rp_codeobj_place *place, struct rp_error *err)
{
	int r = 0;

	show_object(w, place);
	for (size_t f = 0; r == 0 && f < w->object->n_functions; f++) {
		if (!w->selected[f])
			continue;
		r = show_function(w, f, err);
		if (r == 0 && rp_cancelled(&w->cli->ctx))
			r = RP_FAIL(err, -ECANCELED, "interrupted");
	}
	rp_disasm_list_end(w);
	json_close(w);
	return r == 0 ? rp_disasm_flush(w, FLUSH_BYTES, err) : r;
}
