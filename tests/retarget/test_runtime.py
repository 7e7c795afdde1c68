#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Retargeted files under Debian's HIP runtime on the virtual card, without an override.

test_runtime.py PROGRAM SOURCE_ROOT CACHE: a HIP program that is compiled for gfx1030 only, and librocrand1, which
has no gfx1010 code. The runtime refuses both before; afterwards they give what gfx1030 code gives on the virtual gfx1030."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import debs  # noqa: E402  (the folder is known only now)

PROGRAM, ROOT, CACHE = sys.argv[1:4]
del sys.argv[1:4]
HIP = "/usr/lib/x86_64-linux-gnu/libamdhip64.so.5"


class Runtime(unittest.TestCase):
    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="rp-runtime-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.env = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "HSA_OVERRIDE_GFX_VERSION")}
        self.env.update(HOME=str(self.dir), XDG_CACHE_HOME=str(self.dir / "cache"), LC_ALL="C")
        if not os.path.exists(HIP):
            self.skipTest("SKIP: not installed: libamdhip64-5")

    def call(self, *args, code=0, **env):
        got = subprocess.run([PROGRAM, "-q", "--prefix", str(self.dir / "none"), *map(str, args)], env=dict(self.env, **env),
                             capture_output=True, text=True, timeout=500, check=False)
        if code is not None:
            self.assertEqual(got.returncode, code, (args, got.stdout[-2000:], got.stderr[-2000:]))
        return got

    def on(self, chip, *command, code=0, options=(), **env):
        return self.call("run", "--gpu", chip, *options, "--", *command, code=code, **env)

    def test_program(self):
        if not shutil.which("hipcc"):
            self.skipTest("SKIP: not installed: hipcc")
        tree = self.dir / "tree"
        tree.mkdir()
        subprocess.run(["hipcc", "-ffp-contract=off", "--offload-arch=gfx1030", "-O1", "-o", str(tree / "samples"),
                        str(Path(ROOT, "tests/vgpu/hip_samples.cpp"))], env=self.env, check=True, timeout=400)
        before = self.on("gfx1010", tree / "samples", "all", code=None)
        self.assertNotEqual(before.returncode, 0)
        self.assertIn("hipErrorNoBinaryForGpu", before.stderr)
        self.call("apply", "-y", tree)
        for hazards in ("warn", "corrupt"):
            got = self.on("gfx1010", tree / "samples", "all", options=["--hazards=" + hazards])
            self.assertEqual(got.stdout.splitlines()[-1], "done, waves of 32", got.stdout)
            self.assertNotIn("hazard ", got.stderr)
        lines = self.on("gfx1010", tree / "samples", "printf").stdout.splitlines()
        self.assertEqual(lines[-2:], ["printf ok", "done, waves of 32"])
        # what was there for the other card still is
        self.assertEqual(self.on("gfx1030", tree / "samples", "all").stdout.splitlines()[-1], "done, waves of 32")
        self.call("undo", tree)
        self.assertIn("hipErrorNoBinaryForGpu", self.on("gfx1010", tree / "samples", "all", code=None).stderr)

    def test_rocrand(self):
        path = debs.fetch(self, CACHE, "librocrand1", "5.3.3-4")[2]
        shutil.copytree(path / "usr/lib/x86_64-linux-gnu", self.dir / "lib", symlinks=True)
        subprocess.run(["cc", "-o", str(self.dir / "rand"), str(Path(ROOT, "tests/retarget/rocrand.c")),
                        str(self.dir / "lib/librocrand.so.1"), HIP, "-Wl,--allow-shlib-undefined"], check=True)
        path = str(self.dir / "lib")
        want = self.on("gfx1030", self.dir / "rand", LD_LIBRARY_PATH=path).stdout
        self.assertEqual(len(want.splitlines()), 21, want)
        self.assertIn("hipErrorNoBinaryForGpu",
                      self.on("gfx1010", self.dir / "rand", LD_LIBRARY_PATH=path, code=None).stderr)
        self.call("apply", "-y", path)
        got = self.on("gfx1010", self.dir / "rand", LD_LIBRARY_PATH=path, options=["--hazards=corrupt"])
        self.assertEqual(got.stdout, want)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
