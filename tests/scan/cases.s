; SPDX-License-Identifier: MIT
; Hand-written code for each class of scan, both sides of each rule. test_cases.py assembles every
; case with LLVM and compares what scan marks with the words behind ";!" of each line.
; "case NAME [code=CHIP] [card=CHIP] [wave64] [cu] [strict]"; code=gfx1030 card=gfx1010 if not said.

; case illegal
	v_dot2c_f32_f16 v0, v1, v2		;! illegal-opcode
	v_dot4c_i32_i8_dpp v0, v1, v2 quad_perm:[0,1,2,3] row_mask:0xf bank_mask:0xf	;! illegal-opcode
	v_dot2_f32_f16 v0, v1, v2, v3		;! illegal-opcode
	v_dot8_u32_u4 v0, v1, v2, v3		;! illegal-opcode
	global_load_dword_addtid v1, s[2:3]	;! illegal-opcode
	buffer_atomic_csub v1, v0, s[4:7], 0 idxen glc	;! illegal-opcode
	v_add_f32 v0, v1, v2
	s_endpgm
; case illegal-not-on-1012 card=gfx1012
	v_dot2c_f32_f16 v0, v1, v2
	v_dot2_f32_f16 v0, v1, v2, v3
	global_load_dword_addtid v1, s[2:3]	;! illegal-opcode
	s_endpgm
; case other-instruction
	v_fmac_legacy_f32 v0, v1, v2		;! other-instruction
	v_fma_legacy_f32 v0, v1, v2, v3		;! other-instruction
	v_fmac_f32 v0, v1, v2
	s_endpgm
; case gfx1010-code-on-gfx1030 code=gfx1010 card=gfx1030
	v_mac_f32 v0, v1, v2			;! illegal-opcode
	v_mac_legacy_f32 v0, v1, v2		;! other-instruction
	v_mad_f32 v0, v1, v2, v3		;! illegal-opcode
	s_store_dword s0, s[2:3], 0x0		;! illegal-opcode
	s_endpgm
; case flat-offset
	flat_load_dword v0, v[1:2] offset:4	;! flat-offset
	flat_load_dword v0, v[1:2]
	global_load_dword v0, v[1:2], off offset:4
	flat_atomic_add v[1:2], v0 offset:2047	;! flat-offset
	s_endpgm
; case flat-offset-on-its-own-chip card=gfx1030
	flat_load_dword v0, v[1:2] offset:4
	s_inst_prefetch 0x3
	s_endpgm
; case prefetch
	s_inst_prefetch 0x1			;! inst-prefetch
	s_nop 0
	s_endpgm
; case branch-3f
	s_cbranch_scc0 0x3f			;! branch-3f
	s_branch 0x3f				;! branch-3f
	s_cbranch_vccz 0x40
	s_cbranch_execz 0x3e
	s_nop 0x3f
	s_endpgm
; case scratch-offset
	scratch_load_dword v0, v1, off offset:-4
	scratch_load_dword v0, v1, off offset:-3	;! scratch-offset
	scratch_load_dword v0, v1, off offset:3
	scratch_load_dword v0, off, s1 offset:-3
	s_endpgm
; case null
	v_add_co_u32 v0, null, v1, v2		;! null-sdst
	v_add_co_u32 v125, s4, v1, v2
	v_fma_f32 v125, v1, v2, v3
	v_cmp_eq_u32_e64 null, v0, v1		;! null-sdst
	v_mad_u64_u32 v[0:1], null, v2, v3, v[4:5]	;! null-sdst
	s_endpgm
; case lds-wide
	ds_read_b64 v[0:1], v2			;! lds-wide
	ds_write_b128 v2, v[4:7] offset:16	;! lds-wide
	ds_write_b128 v2, v[4:7] offset:8	;! lds-misaligned
	ds_read_b64 v[0:1], v2 offset:12	;! lds-misaligned
	ds_read_b64 v[0:1], v2 offset:8		;! lds-wide
	ds_read_b96 v[0:2], v3 offset:8		;! lds-misaligned
	ds_read2_b64 v[0:3], v4 offset0:1 offset1:2
	ds_read_b32 v0, v1 offset:2
	s_endpgm
