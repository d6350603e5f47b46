#!/usr/bin/env bash
# Claim: Polars' mean_horizontal adds in the columns' own type before it divides: the mean of -60, -70 and -80 of Int8 is +15.33, and of six time stamps of nanoseconds (Int64) a date before 1970, as floats without a word.
# Versions: polars 2.1.0, in memory, streaming and DataFrame.mean_horizontal.
# Guess: mean_horizontal gives Float64, and so does mean(), which is right for any integers in a column, a group, a list and a window, since a release of 2022 mended just this (issue 2500). A mean lies between the least and the greatest value.
# Hurts: who holds small integers small, as levels in dBm, percentages, bytes of RTCP, and averages receivers, sensors or repetitions that stand beside each other: a plausible figure of the wrong sign or size. 64 bits do not help with time stamps: five of nanoseconds are right, six are not. concat_list(...).list.mean() is right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet polars==2.1.0
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import sys

import polars as pl

stamp = 1_760_000_000_000_000_000  # 9 October 2025 in nanoseconds
cases = [
    ("dBm of three receivers", pl.Int8, [-60, -70, -80], True),
    ("load of two cores, %", pl.UInt8, [97, 95], False),
    ("load of three cores, %", pl.UInt8, [97, 95, 99], True),
    ("three times, us", pl.Int16, [20_000, 21_000, 22_000], True),
    ("five clocks, ns", pl.Int64, [stamp] * 5, False),
    ("six clocks, ns", pl.Int64, [stamp] * 6, True),
]
failed = False
for name, kind, values, wraps in cases:
    row = pl.DataFrame({f"c{i}": pl.Series([value], dtype=kind) for i, value in enumerate(values)})
    column = pl.Series(values, dtype=kind)
    ways = {
        row.select(pl.mean_horizontal(pl.all())).item(),
        row.lazy().select(pl.mean_horizontal(pl.all())).collect(engine="streaming").item(),
        row.mean_horizontal().item(),
    }
    right = {column.mean(), row.select(pl.concat_list(pl.all()).list.mean()).item()}
    print(f"{name:24} {kind!s:6} mean_horizontal {ways}  mean() and list.mean() {right}")
    truth = sum(values) / len(values)
    failed |= right != {truth} or any((min(values) <= way <= max(values)) == wraps for way in ways)
sys.exit(failed)
PY
