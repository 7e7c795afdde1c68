/* SPDX-License-Identifier: MIT */
/*
 * The metadata notes for the card: target and, where they have changed, VGPR counts. Everything else is
 * copied byte by byte. Source: LLVM AMDGPUUsage, "Code Object V3 Metadata" and later.
 */
#include <stdio.h>

#include "codeobj/msgpack.h"
#include "retarget/internal.h"

#define NT_AMDGPU_METADATA 32

/* Copies of a note's bytes up to some place, and what is put in there. */
struct splice {
	const struct rp_rt_object *o;
	struct rp_span note; /* msgpack */
	size_t done; /* bytes of it that are copied or replaced */
	struct rp_buf *out;
};

/* Replaces [from, to) of the note. */
static void replace(struct splice *s, size_t from, size_t to, const void *bytes, size_t n)
{
	rp_buf_add(s->out, s->note.p + s->done, from - s->done);
	rp_buf_add(s->out, bytes, n);
	s->done = to;
}

static void replace_uint(struct splice *s, size_t from, size_t to, uint32_t v)
{
	uint8_t b[3] = { 0xcd, (uint8_t)(v >> 8), (uint8_t)v };

	if (v < 128)
		replace(s, from, to, b + 2, 1);
	else if (v < 256)
		replace(s, from, to, (uint8_t[]){ 0xcc, (uint8_t)v }, 2);
	else
		replace(s, from, to, b, 3);
}

/* "amdgcn-amd-amdhsa--gfx1030" for the card. */
static int new_target(const struct rp_rt_object *o, struct rp_span old, char ret[128])
{
	const struct rp_chip *card = o->options->chip;
	struct rp_target_id id;
	const char *xnack = "";

	if (!rp_target_id_parse(old, &id) || (size_t)(id.processor.p - old.p) > 64)
		return 0;
	if (card->has_xnack &&
		!o->options->in_place) /* code of a chip without XNACK is not made for replays */
		xnack = !o->object->chip->has_xnack || o->object->xnack == RP_CODEOBJ_OFF
				? ":xnack-"
			: o->object->xnack == RP_CODEOBJ_ON ? ":xnack+"
							    : "";
	return snprintf(ret, 128, "%.*s%s%s", (int)(id.processor.p - old.p), (const char *)old.p,
		card->name, xnack);
}

static int target(struct splice *s, struct rp_msgpack *m, struct rp_error *err)
{
	struct rp_msgpack_item value;
	char text[128], head[2];
	struct rp_target_id id;
	int n, r = rp_msgpack_expect(m, RP_MSGPACK_STR, &value, err);

	if (r < 0)
		return r;
	n = new_target(s->o, value.v.s, text);
	/* read again: what stands before the processor may mislead */
	if (n <= 0 || !rp_target_id_parse(rp_span_str(text), &id) || id.chip != s->o->options->chip)
		return RP_FAIL(err, -EBADMSG, "metadata: \"%.*s\" is no target",
			(int)(value.v.s.n < 80 ? value.v.s.n : 80), (const char *)value.v.s.p);
	head[0] = (char)(n < 32 ? 0xa0 | n : 0xd9);
	head[1] = (char)n;
	replace(s, value.offset, m->offset, head, n < 32 ? 1 : 2);
	rp_buf_add(s->out, text, (size_t)n);
	return 0;
}

static int kernel(struct splice *s, struct rp_msgpack *m, struct rp_error *err)
{
	struct rp_msgpack_item map, key, value, count = { 0 };
	struct rp_span symbol = { NULL, 0 };
	size_t count_end = 0;
	int r = rp_msgpack_expect(m, RP_MSGPACK_MAP, &map, err);

	for (uint32_t i = 0; r == 0 && i < map.v.n; i++) {
		r = rp_msgpack_expect(m, RP_MSGPACK_STR, &key, err);
		if (r < 0)
			return r;
		if (rp_span_eq_str(key.v.s, ".symbol")) {
			r = rp_msgpack_expect(m, RP_MSGPACK_STR, &value, err);
			symbol = r == 0 ? value.v.s : symbol;
		} else if (rp_span_eq_str(key.v.s, ".vgpr_count")) {
			r = rp_msgpack_expect(m, RP_MSGPACK_UINT, &count, err);
			count_end = m->offset;
		} else {
			r = rp_msgpack_skip(m, err);
		}
	}
	for (size_t k = 0; r == 0 && count_end && k < s->o->object->n_kernels; k++) {
		const struct rp_kernel *other = &s->o->object->kernels[k];

		if (s->o->kernels[k].vgpr_count && other->name.n + 3 == symbol.n &&
			memcmp(other->name.p, symbol.p, other->name.n) == 0) {
			replace_uint(s, count.offset, count_end, s->o->kernels[k].vgpr_count);
			break;
		}
	}
	return r;
}

static int note(struct splice *s, struct rp_error *err)
{
	struct rp_msgpack m = { s->note, 0 };
	struct rp_msgpack_item map, key, list;
	int r = rp_msgpack_expect(&m, RP_MSGPACK_MAP, &map, err);

	for (uint32_t i = 0; r == 0 && i < map.v.n; i++) {
		r = rp_msgpack_expect(&m, RP_MSGPACK_STR, &key, err);
		if (r < 0)
			return r;
		if (rp_span_eq_str(key.v.s, "amdhsa.target")) {
			r = target(s, &m, err);
		} else if (rp_span_eq_str(key.v.s, "amdhsa.kernels")) {
			r = rp_msgpack_expect(&m, RP_MSGPACK_ARRAY, &list, err);
			for (uint32_t k = 0; r == 0 && k < list.v.n; k++)
				r = kernel(s, &m, err);
		} else {
			r = rp_msgpack_skip(&m, err);
		}
	}
	rp_buf_add(s->out, s->note.p + s->done, s->note.n - s->done);
	return r;
}

static void add_le32(struct rp_buf *b, size_t v)
{
	uint8_t bytes[4];

	rp_rt_put_le32(bytes, (uint32_t)v);
	rp_buf_add(b, bytes, 4);
}

static void pad4(struct rp_buf *b)
{
	while (b->n % 4 && !b->failed)
		rp_buf_addc(b, '\0');
}

int rp_rt_notes(const struct rp_rt_object *o, struct rp_span section, struct rp_buf *ret,
	struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf desc = RP_BUF_INIT;
	struct rp_elf_note n;
	int r;

	while ((r = rp_elf_next_note(&section, &n, err)) > 0) {
		struct splice s = { o, n.desc, 0, &desc };

		rp_buf_clear(&desc);
		if (n.type == NT_AMDGPU_METADATA && rp_span_eq_str(n.name, "AMDGPU"))
			r = note(&s, err);
		else
			rp_buf_add(&desc, n.desc.p, n.desc.n);
		if (r < 0)
			return r;
		add_le32(ret, n.name.n + 1);
		add_le32(ret, desc.n);
		add_le32(ret, n.type);
		rp_buf_add(ret, n.name.p, n.name.n);
		rp_buf_addc(ret, '\0');
		pad4(ret);
		rp_buf_add(ret, desc.p, desc.n);
		pad4(ret);
		r = rp_buf_check(&desc, err);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : rp_buf_check(ret, err);
}
