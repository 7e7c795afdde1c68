/* SPDX-License-Identifier: MIT */
/*
 * Bundles, and libraries and programs with bundles: one entry for the card is added to each bundle that
 * has none. Nothing that is there moves: the new entry stands behind the others in the bundle's first page, and its
 * code object in a read-only segment behind the file, at the same distance from the bundle in the file as in
 * memory. So the pointers to bundles, and other targets, stay as they are.
 *
 * Sources: LLVM "Clang Offload Bundler"; clr 6.4 hip_fatbin.cpp, hip_code_object.cpp: of a registered bundle the
 * first 4096 bytes are searched for ids, and offsets count from its start (docs/retarget.md).
 */
#include <stdatomic.h>
#include <stdio.h>

#include "codeobj/bundle.h"
#include "retarget/internal.h"

#define PAGE	    4096u
#define MAX_PADDING (UINT64_C(256) << 20)
#define PT_LOAD	    1u
#define PT_NOTE	    4u

/* One bundle that gets an entry. */
struct job {
	uint64_t offset; /* of the bundle in the file */
	struct rp_span image; /* the code object that is taken */
	char id[160]; /* of the new entry */
	uint64_t header_bytes, count; /* of the bundle now */
	struct rp_buf made; /* owned */
	char from[64];
	struct rp_retarget_report report;
	struct rp_retarget_verified verified;
	struct rp_error err;
	int result;
};

struct fat {
	const struct rp_ctx *ctx;
	const struct rp_retarget_options *options;
	struct rp_span bytes;
	struct job *jobs; /* owned */
	size_t n_jobs, cap_jobs;
	size_t n_native;
	atomic_size_t next, done;
};

static void free_fat(struct fat *f)
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

static int add_job(struct fat *f, const struct rp_bundle *b, uint64_t offset,
	const struct rp_bundle_entry *e, uint64_t first, struct rp_error *err)
{
	const struct rp_chip *card = f->options->chip;
	struct rp_target_id id;
	struct job *j;
	int n;

	if (rp_array_grow(&f->jobs, &f->cap_jobs, f->n_jobs, sizeof(*f->jobs)) < 0)
		return RP_NOMEM(err);
	j = &f->jobs[f->n_jobs];
	*j = (struct job){
		.offset = offset, .header_bytes = b->header_bytes, .count = b->n_entries
	};
	if (!rp_span_sub(f->bytes, offset + e->offset, e->size, &j->image) ||
		!rp_target_id_parse(e->id, &id))
		return RP_FAIL(
			err, -EBADMSG, "bundle at offset %llu is cut", (unsigned long long)offset);
	/* clr 6.4: an id with xnack fits a device with that setting; "-" is what cards have by default */
	n = snprintf(j->id, sizeof(j->id), "%.*s%s%s", (int)(id.processor.p - e->id.p),
		(const char *)e->id.p, card->name, card->has_xnack ? ":xnack-" : "");
	if (n < 0 || (size_t)n >= sizeof(j->id) || !has_room(b, first, (size_t)n))
		return RP_FAIL(err, -ENOTSUP,
			"bundle at offset %llu: no room for one more entry in its first page",
			(unsigned long long)offset);
	f->n_jobs++;
	return 0;
}

static int read_bundle(
	struct fat *f, const struct rp_bundle *b, uint64_t offset, struct rp_error *err)
{
	struct rp_bundle_entry e, best = { { NULL, 0 }, 0, 0 };
	uint64_t at = 0, first = UINT64_MAX;
	int best_rank = -1;
	bool native = false;

	while (rp_bundle_next(b, &at, &e)) {
		struct rp_target_id id;
		int r;

		if (e.size == 0)
			continue;
		first = e.offset < first ? e.offset : first;
		if (rp_span_starts(e.id, "host") || !rp_target_id_parse(e.id, &id) || !id.chip)
			continue;
		native |= rp_chip_runs(f->options->chip, id.chip) && id.xnack != RP_CODEOBJ_ON;
		r = rank(f->options->chip, id.chip);
		if (r >= 0 && (best_rank < 0 || r < best_rank)) {
			best = e;
			best_rank = r;
		}
	}
	if (native) {
		f->n_native++;
		return 0;
	}
	return best_rank < 0 ? 0 : add_job(f, b, offset, &best, first, err);
}

