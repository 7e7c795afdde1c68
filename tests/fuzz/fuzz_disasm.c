/* SPDX-License-Identifier: MIT */
/*
 * Listings of any bytes: lines cover the code without a gap, a branch names a label only where one stands, and
 * labels count up. The first two bytes choose chip and wave size. Names: any bytes in mangled names.
 */
#include "codeobj/demangle.h"
#include "disasm/disasm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RP_CLEANUP(rp_disasm_free) struct rp_disasm d = RP_DISASM_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf names = RP_BUF_INIT;
	struct rp_isa_target t = { RP_ISA_GFX1010, false };
	size_t off = 0, n_labels = 0, n_named = 0;
	struct rp_disasm_line line;

	if (size < 2)
		return 0;
	t.chip = (uint8_t)(1u << (data[0] & 3));
	t.wave64 = data[1] & 1;
	if (rp_disasm_start(&d, &t, rp_span_of(data + 2, size - 2), NULL) < 0)
		return 0;
	while (rp_disasm_next(&d, &line)) {
		if (line.off != off || strlen(line.text) != line.length || line.inst.bytes == 0)
			abort();
		off += line.inst.bytes;
		if (line.label != RP_DISASM_NONE && line.label != n_labels++)
			abort();
		if (line.target_label != RP_DISASM_NONE && line.target_label + 1 > n_named)
			n_named = line.target_label + 1;
	}
	if (off != size - 2 || n_named > n_labels)
		abort();
	rp_mangled_names(rp_span_of(data, size), &names);
	return 0;
}
