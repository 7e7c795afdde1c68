/* SPDX-License-Identifier: MIT */
/*
 * Is what a GPU computes right? Cases, inputs, a reference with an error bound of its own for every
 * output element, and the comparison. Nothing here touches a GPU: cli/verify-hip.c runs a case in a
 * child process, lib/verify/run.c starts it with a deadline.
 *
 * Layouts: tensors are NCHW, weights KCRS (K output channels, C / groups input channels), dense.
 * Error bounds: Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., section 3.1:
 * a sum of n products in any order has an error of at most gamma_n * sum |a||b|, with gamma_n = n u /
 * (1 - n u) and u = 2^-24 for float.
 */
#ifndef RP_VERIFY_H
#define RP_VERIFY_H

#include "base/base.h"

enum rp_verify_op {
	RP_VERIFY_CONV_FORWARD,
	RP_VERIFY_CONV_STRUCT, /* the same; images and weights are found by structs of size and pointer */
	RP_VERIFY_CONV_DATA, /* gradient of the input */
	RP_VERIFY_CONV_WEIGHTS, /* gradient of the weights */
	RP_VERIFY_BATCH_NORM, /* training: statistics of the batch, per channel */
	RP_VERIFY_GEMM, /* y[n][k] = sum over c of a[n][c] b[c][k] */
	RP_VERIFY_COPY, /* n * c * h * w elements */
	RP_VERIFY_OP_MAX
};

enum rp_verify_type { RP_VERIFY_F32, RP_VERIFY_F16, RP_VERIFY_TYPE_MAX };

struct rp_verify_case {
	enum rp_verify_op op;
	enum rp_verify_type type; /* of all tensors; sums are in float */
	uint32_t n, c, h, w; /* input */
	uint32_t k, r, s; /* output channels, filter height and width */
	uint32_t stride, pad, dilation, groups; /* the same in both directions */
	bool quick; /* belongs to the quick tier */
};

#define RP_VERIFY_NAME 96

const char *rp_verify_op_name(enum rp_verify_op op); /* "conv", "conv-data", ... */
const char *rp_verify_type_name(enum rp_verify_type type); /* "f32", "f16" */

/* "conv f32 n1 c3 h32 w32 k64 r3 s3 stride1 pad1 dilation1 groups1"; buf is filled and returned. */
const char *rp_verify_name(const struct rp_verify_case *c, char buf[RP_VERIFY_NAME]);
/* The reverse. -EINVAL: not a case, or one whose shapes do not fit together. */
RP_MUST_CHECK int rp_verify_parse(
	struct rp_span text, struct rp_verify_case *ret, struct rp_error *err);

/* Elements of the two inputs (b: 0 if there is no second one) and of the output. */
struct rp_verify_sizes {
	size_t a, b, out;
	uint32_t out_h, out_w; /* of a convolution's output tensor */
	uint64_t terms; /* most products in a sum of one output element */
	double macs; /* multiplications of the whole case */
};

/* -EOVERFLOW: larger than 2^31 elements. */
RP_MUST_CHECK int rp_verify_sizes(
	const struct rp_verify_case *c, struct rp_verify_sizes *ret, struct rp_error *err);

struct rp_verify_list {
	struct rp_verify_case *v; /* owned */
	size_t n, cap;
};

void rp_verify_list_free(struct rp_verify_list *list);
/* Cases of a table (data/verify/cases.txt): a case a line, "quick" in front of those of the quick tier. */
RP_MUST_CHECK int rp_verify_read_cases(
	struct rp_span text, const char *name, struct rp_verify_list *ret, struct rp_error *err);
/* Appends n cases drawn with seed, of at most max_macs multiplications each. */
RP_MUST_CHECK int rp_verify_random_cases(struct rp_verify_list *list, size_t n, uint64_t seed,
	double max_macs, struct rp_error *err);

/* Inputs in [-1, 1) that are exact in the type; the same for the same seed. */
void rp_verify_fill(enum rp_verify_type type, uint64_t seed, float *ret, size_t n);

/* IEEE binary16, round to nearest even. */
uint16_t rp_half_of_float(float f);
float rp_float_of_half(uint16_t h);

/*
 * The exact result, in double, and for each element the largest error that a correct computation in
 * float with any order of sums (and rounding to the type at the end) can have. out and bound have the
 * size of the output. Runs on n_threads threads (0: one a processor). -ENOMEM.
 */
