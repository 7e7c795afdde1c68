/* SPDX-License-Identifier: MIT */
/*
 * The independent check of a rewritten object: code in pairs (pair.c), then references, descriptors,
 * symbols, relocations, data and metadata, and at last lib/scan for the card.
 */
#include <stdio.h>

#include "retarget/verify.h"
#include "scan/scan.h"

int rp_vf_fail(const struct rp_vf *v, size_t function, uint32_t inst, struct rp_error *err,
	const char *fmt, ...)
{
	const struct rp_vf_code *c = &v->pairs[function].old_code;
	struct rp_span name = c->function->name;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (inst >= c->n)
		return RP_FAIL(err, -EBADMSG, "%.*s: %s", (int)(name.n < 120 ? name.n : 120),
			(const char *)name.p, text);
	return RP_FAIL(err, -EBADMSG, "%.*s at +0x%x (%s): %s", (int)(name.n < 120 ? name.n : 120),
		(const char *)name.p, c->off[inst], rp_isa_name(c->v[inst].row), text);
}

static const struct rp_elf_section *text_of(const struct rp_codeobj *o)
{
	return rp_elf_section(&o->elf, ".text");
}

static bool in_text(const struct rp_codeobj *o, uint64_t addr)
{
	const struct rp_elf_section *t = text_of(o);

	return t && addr >= t->addr && addr - t->addr < t->size;
}

