/* SPDX-License-Identifier: MIT */
/* MessagePack pull reader; see codeobj/msgpack.h. */
#include "codeobj/msgpack.h"

const char *rp_msgpack_type_name(enum rp_msgpack_type type)
{
	static const char *const names[] = { "nil", "bool", "unsigned number", "negative number",
		"float", "string", "binary", "ext", "array", "map" };

	return type < RP_ARRAY_SIZE(names) ? names[type] : "?";
}

/* How a first byte is read. */
struct form {
	enum rp_msgpack_type type;
	uint8_t n_count; /* bytes of a number or length behind the first byte */
	uint8_t n_fixed; /* fixext: bytes of data */
	bool is_signed;
};

/* First bytes 0xc0 .. 0xdf; 0xc1 is never used. */
static const struct form forms[32] = {
	[0x00] = { RP_MSGPACK_NIL, 0, 0, false },
	[0x02] = { RP_MSGPACK_BOOL, 0, 0, false },
	[0x03] = { RP_MSGPACK_BOOL, 0, 0, false },
	[0x04] = { RP_MSGPACK_BIN, 1, 0, false },
	[0x05] = { RP_MSGPACK_BIN, 2, 0, false },
	[0x06] = { RP_MSGPACK_BIN, 4, 0, false },
	[0x07] = { RP_MSGPACK_EXT, 1, 0, false },
	[0x08] = { RP_MSGPACK_EXT, 2, 0, false },
	[0x09] = { RP_MSGPACK_EXT, 4, 0, false },
	[0x0a] = { RP_MSGPACK_FLOAT, 4, 0, false },
	[0x0b] = { RP_MSGPACK_FLOAT, 8, 0, false },
	[0x0c] = { RP_MSGPACK_UINT, 1, 0, false },
	[0x0d] = { RP_MSGPACK_UINT, 2, 0, false },
	[0x0e] = { RP_MSGPACK_UINT, 4, 0, false },
	[0x0f] = { RP_MSGPACK_UINT, 8, 0, false },
	[0x10] = { RP_MSGPACK_INT, 1, 0, true },
	[0x11] = { RP_MSGPACK_INT, 2, 0, true },
	[0x12] = { RP_MSGPACK_INT, 4, 0, true },
	[0x13] = { RP_MSGPACK_INT, 8, 0, true },
	[0x14] = { RP_MSGPACK_EXT, 0, 1, false },
	[0x15] = { RP_MSGPACK_EXT, 0, 2, false },
	[0x16] = { RP_MSGPACK_EXT, 0, 4, false },
	[0x17] = { RP_MSGPACK_EXT, 0, 8, false },
	[0x18] = { RP_MSGPACK_EXT, 0, 16, false },
	[0x19] = { RP_MSGPACK_STR, 1, 0, false },
	[0x1a] = { RP_MSGPACK_STR, 2, 0, false },
	[0x1b] = { RP_MSGPACK_STR, 4, 0, false },
	[0x1c] = { RP_MSGPACK_ARRAY, 2, 0, false },
	[0x1d] = { RP_MSGPACK_ARRAY, 4, 0, false },
	[0x1e] = { RP_MSGPACK_MAP, 2, 0, false },
	[0x1f] = { RP_MSGPACK_MAP, 4, 0, false },
};

static int cut(const struct rp_msgpack *m, struct rp_error *err)
{
	return RP_FAIL(
		err, -EBADMSG, "msgpack at byte %zu: value is cut at %zu", m->offset, m->data.n);
}

static int64_t sign_extend(uint64_t v, unsigned int n_bytes)
{
	uint64_t sign = (uint64_t)1 << (8 * n_bytes - 1);

	return (int64_t)((v ^ sign) - sign);
}

/* Fills item from the count or number v and moves on; at is behind the number. */
static int finish(struct rp_msgpack *m, const struct form *form, uint64_t v, uint64_t at,
	struct rp_msgpack_item *item, struct rp_error *err)
{
	uint64_t left = m->data.n - at;

