/* SPDX-License-Identifier: MIT */
/*
 * Planning: all edits of all patches in memory. Patches are applied one after
 * the other to the planned text, so that later ones see earlier ones; a patch of which
 * one edit cannot be placed leaves no trace in the plan.
 */
#include "patch/plan.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "patch/function.h"

#define MAX_SOURCE_BYTES ((size_t)64 << 20)
#define MAX_CANDIDATES	 4

struct edit_context {
	struct rp_patch_plan *plan;
	const struct rp_patch *patch;
	const struct rp_patch_edit *edit;
	struct rp_plan_file *file;
	struct rp_buf *why; /* reason of a refusal */
	struct rp_error *err;
};

/* What became of one edit. */
enum edit_outcome { EDIT_DONE, EDIT_ALREADY, EDIT_SKIPPED, EDIT_REFUSED };

static int collect(void *data, int dirfd, const char *name, const char *rel, const struct stat *st,
	struct rp_error *err)
{
	struct rp_patch_plan *plan = data;

	(void)dirfd;
	/* the record of earlier runs, a repository, and temporary files of a run beside us are no sources */
	if (strncmp(rel, ".rocm-patch/", 12) == 0 || strncmp(rel, ".git/", 5) == 0 ||
		strncmp(name, RP_TMP_PREFIX, strlen(RP_TMP_PREFIX)) == 0)
		return 0;
	return S_ISREG(st->st_mode) ? rp_strv_add(&plan->tree, rel, err) : 0;
}

static bool has_suffix(const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);

	return n >= m && strcmp(path + n - m, suffix) == 0 && (n == m || path[n - m - 1] == '/');
}

static size_t count_suffix(
	const struct rp_patch_plan *plan, const char *suffix, const char **ret_first)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->tree.n; i++) {
		if (!has_suffix(plan->tree.v[i], suffix))
			continue;
		if (n++ == 0)
			*ret_first = plan->tree.v[i];
	}
	return n;
}

/* What the record (an ini file) and a diff can hold: no control characters, no blank first. */
static bool can_be_recorded(const char *path)
{
	if (*path == ' ')
		return false;
	for (; *path; path++)
		if ((unsigned char)*path < 0x20 || *path == 0x7f)
			return false;
	return true;
}

static int open_file(struct rp_patch_plan *plan, const char *path, struct rp_plan_file **ret,
	struct rp_error *err)
{
	struct rp_plan_file f = { .mode = 0644 };
	uint8_t digest[RP_SHA256_BYTES];
	struct rp_sha256 sha;
	struct stat st;
	int r;

	for (size_t i = 0; i < plan->n_files; i++) {
		if (strcmp(plan->files[i].path, path) == 0) {
			*ret = &plan->files[i];
			return 0;
		}
	}
	if (!can_be_recorded(path))
		return RP_FAIL(err, -EBADMSG,
			"\"%s\": a name with a control character or a blank at its start cannot be "
			"recorded",
			path);
	if (rp_array_grow(&plan->files, &plan->files_cap, plan->n_files, sizeof(*plan->files)) < 0)
		return RP_NOMEM(err);
	f.path = strdup(path);
	if (!f.path)
		return RP_NOMEM(err);
	r = rp_file_read(plan->tree_fd, path, MAX_SOURCE_BYTES, &f.before, err);
	if (r == 0 && fstatat(plan->tree_fd, path, &st, 0) < 0)
		r = RP_FAIL_ERRNO(err, -errno, "%s", path);
	if (r < 0) {
		free(f.path);
		rp_buf_free(&f.before);
		return r;
	}
	f.mode = st.st_mode & 07777;
	rp_buf_add(&f.now, f.before.p, f.before.n);
	rp_sha256_init(&sha);
	rp_sha256_add(&sha, rp_buf_span(&f.before));
	rp_sha256_final(&sha, digest);
	rp_sha256_hex(digest, f.before_sha256);
	plan->files[plan->n_files++] = f;
	*ret = &plan->files[plan->n_files - 1];
	return rp_buf_check(&f.now, err);
}

