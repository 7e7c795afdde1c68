/* SPDX-License-Identifier: MIT */
/*
 * The metadata note of a code object (versions 3 and later): a msgpack map with
 * amdhsa.version, amdhsa.target and amdhsa.kernels. Keys we do not know are passed over.
 * Source: LLVM AMDGPUUsage, "Code Object V3 Metadata" and later.
 */
#include "codeobj/internal.h"
#include "codeobj/msgpack.h"

#define NT_AMDGPU_METADATA 32

/* The object and its kernels by name, so that hostile lists of many kernels cost n log n. */
struct reader {
	struct rp_codeobj *object;
	struct rp_kernel **sorted;
};

/* What one map of amdhsa.kernels says, before it is known whose it is. */
struct entry {
	struct rp_span symbol;
	struct rp_kernel_metadata m;
};

static uint32_t *number_for(struct entry *e, struct rp_span key)
{
	const struct {
		const char *key;
		uint32_t *value;
	} fields[] = {
		{ ".vgpr_count", &e->m.vgpr_count },
		{ ".sgpr_count", &e->m.sgpr_count },
		{ ".agpr_count", &e->m.agpr_count },
		{ ".vgpr_spill_count", &e->m.vgpr_spill_count },
		{ ".sgpr_spill_count", &e->m.sgpr_spill_count },
		{ ".wavefront_size", &e->m.wavefront_size },
		{ ".group_segment_fixed_size", &e->m.lds_bytes },
		{ ".private_segment_fixed_size", &e->m.private_bytes },
		{ ".kernarg_segment_size", &e->m.kernarg_bytes },
		{ ".max_flat_workgroup_size", &e->m.max_flat_workgroup_size },
	};

	for (size_t i = 0; i < RP_ARRAY_SIZE(fields); i++)
		if (rp_span_eq_str(key, fields[i].key))
			return fields[i].value;
	return NULL;
}

static int read_entry(struct rp_msgpack *m, struct entry *e, struct rp_error *err)
{
	struct rp_msgpack_item map, key, value;
	int r;

	r = rp_msgpack_expect(m, RP_MSGPACK_MAP, &map, err);
	for (uint32_t i = 0; r == 0 && i < map.v.n; i++) {
		uint32_t *number;

		r = rp_msgpack_expect(m, RP_MSGPACK_STR, &key, err);
		if (r < 0)
			return r;
		number = number_for(e, key.v.s);
		if (number) {
			r = rp_msgpack_expect(m, RP_MSGPACK_UINT, &value, err);
			if (r == 0)
				*number = value.v.u > UINT32_MAX ? UINT32_MAX : (uint32_t)value.v.u;
		} else if (rp_span_eq_str(key.v.s, ".symbol") || rp_span_eq_str(key.v.s, ".name")) {
			r = rp_msgpack_expect(m, RP_MSGPACK_STR, &value, err);
			if (r == 0 && key.v.s.p[1] == 's')
				e->symbol = value.v.s;
			else if (r == 0)
				e->m.name = value.v.s;
		} else if (rp_span_eq_str(key.v.s, ".uses_dynamic_stack")) {
			r = rp_msgpack_expect(m, RP_MSGPACK_BOOL, &value, err);
			if (r == 0)
				e->m.uses_dynamic_stack = value.v.b;
		} else {
			r = rp_msgpack_skip(m, err);
		}
	}
	return r;
}

static int by_name(const void *a, const void *b)
{
	const struct rp_kernel *const *x = a, *const *y = b;
	size_t n = (*x)->name.n < (*y)->name.n ? (*x)->name.n : (*y)->name.n;
	int r = n ? memcmp((*x)->name.p, (*y)->name.p, n) : 0;

	if (r != 0)
		return r;
	return (*x)->name.n < (*y)->name.n ? -1 : (*x)->name.n > (*y)->name.n;
}

static int read_kernels(struct reader *r, struct rp_msgpack *m, struct rp_error *err)
{
	struct rp_msgpack_item list;
	int code;

	code = rp_msgpack_expect(m, RP_MSGPACK_ARRAY, &list, err);
	for (uint32_t i = 0; code == 0 && i < list.v.n; i++) {
		struct entry e = { 0 };
		struct rp_kernel wanted = { 0 }, *key = &wanted, **found;

		code = read_entry(m, &e, err);
		if (code < 0)
			return rp_error_prefix(err, code, "kernel %u of the metadata", i);
		/* Symbols of the note are "NAME.kd" from version 3 on. */
		if (e.symbol.n > 3 && memcmp(e.symbol.p + e.symbol.n - 3, ".kd", 3) == 0)
			e.symbol.n -= 3;
		wanted.name = e.symbol;
		found = e.symbol.n == 0 ? NULL
					: bsearch(&key, r->sorted, r->object->n_kernels,
						  sizeof(struct rp_kernel *), by_name);
		if (found) {
			e.m.present = true;
			(*found)->metadata = e.m;
		}
	}
	return code;
}

