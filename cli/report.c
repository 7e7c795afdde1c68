/* SPDX-License-Identifier: MIT */
/* Verb report: one archive for a bug thread, redacted, shown before it is written, the same bytes for the same facts. */
#include "doctor.h"
#include "redact.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum part { DOCTOR_TXT, DOCTOR_JSON, FACTS_TXT, KERNEL_LOG, PART_MAX };

static const char *const part_names[PART_MAX] = { "doctor.txt", "doctor.json", "facts.txt",
	"kernel.log" };

struct report {
	struct rp_buf parts[PART_MAX];
	struct redact redact;
	struct doctor d;
};

static void free_report(struct report *r)
{
	for (unsigned int i = 0; i < PART_MAX; i++)
		rp_buf_free(&r->parts[i]);
	redact_free(&r->redact);
	doctor_free(&r->d);
}

/* Of all that a probe reads, the report takes the kernel's lines; the rest it has as facts. */
static int on_file(void *data, const char *path, struct rp_span bytes, struct rp_error *err)
{
	struct report *r = data;

	(void)err;
	if (strcmp(path, RP_PROBE_KERNEL_LOG) == 0)
		rp_buf_add(&r->parts[KERNEL_LOG], bytes.p ? (const void *)bytes.p : "", bytes.n);
	return 0;
}

static int on_folder(void *data, const char *path, struct rp_error *err)
{
	(void)data;
	(void)path;
	(void)err;
	return 0;
}

static int on_link(void *data, const char *path, const char *target, struct rp_error *err)
{
	(void)target;
	return on_folder(data, path, err);
}

static int collect(struct rp_cli *cli, struct report *r, struct rp_error *err)
{
	struct rp_probe_recorder recorder = { on_file, on_folder, on_link, r };
	struct rp_json j;
	int code = redact_init(cli, &r->redact, err);

	if (code == 0)
		code = doctor_examine(cli, -1, &recorder, &r->d, err);
	if (code < 0 && code != -ENODEV)
		return code;
	if (code == 0)
		doctor_render(&r->d, false, false, &r->parts[DOCTOR_TXT]);
	else
		rp_buf_addf(&r->parts[DOCTOR_TXT], "%s\n", err->text);
	doctor_render_facts(&r->d.facts, false, &r->parts[FACTS_TXT]);
	rp_json_init(&j, &r->parts[DOCTOR_JSON], true);
	rp_json_begin(&j, '{');
	rp_json_kint(&j, "schema", 1);
	rp_json_kstr(&j, "verb", "doctor");
	doctor_json(&r->d, &j);
	rp_json_end(&j, '}');
	rp_buf_addc(&r->parts[DOCTOR_JSON], '\n');
	code = 0;
	for (unsigned int i = 0; i < PART_MAX && code == 0; i++) {
		redact(&r->redact, &r->parts[i]);
		code = rp_buf_check(&r->parts[i], err);
	}
	return code;
}

static la_ssize_t on_write(struct archive *a, void *data, const void *bytes, size_t n)
{
	(void)a;
	rp_buf_add(data, bytes, n);
	return (la_ssize_t)n;
}

static void free_archive(struct archive **a)
{
	(void)archive_write_free(*a); /* errors were asked for by then */
}

static void free_entry(struct archive_entry **e)
{
	archive_entry_free(*e);
}