static int lex_file(struct rp_plan_file *f, struct rp_error *err)
{
	int r;

	if (f->lexed)
		return 0;
	rp_tokens_free(&f->tokens);
	r = rp_lex(rp_buf_span(&f->now), rp_language_of(f->path), &f->tokens, err);
	if (r < 0)
		return rp_error_prefix(err, r, "%s", f->path);
	f->lexed = true;
	return 0;
}

/* Whether an identifier occurs in a file of the tree with that suffix. */
static int condition_holds(
	struct rp_patch_plan *plan, const struct rp_condition *c, bool *ret, struct rp_error *err)
{
	bool found = false;
	int r;

	for (size_t i = 0; i < plan->tree.n && !found; i++) {
		struct rp_plan_file *f;

		if (!has_suffix(plan->tree.v[i], c->file))
			continue;
		if (c->file_only) {
			found = true;
			break;
		}
		r = open_file(plan, plan->tree.v[i], &f, err);
		if (r == 0)
			r = lex_file(f, err);
		if (r < 0)
			return r;
		for (size_t k = 0; k < f->tokens.n && !found; k++)
			found = f->tokens.v[k].kind == RP_TOK_WORD &&
				rp_token_is(rp_buf_span(&f->now), &f->tokens.v[k], c->symbol);
	}
	*ret = found != c->until;
	return 0;
}

static bool blank_before(struct rp_span text, size_t off, size_t *ret_line_start)
{
	size_t i = off;

	while (i > 0 && text.p[i - 1] != '\n')
		i--;
	*ret_line_start = i;
	for (; i < off; i++)
		if (text.p[i] != ' ' && text.p[i] != '\t')
			return false;
	return true;
}

/* The start of the next line if only blanks or a comment that ends with the line follow. */
static bool line_ends_behind(struct rp_span text, size_t off, size_t *ret_next)
{
	size_t i = off;

	while (i < text.n && text.p[i] != '\n') {
		if (text.p[i] == '/' && i + 1 < text.n && text.p[i + 1] == '/') {
			while (i < text.n && text.p[i] != '\n')
				i++;
			break;
		}
		if (text.p[i] != ' ' && text.p[i] != '\t' && text.p[i] != '\r')
			return false;
		i++;
	}
	*ret_next = i < text.n ? i + 1 : i;
	return true;
}

/*
 * The lines of text, each with an indentation before it unless it is empty or a
 * preprocessor line, and eol behind it. A text that ends in a newline ends in an empty line.
 */
static void add_indented(struct rp_buf *out, const char *text, struct rp_span indent,
	const char *eol, enum rp_language lang)
{
	for (;;) {
		size_t n = strcspn(text, "\n");

		if (n > 0 && (text[0] != '#' || lang == RP_LANG_CMAKE))
			rp_buf_add(out, indent.p, indent.n);
		rp_buf_add(out, text, n);
		rp_buf_adds(out, eol);
		if (text[n] == '\0')
			return;
		text += n + 1;
	}
}

/* Text with $0 replaced by what the anchor covers. */
static void add_replacement(struct rp_buf *out, const char *text, struct rp_span original)
{
	const char *mark;

	while ((mark = strstr(text, "$0")) != NULL) {
		rp_buf_add(out, text, (size_t)(mark - text));
		rp_buf_add(out, original.p, original.n);
		text = mark + 2;
	}
	rp_buf_adds(out, text);
}

/* now = now[0, at) + text + now[at + del, end). */
static int splice_text(struct rp_plan_file *f, size_t at, size_t del, const struct rp_buf *text,
	struct rp_error *err)
{
	struct rp_buf b = RP_BUF_INIT;

	rp_buf_add(&b, f->now.p, at);
	rp_buf_add(&b, text->p, text->n);
	rp_buf_add(&b, f->now.p + at + del, f->now.n - at - del);
	if (text->failed || rp_buf_check(&b, err) < 0) {
		rp_buf_free(&b);
		return RP_NOMEM(err);
	}
	rp_buf_free(&f->now);
	f->now = b;
	f->lexed = false;
	return 0;
}

