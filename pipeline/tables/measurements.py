"""The table of measurements: which rows each of its files takes, and what is known of them when they are written."""

from __future__ import annotations

from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, count, islice
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.disk.safe_names import safe_names
from pipeline.model.arrays import is_text
from pipeline.rows.batches import Peekable, first_rows, of_session, parts
from pipeline.rows.content import Content, observed
from pipeline.runtime.threads import ScannedAhead
from pipeline.tables.table_file import TableFile, provisional_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from pipeline.model.session import Session
    from pipeline.selection.selected import Selected
    from pipeline.tables.table_file import Observer


def measurement_files(
    selected: Selected,
    *,
    per_session: bool,
    rows_per_file: int | None,
    digested: bool,
    ahead: bool,
    finished: Mapping[str, Content],
    whole: Collection[str] = (),
    names: Mapping[str, str] | None = None,
    on_batch: Observer | None = None,
    on_file: Callable[[str], None] | None = None,
) -> Iterator[TableFile]:
    """Give the files of measurements; each must be read before the next is asked for.

    Args:
        selected: the rows.
        per_session: one file a session, those without rows included.
        rows_per_file: split files after so many rows.
        digested: compute digests.
        ahead: scan in a thread of its own.
        finished: contents of files, by provisional name, which are there already; they get no rows. They are the first
            of those that are not whole.
        whole: words of the scopes all of whose files are there already, wherever they stand.
        names: of sessions in files, by id, where there are others that have names, too.
        on_batch: is shown every batch, for progress.
        on_file: is told the provisional name of each file that gets rows, when these are read, before it is given.
    """
    columns = selected.choose_columns(selected.scan.schema.names)
    selected.check_redacted(columns)
    schema = selected.scan.physical_schema(columns)
    key = [name for name in ("session_id", "sequence") if name in columns]
    cut = _Cut(selected, columns, per_session, rows_per_file, digested, finished, whole, names, on_file)
    with ScannedAhead(_together(cut.items())) if ahead else nullcontext(_together(cut.items())) as groups:
        for begin, rows in _by_file(chain.from_iterable(groups)):
            yield TableFile(
                table="measurements",
                scope=begin.scope,
                sessions=begin.sessions,
                reader=pa.RecordBatchReader.from_batches(
                    schema, observed(rows, columns, [on_batch] if on_batch else [])
                ),
                content=begin.content,
                part=begin.part,
                key=key if len(key) == 2 else [],
                is_whole=selected.takes_whole_sessions,
            )


_BYTES_TOGETHER = 1 << 18
_BYTES_OF_A_FILE = 1 << 12
"""What the beginning of a file counts for, however few rows it has."""


@dataclass(frozen=True)
class _FileBegins:
    """Stands before the rows of a file.

    Attributes:
        scope: the word of the scope in its name.
        sessions: the sessions it describes.
        part: its number.
        content: what each of its rows enters before it is given.
    """

    scope: str
    sessions: Sequence[Session]
    part: int
    content: Content