; case lds-wide-in-cu-mode cu
	ds_read_b64 v[0:1], v2
	ds_read_b64 v[0:1], v2 offset:12
	s_endpgm
; case lds-wide-by-a-compiler-that-knows code=gfx1010
	ds_read_b64 v[0:1], v2
	s_endpgm
; case shader-cycles
	s_getreg_b32 s0, hwreg(29)		;! shader-cycles
	s_getreg_b32 s0, hwreg(20)
	s_endpgm
; case nsa
	image_sample v[0:3], [v4, v6, v5], s[8:15], s[16:19] dmask:0xf dim:SQ_RSRC_IMG_3D
	image_sample_d v[0:3], [v4, v5, v9, v7, v8, v6], s[8:15], s[16:19] dmask:0xf dim:SQ_RSRC_IMG_2D	;! nsa-length
	s_clause 0x1
	s_nop 0
	image_sample v[0:3], [v4, v6, v5], s[8:15], s[16:19] dmask:0xf dim:SQ_RSRC_IMG_3D	;! nsa-clause
	image_sample v[0:3], [v4, v6, v5], s[8:15], s[16:19] dmask:0xf dim:SQ_RSRC_IMG_3D
	s_endpgm
; case nsa-to-vmem
	image_sample_d v[0:3], [v4, v5, v9, v7, v8, v6], s[8:15], s[16:19] dmask:0xf dim:SQ_RSRC_IMG_2D	;! nsa-length
	buffer_load_dword v0, off, s[8:11], 0 offset:4	;! nsa-to-vmem
	buffer_load_dword v0, off, s[8:11], 0 offset:4
	image_sample_d v[0:3], [v4, v5, v9, v7, v8, v6], s[8:15], s[16:19] dmask:0xf dim:SQ_RSRC_IMG_2D	;! nsa-length
	s_nop 0
	buffer_load_dword v0, off, s[8:11], 0 offset:4
	image_sample_d v[0:3], [v4, v5, v9, v7, v8, v6], s[8:15], s[16:19] dmask:0xf dim:SQ_RSRC_IMG_2D	;! nsa-length
	buffer_load_dword v0, off, s[8:11], 0 offset:8
	s_endpgm

; case vmem-to-scalar
	buffer_load_dword v0, v1, s[8:11], s4 offen
	s_mov_b32 s4, 0				;! vmem-to-scalar
	s_endpgm
; case vmem-to-scalar-resource
	buffer_load_dword v0, v1, s[8:11], 0 offen
	s_mov_b32 s11, 0			;! vmem-to-scalar
	s_mov_b32 s12, 0
	s_endpgm
; case vmem-to-scalar-saddr
	global_load_dword v0, v1, s[2:3]
	s_load_dword s3, s[6:7], 0x0		;! vmem-to-scalar
	s_endpgm
; case vmem-to-scalar-exec
	ds_read_b32 v0, v1
	s_mov_b32 exec_lo, s0			;! vmem-to-scalar
	s_endpgm
; case vmem-to-scalar-m0
	ds_gws_init v0 gds
	s_mov_b32 m0, 0				;! vmem-to-scalar
	s_endpgm
; case vmem-to-scalar-cleared-by-valu
	buffer_load_dword v0, v1, s[8:11], s4 offen
	v_mov_b32 v2, v3
	s_mov_b32 s4, 0
	s_endpgm
; case vmem-to-scalar-cleared-by-nop-of-the-vector-unit
	buffer_load_dword v0, v1, s[8:11], s4 offen
	v_nop
	s_mov_b32 s4, 0
	s_endpgm
; case vmem-to-scalar-cleared-by-waitcnt
	buffer_load_dword v0, v1, s[8:11], s4 offen
	s_waitcnt vmcnt(0) & expcnt(0) & lgkmcnt(0)
	s_mov_b32 s4, 0
	s_endpgm
; case vmem-to-scalar-not-cleared-by-a-partial-wait
	buffer_load_dword v0, v1, s[8:11], s4 offen
	s_waitcnt vmcnt(0)
	s_mov_b32 s4, 0				;! vmem-to-scalar
	s_endpgm
