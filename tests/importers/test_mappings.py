"""Mappings: any CSV or NDJSON is imported by naming its columns."""

from __future__ import annotations

import json
import re

import pytest
from harness_files import write_k6
from samples import rows_of

from pipeline import SourceError, UsageError, import_sessions, list_sessions

MAPPED_LINES = """\
{"ts": 1767225600.5, "v": 1, "kind": "é,\\"\\n"}
{"v": null, "ts": 1767225601}
{"ts": 1767225602, "other": [1]}
"""
MAPPED = [
    (
        "t,latency,kind\n2026-01-01T00:00:00Z,1.5,a\n2026-01-01T00:00:01Z,,b\n",
        ["value=latency:ms", "time=t"],
        [("latency", 1.5, "ms", 0, "a"), ("latency", None, "ms", 1000, "b")],
    ),
    (
        "kind;m;v;u\na;cpu;3;%\n",
        ["value=v", "metric=m", "unit=u"],
        [("cpu", 3.0, "%", 0, "a")],
    ),
    (
        "s,a:b,c,kind\n0.25,1,2,x\n",
        ["value=a:b:", "value=c:By", "offset=s:s"],
        [("a:b", 1.0, None, 250, "x"), ("c", 2.0, "By", 250, "x")],
    ),
    (
        MAPPED_LINES,
        ["value=v:ms", "time=ts:s"],
        [("v", 1.0, "ms", 500, 'é,"\n'), ("v", None, "ms", 1000, None)],
    ),
]


@pytest.mark.parametrize(("text", "mapping", "expected"), MAPPED)
def test_any_csv_or_ndjson_is_imported_by_a_mapping(tmp_path, text, mapping, expected):
    (tmp_path / "run.dat").write_text(text)
    import_sessions(tmp_path / "run.dat", tmp_path / "store", mapping=mapping, started_at="2026-01-01T00:00:00Z")
    query = """SELECT metric, value, unit, epoch_ms(timestamp) - epoch_ms(TIMESTAMPTZ '2026-01-01 00:00:00Z'), kind
               FROM measurements ORDER BY sequence"""
    assert rows_of(tmp_path / "store", query) == expected


TYPED = [
    ([1, 2, None], "BIGINT", [1, 2, None]),
    ([1, 2.5, None], "DOUBLE", [1.0, 2.5, None]),
    ([True, None, False], "BOOLEAN", [True, None, False]),
    ([1, True, "x"], "VARCHAR", ["1", "true", "x"]),
    ([1, [2], None], "VARCHAR", ["1", "[2]", None]),
    ([None, None, None], "VARCHAR", [None, None, None]),
    ([-(2**63), 2**63 - 1, 0], "BIGINT", [-(2**63), 2**63 - 1, 0]),
]


@pytest.mark.parametrize("distance", [0, 20_000])
@pytest.mark.parametrize(("given", "kind", "expected"), TYPED)
def test_attributes_of_mapped_ndjson_keep_their_type(tmp_path, given, kind, expected, distance):
    rows = [{"v": 1, "x": given[0]}] * (distance + 1) + [{"v": 1, "x": value} for value in given[1:]]
    (tmp_path / "run.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_sessions(tmp_path / "run.ndjson", tmp_path / "store", mapping=["value=v"])
    query = f"SELECT x, typeof(x) FROM measurements WHERE sequence = 0 OR sequence > {distance} ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [(value, kind) for value in expected]


@pytest.mark.parametrize("values", [[2**63], [1.5, 2**53 + 1], [1.5, "1e999"]])
def test_attributes_that_do_not_fit_are_refused(tmp_path, values):
    lines = "".join(f'{{"v": 1, "x": {value}}}\n' for value in values)
    (tmp_path / "run.ndjson").write_text(lines)
    with pytest.raises(SourceError, match=r"attribute 'x': .*(does not fit|beyond the range)"):
        import_sessions(tmp_path / "run.ndjson", tmp_path / "store", mapping=["value=v"])


@pytest.mark.parametrize(
    ("mapping", "phrase"),
    [
        (["value=latenzy"], "has no column 'latenzy'; did you mean 'latency'"),
        (["time=t"], "say which column is the value"),
        (["valu=latency"], "did you mean 'value'"),
        (["value"], "names no column"),
        (["value=latency", "time=t", "time=t"], "given twice"),
        (["value=latency", "offset=t"], "in which unit"),
        (["value=latency", "time=t:h"], "units of time"),
        (["value=latency", "value=t", "metric=t"], "metric of one value"),
        (["value=latency", "time=t", "offset=t:s"], "one of them"),
    ],
)
def test_a_mapping_that_does_not_fit_is_told(tmp_path, mapping, phrase):
    (tmp_path / "run.csv").write_text("t,latency\n1,2\n")
    with pytest.raises((SourceError, UsageError), match=re.escape(phrase)):
        import_sessions(tmp_path / "run.csv", tmp_path / "store", mapping=mapping)


def test_a_mapping_that_no_record_fits_is_told(tmp_path):
    (tmp_path / "run.ndjson").write_text('{"rtt": 1.5}\n{"rtt": 2.5}\n')
    with pytest.raises(SourceError, match=r"run\.ndjson: no record has 'rt'; did you mean 'rtt'"):
        import_sessions(tmp_path / "run.ndjson", tmp_path / "store", mapping=["value=rt"])
    assert not (tmp_path / "store").exists()


def test_a_path_with_signs_of_a_pattern_is_a_path(tmp_path):
    path = write_k6(tmp_path / "a [1]*'\"; x" / "run?.json")
    import_sessions(path, tmp_path / "store")
    assert len(list_sessions(tmp_path / "store")) == 1
