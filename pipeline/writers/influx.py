"""InfluxDB line protocol: a point per measurement; docs/formats.md says what becomes what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.rows.rules import bad_row
from pipeline.writers.text import encoded

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.disk.sink import Sink
    from pipeline.native import TextBuffer

_POINT = ("metric", "timestamp", "sequence", "value")
_NEEDED = (*_POINT, "session_id")
_RESERVED = ("time", "_measurement", "_field", "_value", "sequence", "non_finite")


def write_influx(
    reader: pa.RecordBatchReader,
    file: Sink,
    **_: Any,  # noqa: ANN401 - options of other formats
) -> None:
    """Write measurements; the format has no place for metadata.

    Raises:
        UsageError: a choice of columns that does not fit the format.
        BadRowError: a value that it has no text for.
    """
    from pipeline.native import Series, UnwritableError  # noqa: PLC0415 - with the compiled part

    names = reader.schema.names
    _check(names)
    columns = [*_POINT, *sorted(name for name in names if name not in _POINT)]
    series, session_id = Series(), None

    def lines(buffer: TextBuffer, batch: pa.RecordBatch) -> memoryview:
        nonlocal session_id
        if (current := batch.column("session_id")[0].as_py()) != session_id:
            session_id = current
            series.clear()
        try:
            return buffer.lines(batch.select(columns), series)
        except UnwritableError as error:
            column = columns[error.column]
            problem = (
                "lies outside the years 1678 to 2261, which InfluxDB can hold"
                if error.is_time
                else "has no text in line protocol: it is empty, begins with # or a tab, is too long, or holds a line "
                "feed, or a backslash before a comma, a space, an equals sign or the end"
            )
            raise bad_row(batch, error.row, column, problem) from error

    for text in encoded(reader, lines):
        file.write(text)


def _check(names: list[str]) -> None:
    for name in _NEEDED:
        if name not in names:
            raise UsageError(f"--format influx: needs the column {name!r}; leave it in")
    for name in names:
        if name in _RESERVED and name not in _NEEDED:
            raise UsageError(f"--format influx: InfluxDB keeps the name {name!r} for itself; leave it out (--exclude)")