; case vmem-to-scalar-cleared-by-depctr
	buffer_load_dword v0, v1, s[8:11], s4 offen
	s_waitcnt_depctr 0xffe3
	s_mov_b32 s4, 0
	s_endpgm
; case vmem-to-scalar-not-cleared-by-another-depctr
	buffer_load_dword v0, v1, s[8:11], s4 offen
	s_waitcnt_depctr 0xfffe
	s_mov_b32 s4, 0				;! vmem-to-scalar
	s_endpgm
; case vmem-to-scalar-across-a-branch
	buffer_load_dword v0, v1, s[8:11], s4 offen
	s_cbranch_scc0 join
	v_mov_b32 v2, v3
join:
	s_mov_b32 s4, 0				;! vmem-to-scalar
	s_endpgm
; case vmem-to-scalar-cleared-on-both-sides
	buffer_load_dword v0, v1, s[8:11], s4 offen
	s_cbranch_scc0 other
	v_mov_b32 v2, v3
	s_branch join
other:
	v_mov_b32 v2, v4
join:
	s_mov_b32 s4, 0
	s_endpgm
; case vmem-to-scalar-in-a-loop
loop:
	s_mov_b32 s4, 0				;! vmem-to-scalar
	buffer_load_dword v0, v1, s[8:11], s4 offen
	s_cbranch_scc1 loop
	s_endpgm
; case vmem-to-scalar-in-a-loop-cleared
loop:
	s_mov_b32 s4, 0
	buffer_load_dword v0, v1, s[8:11], s4 offen
	v_mov_b32 v2, v3
	s_cbranch_scc1 loop
	s_endpgm
; case vmem-to-scalar-wave64-exec-hi wave64
	flat_load_dword v0, v[1:2]
	s_mov_b32 exec_hi, 0			;! vmem-to-scalar
	s_endpgm
; case vmem-to-scalar-wave32-exec-hi-is-not-read
	flat_load_dword v0, v[1:2]
	s_mov_b32 exec_hi, 0
	s_endpgm
; case vmem-to-scalar-not-by-a-load-of-other-registers
	global_load_dword v0, v[2:3], off
	s_load_dword s3, s[6:7], 0x0
	s_endpgm
; case saveexec-not-asked
	global_load_dword v0, v[2:3], off
	s_and_saveexec_b32 s0, vcc_lo
	s_endpgm
; case saveexec strict
	global_load_dword v0, v[2:3], off
	s_and_saveexec_b32 s0, vcc_lo		;! saveexec-exec
	v_nop
	s_and_saveexec_b32 s1, vcc_lo
	s_endpgm

; case smem-to-vector
	s_load_dword s0, s[2:3], 0x0
	v_readfirstlane_b32 s2, v0		;! smem-to-vector
	s_endpgm
; case smem-to-vector-compare
	s_load_dword s0, s[2:3], 0x0
	v_cmp_eq_u32_e64 s3, v0, v1		;! smem-to-vector
	s_endpgm
; case smem-to-vector-carry-into-vcc
	s_load_dword s0, vcc, 0x0
	v_add_co_ci_u32_e32 v0, vcc_lo, v1, v2, vcc_lo	;! smem-to-vector
	s_endpgm
; case smem-to-vector-soffset
	s_buffer_load_dword s0, s[4:7], s12
	v_readlane_b32 s12, v0, 3		;! smem-to-vector
	s_endpgm
; case smem-to-vector-other-register
	s_load_dword s0, s[2:3], 0x0
	v_readfirstlane_b32 s4, v0
	s_endpgm
; case smem-to-vector-cleared-by-salu
	s_load_dword s0, s[2:3], 0x0
	s_mov_b32 null, 0
	v_readfirstlane_b32 s2, v0
	s_endpgm
; case smem-to-vector-not-cleared-by-sopp
	s_load_dword s0, s[2:3], 0x0
	s_nop 0
	s_waitcnt vmcnt(0)
	s_waitcnt_vscnt null, 0x0
	s_waitcnt_lgkmcnt null, 0x1
	v_readfirstlane_b32 s2, v0		;! smem-to-vector
	s_endpgm
