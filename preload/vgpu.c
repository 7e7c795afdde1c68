/* SPDX-License-Identifier: MIT */
/*
 * librocm-patch-vgpu.so: puts the virtual GPU (lib/vgpu) under a program. Calls that open, look at
 * or control a file go to it if the path or descriptor is one of the driver's; everything else is
 * passed on to the next definition (RTLD_NEXT), so that other preloads keep working.
 *
 * ROCM_PATCH_VGPU names the file tree that rocm-patch run made; without it nothing is changed.
 * ROCM_PATCH_VGPU_LOG: recording, ROCM_PATCH_VGPU_REPORT: fidelity report. The device is made when a program opens a node, not before:
 * every child of a program loads this library too.
 *
 * fopen, opendir, scandir and realpath have wrappers of their own because glibc's inner open cannot
 * be replaced.
 */
#undef _FILE_OFFSET_BITS /* with 64 the headers would turn open into open64 */
#undef _FORTIFY_SOURCE

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vgpu/vgpu.h"

#define EXPORT __attribute__((visibility("default")))

extern char **environ;

/* ---- state ---- */

static atomic_int configured; /* 0: not looked yet, 1: off, 2: on */
static const char *tree; /* borrowed from the environment at the first look, copied */
static const char *log_path, *report_path;
static pthread_mutex_t device_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rp_vgpu *_Atomic device;
static bool told;

