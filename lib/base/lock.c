/* SPDX-License-Identifier: MIT */
/* flock(2) locks; see base/lock.h. */
#include "base/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 50 /* how soon a waiter notices a cancel; locks are held for seconds */

static void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000L };

	(void)nanosleep(&ts, NULL); /* an early wake-up only polls sooner */
}

int rp_lock_take(const struct rp_ctx *ctx, int dirfd, const char *name, int timeout_ms,
	struct rp_lock *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int waited_ms = 0;

	fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "lock file %s", name);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return RP_FAIL_ERRNO(err, -errno, "lock file %s", name);
		if (timeout_ms == 0)
			return RP_FAIL(err, -EWOULDBLOCK, "%s is locked by another run", name);
		if (rp_cancelled(ctx))
			return RP_FAIL(err, -ECANCELED, "cancelled while waiting for %s", name);
		if (timeout_ms > 0 && waited_ms >= timeout_ms)
			return RP_FAIL(err, -ETIMEDOUT, "%s is still locked by another run", name);
		if (waited_ms == 0)
			rp_event_text(ctx, RP_EV_WAIT, "waiting for another run (%s)", name);
		sleep_ms(POLL_MS);
		waited_ms += POLL_MS;
	}
	ret->fd = rp_steal_fd(&fd);
	return 0;
}

void rp_lock_drop(struct rp_lock *lock)
{
	rp_close_fd(&lock->fd);
}
