"""Excel workbooks, for people: real numbers and dates, the sessions, and what the columns mean.

XlsxWriter makes the workbook with its styles and headers. The compiled part makes the rows, which go behind the headers
as they are read: a writer of cells in Python takes a minute a million rows.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from contextlib import contextmanager
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from pipeline.errors import UsageError
from pipeline.model.arrays import from_integers, from_strings
from pipeline.model.columns import timestamp_type
from pipeline.model.dictionary import describe_column
from pipeline.model.sessions_table import SESSION_DESCRIPTIONS
from pipeline.model.timestamps import parse_timestamp
from pipeline.rows.rules import bad_row
from pipeline.writers.formats import MAX_SHEET_ROWS
from pipeline.writers.sheet_columns import SheetColumns
from pipeline.writers.text import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pipeline.disk.sink import Sink
    from pipeline.native import TextBuffer

MAX_CELL_CHARACTERS = 32_767
_MAX_SHEET_BYTES = 2**31 - 1
"""Of its XML: what is larger needs zip's extension for large files, of which Excel warns."""
_PROBE = re.compile(rb'<row r="2".*?<c [^>]*s="(\d+)".*?</row>', re.DOTALL)
_DIMENSION = re.compile(rb"<dimension [^>]*/>")
_LEVEL = 1
_SESSIONS_AT_A_TIME = 1_024
_SESSION_TIMES = {"started_at", "ended_at", "first_timestamp", "last_timestamp"}
_SESSION_COUNTS = {"measurement_count", "null_count", "backward_timestamp_count", "dropped_digit_count"}


class _Sheet(NamedTuple):
    """A worksheet to write: its name, its columns, and its rows."""

    name: str
    columns: SheetColumns
    rows: Iterable[pa.RecordBatch]


def write_xlsx(
    reader: pa.RecordBatchReader,
    file: Sink,
    *,
    table: str,
    metadata: Callable[[], Mapping[str, Any]],
    timezone: str | None = None,
    **_: Any,  # noqa: ANN401 - options of other formats
) -> None:
    """Write a workbook with a sheet of the rows, one of the sessions and one of definitions.

    Raises:
        UsageError: XlsxWriter is not installed, or a worksheet does not hold the rows.
        BadRowError: a text is longer than a cell holds.
    """
    described = metadata()
    sessions = _session_batches(described["sessions"], described["timestamp_unit"])
    first = next(sessions)
    sheets = [
        _Sheet(table, SheetColumns(reader.schema, timezone), reader),
        _Sheet("sessions", SheetColumns(first.schema, timezone), _before(first, sessions)),
    ]
    definitions = _definitions(sheets)
    sheets.append(_Sheet("definitions", SheetColumns(definitions.schema, timezone), [definitions]))
    with zipfile.ZipFile(_skeleton(sheets)) as skeleton, _archive(file) as archive:
        for name in skeleton.namelist():
            with archive.open(name, "w") as entry:
                number = re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", name)
                if number is None:
                    entry.write(skeleton.read(name))
                else:
                    _write_sheet(entry, skeleton.read(name), sheets[int(number[1]) - 1])


def _skeleton(sheets: Sequence[_Sheet]) -> io.BytesIO:
    """Make the workbook with headers, and one row below each that holds a date."""
    try:
        import xlsxwriter  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise UsageError(
            "XlsxWriter is not installed: in the project's directory say `uv run --extra xlsx pipeline ...`, or "
            "pip install '.[xlsx]'; or choose another --format"
        ) from error

    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as workbook:
        # The clock has no place in it.
        workbook.set_properties({"created": _no_time()})
        header = workbook.add_format({"bold": True, "bottom": 1})
        date = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        for one in sheets:
            sheet = workbook.add_worksheet(one.name)
            sheet.freeze_panes(1, 0)
            for at, column in enumerate(one.columns.columns):
                sheet.set_column(at, at, column.width)
                sheet.write_string(0, at, column.header, header)
            sheet.write_number(1, 0, 1, date)
    return made


def _no_time() -> Any:  # noqa: ANN401 - a datetime
    import datetime as dt  # noqa: PLC0415 - for this alone

    return dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@contextmanager
