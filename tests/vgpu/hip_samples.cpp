/* SPDX-License-Identifier: MIT */
/*
 * Kernels as HIP programs have them, every result compared with the host's: reduction, scan,
 * transpose, histograms, scratch, streams, waits between work-groups, fills, device globals, float
 * arithmetic. hip_samples PART...: runs the parts and prints "PART ok"; exits 1 at the first wrong value.
 * Parts "printf", "assert", "trap", "violation" and "illegal" are judged by who runs them. It is compiled for wave32 and for wave64,
 * where gfx10 exchanges data only inside of each half (ds_bpermute_b32): shuffles are of LANES lanes.
 */
#include <hip/hip_runtime.h>
#include <hip/hip_cooperative_groups.h>

#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#define CHECK(call)                                                                   \
	do {                                                                          \
		hipError_t e_ = (call);                                               \
		if (e_ != hipSuccess) {                                               \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, \
				hipGetErrorString(e_));                               \
			exit(1);                                                      \
		}                                                                     \
	} while (0)

#define LANES 32

#define LAUNCH(kernel, grid, block, lds, stream, ...)                                          \
	do {                                                                                   \
		hipLaunchKernelGGL(kernel, dim3(grid), dim3(block), lds, stream, __VA_ARGS__); \
		CHECK(hipGetLastError());                                                      \
	} while (0)

template <typename T> static void same(const char *what, size_t i, T got, T want)
{
	if (memcmp(&got, &want, sizeof(T)) == 0)
		return;
	fprintf(stderr, "%s: element %zu is %.17g, should be %.17g\n", what, i, (double)got,
		(double)want);
	exit(1);
}

template <typename T>
static void same(const char *what, const std::vector<T> &got, const std::vector<T> &want)
{
	same(what, 0, got.size(), want.size());
	for (size_t i = 0; i < got.size(); i++)
		same(what, i, got[i], want[i]);
}

/* Memory of the card with the host's values, and back. */
template <typename T> struct device {
	T *p = nullptr;
	size_t n;

	explicit device(size_t count) : n(count)
	{
		CHECK(hipMalloc((void **)&p, n * sizeof(T)));
		CHECK(hipMemset(p, 0, n * sizeof(T)));
	}
	explicit device(const std::vector<T> &v) : n(v.size())
	{
		CHECK(hipMalloc((void **)&p, n * sizeof(T)));
		CHECK(hipMemcpy(p, v.data(), n * sizeof(T), hipMemcpyHostToDevice));
	}
	device(const device &) = delete;
	device &operator=(const device &) = delete;
	~device()
	{
		CHECK(hipFree(p));
	}
	std::vector<T> host() const
	{
		std::vector<T> v(n);

		CHECK(hipMemcpy(v.data(), p, n * sizeof(T), hipMemcpyDeviceToHost));
		return v;
	}
};

static uint32_t random_state = 1;

static uint32_t rnd()
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static std::vector<uint32_t> random_words(size_t n)
{
	std::vector<uint32_t> v(n);

	for (auto &x : v)
		x = rnd();
	return v;
}

/* ---- reduction: lanes by shuffle, waves through LDS, groups by an atomic ---- */

template <typename T> __device__ T wave_sum(T x)
{
	for (int d = LANES / 2; d > 0; d /= 2)
		x += __shfl_down(x, d, LANES);
	return x;
}

template <typename T> __global__ void reduce_shuffle(const T *in, size_t n, T *out)
{
	__shared__ T part[32];
	T x = 0;

	for (size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
		i += (size_t)gridDim.x * blockDim.x)
		x += in[i];
	x = wave_sum(x);
	if (threadIdx.x % LANES == 0)
		part[threadIdx.x / LANES] = x;
	__syncthreads();
	if (threadIdx.x < LANES) {
		x = wave_sum(threadIdx.x < blockDim.x / LANES ? part[threadIdx.x] : (T)0);
		if (threadIdx.x == 0)
			atomicAdd(out, x);
	}
}

/* The order of additions is fixed, so that floats can be compared bit by bit. */
template <typename T> __global__ void reduce_tree(const T *in, size_t n, T *out)
{
	extern __shared__ unsigned char lds[];
	T *s = (T *)lds;
	size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;

	s[threadIdx.x] = i < n ? in[i] : (T)0;
	for (unsigned d = blockDim.x / 2; d > 0; d /= 2) {
		__syncthreads();
		if (threadIdx.x < d)
			s[threadIdx.x] += s[threadIdx.x + d];
	}
	if (threadIdx.x == 0)
		out[blockIdx.x] = s[0];
}

template <typename T> static std::vector<T> tree_host(const std::vector<T> &v, size_t block)
{
	std::vector<T> out;

	for (size_t b = 0; b < v.size(); b += block) {
		std::vector<T> s(block);

		for (size_t i = 0; i < block; i++)
			s[i] = b + i < v.size() ? v[b + i] : (T)0;
		for (size_t d = block / 2; d > 0; d /= 2)
			for (size_t i = 0; i < d; i++)
				s[i] += s[i + d];
		out.push_back(s[0]);
	}
	return out;
}

__global__ void votes(const uint32_t *in, uint64_t *ballots, int *any, int *all, uint32_t *rotated,
	uint32_t *xored)
{
	unsigned i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % LANES;
	int p = in[i] % 3 == 0;

	ballots[i] = __ballot(p);
	any[i] = __any(in[i] % 61 == 0);
	all[i] = __all(in[i] % 61 != 0);
	rotated[i] = __shfl(in[i], (lane + 5) % LANES, LANES);
	xored[i] = __shfl_xor(in[i], 9, LANES);
}

__global__ void width(int *w)
{
	*w = warpSize;
}

static int wave_width()
{
	device<int> w(1);

	LAUNCH(width, 1, 1, 0, 0, w.p);
	return w.host()[0];
}

