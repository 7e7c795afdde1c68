/* SPDX-License-Identifier: MIT */
/* One code object: target, functions, kernels. See codeobj/codeobj.h. */
#include <stdio.h>

#include "codeobj/internal.h"

#define MAX_FUNCTIONS 4000000u /* RCCL has 1,487, the largest Tensile file some hundreds */

bool rp_codeobj_is(struct rp_span image)
{
	uint16_t machine = 0;

	return rp_elf_is_64le(image) && rp_span_le16(image, 18, &machine) &&
	       machine == RP_EM_AMDGPU;
}

/* Two bits of e_flags in code object versions 4 and later (LLVM ELF.h, EF_AMDGPU_FEATURE_*_V4). */
static enum rp_codeobj_setting setting(uint32_t flags, unsigned int shift)
{
	return (enum rp_codeobj_setting)(flags >> shift & 3);
}

bool rp_codeobj_read_header(struct rp_span image, struct rp_codeobj *o)
{
	static const char *const sign[] = { "", "", "-", "+" };
	uint8_t abiversion = 0;
	uint32_t flags = 0;
	int n;

	if (!rp_span_u8(image, 8, &abiversion) || !rp_span_le32(image, 48, &flags))
		return false;
	o->mach = (uint8_t)flags;
	o->chip = rp_chip_by_mach(o->mach);
	o->cov = (uint8_t)(abiversion + 2);
	if (o->cov >= 4) {
		o->xnack = setting(flags, 8);
		o->sramecc = setting(flags, 10);
	} else if (o->cov == 3) {
		/* One bit each, "on" or not: EF_AMDGPU_FEATURE_XNACK_V3, _SRAMECC_V3. */
		o->xnack = flags >> 8 & 1		   ? RP_CODEOBJ_ON
			   : o->chip && o->chip->has_xnack ? RP_CODEOBJ_OFF
							   : RP_CODEOBJ_UNSUPPORTED;
		o->sramecc = flags >> 9 & 1		       ? RP_CODEOBJ_ON
			     : o->chip && o->chip->has_sramecc ? RP_CODEOBJ_OFF
							       : RP_CODEOBJ_UNSUPPORTED;
	}
	if (o->cov >= 6)
		o->generic_version = (uint8_t)(flags >> 24);
	if (o->chip)
		n = snprintf(o->target, sizeof(o->target), "%s", o->chip->name);
	else
		n = snprintf(o->target, sizeof(o->target), "mach-0x%02x", o->mach);
	if (o->sramecc >= RP_CODEOBJ_OFF)
		n += snprintf(o->target + n, sizeof(o->target) - (size_t)n, ":sramecc%s",
			sign[o->sramecc]);
	if (o->xnack >= RP_CODEOBJ_OFF)
		(void)snprintf(
			o->target + n, sizeof(o->target) - (size_t)n, ":xnack%s", sign[o->xnack]);
	return true;
}

bool rp_descriptor_read(struct rp_span b, struct rp_kernel_descriptor *ret)
{
	struct rp_kernel_descriptor d = { 0 };
	uint64_t entry;

	if (!rp_span_le32(b, 0, &d.lds_bytes) || !rp_span_le32(b, 4, &d.private_bytes) ||
		!rp_span_le32(b, 8, &d.kernarg_bytes) || !rp_span_le64(b, 16, &entry) ||
		!rp_span_le32(b, 44, &d.rsrc3) || !rp_span_le32(b, 48, &d.rsrc1) ||
		!rp_span_le32(b, 52, &d.rsrc2) || !rp_span_le16(b, 56, &d.properties) ||
		!rp_span_le16(b, 58, &d.kernarg_preload) || b.n < RP_KERNEL_DESCRIPTOR_BYTES)
		return false;
	d.entry_offset = (int64_t)entry;
	*ret = d;
	return true;
}

