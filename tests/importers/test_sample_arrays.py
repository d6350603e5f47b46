"""Arrays of samples that importers cut out of documents: every sample, in its order, in memory that does not follow."""

from __future__ import annotations

import gzip
import json
import math
import random
import subprocess
import sys

import pyarrow as pa
import pytest
from samples import rows_of

from pipeline import SourceError, UsageError, import_sessions
from pipeline.importers.expansion import NUMBER, Expansion
from pipeline.importers.measurements import BATCH_ROWS
from pipeline.importers.samples import CutDocument, parse_samples
from pipeline.native import ElementTexts

OWN_SQL = """\
-- format: json
-- samples: runs[].times[round], runs[].codes[]

-- name: measurements
SELECT 'time' AS metric, NULL AS value, 's' AS unit, run->>'name' AS name,
       {value: run->'times', code: (run->'codes')::BIGINT} AS samples, number * 1000000000 AS offset_ns
FROM (SELECT unnest(json_extract(json, '$.runs[*]')) AS run,
             unnest(range(json_array_length(json, '$.runs')::BIGINT)) AS number FROM document)
WHERE (run->>'times') IS NOT NULL
ORDER BY number
"""


def import_own(tmp_path, content, sql=OWN_SQL, **options):
    (tmp_path / "own.sql").write_text(sql)
    (tmp_path / "x.json").write_bytes(content.encode() if isinstance(content, str) else content)
    importer, started_at = str(tmp_path / "own.sql"), "2026-01-01T00:00:00Z"
    import_sessions(tmp_path / "x.json", tmp_path / "store", importer=importer, started_at=started_at, **options)
    query = "SELECT name, value, round, code, epoch(timestamp) % 60 FROM measurements ORDER BY sequence"
    return rows_of(tmp_path / "store", query)


def test_samples_of_an_own_importer_come_in_order_with_what_stands_beside(tmp_path):
    rng = random.Random(1)  # noqa: S311 - no secret
    # Many small arrays, none, an empty one, something else, and one that is longer than a batch and a block.
    lengths = [3] * 300 + [0] + [40_000] + [1, 2]
    runs = [
        {"name": f"n{at}", "times": [rng.choice([None, rng.random()]) for _ in range(length)], "codes": [at % 7, None]}
        for at, length in enumerate(lengths)
    ]
    runs += [{"name": "none"}, {"name": "null", "times": None}, {"name": "text", "times": "x"}, {"times": {"a": 1}}]
    runs += [{"name": "number", "times": 1}]
    expected = [
        (run["name"], value, round_, run["codes"][round_] if round_ < 2 else None, at % 60)
        for at, run in enumerate(runs)
        for round_, value in enumerate(run["times"] if isinstance(run.get("times"), list) else [])
    ]
    assert import_own(tmp_path, json.dumps({"runs": runs}, indent=1)) == expected


@pytest.mark.parametrize(
    ("times", "phrase"),
    [
        ("[1, true]", "'true' is no number"),
        ('[1, "2"]', "'\"2\"' is no number"),
        ('[{"a": [1]}]', "is no number"),
        ("[[1]]", "'[1]' is no number"),
        ("[9007199254740993]", "does not fit float64 without loss"),
        ("[1e999]", "is beyond the range of float64"),
        ("[1, 2", "line 1, column 39: is no JSON"),
        ("[1,\n 02]", "line 2, column 3: is no JSON"),
    ],
)
def test_what_is_no_sample_is_refused(tmp_path, times, phrase):
    with pytest.raises(SourceError) as caught:
        import_own(tmp_path, f'{{"runs": [{{"name": "x", "times": {times}}}]}}')
    assert phrase in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'x.json'}: ")
    assert "\n" not in str(caught.value)


def test_numbers_that_are_none_stay_so(tmp_path):
    rows = import_own(tmp_path, '{"runs": [{"name": "x", "times": [NaN, Infinity, -Infinity, -0.0, 1e-05]}]}')
    assert math.isnan(rows[0][1])
    assert [row[1] for row in rows[1:]] == [math.inf, -math.inf, 0.0, 1e-05]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], [None] * 3),
        ([7], [7, None, None]),
        ([7, None, 9], [7, None, 9]),
        ([1, 2, 3, 4, 5], [1, 2, 3]),
        (None, [None] * 3),
        ("text", [None] * 3),
        ({"a": [1]}, [None] * 3),
    ],
)
def test_what_stands_beside_may_be_shorter_longer_or_no_array(tmp_path, codes, expected):
    runs = [{"name": "x", "times": [0.5, None, 1.5], "codes": codes}, {"name": "y", "times": [2.5], "codes": [8]}]
    rows = import_own(tmp_path, json.dumps({"runs": runs}))
    assert [row[3] for row in rows] == [*expected, 8]
    assert [row[1] for row in rows] == [0.5, None, 1.5, 2.5]


