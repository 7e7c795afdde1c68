/* SPDX-License-Identifier: MIT */
/* Debian version order, mirror lists, package indexes, and the text forms of sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "source/internal.h"

static void test_version_order(void **state)
{
	/* ascending */
	static const char *const v[] = { "0.9~~", "0.9~", "0.9~1", "0.9", "0.9-1", "0.9a", "0.9+b1",
		"0.10", "1.0~rc1-1", "1.0-1~deb13u1", "1.0-1", "1.0-1+b1", "1.0-1.1", "1.0-2",
		"1.0-10", "6.4.3+dfsg-5", "1:0.1" };

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(v); i++) {
		for (size_t k = 0; k < RP_ARRAY_SIZE(v); k++) {
			int c = rp_debian_version_compare(v[i], v[k]);

			if ((i < k) != (c < 0) || (i > k) != (c > 0))
				fail_msg("%s against %s: %d", v[i], v[k], c);
		}
	}
	assert_int_equal(rp_debian_version_compare("1.0-0", "1.0"), 0);
	assert_int_equal(rp_debian_version_compare("01.002-3", "1.2-03"), 0);
}

static int mirror(const char *text, bool deb822, struct rp_mirror *ret)
{
	static const struct rp_distro d = { "debian", "bookworm", true };

	return rp_mirror_parse(rp_span_str(text), deb822, &d, ret, NULL);
}

static void check_mirror(const char *text, bool deb822, const char *uri, const char *options)
{
	RP_CLEANUP(rp_mirror_free) struct rp_mirror m = RP_MIRROR_INIT;
	int r = mirror(text, deb822, &m);

	assert_int_equal(r, uri ? 1 : 0);
	if (!uri)
		return;
	assert_string_equal(m.uri, uri);
	assert_string_equal(m.options, options);
}

static void test_one_line_lists(void **state)
{
	(void)state;
	check_mirror("deb http://m/debian bookworm main", false, "http://m/debian", "");
	check_mirror("# deb http://x bookworm main\n\ndeb-src http://y bookworm "
		     "main\ndeb\thttp://m/d bookworm contrib main\n",
		false, "http://m/d", "");
	check_mirror("deb [arch=amd64 signed-by=/k.gpg] http://m bookworm main", false, "http://m",
		"[ signed-by=/k.gpg ] ");
	check_mirror("deb [ trusted=yes ] file:///r bookworm main", false, "file:///r",
		"[ trusted=yes ] ");
	check_mirror(
		"deb http://m bookworm-security main\ndeb http://m noble main", false, NULL, NULL);
	check_mirror("deb http://m bookworm contrib", false, NULL, NULL);
	check_mirror("deb [broken http://m bookworm main", false, NULL, NULL);
	check_mirror("deb", false, NULL, NULL);
	check_mirror("", false, NULL, NULL);
}

static void test_choice_of_mirror(void **state)
{
	static const struct rp_distro other = { "ubuntu", "noble", false };
	static const char chrome[] = "deb http://o/x/deb/ stable main\n";
	static const char debian[] = "deb http://m/debian/ bookworm main\n";
	static const char keyed[] =
		"deb [signed-by=/u/debian-archive-keyring.gpg] http://k sid main\n";
	RP_CLEANUP(rp_mirror_free) struct rp_mirror m = RP_MIRROR_INIT;

	(void)state;
	/* the same words in an archive of somebody else */
	check_mirror(chrome, false, NULL, NULL);
	check_mirror("deb http://m/debian stable main", false, "http://m/debian", "");
	check_mirror("deb [signed-by=/o.gpg] http://o/debian bookworm main\n"
		     "deb http://m/d bookworm main\n",
		false, "http://m/d", "");
	check_mirror("deb http://m/d bookworm main\ndeb http://m/debian/ bookworm main\n", false,
		"http://m/debian/", "");
	check_mirror("deb [trusted=yes-or-no] http://m bookworm main", false, "http://m", "");
	/* a better one replaces what is there, a worse one does not */
	assert_int_equal(mirror(debian, false, &m), 1);
	assert_int_equal(mirror("deb http://x bookworm main", false, &m), 0);
	assert_string_equal(m.uri, "http://m/debian/");
	assert_int_equal(mirror(keyed, false, &m), 1);
	assert_int_equal(mirror(debian, false, &m), 0);
	assert_string_equal(m.uri, "http://k");
	rp_mirror_free(&m);
	/* on another system the name of a release is not enough */
	assert_int_equal(
		rp_mirror_parse(rp_span_str("deb http://m bookworm main"), false, &other, &m, NULL),
		0);
	assert_int_equal(
		rp_mirror_parse(rp_span_str("deb http://m noble main"), false, &other, &m, NULL),
		0);
	assert_int_equal(rp_mirror_parse(rp_span_str(keyed), false, &other, &m, NULL), 1);
}

