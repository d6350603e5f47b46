"""A directory of result files: what is known is imported, and the rest is told of."""

from __future__ import annotations

import json

import pytest
from samples import row, write_ndjson

from pipeline import SourceError, import_sessions, list_sessions
from pipeline.cli import main


@pytest.fixture
def results(tmp_path):
    """Two files of measurements at two depths, and what lies in such directories."""
    directory = tmp_path / "results"
    write_ndjson(directory / "a.ndjson", [row("a", 0)])
    write_ndjson(directory / "night" / "b.ndjson", [row("b", 0)])
    (directory / "night" / "b.session.json").write_text(json.dumps({"session_id": "b", "configuration": {"x": 1}}))
    for hidden in (directory / ".cache" / "c.ndjson", directory / ".d.ndjson"):
        write_ndjson(hidden, [row("hidden", 0)])
    return directory


def test_the_files_in_and_below_a_directory_are_imported(results, tmp_path):
    import_sessions(results, tmp_path / "store")
    found = {one["session_id"]: one["configuration"] for one in list_sessions(tmp_path / "store")}
    assert found == {"a": {}, "b": {"x": 1}}


def test_a_file_that_nobody_knows_is_an_error_unless_it_may_be_left_out(results, tmp_path, capsys):
    (results / "notes.txt").write_text("see the wiki\n")
    (results / "empty.log").write_text("")
    store = tmp_path / "store"
    assert main(["import", str(results), "--to", str(store)]) == 3
    assert not store.exists()
    capsys.readouterr()
    assert main(["import", str(results), "--to", str(store), "--skip-unknown"]) == 0
    said = capsys.readouterr().err
    assert f"left out: {results / 'notes.txt'}: no harness is known to write this" in said
    assert f"left out: {results / 'empty.log'}: is empty" in said
    assert len(list_sessions(store)) == 2


def test_where_nothing_is_known_that_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_text("see the wiki\n")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(SourceError, match=r"none of 1 files is known; .*notes\.txt"):
        import_sessions(tmp_path / "notes.txt", tmp_path / "store", skip_unknown=True)
    with pytest.raises(SourceError, match="has no files"):
        import_sessions(tmp_path / "nothing", tmp_path / "store", skip_unknown=True)