static void reduction()
{
	for (size_t n : { (size_t)1, (size_t)1000, (size_t)100003 }) {
		std::vector<uint32_t> words = random_words(n);
		std::vector<unsigned long long> longs(words.begin(), words.end());
		std::vector<float> floats(words.begin(), words.end());
		std::vector<double> doubles(words.begin(), words.end());
		unsigned long long sum = 0;

		for (auto &x : longs)
			sum += x *= 0x100000001u;
		device<uint32_t> dw(words), ow(1);
		device<unsigned long long> dl(longs), ol(1);
		device<float> df(floats), of((n + 255) / 256);
		device<double> dd(doubles), od((n + 127) / 128);

		LAUNCH(reduce_shuffle<uint32_t>, 7, 256, 0, 0, dw.p, n, ow.p);
		LAUNCH(reduce_shuffle<unsigned long long>, 5, 128, 0, 0, dl.p, n, ol.p);
		LAUNCH(reduce_tree<float>, of.n, 256, 256 * sizeof(float), 0, df.p, n, of.p);
		LAUNCH(reduce_tree<double>, od.n, 128, 128 * sizeof(double), 0, dd.p, n, od.p);
		uint32_t sum32 = 0;
		for (uint32_t x : words)
			sum32 += x;
		same("sum of words", 0, ow.host()[0], sum32);
		same("sum of 64-bit words", 0, ol.host()[0], sum);
		same("sums of floats", of.host(), tree_host(floats, 256));
		same("sums of doubles", od.host(), tree_host(doubles, 128));
	}
	const size_t n = 512, w = wave_width();
	std::vector<uint32_t> words = random_words(n), rotated(n), xored(n);
	std::vector<uint64_t> ballots(n);
	std::vector<int> any(n), all(n);
	device<uint32_t> in(words), r(n), x(n);
	device<uint64_t> b(n);
	device<int> da(n), dl(n);

	LAUNCH(votes, 4, 128, 0, 0, in.p, b.p, da.p, dl.p, r.p, x.p);
	for (size_t i = 0; i < n; i++) {
		size_t first = i / w * w;

		for (size_t l = 0; l < w; l++) {
			ballots[i] |= (uint64_t)(words[first + l] % 3 == 0) << l;
			any[i] |= words[first + l] % 61 == 0;
		}
		all[i] = !any[i];
		rotated[i] = words[i / LANES * LANES + (i + 5) % LANES];
		xored[i] = words[i ^ 9];
	}
	same("ballot", b.host(), ballots);
	for (size_t i = 0; i < n; i++) {
		same("any", i, (int)(da.host()[i] != 0), any[i]);
		same("all", i, (int)(dl.host()[i] != 0), all[i]);
	}
	same("shfl", r.host(), rotated);
	same("shfl_xor", x.host(), xored);
}

/* ---- scan ---- */

__device__ uint32_t wave_scan(uint32_t x)
{
	for (int d = 1; d < LANES; d *= 2) {
		uint32_t y = __shfl_up(x, d, LANES);

		if ((int)(threadIdx.x % LANES) >= d)
			x += y;
	}
	return x;
}

/* Of a group; *ret_total is the sum of all. */
__device__ uint32_t block_scan(uint32_t x, uint32_t *ret_total)
{
	__shared__ uint32_t sums[33];
	unsigned wave = threadIdx.x / LANES, n_waves = blockDim.x / LANES;

	x = wave_scan(x);
	if (threadIdx.x % LANES == LANES - 1)
		sums[wave + 1] = x;
	__syncthreads();
	if (threadIdx.x == 0) {
		sums[0] = 0;
		for (unsigned i = 1; i <= n_waves; i++)
			sums[i] += sums[i - 1];
	}
	__syncthreads();
	*ret_total = sums[n_waves];
	x += sums[wave];
	__syncthreads();
	return x;
}

__global__ void scan_blocks(const uint32_t *in, size_t n, uint32_t *out, uint32_t *totals)
{
	size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
	uint32_t total, x = block_scan(i < n ? in[i] : 0, &total);

	if (i < n)
		out[i] = x;
	if (threadIdx.x == 0)
		totals[blockIdx.x] = total;
}

__global__ void add_before(uint32_t *out, size_t n, const uint32_t *totals)
{
	size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n && blockIdx.x > 0)
		out[i] += totals[blockIdx.x - 1];
}

/* Work-efficient, in LDS: up-sweep and down-sweep; exclusive. */
__global__ void scan_blelloch(const uint32_t *in, uint32_t *out)
{
	__shared__ uint32_t s[512];
	unsigned t = threadIdx.x, step = 1;

	s[2 * t] = in[2 * t];
	s[2 * t + 1] = in[2 * t + 1];
	for (unsigned d = 256; d > 0; d /= 2, step *= 2) {
		__syncthreads();
		if (t < d)
			s[step * (2 * t + 2) - 1] += s[step * (2 * t + 1) - 1];
	}
	if (t == 0)
		s[511] = 0;
	for (unsigned d = 1; d < 512; d *= 2) {
		step /= 2;
		__syncthreads();
		if (t < d) {
			uint32_t a = s[step * (2 * t + 1) - 1];

			s[step * (2 * t + 1) - 1] = s[step * (2 * t + 2) - 1];
			s[step * (2 * t + 2) - 1] += a;
		}
	}
	__syncthreads();
	out[2 * t] = s[2 * t];
	out[2 * t + 1] = s[2 * t + 1];
}

/*
 * One pass with look-back: a group waits for those before it. state: 0 nothing yet, 1 sum of the group, 2
 * sum of all up to it, in the upper half. Groups take their numbers by an atomic, in the order they start.
 */
__global__ void scan_look_back(
	const uint32_t *in, size_t n, uint32_t *out, unsigned long long *state, uint32_t *ticket)
{
	__shared__ uint32_t number, before;
	uint32_t total, x;
	size_t i;

	if (threadIdx.x == 0)
		number = atomicAdd(ticket, 1);
	__syncthreads();
	i = (size_t)number * blockDim.x + threadIdx.x;
	x = block_scan(i < n ? in[i] : 0, &total);
	if (threadIdx.x == 0) {
		before = 0;
		__atomic_store_n(&state[number], (1ull << 32) | total, __ATOMIC_RELEASE);
		for (int k = (int)number - 1; k >= 0;) {
			unsigned long long s = __atomic_load_n(&state[k], __ATOMIC_ACQUIRE);

			if (s >> 32 == 0)
				continue;
			before += (uint32_t)s;
			if (s >> 32 == 2)
				break;
			k--;
		}
		__atomic_store_n(&state[number], (2ull << 32) | (before + total), __ATOMIC_RELEASE);
	}
	__syncthreads();
	if (i < n)
		out[i] = x + before;
}

