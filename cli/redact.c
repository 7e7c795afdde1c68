/* SPDX-License-Identifier: MIT */
/* Takes home, user and host names out of what a user sends to others. */
#include "redact.h"

#include <string.h>
#include <unistd.h>

int redact_init(const struct rp_cli *cli, struct redact *ret, struct rp_error *err)
{
	struct redact r = { 0 };
	const char *home = rp_strv_getenv(&cli->env, "HOME");
	const char *user = rp_strv_getenv(&cli->env, "USER");

	if (cli->root.is_host) {
		if (home && home[0] == '/' && home[1])
			r.home = strdup(home);
		if (user && user[0])
			r.user = rp_asprintf("/%s/", user);
		if (gethostname(r.host, sizeof(r.host) - 1) < 0 || strlen(r.host) < 3)
			r.host[0] = '\0'; /* a short one is a part of many words */
		if ((home && home[0] == '/' && home[1] && !r.home) ||
			(user && user[0] && !r.user)) {
			redact_free(&r);
			return RP_NOMEM(err);
		}
	}
	*ret = r;
	return 0;
}

void redact_free(struct redact *r)
{
	free(r->home);
	free(r->user);
	*r = (struct redact){ 0 };
}

static void replace(struct rp_buf *b, const char *old, const char *new)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf out = RP_BUF_INIT;
	size_t n = strlen(old), at = 0;

	while (at < b->n) {
		const char *hit = memmem(b->p + at, b->n - at, old, n);
		size_t len = hit ? (size_t)(hit - b->p) - at : b->n - at;

		rp_buf_add(&out, b->p + at, len);
		if (hit)
			rp_buf_adds(&out, new);
		at += len + (hit ? n : 0);
	}
	if (out.failed)
		b->failed = true; /* the caller asks; nothing unredacted leaves */
	rp_buf_clear(b);
	rp_buf_add(b, out.p ? out.p : "", out.n);
}

void redact(const struct redact *r, struct rp_buf *text)
{
	if (r->home && strcmp(r->home, "/home/user") != 0)
		replace(text, r->home, "/home/user");
	if (r->user && strcmp(r->user, "/user/") != 0)
		replace(text, r->user, "/user/");
	if (r->host[0])
		replace(text, r->host, "host");
}
