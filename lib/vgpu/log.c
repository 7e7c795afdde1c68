/* SPDX-License-Identifier: MIT */
/*
 * The recording: one line a driver call, written with one write(2) so that lines of several
 * processes stay whole. docs/virtual-gpu.md is its contract:
 *
 *   # rocm-patch driver log 1
 *   1:rocminfo t1 kfd alloc_memory gpu=1 size=4096 flags=0xd0000001=VRAM|... -> mem=3
 *   ~1:rocminfo t2 kfd wait_events events=2 -> complete
 *
 * No addresses, no times; numbers count objects in order of creation. "~": how often the line
 * comes, and where, depends on timing.
 */
#include "vgpu/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define MAX_LINE 1024

static _Thread_local unsigned int thread_number;
static _Thread_local unsigned int queue_number;

void rp_log_actor(unsigned int queue)
{
	queue_number = queue;
}

/* The number of this process in the file: one more than there are "start" lines. */
static unsigned int process_number(int fd)
{
	unsigned int n = 1;
	char buf[1 << 14];
	off_t at = 0;
	size_t have = 0;
	ssize_t got;

	while ((got = pread(fd, buf + have, sizeof(buf) - have, at)) > 0) {
		char *line = buf, *nl;

		at += got;
		have += (size_t)got;
		while ((nl = memchr(line, '\n', have - (size_t)(line - buf))) != NULL) {
			*nl = '\0';
			if (strstr(line, " t0 start "))
				n++;
			line = nl + 1;
		}
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
		if (have == sizeof(buf))
			have = 0; /* no line of ours is so long */
	}
	return n;
}

static void own_name(char *buf, size_t n)
{
	RP_CLEANUP(rp_close_fd) int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, buf, n - 1);

	if (got <= 0) {
		(void)snprintf(buf, n, "?");
		return;
	}
	buf[got] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	for (char *c = buf; *c; c++)
		if (*c == ' ' || *c == '\t')
			*c = '_';
}

void rp_log_process_label(unsigned int number, char *buf, size_t size)
{
	char name[24];

	own_name(name, sizeof(name));
	(void)snprintf(buf, size, "%u:%s", number, name);
}

static void write_line(struct rp_vgpu_log *log, const char *line, size_t n)
{
	ssize_t r;

	do
		r = write(log->to_stderr ? STDERR_FILENO : log->fd, line, n);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EBADF && !log->to_stderr) {
		/* the program closed descriptors it did not know */
		log->fd = open(log->path, O_WRONLY | O_APPEND | O_CLOEXEC);
		if (log->fd >= 0)
			r = write(log->fd, line, n);
	}
	if (r != (ssize_t)n)
		log->failed = true;
}

int rp_log_open(struct rp_vgpu_log *log, const char *path, const struct rp_vgpu_profile *profile,
	struct rp_error *err)
{
	char line[256];
	unsigned int number;
	int n, low;

	(void)pthread_mutex_init(&log->lock, NULL);
	log->fd = -1;
	if (!path)
		return 0;
	log->path = strdup(path);
	if (!log->path)
		return RP_NOMEM(err);
	log->to_stderr = strcmp(path, "-") == 0;
	number = (unsigned int)getpid(); /* on stderr there is no common place to count in */
	if (!log->to_stderr) {
		low = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
		if (low < 0)
			return RP_FAIL_ERRNO(err, -errno, "open the log %s", path);
		log->fd = fcntl(low, F_DUPFD_CLOEXEC, MAX_FD_BASE);
		if (log->fd < 0)
			log->fd = low;
		else
			(void)close(low);
		(void)flock(log->fd, LOCK_EX);
		number = process_number(log->fd);
	}
	rp_log_process_label(number, log->label, sizeof(log->label));
	n = snprintf(line, sizeof(line), "%s t0 start profile=%s kfd=1.%u gpus=%u%s\n", log->label,
		profile->name, profile->kfd_minor, profile->gpus,
		profile->strict_mtype ? " strict_mtype=hypothesis" : "");
	write_line(log, line, (size_t)n);
	if (!log->to_stderr)
		(void)flock(log->fd, LOCK_UN);
	return 0;
}

void rp_log_line(struct rp_vgpu_log *log, bool timing, const char *text)
{
	char line[MAX_LINE];
	int n;

	if (!rp_log_on(log))
		return;
	(void)pthread_mutex_lock(&log->lock);
	if (queue_number == 0 && thread_number == 0)
		thread_number = ++log->n_threads;
	n = snprintf(line, sizeof(line), "%s%s %c%u %s\n", timing ? "~" : "", log->label,
		queue_number ? 'q' : 't', queue_number ? queue_number : thread_number, text);
	if (n >= (int)sizeof(line)) {
		n = (int)sizeof(line) - 1;
		memcpy(line + sizeof(line) - 5, "...\n", 5);
	}
	write_line(log, line, (size_t)n);
	(void)pthread_mutex_unlock(&log->lock);
}

void rp_log_linef(struct rp_vgpu_log *log, bool timing, const char *fmt, ...)
{
	char text[MAX_LINE - 100];
	va_list ap;

	if (!rp_log_on(log))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rp_log_line(log, timing, text);
}

void rp_log_mem_flags(struct rp_buf *b, uint32_t flags)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{ KFD_MEM_VRAM, "VRAM" },
		{ KFD_MEM_GTT, "GTT" },
		{ KFD_MEM_USERPTR, "USERPTR" },
		{ KFD_MEM_DOORBELL, "DOORBELL" },
		{ KFD_MEM_MMIO, "MMIO_REMAP" },
		{ KFD_MEM_CONTIGUOUS, "CONTIGUOUS" },
		{ KFD_MEM_EXT_COHERENT, "EXT_COHERENT" },
		{ KFD_MEM_UNCACHED, "UNCACHED" },
		{ KFD_MEM_COHERENT, "COHERENT" },
		{ KFD_MEM_AQL_QUEUE, "AQL_QUEUE_MEM" },
		{ KFD_MEM_NO_SUBSTITUTE, "NO_SUBSTITUTE" },
		{ KFD_MEM_PUBLIC, "PUBLIC" },
		{ KFD_MEM_EXECUTABLE, "EXECUTABLE" },
		{ KFD_MEM_WRITABLE, "WRITABLE" },
	};
	const char *bar = "";

	for (size_t i = 0; i < RP_ARRAY_SIZE(names); i++)
		if (flags & names[i].bit) {
			rp_buf_addf(b, "%s%s", bar, names[i].name);
			flags &= ~names[i].bit;
			bar = "|";
		}
	if (flags)
		rp_buf_addf(b, "%s0x%x", bar, flags);
}

const char *rp_log_errno(int r)
{
	const char *name = r < 0 ? strerrorname_np(-r) : "0";

	return name ? name : "EUNKNOWN";
}
