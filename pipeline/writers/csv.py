"""CSV: a header, then one row a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.writers.locales import PLAIN
from pipeline.writers.text import encode_csv_header, encoded

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.disk.sink import Sink
    from pipeline.writers.locales import Locale

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def write_csv(
    reader: pa.RecordBatchReader,
    file: Sink,
    *,
    spreadsheet: Locale | None = None,
    is_continued: bool = False,
    **_: Any,  # noqa: ANN401 - options of other formats
) -> None:
    """Write the rows; the format has no place for metadata. What is continued has its header already."""
    guarded = spreadsheet is not None
    locale = spreadsheet or PLAIN
    header = encode_csv_header(reader.schema, spreadsheet=guarded, delimiter=locale.delimiter)
    begin = BYTE_ORDER_MARK + header if guarded else header
    for text in encoded(
        reader,
        lambda buffer, rows: buffer.csv(rows, spreadsheet=guarded, delimiter=locale.delimiter, decimal=locale.decimal),
        begin=b"" if is_continued else begin,
    ):
        file.write(text)
