/* SPDX-License-Identifier: MIT */
/*
 * A self-contained HTML page: no script, no font, no request; readable on a phone, in light and dark. What comes from
 * outside is escaped here, once.
 */
#ifndef RP_CLI_PAGE_H
#define RP_CLI_PAGE_H

#include "verify.h"

/* Asked before the work that fills it: can this file be made? -ENOENT, -EACCES... with the folder's name. */
RP_MUST_CHECK int rp_page_check(const char *path, struct rp_error *err);

void rp_page_begin(struct rp_buf *page, const char *title);
void rp_page_end(struct rp_buf *page);
/* <tag>text</tag> */
void rp_page_element(struct rp_buf *page, const char *tag, const char *fmt, ...) RP_PRINTF(3, 4);

struct rp_page_bar {
	const char *label;
	uint64_t value;
};

/* Horizontal bars with their numbers, as inline SVG. */
void rp_page_bars(struct rp_buf *page, const char *title, const struct rp_page_bar *bars, size_t n);

/*
 * A table of the cases of n runs of the same cases, one column each (1 or 2; names: headings, NULL for one), with a
 * strip for each wrong result: where in the output the wrong elements are.
 */
void verify_page(struct rp_buf *page, const struct verify_session *const *runs,
	const char *const *names, size_t n);

#endif
