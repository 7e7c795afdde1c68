/* SPDX-License-Identifier: MIT */
/* One wave under test: registers set by hand, a few words of code, run to its end. */
#ifndef TESTS_EXEC_RIG_H
#define TESTS_EXEC_RIG_H

#include "../base/unit.h"
#include "gpu.h"
#include "vgpu/exec/internal.h"

struct rig {
	struct gpu gpu;
	struct worker worker;
	struct group group;
	struct wave wave;
	struct rp_exec_dispatch dispatch;
	uint64_t code;
	uint64_t data; /* 64 KiB */
	uint8_t *data_host;
};

static void rig_open(struct rig *r, const char *chip, unsigned int halves)
{
	struct rp_error err = RP_ERROR_INIT;

	memset(r, 0, sizeof(*r));
	if (gpu_open(&r->gpu, chip, RP_EXEC_PORTABLE, 1, RP_EXEC_HAZARDS_OFF, &err) < 0)
		fail_msg("%s", err.text);
	r->code = gpu_alloc(&r->gpu, 65536);
	r->data = gpu_alloc(&r->gpu, 65536);
	r->data_host = gpu_host(&r->gpu, r->data);
	r->worker = (struct worker){ .x = r->gpu.x,
		.d = &r->dispatch,
		.epoch = 1,
		.shared_hi = 0x10000,
		.private_hi = 0x20000 };
	r->group.n_waves = 1;
	r->group.wgp = true;
	r->group.lds_bytes = 4096;
	r->group.lds = calloc(1, 4096);
	r->group.waves = &r->wave;
	r->wave.v = aligned_alloc(64, (size_t)2 * VGPR_ROWS * RP_LANES * 4);
	assert_non_null(r->wave.v);
	memset(r->wave.v, 0, (size_t)2 * VGPR_ROWS * RP_LANES * 4);
	r->wave.g = &r->group;
	r->wave.t = &r->worker;
	r->wave.ops = r->gpu.x->level->ops;
	r->wave.n_halves = (uint8_t)halves;
	r->wave.s[EXEC] = UINT32_MAX;
	r->wave.s[EXEC + 1] = halves == 2 ? UINT32_MAX : 0;
	rp_exec_set_mode(&r->wave, 0x2f0 | 1 << 8); /* denormals kept, IEEE, DX10_CLAMP */
}

static void rig_close(struct rig *r)
{
	free(r->wave.hazard);
	free(r->wave.v);
	free(r->group.lds);
	gpu_close(&r->gpu);
}

/* Runs the words and s_endpgm; every run has its own code, so nothing decoded before is used. */
static int rig_run(struct rig *r, const uint32_t *words, size_t n)
{
	const uint32_t end = 0xbf810000;
	uint8_t *at = gpu_host(&r->gpu, r->code);

	memset(at, 0, 4096);
	memcpy(at, words, 4 * n);
	memcpy(at + 4 * n, &end, 4);
	memset(r->worker.pages, 0, sizeof(r->worker.pages));
	r->worker.epoch++;
	r->wave.pc = r->code;
	return rp_exec_run_wave(&r->wave, 1000000);
}

#define RUN(r, ...)                                          \
	__extension__({                                      \
		const uint32_t words_[] = { __VA_ARGS__ };   \
		rig_run((r), words_, RP_ARRAY_SIZE(words_)); \
	})

static unsigned int rig_row(enum rp_isa_encoding encoding, const char *name, unsigned int chip)
{
	for (unsigned int i = 1; i < rp_isa_n_rows; i++)
		if (rp_isa_rows[i].encoding == encoding && rp_isa_rows[i].chips & chip &&
			strcmp(rp_isa_name(i), name) == 0)
			return i;
	fail_msg("no row %s", name);
	return 0;
}

/* VOP3 and VOP3P with sources v2, v4, v6 (pairs where 64 bits) and destination v20. */
static void RP_UNUSED rig_vop3(const char *name, unsigned int chip, uint32_t w[2])
{
	bool packed = strncmp(name, "v_pk_", 5) == 0 || strncmp(name, "v_dot", 5) == 0 ||
		      strncmp(name, "v_fma_mix", 9) == 0;
	unsigned int row = rig_row(packed ? RP_ISA_VOP3P : RP_ISA_VOP3, name, chip);
	unsigned int n = 0;
	struct rp_isa_target t = { .chip = (uint8_t)chip };

	w[0] = (packed ? 0x33u : 0x35u) << 26 | (uint32_t)rp_isa_rows[row].opcode << 16 | 20;
	w[1] = 0;
	for (unsigned int i = 0; i < rp_isa_rows[row].n_operands; i++) {
		struct rp_isa_inst inst = { .row = (uint16_t)row,
			.encoding = rp_isa_rows[row].encoding,
			.w = { w[0], w[1] } };
		struct rp_isa_operand op;

		rp_isa_operand(&t, &inst, i, &op);
		if (op.field == RP_ISA_FIELD_SDST)
			w[0] |= RP_ISA_VCC_LO
				<< (op.type == RP_ISA_TYPE_M && rp_isa_rows[row].operands &&
							   strncmp(name, "v_cmp", 5) == 0
						   ? 0
						   : 8);
		else if (op.field >= RP_ISA_FIELD_SRC0 && op.field <= RP_ISA_FIELD_SRC2)
			w[1] |= (op.type == RP_ISA_TYPE_M ? RP_ISA_VCC_LO : 256 + 2 + 2 * n)
				<< (9 * n),
				n++;
	}
	if (strncmp(name, "v_cmp", 5) == 0)
		w[0] = (w[0] & ~0xffu) | RP_ISA_VCC_LO;
	if (packed) {
		w[0] |= 1u << 14;
		w[1] |= 3u << 27;
	}
}

#endif
