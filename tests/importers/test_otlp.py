"""OTLP as JSON: each span and gauge is a sample, each figure of a sum, histogram or summary an aggregate."""

from __future__ import annotations

import json
import math
import statistics

import pytest
from otlp_reader import documents, rows
from project import HARNESS_FILES, SHARED
from samples import rows_of

from pipeline import SourceError, import_sessions, list_sessions
from pipeline.importers.decoded import Told, load_reader

REAL = [*sorted((HARNESS_FILES / "otlp").glob("sdk*")), *sorted((SHARED / "harness" / "otlp").glob("*"))]
CORE = "metric, value, unit, epoch_ns(timestamp), service, temporality, bin_lower, bin_count"
T0 = 1795990613190654362


def kv(key, **value):
    return {"key": key, "value": value}


def spans(*given, **of_resource):
    one = {"scope": {"name": "s"}, "spans": list(given)}
    return {"resourceSpans": [{"resource": {"attributes": [], **of_resource}, "scopeSpans": [one]}]}


def span(ns=250, **given):
    return {"name": "x", "startTimeUnixNano": str(T0), "endTimeUnixNano": str(T0 + ns), **given}


def metric(kind, *points, name="m", unit="ms", **of_data):
    timed = [{"timeUnixNano": str(T0), **point} for point in points]
    one = {"name": name, "unit": unit, kind: {"dataPoints": timed, **of_data}}
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [one]}]}]}


def imported(tmp_path, *given, indent=None, timestamp_unit="ns", **options):
    path = tmp_path / "x.jsonl"
    text = "".join(json.dumps(one, indent=indent) + "\n" for one in given)
    path.write_text(text, encoding="utf-8")
    store = tmp_path / f"store-{len(list(tmp_path.iterdir()))}"
    import_sessions(path, store, timestamp_unit=timestamp_unit, **options)
    (session,) = list_sessions(store)
    return store, session


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_every_row_is_the_one_that_plain_python_reads(tmp_path, path):
    expected = rows(path.read_text(encoding="utf-8"))
    import_sessions(path, tmp_path / "store", timestamp_unit="ns")
    columns = {name for (name,) in rows_of(tmp_path / "store", "SELECT column_name FROM (DESCRIBE measurements)")}
    names = sorted({name for row in expected for name in row[-1]})
    assert set(names) <= columns
    chosen = "".join(f', "{name}"' for name in names)
    found = rows_of(tmp_path / "store", f"SELECT {CORE}{chosen} FROM measurements ORDER BY sequence")
    assert len(found) == len(expected) > 0
    for row, (*wanted, attributes) in zip(found, expected, strict=True):
        core_row, own = row[:8], dict(zip(names, row[8:], strict=True))
        # Ends of exponential bins are powers, which Python's own may round otherwise.
        assert core_row[:6] == (core_row[0], core_row[1], *wanted[2:6])
        assert core_row[0] == wanted[0]
        assert core_row[1] == pytest.approx(wanted[1], rel=1e-13)
        assert core_row[6:] == (wanted[6] if wanted[6] is None else pytest.approx(wanted[6], rel=1e-13), wanted[7])
        assert {name: value for name, value in own.items() if value is not None} == attributes


# As in the shape list beside the files: count, min, max, mean, p50, p95 of one series.
FIGURES = [
    ("demo-metrics-gauge-sum-histogram.jsonl", "queueSize", 1, (2, 0, 0, 0, 0, 0)),
    (
        "demo-mixed-signals.jsonl",
        "span_duration",
        1e6,
        (38, 0.103368, 418.883816, 60.25583, 24.28554, 415.4714),
    ),
    ("proto-example-metrics.json", "my.gauge", 1, (1, 10, 10, 10, 10, 10)),
    ("proto-example-trace.json", "span_duration", 1e6, (1, 1000, 1000, 1000, 1000, 1000)),
]


@pytest.mark.parametrize(("name", "series", "divisor", "expected"), FIGURES)
def test_figures_are_those_of_a_plain_reading(tmp_path, name, series, divisor, expected):
    path = SHARED / "harness" / "otlp" / name
    if not path.exists():
        pytest.skip("its files are not here")
    import_sessions(path, tmp_path / "store")
    values = [value / divisor for (value,) in rows_of(tmp_path / "store", f"SELECT value FROM measurements WHERE metric = '{series}' ORDER BY 1")]  # fmt: skip  # noqa: E501

    def quantile(share):
        place = share * (len(values) - 1)
        low = math.floor(place)
        return values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (place - low)

    found = (len(values), min(values), max(values), statistics.fmean(values), quantile(0.5), quantile(0.95))
    assert found == pytest.approx(expected, rel=1e-6)


