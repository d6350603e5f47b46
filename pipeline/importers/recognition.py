"""Tells from its content which harness wrote a file, or that it holds measurements of our own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipeline.disk.safe_names import in_unicode
from pipeline.errors import SourceError, UsageError
from pipeline.importers.ahead import OWN_KEYS
from pipeline.importers.connection import Engines, one_line
from pipeline.importers.decoded import load_reader
from pipeline.importers.definition import built_in, built_in_of, find_definitions, harness_names
from pipeline.importers.documents import json_fault
from pipeline.importers.hints import hint_of
from pipeline.importers.mapping import Mapping
from pipeline.importers.plain_text import read_head, read_start, read_whole
from pipeline.importers.unread_tools import binary_hint
from pipeline.sources.formats import format_by_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from pipeline.importers.definition import Definition
    from pipeline.importers.plain_text import Head

_COLUMN_WORDS = (*OWN_KEYS, "session_id")


def sort_out(
    paths: Sequence[Path],
    given: str | None,
    mapping: Sequence[str],
    header: Sequence[str] | None = None,
    *,
    engines: Engines,
    unknown: list[str] | None = None,
) -> tuple[list[Path], dict[Path, Definition]]:
    """Tell files of measurements from harness files, and find the importers of these.

    Args:
        paths: all files.
        given: what `--from` says.
        mapping: what `--map` says.
        header: what `--header` says.
        engines: has the engine that is asked.
        unknown: takes what is told of each file that nobody knows, which is left out then; None where that is an error.

    Raises:
        UsageError: both are given.
        SourceError: nobody knows what a file is, or what any of them is.
    """
    if given is not None and mapping:
        raise UsageError("--from and --map exclude each other: both say what the columns are")
    if mapping:
        by_options = Mapping(mapping)
        return [], {path: by_options.definition(path, header) for path in paths}
    found: dict[Path, Definition | None] = {}
    recognition = Recognition(engines)
    for path in paths:
        try:
            found[path] = recognition.recognise(path, given, header)
        except SourceError as error:
            if unknown is None:
                raise
            unknown.append(str(error))
    if not found and unknown:
        raise SourceError(f"none of {len(unknown):,} files is known; {unknown[0]}")
    harness = {path: one for path, one in found.items() if one is not None}
    return [path for path in found if path not in harness], harness


def recognise(path: Path, given: str | None, header: Sequence[str] | None = None) -> Definition | None:
    """Choose the importer of a file.

    Args:
        path: the file.
        given: what `--from` says, None where the content decides.
        header: what `--header` says: it stands for the first line then.

    Returns:
        the importer; None for a file of measurements, which needs none.

    Raises:
        SourceError: no importer or more than one knows the content, or not the one that was given; the message says
            what to import instead, where that is known.
    """
    with Engines() as engines:
        return Recognition(engines).recognise(path, given, header)


class Recognition:
    """Asks importers whether files are theirs, all on one engine."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def recognise(self, path: Path, given: str | None, header: Sequence[str] | None = None) -> Definition | None:
        """Choose the importer of a file, as the function of this name does."""
        candidates = find_definitions(given) if given else None
        if candidates and not candidates[0].is_built_in:
            return candidates[0]
        return _known_binary(path, candidates) or self._recognise_text(path, candidates, given, header)

    def _recognise_text(
        self, path: Path, candidates: Sequence[Definition] | None, given: str | None, header: Sequence[str] | None
    ) -> Definition | None:
        name_says = format_by_name(path)
        if given is None and name_says is not None and not name_says.is_text:
            return None
        head = _read_head(path)
        if header is not None and head.value is None:
            head = head._replace(text=",".join(header) + "\n" + head.text.lstrip("\n"))
        if given is None and name_says is not None and _is_own(head):
            return None
        if head.is_empty:
            if given is None and name_says is not None:
                return None
            raise SourceError(f"{path}: is empty")
        if (hint := hint_of(head, path)) is not None:
            raise SourceError(f"{path}: {hint}")
        found = self._matching(candidates, head, path)
        if len(found) == 1:
            return found[0]
        if not found and given is None and name_says is not None and _may_be_own(head, path):
            return None
        raise SourceError(f"{path}: {self._told(found, head, path, given)}")

    def _told(self, found: Sequence[Definition], head: Head, path: Path, given: str | None) -> str:
        if found:
            names = " and ".join(one.name for one in found)
            return f"may be a file of {names}; say which with --from"
        is_json = given is not None and all(one.format == "json" for one in find_definitions(given))
        checked = head if head.value is None else read_head(path, checks_all=True)
        if not found and (fault := _fault(checked, path, is_json=is_json)) is not None:
            return fault
        if given is not None:
            others = ", ".join(one.name for one in self._matching(None, head, path))
            return f"is no {given} file" + (
                f"; it looks like one of {others}" if others else "; its content is another"
            )
        names = ", ".join(harness_names())
        return f"no harness is known to write this; --from names one of {names}, or a file.sql, or use --map"

    def _matching(self, candidates: Sequence[Definition] | None, head: Head, path: Path) -> list[Definition]:
        """Ask importers whether the content is their own; without any, all that may know it."""
        # Half of a surrogate pair, which Python takes and the engine does not, is refused with its line later.
        value = None
        if head.value is not None:
            value = json.dumps(head.value, ensure_ascii=False).encode(errors="replace").decode()
        name, text = in_unicode(path.name), head.text.replace("\0", "")
        if candidates is None:
            candidates = built_in_of("\n".join((name, text, value or "")).lower())
        asked = [one for one in candidates if "recognise" in one.sections]
        if not asked:
            return []
        connection = self._engines.keep()  # the importers are those that come with the program
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE content AS SELECT ? AS name, ? AS first_line, ? AS text, ?::JSON AS value",
            [name, head.first_line, text, value],
        )
        found = [one for one in asked if _knows(connection, one)]
        connection.execute("DROP TABLE content")
        return found


