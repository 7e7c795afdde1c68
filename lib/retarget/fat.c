/* SPDX-License-Identifier: MIT */
/*
 * Bundles, and libraries and programs with bundles: one entry for the card is added to each bundle that
 * has none. Compressed bundles are packed anew and move (compressed.c, wrappers.c). Else nothing that is there moves: the new entry stands behind the others in the bundle's first page, and its
 * code object in a read-only segment behind the file, at the same distance from the bundle in the file as in
 * memory. So the pointers to bundles, and other targets, stay as they are.
 *
 * Sources: LLVM "Clang Offload Bundler"; clr 6.4 hip_fatbin.cpp, hip_code_object.cpp: of a registered bundle the
 * first 4096 bytes are searched for ids, and offsets count from its start (docs/retarget.md).
 */
#include <stdio.h>

#include "retarget/fat.h"

#define PAGE	    RP_RT_PAGE
#define MAX_PADDING (UINT64_C(256) << 20)
#define PT_LOAD	    1u
#define PT_NOTE	    4u

static void free_fat(struct rp_rt_fat *f)
{
	for (size_t i = 0; i < f->n_jobs; i++) {
		rp_buf_free(&f->jobs[i].made);
		rp_retarget_report_free(&f->jobs[i].report);
	}
	free(f->jobs);
}

/* How well code for this chip serves: smaller is better; -1: not at all. */
static int rank(const struct rp_chip *card, const struct rp_chip *code)
{
	if (!rp_retarget_can(card, code))
		return -1;
	if (strcmp(card->family, code->family) == 0)
		return 0; /* the same generation: little to change */
	if (strcmp(code->name, "gfx1030") == 0)
		return 1;
	return code->is_generic ? 2 : 3;
}

/* Room for one more entry: zeros between the table and the first object, in the first page. */
static bool has_room(const struct rp_bundle *b, uint64_t first, size_t id_bytes)
{
	uint64_t end = b->header_bytes + 24 + id_bytes;
	struct rp_span room;

	if (end > first || end > PAGE ||
		!rp_span_sub(b->bytes, b->header_bytes, 24 + id_bytes, &room))
		return false;
	for (size_t i = 0; i < room.n; i++)
		if (room.p[i])
			return false;
	return true;
}

int rp_rt_entry_id(const struct rp_retarget_options *options, struct rp_span other, char ret[160],
	struct rp_error *err)
{
	const struct rp_chip *card = options->chip;
	struct rp_target_id id;
	int n;

	if (!rp_target_id_parse(other, &id))
		return RP_FAIL(err, -EBADMSG, "a bundle entry without a target");
	/* clr 6.4: an id with xnack fits a device with that setting; "-" is what cards have by default */
	n = snprintf(ret, 160, "%.*s%s%s", (int)(id.processor.p - other.p), (const char *)other.p,
		card->name, card->has_xnack && !options->in_place ? ":xnack-" : "");
	if (options->in_place && (n < 0 || (size_t)n != other.n))
		return RP_FAIL(err, -ENOTSUP, "entry %.*s cannot be renamed in place",
			(int)(other.n < 80 ? other.n : 80), (const char *)other.p);
	return n < 0 || n >= 160 ? RP_FAIL(err, -EBADMSG, "a bundle entry with a long name") : 0;
}

void rp_rt_choose(const struct rp_retarget_options *options, const struct rp_bundle *b,
	struct rp_rt_choice *ret)
{
	struct rp_bundle_entry e;
	uint64_t at = 0;
	int best_rank = -1;

	*ret = (struct rp_rt_choice){ .first = UINT64_MAX };
	while (rp_bundle_next(b, &at, &e)) {
		struct rp_target_id id;
		int r;

		if (e.size == 0)
			continue;
		ret->first = e.offset < ret->first ? e.offset : ret->first;
		if (rp_span_starts(e.id, "host") || !rp_target_id_parse(e.id, &id) || !id.chip)
			continue;
		ret->is_native |= rp_chip_runs(options->chip, id.chip) && id.xnack != RP_CODEOBJ_ON;
		r = rank(options->chip, id.chip);
		if (r >= 0 && (best_rank < 0 || r < best_rank)) {
			ret->best = e;
			best_rank = r;
		}
	}
}

