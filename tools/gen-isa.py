#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks data/isa/gfx10.tsv and makes the C tables of lib/isa of it.

Usage: gen-isa.py TABLE OUT.inc
Run by meson at build time. Any mistake in the table ends with a message "file:line: what is wrong"
and status 1. The output is C to be included once (lib/isa/tables.c); docs/isa.md describes the table.
"""
import re
import sys

# encoding: (class, number of opcodes, words of the native form without a literal)
ENCODINGS = {
    "SOP1": ("SALU", 256, 1), "SOP2": ("SALU", 128, 1), "SOPC": ("SALU", 128, 1),
    "SOPK": ("SALU", 32, 1), "SOPP": ("SALU", 128, 1), "SMEM": ("SMEM", 256, 2),
    "VOP1": ("VALU", 256, 1), "VOP2": ("VALU", 64, 1), "VOPC": ("VALU", 256, 1),
    "VOP3": ("VALU", 1024, 2), "VOP3P": ("VALU", 128, 2), "VINTRP": ("VALU", 4, 1),
    "DS": ("DS", 256, 2), "FLAT": ("FLAT", 128, 2), "SCRATCH": ("FLAT", 128, 2),
    "GLOBAL": ("FLAT", 128, 2), "MUBUF": ("VMEM", 256, 2), "MTBUF": ("VMEM", 16, 2),
    "MIMG": ("VMEM", 256, 2), "EXP": ("EXP", 1, 2),
}

# Fields: name -> (enum rp_isa_field, first bit of the 64 of words 0 and 1, bits, how the bits are read).
# How: SSRC 8-bit scalar source, SREG scalar register, SRC 9-bit source, VGPR, SBASE / SRSRC
# register number in pairs / groups of four, IMM bits, VCC and LIT: not in words 0 and 1.
SOP = {"sdst": ("SDST", 16, 7, "SREG"), "ssrc0": ("SSRC0", 0, 8, "SSRC"), "ssrc1": ("SSRC1", 8, 8, "SSRC"),
       "simm16": ("SIMM16", 0, 16, "IMM"), "lit": ("LIT", 0, 0, "LIT")}
VOP = {"vdst": ("VDST", 17, 8, "VGPR"), "sdst": ("SDST", 17, 7, "SREG"), "src0": ("SRC0", 0, 9, "SRC"), "vsrc1": ("SRC1", 9, 8, "VGPR"),
       "vcc": ("VCC", 0, 0, "VCC"), "lit": ("LIT", 0, 0, "LIT")}
VOP3 = {"vdst": ("VDST", 0, 8, "VGPR"), "sdst": ("SDST", 8, 7, "SREG"), "sdst0": ("SDST", 0, 7, "SREG"),
        "src0": ("SRC0", 32, 9, "SRC"), "src1": ("SRC1", 41, 9, "SRC"), "src2": ("SRC2", 50, 9, "SRC"),
        "attr3": ("ATTR", 32, 9, "IMM"), "param3": ("PARAM", 41, 9, "IMM")}
FLAT = {"addr": ("ADDR", 32, 8, "VGPR"), "data": ("DATA0", 40, 8, "VGPR"), "saddr": ("SADDR", 48, 7, "SREG"),
        "vdst": ("VDST", 56, 8, "VGPR")}
BUF = {"vaddr": ("VADDR", 32, 8, "VGPR"), "vdata": ("VDATA", 40, 8, "VGPR"), "srsrc": ("SRSRC", 48, 5, "SRSRC"),
       "ssamp": ("SSAMP", 53, 5, "SRSRC"), "soffset": ("SOFFSET", 56, 8, "SSRC")}
FIELDS = {
    "SOP1": SOP, "SOP2": SOP, "SOPC": SOP, "SOPK": SOP, "SOPP": SOP,
    "SMEM": {"sbase": ("SBASE", 0, 6, "SBASE"), "sdata": ("SDATA", 6, 7, "SREG"), "offset": ("OFFSET", 32, 21, "IMM")},
    "VOP1": VOP, "VOP2": VOP, "VOPC": VOP, "VOP3": VOP3, "VOP3P": VOP3,
    "VINTRP": {"vdst": ("VDST", 18, 8, "VGPR"), "vsrc": ("VSRC", 0, 8, "VGPR"), "attr": ("ATTR", 8, 8, "IMM"),
               "param": ("PARAM", 0, 8, "IMM")},
    "DS": {"addr": ("ADDR", 32, 8, "VGPR"), "data0": ("DATA0", 40, 8, "VGPR"), "data1": ("DATA1", 48, 8, "VGPR"),
           "vdst": ("VDST", 56, 8, "VGPR")},
    "FLAT": FLAT, "SCRATCH": FLAT, "GLOBAL": FLAT, "MUBUF": BUF, "MTBUF": BUF, "MIMG": BUF,
    "EXP": {"tgt": ("TGT", 4, 6, "IMM"), "vsrc0": ("VSRC", 32, 8, "VGPR"), "vsrc1": ("VSRC", 40, 8, "VGPR"),
            "vsrc2": ("VSRC", 48, 8, "VGPR"), "vsrc3": ("VSRC", 56, 8, "VGPR")},
}
SOURCE_TYPES = {"i16": 1, "i32": 1, "i64": 2, "f16": 1, "f32": 1, "f64": 2, "v2f16": 1, "i16s": 1, "i32s": 1}
OTHER_TYPES = {"m", "dec", "hex", "hwreg", "msg", "opt", "rel", "wait", "depctr", "version", "smem", "off", "buf", "img", "attr",
               "param", "tgt"}
MARKS = {"": 1, "=": 2, "+": 3, "?": 2 | 4, "*": 3 | 4}  # 4: the write only if glc is set

FLAGS = ("branch cond jump end call load store atomic wide cmpx rel wait rexec wexec rvcc rm0 rscc wscc "
         "sdwa dpp e32 e64 clamp omod opsel offset01 swizzle gds lds tfe bvh literal").split()
# How many address words an image instruction has; not in rp_isa_row.flags.
IMAGE = {"coords": 4, "lod": 8, "grad": 16, "g16": 32, "gather4": 64, "cmpswap": 128}
CHIPS = {"1010": 1, "1011": 2, "1013": 4, "1030": 8}


class TableError(Exception):
    pass


class Row:
    """One checked line."""

    def __init__(self, columns):
        if len(columns) != 7:
            raise TableError("%d columns, expected 7" % len(columns))
        self.encoding, opcode, self.name, operands, chips, forms, flags = columns
        if self.encoding not in ENCODINGS:
            raise TableError("unknown encoding %r" % self.encoding)
        if not re.fullmatch(r"0x[0-9a-f]+", opcode):
            raise TableError("opcode %r is not a lower-case 0x number" % opcode)
        self.opcode = int(opcode, 16)
        if self.opcode >= ENCODINGS[self.encoding][1]:
            raise TableError("opcode %s does not fit %s" % (opcode, self.encoding))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise TableError("bad mnemonic %r" % self.name)
        self.operands = [self.operand(o) for o in operands.split(",")] if operands != "-" else []
        self.chips = 15 if chips == "all" else self.bits("chip", CHIPS, chips)
        self.flags, self.image = 0, 0
        self.set_flags(forms, {"e32", "e64", "sdwa", "dpp"})
        self.set_flags(flags, set(FLAGS) - {"e32", "e64", "sdwa", "dpp", "literal"})
        if any(o["name"] == "lit" for o in self.operands):
            self.flags |= 1 << FLAGS.index("literal")
        self.sources = 0
        for o in self.operands:
            if o["how"] in ("SRC", "SSRC"):
                self.sources |= 1 << o["slot"]
        self.implicit()
        self.writes_scalar = self.has("wexec") or any(o["type"] in "SM" and o["access"] & 2 for o in self.operands)
        self.check()
        self.mask, self.value = self.fixed_bits()

    @staticmethod
    def bits(what, table, text):
        value = 0
        for word in text.split(","):
            if word not in table:
                raise TableError("unknown %s %r" % (what, word))
            value |= table[word]
        return value

    def has(self, flag):
        return bool(self.flags & 1 << FLAGS.index(flag))

    def set_flags(self, text, allowed):
        for word in text.split(",") if text != "-" else []:
            if word in IMAGE and self.encoding == "MIMG":
                self.image |= IMAGE[word]
            elif re.fullmatch(r"extra=[1-3]", word) and self.encoding == "MIMG":
                self.image |= int(word[-1])
            elif word in allowed:
                self.flags |= 1 << FLAGS.index(word)
            else:
                raise TableError("unknown flag or form %r" % word)

    def operand(self, text):
        m = re.fullmatch(r"([=+?*]?)([a-z0-9]+):([a-z0-9]+)", text)
        if not m:
            raise TableError("operand %r is not [mark]field:type" % text)
        mark, field, kind = m.groups()
        if field not in FIELDS[self.encoding]:
            raise TableError("%s has no field %r" % (self.encoding, field))
        number, shift, width, how = FIELDS[self.encoding][field]
        access, dwords = MARKS[mark], 1
        size = re.fullmatch(r"([vs])(32|64|96|128|256|512)", kind)
        if size:
            ctype, dwords = size[1].upper(), int(size[2]) // 32
            if (ctype == "V") != (how == "VGPR") and how != "SRC":
                raise TableError("field %s cannot hold %s" % (field, kind))
        elif kind in SOURCE_TYPES:
            ctype, dwords = kind.upper(), SOURCE_TYPES[kind]
            if how == "SREG" and field not in ("sdst", "sdata"):
                raise TableError("field %s cannot hold %s" % (field, kind))
        elif kind in OTHER_TYPES:
            ctype = kind.upper()
            if how == "IMM":
                access = 0
            if kind == "dec":
                access, how = 0, "IMM"
            if kind == "off":
                dwords = 2 if self.encoding == "GLOBAL" else 1
        else:
            raise TableError("unknown operand type %r" % kind)
        slot = int(field[-1]) if re.fullmatch(r"[vs]?src[0-3]", field) else 0
        return {"field": number, "type": ctype, "access": access, "dwords": dwords, "shift": shift, "bits": width,
                "how": how, "slot": slot, "name": field, "kind": kind}

    def implicit(self):
        """EXEC: every vector and memory instruction but those that work on one lane by number."""
        klass = ENCODINGS[self.encoding][0]
        lane = re.match(r"v_(readlane|writelane|nop|pipeflush|clrexcp)", self.name)
        if klass in ("VALU", "DS", "FLAT", "VMEM", "EXP") and not lane:
            self.flags |= 1 << FLAGS.index("rexec")

    def check(self):
        names = [o["name"] for o in self.operands]
        if len(set(names) - {"vcc"}) != len([n for n in names if n != "vcc"]):
            raise TableError("a field occurs twice")
        if len(names) > 7:
            raise TableError("more than 7 operands")
        if (self.has("sdwa") or self.has("dpp")) and self.encoding not in ("VOP1", "VOP2", "VOPC"):
            raise TableError("sdwa and dpp belong to VOP1, VOP2 and VOPC")
        if self.has("e64") and self.encoding != "VOP3" or self.has("e32") and self.encoding == "VOP3":
            raise TableError("wrong suffix for %s" % self.encoding)
        if self.has("branch") and not any(o["kind"] == "rel" for o in self.operands):
            raise TableError("a branch without a target")
        if self.has("cmpx") != self.name.startswith("v_cmpx"):
            raise TableError("flag cmpx and the mnemonic disagree")

    def fixed_bits(self):
        """Bits of words 0 and 1 that LLVM's disassembler wants to be a certain value, and that value."""
        names = {o["name"]: o for o in self.operands}
        mask = value = 0

        def zero(first, count=1):
            nonlocal mask
            mask |= ((1 << count) - 1) << first

        enc = self.encoding
        if enc == "SOPP" and not self.operands:
            zero(0, 16)
        elif enc == "VOP1" and not self.operands:
            zero(17, 8)
        elif enc == "VOP1" and "sdst" in names:
            zero(24)
        elif enc == "VOP3":
            self.fixed_vop3(names, zero)
        elif enc == "VOP3P":
            if "src2" not in names:
                for bit in (10, 13, 63):
                    zero(bit)
                zero(50, 9)
        elif enc == "DS":
            for name, first in (("addr", 32), ("data0", 40), ("data1", 48), ("vdst", 56)):
                if name not in names:
                    zero(first, 8)
            if self.has("gds"):
                zero(17)
                value |= 1 << 17
            if self.name == "ds_nop":
                zero(0, 16)
            if self.name in ("ds_nop", "ds_permute_b32", "ds_bpermute_b32"):
                zero(17)
        elif enc in ("FLAT", "GLOBAL", "SCRATCH"):
            zero(55)
            if not self.has("lds"):
                zero(13)
            if enc == "FLAT":
                zero(48, 7)
                value |= 0x7d << 48
        elif enc == "MUBUF":
            if not self.has("lds"):
                zero(16)
            if not self.has("tfe"):
                zero(55)
            if self.has("atomic"):
                zero(15)
            if not self.operands:
                zero(12, 4)
        elif enc == "MTBUF":
            zero(55)
        elif enc == "MIMG":
            if "ssamp" not in names:
                zero(53, 5)
            if self.has("atomic") or re.match("image_get|image_bvh|image_.*_pck", self.name):
                zero(63)
            if self.has("bvh"):
                mask |= 0x2039fb8  # dim, dlc, dmask, unorm, glc, r128, tfe, lwe, slc
                value |= 0x9f00
        return mask, value

    def fixed_vop3(self, names, zero):
        for slot in range(3):
            source = names.get("src%d" % slot)
            interp = "attr3" in names
            if source is None and not (interp and slot < 1) and not ("param3" in names and slot == 1):
                zero(32 + 9 * slot, 9)
            kind = source["kind"] if source else ""
            modified = kind.startswith("f") or kind.endswith("s") or kind != "" and self.has("opsel")
            if not modified:
                zero(61 + slot)
                if "sdst" not in names:
                    zero(8 + slot)
        if "attr3" in names and not self.name.endswith("f16"):
            zero(40)
        if not self.has("clamp"):
            zero(15)
        if not self.has("omod"):
            zero(59, 2)
        if self.has("opsel") and "src2" not in names:
            zero(13)
        if "sdst0" in names:
            zero(7)
        if not self.operands:
            zero(0, 11)
            zero(15)
            zero(32, 32)


