/* SPDX-License-Identifier: MIT */
/* Graphics cards by sysfs: chip, firmware, link, memory, driver. */
#include "probe/internal.h"

#include <inttypes.h>

#define DEVICES "/sys/bus/pci/devices"

/* The graphics core by the driver's copy of the card's own table; then the PCI id. */
static const struct rp_chip *find_chip(struct probe *p, const char *card, const char *slot,
	const struct rp_chip_pci *pci, const struct rp_chip_core **ret_core)
{
	const struct rp_chip *chip = NULL;
	uint64_t gc[3];
	RP_CLEANUP(rp_free_p)
	char *path = rp_asprintf(DEVICES "/%s/ip_discovery/die/0/GC/0", slot);

	if (pci && pci->product)
		rp_fact_set(p->facts, card, "product", "table of PCI ids", "%s", pci->product);
	if (path && probe_number(p, &gc[0], "%s/major", path) &&
		probe_number(p, &gc[1], "%s/minor", path) &&
		probe_number(p, &gc[2], "%s/revision", path) && gc[0] < 256 && gc[1] < 256 &&
		gc[2] < 256) {
		rp_fact_set(p->facts, card, "gc", path, "%" PRIu64 ".%" PRIu64 ".%" PRIu64, gc[0],
			gc[1], gc[2]);
		chip = rp_chip_by_core(
			(unsigned int)gc[0], (unsigned int)gc[1], (unsigned int)gc[2], ret_core);
		if (chip)
			rp_fact_set(p->facts, card, "chip", path, "%s", chip->name);
	}
	if (!chip && pci) {
		chip = rp_chip_by_name(rp_span_str(pci->target));
		if (chip)
			rp_fact_set(p->facts, card, "chip", "table of PCI ids", "%s", chip->name);
		if (chip && chip->n_cores == 1)
			*ret_core = &chip->cores[0];
	}
	return chip;
}

static void firmware(
	struct probe *p, const char *card, const char *slot, const struct rp_chip_core *core)
{
	static const char *const others[] = { "sdma", "smc", "rlc", "pfp", "me", "ce" };
	RP_CLEANUP(rp_free_p)
	char *path = rp_asprintf(DEVICES "/%s/fw_version/mec_fw_version", slot);
	uint64_t mec;

	if (path && probe_number(p, &mec, "%s", path)) {
		rp_fact_set(p->facts, card, "mec", path, "%" PRIu64, mec);
		if (core && core->mec_firmware) {
			rp_fact_set(p->facts, card, "mec_needed",
				"Linux kfd_device.c kfd_device_info_init", "%u",
				core->mec_firmware);
			rp_fact_set(p->facts, card, "mec_below", path, "%s",
				mec < core->mec_firmware ? "yes" : "no");
		}
	}
	for (size_t i = 0; i < RP_ARRAY_SIZE(others); i++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "firmware_%s", others[i]);
		(void)probe_line(
			p, card, key, DEVICES "/%s/fw_version/%s_fw_version", slot, others[i]);
	}
	(void)probe_line(p, card, "vbios", DEVICES "/%s/vbios_version", slot);
}

/* BAR 0, the window to the card's memory: the first line of "resource" is start, end, flags. */
static void memory(struct probe *p, const char *card, const char *slot)
{
	RP_CLEANUP(rp_free_p) char *line = probe_word(p, DEVICES "/%s/resource", slot);
	RP_CLEANUP(rp_free_p) char *path = rp_asprintf(DEVICES "/%s/mem_info_vram_total", slot);
	uint64_t start = 0, end = 0, vram = 0, bar = 0;

	if (line && sscanf(line, "0x%16" SCNx64 " 0x%16" SCNx64, &start, &end) == 2 &&
		end > start) {
		bar = end - start + 1;
		rp_fact_set(p->facts, card, "bar0_mib", "resource", "%" PRIu64, bar >> 20);
	}
	if (path && probe_number(p, &vram, "%s", path) && vram > 0) {
		rp_fact_set(p->facts, card, "vram_mib", path, "%" PRIu64, vram >> 20);
		if (bar)
			rp_fact_set(p->facts, card, "large_bar", "resource", "%s",
				bar >= vram ? "yes" : "no");
	}
}

static void link_facts(struct probe *p, const char *card, const char *slot)
{
	(void)probe_line(p, card, "link_speed", DEVICES "/%s/current_link_speed", slot);
	(void)probe_line(p, card, "link_width", DEVICES "/%s/current_link_width", slot);
	(void)probe_line(p, card, "link_speed_max", DEVICES "/%s/max_link_speed", slot);
	(void)probe_line(p, card, "link_width_max", DEVICES "/%s/max_link_width", slot);
}

