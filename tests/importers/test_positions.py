"""CSV files without a header line: read by position where one known layout fits exactly, else refused, or named."""

from __future__ import annotations

import re

import pytest
from program import pipeline
from project import SHARED
from samples import rows_of

from pipeline import SourceError, UsageError, import_sessions

REPORTS = SHARED / "reports"
BEFORE = ["1795543196000", "807", "Home", "200", "OK", "Users 1-1", "text", "true"]
THREADS = {"grpThreads": 2, "allThreads": 5}
NEW = {"bytes": 20531, "sentBytes": 412, **THREADS, "Latency": 311, "IdleTime": 7, "Connect": 25}
# By name: the fields behind `success`, and the figures that they are.
JMETER = {
    "2.x": ("20531,311", {"bytes": 20531, "Latency": 311}),
    "2.13": ("20531,2,5,311,25", {"bytes": 20531, "grpThreads": 2, "allThreads": 5, "Latency": 311, "Connect": 25}),
    "3.0": (
        ",20531,2,5,311,7,25",
        {"bytes": 20531, "grpThreads": 2, "allThreads": 5, "Latency": 311, "IdleTime": 7, "Connect": 25},
    ),
    "3.1": (
        "a message,20531,412,2,5,311,7,25",
        NEW,
    ),
    "5.x": (
        ",20531,412,2,5,http://x/,311,7,25",
        NEW,
    ),
    "without failureMessage": (
        "20531,412,2,5,http://x/,311,7,25",
        NEW,
    ),
    "without failureMessage and URL": (
        "20531,412,2,5,311,7,25",
        NEW,
    ),
}  # fmt: skip


def figures(store):
    return dict(rows_of(store, "SELECT metric, value FROM measurements"))


@pytest.mark.parametrize("delimiter", [",", "|"])
@pytest.mark.parametrize("version", JMETER)
def test_jmeter_fields_are_told_by_their_number_and_kinds(tmp_path, version, delimiter):
    behind, expected = JMETER[version]
    path = tmp_path / "run.jtl"
    path.write_text(delimiter.join([*BEFORE, *behind.split(",")]) + "\n")
    import_sessions(path, tmp_path / "store")
    assert figures(tmp_path / "store") == {"elapsed": 807, **expected}


def test_a_first_record_with_the_name_of_a_column_is_a_record(tmp_path):
    path = tmp_path / "run.jtl"
    path.write_text("1795543196000,807,bytes,200,OK,Users 1-1,text,true,20531,311\n")
    import_sessions(path, tmp_path / "store")
    assert figures(tmp_path / "store") == {"elapsed": 807, "bytes": 20531, "Latency": 311}


@pytest.mark.parametrize("behind", ["20531,412,1,5,311,25,x", "20531,412,311", "x,311"])
def test_fields_in_no_known_order_are_refused_and_can_be_named(tmp_path, behind):
    path = tmp_path / "run.jtl"
    path.write_text(",".join([*BEFORE, behind]) + "\n")
    with pytest.raises(SourceError, match=r"fields are in no order that is known; name all of them: --header"):
        import_sessions(path, tmp_path / "store", importer="jmeter")
    names = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success"
    header = ",".join([names, *(f"own{n}" for n in range(behind.count(",") + 1))])
    result = pipeline("import", path, "--to", tmp_path / "store", "--header", header)
    assert result.status == 0, result.err
    assert rows_of(tmp_path / "store", "SELECT metric, value, own0 FROM measurements") == [
        ("elapsed", 807.0, behind.split(",")[0])
    ]


def test_figures_that_cannot_be_show_that_the_order_is_another(tmp_path):
    # bytes, sentBytes, grpThreads, allThreads, Latency: as many numbers as in 2.13.
    path = tmp_path / "run.jtl"
    path.write_text(",".join([*BEFORE, "20531,412,1,5,311"]) + "\n")
    with pytest.raises(SourceError, match=r"line 1: its grpThreads 412 is above its allThreads 1: .*--header"):
        import_sessions(path, tmp_path / "store")
    names = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success"
    names += ",bytes,sentBytes,grpThreads,allThreads,Latency"
    import_sessions(path, tmp_path / "store", header=names.split(","))
    assert figures(tmp_path / "store")["sentBytes"] == 412


VEGETA = '1795543196123456789,200,4050000,1,512,"a ""b"""'


