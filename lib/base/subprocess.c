/* SPDX-License-Identifier: MIT */
/*
 * Starting programs; see base/subprocess.h. The parent reads the one output
 * pipe (two with split_stderr) until it closes and the child is reaped. A
 * grandchild that keeps the pipe open after the child's end is not waited for
 * longer than LINGER_MS.
 */
#include "base/subprocess.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/publish.h"

/* linux/close_range.h, since Linux 5.11 */
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

#define POLL_MS		 50
#define LINGER_MS	 500
#define UNKILLABLE_MS	 3000
#define DEFAULT_GRACE_MS 2000
#define DEFAULT_CAPTURE	 ((size_t)16 << 20)
#define LINE_MAX_BYTES	 65536

int rp_find_program(const char *name, const char *path_env, char **ret, struct rp_error *err)
{
	struct stat st;

	if (strchr(name, '/')) {
		if (access(name, X_OK) < 0)
			return RP_FAIL_ERRNO(err, -errno, "%s", name);
		*ret = strdup(name);
		return *ret ? 0 : RP_NOMEM(err);
	}
	while (path_env && *path_env) {
		RP_CLEANUP(rp_free_p) char *full = NULL;
		size_t n = strcspn(path_env, ":");

		full = rp_asprintf("%.*s/%s", (int)n, path_env, name);
		if (!full)
			return RP_NOMEM(err);
		if (n > 0 && access(full, X_OK) == 0 && stat(full, &st) == 0 &&
			S_ISREG(st.st_mode)) {
			*ret = RP_STEAL(full);
			return 0;
		}
		path_env += n + (path_env[n] == ':');
	}
	return RP_FAIL(err, -ENOENT, "program \"%s\" not found in PATH", name);
}

struct child {
	const struct rp_ctx *ctx;
	const struct rp_spawn *spawn;
	pid_t pid;
	int out_fd; /* -1 once closed */
	int err_fd; /* with split_stderr */
	bool reaped;
	bool ending; /* being ended: output only keeps the pipe empty, its limits are over */
	int wstatus;
	size_t captured;
	struct rp_buf line;
	struct rp_buf tail;
};

/* In the child, after fork: only async-signal-safe calls. Reports errno through fail_fd. */
RP_NORETURN static void child_exec(
	const struct rp_spawn *s, const char *path, int out_w, int err_w, int fail_fd, pid_t parent)
{
	static char *const empty_env[] = { NULL };
	int in = s->stdin_fd, e[2] = { 0, 0 }; /* errno; whether the folder could not be entered */
	sigset_t none;

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	for (int sig = 1; sig < 32; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (in < 0)
		in = open("/dev/null", O_RDONLY);
	if (in < 0 || dup2(in, 0) < 0 || dup2(out_w, 1) < 0 || dup2(err_w, 2) < 0)
		goto fail;
	/* What we inherited ourselves without close-on-exec; an older kernel just keeps it open. */
	(void)syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
	if (s->keep_fd >= 0 && fcntl(s->keep_fd, F_SETFD, 0) < 0)
		goto fail;
	if (s->run_as &&
		(setgroups(0, NULL) < 0 || setgid(s->run_as_gid) < 0 || setuid(s->run_as_uid) < 0))
		goto fail;
	if (s->cwd && chdir(s->cwd) < 0) {
		e[1] = 1;
		goto fail;
	}
	execve(path, (char *const *)(uintptr_t)s->argv,
		s->env ? (char *const *)(uintptr_t)s->env : empty_env);
fail:
	e[0] = errno;
	(void)!write(fail_fd, e, sizeof(e));
	_exit(127);
}

static int start(struct child *c, struct rp_error *err)
{
	const struct rp_spawn *s = c->spawn;
	RP_CLEANUP(rp_close_fd) int out_r = -1;
	RP_CLEANUP(rp_close_fd) int out_w = -1;
	RP_CLEANUP(rp_close_fd) int err_r = -1;
	RP_CLEANUP(rp_close_fd) int err_w = -1;
	RP_CLEANUP(rp_close_fd) int fail_r = -1;
	RP_CLEANUP(rp_close_fd) int fail_w = -1;
	RP_CLEANUP(rp_free_p) char *path = NULL;
	const char *path_env = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	int p[2], e[2], r;
	pid_t parent = getpid();
	ssize_t n;

	for (const char *const *v = s->env; v && *v; v++)
		if (strncmp(*v, "PATH=", 5) == 0)
			path_env = *v + 5;
	r = rp_find_program(s->argv[0], path_env, &path, err);
	if (r < 0)
		return r;
	if (pipe2(p, O_CLOEXEC) < 0)
		return RP_FAIL_ERRNO(err, -errno, "pipe");
	out_r = p[0];
	out_w = p[1];
	if (pipe2(p, O_CLOEXEC) < 0)
		return RP_FAIL_ERRNO(err, -errno, "pipe");
	fail_r = p[0];
	fail_w = p[1];
	if (s->split_stderr) {
		if (pipe2(p, O_CLOEXEC) < 0)
			return RP_FAIL_ERRNO(err, -errno, "pipe");
		err_r = p[0];
		err_w = p[1];
	}
	c->pid = fork();
	if (c->pid < 0)
		return RP_FAIL_ERRNO(err, -errno, "fork for %s", s->argv[0]);
	if (c->pid == 0)
		child_exec(s, path, out_w, err_w >= 0 ? err_w : out_w, fail_w, parent);
	(void)setpgid(c->pid, c->pid); /* both sides: whoever is first */
	rp_close_fd(&fail_w);
	do
		n = read(fail_r, e, sizeof(e));
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(e)) {
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
		if (e[1])
			return RP_FAIL_ERRNO(err, -e[0], "start %s: enter %s", path, s->cwd);
		return RP_FAIL_ERRNO(err, e[0] > 0 ? -e[0] : -EIO, "start %s", path);
	}
	c->out_fd = rp_steal_fd(&out_r);
	c->err_fd = rp_steal_fd(&err_r);
	return 0;
}

