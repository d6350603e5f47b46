"""One file of a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from pipeline.model.session import Session
    from pipeline.rows.content import Content

    Observer = Callable[[pa.RecordBatch], None]


@dataclass(kw_only=True)
class TableFile:
    """One file to write.

    Attributes:
        table: `measurements`, `statistics` or `sessions`.
        scope: the word of the scope in the file's name, None for sessions.
        sessions: the sessions it describes.
        reader: its rows; reading it fills `content`.
        content: figures of the rows, complete when they are written.
        window: length of its windows, as text.
        part: number of the part, from 1, where the table is split.
        key: columns that identify a row.
    """

    table: str
    scope: str | None
    sessions: Sequence[Session]
    reader: pa.RecordBatchReader
    content: Content
    window: str | None = None
    part: int = 1
    key: Sequence[str] = field(default_factory=list)

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


def provisional_name(table: str, scope: str | None, part: int) -> str:
    """Name a file before its content is known."""
    return f"{table}-{scope}-{part}"
