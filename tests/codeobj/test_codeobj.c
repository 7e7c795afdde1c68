/* SPDX-License-Identifier: MIT */
/* Reading one object; hostile variants: cut at every byte, every byte changed, counts and lengths of all ones. */
#include "../base/unit.h"
#include "codeobj/internal.h"
#include "codeobj/msgpack.h"

static const char *data_dir;

static struct rp_buf load(const char *name)
{
	RP_CLEANUP(rp_free_p) char *path = rp_path_join(data_dir, name);
	struct rp_buf b = RP_BUF_INIT;

	assert_int_equal(rp_file_read(AT_FDCWD, path, 1 << 20, &b, NULL), 0);
	return b;
}

static void test_object(void **state)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = load("small-gfx1030.co");
	RP_CLEANUP(rp_codeobj_close) struct rp_codeobj o = { 0 };
	const struct rp_kernel *k;

	(void)state;
	assert_int_equal(rp_codeobj_open(rp_buf_span(&b), &o, NULL), 0);
	assert_string_equal(o.target, "gfx1030");
	assert_int_equal(o.cov, 5);
	assert_int_equal(o.xnack, RP_CODEOBJ_UNSUPPORTED);
	assert_int_equal(o.generic_version, 0);
	assert_int_equal(o.n_kernels, 2);
	assert_int_equal(o.n_functions, 3);
	assert_true(rp_span_eq_str(o.metadata_target, "amdgcn-amd-amdhsa--gfx1030"));
	assert_int_equal(o.metadata_version[0], 1);
	assert_int_equal(o.n_metadata_notes, 1);
	assert_null(rp_codeobj_kernel(&o, rp_span_str("third")));
	/* By llvm-readelf-19 -n of the same file. */
	k = rp_codeobj_kernel(&o, rp_span_str("second"));
	assert_non_null(k);
	assert_true(k->metadata.present);
	assert_true(rp_span_eq_str(k->metadata.name, "second"));
	assert_int_equal(k->metadata.wavefront_size, 32);
	assert_int_equal(k->metadata.vgpr_count, 4);
	assert_int_equal(k->metadata.max_flat_workgroup_size, 256);
	assert_int_equal(k->metadata.kernarg_bytes, k->descriptor.kernarg_bytes);
	assert_true(rp_descriptor_is_wave32(&k->descriptor));
	assert_true(rp_descriptor_is_wgp(&k->descriptor));
	assert_int_equal(rp_descriptor_vgprs(&k->descriptor, o.chip), 8);
	assert_int_equal(k->entry_addr % 256, 0);
	assert_ptr_equal(&o.kernels[o.functions[k->function].kernel], k);
	assert_int_equal(o.functions[k->function].addr, k->entry_addr);
	assert_true(o.functions[k->function].has_size);
	for (size_t i = 0; i < o.n_functions; i++)
		if (o.functions[i].kernel == RP_CODEOBJ_NO_KERNEL)
			assert_true(rp_span_eq_str(o.functions[i].name, "twice"));
}

static void test_targets(void **state)
{
	static const struct {
		const char *file, *target;
		enum rp_codeobj_setting xnack, sramecc;
		unsigned int cov, generic_version;
	} cases[] = {
		{ "small-gfx1010.co", "gfx1010", RP_CODEOBJ_ANY, RP_CODEOBJ_UNSUPPORTED, 5, 0 },
		{ "small-gfx90a.co", "gfx90a:xnack-", RP_CODEOBJ_OFF, RP_CODEOBJ_ANY, 5, 0 },
		{ "small-gfx10-3-generic.co", "gfx10-3-generic", RP_CODEOBJ_UNSUPPORTED,
			RP_CODEOBJ_UNSUPPORTED, 6, 1 },
	};

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(cases); i++) {
		RP_CLEANUP(rp_buf_free) struct rp_buf b = load(cases[i].file);
		RP_CLEANUP(rp_codeobj_close) struct rp_codeobj o = { 0 };

		assert_int_equal(rp_codeobj_open(rp_buf_span(&b), &o, NULL), 0);
		assert_string_equal(o.target, cases[i].target);
		assert_int_equal(o.xnack, cases[i].xnack);
		assert_int_equal(o.sramecc, cases[i].sramecc);
		assert_int_equal(o.cov, cases[i].cov);
		assert_int_equal(o.generic_version, cases[i].generic_version);
	}
}

