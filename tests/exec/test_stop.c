/* SPDX-License-Identifier: MIT */
/* What stops a kernel, defects of the chip, hazards, and waves and work-groups that wait for each other. */
#include "rig.h"

static void fault_is(struct rig *r, int step, enum rp_exec_fault_kind kind, const char *word)
{
	char text[512];

	assert_int_equal(step, STEP_FAULT);
	(void)rp_exec_fault_text(&r->worker.fault, text, sizeof(text));
	if (r->worker.fault.kind != kind || !strstr(text, word))
		fail_msg("%s", text);
}

static void test_faults(void **unused)
{
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	fault_is(&r, RUN(&r, 0x1a0a0702), RP_EXEC_ILLEGAL,
		"v_dot4c_i32_i8"); /* VOP2 op 0d: not on gfx1010 */
	fault_is(&r, RUN(&r, 0xbfa00003), RP_EXEC_HANG, "s_inst_prefetch");
	fault_is(&r, RUN(&r, 0xbf920005), RP_EXEC_TRAP, "s_trap 5");
	assert_int_equal(r.worker.fault.trap_id, 5);
	fault_is(&r, RUN(&r, 0xf0800f08, 0x00000000), RP_EXEC_UNIMPLEMENTED, "image_sample");
	fault_is(&r, RUN(&r, 0xffffffff), RP_EXEC_ILLEGAL, "no instruction");
	/* global_load_dword v0, v[2:3], off at an address that is not mapped, then at one that is not canonical */
	vgpr(&r.wave, 0, 3)[4] = 0x1234;
	r.wave.s[EXEC] = 1u << 4;
	fault_is(&r, RUN(&r, 0xdc308000, 0x007d0002), RP_EXEC_PAGE,
		"lane 4, load from address 0x123400000000");
	vgpr(&r.wave, 0, 3)[4] = 0xdeadbeef;
	fault_is(&r, RUN(&r, 0xdc308000, 0x007d0002), RP_EXEC_APERTURE, "0xdeadbeef00000000");
	assert_int_equal(r.worker.fault.n_vgprs, 3);
	assert_int_equal(r.worker.fault.vgpr_value[2], 0xdeadbeef);
	/* FLAT to LDS behind its end */
	vgpr(&r.wave, 0, 3)[4] = 0x10000;
	vgpr(&r.wave, 0, 2)[4] = 4096;
	fault_is(&r, RUN(&r, 0xdc300000, 0x007d0002), RP_EXEC_APERTURE, "LDS");
	rig_close(&r);
	rig_open(&r, "gfx1030", 1);
	assert_int_equal(RUN(&r, 0xbfa00003), STEP_END); /* no hang here */
	rig_close(&r);
}

/* Stores what it finds in TTMP to its memory; returns behind an s_trap 7, halts the wave else. clang assembled it. */
static const uint32_t trap_handler[] = { 0xb96ff803, 0xf4401b3d, 0xfa000000, 0xf4401b7d, 0xfa000004,
	0xf4401bfd, 0xfa000008, 0xf4401cbd, 0xfa00000c, 0xf4401d7d, 0xfa000010, 0xf4401dfd,
	0xfa000014, 0xf4401e3d, 0xfa000018, 0x93eeff6d, 0x00080010, 0xbf06876e, 0xbf850002,
	0xbef81d8d, 0xbf820002, 0x806c846c, 0x826d806d, 0xb9f8f802, 0xbe80226c };

static uint64_t handler_address(void *data, const struct rp_exec_fault *fault, bool last)
{
	const struct rig *r = (const struct rig *)data;

	assert_int_equal(last, fault->kind != RP_EXEC_TRAP || fault->trap_id == 2);
	return fault->trap_id == 9 ? 0 : r->code + 8192;
}

