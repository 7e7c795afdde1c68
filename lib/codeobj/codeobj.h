/* SPDX-License-Identifier: MIT */
/*
 * AMDGPU code objects: find them in anything that a user has, and read them.
 *
 * rp_codeobj_find walks files and folders and hands every code object to a
 * visitor, with the place where it was found. rp_codeobj_open reads one ELF image: target, kernels with descriptors and metadata, functions. Both take
 * untrusted bytes: damage becomes one finding with file, offset and reason.
 * Everything borrows from the image; nothing is global, so threads may read
 * different (or the same) objects at once.
 *
 * Sources: LLVM AMDGPUUsage ("ELF Code Object", "Code Object Metadata", "Kernel
 * Descriptor"), LLVM ClangOffloadBundler ("Bundled Code Object File Layout"),
 * and real libraries (docs/code-objects.md).
 */
#ifndef RP_CODEOBJ_H
#define RP_CODEOBJ_H

#include "base/base.h"
#include "chip/chip.h"
#include "codeobj/elf.h"

/* A setting of a target id. */
enum rp_codeobj_setting {
	RP_CODEOBJ_UNSUPPORTED, /* the target has no such setting */
	RP_CODEOBJ_ANY,
	RP_CODEOBJ_OFF,
	RP_CODEOBJ_ON,
};

/* 64 bytes at the symbol NAME.kd. Source: AMDGPUUsage, "Kernel Descriptor". */
struct rp_kernel_descriptor {
	uint32_t lds_bytes; /* group_segment_fixed_size */
	uint32_t private_bytes; /* private_segment_fixed_size */
	uint32_t kernarg_bytes;
	int64_t entry_offset; /* from the descriptor to the entry */
	uint32_t rsrc1, rsrc2, rsrc3;
	uint16_t properties;
	uint16_t kernarg_preload;
};

#define RP_KERNEL_DESCRIPTOR_BYTES 64

/* Of the first 64 bytes of b, from a file or from GPU memory. False: b is shorter; ret is then untouched. */
RP_MUST_CHECK bool rp_descriptor_read(struct rp_span b, struct rp_kernel_descriptor *ret);

/* Parts of a descriptor that gfx10 code asks for. */
static inline bool rp_descriptor_is_wave32(const struct rp_kernel_descriptor *d)
{
	return (d->properties >> 10 & 1) != 0;
}
static inline bool rp_descriptor_is_wgp(const struct rp_kernel_descriptor *d)
{
	return (d->rsrc1 >> 29 & 1) != 0;
}
/* VGPRs per lane by the descriptor of a gfx10 kernel: a multiple of the encoding granule. */
uint32_t rp_descriptor_vgprs(const struct rp_kernel_descriptor *d, const struct rp_chip *chip);

/* What the metadata note says of a kernel; all 0 if it says nothing. */
struct rp_kernel_metadata {
	bool present;
	struct rp_span name; /* .name: may differ from the symbol */
	uint32_t vgpr_count, sgpr_count, agpr_count;
	uint32_t vgpr_spill_count, sgpr_spill_count;
	uint32_t wavefront_size;
	uint32_t lds_bytes, private_bytes, kernarg_bytes;
	uint32_t max_flat_workgroup_size;
	bool uses_dynamic_stack;
};

struct rp_kernel {
	struct rp_span name; /* the symbol without ".kd" */
	uint64_t descriptor_addr;
	uint64_t descriptor_offset; /* in the image */
	struct rp_kernel_descriptor descriptor;
	uint64_t entry_addr;
	size_t function; /* index of the function at the entry */
	struct rp_kernel_metadata metadata;
};

#define RP_CODEOBJ_NO_KERNEL SIZE_MAX

/* A range of code: one STT_FUNC address. */
struct rp_function {
	struct rp_span name;
	uint64_t addr;
	uint64_t offset; /* of code in the image */
	struct rp_span code;
	uint32_t section;
	bool has_size; /* false: the symbol has size 0, the end was found by the next one and the padding */
	size_t kernel; /* index of the first kernel with this entry, or RP_CODEOBJ_NO_KERNEL: device function */
};

struct rp_codeobj {
	struct rp_elf elf; /* owned */
	const struct rp_chip *chip; /* NULL: a mach that the table does not know */
	uint8_t mach;
	uint8_t cov; /* code object version, 2 .. 6: EI_ABIVERSION + 2 */
	uint8_t generic_version; /* of generic targets in version 6 */
	enum rp_codeobj_setting xnack, sramecc;
	char target[64]; /* target id by the ELF header: "gfx90a:sramecc+:xnack-", "mach-0x7f" */
	struct rp_span metadata; /* msgpack of the first metadata note; empty: none */
	size_t n_metadata_notes; /* Tensile's assembler files have one a kernel; all are read */
	struct rp_span metadata_target; /* "amdgcn-amd-amdhsa--gfx1030"; empty: the note has none */
	uint32_t metadata_version[2];
	struct rp_kernel *kernels; /* owned, by descriptor address */
	size_t n_kernels;
	struct rp_function *functions; /* owned, by address, one an address */
	size_t n_functions;
	uint64_t text_bytes; /* of .text */
};

/* True for an ELF header with AMDGPU's machine number. */
bool rp_codeobj_is(struct rp_span image);

