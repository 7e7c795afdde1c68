/* SPDX-License-Identifier: MIT */
/*
 * Scanning files: the walk over files (lib/codeobj) hands over code objects; they are kept until their
 * bytes go away (drain), then all threads scan pieces of them, and the visitor is called
 * in the order in which they were found.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "scan/internal.h"

#define PIECE_BYTES (UINT64_C(256) << 10) /* of code that one thread takes at once */
#define ALONE_BYTES (UINT64_C(512) << 10) /* less is not worth waking another thread */
#define HARD_CLASSES                                                    \
	(RP_SCAN_BIT(RP_SCAN_ILLEGAL) | RP_SCAN_BIT(RP_SCAN_PREFETCH) | \
		RP_SCAN_BIT(RP_SCAN_FLAT_OFFSET))

/* A code object that waits, with what is known of it so far. */
struct item {
	struct rp_codeobj object; /* owned */
	struct rp_codeobj_place place; /* path and member are owned, entry_id borrows */
	bool is_scanned, is_native;
	uint32_t *functions; /* owned */
	struct rp_scan_result result;
};

/* Functions first .. first + n of an object. */
struct piece {
	size_t item, first, n;
	struct rp_scan_result result;
};

struct finder {
	const struct rp_ctx *ctx;
	const struct rp_scan_options *options;
	const struct rp_scan_visitor *visitor;
	unsigned int n_threads;
	struct item *items;
	size_t n_items, cap_items;
	struct piece *pieces;
	size_t n_pieces, cap_pieces;
	uint64_t pending_bytes;
	struct rp_scanner scanners[RP_MAX_THREADS]; /* [0] is the caller's */
	/* of one round */
	atomic_size_t next;
	atomic_int failed;
	pthread_mutex_t lock;
	struct rp_error error;
	int failure; /* of on_want, which cannot return it */
};

void rp_scan_add(struct rp_scan_result *to, const struct rp_scan_result *from)
{
	to->n_objects += from->n_objects;
	to->n_kernels += from->n_kernels;
	to->n_functions += from->n_functions;
	to->n_instructions += from->n_instructions;
	to->code_bytes += from->code_bytes;
	for (unsigned int c = 0; c < RP_SCAN_CLASS_MAX; c++) {
		to->classes[c].instructions += from->classes[c].instructions;
		to->classes[c].functions += from->classes[c].functions;
		to->classes[c].kernels += from->classes[c].kernels;
	}
	for (unsigned int s = 0; s < RP_SCAN_SEVERITY_MAX; s++) {
		to->severities[s].instructions += from->severities[s].instructions;
		to->severities[s].functions += from->severities[s].functions;
		to->severities[s].kernels += from->severities[s].kernels;
	}
	to->affected.instructions += from->affected.instructions;
	to->affected.functions += from->affected.functions;
	to->affected.kernels += from->affected.kernels;
	to->hard.instructions += from->hard.instructions;
	to->hard.functions += from->hard.functions;
	to->hard.kernels += from->hard.kernels;
}

/* Adds one function to a count of the classes in set. */
static void add_count(
	struct rp_scan_count *count, const struct rp_scan_function *f, uint32_t set, bool is_kernel)
{
	if (!(f->classes & set))
		return;
	count->functions++;
	count->kernels += is_kernel;
	for (uint32_t c = f->classes & set; c; c &= c - 1)
		count->instructions += f->n[__builtin_ctz(c)];
}

static void add_function(struct rp_scan_result *r, const struct rp_scan_function *f, bool is_kernel)
{
	r->n_instructions += f->n_instructions;
	if (!f->classes)
		return;
	for (unsigned int c = 0; c < RP_SCAN_CLASS_MAX; c++)
		add_count(&r->classes[c], f, RP_SCAN_BIT(c), is_kernel);
	for (unsigned int s = 0; s < RP_SCAN_SEVERITY_MAX; s++)
		add_count(&r->severities[s], f, rp_scan_classes_of((enum rp_scan_severity)s),
			is_kernel);
	add_count(&r->affected, f,
		rp_scan_classes_of(RP_SCAN_FAULT) | rp_scan_classes_of(RP_SCAN_WRONG), is_kernel);
	add_count(&r->hard, f, HARD_CLASSES, is_kernel);
}

