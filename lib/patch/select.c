/* SPDX-License-Identifier: MIT */
/* Which patches a run uses, in which order, and the content key of that choice. */
#include "patch/patch.h"

struct selection {
	const struct rp_patch_list *list;
	const struct rp_patch_choice *choice;
	const struct rp_patch **v;
	size_t n;
	uint8_t *state; /* per list entry: 0 new, 1 being added, 2 added */
	struct rp_error *err;
};

static size_t find(const struct rp_patch_list *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i].id, id) == 0)
			return i;
	return list->n;
}

static bool fits(const struct rp_patch *p, const struct rp_patch_choice *c)
{
	return (!c->component || strcmp(p->component, c->component) == 0) &&
	       (!c->set || strcmp(p->set, c->set) == 0);
}

/* Adds the patch behind everything that it requires. */
static int add(struct selection *s, size_t i)
{
	const struct rp_patch *p = &s->list->v[i];
	int r;

	if (s->state[i] == 2)
		return 0;
	if (s->state[i] == 1)
		return RP_FAIL(
			s->err, -EBADMSG, "%s: patches require each other in a circle", p->id);
	if (s->choice->without && rp_strv_has(s->choice->without, p->id))
		return RP_FAIL(s->err, -EINVAL,
			"%s is left out, but another selected patch requires it", p->id);
	s->state[i] = 1;
	RP_STRV_FOREACH (id, &p->requires) {
		size_t k = find(s->list, *id);

		if (k == s->list->n)
			return RP_FAIL(
				s->err, -EBADMSG, "%s: requires unknown patch %s", p->id, *id);
		if (!fits(&s->list->v[k], s->choice))
			continue; /* in another tree: see needs_other */
		r = add(s, k);
		if (r < 0)
			return r;
	}
	s->state[i] = 2;
	s->v[s->n++] = p;
	return 0;
}

/* The first requirement that lies in a component which is not built along; NULL: none. */
static const struct rp_patch *needs_other(const struct selection *s, const struct rp_patch *p)
{
	RP_STRV_FOREACH (id, &p->requires) {
		size_t k = find(s->list, *id);
		const struct rp_patch *q = k < s->list->n ? &s->list->v[k] : NULL;

		if (q && strcmp(q->component, p->component) != 0 && s->choice->component &&
			!(s->choice->beside && rp_strv_has(s->choice->beside, q->component)))
			return q;
	}
	return NULL;
}

static int leave_out(
	const struct selection *s, const struct rp_patch *p, const struct rp_patch *other)
{
	if (!s->choice->left_out)
		return 0;
	return rp_strv_addf(s->choice->left_out, s->err,
		"%s: requires %s (%s), which is not built along", p->id, other->id,
		other->component);
}

static int check_conflicts(const struct selection *s)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->n; k++)
			if (rp_strv_has(&s->v[i]->conflicts, s->v[k]->id))
				return RP_FAIL(s->err, -EINVAL, "%s and %s exclude each other",
					s->v[i]->id, s->v[k]->id);
	return 0;
}

static int check_ids(const struct selection *s, const struct rp_strv *ids)
{
	for (size_t i = 0; ids && i < ids->n; i++)
		if (find(s->list, ids->v[i]) == s->list->n)
			return RP_FAIL(s->err, -ENOENT, "no patch is called %s", ids->v[i]);
	return 0;
}

int rp_patch_select(const struct rp_patch_list *list, const struct rp_patch_choice *choice,
	const struct rp_patch ***ret, size_t *ret_n, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) const struct rp_patch **v = calloc(list->n + 1, sizeof(*v));
	RP_CLEANUP(rp_free_p) uint8_t *state = calloc(list->n + 1, 1);
	struct selection s = { list, choice, v, 0, state, err };
	int r;

	if (!v || !state)
		return RP_NOMEM(err);
	r = check_ids(&s, choice->only);
	if (r == 0)
		r = check_ids(&s, choice->without);
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		const struct rp_patch *p = &list->v[i];
		bool named = choice->only && rp_strv_has(choice->only, p->id);

		if (choice->only ? !named : !p->by_default)
			continue;
		if (!fits(p, choice)) {
			if (named)
				r = RP_FAIL(err, -EINVAL,
					"%s is for %s, set %s: not part of this choice", p->id,
					p->component, p->set);
			continue;
		}
		if (choice->without && rp_strv_has(choice->without, p->id)) {
			if (named)
				r = RP_FAIL(
					err, -EINVAL, "%s is both asked for and left out", p->id);
			continue;
		}
		if (!named && needs_other(&s, p)) {
			r = leave_out(&s, p, needs_other(&s, p));
			continue;
		}
		r = add(&s, i);
	}
	if (r == 0)
		r = check_conflicts(&s);
	if (r < 0)
		return r;
	*ret = RP_STEAL(v);
	*ret_n = s.n;
	return 0;
}

void rp_patch_key(const struct rp_patch *const *patches, size_t n, char ret[RP_SHA256_HEX])
{
	uint8_t digest[RP_SHA256_BYTES];
	struct rp_sha256 sha;

	rp_sha256_init(&sha);
	for (size_t i = 0; i < n; i++) {
		rp_sha256_field_str(&sha, patches[i]->id);
		rp_sha256_field_str(&sha, patches[i]->sha256);
	}
	rp_sha256_final(&sha, digest);
	rp_sha256_hex(digest, ret);
}
