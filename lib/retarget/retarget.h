/* SPDX-License-Identifier: MIT */
/*
 * Code made for one gfx10 chip, rewritten for another: mostly gfx1030 code for gfx1010. What
 * lib/scan finds is replaced by what LLVM, AMD's own compiler, emits for the card; functions
 * are laid out again, and everything in the file that speaks of an address follows.
 *
 * A function that cannot be fixed is refused with its reason, and with it the whole object, unless
 * the caller asks for a trap in its place. Nothing here has met silicon. docs/retarget.md.
 */
#ifndef RP_RETARGET_H
#define RP_RETARGET_H

#include "base/base.h"
#include "chip/chip.h"
#include "codeobj/codeobj.h"

/* What is done to code; one row each in rules.c, with reason and source. */
enum rp_retarget_rule {
	RP_RETARGET_FLAT_TO_GLOBAL,
	RP_RETARGET_FLAT_ADD,
	RP_RETARGET_WAIT,
	RP_RETARGET_CLAUSE,
	RP_RETARGET_PREFETCH,
	RP_RETARGET_NULL_SDST,
	RP_RETARGET_DOT,
	RP_RETARGET_BRANCH_3F,
	RP_RETARGET_FAR_BRANCH,
	RP_RETARGET_VMEM_TO_SCALAR,
	RP_RETARGET_SMEM_TO_VECTOR,
	RP_RETARGET_VCMPX_EXEC_WAR,
	RP_RETARGET_VCMPX_PERMLANE,
	RP_RETARGET_LDS_BRANCH_VMEM,
	RP_RETARGET_NSA_TO_VMEM,
	RP_RETARGET_PC_CONSTANT,
	RP_RETARGET_CU_MODE, /* kernels, not instructions */
	RP_RETARGET_MORE_VGPRS, /* kernels */
	RP_RETARGET_TRAP, /* functions */
	RP_RETARGET_RULE_MAX
};

struct rp_retarget_rule_info {
	const char *name;
	const char *class; /* of lib/scan that it clears; NULL: follows from another rule */
	const char *what; /* what is put in place */
	const char *source;
};

const struct rp_retarget_rule_info *rp_retarget_rule_info(unsigned int rule); /* NULL: none */

enum rp_retarget_cu_mode {
	RP_RETARGET_CU_AUTO, /* kernels with wide LDS accesses, where the work-group fits a CU */
	RP_RETARGET_CU_ON, /* ... and where it does not fit, the kernel is refused */
	RP_RETARGET_CU_OFF, /* descriptors keep their mode */
};

#define RP_RETARGET_TEXT 512

/* One old instruction beside one new one, in order; the texts are LLVM's syntax. */
struct rp_retarget_diff_line {
	const struct rp_function *function; /* of the old object */
	bool has_old, has_new; /* has_old false: put in, or more of what the line before became */
	bool is_same; /* but for the offset of a branch */
	uint32_t old_off, new_off; /* in the function */
	char old_text[RP_RETARGET_TEXT], new_text[RP_RETARGET_TEXT];
};

/* Who wants to see them; line may return an error, which ends the run. */
struct rp_retarget_differ {
	int (*line)(void *data, const struct rp_retarget_diff_line *line, struct rp_error *err);
	void *data;
};

struct rp_retarget_options {
	const struct rp_chip *chip; /* the card; its isa must not be 0 */
	enum rp_retarget_cu_mode cu_mode;
	bool trap; /* functions that cannot be fixed become s_trap 2 */
	bool in_place; /* no code moves, objects keep their size: else the function is refused; not with trap */
	const struct rp_retarget_differ *differ; /* gets what the checker pairs; NULL: nobody */
};

/* A function that cannot be fixed, or a kernel that stays in doubt. */
struct rp_retarget_note {
	char *object; /* owned; where the object is; NULL: there is only one */
	char *name; /* owned */
	char *reason; /* owned; "at +0x40 (v_dot8_i32_i4): ..." */
	bool is_kernel;
	bool is_refusal; /* false: it was written, but: reason */
};

