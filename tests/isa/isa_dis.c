/* SPDX-License-Identifier: MIT */
/*
 * Program for the tests that compare with LLVM:
 *   isa_dis CHIP WAVE words  stdin: lines of hexadecimal words; prints "bytes<TAB>text" of the first instruction
 *   isa_dis CHIP WAVE code   stdin: machine code; prints "offset<TAB>bytes<TAB>text" of each instruction
 *   isa_dis CHIP WAVE compare FILE BASE  stdin: llvm-objdump's listing of the code in FILE, which starts at
 *                               address BASE; prints every difference and a line of counts
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

static int read_all(FILE *f, uint8_t **ret_code, size_t *ret_n)
{
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
		got = fread(code + n, 1, cap - n, f);
		n += got;
	} while (got);
	*ret_code = code;
	*ret_n = n;
	return 0;
}

static int listing(const struct rp_isa_target *t)
{
	RP_CLEANUP(rp_free_p) uint8_t *code = NULL;
	char text[RP_ISA_TEXT_MAX];
	struct rp_isa_inst inst;
	size_t n = 0;

	if (read_all(stdin, &code, &n))
		return 1;
	for (size_t off = 0; off < n; off += inst.bytes) {
		(void)rp_isa_decode_strict(t, rp_span_of(code, n), off, &inst);
		(void)rp_isa_print(t, &inst, NULL, text, sizeof(text));
		printf("%zx\t%u\t%s\n", off, inst.bytes, text);
	}
	return 0;
}

struct counts {
	unsigned long lines, boundaries, mnemonics, texts, labels;
};

/* "\ttext   // 000000001234: words": false if line is something else. */
static bool objdump_line(char *line, char **ret_text, unsigned long long *ret_address)
{
	char *comment = strstr(line, "// "), *end;

	if (line[0] != '\t' || !comment)
		return false;
	*ret_address = strtoull(comment + 3, &end, 16);
	if (*end != ':')
		return false;
	while (comment > line + 1 && comment[-1] == ' ')
		comment--;
	*comment = '\0';
	*ret_text = line + 1;
	return true;
}

static void compare_one(const struct rp_isa_target *t, const struct rp_isa_inst *inst,
	const char *want, size_t off, struct counts *c)
{
	char got[RP_ISA_TEXT_MAX];
	size_t mnemonic = strcspn(want, " ");
	const char *last;

	(void)rp_isa_print(t, inst, NULL, got, sizeof(got));
	if (strcmp(got, want) == 0)
		return;
	last = strrchr(want, ' ');
	/* objdump names the target of a branch if there is a symbol */
	if (inst->flags & RP_ISA_F_BRANCH && last && (last[1] < '0' || last[1] > '9') &&
		strncmp(got, want, (size_t)(last - want)) == 0) {
		c->labels++;
		return;
	}
	if (strcspn(got, " ") != mnemonic || strncmp(got, want, mnemonic) != 0)
		c->mnemonics++;
	else
		c->texts++;
	printf("%zx: LLVM \"%s\", here \"%s\"\n", off, want, got);
}

static int compare(const struct rp_isa_target *t, const char *path, unsigned long long base)
{
	RP_CLEANUP(rp_free_p) uint8_t *code = NULL;
	unsigned long long address;
	struct counts c = { 0 };
	struct rp_isa_inst inst;
	size_t n = 0, cursor = 0;
	char line[4096], *want;
	FILE *f = fopen(path, "rb");

	if (!f || read_all(f, &code, &n)) {
		perror(path);
		return 1;
	}
	(void)fclose(f);
	while (fgets(line, sizeof(line), stdin)) {
		if (!objdump_line(line, &want, &address) || address < base)
			continue;
		if (cursor != address - base) {
			c.boundaries++;
			printf("%llx: LLVM has an instruction here, expected at %zx\n",
				address - base, cursor);
		}
		cursor = (size_t)(address - base);
		(void)rp_isa_decode_strict(t, rp_span_of(code, n), cursor, &inst);
		compare_one(t, &inst, want, cursor, &c);
		cursor += inst.bytes;
		c.lines++;
	}
	if (cursor != n)
		c.boundaries++;
	printf("counts %lu lines %zu bytes %lu boundaries %lu mnemonics %lu texts %lu labels\n",
		c.lines, n, c.boundaries, c.mnemonics, c.texts, c.labels);
	return 0;
}

int main(int argc, char **argv)
{
	struct rp_isa_target t = { 0 };

	if (argc != 4 && argc != 6)
		return 2;
	t.chip = strcmp(argv[1], "1010") == 0	? RP_ISA_GFX1010
		 : strcmp(argv[1], "1011") == 0 ? RP_ISA_GFX1011
		 : strcmp(argv[1], "1013") == 0 ? RP_ISA_GFX1013
						: RP_ISA_GFX1030;
	t.wave64 = strcmp(argv[2], "64") == 0;
	if (argc == 6)
		return compare(&t, argv[4], strtoull(argv[5], NULL, 16));
	return strcmp(argv[3], "words") == 0 ? words(&t) : listing(&t);
}
