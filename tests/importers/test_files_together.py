"""Several harness files in one import, the same file twice, and an import that is cut off between sessions."""

from __future__ import annotations

import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness_files import k6_point, values_of, write_k6
from program import pipeline_with_small_files

import pipeline as package
from pipeline import SourceError, import_sessions, list_sessions


def test_a_file_that_was_imported_is_known_by_its_content(tmp_path):
    path = write_k6(tmp_path / "run.json")
    import_sessions(path, tmp_path / "store")
    copy = tmp_path / "copy.json"
    copy.write_bytes(path.read_bytes())
    with pytest.raises(SourceError, match=r"copy\.json: was imported before, as session 'run'; --if-exists skip or"):
        import_sessions(copy, tmp_path / "store")
    assert import_sessions(copy, tmp_path / "store", if_exists="skip").unchanged == ("run",)
    with pytest.raises(SourceError, match="--session-id run replaces that"):
        import_sessions(copy, tmp_path / "store", if_exists="replace")
    assert import_sessions(copy, tmp_path / "store", if_exists="replace", session_id="run").imported == ("run",)
    assert len(list_sessions(tmp_path / "store")) == 1


def test_another_file_of_the_same_name_is_no_repetition(tmp_path):
    import_sessions(write_k6(tmp_path / "a" / "run.json"), tmp_path / "store")
    other = write_k6(tmp_path / "b" / "run.json", [k6_point(value=9)])
    with pytest.raises(SourceError, match="has session 'run' already"):
        import_sessions(other, tmp_path / "store")
    assert import_sessions(other, tmp_path / "store", if_exists="skip").unchanged == ("run",)
    import_sessions(other, tmp_path / "store", session_id="other")
    import_sessions(other, tmp_path / "store2")
    import_sessions(tmp_path / "a" / "run.json", tmp_path / "store2", if_exists="replace")
    assert values_of(tmp_path / "store2", "http_req_duration") == [n + 0.5 for n in range(10)]


def test_the_same_content_twice_in_one_import_is_noticed(tmp_path):
    path = write_k6(tmp_path / "run.json")
    copy = tmp_path / "copy.json"
    copy.write_bytes(path.read_bytes())
    with pytest.raises(SourceError, match=r"run\.json: was imported before, as session 'copy'"):
        import_sessions([copy, path], tmp_path / "store")
    report = import_sessions([copy, path], tmp_path / "store", if_exists="skip")
    assert (report.imported, report.unchanged) == (("copy",), ("copy",))


def test_a_file_of_a_header_alone_is_a_session_without_measurements(tmp_path):
    path = tmp_path / "run.csv"
    path.write_text("metric_name,timestamp,metric_value,url\n")
    import_sessions(path, tmp_path / "store", allow_empty=True)
    assert list_sessions(tmp_path / "store")[0]["measurement_count"] == 0


def test_two_files_of_one_id_are_refused_together(tmp_path):
    first = write_k6(tmp_path / "a" / "run.json")
    second = write_k6(tmp_path / "b" / "run.json", [k6_point(value=9)])
    with pytest.raises(SourceError, match=r"b/run\.json: session 'run' lies in another"):
        import_sessions([first, second], tmp_path / "store")
    assert not list((tmp_path / "store").rglob("*.parquet"))


def test_harness_files_and_measurements_are_imported_together(tmp_path):
    rows = '{"session_id":"m","sequence":0,"timestamp":"2026-01-01T00:00:00Z","metric":"x","value":1}\n'
    (tmp_path / "own.ndjson").write_text(rows)
    report = import_sessions([write_k6(tmp_path / "run.json"), tmp_path / "own.ndjson"], tmp_path / "store")
    assert set(report.imported) == {"run", "m"}
    assert report.rows == 13


@pytest.mark.parametrize("large", [0, 1])
def test_a_disk_that_fails_leaves_the_sessions_that_were_imported_by_then(tmp_path, large):
    noise = random.Random(1)  # noqa: S311 - numbers that do not compress
    for number in range(2):
        rows = 100_000 if number == large else 10
        table = pa.table(
            {
                "session_id": [f"p{number}"] * rows,
                "sequence": pa.array(range(rows)),
                "timestamp": pa.array(range(number, number + rows), pa.timestamp("us", "UTC")),
                "metric": ["x"] * rows,
                "value": [noise.random() for _ in range(rows)],
                "unit": ["ms"] * rows,
            }
        )
        pq.write_table(table, tmp_path / f"p{number}.parquet")
    write_k6(tmp_path / "run.json")
    result = pipeline_with_small_files(400_000, "import", "*.parquet", "run.json", "--to", "store", cwd=tmp_path)
    assert result.status == 4, result.err
    done = ["run", "p0"][: large + 1]
    number = f"{len(done)} session{'s were' if large else ' was'}"
    assert f"{number} imported before; the same command with --if-exists skip imports the others\n" in result.err
    assert result.err.count("\n") == 1
    assert {session["session_id"] for session in list_sessions(tmp_path / "store")} == set(done)
    report = import_sessions(
        [tmp_path / "p0.parquet", tmp_path / "p1.parquet", tmp_path / "run.json"], tmp_path / "store", if_exists="skip"
    )
    assert set(report.unchanged) == set(done)
    assert len(list_sessions(tmp_path / "store")) == 3


@pytest.mark.parametrize("bad", ["run.json", "own.ndjson"])
def test_nothing_is_imported_where_one_of_harness_files_and_measurements_is_bad(tmp_path, bad):
    rows = '{"session_id":"m","sequence":0,"timestamp":"2026-01-01T00:00:00Z","metric":"x","value":1}\n'
    (tmp_path / "own.ndjson").write_text(rows)
    write_k6(tmp_path / "run.json")
    with (tmp_path / bad).open("a") as file:
        file.write("{\n")
    for files in (["own.ndjson", "run.json"], ["run.json", "own.ndjson"]):
        with pytest.raises(SourceError, match=bad):
            import_sessions([tmp_path / name for name in files], tmp_path / "store")
        assert not list((tmp_path / "store").rglob("*.parquet"))


def test_an_exported_session_of_a_harness_can_be_imported_again(tmp_path):
    import_sessions(write_k6(tmp_path / "run.json"), tmp_path / "store")
    (session,) = list_sessions(tmp_path / "store")
    package.export_measurements(tmp_path / "store", tmp_path / "out", format="parquet")
    (file,) = (tmp_path / "out").glob("measurements*")
    (tmp_path / "again.parquet").write_bytes(file.read_bytes())
    (tmp_path / "again.session.json").write_text(json.dumps(session))
    import_sessions(tmp_path / "again.parquet", tmp_path / "again")
    assert list_sessions(tmp_path / "again")[0]["content_digest"] == session["content_digest"]
