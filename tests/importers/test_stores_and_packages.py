"""Stores and packages come into a store with all that is recorded of their sessions, or are refused."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from directories import contents, descriptor, measurement_files, names_in, only
from project import ROOT
from samples import row, rows_of, write_ndjson
from store_records import edit_record

from pipeline import (
    SourceError,
    UsageError,
    export_measurements,
    export_statistics,
    export_table,
    import_sessions,
    list_sessions,
    verify_package,
    verify_store,
)

V1 = ROOT / "data" / "fixtures" / "v1"
HARNESS = ROOT / "data" / "fixtures" / "harness"
FORMATS = [
    ("ndjson", "none"),
    ("ndjson", "zstd"),
    ("csv", "none"),
    ("csv", "gzip"),
    ("json", "none"),
    ("json", "gzip"),
    ("json", "zstd"),
    ("parquet", "zstd"),
    ("arrow", "none"),
]


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Stores of each kind of session: odd values and ids, nanoseconds, of a harness, without rows, in packs."""
    at = tmp_path_factory.mktemp("stores")
    import_sessions(V1 / "plain" / "rows.ndjson", at / "odd")
    import_sessions(V1 / "plain" / "nanoseconds.ndjson", at / "ns", timestamp_unit="ns")
    import_sessions(HARNESS / "hyperfine" / "two-commands.json", at / "harness")
    rows = [row("full", at, timestamp=f"2026-11-24T16:00:00.{at:06}Z", text=f"{at}", flag=None) for at in range(5)]
    record = {"session_id": "bare", "started_at": "2026-11-24T15:00:00Z", "configuration": {"a": [1, None, {"b": ""}]}}
    (at / "few.session.json").write_text(json.dumps([record, {"session_id": "full"}]), encoding="utf-8")
    import_sessions(write_ndjson(at / "few.ndjson", rows), at / "few")
    rows = [
        row(f"s{one:03}", two, timestamp=f"2026-11-24T16:{one:02}:00.{two:06}Z")
        for one in range(60)
        for two in range(2)
    ]
    rows += [row(f"t{one:03}", 0, timestamp=f"2026-11-24T17:{one:02}:00Z") for one in range(10)]
    import_sessions(write_ndjson(at / "packed.ndjson", rows), at / "packed")
    return at


KINDS = ["odd", "ns", "harness", "few", "packed"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("format_name", "compression"), FORMATS)
def test_a_store_comes_back_from_its_package(stores, tmp_path, kind, format_name, compression):
    parts = {"rows_per_file": 7} if format_name == "csv" else {}
    scope = "per-session" if format_name in {"json", "arrow"} else "cross-session"
    export_measurements(
        stores / kind,
        tmp_path / "package",
        format=format_name,
        compression=compression,
        scope=scope,
        sync=False,
        **parts,
    )
    result = import_sessions(tmp_path / "package", tmp_path / "back")
    assert not result.warnings
    assert list_sessions(tmp_path / "back") == list_sessions(stores / kind)
    assert verify_store(tmp_path / "back").problems == ()
    # What is exported of it is the same source.
    again = export_measurements(tmp_path / "back", tmp_path / "again", format="ndjson", sync=False)
    first = export_measurements(stores / kind, tmp_path / "first", format="ndjson", sync=False)
    assert again.rows == first.rows
    assert fingerprint(tmp_path / "again") == fingerprint(tmp_path / "first")


def fingerprint(package):
    return descriptor(package)["pipeline:source"]["fingerprint"]


def test_a_package_with_records_beside_the_table_verifies(stores, tmp_path):
    export_measurements(stores / "harness", tmp_path / "package", format="csv", sync=False)
    (sessions,) = (one for one in descriptor(tmp_path / "package")["resources"] if one["name"] == "sessions")
    (told,) = list_sessions(stores / "harness")
    assert sessions["pipeline:records"] == {told["session_id"]: {key: told[key] for key in ("metric_facts", "origin")}}
    assert verify_package(tmp_path / "package").problems == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_comes_into_another(stores, tmp_path, kind):
    import_sessions(stores / kind, tmp_path / "back")
    assert list_sessions(tmp_path / "back") == list_sessions(stores / kind)
    assert rows_of(tmp_path / "back") == rows_of(stores / kind) or kind in {"odd", "ns"}  # a NaN equals none
    assert verify_store(tmp_path / "back").problems == ()


def test_stores_and_packages_are_merged_and_equal_sessions_count_once(stores, tmp_path):
    export_measurements(stores / "odd", tmp_path / "package", sync=False)
    given = [stores / "odd", tmp_path / "package", stores / "harness", stores / "few.ndjson"]
    result = import_sessions(given, tmp_path / "all")
    assert sorted(result.imported) == sorted(one["session_id"] for one in list_sessions(tmp_path / "all"))
    assert len(result.imported) == 6
    together = list_sessions([stores / "odd", stores / "harness", stores / "few"])
    assert list_sessions(tmp_path / "all") == together
    assert import_sessions(given, tmp_path / "all", if_exists="skip").rows == 0
    with pytest.raises(SourceError, match=r"has session .* already"):
        import_sessions(given, tmp_path / "all")


