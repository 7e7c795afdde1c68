/* SPDX-License-Identifier: MIT */
/* What libraries say by their own bytes: an executable stack, the targets of their GPU code. */
#include "probe/internal.h"

#define HEAD_BYTES   8192u
#define PT_GNU_STACK 0x6474e551u
#define PF_X	     1u

const char *probe_execstack(struct probe *p, const char *path)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf head = RP_BUF_INIT;
	struct rp_span s;
	uint64_t phoff;
	uint16_t size, n;

	if (probe_read_start(p, path, HEAD_BYTES, &head) < 0)
		return NULL;
	s = rp_buf_span(&head);
	/* ELF64 header: e_phoff 32, e_phentsize 54, e_phnum 56 (System V gABI) */
	if (!rp_span_starts(s, "\177ELF\2\1") || !rp_span_le64(s, 32, &phoff) ||
		!rp_span_le16(s, 54, &size) || !rp_span_le16(s, 56, &n) || size < 56)
		return NULL;
	probe_record(p, path, s);
	for (uint16_t i = 0; i < n; i++) {
		uint64_t at = phoff + (uint64_t)i * size;
		uint32_t type, flags;

		if (!rp_span_le32(s, at, &type) || !rp_span_le32(s, at + 4, &flags))
			return NULL;
		if (type == PT_GNU_STACK)
			return flags & PF_X ? "yes" : "no";
	}
	return NULL; /* without the header the kernel's default counts */
}

static const char *recorded(const struct probe *p, const char *path)
{
	for (size_t i = 0; i < p->machine.n; i++) {
		const struct rp_ini_item *it = &p->machine.items[i];

		if (!it->key || strcmp(it->section, "library") != 0 ||
			strcmp(it->key, "path") != 0 || strcmp(it->value, path) != 0)
			continue;
		for (size_t k = 0; k < p->machine.n; k++)
			if (p->machine.items[k].section_no == it->section_no &&
				p->machine.items[k].key &&
				strcmp(p->machine.items[k].key, "targets") == 0)
				return p->machine.items[k].value;
	}
	return NULL;
}

void probe_library_targets(struct probe *p, const char *subject, const char *key, const char *path)
{
	const char *targets = recorded(p, path);

	if (targets)
		rp_fact_set(p->facts, subject, key, path, "%s", targets);
}