static void test_unknown_mach(void **state)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = load("small-gfx1010.co");
	RP_CLEANUP(rp_codeobj_close) struct rp_codeobj o = { 0 };

	(void)state;
	b.p[48] = (char)0xfe; /* e_flags 7:0 */
	b.p[49] = 3; /* xnack on */
	assert_int_equal(rp_codeobj_open(rp_buf_span(&b), &o, NULL), 0);
	assert_null(o.chip);
	assert_string_equal(o.target, "mach-0xfe:xnack+");
}

/* 7.1 of the notes on real files: Tensile's functions have size 0. */
static void test_size_zero(void **state)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = load("small-gfx1030.co");
	struct rp_codeobj before = { 0 }, after = { 0 };
	struct rp_elf_symbols symbols;
	struct rp_elf_symbol s;
	size_t table;

	(void)state;
	assert_int_equal(rp_codeobj_open(rp_buf_span(&b), &before, NULL), 0);
	assert_int_equal(rp_elf_symbols(&before.elf, &symbols, NULL), 0);
	table = (size_t)(symbols.table.p - (const uint8_t *)b.p);
	for (size_t i = 0; i < symbols.n_symbols; i++) {
		assert_true(rp_elf_symbol(&symbols, i, &s));
		if (s.type == RP_STT_FUNC)
			memset(b.p + table + i * 24 + 16, 0, 8);
	}
	assert_int_equal(rp_codeobj_open(rp_buf_span(&b), &after, NULL), 0);
	assert_int_equal(after.n_functions, before.n_functions);
	for (size_t i = 0; i < after.n_functions; i++) {
		assert_false(after.functions[i].has_size);
		assert_int_equal(after.functions[i].addr, before.functions[i].addr);
		assert_int_equal(after.functions[i].code.n, before.functions[i].code.n);
	}
	rp_codeobj_close(&before);
	rp_codeobj_close(&after);
}

static void test_target_id(void **state)
{
	static const char *const bad[] = { "", "gfx", "x", "amdgcn-amd-amdhsa", "gfx90a:xnack",
		"gfx90a:xnack*", "gfx90a:", "gfx90a:xnack+:xnack-", "gfx90a:foo+" };
	struct rp_target_id id;

	(void)state;
	assert_true(rp_target_id_parse(
		rp_span_str("hipv4-amdgcn-amd-amdhsa--gfx90a:sramecc+:xnack-"), &id));
	assert_string_equal(id.chip->name, "gfx90a");
	assert_int_equal(id.sramecc, RP_CODEOBJ_ON);
	assert_int_equal(id.xnack, RP_CODEOBJ_OFF);
	assert_true(rp_target_id_parse(rp_span_str("gfx10-3-generic"), &id));
	assert_string_equal(id.chip->name, "gfx10-3-generic");
	assert_true(rp_target_id_parse(rp_span_str("hip-amdgcn-amd-amdhsa--gfx9-4-generic"), &id));
	assert_string_equal(id.chip->name, "gfx9-4-generic");
	assert_true(rp_target_id_parse(rp_span_str("amdgcn-amd-amdhsa--gfx9999"), &id));
	assert_null(id.chip);
	for (size_t i = 0; i < RP_ARRAY_SIZE(bad); i++)
		assert_false(rp_target_id_parse(rp_span_str(bad[i]), &id));
}

struct counts {
	unsigned int objects, damaged;
};

static int on_object(void *data, const struct rp_codeobj_place *place, struct rp_codeobj *object,
	struct rp_error *err)
{
	struct counts *c = data;

