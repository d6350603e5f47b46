"""HdrHistogram logs (.hlog): lines of intervals, their histograms in base64, packed, in the encodings V0, V1 and V2.

After the sources of HdrHistogram: AbstractHistogram (encoding, values of indices), ZigZagEncoding, HistogramLogReader.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from struct import Struct, error
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.importers.blocks import line_blocks
from pipeline.model.arrays import from_numbers, from_places, from_strings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.importers.decoded import Told

SCHEMA = pa.schema(
    [
        pa.field("kind", pa.dictionary(pa.int32(), pa.string())),
        pa.field("tag", pa.dictionary(pa.int32(), pa.string())),
        pa.field("interval_max", pa.dictionary(pa.int32(), pa.string())),
        *(pa.field(name, pa.float64()) for name in ("start_s", "length_s", "ratio")),
        *(pa.field(name, pa.int64()) for name in ("lower", "upper", "count")),
    ]
)
_TIME = re.compile(r"#\[(Start|Base)Time: *([0-9.]+)")
_INTERVAL = re.compile(
    r"(?:Tag=([^,\s]*)[,\s]+)?([0-9.eE+-]+)[,\s]+([0-9.eE+-]+)[,\s]+([0-9.eE+-]+|NaN)[,\s]+([A-Za-z0-9+/=]+)"
)
_COOKIE, _LENGTH, _OF_DOUBLES = Struct(">I"), Struct(">i"), Struct(">iq")
_HEADERS = {0: Struct(">iqqq"), 1: Struct(">iiiqqd"), 2: Struct(">iiiqqd")}
_PLAIN = {0x1C849308: 0, 0x1C849301: 1, 0x1C849303: 2}
_PACKED = {0x1C849309: 0, 0x1C849302: 1, 0x1C849304: 2}
_DOUBLES = {0x0C72124E, 0x0C72124F}
_WORDS = {2: ">i2", 4: ">i4", 8: ">i8"}
_MOST_BYTES = 32 << 20
"""Of a histogram that is unpacked: one of five digits for an hour in nanoseconds has 26 MB."""
_MOST_DIGITS = 5
_VALUE_BITS = 62
_VARINT_BYTES = 9
_ROWS = 65_536


class _Histogram(NamedTuple):
    """Bins that hold something: least and greatest value of each, to be multiplied by a ratio, and counts."""

    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    counts: NDArray[np.int64]
    ratio: float


def knows(head: bytes) -> bool:  # noqa: ARG001 - of a reader of text nobody asks
    """Is asked of binaries alone."""
    return False


def read(path: Path, told: Told) -> Iterator[pa.RecordBatch]:  # noqa: ARG001 - there is nothing to note
    """Read a file: a row for each time in a comment, each interval, and each of its bins.

    Raises:
        SourceError: a line cannot be read.
    """
    pending: list[pa.RecordBatch] = []
    for block, size in line_blocks(path):
        for line in bytes(memoryview(block)[:size]).split(b"\n"):
            batch = _rows(line)
            if batch is not None:
                pending.append(batch)
            if sum(map(len, pending)) > _ROWS or len(pending) > 1000:
                yield from pending
                pending = []
    yield from pending


def _rows(line: bytes) -> pa.RecordBatch | None:
    try:
        text = line.decode().strip()
    except UnicodeDecodeError as problem:
        raise SourceError("is not valid UTF-8") from problem
    if not text or text.startswith('"'):
        return None
    if text.startswith("#"):
        found = _TIME.match(text)
        return None if found is None else _batch(found[1].lower(), None, None, float(found[2]), 0.0, None)
    interval = _INTERVAL.fullmatch(text)
    if interval is None:
        raise SourceError(
            "is no interval: its start, its length, its maximum and a histogram, with commas between them"
        )
    tag, start, length, most, data = interval.groups()
    try:
        numbers = float(start), float(length)
    except ValueError as problem:
        raise SourceError(f"{start!r:.40} or {length!r:.40} is no number of seconds") from problem
    return _batch("interval", tag, most, *numbers, _decode(data))


def _batch(
    kind: str, tag: str | None, most: str | None, start: float, length: float, histogram: _Histogram | None
) -> pa.RecordBatch:
    """Make the rows of a line; the first is of the line itself."""
    rows = 1 if histogram is None else 1 + len(histogram.counts)
    texts = [from_strings([kind, "bin"]), from_strings([tag or ""]), from_strings([most or ""])]
    zeros = np.zeros(rows, np.int32)
    of_line = np.arange(rows) == 0
    columns = [
        from_places(np.minimum(np.arange(rows), 1), texts[0]),
        from_places(zeros, texts[1], np.full(rows, tag is None)),
        from_places(zeros, texts[2], ~of_line | (most is None)),
        *(
            from_numbers(np.full(rows, one), pa.float64())
            for one in (start, length, histogram.ratio if histogram else 1.0)
        ),
    ]
    nothing = np.zeros(0, np.int64)
    bins = _Histogram(nothing, nothing, nothing, 1.0) if histogram is None else histogram
    columns += [from_numbers(np.append(0, values), pa.int64(), of_line) for values in (bins.lower, bins.upper)]
    columns.append(from_numbers(np.append(bins.counts.sum(), bins.counts), pa.int64()))
    return pa.record_batch(columns, schema=SCHEMA)


def _decode(text: str) -> _Histogram:
    """Decode a histogram; its sizes are looked at before anything is unpacked."""
    try:
        data = base64.b64decode(text, validate=True)
        (cookie,) = _COOKIE.unpack_from(data)
        is_of_doubles = cookie in _DOUBLES
        if is_of_doubles:
            data = data[_COOKIE.size + _OF_DOUBLES.size :]
            (cookie,) = _COOKIE.unpack_from(data)
        base = cookie & ~0xF0
        if base in _PACKED:
            data = _unpacked(data)
            (cookie,) = _COOKIE.unpack_from(data)
            base = cookie & ~0xF0
        if base not in _PLAIN:
            raise SourceError(f"holds a histogram of a kind that is not known (cookie {cookie:#x})")
        histogram = _histogram(data, _PLAIN[base], (cookie & 0xF0) >> 4)
        # JavaScript writes the ratio as an integer, which is none, and histograms of integers need none.
        return histogram if is_of_doubles else histogram._replace(ratio=1.0)
    except (binascii.Error, zlib.error, error) as problem:
        raise SourceError(f"holds a histogram that is damaged ({str(problem).splitlines()[0]})") from problem


def _unpacked(data: bytes) -> bytes:
    (length,) = _LENGTH.unpack_from(data, _COOKIE.size)
    start = _COOKIE.size + _LENGTH.size
    if not 0 <= length <= len(data) - start:
        raise SourceError(f"holds a histogram that is cut off: of {length:,} bytes it has {len(data) - start:,}")
    unpacker = zlib.decompressobj()
    plain = unpacker.decompress(data[start : start + length], _MOST_BYTES)
    if unpacker.unconsumed_tail:
        raise SourceError(f"holds a histogram of more than {_MOST_BYTES >> 20} MiB")
    if not unpacker.eof:
        raise SourceError("holds a histogram that is cut off")
    return plain


def _histogram(data: bytes, version: int, word: int) -> _Histogram:
    header = _HEADERS[version]
    fields = header.unpack_from(data, _COOKIE.size)
    start = _COOKIE.size + header.size
    if version:
        length, _, digits, least, _, ratio = fields
        if not 0 <= length <= len(data) - start:
            raise SourceError(f"holds a histogram that is cut off: of {length:,} bytes it has {len(data) - start:,}")
        end = start + length
    else:
        digits, least, _, _ = fields
        ratio, end = 1.0, len(data)
    if not 0 <= digits <= _MOST_DIGITS or least < 1:
        raise SourceError(f"holds a histogram of {digits} digits from {least} on, which none can be")
    raw = data[start:end]
    if version == 2:
        places, counts = _of_varints(np.frombuffer(raw, np.uint8))
    else:
        if word not in _WORDS or len(raw) % word:
            raise SourceError(f"holds a histogram whose counts have {word} bytes each, which does not fit")
        counts = np.frombuffer(raw, _WORDS[word]).astype(np.int64)
        places = np.flatnonzero(counts)
        counts = counts[places]
    if (counts < 0).any():
        raise SourceError("holds a histogram with counts below 0")
    lower, upper = _values(places, digits, least.bit_length() - 1)
    return _Histogram(lower, upper, counts, ratio)


def _of_varints(data: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read LEB128 numbers of at most nine bytes: zigzag, a count, or below 0 how many bins are empty."""
    ends = np.flatnonzero(data < 0x80)
    if len(data) and (not len(ends) or ends[-1] != len(data) - 1):
        raise SourceError("holds a histogram that ends within a count")
    starts = np.append(0, ends[:-1] + 1) if len(ends) else ends
    sizes = ends - starts + 1
    if len(sizes) and sizes.max() >= _VARINT_BYTES:
        raise SourceError("holds a histogram with a count beyond what 56 bits hold")
    numbers = np.zeros(len(ends), np.int64)
    for place in range(int(sizes.max()) if len(sizes) else 0):
        longer = sizes > place
        numbers[longer] |= (data[starts[longer] + place] & 0x7F).astype(np.int64) << (7 * place)
    numbers = (numbers >> 1) ^ -(numbers & 1)
    steps = np.where(numbers < 0, -numbers, 1)
    if steps.sum(dtype=np.float64) > _MOST_BYTES:
        raise SourceError("holds a histogram with more bins than there can be")
    places = np.cumsum(steps) - steps
    return places[numbers > 0], numbers[numbers > 0]


def _values(places: NDArray[np.int64], digits: int, unit_bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the least and the greatest value of bins, by their places: buckets that double, of equal bins each."""
    half_bits = max((2 * 10**digits - 1).bit_length(), 1) - 1
    half = 1 << half_bits
    bucket = (places >> half_bits) - 1
    inner = (places & (half - 1)) + half
    inner = np.where(bucket < 0, inner - half, inner)
    shift = np.maximum(bucket, 0) + unit_bits
    if len(shift) and int(shift.max()) + half_bits + 1 > _VALUE_BITS:
        raise SourceError("holds a histogram with a value beyond 2^62")
    lower = inner << shift
    return lower, lower + (np.int64(1) << shift) - 1