static int new_job(
	struct rp_rt_fat *f, uint64_t offset, struct rp_rt_job **ret, struct rp_error *err)
{
	if (rp_array_grow(&f->jobs, &f->cap_jobs, f->n_jobs, sizeof(*f->jobs)) < 0)
		return RP_NOMEM(err);
	*ret = &f->jobs[f->n_jobs++];
	**ret = (struct rp_rt_job){ .offset = offset };
	return 0;
}

static int read_plain(
	struct rp_rt_fat *f, const struct rp_bundle *b, uint64_t offset, struct rp_error *err)
{
	struct rp_rt_choice choice;
	struct rp_rt_job *j;
	int r;

	f->n_plain++;
	rp_rt_choose(f->options, b, &choice);
	f->n_native += choice.is_native;
	if (choice.is_native || choice.best.size == 0)
		return 0;
	r = new_job(f, offset, &j, err);
	if (r < 0)
		return r;
	j->header_bytes = b->header_bytes;
	j->count = b->n_entries;
	if (!rp_span_sub(f->bytes, offset + choice.best.offset, choice.best.size, &j->image))
		return RP_FAIL(
			err, -EBADMSG, "bundle at offset %llu is cut", (unsigned long long)offset);
	r = rp_rt_entry_id(f->options, choice.best.id, j->id, err);
	j->old_id = choice.best.id;
	if (r == 0 && !f->options->in_place && !has_room(b, choice.first, strlen(j->id)))
		r = RP_FAIL(err, -ENOTSUP,
			"bundle at offset %llu: no room for one more entry in its first page",
			(unsigned long long)offset);
	return r;
}

/* *ret_bytes: of the compressed bundle. */
static int read_compressed(struct rp_rt_fat *f, struct rp_span rest, uint64_t offset,
	uint64_t *ret_bytes, struct rp_error *err)
{
	RP_CLEANUP(rp_unpacked_free) struct rp_unpacked raw = { 0 };
	struct rp_ccob header = { 0 };
	struct rp_rt_job *j;
	size_t used = 0;
	int r = rp_ccob_open(rest, &header, err);

	used = (size_t)header.total_bytes;
	if (r == 0 && !used) /* version 1 does not say how long it is */
		r = rp_ccob_unpack(rest, &header, UINT64_C(4) << 30, &raw, &used, err);
	if (r == 0)
		r = new_job(f, offset, &j, err);
	if (r < 0)
		return r;
	f->n_compressed++;
	j->packed = rp_span_of(rest.p, used);
	*ret_bytes = used;
	return 0;
}

/* Bytes of a bundle here; entries that retarget added lie behind the section. */
static uint64_t own_bytes(const struct rp_bundle *b)
{
	struct rp_bundle_entry e;
	uint64_t at = 0, own = b->header_bytes;

	while (rp_bundle_next(b, &at, &e))
		if (e.offset <= b->bytes.n && e.size <= b->bytes.n - e.offset &&
			e.offset + e.size > own)
			own = e.offset + e.size;
	return own;
}

/* Bundles from offset to end of the file, with zeros between them. */
static int read_bundles(struct rp_rt_fat *f, uint64_t offset, uint64_t end, struct rp_error *err)
{
	while (offset < end) {
		struct rp_bundle b;
		struct rp_span rest;
		uint64_t own = 0;
		int r;

		if (f->bytes.p[offset] == 0) {
			offset++;
			continue;
		}
		if (!rp_span_sub(f->bytes, offset, end - offset, &rest))
			return RP_FAIL(err, -EBADMSG, "bundles are cut");
		if (rp_ccob_is(rest)) {
			r = read_compressed(f, rest, offset, &own, err);
		} else {
			r = rp_bundle_open(rest, &b, err);
			if (r == 0)
				r = read_plain(f, &b, offset, err);
			if (r == 0)
				own = own_bytes(&b);
		}
		if (r < 0)
			return rp_error_prefix(
				err, r, "at offset %llu", (unsigned long long)offset);
		offset += own;
	}
	return f->n_compressed && f->n_plain
		       ? RP_FAIL(err, -ENOTSUP, "plain and compressed bundles in one file")
		       : 0;
}

static int do_job(struct rp_rt_fat *f, struct rp_rt_job *j)
{
	int r;

	if (rp_cancelled(f->ctx))
		return RP_FAIL(&j->err, -ECANCELED, "cancelled");
	if (j->packed.n)
		return rp_rt_compressed(j, f->options, &j->err);
	r = rp_rt_make(j->image, f->options, &j->made, j->from, &j->report, &j->verified, &j->err);
	if (r == 0 && j->made.n == 0)
		r = RP_FAIL(&j->err, -EBADMSG,
			"the bundle's entry and its code object name different targets");
	return r;
}

