#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What scan counts in Debian's libraries for gfx1010 is what a prototype counted there before lib/scan existed.

test_golden.py ROCM_PATCH CACHE [--some | --all]: without either only librocrand1 of the machine's own suite
(8 MB); --some: the libraries that are not too large to fetch in CI (0.6 GB); --all: 2 GB.
The prototype took its instructions from llvm-objdump's output and searched each hazard backwards, as LLVM
does; lib/scan decodes itself and solves forwards. So the two share neither code nor method.
Also: the virtual card has semantics for every opcode in them (--opcodes).
"""
import json
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import debs  # noqa: E402  (the folder is known only now)

MODE = sys.argv.pop() if sys.argv[-1].startswith("--") else ""
SOME = ("librocblas4/sid", "libggml0-backend-hip/sid", "librccl1/trixie", "libgloo-rocm-0/sid", "librocfft0/sid")
PROGRAM, CACHE = sys.argv[1:3]

CLASSES = ("illegal-opcode", "flat-offset", "inst-prefetch", "branch-3f", "vmem-to-scalar", "smem-to-vector",
           "vcmpx-exec-war", "lds-branch-vmem", "null-sdst")

# package/suite, version, parts of it, {class: instructions/functions}, hard kernels, affected kernels.
# A part is all files but those of Tensile ("fat"), Tensile's .co ("asm") or .hsaco ("hip").
SMALL = [("librocrand1", "5.3.3-4", "all", "gfx1030", 80, 44519, 297416,
          "0/0 0/0 14/7 1/1 202/50 0/0 205/80 235/42 656/80", 7, 80)]
LARGE = [
    ("librocblas4/sid", "6.4.4-4", "asm", "gfx1030", 4357, 17042965, 95825564,
     "1939360/1708 0/0 0/0 183/183 181318/4357 0/0 0/0 25296/4357 0/0", 1708, 4357),
    ("librocblas4/sid", "6.4.4-4", "hip", "gfx1030", 701, 910466, 5564608,
     "12906/111 5306/219 242/121 25/25 17126/526 23/13 2601/295 11805/526 100810/650", 339, 570),
    ("librocblas4/sid", "6.4.4-4", "fat", "gfx1030", 10593, 6977098, 41549676,
     "12/12 16193/1347 3254/816 157/141 128534/8548 1813/1204 68330/6155 105312/8080 242095/10528", 2017, 9721),
    ("librocsolver0/sid", "6.4.3-2+b1", "all", "gfx10-3-generic", 13815, 19309000, 116563056,
     "0/0 32861/812 18362/2005 1551/894 197339/6582 180/132 174142/8427 183124/4714 305483/12784", 2612, 9398),
    ("librocsparse1/sid", "6.4.3-3", "all", "gfx1030", 18402, 8492512, 50902172,
     "1454/122 471/14 14506/4567 659/619 118759/16206 2259/1323 98468/14685 178503/14760 530208/18275", 4629, 17462),
    ("libmagma2-rocm/sid", "2.9.0+ds-3", "all", "gfx1030", 6104, 11287676, 67708972,
     "0/0 4167/326 5880/1500 197/166 209286/5281 315/309 107166/4982 184008/5417 242127/6082", 1704, 5767),
    ("libmagma-sparse2-rocm/sid", "2.9.0+ds-3", "all", "gfx1030", 763, 119900, 801828,
     "0/0 0/0 646/245 24/22 1557/355 8/4 1504/562 1740/298 6498/708", 245, 622),
    ("libggml0-backend-hip/sid", "0.27.0-1", "all", "gfx1030", 7184, 3798225, 22462168,
     "272980/861 234/46 626/307 102/73 42026/2704 38/33 31989/2939 26488/2422 140815/4192", 1165, 3090),
    ("librccl1/trixie", "5.4.3-3+b1", "all", "gfx1030", 4, 3001200, 16159276,
     "0/0 95415/750 7936/1245 519/210 84693/1485 0/0 72450/1485 22305/1475 22681/742", 4, 4),
    ("libgloo-rocm-0/sid", "0.0~git20250912.d97133a-2+rocm1", "all", "gfx1030", 33, 1387, 8896,
     "0/0 0/0 26/13 0/0 29/29 0/0 49/33 0/0 92/33", 13, 33),
    ("librocfft0/sid", "6.4.3-1+b1", "all", "gfx1030", 0, 84, 768,
     "0/0 0/0 0/0 0/0 0/0 0/0 0/0 0/0 12/12", 0, 0),
]
# The same libraries' gfx1010 code: nothing, but for 14 kernels of rocSPARSE with inline assembly.
CONTROL = {
    ("librocblas4/sid", "asm"): None,
    ("librocblas4/sid", "hip"): ("gfx1010", 974080, {}),
    ("librocblas4/sid", "fat"): ("gfx1010", 7436394, {}),
    ("librocsolver0/sid", "all"): ("gfx10-1-generic", 19362737, {}),
    ("librocsparse1/sid", "all"): ("gfx1010", 8742732, {"lds-branch-vmem": 116, "vmem-to-scalar": 48}),
    ("libmagma2-rocm/sid", "all"): ("gfx1010", 11660169, {}),
    ("libmagma-sparse2-rocm/sid", "all"): ("gfx1010", 117753, {}),
    ("libggml0-backend-hip/sid", "all"): ("gfx1010", 5013543, {}),
    ("librccl1/trixie", "all"): ("gfx1010", 3329316, {}),
    ("libgloo-rocm-0/sid", "all"): ("gfx1010", 1185, {}),
    ("librocfft0/sid", "all"): ("gfx1010", 98, {}),
}
CONTROL_KERNELS = {"librocsparse1/sid": 14}


def files_of(folder, part):
    files = [p for p in sorted(Path(folder).rglob("*")) if p.is_file() and not p.is_symlink()]
    if part == "asm":
        return [p for p in files if p.suffix == ".co"]
    if part == "hip":
        return [p for p in files if p.suffix == ".hsaco"]
    if part == "fat":
        return [p for p in files if p.suffix not in (".co", ".hsaco", ".dat")]
    return [Path(folder)]


class Golden(unittest.TestCase):
    maxDiff = None

    def scan(self, files):
        got = subprocess.run([PROGRAM, "--json", "scan", "--for=gfx1010", "--opcodes"] + [str(f) for f in files],
                             capture_output=True, text=True, check=False)
        self.assertEqual(got.stderr, "")
        self.assertIn(got.returncode, (0, 1))
        return json.loads(got.stdout)

    def target(self, result, name):
        """The sum over all units of one target's numbers."""
        total = {"instructions": 0, "code_bytes": 0, "kernels": 0, "hard": 0, "affected": 0, "functions": 0, "classes": {}}
        for t in (t for u in result["units"] for t in u["targets"] if t["target"].partition(":")[0] == name):
            for key in ("instructions", "code_bytes", "kernels"):
                total[key] += t[key]
            for key in ("hard", "affected"):
                total[key] += t[key]["kernels"]
            total["functions"] += t["affected"]["functions"]
            for c, n in t["classes"].items():
                old = total["classes"].get(c, (0, 0))
                total["classes"][c] = (old[0] + n["instructions"], old[1] + n["functions"])
        return total

    def check(self, row):
        word, version, part, target, kernels, instructions, _, counts, hard, affected = row
        result = self.scan(files_of(debs.fetch(self, CACHE, word, version)[2], part))
        got = self.target(result, target)
        want = dict(zip(CLASSES, counts.split()))
        self.assertEqual({c: "%d/%d" % got["classes"].get(c, (0, 0)) for c in CLASSES}, want)
        self.assertEqual((got["kernels"], got["instructions"], got["hard"], got["affected"]),
                         (kernels, instructions, hard, affected))
        # the virtual card can execute all of it, and every instruction is counted once
        self.assertEqual([(o["target"], x["mnemonic"]) for o in result["opcodes"] for x in o["opcodes"] if not x["semantics"]], [])
        for o in result["opcodes"]:
            self.assertEqual(sum(x["count"] for x in o["opcodes"]) + o["undecodable"], o["instructions"])
            self.assertEqual(o["instructions"], sum(t["instructions"] for u in result["units"] for t in u["targets"]
                                                    if t["target"] == o["target"]))
        control = CONTROL.get((word, part))
        if control:
            native = self.target(result, control[0])
            found = {c: n[0] for c, n in native["classes"].items()}
            self.assertEqual((native["instructions"], found), (control[1], control[2]))
            self.assertEqual(native["functions"], CONTROL_KERNELS.get(word, 0))


def add(row):
    name = "test_%s_%s" % (row[0].partition("/")[0].replace("-", "_"), row[2])
    setattr(Golden, name, lambda self: self.check(row))


for line in LARGE if MODE else SMALL:
    if MODE != "--some" or line[0] in SOME:
        add(line)

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
