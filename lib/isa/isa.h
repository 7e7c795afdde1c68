/* SPDX-License-Identifier: MIT */
/*
 * Decoder, register sets and printer of gfx10 (RDNA 1 and RDNA 2) machine code.
 * All knowledge of instructions is in data/isa/gfx10.tsv; tools/gen-isa.py makes the
 * C tables of it at build time. Nothing here allocates; every function is thread safe.
 *
 * Sources: "RDNA 1.0" and "RDNA 2" instruction set documents (AMD), and the behaviour of
 * LLVM 19.1.7's disassembler, against which the tests compare (docs/isa.md).
 */
#ifndef RP_ISA_H
#define RP_ISA_H

#include "base/span.h"

/* Groups of chips with the same instructions; a bit each in rp_isa_row.chips. */
enum rp_isa_chip {
	RP_ISA_GFX1010 = 1, /* also gfx10-1-generic */
	RP_ISA_GFX1011 = 2, /* also gfx1012 */
	RP_ISA_GFX1013 = 4,
	RP_ISA_GFX1030 = 8, /* gfx1030 .. gfx1036, gfx10-3-generic */
};

enum rp_isa_encoding {
	RP_ISA_NONE, /* not an instruction */
	RP_ISA_SOP1,
	RP_ISA_SOP2,
	RP_ISA_SOPC,
	RP_ISA_SOPK,
	RP_ISA_SOPP,
	RP_ISA_SMEM,
	RP_ISA_VOP1,
	RP_ISA_VOP2,
	RP_ISA_VOPC,
	RP_ISA_VOP3,
	RP_ISA_VOP3P,
	RP_ISA_VINTRP,
	RP_ISA_DS,
	RP_ISA_FLAT, /* FLAT encoding, segment 0 */
	RP_ISA_SCRATCH, /* segment 1 */
	RP_ISA_GLOBAL, /* segment 2 */
	RP_ISA_MUBUF,
	RP_ISA_MTBUF,
	RP_ISA_MIMG,
	RP_ISA_EXP,
	RP_ISA_ENCODING_MAX
};

/* What the hazard rules speak of; FLAT is segments 0, 1 and 2. */
enum rp_isa_class {
	RP_ISA_CLASS_NONE,
	RP_ISA_CLASS_SALU, /* SOP1, SOP2, SOPC, SOPK, SOPP */
	RP_ISA_CLASS_SMEM,
	RP_ISA_CLASS_VALU, /* VOP1, VOP2, VOPC, VOP3, VOP3P, VINTRP, with SDWA and DPP */
	RP_ISA_CLASS_DS,
	RP_ISA_CLASS_FLAT,
	RP_ISA_CLASS_VMEM, /* MUBUF, MTBUF, MIMG */
	RP_ISA_CLASS_EXP,
};

enum rp_isa_form { RP_ISA_FORM_NATIVE, RP_ISA_FORM_SDWA, RP_ISA_FORM_DPP16, RP_ISA_FORM_DPP8 };

/* Flags of a row; the table's flag column has the same names in lower case. */
#define RP_ISA_F_BRANCH	  (1u << 0) /* simm16 is a target: index of the next word + simm16 */
#define RP_ISA_F_COND	  (1u << 1) /* ... that may not be taken */
#define RP_ISA_F_JUMP	  (1u << 2) /* the next instruction does not follow */
#define RP_ISA_F_END	  (1u << 3) /* the wave (or the trap handler) ends here */
#define RP_ISA_F_CALL	  (1u << 4) /* s_call, s_swappc: comes back */
#define RP_ISA_F_LOAD	  (1u << 5)
#define RP_ISA_F_STORE	  (1u << 6)
#define RP_ISA_F_ATOMIC	  (1u << 7)
#define RP_ISA_F_WIDE	  (1u << 8) /* ds_read/write_b64, b96, b128 */
#define RP_ISA_F_CMPX	  (1u << 9)
#define RP_ISA_F_REL	  (1u << 10) /* movrel, swaprel: also uses registers that it does not name */
#define RP_ISA_F_WAIT	  (1u << 11) /* s_waitcnt* */
#define RP_ISA_F_REXEC	  (1u << 12) /* reads EXEC without naming it */
#define RP_ISA_F_WEXEC	  (1u << 13)
#define RP_ISA_F_RVCC	  (1u << 14)
#define RP_ISA_F_RM0	  (1u << 15)
#define RP_ISA_F_RSCC	  (1u << 16)
#define RP_ISA_F_WSCC	  (1u << 17)
#define RP_ISA_F_SDWA	  (1u << 18) /* the form exists */
#define RP_ISA_F_DPP	  (1u << 19) /* the forms DPP16 and DPP8 exist */
#define RP_ISA_F_E32	  (1u << 20) /* text carries _e32 */
#define RP_ISA_F_E64	  (1u << 21) /* text carries _e64 */
#define RP_ISA_F_CLAMP	  (1u << 22)
#define RP_ISA_F_OMOD	  (1u << 23)
#define RP_ISA_F_OPSEL	  (1u << 24)
#define RP_ISA_F_OFFSET01 (1u << 25) /* DS: two 8-bit offsets */
#define RP_ISA_F_SWIZZLE  (1u << 26) /* DS: the offset is a swizzle pattern */
#define RP_ISA_F_GDS	  (1u << 27) /* DS: only with gds */
#define RP_ISA_F_LDS	  (1u << 28) /* MUBUF, FLAT: may go to LDS */
#define RP_ISA_F_TFE	  (1u << 29) /* MUBUF: tfe bit exists */
#define RP_ISA_F_BVH	  (1u << 30) /* MIMG: image_bvh*_intersect_ray */
#define RP_ISA_F_LITERAL  (1u << 31) /* always followed by a literal word */

