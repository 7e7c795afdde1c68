#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real ROCm on the virtual card: HIP 5.2.3 of Debian 12; ROCR 6.4.3 as the main job builds it, patched and
unpatched, with recordings compared; rocminfo and HIP 6.4.3 of Debian sid in an unpacked root."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCES = os.path.abspath(sys.argv.pop(1)), pathlib.Path(sys.argv.pop(1)).resolve()
NO_NETWORK = "SKIP: no network, or no Debian mirror configured"
DONE = "all bytes are right"


def need(*tools):
    missing = [t for t in tools if not shutil.which(t)]
    return unittest.skipIf(missing, "SKIP: not installed: " + " ".join(missing))


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="rp-slow-vgpu-"))
        os.chmod(cls.dir, 0o755)
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", str(cls.dir)], check=False)
        cls.env = dict(os.environ, HOME=str(cls.dir), XDG_CACHE_HOME=str(cls.dir / "cache"), LC_ALL="C")
        for name in ["LD_PRELOAD", "HSA_OVERRIDE_GFX_VERSION"]:
            cls.env.pop(name, None)

    def command(self, *args, code=0, env=None, timeout=120):
        p = subprocess.run([PROGRAM, "-q", "--prefix", str(self.dir / "prefix"), *map(str, args)], cwd=self.dir, text=True,
                           env=dict(self.env, **(env or {})), capture_output=True, timeout=timeout, check=False)
        if p.returncode == 75 or "no Debian mirror" in p.stderr:
            self.skipTest(NO_NETWORK)
        if code is not None:
            self.assertEqual(p.returncode, code, (args, p.stdout[-2000:], p.stderr[-3000:]))
        return p

    def on_card(self, *command, card="rx-5600-xt", options=(), **kwargs):
        return self.command("run", "--profile", card, *options, "--", *command, **kwargs)

    @classmethod
    def build(cls, *command):
        subprocess.run([str(c) for c in command], check=True, timeout=300)


