/* SPDX-License-Identifier: MIT */
/* Evaluates the rules over the facts: findings, steps, stacks. See advise/advise.h. */
#include "advise/internal.h"

void rp_verdict_free(struct rp_verdict *v)
{
	for (size_t i = 0; i < v->n_findings; i++) {
		free(v->findings[i].title);
		free(v->findings[i].saw);
		free(v->findings[i].todo);
	}
	for (size_t i = 0; i < v->n_steps; i++) {
		free(v->steps[i].text);
		free(v->steps[i].command);
	}
	free(v->findings);
	free(v->steps);
	free(v->stacks);
	*v = (struct rp_verdict){ 0 };
}

const char *rp_advise_card(const struct rp_facts *facts, int index)
{
	const char *card, *best = NULL;
	int best_points = -1;

	if (index >= 0)
		return rp_facts_subject(facts, "card", (size_t)index);
	for (size_t i = 0; (card = rp_facts_subject(facts, "card", i)); i++) {
		const char *chip = rp_fact_get(facts, card, "chip");
		const char *apu = rp_fact_get(facts, card, "apu");
		int points = (chip && strncmp(chip, "gfx10", 5) == 0 ? 2 : 0) +
			     (apu && strcmp(apu, "yes") == 0 ? 0 : 1);

		if (points > best_points) {
			best = card;
			best_points = points;
		}
	}
	return best;
}

static int add_finding(struct rp_verdict *v, const struct rp_rule *rule, const struct scope *s,
	struct rp_error *err)
{
	struct rp_finding *f;

	if (rp_array_grow(&v->findings, &v->cap_findings, v->n_findings, sizeof(*f)) < 0)
		return RP_NOMEM(err);
	f = &v->findings[v->n_findings++];
	*f = (struct rp_finding){ .rule = rule,
		.subject = s->subject,
		.title = scope_fill(s, rule->title),
		.saw = scope_fill(s, rule->saw),
		.todo = scope_fill(s, rule->todo) };
	v->problems |= rule->severity < RP_SEVERITY_NOTE;
	return f->title && f->saw && f->todo ? 0 : RP_NOMEM(err);
}

static int one_rule(struct rp_verdict *v, const struct rp_rule *rule, const struct rp_facts *facts,
	struct rp_error *err)
{
	bool is_card = strcmp(rule->kind, "card") == 0;
	const char *subject;
	int r = 0;

	for (size_t i = 0; r == 0 && (subject = rp_facts_subject(facts, rule->kind, i)); i++) {
		struct scope s = { facts, subject, is_card ? subject : v->card, v };

		if (scope_holds(&s, rule->when, rule->n_when, rule->any, rule->n_any))
			r = add_finding(v, rule, &s, err);
	}
	return r;
}

/* Stable: rules keep their order within a severity. */
static void sort_findings(struct rp_verdict *v)
{
	for (size_t i = 1; i < v->n_findings; i++) {
		struct rp_finding f = v->findings[i];
		size_t k = i;

		for (; k > 0 && v->findings[k - 1].rule->severity > f.rule->severity; k--)
			v->findings[k] = v->findings[k - 1];
		v->findings[k] = f;
	}
}

static int add_step(struct rp_verdict *v, const char *text, const char *command, const char *source,
	const struct scope *s, struct rp_error *err)
{
	/* s NULL: filled in already; what facts brought in is not filled a second time */
	RP_CLEANUP(rp_free_p) char *t = s ? scope_fill(s, text) : strdup(text);
	RP_CLEANUP(rp_free_p) char *c = s ? scope_fill(s, command) : strdup(command);

	if (!t || !c)
		return RP_NOMEM(err);
	for (size_t i = 0; i < v->n_steps; i++)
		if (strcmp(v->steps[i].text, t) == 0)
			return 0;
	if (rp_array_grow(&v->steps, &v->cap_steps, v->n_steps, sizeof(*v->steps)) < 0)
		return RP_NOMEM(err);
	v->steps[v->n_steps++] =
		(struct rp_step){ .text = RP_STEAL(t), .command = RP_STEAL(c), .source = source };
	return 0;
}

static int find_stacks(
	struct rp_verdict *v, const struct rp_advice *a, const char *chip, struct rp_error *err)
{
	for (size_t i = 0; chip && i < a->n_stacks; i++) {
		RP_CLEANUP(rp_strv_free) struct rp_strv chips = RP_STRV_INIT;
		int r = rp_strv_split(&chips, rp_span_str(a->stacks[i].chips), err);

		if (r < 0)
			return r;
		if (!rp_strv_has(&chips, chip))
			continue;
		if (rp_array_grow(&v->stacks, &v->cap_stacks, v->n_stacks, sizeof(*v->stacks)) < 0)
			return RP_NOMEM(err);
		v->stacks[v->n_stacks++] = &a->stacks[i];
	}
	return 0;
}

int rp_advise(const struct rp_advice *advice, const struct rp_facts *facts, const char *card,
	bool (*has_verb)(const char *name), struct rp_verdict *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_verdict_free) struct rp_verdict v = { .card = card };
	struct scope s = { facts, card, card, &v };
	int r = 0;

	for (size_t i = 0; r == 0 && i < advice->n_rules; i++)
		r = one_rule(&v, &advice->rules[i], facts, err);
	if (r < 0)
		return r;
	sort_findings(&v);
	for (size_t i = 0; r == 0 && i < v.n_findings;
		i++) /* what a finding asks for comes first */
		if (v.findings[i].todo[0] && v.findings[i].rule->severity < RP_SEVERITY_NOTE)
			r = add_step(
				&v, v.findings[i].todo, "", v.findings[i].rule->source, NULL, err);
	for (size_t i = 0; r == 0 && i < advice->n_ways; i++) {
		const struct rp_way *w = &advice->ways[i];

		if ((!w->verb[0] || has_verb(w->verb)) &&
			scope_holds(&s, w->when, w->n_when, w->any, w->n_any))
			r = add_step(&v, w->text, w->command, w->source, &s, err);
	}
	if (r == 0)
		r = find_stacks(&v, advice, card ? rp_fact_get(facts, card, "chip") : NULL, err);
	if (r < 0)
		return r;
	*ret = v;
	v = (struct rp_verdict){ 0 };
	return 0;
}
