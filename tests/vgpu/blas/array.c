/* SPDX-License-Identifier: MIT */
/* Element types, arrays with expectations, and calls of rocBLAS and HIP by name. */
#include "blas.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAD 7u /* elements behind each batch that nobody may touch */

size_t type_size(enum type t)
{
	static const uint8_t size[T_MAX] = { 2, 2, 4, 8, 8, 16, 4, 1 };

	return size[t];
}

bool type_is_complex(enum type t)
{
	return t == T_C || t == T_Z;
}

enum type type_real(enum type t)
{
	return t == T_C ? T_S : t == T_Z ? T_D : t;
}

long double type_eps(enum type t)
{
	static const int bits[T_MAX] = { 10, 7, 23, 52, 23, 52, 60, 60 };

	return ldexpl(1, -bits[t]);
}

static long double from_half(uint16_t h)
{
	int e = h >> 10 & 31, m = h & 1023;
	long double v = e == 31 ? (m ? NAN : INFINITY)
			: e	? ldexpl(1024 + m, e - 25)
				: ldexpl(m, -24);

	return h >> 15 ? -v : v;
}

/* Nearest, ties to even; the values here are far from overflow. */
static uint16_t to_half(long double v)
{
	int e = 0;
	long double a = fabsl(v);
	uint16_t sign = signbit(v) ? 0x8000 : 0;

	if (a == 0)
		return sign;
	(void)frexpl(a, &e);
	if (e < -13)
		e = -13;
	a = rintl(ldexpl(a, 11 - e)); /* 1024..2048, less for denormals */
	return (uint16_t)(sign | (unsigned int)((long double)((e + 13) * 1024) + a));
}

static uint16_t to_bfloat(long double v)
{
	float f = (float)v;
	uint32_t u;

	memcpy(&u, &f, 4);
	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

num get(enum type t, const uint8_t *base, size_t i)
{
	const uint8_t *p = base + i * type_size(t);
	uint16_t h;
	int32_t n;
	float f[2] = { 0, 0 };
	double d[2] = { 0, 0 };

	switch (t) {
	case T_H:
		memcpy(&h, p, 2);
		return from_half(h);
	case T_B:
		memcpy((uint8_t *)f + 2, p, 2);
		return (long double)f[0];
	case T_S:
	case T_C:
		memcpy(f, p, type_size(t));
		return complex_of((long double)f[0], (long double)f[1]);
	case T_D:
	case T_Z:
		memcpy(d, p, type_size(t));
		return complex_of((long double)d[0], (long double)d[1]);
	case T_I32:
		memcpy(&n, p, 4);
		return (long double)n;
	default:
		return (long double)(int8_t)*p;
	}
}

void put(enum type t, uint8_t *base, size_t i, num value)
{
	uint8_t *p = base + i * type_size(t);
	float f[2] = { (float)creall(value), (float)cimagl(value) };
	double d[2] = { (double)creall(value), (double)cimagl(value) };
	uint16_t h = t == T_H ? to_half(creall(value)) : to_bfloat(creall(value));
	int32_t n = t == T_I32 || t == T_I8 ? (int32_t)creall(value) : 0;

	switch (t) {
	case T_H:
	case T_B:
		memcpy(p, &h, 2);
		break;
	case T_S:
	case T_C:
		memcpy(p, f, type_size(t));
		break;
	case T_D:
	case T_Z:
		memcpy(p, d, type_size(t));
		break;
	case T_I32:
		memcpy(p, &n, 4);
		break;
	default:
		*p = (uint8_t)n;
		break;
	}
}

num rounded(enum type t, num value)
{
	uint8_t bytes[16];

	put(t, bytes, 0, value);
	return get(t, bytes, 0);
}

long double mag(num a)
{
	return fabsl(creall(a)) + fabsl(cimagl(a));
}

long double slack(enum type t)
{
	return t == T_H ? ldexpl(1, -14) : ldexpl(1, -120);
}

/* Library calls. x86-64 passes every pointer and integer in a slot of 8 bytes, and a callee does
 * not look at more slots than it has parameters; rocBLAS and these HIP calls take nothing else. */
typedef int slots_fn(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
	int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
	int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t);

static slots_fn *symbol(const char *library, const char *name)
{
	static void *handles[2];
	void **h = &handles[strncmp(name, "hip", 3) == 0];
	slots_fn *fn = NULL;
	char plain[64];
	void *p;

	/* what stands behind a colon tells cases of one function apart */
	(void)snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(name, ":"), name);
	if (!*h)
		*h = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
	if (!*h) {
		fprintf(stderr, "%s\n", dlerror());
		exit(3);
	}
	p = dlsym(*h, plain);
	memcpy(&fn, &p, sizeof(p));
	return fn;
}

