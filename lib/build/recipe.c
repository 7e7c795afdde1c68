/* SPDX-License-Identifier: MIT */
/* Reading recipes (docs/recipe-format.md); strict: unknown sections and keys are errors. */
#include "build/build.h"

#include <fcntl.h>
#include <stdio.h>

#define MAX_RECIPE_BYTES ((size_t)1 << 20)
#define INPUT_PREFIX	 "input."

void rp_recipe_free(struct rp_recipe *r)
{
	free(r->name);
	free(r->version);
	free(r->title);
	free(r->library);
	rp_source_free(&r->source);
	for (size_t i = 0; i < r->n_inputs; i++) {
		free(r->inputs[i].name);
		rp_source_free(&r->inputs[i].source);
	}
	free(r->inputs);
	rp_strv_free(&r->toolchain_sets);
	rp_strv_free(&r->patch_sets);
	for (size_t i = 0; i < r->n_requirements; i++) {
		free(r->requirements[i].what);
		free(r->requirements[i].package);
	}
	free(r->requirements);
	rp_strv_free(&r->compilers);
	rp_strv_free(&r->options);
	rp_strv_free(&r->environment);
	rp_strv_free(&r->links);
	free(r->time);
	*r = (struct rp_recipe){ .name = NULL };
}

static int copy_needed(const struct rp_ini *ini, const char *section, const char *key, char **ret,
	struct rp_error *err)
{
	const char *v;
	int r = rp_ini_need(ini, section, key, &v, err);

	if (r < 0)
		return r;
	*ret = strdup(v);
	return *ret ? 0 : RP_NOMEM(err);
}

/* One list element a line: values may hold blanks. */
static int add_lines(const struct rp_ini *ini, const char *section, const char *key,
	struct rp_strv *ret, struct rp_error *err)
{
	const char *v = rp_ini_get(ini, section, key);
	struct rp_span rest, line;
	int r;

