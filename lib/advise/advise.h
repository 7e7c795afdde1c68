/* SPDX-License-Identifier: MIT */
/*
 * From facts to advice. Rules, steps and stacks are data (data/advice, described in docs/doctor.md): this
 * code only evaluates them. A comparison with a fact that is not known is false, so
 * what could not be read never makes a finding.
 */
#ifndef RP_ADVISE_H
#define RP_ADVISE_H

#include "probe/probe.h"

enum rp_severity {
	RP_SEVERITY_BLOCKS, /* nothing runs on the card */
	RP_SEVERITY_WRONG, /* hangs, resets or wrong results are to be expected */
	RP_SEVERITY_RISK, /* users report failures in this state */
	RP_SEVERITY_SLOW,
	RP_SEVERITY_NOTE, /* worth knowing; no problem */
	RP_SEVERITY_MAX
};

const char *rp_severity_name(enum rp_severity severity); /* "blocks", ... */

/* "key", "!key", "key=a|b", "key!=a", "key<b", "key>=b", "key~word", "key!~word", "key^start", "key!^start" */
struct rp_term {
	char *key, *value; /* owned; value "$key": of that fact */
	char op[3]; /* "": known; "!": not known */
};

struct rp_rule {
	char *id;
	char *kind; /* of the subject: machine, card, rocm, torch */
	struct rp_term *when, *any; /* all of the first, one of the second */
	size_t n_when, n_any;
	enum rp_severity severity;
	char *title, *saw, *todo; /* with {key}; todo may be "" */
	char *speaks; /* which explanation: machine, kernel, llvm, users, mtype */
	char *source; /* threads, or functions of the kernel */
};

/* A way to a working stack, in the order of preference. */
struct rp_way {
	char *id;
	struct rp_term *when, *any;
	size_t n_when, n_any;
	char *text, *command, *verb, *source; /* command, verb: "" for none */
};

/* A stack that somebody reports to work. */
struct rp_stack {
	char *chips, *card, *stack, *conditions, *who, *mark, *source;
};

struct rp_advice {
	struct rp_rule *rules;
	struct rp_way *ways;
	struct rp_stack *stacks;
	size_t n_rules, n_ways, n_stacks;
};

/* Reads rules.ini, ways.ini and stacks.ini below dir. -EBADMSG: file, line and reason; -ENOENT. */
RP_MUST_CHECK int rp_advice_load(
	int dirfd, const char *dir, struct rp_advice *ret, struct rp_error *err);
void rp_advice_free(struct rp_advice *advice);

struct rp_finding {
	const struct rp_rule *rule;
	const char *subject; /* borrowed from the facts */
	char *title, *saw, *todo; /* owned, filled in */
};

struct rp_step {
	char *text, *command; /* owned; command may be "" */
	const char *source; /* borrowed from the advice */
};

struct rp_verdict {
	const char *card; /* subject of the card that this is about; NULL: no card */
	struct rp_finding *findings; /* most severe first, then in the order of the rules */
	struct rp_step *steps;
	const struct rp_stack **stacks; /* for the card's chip */
	size_t n_findings, n_steps, n_stacks;
	size_t cap_findings, cap_steps, cap_stacks;
	bool problems; /* a finding worse than a note */
};

/* The card that questions without a card are about: index counts in the order of the facts; -1: the best. */
const char *rp_advise_card(const struct rp_facts *facts, int index);

/*
 * facts and advice must outlive ret. has_verb: whether this program has a verb, so that nothing is
 * advised that does not exist.
 */
RP_MUST_CHECK int rp_advise(const struct rp_advice *advice, const struct rp_facts *facts,
	const char *card, bool (*has_verb)(const char *name), struct rp_verdict *ret,
	struct rp_error *err);
void rp_verdict_free(struct rp_verdict *verdict);

#endif