struct rp_isa_row {
	uint64_t zero_mask; /* bits of words 0 and 1 that must be as in zero_value */
	uint64_t zero_value;
	uint32_t flags; /* RP_ISA_F_* */
	uint16_t name; /* internal: use rp_isa_name() */
	uint16_t operands; /* internal */
	uint16_t opcode;
	uint16_t other; /* row of the same key on other chips; 0: none */
	uint8_t n_operands;
	uint8_t encoding; /* enum rp_isa_encoding */
	uint8_t klass; /* enum rp_isa_class */
	uint8_t chips; /* enum rp_isa_chip bits */
	uint8_t image; /* MIMG: internal, how many address words */
	uint8_t name_length;
	uint8_t sources; /* internal: which of src0..2 (ssrc0, 1) may be a constant */
	uint8_t writes_scalar; /* an operand may write a scalar register, or EXEC is written */
};

struct rp_isa_target {
	uint8_t chip; /* one bit of enum rp_isa_chip */
	bool wave64; /* width of lane masks (VCC, EXEC, carry) */
};

enum rp_isa_status {
	RP_ISA_OK,
	RP_ISA_FOREIGN, /* an instruction, but not on this chip; everything else is as in OK */
	RP_ISA_BAD, /* not an instruction */
	RP_ISA_TRUNCATED, /* the code ends inside of the instruction */
};

#define RP_ISA_MAX_WORDS 5u

struct rp_isa_inst {
	uint32_t w[RP_ISA_MAX_WORDS]; /* w[0 .. bytes / 4) are valid; w[1] is 0 if there is none */
	uint32_t flags; /* the row's */
	uint16_t row; /* 0: none (RP_ISA_BAD, RP_ISA_TRUNCATED) */
	uint16_t opcode;
	uint8_t status; /* enum rp_isa_status */
	uint8_t bytes; /* length; 4 (or what is left) if BAD or TRUNCATED; 0 at the end */
	uint8_t encoding; /* enum rp_isa_encoding */
	uint8_t klass; /* enum rp_isa_class */
	uint8_t form; /* enum rp_isa_form */
	uint8_t literal; /* index of the literal in w; 0: none */
};

/*
 * The instruction at byte off of code. Never reads outside of code; ret is filled
 * completely in all cases. Returns ret->status.
 */
enum rp_isa_status rp_isa_decode(
	const struct rp_isa_target *t, struct rp_span code, size_t off, struct rp_isa_inst *ret);

/*
 * As rp_isa_decode, but also refuses (RP_ISA_BAD, 4 bytes; FOREIGN becomes 4 bytes, too) what LLVM's
 * disassembler refuses: register tuples that do not exist, reserved bits of SDWA and DPP. For
 * listings that shall look like llvm-objdump's; in code that a compiler made there is no difference.
 */
enum rp_isa_status rp_isa_decode_strict(
	const struct rp_isa_target *t, struct rp_span code, size_t off, struct rp_isa_inst *ret);

/* Row 0 stands for "no instruction". rp_isa_n_rows counts it. */
extern const struct rp_isa_row rp_isa_rows[];
extern const unsigned int rp_isa_n_rows;

/* Mnemonic without suffix (_e32, _e64, _sdwa, _dpp); "" for row 0. */
const char *rp_isa_name(unsigned int row);

/* "VOP3P"; "" if there is no such encoding. */
const char *rp_isa_encoding_name(unsigned int encoding);

/* The row of a key on a chip (enum rp_isa_chip bit); 0: there is none. */
unsigned int rp_isa_find_row(enum rp_isa_encoding encoding, unsigned int opcode, unsigned int chip);

