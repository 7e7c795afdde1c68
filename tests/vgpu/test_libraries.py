#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian sid's rocBLAS and ggml on the virtual card, in an unpacked root, every result compared by value.

Usage: test_libraries.py PROGRAM BLAS_VALUES [--own]; with --own, rocBLAS's own test program instead (1 GB more of disk,
most of its time is reading the list of its tests). ROCM_PATCH_TEST_ROOT names a root that is there already.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM, BLAS_VALUES = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
OWN = "--own" in sys.argv and not sys.argv.remove("--own")
PACKAGES = "librocblas4,libggml0-backend-hip" + (",librocblas4-tests" if OWN else "")
GGML_TESTS = "/usr/libexec/x86_64-linux-gnu/ggml/test-backend-ops"
ROCBLAS_TESTS = "/usr/libexec/rocm/librocblas4-tests/rocblas-test"
ROCBLAS_DATA = "/usr/share/librocblas4-tests/data/rocblas_gtest.data"

# librocblas4 6.4.4-4, code of gfx1030 on gfx1010: counted by these tests
FLAT_OFFSET = ["rocblas_%s_batched" % name for name in ("scopy", "sswap", "saxpy", "srotm", "drotm")]
OVERRIDE_VERSION = "6.4.4-4"
OVERRIDE_BAD = {
    "wrong": ("drotm_batched saxpy_batched scopy_batched sdot sdot_strided_batched srotm_batched sswap_batched zrotg "
              "zrotg_batched zrotg_strided_batched"),
    "crash": ("bfdot bfdot_batched bfdot_strided_batched cdotc cdotc_batched cdotc_strided_batched cdotu cdotu_batched "
              "cdotu_strided_batched cswap_batched dswap_batched zdotc zdotc_batched zdotc_strided_batched zdotu zdotu_batched "
              "zdotu_strided_batched"),
}

# (operations, parameters): all of short ones, some of those that take long
GGML = [
    ("ADD1,ADD_ID,ARGMAX,CONV_2D_DW,COS,CUMSUM,DIAG_MASK_INF,GEGLU,GELU,GROUP_NORM,L2_NORM,MEAN,POOL_2D,REPEAT,RMS_NORM,ROLL,"
     "SCALE,SET,SIGMOID,SILU,SIN,SQRT,SUM,SWIGLU_OAI,TANH,TIMESTEP_EMBEDDING", ""),
    ("ADD", "ne=.10,5,"), ("MUL_MAT", "m=16,n=[19],k=256,bs=.1,1.,nr=.1,1.,per=.0,1,2,3.,k_v=0"), ("SOFT_MAX", "ne=.15,15,1,1.,mask=1"),
    ("ROPE", "ne_a=.128,12,2,1."), ("CONV_2D", "ne_input=.1,1,1,2.,ne_kernel=.[12],2,1,1."), ("CONV_TRANSPOSE_1D", "ne_input=.1,1,1,1."),
    ("FLASH_ATTN_EXT", "hsk=64,hsv=64,nh=4,nr23=.1,1.,kv=113,nb=1,mask=1,sinks=0,max_bias=0.000000"),
]

# of its 100,000s of tests: reductions and vector functions of one length, and triangular solvers whose kernels use scratch
ROCBLAS_FILTER = "*quick*blas1*_1025_*:*/trsm.blas3*quick*f??_c*_L?CN_*"


def plain(text):
    return re.sub("\x1b\\[[0-9;]*m", "", text)


