/* SPDX-License-Identifier: MIT */
/* See codeobj/demangle.h. Source: Itanium C++ ABI, "__cxa_demangle". */
#include "codeobj/demangle.h"

#include <dlfcn.h>

#define MAX_NAME_BYTES 65536u

bool rp_demangler_open(struct rp_demangler *d)
{
	d->library = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);
	if (!d->library)
		return false;
	/* POSIX's way from an object pointer to a function pointer */
	*(void **)&d->function = dlsym(d->library, "__cxa_demangle");
	return d->function != NULL;
}

void rp_demangler_close(struct rp_demangler *d)
{
	free(d->buf);
	if (d->library)
		(void)dlclose(d->library); /* it stays loaded if it likes to */
	*d = (struct rp_demangler)RP_DEMANGLER_INIT;
}

const char *rp_demangle(struct rp_demangler *d, struct rp_span name)
{
	RP_CLEANUP(rp_free_p) char *copy = NULL;
	char *got;

	if (!d->function || !rp_span_starts(name, "_Z") || name.n > MAX_NAME_BYTES)
		return NULL;
	copy = rp_span_dup(name);
	if (!copy)
		return NULL;
	got = d->function(copy, d->buf, &d->cap, NULL);
	if (!got)
		return NULL;
	d->buf = got; /* it may have moved */
	return d->buf;
}

static bool is_digit(struct rp_span s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

static bool is_in(struct rp_span s, size_t i, const char *set)
{
	return i < s.n && s.p[i] != '\0' && strchr(set, s.p[i]);
}

/*
 * Behind what has digits but is no identifier: literals ("Lj256E"), substitutions and template
 * parameters ("S1_", "T0_"), vectors, arrays and _FloatN ("Dv4_", "A3_", "DF16_"). i where there is none.
 */
static size_t behind_numbers(struct rp_span s, size_t i)
{
	bool is_literal = is_in(s, i, "L") && is_in(s, i + 1, "abcdefghijklmnopqrstuvwxyz");
	size_t k = i + 1;

	if (is_literal || (is_in(s, i, "D") && is_in(s, i + 1, "vF")))
		k = i + 2;
	else if (!is_in(s, i, "STA"))
		return i;
	if (is_literal && is_in(s, k, "n"))
		k++;
	while (is_digit(s, k) || (is_in(s, i, "S") && is_in(s, k, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")))
		k++;
	return is_in(s, k, is_literal ? "E" : "_") ? k + 1 : i;
}

void rp_mangled_names(struct rp_span name, struct rp_buf *ret)
{
	size_t i = 2, k, end = 0;

	if (!rp_span_starts(name, "_Z"))
		return;
	while (i < name.n) {
		size_t length = 0;

		k = behind_numbers(name, i);
		if (k > i || !is_digit(name, i)) {
			i = k > i ? k : i + 1;
			continue;
		}
		for (k = i; is_digit(name, k) && length <= name.n; k++)
			length = 10 * length + (size_t)(name.p[k] - '0');
		if (length == 0 || length > name.n - k) {
			i = k;
			continue;
		}
		if (end != 0)
			rp_buf_adds(ret, end == i ? "::" : " ");
		rp_buf_add(ret, name.p + k, length);
		i = end = k + length;
	}
}
