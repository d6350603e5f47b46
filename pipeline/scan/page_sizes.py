"""What the pages of a Parquet file unpack to, looked at before they are: is it too much, and how is it read?"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.errors import SourceError
from pipeline.native import DamagedPagesError, list_pages
from pipeline.rows.batches import BATCH_BYTES
from pipeline.scan.reading import MAX_BATCH_BYTES, MAX_UNPACKED_BYTES, require_unpackable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.native import Pages

_LENGTH_BYTES = 4  # of a text, before it
_ENOUGH = 1 << 40  # more makes no difference
_FILES_LOOKED_AT, _MANY_PAGES = 16, 1 << 14
_looked_at: dict[tuple[int, ...], list[ColumnPages]] = {}  # by the state of a file: one is opened several times


class ColumnPages(NamedTuple):
    """The pages of one column in all row groups; a batch may have rows of several.

    Attributes:
        column: which leaf of the schema.
        ends: rows up to the end of each page, but for dictionaries; the columns are flat, so a value is a row.
        sizes: bytes of each, at most, when its texts are written out, with a dictionary that comes before it.
        dictionary_texts: by row group with a dictionary, bytes that the longest of its texts may have.
        may_swell: a page may hold much more text than it has bytes, as its texts share their beginnings.
    """

    column: int
    ends: NDArray[np.int64]
    sizes: NDArray[np.int64]
    dictionary_texts: dict[int, int]
    may_swell: bool

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.ends[-1]) if len(self.ends) else 0


def look_at_pages(path: Path) -> list[ColumnPages]:
    """Look at the pages of a file.

    Args:
        path: the file.

    Returns:
        those of each column; nothing where the file unpacks to so little that no batch of it can be too large.

    Raises:
        SourceError: it is damaged, or a page or all that is needed at once unpacks to too much.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if (found := _looked_at.get(state)) is not None:
            return found
        try:
            pages = list_pages(file.fileno())
        except DamagedPagesError as error:
            raise SourceError(f"cannot be read, it is damaged or of another format ({error})") from error
    found = sized_pages(pages, status.st_size)
    if len(pages.size) < _MANY_PAGES:
        while len(_looked_at) >= _FILES_LOOKED_AT:
            _looked_at.pop(next(iter(_looked_at)), None)
        _looked_at[state] = found
    return found


def sized_pages(pages: Pages, file_bytes: int) -> list[ColumnPages]:
    """Say how large the pages of each column are; what is returned and raised is that of `look_at_pages`.

    Args:
        pages: of a file, or of a part of it.
        file_bytes: size of the file.
    """
    if _is_small(pages):
        return []
    require_unpackable("a page", int(pages.size.max()), file_bytes)
    held: Counter[int] = Counter()
    found = [_column_of(pages, int(column), held) for column in np.flatnonzero(np.bincount(pages.column))]
    require_unpackable("what its columns need at once", max(held.values()), file_bytes, limit=2 * MAX_UNPACKED_BYTES)
    return found


def rows_that_fit(columns: Sequence[ColumnPages], rows: int) -> int:
    """How many rows a batch can have so that rows of large texts do not multiply.

    Args:
        columns: those that are read.
        rows: more are not wanted.
    """
    row_bytes = sum(int(column.sizes.sum()) // max(column.rows, 1) for column in columns)
    rows = max(1, min(rows, BATCH_BYTES // max(row_bytes, 1)))
    least = _most_at_once(columns, 1)
    while rows > 1 and _most_at_once(columns, rows) > max(MAX_BATCH_BYTES, least):
        rows = rows // 4 or 1
    return rows


def _most_at_once(columns: Sequence[ColumnPages], rows: int) -> int:
    """Bound from above the bytes of so many rows wherever they lie."""
    most = 0
    for column in columns:
        total = np.concatenate(([0], np.cumsum(column.sizes)))
        last = np.searchsorted(column.ends, column.ends + rows - 1)  # the page of the last row
        after = np.minimum(last + 1, len(column.ends))
        most += int((total[after] - total[:-1]).max(initial=0))
    return most


def _is_small(pages: Pages) -> bool:
    """Whether all that a file unpacks to is little, were each of its rows to have the longest text."""
    if not len(pages.size):
        return True
    rows = int(pages.values.sum())
    largest = max(
        int(pages.size.max(where=pages.is_dictionary, initial=0)),
        int(pages.size.max(where=pages.has_prefixes, initial=0)),
    )
    return int(pages.size.sum()) + rows * largest < BATCH_BYTES


def _column_of(pages: Pages, column: int, held: Counter[int]) -> ColumnPages:
    """Gather the pages of a column; `held` adds up, by row group, what is at hand at once while it is read."""
    where = pages.column == column
    group, size, values = pages.row_group[where], pages.size[where], pages.values[where]
    is_dictionary = pages.is_dictionary[where]
    # A text that shares its beginning with the one before is not longer than all of its page.
    written_out = np.where(pages.has_prefixes[where], np.minimum(size * np.maximum(values, 1), _ENOUGH), size)
    swollen = written_out.max(where=pages.has_prefixes[where], initial=0)
    for kind in (is_dictionary, ~is_dictionary):
        largest = np.zeros(int(group.max()) + 1, np.int64)
        np.maximum.at(largest, group[kind], size[kind])
        held.update({int(at): int(largest[at]) for at in np.flatnonzero(largest)})
    # A page holds the length of each text, and the text.
    longest = np.maximum(size - _LENGTH_BYTES * np.maximum(values - 1, 0), 0)[is_dictionary]
    before = np.concatenate(([0], np.cumsum(written_out)))[np.flatnonzero(~is_dictionary) + 1]
    return ColumnPages(
        column=column,
        ends=np.cumsum(values[~is_dictionary]),
        sizes=np.diff(before, prepend=0),
        dictionary_texts=dict(zip(group[is_dictionary].tolist(), longest.tolist(), strict=True)),
        may_swell=bool(swollen > MAX_BATCH_BYTES),
    )
