/* SPDX-License-Identifier: MIT */
/*
 * Code pages: copies of 4 KiB of GPU memory with a slot per dword, decoded when first executed.
 * The first time that a dispatch enters a page, its copy is compared with memory, so code that
 * was written since is noticed without help from the caller.
 *
 * Invariant: a slot's fn is published last (release) and read first (acquire); all else in the
 * slot is written under the machine's lock, and only once.
 */
#include "vgpu/exec/internal.h"

#include <string.h>

#include "isa/internal.h"

static struct cpage *new_page(uint64_t va)
{
	struct cpage *page = aligned_alloc(64, (sizeof(*page) + 63) / 64 * 64);

	if (!page)
		return NULL;
	/* a slot is written whole when it is decoded; before, nobody looks at more than fn */
	memset(page, 0, offsetof(struct cpage, slot));
	page->va = va;
	for (unsigned int i = 0; i < PAGE_SLOTS; i++)
		page->slot[i].fn = rp_exec_step_decode;
	return page;
}

static void free_page(struct cpage *page)
{
	while (page->blocks) {
		struct kblock *b = page->blocks;

		page->blocks = b->next;
		free(b);
	}
	free(page->hazard[0]);
	free(page->hazard[1]);
	free(page);
}

void rp_exec_free_pages(struct rp_exec *x)
{
	for (unsigned int i = 0; i < CODE_BUCKETS; i++) {
		while (x->code[i]) {
			struct cpage *page = x->code[i];

			x->code[i] = page->next;
			free_page(page);
		}
	}
	rp_exec_free_retired(x);
}

void rp_exec_free_retired(struct rp_exec *x)
{
	while (x->retired) {
		struct cpage *page = x->retired;

		x->retired = page->retired;
		free_page(page);
	}
}

/* The text of a page and the few bytes behind it, as far as they are mapped. */
static uint32_t read_text(struct worker *t, uint64_t va, uint8_t *text)
{
	uint32_t n = 0, size = PAGE_BYTES + 4 * RP_ISA_MAX_WORDS;
	const uint8_t *p = rp_exec_translate(t, va, size, RP_EXEC_READ | RP_EXEC_EXECUTE);

	if (p) {
		memcpy(text, p, size);
		return size;
	}
	for (; n < size; n += 4) {
		p = rp_exec_translate(t, va + n, 4, RP_EXEC_READ | RP_EXEC_EXECUTE);
		if (!p)
			break;
		memcpy(text + n, p, 4);
	}
	return n;
}

/* Under the lock: the page of this dispatch, new or proven to be up to date. */
static struct cpage *find_page(struct worker *t, uint64_t va, uint64_t epoch)
{
	struct rp_exec *x = t->x;
	struct cpage **at = &x->code[(va / PAGE_BYTES) % CODE_BUCKETS], *page;
	uint8_t text[PAGE_BYTES + 4 * RP_ISA_MAX_WORDS];
	uint32_t n;

	for (; *at && (*at)->va != va; at = &(*at)->next)
		;
	page = *at;
	if (page && page->epoch >= epoch)
		return page;
	n = read_text(t, va, text);
	if (page && page->n_bytes == n && memcmp(page->text, text, n) == 0) {
		page->epoch = epoch;
		return page;
	}
	if (page) { /* other dispatches may still run it */
		*at = page->next;
		page->retired = x->retired;
		x->retired = page;
	}
	if (!n)
		return NULL;
	page = new_page(va);
	if (!page)
		return NULL;
	memcpy(page->text, text, n);
	page->n_bytes = n;
	page->epoch = epoch;
	page->next = x->code[(va / PAGE_BYTES) % CODE_BUCKETS];
	x->code[(va / PAGE_BYTES) % CODE_BUCKETS] = page;
	return page;
}

struct cpage *rp_exec_page(struct worker *t, uint64_t va)
{
	struct cpage **cached = &t->pages[va / PAGE_BYTES % RP_ARRAY_SIZE(t->pages)];
	struct cpage *page;

	va &= ~(uint64_t)(PAGE_BYTES - 1);
	page = *cached;
	if (page && page->va == va)
		return page;
	pthread_mutex_lock(&t->x->lock);
	page = find_page(t, va, t->epoch);
	pthread_mutex_unlock(&t->x->lock);
	*cached = page;
	return page;
}

static uint32_t *new_konst(struct cpage *page)
{
	struct kblock *b = aligned_alloc(64, (sizeof(*b) + 63) / 64 * 64);

	if (!b)
		return NULL;
	b->next = page->blocks;
	page->blocks = b;
	return b->k;
}

