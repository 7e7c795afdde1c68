/* SPDX-License-Identifier: MIT */
/* Filling struct rp_error; see base/error.h. */
#include "base/error.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* One line: control characters in quoted names must not break the terminal or the log. */
static void make_one_line(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
}

RP_PRINTF(4, 0)
static void vset(struct rp_error *err, int code, const char *where, const char *fmt, va_list ap)
{
	err->code = code;
	err->where = where;
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap); /* a longer line is cut */
	make_one_line(err->text);
}

int rp_error_set(struct rp_error *err, int code, const char *where, const char *fmt, ...)
{
	va_list ap;

	assert(code < 0);
	if (err) {
		va_start(ap, fmt);
		vset(err, code, where, fmt, ap);
		va_end(ap);
	}
	return code;
}

int rp_error_errno(struct rp_error *err, int code, const char *where, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	assert(code < 0);
	if (err) {
		va_start(ap, fmt);
		vset(err, code, where, fmt, ap);
		va_end(ap);
		n = strlen(err->text);
		(void)snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(-code));
	}
	return code;
}

int rp_error_prefix(struct rp_error *err, int code, const char *fmt, ...)
{
	char old[sizeof(err->text)];
	va_list ap;
	size_t n;

	assert(code < 0);
	if (err) {
		memcpy(old, err->text, sizeof(old));
		va_start(ap, fmt);
		(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
		n = strlen(err->text);
		(void)snprintf(err->text + n, sizeof(err->text) - n, ": %s", old);
		make_one_line(err->text);
		err->code = code;
	}
	return code;
}
