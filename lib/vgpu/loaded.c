/* SPDX-License-Identifier: MIT */
/*
 * The name of a kernel in GPU memory. ROCR copies the loadable segments of a code object as they are,
 * the first of them with the ELF header and the dynamic symbols: enough to find the function at an
 * address. All of it is the program's memory: every read is bounded and may fail.
 * Source: ELF64 (System V gABI), ROCR amd_loader (segments in one allocation).
 */
#include "vgpu/internal.h"

#include <elf.h>
#include <stdio.h>

#define MAX_SYMBOLS 200000u
#define MAX_NAME    256u

struct image {
	struct rp_page_table *pt;
	uint64_t base;
};

static bool get(const struct image *im, uint64_t vaddr, void *dst, uint64_t n)
{
	struct rp_vgpu_fault fault;

	return rp_gpu_read(im->pt, im->base + vaddr, dst, n, &fault) == 0;
}

/* Addresses of the dynamic symbols, their names and their number (DT_HASH's chain count). */
static bool read_dynamic(const struct image *im, uint64_t vaddr, uint64_t bytes, uint64_t *symbols,
	uint64_t *strings, uint32_t *n)
{
	uint64_t hash = 0;
	uint32_t header[2];
	Elf64_Dyn dyn;

	*symbols = *strings = 0;
	for (uint64_t at = 0; at + sizeof(dyn) <= bytes && at < 4096; at += sizeof(dyn)) {
		if (!get(im, vaddr + at, &dyn, sizeof(dyn)) || dyn.d_tag == DT_NULL)
			break;
		if (dyn.d_tag == DT_SYMTAB)
			*symbols = dyn.d_un.d_ptr;
		else if (dyn.d_tag == DT_STRTAB)
			*strings = dyn.d_un.d_ptr;
		else if (dyn.d_tag == DT_HASH)
			hash = dyn.d_un.d_ptr;
	}
	if (!*symbols || !*strings || !hash || !get(im, hash, header, sizeof(header)))
		return false;
	*n = header[1];
	return *n > 0 && *n <= MAX_SYMBOLS;
}

static char *name_at(const struct image *im, uint64_t entry)
{
	uint64_t symbols = 0, strings = 0;
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	uint32_t n = 0;

	if (!get(im, 0, &eh, sizeof(eh)) || memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 ||
		eh.e_machine != 224 /* EM_AMDGPU */ || eh.e_phnum > 64)
		return NULL;
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		if (!get(im, eh.e_phoff + i * sizeof(ph), &ph, sizeof(ph)))
			return NULL;
		if (ph.p_type == PT_DYNAMIC &&
			!read_dynamic(im, ph.p_vaddr, ph.p_memsz, &symbols, &strings, &n))
			return NULL;
	}
	for (uint32_t i = 1; i < n; i++) {
		char name[MAX_NAME] = "";
		Elf64_Sym sym;

		if (!get(im, symbols + i * sizeof(sym), &sym, sizeof(sym)))
			return NULL;
		if (sym.st_value != entry - im->base || ELF64_ST_TYPE(sym.st_info) != STT_FUNC)
			continue;
		for (unsigned int k = 0; k + 1 < sizeof(name); k++)
			if (!get(im, strings + sym.st_name + k, &name[k], 1) || !name[k])
				break;
		for (char *c = name; *c; c++)
			if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
				*c = '?';
		return strdup(name);
	}
	return NULL;
}

char *rp_loaded_kernel_name(struct rp_page_table *pt, uint64_t entry)
{
	struct image im = { pt, 0 };
	const struct rp_gpu_map *m;

	(void)pthread_rwlock_rdlock(&pt->lock);
	m = rp_pt_find(pt, entry);
	im.base = m ? m->va : 0;
	(void)pthread_rwlock_unlock(&pt->lock);
	return im.base ? name_at(&im, entry) : NULL;
}
