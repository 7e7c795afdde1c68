/* SPDX-License-Identifier: MIT */
/*
 * Building a component: recipe, content keys, stages, proof. Builds run without
 * privileges in a work folder of the cache; the result is copied into the store.
 */
#ifndef RP_BUILD_H
#define RP_BUILD_H

#include <sys/types.h>

#include "base/base.h"
#include "patch/patch.h"
#include "source/source.h"
#include "store/store.h"

/* One "program or file : package" line of a recipe. */
struct rp_requirement {
	char *what; /* "cmake" (in PATH) or "/usr/include/numa.h" */
	char *package; /* Debian package that has it */
};

struct rp_input {
	char *name;
	struct rp_source source;
};

/* A recipe; docs/recipe-format.md. All members owned. */
struct rp_recipe {
	char *name, *version, *title;
	char *library; /* the shared library that the proof is about, relative to the prefix */
	struct rp_source source;
	struct rp_input *inputs;
	size_t n_inputs;
	struct rp_strv toolchain_sets; /* patches that belong to the unpatched build */
	struct rp_strv patch_sets; /* patches that are the point */
	struct rp_requirement *requirements;
	size_t n_requirements;
	struct rp_strv compilers; /* programs whose identity is part of the key */
	struct rp_strv options; /* of cmake, with ${work}, ${source}, ${input.NAME} */
	struct rp_strv environment; /* NAME=VALUE, same variables */
	struct rp_strv links; /* "path -> target" in the work folder, same variables */
	uint64_t disk_bytes, memory_bytes;
	char *time; /* for people: "2 min on 2 cores" */
};

RP_MUST_CHECK int rp_recipe_parse(
	struct rp_span text, const char *file, struct rp_recipe *ret, struct rp_error *err);
RP_MUST_CHECK int rp_recipe_load(
	const char *data_dir, const char *name, struct rp_recipe *ret, struct rp_error *err);
void rp_recipe_free(struct rp_recipe *r);

/* Stages in order. Each key covers its inputs, named here, and the key before it. */
enum rp_stage {
	RP_STAGE_FETCH, /* identity and subdir of the source, names and identities of the inputs */
	RP_STAGE_UNPACK, /* ids and bytes of the toolchain patches */
	RP_STAGE_CONFIGURE, /* options, environment, links; compilers: path, version text, size, time */
	RP_STAGE_BASELINE, /* (the build without our patches: what is compared with) */
	RP_STAGE_PATCH, /* ids and bytes of the selected patches */
	RP_STAGE_BUILD, /* */
	RP_STAGE_STAGE, /* name, version and library of the recipe */
	RP_STAGE_MAX,
};

const char *rp_stage_name(enum rp_stage s);

/* What a build needs from outside; borrowed. */
struct rp_build_host {
	const struct rp_source_env *sources;
	const char *data_dir; /* recipes/ and patches/ */
	const char *patch_dir; /* definitions from there instead; NULL */
	const char *load_helper; /* program that loads a library in a child (rocm-patch-load) */
	const char *const *env; /* environment for tools; PATH is used */
	struct rp_root *root; /* for the preflight */
	unsigned int jobs; /* 0: number of processors */
	bool drop; /* run tools as uid/gid below: we are root */
	uid_t uid;
	gid_t gid;
};

struct rp_build_request {
	const char *component;
	const struct rp_source *source; /* instead of the recipe's; NULL */
	const struct rp_strv *only, *without; /* patch ids; NULL: defaults */
	const struct rp_strv *beside; /* components built along */
};

struct rp_build_plan {
	struct rp_recipe recipe;
	struct rp_patch_list patches;
	const struct rp_patch **toolchain, **selected; /* into patches; arrays owned */
	size_t n_toolchain, n_selected;
	struct rp_strv left_out;
	struct rp_source_state source;
	struct rp_source_state *inputs; /* recipe.n_inputs */
	struct rp_strv compiler_ids; /* "path, version line, size, time" */
	char keys[RP_STAGE_MAX][RP_SHA256_HEX];
	enum rp_stage first; /* the first stage that has to run; RP_STAGE_MAX: all is there */
	char *id; /* of the generation */
	char *work; /* absolute path of the work folder */
	char *log; /* of the last stage that ran */
	struct rp_strv missing; /* packages, for one apt-get line */
	struct rp_strv shortages; /* other reasons not to start: disk, memory */
	uint64_t download_bytes;
	struct rp_lock lock; /* on the work folder, from run on */
};

/*
 * Reads the recipe, finds source and patches, computes keys, checks what the
 * machine lacks. Writes nothing but the private package index.
 */
RP_MUST_CHECK int rp_build_plan(const struct rp_ctx *ctx, const struct rp_build_host *host,
	const struct rp_build_request *req, struct rp_build_plan *ret, struct rp_error *err);
void rp_build_plan_free(struct rp_build_plan *plan);

/*
 * Locks the work folder until the plan is freed, so that proof and publication see
 * the tree of this plan; looks again at what is done, since another run may have been there;
 * runs the stages that are not done, up to and with `last`. -ENOPKG: the preflight
 * found something missing (plan->missing, shortages). -EPROTO: a tool failed: plan->log and err tell.
 */
RP_MUST_CHECK int rp_build_run(const struct rp_ctx *ctx, const struct rp_build_host *host,
	struct rp_build_plan *plan, enum rp_stage last, struct rp_error *err);

/* What was proven about the staged tree. */
struct rp_proof {
	uint64_t n_symbols; /* exported by the unpatched and by the patched library */
	struct rp_strv lost, gained; /* symbols that only one of them exports */
	struct rp_strv notes; /* patch ids that the library carries */
	bool notes_match; /* exactly the selected ones */
	bool loads; /* dlopen with all symbols bound, each exported one found */
	char *load_text; /* what the child said */
};

void rp_proof_free(struct rp_proof *p);
RP_MUST_CHECK int rp_build_prove(const struct rp_ctx *ctx, const struct rp_build_host *host,
	const struct rp_build_plan *plan, struct rp_proof *ret, struct rp_error *err);
bool rp_proof_ok(const struct rp_proof *p);

/* Copies the staged tree into the store and publishes it as plan->id. -EEXIST: it is there already. */
RP_MUST_CHECK int rp_build_publish(const struct rp_ctx *ctx, const struct rp_build_plan *plan,
	const char *created, struct rp_store *st, struct rp_error *err);

/* ret must be empty in both. Exported dynamic symbols of a shared library as "name@version", sorted; for tests too. */
RP_MUST_CHECK int rp_elf_exports(struct rp_span elf, struct rp_strv *ret, struct rp_error *err);
/* Descriptions of the notes of owner "rocm-patch", sorted. */
RP_MUST_CHECK int rp_elf_patch_notes(struct rp_span elf, struct rp_strv *ret, struct rp_error *err);

#endif