static const char *eol_of(struct rp_span text)
{
	const uint8_t *nl = text.n > 0 ? memchr(text.p, '\n', text.n) : NULL;

	return nl && nl > text.p && nl[-1] == '\r' ? "\r\n" : "\n";
}

/* Inserted "\n" inside replacements becomes the file's line end. */
static void fix_eol(struct rp_buf *b, const char *eol)
{
	struct rp_buf out = RP_BUF_INIT;

	if (eol[0] != '\r' || !b->p || !memchr(b->p, '\n', b->n))
		return;
	for (size_t i = 0; i < b->n; i++) {
		if (b->p[i] == '\n' && (i == 0 || b->p[i - 1] != '\r'))
			rp_buf_addc(&out, '\r');
		rp_buf_addc(&out, b->p[i]);
	}
	rp_buf_free(b);
	*b = out;
}

/* Puts the lines of e->text at byte `at`, the start of a line, with the indentation of byte `like`. */
static int insert_lines(struct edit_context *c, size_t at, size_t like)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	struct rp_span now = rp_buf_span(&c->file->now);
	const char *eol = eol_of(now);
	size_t start, n = 0;

	(void)blank_before(now, like, &start);
	while (start + n < now.n && (now.p[start + n] == ' ' || now.p[start + n] == '\t'))
		n++;
	if (at > 0 && now.p[at - 1] != '\n') /* behind a last line without newline */
		rp_buf_adds(&text, eol);
	add_indented(&text, c->edit->text, rp_span_of(now.p + start, n), eol,
		rp_language_of(c->file->path));
	return splice_text(c->file, at, 0, &text, c->err);
}

static int refuse_at(struct edit_context *c, size_t token, const char *reason)
{
	rp_buf_addf(c->why, "%s:%u: %s", c->file->path, c->file->tokens.v[token].line, reason);
	return EDIT_REFUSED;
}

/* True if "else" follows the statement that ends at token `end`. */
static bool else_follows(const struct rp_plan_file *f, size_t end)
{
	struct rp_span now = rp_buf_span(&f->now);

	if (end < f->tokens.n && rp_token_is(now, &f->tokens.v[end], ";"))
		end++;
	return end < f->tokens.n && rp_token_is(now, &f->tokens.v[end], "else");
}

static int substitute(struct edit_context *c, struct rp_match m)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	const struct rp_token *first = &c->file->tokens.v[m.first],
			      *last = &c->file->tokens.v[m.end - 1];
	const char *p = c->file->now.p + first->off, *hit,
		   *end = c->file->now.p + last->off + last->len;
	size_t n = strlen(c->edit->from), count = 0;
	const char *where = NULL;
	int r;

	for (hit = p; (hit = memmem(hit, (size_t)(end - hit), c->edit->from, n)) != NULL;
		hit += n) {
		where = hit;
		count++;
	}
	if (count != 1) {
		rp_buf_addf(c->why, "%s:%u: \"%s\" occurs %zu times in the anchor, expected once",
			c->file->path, first->line, c->edit->from, count);
		return EDIT_REFUSED;
	}
	rp_buf_adds(&text, c->edit->to);
	r = splice_text(c->file, (size_t)(where - c->file->now.p), n, &text, c->err);
	return r < 0 ? r : EDIT_DONE;
}

