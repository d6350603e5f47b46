"""Adds sessions to a store, each as a whole: many small ones in packs, others in directories of their own."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from pipeline.model.columns import measurements_schema
from pipeline.model.compact_sessions import counts_of, ids_of
from pipeline.rows.batches import Peekable, of_session
from pipeline.rows.normalise import conform_as_held
from pipeline.rows.runs import each_session
from pipeline.store.building import build_pack, typed_columns
from pipeline.store.reading import open_directories

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from pipeline.model.session import Session
    from pipeline.store.early_files import EarlyFiles
    from pipeline.store.writer import StoreWriter

    Read = Callable[[Sequence[Session]], Generator[pa.RecordBatch]]

SMALL_ROWS = 10_000
"""A session of fewer rows may share a file with others; alone in one, opening it costs more than reading it."""
READ_AHEAD = 5
"""Batches: those of a row group, and one more, may be read while the group before is written, hashed and synced."""
FEWEST_PACKED = 64
"""Fewer small sessions, of one import, have a directory each."""


def add_sessions(
    store: StoreWriter,
    sessions: Sequence[Session],
    read: Read,
    early: EarlyFiles | None = None,
    on_early: Callable[[Session], None] = lambda _: None,
) -> None:
    """Write sessions and publish them; those that the store has are replaced.

    Args:
        store: where to.
        sessions: in order.
        read: gives the rows of some of them, in order; it is called a few times.
        early: files of some of them that may be written already.
        on_early: gets each session whose rows need not be read for that.

    Raises:
        DestinationError: the store cannot be written.
        SourceError: the rows cannot be read, or a pack of which a session is to be replaced is damaged.
    """
    small = _small(store, sessions)
    replaced = _by_pack(store, sessions)
    alone = _not_among(sessions, small, *replaced.values())
    schemas = [measurements_schema(store.timestamp_unit, typed_columns([session])) for session in alone]
    written = {
        one.session_id for one, schema in zip(alone, schemas, strict=True) if early and early.matches(one, schema)
    }
    rest = [session for session in alone if session.session_id not in written]
    with ExitStack() as reading:
        rows = Peekable(each_session(reading.enter_context(closing(read(rest)))) if rest else ())
        for session, schema in zip(alone, schemas, strict=True):
            if early is not None and session.session_id in written:
                early.publish(session)
                on_early(session)
            else:
                batches = (conform_as_held(batch, schema) for batch in of_session(rows, session.session_id))
                store.add(session, batches, schema)
    _publish_packed(store, replaced, small, read)


def publish_staged(store: StoreWriter, staged: Sequence[tuple[Path, Session]], *, synced: bool) -> None:
    """Publish sessions that were staged; those that the store has are replaced.

    Args:
        store: where to.
        staged: their directories.
        synced: they are durable.

    Raises:
        DestinationError: the store cannot be written.
        SourceError: a pack of which a session is to be replaced is damaged.
    """
    stages = {session.session_id: stage for stage, session in staged}

    def read(sessions: Sequence[Session]) -> Generator[pa.RecordBatch]:
        directories = [stages[session.session_id] for session in sessions]
        yield from open_directories(directories, store.timestamp_unit, name="staging").batches()

    sessions = sorted((session for _, session in staged), key=lambda session: session.sort_key)
    # What was synced one by one is few.
    small = [] if synced else _small(store, sessions)
    replaced = _by_pack(store, sessions)
    packed = {session_id for some in (small, *replaced.values()) for session_id in ids_of(some)}
    alone = [session for _, session in staged if session.session_id not in packed]
    if alone and not synced:
        store.sync_staged()
    for session in alone:
        store.publish(stages[session.session_id], [session])
    _publish_packed(store, replaced, small, read)
    for session_id in packed:
        store.unstage(stages[session_id])


def _not_among(sessions: Sequence[Session], *others: Sequence[Session]) -> Sequence[Session]:
    """Give the sessions that are among no others, which are some of them."""
    if sum(map(len, others)) == len(sessions):
        return []
    found = {session_id for some in others for session_id in ids_of(some)}
    return [session for session in sessions if session.session_id not in found]


def _small(store: StoreWriter, sessions: Sequence[Session]) -> Sequence[Session]:
    """Choose the sessions that go into new packs."""
    facts = zip(ids_of(sessions), counts_of(sessions), strict=True)
    places = [at for at, (session_id, rows) in enumerate(facts) if session_id not in store and rows < SMALL_ROWS]
    if len(places) < FEWEST_PACKED:
        return []
    return sessions if len(places) == len(sessions) else [sessions[at] for at in places]


def _by_pack(store: StoreWriter, sessions: Sequence[Session]) -> dict[Path, list[Session]]:
    """Gather the sessions that are to be replaced in packs."""
    replaced: defaultdict[Path, list[Session]] = defaultdict(list)
    for at, session_id in enumerate(ids_of(sessions)):
        pack = store.directories.pack_of(session_id)
        if pack is not None:
            replaced[pack].append(sessions[at])
    return replaced


def _publish_packed(
    store: StoreWriter, replaced: Mapping[Path, Sequence[Session]], small: Sequence[Session], read: Read
) -> None:
    """Publish the sessions that lie in packs, by pack those that are replaced there, and those that are new."""
    for pack, sessions in replaced.items():
        with closing(read(sessions)) as rows:
            _replace_in_pack(store, pack, sessions, rows)
    if small:
        with closing(read(small)) as rows:
            _add_packs(store, small, rows)


def _add_packs(store: StoreWriter, sessions: Sequence[Session], batches: Iterable[pa.RecordBatch]) -> None:
    rows = Peekable(batches)
    at = 0
    while at < len(sessions):
        with store.building() as stage:
            built = build_pack(stage, store.directories.new_name, sessions[at:], rows, store.timestamp_unit)
        packed = sessions[at : at + built.session_count]
        store.publish(stage, packed)
        store.directories.describe(packed, built)
        at += built.session_count


def _replace_in_pack(
    store: StoreWriter, pack: Path, sessions: Sequence[Session], batches: Iterable[pa.RecordBatch]
) -> None:
    """Write a pack anew with some of its sessions replaced, and exchange its directory in one step."""
    before = open_directories([pack], store.timestamp_unit, name=pack.name)
    replaced = {session.session_id for session in sessions}
    kept = [session for session in before.sessions if session.session_id not in replaced]
    now = sorted([*kept, *sessions], key=lambda session: session.sort_key)
    old_rows, new_rows = Peekable(before.batches(kept)), Peekable(each_session(batches))

    def rows() -> Iterator[pa.RecordBatch]:
        for session in now:
            yield from of_session(new_rows if session.session_id in replaced else old_rows, session.session_id)

    with store.building() as stage:
        build_pack(
            stage,
            store.directories.free_name(sessions[0].session_id),
            now,
            Peekable(rows()),
            store.timestamp_unit,
            may_be_cut=False,
        )
    store.publish(stage, now, told=sessions)
