"""Verdicts: what passes, what fails, and what is no pass because nobody can tell."""

from __future__ import annotations

import json
from math import inf

import pytest
from targets import check, only_group, rows_at, write_session, write_targets, write_values

import pipeline
from pipeline.errors import TomlError

MANY = [float(value) for value in range(1, 101)]
UNIT_OF = dict.fromkeys(("count", "null_count", "loss", "share(value < 5 ms)", "share(value > 5 ms)"), "1") | {
    "rate": "Hz"
}
FIGURES = ("p50", "p95", "p99_9", "mean", "stddev", "min", "max", "sum", "first", *UNIT_OF)


def test_a_limit_is_met_or_missed_at_its_border(tmp_path):
    source = write_values(tmp_path, [10.0] * 5)
    verdicts = {
        limit: only_group(source, tmp_path, limit=limit).verdict
        for limit in ("< 10 ms", "<= 10 ms", "> 10 ms", ">= 10 ms")
    }
    assert verdicts == {"< 10 ms": "fail", "<= 10 ms": "pass", "> 10 ms": "fail", ">= 10 ms": "pass"}


def test_a_limit_in_another_unit_of_the_dimension_is_converted(tmp_path):
    source = write_values(tmp_path, [0.05] * 5, unit="s")
    group = only_group(source, tmp_path, limit="<= 50 ms")
    assert (group.verdict, group.value, group.limit, group.unit) == ("pass", 0.05, 0.05, "s")
    assert only_group(source, tmp_path, limit="< 50 ms").verdict == "fail"


@pytest.mark.parametrize("per", ["session", "all", "10s"])
def test_a_metric_without_samples_never_passes(tmp_path, per):
    source = write_values(tmp_path, MANY, metric="other")
    targets = [
        {"figure": figure, "limit": f"{sign} {number} {UNIT_OF.get(figure, 'ms')}", "per": per}
        for figure in FIGURES
        for sign in ("<=", ">=")
        for number in (0, 1e9)
    ]
    assert {one.verdict for one in check(source, tmp_path, *targets)} == {"no-data"}
    assert pipeline.check_targets(source, write_targets(tmp_path, targets[0])).is_met is False
    found = check(source, tmp_path, *(target | {"sessions": "false"} for target in targets))
    assert {(one.verdict, one.reason, one.groups) for one in found} == {("no-data", "no session where false", ())}


def test_one_session_without_samples_is_no_data_for_all(tmp_path):
    write_values(tmp_path, MANY, session_id="a")
    write_values(tmp_path, MANY, session_id="b", metric="other")
    (found,) = check([tmp_path / "a.ndjson", tmp_path / "b.ndjson"], tmp_path, {"limit": "< 1000 ms"})
    assert [group.verdict for group in found.groups] == ["pass", "no-data"]
    assert (found.verdict, found.passed, found.worst_group.session_id) == ("no-data", 1, "b")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "cannot-tell"], "cannot-tell"),
        (["cannot-tell", "no-data", "pass"], "no-data"),
        (["no-data", "cannot-tell", "fail", "pass"], "fail"),
        ([], "no-data"),
    ],
)
def test_the_worst_verdict_decides(verdicts, expected):
    from pipeline.targets.verdicts import worst  # noqa: PLC0415

    assert worst(verdicts) == expected


@pytest.mark.parametrize(("figure", "needed"), [("p50", 5), ("p90", 29), ("p95", 59), ("p99", 299), ("p5", 59)])
def test_a_quantile_of_too_few_samples_cannot_be_told(tmp_path, figure, needed):
    enough = write_values(tmp_path, [1.0] * needed, session_id="enough")
    few = write_values(tmp_path, [1.0] * (needed - 1), session_id="few")
    assert only_group(enough, tmp_path, figure=figure).verdict == "pass"
    group = only_group(few, tmp_path, figure=figure)
    assert (group.verdict, group.value, group.count) == ("cannot-tell", 1.0, needed - 1)
    assert group.reason == f"{figure} needs {needed} samples, {needed - 1} are there"