uint32_t rp_descriptor_vgprs(const struct rp_kernel_descriptor *d, const struct rp_chip *chip)
{
	return ((d->rsrc1 & 0x3f) + 1) * chip->vgpr_encode[rp_descriptor_is_wave32(d) ? 0 : 1];
}

static int by_address(const void *a, const void *b)
{
	const struct rp_function *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	/* Of several names the one with a size comes first, then by name: not by the order in the file. */
	if (x->has_size != y->has_size)
		return x->has_size ? -1 : 1;
	if (x->name.n != y->name.n)
		return x->name.n < y->name.n ? -1 : 1;
	return x->name.n ? memcmp(x->name.p, y->name.p, x->name.n) : 0;
}

static int by_descriptor(const void *a, const void *b)
{
	const struct rp_kernel *x = a, *y = b;

	return x->descriptor_addr < y->descriptor_addr ? -1
						       : x->descriptor_addr > y->descriptor_addr;
}

static bool is_kernel_symbol(const struct rp_elf_symbol *s)
{
	return s->type == RP_STT_OBJECT && s->name.n > 3 &&
	       memcmp(s->name.p + s->name.n - 3, ".kd", 3) == 0;
}

/* Functions without their ends, kernels without their functions. */
struct lists {
	struct rp_function *functions;
	size_t n_functions, cap_functions;
	struct rp_kernel *kernels;
	size_t n_kernels, cap_kernels;
};

static int add_function(struct lists *l, const struct rp_elf *elf, const struct rp_elf_symbol *s,
	struct rp_error *err)
{
	const struct rp_elf_section *section;
	struct rp_span code;
	int r;

	if (s->section == 0 || s->section >= elf->n_sections)
		return 0; /* undefined or special */
	section = &elf->sections[s->section];
	if (!(section->flags & RP_SHF_EXECINSTR))
		return 0;
	if (!section->in_file)
		return RP_FAIL(err, -EBADMSG,
			"truncated: code section at offset %llu, %llu bytes, is outside the file",
			(unsigned long long)section->offset, (unsigned long long)section->size);
	if (s->value < section->addr ||
		!rp_span_sub(section->data, s->value - section->addr, s->size, &code))
		return RP_FAIL(err, -EBADMSG,
			"function %.*s at 0x%llx, %llu bytes, is outside its section",
			(int)(s->name.n < 80 ? s->name.n : 80), (const char *)s->name.p,
			(unsigned long long)s->value, (unsigned long long)s->size);
	if (l->n_functions >= MAX_FUNCTIONS)
		return RP_FAIL(err, -EBADMSG, "more than %u functions", MAX_FUNCTIONS);
	r = rp_array_grow(&l->functions, &l->cap_functions, l->n_functions, sizeof(*l->functions));
	if (r < 0)
		return RP_NOMEM(err);
	l->functions[l->n_functions++] = (struct rp_function){
		.name = s->name,
		.addr = s->value,
		.offset = section->offset + (s->value - section->addr),
		.code = code,
		.section = s->section,
		.has_size = s->size != 0,
		.kernel = RP_CODEOBJ_NO_KERNEL,
	};
	return 0;
}

static int add_kernel(struct lists *l, const struct rp_elf *elf, const struct rp_elf_symbol *s,
	struct rp_error *err)
{
	struct rp_kernel k = { .name = rp_span_of(s->name.p, s->name.n - 3),
		.descriptor_addr = s->value };
	struct rp_span b;
	int r;

	if (s->section == 0)
		return 0; /* a reference to a kernel of another object */
	if (!rp_elf_at(elf, s->value, RP_KERNEL_DESCRIPTOR_BYTES, &b))
		return RP_FAIL(err, -EBADMSG, "descriptor %.*s at 0x%llx is outside the file",
			(int)(s->name.n < 80 ? s->name.n : 80), (const char *)s->name.p,
			(unsigned long long)s->value);
	if (!rp_descriptor_read(b, &k.descriptor))
		return RP_FAIL(
			err, -EBADMSG, "descriptor at 0x%llx is cut", (unsigned long long)s->value);
	k.descriptor_offset = (uint64_t)(b.p - elf->image.p);
	k.entry_addr = s->value + (uint64_t)k.descriptor.entry_offset;
	r = rp_array_grow(&l->kernels, &l->cap_kernels, l->n_kernels, sizeof(*l->kernels));
	if (r < 0)
		return RP_NOMEM(err);
	l->kernels[l->n_kernels++] = k;
	return 0;
}

