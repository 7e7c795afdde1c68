/* SPDX-License-Identifier: MIT */
/*
 * Pairs old and new code of one function. Both are walked once; each new instruction is the old one, an
 * allowed replacement of it, part of an allowed sequence, or an instruction that changes nothing.
 */
#include "retarget/verify.h"

int rp_vf_decode(const struct rp_function *f, const struct rp_isa_target *target,
	struct rp_vf_code *ret, struct rp_error *err)
{
	struct rp_vf_code c = { .function = f, .target = *target };
	size_t off = 0;

	c.v = reallocarray(NULL, f->code.n / 4 + 1, sizeof(*c.v)); /* filled below */
	c.off = reallocarray(NULL, f->code.n / 4 + 2, sizeof(*c.off));
	if (!c.v || !c.off) {
		rp_vf_code_free(&c);
		return RP_NOMEM(err);
	}
	while (off < f->code.n) {
		(void)rp_isa_decode(target, f->code, off, &c.v[c.n]);
		c.off[c.n] = (uint32_t)off;
		off += c.v[c.n++].bytes;
	}
	c.off[c.n] = (uint32_t)off;
	*ret = c;
	return 0;
}

void rp_vf_code_free(struct rp_vf_code *code)
{
	free(code->v);
	free(code->off);
	*code = (struct rp_vf_code){ 0 };
}

/* Changes nothing but time: LLVM's mitigations. */
static bool is_harmless(const struct rp_isa_inst *i)
{
	uint32_t w = i->w[0];

	switch (w) {
	case 0xbf800000: /* s_nop 0 */
	case 0xbfa3ffe3: /* s_waitcnt_depctr: vm_vsrc */
	case 0xbfa3fffe: /* s_waitcnt_depctr: sa_sdst */
	case 0xbefd0380: /* s_mov_b32 null, 0 */
	case 0xbbfd0000: /* s_waitcnt_vscnt null, 0 */
		return true;
	default: /* v_mov_b32 vN, vN */
		return i->encoding == RP_ISA_VOP1 && i->form == RP_ISA_FORM_NATIVE &&
		       i->opcode == 1 && (w & 0x1ff) >= 256 && (w & 0xff) == (w >> 17 & 0xff);
	}
}

static bool equal_words(const struct rp_isa_inst *a, const struct rp_isa_inst *b)
{
	return a->bytes == b->bytes && memcmp(a->w, b->w, a->bytes) == 0;
}

/* All words but bits of one. */
static bool equal_but(
	const struct rp_isa_inst *a, const struct rp_isa_inst *b, unsigned int word, uint32_t bits)
{
	struct rp_isa_inst x = *b;

	x.w[word] = (x.w[word] & ~bits) | (a->w[word] & bits);
	return equal_words(a, &x);
}

static bool is_sopp(const struct rp_isa_inst *i, uint32_t opcode)
{
	return i->encoding == RP_ISA_SOPP && i->opcode == opcode;
}

/* null in a scalar destination of a VALU instruction became reg. */
static bool null_replaced(struct rp_vf *v, size_t function, uint32_t i, const struct rp_isa_inst *b)
{
	const struct rp_vf_code *c = &v->pairs[function].old_code;
	const struct rp_isa_inst *a = &c->v[i];
	struct rp_isa_operand old_op, new_op;
	unsigned int n_null = 0;

	if (a->klass != RP_ISA_CLASS_VALU || a->row != b->row || a->bytes != b->bytes ||
		a->form != b->form)
		return false;
	for (unsigned int n = 0; n < rp_isa_row_of(a)->n_operands; n++) {
		rp_isa_operand(&c->target, a, n, &old_op);
		rp_isa_operand(&c->target, b, n, &new_op);
		if (old_op.kind == RP_ISA_OP_SCALAR && old_op.reg == RP_ISA_NULL &&
			old_op.access & RP_ISA_OP_WRITE) {
			n_null++;
			if (new_op.kind != RP_ISA_OP_SCALAR ||
				!rp_vf_scalar_is_free(v, function, i, new_op.reg))
				return false;
		} else if (memcmp(&old_op, &new_op, sizeof(old_op)) != 0) {
			return false;
		}
	}
	return n_null == 1; /* modifiers that are no operands: the words differ in 7 bits only */
}