@pytest.mark.parametrize(
    ("codes", "phrase"),
    [([1.5], "'1.5'"), ([True], "'true'"), (["a"], "'\"a\"'"), ([2**63], str(2**63)), ([[1]], "[1]")],
)
def test_what_stands_beside_and_does_not_fit_is_refused(tmp_path, codes, phrase):
    with pytest.raises(SourceError, match="column 'code': ") as caught:
        import_own(tmp_path, json.dumps({"runs": [{"name": "x", "times": [1], "codes": codes}]}))
    assert phrase in str(caught.value)
    assert not (tmp_path / "store").exists()


NESTED_SQL = """\
-- format: json
-- samples: grid[][], more.*[1][round]

-- name: measurements
SELECT 'cell' AS metric, NULL AS value, name, array_number::BIGINT AS samples, NULL::BIGINT AS code
FROM (SELECT 'grid' AS name, unnest(json_extract(json, '$.grid[*]')) AS array_number FROM document
      UNION ALL SELECT 'more', unnest(json_extract(json, '$.more.*[1]')) FROM document)
WHERE json_type(array_number) <> 'NULL'
ORDER BY samples
"""


def test_arrays_in_arrays_are_found_and_others_in_their_place_are_none(tmp_path):
    grid = [[1.5, 2.5], [], None, "x", [3.5], {"a": [9]}, 4]
    more = {"p": [[7], [8, None], [9]], "q": [[7]], "r": None, "s": [0, [10.5]]}
    rows = import_own(tmp_path, json.dumps({"grid": grid, "more": more}), NESTED_SQL)
    expected = [("grid", value) for held in grid if isinstance(held, list) for value in held]
    expected += [("more", value) for value in (*more["p"][1], *more["s"][1])]
    assert [row[:2] for row in rows] == expected
    assert [row[2] for row in rows] == [0, 1, 0, 0, 1, 0]


LONG = {"runs": [{"name": "é\n", "times": [at / 8 for at in range(50_000)], "codes": [1]}]}


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        lambda data: gzip.compress(data[:1000]) + gzip.compress(data[1000:]),
        lambda data: pa.compress(data, "zstd", asbytes=True),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.decode().encode("utf-16"),
        lambda data: gzip.compress(data.decode().encode("utf-16-be")),
    ],
    ids=["gzip", "two parts", "zstd", "byte order mark", "utf-16", "utf-16 in gzip"],
)
def test_samples_are_the_same_however_the_file_is_packed(tmp_path, pack):
    rows = import_own(tmp_path, pack(json.dumps(LONG, ensure_ascii=False, indent=1).encode()))
    assert [row[:2] for row in rows] == [("é\n", value) for value in LONG["runs"][0]["times"]]


def test_a_bad_sample_of_a_document_is_no_record_that_could_be_left_out(tmp_path):
    text = json.dumps({"runs": [{"name": "x", "times": [1, "2"]}, {"name": "y", "times": [3]}]})
    for skip_bad in (False, True):
        with pytest.raises(SourceError, match=r"x\.json: column 'value': .* is no number$"):
            import_own(tmp_path, text, skip_bad=skip_bad)
    assert not (tmp_path / "store").exists()


def test_each_of_several_documents_has_its_own_samples(tmp_path):
    parts = [{"runs": [{"name": f"n{part}", "times": [part + at / 4 for at in range(5)]}]} for part in range(3)]
    text = "\n".join(json.dumps(part) for part in parts)
    with pytest.raises(SourceError, match="holds 3 JSON documents, and a file of own is one"):
        import_own(tmp_path, text)
    import_own(tmp_path, text, f"-- documents: runs\n{OWN_SQL}")
    for number, part in enumerate(parts, start=1):
        query = f"SELECT value FROM measurements WHERE session_id = 'x-{number}' ORDER BY sequence"
        assert [value for (value,) in rows_of(tmp_path / "store", query)] == part["runs"][0]["times"]


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
def test_samples_are_for_documents_alone(tmp_path, kind):
    with pytest.raises(UsageError, match=r"own: '-- samples:' is for documents, '-- format: json'"):
        import_own(tmp_path, "{}", OWN_SQL.replace("-- format: json", f"-- format: {kind}"))


