"""The compiled part: checks and text of batches, digests, statistics of groups, CSV, JSON lines, pages of Parquet.

Its sources lie beside this file. It takes batches through the Arrow C data interface, so those of pyarrow, Polars and
DuckDB all do, and releases the interpreter lock while it works. It is loaded with ctypes and needs no headers of
Python.
"""

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
    "taken_texts",
]
