/* SPDX-License-Identifier: MIT */
/*
 * Floating-point instructions of all three formats in all modes against soft.h, and how far the
 * approximated ones are from the true value. The rules are those of the "RDNA 2" instruction set document.
 */
#include "rig.h"
#include "soft.h"

#include <math.h>

enum op {
	ADD,
	SUB,
	SUBREV,
	MUL,
	FMA,
	MIN,
	MAX,
	MIN3,
	MAX3,
	MED3,
	TRUNC,
	CEIL,
	FLOOR,
	RNDNE,
	FRACT,
	MANT,
	EXPONENT,
	LDEXP
};

struct row {
	const char *name;
	enum op op;
	bool rounds; /* MODE.FP_ROUND counts */
};

#define OPS(t)                                                                                   \
	{                                                                                        \
		{ "v_add_" t, ADD, true }, { "v_mul_" t, MUL, true }, { "v_fma_" t, FMA, true }, \
			{ "v_min_" t, MIN, false }, { "v_max_" t, MAX, false },                  \
			{ "v_trunc_" t, TRUNC, false }, { "v_ceil_" t, CEIL, false },            \
			{ "v_floor_" t, FLOOR, false }, { "v_rndne_" t, RNDNE, false },          \
			{ "v_fract_" t, FRACT, false }, { "v_frexp_mant_" t, MANT, false },      \
			{ "v_ldexp_" t, LDEXP, true }, { "v_sub_" t, SUB, true },                \
			{ "v_subrev_" t, SUBREV, true }, { "v_min3_" t, MIN3, false },           \
			{ "v_max3_" t, MAX3, false }, { "v_med3_" t, MED3, false },              \
	}
static const struct row half_ops[] = OPS("f16"), single_ops[] = OPS("f32"),
			double_ops[] = OPS("f64");

static uint64_t state = 1;

static uint64_t random64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Edges, any bits, and exponents near that of 1, so that sums and products meet. */
static uint64_t random_of(const struct soft_format *f)
{
	uint64_t r = random64(), one = (uint64_t)(1 - f->emin) << (f->p - 1), u;
	const uint64_t edges[] = { 0, 1, soft_inf(f), soft_inf(f) - 1, soft_inf(f) + 1, soft_nan(f),
		one, one + 1, one - 1, (UINT64_C(1) << (f->p - 1)) - 1, UINT64_C(1) << (f->p - 1),
		one >> 1, (one >> 1) + 3 };

	switch (random64() % 4) {
	case 0:
		u = edges[r % RP_ARRAY_SIZE(edges)];
		break;
	case 1:
		u = (one & ~((UINT64_C(15) << (f->p - 1)))) ^
		    (r & ((UINT64_C(1) << (f->p + 2)) - 1));
		break;
	default:
		u = r >> 8;
		break;
	}
	u |= (r & 1) << (f->bits - 1);
	return f->bits == 64 ? u : u & ((UINT64_C(1) << f->bits) - 1);
}

static struct soft flushed(struct soft x, const struct soft_format *f)
{
	if (x.kind == SOFT_FINITE && x.mag && soft_top(x.mag) + x.e < f->emin)
		x.mag = 0;
	return x;
}

static struct soft pick(struct soft a, struct soft b, bool max, bool ieee)
{
	if (ieee && (a.signalling || b.signalling))
		return SOFT_NAN_VALUE;
	if (a.kind == SOFT_NAN || b.kind == SOFT_NAN)
		return a.kind == SOFT_NAN ? b : a;
	return soft_below(a, b) != max ? a : b;
}

/* The middle one in order; with a NaN it is the smallest. */
static struct soft middle(struct soft a, struct soft b, struct soft c, bool ieee)
{
	if (a.kind == SOFT_NAN || b.kind == SOFT_NAN || c.kind == SOFT_NAN)
		return pick(pick(a, b, false, ieee), c, false, ieee);
	return pick(pick(pick(a, b, false, false), c, false, false),
		pick(pick(a, b, true, false), pick(pick(a, b, false, false), c, true, false), false,
			false),
		true, false);
}

