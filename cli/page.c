/* SPDX-License-Identifier: MIT */
/* HTML of reports: frame and style, escaping, bars, the table of verify's cases. */
#include "page.h"

#include <unistd.h>

static const char style[] =
	":root{color-scheme:light dark;--bg:#fff;--fg:#1c1c1e;--dim:#5b5b63;--line:#d8d8de;"
	"--right:#0a6b36;--wrong:#a8480a;--dead:#b3123c;--bar:#2f62c0}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#16161a;--fg:#ececf0;--dim:#a0a0aa;"
	"--line:#3a3a42;--right:#62d090;--wrong:#f0a060;--dead:#ff7f9a;--bar:#7aa5f5}}\n"
	"body{margin:0 auto;max-width:68rem;padding:1rem;background:var(--bg);color:var(--fg);"
	"font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\n"
	"h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}\n"
	"pre,code,.case{font:0.85em/1.45 ui-monospace,monospace}\n"
	"pre{white-space:pre-wrap;border:1px solid var(--line);padding:.6rem}\n"
	"table{border-collapse:collapse;width:100%}\n"
	"th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;"
	"border-top:1px solid var(--line)}\n"
	"th{font-weight:600;color:var(--dim)}th,td{min-width:5rem}\n"
	".right{color:var(--right)}.wrong{color:var(--wrong)}"
	".crashed,.hung,.error{color:var(--dead)}.unavailable,.detail{color:var(--dim)}\n"
	".right,.wrong,.crashed,.hung,.error,.unavailable{font-weight:600}\n"
	"svg{display:block;width:100%;height:auto}svg.strip{height:.8rem;margin-top:.25rem}\n"
	"svg.bars{max-width:36rem}svg text{fill:var(--fg);font:13px system-ui,sans-serif}\n"
	"@media(max-width:40rem){thead{position:absolute;left:-99rem}tr,td{display:block}"
	"tr{border-top:1px solid var(--line);padding:.4rem 0}td{border:0;padding:0}"
	"td[data-run]::before{content:attr(data-run) \": \";color:var(--dim);font-weight:400}}\n";

int rp_page_check(const char *path, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *dir = rp_span_dup(rp_span_str(path));
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return RP_NOMEM(err);
	if (slash)
		slash[slash == dir] = '\0'; /* "/x" is in "/" */
	if (access(slash ? dir : ".", W_OK | X_OK) < 0)
		return RP_FAIL(err, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

/* Appends text with what HTML reads replaced. */
static void rp_page_text(struct rp_buf *page, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '<')
			rp_buf_adds(page, "&lt;");
		else if (c == '>')
			rp_buf_adds(page, "&gt;");
		else if (c == '&')
			rp_buf_adds(page, "&amp;");
		else if (c == '"')
			rp_buf_adds(page, "&quot;");
		else if (c < 0x20 && c != '\n')
			rp_buf_addc(page, ' ');
		else
			rp_buf_addc(page, *text);
	}
}

void rp_page_begin(struct rp_buf *page, const char *title)
{
	rp_buf_adds(page,
		"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
		"<title>");
	rp_page_text(page, title);
	rp_buf_addf(page, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
	rp_page_element(page, "h1", "%s", title);
}

void rp_page_end(struct rp_buf *page)
{
	rp_buf_adds(page, "</body>\n</html>\n");
}

void rp_page_element(struct rp_buf *page, const char *tag, const char *fmt, ...)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	rp_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	page->failed |= text.failed;
	rp_buf_addf(page, "<%s>", tag);
	rp_page_text(page, rp_buf_cstr(&text));
	rp_buf_addf(page, "</%s>\n", tag);
}

#define BAR_STEP  26u
#define BAR_LEFT  130u
#define BAR_WIDTH 215u

