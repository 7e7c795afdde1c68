/* SPDX-License-Identifier: MIT */
/* Stanzas of "Field: value" lines (deb822(5)), as apt's sources and package indexes have them. */
#include "source/internal.h"

bool rp_apt_plain(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f || *s == '[' || *s == ']' || *s == '"')
			return false;
	return true;
}

/* One stanza's field, its continuation lines included; false: absent. */
bool rp_stanza_field(struct rp_span stanza, const char *name, struct rp_span *ret)
{
	struct rp_span rest = stanza, line;
	size_t n = strlen(name);

	while (rp_span_line(&rest, &line)) {
		const uint8_t *start, *end;

		if (line.n <= n || strncasecmp((const char *)line.p, name, n) != 0 ||
			line.p[n] != ':')
			continue;
		start = line.p + n + 1;
		end = line.p + line.n;
		while (rp_span_line(&rest, &line) && line.n > 0 &&
			(line.p[0] == ' ' || line.p[0] == '\t'))
			end = line.p + line.n;
		*ret = rp_span_of(start, (size_t)(end - start));
		return true;
	}
	return false;
}

/* Cuts the next stanza (up to an empty line) off *s. */
bool rp_stanza_next(struct rp_span *s, struct rp_span *ret)
{
	struct rp_span line;
	const uint8_t *start;

	for (;;) {
		start = s->p;
		if (!rp_span_line(s, &line))
			return false;
		if (rp_span_trim(line).n > 0)
			break;
	}
	while (rp_span_trim(line).n > 0 && rp_span_line(s, &line))
		;
	*ret = rp_span_of(start, (size_t)(line.p + line.n - start));
	return true;
}
