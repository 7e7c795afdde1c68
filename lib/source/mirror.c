/* SPDX-License-Identifier: MIT */
/*
 * Which archive serves Debian itself, from the machine's own configuration of apt
 * (sources.list(5), one-line and deb822 style). Archives of third parties use the
 * same suite names ("stable main", "bookworm main"), so the entries are weighed:
 * Debian's own keyring tells most, another key tells against.
 */
#include "source/internal.h"

#include <stdio.h>

#define MAX_LIST_BYTES ((size_t)1 << 20)
#define SCORE_KEYRING  4 /* Signed-By is Debian's archive keyring */
#define SCORE_NO_KEY   2 /* apt's default keys */
#define SCORE_PATH     1 /* the last part of the path is "debian", as on Debian's mirrors */

void rp_mirror_free(struct rp_mirror *m)
{
	free(m->uri);
	free(m->options);
	*m = (struct rp_mirror)RP_MIRROR_INIT;
}

/* Words that name a release of Debian, and words that anybody's archive may use as well. */
static bool names_release(const struct rp_distro *d, const char *suite)
{
	static const char *const names[] = { "bullseye", "bookworm", "trixie", "forky", "duke",
		"sid" };

	if (d->is_debian && d->codename[0] && strcmp(suite, d->codename) == 0)
		return true;
	for (size_t i = 0; i < RP_ARRAY_SIZE(names); i++)
		if (strcmp(suite, names[i]) == 0)
			return true;
	return false;
}

static bool names_general(const char *suite)
{
	static const char *const names[] = { "oldstable", "stable", "testing", "unstable" };

	for (size_t i = 0; i < RP_ARRAY_SIZE(names); i++)
		if (strcmp(suite, names[i]) == 0)
			return true;
	return false;
}

struct entry {
	const char *uri;
	const char *signed_by; /* NULL: none */
	bool foreign_key; /* signed-by is there, in a form that we do not take over */
	bool trusted;
	bool release; /* a suite of it is named as a release */
	bool general; /* ... or by a general word */
};

static bool ends_in_debian(const char *uri)
{
	size_t n = strlen(uri);

	while (n > 0 && uri[n - 1] == '/')
		n--;
	return n > 7 && strncmp(uri + n - 7, "/debian", 7) == 0;
}

/* 0: not Debian's own archive, as far as the entry shows. */
static int score(const struct rp_distro *d, const struct entry *e)
{
	int s = ends_in_debian(e->uri) ? SCORE_PATH : 0;

	if (e->signed_by && strncmp(rp_path_base(e->signed_by), "debian-archive-", 15) == 0)
		s += SCORE_KEYRING;
	else if (!e->signed_by && !e->foreign_key)
		s += SCORE_NO_KEY;
	if (e->release && d->is_debian)
		return 1 + s;
	/* Elsewhere, and for words like "stable", the name alone says nothing. */
	return (e->release || e->general) && s >= SCORE_NO_KEY + SCORE_PATH ? 1 + s : 0;
}

/* Takes the entry over if it is better than what ret holds. 1: it did. */
static int consider(const struct rp_distro *d, const struct entry *e, struct rp_mirror *ret,
	struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	char *uri, *options;
	int s = score(d, e);

	if (s <= ret->score || !e->uri[0] || !rp_apt_plain(e->uri))
		return 0;
	if (e->signed_by && (e->signed_by[0] != '/' || !rp_apt_plain(e->signed_by)))
		return 0; /* an entry of a form that we do not take over */
	if (e->signed_by)
		rp_buf_addf(&b, " signed-by=%s", e->signed_by);
	if (e->trusted)
		rp_buf_adds(&b, " trusted=yes");
	uri = strdup(e->uri);
	options = b.n > 0 ? rp_asprintf("[%s ] ", rp_buf_cstr(&b)) : strdup("");
	if (!uri || !options) {
		free(uri);
		free(options);
		return RP_NOMEM(err);
	}
	rp_mirror_free(ret);
	ret->uri = uri;
	ret->options = options;
	ret->score = s;
	return 1;
}

static void look_at_suite(const struct rp_distro *d, const char *suite, struct entry *e)
{
	e->release |= names_release(d, suite);
	e->general |= names_general(suite);
}

