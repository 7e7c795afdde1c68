/* SPDX-License-Identifier: MIT */
/*
 * Members of ar archives (static libraries, .deb) and of zip files (Python wheels).
 * Own readers instead of libarchive, since stored members must be looked at
 * where they are mapped, without a copy, and each with its offset.
 * Sources: System V / GNU and BSD ar formats (ar(5)); PKWARE APPNOTE.TXT 6.3.
 */
#include "codeobj/internal.h"

#define AR_MAGIC       "!<arch>\n"
#define AR_THIN_MAGIC  "!<thin>\n"
#define AR_MEMBER_HEAD 60u
#define MAX_MEMBERS    1000000u

bool rp_ar_is(struct rp_span bytes)
{
	return rp_span_starts(bytes, AR_MAGIC) || rp_span_starts(bytes, AR_THIN_MAGIC);
}

static struct rp_span field(struct rp_span head, size_t off, size_t n)
{
	return rp_span_trim(rp_span_of(head.p + off, n));
}

/* GNU: "/123" is an offset into the member "//", each name there ends with "/\n". */
static struct rp_span gnu_long_name(struct rp_span names, struct rp_span ref)
{
	struct rp_span rest;
	uint64_t at = 0;
	size_t n = 0;

	if (!rp_span_number(rp_span_of(ref.p + 1, ref.n - 1), &at) ||
		!rp_span_from(names, at, &rest))
		return ref;
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '\n')
		n++;
	return rp_span_of(rest.p, n);
}

int rp_ar_members(struct rp_span bytes, rp_member_fn fn, rp_member_damage_fn damage, void *data,
	struct rp_error *err)
{
	bool thin = rp_span_starts(bytes, AR_THIN_MAGIC);
	struct rp_span names = rp_span_of(bytes.p, 0);
	struct rp_error why = RP_ERROR_INIT;
	uint64_t at = 8;
	int r;

	while (at < bytes.n) {
		struct rp_member m = { .method = 0 };
		struct rp_span head;
		uint64_t size = 0, n_name = 0, start = at + AR_MEMBER_HEAD;

		if (!rp_span_sub(bytes, at, AR_MEMBER_HEAD, &head) || head.p[58] != '`' ||
			head.p[59] != '\n' || !rp_span_number(field(head, 48, 10), &size)) {
			(void)RP_FAIL(&why, -EBADMSG, "ar: no member header at offset %llu of %zu",
				(unsigned long long)at, bytes.n);
			return damage(data, rp_span_of(bytes.p, 0), at, &why, err);
		}
		m.name = field(head, 0, 16);
		m.offset = start;
		if (thin && !rp_span_starts(m.name, "/")) {
			at = start; /* the bytes are in another file, which is looked at on its own */
			continue;
		}
		if (thin && m.name.n > 1 && m.name.p[1] != '/') {
			at = start;
			continue;
		}
		if (!rp_span_sub(bytes, start, size, &m.data)) {
			(void)RP_FAIL(&why, -EBADMSG,
				"ar: truncated: member at offset %llu has %llu bytes, the file "
				"ends at %zu",
				(unsigned long long)start, (unsigned long long)size, bytes.n);
			return damage(data, m.name, start, &why, err);
		}
		at = start + size + (size & 1);
		if (rp_span_eq_str(m.name, "//")) {
			names = m.data;
			continue;
		}
		if (m.name.n > 1 && m.name.p[0] == '/' && m.name.p[1] >= '0' &&
			m.name.p[1] <= '9') {
			m.name = gnu_long_name(names, m.name);
		} else if (rp_span_starts(m.name, "#1/") &&
			   rp_span_number(rp_span_of(m.name.p + 3, m.name.n - 3), &n_name) &&
			   n_name <= m.data.n) {
			/* BSD: the name stands before the data. */
			m.name = rp_span_of(m.data.p, (size_t)n_name);
			m.data = rp_span_of(m.data.p + n_name, m.data.n - (size_t)n_name);
			m.offset += n_name;
		} else if (m.name.n > 1 && m.name.p[m.name.n - 1] == '/') {
			m.name.n--;
		}
		m.n_raw = m.data.n;
		r = fn(data, &m, err);
		if (r != 0)
			return r;
	}
	return 0;
}