	if (!v)
		return 0;
	rest = rp_span_str(v);
	while (rp_span_line(&rest, &line)) {
		RP_CLEANUP(rp_free_p) char *s = NULL;

		if (line.n == 0)
			continue;
		s = rp_span_dup(line);
		if (!s)
			return RP_NOMEM(err);
		r = rp_strv_add(ret, s, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_words(const struct rp_ini *ini, const char *section, const char *key,
	struct rp_strv *ret, struct rp_error *err)
{
	const char *v = rp_ini_get(ini, section, key);

	return v ? rp_strv_split(ret, rp_span_str(v), err) : 0;
}

/* "300 MB", "1 GB", "4096" */
static int parse_size(
	const struct rp_ini *ini, const char *key, uint64_t *ret, struct rp_error *err)
{
	const char *v = rp_ini_get(ini, "need", key);
	size_t digits = v ? strspn(v, "0123456789") : 0;
	uint64_t n, unit = 1;

	if (!v)
		return RP_FAIL(err, -EBADMSG, "%s: section [need] needs \"%s\"", ini->name, key);
	if (strcmp(v + digits, " MB") == 0)
		unit = 1000 * 1000;
	else if (strcmp(v + digits, " GB") == 0)
		unit = 1000 * 1000 * 1000;
	else if (v[digits])
		return RP_FAIL(err, -EBADMSG,
			"%s: %s: expected a number with MB or GB, found \"%s\"", ini->name, key, v);
	if (!rp_span_number(rp_span_of(v, digits), &n) || __builtin_mul_overflow(n, unit, ret))
		return RP_FAIL(err, -EBADMSG,
			"%s: %s: expected a number with MB or GB, found \"%s\"", ini->name, key, v);
	return 0;
}

static int add_requirement(
	const struct rp_ini *ini, const char *line, struct rp_recipe *rec, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv w = RP_STRV_INIT;
	struct rp_requirement *q;
	int r;

	r = rp_strv_split(&w, rp_span_str(line), err);
	if (r < 0)
		return r;
	if (w.n != 3 || strcmp(w.v[1], ":") != 0)
		return RP_FAIL(err, -EBADMSG,
			"%s: [need] tools: expected \"PROGRAM-OR-FILE : PACKAGE\", found \"%s\"",
			ini->name, line);
	q = reallocarray(rec->requirements, rec->n_requirements + 1, sizeof(*q));
	if (!q)
		return RP_NOMEM(err);
	rec->requirements = q;
	q += rec->n_requirements++;
	*q = (struct rp_requirement){ strdup(w.v[0]), strdup(w.v[2]) };
	return q->what && q->package ? 0 : RP_NOMEM(err);
}

static int add_input(
	const struct rp_ini *ini, const char *section, struct rp_recipe *rec, struct rp_error *err)
{
	struct rp_input *in = reallocarray(rec->inputs, rec->n_inputs + 1, sizeof(*in));

	if (!in)
		return RP_NOMEM(err);
	rec->inputs = in;
	in += rec->n_inputs;
	*in = (struct rp_input){ .name = strdup(section + strlen(INPUT_PREFIX)),
		.source = RP_SOURCE_INIT };
	if (!in->name)
		return RP_NOMEM(err);
	rec->n_inputs++;
	return rp_source_from_ini(ini, section, &in->source, err);
}

static int check_sections(const struct rp_ini *ini, struct rp_recipe *rec, struct rp_error *err)
{
	static const struct {
		const char *section;
		const char *keys[8];
	} known[] = {
		{ "component", { "name", "version", "title", "library" } },
		{ "source", { NULL } }, /* checked by its kind */
		{ "patches", { "toolchain", "sets" } },
		{ "configure", { "options", "environment", "links" } },
		{ "need", { "tools", "compilers", "disk", "memory", "time" } },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ini->n; i++) {
		const struct rp_ini_item *it = &ini->items[i];
		size_t k = 0;

		if (it->key)
			continue;
		for (size_t b = 0; b < i; b++)
			if (!ini->items[b].key && strcmp(ini->items[b].section, it->section) == 0)
				return RP_FAIL(err, -EBADMSG, "%s:%u: section [%s] stands twice",
					ini->name, it->line, it->section);
		if (strncmp(it->section, INPUT_PREFIX, strlen(INPUT_PREFIX)) == 0 &&
			it->section[strlen(INPUT_PREFIX)]) {
			r = add_input(ini, it->section, rec, err);
			continue;
		}
		while (k < RP_ARRAY_SIZE(known) && strcmp(known[k].section, it->section) != 0)
			k++;
		if (k == RP_ARRAY_SIZE(known))
			return RP_FAIL(err, -EBADMSG, "%s:%u: unknown section [%s]", ini->name,
				it->line, it->section);
		if (known[k].keys[0])
			r = rp_ini_only(ini, it->section, known[k].keys, err);
	}
	if (r == 0 && ini->n > 0 && ini->items[0].section_no == 0)
		return RP_FAIL(err, -EBADMSG, "%s:%u: key outside of a section", ini->name,
			ini->items[0].line);
	return r;
}

static int fill(const struct rp_ini *ini, struct rp_recipe *rec, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv tools = RP_STRV_INIT;
	int r;

	r = check_sections(ini, rec, err);
	if (r == 0)
		r = copy_needed(ini, "component", "name", &rec->name, err);
	if (r == 0)
		r = copy_needed(ini, "component", "version", &rec->version, err);
	if (r == 0)
		r = copy_needed(ini, "component", "title", &rec->title, err);
	if (r == 0)
		r = copy_needed(ini, "component", "library", &rec->library, err);
	if (r == 0)
		r = copy_needed(ini, "need", "time", &rec->time, err);
	if (r == 0)
		r = rp_source_from_ini(ini, "source", &rec->source, err);
	if (r == 0)
		r = add_words(ini, "patches", "toolchain", &rec->toolchain_sets, err);
	if (r == 0)
		r = add_words(ini, "patches", "sets", &rec->patch_sets, err);
	if (r == 0)
		r = add_words(ini, "need", "compilers", &rec->compilers, err);
	if (r == 0)
		r = add_lines(ini, "configure", "options", &rec->options, err);
	if (r == 0)
		r = add_lines(ini, "configure", "environment", &rec->environment, err);
	if (r == 0)
		r = add_lines(ini, "configure", "links", &rec->links, err);
	if (r == 0)
		r = add_lines(ini, "need", "tools", &tools, err);
	for (size_t i = 0; r == 0 && i < tools.n; i++)
		r = add_requirement(ini, tools.v[i], rec, err);
	if (r == 0)
		r = parse_size(ini, "disk", &rec->disk_bytes, err);
	if (r == 0)
		r = parse_size(ini, "memory", &rec->memory_bytes, err);
	if (r < 0)
		return r;
	if (!rp_path_is_safe(rec->library))
		return RP_FAIL(
			err, -EBADMSG, "%s: library is not a path below the prefix", ini->name);
	if (strchr(rec->name, '/') || strchr(rec->version, '/') || rec->name[0] == '.')
		return RP_FAIL(
			err, -EBADMSG, "%s: name and version cannot hold a slash", ini->name);
	return 0;
}

int rp_recipe_parse(
	struct rp_span text, const char *file, struct rp_recipe *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_recipe_free) struct rp_recipe rec = { .source = RP_SOURCE_INIT };
	RP_CLEANUP(rp_ini_free) struct rp_ini ini = RP_INI_INIT;
	int r;

	r = rp_ini_parse(text, file, &ini, err);
	if (r == 0)
		r = fill(&ini, &rec, err);
	if (r < 0)
		return r;
	*ret = rec;
	rec = (struct rp_recipe){ .source = RP_SOURCE_INIT };
	return 0;
}

int rp_recipe_load(
	const char *data_dir, const char *name, struct rp_recipe *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *path = NULL;
	int r;

	if (strchr(name, '/')) /* a recipe of the user's own */
		path = strdup(name);
	else
		path = rp_asprintf("%s/recipes/%s.recipe", data_dir, name);
	if (!path)
		return RP_NOMEM(err);
	r = rp_file_read(AT_FDCWD, path, MAX_RECIPE_BYTES, &text, err);
	if (r == -ENOENT)
		return RP_FAIL(err, r, "no recipe for \"%s\" (%s)", name, path);
	return r < 0 ? r : rp_recipe_parse(rp_buf_span(&text), rp_path_base(path), ret, err);
}
