/* SPDX-License-Identifier: MIT */
/*
 * stdout = result, stderr = talk. The library's events become text lines, one
 * tty progress line, or JSON lines here and nowhere else.
 */
#include "internal.h"

#include <langinfo.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_EVERY_MS 100

void rp_output_init(struct rp_cli *cli, const char *colour_mode)
{
	const char *term = rp_strv_getenv(&cli->env, "TERM");
	const char *no_colour = rp_strv_getenv(&cli->env, "NO_COLOR");

	cli->tty = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	cli->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (strcmp(colour_mode, "always") == 0)
		cli->colour = true;
	else
		cli->colour = strcmp(colour_mode, "auto") == 0 && cli->tty &&
			      (!no_colour || !no_colour[0]);
}

void rp_output_clear_progress(struct rp_cli *cli)
{
	if (cli->progress_shown)
		fputs("\r\033[K", stderr);
	cli->progress_shown = false;
}

static const char *paint(const struct rp_cli *cli, const char *sgr)
{
	return cli->colour ? sgr : "";
}

void rp_cli_out(struct rp_cli *cli, const char *fmt, ...)
{
	va_list ap;

	if (cli->json_mode != RP_JSON_OFF)
		return;
	rp_output_clear_progress(cli);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap); /* errors are sticky: rp_output_finish asks ferror */
	va_end(ap);
}

void rp_cli_out_raw(struct rp_cli *cli, struct rp_span data)
{
	if (cli->json_mode != RP_JSON_OFF)
		return;
	rp_output_clear_progress(cli);
	/* stdio forgets why: a large write that failed leaves nothing that a later flush could fail on */
	if (fwrite(data.p, 1, data.n, stdout) < data.n && cli->out_errno == 0)
		cli->out_errno = errno;
}

bool rp_cli_out_failed(const struct rp_cli *cli)
{
	(void)cli;
	return ferror(stdout) != 0;
}

bool rp_cli_out_colour(const struct rp_cli *cli)
{
	const char *mode = rp_cli_opt(cli, "color"), *term = rp_strv_getenv(&cli->env, "TERM");
	const char *no_colour = rp_strv_getenv(&cli->env, "NO_COLOR");

	if (cli->json_mode != RP_JSON_OFF)
		return false;
	if (mode && strcmp(mode, "auto") != 0)
		return strcmp(mode, "always") == 0;
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 &&
	       (!no_colour || !no_colour[0]);
}

struct rp_json *rp_cli_json(struct rp_cli *cli)
{
	if (cli->json_mode == RP_JSON_OFF)
		return NULL;
	if (!cli->json_open) {
		RP_CLEANUP(rp_buf_free) struct rp_buf name = RP_BUF_INIT;

		rp_json_init(&cli->json, &cli->json_buf, cli->json_mode == RP_JSON_OBJECT);
		rp_json_begin(&cli->json, '{');
		if (cli->json_mode == RP_JSON_LINES)
			rp_json_kstr(&cli->json, "event", "result");
		rp_json_kint(&cli->json, "schema", 1);
		if (cli->parent)
			rp_buf_addf(&name, "%s ", cli->parent->name);
		rp_buf_adds(&name, cli->verb ? cli->verb->name : "");
		rp_json_kstr(&cli->json, "verb", rp_buf_cstr(&name));
		cli->json_open = true;
	}
	return &cli->json;
}

void rp_cli_note(struct rp_cli *cli, const char *fmt, ...)
{
	va_list ap;

	if (cli->verbosity < 0)
		return;
	(void)fflush(stdout); /* what was said before stands before; errors are sticky, see below */
	rp_output_clear_progress(cli);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void rp_cli_warn(struct rp_cli *cli, const char *fmt, ...)
{
	va_list ap;

	rp_output_clear_progress(cli);
	fprintf(stderr, "%swarning:%s ", paint(cli, "\033[33m"), paint(cli, "\033[0m"));
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* text may quote argv or file names: control characters must not reach the terminal. */
static void error_line(struct rp_cli *cli, const char *raw)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "%s", raw);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	rp_output_clear_progress(cli);
	fprintf(stderr, "rocm-patch: %serror:%s %s\n", paint(cli, "\033[31m"),
		paint(cli, "\033[0m"), text);
}