static struct soft expected(enum op op, const struct soft *s, int64_t by,
	const struct soft_format *f, unsigned int mode, bool ieee)
{
	struct soft a = s[0], b = s[1], c = s[2], r;

	switch (op) {
	case ADD:
		return soft_add(a, b, mode);
	case SUB:
		return soft_add(a, soft_negated(b), mode);
	case SUBREV:
		return soft_add(b, soft_negated(a), mode);
	case MUL:
		return soft_mul(a, b);
	case FMA:
		return soft_add(soft_mul(a, b), c, mode);
	case MIN:
	case MAX:
		return pick(a, b, op == MAX, ieee);
	case MIN3:
	case MAX3:
		return pick(pick(a, b, op == MAX3, ieee), c, op == MAX3, ieee);
	case MED3:
		return middle(a, b, c, ieee);
	case RNDNE:
	case CEIL:
	case FLOOR:
	case TRUNC:
		return soft_integer(a, op == RNDNE ? 0 : op == CEIL ? 1 : op == FLOOR ? 2 : 3);
	case FRACT: /* what is behind the point, below 1 */
		r = soft_add(a, soft_negated(soft_integer(a, 2)), 0);
		if (r.kind == SOFT_FINITE && soft_round(f, r, 0) == (uint64_t)(1 - f->emin)
									    << (f->p - 1))
			r = soft_of(f, ((uint64_t)(1 - f->emin) << (f->p - 1)) - 1);
		return r;
	case MANT: /* in [0.5, 1) */
		if (a.kind == SOFT_FINITE && a.mag)
			a.e = -soft_top(a.mag) - 1;
		return a;
	default: /* LDEXP */
		a.e += (int)by;
		return a;
	}
}

static uint64_t read_value(struct rig *r, unsigned int reg, unsigned int lane, int bits)
{
	uint64_t v = vgpr(&r->wave, 0, reg)[lane];

	if (bits == 64)
		v |= (uint64_t)vgpr(&r->wave, 0, reg + 1)[lane] << 32;
	return bits == 16 ? v & 0xffff : v;
}

static void write_value(struct rig *r, unsigned int reg, unsigned int lane, uint64_t v)
{
	vgpr(&r->wave, 0, reg)[lane] = (uint32_t)v;
	vgpr(&r->wave, 0, reg + 1)[lane] = (uint32_t)(v >> 32);
}

static bool same(const struct soft_format *f, uint64_t got, uint64_t want)
{
	struct soft a = soft_of(f, got), b = soft_of(f, want);

	return got == want || (a.kind == SOFT_NAN && b.kind == SOFT_NAN);
}

static bool arithmetic(enum op op)
{
	return op <= FMA;
}

