#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A tiny component through the whole road: keys, reruns, failures, interruption."""
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = sys.argv.pop(1)
LOAD_CHECK = sys.argv.pop(1)

CMAKE = """cmake_minimum_required(VERSION 3.5)
project(toy C)
add_library(toy SHARED toy.c)
install(TARGETS toy LIBRARY DESTINATION lib)
"""

TOY_C = """/* a library with two functions */
int toy_answer(void)
{
	return TOY_BASE + 2;
}

int toy_twice(int x)
{
	return 2 * x;
}
"""

RECIPE = """[component]
name = toy
version = 1.0
title = toy library
library = lib/libtoy.so

[source]
kind = dir
path = {source}

[patches]
toolchain = toy-toolchain
sets = toy

[configure]
options =
  -DCMAKE_BUILD_TYPE=Release
  -DCMAKE_C_FLAGS=-DTOY_BASE=40
environment =
  CC={cc}
links =
  here/to -> ${{source}}

[need]
compilers = {cc}
tools =
  cmake : cmake
  ninja : ninja-build
  {cc} : gcc
disk = 1 MB
memory = 1 MB
time = seconds
"""

PATCH = """id {id}
component toy
set {set}
title {title}
evidence hypothesis
default on
why <<END
For the test.
END
effect <<END
None.
END

edit
file toy.c
function toy_twice
anchor return 2 * x;
{action} <<END
{text}
END
"""

NOTE = """
edit
file toy.c
append <<END
__attribute__((used, section(".note.rocm-patch"), aligned(4))) static const struct {{
	unsigned int namesz, descsz, type;
	char name[12], desc[4];
}} note_{id} = {{ 11, 3, 1, "rocm-patch", "{id}" }};
END
"""

STAGES = ["fetch", "unpack", "configure", "baseline", "patch", "build", "stage"]


class Road(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="rp-build-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        os.chmod(self.dir, 0o755)
        self.source = self.dir / "source"
        self.source.mkdir()
        (self.source / "CMakeLists.txt").write_text(CMAKE)
        (self.source / "toy.c").write_text(TOY_C)
        self.patches = self.dir / "patches"
        self.patches.mkdir()
        self.write_patch("P1", "toy", "insert-before", "x += 0;")
        self.write_patch("X1", "toy-toolchain", "insert-before", "(void)TOY_BASE;", note=False)
        self.cc = "gcc"
        self.recipe = self.dir / "toy.recipe"
        self.write_recipe()
        self.prefix = self.dir / "store"
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.dir), "XDG_CACHE_HOME": str(self.dir / "cache"),
                    "LC_ALL": "C"}

    def write_recipe(self, **changes):
        text = RECIPE.format(source=self.source, cc=self.cc)
        for old, new in changes.get("replace", []):
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.recipe.write_text(text)

    def write_patch(self, pid, set_, action, text, note=True, title="a patch"):
        body = PATCH.format(id=pid, set=set_, action=action, text=text, title=title)
        if note:
            body += NOTE.format(id=pid)
        (self.patches / (pid + ".rpatch")).write_text(body)

    def run_program(self, *args, **kw):
        return subprocess.run([PROGRAM, "--prefix", str(self.prefix), *args], env=self.env, capture_output=True,
                              text=True, timeout=120, **kw)

    def build(self, *args, code=0):
        p = self.run_program("--json=lines", "build", str(self.recipe), "--patches", str(self.patches), *args)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        lines = [json.loads(line) for line in p.stdout.splitlines()]
        self.stages = [e["step"] for e in lines if e["event"] == "done" and e["step"] in STAGES and
                       e["object"] == "toy"]
        self.stderr = p.stderr
        return lines[-1]

    def work(self):
        return next((self.dir / "cache/rocm-patch/build").glob("toy-1.0*"))


