/* SPDX-License-Identifier: MIT */
/*
 * The one table of chips: names, ELF machine numbers, PCI ids, properties, defects.
 * The data is the tables in data/chips, each fact with its source; tools/gen-chips.py makes
 * C tables of it at build time. Everything returned is static and constant.
 */
#ifndef RP_CHIP_H
#define RP_CHIP_H

#include "base/span.h"

/* A row of data/chips/features.tsv each, explained there; the bit number in rp_chip.features. */
enum rp_chip_feature {
	RP_CHIP_FLAT_OFFSET_IGNORED,
	RP_CHIP_INST_PREFETCH_HANG,
	RP_CHIP_BRANCH_3F,
	RP_CHIP_LDS_MISALIGNED_WGP,
	RP_CHIP_SCRATCH_NEGATIVE_OFFSET,
	RP_CHIP_NSA_CLAUSE,
	RP_CHIP_HAZARD_VMEM_TO_SCALAR,
	RP_CHIP_HAZARD_SMEM_TO_VECTOR,
	RP_CHIP_HAZARD_VCMPX_EXEC_WAR,
	RP_CHIP_HAZARD_VCMPX_PERMLANE,
	RP_CHIP_HAZARD_LDS_BRANCH_VMEM,
	RP_CHIP_HAZARD_NSA_TO_VMEM,
	RP_CHIP_HAZARD_FP_ATOMIC_DENORM,
	RP_CHIP_NO_NULL_SDST,
	RP_CHIP_DOT_VOP2,
	RP_CHIP_DOT_VOP3P,
	RP_CHIP_FMA_LEGACY,
	RP_CHIP_ADDTID_CSUB,
	RP_CHIP_IMAGE_BVH,
	RP_CHIP_SHADER_CYCLES,
	RP_CHIP_NSA_13,
	RP_CHIP_MAC_MAD_F32,
	RP_CHIP_SMEM_STORES,
	RP_CHIP_FEATURE_MAX
};

enum rp_chip_kind {
	RP_CHIP_KIND_DEFECT, /* an instruction does not do what it is documented to do */
	RP_CHIP_KIND_HAZARD, /* two instructions too close together */
	RP_CHIP_KIND_UNKNOWN, /* the compiler avoids it; why is not documented */
	RP_CHIP_KIND_FEATURE,
};

struct rp_chip_feature_info {
	const char *name;
	enum rp_chip_kind kind;
	const char *what; /* one line */
	const char *source;
};

#define RP_CHIP_MAX_CORES 2

/* A version of the graphics core (GC), as ip_discovery tells it. */
struct rp_chip_core {
	uint8_t major, minor, revision;
	/* First MEC firmware version with which the kernel admits a card without PCIe atomics. */
	uint16_t mec_firmware;
};

/* Members behind has_sramecc are set for gfx10 chips only (isa is not 0). */
struct rp_chip {
	const char *name; /* "gfx1010", "gfx10-1-generic" */
	uint8_t mach; /* e_flags 7:0 of its code objects */
	const char *family; /* "RDNA1" */
	const char
		*generic; /* the generic target whose code it runs (itself, if generic); or NULL */
	bool is_generic;
	bool has_xnack, has_sramecc; /* its target ids can carry the setting */
	const char *source;

	uint8_t isa; /* value of enum rp_isa_chip: chips with the same instructions; 0: not gfx10 */
	uint64_t features; /* bits by enum rp_chip_feature; ask with rp_chip_has */
	const char *codename; /* or NULL */
	bool is_apu;
	uint8_t n_cores;
	struct rp_chip_core cores[RP_CHIP_MAX_CORES];
	uint16_t vgprs; /* per lane of a SIMD in wave32; half of it in wave64 */
	uint8_t vgpr_encode[2]; /* granule of the descriptor's field: wave32, wave64 */
	uint8_t vgpr_alloc[2]; /* granule of the hardware's allocation: wave32, wave64 */
	uint8_t waves_per_simd;
	const char *detail_source;
};

/* Instances of [0, rp_chip_count()). */
size_t rp_chip_count(void);
const struct rp_chip *rp_chip_at(size_t index);

const struct rp_chip *rp_chip_by_name(struct rp_span name); /* NULL: no such target */
const struct rp_chip *rp_chip_by_mach(uint8_t mach); /* NULL: unknown */

static inline bool rp_chip_has(const struct rp_chip *chip, enum rp_chip_feature feature)
{
	return (chip->features >> feature & 1) != 0;
}

/* NULL if feature is out of range. */
const struct rp_chip_feature_info *rp_chip_feature_info(unsigned int feature);
/* Bit number of a name of the table, or -1. */
int rp_chip_feature_by_name(struct rp_span name);

/* True if code made for `code` is code for `chip` by name: the same target, or its generic one. */
bool rp_chip_runs(const struct rp_chip *chip, const struct rp_chip *code);

#define RP_CHIP_VENDOR	     0x1002
#define RP_CHIP_ANY_REVISION 0x100

struct rp_chip_pci {
	uint16_t device;
	uint16_t revision; /* or RP_CHIP_ANY_REVISION */
	const char *target; /* name of the chip */
	const char *product; /* marketing name; NULL: not known for this revision */
	const char *source;
};

/* The row for device and revision, else the device's row for any revision, else NULL. Vendor 1002. */
const struct rp_chip_pci *rp_chip_by_pci(uint16_t device, uint8_t revision);

/* The chip whose graphics core has this version; ret_core may be NULL. NULL: not in the table. */
const struct rp_chip *rp_chip_by_core(unsigned int major, unsigned int minor, unsigned int revision,
	const struct rp_chip_core **ret_core);

#endif
