"""Every figure of the statistics by exact fractions; definitions are those of the contract."""

from __future__ import annotations

import datetime as dt
import math
from fractions import Fraction
from itertools import count
from math import inf, isqrt

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
from directories import only

import pipeline as package

QUANTILES = {"p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}
COUNTS = ["count", "null_count", "non_finite_count"]
FIGURES = ["mean", "stddev", "min", "p25", "p50", "p75", "p90", "p95", "p99", "max"]
WINDOW = ["window_start", "window_end"]
ENDS = ["sum", "first", "last", "first_timestamp", "last_timestamp"]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LARGEST = 1.7976931348623157e308
_numbers = count()


def ticks(text, unit="us"):
    """Ticks of an RFC 3339 time, by Python's datetime."""
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    span = dt.datetime.fromisoformat(seconds + "+00:00") - EPOCH
    digits = {"us": 6, "ns": 9}[unit]
    return (span.days * 86_400 + span.seconds) * 10**digits + int(fraction.ljust(digits, "0") or 0)


def sample(at, value, session_id="s1", **given):
    """A row for `write_parquet`: its timestamp is ticks, its value any float."""
    return {
        "session_id": session_id,
        "sequence": at,
        "timestamp": 1_795_536_000_000_000 + at * 1_000_000,
        "metric": "control_rtt",
        "value": value,
        "unit": "ms",
    } | given


def write_parquet(path, rows, unit="us", **kinds):
    """Rows as a file of the model, written by pyarrow; other attributes take the type of their values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds |= {"sequence": pa.int64(), "timestamp": pa.int64(), "value": pa.float64()}
    kinds |= {name: pa.string() for name in ("session_id", "metric", "unit")}
    arrays = {name: pa.array([r[name] for r in rows], kinds.get(name)) for name in rows[0]}
    arrays["timestamp"] = arrays["timestamp"].view(pa.timestamp(unit, "UTC"))
    pq.write_table(pa.table(arrays), path)
    return path


def statistics(source, tmp_path, **options):
    """Statistics as a pyarrow table; times as ticks."""
    to = tmp_path / f"statistics-{next(_numbers)}"
    package.export_statistics(source, to, format="parquet", sync=False, hashed=False, **options)
    table = pq.read_table(only(to, "statistics_*.parquet"))
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.int64()))
    return table


def figures(source, tmp_path, **options):
    """Statistics as a list of dicts."""
    return statistics(source, tmp_path, **options).to_pylist()


def values_figures(values, tmp_path, **options):
    """The one row of statistics of one group of values."""
    rows = [sample(at, value) for at, value in enumerate(values)]
    found = figures(write_parquet(tmp_path / f"{next(_numbers)}.parquet", rows), tmp_path, **options)
    assert len(found) == 1
    return found[0]


def exact_root(number):
    """Square root of a fraction, good to far below a unit in the last place of any float64."""
    bits = 2400
    return float(Fraction(isqrt((number.numerator << bits) // number.denominator), 1 << bits // 2))


def rounded(number):
    """The float64 nearest to a fraction, infinite beyond the range."""
    try:
        return float(number)
    except OverflowError:
        return inf if number > 0 else -inf


def type_7(ordered, quantile):
    """Hyndman and Fan's type 7 of sorted values, as the contract writes it."""
    h = (len(ordered) - 1) * quantile
    low, high = ordered[math.floor(h)], ordered[min(math.floor(h) + 1, len(ordered) - 1)]
    part = h - math.floor(h)
    if part == 0 or low == high:
        return low
    if high == inf:
        return inf
    step = high - low
    return low + step * part if math.isfinite(step) else low * (1 - part) + high * part


def oracle_row(rows, quantiles=QUANTILES, lost="exclude"):
    """Figures of the rows of one group, by fractions and Python's sort."""
    finite = [r for r in rows if r["value"] is not None and math.isfinite(r["value"])]
    values = sorted(r["value"] for r in finite)
    nulls = sum(r["value"] is None for r in rows)
    ranked = values + [inf] * nulls if lost == "infinite" else values
    found = {
        "count": len(values),
        "null_count": nulls,
        "non_finite_count": len(rows) - nulls - len(values),
        "session_count": len({r["session_id"] for r in rows}),
        **dict.fromkeys([*FIGURES, *ENDS]),
        **{name: type_7(ranked, q) if ranked else None for name, q in quantiles.items()},
    }
    if values:
        total = sum(map(Fraction, values))
        found |= {"mean": float(total / len(values)), "sum": rounded(total)}
        found |= {"min": values[0], "max": values[-1]}
        ordered = sorted(finite, key=lambda r: (r["timestamp"], r["sequence"]))
        found |= {"first": ordered[0]["value"], "last": ordered[-1]["value"]}
        found |= {"first_timestamp": ordered[0]["timestamp"], "last_timestamp": ordered[-1]["timestamp"]}
    if len(values) > 1:
        squares = sum(Fraction(v) ** 2 for v in values)
        variance = (squares - total**2 / len(values)) / (len(values) - 1)
        found["stddev"] = exact_root(variance) if variance < Fraction(LARGEST) ** 2 else inf
    return found


def oracle(rows, keys, **options):
    """Figures by group."""
    groups = {}
    for r in rows:
        groups.setdefault(tuple(r[key] for key in keys), []).append(r)
    return {group: oracle_row(members, **options) for group, members in groups.items()}


def by_group(found, keys):
    """Rows of statistics by group; a group has one row."""
    result = {tuple(r[key] for key in keys): r for r in found}
    assert len(result) == len(found)
    return result


_ALMOST_INFINITE = 1.7976931348623e308


def close(have, want, relative=1e-12):
    """Equal, or nearly."""
    if want is None or have is None:
        return have is want
    if math.isinf(want) and abs(have) >= _ALMOST_INFINITE:
        return have * want > 0  # the reference rounds up once more
    return have == want or math.isclose(have, want, rel_tol=relative)


def within_ulps(have, want, scale):
    """Within two units in the last place of the larger of the numbers between which it was interpolated."""
    if want is None or have is None:
        return have is want
    return have == want or abs(have - want) <= 2 * math.ulp(scale)


def agree(have, want):
    """Compare a row with the oracle's: exact, nearly exact, within two ulp, by what each figure allows."""
    exact = ["min", "max", "first", "last", "first_timestamp", "last_timestamp", *COUNTS]
    exact += ["session_count"] if "session_count" in have else []
    for name in exact:
        assert have[name] == want[name], (name, have, want)
    for name in ("mean", "stddev", "sum"):
        assert close(have[name], want[name]), (name, have[name], want[name])
    scale = max(abs(want["min"] or 0), abs(want["max"] or 0))
    for name in want:
        if name[0] == "p":
            assert within_ulps(have[name], want[name], scale), (name, have[name], want[name])


def check(source, rows, tmp_path, *, by=(), pooled=False, further=None, lost="exclude", **options):
    """Compare all groups of a source with the oracle's; gives the rows found.

    Args:
        further: quantiles besides the usual ones, by column name.
    """
    further = further or {}
    keys = [*([] if pooled else ["session_id"]), "metric", "unit", *by]
    options |= {"scope": "cross-session" if pooled else "per-session", "by": by, "lost": lost}
    found = figures(source, tmp_path, quantiles=list(further.values()), **options)
    expected = oracle(rows, keys, quantiles=QUANTILES | further, lost=lost)
    have = by_group(found, keys)
    assert have.keys() == expected.keys()
    for group, want in expected.items():
        agree(have[group], want)
    return found


def many_rows(size):
    """Rows whose floating-point sums depend on the order in which they are taken."""
    rng = np.random.default_rng(11)
    values = rng.normal(size=size) * 10.0 ** rng.integers(-12, 12, size)
    values[rng.integers(0, size, 50)] = -0.0
    groups, sessions = rng.integers(0, 5, size), np.sort(rng.integers(0, 3, size))
    return [
        sample(at, None if at % 97 == 0 else float(values[at]), f"s{sessions[at]}", metric=f"m{groups[at]}")
        for at in range(size)
    ]


def csv_bytes(source, tmp_path, **options):
    """The statistics file as it is published."""
    to = tmp_path / f"bytes-{next(_numbers)}"
    package.export_statistics(source, to, sync=False, hashed=False, **options)
    return only(to, "statistics_*.csv").read_bytes()
