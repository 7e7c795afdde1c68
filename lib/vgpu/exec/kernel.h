/* SPDX-License-Identifier: MIT */
/*
 * The boundary between the wave interpreter and the vector kernels. A kernel computes one VALU
 * instruction for 32 lanes (a wave64 runs it twice) without regard to EXEC: the caller passes
 * lane arrays and keeps what inactive lanes had. The same sources are compiled once per
 * instruction set level (enum rp_exec_level); results are the same bit for bit.
 *
 * A 64-bit operand is two arrays behind each other: low words [0..31], high words [32..63], as
 * two consecutive VGPRs are. d may be the same array as a source or overlap it by whole
 * registers: a kernel reads lane i of everything before it writes lane i of anything.
 */
#ifndef RP_VGPU_EXEC_KERNEL_H
#define RP_VGPU_EXEC_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#define RP_LANES 32

struct rp_vargs {
	uint32_t *d;
	const uint32_t *a, *b, *c;
	uint32_t mask_in; /* VCC or carry-in, a bit a lane */
	uint32_t mask_out; /* compare result or carry-out */
	uint8_t half; /* 0: lanes 0..31, 1: lanes 32..63 */
	uint8_t clamp; /* integer kernels saturate; float kernels leave it to the caller */
	uint8_t ieee; /* MODE.IEEE */
	uint8_t round16; /* MODE.FP_ROUND of f16 and f64: 0 nearest even, 1 +inf, 2 -inf, 3 zero */
	uint8_t sel; /* VOP3P: op_sel_hi of v_fma_mix; else op_sel */
};

typedef void rp_kernel_fn(struct rp_vargs *x);

/* What a kernel writes: decides how its result is merged, flushed, clamped and multiplied. */
enum rp_kernel_dst {
	RP_D_U32,
	RP_D_F32,
	RP_D_U64,
	RP_D_F64,
	RP_D_U16, /* low half of d; the other half of the register stays */
	RP_D_F16,
	RP_D_PK16,
	RP_D_PKF16,
	RP_D_MASK, /* mask_out only */
};

#define RP_K_ROUND    1u /* depends on the rounding mode of its result type */
#define RP_K_NOFLUSH  2u /* moves bits: denormals stay whatever MODE says */
#define RP_K_FLUSH    4u /* flushes f32 denormals whatever MODE says */
#define RP_K_CARRYIN  8u
#define RP_K_CARRYOUT 16u
#define RP_K_APPROX   32u
#define RP_K_UNSURE   64u
#define RP_K_CLAMP    128u /* an integer kernel that knows clamp */

struct rp_vkernel {
	const char *name; /* mnemonic; v_cmpx_* share v_cmp_*'s */
	rp_kernel_fn *fn;
	uint8_t dst; /* enum rp_kernel_dst */
	uint8_t flags; /* RP_K_* */
};

/* Helpers on lane arrays, in the same compiled form as the kernels. */
struct rp_lane_ops {
	/* d[i] = t[i] where mask has bit i; n arrays of 32. */
	void (*blend)(uint32_t *d, const uint32_t *t, uint32_t mask, unsigned int n);
	void (*fill)(uint32_t *d, uint32_t value);
	/* Sign bit operations: value & and ^ xor. */
	void (*sign)(uint32_t *d, const uint32_t *s, uint32_t and_mask, uint32_t xor_mask);
	/* Field of bits: (s >> shift) & mask, sign-extended from `bits` if sext. */
	void (*field)(
		uint32_t *d, const uint32_t *s, unsigned int shift, unsigned int bits, bool sext);
	/* Denormals become zeros of the same sign. type: RP_D_F32, F64, F16 or PKF16. */
	void (*flush)(uint32_t *d, const uint32_t *s, unsigned int type);
	/* Output modifier (1: *2, 2: *4, 3: /2) and clamp to [0, 1], NaN to 0 if dx10. */
	void (*result)(uint32_t *d, unsigned int type, unsigned int omod, bool clamp, bool dx10,
		unsigned int round16);
	/* Packed sources: half words picked by lo and hi (bit set: high half), then xor. */
	void (*pack)(uint32_t *d, const uint32_t *s, bool lo, bool hi, uint32_t xor_mask);
	/* Lowest and highest of (lo, hi) addresses of the lanes in mask; mask is not 0. */
	void (*range)(const uint32_t *lo, const uint32_t *hi, uint32_t mask, uint64_t *ret_min,
		uint64_t *ret_max);
	/* d = a + value for 64-bit lane arrays */
	void (*add64)(uint32_t *d, const uint32_t *a, uint64_t value);
	/* True if the active lanes' lo words rise by step per lane. */
	bool (*linear)(const uint32_t *lo, uint32_t mask, uint32_t step);
	/*
	 * d = a - low; lanes not in mask get an active lane's. mask is not 0. Returns the largest, and
	 * which bits any of them has.
	 */
	uint32_t (*offsets)(
		uint32_t *d, const uint32_t *a, uint32_t low, uint32_t mask, uint32_t *ret_bits);
	/* d[k][i] = dword k at base + off[i], n dwords of all lanes. off does not overlap d. */
	void (*gather)(uint32_t *d, const uint8_t *base, const uint32_t *off, unsigned int n);
	/* The other way, lane by lane: of two lanes that write the same place the higher one wins. */
	void (*scatter)(uint8_t *base, const uint32_t *off, const uint32_t *s, uint32_t mask,
		unsigned int n);
};

struct rp_kernel_set {
	const struct rp_vkernel *kernels;
	unsigned int n;
};

struct rp_kernel_level {
	const struct rp_kernel_set *sets[5]; /* integer, float, divide, half, compare */
	const struct rp_lane_ops *ops;
};

extern const struct rp_kernel_level rp_kernels_portable;
extern const struct rp_kernel_level rp_kernels_avx2;
extern const struct rp_kernel_level rp_kernels_avx512;

#endif