/* A wave that traps runs the runtime's handler, which lets it go on or halts it. */
static void test_trap_handler(void **unused)
{
	struct rig r;
	uint32_t *data;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	data = (uint32_t *)(void *)r.data_host;
	memcpy((uint8_t *)gpu_host(&r.gpu, r.code) + 8192, trap_handler, sizeof(trap_handler));
	r.dispatch.trap_handler = handler_address;
	r.dispatch.data = &r;
	r.dispatch.tma = r.data;
	r.dispatch.packet = 0x12345678000;
	r.group.id[1] = 77;
	r.wave.index = 3;
	r.wave.scc = 1;
	/* s_trap 7; s_mov_b32 s0, 5 */
	assert_int_equal(RUN(&r, 0xbf920007, 0xbe800385), STEP_FAULT);
	assert_true(rp_exec_trap(&r.wave, false));
	assert_int_equal(r.worker.fault.kind, RP_EXEC_OK);
	assert_int_equal(r.wave.pc, r.code + 4);
	assert_int_equal(r.wave.scc, 1);
	assert_int_equal(rp_exec_run_wave(&r.wave, 100), STEP_END);
	assert_int_equal(r.wave.s[0], 5);
	assert_int_equal(data[0], (uint32_t)r.code);
	assert_int_equal(data[1], 7 << 16 | (uint32_t)(r.code >> 32));
	assert_int_equal(data[2], 0);
	assert_int_equal(data[3], 0x45678000);
	assert_int_equal(data[4], 77);
	assert_int_equal(data[5], 3);
	assert_int_equal(data[6] & 0x10201, 0x10001); /* VALID, SCC; EXEC is not 0 */
	/* an illegal instruction: TRAPSTS says so, no trap id; the wave is halted */
	assert_int_equal(RUN(&r, 0xffffffff), STEP_FAULT);
	assert_false(rp_exec_trap(&r.wave, true));
	assert_int_equal(r.worker.fault.kind, RP_EXEC_ILLEGAL);
	assert_int_equal(r.worker.fault.handler, RP_EXEC_HANDLER_HALTED);
	assert_int_equal(data[1], (uint32_t)(r.code >> 32));
	assert_int_equal(data[2], 1 << 11);
	/* a memory violation */
	r.wave.halt = 0;
	r.wave.trap_status = 0;
	vgpr(&r.wave, 0, 3)[0] = 0xdeadbeef;
	assert_int_equal(RUN(&r, 0xdc308000, 0x007d0002), STEP_FAULT);
	assert_false(rp_exec_trap(&r.wave, true));
	assert_int_equal(r.worker.fault.kind, RP_EXEC_APERTURE);
	assert_int_equal(data[2], 1 << 8);
	/* no handler for it; a handler that is no code; s_rfe_b64 s[0:1] outside of one */
	assert_int_equal(RUN(&r, 0xbf920009), STEP_FAULT);
	assert_false(rp_exec_trap(&r.wave, false));
	assert_int_equal(r.worker.fault.handler, RP_EXEC_HANDLER_NONE);
	memset((uint8_t *)gpu_host(&r.gpu, r.code) + 8192, 0xff, 4);
	assert_int_equal(RUN(&r, 0xbf920002), STEP_FAULT);
	assert_false(rp_exec_trap(&r.wave, true));
	assert_int_equal(r.worker.fault.kind, RP_EXEC_TRAP);
	assert_int_equal(r.worker.fault.handler, RP_EXEC_HANDLER_FAILED);
	fault_is(&r, RUN(&r, 0xbe802200), RP_EXEC_ILLEGAL, "s_rfe_b64 outside of a trap handler");
	rig_close(&r);
}

