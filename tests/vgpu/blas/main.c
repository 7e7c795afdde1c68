/* SPDX-License-Identifier: MIT */
/*
 * rocBLAS by value: each function's results against what long double arithmetic gives, within bounds that
 * follow from the number of operations.
 *
 *	blas_values [-i] [-v] [-d SECONDS] [-l LEVELS] [PATTERN...]
 *	blas_values time N REPEATS
 *
 * One line for each function: "NAME right|wrong|refused|crash|hang|absent ...", and the counts last. A function runs in
 * a child process: those behind one that crashed or hung go on in a new one, with -i each has its own. Exit
 * status 0 if all were run and right, 1 if not. "time": ms of sgemm N x N x N, checked by a vector.
 */
#include "blas.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_FUNCTIONS 1200

struct function {
	char name[64];
	const struct family *family;
	enum kind kind;
	enum type x, s;
};

static struct function functions[MAX_FUNCTIONS];
static size_t n_functions;

static void prefix_types(const char *p, enum type *x, enum type *s)
{
	static const struct {
		const char *prefix;
		enum type x, s;
	} table[] = { { "h", T_H, T_H }, { "bf", T_B, T_B }, { "s", T_S, T_S }, { "d", T_D, T_D },
		{ "c", T_C, T_C }, { "z", T_Z, T_Z }, { "cs", T_C, T_S }, { "zd", T_Z, T_D },
		{ "sc", T_C, T_S }, { "dz", T_Z, T_D }, { "i8", T_I8, T_I32 }, { "hs", T_H, T_S },
		{ "bfs", T_B, T_S } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(p, table[i].prefix) == 0) {
			*x = table[i].x;
			*s = table[i].s;
			return;
		}
	fprintf(stderr, "prefix %s?\n", p);
	exit(2);
}

static bool matches(const char *name, char **patterns)
{
	for (char **p = patterns; *p; p++)
		if (fnmatch(*p, name, 0) == 0)
			return true;
	return !*patterns;
}

static void add(const struct family *f, const char *prefix, enum kind kind, char **patterns)
{
	static const char *const suffix[KIND_MAX] = { "", "_batched", "_strided_batched" };
	const char *hole = strstr(f->format, "%s");
	struct function *fn = &functions[n_functions];

	(void)snprintf(fn->name, sizeof(fn->name), "%.*s%s%s%s", (int)(hole - f->format), f->format,
		prefix, hole + 2, suffix[kind]);
	fn->family = f;
	fn->kind = kind;
	prefix_types(prefix, &fn->x, &fn->s);
	if (matches(fn->name, patterns) && n_functions + 1 < MAX_FUNCTIONS)
		n_functions++;
}

static void list(const struct family *f, const char *levels, char **patterns)
{
	for (; f->format; f++) {
		char prefixes[32], *save = NULL;

		if (!strchr(levels, '0' + f->level))
			continue;
		(void)snprintf(prefixes, sizeof(prefixes), "%s", f->prefixes);
		for (char *p = strtok_r(prefixes, " ", &save); p; p = strtok_r(NULL, " ", &save))
			for (int k = 0; k < (f->batched ? KIND_MAX : 1); k++)
				add(f, p, (enum kind)k, patterns);
	}
}

static void run_one(const struct function *f, int to)
{
	struct verdict v = { .name = f->name };
	bool there = f->family->cases(&v, f->kind, f->x, f->s);
	const char *word = !there ? "absent" : v.bad ? "wrong" : v.refused ? "refused" : "right";
	char line[256];
	int n = snprintf(line, sizeof(line),
		"%s %s calls=%u refused=%u status=%d values=%zu bad=%zu error/bound=%.2Lg\n",
		f->name, word, v.calls, v.refused, v.status, v.values, v.bad, v.worst);

	if (write(to, line, (size_t)n) != n)
		_exit(9);
}

/* Reads one line; 0: the writer ended, -1: the time is over. */
static int read_line(int fd, char *line, size_t size, int seconds)
{
	struct timespec now;
	size_t n = 0;
	long end;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + seconds;
	while (n + 1 < size) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t r;

		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec >= end || poll(&p, 1, (int)(end - now.tv_sec) * 1000) == 0)
			return -1;
		r = read(fd, line + n, 1);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		if (line[n++] == '\n')
			break;
	}
	line[n] = '\0';
	return n != 0;
}

enum outcome { DONE_RIGHT, WRONG, REFUSED, CRASH, HANG, ABSENT, OUTCOME_MAX };
static const char *const outcome_name[OUTCOME_MAX] = { "right", "wrong", "refused", "crash", "hang",
	"absent" };

static enum outcome outcome_of(const char *line)
{
	for (int i = 0; i < OUTCOME_MAX; i++)
		if (strstr(line, outcome_name[i]) == strchr(line, ' ') + 1)
			return (enum outcome)i;
	return CRASH;
}