/* Keeps the last RP_SPAWN_TAIL_BYTES. */
static void keep_tail(struct child *c, const char *p, size_t n)
{
	rp_buf_add(&c->tail, p, n);
	if (c->tail.n > (size_t)4 * RP_SPAWN_TAIL_BYTES) {
		memmove(c->tail.p, c->tail.p + c->tail.n - RP_SPAWN_TAIL_BYTES,
			RP_SPAWN_TAIL_BYTES + 1);
		c->tail.n = RP_SPAWN_TAIL_BYTES;
	}
}

static void pass_lines(struct child *c, const char *p, size_t n)
{
	while (n > 0) {
		const char *nl = memchr(p, '\n', n);
		size_t k = nl ? (size_t)(nl - p) : n;

		if (c->line.n < LINE_MAX_BYTES)
			rp_buf_add(&c->line, p, k);
		if (nl) {
			c->spawn->line(c->spawn->line_data, rp_buf_cstr(&c->line), c->line.n);
			rp_buf_clear(&c->line);
			k++;
		}
		p += k;
		n -= k;
	}
}

/* One read from *fd; closes it at its end. */
static int take(struct child *c, int *fd, bool captured, struct rp_error *err)
{
	const struct rp_spawn *s = c->spawn;
	size_t max = s->capture_max ? s->capture_max : DEFAULT_CAPTURE;
	char chunk[16384];
	ssize_t n;
	int r;

	n = read(*fd, chunk, sizeof(chunk));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN
			       ? 0
			       : RP_FAIL_ERRNO(err, -errno, "read output of %s", s->argv[0]);
	if (n == 0) {
		rp_close_fd(fd);
		return 0;
	}
	if (c->ending) {
		keep_tail(c, chunk, (size_t)n);
		return 0;
	}
	if (s->log_fd >= 0) {
		r = rp_write_all(s->log_fd, rp_span_of(chunk, (size_t)n), err);
		if (r < 0)
			return rp_error_prefix(err, r, "log of %s", s->argv[0]);
	}
	keep_tail(c, chunk, (size_t)n);
	if (s->line && captured)
		pass_lines(c, chunk, (size_t)n);
	if (s->capture && captured) {
		c->captured += (size_t)n;
		if (c->captured > max)
			return RP_FAIL(
				err, -EFBIG, "%s wrote more than %zu bytes", s->argv[0], max);
		rp_buf_add(s->capture, chunk, (size_t)n);
	}
	return 0;
}

static void reap(struct child *c)
{
	pid_t p;

	if (c->reaped)
		return;
	p = waitpid(c->pid, &c->wstatus, WNOHANG);
	if (p == c->pid || (p < 0 && errno == ECHILD))
		c->reaped = true;
}

/* Output and the child's end, until deadline_ms (-1: none). 0 done, -ETIMEDOUT, -ECANCELED, ... */
static int pump(struct child *c, int64_t deadline_ms, bool stop_on_cancel, struct rp_error *err)
{
	int64_t linger_until = -1;
	int r;

	for (;;) {
		struct pollfd fds[2] = { { c->out_fd, POLLIN, 0 }, { c->err_fd, POLLIN, 0 } };
		int64_t now = rp_now_ms();

		reap(c);
		if (c->reaped && c->out_fd < 0 && c->err_fd < 0)
			return 0;
		if (c->reaped && linger_until < 0)
			linger_until = now + LINGER_MS;
		if (linger_until >= 0 && now >= linger_until)
			return 0;
		if (deadline_ms >= 0 && now >= deadline_ms)
			return -ETIMEDOUT;
		if (stop_on_cancel && rp_cancelled(c->ctx))
			return -ECANCELED;
		r = poll(fds, 2, c->out_fd < 0 && c->err_fd < 0 ? 2 : POLL_MS);
		if (r < 0 && errno != EINTR)
			return RP_FAIL_ERRNO(err, -errno, "poll");
		if (r <= 0)
			continue;
		if (fds[0].revents) {
			r = take(c, &c->out_fd, true, err);
			if (r < 0)
				return r;
		}
		if (fds[1].revents) {
			r = take(c, &c->err_fd, false, err);
			if (r < 0)
				return r;
		}
	}
}

