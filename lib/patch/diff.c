/* SPDX-License-Identifier: MIT */
/*
 * Unified diffs. Lines are compared by Myers' O(ND) greedy algorithm (E. Myers,
 * "An O(ND) difference algorithm and its variations", 1986) between the common
 * beginning and end; beyond MAX_D edits the middle is shown as replaced, which is
 * a correct diff too.
 */
#include "patch/plan.h"

#define CONTEXT 3
#define MAX_D	2000

struct lines {
	struct rp_span *v;
	size_t n, cap;
};

/* One run of differing lines: a[a0, a1) became b[b0, b1). */
struct change {
	size_t a0, a1, b0, b1;
};

struct changes {
	struct change *v;
	size_t n, cap;
};

static int split(struct rp_span text, struct lines *ret, struct rp_error *err)
{
	while (text.n > 0) {
		const uint8_t *nl = memchr(text.p, '\n', text.n);
		size_t n = nl ? (size_t)(nl - text.p) + 1 : text.n;

		if (rp_array_grow(&ret->v, &ret->cap, ret->n, sizeof(*ret->v)) < 0)
			return RP_NOMEM(err);
		ret->v[ret->n++] = rp_span_of(text.p, n);
		text = rp_span_of(text.p + n, text.n - n);
	}
	return 0;
}

static int add_change(struct changes *c, struct change x, struct rp_error *err)
{
	struct change *last = c->n > 0 ? &c->v[c->n - 1] : NULL;

	/* found from the end to the start: join with the one behind */
	if (last && last->a0 == x.a1 && last->b0 == x.b1) {
		last->a0 = x.a0;
		last->b0 = x.b0;
		return 0;
	}
	if (rp_array_grow(&c->v, &c->cap, c->n, sizeof(*c->v)) < 0)
		return RP_NOMEM(err);
	c->v[c->n++] = x;
	return 0;
}

/* Walks back through the saved frontiers; changes come out last first. */
static int trace(const int32_t *saved, int32_t d, int32_t n, int32_t m, size_t base,
	struct changes *ret, struct rp_error *err)
{
	int32_t x = n, y = m;
	int r;

	for (; d > 0; d--) {
		const int32_t *v = saved + (size_t)(d - 1) * (2 * MAX_D + 3) + MAX_D + 1;
		int32_t k = x - y, prev_k, px, py;

		prev_k = k == -d || (k != d && v[k - 1] < v[k + 1]) ? k + 1 : k - 1;
		px = v[prev_k];
		py = px - prev_k;
		while (x > px && y > py && x - 1 >= 0 && y - 1 >= 0 &&
			!(x - 1 < px || y - 1 < py)) {
			if (prev_k == k + 1 ? x == px && y == py + 1 : x == px + 1 && y == py)
				break;
			x--;
			y--;
		}
		r = add_change(ret,
			(struct change){ base + (size_t)px, base + (size_t)x, base + (size_t)py,
				base + (size_t)y },
			err);
		if (r < 0)
			return r;
		x = px;
		y = py;
	}
	return 0;
}

/* Changes between a[base, base + n) and b[base, base + m), last first. */
static int myers(const struct lines *a, const struct lines *b, size_t base, int32_t n, int32_t m,
	struct changes *ret, struct rp_error *err)
{
	const size_t width = 2 * MAX_D + 3;
	RP_CLEANUP(rp_free_p) int32_t *saved = NULL;
	size_t cap = 0;

	for (int32_t d = 0; d <= n + m && d < MAX_D; d++) {
		int32_t *v;

		if (rp_array_grow(&saved, &cap, ((size_t)d + 1) * width, sizeof(*saved)) < 0)
			return RP_NOMEM(err);
		v = saved + (size_t)d * width + MAX_D + 1;
		if (d == 0)
			memset(saved, 0, width * sizeof(*saved));
		else
			memcpy(v - MAX_D - 1, v - MAX_D - 1 - width, width * sizeof(*saved));
		for (int32_t k = -d; k <= d; k += 2) {
			int32_t x = d == 0					 ? 0
				    : k == -d || (k != d && v[k - 1] < v[k + 1]) ? v[k + 1]
										 : v[k - 1] + 1;
			int32_t y = x - k;

			while (x < n && y < m && y >= 0 &&
				rp_span_eq(a->v[base + (size_t)x], b->v[base + (size_t)y])) {
				x++;
				y++;
			}
			v[k] = x;
			if (x >= n && y >= m)
				return trace(saved, d, n, m, base, ret, err);
		}
	}
	return add_change(
		ret, (struct change){ base, base + (size_t)n, base, base + (size_t)m }, err);
}

