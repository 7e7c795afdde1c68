/* SPDX-License-Identifier: MIT */
/* A machine: which row of the instruction table has which semantics, and the constants. */
#include "vgpu/exec/internal.h"

#include <stdio.h>
#include <string.h>

static const struct rp_vkernel *find_kernel(const struct rp_kernel_level *level, const char *name)
{
	char compare[64];

	if (strncmp(name, "v_cmpx_", 7) == 0) {
		(void)snprintf(compare, sizeof(compare), "v_cmp_%s", name + 7);
		name = compare;
	}
	for (unsigned int s = 0; s < RP_ARRAY_SIZE(level->sets); s++)
		for (unsigned int i = 0; i < level->sets[s]->n; i++)
			if (strcmp(level->sets[s]->kernels[i].name, name) == 0)
				return &level->sets[s]->kernels[i];
	return NULL;
}

static bool find_step(const struct step_entry *table, const char *name, struct sem *ret)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0) {
			ret->fn = table->fn;
			ret->fidelity = table->fidelity;
			return true;
		}
	return false;
}

static void find_memory(const struct memop *table, const char *name, const char *prefix,
	step_fn *fn, struct sem *ret)
{
	size_t n = strlen(prefix);

	if (strncmp(name, prefix, n) != 0)
		return;
	for (; table->name; table++)
		if (strcmp(table->name, name + n) == 0) {
			ret->fn = fn;
			ret->mem = table;
			ret->fidelity = table->fidelity;
			return;
		}
}

static void resolve_memory(unsigned int encoding, const char *name, struct sem *ret)
{
	switch (encoding) {
	case RP_ISA_FLAT:
		find_memory(rp_exec_vmem_ops, name, "flat_", rp_exec_step_flat, ret);
		break;
	case RP_ISA_GLOBAL:
		find_memory(rp_exec_vmem_ops, name, "global_", rp_exec_step_flat, ret);
		break;
	case RP_ISA_SCRATCH:
		find_memory(rp_exec_vmem_ops, name, "scratch_", rp_exec_step_flat, ret);
		break;
	case RP_ISA_MUBUF:
		find_memory(rp_exec_vmem_ops, name, "buffer_", rp_exec_step_buffer, ret);
		break;
	case RP_ISA_DS:
		if (!find_step(rp_exec_special_ds, name, ret) && !find_step(rp_exec_gws, name, ret))
			find_memory(rp_exec_ds_ops, name, "ds_", rp_exec_step_ds, ret);
		return;
	case RP_ISA_SMEM:
		find_memory(rp_exec_smem_ops, name, "s_buffer_", rp_exec_step_smem, ret);
		if (!ret->fn)
			find_memory(rp_exec_smem_ops, name, "s_", rp_exec_step_smem, ret);
		break;
	default:
		break;
	}
	if (!ret->fn)
		(void)find_step(rp_exec_memory_control, name, ret);
}

/* The semantics of a row; ret->fn stays NULL if there are none. */
static void resolve(const struct rp_kernel_level *level, unsigned int row, struct sem *ret)
{
	const struct rp_isa_row *r = &rp_isa_rows[row];
	const char *name = rp_isa_name(row);

	memset(ret, 0, sizeof(*ret));
	switch (r->klass) {
	case RP_ISA_CLASS_SALU:
		if (!find_step(rp_exec_salu, name, ret) && !find_step(rp_exec_control, name, ret))
			(void)find_step(rp_exec_trap_steps, name, ret);
		break;
	case RP_ISA_CLASS_VALU:
		if (find_step(rp_exec_lane, name, ret))
			break;
		ret->kernel = find_kernel(level, name);
		if (!ret->kernel)
			break;
		ret->fn = rp_exec_step_valu;
		ret->fidelity = ret->kernel->flags & RP_K_APPROX   ? RP_EXEC_APPROXIMATE
				: ret->kernel->flags & RP_K_UNSURE ? RP_EXEC_UNVERIFIED
								   : RP_EXEC_EXACT;
		break;
	default:
		resolve_memory(r->encoding, name, ret);
		break;
	}
}

