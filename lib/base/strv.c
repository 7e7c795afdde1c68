/* SPDX-License-Identifier: MIT */
/* Vectors of owned strings; see base/strv.h. */
#include "base/strv.h"

#include "base/buf.h"

void rp_strv_free(struct rp_strv *sv)
{
	for (size_t i = 0; i < sv->n; i++)
		free(sv->v[i]);
	free(sv->v);
	*sv = (struct rp_strv)RP_STRV_INIT;
}

/* Takes s over, also on failure. */
static int add_owned(struct rp_strv *sv, char *s, struct rp_error *err)
{
	size_t behind;

	if (!s || !rp_size_add(sv->n, 1, &behind) ||
		rp_array_grow(&sv->v, &sv->cap, behind, sizeof(*sv->v)) < 0) {
		free(s);
		return RP_NOMEM(err);
	}
	sv->v[sv->n++] = s;
	sv->v[sv->n] = NULL;
	return 0;
}

int rp_strv_add(struct rp_strv *sv, const char *s, struct rp_error *err)
{
	return add_owned(sv, strdup(s), err);
}

int rp_strv_addf(struct rp_strv *sv, struct rp_error *err, const char *fmt, ...)
{
	struct rp_buf b = RP_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	rp_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	return add_owned(sv, rp_buf_steal(&b), err);
}

int rp_strv_add_all(struct rp_strv *sv, const char *const *v, struct rp_error *err)
{
	int r;

	for (; v && *v; v++) {
		r = rp_strv_add(sv, *v, err);
		if (r < 0)
			return r;
	}
	return 0;
}

bool rp_strv_has(const struct rp_strv *sv, const char *s)
{
	for (size_t i = 0; i < sv->n; i++)
		if (strcmp(sv->v[i], s) == 0)
			return true;
	return false;
}

static bool separates(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',';
}

int rp_strv_split(struct rp_strv *sv, struct rp_span s, struct rp_error *err)
{
	size_t i = 0, start;
	int r;

	while (i < s.n) {
		while (i < s.n && separates(s.p[i]))
			i++;
		start = i;
		while (i < s.n && !separates(s.p[i]))
			i++;
		if (i == start)
			continue;
		if (memchr(s.p + start, 0, i - start))
			return RP_FAIL(err, -EBADMSG, "list contains a NUL byte");
		r = add_owned(sv, rp_span_dup(rp_span_of(s.p + start, i - start)), err);
		if (r < 0)
			return r;
	}
	return 0;
}

static size_t find_name(const struct rp_strv *env, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], name, n) == 0 && env->v[i][n] == '=')
			return i;
	return env->n;
}

int rp_strv_setenv(struct rp_strv *env, const char *name, const char *value, struct rp_error *err)
{
	size_t i = find_name(env, name);
	char *s;

	if (i == env->n)
		return rp_strv_addf(env, err, "%s=%s", name, value);
	s = rp_asprintf("%s=%s", name, value);
	if (!s)
		return RP_NOMEM(err);
	free(env->v[i]);
	env->v[i] = s;
	return 0;
}

const char *rp_strv_getenv(const struct rp_strv *env, const char *name)
{
	size_t i = find_name(env, name);

	return i == env->n ? NULL : env->v[i] + strlen(name) + 1;
}
