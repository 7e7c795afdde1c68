/* SPDX-License-Identifier: MIT */
/*
 * The file of a rewritten object: a copy of the old one with a segment behind it for the new code and
 * notes, and every header, symbol, descriptor and relocation that speaks of code changed in the copy. No other
 * byte moves, so offsets into data stay right. The program header of the new segment is that of PT_GNU_STACK,
 * which the loader does not look at in code objects. ROCr (6.4) takes the end of the last PT_LOAD as the
 * size of the image: ours is last in order and highest in address.
 */
#include "retarget/internal.h"

#define PT_LOAD	     1u
#define PT_NOTE	     4u
#define PT_GNU_STACK 0x6474e551u
#define PAGE	     4096u
#define SYM_BYTES    24u
#define RELA_BYTES   24u

/* The loader takes these only (ROCr 6.4, executable.cpp ApplyDynamicRelocation); LLVM AMDGPU relocations. */
enum { R_ABS32_LO = 1, R_ABS32_HI = 2, R_ABS64 = 3, R_ABS32 = 6, R_RELATIVE64 = 13 };

#define MAX_NOTES 8u

struct note_section {
	size_t section, start, size; /* start: in the new notes */
};

struct writer {
	struct rp_rt_object *o;
	const struct rp_elf *elf;
	struct rp_buf *out;
	uint64_t shoff, phoff;
	uint64_t file_start; /* of the new segment; 0: none */
	struct rp_buf notes; /* owned */
	struct note_section note_sections[MAX_NOTES];
	size_t n_notes;
	bool notes_move;
	uint64_t notes_at; /* offset in the new segment */
};

static uint8_t *at(struct writer *w, uint64_t offset, size_t n)
{
	return offset <= w->out->n && n <= w->out->n - offset ? (uint8_t *)w->out->p + offset
							      : NULL;
}

static int put32(struct writer *w, uint64_t offset, uint32_t v, struct rp_error *err)
{
	uint8_t *p = at(w, offset, 4);

	if (!p)
		return RP_FAIL(err, -EBADMSG, "offset %llu is outside of the file",
			(unsigned long long)offset);
	rp_rt_put_le32(p, v);
	return 0;
}

static int put64(struct writer *w, uint64_t offset, uint64_t v, struct rp_error *err)
{
	uint8_t *p = at(w, offset, 8);

	if (!p)
		return RP_FAIL(err, -EBADMSG, "offset %llu is outside of the file",
			(unsigned long long)offset);
	rp_rt_put_le64(p, v);
	return 0;
}

static bool is_text(const struct writer *w, size_t section)
{
	return section < w->elf->n_sections &&
	       rp_span_eq_str(w->elf->sections[section].name, ".text");
}

