"""Columns of an export: those that were asked for, in that order."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from directories import descriptor, only
from project import FIXTURE_STORE
from selections import SESSIONS, exported, read_rows, small

import pipeline as package


def test_columns_are_written_in_the_order_that_is_asked_for(recorded, tmp_path):
    found = exported(FIXTURE_STORE, tmp_path, columns=["value", "robot_id", "sequence"], sessions=SESSIONS[:1])
    assert [list(r) for r in found] == [["value", "robot_id", "sequence"]] * len(found)
    own = [r for r in recorded if r["session_id"] == SESSIONS[0]]
    assert found == [{name: r[name] for name in ("value", "robot_id", "sequence")} for r in own]


def test_excluded_columns_are_left_out_and_the_rest_keeps_its_order(tmp_path):
    source = small(tmp_path)
    names = list(exported(source, tmp_path)[0])
    found = exported(source, tmp_path, exclude=["sequence", "robot"])
    assert list(found[0]) == [name for name in names if name not in {"sequence", "robot"}]
    found = exported(source, tmp_path, columns=["ok", "value", "metric"], exclude=["value"])
    assert list(found[0]) == ["ok", "metric"]
    assert list(exported(source, tmp_path, columns=["value", "value"])[0]) == ["value"]


def test_columns_that_do_not_exist_are_errors_that_name_near_ones(tmp_path):
    source = small(tmp_path)
    for option in ("columns", "exclude"):
        with pytest.raises(package.SourceError, match=r"'robott'.*did you mean 'robot'"):
            exported(source, tmp_path, **{option: ["value", "robott"]})
    with pytest.raises(package.SourceError, match="VALUE"):
        exported(source, tmp_path, columns=["VALUE"])


def test_no_column_left_is_a_usage_error(tmp_path):
    with pytest.raises(package.UsageError, match="column"):
        exported(small(tmp_path), tmp_path, columns=["value"], exclude=["value"])


COLUMNS_OF = {
    "ndjson": lambda path: list(read_rows(path)[0]),
    "csv": lambda path: path.read_text("utf-8").splitlines()[0].split(","),
    "json": lambda path: list(json.loads(path.read_text("utf-8"))["measurements"][0]),
    "parquet": lambda path: pq.read_schema(path).names,
    "arrow": lambda path: pa.ipc.open_file(path).schema.names,
}


@pytest.mark.parametrize("format", list(COLUMNS_OF))
def test_files_per_session_may_lack_every_column_that_says_so(tmp_path, format):  # noqa: A002 - the option's name
    source = small(tmp_path)
    options = {"scope": "per-session", "format": format, "columns": ["value", "metric"], "sync": False}
    package.export_measurements(source, tmp_path / "out", **options)
    rows = {r["path"]: r["pipeline:rowCount"] for r in descriptor(tmp_path / "out")["resources"]}
    for session_id in "ab":
        path = only(tmp_path / "out", f"measurements_*_session-{session_id}.{format}")
        # The times of the name are those of the rows, though no column has them.
        assert path.name.startswith("measurements_20261124T160000Z_20261124T160007Z_")
        assert COLUMNS_OF[format](path) == ["value", "metric"]
        assert rows[path.name] == 8