static inline const struct rp_isa_row *rp_isa_row_of(const struct rp_isa_inst *i)
{
	return &rp_isa_rows[i->row];
}

static inline int16_t rp_isa_simm16(const struct rp_isa_inst *i)
{
	return (int16_t)(uint16_t)i->w[0];
}

/* Byte offset a RP_ISA_F_BRANCH at byte off goes to (may be negative: outside). */
static inline int64_t rp_isa_branch_target(const struct rp_isa_inst *i, uint64_t off)
{
	return (int64_t)off + 4 + 4 * (int64_t)rp_isa_simm16(i);
}

/* Scalar registers as operand codes name them: s0..s105 are 0..105. */
enum rp_isa_scalar {
	RP_ISA_VCC_LO = 106,
	RP_ISA_VCC_HI = 107,
	RP_ISA_TTMP0 = 108, /* .. 123 */
	RP_ISA_M0 = 124,
	RP_ISA_NULL = 125, /* never in a set: reading gives 0, writing does nothing */
	RP_ISA_EXEC_LO = 126,
	RP_ISA_EXEC_HI = 127,
};

/* Bit r % 64 of word r / 64. */
struct rp_isa_sset {
	uint64_t b[2];
};

struct rp_isa_vset {
	uint64_t b[4];
};

static inline bool rp_isa_sset_has(const struct rp_isa_sset *s, unsigned int r)
{
	return s->b[r / 64] >> (r % 64) & 1;
}

static inline bool rp_isa_vset_has(const struct rp_isa_vset *s, unsigned int r)
{
	return s->b[r / 64] >> (r % 64) & 1;
}

static inline bool rp_isa_sset_meets(const struct rp_isa_sset *a, const struct rp_isa_sset *b)
{
	return (a->b[0] & b->b[0]) | (a->b[1] & b->b[1]);
}

static inline bool rp_isa_sset_empty(const struct rp_isa_sset *s)
{
	return !(s->b[0] | s->b[1]);
}

static inline struct rp_isa_sset rp_isa_sset_or(struct rp_isa_sset a, struct rp_isa_sset b)
{
	return (struct rp_isa_sset){ { a.b[0] | b.b[0], a.b[1] | b.b[1] } };
}

/*
 * What an instruction touches. Explicit = by an operand of its text (so VCC of v_add_co_ci_u32_e32
 * and of v_cmp_*_e32 is explicit); implicit = without an operand: EXEC of vector and memory
 * instructions, of saveexec and v_cmpx, VCC of v_div_fmas and s_cbranch_vcc*, M0. Registers that
 * are used relative to M0 (RP_ISA_F_REL) beyond the named one are not in the sets.
 */
struct rp_isa_regs {
	struct rp_isa_sset read, read_implicit;
	struct rp_isa_sset write, write_implicit;
	struct rp_isa_vset vread, vwrite;
	bool scc_read, scc_write;
};

/* inst must be RP_ISA_OK or RP_ISA_FOREIGN; otherwise all sets are empty. */
void rp_isa_regs(
	const struct rp_isa_target *t, const struct rp_isa_inst *inst, struct rp_isa_regs *ret);

/* As above, faster, without the VGPRs (their sets are not touched): what the hazard rules need. */
void rp_isa_scalar_regs(
	const struct rp_isa_target *t, const struct rp_isa_inst *inst, struct rp_isa_regs *ret);

enum rp_isa_operand_kind {
	RP_ISA_OP_NONE,
	RP_ISA_OP_SCALAR, /* reg: enum rp_isa_scalar code */
	RP_ISA_OP_VGPR, /* reg: 0..255 */
	RP_ISA_OP_INLINE, /* reg: operand code 128..248, value: the integer, or the code's index */
	RP_ISA_OP_LITERAL, /* value: the 32-bit literal */
	RP_ISA_OP_SPECIAL, /* reg: 235..239 apertures, 251..254 vccz, execz, scc, lds_direct */
	RP_ISA_OP_IMMEDIATE, /* value: the field's bits */
	RP_ISA_OP_OFF, /* no address register ("off") */
};

#define RP_ISA_OP_READ	1u
#define RP_ISA_OP_WRITE 2u

#define RP_ISA_MOD_NEG	1u
#define RP_ISA_MOD_ABS	2u
#define RP_ISA_MOD_SEXT 4u

