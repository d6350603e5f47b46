"""Verification: an undamaged package passes, whatever it holds; whatever is changed is found and named."""

from __future__ import annotations

import json
import os
import random
import socket
from pathlib import Path

import pytest
from directories import descriptor, names_in, only
from found_problems import FORMATS, files_blamed, problems, seal, write_descriptor
from program import pipeline
from samples import row, write_ndjson
from variants import label

from pipeline import SourceError, UsageError, VerificationError, export_measurements, export_statistics, verify_package

VARIANTS = [
    *({"format": name, "compression": c} for name in ("ndjson", "json", "csv") for c in ("none", "gzip", "zstd")),
    *({"format": "parquet", "compression": c} for c in ("none", "gzip", "zstd")),
    *({"format": "arrow", "compression": c} for c in ("none", "zstd")),
    {"format": "csv", "spreadsheet": True},
]


# What is undamaged.


@pytest.mark.parametrize("scope", ["per-session", "cross-session"])
@pytest.mark.parametrize("variant", VARIANTS, ids=label)
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


@pytest.mark.parametrize("kind", [*FORMATS, "influx"])
@pytest.mark.parametrize("column", ["session_id", "sequence", "timestamp", "metric", "value", "unit"])
def test_a_column_that_a_file_is_no_longer_said_to_have_is_found(tmp_path, kind, column):
    source = write_ndjson(tmp_path / "a.ndjson", [row(), row(sequence=1)])
    export_measurements(source, tmp_path / "out", format=kind, compression="none", sync=False)
    described = descriptor(tmp_path / "out")
    for resource in described["resources"]:
        if resource["name"].startswith("measurements"):
            fields = resource.get("schema", resource.get("pipeline:schema"))["fields"]
            fields[:] = [field for field in fields if field["name"] != column]
    write_descriptor(tmp_path / "out", described)
    seal(tmp_path / "out")
    assert problems(tmp_path / "out")
