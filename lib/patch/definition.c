/* SPDX-License-Identifier: MIT */
/*
 * Reading *.rpatch files (docs/patch-format.md): lines "key value", or
 * "key <<WORD" with text up to a line WORD. Strict: what is unknown, missing or
 * given twice is an error with file and line.
 */
#include "patch/definition.h"

#define MAX_FILE_BYTES (1u << 20)

static const char *const action_names[RP_ACT_MAX] = {
	[RP_ACT_INSERT_BEFORE] = "insert-before",
	[RP_ACT_INSERT_AFTER] = "insert-after",
	[RP_ACT_PREFIX] = "prefix",
	[RP_ACT_REPLACE] = "replace",
	[RP_ACT_GUARD] = "guard",
	[RP_ACT_SUBSTITUTE] = "substitute",
	[RP_ACT_APPEND] = "append",
};

static const char *const evidence_names[RP_EVIDENCE_MAX] = {
	[RP_EVIDENCE_HYPOTHESIS] = "hypothesis",
	[RP_EVIDENCE_DOCUMENTED] = "documented",
	[RP_EVIDENCE_MEASURED] = "measured",
};

static const char *const outcome_names[RP_PATCH_OUTCOME_MAX] = {
	[RP_PATCH_APPLIES] = "applies",
	[RP_PATCH_ALREADY] = "already",
	[RP_PATCH_NOT_FOR] = "not-for-this-tree",
	[RP_PATCH_REFUSED] = "refused",
};

const char *rp_action_name(enum rp_action a)
{
	return a < RP_ACT_MAX ? action_names[a] : "unknown";
}

const char *rp_patch_evidence_name(enum rp_patch_evidence e)
{
	return e < RP_EVIDENCE_MAX ? evidence_names[e] : "unknown";
}

const char *rp_patch_outcome_name(enum rp_patch_outcome o)
{
	return o < RP_PATCH_OUTCOME_MAX ? outcome_names[o] : "unknown";
}

static void edit_free(struct rp_patch_edit *e)
{
	free(e->file);
	rp_strv_free(&e->functions);
	rp_pattern_free(&e->anchor);
	free(e->text);
	free(e->from);
	free(e->to);
	for (size_t i = 0; i < e->n_conditions; i++) {
		free(e->conditions[i].file);
		free(e->conditions[i].symbol);
	}
	free(e->conditions);
}

static void patch_free(struct rp_patch *p)
{
	free(p->id);
	free(p->component);
	free(p->set);
	free(p->title);
	free(p->why);
	free(p->effect);
	rp_strv_free(&p->requires);
	rp_strv_free(&p->conflicts);
	free(p->file);
	for (size_t i = 0; i < p->n_edits; i++)
		edit_free(&p->edits[i]);
	free(p->edits);
}

void rp_patch_list_free(struct rp_patch_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		patch_free(&list->v[i]);
	free(list->v);
	*list = (struct rp_patch_list)RP_PATCH_LIST_INIT;
}

struct reader {
	struct rp_span rest;
	unsigned int line; /* of the key that was read last */
	unsigned int next_line;
	const char *file;
	struct rp_patch *patch;
	struct rp_patch_edit *edit; /* NULL: still in the head */
	bool has_evidence, has_default, has_requires, has_conflicts;
	bool has_function, has_action; /* of the edit */
	size_t edits_cap;
	char *anchor_text; /* compiled when the edit is whole: the language comes from its file */
	struct rp_error *err;
};

#define BAD(rd, ...) bad((rd), rp_asprintf(__VA_ARGS__))

/* Takes text over. */
static int bad(struct reader *rd, char *text)
{
	int r = RP_FAIL(
		rd->err, -EBADMSG, "%s:%u: %s", rd->file, rd->line, text ? text : "out of memory");

	free(text);
	return r;
}

static int set_once(struct reader *rd, char **field, const char *key, char *value)
{
	if (*field) {
		free(value);
		return BAD(rd, "%s is given twice", key);
	}
	if (!value)
		return RP_NOMEM(rd->err);
	*field = value;
	return 0;
}

static int split_once(
	struct reader *rd, struct rp_strv *field, bool *seen, const char *key, const char *value)
{
	if (*seen)
		return BAD(rd, "%s is given twice", key);
	*seen = true;
	return rp_strv_split(field, rp_span_str(value), rd->err);
}

