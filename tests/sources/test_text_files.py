"""Files of text, and files of Polars: what their values are taken for."""

from __future__ import annotations

import json
import struct

import polars as pl
import pytest
import zstandard
from directories import only
from plain_files import TWO_SESSIONS, as_stored, comparable, csv_text, stored_rows, stored_table, write_rows
from samples import row, write_ndjson

from pipeline import SourceError, export_measurements, import_sessions


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "20", "-3"], "int64"),
        (["0", "9223372036854775807", "-9223372036854775808"], "int64"),
        (["1.5", "-0.0", "1e-07", "1e+16", "NaN", "inf", "-inf"], "double"),
        (["true", "false"], "bool"),
        (["007", "1"], "string"),
        (["1.10", "2.5"], "string"),
        (["+1", "2"], "string"),
        (["1e5", "2.5"], "string"),
        (["-0", "1"], "string"),
        (["1.", "2"], "string"),
        ([".5", "2"], "string"),
        (["0x10", "2"], "string"),
        (["1_000", "2"], "string"),
        (["\N{ARABIC-INDIC DIGIT ONE}", "2"], "string"),
        (["9223372036854775808", "1"], "string"),
        (["9007199254740993", "1.5"], "string"),
        (["0.1000000000000000055511151231257827", "1.5"], "string"),
        (["NaN", "robot"], "string"),
        (["inf", "x"], "string"),
        (["nan", "1.5"], "string"),
        (["Infinity", "1.5"], "string"),
        (["1e999", "1.5"], "string"),
        (["True", "false"], "string"),
        (["true", "1"], "string"),
        (["null", "1"], "string"),
        ([" 1", "2"], "string"),
        (["1 ", "2"], "string"),
        (["", "1"], "string"),
        (["2026-11-24T16:00:00Z", "2026-11-24"], "string"),
    ],
    ids=str,
)
def test_a_text_of_csv_is_a_number_only_where_it_is_written_as_we_write_it(tmp_path, texts, kind):
    rows = [row("s1", i, x=text) for i, text in enumerate([*texts, None])]
    import_sessions(write_rows(tmp_path / "a.csv", rows), tmp_path / "store")
    column = stored_table(tmp_path / "store").column("x")
    assert str(column.type) == kind
    if kind == "string":
        assert column.to_pylist() == [*texts, None]
    else:
        # Written out again, each is the text it was.
        export_measurements(tmp_path / "store", tmp_path / "out", format="csv", columns=["x", "sequence"])
        lines = only(tmp_path / "out", "measurements_*").read_text(encoding="utf-8").splitlines()[1:]
        assert lines == [f"{text},{i}" for i, text in enumerate([*texts, ""])]


@pytest.mark.parametrize("text", ["1e400", "-1e400", "1" + 400 * "0"], ids=["1e400", "-1e400", "400 digits"])
@pytest.mark.parametrize("name", ["a.csv", "a.ndjson"])
def test_a_value_beyond_float64_is_refused_and_not_made_infinite(tmp_path, name, text):
    write_rows(tmp_path / name, [row("s1", 0), row("s1", 1, value=0.125)])
    path = tmp_path / name
    path.write_text(path.read_text(encoding="utf-8").replace("0.125", text), encoding="utf-8")
    place = "line 2" if name == "a.ndjson" else "line 3"
    with pytest.raises(SourceError, match=rf"{name}: {place}: column 'value': .*(beyond the range of|not fit) float64"):
        import_sessions(path, tmp_path / "store")
    report = import_sessions(path, tmp_path / "store", skip_bad=True)
    assert (report.rows, report.skipped_rows) == (1, 1)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("before", [1, 3000])
def test_a_bad_value_of_csv_is_named_by_its_line_in_the_file(tmp_path, before, end):
    header = "session_id,sequence,timestamp,metric,value,unit,note"
    good = f's1,{{}},2026-11-24T16:00:00Z,m,1.5,ms,"a ""quote"",{end}{end}and line ends"'
    rows = [good.format(n) for n in range(before)]
    bad = good.format(before).replace("1.5", "fast")
    text = end.join([header, "", *rows, "", bad, ""])
    (tmp_path / "a.csv").write_bytes(text.encode())
    line = text[: text.index("s1," + str(before) + ",")].count("\n") + 1
    with pytest.raises(SourceError, match=rf"a\.csv: line {line}: column 'value': 'fast' is not a number"):
        import_sessions(tmp_path / "a.csv", tmp_path / "store")


def test_infinity_of_csv_is_what_its_name_says(tmp_path):
    rows = [row("s1", n, value=text) for n, text in enumerate(["inf", "-inf", "Infinity", "-Infinity", "1.5"])]
    import_sessions(write_rows(tmp_path / "a.csv", rows), tmp_path / "store")
    infinite = comparable(float("inf"))
    assert [r["value"] for r in stored_rows(tmp_path / "store")].count(infinite) == 2


SKIPPABLE = struct.pack("<II", 0x184D2A50, 4) + b"size"


