"""One file of a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

    from pipeline.model.session import Session
    from pipeline.rows.content import Content

    Observer = Callable[[pa.RecordBatch], None]


@dataclass(kw_only=True, slots=True)
class FileOfTable:
    """What is known of a file of a table, and kept of each: a package may have very many.

    Attributes:
        table: `measurements`, `statistics` or `sessions`.
        scope: the word of the scope in the file's name, None for sessions.
        content: figures of the rows, complete when they are written.
        window: length of its windows, as text.
        part: number of the part, from 1, where the table is split.
        key: columns that identify a row.
        is_whole: it holds all columns of all rows that its sessions have, or the parts of it together do.
        records: of the table of sessions, what is known of them beside its columns, by id.
        aggregated: of statistics, figures of the measurements that they were made of.
    """

    table: str
    scope: str | None
    content: Content
    window: str | None = None
    part: int = 1
    key: Sequence[str] = field(default_factory=list)
    is_whole: bool = False
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    aggregated: Content | None = None

    @property
    def provisional_name(self) -> str:
        """Name until its content, on which the final one depends, is known."""
        return provisional_name(self.table, self.scope, self.part)

    @property
    def resource_name(self) -> str:
        """Name of the resource, without the part."""
        if self.table == "measurements" and self.scope != "cross-session":
            return f"{self.table}_{self.scope}".lower()
        return self.table


@dataclass(kw_only=True, slots=True)
class TableFile(FileOfTable):
    """One file to write.

    Attributes:
        sessions: the sessions it describes.
        reader: its rows; reading it fills `content`.
    """

    sessions: Sequence[Session]
    reader: pa.RecordBatchReader

    def facts(self) -> FileOfTable:
        """Give what is known of it, without its rows."""
        return FileOfTable(
            table=self.table,
            scope=self.scope,
            content=self.content,
            window=self.window,
            part=self.part,
            key=self.key,
            is_whole=self.is_whole,
            records=self.records,
            aggregated=self.aggregated,
        )


def provisional_name(table: str, scope: str | None, part: int) -> str:
    """Name a file before its content is known."""
    return f"{table}-{scope}-{part}"
