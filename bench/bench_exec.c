/* SPDX-License-Identifier: MIT */
/*
 * Speed of the executor on one core: a register-bound loop of v_fmac_f32, a memory-bound loop of
 * global loads, adds and stores, for each compiled form, with the ratio to the portable one.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../tests/exec/gpu.h"

#define GROUPS 8u
#define LOOPS  4000u

static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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
	return 0;
}