static void work(void *data, unsigned int thread)
{
	struct rp_rt_fat *f = data;
	size_t i;

	(void)thread;
	while ((i = atomic_fetch_add(&f->next, 1)) < f->n_jobs) {
		size_t done;

		f->jobs[i].result = do_job(f, &f->jobs[i]);
		done = atomic_fetch_add(&f->done, 1) + 1;
		RP_EVENT(f->ctx, RP_EV_PROGRESS, RP_STR("step", "retarget"), RP_INT("done", done),
			RP_INT("total", f->n_jobs), RP_STR("unit", "objects"));
	}
}

static void run_jobs(struct rp_rt_fat *f, unsigned int n_threads)
{
	if (!n_threads)
		n_threads = rp_cpu_count();
	rp_parallel(f->n_jobs < n_threads ? (unsigned int)f->n_jobs : n_threads, work, f);
}

/* Reports of all jobs; the error of the first that failed, but for refusals, of which all are told. */
static int collect(struct rp_rt_fat *f, struct rp_retarget_output *out,
	struct rp_retarget_report *report, struct rp_retarget_verified *verified,
	struct rp_error *err)
{
	const struct rp_rt_job *refused = NULL;
	int r = 0;

	for (size_t i = 0; i < f->n_jobs; i++) {
		struct rp_rt_job *j = &f->jobs[i];
		char name[32];

		(void)snprintf(name, sizeof(name), "bundle %zu", i);
		r = rp_retarget_report_add(report, &j->report, name, err);
		if (r < 0)
			return r;
		if (j->result == -ENOTSUP && !refused)
			refused = j;
		else if (j->result < 0 && j->result != -ENOTSUP)
			return rp_error_prefix(
				err ? (*err = j->err, err) : NULL, j->result, "%s", name);
		rp_rt_add_verified(verified, &j->verified);
		out->n_native += j->is_native;
		out->n_new += j->result == 0 && j->made.n;
		if (!j->from[0])
			continue;
		if (!out->from[0])
			(void)snprintf(out->from, sizeof(out->from), "%s", j->from);
		else if (strcmp(out->from, j->from) != 0)
			(void)snprintf(out->from, sizeof(out->from), "several");
	}
	if (refused && err)
		*err = refused->err;
	return refused ? -ENOTSUP : 0;
}

struct rp_buf *rp_rt_patch_at(struct rp_rt_patches *patches, uint64_t offset)
{
	if (rp_array_grow(&patches->v, &patches->cap, patches->n, sizeof(*patches->v)) < 0)
		return NULL;
	patches->v[patches->n] = (struct rp_rt_patch){ .offset = offset };
	return &patches->v[patches->n++].bytes;
}

static void free_patches(struct rp_rt_patches *patches)
{
	for (size_t i = 0; i < patches->n; i++)
		rp_buf_free(&patches->v[i].bytes);
	free(patches->v);
}

