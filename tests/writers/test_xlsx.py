"""Excel workbooks, opened by openpyxl and by LibreOffice."""

from __future__ import annotations

import csv
import datetime as dt
import gc
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow as pa
import pytest
from libreoffice import convert, make_profile
from machine import needs_libreoffice
from openpyxl.utils import coordinate_to_tuple
from openpyxl.utils.escape import unescape
from project import FIXTURE_STORE
from samples import row, write_ndjson

from pipeline import (
    PipelineError,
    UsageError,
    export_measurements,
    export_statistics,
    import_sessions,
    scan,
    statistics,
    verify_package,
)
from pipeline.writers.formats import FORMATS
from pipeline.writers.xlsx import write_xlsx

MS = dt.timedelta(milliseconds=1)

HOSTILE = [
    "=1+1",
    "@a",
    "http://x.example",
    "_x0041_",
    "a\x01b",
    "tab\there",
    "line\nfeed",
    "é漢\U0001f600",
    "",
    "  a ",
    "1.5",
]


def workbook(directory):
    (path,) = directory.glob("statistics*.xlsx")
    return openpyxl.load_workbook(path)


def rows_of(sheet):
    names, *rows = [[cell.value for cell in line] for line in sheet.iter_rows()]
    return [dict(zip(names, values, strict=True)) for values in rows]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    directory = tmp_path_factory.mktemp("xlsx") / "out"
    export_statistics(FIXTURE_STORE, directory, format="xlsx", lost="infinite", quantiles=[0.999], sync=False)
    return directory


def test_numbers_are_numbers_and_times_are_times(exported):
    expected = statistics(FIXTURE_STORE, lost="infinite", quantiles=[0.999]).to_dicts()
    found = rows_of(workbook(exported)["statistics"])
    assert len(found) == len(expected) == 143
    for ours, cells in zip(expected, found, strict=True):
        assert list(ours) == list(cells)
        for name, value in ours.items():
            cell = cells[name]
            if isinstance(value, dt.datetime):
                assert abs(cell.replace(tzinfo=dt.UTC) - value) < dt.timedelta(milliseconds=1)
            elif isinstance(value, float) and value == float("inf"):
                assert cell == "Infinity"
            elif isinstance(value, float):
                assert isinstance(cell, int | float)
                assert cell == pytest.approx(value, rel=1e-15)
            else:
                assert cell == value


def test_there_are_sessions_definitions_and_a_header_that_stays(exported):
    book = workbook(exported)
    assert book.sheetnames == ["statistics", "sessions", "definitions"]
    assert all(sheet.freeze_panes == "A2" and sheet["A1"].font.bold for sheet in book)
    sessions = rows_of(book["sessions"])
    assert len(sessions) == 11
    assert all(isinstance(one["started_at"], dt.datetime) for one in sessions)
    assert json.loads(sessions[0]["configuration"])["network_profile"]["name"] == "loopback"
    defined = {(one["table"], one["column"]) for one in rows_of(book["definitions"]) if one["definition"]}
    for sheet in ("statistics", "sessions"):
        assert {(sheet, name) for name in rows_of(book[sheet])[0]} <= defined


def test_the_same_statistics_are_the_same_bytes(exported, tmp_path):
    export_statistics(FIXTURE_STORE, tmp_path / "out", format="xlsx", lost="infinite", quantiles=[0.999], sync=False)
    (one,), (other,) = exported.glob("*.xlsx"), (tmp_path / "out").glob("*.xlsx")
    assert one.read_bytes() == other.read_bytes()


def test_text_is_text_and_numbers_that_excel_has_not_are_text(tmp_path):
    rows = [row("s", at, metric=f"m{at}", value=1e308, label=text, big=2**53 + at) for at, text in enumerate(HOSTILE)]
    write_ndjson(tmp_path / "a.ndjson", rows)
    export_statistics(tmp_path / "a.ndjson", tmp_path / "out", format="xlsx", by=["label", "big"], sync=False)
    sheet = workbook(tmp_path / "out")["statistics"]
    assert {cell.data_type for line in sheet.iter_rows() for cell in line} <= {"s", "n", "d"}
    found = {one["metric"]: one for one in rows_of(sheet)}
    for at, text in enumerate(HOSTILE):
        assert unescape(found[f"m{at}"]["label"] or "") == text
        assert found[f"m{at}"]["mean"] == "1e+308"
        assert found[f"m{at}"]["big"] in {2**53, str(2**53 + at)}