static bool is_16bit(unsigned int type)
{
	return type == RP_ISA_TYPE_F16 || type == RP_ISA_TYPE_I16 || type == RP_ISA_TYPE_I16S ||
	       type == RP_ISA_TYPE_V2F16;
}

static unsigned int konst_class(unsigned int type)
{
	return type == RP_ISA_TYPE_F64	 ? KONST_F64
	       : type == RP_ISA_TYPE_I64 ? KONST_I64
	       : is_16bit(type)		 ? KONST_F16
					 : KONST_32;
}

/* False: out of memory. */
static bool vector_source(
	struct rp_exec *x, struct cpage *page, const struct rp_isa_operand *op, struct vsrc *s)
{
	s->dwords = op->dwords;
	s->type = op->type;
	s->neg = (op->mods & RP_ISA_MOD_NEG) != 0;
	s->abs = (op->mods & RP_ISA_MOD_ABS) != 0;
	s->sext = (op->mods & RP_ISA_MOD_SEXT) != 0;
	s->sel = 6;
	s->reg = op->reg;
	switch (op->kind) {
	case RP_ISA_OP_VGPR:
		s->kind = SRC_VGPR;
		return true;
	case RP_ISA_OP_SCALAR:
		s->kind = SRC_SGPR;
		return true;
	case RP_ISA_OP_INLINE:
		s->kind = SRC_CONST;
		s->k = x->konst[konst_class(op->type)][op->reg - 128];
		return true;
	case RP_ISA_OP_LITERAL: {
		uint32_t *k = new_konst(page), lo = op->value, hi = 0;

		if (!k)
			return false;
		if (op->type == RP_ISA_TYPE_F64) /* the literal is the high word of a double */
			hi = lo, lo = 0;
		for (unsigned int i = 0; i < RP_LANES; i++) {
			k[i] = lo;
			k[RP_LANES + i] = hi;
		}
		s->kind = SRC_CONST;
		s->k = k;
		return true;
	}
	default:
		s->kind = SRC_SPECIAL;
		return true;
	}
}

static void packed_modifiers(const struct rp_isa_inst *inst, struct pvalu *v)
{
	uint32_t w0 = inst->w[0], w1 = inst->w[1];

	v->packed = 1;
	for (unsigned int i = 0; i < v->n_src && i < 3; i++) {
		struct vsrc *s = &v->src[i];

		s->high = w0 >> (11 + i) & 1;
		s->high_hi = i == 2 ? w0 >> 14 & 1 : w1 >> (27 + i) & 1;
		s->neg = w1 >> (29 + i) & 1;
		s->neg_hi = w0 >> (8 + i) & 1;
		s->abs = 0;
	}
	if (inst->opcode >= 0x20 && inst->opcode <= 0x22)
		v->packed = 2;
	else if (inst->opcode >= 0x13 && inst->opcode <= 0x19)
		v->packed = 3;
}

/* op_sel of VOP3: sources in bits 11 to 13, destination in bit 14. */
static void half_selects(const struct rp_isa_inst *inst, struct pvalu *v)
{
	bool exists =
		(inst->flags & RP_ISA_F_OPSEL) != 0 || v->dst == RP_D_F16 || v->dst == RP_D_U16;

	for (unsigned int i = 0; i < v->n_src && i < 3; i++) {
		exists = exists || is_16bit(v->src[i].type);
		if (is_16bit(v->src[i].type))
			v->src[i].high = inst->w[0] >> (11 + i) & 1;
	}
	if (exists && (v->dst == RP_D_F16 || v->dst == RP_D_U16))
		v->dst_high = inst->w[0] >> 14 & 1;
}

static void form_fields(const struct rp_isa_inst *inst, struct pvalu *v)
{
	uint32_t w1 = inst->w[1];

	if (v->form == RP_ISA_FORM_SDWA) {
		v->dst_sel = w1 >> 8 & 7;
		v->dst_unused = w1 >> 11 & 3;
		v->clamp = w1 >> 13 & 1;
		v->omod = w1 >> 14 & 3;
		if (inst->encoding == RP_ISA_VOPC)
			v->dst_sel = v->dst_unused = v->clamp = v->omod = 0;
		v->src[0].sel = w1 >> 16 & 7;
		v->src[1].sel = w1 >> 24 & 7;
		v->src[0].sext = w1 >> 19 & 1;
		v->src[1].sext = w1 >> 27 & 1;
	} else if (v->form == RP_ISA_FORM_DPP16) {
		v->dpp = w1;
	} else if (v->form == RP_ISA_FORM_DPP8) {
		v->dpp = w1;
		v->dpp8_fi = (inst->w[0] & 0x1ff) == 234;
	}
}

