"""JSON text of rows: each is what Python's `json.dumps` writes, with non-finite numbers as strings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.encoders.values import column_texts

if TYPE_CHECKING:
    import pyarrow as pa

_NON_FINITE = {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}


def _string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rows(batch: pa.RecordBatch) -> list[str]:
    columns = [
        column_texts(column, null="null", string=_string, time='"{}"', non_finite=_NON_FINITE)
        for column in batch.columns
    ]
    members = ",".join(f"{_string(name)}:".replace("%", "%%") + "%s" for name in batch.schema.names)
    return list(map(f"{{{members}}}".__mod__, zip(*columns, strict=True)))


def encode_ndjson(batch: pa.RecordBatch) -> bytes:
    r"""One line per row, each ended by `\n`, keys in column order, nulls written out."""
    return "".join([row + "\n" for row in _rows(batch)]).encode()


def encode_json_rows(batch: pa.RecordBatch) -> bytes:
    r"""Rows of a JSON array, with `,\n` between them and nothing around them."""
    return ",\n".join(_rows(batch)).encode()
