/* SPDX-License-Identifier: MIT */
/*
 * Executor of gfx10 machine code: runs the work-groups of one dispatch over host threads.
 *
 * The code is read from GPU memory through a caller's address translation, decoded by lib/isa's
 * one table once and kept; what each mnemonic does is found by its name in the tables of this
 * folder. An instruction without semantics stops the dispatch with its name. What a chip does
 * differently (lib/chip's defects) acts when the instruction runs and can be switched off.
 *
 * What is modelled, from which source, and what is not: docs/executor.md. Nothing of it was
 * compared with a card.
 *
 * Threads: rp_exec_dispatch may be called from several threads with the same struct rp_exec.
 * The caller keeps every mapping that a running dispatch may touch alive until it returns.
 */
#ifndef RP_VGPU_EXEC_H
#define RP_VGPU_EXEC_H

#include "base/base.h"
#include "chip/chip.h"
#include "codeobj/codeobj.h"
#include "hazard/hazard.h"
#include "isa/isa.h"

#define RP_EXEC_READ	1u
#define RP_EXEC_WRITE	2u
#define RP_EXEC_EXECUTE 4u

/* GPU addresses [va, va + size) are the bytes at host. */
struct rp_exec_range {
	uint64_t va, size;
	uint8_t *host;
	uint32_t access; /* RP_EXEC_READ ... */
};

struct rp_exec_memory {
	/* The range that va is in; false: not mapped. Called from any thread, often concurrently. */
	bool (*find)(void *data, uint64_t va, struct rp_exec_range *ret);
	/* Changes whenever an answer of find may have changed. */
	uint64_t (*generation)(void *data);
	void *data;
};

/* Compiled forms of the same vector code; which ones exist depends on the CPU. */
enum rp_exec_level {
	RP_EXEC_PORTABLE,
	RP_EXEC_AVX2, /* AVX2 and FMA */
	RP_EXEC_AVX512, /* AVX-512 F, BW, DQ, VL */
	RP_EXEC_LEVEL_MAX
};

/* Best level of this CPU that the build has. */
enum rp_exec_level rp_exec_best_level(void);
const char *rp_exec_level_name(enum rp_exec_level level);

enum rp_exec_hazards {
	RP_EXEC_HAZARDS_OFF,
	RP_EXEC_HAZARDS_WARN, /* counted, the first ones of a dispatch recorded */
	RP_EXEC_HAZARDS_CORRUPT, /* and the register that the hazard endangers becomes wrong */
	RP_EXEC_HAZARDS_MAX
};

/* "off", "warn", "corrupt" by number; RP_EXEC_HAZARDS_MAX: no such word. */
enum rp_exec_hazards rp_exec_hazards_by_name(const char *word);

struct rp_exec_config {
	const struct rp_chip *chip; /* a gfx10 chip: decides which opcodes exist */
	uint64_t features; /* bits of enum rp_chip_feature that act; usually chip->features */
	enum rp_exec_level level;
	enum rp_exec_hazards hazards;
	uint64_t seed; /* of what HAZARDS_CORRUPT writes */
	unsigned int n_threads; /* 0: 1 */
	struct rp_exec_memory memory;
};

/*
 * Features of the chip table (bits of enum rp_chip_feature) that change what happens here, each of
 * which can be on or off in rp_exec_config.features: the defects of instructions, the timing hazards.
 */
uint64_t rp_exec_switchable(void);

struct rp_exec; /* machine: chip, semantics of each row, decoded code */

RP_MUST_CHECK int rp_exec_new(
	const struct rp_exec_config *config, struct rp_exec **ret, struct rp_error *err);
void rp_exec_free(struct rp_exec *x);