/*
 * 0; -EBADMSG: damaged, err names the part and the offset; -EOPNOTSUPP: it is an
 * object file (ET_REL), not a loadable code object; -ENOMEM.
 */
RP_MUST_CHECK int rp_codeobj_open(
	struct rp_span image, struct rp_codeobj *ret, struct rp_error *err);
void rp_codeobj_close(struct rp_codeobj *object);

/* The kernel of that name (symbol without ".kd"); NULL: none. */
const struct rp_kernel *rp_codeobj_kernel(const struct rp_codeobj *object, struct rp_span name);

/*
 * Target ids: "gfx90a:sramecc+:xnack-", with or without a triple in front
 * ("amdgcn-amd-amdhsa--gfx1030", "hipv4-amdgcn-amd-amdhsa--gfx1030").
 */
struct rp_target_id {
	struct rp_span processor; /* "gfx90a" */
	const struct rp_chip *chip; /* NULL: not in the table */
	enum rp_codeobj_setting xnack, sramecc; /* ANY: not said */
};

/* False if text has no processor or malformed settings. */
RP_MUST_CHECK bool rp_target_id_parse(struct rp_span text, struct rp_target_id *ret);

/* Where an object was found. Pointers are valid during the call only. */
struct rp_codeobj_place {
	const char *path; /* as given to rp_codeobj_find, with the part below it */
	const char *member; /* in archives, "inner.zip/lib/x.so"; NULL: the file itself */
	uint64_t offset; /* of the object (or damage) in the innermost stored bytes */
	bool unpacked; /* offset counts in decompressed bytes */
	unsigned int bundle; /* number of the bundle in the file (or member), from 0 */
	struct rp_span entry_id; /* bundle entry id; empty: a bare object, or damage around it */
};

struct rp_codeobj_visitor {
	/*
	 * Asked before an object is read, by its ELF header: of header only chip to
	 * target are set. False: it is counted, nothing more. NULL: all are wanted.
	 */
	bool (*want)(
		void *data, const struct rp_codeobj_place *place, const struct rp_codeobj *header);
	/*
	 * A code object, read already. It is closed after the call, unless the
	 * visitor takes it over: copy *object and set it to all zeros. What it
	 * borrows stays valid until drain has returned. Not 0: the search ends with it.
	 */
	int (*object)(void *data, const struct rp_codeobj_place *place, struct rp_codeobj *object,
		struct rp_error *err);
	/* A file, member, bundle or object that is damaged: where and why; the search goes on. */
	int (*damage)(void *data, const struct rp_codeobj_place *place,
		const struct rp_error *damage, struct rp_error *err);
	/* The bytes of all objects handed out so far go away when this returns. May be NULL. */
	int (*drain)(void *data, struct rp_error *err);
	void *data;
};

struct rp_codeobj_options {
	/* Of one compressed bundle or archive member; 0: 1 GiB. All in one file: 16 times this. */
	uint64_t max_unpacked_bytes;
	bool everywhere; /* also look for bundles outside of .hip_fatbin: reads every byte */
};

/* What was seen; all counts are of the whole search. */
struct rp_codeobj_stats {
	uint64_t n_files; /* regular files looked at */
	uint64_t n_links; /* symbolic links, not followed */
	uint64_t n_same_inode; /* further names of a file that was already looked at */
	uint64_t n_other; /* files that can hold no code object by their first bytes */
	uint64_t n_archives; /* ar and zip */
	uint64_t n_bundles, n_compressed;
	uint64_t n_host_entries; /* bundle entries for the host */
	uint64_t n_alias_entries; /* bundle entries with the bytes of an earlier one */
	uint64_t n_bitcode; /* entries with LLVM IR: not code yet */
	uint64_t n_relocatable; /* AMDGPU object files: not linked yet */
	uint64_t n_objects; /* handed out */
	uint64_t n_unwanted; /* not wanted, so not read */
	uint64_t n_damaged; /* calls of damage */
	uint64_t bytes;
};

/*
 * Looks at path (a file, or a folder with everything below it; links below it
 * are not followed). 0; what the visitor returned; -ENOENT, -EACCES: path itself
 * cannot be read; -ECANCELED; -ENOMEM. ret_stats may be NULL; it is filled
 * whatever is returned.
 */
int rp_codeobj_find(const struct rp_ctx *ctx, int dirfd, const char *path,
	const struct rp_codeobj_options *options, const struct rp_codeobj_visitor *visitor,
	struct rp_codeobj_stats *ret_stats, struct rp_error *err);

/* The same for bytes in memory; name stands for the path. */
int rp_codeobj_find_span(const struct rp_ctx *ctx, struct rp_span bytes, const char *name,
	const struct rp_codeobj_options *options, const struct rp_codeobj_visitor *visitor,
	struct rp_codeobj_stats *ret_stats, struct rp_error *err);

/*
 * Processors that a host library has code for ("gfx906"), each once, in the order of its bundles in
 * .hip_fatbin: by their entry tables, without reading or unpacking the code. -EBADMSG: not an ELF
 * file, or a damaged bundle, with its offset; -EFBIG; -EOPNOTSUPP. No bundles: an empty list.
 */
RP_MUST_CHECK int rp_codeobj_targets(
	struct rp_span library, struct rp_strv *ret, struct rp_error *err);

#endif
