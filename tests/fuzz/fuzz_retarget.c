/* SPDX-License-Identifier: MIT */
/*
 * Rewriting untrusted files: an error, or a result. Every object that is made was checked, and the checker must not
 * find a mistake of the rewriter (-EPROTO), whatever the input is.
 */
#include "retarget/retarget.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_retarget_options options = { .chip = rp_chip_by_name(rp_span_str("gfx1010")) };
	struct rp_retarget_output out = { 0 };
	struct rp_retarget_report report = { 0 };
	struct rp_retarget_verified verified;
	struct rp_error err = RP_ERROR_INIT;
	uint64_t bytes = 0;
	int r;

	options.trap = size % 2;
	r = rp_retarget_file(
		NULL, rp_span_of(data, size), &options, 1, &out, &report, &verified, &err);
	if (r == -EPROTO)
		__builtin_trap();
	for (size_t i = 0; r == 0 && i < out.n_pieces; i++)
		bytes += out.pieces[i].n;
	if (r == 0 && bytes != out.bytes)
		__builtin_trap();
	rp_retarget_output_free(&out);
	rp_retarget_report_free(&report);
	return 0;
}
