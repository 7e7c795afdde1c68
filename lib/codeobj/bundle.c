/* SPDX-License-Identifier: MIT */
/*
 * Offload bundles, plain and compressed ("CCOB").
 * Source: LLVM "Clang Offload Bundler", Bundled Code Object File Layout and
 * Compressed Bundled File; lib/Driver/OffloadBundler.cpp of LLVM 19 (versions 1 and 2), LLVM 21 (3).
 */
#include "codeobj/internal.h"

#define MAX_ID_BYTES 1024u

bool rp_bundle_is(struct rp_span bytes)
{
	return rp_span_starts(bytes, RP_BUNDLE_MAGIC);
}

/* magic, u64 count, count x { u64 offset, u64 size, u64 id length, id } */
int rp_bundle_open(struct rp_span bytes, struct rp_bundle *ret, struct rp_error *err)
{
	struct rp_bundle b = { .bytes = bytes };
	uint64_t at = RP_BUNDLE_MAGIC_BYTES + 8;

	if (!rp_bundle_is(bytes))
		return RP_FAIL(err, -EBADMSG, "no bundle magic");
	if (!rp_span_le64(bytes, RP_BUNDLE_MAGIC_BYTES, &b.n_entries))
		return RP_FAIL(err, -EBADMSG, "bundle: cut before the number of entries");
	if (b.n_entries > RP_BUNDLE_MAX_ENTRIES)
		return RP_FAIL(err, -EBADMSG, "bundle: %llu entries, at most %u are believed",
			(unsigned long long)b.n_entries, RP_BUNDLE_MAX_ENTRIES);
	for (uint64_t i = 0; i < b.n_entries; i++) {
		uint64_t offset = 0, size = 0, n_id = 0, end;

		if (!rp_span_le64(bytes, at, &offset) || !rp_span_le64(bytes, at + 8, &size) ||
			!rp_span_le64(bytes, at + 16, &n_id))
			return RP_FAIL(err, -EBADMSG,
				"bundle: cut in entry %llu of %llu, %zu bytes are there",
				(unsigned long long)i, (unsigned long long)b.n_entries, bytes.n);
		at += 24;
		if (n_id > MAX_ID_BYTES || n_id > bytes.n - at)
			return RP_FAIL(err, -EBADMSG, "bundle: entry %llu has an id of %llu bytes",
				(unsigned long long)i, (unsigned long long)n_id);
		at += n_id;
		if (__builtin_add_overflow(offset, size, &end))
			return RP_FAIL(err, -EBADMSG,
				"bundle: entry %llu at offset %llu has %llu bytes",
				(unsigned long long)i, (unsigned long long)offset,
				(unsigned long long)size);
		if (size > 0 && end > b.end)
			b.end = end;
	}
	b.header_bytes = at;
	if (b.end < at)
		b.end = at;
	*ret = b;
	return 0;
}

bool rp_bundle_next(const struct rp_bundle *bundle, uint64_t *at, struct rp_bundle_entry *ret)
{
	uint64_t pos = *at ? *at : RP_BUNDLE_MAGIC_BYTES + 8, n_id = 0;
	struct rp_bundle_entry e;

	/* rp_bundle_open has checked the table: a failing read is its end. */
	if (pos >= bundle->header_bytes || !rp_span_le64(bundle->bytes, pos, &e.offset) ||
		!rp_span_le64(bundle->bytes, pos + 8, &e.size) ||
		!rp_span_le64(bundle->bytes, pos + 16, &n_id) ||
		!rp_span_sub(bundle->bytes, pos + 24, n_id, &e.id))
		return false;
	*at = pos + 24 + n_id;
	*ret = e;
	return true;
}

bool rp_ccob_is(struct rp_span bytes)
{
	return rp_span_starts(bytes, "CCOB");
}

int rp_ccob_open(struct rp_span bytes, struct rp_ccob *ret, struct rp_error *err)
{
	uint32_t total32 = 0, raw32 = 0;
	struct rp_ccob c = { 0 };
	bool good;

	if (!rp_ccob_is(bytes) || !rp_span_le16(bytes, 4, &c.version) ||
		!rp_span_le16(bytes, 6, &c.method))
		return RP_FAIL(err, -EBADMSG, "compressed bundle: header is cut");
	switch (c.version) {
	case 1:
		good = rp_span_le32(bytes, 8, &raw32) && rp_span_le64(bytes, 12, &c.hash);
		c.raw_bytes = raw32;
		c.header_bytes = 20;
		break;
	case 2:
		good = rp_span_le32(bytes, 8, &total32) && rp_span_le32(bytes, 12, &raw32) &&
		       rp_span_le64(bytes, 16, &c.hash);
		c.total_bytes = total32;
		c.raw_bytes = raw32;
		c.header_bytes = 24;
		break;
	case 3:
		good = rp_span_le64(bytes, 8, &c.total_bytes) &&
		       rp_span_le64(bytes, 16, &c.raw_bytes) && rp_span_le64(bytes, 24, &c.hash);
		c.header_bytes = 32;
		break;
	default:
		return RP_FAIL(err, -EBADMSG, "compressed bundle: version %u, expected 1, 2 or 3",
			c.version);
	}
	if (!good)
		return RP_FAIL(err, -EBADMSG, "compressed bundle: header is cut");
	if (c.method > 1)
		return RP_FAIL(err, -EBADMSG,
			"compressed bundle: method %u, expected 0 (zlib) or 1 (zstd)", c.method);
	if (c.version > 1 && (c.total_bytes < c.header_bytes || c.total_bytes > bytes.n))
		return RP_FAIL(err, -EBADMSG,
			"compressed bundle: %llu bytes announced, %zu are there",
			(unsigned long long)c.total_bytes, bytes.n);
	*ret = c;
	return 0;
}

int rp_ccob_unpack(struct rp_span bytes, const struct rp_ccob *header, uint64_t max_bytes,
	struct rp_unpacked *ret, size_t *ret_used, struct rp_error *err)
{
	uint64_t total = header->total_bytes ? header->total_bytes : bytes.n;
	struct rp_span packed;
	size_t used = 0;
	int r;

	if (header->raw_bytes > max_bytes)
		return RP_FAIL(err, -EFBIG,
			"compressed bundle: %llu bytes unpacked, the limit is %llu",
			(unsigned long long)header->raw_bytes, (unsigned long long)max_bytes);
	if (total < header->header_bytes ||
		!rp_span_sub(bytes, header->header_bytes, total - header->header_bytes, &packed))
		return RP_FAIL(err, -EBADMSG, "compressed bundle: cut");
	if (header->method == 0)
		r = rp_unpack_zlib(packed, false, (size_t)header->raw_bytes, ret, &used, err);
	else
		r = rp_unpack_zstd(packed, (size_t)header->raw_bytes, ret, &used, err);
	if (r < 0)
		return rp_error_prefix(err, r, "compressed bundle");
	*ret_used = header->total_bytes ? (size_t)header->total_bytes : header->header_bytes + used;
	return 0;
}
