/* SPDX-License-Identifier: MIT */
/* Runs all parts of a probe; what a tree says beside its files (machine.ini). */
#include "probe/internal.h"

#include <unistd.h>

void probe_free(struct probe *p)
{
	rp_ini_free(&p->machine);
	rp_strv_free(&p->env);
	rp_strv_free(&p->gids);
	rp_strv_free(&p->denied);
	rp_strv_free(&p->slots);
	rp_card_list_free(&p->cards);
	rp_buf_free(&p->groups);
	rp_buf_free(&p->cache);
	free(p->home);
}

static int host_user(struct probe *p, struct rp_error *err)
{
	gid_t gids[256];
	int n = getgroups(RP_ARRAY_SIZE(gids), gids);
	const char *home = NULL;
	int r;

	if (p->o->env) {
		p->has_env = true;
		r = rp_strv_add_all(&p->env, (const char *const *)p->o->env->v, err);
		if (r < 0)
			return r;
		home = rp_strv_getenv(&p->env, "HOME");
	}
	p->has_user = true;
	p->uid = geteuid();
	r = rp_strv_addf(&p->gids, err, "%lu", (unsigned long)getegid());
	for (int i = 0; i < n && r == 0; i++)
		r = rp_strv_addf(&p->gids, err, "%lu", (unsigned long)gids[i]);
	if (r == 0 && home && home[0] == '/') {
		p->home = strdup(home);
		r = p->home ? 0 : RP_NOMEM(err);
	}
	return r;
}

static int tree_user(struct probe *p, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	const char *uid, *gids, *home;
	int r = rp_root_read(p->root, RP_PROBE_MACHINE_INI, TEXT_BYTES, &text, err);

	if (r == -ENOENT)
		return 0; /* a chroot or a bare copy: user and environment are not known */
	if (r == 0)
		r = rp_ini_parse(rp_buf_span(&text), RP_PROBE_MACHINE_INI, &p->machine, err);
	for (size_t i = 0; r == 0 && i < p->machine.n; i++) {
		const struct rp_ini_item *it = &p->machine.items[i];

		if (strcmp(it->section, "environment") == 0)
			p->has_env = true;
		if (it->key && strcmp(it->section, "environment") == 0)
			r = rp_strv_setenv(&p->env, it->key, it->value, err);
		else if (it->key && strcmp(it->section, "denied") == 0 &&
			 strcmp(it->key, "path") == 0)
			r = rp_strv_add(&p->denied, it->value, err);
	}
	if (r < 0)
		return r;
	uid = rp_ini_get(&p->machine, "user", "uid");
	gids = rp_ini_get(&p->machine, "user", "groups");
	home = rp_ini_get(&p->machine, "user", "home");
	p->has_user = uid && gids;
	p->uid = uid ? strtoul(uid, NULL, 10) : 0;
	r = gids ? rp_strv_split(&p->gids, rp_span_str(gids), err) : 0;
	if (r == 0 && home && home[0] == '/') {
		p->home = strdup(home);
		r = p->home ? 0 : RP_NOMEM(err);
	}
	return r;
}

/* How many cards of which kind: for rules about machines with several. */
static void count_cards(struct probe *p)
{
	size_t n_apu = 0;

	RP_STRV_FOREACH (slot, &p->slots) {
		RP_CLEANUP(rp_free_p) char *card = rp_asprintf("card %s", *slot);
		const char *apu = card ? rp_fact_get(p->facts, card, "apu") : NULL;

		n_apu += apu && strcmp(apu, "yes") == 0;
	}
	rp_fact_set(p->facts, MACHINE, "n_cards", "cards found", "%zu", p->slots.n);
	rp_fact_set(p->facts, MACHINE, "n_apu", "cards found", "%zu", n_apu);
	rp_fact_set(p->facts, MACHINE, "n_dgpu", "cards found", "%zu", p->slots.n - n_apu);
}

int probe_begin(struct probe *p, struct rp_error *err)
{
	return p->root->is_host ? host_user(p, err) : tree_user(p, err);
}

int rp_probe_facts(const struct rp_ctx *ctx, struct rp_root *root,
	const struct rp_probe_options *options, struct rp_facts *ret, struct rp_error *err)
{
	static void (*const parts[])(struct probe *) = { probe_load_groups, probe_cache_load,
		probe_system, probe_cards_facts, probe_kfd, count_cards, probe_access,
		probe_variables, probe_rocm, probe_torch, probe_log, probe_cache_save,
		probe_record_machine };
	RP_CLEANUP(rp_facts_free) struct rp_facts facts = RP_FACTS_INIT;
	RP_CLEANUP(probe_free)
	struct probe p = { .ctx = ctx, .root = root, .o = options, .facts = &facts, .err = err };
	int r = probe_begin(&p, err);

	for (size_t i = 0; r == 0 && i < RP_ARRAY_SIZE(parts); i++) {
		if (rp_cancelled(ctx))
			return RP_FAIL(err, -ECANCELED, "interrupted");
		parts[i](&p);
		r = p.r;
	}
	if (r == 0)
		r = rp_facts_check(&facts, err);
	if (r < 0)
		return r;
	*ret = facts;
	facts = (struct rp_facts)RP_FACTS_INIT;
	return 0;
}
