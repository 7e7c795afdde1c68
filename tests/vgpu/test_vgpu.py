#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The virtual card under real programs: our own, and Debian's rocminfo."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, PROGRAMS = sys.argv.pop(1), sys.argv.pop(1)


class Vgpu(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="rp-vgpu-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.env = dict(os.environ, HOME=str(cls.dir), XDG_CACHE_HOME=str(cls.dir / "cache"), LC_ALL="C")
        cls.env.pop("LD_PRELOAD", None)

    def run_on(self, options, *command, code=0, env=None, timeout=120):
        p = subprocess.run([PROGRAM, "-q", "--prefix", str(self.dir / "none"), "run", *options, "--", *map(str, command)],
                           env=dict(self.env, **(env or {})), capture_output=True, text=True, timeout=timeout, check=False)
        if code is not None:
            self.assertEqual(p.returncode, code, (command, p.stdout[-2000:], p.stderr[-2000:]))
        return p

    def log_diff(self, a, b, *options):
        return subprocess.run([PROGRAM, "log", "diff", *options, str(a), str(b)], env=self.env, capture_output=True,
                              text=True, check=False)


class Programs(Vgpu):
    def part(self, name, **kwargs):
        return self.run_on(["--gpu", "gfx1010"], PROGRAMS, name, **kwargs)

    def test_the_cache_stays_open_to_builds(self):
        # root's builds run as another user, who must reach what lies beside the card's files
        new = self.dir / "new-cache"
        self.run_on(["--gpu", "gfx1010"], "true", env={"XDG_CACHE_HOME": str(new)})
        self.assertEqual([oct(p.stat().st_mode & 0o777) for p in (new / "rocm-patch", new / "rocm-patch/vgpu")], ["0o755", "0o755"])

    def test_files(self):
        self.part("files")

    def test_descriptors(self):
        self.part("descriptors")

    def test_forks(self):
        self.part("forks")

    def test_rights(self):
        self.part("rights")

    def test_threads(self):
        self.part("threads")

    def test_unknown_calls_are_named_at_the_end(self):
        err = self.part("unknown").stderr
        self.assertIn("KFD call number 0x7f", err)
        self.assertIn("DRM call number 0x44", err)

    def test_abort_leaves_nothing(self):
        temporary = self.dir / "tmp"
        temporary.mkdir()
        before = sorted(os.listdir("/dev/shm"))
        self.part("abort", code=-6, env={"TMPDIR": str(temporary)})
        self.assertEqual(os.listdir(temporary), [])
        self.assertEqual(sorted(os.listdir("/dev/shm")), before)
        self.assertEqual([p for p in self.dir.rglob("*") if p.name.startswith(".rp-tmp-")], [])

    def test_several_processes_in_one_recording(self):
        log = self.dir / "forks.log"
        self.run_on(["--gpu", "gfx1010", "--log", str(log)], PROGRAMS, "forks")
        lines = log.read_text().splitlines()
        self.assertEqual(lines[0], "# rocm-patch driver log 1")
        starts = [line.split()[0] for line in lines if " t0 start " in line]
        self.assertEqual(starts, ["1:vgpu-programs", "2:vgpu-programs", "3:exe"])
        self.assertIn("failed=EBADF", log.read_text())

    def test_recording_on_stderr_and_without_a_place(self):
        err = self.run_on(["--gpu", "gfx1010", "--log", "-"], PROGRAMS, "threads").stderr
        self.assertIn("kfd get_version -> 1.17", err)
        p = self.run_on(["--gpu", "gfx1010", "--log", "/nonexistent/x"], PROGRAMS, "threads", code=73)
        self.assertIn("/nonexistent/x", p.stderr)

    def report(self, *options, program="forks", code=0):
        path = self.dir / "report.json"
        self.run_on(["--gpu", "gfx1010", "--report", str(path), *options], PROGRAMS, program, code=code)
        return json.loads(path.read_text())

    def test_report_of_several_processes(self):
        for _ in range(2):  # a report begins anew
            got = self.report()
            self.assertEqual(got["schema"], 1)
            names = sorted(p["process"].partition(":")[2] for p in got["processes"])
            self.assertEqual(names, ["exe", "vgpu-programs", "vgpu-programs"])
            self.assertEqual(sorted(p["process"].partition(":")[0] for p in got["processes"]), ["1", "2", "3"])
            for p in got["processes"]:
                self.assertEqual((p["chip"], p["kernels"], p["opcodes"]), ("gfx1010", 0, []))
            # one of them ends by _exit, which nobody hears of
            self.assertEqual(sorted(p["complete"] for p in got["processes"]), [False, True, True])
        self.assertEqual([p["complete"] for p in self.report(program="abort", code=-6)["processes"]], [False])

    def test_report_on_stderr_and_without_a_place(self):
        err = self.run_on(["--gpu", "gfx1010", "--report", "-", "--defects=none+branch_3f"], PROGRAMS, "threads").stderr
        lines = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
        self.assertEqual([p["profile"] for p in lines], ["rx-5600-xt"])
        self.assertIn({"defect": "flat_offset_ignored", "on": False}, lines[0]["switched"])
        self.assertNotIn("branch_3f", [s["defect"] for s in lines[0]["switched"]])
        p = self.run_on(["--gpu", "gfx1010", "--report", "/nonexistent/x"], PROGRAMS, "threads", code=73)
        self.assertIn("/nonexistent/x", p.stderr)

    def test_what_the_card_does_wrong_is_told_with_v(self):
        command = [PROGRAM, "-v", "--prefix", str(self.dir / "none"), "run", "--profile", "rx-5600-xt,defects=-branch_3f",
                   "--defects=-hazard_nsa_to_vmem", "--hazards", "warn", "--", "true"]
        p = subprocess.run(command, env=self.env, capture_output=True, text=True, check=True)
        self.assertIn("virtual card rx-5600-xt: gfx1010; timing hazards: warn", p.stderr)
        self.assertRegex(p.stderr, r"\n  flat_offset_ignored +on: FLAT")
        self.assertRegex(p.stderr, r"\n  branch_3f +switched off: ")
        self.assertRegex(p.stderr, r"\n  hazard_nsa_to_vmem +switched off: ")
        command[command.index("--profile") + 1] = "rx-6800-xt,defects=+flat_offset_ignored"
        command.remove("--defects=-hazard_nsa_to_vmem")
        p = subprocess.run(command, env=self.env, capture_output=True, text=True, check=True)
        self.assertRegex(p.stderr, r"\n  flat_offset_ignored +on \(not of this chip\): ")
        self.assertNotIn("branch_3f", p.stderr)

    def test_options(self):
        for options, code, text in [
                (["--gpu", "gfx906"], 66, "gfx1010"), (["--profile", "rx-1"], 66, "rx-6800-xt"),
                (["--log", "x"], 2, "--log needs a virtual card"), (["--strict-mtype"], 2, "needs a virtual card"),
                (["--gpu", "gfx1010", "--execute", "maybe"], 2, "on or off"),
                (["--gpu", "gfx1010", "--hazards", "maybe"], 2, "off, warn or corrupt"), (["--hazards", "warn"], 2, "needs a virtual card"),
                (["--report", "x"], 2, "needs a virtual card"), (["--defects", "none"], 2, "needs a virtual card"),
                (["--gpu", "gfx1010", "--defects=-flat"], 2, '"flat"'), (["--gpu", "gfx1010", "--defects=-nsa_clause"], 2, "no switch"), (["--profile", "rx-6600,kfd=1.2"], 2, "1.11"),
                (["--gpu", "real", "--profile", "rx-6600"], 2, "real"), (["--gpu", "gfx1010", "--profile", "rx-6600"], 2, "gfx1032")]:
            p = self.run_on(options, "true", code=None)
            self.assertIn(text, p.stderr, options)
            self.assertEqual(p.returncode, code, (options, p.stderr))

    def test_other_preloads_and_a_program_without_the_card(self):
        out = self.run_on(["--profile", "rx-6600"], "printenv", "LD_PRELOAD", env={"LD_PRELOAD": "libc.so.6"}).stdout
        self.assertRegex(out, r"librocm-patch-vgpu\.so:libc\.so\.6$")
        self.run_on(["--profile", "rx-6600"], "sh", "-c", "ls / >/dev/null && cat /proc/self/status >/dev/null")

    def test_strict_mtype_is_called_a_hypothesis(self):
        log = self.dir / "strict.log"
        self.run_on(["--gpu", "gfx1010", "--strict-mtype", "--log", str(log)], PROGRAMS, "threads")
        self.assertIn("strict_mtype=hypothesis", log.read_text())


@unittest.skipUnless(shutil.which("rocminfo"), "SKIP: rocminfo is not installed")
class Rocminfo(Vgpu):
    def test_cards(self):
        for profile, name, chip, cus, mib in [
                ("rx-5500-xt", "AMD Radeon RX 5500 XT", "gfx1012", 22, 8192), ("pro-w5500", "AMD Radeon Pro W5500", "gfx1012", 22, 8192),
                ("rx-5600-xt", "AMD Radeon RX 5600 XT", "gfx1010", 36, 6144), ("rx-5700-xt", "AMD Radeon RX 5700 XT", "gfx1010", 40, 8192),
                ("rx-6600", "AMD Radeon RX 6600", "gfx1032", 28, 8192), ("rx-6700-xt", "AMD Radeon RX 6700 XT", "gfx1031", 40, 12288),
                ("rx-6800-xt", "AMD Radeon RX 6800 XT", "gfx1030", 72, 16384)]:
            out = self.run_on(["--profile", profile], "rocminfo").stdout
            self.assertIn("ROCk module is loaded", out)
            agent = out.split("Agent 2")[1]
            self.assertRegex(agent, r"Name: +%s\s" % chip)
            self.assertRegex(agent, r"Marketing Name: +%s\s" % re.escape(name))
            self.assertRegex(agent, r"Compute Unit: +%d\s" % cus)
            self.assertIn("%d(0x%x) KB" % (mib * 1024, mib * 1024), agent)

    def test_machines(self):
        self.assertIn("Agent 4", self.run_on(["--profile", "rx-6800-xt,gpus=3"], "rocminfo").stdout)
        for change in ["kfd=1.11", "kfd=1.14,svm=1", "atomics=0", "exceptions=0", "large_bar=1"]:
            self.assertIn("*** Done ***", self.run_on(["--profile", "rx-5600-xt," + change], "rocminfo").stdout)

    def test_recordings_are_equal(self):
        logs = [self.dir / ("rocminfo-%d.log" % i) for i in range(2)]
        for log in logs:
            self.run_on(["--gpu", "gfx1010", "--log", str(log)], "rocminfo")
        fixed = [[line for line in log.read_text().splitlines() if line[0] != "~"] for log in logs]
        self.assertEqual(*fixed)
        self.assertEqual(self.log_diff(*logs).returncode, 0)
        # no address of the program in it
        self.assertNotRegex(logs[0].read_text(), r"0x[0-9a-f]{9,}")

    def test_log_diff(self):
        logs = [self.dir / "one.log", self.dir / "two.log"]
        for log, gpus in zip(logs, "12"):
            self.run_on(["--profile", "rx-5600-xt,gpus=" + gpus, "--log", str(log)], "rocminfo")
        p = self.log_diff(*logs)
        self.assertEqual(p.returncode, 1)
        self.assertEqual(p.stdout.splitlines()[:2], ["--- %s" % logs[0], "+++ %s" % logs[1]])
        self.assertIn("\n+kfd acquire_vm gpu=2\n", p.stdout)
        self.assertNotIn("\n-kfd alloc_memory", p.stdout)
        p = subprocess.run([PROGRAM, "--json", "log", "diff", *map(str, logs)], env=self.env, capture_output=True, text=True, check=False)
        doc = json.loads(p.stdout)
        self.assertEqual((p.returncode, doc["same"]), (1, False))
        self.assertEqual(doc["added"], sum(line.startswith("+") for line in doc["lines"]))
        self.assertEqual(self.log_diff(logs[0], __file__).returncode, 65)
        self.assertEqual(self.log_diff(logs[0], self.dir / "no").returncode, 66)


if __name__ == "__main__":
    unittest.main(verbosity=2)
