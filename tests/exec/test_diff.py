#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random kernels (gen_kernels.py), compiled for gfx10 by clang-19 and for the host, must give the same bits.

test_diff.py EXEC_DIFF [--slow | --all]: 300 kernels, each for two of the targets below; 2,000; 20,000.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import gen_kernels

CLANG, LLD = shutil.which("clang-19"), shutil.which("ld.lld-19")
EXEC_DIFF = sys.argv[1]
KERNELS = 20000 if "--all" in sys.argv else 2000 if "--slow" in sys.argv else 300
COMMON = ["-x", "c", "-std=gnu17", "-w", "-fwrapv", "-ffp-contract=off"]
TARGETS = [("gfx1010", "-O3", []), ("gfx1030", "-O0", []), ("gfx1010", "-O3", ["-mwavefrontsize64"]), ("gfx1030", "-O3", []),
           ("gfx1010", "-O0", ["-mwavefrontsize64"]), ("gfx1030", "-O1", ["-mwavefrontsize64"]), ("gfx1010", "-O1", [])]
PER_FILE = 50


@unittest.skipUnless(CLANG, "SKIP: clang-19 is not installed")
@unittest.skipUnless(LLD, "SKIP: lld-19 is not installed")
class Diff(unittest.TestCase):
    def setUp(self):
        self.tmp = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_ok(self, *argv):
        got = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False)
        self.assertEqual(got.returncode, 0, "%s\n%s%s" % (" ".join(map(str, argv)), got.stdout, got.stderr))
        return got.stdout

    def batch(self, seed, targets):
        """One translation unit; returns the number of instructions that ran."""
        source, host = self.tmp / "k.c", self.tmp / ("k%d.so" % seed)
        source.write_text(gen_kernels.generate(seed, PER_FILE), encoding="ascii")
        # _Float16 operations of the host round once each, as the GPU's do
        self.run_ok(CLANG, *COMMON, "-O1", "-Xclang", "-ffloat16-excess-precision=none", "-fPIC", "-shared", "-o", host,
                    source, "-lm")
        total = 0
        for number, (chip, level, extra) in enumerate(targets):
            obj, code = self.tmp / "k.o", self.tmp / "k.co"
            self.run_ok(CLANG, *COMMON, level, "-target", "amdgcn-amd-amdhsa", "-mcpu=" + chip, *extra, "-nogpulib", "-c",
                        "-o", obj, source)
            self.run_ok(LLD, "-shared", obj, "-o", code)
            with self.subTest(seed=seed, chip=chip, level=level, extra=extra):
                # best compiled form and the portable one, one thread and two, in turn
                out = self.run_ok(EXEC_DIFF, code, host, "best" if (seed + number) % 2 else "portable", str(1 + seed % 2))
                words = out.split()
                self.assertEqual(words[0], "ok", out)
                self.assertEqual(int(words[1]), PER_FILE)
                total += int(words[2])
        host.unlink()
        return total

    def test_kernels(self):
        first, files = int(os.environ.get("RP_DIFF_SEED", "1" if KERNELS == 300 else "1000")), KERNELS // PER_FILE
        total = 0
        for i in range(files):
            n = len(TARGETS)
            total += self.batch(first + i, [TARGETS[i % n], TARGETS[(i + 3) % n]])
        print("%d kernels, %d instructions" % (files * PER_FILE, total))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
