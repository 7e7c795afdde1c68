# SPDX-License-Identifier: MIT
"""For the tests that compare whole code objects with llvm-objdump: finds the objects and runs both."""
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

OBJDUMP = shutil.which("llvm-objdump-19")
MAGIC = b"__CLANG_OFFLOAD_BUNDLE__"
# llvm-objdump needs a processor that decodes the generic target's code, too.
GROUPS = {"gfx1010": "1010", "gfx1011": "1011", "gfx1012": "1011", "gfx1013": "1013", "gfx10-1-generic": "1010",
          "gfx10-3-generic": "1030"}
MACH = {0x33: "gfx1010", 0x34: "gfx1011", 0x35: "gfx1012", 0x42: "gfx1013", 0x36: "gfx1030", 0x52: "gfx10-1-generic",
        0x53: "gfx10-3-generic"}


def bundles(data):
    """Yields (target id, object bytes) of all uncompressed offload bundles in data."""
    at = data.find(MAGIC)
    while at >= 0:
        count = struct.unpack_from("<Q", data, at + 24)[0] if at + 32 <= len(data) else 0
        pos = at + 32
        for _ in range(count if count < 256 else 0):
            offset, size, length = struct.unpack_from("<QQQ", data, pos)
            name = data[pos + 24:pos + 24 + length].decode("ascii", "replace")
            pos += 24 + length
            if size and data[at + offset:at + offset + 4] == b"\x7fELF":
                yield name, data[at + offset:at + offset + size]
        at = data.find(MAGIC, at + 24)


def objects(path):
    """Yields (target, ELF bytes) of the gfx10 code objects in one file: bare or bundled."""
    data = path.read_bytes()
    if data[:4] == b"\x7fELF" and data[18:20] == b"\xe0\x00":
        mach = struct.unpack_from("<I", data, 48)[0] & 0xff
        if mach in MACH:
            yield MACH[mach], data
        return
    for name, elf in bundles(data):
        m = re.search(r"--(gfx10[-0-9a-z]*)", name)
        if m:
            yield m[1].split(":")[0], elf


def text_section(elf):
    """(address, bytes) of .text."""
    shoff, = struct.unpack_from("<Q", elf, 40)
    entry, number, names = struct.unpack_from("<HHH", elf, 58)
    sections = [struct.unpack_from("<IIQQQQ", elf, shoff + i * entry) for i in range(number)]
    strings = sections[names][4]
    for name, _, _, address, offset, size in sections:
        if elf[strings + name:strings + name + 6] == b".text\0":
            return address, elf[offset:offset + size]
    return 0, b""


def compare(isa_dis, target, elf, wave="32"):
    """Runs both over .text; returns (counts by name, lines that tell of differences)."""
    address, code = text_section(elf)
    group = GROUPS.get(target, "1030")
    with tempfile.TemporaryDirectory() as tmp:
        obj, raw = Path(tmp, "object"), Path(tmp, "text")
        obj.write_bytes(elf)
        raw.write_bytes(code)
        dump = subprocess.Popen([OBJDUMP, "-d", "-z", "-j", ".text", "--mcpu=" + target,
                                 "--mattr=+wavefrontsize" + wave, str(obj)],
                                stdout=subprocess.PIPE)
        ours = subprocess.run([isa_dis, group, wave, "compare", str(raw), "%x" % address], stdin=dump.stdout,
                              capture_output=True, text=True, check=True)
        dump.stdout.close()
        if dump.wait() != 0:
            raise RuntimeError("llvm-objdump failed on a %s object" % target)
    lines = ours.stdout.splitlines()
    words = lines[-1].split()
    return {words[i + 1]: int(words[i]) for i in range(1, len(words), 2)}, lines[:-1]
