/* SPDX-License-Identifier: MIT */
/*
 * Verb capture: copies what doctor reads into a folder that "--root DIR doctor" replays. Links are
 * kept as links; nothing is ever written through one out of the folder.
 */
#include "doctor.h"
#include "redact.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS 40

struct capture {
	struct rp_root root; /* the new folder */
	struct redact redact;
	size_t n_files;
	uint64_t n_bytes;
};

static void free_capture(struct capture *c)
{
	rp_root_close(&c->root);
	redact_free(&c->redact);
}

static int make_folder(
	struct capture *c, const char *path, int links, int *ret_fd, struct rp_error *err);

/* A link whose target is not there yet: name in the folder fd, which is at `folder`. */
static int make_target(struct capture *c, int fd, const char *folder, const char *name, int links,
	struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *path = NULL;
	RP_CLEANUP(rp_close_fd) int made = -1;
	char target[PATH_MAX];
	int r = rp_read_link(fd, name, name, target, err);

	if (r < 0)
		return r;
	path = target[0] == '/' ? strdup(target) : rp_asprintf("%s/%s", folder, target);
	return path ? make_folder(c, path, links + 1, &made, err) : RP_NOMEM(err);
}

/* Opens the folder path below the root, making what is missing, also behind links. 0 or -errno. */
static int make_folder(
	struct capture *c, const char *path, int links, int *ret_fd, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *walk = strdup(path);
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r = walk ? rp_root_openat(&c->root, "/", O_RDONLY | O_DIRECTORY, &fd, err)
		     : RP_NOMEM(err);
	char *at = walk;

	if (r == 0 && links > MAX_LINKS)
		return RP_FAIL(err, -ELOOP, "%s: too many links", path);
	while (r == 0 && *(at += strspn(at, "/"))) {
		RP_CLEANUP(rp_free_p) char *name = strndup(at, strcspn(at, "/"));
		RP_CLEANUP(rp_free_p) char *folder = strndup(walk, (size_t)(at - walk));
		RP_CLEANUP(rp_free_p) char *whole = NULL;
		int next = -1;

		at += strcspn(at, "/");
		whole = strndup(walk, (size_t)(at - walk));
		if (!name || !folder || !whole)
			return RP_NOMEM(err);
		if (strcmp(name, "..") != 0 && mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
			return RP_FAIL_ERRNO(err, -errno, "%s", whole);
		r = rp_root_openat(&c->root, whole, O_RDONLY | O_DIRECTORY, &next, err);
		if (r == -ENOENT) {
			r = make_target(c, fd, folder, name, links, err);
			if (r == 0)
				r = rp_root_openat(
					&c->root, whole, O_RDONLY | O_DIRECTORY, &next, err);
		}
		if (r < 0)
			return r;
		close(fd);
		fd = next;
	}
	if (r == 0)
		*ret_fd = rp_steal_fd(&fd);
	return r;
}

/* The folder and name at which path ends, links of the new tree followed. ret_name is owned. */
static int place(
	struct capture *c, const char *path, int *ret_fd, char **ret_name, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *here = strdup(path);

	for (int i = 0; here && i < MAX_LINKS; i++) {
		RP_CLEANUP(rp_close_fd) int fd = -1;
		char *slash = strrchr(here, '/'), target[PATH_MAX], *next;
		int r;

		if (!slash)
			return RP_FAIL(err, -EINVAL, "%s: not absolute", path);
		*slash = '\0';
		r = make_folder(c, here, 0, &fd, err);
		if (r < 0)
			return r;
		if (rp_read_link(fd, slash + 1, here, target, NULL) < 0) {
			*ret_name = strdup(slash + 1);
			if (!*ret_name)
				return RP_NOMEM(err);
			*ret_fd = rp_steal_fd(&fd);
			return 0;
		}
		next = target[0] == '/' ? strdup(target) : rp_asprintf("%s/%s", here, target);
		free(here);
		here = next;
	}
	return here ? RP_FAIL(err, -ELOOP, "%s: too many links", path) : RP_NOMEM(err);
}

static int redacted(
	const struct capture *c, const char *path, struct rp_buf *ret, struct rp_error *err)
{
	rp_buf_adds(ret, path);
	redact(&c->redact, ret);
	return rp_buf_check(ret, err);
}

static int on_file(void *data, const char *path, struct rp_span bytes, struct rp_error *err)
{
	struct capture *c = data;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	RP_CLEANUP(rp_free_p) char *name = NULL;
	RP_CLEANUP(rp_buf_free) struct rp_buf where = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct stat st;
	int r = redacted(c, path, &where, err);

	if (r == 0)
		r = place(c, rp_buf_cstr(&where), &fd, &name, err);
	if (r ==
		-ELOOP) /* a loop of the machine: its links are there, a file behind them cannot be */
		return 0;
	if (r < 0)
		return r;
	/* The same file may be asked for more than once, the last time only whether it is there. */
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (uint64_t)st.st_size >= bytes.n)
		return 0;
	rp_buf_add(&text, bytes.p ? (const void *)bytes.p : "", bytes.n);
	if (bytes.n && !memchr(bytes.p, '\0', bytes.n))
		redact(&c->redact, &text);
	r = rp_buf_check(&text, err);
	if (r == 0)
		r = rp_publish_file(fd, name, 0644, rp_buf_span(&text), err);
	c->n_files++;
	c->n_bytes += text.n;
	return r;
}

