#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares decoder and printer with LLVM 19: raw and mutated words on all chips, and compiled kernels.

Usage: test_llvm.py ISA_DIS [SAMPLES]. docs/isa.md explains the differences that are allowed here.
"""
import collections
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import objects
import oracle

HERE = Path(__file__).parent
ISA_DIS = sys.argv[1]
SAMPLES = int(sys.argv[2]) if len(sys.argv) > 2 else 6000


def difference(llvm, ours, words):
    """The class of a difference (docs/isa.md), or None if there is no excuse."""
    bad = ours == ""
    if "/*Invalid" in llvm:
        return "operand of a wrong kind" if bad or re.sub(r"/\*Invalid.*?\*/", "", llvm) == ours else None
    if bad and re.match(r"(t?buffer)_", llvm) and words[1] >> 24 == 255:
        return "literal in a buffer instruction"
    if bad and re.match(r"v_\S+ src_", llvm):
        return "special register as destination"
    if bad and "_sdwa" in llvm and words[1] >> 11 & 3 == 3:
        return "dst_unused 3"
    if llvm.startswith("image_") or ours.startswith("image_"):
        return "image instruction with unusual bits"
    return None


@unittest.skipIf(oracle.missing(), oracle.missing())
class Words(unittest.TestCase):
    def test_words(self):
        seed = int(os.environ.get("ISA_SEED", "1"))
        rng = random.Random(seed)
        seeds = [s[1] for s in oracle.read_seeds(HERE / "opcodes.tsv")]
        samples = [[rng.getrandbits(32) for _ in range(5)] for _ in range(SAMPLES // 3)]
        samples += [oracle.mutate(rng, rng.choice(seeds)) for _ in range(SAMPLES - len(samples))]
        for chip in oracle.CHIPS:
            for wave in (32, 64):
                with self.subTest(chip=chip, wave=wave):
                    self.compare(samples, chip, wave)

    def compare(self, samples, chip, wave):
        llvm = []
        for start in range(0, len(samples), 500):
            llvm += oracle.first_instructions(samples[start:start + 500], chip, wave)
        lines = "".join(" ".join("%08x" % w for w in s) + "\n" for s in samples)
        ours = subprocess.run([ISA_DIS, chip[3:], str(wave), "words"], input=lines, capture_output=True, text=True,
                              check=True).stdout.split("\n")
        same, classes, unexplained = 0, collections.Counter(), []
        for words, found, line in zip(samples, llvm, ours):
            count, text = line.split("\t", 1)
            if found is None:
                classes["LLVM crashed"] += 1
                continue
            want = ("", 0) if found[0].startswith((".long", "v_illegal")) else found
            if (text, int(count) // 4) == want:
                same += 1
                continue
            kind = difference(want[0], text, words)
            classes[kind] += 1
            if kind is None:
                unexplained.append("%s: LLVM %r, here %r %s" % (" ".join("%08x" % w for w in words), found, text, count))
        print("%s wave%d: %d of %d equal, %s" % (chip, wave, same, len(samples), dict(classes)))
        self.assertEqual(unexplained, [])
        self.assertGreater(same, 0.97 * len(samples))


@unittest.skipIf(oracle.missing(), oracle.missing())
@unittest.skipUnless(shutil.which("clang-19"), "SKIP: clang-19 is not installed")
class Kernels(unittest.TestCase):
    def test_kernels(self):
        for chip in ("gfx1010", "gfx1012", "gfx1030"):
            for options in (["-O2"], ["-O0"], ["-O3", "-mwavefrontsize64"]):
                with self.subTest(chip=chip, options=options), tempfile.TemporaryDirectory() as tmp:
                    obj = Path(tmp, "o")
                    subprocess.run(["clang-19", "-target", "amdgcn-amd-amdhsa", "-mcpu=" + chip, "-nogpulib", "-c",
                                    "-x", "c", *options, "-o", str(obj), str(HERE / "kernels.c")], check=True)
                    wave = "64" if "-mwavefrontsize64" in options else "32"
                    counts, lines = objects.compare(ISA_DIS, chip, obj.read_bytes(), wave)
                    self.assertGreater(counts["lines"], 300)
                    self.assertEqual(lines, [])
                    self.assertEqual(counts["boundaries"], 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
