"""What was changed in a package is found even where sizes and sums were made to fit."""

from __future__ import annotations

import csv
import gzip
import shutil

import pytest
import zstandard
from directories import descriptor, only
from found_problems import files_blamed, problems, seal, write_descriptor

from pipeline import export_measurements


def change_value(data):
    return data.replace(b"4.142857142857143", b"4.142857142857142", 1)


def change_text(data):
    return b"control_rty".join(data.rsplit(b"control_rtt", 1))


def change_session(data):
    return data.replace(b"s2", b"s3")


def change_null(data):
    return data.replace(b'"unit":"ms"', b'"unit":null', 1) if b'"unit"' in data else data.replace(b",ms,", b",,", 1)


def _rows(data):
    """Start and end of the lines that are rows."""
    lines = data.splitlines(keepends=True)
    kept = [i for i, line in enumerate(lines) if b"control_rtt" in line]
    return lines, kept


def drop_row(data):
    lines, kept = _rows(data)
    del lines[kept[3]]
    return b"".join(lines)


def drop_first_row(data):
    lines, kept = _rows(data)
    del lines[kept[0]]
    return b"".join(lines)


def repeat_row(data):
    lines, kept = _rows(data)
    lines.insert(kept[3], lines[kept[3]])
    return b"".join(lines)


def reorder_rows(data):
    lines, kept = _rows(data)
    lines[kept[3]], lines[kept[4]] = lines[kept[4]], lines[kept[3]]
    return b"".join(lines)


def cut_end(data):
    return data[:-4]


def add_end(data):
    return data + b"x"


EDITS = [
    change_value,
    change_text,
    change_session,
    change_null,
    drop_row,
    drop_first_row,
    repeat_row,
    reorder_rows,
    cut_end,
    add_end,
]


@pytest.mark.parametrize("kind", ["ndjson", "json", "csv"])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_changed_rows_are_found_though_all_sums_fit(source, tmp_path, kind, compression, edit):
    export_measurements(source, tmp_path / "out", format=kind, compression=compression, sync=False)
    path = only(tmp_path / "out", "measurements_*")
    unpack = {"none": bytes, "gzip": gzip.decompress}.get(
        compression, lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)
    )
    pack = {"none": bytes, "gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}[compression]
    data = unpack(path.read_bytes())
    changed = edit(data)
    assert changed != data
    path.write_bytes(pack(changed))
    seal(tmp_path / "out")
    assert problems(tmp_path / "out", quick=True) == set()
    assert files_blamed(tmp_path / "out") == {path.name}


@pytest.mark.parametrize(("table", "column"), [("statistics", 4), ("sessions", 7)])
def test_changed_figures_and_records_are_found_though_all_sums_fit(source, tmp_path, table, column):
    export_measurements(source, tmp_path / "out", with_statistics=True, sync=False)
    path = only(tmp_path / "out", f"{table}_*")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    with path.open(newline="", encoding="utf-8") as file:
        cells = list(csv.reader(file))[1]
    assert cells[column] in {"30", "0"}
    lines[1] = lines[1].replace(f",{cells[column]},", ",31,", 1)
    path.write_text("".join(lines), encoding="utf-8")
    seal(tmp_path / "out")
    assert problems(tmp_path / "out", quick=True) == set()
    assert files_blamed(tmp_path / "out") == {path.name}


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize("what", ["value", "fewer", "cut", "column"])
def test_changed_binary_rows_are_found_though_all_sums_fit(source, tmp_path, kind, what):
    export_measurements(source, tmp_path / "out", format=kind, sync=False)
    path = only(tmp_path / "out", "measurements_*")
    if what == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    else:
        options = {
            "value": {"where": "sequence <> 5"},
            "fewer": {"sessions": ["s1"]},
            "column": {"exclude": ["robot"]},
        }[what]
        other = source
        if what == "value":
            text = source.read_text(encoding="utf-8").replace("4.142857142857143", "4.142857142857142", 1)
            other = source.with_name("other.ndjson")
            other.write_text(text, encoding="utf-8")
            options = {}
        export_measurements(other, tmp_path / "other", format=kind, sync=False, **options)
        shutil.copy(only(tmp_path / "other", "measurements_*"), path)
    seal(tmp_path / "out")
    assert problems(tmp_path / "out", quick=True) == set()
    assert files_blamed(tmp_path / "out") == {path.name}


def test_a_descriptor_that_tells_of_other_rows_is_found_though_all_sums_fit(source, tmp_path):
    export_measurements(source, tmp_path / "out", sync=False)
    told = descriptor(tmp_path / "out")
    session = told["resources"][0]["pipeline:sessions"][1]
    for key, other in (("firstSequence", 1), ("lastSequence", 30), ("contentDigest", "rows1:" + "0" * 32)):
        right = session[key]
        session[key] = other
        write_descriptor(tmp_path / "out", told)
        seal(tmp_path / "out")
        assert problems(tmp_path / "out", quick=True) == set()
        ((file, problem),) = problems(tmp_path / "out")
        assert file == told["resources"][0]["path"]
        assert "session 's2'" in problem
        session[key] = right
