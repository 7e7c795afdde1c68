; SPDX-License-Identifier: MIT
; A code object for tests: one kernel with a few defects, one without. Made once by
;   clang-19 -target amdgcn-amd-amdhsa -mcpu=gfx1030 -o defects-gfx1030.co defects.s
	.amdgcn_target "amdgcn-amd-amdhsa--gfx1030"
	.text
	.globl bad
	.p2align 8
	.type bad,@function
bad:
	s_load_dwordx2 s[4:5], s[4:5], 0x0
	s_waitcnt lgkmcnt(0)
	v_mov_b32_e32 v0, s4
	v_mov_b32_e32 v1, s5
	flat_load_dword v2, v[0:1] offset:4
	s_inst_prefetch 0x1
	global_load_dword v3, v[0:1], off
	s_mov_b32 exec_lo, 1
	v_cmpx_eq_u32_e32 0, v0
	v_dot2c_f32_f16_e32 v2, v3, v3
	s_endpgm
.Lbad_end:
	.size bad, .Lbad_end-bad
	.globl good
	.p2align 8
	.type good,@function
good:
	v_mov_b32_e32 v0, 0
	s_endpgm
.Lgood_end:
	.size good, .Lgood_end-good
	.rodata
	.amdhsa_kernel bad
		.amdhsa_next_free_vgpr 4
		.amdhsa_next_free_sgpr 6
		.amdhsa_user_sgpr_kernarg_segment_ptr 1
		.amdhsa_kernarg_size 8
	.end_amdhsa_kernel
	.amdhsa_kernel good
		.amdhsa_next_free_vgpr 1
		.amdhsa_next_free_sgpr 1
	.end_amdhsa_kernel
	.amdgpu_metadata
---
amdhsa.version: [ 1, 2 ]
amdhsa.target: amdgcn-amd-amdhsa--gfx1030
amdhsa.kernels:
  - .name: bad
    .symbol: bad.kd
    .kernarg_segment_size: 8
    .group_segment_fixed_size: 0
    .private_segment_fixed_size: 0
    .kernarg_segment_align: 8
    .wavefront_size: 32
    .sgpr_count: 6
    .vgpr_count: 4
    .max_flat_workgroup_size: 256
  - .name: good
    .symbol: good.kd
    .kernarg_segment_size: 0
    .group_segment_fixed_size: 0
    .private_segment_fixed_size: 0
    .kernarg_segment_align: 4
    .wavefront_size: 32
    .sgpr_count: 1
    .vgpr_count: 1
    .max_flat_workgroup_size: 256
...
	.end_amdgpu_metadata
