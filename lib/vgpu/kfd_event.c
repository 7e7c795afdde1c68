/* SPDX-License-Identifier: MIT */
/*
 * KFD events: signal events with their slots in the events page, memory and exception events,
 * several waiters at once. Semantics as in Linux 6.12 amdkfd/kfd_events.c, event age (KFD 1.14)
 * included.
 */
#include "vgpu/internal.h"

#include <inttypes.h>

#define UNSIGNALED UINT64_MAX

void rp_events_init(struct rp_vgpu_events *ev)
{
	pthread_condattr_t attr;

	memset(ev, 0, sizeof(*ev));
	(void)pthread_mutex_init(&ev->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&ev->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	ev->next_other = KFD_FIRST_OTHER_EVENT;
}

static struct rp_vgpu_event *find(struct rp_vgpu_events *ev, uint32_t id)
{
	if (id < KFD_SIGNAL_EVENTS)
		return ev->slots[id];
	for (size_t i = 0; i < ev->n; i++)
		if (ev->v[i]->id == id)
			return ev->v[i];
	return NULL;
}

/* Caller holds the lock. */
static void set_event(struct rp_vgpu_events *ev, struct rp_vgpu_event *e)
{
	bool waited = false;

	for (struct rp_vgpu_waiter *w = ev->waiters; w; w = w->next)
		for (size_t i = 0; i < w->n; i++)
			if (w->v[i].event == e && !w->v[i].activated)
				w->v[i].activated = waited = true;
	/* an auto-reset event is consumed by who waits for it */
	e->signaled = !e->auto_reset || !waited;
	if (++e->age == 0)
		e->age = 2;
	(void)pthread_cond_broadcast(&ev->changed);
}

void rp_events_interrupt(struct rp_vgpu_events *ev, uint32_t id)
{
	(void)pthread_mutex_lock(&ev->lock);
	if (id > 0 && id < KFD_SIGNAL_EVENTS && ev->slots[id]) {
		if (ev->page)
			__atomic_store_n(&ev->page[id], UNSIGNALED, __ATOMIC_RELEASE);
		set_event(ev, ev->slots[id]);
	} else if (ev->page) {
		for (uint32_t i = 1; i < KFD_SIGNAL_EVENTS; i++) {
			if (!ev->slots[i] ||
				__atomic_load_n(&ev->page[i], __ATOMIC_ACQUIRE) == UNSIGNALED)
				continue;
			__atomic_store_n(&ev->page[i], UNSIGNALED, __ATOMIC_RELEASE);
			set_event(ev, ev->slots[i]);
		}
	}
	(void)pthread_mutex_unlock(&ev->lock);
}

void rp_events_memory_fault(struct rp_vgpu_events *ev, const struct kfd_memory_exception *x)
{
	(void)pthread_mutex_lock(&ev->lock);
	for (size_t i = 0; i < ev->n; i++)
		if (ev->v[i]->type == KFD_EVENT_MEMORY) {
			ev->v[i]->memory = *x;
			set_event(ev, ev->v[i]);
		}
	(void)pthread_mutex_unlock(&ev->lock);
}

static const char *type_name(uint32_t type)
{
	switch (type) {
	case KFD_EVENT_SIGNAL:
		return "signal";
	case KFD_EVENT_HW_EXCEPTION:
		return "hw_exception";
	case KFD_EVENT_DEBUG:
		return "debug";
	case KFD_EVENT_MEMORY:
		return "memory";
	default:
		return "other";
	}
}

static int set_page(struct rp_vgpu *vgpu, uint64_t handle)
{
	struct rp_vgpu_events *ev = &vgpu->events;
	uint32_t number = (uint32_t)handle;
	uint64_t *page = NULL;

	if (ev->page)
		return -EINVAL;
	(void)pthread_mutex_lock(&vgpu->lock);
	if (number > 0 && number <= vgpu->n_mem && vgpu->mem[number - 1]) {
		struct rp_vgpu_mem *m = vgpu->mem[number - 1];

		if ((m->flags & KFD_MEM_GTT) && m->size >= KFD_SIGNAL_EVENTS * 8)
			page = (uint64_t *)(void *)(vgpu->gpu[m->gpu].base + m->file_offset);
	}
	(void)pthread_mutex_unlock(&vgpu->lock);
	if (!page)
		return -EINVAL;
	for (uint32_t i = 0; i < KFD_SIGNAL_EVENTS; i++)
		page[i] = UNSIGNALED;
	ev->page = page;
	return 0;
}

/* Caller holds the lock. 0: full. */
static uint32_t free_slot(const struct rp_vgpu_events *ev)
{
	for (uint32_t i = 1; i < KFD_SIGNAL_EVENTS; i++)
		if (!ev->slots[i])
			return i;
	return 0;
}

int rp_kfd_create_event(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	struct kfd_create_event *a = (struct kfd_create_event *)args;
	struct rp_vgpu_events *ev = &vgpu->events;
	struct rp_vgpu_event *e;
	bool signal = a->type == KFD_EVENT_SIGNAL || a->type == KFD_EVENT_DEBUG;
	int r = 0;

	rp_buf_addf(text, "type=%s auto_reset=%u", type_name(a->type), a->auto_reset != 0);
	if (a->page_offset) {
		rp_buf_addf(text, " page=mem%" PRIu32, (uint32_t)a->page_offset);
		r = set_page(vgpu, a->page_offset);
		if (r < 0)
			return r;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	(void)pthread_mutex_lock(&ev->lock);
	e->type = a->type;
	e->auto_reset = a->auto_reset != 0;
	e->age = 1;
	if (rp_array_grow(&ev->v, &ev->cap, ev->n, sizeof(*ev->v)) < 0)
		r = -ENOMEM;
	e->id = signal ? free_slot(ev) : ev->next_other++;
	if (r == 0 && e->id == 0)
		r = -ENOSPC;
	if (r == 0) {
		e->number = ++ev->n_created;
		ev->v[ev->n++] = e;
		if (signal)
			ev->slots[e->id] = e;
		a->event_id = a->trigger_data = e->id;
		a->page_offset = signal ? KFD_EVENT_PAGE_TYPE : 0;
		if (signal)
			a->slot = e->id;
		rp_buf_addf(text, " -> event=%u", e->number);
	} else {
		free(e);
	}
	(void)pthread_mutex_unlock(&ev->lock);
	return r;
}

int rp_kfd_destroy_event(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	struct rp_vgpu_events *ev = &vgpu->events;
	uint32_t id = ((struct kfd_event_id *)args)->event_id;
	struct rp_vgpu_event *e;

	(void)pthread_mutex_lock(&ev->lock);
	e = find(ev, id);
	rp_buf_addf(text, "event=%u", e ? e->number : 0);
	if (e) {
		for (struct rp_vgpu_waiter *w = ev->waiters; w; w = w->next)
			for (size_t i = 0; i < w->n; i++)
				if (w->v[i].event == e)
					w->v[i].event = NULL;
		if (id < KFD_SIGNAL_EVENTS)
			ev->slots[id] = NULL;
		for (size_t i = 0; i < ev->n; i++)
			if (ev->v[i] == e) {
				memmove(&ev->v[i], &ev->v[i + 1], (ev->n - i - 1) * sizeof(*ev->v));
				ev->n--;
				break;
			}
		free(e);
		(void)pthread_cond_broadcast(&ev->changed);
	}
	(void)pthread_mutex_unlock(&ev->lock);
	return e ? 0 : -EINVAL;
}

static int set_or_reset(struct rp_vgpu *vgpu, void *args, bool set, struct rp_buf *text)
{
	struct rp_vgpu_events *ev = &vgpu->events;
	struct rp_vgpu_event *e;
	int r = -EINVAL;

	(void)pthread_mutex_lock(&ev->lock);
	e = find(ev, ((struct kfd_event_id *)args)->event_id);
	rp_buf_addf(text, "event=%u", e ? e->number : 0);
	if (e && e->type == KFD_EVENT_SIGNAL) {
		if (set)
			set_event(ev, e);
		else
			e->signaled = false;
		r = 0;
	}
	(void)pthread_mutex_unlock(&ev->lock);
	return r;
}

int rp_kfd_set_event(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	return set_or_reset(vgpu, args, true, text);
}

int rp_kfd_reset_event(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	return set_or_reset(vgpu, args, false, text);
}

static uint32_t condition(const struct rp_vgpu_waiter *w, bool all)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		if (!w->v[i].event)
			return KFD_WAIT_FAIL;
		n += w->v[i].activated;
	}
	return n > 0 && (!all || n == w->n) ? KFD_WAIT_COMPLETE : KFD_WAIT_TIMEOUT;
}

