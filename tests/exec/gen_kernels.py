#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random kernels in C that compile for gfx10 and for the host with the same, fully defined result.

gen_kernels.py SEED COUNT > kernels.c

Everything is defined: shifts are masked, divisors are not 0, conversions from float are clamped, NaN is made
one value before its bits are looked at; compile with -fwrapv -ffp-contract=off. Kernel k reads 8 words of its
work-item and writes 8. Used by test_diff.py (300 kernels fast, 20,000 slow).
"""
import random
import sys

PRELUDE = r"""
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64;
typedef signed char i8; typedef short i16; typedef int i32; typedef long long i64; typedef _Float16 f16;
typedef u16 u16x2 __attribute__((ext_vector_type(2)));
typedef f16 f16x2 __attribute__((ext_vector_type(2)));
#ifdef __AMDGCN__
#define GLOBAL __attribute__((address_space(1)))
#define KERNEL(name, q) __attribute__((amdgpu_kernel)) void name(const u32 q *in, u32 q *out)
#define ITEM (__builtin_amdgcn_workgroup_id_x() * 64 + __builtin_amdgcn_workitem_id_x())
#else
#define GLOBAL
#define KERNEL(name, q) void name(const u32 q *in, u32 q *out, u32 ITEM)
#endif
#define FN static inline __attribute__((always_inline))
#define CALL static __attribute__((noinline))
FN float bf(u32 x) { float r; __builtin_memcpy(&r, &x, 4); return r; }
FN u32 fb(float x) { u32 r; if (x != x) return 0x7fc00000u; __builtin_memcpy(&r, &x, 4); return r; }
FN double bd(u64 x) { double r; __builtin_memcpy(&r, &x, 8); return r; }
FN u64 db(double x) { u64 r; if (x != x) return 0x7ff8000000000000ull; __builtin_memcpy(&r, &x, 8); return r; }
FN f16 bh(u32 x) { u16 y = x; f16 r; __builtin_memcpy(&r, &y, 2); return r; }
FN u32 hb(f16 x) { u16 r; if (x != x) return 0x7e00u; __builtin_memcpy(&r, &x, 2); return r; }
FN i32 fi(double x) { return x != x ? 0 : x >= 2147483647.0 ? 2147483647 : x <= -2147483648.0 ? -2147483647 - 1 : (i32)x; }
FN u32 fu(double x) { return x > 0 ? x >= 4294967295.0 ? 0xffffffffu : (u32)x : 0; }
FN i32 ffi(float x) { return x != x ? 0 : x >= 2147483648.0f ? 2147483647 : x <= -2147483648.0f ? -2147483647 - 1 : (i32)x; }
FN u32 ffu(float x) { return x > 0 ? x >= 4294967296.0f ? 0xffffffffu : (u32)x : 0; }
FN i64 dl(double x) { return x != x ? 0 : x >= 9e18 ? 9000000000000000000ll : x <= -9e18 ? -9000000000000000000ll : (i64)x; }
FN u32 rotl(u32 x, u32 n) { return __builtin_rotateleft32(x, n); }
FN u32 satadd(u32 a, u32 b) { return a + b < a ? 0xffffffffu : a + b; }
FN u32 mulhi(u32 a, u32 b) { return (u32)(((u64)a * b) >> 32); }
FN i32 mulhis(i32 a, i32 b) { return (i32)(((i64)a * b) >> 32); }
/* Four mistakes of LLVM 19 are kept away by hiding a value: unsigned divisions are narrowed by the number of sign bits
 * (AMDGPUCodeGenPrepare), a sign extension becomes a negation in the SDWA form of a float instruction, v_fma_mixlo_f16 with + 0 for a
 * rounded product loses its -0, and 0 - x becomes -x where another instruction takes it (SelectVOP3ModsImpl). */
