#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the seeds of fuzz_elf, fuzz_bundle, fuzz_msgpack and fuzz_container again (needs zstd): make-codeobj.py"""
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "codeobj"))
import compose  # noqa: E402  (a module of the tests)


def put(target, name, data):
    (HERE / target / name).write_bytes(data)


tiny = compose.bundle([(compose.HOST, b""), (compose.device("gfx1030"), b"\x7fELF" + bytes(60))], 8)
for chip in ("gfx1010", "gfx10-3-generic"):
    put("elf", chip, compose.code_object(chip))
co = compose.code_object("gfx1030")
at = co.find(b"AMDGPU\0\0") + 8
put("msgpack", "note", co[at:at + int.from_bytes(co[at - 16:at - 12], "little")])
put("msgpack", "all", bytes.fromhex("dc0013c0c2c3ccffcdffffceffffffffcf0123456789abcdefd0ffd1ff00d2ffffff00d3ffffffffffffff00ca00000000"
                                     "cb0000000000000000d4016162d90161c40161c7010161de000101029193c0c0e0"))
put("bundle", "plain", tiny)
for version in (1, 2, 3):
    put("bundle", "compressed-%d" % version, compose.compressed(tiny, version))
zstd = subprocess.run(["zstd", "-q", "-c", "-19", "--check"], input=tiny, capture_output=True, check=True).stdout
put("bundle", "zstd", compose.compressed(tiny, 2, zstd, 1))
put("container", "zstd", compose.compressed(tiny, 1, zstd, 1))
put("container", "library", compose.host_elf([(".hip_fatbin", 1, tiny + bytes(32) + compose.compressed(tiny))]))
put("container", "object-section", compose.host_elf([((compose.MAGIC + compose.device("gfx1030")).decode(), 1, co[:64])]))
put("container", "gnu.a", compose.ar([("a-name-that-is-longer-than-fifteen.o", tiny), ("k.co", co)]))
put("container", "bsd.a", compose.ar([("k", tiny)], True))
put("container", "stored.whl", compose.wheel([("a/x", tiny), ("b", b"text")], zipfile.ZIP_STORED))
put("container", "deflated.whl", compose.wheel([("a/x", tiny), ("k.co", co)]))