/* "deb [options] uri suite component..." */
static int parse_one_line(
	struct rp_span line, const struct rp_distro *d, struct rp_mirror *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv w = RP_STRV_INIT;
	struct entry e = { .uri = NULL };
	size_t i = 1;
	int r;

	r = rp_strv_split(&w, line, err);
	if (r < 0)
		return r;
	if (w.n < 4 || strcmp(w.v[0], "deb") != 0)
		return 0;
	if (w.v[1][0] == '[') {
		for (bool end = false; !end; i++) {
			char *o;
			size_t n;

			if (i >= w.n)
				return 0;
			o = w.v[i] + (w.v[i][0] == '[');
			n = strlen(o);
			end = n > 0 && o[n - 1] == ']';
			if (end)
				o[n - 1] = '\0';
			if (strncmp(o, "signed-by=", 10) == 0)
				e.signed_by = o + 10;
			else if (strcmp(o, "trusted=yes") == 0)
				e.trusted = true;
		}
	}
	if (i + 2 >= w.n)
		return 0;
	e.uri = w.v[i];
	look_at_suite(d, w.v[i + 1], &e);
	for (size_t c = i + 2; c < w.n; c++)
		if (strcmp(w.v[c], "main") == 0)
			return consider(d, &e, ret, err);
	return 0;
}

static int field_words(
	struct rp_span stanza, const char *name, struct rp_strv *ret, struct rp_error *err)
{
	struct rp_span v;

	return rp_stanza_field(stanza, name, &v) ? rp_strv_split(ret, v, err) : 0;
}

/* A word that apt takes for "no" (apt-pkg/contrib/strutl.cc, StringToBool). */
static bool is_no(const struct rp_strv *w)
{
	static const char *const words[] = { "no", "false", "without", "off", "disable", "0" };

	for (size_t i = 0; i < RP_ARRAY_SIZE(words); i++)
		if (rp_strv_has(w, words[i]))
			return true;
	return false;
}

static int parse_stanza(struct rp_span stanza, const struct rp_distro *d, struct rp_mirror *ret,
	struct rp_error *err)
{
	enum { TYPES, URIS, SUITES, COMPONENTS, ENABLED, KEY, TRUSTED, FIELDS };
	static const char *const names[FIELDS] = { "Types", "URIs", "Suites", "Components",
		"Enabled", "Signed-By", "Trusted" };
	struct rp_strv f[FIELDS] = { RP_STRV_INIT };
	struct entry e = { .uri = NULL };
	int r = 0;

	for (int i = 0; r == 0 && i < FIELDS; i++)
		r = field_words(stanza, names[i], &f[i], err);
	if (r == 0 && rp_strv_has(&f[TYPES], "deb") && f[URIS].n > 0 &&
		rp_strv_has(&f[COMPONENTS], "main") && !is_no(&f[ENABLED])) {
		e.uri = f[URIS].v[0];
		/* An embedded key (a block, not a path) cannot be named in one line. */
		if (f[KEY].n == 1 && f[KEY].v[0][0] == '/')
			e.signed_by = f[KEY].v[0];
		e.foreign_key = f[KEY].n > 0 && !e.signed_by;
		e.trusted = rp_strv_has(&f[TRUSTED], "yes");
		RP_STRV_FOREACH (suite, &f[SUITES])
			look_at_suite(d, *suite, &e);
		r = consider(d, &e, ret, err);
	}
	for (int i = 0; i < FIELDS; i++)
		rp_strv_free(&f[i]);
	return r;
}

int rp_mirror_parse(struct rp_span text, bool deb822, const struct rp_distro *d,
	struct rp_mirror *ret, struct rp_error *err)
{
	struct rp_span part;
	int found = 0, r;

	if (text.n > 0 && memchr(text.p, 0, text.n))
		return RP_FAIL(err, -EBADMSG, "NUL byte");
	while (deb822 ? rp_stanza_next(&text, &part) : rp_span_line(&text, &part)) {
		if (!deb822 && rp_span_starts(rp_span_trim(part), "#"))
			continue;
		r = deb822 ? parse_stanza(part, d, ret, err) : parse_one_line(part, d, ret, err);
		if (r < 0)
			return r;
		found |= r;
	}
	return found;
}

/* NAME=value, NAME="value" or NAME='value' (os-release(5)); "" if absent or too long. */
static void os_release_value(struct rp_span text, const char *name, char *ret, size_t size)
{
	size_t n = strlen(name);
	struct rp_span line;

	ret[0] = '\0';
	while (rp_span_line(&text, &line)) {
		line = rp_span_trim(line);
		if (line.n <= n || !rp_span_starts(line, name) || line.p[n] != '=')
			continue;
		line = rp_span_of(line.p + n + 1, line.n - n - 1);
		if (line.n >= 2 && (line.p[0] == '"' || line.p[0] == '\'') &&
			line.p[line.n - 1] == line.p[0])
			line = rp_span_of(line.p + 1, line.n - 2);
		if (line.n < size)
			(void)snprintf(ret, size, "%.*s", (int)line.n, (const char *)line.p);
		return;
	}
}

