/* SPDX-License-Identifier: MIT */
/*
 * A function's instructions, read twice: first for the places that branches go to, then for the
 * text. Labels are numbered by address, as llvm-objdump --symbolize-operands does it; a place
 * gets one only if an instruction starts there.
 */
#include "disasm/disasm.h"

void rp_disasm_free(struct rp_disasm *d)
{
	free(d->starts);
	free(d->targets);
	free(d->before);
	*d = (struct rp_disasm)RP_DISASM_INIT;
}

static void set_bit(uint64_t *map, size_t word)
{
	map[word / 64] |= UINT64_C(1) << (word % 64);
}

/* s_branch and its like: not s_call_b64, which comes back. */
static bool is_branch(const struct rp_isa_inst *i)
{
	return i->status == RP_ISA_OK &&
	       (i->flags & (RP_ISA_F_BRANCH | RP_ISA_F_CALL)) == RP_ISA_F_BRANCH;
}

/* Number of the label at byte offset off, or RP_DISASM_NONE. */
static uint32_t label_at(const struct rp_disasm *d, int64_t off)
{
	size_t group, word;
	uint64_t labels;

	if (off < 0 || (uint64_t)off >= d->code.n || off % 4)
		return RP_DISASM_NONE;
	word = (size_t)off / 4;
	group = word / 64;
	labels = d->starts[group] & d->targets[group];
	if (!(labels >> (word % 64) & 1))
		return RP_DISASM_NONE;
	labels &= (UINT64_C(1) << (word % 64)) - 1;
	return d->before[group] + (uint32_t)__builtin_popcountll(labels);
}

static int grow(struct rp_disasm *d, size_t groups, struct rp_error *err)
{
	uint64_t *starts, *targets;
	uint32_t *before;

	if (groups > d->cap) {
		starts = reallocarray(d->starts, groups, sizeof(*starts));
		d->starts = starts ? starts : d->starts;
		targets = reallocarray(d->targets, groups, sizeof(*targets));
		d->targets = targets ? targets : d->targets;
		before = reallocarray(d->before, groups, sizeof(*before));
		d->before = before ? before : d->before;
		if (!starts || !targets || !before)
			return RP_NOMEM(err);
		d->cap = groups;
	}
	memset(d->starts, 0, groups * sizeof(*d->starts));
	memset(d->targets, 0, groups * sizeof(*d->targets));
	return 0;
}

int rp_disasm_start(struct rp_disasm *d, const struct rp_isa_target *target, struct rp_span code,
	struct rp_error *err)
{
	size_t groups = code.n / 256 + 1;
	struct rp_isa_inst i;
	uint32_t n = 0;
	int r;

	if (code.n >= UINT32_MAX)
		return RP_FAIL(err, -EFBIG, "a function of %zu bytes", code.n);
	r = grow(d, groups, err);
	if (r < 0)
		return r;
	d->target = *target;
	d->code = code;
	d->off = 0;
	for (size_t off = 0; off < code.n; off += i.bytes) {
		int64_t to;

		(void)rp_isa_decode_strict(target, code, off, &i); /* i says what it is */
		set_bit(d->starts, off / 4);
		if (!is_branch(&i))
			continue;
		to = rp_isa_branch_target(&i, off);
		if (to >= 0 && (uint64_t)to < code.n)
			set_bit(d->targets, (size_t)to / 4);
	}
	for (size_t g = 0; g < groups; g++) {
		d->before[g] = n;
		n += (uint32_t)__builtin_popcountll(d->starts[g] & d->targets[g]);
	}
	return 0;
}

static size_t put_label(void *user, int64_t target, char *buf, size_t size)
{
	uint32_t n = label_at(user, target);
	char digits[10];
	size_t k = sizeof(digits), length;

	if (n == RP_DISASM_NONE)
		return 0;
	do {
		digits[--k] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	length = sizeof(digits) - k + 1;
	if (length > size)
		return length;
	buf[0] = 'L';
	memcpy(buf + 1, digits + k, length - 1);
	return length;
}

bool rp_disasm_next(struct rp_disasm *d, struct rp_disasm_line *ret)
{
	struct rp_isa_print p = { .off = d->off, .label = put_label, .user = d };

	if (d->off >= d->code.n)
		return false;
	(void)rp_isa_decode_strict(
		&d->target, d->code, d->off, &ret->inst); /* it says what it is */
	if (!is_branch(&ret->inst))
		p.label = NULL;
	ret->length = rp_isa_print(&d->target, &ret->inst, &p, d->text, sizeof(d->text));
	if (ret->length >= sizeof(d->text))
		ret->length = sizeof(d->text) - 1;
	ret->off = d->off;
	ret->text = d->text;
	ret->label = label_at(d, (int64_t)d->off);
	ret->is_branch = is_branch(&ret->inst);
	ret->target = ret->is_branch ? rp_isa_branch_target(&ret->inst, d->off) : 0;
	ret->target_label = ret->is_branch ? label_at(d, ret->target) : RP_DISASM_NONE;
	d->off += ret->inst.bytes;
	return true;
}

struct rp_isa_target rp_disasm_target_of(const struct rp_codeobj *object, size_t index)
{
	struct rp_isa_target t = { .chip = object->chip->isa };
	size_t kernel = object->functions[index].kernel;

	if (kernel != RP_CODEOBJ_NO_KERNEL) {
		t.wave64 = !rp_descriptor_is_wave32(&object->kernels[kernel].descriptor);
		return t;
	}
	t.wave64 = object->n_kernels > 0;
	for (size_t i = 0; i < object->n_kernels; i++)
		t.wave64 &= !rp_descriptor_is_wave32(&object->kernels[i].descriptor);
	return t;
}
