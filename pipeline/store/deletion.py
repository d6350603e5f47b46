"""Deletes sessions from a store, and keeps a record of what was deleted."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.display import html_table, quantity
from pipeline.errors import DestinationError
from pipeline.rows.batches import Peekable
from pipeline.runtime.progress import phase
from pipeline.store.building import build_pack
from pipeline.store.reading import open_directories

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.model.session import Session
    from pipeline.store.writer import StoreWriter

DELETIONS_FILE = "deletions.ndjson"
NOT_COVERED = "packages made before, snapshots and backups still hold the rows"


@dataclass(frozen=True, kw_only=True)
class DeletionResult:
    """What was deleted, or would be.

    Attributes:
        store: the store.
        deleted: ids of the sessions, in order.
        rows: how many they had.
        is_dry_run: nothing was deleted.
        seconds: how long it took.
    """

    store: str
    deleted: tuple[str, ...]
    rows: int
    is_dry_run: bool
    seconds: float

    def _repr_html_(self) -> str:
        done = "would be deleted" if self.is_dry_run else "deleted"
        title = f"{self.store}: {quantity(len(self.deleted), 'session')}, {quantity(self.rows, 'row')} {done}"
        return html_table(title, ("session_id",), [(one,) for one in self.deleted], [NOT_COVERED])


def delete_from(store: StoreWriter, sessions: Sequence[Session], *, recorded: bool, deleted: list[str]) -> None:
    """Delete sessions: those of a directory of their own with it, those of a pack by writing it anew without them.

    Args:
        store: where they are.
        sessions: the sessions.
        recorded: note each in `deletions.ndjson`, before it is gone.
        deleted: gets the ids of those that are gone.

    Raises:
        DestinationError: the store cannot be written.
        SourceError: a pack of which a session is to go is damaged.
    """
    by_directory: defaultdict[Path, list[Session]] = defaultdict(list)
    for session in sessions:
        by_directory[store.directories.of(session.session_id)].append(session)
    for directory, gone in by_directory.items():
        before = open_directories([directory], store.timestamp_unit, name=directory.name)
        ids = {session.session_id for session in gone}
        kept = [session for session in before.sessions if session.session_id not in ids]
        if not kept:
            _note(store.path, gone, recorded=recorded)
            store.remove(gone)
        else:
            with store.building() as stage:
                name = store.directories.free_name(kept[0].session_id)
                with phase("packing", sum(session.measurement_count for session in kept)) as packing:
                    rows = Peekable(packing.passing(before.batches(kept)))
                    build_pack(stage, name, kept, rows, store.timestamp_unit, may_be_cut=False)
                _note(store.path, gone, recorded=recorded)
            store.publish(stage, kept, told=[], without=gone)
        deleted += [session.session_id for session in gone]


def _line_end_missing(path: Path) -> str:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return ""
        file.seek(-1, os.SEEK_END)
        return "" if file.read() == b"\n" else "\n"


def _note(store: Path, sessions: Sequence[Session], *, recorded: bool) -> None:
    """Note what is about to be deleted: its id, the digest of its rows, and the time."""
    if not recorded:
        return
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = [
        {"session_id": one.session_id, "content_digest": one.content_digest, "deleted_at": now} for one in sessions
    ]
    path = store / DELETIONS_FILE
    try:
        # A link would lead the record out of the store.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        with open(descriptor, "a", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor has no path
            # What a run that was killed left is a line of its own.
            file.write(_line_end_missing(path) + "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DestinationError(f"{path}: cannot be written ({error.strerror}); nothing of it was deleted") from error