RP_MUST_CHECK int rp_verify_reference(const struct rp_verify_case *c, const float *a,
	const float *b, double *ret_out, double *ret_bound, unsigned int n_threads,
	struct rp_error *err);

#define RP_VERIFY_POISON      0x7fc0deadu /* of f32 outputs before the run: a NaN that nobody computes */
#define RP_VERIFY_POISON_HALF 0x7eadu

enum rp_verify_pattern {
	RP_VERIFY_PATTERN_NONE,
	RP_VERIFY_PATTERN_ONE, /* a single element */
	RP_VERIFY_PATTERN_ALL,
	RP_VERIFY_PATTERN_STRIDE, /* all wrong ones share their index modulo a power of 2 */
	RP_VERIFY_PATTERN_TAIL, /* everything from an index on */
	RP_VERIFY_PATTERN_SCATTERED,
};

#define RP_VERIFY_BINS 64u

struct rp_verify_comparison {
	size_t n, n_wrong, n_nan, n_unwritten; /* NaN and unwritten ones are wrong, too */
	size_t first_wrong; /* index; n if there is none */
	double first_got, first_want;
	double max_error, max_ratio; /* absolute; as a multiple of the bound (right: <= 1) */
	enum rp_verify_pattern pattern;
	size_t stride; /* of RP_VERIFY_PATTERN_STRIDE */
	uint32_t bins
		[RP_VERIFY_BINS]; /* wrong ones by place: element i counts in i * RP_VERIFY_BINS / n */
};

/* got: float or half bits by type. */
void rp_verify_compare(enum rp_verify_type type, const void *got, const double *want,
	const double *bound, size_t n, struct rp_verify_comparison *ret);

const char *rp_verify_pattern_name(enum rp_verify_pattern pattern);

/* What running one case on a GPU came to. */
enum rp_verify_verdict {
	RP_VERIFY_RIGHT,
	RP_VERIFY_WRONG, /* values, or memory beyond the output: see comparison, n_beyond */
	RP_VERIFY_CRASHED, /* the child died of a signal */
	RP_VERIFY_HUNG, /* the deadline passed; the child was ended */
	RP_VERIFY_ERROR, /* the runtime returned an error */
	RP_VERIFY_UNAVAILABLE, /* no such backend or GPU: nothing was checked */
	RP_VERIFY_VERDICT_MAX
};

struct rp_verify_result {
	enum rp_verify_verdict verdict;
	struct rp_verify_comparison comparison; /* of RIGHT and WRONG */
	uint64_t n_beyond; /* bytes next to the output that were overwritten */
	int signal; /* of CRASHED */
	char stage
		[24]; /* the last one that began: load, module, copy-in, kernel, copy-out, compare */
	char hsa_code
		[64]; /* of CRASHED: "HSA_STATUS_ERROR_... (0x29)"; "" if the runtime named none */
	char text
		[512]; /* of ERROR and UNAVAILABLE: why; of CRASHED and HUNG: last line of output */
	char code_object[256]; /* that the runtime took; "" if it did not come to that */
	int64_t elapsed_ms;
};

struct rp_verify_runner {
	const char *const *
		prefix; /* argv before the helper, NULL-terminated: what puts it on a virtual GPU */
	const char *helper; /* path of rocm-patch-verify-hip */
	const char *backend; /* hip, rocblas: its first argument */
	const char *const
		*code_objects; /* NULL-terminated: the first that the runtime takes is used */
	const char *const *env;
	int64_t deadline_ms; /* of one case */
};

const char *rp_verify_verdict_name(enum rp_verify_verdict verdict); /* "right", ... */

/*
 * Runs one case in a child of its own. 0 whatever the verdict; negative only if it could not be started,
 * -ECANCELED, -ENOMEM.
 */
RP_MUST_CHECK int rp_verify_run(const struct rp_ctx *ctx, const struct rp_verify_runner *runner,
	const struct rp_verify_case *c, uint64_t seed, struct rp_verify_result *ret,
	struct rp_error *err);

/* Reads what a child wrote and how it ended into ret; for tests, and used by rp_verify_run. */
struct rp_exit;
void rp_verify_read_child(struct rp_span output, const struct rp_exit *ex, bool timed_out,
	struct rp_verify_result *ret);

#endif
