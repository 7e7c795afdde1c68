/* SPDX-License-Identifier: MIT */
/* The list of cards alone, for verbs that only ask which chip this machine has. */
#include "probe/internal.h"

void rp_card_list_free(struct rp_card_list *list)
{
	free(list->v);
	*list = (struct rp_card_list){ 0 };
}

int rp_probe_cards(struct rp_root *root, struct rp_card_list *ret, size_t *ret_n_unreadable,
	struct rp_error *err)
{
	RP_CLEANUP(rp_facts_free) struct rp_facts facts = RP_FACTS_INIT;
	const struct rp_probe_options options = { .overlay = NULL };
	RP_CLEANUP(probe_free)
	struct probe p = { .root = root, .o = &options, .facts = &facts, .err = err };
	int r = probe_begin(&p, err);

	if (r == 0) {
		probe_cards_facts(&p);
		r = p.r;
	}
	if (r == 0)
		r = rp_facts_check(&facts, err);
	if (r < 0)
		return r;
	*ret = p.cards;
	p.cards = (struct rp_card_list){ 0 };
	if (ret_n_unreadable)
		*ret_n_unreadable = p.n_unreadable;
	return 0;
}
