#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Source kinds without a network: hostile archives, interrupted downloads from a local server, a local
apt repository, a local git repository."""
import gzip
import hashlib
import http.server
import io
import os
import pathlib
import shutil
import socketserver
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest
import zipfile

TOOL = os.path.abspath(sys.argv.pop(1))


class Base(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="rp-source-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        os.chmod(self.dir, 0o755)
        self.cache = self.dir / "cache"
        self.root = self.dir / "root"
        (self.root / "etc/apt").mkdir(parents=True)
        (self.root / "etc/os-release").write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
        self.out = self.dir / "out"

    def tool(self, verb, source, dest=None, offline=False, code=0, env=None):
        args = [TOOL] + (["--offline"] if offline else []) + [verb, str(self.cache), str(self.root), str(source)]
        if dest:
            args.append(str(dest))
        p = subprocess.run(args, capture_output=True, text=True, timeout=100,
                           env={"PATH": os.environ["PATH"], "HOME": str(self.dir), "LC_ALL": "C", **(env or {})})
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        if code:
            return p.stdout
        return dict(line.split(" ", 1) for line in p.stdout.splitlines())


def tar(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as t:
        for info, data in members:
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return path


def member(name, data=b"x", type=tarfile.REGTYPE, link="", mode=0o644):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = type, link, mode
    return info, data if type == tarfile.REGTYPE else b""


class Archives(Base):
    def unpack(self, path, code=0):
        p = subprocess.run([TOOL, "archive", "-", "-", str(path), str(self.out)], capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, code, p.stdout)
        if code:
            self.assertFalse(self.out.exists(), "something was left behind")
        return p.stdout

    def refused(self, members, *parts):
        secret = self.dir / "secret"
        secret.write_text("untouched")
        path = tar(self.dir / "a.tar.gz", [member("top/ok")] + members)
        text = self.unpack(path, 1)
        self.assertTrue(text.startswith("EBADMSG: a.tar.gz: "), text)
        for part in parts:
            self.assertIn(part, text)
        self.assertEqual(secret.read_text(), "untouched")
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["a.tar.gz", "root", "secret"])

    def test_ordinary(self):
        d = member("top/d", type=tarfile.DIRTYPE)
        tar(self.dir / "a.tar.gz", [d, member("top/d/f", b"hello", mode=0o755), member("top/l", type=tarfile.SYMTYPE, link="d/f"),
                                    member("top/h", type=tarfile.LNKTYPE, link="top/d/f"),
                                    member("top/d/up", type=tarfile.SYMTYPE, link="../d/f")])
        self.unpack(self.dir / "a.tar.gz")
        self.assertEqual((self.out / "d/up").read_bytes(), b"hello")
        self.assertEqual((self.out / "l").read_bytes(), b"hello")
        self.assertEqual((self.out / "h").read_bytes(), b"hello")
        self.assertEqual((self.out / "d/f").stat().st_mode & 0o7777, 0o755)

    def test_all_compressions(self):
        for mode in ("w", "w:gz", "w:bz2", "w:xz"):
            tar(self.dir / "a.tar", [member("t/a", b"1"), member("t/b", b"2")], mode)
            self.unpack(self.dir / "a.tar")
            self.assertEqual((self.out / "b").read_bytes(), b"2")
            shutil.rmtree(self.out)
        with zipfile.ZipFile(self.dir / "a.zip", "w") as z:
            z.writestr("t/a", "1")
            z.writestr("t/b", "2")
        self.unpack(self.dir / "a.zip")
        self.assertEqual((self.out / "b").read_bytes(), b"2")

    def test_no_common_top_is_kept(self):
        tar(self.dir / "a.tar", [member("a/f"), member("b/f")], "w")
        self.unpack(self.dir / "a.tar")
        self.assertTrue((self.out / "a/f").exists() and (self.out / "b/f").exists())

    def test_absolute_path(self):
        self.refused([member(str(self.dir / "secret"))], "absolute path")

    def test_dotdot(self):
        self.refused([member("top/../../secret")], "..")
        self.refused([member("../secret")], "..")

    def test_links_that_leave(self):
        self.refused([member("top/l", type=tarfile.SYMTYPE, link="../../secret")], "leaves the tree")
        self.refused([member("top/l", type=tarfile.SYMTYPE, link="/etc/passwd")], "leaves the tree")
        self.refused([member("top/d/l", type=tarfile.SYMTYPE, link="../../../secret")], "leaves the tree")

    def test_link_that_leaves_through_another_link(self):
        # a/b/up is the top itself, so a/b/up/.. is above it, though it counts as a/b
        d = [member("top/a", type=tarfile.DIRTYPE), member("top/a/b", type=tarfile.DIRTYPE)]
        up = member("top/a/b/up", type=tarfile.SYMTYPE, link="../..")
        self.refused(d + [up, member("top/l", type=tarfile.SYMTYPE, link="a/b/up/../secret")], "leaves the tree")
        self.refused(d + [member("top/l", type=tarfile.SYMTYPE, link="a/b/up/../secret"), up], "leaves the tree")

    def test_names_are_bytes_in_every_locale(self):
        for fmt in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
            with tarfile.open(self.dir / "a.tar", "w", format=fmt) as t:
                for info, data in (member("t/\u00e9\u4e2d", b"1"), member("t/b")):
                    info.size = len(data)
                    t.addfile(info, io.BytesIO(data))
            p = subprocess.run([TOOL, "archive", "-", "-", str(self.dir / "a.tar"), str(self.out)], capture_output=True,
                               text=True, env={"LC_ALL": "C"})
            self.assertEqual(p.returncode, 0, p.stdout)
            self.assertEqual(sorted(os.listdir(os.fsencode(self.out))), [b"b", "\u00e9\u4e2d".encode()])
            shutil.rmtree(self.out)
        tar(self.dir / "a.tar", [member("t/a"), member("t/b\udcff\udcfe", b"2")], "w")  # no UTF-8 at all
        self.unpack(self.dir / "a.tar")
        self.assertIn(b"b\xff\xfe", os.listdir(os.fsencode(self.out)))

    def test_cut_between_two_members(self):
        data = tar(self.dir / "whole.tar", [member("t/a", b"1" * 512), member("t/b", b"2" * 512)], "w").read_bytes()
        for n, good in ((1024, False), (2048, False), (2048 + 1024, True), (len(data), True)):
            (self.dir / "cut.tar").write_bytes(data[:n])
            text = self.unpack(self.dir / "cut.tar", 0 if good else 1)
            if good:
                shutil.rmtree(self.out)
            else:
                self.assertIn("the archive was cut", text)
        shutil.copy(self.dir / "whole.tar", self.dir / "z.tar")
        for tool in ("gzip", "xz", "zstd"):
            if shutil.which(tool):
                with open(self.dir / "z", "wb") as f:
                    subprocess.run([tool, "-c", str(self.dir / "z.tar")], stdout=f, check=True)
                self.unpack(self.dir / "z")
                shutil.rmtree(self.out)

    def test_writing_through_a_link(self):
        self.refused([member("top/d", type=tarfile.DIRTYPE), member("top/l", type=tarfile.SYMTYPE, link="d"),
                      member("top/l/f")], "its folder is a link")
        self.refused([member("top/l", type=tarfile.SYMTYPE, link="ok"), member("top/l")], "twice")

    def test_hard_links(self):
        self.refused([member("top/h", type=tarfile.LNKTYPE, link="../secret")], "..")
        self.refused([member("top/h", type=tarfile.LNKTYPE, link="/etc/passwd")], "absolute")
        self.refused([member("top/h", type=tarfile.LNKTYPE, link="top/none")], "no file of the archive")
        self.refused([member("top/l", type=tarfile.SYMTYPE, link="ok"), member("top/h", type=tarfile.LNKTYPE, link="top/l")],
                     "no file of the archive")

    def test_special_files(self):
        for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE):
            self.refused([member("top/s", type=kind)], "neither file, folder nor link")

    def test_set_id(self):
        self.refused([member("top/s", mode=0o4755)], "set-user-id")
        self.refused([member("top/s", mode=0o2755)], "set-user-id or set-group-id")

    def test_twice(self):
        self.refused([member("top/a"), member("top/a")], "twice")

    def test_file_and_folder_of_one_name(self):
        self.refused([member("top/a"), member("top/a/b")], "its folder is a link or a file")

    def test_long_names(self):
        self.refused([member("top/" + "d/" * 2500 + "f")], "path too long")

    def test_truncated_and_garbage(self):
        data = tar(self.dir / "whole.tar.xz", [member("top/a", os.urandom(20000)), member("top/b", os.urandom(20000))],
                   "w:xz").read_bytes()
        for n in (0, 1, 100, len(data) // 2, len(data) - 10):
            (self.dir / "cut.tar.xz").write_bytes(data[:n])
            text = self.unpack(self.dir / "cut.tar.xz", 1)
            self.assertIn("cut.tar.xz", text)
        (self.dir / "bad").write_bytes(os.urandom(5000))
        self.unpack(self.dir / "bad", 1)
        self.unpack(self.dir / "none", 1)

    def test_uncompressing_to_far_too_much(self):
        # the header tells; nothing is uncompressed for it
        with gzip.open(self.dir / "bomb.tar.gz", "wb", compresslevel=1) as g:
            for name in ("top/zeros", "zeros"):
                info = tarfile.TarInfo(name)
                info.size = 17 << 30
                g.write(info.tobuf(tarfile.GNU_FORMAT))
        self.assertIn("more than 16 GiB", self.unpack(self.dir / "bomb.tar.gz", 1))

    def test_holes_count_as_well(self):
        # 8 TiB by its header, one byte in the archive (GNU sparse format 1.0)
        info = tarfile.TarInfo("GNUSparseFile.0/big")
        info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "t/big",
                            "GNU.sparse.realsize": str(1 << 43)}
        data = b"1\n0\n1\n".ljust(512, b"\0") + b"x"
        info.size = len(data)
        with tarfile.open(self.dir / "a.tar", "w", format=tarfile.PAX_FORMAT) as t:
            t.addfile(info, io.BytesIO(data))
        self.assertIn("more than 16 GiB", self.unpack(self.dir / "a.tar", 1))

    def test_destination_exists(self):
        tar(self.dir / "a.tar", [member("a/f")], "w")
        self.out.mkdir()
        (self.out / "mine").write_text("mine")
        p = subprocess.run([TOOL, "archive", "-", "-", str(self.dir / "a.tar"), str(self.out)], capture_output=True, text=True)
        self.assertEqual(p.returncode, 1)
        self.assertTrue((self.out / "mine").exists())
        # not even when the archive is refused before anything is created
        (self.dir / "bad.tar").write_bytes(b"no archive" * 1000)
        for name in ("bad.tar", "a.tar"):
            self.assertIn("EEXIST", self.tool("unpack", self.dir / name, self.out, code=1))
            self.assertEqual((self.out / "mine").read_text(), "mine")


class Server(http.server.BaseHTTPRequestHandler):
    """Serves one body; may stop early, ignore ranges, or lie."""
    body = b""
    stop_after = None
    ranges = True
    endless = False
    requests = []

    def do_GET(self):
        start = 0
        asked = self.headers.get("Range")
        Server.requests.append(asked)
        if Server.endless:
            start = int(asked.split("=")[1].split("-")[0])
            self.send_response(206)
            self.send_header("Content-Range", "bytes %d-%d/*" % (start, start + (1 << 40)))
            self.end_headers()
            self.wfile.write(b"x" * 1000)
            self.close_connection = True
            return
        if asked and Server.ranges:
            start = int(asked.split("=")[1].split("-")[0])
            if start >= len(Server.body):
                self.send_response(416)
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(Server.body) - 1, len(Server.body)))
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(Server.body) - start))
        self.end_headers()
        data = Server.body[start:]
        if Server.stop_after is not None:
            data = data[:Server.stop_after]
        self.wfile.write(data)
        self.close_connection = True

    def log_message(self, *args):
        pass


class Downloads(Base):
    def setUp(self):
        super().setUp()
        path = tar(self.dir / "x.tar.gz", [member("x/a", os.urandom(300000)), member("x/b")])
        Server.body = path.read_bytes()
        Server.stop_after, Server.ranges, Server.requests = None, True, []
        self.sha = hashlib.sha256(Server.body).hexdigest()
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Server)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = "http://127.0.0.1:%d/x.tar.gz" % self.server.server_address[1]
        self.source = "tarball:%s#sha256=%s" % (self.url, self.sha)

    def partial(self):
        return self.cache / "partial" / self.sha

    def test_whole(self):
        self.assertEqual(self.tool("plan", self.source)["cached"], "0")
        st = self.tool("unpack", self.source, self.out)
        self.assertEqual(st["identity"], "sha256:" + self.sha)
        self.assertTrue((self.out / "a").exists())
        self.assertFalse(self.partial().exists())
        # the second time from the cache, also offline and with the server gone
        self.server.shutdown()
        self.assertEqual(self.tool("fetch", self.source, offline=True)["cached"], "1")

    def test_interrupted_is_resumed(self):
        Server.stop_after = 100000
        text = self.tool("fetch", self.source, code=1)
        self.assertIn("ENETUNREACH", text)
        self.assertEqual(self.partial().stat().st_size, 100000)
        self.assertEqual(list((self.cache / "objects").glob("*")) if (self.cache / "objects").exists() else [], [])
        Server.stop_after = None
        self.tool("fetch", self.source)
        self.assertIn("bytes=100000-", Server.requests)
        self.assertEqual((self.cache / "objects" / self.sha).read_bytes(), Server.body)

    def test_line_that_breaks_every_time_still_brings_the_file(self):
        Server.stop_after = len(Server.body) // 3 - 1
        for i in range(3):
            self.tool("fetch", self.source, code=1)
            self.assertEqual(self.partial().stat().st_size, (i + 1) * Server.stop_after)
        self.tool("fetch", self.source)
        self.assertEqual((self.cache / "objects" / self.sha).read_bytes(), Server.body)
        self.assertEqual(len(Server.requests), 4)

    def test_limit_also_where_no_length_is_announced(self):
        (self.cache / "partial").mkdir(parents=True)
        with open(self.partial(), "wb") as f:
            f.truncate(8 << 30)  # a hole: the limit is there already
        Server.endless = True
        self.addCleanup(setattr, Server, "endless", False)
        self.assertIn("EFBIG", self.tool("fetch", self.source, code=1))
        self.assertFalse(self.partial().exists())

    def test_server_without_ranges_starts_anew(self):
        Server.stop_after = 1000
        self.tool("fetch", self.source, code=1)
        Server.stop_after, Server.ranges = None, False
        self.tool("fetch", self.source)
        self.assertEqual((self.cache / "objects" / self.sha).read_bytes(), Server.body)

    def test_wrong_bytes_are_never_used(self):
        Server.body = Server.body[:-1] + bytes([Server.body[-1] ^ 1])
        text = self.tool("fetch", self.source, code=1)
        self.assertIn("EBADMSG", text)
        self.assertIn("expected " + self.sha, text)
        self.assertFalse(self.partial().exists())
        self.assertFalse((self.cache / "objects" / self.sha).exists())

    def test_damaged_part_is_thrown_away(self):
        Server.stop_after = 1000
        self.tool("fetch", self.source, code=1)
        self.partial().write_bytes(b"y" * 1000)
        Server.stop_after = None
        self.tool("fetch", self.source)
        self.assertEqual((self.cache / "objects" / self.sha).read_bytes(), Server.body)

    def test_damaged_object_is_noticed_and_removed(self):
        self.tool("fetch", self.source)
        (self.cache / "objects" / self.sha).write_bytes(b"other")
        text = self.tool("unpack", self.source, self.out, code=1)
        self.assertIn("damaged", text)
        self.assertFalse(self.out.exists())
        self.tool("unpack", self.source, self.out)

    def test_offline_and_missing(self):
        self.assertIn("ENETUNREACH", self.tool("fetch", self.source, offline=True, code=1))
        self.assertEqual(Server.requests, [])
        self.assertIn("needs its sha256", self.tool("fetch", "tarball:" + self.url, code=1))
        self.assertIn("EINVAL", self.tool("fetch", "tarball:gopher://127.0.0.1/x#sha256=" + self.sha, code=1))

    def test_two_at_once_fetch_once(self):
        procs = [subprocess.Popen([TOOL, "fetch", str(self.cache), str(self.root), self.source], stdout=subprocess.PIPE,
                                  env={"PATH": os.environ["PATH"], "HOME": str(self.dir)}) for _ in range(4)]
        for p in procs:
            p.communicate(timeout=60)
        self.assertEqual([p.returncode for p in procs], [0] * 4)
        self.assertEqual(len(Server.requests), 1)


class Directories(Base):
    def test_identity_covers_names_modes_links_and_bytes(self):
        src = self.dir / "src"
        (src / "d").mkdir(parents=True)
        (src / "d/f").write_text("1")
        seen = set()

        def look():
            i = self.tool("plan", "dir:%s" % src)["identity"]
            self.assertNotIn(i, seen)
            seen.add(i)

        look()
        (src / "d/f").write_text("2")
        look()
        (src / "d/f").chmod(0o755)
        look()
        (src / "d/f").rename(src / "d/g")
        look()
        (src / "l").symlink_to("d")
        look()
        (src / "l").unlink()
        (src / "l").symlink_to("d/g")
        look()
        (src / "empty").mkdir()
        look()
        (src / ".git").mkdir()
        (src / ".git/HEAD").write_text("x")
        self.assertIn(self.tool("plan", "dir:%s" % src)["identity"], seen)
        self.tool("unpack", "dir:%s" % src, self.out)
        self.assertFalse((self.out / ".git").exists())
        self.assertEqual(os.readlink(self.out / "l"), "d/g")
        os.mkfifo(src / "pipe")
        self.assertIn("neither file", self.tool("plan", "dir:%s" % src, code=1))

    def test_links_that_leave(self):
        src = self.dir / "src"
        (src / "d").mkdir(parents=True)
        for text in ("/etc/passwd", "../secret", "d/../../secret"):
            (src / "l").symlink_to(text)
            self.assertIn("EBADMSG: source %s: l: a link that leaves the tree" % src, self.tool("plan", "dir:%s" % src, code=1))
            (src / "l").unlink()

    def test_into_itself(self):
        src = self.dir / "src"
        (src / "d").mkdir(parents=True)
        self.assertIn("is inside it", self.tool("unpack", "dir:%s" % src, src / "d/copy", code=1))
        self.assertFalse((src / "d/copy").exists())


@unittest.skipUnless(shutil.which("git"), "SKIP: git is not installed")
class Git(Base):
    def setUp(self):
        super().setUp()
        self.repo = self.dir / "repo"
        self.repo.mkdir()
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.dir), "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
                    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
        self.git("init", "-q", "-b", "main")
        self.commit("1")
        self.git("tag", "v1")
        self.commit("2")
        self.bare = self.dir / "bare.git"
        subprocess.run(["git", "clone", "-q", "--bare", str(self.repo), str(self.bare)], check=True, env=self.env)

    def git(self, *args):
        return subprocess.run(["git", "-C", str(self.repo), *args], check=True, env=self.env, capture_output=True,
                              text=True).stdout.strip()

    def commit(self, text):
        (self.repo / "f").write_text(text)
        self.git("add", ".")
        self.git("commit", "-q", "-m", text)

    def test_tag_branch_and_commit(self):
        v1, main = self.git("rev-parse", "v1"), self.git("rev-parse", "main")
        for rev, commit, text in (("v1", v1, "1"), ("main", main, "2"), (main, main, "2")):
            st = self.tool("unpack", "git:file://%s#%s" % (self.bare, rev), self.out)
            self.assertEqual(st["identity"], "git:" + commit)
            self.assertEqual((self.out / "f").read_text(), text)
            shutil.rmtree(self.out)
        shutil.rmtree(self.bare)
        st = self.tool("unpack", "git:file://%s#v1" % self.bare, self.out, offline=True)
        self.assertEqual(st["identity"], "git:" + v1)

    def test_moved_branch(self):
        self.tool("fetch", "git:file://%s#main" % self.bare)
        self.commit("3")
        subprocess.run(["git", "-C", str(self.repo), "push", "-q", str(self.bare), "main"], check=True, env=self.env)
        st = self.tool("unpack", "git:file://%s#main" % self.bare, self.out)
        self.assertEqual(st["identity"], "git:" + self.git("rev-parse", "main"))
        self.assertEqual((self.out / "f").read_text(), "3")

    def test_refusals(self):
        self.assertIn("EINVAL", self.tool("fetch", "git:--upload-pack=touch#v1", code=1))
        self.assertIn("EINVAL", self.tool("fetch", "git:ext::sh -c touch#v1", code=1))
        self.assertIn("EINVAL", self.tool("fetch", "git:file://%s#--output=x" % self.bare, code=1))
        self.assertIn("ENETUNREACH", self.tool("fetch", "git:file://%s#nope" % self.bare, code=1))
        self.assertIn("ENETUNREACH", self.tool("fetch", "git:file:///none#v1", code=1))
        self.assertIn("ENETUNREACH", self.tool("fetch", "git:file://%s#v2" % self.bare, offline=True, code=1))

    def test_the_users_configuration_does_not_change_the_bytes(self):
        (self.repo / "f").write_text("a\nb\n")
        (self.repo / ".gitattributes").write_text("*.x filter=mine\n")
        (self.repo / "g.x").write_text("x\n")
        self.git("add", ".")
        self.git("commit", "-q", "-m", "text")
        (self.dir / "attributes").write_text("* -diff export-ignore\n")
        (self.dir / "config").write_text("[core]\n autocrlf = true\n attributesFile = %s\n[filter \"mine\"]\n smudge = tr x y\n"
                                         % (self.dir / "attributes"))
        self.tool("unpack", "git:file://%s#main" % self.repo, self.out, env={
            "GIT_CONFIG_GLOBAL": str(self.dir / "config"), "GIT_DIR": "/none", "GIT_OBJECT_DIRECTORY": str(self.dir / "objects"),
            "GIT_INDEX_FILE": "/none", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.eol", "GIT_CONFIG_VALUE_0": "crlf"})
        self.assertEqual((self.out / "f").read_bytes(), b"a\nb\n")
        self.assertEqual((self.out / "g.x").read_bytes(), b"x\n")
        self.assertFalse((self.dir / "objects").exists())

    def test_what_a_killed_run_leaves(self):
        self.tool("fetch", "git:file://%s#main" % self.bare)
        repo = next((self.cache / "git").glob("*.git"))
        ref = next((repo / "refs/rocm-patch").iterdir())
        for lock in (repo / "shallow.lock", repo / "config.lock", repo / "HEAD.lock", ref.with_name(ref.name + ".lock")):
            lock.write_text("")
        self.commit("4")
        subprocess.run(["git", "-C", str(self.repo), "push", "-q", str(self.bare), "main"], check=True, env=self.env)
        self.assertEqual(self.tool("fetch", "git:file://%s#main" % self.bare)["identity"], "git:" + self.git("rev-parse", "main"))
        # half a repository
        (repo / "HEAD").unlink()
        shutil.rmtree(repo / "refs")
        self.tool("fetch", "git:file://%s#main" % self.bare)

    def test_relative_paths_are_told_apart(self):
        for name in ("one", "two"):
            (self.dir / name).mkdir()
            subprocess.run(["git", "clone", "-q", "--bare", str(self.repo), str(self.dir / name / "r")], check=True, env=self.env)
            args = [TOOL, "fetch", str(self.cache), str(self.root), "git:r#main"]
            subprocess.run(args, cwd=self.dir / name, env=self.env, check=True, capture_output=True)
        self.assertEqual(len(list((self.cache / "git").glob("*.git"))), 2)

    def test_damaged_repository(self):
        self.tool("fetch", "git:file://%s#v1" % self.bare)
        repo = next((self.cache / "git").glob("*.git"))
        objects = [p for p in (repo / "objects").rglob("*") if p.is_file()]
        self.assertTrue(objects)
        for p in objects:
            p.chmod(0o644)
            p.write_bytes(b"damage")
        p = self.tool("unpack", "git:file://%s#v1" % self.bare, self.out, offline=True, code=1)
        self.assertFalse(self.out.exists(), p)


@unittest.skipUnless(shutil.which("apt-get") and os.path.exists("/usr/lib/apt/apt-helper"), "SKIP: apt is not installed")
class Apt(Base):
    """A repository on disk with an index that names more than it holds, as real archives do."""

    def setUp(self):
        super().setUp()
        self.repo = self.dir / "repo"
        pool = self.repo / "pool/main/t/toy"
        pool.mkdir(parents=True)
        tar(pool / "toy_1.0.orig.tar.xz", [member("toy-1.0/f", b"1.0")], "w:xz")
        tar(pool / "toy_1.1.orig.tar.xz", [member("toy-1.1/f", b"1.1")], "w:xz")
        self.index()
        (self.root / "etc/apt/sources.list").write_text("deb [trusted=yes] file://%s bookworm main\n" % self.repo)

    def index(self, versions=("1.0", "1.1"), wrong=None):
        dists = self.repo / "dists/sid/main/source"
        dists.mkdir(parents=True, exist_ok=True)
        text = ""
        for v in versions:
            path = self.repo / ("pool/main/t/toy/toy_%s.orig.tar.xz" % v)
            data = path.read_bytes()
            sha = wrong or hashlib.sha256(data).hexdigest()
            text += ("Package: toy\nBinary: toy\nVersion: %s-1\nMaintainer: x <x@x>\nArchitecture: any\nFormat: 3.0 (quilt)\n"
                     "Files:\n %s 9 toy_%s-1.dsc\n %s %d toy_%s.orig.tar.xz\nChecksums-Sha256:\n %s 9 toy_%s-1.dsc\n"
                     " %s %d toy_%s.orig.tar.xz\nDirectory: pool/main/t/toy\nPriority: source\nSection: misc\n\n"
                     % (v, "0" * 32, v, hashlib.md5(data).hexdigest(), len(data), v, "0" * 64, v, sha, len(data), v))
        (dists / "Sources").write_text(text)
        sha = hashlib.sha256(text.encode()).hexdigest()
        (self.repo / "dists/sid/Release").write_text(
            "Suite: sid\nCodename: sid\nComponents: main\nArchitectures: amd64\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n"
            "Valid-Until: Fri, 02 Jan 2026 00:00:00 UTC\nSHA256:\n %s %d main/source/Sources\n" % (sha, len(text)))

    def test_orig_without_dsc_from_an_expired_release(self):
        st = self.tool("unpack", "deb:toy/sid=1.0-1", self.out)
        self.assertEqual(st["version"], "1.0-1")
        self.assertEqual(st["choice"], "-")
        self.assertEqual((self.out / "f").read_text(), "1.0")
        shutil.rmtree(self.repo / "pool")  # not the index: of a file: archive apt keeps links to it
        self.assertEqual(self.tool("fetch", "deb:toy/sid=1.0-1", offline=True)["cached"], "1")

    def test_version_that_has_gone(self):
        st = self.tool("fetch", "deb:toy/sid=0.5-1")
        self.assertEqual(st["version"], "1.1-1")
        self.assertIn("toy 0.5-1 has gone from sid: the newest there, 1.1-1, is taken", st["choice"])

    def test_missing_package_file_and_wrong_checksum(self):
        self.assertIn("ENOENT", self.tool("fetch", "deb:nothing/sid", code=1))
        self.index(wrong="f" * 64)
        shutil.rmtree(self.cache)
        text = self.tool("fetch", "deb:toy/sid=1.1-1", code=1)
        self.assertIn("EBADMSG", text)
        self.assertFalse(list((self.cache / "objects").glob("*")) if (self.cache / "objects").exists() else [])
        self.index()
        shutil.rmtree(self.cache)
        (self.repo / "pool/main/t/toy/toy_1.1.orig.tar.xz").unlink()
        self.assertIn("ENETUNREACH", self.tool("fetch", "deb:toy/sid=1.1-1", code=1))

    def test_mirror_that_cannot_be_reached(self):
        (self.root / "etc/apt/sources.list").write_text("deb [trusted=yes] http://127.0.0.1:1/x bookworm main\n")
        self.assertIn("ENETUNREACH: package index of sid", self.tool("fetch", "deb:toy/sid", code=1))
        self.assertFalse((self.cache / "apt/sid-src/updated").exists())

    def test_archive_that_is_not_signed(self):
        (self.root / "etc/apt/sources.list").write_text("deb file://%s bookworm main\n" % self.repo)
        self.assertIn("EBADMSG: package index of sid", self.tool("fetch", "deb:toy/sid", code=1))

    def test_hooks_of_the_system_do_not_run(self):
        conf = self.dir / "hooks.conf"
        conf.write_text("".join('APT::Update::%s { "touch %s/ran"; };\n' % (h, self.dir)
                                for h in ("Pre-Invoke", "Auth-Invoke", "Post-Invoke", "Post-Invoke-Success")))
        self.tool("fetch", "deb:toy/sid", env={"APT_CONFIG": str(conf)})
        self.assertFalse((self.dir / "ran").exists())

    def test_several_at_once(self):
        procs = [subprocess.Popen([TOOL, "fetch", str(self.cache), str(self.root), "deb:toy/sid"], stdout=subprocess.PIPE,
                                  env={"PATH": os.environ["PATH"], "HOME": str(self.dir)}) for _ in range(3)]
        out = [p.communicate(timeout=100)[0] for p in procs]
        self.assertEqual([p.returncode for p in procs], [0] * 3, out)

    def test_binary_package(self):
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w:xz") as t:
            for info, text in ((member("./usr/lib/f", b"lib")), (member("./usr/lib/g", b"g"))):
                info.size = len(text)
                t.addfile(info, io.BytesIO(text))
        deb = b"!<arch>\n"
        for name, body in (("debian-binary", b"2.0\n"), ("control.tar.xz", b"x" * 11), ("data.tar.xz", data.getvalue())):
            deb += b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name.encode(), 0, 0, 0, b"100644", len(body)) + body + b"\n" * (len(body) % 2)
        (self.repo / "pool/main/t/toy/lib_2-1_all.deb").write_bytes(deb)
        arch = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
        text = ("Package: lib\nVersion: 2-1\nArchitecture: all\nMaintainer: x <x@x>\nFilename: pool/main/t/toy/lib_2-1_all.deb\n"
                "Size: %d\nSHA256: %s\nDescription: x\n\n" % (len(deb), hashlib.sha256(deb).hexdigest()))
        folder = self.repo / ("dists/sid/main/binary-" + arch)
        folder.mkdir()
        (folder / "Packages").write_text(text)
        (self.repo / "dists/sid/Release").write_text(
            "Suite: sid\nCodename: sid\nComponents: main\nArchitectures: %s\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n"
            " %s %d main/binary-%s/Packages\n" % (arch, hashlib.sha256(text.encode()).hexdigest(), len(text), arch))
        st = self.tool("unpack", "deb-binary:lib/sid=2-1", self.out)
        self.assertEqual(st["identity"], "sha256:" + hashlib.sha256(deb).hexdigest())
        self.assertEqual((self.out / "usr/lib/f").read_text(), "lib")

    def entry(self, name, text):
        (self.root / "etc/apt/sources.list.d").mkdir(exist_ok=True)
        (self.root / "etc/apt/sources.list.d" / name).write_text(text)

    def test_archives_of_others_are_not_taken_for_debian(self):
        (self.root / "etc/apt/sources.list").write_text("# moved\n")
        self.entry("a-browser.list", "deb [trusted=yes] http://127.0.0.1:1/browser stable main\n")
        self.entry("b-tool.list", "deb [signed-by=/usr/share/keyrings/tool.gpg] http://127.0.0.1:1/debian bookworm main\n")
        self.entry("debian.sources", "Types: deb\nURIs: file://%s\nSuites: bookworm bookworm-updates\nComponents: main\nTrusted: yes\n"
                   % self.repo)
        self.assertEqual(self.tool("fetch", "deb:toy/sid")["version"], "1.1-1")
        # on another system such names say nothing
        (self.root / "etc/os-release").write_text("ID=ubuntu\nVERSION_CODENAME=noble\n")
        text = self.tool("fetch", "deb:toy/sid", code=1)
        self.assertIn("ENODEV: no Debian mirror in /etc/apt (this is ubuntu)", text)

    def test_list_of_mirrors(self):
        (self.root / "etc/apt/mirrors").mkdir()
        (self.root / "etc/apt/mirrors/debian.list").write_text("# first\nfile://%s\tpriority:1\nhttp://127.0.0.1:1/\n" % self.repo)
        (self.root / "etc/apt/sources.list").write_text("deb [trusted=yes] mirror+file:///etc/apt/mirrors/debian.list bookworm main\n")
        self.assertEqual(self.tool("fetch", "deb:toy/sid")["version"], "1.1-1")
        (self.root / "etc/apt/sources.list").write_text("deb mirror+http://127.0.0.1:1/list bookworm main\n")
        self.assertIn("ENODEV", self.tool("fetch", "deb:toy/sid", code=1))

    def test_no_mirror(self):
        (self.root / "etc/apt/sources.list").write_text("deb http://127.0.0.1:1/x noble main\n")
        self.assertIn("ENODEV: no Debian mirror", self.tool("fetch", "deb:toy/sid", code=1))
        self.assertIn("ENODEV: no Debian mirror", self.tool("fetch", "deb:toy/sid", offline=True, code=1))
        self.assertIn("EINVAL", self.tool("fetch", "deb:toy/../sid", code=1))

    def test_the_systems_apt_is_untouched(self):
        before = sorted(os.listdir("/var/lib/apt/lists"))
        self.tool("fetch", "deb:toy/sid")
        self.assertEqual(sorted(os.listdir("/var/lib/apt/lists")), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
