/* SPDX-License-Identifier: MIT */
/* Whole files and trees. */
#include "unit.h"

static void test_read_and_map(void **state)
{
	int fd = (int)(intptr_t)*state;
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	struct rp_map map = RP_MAP_INIT;

	put_file(fd, "f", "12345");
	put_file(fd, "empty", "");
	assert_int_equal(mkfifoat(fd, "fifo", 0644), 0);
	rp_buf_adds(&b, ">");
	assert_int_equal(rp_file_read(fd, "f", 5, &b, NULL), 0);
	assert_string_equal(rp_buf_cstr(&b), ">12345");
	assert_int_equal(rp_file_read(fd, "f", 4, &b, NULL), -EFBIG);
	assert_int_equal(rp_file_read(fd, "fifo", 9, &b, NULL), -EINVAL); /* and does not hang */
	assert_int_equal(rp_file_read(fd, ".", 9, &b, NULL), -EISDIR);
	assert_int_equal(rp_file_read(fd, "none", 9, &b, NULL), -ENOENT);
	assert_int_equal(rp_map_open(fd, "empty", &map, NULL), 0);
	assert_int_equal(map.span.n, 0);
	rp_map_close(&map);
	assert_int_equal(rp_map_open(fd, "f", &map, NULL), 0);
	assert_true(rp_span_eq_str(map.span, "12345"));
	rp_map_close(&map);
}

static void test_mkdirs(void **state)
{
	int fd = (int)(intptr_t)*state;

	assert_int_equal(rp_mkdirs(fd, "a/b//c/", 0755, NULL), 0);
	assert_int_equal(rp_mkdirs(fd, "a/b/c", 0755, NULL), 0);
	put_file(fd, "f", "");
	assert_int_equal(rp_mkdirs(fd, "f", 0755, NULL), -ENOTDIR);
	assert_int_equal(rp_mkdirs(fd, "f/x", 0755, NULL), -ENOTDIR);
	assert_int_equal(rp_mkdirs(AT_FDCWD, "/", 0755, NULL), 0);
}

static void test_remove_never_follows_links(void **state)
{
	int fd = (int)(intptr_t)*state;

	assert_int_equal(rp_mkdirs(fd, "tree/sub", 0755, NULL), 0);
	assert_int_equal(rp_mkdirs(fd, "keep", 0755, NULL), 0);
	put_file(fd, "keep/f", "x");
	assert_int_equal(symlinkat("../keep", fd, "tree/link"), 0);
	assert_int_equal(fchmodat(fd, "tree/sub", 0000, 0), 0);
	assert_int_equal(rp_remove_tree(fd, "tree", NULL), 0);
	assert_int_equal(rp_remove_tree(fd, "tree", NULL), 0); /* absent is fine */
	assert_int_equal(faccessat(fd, "keep/f", F_OK, 0), 0);
	assert_int_equal(symlinkat("keep", fd, "l"), 0);
	assert_int_equal(rp_remove_tree(fd, "l", NULL), 0);
	assert_int_equal(faccessat(fd, "keep/f", F_OK, 0), 0);
}

static int collect(void *data, int dirfd, const char *name, const char *rel, const struct stat *st,
	struct rp_error *err)
{
	(void)dirfd;
	(void)err;
	assert_string_equal(name, rp_path_base(rel));
	rp_buf_addf(data, "%s%s ", rel,
		S_ISDIR(st->st_mode)   ? "/"
		: S_ISLNK(st->st_mode) ? "@"
				       : "");
	return strcmp(rel, "stop") == 0 ? 42 : 0;
}

static void test_walk(void **state)
{
	int fd = (int)(intptr_t)*state;
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;

	assert_int_equal(rp_mkdirs(fd, "b/d", 0755, NULL), 0);
	put_file(fd, "b/d/f", "");
	put_file(fd, "a", "");
	put_file(fd, "B", "");
	assert_int_equal(symlinkat("b", fd, "c"), 0);
	assert_int_equal(rp_walk(fd, ".", collect, &b, NULL), 0);
	assert_string_equal(rp_buf_cstr(&b), "B a b/ b/d/ b/d/f c@ ");
	put_file(fd, "stop", "");
	assert_int_equal(rp_walk(fd, ".", collect, &b, NULL), 42);
}

static void test_paths(void **state)
{
	char *p;

	(void)state;
	p = rp_path_join("a//", "//b");
	assert_string_equal(p, "a/b");
	free(p);
	assert_true(rp_path_is_safe("a/b..c/.d"));
	assert_false(rp_path_is_safe(""));
	assert_false(rp_path_is_safe("/a"));
	assert_false(rp_path_is_safe("a//b"));
	assert_false(rp_path_is_safe("a/../b"));
	assert_false(rp_path_is_safe("./a"));
	assert_false(rp_path_is_safe("a/"));
	assert_false(rp_path_is_safe(".."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(test_read_and_map),
		SCRATCH_TEST(test_mkdirs),
		SCRATCH_TEST(test_remove_never_follows_links),
		SCRATCH_TEST(test_walk),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