class Root(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        missing = [t for t in ("mmdebstrap", "bwrap") if not shutil.which(t)]
        if missing:
            raise unittest.SkipTest("SKIP: not installed: " + " ".join(missing))
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="rp-libraries-"))
        os.chmod(cls.dir, 0o755)
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", str(cls.dir)], check=False)
        cls.env = dict(os.environ, HOME=str(cls.dir), XDG_CACHE_HOME=str(cls.dir / "cache"), LC_ALL="C")
        for name in ["LD_PRELOAD", "HSA_OVERRIDE_GFX_VERSION"]:
            cls.env.pop(name, None)
        shutil.copy(BLAS_VALUES, cls.dir / "blas_values")
        cls.root = os.environ.get("ROCM_PATCH_TEST_ROOT")
        if not cls.root:
            cls.create()
        out = subprocess.run(["dpkg-query", "--admindir", str(pathlib.Path(cls.root) / "var/lib/dpkg"), "-W", "-f",
                              "${Package} ${Version}\n"], capture_output=True, text=True, check=True).stdout
        cls.version = dict(line.split() for line in out.splitlines())
        print("librocblas4", cls.version["librocblas4"], "libggml0-backend-hip", cls.version["libggml0-backend-hip"])

    @classmethod
    def create(cls):
        free = shutil.disk_usage(cls.dir).free >> 30
        if free < 8:
            raise unittest.SkipTest("SKIP: %d GB free in the folder for temporary files, 8 are needed" % free)
        cls.root = str(cls.dir / "sid")
        p = subprocess.run([PROGRAM, "root", "create", "sid", cls.root, "--packages", PACKAGES], env=cls.env, capture_output=True,
                           text=True, timeout=2400, check=False)
        if p.returncode:
            if re.search(r"Temporary failure|Could not resolve|Could not connect|unable to access|apt-get update|no Debian mirror", p.stderr):
                raise unittest.SkipTest("SKIP: no network, or no Debian mirror configured")
            raise AssertionError(p.stderr[-3000:])

    def inside(self, *command, card="rx-5600-xt", defects=None, env=None, timeout=900):
        options = ["--defects", defects] if defects else []
        return subprocess.run([PROGRAM, "-q", "root", "run", "--profile", card, *options, self.root, *command], cwd=self.dir,
                              env=dict(self.env, **(env or {})), capture_output=True, text=True, timeout=timeout, check=False)


class RocblasTest(Root):
    def test_filter(self):
        p = self.inside(ROCBLAS_TESTS, "--data", ROCBLAS_DATA, "--gtest_filter=" + ROCBLAS_FILTER, timeout=3000)
        self.assertEqual(p.returncode, 0, p.stdout[-3000:] + p.stderr[-2000:])
        self.assertNotIn("[  FAILED  ]", p.stdout)
        print("rocblas-test: %s passed" % re.search(r"\[  PASSED  \] (\d+) tests", p.stdout).group(1))


