/* SPDX-License-Identifier: MIT */
/*
 * Decompression into exactly the announced number of bytes: a stream that makes
 * more, or fewer, is an error, so a bomb costs no more than the caller's limit.
 */
#include <limits.h>
#include <zlib.h>
#include <zstd.h>

#include "codeobj/internal.h"

void rp_unpacked_free(struct rp_unpacked *u)
{
	free(u->p);
	*u = (struct rp_unpacked){ 0 };
}

static uInt piece(size_t left)
{
	return left > UINT_MAX / 2 ? UINT_MAX / 2 : (uInt)left;
}

int rp_unpack_zlib(struct rp_span packed, bool is_raw, size_t n_out, struct rp_unpacked *ret,
	size_t *ret_used, struct rp_error *err)
{
	RP_CLEANUP(rp_unpacked_free) struct rp_unpacked u = { malloc(n_out ? n_out : 1), n_out };
	size_t used = 0, made = 0;
	z_stream z = { 0 };
	int r;

	if (!u.p)
		return RP_NOMEM(err);
	r = inflateInit2(&z, is_raw ? -MAX_WBITS : MAX_WBITS);
	if (r != Z_OK)
		return RP_FAIL(err, r == Z_MEM_ERROR ? -ENOMEM : -EPROTO, "zlib: cannot start");
	do {
		uInt in = piece(packed.n - used), out = piece(n_out - made);

		z.next_in = (z_const Bytef *)packed.p + used;
		z.avail_in = in;
		z.next_out = u.p + made;
		z.avail_out = out;
		r = inflate(&z, Z_NO_FLUSH);
		used += in - z.avail_in;
		made += out - z.avail_out;
		/* Z_BUF_ERROR: nothing left to read or no room left, both are the data's fault. */
	} while (r == Z_OK);
	(void)inflateEnd(&z); /* fails for inconsistent states only */
	if (r == Z_MEM_ERROR)
		return RP_NOMEM(err);
	if (r != Z_STREAM_END || made != n_out)
		return RP_FAIL(err, -EBADMSG,
			"deflate data: %s after %zu bytes of %zu, %zu of %zu compressed bytes read",
			r == Z_STREAM_END		    ? "ends"
			: r == Z_BUF_ERROR && made == n_out ? "does not end"
			: r == Z_BUF_ERROR		    ? "is cut"
							    : "malformed",
			made, n_out, used, packed.n);
	ret->p = RP_STEAL(u.p);
	ret->n = n_out;
	if (ret_used)
		*ret_used = used;
	return 0;
}

size_t rp_unpack_start(struct rp_span packed, uint8_t *out, size_t n_out)
{
	z_stream z = { 0 };
	size_t made;

	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
		return 0;
	z.next_in = (z_const Bytef *)packed.p;
	z.avail_in = piece(packed.n);
	z.next_out = out;
	z.avail_out = (uInt)n_out;
	(void)inflate(&z, Z_SYNC_FLUSH); /* what it made is what we want, whatever it says */
	made = n_out - z.avail_out;
	(void)inflateEnd(&z);
	return made;
}

int rp_unpack_zstd(struct rp_span packed, size_t n_out, struct rp_unpacked *ret, size_t *ret_used,
	struct rp_error *err)
{
	RP_CLEANUP(rp_unpacked_free) struct rp_unpacked u = { NULL, n_out };
	size_t frame = ZSTD_findFrameCompressedSize(packed.p, packed.n), made;
	unsigned long long announced;

	if (ZSTD_isError(frame))
		return RP_FAIL(err, -EBADMSG, "zstd frame of up to %zu bytes: %s", packed.n,
			ZSTD_getErrorName(frame));
	announced = ZSTD_getFrameContentSize(packed.p, packed.n);
	if (announced != ZSTD_CONTENTSIZE_UNKNOWN && announced != n_out)
		return RP_FAIL(err, -EBADMSG, "zstd frame holds %llu bytes, %zu were announced",
			announced, n_out);
	u.p = malloc(n_out ? n_out : 1);
	if (!u.p)
		return RP_NOMEM(err);
	made = ZSTD_decompress(u.p, n_out, packed.p, frame);
	if (ZSTD_isError(made))
		return RP_FAIL(err, -EBADMSG, "zstd data for %zu bytes: %s", n_out,
			ZSTD_getErrorName(made));
	if (made != n_out)
		return RP_FAIL(err, -EBADMSG, "zstd data ends after %zu bytes of %zu", made, n_out);
	ret->p = RP_STEAL(u.p);
	ret->n = n_out;
	if (ret_used)
		*ret_used = frame;
	return 0;
}
