/* SPDX-License-Identifier: MIT */
/* Every compiled form of every vector kernel gives the same bits as the portable one. */
#include "../base/unit.h"
#include "vgpu/exec/internal.h"

#define ARRAYS 4u
#define GUARD  0xa5a5a5a5u

static uint32_t next(uint64_t *s)
{
	static const uint32_t edges[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x7f800000,
		0xff800000, 0x7fc00001, 0x7f800001, 0xffc12345, 0x00800000, 0x007fffff, 0x80000001,
		0x3f800000, 0xbf800000, 0x4f000000, 0x7c007e01, 0xfc003c00, 0x7ff00000, 0x7ff80000,
		0xfff00000, 0x3ff00000, 0x00100000, 0x04000001, 0x83ff83ff, 31, 64 };
	uint32_t r;

	*s = *s * UINT64_C(6364136223846793005) + 1442695040888963407u;
	r = (uint32_t)(*s >> 33);
	if (r % 5 == 0)
		return edges[r / 5 % RP_ARRAY_SIZE(edges)];
	if (r % 5 == 1)
		return (r & 0x807fffffu) | (100u + (r >> 8) % 60u) << 23;
	return r * 2654435761u ^ r >> 3;
}

struct lanes {
	uint32_t a[ARRAYS * RP_LANES] __attribute__((aligned(64)));
};

static void compare(const struct rp_vkernel *p, const struct rp_vkernel *q)
{
	uint64_t state = 7;

	assert_string_equal(p->name, q->name);
	assert_int_equal(p->flags, q->flags);
	assert_int_equal(p->dst, q->dst);
	for (unsigned int round = 0; round < 400; round++) {
		struct lanes in[3], out[2];
		struct rp_vargs x[2];

		for (unsigned int i = 0; i < 3; i++)
			for (unsigned int k = 0; k < ARRAYS * RP_LANES; k++)
				in[i].a[k] = next(&state);
		for (unsigned int i = 0; i < 2; i++) {
			for (unsigned int k = 0; k < ARRAYS * RP_LANES; k++)
				out[i].a[k] = GUARD;
			x[i] = (struct rp_vargs){ .d = out[i].a,
				.a = in[0].a,
				.b = in[1].a,
				.c = in[2].a,
				.mask_in = (uint32_t)state,
				.half = round & 1,
				.clamp = p->flags & RP_K_CLAMP ? round >> 1 & 1 : 0,
				.ieee = round >> 2 & 1,
				.round16 = round & 3 };
		}
		x[1].mask_in = x[0].mask_in;
		p->fn(&x[0]);
		q->fn(&x[1]);
		if (memcmp(&out[0], &out[1], sizeof(out[0])) != 0 ||
			x[0].mask_out != x[1].mask_out) {
			for (unsigned int k = 0; k < ARRAYS * RP_LANES; k++)
				if (out[0].a[k] != out[1].a[k])
					fail_msg("%s lane %u: %08x, portable %08x (a %08x b %08x c "
						 "%08x)",
						p->name, k, out[1].a[k], out[0].a[k], in[0].a[k],
						in[1].a[k], in[2].a[k]);
			fail_msg("%s: masks differ", p->name);
		}
		for (unsigned int k = 2 * RP_LANES; k < ARRAYS * RP_LANES; k++)
			assert_int_equal(out[1].a[k], GUARD); /* nothing behind the result */
	}
}

static void compare_level(const struct rp_kernel_level *level)
{
	for (unsigned int s = 0; s < RP_ARRAY_SIZE(level->sets); s++) {
		assert_int_equal(level->sets[s]->n, rp_kernels_portable.sets[s]->n);
		for (unsigned int i = 0; i < level->sets[s]->n; i++)
			compare(&rp_kernels_portable.sets[s]->kernels[i],
				&level->sets[s]->kernels[i]);
	}
}

static void test_avx2(void **state)
{
	(void)state;
	if (rp_exec_best_level() < RP_EXEC_AVX2) {
		print_message("SKIP: this CPU has no AVX2\n");
		skip();
	}
#if defined(__x86_64__)
	compare_level(&rp_kernels_avx2);
#endif
}

static void test_avx512(void **state)
{
	(void)state;
	if (rp_exec_best_level() < RP_EXEC_AVX512) {
		print_message("SKIP: this CPU has no AVX-512\n");
		skip();
	}
#if defined(__x86_64__)
	compare_level(&rp_kernels_avx512);
#endif
}

/* offsets, gather and scatter of a level against a byte at a time. */
static void memory_ops(
	const struct rp_lane_ops *ops, unsigned int n, uint32_t mask, uint64_t *state)
{
	uint8_t memory[1024], plain[1024];
	struct lanes a, off, d, s;
	uint32_t low = next(state), bits, most, all = 0, top = 0;

	for (unsigned int i = 0; i < sizeof(memory); i++)
		memory[i] = plain[i] = (uint8_t)next(state);
	for (unsigned int k = 0; k < ARRAYS * RP_LANES; k++)
		s.a[k] = next(state), d.a[k] = GUARD;
	for (unsigned int i = 0; i < RP_LANES; i++) {
		/* inactive lanes hold what would be far outside */
		a.a[i] = mask >> i & 1 ? low + next(state) % (1024 - 4 * n) : next(state);
		if (mask >> i & 1)
			all |= a.a[i] - low, top = a.a[i] - low > top ? a.a[i] - low : top;
	}
	most = ops->offsets(off.a, a.a, low, mask, &bits);
	assert_int_equal(most, top);
	assert_int_equal(bits, all);
	ops->gather(d.a, memory, off.a, n);
	for (unsigned int i = 0; i < RP_LANES; i++)
		for (unsigned int k = 0; k < ARRAYS; k++)
			if (k < n && mask >> i & 1)
				assert_memory_equal(
					&d.a[k * RP_LANES + i], memory + (a.a[i] - low) + 4 * k, 4);
			else if (k >= n)
				assert_int_equal(d.a[k * RP_LANES + i], GUARD);
	for (unsigned int i = 0; i < RP_LANES; i++)
		for (unsigned int k = 0; k < n && mask >> i & 1; k++)
			memcpy(plain + (a.a[i] - low) + 4 * k, &s.a[k * RP_LANES + i], 4);
	ops->scatter(memory, off.a, s.a, mask, n);
	assert_memory_equal(memory, plain, sizeof(memory));
}

static void test_memory_ops(void **unused)
{
	static const struct rp_kernel_level *const levels[] = {
		&rp_kernels_portable,
#if defined(__x86_64__)
		&rp_kernels_avx2,
		&rp_kernels_avx512
#endif
	};
	uint64_t state = 11;

	(void)unused;
	for (unsigned int level = 0; level <= (unsigned int)rp_exec_best_level(); level++)
		for (unsigned int round = 0; round < 2000; round++) {
			const struct rp_kernel_level *l = levels[level];
			uint32_t mask = next(&state) | 1u << round % 32;

			memory_ops(l->ops, 1 + round % 4, round & 8 ? UINT32_MAX : mask, &state);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory_ops),
		cmocka_unit_test(test_avx2), cmocka_unit_test(test_avx512) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
