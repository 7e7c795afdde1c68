/* SPDX-License-Identifier: MIT */
/*
 * A kernel descriptor as directives. Source: LLVM AMDGPUUsage, "Kernel Descriptor" and "AMDHSA Kernel
 * Assembler Directives"; the order is that of llvm-objdump-19, which refuses a descriptor with a
 * reserved bit and, on gfx10, with an SGPR count; here these are shown.
 */
#include "disasm/disasm.h"

enum word { LDS, PRIVATE, KERNARG, RSRC1, RSRC2, RSRC3, PROPERTIES, PRELOAD, N_WORDS };

enum kind {
	FIELD, /* the bits as they are */
	IF_SET, /* the same, only where not 0 */
	VGPRS,
	SGPRS,
	SHARED, /* shared VGPRs: exist in wave64 only */
	ZERO, /* a directive that has no bits of its own on gfx10: all is in the SGPR count */
	NOTE, /* no directive; only where not 0 */
};

static const struct {
	const char *name;
	uint8_t kind, word, shift, bits;
} fields[] = {
	{ "group_segment_fixed_size", FIELD, LDS, 0, 32 },
	{ "private_segment_fixed_size", FIELD, PRIVATE, 0, 32 },
	{ "kernarg_size", FIELD, KERNARG, 0, 32 },
	{ "shared_vgpr_count", SHARED, RSRC3, 0, 4 },
	{ "rsrc3_reserved", NOTE, RSRC3, 4, 28 },
	{ "next_free_vgpr", VGPRS, RSRC1, 0, 6 },
	{ "reserve_vcc", ZERO, RSRC1, 0, 0 },
	{ "reserve_flat_scratch", ZERO, RSRC1, 0, 0 },
	{ "reserve_xnack_mask", ZERO, RSRC1, 0, 0 },
	{ "next_free_sgpr", SGPRS, RSRC1, 6, 4 },
	{ "priority", NOTE, RSRC1, 10, 2 },
	{ "float_round_mode_32", FIELD, RSRC1, 12, 2 },
	{ "float_round_mode_16_64", FIELD, RSRC1, 14, 2 },
	{ "float_denorm_mode_32", FIELD, RSRC1, 16, 2 },
	{ "float_denorm_mode_16_64", FIELD, RSRC1, 18, 2 },
	{ "priv", NOTE, RSRC1, 20, 1 },
	{ "dx10_clamp", FIELD, RSRC1, 21, 1 },
	{ "debug_mode", NOTE, RSRC1, 22, 1 },
	{ "ieee_mode", FIELD, RSRC1, 23, 1 },
	{ "bulky", NOTE, RSRC1, 24, 1 },
	{ "cdbg_user", NOTE, RSRC1, 25, 1 },
	{ "fp16_overflow", FIELD, RSRC1, 26, 1 },
	{ "rsrc1_reserved", NOTE, RSRC1, 27, 2 },
	{ "workgroup_processor_mode", FIELD, RSRC1, 29, 1 },
	{ "memory_ordered", FIELD, RSRC1, 30, 1 },
	{ "forward_progress", FIELD, RSRC1, 31, 1 },
	{ "system_sgpr_private_segment_wavefront_offset", FIELD, RSRC2, 0, 1 },
	{ "user_sgpr_count", FIELD, RSRC2, 1, 5 },
	{ "enable_trap_handler", NOTE, RSRC2, 6, 1 },
	{ "system_sgpr_workgroup_id_x", FIELD, RSRC2, 7, 1 },
	{ "system_sgpr_workgroup_id_y", FIELD, RSRC2, 8, 1 },
	{ "system_sgpr_workgroup_id_z", FIELD, RSRC2, 9, 1 },
	{ "system_sgpr_workgroup_info", FIELD, RSRC2, 10, 1 },
	{ "system_vgpr_workitem_id", FIELD, RSRC2, 11, 2 },
	{ "exception_address_watch", NOTE, RSRC2, 13, 1 },
	{ "exception_memory", NOTE, RSRC2, 14, 1 },
	{ "granulated_lds_size", NOTE, RSRC2, 15, 9 },
	{ "exception_fp_ieee_invalid_op", FIELD, RSRC2, 24, 1 },
	{ "exception_fp_denorm_src", FIELD, RSRC2, 25, 1 },
	{ "exception_fp_ieee_div_zero", FIELD, RSRC2, 26, 1 },
	{ "exception_fp_ieee_overflow", FIELD, RSRC2, 27, 1 },
	{ "exception_fp_ieee_underflow", FIELD, RSRC2, 28, 1 },
	{ "exception_fp_ieee_inexact", FIELD, RSRC2, 29, 1 },
	{ "exception_int_div_zero", FIELD, RSRC2, 30, 1 },
	{ "rsrc2_reserved", NOTE, RSRC2, 31, 1 },
	{ "user_sgpr_private_segment_buffer", FIELD, PROPERTIES, 0, 1 },
	{ "user_sgpr_dispatch_ptr", FIELD, PROPERTIES, 1, 1 },
	{ "user_sgpr_queue_ptr", FIELD, PROPERTIES, 2, 1 },
	{ "user_sgpr_kernarg_segment_ptr", FIELD, PROPERTIES, 3, 1 },
	{ "user_sgpr_dispatch_id", FIELD, PROPERTIES, 4, 1 },
	{ "user_sgpr_flat_scratch_init", FIELD, PROPERTIES, 5, 1 },
	{ "user_sgpr_private_segment_size", FIELD, PROPERTIES, 6, 1 },
	{ "properties_reserved", NOTE, PROPERTIES, 7, 3 },
	{ "wavefront_size32", FIELD, PROPERTIES, 10, 1 },
	{ "uses_dynamic_stack", FIELD, PROPERTIES, 11, 1 },
	{ "properties_reserved_high", NOTE, PROPERTIES, 12, 4 },
	{ "user_sgpr_kernarg_preload_length", IF_SET, PRELOAD, 0, 7 },
	{ "user_sgpr_kernarg_preload_offset", IF_SET, PRELOAD, 7, 9 },
};

_Static_assert(RP_ARRAY_SIZE(fields) <= RP_DISASM_MAX_FIELDS, "room for all fields");

size_t rp_disasm_descriptor(const struct rp_kernel_descriptor *d, const struct rp_chip *chip,
	struct rp_disasm_field ret[RP_DISASM_MAX_FIELDS])
{
	const uint32_t words[N_WORDS] = { d->lds_bytes, d->private_bytes, d->kernarg_bytes,
		d->rsrc1, d->rsrc2, d->rsrc3, d->properties, d->kernarg_preload };
	size_t n = 0;

	for (size_t i = 0; i < RP_ARRAY_SIZE(fields); i++) {
		uint32_t v = words[fields[i].word] >> fields[i].shift;
		bool is_directive = fields[i].kind != NOTE;

		if (fields[i].bits < 32)
			v &= (1u << fields[i].bits) - 1;
		if ((fields[i].kind == NOTE || fields[i].kind == IF_SET) && v == 0)
			continue;
		if (fields[i].kind == VGPRS)
			v = rp_descriptor_vgprs(d, chip);
		else if (fields[i].kind == SGPRS)
			v = (v + 1) *
			    8; /* granule of 8 by AMDGPUUsage; gfx10 takes no notice of it */
		else if (fields[i].kind == SHARED)
			is_directive = !rp_descriptor_is_wave32(d);
		ret[n++] = (struct rp_disasm_field){ fields[i].name, v, is_directive };
	}
	return n;
}
