/* SPDX-License-Identifier: MIT */
/* A machine for tests: one block of memory at a GPU address that is no host address, a loader for code objects. */
#ifndef TESTS_EXEC_GPU_H
#define TESTS_EXEC_GPU_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/base.h"
#include "vgpu/exec/exec.h"

#define GPU_BASE	   UINT64_C(0x400000000000)
#define GPU_BYTES	   (UINT64_C(192) << 20)
#define SCRATCH_WAVE_BYTES (512u << 10)
#define SCRATCH_WAVES	   64u

struct gpu {
	struct rp_exec *x;
	uint8_t *memory;
	uint64_t used;
	uint64_t scratch; /* GPU address */
	const struct rp_chip *chip;
};

static bool gpu_find(void *data, uint64_t va, struct rp_exec_range *ret)
{
	struct gpu *g = data;

	if (va - GPU_BASE >= GPU_BYTES)
		return false;
	*ret = (struct rp_exec_range){ GPU_BASE, GPU_BYTES, g->memory,
		RP_EXEC_READ | RP_EXEC_WRITE | RP_EXEC_EXECUTE };
	return true;
}

static uint64_t gpu_generation(void *data)
{
	(void)data;
	return 1;
}

static inline void *gpu_host(struct gpu *g, uint64_t va)
{
	return g->memory + (va - GPU_BASE);
}

static inline uint64_t gpu_alloc(struct gpu *g, uint64_t size)
{
	uint64_t va = GPU_BASE + g->used;

	g->used = (g->used + size + 4095) / 4096 * 4096;
	if (g->used > GPU_BYTES)
		abort();
	return va;
}

static inline int gpu_open(struct gpu *g, const char *chip, enum rp_exec_level level,
	unsigned int threads, enum rp_exec_hazards hazards, struct rp_error *err)
{
	struct rp_exec_config c = { .level = level,
		.n_threads = threads,
		.hazards = hazards,
		.seed = 1,
		.memory = { gpu_find, gpu_generation, g } };

	void *p;

	memset(g, 0, sizeof(*g));
	g->chip = rp_chip_by_name(rp_span_str(chip));
	if (!g->chip)
		return RP_FAIL(err, -EINVAL, "no chip %s", chip);
	c.chip = g->chip;
	c.features = g->chip->features;
	p = mmap(NULL, GPU_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return RP_NOMEM(err);
	g->memory = p;
	(void)gpu_alloc(g, 4096);
	g->scratch = gpu_alloc(g, (uint64_t)SCRATCH_WAVE_BYTES * SCRATCH_WAVES);
	return rp_exec_new(&c, &g->x, err);
}

static inline void gpu_close(struct gpu *g)
{
	rp_exec_free(g->x);
	(void)munmap(g->memory, GPU_BYTES);
}

/* Copies the loadable segments; *ret_base is where address 0 of the object is. */
static inline int gpu_load(
	struct gpu *g, const struct rp_codeobj *o, uint64_t *ret_base, struct rp_error *err)
{
	uint64_t top = 0;
	uint64_t base;

	for (size_t i = 0; i < o->elf.n_segments; i++)
		if (o->elf.segments[i].type == 1 &&
			o->elf.segments[i].vaddr + o->elf.segments[i].memsz > top)
			top = o->elf.segments[i].vaddr + o->elf.segments[i].memsz;
	base = gpu_alloc(g, top + 4096);
	for (size_t i = 0; i < o->elf.n_segments; i++) {
		const struct rp_elf_segment *s = &o->elf.segments[i];
		struct rp_span from;

		if (s->type != 1)
			continue;
		if (!rp_span_sub(o->elf.image, s->offset, s->filesz, &from))
			return RP_FAIL(err, -EBADMSG, "a segment is outside of the file");
		memcpy(gpu_host(g, base + s->vaddr), from.p, from.n);
	}
	for (size_t i = 0; i < o->elf.n_sections; i++) { /* dynamic relocations */
		const struct rp_elf_section *s = &o->elf.sections[i];
		struct rp_elf_reloc r;

		for (size_t k = 0; s->type == RP_SHT_RELA && k < rp_elf_reloc_count(s); k++) {
			uint64_t value;

			if (!rp_elf_reloc(s, k, &r) || r.type != 13)
				return RP_FAIL(err, -EOPNOTSUPP, "relocation type %u", r.type);
			value = base + (uint64_t)r.addend;
			memcpy(gpu_host(g, base + r.offset), &value, 8);
		}
	}
	*ret_base = base;
	return 0;
}

/* A dispatch with scratch memory and everything that a kernel may ask for; grid and kernarg are the caller's. */
static inline void gpu_dispatch_init(
	struct gpu *g, const struct rp_kernel *k, uint64_t base, struct rp_exec_dispatch *d)
{
	uint64_t wave = SCRATCH_WAVE_BYTES;

	memset(d, 0, sizeof(*d));
	d->descriptor = k->descriptor;
	d->entry = base + k->entry_addr;
	d->lds_bytes = k->descriptor.lds_bytes;
	d->flat_scratch = g->scratch;
	d->private_bytes = k->descriptor.private_bytes;
	d->scratch_wave_bytes = (uint32_t)wave;
	d->scratch_waves = SCRATCH_WAVES;
	/* as ROCR makes it: swizzled by thread id, no bounds check */
	d->private_srd[0] = (uint32_t)g->scratch;
	d->private_srd[1] = (uint32_t)(g->scratch >> 32) | 0x80000000u;
	d->private_srd[2] = (uint32_t)(wave * SCRATCH_WAVES);
	d->private_srd[3] = 1u << 23 | 2u << 28;
	d->deadline_ms = 60000;
	d->grid[1] = d->grid[2] = d->group[1] = d->group[2] = 1;
}

#endif
