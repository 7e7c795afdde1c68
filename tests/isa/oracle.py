# SPDX-License-Identifier: MIT
"""LLVM 19's disassembler on raw words, for the tests and for make_vectors.py."""
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

MC = shutil.which("llvm-mc-19")
OBJDUMP = shutil.which("llvm-objdump-19")
LINE = re.compile(rb"^\t(.*?)\s*// ([0-9A-F]+): ")
CHIPS = ("gfx1010", "gfx1011", "gfx1013", "gfx1030")


def missing():
    """Reason to skip, or None."""
    if not MC or not OBJDUMP:
        return "SKIP: llvm-mc-19 or llvm-objdump-19 is not installed"
    return None


def make_object(code, chip, wave, path):
    """An object file whose .text is code."""
    with tempfile.NamedTemporaryFile(suffix=".bin") as raw:
        raw.write(code)
        raw.flush()
        subprocess.run([MC, "-triple=amdgcn-amd-amdhsa", "-mcpu=" + chip, "-mattr=+wavefrontsize%d" % wave,
                        "-filetype=obj", "-o", str(path)], input=b'.text\n.incbin "%s"\n' % raw.name.encode(), check=True)


def listing(code, chip, wave):
    """llvm-objdump's output for code, or None if it crashed (it does on about 1 of 2,000 random words)."""
    with tempfile.TemporaryDirectory() as tmp:
        obj = Path(tmp, "o")
        make_object(code, chip, wave, obj)
        dump = subprocess.run([OBJDUMP, "-d", "-z", "--mcpu=" + chip, "--mattr=+wavefrontsize%d" % wave, str(obj)],
                              capture_output=True, check=False)
    return dump.stdout if dump.returncode == 0 else None


def first_instructions(samples, chip, wave):
    """(text, words) of the first instruction of each sample (a list of words); None where LLVM crashed."""
    block = 10  # words: the longest instruction that starts behind a sample still ends inside
    code = b"".join(struct.pack("<%dI" % block, *(s + [0] * (block - len(s)))) for s in samples)
    out = listing(code, chip, wave)
    if out is None:
        if len(samples) == 1:
            return [None]
        half = len(samples) // 2
        return first_instructions(samples[:half], chip, wave) + first_instructions(samples[half:], chip, wave)
    texts = {int(m[2], 16): m[1].decode() for m in map(LINE.match, out.splitlines()) if m}
    ends = sorted(texts) + [len(code)]
    lengths = {a: (b - a) // 4 for a, b in zip(ends, ends[1:])}
    return [(texts[at], lengths[at]) for at in range(0, len(code), 4 * block)]


def read_seeds(path):
    """(chips, words, text) of opcodes.tsv or vectors.tsv-like files."""
    for line in open(path, encoding="ascii"):
        if not line.startswith("#"):
            columns = line.rstrip("\n").split("\t")
            yield int(columns[0], 16), [int(w, 16) for w in columns[-2].split()], columns[-1]


def mutate(rng, words):
    """A neighbour of an instruction: some bits or one field changed, constants and forms more often than by chance."""
    w = list(words)
    kind = rng.random()
    bits = 32 * len(w)
    value = sum(x << (32 * i) for i, x in enumerate(w))
    if kind < 0.35:
        for _ in range(rng.randint(1, 5)):
            value ^= 1 << rng.randrange(bits)
    elif kind < 0.75:
        for _ in range(rng.randint(1, 3)):
            first, width = rng.choice(((0, 8), (8, 8), (0, 9), (9, 8), (0, 16), (16, 8), (32, 8), (40, 8), (48, 8),
                                       (56, 8), (32, 9), (41, 9), (50, 9), (59, 5), (32, 21)))
            if first + width <= bits:
                value = value & ~(((1 << width) - 1) << first) | rng.getrandbits(width) << first
    else:
        code = rng.choice((255, 255, 254, 240, 248, 193, 208, 253, 106, 126, 127, 124, 125, 249, 250, 233, 234, 235))
        first, width = rng.choice(((0, 9), (0, 8), (8, 8), (32, 9), (41, 9), (50, 9)))
        if first + width <= bits:
            value = value & ~(((1 << width) - 1) << first) | code << first
    w = [value >> (32 * i) & 0xffffffff for i in range(len(w))]
    tail = (rng.getrandbits(32), rng.getrandbits(16), rng.getrandbits(6), 0x3f800000, 0x3c00, 0xffffffff, 0xfffffff0,
            0x06060000 | rng.getrandbits(16), 0xff000000 | rng.getrandbits(16))
    return w + [rng.choice(tail) for _ in range(5 - len(w))]
