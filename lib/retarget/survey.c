/* SPDX-License-Identifier: MIT */
/*
 * Which registers are free: those that nobody names (in the kernel; in the whole object where functions
 * call each other), and scalar registers that are dead at a place. Liveness is backwards over the
 * control-flow graph of one function; calls, returns and jumps to where we cannot follow need everything.
 */
#include "retarget/internal.h"

/* Source codes 235..238 are the apertures of LDS and scratch (shared, private; base, limit). */
static bool is_aperture(uint32_t code)
{
	return code >= 235 && code <= 238;
}

static bool uses_aperture(const struct rp_isa_inst *i)
{
	uint32_t w0 = i->w[0], w1 = i->w[1];

	switch (i->encoding) {
	case RP_ISA_SOP1:
		return is_aperture(w0 & 0xff);
	case RP_ISA_SOP2:
	case RP_ISA_SOPC:
		return is_aperture(w0 & 0xff) || is_aperture(w0 >> 8 & 0xff);
	case RP_ISA_SOPK: /* SH_MEM_BASES */
		return i->opcode == RP_RT_SOPK_GETREG && (w0 & 0x3f) == 15;
	case RP_ISA_VOP1:
	case RP_ISA_VOP2:
	case RP_ISA_VOPC:
		if (i->form == RP_ISA_FORM_SDWA)
			return (w1 >> 23 & 1 && is_aperture(w1 & 0xff)) ||
			       (w1 >> 31 && is_aperture(w0 >> 9 & 0xff));
		return i->form == RP_ISA_FORM_NATIVE && is_aperture(w0 & 0x1ff);
	case RP_ISA_VOP3:
	case RP_ISA_VOP3P:
		return is_aperture(w1 & 0x1ff) || is_aperture(w1 >> 9 & 0x1ff) ||
		       is_aperture(w1 >> 18 & 0x1ff);
	default:
		return false;
	}
}

/* Wide LDS accesses: natural alignment is 8 bytes for b64, 16 for b96 and b128. */
static void survey_ds(
	const struct rp_isa_target *t, const struct rp_isa_inst *i, struct rp_rt_survey *s)
{
	uint32_t offset = i->w[0] & 0xffff, align = 8;
	struct rp_isa_operand op;

	if (i->w[0] >> 17 & 1) /* gds */
		return;
	for (unsigned int n = 0; n < rp_isa_row_of(i)->n_operands; n++) {
		rp_isa_operand(t, i, n, &op);
		if (op.kind == RP_ISA_OP_VGPR && op.dwords > 2)
			align = 16;
	}
	s->wide_ds = true;
	s->misaligned_ds |= offset % align != 0;
}

void rp_rt_survey(const struct rp_flow *flow, struct rp_rt_survey *s)
{
	s->calls |= flow->n_setpc_unknown != 0;
	for (uint32_t k = 0; k < flow->n_insts; k++) {
		const struct rp_isa_inst *i = &flow->insts[k].inst;

		s->calls |= (i->flags & RP_ISA_F_CALL) != 0;
		if (i->flags & RP_ISA_F_REL) {
			s->rel_scalar |= i->klass == RP_ISA_CLASS_SALU;
			s->rel_vector |= i->klass != RP_ISA_CLASS_SALU;
		}
		if (i->flags & RP_ISA_F_WIDE && i->klass == RP_ISA_CLASS_DS)
			survey_ds(&flow->target, i, s);
		s->uses_apertures |= uses_aperture(i);
	}
}

static void join_vset(struct rp_isa_vset *to, const struct rp_isa_vset *from)
{
	for (unsigned int b = 0; b < 4; b++)
		to->b[b] |= from->b[b];
}

static void name_scalars(const struct rp_flow *flow, struct rp_rt_survey *s)
{
	struct rp_isa_regs regs;

	for (uint32_t k = 0; k < flow->n_insts; k++) {
		rp_isa_scalar_regs(&flow->target, &flow->insts[k].inst, &regs);
		s->scalars = rp_isa_sset_or(s->scalars, rp_isa_sset_or(regs.read, regs.write));
		s->scalars = rp_isa_sset_or(
			s->scalars, rp_isa_sset_or(regs.read_implicit, regs.write_implicit));
	}
}