static void test_links(void **state)
{
	static const struct {
		const char *path, *target;
		bool stays;
	} cases[] = { { "l", "f", true }, { "l", "./a/b", true }, { "d/l", "../f", true },
		{ "d/e/l", "../../f", true }, { "l", "..", false }, { "l", "../f", false },
		{ "d/l", "../../f", false }, { "l", "/f", false }, { "l", "", false },
		{ "l", "a/..", false }, { "d/l", "a/../f", false }, { "d/l", ".././/f", true },
		{ "l", "..f", true }, { "l", "a..", true } };

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(cases); i++)
		if (rp_link_stays(cases[i].path, cases[i].target) != cases[i].stays)
			fail_msg("%s -> %s", cases[i].path, cases[i].target);
}

static void test_deb822_lists(void **state)
{
	(void)state;
	check_mirror("Types: deb\nURIs: http://m/debian\nSuites: bookworm "
		     "bookworm-updates\nComponents: main\n"
		     "Signed-By: /k.gpg\n",
		true, "http://m/debian", "[ signed-by=/k.gpg ] ");
	check_mirror("# c\nTypes: deb\nEnabled: no\nURIs: http://a\nSuites: bookworm\nComponents: "
		     "main\n\n\n"
		     "types: deb deb-src\nuris: http://b http://c\nsuites:\n bookworm\n "
		     "trixie\ncomponents: contrib main\n"
		     "Signed-By:\n -----BEGIN PGP\n .\n abc\n",
		true, "http://b", "");
	check_mirror("Types: deb-src\nURIs: http://m\nSuites: bookworm\nComponents: main\n", true,
		NULL, NULL);
	check_mirror("Types: deb\nURIs: http://m\nSuites: ./\n", true, NULL, NULL);
	check_mirror("Types: deb\nURIs: http://m\nSuites: bookworm\nComponents: main\nEnabled: "
		     "false\n",
		true, NULL, NULL);
	check_mirror("", true, NULL, NULL);
}

#define SUM "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222222222222222222222222222"

static const char sources[] =
	"Package: toy\nVersion: 1.0-1\nChecksums-Sha256:\n " SUM " 10 toy_1.0-1.dsc\n " SUM
	" 20 toy_1.0.orig.tar.xz\n"
	"Directory: pool/main/t/toy\n\n"
	"Package: toy\nVersion: 1.1-1\nDirectory: pool/main/t/toy\nChecksums-Sha256:\n " TWO
	" 5 toy_1.1.orig-extra.tar.gz\n " TWO " 30 toy_1.1.orig.tar.gz\n " TWO
	" 7 toy_1.1.orig.tar.gz.asc\n " TWO " 8 toy_1.1-1.debian.tar.xz\n\n"
	"Package: toy-other\nVersion: 9\nDirectory: x\nChecksums-Sha256:\n " SUM
	" 1 toy-other_9.tar.xz\n\n"
	"Package: native\nVersion: 3\nDirectory: pool/n\nChecksums-Sha256:\n " SUM
	" 1 native_3.dsc\n " SUM " 2 native_3.tar.xz\n";

static void test_source_index(void **state)
{
	RP_CLEANUP(rp_apt_file_free) struct rp_apt_file f = { .version = NULL };
	RP_CLEANUP(rp_apt_file_free) struct rp_apt_file g = { .version = NULL };
	RP_CLEANUP(rp_apt_file_free) struct rp_apt_file h = { .version = NULL };
	struct rp_span text = rp_span_str(sources);

	(void)state;
	assert_int_equal(rp_apt_parse(text, false, "toy", "1.0-1", &f, NULL), 0);
	assert_string_equal(f.path, "pool/main/t/toy/toy_1.0.orig.tar.xz");
	assert_string_equal(f.sha256, SUM);
	assert_int_equal(f.size_bytes, 20);
	/* gone: the newest instead */
	assert_int_equal(rp_apt_parse(text, false, "toy", "0.9-1", &g, NULL), 0);
	assert_string_equal(g.version, "1.1-1");
	assert_string_equal(g.path, "pool/main/t/toy/toy_1.1.orig.tar.gz");
	assert_int_equal(rp_apt_parse(text, false, "native", NULL, &h, NULL), 0);
	assert_string_equal(h.path, "pool/n/native_3.tar.xz");
}

