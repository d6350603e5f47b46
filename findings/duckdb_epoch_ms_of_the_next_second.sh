#!/usr/bin/env bash
# Claim: epoch_ms of DuckDB 2.0 rounds a timestamp to the nearest millisecond, up into the next second where need be; 1.4.4 cut it, and so do date_trunc, millisecond(), strftime, and epoch_ms itself of TIME and INTERVAL in 2.0.
# Versions: duckdb 2.0.1 and 2.0.0, against 1.4.4.
# Guess: epoch_ms(t) is epoch_us(t) // 1000, as it was, and epoch_ms(t) // 1000 is the second that date_trunc('second', t) gives. Functions that take parts of a time cut it, casts alone round.
# Hurts: who joins or groups measurements of microseconds by milliseconds: half of all keys are one more than those that an older client, date_trunc or another program made; a sample of the last half millisecond of a second, minute or day counts to the next one.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >milliseconds.py <<'PY'
import sys

import duckdb

TIMES = "(SELECT make_timestamp(1764500000000000 + i * 777) AS t FROM range(100000) r(i))"
COUNTS = f"""
    SELECT count(*) FILTER (epoch_ms(t) <> epoch_us(t) // 1000),
           count(*) FILTER (epoch_ms(t) <> epoch_ms(date_trunc('millisecond', t))),
           count(*) FILTER (epoch_ms(t) // 1000 <> epoch(date_trunc('second', t))::BIGINT)
    FROM {TIMES}
"""
ONE = """
    SELECT epoch_ms(t) % 100000, millisecond(t), strftime(t, '%g'), epoch_ms(t::TIME) % 1000,
           epoch_ms(INTERVAL '0.9996 seconds')
    FROM (SELECT TIMESTAMP '2025-11-30 10:53:20.9996' AS t)
"""
(counts,), (one,) = duckdb.execute(COUNTS).fetchall(), duckdb.execute(ONE).fetchall()
print(f"duckdb {duckdb.__version__}: of 100,000 times {counts[0]:,} have another millisecond, {counts[2]} another second")
print("  20.9996 s: epoch_ms, millisecond, strftime, epoch_ms of TIME, of INTERVAL:", *one)
is_new = duckdb.__version__ >= "2"
as_expected = counts == ((50_000, 50_000, 77) if is_new else (0, 0, 0))
as_expected &= one == (1_000 if is_new else 999, 20_999, "999", 999, 999)
sys.exit(not as_expected)
PY
for version in 1.4.4 2.0.0 2.0.1; do
    python3 -m venv "venv-$version"
    "venv-$version/bin/pip" install --quiet "duckdb==$version"
    "venv-$version/bin/python" milliseconds.py
done