/* flat_load_dword v0, v[2:3] offset:8: gfx10.1 ignores the offset in global memory, not in LDS. */
static void test_flat_offset(void **unused)
{
	static const char *const chips[] = { "gfx1010", "gfx1030" };

	(void)unused;
	for (unsigned int c = 0; c < 2; c++) {
		struct rig r;
		uint32_t *data, lds = 77;

		rig_open(&r, chips[c], 1);
		data = (uint32_t *)(void *)r.data_host;
		r.wave.s[EXEC] = 1;
		data[0] = 1000;
		data[2] = 1002;
		vgpr(&r.wave, 0, 2)[0] = (uint32_t)r.data;
		vgpr(&r.wave, 0, 3)[0] = (uint32_t)(r.data >> 32);
		assert_int_equal(RUN(&r, 0xdc300008, 0x007d0002), STEP_END);
		assert_int_equal(vgpr(&r.wave, 0, 0)[0], c ? 1002 : 1000);
		assert_int_equal(r.worker.defects[RP_CHIP_FLAT_OFFSET_IGNORED], c ? 0 : 1);
		/* global_load_dword with the same offset is right on both */
		assert_int_equal(RUN(&r, 0xdc308008, 0x007d0002), STEP_END);
		assert_int_equal(vgpr(&r.wave, 0, 0)[0], 1002);
		memcpy(r.group.lds + 24, &lds, 4);
		vgpr(&r.wave, 0, 2)[0] = 16;
		vgpr(&r.wave, 0, 3)[0] = 0x10000;
		assert_int_equal(RUN(&r, 0xdc300008, 0x007d0002), STEP_END);
		assert_int_equal(vgpr(&r.wave, 0, 0)[0], 77);
		rig_close(&r);
	}
}

/* ds_read_b64 of an address that is a multiple of 4 only: wrong on gfx10.1 in WGP mode. */
static void test_lds_misaligned(void **unused)
{
	struct rig r;
	uint32_t words[4] = { 10, 11, 12, 13 };

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	memcpy(r.group.lds, words, sizeof(words));
	vgpr(&r.wave, 0, 1)[0] = 4;
	assert_int_equal(RUN(&r, 0xd9d80000, 0x02000001), STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 2)[0], 10);
	assert_true(r.worker.defects[RP_CHIP_LDS_MISALIGNED_WGP] > 0);
	r.group.wgp = false;
	assert_int_equal(RUN(&r, 0xd9d80000, 0x02000001), STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 2)[0], 11);
	assert_int_equal(vgpr(&r.wave, 0, 3)[0], 12);
	/* behind the end: reads 0 */
	vgpr(&r.wave, 0, 1)[0] = 4092;
	vgpr(&r.wave, 0, 3)[0] = 5;
	assert_int_equal(RUN(&r, 0xd9d80000, 0x02000001), STEP_END);
	assert_int_equal(vgpr(&r.wave, 0, 3)[0], 0);
	rig_close(&r);
}

/* buffer_load_dword v1, v0, s[4:7], 0 offen: raw bounds, and swizzled scratch. */
static void test_buffer(void **unused)
{
	struct rig r;
	uint32_t *data;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	data = (uint32_t *)(void *)r.data_host;
	for (unsigned int i = 0; i < 4096; i++)
		data[i] = i;
	r.wave.s[4] = (uint32_t)r.data;
	r.wave.s[5] = (uint32_t)(r.data >> 32);
	r.wave.s[6] = 64;
	r.wave.s[7] = 3u << 28;
	for (unsigned int i = 0; i < RP_LANES; i++)
		vgpr(&r.wave, 0, 0)[i] = 4 * i;
	assert_int_equal(RUN(&r, 0xe0301000, 0x80010100), STEP_END);
	for (unsigned int i = 0; i < RP_LANES; i++)
		assert_int_equal(vgpr(&r.wave, 0, 1)[i], i < 16 ? i : 0);
	/* scratch: dword n of lane l is dword n * 32 + l */
	r.wave.s[5] |= 0x80000000u;
	r.wave.s[7] = 2u << 28 | 1u << 23;
	for (unsigned int i = 0; i < RP_LANES; i++)
		vgpr(&r.wave, 0, 0)[i] = 12;
	assert_int_equal(RUN(&r, 0xe0301000, 0x80010100), STEP_END);
	for (unsigned int i = 0; i < RP_LANES; i++)
		assert_int_equal(vgpr(&r.wave, 0, 1)[i], 3 * 32 + i);
	rig_close(&r);
}

