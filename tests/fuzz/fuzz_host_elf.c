/* SPDX-License-Identifier: MIT */
/* Exports and notes of shared libraries. */
#include "build/build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv a = RP_STRV_INIT;
	RP_CLEANUP(rp_strv_free) struct rp_strv b = RP_STRV_INIT;
	struct rp_error err = RP_ERROR_INIT;

	if (rp_elf_exports(rp_span_of(data, size), &a, &err) < 0 && !err.text[0])
		__builtin_trap();
	err.text[0] = '\0';
	if (rp_elf_patch_notes(rp_span_of(data, size), &b, &err) < 0 && !err.text[0])
		__builtin_trap();
	return 0;
}
