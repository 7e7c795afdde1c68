; SPDX-License-Identifier: MIT
; A code object with something for every rule of lib/retarget. Made once by
;   clang-19 -target amdgcn-amd-amdhsa -mcpu=gfx1030 -o cases-gfx1030.co cases.s
	.amdgcn_target "amdgcn-amd-amdhsa--gfx1030"
	.text

.macro begin name
	.globl \name
	.p2align 8
	.type \name,@function
\name:
.endm
.macro finish name
	s_endpgm
.Lend_\name:
	.size \name, .Lend_\name-\name
.endm
.macro descriptor name, vgprs, wgp=1
	.amdhsa_kernel \name
		.amdhsa_next_free_vgpr \vgprs
		.amdhsa_next_free_sgpr 40
		.amdhsa_workgroup_processor_mode \wgp
	.end_amdhsa_kernel
.endm

	begin flat_global
	flat_load_dword v4, v[4:5] offset:4
	s_load_dword s4, s[0:1], 0x0
	s_waitcnt lgkmcnt(1)
	s_waitcnt vmcnt(0) lgkmcnt(0)
	s_clause 0x1
	flat_load_dword v2, v[6:7]
	flat_load_dword v3, v[6:7] offset:2047
	s_waitcnt vmcnt(1) lgkmcnt(1)
	s_clause 0x1
	global_load_dword v8, v[6:7], off offset:4
	global_load_dword v9, v[6:7], off offset:8
	s_waitcnt_lgkmcnt null, 0x2
	flat_store_dword v[6:7], v2 offset:64
	flat_atomic_add v2, v[6:7], v3 offset:8 glc
	finish flat_global

	begin flat_add
	s_mov_b64 s[2:3], src_shared_base
	v_mov_b32_e32 v1, s3
	flat_load_dword v4, v[0:1] offset:4
	flat_load_dwordx2 v[2:3], v[0:1] offset:65
	flat_load_dwordx2 v[6:7], v[6:7] offset:100
	flat_load_dword v8, v[8:9] offset:12
	flat_load_dword v11, v[10:11] offset:16
	flat_load_dword v13, v[12:13] offset:160
	flat_store_dword v[0:1], v4 offset:2047
	flat_atomic_add v14, v[0:1], v4 offset:24 glc
	v_cmp_eq_u32_e32 vcc_lo, 0, v4
	flat_load_dword v4, v[0:1]
	v_cndmask_b32_e32 v4, v4, v5, vcc_lo
	finish flat_add

	begin dots
	v_dot2c_f32_f16_e32 v0, v1, v2
	v_dot2c_f32_f16_e32 v1, v1, v2
	v_dot2c_f32_f16_e32 v2, s4, v2
	v_dot4c_i32_i8_e32 v0, v1, v2
	v_dot4c_i32_i8_e32 v1, v1, v2
	v_dot4c_i32_i8_e32 v2, s4, v2
	v_dot4c_i32_i8_e32 v0, 0x01010101, v2
	v_dot4c_i32_i8_e32 v2, 0x01020304, v2
	v_dot4c_i32_i8_e32 v2, 1, v3
	v_dot2_f32_f16 v0, v1, v2, v3
	v_dot2_f32_f16 v1, v1, s5, v3 op_sel:[1,0,0] op_sel_hi:[0,1,1] neg_lo:[0,1,1] neg_hi:[1,0,0]
	v_dot2_f32_f16 v2, v1, v2, 0
	v_dot4_i32_i8 v0, v1, v2, v3
	v_dot4_u32_u8 v1, v1, v2, v1
	finish dots

	begin branches
	s_cbranch_scc0 .Lfar3f
	v_mov_b32_e32 v0, 0
	.rept 62
	v_nop
	.endr
.Lfar3f:
	s_inst_prefetch 0x1
