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

FETCH = Path(__file__).resolve().parents[2] / "scripts" / "fetch-debs"
ALL = "--all" in sys.argv
if ALL:
    sys.argv.remove("--all")
PROGRAM, CACHE = sys.argv[1:3]
MAGIC = b"__CLANG_OFFLOAD_BUNDLE__"

# package/suite, version, part, target, objects, kernels, refused functions, rules
SMALL = [("librocrand1", "5.3.3-4", "all", "gfx1030", 1, 80, 0, {
    "clause": 13, "inst-prefetch": 14, "null-sdst": 656, "vmem-to-scalar": 196, "vcmpx-exec-war": 205,
    "lds-branch-vmem": 235, "pc-constant": 6, "cu-mode": 42})]
LARGE = []


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

    def fetch(self, word, version):
        got = subprocess.run([FETCH, CACHE, word], capture_output=True, text=True, check=False)
        if got.returncode == 75:
            self.skipTest("SKIP: " + got.stderr.strip())
        self.assertEqual(got.returncode, 0, got.stderr)
        _, found, path = got.stdout.split()
        if found != version:
            self.skipTest("SKIP: %s is %s, the numbers are of %s" % (word, found, version))
        return path

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
            for path in files_of(self.fetch(word, version), part):
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
