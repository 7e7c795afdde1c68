/* SPDX-License-Identifier: MIT */
/*
 * The data files of Tensile libraries (rocBLAS): MessagePack that names chips and other files. rocBLAS
 * opens TensileLibrary_lazy_CHIP.dat for the chip that it runs on; in it "Hardware" rows with a predicate
 * {type: AMDGPU, value: {type: Processor, value: CHIP}} lead to placeholders, names of further files without ".dat" and ".co".
 * Sources: files of rocBLAS 6.4.4; Tensile's PlaceholderLibrary.hpp, Predicates.hpp.
 */
#ifndef RP_RETARGET_TENSILE_H
#define RP_RETARGET_TENSILE_H

#include "base/base.h"

/*
 * Where the name of a chip stands in text, as a word of its own ("Kernels.so-000-gfx1030.hsaco"); false: it
 * does not.
 */
bool rp_tensile_find_word(struct rp_span text, const char *word, size_t *ret_at);

/* True for the name of a data file of a Tensile library: "TensileLibrary....dat". */
bool rp_tensile_is_data_name(const char *name);

/*
 * The data with chip name to in place of from, in every string that has it as a word. 0; -EBADMSG: no
 * MessagePack, or not of a Tensile library (a map with "solutions" and "library").
 */
RP_MUST_CHECK int rp_tensile_rename(struct rp_span data, const char *from, const char *to,
	struct rp_buf *ret, struct rp_error *err);

/*
 * Whether a library can take the place of another: its Hardware rows end with all rows of the
 * other. 0; -ENOTSUP: no, err says why; -EBADMSG.
 */
RP_MUST_CHECK int rp_tensile_covers(
	struct rp_span data, struct rp_span other, struct rp_error *err);

#endif