static int do_edit(struct edit_context *c, struct rp_match m)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	const struct rp_token *first = &c->file->tokens.v[m.first],
			      *last = &c->file->tokens.v[m.end - 1];
	struct rp_span now = rp_buf_span(&c->file->now), original;
	size_t off = first->off, end = (size_t)last->off + last->len, at;
	int r = 0;

	original = rp_span_of(now.p + off, end - off);
	switch (c->edit->action) {
	case RP_ACT_INSERT_BEFORE:
		if (!blank_before(now, off, &at))
			return refuse_at(c, m.first,
				"the anchor is not at the start of its line: lines cannot be "
				"inserted before it");
		r = insert_lines(c, at, off);
		break;
	case RP_ACT_INSERT_AFTER:
		if (!line_ends_behind(now, end, &at))
			return refuse_at(
				c, m.end - 1, "something stands behind the anchor on its line");
		if (else_follows(c->file, m.end))
			return refuse_at(c, m.end - 1,
				"an else belongs to the anchor: nothing can be inserted between "
				"them");
		r = insert_lines(c, at, off);
		break;
	case RP_ACT_PREFIX:
	case RP_ACT_GUARD:
		if (else_follows(c->file, m.end))
			return refuse_at(c, m.end - 1,
				"an else follows the anchor and would change its owner");
		if (c->edit->action == RP_ACT_PREFIX) {
			rp_buf_addf(&text, "%s ", c->edit->text);
			rp_buf_add(&text, original.p, original.n);
		} else {
			rp_buf_addf(&text, "if (%s) { %.*s }", c->edit->text, (int)original.n,
				(const char *)original.p);
		}
		fix_eol(&text, eol_of(now));
		r = splice_text(c->file, off, end - off, &text, c->err);
		break;
	case RP_ACT_REPLACE:
		add_replacement(&text, c->edit->text, original);
		fix_eol(&text, eol_of(now));
		r = splice_text(c->file, off, end - off, &text, c->err);
		break;
	case RP_ACT_SUBSTITUTE:
		return substitute(c, m);
	case RP_ACT_APPEND:
	case RP_ACT_MAX:
		return RP_FAIL(c->err, -EINVAL, "action without an anchor");
	}
	return r < 0 ? r : EDIT_DONE;
}

/* The scopes of an edit: [from, to) token ranges; one for the whole file. */
static int find_scopes(struct edit_context *c, struct rp_function_list *ret)
{
	struct rp_span now = rp_buf_span(&c->file->now);
	int r;

	RP_STRV_FOREACH (name, &c->edit->functions) {
		r = rp_function_find(
			now, &c->file->tokens, rp_language_of(c->file->path), *name, ret, c->err);
		if (r < 0)
			return rp_error_prefix(c->err, r, "%s", c->file->path);
	}
	if (c->edit->functions.n == 0) {
		if (rp_array_grow(&ret->v, &ret->cap, 0, sizeof(*ret->v)) < 0)
			return RP_NOMEM(c->err);
		ret->v[ret->n++] = (struct rp_function){ 0, 0, 0, c->file->tokens.n };
	}
	return 0;
}

/* Scopes overlap where a function has a head in each branch of an #if. */
static void drop_repeated(struct rp_match_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		size_t k = 0;

		while (k < n && (l->v[k].first != l->v[i].first || l->v[k].end != l->v[i].end))
			k++;
		if (k == n)
			l->v[n++] = l->v[i];
	}
	l->n = n;
}

static int find_in_scopes(struct edit_context *c, const struct rp_pattern *p,
	const struct rp_function_list *scopes, struct rp_match_list *ret)
{
	struct rp_span now = rp_buf_span(&c->file->now);
	int r;

	for (size_t i = 0; i < scopes->n; i++) {
		r = rp_pattern_find(p, now, &c->file->tokens, scopes->v[i].start, scopes->v[i].end,
			ret, c->err);
		if (r < 0)
			return rp_error_prefix(c->err, r, "%s", c->file->path);
	}
	if (scopes->n > 1)
		drop_repeated(ret);
	return 0;
}

/* The text that an applied edit leaves, as a pattern. */
static char *applied_text(const struct rp_patch_edit *e)
{
	struct rp_buf b = RP_BUF_INIT;

	switch (e->action) {
	case RP_ACT_PREFIX:
		rp_buf_addf(&b, "%s %s", e->text, e->anchor.text);
		break;
	case RP_ACT_GUARD:
		rp_buf_addf(&b, "if (%s) { %s }", e->text, e->anchor.text);
		break;
	case RP_ACT_REPLACE:
		add_replacement(&b, e->text, rp_span_str(e->anchor.text));
		break;
	default:
		rp_buf_adds(&b, e->text);
		break;
	}
	return rp_buf_steal(&b);
}

