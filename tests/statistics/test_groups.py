"""Groups of the statistics: by attributes of every type, in their order."""

from __future__ import annotations

from math import nan

import numpy as np
import pyarrow as pa
import pyarrow.ipc
from figures import check, figures, sample, statistics, write_parquet
from samples import row, write_ndjson


def test_groups_by_attributes_of_each_type_and_null_is_a_group(tmp_path):
    rng = np.random.default_rng(7)
    choices = {
        "name": ["a", "b", "", None],
        "port": [-(2**63), 0, 2**53 + 1, 2**63 - 1, None],
        "ok": [True, False, None],
        "ratio": [0.1, -2.5, 1e300, None],
    }
    rows = [
        sample(at, float(rng.normal()), **{name: rng.choice(len(c)) for name, c in choices.items()})
        for at in range(400)
    ]
    rows = [r | {name: values[r[name]] for name, values in choices.items()} for r in rows]
    source = write_parquet(tmp_path / "a.parquet", rows)
    for name, values in choices.items():
        found = check(source, rows, tmp_path, by=[name])
        assert {r[name] for r in found} == set(values)
        assert found[-1][name] is None
    check(source, rows, tmp_path, by=["ok", "name", "port", "ratio"], pooled=True)


def test_equal_attributes_are_one_group_whatever_their_bits(tmp_path):
    other_nan = np.array([0xFFF8000000000001], np.uint64).view(np.float64)[0]
    values = [0.0, -0.0, nan, other_nan, None, None]
    rows = [sample(at, 1.0, k=k) for at, k in enumerate(values)]
    texts = []
    for name, order in (("forwards", rows), ("backwards", rows[::-1])):
        renumbered = [r | {"sequence": at} for at, r in enumerate(order)]
        source = write_parquet(tmp_path / f"{name}.parquet", renumbered)
        found = figures(source, tmp_path, by=["k"])
        assert sorted(r["count"] for r in found) == [2, 2, 2]
        texts.append(sorted(repr(r["k"]) for r in found))
    # The first row of a group must not decide how the group is written.
    assert texts[0] == texts[1]


def test_an_attribute_that_some_sessions_lack_is_null_for_them(tmp_path):
    rows = [row("s1", at, value=float(at), zone="x") for at in range(3)]
    rows += [row("s2", at, value=float(at)) for at in range(2)]
    found = figures(write_ndjson(tmp_path / "a.ndjson", rows), tmp_path, by=["zone"], scope="cross-session")
    assert [(r["zone"], r["count"], r["session_count"]) for r in found] == [("x", 3, 1), (None, 2, 1)]


def test_units_never_share_a_row_and_null_is_a_unit(tmp_path):
    units = ["ms", "s", None, "ms", None, "", "s"]
    rows = [sample(at, float(at), f"s{at % 2}", unit=unit) for at, unit in enumerate(units)]
    source = write_parquet(tmp_path / "a.parquet", sorted(rows, key=lambda r: r["session_id"]))
    found = check(source, rows, tmp_path, pooled=True)
    assert {r["unit"]: r["count"] for r in found} == {"ms": 2, "s": 2, None: 2, "": 1}
    check(source, rows, tmp_path)


def test_rows_are_ordered_by_session_metric_unit_attribute_and_window(tmp_path):
    rows = [
        sample(at, 1.0, session_id, metric=metric, unit=unit, k=k)
        for session_id, first in (("b", 0), ("a", 100))
        for at, (metric, unit, k) in enumerate(
            [("y", "s", 2), ("x", None, 1), ("x", "ms", None), ("x", "ms", 10), ("x", "ms", 9), ("y", "s", 2)] * 20,
            start=first,
        )
    ]
    source = write_parquet(tmp_path / "a.parquet", rows)
    found = figures(source, tmp_path, by=["k"], window="1m")
    keys = [(r["session_id"], r["metric"], r["unit"], r["k"], r["window_start"]) for r in found]
    # Session b started first; null comes last.
    assert [key[0] for key in keys] == sorted((key[0] for key in keys), reverse=True)
    last = "\U0010ffff"
    assert keys == sorted(keys, key=lambda key: (key[0] == "a", key[1], key[2] or last, key[3] or 99, key[4]))


def test_attributes_of_any_type_can_be_grouped_by_where_nothing_is_selected(tmp_path):
    rows = [sample(0, 1.0, i=1, f=1.5, b=True, s="x")]
    source = write_parquet(tmp_path / "a.parquet", rows)
    table = statistics(source, tmp_path, by=["i", "f", "b", "s"], where="value > 1")
    assert table.num_rows == 0
    kinds = [table.schema.field(name).type for name in "ifbs"]
    assert kinds == [pa.int64(), pa.float64(), pa.bool_(), pa.string()]