	item->type = form->type;
	switch (form->type) {
	case RP_MSGPACK_STR:
	case RP_MSGPACK_BIN:
	case RP_MSGPACK_EXT:
		at += form->type == RP_MSGPACK_EXT; /* the type byte of an ext is not kept */
		if (!rp_span_sub(m->data, at, v, &item->v.s))
			return cut(m, err);
		at += v;
		break;
	case RP_MSGPACK_ARRAY:
	case RP_MSGPACK_MAP:
		if (v > left / (form->type == RP_MSGPACK_MAP ? 2 : 1))
			return RP_FAIL(err, -EBADMSG,
				"msgpack at byte %zu: %s of %llu in %llu bytes", m->offset,
				rp_msgpack_type_name(form->type), (unsigned long long)v,
				(unsigned long long)left);
		item->v.n = (uint32_t)v;
		break;
	case RP_MSGPACK_INT:
		item->v.i = sign_extend(v, form->n_count);
		if (item->v.i >= 0) {
			item->type = RP_MSGPACK_UINT;
			item->v.u = v;
		}
		break;
	default:
		item->v.u = v;
		break;
	}
	m->offset = (size_t)at;
	return 0;
}

int rp_msgpack_next(struct rp_msgpack *m, struct rp_msgpack_item *ret, struct rp_error *err)
{
	struct rp_msgpack_item item = { .offset = m->offset };
	const struct form *form;
	uint64_t v = 0;
	uint8_t b;
	int r;

	if (m->offset >= m->data.n)
		return RP_FAIL(err, -ENODATA, "msgpack: no more values at byte %zu", m->offset);
	b = m->data.p[m->offset];
	if (b < 0xc0 || b > 0xdf) {
		struct form fixed = { RP_MSGPACK_UINT, 0, 0, false };

		v = b;
		if (b >= 0xe0) {
			item.type = RP_MSGPACK_INT;
			item.v.i = (int64_t)b - 256;
			m->offset++;
			*ret = item;
			return 0;
		}
		if (b >= 0x80) {
			fixed.type = b >= 0xa0	 ? RP_MSGPACK_STR
				     : b >= 0x90 ? RP_MSGPACK_ARRAY
						 : RP_MSGPACK_MAP;
			v = b & (b >= 0xa0 ? 0x1f : 0x0f);
		}
		r = finish(m, &fixed, v, m->offset + 1, &item, err);
		if (r == 0)
			*ret = item;
		return r;
	}
	if (b == 0xc1)
		return RP_FAIL(
			err, -EBADMSG, "msgpack at byte %zu: unused first byte 0xc1", m->offset);
	form = &forms[b - 0xc0];
	if (form->n_count > m->data.n - m->offset - 1)
		return cut(m, err);
	for (unsigned int i = 0; i < form->n_count; i++)
		v = v << 8 | m->data.p[m->offset + 1 + i];
	if (form->n_fixed)
		v = form->n_fixed;
	else if (form->type == RP_MSGPACK_BOOL)
		v = b & 1;
	r = finish(m, form, v, m->offset + 1 + form->n_count, &item, err);
	if (r < 0)
		return r;
	if (item.type == RP_MSGPACK_BOOL)
		item.v.b = v != 0;
	*ret = item;
	return 0;
}

int rp_msgpack_skip(struct rp_msgpack *m, struct rp_error *err)
{
	uint64_t pending = 1; /* each pending value has at least one byte, so this ends */

	while (pending > 0) {
		struct rp_msgpack_item item;
		int r = rp_msgpack_next(m, &item, err);

		if (r == -ENODATA)
			return RP_FAIL(err, -EBADMSG, "msgpack: cut, %llu values are missing",
				(unsigned long long)pending);
		if (r < 0)
			return r;
		pending--;
		if (item.type == RP_MSGPACK_ARRAY)
			pending += item.v.n;
		else if (item.type == RP_MSGPACK_MAP)
			pending += 2 * (uint64_t)item.v.n;
	}
	return 0;
}

int rp_msgpack_expect(struct rp_msgpack *m, enum rp_msgpack_type type, struct rp_msgpack_item *ret,
	struct rp_error *err)
{
	struct rp_msgpack_item item;
	int r = rp_msgpack_next(m, &item, err);

	if (r == -ENODATA)
		return RP_FAIL(err, -EBADMSG, "msgpack: cut at byte %zu, expected a %s", m->offset,
			rp_msgpack_type_name(type));
	if (r < 0)
		return r;
	if (item.type != type)
		return RP_FAIL(err, -EBADMSG, "msgpack at byte %zu: a %s, expected a %s",
			item.offset, rp_msgpack_type_name(item.type), rp_msgpack_type_name(type));
	*ret = item;
	return 0;
}
