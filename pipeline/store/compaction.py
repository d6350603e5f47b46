"""Compacts a store: small sessions in directories of their own, and packs that overlap in time, become packs in order.

A new directory of all sessions is built beside the old one, of new packs and of hard links to what stays, and both
change places in one step: whoever reads by names finds all sessions before and after. Other engines list the
directories first and look into each of them then, and pass over one that is gone meanwhile. So the names that go are
kept for a while, with a file that is no Parquet in each: who comes upon one has an error, and never a part of the rows.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from pipeline.arguments import check_arguments
from pipeline.disk.directories import exchange_at_once, sync_directory, sync_file_system
from pipeline.display import html_table, quantity
from pipeline.errors import DestinationError
from pipeline.rows.batches import Peekable
from pipeline.runtime.progress import phase
from pipeline.runtime.signals import noting, uninterrupted
from pipeline.store.adding import FEWEST_PACKED, SMALL_ROWS
from pipeline.store.building import build_pack
from pipeline.store.directory import MOVED
from pipeline.store.names import pack_directory_name
from pipeline.store.own_files import COMPACTED, OF_SESSION, clear_compacted, clear_moved, own_in
from pipeline.store.pack import PACK_RECORDS, read_pack
from pipeline.store.reading import names_in_sessions, require_store
from pipeline.store.writer import StoreWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.model.session import Session
    from pipeline.runtime.progress import Phase
    from pipeline.scan.scan import Scan

_SHORTEST_SECONDS = 0.25
_LISTINGS = 20
"""A name that goes is kept so many times longer than it took to make them all, which is longer than to list them."""


@dataclass(frozen=True, kw_only=True)
class CompactionResult:
    """What a compaction did, or would do.

    Attributes:
        store: the store.
        sessions: how many were packed anew.
        rows: how many they have.
        directories_before: of sessions and packs.
        directories_after: the same; None where nothing was done.
        is_dry_run: nothing was changed.
        seconds: how long it took.
    """

    store: str
    sessions: int
    rows: int
    directories_before: int
    directories_after: int | None
    is_dry_run: bool
    seconds: float

    def _repr_html_(self) -> str:
        title = f"{self.store}: {quantity(self.sessions, 'session')} packed"
        after = self.directories_before if self.directories_after is None else self.directories_after
        return html_table(title, ("", "directories"), [("before", self.directories_before), ("after", after)])


def compact_store(
    store: str | Path, *, dry_run: bool = False, rebuild_index: bool = False, wait_seconds: float = 0
) -> CompactionResult:
    """Compact a store. Records and rows of sessions stay as they are; what is in order already is not touched.

    Args:
        store: the store.
        dry_run: only say how many sessions would be packed.
        rebuild_index: make the index anew, of all records, although it seems to be right.
        wait_seconds: how long to wait for another that holds the store.

    Raises:
        SourceError: it is no store, or what is packed is damaged.
        BusyError: another holds the store.
        DestinationError: it cannot be written, or its file system has no hard links, or cannot exchange directories.
        UsageError: it is a URL.
    """
    check_arguments(locals())
    started = time.monotonic()
    path = require_store(store)
    done: list[str] = []
    with noting(done), StoreWriter(path, None, wait_seconds=wait_seconds) as writer:
        scan = None if writer.inventory is None else writer.inventory.open()
        groups = [] if scan is None else _to_be_packed(writer, scan)
        before = 0 if scan is None else len({file.path.parent for file in scan.files})
        after = None
        if scan is not None and groups and not dry_run:
            with _errors(path):
                writer.upgrade()
                rows = sum(session.measurement_count for group in groups for session in group)
                with phase("packing", rows) as packing:
                    after = _compact(writer, scan, groups, packing)
                    done.append("the store was compacted before")
        if rebuild_index and not dry_run:
            writer.rebuild_index()
    packed = [session for group in groups for session in group]
    return CompactionResult(
        store=str(store),
        sessions=len(packed),
        rows=sum(session.measurement_count for session in packed),
        directories_before=before,
        directories_after=after,
        is_dry_run=dry_run,
        seconds=time.monotonic() - started,
    )


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DestinationError(f"{path}: cannot be compacted ({error.strerror or error})") from error


def _to_be_packed(store: StoreWriter, scan: Scan) -> list[list[Session]]:
    """Find the sessions that are to be packed, in order, cut where a pack stays that is full and in order."""
    packs = {session.session_id: store.directories.pack_of(session.session_id) for session in scan.sessions}
    members = [one for one in scan.sessions if packs[one.session_id] or one.measurement_count < SMALL_ROWS]
    runs = [(pack, list(sessions)) for pack, sessions in groupby(members, key=lambda one: packs[one.session_id])]
    sizes = Counter(pack for pack in packs.values() if pack is not None)
    groups: list[list[tuple[Path | None, list[Session]]]] = [[]]
    for pack, sessions in runs:
        in_order = pack is not None and len(sessions) == sizes[pack]
        if pack is not None and in_order and read_pack(pack / PACK_RECORDS, scan.timestamp_unit).is_full:
            groups.append([])
        else:
            groups[-1].append((pack, sessions))
    return [
        [session for _, sessions in group for session in sessions] for group in groups if _is_worthwhile(group, sizes)
    ]


def _is_worthwhile(group: list[tuple[Path | None, list[Session]]], sizes: Counter[Path]) -> bool:
    """Whether packing makes fewer directories of a group, or puts them in order."""
    packs = {pack for pack, _ in group if pack is not None}
    if not packs:
        return sum(len(sessions) for _, sessions in group) >= FEWEST_PACKED
    return len(group) > 1 or len(group[0][1]) != sizes[next(iter(packs))]


def _compact(store: StoreWriter, scan: Scan, groups: list[list[Session]], packing: Phase) -> int:
    """Build the new directory of sessions, and exchange it for the old one; gives how many directories it has."""
    sessions_directory = store.path / "sessions"
    tree = store.path / "staging" / COMPACTED
    packed = {store.directories.of(session.session_id) for group in groups for session in group}
    taken = {name.lower() for name in names_in_sessions(store.path)}
    for directory in packed:
        store.retire(directory, is_deleted=False)
    name_of_rows = store.directories.new_name
    tree.mkdir()
    try:
        shutil.copymode(sessions_directory, tree)
        for directory in {file.path.parent for file in scan.files} - packed:
            _link(directory, tree / directory.name)
        for group in groups:
            rows = Peekable(packing.passing(scan.batches(group)))
            at = 0
            while at < len(group):
                stage = tree / "next"
                stage.mkdir()
                count = build_pack(stage, name_of_rows, group[at:], rows, scan.timestamp_unit).session_count
                name = pack_directory_name(group[at : at + count], taken)
                taken.add(name.lower())
                stage.rename(tree / name)
                at += count
        count = sum(1 for _ in tree.iterdir())
        started = time.monotonic()
        for directory in packed:
            _keep_name(directory, tree)
        listing_seconds = time.monotonic() - started
        sync_file_system(tree)
        with uninterrupted():
            store.directories.changed = None
            exchange_at_once(tree, sessions_directory)
        sync_directory(store.path)
        time.sleep(max(_SHORTEST_SECONDS, _LISTINGS * listing_seconds))
        clear_moved(sessions_directory, tree.parent)
    finally:
        # Either what was built so far, or what was there before.
        clear_compacted(tree, sessions_directory)
    return count


def _keep_name(directory: Path, tree: Path) -> None:
    """Keep the name of a directory that has moved, so that whoever looks into it has an error."""
    kept = tree / directory.name
    if not kept.exists():
        kept.mkdir()
        (kept / MOVED).touch()
        for name in own_in(directory, OF_SESSION):
            if name.endswith(".parquet"):
                (kept / name).touch()


def _link(directory: Path, to: Path) -> None:
    """Make another directory of the same files."""
    to.mkdir()
    shutil.copymode(directory, to)
    for name in own_in(directory, OF_SESSION):
        (to / name).hardlink_to(directory / name)
