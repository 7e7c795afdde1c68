/* SPDX-License-Identifier: MIT */
/*
 * Demangled names of kernels, by the C++ library that the machine has (libstdc++.so.6, loaded when it is
 * asked for): nothing here needs it, and without it names are shown as they are.
 */
#ifndef RP_CODEOBJ_DEMANGLE_H
#define RP_CODEOBJ_DEMANGLE_H

#include "base/base.h"

struct rp_demangler {
	void *library; /* owned; NULL: not there */
	char *(*function)(const char *name, char *buf, size_t *size, int *status);
	char *buf; /* owned */
	size_t cap;
};

#define RP_DEMANGLER_INIT       \
	{                       \
		.library = NULL \
	}

/* False: there is no such library; rp_demangle then answers NULL. */
bool rp_demangler_open(struct rp_demangler *d);
void rp_demangler_close(struct rp_demangler *d);

/*
 * The name in C++, valid until the next call; NULL: it is not mangled, or the library cannot (libstdc++
 * gives up on most names of more than 1,024 bytes).
 */
const char *rp_demangle(struct rp_demangler *d, struct rp_span name);

/*
 * Appends the identifiers in a mangled name, for searching: those that follow each other at once are
 * joined by "::", groups are apart by a blank. Needs no library and takes what the library cannot (clang
 * mangles templates in ways that libstdc++ 12 does not know). Nothing if the name is not mangled.
 */
void rp_mangled_names(struct rp_span name, struct rp_buf *ret);

#endif
