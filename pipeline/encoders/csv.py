"""CSV text of rows: RFC 4180 with LF, null as nothing, the empty string in quotes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.encoders.values import column_texts

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

_NEEDS_QUOTES = re.compile('[,"\r\n]')
# What makes a spreadsheet take a cell for a formula: OWASP, "CSV Injection".
_FORMULA_TRIGGERS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def _field(value: str) -> str:
    if value == "" or _NEEDS_QUOTES.search(value):
        return '"' + value.replace('"', '""') + '"'
    return value


def _guarded_field(value: str) -> str:
    return _field("'" + value if value.startswith(_FORMULA_TRIGGERS) else value)


def _field_encoder(*, spreadsheet: bool) -> Callable[[str], str]:
    return _guarded_field if spreadsheet else _field


def encode_csv_header(schema: pa.Schema, *, spreadsheet: bool = False) -> bytes:
    """Line of the column names.

    Args:
        schema: the columns.
        spreadsheet: guard names that a spreadsheet would take for a formula.
    """
    field = _field_encoder(spreadsheet=spreadsheet)
    return (",".join(map(field, schema.names)) + "\n").encode()


def encode_csv(batch: pa.RecordBatch, *, spreadsheet: bool = False) -> bytes:
    r"""One line per row, each ended by `\n`.

    Args:
        batch: the rows.
        spreadsheet: put `'` before text that a spreadsheet would take for a formula.
    """
    field = _field_encoder(spreadsheet=spreadsheet)
    non_finite = {"nan": "NaN"}
    columns = [
        column_texts(column, null="", string=field, time="{}", non_finite=non_finite) for column in batch.columns
    ]
    return "".join([",".join(row) + "\n" for row in zip(*columns, strict=True)]).encode()