/* denormals: MODE.FP_DENORM's two bits of the format: sources are kept, results are kept. */
static void one(struct rig *r, const struct row *row, const struct soft_format *f,
	unsigned int round, unsigned int denormals, bool ieee)
{
	unsigned int shift = f->bits == 32 ? 0 : 2;
	uint32_t w[2];

	rig_vop3(row->name, RP_ISA_GFX1010, w);
	rp_exec_set_mode(&r->wave,
		round << shift | denormals << (4 + shift) | 1u << 8 | (uint32_t)ieee << 9);
	for (unsigned int i = 0; i < RP_LANES; i++) {
		for (unsigned int k = 0; k < 3; k++)
			write_value(r, 2 + 2 * k, i,
				random_of(f) | (f->bits == 16 ? random64() << 16 : 0));
		if (row->op == LDEXP) {
			int64_t by =
				(int64_t)(random64() % 4 ? random64() % 80 : random64() % 5000) -
				(random64() % 2 ? 40 : 2500);

			write_value(r, 4, i, (uint64_t)by);
		}
		if (i % 4 == 0 && row->op == FMA) { /* cancellation: c near -a * b */
			struct soft p = soft_mul(soft_of(f, read_value(r, 2, i, f->bits)),
				soft_of(f, read_value(r, 4, i, f->bits)));

			write_value(r, 6, i, soft_round(f, soft_negated(p), 0) ^ random64() % 4);
		}
		write_value(r, 20, i, 0xabcd0000);
	}
	if (RUN(r, w[0], w[1]) != STEP_END)
		fail_msg("%s: %s", row->name, r->worker.fault.why);
	for (unsigned int i = 0; i < RP_LANES; i++) {
		uint64_t in[3], got = read_value(r, 20, i, f->bits), want;
		struct soft s[3], x;
		int64_t by;

		for (unsigned int k = 0; k < 3; k++) {
			in[k] = read_value(r, 2 + 2 * k, i, f->bits);
			s[k] = soft_of(f, in[k]);
			if (!(denormals & 1))
				s[k] = flushed(s[k], f);
		}
		by = f->bits == 16 ? (int16_t)(uint16_t)in[1] : (int32_t)(uint32_t)in[1];
		x = expected(row->op, s, by, f, round, ieee);
		want = soft_round(f, x, row->rounds ? round : 0);
		if (!(denormals & 2) && soft_of(f, want).kind == SOFT_FINITE &&
			flushed(soft_of(f, want), f).mag == 0)
			want &= UINT64_C(1) << (f->bits - 1);
		if (row->op == MED3 && s[0].kind == SOFT_FINITE &&
			soft_of(f, want).kind == SOFT_FINITE && !soft_of(f, want).mag &&
			!soft_of(f, got).mag)
			want = got; /* which of two zeros is not said */
		if (!same(f, got, want))
			fail_msg("%s(%llx, %llx, %llx) round %u denormals %u ieee %d: %llx, "
				 "expected %llx",
				row->name, (unsigned long long)in[0], (unsigned long long)in[1],
				(unsigned long long)in[2], round, denormals, ieee,
				(unsigned long long)got, (unsigned long long)want);
		if (f->bits == 16 && vgpr(&r->wave, 0, 20)[i] >> 16 != 0xabcd)
			fail_msg("%s: the upper half was not kept", row->name);
	}
}

static void format(const struct row *rows, size_t n, const struct soft_format *f)
{
	struct rig r;

	rig_open(&r, "gfx1010", 1);
	for (size_t i = 0; i < n; i++)
		for (unsigned int k = 0; k < 200; k++) {
			/* flushing of what is no arithmetic is not tested: the document is not clear about it */
			unsigned int denormals = arithmetic(rows[i].op) ? k / 4 % 4 : 3;

			one(&r, &rows[i], f, k % 4, denormals, k / 16 % 2);
		}
	rig_close(&r);
}

static void test_half(void **unused)
{
	(void)unused;
	format(half_ops, RP_ARRAY_SIZE(half_ops), &soft_f16);
}

static void test_single(void **unused)
{
	(void)unused;
	format(single_ops, RP_ARRAY_SIZE(single_ops), &soft_f32);
}

static void test_double(void **unused)
{
	(void)unused;
	format(double_ops, 12, &soft_f64); /* f64 has no sub and no three-way minimum */
}

