/* SPDX-License-Identifier: MIT */
/* Recordings and profiles of the virtual card: text that a user may hand over. */
#include "vgpu/vgpu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf out = RP_BUF_INIT;
	struct rp_span text = rp_span_of(data, size);
	struct rp_vgpu_profile profile;

	if (rp_vgpu_log_normalise(text, "fuzz", size & 1, &out, NULL) < 0)
		rp_buf_clear(&out);
	if (rp_vgpu_profile_parse(text, "fuzz", &profile, NULL) == 0) {
		rp_buf_clear(&out);
		rp_vgpu_profile_write(&profile, &out);
		if (rp_vgpu_gfx_version(&profile) == 0)
			__builtin_trap();
	}
	return 0;
}
