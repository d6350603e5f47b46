"""Bounds of a time range: since counts, until does not, to the nanosecond."""

from __future__ import annotations

import pytest
from directories import descriptor, only
from readers import csv_with_python
from samples import row, write_ndjson

import pipeline
from pipeline.errors import UsageError


@pytest.fixture
def timed(tmp_path):
    """Rows at the edges of two seconds, in nanoseconds."""
    fractions = ["16:00:00.000000000", "16:00:00.999999999", "16:00:01.000000000", "16:00:01.000000001"]
    rows = [row(sequence=at, timestamp=f"2026-11-24T{text}Z") for at, text in enumerate(fractions)]
    return write_ndjson(tmp_path / "run.ndjson", rows)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2026-11-24T16:00:00Z", None, [0, 1, 2, 3]),
        ("2026-11-24T16:00:00.000000001Z", None, [1, 2, 3]),
        ("2026-11-24T16:00:00.999999999Z", "2026-11-24T16:00:01Z", [1]),
        (None, "2026-11-24T16:00:01Z", [0, 1]),
        (None, "2026-11-24T16:00:01.000000001Z", [0, 1, 2]),
        ("2026-11-24T16:00:01.0000000009Z", None, [2, 3]),
        ("2026-11-24T16:00:01.00000001Z", None, []),
        (None, "2026-11-24T16:00:01.00000001Z", [0, 1, 2, 3]),
        ("2026-11-24T17:00:01+01:00", "2026-11-25", [2, 3]),
        ("2026-11-25", None, []),
        (None, "2026-11-24", []),
        ("0001-01-01", "9999-12-31T23:59:59.999999999Z", [0, 1, 2, 3]),
    ],
)
def test_since_is_inclusive_and_until_exclusive(timed, tmp_path, since, until, expected):
    pipeline.export_measurements(
        timed,
        tmp_path / "out",
        format="csv",
        columns=("sequence", "timestamp"),
        since=since,
        until=until,
        sync=False,
    )
    data = only(tmp_path / "out", "measurements_*").read_bytes()
    assert [sequence for sequence, _ in csv_with_python(data, [("sequence", "int64"), ("timestamp", "ns")])] == expected


def test_a_store_of_microseconds_takes_bounds_in_nanoseconds(tmp_path):
    rows = [row(sequence=at, timestamp=f"2026-11-24T16:00:00.00000{at}Z") for at in range(3)]
    source = write_ndjson(tmp_path / "run.ndjson", rows)
    for at, (since, until, expected) in enumerate(
        [
            ("2026-11-24T16:00:00.000001000Z", None, 2),
            ("2026-11-24T16:00:00.000000001Z", None, 2),
            ("2026-11-24T16:00:00.000001001Z", None, 1),
            (None, "2026-11-24T16:00:00.000001001Z", 2),
            (None, "2026-11-24T16:00:00.000001000Z", 1),
        ]
    ):
        pipeline.export_measurements(source, tmp_path / str(at), since=since, until=until, sync=False)
        assert descriptor(tmp_path / str(at))["resources"][0]["pipeline:rowCount"] == expected


@pytest.mark.parametrize(
    ("since", "until"), [("2026-11-24", "2026-11-24"), ("2026-11-25", "2026-11-24"), ("today", "yesterday")]
)
def test_a_range_that_holds_nothing_is_a_mistake(timed, tmp_path, since, until):
    with pytest.raises(UsageError, match="--since is not before --until"):
        pipeline.export_measurements(timed, tmp_path / "out", since=since, until=until)
    assert not (tmp_path / "out").exists()