@need("hipcc")
class Hip5(Base):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = cls.dir / "hip_copies"
        cls.build("hipcc", "--offload-arch=gfx1010", "-O1", "-o", cls.program, SOURCES / "hip_copies.cpp")

    def test_everything(self):
        for card, env in [("rx-5600-xt", {}), ("rx-5600-xt,kfd=1.11", {}), ("rx-5600-xt,atomics=0", {}),
                          ("rx-5600-xt,exceptions=0", {}), ("rx-5600-xt,large_bar=1", {}), ("rx-5700-xt,gpus=2", {}),
                          ("rx-5600-xt", {"HSA_ENABLE_INTERRUPT": "0"})]:
            out = self.on_card(self.program, card=card, env=env).stdout
            self.assertIn(DONE, out, (card, env))

    def test_device_query(self):
        out = self.on_card(self.program, "quick").stdout
        self.assertIn("devices=1 name=AMD Radeon RX 5600 XT arch=gfx1010:xnack- multiprocessors=18 total=6442450944", out)

    def test_what_kernels_copy_is_not_copied_and_that_is_said(self):
        for part, env in [("unchecked", {"HSA_ENABLE_SDMA": "0"}), ("memset", {})]:
            p = self.on_card(self.program, part, env=env, options=["--execute", "off"])
            self.assertIn("all calls returned", p.stdout)
            self.assertRegex(p.stderr, r"virtual GPU: \d+ kernels were consumed without being executed")

    def test_copies_by_kernels(self):
        """ROCR's own copy kernels, executed: the same bytes as by the copy engines."""
        for card in ("rx-5600-xt", "rx-5700-xt"):
            self.assertIn(DONE, self.on_card(self.program, card=card, env={"HSA_ENABLE_SDMA": "0"}).stdout)

    def test_several_processes(self):
        run = [PROGRAM, "-q", "--prefix", str(self.dir / "none"), "run", "--gpu", "gfx1010", "--log", str(self.dir / "many.log"),
               "--", "sh", "-c", "%s & %s & %s; a=$?; wait; exit $a" % ((self.program,) * 3)]
        p = subprocess.run(run, env=self.env, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual((p.returncode, p.stdout.count(DONE)), (0, 3), p.stderr)
        starts = [line.split()[0] for line in (self.dir / "many.log").read_text().splitlines() if " t0 start " in line]
        self.assertEqual(starts, ["1:hip_copies", "2:hip_copies", "3:hip_copies"])

    def test_200_repeats(self):
        for i in range(200):
            self.assertIn(DONE, self.on_card(self.program, "quick", timeout=60).stdout, i)

    def test_recordings_are_equal(self):
        logs = [self.dir / "a.log", self.dir / "b.log"]
        for log in logs:
            self.on_card(self.program, "quick", options=["--log", log])
        self.assertEqual(self.command("log", "diff", *logs).stdout, "")

    def test_late_loading_and_fork(self):
        """ROCm opened by dlopen in a program that has no device yet; children of fork start anew."""
        code = """
import ctypes, os
def count():
    n = ctypes.c_int()
    return ctypes.CDLL("libamdhip64.so.5").hipGetDeviceCount(ctypes.byref(n)), n.value
pid = os.fork()
if pid == 0:
    os._exit(0 if count() == (0, 1) else 1)
before = os.waitpid(pid, 0)[1]
here = count()
pid = os.fork()
if pid == 0:
    os._exit(0 if open("/dev/kfd", "rb+", 0).fileno() > 2 else 1)
print(before, here, os.waitpid(pid, 0)[1])
"""
        self.assertEqual(self.on_card(sys.executable, "-c", code).stdout, "0 (0, 1) 0\n")

    def test_idle(self):
        out = self.on_card(self.program, "idle").stdout
        print(out.splitlines()[-1])
        self.assertLess(float(re.search(r"idle: ([0-9.]+)", out).group(1)), 1.0)

    def test_abort_leaves_nothing(self):
        self.on_card(self.program, "quick")
        before = sorted(map(str, self.dir.rglob("*")))
        self.on_card("sh", "-c", "%s quick; kill -ABRT $$" % self.program, code=-6)
        self.assertEqual(sorted(map(str, self.dir.rglob("*"))), before)


def have_hsa_header():
    return os.path.exists("/usr/include/hsa/hsa_ext_amd.h")


class Rocr(Base):
    """What the patches R1, R2 and R4 change in what the driver is asked for, and what they leave alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not have_hsa_header():
            raise unittest.SkipTest("SKIP: not installed: libhsa-runtime-dev")
        cls.program = cls.dir / "hsa_calls"
        cls.build("gcc", "-O1", "-Wl,--as-needed", "-o", cls.program, SOURCES / "hsa_calls.c", "-lhsa-runtime64")
        cls.ids = {}
        for name, without in [("patched", []), ("plain", ["--without", "R1", "--without", "R2", "--without", "R4"])]:
            p = subprocess.run([PROGRAM, "--json", "--prefix", str(cls.dir / "prefix"), "--yes", "build", *without], env=cls.env,
                               capture_output=True, text=True, timeout=2000, check=False)
            if p.returncode == 75 or "no Debian mirror" in p.stdout + p.stderr:
                raise unittest.SkipTest(NO_NETWORK)
            if p.returncode == 69:
                raise unittest.SkipTest("SKIP: packages are missing: " + p.stderr.strip())
            assert p.returncode == 0, p.stderr[-3000:]
            cls.ids[name] = json.loads(p.stdout)["plan"]["id"]
        subprocess.run([PROGRAM, "--prefix", str(cls.dir / "prefix"), "activate", cls.ids["patched"]], env=cls.env, check=True)

    def record(self, runtime, card="rx-5600-xt", **env):
        """Output of the program, and its recording."""
        log = self.dir / ("%s-%d.log" % (runtime, len(list(self.dir.glob("*.log")))))
        p = self.on_card(self.program, card=card, options=["--runtime", self.ids[runtime], "--log", log], env=env)
        self.assertIn("all calls returned", p.stdout)
        return p.stdout, log

    def pair(self, card="rx-5600-xt", patched=None, **env):
        """(pools before, pools after, lines that went, lines that came)"""
        before, a = self.record("plain", card, **env)
        after, b = self.record("patched", card, **dict(env, **(patched or {})))
        diff = self.command("log", "diff", a, b, code=None).stdout.splitlines()[2:]
        return before, after, [d[1:] for d in diff if d[0] == "-"], [d[1:] for d in diff if d[0] == "+"]

    LOCK = ("kfd alloc_memory gpu=1 size=8388608 flags=0xd5000004=USERPTR|EXT_COHERENT|COHERENT|NO_SUBSTITUTE|EXECUTABLE|WRITABLE -> mem=#",
            "kfd alloc_memory gpu=1 size=8388608 flags=0xd0000004=USERPTR|NO_SUBSTITUTE|EXECUTABLE|WRITABLE -> mem=#")
    FINE = "kfd alloc_memory gpu=1 size=8388608 flags=0x94000001=VRAM|COHERENT|NO_SUBSTITUTE|WRITABLE -> mem=#"

    def test_e6_memory_lock_and_e7_nothing_else(self):
        # not kfd=1.11: without event ages ROCR 6.4.3 may hang by itself (docs/virtual-gpu.md, "Known hang of ROCR")
        for card in ["rx-5600-xt", "rx-5700-xt", "rx-6600", "rx-5600-xt,kfd=1.14"]:
            before, after, went, came = self.pair(card)
            self.assertEqual(before, after, card)
            self.assertEqual((went, came), ([self.LOCK[0]], [self.LOCK[1]]), card)

    def test_e6_with_svm(self):
        before, after, went, came = self.pair("rx-5600-xt,svm=1")
        self.assertEqual(before, after)
        self.assertEqual(went, ["kfd svm set size=8388608 SET_FLAGS=0x2 SET_FLAGS=0x80"])
        self.assertEqual(came, ["kfd svm set size=8388608 CLR_FLAGS=0x2 CLR_FLAGS=0x80"])

    def test_e5a_fine_grained_pool_over_pcie(self):
        before, after, went, came = self.pair(HSA_FORCE_FINE_GRAIN_PCIE="1")
        self.assertIn("pool card flags=2\n", before)
        self.assertEqual(after, before.replace("pool card flags=2\n", ""))
        self.assertEqual(went[0], self.FINE)
        self.assertEqual((went[-1], came), (self.LOCK[0], [self.LOCK[1]]))
        # only what that one pool's allocation needed
        self.assertEqual([line.split()[1] for line in went[1:-1]], ["map_memory", "unmap_memory", "free_memory"])
        before, after, went, came = self.pair(HSA_FORCE_FINE_GRAIN_PCIE="1", patched={"ROCM_RDNA12_FINE_GRAIN_PCIE": "1"})
        self.assertEqual(before, after)
        self.assertEqual((went, came), ([self.LOCK[0]], [self.LOCK[1]]))

    def test_e7_opt_out_restores_everything(self):
        for card, env in [("rx-5600-xt", {}), ("rx-5600-xt,svm=1", {}), ("rx-5600-xt", {"HSA_FORCE_FINE_GRAIN_PCIE": "1"}), ("rx-6800-xt", {})]:
            before, after, went, came = self.pair(card, patched={"ROCM_RDNA12_COMPAT": "0"}, **env)
            self.assertEqual((before, went, came), (after, [], []), (card, env))

    def test_e7_other_chips_are_left_alone(self):
        before, after, went, came = self.pair(HSA_OVERRIDE_GFX_VERSION="9.0.0")
        self.assertEqual((before, went, came), (after, [], []))
        _, _, went, came = self.pair(HSA_OVERRIDE_GFX_VERSION="10.3.0")
        self.assertEqual((went, came), ([self.LOCK[0]], [self.LOCK[1]]))

    def test_fault_is_reported_by_the_runtime(self):
        for runtime in self.ids:
            p = self.on_card(self.program, "fault", options=["--runtime", self.ids[runtime], "--log", self.dir / "fault.log"], code=-6)
            self.assertIn("Memory access fault by GPU node-1", p.stderr)
            self.assertIn("on address 0x123456789000. Reason: Page not present or supervisor privilege.", p.stderr)
            self.assertIn("fault gpu=1 queue=1 by=sdma_copy access=read address=of no allocation reason=not_mapped",
                          (self.dir / "fault.log").read_text())

    @need("rocminfo")
    def test_rocminfo_with_the_patched_runtime(self):
        out = self.on_card("rocminfo").stdout
        self.assertIn("AMD Radeon RX 5600 XT", out)

    def test_strict_mtype_hits_only_coherent_memory_of_the_card(self):
        # nothing in this program touches such memory: the hypothesis changes nothing
        self.assertIn("all calls returned", self.on_card(self.program, options=["--strict-mtype"]).stdout)


@need("mmdebstrap", "bwrap", "g++")
class Sid(Base):
    """The library built here, in a system with another C library and ROCm 6.4.3, without any right."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = cls.dir / "sid"
        p = subprocess.run([PROGRAM, "root", "create", "sid", str(cls.root), "--packages", "rocminfo,libamdhip64-6,libamdhip64-dev,"
                            "rocm-opencl-icd,clinfo,opencl-c-headers"],
                           env=cls.env, capture_output=True, text=True, timeout=2000, check=False)
        if p.returncode:
            log = p.stderr
            if re.search(r"Temporary failure|Could not resolve|Could not connect|unable to access|apt-get update", log):
                raise unittest.SkipTest(NO_NETWORK)
            raise AssertionError(log[-3000:])
        lib = cls.root / "usr/lib/x86_64-linux-gnu"
        cls.build("g++", "-D__HIP_PLATFORM_AMD__", "-isystem", cls.root / "usr/include", "-O1", "-o", cls.dir / "hip6", SOURCES / "hip_copies.cpp",
                  "-L%s" % lib, "-l:libamdhip64.so.6", "-Wl,--unresolved-symbols=ignore-in-shared-libs", "-pthread")

    def inside(self, *command, card="rx-5600-xt", options=(), **kwargs):
        return self.command("root", "run", "--profile", card, *options, self.root, *command, **kwargs)

    def test_rocminfo(self):
        for card, name in [("rx-5600-xt", "AMD Radeon RX 5600 XT"), ("rx-6800-xt", "AMD Radeon RX 6800 XT"), ("pro-w5500", "AMD Radeon Pro W5500")]:
            self.assertIn(name, self.inside("rocminfo", card=card).stdout)
        log = self.dir / "sid.log"
        self.inside("rocminfo", options=["--log", log])
        self.assertIn("kfd runtime_enable mode=enable", log.read_text())

    def test_hip_6_4_3(self):
        # HIP 6 copies little pieces by kernels unless told otherwise
        for card in ["rx-5600-xt", "rx-6600", "rx-5600-xt,exceptions=0", "rx-5600-xt,kfd=1.14"]:
            self.assertIn(DONE, self.inside("./hip6", card=card, options=(), env={"GPU_FORCE_BLIT_COPY_SIZE": "0"}).stdout, card)

    def test_opencl(self):
        lib = self.root / "usr/lib/x86_64-linux-gnu"
        self.build("gcc", "-I", self.root / "usr/include", "-O1", "-o", self.dir / "opencl", SOURCES / "opencl.c", "-L%s" % lib,
                   "-l:libOpenCL.so.1", "-Wl,--unresolved-symbols=ignore-in-shared-libs")
        for card, chip, name in [("rx-5600-xt", "gfx1010:xnack-", "AMD Radeon RX 5600 XT"), ("rx-6800-xt", "gfx1030", "AMD Radeon RX 6800 XT")]:
            out = self.inside("clinfo", card=card).stdout
            for line in [r"Device Name +" + chip, r"Device Board Name \(AMD\) +" + name, r"Device Available +Yes"]:
                self.assertRegex(out, line)
            # the runtime compiles for what it believes the card to be, and that code runs
            self.assertEqual(self.inside("./opencl", card=card).stdout, chip + ": 0 of 2913 results wrong\n")

    @need("hipcc")
    def test_errors_by_the_runtimes_own_handler(self):
        """ROCR 6.4.3's trap handlers, executed: the one that speaks to the driver, and the one before it."""
        lib = self.root / "usr/lib/x86_64-linux-gnu"
        self.build("hipcc", "--genco", "--offload-arch=gfx1010", "--offload-arch=gfx1030", "-O1", "-DVALUE=1", "-o", self.dir / "errors.co",
                   SOURCES / "hip_modules.cpp")
        self.build("g++", "-D__HIP_PLATFORM_AMD__", "-isystem", self.root / "usr/include", "-O1", "-w", "-o", self.dir / "modules", SOURCES / "hip_modules.cpp",
                   "-L%s" % lib, "-l:libamdhip64.so.6", "-Wl,--unresolved-symbols=ignore-in-shared-libs")
        for card in ["rx-5600-xt", "rx-6800-xt", "rx-5600-xt,exceptions=0", "rx-6800-xt,exceptions=0"]:
            for part, error in [("trap", "HSA_STATUS_ERROR_EXCEPTION"), ("violation", "HSA_STATUS_ERROR_MEMORY_APERTURE_VIOLATION"),
                                ("illegal", "HSA_STATUS_ERROR_ILLEGAL_INSTRUCTION")]:
                log = self.dir / "error.log"
                log.unlink(missing_ok=True)
                p = self.inside("./modules", part, "./errors.co", card=card, options=["--log", log], code=None)
                self.assertIn(error, p.stderr, (card, part))
                self.assertRegex(log.read_text(), r"trap_handler queue=\d+ entered")
                # without exceptions gfx10.3 has no way to tell: no scalar stores
                self.assertEqual("told nobody" in p.stderr, card == "rx-6800-xt,exceptions=0", (card, part, p.stderr))

    def test_exists_already(self):
        self.command("root", "create", "sid", self.root, code=73)


if __name__ == "__main__":
    unittest.main(verbosity=2)
