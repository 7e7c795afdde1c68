/* SPDX-License-Identifier: MIT */
/*
 * Options: getopt_long over a table built from the global and the verb's
 * options. Global options may stand before or behind the verb. Anything
 * unknown is a usage error, always.
 */
#include "internal.h"

#include <getopt.h>

#define MAX_OPTIONS 64
#define LONG_BASE   1000

struct table {
	struct option longs[MAX_OPTIONS + 1];
	const struct rp_option *from[MAX_OPTIONS];
	char shorts[3 * MAX_OPTIONS + 4];
	size_t n;
};

static void add_options(struct table *t, const struct rp_option *o)
{
	for (; o && o->name; o++) {
		size_t len = strlen(t->shorts);

		if (t->n >= MAX_OPTIONS)
			return;
		t->from[t->n] = o;
		t->longs[t->n] = (struct option){ o->name,
			!o->arg		   ? no_argument
			: o->arg[0] == '[' ? optional_argument
					   : required_argument,
			NULL, LONG_BASE + (int)t->n };
		if (o->letter) {
			t->shorts[len++] = o->letter;
			if (o->arg && o->arg[0] != '[')
				t->shorts[len++] = ':';
			t->shorts[len] = '\0';
		}
		t->n++;
	}
}

static const struct rp_option *find_option(const struct table *t, int code)
{
	if (code >= LONG_BASE && (size_t)(code - LONG_BASE) < t->n)
		return t->from[code - LONG_BASE];
	for (size_t i = 0; i < t->n; i++)
		if (t->from[i]->letter && t->from[i]->letter == code)
			return t->from[i];
	return NULL;
}

static bool bad_option(
	struct rp_cli *cli, const struct table *t, char **argv, int code, int *ret_exit)
{
	const struct rp_option *o = find_option(t, optopt);

	if (code == ':' && o)
		*ret_exit =
			rp_cli_usage(cli, "option --%s needs an argument (%s)", o->name, o->arg);
	else if (optopt >= LONG_BASE && o)
		*ret_exit = rp_cli_usage(cli, "option --%s takes no argument", o->name);
	else if (optopt > 0 && optopt < LONG_BASE)
		*ret_exit = rp_cli_usage(cli, "unknown option -%c", optopt);
	else
		*ret_exit = rp_cli_usage(cli, "unknown option %s", argv[optind - 1]);
	return false;
}

static bool add_parsed(
	struct rp_cli *cli, const struct rp_option *o, const char *value, int *ret_exit)
{
	struct rp_parsed_option *p;

	p = reallocarray(cli->opts, cli->n_opts + 1, sizeof(*p));
	if (!p) {
		*ret_exit = RP_EXIT_OS;
		return false;
	}
	cli->opts = p;
	p[cli->n_opts++] = (struct rp_parsed_option){ o, value ? value : "" };
	return true;
}