int rp_cli_exit_code(int r)
{
	static const struct {
		int r, exit_code;
	} map[] = {
		{ 0, RP_EXIT_OK },
		{ -EINVAL, RP_EXIT_USAGE },
		{ -ENOTUNIQ, RP_EXIT_USAGE },
		{ -EBADMSG, RP_EXIT_DATA },
		{ -EFBIG, RP_EXIT_DATA },
		{ -ESTALE, RP_EXIT_DATA },
		{ -ELOOP, RP_EXIT_DATA },
		{ -ENOTDIR, RP_EXIT_DATA },
		{ -EISDIR, RP_EXIT_DATA },
		{ -ENOENT, RP_EXIT_NOINPUT },
		{ -ENODEV, RP_EXIT_UNAVAILABLE },
		{ -EOPNOTSUPP, RP_EXIT_UNAVAILABLE },
		{ -ENOPKG, RP_EXIT_UNAVAILABLE },
		{ -EPROTO, RP_EXIT_SOFTWARE },
		{ -ENOMEM, RP_EXIT_OS },
		{ -EEXIST, RP_EXIT_CANTCREATE },
		{ -EROFS, RP_EXIT_CANTCREATE },
		{ -EBUSY, RP_EXIT_CANTCREATE },
		{ -ENOTEMPTY, RP_EXIT_CANTCREATE },
		{ -EIO, RP_EXIT_IO },
		{ -ENOSPC, RP_EXIT_IO },
		{ -EDQUOT, RP_EXIT_IO },
		{ -EPIPE, RP_EXIT_IO },
		{ -EWOULDBLOCK, RP_EXIT_TEMPFAIL },
		{ -ENETUNREACH, RP_EXIT_TEMPFAIL },
		{ -ENETDOWN, RP_EXIT_TEMPFAIL },
		{ -ECONNRESET, RP_EXIT_TEMPFAIL },
		{ -EHOSTUNREACH, RP_EXIT_TEMPFAIL },
		{ -EACCES, RP_EXIT_NOPERM },
		{ -EPERM, RP_EXIT_NOPERM },
		{ -EUCLEAN, RP_EXIT_CONFIG },
		{ -ETIMEDOUT, RP_EXIT_DEADLINE },
	};

	for (size_t i = 0; i < RP_ARRAY_SIZE(map); i++)
		if (map[i].r == r)
			return map[i].exit_code;
	return RP_EXIT_OS;
}

int rp_cli_fail(struct rp_cli *cli, int r, const struct rp_error *err)
{
	const char *text = err && err->text[0] ? err->text : strerror(-r);
	struct rp_json *j = rp_cli_json(cli);
	int code = rp_cli_exit_code(r);

	error_line(cli, text);
	if (cli->verbosity >= 2 && err && err->where)
		fprintf(stderr, "  found by %s, errno %d (%s)\n", err->where, -r, strerror(-r));
	if (j) {
		/* The verb may have failed inside a list: close what it opened. */
		while (j->depth > 1)
			rp_json_end(j, j->is_object[j->depth - 1] ? '}' : ']');
		rp_json_kbegin(j, "error", '{');
		rp_json_kstr(j, "text", text);
		rp_json_kstr(j, "errno", strerrorname_np(-r));
		rp_json_kint(j, "exit", code);
		rp_json_end(j, '}');
	}
	return code;
}

int rp_cli_usage(struct rp_cli *cli, const char *fmt, ...)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	rp_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	error_line(cli, rp_buf_cstr(&text));
	fprintf(stderr, "Try \"rocm-patch%s%s%s%s --help\".\n", cli->parent ? " " : "",
		cli->parent ? cli->parent->name : "", cli->verb ? " " : "",
		cli->verb ? cli->verb->name : "");
	return RP_EXIT_USAGE;
}

bool rp_cli_confirm(struct rp_cli *cli, const char *question)
{
	char answer[16];

	if (cli->yes)
		return true;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		rp_cli_note(cli, "%s Nobody to ask here: say --yes.", question);
		return false;
	}
	rp_output_clear_progress(cli);
	fprintf(stderr, "%s [y/N] ", question);
	fflush(stderr);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

const char *rp_cli_size(uint64_t bytes, char buf[RP_HUMAN])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double v = (double)bytes;
	size_t u = 0;

	while (v >= 999.5 && u + 1 < RP_ARRAY_SIZE(units)) {
		v /= 1000;
		u++;
	}
	(void)snprintf(buf, RP_HUMAN, u > 0 && v < 99.95 ? "%.1f %s" : "%.0f %s", v, units[u]);
	return buf;
}

const char *rp_cli_time(int64_t ms, char buf[RP_HUMAN])
{
	if (ms < 10000)
		(void)snprintf(buf, RP_HUMAN, "%.2f s", (double)ms / 1000);
	else if (ms < 90000)
		(void)snprintf(buf, RP_HUMAN, "%.0f s", (double)ms / 1000);
	else
		(void)snprintf(buf, RP_HUMAN, "%lld min %02lld s", (long long)(ms / 60000),
			(long long)(ms / 1000 % 60));
	return buf;
}