/* SIGTERM, grace, SIGKILL, all to the group. False: it is still there. */
static bool end_group(struct child *c)
{
	int64_t grace = c->spawn->grace_ms > 0 ? c->spawn->grace_ms : DEFAULT_GRACE_MS;

	c->ending = true;
	(void)kill(-c->pid, SIGTERM);
	if (pump(c, rp_now_ms() + grace, false, NULL) < 0 || !c->reaped) {
		(void)kill(-c->pid, SIGKILL);
		(void)pump(c, rp_now_ms() + UNKILLABLE_MS, false, NULL);
	}
	(void)kill(-c->pid, SIGKILL); /* what the leader left behind in its group */
	return c->reaped;
}

static void fill_exit(struct child *c, struct rp_exit *ret, int64_t started)
{
	const char *tail = rp_buf_cstr(&c->tail);
	size_t n = c->tail.n;

	if (n > RP_SPAWN_TAIL_BYTES) {
		const char *nl;

		tail += n - RP_SPAWN_TAIL_BYTES;
		n = RP_SPAWN_TAIL_BYTES;
		nl = memchr(tail, '\n', n);
		if (nl && nl + 1 < tail + n) {
			n -= (size_t)(nl + 1 - tail);
			tail = nl + 1;
		}
	}
	memcpy(ret->tail, tail, n);
	ret->tail[n] = '\0';
	ret->elapsed_ms = rp_now_ms() - started;
	if (!c->reaped)
		return;
	if (WIFSIGNALED(c->wstatus)) {
		ret->signal = WTERMSIG(c->wstatus);
		ret->status = 128 + ret->signal;
	} else {
		ret->status = WEXITSTATUS(c->wstatus);
	}
}

int rp_spawn_run(const struct rp_ctx *ctx, const struct rp_spawn *spawn, struct rp_exit *ret,
	struct rp_error *err)
{
	struct child c = { .ctx = ctx, .spawn = spawn, .out_fd = -1, .err_fd = -1 };
	struct rp_exit ex = { 0 };
	int64_t started = rp_now_ms();
	int r;

	if (rp_cancelled(ctx))
		return RP_FAIL(err, -ECANCELED, "cancelled before %s", spawn->argv[0]);
	r = start(&c, err);
	if (r < 0)
		return r;
	r = pump(&c, spawn->timeout_ms > 0 ? started + spawn->timeout_ms : -1, true, err);
	if (r < 0) {
		ex.timed_out = r == -ETIMEDOUT;
		ex.unkillable = !end_group(&c);
		if (r == -ETIMEDOUT)
			(void)RP_FAIL(err, r, "%s did not end within %lld ms%s", spawn->argv[0],
				(long long)spawn->timeout_ms,
				ex.unkillable ? " and cannot be killed" : "");
		else if (r == -ECANCELED)
			(void)RP_FAIL(err, r, "%s was cancelled", spawn->argv[0]);
	} else if (c.line.n > 0 && spawn->line) {
		spawn->line(spawn->line_data, rp_buf_cstr(&c.line), c.line.n);
	}
	fill_exit(&c, &ex, started);
	if (r == 0 && spawn->capture)
		r = rp_buf_check(spawn->capture, err);
	rp_close_fd(&c.out_fd);
	rp_close_fd(&c.err_fd);
	rp_buf_free(&c.line);
	rp_buf_free(&c.tail);
	if (ret)
		*ret = ex;
	return r;
}

/* The last line of s that is not blank, for one-line errors. */
static struct rp_span last_line(const char *s)
{
	struct rp_span rest = rp_span_str(s), line, last = rp_span_str("");

	while (rp_span_line(&rest, &line)) {
		line = rp_span_trim(line);
		if (line.n > 0)
			last = line;
	}
	return last;
}

int rp_spawn_check(const struct rp_ctx *ctx, const struct rp_spawn *spawn, struct rp_exit *ret,
	struct rp_error *err)
{
	struct rp_exit ex = { 0 };
	struct rp_span last;
	int r;

	r = rp_spawn_run(ctx, spawn, &ex, err);
	if (ret)
		*ret = ex;
	if (r < 0 || ex.status == 0)
		return r;
	last = last_line(ex.tail);
	if (ex.signal)
		return RP_FAIL(err, -EPROTO, "%s died by signal %d (%s): %.*s", spawn->argv[0],
			ex.signal, strsignal(ex.signal), (int)last.n, (const char *)last.p);
	return RP_FAIL(err, -EPROTO, "%s ended with status %d: %.*s", spawn->argv[0], ex.status,
		(int)last.n, (const char *)last.p);
}