static void driver(struct probe *p, const char *card, const char *slot)
{
	RP_CLEANUP(rp_free_p) char *path = rp_asprintf(DEVICES "/%s/driver", slot);
	RP_CLEANUP(rp_free_p) char *drm = rp_asprintf(DEVICES "/%s/drm", slot);
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	char target[PATH_MAX];

	if (path && probe_link(p, path, target) == 0)
		rp_fact_set(p->facts, card, "driver", path, "%s", rp_path_base(target));
	else if (path)
		rp_fact_set(p->facts, card, "driver", path, "none");
	if (!drm || probe_list(p, drm, &names) < 0)
		return;
	RP_STRV_FOREACH (n, &names) {
		RP_CLEANUP(rp_free_p) char *node = rp_asprintf("%s/%s", drm, *n);

		if (node && strncmp(*n, "renderD", 7) == 0 && probe_exists(p, node))
			rp_fact_set(p->facts, card, "render", drm, "%s", *n);
	}
}

static void one_card(struct probe *p, const char *slot, uint64_t device)
{
	RP_CLEANUP(rp_free_p) char *card = rp_asprintf("card %s", slot);
	const struct rp_chip_core *core = NULL;
	const struct rp_chip_pci *pci;
	const struct rp_chip *chip;
	struct rp_card *found;
	struct pci_atomics atomics;
	uint64_t revision = 0;

	if (!card)
		return;
	rp_fact_set(p->facts, card, "slot", DEVICES, "%s", slot);
	rp_fact_set(p->facts, card, "pci_id", DEVICES, "1002:%04" PRIx64, device);
	if (!probe_number(p, &revision, DEVICES "/%s/revision", slot) || revision > UINT8_MAX) {
		rp_fact_unknown(
			p->facts, card, "revision", DEVICES, "not readable or not a number");
		revision = 0;
	} else {
		rp_fact_set(p->facts, card, "revision", DEVICES, "%02" PRIx64, revision);
	}
	pci = rp_chip_by_pci((uint16_t)device, (uint8_t)revision);
	chip = find_chip(p, card, slot, pci, &core);
	if (chip)
		rp_fact_set(p->facts, card, "chip_generic", "table of chips", "%s",
			chip->generic ? chip->generic : "none");
	if (chip && chip->codename) {
		rp_fact_set(p->facts, card, "codename", "table of chips", "%s", chip->codename);
		rp_fact_set(p->facts, card, "family", "table of chips", "%s", chip->family);
		rp_fact_set(
			p->facts, card, "apu", "table of chips", "%s", chip->is_apu ? "yes" : "no");
	}
	driver(p, card, slot);
	firmware(p, card, slot, core);
	memory(p, card, slot);
	link_facts(p, card, slot);
	atomics = probe_pci_atomics(p, slot);
	if (atomics.verdict) {
		rp_fact_set(p->facts, card, "pci_atomics",
			"config of the card and the ports above it", "%s", atomics.verdict);
		rp_fact_set(p->facts, card, "pci_atomics_why",
			"config of the card and the ports above it", "%s", atomics.why);
	} else {
		rp_fact_unknown(p->facts, card, "pci_atomics",
			"config of the card and the ports above it", atomics.why);
	}
	if (rp_strv_add(&p->slots, slot, p->err) < 0 ||
		rp_array_grow(&p->cards.v, &p->cards.cap, p->cards.n, sizeof(*p->cards.v)) < 0) {
		p->r = RP_NOMEM(p->err);
		return;
	}
	found = &p->cards.v[p->cards.n++];
	*found = (struct rp_card){ .device = (uint16_t)device,
		.revision = (uint8_t)revision,
		.chip = chip,
		.product = pci ? pci->product : NULL };
	(void)snprintf(
		found->slot, sizeof(found->slot), "%s", slot); /* longer: cut, for messages */
}

void probe_cards_facts(struct probe *p)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv slots = RP_STRV_INIT;
	size_t n_nvidia = 0;

	if (probe_list(p, DEVICES, &slots) < 0)
		rp_fact_set(p->facts, MACHINE, "pci", DEVICES, "none");
	RP_STRV_FOREACH (slot, &slots) {
		uint64_t vendor, class, device;

		RP_CLEANUP(rp_free_p) char *path = rp_asprintf(DEVICES "/%s", *slot);
		char target[PATH_MAX];

		/* first of all, so that a capture has the link before the files behind it */
		if (path)
			(void)!probe_link(p, path, target);
		if (!probe_number(p, &class, DEVICES "/%s/class", *slot)) {
			p->n_unreadable++;
			continue;
		}
		if (class >> 16 != 0x03)
			continue;
		if (!probe_number(p, &vendor, DEVICES "/%s/vendor", *slot)) {
			p->n_unreadable++;
			continue;
		}
		n_nvidia += vendor == 0x10de;
		if (vendor != RP_CHIP_VENDOR || p->cards.n >= MAX_SUBJECTS)
			continue;
		if (!probe_number(p, &device, DEVICES "/%s/device", *slot) || device > UINT16_MAX) {
			p->n_unreadable++;
			continue;
		}
		one_card(p, *slot, device);
	}
	if (n_nvidia)
		rp_fact_set(p->facts, MACHINE, "nvidia_cards", DEVICES, "%zu", n_nvidia);
	if (p->n_unreadable)
		rp_fact_set(
			p->facts, MACHINE, "unreadable_devices", DEVICES, "%zu", p->n_unreadable);
}
