#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page of verify in a real browser: phone and desktop widths, light and dark.

test_page.py ROCM_PATCH: without chromium it skips. Beside what browser.py looks at: every case is there with the verdict
that the JSON has, a wrong result has its strip."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import browser

PROGRAM = os.path.abspath(sys.argv.pop(1))
CASES = ["copy f32 w1001", "conv f32 c3 h20 w20 k4 r3 s3 pad1", "conv-struct f32 c3 h20 w20 k4 r3 s3 pad1",
         "batch-norm f32 n2 c4 h8 w8", "gemm f32 n8 c8 k8"]


@unittest.skipUnless(browser.CHROMIUM, "SKIP: chromium is not installed")
class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="rp-page-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.env = {"PATH": os.environ["PATH"], "HOME": str(cls.dir), "LC_ALL": "C.UTF-8"}

    def test_verify(self):
        page = self.dir / "verify.html"
        got = subprocess.run([PROGRAM, "--json", "verify", "--gpu=gfx1010", "--html=%s" % page] + ["--case=" + c for c in CASES],
                             env=dict(self.env, HSA_OVERRIDE_GFX_VERSION="10.3.0"), capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(got.returncode, 1, got.stderr)
        results = json.loads(got.stdout)["results"]
        verdicts = [r["verdict"] for r in results]
        for verdict in ("wrong", "crashed", "hung"):
            self.assertIn(verdict, verdicts)
        seen = browser.everywhere(self, page, self.dir, self.env)
        self.assertEqual([row[1] for row in seen["rows"]], verdicts)
        self.assertEqual([row[0] for row in seen["rows"]], [r["case"] for r in results])
        self.assertEqual(seen["strips"], sum(1 for r in results if r.get("wrong")))
        for r in results:
            if r.get("wrong"):
                self.assertEqual(sum(r["where"]), r["wrong"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
