/* SPDX-License-Identifier: MIT */
/*
 * One function: a pass over its instructions that finds what a block tells by itself and what the
 * block does to the states that pass through it; then the states at block entries, joined until
 * nothing changes; then the few instructions whose answer depends on them.
 */
#include <string.h>

#include "scan/internal.h"

enum { SOPP_CLAUSE = 0x21 };

void rp_scanner_free(struct rp_scanner *s)
{
	rp_flow_free(&s->flow);
	free(s->marks);
	free(s->blocks);
	free(s->candidates);
	*s = (struct rp_scanner)RP_SCANNER_INIT;
}

static uint32_t classes_of_hazards(uint32_t hazards)
{
	uint32_t set = 0;

	for (unsigned int h = 0; hazards; h++, hazards >>= 1)
		if (hazards & 1)
			set |= RP_SCAN_BIT(rp_scan_class_of_hazard(h));
	return set;
}

/* Whether instruction i of a clause (s_clause: simm16 5:0 + 1 instructions) has an NSA address. */
static uint32_t in_clause(uint32_t *left, const struct rp_isa_inst *i)
{
	bool is_nsa = i->encoding == RP_ISA_MIMG && (i->w[0] >> 1 & 3) != 0;

	if (i->encoding == RP_ISA_SOPP && i->opcode == SOPP_CLAUSE) {
		*left = (i->w[0] & 0x3f) + 1;
		return 0;
	}
	if (!*left)
		return 0;
	--*left;
	return is_nsa ? RP_SCAN_BIT(RP_SCAN_NSA_CLAUSE) : 0;
}

static int add_candidate(struct rp_scanner *s, size_t *n, uint32_t inst, uint32_t block,
	uint32_t open, const struct rp_hazard_facts *facts, struct rp_error *err)
{
	if (*n == s->cap_candidates &&
		rp_array_grow(&s->candidates, &s->cap_candidates, *n, sizeof(*s->candidates)) < 0)
		return RP_NOMEM(err);
	s->candidates[(*n)++] = (struct rp_scan_candidate){ inst, block, open, *facts };
	return 0;
}

static int scan_block(struct rp_scanner *s, const struct rp_scan_job *job, uint32_t b,
	size_t *n_candidates, struct rp_error *err)
{
	const struct rp_flow_block *block = &s->flow.blocks[b];
	const struct rp_isa_target *t = &s->flow.target;
	struct rp_hazard_state state = { 0 };
	uint32_t open = RP_HAZARD_PART_ALL, open_at_branch = 0, clause = 0;
	struct rp_hazard_facts facts;

	for (uint32_t k = block->first; k < block->first + block->n; k++) {
		const struct rp_isa_inst *i = &s->flow.insts[k].inst;
		uint32_t found, met;

		if (!clause && rp_hazard_is_plain(i) && rp_isa_row_of(i)->chips & job->chip->isa) {
			rp_hazard_step_plain(&state, &open);
			s->marks[k] = 0;
			continue;
		}
		found = rp_scan_static(job, t, i);
		found |= in_clause(&clause, i);
		rp_hazard_facts(t, i, &facts);
		if (facts.asks) {
			met = rp_hazard_met(&state, &facts);
			if (met)
				found |= classes_of_hazards(met);
			if (open && rp_hazard_possible(open, &facts) & ~met) {
				int r = add_candidate(s, n_candidates, k, b, open, &facts, err);

				if (r < 0)
					return r;
			}
		}
		if (rp_hazard_is_branch(&facts))
			open_at_branch = open;
		rp_hazard_step(&state, &facts, &open);
		s->marks[k] = found & job->classes;
	}
	s->blocks[b] = (struct rp_scan_block){
		.local = state, .open = open, .open_at_branch = open_at_branch, .dirty = true
	};
	return 0;
}

static void flow_into(struct rp_scanner *s, uint32_t to, const struct rp_hazard_state *out)
{
	if (to != RP_FLOW_NONE && rp_hazard_join(&s->blocks[to].in, out))
		s->blocks[to].dirty = true;
}

/* States at the entries of all blocks; they only grow, so it ends. */
static void solve(struct rp_scanner *s)
{
	bool again = true;

	while (again) {
		again = false;
		for (uint32_t b = 0; b < s->flow.n_blocks; b++) {
			struct rp_scan_block *block = &s->blocks[b];
			struct rp_hazard_state out;

			if (!block->dirty)
				continue;
			block->dirty = false;
			again = true;
			out = rp_hazard_through(
				&block->in, &block->local, block->open, block->open_at_branch);
			flow_into(s, s->flow.blocks[b].next, &out);
			flow_into(s, s->flow.blocks[b].taken, &out);
		}
	}
}

