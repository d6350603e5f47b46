"""The page of a report: one file, well formed, the same for the same content, of a size that rows do not decide."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from program import pipeline as program
from report_sources import described, made_of
from samples import row, write_ndjson

import pipeline
from pipeline.errors import DestinationError, PipelineError, UsageError

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """The elements of a page, which must be closed in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), [name for name, _ in self.open]))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), [name for name, _ in self.open]))

    def handle_endtag(self, tag):
        assert self.open[-1][0] == tag, f"</{tag}> closes <{self.open[-1][0]}>"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1][0] != "style":
            self.texts.append(data)

    def of(self, tag):
        return [attrs for name, attrs, _ in self.elements if name == tag]


def report(source, tmp_path, name="report.html", **options):
    path = tmp_path / name
    pipeline.write_report(source, path, **options)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    made = made_of(tmp_path_factory.mktemp("report") / "rows.parquet", 12_000)
    different = {
        "s0": {"fps": 30, "codec": "vp8"},
        "s1": {"fps": 30, "codec": "vp8"},
        "s2": {"fps": 60, "codec": "vp8"},
    }
    return described(made, **different, s3={"fps": 30, "codec": "vp8"})


@pytest.fixture(scope="module")
def text(source, tmp_path_factory):
    return report(source, tmp_path_factory.mktemp("page"), by=["site"])


def test_it_needs_neither_a_network_nor_scripts(text):
    page = Page(text)
    assert page.of("script") == page.of("link") == page.of("img") == page.of("iframe") == []
    assert not re.search(r"\b(?:src|srcset|action|formaction)\s*=|\burl\(|@import|javascript:", text)
    assert [one["href"] for one in page.of("a") if not one["href"].startswith("#")] == []
    assert not any(name.startswith("on") for _, attrs, _ in page.elements for name in attrs)
    policy = next(one for one in page.of("meta") if one.get("http-equiv"))
    assert policy["content"].startswith("default-src 'none'")
    assert re.findall(r"https?://[^\s\"'<]+", text) == []


def test_sections_come_in_their_order_and_links_lead_to_them(text):
    page = Page(text)
    headings = [one["id"] for one in page.of("h2")]
    assert headings == ["figures", "percentiles", "time", "session-figures", "sessions", "provenance"]
    identities = [attrs["id"] for _, attrs, _ in page.elements if "id" in attrs]
    assert len(set(identities)) == len(identities)
    assert {one["href"][1:] for one in page.of("a")} == {*headings}


def test_every_chart_has_a_title_a_description_and_a_table(text):
    page = Page(text)
    charts = [one for one in page.of("svg") if one.get("aria-hidden") != "true"]
    assert len(charts) >= 3 + 6 + 3
    known = {attrs.get("id") for tag, attrs, _ in page.elements if tag in {"title", "desc"}}
    for chart in charts:
        assert chart["role"] == "img"
        assert set(chart["aria-labelledby"].split()) <= known
    assert len(page.of("figure")) == len(page.of("details")) == len(charts)
    for figure in re.findall(r"<figure>.*?</figure>", text, re.DOTALL):
        assert re.search(r"<desc[^>]*>[^<]{20,}</desc>", figure)
        assert "<table>" in figure
    assert all(one.get("scope") in {"row", "col"} for one in page.of("th"))


def test_figures_are_those_of_the_statistics_to_the_digits_shown(source, text):
    table = re.search(r'aria-label="Figures of all groups">(.*?)</table>', text, re.DOTALL)[1]
    head = re.findall(r'scope="col">(.*?)</th>', table)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", one) for one in re.findall(r"<tr>(.*?)</tr>", table)[1:]]
    wanted = pipeline.statistics(source, scope="cross-session", by=["site"]).to_dicts()
    assert len(rows) == len(wanted)
    for have, want in zip(rows, wanted, strict=True):
        cells = dict(zip(head, have, strict=True))
        assert (cells["metric"], cells["unit"], cells["site"]) == (want["metric"], want["unit"], want["site"])
        assert (cells["n"], cells["lost"]) == (f"{want['count']:,}", f"{want['null_count']:,}")
        for name in ("mean", "p50", "p90", "p95", "p99", "max"):
            number = float(cells[name].replace(",", "").replace("\N{MINUS SIGN}", "-"))
            assert number == float(f"{want[name]:.6g}")


