/* SPDX-License-Identifier: MIT */
/*
 * Every generator of rocRAND 2.10.9 (Debian 12's librocrand1 5.3.3) against its published algorithm,
 * written here for the CPU. Integers and uniform floats must be equal bit by bit; normal and log-normal
 * numbers within the error of the card's sine, logarithm and exponential; Poisson by its moments and a chi-square
 * test, because the library's tables are its own. rocrand_check LIBRARY: prints a line a check; exits 1 at
 * the end if something was wrong.
 *
 * Sources: Marsaglia, "Xorshift RNGs" (XORWOW); L'Ecuyer, "Good Parameters and Implementations for Combined
 * Multiple Recursive RNGs" (MRG32k3a); Saito and Matsumoto, "Variants of Mersenne Twister suitable for
 * GPUs" (MTGP32: its 512 parameter sets are read from the library's file); Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3" (Philox); Joe and Kuo, "Constructing Sobol sequences with better two-dimensional
 * projections" (first 10 dimensions). How rocRAND seeds, splits and orders them: its headers. The jumps are
 * computed here by matrix powers, not by its tables.
 */
#include <hip/hip_runtime_api.h>

#include <dlfcn.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

enum { XORWOW = 401, MRG32K3A = 402, MTGP32 = 403, PHILOX = 404, SOBOL32 = 501, SOBOL64 = 504 };

#define ENGINES 131072u /* of XORWOW and MRG32K3A; MTGP32: 512 groups of 256 */
#define SEED	UINT64_C(0x89abcdef) /* 32 bits: with more, MRG32K3A's seeding overflows */

struct api {
	int (*create)(void **, int);
	int (*destroy)(void *);
	int (*seed)(void *, unsigned long long);
	int (*offset)(void *, unsigned long long);
	int (*dimensions)(void *, unsigned int);
	int (*words)(void *, unsigned int *, size_t);
	int (*chars)(void *, unsigned char *, size_t);
	int (*shorts)(void *, unsigned short *, size_t);
	int (*uniform)(void *, float *, size_t);
	int (*uniform_double)(void *, double *, size_t);
	int (*normal)(void *, float *, size_t, float, float);
	int (*normal_double)(void *, double *, size_t, double, double);
	int (*log_normal)(void *, float *, size_t, float, float);
	int (*poisson)(void *, unsigned int *, size_t, double);
};

static api rocrand;
static unsigned wrong_checks;

