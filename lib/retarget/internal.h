/* SPDX-License-Identifier: MIT */
/* Between the files of lib/retarget; verify.c does not include it. */
#ifndef RP_RETARGET_INTERNAL_H
#define RP_RETARGET_INTERNAL_H

#include "flow/flow.h"
#include "hazard/hazard.h"
#include "retarget/retarget.h"

/* Instructions that are put in. LLVM 19 GCNHazardRecognizer.cpp; encodings by llvm-mc. */
#define RP_RT_S_NOP	      UINT32_C(0xbf800000)
#define RP_RT_ALIGN	      256u /* of functions: the descriptor's entry needs it */
#define RP_RT_S_CODE_END      UINT32_C(0xbf9f0000)
#define RP_RT_S_TRAP	      UINT32_C(0xbf920002) /* s_trap 2: llvm.trap of AMDHSA */
#define RP_RT_S_ENDPGM	      UINT32_C(0xbf810000)
#define RP_RT_DEPCTR_VM_VSRC  UINT32_C(0xbfa3ffe3)
#define RP_RT_DEPCTR_SA_SDST  UINT32_C(0xbfa3fffe)
#define RP_RT_S_MOV_NULL      UINT32_C(0xbefd0380) /* s_mov_b32 null, 0 */
#define RP_RT_S_WAITCNT_VSCNT UINT32_C(0xbbfd0000) /* s_waitcnt_vscnt null, 0 */

#define RP_RT_TEMPS	      3

/* Opcodes that are the same on all gfx10. */
enum {
	RP_RT_SOPP_WAITCNT = 0x0c,
	RP_RT_SOPP_PREFETCH = 0x20,
	RP_RT_SOPP_CLAUSE = 0x21,
	RP_RT_SOPK_GETREG = 0x12,
	RP_RT_SOPK_WAITCNT_LGKMCNT = 0x1a,
};

/* What an item needs when addresses are known. */
enum rp_rt_fix {
	RP_RT_FIX_NONE,
	RP_RT_FIX_BRANCH, /* target: source instruction of this function */
	RP_RT_FIX_CALL, /* s_call_b64: target is a byte offset from the function's old start */
	RP_RT_FIX_PC_LOW, /* target: index in flow.pcs */
	RP_RT_FIX_PC_HIGH,
};

/* One instruction of the new stream. */
struct rp_rt_item {
	struct rp_isa_inst inst; /* decoded for the card */
	uint32_t source; /* source instruction that it stands for or belongs to */
	uint32_t target;
	uint32_t off; /* new byte offset */
	uint8_t fix; /* enum rp_rt_fix */
	bool is_changed;
	bool is_far; /* branch that does not reach: becomes a long one */
	bool has_nop; /* branch that needs an s_nop behind it (3f) */
};

struct rp_rt_items {
	struct rp_rt_item *v; /* owned */
	size_t n, cap;
};

/* Which registers and what kinds of instruction a function (or all of an object) has. */
struct rp_rt_survey {
	bool uses_apertures; /* pointers into LDS or scratch may be made here */
	bool calls; /* calls, or jumps to where we cannot follow */
	bool rel_scalar, rel_vector; /* movrel: uses registers that it does not name */
	bool wide_ds, misaligned_ds;
	bool has_dot;
	bool has_scalars, has_vgprs; /* the sets are filled */
	struct rp_isa_sset scalars;
	struct rp_isa_vset vgprs;
};

/* A place in emitted code that is known when all functions have their addresses. */
struct rp_rt_fixup {
	uint32_t word; /* index in words: of the literal, or of the instruction */
	uint32_t kind; /* enum rp_rt_fix */
	uint32_t base; /* new byte offset behind s_getpc_b64 (or the call) */
	int32_t bias; /* subtracted from the distance: the other constant of shape B */
	int64_t target; /* byte offset from the function's old start */
};

/* A function that has been rewritten. */
struct rp_rt_function {
	uint32_t *words; /* owned */
	size_t n_words;
	uint32_t *olds, *news; /* owned; byte offsets of each source instruction; then the ends */
	uint32_t n_insts;
	struct rp_rt_fixup *fixups; /* owned */
	size_t n_fixups;
	uint64_t addr; /* new */
	uint32_t vgprs; /* that it uses beyond those of its kernel; 0: none */
	bool calls, wide_ds, misaligned_ds, is_changed, is_trap;
};

