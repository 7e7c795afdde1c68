/* SPDX-License-Identifier: MIT */
/*
 * Build-time program: shell completions and the generated parts of the man
 * pages, from the verb table.
 *   gen-cli bash|zsh|fish > FILE
 *   gen-cli man VERB INPUT.scd > OUTPUT.scd    (VERB "-": rocm-patch itself)
 */
#include "cli.h"

#include <fcntl.h>

static void bash_words(const struct rp_option *o)
{
	for (; o && o->name; o++) {
		printf(" --%s", o->name);
		if (o->letter)
			printf(" -%c", o->letter);
	}
}

static void bash_values(const struct rp_option *o)
{
	for (; o && o->name; o++) {
		if (!o->values || !o->arg || o->arg[0] == '[')
			continue;
		printf("\t--%s) ", o->name);
		if (strcmp(o->values, "@dir") == 0)
			printf("COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n");
		else if (strcmp(o->values, "@file") == 0)
			printf("COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n");
		else
			printf("COMPREPLY=($(compgen -W \"%s\" -- \"$cur\")); return ;;\n",
				o->values);
	}
}

static void bash_case(const struct rp_verb *parent, const struct rp_verb *v)
{
	printf("\t\"%s%s%s\") words=\"", parent ? parent->name : "", parent ? " " : "", v->name);
	for (const struct rp_verb *const *s = v->subs; s && *s; s++)
		printf("%s ", (*s)->name);
	bash_words(v->options);
	printf("\" ;;\n");
	for (const struct rp_verb *const *s = v->subs; s && *s; s++)
		bash_case(v, *s);
}

static void gen_bash(void)
{
	printf("# bash completion for rocm-patch; generated from the verb table\n"
	       "_rocm_patch()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	       "\tlocal i verb= sub= words= global=\"");
	bash_words(rp_global_options);
	printf("\"\n\tcase $prev in\n");
	bash_values(rp_global_options);
	for (const struct rp_verb *const *v = rp_verbs; *v; v++) {
		bash_values((*v)->options);
		for (const struct rp_verb *const *s = (*v)->subs; s && *s; s++)
			bash_values((*s)->options);
	}
	printf("\tesac\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\tcase ${COMP_WORDS[i]} in\n"
	       "\t\t--root|--prefix|--color) ((i++)) ;;\n"
	       "\t\t-*|=) ;;\n"
	       "\t\t*) if [[ -z $verb ]]; then verb=${COMP_WORDS[i]}; elif [[ -z $sub ]]; then "
	       "sub=${COMP_WORDS[i]}; fi ;;\n"
	       "\t\tesac\n\tdone\n"
	       "\tcase \"$verb\" in\n"
	       "\t\"\") words=\"");
	for (const struct rp_verb *const *v = rp_verbs; *v; v++)
		printf("%s ", (*v)->name);
	printf("\" ;;\n");
	for (const struct rp_verb *const *v = rp_verbs; *v; v++)
		bash_case(NULL, *v);
	printf("\tesac\n\tif [[ -n $sub ]]; then\n\t\tcase \"$verb $sub\" in\n");
	for (const struct rp_verb *const *v = rp_verbs; *v; v++)
		for (const struct rp_verb *const *s = (*v)->subs; s && *s; s++)
			bash_case(*v, *s);
	printf("\t\tesac\n\tfi\n"
	       "\tif [[ $cur == -* || -z $verb || ( -z $sub && -n $words && $words != \" \"* && "
	       "$words != -* ) ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$words $global\" -- \"$cur\"))\n"
	       "\telse\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n\tfi\n}\n"
	       "complete -o filenames -F _rocm_patch rocm-patch\n");
}

/* For zsh and fish, inside single quotes. */
static void quoted(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*s);
	}
}

