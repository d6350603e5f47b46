"""Statistics of rows that were parted by their groups are those of one aggregation, to the bit and in its order."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SourceError
from pipeline.model.columns import measurements_schema
from pipeline.statistics.aggregation import aggregate
from pipeline.statistics.options import StatisticsOptions
from pipeline.statistics.partitions import PartitionedRows, rows_of_partition
from pipeline.statistics.reduction import check_windows, in_order, reduce_partition

SCHEMA = measurements_schema("us", {"name": "string", "port": "int64", "ratio": "float64", "ok": "bool"})
START = 1_764_000_000_000_000
DAY = 86_400_000_000
NAMES = ["", "a", "a\0", "a\0b", "ä", "\U0010ffff", "\uffff", "a b", None]
OPTIONS = [
    {},
    {"window": "7s"},
    {"window": "1d", "timezone": "Europe/Berlin"},
    {"window": "5s", "window_origin": "session"},
    {"by": ["name", "ratio"]},
    {"by": ["ok", "port", "name"], "window": "20s", "lost": "infinite"},
    {"kinds": ["bytes=counter", "rtt=duration"]},
    {"kinds": ["bytes=counter"], "window": "4s", "window_origin": "session", "by": ["port"]},
    {"kinds": ["bytes=counter"], "window": "4s", "by": ["name"], "quantiles": ["0.999"]},
    {"kinds": ["bytes=counter"], "by": ["ratio", "ok"]},
]


def sessions_of(rng, count, rows, batch):
    """Rows of so many sessions, as batches of one session each, and when each session starts."""
    starts, batches = [], []
    for at in range(count):
        times = np.sort(rng.integers(0, 60_000_000, rows)) + START + at // 3 * DAY - rng.integers(0, 2) * 2 * START
        starts.append(int(times[0]))
        metric = rng.integers(0, 3, rows)
        values = rng.choice([0.0, -0.0, 1.5, 1e300, -1e-300, 7.25, np.inf, np.nan, 12.0], rows)
        values = np.where(rng.random(rows) < 0.5, rng.normal(0, 1e3, rows), values)
        table = pa.table(
            [
                pa.repeat(f"s{at:04}", rows),
                pa.array(np.arange(rows)),
                pa.array(times, pa.int64()).cast(SCHEMA.field("timestamp").type),
                pa.array(["bytes", "rtt", "loss"]).take(metric).dictionary_encode(),
                pa.array(values, mask=rng.random(rows) < 0.1, from_pandas=False),
                pa.array(["By", "ms", None]).take(metric),
                pa.array(NAMES).take(rng.integers(0, len(NAMES), rows)),
                pa.array(rng.integers(-2, 2, rows), mask=rng.random(rows) < 0.2),
                pa.array(rng.choice([0.1, -2.5, 0.0, -0.0, 1e300], rows), mask=rng.random(rows) < 0.2),
                pa.array(rng.random(rows) < 0.5, mask=rng.random(rows) < 0.2),
            ],
            names=SCHEMA.names,
        )
        batches.append(table.to_batches(max_chunksize=batch))
    return batches, starts


def whole(batches, starts, options, directory, budget):
    ids = [f"s{at:04}" for at in range(len(batches))]
    found = aggregate(
        lambda _: (one for of_session in batches for one in of_session),
        SCHEMA,
        ids,
        options,
        batch_size=1000,
        temporary_directory=directory,
        starts=starts,
        budget_bytes=budget,
    )
    return list(found)


def parted(batches, starts, options, directory, *, tasks, partitions, waiting, budget):
    files = []
    cuts = np.linspace(0, len(batches), tasks + 1).astype(int).tolist()
    for begin, end in pairwise(cuts):
        files.append(directory / f"rows-{partitions}-{begin}-{end}-{len(files)}")
        with files[-1].open("wb") as file:
            rows = PartitionedRows(file, SCHEMA, options, partitions=partitions, waiting_bytes=waiting)
            for session in range(begin, end):
                for batch in batches[session]:
                    rows.add(batch.select(rows.columns), session=session, start=starts[session])
            rows.finish()
    reduced = [
        reduce_partition(
            files,
            partition,
            SCHEMA,
            options,
            batch_size=7,
            temporary_directory=directory,
            starts=starts,
            budget_bytes=budget,
        )
        for partition in range(partitions)
    ]
    return list(in_order(reduced, SCHEMA, options, waiting_rows=50))


def texts(batches):
    """Rows as texts in which every bit of a number shows."""
    table = pa.Table.from_batches(batches)
    return [
        {name: value.hex() if isinstance(value, float) else value for name, value in row.items()}
        for row in table.cast(pa.schema([f.with_type(plain(f.type)) for f in table.schema])).to_pylist()
    ]


def plain(kind):
    return pa.string() if pa.types.is_dictionary(kind) else pa.int64() if pa.types.is_timestamp(kind) else kind


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    options=st.sampled_from(OPTIONS),
    partitions=st.sampled_from([1, 2, 8]),
    tasks=st.integers(1, 6),
    waiting=st.sampled_from([1, 20_000, 10**7]),
    budget=st.sampled_from([2_000, 10**7]),
)
def test_parted_reduced_and_merged_is_one_aggregation(
    tmp_path_factory, seed, options, partitions, tasks, waiting, budget
):
    rng = np.random.default_rng(seed)
    batches, starts = sessions_of(rng, 6, int(rng.integers(1, 300)), int(rng.integers(1, 200)))
    options = StatisticsOptions(pooled=True, **options)
    directory = tmp_path_factory.mktemp("parted")
    expected = whole(batches, starts, options, directory, budget)
    found = parted(
        batches, starts, options, directory, tasks=tasks, partitions=partitions, waiting=waiting, budget=budget
    )
    assert found[0].schema == expected[0].schema
    assert texts(found) == texts(expected)


def test_numbers_that_are_one_group_are_in_one_partition(tmp_path):
    batches, starts = sessions_of(np.random.default_rng(3), 4, 20, 20)
    place = SCHEMA.get_field_index("ratio")
    quiet = np.array([0x7FF8000000000001, 0xFFF8000000000000], np.uint64).view(np.float64)
    for at, number in enumerate([0.0, -0.0, *quiet]):
        batches[at][0] = batches[at][0].set_column(place, "ratio", pa.array(np.full(20, number), from_pandas=False))
    options = StatisticsOptions(pooled=True, by=["ratio"])
    expected = whole(batches, starts, options, tmp_path, 10**7)
    how = {"tasks": 4, "partitions": 64, "waiting": 10**7, "budget": 10**7}
    found = parted(batches, starts, options, tmp_path, **how)
    assert pa.Table.from_batches(expected).num_rows == 6
    assert texts(found) == texts(expected)


def test_groups_are_spread_over_partitions_and_series_of_counters_stay_together(tmp_path):
    batches, starts = sessions_of(np.random.default_rng(3), 2, 4000, 1000)
    options = StatisticsOptions(pooled=True, window="1s", kinds=["bytes=counter"])
    path = tmp_path / "rows"
    with path.open("wb") as file:
        rows = PartitionedRows(file, SCHEMA, options, partitions=8)
        for batch in batches[0]:
            rows.add(batch, session=0, start=starts[0])
        rows.finish()
    assert rows.rows.sum() == 4000
    assert rows.rows.min() > 100
    holding = [
        partition
        for partition in range(8)
        if any("bytes" in rows.column("metric").to_pylist() for _, rows in rows_of_partition(path, partition))
    ]
    assert len(holding) == 1


def test_windows_beyond_the_calendar_are_refused_in_the_words_of_one_aggregation(tmp_path):
    batches, starts = sessions_of(np.random.default_rng(3), 1, 10, 10)
    times = pa.array(np.full(10, 253_402_300_799_000_000) + np.arange(10)).cast(SCHEMA.field("timestamp").type)
    rows = batches[0][0].set_column(2, SCHEMA.field("timestamp"), times)
    options = StatisticsOptions(pooled=True, window="7h")
    with pytest.raises(SourceError) as one:
        whole([[rows]], starts, options, tmp_path, 10**7)
    with pytest.raises(SourceError) as other:
        check_windows(253_402_300_799_000_000, 253_402_300_799_000_009, SCHEMA, options)
    assert str(one.value) == str(other.value)


@pytest.mark.parametrize("harm", ["cut", "empty", "changed"])
def test_a_file_of_partitions_that_is_damaged_is_refused(tmp_path, harm):
    batches, starts = sessions_of(np.random.default_rng(3), 1, 500, 500)
    sink = io.BytesIO()
    rows = PartitionedRows(sink, SCHEMA, StatisticsOptions(pooled=True), partitions=2)
    rows.add(batches[0][0], session=0, start=starts[0])
    rows.finish()
    data = sink.getvalue()
    harmed = {"cut": data[:-9], "empty": b"", "changed": bytes(64) + data[64:]}[harm]
    (tmp_path / "rows").write_bytes(harmed)
    with pytest.raises(SourceError, match="is not as it was written"):
        [list(rows_of_partition(tmp_path / "rows", partition)) for partition in range(2)]