static void reverse(struct changes *c)
{
	for (size_t i = 0; i < c->n / 2; i++) {
		struct change t = c->v[i];

		c->v[i] = c->v[c->n - 1 - i];
		c->v[c->n - 1 - i] = t;
	}
}

static void add_line(struct rp_buf *out, char mark, struct rp_span line)
{
	rp_buf_addc(out, mark);
	rp_buf_add(out, line.p, line.n);
	if (line.n == 0 || line.p[line.n - 1] != '\n')
		rp_buf_adds(out, "\n\\ No newline at end of file\n");
}

/* "start,count" as diff(1) writes it: an empty range names the line before it. */
static void add_range(struct rp_buf *out, char mark, size_t from, size_t count)
{
	rp_buf_addf(out, "%c%zu", mark, count > 0 ? from + 1 : from);
	if (count != 1)
		rp_buf_addf(out, ",%zu", count);
}

/* One hunk with changes c[i, j). */
static void add_hunk(struct rp_buf *out, const struct lines *a, const struct lines *b,
	const struct changes *c, size_t i, size_t j)
{
	size_t a0 = c->v[i].a0 > CONTEXT ? c->v[i].a0 - CONTEXT : 0,
	       b0 = c->v[i].b0 - (c->v[i].a0 - a0);
	size_t a1 = c->v[j - 1].a1 + CONTEXT < a->n ? c->v[j - 1].a1 + CONTEXT : a->n;
	size_t b1 = c->v[j - 1].b1 + (a1 - c->v[j - 1].a1), at = a0;

	rp_buf_adds(out, "@@ ");
	add_range(out, '-', a0, a1 - a0);
	rp_buf_addc(out, ' ');
	add_range(out, '+', b0, b1 - b0);
	rp_buf_adds(out, " @@\n");
	for (; i < j; i++) {
		while (at < c->v[i].a0)
			add_line(out, ' ', a->v[at++]);
		while (at < c->v[i].a1)
			add_line(out, '-', a->v[at++]);
		for (size_t k = c->v[i].b0; k < c->v[i].b1; k++)
			add_line(out, '+', b->v[k]);
	}
	while (at < a1)
		add_line(out, ' ', a->v[at++]);
}

int rp_diff_file(const char *path, struct rp_span before, struct rp_span after, struct rp_buf *ret,
	struct rp_error *err)
{
	struct lines a = { NULL, 0, 0 }, b = { NULL, 0, 0 };
	struct changes c = { NULL, 0, 0 };
	size_t head = 0, tail = 0, i, j;
	const char *end;
	int r = 0;

	if (rp_span_eq(before, after))
		return 0;
	r = split(before, &a, err);
	if (r == 0)
		r = split(after, &b, err);
	if (r < 0)
		goto out;
	while (head < a.n && head < b.n && rp_span_eq(a.v[head], b.v[head]))
		head++;
	while (tail < a.n - head && tail < b.n - head &&
		rp_span_eq(a.v[a.n - 1 - tail], b.v[b.n - 1 - tail]))
		tail++;
	if (a.n > INT32_MAX / 4 || b.n > INT32_MAX / 4) {
		r = RP_FAIL(err, -EFBIG, "%s: too many lines for a diff", path);
		goto out;
	}
	r = myers(
		&a, &b, head, (int32_t)(a.n - head - tail), (int32_t)(b.n - head - tail), &c, err);
	if (r < 0)
		goto out;
	reverse(&c);
	/* as git does it: without the tab patch(1) ends the name at the first blank */
	end = strchr(path, ' ') ? "\t" : "";
	rp_buf_addf(ret, "--- a/%s%s\n+++ b/%s%s\n", path, end, path, end);
	for (i = 0; i < c.n; i = j) {
		for (j = i + 1; j < c.n && c.v[j].a0 - c.v[j - 1].a1 <= 2 * CONTEXT; j++)
			;
		add_hunk(ret, &a, &b, &c, i, j);
	}
	r = rp_buf_check(ret, err);
out:
	free(a.v);
	free(b.v);
	free(c.v);
	return r;
}