enum rp_exec_fault_kind {
	RP_EXEC_OK,
	RP_EXEC_ILLEGAL, /* no instruction, or not one of this chip: TRAPSTS ILLEGAL_INST */
	RP_EXEC_APERTURE, /* address that no aperture has, or misaligned: TRAPSTS MEM_VIOL (ROCR's error 0x29) */
	RP_EXEC_PAGE, /* a good address that is not mapped, or not for this access */
	RP_EXEC_UNIMPLEMENTED, /* an instruction of the chip that this executor does not have */
	RP_EXEC_HANG, /* s_inst_prefetch on a chip that may hang there; nothing can run any more */
	RP_EXEC_DEADLINE, /* not finished in time, or all waves wait for each other */
	RP_EXEC_TRAP, /* s_trap */
	RP_EXEC_CANCELED,
	RP_EXEC_NO_MEMORY, /* of the host */
	RP_EXEC_FAULT_MAX
};

const char *rp_exec_fault_name(enum rp_exec_fault_kind kind);

#define RP_EXEC_FAULT_VGPRS 24u

/* The first fault of a dispatch, as precise as the executor knows it. */
/* What a trap handler made of a fault. */
enum rp_exec_handler {
	RP_EXEC_HANDLER_NONE, /* there is none, or not for this kind */
	RP_EXEC_HANDLER_HALTED, /* it ran and halted the wave */
	RP_EXEC_HANDLER_RETURNED, /* it ran, and the wave went on: never in a fault that stopped a dispatch */
	RP_EXEC_HANDLER_FAILED, /* a fault in it, or it did not come back */
};

struct rp_exec_fault {
	enum rp_exec_fault_kind kind;
	enum rp_exec_handler handler;
	uint64_t pc;
	uint32_t w[RP_ISA_MAX_WORDS]; /* the instruction's words */
	uint8_t n_words; /* 0: the code itself could not be read */
	uint16_t row; /* of lib/isa; 0: none */
	uint32_t group[3];
	uint32_t wave; /* in its group */
	int lane; /* -1: not of a lane */
	uint64_t address; /* of the access */
	bool is_store;
	uint32_t trap_id;
	/* Registers of the wave before the instruction. */
	bool wave64;
	uint32_t sgpr[128]; /* by operand code: VCC, M0, EXEC included */
	uint32_t scc, mode;
	/* VGPRs that the instruction names, in the faulting lane (lane 0 if none). */
	uint8_t n_vgprs;
	uint8_t vgpr[RP_EXEC_FAULT_VGPRS];
	uint32_t vgpr_value[RP_EXEC_FAULT_VGPRS];
	char why[256]; /* one line */
};

#define RP_EXEC_MAX_HAZARD_SITES 64u

struct rp_exec_hazard_site {
	uint8_t hazard; /* enum rp_hazard */
	uint8_t reg; /* the register in danger: scalar; for LDS_BRANCH_VMEM and NSA_TO_VMEM a VGPR */
	uint64_t pc; /* of the instruction that came too early */
};

/* Filled by a dispatch; add up several by using the same struct. Zero it first. */
struct rp_exec_report {
	uint64_t n_instructions, n_waves, n_groups;
	uint64_t *count; /* per row of lib/isa; the caller's array of rp_isa_n_rows, or NULL */
	uint64_t defects[RP_CHIP_FEATURE_MAX]; /* how often a defect changed what happened */
	uint64_t defect_pc[RP_CHIP_FEATURE_MAX]; /* where it did so first in some wave */
	uint64_t hazards[RP_HAZARD_MAX];
	uint32_t n_sites;
	struct rp_exec_hazard_site sites[RP_EXEC_MAX_HAZARD_SITES];
};

enum rp_exec_fidelity {
	RP_EXEC_NONE, /* no semantics: stops the kernel */
	RP_EXEC_EXACT, /* bit for bit by the documents */
	RP_EXEC_APPROXIMATE, /* within the stated error; the hardware's tables are not public */
	RP_EXEC_UNVERIFIED, /* a detail is not documented, or no independent test covers it */
};

