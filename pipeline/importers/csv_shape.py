"""The shape of a CSV file: its delimiter, whether it has a header line, its columns."""

from __future__ import annotations

import csv
import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import SourceError
from pipeline.rows.attributes import check_column_names
from pipeline.runtime.duckdb import quote_identifier, quote_literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_DELIMITERS = ",;\t|"
_LINE_BYTES = 16_777_216
_FIELD_LIMIT = threading.Lock()


@dataclass(frozen=True)
class CsvShape:
    """How the records of a file are written.

    Attributes:
        names: of its columns.
        delimiter: between fields.
        has_header: whether the first record names the columns.
    """

    names: tuple[str, ...]
    delimiter: str
    has_header: bool


def find_shape(plain: Path, expected: Sequence[str]) -> CsvShape:
    """Find the shape of a file from its first record.

    DuckDB's own detection is not used: it passes over lines that do not fit what it finds.

    Args:
        plain: the file.
        expected: names of columns; if the first line holds none of them, it is a record, and they name its fields.

    Raises:
        SourceError: a file without a header line has more columns than are expected; names are doubled.
    """
    fields, delimiter = _first_record(plain)
    known = {name.lower() for name in expected}
    has_header = not expected or any(field.strip().lower() in known for field in fields)
    names = [field.strip() for field in fields] if has_header else list(expected[: len(fields)])
    if len(names) < len(fields):
        raise SourceError(f"its records have {len(fields)} fields, not {len(expected)} at most: {', '.join(expected)}")
    check_column_names(names)
    return CsvShape(tuple(names), delimiter, has_header)


def csv_query(plain: Path, shape: CsvShape, expected: Sequence[str]) -> str:
    """Write the query of a CSV file: every column as text, and the expected ones that it lacks as nulls."""
    lacking = [name for name in expected if name.lower() not in {have.lower() for have in shape.names}]
    nulls = "".join(f", NULL::VARCHAR AS {quote_identifier(name)}" for name in lacking)
    columns = ", ".join(f"{quote_identifier(name)}: 'VARCHAR'" for name in shape.names)
    return (
        f"SELECT *{nulls} FROM read_csv({quote_literal(str(plain))}, auto_detect = false, columns = {{{columns}}}, "
        f"delim = {quote_literal(shape.delimiter)}, quote = '\"', escape = '\"', "
        f"header = {str(shape.has_header).lower()}, "
        f"compression = 'none', max_line_size = {_LINE_BYTES}, strict_mode = true, null_padding = false)"
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