class Keys(Road):
    def test_unchanged_rerun_does_nothing(self):
        r = self.build()
        self.assertEqual(self.stages, STAGES)
        self.assertEqual(r["proof"]["notes"], ["P1"])
        self.assertEqual(r["proof"]["same_symbols"], 2)
        self.assertTrue(r["proof"]["loads"])
        again = self.build()
        self.assertEqual(self.stages, [])
        self.assertTrue(again["plan"]["in_store"])
        self.assertEqual(again["plan"]["id"], r["plan"]["id"])

    def changes(self, what, first):
        """After what() the next build starts with the stage `first` and makes another generation."""
        before = self.build()["plan"]
        what()
        after = self.build()["plan"]
        self.assertEqual(self.stages, STAGES[STAGES.index(first):])
        self.assertNotEqual(before["id"], after["id"])
        changed = [s for s in STAGES if before["keys"][s] != after["keys"][s]]
        self.assertEqual(changed, STAGES[STAGES.index(first):])
        self.build()
        self.assertEqual(self.stages, [])

    def test_source_bytes(self):
        self.changes(lambda: (self.source / "toy.c").write_text(TOY_C.replace("+ 2", "+ 3")), "fetch")

    def test_source_mode(self):
        self.changes(lambda: (self.source / "toy.c").chmod(0o755), "fetch")

    def test_new_source_file(self):
        self.changes(lambda: (self.source / "README").write_text("hello"), "fetch")

    def test_toolchain_patch(self):
        self.changes(lambda: self.write_patch("X1", "toy-toolchain", "insert-before", "(void)(TOY_BASE + 1);", note=False),
                     "unpack")

    def test_patch_bytes(self):
        self.changes(lambda: self.write_patch("P1", "toy", "insert-before", "x += 1;"), "patch")
        lib = ctypes_call(next(self.prefix.glob("1.0-*")), "toy_twice")
        self.assertIn(lib, (2 * 7, 2 * 8))

    def test_added_patch(self):
        self.changes(lambda: self.write_patch("P2", "toy", "insert-after", ";"), "patch")

    def test_option(self):
        self.changes(lambda: self.write_recipe(replace=[("TOY_BASE=40", "TOY_BASE=41")]), "configure")

    def test_environment(self):
        self.changes(lambda: self.write_recipe(replace=[("  CC=gcc", "  CC=gcc\n  TOY=1")]), "configure")

    def test_link(self):
        self.changes(lambda: self.write_recipe(replace=[("here/to", "here/too")]), "configure")

    def test_compiler_identity(self):
        fake = self.dir / "bin"
        fake.mkdir()
        gcc = shutil.which("gcc")
        wrapper = fake / "mycc"
        wrapper.write_text('#!/bin/sh\nexec %s "$@"\n' % gcc)
        wrapper.chmod(0o755)
        self.env["PATH"] = str(fake) + ":" + self.env["PATH"]
        self.cc = "mycc"
        self.write_recipe()
        self.changes(lambda: wrapper.write_text('#!/bin/sh\n# another build\nexec %s "$@"\n' % gcc), "configure")

    def wrapped_compiler(self):
        """A compiler whose path, version, size and time can be changed one at a time."""
        fake = self.dir / "bin"
        fake.mkdir()
        version = self.dir / "version"
        version.write_text("mycc 1\n")
        wrapper = fake / "mycc"
        wrapper.write_text('#!/bin/sh\ncase "$*" in --version) cat %s ;; *) exec %s "$@" ;; esac\n#\n'
                           % (version, shutil.which("gcc")))
        wrapper.chmod(0o755)
        os.utime(wrapper, (1000000000, 1000000000))
        self.env["PATH"] = str(fake) + ":" + self.env["PATH"]
        self.cc = "mycc"
        self.write_recipe()
        return wrapper, version

    def test_compiler_version(self):
        _, version = self.wrapped_compiler()
        self.changes(lambda: version.write_text("mycc 2\n"), "configure")

    def test_compiler_size(self):
        wrapper, _ = self.wrapped_compiler()

        def grow():
            wrapper.write_text(wrapper.read_text() + "#\n")
            os.utime(wrapper, (1000000000, 1000000000))
        self.changes(grow, "configure")

    def test_compiler_time(self):
        wrapper, _ = self.wrapped_compiler()
        self.changes(lambda: os.utime(wrapper, (1000000001, 1000000001)), "configure")

    def test_compiler_path(self):
        wrapper, _ = self.wrapped_compiler()

        def move():
            other = self.dir / "bin2"
            other.mkdir()
            shutil.copy2(wrapper, other)
            self.env["PATH"] = str(other) + ":" + self.env["PATH"]
        self.changes(move, "configure")

    def with_input(self, name="extra", subdir=None):
        extra = self.dir / "extra-input"
        for part in ("one", "two"):
            (extra / part).mkdir(parents=True, exist_ok=True)
            (extra / part / "data").write_text("the same in both")
        self.write_recipe(replace=[("[patches]", "[input.%s]\nkind = dir\npath = %s\n%s\n[patches]"
                                    % (name, extra, "subdir = %s\n" % subdir if subdir else ""))])
        return extra

    def test_input_bytes(self):
        extra = self.with_input()
        self.changes(lambda: (extra / "one/data").write_text("other"), "fetch")

    def test_input_name(self):
        self.with_input()
        self.changes(lambda: self.with_input(name="other"), "fetch")

    def test_input_subdir(self):
        self.with_input(subdir="one")
        self.changes(lambda: self.with_input(subdir="two"), "fetch")

    def test_source_subdir(self):
        for part in ("one", "two"):
            shutil.copytree(self.source, self.dir / "parts" / part)

        def take(part):
            self.write_recipe(replace=[("path = %s" % self.source, "path = %s\nsubdir = %s" % (self.dir / "parts", part))])
        take("one")
        self.changes(lambda: take("two"), "fetch")

    def test_name_and_version(self):
        """They also name the work folder, so all stages run; of the keys only the last one has them."""
        before = self.build()["plan"]
        for old, new in (("version = 1.0", "version = 1.1"), ("name = toy", "name = doll")):
            self.write_recipe(replace=[(old, new)])
            if old.startswith("name"):
                for f in self.patches.iterdir():
                    f.write_text(f.read_text().replace("component toy", "component doll"))
            after = json.loads(self.run_program("--json", "build", str(self.recipe), "--patches", str(self.patches),
                                                "-n").stdout)["plan"]
            self.assertNotEqual(before["work"], after["work"])
            changed = [s for s in STAGES if before["keys"][s] != after["keys"][s]]
            # a patch names its component, so its bytes are other ones as well
            self.assertEqual(changed, ["stage"] if old.startswith("version") else
                             [s for s in STAGES if s != "fetch"])

    def test_without_a_patch(self):
        before = self.build()["plan"]
        after = self.build("--without", "P1")
        self.assertEqual(self.stages, STAGES[STAGES.index("patch"):])
        self.assertNotEqual(before["id"], after["plan"]["id"])
        self.assertEqual(after["proof"]["notes"], [])
        back = self.build()
        self.assertTrue(back["plan"]["in_store"])
        self.assertEqual(back["plan"]["id"], before["id"])

    def test_name_of_library_is_part_of_the_last_key(self):
        self.build()
        self.write_recipe(replace=[("library = lib/libtoy.so", "library = lib/libtoy.so.0")])
        self.build(code=66)
        self.assertEqual(self.stages, ["stage"])

    def test_tarball_and_git_sources(self):
        first = self.build()["plan"]["id"]
        tar = self.dir / "toy.tar.gz"
        subprocess.run(["tar", "-C", str(self.dir), "-czf", str(tar), "source"], check=True)
        r = self.build("--source", str(tar))
        self.assertNotEqual(r["plan"]["id"], first)
        self.assertTrue(r["plan"]["sources"][0]["identity"].startswith("sha256:"))
        if not shutil.which("git"):
            self.skipTest("SKIP: git is not installed")
        git = dict(self.env, GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b")
        for args in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "toy"], ["tag", "v1"]):
            subprocess.run(["git", "-C", str(self.source), *args], check=True, env=git)
        r = self.build("--source", "git:%s#v1" % self.source)
        self.assertEqual(self.stages, STAGES)
        commit = subprocess.run(["git", "-C", str(self.source), "rev-parse", "v1"], check=True, env=git,
                                capture_output=True, text=True).stdout.strip()
        info = (self.prefix / r["plan"]["id"] / ".rocm-patch/generation.ini")
        ids = [p for p in self.prefix.glob("1.0-*") if commit in (p / ".rocm-patch/generation.ini").read_text()]
        self.assertEqual(len(ids), 1, info)
        # From the cache alone, with the repository gone
        shutil.rmtree(self.source / ".git")
        again = self.build("--source", "git:%s#v1" % self.source, "--offline")
        self.assertTrue(again["plan"]["in_store"])


