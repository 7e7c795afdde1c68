#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Code objects are found in every container, with their place; damage is one finding and never silence."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

import compose

LIST = sys.argv.pop(1)
BOTH = {"gfx1010": 1, "gfx1030": 1}


class Seen:
    """The output of list-codeobj on some bytes or a path."""

    def __init__(self, what, name="file", options=()):
        with tempfile.TemporaryDirectory() as tmp:
            path = what
            if isinstance(what, bytes):
                path = Path(tmp, name)
                path.write_bytes(what)
            run = subprocess.run([LIST, "-v", *options, path], capture_output=True, text=True, check=False)
        self.status, self.errors = run.returncode, run.stderr
        if run.returncode not in (0, 1):
            raise AssertionError("list-codeobj ended with %d: %s" % (run.returncode, run.stderr))
        rows = [line.split("\t") for line in run.stdout.splitlines()]
        self.objects = [row[1:] for row in rows if row[0] == "object"]
        self.damage = [row[1:] for row in rows if row[0] == "damage"]
        self.targets = {row[1]: int(row[2]) for row in rows if row[0] == "target"}
        self.kernels = {row[1]: (int(row[3]), int(row[4]), int(row[7])) for row in rows if row[0] == "target"}
        self.stats = {k: int(v) for row in rows if row[0] == "stats" for k, v in (x.split("=") for x in row[1:])}


