/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <stdatomic.h>

#include "base/parallel.h"
#include "unit.h"

struct pool {
	atomic_uint next, calls[RP_MAX_THREADS];
	unsigned int total;
	atomic_uint done;
};

static void work(void *data, unsigned int thread)
{
	struct pool *p = data;

	atomic_fetch_add(&p->calls[thread], 1);
	while (atomic_fetch_add(&p->next, 1) < p->total)
		atomic_fetch_add(&p->done, 1);
}

static void test_everything_is_done_once(void **state)
{
	static const unsigned int counts[] = { 0, 1, 2, 7, RP_MAX_THREADS, 1000 };

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(counts); i++) {
		struct pool p = { .total = 5000 };
		unsigned int n = counts[i] ? counts[i] : 1, seen = 0;

		rp_parallel(counts[i], work, &p);
		assert_int_equal(atomic_load(&p.done), 5000);
		for (unsigned int t = 0; t < RP_MAX_THREADS; t++) {
			assert_true(atomic_load(&p.calls[t]) <= 1);
			seen += atomic_load(&p.calls[t]);
		}
		assert_int_equal(atomic_load(&p.calls[0]), 1); /* the caller takes part */
		assert_true(seen <= (n < RP_MAX_THREADS ? n : RP_MAX_THREADS));
	}
}

/* Threads really run beside each other: each waits until the other has come. */
static void meet(void *data, unsigned int thread)
{
	atomic_uint *here = data;

	(void)thread;
	atomic_fetch_add(here, 1);
	while (atomic_load(here) < 2)
		(void)sched_yield();
}

static void test_at_once(void **state)
{
	atomic_uint here = 0;

	(void)state;
	rp_parallel(2, meet, &here);
	assert_int_equal(atomic_load(&here), 2);
}

static void test_cpu_count(void **state)
{
	cpu_set_t all, one;
	int first = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(rp_cpu_count(), CPU_COUNT(&all));
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(rp_cpu_count(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_done_once),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_cpu_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
