/* SPDX-License-Identifier: MIT */
/*
 * The program around the library: the verb table, parsed options, output.
 * One verb is one file in cli/ that exports one struct rp_verb; the table is in
 * cli/verbs.c. --help, the man-page synopsis and the shell completions are
 * generated from the same structs, so an option exists only if it is listed.
 */
#ifndef RP_CLI_H
#define RP_CLI_H

#include <stdio.h>

#include "base/base.h"

enum rp_verb_flags {
	RP_VERB_READS_SYSTEM = 1 << 0, /* honours --root */
	RP_VERB_WRITES = 1 << 1, /* honours -n */
	RP_VERB_NEEDS_ROOT = 1 << 2, /* says so before it does anything */
	RP_VERB_NEEDS_GPU = 1 << 3,
	RP_VERB_COMMAND =
		1 << 4, /* operands are a command: options end at the first operand or "--" */
};

struct rp_option {
	const char *name; /* long name without dashes; NULL ends the table */
	char letter; /* short form; 0: none */
	const char
		*arg; /* metavariable; NULL: takes no argument. "[X]": optional (--name=X only) */
	const char *help; /* one line, no full stop */
	const char *values; /* for completion: words, or "@file", "@dir"; NULL: nothing known */
};

struct rp_cli;

struct rp_verb {
	const char *name;
	const char *summary; /* one line, no full stop */
	const char *operands; /* synopsis of the operands, "DIR [FILE...]"; NULL: none */
	const char *description; /* paragraphs for --help and the man page; may be NULL */
	const struct rp_option *options; /* NULL: only the global ones */
	const struct rp_verb *const *subs; /* NULL-terminated sub-verbs; then run may be NULL */
	unsigned int flags; /* enum rp_verb_flags */
	unsigned int min_operands, max_operands; /* max 0: none allowed; use RP_ANY for no limit */
	const int *exit_codes; /* RP_EXITS(...) */
	int (*run)(struct rp_cli *cli, int argc, char **argv); /* argv: operands only; exit code */
};

#define RP_ANY	      1000000u
#define RP_EXITS(...) ((const int[]){ __VA_ARGS__, -1 })

/* Exit codes; rp_cli_exit_code maps -errno to them. */
enum rp_exit_code {
	RP_EXIT_OK = 0,
	RP_EXIT_PROBLEMS = 1, /* worked, and found problems */
	RP_EXIT_USAGE = 2,
	RP_EXIT_DATA = 65,
	RP_EXIT_NOINPUT = 66,
	RP_EXIT_UNAVAILABLE = 69,
	RP_EXIT_SOFTWARE = 70, /* our bug, or a child failed or died */
	RP_EXIT_OS = 71,
	RP_EXIT_CANTCREATE = 73,
	RP_EXIT_IO = 74,
	RP_EXIT_TEMPFAIL = 75,
	RP_EXIT_NOPERM = 77,
	RP_EXIT_CONFIG = 78,
	RP_EXIT_DEADLINE = 124,
};

enum rp_json_mode { RP_JSON_OFF, RP_JSON_OBJECT, RP_JSON_LINES };

struct rp_parsed_option {
	const struct rp_option *option;
	const char *value; /* "" where no argument was given; borrowed from argv */
};

struct rp_cli {
	const struct rp_verb *verb; /* the (sub-)verb that runs */
	const struct rp_verb *parent; /* of a sub-verb; else NULL */
	struct rp_ctx ctx; /* hand this to the library */
	struct rp_root root; /* --root, default "/" */
	struct rp_strv env; /* copy of the process environment */
	const char *prefix; /* --prefix, default /opt/rocm-patched */
	enum rp_json_mode json_mode;
	bool yes, dry_run;
	int verbosity; /* -1: -q, 0, 1: -v, 2: -vv */
	bool colour; /* for stderr */
	bool tty; /* stderr is one: progress lines allowed */
	bool utf8; /* the locale is UTF-8 */
	char *data_dir; /* patches, recipes, tables: build tree or installed */
	char *preload_dir; /* preload libraries: build tree or installed */
	char *libexec_dir; /* programs of our own that run in children */
	char *self; /* path of this program */
	struct rp_parsed_option *opts;
	size_t n_opts;

