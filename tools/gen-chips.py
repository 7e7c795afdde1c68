#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the tables in data/chips/ and makes the C tables of lib/chip, or docs/chips.md, of them.

Usage: gen-chips.py inc|docs DIR [OUT]
Run by meson at build time. Any mistake in a table ends with "file:line: what is wrong" and status 1.
"""
import re
import sys
from pathlib import Path

ISA = {"gfx1010": 1, "gfx1011": 2, "gfx1013": 4, "gfx1030": 8}  # as enum rp_isa_chip; tests/chip compares
KINDS = {"defect": "DEFECT", "hazard": "HAZARD", "unknown": "UNKNOWN", "feature": "FEATURE"}


def read(path):
    """Yields (where, row as a dict)."""
    header = None
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        if header is None:
            header = cells
            continue
        where = "%s:%d" % (path.name, number)
        check(len(cells) == len(header), where, "%d columns, expected %d" % (len(cells), len(header)))
        check(all(cells), where, "an empty cell")
        row = dict(zip(header, cells))
        check(row["source"] != "-", where, "a fact without a source")
        yield where, row


def check(good, where, text):
    if not good:
        sys.exit("%s: %s" % (where, text))


def unique(rows, key, path):
    seen = set()
    for where, row in rows:
        value = tuple(row[k] for k in key)
        check(value not in seen, where, "%s is there twice in %s" % (value, path))
        seen.add(value)


def load(folder):
    tables = {name: list(read(folder / (name + ".tsv"))) for name in ("targets", "gfx10", "features", "pci")}
    unique(tables["targets"], ["name"], "targets.tsv")
    unique(tables["targets"], ["mach"], "targets.tsv")
    unique(tables["gfx10"], ["name"], "gfx10.tsv")
    unique(tables["features"], ["name"], "features.tsv")
    unique(tables["pci"], ["device", "revision"], "pci.tsv")
    targets = {row["name"]: row for _, row in tables["targets"]}
    for where, row in tables["targets"]:
        check(re.fullmatch(r"gfx[0-9a-f]+(-\d)?(-generic)?", row["name"]), where, "bad target name")
        check(re.fullmatch(r"0x[0-9a-f]{2}", row["mach"]), where, "bad mach")
        check((row["generic"] == "self") == row["name"].endswith("-generic"), where, "generic must be self")
        check(row["generic"] in ("-", "self") or targets.get(row["generic"], {}).get("generic") == "self", where,
              "unknown generic target")
        check(row["xnack"] in "01?" and row["sramecc"] in "01?", where, "settings are 0, 1 or ?")
    for where, row in tables["gfx10"]:
        check(row["name"] in targets, where, "target is not in targets.tsv")
        check(row["isa"] in ISA, where, "unknown isa group")
        for gc in row["gc"].split() if row["gc"] != "-" else []:
            check(re.fullmatch(r"10\.\d\.\d+", gc), where, "bad gc version")
        mec = row["mec"].split()
        check(row["mec"] == "-" or len(mec) in (1, len(row["gc"].split())), where, "one mec for all or for each gc")
    known = {row["name"] for _, row in tables["gfx10"]}
    for where, row in tables["features"]:
        check(row["kind"] in KINDS, where, "unknown kind")
        for name in row["chips"].split():
            check(name in known, where, "unknown chip " + name)
    check(len(tables["features"]) <= 64, "features.tsv", "more than 64 features")
    for where, row in tables["pci"]:
        check(re.fullmatch(r"[0-9A-F]{4}", row["device"]), where, "bad device id")
        check(re.fullmatch(r"[0-9A-F]{2}|\*", row["revision"]), where, "bad revision")
        check(row["target"] in known, where, "unknown target")
    devices = {row["device"] for _, row in tables["pci"] if row["revision"] == "*"}
    for where, row in tables["pci"]:
        check(row["device"] in devices, where, "the device has no line with revision *")
    return tables


def quote(text):
    return "NULL" if text == "-" else '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def pair(text):
    return "{ %s, %s }" % tuple(text.split("/"))


def make_inc(tables):
    out = ["/* Made by tools/gen-chips.py of data/chips: do not edit. */", "static const struct rp_chip chips[] = {"]
    more = {row["name"]: row for _, row in tables["gfx10"]}
    for _, row in tables["targets"]:
        name, generic = row["name"], row["generic"]
        cells = [".name = %s" % quote(name), ".mach = %s" % row["mach"], ".family = %s" % quote(row["family"]),
                 ".generic = %s" % quote(name if generic == "self" else generic),
                 ".is_generic = %s" % ("true" if generic == "self" else "false"),
                 ".has_xnack = %s" % ("true" if row["xnack"] == "1" else "false"),
                 ".has_sramecc = %s" % ("true" if row["sramecc"] == "1" else "false"),
                 ".source = %s" % quote(row["source"])]
        if name in more:
            chip = more[name]
            bits = ["BIT(%s)" % f["name"].upper() for _, f in tables["features"] if name in f["chips"].split()]
            gcs = chip["gc"].split() if chip["gc"] != "-" else []
            mecs = chip["mec"].split() if chip["mec"] != "-" else []
            mecs = mecs * len(gcs) if len(mecs) == 1 else mecs
            cores = ["{ %s, %s }" % (", ".join(gc.split(".")), mec) for gc, mec in zip(gcs, mecs)]
            cells += [".features = %s" % (" | ".join(bits) or "0"), ".isa = %d" % ISA[chip["isa"]], ".codename = %s" % quote(chip["codename"]),
                      ".is_apu = %s" % ("true" if chip["apu"] == "1" else "false"), ".n_cores = %d" % len(cores),
                      ".vgprs = %s" % chip["vgprs"], ".vgpr_encode = %s" % pair(chip["encode"]),
                      ".vgpr_alloc = %s" % pair(chip["alloc"]), ".waves_per_simd = %s" % chip["waves"],
                      ".detail_source = %s" % quote(chip["source"])]
            if cores:
                cells.append(".cores = { %s }" % ", ".join(cores))
        out.append("{ %s }," % ", ".join(cells))
    out.append("};\nstatic const struct rp_chip_feature_info features[] = {")
    for _, row in tables["features"]:
        out.append("[RP_CHIP_%s] = { %s, RP_CHIP_KIND_%s, %s, %s }," % (row["name"].upper(), quote(row["name"]), KINDS[row["kind"]], quote(row["what"]),
                                                          quote(row["source"])))
    out.append("};\n/* Sorted by device; in one device \"any revision\" comes first. */")
    out.append("static const struct rp_chip_pci products[] = {")
    for _, row in sorted(tables["pci"], key=lambda r: (r[1]["device"], r[1]["revision"])):
        revision = "RP_CHIP_ANY_REVISION" if row["revision"] == "*" else "0x" + row["revision"].lower()
        out.append("{ 0x%s, %s, %s, %s, %s }," % (row["device"].lower(), revision, quote(row["target"]),
                                                   quote(row["product"]), quote(row["source"])))
    out.append("};")
    return out


def make_docs(tables):
    out = ["# Chips", "", "Made of `data/chips/*.tsv` by `tools/gen-chips.py docs data/chips`; a test compares. The tables are the one place",
           "in which the program knows chips; each row there names its source. `lib/chip/chip.h` reads them.", "",
           "## gfx10 chips", "",
           "| target | codename | graphics core: MEC firmware needed without PCIe atomics | instructions as | VGPR granule, wave32/wave64 (encoded; allocated) | waves per SIMD |",
           "|---|---|---|---|---|---|"]
    for _, row in tables["gfx10"]:
        gcs, mecs = row["gc"].split(), row["mec"].split()
        mecs = mecs * len(gcs) if len(mecs) == 1 else mecs
        cores = ", ".join("%s: %s" % p for p in zip(gcs, mecs)) if row["gc"] != "-" else "-"
        out.append("| %s | %s | %s | %s | %s; %s | %s |" % (row["name"], row["codename"], cores, row["isa"], row["encode"],
                                                          row["alloc"], row["waves"]))
    out += ["", "## What is true of some of them only", "", "| name | kind | chips | what | source |", "|---|---|---|---|---|"]
    for _, row in tables["features"]:
        out.append("| %s | %s | %s | %s | %s |" % (row["name"], row["kind"], row["chips"], row["what"], row["source"]))
    out += ["", "## Targets that a code object can name", "", "| target | e_flags mach | family | runs code of | xnack | sramecc |", "|---|---|---|---|---|---|"]
    for _, row in tables["targets"]:
        out.append("| %s | %s | %s | %s | %s | %s |" % (row["name"], row["mach"], row["family"],
                                                       "itself" if row["generic"] == "self" else row["generic"],
                                                       row["xnack"], row["sramecc"]))
    out += ["", "## Products", "", "PCI vendor 1002. A device without a line for its revision is still recognised by its id.", "",
            "| device | revision | target | product |", "|---|---|---|---|"]
    for _, row in tables["pci"]:
        if row["revision"] != "*":
            out.append("| %s | %s | %s | %s |" % (row["device"], row["revision"], row["target"], row["product"]))
    return out


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("inc", "docs"):
        sys.exit(__doc__)
    tables = load(Path(sys.argv[2]))
    text = "\n".join({"inc": make_inc, "docs": make_docs}[sys.argv[1]](tables)) + "\n"
    if len(sys.argv) == 4:
        Path(sys.argv[3]).write_text(text, encoding="ascii")
    else:
        sys.stdout.write(text)


main()
