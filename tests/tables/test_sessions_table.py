"""The table of sessions holds what is known of them."""

from __future__ import annotations

import re

import hostile
import pytest
from directories import only
from readers import strict_json
from resources import kinds_of, resources_of, rows_of
from samples import row, write_ndjson

import pipeline
from pipeline.errors import SourceError, UsageError


def test_the_sessions_table_holds_what_is_known_of_the_sessions(hostile_store, tmp_path, unit):
    pipeline.export_measurements(hostile_store, tmp_path / "out", sync=False)
    (resource,) = resources_of(tmp_path / "out", "sessions")
    names = [name for name, _ in kinds_of(resource)]
    table = [dict(zip(names, values, strict=True)) for values in rows_of(tmp_path / "out", resource)]
    assert [session["session_id"] for session in table] == list(hostile.SESSION_IDS)
    records = pipeline.list_sessions(hostile_store)
    for at, (session, record) in enumerate(zip(table, records, strict=True)):
        assert strict_json(session["configuration"]) == hostile.CONFIGURATION | {"number": at}
        assert strict_json(session["metrics"]) == record["metrics"]
        assert session["measurement_count"] == 40
        assert session["null_count"] == record["null_count"]
        assert session["harness_name"] == "teleop"
    text = only(tmp_path / "out", "sessions_*.csv").read_text(encoding="utf-8")
    digits = 6 if unit == "us" else 9
    assert re.search(rf"\d\.?\d{{{digits}}}Z,", text)


@pytest.mark.parametrize(
    "configuration", [{"a": float("nan")}, {"a": [float("inf")]}, {"a": "\ud800"}, {"a": {1, 2}}], ids=repr
)
def test_a_configuration_that_is_no_json_is_refused(tmp_path, configuration):
    source = write_ndjson(tmp_path / "run.ndjson", [row()])
    with pytest.raises((SourceError, UsageError), match="configuration"):
        pipeline.import_sessions(source, tmp_path / "store", configuration=configuration)
    assert not (tmp_path / "store").exists()
