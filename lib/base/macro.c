/* SPDX-License-Identifier: MIT */
/* The parts of base/macro.h that need code. */
#include "base/macro.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void rp_close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd); /* nothing to do about a failing close of a descriptor we leave */
	*fd = -1;
	errno = saved;
}

int rp_array_grow(void *parray, size_t *cap, size_t n, size_t elem)
{
	size_t want, bytes;
	void *old, *p;

	if (n < *cap)
		return 0;
	if (!rp_size_add(n, 1, &want))
		return -ENOMEM;
	if (want < 8)
		want = 8;
	if (*cap <= SIZE_MAX / 2 && want < *cap * 2)
		want = *cap * 2;
	if (!rp_size_mul(want, elem, &bytes))
		return -ENOMEM;
	memcpy(&old, parray, sizeof(old));
	p = realloc(old, bytes);
	if (!p)
		return -ENOMEM;
	memcpy(parray, &p, sizeof(p));
	*cap = want;
	/* cppcheck-suppress memleak ; p was stored through parray */
	return 0;
}
