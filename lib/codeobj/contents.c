/* SPDX-License-Identifier: MIT */
/*
 * What is inside the bytes of one file: a code object, bundles, an ELF file with
 * bundles in .hip_fatbin, an archive of any of these. Recursion is over containers
 * only and limited to MAX_DEPTH. Memory: decompressed bytes are freed, after a
 * drain, before the next ones are made; mapped pages are given back at each drain.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "codeobj/internal.h"

#define MAX_DEPTH     6 /* zip > ar > ELF > compressed bundle > bundle entry > bundle */
#define MAX_NAME      400
#define UNPACK_FACTOR 16

/* Where the bytes at hand are. */
struct where {
	const char *member; /* or NULL */
	uint64_t base; /* offset of the bytes in the innermost stored bytes */
	bool unpacked;
	unsigned int *n_bundles; /* of the file or member */
	unsigned int depth;
	struct rp_span entry_id;
	/*
	 * From the bytes at hand to the end of the file, or empty: retarget adds entries to bundles in a
	 * section whose bytes are in a segment behind it.
	 */
	struct rp_span beyond;
};

static int look(struct rp_find *f, struct rp_span bytes, const struct where *w, bool *ret_known,
	struct rp_error *err);

static struct rp_codeobj_place place_of(
	const struct rp_find *f, const struct where *w, uint64_t offset)
{
	return (struct rp_codeobj_place){
		.path = f->path,
		.member = w->member,
		.offset = w->base + offset,
		.unpacked = w->unpacked,
		.bundle = *w->n_bundles ? *w->n_bundles - 1 : 0,
		.entry_id = w->entry_id,
	};
}

static int tell_damage(struct rp_find *f, const struct where *w, uint64_t offset,
	const struct rp_error *why, struct rp_error *err)
{
	struct rp_codeobj_place place = place_of(f, w, offset);

	f->stats.n_damaged++;
	if (why->code == -ENOMEM)
		return RP_NOMEM(err);
	return f->visitor->damage(f->visitor->data, &place, why, err);
}

int rp_find_file_damage(struct rp_find *f, const struct rp_error *damage, struct rp_error *err)
{
	unsigned int none = 0;
	struct where w = { .n_bundles = &none };

	return tell_damage(f, &w, 0, damage, err);
}

static int drain(struct rp_find *f, struct rp_error *err)
{
	int r = f->visitor->drain ? f->visitor->drain(f->visitor->data, err) : 0;

	f->pending_bytes = 0;
	/* Clean pages of a private read-only mapping: dropped here, read again if touched. A hint. */
	if (f->mapped.n > 0)
		(void)madvise((void *)(uintptr_t)f->mapped.p, f->mapped.n, MADV_DONTNEED);
	return r;
}

static int give_object(
	struct rp_find *f, struct rp_span image, const struct where *w, struct rp_error *err)
{
	RP_CLEANUP(rp_codeobj_close) struct rp_codeobj object = { 0 };
	struct rp_codeobj_place place = place_of(f, w, 0);
	struct rp_error why = RP_ERROR_INIT;
	int r;

	if (rp_cancelled(f->ctx))
		return RP_FAIL(err, -ECANCELED, "cancelled");
	if (f->visitor->want && rp_codeobj_read_header(image, &object) &&
		!f->visitor->want(f->visitor->data, &place, &object)) {
		f->stats.n_unwanted++;
		return 0;
	}
	object = (struct rp_codeobj){ 0 };
	r = rp_codeobj_open(image, &object, &why);
	if (r == -EOPNOTSUPP) {
		f->stats.n_relocatable++;
		return 0;
	}
	if (r < 0) {
		(void)rp_error_prefix(&why, r, "code object");
		return tell_damage(f, w, 0, &why, err);
	}
	f->stats.n_objects++;
	r = f->visitor->object(f->visitor->data, &place, &object, err);
	if (r != 0)
		return r;
	f->pending_bytes += image.n;
	return f->pending_bytes >= RP_FIND_DRAIN_BYTES && !w->unpacked ? drain(f, err) : 0;
}

static bool is_bitcode(struct rp_span b)
{
	return rp_span_starts(b, "BC\xc0\xde") || rp_span_starts(b, "\xde\xc0\x17\x0b");
}

