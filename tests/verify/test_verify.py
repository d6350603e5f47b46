"""Verification: an undamaged package passes, whatever it holds; whatever is changed is found and named."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import random
import shutil
import socket
from pathlib import Path

import hostile
import pytest
import zstandard
from conftest import descriptor, names_in, only, pipeline, row, write_ndjson

from pipeline import (
    SourceError,
    UsageError,
    VerificationError,
    export_measurements,
    export_statistics,
    import_sessions,
    verify_package,
)

FORMATS = ("ndjson", "json", "csv", "parquet", "arrow")
VARIANTS = [
    *({"format": name, "compression": c} for name in ("ndjson", "json", "csv") for c in ("none", "gzip", "zstd")),
    *({"format": "parquet", "compression": c} for c in ("none", "gzip", "zstd")),
    *({"format": "arrow", "compression": c} for c in ("none", "zstd")),
    {"format": "csv", "spreadsheet": True},
]


@pytest.fixture(scope="module", params=["us", "ns"])
def hostile_store(tmp_path_factory, request):
    """Rows and names as nasty as a store takes them."""
    directory = tmp_path_factory.mktemp("store")
    path, _ = hostile.write_source(directory, request.param)
    import_sessions(path, directory / "store", timestamp_unit=request.param)
    return directory / "store"


@pytest.fixture
def source(tmp_path):
    rows = [row(session_id, i, robot=f"r{i}", value=i / 7) for session_id in ("s1", "s2") for i in range(30)]
    return write_ndjson(tmp_path / "source.ndjson", rows)


def problems(package, **options):
    return {(one.file, one.problem) for one in verify_package(package, **options).problems}


def files_blamed(package, **options):
    return {file for file, _ in problems(package, **options)}


def seal(package):
    """Make sizes, hashes and SHA256SUMS fit again, as somebody would who wants a change to stay unnoticed."""
    described = descriptor(package)
    sums = {}
    for resource in described["resources"]:
        data = (package / resource["path"]).read_bytes()
        resource["bytes"], resource["hash"] = len(data), f"sha256:{hashlib.sha256(data).hexdigest()}"
        sums[resource["path"]] = resource["hash"].removeprefix("sha256:")
    write_descriptor(package, described)
    sums["datapackage.json"] = hashlib.sha256((package / "datapackage.json").read_bytes()).hexdigest()
    (package / "SHA256SUMS").write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), encoding="utf-8")


def write_descriptor(package, value):
    (package / "datapackage.json").write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


# What is undamaged.


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(map(str, v.values())))
def test_whatever_is_exported_reads_back_as_it_was(hostile_store, tmp_path, variant, scope):
    export_measurements(
        hostile_store, tmp_path / "m", scope=scope, with_statistics=True, verify=True, sync=False, **variant
    )
    # A window that holds the last microsecond of the year 9999 has no end.
    windows = {"window": "1s", "since": "2026-01-01", "until": "2027-01-01"} if scope == "per-session" else {}
    export_statistics(hostile_store, tmp_path / "s", scope=scope, verify=True, sync=False, **windows, **variant)
    for package in (tmp_path / "m", tmp_path / "s"):
        assert descriptor(package)["pipeline:verified"] is True
        found = verify_package(package)
        assert found.problems == ()
        assert found.rows == sum(r["pipeline:rowCount"] for r in descriptor(package)["resources"])
        assert found.is_hashed


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "options",
    [
        {"rows_per_file": 7},
        {"rows_per_file": 7, "scope": "per-session"},
        {"columns": ["value", "timestamp"]},
        {"columns": ["session_id", "value"]},
        {"columns": ["sequence", "value"], "scope": "per-session"},
        {"since": "2030-01-01"},
        {"since": "2030-01-01", "scope": "per-session"},
        {"hashed": False},
        {"metrics": ["control_rtt"], "where": "sequence % 3 = 1"},
    ],
    ids=str,
)
def test_parts_selections_and_empty_tables_pass(source, tmp_path, kind, options):
    export_measurements(source, tmp_path / "out", format=kind, sync=False, **options)
    assert problems(tmp_path / "out") == set()
    assert problems(tmp_path / "out", quick=True) == set()
    assert descriptor(tmp_path / "out")["pipeline:verified"] is False


@pytest.mark.parametrize("kind", FORMATS)
def test_a_row_larger_than_a_block_passes(tmp_path, kind):
    rows = [row("s1", i, note=text) for i, text in enumerate(["a\n" * 5_000_000, "", "b" * 9_000_000])]
    export_measurements(
        write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "out", format=kind, verify=True, sync=False
    )
    assert problems(tmp_path / "out") == set()


def test_a_path_full_of_signs_is_no_pattern(source, tmp_path):
    package = tmp_path / "a[1]*?'x" / "out"
    export_measurements(source, package, format="parquet", verify=True)
    assert problems(package) == set()


def test_signatures_may_lie_beside_the_files(source, tmp_path):
    export_measurements(source, tmp_path / "out")
    for suffix in (".sig", ".asc", ".tsr"):
        (tmp_path / "out" / f"SHA256SUMS{suffix}").write_bytes(b"signature")
    assert problems(tmp_path / "out") == set()


def test_what_verifies_is_told_to_people_and_machines(source, tmp_path):
    export_measurements(source, tmp_path / "out")
    done = pipeline("verify", tmp_path / "out")
    assert (done.status, done.err) == (0, "")
    assert "is complete and undamaged" in done.out
    assert "62 rows read back" in done.out
    quick = json.loads(pipeline("verify", tmp_path / "out", "--quick", "--json").out)
    assert (quick["problems"], quick["is_quick"], quick["rows"]) == ([], True, 0)
    assert pipeline("verify", tmp_path / "out", "--quiet").out == ""


# What is damaged.


@pytest.mark.parametrize("kind", FORMATS)
def test_every_flipped_bit_and_every_truncation_is_found(source, tmp_path, kind):
    """A sample; `faults/` flips as many as are asked for."""
    export_measurements(source, tmp_path / "out", format=kind, sync=False)
    draw = random.Random(kind)  # noqa: S311 - repeatable on purpose
    for name in names_in(tmp_path / "out"):
        path = tmp_path / "out" / name
        data = path.read_bytes()
        for _ in range(40):
            place, bit = draw.randrange(len(data)), draw.randrange(8)
            path.write_bytes(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
            # A descriptor that cannot be read, or a manifest, may be blamed in another's name.
            assert problems(tmp_path / "out", quick=True), (name, place, bit)
            if name.startswith("measurements"):
                assert files_blamed(tmp_path / "out", quick=True) == {name}
        for length in {0, 1, len(data) // 2, len(data) - 1}:
            path.write_bytes(data[:length])
            assert problems(tmp_path / "out", quick=True), (name, length)
        path.write_bytes(data)
    assert problems(tmp_path / "out") == set()


def test_damage_is_named_and_ends_in_status_5(source, tmp_path):
    export_measurements(source, tmp_path / "out")
    data = only(tmp_path / "out", "measurements_*")
    data.write_bytes(data.read_bytes().replace(b"control_rtt", b"control_rty", 1))
    for options in ([], ["--quick"]):
        done = pipeline("verify", tmp_path / "out", *options)
        assert done.status == 5
        assert done.out.startswith(f"{data.name}: its SHA-256 is ")
        assert len(done.err.splitlines()) == 1
        assert data.name in done.err
    told = json.loads(pipeline("verify", tmp_path / "out", "--json").out)
    assert [one["file"] for one in told["problems"]] == [data.name]


def add_stranger(package):
    (package / "notes.txt").write_text("mine", encoding="utf-8")
    return "notes.txt"


def add_hidden(package):
    (package / ".hidden").write_text("mine", encoding="utf-8")
    return ".hidden"


def add_directory(package):
    (package / "more.sig").mkdir()
    return "more.sig"


def add_socket(package):
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(package)  # a socket's path must be short
        try:
            made.bind("x.asc")
        finally:
            os.chdir(here)
    return "x.asc"


def link_data(package):
    data = only(package, "measurements_*")
    data.rename(package.parent / "elsewhere")
    data.symlink_to(package.parent / "elsewhere")
    return data.name


def link_descriptor(package):
    (package / "datapackage.json").rename(package.parent / "elsewhere")
    (package / "datapackage.json").symlink_to(package.parent / "elsewhere")
    return "datapackage.json"


def lose(pattern):
    def change(package):
        found = only(package, pattern)
        found.unlink()
        return found.name

    change.__name__ = f"lose_{pattern}"
    return change


def swap_names(package):
    first, second = sorted(package.glob("measurements_*"))
    first.rename(package / "x")
    second.rename(first)
    (package / "x").rename(second)
    return first.name


def edit_sums(edit):
    def change(package):
        path = package / "SHA256SUMS"
        path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
        return "SHA256SUMS"

    change.__name__ = edit.__name__
    return change


def reverse_lines(text):
    return "".join(reversed(text.splitlines(keepends=True)))


def drop_line(text):
    return "".join(text.splitlines(keepends=True)[1:])


def repeat_line(text):
    return text + text.splitlines(keepends=True)[0]


def empty(_text):
    return ""


def add_line(text):
    return text + f"{'0' * 64}  zzz\n"


def carriage_returns(text):
    return text.replace("\n", "\r\n")


def no_line_feed(text):
    return text.rstrip("\n")


def capitals(text):
    lines = [line.split("  ") for line in text.splitlines()]
    return "".join(f"{digest.upper()}  {name}\n" for digest, name in lines)


def another_sum(text):
    last = text.splitlines()[-1]
    return text.replace(last, "0" * 64 + last[64:])


CHANGES = [
    add_stranger,
    add_hidden,
    add_directory,
    add_socket,
    link_data,
    link_descriptor,
    swap_names,
    *map(lose, ("datapackage.json", "SHA256SUMS", "sessions_*", "measurements_*s2*")),
    *map(
        edit_sums,
        (reverse_lines, drop_line, repeat_line, empty, add_line, carriage_returns, no_line_feed, capitals, another_sum),
    ),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_directory_or_manifest_is_found_and_named(source, tmp_path, change):
    scope = "cross-session" if change is link_data else "per-session"
    export_measurements(source, tmp_path / "out", scope=scope, sync=False)
    blamed = change(tmp_path / "out")
    assert blamed in files_blamed(tmp_path / "out", quick=True)
    assert blamed in files_blamed(tmp_path / "out")


def paths_into(value, path=()):
    """Every place in a JSON value."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths_into(inner, (*path, key))


