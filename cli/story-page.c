/* SPDX-License-Identifier: MIT */
/* fix's report as a page. */
#include "page.h"
#include "story.h"

static void machine(const struct story *s, struct rp_buf *page)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf screen = RP_BUF_INIT;

	rp_page_element(page, "h2", "What doctor says");
	if (!s->has_card) {
		rp_page_element(page, "p", "No AMD card was found.");
		return;
	}
	doctor_render(&s->doctor, false, true, &screen);
	page->failed |= screen.failed;
	rp_page_element(page, "pre", "%s", rp_buf_cstr(&screen));
}

static void kernels(const struct story *s, struct rp_buf *page)
{
	struct rp_page_bar bars[RP_SCAN_CLASS_MAX], rules[RP_RETARGET_RULE_MAX];
	size_t n_bars = 0, n_rules = 0;

	if (!s->from)
		return;
	for (unsigned int i = 0; i < RP_SCAN_CLASS_MAX; i++)
		if (s->scan.classes[i].instructions)
			bars[n_bars++] = (struct rp_page_bar){ rp_scan_class_info(i)->name,
				s->scan.classes[i].instructions };
	for (unsigned int i = 0; i < RP_RETARGET_RULE_MAX; i++)
		if (s->report.rules[i])
			rules[n_rules++] = (struct rp_page_bar){ rp_retarget_rule_info(i)->name,
				s->report.rules[i] };
	rp_page_element(page, "h2", "What was in the kernels that ran before");
	rp_page_element(page, "p",
		"%s, %llu kernels: instructions that AMD's compiler avoids on %s (rocm-patch scan, "
		"by "
		"reading).",
		rp_path_base(s->from), (unsigned long long)s->scan.n_kernels, s->chip->name);
	rp_page_bars(page, "instructions by class", bars, n_bars);
	rp_page_element(page, "h2", "What retarget did");
	rp_page_element(page, "p",
		"%llu of %llu functions changed, %llu refused; every instruction was paired with "
		"its "
		"source, and scan finds nothing left.",
		(unsigned long long)s->report.n_changed, (unsigned long long)s->report.n_functions,
		(unsigned long long)s->report.n_refused);
	rp_page_bars(page, "rewrites by rule", rules, n_rules);
}

static void undo(const struct story *s, struct rp_buf *page)
{
	rp_page_element(page, "h2", "How to take it back");
	if (s->active)
		rp_page_element(page, "p", "rocm-patch --prefix %s rollback", s->cli->prefix);
	for (size_t i = 0; i < s->n_trees; i++)
		if (s->trees[i].done)
			rp_page_element(page, "p", "rocm-patch undo %s (%zu files were written)",
				s->trees[i].dir, s->trees[i].plan.n_written);
	rp_page_element(
		page, "p", "Nothing else of the system's ROCm and your programs was changed.");
}

void story_page(const struct story *s, struct rp_buf *page)
{
	const struct verify_session *const runs[] = { &s->before, &s->after };
	static const char *const names[] = { "before", "after" };
	RP_CLEANUP(rp_free_p) char *before = verify_counts(&s->before);
	RP_CLEANUP(rp_free_p) char *after = verify_counts(&s->after);

	rp_page_begin(page, "rocm-patch fix");
	page->failed |= !before || !after;
	if (s->has_before && s->has_after)
		rp_page_element(page, "p", "%s. Before: %s. After: %s.",
			verify_evidence_text(&s->after), before ? before : "", after ? after : "");
	else
		rp_page_element(page, "p", "Nothing was checked by value: no case ran on a card.");
	if (s->active)
		rp_page_element(page, "p",
			"%s is active. That memory types cause the crash, which its patches act "
			"on, is "
			"a hypothesis.",
			s->active);
	machine(s, page);
	kernels(s, page);
	if (s->has_before && s->has_after) {
		rp_page_element(page, "h2", "What the card computed");
		verify_page(page, runs, names, 2);
	}
	undo(s, page);
	rp_page_end(page);
}
