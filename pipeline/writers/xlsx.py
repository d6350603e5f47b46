"""Excel workbooks of statistics, for people: real numbers and dates, the sessions, and what the columns mean.

Excel keeps 15 digits of a number and milliseconds of a time; the other formats are exact.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.disk.temporary import temporary_directory, temporary_errors
from pipeline.errors import UsageError
from pipeline.model.arrays import integers, is_null
from pipeline.model.columns import type_name
from pipeline.model.dictionary import describe_column
from pipeline.model.sessions_table import SESSION_DESCRIPTIONS
from pipeline.model.timestamps import TICKS_PER_SECOND, format_timestamp, parse_timestamp
from pipeline.rows.rules import bad_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from pipeline.disk.sink import Sink

    Value = str | bool | int | float

MAX_CELL_CHARACTERS = 32_767
_MAX_EXACT_INTEGER = 2**53
_MAX_NUMBER = 9.99e307
_SECONDS_OF_DAY = 86_400
_FIRST_SECOND = -2_203_891_200  # 1900-03-01: Excel takes 1900 for a leap year
_LAST_SECOND = 253_402_300_799
_EPOCH_SERIAL = 25_569  # 1970-01-01
_IN_MEMORY_BYTES = 4_000_000
_WIDTHS = {"string": 24, "timestamp[us]": 23, "timestamp[ns]": 23}
_SESSION_TIMES = {"started_at", "ended_at", "first_timestamp", "last_timestamp"}


def write_xlsx(
    reader: pa.RecordBatchReader,
    file: Sink,
    *,
    table: str,
    metadata: Mapping[str, Any],
    **_: Any,  # noqa: ANN401 - options of other formats
) -> None:
    """Write a workbook with a sheet of the rows, one of the sessions and one of definitions.

    Raises:
        UsageError: XlsxWriter is not installed.
        BadRowError: a text is longer than a cell holds.
    """
    try:
        import xlsxwriter  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise UsageError(
            "XlsxWriter is not installed: pip install 'measurement-export-pipeline[xlsx]', or choose another --format"
        ) from error

    options: dict[str, Any] = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with (
        temporary_directory() as directory,
        temporary_errors(directory),
        _Made(_IN_MEMORY_BYTES, dir=str(directory)) as made,
    ):
        options["tmpdir"] = str(directory)
        with _as_errors_of_files(xlsxwriter.exceptions.FileCreateError), xlsxwriter.Workbook(made, options) as workbook:
            # The clock has no place in it.
            workbook.set_properties({"created": _no_time()})
            header = workbook.add_format({"bold": True, "bottom": 1})
            date = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
            kinds = {field.name: type_name(field.type) for field in reader.schema}
            _write_rows(_sheet(workbook, table, kinds, header), reader, date)
            session_kinds = dict.fromkeys(SESSION_DESCRIPTIONS, "string") | dict.fromkeys(
                _SESSION_TIMES, "timestamp[us]"
            )
            _write_sessions(_sheet(workbook, "sessions", session_kinds, header), metadata, date)
            defined = dict.fromkeys(("table", "column", "definition"), "string")
            definitions = _sheet(workbook, "definitions", defined, header)
            rows = [(table, name, describe_column(table, name)) for name in kinds]
            rows += [("sessions", name, text) for name, text in SESSION_DESCRIPTIONS.items()]
            for at, row in enumerate(rows, start=1):
                definitions.write_row(at, 0, row)
        made.seek(0)
        shutil.copyfileobj(made, file)


class _Made(tempfile.SpooledTemporaryFile[bytes]):
    """What the workbook is made in. Once it is closed, what is done to it is lost, and no error.

    After an error or an interruption, the engine's zip archive is let go only later, and would end its file then.
    """

    _place = 0

    def seek(self, offset: int, *whence: int) -> int:
        if not self.closed:
            return super().seek(offset, *whence)
        self._place = offset  # it computes with it
        return offset

    def tell(self) -> int:
        return self._place if self.closed else super().tell()

    def write(self, data: Any) -> int:  # noqa: ANN401 - bytes of any kind
        return len(data) if self.closed else super().write(data)

    def flush(self) -> None:
        if not self.closed:
            super().flush()


@contextmanager
def _as_errors_of_files(kind: type[Exception]) -> Iterator[None]:
    """Take the engine's error for a file that it could not write as what it stands for."""
    try:
        yield
    except kind as error:
        raise (error.__context__ if isinstance(error.__context__, OSError) else OSError(str(error))) from error