static int read_version(struct rp_codeobj *o, struct rp_msgpack *m, struct rp_error *err)
{
	struct rp_msgpack_item list, number;
	int r;

	r = rp_msgpack_expect(m, RP_MSGPACK_ARRAY, &list, err);
	for (uint32_t i = 0; r == 0 && i < list.v.n; i++) {
		r = rp_msgpack_expect(m, RP_MSGPACK_UINT, &number, err);
		if (r == 0 && i < RP_ARRAY_SIZE(o->metadata_version))
			o->metadata_version[i] = (uint32_t)number.v.u;
	}
	return r;
}

static int read_note(struct reader *reader, struct rp_span bytes, struct rp_error *err)
{
	struct rp_codeobj *o = reader->object;
	struct rp_msgpack m = { bytes, 0 };
	struct rp_msgpack_item map, key, value;
	int r;

	r = rp_msgpack_expect(&m, RP_MSGPACK_MAP, &map, err);
	for (uint32_t i = 0; r == 0 && i < map.v.n; i++) {
		r = rp_msgpack_expect(&m, RP_MSGPACK_STR, &key, err);
		if (r < 0)
			return r;
		if (rp_span_eq_str(key.v.s, "amdhsa.kernels")) {
			r = read_kernels(reader, &m, err);
		} else if (rp_span_eq_str(key.v.s, "amdhsa.version")) {
			r = read_version(o, &m, err);
		} else if (rp_span_eq_str(key.v.s, "amdhsa.target")) {
			r = rp_msgpack_expect(&m, RP_MSGPACK_STR, &value, err);
			if (r == 0)
				o->metadata_target = value.v.s;
		} else {
			r = rp_msgpack_skip(&m, err);
		}
	}
	return r;
}

/* All metadata notes of one section: Tensile's files are linked of objects with a note each. */
static int read_notes(struct reader *reader, const struct rp_elf_section *s, struct rp_error *err)
{
	struct rp_codeobj *o = reader->object;
	struct rp_span notes = s->data;
	struct rp_elf_note note;
	int r;

	while ((r = rp_elf_next_note(&notes, &note, err)) > 0) {
		if (note.type != NT_AMDGPU_METADATA || !rp_span_eq_str(note.name, "AMDGPU"))
			continue;
		if (o->n_metadata_notes++ == 0)
			o->metadata = note.desc;
		r = read_note(reader, note.desc, err);
		if (r < 0)
			return rp_error_prefix(err, r, "metadata note at offset %llu",
				(unsigned long long)(note.desc.p - o->elf.image.p));
	}
	return r < 0 ? rp_error_prefix(err, r, "section %.*s at offset %llu",
			       (int)(s->name.n < 40 ? s->name.n : 40), (const char *)s->name.p,
			       (unsigned long long)s->offset)
		     : 0;
}

int rp_codeobj_read_metadata(struct rp_codeobj *object, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) struct rp_kernel **sorted = NULL;
	struct reader reader = { object, NULL };
	int r = 0;

	if (object->cov < 3)
		return 0; /* version 2 has YAML in a note of another type */
	sorted = calloc(object->n_kernels + 1, sizeof(struct rp_kernel *));
	if (!sorted)
		return RP_NOMEM(err);
	for (size_t i = 0; i < object->n_kernels; i++)
		sorted[i] = &object->kernels[i];
	if (object->n_kernels > 1)
		qsort(sorted, object->n_kernels, sizeof(struct rp_kernel *), by_name);
	reader.sorted = sorted;
	for (size_t i = 0; r == 0 && i < object->elf.n_sections; i++)
		if (object->elf.sections[i].type == RP_SHT_NOTE)
			r = read_notes(&reader, &object->elf.sections[i], err);
	return r;
}

/* "+" or "-" behind a setting's name. */
static bool parse_setting(struct rp_span word, const char *name, enum rp_codeobj_setting *ret)
{
	size_t n = strlen(name);

	if (word.n != n + 1 || !rp_span_starts(word, name) ||
		(word.p[n] != '+' && word.p[n] != '-') || *ret != RP_CODEOBJ_ANY)
		return false;
	*ret = word.p[n] == '+' ? RP_CODEOBJ_ON : RP_CODEOBJ_OFF;
	return true;
}

bool rp_target_id_parse(struct rp_span text, struct rp_target_id *ret)
{
	struct rp_target_id id = { .xnack = RP_CODEOBJ_ANY, .sramecc = RP_CODEOBJ_ANY };
	size_t start = 0, end;

	/* The processor is behind the last "-gfx", or the whole: generic names have dashes of their own. */
	for (size_t i = 0; i + 4 <= text.n; i++)
		if (memcmp(text.p + i, "-gfx", 4) == 0)
			start = i + 1;
	for (end = start; end < text.n && text.p[end] != ':'; end++)
		;
	id.processor = rp_span_of(text.p + start, end - start);
	if (!rp_span_starts(id.processor, "gfx") || id.processor.n < 6)
		return false;
	while (end < text.n) {
		size_t next = end + 1;
		struct rp_span word;

		while (next < text.n && text.p[next] != ':')
			next++;
		word = rp_span_of(text.p + end + 1, next - end - 1);
		if (!parse_setting(word, "xnack", &id.xnack) &&
			!parse_setting(word, "sramecc", &id.sramecc))
			return false;
		end = next;
	}
	id.chip = rp_chip_by_name(id.processor);
	*ret = id;
	return true;
}