static void name_vgprs(const struct rp_flow *flow, struct rp_rt_survey *s)
{
	struct rp_isa_regs regs;

	for (uint32_t k = 0; k < flow->n_insts; k++) {
		rp_isa_regs(&flow->target, &flow->insts[k].inst, &regs);
		join_vset(&s->vgprs, &regs.vread);
		join_vset(&s->vgprs, &regs.vwrite);
	}
}

int rp_rt_need_survey(struct rp_rt *rt, struct rp_error *err)
{
	struct rp_flow flow = RP_FLOW_INIT;
	int r = 0;

	if (rt->o->has_survey)
		return 0;
	for (size_t i = 0; r == 0 && i < rt->o->object->n_functions; i++) {
		r = rp_flow_read(&flow, &rt->flow.target, rt->o->object->functions[i].code, err);
		if (r == 0)
			rp_rt_survey(&flow, &rt->o->survey);
	}
	rp_flow_free(&flow);
	rt->o->has_survey = r == 0;
	return r;
}

int rp_rt_need_regs(struct rp_rt *rt, bool vgprs, struct rp_error *err)
{
	void (*name)(const struct rp_flow *, struct rp_rt_survey *) =
		vgprs ? name_vgprs : name_scalars;
	bool own = rt->scope == &rt->survey;
	struct rp_rt_survey *s = own ? &rt->survey : &rt->o->survey;
	bool *has = vgprs ? &s->has_vgprs : &s->has_scalars;
	struct rp_flow flow = RP_FLOW_INIT;
	int r = 0;

	if (*has)
		return 0;
	if (own)
		name(&rt->flow, s);
	for (size_t i = 0; !own && r == 0 && i < rt->o->object->n_functions; i++) {
		r = rp_flow_read(&flow, &rt->flow.target, rt->o->object->functions[i].code, err);
		if (r == 0)
			name(&flow, s);
	}
	rp_flow_free(&flow);
	*has = r == 0;
	return r;
}

static const struct rp_isa_sset everything = { { UINT64_MAX, UINT64_MAX } };

/* live: behind i in, before i out. */
static void step_back(
	const struct rp_isa_target *t, const struct rp_isa_inst *i, struct rp_isa_sset *live)
{
	struct rp_isa_regs regs;
	struct rp_isa_sset read, write;

	if (!i->row || i->flags & RP_ISA_F_CALL ||
		(i->flags & RP_ISA_F_REL && i->klass == RP_ISA_CLASS_SALU)) {
		*live = everything;
		return;
	}
	rp_isa_scalar_regs(t, i, &regs);
	read = rp_isa_sset_or(regs.read, regs.read_implicit);
	write = rp_isa_sset_or(regs.write, regs.write_implicit);
	if (regs.scc_read)
		read.b[1] |= UINT64_C(1) << (RP_RT_SCC - 64);
	if (regs.scc_write)
		write.b[1] |= UINT64_C(1) << (RP_RT_SCC - 64);
	for (unsigned int b = 0; b < 2; b++)
		live->b[b] = (live->b[b] & ~write.b[b]) | read.b[b];
}

/* What is live behind the last instruction of a block, by what is live before the blocks that follow. */
static struct rp_isa_sset behind_block(
	const struct rp_rt *rt, const struct rp_isa_sset *in, uint32_t b)
{
	const struct rp_flow_block *block = &rt->flow.blocks[b];
	const struct rp_isa_inst *last = &rt->flow.insts[block->first + block->n - 1].inst;
	struct rp_isa_sset live = { { 0, 0 } };

	if (last->flags & RP_ISA_F_END)
		return live;
	if (block->next == RP_FLOW_NONE && block->taken == RP_FLOW_NONE)
		return everything;
	if (rp_flow_is_branch(last) && block->taken == RP_FLOW_NONE)
		return everything;
	if (block->next != RP_FLOW_NONE)
		live = rp_isa_sset_or(live, in[block->next]);
	else if (!(last->flags & RP_ISA_F_JUMP))
		return everything; /* falls off the end */
	if (block->taken != RP_FLOW_NONE)
		live = rp_isa_sset_or(live, in[block->taken]);
	return live;
}

