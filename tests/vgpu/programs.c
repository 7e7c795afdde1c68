/* SPDX-License-Identifier: MIT */
/*
 * What a program may do around the driver: programs PART runs one part and exits 0 if all is
 * right. Run under the preload library by test_vgpu.py; no ROCm in here.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEED(what)                                                                               \
	do {                                                                                     \
		if (!(what)) {                                                                   \
			fprintf(stderr, "%s:%d: not true: %s (%s)\n", __FILE__, __LINE__, #what, \
				strerror(errno));                                                \
			exit(1);                                                                 \
		}                                                                                \
	} while (0)

#define GET_VERSION _IOR('K', 1, uint32_t[2])

static int kfd_version(int fd)
{
	uint32_t v[2] = { 0, 0 };

	return ioctl(fd, GET_VERSION, v) < 0 ? -errno : (int)v[1];
}

static int open_kfd(void)
{
	int fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);

	NEED(fd >= 0);
	return fd;
}

static void files(void)
{
	static const char nodes[] = "/sys/class/kfd/kfd/topology/nodes";
	const char *volatile nothing = NULL;
	char buf[PATH_MAX], line[256];
	struct stat st;
	struct dirent **list;
	DIR *dir;
	FILE *f;
	int fd;

	NEED(stat("/dev/kfd", &st) == 0 && S_ISCHR(st.st_mode));
	NEED(lstat("/dev/dri/renderD128", &st) == 0 && st.st_rdev == makedev(226, 128));
	NEED(stat("/dev/dri/card0", &st) == 0 && st.st_rdev == makedev(226, 0));
	NEED(fstatat(AT_FDCWD, "/dev/kfd", &st, 0) == 0 && S_ISCHR(st.st_mode));
	fd = open_kfd();
	NEED(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode));
	NEED(fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 && S_ISCHR(st.st_mode));
	NEED(access("/dev/kfd", R_OK | W_OK) == 0);
	NEED(realpath(nodes, buf) &&
		strcmp(buf, "/sys/devices/virtual/kfd/kfd/topology/nodes") == 0);
	NEED(readlink("/sys/class/kfd/kfd", buf, sizeof(buf)) > 0);
	NEED((dir = opendir(nodes)) != NULL && closedir(dir) == 0);
	NEED(scandir(nodes, &list, NULL, alphasort) == 4 && strcmp(list[3]->d_name, "1") == 0);
	NEED((f = fopen("/sys/class/kfd/kfd/topology/nodes/1/gpu_id", "r")) &&
		fgets(line, sizeof(line), f) && strcmp(line, "4660\n") == 0 && fclose(f) == 0);
	NEED((f = fopen("/proc/modules", "re")) && fgets(line, sizeof(line), f) &&
		strncmp(line, "amdgpu ", 7) == 0 && fclose(f) == 0);
	/* a directory of the tree and a name below it */
	NEED((fd = open(nodes, O_RDONLY | O_DIRECTORY)) >= 0 &&
		openat(fd, "1/properties", O_RDONLY) >= 0);
	/* the tree is shared */
	NEED(open("/sys/class/kfd/kfd/topology/nodes/1/gpu_id", O_WRONLY) < 0 && errno == EACCES);
	NEED(fopen("/sys/class/drm/card0/dev", "w") == NULL && errno == EACCES);
	/* what is not there, and what is not ours */
	NEED(open("/dev/dri/renderD129", O_RDWR) < 0 && errno == ENOENT);
	NEED(stat("/sys/class/drm/card7", &st) < 0 && errno == ENOENT);
	NEED(open("/dev/null", O_RDWR) >= 0);
	NEED(ioctl(open("/dev/null", O_RDWR), GET_VERSION, buf) < 0 && errno == ENOTTY);
	NEED(open(nothing, O_RDONLY) < 0 && errno == EFAULT);
	NEED(stat(nothing, &st) < 0 && errno == EFAULT);
}

