"""The digest of rows against a reference in plain Python, and what it must and must not notice."""

from __future__ import annotations

import hashlib
import math

import hostile
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.rows.digest import Digest, digest_rows

MASK = 2**64 - 1
TYPE_NAMES = {"us": "timestamp[us]", "ns": "timestamp[ns]"}


def digest(*batches):
    total = Digest()
    for batch in batches:
        total.add(digest_rows(batch))
    return total.text


def halves(data):
    found = hashlib.blake2b(data, digest_size=16).digest()
    return int.from_bytes(found[:8], "little"), int.from_bytes(found[8:], "little")


def mix(word):
    """One step of splitmix64."""
    word = (word + 0x9E3779B97F4A7C15) & MASK
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def words(kind, value):
    """The two words of a value; a float is given by its bits."""
    if kind == "string":
        return halves(value.encode())
    if kind == "float64" and math.isnan(hostile.from_bits(value)):
        value = 0x7FF8000000000000
    return int(value) & MASK, int(value) & MASK


def reference(columns, rows):
    lanes = [0, 0]
    for row in rows:
        sums = [0, 0]
        for (name, kind), value in zip(columns, row, strict=True):
            if value is None:
                continue
            keys = halves(f"{name}\0{TYPE_NAMES.get(kind, kind)}".encode())
            for lane, (word, key) in enumerate(zip(words(kind, value), keys, strict=True)):
                sums[lane] = (sums[lane] + mix((word + key) & MASK)) & MASK
        lanes = [(lane + mix(one)) & MASK for lane, one in zip(lanes, sums, strict=True)]
    return "rows1:" + "".join(f"{lane:016x}" for lane in lanes)


def canonical(columns, row):
    """What of a row the digest may see: every NaN is one NaN."""
    return tuple(
        "NaN" if kind == "float64" and value is not None and math.isnan(hostile.from_bits(value)) else value
        for (_, kind), value in zip(columns, row, strict=True)
    )


@given(hostile.tables())
def test_it_is_what_its_definition_says(table):
    columns, rows, batch = table
    assert digest(batch) == reference(columns, rows)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 127, 128, 129, 255, 256, 257, 1000, 100_000])
def test_texts_of_any_length_are_hashed_whole(length):
    text = "x" * length
    batch = pa.record_batch([[text]], names=["note"])
    assert digest(batch) == reference([("note", "string")], [(text,)])
    if length:
        assert digest(batch) != digest(pa.record_batch([["x" * (length - 1) + "y"]], names=["note"]))


@given(hostile.tables(), st.randoms(use_true_random=False), st.lists(st.integers(0, 12), max_size=4))
def test_order_and_batches_do_not_matter(table, chance, cuts):
    _, rows, batch = table
    places = list(range(len(rows)))
    chance.shuffle(places)
    shuffled = batch.take(pa.array(places, pa.int64()))
    edges = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    pieces = [shuffled.slice(low, high - low) for low, high in zip(edges, [*edges[1:], len(rows)], strict=True)]
    assert digest(*pieces) == digest(batch)


@given(hostile.tables(), st.randoms(use_true_random=False))
def test_the_order_of_columns_does_not_matter(table, chance):
    columns, _, batch = table
    names = [name for name, _ in columns]
    chance.shuffle(names)
    assert digest(batch.select(names)) == digest(batch)


@given(hostile.tables(), st.integers(0, 12))
def test_digests_of_two_sets_add_up(table, cut):
    _, _, batch = table
    cut = min(cut, batch.num_rows)
    parts = [digest(batch.slice(0, cut)), digest(batch.slice(cut))]
    lanes = [[int(text[start : start + 16], 16) for start in (6, 22)] for text in parts]
    total = [(a + b) & MASK for a, b in zip(*lanes, strict=True)]
    assert digest(batch) == "rows1:" + "".join(f"{lane:016x}" for lane in total)


