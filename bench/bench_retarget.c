/* SPDX-License-Identifier: MIT */
/*
 * Throughput of retarget: bench_retarget DATA [OBJECT...]. Each OBJECT (a code object) is rewritten for gfx1010,
 * then checked, from memory, on one core; time is the processor's, so that a busy machine counts little. Without
 * one: the committed test object, many times.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "retarget/retarget.h"

#define TIMES 300

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct total {
	struct rp_retarget_options options;
	double rewrite_s, check_s;
	uint64_t bytes, instructions;
};

static int one(struct total *t, struct rp_span image, struct rp_error *err)
{
	RP_CLEANUP(rp_codeobj_close) struct rp_codeobj object = { 0 };
	RP_CLEANUP(rp_codeobj_close) struct rp_codeobj made = { 0 };
	RP_CLEANUP(rp_buf_free) struct rp_buf out = RP_BUF_INIT;
	RP_CLEANUP(rp_retarget_report_free) struct rp_retarget_report report = { 0 };
	struct rp_retarget_verified verified;
	double start = now(), middle;
	int r = rp_codeobj_open(image, &object, err);

	if (r == 0)
		r = rp_retarget_object(&object, &t->options, &out, &report, err);
	middle = now();
	if (r == 0)
		r = rp_codeobj_open(rp_buf_span(&out), &made, err);
	if (r == 0)
		r = rp_retarget_verify(&object, &made, &t->options, &verified, err);
	t->rewrite_s += middle - start;
	t->check_s += now() - middle;
	t->bytes += object.text_bytes;
	t->instructions += report.n_instructions;
	return r;
}

static int file(struct total *t, const char *path, unsigned int times)
{
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	struct rp_error err = RP_ERROR_INIT;
	int r = rp_map_open(AT_FDCWD, path, &map, &err);

	for (unsigned int i = 0; r == 0 && i < times; i++)
		r = one(t, map.span, &err);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", path, err.text);
	return r;
}

int main(int argc, char **argv)
{
	struct total t = { .options = { .chip = rp_chip_by_name(rp_span_str("gfx1010")),
				   .trap = true } };
	char path[4096];
	int r = 0;

	if (argc < 2)
		return 2;
	(void)snprintf(
		path, sizeof(path), "%s/../../tests/retarget/data/cases-gfx1030.co", argv[1]);
	if (argc == 2)
		r = file(&t, path, TIMES);
	for (int i = 2; r == 0 && i < argc; i++)
		r = file(&t, argv[i], 1);
	if (r < 0)
		return 1;
	printf("%s: %.1f MB of .text, %llu instructions\n",
		argc > 2 ? "real objects" : "small object, many times", (double)t.bytes / 1e6,
		(unsigned long long)t.instructions);
	printf("rewrite %.0f MB/s, check %.0f MB/s, both %.0f MB/s\n",
		(double)t.bytes / 1e6 / t.rewrite_s, (double)t.bytes / 1e6 / t.check_s,
		(double)t.bytes / 1e6 / (t.rewrite_s + t.check_s));
	return 0;
}
