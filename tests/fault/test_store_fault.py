#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9, EIO and a full disk at every call that changes the store or the profile files: afterwards
the old or the new state is whole, and the next run leaves nothing behind."""
import json
import os
import subprocess
import sys
import unittest

from fault import Fault

PROGRAM, TOOL, SHIM = sys.argv[1:4]
del sys.argv[1:4]
A, B, C = "1-aaaaaaaaaaaa", "1-bbbbbbbbbbbb", "1-cccccccccccc"
FAULT = Fault(SHIM)
OURS = {".lock", ".rocm-patch-store", ".history", "current"}


def plain(*command, ok=(0,)):
    p = subprocess.run([str(c) for c in command], env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C"},
                       capture_output=True, text=True, timeout=60)
    assert p.returncode in ok, (command, p.returncode, p.stderr)
    return p


def store(work):
    return work / "store"


def verb(work, name, *args):
    return [PROGRAM, name, *args, "--prefix", store(work)]


def state(work):
    """(ids, active id), after checking that every generation is whole."""
    doc = json.loads(plain(*verb(work, "list", "--json")).stdout)
    plain(*verb(work, "verify-store"))
    return ({g["id"] for g in doc["generations"]}, next((g["id"] for g in doc["generations"] if g["active"]), None))


def two_generations(active):
    def prepare(work):
        for g in (A, B):
            plain(TOOL, store(work), g)
        for g in active:
            plain(*verb(work, "activate", g))
    return prepare


class StoreFaults(unittest.TestCase):
    def case(self, name, prepare, command, old, new):
        def check(work, p, where):
            got = state(work)
            self.assertIn(got, (old, new), where)
            if p.returncode == 0:
                self.assertEqual(got, new, where + ": said it was done")
            if got == old:
                again = subprocess.run([str(c) for c in command(work)], capture_output=True, text=True, timeout=60)
                self.assertEqual(again.returncode, 0, where + ": next run: " + again.stderr)
                self.assertEqual(state(work), new, where)
            else:  # any run that opens the store for writing clears up
                plain(*verb(work, "remove", "9-999999999999", "--yes"), ok=(66,))
                self.assertEqual(state(work), new, where)
            self.assertEqual(set(os.listdir(store(work))) - OURS, new[0], where)

        FAULT.try_all(name, prepare, command, lambda work: [store(work)], check)

    def test_first_publish(self):
        self.case("publish into a new store", lambda work: None, lambda work: [TOOL, store(work), A], (set(), None), ({A}, None))

    def test_publish(self):
        self.case("publish beside others", two_generations([A]), lambda work: [TOOL, store(work), C],
                  ({A, B}, A), ({A, B, C}, A))

    def test_activate(self):
        self.case("activate the first", two_generations([]), lambda work: verb(work, "activate", A),
                  ({A, B}, None), ({A, B}, A))
        self.case("activate another", two_generations([A]), lambda work: verb(work, "activate", B),
                  ({A, B}, A), ({A, B}, B))

    def test_rollback(self):
        self.case("rollback", two_generations([A, B]), lambda work: verb(work, "rollback"), ({A, B}, B), ({A, B}, A))
        self.case("rollback to none", two_generations([A]), lambda work: verb(work, "rollback"),
                  ({A, B}, A), ({A, B}, None))

    def test_remove(self):
        self.case("remove", two_generations([A]), lambda work: verb(work, "remove", B, "--yes"), ({A, B}, A), ({A}, A))


class InstallEnvFaults(unittest.TestCase):
    FILES = {"etc/environment.d/60-rocm-patch.conf", "etc/profile.d/rocm-patch.sh"}

    def command(self, *args):
        return lambda work: [PROGRAM, "install-env", *args, "--destdir", work / "root", "--prefix", "/opt/x"]

    def files(self, work):
        root = work / "root"
        return {str(p.relative_to(root)) for p in root.rglob("*") if not p.is_dir()}

    def prepare(self, work):
        (work / "root/etc").mkdir(parents=True)
        plain(*self.command()(work))
        self.texts = {f: (work / "root" / f).read_bytes() for f in self.FILES}

    def test_write(self):
        def empty(work):
            (work / "root/etc").mkdir(parents=True)

        def check(work, p, where):
            # each file is absent or whole; temporary ones are not read by anybody
            for f in self.files(work):
                if f in self.FILES:
                    self.assertIn(b"export LD_LIBRARY_PATH\nfi\n" if f.endswith(".sh") else b"LD_LIBRARY_PATH=/opt/x/current/lib$",
                                  (work / "root" / f).read_bytes(), where)
                else:
                    self.assertIn("/.rp-tmp-", f, where)
            plain(*self.command()(work))
            self.assertEqual(self.files(work), self.FILES, where)

        FAULT.try_all("install-env", empty, self.command(), lambda work: [work / "root"], check)

    def test_remove(self):
        def check(work, p, where):
            for f in self.files(work):
                self.assertEqual((work / "root" / f).read_bytes(), self.texts[f], where)
            plain(*self.command("--remove")(work))
            self.assertEqual(self.files(work), set(), where)

        FAULT.try_all("install-env --remove", self.prepare, self.command("--remove"), lambda work: [work / "root"], check)


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=2).result
    FAULT.report()
    sys.exit(not result.wasSuccessful())
