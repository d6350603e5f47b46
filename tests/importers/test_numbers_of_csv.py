"""Numbers of large plain CSV, which the compiled part reads, are those that the engine's reader of texts gives."""

from __future__ import annotations

import random

import pytest
from samples import rows_of

from pipeline import PipelineError, import_sessions
from pipeline.importers import csv_rows, harness_file
from pipeline.importers.definition import built_in

HEADERS = {
    "hey": "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset",
    "oha-csv": "request-start,DNS,DNS+dialup,Response-delay,request-duration,bytes,status",
    "k6-csv": "metric_name,timestamp,metric_value,check,extra_tags",
    "jmeter": "timeStamp,elapsed,label,responseCode,threadName,success,bytes,grpThreads,allThreads,Latency,Connect",
    "locust-requests": "timestamp,request_type,name,response_time_ms,response_length,status_code,exception",
    "criterion-csv": "group,function,value,throughput_num,throughput_type,sample_measured_value,unit,iteration_count",
    "ab": "starttime\tseconds\tctime\tdtime\tttime\twait",
}
ROWS = {
    "hey": "0.0034,0.0002,0.0000,0.0001,0.0030,0.0001,200,0.0{}",
    "oha-csv": "0.{},0.0001,0.00025,0.003022616,0.003358462,7,200",
    "vegeta-csv": "17958835120000{:05},200,19034063,0,0,,aGVsbG8K,,{},GET,http://192.0.2.1/0,",
    "k6-csv": "http_req_duration,1795883512,36.87{},,a=1",
    "jmeter": "1795883512{:03},138,page,200,Group 1,true,143,2,2,138,3",
    "locust-requests": "1795883512.{},GET,/0,36.872,0,200,",
    "criterion-csv": "g,f,,,,157.{},ns,3",
    "ab": "Sat Nov 28 16:31:22 2026\t17958835{:02}\t5\t68\t73\t34",
    "fio-log": "{}, 150891, 0, 4096, 0, 0",
}
OPTIONS = {"fio-log": {"assume": ["unit=ns"]}}
TEXTS = (
    *(
        "",
        "-1",
        " 5",
        "5 ",
        "1e3",
        "1.50",
        "+7",
        "007",
        "9007199254740993",
        "9223372036854775808",
        "1e999",
        "nan",
        "-inf",
    ),
    *("null", "x", "0x10", "1_000", ".5", "5.", '"3"', "٣", "true", "1,2", "123456789012345678901234567890"),
)
FILES = 8


def changed(name, rng, texts):
    """A file of a few records, of which fields are others; a column is so from its first record on now and then."""
    delimiter = "\t" if name == "ab" else ","
    lines = [ROWS[name].format(*[number % 100] * 2).split(delimiter) for number in range(6)]
    for text in texts:
        at = rng.randrange(len(lines[0]))
        for fields in lines if rng.random() < 0.2 else [rng.choice(lines)]:
            fields[at] = f" {text}" if name == "fio-log" and at else text
    header = [HEADERS[name]] if name in HEADERS else []
    return "".join(f"{line}\n" for line in [*header, *map(delimiter.join, lines)])


def outcome(path, store, options):
    try:
        result = import_sessions(path, store, started_at="2026-11-24T09:00:00Z", if_exists="replace", **options)
    except PipelineError as error:
        return str(error)
    return repr(rows_of(store)), result.warnings, result.skipped_rows, result.ignored  # of which NaN is like itself


@pytest.mark.parametrize("name", ROWS)
def test_numbers_are_those_of_the_texts(tmp_path, monkeypatch, name):
    monkeypatch.setattr(csv_rows, "_LARGE_BYTES", 0)
    path = tmp_path / ("x_clat.1.log" if name == "fio-log" else "x.csv")
    rng = random.Random(name)  # noqa: S311 - the same files each time
    rows = 0
    for number in range(FILES):
        path.write_text(changed(name, rng, TEXTS[number::FILES]))
        options = {**OPTIONS.get(name, {}), "importer": name, "skip_bad": bool(number % 2)}
        found = outcome(path, tmp_path / "store", options)
        with monkeypatch.context() as patched:
            patched.setattr(harness_file, "plain_csv", lambda *_: None)
            assert found == outcome(path, tmp_path / "other", options), path.read_text()
        rows += isinstance(found, tuple)
    assert rows > 1


def test_all_importers_with_numbers_are_tried():
    assert {one.name for one in built_in() if one.column_types} == set(ROWS)


def test_columns_have_the_types_that_an_importer_names_where_all_of_them_fit(tmp_path):
    (tmp_path / "own.sql").write_text(
        "-- format: csv\n-- columns: n DOUBLE, t, k BIGINT, gone BIGINT\n-- name: measurements\n"
        "SELECT 'm' AS metric, n AS value, typeof(n) || typeof(t) || typeof(k) || typeof(gone) AS kinds FROM records"
    )
    typed, text = "DOUBLEVARCHARBIGINTBIGINT", "VARCHAR" * 4
    for line, repeated, kinds in (("1.5,a,7", 200_000, typed), ("1.5,a,7", 2, text), ("1.5,a,x", 200_000, text)):
        (tmp_path / "x.csv").write_text("n,t,k\n" + f"{line}\n" * repeated)
        import_sessions(tmp_path / "x.csv", tmp_path / "store", importer=str(tmp_path / "own.sql"), if_exists="replace")
        found = rows_of(tmp_path / "store", "SELECT kinds, value, count(*) FROM measurements GROUP BY ALL")
        assert found == [(kinds, 1.5, repeated)]
