/* SPDX-License-Identifier: MIT */
/* The one screen of doctor, its facts, its JSON. */
#include "doctor.h"

#define COLUMNS	   100
#define MAX_STACKS 3 /* on the screen; JSON has all */
#define MAX_WORD   200 /* longer ones are cut: no path that a user has is so long */

static const char *const speaks_text[][2] = {
	{ "machine", "seen on this machine" },
	{ "kernel", "read in the kernel's source" },
	{ "llvm", "documented by LLVM for the chip" },
	{ "users", "reported by users" },
	{ "mtype", "about the memory-type (MTYPE) hypothesis" },
};

static const char *speaks(const char *word)
{
	for (size_t i = 0; i < RP_ARRAY_SIZE(speaks_text); i++)
		if (strcmp(speaks_text[i][0], word) == 0)
			return speaks_text[i][1];
	return word;
}

/* text in lines of at most COLUMNS: the first starts with `first`, the others with as many blanks. */

static void wrap(struct rp_buf *b, bool utf8, const char *first, const char *text)
{
	size_t indent = strlen(first), column = indent;
	bool start = true;

	rp_buf_adds(b, first);
	while (*text) {
		size_t n = strcspn(text, " ");

		if (!start && column + 1 + n > COLUMNS) {
			rp_buf_addf(b, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!start) {
			rp_buf_addc(b, ' ');
			column++;
		}
		for (size_t i = 0; i < n && i < MAX_WORD; i++)
			rp_buf_addc(b, !utf8 && (unsigned char)text[i] >= 0x80 ? '?' : text[i]);
		if (n > MAX_WORD)
			rp_buf_adds(b, "...");
		column += n;
		start = false;
		text += n + strspn(text + n, " ");
	}
	rp_buf_addc(b, '\n');
}

const char *doctor_verdict_word(const struct rp_verdict *v)
{
	static const char *const words[] = { "does not work", "works wrongly or hangs", "may fail",
		"works, slower than it could", "no problem found" };

	for (size_t i = 0; i < v->n_findings; i++)
		if (strcmp(v->findings[i].rule->id, "not-gfx10") == 0 && !v->problems)
			return "no problem found by the general checks";
	return v->n_findings ? words[v->findings[0].rule->severity] : words[RP_SEVERITY_NOTE];
}

/* A fact of the card or the machine, or "?". */
static const char *get(const struct doctor *d, const char *key)
{
	const char *v = rp_fact_get(&d->facts, d->verdict.card, key);

	return v ? v : rp_fact_get(&d->facts, "machine", key);
}

static const char *or_unknown(const char *v)
{
	return v ? v : "unknown";
}

static void row(struct rp_buf *b, bool utf8, const char *name, struct rp_buf *text)
{
	char first[16];

	(void)snprintf(first, sizeof(first), "  %-9s ", name);
	if (text->n)
		wrap(b, utf8, first, rp_buf_cstr(text));
	rp_buf_clear(text);
}

static void system_row(const struct doctor *d, struct rp_buf *t)
{
	const char *loaded = get(d, "amdgpu_loaded"), *version = get(d, "amdgpu_version");
	static const char *const more[][2] = { { "container", "container: " },
		{ "hypervisor", "hypervisor: " }, { "glibc", "glibc " } };

	rp_buf_addf(t, "%s, kernel %s", or_unknown(get(d, "os")), or_unknown(get(d, "kernel")));
	if (loaded && strcmp(loaded, "no") == 0)
		rp_buf_adds(t, ", no amdgpu");
	else
		rp_buf_addf(t, ", amdgpu %s", version ? version : "in-tree");
	for (size_t i = 0; i < RP_ARRAY_SIZE(more); i++)
		if (get(d, more[i][0]))
			rp_buf_addf(t, ", %s%s", more[i][1], get(d, more[i][0]));
}

static void card_row(const struct doctor *d, struct rp_buf *t)
{
	rp_buf_adds(t, or_unknown(get(d, "pci_id")));
	if (get(d, "vram_mib"))
		rp_buf_addf(t, ", %s MiB", get(d, "vram_mib"));
	if (get(d, "bar0_mib"))
		rp_buf_addf(t, " (window %s MiB)", get(d, "bar0_mib"));
	if (get(d, "link_width"))
		rp_buf_addf(t, ", x%s of x%s lanes, %s", get(d, "link_width"),
			or_unknown(get(d, "link_width_max")), or_unknown(get(d, "link_speed")));
}

static void compute_row(const struct doctor *d, struct rp_buf *t)
{
	const char *node = rp_fact_get(&d->facts, d->verdict.card, "kfd_node"),
		   *atomics = get(d, "kfd_atomics");
	const char *admitted = get(d, "admitted");

	if (node)
		rp_buf_addf(t, "admitted by the kernel (KFD node %s)", node);
	else
		rp_buf_adds(t, admitted ? "not admitted by the kernel (no KFD node)"
					: "not known if admitted");
	rp_buf_addf(t, ", MEC firmware %s", or_unknown(get(d, "mec")));
	if (get(d, "mec_needed"))
		rp_buf_addf(t, " (%s without atomics)", get(d, "mec_needed"));
	if (!atomics)
		atomics = get(d, "pci_atomics");
	rp_buf_addf(t, ", PCIe atomics: %s", atomics ? atomics : "unknown");
	if (!atomics) {
		const struct rp_fact *f = rp_fact_find(&d->facts, d->verdict.card, "pci_atomics");

		if (f && f->unknown)
			rp_buf_addf(t, " (%s)", f->unknown);
	}
}

static void access_row(const struct doctor *d, struct rp_buf *t)
{
	/* "kfd_node" of a card is a number: this one is the machine's */
	const char *node = rp_fact_get(&d->facts, "machine", "kfd_node");
	bool absent = node && strcmp(node, "no") == 0;

	rp_buf_addf(t, "/dev/kfd: %s", absent ? "not there" : or_unknown(get(d, "kfd_access")));
	if (get(d, "render"))
		rp_buf_addf(t, ", /dev/dri/%s: %s", get(d, "render"),
			or_unknown(get(d, "render_access")));
	if (get(d, "user_groups"))
		rp_buf_addf(t, "; groups: %s", get(d, "user_groups"));
}

static void stacks_rows(const struct doctor *d, bool utf8, struct rp_buf *b)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf t = RP_BUF_INIT;
	const char *s;

	for (size_t i = 0; (s = rp_facts_subject(&d->facts, "rocm", i)); i++) {
		const char *version = rp_fact_get(&d->facts, s, "rocm_version");
		const char *targets = rp_fact_get(&d->facts, s, "rocblas_targets");

		rp_buf_addf(&t, "%s, %s, %s", version ? version : "unknown version",
			rp_fact_get(&d->facts, s, "path"), rp_fact_get(&d->facts, s, "kind"));
		if (targets)
			rp_buf_addf(&t, "; rocBLAS files: %s", targets[0] ? targets : "none");
		row(b, utf8, i ? "" : "ROCm", &t);
	}
	for (size_t i = 0; (s = rp_facts_subject(&d->facts, "torch", i)); i++) {
		const char *version = rp_fact_get(&d->facts, s, "torch_version");
		const char *code = rp_fact_get(&d->facts, s, "torch_code");

		rp_buf_addf(&t, "%s, %s", version ? version : "unknown version",
			rp_fact_get(&d->facts, s, "path"));
		if (code)
			rp_buf_addf(&t, "; code: %s", code[0] ? code : "none");
		row(b, utf8, i ? "" : "torch", &t);
	}
	s = rp_fact_get(&d->facts, "machine", "env.HSA_OVERRIDE_GFX_VERSION");
	if (s) {
		rp_buf_addf(&t, "HSA_OVERRIDE_GFX_VERSION=%s", s);
		row(b, utf8, "Override", &t);
	}
}