/* Not getenv: a library constructor may come before environ is what getenv expects. */
static const char *environment(const char *name)
{
	size_t n = strlen(name);

	for (char **e = environ; e && *e; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}

static bool on(void)
{
	int state = atomic_load_explicit(&configured, memory_order_acquire);

	if (state == 0) {
		const char *t = environment("ROCM_PATCH_VGPU"),
			   *l = environment("ROCM_PATCH_VGPU_LOG"),
			   *r = environment("ROCM_PATCH_VGPU_REPORT");

		(void)pthread_mutex_lock(&device_lock);
		state = atomic_load(&configured);
		if (state == 0) {
			tree = t && t[0] == '/' && strlen(t) < PATH_MAX / 2 ? strdup(t) : NULL;
			log_path = l && l[0] ? strdup(l) : NULL;
			report_path = r && r[0] ? strdup(r) : NULL;
			state = tree ? 2 : 1;
			atomic_store_explicit(&configured, state, memory_order_release);
		}
		(void)pthread_mutex_unlock(&device_lock);
	}
	return state == 2;
}

static void before_fork(void)
{
	(void)pthread_mutex_lock(&device_lock);
}

static void after_fork_parent(void)
{
	(void)pthread_mutex_unlock(&device_lock);
}

/* The child has no threads of ours, and to a driver it is another process: it starts anew. */
static void after_fork_child(void)
{
	atomic_store(&device, NULL);
	device_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

/* struct rp_vgpu_options.say; data: not used. */
static void say_line(void *data, const char *text)
{
	(void)data;
	RP_CLEANUP(rp_free_p) char *line = rp_asprintf("rocm-patch: virtual GPU: %s\n", text);

	if (line && write(STDERR_FILENO, line, strlen(line)) < 0)
		return; /* nowhere to tell it */
}

static void say(const char *text)
{
	say_line(NULL, text);
}

static struct rp_vgpu *make_device(struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *path = rp_asprintf("%s/profile", tree);
	struct rp_vgpu_profile profile;
	const char *execute = environment("ROCM_PATCH_VGPU_EXECUTE"),
		   *hazards = environment("ROCM_PATCH_VGPU_HAZARDS");
	struct rp_vgpu_options options = { &profile, log_path,
		.execute = !execute || strcmp(execute, "off") != 0,
		.hazards = hazards ? rp_exec_hazards_by_name(hazards) : RP_EXEC_HAZARDS_OFF,
		.say = say_line, .report = report_path };
	struct rp_vgpu *made = NULL;

	if (options.hazards == RP_EXEC_HAZARDS_MAX) {
		(void)RP_FAIL(
			err, -EINVAL, "ROCM_PATCH_VGPU_HAZARDS=%s: off, warn or corrupt", hazards);
		return NULL;
	}
	if (!path || rp_file_read(AT_FDCWD, path, 1u << 16, &text, err) < 0 ||
		rp_vgpu_profile_parse(rp_buf_span(&text), path, &profile, err) < 0)
		return NULL;
	if (rp_vgpu_open(&options, &made, err) < 0) {
		if (!options.log && !options.report)
			return NULL;
		/* a file that cannot be written must not change what the program does */
		say(err->text);
		options.log = options.report = NULL;
		if (rp_vgpu_open(&options, &made, err) < 0)
			return NULL;
	}
	return made;
}

/* The device of this process; NULL: it cannot be made, which is told once. */
static struct rp_vgpu *get_device(void)
{
	struct rp_vgpu *d = atomic_load(&device);
	static bool fork_handlers;

	if (d)
		return d;
	if (!on())
		return NULL;
	(void)pthread_mutex_lock(&device_lock);
	d = atomic_load(&device);
	if (!d && !told) {
		struct rp_error err = RP_ERROR_INIT;

		if (!fork_handlers)
			fork_handlers = pthread_atfork(before_fork, after_fork_parent,
						after_fork_child) == 0;
		d = fork_handlers ? make_device(&err) : NULL;
		if (!d) {
			told = true;
			say(err.text);
		}
		atomic_store(&device, d);
	}
	(void)pthread_mutex_unlock(&device_lock);
	return d;
}

__attribute__((destructor)) static void finish(void)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct rp_vgpu *d = atomic_load(&device);
	struct rp_error err = RP_ERROR_INIT;
	struct rp_span rest, line;

	if (!d)
		return;
	if (rp_vgpu_report(d, true, &err) < 0)
		say(err.text);
	rp_vgpu_summary(d, &text);
	rest = rp_buf_span(&text);
	while (rp_span_line(&rest, &line)) {
		RP_CLEANUP(rp_free_p) char *s = rp_span_dup(line);

		if (s)
			say(s);
	}
}

/* ---- paths ---- */

#define REAL(type, name, ...)                                                          \
	static type (*_Atomic real)(__VA_ARGS__);                                      \
	type (*next)(__VA_ARGS__) = atomic_load_explicit(&real, memory_order_relaxed); \
	if (!next) {                                                                   \
		next = __extension__(type(*)(__VA_ARGS__)) dlsym(RTLD_NEXT, name);     \
		atomic_store_explicit(&real, next, memory_order_relaxed);              \
	}                                                                              \
	if (!next) {                                                                   \
		errno = ENOSYS;                                                        \
	}

/* True if path is the driver's; buf then has it inside the tree. */
static bool ours(const char *path, char buf[PATH_MAX])
{
	if (!path || !rp_vgpu_owns_path(path) || !on())
		return false;
	return snprintf(buf, PATH_MAX, "%s%s", tree, path) < PATH_MAX;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

/* /proc/modules: our module, then the machine's. A memory file, positioned at its start; or -1. */
static int open_modules(const char *in_tree, int flags)
{
	static const char *const names[] = { NULL, "/proc/modules" };
	RP_CLEANUP(rp_close_fd)
	int fd = memfd_create("rocm-patch-modules", flags & O_CLOEXEC ? MFD_CLOEXEC : 0);

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < RP_ARRAY_SIZE(names); i++) {
		RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
		RP_CLEANUP(rp_close_fd)
		int from = (int)syscall(SYS_openat, AT_FDCWD, names[i] ? names[i] : in_tree,
			O_RDONLY | O_CLOEXEC, 0);
		char chunk[4096];
		ssize_t n;

		while (from >= 0 && (n = read(from, chunk, sizeof(chunk))) > 0)
			rp_buf_add(&text, chunk, (size_t)n);
		if (rp_write_all(fd, rp_buf_span(&text), NULL) < 0)
			return -1;
	}
	(void)lseek(fd, 0, SEEK_SET);
	return rp_steal_fd(&fd);
}

/* An open of one of our paths. */
static int open_ours(const char *path, const char *in_tree, int flags)
{
	unsigned int gpu;
	enum rp_vgpu_node node = rp_vgpu_node_of_path(path, &gpu);
	int saved = errno, fd;

	if (node != RP_VGPU_NOT && !(flags & O_PATH)) {
		struct rp_vgpu *d;

		if (flags & O_DIRECTORY)
			return fail(ENOTDIR);
		if (syscall(SYS_faccessat, AT_FDCWD, in_tree, F_OK) < 0)
			return fail(ENOENT);
		d = get_device();
		fd = d ? rp_vgpu_node_open(d, node, gpu, flags) : -ENODEV;
		if (fd < 0)
			return fail(-fd);
		errno = saved;
		return fd;
	}
	/* the tree is shared: nobody writes to it, root neither */
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_TRUNC | O_CREAT)))
		return fail(EACCES);
	if (strcmp(path, "/proc/modules") == 0)
		return open_modules(in_tree, flags);
	return (int)syscall(SYS_openat, AT_FDCWD, in_tree, flags, 0);
}