def ctypes_call(generation, name):
    code = "import ctypes,sys; print(getattr(ctypes.CDLL(sys.argv[1]), sys.argv[2])(7))"
    out = subprocess.run([sys.executable, "-c", code, str(generation / "lib/libtoy.so"), name], check=True,
                         capture_output=True, text=True).stdout
    return int(out)


class Failures(Road):
    def test_compile_error_shows_last_lines_and_the_log(self):
        (self.source / "toy.c").write_text(TOY_C.replace("TOY_BASE + 2", "no_such_thing"))
        r = self.build(code=70)
        self.assertIn("no_such_thing", json.dumps(r) + self.stderr + (self.work() / "log/baseline.log").read_text())
        self.assertIn("baseline stage of toy failed", r["error"]["text"])
        self.assertIn("/log/baseline.log", r["error"]["text"])
        p = self.run_program("build", str(self.recipe), "--patches", str(self.patches))
        self.assertEqual(p.returncode, 70)
        self.assertIn("no_such_thing", p.stderr)
        self.assertFalse(list(self.prefix.glob("1.0-*")))
        # mended, it goes on
        (self.source / "toy.c").write_text(TOY_C)
        self.build()

    def test_refused_patch(self):
        self.write_patch("P1", "toy", "insert-before", "x += 0;")
        text = (self.patches / "P1.rpatch").read_text().replace("anchor return 2 * x;", "anchor return 3 * x;")
        (self.patches / "P1.rpatch").write_text(text)
        r = self.build(code=65)
        self.assertIn("P1", r["error"]["text"])
        self.assertIn("toy_twice", r["error"]["text"])

    def test_patch_that_changes_exports_is_not_published(self):
        (self.patches / "P1.rpatch").write_text(
            PATCH.format(id="P1", set="toy", action="insert-before", text="x += 0;", title="t") + NOTE.format(id="P1") +
            "\nedit\nfile toy.c\nappend <<END\nint toy_third(void) { return 3; }\nEND\n")
        r = self.build(code=70)
        self.assertIn("1 gained", r["error"]["text"])
        self.assertIn("toy_third", r["error"]["text"])
        self.assertFalse(list(self.prefix.glob("1.0-*")))

    def test_patch_without_its_note_is_not_published(self):
        self.write_patch("P1", "toy", "insert-before", "x += 0;", note=False)
        r = self.build(code=70)
        self.assertIn("notes", r["error"]["text"])

    def test_library_that_does_not_load_is_not_published(self):
        # The baseline links against the same missing symbol: only loading shows it.
        (self.source / "toy.c").write_text(TOY_C.replace("return 2 * x;", "extern int nowhere(int);\n\treturn 2 * x;\n}\n"
                                                         "int toy_more(int x)\n{\n\textern int nowhere(int);\n\treturn nowhere(x);"))
        r = self.build(code=70)
        self.assertIn("does not load", r["error"]["text"])
        self.assertIn("nowhere", r["error"]["text"])

    def test_missing_tools_are_named_in_one_line_before_anything_is_done(self):
        self.write_recipe(replace=[("  cmake : cmake", "  cmake : cmake\n  no-such-tool : no-such-package\n"
                                    "  /no/such/header.h : other-package")])
        r = self.build(code=69)
        self.assertEqual(self.stages, [])
        self.assertIn("apt-get install --no-install-recommends no-such-package other-package", r["error"]["text"])
        self.assertEqual(r["plan"]["missing_packages"], ["no-such-package", "other-package"])

    def test_disk_and_memory(self):
        self.write_recipe(replace=[("disk = 1 MB", "disk = 900000 GB"), ("memory = 1 MB", "memory = 90000 GB")])
        r = self.build(code=69)
        self.assertIn("disk:", r["error"]["text"])
        self.assertIn("memory:", r["error"]["text"])

    def test_recipe_errors_name_file_and_line(self):
        for old, new, part in [("title = toy library", "heading = toy library", "unknown key \"heading\""),
                               ("[need]", "[needs]", "unknown section [needs]"),
                               ("disk = 1 MB", "disk = much", "disk: expected a number"),
                               ("kind = dir", "kind = svn", "unknown kind \"svn\""),
                               ("path = ", "pfad = ", "unknown key \"pfad\""),
                               ("library = lib/libtoy.so", "library = ../libtoy.so", "not a path below"),
                               ("${source}", "${nothing}", "unknown variable")]:
            self.write_recipe(replace=[(old, new)])
            r = self.build(code=65)
            self.assertIn(part, r["error"]["text"])

    def test_unknown_component_and_stage(self):
        p = self.run_program("build", "nothing")
        self.assertEqual(p.returncode, 66)
        self.assertIn('no recipe for "nothing"', p.stderr)
        p = self.run_program("build", str(self.recipe), "--stop-at", "nowhere")
        self.assertEqual(p.returncode, 2)

    def test_store_that_cannot_be_written_is_told_before_the_work(self):
        if os.geteuid() == 0:
            self.prefix = pathlib.Path("/proc/rocm-patch-store")
        else:
            self.prefix = self.dir / "closed/store"
            (self.dir / "closed").mkdir(mode=0o555)
        p = self.run_program("build", str(self.recipe), "--patches", str(self.patches))
        self.assertIn(p.returncode, (66, 73, 77), p.stderr)
        self.assertFalse((self.dir / "cache/rocm-patch/build").exists() and
                         (self.work() / "build").exists() and os.geteuid() != 0)


