"""An export of nothing is valid in every format, and said."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from directories import only
from program import pipeline

from pipeline import EmptyExportError, export_measurements


def test_an_export_of_nothing_is_valid_and_warns(source, tmp_path):
    result = pipeline("export", source, "--to", tmp_path / "a", "--metric", "contol_rtt")
    assert result.status == 0
    warnings = result.err.splitlines()
    assert "pipeline: warning: no selected session has metric 'contol_rtt'; did you mean 'control_rtt'?" in warnings
    assert any("holds no rows" in line or "hold no rows" in line for line in warnings)
    assert all(line.startswith("pipeline: warning: ") for line in warnings)
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        "measurements_empty_cross-session.ndjson",
        "sessions_empty.csv",
        "datapackage.json",
        "SHA256SUMS",
    }
    assert only(tmp_path / "a", "measurements_*").read_bytes() == b""


@pytest.mark.parametrize("kind", ["ndjson", "json", "csv", "parquet", "arrow"])
def test_a_file_of_no_rows_is_valid_in_every_format(source, tmp_path, kind):
    report = export_measurements(source, tmp_path / "a", format=kind, where="false", with_statistics=True)
    assert [file.rows for file in report.files] == [0, 0, 2]
    data = only(tmp_path / "a", "measurements_*")
    if kind == "json":
        assert json.loads(data.read_bytes())["measurements"] == []
    elif kind == "csv":
        assert data.read_text() == "session_id,sequence,timestamp,metric,value,unit,robot\n"
    elif kind == "parquet":
        assert pq.read_table(data).schema.names[-1] == "robot"
    elif kind == "arrow":
        assert pa.ipc.open_file(data).schema.names[-1] == "robot"
    with pytest.raises(EmptyExportError, match="nothing matches"):
        export_measurements(source, tmp_path / "b", format=kind, where="false", fail_if_empty=True)
    assert not (tmp_path / "b").exists()
