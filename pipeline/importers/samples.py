"""Arrays of samples that the line `-- samples:` of an importer names: cut out of the document, read apart from it."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.disk.temporary import temporary_errors
from pipeline.errors import SourceError, UsageError
from pipeline.model.arrays import from_numbers, from_strings
from pipeline.native import JSON, BadDocumentError, DocumentCut, ElementTexts, PathStep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from io import FileIO
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from pipeline.native import JsonObjects

_BLOCK_BYTES = 1 << 17
_ROWS = 2048  # as many as a vector of the engine has
_HELD_BACK_ROWS = 64  # a join of it holds fewer back
_LARGE_BYTES = 1 << 18
_COLUMNS = pa.schema([("number", pa.int64()), ("place", pa.int64()), ("json", JSON)])
_WORTH_LOOKING_AT = 16
"""Elements of an array that takes the engine longer to pass on than it takes us to see what they are."""
_MAX_STEPS = 64
_CHANGED = "was changed while it was read"
_STEP = r'\.?(?:"([^"]+)"|(\*)|([^\s.,*"\[\]]+))|\[(\w*)\]'


class SamplePath(NamedTuple):
    """Where arrays of samples lie in a document.

    Attributes:
        steps: to the arrays.
        place: the column that counts the samples of an array from 0; None for none.
    """

    steps: tuple[PathStep, ...]
    place: str | None


def parse_samples(text: str, *, where: str) -> tuple[SamplePath, ...]:
    """Read the line `-- samples:` of an importer.

    Args:
        text: paths with commas between them, such as `benchmarks[].stats.data[round], results.*.samples[][]`.
        where: the importer, for errors.

    Raises:
        UsageError: a path cannot be read, one leads into the arrays of another, or these are too many.
    """
    paths = []
    at = 0
    while True:
        steps: list[PathStep] = []
        last = None
        while found := re.compile(_STEP).match(text, at):
            quoted, any_key, key, last = found.groups()
            at = found.end()
            if last is None:
                steps.append(PathStep("any key") if any_key else PathStep("key", quoted or key))
            else:
                steps.append(PathStep("element", number=int(last)) if last.isdigit() else PathStep("any element", last))
        if last is None or last.isdigit() or any(one.key for one in steps[:-1] if one.kind == "any element"):
            raise UsageError(f"{where}: '-- samples:' cannot read {text!r}; write key[].key[COLUMN] or key.*[2][]")
        paths.append(SamplePath(tuple(steps[:-1]), last or None))
        separator = re.compile(r"\s*(,\s*|$)").match(text, at)
        if separator is None:
            raise UsageError(f"{where}: '-- samples:' cannot read {text[at:].strip()!r}; commas stand between paths")
        at = separator.end()
        if at == len(text) and not separator[1]:
            break
    _check(paths, where)
    return tuple(paths)


def _check(paths: Sequence[SamplePath], where: str) -> None:
    if sum(len(path.steps) + 1 for path in paths) > _MAX_STEPS:
        raise UsageError(f"{where}: '-- samples:' has more than {_MAX_STEPS} steps in its paths together")
    for one in paths:
        for other in paths:
            pairs = zip(one.steps, other.steps, strict=False)
            if one is not other and len(one.steps) <= len(other.steps) and all(_may_be_same(*pair) for pair in pairs):
                raise UsageError(f"{where}: '-- samples:' has a path that leads into the arrays of another, or to them")


def _may_be_same(one: PathStep, other: PathStep) -> bool:
    kinds = {one.kind, other.kind}
    return kinds in ({"any key"}, {"any key", "key"}, {"any element"}, {"any element", "element"}) or one == other


class CutDocument:
    """A document whose arrays of samples were cut out.

    Attributes:
        path: what is left, in which a number stands in the place of each array.
        counts: elements by the number of the array.
        documents: how many there are in it.
    """

    def __init__(self, plain: Path, paths: Sequence[SamplePath], to: Path) -> None:
        """Cut a document.

        Args:
            plain: the document, as UTF-8.
            paths: where the arrays lie.
            to: a file to write what is left to.

        Raises:
            SourceError: it is no JSON; the message names the line.
        """
        self.path = to
        self._plain = plain
        cut = DocumentCut([path.steps for path in paths])
        with plain.open("rb", buffering=0) as file, temporary_errors(to.parent), to.open("wb") as out:
            is_last = False
            while not is_last:
                block = file.read(_BLOCK_BYTES)
                is_last = not block
                try:
                    out.write(cut.read(block, is_last=is_last))
                except BadDocumentError as error:
                    reason = "it ends early, or is no JSON" if is_last else str(error)
                    raise SourceError(f"line {error.line + 1}: {reason}") from error
        self.documents = cut.documents()
        self._arrays = cut.arrays()
        self.counts = self._arrays[:, 1]
        self._firsts: list[str | None] | None = None

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give the elements of all arrays to the engine, which may ask any number of times."""
        return _stream(self._batches()).__arrow_c_stream__(requested_schema)

    def pieces(self) -> Pieces:
        """Give the same to the engine, but of each array of nothing but numbers the first element alone."""
        return Pieces(lambda: _stream(self._pieces()))

    def objects(self, objects: JsonObjects) -> Iterator[list[pa.Array]]:
        """Take the elements of all arrays apart, as they stand in the file.

        Raises:
            SourceError: the file was changed meanwhile.
            BadLineError: an element is no JSON.
        """
        with self._plain.open("rb", buffering=0) as file:
            for start, count, end in self._arrays.tolist():
                if count:
                    file.seek(start)
                    yield from _objects(file, end + 1 - start, objects)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with self._plain.open("rb", buffering=0) as file:
            for numbers in self._groups(list(range(len(self._arrays)))):
                yield from self._elements_of(file, numbers)

    def _elements_of(self, file: BinaryIO, numbers: Sequence[int]) -> Iterator[pa.RecordBatch]:
        """Give the elements of one array, or of several of few elements."""
        counts = self.counts[numbers]
        if len(numbers) == 1:
            yield from self._alone(numbers[0])
            return
        yield _rows(np.repeat(np.array(numbers, np.int64), counts), places_of(counts), self._texts(file, numbers))

    def _pieces(self) -> Iterator[pa.RecordBatch]:
        with self._plain.open("rb", buffering=0) as file:
            if self._firsts is None:
                self._firsts = [self._first_number(file, *array) for array in self._arrays.tolist()]
            for is_plain, held in itertools.groupby(enumerate(self._firsts), lambda one: one[1] is not None):
                if is_plain:
                    while few := list(itertools.islice(held, _ROWS)):
                        numbers = np.array([number for number, _ in few], np.int64)
                        yield _rows(numbers, None, from_strings([first for _, first in few]))
                else:
                    for group in self._groups([number for number, _ in held]):
                        yield from self._elements_of(file, group)

    def _first_number(self, file: BinaryIO, start: int, count: int, end: int) -> str | None:
        """Give the first element of an array of nothing but numbers; None of another, or of one of few elements."""
        if count < _WORTH_LOOKING_AT:
            return None
        file.seek(start)
        first = ""
        while start < end:
            block = file.read(min(_BLOCK_BYTES, end - start))
            # All other values have one of these.
            if not block or b'"' in block or b"[" in block or b"{" in block or b"l" in block or b"t" in block:
                return None
            first = first or block.split(b",", 1)[0].strip().decode()
            start += len(block)
        return first or None

    def _groups(self, numbers: Sequence[int]) -> Iterator[Sequence[int]]:
        """Put arrays of few elements together, those of none left out: most documents with many arrays have such."""
        few: list[int] = []
        rows = size = 0
        for number, (start, count, end) in zip(numbers, self._arrays[numbers].tolist(), strict=True):
            is_large = count > _ROWS or end - start > _BLOCK_BYTES
            if few and (is_large or rows + count > _ROWS or size + end - start > _BLOCK_BYTES):
                yield few
                few, rows, size = [], 0, 0
            if is_large:
                yield [number]
            else:
                few += [number] if count else []
                rows, size = rows + count, size + end - start
        if few:
            yield few

    def texts_of(self, numbers: Sequence[int]) -> pa.Array:
        """Read the elements of several arrays as JSON texts, one array behind the other."""
        with self._plain.open("rb", buffering=0) as file:
            return self._texts(file, numbers)

    def _texts(self, file: BinaryIO, numbers: Sequence[int]) -> pa.Array:
        """Read arrays as if they were one."""
        parts = []
        for start, count, end in self._arrays[numbers].tolist():
            if count:
                file.seek(start)
                parts.append(file.read(end - start))
        try:
            texts = ElementTexts().read(b",".join(parts) + b"]", is_last=True)
        except BadDocumentError as error:
            raise SourceError(_CHANGED) from error
        if len(texts) != self.counts[numbers].sum():
            raise SourceError(_CHANGED)
        return texts

    def _alone(self, number: int) -> Iterator[pa.RecordBatch]:
        elements = self.elements(number)
        place = 0
        while count := len(texts := elements.next(_ROWS)):
            yield _rows(np.full(count, number, np.int64), np.arange(place, place + count, dtype=np.int64), texts)
            place += count

    def elements(self, number: int) -> Elements:
        """Read an array, by its number.

        Raises:
            SourceError: there is no array of this number.
        """
        if not 0 <= number < len(self._arrays):
            raise SourceError(f"the column samples names array {number}, and there are {len(self._arrays)}")
        start, _, end = map(int, self._arrays[number])
        return Elements(self._plain, start, end + 1)


