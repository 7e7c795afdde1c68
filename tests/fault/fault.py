# SPDX-License-Identifier: MIT
"""Runs a command once to count the calls that change given folders, then once per call and kind of
fault on a fresh copy of the state. See shim.c for the kinds."""
import errno
import os
import pathlib
import shutil
import subprocess
import tempfile

KINDS = ("kill", str(errno.EIO), str(errno.ENOSPC), "%d+" % errno.ENOSPC)


class Fault:
    def __init__(self, shim):
        self.shim = os.path.abspath(shim)
        self.points = {}  # case -> number of points tried

    def _run(self, command, dirs, work, at, kind):
        counter = pathlib.Path(work, "fault-count")
        counter.write_bytes(bytes(8))
        env = {"PATH": os.environ["PATH"], "HOME": str(work), "LC_ALL": "C", "LD_PRELOAD": self.shim,
               "FAULT_DIRS": ":".join(map(str, dirs)), "FAULT_COUNT": str(counter),
               "FAULT_AT": str(at), "FAULT_KIND": kind}
        p = subprocess.run([str(c) for c in command], env=env, stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=60)
        return p, int.from_bytes(counter.read_bytes(), "little")

    def try_all(self, case, prepare, command, dirs, check, kinds=KINDS):
        """prepare(work) makes the state; command(work) and dirs(work) name the run and what it changes;
        check(work, process, where) asserts what must hold after the fault, recovery included."""
        with tempfile.TemporaryDirectory() as tmp:
            fresh = pathlib.Path(tmp, "fresh")
            work = pathlib.Path(tmp, "work")
            fresh.mkdir()
            prepare(fresh)
            shutil.copytree(fresh, work, symlinks=True)
            p, total = self._run(command(work), dirs(work), work, 0, "kill")
            if p.returncode != 0 or total == 0:
                raise AssertionError("%s: without a fault: exit %d, %d points: %s" % (case, p.returncode, total, p.stderr))
            check(work, p, "%s without a fault" % case)
            for kind in kinds:
                for at in range(1, total + 1):
                    shutil.rmtree(work)
                    shutil.copytree(fresh, work, symlinks=True)
                    where = "%s, fault %s at call %d of %d" % (case, kind, at, total)
                    p, n = self._run(command(work), dirs(work), work, at, kind)
                    if n < at:
                        raise AssertionError(where + ": was not reached")
                    if kind == "kill" and p.returncode != -9:
                        raise AssertionError(where + ": was not killed")
                    check(work, p, where)
                    self.points[case] = self.points.get(case, 0) + 1

    def report(self):
        for case, n in self.points.items():
            print("fault points tried: %-28s %d" % (case, n))
        print("fault points tried: %-28s %d" % ("all", sum(self.points.values())))