static std::vector<uint32_t> scan_host(const std::vector<uint32_t> &v)
{
	std::vector<uint32_t> out(v);

	for (size_t i = 1; i < out.size(); i++)
		out[i] += out[i - 1];
	return out;
}

static void scan()
{
	for (size_t n : { (size_t)1, (size_t)255, (size_t)50021 }) {
		std::vector<uint32_t> v = random_words(n);
		size_t blocks = (n + 255) / 256;
		device<uint32_t> in(v), out(n), totals(blocks), sums(blocks), none(1), again(n),
			ticket(1);
		device<unsigned long long> state(blocks);

		LAUNCH(scan_blocks, blocks, 256, 0, 0, in.p, n, out.p, totals.p);
		LAUNCH(scan_blocks, 1, 1024, 0, 0, totals.p, blocks, sums.p, none.p);
		LAUNCH(add_before, blocks, 256, 0, 0, out.p, n, sums.p);
		same("scan in three kernels", out.host(), scan_host(v));
		LAUNCH(scan_look_back, blocks, 256, 0, 0, in.p, n, again.p, state.p, ticket.p);
		same("scan with look-back", again.host(), scan_host(v));
	}
	std::vector<uint32_t> v = random_words(512), want(512);
	device<uint32_t> in(v), out(512);

	LAUNCH(scan_blelloch, 1, 256, 0, 0, in.p, out.p);
	for (size_t i = 1; i < 512; i++)
		want[i] = want[i - 1] + v[i - 1];
	same("scan in LDS", out.host(), want);
}

/* ---- transpose through LDS ---- */

template <typename T>
__global__ void transpose_tile(const T *in, unsigned width, unsigned height, T *out)
{
	__shared__ T tile[32][33];
	unsigned x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;

	for (unsigned j = 0; j < 32; j += 8)
		if (x < width && y + j < height)
			tile[threadIdx.y + j][threadIdx.x] = in[(size_t)(y + j) * width + x];
	__syncthreads();
	x = blockIdx.y * 32 + threadIdx.x;
	y = blockIdx.x * 32 + threadIdx.y;
	for (unsigned j = 0; j < 32; j += 8)
		if (x < height && y + j < width)
			out[(size_t)(y + j) * height + x] = tile[threadIdx.x][threadIdx.y + j];
}

template <typename T> static void transpose_of(unsigned width, unsigned height)
{
	std::vector<T> v((size_t)width * height), want(v.size());

	for (auto &x : v)
		x = (T)rnd();
	for (unsigned y = 0; y < height; y++)
		for (unsigned x = 0; x < width; x++)
			want[(size_t)x * height + y] = v[(size_t)y * width + x];
	device<T> in(v), out(v.size());
	LAUNCH(transpose_tile<T>, dim3((width + 31) / 32, (height + 31) / 32), dim3(32, 8), 0, 0,
		in.p, width, height, out.p);
	same("transpose", out.host(), want);
}

static void transpose()
{
	transpose_of<uint8_t>(67, 131);
	transpose_of<int16_t>(64, 33);
	transpose_of<float>(150, 93);
	transpose_of<double>(1, 77);
	transpose_of<double>(90, 45);
}

/* ---- histograms and atomics ---- */

__global__ void histogram_lds(const uint32_t *in, size_t n, uint32_t *bins)
{
	__shared__ uint32_t s[256];

	for (unsigned i = threadIdx.x; i < 256; i += blockDim.x)
		s[i] = 0;
	__syncthreads();
	for (size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
		i += (size_t)gridDim.x * blockDim.x)
		atomicAdd(&s[in[i] >> 24], 1);
	__syncthreads();
	for (unsigned i = threadIdx.x; i < 256; i += blockDim.x)
		atomicAdd(&bins[i], s[i]);
}

__global__ void histogram_64(const uint32_t *in, size_t n, unsigned long long *bins)
{
	for (size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
		i += (size_t)gridDim.x * blockDim.x)
		atomicAdd(&bins[in[i] % 97], (unsigned long long)in[i] << 16);
}

/* Sums of small integers: exact in any order. */
__global__ void histogram_float(const uint32_t *in, size_t n, float *f, double *d, float *s_out)
{
	__shared__ float s[8];

	if (threadIdx.x < 8)
		s[threadIdx.x] = 0;
	__syncthreads();
	for (size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
		i += (size_t)gridDim.x * blockDim.x) {
		uint32_t *word = (uint32_t *)&f[in[i] % 31],
			 old = __atomic_load_n(word, __ATOMIC_RELAXED), want;

		do {
			want = old;
			old = atomicCAS(word, want,
				__float_as_uint(__uint_as_float(want) + (float)(in[i] & 15)));
		} while (old != want);
		atomicAdd(&d[in[i] % 29], (double)(in[i] & 1023));
		atomicAdd(&s[in[i] & 7], 1.0f);
	}
	__syncthreads();
	if (threadIdx.x < 8)
		atomicAdd(&s_out[threadIdx.x], s[threadIdx.x]);
}

struct all_atomics {
	int smin, smax;
	unsigned umin, umax, land, lor, lxor, inc, dec, sub;
	unsigned long long umin64, umax64, and64, or64, xor64;
	unsigned exchanged, tickets;
};

__global__ void every_atomic(const uint32_t *in, size_t n, all_atomics *a, uint32_t *order)
{
	size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;

	if (i >= n)
		return;
	unsigned long long wide = (unsigned long long)in[i] << 32 | ~in[i];
	atomicMin(&a->smin, (int)in[i]);
	atomicMax(&a->smax, (int)in[i]);
	atomicMin(&a->umin, in[i]);
	atomicMax(&a->umax, in[i]);
	atomicAnd(&a->land, in[i] | 0x10001);
	atomicOr(&a->lor, in[i] & 0xf0f0f0);
	atomicXor(&a->lxor, in[i]);
	atomicInc(&a->inc, 1000);
	atomicDec(&a->dec, 77);
	atomicSub(&a->sub, in[i]);
	atomicMin(&a->umin64, wide);
	atomicMax(&a->umax64, wide);
	atomicAnd(&a->and64, wide | 0x8000000001ull);
	atomicOr(&a->or64, wide & 0xff00ff00ff00ull);
	atomicXor(&a->xor64, wide);
	if (i == 100)
		atomicExch(&a->exchanged, 4711);
	order[atomicAdd(&a->tickets, 1)] = (uint32_t)i;
}

