/* SPDX-License-Identifier: MIT */
/* Mirror lists that people edited, and package indexes from a mirror. */
#include "source/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rp_distro d = { "debian", "bookworm", true };
	struct rp_span text = rp_span_of(data, size);

	for (int deb822 = 0; deb822 < 2; deb822++) {
		RP_CLEANUP(rp_mirror_free) struct rp_mirror m = RP_MIRROR_INIT;

		if (rp_mirror_parse(text, deb822, &d, &m, NULL) == 1 &&
			(!m.uri[0] || strpbrk(m.uri, " \n\"")))
			__builtin_trap(); /* would break the list that we write */
	}
	for (int binary = 0; binary < 2; binary++) {
		RP_CLEANUP(rp_apt_file_free) struct rp_apt_file f = { .version = NULL };

		if (rp_apt_parse(text, binary, "toy", "1", &f, NULL) == 0 &&
			(!rp_path_is_safe(f.path) || strlen(f.sha256) != 64))
			__builtin_trap();
	}
	return 0;
}
