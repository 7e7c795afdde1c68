/* SPDX-License-Identifier: MIT */
/*
 * One object: its functions, then addresses for all of them, then what depends on these, then the file.
 * Whatever does not fit the model (code outside of functions, sections of code beside .text,
 * relocations of other kinds) refuses the object: nothing is guessed.
 */
#include <stdio.h>

#include "retarget/internal.h"

void rp_retarget_report_free(struct rp_retarget_report *report)
{
	for (size_t i = 0; i < report->n_notes; i++) {
		free(report->notes[i].object);
		free(report->notes[i].name);
		free(report->notes[i].reason);
	}
	free(report->notes);
	*report = (struct rp_retarget_report){ 0 };
}

int rp_retarget_report_add(struct rp_retarget_report *to, struct rp_retarget_report *from,
	const char *object, struct rp_error *err)
{
	to->n_objects += from->n_objects;
	to->n_kernels += from->n_kernels;
	to->n_functions += from->n_functions;
	to->n_instructions += from->n_instructions;
	to->n_changed += from->n_changed;
	to->n_refused += from->n_refused;
	to->n_refused_kernels += from->n_refused_kernels;
	to->old_code_bytes += from->old_code_bytes;
	to->new_code_bytes += from->new_code_bytes;
	for (unsigned int i = 0; i < RP_RETARGET_RULE_MAX; i++)
		to->rules[i] += from->rules[i];
	for (size_t i = 0; i < from->n_notes; i++) {
		struct rp_retarget_note *note = &from->notes[i];

		if (object && !note->object) {
			note->object = rp_span_dup(rp_span_str(object));
			if (!note->object)
				return RP_NOMEM(err);
		}
		if (rp_array_grow(&to->notes, &to->cap_notes, to->n_notes, sizeof(*to->notes)) < 0)
			return RP_NOMEM(err);
		to->notes[to->n_notes++] = *note;
		*note = (struct rp_retarget_note){ 0 };
	}
	rp_retarget_report_free(from);
	return 0;
}

bool rp_retarget_can(const struct rp_chip *card, const struct rp_chip *code)
{
	return code && code->isa && card->isa && !rp_chip_runs(card, code);
}

static int add_note(struct rp_retarget_report *report, struct rp_span name, bool is_kernel,
	bool is_refusal, const char *reason, struct rp_error *err)
{
	struct rp_retarget_note note = { .is_kernel = is_kernel, .is_refusal = is_refusal };

	note.name = rp_span_dup(name);
	note.reason = rp_span_dup(rp_span_str(reason));
	if (!note.name || !note.reason ||
		rp_array_grow(&report->notes, &report->cap_notes, report->n_notes,
			sizeof(*report->notes)) < 0) {
		free(note.name);
		free(note.reason);
		return RP_NOMEM(err);
	}
	report->notes[report->n_notes++] = note;
	if (is_refusal) {
		report->n_refused++;
		report->n_refused_kernels += is_kernel;
	}
	return 0;
}

static bool is_padding(struct rp_span bytes)
{
	uint32_t w = 0;

	for (size_t i = 0; i < bytes.n; i += 4)
		if (!rp_span_le32(bytes, i, &w) ||
			(w != 0 && w != RP_RT_S_CODE_END && w != RP_RT_S_NOP))
			return false;
	return true;
}

/* A part of the file. */
struct range {
	uint64_t start, end;
};

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Parts of the file that are written must not be parts of anything else. */
static int check_overlap(const struct rp_codeobj *object, struct rp_error *err)
{
	const struct rp_elf *elf = &object->elf;
	RP_CLEANUP(rp_free_p) struct range *ranges = calloc(elf->n_sections + 3, sizeof(*ranges));
	uint64_t phoff = 0, shoff = 0;
	size_t n = 0;

	if (!ranges)
		return RP_NOMEM(err);
	if (elf->n_truncated)
		return RP_FAIL(err, -EBADMSG, "truncated: %zu sections end behind the file",
			elf->n_truncated);
	if (!rp_span_le64(elf->image, 32, &phoff) || !rp_span_le64(elf->image, 40, &shoff))
		return RP_FAIL(err, -EBADMSG, "the ELF header is cut");
	ranges[n++] = (struct range){ 0, 64 };
	ranges[n++] = (struct range){ phoff, phoff + elf->n_segments * UINT64_C(56) };
	ranges[n++] = (struct range){ shoff, shoff + elf->n_sections * UINT64_C(64) };
	for (size_t i = 0; i < elf->n_sections; i++)
		if (elf->sections[i].data.n)
			ranges[n++] = (struct range){ elf->sections[i].offset,
				elf->sections[i].offset + elf->sections[i].data.n };
	qsort(ranges, n, sizeof(*ranges), by_start);
	for (size_t i = 1; i < n; i++)
		if (ranges[i].start < ranges[i - 1].end)
			return RP_FAIL(err, -EBADMSG, "parts of the file overlap at offset %llu",
				(unsigned long long)ranges[i].start);
	return 0;
}

