"""Single charts: what they show, as SVG, PNG and in notebooks; their colours."""

from __future__ import annotations

import itertools
import re
import struct
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from report_sources import made_of
from samples import row, write_ndjson

import pipeline
from pipeline.errors import DestinationError, PipelineError
from pipeline.report import palette

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return made_of(tmp_path_factory.mktemp("report") / "rows.parquet", 6_000)


@pytest.mark.parametrize("kind", ["percentiles", "ecdf", "heatmap", "sessions"])
def test_a_chart_is_a_picture_of_its_own_that_says_what_it_shows(source, tmp_path, kind):
    by = [] if kind == "heatmap" else ["site"]
    chart = pipeline.plot(source, "rtt", kind=kind, by=by, to=tmp_path / "rtt.svg")
    root = ET.parse(tmp_path / "rtt.svg").getroot()  # noqa: S314 - our own file
    texts = {root.find(f"{SVG}{name}").attrib["id"]: root.find(f"{SVG}{name}").text for name in ("title", "desc")}
    assert " ".join(texts) == root.attrib["aria-labelledby"]
    assert list(texts.values()) == [chart.title, chart.description]
    assert "prefers-color-scheme:dark" in root.find(f"{SVG}style").text
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    numbers = [float(n) for text in root.iter(f"{SVG}text") for n in (text.attrib["x"], text.attrib["y"])]
    assert min(numbers) >= 0
    assert (max(numbers[::2]) <= width, max(numbers[1::2]) <= height) == (True, True)
    assert "<table>" in chart._repr_html_()
    assert "<svg " in chart._repr_html_()
    wanted = pipeline.statistics(source, scope="cross-session", by=by, metrics=["rtt"], quantiles=[0.999]).to_dicts()
    if kind in {"percentiles", "ecdf"}:
        columns = {"p50": "p50", "p99": "p99", "p99.9": "p99_9", "max": "max"}
        shown = [dict(zip(chart.columns, one, strict=True)) for one in chart.rows]
        for have, want in zip(shown, wanted, strict=True):
            for name, of in columns.items():
                assert float(have[name].replace(",", "")) == float(f"{want[of]:.6g}")