static void event_json(struct rp_cli *cli, const struct rp_event *ev)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	struct rp_json j;

	rp_json_init(&j, &b, false);
	rp_json_begin(&j, '{');
	rp_json_kstr(&j, "event", rp_event_kind_name(ev->kind));
	for (const struct rp_field *f = ev->fields; f && f->type != RP_FIELD_END; f++) {
		if (f->type == RP_FIELD_STR)
			rp_json_kstr(&j, f->key, f->v.s);
		else if (f->type == RP_FIELD_INT)
			rp_json_kint(&j, f->key, f->v.i);
		else
			rp_json_kbool(&j, f->key, f->v.b);
	}
	rp_json_end(&j, '}');
	rp_buf_addc(&b, '\n');
	errno = 0;
	if ((fwrite(b.p, 1, b.n, stdout) < b.n || fflush(stdout) != 0) && cli->out_errno == 0)
		cli->out_errno = errno;
}

static void show_progress(struct rp_cli *cli, const struct rp_event *ev)
{
	const char *step = rp_event_str(ev, "step"), *object = rp_event_str(ev, "object");
	const char *unit = rp_event_str(ev, "unit");
	int64_t done = rp_event_int(ev, "done", 0), total = rp_event_int(ev, "total", 0);
	int64_t eta = rp_event_int(ev, "eta_s", -1), now = rp_now_ms();
	char a[RP_HUMAN], b[RP_HUMAN];

	if (!cli->tty || cli->verbosity < 0 || now - cli->progress_at_ms < PROGRESS_EVERY_MS)
		return;
	cli->progress_at_ms = now;
	rp_output_clear_progress(cli);
	fprintf(stderr, "%s%s%s", step ? step : "", object ? " " : "", object ? object : "");
	if (unit && strcmp(unit, "bytes") == 0) {
		fprintf(stderr, "  %s", rp_cli_size((uint64_t)done, a));
		if (total > 0)
			fprintf(stderr, " of %s", rp_cli_size((uint64_t)total, b));
	} else if (total > 0) {
		fprintf(stderr, "  %lld/%lld%s%s", (long long)done, (long long)total,
			unit ? " " : "", unit ? unit : "");
	} else {
		fprintf(stderr, "  %lld%s%s", (long long)done, unit ? " " : "", unit ? unit : "");
	}
	if (eta >= 0)
		fprintf(stderr, "  about %s left", rp_cli_time(eta * 1000, a));
	fflush(stderr);
	cli->progress_shown = true;
}

static void show_step(struct rp_cli *cli, const struct rp_event *ev)
{
	const char *step = rp_event_str(ev, "step"), *object = rp_event_str(ev, "object");
	const char *result = rp_event_str(ev, "result");

	if (cli->verbosity < 0 || !step)
		return;
	if (ev->kind == RP_EV_STEP && cli->tty) {
		rp_output_clear_progress(cli);
		fprintf(stderr, "%s %s ...", step, object ? object : "");
		fflush(stderr);
		cli->progress_shown = true;
		cli->progress_at_ms = rp_now_ms();
	} else if (ev->kind == RP_EV_STEP) {
		rp_cli_note(cli, "%s %s ...", step, object ? object : "");
	} else if (cli->tty || result) {
		rp_cli_note(cli, "%s %s: %s", step, object ? object : "", result ? result : "done");
	}
}

void rp_output_event(void *data, const struct rp_event *ev)
{
	struct rp_cli *cli = data;
	const char *text = rp_event_str(ev, "text");

	if (cli->json_mode == RP_JSON_LINES) {
		event_json(cli, ev);
		return;
	}
	switch (ev->kind) {
	case RP_EV_INFO:
	case RP_EV_WAIT:
		rp_cli_note(cli, "%s", text ? text : "");
		break;
	case RP_EV_DETAIL:
		if (cli->verbosity > 0)
			rp_cli_note(cli, "  %s", text ? text : "");
		break;
	case RP_EV_WARN:
		rp_cli_warn(cli, "%s", text ? text : "");
		break;
	case RP_EV_PROGRESS:
		show_progress(cli, ev);
		break;
	case RP_EV_STEP:
	case RP_EV_DONE:
		show_step(cli, ev);
		break;
	case RP_EV_FINDING: /* verbs that have findings print them as their result */
	case RP_EV_MAX:
		break;
	}
}

int rp_output_finish(struct rp_cli *cli, int exit_code)
{
	rp_output_clear_progress(cli);
	if (cli->json_open) {
		rp_json_end(&cli->json, '}');
		rp_buf_addc(&cli->json_buf, '\n');
		if (rp_buf_check(&cli->json_buf, NULL) < 0) {
			error_line(cli, "out of memory while writing JSON");
			return RP_EXIT_OS;
		}
		(void)fwrite(cli->json_buf.p, 1, cli->json_buf.n, stdout); /* ferror below */
		cli->json_open = false;
	}
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		/* the reader had enough, as in "| head": not an error of ours */
		if ((cli->out_errno ? cli->out_errno : errno) == EPIPE)
			return exit_code;
		error_line(cli, "cannot write the result to standard output");
		return RP_EXIT_IO;
	}
	return exit_code;
}
