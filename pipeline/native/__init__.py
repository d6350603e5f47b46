"""The compiled part: checks and text of batches, digests, statistics of groups, CSV, JSON lines, pages of Parquet.

Its sources lie beside this file. It takes batches through the Arrow C data interface, so those of pyarrow, Polars and
DuckDB all do, and releases the interpreter lock while it works. It is loaded with ctypes and needs no headers of
Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.native.ahead import load_ahead
    from pipeline.native.csv_columns import BOOL, FLOAT64, INT64, SLACK, CsvRows, end_of_rows
    from pipeline.native.digest import digest_sums, digest_sums_of_runs
    from pipeline.native.distinct import FEW_TEXTS, distinct_texts, taken_texts
    from pipeline.native.groups import GroupedValues, GroupFigures
    from pipeline.native.json_lines import JSON, BadLineError, JsonLines, find_text
    from pipeline.native.json_names import DocumentNames, HeldName
    from pipeline.native.json_objects import JsonObjects
    from pipeline.native.json_rows import Held, JsonRows, RowLimits, RowsEnd
    from pipeline.native.json_samples import (
        BadDocumentError,
        DocumentCut,
        DocumentGather,
        ElementTexts,
        Gathered,
        Outline,
        PathStep,
    )
    from pipeline.native.library import ArrowBatch
    from pipeline.native.line_forms import LineForms, LinePart
    from pipeline.native.line_protocol import Series, UnwritableError
    from pipeline.native.number_texts import float_texts, integer_texts
    from pipeline.native.parquet_pages import DamagedPagesError, Pages, list_chunk_pages, list_pages
    from pipeline.native.rules import REQUIRED, TELL_CONSTANT, TELL_INCREASING, RowCheck, RowFacts
    from pipeline.native.text import TextBuffer
    from pipeline.native.times import FilledTimes
    from pipeline.native.xml_rows import XmlForm, XmlRows

__all__ = [
    "BOOL",
    "FEW_TEXTS",
    "FLOAT64",
    "INT64",
    "JSON",
    "REQUIRED",
    "SLACK",
    "TELL_CONSTANT",
    "TELL_INCREASING",
    "ArrowBatch",
    "BadDocumentError",
    "BadLineError",
    "CsvRows",
    "DamagedPagesError",
    "DocumentCut",
    "DocumentGather",
    "DocumentNames",
    "ElementTexts",
    "FilledTimes",
    "Gathered",
    "GroupFigures",
    "GroupedValues",
    "Held",
    "HeldName",
    "JsonLines",
    "JsonObjects",
    "JsonRows",
    "LineForms",
    "LinePart",
    "Outline",
    "Pages",
    "PathStep",
    "RowCheck",
    "RowFacts",
    "RowLimits",
    "RowsEnd",
    "Series",
    "TextBuffer",
    "UnwritableError",
    "XmlForm",
    "XmlRows",
    "digest_sums",
    "digest_sums_of_runs",
    "distinct_texts",
    "end_of_rows",
    "find_text",
    "float_texts",
    "integer_texts",
    "list_chunk_pages",
    "list_pages",
    "load_ahead",
    "taken_texts",
]

_FILES = {
    "BOOL": "csv_columns",
    "FEW_TEXTS": "distinct",
    "FLOAT64": "csv_columns",
    "INT64": "csv_columns",
    "JSON": "json_lines",
    "REQUIRED": "rules",
    "SLACK": "csv_columns",
    "TELL_CONSTANT": "rules",
    "TELL_INCREASING": "rules",
    "ArrowBatch": "library",
    "BadDocumentError": "json_samples",
    "BadLineError": "json_lines",
    "CsvRows": "csv_columns",
    "DamagedPagesError": "parquet_pages",
    "DocumentCut": "json_samples",
    "DocumentGather": "json_samples",
    "DocumentNames": "json_names",
    "ElementTexts": "json_samples",
    "FilledTimes": "times",
    "Gathered": "json_samples",
    "GroupFigures": "groups",
    "GroupedValues": "groups",
    "Held": "json_rows",
    "HeldName": "json_names",
    "JsonLines": "json_lines",
    "JsonObjects": "json_objects",
    "JsonRows": "json_rows",
    "LineForms": "line_forms",
    "LinePart": "line_forms",
    "Outline": "json_samples",
    "Pages": "parquet_pages",
    "PathStep": "json_samples",
    "RowCheck": "rules",
    "RowFacts": "rules",
    "RowLimits": "json_rows",
    "RowsEnd": "json_rows",
    "Series": "line_protocol",
    "TextBuffer": "text",
    "UnwritableError": "line_protocol",
    "XmlForm": "xml_rows",
    "XmlRows": "xml_rows",
    "digest_sums": "digest",
    "digest_sums_of_runs": "digest",
    "distinct_texts": "distinct",
    "end_of_rows": "csv_columns",
    "find_text": "json_lines",
    "float_texts": "number_texts",
    "integer_texts": "number_texts",
    "list_chunk_pages": "parquet_pages",
    "list_pages": "parquet_pages",
    "load_ahead": "ahead",
    "taken_texts": "distinct",
}


if not TYPE_CHECKING:  # which would take any name for one that is here

    def __getattr__(name: str) -> Any:  # noqa: ANN401 - any name
        """Import what is used when it is used: each command needs a few files."""
        if name not in _FILES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - as above

        return getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
