#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""HIP programs of our own, compiled by Debian 12's hipcc 5.2.3, executed by the virtual card: every result is compared
with the host's inside of the program. --slow: more cards, drivers, optimization levels, wave64."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SLOW = "--slow" in sys.argv and sys.argv.remove("--slow") is None
PROGRAM, SOURCES = os.path.abspath(sys.argv.pop(1)), pathlib.Path(sys.argv.pop(1)).resolve()
PARTS = ["reduction", "scan", "transpose", "atomics", "blocks", "scratch", "streams", "graphs", "waits", "fills", "globals", "numbers"]
EXCEPTION = "HSA_STATUS_ERROR_EXCEPTION: An HSAIL operation resulted in a hardware exception. code: 0x1016"


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("hipcc"):
            raise unittest.SkipTest("SKIP: not installed: hipcc")
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="rp-samples-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.env = dict(os.environ, HOME=str(cls.dir), XDG_CACHE_HOME=str(cls.dir / "cache"), LC_ALL="C")
        for name in ["LD_PRELOAD", "HSA_OVERRIDE_GFX_VERSION"]:
            cls.env.pop(name, None)
        cls.built = {}

    @classmethod
    def compile(cls, *options):
        if options not in cls.built:
            out = cls.dir / ("samples-%d" % len(cls.built))
            subprocess.run(["hipcc", "-ffp-contract=off", *options, "-o", str(out), str(SOURCES / "hip_samples.cpp")], env=cls.env,
                           check=True, timeout=600)
            cls.built[options] = out
        return cls.built[options]

    def on_card(self, *command, card="rx-5600-xt", options=(), code=0, timeout=300):
        p = subprocess.run([PROGRAM, "-q", "--prefix", str(self.dir / "none"), "run", "--profile", card, *options, "--", *map(str, command)],
                           env=self.env, capture_output=True, text=True, timeout=timeout, check=False)
        if code is not None:
            self.assertEqual(p.returncode, code, (command, card, p.stdout[-2000:], p.stderr[-3000:]))
        return p

    def check_all(self, program, width=32, **kwargs):
        parts = list(PARTS)
        if "atomics=0" in kwargs.get("card", ""):
            # without PCIe atomics ROCR writes "value - 1" of the time of submission; HIP's copies of rows share one signal: it waits for ever
            parts.remove("fills")
        out = self.on_card(program, *parts, **kwargs).stdout
        self.assertEqual(out.splitlines(), [part + " ok" for part in parts] + ["done, waves of %d" % width])

    def check_messages(self, program, card="rx-5600-xt"):
        """printf from the card, assert, and a trap."""
        lines = self.on_card(program, "printf", card=card).stdout.splitlines()
        said = {int(m.group(1)): m.group(2) for m in (re.fullmatch(r"item (\d+): (.*)", line) for line in lines) if m}
        self.assertEqual((len(lines), sorted(said)), (132, list(range(130))))
        for i, text in said.items():
            self.assertEqual(text, "%d %s %.3f 0x%x %c%%" % (-i, ["even", "odd"][i % 2], i * 0.25, i << 36 | i, ord("a") + i % 26))
        p = self.on_card(program, "assert", card=card, code=-6)
        self.assertEqual(p.stdout.count("first one held\n"), 1)
        self.assertIn("Device-side assertion `p[threadIdx.x] < limit' failed.", p.stdout + p.stderr)
        self.assertIn(EXCEPTION, p.stderr)
        self.check_errors(program, card)

    def check_errors(self, program, card):
        """The runtime's own trap handler tells the runtime; on gfx10.3 that of 5.2.3 only halts the wave."""
        for part, where, error in [("trap", "s_trap 2, group 0,0,0 wave 0", EXCEPTION),
                                   ("violation", "store to address 0xdeadbeefcafef00d", "HSA_STATUS_ERROR_MEMORY_APERTURE_VIOLATION"),
                                   ("illegal", "illegal instruction at pc", "HSA_STATUS_ERROR_ILLEGAL_INSTRUCTION")]:
            log = self.dir / "error.log"
            log.unlink(missing_ok=True)
            p = self.on_card(program, part, card=card, options=["--log", str(log)], code=-6)
            self.assertIn(where, p.stderr)
            self.assertRegex(p.stderr, r"kernel _Z\w+ \+0x")
            self.assertIn(error, p.stderr)
            self.assertRegex(log.read_text(), r"trap_handler queue=\d+ entered")
            self.assertEqual("told nobody" in p.stderr, card.startswith("rx-6"), (card, p.stderr))

    def check_grid(self, program, card, done):
        out = self.on_card(program, "grid", card=card).stdout.splitlines()[0]
        self.assertEqual(out, "cooperative launch done" if done else "no cooperative launch: hipErrorLaunchFailure")


