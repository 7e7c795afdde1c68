#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The listing of disasm against llvm-objdump-19 --symbolize-operands, line by line; descriptors against its
directives and, the way back, against llvm-mc-19.

test_llvm_listing.py ROCM_PATCH CACHE [--all]: without --all the small objects of the tree, compiled kernels, and
librocrand1 of the machine's own suite.
"""
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "isa")]
import debs  # noqa: E402  (the folders are known only now)
import objects  # noqa: E402

DATA = TESTS / "codeobj" / "data"
ALL = "--all" in sys.argv
PROGRAM, CACHE = sys.argv[1:3]
MC = shutil.which("llvm-mc-19")
LINE = re.compile(r"\t(.*?) *// ([0-9A-F]{12}): ([0-9A-F ]+?)( <.*>)?$")
LABEL = re.compile(r"\bL[0-9]+$")
HEAD = re.compile(r"([0-9a-f]{16}) <(.*)>:$")
SMALL = ["gfx1010", "gfx1030", "gfx10-3-generic"]
GENERIC = {"gfx10-3-generic": "gfx1030", "gfx10-1-generic": "gfx1010"}


def ours(path):
    return subprocess.run([PROGRAM, "disasm", str(path)], capture_output=True, text=True, check=True).stdout


def llvm(path, *options):
    return subprocess.run([objects.OBJDUMP, *options, str(path)], capture_output=True, text=True, check=True).stdout


def listing(text, only=None):
    """Instruction lines, and heads without the labels' numbers: LLVM counts labels through the section, disasm in each
    function. So a branch's label is replaced by its address. only: addresses that count."""
    lines, heads, labels, waiting = [], [], {}, []

    def resolve():
        for n in waiting:
            lines[n][1] = LABEL.sub(lambda m: labels[m[0]], lines[n][1])
        waiting.clear()
        labels.clear()

    for line in text.splitlines():
        if line[:1] == "\t":
            m = LINE.match(line)
            if m and (only is None or m[2] in only):
                if m[1].startswith("s_") and LABEL.search(m[1]):
                    waiting.append(len(lines))
                lines.append([m[2], m[1], m[3], m[4]])
            continue
        m = HEAD.match(line)
        if not m or (only is not None and m[1][4:].upper() not in only):
            continue
        if LABEL.fullmatch(m[2]):
            labels[m[2]] = "label-" + m[1]
            heads.append((m[1], "label"))
        else:
            resolve()
            heads.append((m[1], m[2]))
    resolve()
    return lines, heads


@unittest.skipUnless(objects.OBJDUMP, "SKIP: llvm-objdump-19 is not installed")
class Listing(unittest.TestCase):
    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="rp-disasm-"))
        self.addCleanup(shutil.rmtree, self.dir)

    def compare(self, path, target, wave="32"):
        got, got_heads = listing(ours(path))
        want, want_heads = listing(llvm(path, "-d", "-z", "--symbolize-operands", "--mcpu=" + GENERIC.get(target, target),
                                        "--mattr=+wavefrontsize" + wave), {line[0] for line in got})
        self.assertGreater(len(got), 0)
        self.assertEqual(len(got), len(want))
        for a, b in zip(got, want):
            self.assertEqual(a, b)
        self.assertEqual(got_heads, want_heads)
        return len(got)

    def test_small_objects(self):
        for target in SMALL:
            with self.subTest(target):
                self.compare(DATA / ("small-%s.co" % target), target)

    @unittest.skipUnless(shutil.which("clang-19"), "SKIP: clang-19 is not installed")
    def test_compiled_kernels(self):
        for target in ("gfx1010", "gfx1012", "gfx1030"):
            for wave in ("32", "64"):
                with self.subTest(target, wave=wave):
                    path = self.dir / "kernels.co"
                    subprocess.run(["clang-19", "-x", "cl", "-target", "amdgcn-amd-amdhsa", "-mcpu=" + target, "-nogpulib",
                                    "-O2", *(["-mwavefrontsize64"] if wave == "64" else []),
                                    str(Path(__file__).parent / "kernels.cl"), "-o", str(path)], check=True)
                    self.compare(path, target, wave)
                    self.assertIn(".amdhsa_wavefront_size32 %d" % (wave == "32"), ours(path))

    def test_packages(self):
        for word in ["librocrand1/sid", "libggml0-backend-hip/sid"] if ALL else ["librocrand1"]:
            with self.subTest(package=word):
                name, version, path = debs.fetch(self, CACHE, word)
                n_objects = n_lines = 0
                for file in sorted(path.rglob("*")):
                    if file.is_symlink() or not file.is_file() or file.stat().st_size < 1000:
                        continue
                    for target, elf in objects.objects(file):
                        one = self.dir / "object.co"
                        one.write_bytes(elf)
                        n_lines += self.compare(one, target)
                        n_objects += 1
                print("%s %s: %d objects, %d lines, all equal" % (name, version, n_objects, n_lines))
                self.assertGreater(n_objects, 0)