def _archive(file: Sink) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive. Where an error ends it, it gets no end: what is cut off must not look complete."""
    end = _UntilOver(file)
    archive = zipfile.ZipFile(end, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)
    try:
        yield archive
    except BaseException:
        end.is_over = True
        raise
    archive.close()


class _UntilOver:
    """A file that is written front to back, and takes nothing more once it is over.

    An archive that is let go of writes its end, whatever came before.
    """

    def __init__(self, file: Sink) -> None:
        self._file = file
        self.is_over = False

    def write(self, data: bytes, /) -> int:
        return len(data) if self.is_over else self._file.write(data)

    def flush(self) -> None:
        """Do nothing: whoever opened the file flushes it."""

    def close(self) -> None:
        """Do nothing: whoever opened the file closes it."""


def _write_sheet(entry: IO[bytes], skeleton: bytes, sheet: _Sheet) -> None:
    """Write a worksheet: what XlsxWriter made of it, with the rows below its header."""
    probe = _PROBE.search(skeleton)
    if probe is None:
        raise RuntimeError("XlsxWriter made a worksheet of another form")
    # How far it goes is not known yet, and may be left out.
    entry.write(_DIMENSION.sub(b"", skeleton[: probe.start()]))
    written = 0
    for text in encoded(_counted(sheet.rows), _Encoder(sheet.columns, date_style=int(probe[1]))):
        written += len(text)
        if written > _MAX_SHEET_BYTES - len(skeleton):
            raise UsageError(
                f"--format xlsx: a worksheet of {sheet.name} would have more than 2 GiB of XML; "
                "split it with --rows-per-file, or choose --format csv"
            )
        entry.write(text)
    entry.write(skeleton[probe.end() :])


def _counted(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        if rows > MAX_SHEET_ROWS:
            raise UsageError(
                f"--format xlsx: a worksheet holds {MAX_SHEET_ROWS:,} rows below its header; "
                "a directory as --to gets several files, and --format csv has no limit"
            )
        yield batch


class _Encoder:
    """Encodes the rows of a worksheet, below its header."""

    def __init__(self, columns: SheetColumns, *, date_style: int) -> None:
        self._columns = columns
        self._date_style = date_style
        self._next_row = 2

    def __call__(self, buffer: TextBuffer, batch: pa.RecordBatch) -> memoryview:
        from pipeline.native import UnwritableError  # noqa: PLC0415 - with the compiled part

        first_row = self._next_row
        self._next_row += batch.num_rows
        try:
            return buffer.sheet(self._columns.rows(batch), date_style=self._date_style, first_row=first_row)
        except UnwritableError as error:
            problem = f"has more than the {MAX_CELL_CHARACTERS:,} characters that a cell holds"
            raise bad_row(batch, error.row, self._columns.columns[error.column].name, problem) from error


def _definitions(sheets: Sequence[_Sheet]) -> pa.RecordBatch:
    rows = [
        (sheet.name, column.header, sheet.columns.definition(column, describe_column(sheet.name, column.name)))
        for sheet in sheets
        for column in sheet.columns.columns
    ]
    return pa.record_batch(
        [from_strings(texts) for texts in zip(*rows, strict=True)], names=["table", "column", "definition"]
    )


def _before(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others


def _session_batches(sessions: Sequence[Mapping[str, Any]], unit: Any) -> Iterator[pa.RecordBatch]:  # noqa: ANN401 - a unit
    """Give the sessions as they are described in metadata, one batch at least."""
    rest = iter(sessions)
    some = list(islice(rest, _SESSIONS_AT_A_TIME))
    while True:
        flat = [
            dict(one) | {"harness_name": one["harness"]["name"], "harness_version": one["harness"]["version"]}
            for one in some
        ]
        columns = [_session_column(name, [one[name] for one in flat], unit) for name in SESSION_DESCRIPTIONS]
        yield pa.record_batch(columns, names=list(SESSION_DESCRIPTIONS))
        if not (some := list(islice(rest, _SESSIONS_AT_A_TIME))):
            return


def _session_column(name: str, values: Sequence[Any], unit: Any) -> pa.Array:  # noqa: ANN401 - a unit
    if name in _SESSION_TIMES:
        ticks = [None if value is None else parse_timestamp(value, unit)[0] for value in values]
        return from_integers(ticks, timestamp_type(unit))
    if name in _SESSION_COUNTS:
        return from_integers(values, pa.int64())
    texts = [json.dumps(one, ensure_ascii=False) if isinstance(one, dict | list) else one for one in values]
    # More than that is in datapackage.json.
    return from_strings([text if text is None or _fits(text) else "too long for a cell" for text in texts])


def _fits(text: str) -> bool:
    return len(text) * 2 <= MAX_CELL_CHARACTERS or len(text.encode("utf-16-le")) // 2 <= MAX_CELL_CHARACTERS
