#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs meson's tests of one build folder and counts what was skipped.

Usage: run-tests.py BUILD [--label TEXT] [--slow|--corpus] [--allow-skips FILE]
The counts also go to BUILD/result-LABEL.json.

A test that needs something absent says "SKIP: reason" (a line of its output, a
skipped unittest or cmocka test, or exit status 77). Each such line must match a line
of the allow file (a regular expression), else the run fails: on a machine where
everything was installed nothing may be skipped silently.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys


def skips_in(text):
    """Reasons of all skips that one test's output tells of."""
    found = []
    for line in text.splitlines():
        m = re.search(r"SKIP: (.*)", line)
        if m:
            found.append(m.group(1).strip().rstrip("'\")"))
        elif re.match(r"\[\s*SKIPPED\s*\] ", line) and "test(s)" not in line:
            found.append(line.split("]", 1)[1].strip())
    told = sum(int(n) for n in re.findall(r"^(?:OK|FAILED) \(.*?skipped=(\d+)", text, re.MULTILINE))
    return found + ["(reason not printed)"] * max(0, told - len(found))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("build")
    ap.add_argument("--label", default="tests")
    ap.add_argument("--slow", action="store_true", help="suite slow: fetches and builds ROCR")
    ap.add_argument("--corpus", action="store_true", help="suite corpus: gigabytes of real libraries")
    ap.add_argument("--allow-skips", default=str(pathlib.Path(__file__).parent.parent / "tests/allowed-skips.txt"))
    args = ap.parse_args()

    which = ["--no-suite", "slow", "--no-suite", "corpus"]
    if args.slow or args.corpus:
        which = ["--suite", "slow" if args.slow else "corpus"]
    cmd = ["meson", "test", "-C", args.build, "--print-errorlogs", "--no-stdsplit", *which]
    status = subprocess.run(cmd, check=False).returncode
    log = pathlib.Path(args.build, "meson-logs", "testlog.json")
    tests = [json.loads(line) for line in log.read_text().splitlines()]
    if not tests:
        sys.exit("%s: no test was run" % args.label)

    allowed = [re.compile(line.split("#")[0].strip()) for line in pathlib.Path(args.allow_skips).read_text().splitlines()
               if line.split("#")[0].strip()]
    passed = failed = 0
    skipped, unexpected = [], []
    for t in tests:
        reasons = skips_in((t.get("stdout") or "") + "\n" + (t.get("stderr") or ""))
        if t["result"] == "SKIP" and not reasons:
            reasons = ["(no reason given)"]
        skipped += [(t["name"], r) for r in reasons]
        if t["result"] == "OK":
            passed += 1
        elif t["result"] != "SKIP":
            failed += 1
    unexpected = [s for s in skipped if not any(a.search("%s: %s" % s) for a in allowed)]
    for name, reason in skipped:
        print("%sskipped: %s: %s" % ("UNEXPECTED " if (name, reason) in unexpected else "", name, reason))
    print("%s: %d passed, %d failed, %d skipped" % (args.label, passed, failed, len(skipped)))
    pathlib.Path(args.build, "result-%s.json" % args.label).write_text(
        json.dumps({"passed": passed, "failed": failed, "skipped": len(skipped)}))
    if unexpected:
        print("%s: %d unexpected skips" % (args.label, len(unexpected)))
    sys.exit(1 if status or failed or unexpected else 0)


if __name__ == "__main__":
    main()