def test_times_that_excel_has_not_are_text(tmp_path):
    rows = [row("s", 0, timestamp="0001-01-01T00:00:00Z"), row("s", 1, timestamp="9999-12-31T23:59:59.999999Z")]
    write_ndjson(tmp_path / "a.ndjson", rows)
    export_statistics(tmp_path / "a.ndjson", tmp_path / "out", format="xlsx", sync=False)
    (found,) = rows_of(workbook(tmp_path / "out")["statistics"])
    assert found["first_timestamp"] == "0001-01-01T00:00:00.000000Z"


def test_what_does_not_fit_is_refused(tmp_path, monkeypatch):
    write_ndjson(tmp_path / "a.ndjson", [row("s", at, label="x" * (32_767 + (at == 3))) for at in range(5)])
    with pytest.raises(PipelineError, match=r"sequence 3, column 'label'.*32,767 characters"):
        export_measurements(tmp_path / "a.ndjson", tmp_path / "out", format="xlsx")
    with pytest.raises(PipelineError, match="32,767 characters"):
        export_statistics(tmp_path / "a.ndjson", tmp_path / "out", format="xlsx", by=["label"])
    write_ndjson(tmp_path / "b.ndjson", [row("s", at, label="\U0001f600" * (16_383 + (at == 3))) for at in range(5)])
    with pytest.raises(PipelineError, match=r"sequence 3, column 'label'.*32,767 characters"):
        export_measurements(tmp_path / "b.ndjson", tmp_path / "out", format="xlsx")
    monkeypatch.setattr("pipeline.writers.xlsx.MAX_SHEET_ROWS", 100)
    with pytest.raises(UsageError, match="a worksheet holds 100 rows"):
        export_measurements(FIXTURE_STORE, "-", format="xlsx")
    monkeypatch.setattr("pipeline.writers.xlsx._MAX_SHEET_BYTES", 20_000)
    with pytest.raises(UsageError, match="rows-per-file"):
        export_measurements(FIXTURE_STORE, tmp_path / "out", format="xlsx", where="sequence < 8")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("condition", [{}, {"where": "sequence >= 0"}])
def test_a_package_has_rows_that_somebody_opens(tmp_path, monkeypatch, condition):
    limited = replace(FORMATS["xlsx"], max_rows=24_552)
    monkeypatch.setitem(FORMATS, "xlsx", limited)
    with pytest.raises(UsageError, match=r"at most 24,552 rows.*csv"):
        export_measurements(FIXTURE_STORE, tmp_path / "out", format="xlsx", rows_per_file=10_000, **condition)
    assert not (tmp_path / "out").exists()
    monkeypatch.setitem(FORMATS, "xlsx", replace(limited, max_rows=24_553))
    options = {"format": "xlsx", "rows_per_file": 10_000, "sync": False}
    report = export_measurements(FIXTURE_STORE, tmp_path / "out", **options, **condition)
    assert [file.rows for file in report.files] == [10_000, 10_000, 4_553, 11]


@pytest.mark.parametrize("tears", ["the workbook", "the rows"])
def test_an_interruption_while_the_workbook_is_put_together_says_nothing_of_its_own(monkeypatch, tears):
    opened, left, said = zipfile.ZipFile.open, [None] * 3, []

    def interrupted(self, name, mode="r", **options):
        if mode == "w" and not left:
            raise KeyboardInterrupt
        if mode == "w":
            left.pop()
        return opened(self, name, mode, **options)

    def batches():
        yield pa.record_batch([[1.5]], names=["value"])
        raise KeyboardInterrupt

    if tears == "the workbook":
        monkeypatch.setattr(zipfile.ZipFile, "open", interrupted)
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    file = io.BytesIO()
    with pytest.raises(KeyboardInterrupt):
        write_xlsx(
            pa.RecordBatchReader.from_batches(pa.schema([("value", pa.float64())]), batches()),
            file,
            table="measurements",
            metadata=lambda: {"timestamp_unit": "us", "sessions": []},
        )
    gc.collect()
    assert not said
    assert b"PK\5\6" not in file.getvalue()  # what is cut off must not look complete


def test_no_rows_and_verification(tmp_path):
    export_statistics(FIXTURE_STORE, tmp_path / "out", format="xlsx", where="false", verify=True, sync=False)
    assert rows_of(workbook(tmp_path / "out")["statistics"]) == []
    (path,) = (tmp_path / "out").glob("*.xlsx")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert [problem.file for problem in verify_package(tmp_path / "out").problems] == [path.name]