#define CHECK(call)                                                                        \
	do {                                                                               \
		int e_ = (int)(call);                                                      \
		if (e_ != 0) {                                                             \
			fprintf(stderr, "%s:%d: %s: %d\n", __FILE__, __LINE__, #call, e_); \
			exit(3);                                                           \
		}                                                                          \
	} while (0)

static void load(const char *path)
{
	void *lib = dlopen(path, RTLD_NOW);
	struct {
		const char *name;
		void **to;
	} symbols[] = {
		{ "rocrand_create_generator", (void **)&rocrand.create },
		{ "rocrand_destroy_generator", (void **)&rocrand.destroy },
		{ "rocrand_set_seed", (void **)&rocrand.seed },
		{ "rocrand_set_offset", (void **)&rocrand.offset },
		{ "rocrand_set_quasi_random_generator_dimensions", (void **)&rocrand.dimensions },
		{ "rocrand_generate", (void **)&rocrand.words },
		{ "rocrand_generate_char", (void **)&rocrand.chars },
		{ "rocrand_generate_short", (void **)&rocrand.shorts },
		{ "rocrand_generate_uniform", (void **)&rocrand.uniform },
		{ "rocrand_generate_uniform_double", (void **)&rocrand.uniform_double },
		{ "rocrand_generate_normal", (void **)&rocrand.normal },
		{ "rocrand_generate_normal_double", (void **)&rocrand.normal_double },
		{ "rocrand_generate_log_normal", (void **)&rocrand.log_normal },
		{ "rocrand_generate_poisson", (void **)&rocrand.poisson },
	};

	if (!lib) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	for (auto &s : symbols)
		if (!(*s.to = dlsym(lib, s.name))) {
			fprintf(stderr, "no symbol %s\n", s.name);
			exit(2);
		}
}

/* ---- the algorithms ---- */

typedef std::array<uint32_t, 5> xorshift;

struct xorwow {
	xorshift x;
	uint32_t d;

	static xorshift step(xorshift x)
	{
		uint32_t t = x[0] ^ x[0] >> 2;

		return { x[1], x[2], x[3], x[4], x[4] ^ x[4] << 4 ^ t ^ t << 1 };
	}
	uint32_t next()
	{
		x = step(x);
		d += 362437;
		return x[4] + d;
	}
};

/* 160 x 160 bits: column j is what bit j becomes. */
typedef std::vector<xorshift> bit_matrix;

static xorshift times(const bit_matrix &m, const xorshift &v)
{
	xorshift r = { 0, 0, 0, 0, 0 };

	for (unsigned j = 0; j < 160; j++)
		if (v[j / 32] >> j % 32 & 1)
			for (unsigned k = 0; k < 5; k++)
				r[k] ^= m[j][k];
	return r;
}

static bit_matrix squared(bit_matrix m, unsigned n)
{
	while (n-- > 0) {
		bit_matrix r(160);

		for (unsigned j = 0; j < 160; j++)
			r[j] = times(m, m[j]);
		m = r;
	}
	return m;
}

/* Engine i is 2^67 i numbers further on; 2^67 is a multiple of the period of d. */
static std::vector<xorwow> xorwow_engines()
{
	uint32_t s0 = (uint32_t)SEED ^ 0x2c7f967f, s1 = (uint32_t)(SEED >> 32) ^ 0xa03697cb;
	uint32_t t0 = 1228688033u * s0, t1 = 2073658381u * s1;
	xorwow e = { { 123456789u + t0, 362436069u ^ t0, 521288629u + t1, 88675123u ^ t1,
			     5783321u + t0 },
		6615241u + t1 + t0 };
	std::vector<xorwow> engines;
	bit_matrix one(160);

	for (unsigned j = 0; j < 160; j++) {
		xorshift unit = { 0, 0, 0, 0, 0 };

		unit[j / 32] = 1u << j % 32;
		one[j] = xorwow::step(unit);
	}
	bit_matrix jump = squared(one, 67);
	for (unsigned i = 0; i < ENGINES; i++) {
		engines.push_back(e);
		e.x = times(jump, e.x);
	}
	return engines;
}

typedef std::array<uint64_t, 3> triple;
typedef std::array<triple, 3> matrix3;

static const uint64_t mrg_m1 = 4294967087u, mrg_m2 = 4294944443u;

static triple times(const matrix3 &m, const triple &v, uint64_t mod)
{
	triple r = { 0, 0, 0 };

	for (unsigned i = 0; i < 3; i++)
		for (unsigned j = 0; j < 3; j++)
			r[i] = (r[i] + (uint64_t)((unsigned __int128)m[i][j] * v[j] % mod)) % mod;
	return r;
}

static matrix3 squared(matrix3 m, unsigned n, uint64_t mod)
{
	while (n-- > 0) {
		matrix3 r;

		for (unsigned j = 0; j < 3; j++) {
			triple column = times(m, { m[0][j], m[1][j], m[2][j] }, mod);

			for (unsigned i = 0; i < 3; i++)
				r[i][j] = column[i];
		}
		m = r;
	}
	return m;
}

static const matrix3 mrg_a1 = { { { 0, 1, 0 }, { 0, 0, 1 }, { mrg_m1 - 810728, 1403580, 0 } } };
static const matrix3 mrg_a2 = { { { 0, 1, 0 }, { 0, 0, 1 }, { mrg_m2 - 1370589, 0, 527612 } } };

struct mrg32k3a {
	triple g1, g2;

	/* in [1, m1] */
	uint32_t next()
	{
		g1 = times(mrg_a1, g1, mrg_m1);
		g2 = times(mrg_a2, g2, mrg_m2);
		return (uint32_t)(g1[2] > g2[2] ? g1[2] - g2[2] : g1[2] + mrg_m1 - g2[2]);
	}
};

static std::vector<mrg32k3a> mrg_engines()
{
	uint64_t x = (uint32_t)SEED ^ 0x55555555u, y = (uint32_t)(SEED >> 32) ^ 0xaaaaaaaau;
	auto product = [](uint64_t a, uint64_t m) {
		return (uint64_t)((unsigned __int128)a * (SEED % m) % m);
	};
	mrg32k3a e = { { product(x, mrg_m1), product(y, mrg_m1), product(x, mrg_m1) },
		{ product(y, mrg_m2), product(x, mrg_m2), product(y, mrg_m2) } };
	matrix3 jump1 = squared(mrg_a1, 76, mrg_m1), jump2 = squared(mrg_a2, 76, mrg_m2);
	std::vector<mrg32k3a> engines;

	for (unsigned i = 0; i < ENGINES; i++) {
		engines.push_back(e);
		e.g1 = times(jump1, e.g1, mrg_m1);
		e.g2 = times(jump2, e.g2, mrg_m2);
	}
	return engines;
}

struct mtgp_set { /* mtgp32-fast.h */
	int32_t mexp, pos, sh1, sh2;
	uint32_t tbl[16], tmp_tbl[16], flt_tmp_tbl[16], mask;
	uint8_t sha1[21];
};

static std::vector<mtgp_set> mtgp_sets(const char *path)
{
	std::vector<uint8_t> bytes;
	std::vector<mtgp_set> sets(512);
	FILE *f = fopen(path, "rb");
	uint8_t buf[65536];
	size_t n;

	while (f && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		bytes.insert(bytes.end(), buf, buf + n);
	if (f)
		fclose(f);
	for (size_t at = 0; at + sets.size() * sizeof(mtgp_set) <= bytes.size(); at += 4) {
		bool found = true;

		for (size_t i = 0; i < sets.size() && found; i++) {
			int32_t mexp;

			memcpy(&mexp, &bytes[at + i * sizeof(mtgp_set)], 4);
			found = mexp == 11213;
		}
		if (found) {
			memcpy(sets.data(), &bytes[at], sets.size() * sizeof(mtgp_set));
			return sets;
		}
	}
	fprintf(stderr, "%s: no parameters of MTGP32 found\n", path);
	exit(2);
}

/* The whole sequence of one of the 512 generators, one number after the other. */
struct mtgp32 {
	const mtgp_set *p;
	std::vector<uint32_t> s;

	mtgp32(const mtgp_set *set, uint32_t seed) : p(set), s(351)
	{
		uint32_t hidden = p->tbl[4] ^ p->tbl[8] << 16, t = hidden;

		t += t >> 16;
		t += t >> 8;
		memset(s.data(), (int)(t & 0xff), 4 * s.size());
		s[0] = seed;
		s[1] = hidden;
		for (uint32_t i = 1; i < s.size(); i++)
			s[i] ^= 1812433253u * (s[i - 1] ^ s[i - 1] >> 30) + i;
	}
	uint32_t next()
	{
		size_t o = s.size() - 351;
		uint32_t x = (s[o] & p->mask) ^ s[o + 1], y, t = s[o + (size_t)p->pos - 1];

		x ^= x << p->sh1;
		y = x ^ s[o + (size_t)p->pos] >> p->sh2;
		y ^= p->tbl[y & 15];
		s.push_back(y);
		t ^= t >> 16;
		t ^= t >> 8;
		return y ^ p->tmp_tbl[t & 15];
	}
};

static void philox(uint64_t number, uint32_t out[4])
{
	uint32_t c[4] = { (uint32_t)number, (uint32_t)(number >> 32), 0, 0 },
		 k[2] = { (uint32_t)SEED, (uint32_t)(SEED >> 32) };

	for (int r = 0; r < 10; r++) {
		uint64_t a = UINT64_C(0xd2511f53) * c[0], b = UINT64_C(0xcd9e8d57) * c[2];
		uint32_t n[4] = { (uint32_t)(b >> 32) ^ c[1] ^ k[0], (uint32_t)b,
			(uint32_t)(a >> 32) ^ c[3] ^ k[1], (uint32_t)a };

		memcpy(c, n, sizeof(c));
		k[0] += 0x9e3779b9;
		k[1] += 0xbb67ae85;
	}
	memcpy(out, c, sizeof(c));
}

/* Direction numbers of a dimension, as 64-bit fractions. */
static std::vector<uint64_t> sobol_vectors(unsigned dimension)
{
	static const struct {
		unsigned s, a, m[5];
	} table[] = { { 1, 0, { 1 } }, { 2, 1, { 1, 3 } }, { 3, 1, { 1, 3, 1 } },
		{ 3, 2, { 1, 1, 1 } }, { 4, 1, { 1, 1, 3, 3 } }, { 4, 4, { 1, 3, 5, 13 } },
		{ 5, 2, { 1, 1, 5, 5, 17 } }, { 5, 4, { 1, 1, 5, 5, 5 } },
		{ 5, 7, { 1, 1, 7, 11, 19 } } };
	std::vector<uint64_t> v(64);

	for (unsigned i = 0; i < 64; i++) {
		if (dimension == 0) {
			v[i] = UINT64_C(1) << (63 - i);
			continue;
		}
		const auto &t = table[dimension - 1];

		if (i < t.s) {
			v[i] = (uint64_t)t.m[i] << (63 - i);
			continue;
		}
		v[i] = v[i - t.s] ^ v[i - t.s] >> t.s;
		for (unsigned k = 1; k < t.s; k++)
			if (t.a >> (t.s - 1 - k) & 1)
				v[i] ^= v[i - k];
	}
	return v;
}

static uint64_t sobol(const std::vector<uint64_t> &v, uint64_t i)
{
	uint64_t gray = i ^ i >> 1, x = 0;

	for (unsigned k = 0; k < 64; k++)
		if (gray >> k & 1)
			x ^= v[k];
	return x;
}

/* ---- comparison ---- */

static const char *name_of(int type)
{
	return type == XORWOW	  ? "xorwow"
	       : type == MRG32K3A ? "mrg32k3a"
	       : type == MTGP32	  ? "mtgp32"
	       : type == PHILOX	  ? "philox4x32-10"
	       : type == SOBOL32  ? "sobol32"
				  : "sobol64";
}

template <typename T>
static std::vector<T> generate(int type, size_t n, unsigned dimensions, uint64_t offset,
	std::function<int(void *, T *)> call)
{
	std::vector<T> v(n);
	void *g = nullptr;
	T *p = nullptr;

	CHECK(rocrand.create(&g, type));
	if (type < 500)
		CHECK(rocrand.seed(g, SEED));
	else
		CHECK(rocrand.dimensions(g, dimensions));
	if (offset)
		CHECK(rocrand.offset(g, offset));
	CHECK(hipMalloc((void **)&p, n * sizeof(T)));
	CHECK(call(g, p));
	CHECK(hipDeviceSynchronize());
	CHECK(hipMemcpy(v.data(), p, n * sizeof(T), hipMemcpyDeviceToHost));
	CHECK(hipFree(p));
	CHECK(rocrand.destroy(g));
	return v;
}

template <typename T>
static void compare(int type, const char *what, const std::vector<T> &got,
	const std::vector<T> &want, double relative = 0, double absolute = 0)
{
	size_t wrong = 0, first = 0;

	for (size_t i = got.size(); i-- > 0;) {
		bool same = memcmp(&got[i], &want[i], sizeof(T)) == 0;

		if (!same && (relative != 0 || absolute != 0))
			same = fabs((double)got[i] - (double)want[i]) <=
			       absolute + relative * fabs((double)want[i]);
		if (!same) {
			wrong++;
			first = i;
		}
	}
	if (!wrong)
		printf("%s %s: %zu right\n", name_of(type), what, got.size());
	else
		printf("%s %s: %zu of %zu wrong, first %zu: %.17g, should be %.17g\n",
			name_of(type), what, wrong, got.size(), first, (double)got[first],
			(double)want[first]);
	fflush(stdout);
	wrong_checks += wrong != 0;
}

/* Raw 32-bit numbers of a generator with engines that take turns: "row" r of all engines. */
static std::vector<uint32_t> raw_words(int type, unsigned rows, const char *library)
{
	std::vector<uint32_t> w((size_t)rows * ENGINES);

	if (type == XORWOW) {
		auto engines = xorwow_engines();

		for (size_t i = 0; i < w.size(); i++)
			w[i] = engines[i % ENGINES].next();
	} else if (type == MRG32K3A) {
		auto engines = mrg_engines();

		for (size_t i = 0; i < w.size(); i++)
			w[i] = engines[i % ENGINES].next();
	} else if (type == MTGP32) {
		auto sets = mtgp_sets(library);
		uint32_t seed = (uint32_t)(SEED ^ SEED >> 32);

		for (unsigned b = 0; b < 512; b++) {
			mtgp32 g(&sets[b], seed + b + 1);

			for (unsigned r = 0; r < rows; r++)
				for (unsigned t = 0; t < 256; t++)
					w[(size_t)r * ENGINES + b * 256 + t] = g.next();
		}
	} else {
		for (size_t i = 0; i < w.size(); i += 4)
			philox(i / 4, &w[i]);
	}
	return w;
}

/* The k-th input of output number i: engines write in turn, Philox counts on. */
static uint32_t input(
	int type, const std::vector<uint32_t> &w, size_t i, unsigned k, unsigned width)
{
	return type == PHILOX ? w[i * width + k]
			      : w[(i / ENGINES * width + k) * ENGINES + i % ENGINES];
}

static float uniform_float(int type, uint32_t v)
{
	return type == MRG32K3A ? (float)(v * 2.3283065498378288e-10)
				: 0x1p-32f + (float)v * 0x1p-32f;
}

static double uniform_double(uint32_t a, uint32_t b)
{
	return 0x1p-53 + (double)((uint64_t)(b >> 11) << 32 | a) * 0x1p-53;
}

static void poisson(int type)
{
	const double lambda = 7.5;
	const size_t n = 100000;
	auto v = generate<unsigned>(type, n, 1, 0,
		[&](void *g, unsigned *p) { return rocrand.poisson(g, p, n, lambda); });
	double mean = 0, variance = 0, chi = 0, probability = exp(-lambda);
	std::vector<double> bins(24);

	for (unsigned x : v) {
		mean += x;
		bins[x < 23 ? x : 23]++;
	}
	mean /= (double)n;
	for (unsigned x : v)
		variance += (x - mean) * (x - mean) / (double)n;
	for (unsigned k = 0; k < 20; k++) {
		chi += (bins[k] - (double)n * probability) * (bins[k] - (double)n * probability) /
		       ((double)n * probability);
		probability *= lambda / (k + 1);
	}
	/* 20 bins: 60 is beyond the 1e-5 quantile; a Sobol sequence is more even than chance */
	bool good = fabs(mean - lambda) < 0.05 && fabs(variance - lambda) < 0.15 && chi < 60;
	printf("%s poisson: %s, mean %.4f, variance %.4f, chi-square %.1f\n", name_of(type),
		good ? "right" : "wrong", mean, variance, chi);
	wrong_checks += !good;
}

static void pseudo(int type, const char *library)
{
	const size_t n = 2 * ENGINES + 1000, n_pairs = ENGINES + 500;
	auto w = raw_words(type, 6, library);
	std::vector<unsigned> words(n);
	std::vector<float> floats(n), normals(2 * n_pairs), logs(2 * n_pairs);
	std::vector<double> doubles(n_pairs), normals64(2 * n_pairs);
	auto unit = [&](uint32_t v) { return (double)uniform_float(type, v); };

	for (size_t i = 0; i < n; i++) {
		uint32_t v = input(type, w, i, 0, 1);

		words[i] = type == MRG32K3A ? (uint32_t)((v - 1) * 1.000000048661607) : v;
		floats[i] = uniform_float(type, v);
	}
	for (size_t i = 0; i < n_pairs; i++) {
		if (type == MRG32K3A)
			doubles[i] = input(type, w, i, 0, 1) * 2.3283065498378288e-10;
		else
			doubles[i] =
				uniform_double(input(type, w, i, 0, 2), input(type, w, i, 1, 2));
		uint32_t a = input(type, w, i, 0, 2), b = input(type, w, i, 1, 2);
		double r = sqrt(-2 * log(unit(a))), angle = 2 * M_PI * unit(b);

		normals[2 * i] = (float)(3 + 2 * r * sin(angle));
		normals[2 * i + 1] = (float)(3 + 2 * r * cos(angle));
	}
	for (size_t i = 0; i < logs.size(); i++)
		logs[i] = (float)exp((normals[i] - 3.0) * 0.25 + 0.5);
	compare<unsigned>(type, "words",
		generate<unsigned>(type, n, 1, 0,
			[&](void *g, unsigned *p) { return rocrand.words(g, p, n); }),
		words);
	compare<float>(type, "uniform",
		generate<float>(
			type, n, 1, 0, [&](void *g, float *p) { return rocrand.uniform(g, p, n); }),
		floats);
	compare<double>(type, "uniform double",
		generate<double>(type, n_pairs, 1, 0,
			[&](void *g, double *p) { return rocrand.uniform_double(g, p, n_pairs); }),
		doubles);
	compare<float>(type, "normal",
		generate<float>(type, 2 * n_pairs, 1, 0,
			[&](void *g, float *p) { return rocrand.normal(g, p, 2 * n_pairs, 3, 2); }),
		normals, 1e-5, 1e-4);
	compare<float>(type, "log-normal",
		generate<float>(type, 2 * n_pairs, 1, 0,
			[&](void *g, float *p) {
				return rocrand.log_normal(g, p, 2 * n_pairs, 0.5, 0.5);
			}),
		logs, 1e-4, 1e-4);
	if (type != MRG32K3A) {
		std::vector<unsigned char> chars(4 * n_pairs);
		std::vector<unsigned short> shorts(2 * n_pairs);

		for (size_t i = 0; i < n_pairs; i++) {
			uint32_t v = input(type, w, i, 0, 1);

			memcpy(&chars[4 * i], &v, 4);
			memcpy(&shorts[2 * i], &v, 4);
		}
		compare<unsigned char>(type, "bytes",
			generate<unsigned char>(type, chars.size(), 1, 0,
				[&](void *g, unsigned char *p) {
					return rocrand.chars(g, p, chars.size());
				}),
			chars);
		compare<unsigned short>(type, "halfwords",
			generate<unsigned short>(type, shorts.size(), 1, 0,
				[&](void *g, unsigned short *p) {
					return rocrand.shorts(g, p, shorts.size());
				}),
			shorts);
	}
	poisson(type);
}

static void quasi(int type)
{
	const size_t n = 20000;
	const unsigned dimensions = 10;

	for (uint64_t offset : { UINT64_C(0), UINT64_C(12345) }) {
		std::vector<unsigned> words;
		std::vector<float> floats;
		std::vector<double> doubles;

		for (unsigned d = 0; d < dimensions; d++) {
			auto v = sobol_vectors(d);

			for (size_t i = 0; i < n; i++) {
				uint64_t x = sobol(v, i + offset);
				uint32_t high = (uint32_t)(x >> 32);

				words.push_back(type == SOBOL32 ? high : (uint32_t)x);
				/* rocRAND 2.10.9 takes the lower half of a 64-bit number: so says its code (v_cvt_f32_u32) */
				floats.push_back(
					0x1p-32f +
					(float)(type == SOBOL32 ? high : (uint32_t)x) * 0x1p-32f);
				doubles.push_back(type == SOBOL32
							  ? 0x1p-32 + high * 0x1p-32
							  : 0x1p-53 + (double)(x >> 11) * 0x1p-53);
			}
		}
		if (type ==
			SOBOL32) /* the 32-bit call on a 64-bit generator has no published meaning */
			compare<unsigned>(type, "words",
				generate<unsigned>(type, words.size(), dimensions, offset,
					[&](void *g, unsigned *p) {
						return rocrand.words(g, p, words.size());
					}),
				words);
		compare<float>(type, "uniform",
			generate<float>(type, floats.size(), dimensions, offset,
				[&](void *g, float *p) {
					return rocrand.uniform(g, p, floats.size());
				}),
			floats);
		compare<double>(type, "uniform double",
			generate<double>(type, doubles.size(), dimensions, offset,
				[&](void *g, double *p) {
					return rocrand.uniform_double(g, p, doubles.size());
				}),
			doubles);
	}
	poisson(type);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	load(argv[1]);
	for (int type : { PHILOX, XORWOW, MRG32K3A, MTGP32 })
		pseudo(type, argv[1]);
	quasi(SOBOL32);
	quasi(SOBOL64);
	printf("%u checks wrong\n", wrong_checks);
	return wrong_checks ? 1 : 0;
}
