#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program as a user meets it: help, wrong use, colour, pipes, signals."""
import json
import os
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop(1)


def run(*args, env=None, **kw):
    full = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C"}
    full.update(env or {})
    return subprocess.run([PROGRAM, *args], env=full, capture_output=True, text=True, timeout=60, **kw)


def verbs():
    out = run("--help").stdout
    part = out.split("Verbs:\n")[1].split("\nOptions")[0]
    return [line.split()[0] for line in part.splitlines() if line]


@unittest.skipUnless(verbs(), "SKIP: no verb is built yet")
class Help(unittest.TestCase):
    def test_help_lists_every_verb_and_every_verb_has_help(self):
        self.assertTrue(verbs())
        for verb in verbs():
            p = run(verb, "--help")
            self.assertEqual(p.returncode, 0, verb)
            self.assertTrue(p.stdout.startswith("Usage: rocm-patch " + verb), verb)
            self.assertEqual(p.stderr, "", verb)

    def test_version(self):
        p = run("--version")
        self.assertEqual(p.returncode, 0)
        self.assertRegex(p.stdout, r"^rocm-patch \d+\.\d+\.\d+\n")


@unittest.skipUnless(verbs(), "SKIP: no verb is built yet")
class WrongUse(unittest.TestCase):
    def check(self, args, part):
        p = run(*args)
        self.assertEqual(p.returncode, 2, args)
        self.assertEqual(p.stdout, "", args)
        self.assertIn(part, p.stderr)
        self.assertIn("--help", p.stderr)

    def test_no_verb(self):
        self.check([], "a verb is missing")

    def test_typo_suggests_the_nearest(self):
        for verb in verbs():
            if len(verb) > 3:
                self.check([verb[0] + verb[2] + verb[1] + verb[3:]], 'did you mean "%s"?' % verb)

    def test_far_word_suggests_nothing(self):
        p = run("frobnicate")
        self.assertEqual(p.returncode, 2)
        self.assertNotIn("did you mean", p.stderr)

    def test_unknown_option_everywhere(self):
        self.check(["--frobnicate"], "unknown option --frobnicate")
        for verb in verbs():
            self.check([verb, "--frobnicate"], "unknown option --frobnicate")

    def test_values(self):
        verb = verbs()[0]
        self.check(["--color=pink", verb], "--color=pink")
        self.check(["--json=xml", verb], "--json=xml")
        self.check(["--root"], "needs an argument")

    def test_control_characters_do_not_reach_the_terminal(self):
        p = run("\x1b[31mred")
        self.assertEqual(p.returncode, 2)
        self.assertNotIn("\x1b", p.stderr)


@unittest.skipUnless(verbs(), "SKIP: no verb is built yet")
class Output(unittest.TestCase):
    def test_no_colour_on_pipes_and_colour_when_asked(self):
        self.assertNotIn("\x1b", run("nonsense").stderr)
        verb = verbs()[0]
        p = run("--color=always", "--root=/nonexistent", "list") if "list" in verbs() else run(
            "--color=always", "--root=/nonexistent", verb)
        self.assertIn("\x1b[31m", p.stderr)

    def test_missing_root_is_66_and_json_says_so(self):
        if "list" not in verbs():
            self.skipTest("SKIP: verb list is not built")
        p = run("--json", "--root=/nonexistent", "list")
        self.assertEqual(p.returncode, 66)
        obj = json.loads(p.stdout)
        self.assertEqual(obj["schema"], 1)
        self.assertEqual(obj["error"]["errno"], "ENOENT")
        self.assertEqual(obj["error"]["exit"], 66)

    def test_full_disk_on_stdout_is_reported(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("SKIP: no /dev/full")
        with open("/dev/full", "w") as full:
            p = subprocess.run([PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(p.returncode, 74)

    def test_closed_pipe_is_no_error(self):
        r, w = os.pipe()
        os.close(r)
        p = subprocess.run([PROGRAM, "--help"], stdout=w, stderr=subprocess.PIPE, text=True)
        os.close(w)
        self.assertEqual((p.returncode, p.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
