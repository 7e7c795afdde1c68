#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 and a full disk at every call of a build that changes the work folder or the store, from
one selection of patches to another: the next run gives the bytes of an undisturbed one."""
import errno
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from fault import Fault

PROGRAM, SHIM = sys.argv[1:3]
del sys.argv[1:3]
FAULT = Fault(SHIM)
# single errors as well are in the tests of patches and store, whose calls most of these are
KINDS = ("kill", "%d+" % errno.ENOSPC)

CMAKE = """cmake_minimum_required(VERSION 3.5)
project(toy C)
add_library(toy SHARED toy.c)
install(TARGETS toy LIBRARY DESTINATION lib)
"""

RECIPE = """[component]
name = toy
version = 1.0
title = toy library
library = lib/libtoy.so

[source]
kind = dir
path = {work}/source

[patches]
toolchain = toy-toolchain
sets = toy

[configure]
options = -DCMAKE_BUILD_TYPE=Release
environment = CC=gcc

[need]
compilers = gcc
tools =
  cmake : cmake
  ninja : ninja-build
  gcc : gcc
disk = 1 MB
memory = 1 MB
time = seconds
"""

PATCH = """id {id}
component toy
set {set}
title t
evidence hypothesis
default on
why <<END
For the test.
END
effect <<END
None.
END

edit
file toy.c
function toy_twice
anchor return 2 * x;
insert-before <<END
x += {add};
END
"""

NOTE = """
edit
file toy.c
append <<END
__attribute__((used, section(".note.rocm-patch"), aligned(4))) static const struct {{
	unsigned int namesz, descsz, type;
	char name[12], desc[4];
}} note_{id} = {{ 11, 3, 1, "rocm-patch", "{id}" }};
END
"""


LOG_WRITES = 6  # a build writes so often to its log, at most

class Build(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="rp-build-fault-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        os.chmod(self.dir, 0o755)  # the build user must reach it
        self.work = self.dir / "work"

    def prepare(self):
        """All patches built and published in `work`; cmake records paths, so that state stays there."""
        (self.work / "source").mkdir(parents=True)
        (self.work / "source/CMakeLists.txt").write_text(CMAKE)
        (self.work / "source/toy.c").write_text("int toy_twice(int x)\n{\n\treturn 2 * x;\n}\n")
        (self.work / "toy.recipe").write_text(RECIPE.format(work=self.work))
        (self.work / "patches").mkdir()
        for pid, set_, add, note in (("X1", "toy-toolchain", 10, ""), ("P1", "toy", 1, NOTE), ("P2", "toy", 100, NOTE)):
            (self.work / "patches" / (pid + ".rpatch")).write_text((PATCH + note).format(id=pid, set=set_, add=add))

    def command(self, *args):
        return ["env", "XDG_CACHE_HOME=%s/cache" % self.work, PROGRAM, "--prefix", str(self.work / "store"), *args]

    def build(self, *args):
        return self.command("build", str(self.work / "toy.recipe"), "--patches", str(self.work / "patches"), *args)

    def undisturbed(self, *command):
        p = subprocess.run(command, env={"PATH": os.environ["PATH"], "HOME": str(self.work), "LC_ALL": "C"},
                           capture_output=True, text=True, timeout=60)
        return p.returncode, p.stdout + p.stderr

    def libraries(self):
        return {p.name: (p / "lib/libtoy.so").read_bytes() for p in (self.work / "store").glob("1.0-*")
                if p.suffix != ".partial"}

    def put_back(self, saved):
        shutil.rmtree(self.work, ignore_errors=True)
        # with owners: part of the work folder belongs to the build user
        subprocess.run(["cp", "-a", str(saved), str(self.work)], check=True)

    def test_other_selection(self):
        self.prepare()
        code, text = self.undisturbed(*self.build())
        self.assertEqual(code, 0, text)
        before = self.libraries()
        saved = self.dir / "saved"
        subprocess.run(["cp", "-a", str(self.work), str(saved)], check=True)
        other = self.build("--without", "P2")
        dirs = [self.work / "cache/rocm-patch/build", self.work / "store"]
        p, total = FAULT._run(other, dirs, self.work, 0, "kill")
        self.assertEqual(p.returncode, 0, p.stderr)
        wanted = self.libraries()
        self.assertEqual(len(wanted), 2)
        self.assertEqual(len(set(wanted.values())), 2)
        for kind in KINDS:
            for at in range(1, total + 1):
                self.put_back(saved)
                where = "build, fault %s at call %d of %d" % (kind, at, total)
                p, n = FAULT._run(other, dirs, self.work, at, kind)
                # The log gets a child's output in as many writes as the pipe gives it: a run may have fewer calls.
                if n < at:
                    self.assertGreater(at, total - LOG_WRITES, where + ": was not reached")
                    self.assertEqual(p.returncode, 0, where + ": not reached, and yet it failed")
                elif kind == "kill":
                    self.assertEqual(p.returncode, -9, where + ": was not killed")
                now = self.libraries()
                for name, library in now.items():
                    self.assertTrue(library == wanted[name], where + ": a generation that is not whole")
                self.assertLessEqual(before.keys(), now.keys(), where)
                if p.returncode == 0:
                    self.assertTrue(now == wanted, where + ": said it was done")
                code, text = self.undisturbed(*other)
                self.assertEqual(code, 0, where + ": " + text)
                self.assertTrue(self.libraries() == wanted, where + ": other bytes than an undisturbed run")
                self.assertFalse(list((self.work / "store").glob("*.partial*")), where)
                code, text = self.undisturbed(*self.command("verify-store"))
                self.assertEqual(code, 0, where + ": " + text)
                FAULT.points["build"] = FAULT.points.get("build", 0) + 1


if __name__ == "__main__":
    for tool in ("cmake", "ninja", "gcc"):
        if not shutil.which(tool):
            print("SKIP: %s is not installed" % tool)
            sys.exit(77)
    result = unittest.main(verbosity=2, exit=False).result
    FAULT.report()
    sys.exit(0 if result.wasSuccessful() else 1)
