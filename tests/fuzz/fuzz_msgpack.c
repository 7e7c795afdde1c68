/* SPDX-License-Identifier: MIT */
/* MessagePack notes: reading item by item and skipping a value agree, and both end. */
#include "codeobj/msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_msgpack m = { rp_span_of(data, size), 0 }, skip = m;
	struct rp_error err = RP_ERROR_INIT;
	struct rp_msgpack_item item;
	uint64_t pending = 1;
	int r = 0, skipped = rp_msgpack_skip(&skip, &err);

	if (skipped < 0 && err.text[0] == '\0')
		__builtin_trap();
	while (pending > 0 && (r = rp_msgpack_next(&m, &item, NULL)) == 0) {
		pending--;
		switch (item.type) {
		case RP_MSGPACK_ARRAY:
			pending += item.v.n;
			break;
		case RP_MSGPACK_MAP:
			pending += 2 * (uint64_t)item.v.n;
			break;
		case RP_MSGPACK_STR:
		case RP_MSGPACK_BIN:
		case RP_MSGPACK_EXT:
			if (item.v.s.n > 0 &&
				(item.v.s.p < data || item.v.s.p + item.v.s.n > data + size))
				__builtin_trap();
			break;
		default:
			break;
		}
	}
	if ((r == 0) != (skipped == 0) || (r == 0 && m.offset != skip.offset))
		__builtin_trap();
	return 0;
}
