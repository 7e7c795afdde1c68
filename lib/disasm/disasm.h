/* SPDX-License-Identifier: MIT */
/*
 * Listings of code objects: the instructions of a function with labels at branch targets, and kernel
 * descriptors as directives. The syntax is that of llvm-objdump-19 with --symbolize-operands; the
 * texts are pieces, how they stand in a line is up to the caller.
 */
#ifndef RP_DISASM_H
#define RP_DISASM_H

#include "base/base.h"
#include "chip/chip.h"
#include "codeobj/codeobj.h"
#include "isa/isa.h"

#define RP_DISASM_NONE UINT32_MAX

/* Memory of one listing at a time; used again by the next. */
struct rp_disasm {
	struct rp_isa_target target;
	struct rp_span code; /* borrowed */
	size_t off; /* of the next line */
	uint64_t *starts; /* owned; a bit for each word at which an instruction starts */
	uint64_t *targets; /* owned; ... to which a branch goes */
	uint32_t *before; /* owned; number of labels before each 64 words */
	size_t cap;
	char text[RP_ISA_TEXT_MAX];
};

#define RP_DISASM_INIT              \
	{                           \
		.code = { NULL, 0 } \
	}

void rp_disasm_free(struct rp_disasm *d);

/* Begins the listing of code, entered at its start. -ENOMEM; -EFBIG: 4 GiB or more. */
RP_MUST_CHECK int rp_disasm_start(struct rp_disasm *d, const struct rp_isa_target *target,
	struct rp_span code, struct rp_error *err);

struct rp_disasm_line {
	struct rp_isa_inst inst;
	size_t off; /* in the code */
	const char *text; /* valid until the next line; a branch names its label, "s_branch L2" */
	size_t length;
	uint32_t label; /* number of the label that stands here, or RP_DISASM_NONE */
	bool is_branch; /* ... within the function, s_branch and its like: target is set */
	uint32_t
		target_label; /* of the branch; RP_DISASM_NONE: it goes to no instruction of this code */
	int64_t target; /* byte offset in the code, may be outside */
};

/* The next instruction; false at the end. */
bool rp_disasm_next(struct rp_disasm *d, struct rp_disasm_line *ret);

/* How code number index of object is read: by its kernel's descriptor; a device function as all kernels agree. */
struct rp_isa_target rp_disasm_target_of(const struct rp_codeobj *object, size_t index);

struct rp_disasm_field {
	const char *name; /* "next_free_vgpr": the directive without ".amdhsa_" */
	uint32_t value;
	bool is_directive; /* false: no directive can say it */
};

#define RP_DISASM_MAX_FIELDS 60

/*
 * A gfx10 kernel's descriptor, field by field in LLVM's order; returns the number of fields. Reserved
 * bits are fields only where they are set.
 */
size_t rp_disasm_descriptor(const struct rp_kernel_descriptor *d, const struct rp_chip *chip,
	struct rp_disasm_field ret[RP_DISASM_MAX_FIELDS]);

#endif
