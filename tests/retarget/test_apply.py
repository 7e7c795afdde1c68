#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The verbs apply and undo on small trees. test_apply.py PROGRAM SOURCE_ROOT"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, ROOT = sys.argv[1:3]
CASES = os.path.join(ROOT, "tests/retarget/data/cases-gfx1030.co")
DEFECTS = os.path.join(ROOT, "tests/scan/data/defects-gfx1030.co")
NATIVE = os.path.join(ROOT, "tests/codeobj/data/small-gfx1010.co")
OTHER = os.path.join(ROOT, "tests/codeobj/data/small-gfx90a.co")
STATE = ".rocm-patch-retarget"
AMD = "hipv4-amdgcn-amd-amdhsa--"
ROWS = "library/TensileLibrary_%s_%s.%s"


def run(*args):
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C"}
    return subprocess.run([PROGRAM, *args], env=env, capture_output=True, text=True, timeout=120, check=False)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def pack(v):
    """MessagePack, as far as Tensile's data need it."""
    if isinstance(v, str):
        b = v.encode()
        return (bytes([0xa0 | len(b)]) if len(b) < 32 else bytes([0xd9, len(b)])) + b
    if isinstance(v, list):
        return bytes([0x90 | len(v)]) + b"".join(map(pack, v))
    if isinstance(v, dict):
        return bytes([0x80 | len(v)]) + b"".join(pack(k) + pack(x) for k, x in v.items())
    assert isinstance(v, int) and 0 <= v < 128
    return bytes([v])


def place(name):
    return {"type": "Problem", "rows": [{"predicate": {"type": "TruePred"}, "library": {"type": "Placeholder", "value": name}}]}


def index(chip, fallback):
    """The shape of TensileLibrary_lazy_CHIP.dat."""
    row = {"predicate": {"type": "AMDGPU", "value": {"type": "Processor", "value": chip}},
           "library": place("TensileLibrary_Type_SS_" + chip)}
    rest = {"predicate": {"type": "TruePred"}, "library": place("TensileLibrary_%s_fallback" % fallback)}
    return {"solutions": [], "library": {"type": "Hardware", "rows": [row, rest] if chip == "gfx1030" else [rest]}}


def bundle(entries):
    table, at, data = b"", 4096, b""
    for name, content in entries:
        table += struct.pack("<QQQ", at, len(content), len(name)) + name.encode()
        data += content + bytes(-len(content) % 4096)
        at += len(content) + -len(content) % 4096
    head = b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", len(entries)) + table
    return head + bytes(4096 - len(head)) + data


