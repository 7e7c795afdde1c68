/* SPDX-License-Identifier: MIT */
/* Exports and notes of a library are read within bounds, whatever the bytes are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "build/build.h"

__attribute__((used, section(".note.rocm-patch"), aligned(4))) static const struct {
	unsigned int namesz, descsz, type;
	char name[12];
	char desc[4];
} note = { 11, 3, 1, "rocm-patch", "Z9" };

/* This program itself is an ELF file with our note in it. */
static void open_self(struct rp_map *map)
{
	assert_int_equal(rp_map_open(AT_FDCWD, "/proc/self/exe", map, NULL), 0);
}

static void test_notes_of_this_program(void **state)
{
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv notes = RP_STRV_INIT;

	(void)state;
	open_self(&map);
	assert_int_equal(rp_elf_patch_notes(map.span, &notes, NULL), 0);
	assert_int_equal(notes.n, 1);
	assert_string_equal(notes.v[0], note.desc);
}

static void test_garbage_is_refused(void **state)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv out = RP_STRV_INIT;
	struct rp_error err = RP_ERROR_INIT;

	(void)state;
	assert_int_equal(rp_elf_exports(rp_span_str("hello"), &out, &err), -EBADMSG);
	assert_int_equal(rp_elf_exports(rp_span_of(NULL, 0), &out, &err), -EBADMSG);
	assert_int_equal(rp_elf_patch_notes(rp_span_str("\177ELF"), &out, &err), -EBADMSG);
	assert_true(err.text[0] != '\0');
	assert_int_equal(out.n, 0);
}

/* Every truncation, and every header byte changed: an answer or an error, never a read outside (sanitizers see it). */
static void test_hostile_headers(void **state)
{
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	uint8_t *copy;
	size_t n;

	(void)state;
	open_self(&map);
	n = map.span.n;
	copy = malloc(n);
	assert_non_null(copy);
	for (size_t i = 0; i < n; i += i < 256 ? 1 : 997) {
		RP_CLEANUP(rp_strv_free) struct rp_strv out = RP_STRV_INIT;
		RP_CLEANUP(rp_strv_free) struct rp_strv notes = RP_STRV_INIT;
		uint8_t *cut = malloc(i ? i : 1);

		assert_non_null(cut);
		memcpy(cut, map.span.p, i);
		(void)!rp_elf_exports(rp_span_of(cut, i), &out, NULL);
		(void)!rp_elf_patch_notes(rp_span_of(cut, i), &notes, NULL);
		free(cut);
	}
	memcpy(copy, map.span.p, n);
	for (size_t i = 0; i < 64; i++) {
		for (unsigned int v = 0; v < 256; v += 15) {
			RP_CLEANUP(rp_strv_free) struct rp_strv out = RP_STRV_INIT;
			RP_CLEANUP(rp_strv_free) struct rp_strv notes = RP_STRV_INIT;

			copy[i] = (uint8_t)v;
			(void)!rp_elf_exports(rp_span_of(copy, n), &out, NULL);
			(void)!rp_elf_patch_notes(rp_span_of(copy, n), &notes, NULL);
		}
		copy[i] = map.span.p[i];
	}
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notes_of_this_program),
		cmocka_unit_test(test_garbage_is_refused),
		cmocka_unit_test(test_hostile_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
