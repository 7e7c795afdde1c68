/* SPDX-License-Identifier: MIT */
/* Length, row, status and register sets of hand-picked instructions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "isa/isa.h"

static const struct rp_isa_target w32 = { RP_ISA_GFX1010, false };
static const struct rp_isa_target w64 = { RP_ISA_GFX1030, true };

static size_t put(uint8_t *p, const uint32_t *w, size_t n)
{
	for (size_t i = 0; i < 4 * n; i++)
		p[i] = (uint8_t)(w[i / 4] >> (8 * (i % 4)));
	return 4 * n;
}

static struct rp_isa_inst decode(const struct rp_isa_target *t, uint32_t a, uint32_t b, uint32_t c)
{
	struct rp_isa_inst inst;
	uint8_t code[12];
	size_t n = put(code, (const uint32_t[]){ a, b, c }, 3);

	(void)rp_isa_decode(t, rp_span_of(code, n), 0, &inst);
	return inst;
}

static struct rp_isa_regs regs(const struct rp_isa_target *t, uint32_t a, uint32_t b)
{
	struct rp_isa_inst inst = decode(t, a, b, 0);
	struct rp_isa_regs r, s;

	assert_int_equal(inst.status, RP_ISA_OK);
	rp_isa_regs(t, &inst, &r);
	rp_isa_scalar_regs(t, &inst, &s);
	assert_memory_equal(&r.read, &s.read, sizeof(r.read));
	assert_memory_equal(&r.write, &s.write, sizeof(r.write));
	return r;
}

static void test_length(void **state)
{
	struct rp_isa_inst i;

	(void)state;
	i = decode(&w32, 0x80103020, 0, 0); /* s_add_u32 s16, s32, s48 */
	assert_int_equal(i.bytes, 4);
	assert_int_equal(i.encoding, RP_ISA_SOP2);
	assert_int_equal(i.klass, RP_ISA_CLASS_SALU);
	assert_string_equal(rp_isa_name(i.row), "s_add_u32");
	i = decode(&w32, 0x801030ff, 0x12345678, 0);
	assert_int_equal(i.bytes, 8);
	assert_int_equal(i.literal, 1);
	i = decode(&w32, 0xd503000a, 0x0001feff, 0x3f800000); /* v_add_f32_e64 v10, lit, lit */
	assert_int_equal(i.bytes, 12);
	assert_int_equal(i.literal, 2);
	i = decode(&w32, 0x061402f9, 0x06060014, 0);
	assert_int_equal(i.form, RP_ISA_FORM_SDWA);
	assert_int_equal(i.bytes, 8);
	i = decode(&w32, 0xba801234, 4, 0); /* s_setreg_imm32_b32 */
	assert_int_equal(i.bytes, 8);
	i = decode(&w32, 0xffffffff, 0, 0);
	assert_int_equal(i.status, RP_ISA_BAD);
	assert_int_equal(i.bytes, 4);
	assert_int_equal(i.row, 0);
}

static void test_chips(void **state)
{
	struct rp_isa_inst i = decode(&w32, 0x04143d14, 0, 0); /* v_dot2c_f32_f16, not on gfx1010 */

	(void)state;
	assert_int_equal(i.status, RP_ISA_FOREIGN);
	assert_string_equal(rp_isa_name(i.row), "v_dot2c_f32_f16");
	assert_int_equal(rp_isa_row_of(&i)->chips, RP_ISA_GFX1011 | RP_ISA_GFX1030);
	/* the same key is another instruction on gfx1030 */
	i = decode(&w32, 0x0c143d14, 0, 0);
	assert_string_equal(rp_isa_name(i.row), "v_mac_legacy_f32");
	i = decode(&w64, 0x0c143d14, 0, 0);
	assert_int_equal(i.status, RP_ISA_OK);
	assert_string_equal(rp_isa_name(i.row), "v_fmac_legacy_f32");
	assert_int_equal(rp_isa_find_row(RP_ISA_VOP2, 6, RP_ISA_GFX1030), i.row);
	assert_int_equal(rp_isa_find_row(RP_ISA_VOP2, 63, RP_ISA_GFX1030), 0);
}

static void test_cut(void **state)
{
	uint8_t code[8];
	struct rp_isa_inst i;

	(void)state;
	put(code, (const uint32_t[]){ 0x801030ff, 0x12345678 }, 2);
	for (size_t n = 0; n < 8; n++) {
		assert_int_equal(rp_isa_decode(&w32, rp_span_of(code, n), 0, &i), RP_ISA_TRUNCATED);
		assert_int_equal(i.bytes, n < 4 ? n : 4);
	}
	assert_int_equal(rp_isa_decode(&w32, rp_span_of(code, 8), 0, &i), RP_ISA_OK);
	assert_int_equal(rp_isa_decode(&w32, rp_span_of(code, 8), 8, &i), RP_ISA_TRUNCATED);
	assert_int_equal(i.bytes, 0);
	assert_int_equal(rp_isa_decode(&w32, rp_span_of(code, 8), SIZE_MAX, &i), RP_ISA_TRUNCATED);
}

