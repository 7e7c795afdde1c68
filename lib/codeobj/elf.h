/* SPDX-License-Identifier: MIT */
/*
 * A small ELF64 little-endian model over the bounded reader, for host files and
 * code objects. Own code instead of libelf: the bytes are untrusted, libelf hands
 * out pointers into them, and a section list and two iterators are all we need.
 * Everything borrows from the image. Source: System V gABI, "Object Files".
 */
#ifndef RP_CODEOBJ_ELF_H
#define RP_CODEOBJ_ELF_H

#include "base/base.h"

#define RP_EM_AMDGPU 224

/* Section types and flags that somebody here asks for. */
enum {
	RP_SHT_PROGBITS = 1,
	RP_SHT_SYMTAB = 2,
	RP_SHT_RELA = 4,
	RP_SHT_NOTE = 7,
	RP_SHT_NOBITS = 8,
	RP_SHT_REL = 9,
	RP_SHT_DYNSYM = 11,
};
#define RP_SHF_ALLOC	 0x2u
#define RP_SHF_EXECINSTR 0x4u

enum { RP_ET_REL = 1, RP_ET_EXEC = 2, RP_ET_DYN = 3, RP_ET_CORE = 4 };
enum { RP_STT_NOTYPE = 0, RP_STT_OBJECT = 1, RP_STT_FUNC = 2, RP_STT_SECTION = 3 };

struct rp_elf_section {
	struct rp_span name;
	struct rp_span data; /* empty for NOBITS and if !in_file */
	bool in_file; /* false: header is right, but its bytes are behind the end of the image */
	uint32_t type, link, info;
	uint64_t flags, addr, offset, size, align, entsize;
};

struct rp_elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, filesz, memsz, align;
};

struct rp_elf {
	struct rp_span image;
	uint8_t osabi, abiversion;
	uint16_t type, machine;
	uint32_t flags;
	struct rp_elf_section *sections; /* owned */
	size_t n_sections;
	struct rp_elf_segment *segments; /* owned */
	size_t n_segments;
	size_t n_truncated; /* sections with bytes behind the end of the image */
};

/* True for the four magic bytes. */
bool rp_elf_is(struct rp_span image);
/* True if it is also 64-bit little-endian, the only kind that rp_elf_open takes. */
bool rp_elf_is_64le(struct rp_span image);

/*
 * 0; -EBADMSG with offset and reason; -ENOMEM. A section whose bytes lie outside
 * the image is kept with in_file = false; whoever needs its bytes must ask.
 */
RP_MUST_CHECK int rp_elf_open(struct rp_span image, struct rp_elf *ret, struct rp_error *err);
void rp_elf_close(struct rp_elf *elf);

const struct rp_elf_section *rp_elf_section(
	const struct rp_elf *elf, const char *name); /* or NULL */

/* The bytes in memory at [addr, addr + len) that are in the image; false if not all are. */
RP_MUST_CHECK bool rp_elf_at(
	const struct rp_elf *elf, uint64_t addr, uint64_t len, struct rp_span *ret);

struct rp_elf_symbol {
	struct rp_span name;
	uint8_t type, bind, visibility;
	uint16_t section; /* st_shndx */
	uint64_t value, size;
};

/* One of the two symbol tables; n_symbols is 0 if there is none. */
struct rp_elf_symbols {
	struct rp_span table, strings;
	size_t n_symbols;
};

/* The full table, or the dynamic one where it is missing. -EBADMSG: malformed. */
RP_MUST_CHECK int rp_elf_symbols(
	const struct rp_elf *elf, struct rp_elf_symbols *ret, struct rp_error *err);
/* False if the name is outside the string table (or index out of range). */
RP_MUST_CHECK bool rp_elf_symbol(
	const struct rp_elf_symbols *symbols, size_t index, struct rp_elf_symbol *ret);

struct rp_elf_reloc {
	uint64_t offset;
	uint32_t type, symbol;
	int64_t addend;
};

/* Number of entries of a RELA section; entry index of it. */
size_t rp_elf_reloc_count(const struct rp_elf_section *rela);
RP_MUST_CHECK bool rp_elf_reloc(
	const struct rp_elf_section *rela, size_t index, struct rp_elf_reloc *ret);

struct rp_elf_note {
	struct rp_span name; /* without the NUL */
	struct rp_span desc;
	uint32_t type;
};

/* Cuts the next note off *notes; 0: no more; 1: *ret filled; -EBADMSG: malformed. */
RP_MUST_CHECK int rp_elf_next_note(
	struct rp_span *notes, struct rp_elf_note *ret, struct rp_error *err);

#endif