/* What changes in a kernel's descriptor and metadata. */
struct rp_rt_kernel {
	uint32_t rsrc1;
	uint32_t vgpr_count; /* for the metadata; 0: as it was */
};

/* Everything about one object. */
struct rp_rt_object {
	const struct rp_codeobj *object;
	const struct rp_retarget_options *options;
	struct rp_retarget_report *report;
	struct rp_rt_function *functions; /* owned */
	struct rp_rt_survey survey; /* of all functions */
	bool has_survey; /* its flags are filled; the sets have flags of their own */
	struct rp_rt_kernel *kernels; /* owned; as those of object */
	uint64_t text_addr; /* new */
	size_t text_bytes;
	bool moves; /* code goes to a new segment */
};

/* Scratch memory for one function after the other. */
struct rp_rt {
	struct rp_rt_object *o;
	size_t index; /* of the function */
	struct rp_flow flow;
	struct rp_isa_target target; /* of the card */
	struct rp_rt_survey survey;
	const struct rp_rt_survey
		*scope; /* whose registers are asked: the function's or the object's */
	struct rp_rt_items items, out;
	uint32_t *heads; /* owned; per source instruction its first item; then the end */
	size_t cap_heads;
	struct rp_isa_sset *live; /* owned; per source instruction, behind it */
	size_t cap_live;
	bool has_live;
	struct rp_rt_block *blocks; /* owned */
	size_t cap_blocks;
	uint64_t counts[RP_RETARGET_RULE_MAX];
	uint8_t temps[RP_RT_TEMPS];
	unsigned int n_temps;
	bool has_temps;
	uint32_t vgprs; /* most temps used + 1 */
	bool converts; /* some FLAT became GLOBAL */
	char reason[256];
};

#define RP_RT_SCC     125 /* SCC in sets of live registers: null is in none */
#define RP_RT_REFUSED 1 /* result: rt->reason says why */

/* Returns RP_RT_REFUSED. */
int rp_rt_refuse(struct rp_rt *rt, uint32_t inst, const char *fmt, ...) RP_PRINTF(3, 4);

/* survey.c */
void rp_rt_survey(const struct rp_flow *flow, struct rp_rt_survey *ret);
/* Fills a set of the function's scope: named scalar registers, or VGPRs. */
RP_MUST_CHECK int rp_rt_need_regs(struct rp_rt *rt, bool vgprs, struct rp_error *err);
/*
 * A scalar register (aligned pair in wave64, or if pair) that nobody needs before, in and behind
 * instruction inst, and that is not in avoid. RP_RT_REFUSED: none. named: those that are named somewhere
 * in scope are allowed, if they are dead here.
 */
RP_MUST_CHECK int rp_rt_free_scalar(struct rp_rt *rt, uint32_t inst, bool pair, bool named,
	const struct rp_isa_sset *avoid, uint32_t *ret, struct rp_error *err);
/* Fills rt->live. */
RP_MUST_CHECK int rp_rt_need_live(struct rp_rt *rt, struct rp_error *err);
/* Whether SCC is read before it is written, from instruction inst on; after rp_rt_need_live. */
bool rp_rt_needs_scc(const struct rp_rt *rt, uint32_t inst);
/* Fills the flags of the object's survey. */
RP_MUST_CHECK int rp_rt_need_survey(struct rp_rt *rt, struct rp_error *err);
/* n (up to RP_RT_TEMPS) VGPRs that nobody in scope uses: rt->temps. RP_RT_REFUSED: not that many. */
RP_MUST_CHECK int rp_rt_need_temps(
	struct rp_rt *rt, uint32_t inst, unsigned int n, struct rp_error *err);

/* items.c: appends; words are decoded for the card. */
RP_MUST_CHECK int rp_rt_push(
	struct rp_rt_items *items, const struct rp_rt_item *item, struct rp_error *err);
RP_MUST_CHECK int rp_rt_put(struct rp_rt *rt, uint32_t source, const uint32_t *words,
	unsigned int n, struct rp_error *err);
RP_MUST_CHECK int rp_rt_put1(
	struct rp_rt *rt, uint32_t source, uint32_t word, struct rp_error *err);