def test_what_differs_in_the_configuration_is_marked(text):
    part = text[text.index('id="sessions"') :]
    assert re.findall(r'<td class="t d"><b>(.*?)</b></td>', part) == ["60"]
    assert ">codec</th><td>vp8</td>" in part


def test_the_same_content_gives_the_same_bytes(source, text, tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert report(source, tmp_path, by=["site"], threads=1) == text
    pipeline.import_sessions(source, tmp_path / "store")
    stored = report(tmp_path / "store", tmp_path, "stored.html", by=["site"])
    body = re.compile(r"<section.*?(?=<section aria-labelledby=\"provenance\">)", re.DOTALL)
    assert body.search(stored)[0] == body.search(text)[0]


def test_its_size_does_not_follow_the_rows(tmp_path):
    few, many = (
        report(made_of(tmp_path / f"{rows}.parquet", rows), tmp_path, f"{rows}.html", by=["site"])
        for rows in (120_000, 1_200_000)
    )
    assert abs(len(many) - len(few)) < 0.05 * len(few)


def test_hostile_names_stay_text(tmp_path):
    evil = "<script>alert(1)</script>\"'&amp;"
    rows = [
        row(sequence=at, metric=evil, unit=evil, site=evil, value=float(at), session_id=evil[:20]) for at in range(40)
    ]
    source = write_ndjson(tmp_path / "evil.ndjson", rows)
    configuration = {"session_id": evil[:20], "configuration": {evil: evil}}
    (tmp_path / "evil.session.json").write_text(json.dumps(configuration))
    page = Page(report(source, tmp_path, by=["site"]))
    assert page.of("script") == []
    assert any(evil in one for one in page.texts)


def test_more_than_200_sessions_are_thinned_and_it_is_said(tmp_path):
    rows = [
        row(session_id=f"s{at:04}", value=float(at), timestamp=f"2026-11-24T{at // 60:02}:{at % 60:02}:00Z")
        for at in range(500)
    ]
    text = report(write_ndjson(tmp_path / "many.ndjson", rows), tmp_path)
    assert "200 of 500 sessions are shown" in text
    assert len(re.findall(r'<th scope="row">s\d{4}</th>', text[text.index('id="sessions"') :])) == 200
    assert len(text) < 200_000


@pytest.mark.parametrize(
    "values", [[None, None], [1.0], [float("inf")], [0.0, 0.0], [-5.0, 5.0], [1e-300, 1e300], [5.0] * 50, []], ids=repr
)
def test_odd_values_make_a_page_all_the_same(tmp_path, values):
    rows = [row(sequence=at, value=one) for at, one in enumerate(values)] or [row()]
    rows = [{**one, "value": "Infinity"} if one["value"] == float("inf") else one for one in rows]
    source = write_ndjson(tmp_path / "odd.ndjson", rows)
    where = None if values else "value > 100"
    text = report(source, tmp_path, where=where)
    assert not re.search(r"\b(nan|inf|None)\b", text)
    Page(text)


def test_a_report_is_left_alone_replaced_or_there_already(source, tmp_path):
    to = tmp_path / "report.html"
    assert pipeline.write_report(source, to)
    before = to.stat()
    assert not pipeline.write_report(source, to)
    assert to.stat().st_mtime_ns == before.st_mtime_ns
    with pytest.raises(DestinationError, match="exists already; --overwrite replaces it"):
        pipeline.write_report(source, to, metrics=["rtt"])
    assert pipeline.write_report(source, to, metrics=["rtt"], overwrite=True)
    to.write_text("<html>mine</html>")
    with pytest.raises(DestinationError, match="is no report, and is left as it is"):
        pipeline.write_report(source, to, overwrite=True)
    assert to.read_text() == "<html>mine</html>"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("to", "options", "error", "says"),
    [
        ("out", {}, UsageError, "name a file that ends in .html or .htm"),
        ("none/out.html", {}, DestinationError, "no such directory"),
        ("out.html", {"by": ["sitee"]}, PipelineError, "--by: no column 'sitee'; did you mean 'site'?"),
        ("out.html", {"kinds": ["rtt=speed"]}, UsageError, "--kind 'rtt=speed': "),
        ("out.html", {"kinds": ["speed"]}, UsageError, "--kind 'speed': give METRIC=KIND, or recorded"),
        ("out.html", {"memory_limit": "much"}, UsageError, "much"),
    ],
)
def test_a_wrong_option_is_one_line_and_leaves_nothing(source, tmp_path, to, options, error, says):
    with pytest.raises(error) as raised:
        pipeline.write_report(source, tmp_path / to, **options)
    assert says in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_verdicts_and_comparisons_are_those_of_check_and_compare(tmp_path, fixture_store):
    targets = fixture_store.parent / "targets" / "teleoperation.toml"
    sides = {"baseline": "network_profile = 'lan'", "candidate": "network_profile = 'wan'"}
    options = {"by": ["network_profile"], "metrics": ["control_rtt"]}
    text = report(fixture_store, tmp_path, targets=targets, **sides, **options)
    check = pipeline.check_targets(fixture_store, targets)
    part = text[text.index('<h2 id="verdicts">') : text.index('<h2 id="figures">')]
    rows = re.findall(r'<tr><th scope="row">(.*?)<br>.*?</th><td class="t"><span class="b b-\w+">. (.*?)</span>', part)
    assert rows == [(target.name, target.verdict) for target in check.targets]
    degraded = next(one for one in check.targets if one.name == "control rate on a degraded WAN")
    assert f"0 of {len(degraded.groups)}" in part
    found = pipeline.compare_sessions(fixture_store, sides["baseline"], sides["candidate"], metrics=["control_rtt"])
    part = text[text.index('<h2 id="comparison">') : text.index('<h2 id="session-figures">')]
    assert found.summary() in part
    for one in found.rows:
        verdict, metric, figure, before, after, *_ = one.row()
        assert (
            f'<th scope="row">{metric}</th><td>{verdict}</td><td>{figure}</td><td>{before}</td><td>{after}</td>' in part
        )
    assert "Share of values of control_rtt (ms)" in part
    with pytest.raises(UsageError, match="a comparison has two sides"):
        pipeline.write_report(fixture_store, tmp_path / "one.html", baseline="true")


