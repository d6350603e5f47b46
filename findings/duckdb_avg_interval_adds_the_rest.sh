#!/usr/bin/env bash
# Claim: DuckDB's avg of INTERVAL adds the whole rest of its division to the result, as microseconds, instead of dividing it: the mean of 100,000 durations of 20 ms is 120 ms, of a million up to a second too long; the error is anything between nothing and the number of rows in microseconds.
# Versions: duckdb 2.0.1; the same in 1.4.4. pyarrow 26.0.1 for durations of Arrow, which DuckDB reads as INTERVAL.
# Guess: avg(t1 - t0) is the mean, as avg of the same differences in microseconds and PostgreSQL's avg(interval) are; a mean lies between the least and the greatest value, and is rounded by 1 microsecond at most, as avg(TIMESTAMP) is. Where the sum can be divided without a rest, as with few round values, the mean is right.
# Hurts: who subtracts time stamps and averages in SQL, or has columns of durations from Polars, pandas or Arrow: milliseconds of latency become many times as long, differently in each group, and worse the more was measured; the median beside it is right. avg(epoch_us(x)) is right, too.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >mean.py <<'PY'
import sys

import duckdb
import pyarrow as pa


def asked(sql):
    return duckdb.sql(sql).fetchall()


def us(value):
    return value.total_seconds() * 1e6


failed = False
# Requests, one a millisecond, that took 20,000 to 20,006 microseconds.
rows = """SELECT i, make_timestamp(1760000000000000 + 1000 * i) AS sent,
                 make_timestamp(1760000000000000 + 1000 * i + 20000 + i % 7) AS answered FROM range({}) t(i)"""
print(duckdb.__version__)
print("     rows  avg(interval)  avg(epoch_us)  median  max    microseconds")
for count, wrong in ((10, False), (1_000, True), (100_000, True), (1_000_001, True)):
    ((mean, right, median, most),) = asked(
        f"SELECT avg(d), avg(epoch_us(d)), median(d), max(d) FROM (SELECT answered - sent AS d FROM ({rows.format(count)}))"
    )
    rest = round(right * count) % count
    print(f"{count:9,} {us(mean):14,.0f} {right:14,.1f} {us(median):7,.0f} {us(most):6,.0f}")
    failed |= abs(us(mean) - (right // 1 + rest)) > 2 or (us(mean) > us(most)) != wrong
print("of groups (sessions of the same requests): avg(interval), avg(epoch_us)")
groups = asked(
    f"""SELECT i % 3 AS session, avg(d), avg(epoch_us(d)) FROM (SELECT i, answered - sent AS d FROM ({rows.format(100_000)}))
        GROUP BY ALL ORDER BY ALL"""
)
for session, mean, right in groups:
    print(f"{session:9} {us(mean):14,.0f} {right:14,.1f}")
failed |= not any(us(mean) > 2 * right for _, mean, right in groups)
durations = pa.table({"d": pa.array([100, 101, 102, 104], pa.duration("us"))})
((kind, mean, most),) = asked("SELECT any_value(typeof(d)), avg(d), max(d) FROM durations")
print("durations of Arrow, 100 101 102 104:", kind, "avg", us(mean), "max", us(most))
failed |= (kind, us(mean)) != ("INTERVAL", 104)  # 101.75
sys.exit(failed)
PY
for version in 2.0.1 1.4.4; do
    python3 -m venv "$dir/$version"
    "$dir/$version/bin/pip" install --quiet "duckdb==$version" pyarrow==26.0.1
    "$dir/$version/bin/python" mean.py
done
