/* SPDX-License-Identifier: MIT */
/* Where functions are defined in a lexed file; the scope of an edit. */
#ifndef RP_PATCH_FUNCTION_H
#define RP_PATCH_FUNCTION_H

#include "patch/lexer.h"

struct rp_function {
	size_t start; /* first token of the definition: return type, attributes, template head */
	size_t name; /* first token of the name as it was asked for */
	size_t body; /* C: the "{"; CMake: the token behind function(...) */
	size_t end; /* behind the "}" or behind endfunction() */
};

struct rp_function_list {
	struct rp_function *v;
	size_t n, cap;
};

#define RP_FUNCTION_LIST_INIT \
	{                     \
		NULL, 0, 0    \
	}

/*
 * Appends all definitions (not declarations, not calls) of a function. name may be qualified
 * ("GpuAgent::InitRegionList"); an unqualified name is found below any scope.
 */
RP_MUST_CHECK int rp_function_find(struct rp_span text, const struct rp_tokens *tokens,
	enum rp_language lang, const char *name, struct rp_function_list *ret,
	struct rp_error *err);
void rp_function_list_free(struct rp_function_list *l);

#endif
