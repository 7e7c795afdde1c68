/* SPDX-License-Identifier: MIT */
/*
 * Compressed bundles cannot grow where they are: all of .hip_fatbin goes to the new segment, and the pointers
 * of the wrappers that a program registers, {u32 magic "HIPF", u32 version 1, u64 pointer, u64 0}, follow. A pointer is
 * made by a relocation, or stands in the file (programs that are not position-independent).
 * Sources: clang lib/CodeGen/CGCUDANV.cpp; x86-64 psABI, "Relocation Types"; clr 6.4 hip_platform.cpp.
 */
#include "retarget/fat.h"

#define WRAPPER_BYTES	  24u
#define WRAPPER_HEAD	  (UINT64_C(0x48495046) | UINT64_C(1) << 32) /* "HIPF", version 1 */
#define EM_X86_64	  62u
#define R_X86_64_64	  1u
#define R_X86_64_RELATIVE 8u
#define RELA_BYTES	  24u

struct search {
	const struct rp_rt_fat *f;
	const struct rp_elf *elf;
	const struct rp_elf_section *fatbin;
	const uint64_t *new_addr;
	bool *found; /* owned; as jobs */
	struct rp_rt_patches *patches;
};

/* New address of the bundle at addr. -ENOTSUP: there is none. */
static int moved(struct search *s, uint64_t addr, uint64_t *ret, struct rp_error *err)
{
	const struct rp_elf_section *fatbin = s->fatbin;

	for (size_t i = 0; i < s->f->n_jobs; i++) {
		if (s->f->jobs[i].offset - fatbin->offset + fatbin->addr != addr)
			continue;
		s->found[i] = true;
		*ret = s->new_addr[i];
		return 0;
	}
	return RP_FAIL(err, -ENOTSUP, "a pointer to 0x%llx, where no bundle of .hip_fatbin begins",
		(unsigned long long)addr);
}

/* Value of the symbol that a relocation names, if it is one of this file. */
static bool symbol_value(
	const struct search *s, const struct rp_elf_section *rela, uint32_t n, uint64_t *ret)
{
	uint16_t section = 0;

	return rela->link < s->elf->n_sections &&
	       rp_span_le16(s->elf->sections[rela->link].data, (uint64_t)n * 24 + 6, &section) &&
	       section != 0 && section < 0xff00 &&
	       rp_span_le64(s->elf->sections[rela->link].data, (uint64_t)n * 24 + 8, ret);
}

/* The relocation that makes the pointer at addr. *ret_done: there is one. */
static int by_relocation(struct search *s, uint64_t addr, bool *ret_done, struct rp_error *err)
{
	for (size_t i = 0; i < s->elf->n_sections; i++) {
		const struct rp_elf_section *rela = &s->elf->sections[i];
		struct rp_elf_reloc rel;

		if (rela->type != RP_SHT_RELA || !(rela->flags & RP_SHF_ALLOC))
			continue;
		for (size_t k = 0; rp_elf_reloc(rela, k, &rel); k++) {
			uint64_t base = 0, to = 0;
			struct rp_buf *p;
			int r;

			if (rel.offset != addr)
				continue;
			if (rel.type != R_X86_64_RELATIVE &&
				(rel.type != R_X86_64_64 || s->elf->type != RP_ET_DYN ||
					!symbol_value(s, rela, rel.symbol, &base)))
				return RP_FAIL(err, -ENOTSUP,
					"a pointer to a bundle is a relocation of type %u",
					rel.type);
			r = moved(s, base + (uint64_t)rel.addend, &to, err);
			if (r < 0)
				return r;
			p = rp_rt_patch_at(s->patches, rela->offset + k * RELA_BYTES + 8);
			if (!p)
				return RP_NOMEM(err);
			rp_rt_add_le64(p, R_X86_64_RELATIVE);
			rp_rt_add_le64(p, to);
			*ret_done = true;
			return rp_buf_check(p, err);
		}
	}
	return 0;
}

static int pointer(
	struct search *s, const struct rp_elf_section *wrappers, uint64_t off, struct rp_error *err)
{
	uint64_t value = 0, to = 0;
	bool done = false;
	struct rp_buf *p;
	int r = by_relocation(s, wrappers->addr + off, &done, err);

	if (r < 0 || done)
		return r;
	if (!rp_span_le64(wrappers->data, off, &value))
		return RP_FAIL(err, -EBADMSG, ".hipFatBinSegment is cut");
	/* an absolute address; in a position-independent file one of the packed relocations (RELR) makes it */
	r = moved(s, value, &to, err);
	if (r < 0)
		return r;
	p = rp_rt_patch_at(s->patches, wrappers->offset + off);
	if (!p)
		return RP_NOMEM(err);
	rp_rt_add_le64(p, to);
	return rp_buf_check(p, err);
}

static int all_pointers(struct search *s, struct rp_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->elf->n_sections; i++) {
		const struct rp_elf_section *w = &s->elf->sections[i];

		if (!rp_span_starts(w->name, ".hipFatBinSegment"))
			continue;
		for (uint64_t off = 0; r == 0 && off + WRAPPER_BYTES <= w->data.n;) {
			uint64_t head = 0;

			if (!rp_span_le64(w->data, off, &head))
				return RP_FAIL(err, -EBADMSG, ".hipFatBinSegment is cut");
			if (head != 0 && head != WRAPPER_HEAD)
				return RP_FAIL(err, -ENOTSUP,
					".hipFatBinSegment has something else than wrappers");
			if (head) /* zeros: between aligned ones */
				r = pointer(s, w, off + 8, err);
			off += head ? WRAPPER_BYTES : 8;
		}
	}
	for (size_t i = 0; r == 0 && i < s->f->n_jobs; i++)
		if (!s->found[i])
			r = RP_FAIL(err, -ENOTSUP,
				"no wrapper in .hipFatBinSegment points to the bundle at offset "
				"%llu",
				(unsigned long long)s->f->jobs[i].offset);
	return r;
}

int rp_rt_wrappers(const struct rp_rt_fat *f, const struct rp_elf *elf,
	const struct rp_elf_section *fatbin, const uint64_t *new_addr,
	struct rp_rt_patches *patches, struct rp_error *err)
{
	struct search s = { f, elf, fatbin, new_addr, NULL, patches };
	int r;

	if (elf->machine != EM_X86_64)
		return RP_FAIL(err, -ENOTSUP,
			"compressed bundles in a file for machine %u: only x86-64 is known",
			elf->machine);
	s.found = calloc(f->n_jobs, sizeof(*s.found));
	if (!s.found)
		return RP_NOMEM(err);
	r = all_pointers(&s, err);
	free(s.found);
	return r;
}
