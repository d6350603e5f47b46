"""Arrays of samples that importers cut out of documents: every sample, in its order, in memory that does not follow."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys

import pytest
from samples import rows_of

from pipeline import SourceError, UsageError, import_sessions

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


def import_own(tmp_path, text, sql=OWN_SQL):
    (tmp_path / "own.sql").write_text(sql)
    (tmp_path / "x.json").write_text(text)
    import_sessions(
        tmp_path / "x.json", tmp_path / "store", importer=str(tmp_path / "own.sql"), started_at="2026-01-01T00:00:00Z"
    )
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
        ("[1, 2", "line 1, column"),
        ("[1,\n 02]", "line 2, column 3"),
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
