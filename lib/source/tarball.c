/* SPDX-License-Identifier: MIT */
/*
 * Source kind tarball: a file on this machine, or one behind a URL with its
 * checksum. Downloads are resumed by range; a resumed file with a wrong checksum
 * is fetched once more from its start (the server may ignore ranges).
 */
#include "source/internal.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DOWNLOAD ((curl_off_t)8 << 30)
#define STALL_S	     60L /* less than a byte a second for so long: give up, keep the part */
#define CONNECT_S    30L

struct download {
	const struct rp_ctx *ctx;
	const char *object;
	int fd;
	curl_off_t start;
	curl_off_t got;
	int write_errno;
};

static bool is_url(const char *s)
{
	return strstr(s, "://") != NULL;
}

static size_t on_data(char *p, size_t size, size_t n, void *data)
{
	struct download *d = data;
	struct rp_error err = RP_ERROR_INIT;

	/* libcurl checks its limit against what the server announces, which may be nothing. */
	d->got += (curl_off_t)(size * n);
	if (d->start + d->got > MAX_DOWNLOAD) {
		d->write_errno = EFBIG;
		return 0;
	}
	if (rp_write_all(d->fd, rp_span_of(p, size * n), &err) < 0) {
		d->write_errno = -err.code;
		return 0;
	}
	return size * n;
}

static int on_progress(
	void *data, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
	struct download *d = data;

	(void)up_total;
	(void)up;
	RP_EVENT(d->ctx, RP_EV_PROGRESS, RP_STR("step", "fetch"), RP_STR("object", d->object),
		RP_STR("unit", "bytes"), RP_INT("done", d->start + now),
		RP_INT("total", total > 0 ? d->start + total : 0));
	return rp_cancelled(d->ctx) ? 1 : 0;
}

static int curl_to_errno(CURLcode c)
{
	switch (c) {
	case CURLE_ABORTED_BY_CALLBACK:
		return -ECANCELED;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_HTTP_RETURNED_ERROR:
	case CURLE_REMOTE_FILE_NOT_FOUND:
		return -ENOENT;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return -EINVAL;
	case CURLE_FILESIZE_EXCEEDED:
		return -EFBIG;
	case CURLE_RANGE_ERROR: /* the server sent all where we asked for the rest */
		return -ESPIPE;
	default:
		return -ENETUNREACH;
	}
}

