/* SPDX-License-Identifier: MIT */
/*
 * Sets up struct rp_cli, runs one verb, ends. SIGINT, SIGTERM and SIGHUP ask the library
 * to stop (a second one kills); the process then dies by that signal, so that
 * the shell sees it. SIGPIPE is ignored: a closed stdout is noticed at the end.
 */
#include "internal.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* The one mutable global of the program: a signal handler has no other way to tell. */
static atomic_int caught_signal;

static void on_signal(int sig)
{
	if (atomic_exchange(&caught_signal, sig) != 0) {
		(void)signal(sig, SIG_DFL);
		(void)raise(sig);
	}
}

static void set_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	(void)sigaction(SIGINT, &sa, NULL); /* fail for bad numbers only */
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &sa, NULL);
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * data/ and the preload libraries: the build tree has a file "source-tree"
 * beside the program; an installed program has them relative to itself, or where
 * it was configured to be.
 */
static int find_data(struct rp_cli *cli, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf tree = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *mark = NULL;
	char exe[4096], *slash;
	ssize_t n;

	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		return RP_FAIL_ERRNO(err, -errno, "where this program is (/proc/self/exe)");
	exe[n] = '\0';
	cli->self = strdup(exe);
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	mark = rp_asprintf("%s/source-tree", exe);
	if (!mark || !cli->self)
		return RP_NOMEM(err);
	if (rp_file_read(AT_FDCWD, mark, 4096, &tree, NULL) == 0) {
		struct rp_span line = rp_span_trim(rp_buf_span(&tree));

		while (line.n > 0 && line.p[line.n - 1] == '\n')
			line.n--;
		cli->data_dir = rp_asprintf("%.*s/data", (int)line.n, (const char *)line.p);
		cli->preload_dir = rp_asprintf("%s/preload", exe);
		cli->libexec_dir = strdup(exe);
	} else {
		cli->data_dir = rp_asprintf("%s/../share/rocm-patch", exe);
		if (cli->data_dir && !is_dir(cli->data_dir)) {
			free(cli->data_dir);
			cli->data_dir = strdup(RP_DATADIR);
		}
		cli->preload_dir = strdup(RP_LIBDIR);
		cli->libexec_dir = rp_asprintf("%s/../libexec/rocm-patch", exe);
		if (cli->libexec_dir && !is_dir(cli->libexec_dir)) {
			free(cli->libexec_dir);
			cli->libexec_dir = strdup(RP_LIBEXECDIR);
		}
	}
	return cli->data_dir && cli->preload_dir && cli->libexec_dir ? 0 : RP_NOMEM(err);
}

static int xdg_dir(struct rp_cli *cli, const char *var, const char *below_home, char **ret,
	struct rp_error *err)
{
	const char *base = rp_strv_getenv(&cli->env, var),
		   *home = rp_strv_getenv(&cli->env, "HOME");
	char *s;

	/* the XDG specification: relative values are to be ignored */
	if (base && base[0] == '/')
		s = rp_asprintf("%s/rocm-patch", base);
	else if (home && home[0] == '/')
		s = rp_asprintf("%s/%s/rocm-patch", home, below_home);
	else
		return RP_FAIL(err, -EUCLEAN, "neither %s nor HOME is an absolute path", var);
	if (!s)
		return RP_NOMEM(err);
	*ret = s;
	return 0;
}

/* Root's cache is no place in its home: builds run as another user, who must reach it. */
int rp_cli_cache_dir(struct rp_cli *cli, char **ret, struct rp_error *err)
{
	const char *base = rp_strv_getenv(&cli->env, "XDG_CACHE_HOME");

	if (geteuid() == 0 && !(base && base[0] == '/')) {
		*ret = strdup("/var/cache/rocm-patch");
		return *ret ? 0 : RP_NOMEM(err);
	}
	return xdg_dir(cli, "XDG_CACHE_HOME", ".cache", ret, err);
}

int rp_cli_state_dir(struct rp_cli *cli, char **ret, struct rp_error *err)
{
	return xdg_dir(cli, "XDG_STATE_HOME", ".local/state", ret, err);
}

static int set_up(struct rp_cli *cli, struct rp_error *err)
{
	const char *root = rp_cli_opt(cli, "root"), *prefix = rp_cli_opt(cli, "prefix");
	int r;

	r = find_data(cli, err);
	if (r < 0)
		return r;
	if (prefix && prefix[0] == '\0')
		return RP_FAIL(err, -EINVAL, "--prefix needs a directory");
	cli->prefix = prefix ? prefix : "/opt/rocm-patched";
	return rp_root_open(root ? root : "/", &cli->root, err);
}

static void tear_down(struct rp_cli *cli)
{
	rp_root_close(&cli->root);
	rp_strv_free(&cli->env);
	rp_buf_free(&cli->json_buf);
	free(cli->data_dir);
	free(cli->preload_dir);
	free(cli->libexec_dir);
	free(cli->self);
	free(cli->opts);
}

static int run_verb(struct rp_cli *cli, const struct rp_parsed *p)
{
	struct rp_error err = RP_ERROR_INIT;
	int r;

	if (p->version) {
		rp_cli_version(stdout);
		return RP_EXIT_OK;
	}
	if (p->help) {
		rp_cli_help(stdout, p->verb, cli->parent);
		return RP_EXIT_OK;
	}
	r = set_up(cli, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	return p->verb->run(cli, p->argc, p->argv);
}

int rp_cli_main(int argc, char **argv, char **envp)
{
	struct rp_cli cli = { .root = RP_ROOT_INIT };
	struct rp_parsed parsed;
	int code = RP_EXIT_OS, sig;

	(void)setlocale(LC_CTYPE, ""); /* messages stay English; only the character set matters */
	set_signals();
	cli.ctx = (struct rp_ctx){ rp_output_event, &cli, &caught_signal };
	if (rp_strv_add_all(&cli.env, (const char *const *)envp, NULL) == 0 &&
		rp_opts_parse(&cli, argc, argv, &parsed, &code))
		code = run_verb(&cli, &parsed);
	code = rp_output_finish(&cli, code);
	tear_down(&cli);
	sig = atomic_load(&caught_signal);
	if (sig != 0) {
		(void)signal(sig, SIG_DFL);
		(void)raise(sig);
	}
	return code;
}
