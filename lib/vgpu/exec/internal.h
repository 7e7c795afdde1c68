/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the executor share: the wave, the predecoded instruction, the worker.
 *
 * Ownership: struct rp_exec owns semantics and code pages. A worker belongs to one thread of one
 * dispatch; groups and waves belong to the worker that runs them at the moment.
 */
#ifndef RP_VGPU_EXEC_INTERNAL_H
#define RP_VGPU_EXEC_INTERNAL_H

#include <pthread.h>

#include "vgpu/exec/exec.h"
#include "vgpu/exec/kernel.h"

/* What running an instruction leads to. */
enum step {
	STEP_NEXT, /* go on behind it */
	STEP_BRANCH, /* go on at wave.pc */
	STEP_END,
	STEP_BARRIER,
	STEP_YIELD, /* go on behind it, but let others run first */
	STEP_AGAIN, /* run it again, but let others run first */
	STEP_RETURN, /* out of a trap handler, to wave.pc */
	STEP_FAULT,
};

struct wave;
struct pinst;
typedef int step_fn(struct wave *w, const struct pinst *p);

enum src_kind { SRC_NONE, SRC_VGPR, SRC_CONST, SRC_SGPR, SRC_SPECIAL };

/* A source of a vector instruction. */
struct vsrc {
	const uint32_t *k; /* SRC_CONST: lane array, or two */
	uint16_t reg; /* VGPR, or scalar operand code */
	uint8_t kind;
	uint8_t dwords; /* 1 or 2 */
	uint8_t type; /* enum rp_isa_type */
	uint8_t neg, abs, sext;
	uint8_t high; /* op_sel: the upper half of the register */
	uint8_t high_hi; /* op_sel_hi, VOP3P */
	uint8_t neg_hi; /* VOP3P */
	uint8_t sel; /* SDWA: 0-3 byte, 4-5 word, 6 all */
};

#define NO_REG 255u

struct pvalu {
	struct vsrc src[3];
	rp_kernel_fn *kernel;
	uint32_t dpp; /* word 1 of the DPP form, or the 24 selects of DPP8 */
	uint8_t n_src;
	uint8_t dst; /* enum rp_kernel_dst */
	uint8_t kflags; /* RP_K_* */
	uint8_t vdst;
	uint8_t mask_in, mask_out; /* scalar registers; NO_REG: none */
	uint8_t form; /* enum rp_isa_form */
	uint8_t clamp, omod;
	uint8_t dst_high; /* 16-bit results go to the upper half */
	uint8_t dst_sel, dst_unused; /* SDWA */
	uint8_t cmpx;
	uint8_t dpp8_fi; /* inactive lanes are read, too */
	uint8_t packed; /* VOP3P: 1 packed halves, 2 fma_mix, 3 dot of packed integers */
};

struct psalu {
	uint64_t k[2]; /* constants */
	uint8_t src[2]; /* scalar register, or NO_REG: k; 251..253: specials */
	uint8_t sdst;
	int32_t imm;
};

struct memop;

struct pmem {
	const struct memop *op;
	int32_t offset, offset1;
	uint8_t vdst, addr, data, data1;
	uint8_t saddr; /* NO_REG: off; scalar register */
	uint8_t soffset; /* operand code, NO_REG: k */
	uint8_t segment; /* enum rp_isa_encoding: FLAT, SCRATCH, GLOBAL */
	uint8_t glc, idxen, offen, has_vaddr;
	uint32_t k; /* constant soffset */
};

/* One slot per code dword: the instruction that starts there, decoded when first run. */
struct pinst {
	step_fn *fn; /* read and published atomically */
	uint16_t row;
	uint8_t words;
	uint8_t klass; /* enum rp_isa_class */
	uint32_t w[2];
	uint32_t literal;
	union {
		struct pvalu v;
		struct psalu s;
		struct pmem m;
	};
};

#define PAGE_BYTES 4096u
#define PAGE_SLOTS (PAGE_BYTES / 4)

