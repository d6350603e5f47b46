"""Times of several columns become ticks as Python counts them, each row's from the first column that has one."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.native import FilledTimes

TIME = st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(st.tuples(st.none() | TIME, st.none() | st.integers(-(2**40), 2**40)), max_size=40)


@settings(max_examples=300, deadline=None)
@given(ROWS, st.sampled_from([1, 1000]), st.integers(-(2**40), 2**40), st.integers(0, 5), st.booleans())
def test_rows_get_the_first_time_there_is(rows, per_tick, start, offset, is_full):
    rows = [(0 if is_full and first is None else first, second) for first, second in rows]
    columns = [pa.array(column, pa.int64()).slice(offset) for column in ([a for a, _ in rows], [b for _, b in rows])]
    rows = rows[offset:]
    times = FilledTimes(len(rows), 7)
    of_first = times.fill(columns[0], per_tick=per_tick)
    of_second = times.fill(columns[1], per_tick=per_tick, start=start)
    from_first = [a for a, _ in rows if a is not None]
    from_second = [b for a, b in rows if a is None and b is not None]
    assert of_first == (len(from_first), sum(a % per_tick != 0 for a in from_first))
    assert of_second == (len(from_second), sum(b % per_tick != 0 for b in from_second))
    assert times.left == len(rows) - len(from_first) - len(from_second)
    expected = [a // per_tick if a is not None else 7 if b is None else b // per_tick + start for a, b in rows]
    assert times.ticks.tolist() == expected
    if times.left:
        assert times.first_left() == rows.index((None, None))


@pytest.mark.parametrize("kind", ["us", "ns"])
def test_timestamps_count_as_their_numbers_do(kind):
    times = FilledTimes(3, 0)
    assert times.fill(pa.array([-1, None, 1500], pa.int64()).view(pa.timestamp(kind, "UTC")), per_tick=1000) == (2, 2)
    assert times.ticks.tolist() == [-1, 0, 1]


@pytest.mark.parametrize("numbers", [[1, 2**63 - 1], [None, 2**63 - 1]])
def test_times_beyond_64_bits_are_refused(numbers):
    with pytest.raises(OverflowError):
        FilledTimes(2, 0).fill(pa.array(numbers, pa.int64()), per_tick=1, start=1)


def test_what_holds_no_times_is_refused():
    with pytest.raises(TypeError):
        FilledTimes(1, 0).fill(pa.array([1.5]), per_tick=1)