/* Clamp of floats is done for all; of integers only by kernels that say so. */
static bool clamps(unsigned int row, const struct rp_vkernel *kernel)
{
	const struct rp_isa_target t = { .chip = RP_ISA_GFX1010 };
	const struct rp_isa_row *r = &rp_isa_rows[row];
	const struct rp_isa_inst inst = { .row = (uint16_t)row, .encoding = r->encoding };
	struct rp_isa_operand op;

	if (kernel->flags & RP_K_CLAMP || !(r->flags & RP_ISA_F_CLAMP) ||
		!(kernel->dst == RP_D_U32 || kernel->dst == RP_D_U64 || kernel->dst == RP_D_U16 ||
			kernel->dst == RP_D_PK16))
		return true;
	for (unsigned int i = 0; i < r->n_operands; i++) {
		rp_isa_operand(&t, &inst, i, &op);
		if (op.field == RP_ISA_FIELD_SRC0)
			return op.type >= RP_ISA_TYPE_F16;
	}
	return true;
}

/* "RDNA 1.0" and "RDNA 2" instruction set documents, at each opcode. Of v_rcp_iflag and of sine and cosine in f32 they state none. */
static const struct {
	const char *name, *bound;
} bounds[] = {
	{ "v_exp_f32", "1 ulp" },
	{ "v_log_f32", "1 ulp" },
	{ "v_rcp_f32", "1 ulp" },
	{ "v_rcp_iflag_f32", "not stated" },
	{ "v_rsq_f32", "1 ulp" },
	{ "v_sqrt_f32", "1 ulp" },
	{ "v_sin_f32", "not stated" },
	{ "v_cos_f32", "not stated" },
	{ "v_rcp_f64", "2^29 ulp" },
	{ "v_rsq_f64", "2^29 ulp" },
	{ "v_sqrt_f64", "2^29 ulp" },
	{ "v_rcp_f16", "0.51 ulp" },
	{ "v_rsq_f16", "0.51 ulp" },
	{ "v_sqrt_f16", "0.51 ulp" },
	{ "v_exp_f16", "0.51 ulp" },
	{ "v_log_f16", "0.51 ulp" },
	{ "v_sin_f16", "0.51 ulp" },
	{ "v_cos_f16", "0.51 ulp" },
};

static const char *bound_of(unsigned int row)
{
	for (unsigned int i = 0; i < RP_ARRAY_SIZE(bounds); i++)
		if (strcmp(rp_isa_name(row), bounds[i].name) == 0)
			return bounds[i].bound;
	return "not stated";
}

static void row_of(unsigned int row, const struct sem *sem, struct rp_exec_row *ret)
{
	*ret = (struct rp_exec_row){ .fidelity = RP_EXEC_NONE };
	if (!sem->fn)
		return;
	ret->fidelity = sem->fidelity;
	ret->forms = rp_isa_rows[row].klass != RP_ISA_CLASS_VALU || sem->kernel;
	ret->clamp = !sem->kernel || clamps(row, sem->kernel);
}

void rp_exec_row_info(unsigned int row, struct rp_exec_row *ret)
{
	struct sem sem = { .fn = NULL };

	if (row && row < rp_isa_n_rows)
		resolve(&rp_kernels_portable, row, &sem);
	row_of(row, &sem, ret);
	if (ret->fidelity == RP_EXEC_APPROXIMATE)
		ret->bound = bound_of(row);
}

const char *rp_exec_refuses(const struct rp_isa_inst *inst, const struct rp_exec_row *row)
{
	uint32_t w0 = inst->w[0], w1 = inst->w[1];

	switch (inst->encoding) {
	case RP_ISA_DS:
		return w0 >> 17 & 1 && !(inst->flags & RP_ISA_F_GDS) ? "gds" : NULL;
	case RP_ISA_FLAT:
	case RP_ISA_SCRATCH:
	case RP_ISA_GLOBAL:
		return w0 >> 13 & 1 ? "lds" : NULL;
	case RP_ISA_MUBUF:
		if (w0 >> 16 & 1)
			return "lds";
		return w1 >> 23 & 1 ? "tfe" : NULL;
	case RP_ISA_MTBUF:
		return w1 >> 23 & 1 ? "tfe" : NULL;
	case RP_ISA_VOP3:
	case RP_ISA_VOP3P:
		return w0 >> 15 & 1 && !row->clamp ? "clamp" : NULL;
	case RP_ISA_VOP1:
	case RP_ISA_VOP2:
	case RP_ISA_VOPC:
		if (inst->form == RP_ISA_FORM_NATIVE)
			return NULL;
		if (!row->forms)
			return inst->form == RP_ISA_FORM_SDWA ? "SDWA" : "DPP";
		if (inst->form == RP_ISA_FORM_SDWA && inst->encoding != RP_ISA_VOPC &&
			w1 >> 13 & 1 && !row->clamp)
			return "clamp";
		return NULL;
	default:
		return NULL;
	}
}