/* Conversions between formats and integers. type: f and its bits, i and u likewise. */
static void test_conversions(void **unused)
{
	static const struct {
		const char *name;
		char from, to;
		unsigned int from_bits, to_bits;
		bool rounds;
	} rows[] = {
		{ "v_cvt_f16_f32", 'f', 'f', 32, 16, true },
		{ "v_cvt_f32_f16", 'f', 'f', 16, 32, false },
		{ "v_cvt_f32_f64", 'f', 'f', 64, 32, true },
		{ "v_cvt_f64_f32", 'f', 'f', 32, 64, false },
		{ "v_cvt_f32_i32", 'i', 'f', 32, 32, true },
		{ "v_cvt_f32_u32", 'u', 'f', 32, 32, true },
		{ "v_cvt_f64_i32", 'i', 'f', 32, 64, false },
		{ "v_cvt_f64_u32", 'u', 'f', 32, 64, false },
		{ "v_cvt_f16_i16", 'i', 'f', 16, 16, true },
		{ "v_cvt_f16_u16", 'u', 'f', 16, 16, true },
		{ "v_cvt_i32_f32", 'f', 'i', 32, 32, false },
		{ "v_cvt_u32_f32", 'f', 'u', 32, 32, false },
		{ "v_cvt_i32_f64", 'f', 'i', 64, 32, false },
		{ "v_cvt_u32_f64", 'f', 'u', 64, 32, false },
		{ "v_cvt_i16_f16", 'f', 'i', 16, 16, false },
		{ "v_cvt_u16_f16", 'f', 'u', 16, 16, false },
		{ "v_frexp_exp_i16_f16", 'f', 'e', 16, 16, false },
		{ "v_frexp_exp_i32_f32", 'f', 'e', 32, 32, false },
		{ "v_frexp_exp_i32_f64", 'f', 'e', 64, 32, false },
	};
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	for (unsigned int n = 0; n < RP_ARRAY_SIZE(rows) * 80; n++) {
		unsigned int i = n % RP_ARRAY_SIZE(rows), round = n / RP_ARRAY_SIZE(rows) % 4,
			     bits = rows[i].from_bits, out = rows[i].to_bits;
		const struct soft_format *f = bits == 16   ? &soft_f16
					      : bits == 32 ? &soft_f32
							   : &soft_f64,
					 *t = out == 16	  ? &soft_f16
					      : out == 32 ? &soft_f32
							  : &soft_f64;
		uint32_t w[2];

		rig_vop3(rows[i].name, RP_ISA_GFX1010, w);
		rp_exec_set_mode(&r.wave, 0x3f0 | round | round << 2);
		for (unsigned int l = 0; l < RP_LANES; l++) {
			write_value(&r, 2, l, rows[i].from == 'f' ? random_of(f) : random64());
			write_value(&r, 20, l, 0);
		}
		assert_int_equal(RUN(&r, w[0], w[1]), STEP_END);
		for (unsigned int l = 0; l < RP_LANES; l++) {
			uint64_t in = read_value(&r, 2, l, (int)bits),
				 got = read_value(&r, 20, l, (int)out), want;
			struct soft x = soft_of(f, in);

			if (rows[i].from == 'i') {
				int64_t v =
					bits == 16 ? (int16_t)(uint16_t)in : (int32_t)(uint32_t)in;

				x = (struct soft){ .negative = v < 0,
					.mag = (soft_u128)(v < 0 ? -v : v) };
			} else if (rows[i].from == 'u') {
				x = (struct soft){ .mag = in };
			}
			if (rows[i].to == 'f') {
				want = soft_round(t, x, rows[i].rounds ? round : 0);
				if (!same(t, got, want))
					goto wrong;
				continue;
			}
			if (rows[i].to == 'e') {
				want = x.kind != SOFT_FINITE || !x.mag
					       ? 0
					       : (uint64_t)(int64_t)(soft_top(x.mag) + x.e + 1);
			} else {
				soft_u128 limit = (soft_u128)1 << (out - (rows[i].to == 'i'));
				bool under = rows[i].to == 'i';

				x = soft_integer(x, 3);
				if (x.kind == SOFT_FINITE && soft_top(x.mag) + x.e > 40)
					x.kind = SOFT_INF;
				if (x.kind == SOFT_FINITE)
					x.mag <<= x.e;
				if (x.kind == SOFT_NAN || (x.negative && !under))
					want = 0;
				else if (x.negative)
					want = x.kind == SOFT_INF || x.mag > limit
						       ? (uint64_t) - (int64_t)limit
						       : (uint64_t) - (int64_t)x.mag;
				else
					want = (uint64_t)(x.kind == SOFT_INF || x.mag >= limit
								  ? limit - 1
								  : x.mag);
			}
			want &= (UINT64_C(1) << out) - 1;
			if (got == want)
				continue;
		wrong:
			fail_msg("%s(%llx) round %u: %llx, expected %llx", rows[i].name,
				(unsigned long long)in, round, (unsigned long long)got,
				(unsigned long long)want);
		}
	}
	rig_close(&r);
}

