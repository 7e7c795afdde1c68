/* SPDX-License-Identifier: MIT */
/* Code objects come from any package or wheel: everything that is borrowed must lie inside the image. */
#include "codeobj/codeobj.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct rp_span image, struct rp_span s)
{
	if (s.n > 0 && (s.p < image.p || s.p + s.n > image.p + image.n))
		__builtin_trap();
}

static void check_sections(const struct rp_codeobj *o, struct rp_span image)
{
	struct rp_elf_symbols symbols;
	struct rp_elf_symbol symbol;

	for (size_t i = 0; i < o->elf.n_sections; i++) {
		const struct rp_elf_section *s = &o->elf.sections[i];
		struct rp_elf_reloc reloc;

		check(image, s->name);
		check(image, s->data);
		for (size_t k = 0; k < rp_elf_reloc_count(s); k++)
			if (!rp_elf_reloc(s, k, &reloc))
				__builtin_trap();
	}
	if (rp_elf_symbols(&o->elf, &symbols, NULL) == 0)
		for (size_t i = 0; i < symbols.n_symbols; i++)
			if (rp_elf_symbol(&symbols, i, &symbol))
				check(image, symbol.name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_span image = rp_span_of(data, size);
	struct rp_error err = RP_ERROR_INIT;
	struct rp_codeobj o = { 0 };
	struct rp_target_id id;

	if (rp_codeobj_open(image, &o, &err) < 0) {
		if (err.text[0] == '\0' || o.functions || o.elf.sections)
			__builtin_trap(); /* a refusal without a reason, or with an output */
		return 0;
	}
	check_sections(&o, image);
	check(image, o.metadata);
	check(image, o.metadata_target);
	(void)rp_target_id_parse(o.metadata_target, &id);
	for (size_t i = 0; i < o.n_functions; i++) {
		check(image, o.functions[i].name);
		check(image, o.functions[i].code);
		if (o.functions[i].code.n &&
			image.p + o.functions[i].offset != o.functions[i].code.p)
			__builtin_trap();
		if (i > 0 && o.functions[i].addr <= o.functions[i - 1].addr)
			__builtin_trap();
	}
	for (size_t i = 0; i < o.n_kernels; i++) {
		check(image, o.kernels[i].name);
		check(image, o.kernels[i].metadata.name);
		if (o.functions[o.kernels[i].function].addr != o.kernels[i].entry_addr)
			__builtin_trap();
		if (o.chip && o.chip->isa)
			(void)rp_descriptor_vgprs(&o.kernels[i].descriptor, o.chip);
	}
	rp_codeobj_close(&o);
	return 0;
}
