/* SPDX-License-Identifier: MIT */
/*
 * The one way to start another program: argv array, never a shell; explicit
 * environment; stdin from /dev/null; close-on-exec everywhere; own process
 * group; deadline on the monotonic clock (SIGTERM to the group, grace, SIGKILL
 * to the group, bounded wait). A child stuck in the kernel may not die: then
 * -ETIMEDOUT with `unkillable` set, and the caller goes on.
 */
#ifndef RP_BASE_SUBPROCESS_H
#define RP_BASE_SUBPROCESS_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/event.h"
#include "base/strv.h"

#define RP_SPAWN_TAIL_BYTES 4096

struct rp_spawn {
	const char *const *argv; /* argv[0] is searched in PATH of env */
	const char *const *env; /* NULL: an empty environment */
	const char *cwd; /* NULL: this process's */
	int64_t timeout_ms; /* 0: none */
	int64_t grace_ms; /* between SIGTERM and SIGKILL; 0: 2000 */
	int log_fd; /* stdout and stderr go there too; -1: nowhere */
	int stdin_fd; /* -1: /dev/null */
	int keep_fd; /* stays open in the child and what it starts: a lock that outlives us; -1: none */
	bool split_stderr; /* true: only stdout is captured, stderr goes to log and tail */
	struct rp_buf *capture; /* gets the output (borrowed); NULL: only log and tail */
	size_t capture_max; /* more: the child is ended, -EFBIG; 0: 16 MiB */
	uid_t run_as_uid; /* used when run_as is set: setgroups(0), setgid, setuid in the child */
	gid_t run_as_gid;
	bool run_as;
	/* Called for each whole line of output, from the calling thread; may be NULL. */
	void (*line)(void *data, const char *line, size_t n);
	void *line_data;
};

#define RP_SPAWN_INIT                                       \
	{                                                   \
		.log_fd = -1, .stdin_fd = -1, .keep_fd = -1 \
	}

struct rp_exit {
	int status; /* exit code, or 128 + signal */
	int signal; /* 0: exited by itself */
	bool timed_out;
	bool unkillable; /* still there after SIGKILL and the bounded wait */
	int64_t elapsed_ms;
	char tail[RP_SPAWN_TAIL_BYTES + 1]; /* the last output, from the start of a line */
};

/*
 * Starts and waits. 0: the child ended by itself, see ret->status (which may
 * be not 0). -ENOENT, -EACCES...: it could not be started. -ETIMEDOUT: our
 * deadline. -ECANCELED: ctx->cancel; the group was ended. ret may be NULL and
 * is filled, as far as known, for -ETIMEDOUT and -ECANCELED as well.
 */
RP_MUST_CHECK int rp_spawn_run(const struct rp_ctx *ctx, const struct rp_spawn *spawn,
	struct rp_exit *ret, struct rp_error *err);

/* As above, and a child that ends with other than 0 is -EPROTO with its name, status and last lines. */
RP_MUST_CHECK int rp_spawn_check(const struct rp_ctx *ctx, const struct rp_spawn *spawn,
	struct rp_exit *ret, struct rp_error *err);

/* The path of a program in a PATH value, or -ENOENT. ret is owned. */
RP_MUST_CHECK int rp_find_program(
	const char *name, const char *path_env, char **ret, struct rp_error *err);

#endif