static int by_offset(const void *a, const void *b)
{
	const struct rp_rt_patch *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static uint64_t page_up(uint64_t v)
{
	return (v + PAGE - 1) / PAGE * PAGE;
}

/* Bytes of a job's part of the new segment: the object, or the bundle (which moves even if it is the old one). */
static struct rp_span part_of(const struct rp_rt_job *j)
{
	return j->made.n ? rp_buf_span(&j->made) : j->packed;
}

static int add_zeros(struct rp_retarget_output *out, uint64_t n, struct rp_error *err)
{
	struct rp_buf pad = RP_BUF_INIT;
	int r;

	if (n == 0)
		return 0;
	if (!rp_buf_reserve(&pad, (size_t)n))
		return RP_NOMEM(err);
	memset(pad.p, 0, (size_t)n + 1);
	pad.n = (size_t)n;
	r = rp_rt_add_memory(out, &pad, err);
	rp_buf_free(&pad);
	return r;
}

/* The input with patches (in the order of offsets), then padding, then the parts of all jobs. */
static int compose(struct rp_rt_fat *f, struct rp_rt_patches *patches, uint64_t start,
	struct rp_retarget_output *out, struct rp_error *err)
{
	uint64_t at = 0;
	struct rp_span piece;
	int r = 0;

	if (patches->n)
		qsort(patches->v, patches->n, sizeof(*patches->v), by_offset);
	for (size_t i = 0; r == 0 && i < patches->n; i++) {
		struct rp_rt_patch *p = &patches->v[i];
		size_t bytes = p->bytes.n;

		if (p->offset < at || !rp_span_sub(f->bytes, at, p->offset - at, &piece))
			return RP_FAIL(err, -EBADMSG, "parts of the file overlap");
		at = p->offset + bytes;
		r = rp_rt_add_piece(out, piece, err);
		if (r == 0)
			r = rp_rt_add_memory(out, &p->bytes, err);
	}
	if (r == 0 && !rp_span_from(f->bytes, at, &piece))
		r = RP_FAIL(err, -EBADMSG, "the file is cut");
	if (r == 0)
		r = rp_rt_add_piece(out, piece, err);
	for (size_t i = 0; r == 0 && !f->options->in_place && i < f->n_jobs; i++) {
		struct rp_rt_job *j = &f->jobs[i];

		r = add_zeros(out, (i == 0 ? start : page_up(out->bytes)) - out->bytes, err);
		if (r == 0)
			r = j->made.n ? rp_rt_add_memory(out, &j->made, err)
				      : rp_rt_add_piece(out, part_of(j), err);
	}
	return r;
}

void rp_rt_add_le64(struct rp_buf *b, uint64_t v)
{
	uint8_t bytes[8];

	rp_rt_put_le64(bytes, v);
	rp_buf_add(b, bytes, 8);
}

/* Two patches a bundle: its count, and the new entry behind its table. */
static int bundle_patches(const struct rp_rt_fat *f, uint64_t start, struct rp_rt_patches *patches,
	struct rp_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n_jobs; i++) {
		const struct rp_rt_job *j = &f->jobs[i];
		struct rp_buf *p = rp_rt_patch_at(patches, j->offset + RP_BUNDLE_MAGIC_BYTES);

		if (!p)
			return RP_NOMEM(err);
		rp_rt_add_le64(p, j->count + 1);
		r = rp_buf_check(p, err);
		p = rp_rt_patch_at(patches, j->offset + j->header_bytes);
		if (!p)
			return RP_NOMEM(err);
		rp_rt_add_le64(p, start - j->offset);
		rp_rt_add_le64(p, j->made.n);
		rp_rt_add_le64(p, strlen(j->id));
		rp_buf_adds(p, j->id);
		start = page_up(start + j->made.n);
		if (r == 0)
			r = rp_buf_check(p, err);
	}
	return r;
}

/* Two patches a bundle: the entry's name, and the object, in their places. */
static int in_place_patches(
	struct rp_rt_fat *f, struct rp_rt_patches *patches, struct rp_error *err)
{
	int r = f->n_compressed ? RP_FAIL(err, -ENOTSUP, "a compressed bundle: not in place") : 0;

	for (size_t i = 0; r == 0 && i < f->n_jobs; i++) {
		struct rp_rt_job *j = &f->jobs[i];
		struct rp_buf *p = rp_rt_patch_at(patches, (uint64_t)(j->old_id.p - f->bytes.p));

		if (!p)
			return RP_NOMEM(err);
		rp_buf_adds(p, j->id);
		r = rp_buf_check(p, err);
		p = r ? NULL : rp_rt_patch_at(patches, (uint64_t)(j->image.p - f->bytes.p));
		if (r == 0 && !p)
			return RP_NOMEM(err);
		if (r == 0 && j->made.n != j->image.n)
			return RP_FAIL(err, -EPROTO, "an object has another size");
		if (r == 0) {
			*p = j->made;
			j->made = (struct rp_buf)RP_BUF_INIT;
		}
	}
	return r;
}

/* Bytes of the new segment: parts, each on its page. */
static uint64_t segment_bytes(const struct rp_rt_fat *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->n_jobs; i++)
		n = page_up(n) + part_of(&f->jobs[i]).n;
	return n;
}

/*
 * Where the segment goes: behind everything in memory and in the file, and as far from the bundles here
 * as there (delta). Its program header is that of a PT_NOTE: that of PT_GNU_STACK must stay, or
 * the dynamic linker wants an executable stack.
 */
static int segment_patch(const struct rp_rt_fat *f, const struct rp_elf *elf, uint64_t delta,
	struct rp_rt_patches *patches, uint64_t *ret_start, struct rp_error *err)
{
	uint64_t end = 0, phoff = 0, addr, n = segment_bytes(f);
	size_t note = elf->n_segments;
	const uint64_t type_flags = PT_LOAD | (uint64_t)4 << 32; /* readable */
	struct rp_buf *p;