static bool only(const struct rp_isa_sset *s, unsigned int first, unsigned int n)
{
	struct rp_isa_sset want = { { 0, 0 } };

	for (unsigned int r = first; r < first + n; r++)
		want.b[r / 64] |= UINT64_C(1) << (r % 64);
	return want.b[0] == s->b[0] && want.b[1] == s->b[1];
}

static void test_scalar_sets(void **state)
{
	struct rp_isa_regs r;

	(void)state;
	r = regs(&w32, 0x87903020, 0); /* s_and_b64 s[16:17], s[32:33], s[48:49] */
	assert_true(only(&r.write, 16, 2));
	assert_true(rp_isa_sset_has(&r.read, 33) && rp_isa_sset_has(&r.read, 49));
	assert_true(r.scc_write && !r.scc_read);
	r = regs(&w32, 0xbe903c20, 0); /* s_and_saveexec_b32 s16, s32 */
	assert_true(only(&r.write, 16, 1));
	assert_true(only(&r.write_implicit, RP_ISA_EXEC_LO, 1));
	assert_true(only(&r.read_implicit, RP_ISA_EXEC_LO, 1));
	r = regs(&w32, 0xbefd0380, 0); /* s_mov_b32 null, 0 */
	assert_true(rp_isa_sset_empty(&r.write));
	r = regs(&w32, 0xbf900001, 0); /* s_sendmsg reads M0 */
	assert_true(only(&r.read_implicit, RP_ISA_M0, 1));
	r = regs(
		&w32, 0xf4080404, 0x0a000010); /* s_load_dwordx4 s[16:19], s[8:9], s5 offset:0x10 */
	assert_true(only(&r.write, 16, 4));
	assert_true(rp_isa_sset_has(&r.read, 8) && rp_isa_sset_has(&r.read, 9));
	assert_true(rp_isa_sset_has(&r.read, 5));
	r = regs(&w32, 0xbf870002, 0); /* s_cbranch_vccnz */
	assert_true(only(&r.read_implicit, RP_ISA_VCC_LO, 1));
	r = regs(&w32, 0xb7901234, 0); /* s_addk_i32 s16 reads it too */
	assert_true(only(&r.read, 16, 1) && only(&r.write, 16, 1));
	r = regs(&w32, 0xbb901234, 0); /* s_waitcnt_vscnt s16 writes nothing */
	assert_true(only(&r.read, 16, 1) && rp_isa_sset_empty(&r.write));
}

static void test_vector_sets(void **state)
{
	struct rp_isa_regs r;

	(void)state;
	r = regs(&w32, 0x7c023c14, 0); /* v_cmp_lt_f32_e32 vcc_lo, s20, v30 */
	assert_true(only(&r.write, RP_ISA_VCC_LO, 1));
	assert_true(only(&r.read, 20, 1));
	assert_true(rp_isa_vset_has(&r.vread, 30));
	r = regs(&w64, 0x7c023d14, 0);
	assert_true(only(&r.write, RP_ISA_VCC_LO, 2));
	r = regs(&w32, 0x7c223d14, 0); /* v_cmpx_lt_f32 */
	assert_true(rp_isa_sset_empty(&r.write));
	assert_true(only(&r.write_implicit, RP_ISA_EXEC_LO, 1));
	r = regs(&w64, 0xd528040a, 0x01aa3d14); /* v_add_co_ci_u32_e64 v10, s[4:5], s20, v30, vcc */
	assert_true(only(&r.write, 4, 2));
	assert_true(rp_isa_sset_has(&r.read, RP_ISA_VCC_HI));
	assert_true(rp_isa_vset_has(&r.vwrite, 10));
	r = regs(&w32, 0xd70f7d0a, 0x00023d14); /* v_add_co_u32 v10, null, s20, v30 */
	assert_true(rp_isa_sset_empty(&r.write));
	r = regs(&w32, 0xd760000a, 0x00003d14); /* v_readlane_b32 s10, v20, s30 */
	assert_true(only(&r.write, 10, 1) && only(&r.read, 30, 1));
	assert_true(rp_isa_sset_empty(&r.read_implicit));
	r = regs(&w32, 0xd56f000a, 0x04a23d14); /* v_div_fmas_f32 reads VCC */
	assert_true(rp_isa_sset_has(&r.read_implicit, RP_ISA_VCC_LO));
	r = regs(&w32, 0x7c0202f9, 0x06068a14); /* v_cmp_lt_f32_sdwa s10, v20, v1 */
	assert_true(only(&r.write, 10, 1));
	assert_true(rp_isa_vset_has(&r.vread, 20) && rp_isa_vset_has(&r.vread, 1));
	r = regs(&w32, 0x7e1402fe, 0); /* v_mov_b32_e32 v10, src_lds_direct */
	assert_true(rp_isa_sset_has(&r.read_implicit, RP_ISA_M0));
	r = regs(&w32, 0xd711000a, 0x00023d14); /* v_pack_b32_f16: reads only its sources */
	assert_false(rp_isa_vset_has(&r.vread, 10));
	r = regs(&w32, 0x56143d14, 0); /* v_fmac_f32 reads its destination */
	assert_true(rp_isa_vset_has(&r.vread, 10) && rp_isa_vset_has(&r.vwrite, 10));
}

