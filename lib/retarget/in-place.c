/* SPDX-License-Identifier: MIT */
/*
 * A file that is changed in place, and the way back: FILE.rocm-patch-undo names the SHA-256 of the old and the new
 * file and the bytes that differ, as hexadecimal text. It is there, synced, before the file is replaced, so
 * that at any time FILE is one of the two and the record tells which.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "retarget/tree.h"

#define MAX_RECORD_BYTES ((size_t)1 << 30)
#define LINE_BYTES	 256u /* of the file in one line */

static void hash(struct rp_span bytes, char ret[RP_SHA256_HEX])
{
	uint8_t digest[RP_SHA256_BYTES];
	struct rp_sha256 s;

	rp_sha256_init(&s);
	rp_sha256_add(&s, bytes);
	rp_sha256_final(&s, digest);
	rp_sha256_hex(digest, ret);
}

static int record_name(const char *name, char ret[NAME_MAX + 1], struct rp_error *err)
{
	int n = snprintf(ret, NAME_MAX + 1, "%s" RP_IN_PLACE_SUFFIX, name);

	return n < 0 || n > NAME_MAX ? RP_FAIL(err, -ENAMETOOLONG, "%s", name) : 0;
}

static void add_hex(struct rp_buf *b, struct rp_span bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		rp_buf_addf(b, "%02x", bytes.p[i]);
}

/* Runs of bytes that differ; what is old where. */
static void add_differences(struct rp_buf *b, struct rp_span was, struct rp_span is)
{
	size_t i = 0;

	while (i < was.n) {
		size_t n = 0;

		if (was.p[i] == is.p[i]) {
			i++;
			continue;
		}
		while (i + n < was.n && n < LINE_BYTES && was.p[i + n] != is.p[i + n])
			n++;
		rp_buf_addf(b, "\n[bytes]\noffset = %zu\nold = ", i);
		add_hex(b, rp_span_of(was.p + i, n));
		rp_buf_addc(b, '\n');
		i += n;
	}
}

int rp_retarget_in_place_write(int dirfd, const char *name, mode_t mode, struct rp_span was,
	const struct rp_retarget_output *out, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf is = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf record = RP_BUF_INIT;
	char old_sha[RP_SHA256_HEX], new_sha[RP_SHA256_HEX], side[NAME_MAX + 1];
	struct stat st;
	int r = record_name(name, side, err);

	for (size_t i = 0; i < out->n_pieces; i++)
		rp_buf_add(&is, out->pieces[i].p, out->pieces[i].n);
	if (r == 0)
		r = rp_buf_check(&is, err);
	if (r < 0)
		return r;
	if (is.n != was.n)
		return RP_FAIL(err, -EPROTO, "%s would have another size", name);
	if (fstatat(dirfd, side, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return RP_FAIL(err, -EEXIST, "%s is there: undo that change first", side);
	hash(was, old_sha);
	hash(rp_buf_span(&is), new_sha);
	rp_buf_addf(&record,
		"# What \"rocm-patch retarget --in-place\" changed in the file of this name; "
		"\"rocm-patch undo\" reads it.\n[in-place]\nversion = 1\nold = %s\nnew = %s\n",
		old_sha, new_sha);
	add_differences(&record, was, rp_buf_span(&is));
	r = rp_buf_check(&record, err);
	if (r == 0)
		r = rp_publish_file(dirfd, side, 0644, rp_buf_span(&record), err);
	return r < 0 ? r : rp_publish_file(dirfd, name, mode, rp_buf_span(&is), err);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int put_back(struct rp_buf *file, const char *offset, const char *hex, struct rp_error *err)
{
	uint64_t at = 0;
	size_t n = strlen(hex) / 2;

	if (!rp_span_number(rp_span_str(offset), &at) || strlen(hex) % 2 || at > file->n ||
		n > file->n - at)
		return RP_FAIL(err, -EBADMSG, "the record is malformed at offset %s", offset);
	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit(hex[2 * i]), lo = hex_digit(hex[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return RP_FAIL(
				err, -EBADMSG, "the record is malformed at offset %s", offset);
		file->p[at + i] = (char)(uint8_t)(hi << 4 | lo);
	}
	return 0;
}

static int put_all_back(struct rp_buf *file, const struct rp_ini *ini, struct rp_error *err)
{
	const char *offset = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ini->n; i++) {
		const struct rp_ini_item *item = &ini->items[i];

		if (strcmp(item->section, "bytes") != 0 || !item->key)
			continue;
		if (strcmp(item->key, "offset") == 0)
			offset = item->value;
		else if (strcmp(item->key, "old") == 0 && offset)
			r = put_back(file, offset, item->value, err);
		else
			r = RP_FAIL(
				err, -EBADMSG, "the record is malformed in line %u", item->line);
	}
	return r;
}

int rp_retarget_in_place_undo(int dirfd, const char *name, bool dry_run, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf file = RP_BUF_INIT;
	RP_CLEANUP(rp_ini_free) struct rp_ini ini = RP_INI_INIT;
	char sha[RP_SHA256_HEX], side[NAME_MAX + 1];
	const char *version = NULL, *old_sha = NULL, *new_sha = NULL;
	struct stat st;
	int r = record_name(name, side, err);

	if (r == 0 && fstatat(dirfd, side, &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = RP_FAIL(err, -ENOENT, "no %s beside it: nothing to undo", side);
	if (r == 0)
		r = rp_file_read(dirfd, side, MAX_RECORD_BYTES, &text, err);
	if (r == 0)
		r = rp_ini_parse(rp_buf_span(&text), side, &ini, err);
	if (r == 0)
		r = rp_ini_need(&ini, "in-place", "version", &version, err);
	if (r == 0)
		r = rp_ini_need(&ini, "in-place", "old", &old_sha, err);
	if (r == 0)
		r = rp_ini_need(&ini, "in-place", "new", &new_sha, err);
	if (r == 0 && strcmp(version, "1") != 0)
		r = RP_FAIL(err, -EBADMSG, "%s: version %s is not known here", side, version);
	if (r == 0 && fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = RP_FAIL_ERRNO(err, -errno, "%s", name);
	if (r == 0)
		r = rp_file_read(dirfd, name, SIZE_MAX - 1, &file, err);
	if (r < 0)
		return r;
	hash(rp_buf_span(&file), sha);
	if (strcmp(sha, old_sha) != 0) {
		if (strcmp(sha, new_sha) != 0)
			return RP_FAIL(err, -ESTALE, "it was changed since");
		r = put_all_back(&file, &ini, err);
		hash(rp_buf_span(&file), sha);
		if (r == 0 && strcmp(sha, old_sha) != 0)
			r = RP_FAIL(err, -EBADMSG, "the record does not lead to the old file");
		if (r == 0 && !dry_run)
			r = rp_publish_file(
				dirfd, name, st.st_mode & 07777, rp_buf_span(&file), err);
	}
	if (r == 0 && !dry_run && unlinkat(dirfd, side, 0) < 0)
		r = RP_FAIL_ERRNO(err, -errno, "remove %s", side);
	return r;
}