def cells_of(path, number=1):
    """Values of the cells of a worksheet as its XML has them: numbers whole, text as text."""
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as archive:
        sheet = ET.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))  # noqa: S314 - we wrote it
    for at, line in enumerate(sheet.iterfind(".//m:row", space), start=1):
        values = {}
        for cell in line:
            row, column = coordinate_to_tuple(cell.get("r"))
            assert row == int(line.get("r")) == at
            text = cell.findtext("m:v", namespaces=space)
            values[column] = cell.findtext("m:is/m:t", namespaces=space) if text is None else float(text)
        yield [values.get(column) for column in range(1, max(values) + 1)]


def micros_of(serial):
    """The time that a date of Excel stands for, to the microsecond."""
    return dt.datetime(1899, 12, 30) + dt.timedelta(microseconds=round(Fraction(serial) * 86_400_000_000))  # noqa: DTZ001


def test_measurements_are_what_they_were_to_the_last_digit(tmp_path):
    export_measurements(FIXTURE_STORE, tmp_path / "out", format="xlsx", metrics=["bitrate"], sync=False)
    (path,) = (tmp_path / "out").glob("measurements*.xlsx")
    expected = scan(FIXTURE_STORE).collect().filter(metric="bitrate")
    _, *found = cells_of(path)
    header, *shown = openpyxl.load_workbook(path, read_only=True)["measurements"].iter_rows(values_only=True)
    assert list(header) == expected.columns
    assert len(found) == len(shown) == len(expected) > 400
    for ours, cells, seen in zip(expected.to_dicts(), found, shown, strict=True):
        values = dict(zip(header, cells, strict=True))
        assert micros_of(values.pop("timestamp")) == ours["timestamp"].replace(tzinfo=None)
        assert values == {name: value for name, value in ours.items() if name != "timestamp"}
        assert abs(dict(zip(header, seen, strict=True))["timestamp"] - ours.pop("timestamp").replace(tzinfo=None)) < MS
        assert list(seen[:2]) == list(ours.values())[:2]
    assert verify_package(tmp_path / "out").problems == ()


INSTANTS = [
    "1899-12-31T23:00:00Z",
    "1900-02-28T23:59:59.999999Z",
    "1900-03-01T00:00:00Z",
    "1969-12-31T23:59:59.999999Z",
    "2026-03-29T00:59:59.999999Z",
    "2026-03-29T01:00:00Z",
    "2026-10-25T00:30:00.000001Z",
    "2026-10-25T01:30:00.000001Z",
    "2078-12-31T23:59:59.123457Z",
    "2199-12-31T23:59:59.123457Z",
    "9999-12-31T23:59:59Z",
]


@pytest.mark.parametrize("timezone", [None, "UTC", "Europe/Berlin", "Asia/Kathmandu"])
def test_dates_are_of_the_zone_and_no_time_is_lost(tmp_path, timezone):
    write_ndjson(tmp_path / "a.ndjson", [row("s", at, timestamp=text) for at, text in enumerate(INSTANTS)])
    export_measurements(tmp_path / "a.ndjson", tmp_path / "out", format="xlsx", timezone=timezone, sync=False)
    (path,) = (tmp_path / "out").glob("measurements*.xlsx")
    header, *lines = cells_of(path)
    headers = openpyxl.load_workbook(path)["measurements"][1]
    header = [cell.value for cell in headers]
    is_local = timezone not in {None, "UTC"}
    assert header[2:4] == ([f"timestamp ({timezone})", "timestamp"] if is_local else ["timestamp", "metric"])
    dates = 0
    for line, text in zip(lines, INSTANTS, strict=True):
        moment = dt.datetime.fromisoformat(text)
        if is_local:
            assert dt.datetime.fromisoformat(line[3]) == moment
        if isinstance(line[2], float):
            local = moment.astimezone(ZoneInfo(timezone or "UTC")).replace(tzinfo=None)
            assert abs(micros_of(line[2]) - local) <= (dt.timedelta(microseconds=1) if is_local else dt.timedelta())
            dates += 1
        elif is_local:
            assert line[2] is None
        else:
            assert dt.datetime.fromisoformat(line[2]) == moment
    assert dates >= len(INSTANTS) - 4
    defined = {
        (one["table"], one["column"]): one["definition"] for one in rows_of(openpyxl.load_workbook(path)["definitions"])
    }
    assert (timezone or "UTC") in defined["measurements", header[2]]
    assert (timezone or "UTC") in defined["sessions", f"started_at ({timezone})" if is_local else "started_at"]


