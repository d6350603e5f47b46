"""Checks of stores: packs, timestamps of either unit, periods of a job, all as of the files they came from."""

from __future__ import annotations

import numpy as np
import pytest
from targets import write_targets, write_values

import pipeline
from pipeline.selection.options import Selection
from pipeline.sources.open import open_source
from pipeline.targets.check import check_rows
from pipeline.targets.target_file import read_targets

SELECTIONS = (
    {},
    {"since": "2026-11-24T16:00:20Z", "until": "2026-11-24T16:00:50Z"},
    {"sessions": ("s03",)},
    # What is published without these columns and names is checked with them.
    {"metrics": ("other",), "columns": ("value",), "redact": ("attributes.robot",)},
)


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_a_store_is_checked_as_its_files_are(tmp_path, unit):
    random = np.random.default_rng(1)
    files = [
        write_values(
            tmp_path, random.lognormal(3, 0.3, 60).tolist(), session_id=f"s{at:02}", attributes={"robot": "r1"}
        )
        for at in range(8)
    ]
    targets = read_targets(
        write_targets(
            tmp_path,
            {"limit": "< 1000 ms", "per": "10s"},
            {"figure": "rate", "limit": ">= 1 Hz", "per": "10s", "sessions": "robot = 'r1'"},
            {"figure": "p95", "confidence": 0.9, "limit": "< 1000 ms", "per": "all"},
        )
    )
    pipeline.import_sessions([str(one) for one in files], tmp_path / "store", timestamp_unit=unit)
    pipeline.compact_store(tmp_path / "store")
    with open_source(tmp_path / "store", hold=True) as store, open_source(files) as plain:
        for given in SELECTIONS:
            found = check_rows(store, Selection(**given), targets)
            whole = {name: value for name, value in given.items() if name in {"since", "until", "sessions"}}
            expected = check_rows(plain, Selection(**whole), targets)
            for one, other in zip(found.targets, expected.targets, strict=True):
                assert [(g.verdict, g.value, g.bound, g.count) for g in one.groups] == [
                    (g.verdict, g.value, g.bound, g.count) for g in other.groups
                ]
            assert found.is_met
