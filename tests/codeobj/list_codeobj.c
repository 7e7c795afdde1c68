/* SPDX-License-Identifier: MIT */
/*
 * list-codeobj [-v] [-e] PATH...: what rp_codeobj_find sees, as tab-separated lines for tests:
 * with -v one line an object; then "target TARGET OBJECTS KERNELS FUNCTIONS TEXT_BYTES CODE_BYTES"
 * per target id, "damage PATH MEMBER OFFSET TEXT" as they come, and "stats name=value ...".
 */
#include <fcntl.h>
#include <stdio.h>

#include "codeobj/codeobj.h"

#define MAX_TARGETS 256

struct total {
	char target[64];
	unsigned long long objects, kernels, functions, text_bytes, code_bytes, described;
};

struct list {
	struct total totals[MAX_TARGETS];
	size_t n;
	bool verbose;
};

static int on_object(void *data, const struct rp_codeobj_place *place, struct rp_codeobj *o,
	struct rp_error *err)
{
	struct list *l = data;
	struct total *t = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->totals[i].target, o->target) == 0)
			t = &l->totals[i];
	if (!t) {
		if (l->n == MAX_TARGETS)
			return RP_FAIL(err, -E2BIG, "too many targets");
		t = &l->totals[l->n++];
		(void)snprintf(t->target, sizeof(t->target), "%s", o->target);
	}
	t->objects++;
	t->kernels += o->n_kernels;
	t->text_bytes += o->text_bytes;
	for (size_t i = 0; i < o->n_functions; i++) {
		t->functions += o->functions[i].kernel == RP_CODEOBJ_NO_KERNEL;
		t->code_bytes += o->functions[i].code.n;
	}
	for (size_t i = 0; i < o->n_kernels; i++)
		t->described += o->kernels[i].metadata.present;
	if (l->verbose)
		printf("object\t%s\t%s\t%llu\t%u\t%.*s\t%s\tcov%u\t%zu\t%zu\t%llu\n", place->path,
			place->member ? place->member : "-", (unsigned long long)place->offset,
			place->bundle, (int)place->entry_id.n,
			place->entry_id.n ? (const char *)place->entry_id.p : "", o->target, o->cov,
			o->n_kernels, o->n_functions, (unsigned long long)o->text_bytes);
	return 0;
}

static int on_damage(void *data, const struct rp_codeobj_place *place,
	const struct rp_error *damage, struct rp_error *err)
{
	(void)data;
	(void)err;
	printf("damage\t%s\t%s\t%llu\t%s\n", place->path, place->member ? place->member : "-",
		(unsigned long long)place->offset, damage->text);
	return 0;
}

static void print_totals(const struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct total *t = &l->totals[i];

		printf("target\t%s\t%llu\t%llu\t%llu\t%llu\t%llu\t%llu\n", t->target, t->objects,
			t->kernels, t->functions, t->text_bytes, t->code_bytes, t->described);
	}
}

int main(int argc, char **argv)
{
	static struct list l;
	struct rp_codeobj_visitor visitor = {
		.object = on_object, .damage = on_damage, .data = &l
	};
	struct rp_codeobj_options options = { 0 };
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		struct rp_error err = RP_ERROR_INIT;
		struct rp_codeobj_stats s;

		if (strcmp(argv[i], "-v") == 0) {
			l.verbose = true;
			continue;
		}
		if (strcmp(argv[i], "-e") == 0) {
			options.everywhere = true;
			continue;
		}
		if (rp_codeobj_find(NULL, AT_FDCWD, argv[i], &options, &visitor, &s, &err) < 0) {
			(void)fprintf(stderr, "%s\n", err.text);
			bad = 1;
		}
		printf("stats\tfiles=%llu\tlinks=%llu\tsame_inode=%llu\tother=%llu\tarchives=%"
		       "llu\tbundles=%llu\t"
		       "compressed=%llu\thost=%llu\talias=%llu\tbitcode=%llu\trelocatable=%"
		       "llu\tobjects=%llu\tdamaged=%llu\n",
			(unsigned long long)s.n_files, (unsigned long long)s.n_links,
			(unsigned long long)s.n_same_inode, (unsigned long long)s.n_other,
			(unsigned long long)s.n_archives, (unsigned long long)s.n_bundles,
			(unsigned long long)s.n_compressed, (unsigned long long)s.n_host_entries,
			(unsigned long long)s.n_alias_entries, (unsigned long long)s.n_bitcode,
			(unsigned long long)s.n_relocatable, (unsigned long long)s.n_objects,
			(unsigned long long)s.n_damaged);
	}
	print_totals(&l);
	return bad;
}