@pytest.mark.parametrize(
    ("samples", "phrase"),
    [
        ("7", "names array 7, and there are 1"),
        ("-1", "names array -1, and there are 1"),
        ("{code: run->'codes'}", "must be the number of an array, or a STRUCT of such with a value"),
        ("[1]", "must be the number of an array"),
    ],
)
def test_a_column_of_samples_that_is_no_array_is_told(tmp_path, samples, phrase):
    sql = OWN_SQL.replace("{value: run->'times', code: (run->'codes')::BIGINT}", samples)
    with pytest.raises((SourceError, UsageError)) as caught:
        import_own(tmp_path, '{"runs": [{"name": "x", "times": [1]}]}', sql)
    assert phrase in str(caught.value)


def test_elements_are_read_as_they_are_asked_for(tmp_path, monkeypatch):
    values = list(range(1000))
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"a": values}))
    blocks = []
    read = ElementTexts.read
    monkeypatch.setattr(ElementTexts, "read", lambda *given, **more: blocks.append(1) or read(*given, **more))
    monkeypatch.setattr("pipeline.importers.samples._BLOCK_BYTES", 500)
    elements = CutDocument(path, parse_samples("a[]", where="x"), tmp_path / "cut").elements(0)
    found = []
    while taken := elements.take(10).to_pylist():
        found += map(int, taken)
        # Some four bytes each; what is held beyond those that were asked for is no more than a block.
        assert sum(blocks) <= len(found) * 5 / 500 + 1
    assert found == values


@pytest.mark.parametrize(
    ("line", "phrase"),
    [
        ("runs", "cannot read 'runs'"),
        ("runs[].times[3]", "cannot read"),
        ("runs[x].times[]", "cannot read"),
        ("runs[] times[]", "cannot read 'times[]'"),
        ("runs[].times[],", "cannot read"),
        ("runs[], runs[].times[]", "leads into the arrays of another"),
        ("a.*[], a.b[]", "or to them"),
        (", ".join(f"a{at}.b.c[]" for at in range(20)), "more than 64 steps"),
    ],
)
def test_a_line_of_samples_that_cannot_be_read_is_told(tmp_path, line, phrase):
    sql = OWN_SQL.replace("runs[].times[round], runs[].codes[]", line)
    with pytest.raises(UsageError) as caught:
        import_own(tmp_path, "{}", sql)
    assert phrase in str(caught.value)


def test_samples_may_be_rows_of_a_view(tmp_path):
    sql = """\
-- format: json
-- samples: runs[]

-- name: measurements
SELECT json->>'name' AS name, 'took' AS metric, json->'took' AS value, place AS round, number AS code FROM samples
"""
    runs = [{"name": f"n{at}", "took": at / 4} for at in range(5000)]
    rows = import_own(tmp_path, json.dumps({"runs": runs, "more": [1]}), sql)
    assert [row[:4] for row in rows] == [(run["name"], run["took"], at, 0) for at, run in enumerate(runs)]


def test_arrays_of_numbers_come_through_a_view_as_a_row_each_and_others_by_their_elements(tmp_path):
    sql = """\
-- format: json
-- samples: runs[].times[round]

-- name: prepare
CREATE TEMP TABLE runs AS
SELECT run, (run->>'times')::BIGINT AS number
FROM (SELECT unnest(json_extract(json, '$.runs[*]')) AS run FROM document)

-- name: measurements
SELECT run->>'name' AS name, 'time' AS metric, CASE WHEN place IS NOT NULL THEN json->>'$.took' END AS value,
       place AS round, NULL::BIGINT AS code, CASE WHEN place IS NULL THEN number END AS samples
FROM pieces JOIN runs USING (number)
"""
    rng = random.Random(3)  # noqa: S311 - no secret
    lengths = [0, 1, 16, 17, 300, 16, *[rng.randrange(40) for _ in range(3000)], 40_000, 20]
    runs = [
        {"name": f"n{at}", "times": [rng.random() if length > 15 and at % 3 else {"took": 1.5} for _ in range(length)]}
        for at, length in enumerate(lengths)
    ]
    expected = [
        (run["name"], 1.5 if isinstance(value, dict) else value, round_, None)
        for run in runs
        for round_, value in enumerate(run["times"])
    ]
    assert [row[:4] for row in import_own(tmp_path, json.dumps({"runs": runs}), sql)] == expected


