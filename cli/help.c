/* SPDX-License-Identifier: MIT */
/* --help, --version and the nearest verb for a typo, from the verb table. */
#include "internal.h"

#include <archive.h>
#include <curl/curl.h>

/* Optimal string alignment distance, for names shorter than 32 bytes; else "far". */
static unsigned int distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned int d[32][32];

	if (n >= 32 || m >= 32)
		return 99;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned int)i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned int v = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < v)
				v = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < v)
				v = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				d[i - 2][j - 2] + 1 < v)
				v = d[i - 2][j - 2] + 1;
			d[i][j] = v;
		}
	}
	return d[n][m];
}

const struct rp_verb *rp_cli_nearest(const struct rp_verb *const *verbs, const char *name)
{
	const struct rp_verb *best = NULL;
	unsigned int best_d = 3; /* three edits are another word */

	for (; *verbs; verbs++) {
		unsigned int d = distance(name, (*verbs)->name);

		if (d < best_d && d < strlen((*verbs)->name)) {
			best_d = d;
			best = *verbs;
		}
	}
	return best;
}

void rp_cli_version(FILE *f)
{
	fprintf(f, "rocm-patch %s\n", RP_VERSION);
	fprintf(f, "features: %s, libcurl %s\n", archive_version_string(),
		curl_version_info(CURLVERSION_NOW)->version);
}

static void print_options(FILE *f, const struct rp_option *o)
{
	for (; o && o->name; o++) {
		char left[64], letter[8] = "    ";

		if (o->letter)
			(void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		if (!o->arg)
			(void)snprintf(left, sizeof(left), "%s--%s", letter, o->name);
		else if (o->arg[0] == '[')
			(void)snprintf(left, sizeof(left), "%s--%s[=%.*s]", letter, o->name,
				(int)strlen(o->arg) - 2, o->arg + 1);
		else
			(void)snprintf(left, sizeof(left), "%s--%s %s", letter, o->name, o->arg);
		fprintf(f, "  %-26s %s\n", left, o->help);
	}
}

/* Paragraphs wrapped at 78 columns; a line that starts with a blank is kept. */
static void print_wrapped(FILE *f, const char *text)
{
	struct rp_span rest = rp_span_str(text), line;

	while (rp_span_line(&rest, &line)) {
		size_t column = 0, i = 0;

		if (line.n == 0 || line.p[0] == ' ') {
			fprintf(f, "%.*s\n", (int)line.n, (const char *)line.p);
			continue;
		}
		while (i < line.n) {
			size_t start = i;

			while (i < line.n && line.p[i] != ' ')
				i++;
			if (column > 0 && column + 1 + (i - start) > 78) {
				fputc('\n', f);
				column = 0;
			}
			column += (size_t)fprintf(f, "%s%.*s", column ? " " : "", (int)(i - start),
				(const char *)line.p + start);
			while (i < line.n && line.p[i] == ' ')
				i++;
		}
		fputc('\n', f);
	}
}

static void print_verb_list(FILE *f, const struct rp_verb *const *verbs)
{
	for (; *verbs; verbs++)
		fprintf(f, "  %-13s %s\n", (*verbs)->name, (*verbs)->summary);
}

static void print_exit_codes(FILE *f, const int *codes)
{
	fputs("\nExit status:", f);
	for (; codes && *codes >= 0; codes++)
		fprintf(f, " %d", *codes);
	fputs(" (rocm-patch(1) explains them)\n", f);
}

void rp_cli_help(FILE *f, const struct rp_verb *verb, const struct rp_verb *parent)
{
	if (!verb) {
		fputs("Usage: rocm-patch [OPTION...] VERB [...]\n\n"
		      "Finds out why a Radeon RX 5000 or 6000 card fails under ROCm, and repairs "
		      "it.\n\nVerbs:\n",
			f);
		print_verb_list(f, rp_verbs);
		fputs("\nOptions of every verb:\n", f);
		print_options(f, rp_global_options);
		fputs("\n\"rocm-patch VERB --help\" and rocm-patch-VERB(1) tell more.\n", f);
		return;
	}
	fprintf(f, "Usage: rocm-patch %s%s%s", parent ? parent->name : "", parent ? " " : "",
		verb->name);
	fprintf(f, "%s%s%s%s\n", verb->subs ? " SUB-VERB" : "", " [OPTION...]",
		verb->operands ? " " : "", verb->operands ? verb->operands : "");
	fprintf(f, "\n%c%s.\n",
		verb->summary[0] >= 'a' && verb->summary[0] <= 'z' ? verb->summary[0] - 32
								   : verb->summary[0],
		verb->summary + 1);
	if (verb->description) {
		fputc('\n', f);
		print_wrapped(f, verb->description);
	}
	if (verb->subs) {
		fputs("\nSub-verbs:\n", f);
		print_verb_list(f, verb->subs);
	}
	if (verb->options && verb->options->name) {
		fputs("\nOptions:\n", f);
		print_options(f, verb->options);
	}
	fputs("\nOptions of every verb:\n", f);
	print_options(f, rp_global_options);
	if (verb->exit_codes)
		print_exit_codes(f, verb->exit_codes);
}