	for (size_t i = 0; i < elf->n_segments; i++) {
		const struct rp_elf_segment *g = &elf->segments[i];

		if (g->type == PT_NOTE)
			note = i;
		if (g->type != PT_LOAD)
			continue;
		if (note < i)
			return RP_FAIL(err, -ENOTSUP, "a PT_NOTE is before a PT_LOAD");
		if (g->vaddr < end || __builtin_add_overflow(g->vaddr, g->memsz, &end) ||
			end > UINT64_C(1) << 46)
			return RP_FAIL(err, -EBADMSG, "PT_LOAD %zu is not in order", i);
	}
	if (note == elf->n_segments)
		return RP_FAIL(err, -ENOTSUP, "no PT_NOTE whose program header could be taken");
	if (delta % PAGE || delta > end || !rp_span_le64(f->bytes, 32, &phoff))
		return RP_FAIL(err, -ENOTSUP, ".hip_fatbin is not on a page");
	addr = end > f->bytes.n + delta ? end : f->bytes.n + delta;
	addr = page_up(addr);
	if (addr - delta - f->bytes.n > MAX_PADDING)
		return RP_FAIL(err, -ENOTSUP, "more than 256 MiB of zeroed memory at its end");
	*ret_start = addr - delta;
	p = rp_rt_patch_at(patches, phoff + (uint64_t)note * 56);
	if (!p)
		return RP_NOMEM(err);
	rp_rt_add_le64(p, type_flags);
	rp_rt_add_le64(p, *ret_start);
	rp_rt_add_le64(p, addr);
	rp_rt_add_le64(p, addr);
	rp_rt_add_le64(p, n);
	rp_rt_add_le64(p, n);
	rp_rt_add_le64(p, PAGE);
	return rp_buf_check(p, err);
}

/* Compressed bundles move: the section's header and the pointers to them follow. */
static int moved_patches(const struct rp_rt_fat *f, const struct rp_elf *elf,
	const struct rp_elf_section *fatbin, uint64_t start, struct rp_rt_patches *patches,
	struct rp_error *err)
{
	uint64_t *addr = calloc(f->n_jobs, sizeof(*addr)), at = 0, shoff = 0;
	uint64_t delta = fatbin->addr - fatbin->offset;
	struct rp_buf *p;
	int r = 0;

	if (!addr)
		return RP_NOMEM(err);
	for (size_t i = 0; i < f->n_jobs; i++) {
		addr[i] = start + delta + page_up(at);
		at = page_up(at) + part_of(&f->jobs[i]).n;
	}
	if (!rp_span_le64(f->bytes, 40, &shoff))
		r = RP_FAIL(err, -EBADMSG, "the ELF header is cut");
	p = r ? NULL
	      : rp_rt_patch_at(patches, shoff + (uint64_t)(fatbin - elf->sections) * 64 + 16);
	if (r == 0 && !p)
		r = RP_NOMEM(err);
	if (r == 0) {
		rp_rt_add_le64(p, start + delta);
		rp_rt_add_le64(p, start);
		rp_rt_add_le64(p, at);
		r = rp_buf_check(p, err);
	}
	if (r == 0)
		r = rp_rt_wrappers(f, elf, fatbin, addr, patches, err);
	free(addr);
	return r;
}

/* elf and fatbin: NULL for a bundle that is a file. */
static int write_out(struct rp_rt_fat *f, const struct rp_elf *elf,
	const struct rp_elf_section *fatbin, struct rp_retarget_output *out, struct rp_error *err)
{
	RP_CLEANUP(free_patches) struct rp_rt_patches patches = { NULL, 0, 0 };
	uint64_t start = page_up(f->bytes.n);
	int r = 0;

	if (f->options->in_place) {
		r = in_place_patches(f, &patches, err);
		return r < 0 ? r : compose(f, &patches, 0, out, err);
	}
	if (elf)
		r = segment_patch(f, elf, fatbin->addr - fatbin->offset, &patches, &start, err);
	if (r == 0 && !f->n_compressed)
		r = bundle_patches(f, start, &patches, err);
	else if (r == 0)
		r = moved_patches(f, elf, fatbin, start, &patches, err);
	return r < 0 ? r : compose(f, &patches, start, out, err);
}

