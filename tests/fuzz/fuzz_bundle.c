/* SPDX-License-Identifier: MIT */
/* Bundle tables and compressed bundles: entries inside, no more unpacked than allowed. */
#include "codeobj/internal.h"

#define LIMIT (UINT64_C(1) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_span s = rp_span_of(data, size);
	struct rp_error err = RP_ERROR_INIT;
	struct rp_unpacked u = { 0 };
	struct rp_ccob header;
	struct rp_bundle b;
	size_t used = 0;

	if (rp_bundle_open(s, &b, &err) == 0) {
		struct rp_bundle_entry e;
		uint64_t at = 0, n = 0;

		while (rp_bundle_next(&b, &at, &e)) {
			n++;
			if (e.id.n > 0 && (e.id.p < data || e.id.p + e.id.n > data + size))
				__builtin_trap();
			if (e.size > 0 && e.offset + e.size > b.end)
				__builtin_trap();
		}
		if (n != b.n_entries)
			__builtin_trap();
	} else if (err.text[0] == '\0') {
		__builtin_trap(); /* a refusal without a reason */
	}
	if (rp_ccob_open(s, &header, &err) == 0 &&
		rp_ccob_unpack(s, &header, LIMIT, &u, &used, &err) == 0)
		if (u.n != header.raw_bytes || u.n > LIMIT || used > size)
			__builtin_trap();
	rp_unpacked_free(&u);
	return 0;
}
