/* SPDX-License-Identifier: MIT */
/* What the generated tables, the decoder and the printer share. */
#ifndef RP_ISA_INTERNAL_H
#define RP_ISA_INTERNAL_H

#include "isa/isa.h"

/* How the bits of an operand's field are read. */
enum rp_isa_how {
	HOW_SSRC, /* 8-bit scalar source: register, inline constant, special or literal */
	HOW_SREG, /* scalar register number */
	HOW_SRC, /* 9-bit source: as HOW_SSRC, or 256 + VGPR */
	HOW_VGPR,
	HOW_SBASE, /* scalar register number / 2 */
	HOW_SRSRC, /* scalar register number / 4 */
	HOW_IMM,
	HOW_VCC, /* the VCC that a form uses without naming it in its bits */
	HOW_LIT, /* the literal word */
};

#define OPDESC_IF_GLC 4u /* in access: the write (or the operand) is there only if glc is set */

struct rp_isa_opdesc {
	uint8_t field; /* enum rp_isa_field */
	uint8_t type; /* enum rp_isa_type */
	uint8_t access; /* RP_ISA_OP_* and OPDESC_IF_GLC */
	uint8_t dwords;
	uint8_t shift; /* first bit, of the 64 of words 0 and 1 */
	uint8_t bits;
	uint8_t how; /* enum rp_isa_how */
	uint8_t slot; /* which source: selects its modifier bits */
};

extern const struct rp_isa_opdesc rp_isa_opdescs[];
extern const uint16_t rp_isa_index[];
extern const uint16_t rp_isa_index_start[RP_ISA_ENCODING_MAX];
extern const uint16_t rp_isa_index_size[RP_ISA_ENCODING_MAX];
extern const char *const rp_isa_name_pool;

/* Special 9-bit sources of word 0 that announce a second word, or a literal. */
enum { SRC_DPP8 = 233, SRC_DPP8_FI = 234, SRC_SDWA = 249, SRC_DPP = 250, SRC_LITERAL = 255 };

/* Bits [shift, shift + bits) of words 0 and 1. */
static inline uint32_t rp_isa_bits(
	const struct rp_isa_inst *i, unsigned int shift, unsigned int bits)
{
	uint64_t w = i->w[0] | (uint64_t)i->w[1] << 32;

	return (uint32_t)(w >> shift & ((UINT64_C(1) << bits) - 1));
}

/* The bit that makes an atomic return the old value: its place depends on the encoding. */
bool rp_isa_glc(const struct rp_isa_inst *i);

/* Address words (VGPRs) of an MIMG; the most that its row can have; data words with tfe's. */
unsigned int rp_isa_image_address_dwords(const struct rp_isa_inst *i);
unsigned int rp_isa_image_max_address(const struct rp_isa_inst *i);
unsigned int rp_isa_image_data_dwords(const struct rp_isa_target *t, const struct rp_isa_inst *i);

#endif
