"""The JSON documents, or runs of lines, of a file: where they begin, what is no JSON in them, which of them count."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pipeline.disk.temporary import temporary_errors
from pipeline.errors import SourceError
from pipeline.importers.connection import open_connection, selected
from pipeline.importers.plain_text import require_short_document
from pipeline.importers.samples import CutDocument

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.importers.definition import Definition
    from pipeline.importers.plain_text import PlainText

_BLOCK_BYTES = 1 << 20
_FIRST_LINES = 100
"""Before the JSON of a file stand no more."""
_BLANK = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r"[^\s,:\[\]{}]{1,20}")
# Two objects without a comma between them: within one document that stands in texts alone.
_BETWEEN = {b"{": re.compile(rb"\}[ \t\r\n]*[{\[]"), b"[": re.compile(rb"\][ \t\r\n]*[{\[]")}


class Document(NamedTuple):
    """What of a file becomes one session.

    Attributes:
        plain: its content.
        number: of the document among those of the file, from 1; None where the file is no more than one.
        is_run: whether others of the file are sessions of their own.
        note: what its reader should know of the others; None for nothing.
        lines_before: lines of the file before it, where it is cut by lines.
        cut: it without its samples, where that is there already.
    """

    plain: Path
    number: int | None = None
    is_run: bool = False
    note: str | None = None
    lines_before: int = 0
    cut: CutDocument | None = None


def documents_of(
    content: PlainText, definition: Definition, directory: Path, *, will_be_read: bool = True
) -> list[Document]:
    """Find what of a file becomes sessions: all of it, each of its documents, or the last.

    Args:
        content: the file.
        definition: its importer.
        directory: for documents that are cut out of it, and for one without its samples.
        will_be_read: else it may be that nobody wants it.

    Raises:
        SourceError: it holds several documents, and they are no runs of their own, nor later states of one.
        UsageError: the importer's section `documents` does not fit.
    """
    whole = [Document(plain=content.plain)]
    if definition.format == "json":
        require_short_document(content.path, content.plain_size)
        cut = _cut_if_one(content, definition, directory) if definition.samples and will_be_read else None
        if cut is not None:
            return [Document(plain=content.plain, cut=cut)]
        return _documents_of_json(content, definition, directory) or whole
    if definition.format == "csv":
        return _behind_blank_lines(content, directory) or whole
    in_lines = definition.format == "lines" and "documents" in definition.sections
    return (in_lines and _runs_of_lines(content, definition, directory)) or whole


def _behind_blank_lines(content: PlainText, directory: Path) -> list[Document]:
    """Cut off what is blank before the first record, which the engine takes for a header; none where nothing is."""
    with content.plain.open("rb") as file:
        blank = sum(1 for _ in itertools.takewhile(lambda line: not line.strip(), file))
        if not blank:
            return []
        path = directory / "behind" / "input"
        with temporary_errors(directory):
            path.parent.mkdir()
            file.seek(0)
            with path.open("wb") as out:
                out.writelines(itertools.islice(file, blank, None))
    return [Document(plain=path, lines_before=blank)]


def _cut_if_one(content: PlainText, definition: Definition, directory: Path) -> CutDocument | None:
    """Cut the samples out of a file of one document, whose end is found so; None of several, and of what is no JSON."""
    try:
        cut = CutDocument(content.plain, definition.samples, directory / "document")
    except SourceError:
        return None  # others say what is wrong
    if cut.documents == 1:
        return cut
    cut.path.unlink()
    return None


def _documents_of_json(content: PlainText, definition: Definition, directory: Path) -> list[Document]:
    """Find the documents of a file of JSON; none where it is one."""
    if not _may_be_several(content.plain):
        return []
    text = content.plain.read_text(encoding="utf-8", errors="replace")
    spans: list[tuple[int, int]] = []
    try:
        spans.extend(_spans(text))
    except (ValueError, RecursionError) as error:
        if not spans:
            return []  # reading it says what is wrong
        raise SourceError(f"{content.path}: {json_fault(text)}") from error
    if len(spans) < 2:
        return []
    holds = f"{content.path}: holds {len(spans):,} JSON documents"
    if definition.documents == "runs":
        return [
            Document(plain=_cut_out(text, span, directory / f"document-{number}"), number=number, is_run=True)
            for number, span in enumerate(spans, start=1)
        ]
    if definition.documents is None:
        raise SourceError(f"{holds}, and a file of {definition.name} is one; make a file of each")
    if not _are_states_of_one(content.plain, definition):
        raise SourceError(f"{holds} that are not all states of one run of {definition.name}; make a file of each run")
    note = f"{holds}, each a later state of the one before; the last alone counts"
    return [Document(plain=_cut_out(text, spans[-1], directory / "document"), number=len(spans), note=note)]


def _runs_of_lines(content: PlainText, definition: Definition, directory: Path) -> list[Document]:
    """Cut a file before the lines at which its importer says that another run begins; none for a file of one run."""
    import duckdb  # noqa: PLC0415 - files of measurements need none of it

    asked = replace(definition, sections={"documents": definition.sections["documents"]})
    try:
        with open_connection(asked, content.plain, {}, 0, None) as connection:
            first_lines = [int(number) for (number,) in selected(connection, asked, "documents")[1]]
    except duckdb.Error:
        return []  # reading it says what is wrong
    runs: list[Document] = []
    with content.plain.open("rb") as file, temporary_errors(directory):
        line = 1
        for number, end in enumerate([*first_lines, None] if first_lines else [], start=1):
            path = directory / f"run-{number}" / "input"
            path.parent.mkdir()
            with path.open("wb") as out:
                out.writelines(file if end is None else itertools.islice(file, end - line))
            runs.append(Document(plain=path, number=number, is_run=True, lines_before=line - 1))
            line = end or line
    if runs:
        note = f"{content.path}: holds {len(runs):,} runs one behind the other; each is a session"
        runs[0] = runs[0]._replace(note=note)
    return runs


def json_fault(text: str, *, is_meant: bool = True) -> str | None:
    """Say where a text is no JSON, by line and column; None where it is sound.

    Args:
        text: one document, or several.
        is_meant: it is to be JSON; else it may be anything that does not look so.
    """
    if text.lstrip()[:1] not in {"{", "["}:
        return _text_before(text, is_meant=is_meant)
    try:
        for _ in _spans(text):
            pass
    except json.JSONDecodeError as error:
        token = _TOKEN.match(text, error.pos)
        is_cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated string")
        found = f"{token[0]!r} is no JSON" if token and error.msg == "Expecting value" else f"is no JSON ({error.msg})"
        return f"line {error.lineno}, column {error.colno}: {found}{'; the file may be cut off' if is_cut else ''}"
    except RecursionError:
        return "its JSON is nested too deeply"
    return None


def _text_before(text: str, *, is_meant: bool) -> str | None:
    """Say that something stands before the JSON of a file."""
    lines = text.split("\n", _FIRST_LINES)[:_FIRST_LINES]
    start, begins = 0, ""
    for number, line in enumerate(lines, start=1):
        if line.startswith("{"):
            try:
                json.JSONDecoder().raw_decode(text, start)
            except (ValueError, RecursionError):
                pass  # nor is this its beginning, or it is broken too
            else:
                begins = f"; the JSON begins in line {number}, delete what is before"
                break
        start += len(line) + 1
    if not begins and not is_meant:
        return None
    number, first = next(((n, one.strip()) for n, one in enumerate(lines, start=1) if one.strip()), (1, ""))
    return f"line {number}, column 1: {first[:60]!r} is no JSON{begins}"


def _may_be_several(plain: Path) -> bool:
    with plain.open("rb", buffering=0) as file:
        block = file.read(_BLOCK_BYTES)
        opening = block.lstrip()[:1]
        between = _BETWEEN.get(opening)
        if between is None:
            return False
        closing = b"}" if opening == b"{" else b"]"
        while block:
            if between.search(block) is not None:
                return True
            # What closes a document may stand at the end of a block, and the next one begin in another.
            block = (closing if block.rstrip(b" \t\r\n").endswith(closing) else b"") + file.read(_BLOCK_BYTES)
            if block == closing:
                return False
    return False


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Find where each document begins and ends."""
    # A number takes three times the memory of what holds it.
    decoder = json.JSONDecoder(parse_float=_passed_over, parse_int=_passed_over)
    at = _end_of_blank(text, 0)
    while at < len(text):
        _, end = decoder.raw_decode(text, at)
        yield at, end
        at = _end_of_blank(text, end)


def _passed_over(_: str) -> None:
    """Make nothing of a number."""


def _end_of_blank(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return at if blank is None else blank.end()


def _cut_out(text: str, span: tuple[int, int], directory: Path) -> Path:
    path = directory / "input"
    with temporary_errors(directory):
        directory.mkdir()
        path.write_text(text[slice(*span)], encoding="utf-8", newline="")
    return path


def _are_states_of_one(plain: Path, definition: Definition) -> bool:
    """Ask the importer whether each document began before the one before it was written."""
    import duckdb  # noqa: PLC0415 - files of measurements need none of it

    if "documents" not in definition.sections:
        return True
    asked = replace(definition, sections={"documents": definition.sections["documents"]})
    try:
        with open_connection(asked, plain, {}, plain.stat().st_size + 1, None) as connection:
            rows: Sequence[tuple[float | None, float | None]] = selected(connection, asked, "documents")[1]
    except duckdb.Error:
        return False  # times that cannot be read say nothing
    return all(
        began is not None and written is not None and began < written
        for (_, written), (began, _) in itertools.pairwise(rows)
    )
