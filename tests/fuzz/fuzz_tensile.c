/* SPDX-License-Identifier: MIT */
/* Tensile data: an error, or data that can be renamed back to what they were, and that cover themselves. */
#include "retarget/tensile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_span in = rp_span_of(data, size);
	struct rp_buf there = RP_BUF_INIT, back = RP_BUF_INIT;
	struct rp_error err = RP_ERROR_INIT;
	int r = rp_tensile_rename(in, "gfx1030", "gfx1010", &there, &err);

	if (r == 0 && there.n > size + 5 * size)
		__builtin_trap();
	if (r == 0 &&
		rp_tensile_rename(rp_buf_span(&there), "gfx1010", "gfx1030", &back, &err) < 0 &&
		err.code != -EBADMSG)
		__builtin_trap();
	if (r == 0 && rp_tensile_covers(in, in, &err) < 0 && err.code == -EPROTO)
		__builtin_trap();
	rp_buf_free(&there);
	rp_buf_free(&back);
	return 0;
}
