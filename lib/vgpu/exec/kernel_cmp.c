/* SPDX-License-Identifier: MIT */
/*
 * Vector kernels: compares and class tests. A float compare with code c >= 8 is the negation of
 * code 15 - c, NaN included (RDNA 2 ISA, "V_CMP"; the order of the 16 conditions in the opcode).
 */
#include "vgpu/exec/lanes.h"

#define CMP(name, load, type, expr)                        \
	static void k_##name(struct rp_vargs *x)           \
	{                                                  \
		const uint32_t *pa = x->a, *pb = x->b;     \
		uint32_t m = 0;                            \
                                                           \
		LANES                                      \
		{                                          \
			type a = load(pa), b = load(pb);   \
			m |= (uint32_t)((expr) != 0) << i; \
		}                                          \
		x->mask_out = m;                           \
	}

#define L_I16(p) ((int16_t)(uint16_t)(p)[i])
#define L_U16(p) ((uint16_t)(p)[i])
#define L_I32(p) ((int32_t)(p)[i])
#define L_U32(p) ((p)[i])
#define L_I64(p) ((int64_t)U64(p))
#define L_U64(p) U64(p)
#define L_F16(p) half_to_f((p)[i])
#define L_F32(p) bits_f((p)[i])
#define L_F64(p) bits_d(U64(p))

#define INT16_CMPS(t, load, type)       \
	CMP(lt_##t, load, type, a < b)  \
	CMP(eq_##t, load, type, a == b) \
	CMP(le_##t, load, type, a <= b) \
	CMP(gt_##t, load, type, a > b)  \
	CMP(ne_##t, load, type, a != b) \
	CMP(ge_##t, load, type, a >= b)
INT16_CMPS(i16, L_I16, int16_t)
INT16_CMPS(u16, L_U16, uint16_t)
INT16_CMPS(i32, L_I32, int32_t)
INT16_CMPS(u32, L_U32, uint32_t)
INT16_CMPS(i64, L_I64, int64_t)
INT16_CMPS(u64, L_U64, uint64_t)

static void k_false(struct rp_vargs *x)
{
	x->mask_out = 0;
}
static void k_true(struct rp_vargs *x)
{
	x->mask_out = UINT32_MAX;
}

#define FLOAT_CMPS(t, load, type)                      \
	CMP(lt_##t, load, type, a < b)                 \
	CMP(eq_##t, load, type, a == b)                \
	CMP(le_##t, load, type, a <= b)                \
	CMP(gt_##t, load, type, a > b)                 \
	CMP(lg_##t, load, type, (a < b) | (a > b))     \
	CMP(ge_##t, load, type, a >= b)                \
	CMP(o_##t, load, type, (a == a) & (b == b))    \
	CMP(u_##t, load, type, (a != a) | (b != b))    \
	CMP(nge_##t, load, type, !(a >= b))            \
	CMP(nlg_##t, load, type, !((a < b) | (a > b))) \
	CMP(ngt_##t, load, type, !(a > b))             \
	CMP(nle_##t, load, type, !(a <= b))            \
	CMP(neq_##t, load, type, !(a == b))            \
	CMP(nlt_##t, load, type, !(a < b))
FLOAT_CMPS(f16, L_F16, float)
FLOAT_CMPS(f32, L_F32, float)
FLOAT_CMPS(f64, L_F64, double)

/* Bit of the class mask: 0 sNaN, 1 qNaN, 2 -inf, 3 -normal, 4 -denormal, 5 -0, 6 +0 ... 9 +inf. */
static inline uint32_t class_bit(
	uint64_t mag, bool negative, uint64_t inf, uint64_t quiet, uint64_t normal)
{
	unsigned int k;

	if (mag > inf)
		return mag & quiet ? 2 : 1;
	k = mag == inf ? 3 : mag >= normal ? 2 : mag ? 1 : 0;
	return negative ? 1u << (5 - k) : 1u << (6 + k);
}

static void k_class_f32(struct rp_vargs *x)
{
	x->mask_out = 0;
	for (int i = 0; i < RP_LANES; i++) {
		uint32_t a = x->a[i], bit = class_bit(a & 0x7fffffffu, a >> 31, 0x7f800000u,
					      F32_QUIET, 0x800000u);

		x->mask_out |= (uint32_t)((x->b[i] & bit) != 0) << i;
	}
}
static void k_class_f16(struct rp_vargs *x)
{
	x->mask_out = 0;
	for (int i = 0; i < RP_LANES; i++) {
		uint32_t a = x->a[i] & 0xffffu,
			 bit = class_bit(a & 0x7fffu, a >> 15, F16_INF, 0x200u, 0x400u);

		x->mask_out |= (uint32_t)((x->b[i] & bit) != 0) << i;
	}
}
static void k_class_f64(struct rp_vargs *x)
{
	x->mask_out = 0;
	for (int i = 0; i < RP_LANES; i++) {
		uint64_t a = U64(x->a);
		uint32_t bit = class_bit(a & UINT64_C(0x7fffffffffffffff), a >> 63 != 0,
			UINT64_C(0x7ff0000000000000), F64_QUIET, UINT64_C(0x10000000000000));

		x->mask_out |= (uint32_t)((x->b[i] & bit) != 0) << i;
	}
}

#define E(name, fn)                                 \
	{                                           \
		"v_cmp_" name, k_##fn, RP_D_MASK, 0 \
	}
#define EI(t)                                                                               \
	E("lt_" #t, lt_##t), E("eq_" #t, eq_##t), E("le_" #t, le_##t), E("gt_" #t, gt_##t), \
		E("ne_" #t, ne_##t), E("ge_" #t, ge_##t), E("f_" #t, false), E("t_" #t, true)
#define EF(t)                                                                                     \
	E("f_" #t, false), E("lt_" #t, lt_##t), E("eq_" #t, eq_##t), E("le_" #t, le_##t),         \
		E("gt_" #t, gt_##t), E("lg_" #t, lg_##t), E("ge_" #t, ge_##t), E("o_" #t, o_##t), \
		E("u_" #t, u_##t), E("nge_" #t, nge_##t), E("nlg_" #t, nlg_##t),                  \
		E("ngt_" #t, ngt_##t), E("nle_" #t, nle_##t), E("neq_" #t, neq_##t),              \
		E("nlt_" #t, nlt_##t), E("tru_" #t, true)

static const struct rp_vkernel kernels[] = {
	EI(i16),
	EI(u16),
	EI(i32),
	EI(u32),
	EI(i64),
	EI(u64),
	EF(f16),
	EF(f32),
	EF(f64),
	{ "v_cmp_class_f16", k_class_f16, RP_D_MASK, RP_K_NOFLUSH },
	{ "v_cmp_class_f32", k_class_f32, RP_D_MASK, RP_K_NOFLUSH },
	{ "v_cmp_class_f64", k_class_f64, RP_D_MASK, RP_K_NOFLUSH },
};

const struct rp_kernel_set RP_LEVELED(
	rp_kernels_cmp_) = { kernels, sizeof(kernels) / sizeof(kernels[0]) };
