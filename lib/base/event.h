/* SPDX-License-Identifier: MIT */
/*
 * Progress, messages and findings. The library never prints: it emits events,
 * and cli/ renders the same events as text, as a tty line or as JSON lines.
 */
#ifndef RP_BASE_EVENT_H
#define RP_BASE_EVENT_H

#include <stdatomic.h>

#include "base/error.h"

enum rp_event_kind {
	RP_EV_INFO, /* something worth a line: "text" */
	RP_EV_DETAIL, /* only with -v: "text" */
	RP_EV_WARN, /* not an error, but the user should know: "text" */
	RP_EV_STEP, /* a step starts: "step", "object" */
	RP_EV_PROGRESS, /* "step", "done", "total" (0: unknown), "unit" (bytes, files, jobs), opt. "eta_s" */
	RP_EV_DONE, /* a step ended well: "step", "object", opt. "result" */
	RP_EV_WAIT, /* waiting for somebody else: "text" */
	RP_EV_FINDING, /* a result of doctor, scan, verify: fields as that verb documents */
	RP_EV_MAX,
};

enum rp_field_type { RP_FIELD_END, RP_FIELD_STR, RP_FIELD_INT, RP_FIELD_BOOL };

struct rp_field {
	enum rp_field_type type;
	const char *key;
	union {
		const char *s;
		int64_t i;
		bool b;
	} v;
};

/* Members of the field list of RP_EVENT(). */
#define RP_STR(k, val)                                         \
	(struct rp_field)                                      \
	{                                                      \
		.type = RP_FIELD_STR, .key = (k), .v.s = (val) \
	}
#define RP_INT(k, val)                                                  \
	(struct rp_field)                                               \
	{                                                               \
		.type = RP_FIELD_INT, .key = (k), .v.i = (int64_t)(val) \
	}
#define RP_BOOL(k, val)                                         \
	(struct rp_field)                                       \
	{                                                       \
		.type = RP_FIELD_BOOL, .key = (k), .v.b = (val) \
	}

struct rp_event {
	enum rp_event_kind kind;
	const struct rp_field *fields; /* ends with RP_FIELD_END; valid during the call only */
};

/* What a library call needs from its surroundings; comes first in the argument list. */
struct rp_ctx {
	void (*event)(void *data, const struct rp_event *ev); /* may be NULL; any thread */
	void *data;
	const atomic_int *cancel; /* not 0: stop soon with -ECANCELED; may be NULL */
};

const char *rp_event_kind_name(enum rp_event_kind kind); /* "info", "progress", ... */
const struct rp_field *rp_event_field(const struct rp_event *ev, const char *key); /* or NULL */
const char *rp_event_str(const struct rp_event *ev, const char *key); /* or NULL */
int64_t rp_event_int(const struct rp_event *ev, const char *key, int64_t otherwise);

void rp_event_emit(
	const struct rp_ctx *ctx, enum rp_event_kind kind, const struct rp_field *fields);
void rp_event_text(const struct rp_ctx *ctx, enum rp_event_kind kind, const char *fmt, ...)
	RP_PRINTF(3, 4);

#define RP_EVENT(ctx, kind, ...) \
	rp_event_emit((ctx), (kind), (const struct rp_field[]){ __VA_ARGS__, { 0 } })

static inline bool rp_cancelled(const struct rp_ctx *ctx)
{
	return ctx && ctx->cancel && atomic_load_explicit(ctx->cancel, memory_order_relaxed) != 0;
}

#endif