bool rp_zip_is(struct rp_span bytes)
{
	return rp_span_starts(bytes, "PK\003\004") || rp_span_starts(bytes, "PK\005\006");
}

struct directory {
	uint64_t n_entries, size, offset;
};

/* The end record: the last 22 bytes but for a comment of at most 65,535; then zip64's. */
static int find_directory(struct rp_span z, struct directory *ret, struct rp_error *err)
{
	size_t lowest = z.n > 22 + 65535 ? z.n - 22 - 65535 : 0;
	uint16_t n16 = 0;
	uint32_t size32 = 0, offset32 = 0, sign = 0;
	uint64_t at, end64 = 0;

	if (z.n < 22)
		return RP_FAIL(err, -EBADMSG, "zip: truncated: %zu bytes", z.n);
	for (at = z.n - 22;; at--) {
		if (memcmp(z.p + at, "PK\005\006", 4) == 0)
			break;
		if (at == lowest)
			return RP_FAIL(err, -EBADMSG,
				"zip: truncated: no end record in the last bytes of %zu", z.n);
	}
	if (!rp_span_le16(z, at + 10, &n16) || !rp_span_le32(z, at + 12, &size32) ||
		!rp_span_le32(z, at + 16, &offset32))
		return RP_FAIL(err, -EBADMSG, "zip: end record is cut");
	*ret = (struct directory){ n16, size32, offset32 };
	if ((n16 == 0xffff || size32 == UINT32_MAX || offset32 == UINT32_MAX) && at >= 20 &&
		rp_span_le32(z, at - 20, &sign) && sign == 0x07064b50) {
		if (!rp_span_le64(z, at - 20 + 8, &end64) || !rp_span_le32(z, end64, &sign) ||
			sign != 0x06064b50 || !rp_span_le64(z, end64 + 32, &ret->n_entries) ||
			!rp_span_le64(z, end64 + 40, &ret->size) ||
			!rp_span_le64(z, end64 + 48, &ret->offset))
			return RP_FAIL(err, -EBADMSG,
				"zip: no zip64 end record at offset %llu of %zu",
				(unsigned long long)end64, z.n);
	}
	return 0;
}

struct zip_entry {
	uint16_t flags, method, n_name, n_extra, n_comment;
	uint32_t packed32, raw32, local32;
	uint64_t packed, raw, local;
	struct rp_span name;
};

/* Extra field 1: eight bytes for each of raw size, packed size, offset that is all ones. */
static bool read_zip64(struct rp_span extra, struct zip_entry *e)
{
	uint16_t id = 0, n = 0;
	uint64_t at = 0;

	while (rp_span_le16(extra, at, &id) && rp_span_le16(extra, at + 2, &n)) {
		uint64_t pos = at + 4;

		if (id == 1) {
			if (e->raw32 == UINT32_MAX) {
				if (!rp_span_le64(extra, pos, &e->raw))
					return false;
				pos += 8;
			}
			if (e->packed32 == UINT32_MAX) {
				if (!rp_span_le64(extra, pos, &e->packed))
					return false;
				pos += 8;
			}
			return e->local32 != UINT32_MAX || rp_span_le64(extra, pos, &e->local);
		}
		at += 4 + (uint64_t)n;
	}
	return e->raw32 != UINT32_MAX && e->packed32 != UINT32_MAX && e->local32 != UINT32_MAX;
}

