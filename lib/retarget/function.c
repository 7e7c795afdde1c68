/* SPDX-License-Identifier: MIT */
/* One function after the other: read, rules, hazards, layout; descriptors of kernels. */
#include <stdio.h>

#include "retarget/internal.h"
#include "scan/scan.h"

void rp_rt_function_free(struct rp_rt_function *f)
{
	free(f->words);
	free(f->olds);
	free(f->news);
	free(f->fixups);
	*f = (struct rp_rt_function){ 0 };
}

void rp_rt_free(struct rp_rt *rt)
{
	rp_flow_free(&rt->flow);
	free(rt->items.v);
	free(rt->out.v);
	free(rt->heads);
	free(rt->live);
	free(rt->blocks);
}

/* Everything that speaks of the function before. */
static void reset(struct rp_rt *rt, size_t index)
{
	rt->index = index;
	rt->survey = (struct rp_rt_survey){ 0 };
	rt->scope = &rt->survey;
	rt->has_live = rt->has_temps = rt->converts = false;
	rt->vgprs = 0;
	rt->reason[0] = '\0';
	memset(rt->counts, 0, sizeof(rt->counts));
}

static bool same_code(const struct rp_rt_function *f, struct rp_span code)
{
	uint32_t w = 0;

	if (f->n_words * 4 != code.n)
		return false;
	for (size_t i = 0; i < f->n_words; i++)
		if (!rp_span_le32(code, i * 4, &w) || w != f->words[i])
			return false;
	return true;
}

static int rewrite(struct rp_rt *rt, struct rp_rt_function *ret, struct rp_error *err)
{
	const struct rp_codeobj *object = rt->o->object;
	const struct rp_function *f = &object->functions[rt->index];
	int r;

	if (f->code.n == 0 || f->code.n % 4 != 0)
		return rp_rt_refuse(rt, UINT32_MAX, "%zu bytes of code", f->code.n);
	rp_rt_survey(&rt->flow, &rt->survey);
	/* Where code calls code the registers of one are the other's: then the whole object is asked. */
	if (rt->survey.calls || f->kernel == RP_CODEOBJ_NO_KERNEL) {
		r = rp_rt_need_survey(rt, err);
		if (r < 0)
			return r;
		rt->scope = &rt->o->survey;
	}
	r = rp_rt_lift(rt, err);
	if (r == 0)
		r = rp_rt_guard(rt, err);
	if (r == 0)
		r = rp_rt_emit(rt, ret, err);
	if (r)
		return r;
	ret->vgprs = rt->vgprs;
	ret->calls = rt->survey.calls;
	ret->wide_ds = rt->scope->wide_ds;
	ret->misaligned_ds = rt->scope->misaligned_ds;
	ret->is_changed = !same_code(ret, f->code);
	return 0;
}

int rp_rt_function(struct rp_rt *rt, size_t index, struct rp_error *err)
{
	const struct rp_codeobj *object = rt->o->object;
	struct rp_scan_mode mode = rp_scan_mode_of(object, index);
	struct rp_isa_target target = { object->chip->isa, mode.wave64 };
	int r;

	reset(rt, index);
	rt->target = (struct rp_isa_target){ rt->o->options->chip->isa, mode.wave64 };
	r = rp_flow_read(&rt->flow, &target, object->functions[index].code, err);
	if (r < 0)
		return r;
	return rewrite(rt, &rt->o->functions[index], err);
}

int rp_rt_trap(struct rp_rt_function *f, const struct rp_function *source,
	const struct rp_isa_target *target, struct rp_error *err)
{
	struct rp_rt_function t = {
		.n_insts = 1, .n_words = 2, .is_trap = true, .is_changed = true
	};

	(void)target;
	t.words = calloc(2, sizeof(*t.words));
	t.olds = calloc(2, sizeof(*t.olds));
	t.news = calloc(2, sizeof(*t.news));
	if (!t.words || !t.olds || !t.news) {
		rp_rt_function_free(&t);
		return RP_NOMEM(err);
	}
	t.words[0] = RP_RT_S_TRAP;
	t.words[1] = RP_RT_S_ENDPGM;
	t.olds[1] = (uint32_t)source->code.n;
	t.news[1] = 8;
	rp_rt_function_free(f);
	*f = t;
	return 0;
}

/*
 * Whether a work-group of this size can run: its waves on the SIMDs of one CU (2) or WGP (4), each with so
 * many VGPRs and waves. LLVM 19 AMDGPUBaseInfo.cpp getNumWavesPerEUWithNumVGPRs.
 */