/* Packed halves: each half like the single instruction; op_sel and neg per half. */
static void test_packed(void **unused)
{
	static const struct row rows[] = { { "v_pk_add_f16", ADD, true },
		{ "v_pk_mul_f16", MUL, true }, { "v_pk_fma_f16", FMA, true },
		{ "v_pk_min_f16", MIN, false }, { "v_pk_max_f16", MAX, false } };
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	for (unsigned int n = 0; n < RP_ARRAY_SIZE(rows) * 200; n++) {
		const struct row *row = &rows[n % RP_ARRAY_SIZE(rows)];
		unsigned int sources = row->op == FMA ? 3 : 2;
		uint32_t low = (uint32_t)random64() & 7, high = (uint32_t)random64() & 7,
			 neg = (uint32_t)random64() & 7, neg_high = (uint32_t)random64() & 7, w[2],
			 round = n % 4;

		if (sources == 2)
			low &= 3, high &= 3, neg &= 3, neg_high &= 3;
		rig_vop3(row->name, RP_ISA_GFX1010, w);
		w[0] = (w[0] & ~(1u << 14)) | low << 11 | neg_high << 8 | (high >> 2) << 14;
		w[1] = (w[1] & ~(3u << 27)) | (high & 3) << 27 | neg << 29;
		rp_exec_set_mode(&r.wave, 0x3f0 | round << 2);
		for (unsigned int i = 0; i < RP_LANES; i++)
			for (unsigned int k = 0; k < 3; k++)
				write_value(&r, 2 + 2 * k, i,
					random_of(&soft_f16) | random_of(&soft_f16) << 16);
		assert_int_equal(RUN(&r, w[0], w[1]), STEP_END);
		for (unsigned int i = 0; i < RP_LANES; i++)
			for (unsigned int h = 0; h < 2; h++) {
				struct soft s[3];
				uint64_t got = vgpr(&r.wave, 0, 20)[i] >> (16 * h) & 0xffff, want;

				for (unsigned int k = 0; k < 3; k++) {
					uint32_t v = vgpr(&r.wave, 0, 2 + 2 * k)[i];

					v = (h ? high : low) >> k & 1 ? v >> 16 : v & 0xffff;
					v ^= ((h ? neg_high : neg) >> k & 1) << 15;
					s[k] = soft_of(&soft_f16, v);
				}
				want = soft_round(&soft_f16,
					expected(row->op, s, 0, &soft_f16, round, true),
					row->rounds ? round : 0);
				if (!same(&soft_f16, got, want))
					fail_msg("%s half %u low %u high %u neg %u/%u: %llx, "
						 "expected %llx",
						row->name, h, low, high, neg, neg_high,
						(unsigned long long)got, (unsigned long long)want);
			}
	}
	rig_close(&r);
}