/* Takes part in the events; caller holds the lock. */
static int enter(struct rp_vgpu *vgpu, struct rp_vgpu_waiter *w, const struct kfd_event_data *data,
	struct rp_buf *text)
{
	struct rp_vgpu_events *ev = &vgpu->events;

	for (size_t i = 0; i < w->n; i++) {
		struct rp_vgpu_event *e = find(ev, data[i].event_id);

		if (!e)
			return -EINVAL;
		rp_buf_addf(text, "%s%u", i ? "," : "", e->number);
		w->v[i].event = e;
		w->v[i].activated = e->signaled;
		e->signaled = e->signaled && !e->auto_reset;
		if (vgpu->profile.kfd_minor >= 14 && e->type == KFD_EVENT_SIGNAL &&
			data[i].last_event_age != 0 && data[i].last_event_age != e->age)
			w->v[i].activated = true;
	}
	w->next = ev->waiters;
	ev->waiters = w;
	return 0;
}

static void leave(struct rp_vgpu_events *ev, struct rp_vgpu_waiter *w)
{
	for (struct rp_vgpu_waiter **p = &ev->waiters; *p; p = &(*p)->next)
		if (*p == w) {
			*p = w->next;
			return;
		}
}

static void copy_out(
	const struct rp_vgpu *vgpu, const struct rp_vgpu_waiter *w, struct kfd_event_data *data)
{
	for (size_t i = 0; i < w->n; i++) {
		if (!w->v[i].event || !w->v[i].activated)
			continue;
		if (w->v[i].event->type == KFD_EVENT_MEMORY)
			data[i].memory = w->v[i].event->memory;
		else if (w->v[i].event->type == KFD_EVENT_SIGNAL && vgpu->profile.kfd_minor >= 14)
			data[i].last_event_age = w->v[i].event->age;
	}
}