/* Bundles from offset to end of the file, with zeros between them. */
static int read_bundles(struct fat *f, uint64_t offset, uint64_t end, struct rp_error *err)
{
	while (offset < end) {
		struct rp_bundle b;
		struct rp_span rest;
		struct rp_bundle_entry e;
		uint64_t at = 0, own;
		int r;

		if (f->bytes.p[offset] == 0) {
			offset++;
			continue;
		}
		if (!rp_span_sub(f->bytes, offset, end - offset, &rest))
			return RP_FAIL(err, -EBADMSG, "bundles are cut");
		if (rp_ccob_is(rest))
			return RP_FAIL(err, -ENOTSUP,
				"a compressed bundle at offset %llu: adding to these is not there "
				"yet",
				(unsigned long long)offset);
		r = rp_bundle_open(rest, &b, err);
		if (r == 0)
			r = read_bundle(f, &b, offset, err);
		if (r < 0)
			return r;
		own = b.header_bytes;
		while (rp_bundle_next(
			&b, &at, &e)) /* entries that retarget added lie behind the section */
			if (e.offset <= rest.n && e.size <= rest.n - e.offset &&
				e.offset + e.size > own)
				own = e.offset + e.size;
		offset += own;
	}
	return 0;
}

static void work(void *data, unsigned int thread)
{
	struct fat *f = data;
	size_t i;

	(void)thread;
	while ((i = atomic_fetch_add(&f->next, 1)) < f->n_jobs) {
		struct job *j = &f->jobs[i];
		size_t done;

		if (rp_cancelled(f->ctx)) {
			j->result = RP_FAIL(&j->err, -ECANCELED, "cancelled");
			continue;
		}
		j->result = rp_rt_make(
			j->image, f->options, &j->made, j->from, &j->report, &j->verified, &j->err);
		if (j->result == 0 && j->made.n == 0)
			j->result = RP_FAIL(&j->err, -EBADMSG,
				"the bundle's entry and its code object name different targets");
		done = atomic_fetch_add(&f->done, 1) + 1;
		RP_EVENT(f->ctx, RP_EV_PROGRESS, RP_STR("step", "retarget"), RP_INT("done", done),
			RP_INT("total", f->n_jobs), RP_STR("unit", "objects"));
	}
}

static void run_jobs(struct fat *f, unsigned int n_threads)
{
	if (!n_threads)
		n_threads = rp_cpu_count();
	rp_parallel(f->n_jobs < n_threads ? (unsigned int)f->n_jobs : n_threads, work, f);
}

/* Reports of all jobs; the error of the first that failed, but for refusals, of which all are told. */
static int collect(struct fat *f, struct rp_retarget_output *out, struct rp_retarget_report *report,
	struct rp_retarget_verified *verified, struct rp_error *err)
{
	const struct job *refused = NULL;
	int r = 0;

	for (size_t i = 0; i < f->n_jobs; i++) {
		struct job *j = &f->jobs[i];
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
		if (!out->from[0])
			(void)snprintf(out->from, sizeof(out->from), "%s", j->from);
		else if (strcmp(out->from, j->from) != 0)
			(void)snprintf(out->from, sizeof(out->from), "several");
	}
	if (refused && err)
		*err = refused->err;
	return refused ? -ENOTSUP : 0;
}

/* Bytes that are not those of the input. */
struct patch {
	uint64_t offset;
	struct rp_buf bytes; /* owned */
};