/* All code is in .text, functions do not overlap, and between them is padding only. */
static int check_text(const struct rp_codeobj *object, struct rp_error *err)
{
	const struct rp_elf_section *text = rp_elf_section(&object->elf, ".text");
	uint64_t at = text ? text->addr : 0;

	for (size_t i = 0; i < object->elf.n_sections; i++) {
		const struct rp_elf_section *s = &object->elf.sections[i];

		if (s != text && s->flags & RP_SHF_EXECINSTR && s->size)
			return RP_FAIL(err, -ENOTSUP, "code in section %.*s beside .text",
				(int)(s->name.n < 40 ? s->name.n : 40), (const char *)s->name.p);
	}
	if (!text || text->size == 0)
		return 0;
	if (text->data.n != text->size || text->addr % 4 || text->addr > UINT64_MAX - text->size)
		return RP_FAIL(err, -EBADMSG, ".text at 0x%llx, %llu bytes: not in the file",
			(unsigned long long)text->addr, (unsigned long long)text->size);
	for (size_t i = 0; i <= object->n_functions; i++) {
		const struct rp_function *f =
			i < object->n_functions ? &object->functions[i] : NULL;
		uint64_t start = f ? f->addr : text->addr + text->size;
		struct rp_span gap;

		if (start < at)
			return RP_FAIL(err, -ENOTSUP, "function %.*s begins inside the one before",
				(int)(f->name.n < 80 ? f->name.n : 80), (const char *)f->name.p);
		if (!rp_span_sub(text->data, at - text->addr, start - at, &gap))
			return RP_FAIL(err, -EBADMSG, "a function is outside of .text");
		if (!is_padding(gap))
			return RP_FAIL(err, -ENOTSUP,
				"code outside of every function, at 0x%llx in .text",
				(unsigned long long)at);
		at = f ? f->addr + f->code.n : start;
	}
	return 0;
}

