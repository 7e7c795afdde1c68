/* SPDX-License-Identifier: MIT */
/*
 * SHA-256, FIPS 180-4. Constants: section 4.2.2 (fractional parts of the cube
 * roots of the first 64 primes) and 5.3.3. The portable form is always built;
 * where the CPU has the SHA extensions they are used instead (Intel SDM vol. 2,
 * SHA256RNDS2): a 10 MB tarball is then hashed in milliseconds.
 */
#include "base/sha256.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/sha256-internal.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static const uint32_t k256[64] = {
	0x428a2f98,
	0x71374491,
	0xb5c0fbcf,
	0xe9b5dba5,
	0x3956c25b,
	0x59f111f1,
	0x923f82a4,
	0xab1c5ed5,
	0xd807aa98,
	0x12835b01,
	0x243185be,
	0x550c7dc3,
	0x72be5d74,
	0x80deb1fe,
	0x9bdc06a7,
	0xc19bf174,
	0xe49b69c1,
	0xefbe4786,
	0x0fc19dc6,
	0x240ca1cc,
	0x2de92c6f,
	0x4a7484aa,
	0x5cb0a9dc,
	0x76f988da,
	0x983e5152,
	0xa831c66d,
	0xb00327c8,
	0xbf597fc7,
	0xc6e00bf3,
	0xd5a79147,
	0x06ca6351,
	0x14292967,
	0x27b70a85,
	0x2e1b2138,
	0x4d2c6dfc,
	0x53380d13,
	0x650a7354,
	0x766a0abb,
	0x81c2c92e,
	0x92722c85,
	0xa2bfe8a1,
	0xa81a664b,
	0xc24b8b70,
	0xc76c51a3,
	0xd192e819,
	0xd6990624,
	0xf40e3585,
	0x106aa070,
	0x19a4c116,
	0x1e376c08,
	0x2748774c,
	0x34b0bcb5,
	0x391c0cb3,
	0x4ed8aa4a,
	0x5b9cca4f,
	0x682e6ff3,
	0x748f82ee,
	0x78a5636f,
	0x84c87814,
	0x8cc70208,
	0x90befffa,
	0xa4506ceb,
	0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotr(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

void rp_sha256_blocks_portable(uint32_t h[8], const uint8_t *p, size_t n_blocks)
{
	uint32_t w[64], v[8];

	for (; n_blocks > 0; n_blocks--, p += 64) {
		for (unsigned int i = 0; i < 16; i++)
			w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
			       (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
		for (unsigned int i = 16; i < 64; i++) {
			uint32_t a = w[i - 15], b = w[i - 2];

			w[i] = w[i - 16] + w[i - 7] + (rotr(a, 7) ^ rotr(a, 18) ^ a >> 3) +
			       (rotr(b, 17) ^ rotr(b, 19) ^ b >> 10);
		}
		memcpy(v, h, sizeof(v));
		for (unsigned int i = 0; i < 64; i++) {
			uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
			uint32_t ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
			uint32_t t1 = v[7] + s1 + ch + k256[i] + w[i];
			uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
			uint32_t maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

			memmove(v + 1, v, 7 * sizeof(v[0]));
			v[4] += t1;
			v[0] = t1 + s0 + maj;
		}
		for (unsigned int i = 0; i < 8; i++)
			h[i] += v[i];
	}
}

#if defined(__x86_64__)
__attribute__((target("sha,sse4.1,ssse3"))) static void blocks_sha_ni(
	uint32_t h[8], const uint8_t *p, size_t n_blocks)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i t, s0, s1, abef, cdgh, m[4];

	/* The instructions keep the state as (a,b,e,f) and (c,d,g,h). */
	t = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)&h[0]), 0xb1);
	s1 = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)&h[4]), 0x1b);
	s0 = _mm_alignr_epi8(t, s1, 8);
	s1 = _mm_blend_epi16(s1, t, 0xf0);
	for (; n_blocks > 0; n_blocks--, p += 64) {
		abef = s0;
		cdgh = s1;
		for (unsigned int i = 0; i < 16; i++) {
			const __m128i k =
				_mm_loadu_si128((const __m128i *)(const void *)&k256[4 * i]);

			if (i < 4) {
				m[i] = _mm_shuffle_epi8(
					_mm_loadu_si128(
						(const __m128i *)(const void *)(p + 16 * i)),
					swap);
			} else {
				/* w[16..19] from the four vectors before it */
				t = _mm_add_epi32(_mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]),
					_mm_alignr_epi8(m[(i + 3) & 3], m[(i + 2) & 3], 4));
				m[i & 3] = _mm_sha256msg2_epu32(t, m[(i + 3) & 3]);
			}
			t = _mm_add_epi32(m[i & 3], k);
			s1 = _mm_sha256rnds2_epu32(s1, s0, t);
			s0 = _mm_sha256rnds2_epu32(s0, s1, _mm_shuffle_epi32(t, 0x0e));
		}
		s0 = _mm_add_epi32(s0, abef);
		s1 = _mm_add_epi32(s1, cdgh);
	}
	t = _mm_shuffle_epi32(s0, 0x1b);
	s1 = _mm_shuffle_epi32(s1, 0xb1);
	_mm_storeu_si128((__m128i *)(void *)&h[0], _mm_blend_epi16(t, s1, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)&h[4], _mm_alignr_epi8(s1, t, 8));
}

