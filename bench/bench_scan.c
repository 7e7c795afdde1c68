/* SPDX-License-Identifier: MIT */
/*
 * Throughput of scan: bench_scan [DATA] [FILE...]. A FILE is an object that lib/codeobj can open; all of its gfx10
 * code is scanned for gfx1010, from memory, on one core. Without one: generated code with
 * branches, memory and vector instructions. If llvm-objdump-19 is there, it disassembles the same code once,
 * and the ratio is printed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "scan/scan.h"

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* In about the proportions of compiled kernels. */
static const uint32_t mix[][3] = {
	{ 0x06143d14, 0, 1 },
	{ 0xd54b000a, 0x04a23d14, 2 },
	{ 0x4a1402ff, 0x00012345, 2 },
	{ 0xdc308004, 0x047d0008, 2 },
	{ 0xbf8c3f70, 0, 1 },
	{ 0xd8d80008, 0x0c000002, 2 },
	{ 0x80103020, 0, 1 },
	{ 0x7d0a3d14, 0, 1 },
	{ 0x56143d14, 0, 1 },
	{ 0xf4080404, 0xfa000010, 2 },
	{ 0xd70f6a0a, 0x00023d14, 2 },
	{ 0x7e140314, 0, 1 },
	{ 0xe0301008, 0x03020402, 2 },
	{ 0x50143d14, 0, 1 },
	{ 0x361402f9, 0x06060614, 2 },
	{ 0xbe800380, 0, 1 },
};

#define SAMPLE_BYTES   (UINT64_C(2) << 20) /* for llvm-objdump */
#define FUNCTION_BYTES 6400u /* the average kernel of Debian's libraries */

struct total {
	struct rp_scanner scanner;
	struct rp_scan_options options;
	uint64_t bytes, instructions, findings;
};

static void scan_one(
	struct total *t, const struct rp_chip *chip, struct rp_span code, struct rp_scan_mode mode)
{
	struct rp_error err = RP_ERROR_INIT;
	struct rp_scan_function fn;

