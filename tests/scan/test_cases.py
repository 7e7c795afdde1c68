#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every case of cases.s is marked exactly where its lines say. test_cases.py SCAN_RAW SOURCE_ROOT"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

RAW = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = ["llvm-mc-19", "llvm-objcopy-19"]


def read_cases():
    cases, name = {}, None
    with open(os.path.join(HERE, "cases.s"), encoding="ascii") as f:
        for line in f:
            head = re.match(r"; case (\S+)(.*)", line)
            if head:
                name = head[1]
                assert name not in cases, name
                cases[name] = (head[2].split(), [])
            elif name and line.strip() and not line.startswith(";"):
                cases[name][1].append(line.rstrip("\n"))
    return cases


CASES = read_cases()


class Cases(unittest.TestCase):
    def setUp(self):
        missing = [t for t in TOOLS if not shutil.which(t)]
        if missing:
            self.skipTest("SKIP: no " + missing[0])

    def run_case(self, name):
        words, lines = CASES[name]
        options = dict(w.split("=") for w in words if "=" in w)
        flags = [w for w in words if "=" not in w]
        chip, card = options.get("code", "gfx1030"), options.get("card", "gfx1010")
        code = [line for line in lines if not re.match(r"\w+:", line)]
        wave = "+wavefrontsize64,-wavefrontsize32" if "wave64" in flags else "+wavefrontsize32"
        want = []
        for line in code:
            mark = re.search(r";! (.*)$", line)
            want.append(sorted(mark[1].strip().split(",")) if mark else [])
        with tempfile.TemporaryDirectory() as tmp:
            obj, raw = os.path.join(tmp, "o"), os.path.join(tmp, "raw")
            text = "\n".join(lines) + "\n"
            subprocess.run(["llvm-mc-19", "-triple=amdgcn-amd-amdhsa", "-mcpu=" + chip, "-mattr=" + wave, "-filetype=obj",
                            "-o", obj], input=text, text=True, check=True)
            subprocess.run(["llvm-objcopy-19", "-O", "binary", "-j", ".text", obj, raw], check=True)
            out = subprocess.run([RAW, raw, chip, card] + flags, capture_output=True, text=True, check=True).stdout
        got = [line.split("\t") for line in out.splitlines()]
        self.assertEqual(len(got), len(code), out)
        for line, w, g in zip(code, want, got):
            self.assertEqual(sorted(g[2].split(",")) if g[2] != "-" else [], w, "%s: %s" % (name, line.strip()))

    def test_every_class_is_tested(self):
        seen = set()
        for _, lines in CASES.values():
            for line in lines:
                seen |= set(re.sub(r"^.*;! ", "", line).split(",")) if ";!" in line else set()
        # a word that is no instruction cannot be written in assembly: test_scan.c has it
        with open(os.path.join(sys.argv[2], "lib/scan/classes.c"), encoding="ascii") as f:
            classes = set(re.findall(r'\{ \{ "([a-z0-9-]+)"|"([a-z0-9-]+)",\s*RP_SCAN_', f.read()))
        classes = {a or b for a, b in classes}
        self.assertGreater(len(classes), 18)
        self.assertEqual(classes - seen - {"undecodable"}, set())


for case in CASES:
    setattr(Cases, "test_" + case.replace("-", "_"), lambda self, case=case: self.run_case(case))

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
