#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Objects, kernels, device functions and .text bytes of Debian's libraries are those that other tools counted.

test_golden.py LIST_CODEOBJ CACHE [--all]: without --all only librocrand1 of the machine's own suite (8 MB).
The numbers were counted with a prototype on llvm-objdump's output, before lib/codeobj was written; those
of librocrand1 6.4.3-1 are not here, since nothing independent counted them.
"""
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import debs  # noqa: E402  (the folder is known only now)

ALL = "--all" in sys.argv
if ALL:
    sys.argv.remove("--all")
LIST, CACHE = sys.argv[1:3]

# package/suite, version, {target: (objects, kernels, device functions, .text bytes)}
SMALL = [("librocrand1", "5.3.3-4", {"gfx1030": (1, 80, 0, 297416)})]
LARGE = [
    ("librocblas4/sid", "6.4.4-4", {"gfx1030": (66 + 16 + 51, 10593 + 4357 + 701, 0, 41549676 + 95825564 + 5564608),
                                    "gfx1010": (66 + 51, 10593 + 701, 0, 43526648 + 5624256)}),
    ("libggml0-backend-hip/sid", "0.27.0-1", {"gfx1030": (140, 7184, 227, 22462168), "gfx1010": (140, 7184, 227, 30330796)}),
    ("librocsolver0/sid", "6.4.3-2+b1", {"gfx10-3-generic": (235, 13815, 20, 116563056),
                                         "gfx10-1-generic": (235, 13815, 20, 117245040)}),
    ("librocsparse1/sid", "6.4.3-3", {"gfx1030": (142, 18402, 16, 50902172), "gfx1010": (142, 18402, 16, 50391172)}),
    ("libmagma2-rocm/sid", "2.9.0+ds-3", {"gfx1030": (436, 6104, 203, 67708972), "gfx1010": (436, 6104, 203, 68555984)}),
    ("libmagma-sparse2-rocm/sid", "2.9.0+ds-3", {"gfx1030": (205, 763, 2, 801828), "gfx1010": (205, 763, 2, 767524)}),
    ("librccl1/trixie", "5.4.3-3+b1", {"gfx1030": (1, 4, 1483, 16159276), "gfx1010": (1, 4, 1483, 18434936)}),
    ("librocfft0/sid", "6.4.3-1+b1", {"gfx1030": (1, 0, 12, 768), "gfx1010": (1, 0, 12, 768)}),
    ("libgloo-rocm-0/sid", "0.0~git20250912.d97133a-2+rocm1", {"gfx1030": (2, 33, 0, 8896), "gfx1010": (2, 33, 0, 8832)}),
]


class Golden(unittest.TestCase):
    def check(self, word, version, targets):
        name, found, path = debs.fetch(self, CACHE, word)
        out = subprocess.run([LIST, path], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("\ndamage", "\n" + out)
        rows = [line.split("\t") for line in out.splitlines()]
        seen = {row[1]: tuple(int(n) for n in row[2:6]) for row in rows if row[0] == "target"}
        described = {row[1]: int(row[7]) for row in rows if row[0] == "target"}
        for target, counts in seen.items():
            self.assertEqual(described[target], counts[1], "kernels of %s with metadata" % target)
        print(name, found, {t: seen.get(t) for t in targets})
        if found != version:
            self.skipTest("SKIP: %s is %s, the numbers are of %s" % (name, found, version))
        self.assertEqual({t: seen.get(t) for t in targets}, targets)


def add(word, version, targets):
    name = "test_" + word.partition("/")[0].replace("-", "_")
    setattr(Golden, name, lambda self: self.check(word, version, targets))


for row in LARGE if ALL else SMALL:
    add(*row)

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