	/* output; use the functions below */
	int out_errno; /* of the first write to stdout that failed */
	struct rp_buf json_buf;
	struct rp_json json;
	bool json_open;
	bool progress_shown;
	int64_t progress_at_ms;
};

extern const struct rp_verb *const rp_verbs[]; /* NULL-terminated, in the order of --help */
extern const struct rp_option rp_global_options[];

/* Last value of an option of this verb (or global); NULL if not given. */
const char *rp_cli_opt(const struct rp_cli *cli, const char *name);
bool rp_cli_flag(const struct rp_cli *cli, const char *name);
/* The i-th (from 0) value of a repeatable option; NULL behind the last. */
const char *rp_cli_opt_nth(const struct rp_cli *cli, const char *name, size_t i);
/* As a number >= min; usage error (message printed, RP_EXIT_USAGE) otherwise. 0 or the exit code. */
RP_MUST_CHECK int rp_cli_opt_number(
	struct rp_cli *cli, const char *name, uint64_t min, uint64_t otherwise, uint64_t *ret);

/* stdout = result. Does nothing in a JSON mode. Only ASCII, or ask cli->utf8 first. */
void rp_cli_out(struct rp_cli *cli, const char *fmt, ...) RP_PRINTF(2, 3);
void rp_cli_out_raw(struct rp_cli *cli, struct rp_span data); /* bytes, in text mode only */
/* True if nothing more can be written (the reader of a pipe has gone, a full disk): stop, main says so. */
bool rp_cli_out_failed(const struct rp_cli *cli);
/* Whether the result itself may have colour: as --color says, auto by stdout. Not for JSON. */
bool rp_cli_out_colour(const struct rp_cli *cli);

/*
 * The JSON result: NULL in text mode; else the writer inside the top object, in
 * which "schema" and "verb" already stand. main closes and prints it.
 */
struct rp_json *rp_cli_json(struct rp_cli *cli);

/* stderr = talk. note: silent with -q. */
void rp_cli_note(struct rp_cli *cli, const char *fmt, ...) RP_PRINTF(2, 3);
void rp_cli_warn(struct rp_cli *cli, const char *fmt, ...) RP_PRINTF(2, 3);

/* Prints the error (and the JSON error object) and returns the exit code for r. */
int rp_cli_fail(struct rp_cli *cli, int r, const struct rp_error *err);
/* A wrong use found by the verb itself: message, hint, RP_EXIT_USAGE. */
int rp_cli_usage(struct rp_cli *cli, const char *fmt, ...) RP_PRINTF(2, 3);
int rp_cli_exit_code(int r);

/*
 * Asks on the terminal before something is written; true with --yes. Without a
 * terminal and without --yes: false, with a line that says so.
 */
bool rp_cli_confirm(struct rp_cli *cli, const char *question);

/* $XDG_CACHE_HOME/rocm-patch, ~/.cache/rocm-patch; the same for state. Owned; created by the user of it. */
RP_MUST_CHECK int rp_cli_cache_dir(struct rp_cli *cli, char **ret, struct rp_error *err);
RP_MUST_CHECK int rp_cli_state_dir(struct rp_cli *cli, char **ret, struct rp_error *err);

/* Human sizes and times for text: "3.9 MB", "1 min 48 s". buf is filled and returned. */
#define RP_HUMAN 32
const char *rp_cli_size(uint64_t bytes, char buf[RP_HUMAN]);
const char *rp_cli_time(int64_t ms, char buf[RP_HUMAN]);

/* --help of a verb (NULL: the program) to f; used by the generator too. */
void rp_cli_help(FILE *f, const struct rp_verb *verb, const struct rp_verb *parent);

/* main, for tests: parses, runs, returns the exit code. */
int rp_cli_main(int argc, char **argv, char **envp);

#endif