static int call(slots_fn *fn, const int64_t *s)
{
	return fn(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12],
		s[13], s[14], s[15], s[16], s[17], s[18], s[19], s[20], s[21], s[22], s[23], s[24],
		s[25], s[26], s[27]);
}

bool verbose;

static int64_t slot_of(const void *p)
{
	return (int64_t)(uintptr_t)p;
}

/* A HIP call that must succeed. */
static void hip(const char *name, int64_t a, int64_t b, int64_t c, int64_t d)
{
	slots_fn *fn = symbol("libamdhip64.so.6", name);
	int64_t s[MAX_SLOTS] = { a, b, c, d };
	int r = fn ? call(fn, s) : -1;

	if (r != 0) {
		fprintf(stderr, "%s: error %d\n", name, r);
		exit(4);
	}
}

enum { TO_DEVICE = 1, TO_HOST = 2 }; /* hipMemcpyKind */
#define SCHEDULE_BLOCKING 4 /* hipDeviceScheduleBlockingSync */

static slots_fn *rocblas(const char *name)
{
	return symbol("librocblas.so.4", name);
}

static int64_t blas_handle(void)
{
	static void *handle;
	int64_t s[MAX_SLOTS] = { slot_of(&handle) };

	if (handle)
		return slot_of(handle);
	/* waits sleep: the default one spins on a processor that executes kernels here */
	hip("hipSetDeviceFlags", SCHEDULE_BLOCKING, 0, 0, 0);
	if (call(rocblas("rocblas_create_handle"), s) != 0) {
		fprintf(stderr, "rocblas_create_handle failed\n");
		exit(5);
	}
	return slot_of(handle);
}

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static long double uniform(struct run *r, enum type t)
{
	if (t == T_I8 || t == T_I32)
		return (long double)(next(&r->rng) % 17) - 8;
	return ldexpl((long double)(int64_t)next(&r->rng), -63);
}

num random_num(struct run *r, enum type t)
{
	long double re = uniform(r, t), im = type_is_complex(t) ? uniform(r, t) : 0;

	return rounded(t, complex_of(re, im));
}

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "no memory\n");
		exit(6);
	}
	return p;
}

struct run *run_new(const char *name, enum kind kind, bool device_mode, uint64_t seed)
{
	struct run *r = must(calloc(1, sizeof(*r)));

	r->kind = kind;
	r->batches = kind == KIND_PLAIN ? 1 : 3;
	r->device_mode = device_mode;
	r->rng = seed;
	for (; *name; name++)
		r->rng = r->rng * 31 + (unsigned char)*name;
	arg_int(r, blas_handle());
	return r;
}

static struct array *any_array(struct run *r, enum type t, size_t n, size_t pad, bool on_host)
{
	struct array *a = must(calloc(1, sizeof(*a)));

	a->type = t;
	a->n = n;
	a->stride = n + pad;
	a->total = a->stride * (size_t)r->batches;
	a->on_host = on_host;
	a->host = must(calloc(a->total, type_size(t)));
	a->want = must(calloc(a->total, sizeof(*a->want)));
	a->tol = must(calloc(a->total, sizeof(*a->tol)));
	for (size_t i = 0; i < a->total; i++) {
		a->want[i] = random_num(r, t);
		put(t, a->host, i, a->want[i]);
	}
	a->next = r->arrays;
	r->arrays = a;
	if (on_host)
		return a;
	hip("hipMalloc", slot_of(&a->dev), (int64_t)(a->total * type_size(t)), 0, 0);
	if (r->kind == KIND_BATCHED) {
		uint8_t *p[8];

		for (int b = 0; b < r->batches; b++)
			p[b] = a->dev + (size_t)b * a->stride * type_size(t);
		hip("hipMalloc", slot_of(&a->pointers), sizeof(p), 0, 0);
		hip("hipMemcpy", slot_of(a->pointers), slot_of(p), sizeof(p), TO_DEVICE);
	}
	return a;
}

struct array *array_new(struct run *r, enum type t, size_t n)
{
	return any_array(r, t, n, PAD, false);
}

struct array *result_new(struct run *r, enum type t)
{
	return any_array(r, t, 1, 0, !r->device_mode);
}

void set(struct array *a, int batch, size_t i, num value)
{
	size_t at = (size_t)batch * a->stride + i;

	put(a->type, a->host, at, value);
	a->want[at] = get(a->type, a->host, at);
}

num wanted(const struct array *a, int batch, size_t i)
{
	return a->want[(size_t)batch * a->stride + i];
}

void expect(struct array *a, int batch, size_t i, num value, long double tol)
{
	a->want[(size_t)batch * a->stride + i] = value;
	a->tol[(size_t)batch * a->stride + i] = tol;
}

void arg_int(struct run *r, int64_t value)
{
	if (r->n_slots == MAX_SLOTS) {
		fprintf(stderr, "too many arguments\n");
		exit(7);
	}
	r->slot[r->n_slots++] = value;
}