int rp_rt_need_live(struct rp_rt *rt, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) struct rp_isa_sset *in = NULL;
	bool again = true;

	if (rt->has_live)
		return 0;
	if (rt->flow.n_insts > rt->cap_live && rp_array_grow(&rt->live, &rt->cap_live,
						       rt->flow.n_insts - 1, sizeof(*rt->live)) < 0)
		return RP_NOMEM(err);
	in = calloc(rt->flow.n_blocks + 1, sizeof(*in));
	if (!in)
		return RP_NOMEM(err);
	while (again) {
		again = false;
		for (uint32_t b = rt->flow.n_blocks; b-- > 0;) {
			const struct rp_flow_block *block = &rt->flow.blocks[b];
			struct rp_isa_sset live = behind_block(rt, in, b);

			for (uint32_t k = block->first + block->n; k-- > block->first;) {
				rt->live[k] = live;
				step_back(&rt->flow.target, &rt->flow.insts[k].inst, &live);
			}
			if (live.b[0] != in[b].b[0] || live.b[1] != in[b].b[1]) {
				in[b] = live;
				again = true;
			}
		}
	}
	rt->has_live = true;
	return 0;
}

bool rp_rt_needs_scc(const struct rp_rt *rt, uint32_t inst)
{
	struct rp_isa_sset live = rt->live[inst];

	step_back(&rt->flow.target, &rt->flow.insts[inst].inst, &live);
	return rp_isa_sset_has(&live, RP_RT_SCC);
}

/* Registers from first on (one or two) that are not in any of the sets. */
static bool find(const struct rp_isa_sset *used, const struct rp_isa_sset *avoid, bool pair,
	unsigned int end, uint32_t *ret)
{
	struct rp_isa_sset all = avoid ? rp_isa_sset_or(*used, *avoid) : *used;

	for (unsigned int r = 0; r + (pair ? 1 : 0) < end; r += pair ? 2 : 1) {
		if (rp_isa_sset_has(&all, r) || (pair && rp_isa_sset_has(&all, r + 1)))
			continue;
		*ret = r;
		return true;
	}
	return false;
}

int rp_rt_free_scalar(struct rp_rt *rt, uint32_t inst, bool pair, bool named,
	const struct rp_isa_sset *avoid, uint32_t *ret, struct rp_error *err)
{
	struct rp_isa_sset used;
	struct rp_isa_regs regs;
	int r = rp_rt_need_regs(rt, false, err);

	if (r < 0)
		return r;
	pair |= rt->target.wave64;
	/* s0 to s105: gfx10 always gives a wave all of them */
	if (!rt->scope->rel_scalar && find(&rt->scope->scalars, avoid, pair, 106, ret))
		return 0;
	if (!named)
		return RP_RT_REFUSED;
	r = rp_rt_need_live(rt, err);
	if (r < 0)
		return r;
	rp_isa_scalar_regs(&rt->flow.target, &rt->flow.insts[inst].inst, &regs);
	used = rp_isa_sset_or(rt->live[inst], rp_isa_sset_or(regs.read, regs.write));
	used = rp_isa_sset_or(used, rp_isa_sset_or(regs.read_implicit, regs.write_implicit));
	return find(&used, avoid, pair, 108, ret) ? 0 : RP_RT_REFUSED; /* VCC, too */
}

/* VGPRs that code in this scope may use without naming them: those of the largest kernel. */
static uint32_t unnamed_vgprs(const struct rp_rt *rt)
{
	const struct rp_codeobj *object = rt->o->object;
	uint32_t most = 0;

	for (size_t k = 0; k < object->n_kernels; k++) {
		uint32_t n = rp_descriptor_vgprs(&object->kernels[k].descriptor, object->chip);

		if (n > most)
			most = n;
	}
	return most;
}

int rp_rt_need_temps(struct rp_rt *rt, uint32_t inst, unsigned int n, struct rp_error *err)
{
	int r = rp_rt_need_regs(rt, true, err);

	if (r < 0)
		return r;
	if (!rt->has_temps) {
		uint32_t v = rt->scope->rel_vector ? unnamed_vgprs(rt) : 0;

		for (rt->n_temps = 0; v < 256 && rt->n_temps < RP_RT_TEMPS; v++)
			if (!rp_isa_vset_has(&rt->scope->vgprs, v))
				rt->temps[rt->n_temps++] = (uint8_t)v;
		rt->has_temps = true;
	}
	if (n > rt->n_temps)
		return rp_rt_refuse(
			rt, inst, "needs %u more VGPRs, %u of 256 are free", n, rt->n_temps);
	if (n && rt->temps[n - 1] + 1u > rt->vgprs)
		rt->vgprs = rt->temps[n - 1] + 1u;
	return 0;
}
