/* SPDX-License-Identifier: MIT */
/*
 * Can a card do PCIe atomics to memory? The question the kernel asks in
 * pci_enable_atomic_ops_to_root (Linux 6.12 drivers/pci/pci.c), answered from the configuration space
 * of the card and of every port above it. Beyond byte 64 only root can read it.
 * Layout: PCI Express Base Specification, PCI Express Capability; names as in linux/pci_regs.h.
 */
#include "probe/internal.h"

enum { TYPE_ENDPOINT = 0, TYPE_LEGACY = 1, TYPE_ROOT = 4, TYPE_UPSTREAM = 5, TYPE_DOWNSTREAM = 6 };
#define CAP_ROUTE     0x40u /* DevCap2 */
#define CAP_COMP32_64 0x180u
#define CTL_REQUESTER 0x40u /* DevCtl2 */
#define CTL_EGRESS    0x80u
#define MAX_BRIDGES   16

struct port {
	unsigned int type;
	uint32_t cap2;
	uint16_t ctl2;
};

/* 0; -EACCES: only the first 64 bytes can be read; -ENODATA: no such capability, or not readable. */
static int read_port(struct probe *p, const char *slot, struct port *ret)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf bytes = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *path = rp_asprintf("/sys/bus/pci/devices/%s/config", slot);
	struct rp_span s;
	uint16_t status, flags;
	uint8_t at;
	char why[128];

	if (!path || probe_read(p, path, CONFIG_BYTES, &bytes, why) < 0)
		return -ENODATA;
	s = rp_buf_span(&bytes);
	if (s.n == 64)
		return -EACCES;
	if (!rp_span_le16(s, 0x06, &status) || !(status & 0x10) || !rp_span_u8(s, 0x34, &at))
		return -ENODATA;
	for (int i = 0; i < 48 && at >= 0x40; i++) { /* 48: as many as fit, so loops end */
		uint8_t id, next;

		at &= 0xfc;
		if (!rp_span_u8(s, at, &id) || !rp_span_u8(s, at + 1u, &next))
			return -ENODATA;
		if (id == 0x10) { /* PCI Express */
			if (!rp_span_le16(s, at + 2u, &flags) ||
				!rp_span_le32(s, at + 0x24u, &ret->cap2) ||
				!rp_span_le16(s, at + 0x28u, &ret->ctl2))
				return -ENODATA;
			ret->type = flags >> 4 & 15;
			return 0;
		}
		at = next;
	}
	return -ENODATA;
}

static bool is_slot(const char *s, size_t n)
{
	static const char form[] = "xxxx:xx:xx.x";

	if (n != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < n; i++)
		if (form[i] == 'x' ? !strchr("0123456789abcdef", s[i]) || s[i] == '\0'
				   : s[i] != form[i])
			return false;
	return true;
}

/* The ports above slot, top first: the folders of its sysfs path. */
static size_t bridges_of(struct probe *p, const char *slot, char ret[MAX_BRIDGES][16])
{
	RP_CLEANUP(rp_free_p) char *path = rp_asprintf("/sys/bus/pci/devices/%s", slot);
	char target[PATH_MAX];
	size_t n = 0;

	if (!path || probe_link(p, path, target) < 0)
		return 0;
	for (const char *at = target; *at;) {
		size_t len = strcspn(at, "/");

		if (is_slot(at, len) && strncmp(at, slot, len) != 0 && n < MAX_BRIDGES)
			(void)snprintf(ret[n++], 16, "%.*s", (int)len, at);
		at += len + strspn(at + len, "/");
	}
	return n;
}

struct pci_atomics probe_pci_atomics(struct probe *p, const char *slot)
{
	char bridges[MAX_BRIDGES][16];
	size_t n = bridges_of(p, slot, bridges);
	struct pci_atomics a = { NULL, "" };
	struct port card, port;
	bool root_seen = false;
	int r = read_port(p, slot, &card);

	if (r < 0) {
		(void)snprintf(a.why, sizeof(a.why), "%s",
			r == -EACCES
				? "configuration space beyond byte 64 needs root"
				: "its configuration space has no readable PCI Express capability");
		return a;
	}
	a.verdict = "no";
	if (card.type != TYPE_ENDPOINT && card.type != TYPE_LEGACY) {
		(void)snprintf(a.why, sizeof(a.why), "%s is no PCI Express endpoint", slot);
		return a;
	}
	for (size_t i = n; i-- > 0;) {
		if (read_port(p, bridges[i], &port) < 0) {
			a.verdict = NULL;
			(void)snprintf(a.why, sizeof(a.why), "cannot read the port %s above it",
				bridges[i]);
			return a;
		}
		root_seen |= port.type == TYPE_ROOT;
		if ((port.type == TYPE_UPSTREAM || port.type == TYPE_DOWNSTREAM) &&
			!(port.cap2 & CAP_ROUTE)) {
			(void)snprintf(a.why, sizeof(a.why),
				"switch port %s does not route AtomicOps", bridges[i]);
			return a;
		}
		if (port.type == TYPE_UPSTREAM && (port.ctl2 & CTL_EGRESS)) {
			(void)snprintf(a.why, sizeof(a.why), "switch port %s blocks AtomicOps",
				bridges[i]);
			return a;
		}
		if (port.type == TYPE_ROOT && (port.cap2 & CAP_COMP32_64) != CAP_COMP32_64) {
			(void)snprintf(a.why, sizeof(a.why),
				"root port %s does not complete 32 and 64 bit AtomicOps",
				bridges[i]);
			return a;
		}
	}
	if (!root_seen && !(card.ctl2 & CTL_REQUESTER)) {
		(void)snprintf(a.why, sizeof(a.why),
			"no root port is visible (guest) and the host has not enabled requests");
		return a;
	}
	a.verdict = "yes";
	(void)snprintf(a.why, sizeof(a.why),
		root_seen ? "every port above it passes AtomicOps"
			  : "the host has enabled requests");
	return a;
}