/* Functions from first on in one child; returns how many are done. */
static size_t run_child(size_t first, size_t count, int seconds, unsigned int *counts)
{
	char line[256];
	int fds[2], status = 0, r = 1;
	size_t done = 0;
	pid_t pid;

	if (pipe(fds) < 0)
		exit(2);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		for (size_t i = 0; i < count; i++)
			run_one(&functions[first + i], fds[1]);
		_exit(0); /* what the library would do at the end is no part of this */
	}
	(void)close(fds[1]);
	while (done < count && (r = read_line(fds[0], line, sizeof(line), seconds)) > 0) {
		counts[outcome_of(line)]++;
		(void)fputs(line, stdout);
		(void)fflush(stdout);
		done++;
	}
	if (done < count && r < 0)
		(void)kill(pid, SIGKILL);
	(void)close(fds[0]);
	(void)waitpid(pid, &status, 0);
	if (done < count) {
		enum outcome o = r < 0 ? HANG : CRASH;

		counts[o]++;
		printf("%s %s %s=%d\n", functions[first + done].name, outcome_name[o],
			WIFSIGNALED(status) ? "signal" : "exit",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		done++;
	}
	return done;
}

/* C = A B, then C v against A (B v). */
static bool product_is_right(struct array *a, struct array *b, struct array *c, int n)
{
	double *v = calloc((size_t)n * 2, sizeof(*v)), *bv = v + n;
	bool right = v != NULL;

	for (int i = 0; right && i < n; i++)
		v[i] = (i * 37 % 101) / 101.0 - 0.5;
	for (int j = 0; right && j < n; j++)
		for (int i = 0; i < n; i++)
			bv[i] += v[j] * (double)creall(get(
						T_S, b->host, (size_t)j * (size_t)n + (size_t)i));
	for (int i = 0; right && i < n; i++) {
		double want = 0, got = 0, sum = 0;

		for (int j = 0; j < n; j++) {
			size_t at = (size_t)j * (size_t)n + (size_t)i;

			want += bv[j] * (double)creall(get(T_S, a->host, at));
			got += v[j] * (double)creall(get(T_S, c->host, at));
			/* |a| |b| |v| summed over both sums is below n n / 8 on average; each c is off by n eps at most */
			sum += fabs(v[j]) * n / 4;
		}
		right = fabs(want - got) <= n * (double)type_eps(T_S) * sum;
	}
	free(v);
	return right;
}

static int time_gemm(int n, int repeats)
{
	size_t elements = (size_t)n * (size_t)n;
	struct run *r = run_new("time", KIND_PLAIN, false, 1);
	struct array *a = array_new(r, T_S, elements), *b = array_new(r, T_S, elements);
	struct array *c = array_new(r, T_S, elements);
	double ms;

	for (int i = 0; i < 2; i++)
		arg_int(r, OP_N);
	for (int i = 0; i < 3; i++)
		arg_int(r, n);
	arg_scalar(r, T_S, 1);
	arg_array(r, a);
	arg_int(r, n);
	arg_array(r, b);
	arg_int(r, n);
	arg_scalar(r, T_S, 0);
	arg_array(r, c);
	arg_int(r, n);
	ms = run_time(r, "rocblas_sgemm", repeats);
	if (ms < 0 || !array_fetch(c) || !product_is_right(a, b, c, n)) {
		printf("sgemm n=%d wrong\n", n);
		return 1;
	}
	printf("sgemm n=%d ms=%.1f right\n", n, ms);
	run_free(r);
	return 0;
}

int main(int argc, char **argv)
{
	const char *levels = "123";
	unsigned int counts[OUTCOME_MAX] = { 0 };
	bool alone = false;
	int seconds = 120, opt;

	if (argc == 4 && strcmp(argv[1], "time") == 0)
		return time_gemm(atoi(argv[2]), atoi(argv[3]));
	while ((opt = getopt(argc, argv, "id:l:v")) != -1) {
		if (opt == 'i')
			alone = true;
		else if (opt == 'd')
			seconds = atoi(optarg);
		else if (opt == 'l')
			levels = optarg;
		else if (opt == 'v')
			verbose = true;
		else
			return 2;
	}
	list(level1, levels, argv + optind);
	list(level2, levels, argv + optind);
	list(level3, levels, argv + optind);
	for (size_t i = 0; i < n_functions;)
		i += run_child(i, alone ? 1 : n_functions - i, seconds, counts);
	printf("functions=%zu", n_functions);
	for (int i = 0; i < OUTCOME_MAX; i++)
		printf(" %s=%u", outcome_name[i], counts[i]);
	printf("\n");
	return counts[DONE_RIGHT] == n_functions ? 0 : 1;
}