def test_lost_samples_of_a_latency_count_as_infinite_unless_the_file_says_otherwise(tmp_path):
    source = write_values(tmp_path, [1.0] * 40 + [None] * 60)
    group = only_group(source, tmp_path)
    assert (group.verdict, group.value, group.count, group.lost_count, group.reason) == (
        "fail",
        inf,
        100,
        60,
        "60 samples lost",
    )
    assert group.describe()["value"] == "Infinity"
    group = only_group(source, tmp_path, lost="exclude")
    assert (group.verdict, group.value, group.count) == ("pass", 1.0, 40)


@pytest.mark.parametrize(
    ("unit", "kind", "count"),
    [("ms", None, 10), ("Hz", None, 8), ("Hz", "duration", 10), ("ms", "gauge", 8), ("1", None, 8)],
)
def test_a_latency_is_what_the_record_or_the_unit_says(tmp_path, unit, kind, count):
    facts = {"metric_facts": {"control_rtt": {"kind": kind}}} if kind else {}
    source = write_values(tmp_path, [20.0] * 8 + [None] * 2, unit=unit, **facts)
    for per in ("session", "all"):
        group = only_group(source, tmp_path, limit=f"> 1 {unit}", per=per)
        assert (group.verdict, group.count, group.lost_count) == ("pass", count, 2)


def test_figures_that_lost_samples_would_change_cannot_be_told(tmp_path):
    source = write_values(tmp_path, [*MANY, None])
    for figure in ("mean", "max", "sum", "stddev"):
        group = only_group(source, tmp_path, figure=figure, limit="< 1e6 ms")
        assert group.verdict == "cannot-tell"
        assert group.reason == '1 lost sample has no value; lost = "exclude" leaves it out'
        assert only_group(source, tmp_path, figure=figure, limit="< 1e6 ms", lost="exclude").verdict == "pass"
    # What is too large already is not made smaller by them.
    assert only_group(source, tmp_path, figure="max", limit="< 99 ms").verdict == "fail"
    assert only_group(source, tmp_path, figure="min", limit="> 0 ms").verdict == "pass"


def test_values_that_are_not_finite_are_in_no_figure_that_passes(tmp_path):
    source = write_values(tmp_path, [*MANY, "Infinity", "NaN"])
    group = only_group(source, tmp_path, limit="< 1000 ms")
    assert (group.verdict, group.reason) == ("cannot-tell", "2 values are not finite, and no figure has them")
    assert only_group(source, tmp_path, figure="p95", limit="< 1 ms").verdict == "cannot-tell"
    share = only_group(source, tmp_path, figure="share(value < 1 s)", limit=">= 99 %")
    assert (share.verdict, share.value) == ("fail", 100 / 102)


@pytest.mark.parametrize(
    ("unit", "limit", "says"),
    [
        ("By", "< 50 ms", "units do not fit: the limit is in ms, the data in By"),
        (None, "< 50 ms", "units do not fit: the limit is in ms, the data in no unit"),
        ("ms", "< 50", "units do not fit: the limit is in no unit, the data in ms"),
        ("frames", "< 50 ms", "units do not fit: the limit is in ms, the data in frames"),
    ],
)
def test_units_that_do_not_fit_cannot_be_told(tmp_path, unit, limit, says):
    source = write_values(tmp_path, MANY, unit=unit)
    group = only_group(source, tmp_path, limit=limit)
    assert (group.verdict, group.reason, group.value) == ("cannot-tell", says, 50.5)


def test_units_that_are_mixed_cannot_be_told(tmp_path):
    rows = rows_at(range(10), [1.0] * 10)
    rows += [one | {"sequence": 10 + one["sequence"], "unit": "s"} for one in rows]
    for target in ({}, {"per": "all"}, {"figure": "loss", "limit": "<= 1"}, {"per": "5s"}):
        (found,) = check(write_session(tmp_path, rows, lasts=10), tmp_path, target)
        assert {(one.verdict, one.reason) for one in found.groups} == {("cannot-tell", "units are mixed: ms, s")}


