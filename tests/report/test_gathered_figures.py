"""What charts are made of: exact counts and figures, compared with numpy and with `pipeline statistics`."""

from __future__ import annotations

import numpy as np
import pytest
from report_sources import START, columns_of, made_of

import pipeline
from pipeline.notebook import charts
from pipeline.report.cells import octaves, value_at
from pipeline.report.gathering import GatheringOptions, gather, shown_sessions
from pipeline.report.numbers import shown
from pipeline.selection.options import Selection


def gathered_of(source, **options):
    asked = GatheringOptions(**options)
    made, _ = charts._read(
        source, Selection(), asked, lambda selected, **how: gather(selected, asked, **how), None, None
    )
    return made


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return made_of(tmp_path_factory.mktemp("report") / "rows.parquet", 12_000)


@pytest.fixture(scope="module")
def gathered(source):
    return gathered_of(source, by=("site",))


def test_cells_are_what_numpy_counts(source, gathered):
    rows = columns_of(source)
    window = gathered.window_seconds * 1_000_000
    session = np.array([int(name[1:]) for name in rows["session_id"]])
    windows = (rows["time"] - (START + session * 3_600_000_000)) // window
    assert {key[0] for key in gathered.cells} == {"rtt", "offset", "zeros"}
    for (metric, _, site), cells in gathered.cells.items():
        mine = (rows["metric"] == metric) & (rows["site"] == site) & np.isfinite(rows["value"])
        zeros = mine & (rows["value"] == 0)
        np.testing.assert_array_equal(cells.zeros, np.bincount(windows[zeros], minlength=gathered.windows))
        others = mine & ~zeros
        # An edge belongs to the bucket above it, and numpy's last bucket has both of its own.
        edges = np.array([value_at(edge) for edge in cells.edges])
        counted, _, _ = np.histogram2d(
            windows[others], rows["value"][others], bins=[np.arange(gathered.windows + 1), edges]
        )
        np.testing.assert_array_equal(cells.counts, counted.astype(int))
        assert cells.counts.sum() + cells.zeros.sum() == mine.sum()
        assert cells.counts.shape[1] <= 256


def test_the_scale_of_cells_goes_up_octave_by_octave_and_back():
    values = np.array([-1e9, -8.0, -1.5, -1e-12, 0.0, 1e-12, 0.5, 1.0, 1.5, 2.0, 3.0, 1024.0, 1e300])
    placed = octaves(values)
    assert (np.diff(placed) > 0).all()
    assert placed[9] - placed[7] == 1.0
    np.testing.assert_allclose([value_at(one) for one in placed], values, rtol=1e-12, atol=1e-19)


def test_figures_are_those_of_the_statistics_of_groups_windows_and_sessions(source, gathered):
    for found, options in [
        (gathered.groups, {"scope": "cross-session"}),
        (gathered.over_time, {"scope": "cross-session", "window": gathered.window, "window_origin": "session"}),
        (gathered.sessions, {"scope": "per-session"}),
    ]:
        wanted = pipeline.statistics(source, by=["site"], **options).to_dicts()
        assert len(found) == len(wanted)
        for have, want in zip(found, wanted, strict=True):
            assert have == {**have, **{name: want[name] for name in want if not name.endswith("_timestamp")}}


def test_quantiles_of_curves_are_those_of_numpy(source, gathered):
    rows = columns_of(source)
    for group in gathered.groups:
        mine = (rows["metric"] == group["metric"]) & (rows["site"] == group["site"]) & np.isfinite(rows["value"])
        for name, q in {"p0_1": 0.001, "p5": 0.05, "p50": 0.5, "p99_9": 0.999, "p99_999": 0.99999}.items():
            np.testing.assert_allclose(group[name], np.quantile(rows["value"][mine], q), rtol=1e-13)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (float("inf"), "\N{INFINITY}"),
        (0.0, "0"),
        (1234567, "1,234,567"),
        (1234.5678, "1,234.57"),
        (-0.25, "\N{MINUS SIGN}0.25"),
        (999999.7, "1,000,000"),
        (1.5e-7, "1.5e-07"),
        (0.000123456789, "0.000123457"),
    ],
)
def test_numbers_are_shown_with_six_digits(value, text):
    assert shown(value) == text


@pytest.mark.parametrize("value", np.random.default_rng(3).lognormal(0, 8, 300).tolist())
def test_shown_digits_are_those_of_the_value(value):
    assert float(shown(value).replace(",", "")) == float(f"{value:.6g}")


def test_sessions_are_thinned_with_the_first_and_the_last_among_them():
    assert shown_sessions(range(200)) == tuple(range(200))
    kept = shown_sessions(range(1_001))
    assert (len(kept), kept[0], kept[-1]) == (200, 0, 1_000)
    assert set(np.diff(kept)) <= {5, 6}
