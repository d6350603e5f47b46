"""Comparisons of sessions: their figures are those of the statistics, and each verdict has its conditions."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from samples import write_ndjson

import pipeline
from pipeline.errors import UsageError

FACTS = {"kind": "duration", "better": "lower", "is_aggregate": False}


def write_sessions(directory, sides, *, unit="ms", metric="latency", facts=None, configuration=None):
    """Sessions of two sides, a file and a record each: the values of each session by side."""
    paths = []
    for side, sessions in sides.items():
        for at, values in enumerate(sessions):
            session_id = f"{side}-{at:02}"
            rows = [
                {
                    "session_id": session_id,
                    "sequence": n,
                    "timestamp": f"2026-11-24T16:{n // 60:02}:{n % 60:02}.000000Z",
                    "metric": metric,
                    "value": value,
                    "unit": unit,
                }
                for n, value in enumerate(values)
            ]
            paths.append(write_ndjson(directory / f"{session_id}.ndjson", rows))
            record = {
                "session_id": session_id,
                "attributes": {"side": side},
                "configuration": (configuration or {}).get(session_id, {}),
                **({"metric_facts": {metric: facts}} if facts else {}),
            }
            (directory / f"{session_id}.session.json").write_text(json.dumps(record))
    return paths


def drawn(size, factor=1.0, *, seed=1, samples=60):
    random = np.random.default_rng(seed)
    return [(factor * random.normal(1, 0.01) * random.lognormal(3, 0.2, samples)).tolist() for _ in range(size)]


def compare(source, **options):
    return pipeline.compare_sessions(source, "side = 'old'", "side = 'new'", **options)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Eight sessions a side, of which the new ones take a fifth longer, and lose some samples."""
    new = drawn(8, 1.2, seed=2)
    for values in new:
        values[7] = values[20] = None
    directory = tmp_path_factory.mktemp("source")
    pipeline.import_sessions(write_sessions(directory, {"old": drawn(8), "new": new}), directory / "store")
    return directory / "store"


def test_figures_of_sessions_are_those_of_the_statistics(source):
    found = compare(source, figures=["p50", "p95", "p99_9", "min", "loss", "share(value < 25 ms)", "count"])
    table = pipeline.statistics(source, lost="infinite", quantiles=["0.999"])
    for row in found.rows:
        figures = {one.session_id: one.value for one in (*row.baseline, *row.candidate)}
        assert list(figures) == [*found.baseline, *found.candidate]
        if row.figure in table.columns:
            assert figures == dict(zip(table["session_id"], map(float, table[row.figure]), strict=True))
    (loss,) = [row for row in found.rows if row.figure == "loss"]
    assert [one.value for one in loss.candidate] == [2 / 60] * 8
    assert [one.lost_count for one in loss.candidate] == [2] * 8
    (share,) = [row for row in found.rows if row.figure.startswith("share")]
    values = pipeline.query(source, "SELECT value FROM measurements WHERE session_id = 'new-00'")["value"].to_pylist()
    assert share.candidate[0].value == sum(one is not None and one < 25 for one in values) / 60


def test_medians_shifts_and_effects_are_those_of_numpy(source):
    for row in compare(source).rows:
        old, new = (np.array([one.value for one in side]) for side in (row.baseline, row.candidate))
        assert (row.baseline_median, row.candidate_median) == (np.median(old), np.median(new))
        assert row.shift == np.median(new[:, None] - old[None, :])
        assert row.effect == row.shift / np.median(old)
        assert row.low < row.shift < row.high


@pytest.mark.parametrize(
    ("facts", "better", "verdict"),
    [
        (FACTS, None, "regression"),
        (FACTS | {"better": "higher"}, None, "improvement"),
        (FACTS | {"better": None}, None, "change"),
        (None, None, "change"),
        (None, "lower", "regression"),
        (None, "higher", "improvement"),
        (FACTS, "higher", "regression"),
    ],
)
def test_which_way_is_better_is_said_by_the_record_or_the_option(tmp_path, facts, better, verdict):
    source = write_sessions(tmp_path, {"old": drawn(5), "new": drawn(5, 1.2, seed=2)}, facts=facts)
    found = compare(source, better=better)
    assert [row.verdict for row in found.rows] == [verdict] * 2
    assert len(found.regressions) == (2 if verdict == "regression" else 0)


@pytest.mark.parametrize(
    ("figure", "better", "verdict"),
    [
        ("loss", None, "regression"),
        ("loss", "higher", "regression"),
        ("share(value < 25 ms)", "lower", "regression"),
        ("share(value > 25 ms)", "lower", "regression"),
        ("share(value > 25 ms)", "higher", "improvement"),
        ("share(value < 25 ms)", None, "change"),
        ("mean", "lower", "cannot-tell"),
        ("count", "lower", "change"),
    ],
)
def test_figures_have_a_way_of_their_own(source, figure, better, verdict):
    (row,) = compare(source, figures=[figure], better=better, min_effect=0).rows
    assert row.verdict == verdict