/* Output modifier and clamp of add in each format. */
static void test_output(void **unused)
{
	static const struct {
		const char *name;
		const struct soft_format *f;
	} rows[] = { { "v_add_f16", &soft_f16 }, { "v_add_f32", &soft_f32 },
		{ "v_add_f64", &soft_f64 } };
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	for (unsigned int n = 0; n < 3 * 64 * 6; n++) {
		const struct soft_format *f = rows[n % 3].f;
		unsigned int omod = n / 3 % 4, clamp = n / 12 % 2, keep = n / 24 % 2,
			     ieee = n / 48 % 2, dx10 = n / 96 % 2;
		unsigned int shift = f->bits == 32 ? 4 : 6;
		uint64_t one_bits = (uint64_t)(1 - f->emin) << (f->p - 1);
		uint32_t w[2];

		rig_vop3(rows[n % 3].name, RP_ISA_GFX1010, w);
		w[0] |= clamp << 15;
		w[1] |= omod << 27;
		rp_exec_set_mode(&r.wave, (keep ? 3u : 0u) << shift | dx10 << 8 | ieee << 9);
		for (unsigned int i = 0; i < RP_LANES; i++)
			for (unsigned int k = 0; k < 2; k++)
				write_value(&r, 2 + 2 * k, i, random_of(f));
		assert_int_equal(RUN(&r, w[0], w[1]), STEP_END);
		for (unsigned int i = 0; i < RP_LANES; i++) {
			uint64_t got = read_value(&r, 20, i, f->bits), want;
			struct soft s[2], x;

			for (unsigned int k = 0; k < 2; k++) {
				s[k] = soft_of(f, read_value(&r, 2 + 2 * k, i, f->bits));
				if (!keep)
					s[k] = flushed(s[k], f);
			}
			want = soft_round(f, soft_add(s[0], s[1], 0), 0);
			x = soft_of(f, want);
			if (!keep)
				x = flushed(x, f);
			/* only where denormals are flushed, and not with IEEE */
			if (omod && !keep && !ieee && x.kind == SOFT_FINITE) {
				x.e += omod == 1 ? 1 : omod == 2 ? 2 : -1;
				x = flushed(soft_of(f, soft_round(f, x, 0)), f);
			}
			want = soft_round(f, x, 0);
			if (clamp && x.kind == SOFT_NAN && dx10)
				want = 0;
			else if (clamp && x.kind != SOFT_NAN)
				want = x.negative			     ? 0
				       : soft_below(soft_of(f, one_bits), x) ? one_bits
									     : want;
			if (!same(f, got, want))
				fail_msg("%s(%llx, %llx) omod %u clamp %u denormals %u ieee %u "
					 "dx10 %u: %llx, expected %llx",
					rows[n % 3].name,
					(unsigned long long)read_value(&r, 2, i, f->bits),
					(unsigned long long)read_value(&r, 4, i, f->bits), omod,
					clamp, keep, ieee, dx10, (unsigned long long)got,
					(unsigned long long)want);
		}
	}
	rig_close(&r);
}

static long double true_rcp(long double x)
{
	return 1 / x;
}
static long double true_rsq(long double x)
{
	return 1 / sqrtl(x);
}
/* By sines of less than a quarter turn, so that what is 0 comes out as 0. */
static long double true_sin(long double x)
{
	long double t = x - rintl(x);

	if (fabsl(x) > 256)
		return 0;
	if (fabsl(t) > 0.25L)
		t = copysignl(0.5L, t) - t;
	return sinl(2 * 3.14159265358979323846264338327950288L * t);
}
static long double true_cos(long double x)
{
	long double t = fabsl(x - rintl(x));

	if (fabsl(x) > 256)
		return 1;
	return t > 0.125L ? sinl(2 * 3.14159265358979323846264338327950288L * (0.25L - t))
			  : cosl(2 * 3.14159265358979323846264338327950288L * t);
}

static long double value_of(const struct soft_format *f, uint64_t u)
{
	struct soft x = soft_of(f, u);
	long double v = ldexpl((long double)x.mag, x.e);

	return x.negative ? -v : v;
}

/*
 * The largest error of each approximated opcode in units in the last place of the true value. In double precision the reference
 * itself has 11 bits more, so half an ulp is 0.5005 at most; v_rsq_f64 is two operations, rounded twice.
 */
