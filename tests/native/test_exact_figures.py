"""Sums, deviations and ranks of groups of values: each is the float64 nearest to the true figure.

Whatever the values, their order, their batches, and the memory that holds them.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from math import inf, isqrt

import numpy as np
import pyarrow as pa
import pytest
from hostile import from_bits
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.native import GroupedValues

LARGEST = 1.7976931348623157e308
SMALLEST_NORMAL = 2.2250738585072014e-308
LEAST = 5e-324
# Half a unit in the last place above the largest float64: from here on a number rounds to infinity.
BEYOND = Fraction(2) ** 1024 - Fraction(2) ** 970
ROOMY_BYTES = 10_000_000
# Hardly any: values go to the temporary file, and groups of a thousand values are read again and again.
TIGHT_BYTES = 3_000


# Any bit pattern, so that every exponent is as likely as any other, subnormals included.
any_bits = st.integers(0, 2**64 - 1).map(from_bits).filter(math.isfinite)
extremes = st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, LEAST, -LEAST, SMALLEST_NORMAL, -SMALLEST_NORMAL, LARGEST, -LARGEST, 1e16, 2.0**52]
)
values = st.one_of(any_bits, extremes, st.floats(-1e3, 1e3), st.floats(allow_nan=False, allow_infinity=False))


def grouped(directory, groups, numbers, cuts=(), *, quantiles=None, budget_bytes=ROOMY_BYTES, threads=3):
    """Figures by group of numbers that are added in batches cut at some places."""
    found = GroupedValues(
        [pa.int64()], quantiles or {}, budget_bytes=budget_bytes, directory=directory, threads=threads
    )
    groups, numbers = pa.array(groups, pa.int64()), pa.array(numbers, pa.float64())
    places = pa.array(np.arange(len(numbers)))
    for start, stop in pairwise([0, *sorted(cuts), len(numbers)]):
        keys, at, values = (array.slice(start, stop - start) for array in (groups, places, numbers))
        found.add([keys], at, at, values, session=0)
    return {
        name: {key: float(of[at]) for key, of in batch.numbers.items()}
        for batch in found.figures(1000)
        for at, name in enumerate(batch.keys[0].to_pylist())
    }


def figures_of(directory, numbers, **options):
    """Figures of one group."""
    return grouped(directory, [0] * len(numbers), numbers, **options)[0]


def nearest(number):
    """The float64 nearest to a fraction; Python rounds a division of integers correctly."""
    if abs(number) >= BEYOND:
        return inf if number > 0 else -inf
    return number.numerator / number.denominator


def variance_of(numbers):
    """The sample variance as a fraction."""
    total, squares = sum(map(Fraction, numbers)), sum(Fraction(x) ** 2 for x in numbers)
    return (squares - total**2 / len(numbers)) / (len(numbers) - 1)


def is_nearest_root(root, square):
    """Whether a float64 is nearest to the square root of a fraction, without taking a root."""
    if root == inf:
        return square >= BEYOND**2
    if math.isnan(root) or math.copysign(1, root) < 0:
        return False
    above = (Fraction(root) + Fraction(math.nextafter(root, inf))) / 2 if root < LARGEST else BEYOND
    below = (Fraction(root) + Fraction(math.nextafter(root, -inf))) / 2 if root else Fraction(0)
    return below**2 <= square <= above**2


@settings(max_examples=400)
@given(st.lists(values, min_size=1, max_size=30))
def test_sum_and_mean_are_rounded_once(tmp_path, numbers):
    found = figures_of(tmp_path, numbers)
    total = sum(map(Fraction, numbers))
    assert found["sum"] == nearest(total)
    assert found["mean"] == nearest(total / len(numbers))
    assert math.isfinite(found["mean"])
    assert math.isnan(found["stddev"]) == (len(numbers) == 1)


@settings(max_examples=400)
@given(st.lists(values, min_size=2, max_size=30))
def test_deviation_is_the_nearest_to_the_true_one(tmp_path, numbers):
    deviation = figures_of(tmp_path, numbers)["stddev"]
    assert is_nearest_root(deviation, variance_of(numbers)), deviation


# Values of nearly one size, as measurements are: few of them are added up in integers of fixed width.
@settings(max_examples=200)
@given(
    numbers=st.integers(-950, 700).flatmap(
        lambda power: st.lists(
            st.one_of(
                st.just(0.0),
                st.floats(1, 1023).map(lambda x: math.ldexp(x, power)),
                st.floats(-1023, -1).map(lambda x: math.ldexp(x, power)),
                st.integers(-9, 9).map(lambda n: math.ldexp(n, power)),
                st.integers(0, 2**52).map(lambda steps: math.ldexp(2.0**52 + steps, power - 52)),
            ),
            min_size=2,
            max_size=140,
        )
    )
)
def test_figures_of_values_of_nearly_one_size_are_rounded_once(tmp_path, numbers):
    found = figures_of(tmp_path, numbers)
    total = sum(map(Fraction, numbers))
    assert (found["sum"], found["mean"]) == (nearest(total), nearest(total / len(numbers)))
    assert is_nearest_root(found["stddev"], variance_of(numbers))


@settings(max_examples=200)
@given(center=values, by=st.lists(st.integers(-3, 3), min_size=2, max_size=8))
def test_neighbours_of_one_value_deviate_by_what_they_do(tmp_path, center, by):
    numbers = []
    for steps in by:
        number = center
        for _ in range(abs(steps)):
            number = math.nextafter(number, math.copysign(inf, steps))
        numbers.append(min(max(number, -LARGEST), LARGEST))
    found = figures_of(tmp_path, numbers)
    assert is_nearest_root(found["stddev"], variance_of(numbers))
    assert found["mean"] == nearest(sum(map(Fraction, numbers)) / len(numbers))


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=50))
def test_sum_is_that_of_fsum(tmp_path, numbers):
    assert figures_of(tmp_path, numbers)["sum"] == math.fsum(numbers)


@settings(max_examples=150)
@given(
    rows=st.lists(st.tuples(st.integers(-2, 2), values), min_size=1, max_size=60),
    chance=st.randoms(use_true_random=False),
    data=st.data(),
)
def test_order_batches_memory_and_other_groups_do_not_matter(tmp_path, rows, chance, data):
    cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=6))
    order = chance.sample(rows, len(rows))
    quantiles = {"p0": 0.0, "p37": 0.37, "p50": 0.5, "p100": 1.0}
    one = grouped(tmp_path, [g for g, _ in rows], [x for _, x in rows], quantiles=quantiles)
    groups, numbers = [g for g, _ in order], [x for _, x in order]
    other = grouped(tmp_path, groups, numbers, cuts, quantiles=quantiles, budget_bytes=100)
    assert one.keys() == other.keys() == set(groups)
    for group, found in one.items():
        members = sorted(x for g, x in rows if g == group)
        alone = figures_of(tmp_path, members, quantiles=quantiles)
        assert found["sum"] == nearest(sum(map(Fraction, members)))
        for name in ("sum", "mean", "stddev", "min", "max", *quantiles):
            assert repr(found[name]) == repr(other[group][name]) == repr(alone[name]), name


@given(value=values, count=st.integers(2, 600))
def test_equal_values_have_that_mean_and_no_deviation(tmp_path, value, count):
    found = figures_of(tmp_path, [value] * count)
    assert found["mean"] == found["min"] == found["max"] == value
    assert repr(found["stddev"]) == "0.0"


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("exponent", [-1022, -600, -1, 0, 1, 52, 600, 1023])
@pytest.mark.parametrize("count", [255, 256, 257, 100_000])
def test_long_runs_of_full_mantissas_do_not_overflow(tmp_path, sign, exponent, count):
    # The widest mantissas, of one exponent: the most that machine integers have to hold.
    value = sign * math.ldexp(2.0 - 2.0**-52, exponent)
    found = figures_of(tmp_path, [value] * count)
    assert found["sum"] == nearest(Fraction(value) * count)
    assert (found["mean"], found["stddev"]) == (value, 0.0)


def test_long_runs_of_mixed_signs_and_magnitudes_are_exact(tmp_path):
    rng = np.random.default_rng(2)
    numbers = rng.choice([-1.0, 1.0], 5000) * (1 + rng.random(5000)) * 2.0 ** rng.integers(-1000, 1000, 5000)
    numbers[::7] = 2.0 - 2.0**-52
    found = figures_of(tmp_path, numbers)
    assert found["sum"] == math.fsum(numbers)
    assert is_nearest_root(found["stddev"], variance_of(numbers.tolist()))


@pytest.mark.parametrize(
    ("numbers", "total"),
    [
        ([LARGEST, LARGEST], inf),
        ([-LARGEST, -LARGEST], -inf),
        ([LARGEST, 2.0**969], LARGEST),
        ([LARGEST, 2.0**970], inf),  # a tie, which goes to the even one, beyond the range
        ([LARGEST, math.nextafter(2.0**970, 0)], LARGEST),
        ([LARGEST, LARGEST, -LARGEST], LARGEST),
        ([LARGEST, LEAST, -LARGEST], LEAST),
        ([LEAST, LEAST], 2 * LEAST),
        ([SMALLEST_NORMAL, -LEAST], from_bits(2**52 - 1)),
        ([1e16, 1.0, -1e16], 1.0),
        ([0.1] * 10, 1.0),
        ([2.0**53, 1.0], 2.0**53),  # a tie, to even
        ([2.0**53, 1.0, LEAST], 2.0**53 + 2),  # just above the tie
        ([2.0**53 + 2, 1.0], 2.0**53 + 4),  # a tie, to even, which is up
        ([-(2.0**53), -1.0, -LEAST], -(2.0**53) - 2),
        ([-0.0, -0.0], 0.0),
    ],
)
def test_sums_at_the_edges(tmp_path, numbers, total):
    found = figures_of(tmp_path, numbers)
    assert found["sum"] == total
    assert found["mean"] == nearest(sum(map(Fraction, numbers)) / len(numbers))


@pytest.mark.parametrize(
    ("numbers", "deviation"),
    [
        ([1.0, 3.0], math.sqrt(2)),
        ([0.0, LEAST], LEAST),  # 0.707 of the least: rounds up to it
        ([0.0, 0.0, 0.0, 0.0, 0.0, LEAST], 0.0),  # 0.408 of it: rounds to nothing
        ([LARGEST, -LARGEST], inf),
        ([LARGEST, 0.0], nearest(Fraction(LARGEST) * Fraction(0.7071067811865476))),
        ([1e16, 1e16 + 2], math.sqrt(2)),
        ([2.0**53, 2.0**53 + 2, 2.0**53 + 4], 2.0),
        ([1e-200, 3e-200], math.sqrt(2) * 1e-200),  # whose squares are below any float64
    ],
)
def test_deviations_at_the_edges(tmp_path, numbers, deviation):
    found = figures_of(tmp_path, numbers)["stddev"]
    assert is_nearest_root(found, variance_of(numbers))
    assert found == deviation or abs(found - deviation) <= math.ulp(deviation)


@pytest.mark.parametrize(
    ("middle", "deviation"),
    [
        (1.0, 2.0**53),  # 2^53 + 1 is a tie, which goes to the even one
        (385.0, 2.0**53 + 2),  # above it by 2^-91 of it: only what the root leaves says so
        (1.0 + 2.0**-52, 2.0**53 + 2),  # above it by 2^-211: only what is cut off before the root says so
    ],
)
def test_deviations_next_to_a_tie_go_by_what_is_cut_off(tmp_path, middle, deviation):
    assert figures_of(tmp_path, [-(2.0**53), middle, 2.0**53 + 2])["stddev"] == deviation


def test_roots_just_above_a_tie_go_up(tmp_path):
    # Deviations of 0 and n, n / sqrt(2): behind the 53 bits that are kept stand a one and nine zeros, and then more.
    ties = [n for n in range(3, 60_000) if (isqrt(n * n << 125 - 2 * n.bit_length()) & 0x3FF) == 0x200]
    assert len(ties) > 30
    for number in ties:
        assert is_nearest_root(figures_of(tmp_path, [0.0, number])["stddev"], Fraction(number**2, 2)), number


RANKS = {f"q{at}": at / 1000 for at in range(0, 1001, 7)}


@pytest.mark.parametrize("budget_bytes", [ROOMY_BYTES, 100_000, TIGHT_BYTES])
@pytest.mark.parametrize("size", [2, 127, 128, 129, 2000, 9001])
@pytest.mark.parametrize("shape", ["bits", "normal", "few", "one", "clustered", "zeros", "neighbours"])
def test_ranks_are_those_of_sorting_at_any_memory(tmp_path, shape, size, budget_bytes):
    rng = np.random.default_rng(size)
    numbers = {
        "bits": lambda: rng.integers(0, 2**64, 3 * size, np.uint64).view(np.float64),
        "normal": lambda: rng.normal(size=size),
        "few": lambda: rng.choice([-1.5, 0.0, LEAST, 1e300], size),
        "one": lambda: np.full(size, -7.25),
        "clustered": lambda: np.where(rng.random(size) < 0.99, 1 + rng.random(size) * 1e-12, LARGEST),
        "zeros": lambda: rng.choice([-0.0, 0.0, -LEAST, LEAST], size),
        "neighbours": lambda: (rng.integers(0, 300, size) + 2**62).view(np.float64),
    }[shape]()
    numbers = numbers[np.isfinite(numbers)][:size]
    found = figures_of(tmp_path, numbers, quantiles=RANKS, budget_bytes=budget_bytes)
    ordered = np.sort(numbers)
    assert (found["min"], found["max"]) == (ordered[0], ordered[-1])
    for name, q in RANKS.items():
        h = (len(ordered) - 1) * q
        low, high = float(ordered[math.floor(h)]), float(ordered[math.ceil(h)])
        part = h - math.floor(h)
        step = high - low
        wanted = low + step * part if math.isfinite(step) else low * (1 - part) + high * part
        assert abs(found[name] - wanted) <= 2 * math.ulp(max(abs(low), abs(high))), (name, wanted)
    assert found["sum"] == nearest(sum(map(Fraction, numbers.tolist())))


@pytest.mark.parametrize("group_count", [1, 2, 70, 3000])
def test_groups_in_the_temporary_file_are_those_in_memory(tmp_path, group_count):
    rng = np.random.default_rng(group_count)
    numbers = rng.normal(size=40_000) * 10.0 ** rng.integers(-9, 9, 40_000)
    # Groups of very different sizes, in runs and mixed.
    groups = (rng.random(40_000) ** 3 * group_count).astype(np.int64)
    groups[:5000].sort()
    options = {"quantiles": {"p10": 0.1, "p50": 0.5, "p99": 0.99}}
    roomy = grouped(tmp_path, groups, numbers, range(0, 40_000, 777), **options)
    tight = grouped(tmp_path, groups, numbers, range(0, 40_000, 333), budget_bytes=40_000, **options)
    assert roomy == tight or {g: repr(f) for g, f in roomy.items()} == {g: repr(f) for g, f in tight.items()}
    assert len(roomy) == len(set(groups.tolist()))
    for group in list(roomy)[:20]:
        members = numbers[groups == group]
        assert roomy[group]["sum"] == math.fsum(members)
        assert math.isclose(roomy[group]["p50"], np.quantile(members, 0.5), rel_tol=1e-12)
    # The temporary file is unlinked at once, so that nothing is left even by a kill.
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="temporary"):
        figures_of(tmp_path / "nowhere", [1.0] * 1000, budget_bytes=100)


def test_no_rows_are_no_groups(tmp_path):
    assert grouped(tmp_path, [], []) == {}


def test_views_of_larger_arrays_are_read_as_they_are(tmp_path):
    # Batches of Arrow are slices, and their buffers may be read-only.
    numbers = pa.array([9.0, None, 1.0, 2.0, None, 4.0, 9.0]).slice(1, 5)
    places = pa.array(range(7)).slice(1, 5)
    quantiles = {"p50": 0.5}
    found = GroupedValues(
        [pa.int64(), pa.string()], quantiles, lost_are_infinite=True, budget_bytes=ROOMY_BYTES, directory=tmp_path
    )
    keys = [
        pa.array([5, 5, 5, 6, 6, 6, 6]).slice(1, 5),
        pa.array(["y", "x", "x", "x", "x", "x", "y"]).dictionary_encode().slice(1, 5),
    ]
    found.add(keys, places, places, numbers, session=3)
    (figures,) = found.figures(10)
    assert [key.to_pylist() for key in figures.keys] == [[5, 6], ["x", "x"]]
    assert figures.integers["count"].tolist() == [1, 2]
    assert figures.integers["null_count"].tolist() == [1, 1]
    assert figures.numbers["sum"].tolist() == [1.0, 6.0]
    assert figures.numbers["p50"].tolist() == [inf, 4.0]


def test_values_of_another_type_are_refused(tmp_path):
    found = GroupedValues([pa.int64()], {}, budget_bytes=ROOMY_BYTES, directory=tmp_path)
    places = pa.array(range(2))
    for array in (pa.array([1, 2]), pa.array([1.0, 2.0], pa.float32()), pa.array(["a", "b"])):
        with pytest.raises(OSError, match="float64"):
            found.add([places], places, places, array, session=0)


@pytest.mark.parametrize("groups", [1, 3, 300])
def test_any_number_of_threads_finds_the_same(tmp_path, groups):
    rng = np.random.default_rng(3)
    numbers = rng.lognormal(3, 1, 300_000) * rng.choice([1.0, -1.0, 1e200, 5e-324], 300_000)
    of = rng.integers(0, groups, 300_000).tolist()
    found = [
        grouped(tmp_path, of, numbers, quantiles={"p50": 0.5, "p99": 0.99}, budget_bytes=budget_bytes, threads=threads)
        for threads in (1, 2, 8)
        for budget_bytes in (200_000, ROOMY_BYTES)  # in a file, in memory
    ]
    for one in found[1:]:
        assert one == found[0]
