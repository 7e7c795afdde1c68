/* SPDX-License-Identifier: MIT */
/*
 * Between verify.c (objects), pair.c (functions) and group.c (sequences): the independent check.
 * Nothing here includes internal.h: the rewriter and this share the decoder and the reader of
 * code objects, no more.
 */
#ifndef RP_RETARGET_VERIFY_H
#define RP_RETARGET_VERIFY_H

#include "isa/isa.h"
#include "retarget/retarget.h"

/* Decoded code of one function. */
struct rp_vf_code {
	const struct rp_function *function;
	struct rp_isa_target target;
	struct rp_isa_inst *v; /* owned */
	uint32_t *off; /* owned; byte offsets; then the end */
	uint32_t n;
};

/* Old and new code of one function, paired. */
struct rp_vf_pair {
	struct rp_vf_code old_code, new_code;
	uint32_t *first,
		*body; /* owned; per old instruction where a branch to it may land: [first, body] */
	struct rp_isa_sset named; /* registers that old code names */
	struct rp_isa_vset vnamed;
	bool has_named, has_vnamed; /* the sets are filled */
	bool calls, rel_scalar, rel_vector; /* if has_named */
	bool is_trap;
	bool converts; /* a FLAT became GLOBAL */
	uint32_t vgprs; /* most new VGPRs + 1 */
};

/* A branch or constant: where it leads in the old object must be where it leads in the new one. */
struct rp_vf_ref {
	size_t function;
	uint32_t at; /* old instruction */
	uint64_t old_addr, new_addr;
};

struct rp_vf {
	const struct rp_codeobj *old_object, *new_object;
	const struct rp_retarget_options *options;
	struct rp_vf_pair *pairs; /* owned; as functions */
	struct rp_vf_ref *refs; /* owned */
	size_t n_refs, cap_refs;
	struct rp_vf_pair all; /* only what all old code names */
	bool has_aperture, knows_aperture;
	struct rp_retarget_verified result;
};

/* Fails for function and old instruction. */
int rp_vf_fail(const struct rp_vf *v, size_t function, uint32_t inst, struct rp_error *err,
	const char *fmt, ...) RP_PRINTF(5, 6);

RP_MUST_CHECK int rp_vf_decode(const struct rp_function *f, const struct rp_isa_target *target,
	struct rp_vf_code *ret, struct rp_error *err);
void rp_vf_code_free(struct rp_vf_code *code);

/* pair.c: fills pairs[function] and adds its references. */
RP_MUST_CHECK int rp_vf_pair(struct rp_vf *v, size_t function, struct rp_error *err);

/* diff.c: hands out the lines of a function that is paired. */
RP_MUST_CHECK int rp_vf_diff(struct rp_vf *v, size_t function,
	const struct rp_retarget_differ *differ, struct rp_error *err);

/*
 * group.c: whether new instructions from *j on are an allowed sequence for old instruction i;
 * *j then is the last of them. False: they are none.
 */
bool rp_vf_group(struct rp_vf *v, size_t function, uint32_t i, uint32_t *j);
/* free.c */
/* Whether scalar register reg may be overwritten at old instruction i: nobody reads what is in it. */
/* The same for a VGPR, in the whole function; remembers that it is used. */
bool rp_vf_vgpr_is_free(struct rp_vf *v, size_t function, uint32_t vgpr);
bool rp_vf_scalar_is_free(struct rp_vf *v, size_t function, uint32_t i, uint32_t reg);
/* Whether a pointer into LDS or scratch can be in the function: what decides FLAT to GLOBAL. */
bool rp_vf_may_have_aperture(struct rp_vf *v, size_t function);

#endif