/* The input with patches (in the order of offsets), then padding, then the new objects. */
static int compose(struct fat *f, struct patch *patches, size_t n, uint64_t start,
	struct rp_retarget_output *out, struct rp_error *err)
{
	struct rp_buf pad = RP_BUF_INIT;
	uint64_t at = 0;
	struct rp_span piece;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		size_t bytes = patches[i].bytes.n;

		if (patches[i].offset < at ||
			!rp_span_sub(f->bytes, at, patches[i].offset - at, &piece))
			return RP_FAIL(err, -EBADMSG, "parts of the file overlap");
		at = patches[i].offset + bytes;
		r = rp_rt_add_piece(out, piece, err);
		if (r == 0)
			r = rp_rt_add_memory(out, &patches[i].bytes, err);
	}
	if (r == 0 && !rp_span_from(f->bytes, at, &piece))
		r = RP_FAIL(err, -EBADMSG, "the file is cut");
	if (r == 0)
		r = rp_rt_add_piece(out, piece, err);
	for (size_t i = 0; r == 0 && i < f->n_jobs; i++) {
		uint64_t to = i == 0 ? start : (out->bytes + PAGE - 1) / PAGE * PAGE;
		size_t zeros = (size_t)(to - out->bytes);

		if (!rp_buf_reserve(&pad, zeros))
			return RP_NOMEM(err);
		memset(pad.p, 0, zeros + 1);
		pad.n = zeros;
		r = rp_rt_add_memory(out, &pad, err);
		if (r == 0)
			r = rp_rt_add_memory(out, &f->jobs[i].made, err);
	}
	rp_buf_free(&pad);
	return r;
}

static void add_le64(struct rp_buf *b, uint64_t v)
{
	uint8_t bytes[8];

	rp_rt_put_le64(bytes, v);
	rp_buf_add(b, bytes, 8);
}

/* Two patches a bundle: its count, and the new entry behind its table. */
static int bundle_patches(
	const struct fat *f, uint64_t start, struct patch *patches, struct rp_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->n_jobs; i++) {
		const struct job *j = &f->jobs[i];
		struct patch *count = &patches[2 * i], *entry = &patches[2 * i + 1];

		count->offset = j->offset + RP_BUNDLE_MAGIC_BYTES;
		add_le64(&count->bytes, j->count + 1);
		entry->offset = j->offset + j->header_bytes;
		add_le64(&entry->bytes, start - j->offset);
		add_le64(&entry->bytes, j->made.n);
		add_le64(&entry->bytes, strlen(j->id));
		rp_buf_adds(&entry->bytes, j->id);
		start = (start + j->made.n + PAGE - 1) / PAGE * PAGE;
		r = rp_buf_check(&count->bytes, err);
		if (r == 0)
			r = rp_buf_check(&entry->bytes, err);
	}
	return r;
}

/* Bytes of the new segment: objects, each on its page. */
static uint64_t segment_bytes(const struct fat *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->n_jobs; i++)
		n = (n + PAGE - 1) / PAGE * PAGE + f->jobs[i].made.n;
	return n;
}

/*
 * Where the segment goes: behind everything in memory and in the file, and as far from the bundles here
 * as there (delta). Its program header is that of a PT_NOTE: that of PT_GNU_STACK must stay, or
 * the dynamic linker wants an executable stack.
 */
static int segment_patch(const struct fat *f, const struct rp_elf *elf, uint64_t delta,
	struct patch *patch, uint64_t *ret_start, struct rp_error *err)
{
	uint64_t end = 0, phoff = 0, addr, n = segment_bytes(f);
	size_t note = elf->n_segments;
	const uint64_t type_flags = PT_LOAD | (uint64_t)4 << 32; /* readable */

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
	addr = (addr + PAGE - 1) / PAGE * PAGE;
	if (addr - delta - f->bytes.n > MAX_PADDING)
		return RP_FAIL(err, -ENOTSUP, "more than 256 MiB of zeroed memory at its end");
	*ret_start = addr - delta;
	patch->offset = phoff + (uint64_t)note * 56;
	add_le64(&patch->bytes, type_flags);
	add_le64(&patch->bytes, *ret_start);
	add_le64(&patch->bytes, addr);
	add_le64(&patch->bytes, addr);
	add_le64(&patch->bytes, n);
	add_le64(&patch->bytes, n);
	add_le64(&patch->bytes, PAGE);
	return rp_buf_check(&patch->bytes, err);
}

