#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares all gfx10 code objects of Debian's libraries with llvm-objdump-19, instruction by instruction.

test_corpus.py ISA_DIS CACHE [--all]: without --all only librocrand1 of the machine's own suite (8 MB).
Same boundaries and mnemonics everywhere, the whole text on at least 99.99 % (docs/isa.md: measured 100 %).
"""
import collections
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import debs  # noqa: E402  (the folder is known only now)
import objects  # noqa: E402

ALL = "--all" in sys.argv
ISA_DIS, CACHE = sys.argv[1:3]
PACKAGES = ["librocrand1"]
if ALL:
    PACKAGES = [name + "/sid" for name in ("librocrand1", "libggml0-backend-hip", "librocblas4", "librocsparse1",
                                           "librocsolver0")]


@unittest.skipUnless(objects.OBJDUMP, "SKIP: llvm-objdump-19 is not installed")
class Corpus(unittest.TestCase):
    def test_packages(self):
        for word in PACKAGES:
            with self.subTest(package=word):
                name, version, path = debs.fetch(self, CACHE, word)
                self.compare("%s %s" % (name, version), path)

    def compare(self, name, path):
        totals = collections.defaultdict(collections.Counter)
        for file in sorted(path.rglob("*")):
            if file.is_symlink() or not file.is_file() or file.stat().st_size < 1000:
                continue
            for target, elf in objects.objects(file):
                counts, lines = objects.compare(ISA_DIS, target, elf)
                totals[target].update(counts, objects=1)
                for line in lines[:5]:
                    print("%s %s: %s" % (file.name, target, line))
        for target, c in sorted(totals.items()):
            print("%s %s: %s" % (name, target, dict(c)))
            self.assertEqual((c["boundaries"], c["mnemonics"]), (0, 0))
            self.assertLessEqual(c["texts"], c["lines"] / 10000)
        self.assertGreater(sum(c["lines"] for c in totals.values()), 10000, "no gfx10 code in " + name)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
