#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The verb retarget as a user meets it. test_retarget.py PROGRAM SOURCE_ROOT

Where LLVM 19's tools are, they are the judges: llvm-objdump must decode everything for the card,
llvm-readelf must have nothing to say, and clang assembles what is too large to be committed.
"""
import ctypes
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

PROGRAM, ROOT = sys.argv[1:3]
CASES = os.path.join(ROOT, "tests/retarget/data/cases-gfx1030.co")
DEFECTS = os.path.join(ROOT, "tests/scan/data/defects-gfx1030.co")
NATIVE = os.path.join(ROOT, "tests/codeobj/data/small-gfx1010.co")
OTHER = os.path.join(ROOT, "tests/codeobj/data/small-gfx90a.co")

HEAD = """
	.amdgcn_target "amdgcn-amd-amdhsa--%s"
	.text
	.globl k
	.p2align 8
	.type k,@function
k:
"""
TAIL = """
	s_endpgm
.Lend:
	.size k, .Lend-k
	.rodata
	.amdhsa_kernel k
		.amdhsa_next_free_vgpr %d
		.amdhsa_next_free_sgpr 40
	.end_amdhsa_kernel
"""


def run(*args):
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C"}
    return subprocess.run([PROGRAM, *args], env=env, capture_output=True, text=True, timeout=120, check=False)


def tool(name):
    path = shutil.which(name + "-19") or shutil.which(name)
    if not path:
        raise unittest.SkipTest("SKIP: no " + name)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Verb(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.tmp)

    def path(self, name):
        return os.path.join(self.tmp, name)

    def retarget(self, source, *args, code=0):
        before = read(source)
        got = run("--json", "retarget", "-o", self.path("out.co"), *args, source)
        self.assertEqual(got.returncode, code, got.stderr)
        self.assertEqual(read(source), before)
        left = [n for n in os.listdir(self.tmp) if n.startswith(".rp-tmp")]
        self.assertEqual(left, [])
        return json.loads(got.stdout)

    def assemble(self, body, vgprs=8, chip="gfx1030"):
        clang = tool("clang")
        with open(self.path("in.s"), "w", encoding="ascii") as f:
            f.write(HEAD % chip + body + TAIL % vgprs)
        subprocess.run([clang, "-target", "amdgcn-amd-amdhsa", "-mcpu=" + chip, "-o", self.path("in.co"),
                        self.path("in.s")], check=True)
        return self.path("in.co")

    def listing(self, path, chip="gfx1010"):
        got = subprocess.run([tool("llvm-objdump"), "-d", "--no-show-raw-insn", "--mcpu=" + chip, path],
                             capture_output=True, text=True, check=True)
        self.assertNotIn("<unknown>", got.stdout)
        self.assertNotIn(".long", got.stdout)
        return [line.partition("//")[0].strip() for line in got.stdout.splitlines() if line.startswith("\t")]

    def test_scan_finds_nothing(self):
        for source in (CASES, DEFECTS):
            self.retarget(source)
            got = run("--json", "scan", "--for=gfx1010", self.path("out.co"))
            unit = json.loads(got.stdout)["units"][0]
            self.assertEqual((got.returncode, unit["verdict"], unit["targets"][0]["classes"]), (0, "native-clean", {}))

    def test_llvm_reads_it(self):
        readelf = tool("llvm-readelf")
        for chip in ("gfx1010", "gfx1011", "gfx1012"):
            self.retarget(CASES, "--to=" + chip)
            self.listing(self.path("out.co"), chip)
            got = subprocess.run([readelf, "-a", self.path("out.co")], capture_output=True, text=True, check=True)
            self.assertEqual(got.stderr, "")
            self.assertIn("'amdgcn-amd-amdhsa--%s:xnack-'" % chip, got.stdout)

    def test_dots_stay_where_the_card_has_them(self):
        self.assertEqual(self.retarget(CASES)["rules"]["dot"], 15)
        self.assertNotIn("dot", self.retarget(CASES, "--to=gfx1012")["rules"])

    def test_twice(self):
        self.retarget(CASES)
        first = read(self.path("out.co"))
        shutil.copy(self.path("out.co"), self.path("again.co"))
        got = self.retarget(self.path("again.co"))
        self.assertEqual(read(self.path("out.co")), first)
        self.assertEqual((got["objects"], got["native"]), (0, 1))

    def test_native_is_left_alone(self):
        self.retarget(NATIVE)
        self.assertEqual(read(self.path("out.co")), read(NATIVE))

    def test_refusal(self):
        source = self.assemble("\tv_dot8_i32_i4 v0, v1, v2, v3\n\tv_fma_legacy_f32 v0, v1, v2, v3\n")
        got = self.retarget(source, code=1)
        self.assertFalse(os.path.exists(self.path("out.co")))
        self.assertEqual((got["refused"], got["written"]), (1, False))
        self.assertIn("v_dot8_i32_i4", got["notes"][0]["reason"])

    def test_trap(self):
        source = self.assemble("\tv_fma_legacy_f32 v0, v1, v2, v3\n")
        got = self.retarget(source, "--trap", code=1)
        self.assertTrue(got["written"])
        self.assertEqual(self.listing(self.path("out.co"))[:2], ["s_trap 2", "s_endpgm"])

    def test_no_free_vgpr(self):
        every = "".join("\tv_mov_b32_e32 v%d, 0\n" % v for v in range(256))
        got = self.retarget(self.assemble(every + "\tv_dot4c_i32_i8_e32 v0, v1, v2\n", 256), code=1)
        self.assertIn("VGPR", got["notes"][0]["reason"])

    def test_work_group_without_room(self):
        # no metadata: 1024 threads must fit, and do so with 128 VGPRs in wave32 (WGP mode), not with more
        most = "\tv_mov_b32_e32 v127, 0\n" + "".join("\tv_mov_b32_e32 v%d, 0\n" % v for v in range(128))
        got = self.retarget(self.assemble(most + "\tv_dot4c_i32_i8_e32 v0, v1, v2\n", 128), code=1)
        self.assertIn("no room", got["notes"][0]["reason"])

    def test_cu_mode(self):
        source = self.assemble("\tds_read_b128 v[0:3], v4\n", 64)
        self.assertEqual(self.retarget(source)["rules"].get("cu-mode"), 1)
        self.assertNotIn("cu-mode", self.retarget(source, "--cu-mode=off")["rules"])
        large = self.assemble("\tds_read_b128 v[0:3], v4\n", 72)
        got = self.retarget(large)
        self.assertNotIn("cu-mode", got["rules"])
        self.assertEqual([n["refused"] for n in got["notes"]], [False])
        self.retarget(large, "--cu-mode=on", code=1)
        misaligned = self.assemble("\tds_read_b128 v[0:3], v4 offset:8\n", 72)
        self.retarget(misaligned, code=1)

    def test_far_branch(self):
        body = "\ts_cbranch_vccz .Lfar\n" + "\tv_dot4c_i32_i8_e32 v0, v1, v2\n" * 3000 + ".Lfar:\n\ts_mov_b32 s2, 0\n"
        got = self.retarget(self.assemble(body))
        self.assertEqual(got["rules"]["far-branch"], 1)
        lines = self.listing(self.path("out.co"))
        self.assertEqual(lines[:2], ["s_cbranch_vccnz 6", "s_waitcnt_depctr 0xffe3"])
        self.assertTrue(lines[2].startswith("s_getpc_b64"))
        # where SCC is still needed a long branch would destroy it
        got = self.retarget(self.assemble(body + "\ts_cselect_b32 s3, s2, s1\n"), code=1)
        self.assertIn("SCC", got["notes"][0]["reason"])

    def test_wave64(self):
        body = "\tv_add_co_u32 v0, null, v1, v2\n\tv_add_co_ci_u32_e64 v1, null, v1, v2, vcc\n"
        tail = "\t\t.amdhsa_wavefront_size32 0\n\t.end_amdhsa_kernel"
        clang = tool("clang")
        with open(self.path("in.s"), "w", encoding="ascii") as f:
            f.write((HEAD % "gfx1030" + body + TAIL % 4).replace("\t.end_amdhsa_kernel", tail))
        subprocess.run([clang, "-target", "amdgcn-amd-amdhsa", "-mcpu=gfx1030", "-mwavefrontsize64", "-o",
                        self.path("in.co"), self.path("in.s")], check=True)
        self.assertEqual(self.retarget(self.path("in.co"))["rules"]["null-sdst"], 2)

    def test_unknown_pc_arithmetic(self):
        got = self.retarget(self.assemble("\ts_getpc_b64 s[4:5]\n\ts_mov_b32 s6, s4\n"), code=1)
        self.assertIn("program counter", got["notes"][0]["reason"])

    def test_generic_source(self):
        source = self.assemble("\tv_add_co_u32 v0, null, v1, v2\n", chip="gfx10-3-generic")
        self.assertEqual(self.retarget(source)["from"], "gfx10-3-generic")
        got = subprocess.run([tool("llvm-readelf"), "-h", self.path("out.co")], capture_output=True, text=True, check=True)
        self.assertRegex(got.stdout, r"Flags: +0x233, gfx1010, xnack-")

    def test_diff(self):
        """Both columns are llvm-objdump's listings, all of them with -v; without, what differs and two lines around it."""
        self.retarget(CASES)
        want = [self.listing(CASES, "gfx1030"), self.listing(self.path("out.co"))]
        got = run("retarget", "--diff", "-v", CASES)
        self.assertEqual(got.returncode, 0)
        old, new, changed, names = [], [], 0, []
        for line in got.stdout.splitlines():
            m = re.fullmatch(r"  (.{6})  (.{52}) ([ |])(?: (.{6})  (.+))?", line) or re.fullmatch(r"  (.{6})  (.{53,}?) ([ |])(?: (.{6})  (.+))?", line)
            if m and (m.group(1).strip() or m.group(5)):
                old += [m.group(2).strip()] if m.group(1).strip() else []
                new += [m.group(5)] if m.group(5) else []
                changed += m.group(3) == "|"
            elif re.match(r"(kernel|function) ", line):
                names.append(line.split()[1])
        self.assertEqual(len(names), 10)
        pad = ("s_code_end", "s_nop 0")  # between functions, too
        self.assertEqual([x for x in old if x not in pad], [x for x in want[0] if x not in pad])
        self.assertEqual([x for x in new if x not in pad], [x for x in want[1] if x not in pad])
        self.assertLess(len(run("retarget", "--diff", CASES).stdout), len(got.stdout))
        doc = json.loads(run("--json", "retarget", "--diff", CASES).stdout)
        self.assertEqual((doc["written"], doc["output"]), (False, None))
        self.assertEqual(sum(len(f["lines"]) for f in doc["diff"]), changed)
        first = doc["diff"][0]
        self.assertEqual((first["name"], first["kind"], first["lines"][0]), ("flat_global", "kernel", {
            "old_offset": 0, "old": "flat_load_dword v4, v[4:5] offset:4", "new_offset": 0,
            "new": "global_load_dword v4, v[4:5], off offset:4"}))
        self.assertTrue(json.loads(run("--json", "retarget", "--diff", "-o", self.path("two.co"), CASES).stdout)["written"])
        self.assertEqual(read(self.path("two.co")), read(self.path("out.co")))

    def test_diff_of_a_library(self):
        doc = json.loads(run("--json", "retarget", "--diff", "-j2", self.library()).stdout)
        self.assertEqual({f["name"] for f in doc["diff"]} & {"flat_global", "bad"}, {"flat_global", "bad"})

    STAYS = ("\tflat_load_dword v4, v[4:5] offset:4\n\ts_inst_prefetch 0x1\n\ts_waitcnt vmcnt(0) lgkmcnt(0)\n"
             "\tv_add_co_u32 v0, null, v1, v2\n")

    def test_in_place(self):
        source = self.assemble(self.STAYS)
        shutil.copy(source, self.path("stays.co"))
        bundle = self.bundle([self.HOST, (self.AMD + "gfx1030", read(source)), (self.AMD + "gfx90a:xnack-", read(OTHER))])
        with open(self.path("stays.hipfb"), "wb") as f:
            f.write(bundle)
        os.chmod(self.path("stays.hipfb"), 0o604)
        for name in ("stays.co", "stays.hipfb"):
            with self.subTest(name):
                before = read(self.path(name))
                self.assertEqual(json.loads(run("--json", "retarget", "--in-place", "-n", self.path(name)).stdout)["written"], False)
                self.assertEqual(read(self.path(name)), before)
                got = run("--json", "retarget", "--in-place", self.path(name))
                self.assertEqual((got.returncode, json.loads(got.stdout)["written"]), (0, True), got.stderr)
                new = read(self.path(name))
                self.assertEqual(len(new), len(before))
                self.assertNotEqual(new, before)
                self.assertEqual(self.scanned(self.path(name))["verdict"], "native-clean")
                got = run("--json", "retarget", "--in-place", self.path(name))  # nothing to do any more
                self.assertEqual((got.returncode, json.loads(got.stdout)["written"]), (0, False), got.stderr)
                self.assertEqual(run("undo", "-n", self.path(name)).returncode, 0)
                self.assertEqual(read(self.path(name)), new)
                got = run("--json", "undo", self.path(name))
                self.assertEqual((got.returncode, json.loads(got.stdout)["undone"]), (0, True), got.stderr)
                self.assertEqual(read(self.path(name)), before)
                self.assertEqual(run("undo", self.path(name)).returncode, 66)
        self.assertEqual(os.stat(self.path("stays.hipfb")).st_mode & 0o777, 0o604)
        self.assertFalse([n for n in os.listdir(self.tmp) if n.endswith("-undo")])
        self.retarget(source, "--in-place")
        self.assertEqual(self.listing(self.path("out.co"))[:5], [
            "global_load_dword v4, v[4:5], off offset:4", "s_nop 0", "s_waitcnt vmcnt(0) lgkmcnt(0)",
            "v_add_co_u32 v0, s0, v1, v2", "s_endpgm"])

    def test_in_place_of_a_library(self):
        """Same size, at the same place; what a program finds there is the code for the card."""
        source = self.assemble(self.STAYS)
        self.assertEqual(run("retarget", "--in-place", "-o", self.path("one.co"), source).returncode, 0)
        library = self.library(first=source, second=source)
        before = read(library)
        self.assertEqual(run("retarget", "--in-place", library).returncode, 0)
        self.assertEqual(len(read(library)), len(before))
        loaded = ctypes.CDLL(library)
        for pointer in ("first", "second"):
            address = ctypes.c_void_p.in_dll(loaded, pointer).value
            self.assertEqual(self.look_up(address, self.AMD + "gfx1010"), read(self.path("one.co")))
            self.assertIsNone(self.look_up(address, self.AMD + "gfx1030"))
        self.assertEqual(run("undo", library).returncode, 0)
        self.assertEqual(read(library), before)

    def test_object_without_code(self):
        """Found by the fuzzer: no .text, but notes of another length."""
        self.assertEqual(self.retarget(os.path.join(ROOT, "tests/fuzz/corpus/retarget/no-text"))["objects"], 1)

    def test_in_place_refuses(self):
        before = read(CASES)
        shutil.copy(CASES, self.path("cases.co"))
        got = run("--json", "retarget", "--in-place", self.path("cases.co"))
        self.assertEqual(got.returncode, 1)
        self.assertTrue(any("would have to move" in n["reason"] for n in json.loads(got.stdout)["notes"]))
        self.assertEqual(read(self.path("cases.co")), before)
        self.assertEqual(run("retarget", "--in-place", "--trap", self.path("cases.co")).returncode, 2)

    def test_in_place_and_changed_since(self):
        name = self.path("x.co")
        shutil.copy(self.assemble(self.STAYS), name)
        before = read(name)
        self.assertEqual(run("retarget", "--in-place", name).returncode, 0)
        new = read(name)
        with open(name, "ab") as f:
            f.write(b"more")
        self.assertEqual(run("undo", name).returncode, 65)
        self.assertEqual(read(name), new + b"more")
        with open(name, "wb") as f:
            f.write(before)  # as after a run that was killed between record and file
        self.assertEqual(run("undo", name).returncode, 0)
        self.assertEqual(read(name), before)
        self.assertEqual(run("retarget", "--in-place", name).returncode, 0)
        with open(name + ".rocm-patch-undo", "r+", encoding="ascii") as f:
            text = f.read().replace("offset = ", "offset = 9")
            f.seek(0)
            f.write(text)
        self.assertEqual(run("undo", name).returncode, 65)
        self.assertEqual(read(name), new)

    def test_dry_run(self):
        got = run("retarget", "-n", CASES)
        self.assertEqual(got.returncode, 0)
        self.assertIn("flat-to-global", got.stdout)
        self.assertNotIn("Written", got.stdout)
        self.assertEqual(run("-n", "retarget", "-o", self.path("x.co"), CASES).returncode, 0)
        self.assertEqual(os.listdir(self.tmp), [])

    def bundle(self, entries, align=4096):
        """A plain offload bundle (ClangOffloadBundler's layout) of (id, bytes)."""
        table, at, data = b"", align, b""
        for name, content in entries:
            name = name.encode()
            table += struct.pack("<QQQ", at, len(content), len(name)) + name
            data += content + bytes(-len(content) % align)
            at += len(content) + -len(content) % align
        head = b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", len(entries)) + table
        return head + bytes(align - len(head)) + data

    def scanned(self, path):
        got = run("--json", "scan", "--for=gfx1010", path)
        self.assertEqual(got.stderr, "")
        return json.loads(got.stdout)["units"][0]

    HOST = ("host-x86_64-unknown-linux--", b"")
    AMD = "hipv4-amdgcn-amd-amdhsa--"

    def test_bundle(self):
        entries = [self.HOST, (self.AMD + "gfx1030", read(CASES)), (self.AMD + "gfx90a:xnack-", read(OTHER))]
        with open(self.path("in.hipfb"), "wb") as f:
            f.write(self.bundle(entries))
        got = self.retarget(self.path("in.hipfb"))
        self.assertEqual((got["objects"], got["native"], got["from"]), (1, 0, "gfx1030"))
        unit = self.scanned(self.path("out.co"))
        self.assertEqual(unit["verdict"], "native-clean")
        self.assertEqual(sorted(t["target"] for t in unit["targets"]), ["gfx1010:xnack-", "gfx1030", "gfx90a:xnack-"])
        old, new = read(self.path("in.hipfb")), read(self.path("out.co"))
        self.assertEqual(new[4096:len(old)], old[4096:])  # what was there has not moved
        shutil.copy(self.path("out.co"), self.path("again"))
        self.assertEqual(self.retarget(self.path("again"))["objects"], 0)
        self.assertEqual(read(self.path("out.co")), new)
        unbundle = shutil.which("clang-offload-bundler-19") or shutil.which("clang-offload-bundler")
        if unbundle:
            subprocess.run([unbundle, "-type=o", "-unbundle", "-targets=hipv4-amdgcn-amd-amdhsa--gfx1010:xnack-",
                            "-input=" + self.path("out.co"), "-output=" + self.path("one.co")], check=True)
            self.retarget(CASES)
            self.assertEqual(read(self.path("one.co")), read(self.path("out.co")))

    def test_bundle_without_room(self):
        with open(self.path("in.hipfb"), "wb") as f:
            f.write(self.bundle([self.HOST, (self.AMD + "gfx1030", read(CASES))], 192))
        self.assertIn("no room", run("retarget", "-n", self.path("in.hipfb")).stderr)

    def library(self, *args, first=CASES, second=DEFECTS):
        """A library with two bundles and zeroed memory behind, so that addresses and offsets differ."""
        cc = shutil.which("cc")
        if not cc:
            self.skipTest("SKIP: no cc")
        one = self.bundle([self.HOST, (self.AMD + "gfx1030", read(first))])
        two = self.bundle([self.HOST, (self.AMD + "gfx1030", read(second)), (self.AMD + "gfx90a:xnack-", read(OTHER))])
        with open(self.path("fat.bin"), "wb") as f:
            f.write(one + two)
        with open(self.path("lib.c"), "w", encoding="ascii") as f:
            f.write("""
__asm__(".section .hip_fatbin,\\"a\\",@progbits\\n.p2align 12\\n.globl fatbin\\nfatbin:\\n"
        ".incbin \\"%s\\"\\n.previous\\n");
extern const char fatbin[];
char zeros[20000];
const char *first = fatbin, *second = fatbin + %d;
int answer(void) { return 42 + zeros[19999]; }
""" % (self.path("fat.bin"), len(one)))
        subprocess.run([cc, "-shared", "-fPIC", "-o", self.path("lib.so"), self.path("lib.c"),
                        "-Wl,--build-id", "-Wl,-z,noexecstack", *args], check=True)
        return self.path("lib.so")

    def look_up(self, address, name):
        """As a runtime does: the entry's offset counts from the start of the bundle in memory."""
        head = ctypes.string_at(address, 4096)
        (n,) = struct.unpack_from("<Q", head, 24)
        at = 32
        for _ in range(n):
            offset, size, length = struct.unpack_from("<QQQ", head, at)
            if head[at + 24:at + 24 + length].decode() == name:
                return ctypes.string_at(address + offset, size)
            at += 24 + length
        return None

    def test_library(self):
        got = self.retarget(self.library(), "-j2")
        self.assertEqual((got["objects"], got["kernels"]), (2, 11))
        unit = self.scanned(self.path("out.co"))
        self.assertEqual((unit["verdict"], [t["objects"] for t in unit["targets"] if t["native"]]), ("native-clean", [2]))
        new = read(self.path("out.co"))
        loaded = ctypes.CDLL(self.path("out.co"))
        self.assertEqual(loaded.answer(), 42)
        for pointer, source in (("first", CASES), ("second", DEFECTS)):
            address = ctypes.c_void_p.in_dll(loaded, pointer).value
            self.assertEqual(self.look_up(address, self.AMD + "gfx1030"), read(source))
            self.retarget(source)
            self.assertEqual(self.look_up(address, self.AMD + "gfx1010:xnack-"), read(self.path("out.co")))
        with open(self.path("again.so"), "wb") as f:
            f.write(new)
        self.assertEqual(self.retarget(self.path("again.so"))["native"], 2)
        self.assertEqual(read(self.path("out.co")), new)

    def pack(self, raw, version=2, method=1):
        """A compressed bundle as clang's bundler writes it."""
        if method:
            packed = subprocess.run([tool("zstd"), "-qc"], input=raw, capture_output=True, check=True).stdout
        else:
            packed = zlib.compress(raw)
        total = {1: 20, 2: 24, 3: 32}[version] + len(packed)
        sizes = {1: struct.pack("<I", len(raw)), 2: struct.pack("<II", total, len(raw)), 3: struct.pack("<QQ", total, len(raw))}
        return struct.pack("<4sHH", b"CCOB", version, method) + sizes[version] + hashlib.md5(raw).digest()[:8] + packed

    def unpack(self, data):
        """(version, method, raw bundle, bytes used) after checking the header."""
        version, method = struct.unpack_from("<HH", data, 4)
        head = {1: 20, 2: 24, 3: 32}[version]
        total = len(data) if version == 1 else struct.unpack_from("<I" if version == 2 else "<Q", data, 8)[0]
        packed = data[head:total]
        if method:
            raw = subprocess.run([tool("zstd"), "-dqc"], input=packed, capture_output=True, check=True).stdout
        else:
            raw = zlib.decompress(packed)
        self.assertEqual(data[head - 8:head], hashlib.md5(raw).digest()[:8])
        self.assertEqual(len(raw), struct.unpack_from("<Q" if version == 3 else "<I", data, {1: 8, 2: 12, 3: 16}[version])[0])
        return version, method, raw, total

    def test_compressed_bundle(self):
        entries = [self.HOST, (self.AMD + "gfx1030", read(CASES)), (self.AMD + "gfx90a:xnack-", read(OTHER))]
        self.retarget(CASES)
        want = read(self.path("out.co"))
        for version, method, align in ((1, 1, 4096), (2, 1, 4096), (3, 1, 4096), (2, 0, 4096), (2, 1, 256)):
            with self.subTest(version=version, method=method, align=align):
                with open(self.path("in.hipfb"), "wb") as f:
                    f.write(self.pack(self.bundle(entries, align), version, method))
                got = self.retarget(self.path("in.hipfb"))
                self.assertEqual((got["objects"], got["native"], got["from"]), (1, 0, "gfx1030"))
                new = read(self.path("out.co"))
                self.assertEqual(self.unpack(new)[:2], (version, method))
                raw = ctypes.create_string_buffer(self.unpack(new)[2], len(self.unpack(new)[2]))
                for name, content in (*entries[1:], (self.AMD + "gfx1010:xnack-", want)):
                    self.assertEqual(self.look_up(ctypes.addressof(raw), name), content)
                unit = self.scanned(self.path("out.co"))
                self.assertEqual(unit["verdict"], "native-clean")
                shutil.copy(self.path("out.co"), self.path("again"))
                self.assertEqual(self.retarget(self.path("again"))["native"], 1)
                self.assertEqual(read(self.path("out.co")), new)

    def test_compressed_bundle_of_llvm(self):
        bundler = tool("clang-offload-bundler")
        with open(self.path("host"), "wb"):
            pass
        subprocess.run([bundler, "-type=o", "-compress", "-bundle-align=4096", "-output=" + self.path("in.hipfb"),
                        "-targets=host-x86_64-unknown-linux--,hipv4-amdgcn-amd-amdhsa--gfx1030",
                        "-input=" + self.path("host"), "-input=" + CASES], check=True)
        self.retarget(self.path("in.hipfb"))
        shutil.copy(self.path("out.co"), self.path("new.hipfb"))
        self.retarget(CASES)
        for name, want in (("gfx1030", CASES), ("gfx1010:xnack-", self.path("out.co"))):
            subprocess.run([bundler, "-type=o", "-unbundle", "-targets=hipv4-amdgcn-amd-amdhsa--" + name,
                            "-input=" + self.path("new.hipfb"), "-output=" + self.path("one.co")], check=True)
            self.assertEqual(read(self.path("one.co")), read(want))

    def test_compressed_bundle_that_is_damaged(self):
        good = self.pack(self.bundle([self.HOST, (self.AMD + "gfx1030", read(CASES))]))
        bad = bytearray(good)
        bad[20] ^= 1  # the checksum
        for content in (bytes(bad), good[:-1], good[:30]):
            with open(self.path("in.hipfb"), "wb") as f:
                f.write(content)
            got = run("retarget", "-o", self.path("out.co"), self.path("in.hipfb"))
            self.assertEqual(got.returncode, 65, got.stderr)
            self.assertFalse(os.path.exists(self.path("out.co")))

    def packed_program(self, *args, wrapped=True):
        """A library (or program) with two compressed bundles and the wrappers that HIP registers."""
        cc = shutil.which("cc")
        if not cc:
            self.skipTest("SKIP: no cc")
        one = self.pack(self.bundle([self.HOST, (self.AMD + "gfx1030", read(CASES))]))
        one += bytes(-len(one) % 4096)
        two = self.pack(self.bundle([self.HOST, (self.AMD + "gfx1010:xnack-", read(NATIVE)), (self.AMD + "gfx1030", read(DEFECTS))]))
        with open(self.path("fat.bin"), "wb") as f:
            f.write(one + two)
        with open(self.path("lib.c"), "w", encoding="ascii") as f:
            f.write("""
#include <stdio.h>
__asm__(".section .hip_fatbin,\\"a\\",@progbits\\n.p2align 12\\nfatbin:\\n.incbin \\"%s\\"\\n.previous\\n");
extern const char fatbin[] __attribute__((visibility("hidden")));
struct wrapper { unsigned int magic, version; const char *bundle; void *unused; };
#define WRAPPER __attribute__((used, section("%s")))
WRAPPER struct wrapper first = { 0x48495046, 1, fatbin, 0 };
WRAPPER struct wrapper second = { 0x48495046, 1, fatbin + %d, 0 };
char zeros[20000];
int answer(void) { return 42 + zeros[19999]; }
int main(void)
{
	printf("%%zu\\n", fwrite(first.bundle, 1, 8, stderr) + fwrite(second.bundle, 1, 8, stderr));
	return 0;
}
""" % (self.path("fat.bin"), ".hipFatBinSegment" if wrapped else ".data", len(one)))
        subprocess.run([cc, *args, "-o", self.path("lib.so"), self.path("lib.c"), "-Wl,--build-id"], check=True)
        return self.path("lib.so")

    def test_library_with_compressed_bundles(self):
        got = self.retarget(self.packed_program("-shared", "-fPIC"))
        self.assertEqual((got["objects"], got["native"]), (1, 1))
        new = read(self.path("out.co"))
        unit = self.scanned(self.path("out.co"))
        self.assertEqual(unit["verdict"], "native-clean")
        loaded = ctypes.CDLL(self.path("out.co"))
        self.assertEqual(loaded.answer(), 42)
        self.retarget(CASES)
        for pointer, want in (("first", self.path("out.co")), ("second", NATIVE)):
            address = ctypes.c_void_p.in_dll(loaded, pointer).value  # magic and version
            self.assertEqual(address, 0x148495046)
            where = ctypes.c_void_p.from_address(ctypes.addressof(ctypes.c_char.in_dll(loaded, pointer)) + 8).value
            (total,) = struct.unpack("<I", ctypes.string_at(where + 8, 4))
            raw = self.unpack(ctypes.string_at(where, total))[2]
            raw = ctypes.create_string_buffer(raw, len(raw))
            self.assertEqual(self.look_up(ctypes.addressof(raw), self.AMD + "gfx1010:xnack-"), read(want))
        with open(self.path("again.so"), "wb") as f:
            f.write(new)
        self.assertEqual(self.retarget(self.path("again.so"))["native"], 2)
        self.assertEqual(read(self.path("out.co")), new)
        got = subprocess.run([tool("llvm-readelf"), "-a", self.path("again.so")], capture_output=True, text=True, check=True)
        self.assertEqual(got.stderr, "")

    def test_program_with_compressed_bundles(self):
        for args in (("-no-pie",), ("-pie", "-fPIE"), ("-pie", "-fPIE", "-Wl,-z,relro,-z,now")):
            with self.subTest(args=args):
                program = self.packed_program(*args)
                self.retarget(program)
                self.assertEqual(self.scanned(self.path("out.co"))["verdict"], "native-clean")
                os.chmod(self.path("out.co"), 0o755)
                got = subprocess.run([self.path("out.co")], capture_output=True, check=True)
                self.assertEqual((got.stdout, got.stderr), (b"16\n", 2 * struct.pack("<4sHH", b"CCOB", 2, 1)))

    def test_compressed_bundles_without_wrappers(self):
        got = run("retarget", "-n", self.packed_program("-shared", "-fPIC", wrapped=False))
        self.assertEqual(got.returncode, 1)
        self.assertIn("no wrapper", got.stderr)

    def test_library_llvm_reads_it(self):
        self.retarget(self.library())
        got = subprocess.run([tool("llvm-readelf"), "-a", self.path("out.co")], capture_output=True, text=True, check=True)
        self.assertEqual(got.stderr, "")
        self.assertIn("GNU_STACK", got.stdout)

    def test_library_without_a_program_header(self):
        library = self.library()
        with open(library, "r+b") as f:  # no PT_NOTE: PT_NULL in its place
            head = bytearray(f.read())
            (phoff,), (phnum,) = struct.unpack_from("<Q", head, 32), struct.unpack_from("<H", head, 56)
            for i in range(phnum):
                if struct.unpack_from("<I", head, phoff + 56 * i)[0] == 4:
                    struct.pack_into("<I", head, phoff + 56 * i, 0)
            f.seek(0)
            f.write(head)
        got = run("retarget", "-n", library)
        self.assertEqual(got.returncode, 1)
        self.assertIn("PT_NOTE", got.stderr)

    def test_refusal_in_a_bundle(self):
        bad = self.assemble("\tv_fma_legacy_f32 v0, v1, v2, v3\n")
        with open(self.path("in.hipfb"), "wb") as f:
            f.write(self.bundle([self.HOST, (self.AMD + "gfx1030", read(bad))]) +
                    self.bundle([self.HOST, (self.AMD + "gfx1030", read(CASES))]))
        got = self.retarget(self.path("in.hipfb"), code=1)
        self.assertEqual((got["refused"], got["notes"][0]["object"], got["written"]), (1, "bundle 0", False))
        self.assertFalse(os.path.exists(self.path("out.co")))

    def test_wrong_use(self):
        self.assertEqual(run("retarget", CASES).returncode, 2)
        self.assertEqual(run("retarget", "--to=gfx906", "-n", CASES).returncode, 2)
        self.assertEqual(run("retarget", "--cu-mode=maybe", "-n", CASES).returncode, 2)
        self.assertEqual(run("retarget", "-n", self.path("absent")).returncode, 66)
        self.assertEqual(run("retarget", "-o", self.path("no/dir.co"), CASES).returncode, 66)
        shutil.copy(CASES, self.path("same.co"))
        self.assertNotEqual(run("retarget", "-o", self.path("same.co"), self.path("same.co")).returncode, 0)
        self.assertEqual(read(self.path("same.co")), read(CASES))
        with open(self.path("text.co"), "w", encoding="ascii") as f:
            f.write("no code object")
        self.assertEqual(run("retarget", "-n", self.path("text.co")).returncode, 65)
        self.assertEqual(run("retarget", "-n", OTHER).returncode, 65)
        with open(self.path("cut.co"), "wb") as f:
            f.write(read(CASES)[:5000])
        self.assertEqual(run("retarget", "-n", self.path("cut.co")).returncode, 65)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
