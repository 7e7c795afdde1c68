/* SPDX-License-Identifier: MIT */
/* Between the files of lib/probe. */
#ifndef RP_PROBE_INTERNAL_H
#define RP_PROBE_INTERNAL_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "probe/probe.h"

#define MACHINE	     "machine"
#define LINE_BYTES   4096 /* of a file with one value */
#define CONFIG_BYTES 4096 /* PCI configuration space */
#define TEXT_BYTES   (256u << 10) /* of a text file */
#define MAX_SUBJECTS 64 /* cards, ROCms, torches */

/* A probe that runs. */
struct probe {
	const struct rp_ctx *ctx;
	struct rp_root *root;
	const struct rp_probe_options *o;
	struct rp_facts *facts;
	struct rp_ini machine; /* of a tree; empty for the host */
	struct rp_strv env; /* NAME=value of the user */
	bool has_env, has_user;
	unsigned long uid;
	struct rp_strv gids; /* decimal */
	struct rp_strv denied; /* paths that a capture could not read */
	struct rp_buf cache; /* lines "stamp<TAB>targets" of libraries */
	bool cache_changed;
	char *home; /* owned; NULL: not known */
	struct rp_buf groups; /* /etc/group, system groups only */
	struct rp_strv slots; /* PCI addresses of the cards, those that only KFD knows as well */
	struct rp_card_list cards; /* by PCI */
	size_t n_unreadable; /* PCI devices of which it is not known whether they are cards */
	int r; /* first error that ends the probe: recorder, memory */
	struct rp_error *err;
};

/*
 * Readers: 0 or -errno; missing and unreadable files are normal. They record.
 * Every path is as on the machine.
 */
int probe_read(struct probe *p, const char *path, size_t max, struct rp_buf *ret, char why[128]);
/* The beginning only: at most n bytes. */
int probe_read_start(struct probe *p, const char *path, size_t n, struct rp_buf *ret);
int probe_list(struct probe *p, const char *path, struct rp_strv *ret);
bool probe_exists(struct probe *p, const char *path);
/* Without following the last link. */
int probe_link(struct probe *p, const char *path, char ret[PATH_MAX]);
int probe_openat(struct probe *p, const char *path, int flags, int *ret_fd);
void probe_record(struct probe *p, const char *path, struct rp_span bytes);

/* First line of a file as a fact; absent file: no fact. Returns the value or NULL. */
const char *probe_line(struct probe *p, const char *subject, const char *key, const char *path_fmt,
	...) RP_PRINTF(4, 5);
/* First line of a file, trimmed; owned; NULL: absent or unreadable. */
char *probe_word(struct probe *p, const char *path_fmt, ...) RP_PRINTF(2, 3);
bool probe_number(struct probe *p, uint64_t *ret, const char *path_fmt, ...) RP_PRINTF(3, 4);

/* Value of "KEY=value" of a shell-like file (os-release), quotes removed; owned or NULL. */
char *probe_assignment(struct rp_span text, const char *key);

struct probe_node {
	bool known, present; /* known false: a tree that says nothing of it */
	unsigned int mode;
	unsigned long uid, gid;
};
struct probe_node probe_device_node(struct probe *p, const char *path);
/* Name of a group id by /etc/group; owned or NULL. */
char *probe_group_name(struct probe *p, unsigned long gid);

void probe_load_groups(struct probe *p);

/* Who asks, and what a tree says of that. The end: probe_free. */
int probe_begin(struct probe *p, struct rp_error *err);
void probe_free(struct probe *p);

void probe_system(struct probe *p);
void probe_cards_facts(struct probe *p);
void probe_kfd(struct probe *p);
void probe_access(struct probe *p);
void probe_variables(struct probe *p);
void probe_rocm(struct probe *p);
void probe_torch(struct probe *p);
void probe_log(struct probe *p);

/* PT_GNU_STACK of a library: "yes", "no"; NULL: cannot tell. Absent path: NULL. */
const char *probe_execstack(struct probe *p, const char *path);
/* Fact <key>: the targets that a library has code for, "gfx900 gfx1030". */
void probe_library_targets(struct probe *p, const char *subject, const char *key, const char *path);

/* machine.ini, to the recorder. */
void probe_record_machine(struct probe *p);
void probe_cache_load(struct probe *p);
void probe_cache_save(struct probe *p);
/* Fact rocblas_targets: chips in the names of rocBLAS kernel files. */
void probe_tensile(struct probe *p, const char *subject, const char *libdir);
/* Fact execstack: the first library that asks for an executable stack. */
void probe_execstack_facts(struct probe *p, const char *subject, const char *libdir);

/* PCIe atomics of the way from a card to its root port. */
struct pci_atomics {
	const char *verdict; /* "yes", "no", NULL: not known */
	char why[160];
};
struct pci_atomics probe_pci_atomics(struct probe *p, const char *slot);

#endif
