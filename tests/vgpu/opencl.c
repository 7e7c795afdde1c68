/* SPDX-License-Identifier: MIT */
/*
 * An OpenCL program with kernels that the runtime compiles here and now: local memory and a barrier, an atomic
 * counter, a 3x3 convolution of integers. Every result is compared with the host's.
 */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(call)                                                                             \
	do {                                                                                    \
		cl_int s_ = (call);                                                             \
		if (s_ != CL_SUCCESS) {                                                         \
			fprintf(stderr, "%s:%d: %s: %d\n", __FILE__, __LINE__, #call, (int)s_); \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

#define W     61
#define H     47
#define GROUP 64
#define N     ((size_t)W * H)

static const char source[] =
	"kernel void sums(global const int *in, global int *out, global int *odd, int n)\n"
	"{\n"
	"	local int part[64];\n"
	"	int i = get_global_id(0), l = get_local_id(0);\n"
	"	part[l] = i < n ? in[i] : 0;\n"
	"	if (i < n && (in[i] & 1))\n"
	"		atomic_inc(odd);\n"
	"	for (int s = 32; s; s /= 2) {\n"
	"		barrier(CLK_LOCAL_MEM_FENCE);\n"
	"		if (l < s)\n"
	"			part[l] += part[l + s];\n"
	"	}\n"
	"	if (l == 0)\n"
	"		out[get_group_id(0)] = part[0];\n"
	"}\n"
	"kernel void conv(global const int *in, constant int *k, global int *out, int w, int h)\n"
	"{\n"
	"	int x = get_global_id(0), y = get_global_id(1), sum = 0;\n"
	"	for (int r = -1; r <= 1; r++)\n"
	"		for (int s = -1; s <= 1; s++)\n"
	"			if (x + s >= 0 && x + s < w && y + r >= 0 && y + r < h)\n"
	"				sum += in[(y + r) * w + x + s] * k[(r + 1) * 3 + s + 1];\n"
	"	out[y * w + x] = sum;\n"
	"}\n";

static int in[N], out[N], weights[9] = { 3, -1, 4, 1, -5, 9, 2, -6, 5 };

static int expected(int x, int y)
{
	int sum = 0;

	for (int r = -1; r <= 1; r++)
		for (int s = -1; s <= 1; s++)
			if (x + s >= 0 && x + s < W && y + r >= 0 && y + r < H)
				sum += in[(y + r) * W + x + s] * weights[(r + 1) * 3 + s + 1];
	return sum;
}

static cl_program build(cl_context context, cl_device_id device)
{
	const char *text = source;
	static char log[16384];
	cl_int r;
	cl_program p = clCreateProgramWithSource(context, 1, &text, NULL, &r);

	CHECK(r);
	if (clBuildProgram(p, 1, &device, "-cl-std=CL1.2", NULL, NULL) != CL_SUCCESS) {
		(void)clGetProgramBuildInfo(
			p, device, CL_PROGRAM_BUILD_LOG, sizeof(log) - 1, log, NULL);
		fprintf(stderr, "%s\n", log);
		exit(1);
	}
	return p;
}

int main(void)
{
	size_t items = (N + GROUP - 1) / GROUP * GROUP, group = GROUP, grid[2] = { W, H };
	int n = (int)N, w = W, h = H, odd = 0, n_odd = 0, wrong = 0;
	cl_mem a, b, c, k;
	cl_command_queue queue;
	cl_platform_id platform;
	cl_device_id device;
	cl_context context;
	cl_program program;
	cl_kernel kernel;
	char name[64];
	cl_int r;

	CHECK(clGetPlatformIDs(1, &platform, NULL));
	CHECK(clGetDeviceIDs(platform, CL_DEVICE_TYPE_GPU, 1, &device, NULL));
	CHECK(clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof(name), name, NULL));
	context = clCreateContext(NULL, 1, &device, NULL, NULL, &r);
	CHECK(r);
	queue = clCreateCommandQueue(context, device, 0, &r);
	CHECK(r);
	for (size_t i = 0; i < N; i++) {
		in[i] = (int)(i * 7919 % 1009) - 500;
		n_odd += in[i] & 1;
	}
	program = build(context, device);
	a = clCreateBuffer(context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof(in), in, &r);
	CHECK(r);
	b = clCreateBuffer(context, CL_MEM_WRITE_ONLY, sizeof(out), NULL, &r);
	CHECK(r);
	c = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, sizeof(odd), &odd, &r);
	CHECK(r);
	k = clCreateBuffer(
		context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, sizeof(weights), weights, &r);
	CHECK(r);

	kernel = clCreateKernel(program, "sums", &r);
	CHECK(r);
	CHECK(clSetKernelArg(kernel, 0, sizeof(a), &a));
	CHECK(clSetKernelArg(kernel, 1, sizeof(b), &b));
	CHECK(clSetKernelArg(kernel, 2, sizeof(c), &c));
	CHECK(clSetKernelArg(kernel, 3, sizeof(n), &n));
	CHECK(clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &items, &group, 0, NULL, NULL));
	CHECK(clEnqueueReadBuffer(
		queue, b, CL_TRUE, 0, items / GROUP * sizeof(int), out, 0, NULL, NULL));
	CHECK(clEnqueueReadBuffer(queue, c, CL_TRUE, 0, sizeof(odd), &odd, 0, NULL, NULL));
	wrong += odd != n_odd;
	for (size_t g = 0; g < items / GROUP; g++) {
		int sum = 0;

		for (size_t i = g * GROUP; i < N && i < (g + 1) * GROUP; i++)
			sum += in[i];
		wrong += out[g] != sum;
	}

	kernel = clCreateKernel(program, "conv", &r);
	CHECK(r);
	CHECK(clSetKernelArg(kernel, 0, sizeof(a), &a));
	CHECK(clSetKernelArg(kernel, 1, sizeof(k), &k));
	CHECK(clSetKernelArg(kernel, 2, sizeof(b), &b));
	CHECK(clSetKernelArg(kernel, 3, sizeof(w), &w));
	CHECK(clSetKernelArg(kernel, 4, sizeof(h), &h));
	memset(out, 0x55, sizeof(out));
	CHECK(clEnqueueWriteBuffer(queue, b, CL_TRUE, 0, sizeof(out), out, 0, NULL, NULL));
	CHECK(clEnqueueNDRangeKernel(queue, kernel, 2, NULL, grid, NULL, 0, NULL, NULL));
	CHECK(clEnqueueReadBuffer(queue, b, CL_TRUE, 0, sizeof(out), out, 0, NULL, NULL));
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			wrong += out[y * W + x] != expected(x, y);
	printf("%s: %d of %d results wrong\n", name, wrong, (int)(N + items / GROUP + 1));
	return wrong != 0;
}
