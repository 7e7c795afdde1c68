/* SPDX-License-Identifier: MIT */
/* Branches forward and backward, lane masks, LDS, a call: for the comparison with llvm-objdump. */
__attribute__((noinline)) float step(float x, int n)
{
	for (int i = 0; i < n; i++)
		x = x > 1.0f ? x * 0.5f : x + 0.25f;
	return x;
}

__kernel void loop(__global float *p, int n)
{
	for (int i = 0; i < n; i++) {
		if (p[i] > 1.0f)
			p[i] *= 2.0f;
		else
			p[i + 1] -= 1.0f;
	}
}

__kernel void divergent(__global float *p, __local float *q, int n)
{
	int id = __builtin_amdgcn_workitem_id_x();

	q[id] = p[id];
	if (id & 1) {
		for (int i = 0; i < id; i++)
			q[id] += q[i] * n;
	} else if (p[id] < 0.0f) {
		p[id] = step(q[id], n);
	}
	p[id] += q[id ^ 1];
}
