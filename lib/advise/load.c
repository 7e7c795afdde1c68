/* SPDX-License-Identifier: MIT */
/* Reads data/advice strictly: an unknown key, a missing one or a bad condition is an error with its line. */
#include "advise/internal.h"

#include <fcntl.h>

#define MAX_BYTES (1u << 20)

static const char *const severities[RP_SEVERITY_MAX] = { "blocks", "wrong", "risk", "slow",
	"note" };
static const char *const explanations[] = { "machine", "kernel", "llvm", "users", "mtype", NULL };
static const char *const kinds[] = { "machine", "card", "rocm", "torch", NULL };

const char *rp_severity_name(enum rp_severity severity)
{
	return severities[severity];
}

void rp_advice_free(struct rp_advice *a)
{
	for (size_t i = 0; i < a->n_rules; i++) {
		struct rp_rule *r = &a->rules[i];

		free_terms(r->when, r->n_when);
		free_terms(r->any, r->n_any);
		free(r->id);
		free(r->kind);
		free(r->title);
		free(r->saw);
		free(r->todo);
		free(r->speaks);
		free(r->source);
	}
	for (size_t i = 0; i < a->n_ways; i++) {
		struct rp_way *w = &a->ways[i];

		free_terms(w->when, w->n_when);
		free_terms(w->any, w->n_any);
		free(w->id);
		free(w->text);
		free(w->command);
		free(w->verb);
		free(w->source);
	}
	for (size_t i = 0; i < a->n_stacks; i++) {
		struct rp_stack *s = &a->stacks[i];

		free(s->chips);
		free(s->card);
		free(s->stack);
		free(s->conditions);
		free(s->who);
		free(s->mark);
		free(s->source);
	}
	free(a->rules);
	free(a->ways);
	free(a->stacks);
	*a = (struct rp_advice){ 0 };
}

/* A text member of a section: where it goes, and whether it must be there. */
struct member {
	const char *key;
	char **to;
	bool needed;
};

static int read_section(const struct rp_ini *ini, size_t head, const struct member *members,
	struct rp_term **when, size_t *n_when, struct rp_term **any, size_t *n_any,
	struct rp_error *err)
{
	unsigned int number = ini->items[head].section_no;
	int r = 0;

	for (size_t i = head + 1; r == 0 && i < ini->n && ini->items[i].section_no == number; i++) {
		const struct rp_ini_item *it = &ini->items[i];
		const struct member *m = members;

		if (when && strcmp(it->key, "when") == 0) {
			r = parse_terms(it, ini->name, when, n_when, err);
			continue;
		}
		if (any && strcmp(it->key, "any") == 0) {
			r = parse_terms(it, ini->name, any, n_any, err);
			continue;
		}
		while (m->key && strcmp(m->key, it->key) != 0)
			m++;
		if (!m->key)
			return RP_FAIL(err, -EBADMSG, "%s:%u: unknown key \"%s\"", ini->name,
				it->line, it->key);
		*m->to = strdup(it->value);
		if (!*m->to)
			return RP_NOMEM(err);
	}
	for (const struct member *m = members; r == 0 && m->key; m++) {
		if (*m->to)
			continue;
		if (m->needed)
			return RP_FAIL(err, -EBADMSG, "%s:%u: section [%s] has no \"%s\"",
				ini->name, ini->items[head].line, ini->items[head].section, m->key);
		*m->to = strdup("");
		if (!*m->to)
			return RP_NOMEM(err);
	}
	return r;
}

static int index_of(const char *const *names, const char *name)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static int read_rule(
	const struct rp_ini *ini, size_t head, struct rp_rule *rule, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *severity = NULL;
	const struct rp_ini_item *it = &ini->items[head];
	const struct member members[] = { { "about", &rule->kind, true },
		{ "severity", &severity, true }, { "title", &rule->title, true },
		{ "saw", &rule->saw, true }, { "do", &rule->todo, false },
		{ "speaks", &rule->speaks, true }, { "source", &rule->source, true }, { NULL } };
	int r = read_section(
		ini, head, members, &rule->when, &rule->n_when, &rule->any, &rule->n_any, err);

	if (r < 0)
		return r;
	rule->id = strdup(it->section);
	if (!rule->id)
		return RP_NOMEM(err);
	if (index_of(kinds, rule->kind) < 0 || index_of(explanations, rule->speaks) < 0)
		return RP_FAIL(err, -EBADMSG, "%s:%u: [%s] about=%s speaks=%s: no such thing",
			ini->name, it->line, it->section, rule->kind, rule->speaks);
	for (unsigned int s = 0; s < RP_SEVERITY_MAX; s++) {
		if (strcmp(severities[s], severity) != 0)
			continue;
		rule->severity = (enum rp_severity)s;
		if (rule->n_when + rule->n_any == 0)
			break;
		return 0;
	}
	return RP_FAIL(err, -EBADMSG,
		"%s:%u: [%s] has no condition, or severity \"%s\" does not exist", ini->name,
		it->line, it->section, severity);
}

