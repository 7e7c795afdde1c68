#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The verb disasm: golden listing, choice of functions, containers, JSON, damage, pipes, colour."""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "codeobj"))
import compose  # noqa: E402  (the folder is known only now)

PROGRAM = os.path.abspath(sys.argv.pop(1))
DATA = compose.DATA


def run(*args, code=0, cwd=DATA, env=None):
    full = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C", **(env or {})}
    p = subprocess.run([PROGRAM, *map(str, args)], env=full, capture_output=True, text=True, timeout=60, cwd=cwd, check=False)
    assert p.returncode == code, (args, p.returncode, p.stderr)
    return p


def heads(text):
    """Names of the functions shown."""
    return [line.split("<")[1][:-2] for line in text.splitlines() if line.endswith(">:") and " <L" not in line]


class Files(unittest.TestCase):
    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="rp-disasm-"))
        self.addCleanup(shutil.rmtree, self.dir)

    def file(self, data, name="file"):
        path = self.dir / name
        path.write_bytes(data)
        return path


class Text(Files):
    def test_golden(self):
        """Changes on purpose only: rocm-patch disasm small-gfx1030.co, in the folder of the object."""
        self.assertEqual(run("disasm", "small-gfx1030.co").stdout, (HERE / "small-gfx1030.txt").read_text(encoding="utf-8"))

    def test_no_colour_on_a_pipe(self):
        plain = run("disasm", "small-gfx1030.co", env={"TERM": "xterm"}).stdout
        self.assertNotIn("\033", plain)
        coloured = run("--color=always", "disasm", "small-gfx1030.co").stdout
        self.assertIn("\033[", coloured)
        for sgr in ("\033[0m", "\033[1m", "\033[2m"):
            coloured = coloured.replace(sgr, "")
        self.assertEqual(coloured, plain)

    def test_colour_on_a_terminal(self):
        for env, has in (({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)):
            ours, theirs = os.openpty()
            p = subprocess.Popen([PROGRAM, "disasm", "-k", "second", str(DATA / "small-gfx1030.co")], stdout=theirs,
                                 env={"PATH": os.environ["PATH"], **env})
            os.close(theirs)
            text = b""
            try:
                while chunk := os.read(ours, 65536):
                    text += chunk
            except OSError:
                pass  # the end of a terminal
            os.close(ours)
            self.assertEqual(p.wait(), 0)
            self.assertIn(b"s_endpgm", text)
            self.assertEqual(b"\033[" in text, has, env)

    def test_names_cannot_drive_the_terminal(self):
        data = compose.code_object("gfx1030").replace(b"second", b"s\033]0;\x07")
        text = run("disasm", self.file(data, "evil\033[31m")).stdout
        self.assertNotIn("\033", text)
        self.assertNotIn("\x07", text)
        self.assertIn("<s?]0;?>:", text)

    def test_wave64(self):
        """The descriptor says how wide lane masks are."""
        data = bytearray(compose.code_object("gfx1030"))
        entry = data.index(b"\x06\x09\x06\x80")  # s_add_u32 s6, s6, s9 of "first"
        data[entry:entry + 4] = (0x7d880300).to_bytes(4, "little")  # v_cmp_gt_u32_e32
        self.assertIn("v_cmp_gt_u32_e32 vcc_lo, ", run("disasm", "-k", "first", self.file(bytes(data))).stdout)
        data[0x780 + 57] &= ~4 & 0xff
        text = run("disasm", self.file(bytes(data))).stdout
        self.assertIn("v_cmp_gt_u32_e32 vcc, ", text)
        self.assertIn(".amdhsa_wavefront_size32 0", text)
        self.assertIn("\t.amdhsa_shared_vgpr_count 0", text)


class Choice(Files):
    def test_kernel(self):
        for args, want in ((["-k", "first"], ["first"]), (["--kernel=f*"], ["first"]), (["-k", "c"], ["twice", "second"]),
                           (["-k", "[fs]*"], ["first", "second"]), (["-k", "first", "-k", "second"], ["first", "second"]),
                           (["-k", "first", "-k", "fir*"], ["first"]), ([], ["twice", "first", "second"])):
            with self.subTest(args):
                self.assertEqual(heads(run("disasm", *args, "small-gfx1030.co").stdout), want)

    def test_a_full_name_stands_for_itself_only(self):
        data = compose.code_object("gfx1030").replace(b"second.kd\0", b"firsty.kd\0").replace(b"second\0", b"firsty\0")
        path = self.file(data)
        self.assertEqual(heads(run("disasm", "-k", "first", path).stdout), ["first"])
        self.assertEqual(heads(run("disasm", "-k", "firs", path).stdout), ["first", "firsty"])

    def test_names_in_mangled_names(self):
        data = compose.code_object("gfx1030").replace(b"second.kd\0", b"_Z3fov.kd\0").replace(b"second\0", b"_Z2fov\0")
        path = self.file(data.replace(b"_Z3fov", b"_Z2fov"))
        text = run("disasm", "-k", "fo", path).stdout
        self.assertEqual(heads(text), ["_Z2fov"])
        self.assertRegex(text, r"; fo(\(\)|\.\.\.)\n")

    def test_target(self):
        path = self.file(compose.library([compose.gfx10_bundle()]))
        text = run("disasm", path).stdout
        self.assertEqual([line.split()[2] for line in text.splitlines() if line.startswith("; target ")], ["gfx1010,", "gfx1030,"])
        self.assertIn("bundle 0, entry hipv4-amdgcn-amd-amdhsa--gfx1030, offset 0x", text)
        text = run("disasm", "-t", "gfx1010", path).stdout
        self.assertEqual([line.split()[2] for line in text.splitlines() if line.startswith("; target ")], ["gfx1010,"])

    def test_nothing_to_show(self):
        for args, code, reason in ((["-k", "third", "small-gfx1030.co"], 66, 'no kernel or function matches "third"'),
                                   (["small-gfx90a.co"], 65, "no code for a gfx10 chip, only for gfx90a"),
                                   (["-t", "gfx1010", "small-gfx1030.co"], 65, "no code for gfx1010, only for gfx1030"),
                                   (["small.cl"], 65, "no AMDGPU code object"), (["absent"], 66, "absent"),
                                   (["-t", "gfx90a", "small-gfx90a.co"], 2, '"gfx90a" is no gfx10 chip'),
                                   ([], 2, ""), (["--no-such"], 2, "")):
            with self.subTest(args):
                p = run("disasm", *args, code=code)
                self.assertEqual(p.stdout, "")
                self.assertIn(reason, p.stderr)

    def test_several_files(self):
        text = run("disasm", "-k", "twice", "small-gfx1010.co", "small-gfx1030.co").stdout
        self.assertEqual(heads(text), ["twice", "twice"])
        # what stands before an error is shown
        p = run("disasm", "-k", "twice", "small-gfx1010.co", "small-gfx90a.co", code=65)
        self.assertEqual(heads(p.stdout), ["twice"])


class Containers(Files):
    def same(self, data, name="file", member=None):
        want = run("disasm", "small-gfx1030.co").stdout
        got = run("disasm", "-t", "gfx1030", self.file(data, name)).stdout
        self.assertEqual(got.split("\n", 1)[1], want.split("\n", 1)[1])
        if member:
            self.assertIn(", member " + member, got.split("\n", 1)[0])

    def test_containers(self):
        bundle = compose.gfx10_bundle()
        self.same(bundle)
        self.same(compose.library([bundle]))
        self.same(compose.compressed(bundle))
        self.same(compose.ar([("a.so", compose.library([bundle]))]), "lib.a", "a.so")

    def test_folder(self):
        self.file(compose.code_object("gfx1030"), "a.co")
        (self.dir / "sub").mkdir()
        self.file(compose.code_object("gfx1010"), "sub/b.co")
        text = run("disasm", "-k", "first", ".", cwd=self.dir).stdout
        self.assertEqual([line for line in text.splitlines() if line.startswith("; .")],
                         ["; ./a.co, offset 0x0", "; ./sub/b.co, offset 0x0"])

    def test_damage(self):
        whole, cut = compose.code_object("gfx1010"), compose.code_object("gfx1030")[:3000]
        path = self.file(compose.bundle([(compose.device("gfx1010"), whole), (compose.device("gfx1030"), cut)]))
        p = run("disasm", "-k", "first", path, code=65)
        self.assertEqual(heads(p.stdout), ["first"])
        self.assertRegex(p.stderr, r"warning: .*file: offset 0x[0-9a-f]+: .*truncated")
        p = run("disasm", self.file(cut), code=65)
        self.assertIn("that can be read", p.stderr)


class Json(Files):
    def test_lines_and_object_say_the_same(self):
        lines = [json.loads(line) for line in run("--json=lines", "disasm", "small-gfx1030.co").stdout.splitlines()]
        self.assertEqual(lines.pop(), {"event": "result", "schema": 1, "verb": "disasm", "objects_shown": 1,
                                       "functions_shown": 3, "damaged": 0})
        doc = json.loads(run("--json", "disasm", "small-gfx1030.co").stdout)
        self.assertEqual((doc["schema"], doc["verb"]), (1, "disasm"))
        flat = []
        for o in doc["objects"]:
            for f in o.pop("functions") + [None]:
                flat += [o] if o not in flat else []
                if f:
                    inner = f.pop("kernels") + f.pop("instructions")
                    flat += [f, *inner]
        self.assertEqual([dict(x, event="finding") for x in flat], lines)

    def test_records_say_what_the_text_says(self):
        doc = json.loads(run("--json", "disasm", "small-gfx1030.co").stdout)
        text = run("disasm", "small-gfx1030.co").stdout
        (obj,) = doc["objects"]
        self.assertEqual((obj["path"], obj["target"], obj["e_flags"], obj["n_kernels"]), ("small-gfx1030.co", "gfx1030", 0x36, 2))
        self.assertEqual([f["name"] for f in obj["functions"]], heads(text))
        shown = [line for line in text.splitlines() if "// 0000" in line]
        items = [i for f in obj["functions"] for i in f["instructions"]]
        self.assertEqual(len(shown), len(items))
        for line, i in zip(shown, items):
            self.assertEqual(line.split(), i["text"].split() + ["//", "%012X:" % i["address"]] + i["words"].split())
        kernel = obj["functions"][1]["kernels"][0]
        for name, value in kernel.items():
            if name not in ("type", "name", "descriptor_address") and not name.startswith("metadata"):
                self.assertRegex(text, r"(amdhsa_%s|%s) %d\n" % (name, name.upper(), value))

    def test_failure_is_json(self):
        doc = json.loads(run("--json", "disasm", "-k", "nix", "small-gfx1030.co", code=66).stdout)
        self.assertEqual((doc["objects"], doc["error"]["exit"]), ([], 66))

    def test_labels(self):
        data = bytearray(compose.code_object("gfx1030"))
        at = data.index(b"\x06\x09\x06\x80")
        data[at:at + 4] = (0xbf820001).to_bytes(4, "little")  # s_branch over the next word
        path = self.file(bytes(data))
        doc = json.loads(run("--json", "disasm", "-k", "first", path).stdout)
        code = doc["objects"][0]["functions"][0]["instructions"]
        self.assertEqual((code[0]["text"], code[0]["branch_to"]), ("s_branch L0", code[2]["address"]))
        self.assertEqual([i.get("label") for i in code[:4]], [None, None, "L0", None])
        text = run("disasm", "-k", "first", path).stdout
        self.assertIn("\n\n%016x <L0>:\n" % code[2]["address"], text)
        data[at:at + 4] = (0xbf827000).to_bytes(4, "little")  # out of the function
        text = run("disasm", self.file(bytes(data))).stdout
        self.assertRegex(text, r"\ts_branch 28672 +// 000000001A00: BF827000 <second\+0x1bf04>\n")


class Defects(Files):
    """What scan finds, at its line; the rules themselves are tested in tests/scan."""

    def defective(self):
        data = bytearray(compose.code_object("gfx1030"))
        at = data.index(b"\x06\x09\x06\x80")  # s_add_u32 of "first"
        data[at:at + 4] = (0xbfa00003).to_bytes(4, "little")  # s_inst_prefetch 0x3
        at = data.index(bytes.fromhex("008070dc"), at)  # global_store_dword
        data[at:at + 8] = struct.pack("<II", 0xdc300004, 0x007d0008)  # flat_load_dword v0, v[8:9] offset:4
        return self.file(bytes(data), "defective.co")

    def test_margin(self):
        path = self.defective()
        plain, text = run("disasm", path).stdout, run("disasm", "--for=gfx1010", path).stdout
        marked = [line for line in text.splitlines() if line[:1] in "!?" and line]
        self.assertEqual([(line.split()[1], line.split(" ! ")[1]) for line in marked],
                         [("s_inst_prefetch", "inst-prefetch"), ("flat_load_dword", "flat-offset")])
        self.assertRegex(text, r"\n; for gfx1010: 1 inst-prefetch, 1 flat-offset\n0000000000001a00 <first>:\n!\ts_inst")
        # nothing else is different
        text = text.replace("; for gfx1010: 1 inst-prefetch, 1 flat-offset\n", "")
        self.assertEqual([line.split(" ! ")[0].lstrip("!?") for line in text.splitlines()], plain.splitlines())

    def test_own_chip_is_clean(self):
        path = self.defective()
        self.assertEqual(run("disasm", "--for=gfx1030", path).stdout, run("disasm", path).stdout)

    def test_json(self):
        doc = json.loads(run("--json", "disasm", "--for=gfx1010", self.defective()).stdout)
        functions = doc["objects"][0]["functions"]
        self.assertEqual([f["defects"] for f in functions], ["", "inst-prefetch flat-offset", ""])
        self.assertEqual([i["text"].split()[0] for f in functions for i in f["instructions"] if "defects" in i],
                         ["s_inst_prefetch", "flat_load_dword"])

    def test_same_counts_as_scan(self):
        path = self.defective()
        scan = json.loads(run("--json", "scan", "--for=gfx1010", "--kernels", path, code=1).stdout)
        lines = [json.loads(line) for line in run("--json=lines", "disasm", "--for=gfx1010", path).stdout.splitlines()]
        ours = sorted((x["address"], c) for x in lines for c in x.get("defects", "").split() if x.get("type") == "instruction")
        self.assertEqual(len(ours), 2)
        self.assertEqual(sorted((k["address"] + f["offset"], f["class"]) for k in scan["kernels"] for f in k["findings"]), ours)

    def test_use(self):
        for args in (["--for=gfx90a"], ["--for=nix"], ["--strict"]):
            run("disasm", *args, "small-gfx1030.co", code=2)


class Pipes(Files):
    def many(self):
        for n in range(200):
            self.file(compose.code_object("gfx1030"), "%03d.co" % n)
        return self.dir

    def test_the_reader_goes(self):
        """As with "| head": ends at once, quietly."""
        for args in ([], ["--json=lines"]):
            p = subprocess.Popen([PROGRAM, *args, "disasm", self.many()], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            p.stdout.read(100)
            p.stdout.close()
            self.assertEqual((p.wait(timeout=60), p.stderr.read()), (0, b""))
            p.stderr.close()

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            p = subprocess.run([PROGRAM, "disasm", self.many()], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(p.returncode, 74)
        self.assertIn("cannot write the result", p.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