static int scan_piece(
	struct finder *f, struct rp_scanner *scanner, struct piece *p, struct rp_error *err)
{
	struct item *item = &f->items[p->item];
	struct rp_scan_function fn;

	for (size_t i = p->first; i < p->first + p->n; i++) {
		const struct rp_function *function = &item->object.functions[i];
		int r = rp_scan_function(scanner, f->options, &item->object, i, &fn, err);

		if (r < 0)
			return rp_error_prefix(err, r, "%s", item->place.path);
		item->functions[i] = fn.classes;
		p->result.code_bytes += function->code.n;
		add_function(&p->result, &fn, function->kernel != RP_CODEOBJ_NO_KERNEL);
	}
	return 0;
}

static void work(void *data, unsigned int thread)
{
	struct finder *f = data;
	struct rp_scanner *scanner = &f->scanners[thread];
	struct rp_error err = RP_ERROR_INIT;
	size_t i;

	while ((i = atomic_fetch_add(&f->next, 1)) < f->n_pieces && !atomic_load(&f->failed)) {
		if (rp_cancelled(f->ctx) || scan_piece(f, scanner, &f->pieces[i], &err) < 0) {
			pthread_mutex_lock(&f->lock);
			if (!atomic_exchange(&f->failed, 1)) {
				f->error = err;
				if (!err.code)
					(void)RP_FAIL(&f->error, -ECANCELED, "cancelled");
			}
			pthread_mutex_unlock(&f->lock);
		}
	}
}

static int run_pieces(struct finder *f, struct rp_error *err)
{
	size_t n = f->pending_bytes < ALONE_BYTES ? 1 : f->n_pieces;

	atomic_store(&f->next, 0);
	atomic_store(&f->failed, 0);
	rp_parallel(n < f->n_threads ? (unsigned int)n : f->n_threads, work, f);
	if (atomic_load(&f->failed)) {
		if (err)
			*err = f->error;
		return f->error.code;
	}
	return 0;
}

static void free_item(struct item *item)
{
	rp_codeobj_close(&item->object);
	free((char *)(uintptr_t)item->place.path);
	free((char *)(uintptr_t)item->place.member);
	free(item->functions);
}

static void forget(struct finder *f)
{
	for (size_t i = 0; i < f->n_items; i++)
		free_item(&f->items[i]);
	f->n_items = f->n_pieces = 0;
	f->pending_bytes = 0;
}

static int cut_into_pieces(struct finder *f, size_t item, struct rp_error *err)
{
	const struct rp_codeobj *o = &f->items[item].object;
	size_t first = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < o->n_functions; i++) {
		bytes += o->functions[i].code.n;
		if (bytes < PIECE_BYTES && i + 1 < o->n_functions)
			continue;
		if (f->n_pieces == f->cap_pieces && rp_array_grow(&f->pieces, &f->cap_pieces,
							    f->n_pieces, sizeof(*f->pieces)) < 0)
			return RP_NOMEM(err);
		f->pieces[f->n_pieces++] =
			(struct piece){ .item = item, .first = first, .n = i + 1 - first };
		f->pending_bytes += bytes;
		first = i + 1;
		bytes = 0;
	}
	return 0;
}

static int on_drain(void *data, struct rp_error *err)
{
	struct finder *f = data;
	int r = f->failure;

	if (r < 0 && err)
		*err = f->error;
	for (size_t i = 0; r == 0 && i < f->n_items; i++)
		if (f->items[i].is_scanned)
			r = cut_into_pieces(f, i, err);
	if (r == 0)
		r = run_pieces(f, err);
	for (size_t p = 0; r == 0 && p < f->n_pieces; p++)
		rp_scan_add(&f->items[f->pieces[p].item].result, &f->pieces[p].result);
	for (size_t i = 0; r == 0 && i < f->n_items; i++) {
		struct item *item = &f->items[i];
		struct rp_scan_found found = { &item->place, &item->object, item->is_scanned,
			item->is_native, item->functions, &item->result };

		r = f->visitor->found(f->visitor->data, &found, err);
	}
	forget(f);
	return r;
}