def _knows(connection: duckdb.DuckDBPyConnection, importer: Definition) -> bool:
    try:
        rows = connection.execute(importer.sections["recognise"]).fetchall()
    except Exception as error:
        raise UsageError(f"{importer.name}: section recognise: {one_line(error)}") from error
    return bool(rows and rows[0][0])


def _known_binary(path: Path, candidates: Sequence[Definition] | None) -> Definition | None:
    """Find the importer of a binary by its first bytes; text has no NUL among them, or every other one."""
    start = read_start(path)
    if b"\0" not in start:
        return None
    binaries = [one for one in candidates or built_in() if one.format == "binary"]
    return next((one for one in binaries if one.reader and load_reader(one.reader).knows(start)), None)


def _read_head(path: Path) -> Head:
    if (hint := binary_hint(path)) is not None:
        raise SourceError(f"{path}: {hint}")
    return read_head(path)


def _fault(head: Head, path: Path, *, is_json: bool) -> str | None:
    """Say what is no JSON in a file that is meant to be, so that nobody looks for another harness."""
    is_meant = is_json or path.suffix.lower() == ".json" or head.text.lstrip()[:1] in {"{", "["}
    starts_later = any(line.startswith("{") for line in head.text.splitlines()[1:100])
    # The document itself may lie behind more than the head has.
    if head.value is not None or not (is_meant or starts_later):
        return None
    return json_fault(read_whole(path), is_meant=is_meant)


def _is_own(head: Head) -> bool:
    """Whether the columns are those of measurements."""
    if isinstance(head.value, dict):
        return len(OWN_KEYS & head.value.keys()) == len(OWN_KEYS)
    fields = {field.strip(' "') for field in head.first_line.split(",")}
    return len(OWN_KEYS & fields) == len(OWN_KEYS)


def _may_be_own(head: Head, path: Path) -> bool:
    """Whether a file that nobody knows seems meant for us, so that what is wrong with it can be told."""
    if path.with_suffix(".session.json").exists():
        return True
    if isinstance(head.value, dict):
        return any(word in head.value for word in _COLUMN_WORDS)  # within other objects they are keys of another's
    return any(word in head.text for word in _COLUMN_WORDS)
