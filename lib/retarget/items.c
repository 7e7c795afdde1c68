/* SPDX-License-Identifier: MIT */
/* The new stream: appending instructions, refusals. */
#include <stdio.h>

#include "retarget/internal.h"

int rp_rt_refuse(struct rp_rt *rt, uint32_t inst, const char *fmt, ...)
{
	const struct rp_flow_inst *f = inst < rt->flow.n_insts ? &rt->flow.insts[inst] : NULL;
	int n = 0;
	va_list ap;

	if (f)
		n = snprintf(rt->reason, sizeof(rt->reason), "at +0x%x (%s): ", f->off,
			f->inst.row ? rp_isa_name(f->inst.row) : "no instruction");
	va_start(ap, fmt);
	(void)vsnprintf(rt->reason + n, sizeof(rt->reason) - (size_t)n, fmt, ap);
	va_end(ap);
	return RP_RT_REFUSED;
}

int rp_rt_push(struct rp_rt_items *items, const struct rp_rt_item *item, struct rp_error *err)
{
	if (items->n == items->cap &&
		rp_array_grow(&items->v, &items->cap, items->n, sizeof(*items->v)) < 0)
		return RP_NOMEM(err);
	items->v[items->n++] = *item;
	return 0;
}

int rp_rt_put(struct rp_rt *rt, uint32_t source, const uint32_t *words, unsigned int n,
	struct rp_error *err)
{
	struct rp_rt_item item = { .source = source, .is_changed = true };
	uint8_t bytes[4 * RP_ISA_MAX_WORDS];

	for (unsigned int i = 0; i < n; i++)
		rp_rt_put_le32(bytes + (size_t)4 * i, words[i]);
	/* The card must have it: this is also the check of every sequence that we put in. */
	if (rp_isa_decode(&rt->target, rp_span_of(bytes, (size_t)4 * n), 0, &item.inst) !=
			RP_ISA_OK ||
		item.inst.bytes != 4 * n)
		return rp_rt_refuse(
			rt, source, "its replacement 0x%08x is no instruction", words[0]);
	return rp_rt_push(&rt->items, &item, err);
}

int rp_rt_put1(struct rp_rt *rt, uint32_t source, uint32_t word, struct rp_error *err)
{
	return rp_rt_put(rt, source, &word, 1, err);
}

int rp_rt_put2(struct rp_rt *rt, uint32_t source, uint32_t w0, uint32_t w1, struct rp_error *err)
{
	const uint32_t words[2] = { w0, w1 };

	return rp_rt_put(rt, source, words, 2, err);
}