static void test_hostile_index(void **state)
{
	static const char *const bad[] = {
		"Package: toy\nVersion: 1\nDirectory: ../../etc\nChecksums-Sha256:\n " SUM
		" 1 toy_1.tar.xz\n",
		"Package: toy\nVersion: 1\nDirectory: d\nChecksums-Sha256:\n " SUM
		" 1 ../toy_1.tar.xz\n",
		"Package: toy\nVersion: 1\nDirectory: d\nChecksums-Sha256:\n short 1 "
		"toy_1.tar.xz\n",
		"Package: toy\nVersion: 1\nDirectory: d\nChecksums-Sha256:\n " SUM
		" x toy_1.tar.xz\n",
		"Package: toy\nVersion: 1\nDirectory: d\n",
		"Package: toy\n",
		"\n\n\n",
		"",
	};
	struct rp_apt_file f = { .version = NULL };
	struct rp_error err = RP_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(bad); i++) {
		assert_int_equal(
			rp_apt_parse(rp_span_str(bad[i]), false, "toy", NULL, &f, &err), -ENOENT);
		assert_null(f.version);
	}
}

static void test_binary_index(void **state)
{
	static const char text[] = "Package: lib\nVersion: 2-1\nFilename: "
				   "pool/l/lib_2-1_amd64.deb\nSize: 77\nSHA256: " TWO "\n";
	RP_CLEANUP(rp_apt_file_free) struct rp_apt_file f = { .version = NULL };

	(void)state;
	assert_int_equal(rp_apt_parse(rp_span_str(text), true, "lib", NULL, &f, NULL), 0);
	assert_string_equal(f.path, "pool/l/lib_2-1_amd64.deb");
	assert_int_equal(f.size_bytes, 77);
}

static void check_text(const char *text, const char *kind, const char *location, const char *extra)
{
	RP_CLEANUP(rp_source_free) struct rp_source s = RP_SOURCE_INIT;
	struct rp_error err = RP_ERROR_INIT;
	int r = rp_source_from_text(text, &s, &err);

	if (!kind) {
		if (r == 0 || !err.text[0])
			fail_msg("%s: accepted", text);
		return;
	}
	assert_int_equal(r, 0);
	assert_string_equal(s.kind->name, kind);
	assert_string_equal(s.location, location);
	if (extra)
		assert_string_equal(s.suite ? s.suite : s.rev ? s.rev : s.sha256, extra);
}

static void test_text_forms(void **state)
{
	(void)state;
	check_text("deb:rocr-runtime/sid=6.4.3+dfsg-5", "deb", "rocr-runtime", "sid");
	check_text("deb:rocr-runtime", "deb", "rocr-runtime", "sid");
	check_text("git:https://h/x.git#v1", "git", "https://h/x.git", "v1");
	check_text("git:/tmp/x", "git", "/tmp/x", "HEAD");
	check_text("tarball:https://h/x.tar.gz#sha256=" SUM, "tarball", "https://h/x.tar.gz", SUM);
	check_text("https://h/x.tar.gz#sha256=" SUM, "tarball", "https://h/x.tar.gz", SUM);
	check_text("dir:/tmp", "dir", "/tmp", NULL);
	check_text("/tmp", "dir", "/tmp", NULL);
	check_text("/no/such/path", NULL, NULL, NULL);
	check_text("tarball:https://h/x.tar.gz#md5=1", NULL, NULL, NULL);
	check_text("tarball:https://h/x.tar.gz#sha256=12", NULL, NULL, NULL);
	check_text("deb:", NULL, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_order),
		cmocka_unit_test(test_one_line_lists),
		cmocka_unit_test(test_deb822_lists),
		cmocka_unit_test(test_choice_of_mirror),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_source_index),
		cmocka_unit_test(test_hostile_index),
		cmocka_unit_test(test_binary_index),
		cmocka_unit_test(test_text_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