static void descriptors(void)
{
	int fd = open_kfd(), other = dup(fd), third = fcntl(fd, F_DUPFD_CLOEXEC, 500);

	NEED(kfd_version(fd) >= 11 && kfd_version(other) == kfd_version(fd));
	NEED(close(fd) == 0 && kfd_version(fd) == -EBADF && kfd_version(third) >= 11);
	NEED(ioctl(other, GET_VERSION, NULL) < 0 && errno == EFAULT);
	/* a program that closes all it does not know: our own descriptors too */
	for (int i = 3; i < 1100; i++)
		(void)close(i);
	NEED(open("/dev/kfd", O_RDWR) < 0);
}

/* A child may not use what it inherited, and can open the node anew. */
static void forks(void)
{
	int fd = open_kfd(), status;
	pid_t pid;

	NEED(kfd_version(fd) >= 11);
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		NEED(kfd_version(fd) == -EBADF);
		NEED(kfd_version(open_kfd()) >= 11);
		execl("/proc/self/exe", "programs", "descriptors", (char *)NULL);
		_exit(9);
	}
	NEED(waitpid(pid, &status, 0) == pid && status == 0);
	NEED(kfd_version(fd) >= 11);
	for (int i = 0; i < 50; i++) {
		pid = vfork();
		if (pid == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(9);
		}
		NEED(waitpid(pid, &status, 0) == pid && status == 0);
	}
}

static void send_fd(int sock, int fd)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	char byte = 1;
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	NEED(sendmsg(sock, &m, 0) == 1);
}

static int receive_fd(int sock)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	int fd;

	NEED(recvmsg(sock, &m, 0) == 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* Descriptors sent to a process that has no device yet. */
static void rights(void)
{
	int pair[2], status;
	pid_t pid;

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		struct {
			int32_t major, minor, patch, pad;
			uint64_t rest[6];
		} version = { 0, 0, 0, 0, { 0 } };
		struct stat st;
		int kfd = receive_fd(pair[1]), drm = receive_fd(pair[1]);

		NEED(fstat(drm, &st) == 0 && S_ISCHR(st.st_mode) &&
			st.st_rdev == makedev(226, 128));
		NEED(kfd_version(kfd) == -EBADF);
		NEED(ioctl(drm, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0, sizeof(version)), &version) ==
				0 &&
			version.major == 3);
		_exit(0);
	}
	send_fd(pair[0], open_kfd());
	send_fd(pair[0], open("/dev/dri/renderD128", O_RDWR));
	NEED(waitpid(pid, &status, 0) == pid && status == 0);
}

static void *open_and_close(void *data)
{
	for (int i = 0; i < 300; i++) {
		int fd = open_kfd();

		NEED(kfd_version(fd) >= 11);
		NEED(close(fd) == 0);
	}
	return data;
}

static void threads(void)
{
	pthread_t t[8];

	for (int i = 0; i < 8; i++)
		NEED(pthread_create(&t[i], NULL, open_and_close, NULL) == 0);
	for (int i = 0; i < 8; i++)
		NEED(pthread_join(t[i], NULL) == 0);
}

static void unknown(void)
{
	int fd = open_kfd();
	char buf[64] = { 0 };

	NEED(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'K', 0x7f, 64), buf) < 0 && errno == ENOTTY);
	NEED(ioctl(open("/dev/dri/renderD128", O_RDWR), _IOC(_IOC_READ | _IOC_WRITE, 'd', 0x44, 64),
		     buf) < 0 &&
		errno == EINVAL);
}

static void aborts(void)
{
	NEED(kfd_version(open_kfd()) >= 11);
	abort();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} parts[] = { { "files", files }, { "descriptors", descriptors }, { "forks", forks },
		{ "rights", rights }, { "threads", threads }, { "unknown", unknown },
		{ "abort", aborts } };

	for (size_t i = 0; argc == 2 && i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcmp(argv[1], parts[i].name) == 0) {
			parts[i].fn();
			return 0;
		}
	fprintf(stderr, "programs PART\n");
	return 2;
}
