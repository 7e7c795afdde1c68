#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The main job on ROCm's real source: fetch, patch, build, prove, install, switch, go back. Also
that our diff and our apply make the same tree, on every source that the mirror gives."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import browser

PROGRAM = sys.argv.pop(1)
SOURCE_TOOL = sys.argv.pop(1)
NO_NETWORK = "no network, or no Debian mirror configured"
TREES = {"rocr": ("deb:rocr-runtime/sid=6.4.3+dfsg-5", ["R1", "R2", "R4"]),
         "clr-6.4": ("deb:rocm-hipamd/sid=6.4.3-5", ["H1", "H2", "H3", "H4"]),
         "clr-5.7": ("deb:rocm-hipamd/trixie=5.7.1-6+deb13u1", ["H1", "H2", "H3", "H4"]),
         "roct": ("deb:roct-thunk-interface/trixie=6.2.4+ds-1", [])}


class Real(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="rp-slow-"))
        os.chmod(cls.dir, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.env = dict(os.environ, HOME=str(cls.dir), XDG_CACHE_HOME=str(cls.dir / "cache"), LC_ALL="C")

    def run_program(self, *args, code=0, env=None):
        p = subprocess.run([PROGRAM, *map(str, args)], env=dict(self.env, **(env or {})), capture_output=True, text=True, timeout=3000)
        if p.returncode == 75 or "no Debian mirror" in p.stderr:
            self.skipTest("SKIP: " + NO_NETWORK)
        self.assertEqual(p.returncode, code, (args, p.stdout[-3000:], p.stderr[-3000:]))
        return p

    def unpack(self, name):
        text, ids = TREES[name]
        tree = self.dir / name
        p = subprocess.run([SOURCE_TOOL, "unpack", str(self.dir / "cache/rocm-patch"), "/", text, str(tree)], env=self.env,
                           capture_output=True, text=True, timeout=600)
        if p.returncode != 0 and ("ENETUNREACH" in p.stdout or "ENODEV" in p.stdout):
            self.skipTest("SKIP: " + NO_NETWORK)
        self.assertEqual(p.returncode, 0, p.stdout)
        print("source:", p.stdout.splitlines()[0], p.stdout.splitlines()[1])
        return tree, ids


class Trees(Real):
    def check_tree(self, name):
        tree, ids = self.unpack(name)
        before = subprocess.run(["tar", "-C", str(tree), "--sort=name", "-cf", "-", "."], capture_output=True, check=True).stdout
        doc = json.loads(self.run_program("--json", "patch", "check", tree).stdout)
        self.assertEqual([r["id"] for r in doc["results"] if r["outcome"] == "applies"], ids)
        copies = {}
        diff = self.run_program("patch", "diff", tree).stdout
        for tool in (["git", "apply", "-"], ["patch", "-s", "-p1"]):
            copy = self.dir / (name + "-" + tool[0])
            shutil.copytree(tree, copy, symlinks=True)
            subprocess.run(tool, input=diff, text=True, check=True, cwd=copy,
                           env=dict(self.env, GIT_CEILING_DIRECTORIES=str(self.dir)))
            copies[tool[0]] = copy
        started = time.monotonic()
        self.run_program("patch", "apply", tree)
        print("%s: patch apply took %.2f s" % (name, time.monotonic() - started))
        for copy in copies.values():
            subprocess.run(["diff", "-r", "-x", ".rocm-patch", str(tree), str(copy)], check=True)
        self.run_program("patch", "revert", tree)
        after = subprocess.run(["tar", "-C", str(tree), "--sort=name", "-cf", "-", "."], capture_output=True, check=True).stdout
        self.assertEqual(len(before), len(after))
        quilt = self.dir / (name + "-quilt")
        self.run_program("patch", "diff", "--quilt", quilt, tree)
        series = (quilt / "series").read_text().split()
        self.assertEqual(len(series), len(ids))
        for patch in series:
            subprocess.run(["patch", "-s", "-p1", "-i", str(quilt / patch)], check=True, cwd=tree)
        subprocess.run(["diff", "-r", str(tree), str(copies["patch"])], check=True)

    def test_rocr(self):
        self.check_tree("rocr")

    def test_clr_6_4(self):
        self.check_tree("clr-6.4")

    def test_clr_5_7(self):
        self.check_tree("clr-5.7")

    def test_roct_is_no_tree_for_patches(self):
        tree, _ = self.unpack("roct")
        p = self.run_program("patch", "check", tree, code=65)
        self.assertIn("no file that a patch edits", p.stderr)


class MainJob(Real):
    def test_the_whole_road(self):
        prefix = self.dir / "prefix"
        plan = json.loads(self.run_program("--json", "--prefix", prefix, "fix", "-n").stdout)["plan"]
        if plan["missing_packages"]:
            self.skipTest("SKIP: packages are missing: " + " ".join(plan["missing_packages"]))
        self.assertFalse(prefix.exists())
        doc = json.loads(self.run_program("--json", "--prefix", prefix, "--yes", "fix").stdout)
        proof = doc["proof"]
        self.assertEqual((proof["lost"], proof["gained"], proof["loads"]), ([], [], True))
        self.assertGreater(proof["same_symbols"], 200)
        self.assertEqual(proof["notes"], ["R1", "R2", "R4"])
        self.assertIs(proof["silicon"], False)
        self.assertEqual(os.readlink(prefix / "current"), doc["active"])
        lib = prefix / "current/lib/libhsa-runtime64.so.1"
        notes = subprocess.run(["readelf", "-n", str(lib)], capture_output=True, text=True, check=True).stdout
        self.assertEqual([line.split()[0] for line in notes.splitlines() if line.startswith("  ")].count("rocm-patch"), 3)
        # the generation is whole, by our own check and by sha256sum
        self.run_program("--prefix", prefix, "verify-store")
        subprocess.run(["sha256sum", "-c", "--quiet", ".rocm-patch/MANIFEST.sha256"], cwd=prefix / "current", check=True)
        # a program finds it
        code = "import ctypes; l = ctypes.CDLL('libhsa-runtime64.so.1'); print(open('/proc/self/maps').read())"
        maps = self.run_program("--prefix", prefix, "run", "--", sys.executable, "-c", code).stdout
        self.assertIn(str((prefix / doc["active"]).resolve()), maps)
        # without a card hsa_init says so, and does not crash (0x1008: out of resources)
        if not os.path.exists("/dev/kfd"):
            code = "import ctypes; print(hex(ctypes.CDLL('libhsa-runtime64.so.1').hsa_init()))"
            self.assertIn("0x1008", self.run_program("--prefix", prefix, "run", "--", sys.executable, "-c", code).stdout)
        self.check_story(prefix)
        # an unchanged rerun does nothing
        started = time.monotonic()
        again = json.loads(self.run_program("--json", "--prefix", prefix, "build").stdout)
        print("no-op build took %.3f s" % (time.monotonic() - started))
        self.assertIsNone(again["plan"]["first_stage"])
        self.assertTrue(again["plan"]["in_store"])
        # another selection is another generation, and only what follows the patch is done again
        other = self.run_program("--json=lines", "--prefix", prefix, "build", "--without", "R4").stdout.splitlines()
        events = [json.loads(line) for line in other]
        stages = [(e["step"], e.get("elapsed_ms")) for e in events if e["event"] == "done" and e.get("object") == "rocr"]
        print("without R4:", stages)
        self.assertEqual([s for s, _ in stages], ["patch", "build", "stage"])
        self.assertEqual(events[-1]["proof"]["notes"], ["R1", "R2"])
        self.run_program("--prefix", prefix, "activate", events[-1]["plan"]["id"])
        # back twice: the first generation, then none
        self.assertIn(doc["active"], self.run_program("--prefix", prefix, "rollback").stdout)
        self.assertEqual(os.readlink(prefix / "current"), doc["active"])
        self.run_program("--prefix", prefix, "rollback")
        self.assertFalse(os.path.lexists(prefix / "current"))
        self.run_program("--prefix", prefix, "rollback", code=66)


    def check_story(self, prefix):
        """The same on a virtual card, under the override as users set it: what it computes before and after."""
        if subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout.find("libamdhip64.so.5") < 0:
            self.skipTest("SKIP: HIP 5.2.3 is not installed")
        page, said = self.dir / "story.html", self.dir / "said"
        notify = self.dir / "notify"
        notify.write_text('#!/bin/sh\nprintf "%%s" "$1" > %s\n' % said)
        notify.chmod(0o755)
        tree = self.dir / "tree"
        tree.mkdir()
        shutil.copy(pathlib.Path(PROGRAM).parent / "data/kernels/verify-gfx1030.co", tree)
        doc = json.loads(self.run_program("--json", "--prefix", prefix, "--yes", "fix", "--gpu=gfx1010", "--html", page, "--notify", notify, tree,
                                          env={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}).stdout)
        before, after = doc["before"]["count"], doc["after"]["count"]
        print("before:", before, "after:", after)
        self.assertEqual((doc["chip"], doc["before"]["evidence"], doc["after"]["evidence"]), ("gfx1010", "virtual-gpu", "virtual-gpu"))
        for verdict in ("wrong", "crashed", "hung"):
            self.assertGreater(before[verdict], 0)
        self.assertEqual(after["right"], doc["after"]["cases"])
        self.assertEqual({r["code_object"] for r in doc["before"]["results"]} - {None}, {"verify-gfx1030.co"})  # None: it crashed
        self.assertEqual(said.read_text(), "rocm-patch fix: done")
        self.assertEqual(doc["rewritten"], [{"dir": str(tree), "applied": True, "files": 1, "written": 1, "left_out": 0}])
        got = json.loads(self.run_program("--json", "verify", "--gpu=gfx1010", "--what=copy", "--code-object", tree / "verify-gfx1010.co").stdout)
        self.assertEqual(got["count"]["right"], 3)
        self.run_program("--yes", "undo", tree)
        self.assertEqual([p.name for p in tree.iterdir()], ["verify-gfx1030.co"])
        report = json.loads(page.with_suffix(".json").read_text())
        self.assertEqual((report["before"], report["after"], report["active"]), (doc["before"], doc["after"], doc["active"]))
        if browser.CHROMIUM:
            seen = browser.everywhere(self, page, self.dir, self.env)
            self.assertEqual([row[1:] for row in seen["rows"]],
                             [[r["verdict"], a["verdict"]] for r, a in zip(doc["before"]["results"], doc["after"]["results"])])
            self.assertEqual(seen["bars"], 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
