/* SPDX-License-Identifier: MIT */
/*
 * MD5, RFC 1321: the checksum in the header of compressed offload bundles is half of one. For nothing else:
 * against somebody who means harm it proves nothing.
 */
#include "codeobj/internal.h"

struct md5 {
	uint32_t h[4];
};

/* RFC 1321, 3.4: floor(2^32 * |sin(i + 1)|). */
static const uint32_t sines[64] = {
	0xd76aa478,
	0xe8c7b756,
	0x242070db,
	0xc1bdceee,
	0xf57c0faf,
	0x4787c62a,
	0xa8304613,
	0xfd469501,
	0x698098d8,
	0x8b44f7af,
	0xffff5bb1,
	0x895cd7be,
	0x6b901122,
	0xfd987193,
	0xa679438e,
	0x49b40821,
	0xf61e2562,
	0xc040b340,
	0x265e5a51,
	0xe9b6c7aa,
	0xd62f105d,
	0x02441453,
	0xd8a1e681,
	0xe7d3fbc8,
	0x21e1cde6,
	0xc33707d6,
	0xf4d50d87,
	0x455a14ed,
	0xa9e3e905,
	0xfcefa3f8,
	0x676f02d9,
	0x8d2a4c8a,
	0xfffa3942,
	0x8771f681,
	0x6d9d6122,
	0xfde5380c,
	0xa4beea44,
	0x4bdecfa9,
	0xf6bb4b60,
	0xbebfbc70,
	0x289b7ec6,
	0xeaa127fa,
	0xd4ef3085,
	0x04881d05,
	0xd9d4d039,
	0xe6db99e5,
	0x1fa27cf8,
	0xc4ac5665,
	0xf4292244,
	0x432aff97,
	0xab9423a7,
	0xfc93a039,
	0x655b59c3,
	0x8f0ccc92,
	0xffeff47d,
	0x85845dd1,
	0x6fa87e4f,
	0xfe2ce6e0,
	0xa3014314,
	0x4e0811a1,
	0xf7537e82,
	0xbd3af235,
	0x2ad7d2bb,
	0xeb86d391,
};
static const uint8_t turns[4][4] = {
	{ 7, 12, 17, 22 },
	{ 5, 9, 14, 20 },
	{ 4, 11, 16, 23 },
	{ 6, 10, 15, 21 },
};

static void block(struct md5 *m, const uint8_t *p)
{
	uint32_t a = m->h[0], b = m->h[1], c = m->h[2], d = m->h[3], w[16];

	for (unsigned int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] | (uint32_t)p[4 * i + 1] << 8 |
		       (uint32_t)p[4 * i + 2] << 16 | (uint32_t)p[4 * i + 3] << 24;
	for (unsigned int i = 0; i < 64; i++) {
		unsigned int round = i / 16, n = turns[round][i % 4];
		uint32_t f, k, t;

		if (round == 0) {
			f = d ^ (b & (c ^ d));
			k = i;
		} else if (round == 1) {
			f = c ^ (d & (b ^ c));
			k = 5 * i + 1;
		} else if (round == 2) {
			f = b ^ c ^ d;
			k = 3 * i + 5;
		} else {
			f = c ^ (b | ~d);
			k = 7 * i;
		}
		t = a + f + sines[i] + w[k % 16];
		a = d;
		d = c;
		c = b;
		b += t << n | t >> (32 - n);
	}
	m->h[0] += a;
	m->h[1] += b;
	m->h[2] += c;
	m->h[3] += d;
}

uint64_t rp_md5_low(struct rp_span bytes)
{
	struct md5 m = { { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };
	uint64_t bits = (uint64_t)bytes.n * 8;
	size_t whole = bytes.n / 64 * 64, left = bytes.n - whole, n;
	uint8_t tail[128] = { 0 };

	for (size_t i = 0; i < whole; i += 64)
		block(&m, bytes.p + i);
	if (left)
		memcpy(tail, bytes.p + whole, left);
	tail[left] = 0x80;
	n = left < 56 ? 64 : 128;
	for (unsigned int i = 0; i < 8; i++)
		tail[n - 8 + i] = (uint8_t)(bits >> (8 * i));
	for (size_t i = 0; i < n; i += 64)
		block(&m, tail + i);
	return m.h[0] | (uint64_t)m.h[1] << 32;
}
