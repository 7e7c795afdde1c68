// SPDX-License-Identifier: MIT
// The kernels of "rocm-patch verify", in HIP without its headers. They are compiled as a framework's are:
// nothing here avoids a defect of any chip. Tensors come by a struct of pointers in memory, as frameworks
// hand them over; so loads are FLAT instructions, and on gfx1030 the compiler folds small offsets
// into them.

#define KERNEL extern "C" __attribute__((global)) __attribute__((amdgpu_flat_work_group_size(1, 256)))
#define SHARED __attribute__((shared))

typedef unsigned int u32;
typedef unsigned long u64;

struct job {
	const void *a;
	const void *b;
	void *out;
	u32 n, c, h, w, k, r, s, stride, pad, dilation, groups, out_h, out_w;
	u32 total; // elements of the output
};

static __attribute__((device)) u32 thread_index()
{
	return __builtin_amdgcn_workgroup_id_x() * 256 + __builtin_amdgcn_workitem_id_x();
}

// y[n][k][oy][ox]
template <typename T> static __attribute__((device)) void conv_forward(const job *j)
{
	u32 i = thread_index();
	if (i >= j->total)
		return;
	u32 ox = i % j->out_w, oy = i / j->out_w % j->out_h, k = i / (j->out_w * j->out_h) % j->k;
	u32 n = i / (j->out_w * j->out_h * j->k), cg = j->c / j->groups, group = k / (j->k / j->groups);
	const T *w = (const T *)j->b + (u64)k * cg * j->r * j->s;
	float sum = 0;
	for (u32 c = 0; c < cg; c++) {
		const T *in = (const T *)j->a + ((u64)n * j->c + group * cg + c) * j->h * j->w;
		for (u32 r = 0; r < j->r; r++) {
			int y = (int)(oy * j->stride + r * j->dilation) - (int)j->pad;
			if (y < 0 || y >= (int)j->h) {
				w += j->s;
				continue;
			}
			for (u32 s = 0; s < j->s; s++, w++) {
				int x = (int)(ox * j->stride + s * j->dilation) - (int)j->pad;
				if (x >= 0 && x < (int)j->w)
					sum = __builtin_fmaf((float)in[y * (int)j->w + x], (float)*w, sum);
			}
		}
	}
	((T *)j->out)[i] = (T)sum;
}

// As frameworks hand over lists of tensors: each thread looks up the one it works on.
struct tensor {
	unsigned short sizes[4];
	const void *data;
};

// a: n images, then the weights; filters are 3x3
template <typename T> static __attribute__((device)) void conv_struct(const job *j)
{
	u32 i = thread_index();
	if (i >= j->total)
		return;
	u32 ox = i % j->out_w, oy = i / j->out_w % j->out_h, k = i / (j->out_w * j->out_h) % j->k;
	u32 n = i / (j->out_w * j->out_h * j->k), cg = j->c / j->groups, group = k / (j->k / j->groups);
	const tensor *image = (const tensor *)j->a + n, *weights = (const tensor *)j->a + j->n;
	const T *w = (const T *)weights->data + (u64)k * cg * 9;
	u32 height = image->sizes[1], width = image->sizes[2];
	float sum = 0;
	for (u32 c = 0; c < cg; c++) {
		const T *in = (const T *)image->data + (u64)(group * cg + c) * height * width;
#pragma unroll
		for (int r = 0; r < 3; r++) {
			int y = (int)(oy * j->stride) + r * (int)j->dilation - (int)j->pad;
#pragma unroll
			for (int s = 0; s < 3; s++, w++) {
				int x = (int)(ox * j->stride) + s * (int)j->dilation - (int)j->pad;
				if (y >= 0 && y < (int)height && x >= 0 && x < (int)width)
					sum = __builtin_fmaf((float)in[y * (int)width + x], (float)*w, sum);
			}
		}
	}
	((T *)j->out)[i] = (T)sum;
}

