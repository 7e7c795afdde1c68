#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian 12's librocrand1 on the virtual card, every generator against its algorithm computed by the CPU (rocrand_check.cpp).

The package has gfx1030 code and none for gfx1010. Native on a virtual RX 6800 XT, and after `rocm-patch retarget` on a
virtual RX 5600 XT that spoils what a hazard endangers, every number must be right. As it is, under the override, its first
loop with s_inst_prefetch stops; without that defect its hazards are counted.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import debs  # noqa: E402  (the folder is known only now)

PROGRAM, SOURCES, CACHE = os.path.abspath(sys.argv.pop(1)), pathlib.Path(sys.argv.pop(1)).resolve(), sys.argv.pop(1)
CHECKS = 42


class RocRand(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists("/usr/include/hip/hip_runtime_api.h"):
            raise unittest.SkipTest("SKIP: not installed: libamdhip64-dev")
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="rp-rocrand-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.env = dict(os.environ, HOME=str(cls.dir), XDG_CACHE_HOME=str(cls.dir / "cache"), LC_ALL="C")
        for name in ["LD_PRELOAD", "HSA_OVERRIDE_GFX_VERSION"]:
            cls.env.pop(name, None)
        subprocess.run(["g++", "-O2", "-D__HIP_PLATFORM_AMD__", "-w", "-o", str(cls.dir / "check"), str(SOURCES / "rocrand_check.cpp"),
                        "-lamdhip64", "-ldl"], check=True, timeout=300)

    def setUp(self):
        _, _, folder = debs.fetch(self, CACHE, "librocrand1", "5.3.3-4")
        self.library = next(folder.rglob("librocrand.so.1.1"))

    def check(self, card, library, code=0, env=None, options=()):
        p = subprocess.run([PROGRAM, "-q", "--prefix", str(self.dir / "none"), "run", "--profile", card, *options, "--", str(self.dir / "check"), str(library)],
                           env=dict(self.env, **(env or {})), capture_output=True, text=True, timeout=1500, check=False)
        self.assertEqual(p.returncode, code, (p.stdout[-3000:], p.stderr[-3000:]))
        return p

    def check_right(self, out):
        lines = out.splitlines()
        self.assertEqual(lines[-1], "0 checks wrong")
        self.assertEqual(len(lines), CHECKS + 1)
        for line in lines[:-1]:
            self.assertRegex(line, r": (\d+ right|right, mean .*)$")
        print(sum(int(n) for n in re.findall(r": (\d+) right", out)), "numbers right")

    def test_native(self):
        self.check_right(self.check("rx-6800-xt", self.library).stdout)

    def test_retargeted(self):
        written = self.dir / "librocrand.so.1"
        subprocess.run([PROGRAM, "-q", "retarget", "-o", str(written), str(self.library)], env=self.env, check=True, timeout=300,
                       stdout=subprocess.DEVNULL)
        # a hazard that was left would spoil a register
        p = self.check("rx-5600-xt", written, options=["--hazards", "corrupt"])
        self.check_right(p.stdout)
        self.assertNotIn("hazard", p.stderr)

    def test_override(self):
        p = self.check("rx-5600-xt", self.library, code=-6, env={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"})
        self.assertIn("s_inst_prefetch can hang gfx1010", p.stderr)
        # what ran before that: kernels without such a loop
        self.assertEqual([line.split(":")[0] for line in p.stdout.splitlines() if "right" in line][-1], "xorwow words")
        self.assertNotIn("wrong", p.stdout)
        # without that defect: right as long as no hazard does what it may do
        p = self.check("rx-5600-xt", self.library, env={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"},
                       options=["--defects=-inst_prefetch_hang", "--hazards", "warn"])
        self.check_right(p.stdout)
        self.assertRegex(p.stderr, r"hazard vcmpx-exec-war on the executed path: \d+ times")


if __name__ == "__main__":
    unittest.main(verbosity=2)
