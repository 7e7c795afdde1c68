#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The verb scan as a user meets it, on small committed objects. test_verb.py PROGRAM SOURCE_ROOT"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import zipfile

PROGRAM, ROOT = sys.argv[1:3]
BAD = os.path.join(ROOT, "tests/scan/data/defects-gfx1030.co")
GOOD = os.path.join(ROOT, "tests/codeobj/data/small-gfx1010.co")
GOOD30 = os.path.join(ROOT, "tests/codeobj/data/small-gfx1030.co")
OLD = os.path.join(ROOT, "tests/codeobj/data/small-gfx90a.co")


def run(*args, **kw):
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C"}
    return subprocess.run([PROGRAM, *args], env=env, capture_output=True, text=True, timeout=60, check=False, **kw)


def scan(*args):
    got = run("--json", "scan", *args)
    return got.returncode, json.loads(got.stdout)


def bundle(path, entries):
    """A plain offload bundle (ClangOffloadBundler's layout) of (target, bytes)."""
    head = b"__CLANG_OFFLOAD_BUNDLE__" + len(entries).to_bytes(8, "little")
    names = [b"hipv4-amdgcn-amd-amdhsa--" + t.encode() for t, _ in entries]
    at, table = 4096, b""
    for name, (_, data) in zip(names, entries):
        table += at.to_bytes(8, "little") + len(data).to_bytes(8, "little") + len(name).to_bytes(8, "little") + name
        at += -(-len(data) // 4096) * 4096
    with open(path, "wb") as f:
        f.write(head + table)
        at = 4096
        for _, data in entries:
            f.seek(at)
            f.write(data)
            at += -(-len(data) // 4096) * 4096


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Verb(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.tmp)

    def path(self, name):
        return os.path.join(self.tmp, name)

    def card(self, device, revision="0xca", vendor="0x1002", klass="0x030000", slot="0000:03:00.0"):
        folder = self.path("root/sys/bus/pci/devices/" + slot)
        os.makedirs(folder, exist_ok=True)
        for name, text in (("vendor", vendor), ("device", device), ("revision", revision), ("class", klass)):
            if text is not None:
                with open(os.path.join(folder, name), "w", encoding="ascii") as f:
                    f.write(text + "\n")
        return "--root=" + self.path("root")

    def test_verdicts_and_exit_status(self):
        for args, status, verdict in (
                (["--for=gfx1010", BAD], 1, "other-affected"), (["--for=gfx1030", BAD], 0, "native-clean"),
                (["--for=gfx1031", BAD], 0, "other-clean"), (["--for=gfx1010", GOOD], 0, "native-clean"),
                (["--for=gfx1012", GOOD], 0, "other-clean"), (["--for=gfx1010", OLD], 1, "no-code")):
            code, got = scan(*args)
            self.assertEqual((code, [u["verdict"] for u in got["units"]]), (status, [verdict]), args)
            self.assertEqual(got["evidence"], "reading")

    def test_opcodes(self):
        code, got = scan("--for=gfx1030", "--opcodes", BAD)
        self.assertEqual(code, 0)
        opcodes = got["opcodes"][0]
        self.assertEqual((opcodes["target"], opcodes["instructions"], opcodes["undecodable"]), ("gfx1030", 13, 0))
        self.assertEqual(sum(x["count"] for x in opcodes["opcodes"]), 13)
        rows = {x["mnemonic"]: x for x in opcodes["opcodes"]}
        self.assertEqual(rows["s_inst_prefetch"], {"mnemonic": "s_inst_prefetch", "encoding": "SOPP", "count": 1,
                                                   "semantics": True, "fidelity": "exact"})
        counts = [x["count"] for x in opcodes["opcodes"]]
        self.assertEqual(counts, sorted(counts, reverse=True))
        self.assertNotIn("opcodes", scan("--for=gfx1030", BAD)[1])
        text = run("scan", "--for=gfx1030", "--opcodes", BAD).stdout
        self.assertIn("Opcodes of gfx1030 code", text)
        self.assertRegex(text, r"\n +1  SOPP +s_inst_prefetch +yes, exact\n")

    def test_opcodes_without_semantics(self):
        # image_sample v[0:3], v[0:1], s[0:7], s[0:3] in the place of a kernel's first two words
        data = bytearray(read(BAD))
        _, listed = scan("--for=gfx1010", "--kernels", "--class=illegal-opcode", BAD)
        kernel = next(k for k in listed["kernels"])
        finding = kernel["findings"][0]
        elf = data.index(b"\x7fELF")
        self.assertEqual(elf, 0)
        at = finding["offset"] + kernel["address"] - self.text_skew(data)
        data[at:at + 8] = (0xf0800f08).to_bytes(4, "little") + bytes(4)
        path = self.path("image.co")
        with open(path, "wb") as f:
            f.write(data)
        got = scan("--for=gfx1030", "--opcodes", path)[1]["opcodes"][0]
        self.assertEqual([(x["mnemonic"], x["fidelity"]) for x in got["opcodes"] if not x["semantics"]], [("image_sample", "none")])

    def text_skew(self, data):
        """Address minus file offset of .text, by the executable program header."""
        phoff, phentsize, phnum = (int.from_bytes(data[a:a + n], "little") for a, n in ((32, 8), (54, 2), (56, 2)))
        for i in range(phnum):
            p = data[phoff + i * phentsize:]
            if p[0] == 1 and p[4] & 1:
                return int.from_bytes(p[16:24], "little") - int.from_bytes(p[8:16], "little")
        self.fail("no executable segment")

    def test_counts(self):
        _, got = scan("--for=gfx1010", BAD)
        target = got["units"][0]["targets"][0]
        one = {"instructions": 1, "functions": 1, "kernels": 1}
        self.assertEqual(target["classes"], {c: one for c in ("illegal-opcode", "inst-prefetch", "flat-offset",
                                                              "vmem-to-scalar", "vcmpx-exec-war")})
        self.assertEqual(target["affected"], {"instructions": 5, "functions": 1, "kernels": 1})
        self.assertEqual(target["faults_or_hangs"]["instructions"], 2)
        self.assertEqual((target["kernels"], target["functions"], target["instructions"]), (2, 2, 13))
        self.assertEqual(got["totals"], got["units"][0]["targets"])
        _, got = scan("--for=gfx1012", BAD)
        self.assertNotIn("illegal-opcode", got["totals"][0]["classes"])

    def test_native_code_counts_before_other(self):
        path = self.path("lib.bundle")
        bundle(path, [("gfx1010", read(GOOD)), ("gfx1030", read(BAD)), ("gfx90a", read(OLD))])
        code, got = scan("--for=gfx1010", path)
        self.assertEqual((code, got["units"][0]["verdict"]), (0, "native-clean"))
        self.assertEqual([(t["target"], t["native"], t["scanned"]) for t in got["units"][0]["targets"]],
                         [("gfx1010", True, True), ("gfx1030", False, True),
                          (got["units"][0]["targets"][2]["target"], False, False)])
        self.assertEqual(scan("--for=gfx1030", path)[1]["units"][0]["verdict"], "native-clean")
        # two chips' code, one of them clean: the card would run that one
        bundle(path, [("gfx1030", read(BAD)), ("gfx1010", read(GOOD))])
        self.assertEqual(scan("--for=gfx1011", path)[1]["units"][0]["verdict"], "other-clean")

    def test_a_folder_of_code_objects_is_one_unit(self):
        os.mkdir(self.path("library"))
        shutil.copy(BAD, self.path("library/k_gfx1030.co"))
        shutil.copy(GOOD, self.path("library/k_gfx1010.co"))
        bundle(self.path("library/x.bundle"), [("gfx1030", read(BAD))])
        code, got = scan("--for=gfx1010", self.tmp)
        self.assertEqual(code, 1)
        self.assertEqual([(os.path.basename(u["path"].rstrip("/")), u["is_folder"], u["files"], u["verdict"])
                          for u in got["units"]],
                         [("x.bundle", False, 1, "other-affected"), ("library", True, 2, "native-clean")])

    def test_wheel(self):
        with zipfile.ZipFile(self.path("torch.whl"), "w", zipfile.ZIP_DEFLATED) as z:
            z.write(BAD, "torch/lib/k.co")
        code, got = scan("--for=gfx1010", "--kernels", self.path("torch.whl"))
        self.assertEqual(code, 1)
        self.assertEqual(got["units"][0]["path"], self.path("torch.whl") + "!torch/lib/")
        self.assertEqual(got["kernels"][0]["member"], "torch/lib/k.co")

    def test_kernels(self):
        out = run("scan", "--for=gfx1010", "--kernels", BAD).stdout.split("\n\n")[0].splitlines()
        self.assertEqual(out[0], BAD + " @0x0 gfx1030, kernel bad")
        self.assertEqual([line.split() for line in out[1:]], [
            ["+0x00014", "flat-offset", "flat_load_dword", "v2,", "v[0:1]", "offset:4"],
            ["+0x0001c", "inst-prefetch", "s_inst_prefetch", "0x1"],
            ["+0x00028", "vmem-to-scalar", "s_mov_b32", "exec_lo,", "1"],
            ["+0x0002c", "vcmpx-exec-war", "v_cmpx_eq_u32_e32", "0,", "v0"],
            ["+0x00030", "illegal-opcode", "v_dot2c_f32_f16", "v2,", "v3,", "v3"]])
        _, got = scan("--for=gfx1010", "--kernels", "--class=flat-offset", "--class=branch-3f", BAD)
        self.assertEqual([(k["name"], k["kind"], [(f["offset"], f["class"]) for f in k["findings"]])
                          for k in got["kernels"]], [("bad", "kernel", [(20, "flat-offset")])])

    def test_damage_is_told_and_is_no_success(self):
        with open(self.path("cut.co"), "wb") as f:
            f.write(read(GOOD)[:900])
        got = run("scan", "--for=gfx1010", self.path("cut.co"))
        self.assertEqual(got.returncode, 65)
        self.assertIn("cut.co: offset 0x0: code object: ", got.stderr)
        self.assertEqual(scan("--for=gfx1010", self.path("cut.co"))[1]["damaged"], 1)
        self.assertEqual(scan("--for=gfx1010", self.path("cut.co"), BAD)[0], 1)

    def test_nothing_there(self):
        with open(self.path("text"), "w", encoding="ascii") as f:
            f.write("hello\n")
        got = run("scan", "--for=gfx1010", self.tmp)
        self.assertEqual(got.returncode, 0)
        self.assertIn("No code for AMD GPUs found in 1 file.", got.stdout)
        os.mkdir(self.path("links"))
        os.symlink(BAD, self.path("links/a.co"))
        got = run("scan", "--for=gfx1010", self.path("links"))
        self.assertEqual(got.returncode, 0)
        self.assertIn("1 symbolic link was not followed.", got.stdout)

    def test_interrupt(self):
        os.mkdir(self.path("many"))
        for i in range(3000):
            shutil.copy(BAD, self.path("many/%d.co" % i))
        p = subprocess.Popen([PROGRAM, "scan", "--for=gfx1010", self.tmp], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=60)
        self.assertEqual(out, "")
        self.assertNotEqual(p.returncode, 0)

    def test_wrong_use(self):
        for args, status, text in (
                ([], 2, "a PATH is missing"), (["--for=gfx9999", BAD], 2, "no such chip"),
                (["--for=gfx906", BAD], 2, "only gfx10 chips"), (["--for=gfx1010", "--class=x", "--kernels", BAD], 2, "no such class"),
                (["--for=gfx1010", "--class=flat-offset", BAD], 2, "--class needs --kernels"),
                (["--for=gfx1010", "--jobs=0", BAD], 2, "--jobs"), (["--explain=nothing"], 2, "no such class"),
                (["--for=gfx1010", self.path("absent")], 66, "No such file")):
            got = run("scan", *args)
            self.assertEqual(got.returncode, status, args)
            self.assertIn(text, got.stderr)
            self.assertEqual(got.stdout, "")

    def test_the_machines_card(self):
        root = self.card("0x731f")
        got = run(root, "scan", BAD)
        self.assertEqual(got.returncode, 1)
        self.assertIn("Scan for gfx1010 (AMD Radeon RX 5600 XT", got.stdout)
        _, got = scan(root, BAD)
        self.assertEqual((got["for"], got["card"]["slot"], got["card"]["device"]), ("gfx1010", "0000:03:00.0", 0x731f))
        # --for wins
        self.assertEqual(scan(root, "--for=gfx1030", BAD)[1]["card"], None)
        self.card("0x73ff", slot="0000:0a:00.0")
        got = run(root, "scan", BAD)
        self.assertIn("this machine has 2 AMD cards; this is about 0000:03:00.0", got.stderr)

    def test_the_card_by_its_own_table(self):
        # a PCI id that no table has: the card itself says what it is, as doctor reads it
        root = self.card("0x7fff")
        self.assertEqual(run(root, "scan", BAD).returncode, 69)
        folder = self.path("root/sys/bus/pci/devices/0000:03:00.0/ip_discovery/die/0/GC/0")
        os.makedirs(folder)
        for name, text in (("major", "10"), ("minor", "1"), ("revision", "10")):
            with open(os.path.join(folder, name), "w", encoding="ascii") as f:
                f.write(text + "\n")
        self.assertEqual(scan(root, BAD)[1]["for"], "gfx1010")

    def test_no_card(self):
        os.mkdir(self.path("root"))
        got = run("--root=" + self.path("root"), "scan", BAD)
        self.assertEqual(got.returncode, 69)
        self.assertIn("this machine has no AMD card; --for=CHIP asks for a chip", got.stderr)
        root = self.card("0x1234", vendor="0x10de")
        self.assertEqual(run(root, "scan", BAD).returncode, 69)
        root = self.card("0x66af", slot="0000:04:00.0")
        self.assertIn("no gfx10 card: 0000:04:00.0 is PCI id 1002:66af", run(root, "scan", BAD).stderr)

    def test_unreadable_sysfs(self):
        root = self.card("0x731f", klass="garbage")
        got = run(root, "scan", BAD)
        self.assertEqual(got.returncode, 69)
        self.assertIn("1 devices are not readable", got.stderr)

    def test_completion_knows_every_class(self):
        classes = [c["class"] for c in json.loads(run("--json", "scan", "--explain=all").stdout)["classes"]]
        with open(os.path.join(os.path.dirname(PROGRAM), "cli/rocm-patch.fish"), encoding="utf-8") as f:
            lines = [line for line in f if "from scan'" in line]
        for option, first in (("class", []), ("explain", ["all"])):
            words = [re.search(r"-a '([^']*)'", line)[1].split() for line in lines if "-l %s " % option in line]
            self.assertEqual([sorted(w) for w in words], [sorted(first + classes)], option)

    def test_explain(self):
        got = run("scan", "--explain=flat-offset")
        self.assertEqual(got.returncode, 0)
        for text in ("flat-offset (wrong data)", "isLegalFLATOffset", "64-bit addition"):
            self.assertIn(text, got.stdout)
        self.assertEqual(json.loads(run("--json", "scan", "--explain=flat-offset").stdout)["severity"], "wrong data")
        classes = json.loads(run("--json", "scan", "--explain=all").stdout)["classes"]
        self.assertEqual(len({c["class"] for c in classes}), len(classes))
        helped = run("scan", "--help").stdout
        for c in classes:
            self.assertEqual(run("scan", "--explain=" + c["class"]).returncode, 0)
        self.assertIn("--explain", helped)

    def test_many_threads_count_the_same(self):
        os.mkdir(self.path("many"))
        for i in range(20):
            shutil.copy(BAD if i % 3 else GOOD30, self.path("many/%d.co" % i))
        want = scan("--for=gfx1010", "-j1", self.tmp)
        for jobs in ("2", "7", "64", "999"):
            self.assertEqual(scan("--for=gfx1010", "-j" + jobs, self.tmp), want)

    def test_pipe_that_closes(self):
        got = subprocess.run("%s scan --for=gfx1010 --kernels %s | head -n 1" % (PROGRAM, BAD), shell=True,
                             capture_output=True, text=True, check=False)
        self.assertEqual(got.stderr, "")

    def test_control_characters_in_names(self):
        name = self.path("a\x1b[31mb.co")
        shutil.copy(BAD, name)
        self.assertNotIn("\x1b", run("scan", "--for=gfx1010", name).stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
