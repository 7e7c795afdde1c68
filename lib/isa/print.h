/* SPDX-License-Identifier: MIT */
/*
 * Between the files of the printer: a local text buffer that bounds itself. Numbers are formatted
 * here because printf would be most of the time.
 */
#ifndef RP_ISA_PRINT_H
#define RP_ISA_PRINT_H

#include "isa/names.h"

struct out {
	size_t n;
	char text[RP_ISA_TEXT_MAX];
};

static inline void put_n(struct out *o, const char *s, size_t n)
{
	if (n > sizeof(o->text) - o->n)
		n = sizeof(o->text) - o->n;
	memcpy(o->text + o->n, s, n);
	o->n += n;
}

static inline void put_c(struct out *o, char c)
{
	if (o->n < sizeof(o->text))
		o->text[o->n++] = c;
}

static inline void put(struct out *o, const char *s)
{
	put_n(o, s, strlen(s));
}

static inline void put_u(struct out *o, uint32_t v)
{
	char b[10];
	size_t n = sizeof(b);

	do {
		b[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	put_n(o, b + n, sizeof(b) - n);
}

static inline void put_d(struct out *o, int32_t v)
{
	if (v < 0)
		put_c(o, '-');
	put_u(o, v < 0 ? 0u - (uint32_t)v : (uint32_t)v);
}

static inline void put_x(struct out *o, uint32_t v)
{
	static const char digits[] = "0123456789abcdef";
	char b[8];
	size_t n = sizeof(b);

	do {
		b[--n] = digits[v & 15];
		v >>= 4;
	} while (v);
	put_n(o, "0x", 2);
	put_n(o, b + n, sizeof(b) - n);
}

/* What stands behind the operands: op_sel, dst_sel, offset, glc, ... */
void rp_isa_put_modifiers(struct out *o, const struct rp_isa_inst *i, const struct rp_isa_row *row);

#endif
