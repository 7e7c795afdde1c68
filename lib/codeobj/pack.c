/* SPDX-License-Identifier: MIT */
/*
 * Writing compressed bundles as clang's offload bundler does: the header's version and method are
 * those of the bundle that is replaced. Source: LLVM 19 lib/Driver/OffloadBundler.cpp,
 * CompressedOffloadBundle::compress; version 3: LLVM 21.
 */
#include <limits.h>
#include <zlib.h>
#include <zstd.h>

#include "codeobj/internal.h"

#define LEVEL 5 /* of zstd: what LLVM's own default is */

static int pack_zstd(struct rp_span raw, struct rp_buf *ret, struct rp_error *err)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t n = ZSTD_compressBound(raw.n), made = 0;
	bool good;

	if (!context || ZSTD_isError(n) || !rp_buf_reserve(ret, n)) {
		(void)ZSTD_freeCCtx(context); /* always 0 */
		return RP_NOMEM(err);
	}
	/* code objects of one bundle resemble each other over long distances */
	good = !ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(
		       context, ZSTD_c_enableLongDistanceMatching, raw.n > (size_t)1 << 20));
	if (good) {
		made = ZSTD_compress2(context, ret->p + ret->n, n, raw.p, raw.n);
		good = !ZSTD_isError(made);
	}
	(void)ZSTD_freeCCtx(context);
	if (!good)
		return RP_FAIL(err, -ENOMEM, "zstd cannot compress %zu bytes", raw.n);
	ret->n += made;
	ret->p[ret->n] = '\0';
	return 0;
}

static int pack_zlib(struct rp_span raw, struct rp_buf *ret, struct rp_error *err)
{
	uLongf n = compressBound(raw.n);

	if (raw.n > UINT_MAX || !rp_buf_reserve(ret, n))
		return RP_NOMEM(err);
	if (compress2((Bytef *)ret->p + ret->n, &n, raw.p, raw.n, Z_DEFAULT_COMPRESSION) != Z_OK)
		return RP_FAIL(err, -ENOMEM, "zlib cannot compress %zu bytes", raw.n);
	ret->n += n;
	ret->p[ret->n] = '\0';
	return 0;
}

static void put(char *p, uint64_t v, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		p[i] = (char)(uint8_t)(v >> (8 * i));
}

int rp_ccob_pack(
	struct rp_span raw, const struct rp_ccob *like, struct rp_buf *ret, struct rp_error *err)
{
	static const char magic[4] = { 'C', 'C', 'O', 'B' }, zeros[32] = { 0 };
	uint64_t limit = like->version == 3 ? UINT64_MAX : UINT32_MAX, hash = rp_md5_low(raw);
	size_t start = ret->n;
	char *head;
	int r;

	rp_buf_add(ret, zeros, like->header_bytes);
	r = rp_buf_check(ret, err);
	if (r == 0)
		r = like->method == 0 ? pack_zlib(raw, ret, err) : pack_zstd(raw, ret, err);
	if (r < 0)
		return r;
	if (raw.n > limit || ret->n - start > limit)
		return RP_FAIL(err, -EFBIG,
			"compressed bundle: %zu bytes are more than a header of version %u can say",
			raw.n, like->version);
	head = ret->p + start;
	memcpy(head, magic, sizeof(magic));
	put(head + 4, like->version, 2);
	put(head + 6, like->method, 2);
	if (like->version == 1) {
		put(head + 8, raw.n, 4);
		put(head + 12, hash, 8);
	} else if (like->version == 2) {
		put(head + 8, ret->n - start, 4);
		put(head + 12, raw.n, 4);
		put(head + 16, hash, 8);
	} else {
		put(head + 8, ret->n - start, 8);
		put(head + 16, raw.n, 8);
		put(head + 24, hash, 8);
	}
	return 0;
}
