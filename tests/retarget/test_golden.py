#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What retarget does to the gfx1030 code of Debian's libraries, counted, and checked by the program's own checker.

test_golden.py ROCM_PATCH CACHE [--all]: without --all only librocrand1 of the machine's own suite (8 MB).
Most numbers are those of a prototype that shared neither decoder nor method; docs/retarget.md says which
differ and why. With LLVM 19 at hand the result of librocrand1 is also given to llvm-objdump and llvm-readelf.
"""
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import debs  # noqa: E402  (the folder is known only now)

ALL = "--all" in sys.argv
if ALL:
    sys.argv.remove("--all")
PROGRAM, CACHE = sys.argv[1:3]
MAGIC = b"__CLANG_OFFLOAD_BUNDLE__"

# package/suite, version, part, target, objects, kernels, refused functions, rules
SMALL = [("librocrand1", "5.3.3-4", "all", "gfx1030", 1, 80, 0, {
    "clause": 13, "inst-prefetch": 14, "null-sdst": 656, "vmem-to-scalar": 196, "vcmpx-exec-war": 205,
    "lds-branch-vmem": 235, "pc-constant": 6, "cu-mode": 42})]
LARGE = [
    ("librocsolver0/sid", "6.4.3-2+b1", "all", "gfx10-3-generic", 235, 13815, 0, {
        "flat-to-global": 32861, "wait-all": 154312, "clause": 64017, "inst-prefetch": 18362, "null-sdst": 305483,
        "branch-3f": 1434, "vmem-to-scalar": 170779, "smem-to-vector": 132, "vcmpx-exec-war": 173169,
        "lds-branch-vmem": 212746, "pc-constant": 313, "cu-mode": 2720}),
    ("librocsparse1/sid", "6.4.3-3", "all", "gfx1030", 142, 18402, 0, {
        "flat-add": 471, "clause": 5616, "inst-prefetch": 14506, "null-sdst": 530208, "dot": 1454,
        "branch-3f": 1126, "vmem-to-scalar": 103102, "smem-to-vector": 1472, "vcmpx-exec-war": 98360,
        "lds-branch-vmem": 178503, "pc-constant": 100, "cu-mode": 6873, "more-vgprs": 20}),
    ("libmagma2-rocm/sid", "2.9.0+ds-3", "all", "gfx1030", 436, 6104, 0, {
        "flat-to-global": 4043, "flat-add": 124, "wait-all": 27370, "clause": 1877, "inst-prefetch": 5880,
        "null-sdst": 242127, "branch-3f": 862, "vmem-to-scalar": 172556, "smem-to-vector": 309,
        "vcmpx-exec-war": 105411, "lds-branch-vmem": 186051, "pc-constant": 875, "cu-mode": 2414}),
    ("libmagma-sparse2-rocm/sid", "2.9.0+ds-3", "all", "gfx1030", 205, 763, 0, {
        "clause": 1, "inst-prefetch": 646, "null-sdst": 6498, "branch-3f": 23, "vmem-to-scalar": 1355,
        "smem-to-vector": 4, "vcmpx-exec-war": 1436, "lds-branch-vmem": 1740, "pc-constant": 8, "cu-mode": 96}),
    ("libgloo-rocm-0/sid", "0.0~git20250912.d97133a-2+rocm1", "all", "gfx1030", 2, 33, 0, {
        "inst-prefetch": 26, "null-sdst": 92, "vmem-to-scalar": 29, "vcmpx-exec-war": 18}),
    ("librocblas4/sid", "6.4.4-4", "fat", "gfx1030", 66, 10593, 0, {
        "flat-to-global": 16169, "flat-add": 24, "wait-all": 44837, "clause": 1956, "inst-prefetch": 3254,
        "null-sdst": 242095, "dot": 12, "branch-3f": 234, "vmem-to-scalar": 125155, "smem-to-vector": 1256,
        "vcmpx-exec-war": 68090, "lds-branch-vmem": 106529, "pc-constant": 272, "cu-mode": 5134}),
    ("libggml0-backend-hip/sid", "0.27.0-1", "all", "gfx1030", 140, 7184, 2, {
        "flat-to-global": 126, "flat-add": 108, "wait-all": 6055, "clause": 416, "inst-prefetch": 626,
        "null-sdst": 140656, "dot": 271956, "branch-3f": 80, "far-branch": 2, "vmem-to-scalar": 16970,
        "smem-to-vector": 33, "vcmpx-exec-war": 31974, "lds-branch-vmem": 26455, "pc-constant": 6350,
        "cu-mode": 929, "more-vgprs": 86, "trap": 2}),
    ("librccl1/trixie", "5.4.3-3+b1", "all", "gfx1030", 1, 4, 0, {
        "flat-add": 95415, "clause": 12063, "inst-prefetch": 7936, "null-sdst": 22681, "branch-3f": 474,
        "far-branch": 1, "vmem-to-scalar": 52561, "vcmpx-exec-war": 71769, "lds-branch-vmem": 22305,
        "pc-constant": 3705, "cu-mode": 4}),
    ("librocfft0/sid", "6.4.3-1+b1", "all", "gfx1030", 1, 0, 0, {
        "null-sdst": 12}),
    ("librocblas4/sid", "6.4.4-4", "asm", "gfx1030", 16, 4357, 0, {
        "dot": 1939360, "branch-3f": 154, "vmem-to-scalar": 99059, "lds-branch-vmem": 25296, "pc-constant": 4357,
        "cu-mode": 2372}),
    ("librocblas4/sid", "6.4.4-4", "hip", "gfx1030", 51, 701, 0, {
        "flat-to-global": 5306, "wait-all": 10112, "clause": 31, "inst-prefetch": 242, "null-sdst": 100810,
        "dot": 12906, "branch-3f": 10, "vmem-to-scalar": 17126, "smem-to-vector": 13, "vcmpx-exec-war": 2601,
        "lds-branch-vmem": 17106, "pc-constant": 51, "cu-mode": 131, "more-vgprs": 9}),
]


def objects_of(path, target):
    """Bytes of each code object for target: the file itself, or entries of its bundles."""
    data = path.read_bytes()
    if path.suffix in (".co", ".hsaco"):
        if target in path.name:
            yield data
        return
    at = data.find(MAGIC)
    while at >= 0:
        (n,) = struct.unpack_from("<Q", data, at + 24)
        pos = at + 32
        for _ in range(n if n < 4096 else 0):
            off, size, length = struct.unpack_from("<QQQ", data, pos)
            name = data[pos + 24:pos + 24 + length].decode("latin1")
            pos += 24 + length
            if name.endswith("--" + target) and size:
                yield data[at + off:at + off + size]
        at = data.find(MAGIC, at + 24)


def files_of(folder, part):
    files = [p for p in sorted(Path(folder).rglob("*")) if p.is_file() and not p.is_symlink()]
    if part == "asm":
        return [p for p in files if p.suffix == ".co"]
    if part == "hip":
        return [p for p in files if p.suffix == ".hsaco"]
    return [p for p in files if ".so" in p.name and p.suffix not in (".co", ".hsaco")]


class Golden(unittest.TestCase):
    maxDiff = None

    def retarget(self, tmp, image):
        Path(tmp, "in.co").write_bytes(image)
        got = subprocess.run([PROGRAM, "--json", "retarget", "--trap", "-o", tmp + "/out.co", tmp + "/in.co"],
                             capture_output=True, text=True, check=False)
        self.assertIn(got.returncode, (0, 1), got.stderr)
        return json.loads(got.stdout)

    def judge(self, path):
        objdump, readelf = shutil.which("llvm-objdump-19"), shutil.which("llvm-readelf-19")
        if not objdump or not readelf:
            print("SKIP: no llvm-objdump-19, llvm-readelf-19")
            return
        got = subprocess.run([objdump, "-d", "--mcpu=gfx1010", path], capture_output=True, text=True, check=True)
        self.assertNotIn("<unknown>", got.stdout)
        self.assertNotIn(".long", got.stdout)
        got = subprocess.run([readelf, "-a", path], capture_output=True, text=True, check=True)
        self.assertEqual(got.stderr, "")

    def check(self, row):
        word, version, part, target, n_objects, n_kernels, n_refused, rules = row
        total, objects, kernels, refused = {}, 0, 0, 0
        with tempfile.TemporaryDirectory() as tmp:
            for path in files_of(debs.fetch(self, CACHE, word, version)[2], part):
                for image in objects_of(path, target):
                    got = self.retarget(tmp, image)
                    self.assertEqual(got["objects"], 1)
                    self.assertEqual(got["verified"]["instructions"], got["instructions"])
                    objects += 1
                    kernels += got["kernels"]
                    refused += got["refused"]
                    for name, n in got["rules"].items():
                        total[name] = total.get(name, 0) + n
            if not ALL:
                self.judge(tmp + "/out.co")
        self.assertEqual(total, rules)
        self.assertEqual((objects, kernels, refused), (n_objects, n_kernels, n_refused))


def add(row):
    name = "test_%s_%s" % (row[0].partition("/")[0].replace("-", "_"), row[2])
    setattr(Golden, name, lambda self: self.check(row))


for line in LARGE if ALL else SMALL:
    add(line)

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