def test_different_sessions_of_one_id_are_refused(stores, tmp_path):
    import_sessions(write_ndjson(tmp_path / "x.ndjson", [row("full", 0)]), tmp_path / "other")
    export_measurements(tmp_path / "other", tmp_path / "package", sync=False)
    for given, who in (
        ([stores / "few", tmp_path / "other"], r"few and .*other"),
        ([stores / "few", tmp_path / "package"], r"few and .*package"),
    ):
        with pytest.raises(SourceError, match=rf"{who}: hold different sessions 'full'"):
            import_sessions(given, tmp_path / "all")
    assert not (tmp_path / "all").exists()


@pytest.mark.parametrize("source", ["store", "package"])
def test_units_are_converted_and_what_is_lost_is_counted(stores, tmp_path, source):
    coarse, fine = stores / "odd", stores / "ns"
    if source == "package":
        export_measurements(coarse, tmp_path / "coarse", format="arrow", sync=False)
        export_measurements(fine, tmp_path / "fine", sync=False)
        coarse, fine = tmp_path / "coarse", tmp_path / "fine"
    result = import_sessions([coarse, fine], tmp_path / "both")
    assert result.dropped_digits == 0
    assert json.loads((tmp_path / "both" / "store.json").read_text())["timestamp_unit"] == "ns"
    assert list_sessions(tmp_path / "both") == list_sessions([stores / "odd", stores / "ns"])
    result = import_sessions(fine, tmp_path / "us", timestamp_unit="us")
    import_sessions(V1 / "plain" / "nanoseconds.ndjson", tmp_path / "direct")
    assert list_sessions(tmp_path / "us") == list_sessions(tmp_path / "direct")
    assert result.dropped_digits == list_sessions(tmp_path / "us")[0]["dropped_digit_count"] > 0
    # Those that were dropped before are not told of again.
    assert import_sessions(tmp_path / "us", tmp_path / "again").dropped_digits == 0


@pytest.mark.parametrize("name", names_in(V1 / "packages"))
def test_old_packages_are_imported_or_refused(tmp_path, stores, name):
    of = descriptor(V1 / "packages" / name)
    made = of["pipeline:options"]
    is_whole = "measurements" in made["tables"] and not made["spreadsheet"] and made["format"] != "influx"
    if not is_whole or name == "columns":
        with pytest.raises(SourceError, match=r"statistics|spreadsheet|line protocol|column 'timestamp'"):
            import_sessions(V1 / "packages" / name, tmp_path / "store")
        assert not (tmp_path / "store").exists()
        return
    result = import_sessions(V1 / "packages" / name, tmp_path / "store")
    if name == "empty":
        assert result.imported == ()
        return
    found = list_sessions(tmp_path / "store")
    whole = list_sessions(stores / ("ns" if of["pipeline:timestampUnit"] == "ns" else "odd"))
    if name == "selection":
        assert ["configuration.target.secret, attributes.site" in result.warnings[0], len(result.warnings)] == [True, 2]
        assert found[0]["configuration"]["target"]["secret"] == "[redacted]"  # noqa: S105 - what stands there
        assert [one["started_at"] for one in found] == [one["started_at"] for one in whole[: len(found)]]
        assert sum(one["measurement_count"] for one in found) == of["resources"][0]["pipeline:rowCount"]
    else:
        assert found == whole


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (export_statistics, "is a package of statistics, and holds no measurements"),
        (partial(export_measurements, format="xlsx"), "is a workbook, which does not hold all"),
        (partial(export_measurements, format="csv", spreadsheet=True, locale="de"), "variant for spreadsheet programs"),
        (
            lambda _, to, **options: export_table(pa.table({"a": [1], "b": ["x"]}), to, **options),
            "is a package of table",
        ),
    ],
)
def test_a_package_of_anything_else_is_refused(stores, tmp_path, make, says):
    make(stores / "few", tmp_path / "package", sync=False)
    with pytest.raises(SourceError, match=says):
        import_sessions(tmp_path / "package", tmp_path / "store")
    assert not (tmp_path / "store").exists()


def changed_rows(package):
    """Change a value, and all sums that tell of it: the digest of the rows alone knows."""
    path = only(package, "measurements_*")
    data = path.read_bytes()
    at = data.index(b'"value":') + 8
    data = data[:at] + (b"9" if data[at : at + 1] != b"9" else b"8") + data[at + 1 :]
    return path, data


