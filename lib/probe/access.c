/* SPDX-License-Identifier: MIT */
/*
 * May this user open the device nodes? By mode and groups; on the host also by opening them, in a
 * child with a deadline, since a container's device rules or a hung driver show only then.
 */
#include "probe/internal.h"

#define KFD	   "/dev/kfd"
#define TOUCH_MS   5000
#define MAX_GROUPS 64

static void user_facts(struct probe *p)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf names = RP_BUF_INIT;
	size_t n = 0;

	if (!p->has_user) {
		rp_fact_unknown(p->facts, MACHINE, "user_groups", RP_PROBE_MACHINE_INI,
			"the tree does not say whose rights count");
		return;
	}
	RP_STRV_FOREACH (gid, &p->gids) {
		RP_CLEANUP(rp_free_p) char *name = probe_group_name(p, strtoul(*gid, NULL, 10));

		if (name && n++ < MAX_GROUPS)
			rp_buf_addf(&names, "%s%s", names.n ? " " : "", name);
	}
	rp_fact_set(p->facts, MACHINE, "user_is_root", "user id", "%s", p->uid == 0 ? "yes" : "no");
	rp_fact_set(p->facts, MACHINE, "user_groups", "/etc/group", "%s",
		names.n ? rp_buf_cstr(&names) : "none");
}

/* The kernel's order: owner, else group, else others; root may always (CAP_DAC_OVERRIDE). */
static bool may_open(const struct probe *p, const struct probe_node *node)
{
	char gid[32];
	unsigned int bits = node->mode;

	if (p->uid == 0)
		return true;
	(void)snprintf(gid, sizeof(gid), "%lu", node->gid);
	if (node->uid == p->uid)
		bits >>= 6;
	else if (rp_strv_has(&p->gids, gid))
		bits >>= 3;
	return (bits & 6) == 6;
}

/* Facts <what>, <what>_mode, <what>_group and <what>_access of a node. True if it is there. */
static bool node_facts(struct probe *p, const char *subject, const char *what, const char *path)
{
	struct probe_node node = probe_device_node(p, path);
	RP_CLEANUP(rp_free_p) char *group = NULL;
	char key[48];

	(void)snprintf(key, sizeof(key), "%s_node", what);
	if (!node.known) {
		rp_fact_unknown(p->facts, subject, key, path, "the tree does not say");
		return false;
	}
	rp_fact_set(p->facts, subject, key, path, "%s", node.present ? "yes" : "no");
	if (!node.present)
		return false;
	group = probe_group_name(p, node.gid);
	(void)snprintf(key, sizeof(key), "%s_mode", what);
	rp_fact_set(p->facts, subject, key, path, "%04o", node.mode);
	(void)snprintf(key, sizeof(key), "%s_group", what);
	if (group)
		rp_fact_set(p->facts, subject, key, path, "%s", group);
	else
		rp_fact_set(p->facts, subject, key, path, "%lu", node.gid);
	(void)snprintf(key, sizeof(key), "%s_allowed", what);
	if (p->has_user)
		rp_fact_set(p->facts, subject, key, path, "%s", may_open(p, &node) ? "yes" : "no");
	return true;
}

/* "PATH ERRNO [KFD-MAJOR.MINOR]" lines of the child. */
static void touched(struct probe *p, struct rp_span out)
{
	struct rp_span line;

	while (rp_span_line(&out, &line)) {
		char path[128], version[32] = "";
		const char *subject = MACHINE, *key = "kfd_open";
		RP_CLEANUP(rp_free_p) char *text = rp_span_dup(line);
		RP_CLEANUP(rp_free_p) char *card = NULL;
		int e;

		if (!text || sscanf(text, "%127s %4d %31s", path, &e, version) < 2)
			continue;
		if (strcmp(path, KFD) != 0) {
			RP_STRV_FOREACH (slot, &p->slots) {
				RP_CLEANUP(rp_free_p) char *c = rp_asprintf("card %s", *slot);
				const char *render = c ? rp_fact_get(p->facts, c, "render") : NULL;

				if (render && strcmp(rp_path_base(path), render) == 0)
					card = RP_STEAL(c);
			}
			if (!card)
				continue;
			subject = card;
			key = "render_open";
		}
		rp_fact_set(p->facts, subject, key, "opened in a child", "%s",
			e == 0 ? "yes" : strerror(e));
		if (version[0])
			rp_fact_set(p->facts, MACHINE, "kfd_interface",
				"AMDKFD_IOC_GET_VERSION in a child", "%s", version);
	}
}

