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


CONTRACT = ("doctor scan disasm retarget apply undo patch build fix list activate rollback remove env run verify kernel root "
            "report log verify-store install-env capture").split()


class Help(unittest.TestCase):
    def test_names_are_those_of_the_contract(self):
        self.assertLessEqual(set(verbs()), set(CONTRACT))
        self.assertEqual(len(verbs()), len(set(verbs())))

    def test_completions_and_man_pages_know_every_verb(self):
        build = os.path.dirname(PROGRAM)
        for name in ("cli/rocm-patch", "cli/_rocm-patch", "cli/rocm-patch.fish"):
            with open(os.path.join(build, name), encoding="utf-8") as f:
                text = f.read()
            for verb in verbs():
                self.assertIn(verb, text, name)
        subprocess.run(["bash", "-n", os.path.join(build, "cli/rocm-patch")], check=True)
        if not os.path.exists(os.path.join(build, "man/rocm-patch.1")):
            self.skipTest("SKIP: man pages are not built (scdoc)")
        for verb in verbs():
            with open(os.path.join(build, "man/rocm-patch-%s.1" % verb), encoding="utf-8") as f:
                text = f.read()
            for part in ("SYNOPSIS", "EXIT STATUS"):
                self.assertIn(part, text, verb)

    def test_bash_completion(self):
        script = os.path.join(os.path.dirname(PROGRAM), "cli/rocm-patch")

        def complete(*words):
            code = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rocm_patch; echo "${COMPREPLY[@]}"'
            return subprocess.run(["bash", "-c", code, "-", script, "rocm-patch", *words], capture_output=True, text=True,
                                  check=True).stdout.split()

        self.assertEqual(complete("pa"), ["patch"])
        self.assertIn("apply", complete("patch", ""))
        self.assertEqual(complete("patch", "apply", "--without"[:5]), ["--without"])
        self.assertEqual(complete("--color", ""), ["auto", "always", "never"])


class EveryVerb(unittest.TestCase):
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
                swapped = verb[0] + verb[2] + verb[1] + verb[3:]
                self.check([swapped if swapped != verb else verb[:-1]], 'did you mean "%s"?' % verb)

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


class Output(unittest.TestCase):
    def test_no_colour_on_pipes_and_colour_when_asked(self):
        self.assertNotIn("\x1b", run("nonsense").stderr)
        p = run("--color=always", "--root=/nonexistent", "list")
        self.assertIn("\x1b[31m", p.stderr)

    def test_missing_root_is_66_and_json_says_so(self):
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
    unittest.main(verbosity=2)