class Containers(unittest.TestCase):
    def found(self, what, targets, **stats):
        seen = what if isinstance(what, Seen) else Seen(what)
        self.assertEqual(seen.damage, [])
        self.assertEqual(seen.targets, targets)
        for name, value in stats.items():
            self.assertEqual(seen.stats[name], value, name)
        return seen

    def test_bare_objects(self):
        for name, target, cov in (("gfx1010", "gfx1010", "cov5"), ("gfx1030", "gfx1030", "cov5"),
                                  ("gfx10-3-generic", "gfx10-3-generic", "cov6"), ("gfx90a", "gfx90a:xnack-", "cov5")):
            seen = self.found(compose.code_object(name), {target: 1}, other=0)
            self.assertEqual(seen.kernels[target], (2, 1, 2))
            self.assertEqual(seen.objects[0][6], cov)

    def test_bundle(self):
        seen = self.found(compose.gfx10_bundle(), BOTH, bundles=1, host=1)
        self.assertEqual([o[4] for o in seen.objects],
                         ["hipv4-amdgcn-amd-amdhsa--gfx1010", "hipv4-amdgcn-amd-amdhsa--gfx1030"])
        self.assertEqual([int(o[2]) for o in seen.objects], [4096, 12288])

    def test_library(self):
        seen = self.found(compose.library([compose.gfx10_bundle()] * 3), {"gfx1010": 3, "gfx1030": 3}, bundles=3)
        self.assertEqual([o[3] for o in seen.objects], ["0", "0", "1", "1", "2", "2"])
        library = compose.library([compose.gfx10_bundle()])
        for row in Seen(library).objects:
            self.assertEqual(library[int(row[2]):int(row[2]) + 4], b"\x7fELF")

    def test_compressed(self):
        raw = compose.gfx10_bundle()
        for version in (1, 2, 3):
            with self.subTest(version=version):
                one = compose.compressed(raw, version)
                self.found(one, BOTH, compressed=1)
                self.found(compose.library([one, raw, one]), {"gfx1010": 3, "gfx1030": 3}, bundles=3, compressed=2)
        # Packed together without padding: version 1 does not tell its length, the data must.
        one = compose.compressed(raw, 1)
        self.found(compose.host_elf([(".hip_fatbin", 1, one + one)]), {"gfx1010": 2, "gfx1030": 2}, compressed=2)

    def test_zstd(self):
        zstd = shutil.which("zstd")
        if not zstd:
            self.skipTest("SKIP: zstd is not installed")
        raw = compose.gfx10_bundle()
        packed = subprocess.run([zstd, "-q", "-c", "-19"], input=raw, capture_output=True, check=True).stdout
        for version in (1, 2, 3):
            one = compose.compressed(raw, version, packed, 1)
            self.found(compose.library([one, one]), {"gfx1010": 2, "gfx1030": 2}, compressed=2)
        bad = bytearray(compose.compressed(raw, 2, packed, 1))
        bad[-20] ^= 0x55
        self.assertEqual(len(Seen(bytes(bad)).damage), 1)

    def test_ar(self):
        for bsd in (False, True):
            long_name = "a-name-that-is-longer-than-fifteen.o"
            archive = compose.ar([("odd", b"x"), (long_name, compose.library([compose.gfx10_bundle()])),
                                  ("k.co", compose.code_object("gfx1030"))], bsd)
            seen = self.found(archive, {"gfx1010": 1, "gfx1030": 2}, archives=1)
            self.assertEqual([o[1] for o in seen.objects], [long_name, long_name, "k.co"])
            self.assertEqual(archive[int(seen.objects[2][2]):][:4], b"\x7fELF")

    def test_wheel(self):
        members = [("pkg/", b""), ("pkg/a.py", b"print()\n"), ("pkg/lib/x.so", compose.library([compose.gfx10_bundle()])),
                   ("pkg/lib/k.hsaco", compose.code_object("gfx1010"))]
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            seen = self.found(compose.wheel(members, method), {"gfx1010": 2, "gfx1030": 1}, archives=1)
            self.assertEqual(seen.objects[0][1], "pkg/lib/x.so")
        nested = compose.wheel([("in.zip", compose.wheel(members)), ("lib.a", compose.ar([("x.so", members[2][1])]))])
        seen = self.found(nested, {"gfx1010": 3, "gfx1030": 2}, archives=3)
        self.assertEqual(seen.objects[0][1], "in.zip/pkg/lib/x.so")

    def test_nothing_to_find(self):
        for data in (b"", b"\x7f", b"text", b"\x89PNG\r\n", compose.host_elf([(".text", 1, b"\xc3")]),
                     b"\x7fELF\x01\x01\x01" + bytes(60), compose.bundle([(compose.HOST, b"")])):
            self.found(data, {})
        # The magic as a string of a tool is no bundle, and debug information only names the section.
        self.found(compose.host_elf([(".rodata", 1, b"x" * 8 + compose.MAGIC + b"\0%s is no bundle CCOB")]), {})
        self.found(compose.host_elf([(".hip_fatbin", 8, 1 << 20)]), {})

    def test_everywhere(self):
        odd = compose.host_elf([(".rodata", 1, bytes(4096 - 64) + compose.gfx10_bundle()),
                                (".data", 1, compose.MAGIC + b"as a string")])
        self.found(odd, {})
        self.found(Seen(odd, options=["-e"]), BOTH)
        self.found(Seen(b"unknown!" + compose.gfx10_bundle(), options=["-e"]), BOTH)

    def test_aliases_bitcode_and_objects(self):
        one = compose.code_object("gfx1030")
        data = bytearray(compose.bundle([(compose.device("gfx1030"), one), (compose.device("gfx1031"), one),
                                         (compose.device("gfx1032"), b"BC\xc0\xde" + bytes(40))]))
        # The second entry gets the place of the first.
        second = 32 + 24 + len(compose.device("gfx1030"))
        data[second:second + 8] = data[32:40]
        self.found(bytes(data), {"gfx1030": 1}, alias=1, bitcode=1)
        relocatable = bytearray(one)
        relocatable[16] = 1
        self.found(bytes(relocatable), {}, relocatable=1)

    def test_section_of_an_object_file(self):
        name = (compose.MAGIC + compose.device("gfx1030")).decode()
        seen = self.found(compose.host_elf([(name, 1, compose.code_object("gfx1030"))]), {"gfx1030": 1})
        self.assertEqual(seen.objects[0][4], "hipv4-amdgcn-amd-amdhsa--gfx1030")


