/* SPDX-License-Identifier: MIT */
/* ELF64 little-endian over the bounded reader; see codeobj/elf.h. */
#include "codeobj/elf.h"

#define EHDR_BYTES 64u
#define SHDR_BYTES 64u
#define PHDR_BYTES 56u
#define SYM_BYTES  24u
#define RELA_BYTES 24u
#define PN_XNUM	   0xffffu

bool rp_elf_is(struct rp_span image)
{
	return image.n >= 4 && memcmp(image.p, "\177ELF", 4) == 0;
}

bool rp_elf_is_64le(struct rp_span image)
{
	/* EI_CLASS 2, EI_DATA 1 */
	return rp_elf_is(image) && image.n >= 6 && image.p[4] == 2 && image.p[5] == 1;
}

static int read_section(
	struct rp_span header, struct rp_span image, struct rp_elf_section *s, uint32_t *ret_name)
{
	bool good = rp_span_le32(header, 0, ret_name) && rp_span_le32(header, 4, &s->type) &&
		    rp_span_le64(header, 8, &s->flags) && rp_span_le64(header, 16, &s->addr) &&
		    rp_span_le64(header, 24, &s->offset) && rp_span_le64(header, 32, &s->size) &&
		    rp_span_le32(header, 40, &s->link) && rp_span_le32(header, 44, &s->info) &&
		    rp_span_le64(header, 48, &s->align) && rp_span_le64(header, 56, &s->entsize);

	if (!good)
		return -EBADMSG;
	s->data = rp_span_of(image.p, 0);
	s->in_file = s->type == RP_SHT_NOBITS || s->type == 0 ||
		     rp_span_sub(image, s->offset, s->size, &s->data);
	return 0;
}

static int read_sections(
	struct rp_elf *elf, uint64_t shoff, size_t n, uint32_t strings, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) uint32_t *names = NULL;
	struct rp_span table;

	/* n came from a 16-bit field or from a checked one: the table is inside the image. */
	if (!rp_span_sub(elf->image, shoff, (uint64_t)n * SHDR_BYTES, &table))
		return RP_FAIL(err, -EBADMSG,
			"truncated: %zu section headers at offset %llu, the file ends at %zu", n,
			(unsigned long long)shoff, elf->image.n);
	elf->sections = calloc(n, sizeof(*elf->sections));
	names = calloc(n, sizeof(*names));
	if (!elf->sections || !names)
		return RP_NOMEM(err);
	for (size_t i = 0; i < n; i++) {
		struct rp_span header;

		if (!rp_span_sub(table, i * SHDR_BYTES, SHDR_BYTES, &header) ||
			read_section(header, elf->image, &elf->sections[i], &names[i]) < 0)
			return RP_FAIL(err, -EBADMSG, "section header %zu is cut", i);
		elf->n_truncated += !elf->sections[i].in_file;
	}
	elf->n_sections = n;
	for (size_t i = 0; i < n; i++) {
		struct rp_elf_section *s = &elf->sections[i];

		s->name = rp_span_of(elf->image.p, 0);
		if (strings < n && !rp_span_cstr(elf->sections[strings].data, names[i], &s->name) &&
			names[i] != 0)
			return RP_FAIL(err, -EBADMSG,
				"section %zu: name at %u is outside the %zu bytes of section names",
				i, names[i], elf->sections[strings].data.n);
	}
	return 0;
}

static int read_segments(struct rp_elf *elf, uint64_t phoff, size_t n, struct rp_error *err)
{
	struct rp_span table;

	if (n == 0)
		return 0;
	if (!rp_span_sub(elf->image, phoff, (uint64_t)n * PHDR_BYTES, &table))
		return RP_FAIL(err, -EBADMSG,
			"truncated: %zu program headers at offset %llu, the file ends at %zu", n,
			(unsigned long long)phoff, elf->image.n);
	elf->segments = calloc(n, sizeof(*elf->segments));
	if (!elf->segments)
		return RP_NOMEM(err);
	for (size_t i = 0; i < n; i++) {
		struct rp_elf_segment *g = &elf->segments[i];
		struct rp_span h;

		if (!rp_span_sub(table, i * PHDR_BYTES, PHDR_BYTES, &h) ||
			!rp_span_le32(h, 0, &g->type) || !rp_span_le32(h, 4, &g->flags) ||
			!rp_span_le64(h, 8, &g->offset) || !rp_span_le64(h, 16, &g->vaddr) ||
			!rp_span_le64(h, 32, &g->filesz) || !rp_span_le64(h, 40, &g->memsz) ||
			!rp_span_le64(h, 48, &g->align))
			return RP_FAIL(err, -EBADMSG, "program header %zu is cut", i);
	}
	elf->n_segments = n;
	return 0;
}

struct header {
	uint64_t phoff, shoff;
	uint16_t phentsize, phnum, shentsize, shnum, shstrndx;
};

