/* SPDX-License-Identifier: MIT */
/*
 * LD_PRELOAD: counts the calls that change the folders FAULT_DIRS (colon-separated, absolute) and
 * at number FAULT_AT kills the process (FAULT_KIND=kill) or fails with an errno (a number; with "+"
 * behind it all later ones fail too, as on a full disk). A killed write has written half of its data.
 * The count is in the file FAULT_COUNT (8 bytes, native), shared by child processes.
 * Calls that the kernel alone makes (mmap write-back) are not seen.
 */
/* else the headers give open() the symbol name open64, and both must be here */
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))
#define REAL(name)                                           \
	static __typeof__(name) *real_;                      \
	if (!real_) {                                        \
		void *sym = dlsym(RTLD_NEXT, #name);         \
		__builtin_memcpy(&real_, &sym, sizeof(sym)); \
	}

static _Atomic uint64_t *count;
static uint64_t fault_at;
static int fault_errno; /* 0: kill */
static bool fault_stays;
static const char *dirs;

__attribute__((constructor)) static void start(void)
{
	const char *file = getenv("FAULT_COUNT"), *at = getenv("FAULT_AT"),
		   *kind = getenv("FAULT_KIND");
	void *p;
	int fd;

	if (!file || !getenv("FAULT_DIRS"))
		return;
	fd = open(file, O_RDWR | O_CLOEXEC);
	p = fd < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		abort(); /* a test that silently injects nothing would pass */
	close(fd);
	count = p;
	fault_at = at ? strtoull(at, NULL, 10) : 0;
	fault_errno = kind ? atoi(kind) : 0;
	fault_stays = kind && strchr(kind, '+');
	dirs = getenv("FAULT_DIRS");
}

static bool below(const char *path)
{
	const char *d = dirs;

	while (d && *d) {
		size_t n = strcspn(d, ":");

		if (n > 0 && strncmp(path, d, n) == 0 && (path[n] == '/' || path[n] == '\0'))
			return true;
		d += n + (d[n] == ':');
	}
	return false;
}

static bool watched(int fd, const char *path)
{
	char link[48], base[PATH_MAX] = "", full[2 * PATH_MAX];
	ssize_t n;

	if (!count)
		return false;
	if (path && path[0] == '/')
		return below(path);
	(void)snprintf(
		link, sizeof(link), fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
	n = readlink(link, base, sizeof(base) - 1);
	if (n <= 0)
		return false;
	base[n] = '\0';
	(void)snprintf(full, sizeof(full), "%s/%s", base, path ? path : "");
	return below(full);
}

/* True: fail now, errno is set. half: what a killed call does first. */
static bool hit(int fd, const void *half, size_t half_n)
{
	uint64_t n = atomic_fetch_add(count, 1) + 1;

	if (fault_at == 0 || (n != fault_at && !(fault_stays && n > fault_at)))
		return false;
	if (fault_errno == 0) {
		REAL(write)
		if (half_n > 0)
			(void)!real_(fd, half, half_n);
		kill(getpid(), SIGKILL);
		for (;;)
			pause();
	}
	errno = fault_errno;
	return true;
}

#define POINT(fd, path)                                        \
	do {                                                   \
		if (watched((fd), (path)) && hit(-1, NULL, 0)) \
			return -1;                             \
	} while (0)

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define OPENAT(name)                                              \
	API int name(int dirfd, const char *path, int flags, ...) \
	{                                                         \
		va_list ap;                                       \
		mode_t mode;                                      \
		REAL(name)                                        \
		va_start(ap, flags);                              \
		mode = mode_of(flags, ap);                        \
		va_end(ap);                                       \
		if (flags & (O_CREAT | O_TRUNC))                  \
			POINT(dirfd, path);                       \
		return real_(dirfd, path, flags, mode);           \
	}
OPENAT(openat)
OPENAT(openat64)

#define OPEN(name)                                     \
	API int name(const char *path, int flags, ...) \
	{                                              \
		va_list ap;                            \
		mode_t mode;                           \
		REAL(name)                             \
		va_start(ap, flags);                   \
		mode = mode_of(flags, ap);             \
		va_end(ap);                            \
		if (flags & (O_CREAT | O_TRUNC))       \
			POINT(AT_FDCWD, path);         \
		return real_(path, flags, mode);       \
	}
OPEN(open)
OPEN(open64)

API ssize_t write(int fd, const void *p, size_t n)
{
	REAL(write)
	if (watched(fd, NULL) && hit(fd, p, n / 2))
		return -1;
	return real_(fd, p, n);
}

API int fsync(int fd)
{
	REAL(fsync)
	POINT(fd, NULL);
	return real_(fd);
}

API int fdatasync(int fd)
{
	REAL(fdatasync)
	POINT(fd, NULL);
	return real_(fd);
}

API int fchmod(int fd, mode_t mode)
{
	REAL(fchmod)
	POINT(fd, NULL);
	return real_(fd, mode);
}

API int ftruncate(int fd, off_t n)
{
	REAL(ftruncate)
	POINT(fd, NULL);
	return real_(fd, n);
}

API int ftruncate64(int fd, off64_t n)
{
	REAL(ftruncate64)
	POINT(fd, NULL);
	return real_(fd, n);
}

API int rename(const char *from, const char *to)
{
	REAL(rename)
	POINT(AT_FDCWD, to);
	return real_(from, to);
}

API int renameat(int fd, const char *from, int to_fd, const char *to)
{
	REAL(renameat)
	POINT(to_fd, to);
	return real_(fd, from, to_fd, to);
}

API int renameat2(int fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
	REAL(renameat2)
	POINT(to_fd, to);
	return real_(fd, from, to_fd, to, flags);
}

API int symlinkat(const char *target, int fd, const char *name)
{
	REAL(symlinkat)
	POINT(fd, name);
	return real_(target, fd, name);
}

API int linkat(int fd, const char *from, int to_fd, const char *to, int flags)
{
	REAL(linkat)
	POINT(to_fd, to);
	return real_(fd, from, to_fd, to, flags);
}

API int unlinkat(int fd, const char *name, int flags)
{
	REAL(unlinkat)
	POINT(fd, name);
	return real_(fd, name, flags);
}

API int unlink(const char *name)
{
	REAL(unlink)
	POINT(AT_FDCWD, name);
	return real_(name);
}

API int mkdirat(int fd, const char *name, mode_t mode)
{
	REAL(mkdirat)
	POINT(fd, name);
	return real_(fd, name, mode);
}

API int mkdir(const char *name, mode_t mode)
{
	REAL(mkdir)
	POINT(AT_FDCWD, name);
	return real_(name, mode);
}
