/* SPDX-License-Identifier: MIT */
/* Publishing: the name appears whole or not at all, and nothing else stays; and the state lock. */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>

static void expect_text(int fd, const char *name, const char *text)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;

	assert_int_equal(rp_file_read(fd, name, 1000, &b, NULL), 0);
	assert_string_equal(rp_buf_cstr(&b), text);
}

static void test_file(void **state)
{
	int fd = (int)(intptr_t)*state;
	struct rp_tmpfile tmp = RP_TMPFILE_INIT;
	struct stat st;
	mode_t old = umask(077);

	assert_int_equal(rp_publish_file(fd, "f", 0644, rp_span_str("one"), NULL), 0);
	assert_int_equal(rp_publish_file(fd, "f", 0755, rp_span_str("two"), NULL), 0);
	umask(old);
	expect_text(fd, "f", "two");
	assert_int_equal(fstatat(fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755); /* the mode asked for, whatever the umask */
	assert_int_equal(rp_tmpfile_open(fd, 0644, &tmp, NULL), 0);
	assert_int_equal(count_entries(fd), 2);
	rp_tmpfile_drop(&tmp);
	assert_int_equal(count_entries(fd), 1);
	/* a folder of that name: an error, and no temporary file stays */
	assert_int_equal(mkdirat(fd, "d", 0755), 0);
	assert_true(rp_publish_file(fd, "d", 0644, rp_span_str("x"), NULL) < 0);
	assert_int_equal(count_entries(fd), 2);
}

static void test_symlink(void **state)
{
	int fd = (int)(intptr_t)*state;
	char target[32] = { 0 };

	assert_int_equal(rp_publish_symlink(fd, "l", "first", NULL), 0);
	assert_int_equal(rp_publish_symlink(fd, "l", "second", NULL), 0);
	assert_int_equal(readlinkat(fd, "l", target, sizeof(target) - 1), 6);
	assert_string_equal(target, "second");
	assert_int_equal(mkdirat(fd, "d", 0755), 0);
	assert_true(rp_publish_symlink(fd, "d", "x", NULL) < 0);
	assert_int_equal(count_entries(fd), 2);
}

static void test_tree(void **state)
{
	int fd = (int)(intptr_t)*state;

	assert_int_equal(rp_mkdirs(fd, "new/a/b", 0755, NULL), 0);
	put_file(fd, "new/a/b/f", "text");
	assert_int_equal(symlinkat("nowhere", fd, "new/l"), 0);
	assert_int_equal(rp_publish_tree(fd, "new", "pub", NULL), 0);
	expect_text(fd, "pub/a/b/f", "text");
	assert_int_equal(rp_mkdirs(fd, "new", 0755, NULL), 0);
	assert_int_equal(rp_publish_tree(fd, "new", "pub", NULL), -EEXIST);
	expect_text(fd, "pub/a/b/f", "text");
	assert_int_equal(rp_publish_tree(fd, "absent", "x", NULL), -ENOENT);
}

static void count_wait(void *data, const struct rp_event *ev)
{
	if (ev->kind == RP_EV_WAIT)
		(*(unsigned int *)data)++;
}

static void test_lock(void **state)
{
	int fd = (int)(intptr_t)*state;
	struct rp_lock a = RP_LOCK_INIT, b = RP_LOCK_INIT;
	unsigned int waits = 0;
	struct rp_ctx ctx = { .event = count_wait, .data = &waits };

	assert_int_equal(rp_lock_take(&ctx, fd, "lock", 0, &a, NULL), 0);
	assert_int_equal(rp_lock_take(&ctx, fd, "lock", 0, &b, NULL), -EWOULDBLOCK);
	assert_int_equal(waits, 0);
	assert_int_equal(rp_lock_take(&ctx, fd, "lock", 120, &b, NULL), -ETIMEDOUT);
	assert_int_equal(waits, 1); /* said once, not at each poll */
	rp_lock_drop(&a);
	assert_int_equal(rp_lock_take(&ctx, fd, "lock", 0, &b, NULL), 0);
	rp_lock_drop(&b);
	rp_lock_drop(&b);
}

/* The lock goes with a killed holder. */
static void test_lock_of_a_killed_process(void **state)
{
	int fd = (int)(intptr_t)*state, ready[2];
	struct rp_lock l = RP_LOCK_INIT;
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (rp_lock_take(NULL, fd, "lock", 0, &l, NULL) == 0)
			(void)!write(ready[1], "x", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(rp_lock_take(NULL, fd, "lock", 0, &l, NULL), -EWOULDBLOCK);
	kill(pid, SIGKILL);
	assert_int_equal(rp_lock_take(NULL, fd, "lock", 5000, &l, NULL), 0);
	rp_lock_drop(&l);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(test_file),
		SCRATCH_TEST(test_symlink),
		SCRATCH_TEST(test_tree),
		SCRATCH_TEST(test_lock),
		SCRATCH_TEST(test_lock_of_a_killed_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