/* Behind "key <<WORD": the lines up to WORD, each with its newline but the last. */
static int read_block(struct reader *rd, struct rp_span word, char **ret)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	struct rp_span line;

	while (rp_span_line(&rd->rest, &line)) {
		rd->next_line++;
		if (rp_span_eq(rp_span_trim(line), word)) {
			if (b.n > 0)
				b.p[--b.n] = '\0'; /* the last newline */
			*ret = rp_buf_steal(&b);
			return *ret ? 0 : RP_NOMEM(rd->err);
		}
		rp_buf_add(&b, line.p, line.n);
		rp_buf_addc(&b, '\n');
	}
	return BAD(rd, "text without its end line \"%.*s\"", (int)word.n, (const char *)word.p);
}

static int read_bool(struct reader *rd, const char *value, bool *ret)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return BAD(rd, "expected on or off, found \"%s\"", value);
	*ret = strcmp(value, "on") == 0;
	return 0;
}

static int read_evidence(struct reader *rd, const char *value)
{
	for (int e = 0; e < RP_EVIDENCE_MAX; e++) {
		if (strcmp(value, evidence_names[e]) == 0) {
			rd->patch->evidence = (enum rp_patch_evidence)e;
			rd->has_evidence = true;
			return 0;
		}
	}
	return BAD(rd, "evidence is hypothesis, documented or measured, not \"%s\"", value);
}

/* "since FILE SYMBOL" or "since FILE"; until the same. */
static int add_condition(struct reader *rd, bool until, const char *value)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv words = RP_STRV_INIT;
	struct rp_condition *c;
	int r;

	r = rp_strv_split(&words, rp_span_str(value), rd->err);
	if (r < 0)
		return r;
	if (words.n < 1 || words.n > 2)
		return BAD(rd, "expected \"%s FILE [SYMBOL]\"", until ? "until" : "since");
	c = reallocarray(rd->edit->conditions, rd->edit->n_conditions + 1, sizeof(*c));
	if (!c)
		return RP_NOMEM(rd->err);
	rd->edit->conditions = c;
	c += rd->edit->n_conditions++;
	*c = (struct rp_condition){ .file = strdup(words.v[0]),
		.symbol = words.n == 2 ? strdup(words.v[1]) : NULL,
		.until = until,
		.file_only = words.n == 1 };
	return c->file && (c->symbol || c->file_only) ? 0 : RP_NOMEM(rd->err);
}

/*
 * An edit must be found again in the text that it left, or a second run would
 * do it again: inserted text needs tokens (comments are none), and a
 * substitution must not leave its own beginning.
 */
static int check_found_again(struct reader *rd)
{
	RP_CLEANUP(rp_tokens_free) struct rp_tokens tokens = RP_TOKENS_INIT;
	const struct rp_patch_edit *e = rd->edit;
	int r;

	if (e->action == RP_ACT_SUBSTITUTE) {
		if (!e->from[0])
			return BAD(rd, "from is empty");
		if (strstr(e->to, e->from))
			return BAD(rd, "to contains from: a second run would substitute again");
		return 0;
	}
	r = rp_lex(rp_span_str(e->text), rp_language_of(e->file), &tokens, rd->err);
	if (r < 0)
		return rp_error_prefix(
			rd->err, r, "%s:%u: %s", rd->file, e->line, rp_action_name(e->action));
	if (tokens.n == 0)
		return BAD(rd, "the text of %s has no token, so it cannot be found again",
			rp_action_name(e->action));
	return 0;
}

static int finish_edit(struct reader *rd)
{
	struct rp_patch_edit *e = rd->edit;
	int r;

	if (!e)
		return 0;
	rd->line = e->line;
	if (!e->file)
		return BAD(rd, "edit without file");
	if (!rd->has_action)
		return BAD(rd, "edit without an action");
	if (e->action == RP_ACT_SUBSTITUTE && (!e->from || !e->to))
		return BAD(rd, "substitute needs from and to");
	if (e->action != RP_ACT_SUBSTITUTE && (e->from || e->to))
		return BAD(rd, "from and to belong to substitute");
	r = check_found_again(rd);
	if (r < 0)
		return r;
	if (e->action == RP_ACT_APPEND && (rd->anchor_text || e->functions.n > 0))
		return BAD(rd, "append takes no anchor and no function");
	if (e->action != RP_ACT_APPEND && !rd->anchor_text)
		return BAD(rd, "edit without an anchor");
	if (rd->anchor_text && strcmp(rd->anchor_text, "@definition") == 0) {
		if (e->functions.n == 0 || e->action != RP_ACT_INSERT_BEFORE)
			return BAD(rd, "@definition needs a function and insert-before");
		e->at_definition = true;
	} else if (rd->anchor_text) {
		r = rp_pattern_compile(
			rd->anchor_text, rp_language_of(e->file), &e->anchor, rd->err);
		if (r < 0)
			return rp_error_prefix(rd->err, r, "%s:%u", rd->file, e->line);
	}
	free(rd->anchor_text);
	rd->anchor_text = NULL;
	rd->has_action = false;
	rd->has_function = false;
	return 0;
}