int rp_patch_plan_diff(const struct rp_patch_plan *plan, struct rp_buf *ret, struct rp_error *err)
{
	int r;

	for (size_t k = 0; k < plan->tree.n; k++) { /* in the order of paths */
		for (size_t i = 0; i < plan->n_files; i++) {
			const struct rp_plan_file *f = &plan->files[i];

			if (strcmp(f->path, plan->tree.v[k]) != 0)
				continue;
			r = rp_diff_file(
				f->path, rp_buf_span(&f->before), rp_buf_span(&f->now), ret, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* "R2-fine-grain-over-pcie.patch": the id and the title in lower case. */
static char *quilt_name(const struct rp_patch *p, size_t number)
{
	struct rp_buf b = RP_BUF_INIT;
	bool dash = false;

	rp_buf_addf(&b, "%04zu-%s-", number, p->id);
	for (const char *c = p->title; *c && b.n < 72; c++) {
		if ((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9')) {
			if (dash)
				rp_buf_addc(&b, '-');
			rp_buf_addc(&b, *c);
			dash = false;
		} else if (*c >= 'A' && *c <= 'Z') {
			if (dash)
				rp_buf_addc(&b, '-');
			rp_buf_addc(&b, (char)(*c - 'A' + 'a'));
			dash = false;
		} else {
			dash = b.n > 0 && b.p[b.n - 1] != '-';
		}
	}
	rp_buf_adds(&b, ".patch");
	return rp_buf_steal(&b);
}

/* DEP-3 header, so that a distribution sees what it takes. */
static void quilt_header(struct rp_buf *b, const struct rp_patch *p)
{
	struct rp_span rest = rp_span_str(p->why), line;

	rp_buf_addf(b, "Description: %s\n", p->title);
	while (rp_span_line(&rest, &line))
		rp_buf_addf(b, " %.*s\n", line.n > 0 ? (int)line.n : 1,
			line.n > 0 ? (const char *)line.p : ".");
	rp_buf_addf(b,
		"Origin: other, rocm-patch definition %s\nForwarded: no\nX-Evidence: %s\n---\n",
		p->id, rp_patch_evidence_name(p->evidence));
}

int rp_patch_quilt(const struct rp_ctx *ctx, int tree_fd, const struct rp_patch *const *patches,
	size_t n, rp_patch_quilt_fn fn, void *data, struct rp_error *err)
{
	RP_CLEANUP(rp_patch_plan_freep) struct rp_patch_plan *plan = NULL;
	RP_CLEANUP(rp_buf_free) struct rp_buf series = RP_BUF_INIT;
	size_t number = 0;
	int r;

	r = rp_patch_plan(ctx, tree_fd, patches, n, &plan, err);
	if (r < 0)
		return r;
	if (!rp_patch_plan_ok(plan))
		return RP_FAIL(err, -EINVAL, "a patch is refused: no series is written");
	for (size_t i = 0; i < plan->n_results; i++) {
		RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
		RP_CLEANUP(rp_free_p) char *name = NULL;

		if (plan->results[i].outcome != RP_PATCH_APPLIES)
			continue;
		quilt_header(&text, plan->results[i].patch);
		for (size_t k = 0; k < plan->n_steps; k++) {
			const struct rp_plan_step *s = &plan->steps[k];

			if (s->patch != i)
				continue;
			r = rp_diff_file(s->path, rp_span_of(s->before, s->before_n),
				rp_span_of(s->after, s->after_n), &text, err);
			if (r < 0)
				return r;
		}
		name = quilt_name(plan->results[i].patch, ++number);
		if (!name)
			return RP_NOMEM(err);
		rp_buf_addf(&series, "%s\n", name);
		r = fn(data, name, rp_buf_span(&text), err);
		if (r < 0)
			return r;
	}
	r = rp_buf_check(&series, err);
	return r < 0 ? r : fn(data, "series", rp_buf_span(&series), err);
}