	(void)place;
	(void)object;
	(void)err;
	c->objects++;
	return 0;
}

static int on_damage(void *data, const struct rp_codeobj_place *place,
	const struct rp_error *damage, struct rp_error *err)
{
	struct counts *c = data;

	(void)place;
	(void)err;
	assert_true(damage->code < 0);
	assert_true(damage->text[0] != '\0');
	c->damaged++;
	return 0;
}

static struct counts find(struct rp_span bytes)
{
	struct counts c = { 0 };
	const struct rp_codeobj_visitor v = {
		.object = on_object, .damage = on_damage, .data = &c
	};
	const struct rp_codeobj_options options = { .max_unpacked_bytes = 1 << 20 };

	assert_int_equal(rp_codeobj_find_span(NULL, bytes, "name", &options, &v, NULL, NULL), 0);
	return c;
}

/* Cut anywhere: one finding, or no sign of an ELF file at all; never an object without its end. */
static void test_cut_everywhere(void **state)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = load("small-gfx1030.co");

	(void)state;
	assert_int_equal(find(rp_buf_span(&b)).objects, 1);
	for (size_t n = 0; n < b.n; n++) {
		/* A copy of exact size, so that a read behind it is seen by the sanitizer. */
		RP_CLEANUP(rp_free_p) uint8_t *copy = malloc(n ? n : 1);
		struct counts c;

		assert_non_null(copy);
		memcpy(copy, b.p, n);
		c = find(rp_span_of(copy, n));
		assert_int_equal(c.objects, 0);
		assert_int_equal(c.damaged, n < 4 ? 0 : 1);
	}
}

/* One byte changed, and 2, 4 and 8 bytes of all ones, at every place: no crash, at most one finding. */
static void test_change_everywhere(void **state)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = load("small-gfx1030.co");

	(void)state;
	for (size_t at = 4; at < b.n; at++) {
		for (size_t width = 1; width <= 8 && at + width <= b.n; width *= 2) {
			uint8_t saved[8];
			struct counts c;

			memcpy(saved, b.p + at, width);
			if (width == 1)
				b.p[at] = (char)(b.p[at] ^ 0x80);
			else
				memset(b.p + at, 0xff, width);
			c = find(rp_buf_span(&b));
			assert_in_range(c.objects + c.damaged, 0, 1);
			/* Nothing told and nothing found: only where it is no AMDGPU ELF any more. */
			if (c.objects + c.damaged == 0)
				assert_in_range(at, 4, 19);
			memcpy(b.p + at, saved, width);
		}
	}
}

static int next(const char *bytes, size_t n, struct rp_msgpack_item *item)
{
	struct rp_msgpack m = { rp_span_of(bytes, n), 0 };

	return rp_msgpack_next(&m, item, NULL);
}

#define NEXT(s, item) next((s), sizeof(s) - 1, (item))

