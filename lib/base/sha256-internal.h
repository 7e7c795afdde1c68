/* SPDX-License-Identifier: MIT */
/* The two forms of SHA-256's block function, for the test that compares them. */
#ifndef RP_BASE_SHA256_INTERNAL_H
#define RP_BASE_SHA256_INTERNAL_H

#include "base/macro.h"

void rp_sha256_blocks_portable(uint32_t h[8], const uint8_t *p, size_t n_blocks);
/* False, and nothing done, where the CPU lacks the instructions; h may be NULL if n_blocks is 0. */
bool rp_sha256_blocks_fast(uint32_t *h, const uint8_t *p, size_t n_blocks);

#endif
