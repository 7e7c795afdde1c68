/* SPDX-License-Identifier: MIT */
/*
 * Calls lib/source for the tests: source-tool plan|fetch|unpack CACHE ROOT SOURCE [DEST]
 * Option --offline first. Prints "identity", "version", "choice" and "cached" lines; an error is
 * printed as "errno-name: text" and ends with 1.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "source/source.h"

extern char **environ;

static int fail(int r, const struct rp_error *err)
{
	printf("%s: %s\n", strerrorname_np(-r), err->text);
	return 1;
}

int main(int argc, char **argv)
{
	RP_CLEANUP(rp_source_state_free) struct rp_source_state st = RP_SOURCE_STATE_INIT;
	RP_CLEANUP(rp_source_free) struct rp_source src = RP_SOURCE_INIT;
	RP_CLEANUP(rp_root_close) struct rp_root root = RP_ROOT_INIT;
	struct rp_source_env env = { .root = &root, .env = (const char *const *)environ };
	struct rp_error err = RP_ERROR_INIT;
	struct rp_ctx ctx = { NULL, NULL, NULL };
	int r;

	if (argc > 1 && strcmp(argv[1], "--offline") == 0) {
		env.offline = true;
		argv++;
		argc--;
	}
	if (argc < 5)
		return 2;
	if (strcmp(argv[1], "archive") == 0) { /* archive - - ARCHIVE DEST */
		r = rp_archive_unpack(&ctx, argv[4], AT_FDCWD, argv[5], -1, &err);
		return r < 0 ? fail(r, &err) : 0;
	}
	env.cache_dir = argv[2];
	r = rp_root_open(argv[3], &root, &err);
	if (r == 0)
		r = rp_source_from_text(argv[4], &src, &err);
	if (r == 0 && strcmp(argv[1], "plan") == 0)
		r = rp_source_plan(&ctx, &env, &src, &st, &err);
	else if (r == 0)
		r = rp_source_fetch(&ctx, &env, &src, &st, &err);
	if (r == 0 && strcmp(argv[1], "unpack") == 0) {
		r = rp_source_verify(&ctx, &env, &src, &st, &err);
		if (r == 0)
			r = rp_source_unpack(&ctx, &env, &src, &st, AT_FDCWD, argv[5], &err);
	}
	if (r < 0)
		return fail(r, &err);
	printf("identity %s\nversion %s\nchoice %s\ncached %d\ndownload %llu\nobject %s\n",
		st.identity, st.version, st.choice ? st.choice : "-", st.cached,
		(unsigned long long)st.download_bytes, st.object);
	return 0;
}