static int collect(struct lists *l, const struct rp_elf *elf, struct rp_error *err)
{
	struct rp_elf_symbols symbols;
	int r;

	r = rp_elf_symbols(elf, &symbols, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < symbols.n_symbols; i++) {
		struct rp_elf_symbol s;

		if (!rp_elf_symbol(&symbols, i, &s))
			return RP_FAIL(
				err, -EBADMSG, "symbol %zu: its name is outside the file", i);
		if (s.type == RP_STT_FUNC)
			r = add_function(l, elf, &s, err);
		else if (is_kernel_symbol(&s))
			r = add_kernel(l, elf, &s, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * The end of a function of size 0 (Tensile's assembler kernels): the next function or
 * the end of the section, without the padding that assembler and linker put behind
 * code: zeros, s_code_end (bf9f0000) and s_nop 0 (bf800000).
 */
static struct rp_span without_padding(struct rp_span code)
{
	uint32_t w = 0;

	code.n &= ~(size_t)3;
	while (code.n >= 4 && rp_span_le32(code, code.n - 4, &w) &&
		(w == 0 || w == 0xbf9f0000 || w == 0xbf800000))
		code.n -= 4;
	return code;
}

static void set_ends(struct lists *l, const struct rp_elf *elf)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_functions; i++)
		if (n == 0 || l->functions[n - 1].addr != l->functions[i].addr)
			l->functions[n++] = l->functions[i];
	l->n_functions = n;
	for (size_t i = 0; i < n; i++) {
		struct rp_function *f = &l->functions[i];
		const struct rp_elf_section *s = &elf->sections[f->section];
		uint64_t start = f->addr - s->addr, end = s->data.n;
		struct rp_span code;

		if (f->has_size)
			continue;
		if (i + 1 < n && f[1].section == f->section)
			end = f[1].addr - s->addr;
		if (rp_span_sub(s->data, start, end - start, &code))
			f->code = without_padding(code);
	}
}

static struct rp_function *function_at(const struct lists *l, uint64_t addr)
{
	size_t lo = 0, hi = l->n_functions;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->functions[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n_functions && l->functions[lo].addr == addr ? &l->functions[lo] : NULL;
}

/* A kernel whose function symbol is missing (stripped) still has an entry: code of unknown size. */
static int add_missing_entries(struct lists *l, const struct rp_elf *elf, struct rp_error *err)
{
	size_t n_before = l->n_functions;
	int r;

	for (size_t i = 0; i < l->n_kernels; i++) {
		const struct rp_kernel *k = &l->kernels[i];
		struct rp_elf_symbol s = {
			.name = k->name, .type = RP_STT_FUNC, .value = k->entry_addr
		};
		size_t at = elf->n_sections;
		struct lists before = *l;

		before.n_functions = n_before;
		if (function_at(&before, k->entry_addr))
			continue;
		for (size_t j = 1; j < elf->n_sections; j++) {
			const struct rp_elf_section *x = &elf->sections[j];

			if ((x->flags & RP_SHF_EXECINSTR) && k->entry_addr >= x->addr &&
				k->entry_addr - x->addr < x->size)
				at = j;
		}
		if (at == elf->n_sections || at > UINT16_MAX)
			return RP_FAIL(err, -EBADMSG,
				"kernel %.*s: entry 0x%llx is in no code section",
				(int)(k->name.n < 80 ? k->name.n : 80), (const char *)k->name.p,
				(unsigned long long)k->entry_addr);
		s.section = (uint16_t)at;
		r = add_function(l, elf, &s, err);
		if (r < 0)
			return r;
	}
	if (l->n_functions > 1 && l->n_functions != n_before)
		qsort(l->functions, l->n_functions, sizeof(*l->functions), by_address);
	return 0;
}

static int read_code(struct rp_codeobj *o, struct rp_error *err)
{
	struct lists l = { 0 };
	int r;

	r = collect(&l, &o->elf, err);
	if (r == 0) {
		if (l.n_functions > 1)
			qsort(l.functions, l.n_functions, sizeof(*l.functions), by_address);
		if (l.n_kernels > 1)
			qsort(l.kernels, l.n_kernels, sizeof(*l.kernels), by_descriptor);
		r = add_missing_entries(&l, &o->elf, err);
	}
	/* From here on the object owns the lists, whatever comes. */
	if (r == 0)
		set_ends(&l, &o->elf);
	o->functions = l.functions;
	o->n_functions = l.n_functions;
	o->kernels = l.kernels;
	o->n_kernels = l.n_kernels;
	for (size_t i = 0; r == 0 && i < l.n_kernels; i++) {
		struct rp_function *f = function_at(&l, l.kernels[i].entry_addr);

		if (!f)
			return RP_FAIL(err, -EBADMSG, "kernel %zu has no entry", i);
		l.kernels[i].function = (size_t)(f - l.functions);
		if (f->kernel == RP_CODEOBJ_NO_KERNEL) {
			f->kernel = i;
			f->name = l.kernels[i].name;
		}
	}
	return r;
}

int rp_codeobj_open(struct rp_span image, struct rp_codeobj *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_codeobj_close) struct rp_codeobj o = { 0 };
	const struct rp_elf_section *text;
	int r;

	r = rp_elf_open(image, &o.elf, err);
	if (r < 0)
		return r;
	if (o.elf.machine != RP_EM_AMDGPU)
		return RP_FAIL(err, -EBADMSG, "machine %u is not AMDGPU (%d)", o.elf.machine,
			RP_EM_AMDGPU);
	if (o.elf.type == RP_ET_REL)
		return RP_FAIL(err, -EOPNOTSUPP, "an AMDGPU object file, not yet linked");
	if (o.elf.n_sections == 0)
		return RP_FAIL(err, -EBADMSG, "no section headers: its functions cannot be told");
	for (size_t i = 0; i < o.elf.n_sections; i++)
		if (!o.elf.sections[i].in_file && (o.elf.sections[i].flags & RP_SHF_ALLOC))
			return RP_FAIL(err, -EBADMSG,
				"truncated: section %.*s at offset %llu, %llu bytes; the object "
				"ends at %zu",
				(int)o.elf.sections[i].name.n,
				(const char *)o.elf.sections[i].name.p,
				(unsigned long long)o.elf.sections[i].offset,
				(unsigned long long)o.elf.sections[i].size, image.n);
	if (!rp_codeobj_read_header(image, &o))
		return RP_FAIL(err, -EBADMSG, "truncated: the ELF header is cut");
	text = rp_elf_section(&o.elf, ".text");
	o.text_bytes = text ? text->size : 0;
	r = read_code(&o, err);
	if (r < 0)
		return r;
	r = rp_codeobj_read_metadata(&o, err);
	if (r < 0)
		return r;
	*ret = o;
	o = (struct rp_codeobj){ 0 };
	return 0;
}

void rp_codeobj_close(struct rp_codeobj *object)
{
	rp_elf_close(&object->elf);
	free(object->kernels);
	free(object->functions);
	*object = (struct rp_codeobj){ 0 };
}

const struct rp_kernel *rp_codeobj_kernel(const struct rp_codeobj *object, struct rp_span name)
{
	for (size_t i = 0; i < object->n_kernels; i++)
		if (rp_span_eq(object->kernels[i].name, name))
			return &object->kernels[i];
	return NULL;
}