static void test_errors(void **unused)
{
	static const struct {
		const char *name;
		const struct soft_format *f;
		long double (*fn)(long double);
		double bound;
		bool positive;
	} rows[] = {
		{ "v_rcp_f32", &soft_f32, true_rcp, 0.5001, false },
		{ "v_rcp_iflag_f32", &soft_f32, true_rcp, 0.5001, false },
		{ "v_rsq_f32", &soft_f32, true_rsq, 0.5001, true },
		{ "v_sqrt_f32", &soft_f32, sqrtl, 0.5001, true },
		{ "v_exp_f32", &soft_f32, exp2l, 0.5001, false },
		{ "v_log_f32", &soft_f32, log2l, 0.5001, true },
		{ "v_sin_f32", &soft_f32, true_sin, 0.51, false },
		{ "v_cos_f32", &soft_f32, true_cos, 0.51, false },
		{ "v_rcp_f64", &soft_f64, true_rcp, 0.5005, false },
		{ "v_rsq_f64", &soft_f64, true_rsq, 1.5, true },
		{ "v_sqrt_f64", &soft_f64, sqrtl, 0.5005, true },
		{ "v_rcp_f16", &soft_f16, true_rcp, 0.5001, false },
		{ "v_rsq_f16", &soft_f16, true_rsq, 0.5001, true },
		{ "v_sqrt_f16", &soft_f16, sqrtl, 0.5001, true },
		{ "v_exp_f16", &soft_f16, exp2l, 0.5001, false },
		{ "v_log_f16", &soft_f16, log2l, 0.5001, true },
		{ "v_sin_f16", &soft_f16, true_sin, 0.5001, false },
		{ "v_cos_f16", &soft_f16, true_cos, 0.5001, false },
	};
	struct rig r;

	(void)unused;
	rig_open(&r, "gfx1010", 1);
	for (size_t n = 0; n < RP_ARRAY_SIZE(rows); n++) {
		const struct soft_format *f = rows[n].f;
		double worst = 0;
		uint32_t w[2];

		rig_vop3(rows[n].name, RP_ISA_GFX1010, w);
		rp_exec_set_mode(&r.wave, 0x3f0);
		for (unsigned int round = 0; round < 600; round++) {
			for (unsigned int i = 0; i < RP_LANES; i++)
				write_value(&r, 2, i, random_of(f));
			assert_int_equal(RUN(&r, w[0], w[1]), STEP_END);
			for (unsigned int i = 0; i < RP_LANES; i++) {
				uint64_t in = read_value(&r, 2, i, f->bits),
					 got = read_value(&r, 20, i, f->bits);
				struct soft x = soft_of(f, in);
				long double t, ulp;
				double error;
				int e;

				if (x.kind != SOFT_FINITE ||
					(f->bits == 32 && !flushed(x, f).mag) || !x.mag ||
					(rows[n].positive && x.negative))
					continue;
				t = rows[n].fn(value_of(f, in));
				(void)frexpl(t, &e);
				/* results at the ends of the range: infinite, or flushed */
				if (!isfinite(t) || e > -f->emin + 1 ||
					(f->bits == 32 ? e <= f->emin + 1 : e <= f->emin - f->p))
					continue;
				ulp = ldexpl(1, (e - 1 < f->emin ? f->emin : e - 1) - (f->p - 1));
				if (soft_of(f, got).kind != SOFT_FINITE) {
					/* only for what rounds to infinity */
					assert_true(soft_of(f, got).kind == SOFT_INF &&
						    fabsl(t) > value_of(f, soft_inf(f) - 1));
					continue;
				}
				error = (double)(fabsl(value_of(f, got) - t) / ulp);
				if (t == 0 || (rows[n].fn == log2l && fabsl(t) < 0x1p-20L))
					error = got == 0 || error < 1 ? 0 : error;
				if (error > worst)
					worst = error;
				if (error > rows[n].bound)
					fail_msg("%s(%llx): %llx is wrong by %f ulp", rows[n].name,
						(unsigned long long)in, (unsigned long long)got,
						error);
			}
		}
		print_message("%s: at most %.4f ulp\n", rows[n].name, worst);
	}
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_double),
		cmocka_unit_test(test_conversions),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