static bool seven_bits(const struct rp_isa_inst *a, const struct rp_isa_inst *b)
{
	unsigned int differ = 0;

	for (unsigned int w = 0; w < a->bytes / 4u; w++) {
		uint32_t x = a->w[w] ^ b->w[w];

		if (!x)
			continue;
		differ++;
		if (x >> __builtin_ctz(x) > 0x7f)
			return false;
	}
	return differ == 1;
}

/* lgkmcnt lowered to 0, nothing else: s_waitcnt, s_waitcnt_lgkmcnt null. */
static bool wait_lowered(const struct rp_isa_inst *a, const struct rp_isa_inst *b)
{
	if (is_sopp(a, 0x0c))
		return equal_but(a, b, 0, 0x3f00) && (b->w[0] & 0x3f00) == 0;
	return a->encoding == RP_ISA_SOPK && a->opcode == 0x1a && (b->w[0] & 0xffff) == 0 &&
	       equal_but(a, b, 0, 0xffff);
}

static bool is_nop(const struct rp_isa_inst *i)
{
	return i->w[0] == 0xbf800000;
}

static uint32_t at_offset(const struct rp_vf_code *c, uint64_t off)
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

static int add_ref(struct rp_vf *v, size_t function, uint32_t at, uint64_t old_addr,
	uint64_t new_addr, struct rp_error *err)
{
	if (rp_array_grow(&v->refs, &v->cap_refs, v->n_refs, sizeof(*v->refs)) < 0)
		return RP_NOMEM(err);
	v->refs[v->n_refs++] = (struct rp_vf_ref){ function, at, old_addr, new_addr };
	return 0;
}

/* Words of a long branch, from new instruction j on: where it goes. 0: none. */
static unsigned int long_branch(
	const struct rp_vf_code *c, uint32_t j, uint32_t *ret_pair, uint64_t *ret_off)
{
	const struct rp_isa_inst *i = c->v + j;
	uint32_t reg;

	if (j + 5 > c->n || i[0].w[0] != 0xbfa3ffe3 || (i[1].w[0] & 0xff80ffff) != 0xbe801f00)
		return 0;
	reg = i[1].w[0] >> 16 & 0x7f;
	if (i[2].w[0] != (0x8000ff00 | reg << 16 | reg) || i[2].bytes != 8 ||
		(i[3].w[0] & 0xffff00ff) != (0x82000000 | (reg + 1) << 16 | (reg + 1)) ||
		i[4].w[0] != (0xbe802000 | reg) || reg % 2)
		return 0;
	if ((i[3].w[0] >> 8 & 0xff) != ((int32_t)i[2].w[1] < 0 ? 193u : 128u))
		return 0;
	*ret_pair = reg;
	*ret_off = c->off[j + 2] + (uint64_t)(int64_t)(int32_t)i[2].w[1];
	return 5;
}

/* SCC is written before it is read on all paths from old instruction i on. */
static bool scc_dies(const struct rp_vf_code *c, uint32_t i)
{
	for (unsigned int steps = 0; i < c->n && steps < 4096; steps++, i++) {
		struct rp_isa_regs regs;

		rp_isa_scalar_regs(&c->target, &c->v[i], &regs);
		if (regs.scc_read)
			return false;
		if (regs.scc_write || c->v[i].flags & RP_ISA_F_END)
			return true;
		if (c->v[i].flags & (RP_ISA_F_BRANCH | RP_ISA_F_JUMP | RP_ISA_F_CALL)) {
			uint32_t to;

			/* straight on through what has one way, or two that both do not read it */
			if (c->v[i].flags & RP_ISA_F_CALL || !(c->v[i].flags & RP_ISA_F_BRANCH))
				return false;
			to = at_offset(c, (uint64_t)rp_isa_branch_target(&c->v[i], c->off[i]));
			if (to == UINT32_MAX || to <= i)
				return false;
			if (c->v[i].flags & RP_ISA_F_COND && !scc_dies(c, to))
				return false;
			if (!(c->v[i].flags & RP_ISA_F_COND))
				i = to - 1;
		}
	}
	return false;
}

