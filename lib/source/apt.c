/* SPDX-License-Identifier: MIT */
/*
 * apt with a private state: lists, cache and sources live below our cache, the
 * mirror comes from the machine's own configuration, and nothing of the
 * system's apt is changed. Signatures are checked by apt as always. The release
 * file's expiry is not enforced (copies of an archive may be old): what is
 * downloaded is compared with the signed index all the same.
 */
#include "source/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INDEX_MAX_AGE_S	    (24 * 3600)
#define UPDATE_TIMEOUT_MS   (10 * 60 * 1000)
#define QUERY_TIMEOUT_MS    (60 * 1000)
#define DOWNLOAD_TIMEOUT_MS (30 * 60 * 1000)
#define APT_HELPER	    "/usr/lib/apt/apt-helper"
#define DEBIAN_KEYRING	    "/usr/share/keyrings/debian-archive-keyring.gpg"
#define MAX_LIST_BYTES	    ((size_t)1 << 20)
#define MAX_QUERY_BYTES	    ((size_t)8 << 20)

void rp_apt_free(struct rp_apt *apt)
{
	free(apt->dir);
	free(apt->uri);
	*apt = (struct rp_apt){ .dir = NULL };
}

void rp_apt_file_free(struct rp_apt_file *f)
{
	free(f->version);
	free(f->path);
	free(f->sha256);
	*f = (struct rp_apt_file){ .version = NULL };
}

/* Writes a file of the private state if it differs. 1: it did, 0: not. */
static int keep_file(int dirfd, const char *name, struct rp_span text, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf old = RP_BUF_INIT;
	int r;

	if (rp_file_read(dirfd, name, MAX_LIST_BYTES, &old, NULL) == 0 &&
		rp_span_eq(rp_buf_span(&old), text))
		return 0;
	r = rp_publish_file(dirfd, name, 0644, text, err);
	return r < 0 ? r : 1;
}

/* The sources.list of the private state; written anew if it differs (then the index is stale). */
static int write_config(
	const struct rp_apt *apt, const struct rp_mirror *m, const char *key, struct rp_error *err)
{
	/*
	 * The system's hooks around "update" act on the system (caches of software
	 * centres, cleaning): they are not for us. An empty value by -o would leave the list's
	 * members in place; only #clear takes them out, and only a file given by -c is
	 * read behind /etc/apt/apt.conf.d (apt.conf(5)).
	 */
	static const char config[] = "#clear APT::Update::Pre-Invoke;\n"
				     "#clear APT::Update::Auth-Invoke;\n"
				     "#clear APT::Update::Post-Invoke-Success;\n"
				     "#clear APT::Update::Post-Invoke;\n";
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_close_fd) int fd = open(apt->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", apt->dir);
	rp_buf_addf(&text, "%s ", apt->binary ? "deb" : "deb-src");
	if (m->options[0])
		rp_buf_adds(&text, m->options);
	else if (key)
		rp_buf_addf(&text, "[ signed-by=%s ] ", key);
	rp_buf_addf(&text, "%s %s main\n", m->uri, apt->suite);
	r = rp_buf_check(&text, err);
	if (r == 0)
		r = keep_file(fd, "apt.conf", rp_span_str(config), err);
	if (r >= 0)
		r = keep_file(fd, "sources.list", rp_buf_span(&text), err);
	if (r > 0)
		(void)unlinkat(fd, "updated", 0); /* absent is what we want */
	return r < 0 ? r : 0;
}

