#!/usr/bin/env bash
# Claim: on the Azores the clock goes back from 01:00 to 00:00, so the day of 25 hours has two midnights. DuckDB's time_bucket gives the hour between them to the day before, and Polars' truncate makes two groups of one day; DuckDB's date_trunc and cast to a date, and Polars' group_by_dynamic and date, see one day of 25 hours.
# Versions: duckdb 2.0.1, polars 2.1.0; Python's zoneinfo and pyarrow 26.0.1 as the oracles.
# Guess: functions of one program that cut time into days of a zone cut it alike, as they do on the 25 hours of Berlin, where another hour comes twice.
# Hurts: who sums by day in such a zone (the Azores, Havana for many years): once a year a day lacks an hour that the day before has, or stands twice in a table with one name; totals still agree.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1
cd "$dir"
"$dir/venv/bin/python" - <<'PY'
import datetime as dt
from collections import Counter
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

print("duckdb", duckdb.__version__, "polars", pl.__version__, "pyarrow", pa.__version__)
# The first moment of a day of 25 hours, in UTC; a sample each quarter of an hour.
DAYS = {
    "Atlantic/Azores": dt.datetime(2026, 10, 25, 0, tzinfo=dt.UTC),
    "America/Havana": dt.datetime(2019, 11, 3, 4, tzinfo=dt.UTC),
    "Europe/Berlin": dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC),
}
for zone, start in DAYS.items():
    times = [start + dt.timedelta(minutes=15 * at) for at in range(100)]
    by_python = Counter(t.astimezone(ZoneInfo(zone)).date() for t in times)
    by_arrow = Counter(pc.strftime(pa.array(times, pa.timestamp("us", zone)), format="%Y-%m-%d").to_pylist())
    assert list(by_python.values()) == list(by_arrow.values()) == [100], "both oracles: one day of 25 hours"

    frame = pl.DataFrame({"t": times}).with_columns(pl.col("t").dt.convert_time_zone(zone)).sort("t")
    by_polars = {
        "truncate": frame.group_by(pl.col("t").dt.truncate("1d")).len().sort("t")["len"].to_list(),
        "group_by_dynamic": frame.group_by_dynamic("t", every="1d").agg(pl.len())["len"].to_list(),
        "date": frame.group_by(pl.col("t").dt.date()).len()["len"].to_list(),
    }
    with duckdb.connect() as connection:
        connection.execute(f"SET TimeZone = '{zone}'")
        connection.register("samples", pa.table({"t": pa.array(times, pa.timestamp("us", "UTC"))}))
        by_duckdb = {
            name: [count for _, count in connection.sql(f"SELECT CAST({day} AS VARCHAR), count(*) FROM samples GROUP BY 1 ORDER BY 1").fetchall()]
            for name, day in {
                "time_bucket": f"time_bucket(INTERVAL '1 day', t, '{zone}')",
                "date_trunc": "date_trunc('day', t)",
                "date": "t::DATE",
            }.items()
        }
        named = connection.sql(f"SELECT CAST(min(t) AS VARCHAR), CAST(time_bucket(INTERVAL '1 day', min(t), '{zone}') AS VARCHAR) FROM samples").fetchall()[0]
    print(zone, "duckdb", by_duckdb, "polars", by_polars, "first sample and its bucket", named)
    whole = [100] if zone == "Europe/Berlin" else [4, 96]
    assert by_duckdb == {"time_bucket": whole, "date_trunc": [100], "date": [100]}
    assert by_polars == {"truncate": whole, "group_by_dynamic": [100], "date": [100]}
    if zone != "Europe/Berlin":
        assert named[0][:10] != named[1][:10], "the hour is that of the day before"
print("still so: a day with two midnights is cut in two")
PY
