"""Values become text here and nowhere else: plain functions of a record batch, without any other state.

The text of a value is the same in every text format, see docs/formats.md. Batches hold the types of the data
model only: string, int64, float64, bool, and timestamps in UTC.
"""

from pipeline.encoders.csv import encode_csv, encode_csv_header
from pipeline.encoders.ndjson import encode_json_rows, encode_ndjson

__all__ = ["encode_csv", "encode_csv_header", "encode_json_rows", "encode_ndjson"]
