"""The compiled part: text of record batches, and their digests. Its sources lie beside this file.

It takes batches through the Arrow C data interface, so those of pyarrow, Polars and DuckDB all do, and releases the
interpreter lock while it works. It is loaded with ctypes and needs no headers of Python.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, Protocol

from pipeline.native.build import library_name

_OK, _NO_MEMORY, _BAD_TYPE, _BAD_YEAR, _BAD_INDEX = range(5)
_UNBUILT = "the compiled part is missing; install the project ('uv sync' or 'pip install .'), which builds it"


class ArrowBatch(Protocol):
    """A record batch of any library, as the Arrow PyCapsule interface gives it."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[Any, Any]:
        """Export the batch as two capsules, of its schema and of its array."""


class _Buffer(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_int64), ("capacity", ctypes.c_int64))


def _load() -> ctypes.CDLL:
    path = Path(__file__).with_name(library_name())
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(f"{path.name}: {_UNBUILT}") from error
    pointer, number = ctypes.c_void_p, ctypes.c_int32
    place = ctypes.POINTER(ctypes.c_int64)
    for function in (library.pipeline_encode_ndjson, library.pipeline_encode_csv):
        function.argtypes = [pointer, pointer, ctypes.POINTER(_Buffer), number, place, place]
        function.restype = number
    library.pipeline_buffer_free.argtypes = [ctypes.POINTER(_Buffer)]
    library.pipeline_buffer_free.restype = None
    library.pipeline_digest.argtypes = [pointer, pointer, ctypes.POINTER(ctypes.c_uint64), pointer]
    library.pipeline_digest.restype = number
    return library


_LIBRARY = _load()
_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_capsule_pointer.restype = ctypes.c_void_p


class _Exported:
    """A batch behind the C data interface; whoever exported it frees it when this object goes."""

    def __init__(self, batch: ArrowBatch) -> None:
        self._capsules = batch.__arrow_c_array__()
        self.schema = _capsule_pointer(self._capsules[0], b"arrow_schema")
        self.array = _capsule_pointer(self._capsules[1], b"arrow_array")


class TextBuffer:
    """Encodes batches one after the other into the same memory.

    What `ndjson` and `csv` give is overwritten by the next call.
    """

    def __init__(self) -> None:
        self._buffer = _Buffer()

    def __del__(self) -> None:
        _LIBRARY.pipeline_buffer_free(self._buffer)

    def ndjson(self, batch: ArrowBatch, *, as_array: bool = False) -> memoryview:
        r"""Encode rows as JSON objects, each ended by a line feed, or with `,\n` between them.

        Raises:
            TypeError: a column's type is not one of the data model.
            ValueError: a time lies outside the years 0001 to 9999.
        """
        return self._encode(_LIBRARY.pipeline_encode_ndjson, batch, as_array)

    def csv(self, batch: ArrowBatch, *, spreadsheet: bool = False) -> memoryview:
        """Encode rows as CSV records; the errors are those of `ndjson`."""
        return self._encode(_LIBRARY.pipeline_encode_csv, batch, spreadsheet)

    def _encode(self, function: Any, batch: ArrowBatch, option: bool) -> memoryview:  # noqa: ANN401, FBT001 - a C function and its flag
        exported = _Exported(batch)
        row, column = ctypes.c_int64(), ctypes.c_int64()
        status = function(exported.schema, exported.array, self._buffer, option, row, column)
        if status == _BAD_TYPE:
            raise TypeError(f"column {column.value}: no text is defined for its type")
        if status == _BAD_YEAR:
            raise ValueError(f"column {column.value}, row {row.value}: lies outside the years 0001 to 9999")
        if status != _OK:
            raise MemoryError("no memory for text") if status == _NO_MEMORY else ValueError("the batch is damaged")
        if not self._buffer.size:
            return memoryview(b"")
        text = (ctypes.c_char * self._buffer.size).from_address(self._buffer.data)
        text.owner = self  # a view must not outlive the memory
        return memoryview(text).cast("B")


def digest_sums(batch: ArrowBatch, keys: list[int]) -> list[int]:
    """Sum the words of all rows of a batch.

    Args:
        batch: the rows.
        keys: two words per column.

    Returns:
        two sums, modulo 2^64.
    """
    exported = _Exported(batch)
    sums = (ctypes.c_uint64 * 2)()
    words = (ctypes.c_uint64 * len(keys))(*keys)
    status = _LIBRARY.pipeline_digest(exported.schema, exported.array, words, sums)
    if status != _OK:
        raise MemoryError("no memory for digests") if status == _NO_MEMORY else TypeError("a column has no digest")
    return list(sums)
