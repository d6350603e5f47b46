"""The ways in which an export can be written."""

from __future__ import annotations

VARIANTS = [
    {"format": "csv"},
    {"format": "csv", "compression": "gzip"},
    {"format": "csv", "spreadsheet": True},
    {"format": "csv", "spreadsheet": True, "locale": "de"},
    {"format": "ndjson"},
    {"format": "ndjson", "compression": "gzip"},
]
OPAQUE_VARIANTS = [
    {"format": "csv", "compression": "zstd"},
    {"format": "ndjson", "compression": "zstd"},
    {"format": "json"},
    {"format": "json", "compression": "gzip"},
    {"format": "json", "compression": "zstd"},
    {"format": "parquet"},
    {"format": "arrow"},
]
SCOPES = ("cross-session", "per-session")
# A day that holds the last microsecond of the year 9999 has no end.
YEAR = {"since": "2026-01-01", "until": "2027-01-01"}


def label(variant):
    return "-".join(str(value) for value in variant.values())