def test_a_descriptor_changed_anywhere_is_found(source, tmp_path):
    """The manifest finds each; the descriptor's own checks then meet values of all sorts, and must not fail."""
    # One session, for the descriptions of its files are alike.
    options = {"scope": "per-session", "sessions": ["s1"], "with_statistics": True}
    export_measurements(source, tmp_path / "out", sync=False, **options)
    text = (tmp_path / "out" / "datapackage.json").read_text(encoding="utf-8")
    for path in list(paths_into(json.loads(text)))[1:]:
        for other in ("drop", None, -1, "x", [], {}, 1e300):
            value = json.loads(text)
            place = value
            for key in path[:-1]:
                place = place[key]
            if other == "drop":
                del place[path[-1]]
            elif place[path[-1]] == other:
                continue
            else:
                place[path[-1]] = other
            write_descriptor(tmp_path / "out", value)
            assert "datapackage.json" in files_blamed(tmp_path / "out", quick=True), (path, other)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"a": 1, "a": 2}', "[" * 100_000, "\ud800", '{"resources": 1}']
)
def test_a_descriptor_that_is_none_is_a_problem_of_the_package(source, tmp_path, text):
    export_measurements(source, tmp_path / "out", sync=False)
    (tmp_path / "out" / "datapackage.json").write_bytes(text.encode(errors="surrogatepass"))
    assert "datapackage.json" in files_blamed(tmp_path / "out")