const char *rp_exec_fidelity_name(enum rp_exec_fidelity fidelity); /* "none", "exact", ... */

/* How a row of lib/isa is modelled; the same for all machines. */
struct rp_exec_row {
	uint8_t fidelity; /* enum rp_exec_fidelity */
	bool forms; /* SDWA and DPP as well, where the row has them */
	bool clamp; /* clamp as well, where the row has it */
	const char *
		bound; /* APPROXIMATE: error that the ISA document allows the hardware, "1 ulp"; else NULL */
};

void rp_exec_row_info(unsigned int row, struct rp_exec_row *ret);

/*
 * What keeps an instruction whose row has semantics from being executed: "gds", "lds", "tfe", "clamp", "SDWA",
 * "DPP". NULL: nothing. row: of inst->row.
 */
const char *rp_exec_refuses(const struct rp_isa_inst *inst, const struct rp_exec_row *row);

struct rp_exec_message {
	uint32_t simm16; /* of s_sendmsg: message id in bits 3:0 */
	uint32_t m0;
	bool halt; /* s_sendmsghalt */
	bool in_handler; /* sent by a trap handler */
	uint32_t exec_lo; /* the wave's; message 10 (get doorbell) returns a value here */
};

struct rp_exec_dispatch {
	struct rp_kernel_descriptor descriptor;
	uint64_t entry; /* GPU address of the first instruction */
	uint32_t grid[3]; /* in work-items; 0 counts as 1 */
	uint32_t group[3];
	uint32_t lds_bytes; /* of a work-group: static and dynamic */
	/* User SGPRs, placed as the descriptor asks for them. */
	uint32_t private_srd[4];
	uint64_t packet, queue, kernarg, dispatch_id;
	uint64_t flat_scratch; /* GPU address of the scratch memory */
	uint32_t private_bytes; /* of a work-item */
	/* Scratch memory: wave i of those in flight has [i * scratch_wave_bytes, ...) of it. */
	uint32_t scratch_wave_bytes;
	uint32_t scratch_waves; /* 0 if no private memory */
	uint32_t shared_aperture_hi; /* address bits 63:32 of LDS in FLAT accesses; 0: 0x10000 */
	uint32_t private_aperture_hi; /* of scratch; 0: 0x20000 */
	int64_t deadline_ms; /* from the start; 0: none */
	const volatile int *cancel; /* not 0: stop; may be NULL */
	unsigned int max_groups; /* in flight at once; 0: a built-in number */
	/* s_sendmsg; NULL: does nothing. Called from any thread. */
	void (*message)(void *data, struct rp_exec_message *message);
	/*
	 * A wave met an illegal instruction, a memory violation or s_trap: the address of the trap handler
	 * that it runs, 0: the dispatch stops. NULL: as 0. For what ends a wave (all but an s_trap other than 2,
	 * AMDGPUUsage "Trap Handler ABI") it is called when everything else has stopped and report is filled (last); else from
	 * any thread, and the wave may go on.
	 */
	uint64_t (*trap_handler)(void *data, const struct rp_exec_fault *fault, bool last);
	uint64_t tma; /* memory of the trap handler, for its TTMP14 and 15 */
	void *data;
};

/*
 * Runs all work-groups. 0: done. -EIO: ret_fault tells what stopped it (other waves may have run
 * on for a while). -EINVAL: the dispatch itself is wrong, in err. report may be NULL.
 */
RP_MUST_CHECK int rp_exec_dispatch(struct rp_exec *x, const struct rp_exec_dispatch *dispatch,
	struct rp_exec_report *report, struct rp_exec_fault *ret_fault, struct rp_error *err);

/* One line: "illegal instruction at 0x1000: v_dot4c_i32_i8 v0, v1, v2 ...". Returns the length as snprintf. */
size_t rp_exec_fault_text(const struct rp_exec_fault *fault, char *buf, size_t size);

#endif
