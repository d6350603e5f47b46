"""The shape of a CSV file: its delimiter, whether it has a header line, its columns."""

from __future__ import annotations

import csv
import itertools
import threading
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import SourceError, UsageError
from pipeline.rows.attributes import check_column_names
from pipeline.runtime.duckdb import quote_identifier, quote_literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.importers.layouts import ColumnType, Layout

_DELIMITERS = ",;\t|"
MAX_LINE_BYTES = 16_777_216
_FIELD_LIMIT = threading.Lock()


class CsvShape(NamedTuple):
    """How the records of a file are written.

    Attributes:
        names: of its columns.
        delimiter: between fields.
        has_header: whether the first record names the columns.
        is_by_position: whether a known layout names them, which is a conclusion from the first record.
    """

    names: tuple[str, ...]
    delimiter: str
    has_header: bool
    is_by_position: bool = False


def find_shape(
    plain: Path, columns: Sequence[str], layouts: Sequence[Layout], header: Sequence[str] | None
) -> CsvShape:
    """Find the shape of a file from its first record.

    DuckDB's own detection is not used: it passes over lines that do not fit what it finds.

    Args:
        plain: the file.
        columns: names that its header line may have; if it has none of them, the first line is a record.
        layouts: of files without a header line; without any, every file has one.
        header: the names of the columns, where the user gives them.

    Raises:
        SourceError: a file without a header line fits no layout, or several; names are doubled, or too few.
    """
    raw, delimiter = _first_record(plain)
    fields = [field.strip() for field in raw]
    if header is not None:
        if len(header) != len(fields):
            raise SourceError(f"its first record has {len(fields)} fields, and --header names {len(header)}")
        is_there = [field.lower() for field in fields] == [name.lower() for name in header]
        return CsvShape(tuple(header), delimiter, is_there)
    fitting = [layout for layout in layouts if layout.fits(fields)]
    known = {name.lower() for name in (*columns, *(name for layout in layouts for name in layout.names))}
    # A label of a first record may be the name of a column.
    is_record = any(layout.is_telling for layout in fitting)
    if not layouts or (not is_record and any(field.lower() in known for field in fields)):
        fields = _told_apart(fields, columns)
        check_column_names(fields)
        return CsvShape(tuple(fields), delimiter, has_header=True)
    if len(fitting) != 1:
        raise SourceError(_told(fields, layouts, fitting))
    return CsvShape(fitting[0].names, delimiter, has_header=False, is_by_position=True)


def may_be_cut_off(plain: Path) -> bool:
    """Whether the last record of a file lacks its line end: all tools write one, so its last figure may be shorter."""
    with plain.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 1))
        return file.read(1) not in {b"\n", b"\r", b""}


def parse_header(given: str | Sequence[str]) -> tuple[str, ...]:
    """Read the names of `--header`.

    Args:
        given: the names, or one text with commas between them, quoted as in CSV where need be.

    Raises:
        UsageError: a name is empty or doubled.
    """
    names = tuple(name.strip() for name in (next(csv.reader([given]), []) if isinstance(given, str) else given))
    if not names or not all(names):
        raise UsageError("--header: give the name of every column, with commas between them")
    try:
        check_column_names(list(names))
    except SourceError as error:
        raise UsageError(f"--header: {error}") from error
    return names


def _told_apart(fields: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Give names that differ only in case from one that is expected, or from one before, another beginning."""
    if not columns:
        return list(fields)
    kept: dict[str, str] = {}
    for field in fields:
        if field.lower() not in kept or field in columns:
            kept[field.lower()] = field
    return [field if kept[field.lower()] == field else f"attribute_{field}" for field in fields]


def _told(fields: Sequence[str], layouts: Sequence[Layout], fitting: Sequence[Layout]) -> str:
    if fitting:
        several = " or ".join(f"--header {','.join(layout.names)}" for layout in fitting)
        return f"has no header line, and its {len(fields)} fields may be of several versions; say which: {several}"
    longest = ",".join(max(layouts, key=lambda layout: len(layout.names)).names)
    return (
        f"has no header line, and its {len(fields)} fields are in no order that is known; "
        f"name all of them: --header NAME,NAME,... of {longest}"
    )


def csv_query(
    plain: Path,
    shape: CsvShape,
    expected: Sequence[str],
    line_bytes: int,
    view: str | None = None,
    types: Mapping[str, ColumnType] | None = None,
) -> str:
    """Write the query of a CSV file: every column as text, and the expected ones that it lacks as nulls.

    Args:
        plain: the file.
        shape: of it.
        expected: columns.
        line_bytes: what a record has at most; the engine's buffers are twice as large, and it holds several.
        view: has its columns; None where the engine reads the file.
        types: of columns that the view lacks, by their names in small letters; text without.
    """
    lacking = [name for name in expected if name.lower() not in {have.lower() for have in shape.names}]
    kinds = {} if types is None else types
    nulls = "".join(f", NULL::{kinds.get(name.lower(), 'VARCHAR')} AS {quote_identifier(name)}" for name in lacking)
    if view is not None:
        return f"SELECT *{nulls} FROM {view}"
    columns = ", ".join(f"{quote_identifier(name)}: 'VARCHAR'" for name in shape.names)
    return (
        f"SELECT *{nulls} FROM read_csv({quote_literal(str(plain))}, auto_detect = false, columns = {{{columns}}}, "
        f"delim = {quote_literal(shape.delimiter)}, quote = '\"', escape = '\"', "
        f"header = {str(shape.has_header).lower()}, "
        f"compression = 'none', max_line_size = {line_bytes}, buffer_size = {2 * line_bytes}, strict_mode = true, "
        "null_padding = false)"
    )


def _first_record(plain: Path) -> tuple[list[str], str]:
    with plain.open(encoding="utf-8", errors="replace", newline="") as file:
        return split_record(list(itertools.islice((line for line in file if line.strip()), 100)))


def split_record(lines: Sequence[str]) -> tuple[list[str], str]:
    """Split the first record of some lines at the delimiter that makes the most fields.

    Raises:
        SourceError: it cannot be split.
    """
    best: tuple[list[str], str] = ([], ",")
    for delimiter in _DELIMITERS:
        fields = _split(lines, delimiter)
        if len(fields) > len(best[0]):
            best = fields, delimiter
    return best


def _split(lines: Sequence[str], delimiter: str) -> list[str]:
    # The limit of a field is one of all Python, and meant for files that nobody knows: the lines are here already.
    with _FIELD_LIMIT:
        before = csv.field_size_limit(max(csv.field_size_limit(), sum(map(len, lines)) + 1))
        try:
            return next(csv.reader(lines, delimiter=delimiter), [])
        except csv.Error as error:
            raise SourceError(f"its first record is no CSV ({error})") from error
        finally:
            csv.field_size_limit(before)
