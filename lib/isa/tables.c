/* SPDX-License-Identifier: MIT */
/* The generated tables (tools/gen-isa.py, from data/isa/gfx10.tsv) and look-ups in them. */
#include "isa/internal.h"

#include "isa-tables.inc"

const char *const rp_isa_name_pool = names;

unsigned int rp_isa_find_row(enum rp_isa_encoding encoding, unsigned int opcode, unsigned int chip)
{
	unsigned int row;

	if (encoding >= RP_ISA_ENCODING_MAX || opcode >= rp_isa_index_size[encoding])
		return 0;
	row = rp_isa_index[rp_isa_index_start[encoding] + opcode];
	while (row != 0 && !(rp_isa_rows[row].chips & chip))
		row = rp_isa_rows[row].other;
	return row;
}