static bool fits(const struct rp_chip *card, const struct rp_kernel *k, uint32_t vgprs, bool wgp)
{
	bool wave32 = rp_descriptor_is_wave32(&k->descriptor);
	uint32_t threads = k->metadata.max_flat_workgroup_size;
	uint32_t granule = card->vgpr_alloc[wave32 ? 0 : 1], lanes = wave32 ? 32 : 64;
	uint32_t total = wave32 ? card->vgprs : card->vgprs / 2u;
	uint32_t waves = total / ((vgprs + granule - 1) / granule * granule);

	if (threads == 0)
		threads = 1024; /* the most that there is */
	if (waves > card->waves_per_simd)
		waves = card->waves_per_simd;
	return (threads + lanes - 1) / lanes <= waves * (wgp ? 4 : 2);
}

/* VGPRs that the kernel needs now; 0: those that it has. */
static uint32_t needed_vgprs(const struct rp_rt_object *o, const struct rp_kernel *k)
{
	const struct rp_rt_function *f = &o->functions[k->function];
	uint32_t need = f->vgprs;

	if (!f->calls)
		return need;
	/* who calls whom is not asked: any function of the object */
	for (size_t i = 0; i < o->object->n_functions; i++)
		if (o->object->functions[i].kernel == RP_CODEOBJ_NO_KERNEL &&
			o->functions[i].vgprs > need)
			need = o->functions[i].vgprs;
	return need;
}

static int choose_mode(struct rp_rt_object *o, const struct rp_kernel *k, uint32_t vgprs,
	uint32_t *rsrc1, char reason[256])
{
	const struct rp_chip *card = o->options->chip;
	const struct rp_rt_function *f = &o->functions[k->function];

	if (f->is_trap || !rp_descriptor_is_wgp(&k->descriptor) || !f->wide_ds ||
		!rp_chip_has(card, RP_CHIP_LDS_MISALIGNED_WGP) ||
		rp_chip_has(o->object->chip, RP_CHIP_LDS_MISALIGNED_WGP))
		return 0;
	if (o->options->cu_mode != RP_RETARGET_CU_OFF && fits(card, k, vgprs, false)) {
		*rsrc1 &= ~(UINT32_C(1) << 29);
		o->report->rules[RP_RETARGET_CU_MODE]++;
		return 0;
	}
	if (f->misaligned_ds || o->options->cu_mode == RP_RETARGET_CU_ON) {
		(void)snprintf(reason, 256, "%s LDS accesses in WGP mode, and CU mode %s",
			f->misaligned_ds ? "misaligned" : "wide",
			o->options->cu_mode == RP_RETARGET_CU_OFF
				? "is switched off"
				: "has no room for its work-group");
		return RP_RT_REFUSED;
	}
	if (o->options->cu_mode == RP_RETARGET_CU_AUTO) {
		(void)snprintf(reason, 256,
			"stays in WGP mode: wide LDS accesses are wrong there where an address is "
			"misaligned, and CU mode has no room for its work-group");
	}
	return 0;
}

int rp_rt_descriptor(struct rp_rt_object *o, size_t kernel, char reason[256])
{
	const struct rp_kernel *k = &o->object->kernels[kernel];
	const struct rp_chip *card = o->options->chip;
	bool wgp = rp_descriptor_is_wgp(&k->descriptor);
	uint32_t old = rp_descriptor_vgprs(&k->descriptor, card), need = needed_vgprs(o, k);
	uint32_t granule = card->vgpr_encode[rp_descriptor_is_wave32(&k->descriptor) ? 0 : 1];
	uint32_t rsrc1 = k->descriptor.rsrc1, count = 0;

	reason[0] = '\0';
	if (need > old) {
		uint32_t blocks = (need + granule - 1) / granule;

		if (fits(card, k, old, wgp) && !fits(card, k, blocks * granule, wgp)) {
			(void)snprintf(reason, 256,
				"its work-group of %u threads has no room with %u VGPRs",
				k->metadata.max_flat_workgroup_size, blocks * granule);
			return RP_RT_REFUSED;
		}
		rsrc1 = (rsrc1 & ~UINT32_C(0x3f)) | (blocks - 1);
		old = blocks * granule;
		o->report->rules[RP_RETARGET_MORE_VGPRS]++;
	}
	if (need > k->metadata.vgpr_count && k->metadata.vgpr_count)
		count = need;
	if (choose_mode(o, k, old, &rsrc1, reason))
		return RP_RT_REFUSED;
	o->kernels[kernel] = (struct rp_rt_kernel){ rsrc1, count };
	return 0;
}
