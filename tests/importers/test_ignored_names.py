"""What an importer does not use of a file is counted by name, and told where it held numbers; rows are as before."""

from __future__ import annotations

import csv
import json
import re
import shutil
import threading
from collections import Counter

import pytest
from harness_files import REAL, documents, k6_point, lines
from program import pipeline
from project import HARNESS_FILES, SHARED

from pipeline import SourceError, UsageError, connect, import_sessions, list_sessions
from pipeline.importers.definition import built_in, parse_definition

STARTED = "2026-11-24T15:00:00Z"
# File, the object beside the samples (keys that lead to it), and a key of it that is read.
DOCUMENTS = {
    "asv/samples-v2.json": ([], "commit_hash"),
    "fio/randrw-4k.json": (["jobs", 0, "read"], "short_ios"),
    "google-benchmark/sort-copy-8reps.json": ([], "context"),
    "hyperfine/two-commands.json": (["results", 1], "mean"),
    "iperf3/tcp-1stream.json": (["intervals", 0, "streams", 0], "rtt"),
    "pytest-benchmark/json-sort.json": (["benchmarks", 0, "stats"], "median"),
    "webrtc-internals/loopback-av.json": (["PeerConnections"], None),
}
LINES = {
    "k6/steady-4s.json": "data",
    "getstats/loopback-100ms.ndjson": None,
}
# Of load tests, benchmarks and links: test_load_tools.py, test_micro_benchmark*.py, test_link_tools.py.
TRIED_ELSEWHERE = {"vegeta", "ab", "gatling", "h2load", "hdrhistogram", "hey", "mcap", "oha", "otlp", "wrk"} | {
    *("benchmarkdotnet", "criterion", "go-bench", "jmh", "pyperf"),
    *("cyclictest", "fping", "irtt", "mtr", "ping", "rtcstats", "sockperf"),
}
TABLES = {
    "jmeter/jmeter-2.13.jtl": None,
    "k6/steady-4s.csv": None,
    "locust/demo_stats.csv": "Failures/s",
    "locust/demo_stats_history.csv": "Total Request Count",
}


def given(name):
    """A harness file of the project's, or the same of the shared data."""
    return HARNESS_FILES / name