static int copy_place(
	struct rp_codeobj_place *to, const struct rp_codeobj_place *from, struct rp_error *err)
{
	*to = *from;
	to->path = rp_span_dup(rp_span_str(from->path));
	to->member = from->member ? rp_span_dup(rp_span_str(from->member)) : NULL;
	return !to->path || (from->member && !to->member) ? RP_NOMEM(err) : 0;
}

static int add_item(struct finder *f, const struct rp_codeobj_place *place,
	struct rp_codeobj *object, bool is_scanned, struct rp_error *err)
{
	struct item *item;
	int r;

	if (f->n_items == f->cap_items &&
		rp_array_grow(&f->items, &f->cap_items, f->n_items, sizeof(*f->items)) < 0)
		return RP_NOMEM(err);
	item = &f->items[f->n_items++];
	*item = (struct item){ .is_scanned = is_scanned, .result = { .n_objects = 1 } };
	item->is_native = object->chip && rp_chip_runs(f->options->chip, object->chip);
	r = copy_place(&item->place, place, err);
	if (r < 0)
		return r;
	item->object = *object;
	*object = (struct rp_codeobj){ 0 };
	if (!is_scanned)
		return 0;
	item->result.n_kernels = item->object.n_kernels;
	item->result.n_functions = item->object.n_functions;
	item->functions = calloc(
		item->object.n_functions ? item->object.n_functions : 1, sizeof(*item->functions));
	return item->functions ? 0 : RP_NOMEM(err);
}

/* Only gfx10 code is read; of the rest it is told that it is there. */
static bool on_want(
	void *data, const struct rp_codeobj_place *place, const struct rp_codeobj *header)
{
	struct finder *f = data;
	struct rp_codeobj object = { .chip = header->chip, .mach = header->mach };

	if (header->chip && header->chip->isa)
		return true;
	memcpy(object.target, header->target, sizeof(object.target));
	if (f->failure == 0)
		f->failure = add_item(f, place, &object, false, &f->error);
	return false;
}

static int on_object(void *data, const struct rp_codeobj_place *place, struct rp_codeobj *object,
	struct rp_error *err)
{
	struct finder *f = data;

	if (f->failure < 0) {
		if (err)
			*err = f->error;
		return f->failure;
	}
	return add_item(f, place, object, true, err);
}

static int on_damage(void *data, const struct rp_codeobj_place *place,
	const struct rp_error *damage, struct rp_error *err)
{
	struct finder *f = data;

	return f->visitor->damage(f->visitor->data, place, damage, err);
}

int rp_scan_find(const struct rp_ctx *ctx, int dirfd, const char *path,
	const struct rp_scan_options *options, unsigned int n_threads,
	const struct rp_scan_visitor *visitor, struct rp_codeobj_stats *ret_stats,
	struct rp_error *err)
{
	struct rp_codeobj_visitor v = {
		.want = on_want, .object = on_object, .damage = on_damage, .drain = on_drain
	};
	struct finder *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return RP_NOMEM(err);
	f->ctx = ctx;
	f->options = options;
	f->visitor = visitor;
	f->n_threads = n_threads ? n_threads : rp_cpu_count();
	for (unsigned int i = 0; i < RP_MAX_THREADS; i++)
		f->scanners[i] = (struct rp_scanner)RP_SCANNER_INIT;
	pthread_mutex_init(&f->lock, NULL);
	v.data = f;
	r = rp_codeobj_find(ctx, dirfd, path, NULL, &v, ret_stats, err);
	forget(f);
	for (unsigned int i = 0; i < RP_MAX_THREADS; i++)
		rp_scanner_free(&f->scanners[i]);
	pthread_mutex_destroy(&f->lock);
	free(f->items);
	free(f->pieces);
	free(f);
	return r;
}
