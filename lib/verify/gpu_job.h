/* SPDX-License-Identifier: MIT */
/* The argument of the kernels in data/kernels/verify.hip, as they declare it. */
#ifndef RP_VERIFY_GPU_JOB_H
#define RP_VERIFY_GPU_JOB_H

#include "verify/verify.h"

struct rp_verify_gpu_job {
	uint64_t a, b, out; /* device addresses */
	uint32_t n, c, h, w, k, r, s, stride, pad, dilation, groups, out_h, out_w;
	uint32_t total; /* elements of the output */
};

/* What a framework hands to a kernel for a list of tensors, in the order of its members. */
struct rp_verify_gpu_tensor {
	uint16_t sizes[4]; /* channels, height, width, 1 */
	uint64_t data; /* device address */
};

#define RP_VERIFY_GROUP 256u /* threads of a group, all kernels */

/* Name of the kernel for a case, groups to start; the addresses are the caller's to fill. */
static inline const char *rp_verify_gpu_job_of(const struct rp_verify_case *c,
	const struct rp_verify_sizes *s, struct rp_verify_gpu_job *ret, uint32_t *ret_groups)
{
	static const char *const names[RP_VERIFY_OP_MAX + 1][RP_VERIFY_TYPE_MAX] = {
		{ "conv_forward_f32", "conv_forward_f16" },
		{ "conv_struct_f32", "conv_struct_f16" },
		{ "conv_data_f32", "conv_data_f16" },
		{ "conv_weights_f32", "conv_weights_f16" },
		{ "batch_norm_f32", "batch_norm_f16" },
		{ "gemm_f32", "gemm_f16" },
		{ "copy_f32", "copy_f16" },
		{ "conv_forward_3x3_f32", "conv_forward_3x3_f16" },
	};
	uint32_t total = (uint32_t)s->out, groups = (total + RP_VERIFY_GROUP - 1) / RP_VERIFY_GROUP;
	unsigned int row = c->op;

	if (c->op == RP_VERIFY_CONV_FORWARD && c->r == 3 && c->s == 3)
		row = RP_VERIFY_OP_MAX;
	else if (c->op == RP_VERIFY_BATCH_NORM)
		groups = c->c;
	else if (c->op == RP_VERIFY_GEMM)
		groups = (c->n + 15) / 16 * ((c->k + 15) / 16);
	else if (c->op == RP_VERIFY_COPY)
		groups = (total / 2 + RP_VERIFY_GROUP) / RP_VERIFY_GROUP;
	*ret = (struct rp_verify_gpu_job){ 0, 0, 0, c->n, c->c, c->h, c->w, c->k, c->r, c->s,
		c->stride, c->pad, c->dilation, c->groups, s->out_h, s->out_w, total };
	*ret_groups = groups;
	return names[row][c->type];
}

#endif
