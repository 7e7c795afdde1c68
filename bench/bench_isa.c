/* SPDX-License-Identifier: MIT */
/*
 * Throughput of the decoder, of the register sets and of the printer: bench_isa [FILE...]. A file is
 * raw gfx10 machine code (.text of a code object); without one a mix of encodings is generated.
 */
#include <stdio.h>
#include <time.h>

#include "base/macro.h"
#include "isa/isa.h"

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* In about the proportions of compiled kernels: mostly VALU, then memory, scalar and waits. */
static const uint32_t mix[][3] = {
	{ 0x06143d14, 0, 1 },
	{ 0xd54b000a, 0x04a23d14, 2 },
	{ 0x56143d14, 0, 1 },
	{ 0x4a1402ff, 0x00012345, 2 },
	{ 0xdc308004, 0x047d0008, 2 },
	{ 0xbf8c3f70, 0, 1 },
	{ 0xd8d80008, 0x0c000002, 2 },
	{ 0x80103020, 0, 1 },
	{ 0x7d0a3d14, 0, 1 },
	{ 0xbf840002, 0, 1 },
	{ 0xf4080404, 0xfa000010, 2 },
	{ 0xd70f6a0a, 0x00023d14, 2 },
	{ 0x50143d14, 0, 1 },
	{ 0x7e140314, 0, 1 },
	{ 0xe0301008, 0x03020402, 2 },
	{ 0x361402f9, 0x06060614, 2 },
};

static uint8_t *generate(size_t *ret_n)
{
	size_t cap = 16 << 20, n = 0;
	uint8_t *code = malloc(cap);
	unsigned int seed = 1;

	if (!code)
		return NULL;
	while (n + 8 <= cap) {
		const uint32_t *m = mix[(seed = seed * 1103515245u + 12345u) >> 16 & 15];

		for (size_t k = 0; k < 4 * m[2]; k++)
			code[n++] = (uint8_t)(m[k / 4] >> (8 * (k % 4)));
	}
	*ret_n = n;
	return code;
}

static uint8_t *load(const char *path, size_t *ret_n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *code = NULL;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) <= 0 || fseek(f, 0, SEEK_SET)) {
		perror(path);
		exit(1);
	}
	code = malloc((size_t)size);
	if (!code || fread(code, 1, (size_t)size, f) != (size_t)size) {
		perror(path);
		exit(1);
	}
	(void)fclose(f);
	*ret_n = (size_t)size;
	return code;
}

enum what { DECODE, SETS, PRINT };

static void run(const char *name, enum what what, const uint8_t *code, size_t n)
{
	static const char *const names[] = { "decode", "decode + scalar sets", "decode + print" };
	struct rp_isa_target t = { RP_ISA_GFX1030, false };
	struct rp_span span = rp_span_of(code, n);
	double start = now(), seconds;
	unsigned long instructions = 0, rounds = 0;
	char text[RP_ISA_TEXT_MAX];
	struct rp_isa_inst inst;
	struct rp_isa_regs regs;
	uint64_t sum = 0;

	do {
		for (size_t off = 0; off < n; off += inst.bytes, instructions++) {
			(void)rp_isa_decode(&t, span, off, &inst);
			sum += inst.flags + inst.row;
			if (what == SETS) {
				rp_isa_scalar_regs(&t, &inst, &regs);
				sum += regs.write.b[0];
			} else if (what == PRINT) {
				sum += rp_isa_print(&t, &inst, NULL, text, sizeof(text));
			}
		}
		rounds++;
		seconds = now() - start;
	} while (seconds < 1.0);
	printf("%s: %s: %.0f MB/s, %.1f M instructions/s (%08x)\n", name, names[what],
		(double)n * (double)rounds / seconds / 1e6, (double)instructions / seconds / 1e6,
		(unsigned int)(sum &
			       0xffffffff)); /* uses the results: nothing may be optimized away */
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc || (i == 1 && argc == 1); i++) {
		size_t n = 0;
		RP_CLEANUP(rp_free_p) uint8_t *code = argc > 1 ? load(argv[i], &n) : generate(&n);
		const char *name = argc > 1 ? argv[i] : "generated mix";

		if (!code)
			return 1;
		run(name, DECODE, code, n);
		run(name, SETS, code, n);
		run(name, PRINT, code, n);
	}
	return 0;
}
