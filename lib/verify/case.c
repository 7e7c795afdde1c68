/* SPDX-License-Identifier: MIT */
/* Cases: names, shapes, the table, random ones. */
#include <stdio.h>

#include "verify/verify.h"

#define MAX_ELEMENTS (UINT64_C(1) << 31)
#define MAX_CASES    100000u

static const char *const op_names[RP_VERIFY_OP_MAX] = { "conv", "conv-struct", "conv-data",
	"conv-weights", "batch-norm", "gemm", "copy" };
static const char *const type_names[RP_VERIFY_TYPE_MAX] = { "f32", "f16" };

/* Numbers of a case, in the order of its name. */
static const struct {
	const char *name;
	size_t offset;
	uint32_t otherwise;
} fields[] = {
	{ "n", offsetof(struct rp_verify_case, n), 1 },
	{ "c", offsetof(struct rp_verify_case, c), 1 },
	{ "h", offsetof(struct rp_verify_case, h), 1 },
	{ "w", offsetof(struct rp_verify_case, w), 1 },
	{ "k", offsetof(struct rp_verify_case, k), 1 },
	{ "r", offsetof(struct rp_verify_case, r), 1 },
	{ "s", offsetof(struct rp_verify_case, s), 1 },
	{ "stride", offsetof(struct rp_verify_case, stride), 1 },
	{ "pad", offsetof(struct rp_verify_case, pad), 0 },
	{ "dilation", offsetof(struct rp_verify_case, dilation), 1 },
	{ "groups", offsetof(struct rp_verify_case, groups), 1 },
};

static uint32_t *field(struct rp_verify_case *c, size_t i)
{
	return (uint32_t *)(void *)((char *)c + fields[i].offset);
}

const char *rp_verify_op_name(enum rp_verify_op op)
{
	return op < RP_VERIFY_OP_MAX ? op_names[op] : NULL;
}

const char *rp_verify_type_name(enum rp_verify_type type)
{
	return type < RP_VERIFY_TYPE_MAX ? type_names[type] : NULL;
}

const char *rp_verify_name(const struct rp_verify_case *c, char buf[RP_VERIFY_NAME])
{
	struct rp_verify_case copy = *c;
	int n = snprintf(buf, RP_VERIFY_NAME, "%s %s", op_names[c->op], type_names[c->type]);

	for (size_t i = 0; i < RP_ARRAY_SIZE(fields); i++)
		if (*field(&copy, i) != fields[i].otherwise && n < RP_VERIFY_NAME)
			n += snprintf(buf + n, RP_VERIFY_NAME - (size_t)n, " %s%u", fields[i].name,
				*field(&copy, i));
	return buf;
}

/* Next word of text; false at the end. */
static bool word(struct rp_span *text, struct rp_span *ret)
{
	size_t n = 0;

	*text = rp_span_trim(*text);
	while (n < text->n && text->p[n] != ' ' && text->p[n] != '\t')
		n++;
	*ret = rp_span_of(text->p, n);
	text->p += n;
	text->n -= n;
	return n > 0;
}

/* "stride2" into the case; the longest name that fits counts ("s3" is the filter's width). */
static bool read_field(struct rp_span w, struct rp_verify_case *c)
{
	size_t letters = 0;
	uint64_t value;

	while (letters < w.n && w.p[letters] >= 'a' && w.p[letters] <= 'z')
		letters++;
	if (!rp_span_number(rp_span_of(w.p + letters, w.n - letters), &value) || value > 1u << 20)
		return false;
	for (size_t i = 0; i < RP_ARRAY_SIZE(fields); i++) {
		if (rp_span_eq_str(rp_span_of(w.p, letters), fields[i].name)) {
			*field(c, i) = (uint32_t)value;
			return true;
		}
	}
	return false;
}

static int named(struct rp_span w, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (rp_span_eq_str(w, names[i]))
			return i;
	return -1;
}