class Interruption(Road):
    def slow_compiler(self):
        """A compiler that waits for a file, so that a build can be caught in the middle."""
        fake = self.dir / "bin"
        fake.mkdir()
        self.gate = self.dir / "gate"
        self.mark = self.dir / "started"
        cc = fake / "slowcc"
        cc.write_text('#!/bin/sh\ncase "$*" in *toy.c*) echo $$ > %s.tmp; mv %s.tmp %s; '
                      'while ! test -e %s; do sleep 0.05; done ;; esac\nexec gcc "$@"\n'
                      % (self.mark, self.mark, self.mark, self.gate))
        cc.chmod(0o755)
        os.chmod(self.dir, 0o777)
        self.env["PATH"] = str(fake) + ":" + self.env["PATH"]
        self.cc = "slowcc"
        self.write_recipe()

    def start(self):
        p = subprocess.Popen([PROGRAM, "--prefix", str(self.prefix), "build", str(self.recipe), "--patches",
                              str(self.patches)], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: p.poll() is None and p.kill())
        deadline = time.monotonic() + 60
        while not self.mark.exists():
            self.assertIsNone(p.poll(), p.communicate() if p.poll() is not None else "")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        return p, int(self.mark.read_text())

    def gone(self, pid):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if pathlib.Path("/proc/%d/stat" % pid).read_text().split(")")[1].split()[0] == "Z":
                    return True
            except (FileNotFoundError, ProcessLookupError):
                return True
            time.sleep(0.05)
        return False

    def test_ctrl_c_ends_all_children_and_the_next_run_goes_on(self):
        self.slow_compiler()
        p, child = self.start()
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=30)
        self.assertEqual(p.returncode, -signal.SIGINT, err)
        self.assertTrue(self.gone(child))
        self.gate.touch()
        self.build()
        self.assertEqual(self.stages, STAGES[STAGES.index("baseline"):])

    def test_kill_9_and_the_next_run_goes_on(self):
        self.slow_compiler()
        p, _ = self.start()
        p.kill()
        p.communicate(timeout=30)
        self.gate.touch()
        self.build()
        self.assertEqual(self.stages, STAGES[STAGES.index("baseline"):])

    def test_two_runs_at_once_wait_for_each_other(self):
        self.slow_compiler()
        p, _ = self.start()
        q = subprocess.Popen([PROGRAM, "--prefix", str(self.prefix), "build", str(self.recipe), "--patches",
                              str(self.patches)], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        self.gate.touch()
        _, perr = p.communicate(timeout=60)
        _, qerr = q.communicate(timeout=60)
        self.assertEqual((p.returncode, q.returncode), (0, 0), perr + qerr)
        self.assertIn("waiting for another run", qerr)
        self.assertEqual(len(list(self.prefix.glob("1.0-*"))), 1)

    def reverted(self):
        """Toolchain patch X1 shows in what toy_twice gives. All patches are taken back, as a run leaves
        the tree that is killed after it took them back and before it applied the toolchain's again."""
        self.write_patch("X1", "toy-toolchain", "insert-before", "x += 10;", note=False)
        self.build()
        shutil.rmtree(self.prefix)
        self.assertEqual(self.run_program("patch", "revert", str(self.work() / "source")).returncode, 0)
        self.assertNotIn("x += 10;", (self.work() / "source/toy.c").read_text())

    def test_toolchain_patches_are_there_after_a_run_was_killed_between_two_selections(self):
        self.reverted()
        self.build("--without", "P1")
        self.assertEqual(self.stages, STAGES[STAGES.index("patch"):])
        self.assertEqual(ctypes_call(next(self.prefix.glob("1.0-*")), "toy_twice"), 2 * 17)

    def test_toolchain_patches_are_there_in_a_baseline_that_is_built_again(self):
        self.reverted()
        self.write_recipe(replace=[("TOY_BASE=40", "TOY_BASE=41")])
        self.build()
        self.assertEqual(self.stages, STAGES[STAGES.index("configure"):])
        code = "import ctypes,sys; print(ctypes.CDLL(sys.argv[1]).toy_twice(7))"
        out = subprocess.run([sys.executable, "-c", code, str(self.work() / "baseline/lib/libtoy.so")], check=True,
                             capture_output=True, text=True).stdout
        self.assertEqual(int(out), 2 * 17)
        self.assertEqual(ctypes_call(next(self.prefix.glob("1.0-*")), "toy_twice"), 2 * 17)

    def waiting(self, *args, prefix=None):
        """Starts a build while we hold the lock of the work folder, as another run would."""
        lock = open(self.work() / ".lock", "w")
        self.addCleanup(lock.close)
        fcntl.flock(lock, fcntl.LOCK_EX)
        p = subprocess.Popen([PROGRAM, "--prefix", str(prefix or self.prefix), "--json=lines", "build", str(self.recipe),
                              "--patches", str(self.patches), *args], env=self.env, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: p.poll() is None and p.kill())
        lines = []
        for line in p.stdout:
            lines.append(json.loads(line))
            if "waiting for another run" in line:
                break
        self.assertIn("waiting for another run", json.dumps(lines), "it did not wait")
        return p, lock

    def finish(self, p, lock):
        fcntl.flock(lock, fcntl.LOCK_UN)
        out, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 0, out + err)
        events = [json.loads(line) for line in out.splitlines()]
        return [e["step"] for e in events if e["event"] == "done" and e["step"] in STAGES and e["object"] == "toy"]

    def test_a_run_that_waited_does_not_trust_what_it_saw_before(self):
        self.build()
        p, lock = self.waiting("--without", "P1")  # its plan: from the patch stage
        # the other run configured with other options and was killed
        state = self.work() / "state.ini"
        text = state.read_text()
        self.assertIn("configure = ", text)
        state.write_text("".join(l for l in text.splitlines(True) if l.split(" = ")[0] not in STAGES[2:]))
        self.assertEqual(self.finish(p, lock), STAGES[STAGES.index("configure"):])

    def test_a_run_that_waited_does_not_do_again_what_is_done(self):
        self.build()
        state = self.work() / "state.ini"
        whole = state.read_text()
        state.write_text("[done]\n")
        shutil.rmtree(self.prefix)
        p, lock = self.waiting()  # its plan: from the start
        state.write_text(whole)
        self.assertEqual(self.finish(p, lock), [])
        self.assertEqual(len(list(self.prefix.glob("1.0-*"))), 1)

    def test_a_staged_tree_is_not_published_while_another_run_may_change_it(self):
        self.build()
        other = self.dir / "store2"
        p, lock = self.waiting(prefix=other)
        self.assertFalse(list(other.glob("*")))
        self.assertEqual(self.finish(p, lock), [])
        self.assertEqual(len(list(other.glob("1.0-*"))), 1)

    def test_stages_one_by_one(self):
        for stage in STAGES:
            self.build("--stop-at", stage)
            self.assertEqual(self.stages, [stage])
        self.assertFalse(self.prefix.exists())
        self.build()
        self.assertEqual(self.stages, [])
        self.assertEqual(len(list(self.prefix.glob("1.0-*"))), 1)


