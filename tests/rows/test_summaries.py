"""Figures of all sessions of a batch at once are those of each by itself, however the rows are cut into batches."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model.compact_sessions import CompactSessions, counts_of, dropped_digits_of, ids_of, shapes_of
from pipeline.model.metric_facts import MetricFacts
from pipeline.model.session import Session
from pipeline.rows.batches import Peekable, text_bound
from pipeline.rows.digest import digest_rows, digest_runs
from pipeline.rows.runs import PassedRows, each_session, runs_of
from pipeline.rows.summaries import SummaryOfSessions
from pipeline.rows.summary import SessionSummary

KINDS = {"robot": "string", "load": "int64"}
TIMES = pa.timestamp("us", "UTC")
ROW = st.tuples(
    st.integers(-5, 5),
    st.sampled_from(["rtt", "jitter", "loss"]),
    st.none() | st.floats(allow_nan=False),
    st.sampled_from([None, "r1", "r2"]),
    st.none() | st.integers(-3, 3),
)
SESSIONS = st.lists(st.lists(ROW, min_size=1, max_size=6), min_size=1, max_size=6)


def table(sessions, *, coded):
    rows = [(f"s{at}", number, *row) for at, session in enumerate(sessions) for number, row in enumerate(session)]
    columns = list(zip(*rows, strict=True))
    kinds = [pa.string(), pa.int64(), TIMES, pa.string(), pa.float64(), pa.string(), pa.int64()]
    names = ["session_id", "sequence", "timestamp", "metric", "value", *KINDS]
    arrays = [
        pa.array(values, pa.int64()).cast(kind) if kind == TIMES else pa.array(values, kind)
        for values, kind in zip(columns, kinds, strict=True)
    ]
    coded_arrays = [array.dictionary_encode() if pa.types.is_string(array.type) else array for array in arrays]
    return pa.record_batch(coded_arrays if coded else arrays, names=names)


def cut(batch, places):
    edges = sorted({0, batch.num_rows, *(place % batch.num_rows for place in places)})
    return [batch.slice(low, high - low) for low, high in pairwise(edges)]


def described(summary):
    return summary.figures() | {"columns": dict(summary.columns), "first_row": summary.first_row_timestamp}


@settings(max_examples=60, deadline=None)
@given(SESSIONS, st.booleans(), st.lists(st.integers(0, 40), max_size=4))
def test_figures_of_many_are_those_of_each(sessions, coded, places):
    batch = table(sessions, coded=coded)
    together, apart = SummaryOfSessions(), {}
    for part in cut(batch, places):
        together.add(part, KINDS)
        for rows in each_session([part]):
            apart.setdefault(rows.column("session_id")[0].as_py(), SessionSummary()).add(rows, KINDS)
    assert together.disorder is None
    assert {name: described(one) for name, one in together.by_session.items()} == {
        name: described(one) for name, one in apart.items()
    }


@settings(max_examples=30, deadline=None)
@given(SESSIONS, st.booleans())
def test_digests_of_runs_are_those_of_their_rows(sessions, coded):
    batch = table(sessions, coded=coded)
    wanted = [digest_rows(rows) for rows in each_session([batch])]
    assert digest_runs(batch, runs_of(batch)).tolist() == wanted


@settings(max_examples=40, deadline=None)
@given(SESSIONS, st.booleans(), st.lists(st.integers(0, 40), max_size=3), st.integers(1, 6))
def test_rows_pass_session_by_session(sessions, coded, places, some):
    batch = table(sessions, coded=coded)
    batches = Peekable(cut(batch, places))
    names = [f"s{at}" for at in range(len(sessions))]
    found = []
    for chosen in (names[:some], names[some:]):
        taken = PassedRows(batches)
        given_rows = [part for name in chosen for part in taken.pass_session(name)]
        given_rows += taken.passed()
        rows = [part for part in each_session(cut(batch, places)) if part.column("session_id")[0].as_py() in chosen]
        assert taken.bytes == sum(part.num_rows * 8 * part.num_columns + text_bound(part) for part in rows)
        found += given_rows
    assert pa.Table.from_batches(found, batch.schema).to_pydict() == batch.to_pydict()


@pytest.mark.parametrize(
    ("ids", "sequence", "problem"),
    [
        ("aabb", [0, 1, 0, 1], None),
        ("aabb", [0, 0, 0, 1], "'sequence'.*occurs twice"),
        ("aabb", [0, 1, 3, 2], "'sequence'.*is out of order"),
        ("aaba", [0, 1, 0, 2], "'session_id'.*is apart from its session"),
        ("abab", [0, 0, 1, 1], "'session_id'.*is apart from its session"),
    ],
)
@pytest.mark.parametrize("batches", [1, 2, 4])
def test_disorder_is_found_wherever_it_stands(ids, sequence, problem, batches):
    rows = table([[(0, "rtt", 1.0, None, None)]] * 4, coded=True)
    rows = rows.set_column(0, "session_id", pa.array(list(ids))).set_column(1, "sequence", pa.array(sequence))
    summary = SummaryOfSessions()
    for at in range(0, 4, 4 // batches):
        if summary.disorder is None:
            summary.add(rows.slice(at, 4 // batches), KINDS)
    if problem is None:
        assert summary.disorder is None
    else:
        with pytest.raises(type(summary.disorder), match=problem):
            raise summary.disorder


def test_compact_sessions_are_the_sessions():
    shared = Session(
        session_id="b",
        timestamp_unit="ns",
        started_at=-(2**63) + 1,
        ended_at=2**63 - 1,
        configuration={"fps": 30},
        measurement_count=3,
        metrics=("rtt",),
        metric_facts={"rtt": MetricFacts(kind="gauge")},
        columns={"robot": "string"},
        content_digest="rows1:00112233445566778899aabbccddeeff",
    )
    sessions = [
        shared,
        replace(shared, session_id="a", first_timestamp=0, last_timestamp=-1, dropped_digit_count=2),
        replace(shared, session_id="c", started_at=-9, content_digest=None, columns={}, harness_name="h"),
        replace(shared, session_id="d", started_at=-9, content_digest="other", measurement_count=0),
    ]
    compact = CompactSessions(iter(sessions))
    assert list(compact) == sessions
    assert list(compact.in_order()) == sorted(sessions, key=lambda one: one.sort_key)
    assert list(compact.in_order()[1:3]) == sorted(sessions, key=lambda one: one.sort_key)[1:3]
    assert compact[-1] == sessions[-1]
    for some, same in ((compact, sessions), (compact[2:], sessions[2:])):
        for read in (ids_of, counts_of, dropped_digits_of, shapes_of):
            assert read(some) == read(same)