/* Positions of an operand, for those that rewrite or execute. */
enum rp_isa_field {
	RP_ISA_FIELD_NONE,
	RP_ISA_FIELD_SDST,
	RP_ISA_FIELD_SSRC0,
	RP_ISA_FIELD_SSRC1,
	RP_ISA_FIELD_SIMM16,
	RP_ISA_FIELD_SBASE,
	RP_ISA_FIELD_SDATA,
	RP_ISA_FIELD_OFFSET, /* SMEM: the immediate and soffset together */
	RP_ISA_FIELD_VDST,
	RP_ISA_FIELD_SRC0,
	RP_ISA_FIELD_SRC1, /* also vsrc1 of VOP2 and VOPC */
	RP_ISA_FIELD_SRC2,
	RP_ISA_FIELD_VCC, /* not encoded: the VCC of an e32, SDWA or DPP form */
	RP_ISA_FIELD_LIT, /* the literal word of the mk and ak instructions and s_setreg_imm32 */
	RP_ISA_FIELD_ADDR,
	RP_ISA_FIELD_DATA0, /* also data of FLAT */
	RP_ISA_FIELD_DATA1,
	RP_ISA_FIELD_SADDR,
	RP_ISA_FIELD_VDATA,
	RP_ISA_FIELD_VADDR,
	RP_ISA_FIELD_SRSRC,
	RP_ISA_FIELD_SSAMP,
	RP_ISA_FIELD_SOFFSET,
	RP_ISA_FIELD_ATTR,
	RP_ISA_FIELD_PARAM,
	RP_ISA_FIELD_TGT,
	RP_ISA_FIELD_VSRC, /* VINTRP, and the four of EXP in order */
};

/* Types of the table's operand column. */
enum rp_isa_type {
	RP_ISA_TYPE_V, /* VGPR only */
	RP_ISA_TYPE_S, /* scalar register only */
	RP_ISA_TYPE_M, /* lane mask */
	RP_ISA_TYPE_I16,
	RP_ISA_TYPE_I32,
	RP_ISA_TYPE_I64,
	RP_ISA_TYPE_F16,
	RP_ISA_TYPE_F32,
	RP_ISA_TYPE_F64,
	RP_ISA_TYPE_V2F16,
	RP_ISA_TYPE_I16S,
	RP_ISA_TYPE_I32S,
	RP_ISA_TYPE_DEC,
	RP_ISA_TYPE_HEX,
	RP_ISA_TYPE_HWREG,
	RP_ISA_TYPE_MSG,
	RP_ISA_TYPE_OPT,
	RP_ISA_TYPE_REL,
	RP_ISA_TYPE_WAIT,
	RP_ISA_TYPE_DEPCTR,
	RP_ISA_TYPE_VERSION,
	RP_ISA_TYPE_SMEM,
	RP_ISA_TYPE_OFF,
	RP_ISA_TYPE_BUF,
	RP_ISA_TYPE_IMG,
	RP_ISA_TYPE_ATTR,
	RP_ISA_TYPE_PARAM,
	RP_ISA_TYPE_TGT,
	RP_ISA_TYPE_MAX
};

struct rp_isa_operand {
	uint8_t kind; /* enum rp_isa_operand_kind */
	uint8_t access; /* RP_ISA_OP_READ | RP_ISA_OP_WRITE; 0: absent or an immediate */
	uint8_t type; /* enum rp_isa_type */
	uint8_t field; /* enum rp_isa_field */
	uint8_t dwords; /* number of registers */
	uint8_t mods; /* RP_ISA_MOD_* */
	uint16_t reg;
	uint32_t value;
};

/* Operand n (0 .. row's n_operands - 1) in the order of the text. NSA addresses: rp_isa_nsa(). */
void rp_isa_operand(const struct rp_isa_target *t, const struct rp_isa_inst *inst, unsigned int n,
	struct rp_isa_operand *ret);

/* VGPR number a of an MIMG with NSA (a = 0 is vaddr itself), and how many there are (0: not NSA). */
unsigned int rp_isa_nsa(const struct rp_isa_inst *inst, uint8_t ret_vgpr[13]);

/*
 * Writes the name of byte offset target (label, "symbol+0x10", ...) into buf of size bytes;
 * returns the length as snprintf does, 0: no name.
 */
typedef size_t (*rp_isa_label_fn)(void *user, int64_t target, char *buf, size_t size);

struct rp_isa_print {
	uint64_t off; /* byte offset of the instruction: for branch targets */
	rp_isa_label_fn label; /* NULL: targets are printed as the number in simm16 */
	void *user;
};

/* Enough for every instruction, as long as the label function keeps to 128 bytes. */
#define RP_ISA_TEXT_MAX 512u

/*
 * The instruction in LLVM 19's syntax ("v_add_f32_e32 v0, s1, v2"), NUL-terminated in buf of size
 * bytes; ".long 0x..." if it is no instruction (also if FOREIGN: that is what an assembler for
 * the chip would take). p may be NULL. Returns the length that was needed, as snprintf does.
 */
size_t rp_isa_print(const struct rp_isa_target *t, const struct rp_isa_inst *inst,
	const struct rp_isa_print *p, char *buf, size_t size);

#endif
