/* SPDX-License-Identifier: MIT */
/*
 * rocm-patch-load LIBRARY NAMES: loads a shared library with all its symbols
 * bound and looks every name of the file NAMES up. A program of its own, started
 * in a child: what a library does while it is loaded must not touch rocm-patch.
 * Prints one line; 0 if all is there, 1 if not, 2 for wrong use.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	unsigned long n = 0, missing = 0;
	char line[4096];
	void *lib;
	FILE *f;

	if (argc != 3)
		return 2;
	f = fopen(argv[2], "re");
	if (!f) {
		printf("cannot read %s\n", argv[2]);
		return 2;
	}
	lib = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		printf("%s\n", dlerror());
		(void)fclose(f);
		return 1;
	}
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		n++;
		if (!dlsym(lib, line)) {
			if (missing++ == 0)
				printf("not found: %s\n", line);
		}
	}
	(void)fclose(f);
	printf("%lu of %lu symbols found\n", n - missing, n);
	return missing ? 1 : 0;
}
