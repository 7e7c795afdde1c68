/* SPDX-License-Identifier: MIT */
/*
 * Program for the tests that compare with LLVM:
 *   isa_dis CHIP WAVE words  stdin: lines of hexadecimal words; prints "bytes<TAB>text" of the first instruction
 *   isa_dis CHIP WAVE code   stdin: machine code; prints "offset<TAB>bytes<TAB>text" of each instruction
 * CHIP is 1010, 1011, 1013 or 1030, WAVE 32 or 64. bytes is 0 if there is no instruction.
 */
#include <stdio.h>

#include "base/macro.h"
#include "isa/isa.h"

static int words(const struct rp_isa_target *t)
{
	char line[512], text[RP_ISA_TEXT_MAX];
	struct rp_isa_inst inst;
	uint8_t code[64];

	while (fgets(line, sizeof(line), stdin)) {
		size_t n = 0;
		char *p = line, *end;

		for (;;) {
			unsigned long w = strtoul(p, &end, 16);

			if (end == p || n + 4 > sizeof(code))
				break;
			for (unsigned int k = 0; k < 4; k++)
				code[n++] = (uint8_t)(w >> (8 * k));
			p = end;
		}
		(void)rp_isa_decode_strict(t, rp_span_of(code, n), 0, &inst);
		(void)rp_isa_print(t, &inst, NULL, text, sizeof(text));
		printf("%u\t%s\n", inst.status == RP_ISA_OK ? inst.bytes : 0u,
			inst.status == RP_ISA_OK ? text : "");
	}
	return 0;
}

static int listing(const struct rp_isa_target *t)
{
	char text[RP_ISA_TEXT_MAX];
	struct rp_isa_inst inst;
	uint8_t *code = NULL;
	size_t n = 0, cap = 0, got;

	do {
		if (n == cap) {
			uint8_t *bigger = realloc(code, cap ? 2 * cap : 1 << 20);

			if (!bigger) {
				free(code);
				return 1;
			}
			code = bigger;
			cap = cap ? 2 * cap : 1 << 20;
		}
		got = fread(code + n, 1, cap - n, stdin);
		n += got;
	} while (got);
	for (size_t off = 0; off < n; off += inst.bytes) {
		(void)rp_isa_decode_strict(t, rp_span_of(code, n), off, &inst);
		(void)rp_isa_print(t, &inst, NULL, text, sizeof(text));
		printf("%zx\t%u\t%s\n", off, inst.bytes, text);
	}
	free(code);
	return 0;
}

int main(int argc, char **argv)
{
	struct rp_isa_target t = { 0 };

	if (argc != 4)
		return 2;
	t.chip = strcmp(argv[1], "1010") == 0	? RP_ISA_GFX1010
		 : strcmp(argv[1], "1011") == 0 ? RP_ISA_GFX1011
		 : strcmp(argv[1], "1013") == 0 ? RP_ISA_GFX1013
						: RP_ISA_GFX1030;
	t.wave64 = strcmp(argv[2], "64") == 0;
	return strcmp(argv[3], "words") == 0 ? words(&t) : listing(&t);
}