// The 3x3 filter that frameworks specialise: weights are read next to each other.
template <typename T> static __attribute__((device)) void conv_forward_3x3(const job *j)
{
	u32 i = thread_index();
	if (i >= j->total)
		return;
	u32 ox = i % j->out_w, oy = i / j->out_w % j->out_h, k = i / (j->out_w * j->out_h) % j->k;
	u32 n = i / (j->out_w * j->out_h * j->k), cg = j->c / j->groups, group = k / (j->k / j->groups);
	const T *w = (const T *)j->b + (u64)k * cg * 9;
	float sum = 0;
	for (u32 c = 0; c < cg; c++, w += 9) {
		const T *in = (const T *)j->a + ((u64)n * j->c + group * cg + c) * j->h * j->w;
#pragma unroll
		for (int r = 0; r < 3; r++) {
			int y = (int)(oy * j->stride) + r * (int)j->dilation - (int)j->pad;
#pragma unroll
			for (int s = 0; s < 3; s++) {
				int x = (int)(ox * j->stride) + s * (int)j->dilation - (int)j->pad;
				float v = y >= 0 && y < (int)j->h && x >= 0 && x < (int)j->w ?
						  (float)in[y * (int)j->w + x] : 0.0f;
				sum = __builtin_fmaf(v, (float)w[3 * r + s], sum);
			}
		}
	}
	((T *)j->out)[i] = (T)sum;
}

// gradient of x[n][c][y][x]; a: gradient of y, b: weights
template <typename T> static __attribute__((device)) void conv_data(const job *j)
{
	u32 i = thread_index();
	if (i >= j->total)
		return;
	u32 x = i % j->w, y = i / j->w % j->h, c = i / (j->w * j->h) % j->c, n = i / (j->w * j->h * j->c);
	u32 cg = j->c / j->groups, kg = j->k / j->groups, group = c / cg;
	float sum = 0;
	for (u32 ki = 0; ki < kg; ki++) {
		u32 k = group * kg + ki;
		const T *gy = (const T *)j->a + ((u64)n * j->k + k) * j->out_h * j->out_w;
		const T *w = (const T *)j->b + ((u64)k * cg + c % cg) * j->r * j->s;
		for (u32 r = 0; r < j->r; r++) {
			int ty = (int)(y + j->pad) - (int)(r * j->dilation);
			if (ty < 0 || ty % (int)j->stride || ty / (int)j->stride >= (int)j->out_h)
				continue;
			for (u32 s = 0; s < j->s; s++) {
				int tx = (int)(x + j->pad) - (int)(s * j->dilation);
				if (tx < 0 || tx % (int)j->stride || tx / (int)j->stride >= (int)j->out_w)
					continue;
				sum = __builtin_fmaf((float)gy[ty / (int)j->stride * (int)j->out_w + tx / (int)j->stride],
						     (float)w[r * j->s + s], sum);
			}
		}
	}
	((T *)j->out)[i] = (T)sum;
}

// gradient of w[k][c][r][s]; a: x, b: gradient of y
template <typename T> static __attribute__((device)) void conv_weights(const job *j)
{
	u32 i = thread_index();
	if (i >= j->total)
		return;
	u32 cg = j->c / j->groups, s = i % j->s, r = i / j->s % j->r, c = i / (j->s * j->r) % cg;
	u32 k = i / (j->s * j->r * cg), group = k / (j->k / j->groups);
	float sum = 0;
	for (u32 n = 0; n < j->n; n++) {
		const T *in = (const T *)j->a + ((u64)n * j->c + group * cg + c) * j->h * j->w;
		const T *gy = (const T *)j->b + ((u64)n * j->k + k) * j->out_h * j->out_w;
		for (u32 oy = 0; oy < j->out_h; oy++) {
			int y = (int)(oy * j->stride + r * j->dilation) - (int)j->pad;
			if (y < 0 || y >= (int)j->h)
				continue;
			for (u32 ox = 0; ox < j->out_w; ox++) {
				int x = (int)(ox * j->stride + s * j->dilation) - (int)j->pad;
				if (x >= 0 && x < (int)j->w)
					sum = __builtin_fmaf((float)in[y * (int)j->w + x],
							     (float)gy[oy * j->out_w + ox], sum);
			}
		}
	}
	((T *)j->out)[i] = (T)sum;
}

