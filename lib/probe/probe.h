/* SPDX-License-Identifier: MIT */
/* Facts about this machine, read below a root: so far, which AMD cards it has. */
#ifndef RP_PROBE_H
#define RP_PROBE_H

#include "base/base.h"
#include "chip/chip.h"

struct rp_card {
	char slot[32]; /* "0000:03:00.0" */
	uint16_t device;
	uint8_t revision;
	const struct rp_chip *chip; /* NULL: not in the table of chips */
	const char *product; /* marketing name; NULL: not known */
};

struct rp_card_list {
	struct rp_card *v; /* owned; by slot */
	size_t n, cap;
};

void rp_card_list_free(struct rp_card_list *list);

/*
 * Display controllers (PCI class 0x03) of AMD in /sys/bus/pci/devices. No such folder: an empty list. A device
 * whose files cannot be read or are malformed is left out; n_unreadable (may be NULL) counts them.
 */
RP_MUST_CHECK int rp_probe_cards(struct rp_root *root, struct rp_card_list *ret,
	size_t *ret_n_unreadable, struct rp_error *err);

#endif