/* Substitute is in place if the anchor matches with `to` and without `from` in it. */
static int substituted(struct edit_context *c, const struct rp_function_list *scopes, bool *ret)
{
	RP_CLEANUP(rp_match_list_free) struct rp_match_list m = RP_MATCH_LIST_INIT;
	int r;

	r = find_in_scopes(c, &c->edit->anchor, scopes, &m);
	if (r < 0)
		return r;
	*ret = false;
	if (m.n == 1) {
		const struct rp_token *a = &c->file->tokens.v[m.v[0].first],
				      *z = &c->file->tokens.v[m.v[0].end - 1];
		const char *p = c->file->now.p + a->off;
		size_t n = (size_t)z->off + z->len - a->off;

		*ret = !memmem(p, n, c->edit->from, strlen(c->edit->from)) &&
		       memmem(p, n, c->edit->to, strlen(c->edit->to));
	}
	return 0;
}

/*
 * The inserted text counts only if it stands on the right side of the one anchor: another
 * patch may insert the same words elsewhere. Other insertions may stand between them.
 */
static int on_its_side(struct edit_context *c, const struct rp_function_list *scopes,
	struct rp_match text, bool *ret)
{
	RP_CLEANUP(rp_match_list_free) struct rp_match_list m = RP_MATCH_LIST_INIT;
	int r = find_in_scopes(c, &c->edit->anchor, scopes, &m);

	if (r < 0)
		return r;
	*ret = m.n == 1 && (c->edit->action == RP_ACT_INSERT_BEFORE ? text.end <= m.v[0].first
								    : text.first >= m.v[0].end);
	return 0;
}

/*
 * True if the edit is in the text already. Decided by content, not by the
 * record: also after a reformat, or when the change came from elsewhere.
 */
static int already(struct edit_context *c, const struct rp_function_list *scopes, bool *ret)
{
	RP_CLEANUP(rp_match_list_free) struct rp_match_list m = RP_MATCH_LIST_INIT;
	RP_CLEANUP(rp_pattern_free) struct rp_pattern p = RP_PATTERN_INIT;
	struct rp_function_list whole = RP_FUNCTION_LIST_INIT;
	RP_CLEANUP(rp_free_p) char *text = NULL;
	struct rp_function all = { 0, 0, 0, c->file->tokens.n };
	int r;

	if (c->edit->action == RP_ACT_SUBSTITUTE)
		return substituted(c, scopes, ret);
	text = applied_text(c->edit);
	if (!text)
		return RP_NOMEM(c->err);
	r = rp_pattern_compile(text, rp_language_of(c->file->path), &p, c->err);
	if (r < 0)
		return r;
	/* text before a definition stands outside of every function */
	if (c->edit->at_definition || c->edit->action == RP_ACT_APPEND) {
		whole.v = &all;
		whole.n = 1;
		scopes = &whole;
	}
	r = find_in_scopes(c, &p, scopes, &m);
	if (r < 0)
		return r;
	*ret = m.n > 0;
	if (m.n > 0 &&
		(c->edit->action == RP_ACT_INSERT_BEFORE ||
			c->edit->action == RP_ACT_INSERT_AFTER) &&
		!c->edit->at_definition)
		return on_its_side(c, scopes, m.v[0], ret);
	return 0;
}

static void describe_scope(struct rp_buf *b, const struct rp_patch_edit *e)
{
	for (size_t i = 0; i < e->functions.n; i++)
		rp_buf_addf(b, "%s%s", i == 0 ? ", function " : " or ", e->functions.v[i]);
}