/* Sequences with and without LLVM's mitigation. */
static void test_hazards(void **unused)
{
	static const struct {
		uint32_t words[8];
		unsigned int n;
		int hazard; /* -1: none */
	} cases[] = {
		/* global_load_dword v0, v1, s[4:5]; s_mov_b32 s4, 0 */
		{ { 0xdc308000, 0x00040001, 0xbe840380 }, 3, RP_HAZARD_VMEM_TO_SCALAR },
		{ { 0xdc308000, 0x00040001, 0xbfa3ffe3, 0xbe840380 }, 4, -1 },
		{ { 0xdc308000, 0x00040001, 0x7e000300, 0xbe840380 }, 4, -1 },
		/* s_load_dword s8, s[4:5], 0; v_readfirstlane_b32 s4, v0 */
		{ { 0xf4000202, 0xfa000000, 0x7e080500 }, 3, RP_HAZARD_SMEM_TO_VECTOR },
		{ { 0xf4000202, 0xfa000000, 0xbefd0380, 0x7e080500 }, 4, -1 },
		/* s_mov_b32 s8, exec_lo; v_cmpx_eq_u32 v0, v0 */
		{ { 0xbe88037e, 0x7da40100 }, 2, RP_HAZARD_VCMPX_EXEC_WAR },
		{ { 0xbe88037e, 0xbfa3fffe, 0x7da40100 }, 3, -1 },
		/* v_cmpx_eq_u32 v0, v0; v_permlane16_b32 v1, v2, s4, s5 */
		{ { 0x7da40100, 0xd7770001, 0x00140902 }, 3, RP_HAZARD_VCMPX_PERMLANE },
		{ { 0x7da40100, 0x7e000300, 0xd7770001, 0x00140902 }, 4, -1 },
		/* ds_read_b32 v2, v1; s_branch +0; global_load_dword v0, v1, s[4:5] */
		{ { 0xd8d80000, 0x02000001, 0xbf820000, 0xdc308000, 0x00040001 }, 5,
			RP_HAZARD_LDS_BRANCH_VMEM },
		{ { 0xd8d80000, 0x02000001, 0xbf820000, 0xbbfd0000, 0xdc308000, 0x00040001 }, 6,
			-1 },
	};

	(void)unused;
	/* as the chips have them; then switched off, and on where the chip has none */
	for (unsigned int n = 0; n < 4 * RP_ARRAY_SIZE(cases); n++) {
		unsigned int c = n % RP_ARRAY_SIZE(cases), how = n / RP_ARRAY_SIZE(cases);
		bool seen = how == 0 || how == 3;
		struct rig r;

		rig_open(&r, how < 2 ? "gfx1010" : "gfx1030", 1);
		if (how == 1)
			r.gpu.x->config.features &= ~rp_exec_switchable();
		else if (how == 3)
			r.gpu.x->config.features |= rp_exec_switchable();
		r.gpu.x->config.hazards = RP_EXEC_HAZARDS_WARN;
		r.wave.hazard = calloc(1, rp_exec_hazard_bytes());
		assert_non_null(r.wave.hazard);
		rp_exec_hazard_reset(&r.wave);
		r.wave.s[4] = (uint32_t)r.data;
		r.wave.s[5] = (uint32_t)(r.data >> 32);
		for (unsigned int i = 0; i < RP_LANES; i++)
			vgpr(&r.wave, 0, 1)[i] = 4 * i;
		if (rig_run(&r, cases[c].words, cases[c].n) != STEP_END)
			fail_msg("case %u: %s", c, r.worker.fault.why);
		for (int h = 0; h < RP_HAZARD_MAX; h++)
			if (r.worker.hazards[h] != (seen && h == cases[c].hazard))
				fail_msg("case %u: %s seen %u times", c,
					rp_hazard_name((unsigned int)h),
					(unsigned int)r.worker.hazards[h]);
		rig_close(&r);
	}
}

struct switched {
	enum rp_chip_feature feature;
	int on, off; /* what comes out */
	int (*run)(struct rig *r); /* negative: it did not end, by this fault */
};

static int ended(struct rig *r, int step, const uint32_t *value)
{
	return step == STEP_END ? (int)*value : -(int)r->worker.fault.kind;
}

static int run_flat(struct rig *r)
{
	uint32_t *data = (uint32_t *)(void *)r->data_host;

	data[0] = 1000;
	data[2] = 1002;
	vgpr(&r->wave, 0, 2)[0] = (uint32_t)r->data;
	vgpr(&r->wave, 0, 3)[0] = (uint32_t)(r->data >> 32);
	/* flat_load_dword v0, v[2:3] offset:8 */
	return ended(r, RUN(r, 0xdc300008, 0x007d0002), vgpr(&r->wave, 0, 0));
}