/* Constants that a page's instructions need as lane arrays. */
struct kblock {
	struct kblock *next;
	uint32_t k[2 * RP_LANES] __attribute__((aligned(64)));
};

struct hazard_page;

struct cpage {
	uint64_t va;
	uint64_t epoch; /* last dispatch that compared it with memory */
	struct cpage *next; /* same hash bucket */
	struct cpage *retired; /* replaced while others may still run it */
	struct kblock *blocks;
	struct hazard_page *hazard[2]; /* wave32, wave64; made when first asked for */
	uint32_t n_bytes; /* of text; fewer than a page and the tail if memory ends */
	uint8_t text[PAGE_BYTES + 4 * RP_ISA_MAX_WORDS];
	struct pinst slot[PAGE_SLOTS];
};

#define CODE_BUCKETS 1024u

struct sem {
	step_fn *fn; /* NULL: no semantics, the instruction stops the kernel with its name */
	const struct rp_vkernel *kernel; /* VALU */
	const struct memop *mem;
	uint8_t fidelity; /* enum rp_exec_fidelity */
	struct rp_exec_row info; /* of a machine's rows */
};

/* Inline constants as lane arrays: by type class and operand code - 128. */
enum konst { KONST_32, KONST_F16, KONST_I64, KONST_F64, KONST_MAX };

#define GWS_COUNTERS 64u /* global wave sync */

struct rp_exec {
	struct rp_exec_config config;
	struct rp_isa_target target;
	const struct rp_kernel_level *level;
	rp_kernel_fn *cvt_f32_f16;
	struct sem *sem; /* per row */
	uint32_t (*konst)[128][2 * RP_LANES];
	pthread_mutex_t lock; /* code pages */
	struct cpage *code[CODE_BUCKETS];
	struct cpage *retired;
	unsigned int n_running; /* dispatches; retired pages are freed when it becomes 0 */
	uint64_t epoch;
	pthread_mutex_t gws_lock;
	struct gws_counter {
		uint32_t left, phase;
	} gws[GWS_COUNTERS];
};

#define VGPR_ROWS 272u /* 256 and what a tuple at v255 may touch */

struct hazard_state;

struct wave {
	uint32_t s[132]; /* by operand code; the last ones only absorb wide accesses */
	uint32_t *v; /* [half][VGPR_ROWS][RP_LANES] */
	struct group *g;
	struct worker *t;
	const struct rp_lane_ops *ops;
	uint64_t pc;
	uint64_t page_va; /* of the page that runs */
	const struct pinst *slots;
	uint32_t scc;
	uint32_t mode; /* hwreg 1 */
	uint32_t trap_status;
	uint32_t flat_scratch[2]; /* hwreg 20, 21 */
	uint8_t n_halves;
	bool plain; /* MODE asks for nothing that a host operation does not do by itself */
	uint8_t state; /* enum wave_state */
	uint8_t sleeping;
	uint8_t priv, halt; /* in the trap handler; STATUS.HALT, which acts when it returns */
	uint8_t gws_waits, gws_phase; /* at a barrier of the grid, and in which phase it came */
	uint16_t n_polls;
	uint32_t index; /* in the group */
	uint32_t slot; /* of scratch memory */
	uint64_t n_instructions;
	struct hazard_state *hazard; /* NULL: not checked */
};

enum wave_state { WAVE_READY, WAVE_BARRIER, WAVE_DONE };

struct group {
	struct wave *waves;
	uint32_t n_waves, n_done, n_barrier;
	uint32_t id[3];
	uint32_t n_alloc; /* waves that there is memory for */
	uint32_t part, first_slot; /* of scratch */
	uint64_t slice; /* instructions until others get a turn */
	uint8_t *lds;
	uint32_t lds_bytes;
	uint32_t *vgprs; /* memory of all waves */
	struct group *next; /* of those that wait for a worker */
	bool wgp;
};

struct shared;

#define N_LAST 8

