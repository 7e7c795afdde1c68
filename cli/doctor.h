/* SPDX-License-Identifier: MIT */
/* Between the verbs doctor, report and capture. */
#ifndef RP_CLI_DOCTOR_H
#define RP_CLI_DOCTOR_H

#include "advise/advise.h"
#include "cli.h"
#include "probe/probe.h"

/* Facts, advice and verdict of one machine; they borrow from each other. */
struct doctor {
	struct rp_facts facts;
	struct rp_advice advice;
	struct rp_verdict verdict;
};

#define DOCTOR_INIT                     \
	{                               \
		.facts = RP_FACTS_INIT, \
		{                       \
			0               \
		}                       \
	}

void doctor_free(struct doctor *d);

/* Facts of this machine or of --root. recorder may be NULL. 0 or -errno. */
RP_MUST_CHECK int doctor_facts(struct rp_cli *cli, const struct rp_probe_recorder *recorder,
	struct rp_facts *ret, struct rp_error *err);
/* Facts and verdict; gpu: -1 for the best card. -ENODEV: no such card, facts are filled. */
RP_MUST_CHECK int doctor_examine(struct rp_cli *cli, int gpu,
	const struct rp_probe_recorder *recorder, struct doctor *ret, struct rp_error *err);

/* The screen as text. */
void doctor_render(const struct doctor *d, bool brief, bool utf8, struct rp_buf *ret);
void doctor_render_facts(const struct rp_facts *facts, bool utf8, struct rp_buf *ret);
/* Members of the JSON object. */
void doctor_json(const struct doctor *d, struct rp_json *j);
/* "works", "does not work", ... of the most severe finding. */
const char *doctor_verdict_word(const struct rp_verdict *v);

#endif