	if (rp_scan_code(&t->scanner, &t->options, chip, code, mode, &fn, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	t->bytes += code.n;
	t->instructions += fn.n_instructions;
	for (unsigned int c = 0; c < RP_SCAN_CLASS_MAX; c++)
		t->findings += fn.n[c];
}

static int on_object(void *data, const struct rp_codeobj_place *place, struct rp_codeobj *o,
	struct rp_error *err)
{
	struct total *t = data;

	(void)place;
	(void)err;
	for (size_t i = 0; i < o->n_functions; i++)
		scan_one(t, o->chip, o->functions[i].code, rp_scan_mode_of(o, i));
	return 0;
}

static bool on_want(
	void *data, const struct rp_codeobj_place *place, const struct rp_codeobj *header)
{
	(void)data;
	(void)place;
	return header->chip && header->chip->isa;
}

static int on_damage(void *data, const struct rp_codeobj_place *place,
	const struct rp_error *damage, struct rp_error *err)
{
	(void)data;
	(void)err;
	fprintf(stderr, "%s: %s\n", place->path, damage->text);
	return 0;
}

static void scan_file(struct total *t, const char *path)
{
	struct rp_codeobj_visitor v = {
		.want = on_want, .object = on_object, .damage = on_damage, .data = t
	};
	struct rp_error err = RP_ERROR_INIT;

	if (rp_codeobj_find(NULL, AT_FDCWD, path, NULL, &v, NULL, &err) < 0)
		fprintf(stderr, "%s\n", err.text);
}

static uint8_t *generate(size_t n)
{
	unsigned int seed = 1;
	uint8_t *code = malloc(n);

	for (size_t k = 0; code && k + 8 <= n;) {
		static const uint32_t branch[3] = { 0xbf840002, 0, 1 }; /* one of 64 */
		uint32_t r = (seed = seed * 1103515245u + 12345u) >> 16;
		const uint32_t *m = r >> 4 & 63 ? mix[r & 15] : branch;

		for (size_t b = 0; b < 4 * m[2]; b++)
			code[k++] = (uint8_t)(m[b / 4] >> (8 * (b % 4)));
		for (; n - k < 8 && k < n; k++)
			code[k] = 0;
	}
	return code;
}

static double report(const char *what, struct total *t, double seconds)
{
	printf("scan %s: %.1f MB of code, %.1f M instructions, %llu findings, %.0f MB/s\n", what,
		(double)t->bytes / 1e6, (double)t->instructions / 1e6,
		(unsigned long long)t->findings, (double)t->bytes / 1e6 / seconds);
	return (double)t->bytes / 1e6 / seconds;
}

/* 0 if the program ran and ended well; what it prints is dropped. */
static bool run(const char *const *argv)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
	struct rp_spawn spawn = RP_SPAWN_INIT;
	struct rp_error err = RP_ERROR_INIT;

	spawn.argv = argv;
	spawn.env = env;
	if (rp_spawn_check(NULL, &spawn, NULL, &err) == 0)
		return true;
	printf("no comparison with llvm-objdump-19: %s\n", err.text);
	return false;
}

/* llvm-objdump -d of the same code, as an object file: megabytes a second; 0: could not be run. */
static double objdump_speed(const uint8_t *code, size_t n)
{
	char dir[] = "/tmp/bench-scan-XXXXXX", text[64], object[64];
	const char *const assemble[] = { "llvm-mc-19", "-triple=amdgcn-amd-amdhsa", "-mcpu=gfx1030",
		"-filetype=obj", "-o", object, text, NULL };
	const char *const disassemble[] = { "llvm-objdump-19", "-d", "--mcpu=gfx1030", object,
		NULL };
	double start, speed = 0;
	FILE *f;

	if (!mkdtemp(dir))
		return 0;
	(void)snprintf(text, sizeof(text), "%s/code.s", dir);
	(void)snprintf(object, sizeof(object), "%s/code.o", dir);
	f = fopen(text, "w");
	for (size_t i = 0; f && i + 4 <= n; i += 4)
		fprintf(f, ".long 0x%02x%02x%02x%02x\n", code[i + 3], code[i + 2], code[i + 1],
			code[i]);
	if (f && fclose(f) == 0 && run(assemble)) {
		start = now();
		if (run(disassemble))
			speed = (double)n / 1e6 / (now() - start);
	}
	(void)unlink(text);
	(void)unlink(object);
	(void)rmdir(dir);
	return speed;
}

int main(int argc, char **argv)
{
	struct total t = { .scanner = RP_SCANNER_INIT,
		.options = { .chip = rp_chip_by_name(rp_span_str("gfx1010")) } };
	const struct rp_chip *code_chip = rp_chip_by_name(rp_span_str("gfx1030"));
	const size_t n = (size_t)16 << 20;
	uint8_t *code;
	double start, speed, dump;

	for (int i = 2; i < argc; i++) {
		for (int round = 0; round < 2; round++) { /* the second one is warm */
			t.bytes = t.instructions = t.findings = 0;
			start = now();
			scan_file(&t, argv[i]);
		}
		(void)report(argv[i], &t, now() - start);
	}
	code = generate(n);
	if (argc > 2 || !code) {
		free(code);
		rp_scanner_free(&t.scanner);
		return code ? 0 : 1;
	}
	for (int round = 0; round < 3; round++) {
		t.bytes = t.instructions = t.findings = 0;
		start = now();
		for (size_t off = 0; off + FUNCTION_BYTES <= n; off += FUNCTION_BYTES)
			scan_one(&t, code_chip, rp_span_of(code + off, FUNCTION_BYTES),
				(struct rp_scan_mode){ .wgp = true });
	}
	speed = report("generated code", &t, now() - start);
	dump = objdump_speed(code, SAMPLE_BYTES);
	if (dump > 0)
		printf("llvm-objdump-19 on a part of it: %.2f MB/s; scan is %.0f times as fast\n",
			dump, speed / dump);
	free(code);
	rp_scanner_free(&t.scanner);
	return 0;
}