def test_png_is_the_same_picture_twice_as_large(source, tmp_path):
    chart = pipeline.plot(source, "rtt", to=tmp_path / "rtt.png")
    data = (tmp_path / "rtt.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (960, 2 * chart.height)


def test_marks_of_sessions_of_a_counter_are_its_rates(tmp_path):
    rows = [
        row(session_id=f"s{number}", sequence=at, metric="sent", value=float(at * number), unit="By")
        for number in (1, 2)
        for at in range(5)
    ]
    source = write_ndjson(tmp_path / "run.ndjson", rows)
    chart = pipeline.plot(source, "sent", kind="sessions", kinds=["sent=counter"])
    assert [one[chart.columns.index("rate")] for one in chart.rows] == ["1", "2"]
    with pytest.raises(PipelineError, match="sent is a counter, whose level says nothing"):
        pipeline.plot(source, "sent", kinds=["sent=counter"])


@pytest.mark.parametrize(
    ("metric", "options", "says"),
    [
        ("rtx", {}, "did you mean 'rtt'"),
        ("rtt", {"kind": "heatmap", "by": ["site"]}, "a heat map shows one group, and --by makes 2"),
        ("rtt", {"to": "rtt.gif"}, "name a file that ends in .svg or .png"),
        ("rtt", {"kind": "pie"}, "kind must be 'percentiles'"),
    ],
)
def test_a_chart_that_cannot_be_drawn_is_one_line(source, tmp_path, monkeypatch, metric, options, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError) as raised:
        pipeline.plot(source, metric, **options)
    assert says in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def odd(tmp_path):
    """Samples over half a minute: of groups with numbers, with NaN and infinities, with nothing else, and of NaN."""
    values = {
        0.5: [1.0, 2.0, None],
        1.5: [1.0, "NaN", "-Infinity"],
        2.5: [None, "Infinity", None],
        "NaN": [4.0, 5.0, 6.0],
    }
    rows = [
        row(session_id, 10 * at + place, metric="rtt", value=value, ratio=ratio)
        for session_id in ("s1", "s2")
        for at, (ratio, of_group) in enumerate(values.items())
        for place, value in enumerate(of_group)
    ]
    return write_ndjson(tmp_path / "odd.ndjson", rows)


@pytest.mark.parametrize("kind", ["percentiles", "ecdf", "sessions", "heatmap"])
def test_values_that_no_figure_has_are_told_with_the_chart(odd, kind):
    told = []
    chart = pipeline.plot(odd, "rtt", kind=kind, by=[] if kind == "heatmap" else ["ratio"], on_warning=told.append)
    assert chart.notes[0] == "6 values are NaN or infinite, and in no figure"
    assert chart.notes[1:] == (
        ["all samples are lost or not finite, so there is no line: 2.5"] if kind in {"percentiles", "ecdf"} else []
    )
    assert told == [f"rtt: {note}" for note in chart.notes]
    assert all(note in chart._repr_html_() for note in chart.notes)


def test_a_group_of_nan_has_a_heat_map(odd, tmp_path):
    chart = pipeline.plot(odd, "rtt", kind="heatmap", by=["ratio"], where="isnan(ratio)")
    assert sum(int(count) for _, count, *_ in chart.rows) == 6
    pipeline.write_report(odd, tmp_path / "odd.html", by=["ratio"])
    page = (tmp_path / "odd.html").read_text(encoding="utf-8")
    assert "rtt (ms), nan over time" in page
    assert "<p>rtt (ms): 6 values are NaN or infinite, and in no figure.</p>" in page


def test_mixed_units_lost_samples_and_strangers_are_one_line(source, tmp_path):
    mixed = write_ndjson(tmp_path / "mixed.ndjson", [row(), row(sequence=1, unit="s")])
    with pytest.raises(PipelineError, match="has values in ms, s; choose with --where"):
        pipeline.plot(mixed, "control_rtt")
    lost = write_ndjson(tmp_path / "lost.ndjson", [row(value=None)])
    with pytest.raises(PipelineError, match="all samples are lost or not finite"):
        pipeline.plot(lost, "control_rtt")
    (tmp_path / "mine.svg").write_text("mine")
    with pytest.raises(DestinationError, match="is no chart, and is left as it is"):
        pipeline.plot(source, "rtt", to=tmp_path / "mine.svg", overwrite=True)


def linear(colour):
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """WCAG 2.2, contrast ratio."""
    low, high = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


# Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency, 2009.
EYES = {
    "all colours": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)


def lab(colour, eye):
    xyz = TO_XYZ @ np.clip(np.array(EYES[eye]) @ linear(colour), 0, 1) / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("theme", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_colours_are_seen_and_told_apart_by_every_eye(theme):
    assert min(contrast(one, theme.ground) for one in theme.lines) >= 3
    assert min(contrast(one, theme.ground) for one in (theme.text, theme.muted)) >= 4.5
    for eye in EYES:
        for one, other in itertools.combinations(theme.lines, 2):
            assert np.linalg.norm(lab(one, eye) - lab(other, eye)) > 20, (eye, one, other)
    brightness = [contrast(one, theme.ground) for one in theme.heat]
    assert brightness == sorted(brightness)


def test_24_lines_have_a_style_each_and_neighbours_other_dashes():
    styles = [palette.style_of(number) for number in range(24)]
    assert len(set(styles)) == 24
    dashes = [re.sub(r"l\d ?", "", style) for style in styles]
    assert all(one != other for one, other in itertools.pairwise(dashes[:12]))


EXTREMES = {
    "both ends of float64": [-1.7e308, 1.7e308, 1e300, 5.0],
    "the largest numbers": [1.7e308, 1.75e308],
    "the largest number alone": [1.7976931348623157e308],
    "positive ones as far apart as can be": [5e-324, 1.0, 1.7976931348623157e308],
    "the smallest numbers": [0.0, 5e-324, 1e-323],
}


@pytest.mark.parametrize("values", EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("kind", ["percentiles", "ecdf", "heatmap", "sessions"])
def test_whatever_numbers_there_are_have_their_places(tmp_path, recwarn, kind, values):
    rows = [
        row(session_id=session_id, sequence=at, value=values[at % len(values)])
        for session_id in ("a", "b")
        for at in range(60)
    ]
    source = write_ndjson(tmp_path / "run.ndjson", rows)
    chart = pipeline.plot(source, "control_rtt", kind=kind)
    root = ET.fromstring(chart.to_svg())  # noqa: S314 - our own text
    drawn = [float(n) for one in root.iter() for n in re.findall(r"[-\d.]+(?:e[-+]?\d+)?", one.attrib.get("d", ""))]
    assert all(abs(number) <= 10_000 for number in drawn)
    assert not re.search(r"[^a-z](nan|inf)[^a-z]", ET.tostring(root, encoding="unicode"))
    assert not list(recwarn)
