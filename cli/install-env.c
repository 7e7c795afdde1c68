/* SPDX-License-Identifier: MIT */
/*
 * Verb install-env: profile.d and environment.d files that point through
 * PREFIX/current, so that a switch needs no new file. Only files that carry our
 * first line are ever replaced or removed.
 */
#include "cli.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#define MARK                                                                                 \
	"# rocm-patch install-env: made by rocm-patch, removed by \"rocm-patch install-env " \
	"--remove\"\n"
#define MAX_BYTES 65536

struct target {
	char *dir;
	const char *name;
	struct rp_buf text;
};

static void target_free(struct target *t)
{
	free(t->dir);
	rp_buf_free(&t->text);
}

/* Quoting in these files is limited: a store with unusual characters is refused. */
static bool plain_path(const char *s)
{
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			    (*s >= '0' && *s <= '9') || strchr("/._-+@", *s)))
			return false;
	return true;
}

static void profile_text(struct rp_buf *b, const char *prefix)
{
	rp_buf_addf(b, MARK "if [ -d %s/current/lib ]; then\n", prefix);
	rp_buf_addf(b, "\tLD_LIBRARY_PATH=%s/current/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\n",
		prefix);
	rp_buf_adds(b, "\texport LD_LIBRARY_PATH\nfi\n");
}

static void environment_text(struct rp_buf *b, const char *prefix)
{
	rp_buf_addf(b, MARK "LD_LIBRARY_PATH=%s/current/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\n",
		prefix);
}

/* 1: ours, 0: absent, -EEXIST: somebody else's. */
static int whose(int dir_fd, const struct target *t, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf old = RP_BUF_INIT;
	int r;

	r = rp_file_read(dir_fd, t->name, MAX_BYTES, &old, err);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return rp_error_prefix(err, r, "%s", t->dir);
	if (!rp_span_starts(rp_buf_span(&old), MARK))
		return RP_FAIL(err, -EEXIST, "%s/%s is not ours: left as it is", t->dir, t->name);
	return 1;
}

static int do_target(struct rp_cli *cli, struct target *t, bool remove_it, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	struct rp_json *j = rp_cli_json(cli);
	bool act = true;
	int r;

	if (!remove_it && !cli->dry_run) {
		r = rp_mkdirs(AT_FDCWD, t->dir, 0755, err);
		if (r < 0)
			return r;
	}
	fd = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return RP_FAIL_ERRNO(err, -errno, "%s", t->dir);
	r = fd < 0 ? 0 : whose(fd, t, err);
	if (r < 0)
		return r;
	if (fd >= 0 && !cli->dry_run) {
		int swept = rp_tmpfile_sweep(fd, err);

		if (swept < 0)
			return rp_error_prefix(err, swept, "%s", t->dir);
	}
	if (remove_it) {
		act = r == 1;
		if (act && !cli->dry_run && unlinkat(fd, t->name, 0) < 0)
			return RP_FAIL_ERRNO(err, -errno, "%s/%s", t->dir, t->name);
	} else if (!cli->dry_run) {
		r = rp_publish_file(fd, t->name, 0644, rp_buf_span(&t->text), err);
		if (r < 0)
			return r;
	}
	rp_cli_out(cli, "%s/%s: %s%s\n", t->dir, t->name, cli->dry_run && act ? "would be " : "",
		!act	    ? "not there"
		: remove_it ? "removed"
			    : "written");
	if (j && act)
		rp_json_str(j, t->name);
	return 0;
}

static int make_targets(
	struct rp_cli *cli, const char *prefix, struct target t[2], struct rp_error *err)
{
	const char *dest = rp_cli_opt(cli, "destdir"), *home = rp_strv_getenv(&cli->env, "HOME");
	const char *config = rp_strv_getenv(&cli->env, "XDG_CONFIG_HOME");

	if (!dest)
		dest = "";
	t[0].name = "60-rocm-patch.conf";
	environment_text(&t[0].text, prefix);
	if (rp_cli_flag(cli, "user")) {
		if (config && config[0] == '/')
			t[0].dir = rp_asprintf("%s%s/environment.d", dest, config);
		else if (home && home[0] == '/')
			t[0].dir = rp_asprintf("%s%s/.config/environment.d", dest, home);
		else
			return RP_FAIL(err, -EUCLEAN, "HOME is not an absolute path");
		return t[0].dir ? 1 : RP_NOMEM(err);
	}
	t[0].dir = rp_asprintf("%s/etc/environment.d", dest);
	t[1].dir = rp_asprintf("%s/etc/profile.d", dest);
	t[1].name = "rocm-patch.sh";
	profile_text(&t[1].text, prefix);
	return t[0].dir && t[1].dir ? 2 : RP_NOMEM(err);
}

static int install_env_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(rp_store_close) struct rp_store st = RP_STORE_INIT;
	struct target t[2] = { { NULL, NULL, RP_BUF_INIT }, { NULL, NULL, RP_BUF_INIT } };
	struct rp_json *j = rp_cli_json(cli);
	struct rp_error err = RP_ERROR_INIT;
	int n = 0, r;

	(void)argc;
	(void)argv;
	r = rp_store_open(&cli->ctx, cli->prefix, RP_STORE_READ, &st, &err);
	if (r == 0 && !plain_path(st.prefix))
		r = RP_FAIL(&err, -EINVAL,
			"%s: a path with such characters cannot stand in profile.d", st.prefix);
	if (r == 0) {
		n = make_targets(cli, st.prefix, t, &err);
		r = n < 0 ? n : 0;
	}
	if (r == 0 && j)
		rp_json_kbegin(j, "files", '[');
	for (int i = 0; r == 0 && i < n; i++)
		r = do_target(cli, &t[i], rp_cli_flag(cli, "remove"), &err);
	if (r == 0 && j)
		rp_json_end(j, ']');
	target_free(&t[0]);
	target_free(&t[1]);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (!rp_cli_flag(cli, "remove") && !cli->dry_run)
		rp_cli_note(cli, "takes effect at the next login; \"rocm-patch install-env "
				 "--remove\" takes it back");
	return RP_EXIT_OK;
}

static const struct rp_option options[] = {
	{ "remove", 0, NULL, "remove the files that this verb wrote", NULL },
	{ "user", 0, NULL, "only for this user (environment.d; needs no root)", NULL },
	{ "destdir", 0, "DIR", "write below DIR instead of /", "@dir" },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct rp_verb rp_verb_install_env = {
	.name = "install-env",
	.summary = "make the active runtime the default of logins, or take that back",
	.description = "Writes /etc/profile.d/rocm-patch.sh and "
		       "/etc/environment.d/60-rocm-patch.conf (needs root), "
		       "or with --user the environment.d file of this user. They point through "
		       "PREFIX/current, so "
		       "activate and rollback need no new file.",
	.options = options,
	.flags = RP_VERB_WRITES,
	.exit_codes = RP_EXITS(0, 2, 65, 73, 74, 77),
	.run = install_env_run,
};