void rp_page_bars(struct rp_buf *page, const char *title, const struct rp_page_bar *bars, size_t n)
{
	uint64_t most = 1;

	for (size_t i = 0; i < n; i++)
		most = bars[i].value > most ? bars[i].value : most;
	rp_buf_addf(page, "<svg class=\"bars\" viewBox=\"0 0 400 %zu\" role=\"img\"><title>",
		n * BAR_STEP);
	rp_page_text(page, title);
	rp_buf_adds(page, "</title>\n");
	for (size_t i = 0; i < n; i++) {
		double width = (double)bars[i].value / (double)most * BAR_WIDTH;

		rp_buf_addf(page, "<text x=\"0\" y=\"%zu\">", i * BAR_STEP + 17);
		rp_page_text(page, bars[i].label);
		rp_buf_addf(page,
			"</text><rect x=\"%u\" y=\"%zu\" width=\"%.1f\" height=\"18\" "
			"fill=\"var(--bar)\"/><text x=\"%.1f\" y=\"%zu\">%llu</text>\n",
			BAR_LEFT, i * BAR_STEP + 4, width, BAR_LEFT + width + 6, i * BAR_STEP + 17,
			(unsigned long long)bars[i].value);
	}
	rp_buf_adds(page, "</svg>\n");
}

/* Where the wrong elements are: the output in equal parts, from its first element to its last. */
static void strip(struct rp_buf *page, const struct rp_verify_comparison *c)
{
	double most = ((double)c->n + RP_VERIFY_BINS - 1) / RP_VERIFY_BINS;

	rp_buf_addf(page,
		"<svg class=\"strip\" viewBox=\"0 0 %u 1\" preserveAspectRatio=\"none\" "
		"role=\"img\"><title>wrong elements from the first of %zu to the last</title>"
		"<rect width=\"%u\" height=\"1\" fill=\"var(--line)\"/>",
		RP_VERIFY_BINS, c->n, RP_VERIFY_BINS);
	for (unsigned int i = 0; i < RP_VERIFY_BINS; i++)
		if (c->bins[i])
			rp_buf_addf(page,
				"<rect x=\"%u\" width=\"1\" height=\"1\" fill=\"var(--wrong)\" "
				"fill-opacity=\"%.2f\"/>",
				i,
				c->bins[i] >= most ? 1.0 : 0.25 + 0.75 * (double)c->bins[i] / most);
	rp_buf_adds(page, "</svg>");
}

static void verdict_cell(
	struct rp_buf *page, const struct verify_session *s, size_t i, const char *name)
{
	const struct rp_verify_result *res = &s->results[i];
	const char *verdict = i < s->n_results ? rp_verify_verdict_name(res->verdict) : "not run";
	RP_CLEANUP(rp_free_p) char *detail = NULL;

	rp_buf_adds(page, "<td");
	if (name) {
		rp_buf_adds(page, " data-run=\"");
		rp_page_text(page, name);
		rp_buf_addc(page, '"');
	}
	rp_buf_addf(page, "><span class=\"%s\">%s</span>",
		i < s->n_results ? verdict : "unavailable", verdict);
	if (i < s->n_results) {
		detail = verify_detail(s, res);
		page->failed |= !detail;
		rp_buf_adds(page, " <span class=\"detail\">");
		rp_page_text(page, detail ? detail : "");
		rp_buf_adds(page, "</span>");
		if (res->verdict == RP_VERIFY_WRONG && res->comparison.n_wrong)
			strip(page, &res->comparison);
	}
	rp_buf_adds(page, "</td>");
}

void verify_page(struct rp_buf *page, const struct verify_session *const *runs,
	const char *const *names, size_t n)
{
	char name[RP_VERIFY_NAME];

	rp_buf_adds(page, "<table>\n<thead><tr><th>case</th>");
	for (size_t k = 0; k < n; k++)
		rp_page_element(page, "th", "%s", names ? names[k] : "verdict");
	rp_buf_adds(page, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < runs[0]->cases.n; i++) {
		rp_buf_adds(page, "<tr><td class=\"case\">");
		rp_page_text(page, rp_verify_name(&runs[0]->cases.v[i], name));
		rp_buf_adds(page, "</td>");
		for (size_t k = 0; k < n; k++)
			verdict_cell(page, runs[k], i, names ? names[k] : NULL);
		rp_buf_adds(page, "</tr>\n");
	}
	rp_buf_adds(page, "</tbody>\n</table>\n");
}
