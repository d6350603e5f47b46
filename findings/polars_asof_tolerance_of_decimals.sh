#!/usr/bin/env bash
# Claim: join_asof of Polars takes the tolerance of a Decimal key in units of its last digit: with exact epochs in seconds with nine digits, tolerance=0.5, 1 or Decimal("0.5") means 0, 1 or 0 nanoseconds, so nothing matches, and 500000000 is half a second; with four digits 5 s is half a millisecond.
# Versions: polars 2.1.0, in memory and streaming, with and without by=; DuckDB 2.0.1 and the same keys as floats, nanoseconds and time stamps beside it.
# Guess: a number means the same number in the key's own unit, as for floats and integers, as x <= 0.5, clip and is_between do with the same column, and as the key is shown; a Decimal tolerance has the very type of the key.
# Hurts: who joins samples with the latest state by an exact epoch, as DECIMAL comes from databases, from Parquet or from a float that would not hold nanoseconds: the columns of the right side are null, as if the other side had been silent, and what is measured of it (share matched, age, loss) is wrong without a word. Casting both keys to Datetime("ns") helps.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet polars==2.1.0 duckdb==2.0.1 pyarrow==26.0.1
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import sys
from decimal import Decimal

import duckdb
import polars as pl

BEGIN, STEP = 1_760_000_000_000_000_000, 20_000_000  # a state each 20 ms, a frame 7.5 ms after each; every tenth state is lost
states = pl.DataFrame({"ns": [BEGIN + STEP * i for i in range(1000) if i % 10], "state": [i for i in range(1000) if i % 10]})
frames = pl.DataFrame({"ns": [BEGIN + STEP * i + 7_500_000 for i in range(1000)]})
keys = {
    "Decimal, 9 digits": lambda ns: ns.cast(pl.Decimal(38, 0)).cast(pl.String).str.replace(r"(\d{9})$", ".$1").cast(pl.Decimal(19, 9)),
    "Decimal, 4 digits": lambda ns: (ns // 100_000).cast(pl.String).str.replace(r"(\d{4})$", ".$1").cast(pl.Decimal(14, 4)),
    "Float64": lambda ns: ns / 1e9,
}


def matched(key, tolerance, by, engine):
    left, right = (frame.with_columns(key(pl.col("ns")).alias("epoch"), run=pl.lit(1)).lazy() for frame in (frames, states))
    joined = left.join_asof(right, on="epoch", by="run" if by else None, tolerance=tolerance).collect(engine=engine)
    return joined["state"].count()


def by_duckdb(tolerance):
    left, right = (frame.with_columns(keys["Decimal, 9 digits"](pl.col("ns")).alias("epoch")) for frame in (frames, states))
    sql = f"SELECT count(*) FROM left_ ASOF JOIN right_ USING (epoch) WHERE left_.epoch - right_.epoch <= {tolerance}"
    with duckdb.connect() as connection:
        connection.register("left_", left.to_arrow())
        connection.register("right_", right.to_arrow())
        return connection.sql(sql).fetchall()[0][0]


failed = False
print("frames out of 1000 that find a state within the tolerance")
print(f"{'tolerance':20}{'true':>6}{'duckdb':>8}", *(f"{name:>19}" for name in keys))
for tolerance in (0.01, Decimal("0.01"), 0.5, 1, 5, 100, 10_000_000):
    within = [(frame - state) <= tolerance * 1_000_000_000 for frame in frames["ns"] for state in states["ns"].filter(states["ns"] <= frame)[-1:]]
    truth, other = sum(within), by_duckdb(tolerance)
    seen = {}
    for name, key in keys.items():
        ways = {matched(key, tolerance, by, engine) for by in (False, True) for engine in ("in-memory", "streaming")}
        seen[name] = ways.pop() if len(ways) == 1 else ways
    print(f"{tolerance!r:20}{truth:6}{other:8}", *(f"{count:19}" for count in seen.values()))
    units = {"Decimal, 9 digits": Decimal("1e-9"), "Decimal, 4 digits": Decimal("1e-4"), "Float64": 1}
    for name, unit in units.items():
        wrong = sum((7_500_000 if i % 10 else 27_500_000) <= int(tolerance) * unit * 1_000_000_000 for i in range(1, 1000))
        failed |= seen[name] != (truth if name == "Float64" else wrong)
    failed |= other != truth
sys.exit(failed)
PY