static int read_header(struct rp_elf *elf, struct header *h, struct rp_error *err)
{
	struct rp_span image = elf->image;

	if (!rp_elf_is_64le(image))
		return RP_FAIL(err, -EBADMSG, "not a 64-bit little-endian ELF file");
	if (!rp_span_u8(image, 7, &elf->osabi) || !rp_span_u8(image, 8, &elf->abiversion) ||
		!rp_span_le16(image, 16, &elf->type) || !rp_span_le16(image, 18, &elf->machine) ||
		!rp_span_le64(image, 32, &h->phoff) || !rp_span_le64(image, 40, &h->shoff) ||
		!rp_span_le32(image, 48, &elf->flags) || !rp_span_le16(image, 54, &h->phentsize) ||
		!rp_span_le16(image, 56, &h->phnum) || !rp_span_le16(image, 58, &h->shentsize) ||
		!rp_span_le16(image, 60, &h->shnum) || !rp_span_le16(image, 62, &h->shstrndx))
		return RP_FAIL(err, -EBADMSG, "truncated: %zu bytes, the ELF header has %u",
			image.n, EHDR_BYTES);
	if (h->shoff != 0 && h->shentsize != SHDR_BYTES)
		return RP_FAIL(err, -EBADMSG, "section headers of %u bytes, expected %u",
			h->shentsize, SHDR_BYTES);
	if (h->phnum != 0 && h->phentsize != PHDR_BYTES)
		return RP_FAIL(err, -EBADMSG, "program headers of %u bytes, expected %u",
			h->phentsize, PHDR_BYTES);
	return 0;
}

int rp_elf_open(struct rp_span image, struct rp_elf *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_elf_close) struct rp_elf elf = { .image = image };
	uint64_t n_sections;
	uint32_t strings, n_segments;
	struct header h = { 0 };
	int r;

	r = read_header(&elf, &h, err);
	if (r < 0)
		return r;
	n_sections = h.shnum;
	strings = h.shstrndx;
	n_segments = h.phnum;
	/* gABI: counts that do not fit are in section header 0. */
	if (h.shoff != 0 && (h.shnum == 0 || h.shstrndx == 0xffff || h.phnum == PN_XNUM)) {
		struct rp_span first;
		uint32_t link = 0, info = 0;
		uint64_t size = 0;

		if (!rp_span_sub(image, h.shoff, SHDR_BYTES, &first) ||
			!rp_span_le64(first, 32, &size) || !rp_span_le32(first, 40, &link) ||
			!rp_span_le32(first, 44, &info))
			return RP_FAIL(err, -EBADMSG, "truncated: section header 0 at offset %llu",
				(unsigned long long)h.shoff);
		if (h.shnum == 0)
			n_sections = size;
		if (h.shstrndx == 0xffff)
			strings = link;
		if (h.phnum == PN_XNUM)
			n_segments = info;
	}
	if (n_sections > image.n / SHDR_BYTES || n_segments > image.n / PHDR_BYTES)
		return RP_FAIL(err, -EBADMSG,
			"truncated: %llu section and %u program headers in %zu bytes",
			(unsigned long long)n_sections, n_segments, image.n);
	if (h.shoff != 0 && n_sections > 0) {
		r = read_sections(&elf, h.shoff, (size_t)n_sections, strings, err);
		if (r < 0)
			return r;
	}
	r = read_segments(&elf, h.phoff, n_segments, err);
	if (r < 0)
		return r;
	*ret = elf;
	elf = (struct rp_elf){ 0 };
	return 0;
}

void rp_elf_close(struct rp_elf *elf)
{
	free(elf->sections);
	free(elf->segments);
	*elf = (struct rp_elf){ 0 };
}

const struct rp_elf_section *rp_elf_section(const struct rp_elf *elf, const char *name)
{
	for (size_t i = 0; i < elf->n_sections; i++)
		if (rp_span_eq_str(elf->sections[i].name, name))
			return &elf->sections[i];
	return NULL;
}

bool rp_elf_at(const struct rp_elf *elf, uint64_t addr, uint64_t len, struct rp_span *ret)
{
	for (size_t i = 0; i < elf->n_sections; i++) {
		const struct rp_elf_section *s = &elf->sections[i];

		if ((s->flags & RP_SHF_ALLOC) && addr >= s->addr &&
			rp_span_sub(s->data, addr - s->addr, len, ret))
			return true;
	}
	return false;
}