@pytest.mark.parametrize(
    "damage",
    ["a byte", "a byte and its hash", "a byte and its hash, of a selection", "the table of sessions", "a missing file"],
)
def test_a_damaged_package_is_refused(tmp_path, damage):
    import_sessions(write_ndjson(tmp_path / "x.ndjson", [row("s1", at) for at in range(3)]), tmp_path / "store")
    package = tmp_path / "package"
    # Of a selection the records have the digests of other rows: those of the descriptor alone tell.
    where = "sequence >= 0" if damage == "a byte and its hash, of a selection" else None
    export_measurements(tmp_path / "store", package, where=where, sync=False)
    says = "SHA-256"
    if damage == "a missing file":
        only(package, "measurements_*").unlink()
        says = "is missing"
    elif damage == "the table of sessions":
        path = only(package, "sessions_*")
        path.write_bytes(path.read_bytes().replace(b"s1", b"s2"))
    else:
        path, data = changed_rows(package)
        before = hashlib.sha256(path.read_bytes()).hexdigest()
        path.write_bytes(data)
        if damage.startswith("a byte and its hash"):
            says = "digest"
            for name in ("datapackage.json", "SHA256SUMS"):
                sum_before = hashlib.sha256((package / "datapackage.json").read_bytes()).hexdigest()
                text = (package / name).read_text(encoding="utf-8").replace(before, hashlib.sha256(data).hexdigest())
                (package / name).write_text(text, encoding="utf-8")
                sums = package / "SHA256SUMS"
                after = hashlib.sha256((package / "datapackage.json").read_bytes()).hexdigest()
                sums.write_text(sums.read_text(encoding="utf-8").replace(sum_before, after), encoding="utf-8")
    with pytest.raises(SourceError, match=says):
        import_sessions(package, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_store_whose_digest_is_another_is_refused(tmp_path):
    import_sessions(write_ndjson(tmp_path / "x.ndjson", [row("s1", 0)]), tmp_path / "store")
    (path,) = measurement_files(tmp_path / "store")
    edit_record(path.parent / "session.json", content_digest="rows1:" + "0" * 32)
    with pytest.raises(
        SourceError, match=r"/store: session 's1': its record says that the digest of its rows is rows1:000"
    ):
        import_sessions(tmp_path / "store", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_options_that_say_what_records_say_are_refused(stores, tmp_path):
    for given in ({"session_id": "x"}, {"importer": "k6"}, {"mapping": ["value=a:ms"]}, {"header": "a,b"}):
        with pytest.raises(UsageError, match="is a store, whose records say"):
            import_sessions(stores / "odd", tmp_path / "store", **given)
    before = contents(stores / "odd")
    with pytest.raises(UsageError, match="cannot be imported into itself"):
        import_sessions(stores / "odd", stores / "odd", if_exists="replace")
    assert contents(stores / "odd") == before


@pytest.mark.parametrize("format_name", ["parquet", "arrow"])
def test_a_file_out_of_a_package_brings_its_records(stores, tmp_path, format_name):
    for kind in ("harness", "odd", "few"):
        export_measurements(stores / kind, tmp_path / kind, format=format_name, scope="per-session", sync=False)
        files = [shutil.copy(path, tmp_path) for path in (tmp_path / kind).glob("measurements_*")]
        import_sessions(files, tmp_path / f"{kind}-back")
        assert list_sessions(tmp_path / f"{kind}-back") == list_sessions(stores / kind)


def test_a_part_out_of_a_package_brings_the_records_of_its_rows(stores, tmp_path):
    export_measurements(stores / "packed", tmp_path / "p", format="parquet", rows_per_file=50, sync=False)
    part = min((tmp_path / "p").glob("*part-0001*"))
    import_sessions(shutil.copy(part, tmp_path), tmp_path / "back")
    assert list_sessions(tmp_path / "back") == list_sessions(stores / "packed")[:25]


@pytest.mark.parametrize("kind", ["harness", "odd", "ns", "packed"])
def test_a_file_in_a_store_brings_its_records(stores, tmp_path, kind):
    unit = "ns" if kind == "ns" else None
    import_sessions(measurement_files(stores / kind), tmp_path / "back", timestamp_unit=unit)
    assert list_sessions(tmp_path / "back") == list_sessions(stores / kind)


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_file_of_text_out_of_a_package_tells_what_is_lost(stores, tmp_path, compression):
    export_measurements(stores / "few", tmp_path / "p", format="csv", compression=compression, sync=False)
    path = Path(shutil.copy(only(tmp_path / "p", "measurements_*"), tmp_path))
    (warning,) = import_sessions(path, tmp_path / "back").warnings
    assert "without the records of its sessions" in warning
    data = path.read_bytes() if compression == "none" else gzip.decompress(path.read_bytes())
    (tmp_path / "mine.csv").write_bytes(data)
    assert import_sessions(tmp_path / "mine.csv", tmp_path / "mine").warnings == ()