static void atomics()
{
	const size_t n = 20011;
	std::vector<uint32_t> v = random_words(n), bins(256);
	std::vector<unsigned long long> bins64(97);
	std::vector<float> f(31), s(8);
	std::vector<double> d(29);
	device<uint32_t> in(v), db(256), order(n);
	device<unsigned long long> d64(97);
	device<float> df(31), ds(8);
	device<double> dd(29);
	all_atomics want, got;

	LAUNCH(histogram_lds, 9, 192, 0, 0, in.p, n, db.p);
	LAUNCH(histogram_64, 9, 256, 0, 0, in.p, n, d64.p);
	LAUNCH(histogram_float, 4, 128, 0, 0, in.p, n, df.p, dd.p, ds.p);
	for (uint32_t x : v) {
		bins[x >> 24]++;
		bins64[x % 97] += (unsigned long long)x << 16;
		f[x % 31] += (float)(x & 15);
		d[x % 29] += x & 1023;
		s[x & 7] += 1;
	}
	same("histogram", db.host(), bins);
	same("64-bit histogram", d64.host(), bins64);
	same("histogram of floats", df.host(), f);
	same("histogram of doubles", dd.host(), d);
	same("histogram of floats in LDS", ds.host(), s);

	memset(&want, 0, sizeof(want));
	want.umin = want.land = 0xffffffff;
	want.umin64 = want.and64 = ~0ull;
	want.dec = 5;
	device<all_atomics> a(std::vector<all_atomics>(1, want));
	LAUNCH(every_atomic, (n + 127) / 128, 128, 0, 0, in.p, n, a.p, order.p);
	got = a.host()[0];
	for (uint32_t x : v) {
		unsigned long long wide = (unsigned long long)x << 32 | ~x;

		want.smin = (int)x < want.smin ? (int)x : want.smin;
		want.smax = (int)x > want.smax ? (int)x : want.smax;
		want.umin = x < want.umin ? x : want.umin;
		want.umax = x > want.umax ? x : want.umax;
		want.land &= x | 0x10001;
		want.lor |= x & 0xf0f0f0;
		want.lxor ^= x;
		want.inc = want.inc >= 1000 ? 0 : want.inc + 1;
		want.dec = want.dec == 0 || want.dec > 77 ? 77 : want.dec - 1;
		want.sub -= x;
		want.umin64 = wide < want.umin64 ? wide : want.umin64;
		want.umax64 = wide > want.umax64 ? wide : want.umax64;
		want.and64 &= wide | 0x8000000001ull;
		want.or64 |= wide & 0xff00ff00ff00ull;
		want.xor64 ^= wide;
	}
	want.exchanged = 4711;
	want.tickets = n;
	if (memcmp(&got, &want, sizeof(want)) != 0) {
		fprintf(stderr, "atomics: a word differs\n");
		for (size_t i = 0; i < sizeof(want) / 4; i++)
			fprintf(stderr, "%zu: %08x %08x\n", i, ((unsigned *)&got)[i],
				((unsigned *)&want)[i]);
		exit(1);
	}
	std::vector<uint32_t> seen(n), once(n, 1), o = order.host();
	for (uint32_t i : o)
		seen[i]++;
	same("tickets", seen, once);
}

/* ---- cooperative groups ---- */

namespace cg = cooperative_groups;

__global__ void groups_of_a_block(const uint32_t *in, uint32_t *out)
{
	cg::thread_block block = cg::this_thread_block();
	cg::thread_block_tile<16> tile = cg::tiled_partition<16>(block);
	uint32_t x = in[block.group_index().x * block.size() + block.thread_rank()];

	for (int d = tile.size() / 2; d > 0; d /= 2)
		x += tile.shfl_down(x, d);
	block.sync();
	if (tile.thread_rank() == 0)
		atomicAdd(&out[block.group_index().x], x);
}

/* Every step needs what another group wrote in the step before. */
__global__ void grid_steps(uint32_t *a, uint32_t *b, int steps)
{
	cg::grid_group grid = cg::this_grid();
	size_t n = grid.size(), i = grid.thread_rank();

	for (int s = 0; s < steps; s++) {
		uint32_t *from = s % 2 ? b : a, *to = s % 2 ? a : b;

		to[i] = from[(i + blockDim.x) % n] * 3 + (uint32_t)s;
		grid.sync();
	}
}

static void cooperative_blocks()
{
	std::vector<uint32_t> v = random_words(2048), want(8);
	device<uint32_t> in(v), out(8);

	LAUNCH(groups_of_a_block, 8, 256, 0, 0, in.p, out.p);
	for (size_t i = 0; i < v.size(); i++)
		want[i / 256] += v[i];
	same("tiles of a block", out.host(), want);
}

static void cooperative_grid()
{
	int can = 0, steps = 9, blocks = 12, threads = 128;
	size_t n = (size_t)blocks * threads;
	std::vector<uint32_t> v = random_words(n), a(v), b(n);
	device<uint32_t> da(v), db(n);
	void *args[] = { &da.p, &db.p, &steps };

	CHECK(hipDeviceGetAttribute(&can, hipDeviceAttributeCooperativeLaunch, 0));
	if (!can) {
		hipError_t e = hipLaunchCooperativeKernel(
			(const void *)grid_steps, dim3(blocks), dim3(threads), args, 0, 0);

		(void)hipGetLastError();
		printf("no cooperative launch: %s\n", hipGetErrorName(e));
		return;
	}
	CHECK(hipLaunchCooperativeKernel(
		(const void *)grid_steps, dim3(blocks), dim3(threads), args, 0, 0));
	CHECK(hipDeviceSynchronize());
	for (int s = 0; s < steps; s++) {
		std::vector<uint32_t> &from = s % 2 ? b : a, &to = s % 2 ? a : b;

		for (size_t i = 0; i < n; i++)
			to[i] = from[(i + threads) % n] * 3 + (uint32_t)s;
	}
	same("grid sync", da.host(), a);
	same("grid sync", db.host(), b);
	printf("cooperative launch done\n");
}

/* ---- scratch: arrays of a thread, indexed at run time; recursion ---- */

