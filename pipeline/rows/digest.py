"""A digest of rows that does not depend on their order, on batches, threads or file formats.

Each value becomes a 64-bit word, twice: the bits of a number (every NaN is one NaN), a count of time units, 0 or 1,
or half of the BLAKE2b-128 of a string's UTF-8. A word is mixed with a key of its column's name and type; a null adds
nothing, so a column of nulls counts like none. The sum of a row's words is mixed again, and rows are summed: modulo
2^64 in each of two lanes, 128 bits in all. Sets of rows thus add up: the digest of two sessions is the sum of theirs.
It finds damage and loss; it is no signature (SHA-256 of the files is there for that).
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from pipeline.model.columns import type_name
from pipeline.native import digest_sums, digest_sums_of_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from pipeline.rows.runs import Runs

LANES = 2
_VERSION = "rows1"
_MASK = 2**64 - 1


class Digest:
    """A running digest; `text` shows it."""

    __slots__ = ("_lanes",)

    def __init__(self) -> None:
        self._lanes = [0] * LANES

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `text` shows.

        Raises:
            ValueError: it is no digest.
        """
        match = re.fullmatch(rf"{_VERSION}:([0-9a-f]{{16}})([0-9a-f]{{16}})", text, re.ASCII)
        if match is None:
            raise ValueError(f"{text!r} is no digest")
        digest = cls()
        digest.add(int(lane, 16) for lane in match.groups())
        return digest

    def add(self, lanes: Iterable[int]) -> None:
        """Add sums of rows, one per lane."""
        self._lanes = [(a + int(b)) & _MASK for a, b in zip(self._lanes, lanes, strict=True)]

    @property
    def lanes(self) -> tuple[int, ...]:
        """Sums of all rows so far, one per lane."""
        return tuple(self._lanes)

    @property
    def text(self) -> str:
        """The digest as `rows1:` and 32 hexadecimal digits."""
        return f"{_VERSION}:" + "".join(f"{lane:016x}" for lane in self._lanes)


def digest_rows(batch: pa.RecordBatch, keys: Sequence[int] | None = None) -> list[int]:
    """Sum the words of all rows of a batch, one sum per lane, for `Digest.add`.

    Args:
        batch: the rows.
        keys: what `digest_keys` gives for its schema, where that is at hand.
    """
    return digest_sums(batch, digest_keys(tuple(batch.schema)) if keys is None else keys, batch.num_rows)


def digest_runs(batch: pa.RecordBatch, runs: Runs) -> NDArray[np.uint64]:
    """Do as `digest_rows` does for each run of a batch: an array of a row for each, of a sum per lane."""
    return digest_sums_of_runs(batch, digest_keys(tuple(batch.schema)), runs.ends)


@lru_cache(maxsize=64)
def digest_keys(columns: tuple[pa.Field, ...]) -> tuple[int, ...]:
    """Give the keys that the words of each column are mixed with."""
    return tuple(word for field in columns for word in _key(field.name, type_name(field.type)))


def _key(name: str, kind: str) -> tuple[int, int]:
    digest = hashlib.blake2b(f"{name}\0{kind}".encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
