#!/usr/bin/env bash
# Claim: ISA-L's deflate of levels 1 and 2 writes other bytes for the same text from time to time, because the place of the text's third byte in its table of matches is computed from the address of the compressor instead of from the text.
# Versions: isal 1.9.1 (ISA-L built in), on x86-64; zlib of Python 3.11 or newer.
# Guess: the same library, version, level and text give the same bytes, as zlib's do and those of ISA-L's level 3; so a file can be made again and compared by its hash.
# Hurts: who hashes, deduplicates, caches or signs what isal, igzip or xopen compressed: one stream in some thousands is a few bytes longer or shorter than the one before, from process to process as well, and decompresses without complaint, so that nobody looks there.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet isal==1.9.1
"$dir/venv/bin/python" - <<'PY'
import random
import sys
import zlib

from isal import isal_zlib

draw = random.Random(0)
lines = [f"{draw.randrange(10**6):06},rtt,{draw.random():.6f},ms\n" for _ in range(40)]
texts = [f"{number:04x},{''.join(lines[:8])}{number:04x},{''.join(lines[8:])}".encode() for number in range(65536)]
# Held memory lets each round's compressors lie elsewhere, as other work of a program does.
held, forms = [], {level: [set() for _ in texts] for level in ("isal 1", "isal 2", "isal 3", "zlib 1")}
for name, found in forms.items():
    library, level = (isal_zlib, int(name[-1])) if name.startswith("isal") else (zlib, 1)
    for _ in range(3):
        held.append([library.compressobj(level, wbits=-15) for _ in range(3)])
        for text, form in zip(texts, found):
            compressor = library.compressobj(level, wbits=-15)
            form.add(compressor.compress(text) + compressor.flush())
changed = {name: [form for form in found if len(form) > 1] for name, found in forms.items()}
for name, some in changed.items():
    print(f"{name}: {len(some)} of {len(texts)} texts have two forms", *sorted({len(one) for form in some for one in form}))
    assert all(len({zlib.decompress(one, -15) for one in form}) == 1 for form in some)
holds = changed["isal 1"] and changed["isal 2"] and not any(changed[name] for name in ("isal 3", "zlib 1"))
sys.exit(0 if holds else 1)
PY
