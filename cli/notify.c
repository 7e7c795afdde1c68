/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include <stdio.h>

#define DEADLINE_MS 10000

static bool has_desktop(const struct rp_cli *cli)
{
	return rp_strv_getenv(&cli->env, "DISPLAY") || rp_strv_getenv(&cli->env, "WAYLAND_DISPLAY");
}

static int start(struct rp_cli *cli, const char *const *argv, struct rp_error *err)
{
	struct rp_spawn spawn = RP_SPAWN_INIT;
	/* also after Ctrl-C: this is how it is told */
	const struct rp_ctx ctx = { .cancel = NULL };

	spawn.argv = argv;
	spawn.env = (const char *const *)cli->env.v;
	spawn.timeout_ms = DEADLINE_MS;
	return rp_spawn_check(&ctx, &spawn, NULL, err);
}

void rp_cli_notify(struct rp_cli *cli, const char *command, int64_t started_ms, const char *title,
	const char *text)
{
	RP_CLEANUP(rp_free_p) char *line = rp_asprintf("%s: %s", title, text);
	const char *const own[] = { command, line, NULL };
	const char *const desktop[] = { "notify-send", "--app-name=rocm-patch", title, text, NULL };
	struct rp_error err = RP_ERROR_INIT;

	if (command) {
		if (!line || start(cli, own, &err) < 0)
			rp_cli_warn(cli, "--notify: %s", line ? err.text : "out of memory");
		return;
	}
	if (rp_now_ms() - started_ms < RP_NOTIFY_AFTER_MS)
		return;
	/* not installed, or nobody listens on the bus: the bell */
	if (has_desktop(cli) && start(cli, desktop, &err) == 0)
		return;
	if (cli->tty)
		(void)fputc('\a', stderr);
}