uint64_t rp_exec_switchable(void)
{
	const uint64_t one = 1;

	return one << RP_CHIP_FLAT_OFFSET_IGNORED | one << RP_CHIP_INST_PREFETCH_HANG |
	       one << RP_CHIP_BRANCH_3F | one << RP_CHIP_LDS_MISALIGNED_WGP |
	       one << RP_CHIP_SCRATCH_NEGATIVE_OFFSET | one << RP_CHIP_HAZARD_VMEM_TO_SCALAR |
	       one << RP_CHIP_HAZARD_SMEM_TO_VECTOR | one << RP_CHIP_HAZARD_VCMPX_EXEC_WAR |
	       one << RP_CHIP_HAZARD_VCMPX_PERMLANE | one << RP_CHIP_HAZARD_LDS_BRANCH_VMEM |
	       one << RP_CHIP_HAZARD_NSA_TO_VMEM;
}

const char *rp_exec_fidelity_name(enum rp_exec_fidelity fidelity)
{
	static const char *const names[] = { "none", "exact", "approximate", "unverified" };

	return (unsigned int)fidelity < RP_ARRAY_SIZE(names) ? names[fidelity] : "unknown";
}

static uint64_t inline_constant(unsigned int code, enum konst type)
{
	static const uint32_t f32[] = { 0x3f000000, 0xbf000000, 0x3f800000, 0xbf800000, 0x40000000,
		0xc0000000, 0x40800000, 0xc0800000, 0x3e22f983 };
	static const uint16_t f16[] = { 0x3800, 0xb800, 0x3c00, 0xbc00, 0x4000, 0xc000, 0x4400,
		0xc400, 0x3118 };
	static const uint64_t f64[] = { UINT64_C(0x3fe0000000000000), UINT64_C(0xbfe0000000000000),
		UINT64_C(0x3ff0000000000000), UINT64_C(0xbff0000000000000),
		UINT64_C(0x4000000000000000), UINT64_C(0xc000000000000000),
		UINT64_C(0x4010000000000000), UINT64_C(0xc010000000000000),
		UINT64_C(0x3fc45f306dc9c882) };

	if (code <= 208)
		return (uint64_t)(int64_t)(code <= 192 ? (int)code - 128 : 192 - (int)code);
	if (code < 240 || code > 248)
		return 0;
	if (type == KONST_F64 || type == KONST_I64)
		return f64[code - 240];
	return type == KONST_F16 ? f16[code - 240] : f32[code - 240];
}

static void fill_constants(struct rp_exec *x)
{
	for (unsigned int type = 0; type < KONST_MAX; type++)
		for (unsigned int code = 128; code < 256; code++)
			for (unsigned int i = 0; i < RP_LANES; i++) {
				uint64_t v = inline_constant(code, type);

				x->konst[type][code - 128][i] = (uint32_t)v;
				x->konst[type][code - 128][RP_LANES + i] = (uint32_t)(v >> 32);
			}
}

enum rp_exec_level rp_exec_best_level(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		return RP_EXEC_AVX512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return RP_EXEC_AVX2;
#endif
	return RP_EXEC_PORTABLE;
}

static const struct rp_kernel_level *level_table(enum rp_exec_level level)
{
	switch (level) {
#if defined(__x86_64__)
	case RP_EXEC_AVX2:
		return &rp_kernels_avx2;
	case RP_EXEC_AVX512:
		return &rp_kernels_avx512;
#endif
	default:
		return &rp_kernels_portable;
	}
}

const char *rp_exec_level_name(enum rp_exec_level level)
{
	static const char *const names[RP_EXEC_LEVEL_MAX] = { "portable", "avx2", "avx512" };

	return (unsigned int)level < RP_EXEC_LEVEL_MAX ? names[level] : "unknown";
}

enum rp_exec_hazards rp_exec_hazards_by_name(const char *word)
{
	static const char *const words[RP_EXEC_HAZARDS_MAX] = { "off", "warn", "corrupt" };
	unsigned int i = 0;

	while (i < RP_EXEC_HAZARDS_MAX && strcmp(words[i], word) != 0)
		i++;
	return (enum rp_exec_hazards)i;
}