static int symbols(struct writer *w, const struct rp_elf_section *s, struct rp_error *err)
{
	if (s->entsize != SYM_BYTES || !s->in_file)
		return RP_FAIL(err, -EBADMSG, "a symbol table of unknown form");
	for (uint64_t off = 0; off + SYM_BYTES <= s->data.n; off += SYM_BYTES) {
		uint16_t section = 0;
		uint8_t info = 0;
		uint64_t value = 0, size = 0, start = 0, end = 0;
		int r = 0;

		if (!rp_span_u8(s->data, off + 4, &info) ||
			!rp_span_le16(s->data, off + 6, &section) ||
			!rp_span_le64(s->data, off + 8, &value) ||
			!rp_span_le64(s->data, off + 16, &size))
			return RP_FAIL(err, -EBADMSG, "a symbol is cut");
		if (section == 0 || section >= 0xff00 || !is_text(w, section))
			continue;
		if (!rp_rt_map(w->o, value, &start) ||
			(size && !rp_rt_map_end(w->o, value + size, &end)) || (size && end < start))
			return RP_FAIL(err, -ENOTSUP,
				"symbol %llu at 0x%llx is at no instruction of a function",
				(unsigned long long)(off / SYM_BYTES), (unsigned long long)value);
		r = put64(w, s->offset + off + 8, start, err);
		if (r == 0 && size)
			r = put64(w, s->offset + off + 16, end - start, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool in_text(const struct writer *w, uint64_t addr)
{
	const struct rp_elf_section *text = rp_elf_section(w->elf, ".text");

	return text && addr >= text->addr && addr - text->addr < text->size;
}

/* Section of the dynamic symbol that a relocation names; 0: none. */
static uint16_t symbol_section(
	const struct writer *w, const struct rp_elf_section *rela, uint32_t n)
{
	uint16_t section = 0;

	if (rela->link >= w->elf->n_sections || !rp_span_le16(w->elf->sections[rela->link].data,
							(uint64_t)n * SYM_BYTES + 6, &section))
		return 0;
	return section;
}

static int relocations(struct writer *w, const struct rp_elf_section *s, struct rp_error *err)
{
	struct rp_elf_reloc rel;

	for (size_t i = 0; rp_elf_reloc(s, i, &rel); i++) {
		uint64_t to = 0;
		int r;

		if (rel.type > R_ABS64 && rel.type != R_RELATIVE64 && rel.type != R_ABS32)
			return RP_FAIL(err, -ENOTSUP, "relocation of type %u", rel.type);
		if (in_text(w, rel.offset))
			return RP_FAIL(err, -ENOTSUP, "relocation in the code, at 0x%llx",
				(unsigned long long)rel.offset);
		if (rel.type != R_RELATIVE64) {
			if (is_text(w, symbol_section(w, s, rel.symbol)) && rel.addend)
				return RP_FAIL(
					err, -ENOTSUP, "relocation into the middle of a function");
			continue; /* the symbol's value is changed */
		}
		if (!in_text(w, (uint64_t)rel.addend))
			continue;
		if (!rp_rt_map_code(w->o, (uint64_t)rel.addend, &to))
			return RP_FAIL(err, -ENOTSUP,
				"relocation to 0x%llx, which is no instruction",
				(unsigned long long)rel.addend);
		r = put64(w, s->offset + i * RELA_BYTES + 16, to, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int descriptors(struct writer *w, struct rp_error *err)
{
	const struct rp_codeobj *object = w->o->object;
	int r = 0;

	for (size_t k = 0; r == 0 && k < object->n_kernels; k++) {
		const struct rp_kernel *kernel = &object->kernels[k];
		uint64_t entry = 0;

		if (!rp_rt_map(w->o, kernel->entry_addr, &entry))
			return RP_FAIL(err, -ENOTSUP, "a kernel begins at no instruction");
		r = put64(w, kernel->descriptor_offset + 16, entry - kernel->descriptor_addr, err);
		if (r == 0)
			r = put32(w, kernel->descriptor_offset + 48, w->o->kernels[k].rsrc1, err);
	}
	return r;
}

/* Section header n: address, offset, size. */
static int section_header(struct writer *w, size_t n, uint64_t addr, uint64_t offset, uint64_t size,
	struct rp_error *err)
{
	uint64_t header = w->shoff + (uint64_t)n * 64;
	int r = put64(w, header + 16, addr, err);

	if (r == 0)
		r = put64(w, header + 24, offset, err);
	return r ? r : put64(w, header + 32, size, err);
}

static int program_header(struct writer *w, size_t n, const uint32_t type_flags[2], uint64_t offset,
	uint64_t addr, uint64_t size, uint64_t align, struct rp_error *err)
{
	uint64_t header = w->phoff + (uint64_t)n * 56;
	const uint64_t values[] = { offset, addr, addr, size, size, align };
	int r = put32(w, header, type_flags[0], err);

	if (r == 0)
		r = put32(w, header + 4, type_flags[1], err);
	for (size_t i = 0; r == 0 && i < RP_ARRAY_SIZE(values); i++)
		r = put64(w, header + 8 + 8 * i, values[i], err);
	return r;
}

/* mach, xnack, no generic version. LLVM ELF.h, EF_AMDGPU_FEATURE_XNACK_*_V4: any 1, off 2, on 3 (bits 9:8). */
static uint32_t new_flags(const struct writer *w)
{
	const struct rp_codeobj *object = w->o->object;
	const struct rp_chip *card = w->o->options->chip;
	uint32_t xnack = 0;

	if (card->has_xnack)
		xnack = object->chip->has_xnack ? (uint32_t)object->xnack : RP_CODEOBJ_OFF;
	if (object->cov < 4) /* one bit: on */
		return card->mach | (xnack == RP_CODEOBJ_ON ? 0x100u : 0);
	return card->mach | xnack << 8;
}

/*
 * The new notes. If one has another length all of them move to the new segment, since a PT_NOTE
 * may hold several sections of them.
 */
static int make_notes(struct writer *w, struct rp_error *err)
{
	for (size_t i = 0; i < w->elf->n_sections; i++) {
		const struct rp_elf_section *s = &w->elf->sections[i];
		size_t start = w->notes.n;
		int r;

		if (s->type != RP_SHT_NOTE)
			continue;
		if (w->n_notes == MAX_NOTES)
			return RP_FAIL(err, -ENOTSUP, "more than %u sections of notes", MAX_NOTES);
		r = rp_rt_notes(w->o, s->data, &w->notes, err);
		if (r < 0)
			return r;
		w->note_sections[w->n_notes++] =
			(struct note_section){ i, start, w->notes.n - start };
		w->notes_move |= w->notes.n - start != s->data.n;
	}
	for (size_t k = 0; !w->notes_move && k < w->n_notes; k++) {
		const struct note_section *n = &w->note_sections[k];
		uint8_t *p = at(w, w->elf->sections[n->section].offset, n->size);

		if (p && n->size)
			memcpy(p, w->notes.p + n->start, n->size);
	}
	return 0;
}

static int move_notes(struct writer *w, struct rp_error *err)
{
	uint64_t addr = w->o->text_addr + w->notes_at, offset = w->file_start + w->notes_at;
	uint64_t first = UINT64_MAX, end = 0;
	int r = 0;

	for (size_t k = 0; r == 0 && k < w->n_notes; k++) {
		const struct note_section *n = &w->note_sections[k];
		const struct rp_elf_section *s = &w->elf->sections[n->section];

		first = s->offset < first ? s->offset : first;
		end = s->offset + s->size > end ? s->offset + s->size : end;
		r = section_header(w, n->section, addr + n->start, offset + n->start, n->size, err);
	}
	for (size_t i = 0; r == 0 && i < w->elf->n_segments; i++) {
		const struct rp_elf_segment *g = &w->elf->segments[i];
		const uint32_t type_flags[2] = { PT_NOTE, g->flags };

		if (g->type != PT_NOTE)
			continue;
		if (g->offset != first || g->filesz != end - first)
			return RP_FAIL(
				err, -ENOTSUP, "a PT_NOTE that is not the sections of notes");
		r = program_header(w, i, type_flags, offset, addr, w->notes.n, 4, err);
	}
	return r;
}

/* New code and notes behind the file, in a segment of their own. */
static int new_segment(struct writer *w, struct rp_error *err)
{
	const uint32_t type_flags[2] = { PT_LOAD, 5 }; /* readable, executable */
	size_t stack = w->elf->n_segments, text_bytes = w->o->moves ? w->o->text_bytes : 0, total;
	static const uint8_t zeros[PAGE];
	uint8_t *p;

	for (size_t i = 0; i < w->elf->n_segments; i++) {
		if (w->elf->segments[i].type == PT_GNU_STACK)
			stack = i;
		else if (w->elf->segments[i].type == PT_LOAD && stack < i)
			return RP_FAIL(err, -ENOTSUP, "PT_GNU_STACK is before a PT_LOAD");
	}
	if (stack == w->elf->n_segments)
		return RP_FAIL(
			err, -ENOTSUP, "no PT_GNU_STACK whose program header could be taken");
	w->notes_at = (text_bytes + 3) & ~(size_t)3;
	total = (size_t)w->notes_at + (w->notes_move ? w->notes.n : 0);
	rp_buf_add(w->out, zeros, (PAGE - w->out->n % PAGE) % PAGE);
	w->file_start = w->out->n;
	if (!rp_buf_reserve(w->out, total))
		return RP_NOMEM(err);
	p = (uint8_t *)w->out->p + w->out->n;
	for (size_t i = 0; i < text_bytes; i += 4)
		rp_rt_put_le32(p + i, RP_RT_S_CODE_END);
	for (size_t i = 0; text_bytes && i < w->o->object->n_functions; i++) {
		const struct rp_rt_function *f = &w->o->functions[i];

		for (size_t k = 0; k < f->n_words; k++)
			rp_rt_put_le32(p + (f->addr - w->o->text_addr) + 4 * k, f->words[k]);
	}
	if (w->notes_move)
		memcpy(p + w->notes_at, w->notes.p, w->notes.n);
	w->out->n += total;
	w->out->p[w->out->n] = '\0';
	return program_header(
		w, stack, type_flags, w->file_start, w->o->text_addr, total, PAGE, err);
}

/* Code that stays where it is. */
static int in_place(struct writer *w, struct rp_error *err)
{
	int r = 0;

	if (w->notes_move)
		return RP_FAIL(err, -ENOTSUP, "notes would have another size: not in place");
	for (size_t i = 0; i < w->o->object->n_functions; i++) {
		const struct rp_rt_function *f = &w->o->functions[i];

		for (size_t k = 0; r == 0 && k < f->n_words; k++)
			r = put32(w, w->o->object->functions[i].offset + 4 * k, f->words[k], err);
	}
	return r;
}

static int change(struct writer *w, struct rp_error *err)
{
	int r = put32(w, 48, new_flags(w), err);

	if (r == 0)
		r = make_notes(w, err);
	if (r == 0 && w->o->options->in_place)
		r = in_place(w, err);
	if (r == 0 && (w->o->moves || w->notes_move))
		r = new_segment(w, err);
	if (r == 0 && w->notes_move)
		r = move_notes(w, err);
	if (r == 0)
		r = descriptors(w, err);
	for (size_t i = 0; r == 0 && w->o->moves && i < w->elf->n_sections; i++) {
		const struct rp_elf_section *s = &w->elf->sections[i];

		if (s->type == RP_SHT_SYMTAB || s->type == RP_SHT_DYNSYM)
			r = symbols(w, s, err);
		else if (s->type == RP_SHT_RELA)
			r = relocations(w, s, err);
		else if (s->type == RP_SHT_REL && s->size)
			r = RP_FAIL(err, -ENOTSUP, "relocations without addends");
		else if (is_text(w, i))
			r = section_header(
				w, i, w->o->text_addr, w->file_start, w->o->text_bytes, err);
	}
	return r;
}

int rp_rt_write(struct rp_rt_object *o, struct rp_buf *ret, struct rp_error *err)
{
	struct writer w = { .o = o, .elf = &o->object->elf, .out = ret };
	struct rp_span image = o->object->elf.image;
	uint64_t entry = 0;
	int r;

	if (!rp_span_le64(image, 24, &entry) || !rp_span_le64(image, 32, &w.phoff) ||
		!rp_span_le64(image, 40, &w.shoff))
		return RP_FAIL(err, -EBADMSG, "the ELF header is cut");
	if (entry && in_text(&w, entry))
		return RP_FAIL(err, -ENOTSUP, "an entry point in the code");
	rp_buf_add(ret, image.p, image.n);
	r = rp_buf_check(ret, err);
	if (r == 0)
		r = change(&w, err);
	rp_buf_free(&w.notes);
	return r < 0 ? r : rp_buf_check(ret, err);
}
