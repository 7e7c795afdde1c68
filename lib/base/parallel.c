/* SPDX-License-Identifier: MIT */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>

unsigned int rp_cpu_count(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) < 0 ? 0 : CPU_COUNT(&set);

	return n > 0 ? (unsigned int)n : 1; /* EINVAL: more processors than a cpu_set_t holds */
}

struct thread {
	pthread_t id;
	void (*fn)(void *data, unsigned int i);
	void *data;
	unsigned int i;
};

static void *thread_main(void *data)
{
	struct thread *t = data;

	t->fn(t->data, t->i);
	return NULL;
}

void rp_parallel(unsigned int n, void (*fn)(void *data, unsigned int i), void *data)
{
	struct thread threads[RP_MAX_THREADS];
	unsigned int started = 1;

	for (; started < n && started < RP_MAX_THREADS; started++) {
		threads[started] = (struct thread){ .fn = fn, .data = data, .i = started };
		if (pthread_create(&threads[started].id, NULL, thread_main, &threads[started]) != 0)
			break;
	}
	fn(data, 0);
	while (started > 1)
		(void)pthread_join(threads[--started].id, NULL); /* fails for a wrong id only */
}