static bool read_entry(struct rp_span dir, uint64_t at, struct zip_entry *e, uint64_t *ret_next)
{
	struct rp_span extra;
	uint32_t sign = 0;

	if (!rp_span_le32(dir, at, &sign) || sign != 0x02014b50 ||
		!rp_span_le16(dir, at + 8, &e->flags) || !rp_span_le16(dir, at + 10, &e->method) ||
		!rp_span_le32(dir, at + 20, &e->packed32) ||
		!rp_span_le32(dir, at + 24, &e->raw32) || !rp_span_le16(dir, at + 28, &e->n_name) ||
		!rp_span_le16(dir, at + 30, &e->n_extra) ||
		!rp_span_le16(dir, at + 32, &e->n_comment) ||
		!rp_span_le32(dir, at + 42, &e->local32) ||
		!rp_span_sub(dir, at + 46, e->n_name, &e->name) ||
		!rp_span_sub(dir, at + 46 + e->n_name, e->n_extra, &extra))
		return false;
	e->packed = e->packed32;
	e->raw = e->raw32;
	e->local = e->local32;
	*ret_next = at + 46 + (uint64_t)e->n_name + e->n_extra + e->n_comment;
	return read_zip64(extra, e);
}

static int open_member(
	struct rp_span z, const struct zip_entry *e, struct rp_member *m, struct rp_error *err)
{
	uint16_t n_name = 0, n_extra = 0;
	uint32_t sign = 0;

	if (e->flags & 1)
		return RP_FAIL(err, -EBADMSG, "zip: the member is encrypted");
	if (e->method != 0 && e->method != 8)
		return RP_FAIL(err, -EBADMSG,
			"zip: compression method %u, expected 0 (stored) or 8 (deflate)",
			e->method);
	if (!rp_span_le32(z, e->local, &sign) || sign != 0x04034b50 ||
		!rp_span_le16(z, e->local + 26, &n_name) ||
		!rp_span_le16(z, e->local + 28, &n_extra))
		return RP_FAIL(err, -EBADMSG, "zip: no member header at offset %llu of %zu",
			(unsigned long long)e->local, z.n);
	m->offset = e->local + 30 + n_name + n_extra;
	if (!rp_span_sub(z, m->offset, e->packed, &m->data))
		return RP_FAIL(err, -EBADMSG,
			"zip: truncated: member at offset %llu has %llu bytes, the file ends at "
			"%zu",
			(unsigned long long)m->offset, (unsigned long long)e->packed, z.n);
	if (e->method == 0 && e->packed != e->raw)
		return RP_FAIL(err, -EBADMSG,
			"zip: stored member of %llu bytes is said to have %llu",
			(unsigned long long)e->packed, (unsigned long long)e->raw);
	m->name = e->name;
	m->method = e->method;
	m->n_raw = e->raw;
	return 0;
}

int rp_zip_members(struct rp_span bytes, rp_member_fn fn, rp_member_damage_fn damage, void *data,
	struct rp_error *err)
{
	struct rp_error why = RP_ERROR_INIT;
	struct directory d;
	struct rp_span dir;
	uint64_t at = 0;
	int r;

	if (find_directory(bytes, &d, &why) < 0)
		return damage(data, rp_span_of(bytes.p, 0), 0, &why, err);
	if (!rp_span_sub(bytes, d.offset, d.size, &dir) || d.n_entries > MAX_MEMBERS) {
		(void)RP_FAIL(&why, -EBADMSG,
			"zip: directory of %llu entries, %llu bytes at offset %llu of %zu",
			(unsigned long long)d.n_entries, (unsigned long long)d.size,
			(unsigned long long)d.offset, bytes.n);
		return damage(data, rp_span_of(bytes.p, 0), d.offset, &why, err);
	}
	for (uint64_t i = 0; i < d.n_entries; i++) {
		struct zip_entry e = { 0 };
		struct rp_member m = { 0 };

		if (!read_entry(dir, at, &e, &at)) {
			(void)RP_FAIL(&why, -EBADMSG,
				"zip: directory entry %llu of %llu is malformed",
				(unsigned long long)i, (unsigned long long)d.n_entries);
			return damage(data, rp_span_of(bytes.p, 0), d.offset + at, &why, err);
		}
		if (e.raw == 0)
			continue; /* folders, empty files */
		r = open_member(bytes, &e, &m, &why);
		r = r < 0 ? damage(data, e.name, e.local, &why, err) : fn(data, &m, err);
		if (r != 0)
			return r;
	}
	return 0;
}