static int run_prefetch(struct rig *r)
{
	const uint32_t one = 1;

	return ended(r, RUN(r, 0xbfa00001), &one); /* s_inst_prefetch 1 */
}

/* s_branch +0x3f over nops to s_mov_b32 s8, 1; s_add_u32 s8, s8, 2 stands behind it */
static int run_branch(struct rig *r)
{
	uint32_t words[1 + 0x3f + 2];

	words[0] = 0xbf82003f;
	for (unsigned int i = 1; i <= 0x3f; i++)
		words[i] = 0xbf800000;
	words[0x40] = 0xbe880381;
	words[0x41] = 0x80088208;
	r->wave.s[8] = 0;
	return ended(r, rig_run(r, words, RP_ARRAY_SIZE(words)), &r->wave.s[8]);
}

static int run_lds(struct rig *r)
{
	static const uint32_t words[4] = { 10, 11, 12, 13 };

	memcpy(r->group.lds, words, sizeof(words));
	vgpr(&r->wave, 0, 1)[0] = 4;
	/* ds_read_b64 v[2:3], v1 */
	return ended(r, RUN(r, 0xd9d80000, 0x02000001), vgpr(&r->wave, 0, 2));
}

static int run_scratch(struct rig *r)
{
	/* bytes 4 to 7 of lane 0's scratch: one dword, a wave's dwords on */
	r->data_host[RP_LANES * 4] = 40;
	r->data_host[RP_LANES * 4 + 1] = 41;
	r->wave.flat_scratch[0] = (uint32_t)r->data;
	r->wave.flat_scratch[1] = (uint32_t)(r->data >> 32);
	vgpr(&r->wave, 0, 1)[0] = 8;
	/* scratch_load_ubyte v0, v1, off offset:-3 */
	return ended(r, RUN(r, 0xdc204ffd, 0x007d0001), vgpr(&r->wave, 0, 0));
}

/* The same code with a defect on and off, on a chip that has it and on one that does not. */
static void test_switches(void **unused)
{
	static const struct switched all[] = {
		{ RP_CHIP_FLAT_OFFSET_IGNORED, 1000, 1002, run_flat },
		{ RP_CHIP_INST_PREFETCH_HANG, -RP_EXEC_HANG, 1, run_prefetch },
		{ RP_CHIP_BRANCH_3F, 2, 3, run_branch },
		{ RP_CHIP_LDS_MISALIGNED_WGP, 10, 11, run_lds },
		{ RP_CHIP_SCRATCH_NEGATIVE_OFFSET, 40, 41, run_scratch },
	};
	static const char *const chips[] = { "gfx1010", "gfx1030" };

	(void)unused;
	for (unsigned int c = 0; c < 2; c++)
		for (unsigned int i = 0; i < RP_ARRAY_SIZE(all); i++) {
			uint64_t bit = UINT64_C(1) << all[i].feature;
			struct rig r;

			rig_open(&r, chips[c], 1);
			r.wave.s[EXEC] = 1;
			assert_int_equal((r.gpu.x->config.features & bit) != 0, c == 0);
			assert_true(rp_exec_switchable() & bit);
			r.gpu.x->config.features |= bit;
			assert_int_equal(all[i].run(&r), all[i].on);
			assert_int_equal(r.worker.defects[all[i].feature], 1);
			assert_int_equal(r.worker.defect_pc[all[i].feature], r.code);
			r.gpu.x->config.features &= ~bit;
			assert_int_equal(all[i].run(&r), all[i].off);
			assert_int_equal(r.worker.defects[all[i].feature], 1);
			rig_close(&r);
		}
}