template <int N> __global__ void thread_array(const uint32_t *in, uint32_t *out)
{
	uint32_t a[N], sum = 0;
	size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;

	for (int k = 0; k < N; k++)
		a[k] = in[(i + k) % 512] ^ (uint32_t)k;
	for (int k = 0; k < N; k++) {
		uint32_t j = a[k] % N;

		a[j] += a[N - 1 - k] + (uint32_t)i;
		sum = sum * 31 + a[(j + k) % N];
	}
	out[i] = sum;
}

template <int N>
static void scratch_of(const std::vector<uint32_t> &v, const device<uint32_t> &in, unsigned blocks)
{
	device<uint32_t> out(blocks * 128);
	std::vector<uint32_t> want(blocks * 128);

	LAUNCH(thread_array<N>, blocks, 128, 0, 0, in.p, out.p);
	for (size_t i = 0; i < want.size(); i++) {
		std::vector<uint32_t> a(N);
		uint32_t sum = 0;

		for (int k = 0; k < N; k++)
			a[k] = v[(i + k) % 512] ^ (uint32_t)k;
		for (int k = 0; k < N; k++) {
			uint32_t j = a[k] % N;

			a[j] += a[N - 1 - k] + (uint32_t)i;
			sum = sum * 31 + a[(j + k) % N];
		}
		want[i] = sum;
	}
	same("array of a thread", out.host(), want);
}

__device__ __attribute__((noinline)) uint32_t called_twice(uint32_t n, uint32_t x)
{
	volatile uint32_t keep[4] = { x, n, x ^ n, x + n };

	return keep[n & 3] * 7 + n;
}

__device__ __attribute__((noinline)) uint32_t outer(uint32_t n, uint32_t x)
{
	return called_twice(n, x) + called_twice(x & 7, n);
}

__global__ void calls(const uint32_t *in, uint32_t *out)
{
	out[threadIdx.x] = outer(threadIdx.x, in[threadIdx.x]);
}

static uint32_t called_host(uint32_t n, uint32_t x)
{
	uint32_t keep[4] = { x, n, x ^ n, x + n };

	return keep[n & 3] * 7 + n;
}

static void scratch()
{
	std::vector<uint32_t> v = random_words(512), want(256);
	device<uint32_t> in(v), out(256);

	scratch_of<16>(v, in, 3); /* may stay in registers */
	scratch_of<64>(v, in, 40);
	scratch_of<1000>(v, in, 5); /* larger than what the queue has by now */
	scratch_of<100>(v, in, 40);
	scratch_of<4000>(v, in, 2);
	scratch_of<64>(v, in, 40);
	LAUNCH(calls, 1, 256, 0, 0, in.p, out.p);
	for (uint32_t i = 0; i < 256; i++)
		want[i] = called_host(i, v[i]) + called_host(v[i] & 7, i);
	same("calls", out.host(), want);
}

/* ---- streams, events, waits ---- */

__global__ void work(uint32_t *p, unsigned n, uint32_t factor, unsigned rounds)
{
	unsigned i = blockIdx.x * blockDim.x + threadIdx.x;

	for (unsigned r = 0; i < n && r < rounds; r++)
		p[i] = p[i] * factor + r;
}

static void work_host(std::vector<uint32_t> &v, uint32_t factor, unsigned rounds)
{
	for (unsigned r = 0; r < rounds; r++)
		for (auto &x : v)
			x = x * factor + r;
}

static void streams()
{
	const unsigned n = 3000, count = 6;
	hipStream_t s[count];
	hipEvent_t done[count];
	std::vector<uint32_t> v = random_words(n);
	device<uint32_t> a(v);
	float before = 0;

	for (unsigned i = 0; i < count; i++) {
		CHECK(hipStreamCreateWithFlags(&s[i], hipStreamNonBlocking));
		CHECK(hipEventCreate(&done[i]));
	}
	/* one chain of kernels, each in another stream than the one before; order only by events */
	for (unsigned i = 0; i < 4 * count; i++) {
		if (i > 0)
			CHECK(hipStreamWaitEvent(s[i % count], done[(i - 1) % count], 0));
		LAUNCH(work, (n + 63) / 64, 64, 0, s[i % count], a.p, n, 2 * i + 3, i % 5 + 1);
		CHECK(hipEventRecord(done[i % count], s[i % count]));
		work_host(v, 2 * i + 3, i % 5 + 1);
	}
	CHECK(hipEventSynchronize(done[(4 * count - 1) % count]));
	CHECK(hipDeviceSynchronize());
	same("a chain through streams", a.host(), v);

	/* independent chains at the same time, with copies in each */
	std::vector<std::vector<uint32_t>> host;
	std::vector<device<uint32_t> *> d;
	uint32_t *pinned;

	CHECK(hipHostMalloc((void **)&pinned, count * n * sizeof(uint32_t), 0));
	for (unsigned i = 0; i < count; i++) {
		host.push_back(random_words(n));
		d.push_back(new device<uint32_t>(n));
		memcpy(pinned + i * n, host[i].data(), n * 4);
		CHECK(hipMemcpyAsync(d[i]->p, pinned + i * n, n * 4, hipMemcpyHostToDevice, s[i]));
		for (unsigned k = 0; k < 5; k++) {
			LAUNCH(work, (n + 255) / 256, 256, 0, s[i], d[i]->p, n, 5 + i, k);
			work_host(host[i], 5 + i, k);
		}
		CHECK(hipMemcpyAsync(pinned + i * n, d[i]->p, n * 4, hipMemcpyDeviceToHost, s[i]));
	}
	for (unsigned i = 0; i < count; i++) {
		CHECK(hipStreamSynchronize(s[i]));
		same("a stream", std::vector<uint32_t>(pinned + i * n, pinned + (i + 1) * n),
			host[i]);
		delete d[i];
	}
	CHECK(hipHostFree(pinned));

	/* times of kernels: they grow with the work, and the sum of parts is not above the whole */
	for (unsigned rounds : { 50u, 1000u }) {
		float ms = -1, first = -1, second = -1;

		CHECK(hipEventRecord(done[0], s[0]));
		LAUNCH(work, 12, 256, 0, s[0], a.p, n, 3u, rounds);
		CHECK(hipEventRecord(done[1], s[0]));
		LAUNCH(work, 12, 256, 0, s[0], a.p, n, 3u, rounds);
		CHECK(hipEventRecord(done[2], s[0]));
		CHECK(hipEventSynchronize(done[2]));
		CHECK(hipEventElapsedTime(&first, done[0], done[1]));
		CHECK(hipEventElapsedTime(&second, done[1], done[2]));
		CHECK(hipEventElapsedTime(&ms, done[0], done[2]));
		if (!(first >= 0 && second > 0 && ms < 60000 &&
			    fabsf(first + second - ms) < 0.01f * ms + 0.01f && ms > before)) {
			fprintf(stderr, "times: %g + %g, all %g, fewer rounds %g ms\n", first,
				second, ms, before);
			exit(1);
		}
		before = ms;
	}
	for (unsigned i = 0; i < count; i++) {
		CHECK(hipEventDestroy(done[i]));
		CHECK(hipStreamDestroy(s[i]));
	}
}

