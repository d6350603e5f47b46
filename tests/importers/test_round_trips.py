"""What was exported can be imported again, and is exported byte for byte as before."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path

import pytest
from directories import only
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_files import CORE
from samples import write_ndjson

from pipeline import export_measurements, import_sessions, list_sessions

HOSTILE_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
FLOATS = st.floats() | st.sampled_from([1e16, 1e-5, 123456789012345680.0, 5e-324, -0.0])
ATTRIBUTE_VALUES = {
    "text": HOSTILE_TEXT | st.sampled_from(["NaN", "Infinity", "null", "1", "true", '"', "%s"]),
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": FLOATS,
    "bool": st.booleans(),
}


# Names that mean something to SQL or to the sorting engine, beside any text at all.
COLUMN_NAMES = (HOSTILE_TEXT | st.sampled_from(["rowid", "row", "starts", "start", "%s", '"', "a b", "{}"])).filter(
    lambda name: name != "" and name.lower() not in CORE
)
TIMES = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999_999))  # noqa: DTZ001 - naive on purpose


def as_json(value):
    """A value as its text forms have it: non-finite numbers are strings."""
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN
        return "NaN"
    return (
        {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, value) if isinstance(value, float) else value
    )


@st.composite
def hostile_rows(draw):
    kinds = draw(
        st.dictionaries(COLUMN_NAMES, st.sampled_from(sorted(ATTRIBUTE_VALUES)), max_size=3).filter(
            lambda names: len({name.casefold() for name in names}) == len(names)
        )
    )
    ids = draw(st.lists(HOSTILE_TEXT.filter(bool) | st.just("x" * 128), min_size=1, max_size=3, unique=True))
    rows = []
    for session_id in ids:
        for sequence in draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4, unique=True)):
            fixed = {
                "session_id": session_id,
                "sequence": sequence,
                "timestamp": draw(TIMES).isoformat(timespec="microseconds") + "Z",
                "metric": draw(HOSTILE_TEXT),
                "value": as_json(draw(st.none() | FLOATS)),
                "unit": draw(st.none() | HOSTILE_TEXT),
            }
            extra = {n: as_json(draw(st.none() | ATTRIBUTE_VALUES[kind])) for n, kind in kinds.items()}
            rows.append(fixed | extra)
    return draw(st.permutations(rows))


def in_order(rows):
    """Rows in the order of the model: by start of the session, its id, and the sequence."""
    starts = {}
    for r in sorted(rows, key=lambda r: r["sequence"], reverse=True):
        starts[r["session_id"]] = r["timestamp"]
    return sorted(rows, key=lambda r: (starts[r["session_id"]], r["session_id"], r["sequence"]))


@settings(max_examples=40)
@given(rows=hostile_rows())
def test_what_was_imported_is_exported_byte_for_byte(rows):
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        import_sessions(write_ndjson(directory / "a.ndjson", rows), directory / "store")
        export_measurements(directory / "store", directory / "out", sync=False)
        written = only(directory / "out", "measurements_*").read_bytes()
    lines = [json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in in_order(rows)]
    assert written.decode() == "".join(lines)


@settings(max_examples=15)
@given(rows=hostile_rows())
def test_hostile_rows_pass_through_csv_parquet_and_arrow_unchanged(rows):
    """Text that looks like a number is one in CSV, so there the digests of text columns are not compared."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        import_sessions(write_ndjson(directory / "a.ndjson", rows), directory / "store")
        wanted = {s["session_id"]: s["content_digest"] for s in list_sessions(directory / "store")}
        for kind in ("parquet", "arrow", "csv"):
            columns = [*CORE] if kind == "csv" else None
            export_measurements(directory / "store", directory / kind, format=kind, sync=False, columns=columns)
            import_sessions(only(directory / kind, "measurements_*"), directory / f"{kind}-store")
            found = {s["session_id"]: s["content_digest"] for s in list_sessions(directory / f"{kind}-store")}
            if kind == "csv":
                import_sessions(
                    write_ndjson(directory / "core.ndjson", [{n: r[n] for n in CORE} for r in rows]),
                    directory / "core-store",
                )
                wanted = {s["session_id"]: s["content_digest"] for s in list_sessions(directory / "core-store")}
            assert found == wanted, kind


@pytest.mark.parametrize(
    ("kind", "compression"),
    [
        ("ndjson", "none"),
        ("ndjson", "gzip"),
        ("ndjson", "zstd"),
        ("csv", "none"),
        ("csv", "gzip"),
        ("csv", "zstd"),
        ("parquet", "zstd"),
        ("parquet", "none"),
        ("arrow", "none"),
        ("arrow", "zstd"),
    ],
)
@pytest.mark.parametrize("scope", ["cross-session", "per-session"])
def test_our_own_files_can_be_imported_again(fixture_store, tmp_path, kind, compression, scope):
    export_measurements(fixture_store, tmp_path / "out", format=kind, compression=compression, scope=scope, sync=False)
    import_sessions(str(tmp_path / "out" / "measurements_*"), tmp_path / "store")
    figures = (
        "content_digest",
        "measurement_count",
        "null_count",
        "metrics",
        "first_timestamp",
        "last_timestamp",
    )
    wanted = {s["session_id"]: [s[f] for f in figures] for s in list_sessions(fixture_store)}
    assert {s["session_id"]: [s[f] for f in figures] for s in list_sessions(tmp_path / "store")} == wanted