static void test_msgpack(void **state)
{
	static const char deep[] = "\x91\x91\x91\x91\x91\x91";
	struct rp_msgpack_item item;
	struct rp_msgpack m;

	(void)state;
	assert_int_equal(NEXT("\x7f", &item), 0);
	assert_int_equal(item.v.u, 127);
	assert_int_equal(NEXT("\xe0", &item), 0);
	assert_int_equal(item.type, RP_MSGPACK_INT);
	assert_int_equal(item.v.i, -32);
	assert_int_equal(NEXT("\xd1\xff\x00", &item), 0);
	assert_int_equal(item.v.i, -256);
	assert_int_equal(NEXT("\xd0\x05", &item), 0);
	assert_int_equal(item.type, RP_MSGPACK_UINT);
	assert_int_equal(NEXT("\xcf\x01\x02\x03\x04\x05\x06\x07\x08", &item), 0);
	assert_true(item.v.u == UINT64_C(0x0102030405060708));
	assert_int_equal(NEXT("\xa3"
			      "abc",
				 &item),
		0);
	assert_true(rp_span_eq_str(item.v.s, "abc"));
	assert_int_equal(NEXT("\xc7\x01\x05"
			      "x",
				 &item),
		0);
	assert_int_equal(item.type, RP_MSGPACK_EXT);
	assert_true(rp_span_eq_str(item.v.s, "x"));
	assert_int_equal(NEXT("\xc3", &item), 0);
	assert_true(item.v.b);
	assert_int_equal(NEXT("", &item), -ENODATA);
	assert_int_equal(NEXT("\xc1", &item), -EBADMSG);
	assert_int_equal(NEXT("\xa3"
			      "ab",
				 &item),
		-EBADMSG);
	assert_int_equal(NEXT("\xdb\xff\xff\xff\xff"
			      "ab",
				 &item),
		-EBADMSG);
	assert_int_equal(NEXT("\xdd\xff\xff\xff\xff", &item), -EBADMSG);
	assert_int_equal(NEXT("\xdf\x00\x00\x00\x02\x01\x02\x03", &item), -EBADMSG);
	assert_int_equal(NEXT("\xcd\x01", &item), -EBADMSG);
	m = (struct rp_msgpack){ rp_span_of(deep, sizeof(deep) - 1), 0 };
	assert_int_equal(rp_msgpack_skip(&m, NULL), -EBADMSG);
	m = (struct rp_msgpack){ rp_span_of("\x82\x01\x91\xc0\xa1x\x02\x07", 8), 0 };
	assert_int_equal(rp_msgpack_skip(&m, NULL), 0);
	assert_int_equal(m.offset, 7);
}

/* A visitor's own value ends the search and comes back; taking an object over is allowed. */
static int take(void *data, const struct rp_codeobj_place *place, struct rp_codeobj *object,
	struct rp_error *err)
{
	(void)place;
	(void)err;
	*(struct rp_codeobj *)data = *object;
	*object = (struct rp_codeobj){ 0 };
	return 7;
}

static bool want_1030(
	void *data, const struct rp_codeobj_place *place, const struct rp_codeobj *header)
{
	(void)data;
	return strcmp(place->path, "x") == 0 && strcmp(header->target, "gfx1030") == 0;
}

static void test_visitor(void **state)
{
	struct rp_codeobj_stats stats;
	RP_CLEANUP(rp_buf_free) struct rp_buf b = load("small-gfx1010.co");
	RP_CLEANUP(rp_codeobj_close) struct rp_codeobj o = { 0 };
	const struct rp_codeobj_visitor v = { .object = take, .damage = on_damage, .data = &o };
	atomic_int cancel = 1;
	struct rp_ctx ctx = { NULL, NULL, &cancel };
	struct counts c = { 0 };
	const struct rp_codeobj_visitor counting = {
		.want = want_1030, .object = on_object, .damage = on_damage, .data = &c
	};

	(void)state;
	assert_int_equal(rp_codeobj_find_span(NULL, rp_buf_span(&b), "x", NULL, &v, NULL, NULL), 7);
	assert_string_equal(o.target, "gfx1010");
	assert_int_equal(
		rp_codeobj_find_span(&ctx, rp_buf_span(&b), "x", NULL, &counting, NULL, NULL),
		-ECANCELED);
	cancel = 0;
	assert_int_equal(
		rp_codeobj_find_span(&ctx, rp_buf_span(&b), "x", NULL, &counting, &stats, NULL), 0);
	assert_int_equal(c.objects + c.damaged, 0);
	assert_int_equal(stats.n_unwanted, 1);
	assert_int_equal(stats.n_objects, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_unknown_mach),
		cmocka_unit_test(test_size_zero),
		cmocka_unit_test(test_target_id),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_change_everywhere),
		cmocka_unit_test(test_msgpack),
		cmocka_unit_test(test_visitor),
	};

	assert_int_equal(argc, 2);
	data_dir = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
