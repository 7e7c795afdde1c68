/* SPDX-License-Identifier: MIT */
/*
 * Which targets a library has code for, by the entry tables of its bundles alone: of a compressed
 * bundle only the beginning is unpacked. A library of gigabytes takes milliseconds.
 */
#include <inttypes.h>
#include <zlib.h>
#include <zstd.h>

#include "codeobj/internal.h"

#define TABLE_BYTES (64u << 10) /* entry tables are smaller: some hundred targets */
#define MAX_BUNDLES 1000000u

/* The first bytes of a zstd frame; fewer if it is shorter, cut or malformed. */
static size_t zstd_start(struct rp_span packed, uint8_t *out, size_t n_out)
{
	ZSTD_DCtx *ctx = ZSTD_createDCtx();
	ZSTD_inBuffer in = { packed.p, packed.n, 0 };
	ZSTD_outBuffer to = { out, n_out, 0 };

	while (ctx && to.pos < to.size) {
		size_t before = to.pos, at = in.pos, r = ZSTD_decompressStream(ctx, &to, &in);

		if (ZSTD_isError(r) || r == 0 || (to.pos == before && in.pos == at))
			break;
	}
	(void)ZSTD_freeDCtx(ctx); /* takes NULL; cannot fail otherwise */
	return to.pos;
}

static int add_entries(const struct rp_bundle *b, struct rp_strv *ret, struct rp_error *err)
{
	struct rp_bundle_entry e;
	uint64_t at = 0;

	while (rp_bundle_next(b, &at, &e)) {
		struct rp_target_id id;
		RP_CLEANUP(rp_free_p) char *name = NULL;
		int r;

		if (rp_span_starts(e.id, "host") || e.size == 0)
			continue;
		if (!rp_target_id_parse(e.id, &id))
			return RP_FAIL(err, -EBADMSG, "bundle entry \"%.*s\" names no target",
				(int)(e.id.n < 100 ? e.id.n : 100), (const char *)e.id.p);
		name = rp_span_dup(id.processor);
		if (!name)
			return RP_NOMEM(err);
		r = rp_strv_has(ret, name) ? 0 : rp_strv_add(ret, name, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A compressed bundle at the start of bytes; ret_used: its length. */
static int add_compressed(struct rp_span bytes, uint8_t *scratch, struct rp_strv *ret,
	size_t *ret_used, struct rp_error *err)
{
	struct rp_bundle bundle;
	struct rp_ccob header;
	struct rp_span packed;
	size_t n;
	int r = rp_ccob_open(bytes, &header, err);

	if (r < 0)
		return r;
	/* version 1 does not say how long it is: zstd knows its frames, zlib would need all of it */
	if (!header.total_bytes) {
		size_t frame;

		if (!rp_span_from(bytes, header.header_bytes, &packed) || header.method == 0)
			return RP_FAIL(err, -EOPNOTSUPP, "compressed bundle: version 1 with zlib");
		frame = ZSTD_findFrameCompressedSize(packed.p, packed.n);
		if (ZSTD_isError(frame))
			return RP_FAIL(
				err, -EBADMSG, "compressed bundle: %s", ZSTD_getErrorName(frame));
		header.total_bytes = header.header_bytes + frame;
	}
	if (!rp_span_sub(
		    bytes, header.header_bytes, header.total_bytes - header.header_bytes, &packed))
		return RP_FAIL(err, -EBADMSG, "compressed bundle: cut");
	if (header.method == 1)
		n = zstd_start(packed, scratch, TABLE_BYTES);
	else if (packed.n > 2) /* a zlib stream is two bytes and raw deflate data (RFC 1950) */
		n = rp_unpack_start(rp_span_of(packed.p + 2, packed.n - 2), scratch, TABLE_BYTES);
	else
		n = 0;
	r = rp_bundle_open(rp_span_of(scratch, n), &bundle, err);
	if (r < 0)
		return rp_error_prefix(err, r, "compressed bundle");
	*ret_used = (size_t)header.total_bytes;
	return add_entries(&bundle, ret, err);
}

static int add_section(struct rp_span s, uint8_t *scratch, uint64_t base, struct rp_strv *ret,
	struct rp_error *err)
{
	size_t at = 0, used = 0;

	for (unsigned int n = 0;; n++) {
		struct rp_span rest;
		struct rp_bundle b;
		int r;

		while (at < s.n && s.p[at] == 0)
			at++;
		if (at >= s.n)
			return 0;
		if (n >= MAX_BUNDLES)
			return RP_FAIL(err, -EFBIG, "more than %u bundles", MAX_BUNDLES);
		rest = rp_span_of(s.p + at, s.n - at);
		if (rp_ccob_is(rest)) {
			r = add_compressed(rest, scratch, ret, &used, err);
		} else {
			r = rp_bundle_open(rest, &b, err);
			if (r == 0 && b.end > rest.n)
				r = RP_FAIL(err, -EBADMSG, "bundle: cut");
			if (r == 0)
				r = add_entries(&b, ret, err);
			used = r == 0 ? (size_t)b.end : 0;
		}
		if (r < 0)
			return rp_error_prefix(err, r, "offset 0x%" PRIx64, base + at);
		at += used;
	}
}

int rp_codeobj_targets(struct rp_span library, struct rp_strv *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_elf_close) struct rp_elf elf = { 0 };
	RP_CLEANUP(rp_free_p) uint8_t *scratch = malloc(TABLE_BYTES);
	RP_CLEANUP(rp_strv_free) struct rp_strv targets = RP_STRV_INIT;
	int r;

	if (!scratch)
		return RP_NOMEM(err);
	r = rp_elf_open(library, &elf, err);
	for (size_t i = 0; r == 0 && i < elf.n_sections; i++) {
		const struct rp_elf_section *s = &elf.sections[i];

		if (!rp_span_eq_str(s->name, ".hip_fatbin") &&
			!rp_span_starts(s->name, ".hip_fatbin."))
			continue;
		if (!s->in_file)
			return RP_FAIL(err, -EBADMSG, ".hip_fatbin is not in the file: it is cut");
		r = add_section(s->data, scratch, s->offset, &targets, err);
	}
	if (r < 0)
		return r;
	*ret = targets;
	targets = (struct rp_strv)RP_STRV_INIT;
	return 0;
}