/* With "corrupt" the endangered register is wrong behind the instruction, and only then. */
static void test_corrupt(void **unused)
{
	/* global_load_dword v0, v1, s[4:5]; [v_mov_b32 v9, v0;] s_mov_b32 s4, 0; s_nop 0 */
	static const uint32_t bad[] = { 0xdc308000, 0x00040001, 0xbe840380, 0xbf800000 };
	static const uint32_t good[] = { 0xdc308000, 0x00040001, 0x7e120300, 0xbe840380,
		0xbf800000 };

	(void)unused;
	for (unsigned int halves = 1; halves <= 2; halves++)
		for (unsigned int i = 0; i < 2; i++) {
			struct rig r;
			int step;

			rig_open(&r, "gfx1010", halves);
			r.gpu.x->config.hazards = RP_EXEC_HAZARDS_CORRUPT;
			r.wave.hazard = calloc(1, rp_exec_hazard_bytes());
			assert_non_null(r.wave.hazard);
			rp_exec_hazard_reset(&r.wave);
			r.wave.s[4] = (uint32_t)r.data;
			r.wave.s[5] = (uint32_t)(r.data >> 32);
			step = i ? rig_run(&r, good, RP_ARRAY_SIZE(good))
				 : rig_run(&r, bad, RP_ARRAY_SIZE(bad));
			assert_int_equal(step, STEP_END);
			assert_int_equal(r.wave.s[4] != 0, i == 0);
			assert_int_equal(r.worker.n_sites, i == 0);
			assert_int_equal(i == 0 ? r.worker.sites[0].reg : 4, 4);
			rig_close(&r);
		}
}

/* The register in danger is known when the instruction runs for the first time, too. */
static void test_corrupt_vgpr(void **unused)
{
	/* ds_read_b32 v2, v1; s_branch +0; global_load_dword v7, v1, s[4:5]; s_nop 0 */
	static const uint32_t words[] = { 0xd8d80000, 0x02000001, 0xbf820000, 0xdc308000,
		0x07040001, 0xbf800000 };
	unsigned int wrong = 0;
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	r.gpu.x->config.hazards = RP_EXEC_HAZARDS_CORRUPT;
	r.wave.hazard = calloc(1, rp_exec_hazard_bytes());
	assert_non_null(r.wave.hazard);
	rp_exec_hazard_reset(&r.wave);
	r.wave.s[4] = (uint32_t)r.data;
	r.wave.s[5] = (uint32_t)(r.data >> 32);
	((uint32_t *)(void *)r.data_host)[0] = 1234; /* all lanes load it */
	assert_int_equal(rig_run(&r, words, RP_ARRAY_SIZE(words)), STEP_END);
	assert_int_equal(r.worker.n_sites, 1);
	assert_int_equal(r.worker.sites[0].hazard, RP_HAZARD_LDS_BRANCH_VMEM);
	assert_int_equal(r.worker.sites[0].reg, 7);
	for (unsigned int i = 0; i < RP_LANES; i++)
		wrong += vgpr(&r.wave, 0, 7)[i] != 1234;
	assert_int_equal(wrong, 1); /* a lane of it */
	rig_close(&r);
}

/*
 * Two waves and a barrier; work-groups that wait for each other. Wave 1 reads what wave 0 wrote
 * to LDS before the barrier; group 0 spins until the last group has added to a counter.
 */
static void dispatch_words(
	struct rig *r, const uint32_t *words, size_t n, struct rp_exec_dispatch *d)
{
	memcpy(gpu_host(&r->gpu, r->code), words, 4 * n);
	memset(d, 0, sizeof(*d));
	d->entry = r->code;
	d->descriptor.rsrc2 = 2 << 1 | 1 << 7; /* two user SGPRs, work-group id x in s2 */
	d->descriptor.rsrc1 = 0xf0 << 12;
	d->descriptor.properties = 1 << 10 | 1 << 3; /* wave32, kernarg */
	d->kernarg = r->data;
	d->group[0] = 64;
	d->lds_bytes = 1024;
}