static mode_t mode_of(int flags, va_list ap)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, mode_t) : 0;
}

#define OPEN(name)                                          \
	EXPORT int name(const char *path, int flags, ...)   \
	{                                                   \
		char buf[PATH_MAX];                         \
		mode_t mode;                                \
		va_list ap;                                 \
                                                            \
		if (ours(path, buf))                        \
			return open_ours(path, buf, flags); \
		va_start(ap, flags);                        \
		mode = mode_of(flags, ap);                  \
		va_end(ap);                                 \
		REAL(int, #name, const char *, int, ...)    \
		return next ? next(path, flags, mode) : -1; \
	}
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                 \
	EXPORT int name(int dirfd, const char *path, int flags, ...) \
	{                                                            \
		char buf[PATH_MAX];                                  \
		mode_t mode;                                         \
		va_list ap;                                          \
                                                                     \
		if (ours(path, buf))                                 \
			return open_ours(path, buf, flags);          \
		va_start(ap, flags);                                 \
		mode = mode_of(flags, ap);                           \
		va_end(ap);                                          \
		REAL(int, #name, int, const char *, int, ...)        \
		return next ? next(dirfd, path, flags, mode) : -1;   \
	}
OPENAT(openat)
OPENAT(openat64)

/* What fortified programs call. */
#define OPEN_2(name)                                        \
	EXPORT int name(const char *path, int flags);       \
	EXPORT int name(const char *path, int flags)        \
	{                                                   \
		char buf[PATH_MAX];                         \
                                                            \
		if (ours(path, buf))                        \
			return open_ours(path, buf, flags); \
		REAL(int, #name, const char *, int)         \
		return next ? next(path, flags) : -1;       \
	}
OPEN_2(__open_2)
OPEN_2(__open64_2)

#define OPENAT_2(name)                                           \
	EXPORT int name(int dirfd, const char *path, int flags); \
	EXPORT int name(int dirfd, const char *path, int flags)  \
	{                                                        \
		char buf[PATH_MAX];                              \
                                                                 \
		if (ours(path, buf))                             \
			return open_ours(path, buf, flags);      \
		REAL(int, #name, int, const char *, int)         \
		return next ? next(dirfd, path, flags) : -1;     \
	}
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

static FILE *fopen_ours(const char *path, const char *in_tree, const char *mode)
{
	int flags = strchr(mode, 'e') ? O_CLOEXEC : 0;
	FILE *f;
	int fd;

	if (mode[0] == 'r')
		flags |= strchr(mode, '+') ? O_RDWR : O_RDONLY;
	else
		flags |= O_WRONLY | O_CREAT;
	fd = open_ours(path, in_tree, flags);
	if (fd < 0)
		return NULL;
	f = fdopen(fd, strchr(mode, '+') ? "r+" : "r");
	if (!f)
		(void)close(fd);
	return f;
}

#define FOPEN(name)                                             \
	EXPORT FILE *name(const char *path, const char *mode)   \
	{                                                       \
		char buf[PATH_MAX];                             \
                                                                \
		if (ours(path, buf))                            \
			return fopen_ours(path, buf, mode);     \
		REAL(FILE *, #name, const char *, const char *) \
		return next ? next(path, mode) : NULL;          \
	}
FOPEN(fopen)
FOPEN(fopen64)

EXPORT DIR *opendir(const char *path)
{
	char buf[PATH_MAX];
	bool mine = ours(path, buf);

	REAL(DIR *, "opendir", const char *)
	return next ? next(mine ? buf : path) : NULL;
}

#define SCANDIR(name, entry)                                                                    \
	EXPORT int name(const char *path, struct entry ***list,                                 \
		int (*filter)(const struct entry *),                                            \
		int (*compare)(const struct entry **, const struct entry **))                   \
	{                                                                                       \
		char buf[PATH_MAX];                                                             \
		bool mine = ours(path, buf);                                                    \
                                                                                                \
		REAL(int, #name, const char *, struct entry ***, int (*)(const struct entry *), \
			int (*)(const struct entry **, const struct entry **))                  \
		return next ? next(mine ? buf : path, list, filter, compare) : -1;              \
	}
SCANDIR(scandir, dirent)
SCANDIR(scandir64, dirent64)

EXPORT int access(const char *path, int mode)
{
	char buf[PATH_MAX];
	unsigned int gpu;

	if (ours(path, buf)) {
		if (rp_vgpu_node_of_path(path, &gpu) != RP_VGPU_NOT)
			mode = F_OK; /* everybody may read and write a node */
		else if (mode & W_OK)
			return fail(EACCES);
		return (int)syscall(SYS_faccessat, AT_FDCWD, buf, mode);
	}
	REAL(int, "access", const char *, int)
	return next ? next(path, mode) : -1;
}

EXPORT int faccessat(int dirfd, const char *path, int mode, int flags)
{
	char buf[PATH_MAX];

	if (ours(path, buf))
		return access(path, mode);
	REAL(int, "faccessat", int, const char *, int, int)
	return next ? next(dirfd, path, mode, flags) : -1;
}

EXPORT ssize_t readlink(const char *path, char *out, size_t n)
{
	char buf[PATH_MAX];

	if (ours(path, buf))
		return syscall(SYS_readlinkat, AT_FDCWD, buf, out, n);
	REAL(ssize_t, "readlink", const char *, char *, size_t)
	return next ? next(path, out, n) : -1;
}

EXPORT ssize_t readlinkat(int dirfd, const char *path, char *out, size_t n)
{
	char buf[PATH_MAX];

	if (ours(path, buf))
		return syscall(SYS_readlinkat, AT_FDCWD, buf, out, n);
	REAL(ssize_t, "readlinkat", int, const char *, char *, size_t)
	return next ? next(dirfd, path, out, n) : -1;
}

EXPORT char *realpath(const char *path, char *out)
{
	char buf[PATH_MAX];
	bool mine = ours(path, buf);
	size_t n;
	char *r;

	REAL(char *, "realpath", const char *, char *)
	r = next ? next(mine ? buf : path, out) : NULL;
	n = mine && r ? strlen(tree) : 0;
	if (n && strncmp(r, tree, n) == 0 && r[n] == '/')
		memmove(r, r + n, strlen(r + n) + 1);
	return r;
}

EXPORT char *__realpath_chk(const char *path, char *out, size_t n);
EXPORT char *__realpath_chk(const char *path, char *out, size_t n)
{
	if (n < PATH_MAX) { /* glibc aborts here; a shorter buffer is the caller's bug */
		errno = ENAMETOOLONG;
		return NULL;
	}
	return realpath(path, out);
}

/* ---- stat ---- */

static int stat_ours(const char *path, const char *in_tree, struct stat *st, int flags)
{
	unsigned int gpu;
	enum rp_vgpu_node node = rp_vgpu_node_of_path(path, &gpu);

	if (syscall(SYS_newfstatat, AT_FDCWD, in_tree, st, flags) < 0)
		return -1;
	if (node != RP_VGPU_NOT) {
		rp_vgpu_node_stat(node, gpu, st);
		if (strncmp(path, "/dev/dri/card", 13) == 0)
			st->st_rdev -= 128; /* minors of primary nodes start at 0 */
	}
	return 0;
}

/* The result of a stat of a descriptor, made right if it is one of our memory files. */
static void fix(int r, int fd, struct stat *st)
{
	int saved = errno;

	if (r == 0 && on())
		(void)rp_vgpu_fix_stat(atomic_load(&device), fd, st);
	errno = saved;
}

/* On x86-64 struct stat and struct stat64 are the same. */
_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "one layout");

#define STAT(name, type, how)                                                        \
	EXPORT int name(const char *path, struct type *st)                           \
	{                                                                            \
		char buf[PATH_MAX];                                                  \
                                                                                     \
		if (ours(path, buf))                                                 \
			return stat_ours(path, buf, (struct stat *)(void *)st, how); \
		REAL(int, #name, const char *, struct type *)                        \
		return next ? next(path, st) : -1;                                   \
	}
STAT(stat, stat, 0)
STAT(stat64, stat64, 0)
STAT(lstat, stat, AT_SYMLINK_NOFOLLOW)
STAT(lstat64, stat64, AT_SYMLINK_NOFOLLOW)

#define FSTAT(name, type)                              \
	EXPORT int name(int fd, struct type *st)       \
	{                                              \
		int r;                                 \
                                                       \
		REAL(int, #name, int, struct type *)   \
		r = next ? next(fd, st) : -1;          \
		fix(r, fd, (struct stat *)(void *)st); \
		return r;                              \
	}
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)

#define FSTATAT(name, type)                                                      \
	EXPORT int name(int dirfd, const char *path, struct type *st, int flags) \
	{                                                                        \
		char buf[PATH_MAX];                                              \
		int r;                                                           \
                                                                                 \
		if (ours(path, buf))                                             \
			return stat_ours(path, buf, (struct stat *)(void *)st,   \
				flags & AT_SYMLINK_NOFOLLOW);                    \
		REAL(int, #name, int, const char *, struct type *, int)          \
		r = next ? next(dirfd, path, st, flags) : -1;                    \
		if ((flags & AT_EMPTY_PATH) && r == 0 && path[0] == '\0')        \
			fix(r, dirfd, (struct stat *)(void *)st);                \
		return r;                                                        \
	}
FSTATAT(fstatat, stat)
FSTATAT(fstatat64, stat64)

/* What programs built before glibc 2.33 call. */
#define XSTAT(name, type, how)                                                       \
	EXPORT int name(int version, const char *path, struct type *st);             \
	EXPORT int name(int version, const char *path, struct type *st)              \
	{                                                                            \
		char buf[PATH_MAX];                                                  \
                                                                                     \
		if (ours(path, buf))                                                 \
			return stat_ours(path, buf, (struct stat *)(void *)st, how); \
		REAL(int, #name, int, const char *, struct type *)                   \
		return next ? next(version, path, st) : -1;                          \
	}
XSTAT(__xstat, stat, 0)
XSTAT(__xstat64, stat64, 0)
XSTAT(__lxstat, stat, AT_SYMLINK_NOFOLLOW)
XSTAT(__lxstat64, stat64, AT_SYMLINK_NOFOLLOW)

#define FXSTAT(name, type)                                     \
	EXPORT int name(int version, int fd, struct type *st); \
	EXPORT int name(int version, int fd, struct type *st)  \
	{                                                      \
		int r;                                         \
                                                               \
		REAL(int, #name, int, int, struct type *)      \
		r = next ? next(version, fd, st) : -1;         \
		fix(r, fd, (struct stat *)(void *)st);         \
		return r;                                      \
	}
FXSTAT(__fxstat, stat)
FXSTAT(__fxstat64, stat64)

EXPORT int statx(int dirfd, const char *path, int flags, unsigned int mask, struct statx *out)
{
	char buf[PATH_MAX];
	bool mine = ours(path, buf);
	unsigned int gpu;
	int r;

	REAL(int, "statx", int, const char *, int, unsigned int, struct statx *)
	r = next ? next(mine ? AT_FDCWD : dirfd, mine ? buf : path, flags, mask, out) : -1;
	if (r == 0 && mine && rp_vgpu_node_of_path(path, &gpu) != RP_VGPU_NOT) {
		struct stat st;

		if (stat_ours(path, buf, &st, 0) == 0) {
			out->stx_mode = (uint16_t)st.st_mode;
			out->stx_rdev_major = (uint32_t)(st.st_rdev >> 8);
			out->stx_rdev_minor = (uint32_t)(st.st_rdev & 0xff);
			out->stx_size = 0;
		}
	}
	return r;
}

/* ---- ioctl ---- */

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if ((_IOC_TYPE(request) == 'K' || _IOC_TYPE(request) == 'd') && on()) {
		struct rp_vgpu *d = atomic_load(&device);
		unsigned int gpu = 0;
		bool foreign = false;
		int saved = errno, r;
		enum rp_vgpu_node node = rp_vgpu_node_of_fd(d, fd, &gpu, &foreign);

		if (node != RP_VGPU_NOT) {
			d = get_device(); /* a node that another process sent */
			r = d ? rp_vgpu_ioctl(d, node, gpu, foreign, request, arg) : -ENODEV;
			errno = r < 0 ? -r : saved;
			return r < 0 ? -1 : 0;
		}
		errno = saved;
	}
	REAL(int, "ioctl", int, unsigned long, ...)
	return next ? next(fd, request, arg) : -1;
}
