#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rocBLAS's sgemm 1024^3 on the virtual gfx1010, on one processor and on two: bench_rocblas.py PROGRAM BLAS_VALUES.

Needs a root with librocblas4 (rocm-patch root create sid DIR --packages librocblas4) in ROCM_PATCH_TEST_ROOT.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.environ.get("ROCM_PATCH_TEST_ROOT")


def best(processors, n=1024, repeats=5):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(sys.argv[2], os.path.join(folder, "blas_values"))
        p = subprocess.run([os.path.abspath(sys.argv[1]), "-q", "root", "run", "--profile", "rx-5600-xt", ROOT, "./blas_values", "time",
                            str(n), str(repeats)], cwd=folder, capture_output=True, text=True, check=False,
                           preexec_fn=lambda: os.sched_setaffinity(0, processors))
    found = re.search(r"ms=([0-9.]+) right", p.stdout)
    if not found:
        sys.exit("bench_rocblas: " + p.stdout + p.stderr)
    return float(found.group(1))


def main():
    if not ROOT:
        print("SKIP: ROCM_PATCH_TEST_ROOT names no root with librocblas4")
        return
    processors = sorted(os.sched_getaffinity(0))[:2]
    one = best(processors[:1])
    two = best(processors)
    print("rocBLAS sgemm 1024^3: %.2f s on one processor, %.2f s on %d (%.2fx); %.2f G multiply-adds/s each"
          % (one / 1e3, two / 1e3, len(processors), one / two, 1024 ** 3 / one / 1e6))


main()
