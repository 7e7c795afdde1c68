/* SPDX-License-Identifier: MIT */
/*
 * What a card cannot run, or runs wrongly, in code objects that were made for another chip (or
 * for it): every instruction is looked at, the timing hazards over the control-flow graph.
 *
 * All knowledge is by reading: LLVM's source for what the compiler avoids on a chip, the instruction
 * table for what exists. Nothing here has met silicon: a finding says that AMD's own
 * compiler would not have made this code for the card.
 */
#ifndef RP_SCAN_H
#define RP_SCAN_H

#include "base/base.h"
#include "chip/chip.h"
#include "codeobj/codeobj.h"
#include "flow/flow.h"

enum rp_scan_class {
	RP_SCAN_ILLEGAL, /* the card has no such instruction */
	RP_SCAN_PREFETCH,
	RP_SCAN_BRANCH_3F,
	RP_SCAN_SMEM_TO_VECTOR,
	RP_SCAN_NSA_LENGTH,
	RP_SCAN_OTHER_INSTRUCTION, /* the same bits are another instruction */
	RP_SCAN_FLAT_OFFSET,
	RP_SCAN_VMEM_TO_SCALAR,
	RP_SCAN_VCMPX_EXEC_WAR,
	RP_SCAN_VCMPX_PERMLANE,
	RP_SCAN_LDS_BRANCH_VMEM,
	RP_SCAN_NSA_TO_VMEM,
	RP_SCAN_NSA_CLAUSE,
	RP_SCAN_SCRATCH_OFFSET,
	RP_SCAN_LDS_MISALIGNED, /* by its own offset */
	RP_SCAN_LDS_WIDE, /* wide DS in WGP mode: by the address, which is not known */
	RP_SCAN_NULL_SDST,
	RP_SCAN_SHADER_CYCLES,
	RP_SCAN_UNDECODABLE,
	RP_SCAN_SAVEEXEC, /* strict only */
	RP_SCAN_CLASS_MAX
};

#define RP_SCAN_BIT(c) (1u << (c))

enum rp_scan_severity {
	RP_SCAN_FAULT, /* faults or hangs */
	RP_SCAN_WRONG, /* wrong data */
	RP_SCAN_UNKNOWN, /* cannot tell from the code alone */
	RP_SCAN_SEVERITY_MAX
};

struct rp_scan_class_info {
	const char *name; /* "flat-offset" */
	enum rp_scan_severity severity;
	const char *what; /* one sentence: what the card does */
	const char *source; /* where that is known from */
	const char *mitigation; /* what a compiler for the card emits instead */
	bool strict; /* looked for only if asked */
};

const struct rp_scan_class_info *rp_scan_class_info(unsigned int class); /* NULL: out of range */
int rp_scan_class_by_name(struct rp_span name); /* -1: no such class */
const char *rp_scan_severity_name(enum rp_scan_severity severity); /* "faults or hangs", ... */
/* Bits of all classes of a severity. */
uint32_t rp_scan_classes_of(enum rp_scan_severity severity);
/* Classes that can be found at all on this card: by its features. */
uint32_t rp_scan_classes_for(const struct rp_chip *chip, bool strict);

struct rp_scan_options {
	const struct rp_chip *chip; /* the card; its isa must not be 0 */
	bool strict;
};

/* Scratch memory of one thread. */
struct rp_scanner {
	struct rp_flow flow; /* the function that was scanned last */
	uint32_t *marks; /* owned; per instruction of flow the classes found there */
	size_t cap_marks;
	/* internal */
	struct rp_scan_block *blocks;
	struct rp_scan_candidate *candidates;
	size_t cap_blocks, cap_candidates;
};

#define RP_SCANNER_INIT              \
	{                            \
		.flow = RP_FLOW_INIT \
	}

void rp_scanner_free(struct rp_scanner *s);

/* How code that is no kernel of its own shall be read. */
struct rp_scan_mode {
	bool wave64, wgp;
};

struct rp_scan_function {
	uint32_t classes; /* RP_SCAN_BIT */
	uint32_t n_instructions;
	uint32_t n[RP_SCAN_CLASS_MAX]; /* instructions per class */
};

/*
 * One function of code that was made for `code`. The scanner's flow and marks are of this
 * function until the next call. 0; -ENOMEM; -EFBIG.
 */
RP_MUST_CHECK int rp_scan_code(struct rp_scanner *s, const struct rp_scan_options *options,
	const struct rp_chip *code_chip, struct rp_span code, struct rp_scan_mode mode,
	struct rp_scan_function *ret, struct rp_error *err);

/* Function number index of object, whose chip must be a gfx10 one. */
RP_MUST_CHECK int rp_scan_function(struct rp_scanner *s, const struct rp_scan_options *options,
	const struct rp_codeobj *object, size_t index, struct rp_scan_function *ret,
	struct rp_error *err);

/* Mode of function number index: its kernel's descriptor, else what the object's kernels agree on. */
struct rp_scan_mode rp_scan_mode_of(const struct rp_codeobj *object, size_t index);

struct rp_scan_count {
	uint64_t instructions, functions, kernels; /* functions: kernels and device functions */
};

struct rp_scan_result {
	uint64_t n_objects, n_kernels, n_functions, n_instructions, code_bytes;
	struct rp_scan_count classes[RP_SCAN_CLASS_MAX];
	struct rp_scan_count severities[RP_SCAN_SEVERITY_MAX]; /* with a class of it */
	struct rp_scan_count affected; /* with a fault or wrong data */
	struct rp_scan_count hard; /* illegal, prefetch, flat offset */
};

void rp_scan_add(struct rp_scan_result *to, const struct rp_scan_result *from);

/* A code object that was scanned. */
struct rp_scan_found {
	const struct rp_codeobj_place *place;
	const struct rp_codeobj
		*object; /* chip may be NULL or not gfx10: then result is all zeros */
	bool is_scanned;
	bool is_native; /* the card runs code for this target by name */
	const uint32_t *functions; /* classes of each function of object; NULL if not scanned */
	const struct rp_scan_result *result;
};

struct rp_scan_visitor {
	/* Each code object, in the order of the files, on the caller's thread. */
	int (*found)(void *data, const struct rp_scan_found *found, struct rp_error *err);
	int (*damage)(void *data, const struct rp_codeobj_place *place,
		const struct rp_error *damage, struct rp_error *err);
	void *data;
};

/*
 * Scans everything below path with n_threads threads (0: as many as there are processors). gfx10 objects are
 * read and scanned, others only named. Errors as rp_codeobj_find.
 */
RP_MUST_CHECK int rp_scan_find(const struct rp_ctx *ctx, int dirfd, const char *path,
	const struct rp_scan_options *options, unsigned int n_threads,
	const struct rp_scan_visitor *visitor, struct rp_codeobj_stats *ret_stats,
	struct rp_error *err);

#endif
