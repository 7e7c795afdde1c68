/* SPDX-License-Identifier: MIT */
/* The same work on several threads at once. */
#ifndef RP_PARALLEL_H
#define RP_PARALLEL_H

#define RP_MAX_THREADS 64u

/* Processors that this process may use (its affinity); 1 if that cannot be told. */
unsigned int rp_cpu_count(void);

/*
 * Calls fn(data, i) for i from 0 to n - 1, each on a thread of its own, 0 on the caller's, and returns when
 * all have. n is cut to RP_MAX_THREADS, 0 counts as 1. A thread that cannot be started is left out: fn takes
 * its work from a common pool, so the others do more.
 */
void rp_parallel(unsigned int n, void (*fn)(void *data, unsigned int i), void *data);

#endif
