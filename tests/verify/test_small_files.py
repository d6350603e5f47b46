"""Small files of a package, which are read back together: what is found of each is what is found of it by itself."""

from __future__ import annotations

import gzip
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from directories import descriptor
from found_problems import seal
from samples import row, write_ndjson

from pipeline import export_measurements, import_sessions, verify_package
from pipeline.runtime.duckdb import connect_engine

SESSIONS = 12
ROWS = 20
VARIANTS = [
    ("ndjson", "none"),
    ("ndjson", "gzip"),
    ("ndjson", "zstd"),
    ("json", "none"),
    ("csv", "none"),
    ("csv", "gzip"),
    ("parquet", "zstd"),
    ("arrow", "none"),
    ("influx", "none"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    directory = tmp_path_factory.mktemp("small")
    rows = [row(f"s{s:02}", i, robot=f"r{s % 3}", value=s + i / 7) for s in range(SESSIONS) for i in range(ROWS)]
    rows += [row("last", i, value=None, robot=None) for i in range(3)]
    import_sessions(write_ndjson(directory / "source.ndjson", rows), directory / "store")
    return directory / "store"


@pytest.fixture(params=VARIANTS, ids="-".join)
def package(store, tmp_path, request):
    name, compression = request.param
    export_measurements(
        store, tmp_path / "package", scope="per-session", format=name, compression=compression, sync=False
    )
    return tmp_path / "package"


def one_by_one(package):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.verify.content.is_small", lambda _: False)
        return verify_package(package)


def files_of(package):
    return [package / one["path"] for one in descriptor(package)["resources"] if one["pipeline:table"] != "sessions"]


def changed(path, change):
    """Change the text of a file, or its rows where it is no text; and write it again, as others may."""
    packed = path.read_bytes()
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(change(gzip.decompress(packed))))
    elif path.suffix == ".zst":
        text = zstandard.ZstdDecompressor().stream_reader(packed).read()
        path.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(change(text)))
    else:
        path.write_bytes(change(packed))


def drop_last_line(text):
    lines = text.splitlines(keepends=True)
    del lines[-3 if text.endswith(b"]}\n") else -1]
    return b"".join(lines)


def other_table(path, change):
    table = change(pq.read_table(path) if path.suffix == ".parquet" else pa.ipc.open_file(path).read_all())
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)


def test_what_is_sound_is_read_to_the_last_row(package):
    found = verify_package(package)
    assert found.problems == ()
    assert found.rows == one_by_one(package).rows == SESSIONS * ROWS + 3 + SESSIONS + 1


def test_the_rows_of_one_file_are_not_taken_for_those_of_another(package):
    files = files_of(package)
    first, other = files[2].read_bytes(), files[7].read_bytes()
    files[2].write_bytes(other)
    files[7].write_bytes(first)
    seal(package)
    found = verify_package(package).problems
    assert {one.file for one in found} == {files[2].name, files[7].name}
    assert found == one_by_one(package).problems


@pytest.mark.parametrize("at", [0, 5, SESSIONS])
def test_a_file_among_others_is_found_that_lacks_its_last_row(package, at):
    path = files_of(package)[at]
    if path.suffix in {".parquet", ".arrow"}:
        other_table(path, lambda table: table.slice(0, table.num_rows - 1))
    else:
        changed(path, drop_last_line)
    seal(package)
    found = verify_package(package).problems
    assert {one.file for one in found} == {path.name}
    assert found == one_by_one(package).problems


def test_a_file_among_others_is_found_that_cannot_be_read(package):
    files = files_of(package)
    for path in files[3], files[4]:
        path.write_bytes(path.read_bytes()[:-5] + b"\xff{\x00")
    seal(package)
    found = verify_package(package).problems
    assert {one.file for one in found} == {files[3].name, files[4].name}
    assert found == one_by_one(package).problems


def test_a_file_among_others_is_found_that_holds_other_types(store, tmp_path):
    export_measurements(store, tmp_path / "package", scope="per-session", format="parquet")
    path = files_of(tmp_path / "package")[4]
    other_table(path, lambda table: table.set_column(1, "sequence", table["sequence"].cast(pa.string())))
    seal(tmp_path / "package")
    assert verify_package(tmp_path / "package").problems == one_by_one(tmp_path / "package").problems


def test_files_that_are_damaged_are_found_by_their_hash_and_the_others_read(package):
    path = files_of(package)[1]
    path.write_bytes(path.read_bytes().replace(b"control", b"cOntrol"))
    if path.suffix in {".gz", ".zst", ".parquet"}:
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    found = verify_package(package)
    assert [one.file for one in found.problems] == [path.name]
    assert found.rows == SESSIONS * ROWS + 3 + SESSIONS + 1 - ROWS


def test_many_files_take_one_engine(store, tmp_path, monkeypatch):
    opened = []

    def count(**options):
        opened.append(options)
        return connect_engine(**options)

    for room in ("readback", "together"):
        monkeypatch.setattr(f"pipeline.verify.{room}.connect_engine", count)
    for name in ("ndjson", "parquet"):
        export_measurements(store, tmp_path / name, scope="per-session", format=name, sync=False)
        opened.clear()
        assert verify_package(tmp_path / name).problems == ()
        assert len(opened) == 1


def test_a_small_file_that_decompresses_to_a_large_one_is_read_by_itself(tmp_path):
    rows = [row("large", i, note="x" * 20_000) for i in range(300)] + [row("small", i, note="y") for i in range(3)]
    export_measurements(
        write_ndjson(tmp_path / "source.ndjson", rows), tmp_path / "package", scope="per-session", compression="gzip"
    )
    assert max(path.stat().st_size for path in files_of(tmp_path / "package")) < 1 << 18
    found = verify_package(tmp_path / "package")
    assert (found.problems, found.rows) == ((), 305)
    shutil.copy(*files_of(tmp_path / "package"))
    seal(tmp_path / "package")
    assert verify_package(tmp_path / "package").problems == one_by_one(tmp_path / "package").problems != ()