class Tree(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.tmp)
        self.dir = os.path.join(self.tmp, "tree")
        os.mkdir(self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def put(self, name, content):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(content)
        os.utime(self.path(name), (1000000000, 1000000000))

    def files(self):
        """All that undo must bring back: contents, mode, inode, time, link texts."""
        out = {}
        for base, dirs, names in os.walk(self.dir):
            if STATE in dirs:
                dirs.remove(STATE)
            for n in names + [d for d in dirs if os.path.islink(os.path.join(base, d))]:
                p = os.path.join(base, n)
                st = os.lstat(p)
                out[os.path.relpath(p, self.dir)] = (
                    os.readlink(p) if os.path.islink(p) else read(p), st.st_mode, st.st_ino, st.st_mtime, st.st_nlink)
        return out

    def fat(self, name, *entries):
        self.put(name, bundle([("host-x86_64-unknown-linux--", b""), *entries]))

    def tensile(self):
        self.put("library/Kernels.so-000-gfx1030.hsaco", read(CASES))
        self.put("library/TensileLibrary_SS_fallback.dat", pack({"solutions": [], "library": place("x")}))
        self.put("library/TensileLibrary_SS_fallback_gfx1030.hsaco", read(CASES))
        self.put("library/TensileLibrary_Type_SS_gfx1030.co", read(DEFECTS))
        self.put("library/TensileLibrary_Type_SS_gfx1030.dat", pack({"solutions": [{"name": "Cijk_ISA1030"}], "library": place("x")}))
        self.put("library/TensileLibrary_lazy_gfx1030.dat", pack(index("gfx1030", "SS")))

    def apply(self, *args, code=0):
        got = run("--json", "apply", "-y", *args, self.dir)
        self.assertEqual(got.returncode, code, got.stderr)
        return json.loads(got.stdout)

    def undo(self, *args, code=0):
        got = run("--json", "undo", *args, self.dir)
        self.assertEqual(got.returncode, code, got.stderr)
        return json.loads(got.stdout)

    def retargeted(self, source):
        out = os.path.join(self.tmp, "one")
        self.assertEqual(run("retarget", "-o", out, source).returncode, 0)
        return read(out)

    def test_tree(self):
        self.fat("lib/libfat.hipfb", (AMD + "gfx1030", read(CASES)), (AMD + "gfx90a:xnack-", read(OTHER)))
        self.put("lib/plain.co", read(DEFECTS))
        self.put("lib/native-gfx1010.co", read(NATIVE))
        self.put("lib/other.co", read(OTHER))
        self.put("readme.txt", b"no code at all, only text")
        os.chmod(self.path("lib/plain.co"), 0o751)
        os.symlink("plain.co", self.path("lib/link.co"))
        os.mkdir(os.path.join(self.tmp, "outside"))
        shutil.copy(CASES, os.path.join(self.tmp, "outside/x.co"))
        os.symlink("../outside", self.path("out"))
        before = self.files()
        got = self.apply()
        self.assertEqual({(i["path"], i["new"]) for i in got["items"]}, {("lib/libfat.hipfb", False), ("lib/plain.co", False)})
        self.assertEqual((got["applied"], got["written"], got["native"]), (True, 2, 1))
        self.assertEqual(read(self.path("lib/plain.co")), self.retargeted(DEFECTS))
        self.assertEqual(os.stat(self.path("lib/plain.co")).st_mode & 0o7777, 0o751)
        self.assertEqual(read(os.path.join(self.tmp, "outside/x.co")), read(CASES))
        self.assertTrue(os.path.islink(self.path("lib/link.co")))
        self.assertEqual(json.loads(run("--json", "scan", "--for=gfx1010", self.path("lib/libfat.hipfb")).stdout)["units"][0]["verdict"],
                         "native-clean")
        after = self.files()
        self.assertEqual(self.apply()["items"], [])  # a second time: nothing to do
        self.assertEqual(self.files(), after)
        got = self.undo()
        self.assertEqual((got["undone"], got["restored"], got["removed"], got["interrupted"], got["to"]), (True, 2, 0, False, "gfx1010"))
        self.assertEqual(self.files(), before)
        self.assertFalse(os.path.exists(self.path(STATE)))
        self.assertEqual(run("undo", self.dir).returncode, 66)

    def test_dry_run(self):
        self.tensile()
        before = self.files()
        got = run("--json", "apply", "-n", self.dir)
        self.assertEqual((got.returncode, json.loads(got.stdout)["applied"], len(json.loads(got.stdout)["items"])), (0, False, 5))
        self.assertEqual(self.files(), before)
        self.assertFalse(os.path.exists(self.path(STATE)))
        self.apply()
        after = self.files()
        got = json.loads(run("--json", "undo", "-n", self.dir).stdout)
        self.assertEqual((got["undone"], got["removed"]), (False, 5))
        self.assertEqual(self.files(), after)

    def test_needs_consent(self):
        self.put("a.co", read(CASES))
        before = self.files()
        self.assertNotEqual(run("apply", self.dir).returncode, 0)
        self.assertEqual(self.files(), before)

    def test_tensile(self):
        self.tensile()
        before = self.files()
        got = self.apply()
        self.assertTrue(all(i["new"] and i["written"] for i in got["items"]))
        self.assertEqual(set(self.files()) - set(before), {n.replace("gfx1030", "gfx1010") for n in before if "gfx1030" in n})
        self.assertEqual(read(self.path("library/TensileLibrary_lazy_gfx1010.dat")),
                         pack(index("gfx1030", "SS")).replace(b"gfx1030", b"gfx1010"))
        self.assertEqual(read(self.path("library/TensileLibrary_Type_SS_gfx1010.dat")),
                         read(self.path("library/TensileLibrary_Type_SS_gfx1030.dat")))
        self.assertEqual(read(self.path("library/TensileLibrary_Type_SS_gfx1010.co")), self.retargeted(DEFECTS))
        self.undo()
        self.assertEqual(self.files(), before)

    def test_tensile_with_own_code(self):
        self.tensile()
        own = {"library/Kernels.so-000-gfx1010.hsaco": read(NATIVE),
               "library/TensileLibrary_SS_fallback_gfx1010.hsaco": read(NATIVE),
               "library/TensileLibrary_lazy_gfx1010.dat": pack(index("gfx1010", "SS"))}
        for name, content in own.items():
            self.put(name, content)
        before = self.files()
        self.assertEqual(self.apply()["items"], [])
        got = self.apply("--tuned")
        self.assertEqual({(os.path.basename(i["path"]), i["new"]) for i in got["items"]},
                         {("TensileLibrary_Type_SS_gfx1010.co", True), ("TensileLibrary_Type_SS_gfx1010.dat", True),
                          ("TensileLibrary_lazy_gfx1010.dat", False)})
        self.assertEqual(read(self.path("library/TensileLibrary_lazy_gfx1010.dat")),
                         pack(index("gfx1030", "SS")).replace(b"gfx1030", b"gfx1010"))
        self.undo()
        self.assertEqual(self.files(), before)
        # an index with rows that the new one would lose: the library stays as it is
        self.put("library/TensileLibrary_lazy_gfx1010.dat", pack(index("gfx1010", "DD")))
        before = self.files()
        got = self.apply("--tuned", code=1)
        self.assertEqual((got["written"], got["left_out"]), (0, 3))
        self.assertEqual(self.files(), before)

    def test_tensile_is_whole_or_left_out(self):
        clang = shutil.which("clang-19") or shutil.which("clang")
        if not clang:
            self.skipTest("SKIP: no clang")
        with open(os.path.join(self.tmp, "bad.s"), "w", encoding="ascii") as f:
            f.write('.amdgcn_target "amdgcn-amd-amdhsa--gfx1030"\n.text\n.globl k\n.p2align 8\n.type k,@function\nk:\n'
                    "v_fma_legacy_f32 v0, v1, v2, v3\ns_endpgm\n.Lend:\n.size k, .Lend-k\n.rodata\n.amdhsa_kernel k\n"
                    ".amdhsa_next_free_vgpr 4\n.amdhsa_next_free_sgpr 4\n.end_amdhsa_kernel\n")
        subprocess.run([clang, "-target", "amdgcn-amd-amdhsa", "-mcpu=gfx1030", "-o", os.path.join(self.tmp, "bad.co"),
                        os.path.join(self.tmp, "bad.s")], check=True)
        self.tensile()
        self.put("library/TensileLibrary_Type_HH_gfx1030.co", read(os.path.join(self.tmp, "bad.co")))
        self.put("elsewhere/plain.co", read(CASES))
        before = self.files()
        got = self.apply(code=1)
        self.assertEqual([i["path"] for i in got["items"] if i["written"]], ["elsewhere/plain.co"])
        self.assertIn("v_fma_legacy_f32", next(i["reason"] for i in got["items"] if "_HH_" in i["path"]))
        self.undo()
        self.assertEqual(self.files(), before)
        self.assertEqual(self.apply("--trap")["left_out"], 0)

    def test_damaged_files(self):
        self.put("cut.co", read(CASES)[:3000])
        self.put("good.co", read(CASES))
        self.put("library/TensileLibrary_lazy_gfx1030.dat", b"\x82" + bytes(100))
        got = self.apply(code=1)
        self.assertEqual([i["path"] for i in got["items"] if i["written"]], ["good.co"])
        self.assertEqual([n["path"] for n in got["impossible"]], ["cut.co"])

    def test_hard_links(self):
        self.put("a/one.co", read(CASES))
        os.link(self.path("a/one.co"), self.path("a/two.co"))
        os.mkdir(self.path("b"))
        os.link(self.path("a/one.co"), self.path("b/three.co"))
        outside = os.path.join(self.tmp, "four.co")
        os.link(self.path("a/one.co"), outside)
        before = self.files()
        self.assertEqual(self.apply()["written"], 3)
        self.assertEqual({os.stat(self.path(n)).st_ino for n in ("a/one.co", "a/two.co", "b/three.co")},
                         {os.stat(self.path("a/one.co")).st_ino})
        self.assertEqual(os.stat(self.path("a/one.co")).st_nlink, 3)
        self.assertEqual(read(outside), read(CASES))
        self.undo()
        self.assertEqual(self.files(), before)
        self.assertEqual(os.stat(outside).st_nlink, 4)

    def test_changed_since(self):
        for n in ("a.co", "b.co", "c.co", "d.co"):
            self.put(n, read(CASES))
        before = self.files()
        self.apply()
        with open(self.path("b.co"), "ab") as f:
            f.write(b"x")
        os.unlink(self.path("c.co"))
        with open(self.path(STATE + "/originals/3"), "r+b") as f:
            f.write(b"damaged")
        now = self.files()
        got = self.undo(code=1)
        self.assertEqual([c["path"] for c in got["changed"]], ["b.co", "c.co", "d.co"])
        self.assertFalse(got["undone"])
        self.assertEqual(self.files(), now)
        got = self.undo("--keep-changed")
        self.assertEqual((got["restored"], len(got["changed"])), (1, 3))
        self.assertEqual(self.files()["a.co"], before["a.co"])
        self.assertEqual(self.files()["b.co"][0], now["b.co"][0])
        self.assertFalse(os.path.exists(self.path(STATE)))

    def test_again_with_more(self):
        self.put("a.co", read(CASES))
        self.apply()
        self.put("b.co", read(CASES))
        got = run("apply", "-y", self.dir)
        self.assertEqual(got.returncode, 73)
        self.assertIn("undo it first", got.stderr)
        self.assertEqual(read(self.path("b.co")), read(CASES))

    def test_hostile_manifest(self):
        self.put("a.co", read(CASES))
        self.apply()
        manifest = self.path(STATE + "/manifest")
        text = read(manifest).decode()
        outside = os.path.join(self.tmp, "victim")
        for bad in ("../victim", "/etc/passwd", "x/../../victim", ""):
            with open(manifest, "w", encoding="utf8") as f:
                f.write(text.replace("path = a.co", "path = " + bad))
            with open(outside, "w", encoding="utf8") as f:
                f.write("x")
            self.assertEqual(run("undo", self.dir).returncode, 65)
            self.assertTrue(os.path.exists(outside))
        os.mkdir(os.path.join(self.tmp, "outside"))
        shutil.copy(self.path("a.co"), os.path.join(self.tmp, "outside/a.co"))
        os.symlink("../outside", self.path("link"))
        with open(manifest, "w", encoding="utf8") as f:
            f.write(text.replace("path = a.co", "path = link/a.co"))
        now = read(os.path.join(self.tmp, "outside/a.co"))
        self.assertEqual(run("undo", self.dir).returncode, 1)
        self.assertEqual(read(os.path.join(self.tmp, "outside/a.co")), now)

    def test_two_runs(self):
        self.put("a.co", read(CASES))
        fd = os.open(self.dir, os.O_RDONLY)
        import fcntl
        fcntl.flock(fd, fcntl.LOCK_EX)
        self.assertEqual(run("apply", "-y", self.dir).returncode, 75)
        self.assertEqual(run("undo", self.dir).returncode, 75)
        os.close(fd)
        self.apply()

    def test_owner(self):
        if os.geteuid():
            self.skipTest("SKIP: not root")
        self.put("a.co", read(CASES))
        for p in (self.dir, self.path("a.co")):
            os.chown(p, 1234, 4321)
        self.apply()
        for name in ("a.co", STATE, STATE + "/originals"):
            st = os.stat(self.path(name))
            self.assertEqual((st.st_uid, st.st_gid), (1234, 4321), name)

    def test_wrong_use(self):
        self.assertEqual(run("apply").returncode, 2)
        self.assertEqual(run("apply", "--to=gfx906", self.dir).returncode, 2)
        self.assertEqual(run("apply", "-y", self.dir + "/absent").returncode, 66)
        self.assertEqual(run("undo", self.dir + "/absent").returncode, 66)
        got = self.apply()
        self.assertEqual((got["items"], got["applied"]), ([], False))
        self.assertEqual(os.listdir(self.dir), [])

    def test_killed(self):
        """At any time: each file is old or new; the next run goes on from there."""
        for i in range(12):
            self.put("f%d.co" % i, read(CASES))
        before, old, new = self.files(), read(CASES), self.retargeted(CASES)
        for n in range(8):
            p = subprocess.Popen([PROGRAM, "apply", "-y", self.dir], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.004 * n * n)
            p.kill()
            p.wait()
            for i in range(12):
                self.assertIn(read(self.path("f%d.co" % i)), (old, new))
            if os.path.exists(self.path(STATE)):
                self.undo()
            self.assertEqual(self.files(), before)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