def test_a_shift_below_the_least_effect_is_no_change(tmp_path):
    source = write_sessions(tmp_path, {"old": drawn(8, samples=400), "new": drawn(8, 1.1, seed=2, samples=400)})
    options = {"figures": ["p50"], "better": "lower"}
    (row,) = compare(source, **options).rows
    assert (row.verdict, 0.05 < row.effect < 0.15) == ("regression", True)
    for least, verdict in (("5%", "regression"), ("0.05", "regression"), (0.05, "regression"), ("15%", "no-change")):
        assert [one.verdict for one in compare(source, min_effect=least, **options).rows] == [verdict]


@pytest.mark.parametrize(
    ("sessions", "figures", "needed"), [(3, 1, 1), (4, 1, 0), (4, 6, 1), (5, 6, 0), (2, 1, 2), (1, 1, 3)]
)
def test_where_the_test_could_never_get_there_it_says_how_many_sessions_lack(tmp_path, sessions, figures, needed):
    source = write_sessions(tmp_path, {"old": drawn(sessions), "new": drawn(sessions, 2, seed=2)})
    asked = ["p50", "p95", "p90", "p75", "p25", "max"][:figures]
    found = compare(source, figures=asked, better="lower")
    assert found.tests == figures
    assert {(row.verdict, row.further_sessions) for row in found.rows} == {
        ("cannot-tell" if needed else "regression", needed)
    }
    if needed:
        more = "1 more session a side" if needed == 1 else f"{needed} more sessions a side"
        assert more in found.rows[0].reason


def test_one_session_a_side_is_shown_and_cannot_be_told(tmp_path):
    source = write_sessions(tmp_path, {"old": drawn(1), "new": drawn(60, 2, seed=2, samples=5)})
    (row,) = compare(source, figures=["p50"], better="lower").rows
    # The test alone would say it: 2 / 61 is below 5%.
    assert (row.verdict, row.corrected_p < 0.05, row.low) == ("cannot-tell", True, None)
    assert row.shift > 0
    assert row.further_sessions == 1


def test_lost_samples_of_all_sessions_are_a_regression_without_bounds(tmp_path):
    lost = [[*values[:30], *[None] * 30] for values in drawn(5, seed=2)]
    source = write_sessions(tmp_path, {"old": drawn(5), "new": lost}, facts=FACTS)
    row = compare(source, figures=["p95"]).rows[0]
    assert (row.verdict, row.shift, row.low, row.high) == ("regression", np.inf, np.inf, np.inf)
    told = row.describe()
    assert (told["effect"], told["candidate"][0]["value"]) == ("Infinity", "Infinity")


def test_a_metric_of_one_side_is_shown_and_left_out_of_the_tests(tmp_path):
    source = write_sessions(tmp_path, {"old": drawn(4)}, metric="before")
    source += write_sessions(tmp_path, {"new": drawn(4)}, metric="after")
    found = compare(source, figures=["p50"])
    assert [(row.metric, row.verdict, row.p, row.reason) for row in found.rows] == [
        ("after", "cannot-tell", None, "no session of the baseline has it"),
        ("before", "cannot-tell", None, "no session of the candidate has it"),
    ]
    assert found.tests == 0


def test_aggregates_are_left_out(tmp_path):
    source = write_sessions(tmp_path, {"old": drawn(2), "new": drawn(2)}, facts=FACTS | {"is_aggregate": True})
    assert compare(source).rows == ()


def test_values_of_two_units_are_two_figures(tmp_path):
    source = write_sessions(tmp_path, {"old": drawn(2)}, unit="ms") + write_sessions(
        tmp_path, {"new": drawn(2)}, unit="s"
    )
    assert [(row.unit, row.p) for row in compare(source, figures=["p50"]).rows] == [("ms", None), ("s", None)]


def test_a_baseline_may_have_a_source_of_its_own(source, tmp_path):
    other = write_sessions(tmp_path, {"old": drawn(8)})
    found = pipeline.compare_sessions(source, candidate="side = 'new'", baseline_source=other, better="lower")
    assert found.rows == compare(source, better="lower").rows
    # The same sessions may be on both sides then.
    same = pipeline.compare_sessions(other, baseline_source=other, figures=["p50"])
    assert [(row.verdict, row.p, row.shift) for row in same.rows] == [("no-change", 1.0, 0.0)]


