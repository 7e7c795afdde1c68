/* SPDX-License-Identifier: MIT */
/*
 * scan_raw FILE CODE_CHIP CARD [wave64] [cu] [strict]: scans raw machine code as one function; a line an
 * instruction: offset, text, classes (comma-separated, "-": none), separated by tabs.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "scan/scan.h"

static void print_marks(uint32_t marks)
{
	if (!marks)
		putchar('-');
	for (bool first = true; marks; marks &= marks - 1, first = false)
		printf("%s%s", first ? "" : ",",
			rp_scan_class_info((unsigned int)__builtin_ctz(marks))->name);
	putchar('\n');
}

int main(int argc, char **argv)
{
	RP_CLEANUP(rp_scanner_free) struct rp_scanner s = RP_SCANNER_INIT;
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	struct rp_scan_mode mode = { .wgp = true };
	struct rp_error err = RP_ERROR_INIT;
	struct rp_scan_options options = { 0 };
	const struct rp_chip *code;
	struct rp_scan_function fn;

	if (argc < 4 || rp_map_open(AT_FDCWD, argv[1], &map, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	code = rp_chip_by_name(rp_span_str(argv[2]));
	options.chip = rp_chip_by_name(rp_span_str(argv[3]));
	if (!code || !options.chip)
		return 2;
	for (int i = 4; i < argc; i++) {
		mode.wave64 |= strcmp(argv[i], "wave64") == 0;
		mode.wgp &= strcmp(argv[i], "cu") != 0;
		options.strict |= strcmp(argv[i], "strict") == 0;
	}
	if (rp_scan_code(&s, &options, code, map.span, mode, &fn, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (uint32_t i = 0; i < s.flow.n_insts; i++) {
		const struct rp_flow_inst *f = &s.flow.insts[i];
		char text[RP_ISA_TEXT_MAX];

		(void)rp_isa_print(&s.flow.target, &f->inst, NULL, text, sizeof(text));
		printf("%u\t%s\t", f->off, text);
		print_marks(s.marks[i]);
	}
	return 0;
}