static void refuse_count(struct edit_context *c, const struct rp_function_list *scopes,
	const struct rp_match_list *m)
{
	struct rp_span now = rp_buf_span(&c->file->now);
	size_t token, matched;

	rp_buf_adds(c->why, c->file->path);
	describe_scope(c->why, c->edit);
	if (m->n > 1) {
		rp_buf_addf(c->why, ": the anchor matches %zu places: line", m->n);
		for (size_t i = 0; i < m->n && i < MAX_CANDIDATES; i++)
			rp_buf_addf(c->why, "%s %u", i ? "," : "",
				c->file->tokens.v[m->v[i].first].line);
		if (m->n > MAX_CANDIDATES)
			rp_buf_adds(c->why, ", ...");
		return;
	}
	rp_buf_adds(c->why, ": the anchor matches no place");
	for (size_t i = 0; i < scopes->n; i++)
		if (rp_pattern_nearest(&c->edit->anchor, now, &c->file->tokens, scopes->v[i].start,
			    scopes->v[i].end, &token, &matched))
			rp_buf_addf(c->why, "; nearest: line %u (%zu of %zu tokens)",
				c->file->tokens.v[token].line, matched, c->edit->anchor.tokens.n);
}

static int edit_at_definition(struct edit_context *c, const struct rp_function_list *scopes)
{
	if (scopes->n != 1) {
		rp_buf_adds(c->why, c->file->path);
		describe_scope(c->why, c->edit);
		rp_buf_addf(c->why, ": defined %zu times", scopes->n);
		for (size_t i = 0; i < scopes->n && i < MAX_CANDIDATES; i++)
			rp_buf_addf(c->why, "%s line %u", i ? "," : ":",
				c->file->tokens.v[scopes->v[i].name].line);
		return EDIT_REFUSED;
	}
	return do_edit(c, (struct rp_match){ scopes->v[0].start, scopes->v[0].start + 1 });
}

static int edit_append(struct edit_context *c)
{
	int r = insert_lines(c, c->file->now.n, c->file->now.n);

	return r < 0 ? r : EDIT_DONE;
}

/* Places one edit; an enum edit_outcome, or a negative error. */
static int plan_edit(struct edit_context *c)
{
	RP_CLEANUP(rp_function_list_free) struct rp_function_list scopes = RP_FUNCTION_LIST_INIT;
	RP_CLEANUP(rp_match_list_free) struct rp_match_list m = RP_MATCH_LIST_INIT;
	const char *path = NULL;
	bool yes;
	size_t n;
	int r;

	for (size_t i = 0; i < c->edit->n_conditions; i++) {
		r = condition_holds(c->plan, &c->edit->conditions[i], &yes, c->err);
		if (r < 0)
			return r;
		if (!yes)
			return EDIT_SKIPPED;
	}
	n = count_suffix(c->plan, c->edit->file, &path);
	if (n != 1) {
		rp_buf_addf(c->why, "%zu files of the tree are called %s, expected one", n,
			c->edit->file);
		return EDIT_REFUSED;
	}
	r = open_file(c->plan, path, &c->file, c->err);
	if (r == 0)
		r = lex_file(c->file, c->err);
	if (r == 0)
		r = find_scopes(c, &scopes);
	if (r == 0)
		r = already(c, &scopes, &yes);
	if (r < 0)
		return r;
	if (yes)
		return EDIT_ALREADY;
	if (c->edit->action == RP_ACT_APPEND)
		return edit_append(c);
	if (scopes.n == 0) {
		rp_buf_addf(c->why, "%s: no definition of", path);
		for (size_t i = 0; i < c->edit->functions.n; i++)
			rp_buf_addf(c->why, "%s %s", i ? " or" : "", c->edit->functions.v[i]);
		return EDIT_REFUSED;
	}
	if (c->edit->at_definition)
		return edit_at_definition(c, &scopes);
	r = find_in_scopes(c, &c->edit->anchor, &scopes, &m);
	if (r < 0)
		return r;
	if (m.n != 1) {
		refuse_count(c, &scopes, &m);
		return EDIT_REFUSED;
	}
	return do_edit(c, m.v[0]);
}

/* Planned texts before a patch, to go back to, and for its own diff. */
struct snapshot {
	char **texts;
	size_t *sizes;
	size_t n;
};

static void snapshot_free(struct snapshot *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->texts[i]);
	free(s->texts);
	free(s->sizes);
}