#ifdef __AMDGCN__
FN u32 hide(u32 x) { __asm__("" : "+v"(x)); return x; }
FN float hidef(float x) { __asm__("" : "+v"(x)); return x; }
FN double concealed(double x) { __asm__("" : "+v"(x)); return x; }
FN f16 hideh(f16 x) { __asm__("" : "+v"(x)); return x; }
FN u64 hidel(u64 x) { __asm__("" : "+v"(x)); return x; }
#else
#define hide(x) (x)
#define hidel(x) (x)
#define hidef(x) (x)
#define concealed(x) (x)
#define hideh(x) (x)
#endif
FN float zn(float x) { return hidef(x) + 0.0f; } /* no negative zero */
FN float nn(float x) { return x != x ? 1.0f : x; } /* the sign of a NaN is nobody's business */
FN double znd(double x) { return concealed(x) + 0.0; }
CALL u32 mix(u32 a, u32 b) { return (a ^ b * 2654435761u) + (a >> 7); }
CALL float poly(float a, float b) { return a * 0.5f + b; }
"""

POOL = {"u": 6, "l": 3, "f": 4, "d": 2, "h": 2, "s": 2, "b": 2, "p": 2, "q": 2}
CTYPE = {"u": "u32", "l": "u64", "f": "float", "d": "double", "h": "f16", "s": "u16", "b": "u8", "p": "u16x2", "q": "f16x2"}
CONST_U = ["0u", "1u", "2u", "3u", "7u", "31u", "64u", "0xffu", "0xffffu", "0x80000000u", "0xffffffffu", "0xfffffff0u", "12345u",
           "0x01010101u"]
CONST_F = ["0.0f", "1.0f", "-1.0f", "0.5f", "2.0f", "-4.0f", "3.25f", "1e-3f", "1e30f", "0x1p-126f", "0x1.8p-140f", "0.15915494f"]
CONST_D = ["0.0", "1.0", "-1.0", "0.5", "2.0", "3.25", "1e-300", "1e300", "0.1", "-7.75"]


class Gen:
    def __init__(self, rng):
        self.r = rng
        self.level = 0
        self.loops = 0

    def var(self, t):
        return "%s%d" % (t, self.r.randrange(POOL[t]))

    def one(self, *choices):
        return self.r.choice(choices)

    def u(self, n):
        r = self.r
        if n <= 0:
            return self.var("u") if r.random() < 0.75 else r.choice(CONST_U)
        k = r.randrange(44)
        a = lambda: self.u(n - 1 - r.randrange(2))
        if k < 8:
            return "(%s %s %s)" % (a(), self.one("+", "-", "*", "&", "|", "^"), a())
        if k < 11:
            return "(%s %s (%s & 31))" % (a(), self.one("<<", ">>"), a())
        if k == 11:
            return "((u32)((i32)%s >> (%s & 31)))" % (a(), a())
        if k == 12:
            return "(hide(%s) %s (hide(%s) | 1u))" % (a(), self.one("/", "%"), a())
        if k == 13:
            return "((u32)((i32)%s %s (i32)((%s & 0xffff) | 1u)))" % (a(), self.one("/", "%"), a())
        if k == 14:
            return "((u32)__builtin_popcount(%s))" % a()
        if k == 15:
            return self.one("((u32)__builtin_clz(%s | 1u))", "((u32)__builtin_ctz(%s | 0x80000000u))",
                            "__builtin_bitreverse32(%s)", "__builtin_bswap32(%s)", "(~%s)") % a()
        if k == 16:
            return "rotl(%s, %s)" % (a(), a())
        if k == 17:
            return "mulhi(%s, %s)" % (a(), a())
        if k == 18:
            return "((u32)mulhis((i32)%s, (i32)%s))" % (a(), a())
        if k == 19:
            return "((%s & 0xffffffu) * (%s & 0xffffffu))" % (a(), a())
        if k == 20:
            return "satadd(%s, %s)" % (a(), a())
        if k < 24:
            c = self.cond(n - 1)
            return "(%s ? %s : %s)" % (c, a(), a())
        if k == 24:
            x, y = self.var("u"), self.var("u")
            return "(%s < %s ? %s : %s)" % (x, y, x, y)
        if k == 25:
            x, y = self.var("u"), self.var("u")
            return "((u32)((i32)%s > (i32)%s ? (i32)%s : (i32)%s))" % (x, y, x, y)
        if k == 26:
            return "((%s >> %d) & 0x%xu)" % (a(), r.randrange(28), (1 << r.randrange(1, 20)) - 1)
        if k == 27:
            return "fb(%s)" % self.f(n - 1)
        if k == 28:
            return self.one("ffu(%s)", "((u32)ffi(%s))") % self.f(n - 1)
        if k == 29:
            return self.one("fu(%s)", "((u32)fi(%s))") % self.d(n - 1)
        if k == 30:
            return "((u32)%s)" % self.l(n - 1)
        if k == 31:
            return "((u32)(%s >> 32))" % self.l(n - 1)
        if k == 32:
            return "((u32)%s)" % self.s(n - 1)
        if k == 33:
            return "((u32)(i32)(i16)%s)" % self.s(n - 1)
        if k == 34:
            return "((u32)%s)" % self.b(n - 1)
        if k == 35:
            return "((u32)(i32)(i8)%s)" % self.b(n - 1)
        if k == 36:
            return "hb(%s)" % self.h(n - 1)
        if k == 37:
            return "((u32)(%s))" % self.cond(n - 1)
        if k == 38:
            return "mix(%s, %s)" % (a(), a())
        if k == 39:
            return "(((%s >> 24) & 0xff) + ((%s >> 8) & 0xff))" % (a(), a())
        if k == 40:
            return "((u32)%s.%s)" % (self.var("p"), self.one("x", "y"))
        if k == 41:
            return "hb(%s.%s)" % (self.var("q"), self.one("x", "y"))
        if k == 42:
            return "arr[%s & 15]" % a()
        return "in[(%s & 7) + ITEM * 8]" % a()

    def l(self, n):
        r = self.r
        if n <= 0:
            return self.var("l")
        k = r.randrange(14)
        a = lambda: self.l(n - 1)
        if k < 4:
            return "(%s %s %s)" % (a(), self.one("+", "-", "*", "&", "|", "^"), a())
        if k == 4:
            return "(%s %s (%s & 63))" % (a(), self.one("<<", ">>"), self.u(n - 1))
        if k == 5:
            return "((u64)((i64)%s >> (%s & 63)))" % (a(), self.u(n - 1))
        if k == 6:
            return "(hidel(%s) %s (hidel(%s) | 1u))" % (a(), self.one("/", "%"), self.one(self.u(n - 1), a()))
        if k == 7:
            return "((u64)%s << 32 | %s)" % (self.u(n - 1), self.u(n - 1))
        if k == 8:
            return "((u64)%s * %s)" % (self.u(n - 1), self.u(n - 1))
        if k == 9:
            return "((u64)((i64)(i32)%s * (i32)%s) + %s)" % (self.u(n - 1), self.u(n - 1), a())
        if k == 10:
            return "db(%s)" % self.d(n - 1)
        if k == 11:
            return "((u64)dl(%s))" % self.one(self.d(n - 1), self.f(n - 1))
        if k == 12:
            return "(%s ? %s : %s)" % (self.cond(n - 1), a(), a())
        return "((u64)__builtin_popcountll(%s) + (u64)__builtin_clzll(%s | 1))" % (a(), a())

    def f(self, n):
        r = self.r
        if n <= 0:
            return self.var("f") if r.random() < 0.75 else r.choice(CONST_F)
        k = r.randrange(22)
        a = lambda: self.f(n - 1)
        if k < 8:
            return self.one("(hidef(%s) + %s)", "(hidef(%s) - %s)", "(%s * %s)") % (a(), a())
        if k == 8:
            return "(%s / %s)" % (a(), a())
        if k < 11:
            return "__builtin_fmaf(%s, %s, %s)" % (a(), a(), a())
        if k == 11:
            return "__builtin_sqrtf(%s)" % a()
        if k == 12:
            return self.one("__builtin_floorf(%s)", "__builtin_ceilf(%s)", "__builtin_truncf(%s)", "__builtin_rintf(%s)",
                            "__builtin_fabsf(%s)", "(- %s)") % a()
        if k == 13:
            return "%s(zn(%s), zn(%s))" % (self.one("__builtin_fminf", "__builtin_fmaxf"), a(), a())
        if k == 14:
            return "((float)%s)" % self.u(n - 1)
        if k == 15:
            return "((float)(i32)%s)" % self.u(n - 1)
        if k == 16:
            return "((float)%s)" % self.d(n - 1)
        if k == 17:
            return "((float)%s)" % self.h(n - 1)
        if k == 18:
            return "bf(hide(%s))" % self.u(n - 1)
        if k == 19:
            return "(%s ? %s : %s)" % (self.cond(n - 1), a(), a())
        if k == 20:
            return self.one("((float)%s)", "((float)(i64)%s)") % self.l(n - 1)
        return self.one("poly(%s, %s)", "__builtin_copysignf(%s, nn(%s))") % (a(), a())

    def d(self, n):
        r = self.r
        if n <= 0:
            return self.var("d") if r.random() < 0.75 else r.choice(CONST_D)
        k = r.randrange(14)
        a = lambda: self.d(n - 1)
        if k < 5:
            return self.one("(concealed(%s) + %s)", "(concealed(%s) - %s)", "(%s * %s)") % (a(), a())
        if k == 5:
            return "(%s / %s)" % (a(), a())
        if k == 6:
            return "__builtin_fma(%s, %s, %s)" % (a(), a(), a())
        if k == 7:
            return "__builtin_sqrt(__builtin_fabs(%s))" % a()
        if k == 8:
            return self.one("__builtin_floor(%s)", "__builtin_ceil(%s)", "__builtin_trunc(%s)", "__builtin_rint(%s)",
                            "__builtin_fabs(%s)", "(- %s)") % a()
        if k == 9:
            return "%s(znd(%s), znd(%s))" % (self.one("__builtin_fmin", "__builtin_fmax"), a(), a())
        if k == 10:
            return self.one("((double)%s)", "((double)(i32)%s)") % self.u(n - 1)
        if k == 11:
            return "((double)%s)" % self.f(n - 1)
        if k == 12:
            return self.one("((double)%s)", "((double)(i64)%s)", "bd(%s)") % self.l(n - 1)
        return "(%s ? %s : %s)" % (self.cond(n - 1), a(), a())

    def h(self, n):
        r = self.r
        if n <= 0:
            return self.var("h")
        k = r.randrange(10)
        a = lambda: self.h(n - 1)
        if k < 5:
            return "((f16)%s)" % (self.one("(hideh(%s) + %s)", "(hideh(%s) - %s)", "(%s * %s)") % (a(), a()))
        if k == 5:
            return "((f16)hidef(%s))" % self.f(n - 1)
        if k == 6:
            return "((f16)(i16)%s)" % self.s(n - 1)
        if k == 7:
            return "bh(hide(%s))" % self.u(n - 1)
        if k == 8:
            return "(%s ? %s : %s)" % (self.cond(n - 1), a(), a())
        return "((f16)-%s)" % a()

    def s(self, n):
        r = self.r
        if n <= 0:
            return self.var("s")
        k = r.randrange(9)
        a = lambda: self.s(n - 1)
        if k < 4:
            return "((u16)(%s %s %s))" % (a(), self.one("+", "-", "*", "&", "|", "^"), a())
        if k == 4:
            return "((u16)(%s %s (%s & 15)))" % (a(), self.one("<<", ">>"), a())
        if k == 5:
            return "((u16)((i16)%s >> (%s & 15)))" % (a(), a())
        if k == 6:
            x, y = self.var("s"), self.var("s")
            t = self.one("", "(i16)")
            return "(%s%s < %s%s ? %s : %s)" % (t, x, t, y, x, y)
        if k == 7:
            return "((u16)%s)" % self.u(n - 1)
        return "((u16)(%s >> 16))" % self.u(n - 1)

    def b(self, n):
        if n <= 0:
            return self.var("b")
        k = self.r.randrange(5)
        if k < 3:
            return "((u8)(%s %s %s))" % (self.b(n - 1), self.one("+", "-", "*", "&", "^"), self.b(n - 1))
        if k == 3:
            return "((u8)(%s >> %d))" % (self.u(n - 1), self.one(0, 8, 16, 24))
        return "((u8)((i8)%s >> (%s & 7)))" % (self.b(n - 1), self.b(n - 1))

    def cond(self, n):
        r = self.r
        op = self.one("<", "<=", "==", "!=", ">", ">=")
        k = r.randrange(10)
        if k < 3:
            return "(%s %s %s)" % (self.u(n - 1), op, self.u(n - 1))
        if k < 5:
            return "((i32)%s %s (i32)%s)" % (self.u(n - 1), op, self.u(n - 1))
        if k == 5:
            return "(%s%s %s %s)" % (self.one("", "!"), "(%s" % self.f(n - 1), op, "%s)" % self.f(n - 1)) \
                if r.random() < 0.5 else "(!(%s %s %s))" % (self.f(n - 1), op, self.f(n - 1))
        if k == 6:
            return "(%s %s %s)" % (self.d(n - 1), op, self.d(n - 1))
        if k == 7:
            return "(%s %s %s)" % (self.l(n - 1), op, self.l(n - 1))
        if k == 8:
            return "(%s %s %s)" % (self.s(n - 1), op, self.s(n - 1))
        return "(%s %s %s)" % (self.h(n - 1), op, self.h(n - 1))

    def packed(self):
        p, q = self.var("p"), self.var("q")
        return self.one(
            "%s = %s %s %s;" % (p, self.var("p"), self.one("+", "-", "*", "&", "^"), self.var("p")),
            "%s = %s << (%s & (u16)15);" % (p, self.var("p"), self.var("p")),
            "%s = (u16x2)((u16)%s, (u16)%s);" % (p, self.u(1), self.s(1)),
            "%s = %s %s %s;" % (q, self.var("q"), self.one("+", "-", "*"), self.var("q")),
            "%s = (f16x2)(%s, %s);" % (q, self.h(1), self.h(1)),
            "%s = %s.yx;" % (p, self.var("p")), "%s = -%s.yx;" % (q, self.var("q")))

    def assign(self):
        r = self.r
        k = r.randrange(20)
        n = r.randrange(1, 4)
        if k < 7:
            return "%s = %s;" % (self.var("u"), self.u(n))
        if k < 10:
            return "%s = %s;" % (self.var("f"), self.f(n))
        if k < 12:
            return "%s = %s;" % (self.var("l"), self.l(n))
        if k < 14:
            return "%s = %s;" % (self.var("d"), self.d(min(n, 2)))
        if k == 14:
            return "%s = %s;" % (self.var("h"), self.h(min(n, 2)))
        if k == 15:
            return "%s = %s;" % (self.var("s"), self.s(n))
        if k == 16:
            return "%s = %s;" % (self.var("b"), self.b(n))
        if k < 19:
            return self.packed()
        return "arr[%s & 15] = %s;" % (self.u(1), self.u(1))

    def block(self, count):
        return "\n".join(self.statement() for _ in range(count))

    def statement(self):
        r = self.r
        k = r.random()
        if self.level < 2 and k < 0.14:
            self.level += 1
            text = "if (%s) {\n%s\n}" % (self.cond(2), self.block(r.randrange(1, 4)))
            if r.random() < 0.5:
                text += " else {\n%s\n}" % self.block(r.randrange(1, 3))
            self.level -= 1
            return text
        if self.level < 2 and k < 0.20:
            self.level += 1
            name = "n%d" % self.loops
            self.loops += 1
            bound = self.one("%d" % r.randrange(1, 6), "(%s & 7)" % self.var("u"))
            text = "for (u32 %s = 0, e%s = %s; %s < e%s; %s++) {\n%s\n}" % (
                name, name, bound, name, name, name, self.block(r.randrange(1, 4)))
            self.level -= 1
            return text
        return self.assign()

    def kernel(self, number):
        lines = ["KERNEL(k%d, %s) {" % (number, self.one("", "GLOBAL"))]
        lines.append("u32 item = ITEM; u32 arr[16];")
        lines.append("for (u32 i = 0; i < 16; i++) arr[i] = in[item * 8 + (i & 7)] + i;")
        for t, count in POOL.items():
            for i in range(count):
                w = "in[item * 8 + %d]" % self.r.randrange(8)
                init = {"u": w, "l": "(u64)%s << 32 | %s" % (w, w), "f": "bf(%s)" % w, "d": "(double)bf(%s)" % w,
                        "h": "bh(%s)" % w, "s": "(u16)%s" % w, "b": "(u8)%s" % w, "p": "(u16x2)((u16)%s, (u16)(%s >> 16))" % (w, w),
                        "q": "(f16x2)(bh(%s), bh(%s >> 16))" % (w, w)}[t]
                lines.append("%s %s%d = %s;" % (CTYPE[t], t, i, init))
        lines.append(self.block(self.r.randrange(6, 20)))
        hashes = {0: "u0 ^ u1 * 3 + u2", 1: "u3 + u4 * 5 ^ u5", 2: "(u32)l0 ^ (u32)(l0 >> 32) + (u32)l1 ^ (u32)(l2 >> 7)",
                  3: "fb(f0) ^ fb(f1) * 3", 4: "fb(f2) + fb(f3) * 7", 5: "(u32)db(d0) + (u32)(db(d1) >> 32)",
                  6: "hb(h0) + hb(h1) * 65536u ^ s0 ^ (u32)s1 << 16 ^ b0 ^ (u32)b1 << 8",
                  7: "p0.x ^ (u32)p1.y << 16 ^ hb(q0.x) ^ hb(q1.y) * 65537u ^ arr[u0 & 15]"}
        for i in range(8):
            lines.append("out[item * 8 + %d] = %s;" % (i, hashes[i]))
        lines.append("}")
        return "\n".join(lines)


def generate(seed, count):
    parts = [PRELUDE]
    for i in range(count):
        parts.append(Gen(random.Random("%d/%d" % (seed, i))).kernel(i))
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(generate(int(sys.argv[1]), int(sys.argv[2])))