def read_table(path):
    rows = []
    for number, line in enumerate(open(path, encoding="ascii"), 1):
        line = line.rstrip("\n")
        if not line or line.startswith("#"):
            continue
        try:
            row = Row(line.split("\t"))
            for other in rows:
                if (other.encoding, other.opcode) == (row.encoding, row.opcode) and other.chips & row.chips:
                    raise TableError("%s and %s claim the same opcode on the same chips" % (other.name, row.name))
        except TableError as e:
            sys.exit("%s:%d: %s" % (path, number, e))
        rows.append(row)
    # SDWA has omod where the VOP3 form has it.
    omod = {row.name for row in rows if row.encoding == "VOP3" and row.has("omod")}
    for row in rows:
        if row.has("sdwa") and row.name in omod:
            row.flags |= 1 << FLAGS.index("omod")
    return rows


def emit(rows, out):
    pool, offsets = "\0", {}
    for row in rows:
        if row.name not in offsets:
            offsets[row.name] = len(pool)
            pool += row.name + "\0"
    operands, first = [], {}
    for row in rows:
        key = tuple(tuple(o.items()) for o in row.operands)
        if key not in first:
            first[key] = len(operands)
            operands += row.operands
        row.first = first[key]
    if len(pool) > 65535 or len(operands) > 65535:
        sys.exit("gen-isa: the tables outgrew their 16-bit offsets")
    w = out.write
    w("/* Generated by tools/gen-isa.py from data/isa/gfx10.tsv. Do not edit. */\n\nstatic const char names[] = {\n")
    for i in range(0, len(pool), 24):
        w("\t%s,\n" % ", ".join(str(ord(c)) for c in pool[i:i + 24]))
    w("};\n\nconst struct rp_isa_opdesc rp_isa_opdescs[] = {\n")
    for o in operands:
        w("\t{ RP_ISA_FIELD_%s, RP_ISA_TYPE_%s, %d, %d, %d, %d, HOW_%s, %d },\n"
          % (o["field"], o["type"], o["access"], o["dwords"], o["shift"], o["bits"], o["how"], o["slot"]))
    w("};\n\nconst struct rp_isa_row rp_isa_rows[] = {\n\t{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },\n")
    index = {e: [0] * n for e, (_, n, _) in ENCODINGS.items()}
    for number, row in enumerate(rows, 1):
        other = index[row.encoding][row.opcode]
        w("\t{ 0x%xu, 0x%xu, 0x%xu, %d, %d, 0x%x, %d, %d, RP_ISA_%s, RP_ISA_CLASS_%s, %d, %d, %d, %d, %d }, /* %s */\n"
          % (row.mask, row.value, row.flags, offsets[row.name], row.first, row.opcode, other, len(row.operands),
             row.encoding, ENCODINGS[row.encoding][0], row.chips, row.image, len(row.name), row.sources,
             row.writes_scalar, row.name))
        index[row.encoding][row.opcode] = number
    w("};\n\nconst unsigned int rp_isa_n_rows = %d;\n\n" % (len(rows) + 1))
    start, flat = {}, []
    for e, table in index.items():
        start[e] = len(flat)
        flat += table
    w("const uint16_t rp_isa_index[] = {\n")
    for i in range(0, len(flat), 16):
        w("\t%s,\n" % ", ".join(map(str, flat[i:i + 16])))
    w("};\n\nconst uint16_t rp_isa_index_start[RP_ISA_ENCODING_MAX] = {\n")
    for e, s in start.items():
        w("\t[RP_ISA_%s] = %d,\n" % (e, s))
    w("};\n\nconst uint16_t rp_isa_index_size[RP_ISA_ENCODING_MAX] = {\n")
    for e, (_, n, _) in ENCODINGS.items():
        w("\t[RP_ISA_%s] = %d,\n" % (e, n))
    w("};\n")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    rows = read_table(sys.argv[1])
    with open(sys.argv[2], "w", encoding="ascii") as out:
        emit(rows, out)


if __name__ == "__main__":
    main()