def test_names_of_protobuf_mean_what_numbers_mean(tmp_path):
    """protobuf's own JSON has names of kinds and states, and ids in base64."""
    folder = HARNESS_FILES / "otlp"
    first = (folder / "sdk.jsonl").read_text(encoding="utf-8").splitlines()[0]
    (tmp_path / "first.json").write_text(first, encoding="utf-8")
    query = (
        'SELECT sequence, value, span, span_kind, status, status_message, robot, "naïve" FROM measurements ORDER BY 1'
    )
    found = []
    for path in (folder / "protobuf.json", tmp_path / "first.json"):
        import_sessions(path, tmp_path / f"store-{path.stem}")
        found.append(rows_of(tmp_path / f"store-{path.stem}", query))
    assert found[0] == found[1]
    assert {row[3:5] for row in found[0]} == {
        ("client", "unset"),
        ("server", "unset"),
        ("server", "ok"),
        ("server", "error"),
    }


def test_facts_follow_kind_and_temporality(tmp_path):
    _, session = imported(
        tmp_path,
        metric("gauge", {"asInt": "1"}, name="g"),
        metric("sum", {"asInt": "1"}, name="c", aggregationTemporality=2, isMonotonic=True),
        metric("sum", {"asInt": "1"}, name="d", aggregationTemporality=1, isMonotonic=True),
        metric("sum", {"asInt": "1"}, name="u", aggregationTemporality=2),
        metric("histogram", {"count": "1", "sum": 2}, name="h", aggregationTemporality=1),
        metric("summary", {"count": "1", "quantileValues": [{"quantile": 0.5, "value": 2}]}, name="s", unit="By"),
        metric("sum", {"asInt": "1"}, name="both", aggregationTemporality=2, isMonotonic=True),
        metric("gauge", {"asInt": "1"}, name="both"),
        spans(span()),
    )
    facts = {name: (one["kind"], one["is_aggregate"]) for name, one in session["metric_facts"].items()}
    assert facts == {
        "g": ("gauge", False),
        "c": ("counter", True),
        "d": ("event", True),
        "u": ("gauge", True),
        "h_count": ("event", True),
        "h_sum": ("event", True),
        "s_count": ("counter", True),
        "s_p50": ("gauge", True),
        "both": ("gauge", True),
        "span_duration": ("duration", False),
    }


def test_numbers_of_64_bits_stay_exact_or_are_refused(tmp_path):
    exact = [str(2**53 + 2), str(-(2**63)), "9007199254740992"]
    store, _ = imported(tmp_path, metric("gauge", *({"asInt": text} for text in exact)))
    assert [int(value) for (value,) in rows_of(store, "SELECT value FROM measurements ORDER BY sequence")] == [
        int(text) for text in exact
    ]
    with pytest.raises(SourceError, match="9007199254740993 does not fit float64 without loss"):
        imported(tmp_path, metric("gauge", {"asInt": str(2**53 + 1)}))
    long = spans(span(2**53 + 1))
    with pytest.raises(SourceError, match="does not fit float64 without loss"):
        imported(tmp_path, long)
    store, _ = imported(tmp_path, spans(span(attributes=[kv("seq", intValue=str(2**63 - 1)), kv("n", intValue=7)])))
    assert rows_of(store, "SELECT seq, n FROM measurements") == [(str(2**63 - 1), "7")]


def test_what_holds_no_value_is_lost(tmp_path):
    store, _ = imported(
        tmp_path,
        metric("gauge", {"asInt": "1"}, {"flags": 1}, {"asDouble": 2.5, "flags": 1}, {"asDouble": "NaN"}),
        metric("histogram", {"count": "0", "flags": 1}),
        spans(span(endTimeUnixNano="0"), span(), {"name": "y", "startTimeUnixNano": str(T0)}),
    )
    values = [value for (value,) in rows_of(store, "SELECT value FROM measurements ORDER BY sequence")]
    assert values[:3] == [1, None, None]
    assert math.isnan(values[3])
    assert values[4:] == [None, 250, None]


def test_attributes_of_a_resource_and_of_a_point_do_not_mix(tmp_path):
    resource = {"attributes": [kv("service.name", stringValue="a"), kv("x", stringValue="outer")]}
    own = [kv("x", stringValue="own"), kv("service.name", stringValue="b"), kv("resource.x", boolValue=True)]
    store, _ = imported(tmp_path, spans(span(attributes=own), **resource), spans(span(attributes=own)))
    query = (
        'SELECT service, "service.name", x, "resource.x", "attributes.resource.x" FROM measurements ORDER BY sequence'
    )
    assert rows_of(store, query) == [("a", "b", "own", "outer", "true"), (None, "b", "own", "true", None)]


def test_older_names_of_scopes_are_read(tmp_path):
    old = {"instrumentationLibrary": {"name": "lib", "version": "1"}, "spans": [span()]}
    store, session = imported(tmp_path, {"resourceSpans": [{"instrumentationLibrarySpans": [old]}]})
    assert rows_of(store, "SELECT scope_name, scope_version, value FROM measurements") == [("lib", "1", 250)]
    assert "warnings" not in session["origin"]