static void findings(const struct doctor *d, bool utf8, struct rp_buf *b)
{
	if (!d->verdict.n_findings)
		return;
	rp_buf_adds(b, "\nFindings\n");
	for (size_t i = 0; i < d->verdict.n_findings; i++) {
		const struct rp_finding *f = &d->verdict.findings[i];
		RP_CLEANUP(rp_buf_free) struct rp_buf t = RP_BUF_INIT;
		char first[16];

		(void)snprintf(
			first, sizeof(first), "  %-7s ", rp_severity_name(f->rule->severity));
		wrap(b, utf8, first, f->title);
		rp_buf_addf(&t, "%s [%s: %s]", f->saw, speaks(f->rule->speaks), f->rule->source);
		wrap(b, utf8, "          ", rp_buf_cstr(&t));
	}
}

static void steps(const struct doctor *d, bool utf8, struct rp_buf *b)
{
	if (!d->verdict.n_steps)
		return;
	rp_buf_adds(b, "\nShortest path\n");
	for (size_t i = 0; i < d->verdict.n_steps; i++) {
		const struct rp_step *s = &d->verdict.steps[i];
		char first[32];

		(void)snprintf(first, sizeof(first), "  %zu. ", i + 1);
		wrap(b, utf8, first, s->text);
		if (s->command[0])
			rp_buf_addf(b, "       %s\n", s->command);
	}
}

static void stacks(const struct doctor *d, bool utf8, struct rp_buf *b)
{
	if (!d->verdict.n_stacks || !d->verdict.problems)
		return;
	rp_buf_addf(b,
		"\nReported to work on %s (%zu of %zu; read in September 2026, not tried by us)\n",
		get(d, "chip"), d->verdict.n_stacks < MAX_STACKS ? d->verdict.n_stacks : MAX_STACKS,
		d->verdict.n_stacks);
	for (size_t i = 0; i < d->verdict.n_stacks && i < MAX_STACKS; i++) {
		const struct rp_stack *s = d->verdict.stacks[i];
		RP_CLEANUP(rp_buf_free) struct rp_buf t = RP_BUF_INIT;

		rp_buf_addf(&t, "%s: %s%s%s [%s: %s]", s->card, s->stack,
			s->conditions[0] ? "; " : "", s->conditions, s->mark, s->source);
		wrap(b, utf8, "  - ", rp_buf_cstr(&t));
	}
}

