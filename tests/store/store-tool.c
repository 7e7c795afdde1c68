/* SPDX-License-Identifier: MIT */
/* store-tool PREFIX ID [BYTES]: stages a small tree (and a file of BYTES bytes) and publishes it. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

static int fill(const char *path, const char *id, size_t big_bytes, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	RP_CLEANUP(rp_close_fd) int lib = -1;
	RP_CLEANUP(rp_buf_free) struct rp_buf big = RP_BUF_INIT;
	int r;

	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", path);
	r = rp_mkdirs(fd, "lib", 0755, err);
	if (r < 0)
		return r;
	lib = openat(fd, "lib", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lib < 0)
		return RP_FAIL_ERRNO(err, -errno, "lib");
	r = rp_publish_file(lib, "libx.so.1", 0644, rp_span_str(id), err);
	if (r == 0)
		r = rp_publish_symlink(lib, "libx.so", "libx.so.1", err);
	while (big.n < big_bytes && !big.failed)
		rp_buf_adds(
			&big, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n");
	if (r == 0 && big_bytes > 0)
		r = rp_buf_check(&big, err);
	if (r == 0 && big_bytes > 0)
		r = rp_publish_file(lib, "big", 0644, rp_buf_span(&big), err);
	return r;
}

int main(int argc, char **argv)
{
	RP_CLEANUP(rp_store_close) struct rp_store st = RP_STORE_INIT;
	RP_CLEANUP(rp_free_p) char *path = NULL;
	RP_CLEANUP(rp_free_p) char *info = NULL;
	struct rp_error err = RP_ERROR_INIT;
	int r;

	if (argc < 3)
		return 2;
	info = rp_asprintf(
		"[generation]\nversion = 1\nkey = %s\ncreated = 2026-01-01T00:00:00Z\n", argv[2]);
	r = info ? rp_store_open(NULL, argv[1], RP_STORE_CREATE, &st, &err) : RP_NOMEM(&err);
	if (r == 0)
		r = rp_store_stage(&st, argv[2], &path, &err);
	if (r == 0)
		r = fill(path, argv[2], argc > 3 ? strtoul(argv[3], NULL, 10) : 0, &err);
	if (r == 0)
		r = rp_store_publish(NULL, &st, argv[2], rp_span_str(info), NULL, &err);
	if (r < 0)
		fprintf(stderr, "store-tool: %s\n", err.text);
	return r < 0 ? 1 : 0;
}