def directives(text, kernel):
    """The directives of one kernel, in order, as {name: number}; comments as "; NAME"."""
    part = text.split(".amdhsa_kernel %s\n" % kernel)[1].split(".end_amdhsa_kernel")[0]
    found = {}
    for line in part.splitlines():
        name, value = line.strip().rsplit(" ", 1)
        found[name] = int(value)
    return found


# Bits of rsrc1, rsrc2, rsrc3, properties and preload that LLVM lets pass on gfx10.
VALID = {48: 0xe4aff03f, 52: 0x7f001fbf, 44: 0xf, 56: 0xc7f}


@unittest.skipUnless(objects.OBJDUMP, "SKIP: llvm-objdump-19 is not installed")
class Descriptors(unittest.TestCase):
    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="rp-disasm-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.path = self.dir / "object.co"

    def objects(self):
        """(target, offset of first.kd, bytes) with random fields."""
        rng = random.Random(10)
        for target in ("gfx1010", "gfx1030"):
            data = bytearray((DATA / ("small-%s.co" % target)).read_bytes())
            at = data.index(struct.pack("<IIIIQ", 0, 0, 12, 0, 0x1280))
            for _ in range(100):
                for word, mask in VALID.items():
                    struct.pack_into("<I", data, at + word, rng.getrandbits(32) & mask)
                for word in (0, 4, 8):
                    struct.pack_into("<I", data, at + word, rng.getrandbits(16))
                yield target, at, bytes(data)

    def test_fields_are_those_of_llvm(self):
        for _, _, data in self.objects():
            self.path.write_bytes(data)
            got, want = directives(ours(self.path), "first"), directives(llvm(self.path, "-D", "-j", ".rodata"), "first")
            self.assertIn(".amdhsa_user_sgpr_count", got)  # LLVM leaves it out
            del got[".amdhsa_user_sgpr_count"]
            self.assertEqual(list(got.items()), list(want.items()))

    @unittest.skipUnless(MC, "SKIP: llvm-mc-19 is not installed")
    def test_assembled_again(self):
        """llvm-mc makes the same 64 bytes of our directives; the entry is the linker's."""
        for n, (target, at, data) in enumerate(self.objects()):
            if n % 10:
                continue
            user_sgprs = data[at + 56] & 0x7f
            count = sum(size for bit, size in enumerate((4, 2, 2, 2, 2, 2, 1)) if user_sgprs >> bit & 1)
            data = bytearray(data)
            word = struct.unpack_from("<I", data, at + 52)[0] & ~0x3e | count << 1
            struct.pack_into("<I", data, at + 52, word)  # a count that the assembler takes
            if data[at + 57] & 4:
                struct.pack_into("<I", data, at + 44, 0)  # wave32 has no shared VGPRs
            else:
                data[at + 48] &= 0x1f  # room for the shared ones
            self.path.write_bytes(data)
            text = ours(self.path)
            source = text.split("\t.amdhsa_code_object_version")[0].split("\n\n")[-1]
            source += "\n.rodata\n.p2align 6\n.amdhsa_kernel first\n" + text.split(".amdhsa_kernel first\n")[1].split(
                ".end_amdhsa_kernel")[0] + ".end_amdhsa_kernel\n"
            # llvm-objdump prints it as 0, the assembler wants what the target id says of xnack
            source = source.replace("\t.amdhsa_reserve_xnack_mask 0\n", "")
            out = self.dir / "assembled.o"
            subprocess.run([MC, "-triple=amdgcn-amd-amdhsa", "-mcpu=" + target, "-filetype=obj", "-o", str(out)],
                           input=source, text=True, check=True)
            self.assertIn(bytes(data[at + 24:at + 64]), out.read_bytes(), source)


@unittest.skipUnless(objects.OBJDUMP, "SKIP: llvm-objdump-19 is not installed")
class Speed(unittest.TestCase):
    def test_rocrand(self):
        if not ALL:
            return  # a measurement: make check-corpus
        folder = debs.fetch(self, CACHE, "librocrand1/sid")[2]
        file = max(folder.rglob("librocrand.so*"), key=lambda p: p.stat().st_size)
        with tempfile.TemporaryDirectory() as tmp:
            seconds = {"ours": 0.0, "llvm": 0.0}
            code = 0
            for n, (target, elf) in enumerate(objects.objects(file)):
                path = Path(tmp, "%d.co" % n)
                path.write_bytes(elf)
                code += len(objects.text_section(elf)[1])
                for who, command in (("ours", [PROGRAM, "disasm", path]),
                                     ("llvm", [objects.OBJDUMP, "-d", "--symbolize-operands", path])):
                    start = time.monotonic()
                    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
                    seconds[who] += time.monotonic() - start
            print("disasm %.1f MB/s, llvm-objdump %.1f MB/s of code" % (code / 1e6 / seconds["ours"], code / 1e6 / seconds["llvm"]))
            self.assertLess(seconds["ours"], seconds["llvm"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