class Privileges(Road):
    def test_tools_do_not_run_as_root(self):
        if os.geteuid() != 0:
            self.skipTest("SKIP: only root can drop privileges")
        (self.source / "CMakeLists.txt").write_text(CMAKE + 'execute_process(COMMAND id -u OUTPUT_VARIABLE me)\n'
                                                    'message(STATUS "user id ${me}")\n')
        self.build()
        log = (self.work() / "log/configure.log").read_text()
        self.assertIn("user id 65534", log)
        generation = next(self.prefix.glob("1.0-*"))
        for path in [generation, *generation.rglob("*")]:
            self.assertEqual(path.lstat().st_uid, 0, path)


    def test_program_below_a_closed_folder(self):
        """As in a clone below root's home: the build user cannot reach rocm-patch-load there."""
        if os.geteuid() != 0:
            self.skipTest("SKIP: only root can drop privileges")
        closed = self.dir / "closed"
        closed.mkdir(mode=0o700)
        for path in (PROGRAM, LOAD_CHECK, os.path.join(os.path.dirname(PROGRAM), "source-tree")):
            shutil.copy(path, closed)
        p = subprocess.run([str(closed / "rocm-patch"), "--prefix", str(self.prefix), "build", str(self.recipe), "--patches",
                            str(self.patches)], env=self.env, capture_output=True, text=True, timeout=120)
        self.assertEqual(p.returncode, 0, p.stderr)


class Reproducible(Road):
    def test_two_builds_from_nothing_give_the_same_bytes(self):
        def hashes():
            self.build()
            generation = next(self.prefix.glob("1.0-*"))
            lines = (generation / ".rocm-patch/MANIFEST.sha256").read_text().splitlines()
            return [l for l in lines if " .rocm-patch/" not in l]

        first = hashes()
        shutil.rmtree(self.prefix)
        shutil.rmtree(self.dir / "cache")
        self.assertEqual(hashes(), first)
        self.assertTrue(first)


if __name__ == "__main__":
    for tool in ("cmake", "ninja", "gcc"):
        if not shutil.which(tool):
            print("SKIP: %s is not installed" % tool)
            sys.exit(77)
    unittest.main(verbosity=2)