static bool have_sha_ni(void)
{
	uint32_t a = 7, b, c = 0, d;

	if (!__builtin_cpu_supports("sse4.1"))
		return false;
	/* CPUID leaf 7, EBX bit 29: SHA. GCC 12's __builtin_cpu_supports has no name for it. */
	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b >> 29 & 1;
}
#endif

bool rp_sha256_blocks_fast(uint32_t *h, const uint8_t *p, size_t n_blocks)
{
#if defined(__x86_64__)
	if (!have_sha_ni())
		return false;
	if (n_blocks > 0)
		blocks_sha_ni(h, p, n_blocks);
	return true;
#else
	(void)h;
	(void)p;
	(void)n_blocks;
	return false;
#endif
}

static void blocks(uint32_t h[8], const uint8_t *p, size_t n_blocks)
{
	/* below 4 blocks asking the CPU costs more than it saves */
	if (n_blocks < 4 || !rp_sha256_blocks_fast(h, p, n_blocks))
		rp_sha256_blocks_portable(h, p, n_blocks);
}

void rp_sha256_init(struct rp_sha256 *s)
{
	static const uint32_t h0[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
		0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

	memcpy(s->h, h0, sizeof(h0));
	s->n_bytes = 0;
}

void rp_sha256_add(struct rp_sha256 *s, struct rp_span data)
{
	size_t used = s->n_bytes % 64, take;

	s->n_bytes += data.n;
	if (used > 0) {
		take = 64 - used < data.n ? 64 - used : data.n;
		if (take > 0)
			memcpy(s->block + used, data.p, take);
		if (used + take < 64)
			return;
		blocks(s->h, s->block, 1);
		data.p += take;
		data.n -= take;
	}
	blocks(s->h, data.p, data.n / 64);
	if (data.n % 64 > 0)
		memcpy(s->block, data.p + data.n / 64 * 64, data.n % 64);
}

void rp_sha256_final(struct rp_sha256 *s, uint8_t ret[RP_SHA256_BYTES])
{
	uint64_t bits = s->n_bytes * 8;
	uint8_t pad[72] = { 0x80 };
	size_t used = s->n_bytes % 64, n = used < 56 ? 56 - used : 120 - used;

	for (unsigned int i = 0; i < 8; i++)
		pad[n + i] = (uint8_t)(bits >> (56 - 8 * i));
	rp_sha256_add(s, rp_span_of(pad, n + 8));
	for (unsigned int i = 0; i < 32; i++)
		ret[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void rp_sha256_hex(const uint8_t digest[RP_SHA256_BYTES], char ret[RP_SHA256_HEX])
{
	static const char hex[] = "0123456789abcdef";

	for (unsigned int i = 0; i < RP_SHA256_BYTES; i++) {
		ret[2 * i] = hex[digest[i] >> 4];
		ret[2 * i + 1] = hex[digest[i] & 15];
	}
	ret[2 * RP_SHA256_BYTES] = '\0';
}

void rp_sha256_field(struct rp_sha256 *s, struct rp_span data)
{
	uint8_t len[8];

	for (unsigned int i = 0; i < 8; i++)
		len[i] = (uint8_t)((uint64_t)data.n >> (8 * i));
	rp_sha256_add(s, rp_span_of(len, sizeof(len)));
	rp_sha256_add(s, data);
}

void rp_sha256_field_str(struct rp_sha256 *s, const char *str)
{
	rp_sha256_field(s, rp_span_str(str));
}

int rp_sha256_file(int dirfd, const char *path, char ret[RP_SHA256_HEX], struct rp_error *err)
{
	RP_CLEANUP(rp_map_close) struct rp_map map = RP_MAP_INIT;
	uint8_t digest[RP_SHA256_BYTES];
	struct rp_sha256 s;
	int r;

	r = rp_map_open(dirfd, path, &map, err);
	if (r < 0)
		return r;
	rp_sha256_init(&s);
	rp_sha256_add(&s, map.span);
	rp_sha256_final(&s, digest);
	rp_sha256_hex(digest, ret);
	return 0;
}
