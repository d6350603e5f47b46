"""One set of hostile measurements through every format, read back by readers of others, value by value."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import zlib

import hostile
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from directories import OWN_FILES, contents, descriptor, only
from readers import READERS, decompress, strict_json, without_empty_texts

import pipeline
from pipeline.errors import UsageError
from pipeline.writers.compression import compressing

TEXT = ("none", "gzip", "zstd")
COMPRESSIONS = {
    "ndjson": TEXT,
    "json": TEXT,
    "csv": TEXT,
    "parquet": ("zstd", "none", "gzip"),
    "arrow": ("none", "zstd"),
}
VARIANTS = [(name, compression) for name, some in COMPRESSIONS.items() for compression in some]
ENDINGS = {"none": "", "gzip": ".gz", "zstd": ".zst"}
SCOPES = ("cross-session", "per-session")


@pytest.fixture(scope="module")
def source(tmp_path_factory, unit):
    """The hostile rows as one Parquet file with session records beside it; path and rows."""
    return hostile.write_source(tmp_path_factory.mktemp("source"), unit)


@pytest.fixture(scope="module")
def us_source(tmp_path_factory):
    """The same for tests that need no second unit."""
    return hostile.write_source(tmp_path_factory.mktemp("source"))


def ending(name, compression):
    return f".{name}{ENDINGS[compression] if name in {'ndjson', 'json', 'csv'} else ''}"


def measurement_resources(directory):
    return [r for r in descriptor(directory)["resources"] if r["pipeline:table"] == "measurements"]


def read_all(directory, name, engine, unit):
    """Rows of all files of measurements, in the order of the descriptor."""
    rows = []
    for resource in measurement_resources(directory):
        data = decompress(directory / resource["path"])
        rows += READERS[name][engine](data, hostile.columns(unit))
    return rows


def table_bytes(directory):
    """Bytes of every file but the descriptor and the sums, which name it."""
    return {name: data for name, data in contents(directory).items() if name not in OWN_FILES}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("name", "compression"), VARIANTS)
def test_every_value_survives(source, tmp_path, unit, name, compression, scope):
    path, rows = source
    report = pipeline.export_measurements(
        path, tmp_path / "out", scope=scope, format=name, compression=compression, sync=False
    )
    files = measurement_resources(tmp_path / "out")
    assert len(files) == (len(hostile.SESSION_IDS) if scope == "per-session" else 1)
    assert all(file["path"].endswith(ending(name, compression)) for file in files)
    assert sum(file.rows for file in report.files if file.name.startswith("measurements")) == len(rows)
    expected = hostile.as_read(unit, rows)
    for engine in READERS[name]:
        wanted = without_empty_texts(expected) if (name, engine) == ("csv", "python") else expected
        assert read_all(tmp_path / "out", name, engine, unit) == wanted, engine


@pytest.mark.parametrize("compression", ["none", "zstd", "gzip"])
def test_binary_formats_keep_the_schema_and_the_compression(source, tmp_path, unit, compression):
    path, _ = source
    pipeline.export_measurements(path, tmp_path / "p", format="parquet", compression=compression, sync=False)
    file = pq.ParquetFile(only(tmp_path / "p", "measurements_*"))
    expected = hostile.make_table(unit, []).schema
    assert [(field.name, field.type) for field in file.schema_arrow] == [(f.name, f.type) for f in expected]
    codecs = {file.metadata.row_group(0).column(at).compression for at in range(len(expected))}
    assert codecs == {"UNCOMPRESSED" if compression == "none" else compression.upper()}
    if compression == "gzip":
        with pytest.raises(UsageError, match="arrow can have none, zstd"):
            pipeline.export_measurements(path, tmp_path / "a", format="arrow", compression="gzip")
        return
    pipeline.export_measurements(path, tmp_path / "a", format="arrow", compression=compression, sync=False)
    schema = pa.ipc.open_file(only(tmp_path / "a", "measurements_*")).schema
    assert [(field.name, field.type) for field in schema] == [(f.name, f.type) for f in expected]


def embedded_metadata(path, name):
    if name == "json":
        return strict_json(decompress(path).decode())["metadata"]
    schema = pq.read_schema(path) if name == "parquet" else pa.ipc.open_file(path).schema
    return strict_json(schema.metadata[b"pipeline:metadata"])


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("name", ["json", "parquet", "arrow"])
def test_files_say_what_they_hold(source, tmp_path, unit, name, scope):
    path, rows = source
    pipeline.export_measurements(path, tmp_path / "out", format=name, scope=scope, sync=False)
    listed = pipeline.list_sessions(path)
    assert [session["session_id"] for session in listed] == list(hostile.SESSION_IDS)
    described = []
    for resource in measurement_resources(tmp_path / "out"):
        metadata = embedded_metadata(tmp_path / "out" / resource["path"], name)
        assert metadata["table"] == "measurements"
        assert metadata["scope"] == scope
        assert metadata["timestamp_unit"] == unit
        described += metadata["sessions"]
    assert described == listed
    for at, session in enumerate(described):
        assert session["configuration"] == hostile.CONFIGURATION | {"number": at}
        assert session["harness"] == {"name": "teleop", "version": "1.2"}
        own = [row for row in rows if row[0] == session["session_id"]]
        assert session["measurement_count"] == len(own)
        # Without a start in its record a session starts at its first row.
        assert session["started_at"] == time_text(own[0][2], unit)
        assert session["first_timestamp"] == time_text(min(row[2] for row in own), unit)
        assert session["last_timestamp"] == time_text(max(row[2] for row in own), unit)
        assert session["ended_at"] == session["last_timestamp"]


def time_text(ticks, unit):
    """RFC 3339 as Arrow writes a time, with the T and the Z of the contract."""
    text = str(pa.scalar(ticks, pa.int64()).cast(pa.timestamp(unit)).cast(pa.string()))
    return text.replace(" ", "T") + "Z"


@pytest.mark.parametrize("name", ["ndjson", "json", "csv"])
def test_zstd_frames_carry_a_checksum_of_the_content(us_source, tmp_path, name):
    path, _ = us_source
    pipeline.export_measurements(path, tmp_path / "out", format=name, compression="zstd", sync=False)
    data = only(tmp_path / "out", "measurements_*").read_bytes()
    assert zstandard.get_frame_parameters(data).has_checksum
    broken = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(zstandard.ZstdError):
        zstandard.ZstdDecompressor().decompressobj().decompress(broken)


@pytest.mark.parametrize("name", ["ndjson", "json", "csv"])
def test_gzip_is_one_member_that_names_no_time_and_no_file(us_source, tmp_path, name):
    path, _ = us_source
    pipeline.export_measurements(path, tmp_path / "out", format=name, compression="gzip", sync=False)
    data = only(tmp_path / "out", "measurements_*").read_bytes()
    flags, modified = data[3], data[4:8]
    assert data[:3] == b"\x1f\x8b\x08"
    assert flags == 0
    assert modified == bytes(4)
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert member.decompress(data)
    assert member.eof
    assert not member.unused_data


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_parquet_pages_notice_a_flipped_byte(tmp_path, compression):
    path, _ = hostile.write_source(tmp_path / "source", rows=hostile.make_rows("us", per_session=300))
    pipeline.export_measurements(path, tmp_path / "out", format="parquet", compression=compression, sync=False)
    data = only(tmp_path / "out", "measurements_*").read_bytes()
    group = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0)
    for at in range(group.num_columns):
        column = group.column(at)
        start = column.dictionary_page_offset or column.data_page_offset
        # The last byte of a chunk belongs to a page's content, never to its header.
        place = start + column.total_compressed_size - 1
        broken = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(OSError, match="CRC checksum"):
            pq.read_table(io.BytesIO(broken), page_checksum_verification=True)


@pytest.mark.parametrize(("name", "compression"), VARIANTS)
def test_two_runs_give_the_same_bytes(us_source, tmp_path, monkeypatch, name, compression):
    path, _ = us_source
    scope = SCOPES[VARIANTS.index((name, compression)) % 2]
    for at, (run, epoch) in enumerate((("a", None), ("b", None), ("c", "1700000000"), ("d", "1700000000"))):
        if epoch is not None:
            monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        pipeline.export_measurements(
            path,
            tmp_path / run,
            format=name,
            compression=compression,
            scope=scope,
            with_statistics=True,
            threads=1 + at % 2,
            sync=False,
        )
    assert table_bytes(tmp_path / "a") == table_bytes(tmp_path / "b") == table_bytes(tmp_path / "c")
    first, second = descriptor(tmp_path / "a"), descriptor(tmp_path / "b")
    assert first | {"created": None} == second | {"created": None}
    for file in ("datapackage.json", "SHA256SUMS"):
        assert (tmp_path / "c" / file).read_bytes() == (tmp_path / "d" / file).read_bytes()
    assert descriptor(tmp_path / "c")["created"] == "2023-11-14T22:13:20Z"


@pytest.fixture
def small_groups(monkeypatch):
    """Cut Parquet and Arrow files into groups that a few hundred rows fill."""
    monkeypatch.setattr("pipeline.writers.arrow.BATCH_ROWS", 512)
    monkeypatch.setattr("pipeline.writers.parquet.ROW_GROUP_ROWS", 512)


@pytest.fixture(scope="module")
def large_rows():
    """Rows whose text fills several blocks of the compressors."""
    return hostile.make_rows("us", per_session=150, session_ids=hostile.SESSION_IDS[:7], padding="p" * 400)


@pytest.fixture(scope="module")
def large_source(tmp_path_factory, large_rows):
    return hostile.write_source(tmp_path_factory.mktemp("large"), rows=large_rows)[0]


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize(("name", "compression"), VARIANTS)
def test_bytes_do_not_depend_on_the_batch_size(large_source, tmp_path, name, compression):
    options = {"format": name, "compression": compression, "sync": False}
    for scope, sizes in (("cross-session", (1, 7, 1000)), ("per-session", (7,))):
        pipeline.export_measurements(large_source, tmp_path / scope, scope=scope, batch_size=16_384, **options)
        expected = table_bytes(tmp_path / scope)
        assert len(expected) == (2 if scope == "cross-session" else 8)
        for size in sizes:
            to = tmp_path / f"{scope}-{size}"
            pipeline.export_measurements(large_source, to, scope=scope, batch_size=size, **options)
            found = table_bytes(to)
            assert found.keys() == expected.keys()
            wrong = [file for file, data in found.items() if data != expected[file]]
            assert not wrong, f"{scope}, batches of {size} rows"


@pytest.fixture(scope="module")
def long_source(tmp_path_factory):
    """Rows whose text fills several blocks of the compressors, and does not compress to nothing."""
    chance = random.Random(7)  # noqa: S311 - no secret
    rows = [
        (f"s{at % 2}", at, hostile.START + at, "m", 1.5, "ms", chance.randbytes(2500).hex() + "é😀")
        for at in sorted(range(800), key=lambda at: at % 2)
    ]
    path = tmp_path_factory.mktemp("long") / "run.parquet"
    pq.write_table(hostile.make_table("us", rows, hostile.columns("us", {"note": "string"})), path)
    return path


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("name", ["ndjson", "json", "csv"])
def test_compressed_bytes_depend_on_neither_batches_nor_threads(long_source, tmp_path, name, compression):
    pipeline.export_measurements(long_source, tmp_path / "plain", format=name, sync=False)
    plain = only(tmp_path / "plain", "measurements_*").read_bytes()
    assert len(plain) > 4_000_000
    found = set()
    for threads, size in ((1, 16_384), (1, 11), (2, 16_384), (3, 100)):
        to = tmp_path / f"{threads}-{size}"
        pipeline.export_measurements(
            long_source,
            to,
            format=name,
            compression=compression,
            threads=threads,
            batch_size=size,
            sync=False,
        )
        file = only(to, "measurements_*")
        assert decompress(file) == plain
        found.add(file.read_bytes())
    assert len(found) == 1
    assert len(found.pop()) < 0.8 * len(plain)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("size", [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 2**21, 2**21 + 2**19])
def test_compressors_keep_bytes_of_any_size(tmp_path, compression, size):
    data = random.Random(size).randbytes(1000) * (size // 1000 + 1)  # noqa: S311 - no secret
    data = data[:size]
    path = tmp_path / f"data{ENDINGS[compression]}"
    found = set()
    for step in (size or 1, 65_537, 300_000):
        with path.open("wb") as file, compressing(file, compression, threads=2) as compressor:
            for start in range(0, size, step):
                compressor.write(memoryview(data)[start : start + step])
        assert decompress(path) == data
        found.add(path.read_bytes())
    assert len(found) == 1


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_flipped_bit_of_a_compressed_file_is_noticed(us_source, tmp_path, compression):
    path, _ = us_source
    pipeline.export_measurements(path, tmp_path / "out", compression=compression, sync=False)
    file = only(tmp_path / "out", "measurements_*")
    data = file.read_bytes()
    plain = decompress(file)
    for place in range(12, len(data), 97):
        file.write_bytes(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])
        try:
            found = decompress(file)
        except (OSError, EOFError, zlib.error, zstandard.ZstdError):
            continue
        # Bits that no reader needs may change, the content may not.
        assert found == plain, place


def splits(rows):
    """The same rows over files: by session, across sessions, and mixed up."""
    middle = len(rows) // 2 + 11
    yield (
        "by-session",
        [[row for row in rows if row[0] == one] for one in dict.fromkeys(row[0] for row in rows)],
    )
    yield "across", [rows[middle:], rows[:7], rows[7:middle]]
    yield "mixed", [rows[::-2], rows[-2::-2]]


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("name", ["ndjson", "csv"])
def test_bytes_do_not_depend_on_the_split_of_the_source(large_rows, tmp_path, name):
    def export(paths, to):
        pipeline.export_measurements(paths, to, format=name, scope="per-session", with_statistics=True, sync=False)
        return table_bytes(to)

    whole, _ = hostile.write_source(tmp_path / "source", rows=large_rows, records=False)
    expected = export(whole, tmp_path / "whole")
    for how, parts in splits(large_rows):
        paths = [
            hostile.write_source(tmp_path / how, rows=part, name=f"part-{at}", records=False)[0]
            for at, part in enumerate(parts)
        ]
        assert export(paths, tmp_path / f"out-{how}") == expected, how


@pytest.mark.usefixtures("small_groups")
def test_bytes_do_not_depend_on_how_a_store_was_filled(large_rows, tmp_path):
    found = {}
    for how, parts in [("whole", [large_rows]), *splits(large_rows)]:
        paths = [
            hostile.write_source(tmp_path / how, rows=part, name=f"part-{at}", records=False)[0]
            for at, part in enumerate(parts)
        ]
        store = tmp_path / how / "store"
        pipeline.import_sessions(paths, store)
        for name in COMPRESSIONS:
            to = tmp_path / how / f"out-{name}"
            pipeline.export_measurements(store, to, format=name, sync=False)
            found.setdefault(name, {})[how] = table_bytes(to)
    for name, by_split in found.items():
        expected = by_split["whole"]
        for how, files in by_split.items():
            wrong = [file for file in expected | files if files.get(file) != expected.get(file)]
            assert not wrong, f"{name}, {how}"


@pytest.mark.parametrize("order", ["first-has-it", "second-has-it"])
@pytest.mark.parametrize("name", COMPRESSIONS)
def test_sessions_may_differ_in_attributes(tmp_path, name, order):
    # As many rows as make a reader take the texts for repeated ones.
    rows = [
        (session_id, sequence, hostile.START + at * 10**9 + sequence, "m", 1.5, "ms")
        for at, session_id in enumerate(["one", "two"])
        for sequence in range(3000)
    ]
    core = hostile.columns("us", {})
    for at, session_id in enumerate(["one", "two"]):
        own = [row for row in rows if row[0] == session_id]
        table = hostile.make_table("us", own, core)
        if (order == "first-has-it") == (at == 0):
            table = table.append_column("robot", pa.array(["r1"] * 2999 + [None]))
        pq.write_table(table, tmp_path / f"{session_id}.parquet")
    pipeline.import_sessions(str(tmp_path / "*.parquet"), tmp_path / "store")
    pipeline.export_measurements(tmp_path / "store", tmp_path / "out", format=name, sync=False)
    has_it = "one" if order == "first-has-it" else "two"
    expected = [
        [*row[:4], "3ff8000000000000", "ms", "r1" if row[0] == has_it and row[1] < 2999 else None] for row in rows
    ]
    engine = "pyarrow" if "pyarrow" in READERS[name] else "python"
    data = only(tmp_path / "out", "measurements_*").read_bytes()
    assert READERS[name][engine](data, [*core, ("robot", "string")]) == expected


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("name", "compression"), VARIANTS)
def test_an_export_of_nothing_gives_valid_empty_files(us_source, tmp_path, name, compression, scope):
    path, _ = us_source
    report = pipeline.export_measurements(
        path,
        tmp_path / "out",
        format=name,
        compression=compression,
        scope=scope,
        metrics=("nosuch",),
        with_statistics=True,
        sync=False,
    )
    assert any("no rows" in warning for warning in report.warnings)
    resources = measurement_resources(tmp_path / "out")
    # No session has the metric, and each file is one of a session that is touched.
    assert len(resources) == (0 if scope == "per-session" else 1)
    for resource in resources:
        assert resource["pipeline:rowCount"] == 0
        assert resource["path"].startswith("measurements_empty_")
    if scope == "cross-session":
        assert resources[0]["path"] == f"measurements_empty_cross-session{ending(name, compression)}"
    for engine in READERS[name]:
        assert read_all(tmp_path / "out", name, engine, "us") == [], engine
    statistics = only(tmp_path / "out", "statistics_empty_per-session.csv").read_text(encoding="utf-8")
    assert statistics.startswith("session_id,metric,unit,count,")
    assert statistics.count("\n") == 1


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("name", "compression"), VARIANTS)
def test_parts_together_are_the_whole(us_source, tmp_path, name, compression, scope):
    path, rows = us_source
    options = {"format": name, "compression": compression, "scope": scope, "sync": False}
    pipeline.export_measurements(path, tmp_path / "whole", **options)
    pipeline.export_measurements(path, tmp_path / "parts", rows_per_file=15, **options)
    whole, parts = measurement_resources(tmp_path / "whole"), measurement_resources(tmp_path / "parts")
    by_stem = {}
    for part in parts:
        stem, _, number = part["path"].removesuffix(ending(name, compression)).rpartition("_part-")
        by_stem.setdefault(stem, []).append((int(number), part))
    assert list(by_stem) == [one["path"].removesuffix(ending(name, compression)) for one in whole]
    for one, numbered in zip(whole, by_stem.values(), strict=True):
        assert [number for number, _ in numbered] == list(range(1, len(numbered) + 1))
        assert all(f"_part-{number:04}." in part["path"] for number, part in numbered)
        counts = [part["pipeline:rowCount"] for _, part in numbered]
        assert sum(counts) == one["pipeline:rowCount"]
        assert set(counts[:-1]) == {15}
        assert 0 < counts[-1] <= 15
    names = [part["path"] for part in parts]
    assert len({part["name"] for part in parts}) == len(names) == len(set(names))
    expected = hostile.as_read("us", rows)
    engine = "pyarrow" if "pyarrow" in READERS[name] else "python"
    assert read_all(tmp_path / "parts", name, engine, "us") == expected
    if name in {"ndjson", "csv"}:
        joined = [decompress(tmp_path / "parts" / part["path"]) for part in parts]
        texts = [decompress(tmp_path / "whole" / one["path"]) for one in whole]
        if name == "csv":
            header = hostile_header()
            assert all(text.startswith(header) for text in joined + texts)
            joined, texts = [[text.removeprefix(header) for text in some] for some in (joined, texts)]
        assert b"".join(joined) == b"".join(texts)


def hostile_header():
    names = [name for name, _ in hostile.columns("us")]
    return ",".join('"' + n.replace('"', '""') + '"' if set(n) & set(',"\n') else n for n in names).encode() + b"\n"


def test_a_table_that_fits_one_part_is_not_called_a_part(us_source, tmp_path):
    path, rows = us_source
    pipeline.export_measurements(path, tmp_path / "out", rows_per_file=len(rows), sync=False)
    assert not list(tmp_path.glob("out/*part*"))
    pipeline.export_measurements(path, tmp_path / "two", rows_per_file=len(rows) - 1, sync=False)
    parts = sorted(found.name for found in tmp_path.glob("two/measurements*"))
    assert [name[-24:] for name in parts] == ["session_part-0001.ndjson", "session_part-0002.ndjson"]


def test_an_unnamed_compression_is_none_for_text_and_zstd_inside_parquet(us_source, tmp_path):
    path, _ = us_source
    for name, chosen in (
        ("ndjson", "none"),
        ("csv", "none"),
        ("json", "none"),
        ("parquet", "zstd"),
        ("arrow", "none"),
    ):
        pipeline.export_measurements(path, tmp_path / name, format=name, sync=False)
        assert measurement_resources(tmp_path / name)[0]["pipeline:compression"] == chosen


def test_standard_output_has_the_bytes_of_the_file(us_source, tmp_path, capfdbinary):
    path, _ = us_source
    for name, compression in VARIANTS:
        pipeline.export_measurements(path, tmp_path / "out", format=name, compression=compression, sync=False)
        file = only(tmp_path / "out", "measurements_*")
        pipeline.export_measurements(path, "-", format=name, compression=compression)
        assert capfdbinary.readouterr().out == file.read_bytes()
        shutil.rmtree(tmp_path / "out")


def test_a_json_document_has_one_row_a_line(us_source, tmp_path):
    path, rows = us_source
    pipeline.export_measurements(path, tmp_path / "j", format="json", sync=False)
    pipeline.export_measurements(path, tmp_path / "n", format="ndjson", sync=False)
    text = only(tmp_path / "j", "measurements_*").read_text(encoding="utf-8")
    lines = only(tmp_path / "n", "measurements_*").read_bytes().decode().split("\n")[:-1]
    assert len(lines) == len(rows)
    assert text.endswith("\n]}\n")
    # The same rows, in the same text, in both formats.
    assert json.dumps(strict_json(text)["measurements"]) == json.dumps([json.loads(line) for line in lines])
    assert ",\n".join(lines) in text


def numbers_in(path, name):
    """The float64 column `value` of an exported file, by a reader that is not ours."""
    if name == "parquet":
        return pl.read_parquet(path, columns=["value"])["value"].to_numpy()
    if name == "arrow":
        return pl.read_ipc(path, columns=["value"])["value"].to_numpy()
    text = path.read_text(encoding="ascii")
    if name == "csv":
        return np.array([float(line["value"]) for line in csv.DictReader(io.StringIO(text))])
    rows = json.loads(text)["measurements"] if name == "json" else map(json.loads, text.splitlines())
    return np.array([float(one["value"]) for one in rows])


@pytest.mark.parametrize("name", ["ndjson", "json", "csv", "parquet", "arrow"])
def test_a_million_random_floats_come_back_bit_for_bit(tmp_path, name):
    count = 1_000_000
    bits = np.random.default_rng(7).integers(0, 2**64, count, dtype=np.uint64)
    rows = np.arange(count)
    table = {
        "session_id": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), ["s"]),
        "sequence": rows,
        "timestamp": pa.array(rows).cast(pa.timestamp("us", "UTC")),
        "metric": pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), ["m"]),
        "value": bits.view(np.float64),
    }
    pq.write_table(pa.table(table), tmp_path / "source.parquet")
    pipeline.export_measurements(
        tmp_path / "source.parquet", tmp_path / "out", format=name, columns=["sequence", "value"], sync=False
    )
    (written,) = (tmp_path / "out").glob("measurements*")
    found = numbers_in(written, name)
    not_a_number = np.isnan(bits.view(np.float64))
    assert not_a_number.sum() > 0
    assert np.isnan(found[not_a_number]).all()
    assert (found.view(np.uint64)[~not_a_number] == bits[~not_a_number]).all()