static void called_back(hipStream_t, hipError_t error, void *data)
{
	__atomic_fetch_add((int *)data, error == hipSuccess ? 1 : 100, __ATOMIC_RELEASE);
}

/* Graphs, callbacks, managed memory, a stream that waits for a value in memory. */
static void graphs()
{
	const unsigned n = 700;
	std::vector<uint32_t> v = random_words(n), got(n);
	device<uint32_t> d(v);
	hipStream_t s, t;
	hipGraph_t graph;
	hipGraphExec_t ready;
	uint32_t *managed, *signal;
	int calls = 0;

	CHECK(hipStreamCreateWithFlags(&s, hipStreamNonBlocking));
	CHECK(hipStreamCreateWithFlags(&t, hipStreamNonBlocking));
	CHECK(hipStreamBeginCapture(s, hipStreamCaptureModeGlobal));
	for (unsigned i = 0; i < 3; i++)
		LAUNCH(work, 3, 256, 0, s, d.p, n, 3 + i, i + 1);
	CHECK(hipMemcpyAsync(got.data(), d.p, n * 4, hipMemcpyDeviceToHost, s));
	CHECK(hipStreamEndCapture(s, &graph));
	CHECK(hipGraphInstantiate(&ready, graph, nullptr, nullptr, 0));
	for (unsigned k = 0; k < 4; k++) {
		CHECK(hipGraphLaunch(ready, s));
		for (unsigned i = 0; i < 3; i++)
			work_host(v, 3 + i, i + 1);
	}
	CHECK(hipStreamAddCallback(s, called_back, &calls, 0));
	CHECK(hipStreamSynchronize(s));
	same("graph", got, v);
	same("calls", 0, calls, 1);
	CHECK(hipGraphExecDestroy(ready));
	CHECK(hipGraphDestroy(graph));

	CHECK(hipMallocManaged((void **)&managed, n * 4));
	CHECK(hipExtMallocWithFlags((void **)&signal, 8, hipMallocSignalMemory));
	memcpy(managed, v.data(), n * 4);
	*(volatile uint64_t *)signal = 0;
	CHECK(hipStreamWaitValue32(t, signal, 5, hipStreamWaitValueGte));
	LAUNCH(work, 3, 256, 0, t, managed, n, 7u, 1u);
	CHECK(hipStreamWriteValue32(s, signal, 6, 0));
	CHECK(hipStreamSynchronize(t));
	work_host(v, 7, 1);
	same("managed memory", std::vector<uint32_t>(managed, managed + n), v);
	CHECK(hipFree(managed));
	CHECK(hipFree(signal));
	CHECK(hipStreamDestroy(s));
	CHECK(hipStreamDestroy(t));
}

/* A barrier of all groups, made of atomics: all must be in flight. */
__global__ void own_barrier(uint32_t *arrived, uint32_t *data, unsigned rounds)
{
	unsigned n = gridDim.x * blockDim.x, i = blockIdx.x * blockDim.x + threadIdx.x;

	for (unsigned r = 1; r <= rounds; r++) {
		data[r * n + i] = data[(r - 1) * n + (i + blockDim.x) % n] + r;
		__threadfence();
		__syncthreads();
		if (threadIdx.x == 0) {
			atomicAdd(arrived, 1);
			while (__atomic_load_n(arrived, __ATOMIC_ACQUIRE) < r * gridDim.x)
				;
		}
		__syncthreads();
		__threadfence();
	}
}

/* Waves of one group that wait for each other without a barrier. */
__global__ void relay(uint32_t *out)
{
	__shared__ uint32_t turn;
	unsigned wave = threadIdx.x / warpSize;

	if (threadIdx.x == 0)
		turn = 0;
	__syncthreads();
	if (threadIdx.x % warpSize == 0) {
		while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != wave)
			__builtin_amdgcn_s_sleep(1);
		out[wave] = wave * wave;
		__atomic_store_n(&turn, wave + 1, __ATOMIC_RELEASE);
	}
}

__global__ void wait_for(uint32_t *flag, uint32_t value, uint32_t *out)
{
	while (__hip_atomic_load(flag, __ATOMIC_ACQUIRE, __HIP_MEMORY_SCOPE_SYSTEM) != value)
		;
	*out = value + 1;
}

__global__ void set_flag(uint32_t *flag, uint32_t value)
{
	__hip_atomic_store(flag, value, __ATOMIC_RELEASE, __HIP_MEMORY_SCOPE_SYSTEM);
}

static void waits()
{
	const unsigned blocks = 20, threads = 64, n = blocks * threads, rounds = 6;
	std::vector<uint32_t> want(n * (rounds + 1)), squares;
	device<uint32_t> arrived(1), data(want.size()), out(4);
	unsigned waves = 512 / wave_width();
	device<uint32_t> relayed(waves);
	uint32_t *flag;
	hipStream_t a, b;

	LAUNCH(own_barrier, blocks, threads, 0, 0, arrived.p, data.p, rounds);
	for (unsigned r = 1; r <= rounds; r++)
		for (unsigned i = 0; i < n; i++)
			want[r * n + i] = want[(r - 1) * n + (i + threads) % n] + r;
	same("barrier of atomics", data.host(), want);
	LAUNCH(relay, 1, 512, 0, 0, relayed.p);
	for (unsigned i = 0; i < waves; i++)
		squares.push_back(i * i);
	same("waves in turn", relayed.host(), squares);

	/* a kernel waits for another one in another stream, and for the host */
	CHECK(hipHostMalloc((void **)&flag, 4096, hipHostMallocCoherent));
	*flag = 0;
	CHECK(hipStreamCreateWithFlags(&a, hipStreamNonBlocking));
	CHECK(hipStreamCreateWithFlags(&b, hipStreamNonBlocking));
	LAUNCH(wait_for, 1, 1, 0, a, flag, 7u, out.p);
	LAUNCH(set_flag, 1, 1, 0, b, flag, 7u);
	CHECK(hipStreamSynchronize(a));
	LAUNCH(wait_for, 1, 1, 0, a, flag, 9u, out.p + 1);
	CHECK(hipStreamSynchronize(b));
	__atomic_store_n(flag, 9, __ATOMIC_RELEASE);
	CHECK(hipStreamSynchronize(a));
	same("waited", out.host(), std::vector<uint32_t>({ 8, 10, 0, 0 }));
	CHECK(hipStreamDestroy(a));
	CHECK(hipStreamDestroy(b));
	CHECK(hipHostFree(flag));
}