static __attribute__((device)) float group_sum(float *parts, float v)
{
	u32 t = __builtin_amdgcn_workitem_id_x();
	parts[t] = v;
	__builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
	__builtin_amdgcn_s_barrier();
	__builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
	for (u32 d = 128; d > 0; d /= 2) {
		if (t < d)
			parts[t] += parts[t + d];
		__builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
		__builtin_amdgcn_s_barrier();
		__builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
	}
	v = parts[0];
	__builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
	__builtin_amdgcn_s_barrier();
	__builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
	return v;
}

// One group a channel; b: scales, then shifts.
template <typename T> static __attribute__((device)) void batch_norm(const job *j)
{
	SHARED static float parts[256];
	u32 t = __builtin_amdgcn_workitem_id_x(), c = __builtin_amdgcn_workgroup_id_x();
	u32 hw = j->h * j->w, m = j->n * hw;
	const T *x = (const T *)j->a;
	const T *p = (const T *)j->b;
	float sum = 0, squares = 0;
	for (u32 i = t; i < m; i += 256)
		sum += (float)x[((u64)(i / hw) * j->c + c) * hw + i % hw];
	float mean = group_sum(parts, sum) / (float)m;
	for (u32 i = t; i < m; i += 256) {
		float d = (float)x[((u64)(i / hw) * j->c + c) * hw + i % hw] - mean;
		squares = __builtin_fmaf(d, d, squares);
	}
	float var = group_sum(parts, squares) / (float)m;
	float scale = (float)p[c] * (1.0f / __builtin_sqrtf(var + 1e-5f)), shift = (float)p[j->c + c];
	for (u32 i = t; i < m; i += 256) {
		u64 at = ((u64)(i / hw) * j->c + c) * hw + i % hw;
		((T *)j->out)[at] = (T)__builtin_fmaf((float)x[at] - mean, scale, shift);
	}
}

// 16 x 16 tiles through LDS: y[n][k] = a[n][c] b[c][k]
template <typename T> static __attribute__((device)) void gemm(const job *j)
{
	SHARED static float ta[16][16], tb[16][16];
	u32 t = __builtin_amdgcn_workitem_id_x(), x = t % 16, y = t / 16, tiles = (j->k + 15) / 16;
	u32 row = __builtin_amdgcn_workgroup_id_x() / tiles * 16 + y;
	u32 column = __builtin_amdgcn_workgroup_id_x() % tiles * 16 + x;
	float sum = 0;
	for (u32 c = 0; c < j->c; c += 16) {
		ta[y][x] = row < j->n && c + x < j->c ? (float)((const T *)j->a)[(u64)row * j->c + c + x] : 0.0f;
		tb[y][x] = column < j->k && c + y < j->c ? (float)((const T *)j->b)[(u64)(c + y) * j->k + column] : 0.0f;
		__builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
		__builtin_amdgcn_s_barrier();
		__builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
		for (u32 i = 0; i < 16; i++)
			sum = __builtin_fmaf(ta[y][i], tb[i][x], sum);
		__builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
		__builtin_amdgcn_s_barrier();
		__builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
	}
	if (row < j->n && column < j->k)
		((T *)j->out)[(u64)row * j->k + column] = (T)sum;
}

// Two elements a thread, as a vectorised copy has them.
template <typename T> static __attribute__((device)) void copy(const job *j)
{
	u32 i = 2 * thread_index();
	const T *a = (const T *)j->a;
	T *out = (T *)j->out;
	if (i < j->total)
		out[i] = a[i];
	if (i + 1 < j->total)
		out[i + 1] = a[i + 1];
}

#define BOTH(name) \
	KERNEL void name##_f32(const job *j) { name<float>(j); } \
	KERNEL void name##_f16(const job *j) { name<_Float16>(j); }

BOTH(conv_forward)
BOTH(conv_forward_3x3)
BOTH(conv_struct)
BOTH(conv_data)
BOTH(conv_weights)
BOTH(batch_norm)
BOTH(gemm)
BOTH(copy)
