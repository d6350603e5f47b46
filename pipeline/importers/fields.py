"""Fields of NDJSON files as the view `records`: read by the compiled part, a block of lines at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipeline.errors import UsageError
from pipeline.importers.blocks import line_blocks
from pipeline.importers.streams import EngineStream
from pipeline.native import JSON, JsonLines
from pipeline.runtime.duckdb import quote_identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb


class Field(NamedTuple):
    """A field of JSON objects that becomes a column.

    Attributes:
        keys: those that lead to it.
        is_json: it is taken as JSON, not as text.
    """

    keys: tuple[str, ...]
    is_json: bool

    @property
    def name(self) -> str:
        """Of the column: the last key."""
        return self.keys[-1]


def parse_fields(text: str, *, where: str) -> tuple[Field, ...]:
    """Read the line `-- fields:` of an importer.

    Args:
        text: fields with commas between them, such as `metric, data.value, data.tags JSON`.
        where: the importer, for errors.

    Raises:
        UsageError: a field cannot be read, or two have one name.
    """
    fields = []
    for item in text.split(","):
        path, _, kind = item.strip().partition(" ")
        keys = tuple(path.split("."))
        if not all(keys) or kind.strip().upper() not in {"", "JSON"}:
            raise UsageError(f"{where}: '-- fields:' cannot read {item.strip()!r}; write key, key.key or key.key JSON")
        fields.append(Field(keys, bool(kind)))
    names = [field.name.lower() for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{where}: '-- fields:' has two of the name {name!r}")
    return tuple(fields)


class UnreadKeys:
    """What the lines of a file hold beside their fields, once they were read to the end.

    Attributes:
        found: keys that lead to a value, how often it is there, and how many numbers are in it.
    """

    def __init__(self) -> None:
        self.found: Sequence[tuple[Sequence[str], int, int]] = ()


def create_records_view(
    connection: duckdb.DuckDBPyConnection, plain: Path, fields: Sequence[Field], unread: UnreadKeys
) -> None:
    """Create the view `records`; do so before the connection is locked down."""
    connection.register("lines", _Lines(plain, fields, unread))
    columns = ", ".join(quote_identifier(field.name) for field in fields)
    connection.execute(f"CREATE VIEW records AS SELECT {columns} FROM lines")


class _Lines(EngineStream):
    """The fields of the lines of a file."""

    def __init__(self, path: Path, fields: Sequence[Field], unread: UnreadKeys) -> None:
        self._path = path
        self._fields = fields
        self._unread = unread
        columns = [(field.name, pa.dictionary(pa.int32(), JSON) if field.is_json else pa.string()) for field in fields]
        super().__init__(pa.schema(columns), self._rows)

    def _rows(self) -> Iterator[pa.RecordBatch]:
        lines = JsonLines([(field.keys, field.is_json) for field in self._fields])
        for block, size in line_blocks(self._path):
            yield pa.record_batch(lines.read(block, size), schema=self.schema)
        self._unread.found = lines.unread()
