#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""verify on the virtual card: right where the code is right, and each planted defect is named for what it is.

test_virtual.py PROGRAM SOURCE_ROOT. Needs Debian's HIP runtime (libamdhip64) and the GPU kernels of the build.
"""
import ctypes.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, ROOT = sys.argv[1:3]
CASE = "copy f32 w1000"


def missing():
    if not ctypes.util.find_library("amdhip64") and not any(
            os.path.exists("/usr/lib/x86_64-linux-gnu/libamdhip64.so." + v) for v in "567"):
        return "libamdhip64 is not installed"
    if not shutil.which("clang-19") or not shutil.which("ld.lld-19"):
        return "no clang-19 and lld-19"
    return None


def run(*args, env=None):
    full = {"PATH": os.environ["PATH"], "HOME": TMP, "LC_ALL": "C"}
    full.update(env or {})
    return subprocess.run([PROGRAM, *args], env=full, capture_output=True, text=True, timeout=240, check=False)


def verify(*args, env=None):
    got = run("--json", "verify", *args, env=env)
    return got.returncode, json.loads(got.stdout)


def planted(name, chip="gfx1010"):
    out = os.path.join(TMP, "%s-%s.co" % (name, chip))
    subprocess.run(["clang-19", "-x", "hip", "--offload-arch=" + chip, "--cuda-device-only", "-nogpuinc", "-nogpulib",
                    "-mcode-object-version=4", "-O2", "--no-gpu-bundle-output", "-D" + name, "-o", out,
                    os.path.join(ROOT, "tests/verify/defects.hip")], check=True)
    return out


class Virtual(unittest.TestCase):
    maxDiff = None

    def one(self, name, *args):
        code, got = verify("--gpu=gfx1010", "--code-object=" + planted(name), "--case=" + CASE, *args)
        self.assertEqual(len(got["results"]), 1)
        self.assertEqual(got["evidence"], "virtual-gpu")
        return code, got["results"][0]

    def test_nothing_planted(self):
        code, r = self.one("NOTHING")
        self.assertEqual((code, r["verdict"], r["wrong"]), (0, "right", 0), r)

    def test_inside_of_run(self):
        # a virtual card is never taken for the machine's own
        got = run("-q", "run", "--gpu=gfx1010", "--", PROGRAM, "--json", "verify", "--case=copy f32 n1 c1 h8 w8 k1 r1 s1")
        self.assertEqual(got.returncode, 0, got.stderr)
        self.assertEqual(json.loads(got.stdout)["evidence"], "virtual-gpu")
        got = run("-q", "run", "--gpu=gfx1010", "--", PROGRAM, "verify", "--gpu=real")
        self.assertEqual(got.returncode, 2)
        self.assertIn("only the virtual card is here", got.stderr)

    @unittest.skipIf(os.path.exists("/dev/kfd"), "SKIP: this machine has a card")
    def test_page(self):
        page = os.path.join(TMP, "page.html")
        code = run("verify", "--gpu=gfx1010", "--code-object=" + planted("ONE"), "--case=" + CASE, "--html=" + page).returncode
        with open(page, encoding="utf-8") as f:
            text = f.read()
        self.assertEqual(code, 1)
        for part in ("On the virtual card, not on silicon", '<span class="wrong">wrong</span>', '<svg class="strip"', CASE):
            self.assertIn(part, text)
        # told before the work, not after it
        got = run("verify", "--gpu=gfx1010", "--case=" + CASE, "--html=/nonexistent/page.html")
        self.assertEqual((got.returncode, got.stdout), (66, ""))
        self.assertEqual(run("fix", "-n", "--gpu=gfx1010", "--html=/nonexistent/page.html").returncode, 66)
        self.assertIn("/nonexistent/page.html: No such file or directory", got.stderr)

    @unittest.skipIf("librocblas" in subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=False).stdout,
                     "SKIP: this machine has a rocBLAS")
    def test_rocblas_is_asked_and_missing(self):
        # with a real one: tests/slow
        code, got = verify("--gpu=gfx1010", "--backend=hip,rocblas", "--case=gemm f32 n8 c8 k8")
        self.assertEqual((code, [(r["backend"], r["verdict"]) for r in got["results"]]), (69, [("hip", "right"), ("rocblas", "unavailable")]))
        got = run("verify", "--gpu=gfx1010", "--backend=rocblas", "--case=" + CASE)
        self.assertEqual(got.returncode, 2)
        self.assertIn("rocBLAS has gemm only", got.stderr)

    def test_no_card_is_no_evidence(self):
        code, got = verify("--case=" + CASE)
        self.assertEqual((code, got["evidence"], got["count"]["unavailable"]), (69, None, 1))
        self.assertIn("Nothing ran on a card", run("verify", "--case=" + CASE).stdout)

    def test_one_wrong_element(self):
        code, r = self.one("ONE")
        self.assertEqual((code, r["verdict"], r["wrong"], r["first_wrong"], r["pattern"]), (1, "wrong", 1, 77, "one element"))

    def test_last_bit_of_a_copy(self):
        code, r = self.one("LAST_BIT")
        self.assertEqual((code, r["verdict"], r["wrong"], r["first_wrong"]), (1, "wrong", 1, 999))

    def test_nan(self):
        code, r = self.one("NAN_RESULT")
        self.assertEqual((code, r["verdict"], r["nan"], r["unwritten"], r["pattern"]),
                         (1, "wrong", 16, 0, "at a regular distance"))

    def test_unwritten(self):
        code, r = self.one("UNWRITTEN")
        self.assertEqual((code, r["verdict"], r["unwritten"], r["pattern"]), (1, "wrong", 500, "all from an index on"))

    def test_beyond(self):
        code, r = self.one("BEYOND")
        self.assertEqual((code, r["verdict"], r["wrong"], r["beyond"]), (1, "wrong", 0, 4))

    def test_hang(self):
        start = time.monotonic()
        code, r = self.one("HANG", "--deadline=3")
        self.assertEqual((code, r["verdict"], r["stage"]), (1, "hung", "kernel"))
        self.assertLess(time.monotonic() - start, 60)

    def test_crashes_are_named(self):
        code, r = self.one("WILD")
        self.assertEqual((code, r["verdict"], r["stage"]), (1, "crashed", "kernel"), r)
        self.assertEqual(r["hsa"], "HSA_STATUS_ERROR_MEMORY_APERTURE_VIOLATION (0x29)")
        code, r = self.one("UNMAPPED")
        self.assertEqual((code, r["verdict"], r["hsa"]), (1, "crashed", "memory access fault"), r)
        code, r = self.one("TRAP")
        self.assertEqual((code, r["verdict"]), (1, "crashed"), r)

    def test_the_story(self):
        """gfx1030 code under the override: wrong on the virtual RX 5600 XT, right on the virtual RX 6800 XT."""
        override = {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}
        cases = ["--case=" + c for c in (CASE, "conv f32 c3 h42 w42 k8 r3 s3 pad1")]
        code, got = verify("--gpu=gfx1010", *cases, env=override)
        self.assertEqual((code, [r["verdict"] for r in got["results"]]), (1, ["wrong", "wrong"]))
        self.assertEqual({r["code_object"] for r in got["results"]}, {"verify-gfx1030.co"})
        self.assertEqual(got["results"][0]["unwritten"], 500)
        crash = "--case=conv-struct f32 n2 c3 h32 w32 k8 r3 s3 pad1"
        code, got = verify("--gpu=gfx1010", crash, env=override)
        self.assertEqual((code, got["results"][0]["verdict"], got["results"][0]["hsa"]),
                         (1, "crashed", "HSA_STATUS_ERROR_MEMORY_APERTURE_VIOLATION (0x29)"))
        self.assertIn("flat_load_dword", got["results"][0]["text"])
        cases.append(crash)
        code, got = verify("--gpu=gfx1010", "--case=batch-norm f32 n2 c2 h9 w9", env=override)
        self.assertEqual((code, got["results"][0]["verdict"]), (1, "hung"))
        self.assertIn("s_inst_prefetch", got["results"][0]["text"])
        code, got = verify("--gpu=gfx1030", *cases)
        self.assertEqual((code, [r["verdict"] for r in got["results"]]), (0, ["right", "right", "right"]))
        code, got = verify("--gpu=gfx1010", *cases)
        self.assertEqual((code, [r["verdict"] for r in got["results"]]), (0, ["right", "right", "right"]))
        self.assertEqual({r["code_object"] for r in got["results"]}, {"verify-gfx1010.co"})

    def test_the_cure(self):
        """The same gfx1030 code object, rewritten by retarget: right on the virtual RX 5600 XT, and no hazard is met."""
        prebuilt = os.path.join(os.path.dirname(PROGRAM), "data/kernels/verify-gfx1030.co")
        out = os.path.join(TMP, "retargeted.co")
        got = run("retarget", "--to=gfx1010", "--output=" + out, prebuilt)
        self.assertEqual(got.returncode, 0, got.stderr)
        cases = ["conv-struct f32 n2 c3 h32 w32 k8 r3 s3 pad1", "conv f32 c3 h42 w42 k8 r3 s3 pad1", CASE,
                 "batch-norm f32 n2 c2 h9 w9", "gemm f16 n33 c40 k20", "conv-data f32 c4 h9 w9 k4 r3 s3 pad1 stride2",
                 "conv-weights f16 c2 h9 w9 k4 r3 s3 pad1"]
        code, got = verify("--gpu=gfx1010", "--code-object=" + out, *["--case=" + c for c in cases])
        self.assertEqual((code, [r["verdict"] for r in got["results"]]), (0, ["right"] * len(cases)), got)
        helper = os.path.join(os.path.dirname(PROGRAM), "rocm-patch-verify-hip")
        for file, hazards in ((out, False), (prebuilt, True)):
            chip = "gfx1010"
            env = {} if not hazards else {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}
            got = run("run", "--gpu=" + chip, "--runtime=stock", "--hazards=warn", "--", helper, "hip", "1", "gemm f32 n33 c40 k20", file,
                      env=env)
            self.assertEqual("hazard " in got.stderr, hazards, got.stderr)

    def test_random_cases(self):
        code, got = verify("--gpu=gfx1012", "--case=" + CASE, "--random=6", "--seed=5")
        self.assertEqual((code, got["count"]["right"], got["seed"]), (0, 7, 5), got)
        again = verify("--gpu=gfx1012", "--case=" + CASE, "--random=6", "--seed=5")[1]
        self.assertEqual([r["case"] for r in got["results"]], [r["case"] for r in again["results"]])

    def test_interrupt_leaves_no_child(self):
        p = subprocess.Popen([PROGRAM, "verify", "--gpu=gfx1010", "--code-object=" + planted("HANG"), "--case=" + CASE],
                             env={"PATH": os.environ["PATH"], "HOME": TMP, "LC_ALL": "C"}, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        mark = os.path.basename(TMP).encode()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not children(mark):
            time.sleep(0.05)
        time.sleep(0.5)
        self.assertTrue(children(mark))
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=30)
        self.assertNotEqual(p.returncode, 0)
        self.assertEqual(children(mark), [])


def children(mark):
    """Helpers of this test that run: their command line names our folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                line = f.read()
        except OSError:
            continue
        if b"rocm-patch-verify-hip" in line.split(b"\0")[0] and mark in line:
            found.append(int(pid))
    return found


class NoCard(unittest.TestCase):
    def test_no_card_is_no_success(self):
        if os.path.exists("/dev/kfd"):
            self.skipTest("SKIP: this machine has a card")
        got = run("verify", "--case=" + CASE)
        self.assertEqual(got.returncode, 69)
        self.assertIn("unavailable", got.stdout)

    def test_wrong_use(self):
        for args, text in ((["--what=conv,x"], "only conv, bn, gemm, copy"), (["--case=conv f32 c0"], "c is 0"),
                           (["--quick", "--full"], "exclude each other"), (["--deadline=0"], "--deadline"),
                           (["--random=100001"], "at most 100000")):
            got = run("verify", *args)
            self.assertEqual(got.returncode, 2, args)
            self.assertIn(text, got.stderr)


if __name__ == "__main__":
    TMP = tempfile.mkdtemp(prefix="rp-verify-")
    reason = missing()
    if reason:
        print("SKIP: " + reason)
        del Virtual
    try:
        unittest.main(argv=sys.argv[:1], verbosity=2)
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
