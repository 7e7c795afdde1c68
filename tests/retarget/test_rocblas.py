#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian sid's rocBLAS with nothing but rewritten code: its own gfx1010 code is made unknown and its Tensile files
for gfx1010 are left out, apply makes new ones of gfx1030's, and every result is compared by value on the virtual
gfx1010, where a timing hazard that is not guarded makes a register wrong.

test_rocblas.py PROGRAM BLAS_VALUES [--all]. ROCM_PATCH_TEST_ROOT names a root of sid with librocblas4 that is there already.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ALL = "--all" in sys.argv and not sys.argv.remove("--all")
PROGRAM, BLAS_VALUES = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
OWN, UNKNOWN = b"hipv4-amdgcn-amd-amdhsa--gfx1010", b"hipv4-amdgcn-amd-amdhsa--gfx1019"
RUN = """#!/bin/sh
export LD_LIBRARY_PATH=$PWD/lib ROCBLAS_TENSILE_LIBPATH=$PWD/lib/rocblas/library
exec ./blas_values "$@"
"""
LEVEL_3 = ["rocblas_gemm_ex:*", "rocblas_sgemm_batched", "rocblas_sgemm_strided_batched", "rocblas_[hsdcz]gemm",
           "rocblas_[sdcz]sy*[!d]", "rocblas_[cz]he*[!d]", "rocblas_[sdcz]tr*[!d]"]


class RocBlas(unittest.TestCase):
    def setUp(self):
        missing = [t for t in ("mmdebstrap", "bwrap") if not shutil.which(t)]
        if missing:
            self.skipTest("SKIP: not installed: " + " ".join(missing))
        self.dir = Path(tempfile.mkdtemp(prefix="rp-rocblas-"))
        self.dir.chmod(0o755)
        self.addCleanup(subprocess.run, ["rm", "-rf", str(self.dir)], check=False)
        free = shutil.disk_usage(self.dir).free >> 30
        if free < 8:
            self.skipTest("SKIP: %d GB free in the folder for temporary files, 8 are needed" % free)
        self.env = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "HSA_OVERRIDE_GFX_VERSION")}
        self.env.update(HOME=str(self.dir), XDG_CACHE_HOME=str(self.dir / "cache"), LC_ALL="C")
        self.root = os.environ.get("ROCM_PATCH_TEST_ROOT") or self.create()

    def create(self):
        root = str(self.dir / "sid")
        p = subprocess.run([PROGRAM, "root", "create", "sid", root, "--packages", "librocblas4"], env=self.env, capture_output=True,
                           text=True, timeout=2400, check=False)
        if p.returncode:
            if re.search(r"Temporary failure|Could not resolve|Could not connect|unable to access|apt-get update|no Debian mirror", p.stderr):
                self.skipTest("SKIP: no network, or no Debian mirror configured")
            self.fail(p.stderr[-3000:])
        return root

    def copy_library(self):
        """The library without what Debian compiled for gfx1010."""
        source = Path(self.root) / "usr/lib/x86_64-linux-gnu"
        library = next(source.glob("librocblas.so.*.*"))
        to = self.dir / "lib/rocblas/library"
        to.mkdir(parents=True)
        data = bytearray(library.read_bytes())
        count, at = 0, data.find(OWN)
        while at >= 0:
            data[at:at + len(OWN)] = UNKNOWN
            count, at = count + 1, data.find(OWN, at)
        self.assertGreater(count, 0)
        (self.dir / "lib" / library.name).write_bytes(data)
        (self.dir / "lib/librocblas.so.4").symlink_to(library.name)
        for path in next(source.glob("rocblas/*/library")).iterdir():
            if "gfx1030" in path.name or path.name.endswith("fallback.dat"):
                shutil.copy(path, to)
        shutil.copy(BLAS_VALUES, self.dir / "blas_values")
        (self.dir / "run").write_text(RUN)
        (self.dir / "run").chmod(0o755)

    def values(self, *args):
        p = subprocess.run([PROGRAM, "-q", "root", "run", "--profile", "rx-5600-xt", "--hazards=corrupt", self.root, "./run", *args],
                           cwd=self.dir, env=self.env, capture_output=True, text=True, timeout=2400, check=False)
        found = dict(line.split()[:2] for line in p.stdout.splitlines() if line.startswith("rocblas_"))
        return found, p.stdout[-2000:] + p.stderr[-2000:]

    def test_only_rewritten_code(self):
        self.copy_library()
        found, text = self.values("rocblas_sscal")
        self.assertNotEqual(found.get("rocblas_sscal"), "right", "there is code for the card already: " + text)
        got = subprocess.run([PROGRAM, "--json", "apply", "-y", str(self.dir / "lib")], env=self.env, capture_output=True, text=True,
                             timeout=1200, check=False)
        self.assertEqual(got.returncode, 0, got.stderr)
        doc = json.loads(got.stdout)
        print("apply: %d files, %d kernels, %d left out" % (doc["written"], doc["kernels"], doc["left_out"]))
        for least, args in ((171, ["-l1"]), (222, ["-l2"]), (47, ["-l3", *LEVEL_3])) if ALL else ((171, ["-l1"]), (5, ["rocblas_[hsdcz]gemm"])):
            found, text = self.values(*args)
            self.assertEqual({f: r for f, r in found.items() if r != "right"}, {}, text)
            self.assertGreaterEqual(len(found), least, text)
            print("rocBLAS %s: %d functions, all right" % (args[0], len(found)))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
