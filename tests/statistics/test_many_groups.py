"""Statistics of more groups than memory holds: the same rows, in the same order, to the byte."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from figures import check, csv_bytes, many_rows, sample, write_parquet

from pipeline import DestinationError
from pipeline.statistics.aggregation import aggregate
from pipeline.statistics.options import StatisticsOptions

LITTLE = {"memory_limit": "1MB"}  # fewer groups than these tests have


@pytest.mark.parametrize("lost", ["exclude", "infinite"])
@pytest.mark.parametrize("pooled", [False, True])
def test_more_groups_than_find_room_have_the_figures_of_fractions(tmp_path, pooled, lost):
    rng = np.random.default_rng(11)
    choices = {
        "name": ["", "a", "a b", "ä", "\U0010ffff", None],
        "port": [-(2**63), -1, 0, 2**63 - 1, None],
        "ok": [True, False, None],
        "ratio": [0.1, -2.5, 1e300, None],
        "device": [*(f"device-{at:03d}" for at in range(199)), None],
    }
    rows = [
        sample(at, [float(rng.normal()), None, float("inf")][rng.choice(3, p=[0.8, 0.1, 0.1])], f"s{at // 3000}")
        | {name: values[rng.integers(len(values))] for name, values in choices.items()}
        for at in range(6000)
    ]
    source = write_parquet(tmp_path / "a.parquet", rows)
    options = {"pooled": pooled, "lost": lost, "further": {"p99_9": 0.999}, **LITTLE}
    found = check(source, rows, tmp_path, by=list(choices), **options)
    assert len(found) > 5000
    last = "\U0010ffff\U0010ffff"
    assert found == sorted(
        found,
        key=lambda r: (
            r.get("session_id", ""),
            (r["name"] or (last if r["name"] is None else "")).encode(),
            2.0**70 if r["port"] is None else r["port"],
            2 if r["ok"] is None else r["ok"],
            2e300 if r["ratio"] is None else r["ratio"],
            r["device"] or last,
        ),
    )


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
@pytest.mark.parametrize("window", [{"window": "7s"}, {"window": "1d", "timezone": "Europe/Berlin"}])
def test_many_windows_and_groups_are_the_same_in_little_memory(tmp_path, scope, window):
    rows = [r | {"k": at * 7919 % 997} for at, r in enumerate(many_rows(20_000))]
    source = write_parquet(tmp_path / "a.parquet", rows)
    options = {"scope": scope, "by": ["k"], "lost": "infinite", **window}
    expected = csv_bytes(source, tmp_path, memory_limit="1GB", threads=1, **options)
    assert expected.count(b"\n") > 3000
    for other in ({}, LITTLE, LITTLE | {"threads": 1, "batch_size": 100}, LITTLE | {"batch_size": 1_000_000}):
        assert csv_bytes(source, tmp_path, **options, **other) == expected, other


def test_where_rows_cannot_be_sorted_the_error_names_the_directory(tmp_path):
    rows = pa.table(
        {
            "session_id": pa.array(["s"] * 5000),
            "sequence": range(5000),
            "timestamp": pa.array(range(5000), pa.int64()).cast(pa.timestamp("us", "UTC")),
            "metric": ["m"] * 5000,
            "value": np.arange(5000.0),
            "unit": ["1"] * 5000,
            "k": range(5000),
        }
    )
    nowhere = tmp_path / "nowhere"
    with pytest.raises(DestinationError) as raised:
        aggregate(
            lambda _: iter(rows.to_batches()),
            rows.schema,
            ["s"],
            StatisticsOptions(by=["k"]),
            batch_size=1000,
            temporary_directory=nowhere,
            budget_bytes=1_000_000,
        )
    assert str(raised.value).startswith(f"{nowhere}: statistics: temporary file cannot be created: ")
