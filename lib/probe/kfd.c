/* SPDX-License-Identifier: MIT */
/*
 * What the compute side of the driver (KFD) has admitted, by its topology. Files and bits: Linux 6.12
 * amdkfd/kfd_topology.c (node_show, iolink_show), kfd_crat.h CRAT_IOLINK_FLAGS_*. /dev/kfd and node 0 exist
 * without any card: they prove a loaded module only.
 */
#include "probe/internal.h"

#include <inttypes.h>

#define NODES	      "/sys/class/kfd/kfd/topology/nodes"
#define NO_ATOMICS_32 0x4u
#define NO_ATOMICS_64 0x8u
#define MAX_NODES     64

struct node {
	uint64_t gpu_id, target, location, domain, device, simds, capability, firmware, minor;
	bool has_properties;
};

/* "name value" lines */
static void properties(struct probe *p, const char *path, const char *const *names,
	uint64_t *const *values, bool *ret_read)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct rp_span rest, line;
	char why[128];

	if (probe_read(p, path, TEXT_BYTES, &text, why) < 0)
		return;
	*ret_read = true;
	rest = rp_buf_span(&text);
	while (rp_span_line(&rest, &line))
		for (size_t i = 0; names[i]; i++) {
			size_t n = strlen(names[i]);

			if (line.n > n + 1 && rp_span_starts(line, names[i]) && line.p[n] == ' ')
				(void)!rp_span_number(
					rp_span_of(line.p + n + 1, line.n - n - 1), values[i]);
		}
}

static struct node read_node(struct probe *p, const char *name)
{
	struct node n = { 0 };
	static const char *const names[] = { "gfx_target_version", "location_id", "domain",
		"device_id", "simd_count", "capability", "fw_version", "drm_render_minor", NULL };
	uint64_t *const values[] = { &n.target, &n.location, &n.domain, &n.device, &n.simds,
		&n.capability, &n.firmware, &n.minor };
	RP_CLEANUP(rp_free_p) char *path = rp_asprintf(NODES "/%s/properties", name);

	if (path && probe_number(p, &n.gpu_id, NODES "/%s/gpu_id", name) && n.gpu_id)
		properties(p, path, names, values, &n.has_properties);
	return n;
}

/* Atomics of an admitted card, by the links of its node to the processor. */
static void link_atomics(struct probe *p, const char *card, const char *node)
{
	static const char *const names[] = { "flags", NULL };
	RP_CLEANUP(rp_strv_free) struct rp_strv links = RP_STRV_INIT;
	RP_CLEANUP(rp_free_p) char *folder = rp_asprintf(NODES "/%s/io_links", node);

	if (!folder || probe_list(p, folder, &links) < 0)
		return;
	RP_STRV_FOREACH (l, &links) {
		uint64_t flags = 0;
		uint64_t *const values[] = { &flags };
		RP_CLEANUP(rp_free_p) char *path = rp_asprintf("%s/%s/properties", folder, *l);
		bool is_read = false;

		if (!path)
			return;
		properties(p, path, names, values, &is_read);
		if (!is_read)
			continue;
		rp_fact_set(p->facts, card, "kfd_atomics", path, "%s",
			flags & (NO_ATOMICS_32 | NO_ATOMICS_64) ? "no" : "yes");
		return;
	}
}

/* 100100 is gfx1010: major * 10000 + minor * 100 + stepping (kfd_device.c, gfx_target_version). */
static void target_name(uint64_t v, char ret[24])
{
	(void)snprintf(ret, 24, "gfx%u%x%x", (unsigned int)(v / 10000 % 100),
		(unsigned int)(v / 100 % 100), (unsigned int)(v % 100));
}

static const char *card_of(struct probe *p, const struct node *n, char buf[64])
{
	(void)snprintf(buf, 64, "card %04" PRIx64 ":%02" PRIx64 ":%02" PRIx64 ".%" PRIx64,
		n->domain & 0xffffffff, n->location >> 8 & 0xff, n->location >> 3 & 0x1f,
		n->location & 7);
	if (!rp_fact_find(p->facts, buf, "slot") && p->slots.n < MAX_SUBJECTS) {
		/* no PCI folder (container, virtual card): what the node itself says */
		const struct rp_chip_pci *pci;
		uint64_t revision = 0;

		/* the revision tells the product, where the DRM class shows it */
		if (!probe_number(p, &revision, "/sys/class/drm/renderD%" PRIu64 "/device/revision",
			    n->minor) ||
			revision > UINT8_MAX)
			revision = 0;
		pci = n->device <= UINT16_MAX
			      ? rp_chip_by_pci((uint16_t)n->device, (uint8_t)revision)
			      : NULL;
		rp_fact_set(p->facts, buf, "slot", NODES, "%s", buf + 5);
		rp_fact_set(p->facts, buf, "pci_id", NODES, "1002:%04" PRIx64, n->device & 0xffff);
		if (pci && pci->product)
			rp_fact_set(
				p->facts, buf, "product", "table of PCI ids", "%s", pci->product);
		if (n->minor >= 128 && n->minor < 256)
			rp_fact_set(p->facts, buf, "render", NODES, "renderD%" PRIu64, n->minor);
		if (rp_strv_add(&p->slots, buf + 5, p->err) < 0)
			p->r = -ENOMEM;
	}
	return buf;
}