int rp_kfd_wait_events(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	static const char *const results[] = { "complete", "timeout", "fail" };
	struct kfd_wait_events *a = (struct kfd_wait_events *)args;
	struct rp_vgpu_events *ev = &vgpu->events;
	RP_CLEANUP(rp_free_p) struct kfd_event_data *data = NULL;
	RP_CLEANUP(rp_free_p) struct rp_vgpu_wait_entry *entries = NULL;
	struct rp_vgpu_waiter w = { .n = a->n };
	struct timespec until;
	int r;

	if (a->n > KFD_SIGNAL_EVENTS * 2)
		return -EINVAL;
	data = calloc(a->n + 1, sizeof(*data));
	entries = calloc(a->n + 1, sizeof(*entries));
	if (!data || !entries)
		return -ENOMEM;
	w.v = entries;
	if (rp_user_read(data, a->events, a->n * sizeof(*data)) < 0)
		return -EFAULT;
	/* whoever waits has rung a doorbell before */
	rp_vgpu_kick(vgpu);
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += a->timeout_ms / 1000;
	until.tv_nsec += (long)(a->timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	(void)pthread_mutex_lock(&ev->lock);
	rp_buf_adds(text, "events=");
	r = enter(vgpu, &w, data, text);
	if (r == 0) {
		a->result = condition(&w, a->all != 0);
		while (a->result == KFD_WAIT_TIMEOUT && a->timeout_ms != 0) {
			if (a->timeout_ms >= KFD_FOREVER)
				(void)pthread_cond_wait(&ev->changed, &ev->lock);
			else if (pthread_cond_timedwait(&ev->changed, &ev->lock, &until) ==
				 ETIMEDOUT) {
				a->result = condition(&w, a->all != 0);
				break;
			}
			a->result = condition(&w, a->all != 0);
		}
		leave(ev, &w);
		if (a->result == KFD_WAIT_COMPLETE)
			copy_out(vgpu, &w, data);
	} else {
		a->result = KFD_WAIT_FAIL;
	}
	(void)pthread_mutex_unlock(&ev->lock);
	if (r == 0 && a->result == KFD_WAIT_COMPLETE)
		r = rp_user_write(a->events, data, a->n * sizeof(*data));
	if (r == 0 && a->result == KFD_WAIT_FAIL)
		r = -EIO;
	rp_buf_addf(text, "%s -> %s", a->all ? " all" : "", results[a->result]);
	return r;
}
