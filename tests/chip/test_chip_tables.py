#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/chips.md is what the tables say, and the generator refuses mistakes with file and line."""
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def generate(folder, kind="inc"):
    return subprocess.run([sys.executable, ROOT / "tools" / "gen-chips.py", kind, folder], capture_output=True, text=True,
                          check=False)


class Tables(unittest.TestCase):
    def test_docs_are_current(self):
        made = generate(ROOT / "data" / "chips", "docs")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual((ROOT / "docs" / "chips.md").read_text(encoding="ascii"), made.stdout,
                         "run: tools/gen-chips.py docs data/chips docs/chips.md")

    def test_mistakes_are_refused(self):
        for name, old, new, reason in (
                ("targets", "0x33", "0x36", "twice"), ("targets", "0x33", "33", "bad mach"),
                ("features", "gfx1010", "gfx1019", "unknown chip"), ("pci", "731F\t*", "731F\tZZ", "bad revision"),
                ("pci", "gfx1010", "gfx900", "unknown target"), ("gfx10", "\t20\t145", "\t20", "columns"),
                ("pci", "Linux amdgpu_drv.c pciidlist", "-", "without a source")):
            with self.subTest(name=name, new=new), tempfile.TemporaryDirectory() as tmp:
                folder = Path(tmp, "chips")
                shutil.copytree(ROOT / "data" / "chips", folder)
                table = folder / (name + ".tsv")
                text = table.read_text(encoding="ascii")
                self.assertIn(old, text)
                table.write_text(text.replace(old, new), encoding="ascii")
                made = generate(folder)
                self.assertEqual(made.returncode, 1)
                self.assertRegex(made.stderr, r"^%s\.tsv:\d+: .*%s" % (name, reason))


if __name__ == "__main__":
    unittest.main(verbosity=2)