def test_what_differs_in_the_records_stands_beside(tmp_path):
    configuration = {
        f"{side}-{at:02}": {"video": {"fps": fps, "codec": "VP8"}, "run": at, **more}
        for side, fps, more in (("old", 30, {"a": [1]}), ("new", 60, {}))
        for at in range(3)
    }
    configuration["new-02"]["video"]["codec"] = "AV1"
    source = write_sessions(tmp_path, {"old": drawn(3), "new": drawn(3)}, configuration=configuration)
    assert [one.describe() for one in compare(source).configuration] == [
        {"path": "attributes.side", "baseline": ['"old"'], "candidate": ['"new"'], "is_apart": True},
        {"path": "configuration.a", "baseline": ["[1]"], "candidate": ["null"], "is_apart": True},
        {"path": "configuration.video.fps", "baseline": ["30"], "candidate": ["60"], "is_apart": True},
        {
            "path": "configuration.video.codec",
            "baseline": ['"VP8"'],
            "candidate": ['"VP8"', '"AV1"'],
            "is_apart": False,
        },
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"baseline": "side = 'x'", "candidate": "side = 'new'"}, "--baseline \"side = 'x'\": selects no session"),
        ({"baseline": "sid = 'x'", "candidate": "true"}, "--baseline \"sid = 'x'\": Binder Error"),
        (
            {"baseline": "true", "candidate": "side = 'new'"},
            "--baseline and --candidate share 8 of their sessions: new-00, ",
        ),
        ({"baseline": "true"}, "name both sides, --baseline and --candidate, or give the baseline a source"),
        (
            {"baseline": "side = 'old'", "candidate": "side = 'new'", "figures": ["p0.5"]},
            "--figure 'p0.5': did you mean",
        ),
        (
            {"baseline": "side = 'old'", "candidate": "side = 'new'", "min_effect": "-1%"},
            "--min-effect '-1%': give a part",
        ),
        ({"baseline": 1, "candidate": "true"}, "baseline must be a text of SQL, not 1"),
    ],
)
def test_what_cannot_be_compared_is_said(source, options, says):
    with pytest.raises(UsageError) as caught:
        pipeline.compare_sessions(source, **options)
    assert str(caught.value).startswith(says)


def test_without_scipy_the_extra_is_named(tmp_path, monkeypatch):
    source = write_sessions(tmp_path, {"old": drawn(2), "new": drawn(2, 1.1)})
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(UsageError, match=r"pip install '\.\[compare\]'"):
        compare(source)


def test_only_a_regression_that_is_asked_for_fails(commands, source, tmp_path, tmp_path_factory):
    arguments = ["compare", str(source), "--baseline", "side = 'old'", "--candidate", "side = 'new'"]
    for further, status in (
        (["--better", "lower", "--fail-on", "regression"], 6),
        (["--better", "higher", "--fail-on", "regression"], 0),
    ):
        result = commands.run(
            [*arguments, *further, "--format", "json"], cwd=tmp_path, tmp=tmp_path_factory.mktemp("t")
        )
        assert (result.status, result.err) == (status, "")
        told = json.loads(result.out)
        told.pop("time")
        assert told == json.loads(json.dumps(compare(source, better=further[1]).describe()))
    result = commands.run([*arguments, "--figure", "p50"], cwd=tmp_path, tmp=tmp_path_factory.mktemp("t"))
    assert "8 sessions against 8: 1 change" in result.out


def test_a_comparison_shows_in_jupyter_as_a_table(source):
    page = compare(source, better="lower")._repr_html_()
    assert "8 sessions against 8: 2 regressions" in page
    assert "attributes.side" in page


def test_a_figure_that_is_named_twice_is_one_and_counts_a_session_once(tmp_path):
    sources = write_sessions(tmp_path, {"before": drawn(2), "after": drawn(2, 2, seed=2)})
    once, twice = (
        pipeline.compare_sessions(sources, "side = 'before'", "side = 'after'", figures=figures)
        for figures in (
            ["p50", "share(value < 30 ms)"],
            ["p50", "share(value<30 ms)", "p50", "share(value < 30 ms)"],
        )
    )
    assert twice == once
    assert [len(one.baseline) for one in twice.rows] == [2, 2]


def test_a_comparison_of_no_figure_is_refused(tmp_path):
    sources = write_sessions(tmp_path, {"before": drawn(2), "after": drawn(2)})
    with pytest.raises(UsageError, match="--figure: name one at least"):
        pipeline.compare_sessions(sources, "side = 'before'", "side = 'after'", figures=[])


def test_a_figure_that_no_session_has_is_told(tmp_path):
    odd = [[1.0, "NaN", 2.0]] * 4
    sources = write_sessions(tmp_path, {"before": odd, "after": odd}, facts=FACTS)
    found = pipeline.compare_sessions(sources, "side = 'before'", "side = 'after'", figures=["p50", "loss"])
    assert [(one.figure, one.verdict, one.reason) for one in found.rows] == [
        ("p50", "cannot-tell", "no session of the two sides has it"),
        ("loss", "no-change", ""),
    ]
    assert found.tests == 1


def test_the_largest_numbers_have_a_median_and_a_shift(tmp_path, recwarn):
    largest = [[1.7e308] * 3, [1.6e308] * 3]
    sources = write_sessions(tmp_path, {"before": largest, "after": largest})
    found = pipeline.compare_sessions(sources, "side = 'before'", "side = 'after'", figures=["p50"])
    (row,) = found.rows
    assert (row.baseline_median, row.shift) == (pytest.approx(1.65e308), 0)
    assert not list(recwarn)