struct rp_retarget_report {
	uint64_t n_objects, n_kernels, n_functions, n_instructions;
	uint64_t n_changed; /* functions with a changed instruction */
	uint64_t n_refused, n_refused_kernels; /* functions; kernels of them */
	uint64_t old_code_bytes, new_code_bytes; /* of functions, without padding */
	uint64_t rules[RP_RETARGET_RULE_MAX];
	struct rp_retarget_note *notes; /* owned */
	size_t n_notes, cap_notes;
};

void rp_retarget_report_free(struct rp_retarget_report *report);
/* Moves everything of from into to; from is empty afterwards. object (may be NULL) marks its notes. */
RP_MUST_CHECK int rp_retarget_report_add(struct rp_retarget_report *to,
	struct rp_retarget_report *from, const char *object, struct rp_error *err);

/* True if objects for this chip can be rewritten for the card: both gfx10, and not the same. */
bool rp_retarget_can(const struct rp_chip *card, const struct rp_chip *code);

/*
 * The object for another chip, appended to ret (empty before; empty after a failure).
 * report is added to, also if it fails. 0; -ENOTSUP: a function cannot be fixed (report->notes says which),
 * or the object as a whole (err says why); -EBADMSG; -ENOMEM.
 */
RP_MUST_CHECK int rp_retarget_object(const struct rp_codeobj *object,
	const struct rp_retarget_options *options, struct rp_buf *ret,
	struct rp_retarget_report *report, struct rp_error *err);

/* What rp_retarget_verify looked at. */
struct rp_retarget_verified {
	uint64_t n_functions, n_instructions, n_branches, n_constants, n_added;
	uint64_t n_traps;
};

/*
 * The independent check: pairs the code of both objects instruction by instruction, with the
 * decoder and nothing else in common with the rewriter. Every difference must be one that is
 * allowed, every branch and constant must lead to the same instruction, descriptors, symbols and
 * relocations to the same code; then lib/scan must find nothing for the card. 0; -EBADMSG: err says where.
 */
RP_MUST_CHECK int rp_retarget_verify(const struct rp_codeobj *old_object,
	const struct rp_codeobj *new_object, const struct rp_retarget_options *options,
	struct rp_retarget_verified *ret, struct rp_error *err);

/*
 * With options->in_place an object becomes one for the card in its old place and size, in bundles, too:
 * its entry is renamed, there is no code for the old chip any more. Notes say no xnack then, the ELF header does.
 */

/* A file to be written: pieces that borrow from the input or from memory that this owns. */
struct rp_retarget_output {
	bool is_object; /* the file is a code object itself */
	struct rp_span *pieces; /* owned array */
	size_t n_pieces, cap_pieces;
	struct rp_buf *memory; /* owned */
	size_t n_memory, cap_memory;
	uint64_t bytes; /* of all pieces */
	char from
		[64]; /* target of the code that was taken: "gfx1030", or more than one: "several" */
	uint64_t n_new; /* code objects made */
	uint64_t n_native; /* places that have code for the card already */
};

void rp_retarget_output_free(struct rp_retarget_output *out);

/*
 * A whole file. A code object becomes one for the card; in an offload bundle, and in the bundles of a library or
 * program (section .hip_fatbin), one for the card is added beside those of other targets. ret borrows from bytes.
 * Every object made is verified. If there is nothing to do (ret->n_new is 0) the output is the input. report is filled also if it fails. Errors
 * as rp_retarget_object; -ENOEXEC: nothing in it that could be retargeted.
 */
RP_MUST_CHECK int rp_retarget_file(const struct rp_ctx *ctx, struct rp_span bytes,
	const struct rp_retarget_options *options, unsigned int n_threads,
	struct rp_retarget_output *ret, struct rp_retarget_report *report,
	struct rp_retarget_verified *ret_verified, struct rp_error *err);

#endif