static void zsh_options(const struct rp_option *o)
{
	for (; o && o->name; o++) {
		const char *action = "";

		if (o->values && strcmp(o->values, "@dir") == 0)
			action = "_files -/";
		else if (o->values && strcmp(o->values, "@file") == 0)
			action = "_files";
		printf(" \\\n\t\t'*--%s%s[", o->name, !o->arg ? "" : o->arg[0] == '[' ? "=-" : "=");
		for (const char *h = o->help; *h; h++) { /* [ ] : end a description in _arguments */
			if (*h == '[' || *h == ']' || *h == ':')
				putchar('\\');
			if (*h == '\'')
				fputs("'\\''", stdout);
			else
				putchar(*h);
		}
		putchar(']');
		if (o->arg && action[0])
			printf(":%s:%s", o->arg, action);
		else if (o->arg && o->values)
			printf("%s:%s:(%s)", o->arg[0] == '[' ? ":" : "",
				o->arg[0] == '[' ? "form" : o->arg, o->values);
		else if (o->arg)
			printf(":%s:", o->arg[0] == '[' ? "form" : o->arg);
		putchar('\'');
		if (o->letter && !o->arg) {
			printf(" \\\n\t\t'*-%c[", o->letter);
			for (const char *h = o->help; *h; h++) {
				if (*h == '[' || *h == ']' || *h == ':')
					putchar('\\');
				if (*h == '\'')
					fputs("'\\''", stdout);
				else
					putchar(*h);
			}
			fputs("]'", stdout);
		}
	}
}

static void zsh_verbs(const struct rp_verb *const *verbs)
{
	printf("\t\tlocal -a verbs=(\n");
	for (; *verbs; verbs++) {
		printf("\t\t\t'%s:", (*verbs)->name);
		quoted((*verbs)->summary);
		printf("'\n");
	}
	printf("\t\t)\n\t\t_describe verb verbs\n");
}

static void gen_zsh(void)
{
	printf("#compdef rocm-patch\n# generated from the verb table\n"
	       "_rocm-patch() {\n\tlocal curcontext=$curcontext state line\n\t_arguments -C");
	zsh_options(rp_global_options);
	printf(" \\\n\t\t'1: :->verb' '*:: :->rest'\n\tcase $state in\n\tverb)\n");
	zsh_verbs(rp_verbs);
	printf("\t\t;;\n\trest)\n\t\tcase $words[1] in\n");
	for (const struct rp_verb *const *v = rp_verbs; *v; v++) {
		printf("\t\t%s)\n", (*v)->name);
		if ((*v)->subs) {
			printf("\t\tif (( CURRENT == 2 )); then\n");
			zsh_verbs((*v)->subs);
			printf("\t\telse\n\t\tcase $words[2] in\n");
			for (const struct rp_verb *const *s = (*v)->subs; *s; s++) {
				printf("\t\t%s) _arguments", (*s)->name);
				zsh_options((*s)->options);
				zsh_options(rp_global_options);
				printf(" '*:file:_files' ;;\n");
			}
			printf("\t\tesac\n\t\tfi\n\t\t;;\n");
		} else {
			printf("\t\t_arguments");
			zsh_options((*v)->options);
			zsh_options(rp_global_options);
			printf(" '*:file:_files'\n\t\t;;\n");
		}
	}
	printf("\t\tesac\n\t\t;;\n\tesac\n}\n_rocm-patch \"$@\"\n");
}

static void fish_options(const char *condition, const struct rp_option *o)
{
	for (; o && o->name; o++) {
		printf("complete -c rocm-patch%s%s -l %s", condition[0] ? " -n " : "", condition,
			o->name);
		if (o->letter)
			printf(" -s %c", o->letter);
		if (o->arg && o->arg[0] != '[')
			printf(" -r");
		if (o->values && o->values[0] != '@')
			printf(" -f -a '%s'", o->values);
		printf(" -d '");
		quoted(o->help);
		printf("'\n");
	}
}

static void gen_fish(void)
{
	char condition[256];

	printf("# fish completion for rocm-patch; generated from the verb table\n");
	fish_options("", rp_global_options);
	for (const struct rp_verb *const *v = rp_verbs; *v; v++) {
		printf("complete -c rocm-patch -n __fish_use_subcommand -f -a %s -d '", (*v)->name);
		quoted((*v)->summary);
		printf("'\n");
		(void)snprintf(condition, sizeof(condition), "'__fish_seen_subcommand_from %s'",
			(*v)->name);
		fish_options(condition, (*v)->options);
		for (const struct rp_verb *const *s = (*v)->subs; s && *s; s++) {
			printf("complete -c rocm-patch -n %s -f -a %s -d '", condition, (*s)->name);
			quoted((*s)->summary);
			printf("'\n");
		}
		for (const struct rp_verb *const *s = (*v)->subs; s && *s; s++) {
			char both[320];

			(void)snprintf(both, sizeof(both),
				"'__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from "
				"%s'",
				(*v)->name, (*s)->name);
			fish_options(both, (*s)->options);
		}
	}
}

