/* SPDX-License-Identifier: MIT */
/* The text format of recipes, configuration and state; see base/ini.h. */
#include "base/ini.h"

#define MAX_ITEMS 100000

void rp_ini_free(struct rp_ini *ini)
{
	for (size_t i = 0; i < ini->n; i++) {
		free(ini->items[i].section);
		free(ini->items[i].key);
		free(ini->items[i].value);
	}
	free(ini->items);
	free(ini->name);
	*ini = (struct rp_ini)RP_INI_INIT;
}

/* key and value may be empty spans; key.p == NULL makes a section header. */
static int add_item(struct rp_ini *ini, struct rp_span section, struct rp_span key,
	struct rp_span value, unsigned int line, unsigned int section_no, struct rp_error *err)
{
	struct rp_ini_item *it;

	if (ini->n >= MAX_ITEMS)
		return RP_FAIL(err, -EBADMSG, "%s:%u: too many lines", ini->name, line);
	if (rp_array_grow(&ini->items, &ini->cap, ini->n, sizeof(*ini->items)) < 0)
		return RP_NOMEM(err);
	it = &ini->items[ini->n++];
	*it = (struct rp_ini_item){ .section = rp_span_dup(section),
		.key = key.p ? rp_span_dup(key) : NULL,
		.value = rp_span_dup(value),
		.line = line,
		.section_no = section_no };
	if (!it->section || (key.p && !it->key) || !it->value)
		return RP_NOMEM(err);
	return 0;
}

static int continue_value(
	struct rp_ini *ini, struct rp_span text, unsigned int line, struct rp_error *err)
{
	struct rp_ini_item *it = ini->n > 0 ? &ini->items[ini->n - 1] : NULL;
	char *joined;

	if (!it || !it->key)
		return RP_FAIL(err, -EBADMSG, "%s:%u: a continuation line without a key before it",
			ini->name, line);
	joined = rp_asprintf(
		"%s%s%.*s", it->value, it->value[0] ? "\n" : "", (int)text.n, (const char *)text.p);
	if (!joined)
		return RP_NOMEM(err);
	free(it->value);
	it->value = joined;
	return 0;
}

static int check_new_key(const struct rp_ini *ini, struct rp_span key, unsigned int section_no,
	unsigned int line, struct rp_error *err)
{
	for (size_t i = ini->n; i > 0; i--) {
		const struct rp_ini_item *it = &ini->items[i - 1];

		if (it->section_no != section_no)
			break;
		if (it->key && rp_span_eq_str(key, it->key))
			return RP_FAIL(err, -EBADMSG,
				"%s:%u: key \"%s\" stands again (first: line %u)", ini->name, line,
				it->key, it->line);
	}
	return 0;
}

static int parse_line(struct rp_ini *ini, struct rp_span raw, unsigned int line,
	struct rp_span *section, unsigned int *section_no, struct rp_error *err)
{
	struct rp_span s = rp_span_trim(raw), key, value;
	const uint8_t *eq;
	int r;

	if (s.n == 0 || raw.p[0] == '#')
		return 0;
	if (raw.p[0] == ' ' || raw.p[0] == '\t')
		return continue_value(ini, s, line, err);
	if (s.p[0] == '[') {
		if (s.n < 3 || s.p[s.n - 1] != ']')
			return RP_FAIL(
				err, -EBADMSG, "%s:%u: malformed section header", ini->name, line);
		*section = rp_span_of(s.p + 1, s.n - 2);
		(*section_no)++;
		return add_item(ini, *section, rp_span_of(NULL, 0), rp_span_of("", 0), line,
			*section_no, err);
	}
	eq = memchr(s.p, '=', s.n);
	if (!eq || eq == s.p)
		return RP_FAIL(err, -EBADMSG, "%s:%u: expected \"key = value\" or \"[section]\"",
			ini->name, line);
	key = rp_span_trim(rp_span_of(s.p, (size_t)(eq - s.p)));
	value = rp_span_trim(rp_span_of(eq + 1, s.n - (size_t)(eq - s.p) - 1));
	r = check_new_key(ini, key, *section_no, line, err);
	if (r < 0)
		return r;
	return add_item(ini, *section, key, value, line, *section_no, err);
}

int rp_ini_parse(struct rp_span text, const char *name, struct rp_ini *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_ini_free) struct rp_ini ini = RP_INI_INIT;
	struct rp_span section = rp_span_of("", 0), line;
	unsigned int line_no = 0, section_no = 0;
	int r;

	ini.name = strdup(name);
	if (!ini.name)
		return RP_NOMEM(err);
	if (text.n > 0 && memchr(text.p, 0, text.n))
		return RP_FAIL(err, -EBADMSG, "%s: NUL byte in a text file", name);
	while (rp_span_line(&text, &line)) {
		line_no++;
		if (line.n > 65536)
			return RP_FAIL(err, -EBADMSG, "%s:%u: line too long", name, line_no);
		r = parse_line(&ini, line, line_no, &section, &section_no, err);
		if (r < 0)
			return r;
	}
	*ret = ini;
	ini = (struct rp_ini)RP_INI_INIT;
	return 0;
}

const char *rp_ini_get(const struct rp_ini *ini, const char *section, const char *key)
{
	unsigned int first = 0;
	bool seen = false;

	for (size_t i = 0; i < ini->n; i++) {
		const struct rp_ini_item *it = &ini->items[i];

		if (strcmp(it->section, section) != 0)
			continue;
		if (!seen) {
			seen = true;
			first = it->section_no;
		}
		if (it->section_no == first && it->key && strcmp(it->key, key) == 0)
			return it->value;
	}
	return NULL;
}

int rp_ini_need(const struct rp_ini *ini, const char *section, const char *key, const char **ret,
	struct rp_error *err)
{
	const char *v = rp_ini_get(ini, section, key);

	if (!v || !v[0])
		return RP_FAIL(
			err, -EBADMSG, "%s: section [%s] needs \"%s\"", ini->name, section, key);
	*ret = v;
	return 0;
}

int rp_ini_only(const struct rp_ini *ini, const char *section, const char *const *keys,
	struct rp_error *err)
{
	for (size_t i = 0; i < ini->n; i++) {
		const struct rp_ini_item *it = &ini->items[i];
		const char *const *k = keys;

		if (!it->key || strcmp(it->section, section) != 0)
			continue;
		while (*k && strcmp(*k, it->key) != 0)
			k++;
		if (!*k)
			return RP_FAIL(err, -EBADMSG, "%s:%u: unknown key \"%s\" in section [%s]",
				ini->name, it->line, it->key, section);
	}
	return 0;
}
