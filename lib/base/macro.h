/* SPDX-License-Identifier: MIT */
/*
 * Compiler attributes, cleanup helpers and overflow-checked sizes.
 * Everything here is header-only and free of state.
 */
#ifndef RP_BASE_MACRO_H
#define RP_BASE_MACRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define RP_MUST_CHECK	   __attribute__((warn_unused_result))
#define RP_PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))
#define RP_NONNULL(...)	   __attribute__((nonnull(__VA_ARGS__)))
#define RP_UNUSED	   __attribute__((unused))
#define RP_NORETURN	   __attribute__((noreturn))
#define RP_ARRAY_SIZE(a)   (sizeof(a) / sizeof((a)[0]))

/* Runs fn(&var) when var leaves its scope; for owned locals. */
#define RP_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hands an owned pointer over: yields its value and leaves NULL behind. */
#define RP_STEAL(p)                                 \
	__extension__({                             \
		__typeof__(p) *rp_steal_ = &(p);    \
		__typeof__(p) rp_val_ = *rp_steal_; \
		*rp_steal_ = NULL;                  \
		rp_val_;                            \
	})

/* Hands an owned descriptor over: yields its value and leaves -1 behind. */
static inline int rp_steal_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

void rp_close_fd(int *fd); /* closes *fd if it is >= 0, keeps errno */

/* For RP_CLEANUP on any pointer that free() releases. */
static inline void rp_free_p(void *pp)
{
	void *p;

	__builtin_memcpy(&p, pp, sizeof(p));
	free(p);
}

/* False and *ret untouched if the result does not fit. */
RP_MUST_CHECK static inline bool rp_size_add(size_t a, size_t b, size_t *ret)
{
	size_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*ret = r;
	return true;
}

RP_MUST_CHECK static inline bool rp_size_mul(size_t a, size_t b, size_t *ret)
{
	size_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*ret = r;
	return true;
}

/*
 * Makes room for element number n (0-based) in an array of *cap elements of
 * elem bytes each at *parray; grows by doubling. 0 or -ENOMEM, then nothing changed.
 */
RP_MUST_CHECK int rp_array_grow(void *parray, size_t *cap, size_t n, size_t elem);

#endif
