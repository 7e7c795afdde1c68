/* SPDX-License-Identifier: MIT */
/* Every element against its bound, and what the wrong ones have in common. */
#include <math.h>

#include "verify/verify.h"

#define MAX_STRIDE 1024u

static double value_of(enum rp_verify_type type, const void *got, size_t i, bool *ret_unwritten)
{
	if (type == RP_VERIFY_F16) {
		uint16_t h;

		memcpy(&h, (const char *)got + 2 * i, sizeof(h));
		*ret_unwritten = h == RP_VERIFY_POISON_HALF;
		return rp_float_of_half(h);
	} else {
		uint32_t bits;
		float f;

		memcpy(&bits, (const char *)got + 4 * i, sizeof(bits));
		memcpy(&f, &bits, sizeof(f));
		*ret_unwritten = bits == RP_VERIFY_POISON;
		return f;
	}
}

/* Wrong ones by index modulo MAX_STRIDE, to see a lane or a column. */
struct spread {
	size_t wrong[MAX_STRIDE];
	size_t last;
};

static void find_pattern(struct rp_verify_comparison *c, const struct spread *s)
{
	if (c->n_wrong == 0) {
		c->pattern = RP_VERIFY_PATTERN_NONE;
		return;
	}
	c->pattern = RP_VERIFY_PATTERN_SCATTERED;
	if (c->n_wrong == c->n)
		c->pattern = RP_VERIFY_PATTERN_ALL;
	else if (c->n_wrong == 1)
		c->pattern = RP_VERIFY_PATTERN_ONE;
	else if (s->last == c->n - 1 && c->n_wrong == c->n - c->first_wrong)
		c->pattern = RP_VERIFY_PATTERN_TAIL;
	if (c->pattern != RP_VERIFY_PATTERN_SCATTERED || c->n_wrong < 4)
		return;
	for (size_t stride = MAX_STRIDE; stride >= 2; stride /= 2) {
		size_t residue = c->first_wrong % stride, n = 0;

		for (size_t k = residue; k < MAX_STRIDE; k += stride)
			n += s->wrong[k];
		if (n == c->n_wrong && n > 1 && c->n > 2 * stride) {
			c->pattern = RP_VERIFY_PATTERN_STRIDE;
			c->stride = stride;
			return;
		}
	}
}

void rp_verify_compare(enum rp_verify_type type, const void *got, const double *want,
	const double *bound, size_t n, struct rp_verify_comparison *ret)
{
	struct spread spread = { .last = 0 };

	*ret = (struct rp_verify_comparison){ .n = n, .first_wrong = n };
	for (size_t i = 0; i < n; i++) {
		bool unwritten = false, wrong;
		double g = value_of(type, got, i, &unwritten), e = fabs(g - want[i]);

		/* a result that is no number where one is due, or the other way round */
		wrong = isnan(g) || isnan(want[i]) ? isnan(g) != isnan(want[i]) || unwritten
						   : !(e <= bound[i]) && g != want[i];
		if (!isnan(e)) {
			double ratio = bound[i] > 0 ? e / bound[i] : e > 0 ? INFINITY : 0;

			ret->max_error = e > ret->max_error ? e : ret->max_error;
			ret->max_ratio = ratio > ret->max_ratio ? ratio : ret->max_ratio;
		}
		if (!wrong)
			continue;
		if (ret->n_wrong++ == 0) {
			ret->first_wrong = i;
			ret->first_got = g;
			ret->first_want = want[i];
		}
		ret->n_unwritten += unwritten;
		ret->n_nan += isnan(g) && !unwritten;
		spread.wrong[i % MAX_STRIDE]++;
		spread.last = i;
		ret->bins[i * RP_VERIFY_BINS / n]++;
	}
	find_pattern(ret, &spread);
}

const char *rp_verify_pattern_name(enum rp_verify_pattern pattern)
{
	switch (pattern) {
	case RP_VERIFY_PATTERN_NONE:
		return "none";
	case RP_VERIFY_PATTERN_ONE:
		return "one element";
	case RP_VERIFY_PATTERN_ALL:
		return "all elements";
	case RP_VERIFY_PATTERN_STRIDE:
		return "at a regular distance";
	case RP_VERIFY_PATTERN_TAIL:
		return "all from an index on";
	default:
		return "scattered";
	}
}