@pytest.mark.parametrize("name", ["a.csv", "a.ndjson"])
def test_zstd_may_have_several_frames_and_some_to_pass_over(tmp_path, name):
    rows = [row("s1", n, note="x" * 1000) for n in range(5000)]
    data = write_rows(tmp_path / name, rows).read_bytes()
    parts = [data[at : at + 1_500_001] for at in range(0, len(data), 1_500_001)]
    path = tmp_path / f"{name}.zst"
    path.write_bytes(b"".join(SKIPPABLE + zstandard.compress(part) for part in parts))
    import_sessions(path, tmp_path / "store")
    assert len(parts) > 2
    assert stored_rows(tmp_path / "store") == as_stored(rows)


def test_the_empty_string_of_csv_is_no_null(tmp_path):
    text = (
        "session_id,sequence,timestamp,metric,value,unit,x,y\n"
        's1,0,2026-11-24T16:00:00Z,m,,"","",\n'
        's1,1,2026-11-24T16:00:00Z,m,1.5,,,""\n'
    )
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    import_sessions(tmp_path / "a.csv", tmp_path / "store")
    rows = [(r["value"], r["unit"], r["x"], r["y"]) for r in stored_rows(tmp_path / "store")]
    assert rows == [(None, "", "", None), (comparable(1.5), None, None, "")]


def test_a_text_attribute_of_the_store_stays_text_in_csv(tmp_path):
    import_sessions(write_ndjson(tmp_path / "a.ndjson", [row("s1", 0, robot="r1")]), tmp_path / "store")
    import_sessions(write_rows(tmp_path / "b.csv", [row("s2", 0, robot="42")]), tmp_path / "store")
    assert [r["robot"] for r in stored_rows(tmp_path / "store")] == ["r1", "42"]


@pytest.mark.parametrize("name", ["a.csv", "a.ndjson"])
def test_a_text_may_be_longer_than_any_block(tmp_path, name):
    rows = [row("s1", 0, note="x"), row("s1", 1, note="ü" * 3_000_000), row("s1", 2, note="y")]
    import_sessions(write_rows(tmp_path / name, rows), tmp_path / "store")
    assert stored_rows(tmp_path / "store") == as_stored(rows)


def test_a_csv_file_may_have_a_byte_order_mark_and_windows_line_ends(tmp_path):
    rows = [row("s1", 0, x="a"), row("s1", 1, x="b\nc")]
    data = csv_text(rows).replace("\n", "\r\n").replace("b\r\nc", "b\nc")
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + data.encode())
    import_sessions(tmp_path / "a.csv", tmp_path / "store")
    assert stored_rows(tmp_path / "store") == as_stored(rows)


def test_lines_may_lack_keys_be_blank_and_have_them_in_any_order(tmp_path):
    first = '{"x": 1, "value": null, "metric": "m", "sequence": 0, "session_id": "s1", '
    text = f'\ufeff{first}"timestamp": "2026-11-24T16:00:00Z"}}\n\n   \n' + json.dumps(row("s1", 1, y="z"))
    (tmp_path / "a.ndjson").write_text(text, encoding="utf-8")
    import_sessions(tmp_path / "a.ndjson", tmp_path / "store")
    rows = [(r["value"], r["unit"], r["x"], r["y"]) for r in stored_rows(tmp_path / "store")]
    assert rows == [(None, None, 1, None), (comparable(1.5), "ms", None, "z")]


def test_json_lines_is_another_name_of_ndjson(tmp_path):
    for name in ("a.ndjson", "a.jsonl"):
        import_sessions(write_rows(tmp_path / name, TWO_SESSIONS), tmp_path / f"{name}-store")
    stores = [stored_rows(tmp_path / f"{name}-store") for name in ("a.ndjson", "a.jsonl")]
    assert stores[0] == stores[1]


POLARS_FILES = {
    "a.arrow": lambda frame, path: frame.write_ipc(path),
    "compressed/a.arrow": lambda frame, path: frame.write_ipc(path, compression="zstd"),
    "sunk/a.arrow": lambda frame, path: frame.lazy().sink_ipc(path),
    "oldest/a.arrow": lambda frame, path: frame.write_ipc(path, compat_level=pl.CompatLevel.oldest()),
    "a.arrows": lambda frame, path: frame.write_ipc_stream(path),
    "a.parquet": lambda frame, path: frame.write_parquet(path),
}


@pytest.mark.parametrize("repeated", [pl.String, pl.Categorical, pl.Enum(["s1", "s2", "m", "é", "ms"])], ids=str)
@pytest.mark.parametrize("name", POLARS_FILES)
def test_files_of_polars_are_read(tmp_path, name, repeated):
    texts = ("session_id", "metric", "unit", "link")
    rows = [
        row(f"s{1 + i // 40}", i, metric="m", value=i / 7, unit="ms" if i % 3 else None, link="é" if i % 2 else None)
        for i in range(80)
    ]
    frame = pl.DataFrame(rows).with_columns(
        pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC"), pl.col(texts).cast(repeated)
    )
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    POLARS_FILES[name](frame, path)
    export_measurements(path, tmp_path / "out")
    (written,) = (tmp_path / "out").glob("measurements_*.ndjson")
    assert [json.loads(line) for line in written.read_text(encoding="utf-8").splitlines()] == rows
