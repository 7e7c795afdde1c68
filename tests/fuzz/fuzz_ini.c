/* SPDX-License-Identifier: MIT */
/* Recipes, configuration and recorded state are read from files that anybody may have edited. */
#include "base/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_ini ini = RP_INI_INIT;
	struct rp_error err = RP_ERROR_INIT;

	if (rp_ini_parse(rp_span_of(data, size), "fuzz", &ini, &err) == 0) {
		const char *v = rp_ini_get(&ini, "component", "name");

		if (v && strlen(v) > size)
			__builtin_trap();
	} else if (err.text[0] == '\0') {
		__builtin_trap(); /* a refusal without a reason */
	}
	rp_ini_free(&ini);
	return 0;
}
