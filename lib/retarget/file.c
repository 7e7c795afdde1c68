/* SPDX-License-Identifier: MIT */
/* One file for the card: which objects in it are rewritten, and the pieces of the file that results. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include "retarget/fat.h"
#include "retarget/tree.h"

#define CHUNK_BYTES ((size_t)16 << 20)

void rp_retarget_output_free(struct rp_retarget_output *out)
{
	for (size_t i = 0; i < out->n_memory; i++)
		rp_buf_free(&out->memory[i]);
	free(out->memory);
	free(out->pieces);
	*out = (struct rp_retarget_output){ 0 };
}

int rp_rt_add_piece(struct rp_retarget_output *out, struct rp_span bytes, struct rp_error *err)
{
	if (bytes.n == 0)
		return 0;
	if (rp_array_grow(&out->pieces, &out->cap_pieces, out->n_pieces, sizeof(*out->pieces)) < 0)
		return RP_NOMEM(err);
	out->pieces[out->n_pieces++] = bytes;
	out->bytes += bytes.n;
	return 0;
}

int rp_rt_add_memory(struct rp_retarget_output *out, struct rp_buf *b, struct rp_error *err)
{
	if (rp_array_grow(&out->memory, &out->cap_memory, out->n_memory, sizeof(*out->memory)) < 0)
		return RP_NOMEM(err);
	out->memory[out->n_memory++] = *b;
	*b = (struct rp_buf)RP_BUF_INIT;
	return rp_rt_add_piece(out, rp_buf_span(&out->memory[out->n_memory - 1]), err);
}

void rp_rt_add_verified(struct rp_retarget_verified *to, const struct rp_retarget_verified *from)
{
	to->n_functions += from->n_functions;
	to->n_instructions += from->n_instructions;
	to->n_branches += from->n_branches;
	to->n_constants += from->n_constants;
	to->n_added += from->n_added;
	to->n_traps += from->n_traps;
}

int rp_rt_make(struct rp_span image, const struct rp_retarget_options *options, struct rp_buf *ret,
	char from[64], struct rp_retarget_report *report, struct rp_retarget_verified *verified,
	struct rp_error *err)
{
	RP_CLEANUP(rp_codeobj_close) struct rp_codeobj object = { 0 };
	RP_CLEANUP(rp_codeobj_close) struct rp_codeobj made = { 0 };
	RP_CLEANUP(rp_buf_free) struct rp_buf out = RP_BUF_INIT;
	struct rp_retarget_verified v = { 0 };
	int r = rp_codeobj_open(image, &object, err);

	if (r < 0)
		return r;
	(void)snprintf(from, 64, "%s", object.target);
	r = rp_retarget_object(&object, options, &out, report, err);
	if (r < 0)
		return r;
	if (!rp_retarget_can(options->chip, object.chip))
		return 0;
	r = rp_codeobj_open(rp_buf_span(&out), &made, err);
	if (r == 0)
		r = rp_retarget_verify(&object, &made, options, &v, err);
	if (r == -ECANCELED) /* whoever sees the lines has had enough */
		return r;
	if (r < 0) /* what we wrote is not what we meant: our bug, and nothing is handed out */
		return rp_error_prefix(err, -EPROTO, "the check of the rewritten code failed");
	rp_rt_add_verified(verified, &v);
	*ret = out;
	out = (struct rp_buf)RP_BUF_INIT;
	return 0;
}

static int single(struct rp_span bytes, const struct rp_retarget_options *options,
	struct rp_retarget_output *out, struct rp_retarget_report *report,
	struct rp_retarget_verified *verified, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf made = RP_BUF_INIT;
	int r = rp_rt_make(bytes, options, &made, out->from, report, verified, err);

	if (r < 0)
		return r;
	if (made.n == 0) {
		out->n_native = 1;
		return rp_rt_add_piece(out, bytes, err);
	}
	out->n_new = 1;
	return rp_rt_add_memory(out, &made, err);
}

int rp_retarget_file(const struct rp_ctx *ctx, struct rp_span bytes,
	const struct rp_retarget_options *options, unsigned int n_threads,
	struct rp_retarget_output *ret, struct rp_retarget_report *report,
	struct rp_retarget_verified *ret_verified, struct rp_error *err)
{
	RP_CLEANUP(rp_retarget_output_free) struct rp_retarget_output out = { 0 };
	struct rp_retarget_verified verified = { 0 };
	int r;

	if (options->differ) /* lines of different objects must not mix */
		n_threads = 1;
	out.is_object = rp_codeobj_is(bytes);
	if (out.is_object)
		r = single(bytes, options, &out, report, &verified, err);
	else
		r = rp_rt_fat(ctx, bytes, options, n_threads, &out, report, &verified, err);
	if (r < 0)
		return r;
	*ret = out;
	out = (struct rp_retarget_output){ 0 };
	*ret_verified = verified;
	return 0;
}

int rp_retarget_look(struct rp_span bytes, const struct rp_retarget_options *options,
	struct rp_retarget_look *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_codeobj_close) struct rp_codeobj object = { 0 };
	struct rp_retarget_look look = { .is_object = rp_codeobj_is(bytes) };
	int r;

	if (!look.is_object) {
		r = rp_rt_fat_look(bytes, options, &look, err);
	} else {
		r = rp_codeobj_open(bytes, &object, err);
		if (r == -EOPNOTSUPP)
			return RP_FAIL(err, -ENOEXEC, "not linked yet");
		look.chip = object.chip;
		look.code_bytes = bytes.n;
		look.n_native = r == 0 && object.chip && rp_chip_runs(options->chip, object.chip);
		look.n_new = r == 0 && rp_retarget_can(options->chip, object.chip);
	}
	if (r == 0 && !look.n_new && !look.n_native && !look.n_unknown)
		r = RP_FAIL(err, -ENOEXEC, "no code in it that could be retargeted");
	if (r == 0)
		*ret = look;
	return r;
}

static int write_piece(const struct rp_map *map, struct rp_span piece, struct rp_tmpfile *tmp,
	struct rp_sha256 *sha, struct rp_error *err)
{
	int r = 0;

	while (r == 0 && piece.n) {
		struct rp_span part = { piece.p, piece.n < CHUNK_BYTES ? piece.n : CHUNK_BYTES };

		r = rp_tmpfile_write(tmp, part, err);
		/* a hint: the disk begins now, not when somebody waits for it */
		(void)sync_file_range(tmp->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		if (sha)
			rp_sha256_add(sha, part);
		piece = (struct rp_span){ piece.p + part.n, piece.n - part.n };
		if (map->addr && part.p >= map->span.p && part.p < map->span.p + map->span.n)
			(void)madvise(map->addr, map->span.n, MADV_DONTNEED); /* a hint */
	}
	return r;
}

int rp_retarget_output_write(const struct rp_retarget_output *out, const struct rp_map *map,
	struct rp_tmpfile *tmp, struct rp_sha256 *sha, struct rp_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < out->n_pieces; i++)
		r = write_piece(map, out->pieces[i], tmp, sha, err);
	return r;
}
