/* SPDX-License-Identifier: MIT */
/*
 * A compressed bundle with one more entry: unpacked, made anew and packed as it was. The table grows by whole
 * pages, so that code objects keep their alignment. One bundle is in memory at a time and thread.
 */
#include "retarget/fat.h"

#define MAX_RAW_BYTES (UINT64_C(4) << 30)

static uint64_t page_up(uint64_t v)
{
	return (v + RP_RT_PAGE - 1) / RP_RT_PAGE * RP_RT_PAGE;
}

static void add_zeros(struct rp_buf *b, uint64_t n)
{
	static const uint8_t zeros[RP_RT_PAGE];

	for (; n > RP_RT_PAGE; n -= RP_RT_PAGE)
		rp_buf_add(b, zeros, RP_RT_PAGE);
	rp_buf_add(b, zeros, (size_t)n);
}

/* The bundle with the entry: what is behind the table moves by a multiple of pages, or not at all. */
static int add_entry(const struct rp_bundle *b, uint64_t first, const char *id,
	struct rp_span object, struct rp_buf *ret, struct rp_error *err)
{
	uint64_t header = b->header_bytes + 24 + strlen(id), shift, at = 0;
	struct rp_bundle_entry e;
	struct rp_span rest;

	shift = header > first ? page_up(header - first) : 0;
	rp_buf_adds(ret, RP_BUNDLE_MAGIC);
	rp_rt_add_le64(ret, b->n_entries + 1);
	while (rp_bundle_next(b, &at, &e)) {
		rp_rt_add_le64(ret, e.size ? e.offset + shift : e.offset);
		rp_rt_add_le64(ret, e.size);
		rp_rt_add_le64(ret, e.id.n);
		rp_buf_add(ret, e.id.p, e.id.n);
	}
	rp_rt_add_le64(ret, page_up(b->end + shift));
	rp_rt_add_le64(ret, object.n);
	rp_rt_add_le64(ret, strlen(id));
	rp_buf_adds(ret, id);
	if (ret->failed)
		return RP_NOMEM(err);
	if (!rp_span_sub(b->bytes, first, b->end - first, &rest))
		return RP_FAIL(err, -EBADMSG, "compressed bundle: an entry is outside of it");
	add_zeros(ret, first + shift - ret->n);
	rp_buf_add(ret, rest.p, rest.n);
	add_zeros(ret, page_up(b->end + shift) - (b->end + shift));
	rp_buf_add(ret, object.p, object.n);
	return rp_buf_check(ret, err);
}

/* Entries may not begin inside the table, which is written anew. */
static int check(const struct rp_bundle *b, const struct rp_rt_choice *c, struct rp_error *err)
{
	if (c->first < b->header_bytes || b->end > b->bytes.n || b->end < c->first)
		return RP_FAIL(err, -EBADMSG, "compressed bundle: an entry is outside of it");
	return 0;
}

int rp_rt_compressed(
	struct rp_rt_job *job, const struct rp_retarget_options *options, struct rp_error *err)
{
	RP_CLEANUP(rp_unpacked_free) struct rp_unpacked raw = { 0 };
	RP_CLEANUP(rp_buf_free) struct rp_buf made = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf bundle = RP_BUF_INIT;
	struct rp_rt_choice choice = { 0 };
	struct rp_ccob header = { 0 };
	struct rp_bundle b = { 0 };
	struct rp_span image;
	size_t used;
	int r = rp_ccob_open(job->packed, &header, err);

	if (r == 0)
		r = rp_ccob_unpack(job->packed, &header, MAX_RAW_BYTES, &raw, &used, err);
	if (r == 0 && rp_md5_low(rp_span_of(raw.p, raw.n)) != header.hash)
		r = RP_FAIL(err, -EBADMSG,
			"compressed bundle: its bytes have not the checksum of its header");
	if (r == 0)
		r = rp_bundle_open(rp_span_of(raw.p, raw.n), &b, err);
	if (r < 0)
		return r;
	rp_rt_choose(options, &b, &choice);
	job->is_native = choice.is_native;
	if (choice.is_native || choice.best.size == 0)
		return 0;
	r = check(&b, &choice, err);
	if (r == 0 && !rp_span_sub(b.bytes, choice.best.offset, choice.best.size, &image))
		r = RP_FAIL(err, -EBADMSG, "compressed bundle: an entry is outside of it");
	if (r == 0)
		r = rp_rt_entry_id(options, choice.best.id, job->id, err);
	if (r == 0)
		r = rp_rt_make(image, options, &made, job->from, &job->report, &job->verified, err);
	if (r == 0 && made.n == 0)
		r = RP_FAIL(err, -EBADMSG,
			"the bundle's entry and its code object name different targets");
	if (r == 0)
		r = add_entry(&b, choice.first, job->id, rp_buf_span(&made), &bundle, err);
	rp_buf_free(&made);
	rp_unpacked_free(&raw); /* the largest part, before more is needed */
	if (r == 0)
		r = rp_ccob_pack(rp_buf_span(&bundle), &header, &job->made, err);
	if (r < 0)
		rp_buf_free(&job->made);
	return r;
}