struct worker {
	_Alignas(64) struct rp_exec *x; /* two threads' workers share no cache line */
	const struct rp_exec_dispatch *d;
	struct shared *shared;
	struct rp_exec_range last[N_LAST];
	unsigned int next_last;
	uint64_t generation;
	uint64_t epoch; /* of the dispatch */
	struct cpage *pages[64];
	uint64_t *count; /* per row; NULL: nobody asked */
	uint64_t n_instructions;
	uint64_t defects[RP_CHIP_FEATURE_MAX];
	uint64_t defect_pc[RP_CHIP_FEATURE_MAX]; /* of the first time */
	uint64_t hazards[RP_HAZARD_MAX];
	struct rp_exec_hazard_site sites[RP_EXEC_MAX_HAZARD_SITES];
	uint32_t n_sites;
	struct rp_exec_fault fault;
	uint32_t shared_hi, private_hi;
};

#define EXEC 126u
#define VCC  106u
#define M0   124u

static inline uint32_t *vgpr(const struct wave *w, unsigned int half, unsigned int reg)
{
	return w->v + ((size_t)half * VGPR_ROWS + reg) * RP_LANES;
}

static inline uint64_t pc_of(const struct wave *w, const struct pinst *p)
{
	return w->page_va + (uint64_t)(p - w->slots) * 4;
}

/* Writes of null go nowhere. */
static inline void put_s32(struct wave *w, unsigned int reg, uint32_t value)
{
	if (reg != RP_ISA_NULL)
		w->s[reg] = value;
}

static inline void put_s64(struct wave *w, unsigned int reg, uint64_t value)
{
	if (reg != RP_ISA_NULL) {
		w->s[reg] = (uint32_t)value;
		w->s[reg + 1] = (uint32_t)(value >> 32);
	}
}

/*
 * What a wave does that waits for memory to change: loads past the nearest cache (glc), atomics that
 * return the old value. Many of them in a row let others run. It is an ordinary yield: work that
 * only looks like waiting goes on a little later. Returned by a step function at its end.
 */
#define POLL_TURN   256u
#define POLL_LOAD   16u
#define POLL_ATOMIC 1u

static inline int polled(struct wave *w, unsigned int weight)
{
	w->n_polls = (uint16_t)(w->n_polls + weight);
	if (w->n_polls < POLL_TURN)
		return STEP_NEXT;
	w->n_polls = 0;
	w->sleeping = 1;
	return STEP_YIELD;
}

static inline uint64_t exec_mask(const struct wave *w)
{
	return w->n_halves == 2 ? (uint64_t)w->s[EXEC + 1] << 32 | w->s[EXEC] : w->s[EXEC];
}

static inline bool defect(const struct wave *w, enum rp_chip_feature feature)
{
	return w->t->x->config.features >> feature & 1;
}

/* A defect changed what happened, n times at this instruction. */
static inline void acted(
	struct wave *w, const struct pinst *p, enum rp_chip_feature feature, uint64_t n)
{
	if (!w->t->defects[feature])
		w->t->defect_pc[feature] = pc_of(w, p);
	w->t->defects[feature] += n;
}

/* scalar.c: a scalar operand code's value; code NO_REG is not allowed. */
uint32_t rp_exec_scalar(const struct wave *w, unsigned int code);
uint32_t rp_exec_scalar_high(
	const struct wave *w, unsigned int code); /* bits 63:32 of a 64-bit source */

/* wave.c */
int rp_exec_fault(struct wave *w, const struct pinst *p, enum rp_exec_fault_kind kind, int lane,
	uint64_t address, bool is_store, const char *fmt, ...) RP_PRINTF(7, 8);
void rp_exec_set_mode(struct wave *w, uint32_t mode);
/* Runs until the wave ends, waits, or budget instructions are over. */
int rp_exec_run_wave(struct wave *w, uint64_t budget);

/*
 * trap.c: runs the trap handler after STEP_FAULT, with worker.fault filled. last: nothing else runs any more. True: the
 * wave goes on.
 */