/* A branch and what became of it. *j: its last new instruction. 0: none of these; 1: done. */
static int branch(struct rp_vf *v, size_t function, uint32_t i, uint32_t *j, struct rp_error *err)
{
	const struct rp_vf_pair *p = &v->pairs[function];
	const struct rp_isa_inst *a = &p->old_code.v[i], *b = &p->new_code.v[*j];
	uint64_t old_start = p->old_code.function->addr, new_start = p->new_code.function->addr;
	int64_t old_off = rp_isa_branch_target(a, p->old_code.off[i]);
	uint64_t off = 0;
	uint32_t reg = 0, target, k = *j;
	bool cond = (a->flags & RP_ISA_F_COND) != 0;
	int r;

	if (b->row == a->row && equal_but(a, b, 0, 0xffff)) {
		off = (uint64_t)rp_isa_branch_target(b, p->new_code.off[*j]);
		r = add_ref(v, function, i, old_start + (uint64_t)old_off, new_start + off, err);
		v->result.n_branches++;
		return r < 0 ? r : 1;
	}
	if (a->encoding != RP_ISA_SOPP || a->flags & RP_ISA_F_CALL)
		return 0;
	if (cond) { /* the other condition jumps over the long one */
		if (b->w[0] != (0xbf800000 | (a->opcode ^ 1u) << 16 | 6) || a->opcode > 9)
			return 0;
		k++;
	}
	if (long_branch(&p->new_code, k, &reg, &off) != 5)
		return 0;
	target = at_offset(&p->old_code, (uint64_t)old_off);
	if (target == UINT32_MAX || !scc_dies(&p->old_code, target) ||
		!rp_vf_scalar_is_free(v, function, i, reg) ||
		!rp_vf_scalar_is_free(v, function, i, reg + (p->old_code.target.wave64 ? 0 : 1)))
		return 0;
	*j = k + 4;
	r = add_ref(v, function, i, old_start + (uint64_t)old_off, new_start + off, err);
	v->result.n_branches++;
	return r < 0 ? r : 1;
}

/* SOP2 s_add_u32 0, s_add_i32 2, s_addc_u32 4: parts of a constant, compared later. */
static bool constant_part(const struct rp_isa_inst *a, const struct rp_isa_inst *b)
{
	if (a->encoding != RP_ISA_SOP2 || b->encoding != RP_ISA_SOP2 || a->opcode != b->opcode ||
		a->bytes != b->bytes)
		return false;
	if ((a->opcode == 0 || a->opcode == 2) && a->literal)
		return equal_but(a, b, a->literal, UINT32_MAX);
	if (a->opcode != 4)
		return false;
	if (a->literal)
		return equal_but(a, b, a->literal, UINT32_MAX);
	return equal_but(a, b, 0, 0xff00) &&
	       ((b->w[0] >> 8 & 0xff) == 128 || (b->w[0] >> 8 & 0xff) == 193);
}

/*
 * An s_nop of the new code where the old one has s_nop, s_clause or s_inst_prefetch: is it that, or
 * was it put in before it (behind a branch)? If there are more of them than old ones, it was put in.
 */
static bool is_this_nop(const struct rp_vf_pair *p, uint32_t i, uint32_t j)
{
	const struct rp_isa_inst *a = &p->old_code.v[i];
	uint32_t n_old = 0, n_new = 0;

	while (i + n_old < p->old_code.n &&
		(is_nop(a + n_old) || is_sopp(a + n_old, 0x20) || is_sopp(a + n_old, 0x21)))
		n_old++;
	while (j + n_new < p->new_code.n && is_nop(&p->new_code.v[j + n_new]))
		n_new++;
	if (is_sopp(a, 0x21) && j + n_new < p->new_code.n &&
		equal_words(a, &p->new_code.v[j + n_new]))
		return false; /* the clause is still there */
	return n_new <= n_old;
}

/* 1: new instructions [*j, *j] (or up to a later *j) are old instruction i; 0: they are not. */
static int same(struct rp_vf *v, size_t function, uint32_t i, uint32_t *j, bool *ret_constant,
	struct rp_error *err)
{
	struct rp_vf_pair *p = &v->pairs[function];
	const struct rp_isa_inst *a = &p->old_code.v[i], *b = &p->new_code.v[*j];

