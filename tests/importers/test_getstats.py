"""What getStats() gives, as scripts write it: reports, arrays and objects of them, a line each or in one document."""

from __future__ import annotations

import json

import pytest
from plain_readers import lines, numbers_of, reports_of
from project import HARNESS_FILES, SHARED
from samples import rows_of

from pipeline import SourceError, import_sessions

REPORTS = lines(HARNESS_FILES / "getstats/loopback-100ms.ndjson")[:600]
CALLS = [REPORTS[at : at + 20] for at in range(0, len(REPORTS), 20)]
MAPS = [{f"{number}/~{report['id']}": report for number, report in enumerate(call)} for call in CALLS]
QUERY = "SELECT metric, value, epoch_us(timestamp), report_id FROM measurements ORDER BY sequence"


def a_line_each(values):
    return "".join(json.dumps(value) + "\n" for value in values)


SHAPES = {
    "an array a line": a_line_each(CALLS),
    "a map a line": a_line_each(MAPS),
    "various lines": a_line_each([*REPORTS[:20], *MAPS[1:9], *CALLS[9:]]),
    "an array in one line": json.dumps(REPORTS),
    "an array of arrays in one line": json.dumps(CALLS) + "\n",
    "an array of maps in one line": json.dumps(MAPS),
    "an array": json.dumps(REPORTS, indent=2),
    "an array of arrays": json.dumps(CALLS, indent=1) + "\n\n",
    "an array of maps": json.dumps(MAPS, indent="\t"),
    "an array with a report a line": "[" + ",\n".join(map(json.dumps, REPORTS)) + "]",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_reports_are_found_in_every_shape(tmp_path, shape):
    (tmp_path / "x.json").write_text(SHAPES[shape])
    import_sessions(tmp_path / "x.json", tmp_path / "store")
    samples = [(report, sample) for report in REPORTS for sample in numbers_of(report)]
    expected = [(*sample, round(report["timestamp"] * 1000), report["id"]) for report, sample in samples]
    assert rows_of(tmp_path / "store", QUERY) == expected


@pytest.mark.parametrize("shape", ["a report a line", "an array a line", "an array in one line", "an array"])
def test_numbers_within_a_value_that_nobody_knows_are_told(tmp_path, shape):
    """A report's value is no report, though an object of reports by their ids looks alike."""
    reports = [report | {"perLayer": {"low": 1, "high": at}} for at, report in enumerate(REPORTS[:40])]
    texts = {
        "a report a line": a_line_each(reports),
        "an array a line": a_line_each([reports[:20], reports[20:]]),
        "an array in one line": json.dumps(reports),
        "an array": json.dumps(reports, indent=2),
    }
    (tmp_path / "x.json").write_text(texts[shape])
    (warning,) = import_sessions(tmp_path / "x.json", tmp_path / "store").warnings
    assert "holds 80 numbers that were not imported" in warning
    assert "perLayer.high" in warning


@pytest.mark.parametrize("name", ["array-a-line.ndjson", "map-a-line.ndjson", "array.json"])
def test_reported_shapes_are_read(tmp_path, name):
    path = SHARED / "reports/getstats-arrays" / name
    if not path.exists():
        pytest.skip(f"no {path}")
    import_sessions(path, tmp_path / "store")
    expected = [sample for line in lines(path) for report in reports_of(line) for sample in numbers_of(report)]
    assert rows_of(tmp_path / "store", "SELECT metric, value FROM measurements ORDER BY sequence") == expected


@pytest.mark.parametrize(
    ("line", "phrase"),
    [
        ("[1]", "report of getStats"),
        ("5", "report of getStats"),
        ('[{"a": 1}]', "report of getStats"),
        ('[[{"a": 1}]]', "report of getStats.. without a type"),
        ('[{"id": "x", "type": "y", "timestamp": "z", "n": 1}]', "'z'"),
    ],
)
def test_what_is_no_report_is_a_bad_record(tmp_path, line, phrase):
    path = tmp_path / "x.json"
    path.write_text(a_line_each(CALLS[:2]) + f"{line}\n" + a_line_each(CALLS[2:]))
    with pytest.raises(SourceError, match=f"x.json: line 3: .*{phrase}.*; --skip-bad"):
        import_sessions(path, tmp_path / "store")
    report = import_sessions(path, tmp_path / "store", skip_bad=True)
    assert (report.skipped_rows, report.rows) == (1, sum(len(numbers_of(report)) for report in REPORTS))
    path.write_text(json.dumps([*CALLS[:2], json.loads(line), *CALLS[2:]], indent=1))
    with pytest.raises(SourceError, match=phrase):
        import_sessions(path, tmp_path / "none")


# As aiortc 1.16.0 gives it through `dataclasses.asdict`, with the time in milliseconds.
AIORTC = [
    {"timestamp": 1796037649328.775, "type": "remote-inbound-rtp", "id": "remote-inbound-rtp_140422782553424",
     "ssrc": 3406223052, "kind": "audio", "transportId": "transport_140422782552848", "packetsReceived": 24,
     "packetsLost": 7, "jitter": 74, "roundTripTime": 0.0008, "fractionLost": 57},
    {"timestamp": 1796037649571.644, "type": "inbound-rtp", "id": "inbound-rtp_140422782603664", "ssrc": 3694207473,
     "kind": "audio", "transportId": "transport_140422782602192", "packetsReceived": 33,
     "packetsLost": 9, "jitter": 82},
]  # fmt: skip


@pytest.mark.parametrize("text", [a_line_each([AIORTC]), a_line_each(AIORTC), json.dumps(AIORTC, indent=1)])
def test_jitter_of_aiortc_is_no_time_and_its_loss_is_told(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    result = import_sessions(tmp_path / "x.json", tmp_path / "store")
    units = dict(rows_of(tmp_path / "store", "SELECT metric || ' ' || value, unit FROM measurements"))
    assert units["inbound-rtp.jitter 82.0"] is units["remote-inbound-rtp.jitter 74.0"] is None
    assert units["remote-inbound-rtp.roundTripTime 0.0008"] == "s"
    assert any("aiortc" in warning and "256ths" in warning for warning in result.warnings)


def test_jitter_of_browsers_is_seconds(tmp_path):
    reports = [{**report, "id": f"{report['type']}_audio_{at}"} for at, report in enumerate(AIORTC)]
    (tmp_path / "x.json").write_text(a_line_each(reports))
    result = import_sessions(tmp_path / "x.json", tmp_path / "store")
    units = rows_of(tmp_path / "store", "SELECT DISTINCT unit FROM measurements WHERE metric LIKE '%.jitter'")
    assert (units, result.warnings) == ([("s",)], ())