/* One getopt_long pass over argv[start..]; *ret_next: the first operand. */
static bool pass(struct rp_cli *cli, const struct rp_option *verb_options, bool stop_at_operand,
	int argc, char **argv, int *ret_next, int *ret_exit)
{
	struct table t = { .shorts = "" };
	int code;

	(void)strcpy(t.shorts, stop_at_operand ? "+:" : ":");
	add_options(&t, verb_options);
	add_options(&t, rp_global_options);
	opterr = 0;
	optind = 0; /* glibc: start anew */
	while ((code = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		const struct rp_option *o =
			code == '?' || code == ':' ? NULL : find_option(&t, code);

		if (!o)
			return bad_option(cli, &t, argv, code, ret_exit);
		if (!add_parsed(cli, o, optarg, ret_exit))
			return false;
	}
	*ret_next = optind;
	return true;
}

static const struct rp_verb *find_verb(const struct rp_verb *const *verbs, const char *name)
{
	for (; *verbs; verbs++)
		if (strcmp((*verbs)->name, name) == 0)
			return *verbs;
	return NULL;
}

static bool unknown_verb(
	struct rp_cli *cli, const struct rp_verb *parent, const char *name, int *ret_exit)
{
	const struct rp_verb *near = rp_cli_nearest(parent ? parent->subs : rp_verbs, name);

	if (near)
		*ret_exit = rp_cli_usage(
			cli, "unknown verb \"%s\"; did you mean \"%s\"?", name, near->name);
	else
		*ret_exit = rp_cli_usage(cli, "unknown verb \"%s\"", name);
	return false;
}

static bool take_globals(struct rp_cli *cli, int *ret_exit)
{
	const char *json = rp_cli_opt(cli, "json"), *colour = rp_cli_opt(cli, "color");

	for (size_t i = 0; i < cli->n_opts; i++) {
		const char *name = cli->opts[i].option->name;

		if (strcmp(name, "verbose") == 0)
			cli->verbosity++;
		else if (strcmp(name, "quiet") == 0)
			cli->verbosity = -1;
	}
	cli->yes = rp_cli_flag(cli, "yes");
	cli->dry_run = rp_cli_flag(cli, "dry-run");
	if (json && strcmp(json, "lines") == 0) {
		cli->json_mode = RP_JSON_LINES;
	} else if (json && json[0] == '\0') {
		cli->json_mode = RP_JSON_OBJECT;
	} else if (json) {
		*ret_exit =
			rp_cli_usage(cli, "--json=%s: only --json and --json=lines exist", json);
		return false;
	}
	if (colour && strcmp(colour, "auto") != 0 && strcmp(colour, "always") != 0 &&
		strcmp(colour, "never") != 0) {
		*ret_exit = rp_cli_usage(cli, "--color=%s: expected auto, always or never", colour);
		return false;
	}
	rp_output_init(cli, colour ? colour : "auto");
	return true;
}

static bool check_operands(struct rp_cli *cli, const struct rp_parsed *p, int *ret_exit)
{
	const struct rp_verb *v = p->verb;

	if (p->argc < 0 || (unsigned int)p->argc < v->min_operands) {
		*ret_exit = rp_cli_usage(
			cli, "%s needs %s", v->name, v->operands ? v->operands : "an operand");
		return false;
	}
	if ((unsigned int)p->argc > v->max_operands) {
		*ret_exit =
			rp_cli_usage(cli, "unexpected operand \"%s\"", p->argv[v->max_operands]);
		return false;
	}
	return true;
}

bool rp_opts_parse(struct rp_cli *cli, int argc, char **argv, struct rp_parsed *ret, int *ret_exit)
{
	const struct rp_verb *v;
	int next;

	*ret = (struct rp_parsed){ 0 };
	if (!pass(cli, NULL, true, argc, argv, &next, ret_exit))
		return false;
	if (next < argc) {
		v = find_verb(rp_verbs, argv[next]);
		if (!v)
			return unknown_verb(cli, NULL, argv[next], ret_exit);
		cli->verb = v;
		argc -= next;
		argv += next;
		if (v->subs) {
			if (!pass(cli, v->options, true, argc, argv, &next, ret_exit))
				return false;
			if (next < argc) {
				cli->parent = v;
				v = find_verb(v->subs, argv[next]);
				if (!v) {
					cli->verb = cli->parent;
					cli->parent = NULL;
					return unknown_verb(cli, cli->verb, argv[next], ret_exit);
				}
				cli->verb = v;
				argc -= next;
				argv += next;
			} else {
				argc = 1;
			}
		}
		if (!pass(cli, v->options, (v->flags & RP_VERB_COMMAND) != 0, argc, argv, &next,
			    ret_exit))
			return false;
		ret->verb = v;
		ret->argc = argc - next;
		ret->argv = argv + next;
	}
	ret->help = rp_cli_flag(cli, "help");
	ret->version = rp_cli_flag(cli, "version");
	if (!take_globals(cli, ret_exit))
		return false;
	if (ret->help || ret->version)
		return true;
	if (!ret->verb || !ret->verb->run) {
		*ret_exit =
			rp_cli_usage(cli, ret->verb ? "%s needs a sub-verb" : "a verb is missing",
				ret->verb ? ret->verb->name : "");
		return false;
	}
	return check_operands(cli, ret, ret_exit);
}

const char *rp_cli_opt(const struct rp_cli *cli, const char *name)
{
	for (size_t i = cli->n_opts; i > 0; i--)
		if (strcmp(cli->opts[i - 1].option->name, name) == 0)
			return cli->opts[i - 1].value;
	return NULL;
}

bool rp_cli_flag(const struct rp_cli *cli, const char *name)
{
	return rp_cli_opt(cli, name) != NULL;
}

const char *rp_cli_opt_nth(const struct rp_cli *cli, const char *name, size_t nth)
{
	for (size_t i = 0; i < cli->n_opts; i++)
		if (strcmp(cli->opts[i].option->name, name) == 0 && nth-- == 0)
			return cli->opts[i].value;
	return NULL;
}

int rp_cli_opt_number(
	struct rp_cli *cli, const char *name, uint64_t min, uint64_t otherwise, uint64_t *ret)
{
	const char *s = rp_cli_opt(cli, name);
	uint64_t v = otherwise;

	if (s && (!rp_span_number(rp_span_str(s), &v) || v < min))
		return rp_cli_usage(cli, "--%s=%s: expected a number of at least %llu", name, s,
			(unsigned long long)min);
	*ret = v;
	return 0;
}