def _no_time() -> Any:  # noqa: ANN401 - a datetime
    import datetime as dt  # noqa: PLC0415 - for this alone

    return dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def _sheet(workbook: Any, name: str, kinds: Mapping[str, str], header: Format) -> Worksheet:  # noqa: ANN401 - a workbook
    sheet: Worksheet = workbook.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for at, (column, kind) in enumerate(kinds.items()):
        sheet.set_column(at, at, max(len(column) + 2, _WIDTHS.get(kind, 12)))
        sheet.write_string(0, at, column, header)
    return sheet


def _write_rows(sheet: Worksheet, reader: pa.RecordBatchReader, date: Format) -> None:
    at = 0
    for batch in reader:
        writers = [_cells(sheet, batch, place, date) for place in range(batch.num_columns)]
        for row in range(batch.num_rows):
            at += 1
            for write in writers:
                write(at, row)


def _cells(sheet: Worksheet, batch: pa.RecordBatch, place: int, date: Format) -> Callable[[int, int], None]:
    """Give what writes a column's value of a row of the batch into a row of the sheet."""
    column, name = batch.column(place), batch.schema.names[place]
    absent = is_null(column)
    if pa.types.is_timestamp(column.type):
        ticks, unit = integers(column), column.type.unit

        def write_time(at: int, row: int) -> None:
            if not absent[row]:
                _write_time(sheet, at, place, int(ticks[row]), unit, date)

        return write_time
    values = column.to_pylist()

    def write_value(at: int, row: int) -> None:
        value = values[row]
        if isinstance(value, str) and len(value) > MAX_CELL_CHARACTERS:
            raise bad_row(batch, row, name, f"has more than the {MAX_CELL_CHARACTERS:,} characters that a cell holds")
        if value is not None:
            _write_value(sheet, at, place, value)

    return write_value


def _write_value(sheet: Worksheet, at: int, place: int, value: Value) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(at, place, value)
    elif isinstance(value, str):
        sheet.write_string(at, place, value)
    elif isinstance(value, int) and abs(value) > _MAX_EXACT_INTEGER:
        sheet.write_string(at, place, str(value))
    elif abs(value) <= _MAX_NUMBER:
        sheet.write_number(at, place, value)
    else:  # no number of Excel's
        text = "NaN" if math.isnan(value) else repr(value)
        sheet.write_string(at, place, {"inf": "Infinity", "-inf": "-Infinity"}.get(text, text))


def _write_time(sheet: Worksheet, at: int, place: int, ticks: int, unit: Any, date: Format) -> None:  # noqa: ANN401 - a unit
    seconds, rest = divmod(ticks, TICKS_PER_SECOND[unit])
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        sheet.write_string(at, place, format_timestamp(ticks, unit))
        return
    days, second = divmod(seconds, _SECONDS_OF_DAY)
    part = (second + rest / TICKS_PER_SECOND[unit]) / _SECONDS_OF_DAY
    sheet.write_number(at, place, _EPOCH_SERIAL + days + part, date)


def _write_sessions(sheet: Worksheet, metadata: Mapping[str, Any], date: Format) -> None:
    unit = metadata["timestamp_unit"]
    for at, session in enumerate(metadata["sessions"], start=1):
        harness = session["harness"]
        flat = session | {"harness_name": harness["name"], "harness_version": harness["version"]}
        for place, name in enumerate(SESSION_DESCRIPTIONS):
            value = flat[name]
            if name in _SESSION_TIMES and value is not None:
                _write_time(sheet, at, place, parse_timestamp(value, unit, None)[0], unit, date)
            elif isinstance(value, dict | list):
                text = json.dumps(value, ensure_ascii=False)
                # More than that is in datapackage.json.
                sheet.write_string(at, place, text if len(text) <= MAX_CELL_CHARACTERS else "too long for a cell")
            elif value is not None:
                _write_value(sheet, at, place, value)