static bool is_alias(const struct rp_bundle *b, uint64_t before, const struct rp_bundle_entry *e)
{
	struct rp_bundle_entry other;
	uint64_t at = 0;

	while (rp_bundle_next(b, &at, &other) && at < before)
		if (other.size == e->size && other.offset == e->offset)
			return true;
	return false;
}

static int look_at_entry(struct rp_find *f, const struct rp_bundle *b,
	const struct rp_bundle_entry *e, const struct where *w, struct rp_error *err)
{
	struct rp_error why = RP_ERROR_INIT;
	struct where inner = *w;
	struct rp_span data;
	bool known = false;
	int r;

	inner.entry_id = e->id;
	inner.depth++;
	inner.beyond = (struct rp_span){ NULL, 0 };
	if (!rp_span_sub(b->bytes, e->offset, e->size, &data) &&
		!rp_span_sub(w->beyond, e->offset, e->size, &data)) {
		(void)RP_FAIL(&why, -EBADMSG,
			"truncated: bundle entry %.*s has %llu bytes at %llu of the bundle, %zu "
			"are there",
			(int)(e->id.n < 100 ? e->id.n : 100), (const char *)e->id.p,
			(unsigned long long)e->size, (unsigned long long)e->offset, b->bytes.n);
		return tell_damage(f, &inner, 0, &why, err);
	}
	inner.base += e->offset;
	if (is_bitcode(data)) {
		f->stats.n_bitcode++;
		return 0;
	}
	r = look(f, data, &inner, &known, err);
	if (r != 0 || known)
		return r;
	(void)RP_FAIL(&why, -EBADMSG, "bundle entry %.*s, %llu bytes, is no code object",
		(int)(e->id.n < 100 ? e->id.n : 100), (const char *)e->id.p,
		(unsigned long long)e->size);
	return tell_damage(f, &inner, 0, &why, err);
}

static int look_at_bundle(
	struct rp_find *f, const struct rp_bundle *b, const struct where *w, struct rp_error *err)
{
	struct rp_bundle_entry e;
	uint64_t at = 0;

