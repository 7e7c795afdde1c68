/* SPDX-License-Identifier: MIT */
/*
 * Floating point for tests, in integers: a number is sign, magnitude and a power of two, and one function
 * rounds it to half, single or double in any of the four modes. Nothing of it uses the host's arithmetic.
 */
#ifndef TESTS_EXEC_SOFT_H
#define TESTS_EXEC_SOFT_H

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 soft_u128; /* a typedef: the type's name is an extension */

struct soft_format {
	int p; /* precision with the hidden bit */
	int emin; /* exponent of the smallest normal number */
	int bits;
};

static const struct soft_format soft_f16 = { 11, -14, 16 };
static const struct soft_format soft_f32 = { 24, -126, 32 };
static const struct soft_format soft_f64 = { 53, -1022, 64 };

enum soft_kind { SOFT_FINITE, SOFT_INF, SOFT_NAN };

struct soft {
	enum soft_kind kind;
	bool negative, signalling;
	soft_u128 mag;
	int e; /* value: mag * 2^e */
};

#define SOFT_NAN_VALUE                             \
	(struct soft)                              \
	{                                          \
		.kind = SOFT_NAN, .mag = 0, .e = 0 \
	}

static inline int soft_top(soft_u128 m) /* number of its highest bit; -1: 0 */
{
	int n = -1;

	for (; m; m >>= 1)
		n++;
	return n;
}

static inline struct soft soft_of(const struct soft_format *f, uint64_t u)
{
	uint64_t fraction = u & ((UINT64_C(1) << (f->p - 1)) - 1);
	int field = (int)(u >> (f->p - 1) & ((UINT64_C(1) << (f->bits - f->p)) - 1));
	struct soft x = { .negative = u >> (f->bits - 1) & 1, .mag = fraction };

	if (field == (1 << (f->bits - f->p)) - 1) {
		x.kind = fraction ? SOFT_NAN : SOFT_INF;
		x.signalling = fraction && !(fraction >> (f->p - 2));
		return x;
	}
	x.e = (field ? field - 1 : 0) + f->emin - (f->p - 1);
	if (field)
		x.mag |= (soft_u128)1 << (f->p - 1);
	return x;
}

static inline uint64_t soft_inf(const struct soft_format *f)
{
	return ((UINT64_C(1) << (f->bits - f->p)) - 1) << (f->p - 1);
}

static inline uint64_t soft_nan(const struct soft_format *f)
{
	return soft_inf(f) | UINT64_C(1) << (f->p - 2);
}

/* Whether q is increased for what was cut off. mode: MODE.FP_ROUND: nearest even, +inf, -inf, zero. */
static inline bool soft_up(
	unsigned int mode, bool negative, bool odd, bool any, bool tie, bool above)
{
	switch (mode) {
	case 0:
		return above || (tie && odd);
	case 1:
		return any && !negative;
	case 2:
		return any && negative;
	default:
		return false;
	}
}

/* mag * 2^-shift, rounded to an integer. */
static inline soft_u128 soft_cut(soft_u128 mag, int shift, bool negative, unsigned int mode)
{
	soft_u128 q, rest, half;

	if (shift <= 0)
		return mag << -shift;
	if (shift > 126)
		return soft_up(mode, negative, false, mag != 0, false, false);
	q = mag >> shift;
	rest = mag & (((soft_u128)1 << shift) - 1);
	half = (soft_u128)1 << (shift - 1);
	return q + soft_up(mode, negative, q & 1, rest != 0, rest == half, rest > half);
}

static inline uint64_t soft_round(const struct soft_format *f, struct soft x, unsigned int mode)
{
	uint64_t sign = (uint64_t)x.negative << (f->bits - 1), r;
	int e;

	if (x.kind == SOFT_NAN)
		return soft_nan(f);
	if (x.kind == SOFT_INF)
		return sign | soft_inf(f);
	if (!x.mag)
		return sign;
	e = soft_top(x.mag) + x.e;
	if (e > -f->emin + 1) /* far behind the largest exponent */
		e = -f->emin + 2, x.mag = 1, x.e = e;
	if (e < f->emin)
		e = f->emin;
	r = ((uint64_t)(e - f->emin) << (f->p - 1)) +
	    (uint64_t)soft_cut(x.mag, e - (f->p - 1) - x.e, x.negative, mode);
	if (r >= soft_inf(f)) {
		bool largest = mode == 3 || (mode == 1 && x.negative) || (mode == 2 && !x.negative);

		r = soft_inf(f) - largest;
	}
	return sign | r;
}

