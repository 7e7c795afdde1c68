# SPDX-License-Identifier: MIT
"""Debian's packages as test material: scripts/fetch-debs, with what it says turned into skips."""
import subprocess
from pathlib import Path

FETCH = Path(__file__).resolve().parents[1] / "scripts" / "fetch-debs"


def fetch(test, cache, word, version=None):
    """(name, version, folder) of a package, unpacked; skips without network, or if the archive has another version."""
    got = subprocess.run([FETCH, cache, word], capture_output=True, text=True, check=False)
    if got.returncode == 75:
        test.skipTest("SKIP: " + got.stderr.strip())
    test.assertEqual(got.returncode, 0, got.stderr)
    name, found, path = got.stdout.split()
    if version and found != version:
        test.skipTest("SKIP: %s is %s, the numbers are of %s" % (word, found, version))
    return name, found, Path(path)