def imported(tmp_path, path, **options):
    store = tmp_path / f"store-{len(list(tmp_path.iterdir()))}"
    result = import_sessions([path], store, started_at=STARTED, timezone="UTC", **options)
    (session,) = list_sessions(store)
    with connect(store) as connection:
        rows = connection.execute("SELECT * EXCLUDE (session_id) FROM measurements ORDER BY sequence")
        names = [name for name, *_ in rows.description]
        return result, session["origin"], [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def write(path, value):
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def at(document, keys):
    for key in keys:
        document = document[key]
    return document


def name_of(keys):
    return "".join("[]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")


def all_names(value, path=""):
    """Count what is no container and not null by path, as plain Python sees it; keys here need no quotes."""
    if isinstance(value, dict):
        for key, held in value.items():
            yield from all_names(held, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for held in value:
            yield from all_names(held, f"{path}[]")
    elif value is not None:
        yield path


def test_every_importer_says_what_it_reads():
    silent = [one for one in built_in() if one.reads is None and not one.fields and one.reader is None]
    assert [one.name for one in silent if "unused" not in one.sections] == []


def test_every_kind_of_file_is_tried():
    tried = {name.split("/")[0] for name in (*DOCUMENTS, *LINES, *TABLES)}
    assert tried | TRIED_ELSEWHERE == {one.harness for one in built_in()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_counts_are_those_of_plain_python(tmp_path, name):
    _, origin, _ = imported(tmp_path, given(name))
    expected = Counter(all_names(documents(given(name))))
    told = {key: count for key, count in origin.get("ignored", {}).items() if "*" not in key and '"' not in key}
    # An element that is told by its number is no name that Python's walk knows.
    told = {key: count for key, count in told.items() if "results" not in key or "asv" not in name}
    assert told == {key: expected[key] for key in told}
    assert "warnings" not in origin


@pytest.mark.parametrize("name", DOCUMENTS)
def test_numbers_under_a_new_key_are_told(tmp_path, name):
    beside, _ = DOCUMENTS[name]
    before, _, rows = imported(tmp_path, given(name))
    document = documents(given(name))
    document["zz top"] = {"a.b": [1, 2.5, "text", None]}
    at(document, beside)["zz"] = {"x": [7, True]} if "webrtc" in name else 7
    if "asv" in name:
        shutil.copy(given("asv/benchmarks.json"), tmp_path)
    result, origin, changed = imported(tmp_path, write(tmp_path / given(name).name, document))
    assert changed == rows
    nested = {"webrtc-internals/loopback-av.json": "PeerConnections.*.x[]"}.get(name, name_of([*beside, "zz"]))
    assert origin["ignored"]['"zz top"."a.b"[]'] == 3
    assert origin["ignored"][nested] == (2 if "webrtc" in name else 1)
    (warning,) = set(result.warnings) - set(before.warnings)
    assert warning.endswith(f'holds 3 numbers that were not imported: "zz top"."a.b"[], {nested}')
    assert warning.split(": ", 1)[1] in origin["warnings"]


@pytest.mark.parametrize("name", [name for name, (_, key) in DOCUMENTS.items() if key is not None])
def test_a_key_of_another_name_is_told(tmp_path, name):
    beside, key = DOCUMENTS[name]
    document = documents(given(name))
    held = at(document, beside)
    held["renamed"] = held.pop(key)
    path = write(tmp_path / given(name).name, document)
    result = pipeline("import", path, "--to", tmp_path / "store", "--started-at", STARTED)
    if result.status:  # it is no such file any more
        assert result.err.count("\n") == 1
        return
    _, origin, _ = imported(tmp_path, path)
    assert any(told.startswith(name_of([*beside, "renamed"])) for told in origin["ignored"])
    assert "renamed" in result.err


@pytest.mark.parametrize("name", LINES)
def test_keys_of_lines_are_told(tmp_path, name):
    _, _, rows = imported(tmp_path, given(name))
    records = lines(given(name))
    for record in records[3:]:
        (record[LINES[name]] if LINES[name] else record)["zz"] = {"deep": [1, 2]}
    path = tmp_path / given(name).name
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    result, origin, changed = imported(tmp_path, path)
    assert changed == rows
    count = len(records) - 3
    # The compiled reader of fields tells a key, and nothing of what is below it.
    expected = {"data.zz": count} if LINES[name] else {"zz.deep[]": 2 * count}
    assert expected.items() <= origin["ignored"].items()
    assert result.warnings == (f"{path}: holds {2 * count:,} numbers that were not imported: {next(iter(expected))}",)


def with_column(path, to, name, values):
    with path.open(encoding="utf-8", newline="") as file:
        records = list(csv.reader(file))
    with to.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow([*records[0], name])
        out.writerows([*record, values[n % len(values)]] for n, record in enumerate(records[1:]))
    return to, len(records) - 1


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_told_or_become_attributes(tmp_path, name):
    _, _, rows = imported(tmp_path, given(name))
    path, count = with_column(given(name), tmp_path / given(name).name, "zz", ["1.5", "x", ""])
    result, origin, changed = imported(tmp_path, path)
    if TABLES[name] is None:
        assert {row["zz"] for row in changed} == {"1.5", "x", None}
        assert [{k: v for k, v in row.items() if k != "zz"} for row in changed] == rows
        assert "ignored" not in origin
        assert result.ignored == {}
        return
    assert changed == rows
    numbers = len(range(0, count, 3))
    assert origin["ignored"] == {"zz": numbers + len(range(1, count, 3))}
    were = "number that was" if numbers == 1 else "numbers that were"
    assert result.warnings == (f"{path}: holds {numbers} {were} not imported: zz",)


@pytest.mark.parametrize("name", [name for name, column in TABLES.items() if column is not None])
def test_a_column_of_another_name_is_told(tmp_path, name):
    text = given(name).read_text(encoding="utf-8")
    path = tmp_path / "x.csv"
    path.write_text(text.replace(TABLES[name], "Other", 1), encoding="utf-8")
    result, origin, _ = imported(tmp_path, path)
    assert list(origin["ignored"]) == ["Other"]
    assert result.warnings[0].endswith("numbers that were not imported: Other")


def test_keys_that_stand_twice_are_told(tmp_path):
    if not (SHARED / "reports").is_dir():
        pytest.skip("the shared data is not here")
    result, origin, _ = imported(tmp_path, SHARED / "reports" / "duplicate-keys" / "two-filenames.json")
    name = 'jobs[]."job options".filename (again)'
    assert origin["ignored"][name] == 1
    assert result.warnings[0].endswith(f"in the same object, where one value alone counts: {name}")
    # iperf3 3.7 writes sums twice, which are left out anyway.
    result, origin, _ = imported(tmp_path, SHARED / "reports" / "iperf3-bidir" / "bidir-3.7.json")
    assert origin["ignored"]["intervals[].sum (again)"] == 2
    assert result.warnings == ()


def test_a_hundred_names_are_kept_and_those_with_numbers_first(tmp_path):
    document = documents(given("hyperfine/two-commands.json"))
    document |= {f"a{n:03}": "text" for n in range(150)} | {f"z{n}": n for n in range(7)}
    path = write(tmp_path / "x.json", document)
    result, origin, _ = imported(tmp_path, path)
    assert len(origin["ignored"]) == 100
    assert list(origin["ignored"]) == sorted(origin["ignored"])
    assert {f"z{n}" for n in range(7)} < origin["ignored"].keys()
    assert origin["ignored_more"] == 57
    assert result.ignored[str(path)].count == 157
    assert result.warnings == (
        f"{path}: holds 7 numbers that were not imported: z0, z1, z2, z3, z4 and 2 more, see origin.ignored",
    )


def test_the_report_says_so_by_file(tmp_path):
    path = write(tmp_path / "x.json", documents(given("hyperfine/two-commands.json")) | {"b": "c", "d\n\x1b": 1})
    result = pipeline("import", path, "--to", tmp_path / "a", "--started-at", STARTED)
    warning, told = result.err.splitlines()
    assert warning == f'pipeline: warning: {path}: holds 1 number that was not imported: "d\\n\\u001b"'
    assert told.startswith(f"{path}: hyperfine, ")
    assert told.endswith("; 2 names not used (origin.ignored of its session has them)")
    as_json = pipeline("import", path, "--to", tmp_path / "b", "--started-at", STARTED, "--json")
    assert json.loads(as_json.out)["ignored"] == {str(path): {"names": {"b": 1, '"d\\n\\u001b"': 1}, "more": 0}}
    report = import_sessions([path], tmp_path / "c", started_at=STARTED)
    assert "; 2 names not used" in report._repr_html_()


def test_metadata_of_k6_is_counted(tmp_path):
    point = k6_point()
    point["data"]["metadata"] = {"trace_id": "abc"}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(point) + "\n", encoding="utf-8")
    result, origin, _ = imported(tmp_path, path)
    assert (origin["ignored"], result.warnings) == ({"data.metadata": 1}, ())


def test_what_vegeta_sends_and_gets_is_counted(tmp_path):
    record = {"attack": "", "seq": 0, "code": 200, "timestamp": "2026-11-24T16:00:00Z", "latency": 5, "bytes_in": 1}
    record |= {
        "bytes_out": 0,
        "error": "",
        "body": "YQ==",
        "method": "GET",
        "url": "http://x/",
        "headers": {"a": ["b"]},
    }
    path = tmp_path / "x.json"
    path.write_text(json.dumps(record) + "\n" + json.dumps(record | {"retries": 3}) + "\n", encoding="utf-8")
    result, origin, _ = imported(tmp_path, path)
    assert origin["ignored"] == {"body": 2, "headers": 2, "retries": 1}
    assert result.warnings == (f"{path}: holds 1 number that was not imported: retries",)
    path = tmp_path / "x.csv"
    path.write_text("1795543196000000000,200,5,0,1,,YQ==,a,0,GET,http://x/,YTogYg==\n", encoding="utf-8")
    result, origin, _ = imported(tmp_path, path)
    assert (origin["ignored"], result.warnings) == ({"body": 1, "headers": 1}, ())


def test_of_documents_each_is_told(tmp_path):
    one = documents(given("iperf3/tcp-1stream.json"))
    path = tmp_path / "x.json"
    path.write_text(json.dumps(one) + json.dumps(one | {"new": 5}), encoding="utf-8")
    result = import_sessions([path], tmp_path / "store")
    assert list(result.ignored) == [f"{path}: document 1", f"{path}: document 2"]
    assert "new" not in result.ignored[f"{path}: document 1"].names
    assert result.ignored[f"{path}: document 2"].names["new"] == 1


OWN = """-- format: json
{head}
-- name: measurements
SELECT 'x' AS metric, (json->>'x')::DOUBLE AS value, '1' AS unit FROM document
"""


@pytest.mark.parametrize(
    ("head", "ignored"),
    [
        ("", None),
        ("-- reads: x", {"y.a[]": 2, "y.b": 1, "z": 1}),
        ("-- reads: x\n-- leaves: y.**, z", {"y.**": 3, "z": 1}),
        ("-- reads: x, y.a|b, y.*[0]", {"y.a[]": 1, "z": 1}),
        ("-- reads: * NUMBERS", {"y.a[]": 2, "y.b": 1, "z": 1}),
        ("-- reads: * FIGURES, y.*, y.*[]", None),
        ("-- reads: **", None),
    ],
)
def test_own_importers_are_taken_at_their_word(tmp_path, head, ignored):
    (tmp_path / "own.sql").write_text(OWN.format(head=head), encoding="utf-8")
    path = write(tmp_path / "x.json", {"x": 1, "y": {"a": [1, 2], "b": 3}, "z": True, "n": None})
    _, origin, rows = imported(tmp_path, path, importer=str(tmp_path / "own.sql"))
    assert [row["value"] for row in rows] == [1.0]
    assert origin.get("ignored") == ignored


@pytest.mark.parametrize(
    "line",
    [
        "reads: a..b",
        "reads: a,",
        "reads: .a",
        "leaves: a[x]",
        "leaves: a b",
        "reads: a.**.b",
        "leaves: * NUMBERS",
        "reads:",
    ],
)
def test_a_line_that_cannot_be_read_is_refused(line):
    with pytest.raises(UsageError, match=r"^own: '-- (reads|leaves):"):
        parse_definition(OWN.format(head=f"-- {line}"), name="own")


def test_variables_of_jmeter_never_take_the_place_of_its_columns(tmp_path):
    names = ["metric", "value", "unit", "text", "timestamp", "LABEL", "response_code", "attributes", "session_id"]
    path = tmp_path / "x.jtl"
    header = f"timeStamp,elapsed,label,responseCode,success,{','.join(names)}"
    values = ",".join(f"v{n}" for n in range(len(names)))
    path.write_text(f"{header}\n1795543196000,12,a,200,true,{values}\n", encoding="utf-8")
    result, _, (row,) = imported(tmp_path, path)
    assert (row["metric"], row["value"], row["unit"], row["label"], row["response_code"]) == (
        ("elapsed", 12.0, "ms", "a", "200")
    )
    free = {"text", "attributes"}
    for n, name in enumerate(names):
        assert row[name if name in free else f"attribute_{name}"] == f"v{n}"
    assert result.warnings == ()


def test_tags_of_k6_in_any_order_are_the_same(tmp_path):
    tags = ["b=1&a=2", "a=2&b=1", "b=1", "url=http://x/?q=1&a=2", "z&y=1", ""]
    path = tmp_path / "x.csv"
    records = "".join(f"vus,1795543196,1,{one}\n" for one in tags)
    path.write_text(f"metric_name,timestamp,metric_value,extra_tags\n{records}", encoding="utf-8")
    _, _, rows = imported(tmp_path, path)
    assert [row["extra_tags"] or "" for row in rows] == ["a=2&b=1", "a=2&b=1", *tags[2:]]


def test_percentiles_that_users_choose_are_read(tmp_path):
    path = REAL / "locust" / "grpc-full-history_stats_history.csv"
    if not path.exists():
        pytest.skip("the shared data is not here")
    result, _, rows = imported(tmp_path, path)
    with path.open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    for column in ("60%", "70%", "99%"):
        expected = [float(record[column]) for record in records if record[column] != "N/A"]
        metric = f"response_time_p{column[:-1]}"
        assert [row["value"] for row in rows if row["metric"] == metric] == expected
    assert result.ignored == {}


def test_names_of_a_large_file_are_counted_beside_its_rows(tmp_path):
    (tmp_path / "own.sql").write_text(
        "-- format: ndjson\n-- reads: a\n"
        "-- name: measurements\nSELECT 'm' AS metric, json->>'$.a' AS value FROM records"
    )
    count = 100_000
    (tmp_path / "x.ndjson").write_text('{"a": 1, "b": {"c": [1, "x", null]}}\n' * count + '{"d": [1, 2]}\n')
    result, origin, rows = imported(tmp_path, tmp_path / "x.ndjson", importer=str(tmp_path / "own.sql"))
    assert len(rows) == count + 1
    assert origin["ignored"] == {"b.c[]": 2 * count, "d[]": 2}
    assert "holds 100,002 numbers that were not imported: b.c[], d[]" in result.warnings[0]


def test_a_large_file_that_is_refused_leaves_no_thread(tmp_path):
    line = given("getstats/loopback-100ms.ndjson").read_text().splitlines()[0]
    count = (4 << 20) // len(line)
    (tmp_path / "x.ndjson").write_text((line + "\n") * count + "{\n")
    with pytest.raises(SourceError, match=f"line {count + 1}: "):
        import_sessions(tmp_path / "x.ndjson", tmp_path / "store", importer="getstats")
    assert not [one.name for one in threading.enumerate() if one.name.startswith("names")]


def test_long_names_are_shortened(tmp_path):
    nested = {"k" * 5000: 1}
    for n in range(300):
        nested = {f"deep{n}": [nested], f"beside{n}": 2}
    document = documents(given("hyperfine/two-commands.json")) | {"new": nested}
    result, origin, _ = imported(tmp_path, write(tmp_path / "x.json", document))
    assert max(map(len, origin["ignored"])) <= 210
    assert len(result.warnings[0]) < 1500


def test_series_of_texts_are_named_and_one_of_a_name_without_its_report_is_kept(tmp_path):
    path = HARNESS_FILES / "webrtc-internals/loopback-av.json"
    text = path.read_text(encoding="utf-8")
    numbers = re.search(r'"([^"]+-packetsReceivedWithCe)": \{', text)[1]
    (tmp_path / "x.json").write_text(text.replace(f'"{numbers}"', '"renamed"'), encoding="utf-8")
    import_sessions(tmp_path / "x.json", tmp_path / "store")
    (session,) = list_sessions(tmp_path / "store")
    assert "PeerConnections.*.stats.*-networkType" in session["origin"]["ignored"]
    assert [name for name in session["metrics"] if name.endswith(".renamed")]
    assert not [name for name in session["metrics"] if name.endswith(".")]
