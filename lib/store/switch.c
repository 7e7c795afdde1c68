/* SPDX-License-Identifier: MIT */
/*
 * Which generation is active: the link "current", renamed over its predecessor.
 * ".history" is a stack of what was active before ("-": none). It is written before a
 * switch forward and after a switch back, so a kill in between leaves the id that is active
 * on top of it; such tops are skipped.
 */
#include "store/internal.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#define NONE		  "-"
#define MAX_HISTORY_BYTES 65536
#define MAX_HISTORY	  50

int rp_store_current(const struct rp_store *st, char **ret, struct rp_error *err)
{
	char target[PATH_MAX];
	ssize_t n;

	if (st->fd < 0) {
		*ret = NULL;
		return 0;
	}
	n = readlinkat(st->fd, STORE_CURRENT, target, sizeof(target) - 1);
	if (n < 0 && errno == ENOENT) {
		*ret = NULL;
		return 0;
	}
	if (n < 0)
		return RP_FAIL(err, errno == EINVAL ? -EBADMSG : -errno,
			"%s/%s is not a link of the store", st->prefix, STORE_CURRENT);
	target[n] = '\0';
	if (!rp_store_is_id(target))
		return RP_FAIL(err, -EBADMSG, "%s/%s points to \"%s\", which is no generation",
			st->prefix, STORE_CURRENT, target);
	*ret = strdup(target);
	return *ret ? 0 : RP_NOMEM(err);
}

static int read_history(const struct rp_store *st, struct rp_strv *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	int r;

	r = rp_file_read(st->fd, STORE_HISTORY, MAX_HISTORY_BYTES, &text, err);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : rp_strv_split(ret, rp_buf_span(&text), err);
}

static int write_history(
	const struct rp_store *st, const struct rp_strv *ids, size_t n, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	int r;

	for (size_t i = n > MAX_HISTORY ? n - MAX_HISTORY : 0; i < n; i++)
		rp_buf_addf(&text, "%s\n", ids->v[i]);
	r = rp_buf_check(&text, err);
	return r < 0 ? r : rp_publish_file(st->fd, STORE_HISTORY, 0644, rp_buf_span(&text), err);
}

static bool exists(const struct rp_store *st, const char *id)
{
	return faccessat(st->fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* How many entries remain when those that rollback must skip are cut off the top. */
static size_t usable(const struct rp_store *st, const struct rp_strv *history, const char *active)
{
	size_t n = history->n;

	while (n > 0) {
		const char *top = history->v[n - 1];

		if (strcmp(top, active ? active : NONE) != 0 &&
			(strcmp(top, NONE) == 0 || (rp_store_is_id(top) && exists(st, top))))
			break;
		n--;
	}
	return n;
}

int rp_store_activate(
	const struct rp_ctx *ctx, struct rp_store *st, const char *id, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv history = RP_STRV_INIT;
	RP_CLEANUP(rp_free_p) char *active = NULL;
	int r;

	if (!rp_store_is_id(id) || !exists(st, id))
		return RP_FAIL(err, -ENOENT, "no generation is called \"%s\"", id);
	r = rp_store_current(st, &active, err);
	if (r < 0)
		return r;
	if (active && strcmp(active, id) == 0) {
		rp_event_text(ctx, RP_EV_DETAIL, "%s is active already", id);
		return 0;
	}
	r = read_history(st, &history, err);
	if (r == 0)
		r = rp_strv_add(&history, active ? active : NONE, err);
	if (r == 0)
		r = write_history(st, &history, history.n, err);
	return r < 0 ? r : rp_publish_symlink(st->fd, STORE_CURRENT, id, err);
}

int rp_store_rollback(
	const struct rp_ctx *ctx, struct rp_store *st, char **ret_id, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv history = RP_STRV_INIT;
	RP_CLEANUP(rp_free_p) char *active = NULL;
	RP_CLEANUP(rp_free_p) char *id = NULL;
	size_t n;
	int r;

	(void)ctx;
	r = rp_store_current(st, &active, err);
	if (r == 0)
		r = read_history(st, &history, err);
	if (r < 0)
		return r;
	n = usable(st, &history, active);
	if (n == 0)
		return RP_FAIL(
			err, -ENOENT, "nothing to go back to: no earlier switch is recorded");
	if (strcmp(history.v[n - 1], NONE) != 0) {
		id = strdup(history.v[n - 1]);
		if (!id)
			return RP_NOMEM(err);
		r = rp_publish_symlink(st->fd, STORE_CURRENT, id, err);
	} else {
		if (unlinkat(st->fd, STORE_CURRENT, 0) < 0)
			r = RP_FAIL_ERRNO(err, -errno, "%s/%s", st->prefix, STORE_CURRENT);
		else
			r = rp_fsync_dir(st->fd, err);
	}
	if (r == 0)
		r = write_history(st, &history, n - 1, err);
	if (r < 0)
		return r;
	*ret_id = RP_STEAL(id);
	return 0;
}

int rp_store_previous(const struct rp_store *st, char **ret, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv history = RP_STRV_INIT;
	RP_CLEANUP(rp_free_p) char *active = NULL;
	size_t n;
	int r;

	*ret = NULL;
	if (st->fd < 0)
		return 0;
	r = rp_store_current(st, &active, err);
	if (r == 0)
		r = read_history(st, &history, err);
	if (r < 0)
		return r;
	n = usable(st, &history, active);
	if (n == 0)
		return 0;
	*ret = strdup(history.v[n - 1]);
	return *ret ? 0 : RP_NOMEM(err);
}
