"""What an importer did not use of its file: counted by name, told in a warning where it held numbers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.errors import SourceError
from pipeline.importers.result import IgnoredNames
from pipeline.native import BadDocumentError, DocumentNames
from pipeline.runtime.duckdb import quote_identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from pipeline.importers.formed_lines import LineForm
    from pipeline.importers.reads import Reads
    from pipeline.importers.samples import SamplePath
    from pipeline.native import HeldName

_UNUSED = {"ignored", "left"}
_MAX_NAMES = 100
_MAX_TOLD = 5
_MAX_NAME = 200
_MAX_KEY = 80
_BLOCK_BYTES = 1 << 17
_ROWS = 2048
_PLAIN_KEY = re.compile(r'[^\s.,*"\\\[\]]+')


class Held(NamedTuple):
    """Values of one name that were not used.

    Attributes:
        values: how many.
        numbers: how many of them are numbers, where that is to be told.
        is_again: it is a key that its object had already, where that is to be told.
    """

    values: int
    numbers: int = 0
    is_again: bool = False


class Ignored(NamedTuple):
    """What was not used of a file, by name."""

    held: dict[str, Held]

    def and_also(self, more: Iterable[tuple[str, int]]) -> Ignored:
        """Add names and how many values each has, none of which is a number."""
        held = dict(self.held)
        for name, values in more:
            _add(held, name, Held(values))
        return Ignored(held)

    def names(self) -> IgnoredNames | None:
        """Give the names and how many values each had; those that are told first where there are many."""
        if not self.held:
            return None
        kept = sorted(sorted(self.held), key=lambda name: not self._is_told(name))[:_MAX_NAMES]
        return IgnoredNames(
            names={name: self.held[name].values for name in sorted(kept)}, more=len(self.held) - len(kept)
        )

    def origin(self) -> dict[str, Any]:
        """Write it for the record of the session; nothing where all was used."""
        names = self.names()
        if names is None:
            return {}
        return {"ignored": dict(names.names), **({"ignored_more": names.more} if names.more else {})}

    def warnings(self) -> list[str]:
        """Tell what held numbers, and what is there twice."""
        told = []
        if numbers := {name: one for name, one in self.held.items() if one.numbers}:
            count = sum(one.numbers for one in numbers.values())
            were = "1 number that was" if count == 1 else f"{count:,} numbers that were"
            told.append(f"holds {were} not imported: {_listed(numbers)}")
        if again := [name for name, one in self.held.items() if one.is_again]:
            told.append(f"has a key again in the same object, where one value alone counts: {_listed(again)}")
        return told

    def _is_told(self, name: str) -> bool:
        return bool(self.held[name].numbers) or self.held[name].is_again


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = len(ordered) - _MAX_TOLD
    return ", ".join(ordered[:_MAX_TOLD]) + (f" and {more:,} more, see origin.ignored" if more > 0 else "")


def in_documents(
    plain: Path,
    reads: Reads,
    samples: Sequence[SamplePath],
    whole_bytes: int | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Ignored:
    """Count what a document, or lines, hold beside what is read.

    Args:
        plain: the file, from which samples may be cut out.
        reads: what is read.
        samples: where those lie that were cut out; they are read.
        whole_bytes: how much of the file is looked at; None for all of it.
        is_wanted: whether to go on; asked between blocks.

    Raises:
        SourceError: it is no JSON; the message names the line.
    """
    names = DocumentNames([*reads.paths, *((path.steps, "read") for path in samples)])
    with plain.open("rb", buffering=0) as file:
        is_last = False
        left = whole_bytes
        while not is_last and is_wanted():
            block = file.read(_BLOCK_BYTES if left is None else min(left, _BLOCK_BYTES))
            is_last = not block
            left = None if left is None else left - len(block)
            try:
                names.read(block, is_last=is_last)
            except BadDocumentError as error:
                reason = "it ends early, or is no JSON" if is_last else str(error)
                raise SourceError(f"line {error.line + 1}: {reason}") from error
    return _of_names(names.found())


def in_formed_lines(
    connection: duckdb.DuckDBPyConnection, plain: Path, forms: Sequence[LineForm], reads: Reads
) -> Ignored:
    """Count what lines of JSON hold beside what is read: those of a form hold the same names, and are only counted.

    Args:
        connection: where the lines can be read.
        plain: the file.
        forms: that lines may have.
        reads: what is read.

    Raises:
        SourceError: a line is no JSON; the message names it.
    """
    counts = dict(connection.sql("SELECT form, lines FROM forms").fetchall())
    if not any(counts.values()):
        return in_documents(plain, reads, ())
    held: dict[str, Held] = {}
    for form in forms:
        if counts[form.name]:
            names = DocumentNames(reads.paths)
            names.read(form.example.encode(), is_last=True)
            _add_all(held, _of_names(names.found()), counts[form.name])
    names = DocumentNames(reads.paths)
    try:
        reader = connection.sql("SELECT line FROM text_of_other_lines").to_arrow_reader(_ROWS)
        for batch in reader:
            names.read("".join(f"{line}\n" for line in batch.column(0).to_pylist()).encode())
        names.read(b"", is_last=True)
    except BadDocumentError:
        return in_documents(plain, reads, ())  # which names the line
    _add_all(held, _of_names(names.found()), 1)
    return Ignored(held)


def _of_names(found: Sequence[HeldName]) -> Ignored:
    held: dict[str, Held] = {}
    paths: list[str] = []
    for one in found:
        paths.append(path := _path(paths[one.parent] if one.parent >= 0 else "", one))
        if one.kind == "again":
            _add(held, f"{path} (again)", Held(one.texts, is_again=one.use != "left"))
        elif one.use in _UNUSED:
            numbers = one.numbers if one.use == "ignored" else 0
            _add(held, path, Held(one.numbers + one.booleans + one.texts, numbers))
        elif one.use != "read":
            _add(held, path, Held(one.texts + (one.booleans if one.use == "numbers" else 0)))
    return Ignored(held)


def in_lines(unread: Iterable[tuple[Sequence[str], int, int]], reads: Reads | None) -> Ignored:
    """Count what lines hold beside their fields, as the compiled part tells it: keys, values, numbers in them."""
    held: dict[str, Held] = {}
    for keys, values, numbers in unread:
        use = "ignored" if reads is None else reads.use_of_keys(keys)
        if use in _UNUSED:
            path = ""
            for key in keys:
                path = _behind(path, _key_text(key))
            _add(held, path, Held(values, numbers if use == "ignored" else 0))
    return Ignored(held)


def in_columns(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    known: Collection[str],
    reads: Reads,
    counted: Mapping[str, int],
) -> Ignored:
    """Count what columns of the view `records` hold that are not read.

    Args:
        connection: where the file can be read.
        names: of its columns.
        known: those that are read unless `reads` leaves them, in small letters.
        reads: what is read, too.
        counted: how many fields of columns that are left hold something, where that is known.
    """
    held: dict[str, Held] = {}
    for name, values in counted.items():
        _add(held, _key_text(name), Held(values))
    uses = [(name, reads.use_of_column(name)) for name in names]
    unread = [
        (name, use)
        for name, use in uses
        if name not in counted and (use == "left" or (use == "ignored" and name.lower() not in known))
    ]
    if not unread:
        return Ignored(held)
    texts = [(f"nullif(trim({quote_identifier(name)}::VARCHAR), '')", use) for name, use in unread]
    # Of what is left on purpose nobody asks for numbers, and no text is slower to take for one than what is none.
    counts = ", ".join(
        f"count({text}), {'0' if use == 'left' else f'count(TRY_CAST({text} AS DOUBLE))'}" for text, use in texts
    )
    (row,) = connection.sql(f"SELECT {counts} FROM records").fetchall()
    for (name, use), values, numbers in zip(unread, row[::2], row[1::2], strict=True):
        _add(held, _key_text(name), Held(values, numbers if use == "ignored" else 0))
    return Ignored(held)


def _add(held: dict[str, Held], path: str, more: Held) -> None:
    if more.values:
        have = held.get(path, Held(0))
        held[path] = Held(have.values + more.values, have.numbers + more.numbers, have.is_again or more.is_again)


def _add_all(held: dict[str, Held], more: Ignored, times: int) -> None:
    for path, one in more.held.items():
        _add(held, path, Held(one.values * times, one.numbers * times, one.is_again))


def _path(parent: str, name: HeldName) -> str:
    if name.kind in {"element", "any element"}:
        return _behind(f"{parent}[{name.number if name.kind == 'element' else ''}]", "")
    text = {"root": "", "any key": "*", "below": "**", "more": "..."}.get(name.kind)
    return _behind("" if name.kind == "more" else parent, _key_text(name.key) if text is None else text)


def _behind(path: str, key: str) -> str:
    path = f"{path}.{key}" if path and key else path + key
    # What is nested deeply has long names, and so has all that is below it.
    return path if len(path) <= _MAX_NAME else f"{path[: _MAX_NAME // 2]}...{path[-_MAX_NAME // 4 :]}"


def _key_text(key: str) -> str:
    """Write a key as in the lines of importers: in quotes where it has other signs."""
    key = key if len(key) <= _MAX_KEY else f"{key[:_MAX_KEY]}..."
    if key.isprintable() and _PLAIN_KEY.fullmatch(key):
        return key
    return json.dumps(key, ensure_ascii=not key.isprintable())