def test_nanoseconds_stand_beside_their_dates(tmp_path):
    times = ["2026-11-24T16:00:00.123456789Z", "2026-11-24T16:00:01.000000001Z"]
    rows = [row("s", at, timestamp=text) for at, text in enumerate(times)]
    import_sessions([write_ndjson(tmp_path / "a.ndjson", rows)], tmp_path / "store", timestamp_unit="ns")
    export_measurements(tmp_path / "store", tmp_path / "out", format="xlsx", sync=False)
    (path,) = (tmp_path / "out").glob("measurements*.xlsx")
    found = rows_of(openpyxl.load_workbook(path)["measurements"])
    assert [one["timestamp"] for one in found] == times
    assert [one["timestamp (UTC)"].isoformat() for one in found] == [
        "2026-11-24T16:00:00.123000",
        "2026-11-24T16:00:01",
    ]


@needs_libreoffice
@pytest.mark.parametrize("language", ["en-US", "de-DE"])
def test_any_language_shows_the_right_numbers_and_texts(exported, tmp_path, language):
    """The cells are numbers, so the locale changes how they look, not what they are."""
    rows = [
        row(
            "s",
            at,
            timestamp=f"2026-11-24T16:00:00.{at:06}Z",
            value=40.193 + at,
            label=text,
            big=2**53 + at,
            ok=at % 2 == 0,
        )
        for at, text in enumerate(
            [*HOSTILE, "9.10", "1-2", "007", "1e5", "9,10", "Mrz 24", "a&<b>]]>", "_x005F_", "\uffff"]
        )
    ]
    write_ndjson(tmp_path / "a.ndjson", rows)
    export_measurements(tmp_path / "a.ndjson", tmp_path / "out", format="xlsx", timezone="Europe/Berlin", sync=False)
    (measured,), (statistic,) = (tmp_path / "out").glob("measurements*.xlsx"), exported.glob("*.xlsx")
    profile = make_profile(tmp_path / "profile", language)
    shown = convert(profile, tmp_path, "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true", measured, statistic)
    of_rows, of_groups = (
        list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""), delimiter=";")) for path in shown
    )
    sign = "," if language == "de-DE" else "."
    assert len(of_rows) == len(rows)
    for line, ours in zip(of_rows, rows, strict=True):
        assert line["value"] == f"{ours['value']:.3f}".replace(".", sign)
        assert line["timestamp (Europe/Berlin)"].replace(",", ".") == "2026-11-24 17:00:00.000"
        assert dt.datetime.fromisoformat(line["timestamp"]) == dt.datetime.fromisoformat(ours["timestamp"])
        assert line["label"].replace("\uffff", "") == (ours["label"] or "").replace("\uffff", "")
        assert line["ok"] == {"en-US": ("FALSE", "TRUE"), "de-DE": ("FALSCH", "WAHR")}[language][ours["ok"]]
        assert ours["big"] == 2**53 or line["big"] == str(ours["big"])
    expected = statistics(FIXTURE_STORE, lost="infinite", quantiles=[0.999]).to_dicts()
    assert len(of_groups) == len(expected)
    assert any(sign in line["mean"] for line in of_groups)
    for line, ours in zip(of_groups, expected, strict=True):
        assert float(line["mean"].replace(",", ".")) == pytest.approx(ours["mean"], rel=1e-5)
        assert line["count"] == str(ours["count"])


def test_memory_does_not_grow_with_the_rows():
    """In processes of their own: the most that each has ever held."""
    most = [
        int(
            subprocess.run(
                [sys.executable, "-c", MEASURED, str(rows)], check=True, capture_output=True, text=True
            ).stdout
        )
        for rows in (40_000, 400_000)
    ]
    assert most[1] < most[0] + 8_000


MEASURED = """
import resource, sys
import pyarrow as pa
from pipeline.writers.xlsx import write_xlsx

class Nowhere:
    def write(self, data):
        return len(data)

batch = pa.record_batch([pa.array(range(20_000)), pa.array(["a text of the row"] * 20_000)], names=["n", "t"])
rows = pa.RecordBatchReader.from_batches(batch.schema, (batch for _ in range(int(sys.argv[1]) // 20_000)))
write_xlsx(rows, Nowhere(), table="measurements", metadata=lambda: {"timestamp_unit": "us", "sessions": []})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
