/* SPDX-License-Identifier: MIT */
/*
 * exec_pair OLD NEW [corrupt]: runs every kernel of two code objects, each on the virtual card that its header
 * names, with the same memory, and compares what they wrote. corrupt: a timing hazard without its mitigation makes a
 * register wrong. Prints a line per kernel, "same NAME" or "differs NAME: why"; status 1 if one differs.
 */
#include <fcntl.h>

#include "gpu.h"

#define N_ITEMS 192u
#define GROUP	64u
#define BYTES	(N_ITEMS * 32u)

struct side {
	struct rp_buf file;
	struct rp_codeobj object;
	struct gpu gpu;
	uint64_t base, in, out, arg;
};

static int open_side(struct side *s, const char *path, bool corrupt, struct rp_error *err)
{
	uint64_t state = 99;
	char chip[64];
	int r = rp_file_read(AT_FDCWD, path, 64 << 20, &s->file, err);

	if (r == 0)
		r = rp_codeobj_open(rp_buf_span(&s->file), &s->object, err);
	if (r < 0)
		return r;
	(void)snprintf(
		chip, sizeof(chip), "%.*s", (int)strcspn(s->object.target, ":"), s->object.target);
	r = gpu_open(&s->gpu, chip, rp_exec_best_level(), 1,
		corrupt ? RP_EXEC_HAZARDS_CORRUPT : RP_EXEC_HAZARDS_OFF, err);
	if (r < 0)
		return r;
	/* data first: addresses are the same on both sides, whatever the size of the code */
	s->in = gpu_alloc(&s->gpu, BYTES + 65536);
	s->out = gpu_alloc(&s->gpu, BYTES + 65536);
	s->arg = gpu_alloc(&s->gpu, 4096);
	for (uint32_t i = 0; i < BYTES / 4; i++) {
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		((uint32_t *)gpu_host(&s->gpu, s->in))[i] = (uint32_t)(state >> 32);
	}
	return gpu_load(&s->gpu, &s->object, &s->base, err);
}

static int run(struct side *s, const struct rp_kernel *k, char why[160])
{
	struct rp_error err = RP_ERROR_INIT;
	struct rp_exec_report report = { 0 };
	struct rp_exec_dispatch d;
	struct rp_exec_fault fault;
	uint64_t args[2] = { s->in, s->out };
	int r;

	memset(gpu_host(&s->gpu, s->out), 0, BYTES);
	memcpy(gpu_host(&s->gpu, s->arg), args, sizeof(args));
	gpu_dispatch_init(&s->gpu, k, s->base, &d);
	d.kernarg = s->arg;
	d.grid[0] = N_ITEMS;
	d.group[0] = GROUP;
	r = rp_exec_dispatch(s->gpu.x, &d, &report, &fault, &err);
	if (r < 0)
		(void)snprintf(why, 160, "%.150s", err.text);
	return r;
}

static bool same(struct side *one, struct side *two, const struct rp_kernel *k)
{
	const struct rp_kernel *other = rp_codeobj_kernel(&two->object, k->name);
	char why[160] = "no such kernel";
	const uint32_t *a = gpu_host(&one->gpu, one->out), *b;

	if (!other || run(one, k, why) < 0 || run(two, other, why) < 0) {
		printf("differs %.*s: %s\n", (int)k->name.n, (const char *)k->name.p, why);
		return false;
	}
	b = gpu_host(&two->gpu, two->out);
	for (uint32_t i = 0; i < BYTES / 4; i++) {
		if (a[i] == b[i])
			continue;
		printf("differs %.*s: item %u result %u: %08x, %08x\n", (int)k->name.n,
			(const char *)k->name.p, i / 8, i % 8, a[i], b[i]);
		return false;
	}
	printf("same %.*s\n", (int)k->name.n, (const char *)k->name.p);
	return true;
}

int main(int argc, char **argv)
{
	static struct side one, two;
	struct rp_error err = RP_ERROR_INIT;
	unsigned int bad = 0;

	if (argc != 3 && argc != 4)
		return 2;
	if (open_side(&one, argv[1], argc == 4, &err) < 0 ||
		open_side(&two, argv[2], argc == 4, &err) < 0) {
		fprintf(stderr, "exec_pair: %s\n", err.text);
		return 2;
	}
	for (size_t i = 0; i < one.object.n_kernels; i++)
		bad += !same(&one, &two, &one.object.kernels[i]);
	gpu_close(&one.gpu);
	gpu_close(&two.gpu);
	rp_codeobj_close(&one.object);
	rp_codeobj_close(&two.object);
	rp_buf_free(&one.file);
	rp_buf_free(&two.file);
	return bad != 0;
}
