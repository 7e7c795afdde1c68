/* SPDX-License-Identifier: MIT */
/* The list of facts; see probe/probe.h. */
#include "probe/internal.h"

#define MAX_FACTS 20000
#define MAX_VALUE 1024

void rp_facts_free(struct rp_facts *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].subject);
		free(f->v[i].key);
		free(f->v[i].value);
		free(f->v[i].unknown);
		free(f->v[i].source);
	}
	free(f->v);
	*f = (struct rp_facts)RP_FACTS_INIT;
}

/* No control characters (C0, DEL, and C1 in UTF-8): facts reach terminals. Cut at MAX_VALUE. */
static char *clean(const char *text)
{
	size_t n = strnlen(text, MAX_VALUE);
	char *s = strndup(text, n);

	for (size_t i = 0; s && i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c == 0x7f)
			s[i] = '?';
		else if (c == 0xc2 && i + 1 < n && ((unsigned char)s[i + 1] & 0xe0) == 0x80)
			s[i] = s[i + 1] = '?';
	}
	return s;
}

static void add(struct rp_facts *f, const char *subject, const char *key, const char *source,
	const char *value, const char *unknown)
{
	struct rp_fact *fact;

	if (f->n >= MAX_FACTS || rp_fact_find(f, subject, key))
		return; /* the first one counts */
	if (rp_array_grow(&f->v, &f->cap, f->n, sizeof(*f->v)) < 0) {
		f->failed = true;
		return;
	}
	fact = &f->v[f->n++];
	*fact = (struct rp_fact){ .subject = clean(subject),
		.key = clean(key),
		.value = value ? clean(value) : NULL,
		.unknown = unknown ? clean(unknown) : NULL,
		.source = clean(source) };
	if (!fact->subject || !fact->key || !fact->source || (value && !fact->value) ||
		(unknown && !fact->unknown)) {
		f->failed = true;
		free(fact->subject);
		free(fact->key);
		free(fact->value);
		free(fact->unknown);
		free(fact->source);
		f->n--;
	}
}

void rp_fact_set(struct rp_facts *f, const char *subject, const char *key, const char *source,
	const char *fmt, ...)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	rp_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	if (b.failed)
		f->failed = true;
	else
		add(f, subject, key, source, rp_buf_cstr(&b), NULL);
}

void rp_fact_unknown(struct rp_facts *f, const char *subject, const char *key, const char *source,
	const char *why)
{
	add(f, subject, key, source, NULL, why);
}

const struct rp_fact *rp_fact_find(const struct rp_facts *f, const char *subject, const char *key)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].key, key) == 0 && strcmp(f->v[i].subject, subject) == 0)
			return &f->v[i];
	return NULL;
}

const char *rp_fact_get(const struct rp_facts *f, const char *subject, const char *key)
{
	const struct rp_fact *fact = rp_fact_find(f, subject, key);

	return fact ? fact->value : NULL;
}

int rp_facts_check(const struct rp_facts *f, struct rp_error *err)
{
	return f->failed ? RP_NOMEM(err) : 0;
}

const char *rp_facts_subject(const struct rp_facts *f, const char *kind, size_t i)
{
	size_t n = strlen(kind), seen = 0;

	for (size_t k = 0; k < f->n; k++) {
		const char *s = f->v[k].subject;
		bool is_new = true;

		if (strncmp(s, kind, n) != 0 || (s[n] != ' ' && s[n] != '\0'))
			continue;
		for (size_t m = 0; m < k && is_new; m++)
			is_new = strcmp(f->v[m].subject, s) != 0;
		if (is_new && seen++ == i)
			return s;
	}
	return NULL;
}
