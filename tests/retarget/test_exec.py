#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Retargeted kernels on the virtual gfx1010 give the same bits as the same source on the host.

test_exec.py ROCM_PATCH EXEC_DIFF SOURCE_ROOT [--slow]. Random kernels of tests/exec/gen_kernels.py and the ones
below, compiled for gfx1030 by clang-19. The virtual card has gfx1010's defects, and a timing hazard
without LLVM's mitigation makes a register wrong. The virtual card is by reading, as the rewriter is: both may be
wrong in the same way.
"""
import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM, EXEC_DIFF, ROOT = sys.argv[1:4]
SLOW = "--slow" in sys.argv
sys.path.insert(0, str(Path(ROOT) / "tests" / "exec"))
import gen_kernels  # noqa: E402 (needs the path)

CLANG, LLD = shutil.which("clang-19"), shutil.which("ld.lld-19")
COMMON = ["-x", "c", "-std=gnu17", "-w", "-fwrapv", "-ffp-contract=off"]
WAYS = [("-O3", []), ("-O0", []), ("-O3", ["-mwavefrontsize64"]), ("-O1", []), ("-O0", ["-mwavefrontsize64"])]
PER_FILE = 50

# Dot products, and FLAT accesses with offsets to global memory and to LDS, in code where both can be.
OWN = """
#ifdef __AMDGCN__
#define DOT4(a, b, c) __builtin_amdgcn_sdot4(a, b, c, 0)
#define UDOT4(a, b, c) __builtin_amdgcn_udot4(a, b, c, 0)
#define DOT2(a, b, c) __builtin_amdgcn_fdot2(h2(a), h2(b), c, 0)
static __attribute__((address_space(3), loader_uninitialized)) u32 lds[64 * 8];
#define GENERIC __attribute__((address_space(0)))
#else
FN i32 DOT4(i32 a, i32 b, i32 c)
{
	for (int i = 0; i < 4; i++)
		c += (i8)((u32)a >> 8 * i) * (i8)((u32)b >> 8 * i);
	return c;
}
FN u32 UDOT4(u32 a, u32 b, u32 c)
{
	for (int i = 0; i < 4; i++)
		c += (u8)(a >> 8 * i) * (u8)(b >> 8 * i);
	return c;
}
#define DOT2(a, b, c) __builtin_fmaf(bh((b) >> 16), bh((a) >> 16), __builtin_fmaf(bh(b), bh(a), c))
#define GENERIC
#endif
FN f16x2 h2(u32 x) { f16x2 r; __builtin_memcpy(&r, &x, 4); return r; }
/* halves of moderate size: no denormals, which v_dot2 flushes and v_fma_mix treats by MODE */
FN u32 tame(u32 x) { return (x & 0x83ff83ffu) | 0x3c003800u; }