@pytest.mark.parametrize("rest", ["", ",aGk=,load,7", ",aGk=,load,7,GET,http://x/,eA=="])
@pytest.mark.parametrize("with_header", [False, True])
def test_vegeta_csv_of_each_version_with_and_without_a_header_line(tmp_path, rest, with_header):
    path = tmp_path / "run.csv"
    names = [
        "timestamp",
        "code",
        "latency",
        "bytes_out",
        "bytes_in",
        "error",
        "body",
        "attack",
        "seq",
        "method",
        "url",
        "headers",
    ]
    first = ",".join(names[: 6 + rest.count(",")]) + "\n" if with_header else ""
    path.write_text(f"{first}{VEGETA}{rest}\n")
    import_sessions(path, tmp_path / "store", timestamp_unit="ns")
    query = "SELECT metric, value, epoch_ns(timestamp), code, error FROM measurements ORDER BY sequence"
    rest_of = (1795543196123456789, 200, 'a "b"')
    assert rows_of(tmp_path / "store", query) == [
        ("latency", 4050000.0, *rest_of), ("bytes_in", 512.0, *rest_of), ("bytes_out", 1.0, *rest_of),
    ]  # fmt: skip


def test_a_file_without_a_header_line_can_be_mapped(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("0.25;12.5;r7\n0.5;13;r8\n")
    mapping = ["value=rtt:ms", "offset=when:s"]
    with pytest.raises(SourceError, match="if it is no header line, name the columns: --header a,b,c"):
        import_sessions(path, tmp_path / "store", mapping=mapping)
    import_sessions(path, tmp_path / "store", mapping=mapping, header="when,rtt,robot")
    query = "SELECT metric, value, unit, robot FROM measurements ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [("rtt", 12.5, "ms", "r7"), ("rtt", 13.0, "ms", "r8")]


def test_a_header_line_that_is_there_after_all_is_no_record(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("when,rtt\n0.25,12.5\n")
    import_sessions(path, tmp_path / "store", mapping=["value=rtt", "offset=when:s"], header="When, rtt")
    assert figures(tmp_path / "store") == {"rtt": 12.5}


@pytest.mark.parametrize(
    ("name", "text", "header", "phrase"),
    [
        ("own.csv", "1,2\n", "rtt", "its first record has 2 fields, and --header names 1"),
        ("own.csv", "1,2\n", "rtt,", "--header: give the name of every column"),
        ("own.csv", "1,2\n", "rtt,RTT", "--header: "),
        ("own.ndjson", '{"rtt": 1}\n', "rtt,b", "--header: .*own.ndjson is no CSV file but NDJSON"),
    ],
)
def test_a_header_that_does_not_fit_is_told(tmp_path, name, text, header, phrase):
    (tmp_path / name).write_text(text)
    with pytest.raises((SourceError, UsageError), match=phrase):
        import_sessions(tmp_path / name, tmp_path / "store", mapping=["value=rtt"], header=header)


def test_layouts_of_an_sql_file_are_told_apart(tmp_path):
    sql = """\
-- format: csv
-- columns: took, who
-- layout: took INTEGER, who TEXT
-- layout: who TEXT, took INTEGER
-- name: measurements
SELECT 'took' AS metric, took AS value, who FROM records
"""
    (tmp_path / "own.sql").write_text(sql)
    for number, line in enumerate(["5,a", "a,5", "who,took\na,5"]):
        (tmp_path / "run.txt").write_text(f"{line}\n")
        import_sessions(tmp_path / "run.txt", tmp_path / f"{number}", importer=str(tmp_path / "own.sql"))
        assert rows_of(tmp_path / f"{number}", "SELECT value, who FROM measurements") == [(5.0, "a")]
    (tmp_path / "own.sql").write_text(sql.replace("took INTEGER", "took").replace("who TEXT", "who INTEGER"))
    (tmp_path / "run.txt").write_text("5,6\n")
    message = "may be of several versions; say which: --header took,who or --header who,took"
    with pytest.raises(SourceError, match=message):
        import_sessions(tmp_path / "run.txt", tmp_path / "none", importer=str(tmp_path / "own.sql"))
    (tmp_path / "own.sql").write_text(sql.replace("INTEGER", "NUMBER"))
    with pytest.raises(UsageError, match="'-- layout:' cannot read 'took NUMBER'"):
        import_sessions(tmp_path / "run.txt", tmp_path / "none", importer=str(tmp_path / "own.sql"))


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("jmeter-headerless/no-field-names.jtl", "Latency"),
        ("jmeter-headerless/sent-bytes-no-url.jtl", "Latency"),
        ("jmeter-headerless/with-failure-message.jtl", "Latency"),
        ("jmeter-headerless-bar/bar.jtl", "Latency"),
    ],
)
def test_reported_files_of_jmeter_are_read(tmp_path, name, metric):
    path = REPORTS / name
    if not path.exists():
        pytest.skip("the folder of reported files is not here")
    import_sessions(path, tmp_path / "store")
    query = f"SELECT value FROM measurements WHERE metric = '{metric}' ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [(311.0,), (290.0,)]
    records = [re.split("[,|]", line) for line in path.read_text().splitlines()]
    query = "SELECT value FROM measurements WHERE metric = 'elapsed' ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [(float(record[1]),) for record in records]