/* Nothing that the short path cannot do. */
static bool is_plain(const struct pvalu *v)
{
	if (v->form != RP_ISA_FORM_NATIVE || v->clamp || v->omod || v->packed > 1 ||
		v->dst == RP_D_F16 || v->dst == RP_D_U16 || v->kflags & RP_K_FLUSH)
		return false;
	for (unsigned int i = 0; i < v->n_src && i < 3; i++) {
		const struct vsrc *s = &v->src[i];

		if (s->neg || s->abs || s->sext || s->kind == SRC_SPECIAL || s->dwords > 2)
			return false;
		if (v->packed ? s->high || !s->high_hi || s->neg_hi : s->high)
			return false;
	}
	return true;
}

static bool decode_valu(
	struct rp_exec *x, struct cpage *page, const struct rp_isa_inst *inst, struct pinst *p)
{
	const struct rp_isa_row *row = &rp_isa_rows[inst->row];
	const struct rp_vkernel *kernel = x->sem[inst->row].kernel;
	struct pvalu *v = &p->v;
	struct rp_isa_operand op;
	bool reads_dst = false;

	v->kernel = kernel->fn;
	v->dst = kernel->dst;
	v->kflags = kernel->flags;
	v->mask_in = v->mask_out = NO_REG;
	v->form = inst->form;
	v->cmpx = (inst->flags & RP_ISA_F_CMPX) != 0;
	if (inst->encoding == RP_ISA_VOP3 || inst->encoding == RP_ISA_VOP3P)
		v->clamp = inst->w[0] >> 15 & 1;
	if (inst->encoding == RP_ISA_VOP3 && inst->flags & RP_ISA_F_OMOD)
		v->omod = inst->w[1] >> 27 & 3;
	if (v->dst == RP_D_MASK)
		v->clamp = 0; /* "signal": exceptions are not modelled */
	for (unsigned int i = 0; i < row->n_operands; i++) {
		rp_isa_operand(&x->target, inst, i, &op);
		if (op.field == RP_ISA_FIELD_VDST) {
			v->vdst = (uint8_t)op.reg;
			/* SDWA and DPP are marked as readers of what they keep: not a source */
			reads_dst = rp_isa_opdescs[row->operands + i].access & RP_ISA_OP_READ;
		} else if (op.type == RP_ISA_TYPE_M) {
			if (op.access & RP_ISA_OP_WRITE)
				v->mask_out = (uint8_t)op.reg;
			else
				v->mask_in = (uint8_t)op.reg;
		} else if (v->n_src < 3) {
			if (!vector_source(x, page, &op, &v->src[v->n_src++]))
				return false;
		}
	}
	if (inst->flags & RP_ISA_F_RVCC && v->mask_in == NO_REG)
		v->mask_in = VCC;
	if (reads_dst && v->n_src < 3 && inst->encoding != RP_ISA_VOP3P) /* mac, fmac, dot2c ... */
		v->src[v->n_src++] = (struct vsrc){ .kind = SRC_VGPR,
			.reg = v->vdst,
			.dwords = 1,
			.sel = 6,
			.type = RP_ISA_TYPE_I32 };
	if (reads_dst && v->src[2].kind == SRC_VGPR && inst->encoding != RP_ISA_VOP3P) {
		if (v->dst == RP_D_F32)
			v->src[2].type = RP_ISA_TYPE_F32;
		else if (v->dst == RP_D_F16)
			v->src[2].type = RP_ISA_TYPE_F16;
	}
	form_fields(inst, v);
	if (inst->encoding == RP_ISA_VOP3P)
		packed_modifiers(inst, v);
	else if (inst->encoding == RP_ISA_VOP3)
		half_selects(inst, v);
	if (inst->encoding == RP_ISA_VOP3P && inst->opcode == 0x22)
		v->dst_high = 1; /* v_fma_mixhi */
	p->fn = is_plain(v) ? rp_exec_step_valu_plain : rp_exec_step_valu;
	return true;
}