static void test_waiting(void **unused)
{
	static const uint32_t barrier[] = {
		0x34020082, /* v_lshlrev_b32 v1, 2, v0 */
		0xd8340000,
		0x00000001, /* ds_write_b32 v1, v0 */
		0xbf8a0000, /* s_barrier */
		0x4c0600ff,
		0x0000003f, /* v_sub_nc_u32 v3, 63, v0 */
		0x34040682, /* v_lshlrev_b32 v2, 2, v3 */
		0xd8d80000,
		0x04000002, /* ds_read_b32 v4, v2 */
		0xdc708000,
		0x00000401, /* global_store_dword v1, v4, s[0:1] */
		0xbf810000,
	};
	static const uint32_t spin[] = {
		0x7e020280, /* v_mov_b32 v1, 0 */
		0x7e040281, /* v_mov_b32 v2, 1 */
		0xbefe0381, /* s_mov_b32 exec_lo, 1 */
		0xdcc88000,
		0x00000201, /* global_atomic_add v1, v2, s[0:1] */
		/* loop: until 8 groups have added */
		0xf4000200,
		0xfa000000, /* s_load_dword s8, s[0:1], 0 */
		0xbf078808, /* s_cmp_lg_u32 s8, 8 */
		0xbf85fffc, /* s_cbranch_scc1 loop */
		0xbf810000,
	};
	struct rp_exec_dispatch d;
	struct rp_exec_report report = { 0 };
	struct rp_exec_fault fault;
	struct rp_error err = RP_ERROR_INIT;
	struct rig r;

	(void)unused;
	for (unsigned int threads = 1; threads <= 2; threads++) {
		rig_open(&r, "gfx1010", 1);
		r.gpu.x->config.n_threads = threads;
		dispatch_words(&r, barrier, RP_ARRAY_SIZE(barrier), &d);
		d.grid[0] = 64;
		if (rp_exec_dispatch(r.gpu.x, &d, &report, &fault, &err) < 0)
			fail_msg("%s", err.text);
		for (unsigned int i = 0; i < 64; i++)
			assert_int_equal(((uint32_t *)(void *)r.data_host)[i], 63 - i);
		memset(r.data_host, 0, 4);
		dispatch_words(&r, spin, RP_ARRAY_SIZE(spin), &d);
		d.grid[0] = 256;
		d.group[0] = 32;
		d.deadline_ms = 60000;
		if (rp_exec_dispatch(r.gpu.x, &d, &report, &fault, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(*(uint32_t *)(void *)r.data_host, 8);
		/* one group fewer: never enough, the deadline ends it */
		memset(r.data_host, 0, 4);
		d.grid[0] = 224;
		d.deadline_ms = 50;
		assert_int_equal(rp_exec_dispatch(r.gpu.x, &d, &report, &fault, &err), -EIO);
		assert_int_equal(fault.kind, RP_EXEC_DEADLINE);
		rig_close(&r);
	}
}

/* Each group stores its number, waits for all others at a GWS barrier, and adds up what all have stored; twice. */
static void test_gws(void **unused)
{
	static const uint32_t init[] = {
		0x7e00028b, /* v_mov_b32 v0, 11: twelve waves */
		0xbefc0380, /* s_mov_b32 m0, 0 */
		0xd8660000,
		0x00000000, /* ds_gws_init v0 gds */
		0xbf810000,
	};
	static const uint32_t words[] = {
		0xbefc0380, /* s_mov_b32 m0, 0 */
		0x7e06028b, /* v_mov_b32 v3, 11 */
		0x7e020202, /* v_mov_b32 v1, s2 */
		0x34040282, /* v_lshlrev_b32 v2, 2, v1 */
		0xdc708000,
		0x00000102, /* global_store_dword v2, v1, s[0:1] */
		0xd8760000,
		0x00000003, /* ds_gws_barrier v3 gds */
		0xf40c0200,
		0xfa000000, /* s_load_dwordx8 s[8:15], s[0:1], 0 */
		0xf4080400,
		0xfa000020, /* s_load_dwordx4 s[16:19], s[0:1], 32 */
		0x81080908, /* s_add_i32 s8, s8, s9 ... s19 */
		0x81080a08,
		0x81080b08,
		0x81080c08,
		0x81080d08,
		0x81080e08,
		0x81080f08,
		0x81081008,
		0x81081108,
		0x81081208,
		0x81081308,
		0xd8760000,
		0x00000003, /* ds_gws_barrier v3 gds: nobody overwrites before all have read */
		0x7e020208, /* v_mov_b32 v1, s8 */
		0xdc708000,
		0x00000102, /* global_store_dword v2, v1, s[0:1] */
		0xbf810000,
	};
	struct rp_exec_dispatch d;
	struct rp_exec_fault fault;
	struct rp_error err = RP_ERROR_INIT;
	struct rig r;

	(void)unused;
	for (unsigned int threads = 1; threads <= 2; threads++) {
		rig_open(&r, "gfx1010", 1);
		r.gpu.x->config.n_threads = threads;
		dispatch_words(&r, init, RP_ARRAY_SIZE(init), &d);
		d.grid[0] = d.group[0] = 32;
		if (rp_exec_dispatch(r.gpu.x, &d, NULL, &fault, &err) < 0)
			fail_msg("%s", err.text);
		dispatch_words(&r, words, RP_ARRAY_SIZE(words), &d);
		d.grid[0] = 12 * 32;
		d.group[0] = 32;
		d.deadline_ms = 60000;
		if (rp_exec_dispatch(r.gpu.x, &d, NULL, &fault, &err) < 0)
			fail_msg("%s", err.text);
		for (unsigned int i = 0; i < 12; i++)
			assert_int_equal(((uint32_t *)(void *)r.data_host)[i], 66);
		/* a wave too few: it waits for ever, the deadline says so */
		d.grid[0] = 11 * 32;
		d.deadline_ms = 50;
		assert_int_equal(rp_exec_dispatch(r.gpu.x, &d, NULL, &fault, &err), -EIO);
		assert_int_equal(fault.kind, RP_EXEC_DEADLINE);
		rig_close(&r);
	}
}

/* Forms that the executor refuses stop the kernel, although the opcode has semantics. */
static void test_refused(void **unused)
{
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	/* ds_read_b32 v0, v1 gds */
	fault_is(
		&r, RUN(&r, 0xd8da0000, 0x00000001), RP_EXEC_UNIMPLEMENTED, "ds_read_b32 with gds");
	/* buffer_load_dword off, s[4:7], 0 lds; buffer_load_dword v1, off, s[4:7], 0 tfe */
	fault_is(&r, RUN(&r, 0xe0310000, 0x80010000), RP_EXEC_UNIMPLEMENTED,
		"buffer_load_dword with lds");
	fault_is(&r, RUN(&r, 0xe0300000, 0x80810100), RP_EXEC_UNIMPLEMENTED,
		"buffer_load_dword with tfe");
	/* v_mad_i32_i24 v0, v1, v2, v3 clamp is done; v_min3_i16 v0, v1, v2, v3 clamp is not */
	assert_int_equal(RUN(&r, 0xd5428000, 0x040e0501), STEP_END);
	fault_is(&r, RUN(&r, 0xd7528000, 0x040e0501), RP_EXEC_UNIMPLEMENTED,
		"v_min3_i16 with clamp");
	rig_close(&r);
}

/* Code that is written over between dispatches is noticed. */
static void test_new_code(void **unused)
{
	uint32_t words[] = { 0x7e0402ff, 1, 0x34020082, 0xdc708000, 0x00000201,
		0xbf810000 }; /* v2 = literal; store */
	struct rp_exec_dispatch d;
	struct rp_exec_fault fault;
	struct rp_error err = RP_ERROR_INIT;
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	for (uint32_t i = 1; i < 4; i++) {
		words[1] = 0x100 + i;
		dispatch_words(&r, words, RP_ARRAY_SIZE(words), &d);
		d.grid[0] = 33; /* one whole wave, and a group that the grid cuts off */
		d.group[0] = 32;
		assert_int_equal(rp_exec_dispatch(r.gpu.x, &d, NULL, &fault, &err), 0);
		assert_int_equal(((uint32_t *)(void *)r.data_host)[31], 0x100 + i);
		assert_int_equal(((uint32_t *)(void *)r.data_host)[32], 0);
	}
	d.group[0] = 2048;
	assert_int_equal(rp_exec_dispatch(r.gpu.x, &d, NULL, &fault, &err), -EINVAL);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_trap_handler),
		cmocka_unit_test(test_flat_offset),
		cmocka_unit_test(test_lds_misaligned),
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_hazards),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_corrupt_vgpr),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_gws),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_new_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