class Blas(Root):
    def values(self, *args, **kwargs):
        """{function: outcome} of blas_values, its last line checked against them."""
        p = self.inside("./blas_values", *args, **kwargs)
        lines = [line.split() for line in p.stdout.splitlines() if line.startswith("rocblas_")]
        found = {line[0]: line[1] for line in lines}
        count = re.search(r"^functions=(\d+)", p.stdout, re.MULTILINE)
        self.assertTrue(count, p.stdout[-500:] + p.stderr[-2000:])
        self.assertEqual(len(found), int(count.group(1)), p.stdout[-2000:])
        return found, p

    def all_right(self, *args, at_least, **kwargs):
        found, p = self.values(*args, **kwargs)
        self.assertEqual({f: r for f, r in found.items() if r != "right"}, {}, p.stdout[-2000:] + p.stderr[-2000:])
        self.assertGreaterEqual(len(found), at_least)
        print("rocBLAS %s: %d functions, %s values, all right" % (
            " ".join(args), len(found), sum(int(n) for n in re.findall(r"values=(\d+)", p.stdout))))

    def test_level_1(self):
        for card in ("rx-5600-xt", "rx-6800-xt"):
            self.all_right("-l1", at_least=171, card=card)

    def test_level_2(self):
        self.all_right("-l2", at_least=222)

    def test_level_3(self):
        # the forms for single matrices, and one of each batched form: the others share their kernels
        names = ["rocblas_%s" % p for p in ("[hsdcz]gemm", "[sdcz]sy*[!d]", "[cz]he*[!d]", "[sdcz]tr*[!d]", "[sdcz]geam", "[sdcz]dgmm")]
        self.all_right("-l3", "rocblas_gemm_ex:*", "rocblas_sgemm_batched", "rocblas_sgemm_strided_batched", *names, at_least=55)

    def test_override(self):
        """Code of gfx1030 on the virtual gfx1010: what native code and the virtual gfx1030 compute rightly."""
        found, p = self.values("-l1", "-i", "-d", "60", env={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"})
        bad = {name: found[name] for name in found if found[name] != "right"}
        print("rocBLAS level 1 with HSA_OVERRIDE_GFX_VERSION=10.3.0 on gfx1010: %d of %d functions fail: %s" % (
            len(bad), len(found), " ".join("%s=%s" % b for b in sorted(bad.items()))))
        # without the defects the same code is right: it is they, and not the override, that make it wrong
        self.all_right("-l1", at_least=171, defects="none", env={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"})
        flat, p = self.values("-i", *FLAT_OFFSET, defects="none+flat_offset_ignored", env={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"})
        self.assertEqual(flat, {name: "wrong" for name in FLAT_OFFSET}, p.stdout[-2000:])
        for name in FLAT_OFFSET:
            self.assertEqual(found[name], "wrong")
        if self.version["librocblas4"] == OVERRIDE_VERSION:
            self.assertEqual(bad, {"rocblas_" + name: how for how, names in OVERRIDE_BAD.items() for name in names.split()})
        else:
            print("librocblas4 %s: the numbers are of %s" % (self.version["librocblas4"], OVERRIDE_VERSION))

    def test_backend_of_verify(self):
        helper = pathlib.Path(PROGRAM).with_name("rocm-patch-verify-hip")
        shutil.copy(helper, self.dir)
        for case in ("gemm f32 n64 c64 k64", "gemm f16 n100 c37 k65", "gemm f32 n1 c300 k7"):
            p = self.inside("./" + helper.name, "rocblas", "1", case)
            self.assertEqual(p.returncode, 0, p.stdout + p.stderr[-2000:])
            self.assertRegex(p.stdout, r"result n=\d+ wrong=0 nan=0 unwritten=0 beyond=0 .*object=librocblas\n")

    def test_gemm_1024(self):
        p = self.inside("./blas_values", "time", "1024", "2")
        self.assertRegex(p.stdout, r"sgemm n=1024 ms=[0-9.]+ right", p.stderr[-2000:])
        print("rocBLAS " + p.stdout.strip())


class Ggml(Root):
    def operations(self, operations, parameters=None, timeout=900):
        """(right, not supported) of ggml's own comparison with its CPU code; fails if one is wrong."""
        filtered = ["-p", parameters] if parameters else []
        p = self.inside(GGML_TESTS, "test", "-b", "ROCm0", "-o", operations, *filtered, timeout=timeout)
        out = plain(p.stdout)
        self.assertEqual(p.returncode, 0, (operations, out[-2000:], p.stderr[-2000:]))
        self.assertNotIn("FAIL", out, operations)
        right = len(re.findall(r"^  \w+\(.*\): .*OK$", out, re.MULTILINE))
        self.assertGreater(right, 0, (operations, parameters, out[-1000:]))
        return right, out.count("not supported")

    def test_operations(self):
        total = 0
        for operations, parameters in GGML:
            right, unsupported = self.operations(operations, parameters)
            print("ggml %s %s: %d right, %d not supported by the backend" % (operations.split(",")[0], parameters, right, unsupported))
            total += right
        print("ggml: %d cases right" % total)


if __name__ == "__main__":
    unittest.main(verbosity=2, defaultTest=["RocblasTest"] if OWN else ["Blas", "Ggml"])