static int read_distro(const struct rp_source_env *env, struct rp_distro *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	int r;

	r = rp_root_read(env->root, "/etc/os-release", MAX_LIST_BYTES, &text, err);
	if (r < 0 && r != -ENOENT)
		return r;
	os_release_value(rp_buf_span(&text), "ID", ret->id, sizeof(ret->id));
	os_release_value(
		rp_buf_span(&text), "VERSION_CODENAME", ret->codename, sizeof(ret->codename));
	ret->is_debian = strcmp(ret->id, "debian") == 0;
	return 0;
}

static int try_list(const struct rp_source_env *env, const char *path, const struct rp_distro *d,
	struct rp_mirror *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	size_t n = strlen(path);
	bool deb822 = n > 8 && strcmp(path + n - 8, ".sources") == 0;
	int r;

	if (!deb822 && (n < 5 || strcmp(path + n - 5, ".list") != 0))
		return 0;
	r = rp_root_read(env->root, path, MAX_LIST_BYTES, &text, err);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = rp_mirror_parse(rp_buf_span(&text), deb822, d, ret, err);
	return r < 0 ? rp_error_prefix(err, r, "%s", path) : 0;
}

/*
 * "mirror+file:/etc/apt/mirrors/x.list" (apt-transport-mirror(1), used by cloud images):
 * the first mirror of that file, since apt-helper takes no such URI.
 */
static int resolve_mirror_file(
	const struct rp_source_env *env, struct rp_mirror *m, struct rp_error *err)
{
	static const char scheme[] = "mirror+file:";
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct rp_span rest, line;
	const char *path;
	int r;

	if (strncmp(m->uri, scheme, strlen(scheme)) != 0)
		return strncmp(m->uri, "mirror", 6) == 0
			       ? RP_FAIL(err, -ENODEV,
					 "%.120s: a mirror list behind a URL is not supported: "
					 "name the mirror in /etc/apt",
					 m->uri)
			       : 0;
	path = m->uri + strlen(scheme);
	while (path[0] == '/' && path[1] == '/')
		path++;
	r = rp_root_read(env->root, path, MAX_LIST_BYTES, &text, err);
	if (r < 0)
		return rp_error_prefix(err, r, "list of mirrors");
	rest = rp_buf_span(&text);
	while (rp_span_line(&rest, &line)) {
		RP_CLEANUP(rp_strv_free) struct rp_strv w = RP_STRV_INIT;

		r = rp_strv_split(&w, line, err);
		if (r < 0)
			return r;
		if (w.n == 0 || w.v[0][0] == '#' || !strchr(w.v[0], ':') || !rp_apt_plain(w.v[0]))
			continue;
		free(m->uri);
		m->uri = w.v[0];
		w.v[0] = NULL; /* ours now; free(NULL) is fine */
		return 0;
	}
	return RP_FAIL(err, -ENODEV, "%s: no mirror in this list", path);
}

int rp_mirror_find(const struct rp_source_env *env, struct rp_mirror *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_mirror_free) struct rp_mirror m = RP_MIRROR_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	struct rp_distro d = { .is_debian = false };
	int r;

	r = read_distro(env, &d, err);
	if (r == 0)
		r = try_list(env, "/etc/apt/sources.list", &d, &m, err);
	if (r < 0)
		return r;
	r = rp_root_list(env->root, "/etc/apt/sources.list.d", &names, err);
	if (r < 0 && r != -ENOENT)
		return r;
	RP_STRV_FOREACH (name, &names) {
		RP_CLEANUP(rp_free_p) char *path = rp_path_join("/etc/apt/sources.list.d", *name);

		r = path ? try_list(env, path, &d, &m, err) : RP_NOMEM(err);
		if (r < 0)
			return r;
	}
	if (!m.uri)
		return RP_FAIL(err, -ENODEV,
			"no Debian mirror in /etc/apt (this is %s): a source of kind deb needs an "
			"entry for Debian's own archive, component main; else use --source "
			"git:... or a tarball",
			d.id[0] ? d.id : "an unknown system");
	r = resolve_mirror_file(env, &m, err);
	if (r < 0)
		return r;
	*ret = m;
	m = (struct rp_mirror)RP_MIRROR_INIT;
	return 0;
}
