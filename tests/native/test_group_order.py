"""Groups by keys of every type: complete, in order and with their own rows, however little memory holds them."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.native import GroupedValues

# In the first, hardly any group finds room, so that nearly all rows are sorted, in many runs; in the last, all do.
BUDGETS = [1, 6_000, 10_000_000]
KINDS = {"text": pa.string(), "count": pa.int64(), "ratio": pa.float64(), "flag": pa.bool_()}
QUANTILES = {"p50": 0.5, "p90": 0.9}

texts = st.one_of(
    st.sampled_from(["", "a", "a\0", "a\0b", "ab", "\0", "\x01", "\x02", "ä", "\uffff", "\U00010000", "z" * 300]),
    st.text(max_size=4),
)
keys = st.fixed_dictionaries(
    {
        "text": st.none() | texts,
        "count": st.none() | st.sampled_from([-(2**63), -256, -1, 0, 1, 255, 2**63 - 1]),
        "ratio": st.none() | st.sampled_from([math.nan, -math.inf, -1.5, -0.0, 0.0, 5e-324, math.inf]),
        "flag": st.none() | st.booleans(),
    }
)
values = st.none() | st.sampled_from([math.nan, math.inf, -math.inf]) | st.floats(-1e3, 1e3)
sessions = st.lists(st.lists(st.tuples(keys, values), max_size=40), min_size=1, max_size=3)


def arrays(rows, names, *, as_dictionary):
    for name in names:
        array = pa.array([key[name] for key, _ in rows], KINDS[name])
        yield array.dictionary_encode() if as_dictionary and name == "text" else array


def add(groups, session, rows, names, cuts, *, as_dictionary=False, start=0):
    for first, stop in pairwise([0, *sorted(cuts), len(rows)]):
        part = rows[first:stop]
        # Times fall while sequences rise.
        times = pa.array([-at for at in range(start + first, start + stop)], pa.int64())
        places = pa.array(range(start + first, start + stop), pa.int64())
        numbers = pa.array([value for _, value in part], pa.float64())
        groups.add([*arrays(part, names, as_dictionary=as_dictionary)], times, places, numbers, session=session)


def rows_of(groups, names, at_a_time):
    """All groups as dicts by their keys, in order."""
    found = []
    for batch in groups.figures(at_a_time):
        for key in batch.keys:
            key.validate(full=True)
        columns = [key.to_pylist() for key in batch.keys]
        figures = {name: numbers.tolist() for name, numbers in {**batch.integers, **batch.numbers}.items()}
        count = len(figures["count"])
        assert count <= at_a_time
        found += [
            ({n: c[at] for n, c in zip(names, columns, strict=True)}, {n: f[at] for n, f in figures.items()})
            for at in range(count)
        ]
    return found


def order_of(key):
    """How a key is sorted: texts by UTF-8, NaN behind numbers, null at the end."""
    return tuple(
        (2,) if value is None
        else (1,) if value != value  # noqa: PLR0124 - NaN
        else (0, value.encode() if isinstance(value, str) else value)
        for value in key.values()
    )  # fmt: skip


def expected_rows(sessions, names, *, lost_are_infinite):
    groups = {}
    for session, rows in enumerate(sessions):
        for at, (key, value) in enumerate(rows):
            own = {name: key[name] for name in names}
            groups.setdefault(order_of(own), []).append((-at, at, session, value))
    for order in sorted(groups):
        rows = groups[order]
        finite = sorted(row for row in rows if row[3] is not None and math.isfinite(row[3]))
        numbers = sorted(row[3] for row in finite)
        nulls = sum(row[3] is None for row in rows)
        ranked = numbers + [math.inf] * (nulls if lost_are_infinite else 0)
        yield (
            order,
            {
                "count": len(numbers),
                "null_count": nulls,
                "non_finite_count": len(rows) - nulls - len(numbers),
                "session_count": len({row[2] for row in rows}),
                "first_timestamp": finite[0][0] if finite else 0,
                "last_timestamp": finite[-1][0] if finite else 0,
                "first": finite[0][3] if finite else math.nan,
                "last": finite[-1][3] if finite else math.nan,
                "min": numbers[0] if finite else math.nan,
                "max": numbers[-1] if finite else math.nan,
                "sum": math.fsum(numbers) if finite else math.nan,
                "p50": quantile(ranked, 0.5),
            },
        )


def quantile(ordered, q):
    if not ordered:
        return math.nan
    h = (len(ordered) - 1) * q
    low, high = ordered[math.floor(h)], ordered[math.ceil(h)]
    return low if low == high else math.inf if high == math.inf else low + (high - low) * (h - math.floor(h))


@pytest.mark.parametrize("budget_bytes", BUDGETS)
@settings(max_examples=120)
@given(
    sessions=sessions,
    names=st.permutations(list(KINDS)).flatmap(lambda order: st.integers(1, 4).map(lambda count: order[:count])),
    data=st.data(),
)
def test_groups_are_those_of_plain_python(tmp_path, budget_bytes, sessions, names, data):
    infinite = data.draw(st.booleans())
    groups = GroupedValues(
        [KINDS[name] for name in names],
        QUANTILES,
        lost_are_infinite=infinite,
        budget_bytes=budget_bytes,
        directory=tmp_path,
    )
    for session, rows in enumerate(sessions):
        cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=3))
        add(groups, session, rows, names, cuts, as_dictionary=data.draw(st.booleans()))
    found = rows_of(groups, names, data.draw(st.sampled_from([1, 7, 1000])))
    expected = list(expected_rows(sessions, names, lost_are_infinite=infinite))
    assert [order_of(key) for key, _ in found] == [order for order, _ in expected]
    for (key, have), (_, want) in zip(found, expected, strict=True):
        assert {name: repr(have[name] + 0.0) for name in want} == {name: repr(n + 0.0) for name, n in want.items()}, key
    # Zeros and what is no number have one text.
    ratios = [key["ratio"] for key, _ in found if "ratio" in names and key["ratio"] is not None]
    assert {math.copysign(1, ratio) for ratio in ratios if ratio == 0 or math.isnan(ratio)} <= {1.0}
    assert list(tmp_path.iterdir()) == []


def many(rows, count, seed):
    """Keys and values where few groups have many rows, and many have few."""
    rng = np.random.default_rng(seed)
    codes = (rng.random(rows) ** 4 * count).astype(np.int64)
    names = np.array([f"grüppe-{code * 7919 % count:06d}" for code in range(count)])
    return names[codes], rng.normal(50, 9, rows)


def added_in_batches(tmp_path, names, numbers, budget_bytes):
    groups = GroupedValues([pa.string()], QUANTILES, budget_bytes=budget_bytes, directory=tmp_path)
    texts, numbers = pa.array(names), pa.array(numbers)
    at = pa.array(np.arange(len(texts)))
    for start in range(0, len(texts), 5000):
        part = slice(start, start + 5000)
        groups.add([texts[part]], at[part], at[part], numbers[part], session=start // 20_000)
    return rows_of(groups, ["text"], 999)


@pytest.mark.parametrize("budget_bytes", [1, 100_000, 1_000_000])
def test_many_groups_are_those_of_polars(tmp_path, budget_bytes):
    names, numbers = many(60_000, 20_000, 1)
    found = added_in_batches(tmp_path, names, numbers, budget_bytes)
    value = pl.col("v")
    expected = (
        pl.DataFrame({"k": names, "v": numbers, "s": np.arange(60_000) // 20_000})
        .group_by("k")
        .agg(
            count=pl.len(),
            session_count=pl.col("s").n_unique(),
            mean=value.mean(),
            stddev=value.std(),
            min=value.min(),
            p50=value.quantile(0.5, "linear"),
            p90=value.quantile(0.9, "linear"),
            max=value.max(),
            first=value.first(),
            last=value.last(),
        )
        .sort("k")
    )
    assert [key["text"] for key, _ in found] == expected["k"].to_list()
    for name in expected.columns[1:]:
        have = np.array([figures[name] for _, figures in found])
        want = expected[name].cast(pl.Float64).fill_null(math.nan).to_numpy()
        np.testing.assert_allclose(have, want, rtol=1e-10, atol=1e-12, err_msg=name)


def test_figures_do_not_depend_on_which_groups_find_room(tmp_path):
    names, numbers = many(40_000, 5_000, 2)
    roomy, *others = (repr(added_in_batches(tmp_path, names, numbers, budget)) for budget in reversed(BUDGETS))
    assert all(other == roomy for other in others)


@pytest.mark.parametrize("budget_bytes", BUDGETS)
def test_a_group_of_very_many_rows_may_be_among_those_that_found_no_room(tmp_path, budget_bytes):
    rng = np.random.default_rng(3)
    # The first rows take the room; what comes then has more values than are held at a time.
    names = np.concatenate([[f"few-{at:05d}" for at in range(500)], np.full(30_000, "many"), ["few-00001"]])
    numbers = rng.lognormal(3, 1, len(names))
    found = {key["text"]: figures for key, figures in added_in_batches(tmp_path, names, numbers, budget_bytes)}
    members = numbers[names == "many"]
    assert found["many"]["count"] == 30_000
    assert found["many"]["sum"] == math.fsum(members)
    assert (found["many"]["min"], found["many"]["max"]) == (members.min(), members.max())
    np.testing.assert_allclose(found["many"]["p90"], np.quantile(members, 0.9), rtol=1e-12)
    assert found["few-00001"]["count"] == 2


@pytest.mark.parametrize("budget_bytes", BUDGETS)
def test_texts_of_a_megabyte_are_keys_as_well(tmp_path, budget_bytes):
    names = np.array([letter * 1_000_000 + end for end in "xy" for letter in "cab"] * 2)
    found = added_in_batches(tmp_path, names, np.arange(12.0), budget_bytes)
    assert [key["text"] for key, _ in found] == sorted(set(names.tolist()))
    assert {figures["count"] for _, figures in found} == {2}


def test_more_columns_than_a_word_has_bits(tmp_path):
    count = 70
    groups = GroupedValues([pa.int64()] * count, {}, budget_bytes=1, directory=tmp_path)
    at = pa.array(range(4))
    keys = [pa.array([column, 0, None, None], pa.int64()) for column in range(count - 1)]
    groups.add([*keys, pa.array([0, 0, 0, None], pa.int64())], at, at, pa.array([1.0, 2.0, 3.0, 4.0]), session=0)
    (found,) = groups.figures(10)
    assert found.numbers["sum"].tolist() == [2.0, 1.0, 3.0, 4.0]
    assert found.keys[-1].to_pylist() == [0, 0, 0, None]


def test_a_directory_that_cannot_be_written_is_an_os_error(tmp_path):
    groups = GroupedValues([pa.int64()], {}, budget_bytes=1, directory=tmp_path / "nowhere")
    at = pa.array(range(1000))
    with pytest.raises(OSError, match="temporary file cannot be created: No such file"):
        groups.add([at], at, at, at.cast(pa.float64()), session=0)
