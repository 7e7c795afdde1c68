/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4). Not for secrets: no constant-time promise. */
#ifndef RP_BASE_SHA256_H
#define RP_BASE_SHA256_H

#include "base/error.h"
#include "base/span.h"

#define RP_SHA256_BYTES 32
#define RP_SHA256_HEX	65 /* with the NUL */

struct rp_sha256 {
	uint32_t h[8];
	uint64_t n_bytes;
	uint8_t block[64];
};

void rp_sha256_init(struct rp_sha256 *s);
void rp_sha256_add(struct rp_sha256 *s, struct rp_span data);
void rp_sha256_final(struct rp_sha256 *s, uint8_t ret[RP_SHA256_BYTES]);
void rp_sha256_hex(const uint8_t digest[RP_SHA256_BYTES], char ret[RP_SHA256_HEX]);

/*
 * For keys over several fields: adds the length (64 bit, little endian) before
 * the bytes, so that ("ab", "c") and ("a", "bc") differ.
 */
void rp_sha256_field(struct rp_sha256 *s, struct rp_span data);
void rp_sha256_field_str(struct rp_sha256 *s, const char *str);

RP_MUST_CHECK int rp_sha256_file(
	int dirfd, const char *path, char ret[RP_SHA256_HEX], struct rp_error *err);

#endif