@given(hostile.tables(least_rows=1), st.data())
def test_one_changed_value_changes_it(table, data):
    columns, rows, batch = table
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, len(columns) - 1))
    value = data.draw(st.none() | hostile.VALUES[columns[column][1]])
    changed = [list(row) for row in rows]
    changed[at][column] = value
    assume(canonical(columns, changed[at]) != canonical(columns, rows[at]))
    assert digest(hostile.batch_of(columns, changed)) != digest(batch)


@given(hostile.tables(least_rows=2), st.data())
def test_two_swapped_values_change_it(table, data):
    columns, rows, batch = table
    first, second = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True))
    column = data.draw(st.integers(0, len(columns) - 1))
    swapped = [list(row) for row in rows]
    swapped[first][column], swapped[second][column] = rows[second][column], rows[first][column]
    before = sorted(map(repr, (canonical(columns, row) for row in rows)))
    assume(before != sorted(map(repr, (canonical(columns, row) for row in swapped))))
    assert digest(hostile.batch_of(columns, swapped)) != digest(batch)


@given(hostile.tables(least_rows=1), st.data())
def test_a_lost_or_doubled_row_changes_it(table, data):
    columns, rows, batch = table
    at = data.draw(st.integers(0, len(rows) - 1))
    assert digest(hostile.batch_of(columns, rows[:at] + rows[at + 1 :])) != digest(batch)
    assert digest(hostile.batch_of(columns, [*rows, rows[at]])) != digest(batch)


@given(hostile.tables(), hostile.names)
def test_a_column_of_nulls_counts_like_none(table, name):
    columns, rows, batch = table
    assume(name not in [known for known, _ in columns])
    for kind in ("string", "int64", "float64", "bool"):
        nulls = pa.nulls(len(rows), hostile.ARROW_TYPES[kind])
        assert digest(batch.append_column(name, nulls)) == digest(batch)


def of(*values, name="v", kind=None):
    return digest(pa.record_batch([pa.array(values, kind)], names=[name]))


def test_every_nan_is_one_nan():
    found = {digest(hostile.batch_of([("v", "float64")], [(bits,)])) for bits in hostile.NAN_BITS}
    assert len(found) == 1
    assert found == {of(math.nan)}


def test_what_differs_has_another_digest():
    found = [
        of(0.0),
        of(-0.0),
        of(math.inf),
        of(-math.inf),
        of(math.nan),
        of(5e-324),
        of(1.0),
        of(1),
        of(True),
        of(0),
        of(False),
        of("1"),
        of(""),
        of("NaN"),
        of(None, kind=pa.float64()),
        of(1, kind=pa.timestamp("us", "UTC")),
        of(1, kind=pa.timestamp("ns", "UTC")),
        of(1.0, name="w"),
        of(1.0, 1.0),
        of(1.0, None),
        of(-1),
        of(2**63 - 1),
        of(-(2**63)),
    ]
    assert len(set(found)) == len(found)


def test_a_null_row_is_a_row():
    null = pa.record_batch([pa.nulls(1, pa.string())], names=["v"])
    assert digest(null) != digest(null.slice(0, 0)) == "rows1:" + "0" * 32
    assert digest(null, null) != digest(null)


def test_values_swapped_between_columns_change_it():
    one = pa.record_batch([["a"], ["b"]], names=["x", "y"])
    other = pa.record_batch([["b"], ["a"]], names=["x", "y"])
    assert digest(one) != digest(other)


def test_a_dictionary_counts_like_its_texts():
    texts = pa.array(["a", None, "b", "a", ""])
    plain = pa.record_batch([texts], names=["v"])
    assert digest(pa.record_batch([texts.dictionary_encode()], names=["v"])) == digest(plain)


def test_equal_rows_do_not_cancel_out():
    found = {of(*[1.5] * count) for count in (1, 2, 3, 4, 256, 65_536)}
    assert len(found) == 6


def test_a_type_outside_the_data_model_is_refused():
    with pytest.raises(TypeError):
        digest(pa.record_batch([pa.array([b"x"])], names=["v"]))
