/* SPDX-License-Identifier: MIT */
/* Children that end, hang, ignore SIGTERM, leave grandchildren, talk too much or do not exist. */
#include "unit.h"

#include <signal.h>
#include <time.h>

static const char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C", NULL };

static int shell(const char *script, struct rp_spawn *s, struct rp_exit *ret, struct rp_error *err)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	s->argv = argv;
	s->env = env;
	return rp_spawn_run(NULL, s, ret, err);
}

static void test_output_and_status(void **state)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf out = RP_BUF_INIT;
	struct rp_spawn s = RP_SPAWN_INIT;
	struct rp_exit ex;

	(void)state;
	s.capture = &out;
	assert_int_equal(shell("echo out; echo err >&2; exit 7", &s, &ex, NULL), 0);
	assert_int_equal(ex.status, 7);
	assert_int_equal(ex.signal, 0);
	assert_string_equal(rp_buf_cstr(&out), "out\nerr\n");
	assert_string_equal(ex.tail, "out\nerr\n");
	rp_buf_clear(&out);
	s.split_stderr = true;
	assert_int_equal(shell("echo out; echo err >&2; kill -9 $$", &s, &ex, NULL), 0);
	assert_int_equal(ex.signal, SIGKILL);
	assert_int_equal(ex.status, 128 + SIGKILL);
	assert_string_equal(rp_buf_cstr(&out), "out\n");
}

/* stdin is empty, the environment is exactly what was given, no descriptor leaks. */
static void test_surroundings(void **state)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf out = RP_BUF_INIT;
	struct rp_spawn s = RP_SPAWN_INIT;
	int leak = open("/dev/null", O_RDONLY);
	struct rp_exit ex;

	(void)state;
	assert_true(leak >= 0);
	s.capture = &out;
	s.cwd = "/";
	/* the 3 below is the folder that ls reads */
	assert_int_equal(setenv("RP_TEST_SECRET", "x", 1), 0);
	assert_int_equal(shell("cat; pwd; echo ${RP_TEST_SECRET-unset}; exec ls /proc/self/fd", &s,
				 &ex, NULL),
		0);
	assert_string_equal(rp_buf_cstr(&out), "/\nunset\n0\n1\n2\n3\n");
	close(leak);
}

static void test_cannot_start(void **state)
{
	const char *const none[] = { "no-such-program-rp", NULL };
	const char *const text[] = { "./text", NULL };
	struct rp_error err = RP_ERROR_INIT;
	struct rp_spawn s = RP_SPAWN_INIT;
	int fd = (int)(intptr_t)*state;

	s.env = env;
	s.argv = none;
	assert_int_equal(rp_spawn_run(NULL, &s, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no-such-program-rp"));
	put_file(fd, "text", "not a program\n");
	assert_int_equal(fchmodat(fd, "text", 0755, 0), 0);
	assert_int_equal(fchdir(fd), 0);
	s.argv = text;
	assert_int_equal(rp_spawn_run(NULL, &s, NULL, &err), -ENOEXEC);
	assert_int_equal(chdir("/"), 0);
	s.cwd = "/no/such/folder";
	assert_int_equal(shell("true", &s, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.text, "enter /no/such/folder"));
}

/* A lock is held until the last of the child's children is gone, even if we are. */
static void test_kept_lock(void **state)
{
	struct rp_lock lock = RP_LOCK_INIT, other = RP_LOCK_INIT;
	int fd = (int)(intptr_t)*state;
	struct rp_spawn s = RP_SPAWN_INIT;

	assert_int_equal(rp_lock_take(NULL, fd, "lock", 0, &lock, NULL), 0);
	s.keep_fd = lock.fd;
	assert_int_equal(shell("(exec >/dev/null 2>&1; sleep 0.5) &", &s, NULL, NULL), 0);
	rp_lock_drop(&lock);
	assert_int_equal(rp_lock_take(NULL, fd, "lock", 0, &other, NULL), -EWOULDBLOCK);
	assert_int_equal(rp_lock_take(NULL, fd, "lock", 10000, &other, NULL), 0);
	rp_lock_drop(&other);
}

static void test_deadline(void **state)
{
	struct rp_spawn s = RP_SPAWN_INIT;
	struct rp_exit ex = { 0 };

	(void)state;
	s.timeout_ms = 200;
	s.grace_ms = 300;
	assert_int_equal(shell("echo before; exec sleep 60", &s, &ex, NULL), -ETIMEDOUT);
	assert_true(ex.timed_out);
	assert_false(ex.unkillable);
	assert_int_equal(ex.signal, SIGTERM);
	assert_string_equal(ex.tail, "before\n");
	assert_true(ex.elapsed_ms < 3000);
	/* SIGTERM ignored, also by what it started */
	assert_int_equal(
		shell("trap '' TERM; sleep 60 & while :; do sleep 60; done", &s, &ex, NULL),
		-ETIMEDOUT);
	assert_int_equal(ex.signal, SIGKILL);
	assert_false(ex.unkillable);
	assert_true(ex.elapsed_ms < 4000);
}

static void test_grandchild_keeps_the_pipe(void **state)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf out = RP_BUF_INIT;
	struct rp_spawn s = RP_SPAWN_INIT;
	struct rp_exit ex;

	(void)state;
	s.capture = &out;
	assert_int_equal(shell("sleep 20 & echo $!; exit 3", &s, &ex, NULL), 0);
	assert_int_equal(ex.status, 3);
	assert_true(ex.elapsed_ms < 5000);
	(void)kill((pid_t)strtol(rp_buf_cstr(&out), NULL, 10), SIGKILL);
}

static void test_too_much_output(void **state)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf out = RP_BUF_INIT;
	struct rp_spawn s = RP_SPAWN_INIT;
	struct rp_exit ex = { 0 };

	(void)state;
	s.capture = &out;
	s.capture_max = 100000;
	s.grace_ms = 300;
	assert_int_equal(shell("exec yes", &s, &ex, NULL), -EFBIG);
	assert_false(ex.unkillable); /* it was reaped */
	assert_true(ex.signal == SIGTERM || ex.signal == SIGPIPE);
	rp_buf_clear(&out);
	s.capture_max = 0;
	assert_int_equal(shell("head -c 3000000 /dev/zero", &s, &ex, NULL), 0);
	assert_int_equal(out.n, 3000000);
	assert_true(strlen(ex.tail) <= RP_SPAWN_TAIL_BYTES);
}

