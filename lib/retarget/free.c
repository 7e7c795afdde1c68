/* SPDX-License-Identifier: MIT */
/*
 * Which registers the new code may use: the independent answer. The rewriter solves liveness backwards;
 * this walks forward from one instruction until what is in a register is overwritten or read.
 */
#include "retarget/verify.h"

/* s_setpc_b64 of a constant that was made just before it: a long branch, no return. */
static bool is_long_branch(const struct rp_vf_code *code, uint32_t i)
{
	uint32_t reg = code->v[i].w[0] & 0x7f;

	for (uint32_t k = 1; k <= i && k < 64; k++) {
		const struct rp_isa_inst *inst = &code->v[i - k];

		if (inst->flags & (RP_ISA_F_BRANCH | RP_ISA_F_JUMP | RP_ISA_F_CALL))
			return false;
		if (inst->encoding == RP_ISA_SOP1 && inst->opcode == 0x1f) /* s_getpc_b64 */
			return (inst->w[0] >> 16 & 0x7f) == reg;
	}
	return false;
}

/* A jump through registers may be a return to a caller. */
static bool may_leave(const struct rp_vf_code *code, uint32_t i)
{
	uint32_t f = code->v[i].flags;

	if (f & RP_ISA_F_CALL)
		return true;
	return f & RP_ISA_F_JUMP && !(f & (RP_ISA_F_END | RP_ISA_F_BRANCH)) &&
	       !is_long_branch(code, i);
}

static void name_registers(const struct rp_vf_code *code, struct rp_vf_pair *p)
{
	struct rp_isa_regs regs;

	for (uint32_t i = 0; i < code->n; i++) {
		rp_isa_scalar_regs(&code->target, &code->v[i], &regs);
		for (unsigned int b = 0; b < 2; b++)
			p->named.b[b] |= regs.read.b[b] | regs.write.b[b] |
					 regs.read_implicit.b[b] | regs.write_implicit.b[b];
		p->calls |= may_leave(code, i);
		p->rel_scalar |=
			code->v[i].flags & RP_ISA_F_REL && code->v[i].klass == RP_ISA_CLASS_SALU;
		p->rel_vector |=
			code->v[i].flags & RP_ISA_F_REL && code->v[i].klass != RP_ISA_CLASS_SALU;
	}
	p->has_named = true;
}

/* What a function names; all of the object if code of others may run beside it. */
static const struct rp_vf_pair *names(struct rp_vf *v, size_t function)
{
	struct rp_vf_pair *p = &v->pairs[function];

	if (!p->has_named)
		name_registers(&p->old_code, p);
	if (!p->calls && p->old_code.function->kernel != RP_CODEOBJ_NO_KERNEL)
		return p;
	if (!v->all.has_named)
		for (size_t f = 0; f < v->old_object->n_functions; f++)
			name_registers(&v->pairs[f].old_code, &v->all);
	return &v->all;
}

static void name_vgprs(const struct rp_vf_code *code, struct rp_vf_pair *p)
{
	struct rp_isa_regs regs;

	for (uint32_t i = 0; i < code->n; i++) {
		rp_isa_regs(&code->target, &code->v[i], &regs);
		for (unsigned int b = 0; b < 4; b++)
			p->vnamed.b[b] |= regs.vread.b[b] | regs.vwrite.b[b];
	}
	p->has_vnamed = true;
}

bool rp_vf_vgpr_is_free(struct rp_vf *v, size_t function, uint32_t vgpr)
{
	const struct rp_vf_pair *n = names(v, function);
	struct rp_vf_pair *p = &v->pairs[function];

	if (n == p && !p->has_vnamed)
		name_vgprs(&p->old_code, p);
	for (size_t f = 0; n != p && !v->all.has_vnamed && f < v->old_object->n_functions; f++)
		name_vgprs(&v->pairs[f].old_code, &v->pairs[f]);
	if (n != p && !v->all.has_vnamed) {
		for (size_t f = 0; f < v->old_object->n_functions; f++)
			for (unsigned int b = 0; b < 4; b++)
				v->all.vnamed.b[b] |= v->pairs[f].vnamed.b[b];
		v->all.has_vnamed = true;
	}
	if (rp_isa_vset_has(&n->vnamed, vgpr))
		return false;
	/* v_movrel may reach everything that a kernel has */
	for (size_t k = 0; n->rel_vector && k < v->old_object->n_kernels; k++)
		if (rp_descriptor_vgprs(
			    &v->old_object->kernels[k].descriptor, v->old_object->chip) > vgpr)
			return false;
	if (vgpr + 1 > p->vgprs)
		p->vgprs = vgpr + 1;
	return true;
}

