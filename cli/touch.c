/* SPDX-License-Identifier: MIT */
/*
 * rocm-patch-touch PATH...: opens device nodes and says what came of it, a line each: "PATH ERRNO [KFD
 * VERSION]". A program of its own, so that a driver that never answers stops a child and not the user.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <stdint.h>
#include <sys/ioctl.h>

/* AMDKFD_IOC_GET_VERSION of linux/kfd_ioctl.h, which not every linux-libc-dev can compile alone. */
struct kfd_version {
	uint32_t major, minor;
};
#define KFD_GET_VERSION _IOR('K', 0x01, struct kfd_version)

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct kfd_version version = { 0 };
		int fd = open(argv[i], O_RDWR | O_CLOEXEC | O_NONBLOCK);

		printf("%s %d", argv[i], fd < 0 ? errno : 0);
		if (fd >= 0 && strcmp(argv[i], "/dev/kfd") == 0 &&
			ioctl(fd, KFD_GET_VERSION, &version) == 0)
			printf(" %u.%u", version.major, version.minor);
		printf("\n");
		if (fflush(stdout) !=
			0) /* what is known must be out before the next one may hang */
			return 1;
		if (fd >= 0)
			close(fd);
	}
	return 0;
}