static int begin_edit(struct reader *rd)
{
	struct rp_patch *p = rd->patch;
	int r;

	r = finish_edit(rd);
	if (r < 0)
		return r;
	if (rp_array_grow(&p->edits, &rd->edits_cap, p->n_edits, sizeof(*p->edits)) < 0)
		return RP_NOMEM(rd->err);
	rd->edit = &p->edits[p->n_edits++];
	*rd->edit = (struct rp_patch_edit){ .line = rd->line };
	return 0;
}

/* value is owned by this call. */
static int head_key(struct reader *rd, const char *key, char *value)
{
	struct rp_patch *p = rd->patch;
	RP_CLEANUP(rp_free_p) char *v = value;
	const struct {
		const char *key;
		char **field;
	} strings[] = { { "id", &p->id }, { "component", &p->component }, { "set", &p->set },
		{ "title", &p->title }, { "why", &p->why }, { "effect", &p->effect } };

	for (size_t i = 0; i < RP_ARRAY_SIZE(strings); i++)
		if (strcmp(key, strings[i].key) == 0)
			return set_once(rd, strings[i].field, key, RP_STEAL(v));
	if (strcmp(key, "evidence") == 0)
		return rd->has_evidence ? BAD(rd, "evidence is given twice") : read_evidence(rd, v);
	if (strcmp(key, "default") == 0) {
		if (rd->has_default)
			return BAD(rd, "default is given twice");
		rd->has_default = true;
		return read_bool(rd, v, &p->by_default);
	}
	if (strcmp(key, "requires") == 0)
		return split_once(rd, &p->requires, &rd->has_requires, key, v);
	if (strcmp(key, "conflicts") == 0)
		return split_once(rd, &p->conflicts, &rd->has_conflicts, key, v);
	return BAD(rd, "unknown key \"%s\"", key);
}

static int edit_key(struct reader *rd, const char *key, char *value)
{
	RP_CLEANUP(rp_free_p) char *v = value;
	struct rp_patch_edit *e = rd->edit;

	if (strcmp(key, "file") == 0)
		return set_once(rd, &e->file, key, RP_STEAL(v));
	if (strcmp(key, "function") == 0)
		return split_once(rd, &e->functions, &rd->has_function, key, v);
	if (strcmp(key, "anchor") == 0)
		return set_once(rd, &rd->anchor_text, key, RP_STEAL(v));
	if (strcmp(key, "from") == 0)
		return set_once(rd, &e->from, key, RP_STEAL(v));
	if (strcmp(key, "to") == 0)
		return set_once(rd, &e->to, key, RP_STEAL(v));
	if (strcmp(key, "since") == 0 || strcmp(key, "until") == 0)
		return add_condition(rd, key[0] == 'u', v);
	for (int a = 0; a < RP_ACT_MAX; a++) {
		if (strcmp(key, action_names[a]) != 0)
			continue;
		if (rd->has_action)
			return BAD(rd, "a second action in one edit");
		rd->has_action = true;
		e->action = (enum rp_action)a;
		if (a == RP_ACT_SUBSTITUTE)
			return v[0] ? BAD(rd, "substitute takes from and to, no text") : 0;
		if (!v[0])
			return BAD(rd, "%s needs text", key);
		e->text = RP_STEAL(v);
		return 0;
	}
	return BAD(rd, "unknown key \"%s\" in an edit", key);
}