	f->stats.n_bundles++;
	while (rp_bundle_next(b, &at, &e)) {
		int r;

		if (rp_span_starts(e.id, "host")) {
			f->stats.n_host_entries++;
			continue;
		}
		if (e.size == 0)
			continue;
		if (is_alias(b, at, &e)) {
			f->stats.n_alias_entries++;
			continue;
		}
		r = look_at_entry(f, b, &e, w, err);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Charges n bytes to the file's budget; false: it is used up. */
static bool charge(struct rp_find *f, uint64_t n)
{
	if (n > f->unpack_budget)
		return false;
	f->unpack_budget -= n;
	return true;
}

/* A compressed bundle at the start of bytes; ret_used: its length. -EBADMSG, -EFBIG: why tells. */
static int look_at_ccob(struct rp_find *f, struct rp_span bytes, const struct where *w,
	size_t *ret_used, struct rp_error *why, struct rp_error *err)
{
	RP_CLEANUP(rp_unpacked_free) struct rp_unpacked u = { 0 };
	struct where inner = *w;
	struct rp_bundle bundle;
	struct rp_ccob header;
	int r, drained;

	r = rp_ccob_open(bytes, &header, why);
	if (r < 0)
		return r;
	if (header.total_bytes)
		*ret_used = (size_t)header.total_bytes;
	if (!charge(f, header.raw_bytes))
		return RP_FAIL(
			why, -EFBIG, "compressed bundle: the limit of unpacked bytes of one file");
	r = rp_ccob_unpack(bytes, &header, f->options.max_unpacked_bytes, &u, ret_used, why);
	if (r == 0)
		r = rp_bundle_open(rp_span_of(u.p, u.n), &bundle, why);
	if (r < 0)
		return r;
	f->stats.n_compressed++;
	inner.base = 0;
	inner.unpacked = true;
	r = look_at_bundle(f, &bundle, &inner, err);
	drained = drain(f, err);
	if (r == 0)
		r = drained;
	if (r != 0)
		why->code = 0; /* not damage: the visitor's own, or ours */
	return r;
}

static size_t skip_zeros(struct rp_span s, size_t at)
{
	while (at < s.n && s.p[at] == 0)
		at++;
	return at;
}

/* The next place, at a multiple of 8, that starts a well-formed bundle of either kind. */
static size_t next_bundle(struct rp_span s, size_t at)
{
	for (at = (at + 7) & ~(size_t)7; at + 8 < s.n; at += 8) {
		struct rp_span rest = rp_span_of(s.p + at, s.n - at);
		struct rp_bundle b;
		struct rp_ccob c;

		if (s.p[at] == '_' && rp_bundle_is(rest) && rp_bundle_open(rest, &b, NULL) == 0)
			return at;
		if (s.p[at] == 'C' && rp_ccob_is(rest) && rp_ccob_open(rest, &c, NULL) == 0)
			return at;
	}
	return s.n;
}

/* End of the entries that lie in the bundle's own bytes; those of a cut bundle: SIZE_MAX. */
static size_t own_end(const struct rp_bundle *b, struct rp_span beyond)
{
	struct rp_bundle_entry e;
	uint64_t at = 0, end = b->header_bytes;
	struct rp_span data;

	while (rp_bundle_next(b, &at, &e)) {
		if (rp_span_sub(b->bytes, e.offset, e.size, &data))
			end = e.size && e.offset + e.size > end ? e.offset + e.size : end;
		else if (!rp_span_sub(beyond, e.offset, e.size, &data))
			return SIZE_MAX;
	}
	return (size_t)end;
}

/* One bundle at s[at]; *ret_next: where to go on. */
static int look_at_one(struct rp_find *f, struct rp_span s, size_t at, const struct where *w,
	size_t *ret_next, struct rp_error *err)
{
	struct rp_span rest = rp_span_of(s.p + at, s.n - at);
	struct rp_error why = RP_ERROR_INIT;
	struct where here = *w;
	struct rp_bundle b;
	size_t used = 0;
	int r;

	here.base += at;
	if (!rp_span_from(w->beyond, at, &here.beyond))
		here.beyond = (struct rp_span){ NULL, 0 };
	(*w->n_bundles)++;
	if (rp_bundle_is(rest)) {
		r = rp_bundle_open(rest, &b, &why);
		if (r == 0) {
			*ret_next = at + (size_t)(b.end < rest.n ? b.end : b.header_bytes);
			r = look_at_bundle(f, &b, &here, err);
			/* A cut bundle was told entry by entry; what follows may still be whole. */
			if (r == 0 && b.end > rest.n) {
				size_t end = own_end(&b, here.beyond);

				*ret_next = end == SIZE_MAX ? next_bundle(s, *ret_next) : at + end;
			}
			if (r == 0 && b.end == rest.n)
				*ret_next = s.n;
			return r;
		}
	} else if (rp_ccob_is(rest)) {
		r = look_at_ccob(f, rest, &here, &used, &why, err);
		if (r == 0 || why.code == 0) {
			*ret_next = at + used;
			return r;
		}
	} else {
		(void)RP_FAIL(&why, -EBADMSG, "%zu bytes that start no bundle", rest.n);
	}
	/* Announced length of a compressed bundle that does not unpack: trust it only if it helps. */
	*ret_next = next_bundle(s, at + (used > 8 ? used : 8));
	return tell_damage(f, &here, 0, &why, err);
}

/* Bundles one after the other, with zeros between them, as in .hip_fatbin. */
static int look_at_bundles(
	struct rp_find *f, struct rp_span s, const struct where *w, struct rp_error *err)
{
	size_t at = skip_zeros(s, 0);

	while (at < s.n) {
		size_t next = s.n;
		int r = look_at_one(f, s, at, w, &next, err);

		if (r != 0)
			return r;
		at = skip_zeros(s, next);
	}
	return 0;
}

/* Every well-formed bundle anywhere. The magic alone proves nothing: tools have it as a string. */
static int look_everywhere(
	struct rp_find *f, struct rp_span s, const struct where *w, struct rp_error *err)
{
	size_t at = 0, released = 0;

	while ((at = next_bundle(s, at)) < s.n) {
		size_t next = s.n;
		int r = look_at_one(f, s, at, w, &next, err);

		if (r != 0)
			return r;
		at = next;
		if (at - released > RP_FIND_DRAIN_BYTES) {
			released = at;
			r = drain(f, err);
			if (r != 0)
				return r;
		}
	}
	return 0;
}

/* Device code in relocatable objects: a section with the bundle entry's id in its name. */
static int look_at_section_entry(struct rp_find *f, const struct rp_elf_section *s,
	const struct where *w, struct rp_error *err)
{
	struct where inner = *w;
	bool known = false;

	inner.base += s->offset;
	inner.depth++;
	inner.entry_id =
		rp_span_of(s->name.p + RP_BUNDLE_MAGIC_BYTES, s->name.n - RP_BUNDLE_MAGIC_BYTES);
	if (rp_span_starts(inner.entry_id, "host"))
		return 0;
	if (is_bitcode(s->data)) {
		f->stats.n_bitcode++;
		return 0;
	}
	return look(f, s->data, &inner, &known, err);
}

static int look_at_elf(
	struct rp_find *f, struct rp_span bytes, const struct where *w, struct rp_error *err)
{
	RP_CLEANUP(rp_elf_close) struct rp_elf elf = { 0 };
	struct rp_error why = RP_ERROR_INIT;
	int r;

	r = rp_elf_open(bytes, &elf, &why);
	if (r < 0)
		return tell_damage(f, w, 0, &why, err);
	if (elf.type == RP_ET_CORE)
		return 0;
	if (elf.n_sections == 0 || f->options.everywhere)
		return look_everywhere(f, bytes, w, err);
	for (size_t i = 0; i < elf.n_sections; i++) {
		const struct rp_elf_section *s = &elf.sections[i];
		bool fatbin = rp_span_eq_str(s->name, ".hip_fatbin") ||
			      rp_span_starts(s->name, ".hip_fatbin.");
		struct where inner = *w;

		/* NOBITS: a file of debug information, the bytes are in the other one. */
		if (s->type == RP_SHT_NOBITS || (!fatbin && !rp_bundle_is(s->name)))
			continue;
		if (!s->in_file) {
			(void)RP_FAIL(&why, -EBADMSG,
				"truncated: section %.*s has %llu bytes at offset %llu, the file "
				"ends at %zu",
				(int)(s->name.n < 100 ? s->name.n : 100), (const char *)s->name.p,
				(unsigned long long)s->size, (unsigned long long)s->offset,
				bytes.n);
			r = tell_damage(f, w, s->offset, &why, err);
		} else if (fatbin) {
			inner.base += s->offset;
			if (!rp_span_from(bytes, s->offset, &inner.beyond))
				inner.beyond = s->data;
			r = look_at_bundles(f, s->data, &inner, err);
		} else {
			r = look_at_section_entry(f, s, w, err);
		}
		if (r != 0)
			return r;
	}
	return 0;
}

struct archive {
	struct rp_find *f;
	const struct where *w;
};

static void member_name(const struct where *w, struct rp_span name, char *ret, size_t n)
{
	(void)snprintf(ret, n, "%s%s%.*s", w->member ? w->member : "", w->member ? "/" : "",
		(int)(name.n < 200 ? name.n : 200), name.n ? (const char *)name.p : "");
}

static int member_damage(void *data, struct rp_span name, uint64_t at, const struct rp_error *why,
	struct rp_error *err)
{
	struct archive *a = data;
	struct where w = *a->w;
	char text[MAX_NAME];

	if (name.n > 0) {
		member_name(a->w, name, text, sizeof(text));
		w.member = text;
	}
	return tell_damage(a->f, &w, at, why, err);
}

static bool can_hold_code(struct rp_span b)
{
	return rp_elf_is(b) || rp_bundle_is(b) || rp_ccob_is(b) || rp_ar_is(b) || rp_zip_is(b);
}

static int look_at_deflated(
	struct rp_find *f, const struct rp_member *m, struct where *w, struct rp_error *err)
{
	RP_CLEANUP(rp_unpacked_free) struct rp_unpacked u = { 0 };
	struct rp_error why = RP_ERROR_INIT;
	bool known;
	int r, drained;

	if (m->n_raw > f->options.max_unpacked_bytes || !charge(f, m->n_raw)) {
		(void)RP_FAIL(&why, -EFBIG,
			"member of %llu bytes unpacked: the limit is %llu, 16 times that in one "
			"file",
			(unsigned long long)m->n_raw,
			(unsigned long long)f->options.max_unpacked_bytes);
		return tell_damage(f, w, m->offset, &why, err);
	}
	r = rp_unpack_zlib(m->data, true, (size_t)m->n_raw, &u, NULL, &why);
	if (r < 0)
		return tell_damage(f, w, m->offset, &why, err);
	w->unpacked = true;
	w->base = 0;
	r = look(f, rp_span_of(u.p, u.n), w, &known, err);
	drained = drain(f, err);
	return r != 0 ? r : drained;
}

static int look_at_member(void *data, const struct rp_member *m, struct rp_error *err)
{
	struct archive *a = data;
	unsigned int n_bundles = 0;
	struct where w = *a->w;
	char text[MAX_NAME];
	uint8_t start[32];
	bool known;

	if (rp_cancelled(a->f->ctx))
		return RP_FAIL(err, -ECANCELED, "cancelled");
	member_name(a->w, m->name, text, sizeof(text));
	w.member = text;
	w.n_bundles = &n_bundles;
	w.depth++;
	w.base += m->offset;
	if (m->method == 0)
		return look(a->f, m->data, &w, &known, err);
	/* Most members of a wheel are text: look at the first bytes before unpacking all. */
	if (can_hold_code(rp_span_of(start, rp_unpack_start(m->data, start, sizeof(start)))))
		return look_at_deflated(a->f, m, &w, err);
	return 0;
}

/* *ret_known: false if the bytes are nothing that can hold code objects. */
static int look(struct rp_find *f, struct rp_span bytes, const struct where *w, bool *ret_known,
	struct rp_error *err)
{
	struct archive a = { f, w };
	struct rp_error why = RP_ERROR_INIT;

	*ret_known = can_hold_code(bytes);
	if (!*ret_known)
		return 0;
	if (w->depth > MAX_DEPTH) {
		(void)RP_FAIL(&why, -EBADMSG, "containers in containers, %d deep", MAX_DEPTH);
		return tell_damage(f, w, 0, &why, err);
	}
	if (rp_codeobj_is(bytes))
		return give_object(f, bytes, w, err);
	if (rp_bundle_is(bytes) || rp_ccob_is(bytes))
		return look_at_bundles(f, bytes, w, err);
	if (rp_ar_is(bytes) || rp_zip_is(bytes)) {
		f->stats.n_archives++;
		return rp_ar_is(bytes)
			       ? rp_ar_members(bytes, look_at_member, member_damage, &a, err)
			       : rp_zip_members(bytes, look_at_member, member_damage, &a, err);
	}
	if (rp_elf_is_64le(bytes))
		return look_at_elf(f, bytes, w, err);
	if (bytes.n < 6) {
		(void)RP_FAIL(&why, -EBADMSG, "truncated: an ELF file of %zu bytes", bytes.n);
		return tell_damage(f, w, 0, &why, err);
	}
	return 0; /* ELF of another class or byte order: no code of ours in it */
}

/* A name that promises a code object. */
static bool named_codeobj(const char *path)
{
	size_t n = strlen(path);

	return (n > 3 && strcmp(path + n - 3, ".co") == 0) ||
	       (n > 6 && strcmp(path + n - 6, ".hsaco") == 0);
}

int rp_find_in_file(struct rp_find *f, struct rp_span bytes, struct rp_error *err)
{
	struct rp_error why = RP_ERROR_INIT;
	unsigned int n_bundles = 0;
	struct where w = { .n_bundles = &n_bundles };
	bool known = false;
	int r, drained;

	f->stats.n_files++;
	f->stats.bytes += bytes.n;
	if (__builtin_mul_overflow(f->options.max_unpacked_bytes, UNPACK_FACTOR, &f->unpack_budget))
		f->unpack_budget = UINT64_MAX;
	r = look(f, bytes, &w, &known, err);
	if (r == 0 && !known && f->options.everywhere) {
		r = look_everywhere(f, bytes, &w, err);
		known = n_bundles > 0;
	}
	if (r == 0 && !known) {
		f->stats.n_other++;
		if (named_codeobj(f->path)) {
			(void)RP_FAIL(&why, -EBADMSG,
				"named as a code object, but its %zu bytes are neither ELF nor a "
				"bundle",
				bytes.n);
			r = tell_damage(f, &w, 0, &why, err);
		}
	}
	drained = drain(f, err);
	return r != 0 ? r : drained;
}