/* Whether new_addr is where code that wants old_addr must go. */
static bool lands(const struct rp_vf *v, uint64_t old_addr, uint64_t new_addr)
{
	const struct rp_codeobj *o = v->old_object;
	const struct rp_vf_pair *p;
	size_t lo = 0, hi = o->n_functions;
	uint64_t off, start;

	if (!in_text(o, old_addr))
		return old_addr == new_addr;
	while (lo < hi) { /* the last function at or below */
		size_t mid = lo + (hi - lo) / 2;

		if (o->functions[mid].addr <= old_addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return false;
	p = &v->pairs[lo - 1];
	off = old_addr - o->functions[lo - 1].addr;
	start = p->new_code.function->addr;
	if (p->is_trap)
		return new_addr == start;
	for (uint32_t a = 0, b = p->old_code.n; a < b;) {
		uint32_t mid = a + (b - a) / 2;

		if (p->old_code.off[mid] == off)
			return new_addr >= start + p->new_code.off[p->first[mid]] &&
			       new_addr <= start + p->new_code.off[p->body[mid]];
		if (p->old_code.off[mid] < off)
			a = mid + 1;
		else
			b = mid;
	}
	return false;
}

/* The same for an address that is the end of a function, or padding behind it. */
static bool ends(const struct rp_vf *v, uint64_t old_addr, uint64_t new_addr)
{
	const struct rp_codeobj *o = v->old_object, *n = v->new_object;
	size_t f = o->n_functions;

	if (old_addr == text_of(o)->addr) /* the section's own symbol */
		return new_addr == text_of(n)->addr;
	while (f-- > 0)
		if (o->functions[f].addr < old_addr)
			return old_addr - o->functions[f].addr >= o->functions[f].code.n &&
			       new_addr == n->functions[f].addr + n->functions[f].code.n;
	return false;
}

static int pair_functions(struct rp_vf *v, struct rp_error *err)
{
	const struct rp_codeobj *o = v->old_object, *n = v->new_object;

	if (o->n_functions != n->n_functions)
		return RP_FAIL(
			err, -EBADMSG, "%zu functions became %zu", o->n_functions, n->n_functions);
	for (size_t f = 0; f < o->n_functions; f++) {
		struct rp_scan_mode mode = rp_scan_mode_of(o, f);
		const struct rp_isa_target from = { o->chip->isa, mode.wave64 };
		int r = rp_vf_decode(&o->functions[f], &from, &v->pairs[f].old_code, err);

		if (r < 0)
			return r;
		if (!rp_span_eq(o->functions[f].name, n->functions[f].name))
			return rp_vf_fail(v, f, UINT32_MAX, err, "has another name now");
	}
	for (size_t f = 0; f < o->n_functions; f++) {
		const struct rp_isa_target to = { v->options->chip->isa,
			v->pairs[f].old_code.target.wave64 };
		int r = rp_vf_decode(&n->functions[f], &to, &v->pairs[f].new_code, err);

		if (r == 0)
			r = rp_vf_pair(v, f, err);
		if (r == 0 && v->options->differ)
			r = rp_vf_diff(v, f, v->options->differ, err);
		if (r < 0)
			return r;
		/* only its offsets are asked for from here on; old code of others may be */
		free(v->pairs[f].new_code.v);
		v->pairs[f].new_code.v = NULL;
		if (v->pairs[f].is_trap && !v->options->trap)
			return rp_vf_fail(v, f, UINT32_MAX, err, "became a trap");
	}
	for (size_t i = 0; i < v->n_refs; i++) {
		const struct rp_vf_ref *r = &v->refs[i];

		if (!lands(v, r->old_addr, r->new_addr))
			return rp_vf_fail(v, r->function, r->at, err,
				"leads to 0x%llx instead of what was at 0x%llx",
				(unsigned long long)r->new_addr, (unsigned long long)r->old_addr);
	}
	return 0;
}

/*
 * rsrc1 may differ in VGPRs (bits 5:0, more) and the WGP bit (29, cleared); the entry in place only. The other
 * bytes of descriptors: data().
 */
static int kernels(struct rp_vf *v, struct rp_error *err)
{
	const struct rp_codeobj *o = v->old_object, *n = v->new_object;

	if (o->n_kernels != n->n_kernels)
		return RP_FAIL(err, -EBADMSG, "%zu kernels became %zu", o->n_kernels, n->n_kernels);
	for (size_t k = 0; k < o->n_kernels; k++) {
		const struct rp_kernel *a = &o->kernels[k], *b = &n->kernels[k];
		const struct rp_vf_pair *p = &v->pairs[a->function];
		uint32_t need = p->vgprs;

		for (size_t f = 0; p->calls && f < o->n_functions; f++)
			if (o->functions[f].kernel == RP_CODEOBJ_NO_KERNEL &&
				v->pairs[f].vgprs > need)
				need = v->pairs[f].vgprs;
		if (!rp_span_eq(a->name, b->name) || a->descriptor_addr != b->descriptor_addr ||
			a->function != b->function || !lands(v, a->entry_addr, b->entry_addr) ||
			(b->descriptor.rsrc1 ^ a->descriptor.rsrc1) & ~UINT32_C(0x2000003f) ||
			(b->descriptor.rsrc1 & ~a->descriptor.rsrc1) >> 29 & 1 ||
			(b->descriptor.rsrc1 & 0x3f) < (a->descriptor.rsrc1 & 0x3f) ||
			b->entry_addr % 256)
			return rp_vf_fail(
				v, a->function, UINT32_MAX, err, "its descriptor is not right");
		if (!p->is_trap && rp_descriptor_vgprs(&b->descriptor, v->options->chip) < need)
			return rp_vf_fail(
				v, a->function, UINT32_MAX, err, "uses VGPRs that it has not got");
		if (a->metadata.present != b->metadata.present ||
			a->metadata.max_flat_workgroup_size !=
				b->metadata.max_flat_workgroup_size ||
			a->metadata.kernarg_bytes != b->metadata.kernarg_bytes ||
			a->metadata.lds_bytes != b->metadata.lds_bytes ||
			a->metadata.vgpr_count > b->metadata.vgpr_count)
			return rp_vf_fail(
				v, a->function, UINT32_MAX, err, "its metadata is not the same");
	}
	return 0;
}

static bool is_named(const struct rp_elf_section *s, const char *name)
{
	return rp_span_eq_str(s->name, name);
}

static int symbol_table(struct rp_vf *v, size_t section, struct rp_error *err)
{
	struct rp_elf_symbols a = { v->old_object->elf.sections[section].data, { NULL, 0 }, 0 };
	struct rp_elf_symbols b = { v->new_object->elf.sections[section].data, { NULL, 0 }, 0 };

	if (a.table.n != b.table.n)
		return RP_FAIL(err, -EBADMSG, "a symbol table has another size");
	for (uint64_t off = 0; off + 24 <= a.table.n; off += 24) {
		uint64_t x = 0, y = 0, old_size = 0, size = 0;
		uint16_t shndx = 0;

		if (memcmp(a.table.p + off, b.table.p + off, 8) != 0 ||
			!rp_span_le16(a.table, off + 6, &shndx) ||
			!rp_span_le64(a.table, off + 8, &x) ||
			!rp_span_le64(b.table, off + 8, &y) ||
			!rp_span_le64(a.table, off + 16, &old_size) ||
			!rp_span_le64(b.table, off + 16, &size))
			return RP_FAIL(err, -EBADMSG, "symbol %llu is another one",
				(unsigned long long)(off / 24));
		if (shndx == 0 || shndx >= v->old_object->elf.n_sections ||
			!is_named(&v->old_object->elf.sections[shndx], ".text")) {
			if (memcmp(a.table.p + off, b.table.p + off, 24) != 0)
				return RP_FAIL(err, -EBADMSG, "symbol %llu has changed",
					(unsigned long long)(off / 24));
			continue;
		}
		if ((!lands(v, x, y) && !ends(v, x, y)) ||
			(old_size ? !ends(v, x + old_size, y + size) &&
						!lands(v, x + old_size, y + size)
				  : size != 0))
			return RP_FAIL(err, -EBADMSG,
				"symbol %llu is at 0x%llx, which was not at 0x%llx",
				(unsigned long long)(off / 24), (unsigned long long)y,
				(unsigned long long)x);
	}
	return 0;
}

static int relocations(struct rp_vf *v, size_t section, struct rp_error *err)
{
	const struct rp_elf_section *a = &v->old_object->elf.sections[section];
	const struct rp_elf_section *b = &v->new_object->elf.sections[section];
	struct rp_elf_reloc x, y;

	if (a->data.n != b->data.n)
		return RP_FAIL(err, -EBADMSG, "relocations have another size");
	for (size_t i = 0; rp_elf_reloc(a, i, &x) && rp_elf_reloc(b, i, &y); i++) {
		bool relative = x.type == 13; /* R_AMDGPU_RELATIVE64 */

		if (x.offset != y.offset || x.type != y.type || x.symbol != y.symbol ||
			(relative ? !lands(v, (uint64_t)x.addend, (uint64_t)y.addend)
				  : x.addend != y.addend))
			return RP_FAIL(err, -EBADMSG, "relocation %zu is not the same", i);
	}
	return 0;
}

/* Bytes of a section of data: equal, but for the fields of descriptors that kernels() looks at. */
static int data(struct rp_vf *v, size_t section, struct rp_error *err)
{
	const struct rp_elf_section *a = &v->old_object->elf.sections[section];
	const struct rp_elf_section *b = &v->new_object->elf.sections[section];
	uint64_t at = 0;

	if (a->addr != b->addr || a->offset != b->offset || a->size != b->size ||
		a->data.n != b->data.n)
		return RP_FAIL(err, -EBADMSG, "section %zu has moved", section);
	for (size_t k = 0; k <= v->old_object->n_kernels; k++) {
		const struct rp_kernel *kernel =
			k < v->old_object->n_kernels ? &v->old_object->kernels[k] : NULL;
		uint64_t end = a->data.n, next = a->data.n;

		if (kernel) {
			if (kernel->descriptor_offset < a->offset ||
				kernel->descriptor_offset - a->offset >= a->data.n)
				continue;
			end = kernel->descriptor_offset - a->offset + 16; /* entry */
			next = end + 8;
		}
		if (end > at && memcmp(a->data.p + at, b->data.p + at, end - at) != 0)
			return RP_FAIL(err, -EBADMSG, "data in section %zu have changed", section);
		at = next > at ? next : at;
		if (kernel) { /* rsrc1 at +48 */
			end = at + 24;
			if (end > a->data.n || memcmp(a->data.p + at, b->data.p + at, 24) != 0)
				return RP_FAIL(err, -EBADMSG,
					"a descriptor in section %zu has changed", section);
			at = end + 4;
		}
	}
	return 0;
}

static int sections(struct rp_vf *v, struct rp_error *err)
{
	const struct rp_elf *o = &v->old_object->elf, *n = &v->new_object->elf;
	int r = 0;

	if (o->n_sections != n->n_sections)
		return RP_FAIL(
			err, -EBADMSG, "%zu sections became %zu", o->n_sections, n->n_sections);
	for (size_t i = 0; r == 0 && i < o->n_sections; i++) {
		const struct rp_elf_section *a = &o->sections[i], *b = &n->sections[i];

		if (a->type != b->type || a->flags != b->flags || !rp_span_eq(a->name, b->name))
			return RP_FAIL(err, -EBADMSG, "section %zu is another one", i);
		if (is_named(a, ".text") || a->type == RP_SHT_NOTE)
			continue;
		if (a->type == RP_SHT_SYMTAB || a->type == RP_SHT_DYNSYM)
			r = symbol_table(v, i, err);
		else if (a->type == RP_SHT_RELA)
			r = relocations(v, i, err);
		else
			r = data(v, i, err);
	}
	return r;
}

/* Loaded segments: those of before, then at most one with the new code, which must be the last and highest. */
static int segments(struct rp_vf *v, struct rp_error *err)
{
	const struct rp_elf *o = &v->old_object->elf, *n = &v->new_object->elf;
	const struct rp_elf_section *text = text_of(v->new_object); /* NULL: no code at all */
	const struct rp_elf_section *old_text = text_of(v->old_object);
	uint64_t end = 0;
	bool is_new = false;

	if (o->n_segments != n->n_segments)
		return RP_FAIL(
			err, -EBADMSG, "%zu segments became %zu", o->n_segments, n->n_segments);
	if (!text != !old_text)
		return RP_FAIL(err, -EBADMSG, "there is code in one of the objects only");
	for (size_t i = 0; i < n->n_segments; i++) {
		const struct rp_elf_segment *a = &o->segments[i], *b = &n->segments[i];

		if (b->type != 1)
			continue;
		if (b->vaddr < end || is_new)
			return RP_FAIL(err, -EBADMSG, "segment %zu is not in order", i);
		end = b->vaddr + b->memsz;
		is_new = a->type != 1;
		if (!is_new && memcmp(a, b, sizeof(*a)) != 0)
			return RP_FAIL(err, -EBADMSG, "segment %zu has changed", i);
		if (is_new && (b->flags != 5 || b->offset % 4096 || b->vaddr % 4096 ||
				      b->filesz != b->memsz))
			return RP_FAIL(err, -EBADMSG, "the new segment is not right");
	}
	if (is_new && text && text->addr != old_text->addr && text->addr + text->size > end)
		return RP_FAIL(err, -EBADMSG, "the code is not loaded");
	return 0;
}

static int target(struct rp_vf *v, struct rp_error *err)
{
	const struct rp_codeobj *n = v->new_object;
	struct rp_target_id id;

	if (n->chip != v->options->chip || (n->cov >= 6 && n->generic_version))
		return RP_FAIL(err, -EBADMSG, "the ELF header says %s", n->target);
	if (v->options->in_place && n->elf.image.n != v->old_object->elf.image.n)
		return RP_FAIL(err, -EBADMSG, "it has another size");
	if (n->metadata_target.n &&
		(!rp_target_id_parse(n->metadata_target, &id) || id.chip != v->options->chip ||
			(n->chip->has_xnack && !v->options->in_place &&
				(id.xnack > RP_CODEOBJ_ANY || n->xnack > RP_CODEOBJ_ANY) &&
				id.xnack != n->xnack)))
		return RP_FAIL(err, -EBADMSG, "the metadata say %.*s, the ELF header %s",
			(int)(n->metadata_target.n < 80 ? n->metadata_target.n : 80),
			(const char *)n->metadata_target.p, n->target);
	return 0;
}

static int scan(struct rp_vf *v, struct rp_error *err)
{
	const struct rp_scan_options options = { v->options->chip, false };
	struct rp_scanner s = RP_SCANNER_INIT;
	struct rp_scan_function found;
	int r = 0;

	for (size_t f = 0; r == 0 && f < v->new_object->n_functions; f++) {
		r = rp_scan_function(&s, &options, v->new_object, f, &found, err);
		if (r == 0 && found.classes) {
			const struct rp_scan_class_info *c =
				rp_scan_class_info((unsigned int)__builtin_ctz(found.classes));

			r = rp_vf_fail(v, f, UINT32_MAX, err, "scan still finds %s", c->name);
		}
	}
	rp_scanner_free(&s);
	return r;
}

int rp_retarget_verify(const struct rp_codeobj *old_object, const struct rp_codeobj *new_object,
	const struct rp_retarget_options *options, struct rp_retarget_verified *ret,
	struct rp_error *err)
{
	struct rp_vf v = { .old_object = old_object, .new_object = new_object, .options = options };
	int r = 0;

	v.pairs = calloc(old_object->n_functions + 1, sizeof(*v.pairs));
	if (!v.pairs)
		return RP_NOMEM(err);
	r = target(&v, err);
	if (r == 0)
		r = pair_functions(&v, err);
	if (r == 0)
		r = kernels(&v, err);
	if (r == 0)
		r = sections(&v, err);
	if (r == 0)
		r = segments(&v, err);
	if (r == 0)
		r = scan(&v, err);
	for (size_t f = 0; f < old_object->n_functions; f++) {
		rp_vf_code_free(&v.pairs[f].old_code);
		rp_vf_code_free(&v.pairs[f].new_code);
		free(v.pairs[f].first);
		free(v.pairs[f].body);
	}
	free(v.pairs);
	free(v.refs);
	if (r == 0)
		*ret = v.result;
	return r;
}
