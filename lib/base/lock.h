/* SPDX-License-Identifier: MIT */
/* Whole-state locks between processes: flock(2) on a file in the state directory. */
#ifndef RP_BASE_LOCK_H
#define RP_BASE_LOCK_H

#include "base/error.h"
#include "base/event.h"

struct rp_lock {
	int fd;
};

#define RP_LOCK_INIT \
	{            \
		-1   \
	}

/*
 * Takes dirfd/name exclusively. If somebody else holds it: -EWOULDBLOCK when
 * timeout_ms is 0, else one RP_EV_WAIT event and -ETIMEDOUT after timeout_ms
 * (-1: as long as it takes). The lock goes with the descriptor, so with a kill too.
 */
RP_MUST_CHECK int rp_lock_take(const struct rp_ctx *ctx, int dirfd, const char *name,
	int timeout_ms, struct rp_lock *ret, struct rp_error *err);
void rp_lock_drop(struct rp_lock *lock);

#endif