int rp_verify_parse(struct rp_span text, struct rp_verify_case *ret, struct rp_error *err)
{
	struct rp_verify_case c = { 0 };
	struct rp_verify_sizes sizes;
	struct rp_span w, all = text;
	int op, type;

	for (size_t i = 0; i < RP_ARRAY_SIZE(fields); i++)
		*field(&c, i) = fields[i].otherwise;
	op = word(&text, &w) ? named(w, op_names, RP_VERIFY_OP_MAX) : -1;
	type = word(&text, &w) ? named(w, type_names, RP_VERIFY_TYPE_MAX) : -1;
	if (op < 0 || type < 0)
		return RP_FAIL(err, -EINVAL, "\"%.*s\": no such operation and type", (int)all.n,
			(const char *)all.p);
	c.op = (enum rp_verify_op)op;
	c.type = (enum rp_verify_type)type;
	while (word(&text, &w))
		if (!read_field(w, &c))
			return RP_FAIL(err, -EINVAL, "\"%.*s\": cannot read \"%.*s\"", (int)all.n,
				(const char *)all.p, (int)w.n, (const char *)w.p);
	op = rp_verify_sizes(&c, &sizes, err);
	if (op < 0)
		return op;
	*ret = c;
	return 0;
}

static bool is_conv(enum rp_verify_op op)
{
	return op <= RP_VERIFY_CONV_WEIGHTS;
}

/* Output length of a convolution; 0: the filter does not fit. */
static uint32_t out_length(uint32_t in, uint32_t filter, const struct rp_verify_case *c)
{
	uint64_t span = (uint64_t)(filter - 1) * c->dilation + 1,
		 padded = in + 2 * (uint64_t)c->pad;

	return padded < span ? 0 : (uint32_t)((padded - span) / c->stride + 1);
}

static int conv_sizes(const struct rp_verify_case *c, struct rp_verify_sizes *s,
	double *ret_elements, struct rp_error *err)
{
	double in = (double)c->n * c->c * c->h * c->w, weights, out;
	uint32_t cg;

	if (c->c % c->groups || c->k % c->groups)
		return RP_FAIL(err, -EINVAL, "groups do not divide the channels");
	if (c->op == RP_VERIFY_CONV_STRUCT &&
		(c->r != 3 || c->s != 3 || c->h > 65535 || c->w > 65535))
		return RP_FAIL(err, -EINVAL, "conv-struct takes 3x3 filters and 16-bit sizes");
	s->out_h = out_length(c->h, c->r, c);
	s->out_w = out_length(c->w, c->s, c);
	if (!s->out_h || !s->out_w)
		return RP_FAIL(err, -EINVAL, "the filter is larger than the padded input");
	cg = c->c / c->groups;
	weights = (double)c->k * cg * c->r * c->s;
	out = (double)c->n * c->k * s->out_h * s->out_w;
	s->macs = out * cg * c->r * c->s;
	*ret_elements = in > weights ? in : weights;
	if (out > *ret_elements)
		*ret_elements = out;
	if (*ret_elements > (double)MAX_ELEMENTS)
		return 0;
	switch (c->op) {
	case RP_VERIFY_CONV_FORWARD:
	case RP_VERIFY_CONV_STRUCT:
		s->a = (size_t)in, s->b = (size_t)weights, s->out = (size_t)out;
		s->terms = (uint64_t)(c->c / c->groups) * c->r * c->s;
		break;
	case RP_VERIFY_CONV_DATA:
		s->a = (size_t)out, s->b = (size_t)weights, s->out = (size_t)in;
		s->terms = (uint64_t)(c->k / c->groups) * c->r * c->s;
		break;
	default:
		s->a = (size_t)in, s->b = (size_t)out, s->out = (size_t)weights;
		s->terms = (uint64_t)c->n * s->out_h * s->out_w;
		break;
	}
	return 0;
}