.Lloop:
	v_add_nc_u32_e32 v0, 1, v0
	v_cmp_gt_u32_e32 vcc_lo, 10, v0
	s_cbranch_vccnz .Lloop
	s_inst_prefetch 0x2
	finish branches

	begin hazards
	global_load_dword v3, v0, s[4:5]
	s_mov_b32 s4, 1
	s_load_dword s6, s[8:9], 0x0
	v_readlane_b32 s8, v0, 0
	s_mov_b32 s10, exec_lo
	v_cmpx_eq_u32_e32 0, v0
	v_permlane16_b32 v1, v2, s11, s12
	ds_read_b32 v4, v5
	s_cbranch_scc1 .Lother
	v_mov_b32_e32 v0, 0
.Lother:
	buffer_load_dword v6, v7, s[12:15], 0 offen
	s_cbranch_scc0 .Lother
	ds_write_b32 v5, v4
	finish hazards

	begin nulls
	v_add_co_u32 v0, null, v1, v2
	v_add_co_ci_u32_e64 v1, null, v1, v2, vcc_lo
	v_cmp_eq_u32_e64 null, v0, v1
	v_mad_u64_u32 v[2:3], null, v0, v1, v[2:3]
	finish nulls

	begin wide
	ds_read_b128 v[0:3], v4
	ds_write_b64 v4, v[0:1] offset:8
	finish wide

	begin caller
	s_getpc_b64 s[4:5]
	s_add_u32 s4, s4, callee@rel32@lo+4
	s_addc_u32 s5, s5, callee@rel32@hi+12
	v_add_co_u32 v0, null, v1, v2
	s_swappc_b64 s[30:31], s[4:5]
	s_getpc_b64 s[6:7]
	s_add_u32 s6, s6, table@rel32@lo+4
	s_addc_u32 s7, s7, table@rel32@hi+12
	s_load_dword s8, s[6:7], 0x0
	finish caller

	.p2align 8
	.type callee,@function
callee:
	v_add_co_u32 v3, null, v1, v2
	flat_load_dword v0, v[2:3] offset:20
	v_dot4c_i32_i8_e32 v3, v3, v0
	s_waitcnt vmcnt(0) lgkmcnt(0)
	s_setpc_b64 s[30:31]
.Lend_callee:
	.size callee, .Lend_callee-callee

	begin good
	v_mov_b32_e32 v0, 0
	finish good

	.rodata
	.p2align 3
table:
	.long 1, 2
	descriptor flat_global, 10
	descriptor flat_add, 16
	descriptor dots, 4
	descriptor branches, 1
	descriptor hazards, 8
	descriptor nulls, 4
	descriptor wide, 5
	descriptor caller, 4
	descriptor good, 1

	.data
	.p2align 3
	.globl pointer
pointer:
	.quad callee

	.amdgpu_metadata
---
amdhsa.version: [ 1, 2 ]
amdhsa.target: amdgcn-amd-amdhsa--gfx1030
amdhsa.kernels:
  - { .name: flat_global, .symbol: flat_global.kd, .kernarg_segment_size: 0, .group_segment_fixed_size: 0, .private_segment_fixed_size: 0, .kernarg_segment_align: 4, .wavefront_size: 32, .sgpr_count: 40, .vgpr_count: 10, .max_flat_workgroup_size: 256 }
  - { .name: dots, .symbol: dots.kd, .kernarg_segment_size: 0, .group_segment_fixed_size: 0, .private_segment_fixed_size: 0, .kernarg_segment_align: 4, .wavefront_size: 32, .sgpr_count: 40, .vgpr_count: 4, .max_flat_workgroup_size: 256 }
  - { .name: wide, .symbol: wide.kd, .kernarg_segment_size: 0, .group_segment_fixed_size: 0, .private_segment_fixed_size: 0, .kernarg_segment_align: 4, .wavefront_size: 32, .sgpr_count: 40, .vgpr_count: 5, .max_flat_workgroup_size: 256 }
  - { .name: caller, .symbol: caller.kd, .kernarg_segment_size: 0, .group_segment_fixed_size: 0, .private_segment_fixed_size: 0, .kernarg_segment_align: 4, .wavefront_size: 32, .sgpr_count: 40, .vgpr_count: 4, .max_flat_workgroup_size: 256 }
...
	.end_amdgpu_metadata
