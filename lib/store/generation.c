/* SPDX-License-Identifier: MIT */
/* Listing generations: what their generation.ini says. */
#include "store/internal.h"

#include <fcntl.h>

#define MAX_INFO_BYTES ((size_t)1 << 20)

static void generation_free(struct rp_generation *g)
{
	free(g->id);
	free(g->version);
	free(g->key);
	free(g->created);
	rp_strv_free(&g->components);
	rp_strv_free(&g->patches);
	free(g->damage);
}

void rp_generation_list_free(struct rp_generation_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		generation_free(&list->v[i]);
	free(list->v);
	*list = (struct rp_generation_list)RP_GENERATION_LIST_INIT;
}

static int copy_value(const struct rp_ini *ini, const char *section, const char *key, char **ret,
	struct rp_error *err)
{
	const char *v;
	int r = rp_ini_need(ini, section, key, &v, err);

	if (r < 0)
		return r;
	*ret = strdup(v);
	return *ret ? 0 : RP_NOMEM(err);
}

static int read_info(const struct rp_store *st, struct rp_generation *g, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_ini_free) struct rp_ini ini = RP_INI_INIT;
	RP_CLEANUP(rp_free_p)
	char *path = rp_asprintf("%s/%s/generation.ini", g->id, RP_STORE_META);
	const char *list, *number;
	int r;

	if (!path)
		return RP_NOMEM(err);
	r = rp_file_read(st->fd, path, MAX_INFO_BYTES, &text, err);
	if (r == 0)
		r = rp_ini_parse(rp_buf_span(&text), path, &ini, err);
	if (r == 0)
		r = copy_value(&ini, "generation", "version", &g->version, err);
	if (r == 0)
		r = copy_value(&ini, "generation", "key", &g->key, err);
	if (r == 0)
		r = copy_value(&ini, "generation", "created", &g->created, err);
	for (size_t i = 0; r == 0 && i < ini.n; i++)
		if (ini.items[i].key && strcmp(ini.items[i].section, "component") == 0 &&
			strcmp(ini.items[i].key, "name") == 0)
			r = rp_strv_add(&g->components, ini.items[i].value, err);
	list = rp_ini_get(&ini, "generation", "patches");
	if (r == 0 && list)
		r = rp_strv_split(&g->patches, rp_span_str(list), err);
	number = rp_ini_get(&ini, "tree", "files");
	if (r == 0 && (!number || !rp_span_number(rp_span_str(number), &g->n_files)))
		r = RP_FAIL(err, -EBADMSG, "%s: number of files is missing", path);
	number = rp_ini_get(&ini, "tree", "bytes");
	if (r == 0 && (!number || !rp_span_number(rp_span_str(number), &g->size_bytes)))
		r = RP_FAIL(err, -EBADMSG, "%s: size is missing", path);
	return r;
}

static int by_created(const void *a, const void *b)
{
	const struct rp_generation *x = a, *y = b;
	int c = strcmp(y->created ? y->created : "", x->created ? x->created : "");

	return c ? c : strcmp(x->id, y->id);
}

static int add(const struct rp_store *st, const char *id, const char *active, const char *previous,
	struct rp_generation_list *list, struct rp_error *err)
{
	struct rp_error own = RP_ERROR_INIT;
	struct rp_generation *g;
	int r;

	if (rp_array_grow(&list->v, &list->cap, list->n, sizeof(*list->v)) < 0)
		return RP_NOMEM(err);
	g = &list->v[list->n++];
	*g = (struct rp_generation){ .id = strdup(id),
		.active = active && strcmp(active, id) == 0,
		.previous = previous && strcmp(previous, id) == 0 };
	if (!g->id)
		return RP_NOMEM(err);
	r = read_info(st, g, &own);
	if (r == -ENOMEM)
		return RP_NOMEM(err);
	if (r < 0) {
		g->damage = strdup(own.text);
		if (!g->damage)
			return RP_NOMEM(err);
	}
	return 0;
}

int rp_store_list(const struct rp_store *st, struct rp_generation_list *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_generation_list_free)
	struct rp_generation_list list = RP_GENERATION_LIST_INIT;
	RP_CLEANUP(rp_free_p) char *active = NULL;
	RP_CLEANUP(rp_free_p) char *previous = NULL;
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	int r;

	if (st->fd < 0)
		return 0;
	r = rp_store_current(st, &active, err);
	if (r == 0)
		r = rp_store_previous(st, &previous, err);
	if (r < 0)
		return r;
	r = rp_list_dir(st->fd, st->prefix, &names, err);
	RP_STRV_FOREACH (name, &names)
		if (r == 0 && rp_store_is_id(*name))
			r = add(st, *name, active, previous, &list, err);
	if (r < 0)
		return r;
	if (list.n > 1)
		qsort(list.v, list.n, sizeof(*list.v), by_created);
	*ret = list;
	list = (struct rp_generation_list)RP_GENERATION_LIST_INIT;
	return 0;
}

int rp_store_find(const struct rp_generation_list *list, const char *id,
	const struct rp_generation **ret, struct rp_error *err)
{
	const struct rp_generation *found = NULL;
	size_t n = strlen(id);

	for (size_t i = 0; i < list->n; i++) {
		const struct rp_generation *g = &list->v[i];
		/* the key alone is as good a name as its beginning with the version */
		const char *key = g->id + strlen(g->id) - 12;

		if (strcmp(g->id, id) == 0) {
			*ret = g;
			return 0;
		}
		if (n == 0 || (strncmp(g->id, id, n) != 0 && strncmp(key, id, n) != 0))
			continue;
		if (found)
			return RP_FAIL(
				err, -ENOTUNIQ, "\"%s\" fits %s and %s", id, found->id, g->id);
		found = g;
	}
	if (!found)
		return RP_FAIL(err, -ENOENT,
			"no generation is called \"%s\" (\"rocm-patch list\" shows all)", id);
	*ret = found;
	return 0;
}
