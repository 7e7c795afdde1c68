/* SPDX-License-Identifier: MIT */
/*
 * Recordings made comparable. Threads of a program interleave differently from run to run, so lines
 * are grouped by process and thread; the number of waits depends on timing, so they go; a call more
 * or less shifts the numbers of all objects behind it, so numbers of objects go as well.
 */
#include "vgpu/vgpu.h"

#include <ctype.h>

#define MAGIC "# rocm-patch driver log 1"

struct line {
	struct rp_span actor; /* "1:rocminfo t2" */
	struct rp_span text;
	size_t at;
};

struct lines {
	struct line *v;
	size_t n, cap;
};

static void lines_free(struct lines *l)
{
	free(l->v);
}

static int compare_spans(struct rp_span a, struct rp_span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r = n ? memcmp(a.p, b.p, n) : 0;

	return r ? r : (a.n > b.n) - (a.n < b.n);
}

static int by_actor(const void *pa, const void *pb)
{
	const struct line *a = (const struct line *)pa, *b = (const struct line *)pb;
	int r = compare_spans(a->actor, b->actor);

	return r ? r : (a->at > b->at) - (a->at < b->at);
}

/* "1:name t2 text": false if s is not of that form. */
static bool split(struct rp_span s, struct line *ret)
{
	const uint8_t *space = memchr(s.p, ' ', s.n), *second;

	if (!space || s.n == 0 || !isdigit(s.p[0]))
		return false;
	second = memchr(space + 1, ' ', s.n - (size_t)(space + 1 - s.p));
	if (!second || (space[1] != 't' && space[1] != 'q'))
		return false;
	ret->actor = rp_span_of(s.p, (size_t)(second - s.p));
	ret->text = rp_span_of(second + 1, s.n - (size_t)(second + 1 - s.p));
	return true;
}

static bool is_number_of(struct rp_span text, size_t at)
{
	static const char *const keys[] = { "mem=", "mem", "event=", "events=", "queue=" };

	for (size_t i = 0; i < RP_ARRAY_SIZE(keys); i++) {
		size_t n = strlen(keys[i]);

		if (at >= n && memcmp(text.p + at - n, keys[i], n) == 0 &&
			(at == n || text.p[at - n - 1] == ' ' || text.p[at - n - 1] == '='))
			return true;
	}
	return false;
}

static void add_text(struct rp_buf *b, struct rp_span text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (!isdigit(text.p[i]) || !is_number_of(text, i)) {
			rp_buf_addc(b, (char)text.p[i]);
			continue;
		}
		while (i + 1 < text.n && isdigit(text.p[i + 1]))
			i++;
		rp_buf_addc(b, '#');
	}
	rp_buf_addc(b, '\n');
}

int rp_vgpu_log_normalise(
	struct rp_span text, const char *name, bool all, struct rp_buf *ret, struct rp_error *err)
{
	RP_CLEANUP(lines_free) struct lines lines = { NULL, 0, 0 };
	struct rp_span line, last = { NULL, 0 };
	size_t number = 1;

	if (!rp_span_line(&text, &line) || !rp_span_eq_str(line, MAGIC))
		return RP_FAIL(err, -EBADMSG,
			"%s: no recording: the first line is not \"" MAGIC "\"", name);
	while (rp_span_line(&text, &line)) {
		bool timing = line.n > 0 && line.p[0] == '~';
		struct line l = { .at = ++number };

		if (timing)
			line = rp_span_of(line.p + 1, line.n - 1);
		if (!split(line, &l))
			return RP_FAIL(
				err, -EBADMSG, "%s:%zu: no line of a recording", name, number);
		if (timing && !all)
			continue;
		if (rp_array_grow(&lines.v, &lines.cap, lines.n, sizeof(*lines.v)) < 0)
			return RP_NOMEM(err);
		lines.v[lines.n++] = l;
	}
	if (lines.n > 0)
		qsort(lines.v, lines.n, sizeof(*lines.v), by_actor);
	for (size_t i = 0; i < lines.n; i++) {
		if (compare_spans(last, lines.v[i].actor) != 0) {
			last = lines.v[i].actor;
			rp_buf_addf(ret, "== %.*s\n", (int)last.n, (const char *)last.p);
		}
		add_text(ret, lines.v[i].text);
	}
	return rp_buf_check(ret, err);
}
