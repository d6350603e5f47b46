"""Excel workbooks, opened by openpyxl and by LibreOffice."""

from __future__ import annotations

import csv
import datetime as dt
import gc
import json
import subprocess
import sys
import zipfile

import openpyxl
import pytest
from machine import SOFFICE, needs_libreoffice
from openpyxl.utils.escape import unescape
from project import FIXTURE_STORE
from samples import row, write_ndjson

from pipeline import PipelineError, UsageError, export_measurements, export_statistics, statistics, verify_package

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


def test_what_does_not_fit_is_refused(tmp_path):
    write_ndjson(tmp_path / "a.ndjson", [row("s", 0, label="x" * 32_768)])
    with pytest.raises(PipelineError, match="32,767 characters"):
        export_statistics(tmp_path / "a.ndjson", tmp_path / "out", format="xlsx", by=["label"])
    with pytest.raises(UsageError, match="--spreadsheet"):
        export_measurements(FIXTURE_STORE, tmp_path / "out", format="xlsx")
    assert not (tmp_path / "out").exists()


def test_an_interruption_while_the_workbook_is_put_together_says_nothing_of_its_own(tmp_path, monkeypatch):
    write, left = zipfile.ZipFile.write, [None] * 3
    said = []

    def interrupted(self, *arguments):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        write(self, *arguments)

    monkeypatch.setattr(zipfile.ZipFile, "write", interrupted)
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    with pytest.raises(KeyboardInterrupt):
        export_statistics(FIXTURE_STORE, tmp_path / "out", format="xlsx", sync=False)
    gc.collect()
    assert not said
    assert not list(tmp_path.iterdir())


def test_no_rows_and_verification(tmp_path):
    export_statistics(FIXTURE_STORE, tmp_path / "out", format="xlsx", where="false", verify=True, sync=False)
    assert rows_of(workbook(tmp_path / "out")["statistics"]) == []
    (path,) = (tmp_path / "out").glob("*.xlsx")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert [problem.file for problem in verify_package(tmp_path / "out").problems] == [path.name]


@needs_libreoffice
def test_a_program_with_decimal_commas_shows_the_right_numbers(exported, tmp_path):
    """The cells are numbers, so the locale changes how they look, not what they are."""
    (path,) = exported.glob("*.xlsx")
    settings = tmp_path / "profile" / "user"
    settings.mkdir(parents=True)
    (settings / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        '<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">'
        "<value>de-DE</value></prop></item></oor:items>",
        encoding="utf-8",
    )
    subprocess.run(
        [
            SOFFICE,
            f"-env:UserInstallation=file://{tmp_path / 'profile'}",
            "--headless",
            "--convert-to",
            "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,true",
            "--outdir",
            tmp_path,
            path,
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (shown,) = tmp_path.glob("*.csv")
    lines = list(csv.DictReader(shown.read_text(encoding="utf-8").splitlines(), delimiter=";"))
    expected = statistics(FIXTURE_STORE, lost="infinite", quantiles=[0.999]).to_dicts()
    assert len(lines) == len(expected)
    assert any("," in line["mean"] for line in lines)
    for line, ours in zip(lines, expected, strict=True):
        assert float(line["mean"].replace(",", ".")) == pytest.approx(ours["mean"], rel=1e-5)
        assert line["count"] == str(ours["count"])