static void scalar_source(const struct rp_isa_operand *op, uint8_t *src, uint64_t *k)
{
	static const uint32_t f32[] = { 0x3f000000, 0xbf000000, 0x3f800000, 0xbf800000, 0x40000000,
		0xc0000000, 0x40800000, 0xc0800000, 0x3e22f983 };
	static const uint64_t f64[] = { UINT64_C(0x3fe0000000000000), UINT64_C(0xbfe0000000000000),
		UINT64_C(0x3ff0000000000000), UINT64_C(0xbff0000000000000),
		UINT64_C(0x4000000000000000), UINT64_C(0xc000000000000000),
		UINT64_C(0x4010000000000000), UINT64_C(0xc010000000000000),
		UINT64_C(0x3fc45f306dc9c882) };

	*src = NO_REG;
	switch (op->kind) {
	case RP_ISA_OP_SCALAR:
	case RP_ISA_OP_SPECIAL:
		*src = (uint8_t)op->reg;
		break;
	case RP_ISA_OP_INLINE:
		if (op->reg >= 240)
			*k = op->dwords > 1 ? f64[op->reg - 240] : f32[op->reg - 240];
		else
			*k = (uint64_t)(int64_t)(int32_t)op->value;
		break;
	default:
		*k = op->value;
		break;
	}
}

static void decode_salu(struct rp_exec *x, const struct rp_isa_inst *inst, struct pinst *p)
{
	const struct rp_isa_row *row = &rp_isa_rows[inst->row];
	struct psalu *s = &p->s;
	struct rp_isa_operand op;

	s->src[0] = s->src[1] = NO_REG;
	s->sdst = RP_ISA_NULL;
	s->imm = rp_isa_simm16(inst);
	for (unsigned int i = 0; i < row->n_operands; i++) {
		rp_isa_operand(&x->target, inst, i, &op);
		if (op.field == RP_ISA_FIELD_SDST)
			s->sdst = (uint8_t)op.reg;
		else if (op.field == RP_ISA_FIELD_SSRC0)
			scalar_source(&op, &s->src[0], &s->k[0]);
		else if (op.field == RP_ISA_FIELD_SSRC1)
			scalar_source(&op, &s->src[1], &s->k[1]);
	}
}

static void decode_mem(struct rp_exec *x, const struct rp_isa_inst *inst, struct pinst *p)
{
	struct pmem *m = &p->m;
	uint32_t w0 = inst->w[0], w1 = inst->w[1];

	m->op = x->sem[inst->row].mem;
	m->segment = inst->encoding;
	m->glc = rp_isa_glc(inst);
	m->addr = (uint8_t)w1;
	m->data = (uint8_t)(w1 >> 8);
	m->saddr = m->soffset = NO_REG;
	switch (inst->encoding) {
	case RP_ISA_FLAT:
		m->vdst = (uint8_t)(w1 >> 24);
		m->offset = (int32_t)(w0 & 0x7ff);
		break;
	case RP_ISA_SCRATCH:
	case RP_ISA_GLOBAL:
		m->vdst = (uint8_t)(w1 >> 24);
		m->offset = (int32_t)(w0 << 20) >> 20;
		m->saddr = w1 >> 16 & 0x7f;
		m->has_vaddr = 1;
		if (inst->encoding == RP_ISA_SCRATCH) {
			m->has_vaddr = m->saddr == RP_ISA_NULL;
			if (m->saddr == 127 && x->target.chip == RP_ISA_GFX1030)
				m->has_vaddr = 0;
		}
		if (m->saddr == RP_ISA_NULL ||
			(inst->encoding == RP_ISA_SCRATCH && m->saddr == 127))
			m->saddr = NO_REG;
		break;
	case RP_ISA_DS:
		m->vdst = (uint8_t)(w1 >> 24);
		m->data1 = (uint8_t)(w1 >> 16);
		m->offset = (int32_t)(w0 & 0xffff);
		if (inst->flags & RP_ISA_F_OFFSET01 || (m->op && m->op->two)) {
			m->offset = (int32_t)(w0 & 0xff);
			m->offset1 = (int32_t)(w0 >> 8 & 0xff);
		}
		break;
	case RP_ISA_MUBUF:
	case RP_ISA_MTBUF:
		m->vdst = m->data;
		m->offset = (int32_t)(w0 & 0xfff);
		m->offen = w0 >> 12 & 1;
		m->idxen = w0 >> 13 & 1;
		m->saddr = (uint8_t)((w1 >> 16 & 0x1f) * 4);
		break;
	case RP_ISA_SMEM:
		m->saddr = (uint8_t)((w0 & 0x3f) * 2);
		m->vdst = w0 >> 6 & 0x7f;
		m->offset = (int32_t)(w1 << 11) >> 11;
		m->soffset = (uint8_t)(w1 >> 25);
		return;
	default:
		break;
	}
	if (inst->encoding == RP_ISA_MUBUF || inst->encoding == RP_ISA_MTBUF) {
		uint32_t code = w1 >> 24;

		if (code >= 128 && code <= 208)
			m->k = code <= 192 ? code - 128 : 192 - code;
		else
			m->soffset = (uint8_t)code;
	}
}