static void test_memory_sets(void **state)
{
	struct rp_isa_regs r;

	(void)state;
	r = regs(&w32, 0xdc308004, 0x047d0008); /* global_load_dword v4, v[8:9], off */
	assert_true(rp_isa_vset_has(&r.vread, 8) && rp_isa_vset_has(&r.vread, 9));
	assert_true(rp_isa_vset_has(&r.vwrite, 4) && rp_isa_sset_empty(&r.read));
	assert_true(only(&r.read_implicit, RP_ISA_EXEC_LO, 1));
	r = regs(&w32, 0xdc308004, 0x04060008); /* with saddr s[6:7]: one address VGPR */
	assert_true(only(&r.read, 6, 2) && !rp_isa_vset_has(&r.vread, 9));
	r = regs(&w32, 0xdcc88008, 0x087d0402); /* global_atomic_add without glc: no result */
	assert_false(rp_isa_vset_has(&r.vwrite, 8));
	r = regs(&w32, 0xdcc98008, 0x087d0402);
	assert_true(rp_isa_vset_has(&r.vwrite, 8));
	r = regs(&w32, 0xe0301008, 0x03020402); /* buffer_load_dword v4, v2, s[8:11], s3 offen */
	assert_true(rp_isa_sset_has(&r.read, 11) && rp_isa_sset_has(&r.read, 3));
	assert_true(rp_isa_vset_has(&r.vread, 2) && !rp_isa_vset_has(&r.vread, 4));
	r = regs(&w32, 0xe0703008,
		0x03020402); /* buffer_store_dword, idxen offen: two address VGPRs */
	assert_true(rp_isa_vset_has(&r.vread, 3) && rp_isa_vset_has(&r.vread, 4));
	r = regs(&w32, 0xd8f80008, 0x0c000000); /* ds_append reads M0 */
	assert_true(rp_isa_sset_has(&r.read_implicit, RP_ISA_M0));
	r = regs(&w32, 0xd8d80008, 0x0c000002); /* ds_read_b32 does not */
	assert_false(rp_isa_sset_has(&r.read_implicit, RP_ISA_M0));
	r = regs(&w32, 0xf8000805, 0x04030201); /* exp mrt0 v1, off, v3, off done */
	assert_true(rp_isa_vset_has(&r.vread, 1) && rp_isa_vset_has(&r.vread, 3));
	assert_false(rp_isa_vset_has(&r.vread, 2));
	r = regs(&w32, 0xf0800108, 0x00820a02); /* image_sample v10, v[2:3], s[8:15], s[16:19] 2D */
	assert_true(rp_isa_sset_has(&r.read, 15) && rp_isa_sset_has(&r.read, 19));
	assert_true(rp_isa_vset_has(&r.vread, 3) && rp_isa_vset_has(&r.vwrite, 10));
}

static void test_flags(void **state)
{
	struct rp_isa_inst i;

	(void)state;
	i = decode(&w32, 0xbf82fffd, 0, 0);
	assert_true(
		i.flags & RP_ISA_F_BRANCH && i.flags & RP_ISA_F_JUMP && !(i.flags & RP_ISA_F_COND));
	assert_int_equal(rp_isa_branch_target(&i, 8), 0);
	i = decode(&w32, 0xbf810000, 0, 0);
	assert_true(i.flags & RP_ISA_F_END && i.flags & RP_ISA_F_JUMP);
	i = decode(&w32, 0xbe802020, 0, 0); /* s_setpc_b64 */
	assert_true(i.flags & RP_ISA_F_JUMP);
	i = decode(&w32, 0xdbfc0008, 0x0c000002, 0); /* ds_read_b128 */
	assert_true(i.flags & RP_ISA_F_WIDE && i.flags & RP_ISA_F_LOAD);
	i = decode(&w32, 0xd8dc0008, 0x0c000002, 0); /* ds_read2_b32 */
	assert_false(i.flags & RP_ISA_F_WIDE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_chips),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_scalar_sets),
		cmocka_unit_test(test_vector_sets),
		cmocka_unit_test(test_memory_sets),
		cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