class Fast(Base):
    def test_samples(self):
        program = self.compile("--offload-arch=gfx1010", "-O1")
        self.check_all(program)
        self.check_messages(program)
        self.check_grid(program, "rx-5600-xt", False)
        self.check_grid(program, "rx-5600-xt,gws=1", True)


    def test_report(self):
        path = self.dir / "report.json"
        self.on_card(self.compile("--offload-arch=gfx1010", "-O1"), "reduction", "numbers", options=["--report", str(path), "--hazards", "warn"])
        (got,) = json.loads(path.read_text())["processes"]
        self.assertTrue(got["complete"])
        self.assertGreater(got["kernels"], 1)
        self.assertEqual(sum(o["count"] for o in got["opcodes"]), got["instructions"])
        for name, sums in got["fidelity"].items():
            rows = [o for o in got["opcodes"] if o["fidelity"] == name]
            self.assertEqual(sums, {"opcodes": len(rows), "instructions": sum(o["count"] for o in rows)})
            self.assertTrue(all(("bound" in o) == (name == "approximate") for o in rows), rows)
        self.assertEqual((got["hazard_checks"], got["hazards"], got["defects"], got["stops"]), ("warn", [], [], []))


class Slow(Base):
    def test_cards_drivers_and_levels(self):
        for level in ["-O0", "-O1", "-O3"]:
            program = self.compile("--offload-arch=gfx1010", "--offload-arch=gfx1030", level)
            for card in ["rx-5600-xt", "rx-5700-xt,kfd=1.11", "rx-5600-xt,exceptions=0,atomics=0", "rx-6800-xt", "rx-6800-xt,gpus=2"]:
                with self.subTest(level=level, card=card):
                    self.check_all(program, card=card)
                    self.check_messages(program, card=card)
                    self.check_grid(program, card, card.startswith("rx-6"))

    def test_wave64(self):
        # hip_runtime.h refuses wave64 on gfx10, because shuffles of 64 lanes do not exist there; the samples use 32
        for level in ["-O1", "-O3"]:
            program = self.compile("--offload-arch=gfx1010", "-mwavefrontsize64", "-U__gfx1010__", level)
            self.check_all(program, width=64)
            self.check_messages(program)
            self.check_grid(program, "rx-5600-xt,gws=1", True)

    def test_modules(self):
        """New code at the address of old code."""
        for value in (17, 23):
            subprocess.run(["hipcc", "--genco", "--offload-arch=gfx1010", "-O1", "-DVALUE=%d" % value, "-o", str(self.dir / ("%d.co" % value)),
                            str(SOURCES / "hip_modules.cpp")], env=self.env, check=True, timeout=300)
        subprocess.run(["g++", "-O1", "-w", "-D__HIP_PLATFORM_AMD__", "-o", str(self.dir / "modules"), str(SOURCES / "hip_modules.cpp"),
                        "-lamdhip64"], check=True, timeout=300)
        out = self.on_card(self.dir / "modules", "reload", self.dir / "17.co", self.dir / "23.co", "17", "23").stdout
        m = re.fullmatch(r"all values are right, (\d+) of 20 at the same address\n", out)
        self.assertTrue(m and int(m.group(1)) > 0, out)

    def test_repeats(self):
        """Waiting kernels depend on timing: they must come right every time."""
        program = self.compile("--offload-arch=gfx1010", "-O1")
        for _ in range(25):
            self.on_card(program, "scan", "streams", "waits", timeout=120)
            self.on_card(program, "grid", card="rx-5600-xt,gws=1", timeout=120)

    def test_hazards_of_natively_compiled_code(self):
        """The compiler knows the chip: the checker must find nothing on the path that ran."""
        program = self.compile("--offload-arch=gfx1010", "-O3")
        self.assertNotIn("hazard", self.on_card(program, "all", options=["--hazards", "warn"]).stderr)

    def test_code_of_another_chip(self):
        """gfx1030 code on gfx1010 under the override: wrong numbers or a reported hang, and what did it is named."""
        program = self.compile("--offload-arch=gfx1030", "-O3")
        env = self.env
        self.env = dict(env, HSA_OVERRIDE_GFX_VERSION="10.3.0")
        try:
            p = self.on_card(program, "scan", code=None)
        finally:
            self.env = env
        self.assertNotEqual(p.returncode, 0)
        self.assertRegex(p.stderr, r"branch_3f acted \d+ times|s_inst_prefetch can hang gfx1010")


if __name__ == "__main__":
    unittest.main(verbosity=2, defaultTest="Slow" if SLOW else "Fast")
