/* SPDX-License-Identifier: MIT */
/*
 * What the proof reads from a shared library (ELF64, little endian): exported
 * symbols with their versions, and our notes. All through the bounded reader.
 * Sources: System V ABI, gABI chapter 4; symbol versions: Linux Standard Base 5.0, 10.7.
 */
#include "build/build.h"

#include <elf.h>

struct elf {
	struct rp_span file;
	uint64_t shoff;
	uint16_t shentsize, shnum, shstrndx;
};

struct section {
	uint32_t name, type, link, info;
	uint64_t offset, size, entsize;
	struct rp_span data; /* empty for SHT_NOBITS */
};

static int bad(struct rp_error *err, const char *what)
{
	return RP_FAIL(err, -EBADMSG, "not a shared library that can be read: %s", what);
}

static int open_elf(struct rp_span file, struct elf *ret, struct rp_error *err)
{
	struct elf e = { .file = file };

	if (!rp_span_starts(file, ELFMAG) || file.n < 64 || file.p[EI_CLASS] != ELFCLASS64 ||
		file.p[EI_DATA] != ELFDATA2LSB)
		return bad(err, "no ELF64 little-endian header");
	if (!rp_span_le64(file, 40, &e.shoff) || !rp_span_le16(file, 58, &e.shentsize) ||
		!rp_span_le16(file, 60, &e.shnum) || !rp_span_le16(file, 62, &e.shstrndx) ||
		e.shentsize != 64)
		return bad(err, "section header table");
	*ret = e;
	return 0;
}

static bool get_section(const struct elf *e, uint32_t i, struct section *ret)
{
	struct section s = { .data = { NULL, 0 } };
	struct rp_span h;

	if (i >= e->shnum || !rp_span_sub(e->file, e->shoff + (uint64_t)i * 64, 64, &h) ||
		e->shoff > e->file.n)
		return false;
	if (!rp_span_le32(h, 0, &s.name) || !rp_span_le32(h, 4, &s.type) ||
		!rp_span_le64(h, 24, &s.offset) || !rp_span_le64(h, 32, &s.size) ||
		!rp_span_le32(h, 40, &s.link) || !rp_span_le32(h, 44, &s.info) ||
		!rp_span_le64(h, 56, &s.entsize))
		return false;
	if (s.type != SHT_NOBITS && !rp_span_sub(e->file, s.offset, s.size, &s.data))
		return false;
	*ret = s;
	return true;
}

static bool find_section(const struct elf *e, uint32_t type, struct section *ret)
{
	for (uint32_t i = 0; i < e->shnum; i++)
		if (get_section(e, i, ret) && ret->type == type)
			return true;
	return false;
}

/* Name of version number `index` in .gnu.version_d; false: none (base or unversioned). */
static bool version_name(
	const struct section *verdef, struct rp_span strings, uint16_t index, struct rp_span *ret)
{
	uint64_t off = 0;

	for (uint32_t n = 0; n < verdef->info && n < 10000; n++) {
		uint32_t aux, next, name;
		uint16_t ndx, flags;

		if (!rp_span_le16(verdef->data, off + 2, &flags) ||
			!rp_span_le16(verdef->data, off + 4, &ndx) ||
			!rp_span_le32(verdef->data, off + 12, &aux) ||
			!rp_span_le32(verdef->data, off + 16, &next))
			return false;
		if (ndx == index)
			return !(flags & VER_FLG_BASE) &&
			       rp_span_le32(verdef->data, off + aux, &name) &&
			       rp_span_cstr(strings, name, ret);
		if (next == 0)
			return false;
		off += next;
	}
	return false;
}

static int compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* One entry of .dynsym. 0: not exported, or added; -EBADMSG. */
static int add_symbol(const struct section *sym, uint64_t i, const struct section *strings,
	const struct section *versym, const struct section *verdef, struct rp_strv *ret,
	struct rp_error *err)
{
	struct rp_span name, version;
	uint16_t shndx, index = 0;
	uint8_t info, other;
	uint32_t off;