int rp_elf_symbols(const struct rp_elf *elf, struct rp_elf_symbols *ret, struct rp_error *err)
{
	const struct rp_elf_section *found = NULL;
	const struct rp_elf_section *strings;

	for (size_t i = 0; i < elf->n_sections; i++) {
		const struct rp_elf_section *s = &elf->sections[i];

		if (s->type == RP_SHT_SYMTAB || (s->type == RP_SHT_DYNSYM && !found))
			found = s;
		if (s->type == RP_SHT_SYMTAB)
			break;
	}
	if (!found) {
		*ret = (struct rp_elf_symbols){ 0 };
		return 0;
	}
	if (!found->in_file)
		return RP_FAIL(err, -EBADMSG,
			"truncated: symbol table at offset %llu, %llu bytes, is outside the file",
			(unsigned long long)found->offset, (unsigned long long)found->size);
	if (found->entsize != SYM_BYTES || found->size % SYM_BYTES != 0)
		return RP_FAIL(err, -EBADMSG,
			"symbol table at offset %llu: %llu bytes in entries of %llu, expected %u",
			(unsigned long long)found->offset, (unsigned long long)found->size,
			(unsigned long long)found->entsize, SYM_BYTES);
	if (found->link >= elf->n_sections)
		return RP_FAIL(err, -EBADMSG, "symbol names are in section %u of %zu", found->link,
			elf->n_sections);
	strings = &elf->sections[found->link];
	if (!strings->in_file)
		return RP_FAIL(err, -EBADMSG, "truncated: symbol names at offset %llu, %llu bytes",
			(unsigned long long)strings->offset, (unsigned long long)strings->size);
	*ret = (struct rp_elf_symbols){ found->data, strings->data, found->data.n / SYM_BYTES };
	return 0;
}

bool rp_elf_symbol(const struct rp_elf_symbols *symbols, size_t index, struct rp_elf_symbol *ret)
{
	struct rp_elf_symbol s = { 0 };
	uint8_t info = 0, other = 0;
	struct rp_span entry;
	uint32_t name = 0;

	if (index >= symbols->n_symbols ||
		!rp_span_sub(symbols->table, (uint64_t)index * SYM_BYTES, SYM_BYTES, &entry) ||
		!rp_span_le32(entry, 0, &name) || !rp_span_u8(entry, 4, &info) ||
		!rp_span_u8(entry, 5, &other) || !rp_span_le16(entry, 6, &s.section) ||
		!rp_span_le64(entry, 8, &s.value) || !rp_span_le64(entry, 16, &s.size))
		return false;
	if (!rp_span_cstr(symbols->strings, name, &s.name)) {
		if (name != 0)
			return false;
		s.name = rp_span_of(symbols->table.p, 0);
	}
	s.type = info & 0xf;
	s.bind = info >> 4;
	s.visibility = other & 3;
	*ret = s;
	return true;
}

size_t rp_elf_reloc_count(const struct rp_elf_section *rela)
{
	return rela->type == RP_SHT_RELA ? rela->data.n / RELA_BYTES : 0;
}

bool rp_elf_reloc(const struct rp_elf_section *rela, size_t index, struct rp_elf_reloc *ret)
{
	uint64_t info = 0, addend = 0, offset = 0;
	struct rp_span entry;

	if (index >= rp_elf_reloc_count(rela) ||
		!rp_span_sub(rela->data, (uint64_t)index * RELA_BYTES, RELA_BYTES, &entry) ||
		!rp_span_le64(entry, 0, &offset) || !rp_span_le64(entry, 8, &info) ||
		!rp_span_le64(entry, 16, &addend))
		return false;
	*ret = (struct rp_elf_reloc){ .offset = offset,
		.type = (uint32_t)info,
		.symbol = (uint32_t)(info >> 32),
		.addend = (int64_t)addend };
	return true;
}

/* gABI "Note Section": three words, name and descriptor, each padded to 4 bytes. */
int rp_elf_next_note(struct rp_span *notes, struct rp_elf_note *ret, struct rp_error *err)
{
	uint32_t n_name = 0, n_desc = 0, type = 0;
	struct rp_span name, desc, rest;
	uint64_t at;

	if (notes->n == 0)
		return 0;
	if (!rp_span_le32(*notes, 0, &n_name) || !rp_span_le32(*notes, 4, &n_desc) ||
		!rp_span_le32(*notes, 8, &type))
		return RP_FAIL(err, -EBADMSG, "note header is cut: %zu bytes left", notes->n);
	at = 12;
	if (!rp_span_sub(*notes, at, n_name, &name))
		return RP_FAIL(err, -EBADMSG, "note name of %u bytes, %zu left", n_name, notes->n);
	at += ((uint64_t)n_name + 3) & ~(uint64_t)3;
	if (!rp_span_sub(*notes, at, n_desc, &desc))
		return RP_FAIL(err, -EBADMSG, "note of %u bytes, %zu left", n_desc, notes->n);
	at += ((uint64_t)n_desc + 3) & ~(uint64_t)3;
	if (!rp_span_from(*notes, at < notes->n ? at : notes->n, &rest))
		return RP_FAIL(err, -EBADMSG, "note padding is cut");
	while (name.n > 0 && name.p[name.n - 1] == '\0')
		name.n--;
	*ret = (struct rp_elf_note){ name, desc, type };
	*notes = rest;
	return 1;
}