/* ---- fills and copies that the runtime does by kernels ---- */

static void fills()
{
	const size_t n = 10007, w = 333, h = 17;
	device<uint8_t> d(n), e(n);
	std::vector<uint8_t> want(n, 0x5a), image(w * h);
	uint8_t *pitched;
	size_t pitch;

	CHECK(hipMemset(d.p, 0x5a, n));
	/* not one byte at an odd address: HIP 5.2.3 computes 2^61 - 1 words for it */
	CHECK(hipMemset(d.p + 16, 0x11, 1));
	CHECK(hipMemset(d.p + 101, 0x22, 4099));
	want[16] = 0x11;
	memset(&want[101], 0x22, 4099);
	same("memset", d.host(), want);
	CHECK(hipMemsetD16((hipDeviceptr_t)(d.p + 4300), 0xabcd, 77));
	CHECK(hipMemsetD32((hipDeviceptr_t)(d.p + 8000), 0x01020304, 50));
	for (size_t i = 0; i < 77; i++)
		memcpy(&want[4300 + 2 * i], "\xcd\xab", 2);
	for (size_t i = 0; i < 50; i++)
		memcpy(&want[8000 + 4 * i], "\4\3\2\1", 4);
	same("memset of words", d.host(), want);
	CHECK(hipMemcpy(e.p + 3, d.p + 100, 5000, hipMemcpyDeviceToDevice));
	std::vector<uint8_t> moved(n);
	memcpy(&moved[3], &want[100], 5000);
	same("copy on the card", e.host(), moved);

	CHECK(hipMallocPitch((void **)&pitched, &pitch, w, h));
	CHECK(hipMemset2D(pitched, pitch, 0x77, w, h));
	CHECK(hipMemset2D(pitched + 2 * pitch + 5, pitch, 0x99, 100, 9));
	CHECK(hipMemcpy2D(image.data(), w, pitched, pitch, w, h, hipMemcpyDeviceToHost));
	for (size_t y = 0; y < h; y++)
		for (size_t x = 0; x < w; x++)
			same("memset2D", y * w + x, image[y * w + x],
				(uint8_t)(y >= 2 && y < 11 && x >= 5 && x < 105 ? 0x99 : 0x77));
	for (auto &x : image)
		x = (uint8_t)rnd();
	CHECK(hipMemcpy2D(pitched, pitch, image.data(), w, w, h, hipMemcpyHostToDevice));
	CHECK(hipMemcpy2D(e.p, w, pitched, pitch, w, h, hipMemcpyDeviceToDevice));
	std::vector<uint8_t> back(w * h);
	CHECK(hipMemcpy(back.data(), e.p, w * h, hipMemcpyDeviceToHost));
	same("memcpy2D", back, image);
	CHECK(hipFree(pitched));
}

/* ---- globals of the card, function pointers, large LDS ---- */

__constant__ uint32_t table[64];
__device__ uint32_t counter;
__device__ uint32_t twice(uint32_t x)
{
	return 2 * x;
}
__device__ uint32_t square(uint32_t x)
{
	return x * x;
}
typedef uint32_t function(uint32_t);
__device__ function *functions[2] = { twice, square };

__global__ void use_globals(uint32_t *out, unsigned which)
{
	unsigned i = threadIdx.x;

	out[i] = table[(i * 7) % 64] + functions[(i / 64 + which) % 2](i);
	atomicAdd(&counter, i);
}

__global__ void reverse_lds(uint32_t *p, unsigned n)
{
	extern __shared__ uint32_t s_words[];

	for (unsigned i = threadIdx.x; i < n; i += blockDim.x)
		s_words[i] = p[i];
	__syncthreads();
	for (unsigned i = threadIdx.x; i < n; i += blockDim.x)
		p[i] = s_words[n - 1 - i];
}

static void globals()
{
	std::vector<uint32_t> t = random_words(64), want(256), big = random_words(15360),
			      back(big.rbegin(), big.rend());
	device<uint32_t> out(256), d(big);
	uint32_t zero = 100, got;

	CHECK(hipMemcpyToSymbol(HIP_SYMBOL(table), t.data(), 256, 0, hipMemcpyHostToDevice));
	CHECK(hipMemcpyToSymbol(HIP_SYMBOL(counter), &zero, 4, 0, hipMemcpyHostToDevice));
	LAUNCH(use_globals, 1, 256, 0, 0, out.p, 1u);
	for (unsigned i = 0; i < 256; i++)
		want[i] = t[(i * 7) % 64] + ((i / 64 + 1) % 2 ? i * i : 2 * i);
	same("globals", out.host(), want);
	CHECK(hipMemcpyFromSymbol(&got, HIP_SYMBOL(counter), 4, 0, hipMemcpyDeviceToHost));
	same("counter", 0, got, 100u + 255 * 128);
	LAUNCH(reverse_lds, 1, 1024, 61440, 0, d.p, 15360u);
	same("60 KiB of LDS", d.host(), back);
}

/* ---- arithmetic ---- */

