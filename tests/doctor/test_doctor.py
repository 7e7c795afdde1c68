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
import tempfile
import unittest

PROGRAM, ROOT = sys.argv[1:3]
UPDATE = "--update" in sys.argv
HERE = os.path.join(ROOT, "tests/doctor")
sys.path.insert(0, HERE)
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


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]] + [a for a in sys.argv[3:] if a != "--update"], verbosity=1)
