"""Reads small files of a package back together: an engine, its plan and threads for each would cost more than they do.

The readers are those of `readback`, and find the same; where files do not go together, each is to be read by itself.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import groupby
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from pipeline.runtime.duckdb import connect_engine
from pipeline.verify.errors import ReadBackError
from pipeline.verify.readback import (
    arrow_schema,
    as_described,
    check_first_row,
    json_objects,
    open_text,
    parquet_columns,
    parse_objects,
    read_back,
)
from pipeline.verify.values import PARSERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

    from pipeline.package.described import Described

SMALL_BYTES = 1 << 18
_MAX_FILES = 128
_MAX_ROWS = 1 << 14
_MAX_BYTES = 1 << 20
_OF_ENGINE = {"ndjson", "json", "parquet"}


def is_small(one: Described) -> bool:
    """Whether a file is so small that it is read back with others."""
    return one.bytes <= SMALL_BYTES and one.rows <= _MAX_ROWS


def in_groups(files: Iterable[Described]) -> Iterator[list[Described]]:
    """Group small files that stand behind each other and are alike: of one format, with the same columns."""
    for _, alike in groupby(files, key=lambda one: (one.table, one.format, one.compression, one.columns)):
        group: list[Described] = []
        size = rows = 0
        for one in alike:
            if group and (len(group) == _MAX_FILES or size + one.bytes > _MAX_BYTES or rows + one.rows > _MAX_ROWS):
                yield group
                group, size, rows = [], 0, 0
            group.append(one)
            size += one.bytes
            rows += one.rows
        if group:
            yield group


class SmallFiles:
    """Reads groups of small files of a directory, in several threads at a time; use it in a `with` statement."""

    def __init__(self, directory: Path) -> None:
        """Read files of a directory."""
        self._directory = directory
        self._stack = ExitStack()
        self._cursors: list[duckdb.DuckDBPyConnection] = []

    def __enter__(self) -> Self:
        engine = self._stack.enter_context(connect_engine(threads=1))
        self._cursors = [self._stack.enter_context(engine.cursor()) for _ in range(PARSERS)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def read(self, group: Sequence[Described]) -> Iterator[tuple[Described, pa.RecordBatch]]:
        """Read a group in the order of its files and their rows.

        Yields:
            a file, and rows of it, as `read_back` gives them.

        Raises:
            Exception: a file is damaged, holds something else, or is larger than it seemed: read each by itself.
        """
        if group[0].format not in _OF_ENGINE:
            for one in group:
                for batch in read_back(self._directory / one.path, one):
                    yield one, batch
            return
        cursor = self._cursors.pop()
        try:
            read = self._parquet if group[0].format == "parquet" else self._objects
            yield from read(cursor, group)
        finally:
            self._cursors.append(cursor)

    def _objects(
        self, cursor: duckdb.DuckDBPyConnection, group: Sequence[Described]
    ) -> Iterator[tuple[Described, pa.RecordBatch]]:
        """Parse the JSON objects of all files at once."""
        texts = [self._text(one) for one in group]
        counts = [text.count(b"\n") for text in texts]
        whole = bytearray().join(texts)
        batches = parse_objects(cursor, whole, group[0]) if whole else []
        yield from _cut(group, counts, batches)

    def _text(self, one: Described) -> bytearray:
        """Read the rows of a file, each with its end."""
        with open_text(self._directory / one.path, one.compression) as stream:
            text = bytearray()
            for rows in json_objects(stream, one):
                text += rows
                if len(text) > _MAX_BYTES:
                    raise ReadBackError("is large when it is decompressed")
        if text:
            check_first_row(text, one)
        return text

    def _parquet(
        self, cursor: duckdb.DuckDBPyConnection, group: Sequence[Described]
    ) -> Iterator[tuple[Described, pa.RecordBatch]]:
        """Scan all files at once, where they hold the same columns in the same form."""
        paths = [str(self._directory / one.path) for one in group]
        held = cursor.execute(
            "SELECT file_name, name, type, repetition_type, converted_type, CAST(logical_type AS VARCHAR) "
            "FROM parquet_schema($paths) WHERE num_children IS NULL",
            {"paths": paths},
        ).fetchall()
        names = [name for name, _ in group[0].columns]
        columns: dict[str, list[tuple[str, ...]]] = {path: [] for path in paths}
        for path, *column in held:
            columns[path].append(tuple(column))
        first = columns[paths[0]]
        if [column[0] for column in first] != names or any(one != first for one in columns.values()):
            raise ReadBackError(f"has other columns than {names}")
        found = cursor.sql(
            f"SELECT {parquet_columns(group[0])}, filename "
            "FROM read_parquet($paths, filename = true, hive_partitioning = false)",
            params={"paths": paths},
        )
        places = {path: at for at, path in enumerate(paths)}
        before = 0
        for batch in found.to_arrow_reader(_MAX_ROWS):
            of_files = batch.column(batch.num_columns - 1).dictionary_encode()
            at = [places[path] for path in of_files.dictionary.to_pylist()]
            counts = [0] * len(group)
            for place, count in zip(at, _counts(of_files), strict=True):
                counts[place] = count
            if at != sorted(at) or at[0] < before:
                raise ReadBackError("gives its rows out of order")
            before = at[-1]
            rows = pa.RecordBatch.from_arrays(batch.columns[:-1], names=names)
            yield from _cut(group, counts, [rows])


def _counts(encoded: pa.DictionaryArray) -> list[int]:
    """Count the rows of each text of a dictionary, whose rows must lie together.

    Raises:
        ReadBackError: they do not.
    """
    codes = np.frombuffer(encoded.indices.buffers()[1], np.int32)[: len(encoded)]
    if (np.diff(codes) < 0).any():
        raise ReadBackError("gives its rows out of order")
    counts: list[int] = np.bincount(codes, minlength=len(encoded.dictionary)).tolist()
    return counts


def _cut(
    group: Sequence[Described], counts: Sequence[int], batches: Iterable[pa.RecordBatch]
) -> Iterator[tuple[Described, pa.RecordBatch]]:
    """Give each file its rows of what was read of all; `counts` are those of each file."""
    schema = arrow_schema(group[0])
    waiting = iter([(one, count) for one, count in zip(group, counts, strict=True) if count])
    one, left = next(waiting, (None, 0))
    for whole in batches:
        for batch in as_described(whole, schema):
            at = 0
            while at < batch.num_rows:
                if one is None:
                    raise ReadBackError("holds more rows than lines")
                rows = batch.slice(at, left)
                yield one, rows
                at += rows.num_rows
                left -= rows.num_rows
                if not left:
                    one, left = next(waiting, (None, 0))
    if one is not None:
        raise ReadBackError("holds fewer rows than lines")