def _objects(file: FileIO, left: int, objects: JsonObjects) -> Iterator[list[pa.Array]]:
    """Read an array of so many bytes, its bracket behind its elements among them."""
    block = bytearray(_BLOCK_BYTES)
    filled = 0
    while True:
        count = file.readinto(memoryview(block)[filled : filled + left])
        left -= count
        filled += count
        done, rows = objects.read_elements(block, filled)
        yield rows
        if block[done:filled] == b"]" and not left:
            return
        if not count:
            raise SourceError(_CHANGED)
        block[: filled - done] = block[done:filled]
        filled -= done
        if filled == len(block):
            block += bytearray(filled)


class Pieces:
    """A stream that the engine may read any number of times."""

    def __init__(self, read: Callable[[], pa.RecordBatchReader]) -> None:
        self._read = read

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Begin to read."""
        return self._read().__arrow_c_stream__(requested_schema)


def places_of(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the elements of arrays that stand one behind the other, of each from 0."""
    return np.arange(counts.sum(), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)


def _stream(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(_COLUMNS, in_vectors(batches))


def in_vectors(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut batches as the engine cuts its vectors: a join of it gives rows of small ones later than those behind.

    Of large elements fewer come together: what the engine makes of them takes many times their bytes.
    """
    held: list[pa.RecordBatch] = []
    count = size = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        size += batch.nbytes
        if count >= _ROWS or (size >= _LARGE_BYTES and count >= _HELD_BACK_ROWS):
            whole = pa.concat_batches(held) if len(held) > 1 else batch
            rest = count % _ROWS if count >= _ROWS else 0
            yield whole.slice(0, len(whole) - rest)
            held = [whole.slice(len(whole) - rest)] if rest else []
            count, size = rest, sum(one.nbytes for one in held)
    yield from [pa.concat_batches(held)] if held else []


def _rows(numbers: NDArray[np.int64], places: NDArray[np.int64] | None, texts: pa.Array) -> pa.RecordBatch:
    json = pa.ExtensionArray.from_storage(JSON, texts)
    counted = pa.nulls(len(texts), pa.int64()) if places is None else from_numbers(places, pa.int64())
    return pa.record_batch([from_numbers(numbers, pa.int64()), counted, json], schema=_COLUMNS)


class Elements:
    """The elements of one array, in order."""

    def __init__(self, plain: Path, start: int, end: int) -> None:
        self._blocks = _blocks(plain, start, end)
        self._rest = from_strings([])

    def next(self, most: int) -> pa.Array:
        """Give the next elements of one block as JSON texts: at most so many, at least one until the end."""
        while not len(self._rest) and (block := next(self._blocks, None)) is not None:
            self._rest = block
        texts, self._rest = self._rest[:most], self._rest[most:]
        return texts

    def take(self, count: int) -> pa.Array:
        """Give the next elements as JSON texts: at most so many, fewer at the end of the array, and then none."""
        parts = [self._rest]
        held = len(self._rest)
        while held < count and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            held += len(block)
        filled = [part for part in parts if len(part)]
        texts = pa.concat_arrays(filled) if len(filled) > 1 else (filled or parts)[0]
        self._rest = texts[count:]
        return texts[:count]


def _blocks(plain: Path, start: int, end: int) -> Iterator[pa.Array]:
    texts = ElementTexts()
    with plain.open("rb", buffering=0) as file:
        file.seek(start)
        while start < end:
            block = file.read(min(_BLOCK_BYTES, end - start))
            start += len(block)
            try:
                # A file that is shorter now is read to its end, and that is no end of an array.
                yield texts.read(block, is_last=start == end or not block)
            except BadDocumentError as error:
                raise SourceError(_CHANGED) from error
