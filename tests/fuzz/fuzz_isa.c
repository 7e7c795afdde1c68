/* SPDX-License-Identifier: MIT */
/* Any bytes as machine code: every position decodes, is listed and has register sets, on all chips. */
#include "isa/isa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(const struct rp_isa_target *t, struct rp_span code, size_t off, size_t *ret_bytes)
{
	char text[RP_ISA_TEXT_MAX], small[8];
	struct rp_isa_inst inst, strict;
	struct rp_isa_operand op;
	struct rp_isa_regs a, b;
	enum rp_isa_status s;

	s = rp_isa_decode(t, code, off, &inst);
	if (inst.status != s || inst.bytes > code.n - off || (!inst.bytes && off < code.n))
		__builtin_trap();
	if ((s == RP_ISA_OK || s == RP_ISA_FOREIGN) != (inst.row != 0) || inst.row >= rp_isa_n_rows)
		__builtin_trap();
	if (rp_isa_print(t, &inst, NULL, text, sizeof(text)) >= sizeof(text) || !text[0])
		__builtin_trap();
	(void)rp_isa_print(t, &inst, NULL, small, sizeof(small));
	if (strncmp(text, small, sizeof(small) - 1) != 0)
		__builtin_trap();
	for (unsigned int n = 0; n < rp_isa_row_of(&inst)->n_operands; n++)
		rp_isa_operand(t, &inst, n, &op);
	rp_isa_regs(t, &inst, &a);
	rp_isa_scalar_regs(t, &inst, &b);
	if (memcmp(&a.read, &b.read, sizeof(a.read)) != 0 ||
		memcmp(&a.write, &b.write, sizeof(a.write)) != 0)
		__builtin_trap();
	if (rp_isa_decode_strict(t, code, off, &strict) == RP_ISA_OK && strict.bytes != inst.bytes)
		__builtin_trap();
	*ret_bytes = inst.bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_isa_target t;
	size_t bytes = 0;

	if (size < 1)
		return 0;
	t.chip = (uint8_t)(1u << (data[0] & 3));
	t.wave64 = data[0] >> 2 & 1;
	for (size_t off = 0; off < size - 1; off += bytes)
		one(&t, rp_span_of(data + 1, size - 1), off, &bytes);
	return 0;
}