	if (!rp_span_le32(sym->data, i * 24, &off) || !rp_span_u8(sym->data, i * 24 + 4, &info) ||
		!rp_span_u8(sym->data, i * 24 + 5, &other) ||
		!rp_span_le16(sym->data, i * 24 + 6, &shndx))
		return bad(err, "symbol table");
	if (shndx == SHN_UNDEF || ELF64_ST_BIND(info) == STB_LOCAL ||
		ELF64_ST_VISIBILITY(other) == STV_HIDDEN ||
		ELF64_ST_VISIBILITY(other) == STV_INTERNAL)
		return 0;
	if (!rp_span_cstr(strings->data, off, &name))
		return bad(err, "symbol name");
	if (versym->data.n > 0 && !rp_span_le16(versym->data, i * 2, &index))
		return bad(err, "symbol version");
	/* The symbol that a version definition itself makes (type "absolute") is no function or object of it. */
	if (shndx == SHN_ABS && ELF64_ST_TYPE(info) == STT_OBJECT && name.n > 0 &&
		version_name(verdef, strings->data, index & 0x7fff, &version) &&
		rp_span_eq(name, version))
		return 0;
	if (verdef->data.n > 0 && version_name(verdef, strings->data, index & 0x7fff, &version))
		return rp_strv_addf(ret, err, "%.*s@%.*s", (int)name.n, (const char *)name.p,
			(int)version.n, (const char *)version.p);
	return rp_strv_addf(ret, err, "%.*s", (int)name.n, (const char *)name.p);
}

int rp_elf_exports(struct rp_span file, struct rp_strv *ret, struct rp_error *err)
{
	struct section sym, strings, versym = { .data = { NULL, 0 } },
				     verdef = { .data = { NULL, 0 } };
	RP_CLEANUP(rp_strv_free) struct rp_strv out = RP_STRV_INIT;
	struct elf e;
	int r;

	r = open_elf(file, &e, err);
	if (r < 0)
		return r;
	if (!find_section(&e, SHT_DYNSYM, &sym) || sym.entsize != 24 ||
		!get_section(&e, sym.link, &strings))
		return bad(err, "no dynamic symbol table");
	if (!find_section(&e, SHT_GNU_versym, &versym))
		versym = (struct section){ .data = { NULL, 0 } };
	if (!find_section(&e, SHT_GNU_verdef, &verdef))
		verdef = (struct section){ .data = { NULL, 0 } };
	for (uint64_t i = 1; i < sym.data.n / 24; i++) {
		r = add_symbol(&sym, i, &strings, &versym, &verdef, &out, err);
		if (r < 0)
			return r;
	}
	if (out.n > 1)
		qsort(out.v, out.n, sizeof(*out.v), compare);
	*ret = out;
	out = (struct rp_strv)RP_STRV_INIT;
	return 0;
}

/* Notes of one section: namesz, descsz, type, name and description padded to 4 bytes. */
static int read_notes(struct rp_span notes, struct rp_strv *ret, struct rp_error *err)
{
	uint64_t off = 0;

	while (off + 12 <= notes.n) {
		uint32_t namesz, descsz;
		struct rp_span name, desc;
		RP_CLEANUP(rp_free_p) char *text = NULL;
		int r;

		if (!rp_span_le32(notes, off, &namesz) || !rp_span_le32(notes, off + 4, &descsz) ||
			!rp_span_sub(notes, off + 12, namesz, &name) ||
			!rp_span_sub(
				notes, off + 12 + ((uint64_t)namesz + 3) / 4 * 4, descsz, &desc))
			return bad(err, "malformed note");
		off += 12 + ((uint64_t)namesz + 3) / 4 * 4 + ((uint64_t)descsz + 3) / 4 * 4;
		if (!rp_span_eq(name, rp_span_of("rocm-patch", sizeof("rocm-patch"))))
			continue;
		if (desc.n > 0 && desc.p[desc.n - 1] == 0)
			desc.n--;
		text = rp_span_dup(desc);
		if (!text)
			return bad(err, "malformed note");
		r = rp_strv_add(ret, text, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int rp_elf_patch_notes(struct rp_span file, struct rp_strv *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv out = RP_STRV_INIT;
	struct section names, s;
	struct rp_span name;
	struct elf e;
	int r;

	r = open_elf(file, &e, err);
	if (r < 0)
		return r;
	if (!get_section(&e, e.shstrndx, &names))
		return bad(err, "section names");
	for (uint32_t i = 0; i < e.shnum; i++) {
		if (!get_section(&e, i, &s) || !rp_span_cstr(names.data, s.name, &name) ||
			!rp_span_eq_str(name, ".note.rocm-patch"))
			continue;
		r = read_notes(s.data, &out, err);
		if (r < 0)
			return r;
	}
	if (out.n > 1)
		qsort(out.v, out.n, sizeof(*out.v), compare);
	*ret = out;
	out = (struct rp_strv)RP_STRV_INIT;
	return 0;
}
