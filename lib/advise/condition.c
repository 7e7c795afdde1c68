/* SPDX-License-Identifier: MIT */
/* The conditions of rules: one term a line; what is not known makes every comparison false. */
#include "advise/internal.h"

#include <stdio.h>

void free_terms(struct rp_term *terms, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(terms[i].key);
		free(terms[i].value);
	}
	free(terms);
}

static bool is_key(struct rp_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-",
			    s.p[i]) ||
			s.p[i] == '\0')
			return false;
	return s.n > 0;
}

/* Longest first: "!=" before "!" and so on. */
static const char *const operators[] = { "!=", "!~", "!^", "<=", ">=", "=", "<", ">", "~", "^" };

static bool parse_term(struct rp_span line, struct rp_term *ret)
{
	struct rp_term t = { .op = "" };
	struct rp_span key = line, value = { NULL, 0 };

	if (line.n > 1 && line.p[0] == '!') {
		key = rp_span_of(line.p + 1, line.n - 1);
		(void)snprintf(t.op, sizeof(t.op), "!");
	} else {
		size_t n = strcspn((const char *)line.p, "!=<>~^\n");

		for (size_t i = 0; n < line.n && i < RP_ARRAY_SIZE(operators); i++) {
			size_t len = strlen(operators[i]);

			if (!rp_span_starts(rp_span_of(line.p + n, line.n - n), operators[i]))
				continue;
			key = rp_span_trim(rp_span_of(line.p, n));
			value = rp_span_trim(rp_span_of(line.p + n + len, line.n - n - len));
			(void)snprintf(t.op, sizeof(t.op), "%s", operators[i]);
			if (value.n == 0)
				return false;
			break;
		}
	}
	if (!is_key(key))
		return false;
	t.key = rp_span_dup(key);
	t.value = rp_span_dup(value.p ? value : rp_span_str(""));
	*ret = t;
	return true;
}

int parse_terms(const struct rp_ini_item *item, const char *file, struct rp_term **ret,
	size_t *ret_n, struct rp_error *err)
{
	struct rp_span rest = rp_span_str(item->value), line;
	struct rp_term *terms = NULL;
	size_t n = 0, cap = 0;
	unsigned int number = item->line;

	for (; rp_span_line(&rest, &line); number++) {
		line = rp_span_trim(line);
		if (line.n == 0)
			continue;
		if (rp_array_grow(&terms, &cap, n, sizeof(*terms)) < 0) {
			free_terms(terms, n);
			return RP_NOMEM(err);
		}
		if (!parse_term(line, &terms[n])) {
			free_terms(terms, n);
			return RP_FAIL(err, -EBADMSG, "%s:%u: not a condition: \"%.*s\"", file,
				number, (int)line.n, (const char *)line.p);
		}
		n++;
		if (!terms[n - 1].key || !terms[n - 1].value) {
			free_terms(terms, n);
			return RP_NOMEM(err);
		}
	}
	*ret = terms;
	*ret_n = n;
	return 0;
}

const char *scope_get(const struct scope *s, const char *key)
{
	const char *v = NULL;

	if (strncmp(key, "found.", 6) == 0) {
		for (size_t i = 0; i < s->verdict->n_findings; i++)
			if (strcmp(s->verdict->findings[i].rule->id, key + 6) == 0)
				return "yes";
		return NULL;
	}
	if (s->subject)
		v = rp_fact_get(s->facts, s->subject, key);
	if (!v && s->card)
		v = rp_fact_get(s->facts, s->card, key);
	return v ? v : rp_fact_get(s->facts, "machine", key);
}

int compare_versions(const char *a, const char *b)
{
	while (*a || *b) {
		unsigned long x = strtoul(a, (char **)&a, 10), y = strtoul(b, (char **)&b, 10);

		if (x != y)
			return x < y ? -1 : 1;
		if (*a != '.' && *b != '.')
			return 0; /* what follows is no number: "6.2.0-66" */
		a += *a == '.';
		b += *b == '.';
		if (*a && (*a < '0' || *a > '9'))
			a = "";
		if (*b && (*b < '0' || *b > '9'))
			b = "";
	}
	return 0;
}

static bool is_word_of(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; n && (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

/* One of a|b. */
static bool is_one_of(const char *have, const char *values)
{
	size_t n = strlen(have);

	for (const char *at = values;; at++) {
		size_t len = strcspn(at, "|");

		if (len == n && memcmp(at, have, n) == 0)
			return true;
		at += len;
		if (!*at)
			return false;
	}
}

static bool compare(const char *op, const char *have, const char *want)
{
	if (op[0] == '=')
		return is_one_of(have, want);
	if (op[0] == '~')
		return is_word_of(have, want);
	if (op[0] == '^')
		return strncmp(have, want, strlen(want)) == 0;
	if (op[0] == '!')
		return op[1] == '='   ? !is_one_of(have, want)
		       : op[1] == '~' ? !is_word_of(have, want)
				      : strncmp(have, want, strlen(want)) != 0;
	if (have[0] < '0' || have[0] > '9' || want[0] < '0' || want[0] > '9')
		return false; /* not numbers */
	if (op[0] == '<')
		return compare_versions(have, want) < (op[1] == '=');
	return compare_versions(have, want) > -(op[1] == '=');
}

static bool term_holds(const struct scope *s, const struct rp_term *t)
{
	const char *have = scope_get(s, t->key), *want = t->value;

	if (t->op[0] == '!' && t->op[1] == '\0')
		return !have;
	if (!have)
		return false;
	if (t->op[0] == '\0')
		return true;
	if (want[0] == '$')
		want = scope_get(s, want + 1);
	return want && compare(t->op, have, want);
}

bool scope_holds(const struct scope *s, const struct rp_term *when, size_t n_when,
	const struct rp_term *any, size_t n_any)
{
	bool one = n_any == 0;

	for (size_t i = 0; i < n_when; i++)
		if (!term_holds(s, &when[i]))
			return false;
	for (size_t i = 0; i < n_any && !one; i++)
		one = term_holds(s, &any[i]);
	return one;
}

char *scope_fill(const struct scope *s, const char *text)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;

	while (*text) {
		size_t n = strcspn(text, "{"), len = text[n] ? strcspn(text + n + 1, "}") : 0;

		for (size_t i = 0; i < n; i++) /* lines of the file are not lines of the text */
			rp_buf_addc(&b, text[i] == '\n' ? ' ' : text[i]);
		text += n;
		if (*text == '{' && text[1 + len] == '}') {
			RP_CLEANUP(rp_free_p) char *key = strndup(text + 1, len);
			const char *v = key ? scope_get(s, key) : NULL;

			rp_buf_adds(&b, v ? v : "?");
			text += len + 2;
		} else if (*text) {
			rp_buf_addc(&b, *text++);
		}
	}
	return rp_buf_check(&b, NULL) < 0 ? NULL : b.p ? rp_buf_steal(&b) : strdup("");
}