@dataclass(frozen=True)
class _Cut:
    """What is done where the rows are scanned, which may be in a thread of its own."""

    selected: Selected
    columns: Sequence[str]
    per_session: bool
    rows_per_file: int | None
    digested: bool
    finished: Mapping[str, Content]
    whole: Collection[str]
    names: Mapping[str, str] | None
    on_file: Callable[[str], None] | None

    def items(self) -> Iterator[_FileBegins | pa.RecordBatch]:
        """Say where each file begins, then give its rows."""
        groups = self._groups()
        whole = self._whole([scope for scope, _ in groups])
        rest = tuple(s for scope, sessions in groups if scope not in whole for s in sessions)
        batches = Peekable(replace(self.selected, sessions=rest).batches([*self.columns, "timestamp"]))
        for scope, sessions in groups:
            if scope in whole:
                yield from self._finished(scope, sessions)
                continue
            group_rows = of_session(batches, sessions[0].session_id) if self.per_session else first_rows(batches, None)
            for part, part_rows in parts(group_rows, self.rows_per_file):
                yield from self._file(self._begin(scope, sessions, part), part_rows)

    def _finished(self, scope: str, sessions: Sequence[Session]) -> Iterator[_FileBegins]:
        for part in count(1):
            if provisional_name("measurements", scope, part) not in self.finished:
                return
            yield self._begin(scope, sessions, part)

    def _file(self, begin: _FileBegins, rows: Iterable[pa.RecordBatch]) -> Iterator[_FileBegins | pa.RecordBatch]:
        name = provisional_name("measurements", begin.scope, begin.part)
        is_finished = name in self.finished
        if is_finished:
            begin.content.pass_over(rows)
        elif self.on_file is not None:
            self.on_file(name)
        yield begin
        if not is_finished:
            yield from observed(rows, self.columns, [partial(begin.content.add, columns=self.columns)])

    def _groups(self) -> list[tuple[str, Sequence[Session]]]:
        """Give the word of the scope and the sessions of each file, or of each sequence of parts."""
        sessions = self.selected.sessions
        if not self.per_session:
            return [("cross-session", sessions)]
        names = self.names or safe_names(session.session_id for session in sessions)
        return [(f"session-{names[session.session_id]}", [session]) for session in sessions]

    def _whole(self, scopes: Sequence[str]) -> set[str]:
        """Find the scopes all of whose files are finished.

        They are those that are known to be, and those before the last other that has one, and that if unsplit.
        """
        if any(name.startswith("statistics-") for name in self.finished):
            return set(scopes)
        begun = [
            scope
            for scope in scopes
            if scope not in self.whole and provisional_name("measurements", scope, 1) in self.finished
        ]
        return {*self.whole, *(begun[:-1] if self.rows_per_file is not None else begun)}

    def _begin(self, scope: str, sessions: Sequence[Session], part: int) -> _FileBegins:
        content = self.finished.get(provisional_name("measurements", scope, part)) or Content(digested=self.digested)
        if self.per_session:
            content.rows_by_session = dict.fromkeys((s.session_id for s in sessions), 0) | content.rows_by_session
        return _FileBegins(scope, sessions, part, content)


def _together(items: Iterable[_FileBegins | pa.RecordBatch]) -> Iterator[list[_FileBegins | pa.RecordBatch]]:
    """Hand the rows of small files over together: from thread to thread, a handover costs as much as many of them."""
    group: list[_FileBegins | pa.RecordBatch] = []
    size = 0
    size_of: Callable[[pa.RecordBatch], int] | None = None
    failed: Exception | None = None
    try:
        for item in items:
            group.append(item)
            if isinstance(item, pa.RecordBatch):
                size_of = size_of or _size_of_rows(item.schema)
                size += size_of(item)
            else:
                size += _BYTES_OF_A_FILE
            if size >= _BYTES_TOGETHER:
                full, group, size = [group], [], 0
                yield full.pop()  # it is not kept here while it is used
    except Exception as error:  # noqa: BLE001 - it comes out where its item would have
        failed = error
    if group:
        yield group
    if failed is not None:
        raise failed


def _size_of_rows(schema: pa.Schema) -> Callable[[pa.RecordBatch], int]:
    """Choose how the size of batches is told: without texts but those of dictionaries, the number of rows tells it."""
    if any(is_text(field.type) for field in schema):
        return lambda batch: int(batch.nbytes)
    return lambda batch: 8 * batch.num_rows * batch.num_columns


def _by_file(
    items: Iterator[_FileBegins | pa.RecordBatch],
) -> Iterator[tuple[_FileBegins, Iterator[pa.RecordBatch]]]:
    """Part what is scanned where files begin; the rows of each must be taken before the next is asked for."""
    begins = [item for item in islice(items, 1) if isinstance(item, _FileBegins)]

    def rows() -> Iterator[pa.RecordBatch]:
        for item in items:
            if isinstance(item, _FileBegins):
                begins.append(item)
                return
            yield item

    while begins:
        begin, of_file = begins.pop(), rows()
        yield begin, of_file
        deque(of_file, maxlen=0)  # one that is finished has none, and nobody asks for them
