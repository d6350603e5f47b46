"""Importers as SQL files: comments that say how the file is read, then named sections."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.disk.local_path import local_path
from pipeline.errors import UsageError, suggest
from pipeline.importers.decoded import NAMES as READERS
from pipeline.importers.fields import parse_fields
from pipeline.importers.formed_lines import parse_forms
from pipeline.importers.layouts import layout_of_names, parse_columns, parse_layout
from pipeline.importers.metrics import parse_metrics
from pipeline.importers.objects import WantedObjects, parse_objects
from pipeline.importers.reads import parse_reads
from pipeline.importers.samples import parse_samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.importers.fields import Field
    from pipeline.importers.formed_lines import LineForm
    from pipeline.importers.layouts import ColumnType, Layout
    from pipeline.importers.metrics import MetricPattern
    from pipeline.importers.reads import Reads
    from pipeline.importers.samples import SamplePath

FORMATS = ("ndjson", "csv", "lines", "json", "text", "binary")
BY_RECORDS = ("ndjson", "csv", "lines")
DECODED = ("text", "binary")
SECTIONS = ("recognise", "documents", "prepare", "session", "metrics", "warnings", "unused", "measurements")
DOCUMENTS = ("runs", "cumulative")
_HEADS = (
    *("harness", "format", "columns", "fields", "extract", "samples", "companion", "documents", "looks for"),
    *("versions", "layout", "option", "metrics", "revision", "reads", "leaves", "reader", "signs", "form", "objects"),
)
_HEADER = re.compile(rf"^--\s*({'|'.join(_HEADS)})\s*:\s*(.*?)\s*$")
_REPEATED = ("layout", "option", "metrics", "reads", "leaves", "form")
_VERSIONS = re.compile(r"(\d+(?:\.\d+)*) to (\d+(?:\.\d+)*)")
_SECTION = re.compile(r"^--\s*name\s*:\s*(\S+)\s*$")
_RECOGNISES = "\n-- name: recognise\n"
_SIGNS = re.compile(r"^-- signs: (.*)$", re.MULTILINE)
_DIRECTORY = Path(__file__).parent / "harnesses"


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One importer.

    Attributes:
        name: of the importer.
        about: which files it reads, and how: the comment before its head.
        harness: the program whose files it reads, None where nothing says it; one may have several importers.
        format: `ndjson`, `csv` and `lines`, of any text, are read and checked record by record, `json` is one document;
            `text` and `binary` are read by a reader.
        reader: the one that makes records of them.
        sections: SQL by name; `measurements` is there always.
        columns: of CSV files, those that the SQL names: null where a file lacks them.
        column_types: by name in small letters, what the compiled part reads the texts of a column as, where it can.
        layouts: of CSV files without a header line, what their fields may be.
        fields: of NDJSON files, the columns of the view `records`; without any it has the column `json`.
        samples: of documents, where the arrays lie that are cut out of the view `document` and streamed.
        reads: what the SQL reads of the file, and what it leaves on purpose; None where nothing says it.
        extract: lines that hold this text are gathered in a file of their own, `getvariable('extract')`.
        versions: the oldest and the newest version of the harness whose files were tried, None where nothing says it.
        revision: is raised when the same file gives other numbers.
        metrics: what is known of its metrics, by patterns of their names; the first that fits counts.
        choices: what `--assume` may say of a file, by name: the values.
        companions: paths, from the file's directory, of a JSON document that belongs to it, if it is there.
        is_built_in: whether it comes with this package; another one must not be trusted.
        is_typed: attributes that are numbers, or true and false, in all rows stay so; otherwise they become text.
        documents: what several JSON documents of a file are: `runs` of their own, or `cumulative` states of one run,
            each of which extends the one before; None where a file is one.
        looks_for: what it takes samples from, for the message of a file that has none; JSON keys are in backticks.
        signs: texts in small letters, of which each of its files has one in its name or its beginning; without any the
            section `recognise` is asked of every file.
        forms: of lines, those that are taken apart before the SQL sees them.
        objects: of lines of JSON, or of samples, keys of the objects that are taken apart before the SQL sees them.
        lacking: what is wrong with a file that gives no measurement, whatever the options say; None for nothing.
    """

    name: str
    harness: str | None
    format: str
    sections: Mapping[str, str]
    columns: tuple[str, ...] = ()
    column_types: Mapping[str, ColumnType] = field(default_factory=dict)
    layouts: tuple[Layout, ...] = ()
    fields: tuple[Field, ...] = ()
    samples: tuple[SamplePath, ...] = ()
    reads: Reads | None = None
    extract: str | None = None
    reader: str | None = None
    companions: tuple[str, ...] = ()
    versions: tuple[str, str] | None = None
    revision: int = 1
    metrics: tuple[MetricPattern, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    about: str = ""
    is_built_in: bool = False
    is_typed: bool = False
    documents: str | None = None
    looks_for: str = ""
    signs: tuple[str, ...] = ()
    forms: tuple[LineForm, ...] = ()
    objects: WantedObjects | None = None
    lacking: str | None = None

    @property
    def tells_unused(self) -> bool:
        """Whether names that it does not use are counted: where it says what it reads, or `--map` uses all."""
        is_named = bool(self.fields) or self.reads is not None
        return is_named or self.harness is None or self.format in {"lines", *DECODED}

    @property
    def records_stand_alone(self) -> bool:
        """Whether it can be read says nothing of another record, as far as the SQL shows: it looks at one at a time."""
        views = re.compile(r"(?i)\b(records|other_lines|forms|objects|getstats_reports)\b")
        sql = self.sections["measurements"]
        looks_back = views.search(self.sections.get("prepare", "")) or re.search(r"(?i)\bOVER\b", sql)
        return not (self.reader or looks_back) and len(views.findall(sql)) == 1


def parse_definition(text: str, *, name: str, is_built_in: bool = False) -> Definition:
    """Read an importer.

    Args:
        text: the SQL file.
        name: what to call it.
        is_built_in: whether it comes with this package.

    Raises:
        UsageError: it is no importer; the message says what is missing.
    """
    about, headers, repeated, sections = _parts(text, name)
    if "measurements" not in sections:
        raise UsageError(f"{name}: has no line '-- name: measurements' with the SELECT of the measurements after it")
    kind = headers.get("format", "")
    if kind not in FORMATS:
        raise UsageError(f"{name}: needs a line '-- format: ...' that says how files are read: {', '.join(FORMATS)}")
    if repeated["form"] and (kind not in {"lines", "ndjson"} or {"reader", "fields"} & headers.keys()):
        raise UsageError(f"{name}: '-- form:' is for '-- format: lines', and for 'ndjson' without '-- fields:'")
    if "samples" in headers and kind != "json":
        raise UsageError(f"{name}: '-- samples:' is for documents, '-- format: json'; name the fields of lines")
    if "objects" in headers and not ("samples" in headers or (kind in {"lines", "ndjson"} and "fields" not in headers)):
        raise UsageError(f"{name}: '-- objects:' is for lines without '-- fields:', or for '-- samples:'")
    if (kind in DECODED) > ("reader" in headers) or headers.get("reader", READERS[0]) not in READERS:
        raise UsageError(f"{name}: '-- format: {kind}' needs a line '-- reader: ...' of one of {', '.join(READERS)}")
    if "reader" in headers and kind not in {*DECODED, "lines", "json"}:
        raise UsageError(f"{name}: '-- reader:' is for '-- format: json', 'lines', 'text' and 'binary'")
    if headers.get("documents", DOCUMENTS[0]) not in DOCUMENTS:
        hint = suggest(headers["documents"], DOCUMENTS, noun="choices")
        raise UsageError(f"{name}: '-- documents: {headers['documents']}': {hint}")
    columns, column_types = parse_columns(headers["columns"]) if "columns" in headers else ((), {})
    layouts = tuple(parse_layout(line, where=name) for line in repeated["layout"])
    return Definition(
        name=name,
        harness=headers.get("harness", name),
        format=kind,
        sections={key: "\n".join(body).strip().rstrip(";") for key, body in sections.items()},
        columns=columns,
        column_types=column_types,
        layouts=layouts or ((layout_of_names(columns),) if columns else ()),
        fields=parse_fields(headers["fields"], where=name) if "fields" in headers else (),
        samples=parse_samples(headers["samples"], where=name) if "samples" in headers else (),
        reads=parse_reads(repeated["reads"], repeated["leaves"], is_csv=kind == "csv", where=name),
        extract=headers.get("extract"),
        reader=headers.get("reader"),
        companions=tuple(headers["companion"].split()) if "companion" in headers else (),
        versions=_parse_versions(headers["versions"], where=name) if "versions" in headers else None,
        revision=_parse_revision(headers.get("revision", "1"), where=name),
        metrics=tuple(parse_metrics(line, where=name) for line in repeated["metrics"]),
        choices=_parse_options(repeated["option"], where=name),
        about=" ".join(about),
        is_built_in=is_built_in,
        documents=headers.get("documents"),
        signs=_parse_signs(headers["signs"], where=name) if "signs" in headers else (),
        forms=parse_forms(repeated["form"], is_json=kind == "ndjson", where=name),
        objects=parse_objects(headers["objects"], where=name) if "objects" in headers else None,
        looks_for=headers.get("looks for") or f"samples as {headers.get('harness', name)} writes them",
    )


def _parts(text: str, name: str) -> tuple[list[str], dict[str, str], dict[str, list[str]], dict[str, list[str]]]:
    """Take an importer apart: comments before the head, lines of the head, those that may come again, sections."""
    headers: dict[str, str] = {}
    repeated: dict[str, list[str]] = {name: [] for name in _REPEATED}
    sections: dict[str, list[str]] = {}
    lines: list[str] | None = None
    about: list[str] = []
    for line in text.removeprefix("\ufeff").splitlines():
        if section := _SECTION.match(line):
            if section[1] not in SECTIONS or section[1] in sections:
                reason = "occurs twice" if section[1] in sections else suggest(section[1], SECTIONS, noun="sections")
                raise UsageError(f"{name}: section '-- name: {section[1]}': {reason}")
            lines = sections.setdefault(section[1], [])
        elif lines is None and (header := _HEADER.match(line)):
            headers[header[1]] = header[2]
            repeated.get(header[1], []).append(header[2])
        elif lines is not None:
            lines.append(line)
        elif not headers and line.startswith("--"):
            about.append(line.removeprefix("--").strip())
    return about, headers, repeated, sections


def _parse_versions(text: str, *, where: str) -> tuple[str, str]:
    found = _VERSIONS.fullmatch(text)
    if found is None:
        raise UsageError(f"{where}: '-- versions: {text}' cannot be read; write it as 2.2 to 3.42")
    return found[1], found[2]


def _parse_signs(text: str, *, where: str) -> tuple[str, ...]:
    try:
        signs = json.loads(f"[{text}]")
    except ValueError:
        signs = []
    if not signs or not all(isinstance(one, str) and one == one.lower() != "" for one in signs):
        raise UsageError(f'{where}: \'-- signs: {text}\' cannot be read; write texts in small letters: "rtt", "probe"')
    return tuple(signs)


def _parse_revision(text: str, *, where: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError(f"{where}: '-- revision: {text}' must be a whole number, 1 or more")
    return int(text)


def _parse_options(lines: Sequence[str], *, where: str) -> dict[str, tuple[str, ...]]:
    choices = {}
    for line in lines:
        name, *values = line.split()
        if not name.isidentifier() or len(values) < 2:
            raise UsageError(f"{where}: '-- option: {line}' cannot be read; write a name and its values: unit ns us")
        choices[name] = tuple(values)
    return choices


@cache
def built_in() -> tuple[Definition, ...]:
    """List the importers that come with this package."""
    return tuple(map(_built_in, _texts()))


def built_in_of(text: str) -> list[Definition]:
    """List those of them whose file may hold a text: the others need not be asked, nor even be read.

    Args:
        text: the name and the beginning of a file, in small letters.
    """
    return [_built_in(name) for name, signs in _signs().items() if not signs or any(one in text for one in signs)]


@cache
def _texts() -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(_DIRECTORY.glob("*.sql"))}


@cache
def _signs() -> dict[str, tuple[str, ...]]:
    """Give the signs of those that know text."""
    found = ((name, _SIGNS.search(text)) for name, text in _texts().items() if _RECOGNISES in text)
    return {name: _parse_signs(line[1], where=name) if line else () for name, line in found}


@cache
def _built_in(name: str) -> Definition:
    return parse_definition(_texts()[name], name=name, is_built_in=True)


def harness_names() -> list[str]:
    """List the harnesses whose files are known."""
    return sorted({one.harness for one in built_in() if one.harness is not None})


def find_definitions(given: str) -> tuple[Definition, ...]:
    """Find what `--from` names: a harness, one importer of it, or an SQL file.

    Raises:
        UsageError: there is none.
    """
    if given.endswith(".sql"):
        path = local_path(given)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise UsageError(f"--from {given}: cannot be read ({reason})") from error
        return (parse_definition(text, name=path.stem),)
    found = tuple(one for one in built_in() if one.name == given) or tuple(
        one for one in built_in() if one.harness == given
    )
    if not found:
        harnesses = harness_names()
        raise UsageError(f"--from {given!r}: {suggest(given, harnesses, noun='harnesses')}; or name a file.sql")
    return found
