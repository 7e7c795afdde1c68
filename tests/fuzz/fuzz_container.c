/* SPDX-License-Identifier: MIT */
/* The whole search over one file: archives, wheels, libraries, bundles in each other. */
#include "codeobj/codeobj.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct counts {
	uint64_t objects, damaged;
};

static int on_object(void *data, const struct rp_codeobj_place *place, struct rp_codeobj *object,
	struct rp_error *err)
{
	struct counts *c = data;

	(void)err;
	if (!place->path || object->n_functions < object->n_kernels / 4096)
		__builtin_trap();
	c->objects++;
	return 0;
}

static int on_damage(void *data, const struct rp_codeobj_place *place,
	const struct rp_error *damage, struct rp_error *err)
{
	struct counts *c = data;

	(void)err;
	if (!place->path || damage->code >= 0 || damage->text[0] == '\0')
		__builtin_trap();
	c->damaged++;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct counts c = { 0 };
	const struct rp_codeobj_visitor visitor = {
		.object = on_object, .damage = on_damage, .data = &c
	};
	struct rp_codeobj_options options = { .max_unpacked_bytes = UINT64_C(1) << 20 };
	struct rp_error err = RP_ERROR_INIT;
	struct rp_codeobj_stats stats;

	options.everywhere = size > 0 && (data[size - 1] & 1);
	if (rp_codeobj_find_span(
		    NULL, rp_span_of(data, size), "x", &options, &visitor, &stats, &err) != 0)
		__builtin_trap(); /* only a visitor, a cancel or a lack of memory ends a search */
	if (stats.n_objects != c.objects || stats.n_damaged != c.damaged)
		__builtin_trap();
	return 0;
}