bool rp_exec_trap(struct wave *w, bool last);
/* Whether a fault is one that a trap handler runs for; ends: and ends the wave. */
bool rp_exec_traps(const struct rp_exec_fault *f, bool *ret_ends);
/* control.c: STATUS (hwreg 2). */
uint32_t rp_exec_status(const struct wave *w);

/* predecode.c */
step_fn rp_exec_step_decode;
struct cpage *rp_exec_page(struct worker *t, uint64_t va); /* NULL: not executable */
void rp_exec_free_pages(struct rp_exec *x);
void rp_exec_free_retired(struct rp_exec *x); /* under the lock, with no dispatch running */

/* memory.c */
uint8_t *rp_exec_translate(struct worker *t, uint64_t va, uint64_t size, uint32_t access);
bool rp_exec_canonical(uint64_t va);
/* Reports an access that rp_exec_translate refused. */
int rp_exec_bad_address(
	struct wave *w, const struct pinst *p, int lane, uint64_t va, bool is_store);

static inline struct cpage *page_of_slots(const struct pinst *slots)
{
	return (struct cpage *)(void *)((uint8_t *)(uintptr_t)slots - offsetof(struct cpage, slot));
}

/* hazard.c: called before each instruction. STEP_NEXT or STEP_FAULT. */
int rp_exec_hazard_check(struct wave *w, const struct pinst *p);
void rp_exec_hazard_reset(struct wave *w);
size_t rp_exec_hazard_bytes(void);

/* Tables of semantics; the name ends the search. */
struct step_entry {
	const char *name;
	step_fn *fn;
	uint8_t fidelity;
};
extern const struct step_entry rp_exec_salu[], rp_exec_control[], rp_exec_lane[],
	rp_exec_special_ds[], rp_exec_gws[], rp_exec_trap_steps[], rp_exec_memory_control[];

enum mem_kind { MEM_LOAD, MEM_STORE, MEM_ATOMIC };

enum atomic_op {
	AT_SWAP,
	AT_CMPSWAP,
	AT_ADD,
	AT_SUB,
	AT_RSUB,
	AT_CSUB,
	AT_SMIN,
	AT_UMIN,
	AT_SMAX,
	AT_UMAX,
	AT_AND,
	AT_OR,
	AT_XOR,
	AT_INC,
	AT_DEC,
	AT_FCMPSWAP,
	AT_FMIN,
	AT_FMAX,
	AT_FADD,
	AT_MSKOR,
	AT_WRAP,
};

/* A memory instruction without its encoding's prefix. */
struct memop {
	const char *name;
	uint8_t kind; /* enum mem_kind */
	uint8_t bytes; /* of one access; of a register pair's element for two */
	uint8_t dwords; /* registers of data */
	bool sext;
	uint8_t d16; /* 1: low half of the register, 2: upper half */
	uint8_t atomic; /* enum atomic_op */
	bool rtn; /* DS: returns the old value */
	uint8_t two; /* DS: two addresses, 1: element stride, 64: 64 elements */
	bool addtid;
	uint8_t fidelity;
};

extern const struct memop rp_exec_vmem_ops[]; /* FLAT, GLOBAL, SCRATCH, MUBUF */
extern const struct memop rp_exec_ds_ops[];
extern const struct memop rp_exec_smem_ops[];
step_fn rp_exec_step_valu, rp_exec_step_valu_plain, rp_exec_step_flat, rp_exec_step_buffer,
	rp_exec_step_ds, rp_exec_step_smem;

/* atomic.c: the new value of an atomic; *ret_old is what memory had. */
uint64_t rp_exec_atomic_value(
	enum atomic_op op, unsigned int bytes, uint64_t old, uint64_t data, uint64_t compare);
/* On host memory as one atomic operation; host is aligned. Returns the old value. */
uint64_t rp_exec_atomic(
	uint8_t *host, enum atomic_op op, unsigned int bytes, uint64_t data, uint64_t compare);

/* One lane's access: data[dword] of 32-bit registers. */
uint32_t rp_exec_load_small(const uint8_t *p, const struct memop *op);

#endif
