/* SPDX-License-Identifier: MIT */
/* Nothing outside a root descriptor can be read, with openat2 and with the walk that replaces it. */
#include <pthread.h>
#include <stdatomic.h>

#include "unit.h"

static void expect_read(struct rp_root *root, const char *path, int r, const char *text)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;

	assert_int_equal(rp_root_read(root, path, 1000, &b, NULL), r);
	if (text)
		assert_string_equal(rp_buf_cstr(&b), text);
}

static void make_tree(int fd)
{
	assert_int_equal(rp_mkdirs(fd, "root/etc/deep", 0755, NULL), 0);
	put_file(fd, "secret", "outside");
	put_file(fd, "root/secret", "inside");
	put_file(fd, "root/etc/f", "text");
	assert_int_equal(symlinkat("../../../../secret", fd, "root/etc/up"), 0);
	assert_int_equal(symlinkat("/secret", fd, "root/etc/absolute"), 0);
	assert_int_equal(symlinkat("/../../etc", fd, "root/folder"), 0);
	assert_int_equal(symlinkat("loop", fd, "root/loop"), 0);
	assert_int_equal(symlinkat("gone", fd, "root/dangling"), 0);
	assert_int_equal(mkfifoat(fd, "root/fifo", 0644), 0);
}

static void check(int fd, bool no_openat2)
{
	RP_CLEANUP(rp_root_close) struct rp_root root = RP_ROOT_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	char path[96];
	int got = -7;

	(void)snprintf(path, sizeof(path), "%s/root", scratch_path);
	assert_int_equal(rp_root_open(path, &root, NULL), 0);
	root.no_openat2 = no_openat2;
	assert_false(root.is_host);
	expect_read(&root, "/etc/f", 0, "text");
	expect_read(&root, "etc/./deep/../f", 0, "text");
	expect_read(&root, "/../../../secret", 0, "inside");
	expect_read(&root, "/etc/up", 0, "inside");
	expect_read(&root, "/etc/absolute", 0, "inside");
	expect_read(&root, "/folder/f", 0, "text");
	expect_read(&root, "/folder/../secret", 0, "inside");
	expect_read(&root, "/loop", -ELOOP, NULL);
	expect_read(&root, "/dangling", -ENOENT, NULL);
	expect_read(&root, "/etc", -EISDIR, NULL);
	expect_read(&root, "/etc/f/x", -ENOTDIR, NULL);
	expect_read(&root, "/fifo", -EINVAL, NULL);
	assert_int_equal(rp_root_read(&root, "/etc/f", 3, &b, NULL), -EFBIG);
	assert_int_equal(
		rp_root_openat(&root, "/etc/up", O_RDONLY | O_NOFOLLOW, &got, NULL), -ELOOP);
	assert_int_equal(got, -7);
	assert_int_equal(rp_root_list(&root, "/etc", &names, NULL), 0);
	assert_int_equal(names.n, 4);
	assert_string_equal(names.v[0], "absolute");
	assert_string_equal(names.v[3], "up");
	assert_true(rp_root_exists(&root, "/folder/deep"));
	assert_false(rp_root_exists(&root, "/dangling"));
	(void)fd;
}

static void test_inside_only(void **state)
{
	int fd = (int)(intptr_t)*state;

	make_tree(fd);
	check(fd, false);
	check(fd, true);
}

struct renamer {
	int fd;
	atomic_bool stop;
};

/* Directories that have nothing to do with the paths that are read. */
static void *rename_on(void *data)
{
	struct renamer *r = data;

	assert_int_equal(mkdirat(r->fd, "here", 0755), 0);
	while (!atomic_load(&r->stop)) {
		assert_int_equal(renameat(r->fd, "here", r->fd, "there"), 0);
		assert_int_equal(renameat(r->fd, "there", r->fd, "here"), 0);
	}
	return NULL;
}

/* A kernel that cannot tell whether ".." stays inside says EAGAIN, which no caller must ever see. */
static void test_renames_beside(void **state)
{
	RP_CLEANUP(rp_root_close) struct rp_root root = RP_ROOT_INIT;
	struct renamer r = { .fd = (int)(intptr_t)*state };
	char path[96];
	pthread_t thread;

	make_tree(r.fd);
	(void)snprintf(path, sizeof(path), "%s/root", scratch_path);
	assert_int_equal(rp_root_open(path, &root, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, rename_on, &r), 0);
	for (int i = 0; i < 40000; i++)
		expect_read(&root, "etc/deep/../deep/../deep/../f", 0, "text");
	atomic_store(&r.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_host_and_errors(void **state)
{
	RP_CLEANUP(rp_root_close) struct rp_root root = RP_ROOT_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	struct rp_error err = RP_ERROR_INIT;

	(void)state;
	assert_int_equal(rp_root_open("/no/such/root", &root, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/no/such/root"));
	assert_int_equal(rp_root_open("/", &root, NULL), 0);
	assert_true(root.is_host);
	assert_int_equal(rp_root_read(&root, "/proc/self/status", 65536, &b, NULL), 0);
	assert_true(b.n > 0); /* although its size is 0 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(test_inside_only),
		cmocka_unit_test_setup_teardown(
			test_renames_beside, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_host_and_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