void arg_array(struct run *r, const struct array *a)
{
	arg_int(r, r->kind == KIND_BATCHED ? slot_of(a->pointers) : slot_of(a->dev));
}

void arg_stride(struct run *r, const struct array *a)
{
	if (r->kind == KIND_STRIDED)
		arg_int(r, (int64_t)a->stride);
}

void arg_vector(struct run *r, const struct array *a, int inc)
{
	arg_array(r, a);
	arg_int(r, inc);
	arg_stride(r, a);
}

void arg_scalar(struct run *r, enum type t, num value)
{
	uint8_t *host = r->scalar[r->n_scalars++ % 8];

	put(t, host, 0, value);
	if (r->device_mode) {
		struct array *a = any_array(r, t, 1, 0, false);

		for (size_t i = 0; i < a->total; i++)
			set(a, 0, i, value);
		arg_int(r, slot_of(a->dev));
	} else {
		arg_int(r, slot_of(host));
	}
}

void arg_batches(struct run *r)
{
	if (r->kind != KIND_PLAIN)
		arg_int(r, r->batches);
}

void arg_result(struct run *r, const struct array *a)
{
	arg_int(r, a->on_host ? slot_of(a->host) : slot_of(a->dev));
}

void run_free(struct run *r)
{
	while (r->arrays) {
		struct array *a = r->arrays;

		r->arrays = a->next;
		if (a->dev)
			hip("hipFree", slot_of(a->dev), 0, 0, 0);
		if (a->pointers)
			hip("hipFree", slot_of(a->pointers), 0, 0, 0);
		free(a->host);
		free(a->want);
		free(a->tol);
		free(a);
	}
	free(r);
}

bool array_fetch(struct array *a)
{
	if (!a->on_host)
		hip("hipMemcpy", slot_of(a->host), slot_of(a->dev),
			(int64_t)(a->total * type_size(a->type)), TO_HOST);
	return true;
}

static void compare(struct array *a, struct verdict *v)
{
	(void)array_fetch(a);
	for (size_t i = 0; i < a->total; i++) {
		long double e = mag(get(a->type, a->host, i) - a->want[i]);

		v->values++;
		if (e <= a->tol[i]) { /* false for NaN */
			if (a->tol[i] > 0 && e / a->tol[i] > v->worst)
				v->worst = e / a->tol[i];
			continue;
		}
		v->bad++;
		if (verbose && v->bad % 16 == 1)
			fprintf(stderr, "  element %zu: %Lg %Lg, wanted %Lg %Lg within %.2Lg\n", i,
				creall(get(a->type, a->host, i)), cimagl(get(a->type, a->host, i)),
				creall(a->want[i]), cimagl(a->want[i]), a->tol[i]);
		if (a->tol[i] > 0 && e / a->tol[i] < HUGE_VALL) {
			if (e / a->tol[i] > v->worst)
				v->worst = e / a->tol[i];
		} else {
			v->worst = HUGE_VALL;
		}
	}
}

static slots_fn *prepare(struct run *r, const char *name)
{
	slots_fn *fn = rocblas(name);
	int64_t mode[MAX_SLOTS] = { r->slot[0], r->device_mode };

	for (struct array *a = r->arrays; a; a = a->next)
		if (!a->on_host)
			hip("hipMemcpy", slot_of(a->dev), slot_of(a->host),
				(int64_t)(a->total * type_size(a->type)), TO_DEVICE);
	if (call(rocblas("rocblas_set_pointer_mode"), mode) != 0)
		exit(8);
	return fn;
}

bool run_call(struct run *r, struct verdict *v)
{
	slots_fn *fn = prepare(r, v->name);
	size_t bad = v->bad, values = v->values;
	int status;

	if (!fn) {
		run_free(r);
		return false;
	}
	status = call(fn, r->slot);
	v->calls++;
	hip("hipDeviceSynchronize", 0, 0, 0, 0);
	if (status != 0) {
		if (!v->refused++)
			v->status = status;
	} else {
		for (struct array *a = r->arrays; a; a = a->next)
			compare(a, v);
	}
	if (verbose)
		fprintf(stderr, "%s call %u: status %d, %zu of %zu values bad\n", v->name, v->calls,
			status, v->bad - bad, v->values - values);
	run_free(r);
	return true;
}

double run_time(struct run *r, const char *name, int n)
{
	slots_fn *fn = prepare(r, name);
	double best = -1;

	for (int i = 0; fn && i < n; i++) {
		struct timespec a, b;
		double ms;

		(void)clock_gettime(CLOCK_MONOTONIC, &a);
		if (call(fn, r->slot) != 0)
			return -1;
		hip("hipDeviceSynchronize", 0, 0, 0, 0);
		(void)clock_gettime(CLOCK_MONOTONIC, &b);
		ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
		if (best < 0 || ms < best)
			best = ms;
	}
	return best;
}