static int read_way(const struct rp_ini *ini, size_t head, struct rp_way *w, struct rp_error *err)
{
	const struct member members[] = { { "text", &w->text, true },
		{ "command", &w->command, false }, { "verb", &w->verb, false },
		{ "source", &w->source, true }, { NULL } };

	w->id = strdup(ini->items[head].section);
	if (!w->id)
		return RP_NOMEM(err);
	return read_section(ini, head, members, &w->when, &w->n_when, &w->any, &w->n_any, err);
}

static int read_stack(
	const struct rp_ini *ini, size_t head, struct rp_stack *s, struct rp_error *err)
{
	const struct member members[] = { { "chips", &s->chips, true }, { "card", &s->card, true },
		{ "stack", &s->stack, true }, { "conditions", &s->conditions, false },
		{ "who", &s->who, true }, { "mark", &s->mark, true },
		{ "source", &s->source, true }, { NULL } };

	return read_section(ini, head, members, NULL, NULL, NULL, NULL, err);
}

enum file { RULES, WAYS, STACKS, FILE_MAX };

/* Makes room for one section of a file and reads it; a half read one is freed with the rest. */
static int read_one(const struct rp_ini *ini, size_t head, enum file file, struct rp_advice *a,
	size_t caps[FILE_MAX], struct rp_error *err)
{
	int r = file == RULES ? rp_array_grow(&a->rules, &caps[file], a->n_rules, sizeof(*a->rules))
		: file == WAYS
			? rp_array_grow(&a->ways, &caps[file], a->n_ways, sizeof(*a->ways))
			: rp_array_grow(&a->stacks, &caps[file], a->n_stacks, sizeof(*a->stacks));

	if (r < 0)
		return RP_NOMEM(err);
	if (file == RULES) {
		a->rules[a->n_rules] = (struct rp_rule){ 0 };
		return read_rule(ini, head, &a->rules[a->n_rules++], err);
	}
	if (file == WAYS) {
		a->ways[a->n_ways] = (struct rp_way){ 0 };
		return read_way(ini, head, &a->ways[a->n_ways++], err);
	}
	a->stacks[a->n_stacks] = (struct rp_stack){ 0 };
	return read_stack(ini, head, &a->stacks[a->n_stacks++], err);
}

static int read_file(int dirfd, const char *dir, enum file file, struct rp_advice *a,
	size_t caps[FILE_MAX], struct rp_error *err)
{
	static const char *const names[FILE_MAX] = { "rules.ini", "ways.ini", "stacks.ini" };
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_ini_free) struct rp_ini ini = RP_INI_INIT;
	RP_CLEANUP(rp_free_p) char *path = rp_path_join(dir, names[file]);
	int r;

	if (!path)
		return RP_NOMEM(err);
	r = rp_file_read(dirfd, path, MAX_BYTES, &text, err);
	if (r == 0)
		r = rp_ini_parse(rp_buf_span(&text), names[file], &ini, err);
	for (size_t i = 0; r == 0 && i < ini.n; i++) {
		if (!ini.items[i].key)
			r = read_one(&ini, i, file, a, caps, err);
		else if (ini.items[i].section_no == 0)
			return RP_FAIL(err, -EBADMSG, "%s:%u: a key before the first section",
				names[file], ini.items[i].line);
	}
	return r;
}

int rp_advice_load(int dirfd, const char *dir, struct rp_advice *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_advice_free) struct rp_advice a = { 0 };
	size_t caps[FILE_MAX] = { 0 };
	int r = 0;

	for (unsigned int f = 0; f < FILE_MAX && r == 0; f++)
		r = read_file(dirfd, dir, (enum file)f, &a, caps, err);
	for (size_t i = 0; r == 0 && i < a.n_rules; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(a.rules[i].id, a.rules[k].id) == 0)
				return RP_FAIL(
					err, -EBADMSG, "rules.ini: two rules [%s]", a.rules[i].id);
	if (r < 0)
		return r;
	*ret = a;
	a = (struct rp_advice){ 0 };
	return 0;
}