KERNEL(k0, GLOBAL)
{
	u32 id = ITEM;
	i32 a = in[id], b = in[id + 192], c = in[id + 384];
	for (int i = 0; i < 5; i++) {
		c = DOT4(a, b, c);
		a = DOT4(a, c, a);
		b = DOT4(c, 0x01020304, b);
	}
	out[8 * id] = a; out[8 * id + 1] = b; out[8 * id + 2] = c;
	out[8 * id + 3] = UDOT4(a, b, c);
	out[8 * id + 4] = UDOT4(a, 0x80ff0001, a);
}
KERNEL(k1, GLOBAL)
{
	u32 id = ITEM, a = tame(in[id]), b = tame(in[id + 192]);
	float c = (float)(id + 1), d = 3.0f;
	for (int i = 0; i < 3; i++) {
		c = DOT2(a, b, c);
		d = DOT2(b, b, d) + c;
	}
	out[8 * id] = fb(c); out[8 * id + 1] = fb(d);
}
#ifdef __AMDGCN__
__attribute__((noinline)) u32 through(volatile u32 *p, volatile u32 *q)
{
	u32 s = 0;
	for (int i = 0; i < 3; i++) {
		q[i] = p[i] + q[i + 1];
		s = s * 31 + q[i];
	}
	return s;
}
KERNEL(k2, GLOBAL)
{
	u32 id = ITEM, l = __builtin_amdgcn_workitem_id_x();
	u32 *p = (u32 *)(out + 8 * id), *q = (u32 *)(lds + 8 * l), *s = id % 3 ? p : q;
	for (int i = 0; i < 8; i++)
		q[i] = in[id] + i, p[i] = in[id + 192] * i;
	u32 x = through(q, s), y = through(p, q);
	p[5] = x; p[6] = y; p[7] = q[2] + s[1];
}
#else
FN u32 through(u32 *p, u32 *q)
{
	u32 s = 0;
	for (int i = 0; i < 3; i++) {
		q[i] = p[i] + q[i + 1];
		s = s * 31 + q[i];
	}
	return s;
}
KERNEL(k2, GLOBAL)
{
	u32 id = ITEM, lds[8];
	u32 *p = (u32 *)(out + 8 * id), *q = lds, *s = id % 3 ? p : q;
	for (int i = 0; i < 8; i++)
		q[i] = in[id] + i, p[i] = in[id + 192] * i;
	u32 x = through(q, s), y = through(p, q);
	p[5] = x; p[6] = y; p[7] = q[2] + s[1];
}
#endif
"""


@unittest.skipUnless(CLANG, "SKIP: clang-19 is not installed")
@unittest.skipUnless(LLD, "SKIP: lld-19 is not installed")
class Exec(unittest.TestCase):
    def setUp(self):
        self.tmp = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_ok(self, *argv):
        got = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False)
        self.assertEqual(got.returncode, 0, "%s\n%s%s" % (" ".join(map(str, argv)), got.stdout, got.stderr))
        return got.stdout

    def host(self, text):
        (self.tmp / "k.c").write_text(text, encoding="ascii")
        # a new name each time: the library is loaded by a new process, but may be cached by name
        self.run_ok(CLANG, *COMMON, "-O1", "-Xclang", "-ffloat16-excess-precision=none", "-fPIC", "-shared",
                    "-o", self.tmp / "k.so", self.tmp / "k.c", "-lm")

    def compile(self, level, extra):
        self.run_ok(CLANG, *COMMON, level, "-target", "amdgcn-amd-amdhsa", "-mcpu=gfx1030", *extra, "-nogpulib", "-c",
                    "-o", self.tmp / "k.o", self.tmp / "k.c")
        self.run_ok(LLD, "-shared", self.tmp / "k.o", "-o", self.tmp / "k.co")

    def retarget(self):
        return json.loads(self.run_ok(PROGRAM, "--json", "retarget", "-o", self.tmp / "new.co", self.tmp / "k.co"))

    def same(self, kernels):
        words = self.run_ok(EXEC_DIFF, self.tmp / "new.co", self.tmp / "k.so", "best", 2, "corrupt").split()
        self.assertEqual((words[0], int(words[1])), ("ok", kernels))

    def test_random_kernels(self):
        rules, files = {}, 40 if SLOW else 5
        for i in range(files):
            self.host(gen_kernels.generate(7000 + i, PER_FILE))
            level, extra = WAYS[i % len(WAYS)]
            self.compile(level, extra)
            for name, n in self.retarget()["rules"].items():
                rules[name] = rules.get(name, 0) + n
            with self.subTest(seed=7000 + i, level=level, extra=extra):
                self.same(PER_FILE)
        print("%d kernels; rules: %s" % (files * PER_FILE, rules))

    def test_dot_and_flat(self):
        seen = {}
        prelude = gen_kernels.generate(1, 0)
        self.host(prelude + OWN)
        for level, extra in WAYS:
            self.compile(level, extra)
            for name, n in self.retarget()["rules"].items():
                seen[name] = seen.get(name, 0) + n
            with self.subTest(level=level, extra=extra):
                self.same(3)
        self.assertGreater(seen.get("dot", 0), 20)
        self.assertGreater(seen.get("flat-add", 0), 10)
        print("rules:", seen)

    def test_without_retarget_it_is_wrong(self):
        """The virtual card does mind: the unchanged code, marked as gfx1010 code, fails or gives other results."""
        self.host(gen_kernels.generate(1, 0) + OWN)
        self.compile("-O1", [])
        self.retarget()
        code = bytearray((self.tmp / "k.co").read_bytes())
        code[48] = 0x33  # e_flags: gfx1010
        (self.tmp / "wrong.co").write_bytes(code)
        got = subprocess.run([EXEC_DIFF, self.tmp / "wrong.co", self.tmp / "k.so", "best", "1", "corrupt"],
                             capture_output=True, text=True, check=False)
        self.assertEqual(got.returncode, 1, got.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