/* One transfer, appended at d->start. */
static int transfer(struct download *d, const char *url, struct rp_error *err)
{
	char text[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	CURLcode c;
	int r;

	if (!curl)
		return RP_NOMEM(err);
	c = curl_easy_setopt(curl, CURLOPT_URL, url);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,file");
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, d->start);
	if (c == CURLE_OK) {
		/* These have no way to fail that matters: wrong values would be our bug. */
		(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, d);
		(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text);
		(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
		(void)curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
		(void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
		(void)curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
		(void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
		(void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
		(void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_S);
		(void)curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, MAX_DOWNLOAD);
		(void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
		(void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
		(void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, d);
		c = curl_easy_perform(curl);
	}
	if (c == CURLE_OK) {
		r = 0;
	} else if (c == CURLE_WRITE_ERROR && d->write_errno) {
		r = RP_FAIL_ERRNO(err, -d->write_errno, "write download of %s", url);
	} else {
		r = curl_to_errno(c);
		(void)RP_FAIL(err, r, "%s: %s", url, text[0] ? text : curl_easy_strerror(c));
	}
	curl_easy_cleanup(curl);
	return r;
}

/* From the start, or behind what is there. A server that cannot resume makes us start anew. */
static int download(const struct rp_ctx *ctx, const char *url, const char *partial, bool resume,
	struct rp_error *err)
{
	struct download d = { .ctx = ctx, .object = rp_path_base(url), .fd = -1 };
	struct stat st;
	int r;

	d.fd = open(partial,
		O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (resume ? 0 : O_TRUNC),
		0644);
	if (d.fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", partial);
	if (fstat(d.fd, &st) < 0) {
		r = RP_FAIL_ERRNO(err, -errno, "%s", partial);
	} else {
		d.start = st.st_size;
		r = transfer(&d, url, err);
	}
	rp_close_fd(&d.fd);
	return r;
}

static int fetch_url(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_error *err)
{
	RP_CLEANUP(rp_lock_drop) struct rp_lock lock = RP_LOCK_INIT;
	RP_CLEANUP(rp_free_p) char *partial = NULL;
	RP_CLEANUP(rp_free_p) char *object = NULL;
	struct stat st;
	bool there, resumed;
	int r;

	r = rp_cache_lock(ctx, env, &lock, err);
	if (r == 0)
		r = rp_cache_object(env, src->sha256, &object, &there, err);
	if (r < 0)
		return r;
	if (there) /* somebody else fetched it while we waited */
		return 0;
	r = rp_cache_partial(env, src->sha256, &partial, err);
	if (r < 0)
		return r;
	resumed = stat(partial, &st) == 0 && st.st_size > 0;
	RP_EVENT(ctx, RP_EV_STEP, RP_STR("step", "fetch"),
		RP_STR("object", rp_path_base(src->location)));
	r = download(ctx, src->location, partial, true, err);
	if (r == 0)
		r = rp_cache_commit(env, src->sha256, err);
	/*
	 * Only these two say that the part is of no use. After a lost connection it is kept:
	 * else a line that breaks again and again would never bring the whole file.
	 */
	if (resumed && (r == -EBADMSG || r == -ESPIPE)) {
		rp_event_text(ctx, RP_EV_DETAIL,
			"the resumed download failed (%s): from the start again",
			err ? err->text : "");
		r = download(ctx, src->location, partial, false, err);
		if (r == 0)
			r = rp_cache_commit(env, src->sha256, err);
	}
	if (r == -EFBIG)
		(void)unlink(partial); /* if it stays, the next run says the same */
	if (r == 0)
		RP_EVENT(ctx, RP_EV_DONE, RP_STR("step", "fetch"),
			RP_STR("object", rp_path_base(src->location)));
	return r;
}

static int describe_file(const struct rp_source *src, const char *sha, struct rp_source_state *ret,
	struct rp_error *err)
{
	ret->identity = rp_asprintf("sha256:%s", sha);
	ret->description = rp_asprintf("tarball %s", src->location);
	ret->version = strdup(src->version ? src->version : "local");
	return ret->identity && ret->description && ret->version ? 0 : RP_NOMEM(err);
}

static int local_state(
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	char sha[RP_SHA256_HEX];
	int r;

	r = rp_sha256_file(AT_FDCWD, src->location, sha, err);
	if (r < 0)
		return r;
	if (src->sha256 && strcmp(src->sha256, sha) != 0)
		return RP_FAIL(err, -EBADMSG, "%s has SHA-256 %s, expected %s", src->location, sha,
			src->sha256);
	ret->object = realpath(src->location, NULL);
	if (!ret->object)
		return RP_FAIL_ERRNO(err, -errno, "%s", src->location);
	ret->cached = true;
	return describe_file(src, sha, ret, err);
}

static int tarball_plan(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	int r;

	(void)ctx;
	if (!is_url(src->location))
		return local_state(src, ret, err);
	if (!src->sha256)
		return RP_FAIL(err, -EINVAL, "%s: a URL needs its sha256", src->location);
	r = rp_cache_object(env, src->sha256, &ret->object, &ret->cached, err);
	if (r < 0)
		return r;
	if (!ret->cached && env->offline)
		return RP_FAIL(err, -ENETUNREACH, "%s is not in the cache, and this run is offline",
			src->location);
	return describe_file(src, src->sha256, ret, err);
}

static int tarball_fetch(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, struct rp_source_state *ret, struct rp_error *err)
{
	int r = tarball_plan(ctx, env, src, ret, err);

	if (r < 0 || ret->cached)
		return r;
	r = fetch_url(ctx, env, src, err);
	if (r == 0)
		ret->cached = true;
	return r;
}

static int tarball_verify(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, struct rp_error *err)
{
	char sha[RP_SHA256_HEX];
	int r;

	(void)ctx;
	if (is_url(src->location))
		return rp_cache_verify(env, st->identity + strlen("sha256:"), err);
	r = rp_sha256_file(AT_FDCWD, st->object, sha, err);
	if (r < 0)
		return r;
	return strcmp(st->identity + strlen("sha256:"), sha) == 0
		       ? 0
		       : RP_FAIL(err, -ESTALE, "%s changed in the meantime", src->location);
}

static int tarball_unpack(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_source *src, const struct rp_source_state *st, int dirfd, const char *name,
	struct rp_error *err)
{
	(void)env;
	(void)src;
	return rp_archive_unpack(ctx, st->object, dirfd, name, -1, err);
}

static char *tarball_describe(const struct rp_source *src)
{
	return rp_asprintf("tarball %s", src->location);
}

static const char *const keys[] = { "kind", "path", "url", "sha256", "version", "subdir", NULL };

const struct rp_source_kind rp_source_kind_tarball = {
	.name = "tarball",
	.keys = keys,
	.plan = tarball_plan,
	.fetch = tarball_fetch,
	.verify = tarball_verify,
	.unpack = tarball_unpack,
	.describe = tarball_describe,
};
