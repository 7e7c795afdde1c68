/* SPDX-License-Identifier: MIT */
/* What a tree needs beside its files to replay this machine: user, device nodes, environment, libraries. */
#include "probe/internal.h"

/* Values go on one line; the text format of base/ini.h cuts blanks at both ends. */
static void value(struct rp_buf *b, const char *key, const char *text)
{
	rp_buf_addf(b, "%s = ", key);
	for (; *text; text++)
		rp_buf_addc(b, *text == '\n' || *text == '\r' ? ' ' : *text);
	rp_buf_addc(b, '\n');
}

static void add_node(struct probe *p, struct rp_buf *b, const char *path)
{
	struct probe_node node = probe_device_node(p, path);

	if (!node.present)
		return;
	rp_buf_adds(b, "[node]\n");
	value(b, "path", path);
	rp_buf_addf(b, "mode = %04o\nuid = %lu\ngid = %lu\n", node.mode, node.uid ? 1000ul : 0ul,
		node.gid);
}

static void add_user(struct probe *p, struct rp_buf *b)
{
	rp_buf_adds(b, "[user]\n");
	if (p->has_user) {
		/* which user it was is nobody's business; root's rights differ */
		rp_buf_addf(b, "uid = %u\ngroups =", p->uid ? 1000u : 0u);
		RP_STRV_FOREACH (gid, &p->gids)
			rp_buf_addf(b, " %s", strtoul(*gid, NULL, 10) < 1000 ? *gid : "1000");
		rp_buf_addc(b, '\n');
	}
	if (p->home)
		value(b, "home", p->home);
}

void probe_record_machine(struct probe *p)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	const struct rp_facts *f = p->facts;

	/* a tree without the file says nothing of these, and its copy should not either */
	if (!p->o->recorder || (!p->root->is_host && p->machine.n == 0))
		return;
	rp_buf_adds(&b, "# written by rocm-patch capture\n");
	add_user(p, &b);
	add_node(p, &b, "/dev/kfd");
	RP_STRV_FOREACH (slot, &p->slots) {
		RP_CLEANUP(rp_free_p) char *card = rp_asprintf("card %s", *slot);
		const char *render = card ? rp_fact_get(f, card, "render") : NULL;
		RP_CLEANUP(rp_free_p)
		char *path = render ? rp_asprintf("/dev/dri/%s", render) : NULL;

		if (path)
			add_node(p, &b, path);
	}
	if (p->has_env)
		rp_buf_adds(&b, "[environment]\n");
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].value && strncmp(f->v[i].key, "env.", 4) == 0)
			value(&b, f->v[i].key + 4, f->v[i].value);
	for (size_t i = 0; i < f->n; i++) {
		const struct rp_fact *fact = &f->v[i];

		if (fact->value && (strcmp(fact->key, "torch_code") == 0 ||
					   strcmp(fact->key, "rocblas_code") == 0)) {
			rp_buf_adds(&b, "[library]\n");
			value(&b, "path", fact->source);
			value(&b, "targets", fact->value);
		} else if (fact->unknown && fact->source[0] == '/' &&
			   strcmp(fact->unknown, strerror(EACCES)) == 0) {
			rp_buf_adds(&b, "[denied]\n");
			value(&b, "path", fact->source);
		}
	}
	if (rp_buf_check(&b, p->err) < 0)
		p->r = -ENOMEM;
	probe_record(p, RP_PROBE_MACHINE_INI, rp_buf_span(&b));
}