static int on_folder(void *data, const char *path, struct rp_error *err)
{
	struct capture *c = data;
	RP_CLEANUP(rp_buf_free) struct rp_buf where = RP_BUF_INIT;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r = redacted(c, path, &where, err);

	if (r == 0)
		r = make_folder(c, rp_buf_cstr(&where), 0, &fd, err);
	return r == -ELOOP ? 0 : r; /* a loop of the machine: the links themselves are there */
}

static int on_link(void *data, const char *path, const char *target, struct rp_error *err)
{
	struct capture *c = data;
	RP_CLEANUP(rp_buf_free) struct rp_buf where = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *folder = NULL;
	RP_CLEANUP(rp_close_fd) int fd = -1;
	char *slash;
	int r = redacted(c, path, &where, err);

	if (r == 0)
		r = redacted(c, target, &text, err);
	folder = r == 0 ? strdup(rp_buf_cstr(&where)) : NULL;
	slash = folder ? strrchr(folder, '/') : NULL;
	if (r < 0 || !slash)
		return r < 0 ? r : RP_NOMEM(err);
	*slash = '\0';
	r = make_folder(c, folder, 0, &fd, err);
	if (r == 0 && symlinkat(rp_buf_cstr(&text), fd, slash + 1) < 0 && errno != EEXIST)
		r = RP_FAIL_ERRNO(err, -errno, "link %s", path);
	return r;
}

/* A new folder, or one that is empty. */
static int open_empty(const char *dir, struct rp_root *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_root_close) struct rp_root root = RP_ROOT_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	int r = rp_mkdirs(AT_FDCWD, dir, 0755, err);

	if (r == 0)
		r = rp_root_open(dir, &root, err);
	if (r == 0)
		r = rp_root_list(&root, "/", &names, err);
	if (r < 0)
		return r;
	if (names.n)
		return RP_FAIL(err, -ENOTEMPTY, "%s: not empty", dir);
	*ret = root;
	root = (struct rp_root)RP_ROOT_INIT;
	return 0;
}

static int capture_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(free_capture) struct capture c = { .root = RP_ROOT_INIT };
	RP_CLEANUP(rp_facts_free) struct rp_facts facts = RP_FACTS_INIT;
	struct rp_probe_recorder recorder = { on_file, on_folder, on_link, &c };
	struct rp_error err = RP_ERROR_INIT;
	struct rp_json *j = rp_cli_json(cli);
	char size[RP_HUMAN];
	int r = redact_init(cli, &c.redact, &err);

	(void)argc;
	if (r == 0 && cli->dry_run) {
		rp_cli_out(
			cli, "Would copy what doctor reads to %s; nothing is written.\n", argv[0]);
		return RP_EXIT_OK;
	}
	if (r == 0)
		r = open_empty(argv[0], &c.root, &err);
	if (r == 0)
		r = doctor_facts(cli, &recorder, &facts, &err);
	if (r < 0)
		return rp_cli_fail(cli, r, &err);
	if (j) {
		rp_json_kstr(j, "path", argv[0]);
		rp_json_kuint(j, "files", c.n_files);
		rp_json_kuint(j, "bytes", c.n_bytes);
	}
	rp_cli_out(cli, "%zu files, %s, in %s. Look through them before you send them.\n",
		c.n_files, rp_cli_size(c.n_bytes, size), argv[0]);
	return RP_EXIT_OK;
}

const struct rp_verb rp_verb_capture = {
	.name = "capture",
	.summary = "copy what doctor reads, so that others can replay this machine",
	.operands = "DIR",
	.description = "DIR must be new or empty. \"rocm-patch --root=DIR doctor\" then says what "
		       "doctor says "
		       "here. Home, user and host names are replaced; of shell files only the "
		       "lines that set a "
		       "variable of ROCm are kept, of libraries only their first bytes.",
	.flags = RP_VERB_READS_SYSTEM | RP_VERB_WRITES,
	.min_operands = 1,
	.max_operands = 1,
	.exit_codes = RP_EXITS(0, 2, 65, 73, 74, 77),
	.run = capture_run,
};