/* scdoc: "_" and "*" mark up, a backslash keeps them plain. */
static void scd_text(const char *s)
{
	for (; *s; s++) {
		if (strchr("_*\\#`<>[]@", *s))
			putchar('\\');
		putchar(*s);
	}
}

static void scd_synopsis(const struct rp_verb *v, const struct rp_verb *parent)
{
	printf("*rocm-patch*");
	if (!v) {
		printf(" [_OPTION_...] _VERB_ [...]\n");
		return;
	}
	if (parent)
		printf(" *%s*", parent->name);
	printf(" *%s*", v->name);
	if (v->subs) {
		putchar('\n');
		for (const struct rp_verb *const *s = v->subs; *s; s++) {
			putchar('\n');
			scd_synopsis(*s, v);
		}
		return;
	}
	printf(" [_OPTION_...]");
	if (v->operands) {
		putchar(' ');
		scd_text(v->operands);
	}
	putchar('\n');
}

static void scd_options(const struct rp_option *o)
{
	for (; o && o->name; o++) {
		if (o->letter)
			printf("*-%c*, ", o->letter);
		printf("*--%s*", o->name);
		if (o->arg && o->arg[0] == '[')
			printf("[=_%.*s_]", (int)strlen(o->arg) - 2, o->arg + 1);
		else if (o->arg)
			printf(" _%s_", o->arg);
		printf("\n\t");
		scd_text(o->help);
		printf(".\n\n");
	}
}

static void scd_all_options(const struct rp_verb *v)
{
	if (!v) {
		scd_options(rp_global_options);
		return;
	}
	scd_options(v->options);
	for (const struct rp_verb *const *s = v->subs; s && *s; s++) {
		if (!(*s)->options || !(*s)->options->name)
			continue;
		printf("Of *%s %s*:\n\n", v->name, (*s)->name);
		scd_options((*s)->options);
	}
	printf("The options of every verb are in *rocm-patch*(1).\n");
}

static void scd_verbs(void)
{
	for (const struct rp_verb *const *v = rp_verbs; *v; v++) {
		printf("*%s*\n\t", (*v)->name);
		scd_text((*v)->summary);
		printf(". See *rocm-patch-%s*(1).\n\n", (*v)->name);
	}
}

static int gen_man(const char *verb_name, const char *input)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct rp_error err = RP_ERROR_INIT;
	const struct rp_verb *verb = NULL;
	struct rp_span rest, line;

	for (const struct rp_verb *const *v = rp_verbs; *v; v++)
		if (strcmp((*v)->name, verb_name) == 0)
			verb = *v;
	if (!verb && strcmp(verb_name, "-") != 0) {
		fprintf(stderr, "gen-cli: no verb %s\n", verb_name);
		return 1;
	}
	if (rp_file_read(AT_FDCWD, input, 1 << 20, &text, &err) < 0) {
		fprintf(stderr, "gen-cli: %s\n", err.text);
		return 1;
	}
	rest = rp_buf_span(&text);
	while (rp_span_line(&rest, &line)) {
		if (rp_span_eq_str(line, "@SYNOPSIS@"))
			scd_synopsis(verb, NULL);
		else if (rp_span_eq_str(line, "@OPTIONS@"))
			scd_all_options(verb);
		else if (rp_span_eq_str(line, "@VERBS@"))
			scd_verbs();
		else
			printf("%.*s\n", (int)line.n, (const char *)line.p);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "bash") == 0)
		gen_bash();
	else if (argc == 2 && strcmp(argv[1], "zsh") == 0)
		gen_zsh();
	else if (argc == 2 && strcmp(argv[1], "fish") == 0)
		gen_fish();
	else if (argc == 4 && strcmp(argv[1], "man") == 0)
		return gen_man(argv[2], argv[3]);
	else
		return 2;
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