/* A file that is a compressed bundle becomes another one. */
static int compressed_file(
	struct rp_rt_fat *f, struct rp_retarget_output *out, struct rp_error *err)
{
	if (f->n_jobs != 1 || f->jobs[0].offset != 0)
		return RP_FAIL(err, -ENOTSUP, "more than one compressed bundle in the file");
	return rp_rt_add_memory(out, &f->jobs[0].made, err);
}

static int finish(struct rp_rt_fat *f, const struct rp_elf *elf,
	const struct rp_elf_section *fatbin, unsigned int n_threads, struct rp_retarget_output *out,
	struct rp_retarget_report *report, struct rp_retarget_verified *verified,
	struct rp_error *err)
{
	int r = 0;

	out->n_native = f->n_native;
	if (f->n_jobs) {
		run_jobs(f, n_threads);
		r = collect(f, out, report, verified, err);
	}
	if (r < 0)
		return r;
	if (out->n_new == 0 && out->n_native == 0)
		return RP_FAIL(err, -ENOEXEC, "no code in it that could be retargeted");
	if (out->n_new == 0)
		return rp_rt_add_piece(out, f->bytes, err);
	return f->n_compressed && !elf && !f->options->in_place
		       ? compressed_file(f, out, err)
		       : write_out(f, elf, fatbin, out, err);
}

/* Reads the bundles of a file. elf: opened if it is one, and *ret_section its .hip_fatbin; else NULL. */
static int read_file(struct rp_rt_fat *f, struct rp_elf *elf,
	const struct rp_elf_section **ret_section, struct rp_error *err)
{
	const struct rp_elf_section *s = NULL;
	int r;

	*ret_section = NULL;
	if (rp_bundle_is(f->bytes) || rp_ccob_is(f->bytes))
		return read_bundles(f, 0, f->bytes.n, err);
	if (!rp_elf_is_64le(f->bytes))
		return RP_FAIL(err, -ENOEXEC, "no code object, bundle, library or program");
	r = rp_elf_open(f->bytes, elf, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < elf->n_sections; i++) {
		if (!rp_span_starts(elf->sections[i].name, ".hip_fatbin") ||
			elf->sections[i].type == RP_SHT_NOBITS ||
			rp_span_eq_str(elf->sections[i].name, ".hipFatBinSegment"))
			continue;
		if (s || (elf->type != RP_ET_DYN && elf->type != RP_ET_EXEC))
			return RP_FAIL(err, s ? -ENOTSUP : -ENOEXEC,
				s ? "more than one section .hip_fatbin"
				  : "an object file: link it first");
		s = &elf->sections[i];
	}
	if (!s || !s->in_file)
		return RP_FAIL(
			err, s ? -EBADMSG : -ENOEXEC, s ? "truncated" : "no section .hip_fatbin");
	*ret_section = s;
	return read_bundles(f, s->offset, s->offset + s->data.n, err);
}

int rp_rt_fat_look(struct rp_span bytes, const struct rp_retarget_options *options,
	struct rp_retarget_look *ret, struct rp_error *err)
{
	RP_CLEANUP(free_fat) struct rp_rt_fat f = { .options = options, .bytes = bytes };
	RP_CLEANUP(rp_elf_close) struct rp_elf elf = { 0 };
	const struct rp_elf_section *s;
	int r = read_file(&f, &elf, &s, err);

	if (r < 0)
		return r;
	ret->n_native = f.n_native;
	ret->n_unknown = f.n_compressed;
	ret->n_new = f.n_jobs - f.n_compressed;
	for (size_t i = 0; i < f.n_jobs; i++)
		ret->code_bytes += f.jobs[i].image.n;
	return 0;
}

int rp_rt_fat(const struct rp_ctx *ctx, struct rp_span bytes,
	const struct rp_retarget_options *options, unsigned int n_threads,
	struct rp_retarget_output *out, struct rp_retarget_report *report,
	struct rp_retarget_verified *verified, struct rp_error *err)
{
	RP_CLEANUP(free_fat)
	struct rp_rt_fat f = { .ctx = ctx, .options = options, .bytes = bytes };
	RP_CLEANUP(rp_elf_close) struct rp_elf elf = { 0 };
	const struct rp_elf_section *s;
	int r = read_file(&f, &elf, &s, err);

	return r < 0 ? r : finish(&f, s ? &elf : NULL, s, n_threads, out, report, verified, err);
}