int rp_verify_sizes(
	const struct rp_verify_case *c, struct rp_verify_sizes *ret, struct rp_error *err)
{
	struct rp_verify_sizes s = { 0 };
	double elements = (double)c->n * c->c * c->h * c->w;
	struct rp_verify_case copy = *c;
	int r = 0;

	for (size_t i = 0; i < RP_ARRAY_SIZE(fields); i++)
		if (*field(&copy, i) == 0 && fields[i].otherwise != 0)
			return RP_FAIL(err, -EINVAL, "%s is 0", fields[i].name);
	if (is_conv(c->op)) {
		r = conv_sizes(c, &s, &elements, err);
	} else if (c->op == RP_VERIFY_GEMM) {
		double a = (double)c->n * c->c, b = (double)c->c * c->k, out = (double)c->n * c->k;

		elements = a > b ? a : b;
		if (out > elements)
			elements = out;
		if (elements <= (double)MAX_ELEMENTS)
			s.a = (size_t)a, s.b = (size_t)b, s.out = (size_t)out;
		s.terms = c->c;
		s.macs = out * c->c;
	} else {
		if (elements <= (double)MAX_ELEMENTS)
			s.a = s.out = (size_t)elements;
		s.b = c->op == RP_VERIFY_BATCH_NORM ? 2 * (size_t)c->c : 0;
		s.terms = c->op == RP_VERIFY_BATCH_NORM ? (uint64_t)c->n * c->h * c->w : 1;
		s.macs = elements * (c->op == RP_VERIFY_BATCH_NORM ? 4 : 1);
	}
	if (r == 0 && elements > (double)MAX_ELEMENTS)
		r = RP_FAIL(err, -EOVERFLOW, "a tensor of more than 2^31 elements");
	if (r == 0)
		*ret = s;
	return r;
}

void rp_verify_list_free(struct rp_verify_list *list)
{
	free(list->v);
	*list = (struct rp_verify_list){ 0 };
}

static int add_case(
	struct rp_verify_list *list, const struct rp_verify_case *c, struct rp_error *err)
{
	if (list->n == list->cap &&
		rp_array_grow(&list->v, &list->cap, list->n, sizeof(*list->v)) < 0)
		return RP_NOMEM(err);
	list->v[list->n++] = *c;
	return 0;
}

int rp_verify_read_cases(
	struct rp_span text, const char *name, struct rp_verify_list *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_verify_list_free) struct rp_verify_list list = { 0 };
	unsigned int number = 0;
	struct rp_span line;

	while (rp_span_line(&text, &line)) {
		struct rp_verify_case c;
		bool quick;
		int r;

		number++;
		line = rp_span_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		quick = rp_span_starts(line, "quick ");
		if (quick)
			line = rp_span_of(line.p + 6, line.n - 6);
		r = list.n >= MAX_CASES ? RP_FAIL(err, -E2BIG, "more than %u cases", MAX_CASES)
					: rp_verify_parse(line, &c, err);
		if (r == 0) {
			c.quick = quick;
			r = add_case(&list, &c, err);
		}
		if (r < 0)
			return rp_error_prefix(err, r, "%s:%u", name, number);
	}
	*ret = list;
	list = (struct rp_verify_list){ 0 };
	return 0;
}

static uint32_t draw(uint64_t *state, uint32_t low, uint32_t high)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return low + (uint32_t)((*state >> 33) % (high - low + 1));
}

int rp_verify_random_cases(
	struct rp_verify_list *list, size_t n, uint64_t seed, double max_macs, struct rp_error *err)
{
	uint64_t state = seed * 2 + 1;

	while (n > 0) {
		struct rp_verify_case c = { .op = (enum rp_verify_op)draw(&state, 0, 5),
			.type = (enum rp_verify_type)draw(&state, 0, 1),
			.n = draw(&state, 1, 3),
			.h = draw(&state, 1, 40),
			.w = draw(&state, 1, 40),
			.k = 1,
			.r = 1,
			.s = 1,
			.stride = 1,
			.dilation = 1,
			.groups = 1 };
		struct rp_verify_sizes sizes;
		int r;

		if (is_conv(c.op)) {
			c.groups = draw(&state, 1, 4) == 1 ? draw(&state, 2, 4) : 1;
			c.c = c.groups * draw(&state, 1, 12);
			c.k = c.groups * draw(&state, 1, 12);
			c.r = draw(&state, 1, 5);
			c.s = draw(&state, 1, 5);
			c.stride = draw(&state, 1, 3);
			c.pad = draw(&state, 0, 3);
			c.dilation = draw(&state, 1, 2);
		} else if (c.op == RP_VERIFY_GEMM) {
			c.n = draw(&state, 1, 100);
			c.c = draw(&state, 1, 100);
			c.k = draw(&state, 1, 100);
			c.h = c.w = 1;
		} else {
			c.c = draw(&state, 1, 12);
		}
		if (rp_verify_sizes(&c, &sizes, NULL) < 0 || sizes.macs > max_macs)
			continue;
		r = add_case(list, &c, err);
		if (r < 0)
			return r;
		n--;
	}
	return 0;
}