class Folders(unittest.TestCase):
    def test_walk(self):
        with tempfile.TemporaryDirectory() as tmp:
            top = Path(tmp)
            (top / "lib" / "deep").mkdir(parents=True)
            (top / "lib" / "x.so").write_bytes(compose.library([compose.gfx10_bundle()]))
            (top / "lib" / "deep" / "k.co").write_bytes(compose.code_object("gfx1030"))
            (top / "lib" / "text").write_text("nothing", encoding="ascii")
            os.link(top / "lib" / "deep" / "k.co", top / "lib" / "again.co")
            (top / "lib" / "link").symlink_to("x.so")
            (top / "loop").symlink_to("..")
            os.mkfifo(top / "fifo")
            seen = Seen(top)
            self.assertEqual(seen.targets, {"gfx1010": 1, "gfx1030": 2})
            self.assertEqual(seen.damage, [])
            self.assertEqual((seen.stats["files"], seen.stats["links"], seen.stats["same_inode"]), (3, 2, 1))
            self.assertEqual(Seen(top / "lib" / "link").targets, BOTH)

    def test_what_is_not_there(self):
        seen = Seen(Path("/nonexistent/x"))
        self.assertEqual(seen.status, 1)
        self.assertIn("No such file", seen.errors)

    def test_unreadable(self):
        if os.geteuid() == 0:
            self.skipTest("SKIP: root reads every file")
        with tempfile.TemporaryDirectory() as tmp:
            Path(tmp, "a.co").write_bytes(compose.code_object("gfx1030"))
            Path(tmp, "b.co").write_bytes(compose.code_object("gfx1030"))
            Path(tmp, "a.co").chmod(0)
            seen = Seen(Path(tmp))
            self.assertEqual(seen.targets, {"gfx1030": 1})
            self.assertEqual(len(seen.damage), 1)


class Damage(unittest.TestCase):
    def one(self, data, reason, name="file", targets=None):
        seen = Seen(data, name)
        self.assertEqual(len(seen.damage), 1, seen.damage)
        self.assertIn(reason, seen.damage[0][3])
        if targets is not None:
            self.assertEqual(seen.targets, targets)

    def test_truncated(self):
        co, library = compose.code_object("gfx1030"), compose.library([compose.gfx10_bundle()])
        self.one(co[:1000], "truncated")
        self.one(co[:40], "truncated")
        self.one(b"\x7fELF", "truncated")
        self.one(library[:len(library) // 2], "truncated")
        self.one(b"", "neither ELF nor a bundle", "k.co")
        self.one(b"text", "neither ELF nor a bundle", "k.hsaco")
        self.one(compose.gfx10_bundle()[:-100], "truncated", targets={"gfx1010": 1})
        self.one(compose.gfx10_bundle()[:50], "cut")
        self.one(compose.compressed(compose.gfx10_bundle())[:-1], "are there")
        self.one(compose.wheel([("k.co", co)])[:-30], "zip: truncated")
        self.one(compose.ar([("k.co", co)])[:-30], "ar: truncated")

    def test_damaged_neighbour(self):
        good, bad = compose.gfx10_bundle(), compose.gfx10_bundle()
        bad = bad[:24] + b"\xff" * 8 + bad[32:]
        self.one(compose.library([good, bad, good]), "entries", targets={"gfx1010": 2, "gfx1030": 2})
        self.one(compose.library([b"garbage!" * 8, good]), "start no bundle", targets=BOTH)
        bad = bytearray(compose.compressed(good))
        bad[100] ^= 0xff
        self.one(compose.library([bytes(bad), good]), "deflate data", targets=BOTH)
        self.one(compose.bundle([(compose.device("gfx1030"), b"no code"), (compose.device("gfx1010"),
                 compose.code_object("gfx1010"))]), "is no code object", targets={"gfx1010": 1})
        self.one(compose.ar([("bad.so", compose.library([good])[:999]), ("k.co", compose.code_object("gfx1030"))]),
                 "truncated", targets={"gfx1030": 1})

    def test_announced_sizes(self):
        raw = compose.gfx10_bundle()
        for delta, reason in ((-1, "does not end"), (1, "ends after")):
            data = bytearray(compose.compressed(raw))
            data[12:16] = (len(raw) + delta).to_bytes(4, "little")
            self.one(bytes(data), reason)
        data = bytearray(compose.compressed(raw, 3))
        data[16:24] = (1 << 60).to_bytes(8, "little")
        self.one(bytes(data), "the limit")
        self.one(compose.compressed(raw, 2, b"", 7), "method 7")
        data = bytearray(compose.compressed(raw))
        data[4] = 9
        self.one(bytes(data), "version 9")

    def test_bombs(self):
        # 3 GiB of zeros announced and packed: over the limit, so not unpacked at all.
        z = bytearray(compose.wheel([("k.co", b"\x7fELF" + bytes(1 << 20))]))
        at = z.find(b"PK\x01\x02")
        z[at + 24:at + 28] = (3 << 30).to_bytes(4, "little")
        self.one(bytes(z), "the limit")
        nested = compose.code_object("gfx1030")
        for _ in range(9):
            nested = compose.wheel([("x", nested)], zipfile.ZIP_STORED)
        self.one(nested, "containers in containers")


if __name__ == "__main__":
    unittest.main(verbosity=2)