/* Bits below 2^floor become one sticky bit there. */
static inline struct soft soft_squeeze(struct soft x, int floor)
{
	int shift = floor - x.e;

	if (shift <= 0 || !x.mag)
		return x;
	if (shift > 126) {
		x.mag = 1;
	} else {
		bool sticky = (x.mag & (((soft_u128)1 << shift) - 1)) != 0;

		x.mag = x.mag >> shift | sticky;
	}
	x.e = floor;
	return x;
}

/* The sum: exact, or with a sticky bit far below everything that rounding looks at. */
static inline struct soft soft_add(struct soft a, struct soft b, unsigned int mode)
{
	struct soft r = { .kind = SOFT_FINITE };
	int top, floor;

	if (a.kind == SOFT_NAN || b.kind == SOFT_NAN)
		return SOFT_NAN_VALUE;
	if (a.kind == SOFT_INF && b.kind == SOFT_INF)
		return a.negative == b.negative ? a : SOFT_NAN_VALUE;
	if (a.kind == SOFT_INF || b.kind == SOFT_INF)
		return a.kind == SOFT_INF ? a : b;
	if (!a.mag || !b.mag) {
		r = a.mag ? a : b;
		if (!a.mag && !b.mag && a.negative != b.negative)
			r.negative = mode == 2;
		return r;
	}
	top = soft_top(a.mag) + a.e;
	if (soft_top(b.mag) + b.e > top)
		top = soft_top(b.mag) + b.e;
	floor = top - 122;
	a = soft_squeeze(a, floor);
	b = soft_squeeze(b, floor);
	r.e = a.e < b.e ? a.e : b.e;
	a.mag <<= a.e - r.e;
	b.mag <<= b.e - r.e;
	if (a.negative == b.negative) {
		r.mag = a.mag + b.mag;
		r.negative = a.negative;
	} else if (a.mag == b.mag) {
		r.negative = mode == 2;
	} else {
		r.mag = a.mag > b.mag ? a.mag - b.mag : b.mag - a.mag;
		r.negative = a.mag > b.mag ? a.negative : b.negative;
	}
	return r;
}

static inline struct soft soft_mul(struct soft a, struct soft b)
{
	struct soft r = {
		.negative = a.negative != b.negative, .mag = a.mag * b.mag, .e = a.e + b.e
	};

	if (a.kind == SOFT_NAN || b.kind == SOFT_NAN)
		return SOFT_NAN_VALUE;
	if (a.kind == SOFT_INF || b.kind == SOFT_INF) {
		if ((a.kind == SOFT_FINITE && !a.mag) || (b.kind == SOFT_FINITE && !b.mag))
			return SOFT_NAN_VALUE;
		r.kind = SOFT_INF;
	}
	return r;
}

static inline struct soft soft_negated(struct soft a)
{
	a.negative = !a.negative;
	return a;
}

/* To an integer by one of: 0 nearest even, 1 up, 2 down, 3 zero. */
static inline struct soft soft_integer(struct soft a, unsigned int mode)
{
	if (a.kind == SOFT_FINITE && a.e < 0) {
		a.mag = soft_cut(a.mag, -a.e, a.negative, mode);
		a.e = 0;
	}
	return a;
}

/* a < b; -0 is below +0. Neither is NaN. */
static inline bool soft_below(struct soft a, struct soft b)
{
	struct soft d;

	if (a.kind == SOFT_FINITE && b.kind == SOFT_FINITE && !a.mag && !b.mag)
		return a.negative && !b.negative;
	if (a.kind == SOFT_INF || b.kind == SOFT_INF) {
		if (a.kind == SOFT_INF && b.kind == SOFT_INF)
			return a.negative && !b.negative;
		return a.kind == SOFT_INF ? a.negative : !b.negative;
	}
	d = soft_add(a, soft_negated(b), 0);
	return d.mag && d.negative;
}

#endif