static void test_cancel(void **state)
{
	const char *const argv[] = { "sleep", "60", NULL };
	struct rp_spawn s = RP_SPAWN_INIT;
	atomic_int cancel = 1;
	struct rp_ctx ctx = { .cancel = &cancel };
	struct rp_exit ex = { 0 };

	(void)state;
	s.argv = argv;
	s.env = env;
	assert_int_equal(rp_spawn_run(&ctx, &s, &ex, NULL), -ECANCELED);
}

struct counter {
	atomic_int *cancel;
	unsigned int lines;
};

static void on_line(void *data, const char *line, size_t n)
{
	struct counter *c = data;

	assert_int_equal(strlen(line), n);
	if (++c->lines == 3 && c->cancel)
		atomic_store(c->cancel, 1);
}

static void test_lines_and_cancel_while_running(void **state)
{
	const char *const argv[] = { "sh", "-c", "printf 'a\\nb\\nc\\nlast'; sleep 60", NULL };
	atomic_int cancel = 0;
	struct rp_ctx ctx = { .cancel = &cancel };
	struct counter c = { &cancel, 0 };
	struct rp_spawn s = RP_SPAWN_INIT;
	struct rp_exit ex = { 0 };

	(void)state;
	s.argv = argv;
	s.env = env;
	s.line = on_line;
	s.line_data = &c;
	assert_int_equal(rp_spawn_run(&ctx, &s, &ex, NULL), -ECANCELED);
	assert_int_equal(ex.signal, SIGTERM);
	c = (struct counter){ NULL, 0 };
	assert_int_equal(shell("printf 'a\\nb\\nlast'", &s, &ex, NULL), 0);
	assert_int_equal(c.lines, 3);
}

static void test_check_names_what_failed(void **state)
{
	const char *const argv[] = { "sh", "-c", "echo first; echo the reason; exit 4", NULL };
	struct rp_error err = RP_ERROR_INIT;
	struct rp_spawn s = RP_SPAWN_INIT;

	(void)state;
	s.argv = argv;
	s.env = env;
	assert_int_equal(rp_spawn_check(NULL, &s, NULL, &err), -EPROTO);
	assert_string_equal(err.text, "sh ended with status 4: the reason");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_and_status),
		cmocka_unit_test(test_surroundings),
		SCRATCH_TEST(test_cannot_start),
		SCRATCH_TEST(test_kept_lock),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_grandchild_keeps_the_pipe),
		cmocka_unit_test(test_too_much_output),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_lines_and_cancel_while_running),
		cmocka_unit_test(test_check_names_what_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
