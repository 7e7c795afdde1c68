#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The verb patch on small trees of our own that have the shape of ROCR and HIP sources."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)

HEAD = """id {id}
component toy
set rdna
title {title}
evidence hypothesis
default on
why why
effect effect
"""


def run(*args, code=0, cwd=None):
    p = subprocess.run([PROGRAM, *map(str, args)], capture_output=True, timeout=60, cwd=cwd,
                       env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C"})
    p.stdout, p.stderr = p.stdout.decode(), p.stderr.decode()  # text=True would change CRLF
    if code is not None:
        assert p.returncode == code, (args, p.returncode, p.stdout, p.stderr)
    return p


def digest(tree, record=False):
    out = {}
    for path in sorted(tree.rglob("*")):
        rel = str(path.relative_to(tree))
        if path.is_file() and (record or not rel.startswith(".rocm-patch")):
            out[rel] = (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode)
    return out


class Tree(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="rp-patch-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.tree = self.dir / "tree"
        self.patches = self.dir / "patches"
        (self.tree / "src").mkdir(parents=True)
        self.patches.mkdir()

    def source(self, text, name="src/a.cpp", mode=0o644):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def define(self, edits, id="P", title="a patch", extra=""):
        (self.patches / (id + ".rpatch")).write_text(HEAD.format(id=id, title=title) + extra + edits)

    def patch(self, sub, *args, code=0):
        own = [] if sub == "revert" else ["--patches", self.patches]
        return run("patch", sub, *own, *args, code=code)

    def results(self, sub="check", code=None):
        p = run("--json", "patch", sub, "--patches", self.patches, self.tree, code=code)
        return json.loads(p.stdout)


class Edits(Tree):
    """Golden: source, edit, what stands there afterwards."""

    def check(self, before, edits, after):
        path = self.source(before)
        original = path.read_bytes()
        self.define(edits)
        diff = self.patch("diff", self.tree).stdout
        self.patch("apply", self.tree)
        want = after if isinstance(after, bytes) else after.encode()
        self.assertEqual(path.read_bytes(), want)
        again = self.patch("apply", self.tree)
        self.assertIn("already", again.stdout)
        self.assertIn("nothing to do", again.stderr)
        self.assertEqual(path.read_bytes(), want)
        self.patch("revert", self.tree)
        self.assertEqual(path.read_bytes(), original)
        self.assertFalse((self.tree / ".rocm-patch").exists())
        # found by content too, without the record
        path.write_bytes(want)
        self.assertEqual(self.results()["results"][0]["outcome"], "already")
        path.write_bytes(original)
        # git apply and patch -p1 make the same of our diff
        for tool in (["git", "apply", "-"], ["patch", "-s", "-p1"]):
            if not shutil.which(tool[0]):
                self.skipTest("SKIP: %s is not installed" % tool[0])
            copy = self.dir / ("copy-" + tool[0])
            shutil.copytree(self.tree, copy)
            subprocess.run(tool, input=diff.encode(), check=True, cwd=copy,
                           env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CEILING_DIRECTORIES": str(self.dir)})
            self.assertEqual((copy / "src/a.cpp").read_bytes(), want, tool)

    def test_insert_before(self):
        self.check("void f() {\n\tif (x)\n\t\ta();\n\tb();\n}\n",
                   "edit\nfile a.cpp\nfunction f\nanchor b();\ninsert-before <<E\nif (y) {\n\tc();\n}\n#ifdef Z\nd();\n#endif\nE\n",
                   "void f() {\n\tif (x)\n\t\ta();\n\tif (y) {\n\t\tc();\n\t}\n#ifdef Z\n\td();\n#endif\n\tb();\n}\n")

    def test_insert_after_a_block_whatever_its_layout(self):
        self.check("void f() {\n  if (flags & A)\n  { // why\n     g &= ~B; }\n  h();\n}\n",
                   "edit\nfile a.cpp\nfunction f\nanchor if (flags & A) { g &= ~B; }\ninsert-after k();\n",
                   "void f() {\n  if (flags & A)\n  { // why\n     g &= ~B; }\n  k();\n  h();\n}\n")

    def test_replace_keeps_the_original_as_dollar_zero(self):
        self.check("bool v = a ||\n    R::one->flag().pcie();\n",
                   "edit\nfile a.cpp\nanchor R::one->flag().pcie()\nreplace f(isa_, $0)\n",
                   "bool v = a ||\n    f(isa_, R::one->flag().pcie());\n")

    def test_prefix(self):
        self.check("void f() {\n  if (!gfx12)\n    r.push_back(\n        new M(false, true, this));\n  else_();\n}\n",
                   "edit\nfile a.cpp\nanchor r.push_back(new M(false, true, ...));\nprefix if (!t(isa))\n",
                   "void f() {\n  if (!gfx12)\n    if (!t(isa)) r.push_back(\n        new M(false, true, this));\n  else_();\n}\n")

    def test_one_anchor_for_two_ways_to_make_a_region(self):
        edit = "edit\nfile a.cpp\nanchor r.push_back(... (false, false, false, true, ...));\nprefix if (!t(isa))\n"
        for make in ("new M", "std::make_shared<M>"):
            with self.subTest(make):
                shutil.rmtree(self.dir / "copy-git", ignore_errors=True)
                shutil.rmtree(self.dir / "copy-patch", ignore_errors=True)
                text = ("void f() {\n  auto m = %s(false, false, false, false, this);\n  r.push_back(m);\n"
                        "  %%sr.push_back(\n      %s(false, false, false, true, this, p[i]));\n"
                        "  r.push_back(%s(true, false, false, false, this, p[i]));\n}\n" % (make, make, make))
                self.check(text % "", edit, text % "if (!t(isa)) ")

    def test_guard(self):
        self.check("void f() {\n  a(1);\n}\n", "edit\nfile a.cpp\nanchor a(1);\nguard ok()\n",
                   "void f() {\n  if (ok()) { a(1); }\n}\n")

    def test_at_definition(self):
        self.check("int f(int);\n\n/* doc */\n[[nodiscard]] static int\nf(int a)\n{\n\treturn a;\n}\n",
                   "edit\nfile a.cpp\nfunction f\nanchor @definition\ninsert-before <<E\nstatic int g;\n\nE\n",
                   "int f(int);\n\n/* doc */\nstatic int g;\n\n[[nodiscard]] static int\nf(int a)\n{\n\treturn a;\n}\n")

    def test_append_without_final_newline(self):
        self.check("int x;", "edit\nfile a.cpp\nappend int y;\n", "int x;\nint y;\n")

    def test_crlf_is_kept(self):
        self.check(b"void f() {\r\n  a();\r\n  b();\r\n}\r\n",
                   "edit\nfile a.cpp\nfunction f\nanchor b();\ninsert-before <<E\nc();\nd();\nE\n",
                   b"void f() {\r\n  a();\r\n  c();\r\n  d();\r\n  b();\r\n}\r\n")

    def test_no_final_newline(self):
        self.check("void f() { }\nint last", "edit\nfile a.cpp\nanchor int last\ninsert-before int more;\n",
                   "void f() { }\nint more;\nint last")

    def test_macros_strings_and_comments_do_not_match(self):
        self.check('#define F a(1)\n// a(1)\n/* a(1) */\nconst char *s = "a(1)", *r = R"(a(1))";\nvoid f() {\n  b(a(1));\n}\n',
                   "edit\nfile a.cpp\nfunction f\nanchor a(1)\nreplace c($0)\n",
                   '#define F a(1)\n// a(1)\n/* a(1) */\nconst char *s = "a(1)", *r = R"(a(1))";\nvoid f() {\n  b(c(a(1)));\n}\n')

    def test_preprocessor_branches(self):
        self.check("int f(int a) {\n#if X\n  if (a) {\n#else\n  if (!a) {\n#endif\n    go();\n  }\n  return 1;\n}\nint g() { return 1; }\n",
                   "edit\nfile a.cpp\nfunction f\nanchor return 1;\ninsert-before stop();\n",
                   "int f(int a) {\n#if X\n  if (a) {\n#else\n  if (!a) {\n#endif\n    go();\n  }\n  stop();\n  return 1;\n}\nint g() { return 1; }\n")

    def test_function_with_a_head_in_each_branch(self):
        self.check("#if X\nint f(int a) {\n#else\nint f(long a) {\n#endif\n  go();\n  return 1;\n}\nint g() { return 1; }\n",
                   "edit\nfile a.cpp\nfunction f\nanchor return 1;\ninsert-before stop();\n",
                   "#if X\nint f(int a) {\n#else\nint f(long a) {\n#endif\n  go();\n  stop();\n  return 1;\n}\nint g() { return 1; }\n")

    def test_renamed_function(self):
        self.check("int new_name() {\n  x();\n}\n", "edit\nfile a.cpp\nfunction old_name new_name\nanchor x();\ninsert-before y();\n",
                   "int new_name() {\n  y();\n  x();\n}\n")

    def test_conditions_on_what_the_source_shows(self):
        self.source("struct S { int coherent; };\n", "inc/s.h")
        self.check("void f() {\n  a();\n}\n",
                   "edit\nfile a.cpp\nanchor a();\nsince inc/s.h coherent\ninsert-before b();\n"
                   "edit\nfile a.cpp\nanchor a();\nuntil inc/s.h coherent\ninsert-before never();\n"
                   "edit\nfile a.cpp\nanchor a();\nsince inc/none.h\ninsert-before never();\n",
                   "void f() {\n  b();\n  a();\n}\n")


class Refusals(Tree):
    def refused(self, source, edits, *parts):
        self.source(source)
        self.define(edits)
        before = digest(self.tree)
        doc = self.results(code=1)
        self.assertEqual(doc["results"][0]["outcome"], "refused")
        for part in parts:
            self.assertIn(part, doc["results"][0]["text"])
        p = self.patch("apply", self.tree, code=65)
        self.assertIn("nothing was written", p.stderr)
        self.patch("diff", self.tree, code=65)
        self.assertEqual(digest(self.tree, record=True), before)

    def test_missing_anchor_names_file_function_and_the_nearest_place(self):
        self.refused("void f() {\n  a();\n  g(1, 2);\n}\n", "edit\nfile a.cpp\nfunction f\nanchor g(1, 3);\ninsert-before x;\n",
                     "src/a.cpp, function f", "matches no place", "nearest: line 3 (4 of 7 tokens)", "P.rpatch:9")

    def test_ambiguous_anchor_names_the_places(self):
        self.refused("void f() {\n  a();\n  a();\n}\n", "edit\nfile a.cpp\nanchor a();\ninsert-before x;\n",
                     "matches 2 places: line 2, 3")

    def test_missing_function(self):
        self.refused("void g();\n", "edit\nfile a.cpp\nfunction g h\nanchor a();\ninsert-before x;\n", "no definition of g or h")

    def test_function_defined_twice(self):
        self.refused("void g() { }\nvoid g(int) { }\n", "edit\nfile a.cpp\nfunction g\nanchor @definition\ninsert-before x;\n",
                     "defined 2 times: line 1, line 2")

    def test_two_files_of_that_name(self):
        self.source("a();\n", "other/src/a.cpp")
        self.refused("a();\n", "edit\nfile src/a.cpp\nanchor a();\ninsert-before x;\n", "2 files of the tree are called src/a.cpp")

    def test_else_behind_the_anchor(self):
        self.refused("void f() {\n  if (a) { b(); }\n  else c();\n}\n",
                     "edit\nfile a.cpp\nanchor if (a) { b(); }\ninsert-after x();\n", "else")
        self.refused("void f() {\n  if (a)\n    b();\n  else c();\n}\n", "edit\nfile a.cpp\nanchor b();\nprefix if (z)\n", "else")

    def test_anchor_inside_a_line(self):
        self.refused("void f() { a(); }\n", "edit\nfile a.cpp\nanchor a();\ninsert-before x();\n", "not at the start of its line")
        self.refused("void f() {\n  a(); b();\n}\n", "edit\nfile a.cpp\nanchor a();\ninsert-after x();\n", "behind the anchor on its line")

    def test_substitute_counts(self):
        self.refused('set(A "x;y;x")\n', "edit\nfile a.cpp\nanchor set(A, ...)\nsubstitute\nfrom x\nto z\n", "matches no place")
        self.refused('set(A, "x;y;x")\n', "edit\nfile a.cpp\nanchor set(A, ...)\nsubstitute\nfrom x\nto z\n", "occurs 2 times")

    def test_branches_nested_too_deep(self):
        deep = "".join("#if A%d\n" % i for i in range(33)) + "#endif\n" * 33
        self.source("int f() {\n" + deep + "  x();\n}\n")
        self.define("edit\nfile a.cpp\nfunction f\nanchor x();\ninsert-before y();\n")
        before = digest(self.tree, record=True)
        for sub in ("check", "apply"):
            self.assertIn("f: end of the function not found", self.patch(sub, self.tree, code=65).stderr)
        self.assertEqual(digest(self.tree, record=True), before)

    def test_nul_bytes_and_unreadable_text(self):
        self.source(b"void f()\0 { a(); }\n")
        self.define("edit\nfile a.cpp\nanchor a();\ninsert-before x;\n")
        p = self.patch("check", self.tree, code=65)
        self.assertIn("NUL byte at offset 8", p.stderr)

    def test_one_refused_patch_stops_all(self):
        self.source("void f() {\n  a();\n}\n")
        self.define("edit\nfile a.cpp\nanchor a();\ninsert-before x();\n", id="P1")
        self.define("edit\nfile a.cpp\nanchor zz();\ninsert-before x();\n", id="P2")
        before = digest(self.tree)
        self.patch("apply", self.tree, code=65)
        self.assertEqual(digest(self.tree, record=True), before)

    def test_second_edit_refused_takes_the_first_back(self):
        self.refused("void f() {\n  a();\n}\n", "edit\nfile a.cpp\nanchor a();\ninsert-before x();\nedit\nfile a.cpp\nanchor zz();\nprefix y\n",
                     "matches no place")

    def test_foreign_tree_and_unknown_ids(self):
        self.define("edit\nfile nowhere.cpp\nanchor a();\ninsert-before x;\n")
        self.source("int x;\n")
        p = self.patch("check", self.tree, code=65)
        self.assertIn("no file that a patch edits", p.stderr)
        p = self.patch("apply", "--only", "Q", self.tree, code=66)
        self.assertIn("no patch is called Q", p.stderr)
        self.patch("check", self.dir / "none", code=66)


class ApplyRevert(Tree):
    def setUp(self):
        super().setUp()
        self.a = self.source("void f() {\n  a();\n}\n", mode=0o640)
        self.b = self.source("void g() {\n  b();\n}\n", "src/b.cpp", mode=0o755)
        self.define("edit\nfile a.cpp\nanchor a();\ninsert-before x();\nedit\nfile b.cpp\nanchor b();\ninsert-after y();\n", id="P1")
        self.define("edit\nfile a.cpp\nanchor x();\ninsert-after z();\n", id="P2", extra="requires P1\n")
        self.original = digest(self.tree)

    def test_round_trip_keeps_bytes_and_modes(self):
        self.patch("apply", self.tree)
        self.assertNotEqual(digest(self.tree), self.original)
        self.assertEqual(self.a.read_text(), "void f() {\n  x();\n  z();\n  a();\n}\n")
        p = self.patch("revert", "-n", self.tree)
        self.assertIn("P1 P2", p.stdout)
        self.patch("revert", self.tree)
        self.assertEqual(digest(self.tree, record=True), self.original)
        p = self.patch("revert", self.tree, code=66)
        self.assertIn("nothing is applied", p.stderr)

    def test_in_two_runs(self):
        self.patch("apply", "--only", "P1", self.tree)
        self.patch("apply", self.tree)
        self.patch("revert", self.tree)
        self.assertEqual(digest(self.tree, record=True), self.original)

    def test_dry_run_writes_nothing(self):
        p = self.patch("apply", "-n", self.tree)
        self.assertIn("2 files would change", p.stderr)
        self.assertEqual(digest(self.tree, record=True), self.original)

    def test_revert_refuses_what_was_edited_since(self):
        self.patch("apply", self.tree)
        self.b.write_text(self.b.read_text() + "// mine\n")
        before = digest(self.tree, record=True)
        p = self.patch("revert", self.tree, code=65)
        self.assertIn("src/b.cpp was edited", p.stderr)
        self.assertEqual(digest(self.tree, record=True), before)

    def test_apply_on_top_of_an_edit_is_refused(self):
        """revert would put the first original back, and the edit would be lost."""
        self.patch("apply", "--only", "P1", self.tree)
        self.a.write_text(self.a.read_text() + "// mine\n")
        before = digest(self.tree, record=True)
        for args in (["apply"], ["apply", "-n"], ["check"]):
            p = self.patch(*args, self.tree, code=65)
            self.assertIn("src/a.cpp was edited since it was patched", p.stderr)
            self.assertEqual(digest(self.tree, record=True), before)
        self.patch("revert", self.tree, code=65)
        # the other file is free: an edit there does not stop what does not touch it
        self.a.write_text(self.a.read_text().replace("// mine\n", ""))
        self.b.write_text(self.b.read_text() + "// mine\n")
        self.patch("apply", self.tree)
        self.patch("revert", self.tree, code=65)
        self.assertIn("// mine", self.b.read_text())

    def test_apply_after_a_checkout(self):
        """As after "git checkout": the original is back, the record still says applied."""
        original = {p: p.read_bytes() for p in (self.a, self.b)}
        before = digest(self.tree)
        self.patch("apply", self.tree)
        patched = digest(self.tree)
        for p, text in original.items():
            p.write_bytes(text)
        self.patch("check", self.tree)
        self.patch("apply", self.tree)
        self.assertEqual(digest(self.tree), patched)
        self.patch("revert", self.tree)
        self.assertEqual(digest(self.tree, record=True), before)

    def test_a_killed_run_is_told_by_what_only_reads(self):
        self.patch("apply", self.tree)
        self.b.write_text("void g() {\n  b();\n}\n")  # as if killed between the two files
        state = self.tree / ".rocm-patch/state.ini"
        state.write_text(state.read_text().replace("phase = applied", "phase = applying"))
        before = digest(self.tree, record=True)
        for args in (["check"], ["diff"], ["apply", "-n"], ["diff", "--quilt", self.dir / "quilt"]):
            p = self.patch(*args, self.tree, code=65)
            self.assertIn("a run was interrupted while applying", p.stderr)
            self.assertEqual(p.stdout, "")
        self.assertEqual(digest(self.tree, record=True), before)
        self.assertFalse((self.dir / "quilt").exists())

    def test_record_that_leads_out_of_the_tree(self):
        """A tree from elsewhere may bring a record; it must not reach through links."""
        outside = self.dir / "outside"
        outside.mkdir()
        victim = outside / "victim"
        victim.write_text("mine\n")
        now = hashlib.sha256(b"mine\n").hexdigest()
        evil = hashlib.sha256(b"evil\n").hexdigest()
        record = self.tree / ".rocm-patch"
        (record / "orig").mkdir(parents=True)
        (record / "orig" / evil).write_text("evil\n")
        (self.tree / "link").symlink_to(outside)
        (self.tree / "file").symlink_to(victim)
        for path in ("link/victim", "file"):
            for phase, sub in (("reverting", "apply"), ("applying", "apply"), ("applied", "revert")):
                (record / "state.ini").write_text(
                    "[record]\nphase = %s\npatches = P1\nprev-patches =\n[file]\npath = %s\nmode = 420\n"
                    "orig = %s\nprev = %s\nnew = %s\n" % (phase, path, evil, evil if phase == "applying" else now, now))
                p = self.patch(sub, self.tree, code=65)
                self.assertIn("link", p.stderr)
                self.assertEqual(victim.read_text(), "mine\n")
                self.assertTrue((self.tree / "file").is_symlink())
        shutil.rmtree(record)
        record.symlink_to(outside)
        self.patch("apply", self.tree, code=65)
        self.assertEqual([p.name for p in outside.iterdir()], ["victim"])

    def test_names_of_folders(self):
        for name in ("a b", "trail ", "#x", ";s", '"q"', "x=y", "[file]", "bs\\n", "\u00fc"):
            with self.subTest(name):
                self.odd_name(name)
        for name in (" lead", "tab\tx", "nl\nx", "cr\rx"):
            with self.subTest(name):
                moved = self.dir / "odd" / name
                shutil.rmtree(self.dir / "odd", ignore_errors=True)
                shutil.copytree(self.tree, moved)
                before = digest(self.dir / "odd", record=True)
                p = self.patch("apply", self.dir / "odd", code=65)
                self.assertIn("cannot be recorded", p.stderr)
                self.assertEqual(digest(self.dir / "odd", record=True), before)

    def odd_name(self, name):
        odd = self.dir / "odd"
        shutil.rmtree(odd, ignore_errors=True)
        shutil.copytree(self.tree, odd / name)
        before = digest(odd, record=True)
        diff = self.patch("diff", odd).stdout
        self.patch("apply", odd)
        want = digest(odd)
        self.patch("revert", odd)
        self.assertEqual(digest(odd, record=True), before)
        for tool in (["git", "apply", "-"], ["patch", "-s", "-p1"]):
            copy = self.dir / "odd-copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(odd, copy)
            subprocess.run(tool, input=diff.encode(), check=True, cwd=copy,
                           env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CEILING_DIRECTORIES": str(self.dir)})
            self.assertEqual({k: v[0] for k, v in digest(copy).items()}, {k: v[0] for k, v in want.items()}, tool)

    def test_damaged_record(self):
        self.patch("apply", self.tree)
        state = self.tree / ".rocm-patch/state.ini"
        good = state.read_text()
        for old, new in [("phase = applied", "phase = dancing"), ("path = src/a.cpp", "path = ../a.cpp"),
                         ("path = src/a.cpp", "path = /etc/passwd"), ("orig = ", "orig = xx"), ("[record]", "[recor")]:
            state.write_text(good.replace(old, new))
            p = self.patch("revert", self.tree, code=65)
            self.assertIn("state.ini", p.stderr)
        state.write_text(good)
        for text in (self.tree / ".rocm-patch/orig").iterdir():
            text.chmod(0o644)
            text.write_text("other bytes")
        p = self.patch("revert", self.tree, code=65)
        self.assertIn("damaged", p.stderr)
        self.assertIn("x();", self.a.read_text())

    def test_quilt_series(self):
        out = self.dir / "quilt"
        self.patch("diff", "--quilt", out, self.tree)
        names = (out / "series").read_text().split()
        self.assertEqual(names, ["0001-P1-a-patch.patch", "0002-P2-a-patch.patch"])
        copy = self.dir / "copy"
        shutil.copytree(self.tree, copy)
        for name in names:
            text = (out / name).read_text()
            self.assertIn("X-Evidence: hypothesis", text)
            subprocess.run(["patch", "-s", "-p1"], input=text, text=True, check=True, cwd=copy)
        self.patch("apply", self.tree)
        self.assertEqual({k: v[0] for k, v in digest(copy).items()}, {k: v[0] for k, v in digest(self.tree).items()})
        self.patch("diff", "--quilt", out, self.tree, code=73)

    def test_two_at_once(self):
        procs = [subprocess.Popen([PROGRAM, "patch", "apply", "--patches", str(self.patches), str(self.tree)],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(8)]
        codes = [(p.communicate(timeout=60), p.returncode) for p in procs]
        for (out, err), code in codes:
            self.assertIn(code, (0, 65, 75), err)  # done, changed since the plan, or locked
        self.assertIn(0, [code for _, code in codes])
        self.patch("apply", self.tree)
        self.assertEqual(self.a.read_text(), "void f() {\n  x();\n  z();\n  a();\n}\n")
        self.patch("revert", self.tree)
        self.assertEqual(digest(self.tree, record=True), self.original)

    def test_read_only_tree(self):
        if os.geteuid() == 0:
            self.skipTest("SKIP: root may write everywhere")
        for d in (self.tree, self.tree / "src"):
            d.chmod(0o555)
            self.addCleanup(d.chmod, 0o755)
        self.patch("apply", self.tree, code=77)
        self.assertEqual(digest(self.tree, record=True), self.original)


class BuiltIn(unittest.TestCase):
    """The definitions that ship: each says what it must, and the texts keep to the truth."""

    def setUp(self):
        self.list = json.loads(run("--json", "patch", "list").stdout)["patches"]

    def test_ids(self):
        ids = [p["id"] for p in self.list]
        self.assertEqual(ids, ["H1", "H2", "H3", "H4", "R1", "R2", "R3", "R4", "T1", "T2"])
        self.assertEqual([p["requires"] for p in self.list if p["id"] == "R3"], [["R1", "H2"]])

    def test_show_says_what_is_known(self):
        for p in self.list:
            doc = json.loads(run("--json", "patch", "show", p["id"]).stdout)["patches"][0]
            if p["set"] != "rdna":
                continue
            self.assertIn("hypothesis", doc["why"], p["id"])
            self.assertIn("nothing here was proven on silicon", doc["why"].replace("\n", " "), p["id"])
            self.assertIn("hipMalloc itself was already", doc["why"].replace("\n", " "), p["id"])
            if p["id"] not in ("H1", "R1"):
                self.assertIn("hipMalloc", doc["effect"], p["id"])
        text = run("patch", "show", "R1", "H2").stdout
        self.assertIn("what changes:", text)
        run("patch", "show", "R9", code=66)


if __name__ == "__main__":
    unittest.main(verbosity=2)