/* ustar, no times, no owners: the bytes depend on the parts only. */
static int pack(const struct report *r, struct rp_buf *ret, struct rp_error *err)
{
	RP_CLEANUP(free_archive) struct archive *a = archive_write_new();
	int ok = a ? archive_write_set_format_ustar(a) : ARCHIVE_FATAL;

	if (ok == ARCHIVE_OK)
		ok = archive_write_set_bytes_per_block(a, 512);
	if (ok == ARCHIVE_OK)
		ok = archive_write_open(a, ret, NULL, on_write, NULL);
	for (unsigned int i = 0; i < PART_MAX && ok == ARCHIVE_OK; i++) {
		RP_CLEANUP(free_entry) struct archive_entry *e = archive_entry_new();
		RP_CLEANUP(rp_free_p)
		char *path = rp_asprintf("rocm-patch-report/%s", part_names[i]);

		if (!e || !path)
			return RP_NOMEM(err);
		archive_entry_set_pathname(e, path);
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_perm(e, 0644);
		archive_entry_set_size(e, (la_int64_t)r->parts[i].n);
		archive_entry_set_mtime(e, 0, 0);
		ok = archive_write_header(a, e);
		if (ok == ARCHIVE_OK && r->parts[i].n &&
			archive_write_data(a, r->parts[i].p, r->parts[i].n) !=
				(la_ssize_t)r->parts[i].n)
			ok = ARCHIVE_FATAL;
	}
	if (ok == ARCHIVE_OK)
		ok = archive_write_close(a);
	if (ok != ARCHIVE_OK)
		return RP_FAIL(err, -EIO, "archive: %s",
			a && archive_error_string(a) ? archive_error_string(a) : "cannot be made");
	return rp_buf_check(ret, err);
}

static int write_file(const char *path, struct rp_span bytes, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *dir = strdup(path);
	RP_CLEANUP(rp_close_fd) int fd = -1;
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return RP_NOMEM(err);
	if (access(path, F_OK) == 0)
		return RP_FAIL(err, -EEXIST, "%s exists", path);
	if (slash)
		slash[slash == dir] = '\0'; /* "/x" keeps its slash */
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", slash ? dir : ".");
	return rp_publish_file(fd, rp_path_base(path), 0644, bytes, err);
}

static int report_run(struct rp_cli *cli, int argc, char **argv)
{
	RP_CLEANUP(free_report) struct report r = { .d = DOCTOR_INIT };
	RP_CLEANUP(rp_buf_free) struct rp_buf bytes = RP_BUF_INIT;
	struct rp_error err = RP_ERROR_INIT;
	struct rp_json *j = rp_cli_json(cli);
	int code = collect(cli, &r, &err);

	(void)argc;
	if (code == 0)
		code = pack(&r, &bytes, &err);
	if (code < 0)
		return rp_cli_fail(cli, code, &err);
	for (unsigned int i = 0; i < PART_MAX; i++) {
		if (i == DOCTOR_JSON) /* the same again for programs */
			continue;
		rp_cli_out(cli, "==== %s\n", part_names[i]);
		rp_cli_out_raw(cli, rp_buf_span(&r.parts[i]));
	}
	if (j) {
		rp_json_kbegin(j, "parts", '[');
		for (unsigned int i = 0; i < PART_MAX; i++) {
			rp_json_begin(j, '{');
			rp_json_kstr(j, "name", part_names[i]);
			rp_json_kuint(j, "bytes", r.parts[i].n);
			rp_json_end(j, '}');
		}
		rp_json_end(j, ']');
		rp_json_kuint(j, "bytes", bytes.n);
		rp_json_kstr(j, "path", cli->dry_run ? NULL : argv[0]);
	}
	if (cli->dry_run)
		return RP_EXIT_OK;
	if (!rp_cli_confirm(cli, "This is all. Write it?"))
		return rp_cli_usage(cli, "not confirmed: nothing was written");
	code = write_file(argv[0], rp_buf_span(&bytes), &err);
	if (code < 0)
		return rp_cli_fail(cli, code, &err);
	rp_cli_note(cli, "written: %s", argv[0]);
	return RP_EXIT_OK;
}

const struct rp_verb rp_verb_report = {
	.name = "report",
	.summary = "write one redacted archive about this machine for a bug thread",
	.operands = "FILE.tar",
	.description = "The archive holds what doctor says, as text and JSON, every fact with its "
		       "source, and the "
		       "kernel's lines about the card. All of it is shown first; home, user and "
		       "host names are "
		       "replaced. The same facts give the same bytes.",
	.flags = RP_VERB_READS_SYSTEM | RP_VERB_WRITES,
	.min_operands = 1,
	.max_operands = 1,
	.exit_codes = RP_EXITS(0, 2, 65, 73, 74, 77),
	.run = report_run,
};