static void admitted(struct probe *p, const char *name, const struct node *n)
{
	char buf[64], target[24];
	const char *card = card_of(p, n, buf);
	const struct rp_chip *chip;
	RP_CLEANUP(rp_free_p) char *path = rp_asprintf(NODES "/%s/properties", name);

	if (!path)
		return;
	target_name(n->target, target);
	rp_fact_set(p->facts, card, "admitted", path, "yes");
	rp_fact_set(p->facts, card, "kfd_node", path, "%s", name);
	rp_fact_set(p->facts, card, "kfd_target", path, "%s", target);
	rp_fact_set(p->facts, card, "simds", path, "%" PRIu64, n->simds);
	rp_fact_set(p->facts, card, "kfd_capability", path, "0x%" PRIx64, n->capability);
	rp_fact_set(p->facts, card, "kfd_firmware", path, "%" PRIu64, n->firmware);
	rp_fact_set(p->facts, card, "chip", path, "%s", target);
	chip = rp_chip_by_name(rp_span_str(target));
	rp_fact_set(p->facts, card, "chip_generic", "table of chips", "%s",
		chip && chip->generic ? chip->generic : "none");
	if (chip) {
		rp_fact_set(p->facts, card, "family", "table of chips", "%s", chip->family);
		if (chip->codename) {
			rp_fact_set(
				p->facts, card, "codename", "table of chips", "%s", chip->codename);
			rp_fact_set(p->facts, card, "apu", "table of chips", "%s",
				chip->is_apu ? "yes" : "no");
		}
		if (chip->n_cores == 1) {
			/* fw_version of a node is the MEC firmware (kfd_topology.c) */
			rp_fact_set(p->facts, card, "mec", path, "%" PRIu64, n->firmware);
			rp_fact_set(p->facts, card, "mec_needed",
				"Linux kfd_device.c kfd_device_info_init", "%u",
				chip->cores[0].mec_firmware);
			rp_fact_set(p->facts, card, "mec_below", path, "%s",
				n->firmware < chip->cores[0].mec_firmware ? "yes" : "no");
		}
	}
	link_atomics(p, card, name);
}

void probe_kfd(struct probe *p)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv nodes = RP_STRV_INIT;
	size_t n_gpus = 0, n_unreadable = 0, n = 0;
	bool there = probe_list(p, NODES, &nodes) == 0;

	rp_fact_set(p->facts, MACHINE, "kfd_topology", NODES, "%s", there ? "yes" : "no");
	RP_STRV_FOREACH (name, &nodes) {
		struct node node;

		if (n++ >= MAX_NODES)
			break;
		node = read_node(p, *name);
		if (!node.gpu_id)
			continue;
		n_gpus++;
		/* location_id is bus and devfn, 16 bits; no target version has more than 6 digits */
		if (node.has_properties && node.location <= 0xffff && node.domain <= 0xffff &&
			node.target > 0 && node.target <= 999999)
			admitted(p, *name, &node);
		else
			n_unreadable++; /* in a container mostly: its device cgroup forbids it */
	}
	rp_fact_set(p->facts, MACHINE, "kfd_gpus", NODES, "%zu", n_gpus);
	if (n_unreadable)
		rp_fact_set(p->facts, MACHINE, "kfd_unreadable", NODES, "%zu", n_unreadable);
	RP_STRV_FOREACH (slot, &p->slots) {
		RP_CLEANUP(rp_free_p) char *card = rp_asprintf("card %s", *slot);

		/* with an unreadable node it is not known whose it is */
		if (card && !rp_fact_find(p->facts, card, "admitted") && !n_unreadable)
			rp_fact_set(p->facts, card, "admitted", NODES, "no");
	}
}