	*ret_constant = false;
	if (!a->row || !b->row)
		return 0;
	if (a->flags & RP_ISA_F_BRANCH)
		return branch(v, function, i, j, err);
	if (is_nop(b) && (is_nop(a) || is_sopp(a, 0x20) || is_sopp(a, 0x21)))
		return is_this_nop(p, i, *j);
	if (equal_words(a, b))
		return rp_isa_row_of(a) == rp_isa_row_of(b);
	if (wait_lowered(a, b))
		return 1;
	if (a->encoding == RP_ISA_FLAT && b->encoding == RP_ISA_GLOBAL && a->w[0] & 0xfff &&
		b->w[0] == (a->w[0] | 0x8000) && b->w[1] == a->w[1] &&
		(a->w[1] >> 16 & 0x7f) == RP_ISA_NULL && !(a->w[0] & 0x2800)) {
		p->converts = true;
		return 1;
	}
	if (null_replaced(v, function, i, b) && seven_bits(a, b))
		return 1;
	if (constant_part(a, b)) {
		*ret_constant = true;
		return 1;
	}
	return rp_vf_group(v, function, i, j);
}

/* What the scalar source code of i stands for. */
static bool value_of(const struct rp_isa_inst *i, uint32_t code, uint32_t *ret)
{
	if (code == 255 && i->literal)
		*ret = i->w[i->literal];
	else if (code >= 128 && code <= 208)
		*ret = code <= 192 ? code - 128 : 192 - code;
	else
		return false;
	return true;
}

struct constant {
	uint32_t low, high; /* instructions */
	uint64_t value;
	uint32_t x; /* register of Tensile's sum, or UINT32_MAX */
};

/*
 * The constant that is added to s[reg:reg+1] behind instruction i (s_getpc_b64), read from code: lo +=
 * literal, or lo += sX with sX = literal + inline; hi += carry + literal or inline.
 */
static bool read_constant(const struct rp_vf_code *c, const uint32_t *index, uint32_t n,
	uint32_t reg, struct constant *k)
{
	uint32_t sum = 0, low = 0, high = 0, x = UINT32_MAX;
	bool has_low = false;

	for (uint32_t s = 0; s < n; s++) {
		const struct rp_isa_inst *i = &c->v[index ? index[s] : s];
		uint32_t d = i->w[0] >> 16 & 0x7f, a = i->w[0] & 0xff, b = i->w[0] >> 8 & 0xff, va,
			 vb;

		if (i->encoding != RP_ISA_SOP2)
			continue;
		if (i->opcode == 2 && !has_low && value_of(i, a, &va) && value_of(i, b, &vb)) {
			sum = va + vb;
			x = d;
			k->low = s;
		} else if (i->opcode == 0 && !has_low && d == reg && a == reg) {
			if (value_of(i, b, &low))
				k->low = s;
			else if (b == x)
				low = sum;
			else
				return false;
			has_low = true;
		} else if (i->opcode == 4 && has_low && d == reg + 1 && a == reg + 1) {
			if (!value_of(i, b, &high))
				return false;
			k->high = s;
			k->value = low | (uint64_t)high << 32;
			return true;
		}
	}
	return false;
}

/* Compares what each s_getpc_b64 leads to, and that nothing else of that kind has changed. */
static int constants(struct rp_vf *v, size_t function, uint8_t *changed, struct rp_error *err)
{
	const struct rp_vf_pair *p = &v->pairs[function];
	const struct rp_vf_code *o = &p->old_code, *n = &p->new_code;

	for (uint32_t i = 0; i < o->n; i++) {
		struct constant a = { 0 }, b = { 0 };
		struct rp_vf_code from_old = *o;
		uint32_t reg = o->v[i].w[0] >> 16 & 0x7e,
			 left = o->n - i - 1 < 64 ? o->n - i - 1 : 64;
		int r;

		if (o->v[i].encoding != RP_ISA_SOP1 || o->v[i].opcode != 0x1f)
			continue;
		from_old.v = o->v + i + 1;
		if (!read_constant(&from_old, NULL, left, reg, &a) ||
			!read_constant(n, p->body + i + 1, left, reg, &b) || a.low != b.low ||
			a.high != b.high)
			return rp_vf_fail(v, function, i, err, "a constant of unknown form");
		changed[i + 1 + a.low] = changed[i + 1 + a.high] = 0;
		r = add_ref(v, function, i, o->function->addr + o->off[i] + 4 + a.value,
			n->function->addr + n->off[p->body[i]] + 4 + b.value, err);
		if (r < 0)
			return r;
		v->result.n_constants++;
	}
	for (uint32_t i = 0; i < o->n; i++)
		if (changed[i])
			return rp_vf_fail(v, function, i, err,
				"a constant that is none of the program counter has changed");
	return 0;
}

