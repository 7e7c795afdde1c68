/* SPDX-License-Identifier: MIT */
/*
 * Code that comes and goes. Compiled with -DVALUE=N for the card (hipcc --genco): a code object. Compiled for the host:
 * hip_modules reload A B [N M]: loads A and B in turn, whose kernels give N and M, runs each and unloads it, and prints
 * how often B was where A had been; every value must be that of the code loaded last. hip_modules trap|violation|illegal A:
 * a kernel that ends so. Needs nothing of HIP but the module functions, so it runs with HIP 5 and HIP 6.
 */
#ifdef VALUE
#include <hip/hip_runtime.h>

extern "C" __global__ void value(unsigned long long *out)
{
	unsigned long long here;

	asm volatile("s_getpc_b64 %0" : "=s"(here));
	out[2 * threadIdx.x] = VALUE * (threadIdx.x + 1);
	out[2 * threadIdx.x + 1] = here;
}

extern "C" __global__ void trap(unsigned long long *)
{
	__builtin_trap();
}

extern "C" __global__ void violation(unsigned long long *)
{
	*(volatile int *)0xdeadbeefcafef00dull = 1;
}

extern "C" __global__ void illegal(unsigned long long *)
{
	asm volatile(".long 0xffffffff");
}
#else
#include <hip/hip_runtime_api.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#define CHECK(call)                                                                        \
	do {                                                                               \
		int e_ = (int)(call);                                                      \
		if (e_ != 0) {                                                             \
			fprintf(stderr, "%s:%d: %s: %d\n", __FILE__, __LINE__, #call, e_); \
			exit(1);                                                           \
		}                                                                          \
	} while (0)

#define LANES 64u

static unsigned long long *out;

/* Runs one kernel of a file; where: of its code. */
static void run(
	const char *file, const char *name, unsigned long long want, unsigned long long *where)
{
	unsigned long long got[2 * LANES];
	hipFunction_t function;
	hipModule_t module;
	void *args[] = { &out };

	CHECK(hipModuleLoad(&module, file));
	CHECK(hipModuleGetFunction(&function, module, name));
	CHECK(hipModuleLaunchKernel(function, 1, 1, 1, LANES, 1, 1, 0, nullptr, args, nullptr));
	CHECK(hipDeviceSynchronize());
	CHECK(hipMemcpy(got, out, sizeof(got), hipMemcpyDeviceToHost));
	for (unsigned i = 0; i < LANES; i++)
		if (got[2 * i] != want * (i + 1)) {
			fprintf(stderr, "%s: item %u is %llu, should be %llu\n", file, i,
				got[2 * i], want * (i + 1));
			exit(1);
		}
	*where = got[1];
	CHECK(hipModuleUnload(module));
}

int main(int argc, char **argv)
{
	unsigned long long a = 0, b = 0;
	unsigned same = 0;

	if (argc < 3)
		return 2;
	CHECK(hipMalloc((void **)&out, 2 * LANES * sizeof(*out)));
	CHECK(hipMemset(out, 0, 2 * LANES * sizeof(*out)));
	if (strcmp(argv[1], "reload") != 0) {
		run(argv[2], argv[1], 0, &a);
		return 0;
	}
	if (argc < 6)
		return 2;
	for (unsigned i = 0; i < 20; i++) {
		run(argv[2], "value", strtoull(argv[4], nullptr, 0), &a);
		run(argv[3], "value", strtoull(argv[5], nullptr, 0), &b);
		same += a == b;
	}
	printf("all values are right, %u of 20 at the same address\n", same);
	return 0;
}
#endif
