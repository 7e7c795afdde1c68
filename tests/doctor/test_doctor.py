#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
doctor on composed machines (trees.py), against golden text and JSON; and each rule, stack and way.
test_doctor.py PROGRAM SOURCE_ROOT [--update]
"""
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

PROGRAM, ROOT = os.path.abspath(sys.argv[1]), sys.argv[2]
UPDATE = "--update" in sys.argv
HERE = os.path.join(ROOT, "tests/doctor")
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(ROOT, "tests/codeobj"))
import compose  # pylint: disable=wrong-import-position
import trees  # pylint: disable=wrong-import-position

VERBS = re.compile(r"^  ([a-z-]+) ", re.M)


@functools.lru_cache(maxsize=None)
def run(root, *args):
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C", "HSA_OVERRIDE_GFX_VERSION": "6.6.6"}
    return subprocess.run([PROGRAM, "--root=" + root, *args], env=env, capture_output=True, timeout=60, check=False)


class Doctor(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.mkdtemp()
        for machine in trees.MACHINES:
            trees.build(machine, cls.root(machine.__name__))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.tmp)

    @classmethod
    def root(cls, name):
        return os.path.join(cls.tmp, name)

    def golden(self, name, got):
        path = os.path.join(HERE, "golden", name)
        if UPDATE:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(got)
        with open(path, "rb") as f:
            self.assertEqual(got.decode(), f.read().decode(), name)

    def test_machines(self):
        for machine in trees.MACHINES:
            name = machine.__name__
            with self.subTest(name):
                text = run(self.root(name), "doctor")
                out = run(self.root(name), "--json", "doctor")
                self.assertEqual(text.returncode, out.returncode)
                got = json.loads(out.stdout)
                self.assertEqual((got["schema"], got["verb"]), (1, "doctor"))
                self.assertEqual(out.returncode, 69 if got["card"] is None else int(got["problems"]))
                self.golden(name + ".txt", text.stdout + text.stderr + b"exit %d\n" % text.returncode)
                self.golden(name + ".json", out.stdout)

    def test_one_screen(self):
        for machine in trees.MACHINES:
            out = run(self.root(machine.__name__), "doctor").stdout.decode()
            self.assertLessEqual(len(out.splitlines()), 50, machine.__name__)
            for line in out.splitlines():
                if len(line.split()) > 1 and "/" not in line:  # one long word, a path: not broken
                    self.assertLessEqual(len(line), 100, line)

    def test_nothing_of_a_tree_reaches_the_terminal_raw(self):
        for args in (["doctor"], ["doctor", "--facts"], ["--json", "doctor"]):
            got = run(self.root("hostile"), *args)
            self.assertNotIn(b"\x1b", got.stdout + got.stderr)
            for byte in got.stdout + got.stderr:
                self.assertTrue(byte == 10 or 0x20 <= byte < 0x7F or args[0] == "--json")

    def test_every_rule_way_and_stack_is_met(self):
        """Else a typo in a condition would make it dead."""
        rules, ways, chips, verbs = set(), set(), set(), set()
        for machine in trees.MACHINES:
            got = json.loads(run(self.root(machine.__name__), "--json", "doctor").stdout)
            rules |= {f["id"] for f in got["findings"]}
            ways |= {p["text"][:25] for p in got["path"]}
            chips |= {s["stack"] for s in got["stacks"]}
        helped = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
        verbs = set(VERBS.findall(helped))
        have = {"rules": rules, "ways": ways, "stacks": chips}
        for name in ("rules", "ways", "stacks"):
            with open(os.path.join(ROOT, "data/advice", name + ".ini"), encoding="utf-8") as f:
                sections = re.split(r"^\[(.+)\]$", f.read(), flags=re.M)[1:]
            for section, body in zip(sections[::2], sections[1::2]):
                if name == "rules":
                    if section not in ("open-hangs", "virtual-card"):  # a driver that hangs; VirtualCard
                        self.assertIn(section, have[name])
                elif name == "ways":
                    verb = re.search(r"^verb = (.*)", body, re.M)
                    if not verb or verb[1] in verbs:
                        text = re.search(r"^text = (.*)", body, re.M)[1][:25].split("{")[0]
                        self.assertTrue(any(w.startswith(text) for w in have[name]), section)
                elif "gfx1011" not in body:
                    self.assertIn(re.search(r"^stack = (.*)", body, re.M)[1], have[name])

    def test_what_is_advised_exists(self):
        helped = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
        for machine in trees.MACHINES:
            for verb in re.findall(r"^ +rocm-patch (\S+)", run(self.root(machine.__name__), "doctor").stdout.decode(), re.M):
                self.assertIn(verb, VERBS.findall(helped))

    def test_the_environment_of_this_process_is_not_that_of_a_tree(self):
        out = run(self.root("healthy"), "--json", "doctor").stdout
        self.assertNotIn(b"6.6.6", out)

    def test_gpu_option(self):
        got = json.loads(run(self.root("igpu_and_card"), "--json", "doctor", "--gpu=1").stdout)
        self.assertEqual(got["card"], "card 0000:0b:00.0")
        self.assertEqual(json.loads(run(self.root("igpu_and_card"), "--json", "doctor").stdout)["card"], "card 0000:03:00.0")
        self.assertEqual(run(self.root("igpu_and_card"), "doctor", "--gpu=2").returncode, 69)
        self.assertEqual(run(self.root("igpu_and_card"), "doctor", "--gpu=x").returncode, 2)

    def test_brief_and_facts(self):
        out = run(self.root("no_groups"), "doctor", "--brief").stdout.decode()
        self.assertIn("does not work", out)
        self.assertIn("usermod -aG render,video", out)
        self.assertNotIn("Findings", out)
        out = run(self.root("no_groups"), "doctor", "--facts").stdout.decode()
        self.assertIn("[/sys/bus/pci/devices/0000:03:00.0/fw_version/mec_fw_version]", out)

    def test_every_fact_has_a_source(self):
        for machine in trees.MACHINES:
            for fact in json.loads(run(self.root(machine.__name__), "--json", "doctor").stdout)["facts"]:
                self.assertTrue(fact["source"], fact)
                self.assertEqual(("value" in fact) + ("unknown" in fact), 1, fact)

    def test_malformed_machine_ini(self):
        root = os.path.join(self.tmp, "malformed")
        trees.build(trees.healthy, root)
        with open(root + trees.os.sep + ".rocm-patch-machine.ini", "w", encoding="ascii") as f:
            f.write("[user\n")
        got = run(root, "doctor")
        self.assertEqual(got.returncode, 65)
        self.assertIn(b".rocm-patch-machine.ini:1", got.stderr)

    def test_admission_thresholds(self):
        """Equal to the threshold passes (kgd2kfd_device_init refuses below it)."""
        for gc, device, revision, threshold in (((10, 1, 10), trees.NAVI10, 0xCA, 145), ((10, 1, 1), trees.NAVI14, 0, 145),
                                                ((10, 3, 4), trees.NAVI23, 0xC7, 92), ((10, 3, 6), trees.RAPHAEL, 0xC6, 14),
                                                ((10, 3, 7), 0x1506, 0xC1, 3)):
            for mec, below in ((threshold - 1, "yes"), (threshold, "no")):
                root = os.path.join(self.tmp, "mec-%x-%d" % (device, mec))
                tree = trees.Tree(root)
                os.makedirs(root)
                tree.system()
                tree.card(device, revision=revision, gc=gc, mec=mec, admitted=False)
                tree.write_ini()
                facts = {f["key"]: f.get("value") for f in json.loads(run(root, "--json", "doctor").stdout)["facts"]
                         if f["subject"].startswith("card")}
                self.assertEqual((facts["mec_needed"], facts["mec_below"]), (str(threshold), below), (gc, mec))


class Copies(unittest.TestCase):
    """capture and report."""
    maxDiff = None

    def setUp(self):
        self.tmp = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.tmp)

    def path(self, name):
        return os.path.join(self.tmp, name)

    def test_a_capture_replays_its_machine(self):
        for machine in trees.MACHINES:
            name = machine.__name__
            with self.subTest(name):
                trees.build(machine, self.path(name))
                got = run(self.path(name), "capture", self.path(name + "-copy"))
                self.assertEqual((got.returncode, got.stderr), (0, b""))
                want, have = (json.loads(run(self.path(n), "--json", "doctor").stdout) for n in (name, name + "-copy"))
                if name == "hostile":  # what is no file or no text is not copied: what it showed is missing
                    for got in (want, have):
                        got["facts"] = [f for f in got["facts"] if "unknown" not in f and f["key"] != "cmdline"]
                self.assertEqual(want, have)
                for folder, _, files in os.walk(self.path(name + "-copy")):
                    for f in files:
                        self.assertFalse(f.startswith(".rp-tmp"), folder)

    def test_capture_takes_no_names(self):
        trees.build(trees.override, self.path("m"))
        with open(self.path("m/etc/group"), "a", encoding="ascii") as f:
            f.write("audio:x:63:alice,bob\nalice:x:1001:\n")
        run(self.path("m"), "capture", self.path("copy"))
        with open(self.path("copy/etc/group"), encoding="ascii") as f:
            self.assertEqual(f.read(), "root:x:0:\nvideo:x:44:\nrender:x:110:\naudio:x:63:\n")
        with open(self.path("copy/home/user/.bashrc"), encoding="ascii") as f:
            self.assertEqual(f.read(), "\n\nexport HSA_OVERRIDE_GFX_VERSION=10.3.0\n")
        with open(self.path("copy/proc/cmdline"), encoding="ascii") as f:
            self.assertEqual(f.read(), "")

    def test_capture_of_the_host_is_redacted(self):
        home = self.path("secretname")
        trees.build(trees.override, self.path("m"))
        shutil.copytree(self.path("m/home/user"), home)
        env = {"PATH": os.environ["PATH"], "HOME": home, "USER": "secretname", "LC_ALL": "C", "XDG_CACHE_HOME": self.path("cache"),
               "LD_LIBRARY_PATH": home + "/lib:/data/secretname/x"}
        subprocess.run([PROGRAM, "capture", self.path("copy")], env=env, check=True, capture_output=True)
        self.assertTrue(os.path.exists(self.path("copy/home/user/venv/lib/python3.11/site-packages/torch/version.py")))
        got = subprocess.run([PROGRAM, "--yes", "report", self.path("r.tar")], env=env, check=True, capture_output=True)
        self.assertNotIn(b"secretname", got.stdout)
        with open(self.path("r.tar"), "rb") as f:
            self.assertNotIn(b"secretname", f.read())
        for folder, dirs, files in os.walk(self.path("copy")):
            for f in dirs + files:
                self.assertNotIn("secretname", f)
            for f in files:
                path = os.path.join(folder, f)
                if not os.path.islink(path):
                    with open(path, "rb") as g:
                        self.assertNotIn(b"secretname", g.read(), path)

    def test_capture_stays_inside(self):
        trees.build(trees.healthy, self.path("m"))
        os.unlink(self.path("m/sys/bus/pci/devices/0000:03:00.0"))
        os.symlink("/../../../../escaped", self.path("m/sys/bus/pci/devices/0000:03:00.0"))
        os.makedirs(self.path("m/escaped"))
        for name, text in (("class", "0x030000"), ("vendor", "0x1002"), ("device", "0x731f"), ("revision", "0xca")):
            with open(self.path("m/escaped/" + name), "w", encoding="ascii") as f:
                f.write(text)
        self.assertEqual(run(self.path("m"), "capture", self.path("copy")).returncode, 0)
        self.assertTrue(os.path.exists(self.path("copy/escaped/vendor")))
        self.assertFalse(os.path.exists(self.path("escaped")))

    def test_capture_needs_an_empty_folder(self):
        trees.build(trees.healthy, self.path("m"))
        os.mkdir(self.path("full"))
        with open(self.path("full/x"), "w", encoding="ascii") as f:
            f.write("x")
        self.assertEqual(run(self.path("m"), "capture", self.path("full")).returncode, 73)
        self.assertEqual(os.listdir(self.path("full")), ["x"])
        self.assertEqual(run(self.path("m"), "-n", "capture", self.path("new")).returncode, 0)
        self.assertFalse(os.path.exists(self.path("new")))

    def test_report(self):
        trees.build(trees.hangs, self.path("m"))
        self.assertEqual(run(self.path("m"), "report", self.path("a.tar")).returncode, 2)  # nobody to ask
        self.assertFalse(os.path.exists(self.path("a.tar")))
        self.assertEqual(run(self.path("m"), "-n", "report", self.path("a.tar")).returncode, 0)
        self.assertFalse(os.path.exists(self.path("a.tar")))
        got = run(self.path("m"), "--yes", "report", self.path("a.tar"))
        self.assertEqual(got.returncode, 0)
        self.assertEqual(run(self.path("m"), "--yes", "report", self.path("b.tar")).returncode, 0)
        with open(self.path("a.tar"), "rb") as a, open(self.path("b.tar"), "rb") as b:
            self.assertEqual(a.read(), b.read())
        with tarfile.open(self.path("a.tar")) as t:
            self.assertEqual([(m.name, m.mtime, m.uid, m.uname, m.mode) for m in t.getmembers()],
                             [("rocm-patch-report/" + n, 0, 0, "", 0o644) for n in ("doctor.txt", "doctor.json", "facts.txt", "kernel.log")])
            for member in t.getmembers():
                data = t.extractfile(member).read()
                if member.name.endswith(".json"):
                    self.assertEqual(json.loads(data)["findings"][0]["id"], "preemption")
                else:
                    self.assertIn(data, got.stdout)  # shown before
        run.cache_clear()
        self.assertEqual(run(self.path("m"), "--yes", "report", self.path("a.tar")).returncode, 73)
        self.assertEqual(run(self.path("m"), "--yes", "report", self.path("none/a.tar")).returncode, 66)


class Libraries(unittest.TestCase):
    """GPU targets of libraries by their bundles, and the cache of them."""

    def setUp(self):
        self.tmp = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.tmp)

    def found(self, data):
        root = tempfile.mkdtemp(dir=self.tmp) + "/m"
        os.makedirs(root)
        tree = trees.Tree(root)
        tree.system()
        tree.card()
        tree.torch()
        tree.libraries = []
        tree.file(trees.HOME + "/venv/lib/python3.11/site-packages/torch/lib/libtorch_hip.so", data)
        tree.write_ini()
        facts = json.loads(run(root, "--json", "doctor").stdout)["facts"]
        fact = [f for f in facts if f["key"] == "torch_code"][0]
        return fact.get("value", fact.get("unknown"))

    def test_targets(self):
        host = (compose.HOST, b"")
        many = compose.bundle([host] + [(compose.device(t), b"x" * 100) for t in
                                        ("gfx90a:sramecc+:xnack-", "gfx1010", "gfx90a:xnack+", "gfx10-3-generic")])
        other = compose.bundle([host, (compose.device("gfx1100"), b"y" * 50), (compose.device("gfx906"), b"")])
        want = "gfx90a gfx1010 gfx10-3-generic gfx1100"
        self.assertEqual(self.found(compose.library([many, other])), want)
        for version in (2, 3):
            self.assertEqual(self.found(compose.library([compose.compressed(many, version), compose.compressed(other, version)])), want)
        self.assertEqual(self.found(compose.library([])), "")
        self.assertIn("offset 0x", self.found(compose.library([many[:60]])))
        self.assertIn("offset 0x", self.found(compose.library([many, b"garbage!"])))
        self.assertIn("offset 0x", self.found(compose.library([compose.compressed(many)[:50]])))

    def host(self, **more):
        env = {"PATH": os.environ["PATH"], "HOME": self.tmp, "LC_ALL": "C", "XDG_CACHE_HOME": self.tmp + "/cache", **more}
        out = subprocess.run([PROGRAM, "--json", "doctor"], env=env, capture_output=True, timeout=60, check=False).stdout
        return [f for f in json.loads(out)["facts"] if f["key"] == "torch_code" and self.tmp in f["source"]][0]

    def test_cache(self):
        tree = trees.Tree(self.tmp)
        tree.torch(base="/venv")
        lib = self.tmp + "/venv/lib/python3.11/site-packages/torch/lib/libtorch_hip.so"
        cache = self.tmp + "/cache/rocm-patch/doctor-libraries.tsv"

        def put(target):
            with open(lib, "wb") as f:
                f.write(compose.library([compose.bundle([(compose.device(target), b"x")])]))

        put("gfx1010")
        self.assertEqual(self.host()["value"], "gfx1010")
        with open(cache, encoding="ascii") as f:
            text = f.read()
        self.assertTrue(text.endswith("\tgfx1010\n"), text)
        with open(cache, "w", encoding="ascii") as f:  # what the cache says is believed for the same file
            f.write(text.replace("gfx1010", "gfx7"))
        self.assertEqual(self.host()["value"], "gfx7")
        put("gfx1030")
        os.utime(lib, ns=(1, 1))
        self.assertEqual(self.host()["value"], "gfx1030")
        with open(cache, "w", encoding="ascii") as f:
            f.write("garbage\n" * 10)
        self.assertEqual(self.host()["value"], "gfx1030")


class Cards(unittest.TestCase):
    """What needs device nodes."""

    def test_virtual_card(self):
        got = subprocess.run([PROGRAM, "run", "--gpu", "gfx1010", "--", PROGRAM, "--json", "doctor"], capture_output=True,
                             timeout=60, check=False)
        out = json.loads(got.stdout)
        facts = {f["key"]: f.get("value") for f in out["facts"] if f["subject"] in ("machine", out["card"])}
        self.assertEqual([facts[k] for k in ("product", "chip", "admitted", "kfd_atomics", "kfd_access", "render_access", "amdgpu_loaded")],
                         ["AMD Radeon RX 5600 XT", "gfx1010", "yes", "yes", "yes", "yes", "yes"])
        self.assertRegex(facts["kfd_interface"], r"^1\.1\d$")
        self.assertIn("virtual-card", [f["id"] for f in out["findings"]])

    def test_a_driver_that_never_answers(self):
        """A child that sleeps in place of the one that opens the nodes."""
        with tempfile.TemporaryDirectory() as tmp:
            shutil.copy(PROGRAM, tmp + "/rocm-patch")
            with open(tmp + "/source-tree", "w", encoding="utf-8") as f:
                f.write(ROOT + "\n")
            with open(tmp + "/rocm-patch-touch", "w", encoding="ascii") as f:
                f.write("#!/bin/sh\nsleep 100\n")
            os.chmod(tmp + "/rocm-patch-touch", 0o755)
            trees.build(trees.healthy, tmp + "/tree")
            env = {"PATH": os.environ["PATH"], "HOME": tmp, "LC_ALL": "C", "ROCM_PATCH_VGPU": tmp + "/tree"}
            start = time.monotonic()
            got = subprocess.run([tmp + "/rocm-patch", "--json", "doctor"], env=env, capture_output=True, timeout=60, check=False)
            self.assertLess(time.monotonic() - start, 30)
            self.assertIn("open-hangs", [f["id"] for f in json.loads(got.stdout)["findings"]])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + [a for a in sys.argv[3:] if a != "--update"], verbosity=1)
