# SPDX-License-Identifier: MIT
"""Makes the containers that the tests need, from the format descriptions and not from lib/codeobj."""
import io
import struct
import zipfile
import zlib
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"
MAGIC = b"__CLANG_OFFLOAD_BUNDLE__"
HOST = b"host-x86_64-unknown-linux-gnu-"


def device(name):
    return b"hipv4-amdgcn-amd-amdhsa--" + name.encode()


def code_object(name):
    return (DATA / ("small-%s.co" % name)).read_bytes()


def bundle(entries, align=4096):
    """An offload bundle of (id, bytes) pairs; data at multiples of align."""
    at = len(MAGIC) + 8 + sum(24 + len(name) for name, _ in entries)
    head = MAGIC + struct.pack("<Q", len(entries))
    body = b""
    for name, data in entries:
        if data:
            body += bytes(-(at + len(body)) % align)
        head += struct.pack("<QQQ", at + len(body), len(data), len(name)) + name
        body += data
    return head + body


def gfx10_bundle(align=4096):
    return bundle([(HOST, b""), (device("gfx1010"), code_object("gfx1010")),
                   (device("gfx1030"), code_object("gfx1030"))], align)


def compressed(raw, version=2, packed=None, method=0):
    """A compressed bundle; packed: the data, else zlib makes it."""
    packed = zlib.compress(raw, 9) if packed is None else packed
    if version == 1:
        head = struct.pack("<4sHHIQ", b"CCOB", 1, method, len(raw), 0)
    elif version == 2:
        head = struct.pack("<4sHHIIQ", b"CCOB", 2, method, 24 + len(packed), len(raw), 0)
    else:
        head = struct.pack("<4sHHQQQ", b"CCOB", 3, method, 32 + len(packed), len(raw), 0)
    return head + packed


def host_elf(sections):
    """A 64-bit little-endian x86-64 shared object of nothing but (name, type, bytes or size) sections."""
    names = b"\0"
    body, headers = b"", [struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]
    for name, kind, data in [*sections, (".shstrtab", 3, None)]:
        where = len(names)
        names += name.encode() + b"\0"
        if data is None:
            data = names
        body += bytes(-(64 + len(body)) % 16)
        size = data if isinstance(data, int) else len(data)
        headers.append(struct.pack("<IIQQQQIIQQ", where, kind, 2, 0x1000, 64 + len(body), size, 0, 0, 16, 0))
        body += b"" if isinstance(data, int) else data
    body += bytes(-(64 + len(body)) % 16)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    head = ident + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, 64 + len(body), 0, 64, 56, 0, 64, len(headers),
                               len(headers) - 1)
    return head + body + b"".join(headers)


def library(bundles):
    """A host library with these bundles in .hip_fatbin, each at a multiple of 4096."""
    data = b""
    for one in bundles:
        data += bytes(-len(data) % 4096) + one
    return host_elf([(".text", 1, b"\xc3"), (".hip_fatbin", 1, data), (".hipFatBinSegment", 1, bytes(24 * len(bundles)))])


def ar(members, bsd=False):
    """An ar archive of (name, bytes): GNU long names, or BSD ones."""
    out, table = b"!<arch>\n", b""
    body = b""
    for name, data in members:
        name = name.encode()
        if bsd:
            field, data = b"#1/%d" % len(name), name + data
        elif len(name) > 15:
            field = b"/%d" % len(table)
            table += name + b"/\n"
        else:
            field = name + b"/"
        body += b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (field, 0, 0, 0, b"644", len(data)) + data + b"\n" * (len(data) & 1)
    if table:
        out += b"%-16s%-32s%-10d`\n" % (b"//", b"", len(table)) + table + b"\n" * (len(table) & 1)
    return out + body


def wheel(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, method)
    return out.getvalue()
