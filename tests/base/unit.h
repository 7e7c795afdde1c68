/* SPDX-License-Identifier: MIT */
/* What every cmocka test of this project needs: the headers in the order cmocka wants, a scratch folder. */
#ifndef TESTS_BASE_UNIT_H
#define TESTS_BASE_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

/* A new empty folder, removed by the teardown; *state is the open descriptor as intptr_t. */
static char scratch_path[64];

static int RP_UNUSED scratch_setup(void **state)
{
	int fd;

	(void)snprintf(scratch_path, sizeof(scratch_path), "/tmp/rp-unit-XXXXXX");
	if (!mkdtemp(scratch_path))
		return -1;
	fd = open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = (void *)(intptr_t)fd;
	return fd < 0 ? -1 : 0;
}

static int RP_UNUSED scratch_teardown(void **state)
{
	close((int)(intptr_t)*state);
	return rp_remove_tree(AT_FDCWD, scratch_path, NULL);
}

static void RP_UNUSED put_file(int dirfd, const char *name, const char *text)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static unsigned int RP_UNUSED count_entries(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY);
	unsigned int n = 0;
	struct dirent *e;
	DIR *d;

	d = fdopendir(fd);
	assert_non_null(d);
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

#define SCRATCH_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

#endif
