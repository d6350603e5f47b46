"""Loads the compiled part, and hands it batches through the Arrow C data interface."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, Protocol

from pipeline.native.build import library_name

_BUILD = Path(__file__).with_name("build.py")


class ArrowBatch(Protocol):
    """A record batch or array of any library, as the Arrow PyCapsule interface gives it."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[Any, Any]:
        """Export as two capsules, of the schema and of the array."""


class Buffer(ctypes.Structure):
    """Memory that text is written to: address, bytes used, bytes there are."""

    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_int64), ("capacity", ctypes.c_int64))


class RowArrays(ctypes.Structure):
    """Addresses and sizes in bytes of the buffers of an array."""

    _fields_ = (
        ("validity", ctypes.c_void_p),
        ("places", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
        ("value_bytes", ctypes.c_int64),
        ("text", ctypes.c_void_p),
        ("text_bytes", ctypes.c_int64),
    )


class Exported:
    """A batch behind the C data interface; whoever exported it frees it when this object goes."""

    def __init__(self, batch: ArrowBatch) -> None:
        self._capsules = batch.__arrow_c_array__()
        self.schema = _capsule_pointer(self._capsules[0], b"arrow_schema")
        self.array = _capsule_pointer(self._capsules[1], b"arrow_array")


def _load() -> ctypes.CDLL:
    path = Path(__file__).with_name(library_name())
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(
            f"{path.name}: the compiled part is missing; install the project ('uv sync' or 'pip install .'), "
            "which builds it"
        ) from error
    pointer, number, size = ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint64
    long, text, place = ctypes.c_int64, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int64)
    buffer, numbers, addresses = ctypes.POINTER(Buffer), ctypes.POINTER(number), ctypes.POINTER(pointer)
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "check_rows": (number, [pointer, pointer, numbers, numbers, place]),
        "encode_ndjson": (number, [pointer, pointer, buffer, number, place, place]),
        "encode_csv": (number, [pointer, pointer, buffer, number, place, place]),
        "encode_sheet": (number, [pointer, pointer, buffer, number, long, place, place]),
        "encode_lines": (number, [pointer, pointer, buffer, pointer, place, place]),
        "buffer_start": (number, [buffer, text, long]),
        "buffer_free": (None, [buffer]),
        "series_new": (pointer, []),
        "series_clear": (None, [pointer]),
        "series_free": (None, [pointer]),
        "json_lines_new": (pointer, []),
        "json_lines_free": (None, [pointer]),
        "json_lines_field": (number, [pointer, text, long, number]),
        "json_lines_read": (number, [pointer, pointer, long, place, place]),
        "json_lines_texts": (long, [pointer, number, addresses, addresses, addresses, addresses]),
        "json_lines_unread": (long, [pointer, addresses, addresses, addresses]),
        "json_objects_new": (pointer, [number]),
        "json_objects_free": (None, [pointer]),
        "json_objects_field": (number, [pointer, text, long]),
        "json_objects_figure": (number, [pointer, text, long]),
        "json_objects_step": (number, [pointer, number, text, long]),
        "json_objects_lines": (number, [pointer, pointer, long, number, place]),
        "json_objects_elements": (number, [pointer, pointer, long, place]),
        "json_objects_texts": (long, [pointer, long, addresses, addresses, addresses]),
        "json_objects_rows": (long, [pointer, addresses, addresses]),
        "json_rows_new": (pointer, [long, long, long, long, long]),
        "json_rows_free": (None, [pointer]),
        "json_rows_add": (number, [pointer, text, long]),
        "json_rows_begin": (None, [pointer, number]),
        "json_rows_read": (number, [pointer, pointer, long, number, number, place, place]),
        "json_rows_column": (long, [pointer, long, addresses, place, place]),
        "json_rows_arrays": (number, [pointer, long, number, ctypes.POINTER(RowArrays)]),
        "json_rows_dropped": (pointer, [pointer, long]),
        "json_samples_new": (pointer, [number, long, number]),
        "json_samples_free": (None, [pointer]),
        "json_samples_step": (number, [pointer, number, long, text, long]),
        "json_samples_start": (number, [pointer, long]),
        "json_samples_read": (number, [pointer, text, long, number, place, place]),
        "json_samples_text": (long, [pointer, addresses, place, addresses, addresses]),
        "json_samples_arrays": (long, [pointer, addresses]),
        "json_samples_gathered": (long, [pointer, addresses, place]),
        "json_names_new": (pointer, [long]),
        "json_names_free": (None, [pointer]),
        "json_names_step": (number, [pointer, number, number, long, text, long]),
        "json_names_use": (number, [pointer, number, number, number]),
        "json_names_read": (number, [pointer, text, long, number, place]),
        "json_names_list": (long, [pointer, addresses, addresses, addresses]),
        "xml_rows_new": (pointer, [number, number, number, number]),
        "xml_rows_free": (None, [pointer]),
        "xml_rows_tag": (long, [pointer, text, long, number, number]),
        "xml_rows_attribute": (long, [pointer, text, long, number, number, number]),
        "xml_rows_read": (long, [pointer, text, long, long, place]),
        "xml_rows_texts": (long, [pointer, number, addresses, addresses, addresses]),
        "xml_rows_depths": (long, [pointer, addresses]),
        "xml_rows_unused": (long, [pointer, long, addresses, place]),
        "csv_new": (pointer, []),
        "csv_free": (None, [pointer]),
        "csv_split": (number, [pointer, pointer, long, number, long, place, place]),
        "csv_columns": (long, [pointer]),
        "csv_end": (long, [pointer, long]),
        "csv_types": (number, [pointer, long]),
        "csv_text_bytes": (long, [pointer, long]),
        "csv_texts": (long, [pointer, long, pointer, pointer, pointer]),
        "csv_distinct": (long, [pointer, long, long, pointer, pointer, pointer, place]),
        "csv_texts_at": (None, [pointer, long, pointer, long, pointer, pointer]),
        "csv_integers": (long, [pointer, long, pointer, pointer, number]),
        "csv_floats": (long, [pointer, long, pointer, pointer]),
        "csv_booleans": (long, [pointer, long, pointer, pointer]),
        "csv_times": (long, [pointer, long, pointer, pointer, long, pointer]),
        "line_forms_new": (pointer, []),
        "line_forms_free": (None, [pointer]),
        "line_forms_part": (number, [pointer, number, number, number, text, long]),
        "line_forms_read": (long, [pointer, pointer, long, number, long]),
        "line_forms_rows": (long, [pointer, addresses, addresses]),
        "line_forms_column": (long, [pointer, long, addresses, addresses, addresses, addresses, addresses]),
        "line_forms_lines": (long, [pointer, long]),
        "distinct_texts": (long, [pointer, pointer, pointer, pointer]),
        "fill_times": (number, [pointer, pointer, long, long, number, pointer, pointer, place]),
        "number_texts": (number, [pointer, pointer, number, pointer]),
        "find_text": (long, [pointer, long, text, long]),
        "parquet_chunk_pages": (long, [pointer, long, long, pointer, long, place]),
        "parquet_pages": (long, [number, long, pointer, long, place]),
        "digest": (number, [pointer, pointer, ctypes.POINTER(size), pointer, long, pointer]),
        "statistics_new": (pointer, [text, pointer, size, number, size, size, text]),
        "statistics_free": (None, [pointer]),
        "statistics_add": (number, [pointer, long, pointer, pointer, text]),
        "statistics_next": (number, [pointer, size, place, addresses, addresses, text]),
        "statistics_key": (long, [pointer, size, *[addresses] * 5]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"pipeline_{name}", None)
        if function is None:
            raise ImportError(f"{path.name}: the compiled part is of another version; 'python {_BUILD}' builds it anew")
        function.restype, function.argtypes = result, arguments
    return library


LIBRARY = _load()
_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_capsule_pointer.restype = ctypes.c_void_p
