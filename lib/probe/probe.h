/* SPDX-License-Identifier: MIT */
/*
 * Facts about this machine that decide whether ROCm works on its cards, each with the file it came
 * from. Everything is read below a root (a captured or composed tree replays a machine), bounded,
 * without ROCm and without touching a card. What cannot be read is a fact too: unknown, with the reason.
 */
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
 * Display controllers (PCI class 0x03) of AMD in /sys/bus/pci/devices, as rp_probe_facts sees them: the chip by
 * the card's own table of blocks (ip_discovery), then by its PCI id. No such folder: an empty list. A device whose
 * class, vendor or id cannot be read is left out; n_unreadable (may be NULL) counts them.
 */
RP_MUST_CHECK int rp_probe_cards(struct rp_root *root, struct rp_card_list *ret,
	size_t *ret_n_unreadable, struct rp_error *err);

/*
 * subject: "machine", "card 0000:03:00.0", "rocm /opt/rocm", "torch /usr/lib/...", "variable NAME";
 * its first word is the kind. Text has no control characters. docs/doctor.md lists the keys.
 */
struct rp_fact {
	char *subject, *key; /* owned */
	char *value; /* owned; NULL: not known */
	char *unknown; /* owned; why it is not known; NULL if value is there */
	char *source; /* owned: path below the root, or what else told it */
};

struct rp_facts {
	struct rp_fact *v;
	size_t n, cap;
	bool failed; /* out of memory: asked once, with rp_facts_check */
};

#define RP_FACTS_INIT             \
	{                         \
		NULL, 0, 0, false \
	}

void rp_facts_free(struct rp_facts *f);
void rp_fact_set(struct rp_facts *f, const char *subject, const char *key, const char *source,
	const char *fmt, ...) RP_PRINTF(5, 6);
void rp_fact_unknown(struct rp_facts *f, const char *subject, const char *key, const char *source,
	const char *why);
/* The value, or NULL if it is absent or unknown. Borrowed from f. */
const char *rp_fact_get(const struct rp_facts *f, const char *subject, const char *key);
const struct rp_fact *rp_fact_find(
	const struct rp_facts *f, const char *subject, const char *key); /* or NULL */
RP_MUST_CHECK int rp_facts_check(const struct rp_facts *f, struct rp_error *err); /* 0, -ENOMEM */

/* The i-th subject of a kind in the order of the facts, or NULL. */
const char *rp_facts_subject(const struct rp_facts *f, const char *kind, size_t i);

/* Gets what a probe reads, for capture. Paths as on the machine. Not 0: the probe ends with it. */
struct rp_probe_recorder {
	int (*file)(void *data, const char *path, struct rp_span bytes, struct rp_error *err);
	int (*folder)(void *data, const char *path, struct rp_error *err);
	int (*link)(void *data, const char *path, const char *target, struct rp_error *err);
	void *data;
};

#define RP_PROBE_MACHINE_INI "/.rocm-patch-machine.ini"
#define RP_PROBE_KERNEL_LOG  "/.rocm-patch-kernel.log"

struct rp_probe_options {
	/* A second tree whose files hide those of the root: the virtual card. NULL: none. */
	struct rp_root *overlay;
	const struct rp_strv *env; /* of this process; used if the root is the host only */
	/* Opens device nodes in a child with a deadline; NULL or a tree: rights are computed from modes. */
	const char *touch_program;
	/* Folder for what was found in libraries (by inode, time, size); NULL: no cache. */
	const char *cache_dir;
	bool skip_libraries; /* do not look for targets inside libraries */
	const struct rp_probe_recorder *recorder; /* or NULL */
};

/*
 * All facts. 0 also if much is unknown. -ENOMEM, -ECANCELED, -EBADMSG (malformed machine.ini of a
 * tree), or what the recorder returned. ret is filled only with 0.
 */
RP_MUST_CHECK int rp_probe_facts(const struct rp_ctx *ctx, struct rp_root *root,
	const struct rp_probe_options *options, struct rp_facts *ret, struct rp_error *err);

#endif
