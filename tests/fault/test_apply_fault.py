#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9, EIO and a full disk at every call with which apply and undo change a tree: every file is the
old or the new one, and the next run of either brings the tree to where it should be."""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from fault import Fault

PROGRAM, SHIM, ROOT = sys.argv[1:4]
del sys.argv[1:4]
FAULT = Fault(SHIM)
CASES = pathlib.Path(ROOT, "tests/retarget/data/cases-gfx1030.co")
STATE = ".rocm-patch-retarget"


def plain(*args, ok=(0,)):
    p = subprocess.run([PROGRAM, *map(str, args)], env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C"},
                       capture_output=True, text=True, timeout=60)
    assert p.returncode in ok, (args, p.returncode, p.stdout, p.stderr)
    return p


def make(work):
    tree = work / "tree"
    (tree / "lib").mkdir(parents=True)
    for name in ("lib/a.co", "b-gfx1030.co"):
        shutil.copy(CASES, tree / name)
    os.link(tree / "lib/a.co", tree / "lib/same.co")


def contents(work):
    """Of what is not the program's own state; hard links as such."""
    out = {}
    for path in sorted((work / "tree").rglob("*")):
        if STATE not in path.parts and path.is_file():
            out[str(path.relative_to(work / "tree"))] = (path.read_bytes(), path.stat().st_mode)
    return out


class ApplyFaults(unittest.TestCase):
    def setUp(self):
        import tempfile
        with tempfile.TemporaryDirectory() as tmp:
            make(pathlib.Path(tmp))
            self.old = contents(pathlib.Path(tmp))
            plain("apply", "-y", pathlib.Path(tmp, "tree"))
            self.new = contents(pathlib.Path(tmp))
        self.assertEqual(set(self.new) - set(self.old), {"b-gfx1010.co"})

    def whole(self, work, where):
        for name, content in contents(work).items():
            self.assertIn(content, (self.old.get(name), self.new[name]), where + ": " + name)
        self.assertGreaterEqual(set(contents(work)), set(self.old), where)

    def test_apply(self):
        def then_undo(work, p, where):
            self.whole(work, where)
            if p.returncode == 0:
                self.assertEqual(contents(work), self.new, where)
            plain("undo", work / "tree", ok=(0, 66))
            self.assertEqual(contents(work), self.old, where)
            self.assertFalse((work / "tree" / STATE).exists(), where)

        def then_apply(work, p, where):
            self.whole(work, where)
            plain("apply", "-y", work / "tree")
            self.assertEqual(contents(work), self.new, where)
            plain("undo", work / "tree")
            self.assertEqual(contents(work), self.old, where)

        def command(work):
            return [PROGRAM, "apply", "-y", "-j1", work / "tree"]

        FAULT.try_all("apply, then undo", make, command, lambda work: [work / "tree"], then_undo)
        FAULT.try_all("apply, then apply", make, command, lambda work: [work / "tree"], then_apply)

    def test_undo(self):
        def prepare(work):
            make(work)
            plain("apply", "-y", work / "tree")

        def check(work, p, where):
            self.whole(work, where)
            if p.returncode == 0:
                self.assertEqual(contents(work), self.old, where)
            plain("undo", work / "tree", ok=(0, 66))
            self.assertEqual(contents(work), self.old, where)
            self.assertFalse((work / "tree" / STATE).exists(), where)

        FAULT.try_all("undo", prepare, lambda work: [PROGRAM, "undo", work / "tree"], lambda work: [work / "tree"], check)

    def test_in_place(self):
        clang = shutil.which("clang-19")
        if not clang:
            self.skipTest("SKIP: not installed: clang-19")

        def make_one(work):
            (work / "tree").mkdir()
            (work / "k.s").write_text('.amdgcn_target "amdgcn-amd-amdhsa--gfx1030"\n.text\n.globl k\n.p2align 8\n.type k,@function\n'
                                      "k:\ns_inst_prefetch 0x1\ns_endpgm\n.Lend:\n.size k, .Lend-k\n.rodata\n.amdhsa_kernel k\n"
                                      ".amdhsa_next_free_vgpr 4\n.amdhsa_next_free_sgpr 4\n.end_amdhsa_kernel\n")
            subprocess.run([clang, "-target", "amdgcn-amd-amdhsa", "-mcpu=gfx1030", "-o", work / "tree/k.co", work / "k.s"], check=True)
            self.before = (work / "tree/k.co").read_bytes()
            shutil.copy(work / "tree/k.co", work / "new.co")
            plain("retarget", "--in-place", work / "new.co")
            self.after = (work / "new.co").read_bytes()

        def check(work, p, where):
            now = (work / "tree/k.co").read_bytes()
            self.assertIn(now, (self.before, self.after), where)
            if p.returncode == 0:
                self.assertEqual(now, self.after, where)
            plain("undo", work / "tree/k.co", ok=(0, 66))
            self.assertEqual((work / "tree/k.co").read_bytes(), self.before, where)
            self.assertFalse((work / "tree/k.co.rocm-patch-undo").exists(), where)

        FAULT.try_all("retarget --in-place", make_one, lambda work: [PROGRAM, "retarget", "--in-place", work / "tree/k.co"],
                      lambda work: [work / "tree"], check)


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=2).result
    FAULT.report()
    sys.exit(0 if result.wasSuccessful() else 1)
