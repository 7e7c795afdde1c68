/* SPDX-License-Identifier: MIT */
/* IEEE 754 binary16 by its definition, and the generator of inputs. */
#include "verify/verify.h"

uint16_t rp_half_of_float(float f)
{
	uint32_t bits, mantissa, half, rest, middle;
	uint16_t sign;
	int exponent, shift;

	memcpy(&bits, &f, sizeof(bits));
	sign = (uint16_t)(bits >> 16 & 0x8000);
	exponent = (int)(bits >> 23 & 0xff);
	mantissa = bits & 0x7fffff;
	if (exponent == 0xff) /* infinity; NaN stays NaN */
		return (uint16_t)(sign | 0x7c00 | (mantissa ? 0x200 | mantissa >> 13 : 0));
	exponent -= 127 - 15;
	if (exponent >= 31)
		return sign | 0x7c00;
	if (exponent < -10)
		return sign;
	shift = 13;
	if (exponent <= 0) { /* subnormal */
		mantissa |= 0x800000;
		shift = 14 - exponent;
		exponent = 0;
	}
	half = (uint32_t)exponent << 10 | mantissa >> shift;
	rest = mantissa & ((1u << shift) - 1);
	middle = 1u << (shift - 1);
	if (rest > middle || (rest == middle && half & 1))
		half++; /* a carry into the exponent is right, up to infinity */
	return (uint16_t)(sign | half);
}

float rp_float_of_half(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 0x1f,
		 mantissa = h & 0x3ff, bits;
	float f;

	if (exponent == 0) {
		f = (float)mantissa * 0x1p-24f;
		memcpy(&bits, &f, sizeof(bits));
		bits |= sign;
	} else if (exponent == 31) {
		bits = sign | 0x7f800000 | mantissa << 13;
	} else {
		bits = sign | (exponent + 127 - 15) << 23 | mantissa << 13;
	}
	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void rp_verify_fill(enum rp_verify_type type, uint64_t seed, float *ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float f = (float)((int32_t)(next(&seed) >> 40) - (1 << 23)) * 0x1p-23f;

		ret[i] = type == RP_VERIFY_F16 ? rp_float_of_half(rp_half_of_float(f)) : f;
	}
}