def test_a_limit_of_no_unit_is_of_the_unit_1_or_of_none(tmp_path):
    for unit in ("1", None):
        assert only_group(write_values(tmp_path, MANY, unit=unit), tmp_path, limit="<= 50.5").verdict == "pass"
    assert only_group(write_values(tmp_path, MANY, unit="{packet}"), tmp_path, limit="<= 50.5 1").verdict == "pass"


def test_a_unit_that_is_none_is_told_with_its_line(tmp_path):
    source = write_values(tmp_path, MANY)
    with pytest.raises(TomlError, match=r"targets-\d+.toml:5: limit '< 50 msec': 'msec' is no UCUM code"):
        check(source, tmp_path, {"limit": "< 50 msec"})


def test_a_condition_that_cannot_be_read_is_told_with_its_line(tmp_path):
    source = write_values(tmp_path, MANY)
    with pytest.raises(TomlError, match=r"targets-\d+.toml:11: sessions 'profil = 1': .*columns"):
        check(source, tmp_path, {}, {"sessions": "profil = 1"})


def test_aggregates_never_enter(tmp_path):
    facts = {"metric_facts": {"control_rtt": {"kind": "duration", "is_aggregate": True}}}
    write_values(tmp_path, MANY, session_id="a", **facts)
    write_values(tmp_path, MANY, session_id="b")
    for per, session in (("session", "b"), ("all", None)):
        (found,) = check([tmp_path / "a.ndjson", tmp_path / "b.ndjson"], tmp_path, {"limit": "< 1000 ms", "per": per})
        assert [(one.session_id, one.count) for one in found.groups] == [(session, 100)]
    (found,) = check(tmp_path / "a.ndjson", tmp_path, {"limit": "< 1000 ms"})
    assert (found.verdict, found.groups) == ("no-data", ())
    assert found.reason == "control_rtt is an aggregate: its values stand for many samples each"


def test_an_outage_in_the_middle_fails_a_rate_that_must_hold_in_every_window(tmp_path):
    # 20 samples a second for 60 s, but for 12 s.
    seconds = [at / 20 for at in range(1200) if not 25 <= at / 20 < 37]
    source = write_session(tmp_path, rows_at(seconds, [1.0] * len(seconds)), lasts=64)
    held, whole, low = check(
        source,
        tmp_path,
        {"figure": "rate", "limit": ">= 20 Hz", "per": "10s"},
        {"figure": "rate", "limit": ">= 15 Hz", "per": "session"},
        {"figure": "p95", "limit": "< 50 ms", "per": "10s"},
    )
    assert [one.value for one in held.groups] == [20.0, 20.0, 10.0, 6.0, 20.0, 20.0]
    assert [one.verdict for one in held.groups] == ["pass", "pass", "fail", "fail", "pass", "pass"]
    assert held.verdict == "fail"
    # The mean over the session hides it.
    assert (whole.verdict, whole.groups[0].value) == ("pass", 960 / 64)
    assert low.verdict == "pass"
    assert (held.groups[2].window_start, held.groups[2].window_end) == (
        "2026-11-24T16:00:20.250000Z",
        "2026-11-24T16:00:30.250000Z",
    )


def test_a_window_without_samples_has_the_rate_0_and_no_other_figure(tmp_path):
    seconds = [at / 10 for at in range(200) if not 5 <= at / 10 < 10]
    source = write_session(tmp_path, rows_at(seconds, [1.0] * len(seconds)), lasts=20)
    rate, quantile = check(source, tmp_path, {"figure": "rate", "limit": ">= 10 Hz", "per": "5s"}, {"per": "5s"})
    assert [(one.verdict, one.value) for one in rate.groups] == [
        ("pass", 10.0),
        ("fail", 0.0),
        ("pass", 10.0),
        ("pass", 10.0),
    ]
    assert rate.groups[1].reason == "no sample in this window"
    assert [one.verdict for one in quantile.groups] == ["pass", "no-data", "pass", "pass"]


def test_a_session_that_is_shorter_than_a_window_cannot_be_told(tmp_path):
    group = only_group(write_values(tmp_path, MANY, lasts=99.5), tmp_path, per="2m")
    assert (group.verdict, group.reason) == ("cannot-tell", "no window of 2m fits into the 99.5 s of the session")


