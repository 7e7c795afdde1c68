/* SPDX-License-Identifier: MIT */
/*
 * What the kernel said of the cards: /dev/kmsg of the host, or the file of a captured tree. Optional:
 * without rights there is one fact that says so. Reading a record twice does no harm to the log.
 */
#include "probe/internal.h"

#include <unistd.h>

#define MAX_RECORDS 20000
#define MAX_KEPT    (256u << 10)

/* Key of the fact, and the text to find. Sources: kernel functions in Linux 6.12 amdgpu and amdkfd. */
static const struct {
	const char *key, *text;
} patterns[] = {
	{ "log.refused", "PCI rejects atomics" }, /* kgd2kfd_device_init */
	{ "log.no_atomics", "PCIE atomic ops is not supported" }, /* amdgpu_device_init */
	{ "log.unsupported", "not supported in kfd" }, /* kgd2kfd_probe */
	{ "log.preemption", "queue_doorbell_id0 is not 0" }, /* kfd_mqd_manager_v10.c, HIQ */
	{ "log.preemption", "doorbell_id0 is not 0" },
	{ "log.evict", "Failed to evict process queues" }, /* kfd_process.c */
	{ "log.evict", "Failed to evict queue" },
	{ "log.reset", "GPU reset begin" }, /* amdgpu_device_gpu_recover */
	{ "log.fault", "page fault (src_id" }, /* gmc_v10_0_process_interrupt */
	{ "log.firmware", "Failed to load firmware" }, { "log.firmware", "failed to load ucode" },
	{ "log.init", "Fatal error during GPU init" }, /* amdgpu_driver_load_kms */
};

static bool is_about_cards(const char *line)
{
	return strcasestr(line, "amdgpu") || strcasestr(line, "kfd") || strstr(line, "[drm");
}

/* "kfd: amdgpu: skipped device 1002:7341, PCI rejects atomics 123<145" */
static void refused(struct probe *p, const char *line, const char *source)
{
	const char *id = strstr(line, "skipped device "),
		   *numbers = strstr(line, "rejects atomics ");
	char pci_id[16];

	if (!id || !numbers || sscanf(id + 15, "%9[0-9a-f:]", pci_id) != 1)
		return;
	RP_STRV_FOREACH (slot, &p->slots) {
		RP_CLEANUP(rp_free_p) char *card = rp_asprintf("card %s", *slot);
		const char *have = card ? rp_fact_get(p->facts, card, "pci_id") : NULL;

		if (have && strcmp(have, pci_id) == 0)
			rp_fact_set(p->facts, card, "log_refused", source, "%s", numbers + 16);
	}
}

static void one_line(struct probe *p, const char *line, const char *source)
{
	for (size_t i = 0; i < RP_ARRAY_SIZE(patterns); i++)
		if (strstr(line, patterns[i].text))
			rp_fact_set(p->facts, MACHINE, patterns[i].key, source, "%s", line);
	refused(p, line, source);
}

static void all_lines(struct probe *p, struct rp_span text, const char *source)
{
	struct rp_span line;

	while (rp_span_line(&text, &line)) {
		RP_CLEANUP(rp_free_p) char *s = rp_span_dup(line);

		if (s)
			one_line(p, s, source);
	}
}

/* Records are "priority,sequence,microseconds,flags;text\n key=value\n" (Documentation/ABI/testing/dev-kmsg). */
static int read_kmsg(struct probe *p, struct rp_buf *kept)
{
	RP_CLEANUP(rp_close_fd) int fd = -1;
	int r = rp_root_openat(p->root, "/dev/kmsg", O_RDONLY | O_NONBLOCK, &fd, NULL);
	char record[8192];

	for (int i = 0; r == 0 && i < MAX_RECORDS && kept->n < MAX_KEPT; i++) {
		ssize_t n = read(fd, record, sizeof(record) - 1);
		char *text;

		if (n < 0 && (errno == EINTR ||
				     errno == EPIPE)) /* EPIPE: overwritten meanwhile, go on */
			continue;
		if (n <= 0)
			return n < 0 && errno != EAGAIN ? -errno : 0;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text || !is_about_cards(++text))
			continue;
		text[strcspn(text, "\n")] = '\0';
		rp_buf_addf(kept, "%s\n", text);
	}
	return r;
}

void probe_log(struct probe *p)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	const char *source = RP_PROBE_KERNEL_LOG;
	int r;

	if (p->root->is_host) {
		source = "/dev/kmsg";
		r = read_kmsg(p, &text);
		if (r == 0)
			probe_record(p, RP_PROBE_KERNEL_LOG, rp_buf_span(&text));
	} else {
		char why[128];

		r = probe_read(p, RP_PROBE_KERNEL_LOG, MAX_KEPT, &text, why);
	}
	if (r < 0) {
		rp_fact_unknown(p->facts, MACHINE, "log", source, strerror(-r));
		return;
	}
	rp_fact_set(p->facts, MACHINE, "log", source, "read");
	all_lines(p, rp_buf_span(&text), source);
}
