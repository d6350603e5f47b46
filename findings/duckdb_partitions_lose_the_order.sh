#!/usr/bin/env bash
# Claim: DuckDB 2.0 writes the rows of a partition out of order, even with one thread, an ORDER BY in the copied SELECT and preserve_insertion_order at its default of true; 1.4.4 kept the order of the same statement.
# Versions: duckdb 2.0.1 and 2.0.0, against 1.4.4.
# Guess: COPY (SELECT ... ORDER BY time) TO ... (PARTITION_BY session) gives each session's rows in order of time. One thread was the known way round where many threads mixed them, and ten thousand rows were in order with any number. The option that does it is new, ORDER_BY inside the parentheses of COPY; PRESERVE_ORDER is refused with partitions.
# Hurts: who cuts measurements into a file a session or a day: rows stand out of order of time without a word, so differences between neighbours, counters and gaps are wrong for every reader that takes lines as they come.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >partitions.py <<'PY'
import csv
import sys
from pathlib import Path

import duckdb

ROWS, SESSIONS = 10_000, 50
SELECT = f"SELECT i AS seq, 's' || (i % {SESSIONS}) AS session FROM range({ROWS}) t(i) ORDER BY i"


def unordered(name, *options):
    with duckdb.connect(config={"threads": "1"}) as connection:
        assert connection.execute("SELECT current_setting('preserve_insertion_order')").fetchall() == [(True,)]
        asked = ", ".join(["FORMAT csv", "PARTITION_BY (session)", *options])
        connection.execute(f"COPY ({SELECT}) TO '{name}' ({asked})")
    files = [
        [int(row["seq"]) for row in csv.DictReader(path.open())] for path in sorted(Path(name).rglob("*.csv"))
    ]
    assert sum(map(len, files)) == ROWS
    return f"{sum(rows != sorted(rows) for rows in files)} of {len(files)}"


told = [unordered(f"plain-{duckdb.__version__}")]
if duckdb.__version__ >= "2":
    told.append(unordered(f"asked-{duckdb.__version__}", "ORDER_BY (seq)"))
print(f"duckdb {duckdb.__version__}: files out of order: {', with ORDER_BY '.join(told)}")
sys.exit(told != (["49 of 50", "0 of 50"] if duckdb.__version__ >= "2" else ["0 of 50"]))
PY
for version in 1.4.4 2.0.0 2.0.1; do
    python3 -m venv "venv-$version"
    "venv-$version/bin/pip" install --quiet "duckdb==$version"
    "venv-$version/bin/python" partitions.py
done
