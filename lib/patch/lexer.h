/* SPDX-License-Identifier: MIT */
/*
 * Tokens of C, C++ and CMake files, as far as anchors need them: comments and
 * white space do not count, line continuations neither, literals are one token.
 * Tokens borrow nothing: they are offsets into the text.
 */
#ifndef RP_PATCH_LEXER_H
#define RP_PATCH_LEXER_H

#include "base/base.h"

enum rp_language { RP_LANG_C, RP_LANG_CMAKE };

enum rp_token_kind {
	RP_TOK_WORD, /* identifier or keyword; in CMake any unquoted argument */
	RP_TOK_NUMBER,
	RP_TOK_STRING, /* with its prefix and quotes; raw strings too */
	RP_TOK_CHAR,
	RP_TOK_PUNCT,
};

#define RP_TOKEN_NO_MATCH UINT32_MAX

struct rp_token {
	uint32_t off, len;
	uint32_t line; /* 1-based */
	uint32_t match; /* index of the matching bracket; RP_TOKEN_NO_MATCH: none, or no bracket */
	uint8_t kind; /* enum rp_token_kind */
	bool in_directive; /* part of a preprocessor line */
};

struct rp_tokens {
	struct rp_token *v;
	size_t n, cap;
};

#define RP_TOKENS_INIT     \
	{                  \
		NULL, 0, 0 \
	}

/* By the file's name: CMakeLists.txt and *.cmake are CMake, the rest is C. */
enum rp_language rp_language_of(const char *path);

/* -EBADMSG: a NUL byte, or a comment or raw string without end; err names the line. */
RP_MUST_CHECK int rp_lex(
	struct rp_span text, enum rp_language lang, struct rp_tokens *ret, struct rp_error *err);
void rp_tokens_free(struct rp_tokens *t);

static inline struct rp_span rp_token_text(struct rp_span text, const struct rp_token *t)
{
	return rp_span_of(text.p + t->off, t->len);
}

static inline bool rp_token_is(struct rp_span text, const struct rp_token *t, const char *s)
{
	return rp_span_eq_str(rp_token_text(text, t), s);
}

#endif
