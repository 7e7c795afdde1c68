/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the code of a function: blocks cover all instructions once, edges stay inside, counts and
 * marks agree, and the entry's answers do not depend on what the scanner did before.
 */
#include "scan/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_flow(const struct rp_flow *f)
{
	uint32_t next = 0;

	for (uint32_t b = 0; b < f->n_blocks; b++) {
		const struct rp_flow_block *k = &f->blocks[b];

		if (k->first != next || !k->n ||
			(k->next != RP_FLOW_NONE && k->next >= f->n_blocks) ||
			(k->taken != RP_FLOW_NONE && k->taken >= f->n_blocks))
			__builtin_trap();
		next += k->n;
		if (rp_flow_block_of(f, k->first) != b || rp_flow_block_of(f, next - 1) != b)
			__builtin_trap();
	}
	if (next != f->n_insts)
		__builtin_trap();
	for (uint32_t i = 0; i < f->n_insts; i++)
		if (rp_flow_at(f, f->insts[i].off) != i)
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const chips[] = { "gfx1010", "gfx1012", "gfx1030", "gfx1013" };
	static struct rp_scanner kept = RP_SCANNER_INIT;
	struct rp_scanner fresh = RP_SCANNER_INIT;
	struct rp_scan_function a, b;
	struct rp_scan_options options;
	struct rp_scan_mode mode;
	const struct rp_chip *code;
	uint32_t marks = 0;

	if (size < 1)
		return 0;
	options.chip = rp_chip_by_name(rp_span_str(chips[data[0] & 3]));
	code = rp_chip_by_name(rp_span_str(chips[data[0] >> 2 & 3]));
	options.strict = data[0] >> 4 & 1;
	mode = (struct rp_scan_mode){ data[0] >> 5 & 1, data[0] >> 6 & 1 };
	data++;
	size--;
	if (rp_scan_code(&kept, &options, code, rp_span_of(data, size), mode, &a, NULL) < 0 ||
		rp_scan_code(&fresh, &options, code, rp_span_of(data, size), mode, &b, NULL) < 0)
		__builtin_trap();
	check_flow(&fresh.flow);
	for (uint32_t i = 0; i < fresh.flow.n_insts; i++) {
		if (fresh.marks[i] != kept.marks[i])
			__builtin_trap();
		marks |= fresh.marks[i];
	}
	if (memcmp(&a, &b, sizeof(a)) != 0 || marks != a.classes ||
		a.classes & ~rp_scan_classes_for(options.chip, options.strict))
		__builtin_trap();
	rp_scanner_free(&fresh);
	return 0;
}