void doctor_render(const struct doctor *d, bool brief, bool utf8, struct rp_buf *b)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf t = RP_BUF_INIT;
	const char *product = get(d, "product"), *chip = get(d, "chip"),
		   *codename = get(d, "codename");

	rp_buf_addf(&t, "%s (%s%s%s) at %s: %s", product ? product : "AMD card",
		chip ? chip : "unknown chip", codename ? ", " : "", codename ? codename : "",
		get(d, "slot"), doctor_verdict_word(&d->verdict));
	wrap(b, utf8, "", rp_buf_cstr(&t));
	rp_buf_clear(&t);
	if (!brief) {
		rp_buf_addc(b, '\n');
		system_row(d, &t);
		row(b, utf8, "System", &t);
		card_row(d, &t);
		row(b, utf8, "Card", &t);
		compute_row(d, &t);
		row(b, utf8, "Compute", &t);
		access_row(d, &t);
		row(b, utf8, "Access", &t);
		stacks_rows(d, utf8, b);
		findings(d, utf8, b);
	}
	steps(d, utf8, b);
	if (!brief)
		stacks(d, utf8, b);
	if (d->verdict.n_findings)
		rp_buf_adds(b, "\nBy reading files; nothing of this was proven on a card by "
			       "rocm-patch.\n");
}

void doctor_render_facts(const struct rp_facts *facts, bool utf8, struct rp_buf *b)
{
	const char *last = "";

	for (size_t i = 0; i < facts->n; i++) {
		const struct rp_fact *f = &facts->v[i];
		RP_CLEANUP(rp_buf_free) struct rp_buf t = RP_BUF_INIT;
		char first[64];

		if (strcmp(last, f->subject) != 0)
			wrap(b, utf8, "", f->subject);
		last = f->subject;
		(void)snprintf(first, sizeof(first), "  %-20s ", f->key);
		rp_buf_addf(&t, "%s%s  [%s]",
			f->value ? f->value : "unknown: ", f->value ? "" : f->unknown, f->source);
		wrap(b, utf8, first, rp_buf_cstr(&t));
	}
}

static void json_findings(const struct rp_verdict *v, struct rp_json *j)
{
	rp_json_kbegin(j, "findings", '[');
	for (size_t i = 0; i < v->n_findings; i++) {
		const struct rp_finding *f = &v->findings[i];

		rp_json_begin(j, '{');
		rp_json_kstr(j, "id", f->rule->id);
		rp_json_kstr(j, "severity", rp_severity_name(f->rule->severity));
		rp_json_kstr(j, "subject", f->subject);
		rp_json_kstr(j, "title", f->title);
		rp_json_kstr(j, "saw", f->saw);
		rp_json_kstr(j, "do", f->todo);
		rp_json_kstr(j, "speaks", f->rule->speaks);
		rp_json_kstr(j, "source", f->rule->source);
		rp_json_end(j, '}');
	}
	rp_json_end(j, ']');
}

static void json_steps(const struct rp_verdict *v, struct rp_json *j)
{
	rp_json_kbegin(j, "path", '[');
	for (size_t i = 0; i < v->n_steps; i++) {
		rp_json_begin(j, '{');
		rp_json_kstr(j, "text", v->steps[i].text);
		rp_json_kstr(j, "command", v->steps[i].command[0] ? v->steps[i].command : NULL);
		rp_json_kstr(j, "source", v->steps[i].source);
		rp_json_end(j, '}');
	}
	rp_json_end(j, ']');
	rp_json_kbegin(j, "stacks", '[');
	for (size_t i = 0; i < v->n_stacks; i++) {
		const struct rp_stack *s = v->stacks[i];

		rp_json_begin(j, '{');
		rp_json_kstr(j, "card", s->card);
		rp_json_kstr(j, "stack", s->stack);
		rp_json_kstr(j, "conditions", s->conditions);
		rp_json_kstr(j, "who", s->who);
		rp_json_kstr(j, "mark", s->mark);
		rp_json_kstr(j, "source", s->source);
		rp_json_end(j, '}');
	}
	rp_json_end(j, ']');
}

void doctor_json(const struct doctor *d, struct rp_json *j)
{
	rp_json_kstr(j, "card", d->verdict.card);
	rp_json_kstr(j, "verdict", d->verdict.card ? doctor_verdict_word(&d->verdict) : NULL);
	rp_json_kbool(j, "problems", d->verdict.problems);
	json_findings(&d->verdict, j);
	json_steps(&d->verdict, j);
	rp_json_kbegin(j, "facts", '[');
	for (size_t i = 0; i < d->facts.n; i++) {
		const struct rp_fact *f = &d->facts.v[i];

		rp_json_begin(j, '{');
		rp_json_kstr(j, "subject", f->subject);
		rp_json_kstr(j, "key", f->key);
		if (f->value)
			rp_json_kstr(j, "value", f->value);
		else
			rp_json_kstr(j, "unknown", f->unknown);
		rp_json_kstr(j, "source", f->source);
		rp_json_end(j, '}');
	}
	rp_json_end(j, ']');
}