/* Clauses that are still there have their instructions as they were; waits fit converted FLATs. */
static int rest(struct rp_vf *v, size_t function, struct rp_error *err)
{
	const struct rp_vf_pair *p = &v->pairs[function];

	if (p->converts && rp_vf_may_have_aperture(v, function))
		return rp_vf_fail(v, function, UINT32_MAX, err,
			"FLAT became GLOBAL beside pointers into LDS or scratch");
	for (uint32_t i = 0; i < p->old_code.n; i++) {
		const struct rp_isa_inst *b = &p->new_code.v[p->body[i]];
		uint32_t lgkmcnt = b->w[0] >> 8 & 0x3f, n = b->w[0] & 0x3f;

		if (p->converts && ((is_sopp(b, 0x0c) && lgkmcnt && lgkmcnt != 63) ||
					   (b->encoding == RP_ISA_SOPK && b->opcode == 0x1a &&
						   b->w[0] & 0xffff && (b->w[0] & 0xffff) < 63)))
			return rp_vf_fail(
				v, function, i, err, "waits for a count that GLOBAL does not have");
		if (!is_sopp(b, 0x21))
			continue;
		for (uint32_t k = i + 1; k <= i + n + 1 && k < p->old_code.n; k++)
			if (p->first[k] != p->body[k] || p->body[k] != p->body[k - 1] + 1 ||
				p->new_code.v[p->body[k]].encoding != p->old_code.v[k].encoding)
				return rp_vf_fail(
					v, function, k, err, "changed inside of an s_clause");
	}
	return 0;
}

static int walk(struct rp_vf *v, size_t function, uint8_t *changed, struct rp_error *err)
{
	struct rp_vf_pair *p = &v->pairs[function];
	uint32_t j = 0;

	for (uint32_t i = 0; i < p->old_code.n; i++) {
		bool is_constant = false;
		uint32_t start = 0;

		p->first[i] = j;
		for (;;) {
			int r;

			if (j >= p->new_code.n)
				return rp_vf_fail(
					v, function, i, err, "is missing in the new code");
			start = j;
			r = same(v, function, i, &j, &is_constant, err);
			if (r < 0)
				return r;
			if (r)
				break;
			if (!is_harmless(&p->new_code.v[j]))
				return rp_vf_fail(v, function, i, err,
					"became 0x%08x at +0x%x, which is not the same",
					p->new_code.v[j].w[0], p->new_code.off[j]);
			v->result.n_added++;
			j++;
		}
		changed[i] = is_constant;
		p->body[i] = start; /* a branch may land there, not inside of a sequence */
		j++;
	}
	for (; j < p->new_code.n; j++) { /* an s_nop behind the last branch */
		if (!is_harmless(&p->new_code.v[j]))
			return rp_vf_fail(v, function, p->old_code.n, err, "more code than before");
		v->result.n_added++;
	}
	return 0;
}

int rp_vf_pair(struct rp_vf *v, size_t function, struct rp_error *err)
{
	struct rp_vf_pair *p = &v->pairs[function];
	RP_CLEANUP(rp_free_p) uint8_t *changed = calloc((size_t)p->old_code.n + 1, 1);
	int r;

	p->first = calloc((size_t)p->old_code.n + 1, sizeof(*p->first));
	p->body = calloc((size_t)p->old_code.n + 1, sizeof(*p->body));
	if (!p->first || !p->body || !changed)
		return RP_NOMEM(err);
	v->result.n_functions++;
	v->result.n_instructions += p->old_code.n;
	if (p->new_code.n == 2 && p->new_code.v[0].w[0] == 0xbf920002 &&
		p->new_code.v[1].w[0] == 0xbf810000) {
		p->is_trap = true;
		v->result.n_traps++;
		return 0;
	}
	r = walk(v, function, changed, err);
	if (r == 0)
		r = constants(v, function, changed, err);
	return r ? r : rest(v, function, err);
}