static bool plain_suite(const char *s)
{
	return s[0] && strlen(s) < 64 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

int rp_apt_open(const struct rp_source_env *env, const char *suite, bool binary, struct rp_apt *ret,
	struct rp_error *err)
{
	static const char *const folders[] = { "lists/partial", "cache/archives/partial", NULL };
	RP_CLEANUP(rp_mirror_free) struct rp_mirror m = RP_MIRROR_INIT;
	RP_CLEANUP(rp_apt_free) struct rp_apt apt = { .suite = suite, .binary = binary };
	int r;

	if (!plain_suite(suite))
		return RP_FAIL(err, -EINVAL, "\"%s\" is no name of a suite", suite);
	r = rp_mirror_find(env, &m, err);
	if (r < 0)
		return r;
	apt.dir = rp_asprintf("%s/apt/%s-%s", env->cache_dir, suite, binary ? "deb" : "src");
	apt.uri = strdup(m.uri);
	if (!apt.dir || !apt.uri)
		return RP_NOMEM(err);
	for (const char *const *f = folders; *f; f++) {
		RP_CLEANUP(rp_free_p) char *path = rp_path_join(apt.dir, *f);

		r = path ? rp_mkdirs(AT_FDCWD, path, 0755, err) : RP_NOMEM(err);
		if (r < 0)
			return r;
	}
	r = write_config(
		&apt, &m, rp_root_exists(env->root, DEBIAN_KEYRING) ? DEBIAN_KEYRING : NULL, err);
	if (r < 0)
		return r;
	*ret = apt;
	apt = (struct rp_apt){ .dir = NULL };
	return 0;
}

/* Program and the options that make the state private. */
static int apt_argv(
	const struct rp_apt *apt, const char *program, struct rp_strv *ret, struct rp_error *err)
{
	/* Error-Mode: without it "update" ends with 0 when the mirror cannot be reached. */
	static const char *const fixed[] = { "-q=2", "-o", "Dir::Etc::SourceParts=/dev/null", "-o",
		"Dir::State::Status=/dev/null", "-o", "Acquire::Languages=none", "-o",
		"Acquire::Check-Valid-Until=false", "-o", "APT::Sandbox::User=root", "-o",
		"Acquire::Retries=2", "-o", "APT::Update::Error-Mode=any", NULL };
	int r;

	r = rp_strv_add(ret, program, err);
	if (r == 0)
		r = rp_strv_addf(ret, err, "-c=%s/apt.conf", apt->dir);
	if (r == 0)
		r = rp_strv_add_all(ret, fixed, err);
	if (r == 0)
		r = rp_strv_add(ret, "-o", err);
	if (r == 0)
		r = rp_strv_addf(ret, err, "Dir::Etc::SourceList=%s/sources.list", apt->dir);
	if (r == 0)
		r = rp_strv_add(ret, "-o", err);
	if (r == 0)
		r = rp_strv_addf(ret, err, "Dir::State::Lists=%s/lists", apt->dir);
	if (r == 0)
		r = rp_strv_add(ret, "-o", err);
	return r < 0 ? r : rp_strv_addf(ret, err, "Dir::Cache=%s/cache", apt->dir);
}

/* Runs it with messages that we can read. */
static int run_apt(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_strv *argv, struct rp_spawn *spawn, struct rp_exit *ret_exit,
	struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv vars = RP_STRV_INIT;
	int r;

	r = env->env ? rp_strv_add_all(&vars, env->env, err) : 0;
	if (r == 0)
		r = rp_strv_setenv(&vars, "LC_ALL", "C", err);
	if (r < 0)
		return r;
	spawn->argv = (const char *const *)argv->v;
	spawn->env = (const char *const *)vars.v;
	r = rp_spawn_check(ctx, spawn, ret_exit, err);
	return r == -ENOENT
		       ? RP_FAIL(err, -ENODEV,
				 "%s is not on this machine: use --source git:... or a tarball",
				 rp_path_base(argv->v[0]))
		       : r;
}

/* When the index was last brought; -1: never. */
static int64_t updated_at(const struct rp_apt *apt)
{
	RP_CLEANUP(rp_free_p) char *mark = rp_path_join(apt->dir, "updated");
	struct stat st;

	return mark && stat(mark, &st) == 0
		       ? (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec
		       : -1;
}

static bool is_fresh(int64_t at)
{
	return at >= 0 && time(NULL) - at / 1000000000 < INDEX_MAX_AGE_S;
}

/* A mirror that cannot be reached and one that cannot be trusted are different things. */
static int update_failure(int r, const struct rp_exit *x)
{
	static const char *const signs[] = { "is not signed", "NO_PUBKEY", "BADSIG", "EXPKEYSIG",
		"REVKEYSIG", "signatures were invalid" };

	if (r != -EPROTO)
		return r;
	for (size_t i = 0; i < RP_ARRAY_SIZE(signs); i++)
		if (strstr(x->tail, signs[i]))
			return -EBADMSG;
	return -ENETUNREACH;
}

int rp_apt_update(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_apt *apt, bool force, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv argv = RP_STRV_INIT;
	RP_CLEANUP(rp_lock_drop) struct rp_lock lock = RP_LOCK_INIT;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct rp_spawn spawn = RP_SPAWN_INIT;
	struct rp_exit x = { .status = 0 };
	int64_t at = updated_at(apt);
	int r;

	if (is_fresh(at) && !force)
		return 0;
	if (env->offline)
		return at >= 0 ? 0
			       : RP_FAIL(err, -ENETUNREACH,
					 "no package index of %s in the cache, and this run is "
					 "offline",
					 apt->suite);
	fd = open(apt->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", apt->dir);
	r = rp_lock_take(ctx, fd, ".lock", -1, &lock, err); /* apt itself would not wait */
	if (r < 0)
		return r;
	if (updated_at(apt) != at) /* somebody else brought it while we waited */
		return 0;
	r = apt_argv(apt, "apt-get", &argv, err);
	if (r == 0)
		r = rp_strv_add(&argv, "update", err);
	if (r < 0)
		return r;
	{
		RP_CLEANUP(rp_free_p) char *object = rp_asprintf("package index of %s", apt->suite);

		RP_EVENT(ctx, RP_EV_STEP, RP_STR("step", "read"),
			RP_STR("object", object ? object : apt->suite));
	}
	spawn.timeout_ms = UPDATE_TIMEOUT_MS;
	r = run_apt(ctx, env, &argv, &spawn, &x, err);
	if (r < 0)
		return rp_error_prefix(
			err, update_failure(r, &x), "package index of %s", apt->suite);
	return rp_publish_file(fd, "updated", 0644, rp_span_str("apt-get update succeeded\n"), err);
}

/* Order of one character (Policy 5.6.12): "~" first, then the end, letters, the rest. */
static int order(char c)
{
	if (c == '~')
		return -1;
	if (c == '\0' || (c >= '0' && c <= '9'))
		return 0;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return (unsigned char)c;
	return (unsigned char)c + 256;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static int compare_part(const char *a, size_t an, const char *b, size_t bn)
{
	size_t i = 0, k = 0;

#define AT(s, n, x) ((x) < (n) ? (s)[x] : '\0')
	while (i < an || k < bn) {
		int first = 0;

		while ((i < an && !digit(a[i])) || (k < bn && !digit(b[k]))) {
			int d = order(AT(a, an, i)) - order(AT(b, bn, k));

			if (d)
				return d;
			i += i < an && !digit(a[i]);
			k += k < bn && !digit(b[k]);
		}
		while (AT(a, an, i) == '0')
			i++;
		while (AT(b, bn, k) == '0')
			k++;
		while (digit(AT(a, an, i)) && digit(AT(b, bn, k))) {
			if (!first)
				first = a[i] - b[k];
			i++;
			k++;
		}
		if (digit(AT(a, an, i)))
			return 1;
		if (digit(AT(b, bn, k)))
			return -1;
		if (first)
			return first;
	}
#undef AT
	return 0;
}

int rp_debian_version_compare(const char *a, const char *b)
{
	const char *ac = strchr(a, ':'), *bc = strchr(b, ':'), *ar, *br;
	size_t an, bn;
	int d;

	d = compare_part(a, ac ? (size_t)(ac - a) : 0, b, bc ? (size_t)(bc - b) : 0);
	if (d)
		return d;
	a = ac ? ac + 1 : a;
	b = bc ? bc + 1 : b;
	ar = strrchr(a, '-');
	br = strrchr(b, '-');
	an = ar ? (size_t)(ar - a) : strlen(a);
	bn = br ? (size_t)(br - b) : strlen(b);
	d = compare_part(a, an, b, bn);
	if (d)
		return d;
	return compare_part(ar ? ar + 1 : "", ar ? strlen(ar + 1) : 0, br ? br + 1 : "",
		br ? strlen(br + 1) : 0);
}

/* pkg_1.2.orig.tar.xz, or pkg_1.2.tar.xz of a native package; not orig-NAME, not debian.tar. */
static bool is_main_tarball(const char *name)
{
	const char *tar = strstr(name, ".tar.");

	if (!tar || strchr(tar + 5, '.')) /* also refuses detached signatures: .tar.xz.asc */
		return false;
	if (tar - name >= 5 && strncmp(tar - 5, ".orig", 5) == 0)
		return true;
	return !strstr(name, ".orig") && !(tar - name >= 7 && strncmp(tar - 7, ".debian", 7) == 0);
}

/* "<sha256> <size> <name>" lines of Checksums-Sha256: takes the main tarball's. 1: found. */
static int source_file(struct rp_span stanza, struct rp_apt_file *f, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv w = RP_STRV_INIT;
	struct rp_span dir, sums;
	int r;

	if (!rp_stanza_field(stanza, "Directory", &dir) ||
		!rp_stanza_field(stanza, "Checksums-Sha256", &sums))
		return 0;
	dir = rp_span_trim(dir);
	r = rp_strv_split(&w, sums, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i + 2 < w.n; i += 3) {
		if (!is_main_tarball(w.v[i + 2]) || strchr(w.v[i + 2], '/'))
			continue;
		f->sha256 = strdup(w.v[i]);
		f->path = rp_asprintf("%.*s/%s", (int)dir.n, (const char *)dir.p, w.v[i + 2]);
		if (!f->sha256 || !f->path)
			return RP_NOMEM(err);
		return rp_span_number(rp_span_str(w.v[i + 1]), &f->size_bytes) ? 1 : 0;
	}
	return 0;
}

static int binary_file(struct rp_span stanza, struct rp_apt_file *f, struct rp_error *err)
{
	struct rp_span path, sha, size;

	if (!rp_stanza_field(stanza, "Filename", &path) ||
		!rp_stanza_field(stanza, "SHA256", &sha) ||
		!rp_stanza_field(stanza, "Size", &size) ||
		!rp_span_number(rp_span_trim(size), &f->size_bytes))
		return 0;
	f->path = rp_span_dup(rp_span_trim(path));
	f->sha256 = rp_span_dup(rp_span_trim(sha));
	return f->path && f->sha256 ? 1 : RP_NOMEM(err);
}

static bool safe_file(const struct rp_apt_file *f)
{
	return rp_path_is_safe(f->path) && rp_apt_plain(f->path) &&
	       strlen(f->sha256) == RP_SHA256_HEX - 1 &&
	       strspn(f->sha256, "0123456789abcdef") == RP_SHA256_HEX - 1;
}

int rp_apt_parse(struct rp_span text, bool binary, const char *package, const char *version_or_null,
	struct rp_apt_file *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_apt_file_free) struct rp_apt_file best = { .version = NULL };
	struct rp_span stanza, name, version;
	bool exact = false;
	int r;

	while (!exact && rp_stanza_next(&text, &stanza)) {
		RP_CLEANUP(rp_apt_file_free) struct rp_apt_file f = { .version = NULL };

		if (!rp_stanza_field(stanza, "Package", &name) ||
			!rp_span_eq_str(rp_span_trim(name), package) ||
			!rp_stanza_field(stanza, "Version", &version))
			continue;
		f.version = rp_span_dup(rp_span_trim(version));
		if (!f.version)
			return RP_FAIL(err, -EBADMSG, "%s: malformed version in the package index",
				package);
		exact = version_or_null && strcmp(f.version, version_or_null) == 0;
		if (!exact && best.version &&
			rp_debian_version_compare(f.version, best.version) <= 0)
			continue;
		r = binary ? binary_file(stanza, &f, err) : source_file(stanza, &f, err);
		if (r < 0)
			return r;
		if (r == 0 || !safe_file(&f)) {
			exact = false;
			continue;
		}
		rp_apt_file_free(&best);
		best = f;
		f = (struct rp_apt_file){ .version = NULL };
	}
	if (!best.version)
		return RP_FAIL(err, -ENOENT, "%s %s is not in the package index",
			binary ? "package" : "source package", package);
	*ret = best;
	best = (struct rp_apt_file){ .version = NULL };
	return 0;
}

int rp_apt_find(const struct rp_ctx *ctx, const struct rp_source_env *env, const struct rp_apt *apt,
	const char *package, const char *version_or_null, struct rp_apt_file *ret,
	struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv argv = RP_STRV_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct rp_spawn spawn = RP_SPAWN_INIT;
	int r;

	if (package[0] == '-' || !rp_apt_plain(package))
		return RP_FAIL(err, -EINVAL, "\"%s\" is no package name", package);
	r = apt_argv(apt, "apt-cache", &argv, err);
	if (r == 0)
		r = rp_strv_add(&argv, apt->binary ? "show" : "showsrc", err);
	if (r == 0)
		r = rp_strv_add(&argv, package, err);
	if (r < 0)
		return r;
	spawn.timeout_ms = QUERY_TIMEOUT_MS;
	spawn.capture = &text;
	spawn.capture_max = MAX_QUERY_BYTES;
	spawn.split_stderr = true;
	r = run_apt(ctx, env, &argv, &spawn, NULL, err);
	if (r == -EPROTO) /* apt-cache ends with 100 when it knows no such package */
		return RP_FAIL(
			err, -ENOENT, "%s is not in the package index of %s", package, apt->suite);
	return r < 0 ? r
		     : rp_apt_parse(
			       rp_buf_span(&text), apt->binary, package, version_or_null, ret, err);
}

/* apt gives a link to a file of a file: archive; the cache must own its bytes. */
static int own_bytes(const struct rp_source_env *env, const char *sha256, const char *partial,
	struct rp_error *err)
{
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct stat st;
	int r;

	if (lstat(partial, &st) < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", partial);
	if (!S_ISLNK(st.st_mode))
		return 0;
	r = rp_map_open(AT_FDCWD, partial, &map, err);
	if (r == 0)
		r = rp_cache_open(env, "partial", &fd, err);
	return r < 0 ? r : rp_publish_file(fd, sha256, 0644, map.span, err);
}

/* Bytes that are not the index's are a fact about the mirror, no matter of trying again. */
static int download_failure(int r, const struct rp_exit *x)
{
	if (r != -EPROTO)
		return r;
	return strstr(x->tail, "Hash Sum mismatch") || strstr(x->tail, "unexpected size")
		       ? -EBADMSG
		       : -ENETUNREACH;
}

int rp_apt_download(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_apt *apt, const struct rp_apt_file *f, struct rp_error *err)
{
	RP_CLEANUP(rp_lock_drop) struct rp_lock lock = RP_LOCK_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv argv = RP_STRV_INIT;
	RP_CLEANUP(rp_free_p) char *object = NULL;
	RP_CLEANUP(rp_free_p) char *partial = NULL;
	RP_CLEANUP(rp_free_p) char *url = NULL;
	struct rp_spawn spawn = RP_SPAWN_INIT;
	struct rp_exit x = { .status = 0 };
	bool there = false;
	int r;

	r = rp_cache_lock(ctx, env, &lock, err);
	if (r == 0)
		r = rp_cache_object(env, f->sha256, &object, &there, err);
	if (r < 0 || there)
		return r;
	r = rp_cache_partial(env, f->sha256, &partial, err);
	if (r == 0)
		r = apt_argv(apt, APT_HELPER, &argv, err);
	if (r < 0)
		return r;
	url = rp_path_join(apt->uri, f->path);
	if (!url)
		return RP_NOMEM(err);
	r = rp_strv_add(&argv, "download-file", err);
	if (r == 0)
		r = rp_strv_add(&argv, url, err);
	if (r == 0)
		r = rp_strv_add(&argv, partial, err);
	if (r == 0)
		r = rp_strv_addf(&argv, err, "SHA256:%s", f->sha256);
	if (r < 0)
		return r;
	RP_EVENT(ctx, RP_EV_STEP, RP_STR("step", "fetch"), RP_STR("object", rp_path_base(f->path)));
	spawn.timeout_ms = DOWNLOAD_TIMEOUT_MS;
	r = run_apt(ctx, env, &argv, &spawn, &x, err);
	if (r == 0)
		r = own_bytes(env, f->sha256, partial, err);
	if (r == 0)
		r = rp_cache_commit(env, f->sha256, err);
	if (r < 0)
		return rp_error_prefix(err, download_failure(r, &x), "%s", rp_path_base(f->path));
	RP_EVENT(ctx, RP_EV_DONE, RP_STR("step", "fetch"), RP_STR("object", rp_path_base(f->path)));
	return 0;
}