static uint32_t at_offset(const struct rp_vf_code *c, int64_t off)
{
	uint32_t lo = 0, hi = c->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->off[mid] < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->n && c->off[lo] == off ? lo : UINT32_MAX;
}

/*
 * From behind instruction i on, on all paths: overwritten (or the end of the wave) before it is read?
 * Calls and jumps through registers count as reading.
 */
static bool dies(const struct rp_vf_code *c, uint32_t i, uint32_t reg)
{
	RP_CLEANUP(rp_free_p) uint8_t *seen = calloc(c->n, 1);
	RP_CLEANUP(rp_free_p) uint32_t *todo = calloc(c->n, sizeof(*todo));
	uint32_t n = 0;

	if (!seen || !todo || i + 1 >= c->n)
		return false;
	seen[i + 1] = 1;
	todo[n++] = i + 1;
	while (n) {
		uint32_t k = todo[--n], next[2] = { UINT32_MAX, UINT32_MAX };
		const struct rp_isa_inst *inst = &c->v[k];
		struct rp_isa_regs regs;

		rp_isa_scalar_regs(&c->target, inst, &regs);
		if (rp_isa_sset_has(&regs.read, reg) || rp_isa_sset_has(&regs.read_implicit, reg) ||
			inst->flags & RP_ISA_F_CALL ||
			(inst->flags & RP_ISA_F_REL && inst->klass == RP_ISA_CLASS_SALU))
			return false;
		if (rp_isa_sset_has(&regs.write, reg) ||
			rp_isa_sset_has(&regs.write_implicit, reg) || inst->flags & RP_ISA_F_END)
			continue;
		if (inst->flags & RP_ISA_F_BRANCH)
			next[0] = at_offset(c, rp_isa_branch_target(inst, c->off[k]));
		else if (inst->flags & RP_ISA_F_JUMP)
			return false;
		if (inst->flags & RP_ISA_F_BRANCH && next[0] == UINT32_MAX)
			return false;
		if (!(inst->flags & RP_ISA_F_JUMP)) {
			if (k + 1 >= c->n)
				return false; /* falls off the end */
			next[1] = k + 1;
		}
		for (unsigned int s = 0; s < 2; s++) {
			if (next[s] != UINT32_MAX && !seen[next[s]]) {
				seen[next[s]] = 1;
				todo[n++] = next[s];
			}
		}
	}
	return true;
}

bool rp_vf_scalar_is_free(struct rp_vf *v, size_t function, uint32_t i, uint32_t reg)
{
	const struct rp_vf_pair *n = names(v, function);
	const struct rp_vf_code *c = &v->pairs[function].old_code;
	unsigned int width = c->target.wave64 ? 2 : 1;
	struct rp_isa_regs regs;

	if (reg + width > 108 || reg % width)
		return false;
	if (!n->rel_scalar && reg < 106 && !rp_isa_sset_has(&n->named, reg) &&
		!rp_isa_sset_has(&n->named, reg + width - 1))
		return true;
	rp_isa_scalar_regs(&c->target, &c->v[i], &regs);
	for (uint32_t r = reg; r < reg + width; r++)
		if (rp_isa_sset_has(&regs.read, r) || rp_isa_sset_has(&regs.write, r) ||
			rp_isa_sset_has(&regs.read_implicit, r) || !dies(c, i, r))
			return false;
	return true;
}

static bool reads_aperture(const struct rp_vf_code *c)
{
	struct rp_isa_operand op;

	for (uint32_t i = 0; i < c->n; i++) {
		const struct rp_isa_inst *inst = &c->v[i];

		if (inst->encoding == RP_ISA_SOPK && inst->opcode == 0x12 &&
			(inst->w[0] & 0x3f) == 15)
			return true; /* s_getreg of SH_MEM_BASES */
		for (unsigned int n = 0; n < rp_isa_row_of(inst)->n_operands; n++) {
			rp_isa_operand(&c->target, inst, n, &op);
			if (op.kind == RP_ISA_OP_SPECIAL && op.reg >= 235 && op.reg <= 238)
				return true;
		}
	}
	return false;
}

bool rp_vf_may_have_aperture(struct rp_vf *v, size_t function)
{
	if (names(v, function) == &v->pairs[function])
		return reads_aperture(&v->pairs[function].old_code);
	for (size_t f = 0; !v->knows_aperture && f < v->old_object->n_functions; f++)
		v->has_aperture |= reads_aperture(&v->pairs[f].old_code);
	v->knows_aperture = true;
	return v->has_aperture;
}