const char *rp_exec_fault_name(enum rp_exec_fault_kind kind)
{
	static const char *const names[RP_EXEC_FAULT_MAX] = { "no fault", "illegal instruction",
		"memory violation", "page fault", "unimplemented instruction", "hang", "deadline",
		"trap", "canceled", "out of memory" };

	return (unsigned int)kind < RP_EXEC_FAULT_MAX ? names[kind] : "unknown";
}

int rp_exec_new(const struct rp_exec_config *config, struct rp_exec **ret, struct rp_error *err)
{
	struct rp_exec *x;

	if (!config->chip || !config->chip->isa)
		return RP_FAIL(err, -EINVAL, "%s is no gfx10 chip",
			config->chip ? config->chip->name : "no chip");
	if (!config->memory.find || !config->memory.generation)
		return RP_FAIL(err, -EINVAL, "the memory interface is not complete");
	if ((unsigned int)config->level > (unsigned int)rp_exec_best_level())
		return RP_FAIL(err, -ENOTSUP, "this CPU cannot run the level %s",
			rp_exec_level_name(config->level));
	x = calloc(1, sizeof(*x));
	if (!x)
		return RP_NOMEM(err);
	x->config = *config;
	if (!x->config.n_threads)
		x->config.n_threads = 1;
	x->target = (struct rp_isa_target){ .chip = config->chip->isa };
	x->level = level_table(config->level);
	x->cvt_f32_f16 = find_kernel(x->level, "v_cvt_f32_f16")->fn;
	x->sem = calloc(rp_isa_n_rows, sizeof(*x->sem));
	x->konst = aligned_alloc(64, sizeof(x->konst[0]) * KONST_MAX);
	if (!x->sem || !x->konst) {
		free(x->sem);
		free(x->konst);
		free(x);
		return RP_NOMEM(err);
	}
	for (unsigned int row = 1; row < rp_isa_n_rows; row++) {
		resolve(x->level, row, &x->sem[row]);
		row_of(row, &x->sem[row], &x->sem[row].info);
	}
	fill_constants(x);
	(void)pthread_mutex_init(&x->lock, NULL);
	(void)pthread_mutex_init(&x->gws_lock, NULL);
	*ret = x;
	return 0;
}

void rp_exec_free(struct rp_exec *x)
{
	if (!x)
		return;
	rp_exec_free_pages(x);
	(void)pthread_mutex_destroy(&x->lock);
	(void)pthread_mutex_destroy(&x->gws_lock);
	free(x->sem);
	free(x->konst);
	free(x);
}

size_t rp_exec_fault_text(const struct rp_exec_fault *f, char *buf, size_t size)
{
	struct rp_isa_target t = { .chip = RP_ISA_GFX1010, .wave64 = f->wave64 };
	char text[RP_ISA_TEXT_MAX] = "";
	struct rp_isa_inst inst;
	int n;

	if (f->n_words) {
		uint8_t bytes[4 * RP_ISA_MAX_WORDS];

		if (f->row)
			t.chip = (uint8_t)(rp_isa_rows[f->row].chips & -rp_isa_rows[f->row].chips);
		memcpy(bytes, f->w, sizeof(bytes));
		(void)rp_isa_decode(&t, rp_span_of(bytes, 4u * f->n_words), 0, &inst);
		(void)rp_isa_print(&t, &inst, NULL, text, sizeof(text));
	}
	n = snprintf(buf, size, "%s at pc 0x%llx%s%s, group %u,%u,%u wave %u",
		rp_exec_fault_name(f->kind), (unsigned long long)f->pc, text[0] ? ": " : "", text,
		f->group[0], f->group[1], f->group[2], f->wave);
	if (n >= 0 && f->lane >= 0)
		n += snprintf(size > (size_t)n ? buf + n : NULL,
			size > (size_t)n ? size - (size_t)n : 0, " lane %d", f->lane);
	if (n >= 0 && (f->kind == RP_EXEC_PAGE || f->kind == RP_EXEC_APERTURE))
		n += snprintf(size > (size_t)n ? buf + n : NULL,
			size > (size_t)n ? size - (size_t)n : 0, ", %s address 0x%llx",
			f->is_store ? "store to" : "load from", (unsigned long long)f->address);
	if (n >= 0)
		n += snprintf(size > (size_t)n ? buf + n : NULL,
			size > (size_t)n ? size - (size_t)n : 0, ": %s", f->why);
	return n < 0 ? 0 : (size_t)n;
}
