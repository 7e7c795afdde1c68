/* SPDX-License-Identifier: MIT */
/*
 * Speed of the executor on one core: a register-bound loop of v_fmac_f32, a memory-bound loop of
 * global loads, adds and stores, and two kernels that clang compiled, for each compiled form, with the ratio to the
 * portable one; scaling on two threads; decoding.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../tests/exec/gpu.h"
#include "clang_kernels.h"

#define GROUPS 8u
#define LOOPS  4000u

static double clock_seconds(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of this thread's processor time, so that a busy machine counts less; one thread runs on the caller. */
static double seconds(void)
{
	return clock_seconds(CLOCK_THREAD_CPUTIME_ID);
}

/* s_movk_i32 s4, LOOPS; loop: the words; s_sub_u32 s4, s4, 1; s_cmp_lg_u32 s4, 0; s_cbranch_scc1 loop; s_endpgm */
static size_t loop_of(const uint32_t *body, size_t n, uint32_t *code)
{
	size_t at = 0;

	code[at++] = 0x34020082; /* v_lshlrev_b32 v1, 2, v0 */
	code[at++] = 0xb0040000 | LOOPS;
	memcpy(code + at, body, 4 * n);
	at += n;
	code[at++] = 0x80848104;
	code[at++] = 0xbf078004;
	code[at] = 0xbf850000 | (uint16_t)(-(int)n - 3);
	at++;
	code[at++] = 0xbf810000;
	return at;
}

/* Lane operations per second of work instructions a turn of the loop. */
static double run(enum rp_exec_level level, enum rp_exec_hazards hazards, const uint32_t *body,
	size_t n, unsigned int work)
{
	struct rp_error err = RP_ERROR_INIT;
	struct rp_exec_dispatch d = { 0 };
	struct rp_exec_fault fault;
	uint32_t code[256];
	size_t words = loop_of(body, n, code);
	double start, best = 1e9;
	struct gpu g;

	if (gpu_open(&g, "gfx1010", level, 1, hazards, &err) < 0) {
		fprintf(stderr, "bench_exec: %s\n", err.text);
		exit(1);
	}
	d.entry = gpu_alloc(&g, 4096);
	d.kernarg = gpu_alloc(&g, 65536);
	memset(gpu_host(&g, d.entry), 0, 4096);
	memcpy(gpu_host(&g, d.entry), code, 4 * words);
	memset(gpu_host(&g, d.kernarg), 0, 65536);
	d.descriptor.rsrc2 = 2 << 1;
	d.descriptor.rsrc1 = 0xf0 << 12;
	d.descriptor.properties = 1 << 10 | 1 << 3;
	d.group[0] = 32;
	d.grid[0] = 32 * GROUPS;
	for (unsigned int round = 0; round < 5; round++) {
		start = seconds();
		if (rp_exec_dispatch(g.x, &d, NULL, &fault, &err) < 0) {
			fprintf(stderr, "bench_exec: %s\n", err.text);
			exit(1);
		}
		if (seconds() - start < best)
			best = seconds() - start;
	}
	gpu_close(&g);
	return (double)work * LOOPS * GROUPS * 32 / best;
}

/* Lane operations per second of a kernel that clang compiled: s[4:5] kernel arguments, s6 the work-group, v0 the lane. */
static double compiled(
	enum rp_exec_level level, const uint32_t *words, size_t n, unsigned int threads, bool count)
{
	enum { TURNS = 2000, WORK_GROUPS = 16, WORK = 8 };
	struct rp_error err = RP_ERROR_INIT;
	struct rp_exec_dispatch d = { 0 };
	struct rp_exec_fault fault;
	struct rp_exec_report report = { 0 };
	struct {
		uint64_t p;
		int32_t n;
	} args;
	double best = 1e9;
	struct gpu g;

	if (gpu_open(&g, "gfx1010", level, threads, RP_EXEC_HAZARDS_OFF, &err) < 0) {
		fprintf(stderr, "bench_exec: %s\n", err.text);
		exit(1);
	}
	if (count)
		report.count = calloc(rp_isa_n_rows, sizeof(*report.count));
	d.entry = gpu_alloc(&g, 4096);
	d.kernarg = gpu_alloc(&g, 4096);
	args.p = gpu_alloc(&g, 16u << 20);
	args.n = TURNS;
	memcpy(gpu_host(&g, d.entry), words, 4 * n);
	memcpy(gpu_host(&g, d.kernarg), &args, 12);
	memset(gpu_host(&g, args.p), 0, 16u << 20);
	d.descriptor.rsrc2 = 6 << 1 | 1 << 7;
	d.descriptor.rsrc1 = 0xf0 << 12;
	d.descriptor.properties = 1 << 10 | 1 << 3 | 1;
	d.group[0] = 32;
	d.grid[0] = 32 * WORK_GROUPS;
	for (unsigned int round = 0; round < 7; round++) {
		clockid_t clock = threads > 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID;
		double start = clock_seconds(clock);

		if (rp_exec_dispatch(g.x, &d, &report, &fault, &err) < 0) {
			fprintf(stderr, "bench_exec: %s\n", err.text);
			exit(1);
		}
		if (clock_seconds(clock) - start < best)
			best = clock_seconds(clock) - start;
	}
	free(report.count);
	gpu_close(&g);
	return (double)WORK * TURNS * WORK_GROUPS * 32 / best;
}

/*
 * Straight-line code of 10 MB, executed once: everything is decoded. ns per instruction, ms for all of it, and of
 * these what the second run takes, which decodes nothing.
 */
