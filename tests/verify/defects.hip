// SPDX-License-Identifier: MIT
// Kernels with planted defects, under the names that verify looks for. Each replaces one operation.
#define KERNEL extern "C" __attribute__((global)) __attribute__((amdgpu_flat_work_group_size(1, 256)))
typedef unsigned int u32;
struct job {
	const void *a;
	const void *b;
	void *out;
	u32 n, c, h, w, k, r, s, stride, pad, dilation, groups, out_h, out_w;
	u32 total;
};

static __attribute__((device)) u32 thread_index()
{
	return __builtin_amdgcn_workgroup_id_x() * 256 + __builtin_amdgcn_workitem_id_x();
}

// the kernel of which DEFECT is planted; element by element, so that no defect of a chip acts
KERNEL void copy_f32(const job *j)
{
	const volatile float *a = (const volatile float *)j->a;
	volatile float *out = (volatile float *)j->out;
	u32 i = 2 * thread_index();
	for (u32 k = 0; k < 2; k++, i++) {
		if (i >= j->total)
			return;
#if defined(HANG)
		while (((volatile const float *)j->a)[0] < 10.0f)
			;
#elif defined(ONE)
		out[i] = i == 77 ? a[i] + 0.5f : a[i];
#elif defined(NAN_RESULT)
		out[i] = i % 64 == 5 ? __builtin_nanf("") : a[i];
#elif defined(UNWRITTEN)
		if (i < 500)
			out[i] = a[i];
#elif defined(BEYOND)
		out[i] = a[i];
		if (i == 3)
			out[j->total + 10] = 1.0f;
#elif defined(LAST_BIT)
		out[i] = __builtin_bit_cast(float, __builtin_bit_cast(u32, a[i]) ^ (i == 999 ? 1u : 0u));
#elif defined(TRAP)
		if (i == 6)
			__builtin_trap();
		out[i] = a[i];
#elif defined(WILD)
		out[i] = *(const float *)(0x7000000000000000ull + i);
#elif defined(UNMAPPED)
		out[i] = *(const float *)(0x123456789000ull + i);
#else
		out[i] = a[i];
#endif
	}
}
