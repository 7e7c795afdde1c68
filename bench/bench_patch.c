/* SPDX-License-Identifier: MIT */
/*
 * Speed of the patch engine: lexing made-up C source, SHA-256, and, with BENCH_TREE=DIR (a ROCR
 * and HIP source tree), planning all built-in patches over it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "patch/lexer.h"
#include "patch/patch.h"

static double now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int bench_lexer(void)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	RP_CLEANUP(rp_tokens_free) struct rp_tokens t = RP_TOKENS_INIT;
	uint8_t digest[RP_SHA256_BYTES];
	struct rp_sha256 sha;
	double start, lex, hash;

	while (b.n < 32u << 20)
		rp_buf_adds(&b, "  if (flags & hipHostMallocNonCoherent) { /* a comment */ "
				"ihipFlags &= ~CL_MEM; }\n");
	start = now_s();
	if (rp_lex(rp_buf_span(&b), RP_LANG_C, &t, NULL) < 0)
		return 1;
	lex = now_s() - start;
	start = now_s();
	rp_sha256_init(&sha);
	rp_sha256_add(&sha, rp_buf_span(&b));
	rp_sha256_final(&sha, digest);
	hash = now_s() - start;
	printf("lexer: %.0f MB/s, %zu tokens; SHA-256 of the same bytes: %.0f MB/s\n",
		(double)b.n / lex / 1e6, t.n, (double)b.n / hash / 1e6);
	return 0;
}

static int bench_plan(const char *tree, const char *patches)
{
	RP_CLEANUP(rp_patch_list_free) struct rp_patch_list list = RP_PATCH_LIST_INIT;
	RP_CLEANUP(rp_close_fd) int fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct rp_patch *all[64];
	double best = 1e9;

	if (fd < 0 || rp_patch_load(AT_FDCWD, patches, &list, NULL) < 0 || list.n > 64)
		return 1;
	for (size_t i = 0; i < list.n; i++)
		all[i] = &list.v[i];
	for (int run = 0; run < 5; run++) {
		RP_CLEANUP(rp_patch_plan_freep) struct rp_patch_plan *plan = NULL;
		double start = now_s();

		if (rp_patch_plan(NULL, fd, all, list.n, &plan, NULL) < 0)
			return 1;
		if (now_s() - start < best)
			best = now_s() - start;
	}
	printf("plan of %zu patches over %s: %.3f s (best of 5)\n", list.n, tree, best);
	return 0;
}

int main(int argc, char **argv)
{
	const char *tree = getenv("BENCH_TREE");

	if (bench_lexer())
		return 1;
	if (!tree || argc < 2) {
		printf("plan: not measured; set BENCH_TREE to a source tree\n");
		return 0;
	}
	return bench_plan(tree, argv[1]);
}
