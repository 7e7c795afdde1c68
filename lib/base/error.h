/* SPDX-License-Identifier: MIT */
/*
 * How every fallible function reports: it returns 0 or a negative errno value,
 * and fills a caller-owned struct rp_error (which may be NULL) with one line
 * that names the object, what was expected and what was found.
 */
#ifndef RP_BASE_ERROR_H
#define RP_BASE_ERROR_H

#include <errno.h>
#include <stdarg.h>

#include "base/macro.h"

struct rp_error {
	int code; /* the negative errno value that was returned; 0: unset */
	const char *where; /* static string: the function that found it */
	char text[512]; /* one line without a newline, always terminated */
};

#define RP_ERROR_INIT       \
	{                   \
		0, NULL, "" \
	}

/* Fills err (if not NULL) and returns code, which must be negative. */
int rp_error_set(struct rp_error *err, int code, const char *where, const char *fmt, ...)
	RP_PRINTF(4, 5);

/* Puts "<formatted>: " before the text that is there. Returns err->code (or code if err is NULL). */
int rp_error_prefix(struct rp_error *err, int code, const char *fmt, ...) RP_PRINTF(3, 4);

/* As rp_error_set, with ": <strerror(-code)>" behind the text. */
int rp_error_errno(struct rp_error *err, int code, const char *where, const char *fmt, ...)
	RP_PRINTF(4, 5);

#define RP_FAIL(err, code, ...)	      rp_error_set((err), (code), __func__, __VA_ARGS__)
#define RP_FAIL_ERRNO(err, code, ...) rp_error_errno((err), (code), __func__, __VA_ARGS__)
#define RP_NOMEM(err)		      rp_error_set((err), -ENOMEM, __func__, "out of memory")

#endif
