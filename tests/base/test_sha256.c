/* SPDX-License-Identifier: MIT */
/* SHA-256 against the published vectors, and its fast form against the portable one. */
#include "unit.h"

#include "base/sha256-internal.h"

static void expect(const char *text, size_t repeat, const char *hex)
{
	uint8_t digest[RP_SHA256_BYTES];
	char got[RP_SHA256_HEX];
	struct rp_sha256 s;

	rp_sha256_init(&s);
	for (size_t i = 0; i < repeat; i++)
		rp_sha256_add(&s, rp_span_str(text));
	rp_sha256_final(&s, digest);
	rp_sha256_hex(digest, got);
	assert_string_equal(got, hex);
}

/* NIST, "Secure Hash Standard" example values (SHA256.pdf, SHA2_Additional.pdf). */
static void test_published_vectors(void **state)
{
	(void)state;
	expect("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	expect("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	expect("a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Any split of the input into pieces gives the same digest. */
static void test_pieces(void **state)
{
	uint8_t data[1000], whole[RP_SHA256_BYTES], pieces[RP_SHA256_BYTES];
	struct rp_sha256 s;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t n = 0; n <= sizeof(data); n += 13) {
		rp_sha256_init(&s);
		rp_sha256_add(&s, rp_span_of(data, n));
		rp_sha256_final(&s, whole);
		for (size_t step = 1; step < 200; step += 9) {
			rp_sha256_init(&s);
			for (size_t at = 0; at < n; at += step)
				rp_sha256_add(
					&s, rp_span_of(data + at, n - at < step ? n - at : step));
			rp_sha256_final(&s, pieces);
			assert_memory_equal(whole, pieces, sizeof(whole));
		}
	}
}

static void test_fast_form_equals_portable(void **state)
{
	uint32_t a[8], b[8], seed = 12345;
	uint8_t data[64 * 40];

	(void)state;
	if (!rp_sha256_blocks_fast(NULL, NULL, 0)) {
		print_message("SKIP: this CPU has no SHA extensions\n");
		skip();
	}
	for (unsigned int round = 0; round < 500; round++) {
		size_t n = round % 40;

		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
		for (unsigned int i = 0; i < 8; i++)
			a[i] = b[i] = seed = seed * 1664525 + 1013904223;
		rp_sha256_blocks_portable(a, data, n);
		assert_true(rp_sha256_blocks_fast(b, data, n));
		assert_memory_equal(a, b, sizeof(a));
	}
}

static void test_fields_keep_their_borders(void **state)
{
	uint8_t a[RP_SHA256_BYTES], b[RP_SHA256_BYTES];
	struct rp_sha256 s;

	(void)state;
	rp_sha256_init(&s);
	rp_sha256_field_str(&s, "ab");
	rp_sha256_field_str(&s, "c");
	rp_sha256_final(&s, a);
	rp_sha256_init(&s);
	rp_sha256_field_str(&s, "a");
	rp_sha256_field_str(&s, "bc");
	rp_sha256_final(&s, b);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_files(void **state)
{
	char hex[RP_SHA256_HEX] = "untouched";
	int fd = (int)(intptr_t)*state;

	put_file(fd, "abc", "abc");
	put_file(fd, "empty", "");
	assert_int_equal(rp_sha256_file(fd, "none", hex, NULL), -ENOENT);
	assert_string_equal(hex, "untouched");
	assert_int_equal(rp_sha256_file(fd, "abc", hex, NULL), 0);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(rp_sha256_file(fd, "empty", hex, NULL), 0);
	assert_string_equal(
		hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_vectors),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_fast_form_equals_portable),
		cmocka_unit_test(test_fields_keep_their_borders),
		SCRATCH_TEST(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
