#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes vectors.tsv: varied gfx10 encodings and their text by LLVM 19. Usage: make_vectors.py COUNT > vectors.tsv

Each line: chips (bits as in opcodes.tsv) for which LLVM gives this text, wave size (32, 64, or 0: the same in
both), words, text. Left out is what docs/isa.md lists as differences from LLVM: encodings to which it adds a
comment (an operand of a wrong kind), special registers as destinations, literals in buffer instructions, and
image instructions with unusual bits.
"""
import random
import re
import sys
from pathlib import Path

import oracle

HERE = Path(__file__).parent


def plain(text, words):
    """Whether the text is one that docs/isa.md promises to equal."""
    if text == "v_nop" and words[0] & 0x1ff:  # its length depends on the word behind it
        return False
    if text.startswith((".long", "v_illegal")) or "/*" in text or re.match(r"v_\S+ src_", text):
        return False
    if text.startswith(("buffer_", "tbuffer_")) and words[1] >> 24 == 0xff:
        return False
    if text.startswith("image_"):
        # tfe, lwe, NSA, a16, multi-sampled dimensions
        return not words[0] & 0x30006 and words[0] >> 3 & 7 < 6 and not words[1] >> 30 & 1 and "atomic" not in text
    return True


def main():
    count = int(sys.argv[1])
    rng = random.Random(10)
    seeds = [s for s in oracle.read_seeds(HERE / "opcodes.tsv") if not s[2].startswith("image_")]
    images = [s for s in oracle.read_seeds(HERE / "opcodes.tsv") if s[2].startswith("image_")]
    pool = (seeds * (2 * count // len(seeds) + 1))[:2 * count] + images * 4
    samples = [oracle.mutate(rng, words) for _, words, _ in pool]
    results = {}
    for wave in (32, 64):
        for bit, chip in enumerate(oracle.CHIPS):
            for start in range(0, len(samples), 2000):
                for n, found in enumerate(oracle.first_instructions(samples[start:start + 2000], chip, wave), start):
                    if found and plain(found[0], samples[n]):
                        results.setdefault((n, *found), [0, 0])[wave // 64] |= 1 << bit
    print("# Made by make_vectors.py with LLVM 19.1.7. Columns: chips, wave (0: both), words, text.")
    lines = set()
    for (n, text, length), (w32, w64) in results.items():
        words = " ".join("%08x" % w for w in samples[n][:length])
        if w32 == w64:
            lines.add("%x\t0\t%s\t%s" % (w32, words, text))
        else:
            lines.update("%x\t%d\t%s\t%s" % (m, w, words, text) for m, w in ((w32, 32), (w64, 64)) if m)
    for line in rng.sample(sorted(lines), min(count, len(lines))):
        print(line)


if __name__ == "__main__":
    main()
