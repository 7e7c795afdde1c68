#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The store and its verbs as a user meets them: the whole life of generations, the environment that
programs get, damage, wrong places, missing rights, a full disk, several runs at once."""
import fcntl
import json
import os
import pathlib
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

PROGRAM, TOOL = map(os.path.abspath, sys.argv[1:3])
del sys.argv[1:3]
A, B, C = "1-aaaaaaaaaaaa", "1-bbbbbbbbbbbb", "1-cccccccccccc"
BASE_ENV = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C"}


class Store(unittest.TestCase):
    def setUp(self):
        tmp = tempfile.TemporaryDirectory()
        self.addCleanup(tmp.cleanup)
        self.dir = pathlib.Path(tmp.name)
        os.chmod(self.dir, 0o755)
        self.store = self.dir / "store"

    def run_at(self, prefix, *args, env=None, **kw):
        return subprocess.run([PROGRAM, args[0], "--prefix", str(prefix), *args[1:]], env={**BASE_ENV, **(env or {})},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, **kw)

    def ok(self, *args, **kw):
        p = self.run_at(self.store, *args, **kw)
        self.assertEqual(p.returncode, 0, (args, p.stderr))
        return p.stdout

    def fails(self, code, part, *args, **kw):
        p = self.run_at(self.store, *args, **kw)
        self.assertEqual(p.returncode, code, (args, p.stdout, p.stderr))
        self.assertIn(part, p.stderr, args)
        return p

    def publish(self, *ids, size=0):
        for g in ids:
            subprocess.run([TOOL, str(self.store), g, str(size)], check=True, env=BASE_ENV, timeout=60)

    def active(self):
        doc = json.loads(self.ok("list", "--json"))
        self.assertEqual(doc["schema"], 1)
        return [g["id"] for g in doc["generations"] if g["active"]]


class Life(Store):
    def test_from_nothing_and_back(self):
        self.assertIn("no generation", self.ok("list"))
        self.publish(A, B)
        self.assertEqual(self.active(), [])
        self.fails(66, "nothing to go back to", "rollback")
        self.fails(66, "nothing to go back to", "rollback", "-n")
        self.ok("activate", "aaaa")
        self.assertEqual(os.readlink(self.store / "current"), A)
        self.ok("activate", B)
        self.fails(73, "is active", "remove", B, "--yes")
        self.assertEqual(self.active(), [B])
        self.assertIn(A + " would be active again", self.ok("rollback", "-n"))
        self.assertEqual(json.loads(self.ok("rollback", "-n", "--json"))["would_be"], A)
        self.ok("rollback")
        self.assertIn("no generation would be active", self.ok("rollback", "-n"))
        self.assertEqual(self.active(), [A])
        self.ok("rollback")
        self.assertEqual(self.active(), [])
        self.ok("remove", A, B, "--yes")
        self.assertEqual(json.loads(self.ok("list", "--json"))["generations"], [])

    def test_names(self):
        self.publish(A, B)
        self.fails(2, "fits", "activate", "1-")
        self.fails(66, "no generation", "activate", "2-")
        self.fails(66, "no generation", "activate", "../x")

    def test_dry_run_writes_nothing(self):
        self.publish(A, B)
        self.ok("activate", A)
        before = {p: p.lstat().st_mtime_ns for p in self.store.rglob("*")}
        for args in (("activate", B), ("rollback",), ("remove", B)):
            self.ok(*args, "-n")
        self.assertEqual({p: p.lstat().st_mtime_ns for p in self.store.rglob("*")}, before)

    def test_remove_asks(self):
        self.publish(A)
        self.fails(2, "not confirmed", "remove", A)
        self.assertTrue((self.store / A).is_dir())

    def test_unknown_options_are_wrong_use(self):
        for verb in ("list", "activate", "rollback", "remove", "verify-store", "env", "install-env", "run"):
            self.fails(2, "--frob", verb, "--frob")


class Damage(Store):
    def test_verify_finds_every_kind(self):
        self.publish(A)
        g = self.store / A
        subprocess.run(["sha256sum", "--quiet", "-c", ".rocm-patch/MANIFEST.sha256"], cwd=g, check=True)
        self.assertIn("as in the manifest", self.ok("verify-store"))
        (g / "lib/libx.so.1").write_text("other")
        (g / "lib/libx.so").unlink()
        (g / "lib/libx.so").symlink_to("elsewhere")
        (g / "extra").write_text("")
        (g / ".rocm-patch/generation.ini").unlink()
        p = self.run_at(self.store, "verify-store", A, "--json")
        self.assertEqual(p.returncode, 1)
        what = {x["path"]: x["what"].split(":")[0] for x in json.loads(p.stdout)["generations"][0]["problems"]}
        self.assertEqual(what, {"lib/libx.so.1": "changed", "lib/libx.so": "changed", "extra": "extra",
                                ".rocm-patch/generation.ini": "missing"})
        self.assertEqual(self.run_at(self.store, "list").returncode, 1)
        self.fails(65, "damaged", "activate", A)

    def test_a_foreign_current_is_not_touched(self):
        self.publish(A)
        (self.store / "current").symlink_to("/usr")
        self.fails(65, "no generation", "activate", A)
        self.assertEqual(os.readlink(self.store / "current"), "/usr")


class Places(Store):
    def test_wrong_places(self):
        self.fails(66, "no store", "activate", A)
        self.store.write_text("a file")
        self.fails(65, "store", "list")
        self.store.unlink()
        self.store.mkdir()
        (self.store / "somebody's").write_text("")
        p = subprocess.run([TOOL, str(self.store), A], capture_output=True, text=True, env=BASE_ENV)
        self.assertEqual(p.returncode, 1)
        self.assertIn("not a store", p.stderr)
        self.assertTrue((self.store / "somebody's").exists())

    def test_a_link_to_the_store(self):
        self.publish(A)
        link = self.dir / "link"
        link.symlink_to("store")
        self.assertEqual(self.run_at(link, "activate", A).returncode, 0)
        self.assertEqual(self.active(), [A])

    def test_without_rights(self):
        self.publish(A, B)
        self.ok("activate", A)
        as_nobody = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            as_nobody = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            try:
                subprocess.run([PROGRAM, "--version"], check=True, capture_output=True, **as_nobody)
            except (PermissionError, subprocess.CalledProcessError):
                self.skipTest("SKIP: user nobody cannot read the build folder")
        else:
            os.chmod(self.store, 0o555)
            self.addCleanup(os.chmod, self.store, 0o755)
        self.assertIn(A, self.ok("list", **as_nobody))
        self.assertIn("current/lib", self.ok("env", **as_nobody))
        self.fails(77, "--prefix", "activate", B, **as_nobody)
        self.fails(77, "--prefix", "remove", B, "--yes", **as_nobody)
        self.assertEqual(self.active(), [A])

    def test_full_disk(self):
        self.store.mkdir()
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", str(self.store)],
                                               capture_output=True).returncode != 0:
            self.skipTest("SKIP: a small tmpfs cannot be mounted here (needs root)")
        self.addCleanup(subprocess.run, ["umount", str(self.store)], check=True)
        self.publish(A)
        self.ok("activate", A)
        p = subprocess.run([TOOL, str(self.store), B, "1000000"], capture_output=True, text=True, env=BASE_ENV)
        self.assertEqual(p.returncode, 1)
        self.assertIn("No space left", p.stderr)
        self.assertEqual(self.active(), [A])
        self.assertIn("as in the manifest", self.ok("verify-store"))
        self.fails(66, "no generation", "remove", C, "--yes")  # opens for writing: clears up
        self.assertEqual([n for n in os.listdir(self.store) if "partial" in n or n.startswith(".rp-tmp")], [])
        self.publish(C)


class Together(Store):
    def test_waits_for_the_lock_and_says_so(self):
        self.publish(A)
        with open(self.store / ".lock", "w") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            p = subprocess.Popen([PROGRAM, "activate", A, "--prefix", str(self.store)], env=BASE_ENV,
                                 stderr=subprocess.PIPE, text=True)
            self.assertIn("waiting", p.stderr.readline())
            self.assertIsNone(p.poll())
        self.assertEqual(p.wait(30), 0)
        p.stderr.close()
        self.assertEqual(self.active(), [A])

    def test_many_at_once(self):
        self.publish(A, B)
        runs = [subprocess.Popen([PROGRAM, "-q", "activate", g, "--prefix", str(self.store)], env=BASE_ENV,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for g in (A, B) * 5]
        runs.append(subprocess.Popen([TOOL, str(self.store), C], env=BASE_ENV, stderr=subprocess.PIPE))
        for p in runs:
            self.assertEqual(p.wait(60), 0, p.stderr.read())
            p.stderr.close()
        self.assertIn(self.active(), ([A], [B]))
        self.assertEqual(len(json.loads(self.ok("list", "--json"))["generations"]), 3)
        self.ok("verify-store")
        self.assertEqual([n for n in os.listdir(self.store) if n.startswith(".rp-tmp") or "partial" in n], [])


class Environment(Store):
    def test_only_what_the_generation_has(self):
        self.publish(A)
        self.fails(66, "no generation is active", "env")
        self.ok("activate", A)
        want = {"LD_LIBRARY_PATH": "%s/current/lib:/x" % self.store}
        self.assertEqual(json.loads(self.ok("env", "--json", env={"LD_LIBRARY_PATH": "/x"}))["environment"], want)
        self.assertEqual(self.ok("env", "--runtime", "stock"), "")
        self.assertIn("/%s/lib" % A, self.ok("env", "--runtime", A))

    def test_a_shell_reads_back_odd_characters(self):
        self.store = self.dir / "it's $HOME `x` \\ \"q\" ;"
        self.publish(A)
        self.ok("activate", A)
        for shell in ("sh", "bash", "zsh", "fish"):
            if not shutil.which(shell):
                continue
            text = self.ok("env", "--shell", "fish" if shell == "fish" else "sh")
            out = subprocess.run([shell, "-c", text + "printenv LD_LIBRARY_PATH"], env=BASE_ENV, capture_output=True, text=True)
            self.assertEqual(out.stdout, "%s/current/lib\n" % self.store, (shell, out.stderr))

    def test_run(self):
        self.publish(A)
        self.ok("activate", A)
        self.assertEqual(self.ok("run", "--", "printenv", "LD_LIBRARY_PATH"), "%s/current/lib\n" % self.store)
        self.assertEqual(self.ok("run", "sh", "-c", "echo $1", "x", "--json"), "--json\n")
        self.assertEqual(self.run_at(self.store, "run", "--", "sh", "-c", "exit 42").returncode, 42)
        self.assertEqual(self.run_at(self.store, "run", "--", "sh", "-c", "kill -9 $$").returncode, -9)
        self.assertEqual(self.run_at(self.store, "run", "--runtime", "stock", "--", "printenv", "LD_LIBRARY_PATH").returncode, 1)
        self.fails(66, "no-such-command", "run", "--", "no-such-command")
        self.fails(66, "gfx1036", "run", "--gpu", "gfx1036", "--", "true")
        self.ok("run", "--gpu", "real", "--", "true")

    def test_install_env(self):
        self.publish(A)
        self.ok("activate", A)
        root = self.dir / "root"
        files = [root / "etc/profile.d/rocm-patch.sh", root / "etc/environment.d/60-rocm-patch.conf"]
        self.ok("install-env", "--destdir", str(root), "-n")
        self.assertFalse(root.exists())
        self.ok("install-env", "--destdir", str(root))
        out = subprocess.run(["sh", "-c", ". %s; printenv LD_LIBRARY_PATH" % files[0]], env={**BASE_ENV, "LD_LIBRARY_PATH": "/y"},
                             capture_output=True, text=True).stdout
        self.assertEqual(out, "%s/current/lib:/y\n" % self.store)
        for f in files:
            self.assertEqual(stat.S_IMODE(f.stat().st_mode), 0o644)
        self.ok("install-env", "--destdir", str(root), "--remove")
        self.assertEqual([f.exists() for f in files], [False, False])
        files[0].write_text("# somebody else's\n")
        self.fails(73, "not ours", "install-env", "--destdir", str(root))
        self.fails(73, "not ours", "install-env", "--destdir", str(root), "--remove")
        self.assertEqual(files[0].read_text(), "# somebody else's\n")
        self.ok("install-env", "--user", env={"HOME": str(self.dir / "home")})
        self.assertTrue((self.dir / "home/.config/environment.d/60-rocm-patch.conf").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
