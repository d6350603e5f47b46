"""Files that an import writes while it still reads: the store is that of an import that writes all of them later."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import row, write_ndjson

from pipeline import DestinationError, PipelineError, import_sessions, list_sessions, verify_store
from pipeline.sources import early_spool
from pipeline.store import early_files

FEW = 20
"""Rows from which on a session counts as large here."""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(early_spool, "SMALL_ROWS", FEW)
    monkeypatch.setattr("pipeline.sources.plain._BATCH_ROWS", 16)


@pytest.fixture
def published(monkeypatch):
    """The sessions whose early files became those of the store."""
    found = []
    whole = early_files.EarlyFiles.publish
    monkeypatch.setattr(
        early_files.EarlyFiles, "publish", lambda self, one: found.append(one.session_id) or whole(self, one)
    )
    return found


def rows(session, count, *, start=0, first=0, **attributes):
    return [row(session, first + at, timestamp=stamp(start + at), value=at / 7, **attributes) for at in range(count)]


def stamp(second):
    return f"2026-11-24T{10 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


def files_of(store):
    return {path.relative_to(store): path.read_bytes() for path in (store / "sessions").rglob("*") if path.is_file()}


def imported(paths, to, **options):
    """Import into a store, or give what is wrong; nothing may be left of the work."""
    try:
        import_sessions(paths, to, **options)
    except PipelineError as error:
        assert not to.exists() or not any((to / "staging").iterdir()) or options.get("if_exists")
        return str(error).replace(str(to), "STORE")
    assert not (to / "staging").exists() or not list((to / "staging").glob("0*"))
    return files_of(to)


def both(paths, tmp_path, **options):
    """Import with early files, and without."""
    for name in ("early", "late"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
    early = imported(paths, tmp_path / "early", **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(early_spool, "SMALL_ROWS", 1 << 40)
        late = imported(paths, tmp_path / "late", **options)
    assert early == late
    return early


CASES = {
    "one large": ([rows("a", 100)], ["a"]),
    "some large, some small": ([rows("a", 50) + rows("b", 5, start=100) + rows("c", 60, start=200)], ["a", "c"]),
    "just as large": ([rows("a", FEW) + rows("b", FEW - 1, start=100)], ["a"]),
    "a column that comes late": ([rows("a", 40) + rows("a", 40, start=40, first=40, robot="r1")], []),
    "a column of some": ([rows("a", 40) + rows("b", 40, start=100, robot="r1")], ["a", "b"]),
    "numbers that become fractions": ([rows("a", 40, load=1) + rows("a", 40, start=40, first=40, load=1.5)], []),
    "numbers that are fractions elsewhere": ([rows("a", 40, load=1) + rows("b", 40, start=99, load=1.5)], ["b"]),
    "nothing but nulls": ([rows("a", 40, robot=None) + rows("b", 40, start=99, robot="r")], ["a", "b"]),
    "rows that alternate": ([[one for at in range(40) for s in "ab" for one in rows(s, 1, start=at, first=at)]], []),
    "a session that comes again": ([rows("a", 40) + rows("b", 40, start=50) + rows("a", 40, start=90, first=40)], []),
    "sequences that go back": ([rows("a", 40, first=40) + rows("a", 40, start=40)], []),
    "files in another order": ([rows("b", 40, start=100), rows("a", 40)], ["a", "b"]),
    "sessions in another order": ([rows("b", 40, start=100) + rows("a", 40)], ["a", "b"]),
    "a session in two files": ([rows("a", 40), rows("a", 40, start=40, first=40)], ["a"]),
}


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
@pytest.mark.parametrize("name", CASES)
def test_the_store_is_the_same(tmp_path, published, name, kind):
    contents, expected = CASES[name]
    paths = [write(tmp_path / f"{at}.{kind}", content) for at, content in enumerate(contents)]
    found = both(paths, tmp_path)
    assert isinstance(found, dict), found
    if kind == "ndjson":  # a file of CSV says beforehand which columns it has
        assert sorted(published) == expected
    assert sum(one["measurement_count"] for one in list_sessions(tmp_path / "early")) == sum(map(len, contents))
    assert verify_store(tmp_path / "early").problems == ()


def write(path, content):
    if path.suffix == ".ndjson":
        return write_ndjson(path, content)
    names = list(dict.fromkeys(name for one in content for name in one))
    lines = [",".join("" if one.get(name) is None else str(one[name]) for name in names) for one in content]
    path.write_text("\n".join([",".join(names), *lines]) + "\n")
    return path


BAD = {
    "a row": [*rows("a", 60), {"session_id": "a", "sequence": "x"}],
    "a line": '{"session_id": ',
    "a sequence that occurs twice": [*rows("a", 60), *rows("a", 1, first=59)],
}


@pytest.mark.parametrize("name", BAD)
def test_nothing_is_left_of_an_import_that_fails(tmp_path, name):
    content = BAD[name]
    path = tmp_path / "a.ndjson"
    if isinstance(content, str):
        path.write_text("".join(json.dumps(one) + "\n" for one in rows("a", 60)) + content)
    else:
        write_ndjson(path, content)
    assert isinstance(both([path], tmp_path), str)
    assert not (tmp_path / "early").exists()


def test_rows_that_are_skipped_are_in_no_file(tmp_path, published):
    path = write_ndjson(
        tmp_path / "a.ndjson",
        [*rows("a", 60), {"session_id": "a", "sequence": "x"}, *rows("a", 40, start=60, first=60)],
    )
    both([path], tmp_path, skip_bad=True)
    assert published == ["a"]


def test_times_may_be_in_nanoseconds(tmp_path, published):
    content = rows("a", 60)
    content[-1]["timestamp"] = "2026-11-24T10:00:59.000000001Z"
    both([write_ndjson(tmp_path / "a.ndjson", content)], tmp_path, timestamp_unit="ns")
    assert published == ["a"]


@pytest.mark.parametrize("if_exists", ["skip", "replace"])
def test_sessions_that_are_there_are_left_or_replaced(tmp_path, published, if_exists):
    before = write_ndjson(tmp_path / "before.ndjson", rows("a", 30))
    now = write_ndjson(tmp_path / "now.ndjson", rows("a", 50) + rows("b", 50, start=90))
    for name, few in (("early", FEW), ("late", 1 << 40)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(early_spool, "SMALL_ROWS", few)
            import_sessions(before, tmp_path / name)
            import_sessions(now, tmp_path / name, if_exists=if_exists)
    assert files_of(tmp_path / "early") == files_of(tmp_path / "late")
    assert published == ["a", "b"] if if_exists == "skip" else ["a", "a", "b"]
    assert not list((tmp_path / "early" / "staging").glob("0*"))


def test_a_full_disk_is_that_of_the_store(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(early_files, "write_data_file", full)
    path = write_ndjson(tmp_path / "a.ndjson", rows("a", 200))
    with pytest.raises(DestinationError, match=f"{tmp_path / 'store'}: cannot be written .No space left"):
        import_sessions(path, tmp_path / "store")
    assert not (tmp_path / "store").exists()


RUNS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(1, 50),
        st.sampled_from([{}, {"robot": "r1"}, {"robot": None}, {"load": 3}, {"load": 2.5}, {"robot": "r2", "load": 1}]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30, deadline=None)
@given(RUNS, st.integers(0, 2))
def test_whatever_comes_the_store_is_the_same(tmp_path_factory, runs, cuts):
    tmp_path = tmp_path_factory.mktemp("runs")
    next_row = dict.fromkeys("abc", 0)
    content = []
    for session, count, attributes in runs:
        content += rows(session, count, start=len(content), first=next_row[session], **attributes)
        next_row[session] += count
    size = len(content) // (cuts + 1) + 1
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    both([write_ndjson(Path(tmp_path) / f"{at}.ndjson", part) for at, part in enumerate(parts)], tmp_path)
    shutil.rmtree(tmp_path)


def test_files_of_many_sessions_are_put_in_order_without_a_look_at_them(tmp_path, published, monkeypatch):
    monkeypatch.setattr("pipeline.sources.plain.read_parquet", None)
    content = [one for at in (2, 0, 1) for one in rows(f"s{at}", 30, start=at * 100)]
    import_sessions(write_ndjson(tmp_path / "a.ndjson", content), tmp_path / "store")
    assert published == ["s0", "s1", "s2"]


def test_no_file_is_begun_that_the_store_could_not_take(tmp_path, monkeypatch):
    path = write_ndjson(tmp_path / "a.ndjson", rows("a", 50))
    import_sessions(path, tmp_path / "store")
    monkeypatch.setattr(early_files.EarlyFiles, "begin", None)
    import_sessions(path, tmp_path / "store", if_exists="skip")
