/* SPDX-License-Identifier: MIT */
/* Old and new code side by side: what the checker paired, as text. */
#include "retarget/verify.h"

static bool is_same(const struct rp_isa_inst *a, const struct rp_isa_inst *b)
{
	if (a->flags & RP_ISA_F_BRANCH) /* its offset counts words, which are others now */
		return a->encoding == b->encoding && a->opcode == b->opcode &&
		       (a->encoding != RP_ISA_SOPK || !((a->w[0] ^ b->w[0]) & ~UINT32_C(0xffff)));
	return a->bytes == b->bytes && memcmp(a->w, b->w, a->bytes) == 0;
}

/* New instructions [from, to) that stand for old instruction i (or for nothing: i is old.n). */
static int line(const struct rp_vf_pair *p, uint32_t i, uint32_t from, uint32_t to,
	const struct rp_retarget_differ *differ, struct rp_error *err)
{
	struct rp_retarget_diff_line l = { .function = p->old_code.function };
	bool is_old = i < p->old_code.n;
	int r = 0;

	l.is_same = is_old && to == from + 1 && is_same(&p->old_code.v[i], &p->new_code.v[from]);
	l.old_off = is_old ? p->old_code.off[i] : 0;
	if (is_old)
		(void)rp_isa_print(&p->old_code.target, &p->old_code.v[i], NULL, l.old_text,
			sizeof(l.old_text));
	l.has_old = is_old;
	for (uint32_t j = from; r == 0 && (j < to || j == from); j++) {
		l.has_new = j < to;
		l.new_off = j < to ? p->new_code.off[j] : 0;
		if (l.has_new)
			(void)rp_isa_print(&p->new_code.target, &p->new_code.v[j], NULL, l.new_text,
				sizeof(l.new_text));
		r = differ->line(differ->data, &l, err);
		l.has_old = false; /* more lines for the same old instruction */
	}
	return r;
}

int rp_vf_diff(struct rp_vf *v, size_t function, const struct rp_retarget_differ *differ,
	struct rp_error *err)
{
	const struct rp_vf_pair *p = &v->pairs[function];
	uint32_t n = p->old_code.n;
	int r = 0;

	if (p->is_trap) /* no pairs: all of the old code, then the trap */
		for (uint32_t i = 0; r == 0 && i <= n; i++)
			r = line(p, i, i < n ? p->new_code.n : 0, p->new_code.n, differ, err);
	for (uint32_t i = 0; r == 0 && !p->is_trap && i < n; i++) {
		uint32_t end = i + 1 < n ? p->first[i + 1] : p->new_code.n;

		if (p->body[i] > p->first[i]) /* what was put in before it */
			r = line(p, n, p->first[i], p->body[i], differ, err);
		if (r == 0)
			r = line(p, i, p->body[i], end, differ, err);
	}
	return r;
}