# What was changed so that all sums fit.


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


# Packages without hashes.


def test_without_hashes_rows_are_counted_and_the_gap_is_told(source, tmp_path):
    export_measurements(source, tmp_path / "out", hashed=False, sync=False)
    done = pipeline("verify", tmp_path / "out")
    assert done.status == 0
    assert "without hashes" in done.err
    path = only(tmp_path / "out", "measurements_*")
    path.write_bytes(path.read_bytes().replace(b'"sequence":7', b'"sequence"\n7', 1))
    assert files_blamed(tmp_path / "out") == {path.name}
    export_measurements(source, tmp_path / "hashed", sync=False)
    (tmp_path / "hashed" / "SHA256SUMS").unlink()
    assert files_blamed(tmp_path / "hashed") == {"SHA256SUMS"}


# What is no package.


@pytest.mark.parametrize("kind", ["nothing", "file", "empty", "foreign"])
def test_what_is_no_package_is_a_source_that_cannot_be_read(tmp_path, kind):
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("x", encoding="utf-8")
    elif kind != "nothing":
        place.mkdir()
        if kind == "foreign":
            (place / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(SourceError, match="place"):
        verify_package(place)
    done = pipeline("verify", place)
    assert (done.status, len(done.err.splitlines())) == (3, 1)


# Before publishing.


def test_a_package_that_does_not_read_back_is_not_published(source, tmp_path, monkeypatch):
    """A writer that loses a row, which the figures of the source tell."""
    from pipeline.native import TextBuffer  # noqa: PLC0415

    whole = TextBuffer.ndjson
    monkeypatch.setattr(TextBuffer, "ndjson", lambda self, batch, **options: whole(self, batch.slice(1), **options))
    with pytest.raises(VerificationError, match="nothing was published"):
        export_measurements(source, tmp_path / "out" / "package", verify=True)
    assert names_in(tmp_path / "out") == []
    export_measurements(source, tmp_path / "out" / "package")
    assert problems(tmp_path / "out" / "package", quick=True) == set()
    assert problems(tmp_path / "out" / "package") != set()


def test_verifying_needs_digests_and_a_package(source, tmp_path):
    with pytest.raises(UsageError, match="--no-hash"):
        export_measurements(source, tmp_path / "out", verify=True, hashed=False)
    with pytest.raises(UsageError, match="--verify"):
        export_measurements(source, "-", verify=True)
