/* SPDX-License-Identifier: MIT */
/* Emitting and reading events; see base/event.h. */
#include "base/event.h"

#include <string.h>

#include "base/buf.h"

const char *rp_event_kind_name(enum rp_event_kind kind)
{
	static const char *const names[RP_EV_MAX] = {
		[RP_EV_INFO] = "info",
		[RP_EV_DETAIL] = "detail",
		[RP_EV_WARN] = "warning",
		[RP_EV_STEP] = "step",
		[RP_EV_PROGRESS] = "progress",
		[RP_EV_DONE] = "done",
		[RP_EV_WAIT] = "wait",
		[RP_EV_FINDING] = "finding",
	};

	return kind < RP_EV_MAX ? names[kind] : "unknown";
}

const struct rp_field *rp_event_field(const struct rp_event *ev, const char *key)
{
	for (const struct rp_field *f = ev->fields; f && f->type != RP_FIELD_END; f++)
		if (strcmp(f->key, key) == 0)
			return f;
	return NULL;
}

const char *rp_event_str(const struct rp_event *ev, const char *key)
{
	const struct rp_field *f = rp_event_field(ev, key);

	return f && f->type == RP_FIELD_STR ? f->v.s : NULL;
}

int64_t rp_event_int(const struct rp_event *ev, const char *key, int64_t otherwise)
{
	const struct rp_field *f = rp_event_field(ev, key);

	return f && f->type == RP_FIELD_INT ? f->v.i : otherwise;
}

void rp_event_emit(const struct rp_ctx *ctx, enum rp_event_kind kind, const struct rp_field *fields)
{
	struct rp_event ev = { kind, fields };

	if (ctx && ctx->event)
		ctx->event(ctx->data, &ev);
}

void rp_event_text(const struct rp_ctx *ctx, enum rp_event_kind kind, const char *fmt, ...)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	va_list ap;

	if (!ctx || !ctx->event)
		return;
	va_start(ap, fmt);
	rp_buf_vaddf(&b, fmt, ap);
	va_end(ap);
	RP_EVENT(ctx, kind, RP_STR("text", rp_buf_cstr(&b)));
}