def test_what_is_not_used_is_counted(tmp_path):
    point = {"asInt": "1", "exemplars": [{"asDouble": 2.5, "timeUnixNano": "7"}], "zusatz": 3}
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "x"}}, {"severityNumber": 9}]}]}]}
    own = [kv("a", stringValue="x", zusatz=4)]
    given = span(
        attributes=own, events=[{"name": "e", "timeUnixNano": "5"}], links=[{"traceId": "00"}], traceState="a=b"
    )
    _, session = imported(tmp_path, metric("gauge", point), spans(given), logs, {"resourceProfiles": [{"x": [1, 2]}]})
    where, of_spans = (
        "resourceMetrics[].scopeMetrics[].metrics[].gauge.dataPoints[]",
        "resourceSpans[].scopeSpans[].spans[]",
    )
    assert session["origin"]["ignored"] == {
        f"{where}.exemplars.**": 2,
        f"{where}.zusatz": 1,
        "resourceLogs.**": 2,
        "resourceProfiles[].x[]": 2,
        f"{of_spans}.attributes[].value.zusatz": 1,
        f"{of_spans}.events.**": 2,
        f"{of_spans}.links.**": 1,
        f"{of_spans}.traceState": 1,
    }
    (warning,) = session["origin"]["warnings"]
    names = f"{where}.zusatz, resourceProfiles[].x[], {of_spans}.attributes[].value.zusatz"
    assert warning == f"holds 4 numbers that were not imported: {names}"


def test_of_a_file_that_is_cut_off_what_is_whole_is_taken(tmp_path):
    whole = (HARNESS_FILES / "otlp" / "sdk.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    path = tmp_path / "cut.jsonl"
    path.write_bytes(b"".join(lines[:4]) + lines[4][:777])
    import_sessions(path, tmp_path / "store")
    (session,) = list_sessions(tmp_path / "store")
    assert session["measurement_count"] == len(rows(b"".join(lines[:4]).decode()))
    assert "is cut off within the document that ends in line 5, which is left out" in session["origin"]["warnings"]
    path.write_bytes(lines[0][:777])
    with pytest.raises(SourceError, match=r"cut\.jsonl: line 1: .*; the file may be cut off"):
        import_sessions(path, tmp_path / "other")


BAD = [
    (metric("gauge", {"asInt": "1", "timeUnixNano": "yesterday"}), "document 1: 'yesterday' is no time"),
    (metric("gauge", {"asInt": "1", "timeUnixNano": str(2**63)}), "document 1: '9223372036854775808' is no time"),
    (metric("gauge", {"asInt": "1", "timeUnixNano": "-5"}), "document 1: '-5' is no time"),
    (metric("gauge", {"asInt": "one"}), "column 'value': 'one' is no number"),
    (
        metric("histogram", {"bucketCounts": ["1"], "explicitBounds": [1]}),
        "document 1: has 1 counts of bins for 1 bounds",
    ),
    (metric("histogram", {"bucketCounts": ["x", "1"], "explicitBounds": [1]}), "document 1: has 'x' where an integer"),
    (metric("exponentialHistogram", {"scale": 10**9}), "document 1: has the scale 1000000000"),
    (metric("summary", {"quantileValues": [{"quantile": 7}]}), "document 1: has the quantile 7"),
    (spans(7), "document 1: a span or data point is no JSON object"),
    (spans(span(attributes=[kv("a", intValue=1), kv("a", intValue=2)])), "document 1: has the attribute 'a' twice"),
    (spans(span(attributes=[kv("a", stringValue="\ud800")])), "document 1: .* half of a surrogate pair"),
    (spans(span(), attributes=[kv("a", stringValue="\ud800")]), "document 1: holds half of a surrogate pair"),
]


@pytest.mark.parametrize(("document", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_what_cannot_be_read_is_named(tmp_path, document, reason):
    with pytest.raises(SourceError, match=rf"x\.jsonl: {reason}"):
        imported(tmp_path, document)


def test_rows_do_not_depend_on_how_the_file_is_written(tmp_path):
    text = (HARNESS_FILES / "otlp" / "sdk.jsonl").read_text(encoding="utf-8")
    query = "SELECT * EXCLUDE (session_id) FROM measurements ORDER BY sequence"
    found = []
    for indent in (None, 2):
        store, _ = imported(tmp_path, *documents(text), indent=indent)
        found.append(rows_of(store, query))
    assert found[0] == found[1]


def test_a_document_of_hostile_size_is_refused(tmp_path, monkeypatch):
    reader = load_reader("otlp")
    monkeypatch.setattr(reader, "_MOST_DOCUMENT_BYTES", 1 << 20)
    path = tmp_path / "x.json"
    path.write_text('{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "' + "x" * (3 << 20), encoding="utf-8")
    with pytest.raises(SourceError, match="document 1 has more than 1 MiB; write each batch of telemetry as a line"):
        list(reader.read(path, Told()))
