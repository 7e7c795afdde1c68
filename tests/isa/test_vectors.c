/* SPDX-License-Identifier: MIT */
/*
 * Text and presence of the encodings of opcodes.tsv (every opcode once) and vectors.tsv (variations),
 * both made with LLVM 19, on all chips. Arguments: the two files.
 */
#include <stdio.h>

#include "base/macro.h"
#include "isa/isa.h"

struct result {
	unsigned long checks, failures;
};

static size_t parse_words(const char *p, uint8_t *code, size_t size)
{
	size_t n = 0;
	char *end;

	for (; n + 4 <= size; p = end) {
		unsigned long w = strtoul(p, &end, 16);

		if (end == p)
			break;
		for (unsigned int k = 0; k < 4; k++)
			code[n++] = (uint8_t)(w >> (8 * k));
	}
	return n;
}

/* Every instruction: the fast scalar sets equal those of the complete function. */
static bool sets_agree(const struct rp_isa_target *t, const struct rp_isa_inst *inst)
{
	struct rp_isa_regs a, b;

	rp_isa_regs(t, inst, &a);
	rp_isa_scalar_regs(t, inst, &b);
	return memcmp(&a.read, &b.read, sizeof(a.read)) == 0 &&
	       memcmp(&a.write, &b.write, sizeof(a.write)) == 0 &&
	       memcmp(&a.read_implicit, &b.read_implicit, sizeof(a.read_implicit)) == 0 &&
	       memcmp(&a.write_implicit, &b.write_implicit, sizeof(a.write_implicit)) == 0 &&
	       a.scc_read == b.scc_read && a.scc_write == b.scc_write;
}

static void check(unsigned int chips, unsigned int wave, const char *words, const char *want,
	struct result *r)
{
	char text[RP_ISA_TEXT_MAX];
	struct rp_isa_inst inst;
	uint8_t code[20];
	size_t n = parse_words(words, code, sizeof(code));

	for (unsigned int k = 0; k < 8; k++) {
		struct rp_isa_target t = { (uint8_t)(1u << (k & 3)), k >> 2 };
		bool listed = chips >> (k & 3) & 1;
		bool same;

		if (wave && wave != (t.wave64 ? 64u : 32u))
			continue;
		(void)rp_isa_decode_strict(&t, rp_span_of(code, n), 0, &inst);
		(void)rp_isa_print(&t, &inst, NULL, text, sizeof(text));
		same = inst.status == RP_ISA_OK && inst.bytes == n && strcmp(text, want) == 0;
		r->checks++;
		if (same == listed && sets_agree(&t, &inst))
			continue;
		if (r->failures++ < 20)
			printf("chip bit %u wave%s: %s: \"%s\" %s expected, got \"%s\" (%u "
			       "bytes)\n",
				t.chip, t.wave64 ? "64" : "32", words, want,
				listed ? "is" : "is not", text, inst.bytes);
	}
}

static void run(const char *path, bool opcodes, struct result *r)
{
	FILE *f = fopen(path, "r");
	char line[512];

	if (!f) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof(line), f)) {
		char *column[5] = { line, NULL, NULL, NULL, NULL };
		unsigned int n = 1;

		if (line[0] == '#')
			continue;
		line[strcspn(line, "\n")] = '\0';
		for (char *p = line; n < 5 && (p = strchr(p, '\t')) != NULL; n++) {
			*p++ = '\0';
			column[n] = p;
		}
		if (n != (opcodes ? 5u : 4u)) {
			printf("%s: a line of %u columns\n", path, n);
			exit(1);
		}
		/* opcodes.tsv is in wave32 */
		check((unsigned int)strtoul(column[0], NULL, 16),
			opcodes ? 32u : (unsigned int)strtoul(column[1], NULL, 10), column[n - 2],
			column[n - 1], r);
	}
	(void)fclose(f);
}

int main(int argc, char **argv)
{
	struct result r = { 0, 0 };

	if (argc != 3)
		return 2;
	run(argv[1], true, &r);
	run(argv[2], false, &r);
	printf("%lu checks, %lu failures\n", r.checks, r.failures);
	return r.failures || r.checks < 100000;
}