def test_a_session_lasts_as_long_as_the_selection_sees_of_it(tmp_path):
    source = write_values(tmp_path, [1.0] * 100)
    for options, windows, rate in (
        ({"since": "2026-11-24T16:00:30.250Z"}, 7, 1.0),
        ({"until": "2026-11-24T16:00:30.250Z"}, 3, 1.0),
        ({"since": "2026-11-24T16:00:35Z", "until": "2026-11-24T16:01:05Z"}, 2, 1.0),
    ):
        whole, parts = check(
            source,
            tmp_path,
            {"figure": "rate", "limit": ">= 1 Hz"},
            {"figure": "rate", "limit": ">= 1 Hz", "per": "10s"},
            **options,
        )
        assert (whole.verdict, whole.groups[0].value) == ("pass", rate)
        assert [one.value for one in parts.groups] == [rate] * windows


def test_a_rate_that_is_the_limit_meets_it_however_long_a_session_lasts(tmp_path):
    for count in range(1, 41):  # 7 samples in 0.14 s: in floats that is 49.99999999999999 a second
        rows = rows_at([at / 50 for at in range(count)], [1.0] * count, f"s{count}")
        write_session(tmp_path, rows, lasts=count / 50, session_id=f"s{count}")
    for per, groups in (("session", 40), ("all", 1)):
        at_least, above = check(
            f"{tmp_path}/*.ndjson",
            tmp_path,
            {"figure": "rate", "limit": ">= 50 Hz", "per": per},
            {"figure": "rate", "limit": "> 50 Hz", "per": per},
        )
        assert [(one.verdict, one.value) for one in at_least.groups] == [("pass", 50.0)] * groups
        assert [one.verdict for one in above.groups] == ["fail"] * groups


def test_only_pass_is_status_0(commands, tmp_path, tmp_path_factory):
    source = write_values(tmp_path, MANY)
    for target, status in (
        ({"limit": "< 1000 ms"}, 0),
        ({"limit": "< 1 ms"}, 6),
        ({"metric": "nothing"}, 6),
        ({"figure": "p99", "limit": "< 1000 ms"}, 6),
    ):
        file = write_targets(tmp_path, target)
        arguments = ["check", str(source), "--targets", str(file), "--format", "json"]
        result = commands.run(arguments, cwd=tmp_path, tmp=tmp_path_factory.mktemp("t"))
        assert (result.status, result.err) == (status, "")
        told = json.loads(result.out)
        told.pop("time")
        assert told == pipeline.check_targets(source, file).describe()


def test_a_check_shows_in_jupyter_as_a_table(tmp_path):
    source = write_values(tmp_path, MANY, session_id="<b>")
    page = pipeline.check_targets(source, write_targets(tmp_path, {"limit": "< 1 ms"}))._repr_html_()
    assert "fail: 0 of 1 target met" in page
    assert "<b>" not in page


def test_a_share_of_samples_that_are_no_numbers_passes_only_where_they_change_nothing(tmp_path):
    source = write_values(tmp_path, [*([1.0] * 9), "NaN", *([9.0] * 10)])
    verdicts = {
        (figure, limit): only_group(source, tmp_path, figure=figure, limit=limit).verdict
        for figure in ("share(value > 5 ms)", "share(value < 5 ms)")
        for limit in ("<= 45 %", "<= 50 %", "<= 55 %", ">= 45 %", ">= 50 %", ">= 55 %")
    }
    above, below = ([verdicts[key] for key in verdicts if sign in key[0]] for sign in (">", "<"))
    assert above == ["fail", "cannot-tell", "pass", "pass", "pass", "fail"]
    assert below == ["cannot-tell", "pass", "pass", "pass", "fail", "fail"]
    alone = write_values(tmp_path, ["NaN"] * 20, session_id="nan")
    group = only_group(alone, tmp_path, figure="share(value > 5 ms)", limit="< 5 %")
    assert (group.verdict, group.value, group.count) == ("cannot-tell", 0, 20)
    assert group.reason == "20 values that are NaN may meet it or not"