def test_a_metric_that_nobody_has_is_a_warning_beside_the_page(tmp_path):
    source = write_ndjson(tmp_path / "run.ndjson", [row(sequence=at) for at in range(3)])
    told: list[str] = []
    pipeline.write_report(source, tmp_path / "a.html", metrics=["control_rt"], on_warning=told.append)
    warning, nothing = told
    assert nothing.startswith("nothing matches the selection")
    assert "no selected session has metric 'control_rt'" in warning
    done = program("report", source, "--to", tmp_path / "b.html", "--metric", "control_rt")
    assert (done.status, done.err) == (0, "".join(f"pipeline: warning: {one}\n" for one in told))


def test_a_range_without_rows_is_told(tmp_path):
    rows = [{**row("s1", 0), "timestamp": f"2026-11-2{day}T09:00:00Z", "sequence": day} for day in (1, 5)]
    pipeline.import_sessions(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path / "store")
    for number, (since, sessions) in enumerate((("2026-11-23", 1), ("2026-11-28", 0))):
        page = tmp_path / f"{number}.html"
        result = program(
            "report",
            tmp_path / "store",
            "--to",
            page,
            "--since",
            since,
            "--until",
            "2026-11-29" if sessions == 0 else "2026-11-24",
        )
        assert result.status == 0, result.err
        assert result.err == "pipeline: warning: nothing matches the selection; the report has no figures\n"
        assert "Note: nothing matches the selection; the report has no figures." in page.read_text(encoding="utf-8")
    package = tmp_path / "package"
    result = program(
        "export", tmp_path / "store", "--to", package, "--report", "--since", "2026-11-23", "--until", "2026-11-24"
    )
    assert result.status == 0, result.err
    assert result.err.count("nothing matches the selection") == 1
    assert "Note: nothing matches" in next(package.glob("report_*.html")).read_text(encoding="utf-8")
    told = []
    pipeline.write_report(tmp_path / "store", tmp_path / "all.html", on_warning=told.append)
    assert told == []
    assert "Note:" not in (tmp_path / "all.html").read_text(encoding="utf-8")