static int snapshot_take(
	const struct rp_patch_plan *plan, struct snapshot *ret, struct rp_error *err)
{
	struct snapshot s = { calloc(plan->n_files + 1, sizeof(*s.texts)),
		calloc(plan->n_files + 1, sizeof(*s.sizes)), 0 };

	if (!s.texts || !s.sizes)
		goto fail;
	for (size_t i = 0; i < plan->n_files; i++) {
		const struct rp_buf *b = &plan->files[i].now;

		s.texts[i] = malloc(b->n + 1);
		if (!s.texts[i])
			goto fail;
		memcpy(s.texts[i], rp_buf_cstr(b), b->n + 1);
		s.sizes[i] = b->n;
		s.n = i + 1;
	}
	*ret = s;
	return 0;
fail:
	snapshot_free(&s);
	return RP_NOMEM(err);
}

/* Files that were opened after the snapshot still have their text from the tree. */
static int snapshot_restore(
	struct rp_patch_plan *plan, const struct snapshot *s, struct rp_error *err)
{
	for (size_t i = 0; i < plan->n_files; i++) {
		struct rp_plan_file *f = &plan->files[i];

		rp_buf_clear(&f->now);
		if (i < s->n)
			rp_buf_add(&f->now, s->texts[i], s->sizes[i]);
		else
			rp_buf_add(&f->now, f->before.p, f->before.n);
		f->lexed = false;
		if (rp_buf_check(&f->now, err) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Keeps what this patch changed, for the quilt series. */
static int record_steps(
	struct rp_patch_plan *plan, size_t patch, const struct snapshot *s, struct rp_error *err)
{
	for (size_t i = 0; i < plan->n_files; i++) {
		const struct rp_plan_file *f = &plan->files[i];
		struct rp_span before =
			i < s->n ? rp_span_of(s->texts[i], s->sizes[i]) : rp_buf_span(&f->before);
		struct rp_plan_step *st;

		if (rp_span_eq(before, rp_buf_span(&f->now)))
			continue;
		if (rp_array_grow(&plan->steps, &plan->steps_cap, plan->n_steps,
			    sizeof(*plan->steps)) < 0)
			return RP_NOMEM(err);
		st = &plan->steps[plan->n_steps++];
		*st = (struct rp_plan_step){ .patch = patch,
			.path = strdup(f->path),
			.before = malloc(before.n + 1),
			.after = malloc(f->now.n + 1),
			.before_n = before.n,
			.after_n = f->now.n };
		if (!st->path || !st->before || !st->after)
			return RP_NOMEM(err);
		if (before.n > 0)
			memcpy(st->before, before.p, before.n);
		memcpy(st->after, rp_buf_cstr(&f->now), f->now.n + 1);
	}
	return 0;
}

/* True if no file that the patch edits is in the tree: it is for another component. */
static bool for_another_tree(const struct rp_patch_plan *plan, const struct rp_patch *p)
{
	const char *path;

	for (size_t i = 0; i < p->n_edits; i++)
		if (count_suffix(plan, p->edits[i].file, &path) > 0)
			return false;
	return true;
}

static void count_edit(struct rp_patch_result *res, int outcome, size_t *already_n)
{
	if (outcome == EDIT_DONE)
		res->n_edits_done++;
	else if (outcome == EDIT_SKIPPED)
		res->n_edits_skipped++;
	else if (outcome == EDIT_ALREADY)
		(*already_n)++;
}

static int finish_result(struct rp_patch_plan *plan, size_t index, const struct snapshot *s,
	size_t n_already, bool refused, struct rp_buf *why, struct rp_error *err)
{
	struct rp_patch_result *res = &plan->results[index];
	int r = 0;

	if (refused) {
		res->outcome = RP_PATCH_REFUSED;
		res->n_edits_done = 0;
		r = snapshot_restore(plan, s, err);
	} else if (res->n_edits_done > 0) {
		res->outcome = RP_PATCH_APPLIES;
		r = record_steps(plan, index, s, err);
	} else if (n_already > 0) {
		res->outcome = RP_PATCH_ALREADY;
	} else {
		res->outcome = RP_PATCH_NOT_FOR;
		rp_buf_adds(why, "its conditions do not hold in this tree");
	}
	free(res->text);
	res->text = rp_buf_steal(why);
	return r < 0 ? r : res->text ? 0 : RP_NOMEM(err);
}

static int plan_patch(
	struct rp_patch_plan *plan, size_t index, const struct rp_patch *p, struct rp_error *err)
{
	struct rp_patch_result *res = &plan->results[index];
	RP_CLEANUP(snapshot_free) struct snapshot before = { NULL, NULL, 0 };
	RP_CLEANUP(rp_buf_free) struct rp_buf why = RP_BUF_INIT;
	size_t n_already = 0;
	bool refused = false;
	int r;

	*res = (struct rp_patch_result){ .patch = p };
	if (for_another_tree(plan, p)) {
		res->outcome = RP_PATCH_NOT_FOR;
		res->text = rp_asprintf("none of its files is in this tree (%s)", p->edits[0].file);
		return res->text ? 0 : RP_NOMEM(err);
	}
	r = snapshot_take(plan, &before, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < p->n_edits && !refused; i++) {
		struct edit_context c = { plan, p, &p->edits[i], NULL, &why, err };

		r = plan_edit(&c);
		if (r < 0)
			return rp_error_prefix(
				err, r, "%s (%s:%u)", p->id, p->file, p->edits[i].line);
		count_edit(res, r, &n_already);
		if (r == EDIT_REFUSED) {
			rp_buf_addf(&why, " (edit at %s:%u)", p->file, p->edits[i].line);
			refused = true;
		}
	}
	return finish_result(plan, index, &before, n_already, refused, &why, err);
}

int rp_patch_plan(const struct rp_ctx *ctx, int tree_fd, const struct rp_patch *const *patches,
	size_t n, struct rp_patch_plan **ret, struct rp_error *err)
{
	RP_CLEANUP(rp_patch_plan_freep) struct rp_patch_plan *plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return RP_NOMEM(err);
	plan->tree_fd = tree_fd;
	plan->results = calloc(n + 1, sizeof(*plan->results));
	if (!plan->results)
		return RP_NOMEM(err);
	r = rp_walk(tree_fd, ".", collect, plan, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (rp_cancelled(ctx))
			return RP_FAIL(err, -ECANCELED, "cancelled");
		plan->n_results = i + 1;
		r = plan_patch(plan, i, patches[i], err);
	}
	if (r < 0)
		return r;
	*ret = RP_STEAL(plan);
	return 0;
}

void rp_patch_plan_free(struct rp_patch_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n_files; i++) {
		free(plan->files[i].path);
		rp_buf_free(&plan->files[i].before);
		rp_buf_free(&plan->files[i].now);
		rp_tokens_free(&plan->files[i].tokens);
	}
	free(plan->files);
	for (size_t i = 0; i < plan->n_results; i++)
		free(plan->results[i].text);
	free(plan->results);
	for (size_t i = 0; i < plan->n_steps; i++) {
		free(plan->steps[i].path);
		free(plan->steps[i].before);
		free(plan->steps[i].after);
	}
	free(plan->steps);
	rp_strv_free(&plan->tree);
	free(plan);
}

void rp_patch_plan_freep(struct rp_patch_plan **plan)
{
	rp_patch_plan_free(*plan);
	*plan = NULL;
}

bool rp_patch_plan_ok(const struct rp_patch_plan *plan)
{
	for (size_t i = 0; i < plan->n_results; i++)
		if (plan->results[i].outcome == RP_PATCH_REFUSED)
			return false;
	return true;
}

const struct rp_patch_result *rp_patch_plan_results(const struct rp_patch_plan *plan, size_t *ret_n)
{
	*ret_n = plan->n_results;
	return plan->results;
}

size_t rp_patch_plan_n_files(const struct rp_patch_plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_files; i++)
		if (!rp_span_eq(
			    rp_buf_span(&plan->files[i].before), rp_buf_span(&plan->files[i].now)))
			n++;
	return n;
}