; case smem-to-vector-cleared-by-lgkmcnt
	s_load_dword s0, s[2:3], 0x0
	s_waitcnt lgkmcnt(0)
	v_readfirstlane_b32 s2, v0
	s_endpgm
; case smem-to-vector-cleared-by-lgkmcnt-register-form
	s_load_dword s0, s[2:3], 0x0
	s_waitcnt_lgkmcnt null, 0x0
	v_readfirstlane_b32 s2, v0
	s_endpgm
; case smem-to-vector-in-a-loop
loop:
	v_readfirstlane_b32 s2, v0		;! smem-to-vector
	s_load_dword s0, s[2:3], 0x0
	s_cbranch_scc1 loop
	s_endpgm

; case vcmpx-exec-war
	s_mov_b32 s0, exec_lo
	v_cmpx_eq_u32 v0, v1			;! vcmpx-exec-war
	s_endpgm
; case vcmpx-exec-war-memory
	global_store_dword v[0:1], v2, off
	v_cmpx_eq_u32_e64 v0, v1		;! vcmpx-exec-war
	s_endpgm
; case vcmpx-exec-war-branch
	s_cbranch_execz next			; reads EXEC
next:
	v_cmpx_eq_u32 v0, v1			;! vcmpx-exec-war
	s_endpgm
; case vcmpx-exec-war-saveexec
	s_and_saveexec_b32 s0, s1
	v_cmpx_eq_u32 v0, v1			;! vcmpx-exec-war
	s_endpgm
; case vcmpx-exec-war-not-after-valu
	v_add_f32 v3, v4, v5
	v_cmpx_eq_u32 v0, v1
	s_endpgm
; case vcmpx-exec-war-not-cleared-by-valu-without-scalar
	s_mov_b32 s0, exec_lo
	v_add_f32 v3, v4, v5
	v_cmpx_eq_u32 v0, v1			;! vcmpx-exec-war
	s_endpgm
; case vcmpx-exec-war-cleared-by-compare
	s_mov_b32 s0, exec_lo
	v_cmp_eq_u32 vcc_lo, v0, v1
	v_cmpx_eq_u32 v0, v1
	s_endpgm
; case vcmpx-exec-war-second-one-is-cleared-by-the-first
	s_mov_b32 s0, exec_lo
	v_cmpx_eq_u32 v0, v1			;! vcmpx-exec-war
	v_cmpx_eq_u32 v0, v1
	s_endpgm
; case vcmpx-exec-war-not-cleared-by-null
	s_mov_b32 s0, exec_lo
	v_add_co_u32 v2, null, v3, v4		;! null-sdst
	v_cmpx_eq_u32 v0, v1			;! vcmpx-exec-war
	s_endpgm
; case vcmpx-exec-war-cleared-by-depctr
	s_mov_b32 s0, exec_lo
	s_waitcnt_depctr 0xfffe
	v_cmpx_eq_u32 v0, v1
	s_endpgm
; case vcmpx-exec-war-not-cleared-by-waitcnt
	global_load_dword v0, v[2:3], off
	s_waitcnt vmcnt(0) & expcnt(0) & lgkmcnt(0)
	v_cmpx_eq_u32 v0, v1			;! vcmpx-exec-war
	s_endpgm
; case vcmpx-exec-war-in-a-loop
loop:
	v_cmpx_eq_u32 v0, v1			;! vcmpx-exec-war
	s_cbranch_execnz loop
	s_endpgm
; case vcmpx-exec-war-through-the-loop-itself-cleared
loop:
	v_cmpx_eq_u32 v0, v1
	s_cbranch_scc0 loop
	s_endpgm

; case vcmpx-permlane
	v_cmpx_eq_u32 v0, v1
	v_permlane16_b32 v0, v1, s0, s1		;! vcmpx-permlane
	v_permlanex16_b32 v0, v1, s0, s1
	s_endpgm
