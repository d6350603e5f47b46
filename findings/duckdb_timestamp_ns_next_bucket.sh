#!/usr/bin/env bash
# Claim: DuckDB 2 rounds a TIMESTAMP_NS up to the next microsecond before it takes the day, date_trunc or time_bucket, so a sample lands in a bucket that begins after it; hour(), strftime() and the day of the same instant with a time zone do not.
# Versions: duckdb 2.0.1 (1.5.6 cuts instead), pyarrow 26.0.1, pytz 2026.1.post1.
# Guess: date_trunc and time_bucket go down, never up, as their names say and as DuckDB 1.5 did, and day() and hour() of one value belong together.
# Hurts: who groups or partitions nanosecond samples by second, day or month: the last ones go into the next bucket, day() and hour() together tell a time a day late, and half of the time stamps cast to microseconds differ by 1 µs from what the version before exported.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/new"
python3 -m venv "$dir/old"
"$dir/new/bin/pip" install --quiet duckdb==2.0.1 pyarrow==26.0.1 pytz==2026.1.post1
"$dir/old/bin/pip" install --quiet duckdb==1.5.6
cd "$dir"
"$dir/new/bin/python" - <<'PY'
import pyarrow as pa
import pyarrow.parquet as pq

late = 1_796_083_199_999_999_700  # 2026-11-30 23:59:59.9999997
edge = {"ns": pa.array([late], pa.timestamp("ns")), "utc": pa.array([late], pa.timestamp("ns", "UTC"))}
pq.write_table(pa.table(edge), "edge.parquet")
spread = [late // 10**9 * 10**9 + i * 1_000_123 for i in range(10_000)]
pq.write_table(pa.table({"ns": pa.array(spread, pa.timestamp("ns"))}), "spread.parquet")
PY
cat > ask.py <<'PY'
import json

import duckdb

duckdb.sql("SET TimeZone = 'UTC'")
ask = {
    "value": "ns",
    "date_trunc('day')": "date_trunc('day', ns)::TIMESTAMP",
    "time_bucket(1 s)": "time_bucket(INTERVAL 1 SECOND, ns)",
    "CAST AS DATE": "ns::DATE",
    "month, day": "month(ns) || '-' || day(ns)",
    "hour": "hour(ns)",
    "strftime": "strftime(ns, '%Y-%m-%d %H:%M:%S')",
}
if not duckdb.__version__.startswith("1."):
    ask["with zone: CAST AS DATE"] = "utc::DATE"
columns = ", ".join(f"({sql})::VARCHAR" for sql in ask.values())
seen = dict(zip(ask, duckdb.sql(f"SELECT {columns} FROM 'edge.parquet'").fetchall()[0]))
ahead = "epoch_us(ns::TIMESTAMP) * 1000 > epoch_ns(ns)"
seen["casts ahead of the value"] = duckdb.sql(f"SELECT count(*) FILTER ({ahead}) FROM 'spread.parquet'").fetchall()[0][0]
print(json.dumps(seen))
PY
"$dir/old/bin/python" ask.py >old.json
"$dir/new/bin/python" ask.py >new.json
"$dir/new/bin/python" - <<'PY'
import json
import sys

old, new = (json.load(open(name)) for name in ("old.json", "new.json"))
for key, value in new.items():
    print(f"{key:24} 2.0.1: {value!s:29} 1.5.6: {old.get(key, '-')}")
day, after = "2026-11-30", "2026-12-01"
holds = (
    new["date_trunc('day')"] == new["time_bucket(1 s)"] == f"{after} 00:00:00"
    and (new["CAST AS DATE"], new["month, day"], new["hour"]) == (after, "12-1", "23")
    and new["strftime"] == f"{day} 23:59:59"
    and new["with zone: CAST AS DATE"] == day
    and (old["CAST AS DATE"], old["time_bucket(1 s)"]) == (day, f"{day} 23:59:59")
    and old["casts ahead of the value"] == 0 < new["casts ahead of the value"]
)
sys.exit(0 if holds else 1)
PY
