"""CSV: a header, then one row a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.writers.text import encode_csv_header, encoded

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.disk.sink import Sink

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def write_csv(
    reader: pa.RecordBatchReader,
    file: Sink,
    *,
    spreadsheet: bool = False,
    **_: Any,  # noqa: ANN401 - options of other formats
) -> None:
    """Write the rows; the format has no place for metadata."""
    header = encode_csv_header(reader.schema, spreadsheet=spreadsheet)
    for text in encoded(
        reader,
        lambda buffer, rows: buffer.csv(rows, spreadsheet=spreadsheet),
        begin=BYTE_ORDER_MARK + header if spreadsheet else header,
    ):
        file.write(text)
