#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9, EIO and a full disk at every call that changes a source tree: afterwards the next run
leaves the old or the new tree whole, and nothing beside it."""
import os
import pathlib
import subprocess
import sys
import unittest

from fault import Fault

PROGRAM, SHIM = sys.argv[1:3]
del sys.argv[1:3]
FAULT = Fault(SHIM)

PATCH = """id {id}
component toy
set rdna
title t
evidence hypothesis
default on
why w
effect e
"""
EDITS = """edit
file {file}
anchor b();
insert-before {text}();
"""


def plain(*args, ok=(0,)):
    p = subprocess.run([PROGRAM, "patch", *map(str, args)], capture_output=True, text=True, timeout=60,
                       env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C"})
    assert p.returncode in ok, (args, p.returncode, p.stdout, p.stderr)
    return p


def make(work):
    tree = work / "tree"
    (tree / "src/deep").mkdir(parents=True)
    (work / "patches").mkdir()
    for name in ("src/a.c", "src/deep/b.c", "c.c"):
        (tree / name).write_text("void f() {\n  a();\n  b();\n}\n")
    (work / "patches/P1.rpatch").write_text(
        PATCH.format(id="P1") + "".join(EDITS.format(file=f, text="one") for f in ("a.c", "b.c", "c.c")))
    (work / "patches/P2.rpatch").write_text(PATCH.format(id="P2") + EDITS.format(file="a.c", text="two"))


def contents(tree):
    """Bytes of the sources; fails for anything else beside the record."""
    out = {}
    for path in sorted(tree.rglob("*")):
        rel = str(path.relative_to(tree))
        if rel.startswith(".rocm-patch") or path.is_dir():
            continue
        out[rel] = path.read_bytes()
    return out


def states():
    """The tree unpatched, with P1, with P1 and P2."""
    import tempfile
    with tempfile.TemporaryDirectory() as tmp:
        work = pathlib.Path(tmp)
        make(work)
        none = contents(work / "tree")
        plain("apply", "--patches", work / "patches", "--only", "P1", work / "tree")
        one = contents(work / "tree")
        plain("apply", "--patches", work / "patches", work / "tree")
        return none, one, contents(work / "tree")


class PatchFaults(unittest.TestCase):
    def setUp(self):
        self.none, self.one, self.both = states()
        self.assertEqual(len({str(s) for s in (self.none, self.one, self.both)}), 3)

    def case(self, name, prepare, args, old, new):
        def command(work):
            own = [] if args[0] == "revert" else ["--patches", work / "patches"]
            return [PROGRAM, "patch", *args, *own, work / "tree"]

        def check(work, p, where):
            tree = work / "tree"
            if p.returncode == 0:
                self.assertEqual(contents(tree), new, where + ": said it was done")
            # Whatever was left, one more run of the same finishes it ...
            again = subprocess.run([str(c) for c in command(work)], capture_output=True, text=True, timeout=60)
            if args[0] == "revert":
                self.assertIn(again.returncode, (0, 66), where + ": " + again.stderr)
            else:
                self.assertEqual(again.returncode, 0, where + ": " + again.stderr)
            self.assertEqual(contents(tree), new, where + ": after the next run")
            # ... and revert brings the first bytes back, with nothing left.
            plain("revert", tree, ok=(0, 66))
            self.assertEqual(contents(tree), self.none, where + ": after revert")
            left = [q.name for q in tree.rglob("*") if q.name.startswith(".rp-tmp-")]
            self.assertEqual(left, [], where)
            plain("apply", "--patches", work / "patches", tree)
            self.assertEqual(contents(tree), self.both, where)

        def check_recovery(work, p, where):
            """A reader in between never sees a mix for good: revert alone restores the old tree."""
            tree = work / "tree"
            if p.returncode != 0 and args[0] == "apply":
                got = plain("revert", tree, ok=(0, 66))
                self.assertEqual(contents(tree), self.none, where + ": revert alone: " + got.stderr)
            else:
                check(work, p, where)

        FAULT.try_all(name, prepare, command, lambda work: [work / "tree"], check)
        FAULT.try_all(name + ", revert", prepare, command, lambda work: [work / "tree"], check_recovery, kinds=("kill",))
        self.assertNotEqual(old, new)

    def test_apply(self):
        self.case("patch apply", make, ["apply"], self.none, self.both)

    def test_apply_on_top(self):
        def prepare(work):
            make(work)
            plain("apply", "--patches", work / "patches", "--only", "P1", work / "tree")
        self.case("patch apply on top", prepare, ["apply"], self.one, self.both)

    def test_revert(self):
        def prepare(work):
            make(work)
            plain("apply", "--patches", work / "patches", work / "tree")
        self.case("patch revert", prepare, ["revert"], self.both, self.none)


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=2).result
    FAULT.report()
    sys.exit(0 if result.wasSuccessful() else 1)
