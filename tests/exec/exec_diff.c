/* SPDX-License-Identifier: MIT */
/*
 * exec_diff OBJECT LIBRARY LEVEL THREADS [corrupt]
 * LEVEL: portable, avx2, avx512 or best. corrupt: a timing hazard without its mitigation makes a register wrong.
 *
 * Runs every kernel "kN" of a code object and the function "kN" of a host library, made of the same
 * source (gen_kernels.py), on the same input and compares all results bit by bit. Prints the
 * differences and "ok KERNELS INSTRUCTIONS"; status 1 if there is one.
 */
#include <dlfcn.h>
#include <fcntl.h>

#include "gpu.h"

#define N_ITEMS 192u
#define N_IN	(N_ITEMS * 8u)
#define N_OUT	(N_ITEMS * 8u)
#define GROUP	64u

typedef void host_fn(const uint32_t *in, uint32_t *out, uint32_t gid);

/* Values near the edges of integers and floats, and plain random ones. */
static uint32_t interesting(uint64_t *state)
{
	static const uint32_t edges[] = { 0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe,
		0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0x00800000, 0x007fffff, 0x00000001,
		0x3f800000, 0xbf800000, 0x4b800000, 0x4f000000, 0xcf000000, 0x3c003c00, 0x7c007bff,
		0x00010001, 0x80008000, 0x7f7fffff, 0x40490fdb, 31, 32, 33, 63, 64 };
	uint32_t r;

	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	r = (uint32_t)(*state >> 32);
	if ((r & 7) == 0)
		return edges[(r >> 8) % RP_ARRAY_SIZE(edges)];
	if ((r & 7) == 1)
		return (r >> 8) & 0xff;
	if ((r & 7) <= 4) /* floats of moderate size */
		return (r & 0x807fffffu) | (118u + (r >> 9) % 20u) << 23;
	return r * 2654435761u;
}

static int read_file(const char *path, struct rp_buf *ret, struct rp_error *err)
{
	return rp_file_read(AT_FDCWD, path, 64 << 20, ret, err);
}

static int one(struct gpu *g, const struct rp_kernel *k, uint64_t base, void *library, uint64_t in,
	uint64_t out, uint64_t arg, struct rp_exec_report *report, bool *ret_differs)
{
	struct rp_error err = RP_ERROR_INIT;
	struct rp_exec_dispatch d;
	struct rp_exec_fault fault;
	uint32_t expect[N_OUT], *got = gpu_host(g, out);
	uint64_t args[2] = { in, out };
	char name[64];
	host_fn *fn;
	void *symbol;
	int r;

	(void)snprintf(name, sizeof(name), "%.*s", (int)k->name.n, (const char *)k->name.p);
	symbol = dlsym(library, name);
	if (!symbol) {
		printf("%s: not in the library\n", name);
		return -ENOENT;
	}
	memcpy(&fn, &symbol, sizeof(fn));
	memset(expect, 0, sizeof(expect));
	memset(got, 0, sizeof(expect));
	memset(gpu_host(g, arg), 0, 512);
	memcpy(gpu_host(g, arg), args, sizeof(args));
	for (uint32_t i = 0; i < N_ITEMS; i++)
		fn(gpu_host(g, in), expect, i);
	gpu_dispatch_init(g, k, base, &d);
	d.kernarg = arg;
	d.grid[0] = N_ITEMS;
	d.group[0] = GROUP;
	r = rp_exec_dispatch(g->x, &d, report, &fault, &err);
	if (r < 0) {
		printf("%s: %s\n", name, err.text);
		return r;
	}
	for (uint32_t i = 0; i < N_OUT; i++)
		if (expect[i] != got[i]) {
			printf("%s: item %u result %u: expected %08x, got %08x\n", name, i / 8,
				i % 8, expect[i], got[i]);
			*ret_differs = true;
			break;
		}
	return 0;
}

static enum rp_exec_level level_of(const char *name)
{
	for (unsigned int i = 0; i < RP_EXEC_LEVEL_MAX; i++)
		if (strcmp(rp_exec_level_name(i), name) == 0)
			return (enum rp_exec_level)i;
	return rp_exec_best_level();
}

static int run(int argc, char **argv, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf file = RP_BUF_INIT;
	struct rp_exec_report report = { 0 };
	struct rp_codeobj object;
	struct gpu g;
	uint64_t base = 0, in, out, arg, state = 12345;
	unsigned int bad = 0, n = 0;
	void *library;
	char chip[64];
	int r;

	if (argc != 5 && argc != 6)
		return RP_FAIL(
			err, -EINVAL, "usage: exec_diff OBJECT LIBRARY LEVEL THREADS [corrupt]");
	r = read_file(argv[1], &file, err);
	if (r < 0)
		return r;
	r = rp_codeobj_open(rp_span_of(file.p, file.n), &object, err);
	if (r < 0)
		return r;
	library = dlopen(argv[2], RTLD_NOW);
	if (!library)
		return RP_FAIL(err, -ENOENT, "%s", dlerror());
	(void)snprintf(chip, sizeof(chip), "%.*s", (int)strcspn(object.target, ":"), object.target);
	r = gpu_open(&g, chip, level_of(argv[3]), (unsigned int)strtoul(argv[4], NULL, 10),
		argc == 6 ? RP_EXEC_HAZARDS_CORRUPT : RP_EXEC_HAZARDS_OFF, err);
	if (r < 0)
		return r;
	r = gpu_load(&g, &object, &base, err);
	if (r < 0)
		return r;
	in = gpu_alloc(&g, N_IN * 4);
	out = gpu_alloc(&g, N_OUT * 4);
	arg = gpu_alloc(&g, 4096);
	for (uint32_t i = 0; i < N_IN; i++)
		((uint32_t *)gpu_host(&g, in))[i] = interesting(&state);
	for (size_t i = 0; i < object.n_kernels; i++, n++) {
		bool differs = false;

		if (one(&g, &object.kernels[i], base, library, in, out, arg, &report, &differs) <
				0 ||
			differs)
			bad++;
	}
	gpu_close(&g);
	rp_codeobj_close(&object);
	printf("%s %u %llu %u\n", bad ? "bad" : "ok", n, (unsigned long long)report.n_instructions,
		bad);
	return bad || !n ? -EPROTO : 0;
}

int main(int argc, char **argv)
{
	struct rp_error err = RP_ERROR_INIT;
	int r = run(argc, argv, &err);

	if (r < 0 && err.code)
		fprintf(stderr, "exec_diff: %s\n", err.text);
	return r < 0;
}