static void touch(struct probe *p, const struct rp_strv *paths)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv argv = RP_STRV_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf out = RP_BUF_INIT;
	struct rp_spawn spawn = RP_SPAWN_INIT;
	struct rp_exit end = { 0 };
	int r;

	if (paths->n == 0 || !p->o->touch_program || !p->root->is_host)
		return;
	if (rp_strv_add(&argv, p->o->touch_program, p->err) < 0 ||
		rp_strv_add_all(&argv, (const char *const *)paths->v, p->err) < 0) {
		p->r = -ENOMEM;
		return;
	}
	spawn.argv = (const char *const *)argv.v;
	spawn.env = p->env.n ? (const char *const *)p->env.v : NULL;
	spawn.timeout_ms = TOUCH_MS;
	spawn.grace_ms = 200;
	spawn.capture = &out;
	r = rp_spawn_run(p->ctx, &spawn, &end, NULL);
	if (r == -ETIMEDOUT)
		rp_fact_set(p->facts, MACHINE, "open_hangs", "opened in a child", "%d s",
			TOUCH_MS / 1000);
	else if (r < 0)
		rp_fact_unknown(p->facts, MACHINE, "kfd_open", "opened in a child", strerror(-r));
	touched(p, rp_buf_span(&out));
	if (r == -ECANCELED)
		p->r = r;
}

/* What rules ask for: one answer for "may this user open it". */
static void answer(struct probe *p, const char *subject, const char *what)
{
	char key[48];
	const char *open, *allowed;

	(void)snprintf(key, sizeof(key), "%s_open", what);
	open = rp_fact_get(p->facts, subject, key);
	(void)snprintf(key, sizeof(key), "%s_allowed", what);
	allowed = rp_fact_get(p->facts, subject, key);
	(void)snprintf(key, sizeof(key), "%s_access", what);
	if (open)
		rp_fact_set(p->facts, subject, key, "opened in a child", "%s",
			strcmp(open, "yes") == 0 ? "yes" : "no");
	else if (allowed)
		rp_fact_set(p->facts, subject, key, "mode, owner and groups", "%s", allowed);
}

void probe_access(struct probe *p)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv paths = RP_STRV_INIT;

	user_facts(p);
	if (node_facts(p, MACHINE, "kfd", KFD) && rp_strv_add(&paths, KFD, p->err) < 0)
		p->r = -ENOMEM;
	RP_STRV_FOREACH (slot, &p->slots) {
		RP_CLEANUP(rp_free_p) char *card = rp_asprintf("card %s", *slot);
		const char *render = card ? rp_fact_get(p->facts, card, "render") : NULL;
		RP_CLEANUP(rp_free_p)
		char *path = render ? rp_asprintf("/dev/dri/%s", render) : NULL;

		if (path && node_facts(p, card, "render", path) &&
			rp_strv_add(&paths, path, p->err) < 0)
			p->r = -ENOMEM;
	}
	touch(p, &paths);
	answer(p, MACHINE, "kfd");
	RP_STRV_FOREACH (slot, &p->slots) {
		RP_CLEANUP(rp_free_p) char *card = rp_asprintf("card %s", *slot);

		if (card)
			answer(p, card, "render");
	}
}