static int step_not_implemented(struct wave *w, const struct pinst *p)
{
	return rp_exec_fault(w, p, RP_EXEC_UNIMPLEMENTED, -1, 0, false,
		"the executor has no semantics for %s", rp_isa_name(p->row));
}

static int step_refused(struct wave *w, const struct pinst *p)
{
	struct rp_isa_inst inst;
	const struct cpage *page = page_of_slots(w->slots);
	const char *what = NULL;

	if (rp_isa_decode(&w->t->x->target, rp_span_of(page->text, page->n_bytes),
		    4 * (size_t)(p - w->slots), &inst) == RP_ISA_OK)
		what = rp_exec_refuses(&inst, &w->t->x->sem[p->row].info);
	return rp_exec_fault(w, p, RP_EXEC_UNIMPLEMENTED, -1, 0, false,
		"the executor has no semantics for %s with %s", rp_isa_name(p->row),
		what ? what : "these operands");
}

static int step_illegal(struct wave *w, const struct pinst *p)
{
	if (p->row)
		return rp_exec_fault(w, p, RP_EXEC_ILLEGAL, -1, 0, false, "%s does not exist on %s",
			rp_isa_name(p->row), w->t->x->config.chip->name);
	return rp_exec_fault(
		w, p, RP_EXEC_ILLEGAL, -1, 0, false, "0x%08x is no instruction", p->w[0]);
}

static int step_truncated(struct wave *w, const struct pinst *p)
{
	return rp_exec_fault(w, p, RP_EXEC_PAGE, -1, pc_of(w, p), false,
		"executable memory ends inside of the instruction");
}

static int step_no_memory(struct wave *w, const struct pinst *p)
{
	return rp_exec_fault(w, p, RP_EXEC_NO_MEMORY, -1, 0, false, "out of memory while decoding");
}

static void decode(struct rp_exec *x, struct cpage *page, size_t index, struct pinst *p)
{
	struct rp_isa_inst inst;
	enum rp_isa_status status =
		rp_isa_decode(&x->target, rp_span_of(page->text, page->n_bytes), 4 * index, &inst);

	p->row = inst.row;
	p->words = inst.bytes >= 4 ? inst.bytes / 4 : 1;
	p->klass = inst.klass;
	p->w[0] = inst.w[0];
	p->w[1] = inst.w[1];
	p->literal = inst.literal ? inst.w[inst.literal] : 0;
	if (status == RP_ISA_TRUNCATED) {
		p->fn = step_truncated;
		return;
	}
	if (status != RP_ISA_OK) {
		p->fn = step_illegal;
		return;
	}
	p->fn = x->sem[inst.row].fn;
	if (!p->fn) {
		p->fn = step_not_implemented;
		return;
	}
	if (rp_exec_refuses(&inst, &x->sem[inst.row].info)) {
		p->fn = step_refused;
		return;
	}
	switch (inst.klass) {
	case RP_ISA_CLASS_SALU:
		decode_salu(x, &inst, p);
		break;
	case RP_ISA_CLASS_VALU:
		if (x->sem[inst.row].kernel && !decode_valu(x, page, &inst, p))
			p->fn = step_no_memory;
		break;
	default:
		decode_mem(x, &inst, p);
		break;
	}
}

int rp_exec_step_decode(struct wave *w, const struct pinst *p)
{
	struct rp_exec *x = w->t->x;
	struct pinst fresh, *slot;
	struct cpage *page;
	step_fn *fn;

	memset(&fresh, 0, sizeof(fresh));
	pthread_mutex_lock(&x->lock);
	fn = __atomic_load_n(&p->fn, __ATOMIC_RELAXED);
	if (fn == rp_exec_step_decode) {
		page = page_of_slots(w->slots);
		slot = &page->slot[p - w->slots];
		decode(x, page, (size_t)(p - w->slots), &fresh);
		fn = fresh.fn;
		/* all but fn, which other threads may be reading */
		memcpy((uint8_t *)slot + sizeof(slot->fn),
			(const uint8_t *)&fresh + sizeof(fresh.fn),
			sizeof(fresh) - sizeof(fresh.fn));
		__atomic_store_n(&slot->fn, fn, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&x->lock);
	return fn(w, p);
}