__global__ void arithmetic(
	const float *a, const float *b, const double *c, const int *k, float *f, double *d, int *q)
{
	unsigned i = blockIdx.x * blockDim.x + threadIdx.x, n = gridDim.x * blockDim.x;

	f[i] = a[i] / b[i];
	f[n + i] = fmaf(a[i], b[i], 1.5f);
	f[2 * n + i] = sinf(a[i] * 1e-9f);
	f[3 * n + i] = expf(a[i] * 1e-9f);
	d[i] = c[i] / (double)b[i];
	d[n + i] = sqrt(fabs(c[i]));
	d[2 * n + i] = exp(c[i] * 1e-9);
	q[i] = k[i] / (k[n - 1 - i] | 1);
	q[n + i] = (int)((unsigned)k[i] % ((unsigned)k[n - 1 - i] | 1));
	q[2 * n + i] = (int)((((long long)k[i] << 20) + 12345) / ((long long)k[n - 1 - i] | 1));
}

static void close_to(const char *what, size_t i, double got, double want, double ulp)
{
	if (fabs(got - want) <= ulp * fabs(want))
		return;
	fprintf(stderr, "%s: element %zu is %.17g, should be %.17g\n", what, i, got, want);
	exit(1);
}

static void numbers()
{
	const unsigned n = 2048;
	std::vector<float> a(n), b(n);
	std::vector<double> c(n);
	std::vector<int> k(n);

	for (unsigned i = 0; i < n; i++) {
		a[i] = (float)(int)rnd();
		b[i] = (float)(int)rnd() * 1e-3f;
		c[i] = (double)(int)rnd() * 1.0000001;
		k[i] = (int)rnd() >> rnd() % 31;
	}
	device<float> da(a), db(b), f(4 * n);
	device<double> dc(c), d(3 * n);
	device<int> dk(k), q(3 * n);
	LAUNCH(arithmetic, n / 256, 256, 0, 0, da.p, db.p, dc.p, dk.p, f.p, d.p, q.p);
	std::vector<float> hf = f.host();
	std::vector<double> hd = d.host();
	std::vector<int> hq = q.host();
	for (unsigned i = 0; i < n; i++) {
		same("division", i, hf[i], a[i] / b[i]);
		same("fma", i, hf[n + i], fmaf(a[i], b[i], 1.5f));
		close_to("sinf", i, hf[2 * n + i], sin((double)(a[i] * 1e-9f)), 2e-7);
		close_to("expf", i, hf[3 * n + i], exp((double)(a[i] * 1e-9f)), 2e-7);
		same("division of doubles", i, hd[i], c[i] / (double)b[i]);
		same("square root of doubles", i, hd[n + i], sqrt(fabs(c[i])));
		close_to("exp", i, hd[2 * n + i], exp(c[i] * 1e-9), 4e-16);
		same("division of integers", i, hq[i], k[i] / (k[n - 1 - i] | 1));
		same("remainder", i, hq[n + i],
			(int)((unsigned)k[i] % ((unsigned)k[n - 1 - i] | 1)));
		same("64-bit division", i, hq[2 * n + i],
			(int)((((long long)k[i] << 20) + 12345) / ((long long)k[n - 1 - i] | 1)));
	}
}

/* ---- what the card says ---- */

__global__ void say(int n)
{
	unsigned i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < (unsigned)n)
		printf("item %u: %d %s %.3f 0x%llx %c%%\n", i, -(int)i, i % 2 ? "odd" : "even",
			i * 0.25, (unsigned long long)i << 36 | i, 'a' + (int)(i % 26));
}

static void print()
{
	LAUNCH(say, 3, 64, 0, 0, 130);
	CHECK(hipDeviceSynchronize());
}

__global__ void must_not(const int *p, int limit)
{
	assert(p[threadIdx.x] < limit);
}

static void assertion()
{
	device<int> d(std::vector<int>({ 1, 2, 3, 4 }));

	LAUNCH(must_not, 1, 4, 0, 0, d.p, 10);
	CHECK(hipDeviceSynchronize());
	printf("first one held\n");
	fflush(stdout);
	LAUNCH(must_not, 1, 4, 0, 0, d.p, 4);
	printf("returned: %s\n", hipGetErrorName(hipDeviceSynchronize()));
}

__global__ void trap_if(int yes)
{
	if (yes)
		__builtin_trap();
}

static void trap()
{
	LAUNCH(trap_if, 1, 64, 0, 0, 0);
	CHECK(hipDeviceSynchronize());
	LAUNCH(trap_if, 1, 64, 0, 0, 1);
	printf("returned: %s\n", hipGetErrorName(hipDeviceSynchronize()));
}

/* An address that no aperture has. */
__global__ void follow(uint64_t p)
{
	*(volatile int *)p = 1;
}

static void violation()
{
	LAUNCH(follow, 1, 64, 0, 0, UINT64_C(0xdeadbeefcafef00d));
	printf("returned: %s\n", hipGetErrorName(hipDeviceSynchronize()));
}

/* No instruction, and no part of the code that other tools read. */
__device__ uint32_t no_code[4] = { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff };

__global__ void no_instruction()
{
	void (*volatile f)() = (void (*)())no_code;

	f();
}

static void illegal()
{
	hipLaunchKernelGGL(no_instruction, dim3(1), dim3(64), 0, 0);
	CHECK(hipGetLastError());
	printf("returned: %s\n", hipGetErrorName(hipDeviceSynchronize()));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)();
		bool always; /* part of "all" */
	} parts[] = {
		{ "reduction", reduction, true },
		{ "scan", scan, true },
		{ "transpose", transpose, true },
		{ "atomics", atomics, true },
		{ "blocks", cooperative_blocks, true },
		{ "scratch", scratch, true },
		{ "streams", streams, true },
		{ "graphs", graphs, true },
		{ "waits", waits, true },
		{ "fills", fills, true },
		{ "globals", globals, true },
		{ "numbers", numbers, true },
		{ "grid", cooperative_grid, false },
		{ "printf", print, false },
		{ "assert", assertion, false },
		{ "trap", trap, false },
		{ "violation", violation, false },
		{ "illegal", illegal, false },
	};

	for (int i = 1; i < argc; i++) {
		bool found = false;

		for (const auto &p : parts) {
			if (strcmp(argv[i], p.name) != 0 &&
				(strcmp(argv[i], "all") != 0 || !p.always))
				continue;
			found = true;
			p.run();
			printf("%s ok\n", p.name);
			fflush(stdout);
		}
		if (!found) {
			fprintf(stderr, "no such part: %s\n", argv[i]);
			return 2;
		}
	}
	printf("done, waves of %d\n", wave_width());
	return 0;
}