/* Index of the last function at or below addr, or SIZE_MAX. */
static size_t function_below(const struct rp_codeobj *o, uint64_t addr)
{
	size_t lo = 0, hi = o->n_functions;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->functions[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? lo - 1 : SIZE_MAX;
}

bool rp_rt_map(const struct rp_rt_object *o, uint64_t addr, uint64_t *ret)
{
	const struct rp_elf_section *text = rp_elf_section(&o->object->elf, ".text");
	const struct rp_rt_function *f;
	size_t index = function_below(o->object, addr);
	uint32_t off, lo = 0, hi;

	if (!text || addr < text->addr || addr - text->addr > text->size || !o->moves) {
		*ret = addr;
		return true;
	}
	if (addr == text->addr) {
		*ret = o->text_addr;
		return true;
	}
	if (index == SIZE_MAX)
		return false;
	f = &o->functions[index];
	if (addr - o->object->functions[index].addr >= f->olds[f->n_insts]) {
		*ret = f->addr + f->news[f->n_insts]; /* its end, or padding behind it */
		return true;
	}
	off = (uint32_t)(addr - o->object->functions[index].addr);
	if (f->is_trap)
		off = 0;
	for (hi = f->n_insts; lo < hi;) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (f->olds[mid] < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (f->olds[lo] != off)
		return false;
	*ret = f->addr + f->news[lo];
	return true;
}

bool rp_rt_map_code(const struct rp_rt_object *o, uint64_t addr, uint64_t *ret)
{
	const struct rp_elf_section *text = rp_elf_section(&o->object->elf, ".text");
	size_t index = function_below(o->object, addr);

	if (text && addr >= text->addr && addr - text->addr < text->size &&
		(index == SIZE_MAX || addr - o->object->functions[index].addr >=
					      o->object->functions[index].code.n))
		return false; /* padding */
	return rp_rt_map(o, addr, ret);
}

bool rp_rt_map_end(const struct rp_rt_object *o, uint64_t addr, uint64_t *ret)
{
	size_t index = addr ? function_below(o->object, addr - 1) : SIZE_MAX;

	/* not the start of the function behind it */
	if (o->moves && index != SIZE_MAX &&
		addr - o->object->functions[index].addr == o->object->functions[index].code.n) {
		*ret = o->functions[index].addr +
		       o->functions[index].news[o->functions[index].n_insts];
		return true;
	}
	return rp_rt_map(o, addr, ret);
}

/* Constants and calls that lead out of their function, now that all addresses are known. */
static int resolve(struct rp_rt_object *o, size_t index, struct rp_error *err)
{
	const struct rp_function *old = &o->object->functions[index];
	struct rp_rt_function *f = &o->functions[index];

	for (size_t i = 0; i < f->n_fixups; i++) {
		const struct rp_rt_fixup *fix = &f->fixups[i];
		uint64_t target = old->addr + (uint64_t)fix->target, to = 0;
		uint32_t *w = &f->words[fix->word];
		int64_t distance;

		if (!rp_rt_map_code(o, target, &to))
			return RP_FAIL(err, -ENOTSUP,
				"%.*s refers to 0x%llx, which is no instruction of a function",
				(int)(old->name.n < 80 ? old->name.n : 80),
				(const char *)old->name.p, (unsigned long long)target);
		distance = (int64_t)(to - (f->addr + fix->base));
		if (distance != (int64_t)(int32_t)distance && (distance >> 32 != 0 || fix->bias))
			return RP_FAIL(err, -ENOTSUP, "%.*s: too far from what it refers to",
				(int)(old->name.n < 80 ? old->name.n : 80),
				(const char *)old->name.p);
		if (fix->kind == RP_RT_FIX_PC_LOW) {
			*w = (uint32_t)(uint64_t)(distance - fix->bias);
		} else if (fix->kind == RP_RT_FIX_CALL) {
			if (distance / 4 != (int64_t)(int16_t)(distance / 4) ||
				distance / 4 == 0x3f)
				return RP_FAIL(
					err, -ENOTSUP, "s_call_b64 does not reach its target");
			*w = (*w & ~UINT32_C(0xffff)) |
			     ((uint32_t)(uint64_t)(distance / 4) & 0xffff);
		} else if ((*w >> 8 & 0xff) == 255) {
			f->words[fix->word + 1] = (uint32_t)((uint64_t)distance >> 32);
		} else { /* s_addc_u32 hi, hi, 0 or -1 */
			*w = (*w & ~UINT32_C(0xff00)) | (distance < 0 ? 193u : 128u) << 8;
		}
	}
	return 0;
}

/* Addresses: behind everything that is loaded now. */
static int place(struct rp_rt_object *o, struct rp_error *err)
{
	uint64_t end = 0, at;

	for (size_t i = 0; i < o->object->elf.n_segments; i++) {
		const struct rp_elf_segment *g = &o->object->elf.segments[i];
		uint64_t e;

		if (g->type != 1)
			continue;
		if (g->vaddr < end)
			return RP_FAIL(
				err, -EBADMSG, "PT_LOAD %zu is not in the order of addresses", i);
		if (__builtin_add_overflow(g->vaddr, g->memsz, &e) || e > UINT64_C(1) << 47)
			return RP_FAIL(err, -EBADMSG, "segment %zu ends at no address", i);
		end = e;
	}
	o->text_addr = (end + 4095) & ~(uint64_t)4095;
	at = o->text_addr;
	for (size_t i = 0; i < o->object->n_functions; i++) {
		at = (at + RP_RT_ALIGN - 1) & ~(uint64_t)(RP_RT_ALIGN - 1);
		o->functions[i].addr = at;
		at += (uint64_t)o->functions[i].n_words * 4;
	}
	at = ((at + RP_RT_ALIGN - 1) & ~(uint64_t)(RP_RT_ALIGN - 1)) + RP_RT_ALIGN;
	o->text_bytes = (size_t)(at - o->text_addr);
	return 0;
}

/* Function number i could not be fixed. 0: it traps now, or the search for more of its kind goes on. */
static int refused(struct rp_rt_object *o, size_t i, const char *reason, struct rp_error *err)
{
	const struct rp_function *f = &o->object->functions[i];
	const struct rp_isa_target target = { o->options->chip->isa, false };
	int r = add_note(o->report, f->name, f->kernel != RP_CODEOBJ_NO_KERNEL, true, reason, err);

	if (r == 0)
		r = rp_rt_trap(&o->functions[i], f, &target, err);
	if (r == 0)
		o->report->rules[RP_RETARGET_TRAP]++;
	return r;
}

static int rewrite_functions(struct rp_rt_object *o, struct rp_error *err)
{
	struct rp_rt *rt = calloc(1, sizeof(*rt));
	int r = 0;

	if (!rt)
		return RP_NOMEM(err);
	rt->o = o;
	rt->flow = (struct rp_flow)RP_FLOW_INIT;
	for (size_t i = 0; r == 0 && i < o->object->n_functions; i++) {
		r = rp_rt_function(rt, i, err);
		o->report->n_instructions += rt->flow.n_insts;
		if (r == RP_RT_REFUSED)
			r = refused(o, i, rt->reason, err);
		else
			for (unsigned int k = 0; r == 0 && k < RP_RETARGET_RULE_MAX; k++)
				o->report->rules[k] += rt->counts[k];
		o->moves |= o->functions[i].is_changed;
	}
	rp_rt_free(rt);
	free(rt);
	return r;
}

static int rewrite_kernels(struct rp_rt_object *o, struct rp_error *err)
{
	char reason[256];
	int r = 0;

	for (size_t k = 0; r == 0 && k < o->object->n_kernels; k++) {
		const struct rp_kernel *kernel = &o->object->kernels[k];

		if (rp_rt_descriptor(o, k, reason)) {
			o->kernels[k] = (struct rp_rt_kernel){ kernel->descriptor.rsrc1, 0 };
			if (!o->functions[kernel->function].is_trap)
				r = refused(o, kernel->function, reason, err);
			o->moves = true;
		} else if (reason[0]) {
			r = add_note(o->report, kernel->name, true, false, reason, err);
		}
	}
	return r;
}

static void count(struct rp_rt_object *o)
{
	struct rp_retarget_report *report = o->report;

	report->n_objects++;
	report->n_kernels += o->object->n_kernels;
	report->n_functions += o->object->n_functions;
	for (size_t i = 0; i < o->object->n_functions; i++) {
		report->n_changed += o->functions[i].is_changed;
		report->old_code_bytes += o->object->functions[i].code.n;
		report->new_code_bytes += (uint64_t)o->functions[i].n_words * 4;
	}
}

/* Functions whose instructions do not all stay where they are cannot be written in place. */
static int stay(struct rp_rt_object *o, struct rp_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->object->n_functions; i++) {
		const struct rp_function *old = &o->object->functions[i];
		struct rp_rt_function *f = &o->functions[i];
		char reason[256];

		f->addr = old->addr;
		if (f->is_trap || (f->n_words * 4 == old->code.n &&
					  memcmp(f->olds, f->news,
						  (f->n_insts + 1u) * sizeof(*f->olds)) == 0))
			continue;
		(void)snprintf(reason, sizeof(reason),
			"%zu bytes of code become %zu: it would have to move", old->code.n,
			f->n_words * 4);
		r = refused(o, i, reason, err);
	}
	o->moves = false;
	return r;
}

static int retarget(struct rp_rt_object *o, struct rp_buf *ret, struct rp_error *err)
{
	uint64_t n_refused = o->report->n_refused;
	int r = check_overlap(o->object, err);

	if (r == 0)
		r = check_text(o->object, err);
	if (r == 0)
		r = rewrite_functions(o, err);
	if (r == 0)
		r = rewrite_kernels(o, err);
	if (r == 0 && o->options->in_place)
		r = stay(o, err);
	if (r < 0)
		return r;
	count(o);
	n_refused = o->report->n_refused - n_refused;
	if (n_refused && !o->options->trap) {
		const struct rp_retarget_note *note = &o->report->notes[o->report->n_notes - 1];

		return RP_FAIL(err, -ENOTSUP, "%llu functions cannot be fixed, the last: %.120s %s",
			(unsigned long long)n_refused, note->name, note->reason);
	}
	r = o->options->in_place ? 0 : place(o, err);
	for (size_t i = 0;
		r == 0 && (o->moves || o->options->in_place) && i < o->object->n_functions; i++)
		r = resolve(o, i, err);
	return r < 0 ? r : rp_rt_write(o, ret, err);
}

int rp_retarget_object(const struct rp_codeobj *object, const struct rp_retarget_options *options,
	struct rp_buf *ret, struct rp_retarget_report *report, struct rp_error *err)
{
	struct rp_rt_object o = { .object = object, .options = options, .report = report };
	int r;

	if (!object->chip || !object->chip->isa)
		return RP_FAIL(
			err, -ENOTSUP, "code for %s: only gfx10 can be retargeted", object->target);
	if (object->cov < 3)
		return RP_FAIL(err, -ENOTSUP, "code object version %u: 3 and later can be written",
			object->cov);
	if (!rp_retarget_can(options->chip, object->chip)) {
		rp_buf_add(ret, object->elf.image.p, object->elf.image.n);
		report->n_objects++;
		return rp_buf_check(ret, err);
	}
	o.functions = calloc(object->n_functions + 1, sizeof(*o.functions));
	o.kernels = calloc(object->n_kernels + 1, sizeof(*o.kernels));
	r = o.functions && o.kernels ? retarget(&o, ret, err) : RP_NOMEM(err);
	for (size_t i = 0; o.functions && i < object->n_functions; i++)
		rp_rt_function_free(&o.functions[i]);
	free(o.functions);
	free(o.kernels);
	if (r < 0)
		rp_buf_free(ret);
	return r;
}