static void decoding(void)
{
	/* v_fma_f32 v8, v2, v3, v8; v_add_nc_u32 v2, 1, v2; s_add_u32 s4, s4, 4; v_mul_f32 v5, v6, v7 */
	static const uint32_t words[] = { 0xd54b0008, 0x04220702, 0x4a040481, 0x80048404,
		0x100a0f06 };
	const size_t bytes = (size_t)10 << 20, n = bytes / sizeof(words);
	struct rp_error err = RP_ERROR_INIT;
	struct rp_exec_dispatch d = { 0 };
	struct rp_exec_fault fault;
	double t[3];
	uint8_t *at;
	struct gpu g;

	if (gpu_open(&g, "gfx1010", rp_exec_best_level(), 1, RP_EXEC_HAZARDS_OFF, &err) < 0) {
		fprintf(stderr, "bench_exec: %s\n", err.text);
		exit(1);
	}
	d.entry = gpu_alloc(&g, bytes + 4096);
	at = gpu_host(&g, d.entry);
	for (size_t i = 0; i < n; i++, at += sizeof(words))
		memcpy(at, words, sizeof(words));
	memcpy(at, &(uint32_t){ 0xbf810000 }, 4);
	d.descriptor.rsrc1 = 0xf0 << 12;
	d.descriptor.properties = 1 << 10;
	d.group[0] = d.grid[0] = 32;
	for (unsigned int round = 0; round < 2; round++) {
		t[round] = seconds();
		if (rp_exec_dispatch(g.x, &d, NULL, &fault, &err) < 0) {
			fprintf(stderr, "bench_exec: %s\n", err.text);
			exit(1);
		}
		t[round] = seconds() - t[round];
	}
	printf("exec decode    10 MB, %zu instructions: first run %.0f ms, second %.0f ms: %.0f ns "
	       "to decode an instruction\n",
		4 * n, t[0] * 1e3, t[1] * 1e3, (t[0] - t[1]) * 1e9 / (double)(4 * n));
	gpu_close(&g);
}

int main(void)
{
	uint32_t fma[64], memory[64];
	size_t n = 0;
	double portable[2] = { 0, 0 };

	for (uint32_t i = 0; i < 32; i++) /* v_fmac_f32 v(8+i%16), v(2+i%4), v(4+i%4) */
		fma[i] = 0x56000000 | (8 + i % 16) << 17 | (4 + i % 4) << 9 | (256 + 2 + i % 4);
	for (uint32_t i = 0; i < 8; i++) {
		memory[n++] = 0xdc308000 | i * 128; /* global_load_dword v2, v1, s[0:1] offset */
		memory[n++] = 0x02000001;
		memory[n++] = 0x4a040481; /* v_add_nc_u32 v2, 1, v2 */
		memory[n++] = 0xdc708000 | i * 128; /* global_store_dword v1, v2, s[0:1] */
		memory[n++] = 0x00000201;
	}
	for (unsigned int level = 0; level <= (unsigned int)rp_exec_best_level(); level++) {
		enum rp_exec_level l = (enum rp_exec_level)level;
		double f = run(l, RP_EXEC_HAZARDS_OFF, fma, 32, 32),
		       m = run(l, RP_EXEC_HAZARDS_OFF, memory, n, 24),
		       fw = run(l, RP_EXEC_HAZARDS_WARN, fma, 32, 32),
		       mw = run(l, RP_EXEC_HAZARDS_WARN, memory, n, 24);

		if (level == RP_EXEC_PORTABLE)
			portable[0] = f, portable[1] = m;
		printf("exec %-8s  v_fmac_f32 %.2f G lane-op/s (%.1fx portable)  load, add, store "
		       "%.2f G lane-op/s (%.1fx)\n",
			rp_exec_level_name((enum rp_exec_level)level), f * 1e-9, f / portable[0],
			m * 1e-9, m / portable[1]);
		printf("exec %-8s  with hazard checks %.2f and %.2f G lane-op/s\n",
			rp_exec_level_name(l), fw * 1e-9, mw * 1e-9);
	}
	for (unsigned int level = 0; level <= (unsigned int)rp_exec_best_level(); level++) {
		enum rp_exec_level l = (enum rp_exec_level)level;
		double f = compiled(l, clang_fma_loop, RP_ARRAY_SIZE(clang_fma_loop), 1, false),
		       m = compiled(l, clang_axpy, RP_ARRAY_SIZE(clang_axpy), 1, false);

		if (level == RP_EXEC_PORTABLE)
			portable[0] = f, portable[1] = m;
		printf("exec %-8s  clang's fma loop %.2f G lane-op/s (%.1fx portable)  axpy %.2f G "
		       "lane-op/s "
		       "(%.1fx)\n",
			rp_exec_level_name(l), f * 1e-9, f / portable[0], m * 1e-9,
			m / portable[1]);
		if (l == rp_exec_best_level())
			printf("exec %-8s  with opcodes counted %.2f and %.2f G lane-op/s\n",
				rp_exec_level_name(l),
				1e-9 * compiled(l, clang_fma_loop, RP_ARRAY_SIZE(clang_fma_loop), 1,
					       true),
				1e-9 * compiled(l, clang_axpy, RP_ARRAY_SIZE(clang_axpy), 1, true));
		if (l == rp_exec_best_level())
			/* by the processor time of both: what two free processors would give */
			printf("exec %-8s  two threads do %.2fx and %.2fx the work of one, by "
			       "processor time\n",
				rp_exec_level_name(l),
				2 *
					compiled(l, clang_fma_loop, RP_ARRAY_SIZE(clang_fma_loop),
						2, false) /
					f,
				2 * compiled(l, clang_axpy, RP_ARRAY_SIZE(clang_axpy), 2, false) /
					m);
	}
	decoding();
	return 0;
}