; case vcmpx-permlane-across-scalar-code
	v_cmpx_eq_u32 v0, v1
	s_mov_b32 s0, 0
	v_nop
	v_permlanex16_b32 v0, v1, s0, s1	;! vcmpx-permlane
	s_endpgm
; case vcmpx-permlane-cleared
	v_cmpx_eq_u32 v0, v1
	v_mov_b32 v1, v1
	v_permlane16_b32 v0, v1, s0, s1
	s_endpgm

; case lds-branch-vmem
	ds_write_b32 v0, v1
	s_branch next
next:
	global_load_dword v0, v[2:3], off	;! lds-branch-vmem
	s_endpgm
; case lds-branch-vmem-the-other-way
	buffer_load_dword v0, off, s[0:3], 0
	s_cbranch_scc0 next
next:
	ds_read_b32 v0, v1			;! lds-branch-vmem
	s_endpgm
; case lds-branch-vmem-no-branch
	ds_write_b32 v0, v1
	global_load_dword v0, v[2:3], off
	s_endpgm
; case lds-branch-vmem-flat-has-no-type
	ds_write_b32 v0, v1
	s_branch next
next:
	flat_load_dword v0, v[2:3]
	s_endpgm
; case lds-branch-vmem-wait-before-the-branch
	ds_write_b32 v0, v1
	s_waitcnt_vscnt null, 0x0
	s_branch next
next:
	global_load_dword v0, v[2:3], off
	s_endpgm
; case lds-branch-vmem-wait-behind-the-branch
	ds_write_b32 v0, v1
	s_branch next
next:
	s_waitcnt_vscnt null, 0x0
	global_load_dword v0, v[2:3], off
	s_endpgm
; case lds-branch-vmem-another-wait
	ds_write_b32 v0, v1
	s_branch next
next:
	s_waitcnt_vscnt null, 0x1
	s_waitcnt lgkmcnt(0)
	global_load_dword v0, v[2:3], off	;! lds-branch-vmem
	s_endpgm
; case lds-branch-vmem-another-vmem-before-the-branch
	ds_write_b32 v0, v1
	global_load_dword v0, v[2:3], off
	s_branch next
next:
	global_load_dword v0, v[2:3], off
	s_endpgm
; case lds-branch-vmem-only-the-first
	ds_write_b32 v0, v1
	s_branch next
next:
	global_load_dword v0, v[2:3], off	;! lds-branch-vmem
	global_load_dword v0, v[2:3], off
	s_endpgm
; case lds-branch-vmem-in-a-loop
loop:
	global_load_dword v0, v[2:3], off	;! lds-branch-vmem
	s_waitcnt_vscnt null, 0x0
	ds_write_b32 v0, v1
	s_cbranch_scc0 loop
	s_endpgm
; case lds-branch-vmem-through-an-empty-block
	ds_write_b32 v0, v1
	s_cbranch_scc0 middle
	s_nop 0
middle:
	s_nop 0
	s_nop 1
	global_load_dword v0, v[2:3], off	;! lds-branch-vmem
	s_endpgm
; case lds-branch-vmem-long-branch
	ds_write_b32 v0, v1
	s_getpc_b64 s[4:5]
	s_add_u32 s4, s4, 0x10
	s_addc_u32 s5, s5, 0
	s_setpc_b64 s[4:5]
	s_nop 0
	global_load_dword v0, v[2:3], off	;! lds-branch-vmem
	s_endpgm
; case same-chip code=gfx1010
	flat_load_dword v0, v[1:2] offset:4	;! flat-offset
	s_mov_b32 s0, exec_lo
	v_cmpx_eq_u32 v0, v1			;! vcmpx-exec-war
	s_endpgm
; case no-hazard-on-gfx1030 card=gfx1030
	buffer_load_dword v0, v1, s[8:11], s4 offen
	s_mov_b32 s4, 0
	s_load_dword s0, s[2:3], 0x0
	v_readfirstlane_b32 s2, v0
	s_mov_b32 s0, exec_lo
	v_cmpx_eq_u32 v0, v1
	v_add_co_u32 v0, null, v1, v2
	ds_read_b64 v[0:1], v2
	s_endpgm