RP_MUST_CHECK int rp_rt_put2(
	struct rp_rt *rt, uint32_t source, uint32_t w0, uint32_t w1, struct rp_error *err);

/* rules.c: source instructions to rt->items. dot.c, flat.c: parts of it. */
RP_MUST_CHECK int rp_rt_lift(struct rp_rt *rt, struct rp_error *err);
RP_MUST_CHECK int rp_rt_dot(struct rp_rt *rt, uint32_t inst, bool *ret_done, struct rp_error *err);
RP_MUST_CHECK int rp_rt_flat(struct rp_rt *rt, uint32_t inst, struct rp_error *err);

/* hazards.c: rt->items with mitigations to rt->out; heads then speak of out. */
RP_MUST_CHECK int rp_rt_guard(struct rp_rt *rt, struct rp_error *err);

/* layout.c: rt->out to a function. */
RP_MUST_CHECK int rp_rt_emit(struct rp_rt *rt, struct rp_rt_function *ret, struct rp_error *err);

/* function.c: one function, from source to rp_rt_function. RP_RT_REFUSED: rt->reason. */
RP_MUST_CHECK int rp_rt_function(struct rp_rt *rt, size_t index, struct rp_error *err);
RP_MUST_CHECK int rp_rt_trap(struct rp_rt_function *f, const struct rp_function *source,
	const struct rp_isa_target *target, struct rp_error *err);
void rp_rt_function_free(struct rp_rt_function *f);
/* Descriptors: CU mode, VGPRs. A kernel that does not fit is refused. RP_RT_REFUSED: *ret_kernel, reason. */
RP_MUST_CHECK int rp_rt_descriptor(struct rp_rt_object *o, size_t kernel, char reason[256]);
void rp_rt_free(struct rp_rt *rt);

/*
 * New address of what was at old address addr of the object: an instruction, the end of a function, or
 * padding behind it; an address outside of .text stays. False: in .text, but none of these.
 */
RP_MUST_CHECK bool rp_rt_map(const struct rp_rt_object *o, uint64_t addr, uint64_t *ret);
/* The same for an address that code goes to or data are at: padding is neither. */
RP_MUST_CHECK bool rp_rt_map_code(const struct rp_rt_object *o, uint64_t addr, uint64_t *ret);
/* The same for an address that something ends at. */
RP_MUST_CHECK bool rp_rt_map_end(const struct rp_rt_object *o, uint64_t addr, uint64_t *ret);

/* write.c: the new image. */
RP_MUST_CHECK int rp_rt_write(struct rp_rt_object *o, struct rp_buf *ret, struct rp_error *err);

/* metadata.c: the notes of one section for the card; as long as they were, if that can be. */
RP_MUST_CHECK int rp_rt_notes(const struct rp_rt_object *o, struct rp_span section,
	struct rp_buf *ret, struct rp_error *err);

/* file.c: one object, rewritten and checked; ret stays empty if it is code for the card already. */
RP_MUST_CHECK int rp_rt_make(struct rp_span image, const struct rp_retarget_options *options,
	struct rp_buf *ret, char from[64], struct rp_retarget_report *report,
	struct rp_retarget_verified *verified, struct rp_error *err);
RP_MUST_CHECK int rp_rt_add_piece(
	struct rp_retarget_output *out, struct rp_span bytes, struct rp_error *err);
/* Takes b over. */
RP_MUST_CHECK int rp_rt_add_memory(
	struct rp_retarget_output *out, struct rp_buf *b, struct rp_error *err);
void rp_rt_add_verified(struct rp_retarget_verified *to, const struct rp_retarget_verified *from);

/* fat.c: a bundle, or an ELF file with bundles in .hip_fatbin. -ENOEXEC: neither. */
RP_MUST_CHECK int rp_rt_fat(const struct rp_ctx *ctx, struct rp_span bytes,
	const struct rp_retarget_options *options, unsigned int n_threads,
	struct rp_retarget_output *out, struct rp_retarget_report *report,
	struct rp_retarget_verified *verified, struct rp_error *err);

static inline void rp_rt_put_le32(uint8_t *p, uint32_t v)
{
	for (unsigned int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void rp_rt_put_le64(uint8_t *p, uint64_t v)
{
	for (unsigned int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

#endif
