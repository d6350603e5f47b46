"""Rows that stand for arrays of samples become a row a sample, as they stream: no sample passes through the engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.division import divided
from pipeline.importers.samples import places_of
from pipeline.importers.values import exact_floats
from pipeline.model.arrays import from_numbers, from_strings, integers, is_null
from pipeline.native import float_texts, integer_texts
from pipeline.rows.distinct import encode_repeated, taken_rows

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from pipeline.importers.samples import CutDocument
    from pipeline.model.arrays import Integers

NUMBER = "samples"
"""The column with the number of the array that holds a row's values; null in rows that are no array."""
_BATCH_ROWS = 16_384
_TYPES = {"int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_(), "string": pa.string()}


def number_column(name: str) -> str:
    """Name the column with the number of the array that fills a column."""
    return f"{NUMBER}.{name}"


class Expansion:
    """Puts the samples of arrays into batches."""

    def __init__(
        self,
        document: CutDocument,
        fields: Mapping[str, str],
        counting: Sequence[str],
        kept: Sequence[str],
        divisor: str | None = None,
    ) -> None:
        """Say what is filled.

        Args:
            document: holds the arrays.
            fields: type name by column, of those that arrays fill beside `value`.
            counting: the columns that count the samples of an array from 0.
            kept: columns whose texts are no dictionaries.
            divisor: the column of `fields` by which values are divided.
        """
        self._document = document
        self._fields = fields
        self._counting = counting
        self._kept = kept
        self._divisor = divisor

    def expand(self, stream: Generator[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
        """Expand the rows of batches, in their order.

        Raises:
            SourceError: there is no array of a number, or an element does not fit its column.
        """
        added = {NUMBER, *map(number_column, self._fields)}
        for batch in stream:
            plain = batch.select([name for name in batch.schema.names if name not in added])
            numbers = {name: batch.column(name) for name in added}
            if numbers[NUMBER].null_count == len(batch):
                yield plain
                continue
            pieces: list[_Piece] = []
            held = 0
            for piece in self._pieces(plain, numbers):
                if pieces and held + piece.count > _BATCH_ROWS:
                    yield self._joined(plain, pieces)
                    pieces, held = [], 0
                pieces.append(piece)
                held += piece.count
            if pieces:
                yield self._joined(plain, pieces)

    def _pieces(self, plain: pa.RecordBatch, numbers: Mapping[str, pa.Array]) -> Iterator[_Piece]:
        wanted = np.flatnonzero(~is_null(numbers[NUMBER]))
        start = 0
        for rows in self._groups(wanted, numbers):
            if start < rows[0]:
                yield _Piece(np.arange(start, rows[0]))
            if len(rows) > 1:
                yield self._together(rows, numbers)
            else:
                yield from self._samples(int(rows[0]), numbers)
            start = int(rows[-1]) + 1
        if start < len(plain):
            yield _Piece(np.arange(start, len(plain)))

    def _groups(self, wanted: Integers, numbers: Mapping[str, pa.Array]) -> Iterator[Integers]:
        """Put rows of arrays together that follow each other, whose arrays are as long as those beside, and short."""
        known = len(self._document.counts)
        counts = np.append(self._document.counts, -1)  # of what is no array
        lengths = []
        for column in numbers.values():
            held = integers(column)[wanted]
            is_array = ~is_null(column)[wanted] & (held >= 0) & (held < known)
            lengths.append(counts[np.where(is_array, held, known)])
        are_alike = (lengths[0] >= 0) & np.all([each == lengths[0] for each in lengths], axis=0)
        start = count = 0
        for at, (row, is_alike, length) in enumerate(
            zip(wanted.tolist(), are_alike.tolist(), lengths[0].tolist(), strict=True)
        ):
            follows = at > start and row == wanted[at - 1] + 1 and is_alike and bool(are_alike[at - 1])
            if at > start and not (follows and count + length <= _BATCH_ROWS):
                yield wanted[start:at]
                start, count = at, 0
            count += length
        if start < len(wanted):
            yield wanted[start:]

    def _together(self, rows: Integers, numbers: Mapping[str, pa.Array]) -> _Piece:
        """Read the arrays of several rows as if they were one."""
        arrays = {name: integers(column)[rows] for name, column in numbers.items()}
        counts = self._document.counts[arrays[NUMBER]]
        texts = {name: self._document.texts_of(held.tolist()) for name, held in arrays.items()}
        filled = self._filled(texts.pop(NUMBER), {name: texts[number_column(name)] for name in self._fields})
        counted = from_numbers(places_of(counts), pa.int64())
        return _Piece(rows, counts, filled | dict.fromkeys(self._counting, counted))

    def _samples(self, row: int, numbers: Mapping[str, pa.Array]) -> Iterator[_Piece]:
        number_of_values = numbers[NUMBER][row].as_py()
        values = self._document.elements(number_of_values)
        if self._divisor is not None:
            self._check_counts(number_of_values, numbers[number_column(self._divisor)][row].as_py())
        beside = {}
        for name in self._fields:
            number = numbers[number_column(name)][row].as_py()
            beside[name] = None if number is None else self._document.elements(number)
        place = 0
        while len(texts := values.take(_BATCH_ROWS)):
            count = len(texts)
            none = from_strings([])
            filled = self._filled(texts, {name: one.take(count) if one else none for name, one in beside.items()})
            counted = from_numbers(np.arange(place, place + count, dtype=np.int64), pa.int64())
            yield _Piece(np.array([row]), np.array([count]), filled | dict.fromkeys(self._counting, counted))
            place += count

    def _filled(self, texts: pa.Array, beside: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """Give the columns that elements fill, those beside as long as the values."""
        filled = {"value": texts}
        for name, found in beside.items():
            if name == self._divisor:
                filled["value"], filled[name] = divided(texts, found, name)
            else:
                filled[name] = _typed(found, self._fields[name], name, len(texts))
        return filled

    def _check_counts(self, values: int, divisors: int | None) -> None:
        counts = self._document.counts
        if divisors is None or not 0 <= divisors < len(counts) or counts[values] != counts[divisors]:
            raise SourceError(f"it has not as many {self._divisor} as times")

    def _joined(self, plain: pa.RecordBatch, pieces: Sequence[_Piece]) -> pa.RecordBatch:
        used = np.concatenate([piece.rows for piece in pieces])
        codes = np.repeat(np.arange(len(used)), np.concatenate([piece.repeats for piece in pieces]))
        columns = []
        for name in plain.schema.names:
            column = plain.column(name)
            if any(name in piece.filled for piece in pieces):
                parts = [piece.column(name, plain) for piece in pieces]
                columns.append(pa.concat_arrays(_of_one_type(parts) if name == "value" else parts))
            elif pa.types.is_string(column.type) and name not in self._kept:
                columns.append(taken_rows(encode_repeated(taken_rows(column, used)), codes))
            else:
                columns.append(taken_rows(column, used[codes]))
        return pa.record_batch(columns, names=plain.schema.names)


class _Piece:
    """Rows of a batch, how often each comes, and columns that are filled otherwise."""

    def __init__(
        self, rows: Integers, repeats: Integers | None = None, filled: Mapping[str, pa.Array] | None = None
    ) -> None:
        self.rows = rows
        self.repeats = np.ones(len(rows), np.int64) if repeats is None else repeats
        self.filled = filled or {}
        self.count = int(self.repeats.sum())

    def column(self, name: str, plain: pa.RecordBatch) -> pa.Array:
        if name in self.filled:
            return self.filled[name]
        if not self.filled:
            return plain.column(name).slice(int(self.rows[0]), self.count)
        return taken_rows(plain.column(name), np.repeat(self.rows, self.repeats))


def _of_one_type(parts: Sequence[pa.Array]) -> Sequence[pa.Array]:
    """Give values as numbers where some of them are: those that were divided."""
    if not any(pa.types.is_floating(part.type) for part in parts):
        return parts
    return [part if pa.types.is_floating(part.type) else exact_floats(part) for part in parts]


def _typed(texts: pa.Array, kind: str, name: str, count: int) -> pa.Array:
    """Give elements the type of their column, as many as are wanted."""
    if kind == "string":
        held = texts.to_pylist()
        texts = from_strings([json.loads(text) if text is not None and text[0] == '"' else text for text in held])
    try:
        column = texts if kind == "string" else _numbers(texts, kind) or texts.cast(_TYPES[kind])
    except pa.ArrowInvalid as error:
        raise SourceError(f"column {name!r}: {str(error).splitlines()[0]:.100}") from error
    return column if len(column) == count else pa.concat_arrays([column, pa.nulls(count - len(column), column.type)])


def _numbers(texts: pa.Array, kind: str) -> pa.Array | None:
    """Read texts without Arrow's functions, which take a while to load; None where they need them."""
    read = {"int64": integer_texts, "float64": float_texts}.get(kind)
    numbers = None if read is None else read(texts)
    if numbers is None:
        return None
    return from_numbers(numbers, _TYPES[kind], is_null(texts) if texts.null_count else None)