static int one_line(struct reader *rd, struct rp_span line)
{
	RP_CLEANUP(rp_free_p) char *key = NULL;
	struct rp_span s = rp_span_trim(line), rest;
	char *value = NULL;
	size_t n = 0;
	int r;

	if (s.n == 0 || s.p[0] == '#')
		return 0;
	if (memchr(s.p, 0, s.n))
		return BAD(rd, "NUL byte");
	while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t')
		n++;
	key = rp_span_dup(rp_span_of(s.p, n));
	if (!key)
		return RP_NOMEM(rd->err);
	rest = rp_span_trim(rp_span_of(s.p + n, s.n - n));
	if (strcmp(key, "edit") == 0 && rest.n == 0)
		return begin_edit(rd);
	if (rp_span_starts(rest, "<<") && rest.n > 2) {
		r = read_block(rd, rp_span_of(rest.p + 2, rest.n - 2), &value);
		if (r < 0)
			return r;
	} else {
		value = rp_span_dup(rest);
		if (!value)
			return RP_NOMEM(rd->err);
	}
	return rd->edit ? edit_key(rd, key, value) : head_key(rd, key, value);
}

static int check_whole(struct reader *rd)
{
	const struct rp_patch *p = rd->patch;
	const struct {
		const char *key;
		const char *field;
	} needed[] = { { "id", p->id }, { "component", p->component }, { "set", p->set },
		{ "title", p->title }, { "why", p->why }, { "effect", p->effect } };

	rd->line = rd->next_line;
	for (size_t i = 0; i < RP_ARRAY_SIZE(needed); i++)
		if (!needed[i].field || !needed[i].field[0])
			return BAD(rd, "%s is missing", needed[i].key);
	if (!rd->has_evidence)
		return BAD(rd, "evidence is missing");
	if (!rd->has_default)
		return BAD(rd, "default is missing");
	if (p->n_edits == 0)
		return BAD(rd, "no edit");
	return 0;
}

static int parse(struct rp_span text, const char *file, struct rp_patch *p, struct rp_error *err)
{
	struct reader rd = { .rest = text, .file = file, .patch = p, .err = err };
	struct rp_span line;
	int r = 0;

	while (r == 0 && rp_span_line(&rd.rest, &line)) {
		rd.line = ++rd.next_line;
		r = one_line(&rd, line);
	}
	if (r == 0)
		r = finish_edit(&rd);
	free(rd.anchor_text);
	return r < 0 ? r : check_whole(&rd);
}

struct load {
	struct rp_patch_list *list;
};

int rp_patch_parse(
	struct rp_span text, const char *file, struct rp_patch_list *list, struct rp_error *err)
{
	uint8_t digest[RP_SHA256_BYTES];
	struct rp_patch p = { .by_default = false };
	struct rp_sha256 sha;
	int r;

	r = parse(text, file, &p, err);
	if (r < 0)
		goto out;
	p.file = strdup(file);
	if (!p.file || rp_array_grow(&list->v, &list->cap, list->n, sizeof(*list->v)) < 0) {
		r = RP_NOMEM(err);
		goto out;
	}
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i].id, p.id) == 0) {
			r = RP_FAIL(err, -EBADMSG, "%s: id %s is already taken by %s", file, p.id,
				list->v[i].file);
			goto out;
		}
	}
	rp_sha256_init(&sha);
	rp_sha256_add(&sha, text);
	rp_sha256_final(&sha, digest);
	rp_sha256_hex(digest, p.sha256);
	list->v[list->n++] = p;
	return 0;
out:
	patch_free(&p);
	return r;
}

static int load_file(void *data, int dirfd, const char *name, const char *rel,
	const struct stat *st, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct load *load = data;
	size_t n = strlen(name);
	int r;

	(void)st;
	if (n < 8 || strcmp(name + n - 7, ".rpatch") != 0)
		return 0;
	r = rp_file_read(dirfd, name, MAX_FILE_BYTES, &text, err);
	if (r < 0)
		return r;
	return rp_patch_parse(rp_buf_span(&text), rel, load->list, err);
}

static int by_component(const void *a, const void *b)
{
	const struct rp_patch *x = a, *y = b;
	int c = strcmp(x->component, y->component);

	if (c == 0)
		c = strcmp(x->set, y->set);
	return c ? c : strcmp(x->id, y->id);
}

int rp_patch_load(int dirfd, const char *path, struct rp_patch_list *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_patch_list_free) struct rp_patch_list list = RP_PATCH_LIST_INIT;
	struct load load = { &list };
	int r;

	r = rp_walk(dirfd, path, load_file, &load, err);
	if (r < 0)
		return r;
	if (list.n == 0)
		return RP_FAIL(err, -ENOENT, "%s: no patch definition (*.rpatch)", path);
	qsort(list.v, list.n, sizeof(*list.v), by_component);
	*ret = list;
	list = (struct rp_patch_list)RP_PATCH_LIST_INIT;
	return 0;
}