static int scan_flow(struct rp_scanner *s, const struct rp_scan_job *job, struct rp_error *err)
{
	size_t n_candidates = 0;
	int r = 0;

	for (uint32_t b = 0; r == 0 && b < s->flow.n_blocks; b++)
		r = scan_block(s, job, b, &n_candidates, err);
	if (r < 0)
		return r;
	if (n_candidates == 0)
		return 0;
	solve(s);
	for (size_t n = 0; n < n_candidates; n++) {
		const struct rp_scan_candidate *c = &s->candidates[n];
		struct rp_hazard_state in = s->blocks[c->block].in;

		rp_hazard_restrict(&in, c->open);
		s->marks[c->inst] |=
			classes_of_hazards(rp_hazard_met(&in, &c->facts)) & job->classes;
	}
	return 0;
}

static void count(const struct rp_scanner *s, struct rp_scan_function *ret)
{
	*ret = (struct rp_scan_function){ .n_instructions = s->flow.n_insts };
	for (uint32_t i = 0; i < s->flow.n_insts; i++) {
		uint32_t marks = s->marks[i];

		ret->classes |= marks;
		for (; marks; marks &= marks - 1)
			ret->n[__builtin_ctz(marks)]++;
	}
}

int rp_scan_code(struct rp_scanner *s, const struct rp_scan_options *options,
	const struct rp_chip *code_chip, struct rp_span code, struct rp_scan_mode mode,
	struct rp_scan_function *ret, struct rp_error *err)
{
	struct rp_isa_target target = { code_chip->isa, mode.wave64 };
	struct rp_scan_job job = { options->chip,
		rp_scan_classes_for(options->chip, options->strict), mode.wgp };
	int r;

	/* A compiler that knows the defect has split what was misaligned, and took null out. */
	if (rp_chip_has(code_chip, RP_CHIP_LDS_MISALIGNED_WGP))
		job.classes &= ~RP_SCAN_BIT(RP_SCAN_LDS_WIDE);
	r = rp_flow_read(&s->flow, &target, code, err);
	if (r < 0)
		return r;
	if (s->flow.n_insts > s->cap_marks &&
		rp_array_grow(&s->marks, &s->cap_marks, s->flow.n_insts - 1, sizeof(*s->marks)) < 0)
		return RP_NOMEM(err);
	if (s->flow.n_blocks > s->cap_blocks &&
		rp_array_grow(
			&s->blocks, &s->cap_blocks, s->flow.n_blocks - 1, sizeof(*s->blocks)) < 0)
		return RP_NOMEM(err);
	r = scan_flow(s, &job, err);
	if (r < 0)
		return r;
	count(s, ret);
	return 0;
}

struct rp_scan_mode rp_scan_mode_of(const struct rp_codeobj *object, size_t index)
{
	size_t kernel = object->functions[index].kernel, n32 = 0, n_wgp = 0;

	if (kernel != RP_CODEOBJ_NO_KERNEL) {
		const struct rp_kernel_descriptor *d = &object->kernels[kernel].descriptor;

		return (struct rp_scan_mode){ !rp_descriptor_is_wave32(d),
			rp_descriptor_is_wgp(d) };
	}
	for (size_t k = 0; k < object->n_kernels; k++) {
		n32 += rp_descriptor_is_wave32(&object->kernels[k].descriptor);
		n_wgp += rp_descriptor_is_wgp(&object->kernels[k].descriptor);
	}
	/* wave64 only if all agree; WGP mode (the default) if any kernel runs so, or there is none */
	return (struct rp_scan_mode){ object->n_kernels && !n32, !object->n_kernels || n_wgp };
}

int rp_scan_function(struct rp_scanner *s, const struct rp_scan_options *options,
	const struct rp_codeobj *object, size_t index, struct rp_scan_function *ret,
	struct rp_error *err)
{
	const struct rp_function *f = &object->functions[index];
	int r = rp_scan_code(
		s, options, object->chip, f->code, rp_scan_mode_of(object, index), ret, err);

	return r < 0 ? rp_error_prefix(err, r, "%.*s", (int)f->name.n, (const char *)f->name.p) : r;
}
