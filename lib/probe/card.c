/* SPDX-License-Identifier: MIT */
/* PCI display devices of AMD, by sysfs (Linux Documentation/ABI/testing/sysfs-bus-pci). */
#include <stdio.h>

#include "probe/probe.h"

#define DEVICES	   "/sys/bus/pci/devices"
#define MAX_NUMBER 64 /* bytes of a file with one number */

void rp_card_list_free(struct rp_card_list *list)
{
	free(list->v);
	*list = (struct rp_card_list){ 0 };
}

/* The number in a file of a device; false: not there or not a number. */
static bool read_number(struct rp_root *root, const char *slot, const char *name, uint64_t *ret)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *path = rp_asprintf(DEVICES "/%s/%s", slot, name);
	struct rp_span rest, line;

	if (!path || rp_root_read(root, path, MAX_NUMBER, &text, NULL) < 0)
		return false;
	rest = rp_buf_span(&text);
	return rp_span_line(&rest, &line) && rest.n == 0 && rp_span_number(line, ret);
}

static int add_card(struct rp_card_list *list, const char *slot, uint16_t device, uint8_t revision,
	struct rp_error *err)
{
	const struct rp_chip_pci *pci = rp_chip_by_pci(device, revision);
	struct rp_card *card;

	if (list->n == list->cap &&
		rp_array_grow(&list->v, &list->cap, list->n, sizeof(*list->v)) < 0)
		return RP_NOMEM(err);
	card = &list->v[list->n++];
	*card = (struct rp_card){ .device = device, .revision = revision };
	(void)snprintf(
		card->slot, sizeof(card->slot), "%s", slot); /* longer: cut, for messages only */
	if (pci) {
		card->chip = rp_chip_by_name(rp_span_str(pci->target));
		card->product = pci->product;
	}
	return 0;
}

int rp_probe_cards(struct rp_root *root, struct rp_card_list *ret, size_t *ret_n_unreadable,
	struct rp_error *err)
{
	RP_CLEANUP(rp_card_list_free) struct rp_card_list list = { 0 };
	RP_CLEANUP(rp_strv_free) struct rp_strv slots = RP_STRV_INIT;
	size_t n_unreadable = 0;
	int r = rp_root_list(root, DEVICES, &slots, err);

	if (r < 0 && r != -ENOENT)
		return r;
	r = 0;
	RP_STRV_FOREACH (slot, &slots) {
		uint64_t vendor, class, device, revision;

		if (!read_number(root, *slot, "vendor", &vendor) ||
			!read_number(root, *slot, "class", &class)) {
			n_unreadable++;
			continue;
		}
		if (vendor != RP_CHIP_VENDOR || class >> 16 != 0x03)
			continue;
		if (!read_number(root, *slot, "device", &device) || device > UINT16_MAX ||
			!read_number(root, *slot, "revision", &revision) || revision > UINT8_MAX) {
			n_unreadable++;
			continue;
		}
		r = add_card(&list, *slot, (uint16_t)device, (uint8_t)revision, err);
		if (r < 0)
			return r;
	}
	*ret = list;
	list = (struct rp_card_list){ 0 };
	if (ret_n_unreadable)
		*ret_n_unreadable = n_unreadable;
	return 0;
}
