/* SPDX-License-Identifier: MIT */
/* The verb table. verbs.inc is made by cli/meson.build from its list of verbs. */
#include "cli.h"

#define VERB(name) extern const struct rp_verb rp_verb_##name;
#include "verbs.inc"
#undef VERB

#define VERB(name) &rp_verb_##name,
const struct rp_verb *const rp_verbs[] = {
#include "verbs.inc"
	NULL,
};
#undef VERB

const struct rp_option rp_global_options[] = {
	{ "root", 0, "DIR", "read the system below DIR instead of /", "@dir" },
	{ "prefix", 0, "DIR", "the store of patched runtimes (default: /opt/rocm-patched)",
		"@dir" },
	{ "json", 0, "[lines]", "print one JSON object (=lines: one line per event)", "lines" },
	{ "yes", 'y', NULL, "do not ask before writing", NULL },
	{ "dry-run", 'n', NULL, "show what would be done, write nothing", NULL },
	{ "quiet", 'q', NULL, "no notes and no progress on stderr", NULL },
	{ "verbose", 'v', NULL, "more detail on stderr (twice: even more)", NULL },
	{ "color", 0, "WHEN", "colour: auto (on a terminal), always or never",
		"auto always never" },
	{ "help", 'h', NULL, "show this help", NULL },
	{ "version", 0, NULL, "show the version and the built-in features", NULL },
	{ NULL, 0, NULL, NULL, NULL },
};