static int write_out(struct fat *f, const struct rp_elf *elf, uint64_t delta,
	struct rp_retarget_output *out, struct rp_error *err)
{
	size_t n = 2 * f->n_jobs + (elf ? 1 : 0);
	struct patch *patches = calloc(n, sizeof(*patches));
	uint64_t start = (f->bytes.n + PAGE - 1) / PAGE * PAGE;
	int r = 0;

	if (!patches)
		return RP_NOMEM(err);
	if (elf)
		r = segment_patch(f, elf, delta, &patches[0], &start, err);
	if (r == 0)
		r = bundle_patches(f, start, patches + (elf ? 1 : 0), err);
	if (r == 0)
		r = compose(f, patches, n, start, out, err);
	for (size_t i = 0; i < n; i++)
		rp_buf_free(&patches[i].bytes);
	free(patches);
	return r;
}

static int finish(struct fat *f, const struct rp_elf *elf, uint64_t delta, unsigned int n_threads,
	struct rp_retarget_output *out, struct rp_retarget_report *report,
	struct rp_retarget_verified *verified, struct rp_error *err)
{
	int r;

	if (f->n_jobs == 0 && f->n_native == 0)
		return RP_FAIL(err, -ENOEXEC, "no code in it that could be retargeted");
	out->n_native = f->n_native;
	if (f->n_jobs == 0)
		return rp_rt_add_piece(out, f->bytes, err);
	run_jobs(f, n_threads);
	r = collect(f, out, report, verified, err);
	if (r < 0)
		return r;
	out->n_new = f->n_jobs;
	return write_out(f, elf, delta, out, err);
}

int rp_rt_fat(const struct rp_ctx *ctx, struct rp_span bytes,
	const struct rp_retarget_options *options, unsigned int n_threads,
	struct rp_retarget_output *out, struct rp_retarget_report *report,
	struct rp_retarget_verified *verified, struct rp_error *err)
{
	RP_CLEANUP(free_fat) struct fat f = { .ctx = ctx, .options = options, .bytes = bytes };
	RP_CLEANUP(rp_elf_close) struct rp_elf elf = { 0 };
	const struct rp_elf_section *s = NULL;
	int r;

	if (rp_bundle_is(bytes) || rp_ccob_is(bytes)) {
		r = read_bundles(&f, 0, bytes.n, err);
		return r < 0 ? r : finish(&f, NULL, 0, n_threads, out, report, verified, err);
	}
	if (!rp_elf_is_64le(bytes))
		return RP_FAIL(err, -ENOEXEC, "no code object, bundle, library or program");
	r = rp_elf_open(bytes, &elf, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < elf.n_sections; i++) {
		if (!rp_span_starts(elf.sections[i].name, ".hip_fatbin") ||
			elf.sections[i].type == RP_SHT_NOBITS ||
			rp_span_eq_str(elf.sections[i].name, ".hipFatBinSegment"))
			continue;
		if (s || (elf.type != RP_ET_DYN && elf.type != RP_ET_EXEC))
			return RP_FAIL(err, -ENOTSUP,
				s ? "more than one section .hip_fatbin"
				  : "an object file: link it first");
		s = &elf.sections[i];
	}
	if (!s || !s->in_file)
		return RP_FAIL(
			err, s ? -EBADMSG : -ENOEXEC, s ? "truncated" : "no section .hip_fatbin");
	r = read_bundles(&f, s->offset, s->offset + s->data.n, err);
	return r < 0 ? r
		     : finish(&f, &elf, s->addr - s->offset, n_threads, out, report, verified, err);
}