@pytest.mark.parametrize("view", ["samples", "pieces"])
def test_a_join_leaves_the_rows_of_a_short_array_before_those_of_a_long_one(tmp_path, view):
    sql = f"""\
-- format: json
-- samples: runs[].times[]

-- name: prepare
CREATE TEMP TABLE runs AS
SELECT run, (run->>'times')::BIGINT AS number
FROM (SELECT unnest(json_extract(json, '$.runs[*]')) AS run FROM document)

-- name: measurements
SELECT run->>'name' AS name, 'time' AS metric, json->>'took' AS value, place AS round, number AS code
FROM {view} JOIN runs USING (number)
"""
    runs = [{"name": f"n{at}", "times": [{"took": 1.5}] * length} for at, length in enumerate([10, 5000, 7, 3000])]
    rows = import_own(tmp_path, json.dumps({"runs": runs}), sql)
    assert [row[2] for row in rows] == [round_ for run in runs for round_ in range(len(run["times"]))]


def test_short_arrays_are_read_together_where_those_beside_are_as_long(tmp_path):
    runs = [
        {
            "name": f"n{at}",
            "times": [at + round_ / 4 for round_ in range(at % 5)],
            "codes": [at] * (at % 5 + at % 11 // 10),
        }
        for at in range(5000)
    ]
    expected = [
        (run["name"], value, round_, run["codes"][round_], at % 60)
        for at, run in enumerate(runs)
        for round_, value in enumerate(run["times"])
    ]
    assert import_own(tmp_path, json.dumps({"runs": runs})) == expected


@pytest.mark.parametrize("length", [100, 700, 16_383, 16_385, 40_000])
def test_batches_are_no_larger_than_batches_of_rows(tmp_path, length):
    arrays = [[index + 0.5] * length for index in range(60_000 // length + 2)]
    (tmp_path / "x.json").write_text(json.dumps({"times": arrays}))
    cut = CutDocument(tmp_path / "x.json", parse_samples("times[][round]", where="x"), tmp_path / "cut.json")
    numbers = pa.record_batch({"value": pa.nulls(len(arrays), pa.string()), NUMBER: pa.array(range(len(arrays)))})
    expansion = Expansion(cut, {}, ["round"], ["value"], None)
    batches = list(
        expansion.expand(batch for batch in [numbers.append_column("round", pa.nulls(len(arrays), pa.int64()))])
    )
    assert max(batch.num_rows for batch in batches) <= BATCH_ROWS
    values = [float(value) for batch in batches for value in batch.column("value").to_pylist()]
    assert values == [value for array in arrays for value in array]


@pytest.mark.parametrize("kind", ["run->'tags'", "from_json(run->'tags', '\"MAP(VARCHAR, VARCHAR)\"')"])
def test_attributes_of_arrays_are_those_of_their_row(tmp_path, kind):
    sql = OWN_SQL.replace("run->>'name' AS name", f"run->>'name' AS name, {kind} AS attributes")
    tags = [{"k": "a", "n": None}, None, {}, {"k": "b"}, {"late": "x"}]
    runs = [{"name": f"{at}", "times": [at] * (at % 3 + 1), "codes": [0], "tags": tags[at % 5]} for at in range(50)]
    import_own(tmp_path, json.dumps({"runs": runs}), sql)
    query = "SELECT name, k, n, late FROM measurements ORDER BY sequence"
    assert rows_of(tmp_path / "store", query) == [
        (run["name"], *((run["tags"] or {}).get(key) for key in ("k", "n", "late")))
        for run in runs
        for _ in run["times"]
    ]


PEAK = """
import sys, pipeline
pipeline.import_sessions(sys.argv[1], sys.argv[2])
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read in /proc")
def test_memory_does_not_follow_the_samples(tmp_path):
    stats = {"min": 1, "max": 2, "mean": 1.5, "rounds": 1_000_000, "iterations": 1}
    data = ",\n".join(["0.0012345678901234567"] * 1_000_000)
    benchmarks = [{"name": f"b{at}", "fullname": f"b{at}", "stats": stats | {"data": ["here"]}} for at in range(2)]
    document = {"machine_info": {}, "benchmarks": benchmarks, "datetime": "2026-11-24T10:00:00+00:00"}
    (tmp_path / "x.json").write_text(json.dumps(document).replace('"here"', data))
    assert (tmp_path / "x.json").stat().st_size > 45_000_000
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path / "x.json"), str(tmp_path / "store")],
        capture_output=True,
        text=True,
        check=True,
    )
    # Without a script the engine draws its progress before.
    assert int(done.stdout.split()[-1]) < 300_000, done.stdout
    assert rows_of(tmp_path / "store", "SELECT count(*) FROM measurements WHERE metric = 'time'") == [(2_000_000,)]
