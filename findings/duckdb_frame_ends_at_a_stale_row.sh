#!/usr/bin/env bash
# Claim: DuckDB's frame RANGE BETWEEN UNBOUNDED PRECEDING AND n PRECEDING may end anywhere within the lowest values of a whole-number column: of 200,000 requests 180,258 needed fewer retries than those with one, and for 11,806 of these it counts 3; with more threads it is right in some runs and wrong in others.
# Versions: duckdb 2.0.1; the same in 1.4.4. SQLite of Python and numpy 2.4.6 beside it; pyarrow 26.0.1 wrote the file.
# Guess: a frame of RANGE is told by values alone, and ties belong to it together, as in SQLite and PostgreSQL; the same query gives the same counts twice. DuckDB has mended ties at the frames with two offsets (issue 23664), and 1000000 PRECEDING in place of UNBOUNDED is right in 2.0.1.
# Hurts: who compares each row with all strictly lower ones (retries, losses, hops, levels of load, rank or share of better requests, mean of what was less loaded) by a column of which most rows share the lowest value: the mean of 180,258 latencies becomes that of 3, for some rows, on some runs. With 0 PRECEDING, the lowest value itself is always wrong.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >frame.py <<'PY'
import sqlite3
import sys

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

draw = np.random.default_rng(0)
ROWS = 200_000
retries = draw.choice([0, 1, 2, 3], ROWS, p=[0.9, 0.07, 0.02, 0.01])
pq.write_table(pa.table({"retries": retries}), "requests.parquet")
database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE requests (retries INTEGER)")
database.executemany("INSERT INTO requests VALUES (?)", [(int(value),) for value in retries])
SQL = """SELECT retries, fewer, count(*) FROM (
             SELECT retries, count(*) OVER (ORDER BY retries RANGE BETWEEN {} PRECEDING AND {} PRECEDING) AS fewer FROM {})
         GROUP BY 1, 2 ORDER BY 1, 2"""


def numpy_says(back):
    return [(value, int((retries <= value - back).sum()), int((retries == value).sum())) for value in range(4)]


def duckdb_says(back, begin="UNBOUNDED", threads=1):
    with duckdb.connect(config={"threads": threads}) as connection:
        return connection.sql(SQL.format(begin, back, "'requests.parquet'")).fetchall()


failed = False
print("duckdb", duckdb.__version__, "  (retries, rows in the frame, rows that are told so)")
for back in (1, 2, 0) if duckdb.__version__ == "2.0.1" else (1, 2):
    truth = numpy_says(back)
    seen = duckdb_says(back)
    runs = [duckdb_says(back, threads=2) for _ in range(10)]
    print(f"UNBOUNDED PRECEDING AND {back} PRECEDING")
    print("    numpy and sqlite  ", truth)
    print("    duckdb            ", seen)
    print("    duckdb, 10 runs with two threads: right in", runs.count(truth))
    failed |= database.execute(SQL.format("UNBOUNDED", back, "requests")).fetchall() != truth
    short = [(value, count, rows) for value, count, rows in seen if (value, count) not in [row[:2] for row in truth]]
    print("    wrong             ", short)
    failed |= len(short) != 1 or short[0][0] != back or short[0][1] > 10 or short[0][2] < 3000
    if duckdb.__version__ == "2.0.1":
        bounded = duckdb_says(back, begin="1000000")
        print("    duckdb, 1000000 in place of UNBOUNDED:", "right" if bounded == truth else bounded)
        failed |= bounded != truth
sys.exit(failed)
PY
for version in 2.0.1 1.4.4; do
    python3 -m venv "$dir/$version"
    "$dir/$version/bin/pip" install --quiet "duckdb==$version" numpy==2.4.6 pyarrow==26.0.1
    "$dir/$version/bin/python" frame.py
done
